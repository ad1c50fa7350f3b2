//! A relay that lies, alone or together with a member: the attacks of `docs/protocol.md`, section 14, by their numbers, and
//! those on spaces and on order.
//!
//! Each shows what the person is told, that nothing forged stands among the messages, and that nothing was sealed for
//! whoever attacks. Eve and Dan are accounts without an engine: the relay has their keys.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod accounts;
mod channel_keys;
#[path = "../club/mod.rs"]
mod club;
mod eve;
mod keys;
mod links;
mod logs;
mod messages;
mod moderation;
mod roles;
mod said;
mod spaces;
mod stage;
mod versions;
