//! The recovery key: 256 random bits on somebody's paper, the way in when the password is lost.
//!
//! Written as Crockford's base32: 32 bytes and 3 of a hash over them are 56 characters, fourteen groups of four. Case, spaces
//! and dashes do not matter, and O, I and L pass for the digits they look like.

use rand::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::hash::hash;
use super::label::Label;
use super::secret::{PrivateKey, WrapKey, derive, derive_into};
use crate::codec::{Codec, Text};
use crate::id::UserId;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const KEY_BYTES: usize = 32;
const CHECK_BYTES: usize = 3;
const CHARS: usize = (KEY_BYTES + CHECK_BYTES) * 8 / 5;
pub const GROUP_CHARS: usize = 4;
pub const GROUPS: usize = CHARS / GROUP_CHARS;

/// `RK`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RecoveryKey([u8; KEY_BYTES]);

/// What was typed is no recovery key: the group with a character that none has, counted from 0, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a recovery key")]
pub struct Mistyped {
    pub group: Option<usize>,
}

impl RecoveryKey {
    pub fn make<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut key = Self([0; KEY_BYTES]);
        rng.fill_bytes(&mut key.0);
        key
    }

    /// As it is to be written down.
    pub fn groups(&self) -> Vec<Zeroizing<String>> {
        let bytes = Zeroizing::new([self.0.as_slice(), &self.check()].concat());
        let mut chars = Zeroizing::new(Vec::with_capacity(CHARS));
        // Five bytes are eight characters.
        for five in bytes.chunks_exact(5) {
            let value = Zeroizing::new(five.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte)));
            for at in (0..8).rev() {
                chars.push(ALPHABET[(*value >> (5 * at)) as usize & 31]);
            }
        }
        let group = |group: &[u8]| Zeroizing::new(group.iter().map(|byte| char::from(*byte)).collect());
        chars.chunks_exact(GROUP_CHARS).map(group).collect()
    }

    /// As it was typed.
    pub fn read(text: &str) -> Result<Self, Mistyped> {
        let typed = tidy(text);
        let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_BYTES + CHECK_BYTES));
        let mut value = Zeroizing::new(0_u64);
        for (at, typed) in typed.bytes().enumerate() {
            let digit = (ALPHABET.iter().position(|known| *known == typed)).ok_or(Mistyped {
                group: Some(at / GROUP_CHARS),
            })?;
            *value = *value << 5 | digit as u64;
            if at % 8 == 7 {
                bytes.extend_from_slice(&value.to_be_bytes()[3..]);
                *value = 0;
            }
        }
        let whole = Mistyped { group: None };
        if typed.len() != CHARS {
            return Err(whole);
        }
        let (key, check) = bytes.split_at(KEY_BYTES);
        let key = Self(key.try_into().map_err(|_| whole)?);
        // A slip of the hand, not a secret: nobody but the person who types learns of it.
        if key.check() == *check { Ok(key) } else { Err(whole) }
    }

    fn check(&self) -> [u8; CHECK_BYTES] {
        let hash = hash(Label::RecoveryCheck, &[&self.0]);
        [hash[0], hash[1], hash[2]]
    }

    /// `AK_rec`: proves to the relay that this is the person.
    pub fn sign_in_key(&self, realm: &str) -> PrivateKey {
        let mut wide = Zeroizing::new([0; 48]);
        let realm = Text::<253>::new(realm).unwrap_or_default().to_bytes();
        derive_into(&self.0, Label::RecoverySignInKey, &[&realm], &mut *wide);
        PrivateKey::from_wide(&wide)
    }

    /// `KEK_rec`: opens the vault.
    pub fn vault_wrap_key(&self, user: &UserId) -> WrapKey {
        WrapKey::from_bytes(*derive(&self.0, Label::RecoveryKey, &[user.as_bytes()]).expose())
    }
}

impl std::fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryKey(…)")
    }
}

/// What was typed, without what does not matter.
pub fn tidy(text: &str) -> Zeroizing<String> {
    let mut tidy = Zeroizing::new(String::with_capacity(text.len()));
    for typed in text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '‐' | '–' | '—'))
    {
        tidy.push(match typed.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        });
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FixedRng;

    fn written(key: &RecoveryKey) -> String {
        let groups: Vec<String> = key.groups().iter().map(|group| group.to_string()).collect();
        assert_eq!(groups.len(), GROUPS);
        assert!(groups.iter().all(|group| group.len() == GROUP_CHARS));
        groups.join("-")
    }

    #[test]
    fn what_was_written_down_is_read_however_it_is_typed() {
        for seed in 0..50 {
            let key = RecoveryKey::make(&mut FixedRng::new(&format!("recovery {seed}")));
            let written = written(&key);
            let typed = [
                written.clone(),
                written.to_lowercase(),
                written.replace('-', " "),
                written.replace('-', ""),
                written.replace('0', "o").replace('1', "l"),
                written.replace('1', "I").replace('-', "\n — "),
            ];
            for typed in typed {
                assert_eq!(RecoveryKey::read(&typed).unwrap().0, key.0, "{typed}");
            }
        }
    }

    #[test]
    fn slips_are_noticed() {
        let key = RecoveryKey::make(&mut FixedRng::new("slips"));
        let written = written(&key);
        let chars: Vec<char> = written.chars().collect();
        for at in 0..chars.len() {
            if chars[at] == '-' {
                continue;
            }
            for other in "3X".chars().filter(|other| *other != chars[at]) {
                let mut typed = chars.clone();
                typed[at] = other;
                let typed: String = typed.into_iter().collect();
                assert_eq!(
                    RecoveryKey::read(&typed).unwrap_err(),
                    Mistyped { group: None },
                    "{typed}"
                );
            }
            let mut typed = chars.clone();
            typed[at] = 'U';
            let typed: String = typed.into_iter().collect();
            let group = Some(at / (GROUP_CHARS + 1));
            assert_eq!(RecoveryKey::read(&typed).unwrap_err(), Mistyped { group });
            let shorter: String = chars[..at].iter().collect();
            assert!(RecoveryKey::read(&shorter).is_err());
        }
        assert!(RecoveryKey::read(&format!("{written}0")).is_err());
        assert!(RecoveryKey::read("").is_err());
        assert_eq!(RecoveryKey::read("äöü").unwrap_err().group, Some(0));
    }

    #[test]
    fn the_two_keys_differ_for_every_realm_and_person() {
        let key = RecoveryKey::make(&mut FixedRng::new("two"));
        let user = |byte| UserId::from_bytes([byte; 32]);
        assert_ne!(key.sign_in_key("a").to_bytes(), key.sign_in_key("b").to_bytes());
        assert!(key.vault_wrap_key(&user(1)) != key.vault_wrap_key(&user(2)));
    }
}
