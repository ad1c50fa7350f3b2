//! What this browser keeps: records that the runtime seals, and the account that lets it open them again.

use serde::{Deserialize, Serialize};
use sotto_shared::api::B64;
use sotto_shared::api::body::Wrap;
use sotto_shared::envelope::header::envelope_hash;
use sotto_shared::id::{ChannelId, DeviceKeyId, Head, MessageId, PictureId, RoomId, UserId};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::drafts::DraftRecord;
use super::replies::Ties;
use super::threads::named_thread;
use crate::view::{Chat, Problem, Unreadable};

/// Where a record lies. The store turns the ids into opaque names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Person(UserId),
    /// Log and wraps.
    Room(RoomId),
    /// Position, counters.
    Channel(Chat),
    /// Why a room is stopped.
    Stop(RoomId),
    Message(Chat, u64),
    Outgoing(Chat, MessageId),
    /// What stands where one writes: in the conversation, or in the thread that begins with this message.
    Draft(Chat, Option<Head>),
    Picture(UserId),
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
    /// Everything but messages and pictures. Of what waits to be sent, what other tabs that are open have written stays with them.
    Base { lane: [u8; 8] },
    /// Messages `from..=to` of a channel.
    Messages { chat: Chat, from: u64, to: u64 },
    /// The picture of a person.
    Picture(UserId),
}

/// What was loaded, opened again.
#[derive(Debug, Default)]
pub struct Loaded {
    pub people: Vec<PersonRecord>,
    pub rooms: Vec<RoomRecord>,
    pub channels: Vec<ChannelRecord>,
    pub stops: Vec<StopRecord>,
    pub messages: Vec<MessageRecord>,
    /// Those of tabs that are still open stay with them.
    pub outgoing: Vec<OutgoingRecord>,
    pub drafts: Vec<DraftRecord>,
    pub keys: Option<KeysRecord>,
    pub pictures: Vec<PictureRecord>,
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
    /// The password of a guest, which nobody else has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<String>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<super::profiles::Profile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) picture: Option<super::pictures::Told>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RoomRecord {
    pub room_id: RoomId,
    /// Encoded `SignedBlob`s, the genesis first.
    pub log: Vec<B64>,
    pub wraps: Vec<Wrap>,
    /// When each entry was made, as far as it can be believed.
    #[serde(default)]
    pub times: Vec<u64>,
    #[serde(default)]
    pub(crate) claims: Vec<(UserId, super::beacons::Claim)>,
}

/// That a room is stopped for good, or was left for good here. Apart from the room's own record, so that another tab which has not noticed, and keeps
/// what it knows of the room, does not undo it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StopRecord {
    pub room_id: RoomId,
    pub why: Option<crate::view::Tamper>,
    pub(crate) evidence: Option<super::evidence::Evidence>,
    /// The person has left it, though its log cannot say so.
    #[serde(default)]
    pub left: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChannelRecord {
    pub room_id: RoomId,
    /// Versions before this one knew `MAIN` alone.
    #[serde(default = "main")]
    pub channel: ChannelId,
    pub seq: u64,
    pub t: Head,
    /// Number of the oldest message that is kept; `seq + 1` when there is none.
    pub oldest: u64,
    /// The transcript before it.
    pub before_oldest: Head,
    pub read_seq: u64,
    #[serde(default)]
    pub turn: u32,
    #[serde(default)]
    pub read_ms: u64,
    /// `unread` is less than there may be.
    #[serde(default)]
    pub guessed: bool,
    /// Number of the newest message when the newest room key came: how many were sent under it.
    pub epoch_seq: u64,
    pub unread: u32,
    /// Of those, what calls or answers this person.
    #[serde(default)]
    pub mentions: u32,
    pub preview: Option<PreviewRecord>,
    /// Where the newest senders' chains stand, so that what was heard before a reload is not heard again.
    #[serde(default)]
    pub lanes: Vec<LaneRecord>,
    /// Of chains that ended up to this number there may be some that are not known any more, or never were.
    #[serde(default)]
    pub lanes_from: u64,
    /// The newest log entry that the author of any message so far had seen.
    #[serde(default)]
    pub log_seq: u64,
    /// The newest messages whose sender is not known here: those of which the server let go before they were read, and those
    /// that were locked when they came. Senders' chains go on over them.
    #[serde(default)]
    pub passed_over: Vec<(u64, Head)>,
    /// From which message on some are to go, and when the first of them does.
    #[serde(default)]
    pub fades: Option<(u64, u64)>,
    /// Messages of ours that are deleted, whose bytes the server may still have.
    #[serde(default)]
    pub deletions: Vec<Deletion>,
    /// How far threads were read, and what stands where one answers.
    #[serde(default)]
    pub threads: super::threads::ThreadsRecord,
    /// What members have read.
    #[serde(default)]
    pub receipts: Vec<(UserId, super::receipts::Receipt)>,
    /// Up to which message each has verified.
    #[serde(default)]
    pub reached: Vec<(UserId, u64)>,
    /// The number of what this person is called, as the others were told.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub profile_told: u64,
    /// The same of their picture.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub picture_told: u64,
}

/// The picture of a person, opened and found to be one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PictureRecord {
    pub user_id: UserId,
    pub id: PictureId,
    pub image: B64,
}

fn is_nothing(number: &u64) -> bool {
    *number == 0
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
    /// The message it is; 0 if a version before this one kept it.
    #[serde(default)]
    pub seq: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MessageRecord {
    pub room_id: RoomId,
    #[serde(default = "main")]
    pub channel: ChannelId,
    pub seq: u64,
    pub msg_id: MessageId,
    pub hash: Head,
    /// The transcript after it.
    pub t: Head,
    /// Its sender wrote something before it that never came.
    pub gap: bool,
    /// Of one's own: what the secret for deleting it has to hash to.
    #[serde(default)]
    pub del_commit: Option<[u8; 32]>,
    pub body: StoredBody,
}

/// A message of ours that the server is to let go of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    pub message: MessageId,
    pub commit: Option<[u8; 32]>,
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
        #[serde(default)]
        until_ms: Option<u64>,
        #[serde(default, skip_serializing_if = "Ties::is_none")]
        ties: Ties,
    },
    Poll {
        by: By,
        poll: PollRecord,
    },
    /// Says something about an earlier one.
    Act {
        by: By,
        act: Act,
    },
    /// A text or a poll that was deleted or has had its time.
    Erased {
        by: By,
        /// The thread it belonged to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thread: Option<Head>,
    },
    /// The server has let go of it before it was read here.
    Gone,
    /// Kept as it came, to be opened when the key is here.
    Locked {
        header: B64,
        envelope: B64,
    },
    Unreadable(Unreadable),
}

/// Who signed a message, and where in the log and in their own chain.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct By {
    pub author: UserId,
    pub device: DeviceKeyId,
    pub lane: [u8; 8],
    pub ctr: u64,
    pub log_seq: u64,
    /// Their clock, but neither after it came in nor before the room was made.
    pub at_ms: u64,
    /// When it is to be gone.
    pub until_ms: Option<u64>,
}

impl By {
    pub fn is_due(&self, now_ms: u64) -> bool {
        self.until_ms.is_some_and(|until| until <= now_ms)
    }
}

/// What is said about another message, the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    Edit {
        target: Head,
        text: String,
    },
    Delete {
        target: Head,
        edits: Vec<Head>,
    },
    React {
        target: Head,
        emoji: String,
        on: bool,
    },
    /// What somebody chooses in a poll: bit k is the option k.
    Vote {
        target: Head,
        choices: u16,
        /// Its author's clock, as it is: whether it came in time must not hang on when it was read.
        said_ms: u64,
    },
    EndPoll {
        target: Head,
    },
    /// An edit, a reaction or a vote that has gone with its target.
    Past {
        target: Head,
    },
}

impl Act {
    pub const fn target(&self) -> Head {
        match self {
            Self::Edit { target, .. }
            | Self::Delete { target, .. }
            | Self::React { target, .. }
            | Self::Vote { target, .. }
            | Self::EndPoll { target }
            | Self::Past { target } => *target,
        }
    }
}

/// What somebody asks, and the answers to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollRecord {
    pub question: String,
    pub options: Vec<String>,
    /// More than one may be chosen.
    pub several: bool,
    /// No vote counts that was written then or later; 0: it ends when somebody ends it.
    pub ends_ms: u64,
}

impl StoredBody {
    /// Whether it has words of its own.
    pub const fn speaks(&self) -> bool {
        matches!(self, Self::Text { .. } | Self::Poll { .. })
    }

    pub fn text(by: By, text: &str, ties: Ties) -> Self {
        Self::Text {
            author: by.author,
            device: by.device,
            lane: by.lane,
            ctr: by.ctr,
            log_seq: by.log_seq,
            at_ms: by.at_ms,
            text: text.to_owned(),
            until_ms: by.until_ms,
            ties,
        }
    }

    /// Who signed it, if it was verified.
    pub const fn by(&self) -> Option<By> {
        match self {
            Self::Text {
                author,
                device,
                lane,
                ctr,
                log_seq,
                at_ms,
                until_ms,
                ..
            } => Some(By {
                author: *author,
                device: *device,
                lane: *lane,
                ctr: *ctr,
                log_seq: *log_seq,
                at_ms: *at_ms,
                until_ms: *until_ms,
            }),
            Self::Act { by, .. } | Self::Poll { by, .. } | Self::Erased { by, .. } => Some(*by),
            Self::Gone | Self::Locked { .. } | Self::Unreadable(_) => None,
        }
    }

    /// What is left of it when its words go.
    pub fn emptied(&self) -> Option<Self> {
        let by = self.by()?;
        Some(match self {
            Self::Act { act, .. } => Self::Act {
                by,
                act: Act::Past { target: act.target() },
            },
            _ => Self::Erased {
                by,
                thread: named_thread(self),
            },
        })
    }

    /// When words in it are to go.
    pub fn words_until(&self) -> Option<u64> {
        match self {
            Self::Text { until_ms, .. } => *until_ms,
            Self::Poll { by, .. } => by.until_ms,
            Self::Act {
                by,
                act: Act::Edit { .. } | Act::React { .. } | Act::Vote { .. } | Act::EndPoll { .. },
            } => by.until_ms,
            _ => None,
        }
    }
}

/// A message on its way out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutgoingRecord {
    pub room_id: RoomId,
    #[serde(default = "main")]
    pub channel: ChannelId,
    pub msg_id: MessageId,
    /// The tab it was written in.
    pub lane: [u8; 8],
    /// Empty when it says something about another message; of a poll the question.
    pub text: String,
    #[serde(default, skip_serializing_if = "Ties::is_none")]
    pub ties: Ties,
    #[serde(default)]
    pub act: Option<Act>,
    #[serde(default)]
    pub poll: Option<PollRecord>,
    pub at_ms: u64,
    /// Order among those that wait.
    pub place: u64,
    /// The sealed bytes, once there are any: a retry sends the same.
    pub sealed: Option<SealedRecord>,
    pub failed: Option<Problem>,
    /// It may be with the relay already, and is to be deleted as soon as that is known.
    #[serde(default)]
    pub taken_back: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealedRecord {
    pub n: u32,
    /// The newest message that its author had seen.
    #[serde(default)]
    pub seen: u64,
    pub header: B64,
    pub envelope: B64,
}

impl SealedRecord {
    /// The identity of the message that it makes.
    pub fn hash(&self) -> Head {
        Head::from_bytes(*envelope_hash(&self.header.0, &self.envelope.0).as_bytes())
    }

    /// What it takes in a frame, but for what is around it.
    pub const fn chars(&self) -> usize {
        (self.header.0.len().div_ceil(3) + self.envelope.0.len().div_ceil(3)) * 4
    }
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
    /// Lists of the vault.
    #[serde(default)]
    pub(crate) books: Vec<BookRecord>,
    /// The newest encoded `Manifest` of the vault: an older one is refused.
    #[serde(default)]
    pub manifest: Option<B64>,
}

/// A list of the vault.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct BookRecord {
    pub book: super::books::Book,
    pub plain: B64,
    /// The revision it has in the vault.
    pub rev: u64,
    /// The vault has not got it as it is here.
    pub unsent: bool,
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

pub(super) const fn main() -> ChannelId {
    ChannelId::MAIN
}

impl ChannelRecord {
    pub const fn chat(&self) -> Chat {
        Chat {
            room: self.room_id,
            channel: self.channel,
        }
    }
}

impl MessageRecord {
    pub const fn chat(&self) -> Chat {
        Chat {
            room: self.room_id,
            channel: self.channel,
        }
    }
}

impl OutgoingRecord {
    pub const fn chat(&self) -> Chat {
        Chat {
            room: self.room_id,
            channel: self.channel,
        }
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// What the versions before edits, deletions and lifetimes kept.
    #[test]
    fn older_records_are_read() {
        let (room, user, head, id) = (
            RoomId::from_bytes([1; 32]),
            UserId::from_bytes([2; 32]),
            Head::from_bytes([3; 32]),
            MessageId::from_bytes([4; 16]),
        );
        let device = DeviceKeyId::from_bytes([5; 32]);
        let text = format!(
            r#"{{"room_id":"{room}","seq":7,"msg_id":"{id}","hash":"{head}","t":"{head}","gap":false,"body":{{"Text":{{
            "author":"{user}","device":"{device}","lane":[0,0,0,0,0,0,0,0],"ctr":3,"log_seq":2,"at_ms":9,"text":"hello"}}}}}}"#
        );
        let message: MessageRecord = serde_json::from_str(&text).unwrap();
        let by = message.body.by().unwrap();
        assert_eq!((by.author, by.ctr, by.until_ms), (user, 3, None));
        let text = format!(
            r#"{{"room_id":"{room}","msg_id":"{id}","lane":[0,0,0,0,0,0,0,0],"text":"on its way","at_ms":9,"place":1,
            "sealed":null,"failed":null}}"#
        );
        let outgoing: OutgoingRecord = serde_json::from_str(&text).unwrap();
        assert_eq!((outgoing.text.as_str(), outgoing.act), ("on its way", None));
        let text = format!(
            r#"{{"room_id":"{room}","seq":7,"t":"{head}","oldest":1,"before_oldest":"{head}","read_seq":7,"epoch_seq":0,
            "unread":0,"preview":{{"author":"{user}","text":"hello","at_ms":9}},"draft":"half a thou",
            "threads":{{"floor":5,"drafts":{{"{head}":"half an answer"}}}}}}"#
        );
        let channel: ChannelRecord = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (channel.preview.unwrap().seq, channel.fades, channel.deletions.len()),
            (0, None, 0)
        );
        let room: RoomRecord = serde_json::from_str(&format!(r#"{{"room_id":"{room}","log":[],"wraps":[]}}"#)).unwrap();
        assert!(channel.receipts.is_empty());
        assert!(room.times.is_empty());
    }
}
