//! The vectors every [`Suite`] must pass: natively with `RustCrypto`, in a browser with WebCrypto.
//!
//! The JSON files say where they come from; the tests of this crate hold them against their sources.

use serde::Deserialize;

use super::{FixedRng, unhex};
use crate::crypto::kem::{self, Wrapped};
use crate::crypto::label::Label;
use crate::crypto::seal::{self, CHUNK_BYTES};
use crate::crypto::secret::PrivateKey;
use crate::crypto::sign::{PublicKey, SignatureBytes, VerifyJob, is_low_s, verify};
use crate::crypto::suite::{OpenJob, Suite, UnwrapJob, WrapJob};

/// Hex in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self(unhex(&String::deserialize(d)?)))
    }
}

#[derive(Debug, Deserialize)]
struct File<T> {
    cases: Vec<T>,
}

fn load<T: for<'de> Deserialize<'de>>(text: &str) -> Vec<T> {
    let file: File<T> = serde_json::from_str(text).expect("the vector file is JSON of its kind");
    assert!(!file.cases.is_empty(), "an empty vector file tests nothing");
    file.cases
}

/// A signature under the label `msg`.
#[derive(Debug, Deserialize)]
pub struct VerifyCase {
    pub what: String,
    pub key: Hex,
    pub message: Hex,
    pub sig: Hex,
    pub ok: bool,
}

pub fn verify_cases() -> Vec<VerifyCase> {
    load(include_str!("../../tests/vectors/suite_verify.json"))
}

/// Something sealed with Cobblestone-256, or made to look so.
#[derive(Debug, Deserialize)]
pub struct OpenCase {
    pub what: String,
    pub key: Hex,
    pub context: Hex,
    /// The sealed bytes, compressed with zlib.
    pub sealed_zlib: Hex,
    pub ok: bool,
    /// Of the plaintext.
    pub sha512: Option<Hex>,
}

impl OpenCase {
    pub fn sealed(&self) -> Vec<u8> {
        miniz_oxide::inflate::decompress_to_vec_zlib(&self.sealed_zlib.0).expect("zlib")
    }
}

pub fn open_cases() -> Vec<OpenCase> {
    load(include_str!("../../tests/vectors/cobblestone256.json"))
}

/// RFC 9180, base mode, our suite.
#[derive(Debug, Deserialize)]
#[allow(non_snake_case)]
pub struct HpkeCase {
    pub info: Hex,
    pub ikmE: Hex,
    pub skRm: Hex,
    pub pkRm: Hex,
    pub enc: Hex,
    pub key: Hex,
    pub base_nonce: Hex,
    pub encryptions: Vec<HpkeEncryption>,
}

#[derive(Debug, Deserialize)]
pub struct HpkeEncryption {
    pub aad: Hex,
    pub ct: Hex,
    pub nonce: Hex,
    pub pt: Hex,
}

impl HpkeCase {
    /// What our one shot (no associated data) makes of `plain` under this case's key and first nonce: the vectors carry
    /// associated data, so the tag is worked out from the key schedule they print.
    pub fn one_shot(&self, plain: &[u8]) -> Wrapped {
        use aes_gcm::KeyInit;
        use aes_gcm::aead::Aead;
        let cipher = aes_gcm::Aes256Gcm::new_from_slice(&self.key.0).expect("32 bytes");
        let nonce = aes_gcm::Nonce::try_from(self.base_nonce.0.as_slice()).expect("12 bytes");
        Wrapped {
            enc: self.enc.0.clone(),
            ct: cipher.encrypt(&nonce, plain).expect("short"),
        }
    }
}

pub fn hpke_cases() -> Vec<HpkeCase> {
    load(include_str!("../../tests/vectors/rfc9180_p256_sha256_aes256gcm.json"))
}

/// How many cases ran, so that a caller can see that they did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuiteReport {
    pub verified: usize,
    pub signed: usize,
    pub unwrapped: usize,
    pub wrapped: usize,
    pub opened: usize,
}

/// Runs everything and panics at the first answer that is wrong.
pub async fn run_suite_vectors<S: Suite>(suite: &S) -> SuiteReport {
    normalises(suite);
    SuiteReport {
        verified: verifies(suite).await,
        signed: signs(suite).await,
        unwrapped: unwraps(suite).await,
        wrapped: wraps(suite).await,
        opened: opens(suite).await,
    }
}

/// Composed and not, Hangul, ligatures, widths, signs that are other letters, marks out of order, beyond the BMP.
fn normalises<S: Suite>(suite: &S) {
    for (text, wanted) in [
        ("correct horse battery staple", "correct horse battery staple"),
        ("Ame\u{301}lie", "Am\u{e9}lie"),
        ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
        ("\u{fb01}n \u{2167} \u{2460}", "fin VIII 1"),
        ("\u{ff21}\u{ff76}\u{ff9e}", "A\u{30ac}"),
        ("\u{2126}\u{212b}", "\u{3a9}\u{c5}"),
        ("q\u{307}\u{323}", "q\u{323}\u{307}"),
        ("\u{1d400}\u{1f600}", "A\u{1f600}"),
        ("\u{ad}\u{a0}", "\u{ad} "),
    ] {
        assert_eq!(suite.normalise(text).as_str(), wanted, "{text:?}");
    }
}

fn array(bytes: &[u8]) -> SignatureBytes {
    bytes.try_into().expect("64 bytes")
}

async fn verifies<S: Suite>(suite: &S) -> usize {
    let cases = verify_cases();
    let other = PrivateKey::make(&mut FixedRng::new("vectors/other")).public();
    let mut names = Vec::new();
    let mut jobs = Vec::new();
    let mut wanted = Vec::new();
    let mut add = |name: String, job: VerifyJob, ok: bool| {
        names.push(name);
        jobs.push(job);
        wanted.push(ok);
    };
    for (index, case) in cases.iter().enumerate() {
        // A key that our strict parse refuses never reaches a suite.
        let Ok(key) = PublicKey::from_bytes(&case.key.0) else {
            assert!(!case.ok, "{}", case.what);
            continue;
        };
        let job = VerifyJob {
            key,
            label: Label::Message,
            message: case.message.0.clone(),
            sig: array(&case.sig.0),
        };
        add(case.what.clone(), job.clone(), case.ok);
        if !case.ok {
            continue;
        }
        // The same for another message, label, key or signature is nothing; a bit each, at places that move.
        let mut message = job.message.clone();
        message.push(0);
        add(
            format!("{}, message longer", case.what),
            VerifyJob { message, ..job.clone() },
            false,
        );
        add(
            format!("{}, other label", case.what),
            VerifyJob {
                label: Label::RoomLog,
                ..job.clone()
            },
            false,
        );
        add(
            format!("{}, other key", case.what),
            VerifyJob {
                key: other,
                ..job.clone()
            },
            false,
        );
        let mut sig = job.sig;
        sig[index % 64] ^= 1 << (index % 8);
        add(
            format!("{}, bit {index} flipped", case.what),
            VerifyJob { sig, ..job.clone() },
            false,
        );
    }
    let verdicts = suite.verify_all(&jobs).await;
    assert_eq!(verdicts.len(), jobs.len(), "one verdict for each job");
    for ((name, verdict), ok) in names.iter().zip(&verdicts).zip(&wanted) {
        assert_eq!(verdict, ok, "verify: {name}");
    }
    assert!(suite.verify_all(&[]).await.is_empty());
    jobs.len()
}

async fn signs<S: Suite>(suite: &S) -> usize {
    let mut rng = FixedRng::new("vectors/sign");
    let (key, other) = (
        suite.make_device_key(&mut rng).await.unwrap(),
        suite.make_device_key(&mut rng).await.unwrap(),
    );
    let (public, other) = (suite.device_public_key(&key), suite.device_public_key(&other));
    assert_ne!(public, other, "every device key is new");
    assert_eq!(PublicKey::from_bytes(public.as_bytes()), Ok(public));
    let mut jobs = Vec::new();
    for index in 0_usize..32 {
        let message = vec![index as u8; index * 67];
        let label = if index.is_multiple_of(2) {
            Label::Message
        } else {
            Label::RoomLog
        };
        let sig = suite.sign(&key, label, &message).await.unwrap();
        assert!(is_low_s(&sig), "signature {index} is high-S");
        assert!(
            verify(&public, label, &message, &sig).is_ok(),
            "signature {index} does not verify here"
        );
        jobs.push(VerifyJob {
            key: public,
            label,
            message,
            sig,
        });
    }
    let good = suite.verify_all(&jobs).await;
    assert!(
        good.len() == jobs.len() && good.iter().all(|verdict| *verdict),
        "what a suite signs it verifies"
    );
    for job in &mut jobs {
        job.key = other;
    }
    assert!(
        suite.verify_all(&jobs).await.iter().all(|verdict| !verdict),
        "another key verifies nothing"
    );
    jobs.len()
}

async fn unwraps<S: Suite>(suite: &S) -> usize {
    let mut count = 0;
    for case in hpke_cases() {
        let key = PrivateKey::from_bytes(&case.skRm.0).unwrap();
        assert_eq!(key.public().as_bytes().as_slice(), case.pkRm.0);
        let secret = [0x5e; 32];
        let good = UnwrapJob {
            info: case.info.0.clone(),
            wrapped: case.one_shot(&secret),
        };
        let change = |change: &dyn Fn(&mut UnwrapJob)| {
            let mut job = good.clone();
            change(&mut job);
            job
        };
        let off_curve = change(&|job| job.wrapped.enc[64] ^= 1);
        let jobs = [
            good.clone(),
            change(&|job| job.info.push(0)),
            change(&|job| job.wrapped.ct[0] ^= 1),
            change(&|job| *job.wrapped.ct.last_mut().unwrap() ^= 0x80),
            change(&|job| job.wrapped.ct.truncate(47)),
            change(&|job| job.wrapped.ct.push(0)),
            change(&|job| job.wrapped.ct.clear()),
            off_curve,
            change(&|job| job.wrapped.enc = vec![0]),
            change(&|job| job.wrapped.enc.clear()),
            change(&|job| job.wrapped.enc.truncate(64)),
            // The compressed form of the same point.
            change(&|job| {
                let parity = 2 | (job.wrapped.enc[64] & 1);
                job.wrapped.enc.truncate(33);
                job.wrapped.enc[0] = parity;
            }),
            // Another point of the curve: a valid key exchange that gives another key.
            change(&|job| job.wrapped.enc = case.pkRm.0.clone()),
            // As the vector has it, with associated data that we do not use.
            change(&|job| job.wrapped.ct = case.encryptions[0].ct.0.clone()),
            good.clone(),
        ];
        let answers = suite.unwrap_all(&key, &jobs).await;
        assert_eq!(answers.len(), jobs.len(), "one answer for each job");
        for (index, answer) in answers.iter().enumerate() {
            let is_good = index == 0 || index == jobs.len() - 1;
            match answer {
                Ok(plain) => assert!(is_good && plain.as_slice() == secret, "unwrap {index} must not open"),
                Err(_) => assert!(!is_good, "unwrap {index} must open"),
            }
        }
        let stranger = PrivateKey::make(&mut FixedRng::new("vectors/stranger"));
        assert!(
            suite.unwrap_all(&stranger, &jobs).await.iter().all(Result::is_err),
            "another key opens nothing"
        );
        count += jobs.len();
    }
    assert!(
        suite
            .unwrap_all(&PrivateKey::make(&mut FixedRng::new("none")), &[])
            .await
            .is_empty()
    );
    count
}

async fn wraps<S: Suite>(suite: &S) -> usize {
    let mut rng = FixedRng::new("vectors/wrap");
    let keys: Vec<PrivateKey> = (0..5).map(|_| PrivateKey::make(&mut rng)).collect();
    let jobs: Vec<WrapJob> = keys
        .iter()
        .enumerate()
        .map(|(index, key)| WrapJob {
            recipient: key.public(),
            info: vec![index as u8; index * 40],
        })
        .collect();
    let secret = [0xe5; 32];
    let wrapped: Vec<Wrapped> = suite
        .wrap_all(&mut rng, &secret, &jobs)
        .await
        .into_iter()
        .map(|wrapped| wrapped.unwrap())
        .collect();
    assert_eq!(wrapped.len(), jobs.len(), "one wrap for each job");
    for (index, ((key, job), wrapped)) in keys.iter().zip(&jobs).zip(&wrapped).enumerate() {
        assert_eq!((wrapped.enc.len(), wrapped.ct.len()), (65, 48));
        // Opens here, whoever made it, and in the suite, whoever made it.
        assert_eq!(
            kem::unwrap(key, &job.info, wrapped).unwrap().as_slice(),
            secret,
            "wrap {index}"
        );
        let ours = kem::wrap(&mut rng, &job.recipient, &job.info, &secret).unwrap();
        let jobs = [wrapped, &ours].map(|wrapped| UnwrapJob {
            info: job.info.clone(),
            wrapped: wrapped.clone(),
        });
        for answer in suite.unwrap_all(key, &jobs).await {
            assert_eq!(answer.unwrap().as_slice(), secret, "wrap {index}");
        }
        assert_ne!(ours.enc, wrapped.enc, "every wrap has a key of its own");
    }
    jobs.len()
}

async fn opens<S: Suite>(suite: &S) -> usize {
    let cases = open_cases();
    let mut jobs = Vec::new();
    for case in &cases {
        // A key of another length never reaches a suite.
        let Ok(key) = <[u8; 32]>::try_from(case.key.0.as_slice()) else {
            assert!(!case.ok, "{}", case.what);
            continue;
        };
        let wanted = case
            .ok
            .then(|| case.sha512.clone().expect("a valid case has a digest").0);
        jobs.push((case.what.clone(), key, case.context.0.clone(), case.sealed(), wanted));
    }
    // Around a chunk and above 64 KiB, where a backend may go another way; and each with its last byte changed.
    for len in [
        0,
        1,
        CHUNK_BYTES - 1,
        CHUNK_BYTES,
        CHUNK_BYTES + 1,
        65_535,
        65_536,
        5 * CHUNK_BYTES,
        300_000,
    ] {
        let plain: Vec<u8> = (0..len).map(|at| (at * 7) as u8).collect();
        let sealed = seal::seal_with_salt(&[3; 32], &[len as u8; 24], b"sotto", &plain);
        let mut broken = sealed.clone();
        *broken.last_mut().expect("not empty") ^= 1;
        jobs.push((
            format!("{len} bytes"),
            [3; 32],
            b"sotto".to_vec(),
            sealed,
            Some(sha512(&plain)),
        ));
        jobs.push((format!("{len} bytes, broken"), [3; 32], b"sotto".to_vec(), broken, None));
    }
    let borrowed: Vec<OpenJob<'_>> = jobs
        .iter()
        .map(|(_, key, context, sealed, _)| OpenJob {
            key,
            context: context.clone(),
            sealed,
        })
        .collect();
    let answers = suite.open_all(&borrowed).await;
    assert_eq!(answers.len(), jobs.len(), "one answer for each job");
    for ((what, .., wanted), answer) in jobs.iter().zip(&answers) {
        assert_eq!(answer.as_ref().ok().map(|plain| sha512(plain)), *wanted, "open: {what}");
    }
    assert!(suite.open_all(&[]).await.is_empty());
    jobs.len()
}

fn sha512(bytes: &[u8]) -> Vec<u8> {
    use sha2::Digest;
    sha2::Sha512::digest(bytes).to_vec()
}
