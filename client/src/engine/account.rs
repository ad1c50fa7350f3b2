//! Signing up, signing in, staying signed in, signing out.
//!
//! ```text
//! sign up   info ─▶ derive ─▶ register ─┐
//! sign in   info ─▶ start ─▶ derive ─▶ prove ─▶ open vault ─▶ (retire old devices) add device ─┴▶ session start ─▶ prove ─▶ connect
//! ```

use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::{MAX_HANDLE_CHARS, is_handle};
use sotto_shared::codec::{Bytes, Codec, List, Text};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::password::{MAX_PASSWORD_BYTES, PasswordRoot, Profile, derive_root};
use sotto_shared::crypto::secret::{DayVaultKey, PrivateKey, VaultKey};
use sotto_shared::crypto::sign::{PublicKey, SignedBlob};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{DeviceKeyId, UserId};
use sotto_shared::log::user_log::{UserBody, UserEntry, UserGenesis, UserLog, possession_bytes};
use sotto_shared::vault::{ItemName, Method, VaultHeader, open_item, wrap_vault_key};
use zeroize::Zeroizing;

use super::ask::{Pending, Reply, Request};
use super::record::{KeptAccount, Query};
use super::vault::Vault;
use super::{Ctx, Effect, Engine, Failure, Out, copy_key};
use crate::passwords::{Answer, Question};
use crate::view::{Change, Outcome, Phase, Problem, Step};

/// The account that is signed in here.
pub(crate) struct Me<K> {
    pub user_id: UserId,
    pub handle: String,
    pub dk_id: DeviceKeyId,
    pub key: K,
    pub token: String,
    pub dvk: DayVaultKey,
    pub vault: Vault,
}

/// Devices of an account at most; at sign-in those that were away longest make room.
const MANY_DEVICES: usize = 24;

/// A sign-up or sign-in under way.
pub(crate) struct Entering<K> {
    command: u32,
    handle: String,
    password: Zeroizing<String>,
    stay: bool,
    realm: String,
    stage: Stage<K>,
}

enum Stage<K> {
    /// Asked for the realm.
    Info {
        new: bool,
    },
    Registering(Box<Ready<K>>),
    Starting,
    Proving(PasswordRoot),
    /// Asked which devices have a session, to retire others.
    Counting(Box<Unlocked>),
    Adding(Box<Ready<K>>),
    SessionStart(Box<Ready<K>>),
    SessionProve(Box<Ready<K>>),
}

/// Right after the password: the only time the identity key is in memory.
struct Unlocked {
    token: String,
    ik: PrivateKey,
    dvk: DayVaultKey,
    vault: Vault,
    log: UserLog,
    raw_log: UserLogBody,
}

/// Everything for a session but the session.
struct Ready<K> {
    user_id: UserId,
    key: K,
    dk_id: DeviceKeyId,
    dvk: DayVaultKey,
    vault: Vault,
    log: UserLogBody,
    /// What the password gave; opens the session. Empty until a new account is registered.
    grant: String,
}

impl<S: Suite> Engine<S> {
    pub(super) fn sign_up(
        &mut self,
        command: u32,
        handle: &str,
        password: String,
        stay: bool,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let password = Zeroizing::new(password);
        let handle = tidy_handle(handle)?;
        if password.len() > MAX_PASSWORD_BYTES {
            return Err(Problem::TooLong {
                max: MAX_PASSWORD_BYTES as u32,
            });
        }
        let question = Question::Rate {
            handle: handle.clone(),
            password: password.to_string(),
        };
        let entering = Entering::new(command, handle, password, stay, true);
        let id = self.remember(Pending::NewPassword(Box::new(entering)));
        out.push(Effect::Passwords { id, question });
        Ok(None)
    }

    pub(super) fn ask_about_passwords(
        &mut self,
        command: u32,
        question: Question,
        out: &mut Out<S::DeviceKey>,
    ) -> Option<Outcome> {
        let id = self.remember(Pending::Advice { command });
        out.push(Effect::Passwords { id, question });
        None
    }

    pub(super) fn passwords_answered(&mut self, id: u32, answer: Option<Answer>, out: &mut Out<S::DeviceKey>) {
        let (command, result) = match (self.pending.remove(&id), answer) {
            (Some(Pending::Advice { command }), Some(Answer::Words(words))) => {
                (command, Ok(Outcome::Passphrase(words)))
            }
            (Some(Pending::Advice { command }), Some(Answer::Strength(strength))) => {
                (command, Ok(Outcome::Strength(strength)))
            }
            (Some(Pending::NewPassword(entering)), Some(Answer::Strength(strength))) => {
                if strength.score >= 3 {
                    return self.enter(*entering, out);
                }
                (entering.command, Err(Problem::WeakPassword(strength.advice)))
            }
            (Some(Pending::Advice { command }), None) => (command, Err(Problem::Offline)),
            (Some(Pending::NewPassword(entering)), _) => (entering.command, Err(Problem::Offline)),
            _ => return,
        };
        out.push(Effect::Answer { id: command, result });
    }

    pub(super) fn sign_in(
        &mut self,
        command: u32,
        handle: &str,
        password: String,
        stay: bool,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let password = Zeroizing::new(password);
        // What is not a handle is nobody's: the same answer as for one that nobody has.
        let handle = tidy_handle(handle).map_err(|_| Problem::WrongPassword)?;
        if password.len() > MAX_PASSWORD_BYTES {
            return Err(Problem::WrongPassword);
        }
        self.enter(Entering::new(command, handle, password, stay, false), out);
        Ok(None)
    }

    fn enter(&mut self, entering: Entering<S::DeviceKey>, out: &mut Out<S::DeviceKey>) {
        out.push(Effect::Show(Change::Step(Step::Asking)));
        self.ask_as(None, Request::Info(Info {}), Pending::Enter(Box::new(entering)), out);
    }

    /// One answer further.
    pub(super) async fn entering(
        &mut self,
        mut entering: Box<Entering<S::DeviceKey>>,
        result: Result<Reply, Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let command = entering.command;
        let step = match result {
            Err(failure) => Err(entering.refused(&failure)),
            Ok(reply) => {
                let stage = std::mem::replace(&mut entering.stage, Stage::Starting);
                self.next_stage(entering, stage, reply, ctx, out).await
            }
        };
        if let Err(problem) = step {
            out.push(Effect::Answer {
                id: command,
                result: Err(problem),
            });
        }
    }

    async fn next_stage(
        &mut self,
        mut entering: Box<Entering<S::DeviceKey>>,
        stage: Stage<S::DeviceKey>,
        reply: Reply,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        match (stage, reply) {
            (Stage::Info { new }, Reply::Info(info)) => {
                if info.api != API_VERSION {
                    return Err(Problem::OldPage);
                }
                entering.realm.clone_from(&info.realm);
                self.realm = Some(info.realm);
                if new {
                    self.register(entering, ctx, out).await
                } else {
                    let request = Request::SignInStart(SignInStart {
                        handle: entering.handle.clone(),
                    });
                    self.ask_as(None, request, Pending::Enter(entering), out);
                    Ok(())
                }
            }
            (Stage::Starting, Reply::SignInStart(start)) => self.prove(entering, &start, ctx, out),
            (Stage::Proving(root), Reply::SignInProve(grant)) => {
                out.push(Effect::Show(Change::Step(Step::Keys)));
                let unlocked = entering.unlock(&root, grant, ctx).await?;
                let active = unlocked.log.view().devices.len();
                if active >= MANY_DEVICES {
                    let token = Some(unlocked.token.clone());
                    entering.stage = Stage::Counting(Box::new(unlocked));
                    self.ask_as(
                        token,
                        Request::SessionList(SessionList {}),
                        Pending::Enter(entering),
                        out,
                    );
                    Ok(())
                } else {
                    self.add_device(entering, unlocked, &[], ctx, out).await
                }
            }
            (Stage::Counting(unlocked), Reply::SessionList(list)) => {
                // The relay's list only orders them: however it lies, so many stay, and somebody gets in.
                let seen = |id: &DeviceKeyId| {
                    let session = list.sessions.iter().find(|session| session.dk_id == *id);
                    session.map_or(0, |session| session.seen_ms)
                };
                let mut devices: Vec<(u64, u64, DeviceKeyId)> = (unlocked.log.view().devices.iter())
                    .map(|(id, device)| (seen(id), device.added, *id))
                    .collect();
                devices.sort_unstable();
                let too_many = (devices.len() + 1).saturating_sub(MANY_DEVICES);
                let retire: Vec<DeviceKeyId> = (devices.into_iter().take(too_many)).map(|(.., id)| id).collect();
                self.add_device(entering, *unlocked, &retire, ctx, out).await
            }
            (Stage::Registering(mut ready), Reply::Register(grant)) => {
                ready.grant = grant.token;
                self.start_session(entering, ready, out);
                Ok(())
            }
            (Stage::Adding(ready), Reply::UserLogAppend(_)) => {
                self.start_session(entering, ready, out);
                Ok(())
            }
            (Stage::SessionStart(ready), Reply::SessionStart(start)) => {
                let proof = SessionProof {
                    realm: text(&entering.realm)?,
                    user_id: ready.user_id,
                    dk_id: ready.dk_id,
                    challenge: array(&start.challenge)?,
                };
                let sig = ctx
                    .suite
                    .sign(&ready.key, Label::Session, &proof.to_bytes())
                    .await
                    .map_err(internal)?;
                let request = Request::SessionProve(SessionProve {
                    dk_id: ready.dk_id,
                    challenge: start.challenge,
                    sig: B64(sig.to_vec()),
                });
                let token = Some(ready.grant.clone());
                entering.stage = Stage::SessionProve(ready);
                self.ask_as(token, request, Pending::Enter(entering), out);
                Ok(())
            }
            (Stage::SessionProve(ready), Reply::SessionProve(grant)) => {
                self.entered(&entering, *ready, grant.token, ctx, out).await
            }
            _ => Err(Problem::Internal("an answer out of turn".into())),
        }
    }

    fn start_session(
        &mut self,
        mut entering: Box<Entering<S::DeviceKey>>,
        ready: Box<Ready<S::DeviceKey>>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let token = Some(ready.grant.clone());
        entering.stage = Stage::SessionStart(ready);
        self.ask_as(
            token,
            Request::SessionStart(SessionStart {}),
            Pending::Enter(entering),
            out,
        );
    }

    /// A new account: keys, log, vault, all signed by the identity and the sign-in key.
    async fn register(
        &mut self,
        mut entering: Box<Entering<S::DeviceKey>>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let mut salt = [0; 16];
        ctx.rng.fill_bytes(&mut salt);
        let root = derive_root(
            &ctx.suite.normalise(&entering.password),
            &entering.realm,
            &entering.handle,
            &salt,
            Profile::NEWEST,
        )
        .map_err(internal)?;
        let ak = root.sign_in_key(&entering.realm);
        let (ik, kk) = (PrivateKey::make(ctx.rng), PrivateKey::make(ctx.rng));
        let mut nonce = [0; 16];
        ctx.rng.fill_bytes(&mut nonce);
        let genesis = UserGenesis {
            realm: text(&entering.realm)?,
            ik: ik.public(),
            kk: kk.public(),
            created: ctx.now_ms,
            nonce,
        };
        let user_id = genesis.user_id();
        let genesis_bytes = genesis.to_bytes();
        let log = UserLog::begin(&genesis_bytes, &user_id, &entering.realm).map_err(internal)?;

        let vault_key = VaultKey::make(ctx.rng);
        let dvk = DayVaultKey::make(ctx.rng);
        let wrap = wrap_vault_key(
            ctx.rng,
            &root.vault_wrap_key(&user_id),
            &user_id,
            Method::Password,
            1,
            &vault_key,
        )
        .map_err(internal)?;
        let header = VaultHeader {
            user_id,
            vk_gen: 1,
            wraps: List::new(vec![wrap]).map_err(internal)?,
        };
        let items = [
            (ItemName::IdentityKey, vault_key.expose(), ik.to_bytes().to_vec()),
            (ItemName::DayKey, vault_key.expose(), dvk.expose().to_vec()),
            (ItemName::KemKey(1), dvk.expose(), kk.to_bytes().to_vec()),
        ];
        let mut puts = Vec::with_capacity(items.len());
        for (name, key, plain) in items {
            let plain = Zeroizing::new(plain);
            let sealed = Bytes::new(name.seal(ctx.rng, key, &user_id, 1, &plain)).map_err(internal)?;
            puts.push(VaultPutRecord {
                item_id: name.id(key),
                sealed,
            });
        }

        let (key, dk) = self.make_device(ctx).await?;
        let device = self.device_entry(&log, &ik, &key, dk, &dvk, ctx).await?;
        let registration = Registration {
            realm: text(&entering.realm)?,
            handle: Text::new(entering.handle.clone()).map_err(internal)?,
            salt,
            profile: Profile::NEWEST.number(),
            ak: ak.public(),
            genesis: Bytes::new(genesis_bytes.clone()).map_err(internal)?,
            device: Bytes::new(device.to_bytes()).map_err(internal)?,
            vault_header: Bytes::new(header.to_bytes()).map_err(internal)?,
            items: List::new(puts).map_err(internal)?,
        }
        .to_bytes();
        let request = Request::Register(Register {
            ak_sig: B64(ak.sign(Label::Register, &registration).to_vec()),
            ik_sig: B64(ik.sign(Label::Register, &registration).to_vec()),
            registration: B64(registration),
        });
        let mut vault = Vault::default();
        vault.kem.insert(1, kk);
        let raw = UserLogBody {
            user_id,
            handle: entering.handle.clone(),
            genesis: Some(B64(genesis_bytes)),
            entries: vec![B64(device.to_bytes())],
        };
        let ready = Ready {
            user_id,
            key,
            dk_id: dk.key_id(),
            dvk,
            vault,
            log: raw,
            grant: String::new(),
        };
        entering.stage = Stage::Registering(Box::new(ready));
        self.ask_as(None, request, Pending::Enter(entering), out);
        Ok(())
    }

    fn prove(
        &mut self,
        mut entering: Box<Entering<S::DeviceKey>>,
        start: &SignInChallenge,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        // An unknown profile may be a weaker one: refused before anything is derived.
        let profile = Profile::from_number(start.profile).map_err(|_| {
            Problem::ServerLied("it asks for a weaker password protection than this page accepts".into())
        })?;
        let root = derive_root(
            &ctx.suite.normalise(&entering.password),
            &entering.realm,
            &entering.handle,
            &array(&start.salt)?,
            profile,
        )
        .map_err(internal)?;
        let mut session_nonce = [0; 32];
        ctx.rng.fill_bytes(&mut session_nonce);
        let proof = LoginProof {
            realm: text(&entering.realm)?,
            handle: Text::new(entering.handle.clone()).map_err(internal)?,
            challenge: array(&start.challenge)?,
            session_nonce,
        };
        let sig = root.sign_in_key(&entering.realm).sign(Label::Login, &proof.to_bytes());
        let request = Request::SignInProve(SignInProve {
            handle: entering.handle.clone(),
            challenge: start.challenge.clone(),
            session_nonce: B64(session_nonce.to_vec()),
            sig: B64(sig.to_vec()),
        });
        entering.stage = Stage::Proving(root);
        self.ask_as(None, request, Pending::Enter(entering), out);
        Ok(())
    }

    /// This browser's key goes into the log, signed by the identity key, which is dropped right after.
    async fn add_device(
        &mut self,
        mut entering: Box<Entering<S::DeviceKey>>,
        unlocked: Unlocked,
        retire: &[DeviceKeyId],
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let Unlocked {
            token,
            ik,
            dvk,
            vault,
            mut log,
            mut raw_log,
        } = unlocked;
        let mut entries = Vec::new();
        for dk_id in retire {
            let blob = sign_entry(&log, &ik, UserBody::RevokeDevice { dk_id: *dk_id }, ctx.now_ms);
            log = log
                .extend(std::slice::from_ref(&blob))
                .map_err(internal)?
                .prove_here()
                .map_err(internal)?;
            entries.push(B64(blob.to_bytes()));
        }
        let (key, dk) = self.make_device(ctx).await?;
        let blob = self.device_entry(&log, &ik, &key, dk, &dvk, ctx).await?;
        entries.push(B64(blob.to_bytes()));
        raw_log.entries.extend(entries.iter().cloned());
        let user_id = *log.user_id();
        let ready = Ready {
            user_id,
            key,
            dk_id: dk.key_id(),
            dvk,
            vault,
            log: raw_log,
            grant: token.clone(),
        };
        entering.stage = Stage::Adding(Box::new(ready));
        self.ask_as(
            Some(token),
            Request::UserLogAppend(UserLogAppend { entries }),
            Pending::Enter(entering),
            out,
        );
        Ok(())
    }

    async fn make_device(&self, ctx: &mut Ctx<'_, S>) -> Result<(S::DeviceKey, PublicKey), Problem> {
        let key = ctx.suite.make_device_key(ctx.rng).await.map_err(internal)?;
        let public = ctx.suite.device_public_key(&key);
        Ok((key, public))
    }

    async fn device_entry(
        &self,
        log: &UserLog,
        ik: &PrivateKey,
        key: &S::DeviceKey,
        dk: PublicKey,
        dvk: &DayVaultKey,
        ctx: &mut Ctx<'_, S>,
    ) -> Result<SignedBlob, Problem> {
        let possession = possession_bytes(log.user_id(), &dk);
        let pop = ctx
            .suite
            .sign(key, Label::DevicePossession, &possession)
            .await
            .map_err(internal)?;
        let label = super::devices::seal_label(ctx.rng, dvk, &dk.key_id(), &self.device_name);
        Ok(sign_entry(log, ik, UserBody::AddDevice { dk, pop, label }, ctx.now_ms))
    }

    async fn entered(
        &mut self,
        entering: &Entering<S::DeviceKey>,
        ready: Ready<S::DeviceKey>,
        token: String,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let Ready {
            user_id,
            key,
            dk_id,
            dvk,
            vault,
            log,
            grant: _,
        } = ready;
        self.people
            .learn(&log, None, &entering.realm, ctx.suite)
            .await
            .map_err(|_| lied("the log of this account"))?;
        if entering.stay {
            let account = KeptAccount {
                user_id,
                handle: entering.handle.clone(),
                realm: entering.realm.clone(),
                token: token.clone(),
                dk_id,
                dvk: *dvk.expose(),
            };
            out.push(Effect::Keep {
                account,
                key: key.clone(),
            });
        }
        self.me = Some(Me {
            user_id,
            handle: entering.handle.clone(),
            dk_id,
            key,
            token,
            dvk: copy_key(&dvk),
            vault,
        });
        out.push(Effect::Show(Change::Step(Step::Rooms)));
        // This browser may have kept something of this account: what it verified counts, what waits is sent.
        let id = self.remember(Pending::Base {
            command: Some(entering.command),
        });
        out.push(Effect::Load { id, query: Query::Base });
        Ok(())
    }

    /// What this browser kept: paint from it at once, connect meanwhile.
    pub(super) fn restored(&mut self, kept: Option<(KeptAccount, S::DeviceKey)>, out: &mut Out<S::DeviceKey>) {
        let Some((account, key)) = kept else {
            self.show_signed_out(out);
            // Its name stands beside the handle in the forms.
            self.ask_as(None, Request::Info(Info {}), Pending::Realm, out);
            return;
        };
        self.realm = Some(account.realm.clone());
        self.me = Some(Me {
            user_id: account.user_id,
            handle: account.handle.clone(),
            dk_id: account.dk_id,
            key,
            token: account.token.clone(),
            dvk: DayVaultKey::from_bytes(account.dvk),
            vault: Vault::default(),
        });
        let id = self.remember(Pending::Base { command: None });
        out.push(Effect::Load { id, query: Query::Base });
    }

    pub(super) fn show_signed_in(&self, out: &mut Out<S::DeviceKey>) {
        let (Some(me), Some(realm)) = (&self.me, &self.realm) else {
            return;
        };
        if let Some(person) = self.person(&me.user_id) {
            out.push(Effect::Show(Change::Phase(Phase::SignedIn {
                me: person,
                realm: realm.clone(),
                device: me.dk_id,
            })));
        }
    }

    pub(super) fn sign_out(&mut self, out: &mut Out<S::DeviceKey>) -> Result<Option<Outcome>, Problem> {
        self.me()?;
        self.ask(Request::SessionEnd(SessionEnd {}), Pending::Ignore, out);
        self.forget_everything(Effect::Wipe, out);
        Ok(Some(Outcome::Done))
    }

    /// The relay does not know this session any more.
    pub(super) fn was_signed_out(&mut self, out: &mut Out<S::DeviceKey>) {
        if self.me.is_some() {
            // The relay's word: no reason to destroy what it has not got, or what was verified against it.
            self.forget_everything(Effect::Lock, out);
            out.push(Effect::Show(Change::Notice(Problem::SignedOut)));
        }
    }

    pub(super) fn show_signed_out(&self, out: &mut Out<S::DeviceKey>) {
        out.push(Effect::Show(Change::Phase(Phase::SignedOut {
            realm: self.realm.clone().unwrap_or_default(),
        })));
    }

    pub(super) fn realm_came(&mut self, info: Result<InfoReply, Failure>, out: &mut Out<S::DeviceKey>) {
        let entering =
            (self.pending.values()).any(|pending| matches!(pending, Pending::Enter(_) | Pending::NewPassword(_)));
        if let Ok(info) = info
            && self.me.is_none()
            && !entering
        {
            self.realm = Some(info.realm);
            self.show_signed_out(out);
        }
    }

    fn forget_everything(&mut self, store: Effect<S::DeviceKey>, out: &mut Out<S::DeviceKey>) {
        self.me = None;
        self.people = Default::default();
        self.rooms.clear();
        self.arriving.clear();
        self.tasks.clear();
        self.creating.clear();
        self.visits.clear();
        self.pending.clear();
        self.shown = None;
        self.online = false;
        out.push(Effect::Disconnect);
        out.push(store);
        self.show_signed_out(out);
    }

    pub(super) fn sign_out_others(
        &mut self,
        command: u32,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.me()?;
        self.ask(
            Request::SessionEndOthers(SessionEndOthers {}),
            Pending::SignOutOthers { command },
            out,
        );
        Ok(None)
    }
}

impl<K> Entering<K> {
    fn new(command: u32, handle: String, password: Zeroizing<String>, stay: bool, new: bool) -> Self {
        Self {
            command,
            handle,
            password,
            stay,
            realm: String::new(),
            stage: Stage::Info { new },
        }
    }

    /// What a refusal means at this stage.
    fn refused(&self, failure: &Failure) -> Problem {
        if failure.is(ErrorCode::HandleTaken) {
            return Problem::HandleTaken(self.handle.clone());
        }
        match &self.stage {
            Stage::Registering(_) if failure.is(ErrorCode::BadProof) => {
                Problem::Internal("registration refused".into())
            }
            _ => failure.problem(),
        }
    }

    /// Opens the vault with what the password became, and checks that it belongs to the log that came with it.
    async fn unlock<S: Suite>(
        &self,
        root: &PasswordRoot,
        grant: SignInGrant,
        ctx: &mut Ctx<'_, S>,
    ) -> Result<Unlocked, Problem> {
        let user_id = grant.log.user_id;
        let header = VaultHeader::from_bytes(&grant.vault_header.0).map_err(|_| lied("the vault"))?;
        let vault_key = header
            .open(&root.vault_wrap_key(&user_id), &user_id, Method::Password)
            .map_err(|_| lied("the vault"))?;
        let item = |name: ItemName| {
            let id = name.id(vault_key.expose());
            let item = grant
                .items
                .iter()
                .find(|item| item.item_id == id)
                .ok_or_else(|| lied("the vault"))?;
            open_item(vault_key.expose(), &user_id, &id, item.rev, &item.sealed.0).map_err(|_| lied("the vault"))
        };
        let ik = PrivateKey::from_bytes(&item(ItemName::IdentityKey)?).ok_or_else(|| lied("the vault"))?;
        let dvk = DayVaultKey::from_slice(&item(ItemName::DayKey)?).ok_or_else(|| lied("the vault"))?;
        let log = super::people::verify_log(&grant.log, None, &self.realm, ctx.suite)
            .await
            .map_err(|_| lied("the log of this account"))?;
        // Another account's log, or one with a foreign identity, does not pass for one's own.
        if log.view().ik != ik.public() || grant.log.handle != self.handle {
            return Err(lied("the log of this account"));
        }
        let mut vault = Vault::default();
        vault.take(&dvk, &user_id, log.view().kem_g, &grant.items);
        if !vault.kem.contains_key(&log.view().kem_g) {
            return Err(lied("the vault"));
        }
        Ok(Unlocked {
            token: grant.token,
            ik,
            dvk,
            vault,
            log,
            raw_log: grant.log,
        })
    }
}

fn sign_entry(log: &UserLog, ik: &PrivateKey, body: UserBody, ts: u64) -> SignedBlob {
    let entry = UserEntry {
        user_id: *log.user_id(),
        seq: log.seq() + 1,
        prev: log.head(),
        ts,
        body,
    };
    let body = entry.to_bytes();
    let sig = ik.sign(Label::UserLog, &body);
    SignedBlob { body, sig }
}

/// As it is meant: spaces and capitals are slips of the keyboard.
pub(super) fn tidy_handle(handle: &str) -> Result<String, Problem> {
    let handle = handle.trim().trim_start_matches('@').to_ascii_lowercase();
    if handle.len() <= MAX_HANDLE_CHARS && is_handle(&handle) {
        Ok(handle)
    } else {
        Err(Problem::HandleMalformed)
    }
}

fn text<const MAX: usize>(value: &str) -> Result<Text<MAX>, Problem> {
    Text::new(value).map_err(|_| lied("its name"))
}

fn array<const N: usize>(bytes: &B64) -> Result<[u8; N], Problem> {
    bytes.0.as_slice().try_into().map_err(|_| Problem::OldPage)
}

pub(super) fn lied(what: &str) -> Problem {
    Problem::ServerLied(what.to_owned())
}

pub(super) fn internal(error: impl std::fmt::Debug) -> Problem {
    Problem::Internal(format!("{error:?}"))
}
