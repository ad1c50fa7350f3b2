//! Room-key wraps: HPKE base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM (RFC 9180 §6.1), one shot.
//!
//! Wraps are not signed: the commitment in the signed epoch entry says which key is the right one.

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand::CryptoRng;
use zeroize::Zeroizing;

use super::seal::OpenError;
use super::secret::PrivateKey;
use super::sign::PublicKey;
use crate::codec::Codec;
use crate::id::{ChannelId, DeviceKeyId, RoomId, UserId};
use crate::record;

type Public = <DhP256HkdfSha256 as Kem>::PublicKey;
type Private = <DhP256HkdfSha256 as Kem>::PrivateKey;
type Encapped = <DhP256HkdfSha256 as Kem>::EncappedKey;

record! {
    /// HPKE `info`: a wrap opens only as what it was made for.
    pub struct WrapInfo = 0x0301, 1 {
        pub room_id: RoomId,
        pub channel: ChannelId,
        pub n: u32,
        pub user_id: UserId,
        pub g: u32,
        pub commit: [u8; 32],
    }
}

record! {
    /// What a member signs (label `key-request`) who has no wrap that opens. Whoever answers takes the key to wrap to from
    /// the room's log, never from here.
    pub struct KeyRequest = 0x0302, 1 {
        pub room_id: RoomId,
        pub channel: ChannelId,
        pub n: u32,
        pub user_id: UserId,
        pub dk_id: DeviceKeyId,
        /// Milliseconds since 1970.
        pub ts: u64,
    }
}

impl WrapInfo {
    /// `lp(label) ‖ encoding`.
    pub fn info(&self) -> Vec<u8> {
        let mut out = super::label::prefix(super::label::Label::RoomKeyWrap);
        self.encode(&mut out);
        out
    }
}

/// A wrapped key: 65 bytes of encapsulation, 32 + 16 bytes of ciphertext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    pub enc: Vec<u8>,
    pub ct: Vec<u8>,
}

struct Randomness<'a, R: ?Sized>(&'a mut R);

impl<R: CryptoRng + ?Sized> rand::TryRng for Randomness<'_, R> {
    type Error = std::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(self.0.next_u32())
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.0.next_u64())
    }
    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Self::Error> {
        self.0.fill_bytes(dst);
        Ok(())
    }
}

impl<R: CryptoRng + ?Sized> rand::TryCryptoRng for Randomness<'_, R> {}

/// Wraps `plaintext` for `recipient`. Fails only for a key that is not on the curve, which [`PublicKey`] rules out.
pub fn wrap<R: CryptoRng + ?Sized>(
    rng: &mut R,
    recipient: &PublicKey,
    info: &[u8],
    plaintext: &[u8],
) -> Result<Wrapped, OpenError> {
    let recipient = Public::from_bytes(recipient.as_bytes()).map_err(|_| OpenError)?;
    let (enc, ct) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(
        &OpModeS::Base,
        &recipient,
        info,
        plaintext,
        b"",
        &mut Randomness(rng),
    )
    .map_err(|_| OpenError)?;
    Ok(Wrapped {
        enc: enc.to_bytes().to_vec(),
        ct,
    })
}

pub fn unwrap(key: &PrivateKey, info: &[u8], wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    // The strict parse: 65 bytes, uncompressed, on the curve.
    PublicKey::from_bytes(&wrapped.enc).map_err(|_| OpenError)?;
    let key = Private::from_bytes(&*key.to_bytes()).map_err(|_| OpenError)?;
    let enc = Encapped::from_bytes(&wrapped.enc).map_err(|_| OpenError)?;
    hpke::single_shot_open::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(
        &OpModeR::Base,
        &key,
        &enc,
        info,
        &wrapped.ct,
        b"",
    )
    .map(Zeroizing::new)
    .map_err(|_| OpenError)
}
