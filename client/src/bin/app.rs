//! The page's thread: shows, and asks the worker.

#[cfg(target_arch = "wasm32")]
fn main() {
    sotto_client::ui::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {}
