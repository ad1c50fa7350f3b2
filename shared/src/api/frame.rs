//! Frames of the live socket, `/api/v1/live`, as JSON text.
//!
//! The first frame is `Hello`; `Welcome` answers it with where everything stands, so a client that was away knows what
//! to fetch. A sent message has no acknowledgement of its own: hearing it back as `Message` is the receipt.

use serde::{Deserialize, Serialize};

use super::B64;
use super::body::{RoomHead, StoredMessage};
use super::error::ErrorCode;
use crate::id::{ChannelId, ItemId, MessageId, RoomId, UserId};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ToRelay {
    Hello {
        token: String,
        api: u32,
    },
    /// At most `MAX_SEND_BATCH`, taken or refused one by one.
    Send {
        messages: Vec<Outgoing>,
    },
    /// Asks the others in a room to wrap its newest key anew. Passed on, not stored.
    KeyRequest {
        room_id: RoomId,
        /// Encoded `SignedBlob` of a `KeyRequest`, at most `MAX_KEY_REQUEST_BYTES`.
        request: B64,
    },
    Ping,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outgoing {
    /// Encoded `Header`: it names room, channel and message.
    pub header: B64,
    pub envelope: B64,
}

/// The revision that an item of the vault has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRev {
    pub item_id: ItemId,
    pub rev: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromRelay {
    /// Every room of this person and where it stands.
    Welcome {
        rooms: Vec<RoomHead>,
        /// Who of their people has no account any more, as the relay has it: not all could sign its end.
        #[serde(default)]
        closed: Vec<UserId>,
        /// Newest entry of one's own user log.
        user_log_seq: u64,
        now_ms: u64,
    },
    Message {
        room_id: RoomId,
        channel: ChannelId,
        message: StoredMessage,
    },
    /// What somebody says to those who are there now. Not stored: whoever is away misses it.
    Ephemeral {
        room_id: RoomId,
        channel: ChannelId,
        /// Encoded `Header`.
        header: B64,
        envelope: B64,
    },
    /// What lies in a slot from now on, also to whoever wrote it. `slots/list` has it for those who were away.
    Slot {
        room_id: RoomId,
        channel: ChannelId,
        /// Encoded `Header`.
        header: B64,
        envelope: B64,
    },
    /// Somebody in the room has no key that opens.
    KeyRequest {
        room_id: RoomId,
        /// As it was sent.
        request: B64,
    },
    /// New entries of a room's log; also the first word of a room one was added to.
    Log {
        room_id: RoomId,
        /// Number of the first entry; 0 is the genesis.
        from_seq: u64,
        /// Encoded `SignedBlob`s.
        entries: Vec<B64>,
    },
    /// Wraps for this person were stored in a room.
    Wraps {
        room_id: RoomId,
    },
    /// There are other reports in a room than before that this person can open.
    Reports {
        room_id: RoomId,
    },
    /// One's own user log, or a contact's, has new entries.
    UserLog {
        user_id: UserId,
        seq: u64,
    },
    /// Items of one's own vault were written, in this browser or in another one.
    Vault {
        items: Vec<ItemRev>,
    },
    /// A message was not taken.
    Refused {
        room_id: RoomId,
        msg_id: MessageId,
        code: ErrorCode,
        retry_secs: Option<u32>,
    },
    Pong,
    /// The last frame before the relay closes.
    Bye {
        code: ErrorCode,
    },
}
