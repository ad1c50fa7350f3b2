#![no_main]

use std::sync::LazyLock;

use futures_lite::future::block_on;
use sotto_client::testing::fuzz::{Past, run};

static PAST: LazyLock<Past> = LazyLock::new(|| block_on(Past::make()));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(fault) = block_on(run(&PAST, bytes)) {
        panic!("{fault}");
    }
});
