//! Room keys: how an epoch's secret comes from the one before, what the log says of it, and what it opens.

use hmac::{KeyInit, Mac};
use rand::CryptoRng;
use subtle::ConstantTimeEq;

use super::label::Label;
use super::seal::{self, OpenError};
use super::secret::{EpochSecret, derive};
use crate::codec::Codec;
use crate::id::{Head, RoomId};

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

/// `commit = KDF(ES_n, "commit", room ‖ n ‖ prev ‖ roster_hash)`: stands signed in the log, so everybody is given the same key.
pub fn commitment(secret: &EpochSecret, room: &RoomId, n: u32, prev: &Head, roster_hash: &[u8; 32]) -> [u8; 32] {
    let context: [&[u8]; 4] = [room.as_bytes(), &n.to_be_bytes(), prev.as_bytes(), roster_hash];
    *derive(secret.expose(), Label::EpochCommit, &context).expose()
}

/// Whether a secret is the one an epoch entry committed to; constant time.
pub fn fits(secret: &EpochSecret, room: &RoomId, epoch: &crate::log::room_log::EpochInfo) -> bool {
    commitment(secret, room, epoch.n, &epoch.prev, &epoch.roster_hash)
        .ct_eq(&epoch.commit)
        .into()
}

/// The secret of epoch `n − 1` for those who hold that of `n`; only where history is shared.
pub fn seal_backlink<R: CryptoRng + ?Sized>(
    rng: &mut R,
    secret: &EpochSecret,
    room: &RoomId,
    n: u32,
    previous: &EpochSecret,
) -> Vec<u8> {
    let key = derive(secret.expose(), Label::BacklinkKey, &[]);
    seal::seal(
        rng,
        key.expose(),
        &epoch_context(Label::Backlink, room, n),
        previous.expose(),
    )
}

pub fn open_backlink(secret: &EpochSecret, room: &RoomId, n: u32, sealed: &[u8]) -> Result<EpochSecret, OpenError> {
    let key = derive(secret.expose(), Label::BacklinkKey, &[]);
    let plain = zeroize::Zeroizing::new(seal::open(
        key.expose(),
        &epoch_context(Label::Backlink, room, n),
        sealed,
    )?);
    EpochSecret::from_slice(&plain).ok_or(OpenError)
}

/// A room's name and description.
pub fn seal_meta<R: CryptoRng + ?Sized>(
    rng: &mut R,
    secret: &EpochSecret,
    room: &RoomId,
    n: u32,
    meta: &[u8],
) -> Vec<u8> {
    let key = derive(secret.expose(), Label::MetaKey, &[]);
    seal::seal(rng, key.expose(), &epoch_context(Label::Meta, room, n), meta)
}

pub fn open_meta(secret: &EpochSecret, room: &RoomId, n: u32, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let key = derive(secret.expose(), Label::MetaKey, &[]);
    seal::open(key.expose(), &epoch_context(Label::Meta, room, n), sealed)
}

fn epoch_context(label: Label, room: &RoomId, n: u32) -> Vec<u8> {
    seal::context(label, &[room.as_bytes(), &n.to_bytes()])
}
