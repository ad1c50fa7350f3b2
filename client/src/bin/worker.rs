//! The worker's wasm: engine and runtime.

fn main() {
    #[cfg(target_arch = "wasm32")]
    wasm_bindgen_futures::spawn_local(sotto_client::runtime::run());
}
