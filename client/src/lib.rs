//! The Sotto client: `engine` thinks, `runtime` does, `ui` shows.

pub mod view;
