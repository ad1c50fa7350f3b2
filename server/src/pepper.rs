//! The secret outside the database: without it, a stolen dump offers no password to guess against.
//!
//! Rows are sealed with XChaCha20-Poly1305 under a key derived from it, bound to the person they belong to.

use std::path::PathBuf;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use sotto_shared::id::UserId;
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 24;

/// Why there is no pepper. The text is for the person who runs the relay.
#[derive(Debug, thiserror::Error)]
pub enum PepperError {
    #[error(
        "SOTTO_PEPPER is not set. Make one with `openssl rand -hex 32`, put it into the environment, .env or a file named by \
         --pepper-file, and keep it apart from the database's backups: without it nobody can sign in again"
    )]
    Missing,
    #[error("the pepper must be 64 hex characters: make one with `openssl rand -hex 32`")]
    Malformed,
    #[error("cannot read the pepper file {0}: {1}")]
    File(PathBuf, std::io::ErrorKind),
}

/// A sealed row that does not open: another pepper, another person's, or damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed row does not open")]
pub struct CannotOpen;

/// Keys from the pepper. Nothing prints them.
pub struct Pepper {
    seal: XChaCha20Poly1305,
    subjects: Zeroizing<[u8; 32]>,
    salts: Zeroizing<[u8; 32]>,
    check: [u8; 32],
}

impl Pepper {
    /// Takes 64 hex characters; white space around them is left off.
    pub fn parse(text: &str) -> Result<Self, PepperError> {
        let text = text.trim().as_bytes();
        let mut root = Zeroizing::new([0_u8; 32]);
        if text.len() != 64 {
            return Err(PepperError::Malformed);
        }
        for (byte, pair) in root.iter_mut().zip(text.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self::new(&root))
    }

    fn new(root: &[u8; 32]) -> Self {
        let seal = Zeroizing::new(mac(root, &[b"sotto/relay/1/seal"]));
        Self {
            seal: XChaCha20Poly1305::new((&*seal).into()),
            subjects: Zeroizing::new(mac(root, &[b"sotto/relay/1/subject"])),
            salts: Zeroizing::new(mac(root, &[b"sotto/relay/1/salt"])),
            check: mac(root, &[b"sotto/relay/1/check"]),
        }
    }

    /// Tells this pepper from another without giving it away; kept in the database.
    pub const fn check(&self) -> &[u8; 32] {
        &self.check
    }

    /// The salt of somebody who does not exist: always the same, so asking twice tells nothing.
    pub fn fake_salt(&self, handle: &str) -> [u8; 16] {
        let mut salt = [0; 16];
        salt.copy_from_slice(&mac(&self.salts, &[handle.as_bytes()])[..16]);
        salt
    }

    /// What a sign-in challenge is bound to: the handle, without keeping the spelling of people who do not exist.
    pub fn subject(&self, handle: &str) -> [u8; 32] {
        mac(&self.subjects, &[handle.as_bytes()])
    }

    /// `nonce[24] ‖ ciphertext`, bound to `user`.
    pub fn seal(&self, user: &UserId, nonce: [u8; NONCE_BYTES], row: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let payload = Payload {
            msg: row,
            aad: &context(user),
        };
        let sealed = self
            .seal
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| CannotOpen)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    pub fn open(&self, user: &UserId, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(CannotOpen)?;
        let payload = Payload {
            msg: sealed,
            aad: &context(user),
        };
        self.seal
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| CannotOpen)
    }
}

impl std::fmt::Debug for Pepper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pepper(…)")
    }
}

fn context(user: &UserId) -> Vec<u8> {
    [b"sotto/relay/1/sign-in".as_slice(), user.as_bytes()].concat()
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // A key shorter than a block is padded with zeros (RFC 2104 §2): done here, the length cannot be wrong.
    let mut block = Zeroizing::new([0_u8; 64]);
    block[..32].copy_from_slice(key);
    let mut state = <Hmac<Sha256> as hmac::KeyInit>::new((&*block).into());
    for part in parts {
        state.update(part);
    }
    state.finalize().into_bytes().into()
}

fn nibble(digit: u8) -> Result<u8, PepperError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(PepperError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pepper(digit: char) -> Pepper {
        Pepper::parse(&digit.to_string().repeat(64)).unwrap()
    }

    #[test]
    fn a_sealed_row_opens_for_its_person_and_pepper_alone() {
        let (ada, bob) = (UserId::from_bytes([1; 32]), UserId::from_bytes([2; 32]));
        let sealed = pepper('a').seal(&ada, [9; 24], b"row").unwrap();
        assert_eq!(pepper('a').open(&ada, &sealed).unwrap().as_slice(), b"row");
        assert!(pepper('a').open(&bob, &sealed).is_err());
        assert!(pepper('b').open(&ada, &sealed).is_err());
        assert!(pepper('a').open(&ada, &sealed[..20]).is_err());
        let mut bent = sealed;
        bent[30] ^= 1;
        assert!(pepper('a').open(&ada, &bent).is_err());
    }

    #[test]
    fn only_64_hex_characters_are_a_pepper() {
        for bad in ["", "ab", &"g".repeat(64), &"a".repeat(63), &"ä".repeat(32)] {
            assert!(matches!(Pepper::parse(bad), Err(PepperError::Malformed)), "{bad}");
        }
        assert!(Pepper::parse(&format!("{}\n", "Ab".repeat(32))).is_ok());
        assert_eq!(format!("{:?}", pepper('a')), "Pepper(…)");
    }
}
