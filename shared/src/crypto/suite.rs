//! Every P-256 and bulk AES operation of the client goes through [`Suite`], many at a time, so that the browser's own
//! implementation can do the heavy part. Two backends, the same vectors: [`RustCrypto`] here (native, tests, fallback)
//! and WebCrypto in the client's runtime.

use std::future::Future;
use std::sync::Arc;

use rand::CryptoRng;
use zeroize::Zeroizing;

use super::kem::{self, Wrapped};
use super::label::Label;
use super::password::Normalised;
use super::seal::{self, OpenError};
use super::secret::PrivateKey;
use super::sign::{PublicKey, SignatureBytes, VerifyJob};

/// The platform refused: no such algorithm, no memory. Never the peer's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this browser's cryptography failed: {0}")]
pub struct SuiteError(pub String);

/// A key to be wrapped for a member.
#[derive(Debug, Clone)]
pub struct WrapJob {
    pub recipient: PublicKey,
    pub info: Vec<u8>,
}

/// A wrap to be opened.
#[derive(Debug, Clone)]
pub struct UnwrapJob {
    pub info: Vec<u8>,
    pub wrapped: Wrapped,
}

/// A sealed box to be opened.
pub struct OpenJob<'a> {
    pub key: &'a [u8; 32],
    pub context: Vec<u8>,
    pub sealed: &'a [u8],
}

impl std::fmt::Debug for OpenJob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key is in it.
        f.write_str("OpenJob(…)")
    }
}

/// One answer for each job, in order.
pub trait Suite {
    /// A browser's signing key; where the platform can, it never shows its private half.
    type DeviceKey: Clone;

    fn make_device_key(&self, rng: &mut dyn CryptoRng) -> impl Future<Output = Result<Self::DeviceKey, SuiteError>>;

    fn device_public_key(&self, key: &Self::DeviceKey) -> PublicKey;

    /// Low-S, like every signature.
    fn sign(
        &self,
        key: &Self::DeviceKey,
        label: Label,
        message: &[u8],
    ) -> impl Future<Output = Result<SignatureBytes, SuiteError>>;

    /// The work begins at the call, not at the first poll: a caller can open the next batch meanwhile.
    fn verify_all(&self, jobs: &[VerifyJob]) -> impl Future<Output = Vec<bool>> + 'static;

    /// Wraps one key for many.
    fn wrap_all(
        &self,
        rng: &mut dyn CryptoRng,
        secret: &[u8; 32],
        jobs: &[WrapJob],
    ) -> impl Future<Output = Vec<Result<Wrapped, OpenError>>>;

    fn unwrap_all(
        &self,
        key: &PrivateKey,
        jobs: &[UnwrapJob],
    ) -> impl Future<Output = Vec<Result<Zeroizing<Vec<u8>>, OpenError>>>;

    /// NFKC of a password.
    fn normalise(&self, password: &str) -> Normalised;

    /// Messages are small, and importing a key into WebCrypto costs more than opening them here.
    fn open_all(&self, jobs: &[OpenJob<'_>]) -> impl Future<Output = Vec<Result<Vec<u8>, OpenError>>> {
        std::future::ready(
            jobs.iter()
                .map(|job| seal::open(job.key, &job.context, job.sealed))
                .collect(),
        )
    }
}

/// This crate's own code, from the RustCrypto project.
#[derive(Debug, Clone, Copy, Default)]
pub struct RustCrypto;

impl Suite for RustCrypto {
    type DeviceKey = Arc<PrivateKey>;

    fn normalise(&self, password: &str) -> Normalised {
        Normalised::new(password)
    }

    async fn make_device_key(&self, rng: &mut dyn CryptoRng) -> Result<Self::DeviceKey, SuiteError> {
        Ok(Arc::new(PrivateKey::make(rng)))
    }

    fn device_public_key(&self, key: &Self::DeviceKey) -> PublicKey {
        key.public()
    }

    async fn sign(&self, key: &Self::DeviceKey, label: Label, message: &[u8]) -> Result<SignatureBytes, SuiteError> {
        Ok(key.sign(label, message))
    }

    fn verify_all(&self, jobs: &[VerifyJob]) -> impl Future<Output = Vec<bool>> + 'static {
        std::future::ready(jobs.iter().map(VerifyJob::check).collect())
    }

    async fn wrap_all(
        &self,
        rng: &mut dyn CryptoRng,
        secret: &[u8; 32],
        jobs: &[WrapJob],
    ) -> Vec<Result<Wrapped, OpenError>> {
        jobs.iter()
            .map(|job| kem::wrap(rng, &job.recipient, &job.info, secret))
            .collect()
    }

    async fn unwrap_all(&self, key: &PrivateKey, jobs: &[UnwrapJob]) -> Vec<Result<Zeroizing<Vec<u8>>, OpenError>> {
        jobs.iter()
            .map(|job| kem::unwrap(key, &job.info, &job.wrapped))
            .collect()
    }
}
