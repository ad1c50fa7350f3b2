//! ECDSA P-256 over SHA-256, strict: 65-byte uncompressed keys, 64-byte `r ‖ s`, low-S made and demanded.
//!
//! `Sign(sk, label, x) = ECDSA("sotto-sig\0" ‖ u8 length ‖ label ‖ x)`, nonces by RFC 6979. Values that hang on
//! signatures travel as [`Unproven`] until every one was checked.

use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};

use super::hash::hash;
use super::label::{Kind, Label, prefix};
use crate::codec::{Bytes, Codec, DecodeError, Reader};
use crate::id::DeviceKeyId;

/// 64 bytes `r ‖ s`.
pub type SignatureBytes = [u8; 64];

/// A signature or key that is not what it should be: one failure, no detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// A P-256 public key: 65 bytes, SEC 1 uncompressed (§2.3.3), on the curve and not the identity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 65]);

impl PublicKey {
    /// Takes the uncompressed form alone; the point is checked to be on the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadSignature> {
        let bytes: [u8; 65] = bytes.try_into().map_err(|_| BadSignature)?;
        if bytes[0] != 0x04 {
            return Err(BadSignature);
        }
        p256::PublicKey::from_sec1_bytes(&bytes).map_err(|_| BadSignature)?;
        Ok(Self(bytes))
    }

    pub const fn as_bytes(&self) -> &[u8; 65] {
        &self.0
    }

    /// `H("key-id", pk)`.
    pub fn key_id(&self) -> DeviceKeyId {
        DeviceKeyId::from_bytes(hash(Label::KeyId, &[&self.0]))
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({})", self.key_id())
    }
}

impl Codec for PublicKey {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_bytes(input.take(65)?).map_err(|_| DecodeError::UnknownTag)
    }
}

/// The bytes an ECDSA signature is made over.
pub fn signed_bytes(label: Label, message: &[u8]) -> Vec<u8> {
    debug_assert!(label.kind() == Kind::Sign);
    let mut out = b"sotto-sig\0".to_vec();
    out.extend_from_slice(&prefix(label));
    out.extend_from_slice(message);
    out
}

/// Whether `s` is at most half the group order: the one form of a signature that is accepted.
pub fn is_low_s(signature: &SignatureBytes) -> bool {
    Signature::from_slice(signature).is_ok_and(|sig| sig.normalize_s() == sig)
}

/// The low-S form of a signature that a platform made (WebCrypto does not normalise).
pub fn to_low_s(signature: &SignatureBytes) -> Result<SignatureBytes, BadSignature> {
    let sig = Signature::from_slice(signature).map_err(|_| BadSignature)?;
    Ok(sig.normalize_s().to_bytes().into())
}

pub fn sign(key: &SigningKey, label: Label, message: &[u8]) -> SignatureBytes {
    let sig: Signature = key.sign(&signed_bytes(label, message));
    sig.normalize_s().to_bytes().into()
}

pub fn public_key(key: &SigningKey) -> PublicKey {
    PublicKey(
        key.verifying_key()
            .to_sec1_point(false)
            .as_bytes()
            .try_into()
            .unwrap_or([0; 65]),
    )
}

/// Checks one signature. High-S and malformed signatures fail like wrong ones.
pub fn verify(key: &PublicKey, label: Label, message: &[u8], signature: &SignatureBytes) -> Result<(), BadSignature> {
    let sig = Signature::from_slice(signature).map_err(|_| BadSignature)?;
    if sig.normalize_s() != sig {
        return Err(BadSignature);
    }
    let key = VerifyingKey::from_sec1_bytes(&key.0).map_err(|_| BadSignature)?;
    key.verify(&signed_bytes(label, message), &sig)
        .map_err(|_| BadSignature)
}

/// Signed bytes as they travel: the body exactly as it was signed, and the signature behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBlob {
    pub body: Vec<u8>,
    pub sig: SignatureBytes,
}

/// Longest body of a [`SignedBlob`], in bytes.
pub const MAX_SIGNED_BODY: usize = 65_536;

impl Codec for SignedBlob {
    fn encode(&self, out: &mut Vec<u8>) {
        (self.body.len() as u32).encode(out);
        out.extend_from_slice(&self.body);
        out.extend_from_slice(&self.sig);
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let body = Bytes::<MAX_SIGNED_BODY>::decode(input)?.into_vec();
        Ok(Self {
            body,
            sig: input.array()?,
        })
    }
}

/// One signature to be checked.
#[derive(Debug, Clone)]
pub struct VerifyJob {
    pub key: PublicKey,
    pub label: Label,
    pub message: Vec<u8>,
    pub sig: SignatureBytes,
}

impl VerifyJob {
    /// Checks here and now, with this crate's own code. The client hands jobs to its `Suite` instead, many at a time.
    pub fn check(&self) -> bool {
        verify(&self.key, self.label, &self.message, &self.sig).is_ok()
    }
}

/// A value that was decoded and found consistent, but hangs on signatures nobody has checked yet.
///
/// The only way to the value is [`Unproven::prove`] with the verdict on every job, so "forgot to verify" does not compile.
#[derive(Debug)]
pub struct Unproven<T> {
    value: T,
    jobs: Vec<VerifyJob>,
}

impl<T> Unproven<T> {
    pub(crate) const fn new(value: T, jobs: Vec<VerifyJob>) -> Self {
        Self { value, jobs }
    }

    pub fn jobs(&self) -> &[VerifyJob] {
        &self.jobs
    }

    /// Gives the value if every job held. The error is the index of the first that did not; a verdict too few is a no.
    pub fn prove(self, verdicts: &[bool]) -> Result<T, usize> {
        match (0..self.jobs.len()).find(|index| !verdicts.get(*index).copied().unwrap_or(false)) {
            None => Ok(self.value),
            Some(index) => Err(index),
        }
    }

    /// Checks all jobs here and now.
    pub fn prove_here(self) -> Result<T, usize> {
        let verdicts: Vec<bool> = self.jobs.iter().map(VerifyJob::check).collect();
        self.prove(&verdicts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_slice(&[seed; 32]).unwrap()
    }

    #[test]
    fn a_signature_holds_for_its_key_label_and_message_alone() {
        let sig = sign(&key(1), Label::Message, b"hi");
        let pk = public_key(&key(1));
        assert_eq!(verify(&pk, Label::Message, b"hi", &sig), Ok(()));
        assert_eq!(verify(&pk, Label::Message, b"ho", &sig), Err(BadSignature));
        assert_eq!(verify(&pk, Label::RoomLog, b"hi", &sig), Err(BadSignature));
        assert_eq!(
            verify(&public_key(&key(2)), Label::Message, b"hi", &sig),
            Err(BadSignature)
        );
    }

    #[test]
    fn the_high_s_twin_of_a_signature_is_refused() {
        let sig = sign(&key(1), Label::Message, b"hi");
        let parsed = Signature::from_slice(&sig).unwrap();
        let (r, s) = parsed.split_scalars();
        let high: SignatureBytes = Signature::from_scalars(r.to_bytes(), (-*s).to_bytes())
            .unwrap()
            .to_bytes()
            .into();
        assert!(!is_low_s(&high));
        assert_eq!(
            verify(&public_key(&key(1)), Label::Message, b"hi", &high),
            Err(BadSignature)
        );
        assert_eq!(to_low_s(&high), Ok(sig));
    }

    #[test]
    fn only_uncompressed_points_on_the_curve_are_keys() {
        let pk = public_key(&key(3));
        assert_eq!(PublicKey::from_bytes(pk.as_bytes()), Ok(pk));
        let compressed = key(3).verifying_key().to_sec1_point(true);
        assert!(PublicKey::from_bytes(compressed.as_bytes()).is_err());
        let mut off_curve = *pk.as_bytes();
        off_curve[64] ^= 1;
        assert!(PublicKey::from_bytes(&off_curve).is_err());
        assert!(PublicKey::from_bytes(&[0]).is_err(), "the point at infinity");
    }
}
