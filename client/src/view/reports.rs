//! What members say is wrong, for those who may act on it.

use serde::{Deserialize, Serialize};
use sotto_shared::id::{ChannelId, MessageId, ReportId, RoomId, UserId};

/// What waits in a room to be gone through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reports {
    pub room: RoomId,
    /// How many there are, by the server's word; `items` has the oldest of them.
    pub open: u32,
    pub items: Vec<Report>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub id: ReportId,
    /// `None`: it does not open, or nobody in the room signed it.
    pub said: Option<Reported>,
}

/// What somebody in the room signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    pub by: UserId,
    /// Milliseconds since 1970; not later than now.
    pub at_ms: u64,
    /// May be empty.
    pub words: String,
    pub messages: Vec<Exhibit>,
}

/// A message that somebody shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exhibit {
    /// Its author signed it in this room.
    Verified(Proven),
    /// Nothing shows that anybody here wrote it: its words are not passed on.
    Unverified,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proven {
    pub by: UserId,
    pub channel: ChannelId,
    pub message: MessageId,
    /// By their clock; not later than now.
    pub at_ms: u64,
    pub text: String,
    /// What a message was changed to, rather than a message.
    pub is_change: bool,
    /// It was taken away since, as far as this browser knows.
    pub is_gone: bool,
}
