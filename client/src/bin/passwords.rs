//! Word lists and strength estimator, loaded by the worker when somebody chooses a password.

fn main() {
    #[cfg(target_arch = "wasm32")]
    sotto_client::runtime::passwords::serve();
}
