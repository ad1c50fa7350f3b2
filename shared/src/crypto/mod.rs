//! Every cryptographic operation of Sotto. `label`, `hash` and `sign` are all that the relay links; the rest is behind the
//! feature `e2ee` and belongs to the client.

#[cfg(feature = "e2ee")]
pub mod epoch;
pub mod hash;
pub mod label;
pub mod sign;

#[cfg(feature = "e2ee")]
pub mod kem;
#[cfg(feature = "e2ee")]
pub mod password;
#[cfg(feature = "e2ee")]
pub mod recovery;
#[cfg(feature = "e2ee")]
pub mod seal;
#[cfg(feature = "e2ee")]
pub mod secret;
#[cfg(feature = "e2ee")]
pub mod suite;
