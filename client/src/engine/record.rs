//! What this browser keeps: records that the runtime seals, and the account that lets it open them again.

use serde::{Deserialize, Serialize};
use sotto_shared::api::B64;
use sotto_shared::api::body::Wrap;
use sotto_shared::id::{DeviceKeyId, Head, MessageId, RoomId, UserId};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::view::{Problem, Unreadable};

/// Where a record lies. The store turns the ids into opaque names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Person(UserId),
    /// Log and wraps.
    Room(RoomId),
    /// Position, counters, draft.
    Channel(RoomId),
    Message(RoomId, u64),
    Outgoing(RoomId, MessageId),
    /// Private KEM keys and vault revisions.
    Keys,
}

/// `None` removes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub key: Key,
    pub value: Option<Vec<u8>>,
}

/// What to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Everything but messages. Of what waits to be sent, what other tabs that are open have written stays with them.
    Base { lane: [u8; 8] },
    /// Messages `from..=to` of a room.
    Messages { room: RoomId, from: u64, to: u64 },
}

/// What was loaded, opened again.
#[derive(Debug, Default)]
pub struct Loaded {
    pub people: Vec<PersonRecord>,
    pub rooms: Vec<RoomRecord>,
    pub channels: Vec<ChannelRecord>,
    pub messages: Vec<MessageRecord>,
    /// Those of tabs that are still open stay with them.
    pub outgoing: Vec<OutgoingRecord>,
    pub keys: Option<KeysRecord>,
    /// It could not be read: written by a newer version, or damaged.
    pub problem: Option<Problem>,
}

/// The account this browser stays signed in to. Sealed under a key that the browser does not hand out.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct KeptAccount {
    #[zeroize(skip)]
    pub user_id: UserId,
    pub handle: String,
    pub realm: String,
    pub token: String,
    #[zeroize(skip)]
    pub dk_id: DeviceKeyId,
    /// The day vault key.
    pub dvk: [u8; 32],
}

impl std::fmt::Debug for KeptAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeptAccount({:?})", self.user_id)
    }
}

/// The same, shut: under a key from the day vault key, which is in the vault alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedAccount {
    pub handle: String,
    pub realm: String,
    pub sealed: Vec<u8>,
}

/// What this browser keeps of an account.
#[derive(Debug)]
pub enum Kept {
    Open(KeptAccount),
    Locked(LockedAccount),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PersonRecord {
    pub user_id: UserId,
    pub handle: String,
    pub genesis: B64,
    pub entries: Vec<B64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RoomRecord {
    pub room_id: RoomId,
    /// Encoded `SignedBlob`s, the genesis first.
    pub log: Vec<B64>,
    pub wraps: Vec<Wrap>,
    pub frozen: Option<crate::view::Tamper>,
    #[serde(default)]
    pub(crate) evidence: Option<super::evidence::Evidence>,
    #[serde(default)]
    pub(crate) claims: Vec<(UserId, super::beacons::Claim)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChannelRecord {
    pub room_id: RoomId,
    pub seq: u64,
    pub t: Head,
    /// Number of the oldest message that is kept; `seq + 1` when there is none.
    pub oldest: u64,
    /// The transcript before it.
    pub before_oldest: Head,
    pub read_seq: u64,
    /// Number of the newest message when the newest room key came: how many were sent under it.
    pub epoch_seq: u64,
    pub unread: u32,
    pub preview: Option<PreviewRecord>,
    pub draft: String,
    /// Where the newest senders' chains stand, so that what was heard before a reload is not heard again.
    #[serde(default)]
    pub lanes: Vec<LaneRecord>,
    /// The newest log entry that the author of any message so far had seen.
    #[serde(default)]
    pub log_seq: u64,
}

/// The end of one chain of a sender's messages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LaneRecord {
    pub device: DeviceKeyId,
    pub lane: [u8; 8],
    pub ctr: u64,
    /// Its newest envelope.
    pub head: Head,
    /// That envelope's number in the channel.
    pub seq: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PreviewRecord {
    pub author: UserId,
    pub text: String,
    pub at_ms: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MessageRecord {
    pub room_id: RoomId,
    pub seq: u64,
    pub msg_id: MessageId,
    pub hash: Head,
    /// The transcript after it.
    pub t: Head,
    /// Its sender wrote something before it that never came.
    pub gap: bool,
    pub body: StoredBody,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum StoredBody {
    Text {
        author: UserId,
        device: DeviceKeyId,
        lane: [u8; 8],
        ctr: u64,
        log_seq: u64,
        at_ms: u64,
        text: String,
    },
    /// Kept as it came, to be opened when the key is here.
    Locked {
        header: B64,
        envelope: B64,
    },
    Unreadable(Unreadable),
}

/// A message on its way out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutgoingRecord {
    pub room_id: RoomId,
    pub msg_id: MessageId,
    /// The tab it was written in.
    pub lane: [u8; 8],
    pub text: String,
    pub at_ms: u64,
    /// Order among those that wait.
    pub place: u64,
    /// The sealed bytes, once there are any: a retry sends the same.
    pub sealed: Option<SealedRecord>,
    pub failed: Option<Problem>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealedRecord {
    pub n: u32,
    pub header: B64,
    pub envelope: B64,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct KeysRecord {
    /// (generation, private key)
    pub kem: Vec<(u32, B64)>,
    /// Encoded pins with the revision they have in the vault.
    pub pins: Vec<(B64, u64)>,
    /// Pins that the vault has not got yet.
    #[serde(default)]
    pub unsent: Vec<UserId>,
    /// The newest encoded `Manifest` of the vault: an older one is refused.
    #[serde(default)]
    pub manifest: Option<B64>,
}

impl Drop for KeysRecord {
    fn drop(&mut self) {
        for (_, key) in &mut self.kem {
            key.0.zeroize();
        }
    }
}

impl std::fmt::Debug for KeysRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeysRecord(…)")
    }
}

/// A record to be saved.
pub(crate) fn save(key: Key, value: &impl Serialize) -> Record {
    // Plain data without maps: serialising it cannot fail.
    Record {
        key,
        value: serde_json::to_vec(value).ok(),
    }
}

pub(crate) const fn remove(key: Key) -> Record {
    Record { key, value: None }
}
