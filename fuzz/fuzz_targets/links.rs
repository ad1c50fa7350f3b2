#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    sotto_shared::testing::fuzz::links(bytes);
    sotto_client::testing::fuzz::places(bytes);
});
