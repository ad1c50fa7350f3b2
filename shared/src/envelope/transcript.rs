//! The running hash of a channel: `T_0 = H("t0", room ‖ channel)`, `T_k = H("t", T_{k−1} ‖ k ‖ envelope_hash_k)`.
//!
//! The relay assigns k and stores T; everybody recomputes. Two people who name the same `T_k` saw the same k messages.

use crate::crypto::hash::hash;
use crate::crypto::label::Label;
use crate::id::{ChannelId, EnvelopeHash, Head, RoomId};

/// A place in a channel's transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transcript {
    /// Messages so far.
    pub seq: u64,
    pub t: Head,
}

impl Transcript {
    pub fn start(room: &RoomId, channel: &ChannelId) -> Self {
        let t = hash(Label::TranscriptStart, &[room.as_bytes(), channel.as_bytes()]);
        Self {
            seq: 0,
            t: Head::from_bytes(t),
        }
    }

    /// After one more message.
    pub fn then(&self, envelope: &EnvelopeHash) -> Self {
        let seq = self.seq + 1;
        let t = hash(
            Label::Transcript,
            &[self.t.as_bytes(), &seq.to_be_bytes(), envelope.as_bytes()],
        );
        Self {
            seq,
            t: Head::from_bytes(t),
        }
    }
}
