//! The part of a message that the relay sees. It is bound into the seal as context, so nobody can change it unnoticed.
//!
//! There is no sender in it: who posts is known from the session while it posts, and not stored.

use crate::codec::Codec;
use crate::crypto::hash::hash;
use crate::crypto::label::Label;
use crate::id::{ChannelId, EnvelopeHash, MessageId, RoomId};
use crate::{choice, record};

choice! {
    #[derive(Copy)]
    pub enum MessageKind {
        /// Stored, numbered, in the transcript.
        1 = Durable,
        /// Passed on to whoever is there, never stored.
        2 = Ephemeral,
        /// Kept in a place of its own, which `msg_id` names: the newest takes the place of the one before.
        3 = Slot,
    }
}

record! {
    pub struct Header = 0x0401, 1 {
        pub suite: u16,
        pub kind: MessageKind,
        pub room_id: RoomId,
        pub channel: ChannelId,
        /// The epoch whose key seals it.
        pub n: u32,
        /// Of a slot: which one it is, see `content::slot_id`.
        pub msg_id: MessageId,
        /// How long it may live, see [`ttl_class`]: 0 = no limit.
        pub ttl_class: u8,
        /// `SHA-256(del_secret)`: whoever reveals the secret may delete.
        pub del_commit: [u8; 32],
    }
}

/// Length of an encoded header, in bytes.
pub const HEADER_BYTES: usize = 2 + 1 + 2 + 1 + 32 + 16 + 4 + 16 + 1 + 32;

/// What the relay is told of lifetimes: few classes, so that it learns little. Class k is the k-th of these, in seconds.
pub const TTL_CLASSES: [u32; 10] = [
    60,
    600,
    3600,
    6 * 3600,
    24 * 3600,
    3 * 24 * 3600,
    7 * 24 * 3600,
    28 * 24 * 3600,
    90 * 24 * 3600,
    366 * 24 * 3600,
];

/// The class of a lifetime: the shortest that is long enough. 0 for none, and for what is longer than any.
pub fn ttl_class(seconds: u64) -> u8 {
    let long_enough = |class: &u32| seconds > 0 && seconds <= u64::from(*class);
    // Ten classes fit a byte.
    TTL_CLASSES
        .iter()
        .position(long_enough)
        .map_or(0, |index| index as u8 + 1)
}

/// After how many seconds the relay lets go of a message of this class. `None`: never, or a class of a later version.
pub fn class_seconds(class: u8) -> Option<u32> {
    TTL_CLASSES.get(usize::from(class).checked_sub(1)?).copied()
}

/// `H("env", header ‖ envelope)`: the message's identity. A header has one length, so the two cannot slide into each other;
/// whoever takes in a header of another length treats the message as damaged.
pub fn envelope_hash(header: &[u8], envelope: &[u8]) -> EnvelopeHash {
    EnvelopeHash::from_bytes(hash(Label::EnvelopeHash, &[header, envelope]))
}

impl Header {
    /// `H("header", header)`: what the signed content names.
    pub fn hash(&self) -> [u8; 32] {
        hash(Label::HeaderHash, &[&self.to_bytes()])
    }
}

/// Bytes a sealed message may have: sealing adds 72 bytes (salt, commitment, tag) to a padded plaintext, and 16 more for
/// each further chunk of 16 KiB.
pub fn is_envelope_size(bytes: usize) -> bool {
    bytes <= MAX_ENVELOPE_BYTES && unsealed_len(bytes).is_some_and(|len| padded_len(len) == len)
}

/// The one size of an ephemeral envelope, and of one for a slot, in bytes.
pub const EPHEMERAL_BYTES: usize = sealed_len(PLAINTEXT_BUCKETS[0]);

/// Longest sealed message, in bytes.
pub const MAX_ENVELOPE_BYTES: usize = 98_304;

/// Padded sizes under 16 KiB; above, Padmé.
pub const PLAINTEXT_BUCKETS: [usize; 6] = [512, 1024, 2048, 4096, 8192, 16_384];

/// The padded size of a plaintext of `len` bytes: the next bucket, then Padmé (Nikitin et al., PoPETs 2019/4, §4),
/// which leaves at most 12 % of overhead and few distinct sizes.
pub fn padded_len(len: usize) -> usize {
    PLAINTEXT_BUCKETS
        .iter()
        .copied()
        .find(|bucket| *bucket >= len)
        .unwrap_or_else(|| padme(len))
}

fn padme(len: usize) -> usize {
    let exponent = len.ilog2();
    let significant = exponent.ilog2() + 1;
    let mask = (1_usize << (exponent - significant)) - 1;
    (len + mask) & !mask
}

/// Bytes of a chunk before sealing (C2SP chunked-encryption).
pub const CHUNK_BYTES: usize = 16_384;
const SEAL_PREFIX: usize = 24 + 32;
const TAG: usize = 16;

/// Sealed size of `len` bytes: the last chunk is always shorter than a whole one, possibly empty.
pub const fn sealed_len(len: usize) -> usize {
    SEAL_PREFIX + len + (len / CHUNK_BYTES + 1) * TAG
}

fn unsealed_len(sealed: usize) -> Option<usize> {
    let body = sealed.checked_sub(SEAL_PREFIX)?;
    let whole = body / (CHUNK_BYTES + TAG);
    let rest = (body % (CHUNK_BYTES + TAG)).checked_sub(TAG)?;
    Some(whole * CHUNK_BYTES + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_one_size() {
        let header = Header {
            suite: 1,
            kind: MessageKind::Durable,
            room_id: RoomId::from_bytes([1; 32]),
            channel: ChannelId::MAIN,
            n: 1,
            msg_id: MessageId::from_bytes([2; 16]),
            ttl_class: 0,
            del_commit: [3; 32],
        };
        assert_eq!(header.to_bytes().len(), HEADER_BYTES);
    }

    /// docs/protocol.md, section 11: a relay and a browser that count otherwise keep for another time.
    #[test]
    fn the_classes_are_those_of_the_protocol() {
        let seconds = [
            60, 600, 3_600, 21_600, 86_400, 259_200, 604_800, 2_419_200, 7_776_000, 31_622_400,
        ];
        assert_eq!(TTL_CLASSES, seconds);
    }

    #[test]
    fn a_class_is_never_shorter_than_the_lifetime() {
        for seconds in [
            1,
            30,
            60,
            61,
            3600,
            100_000,
            u64::from(crate::api::limits::MAX_TTL_SECS),
        ] {
            let kept = class_seconds(ttl_class(seconds)).unwrap();
            assert!(u64::from(kept) >= seconds, "{seconds}");
        }
        assert_eq!((ttl_class(0), ttl_class(u64::MAX)), (0, 0));
        assert_eq!((class_seconds(0), class_seconds(11)), (None, None));
    }

    #[test]
    fn every_padded_plaintext_seals_to_an_accepted_size_and_others_do_not() {
        let mut accepted: Vec<usize> = (0..=MAX_ENVELOPE_BYTES)
            .map(|len| sealed_len(padded_len(len)))
            .filter(|bytes| *bytes <= MAX_ENVELOPE_BYTES)
            .collect();
        accepted.dedup();
        let sizes: Vec<usize> = (0..MAX_ENVELOPE_BYTES + 20_000)
            .filter(|bytes| is_envelope_size(*bytes))
            .collect();
        assert_eq!(sizes, accepted);
        for len in [1, 511, 512, 513, 16_383, 16_384, 16_385, 30_000, 66_000] {
            assert!((len..=len.max(512) * 2).contains(&padded_len(len)), "{len}");
        }
    }

    /// Nikitin et al., PoPETs 2019/4, §4: of a length of E + 1 bits, all but the first ⌊log₂ E⌋ + 1 after the leading one are 0.
    #[test]
    fn what_is_long_is_padded_as_in_the_paper() {
        for (len, padded) in [
            (16_385, 17_408),
            (20_000, 20_480),
            (20_480, 20_480),
            (20_481, 21_504),
            (33_000, 34_816),
            (65_536, 65_536),
            (70_000, 71_680),
        ] {
            assert_eq!(padded_len(len), padded, "{len}");
        }
    }
}
