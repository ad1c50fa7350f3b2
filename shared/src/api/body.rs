//! Bodies of the HTTP endpoints, in the order a person meets them.

use serde::{Deserialize, Serialize};

use super::{B64, Endpoint};
use crate::codec::{Bytes, List, Text};
use crate::crypto::sign::PublicKey;
use crate::envelope::header::envelope_hash;
use crate::id::{ChannelId, DeviceKeyId, EnvelopeHash, Head, ItemId, MessageId, RoomId, UserId};
use crate::record;

macro_rules! endpoint {
    ($(#[$meta:meta])* $path:literal, $name:ident { $($(#[$fm:meta])* $field:ident : $ty:ty),* $(,)? } -> $reply:ty) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fm])* pub $field: $ty),* }
        impl Endpoint for $name {
            const PATH: &'static str = $path;
            type Reply = $reply;
        }
    };
}

/// An answer without contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

// --- Account -----------------------------------------------------------------------------------------------------------

record! {
    /// What registering signs, with the sign-in key and with the identity key.
    pub struct Registration = 0x0602, 1 {
        pub realm: Text<253>,
        pub handle: Text<32>,
        pub salt: [u8; 16],
        /// Argon2id profile, see `crypto::password`.
        pub profile: u8,
        /// Sign-in key.
        pub ak: PublicKey,
        /// Encoded `UserGenesis`.
        pub genesis: Bytes<1024>,
        /// Encoded `SignedBlob` of the first AddDevice.
        pub device: Bytes<1024>,
        pub vault_header: Bytes<1024>,
        pub items: List<VaultPutRecord, 16>,
    }
}

record! {
    pub struct VaultPutRecord {
        pub item_id: ItemId,
        pub sealed: Bytes<65_536>,
    }
}

record! {
    /// What the sign-in key signs.
    pub struct LoginProof = 0x0601, 1 {
        pub realm: Text<253>,
        pub handle: Text<64>,
        pub challenge: [u8; 32],
        pub session_nonce: [u8; 32],
    }
}

record! {
    /// What a device signs to open a session.
    pub struct SessionProof = 0x0603, 1 {
        pub realm: Text<253>,
        pub user_id: UserId,
        pub dk_id: DeviceKeyId,
        pub challenge: [u8; 32],
    }
}

endpoint! {
    /// What anyone may know of this relay.
    "info", Info {} -> InfoReply
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfoReply {
    /// The name accounts belong to.
    pub realm: String,
    /// Version of this API.
    pub api: u32,
    /// Milliseconds since 1970.
    pub now_ms: u64,
}

/// Version of this API.
pub const API_VERSION: u32 = 1;

endpoint! {
    "register", Register {
        /// Encoded `Registration`.
        registration: B64,
        /// By the sign-in key, label `register`.
        ak_sig: B64,
        /// By the identity key, label `register`.
        ik_sig: B64,
    } -> Grant
}

/// What a password gives: a token good for ten minutes, for one's own account and to open one session; not for rooms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub token: String,
}

endpoint! {
    "sign-in/start", SignInStart { handle: String } -> SignInChallenge
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInChallenge {
    /// 16 bytes; made up for a handle nobody has.
    pub salt: B64,
    pub profile: u8,
    /// 32 bytes, good once and for a minute.
    pub challenge: B64,
    pub expires_ms: u64,
}

endpoint! {
    "sign-in/prove", SignInProve {
        handle: String,
        challenge: B64,
        session_nonce: B64,
        /// By the sign-in key over `LoginProof`, label `login`.
        sig: B64,
    } -> SignInGrant
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInGrant {
    /// As in [`Grant`].
    pub token: String,
    pub vault_header: B64,
    pub items: Vec<VaultItem>,
    pub log: UserLogBody,
}

/// A vault item, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultItem {
    pub item_id: ItemId,
    /// Rises by one with every change; 1 is the first.
    pub rev: u64,
    pub sealed: B64,
}

/// A user log, or the part of it from `from_seq` on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLogBody {
    pub user_id: UserId,
    pub handle: String,
    /// Encoded `UserGenesis`; only when the log is asked for from its beginning.
    pub genesis: Option<B64>,
    /// Encoded `SignedBlob`s; the first has number `from_seq`, or 1.
    pub entries: Vec<B64>,
}

endpoint! {
    /// With a grant: a device's key alone opens no session, so that ending sessions lasts.
    "session/start", SessionStart {} -> SessionChallenge
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionChallenge {
    pub challenge: B64,
}

endpoint! {
    /// With the grant that asked for the challenge, which is used up.
    "session/prove", SessionProve {
        dk_id: DeviceKeyId,
        challenge: B64,
        /// By the device over `SessionProof`, label `session`.
        sig: B64,
    } -> SessionGrant
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionGrant {
    pub token: String,
    pub expires_ms: u64,
}

endpoint! {
    /// Ends the session whose token this is.
    "session/end", SessionEnd {} -> Empty
}

endpoint! {
    /// Ends every other session of this account; their sockets close within a second.
    "session/end-others", SessionEndOthers {} -> Empty
}

endpoint! {
    "session/list", SessionList {} -> SessionListReply
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionListReply {
    pub sessions: Vec<SessionInfo>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    pub dk_id: DeviceKeyId,
    pub created_ms: u64,
    pub seen_ms: u64,
}

endpoint! {
    "vault/get", VaultGet {} -> VaultGetReply
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultGetReply {
    pub header: B64,
    pub items: Vec<VaultItem>,
}

endpoint! {
    /// All or nothing. `rev` is the revision that is written: one more than the one there is.
    "vault/put", VaultPut { puts: Vec<VaultItem> } -> Empty
}

endpoint! {
    "users/find", UserFind { handle: String } -> UserLogBody
}

endpoint! {
    /// Anyone signed in may read anyone's log: it holds public keys.
    "users/log", UserLogGet {
        user_id: UserId,
        /// 0: from the genesis.
        from_seq: u64,
    } -> UserLogBody
}

endpoint! {
    /// Appends to one's own log. `StaleHead` when another browser was faster.
    "users/append", UserLogAppend {
        /// Encoded `SignedBlob`s.
        entries: Vec<B64>,
    } -> Empty
}

// --- Rooms ---------------------------------------------------------------------------------------------------------------

/// A room key wrapped for one member. The signed commitment in the log authenticates it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrap {
    pub channel: ChannelId,
    pub n: u32,
    pub user_id: UserId,
    /// Generation of the member's KEM key.
    pub g: u32,
    /// 65 bytes, uncompressed point.
    pub enc: B64,
    /// 48 bytes.
    pub ct: B64,
}

endpoint! {
    /// A new room with its first entries and wraps, all or nothing. Done again with the same genesis it changes nothing.
    "rooms/create", RoomCreate {
        /// Encoded `SignedBlob` of the genesis.
        genesis: B64,
        entries: Vec<B64>,
        wraps: Vec<Wrap>,
    } -> RoomHead
}

endpoint! {
    /// Appends by compare-and-swap, all or nothing, with the wraps that go with it.
    "rooms/append", RoomAppend {
        room_id: RoomId,
        entries: Vec<B64>,
        wraps: Vec<Wrap>,
    } -> RoomHead
}

/// Where a room stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomHead {
    pub room_id: RoomId,
    pub seq: u64,
    pub head: Head,
    pub channels: Vec<ChannelHead>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelHead {
    pub channel: ChannelId,
    pub seq: u64,
    pub t: Head,
}

endpoint! {
    /// A former member may read up to the entry that took them out.
    "rooms/log", RoomLogGet {
        room_id: RoomId,
        /// 0: from the genesis.
        from_seq: u64,
    } -> RoomLogReply
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomLogReply {
    /// Encoded `SignedBlob`s; the first has number `from_seq`. At most `MAX_LOG_PAGE`: ask again from behind the last.
    pub entries: Vec<B64>,
    /// Number of the newest entry this person may read.
    pub seq: u64,
}

endpoint! {
    /// The caller's own wraps in a room, newest epoch first.
    "rooms/wraps", WrapsGet {
        room_id: RoomId,
        /// Only epochs from this one on.
        from_n: u32,
    } -> WrapsReply
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrapsReply {
    pub wraps: Vec<Wrap>,
}

endpoint! {
    /// Wraps for members who lack them; those that exist already stay.
    "rooms/put-wraps", WrapsPut { room_id: RoomId, wraps: Vec<Wrap> } -> Empty
}

endpoint! {
    /// Messages of a channel, ascending by number, at most `limit` and `MAX_PAGE`.
    "messages/page", PageGet {
        room_id: RoomId,
        channel: ChannelId,
        from: PageFrom,
        limit: u32,
    } -> Page
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageFrom {
    /// The first `limit` after this number.
    After(u64),
    /// The last `limit` before this number.
    Before(u64),
    /// The newest.
    End,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Transcript before the first message of this page.
    pub before: ChannelHead,
    pub messages: Vec<StoredMessage>,
    /// Transcript at the end of the channel now.
    pub head: ChannelHead,
}

/// A message as the relay keeps it: the bytes that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMessage {
    pub seq: u64,
    /// Encoded `Header`.
    pub header: B64,
    pub envelope: B64,
    /// The bytes were deleted, or have had their time: what is left is their hash, for the transcript.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gone: Option<EnvelopeHash>,
}

impl StoredMessage {
    /// What enters the transcript.
    pub fn hash(&self) -> EnvelopeHash {
        self.gone
            .unwrap_or_else(|| envelope_hash(&self.header.0, &self.envelope.0))
    }
}

endpoint! {
    /// Lets go of a message's bytes. Whoever knows the secret that its header commits to wrote it.
    "messages/delete", MessageDelete {
        room_id: RoomId,
        channel: ChannelId,
        msg_id: MessageId,
        /// 32 bytes.
        del_secret: B64,
    } -> Empty
}
