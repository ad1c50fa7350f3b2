#![no_main]

use std::sync::LazyLock;

use tokio::runtime::Runtime;

#[path = "../../server/tests/relay/fuzz.rs"]
mod fuzz;
#[path = "../../server/tests/relay/support.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod support;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("threads"));
static POND: LazyLock<fuzz::Pond> = LazyLock::new(|| RUNTIME.block_on(fuzz::Pond::make()));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let pond = &*POND;
    RUNTIME.block_on(pond.run(bytes));
});
