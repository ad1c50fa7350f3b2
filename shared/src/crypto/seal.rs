//! The one symmetric construction: C2SP chunked-encryption v1, instance Cobblestone-256.
//!
//! ```text
//! key[32] ‖ base_nonce[12] ‖ commitment[32] = HKDF-Expand-SHA512(input key,
//!       "c2sp.org/chunked-encryption@v1+" ‖ "AEAD_AES_256_GCM" ‖ 0x00 ‖ salt[24] ‖ context)
//! sealed = salt[24] ‖ commitment[32] ‖ AES-256-GCM(chunk_i, nonce = base_nonce XOR i, aad = "") …
//! ```
//!
//! Chunks are 16 KiB and the last is always shorter, possibly empty, so cutting and extending are noticed. A fresh salt
//! for every seal gives a fresh key: tabs and devices that share the input key cannot repeat a nonce. The commitment is
//! compared in constant time before anything is decrypted, so one ciphertext opens to one plaintext only.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use rand::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::label::{Kind, Label, prefix};
use super::secret::expand;
pub use crate::envelope::header::CHUNK_BYTES;

pub const SALT_BYTES: usize = 24;
pub const COMMITMENT_BYTES: usize = 32;
pub const TAG_BYTES: usize = 16;
/// What stands before the first chunk.
pub const PREFIX_BYTES: usize = SALT_BYTES + COMMITMENT_BYTES;
/// A whole chunk, sealed. The last one is shorter.
pub const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// Bytes that sealing adds to a plaintext shorter than one chunk.
pub const OVERHEAD_BYTES: usize = PREFIX_BYTES + TAG_BYTES;

/// It does not open: wrong key, wrong context, or not what was sealed. Which of them is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("does not open")]
pub struct OpenError;

/// What `Seal(k, label, ctx, pt)` of the protocol binds: `lp(label) ‖ ctx`.
pub fn context(label: Label, parts: &[&[u8]]) -> Vec<u8> {
    debug_assert!(label.kind() == Kind::Seal);
    let mut out = prefix(label);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// Seals under a fresh random salt.
pub fn seal<R: CryptoRng + ?Sized>(rng: &mut R, key: &[u8; 32], context: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut salt = [0; SALT_BYTES];
    rng.fill_bytes(&mut salt);
    seal_with_salt(key, &salt, context, plaintext)
}

/// For test vectors and for [`seal`]; a salt must never be used twice with one key and context.
pub fn seal_with_salt(key: &[u8; 32], salt: &[u8; SALT_BYTES], context: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(crate::envelope::header::sealed_len(plaintext.len()));
    let mut sealer = Sealer::with_salt(key, salt, context, &mut out);
    sealer.push(plaintext, &mut out);
    sealer.finish(&mut out);
    out
}

/// Opens what [`seal`] made, all of it or nothing.
pub fn open(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let (prefix, mut rest) = sealed.split_first_chunk::<PREFIX_BYTES>().ok_or(OpenError)?;
    let opener = Opener::begin(key, context, prefix)?;
    let mut out = Zeroizing::new(Vec::with_capacity(rest.len()));
    let mut index = 0;
    loop {
        let (chunk, after) = rest.split_at(rest.len().min(SEALED_CHUNK_BYTES));
        if opener.chunk(index, chunk, &mut out)? == Place::Last {
            return Ok(std::mem::take(&mut *out));
        }
        rest = after;
        index += 1;
    }
}

/// Seals piece by piece, and holds less than a chunk meanwhile.
pub struct Sealer {
    keys: Keys,
    cipher: Aes256Gcm,
    index: u64,
    rest: Zeroizing<Vec<u8>>,
}

impl Sealer {
    /// Under a fresh random salt; what was sealed so far is appended to `out`, here and later.
    pub fn begin<R: CryptoRng + ?Sized>(rng: &mut R, key: &[u8; 32], context: &[u8], out: &mut Vec<u8>) -> Self {
        let mut salt = [0; SALT_BYTES];
        rng.fill_bytes(&mut salt);
        Self::with_salt(key, &salt, context, out)
    }

    fn with_salt(key: &[u8; 32], salt: &[u8; SALT_BYTES], context: &[u8], out: &mut Vec<u8>) -> Self {
        let keys = Keys::derive(key, salt, context);
        out.extend_from_slice(salt);
        out.extend_from_slice(&keys.commitment);
        Self {
            cipher: keys.cipher(),
            keys,
            index: 0,
            rest: Zeroizing::new(Vec::new()),
        }
    }

    pub fn push(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        let mut plain = plain;
        if !self.rest.is_empty() {
            let (first, after) = plain.split_at(plain.len().min(CHUNK_BYTES - self.rest.len()));
            self.rest.extend_from_slice(first);
            plain = after;
            if self.rest.len() < CHUNK_BYTES {
                return;
            }
            let whole = std::mem::replace(&mut self.rest, Zeroizing::new(Vec::new()));
            self.chunk(&whole, out);
        }
        while let Some((chunk, after)) = plain.split_first_chunk::<CHUNK_BYTES>() {
            self.chunk(chunk, out);
            plain = after;
        }
        if !plain.is_empty() {
            // All at once, so that growing leaves no copies behind.
            self.rest.reserve_exact(CHUNK_BYTES);
            self.rest.extend_from_slice(plain);
        }
    }

    /// The last chunk, which is shorter than a whole one.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        let rest = std::mem::replace(&mut self.rest, Zeroizing::new(Vec::new()));
        self.chunk(&rest, out);
    }

    fn chunk(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(plain);
        let nonce = Nonce::from(self.keys.nonce(self.index));
        // A chunk of 16 KiB is far under the limit of AES-GCM, the only way to fail.
        if let Ok(tag) = self
            .cipher
            .encrypt_inout_detached(&nonce, b"", (&mut out[start..]).into())
        {
            out.extend_from_slice(&tag);
        }
        self.index += 1;
    }
}

/// Where a chunk stands, which its length says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Inside,
    Last,
}

/// Opens chunk by chunk, in any order.
pub struct Opener {
    keys: Keys,
    cipher: Aes256Gcm,
}

impl Opener {
    /// Checks the commitment, before anything is decrypted.
    pub fn begin(key: &[u8; 32], context: &[u8], prefix: &[u8; PREFIX_BYTES]) -> Result<Self, OpenError> {
        let (salt, commitment) = prefix.split_first_chunk::<SALT_BYTES>().ok_or(OpenError)?;
        let keys = Keys::derive(key, salt, context);
        if !bool::from(keys.commitment.ct_eq(commitment)) {
            return Err(OpenError);
        }
        Ok(Self {
            cipher: keys.cipher(),
            keys,
        })
    }

    /// Chunk `index`, exactly as long as it is; what it holds is appended to `out`. Whoever wants the whole goes on to
    /// [`Place::Last`], and takes nothing behind it.
    pub fn chunk(&self, index: u64, sealed: &[u8], out: &mut Vec<u8>) -> Result<Place, OpenError> {
        if sealed.len() > SEALED_CHUNK_BYTES {
            return Err(OpenError);
        }
        let (body, tag) = sealed.split_last_chunk::<TAG_BYTES>().ok_or(OpenError)?;
        let start = out.len();
        out.extend_from_slice(body);
        let nonce = Nonce::from(self.keys.nonce(index));
        let opened = self
            .cipher
            .decrypt_inout_detached(&nonce, b"", (&mut out[start..]).into(), &Tag::from(*tag));
        if opened.is_err() {
            out.truncate(start);
            return Err(OpenError);
        }
        Ok(if body.len() < CHUNK_BYTES {
            Place::Last
        } else {
            Place::Inside
        })
    }
}

/// The key material of one sealed box; for a backend that runs the cipher elsewhere.
pub struct Keys {
    pub key: Zeroizing<[u8; 32]>,
    base_nonce: [u8; 12],
    pub commitment: [u8; COMMITMENT_BYTES],
}

impl Keys {
    pub fn derive(key: &[u8; 32], salt: &[u8; SALT_BYTES], context: &[u8]) -> Self {
        let mut okm = Zeroizing::new([0; 76]);
        let info: [&[u8]; 5] = [
            b"c2sp.org/chunked-encryption@v1+",
            b"AEAD_AES_256_GCM",
            b"\0",
            salt,
            context,
        ];
        expand::<sha2::Sha512>(key, &info, &mut *okm);
        let mut keys = Self {
            key: Zeroizing::new([0; 32]),
            base_nonce: [0; 12],
            commitment: [0; 32],
        };
        keys.key.copy_from_slice(&okm[..32]);
        keys.base_nonce.copy_from_slice(&okm[32..44]);
        keys.commitment.copy_from_slice(&okm[44..]);
        keys
    }

    /// `base_nonce XOR i`, i big-endian in the last bytes.
    pub fn nonce(&self, index: u64) -> [u8; 12] {
        let mut nonce = self.base_nonce;
        for (byte, counter) in nonce[4..].iter_mut().zip(index.to_be_bytes()) {
            *byte ^= counter;
        }
        nonce
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.key).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];
    const SALT: [u8; 24] = [9; 24];

    #[test]
    fn lengths_around_a_chunk_come_back_and_cuts_do_not_open() {
        for len in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES] {
            let plain: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let sealed = seal_with_salt(&KEY, &SALT, b"ctx", &plain);
            assert_eq!(sealed.len(), crate::envelope::header::sealed_len(len));
            assert_eq!(open(&KEY, b"ctx", &sealed).as_deref(), Ok(plain.as_slice()));
            for cut in [
                sealed.len() - 1,
                sealed.len().saturating_sub(CHUNK_BYTES + TAG_BYTES),
                56,
                0,
            ] {
                assert_eq!(open(&KEY, b"ctx", &sealed[..cut]), Err(OpenError), "{len} cut at {cut}");
            }
            let mut longer = sealed.clone();
            longer.extend_from_slice(&[0; TAG_BYTES]);
            assert_eq!(open(&KEY, b"ctx", &longer), Err(OpenError));
        }
    }

    #[test]
    fn swapped_chunks_do_not_open() {
        let mut sealed = seal_with_salt(&KEY, &SALT, b"", &vec![1; 3 * CHUNK_BYTES]);
        let one = CHUNK_BYTES + TAG_BYTES;
        let (a, b) = sealed[56..].split_at_mut(one);
        a.swap_with_slice(&mut b[..one]);
        assert_eq!(open(&KEY, b"", &sealed), Err(OpenError));
    }

    #[test]
    fn key_and_context_are_bound() {
        let sealed = seal_with_salt(&KEY, &SALT, b"ctx", b"hi");
        assert_eq!(open(&[8; 32], b"ctx", &sealed), Err(OpenError));
        assert_eq!(open(&KEY, b"ctX", &sealed), Err(OpenError));
    }
}
