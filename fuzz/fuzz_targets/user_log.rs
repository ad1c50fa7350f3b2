#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sotto_shared::testing::fuzz::user_log(bytes));
