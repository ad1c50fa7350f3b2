//! The Sotto client: `engine` thinks, `runtime` does, `ui` shows.

pub mod engine;
pub mod passwords;
#[cfg(target_arch = "wasm32")]
pub mod runtime;
pub mod state;
#[cfg(feature = "testing")]
pub mod testing;
pub mod ui;
pub mod view;
