#![no_main]

use std::sync::LazyLock;

use futures_lite::future::block_on;
use sotto_client::testing::fuzz::accept::{Den, run};

static DEN: LazyLock<Den> = LazyLock::new(|| block_on(Den::make()));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(fault) = block_on(run(&DEN, bytes)) {
        panic!("{fault}");
    }
});
