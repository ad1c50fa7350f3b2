//! People: registering, signing in, sessions, vaults, user logs. Mirrors `server/src/accounts`.

use std::collections::{BTreeMap, BTreeSet};

use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::api::limits::{
    CHALLENGE_SECS, MAX_LOG_PAGE, MAX_PUTS, MAX_VAULT_ITEM_BYTES, MAX_VAULT_ITEMS, is_handle,
};
use sotto_shared::codec::{Codec, Text};
use sotto_shared::crypto::hash::sha256;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::{PublicKey, SignatureBytes, SignedBlob, verify};
use sotto_shared::id::{DeviceKeyId, ItemId, UserId};
use sotto_shared::log::room_log::UserLogs;
use sotto_shared::log::user_log::{MAX_USER_ENTRIES, UserBody, UserEntry, UserGenesis, UserLog};

use super::{Answer, Caller, GRANT_MS, ModelRelay, refusal};

/// The only Argon2id profile of version 1.
const PROFILE: u8 = 1;

/// Accounts by id.
#[derive(Debug, Clone, Default)]
pub struct People(pub BTreeMap<UserId, Account>);

#[derive(Debug, Clone)]
pub struct Account {
    pub handle: String,
    pub created_ms: u64,
    pub closed: bool,
    pub sign_in: SignInRow,
    /// What readers of the log are given, the genesis first.
    pub entries: Vec<B64>,
    /// What the relay itself goes by.
    pub log: UserLog,
    pub vault: BTreeMap<ItemId, VaultItem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInRow {
    pub salt: [u8; 16],
    pub profile: u8,
    pub ak: PublicKey,
    pub vault_header: Vec<u8>,
}

/// Good once, for one purpose and one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    pub subject: Subject,
    pub expires_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    SignIn(String),
    Session(UserId),
}

impl UserLogs for People {
    fn user_log(&self, user: &UserId) -> Option<&UserLog> {
        self.0.get(user).map(|account| &account.log)
    }
}

impl People {
    /// By handle, unless the account is closed.
    pub fn find(&self, handle: &str) -> Option<(&UserId, &Account)> {
        self.0
            .iter()
            .find(|(_, account)| account.handle == handle && !account.closed)
    }
}

impl ModelRelay {
    // --- Registering and signing in --------------------------------------------------------------------------------------

    pub(super) fn register(&mut self, ask: &Register) -> Answer<Grant> {
        let bytes = &ask.registration.0;
        let registration = Registration::from_bytes(bytes).map_err(|_| ErrorCode::Malformed)?;
        if registration.realm.as_str() != self.realm {
            return Err(ErrorCode::BadProof);
        }
        if !is_handle(registration.handle.as_str()) {
            return Err(ErrorCode::BadHandle);
        }
        if registration.profile != PROFILE {
            return Err(ErrorCode::UnsupportedVersion);
        }
        let ids: BTreeSet<_> = registration.items.iter().map(|item| item.item_id).collect();
        if ids.len() != registration.items.len() {
            return Err(ErrorCode::Malformed);
        }
        let genesis = UserGenesis::from_bytes(registration.genesis.as_slice()).map_err(|_| ErrorCode::Malformed)?;
        let signed = |key: &PublicKey, sig: &B64| {
            let sig: SignatureBytes = sig.0.as_slice().try_into().map_err(|_| ErrorCode::Malformed)?;
            verify(key, Label::Register, bytes, &sig).map_err(|_| ErrorCode::BadProof)
        };
        signed(&registration.ak, &ask.ak_sig)?;
        signed(&genesis.ik, &ask.ik_sig)?;
        let device = SignedBlob::from_bytes(registration.device.as_slice()).map_err(|_| ErrorCode::Malformed)?;
        let first = UserEntry::from_bytes(&device.body).map_err(|_| ErrorCode::Malformed)?;
        if !matches!(first.body, UserBody::AddDevice { .. }) {
            return Err(ErrorCode::InvalidEntry);
        }
        let user_id = genesis.user_id();
        let log = UserLog::begin(registration.genesis.as_slice(), &user_id, &self.realm)
            .and_then(|log| log.extend(&[device]))
            .map_err(|_| ErrorCode::InvalidEntry)?
            .prove_here()
            .map_err(|_| ErrorCode::InvalidEntry)?;
        let sign_in = SignInRow {
            salt: registration.salt,
            profile: registration.profile,
            ak: registration.ak,
            vault_header: registration.vault_header.into_vec(),
        };
        let handle = registration.handle.as_str().to_owned();
        let taken = self.people.0.values().any(|account| account.handle == handle);
        if taken || self.people.0.contains_key(&user_id) {
            // The very same again, while it is new: its answer was lost.
            let same = self.people.0.get(&user_id).is_some_and(|there| {
                there.handle == handle && there.sign_in == sign_in && self.now_ms - there.created_ms <= GRANT_MS
            });
            if !same {
                return Err(ErrorCode::HandleTaken);
            }
        } else {
            let vault = registration.items.iter().map(|item| {
                let sealed = B64(item.sealed.as_slice().to_vec());
                (
                    item.item_id,
                    VaultItem {
                        item_id: item.item_id,
                        rev: 1,
                        sealed,
                    },
                )
            });
            let account = Account {
                handle,
                created_ms: self.now_ms,
                closed: false,
                sign_in,
                entries: vec![
                    B64(registration.genesis.as_slice().to_vec()),
                    B64(registration.device.as_slice().to_vec()),
                ],
                log,
                vault: vault.collect(),
            };
            self.people.0.insert(user_id, account);
        }
        let (token, _) = self.issue(user_id, None);
        Ok(Grant { token })
    }

    pub(super) fn sign_in_start(&mut self, ask: &SignInStart) -> Answer<SignInChallenge> {
        if !is_handle(&ask.handle) {
            return Err(ErrorCode::BadHandle);
        }
        let mut salt = [0; 16];
        salt.copy_from_slice(&sha256(ask.handle.as_bytes())[..16]);
        let (salt, profile) = self.people.find(&ask.handle).map_or((salt, PROFILE), |(_, account)| {
            (account.sign_in.salt, account.sign_in.profile)
        });
        let (challenge, expires_ms) = self.challenge(Subject::SignIn(ask.handle.clone()));
        Ok(SignInChallenge {
            salt: B64(salt.to_vec()),
            profile,
            challenge: B64(challenge.to_vec()),
            expires_ms,
        })
    }

    pub(super) fn sign_in_prove(&mut self, ask: &SignInProve) -> Answer<SignInGrant> {
        if !is_handle(&ask.handle) {
            return Err(ErrorCode::BadHandle);
        }
        let challenge = self.burn(&Subject::SignIn(ask.handle.clone()), &ask.challenge.0)?;
        let (user_id, account) = self.people.find(&ask.handle).ok_or(ErrorCode::BadProof)?;
        let proof = LoginProof {
            realm: Text::new(self.realm.as_str()).map_err(|_| ErrorCode::Internal)?,
            handle: Text::new(ask.handle.as_str()).map_err(|_| ErrorCode::BadProof)?,
            challenge,
            session_nonce: (ask.session_nonce.0.as_slice().try_into()).map_err(|_| ErrorCode::BadProof)?,
        };
        let sig = SignatureBytes::try_from(ask.sig.0.as_slice()).map_err(|_| ErrorCode::BadProof)?;
        verify(&account.sign_in.ak, Label::Login, &proof.to_bytes(), &sig).map_err(|_| ErrorCode::BadProof)?;
        let (user_id, vault_header) = (*user_id, B64(account.sign_in.vault_header.clone()));
        let items = account.vault.values().cloned().collect();
        let log = self.user_log(&user_id, 0)?;
        let (token, _) = self.issue(user_id, None);
        Ok(SignInGrant {
            token,
            vault_header,
            items,
            log,
        })
    }

    fn challenge(&mut self, subject: Subject) -> ([u8; 32], u64) {
        let challenge = self.random();
        let expires_ms = self.now_ms + CHALLENGE_SECS * 1000;
        self.challenges.insert(challenge, Challenge { subject, expires_ms });
        (challenge, expires_ms)
    }

    /// Uses a challenge up, whatever comes of the proof.
    fn burn(&mut self, subject: &Subject, challenge: &[u8]) -> Answer<[u8; 32]> {
        let challenge: [u8; 32] = challenge.try_into().map_err(|_| ErrorCode::BadProof)?;
        let row = self.challenges.remove(&challenge).ok_or(ErrorCode::BadProof)?;
        if row.subject == *subject && row.expires_ms > self.now_ms {
            Ok(challenge)
        } else {
            Err(ErrorCode::BadProof)
        }
    }

    // --- Sessions ----------------------------------------------------------------------------------------------------------

    pub(super) fn session_start(&mut self, grant: &Caller) -> Answer<SessionChallenge> {
        let (challenge, _) = self.challenge(Subject::Session(grant.user_id));
        Ok(SessionChallenge {
            challenge: B64(challenge.to_vec()),
        })
    }

    pub(super) fn session_prove(&mut self, grant: &Caller, ask: &SessionProve) -> Answer<SessionGrant> {
        let challenge = self.burn(&Subject::Session(grant.user_id), &ask.challenge.0)?;
        let account = self.people.0.get(&grant.user_id).filter(|account| !account.closed);
        let log = &account.ok_or(ErrorCode::BadProof)?.log;
        let device = log.view().active_device(&ask.dk_id).ok_or(ErrorCode::BadProof)?;
        let proof = SessionProof {
            realm: Text::new(self.realm.as_str()).map_err(|_| ErrorCode::Internal)?,
            user_id: grant.user_id,
            dk_id: ask.dk_id,
            challenge,
        };
        let sig = SignatureBytes::try_from(ask.sig.0.as_slice()).map_err(|_| ErrorCode::BadProof)?;
        verify(device, Label::Session, &proof.to_bytes(), &sig).map_err(|_| ErrorCode::BadProof)?;
        self.tokens.remove(&grant.token).ok_or(ErrorCode::NotSignedIn)?;
        let (token, expires_ms) = self.issue(grant.user_id, Some(ask.dk_id));
        Ok(SessionGrant { token, expires_ms })
    }

    pub(super) fn session_end(&mut self, caller: &Caller) -> Empty {
        self.tokens.remove(&caller.token);
        self.end_sockets(&caller.user_id, |token| token == caller.token);
        Empty {}
    }

    pub(super) fn session_end_others(&mut self, caller: &Caller) -> Empty {
        self.tokens
            .retain(|text, token| token.user_id != caller.user_id || *text == caller.token);
        self.end_sockets(&caller.user_id, |token| token != caller.token);
        Empty {}
    }

    pub(super) fn session_list(&self, caller: &Caller) -> SessionListReply {
        let own = self
            .tokens
            .values()
            .filter(|token| token.user_id == caller.user_id && token.expires_ms > self.now_ms);
        let info = |token: &super::Token| {
            Some(SessionInfo {
                dk_id: token.dk_id?,
                created_ms: token.created_ms,
                seen_ms: token.created_ms,
            })
        };
        let mut sessions: Vec<SessionInfo> = own.filter_map(info).collect();
        sessions.sort_by_key(|session| session.created_ms);
        SessionListReply { sessions }
    }

    // --- Vaults --------------------------------------------------------------------------------------------------------------

    pub(super) fn vault_get(&self, caller: &Caller) -> Answer<VaultGetReply> {
        let account = self.people.0.get(&caller.user_id).ok_or(ErrorCode::NotSignedIn)?;
        Ok(VaultGetReply {
            header: B64(account.sign_in.vault_header.clone()),
            items: account.vault.values().cloned().collect(),
        })
    }

    pub(super) fn vault_put(&mut self, caller: &Caller, ask: &VaultPut) -> Answer<Empty> {
        let ids: BTreeSet<ItemId> = ask.puts.iter().map(|item| item.item_id).collect();
        if ask.puts.len() > MAX_PUTS || ask.puts.iter().any(|item| item.sealed.0.len() > MAX_VAULT_ITEM_BYTES) {
            return Err(ErrorCode::TooLarge);
        }
        if ids.len() != ask.puts.len() || ask.puts.iter().any(|item| item.rev == 0 || item.sealed.0.is_empty()) {
            return Err(ErrorCode::Malformed);
        }
        let account = self.people.0.get_mut(&caller.user_id).ok_or(ErrorCode::NotSignedIn)?;
        let mut vault = account.vault.clone();
        for put in &ask.puts {
            let rev = vault.get(&put.item_id).map_or(0, |there| there.rev);
            if put.rev != rev + 1 {
                return Err(ErrorCode::StaleItem);
            }
            vault.insert(put.item_id, put.clone());
        }
        if vault.len() > MAX_VAULT_ITEMS {
            return Err(ErrorCode::TooLarge);
        }
        account.vault = vault;
        Ok(Empty {})
    }

    // --- User logs -----------------------------------------------------------------------------------------------------------

    pub(super) fn user_find(&self, ask: &UserFind) -> Answer<UserLogBody> {
        if !is_handle(&ask.handle) {
            return Err(ErrorCode::BadHandle);
        }
        let (user_id, _) = self.people.find(&ask.handle).ok_or(ErrorCode::NotFound)?;
        self.user_log(user_id, 0)
    }

    pub(super) fn user_log_get(&self, caller: &Caller, ask: &UserLogGet) -> Answer<UserLogBody> {
        if caller.dk_id.is_none() && caller.user_id != ask.user_id {
            return Err(ErrorCode::Forbidden);
        }
        self.user_log(&ask.user_id, ask.from_seq)
    }

    fn user_log(&self, user: &UserId, from_seq: u64) -> Answer<UserLogBody> {
        let account = self.people.0.get(user).ok_or(ErrorCode::NotFound)?;
        let mut entries = account.entries.iter().skip(from_seq as usize).cloned();
        let genesis = if from_seq == 0 { entries.next() } else { None };
        Ok(UserLogBody {
            user_id: *user,
            handle: account.handle.clone(),
            genesis,
            entries: entries.collect(),
        })
    }

    pub(super) fn user_log_append(&mut self, caller: &Caller, ask: &UserLogAppend) -> Answer<Empty> {
        if ask.entries.is_empty() {
            return Err(ErrorCode::Malformed);
        }
        if ask.entries.len() > MAX_LOG_PAGE as usize {
            return Err(ErrorCode::TooLarge);
        }
        let blobs = (ask.entries.iter())
            .map(|entry| SignedBlob::from_bytes(&entry.0))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| ErrorCode::Malformed)?;
        let account = (self.people.0.get_mut(&caller.user_id))
            .filter(|account| !account.closed)
            .ok_or(ErrorCode::NotSignedIn)?;
        let old = &account.log;
        let next = match old.extend(&blobs) {
            Ok(next) => next,
            Err(error) => {
                let first = blobs.first().and_then(|blob| UserEntry::from_bytes(&blob.body).ok());
                let from = first.as_ref().map_or(0, |first| first.seq as usize);
                let there = account.entries.get(from..from.saturating_add(ask.entries.len()));
                if from > 0 && there == Some(ask.entries.as_slice()) {
                    return Ok(Empty {});
                }
                let builds_on = first.is_some_and(|first| first.seq == old.seq() + 1 && first.prev == old.head());
                return Err(refusal(usize::from(builds_on), error));
            }
        };
        if old.seq() + blobs.len() as u64 > MAX_USER_ENTRIES {
            return Err(ErrorCode::TooLarge);
        }
        let next = next.prove_here().map_err(|_| ErrorCode::InvalidEntry)?;
        let was_active = |dk: &&DeviceKeyId| old.view().active_device(dk).is_some();
        let revoked: Vec<DeviceKeyId> = (old.view().devices.keys())
            .filter(was_active)
            .filter(|dk| next.view().active_device(dk).is_none())
            .copied()
            .collect();
        let (seq, closed) = (next.seq(), next.view().closed);
        account.log = next;
        account.entries.extend(ask.entries.iter().cloned());
        account.closed |= closed;
        let user = caller.user_id;
        let ends = |token: &super::Token| {
            token.user_id == user && (closed || token.dk_id.is_some_and(|dk| revoked.contains(&dk)))
        };
        let ended: Vec<String> = (self.tokens.iter())
            .filter(|(_, token)| ends(token))
            .map(|(text, _)| text.clone())
            .collect();
        self.tokens.retain(|text, _| !ended.contains(text));
        self.end_sockets(&user, |token| ended.iter().any(|ended| ended == token));
        self.tell_acquaintances(&user, &FromRelay::UserLog { user_id: user, seq });
        Ok(Empty {})
    }
}
