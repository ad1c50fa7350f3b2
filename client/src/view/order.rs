//! What moderators do, what holds because of it, and the log of all changes of a room.

use super::Rights;
use serde::{Deserialize, Serialize};
use sotto_shared::id::{ChannelId, MessageId, RoomId, UserId};

/// What a moderator does, for the room as a whole or about one person or message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Measure {
    Remove {
        user: UserId,
    },
    /// Removed, and not let in again before it is lifted.
    Ban {
        user: UserId,
    },
    Unban {
        user: UserId,
    },
    /// Milliseconds since 1970; 0 lifts it.
    TimeOut {
        user: UserId,
        until_ms: u64,
    },
    /// 0: everybody writes as often as they like.
    SlowMode {
        channel: ChannelId,
        seconds: u32,
    },
    /// Somebody else's message goes for everybody.
    TakeAway {
        channel: ChannelId,
        message: MessageId,
        /// Whose it is, as the page says: a number alone may stand for something else.
        by: UserId,
    },
}

/// What holds in a room beside who is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub room: RoomId,
    pub banned: Vec<UserId>,
    /// Those that hold now.
    pub time_outs: Vec<TimeOut>,
    pub slow: Vec<SlowMode>,
    /// The newest entry of the log: whoever shows it asks again when this has grown.
    pub newest: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeOut {
    pub user: UserId,
    pub by: UserId,
    pub until_ms: u64,
    /// Empty when none was given.
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowMode {
    pub channel: ChannelId,
    /// Between two texts.
    pub seconds: u32,
    /// Whether this person is held to it.
    pub holds: bool,
    /// When the next text of this person goes out, milliseconds since 1970; 0: at once.
    pub next_ms: u64,
}

/// A part of the log of changes, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    pub lines: Vec<Line>,
    /// How many there are that fit what was asked for.
    pub total: u32,
    /// Everybody who did something, or to whom something was done.
    pub people: Vec<UserId>,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub seq: u64,
    pub at_ms: u64,
    pub by: UserId,
    pub what: Deed,
    /// Why, if they said so, and the entry that says it.
    pub reason: Option<(u64, String)>,
    /// Of the entry, as text.
    pub hash: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DeedKind {
    People,
    Roles,
    Order,
    Messages,
    Settings,
    Keys,
}

/// What became of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelChange {
    Archived,
    /// Out of the archive.
    Restored,
    /// From this name to that.
    Renamed(String, String),
    Topic,
    /// Something else, or its key is not here.
    Other,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Deed {
    Made,
    Added {
        who: UserId,
        role_id: u8,
    },
    LetIn {
        who: UserId,
    },
    Joined {
        role_id: u8,
    },
    Asked,
    SentAway {
        who: UserId,
    },
    Left,
    Removed {
        who: UserId,
    },
    Banned {
        who: UserId,
    },
    Unbanned {
        who: UserId,
    },
    RoleGiven {
        who: UserId,
        role_id: u8,
    },
    TimedOut {
        who: UserId,
        until_ms: u64,
    },
    TimeOutLifted {
        who: UserId,
    },
    SlowMode {
        channel: ChannelId,
        seconds: u32,
    },
    /// Whose message it was, if it is known here.
    TookAway {
        whose: Option<UserId>,
    },
    /// Kept a message at hand, or does no more.
    Pinned {
        whose: Option<UserId>,
        on: bool,
    },
    Lifetime {
        seconds: u32,
    },
    /// Empty: its key is not here.
    Named {
        name: String,
    },
    /// Whether who joins can read what was before.
    History {
        shared: bool,
    },
    InviteMade {
        role_id: u8,
        max_uses: u32,
        expires_ms: u64,
        approval: bool,
    },
    InviteTakenBack,
    Closed,
    /// A role that is new, or may do something else. Its name is empty where its key is not here.
    RoleDefined {
        role_id: u8,
        name: String,
        rights: Rights,
        is_new: bool,
    },
    RoleDropped {
        role_id: u8,
        /// What it was called.
        name: String,
    },
    ChannelMade {
        channel: ChannelId,
    },
    ChannelChanged {
        channel: ChannelId,
        change: ChannelChange,
    },
    ChannelPeople {
        channel: ChannelId,
        added: Vec<UserId>,
        removed: Vec<UserId>,
    },
    ChannelsArranged,
    ChannelKey {
        channel: ChannelId,
    },
    NewKey {
        n: u32,
    },
    /// The room knows other browsers or keys of somebody now.
    Keys {
        who: UserId,
        identity: bool,
        device: bool,
        closed: bool,
    },
}

impl Deed {
    pub const fn kind(&self) -> DeedKind {
        match self {
            Self::Made
            | Self::Added { .. }
            | Self::LetIn { .. }
            | Self::Joined { .. }
            | Self::Asked
            | Self::SentAway { .. }
            | Self::Left => DeedKind::People,
            Self::RoleGiven { .. } | Self::RoleDefined { .. } | Self::RoleDropped { .. } => DeedKind::Roles,
            Self::Removed { .. }
            | Self::Banned { .. }
            | Self::Unbanned { .. }
            | Self::TimedOut { .. }
            | Self::TimeOutLifted { .. }
            | Self::SlowMode { .. } => DeedKind::Order,
            Self::TookAway { .. } | Self::Pinned { .. } | Self::Lifetime { .. } => DeedKind::Messages,
            Self::Named { .. }
            | Self::History { .. }
            | Self::InviteMade { .. }
            | Self::InviteTakenBack
            | Self::ChannelMade { .. }
            | Self::ChannelChanged { .. }
            | Self::ChannelPeople { .. }
            | Self::ChannelsArranged
            | Self::Closed => DeedKind::Settings,
            Self::NewKey { .. } | Self::ChannelKey { .. } | Self::Keys { .. } => DeedKind::Keys,
        }
    }

    /// To whom it was done.
    pub const fn whom(&self) -> Option<UserId> {
        match self {
            Self::Added { who, .. }
            | Self::LetIn { who }
            | Self::SentAway { who }
            | Self::Removed { who }
            | Self::Banned { who }
            | Self::Unbanned { who }
            | Self::RoleGiven { who, .. }
            | Self::TimedOut { who, .. }
            | Self::TimeOutLifted { who }
            | Self::Keys { who, .. } => Some(*who),
            Self::TookAway { whose } | Self::Pinned { whose, .. } => *whose,
            _ => None,
        }
    }
}
