//! RFC 9180: our exact suite, through our own `wrap` and `unwrap`.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use aes_gcm::KeyInit;
use aes_gcm::aead::{Aead, Payload};
use sotto_shared::crypto::kem;
use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::sign::PublicKey;
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::vectors::hpke_cases;

#[test]
fn wrapping_with_the_rfcs_ephemeral_material_gives_its_encapsulation_and_ciphertext() {
    for case in hpke_cases() {
        let recipient = PublicKey::from_bytes(&case.pkRm.0).unwrap();
        let plain = &case.encryptions[0].pt.0;
        let wrapped = kem::wrap(&mut FixedRng::replay(&case.ikmE.0), &recipient, &case.info.0, plain).unwrap();
        assert_eq!(wrapped.enc, case.enc.0);
        assert_eq!(wrapped, case.one_shot(plain));
    }
}

#[test]
fn unwrapping_with_the_rfcs_private_key_gives_the_plaintext() {
    for case in hpke_cases() {
        let key = PrivateKey::from_bytes(&case.skRm.0).unwrap();
        for plain in [case.encryptions[0].pt.0.as_slice(), &[7; 32], &[]] {
            assert_eq!(
                kem::unwrap(&key, &case.info.0, &case.one_shot(plain))
                    .unwrap()
                    .as_slice(),
                plain
            );
        }
    }
}

#[test]
fn the_printed_key_and_nonces_give_the_printed_ciphertexts() {
    // Ties `one_shot` to the RFC: same cipher, same key, with the associated data that the RFC has and we have not.
    for case in hpke_cases() {
        let cipher = aes_gcm::Aes256Gcm::new_from_slice(&case.key.0).unwrap();
        for (index, encryption) in case.encryptions.iter().enumerate() {
            let nonce = aes_gcm::Nonce::try_from(encryption.nonce.0.as_slice()).unwrap();
            let payload = Payload {
                msg: &encryption.pt.0,
                aad: &encryption.aad.0,
            };
            assert_eq!(
                cipher.encrypt(&nonce, payload).unwrap(),
                encryption.ct.0,
                "encryption {index}"
            );
        }
        assert_eq!(case.encryptions[0].nonce, case.base_nonce);
    }
}
