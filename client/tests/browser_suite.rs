//! The browser's own cryptography passes the same vectors as ours, and so does the fallback, in a real browser's worker.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use sotto_client::runtime::webcrypto::WebCrypto;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::testing::run_suite_vectors;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

fn scope() -> web_sys::DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

#[wasm_bindgen_test]
async fn webcrypto_passes_the_vectors() {
    let suite = WebCrypto::new(&scope());
    assert!(suite.subtle().is_some(), "the test page is a secure context");
    let report = run_suite_vectors(&suite).await;
    assert!(
        report.verified > 500 && report.signed > 0 && report.unwrapped > 0 && report.opened > 35,
        "{report:?}"
    );
}

#[wasm_bindgen_test]
async fn a_browser_without_webcrypto_passes_the_vectors() {
    let report = run_suite_vectors(&WebCrypto::with(None)).await;
    assert!(report.verified > 500 && report.signed > 0, "{report:?}");
}

#[wasm_bindgen_test]
async fn our_own_code_passes_the_vectors_compiled_to_wasm() {
    let report = run_suite_vectors(&RustCrypto).await;
    assert!(report.verified > 500 && report.opened > 35, "{report:?}");
}
