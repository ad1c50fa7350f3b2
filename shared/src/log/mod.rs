//! Signed, hash-chained logs. The relay only orders them; whoever reads one verifies it from its genesis.
//!
//! [`user_log`] holds a person's keys and devices, [`room_log`] a room's members and room keys, with [`roles`] and [`channels`]. `extend` takes
//! entries as they were received and gives a new state that is [`Unproven`](crate::crypto::sign::Unproven) until the
//! signatures were checked: the relay checks them on the spot, the client in bulk through its `Suite`.

pub mod channels;
pub mod moderation;
pub mod roles;
pub mod room_log;
pub mod standing;
pub mod user_log;

use crate::codec::DecodeError;
use crate::id::UserId;

/// Why a log entry is refused. On the relay it is the sender's fault; on a client it means the relay, or somebody with
/// its help, tried something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    #[error("not decodable: {0}")]
    Decode(#[from] DecodeError),
    #[error("not the next number")]
    Sequence,
    #[error("does not build on the last entry")]
    Chain,
    #[error("belongs to another log")]
    WrongLog,
    #[error("the log is closed")]
    Closed,
    #[error("the actor is not a member")]
    NotMember,
    #[error("the device is not active in the room's view of its owner")]
    DeviceNotActive,
    #[error("the actor's role does not allow this")]
    NotAllowed,
    #[error("already there")]
    AlreadyThere,
    #[error("no such member or device")]
    NoSuchTarget,
    #[error("the target is banned")]
    Banned,
    #[error("a room needs an owner")]
    LastOwner,
    #[error("the members of a direct message never change")]
    RosterFrozen,
    #[error("too many members or devices")]
    TooMany,
    /// The entry names a user log that the caller did not bring far enough: fetch it and try again.
    #[error("needs the log of {user:?} up to {seq}")]
    NeedsUserLog { user: UserId, seq: u64 },
    #[error("does not fit the user log it names")]
    UserLogMismatch,
    #[error("not the next room key, or made for other members")]
    BadEpoch,
    #[error("weaker or unknown cipher suite")]
    BadSuite,
    #[error("a cut names a channel, or a number, that is not known")]
    BadCut,
    #[error("no such invite, or its id is not that of its key")]
    NoSuchInvite,
    #[error("the invite is revoked, expired or used up, or its maker may not invite any more")]
    InviteOver,
    #[error("a member has this role, or an open invite gives it")]
    InUse,
    #[error("a signature does not verify")]
    Signature,
}
