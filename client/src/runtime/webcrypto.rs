//! The browser's own cryptography behind [`Suite`]: it verifies twenty times faster than wasm, off this thread, and holds
//! signing keys that it does not hand out.
//!
//! What it cannot do well stays with `RustCrypto`: HKDF-Expand alone, AES on messages of a few kilobytes (importing a key
//! costs more than the seal), Argon2id, and the HPKE key schedule.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use js_sys::{Array, Object, Reflect, Uint8Array};
use rand::CryptoRng;
use sotto_shared::crypto::kem::Wrapped;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::password::Normalised;
use sotto_shared::crypto::seal::OpenError;
use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::sign::{PublicKey, SignatureBytes, VerifyJob, is_low_s, signed_bytes, to_low_s};
use sotto_shared::crypto::suite::{RustCrypto, Suite, SuiteError, UnwrapJob, WrapJob};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, CryptoKeyPair, DedicatedWorkerGlobalScope, SubtleCrypto};
use zeroize::Zeroizing;

/// Imported public keys that are kept: a room's authors come again and again.
const MAX_IMPORTED: usize = 4_096;

/// A browser's signing key.
#[derive(Clone)]
pub enum DeviceKey {
    /// Not extractable: the private half never enters wasm.
    Platform { key: CryptoKey, public: PublicKey },
    /// Where the browser's cryptography has no ECDSA. Lives in memory alone.
    Memory(Arc<PrivateKey>),
}

impl std::fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeviceKey(…)")
    }
}

#[derive(Clone)]
pub struct WebCrypto {
    subtle: Option<SubtleCrypto>,
    imported: Rc<RefCell<HashMap<PublicKey, CryptoKey>>>,
}

impl WebCrypto {
    pub fn new(scope: &DedicatedWorkerGlobalScope) -> Self {
        Self::with(scope.crypto().ok().map(|crypto| crypto.subtle()))
    }

    /// `None`: everything by `RustCrypto`.
    pub fn with(subtle: Option<SubtleCrypto>) -> Self {
        // Outside secure contexts the property is undefined although the binding says otherwise.
        let subtle = subtle.filter(|subtle| !JsValue::from(subtle).is_undefined());
        Self {
            subtle,
            imported: Rc::default(),
        }
    }

    pub const fn subtle(&self) -> Option<&SubtleCrypto> {
        self.subtle.as_ref()
    }
}

impl Suite for WebCrypto {
    type DeviceKey = DeviceKey;

    fn normalise(&self, password: &str) -> Normalised {
        let normal: String = js_sys::JsString::from(password).normalize("NFKC").into();
        Normalised::by_platform(Zeroizing::new(normal))
    }

    async fn make_device_key(&self, rng: &mut dyn CryptoRng) -> Result<DeviceKey, SuiteError> {
        if let Some(subtle) = &self.subtle {
            let usages = Array::of1(&"sign".into());
            let promise = subtle
                .generate_key_with_object(&curve("ECDSA"), false, &usages)
                .map_err(|error| refused(&error))?;
            let pair: CryptoKeyPair = JsFuture::from(promise)
                .await
                .map_err(|error| refused(&error))?
                .unchecked_into();
            let public = export_public(subtle, &pair.get_public_key()).await?;
            return Ok(DeviceKey::Platform {
                key: pair.get_private_key(),
                public,
            });
        }
        Ok(DeviceKey::Memory(RustCrypto.make_device_key(rng).await?))
    }

    fn device_public_key(&self, key: &DeviceKey) -> PublicKey {
        match key {
            DeviceKey::Platform { public, .. } => *public,
            DeviceKey::Memory(key) => key.public(),
        }
    }

    async fn sign(&self, key: &DeviceKey, label: Label, message: &[u8]) -> Result<SignatureBytes, SuiteError> {
        let (key, subtle) = match (key, &self.subtle) {
            (DeviceKey::Memory(key), _) => return Ok(key.sign(label, message)),
            (DeviceKey::Platform { key, .. }, Some(subtle)) => (key, subtle),
            (DeviceKey::Platform { .. }, None) => return Err(SuiteError("no WebCrypto".into())),
        };
        let bytes = Uint8Array::from(signed_bytes(label, message).as_slice());
        let promise = subtle
            .sign_with_object_and_buffer_source(&ecdsa(), key, &bytes)
            .map_err(|error| refused(&error))?;
        let made = JsFuture::from(promise).await.map_err(|error| refused(&error))?;
        let sig: SignatureBytes = Uint8Array::new(&made)
            .to_vec()
            .try_into()
            .map_err(|_| SuiteError("length".into()))?;
        to_low_s(&sig).map_err(|_| SuiteError("signature".into()))
    }

    fn verify_all(&self, jobs: &[VerifyJob]) -> impl Future<Output = Vec<bool>> + 'static {
        // Started here, all of them; awaited later.
        let running: Vec<Running> = match &self.subtle {
            Some(subtle) => jobs.iter().map(|job| self.start_verify(subtle, job)).collect(),
            None => jobs.iter().map(|job| Running::Done(job.check())).collect(),
        };
        let (this, jobs) = (self.clone(), jobs.to_vec());
        async move {
            let mut verdicts = Vec::with_capacity(running.len());
            for (running, job) in running.into_iter().zip(jobs) {
                verdicts.push(match running {
                    Running::Done(verdict) => verdict,
                    Running::Verifying(promise) => JsFuture::from(promise).await.is_ok_and(|value| value.is_truthy()),
                    Running::NeedsKey => this.import_and_verify(&job).await,
                });
            }
            verdicts
        }
    }

    async fn wrap_all(
        &self,
        rng: &mut dyn CryptoRng,
        secret: &[u8; 32],
        jobs: &[WrapJob],
    ) -> Vec<Result<Wrapped, OpenError>> {
        RustCrypto.wrap_all(rng, secret, jobs).await
    }

    async fn unwrap_all(&self, key: &PrivateKey, jobs: &[UnwrapJob]) -> Vec<Result<Zeroizing<Vec<u8>>, OpenError>> {
        RustCrypto.unwrap_all(key, jobs).await
    }
}

enum Running {
    Done(bool),
    Verifying(js_sys::Promise),
    NeedsKey,
}

impl WebCrypto {
    fn start_verify(&self, subtle: &SubtleCrypto, job: &VerifyJob) -> Running {
        if !is_low_s(&job.sig) {
            return Running::Done(false);
        }
        match self.imported.borrow().get(&job.key) {
            Some(key) => verify(subtle, key, job).map_or(Running::Done(false), Running::Verifying),
            None => Running::NeedsKey,
        }
    }

    async fn import_and_verify(&self, job: &VerifyJob) -> bool {
        let Some(subtle) = &self.subtle else { return job.check() };
        let known = self.imported.borrow().get(&job.key).cloned();
        let key = match known {
            Some(key) => key,
            None => match import_public(subtle, &job.key).await {
                Some(key) => {
                    let mut imported = self.imported.borrow_mut();
                    if imported.len() >= MAX_IMPORTED {
                        imported.clear();
                    }
                    imported.insert(job.key, key.clone());
                    key
                }
                // The browser does not take the key; our own code has the last word.
                None => return job.check(),
            },
        };
        match verify(subtle, &key, job) {
            Some(promise) => JsFuture::from(promise).await.is_ok_and(|value| value.is_truthy()),
            None => false,
        }
    }
}

fn verify(subtle: &SubtleCrypto, key: &CryptoKey, job: &VerifyJob) -> Option<js_sys::Promise> {
    let sig = Uint8Array::from(job.sig.as_slice());
    let message = Uint8Array::from(signed_bytes(job.label, &job.message).as_slice());
    let promise = subtle
        .verify_with_object_and_buffer_source_and_buffer_source(&ecdsa(), key, &sig, &message)
        .ok()?;
    Some(promise.unchecked_into())
}

async fn import_public(subtle: &SubtleCrypto, key: &PublicKey) -> Option<CryptoKey> {
    let bytes = Uint8Array::from(key.as_bytes().as_slice());
    let usages = Array::of1(&"verify".into());
    let promise = subtle
        .import_key_with_object("raw", &bytes, &curve("ECDSA"), true, &usages)
        .ok()?;
    JsFuture::from(promise).await.ok()?.dyn_into().ok()
}

async fn export_public(subtle: &SubtleCrypto, key: &CryptoKey) -> Result<PublicKey, SuiteError> {
    let promise = subtle.export_key("raw", key).map_err(|error| refused(&error))?;
    let raw = JsFuture::from(promise).await.map_err(|error| refused(&error))?;
    PublicKey::from_bytes(&Uint8Array::new(&raw).to_vec()).map_err(|_| SuiteError("public key".into()))
}

fn curve(name: &str) -> Object {
    object(&[("name", name.into()), ("namedCurve", "P-256".into())])
}

fn ecdsa() -> Object {
    object(&[("name", "ECDSA".into()), ("hash", "SHA-256".into())])
}

/// A plain JavaScript object.
pub fn object(fields: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in fields {
        // A fresh plain object takes any property.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object
}

fn refused(error: &JsValue) -> SuiteError {
    let name = Reflect::get(error, &"name".into())
        .ok()
        .and_then(|name| name.as_string());
    SuiteError(name.unwrap_or_else(|| "unknown".into()))
}
