//! The engine in a small world: browsers, a relay and the network between them, all in memory, driven step by step.
//!
//! ```text
//!  Browser ── engine, disk, screen      commands ─▶ inputs ─▶ Engine::handle ─▶ effects, performed in order
//!     │ requests: in any order    ▲ answers
//!     │ socket: in order          │ frames
//!     ▼                           │
//!  World ── picks by its seed what happens next; what the relay says goes through a [`Tamper`]
//!     ▼                           │
//!  ModelRelay ── the honest relay's rules over plain maps
//! ```
//!
//! No clock, no threads and no I/O: host and wasm alike, over any [`Suite`](sotto_shared::crypto::suite::Suite).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod browser;
pub mod forge;
pub mod fuzz;
pub mod relay;
pub mod tamper;
pub mod world;

pub use browser::{Browser, Line};
pub use relay::ModelRelay;
pub use tamper::{Peer, Tamper};
pub use world::{Snapshot, World, password};
