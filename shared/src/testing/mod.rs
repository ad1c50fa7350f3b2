//! What the tests of every crate share: fixed randomness, people with their logs, rooms, and the vectors that every
//! [`Suite`](crate::crypto::suite::Suite) must pass. Behind the feature `testing`; no product build has it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

pub mod fuzz;
pub mod people;
mod rng;
pub mod spaces;
pub mod vectors;

pub use rng::FixedRng;
pub use vectors::run_suite_vectors;

/// Hands all types that have an encoding of their own to the macro `$then`, behind whatever else is for it.
#[macro_export]
macro_rules! every_record {
    ($then:ident $($before:tt)*) => {
        $then! {
            $($before)*
            $crate::log::user_log::UserGenesis, $crate::log::user_log::UserEntry, $crate::log::user_log::UserBody,
            $crate::log::room_log::RoomGenesis, $crate::log::room_log::RoomEntry, $crate::log::room_log::RoomBody,
            $crate::log::room_log::RoomKind, $crate::log::room_log::History, $crate::log::room_log::Role,
            $crate::log::room_log::Policy, $crate::log::room_log::MemberRef, $crate::log::room_log::Cut,
            $crate::log::roles::CustomRole, $crate::log::roles::Rights, $crate::log::channels::ChannelKind,
            $crate::log::room_log::EpochReason, $crate::log::room_log::JoinMode,
            $crate::envelope::header::Header, $crate::envelope::header::MessageKind,
            $crate::envelope::content::Content, $crate::envelope::content::MessageBody,
            $crate::file::File, $crate::file::FileKind, $crate::file::FileKey,
            $crate::link::InviteCard, $crate::api::body::InviteProof,
            $crate::api::body::PeekProof, $crate::contacts::Contacts, $crate::contacts::Contact,
            $crate::contacts::ContactState, $crate::contacts::OwnProfile, $crate::picture::Picture,
            $crate::picture::OwnPicture,
            $crate::crypto::kem::WrapInfo, $crate::crypto::kem::KeyRequest,
            $crate::report::ReportInfo, $crate::report::Reported, $crate::report::Report,
            $crate::crypto::sign::SignedBlob, $crate::crypto::sign::PublicKey,
            $crate::vault::VaultHeader, $crate::vault::VaultWrap, $crate::vault::Method, $crate::vault::Manifest,
            $crate::vault::Pin, $crate::vault::PinState, $crate::vault::Saved, $crate::vault::SavedList,
            $crate::attention::Levels, $crate::attention::Level, $crate::attention::Choice, $crate::attention::Usual,
            $crate::attention::Marks, $crate::attention::Mark, $crate::envelope::content::Here,
            $crate::api::body::Registration, $crate::api::body::VaultPutRecord, $crate::api::body::LoginProof,
            $crate::api::body::SessionProof, $crate::api::body::KeyChange, $crate::api::body::RecoveryChange
        }
    };
}

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
