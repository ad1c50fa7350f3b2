//! People: registering, signing in, sessions, vaults, user logs. Mirrors `server/src/accounts`.

use std::collections::{BTreeMap, BTreeSet};

use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::{FromRelay, ItemRev};
use sotto_shared::api::limits::{
    CHALLENGE_SECS, FULL_LOGS_BYTES, MAX_LOG_PAGE, MAX_PUTS, MAX_USERS_ASKED, MAX_VAULT_ITEM_BYTES, MAX_VAULT_ITEMS,
    is_guest, is_handle, is_own_handle,
};
use sotto_shared::codec::{Codec, Text};
use sotto_shared::crypto::hash::sha256;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::{PublicKey, SignatureBytes, SignedBlob, verify};
use sotto_shared::id::{DeviceKeyId, ItemId, UserId};
use sotto_shared::log::room_log::UserLogs;
use sotto_shared::log::user_log::{MAX_USER_ENTRIES, UserBody, UserEntry, UserGenesis, UserLog};
use sotto_shared::testing::people::{NOW, Person, public_key};

use super::{Answer, Caller, GRANT_MS, ModelRelay, Token, refusal};

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
    /// Its handle went on to another account of the same person.
    pub passed_on: bool,
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
    /// Sign-in key of the recovery key.
    pub recovery: Option<PublicKey>,
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
    /// Gives somebody without an engine an account, and a session under their name.
    pub fn enlist(&mut self, person: &Person) {
        let sign_in = SignInRow {
            salt: [0; 16],
            profile: 1,
            ak: public_key(&format!("{}/ak", person.name)),
            vault_header: Vec::new(),
            recovery: None,
        };
        let genesis = B64(person.genesis.clone());
        let entries = person.blobs.iter().map(|blob| B64(blob.to_bytes()));
        let account = Account {
            handle: person.name.clone(),
            created_ms: NOW,
            closed: false,
            passed_on: false,
            sign_in,
            entries: std::iter::once(genesis).chain(entries).collect(),
            log: person.log.clone(),
            vault: BTreeMap::new(),
        };
        self.people.0.insert(person.id(), account);
        let token = Token {
            user_id: person.id(),
            dk_id: Some(person.device_id()),
            created_ms: NOW,
            expires_ms: u64::MAX,
        };
        self.tokens.insert(person.name.clone(), token);
    }

    // --- Registering and signing in --------------------------------------------------------------------------------------

    pub(super) fn register(&mut self, ask: &Register) -> Answer<Grant> {
        let account = self.new_account(&ask.registration.0, &ask.ak_sig, &ask.ik_sig)?;
        let user_id = *account.log.user_id();
        if self.is_taken(&account.handle) || self.people.0.contains_key(&user_id) {
            // The very same again, while it is new: its answer was lost.
            let same = self.people.0.get(&user_id).is_some_and(|there| {
                there.handle == account.handle
                    && !there.closed
                    && there.sign_in == account.sign_in
                    && self.now_ms - there.created_ms <= GRANT_MS
            });
            if !same {
                return Err(ErrorCode::HandleTaken);
            }
        } else if is_guest(&account.handle) && !self.guests {
            return Err(ErrorCode::Forbidden);
        } else {
            self.people.0.insert(user_id, account);
        }
        let (token, _) = self.issue(user_id, None);
        Ok(Grant { token })
    }

    fn is_taken(&self, handle: &str) -> bool {
        (self.people.0.values()).any(|other| other.handle == handle && !other.passed_on)
    }

    fn new_account(&self, bytes: &[u8], ak_sig: &B64, ik_sig: &B64) -> Answer<Account> {
        let registration = Registration::from_bytes(bytes).map_err(|_| ErrorCode::Malformed)?;
        if registration.realm.as_str() != self.realm {
            return Err(ErrorCode::BadProof);
        }
        let handle = registration.handle.as_str();
        if !is_own_handle(handle) && !is_guest(handle) {
            return Err(ErrorCode::BadHandle);
        }
        if registration.profile != PROFILE {
            return Err(ErrorCode::UnsupportedVersion);
        }
        let vault = new_vault(registration.items.as_slice())?;
        let genesis = UserGenesis::from_bytes(registration.genesis.as_slice()).map_err(|_| ErrorCode::Malformed)?;
        signed(&registration.ak, Label::Register, bytes, ak_sig)?;
        signed(&genesis.ik, Label::Register, bytes, ik_sig)?;
        let device = SignedBlob::from_bytes(registration.device.as_slice()).map_err(|_| ErrorCode::Malformed)?;
        let first = UserEntry::from_bytes(&device.body).map_err(|_| ErrorCode::Malformed)?;
        if !matches!(first.body, UserBody::AddDevice { .. }) {
            return Err(ErrorCode::InvalidEntry);
        }
        let log = UserLog::begin(registration.genesis.as_slice(), &genesis.user_id(), &self.realm)
            .and_then(|log| log.extend(&[device]))
            .map_err(|_| ErrorCode::InvalidEntry)?
            .prove_here()
            .map_err(|_| ErrorCode::InvalidEntry)?;
        Ok(Account {
            handle: registration.handle.as_str().to_owned(),
            created_ms: self.now_ms,
            closed: false,
            passed_on: false,
            sign_in: SignInRow {
                salt: registration.salt,
                profile: registration.profile,
                ak: registration.ak,
                vault_header: registration.vault_header.into_vec(),
                recovery: None,
            },
            entries: vec![
                B64(registration.genesis.as_slice().to_vec()),
                B64(registration.device.as_slice().to_vec()),
            ],
            log,
            vault,
        })
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
        let (key, label) = if ask.recovery {
            (account.sign_in.recovery, Label::RecoveryLogin)
        } else {
            (Some(account.sign_in.ak), Label::Login)
        };
        let key = key.ok_or(ErrorCode::BadProof)?;
        verify(&key, label, &proof.to_bytes(), &sig).map_err(|_| ErrorCode::BadProof)?;
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
        let account = self.people.0.get_mut(&caller.user_id).ok_or(ErrorCode::NotSignedIn)?;
        account.vault = with_puts(&account.vault, &ask.puts)?;
        let items = (ask.puts.iter())
            .map(|put| ItemRev {
                item_id: put.item_id,
                rev: put.rev,
            })
            .collect();
        self.tell(&caller.user_id, &FromRelay::Vault { items });
        Ok(Empty {})
    }

    // --- What takes the password -------------------------------------------------------------------------------------------

    pub(super) fn rekey(&mut self, grant: &Caller, ask: &Rekey) -> Answer<Empty> {
        let change = KeyChange::from_bytes(&ask.change.0).map_err(|_| ErrorCode::Malformed)?;
        if change.realm.as_str() != self.realm || change.user_id != grant.user_id {
            return Err(ErrorCode::BadProof);
        }
        if change.profile != PROFILE {
            return Err(ErrorCode::UnsupportedVersion);
        }
        if (change.handle.as_ref()).is_some_and(|handle| !is_own_handle(handle.as_str())) {
            return Err(ErrorCode::BadHandle);
        }
        if change.items.is_empty() || change.entries.is_empty() {
            return Err(ErrorCode::Malformed);
        }
        let vault = new_vault(change.items.as_slice())?;
        signed(&change.ak, Label::Rekey, &ask.change.0, &ask.ak_sig)?;
        let entries: Vec<B64> = (change.entries.iter())
            .map(|entry| B64(entry.as_slice().to_vec()))
            .collect();
        let account = (self.people.0.get(&grant.user_id))
            .filter(|account| !account.closed)
            .ok_or(ErrorCode::NotSignedIn)?;
        signed(&account.log.view().ik, Label::Rekey, &ask.change.0, &ask.ik_sig)?;
        let sign_in = SignInRow {
            salt: change.salt,
            profile: change.profile,
            ak: change.ak,
            vault_header: change.vault_header.into_vec(),
            recovery: change.recovery,
        };
        let listing: Listing = account.vault.values().map(VaultItem::listed).collect();
        if items_digest(&listing) != change.base {
            let called = (change.handle.as_ref()).is_none_or(|handle| handle.as_str() == account.handle);
            let same = called && account.sign_in == sign_in && account.entries.ends_with(&entries);
            return if same { Ok(Empty {}) } else { Err(ErrorCode::StaleItem) };
        }
        let handle = change.handle.map(|handle| handle.as_str().to_owned());
        if handle.is_some() && !is_guest(&account.handle) {
            return Err(ErrorCode::Forbidden);
        }
        let next = extended(&account.log, &entries)?;
        if next.view().closed {
            return Err(ErrorCode::InvalidEntry);
        }
        if let Some(handle) = &handle
            && self.is_taken(handle)
        {
            return Err(ErrorCode::HandleTaken);
        }
        if let Some(account) = self.people.0.get_mut(&grant.user_id) {
            if let Some(handle) = handle {
                account.handle = handle;
            }
            (account.sign_in, account.vault) = (sign_in, vault);
        }
        self.tokens
            .retain(|text, token| token.user_id != grant.user_id || *text == grant.token);
        self.put_log(grant.user_id, next, &entries, |_| true);
        Ok(Empty {})
    }

    pub(super) fn set_recovery(&mut self, grant: &Caller, ask: &SetRecovery) -> Answer<Empty> {
        let change = RecoveryChange::from_bytes(&ask.change.0).map_err(|_| ErrorCode::Malformed)?;
        if change.realm.as_str() != self.realm || change.user_id != grant.user_id {
            return Err(ErrorCode::BadProof);
        }
        let account = (self.people.0.get_mut(&grant.user_id))
            .filter(|account| !account.closed)
            .ok_or(ErrorCode::NotSignedIn)?;
        signed(
            &account.log.view().ik,
            Label::RecoveryChange,
            &ask.change.0,
            &ask.ik_sig,
        )?;
        account.sign_in.recovery = change.recovery;
        account.sign_in.vault_header = change.vault_header.into_vec();
        Ok(Empty {})
    }

    pub(super) fn reset_identity(&mut self, grant: &Caller, ask: &ResetIdentity) -> Answer<Grant> {
        let account = self.new_account(&ask.registration.0, &ask.ak_sig, &ask.ik_sig)?;
        let old = (self.people.0.get(&grant.user_id))
            .filter(|account| !account.closed)
            .ok_or(ErrorCode::NotSignedIn)?;
        let new_id = *account.log.user_id();
        if old.handle != account.handle || new_id == grant.user_id {
            return Err(ErrorCode::Forbidden);
        }
        let close: Vec<B64> = ask.close.iter().cloned().collect();
        let closed = (!close.is_empty()).then(|| extended(&old.log, &close)).transpose()?;
        if closed.as_ref().is_some_and(|log| !log.view().closed) {
            return Err(ErrorCode::InvalidEntry);
        }
        self.wipe(&grant.user_id);
        if let Some(old) = self.people.0.get_mut(&grant.user_id) {
            old.passed_on = true;
        }
        self.people.0.insert(new_id, account);
        let (token, _) = self.issue(new_id, None);
        match closed {
            Some(log) => self.put_log(grant.user_id, log, &close, |_| true),
            None => self.end_sockets(&grant.user_id, |_| true),
        }
        Ok(Grant { token })
    }

    /// Closes an account by the relay's own will, as it does with guests who are gone.
    pub fn give_up(&mut self, user: &UserId) {
        self.wipe(user);
        self.end_sockets(user, |_| true);
    }

    /// Everything of an account but its log.
    fn wipe(&mut self, user: &UserId) {
        self.tokens.retain(|_, token| token.user_id != *user);
        self.pictures.remove(user);
        for room in self.rooms.values_mut() {
            room.wraps.retain(|wrap| wrap.user_id != *user);
            for report in &mut room.reports {
                report.wraps.retain(|wrap| wrap.user_id != *user);
            }
        }
        if let Some(account) = self.people.0.get_mut(user) {
            account.closed = true;
            account.vault.clear();
            account.sign_in.vault_header.clear();
            account.sign_in.recovery = None;
        }
    }

    /// A longer log, and who is told of it.
    fn put_log(&mut self, user: UserId, log: UserLog, entries: &[B64], ended: impl Fn(&str) -> bool) {
        let seq = log.seq();
        if let Some(account) = self.people.0.get_mut(&user) {
            account.log = log;
            account.entries.extend(entries.iter().cloned());
        }
        self.end_sockets(&user, ended);
        self.tell_acquaintances(&user, &FromRelay::UserLog { user_id: user, seq });
    }

    // --- User logs -----------------------------------------------------------------------------------------------------------

    pub(super) fn user_find(&self, ask: &UserFind) -> Answer<UserLogBody> {
        if !is_handle(&ask.handle) {
            return Err(ErrorCode::BadHandle);
        }
        let (user_id, _) = self.people.find(&ask.handle).ok_or(ErrorCode::NotFound)?;
        self.user_log(user_id, 0)
    }

    pub(super) fn user_logs_get(&self, caller: &Caller, ask: &UserLogsGet) -> Answer<UserLogsReply> {
        if ask.users.len() > MAX_USERS_ASKED {
            return Err(ErrorCode::TooLarge);
        }
        if caller.dk_id.is_none() && ask.users.iter().any(|from| from.user_id != caller.user_id) {
            return Err(ErrorCode::Forbidden);
        }
        let mut bytes = 0;
        let mut logs = Vec::new();
        let there = ask
            .users
            .iter()
            .filter_map(|from| self.user_log(&from.user_id, from.from_seq).ok());
        for log in there {
            if bytes >= FULL_LOGS_BYTES {
                break;
            }
            let entries = log.entries.iter().chain(&log.genesis);
            bytes += entries.map(|entry| entry.0.len()).sum::<usize>();
            logs.push(log);
        }
        Ok(UserLogsReply { logs })
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
        let account = (self.people.0.get_mut(&caller.user_id))
            .filter(|account| !account.closed)
            .ok_or(ErrorCode::NotSignedIn)?;
        let old = account.log.clone();
        let next = match extended(&old, &ask.entries) {
            Ok(next) => next,
            Err(code) => {
                let first = read_all(&ask.entries)?
                    .first()
                    .and_then(|blob| UserEntry::from_bytes(&blob.body).ok());
                let from = first.map_or(0, |first| first.seq as usize);
                let there = account.entries.get(from..from.saturating_add(ask.entries.len()));
                let same = from > 0 && there == Some(ask.entries.as_slice());
                return if same { Ok(Empty {}) } else { Err(code) };
            }
        };
        account.vault = with_puts(&account.vault, &ask.puts)?;
        let was_active = |dk: &&DeviceKeyId| old.view().active_device(dk).is_some();
        let revoked: Vec<DeviceKeyId> = (old.view().devices.keys())
            .filter(was_active)
            .filter(|dk| next.view().active_device(dk).is_none())
            .copied()
            .collect();
        let closed = next.view().closed;
        let user = caller.user_id;
        let ends = |token: &super::Token| {
            token.user_id == user && (closed || token.dk_id.is_some_and(|dk| revoked.contains(&dk)))
        };
        let ended: Vec<String> = (self.tokens.iter())
            .filter(|(_, token)| ends(token))
            .map(|(text, _)| text.clone())
            .collect();
        self.tokens.retain(|text, _| !ended.contains(text));
        if closed {
            self.wipe(&user);
        }
        self.put_log(user, next, &ask.entries, |token| {
            ended.iter().any(|ended| ended == token)
        });
        Ok(Empty {})
    }
}

fn signed(key: &PublicKey, label: Label, bytes: &[u8], sig: &B64) -> Answer<()> {
    let sig: SignatureBytes = sig.0.as_slice().try_into().map_err(|_| ErrorCode::Malformed)?;
    verify(key, label, bytes, &sig).map_err(|_| ErrorCode::BadProof)
}

fn read_all(entries: &[B64]) -> Answer<Vec<SignedBlob>> {
    let blobs = entries.iter().map(|entry| SignedBlob::from_bytes(&entry.0));
    blobs.collect::<Result<_, _>>().map_err(|_| ErrorCode::Malformed)
}

/// A log with entries behind it, all of them or none.
fn extended(log: &UserLog, entries: &[B64]) -> Answer<UserLog> {
    let blobs = read_all(entries)?;
    let next = log.extend(&blobs).map_err(|error| {
        let first = blobs.first().and_then(|blob| UserEntry::from_bytes(&blob.body).ok());
        let builds_on = first.is_some_and(|first| first.seq == log.seq() + 1 && first.prev == log.head());
        refusal(usize::from(builds_on), error)
    })?;
    if log.seq() + blobs.len() as u64 > MAX_USER_ENTRIES {
        return Err(ErrorCode::TooLarge);
    }
    next.prove_here().map_err(|_| ErrorCode::InvalidEntry)
}

/// A vault of these items alone, each the first of its id.
fn new_vault(items: &[VaultPutRecord]) -> Answer<BTreeMap<ItemId, VaultItem>> {
    let vault: BTreeMap<ItemId, VaultItem> = (items.iter())
        .map(|item| {
            let (item_id, sealed) = (item.item_id, B64(item.sealed.as_slice().to_vec()));
            let rev = 1;
            (item_id, VaultItem { item_id, rev, sealed })
        })
        .collect();
    if vault.len() == items.len() {
        Ok(vault)
    } else {
        Err(ErrorCode::Malformed)
    }
}

/// A vault with items written over the revisions before theirs, all of them or none.
fn with_puts(vault: &BTreeMap<ItemId, VaultItem>, puts: &[VaultItem]) -> Answer<BTreeMap<ItemId, VaultItem>> {
    let ids: BTreeSet<ItemId> = puts.iter().map(|item| item.item_id).collect();
    if puts.len() > MAX_PUTS || puts.iter().any(|item| item.sealed.0.len() > MAX_VAULT_ITEM_BYTES) {
        return Err(ErrorCode::TooLarge);
    }
    if ids.len() != puts.len() || puts.iter().any(|item| item.rev == 0 || item.sealed.0.is_empty()) {
        return Err(ErrorCode::Malformed);
    }
    let mut vault = vault.clone();
    for put in puts {
        let rev = vault.get(&put.item_id).map_or(0, |there| there.rev);
        if put.rev != rev + 1 {
            return Err(ErrorCode::StaleItem);
        }
        vault.insert(put.item_id, put.clone());
    }
    if vault.len() > MAX_VAULT_ITEMS {
        return Err(ErrorCode::TooLarge);
    }
    Ok(vault)
}
