//! One message: a header the relay reads, a content only members read, and the transcript that orders them.

#[cfg(feature = "e2ee")]
pub mod content;
pub mod header;
pub mod transcript;
