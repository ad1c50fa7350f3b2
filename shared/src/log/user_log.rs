//! A person's keys and devices: an append-only log signed by the identity key.
//!
//! `user_id = H("user-id", genesis)`, so a relay cannot swap the genesis; entry 0 is the genesis itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::LogError;
use crate::codec::{Bytes, Codec, Text};
use crate::crypto::hash::hash;
use crate::crypto::label::Label;
use crate::crypto::sign::{PublicKey, SignatureBytes, SignedBlob, Unproven, VerifyJob};
use crate::id::{DeviceKeyId, Head, UserId};
use crate::{choice, record};

/// Devices a person may have active at a time.
pub const MAX_ACTIVE_DEVICES: usize = 64;
/// Entries of one log: what a log costs whoever keeps it has a bound.
pub const MAX_USER_ENTRIES: u64 = 4_096;

record! {
    /// Entry 0: the keys an account begins with. Not signed by itself: its hash is the account's id, and registering
    /// proves possession of both keys.
    pub struct UserGenesis = 0x0101, 1 {
        /// The server's name, so that an account of one server means nothing on another.
        pub realm: Text<253>,
        /// Identity key.
        pub ik: PublicKey,
        /// First key for room-key wraps, generation 1.
        pub kk: PublicKey,
        /// Milliseconds since 1970.
        pub created: u64,
        pub nonce: [u8; 16],
    }
}

record! {
    pub struct UserEntry = 0x0102, 1 {
        pub user_id: UserId,
        pub seq: u64,
        pub prev: Head,
        /// Milliseconds since 1970; advisory.
        pub ts: u64,
        pub body: UserBody,
    }
}

choice! {
    pub enum UserBody {
        /// A browser's signing key. `pop` is signed by that key over the user id and itself; `label` is sealed for the owner.
        1 = AddDevice { dk: PublicKey, pop: SignatureBytes, label: Bytes<256> },
        2 = RevokeDevice { dk_id: DeviceKeyId },
        3 = RotateKem { g: u32, kk: PublicKey },
        /// `pop` is signed by the new key over the user id and itself.
        4 = RotateIdentity { ik: PublicKey, pop: SignatureBytes },
        /// Which vault is the newest. No `dk_id`: the place is from a time when a device could sign this.
        5 = VaultCommit { rev: u64, hash: [u8; 32], dk_id: Option<DeviceKeyId> },
        6 = Close,
    }
}

impl UserGenesis {
    pub fn user_id(&self) -> UserId {
        UserId::from_bytes(hash(Label::UserId, &[&self.to_bytes()]))
    }
}

/// What a proof of possession is signed over.
pub fn possession_bytes(user_id: &UserId, key: &PublicKey) -> Vec<u8> {
    let mut out = user_id.to_bytes();
    key.encode(&mut out);
    out
}

/// A person's keys after some entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserView {
    pub ik: PublicKey,
    /// The entry that brought `ik`; 0 for the first.
    pub ik_since: u64,
    pub kem_g: u32,
    pub kk: PublicKey,
    /// When `kk` came, milliseconds since 1970, by its owner's clock.
    pub kem_ms: u64,
    /// Those that are not revoked. Shared with the views before and after: a log has thousands of views, and few devices.
    pub devices: Arc<BTreeMap<DeviceKeyId, Arc<Device>>>,
    /// How many were revoked so far.
    pub revocations: u32,
    /// The newest vault that was committed to; 0 before the first.
    pub vault_rev: u64,
    pub vault_hash: [u8; 32],
    pub closed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    pub pk: PublicKey,
    /// Milliseconds since 1970.
    pub added: u64,
    pub label: Bytes<256>,
}

impl UserView {
    /// The key of a device that may sign now.
    pub fn active_device(&self, id: &DeviceKeyId) -> Option<&PublicKey> {
        self.devices.get(id).filter(|_| !self.closed).map(|device| &device.pk)
    }
}

/// A whole verified log: what the keys were at every entry, so that a room can look at any point of it.
#[derive(Debug, Clone)]
pub struct UserLog {
    user_id: UserId,
    /// Index = seq.
    points: Vec<(Head, Arc<UserView>)>,
    /// Every device there ever was, and every KEM key: neither comes back.
    devices: BTreeSet<DeviceKeyId>,
    kem_keys: BTreeSet<PublicKey>,
}

impl UserLog {
    /// A log of the genesis alone. `expected` is the id under which it was asked for.
    pub fn begin(genesis: &[u8], expected: &UserId, realm: &str) -> Result<Self, LogError> {
        let parsed = UserGenesis::from_bytes(genesis)?;
        if UserId::from_bytes(hash(Label::UserId, &[genesis])) != *expected || parsed.realm.as_str() != realm {
            return Err(LogError::WrongLog);
        }
        let view = UserView {
            ik: parsed.ik,
            ik_since: 0,
            kem_g: 1,
            kk: parsed.kk,
            kem_ms: parsed.created,
            devices: Arc::default(),
            revocations: 0,
            vault_rev: 0,
            vault_hash: [0; 32],
            closed: false,
        };
        let head = Head::from_bytes(hash(Label::UserEntryHash, &[genesis]));
        Ok(Self {
            user_id: *expected,
            points: vec![(head, Arc::new(view))],
            devices: BTreeSet::new(),
            kem_keys: BTreeSet::from([parsed.kk]),
        })
    }

    /// Appends `blobs` in order. All or nothing: an error leaves no trace, and so does a signature that fails.
    pub fn extend(&self, blobs: &[SignedBlob]) -> Result<Unproven<Self>, LogError> {
        let mut log = self.clone();
        let mut jobs = Vec::new();
        for blob in blobs {
            log.apply(blob, &mut jobs)?;
        }
        Ok(Unproven::new(log, jobs))
    }

    fn apply(&mut self, blob: &SignedBlob, jobs: &mut Vec<VerifyJob>) -> Result<(), LogError> {
        let entry = UserEntry::from_bytes(&blob.body)?;
        if entry.user_id != self.user_id {
            return Err(LogError::WrongLog);
        }
        if entry.seq != self.seq() + 1 {
            return Err(LogError::Sequence);
        }
        if entry.prev != self.head() {
            return Err(LogError::Chain);
        }
        if entry.seq > MAX_USER_ENTRIES {
            return Err(LogError::TooMany);
        }
        let now = self.view();
        if now.closed {
            return Err(LogError::Closed);
        }
        let signer = now.ik;
        let mut next = now.clone();
        match entry.body {
            UserBody::AddDevice { dk, pop, label } => {
                let id = dk.key_id();
                if self.devices.contains(&id) {
                    return Err(LogError::AlreadyThere);
                }
                if next.devices.len() >= MAX_ACTIVE_DEVICES {
                    return Err(LogError::TooMany);
                }
                self.devices.insert(id);
                jobs.push(self.possession(Label::DevicePossession, dk, pop));
                let device = Device {
                    pk: dk,
                    added: entry.ts,
                    label,
                };
                Arc::make_mut(&mut next.devices).insert(id, Arc::new(device));
            }
            UserBody::RevokeDevice { dk_id } => {
                Arc::make_mut(&mut next.devices)
                    .remove(&dk_id)
                    .ok_or(LogError::NoSuchTarget)?;
                next.revocations = next.revocations.saturating_add(1);
            }
            UserBody::RotateKem { g, kk } => {
                if g != next.kem_g.saturating_add(1) || !self.kem_keys.insert(kk) {
                    return Err(LogError::BadEpoch);
                }
                next.kem_g = g;
                next.kk = kk;
                next.kem_ms = entry.ts;
            }
            UserBody::RotateIdentity { ik, pop } => {
                if ik == next.ik {
                    return Err(LogError::AlreadyThere);
                }
                jobs.push(self.possession(Label::IdentityPossession, ik, pop));
                next.ik = ik;
                next.ik_since = entry.seq;
            }
            UserBody::VaultCommit { rev, hash, dk_id } => {
                // A device that was stolen could name a vault that will never be, and shut its owner out for good.
                if dk_id.is_some() {
                    return Err(LogError::NotAllowed);
                }
                if rev <= next.vault_rev {
                    return Err(LogError::Sequence);
                }
                next.vault_rev = rev;
                next.vault_hash = hash;
            }
            UserBody::Close => next.closed = true,
        }
        let head = Head::from_bytes(hash(Label::UserEntryHash, &[&blob.body]));
        jobs.push(VerifyJob {
            key: signer,
            label: Label::UserLog,
            message: blob.body.clone(),
            sig: blob.sig,
        });
        self.points.push((head, Arc::new(next)));
        Ok(())
    }

    fn possession(&self, label: Label, key: PublicKey, sig: SignatureBytes) -> VerifyJob {
        VerifyJob {
            key,
            label,
            message: possession_bytes(&self.user_id, &key),
            sig,
        }
    }

    pub const fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// Number of the newest entry.
    pub fn seq(&self) -> u64 {
        self.points.len() as u64 - 1
    }

    pub fn head(&self) -> Head {
        self.newest().0
    }

    pub fn view(&self) -> &UserView {
        &self.newest().1
    }

    /// The keys as they were after entry `seq`, and that entry's hash.
    pub fn at(&self, seq: u64) -> Option<(Head, &Arc<UserView>)> {
        let (head, view) = self.points.get(usize::try_from(seq).ok()?)?;
        Some((*head, view))
    }

    fn newest(&self) -> &(Head, Arc<UserView>) {
        // `begin` puts the first point in and nothing takes one out.
        &self.points[self.points.len() - 1]
    }
}
