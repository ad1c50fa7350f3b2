#![no_main]

use std::sync::LazyLock;

use futures_lite::future::block_on;
use sotto_client::testing::fuzz::records::{Shelf, run};

static SHELF: LazyLock<Shelf> = LazyLock::new(|| block_on(Shelf::make()));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| block_on(run(&SHELF, bytes)));
