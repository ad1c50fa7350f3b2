//! What is kept when a room stops: who said what, with signatures, so that others can be shown and can check it.

use serde::{Deserialize, Serialize};
use sotto_shared::api::B64;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::{PublicKey, SignatureBytes, SignedBlob};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::envelope::content::{Content, MessageBody};
use sotto_shared::envelope::header::{Header, MessageKind};
use sotto_shared::id::{DeviceKeyId, Head, MessageId, RoomId, UserId};
use sotto_shared::log::room_log::SUITE_1;

use super::{Ctx, Engine, Out};
use crate::view::{self, Chat, Outcome, Problem, Tamper};

/// Where somebody stood, by what they have signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, from = "Stored")]
pub(crate) enum Signed {
    /// A beacon or a receipt, with all that shows it.
    Whole(Statement),
    /// It was said with a message. The signature covers its words as well, and those are not kept here: whoever has the
    /// message can check it.
    WithWords(Standpoint),
}

/// Content as its device signed it (label `msg`). There are no words in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Statement {
    /// Encoded `Content`: it names the person, the browser, and where they stood in log and transcript.
    content: B64,
    sig: B64,
    /// The browser's key, as the person's log has it.
    key: B64,
}

/// What content says of where its author stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standpoint {
    /// The message's `envelope_hash`.
    message: Option<Head>,
    user_id: UserId,
    device: DeviceKeyId,
    log_seq: u64,
    log_head: Head,
    seen_seq: u64,
    seen_t: Head,
    ts: u64,
}

/// As it lies in the store: versions before this one kept the words.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Whole(Statement),
    WithWords(Standpoint),
}

impl From<Stored> for Signed {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Whole(statement) => match Content::from_bytes(&statement.content.0) {
                Ok(content) if has_words(&content) => Self::WithWords(Standpoint::new(&content, None)),
                _ => Self::Whole(statement),
            },
            Stored::WithWords(standpoint) => Self::WithWords(standpoint),
        }
    }
}

const fn has_words(content: &Content) -> bool {
    !content.body.is_aside()
        || matches!(
            content.body,
            // Nor has the key of a picture to be handed on with it.
            MessageBody::Profile { .. } | MessageBody::Picture { .. }
        )
}

impl Standpoint {
    const fn new(content: &Content, message: Option<Head>) -> Self {
        Self {
            message,
            user_id: content.user_id,
            device: content.dk_id,
            log_seq: content.log_seq,
            log_head: content.log_head,
            seen_seq: content.seen_seq,
            seen_t: content.seen_t,
            ts: content.ts,
        }
    }
}

impl Signed {
    /// Content has one encoding, so what was signed can be made again from it. `message`: what it came in, by its hash.
    pub fn new(content: &Content, sig: SignatureBytes, key: &PublicKey, message: Option<Head>) -> Self {
        if has_words(content) {
            return Self::WithWords(Standpoint::new(content, message));
        }
        Self::Whole(Statement {
            content: B64(content.to_bytes()),
            sig: B64(sig.to_vec()),
            key: B64(key.as_bytes().to_vec()),
        })
    }

    fn by(&self) -> Option<UserId> {
        match self {
            Self::Whole(statement) => Content::from_bytes(&statement.content.0)
                .ok()
                .map(|content| content.user_id),
            Self::WithWords(standpoint) => Some(standpoint.user_id),
        }
    }
}

/// What did not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cause {
    what: Thing,
    /// The entry, or the message, that it is about.
    seq: u64,
    ours: Head,
    theirs: Head,
    /// Who signed `theirs`; nobody did if it is the server's own word.
    signed: Option<Signed>,
    /// Encoded `SignedBlob` of the other entry, where it came.
    entry: Option<B64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Thing {
    /// Hash of a log entry.
    Entry,
    /// Transcript after a message.
    Messages,
    /// Hash of one message.
    Envelope,
}

impl Cause {
    const fn new(what: Thing, seq: u64, ours: Head, theirs: Head) -> Self {
        Self {
            what,
            seq,
            ours,
            theirs,
            signed: None,
            entry: None,
        }
    }

    pub const fn entry(seq: u64, ours: Head, theirs: Head) -> Self {
        Self::new(Thing::Entry, seq, ours, theirs)
    }

    pub const fn messages(seq: u64, ours: Head, theirs: Head) -> Self {
        Self::new(Thing::Messages, seq, ours, theirs)
    }

    pub const fn envelope(seq: u64, ours: Head, theirs: Head) -> Self {
        Self::new(Thing::Envelope, seq, ours, theirs)
    }

    /// The entry of the log that came in the place of ours; it carries its own signature.
    pub fn with_entry(mut self, blob: &SignedBlob) -> Self {
        self.entry = Some(B64(blob.to_bytes()));
        self
    }

    pub fn by(mut self, signed: Signed) -> Self {
        self.signed = Some(signed);
        self
    }
}

/// Kept with the room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Evidence {
    at_ms: u64,
    cause: Cause,
    /// Where this browser stood, signed by it at that moment.
    ours: Option<Signed>,
}

/// The file a person can hand on. Only what was said of the room, signatures and public keys: no text of any message.
#[derive(Serialize)]
struct Report<'a> {
    room_id: RoomId,
    why: Tamper,
    #[serde(flatten)]
    evidence: &'a Evidence,
}

impl<S: Suite> Engine<S> {
    /// Stops a room, and keeps what shows why.
    pub(super) async fn freeze_with(
        &mut self,
        id: Chat,
        why: Tamper,
        cause: Option<Cause>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        if let Some(cause) = cause {
            let ours = self.sign_standpoint(id, ctx).await;
            if let Some(room) = self.rooms.get_mut(&id.room)
                && room.evidence.is_none()
            {
                room.evidence = Some(Evidence {
                    at_ms: ctx.now_ms,
                    cause,
                    ours,
                });
            }
        }
        self.freeze(id.room, why, out);
    }

    /// What a beacon would say, signed and not sent.
    async fn sign_standpoint(&self, id: Chat, ctx: &mut Ctx<'_, S>) -> Option<Signed> {
        let (room, me) = (self.place(id)?, self.me.as_ref()?);
        let header = Header {
            suite: SUITE_1,
            kind: MessageKind::Ephemeral,
            room_id: id.room,
            channel: id.channel,
            n: room.epoch_number(),
            msg_id: MessageId::from_bytes([0; 16]),
            ttl_class: 0,
            del_commit: [0; 32],
        };
        let content = self.statement(room, &header, ctx.now_ms).ok()?;
        let sig = ctx.suite.sign(&me.key, Label::Message, &content).await.ok()?;
        let key = ctx.suite.device_public_key(&me.key);
        Some(Signed::Whole(Statement {
            content: B64(content),
            sig: B64(sig.to_vec()),
            key: B64(key.as_bytes().to_vec()),
        }))
    }

    pub(super) fn show_evidence(&self, id: RoomId) -> Result<Option<Outcome>, Problem> {
        let room = self.rooms.get(&id).ok_or(Problem::RoomClosed)?;
        let (Some(why), Some(evidence)) = (room.frozen, &room.evidence) else {
            return Ok(Some(Outcome::Evidence(None)));
        };
        let cause = &evidence.cause;
        let by = cause.signed.as_ref().and_then(Signed::by);
        let with_words = matches!(cause.signed, Some(Signed::WithWords(_)));
        let report = Report {
            room_id: id,
            why,
            evidence,
        };
        Ok(Some(Outcome::Evidence(Some(view::Evidence {
            at_ms: evidence.at_ms,
            by,
            with_words,
            about_log: cause.what == Thing::Entry,
            seq: cause.seq,
            ours: cause.ours.to_string(),
            theirs: cause.theirs.to_string(),
            file: serde_json::to_string_pretty(&report).map_err(super::account::internal)?,
        }))))
    }
}
