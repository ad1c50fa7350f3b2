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
use crate::api::limits::MAX_TEXT_BYTES;
use crate::codec::{Codec, DecodeError, Reader, Text};
use crate::crypto::hash::hash;
use crate::crypto::label::Label;
use crate::crypto::seal::{self, OpenError};
use crate::crypto::secret::{DerivedKey, EpochSecret, derive};
use crate::crypto::sign::{PublicKey, SignatureBytes, Unproven, VerifyJob};
use crate::id::{ChannelId, DeviceKeyId, EnvelopeHash, Head, RoomId, UserId};
use crate::{choice, record};

record! {
    pub struct Content = 0x0402, 1 {
        /// Binds the content to its header.
        pub header_hash: [u8; 32],
        pub user_id: UserId,
        pub dk_id: DeviceKeyId,
        /// Random for each start of a client: several tabs of one device write side by side.
        pub lane: [u8; 8],
        /// 1, 2, … in this lane.
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
        /// Nothing but where its author stands: `log_seq`, `log_head`, `seen_seq` and `seen_t` of the content. Ephemeral.
        16 = Beacon,
    }
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
