//! What a fuzzer found worth keeping is read again.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use sotto_shared::testing::fuzz;

fn every(target: &str, run: fn(&[u8])) {
    let folder = format!("{}/../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        run(&std::fs::read(file.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "{target}");
}

#[test]
fn bytes_are_decoded_one_way_or_not_at_all() {
    every("decode", fuzz::decode);
}

#[test]
fn json_is_read_one_way_or_not_at_all() {
    every("json", fuzz::json);
}

#[test]
fn logs_take_what_was_signed_and_nothing_else() {
    every("user_log", fuzz::user_log);
    every("room_log", fuzz::room_log);
}
