//! What the tests of every crate share: fixed randomness, people with their logs, rooms, and the vectors that every
//! [`Suite`](crate::crypto::suite::Suite) must pass. Behind the feature `testing`; no product build has it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

pub mod fuzz;
pub mod people;
mod rng;
pub mod vectors;

pub use rng::FixedRng;
pub use vectors::run_suite_vectors;

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads lower-case or upper-case hex; panics at anything else.
pub fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "an odd number of hex digits");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex"))
        .collect()
}
