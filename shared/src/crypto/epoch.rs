//! Room keys: how an epoch's secret comes from the one before, what the log says of it, and what it opens.

use hmac::{KeyInit, Mac};
use rand::CryptoRng;
use subtle::ConstantTimeEq;

use super::label::Label;
use super::seal::{self, OpenError};
use super::secret::{EpochSecret, derive};
use crate::codec::Codec;
use crate::id::{ChannelId, Head, RoomId};
use crate::log::roles::CustomRole;

/// `ES_n = HKDF-Extract(salt = KDF(ES_{n−1}, "mix"), ikm = fresh)` (RFC 5869 §2.2); before the first epoch stands zero.
///
/// Mixing the old secret in means that a weak random source alone does not hand the room over.
pub fn next_secret(previous: Option<&EpochSecret>, fresh: &EpochSecret) -> EpochSecret {
    const NONE: [u8; 32] = [0; 32];
    let salt = derive(previous.map_or(&NONE, EpochSecret::expose), Label::EpochMix, &[]);
    let mut out = [0; 32];
    // An HMAC key may have any length, so this cannot fail.
    if let Ok(mut mac) = <hmac::Hmac<sha2::Sha256> as KeyInit>::new_from_slice(salt.expose()) {
        mac.update(fresh.expose());
        out = mac.finalize().into_bytes().into();
    }
    EpochSecret::from_bytes(out)
}

/// What a series of room keys belongs to: a room, or one of its private channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    pub room: RoomId,
    /// `MAIN`: the room itself.
    pub channel: ChannelId,
}

impl From<&RoomId> for Scope {
    fn from(room: &RoomId) -> Self {
        Self {
            room: *room,
            channel: ChannelId::MAIN,
        }
    }
}

impl Scope {
    pub const fn new(room: RoomId, channel: ChannelId) -> Self {
        Self { room, channel }
    }

    /// `room`, for a private channel `room ‖ channel`.
    fn bytes(&self) -> Vec<u8> {
        let mut out = self.room.to_bytes();
        if self.channel != ChannelId::MAIN {
            self.channel.encode(&mut out);
        }
        out
    }
}

/// `commit = KDF(ES_n, "commit", scope ‖ n ‖ prev ‖ roster_hash)`: stands signed in the log, so everybody is given the same key.
pub fn commitment(
    secret: &EpochSecret,
    scope: impl Into<Scope>,
    n: u32,
    prev: &Head,
    roster_hash: &[u8; 32],
) -> [u8; 32] {
    let scope = scope.into().bytes();
    let context: [&[u8]; 4] = [&scope, &n.to_be_bytes(), prev.as_bytes(), roster_hash];
    *derive(secret.expose(), Label::EpochCommit, &context).expose()
}

/// Whether a secret is the one an epoch entry committed to; constant time.
pub fn fits(secret: &EpochSecret, room: &RoomId, epoch: &crate::log::room_log::EpochInfo) -> bool {
    let scope = Scope::new(*room, epoch.channel);
    commitment(secret, scope, epoch.n, &epoch.prev, &epoch.roster_hash)
        .ct_eq(&epoch.commit)
        .into()
}

/// The secret of epoch `n − 1` for those who hold that of `n`; only where history is shared.
pub fn seal_backlink<R: CryptoRng + ?Sized>(
    rng: &mut R,
    secret: &EpochSecret,
    scope: impl Into<Scope>,
    n: u32,
    previous: &EpochSecret,
) -> Vec<u8> {
    let key = derive(secret.expose(), Label::BacklinkKey, &[]);
    let context = epoch_context(Label::Backlink, &scope.into(), n);
    seal::seal(rng, key.expose(), &context, previous.expose())
}

pub fn open_backlink(
    secret: &EpochSecret,
    scope: impl Into<Scope>,
    n: u32,
    sealed: &[u8],
) -> Result<EpochSecret, OpenError> {
    let key = derive(secret.expose(), Label::BacklinkKey, &[]);
    let context = epoch_context(Label::Backlink, &scope.into(), n);
    let plain = zeroize::Zeroizing::new(seal::open(key.expose(), &context, sealed)?);
    EpochSecret::from_slice(&plain).ok_or(OpenError)
}

/// The root of a public channel's message key: `KDF(ES_n, "chan", channel)`, in the place of `ES_n`.
pub fn channel_secret(secret: &EpochSecret, channel: &ChannelId) -> EpochSecret {
    EpochSecret::from_bytes(*derive(secret.expose(), Label::ChannelKey, &[channel.as_bytes()]).expose())
}

/// What is sealed under the meta key of an epoch: a context of its own for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// A room's name and description.
    Room,
    /// The name of a role of a space.
    Role(CustomRole),
    /// Name and topic of a channel.
    Channel(ChannelId),
    /// The order of channels and headings.
    Order,
}

impl Named {
    fn context(self, room: &RoomId, n: u32) -> Vec<u8> {
        let (label, which) = match self {
            Self::Room => (Label::Meta, Vec::new()),
            Self::Role(role) => (Label::RoleName, vec![role.number()]),
            Self::Channel(channel) => (Label::ChannelName, channel.to_bytes()),
            Self::Order => (Label::ChannelOrder, Vec::new()),
        };
        seal::context(label, &[room.as_bytes(), &which, &n.to_bytes()])
    }
}

/// `Seal(KDF(ES_n, "meta-key"), label, room ‖ which ‖ n, plain)`.
pub fn seal_named<R: CryptoRng + ?Sized>(
    rng: &mut R,
    secret: &EpochSecret,
    room: &RoomId,
    what: Named,
    n: u32,
    plain: &[u8],
) -> Vec<u8> {
    let key = derive(secret.expose(), Label::MetaKey, &[]);
    seal::seal(rng, key.expose(), &what.context(room, n), plain)
}

pub fn open_named(
    secret: &EpochSecret,
    room: &RoomId,
    what: Named,
    n: u32,
    sealed: &[u8],
) -> Result<Vec<u8>, OpenError> {
    let key = derive(secret.expose(), Label::MetaKey, &[]);
    seal::open(key.expose(), &what.context(room, n), sealed)
}

/// A room's name and description.
pub fn seal_meta<R: CryptoRng + ?Sized>(
    rng: &mut R,
    secret: &EpochSecret,
    room: &RoomId,
    n: u32,
    meta: &[u8],
) -> Vec<u8> {
    seal_named(rng, secret, room, Named::Room, n, meta)
}

pub fn open_meta(secret: &EpochSecret, room: &RoomId, n: u32, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    open_named(secret, room, Named::Room, n, sealed)
}

/// Why somebody made entry `of` of the log.
pub fn seal_reason<R: CryptoRng + ?Sized>(
    rng: &mut R,
    secret: &EpochSecret,
    room: &RoomId,
    n: u32,
    of: u64,
    words: &[u8],
) -> Vec<u8> {
    let key = derive(secret.expose(), Label::MetaKey, &[]);
    seal::seal(rng, key.expose(), &reason_context(room, n, of), words)
}

pub fn open_reason(secret: &EpochSecret, room: &RoomId, n: u32, of: u64, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let key = derive(secret.expose(), Label::MetaKey, &[]);
    seal::open(key.expose(), &reason_context(room, n, of), sealed)
}

fn reason_context(room: &RoomId, n: u32, of: u64) -> Vec<u8> {
    seal::context(Label::Reason, &[room.as_bytes(), &n.to_bytes(), &of.to_bytes()])
}

fn epoch_context(label: Label, scope: &Scope, n: u32) -> Vec<u8> {
    seal::context(label, &[&scope.bytes(), &n.to_bytes()])
}
