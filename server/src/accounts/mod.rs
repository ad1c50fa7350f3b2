//! People: how an account begins, how a browser proves it belongs to one, what its vault and user log hold.
//!
//! ```text
//!  register ─▶ (password) sign-in/start ─▶ sign-in/prove ─▶ grant, ten minutes: own vault, own log
//!              (device)   session/start ─▶ session/prove ─▶ session: everything else
//!              (identity) rekey · recovery · reset: what takes the password, in one transaction each
//! ```

pub mod challenge;
pub mod close;
pub mod guests;
pub mod held;
pub mod pictures;
pub mod register;
pub mod rekey;
pub mod sessions;
pub mod sign_in;
pub mod users;
pub mod vault;
