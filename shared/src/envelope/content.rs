//! The part of a message only members read: who, what, and the sender's signed view of the room.
//!
//! ```text
//! plaintext = u32 length ‖ content ‖ signature[64] ‖ zero padding      (512 B, 1, 2, 4, 8, 16 KiB, then Padmé)
//! envelope  = Seal(KDF(ES_n, "msg-key", room ‖ channel), "sealed-msg", header, plaintext)
//! ```
//!
//! The signature lies inside the seal: members cannot pass for each other, and the relay gets no proof of authorship.

use rand::CryptoRng;

use super::header::{Header, envelope_hash, padded_len};
use crate::api::limits::{
    MAX_EDITS, MAX_EMOJI_BYTES, MAX_MENTIONS, MAX_OPTION_BYTES, MAX_OPTIONS, MAX_QUESTION_BYTES, MAX_TEXT_BYTES,
};
use crate::codec::{Codec, DecodeError, List, Reader, Text};
use crate::contacts::{MAX_NAME_BYTES, MAX_STATUS_BYTES};
use crate::crypto::hash::hash;
use crate::crypto::label::Label;
use crate::crypto::seal::{self, OpenError};
use crate::crypto::secret::{DayVaultKey, DerivedKey, EpochSecret, derive, opaque_id};
use crate::crypto::sign::{PublicKey, SignatureBytes, Unproven, VerifyJob};
use crate::id::{ChannelId, DeviceKeyId, EnvelopeHash, Head, MessageId, RoomId, UserId};
use crate::picture::Picture;
use crate::{choice, record};

record! {
    pub struct Content = 0x0402, 1 {
        /// Binds the content to its header.
        pub header_hash: [u8; 32],
        pub user_id: UserId,
        pub dk_id: DeviceKeyId,
        /// Random for each start of a client: several tabs of one device write side by side.
        pub lane: [u8; 8],
        /// 1, 2, … in this lane; 0 for what is said in passing. In a slot: more than in any value before, whoever's browser wrote
        /// it.
        pub ctr: u64,
        /// The envelope before this one in the lane; for the first, [`lane_start`].
        pub prev_own: Head,
        /// The room log as the sender knew it.
        pub log_seq: u64,
        pub log_head: Head,
        /// The channel's transcript as the sender knew it.
        pub seen_seq: u64,
        pub seen_t: Head,
        /// The sender's clock, milliseconds since 1970.
        pub ts: u64,
        pub body: MessageBody,
    }
}

choice! {
    pub enum MessageBody {
        1 = Text { text: Text<MAX_TEXT_BYTES> },
        /// A text that is to be gone `ttl` seconds after it was written.
        2 = FadingText { text: Text<MAX_TEXT_BYTES>, ttl: u32 },
        /// Another text for one's own message.
        3 = Edit { target: EnvelopeHash, text: Text<MAX_TEXT_BYTES> },
        /// One's own message is to be gone, and with it what it was changed to.
        4 = Delete { target: EnvelopeHash, edits: List<EnvelopeHash, MAX_EDITS> },
        /// Puts a reaction to a message, or takes it back.
        5 = React { target: EnvelopeHash, emoji: Text<MAX_EMOJI_BYTES>, on: bool },
        /// A text that answers another, belongs to a thread or calls people; body 1 or 2 where it does nothing of that.
        6 = Post {
            text: Text<MAX_TEXT_BYTES>, ttl: u32, reply: Option<EnvelopeHash>, thread: Option<EnvelopeHash>, everyone: bool,
            mentions: List<UserId, MAX_MENTIONS>,
        },
        /// A text from another conversation, handed on. It says neither whose it was nor where it stood.
        7 = Forwarded { text: Text<MAX_TEXT_BYTES>, ttl: u32 },
        /// A question with answers to choose from: one, or `several`. No vote counts that was written at `ends` or later; 0: the
        /// poll ends when somebody ends it.
        8 = Poll {
            question: Text<MAX_QUESTION_BYTES>,
            options: List<Text<MAX_OPTION_BYTES>, MAX_OPTIONS>,
            several: bool,
            ends: u64,
            ttl: u32,
        },
        /// What its author chooses in a poll, all of it: bit k is the option k. 0 takes the vote back.
        9 = Vote { target: EnvelopeHash, choices: u16 },
        /// The poll is over.
        10 = EndPoll { target: EnvelopeHash },
        /// Nothing but where its author stands: `log_seq`, `log_head`, `seen_seq` and `seen_t` of the content. Ephemeral.
        16 = Beacon,
        /// What its author has read, up to this message; no further than `seen_seq`. In a slot, the one called [`RECEIPT`].
        17 = Receipt { read: u64 },
        /// Its author is writing in this channel. Ephemeral.
        18 = Typing,
        /// Whether its author is at their screen. Ephemeral.
        19 = Presence { state: Here },
        /// How its author is called, and what they say of themself. In a slot, the one called [`PROFILE`].
        20 = Profile { name: Text<MAX_NAME_BYTES>, status: Text<MAX_STATUS_BYTES> },
        /// Where its author's picture lies and what opens it, or that there is none. In a slot, the one called [`PICTURE`].
        21 = Picture { picture: Option<Picture> },
    }
}

impl MessageBody {
    /// Whether it is no message: said in passing, or kept in a slot.
    pub const fn is_aside(&self) -> bool {
        matches!(
            self,
            Self::Beacon
                | Self::Receipt { .. }
                | Self::Typing
                | Self::Presence { .. }
                | Self::Profile { .. }
                | Self::Picture { .. }
        )
    }
}

choice! {
    /// What somebody lets others know of where they are.
    #[derive(Copy, PartialOrd, Ord)]
    pub enum Here {
        1 = Here,
        /// Signed in, and not looking.
        2 = Away,
        3 = Gone,
        /// Not told any more: gone in every tab of that browser.
        4 = Hidden,
    }
}

/// The name of the slot for what somebody has read.
pub const RECEIPT: &str = "receipt";
/// The name of the slot for what somebody is called.
pub const PROFILE: &str = "profile";
/// The name of the slot for the picture of somebody.
pub const PICTURE: &str = "picture";

/// `HMAC(KDF(DVK, "slot-key"), room ‖ channel ‖ name)[..16]`, each with its length: where an author's value lies. It is the
/// same under every room key and in every browser of the account, and nobody else can tell whose it is.
pub fn slot_id(day_key: &DayVaultKey, room: &RoomId, channel: &ChannelId, name: &str) -> MessageId {
    let key = derive(day_key.expose(), Label::SlotKey, &[]);
    MessageId::from_bytes(opaque_id(&key, &[room.as_bytes(), channel.as_bytes(), name.as_bytes()]))
}

/// Whether this can stand as a reaction: signs beyond ASCII, no words, nothing that turns text around or hides in it.
pub fn is_emoji(text: &str) -> bool {
    let fits = |c: char| {
        let turns = matches!(c, '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        !c.is_alphabetic() && !c.is_whitespace() && !c.is_control() && !turns
    };
    text.len() <= MAX_EMOJI_BYTES && !text.is_ascii() && text.chars().all(fits)
}

/// `H("lane", dk_id ‖ lane)`: what the first message of a lane builds on.
pub fn lane_start(device: &DeviceKeyId, lane: &[u8; 8]) -> Head {
    Head::from_bytes(hash(Label::LaneStart, &[device.as_bytes(), lane]))
}

/// `K = KDF(ES_n, "msg-key", room ‖ channel)`.
pub fn message_key(epoch: &EpochSecret, room: &RoomId, channel: &ChannelId) -> DerivedKey {
    derive(
        epoch.expose(),
        Label::MessageKey,
        &[room.as_bytes(), channel.as_bytes()],
    )
}

/// The context an envelope is sealed under: `lp("sealed-msg") ‖ header`.
pub fn envelope_context(header: &[u8]) -> Vec<u8> {
    seal::context(Label::SealedMessage, &[header])
}

/// A message ready to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedMessage {
    pub header: Vec<u8>,
    pub envelope: Vec<u8>,
    pub hash: EnvelopeHash,
}

/// Seals signed content. `sig` is the device's signature over `content`, label `msg`.
pub fn seal_message<R: CryptoRng + ?Sized>(
    rng: &mut R,
    key: &DerivedKey,
    header: &Header,
    content: &[u8],
    sig: &SignatureBytes,
) -> SealedMessage {
    let mut plain = zeroize::Zeroizing::new(Vec::new());
    (content.len() as u32).encode(&mut plain);
    plain.extend_from_slice(content);
    plain.extend_from_slice(sig);
    let padded = padded_len(plain.len());
    plain.resize(padded, 0);
    let header = header.to_bytes();
    let envelope = seal::seal(rng, key.expose(), &envelope_context(&header), &plain);
    let hash = envelope_hash(&header, &envelope);
    SealedMessage { header, envelope, hash }
}

/// Why an opened message is not one. Outward these are all "could not be verified".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    #[error("does not open")]
    Open(#[from] OpenError),
    #[error("wrong padding")]
    Padding,
    #[error("not decodable: {0}")]
    Decode(#[from] DecodeError),
    #[error("belongs to another header")]
    OtherHeader,
}

/// A message that opened; its signature still has to be checked under the key its author had.
#[derive(Debug)]
pub struct OpenedContent {
    pub content: Content,
    bytes: Vec<u8>,
    sig: SignatureBytes,
}

impl OpenedContent {
    /// Takes an opened plaintext apart, strictly.
    pub fn parse(plain: &[u8], header: &Header) -> Result<Self, ContentError> {
        let mut input = Reader::new(plain);
        let len = u32::decode(&mut input)? as usize;
        let bytes = input.take(len)?;
        let sig: SignatureBytes = input.array()?;
        let used = 4 + len + sig.len();
        let padding = plain.get(used..).unwrap_or_default();
        if plain.len() != padded_len(used) || padding.iter().any(|byte| *byte != 0) {
            return Err(ContentError::Padding);
        }
        let content = Content::from_bytes(bytes)?;
        if content.header_hash != header.hash() {
            return Err(ContentError::OtherHeader);
        }
        Ok(Self {
            content,
            bytes: bytes.to_vec(),
            sig,
        })
    }

    /// What its author signed, and the signature: whoever has the room's log can check it.
    pub fn signed(self) -> (Vec<u8>, SignatureBytes) {
        (self.bytes, self.sig)
    }

    /// `signer` is the key that `content.dk_id` names in the author's log. `None` when it is another key.
    pub fn claim(self, signer: &PublicKey) -> Option<Unproven<Content>> {
        if signer.key_id() != self.content.dk_id {
            return None;
        }
        let job = VerifyJob {
            key: *signer,
            label: Label::Message,
            message: self.bytes,
            sig: self.sig,
        };
        Some(Unproven::new(self.content, vec![job]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::FileKey;
    use crate::id::PictureId;

    /// Written down by hand: what was signed must be read for ever.
    #[test]
    fn bodies_have_these_bytes() {
        let target = EnvelopeHash::from_bytes([7; 32]);
        let hi = || Text::new("hi").unwrap();
        let hi2 = || Text::new("hi").unwrap();
        let emoji = Text::new("👍").unwrap();
        let edits = List::new(vec![EnvelopeHash::from_bytes([8; 32])]).unwrap();
        let (hash, words) = ([7; 32], [0, 0, 0, 2, b'h', b'i']);
        let options = List::new(vec![Text::new("hi").unwrap(), Text::new("").unwrap()]).unwrap();
        let user = UserId::from_bytes([9; 32]);
        let (post, bare) = (
            MessageBody::Post {
                text: hi(),
                ttl: 60,
                reply: Some(target),
                thread: None,
                everyone: true,
                mentions: List::new(vec![user]).unwrap(),
            },
            MessageBody::Post {
                text: hi(),
                ttl: 0,
                reply: None,
                thread: Some(target),
                everyone: false,
                mentions: List::default(),
            },
        );
        let cases: [(MessageBody, Vec<&[u8]>); 18] = [
            (
                post,
                vec![&[6], &words, &[0, 0, 0, 60], &[1], &hash, &[0], &[1], &[0, 1], &[9; 32]],
            ),
            (
                bare,
                vec![&[6], &words, &[0, 0, 0, 0], &[0], &[1], &hash, &[0], &[0, 0]],
            ),
            (
                MessageBody::Forwarded { text: hi(), ttl: 0 },
                vec![&[7], &words, &[0, 0, 0, 0]],
            ),
            (MessageBody::Text { text: hi() }, vec![&[1], &words]),
            (
                MessageBody::FadingText { text: hi(), ttl: 60 },
                vec![&[2], &words, &[0, 0, 0, 60]],
            ),
            (MessageBody::Edit { target, text: hi() }, vec![&[3], &hash, &words]),
            (
                MessageBody::Delete { target, edits },
                vec![&[4], &hash, &[0, 1], &[8; 32]],
            ),
            (
                MessageBody::React {
                    target,
                    emoji,
                    on: true,
                },
                vec![&[5], &hash, &[0, 0, 0, 4, 0xf0, 0x9f, 0x91, 0x8d, 1]],
            ),
            (
                MessageBody::Poll {
                    question: Text::new("hi").unwrap(),
                    options,
                    several: true,
                    ends: 258,
                    ttl: 60,
                },
                vec![
                    &[8],
                    &words,
                    &[0, 2],
                    &words,
                    &[0; 4],
                    &[1],
                    &[0, 0, 0, 0, 0, 0, 1, 2],
                    &[0, 0, 0, 60],
                ],
            ),
            (
                MessageBody::Vote {
                    target,
                    choices: 0x0205,
                },
                vec![&[9], &hash, &[2, 5]],
            ),
            (MessageBody::EndPoll { target }, vec![&[10], &hash]),
            (MessageBody::Beacon, vec![&[16]]),
            (
                MessageBody::Receipt { read: 258 },
                vec![&[17], &[0, 0, 0, 0, 0, 0, 1, 2]],
            ),
            (MessageBody::Typing, vec![&[18]]),
            (MessageBody::Presence { state: Here::Away }, vec![&[19], &[2]]),
            (
                MessageBody::Profile {
                    name: hi2(),
                    status: Text::default(),
                },
                vec![&[20], &words, &[0, 0, 0, 0]],
            ),
            (
                MessageBody::Picture {
                    picture: Some(Picture {
                        id: PictureId::from_bytes([4; 16]),
                        key: FileKey::from_bytes([7; 32]),
                    }),
                },
                vec![&[21], &[1], &[4; 16], &hash],
            ),
            (MessageBody::Picture { picture: None }, vec![&[21], &[0]]),
        ];
        for (body, bytes) in cases {
            assert_eq!(body.to_bytes(), bytes.concat());
        }
    }

    /// The value below is worked out by hand from the protocol's page: two HMACs.
    #[test]
    fn a_slot_lies_where_the_page_says() {
        let (room, other) = (RoomId::from_bytes([1; 32]), RoomId::from_bytes([2; 32]));
        let key = DayVaultKey::from_bytes([9; 32]);
        let id = slot_id(&key, &room, &ChannelId::MAIN, RECEIPT);
        assert_eq!(id.to_string(), "dcUG-6bcPBTsRJAUD1EStQ");
        let channel = ChannelId::from_bytes([1; 16]);
        let others = [
            slot_id(&DayVaultKey::from_bytes([8; 32]), &room, &ChannelId::MAIN, RECEIPT),
            slot_id(&key, &other, &ChannelId::MAIN, RECEIPT),
            slot_id(&key, &room, &channel, RECEIPT),
            slot_id(&key, &room, &ChannelId::MAIN, "profile"),
        ];
        assert!(others.iter().all(|other| *other != id));
    }

    #[test]
    fn signs_are_reactions_and_words_are_not() {
        for good in [
            "👍",
            "👍🏽",
            "❤️",
            "🇩🇪",
            "1️⃣",
            "👨‍👩‍👧‍👦",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        ] {
            assert!(is_emoji(good), "{good}");
        }
        for bad in [
            "",
            "ok",
            "1",
            "<b>",
            "é",
            "漢",
            "👍 👍",
            "👍\n",
            "\u{202e}👍",
            "\u{200b}👍",
            &"👍".repeat(17),
        ] {
            assert!(!is_emoji(bad), "{bad}");
        }
    }
}
