//! Nothing secret is printed, and whatever is secret is wiped when it goes.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use sotto_shared::crypto::kem::Wrapped;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::password::{Normalised, PasswordRoot, Profile, derive_root};
use sotto_shared::crypto::recovery::RecoveryKey;
use sotto_shared::crypto::seal::{Keys, seal_with_salt};
use sotto_shared::crypto::secret::{
    DayVaultKey, DerivedKey, EpochSecret, InviteSecret, PrivateKey, VaultKey, WrapKey, derive, opaque_id,
};
use sotto_shared::crypto::suite::{OpenJob, RustCrypto, Suite};
use sotto_shared::file::FileKey;
use sotto_shared::testing::FixedRng;
use zeroize::{ZeroizeOnDrop, Zeroizing};

const fn wiped<T: ZeroizeOnDrop>() {}

// These lines are the test: they compile or they do not.
const _: () = {
    wiped::<VaultKey>();
    wiped::<DayVaultKey>();
    wiped::<WrapKey>();
    wiped::<EpochSecret>();
    wiped::<DerivedKey>();
    wiped::<InviteSecret>();
    wiped::<FileKey>();
    wiped::<PasswordRoot>();
    wiped::<RecoveryKey>();
    // What `PrivateKey` and `Keys` hold.
    wiped::<p256::SecretKey>();
    wiped::<Zeroizing<[u8; 32]>>();
    let _: fn(&Keys) -> &Zeroizing<[u8; 32]> = |keys| &keys.key;
};

/// Does not compile once the type has the trait: two implementations would fit then.
macro_rules! is_not {
    ($trait:path: $($ty:ty),* $(,)?) => {
        const _: fn() = || {
            trait Ambiguous<A> {
                fn check() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            impl<T: ?Sized + $trait> Ambiguous<u8> for T {}
            $(<$ty as Ambiguous<_>>::check();)*
        };
    };
}

is_not!(Clone: VaultKey, DayVaultKey, WrapKey, EpochSecret, DerivedKey, InviteSecret, PrivateKey, PasswordRoot, RecoveryKey, Keys);
is_not!(serde::Serialize: VaultKey, DayVaultKey, WrapKey, EpochSecret, DerivedKey, InviteSecret, PrivateKey, PasswordRoot, RecoveryKey, Keys);
is_not!(std::fmt::Display: VaultKey, DayVaultKey, WrapKey, EpochSecret, DerivedKey, InviteSecret, PrivateKey, PasswordRoot, RecoveryKey, Keys);
is_not!(std::fmt::Debug: Keys);
is_not!(serde::Serialize: FileKey);

#[test]
fn debug_of_what_is_secret_is_a_name_and_nothing_else() {
    let bytes = [0xab; 32];
    let password = derive_root(
        &Normalised::new("correct horse battery"),
        "r",
        "ada",
        &[0xab; 16],
        Profile::One,
    )
    .unwrap();
    let key = PrivateKey::from_bytes(&[0x0b; 32]).unwrap();
    let job = OpenJob {
        key: &bytes,
        context: Vec::new(),
        sealed: &[1, 2, 3],
    };
    for (shown, wanted) in [
        (format!("{:?}", VaultKey::from_bytes(bytes)), "VaultKey(…)"),
        (format!("{:?}", DayVaultKey::from_bytes(bytes)), "DayVaultKey(…)"),
        (format!("{:?}", WrapKey::from_bytes(bytes)), "WrapKey(…)"),
        (format!("{:?}", EpochSecret::from_bytes(bytes)), "EpochSecret(…)"),
        (format!("{:?}", DerivedKey::from_bytes(bytes)), "DerivedKey(…)"),
        (format!("{:?}", derive(&bytes, Label::MessageKey, &[])), "DerivedKey(…)"),
        (format!("{:?}", InviteSecret::from_bytes(bytes)), "InviteSecret(…)"),
        (format!("{:?}", FileKey::from_bytes(bytes)), "FileKey(…)"),
        (format!("{key:?}"), "PrivateKey(…)"),
        (format!("{:?}", std::sync::Arc::new(key)), "PrivateKey(…)"),
        (format!("{password:?}"), "PasswordRoot(…)"),
        (
            format!("{:?}", RecoveryKey::make(&mut FixedRng::new("debug"))),
            "RecoveryKey(…)",
        ),
        (format!("{job:?}"), "OpenJob(…)"),
        (format!("{RustCrypto:?}"), "RustCrypto"),
    ] {
        assert_eq!(shown, wanted);
    }
    // And at length, in whatever holds them.
    let all = format!(
        "{:#?}",
        (VaultKey::from_bytes(bytes), Some(EpochSecret::from_bytes(bytes)), job)
    );
    assert!(!all.contains("171") && !all.to_lowercase().contains("ab,"), "{all}");
}

#[test]
fn a_device_key_shows_nothing_either() {
    let key = futures_lite::future::block_on(RustCrypto.make_device_key(&mut FixedRng::new("device"))).unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey(…)");
}

#[test]
fn secrets_compare_by_contents_and_take_exactly_32_bytes() {
    assert!(VaultKey::from_bytes([1; 32]) == VaultKey::from_bytes([1; 32]));
    assert!(VaultKey::from_bytes([1; 32]) != VaultKey::from_bytes([2; 32]));
    for len in [0, 31, 33, 64] {
        assert!(VaultKey::from_slice(&vec![1; len]).is_none(), "{len}");
    }
    assert!(VaultKey::from_slice(&[1; 32]).is_some_and(|key| key == VaultKey::from_bytes([1; 32])));
}

#[test]
fn private_keys_lie_in_the_group() {
    let order = sotto_shared::testing::unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    for bad in [vec![0; 32], order, vec![0xff; 32], vec![1; 31], vec![1; 33], Vec::new()] {
        assert!(PrivateKey::from_bytes(&bad).is_none());
    }
    for wide in [[0; 48], [0xff; 48], [0x80; 48]] {
        let key = PrivateKey::from_wide(&wide);
        assert!(PrivateKey::from_bytes(&*key.to_bytes()).is_some());
    }
}

#[test]
fn two_seals_of_one_plaintext_share_nothing() {
    let mut rng = FixedRng::new("seals");
    let seal = |rng: &mut FixedRng| sotto_shared::crypto::seal::seal(rng, &[1; 32], b"context", &[0; 64]);
    let (a, b) = (seal(&mut rng), seal(&mut rng));
    assert_ne!(a[..24], b[..24], "the salt");
    assert_ne!(a[24..56], b[24..56], "the commitment");
    assert_ne!(a[56..], b[56..], "the ciphertext");
    assert_eq!(
        a,
        seal_with_salt(&[1; 32], a.first_chunk().unwrap(), b"context", &[0; 64])
    );
}

#[test]
fn one_box_does_not_open_to_two_plaintexts() {
    // A21: what makes AES-GCM alone fail is that a ciphertext can be made to fit two keys. Here the commitment names one.
    let (one, two) = ([1; 32], [2; 32]);
    let a = seal_with_salt(&one, &[9; 24], b"", b"pay bob");
    let b = seal_with_salt(&two, &[9; 24], b"", b"pay eve");
    let mixed = [&a[..56], &b[56..]].concat();
    for key in [one, two] {
        assert!(sotto_shared::crypto::seal::open(&key, b"", &mixed).is_err());
    }
}

#[test]
fn names_in_a_vault_do_not_run_into_each_other() {
    let key = DerivedKey::from_bytes([1; 32]);
    assert_ne!(opaque_id(&key, &[b"ab", b"c"]), opaque_id(&key, &[b"a", b"bc"]));
    assert_ne!(opaque_id(&key, &[b"abc"]), opaque_id(&key, &[b"abc", b""]));
    assert_ne!(
        opaque_id(&key, &[b"abc"]),
        opaque_id(&DerivedKey::from_bytes([2; 32]), &[b"abc"])
    );
}

#[test]
fn a_wrap_prints_ciphertext_only() {
    let secret = [0xee; 32];
    let recipient = PrivateKey::make(&mut FixedRng::new("r"));
    let wrapped: Wrapped =
        sotto_shared::crypto::kem::wrap(&mut FixedRng::new("w"), &recipient.public(), b"", &secret).unwrap();
    assert!(!format!("{wrapped:?}").contains("238, 238, 238"));
}
