//! What a fuzzer found worth keeping is read again.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::any::type_name;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sotto_shared::testing::fuzz;

fn every(target: &str, run: fn(&[u8])) {
    let folder = format!("{}/../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        run(&fs::read(file.unwrap().path()).unwrap());
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
fn links_are_read_one_way_or_not_at_all() {
    every("links", fuzz::links);
}

#[test]
fn logs_take_what_was_signed_and_nothing_else() {
    every("user_log", fuzz::user_log);
    every("room_log", fuzz::room_log);
}

/// What the sources declare with `opening` at the beginning of a line: the name behind one of `before`.
fn declared(folder: &Path, openings: &[(&str, &str)], names: &mut BTreeSet<String>) {
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            declared(&path, openings, names);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (opening, before) in openings {
            // The first piece stands before the first of them.
            for piece in format!("\n{text}").split(&format!("\n{opening}")).skip(1) {
                let line = piece.lines().find(|line| line.contains(before)).unwrap();
                let (_, rest) = line.split_once(before).unwrap();
                let name = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap();
                names.insert(name.to_owned());
            }
        }
    }
}

#[test]
fn no_record_and_no_endpoint_is_left_out() {
    macro_rules! types {
        ($($ty:ty),*) => { [$(type_name::<$ty>().rsplit("::").next().unwrap().to_owned()),*] };
    }
    macro_rules! names {
        ($($name:ident),*) => { [$(stringify!($name).to_owned()),*] };
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut records = BTreeSet::new();
    let openings = [
        ("record! {", "pub struct "),
        ("choice! {", "pub enum "),
        ("impl Codec for ", ""),
    ];
    declared(&sources, &openings, &mut records);
    records.remove("bool");
    assert_eq!(records, BTreeSet::from(sotto_shared::every_record!(types)));
    let mut endpoints = BTreeSet::new();
    declared(&sources, &[("endpoint! {", "\", ")], &mut endpoints);
    assert_eq!(endpoints, BTreeSet::from(sotto_shared::every_endpoint!(names)));
}
