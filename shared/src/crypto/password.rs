//! From a password to keys, in the browser alone: Argon2id (RFC 9106), then one key to sign in with and one that opens
//! the vault. The relay sees the public half of the first.

use argon2::{Algorithm, Argon2, Params, Version};
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::hash::hash;
use super::label::Label;
use super::secret::{PrivateKey, WrapKey, derive, derive_into};
use crate::codec::{Codec, Text};
use crate::id::UserId;

/// How hard guessing is made. The client knows these and no others, so a relay cannot ask for less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Argon2id v1.3, 64 MiB, 3 passes, 1 lane: the second recommended option of RFC 9106 §4 with one lane.
    One,
}

/// A profile this client does not know; weaker ones are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown password profile")]
pub struct UnknownProfile;

impl Profile {
    pub const NEWEST: Self = Self::One;

    pub const fn number(self) -> u8 {
        match self {
            Self::One => 1,
        }
    }

    pub const fn from_number(number: u8) -> Result<Self, UnknownProfile> {
        match number {
            1 => Ok(Self::One),
            _ => Err(UnknownProfile),
        }
    }

    fn params(self) -> Result<Params, UnknownProfile> {
        match self {
            Self::One => Params::new(64 * 1024, 3, 1, Some(32)).map_err(|_| UnknownProfile),
        }
    }
}

/// Fewest characters of a password, after normalisation.
pub const MIN_PASSWORD_CHARS: usize = 12;
/// Most bytes of a password; a bound on work, not on strength.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// What the password became. Gives the keys, then goes.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct PasswordRoot([u8; 32]);

/// A password in NFKC (UAX #15), so that typed on two keyboards it is one password.
pub struct Normalised(Zeroizing<String>);

impl Normalised {
    pub fn new(password: &str) -> Self {
        Self(Zeroizing::new(password.nfkc().collect()))
    }

    /// Text that the platform brought into NFKC: a browser has the tables already.
    pub const fn by_platform(password: Zeroizing<String>) -> Self {
        Self(password)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `pw_root`. Takes 64 MiB and a few hundred milliseconds.
pub fn derive_root(
    password: &Normalised,
    realm: &str,
    handle: &str,
    salt: &[u8; 16],
    profile: Profile,
) -> Result<PasswordRoot, UnknownProfile> {
    let salt = salt_for(realm, handle, salt);
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, profile.params()?);
    let mut root = PasswordRoot([0; 32]);
    argon
        .hash_password_into(password.as_str().as_bytes(), &salt, &mut root.0)
        .map_err(|_| UnknownProfile)?;
    Ok(root)
}

/// `H("kdf-salt", lp(realm) ‖ lp(handle) ‖ salt16)`: one password for two handles or servers gives unrelated keys.
fn salt_for(realm: &str, handle: &str, salt: &[u8; 16]) -> [u8; 32] {
    let mut bound = Vec::new();
    for part in [realm, handle] {
        (part.len() as u32).encode(&mut bound);
        bound.extend_from_slice(part.as_bytes());
    }
    hash(Label::KdfSalt, &[&bound, salt])
}

impl PasswordRoot {
    /// `AK`: proves the password to the relay.
    pub fn sign_in_key(&self, realm: &str) -> PrivateKey {
        let mut wide = Zeroizing::new([0; 48]);
        let realm = Text::<253>::new(realm).unwrap_or_default().to_bytes();
        derive_into(&self.0, Label::SignInKey, &[&realm], &mut *wide);
        PrivateKey::from_wide(&wide)
    }

    /// `KEK_pw`: opens the vault.
    pub fn vault_wrap_key(&self, user: &UserId) -> WrapKey {
        WrapKey::from_bytes(*derive(&self.0, Label::PasswordKey, &[user.as_bytes()]).expose())
    }
}

impl std::fmt::Debug for PasswordRoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordRoot(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_floor_and_above_is_derived() {
        assert_eq!(Profile::from_number(1), Ok(Profile::One));
        for weak in [0, 2, 255] {
            assert_eq!(Profile::from_number(weak), Err(UnknownProfile));
        }
    }

    #[test]
    fn keyboards_that_compose_differently_give_one_password() {
        let normal = |text| Normalised::new(text).as_str().to_owned();
        assert_eq!(normal("Ame\u{301}lie ﬁn"), normal("Amélie fin"));
    }
}
