//! What the Sotto client and relay agree on. Native and wasm; no I/O, no clock, no randomness of its own.
//!
//! ```text
//!  id ── codec ──┬── crypto   label · hash · sign          (both sides)
//!                │            secret · seal · kem · password · recovery · suite   (feature `e2ee`: the client alone)
//!                ├── log      user_log · room_log: signed entries and the pure `apply`
//!                ├── envelope header (the relay reads) · content (`e2ee`) · transcript
//!                ├── api      HTTP bodies, socket frames, limits, error codes
//!                └── vault · attention · safety · link · file · picture  (`e2ee`)
//! ```
//!
//! The relay is built without `e2ee`, so nothing it links can open a message.

pub mod api;
#[cfg(feature = "e2ee")]
pub mod attention;
pub mod codec;
pub mod contacts;
pub mod crypto;
pub mod envelope;
#[cfg(feature = "e2ee")]
pub mod file;
pub mod id;
#[cfg(feature = "e2ee")]
pub mod link;
pub mod log;
#[cfg(feature = "e2ee")]
pub mod picture;
#[cfg(feature = "e2ee")]
pub mod report;
#[cfg(feature = "e2ee")]
pub mod safety;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "e2ee")]
pub mod vault;
