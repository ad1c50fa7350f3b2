//! What begins with a password, or with the recovery key: signing up and in, and everything that takes the identity key.
//!
//! ```text
//! sign up   info ─▶ derive ─▶ register ──────────────────────────────┐
//! all else  info ─▶ start ─▶ derive ─▶ prove ─▶ open vault ─┬─ sign in, recover: add device ─┴▶ session ─▶ connect
//!                     ▲ another browser was faster          ├─ change password: rekey ────────▶ session ─▶ connect
//!                     └─────────────────────────────────────┴─ the rest (`rekey.rs`) ─▶ answer
//! ```

use std::collections::BTreeMap;

use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::codec::{Bytes, Codec, List, Text};
use sotto_shared::contacts::OwnProfile;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::password::{MAX_PASSWORD_BYTES, PasswordRoot, Profile, derive_root};
use sotto_shared::crypto::recovery::RecoveryKey;
use sotto_shared::crypto::secret::{DayVaultKey, PrivateKey, VaultKey};
use sotto_shared::crypto::sign::{PublicKey, SignedBlob};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{DeviceKeyId, UserId};
use sotto_shared::log::user_log::{UserBody, UserEntry, UserGenesis, UserLog, possession_bytes};
use sotto_shared::vault::{ItemName, Method, VaultHeader, open_item, wrap_vault_key};
use zeroize::Zeroizing;

use super::account::{Me, internal, lied, tidy_handle};
use super::ask::{Pending, Reply, Request};
use super::guests::own_handle;
use super::record::KeptAccount;
use super::rekey::LogDraft;
use super::vault::{Puts, Vault, first_item, first_manifest};
use super::{Ctx, Effect, Ending, Engine, Failure, Out, copy_key};
use crate::passwords::{Answer, Question};
use crate::view::{Change, Outcome, Problem, Step};

/// Devices of an account at most; at sign-in those that were away longest make room.
const MANY_DEVICES: usize = 24;
/// Times it is begun again because another browser changed the account meanwhile.
const MAX_TRIES: u32 = 4;

/// What a person wants who has typed the password.
pub(crate) enum Goal {
    SignUp {
        stay: bool,
        /// A guest, who is called so.
        guest: Option<OwnProfile>,
    },
    SignIn {
        stay: bool,
    },
    /// The account that is locked here.
    Unlock,
    /// With the recovery key, and a password to come.
    Recover {
        new: Zeroizing<String>,
        stay: bool,
    },
    /// A new account under the same handle.
    Reset {
        stay: bool,
    },
    ChangePassword {
        new: Zeroizing<String>,
    },
    /// A guest's account becomes one that opens anywhere.
    Keep {
        handle: String,
        new: Zeroizing<String>,
    },
    MakeRecoveryKey,
    RemoveRecoveryKey,
    RevokeDevice(DeviceKeyId),
    Delete,
}

pub(crate) enum Secret {
    Password(Zeroizing<String>),
    Recovery(RecoveryKey),
}

/// Something under way that began with a password.
pub(crate) struct Entering<K> {
    pub command: u32,
    pub handle: String,
    secret: Secret,
    pub goal: Goal,
    pub realm: String,
    /// What the vault's counter must have reached, when the account is signed in here.
    floor: u64,
    tries: u32,
    pub stage: Stage<K>,
    /// What the relay is being asked, where it does the same again only once.
    pub again: Option<Request>,
}

pub(crate) enum Stage<K> {
    /// Asked for the realm.
    Info,
    Registering(Box<Ready<K>>),
    Starting,
    /// None: with the recovery key.
    Proving(Option<PasswordRoot>),
    /// Asked which devices have a session, to retire others.
    Counting(Box<Unlocked>),
    /// The relay is told of a device, or of everything anew.
    Adding(Box<Ready<K>>),
    SessionStart(Box<Ready<K>>),
    SessionProve(Box<Ready<K>>),
    /// A device and a KEM key are being changed.
    Revoking(Box<Revoking>),
    /// The recovery key is being taken away.
    Removing,
    /// The account is being closed; these groups could not be left.
    Closing(Vec<String>),
}

/// A device about to be taken away, with what the account will be then.
pub(crate) struct Revoking {
    pub token: String,
    pub log: UserLogBody,
    pub puts: Puts,
    pub kem: (u32, PrivateKey),
}

/// Right after the password: the only time the identity key is in memory.
pub(crate) struct Unlocked {
    pub token: String,
    pub ik: PrivateKey,
    pub vault_key: VaultKey,
    pub header: VaultHeader,
    pub dvk: DayVaultKey,
    pub vault: Vault,
    pub log: UserLog,
    pub raw_log: UserLogBody,
}

/// Everything for a session but the session.
pub(crate) struct Ready<K> {
    pub user_id: UserId,
    pub key: K,
    pub dk_id: DeviceKeyId,
    pub dvk: DayVaultKey,
    pub vault: Vault,
    pub log: UserLogBody,
    /// What the password gave; opens the session. Empty until a new account is registered.
    pub grant: String,
    /// A recovery key that is good no longer.
    pub recovery_key_gone: bool,
}

impl<S: Suite> Engine<S> {
    // --- Commands ------------------------------------------------------------------------------------------------------

    pub(super) fn sign_up(
        &mut self,
        command: u32,
        handle: &str,
        password: String,
        stay: bool,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.nobody_is_here()?;
        let password = new_password(password)?;
        let rated = password.to_string();
        let entering = Entering::new(
            command,
            own_handle(handle)?,
            Secret::Password(password),
            Goal::SignUp { stay, guest: None },
        );
        self.rate(entering, rated, out);
        Ok(None)
    }

    pub(super) fn sign_in(
        &mut self,
        command: u32,
        handle: &str,
        password: String,
        stay: bool,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.enter_from_outside(command, handle, password, Goal::SignIn { stay }, out)
    }

    pub(super) fn reset_identity(
        &mut self,
        command: u32,
        handle: &str,
        password: String,
        stay: bool,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.enter_from_outside(command, handle, password, Goal::Reset { stay }, out)
    }

    fn enter_from_outside(
        &mut self,
        command: u32,
        handle: &str,
        password: String,
        goal: Goal,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.nobody_is_here()?;
        let password = old_password(password)?;
        // What is not a handle is nobody's: the same answer as for one that nobody has.
        let handle = tidy_handle(handle).map_err(|_| Problem::WrongPassword)?;
        self.enter(Entering::new(command, handle, Secret::Password(password), goal), out);
        Ok(None)
    }

    pub(super) fn recover(
        &mut self,
        command: u32,
        handle: &str,
        key: String,
        password: String,
        stay: bool,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.nobody_is_here()?;
        let key = read_recovery_key(key)?;
        let new = new_password(password)?;
        let handle = tidy_handle(handle).map_err(|_| Problem::WrongRecoveryKey)?;
        let rated = new.to_string();
        let entering = Entering::new(command, handle, Secret::Recovery(key), Goal::Recover { new, stay });
        self.rate(entering, rated, out);
        Ok(None)
    }

    pub(super) fn change_password(
        &mut self,
        command: u32,
        old: String,
        new: String,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        if self.is_guest() {
            return Err(Problem::NotAllowed);
        }
        let new = new_password(new)?;
        let rated = new.to_string();
        let entering = self.entering_again(command, old, Goal::ChangePassword { new })?;
        self.rate(entering, rated, out);
        Ok(None)
    }

    pub(super) fn revoke_device(
        &mut self,
        command: u32,
        device: DeviceKeyId,
        password: String,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        // One's own browser is signed out, not revoked: it would be left without a key in the middle of it.
        if self.me()?.dk_id == device {
            return Err(Problem::NotAllowed);
        }
        self.with_password(command, password, Goal::RevokeDevice(device), out)
    }

    /// One account at a time.
    pub(super) const fn nobody_is_here(&self) -> Result<(), Problem> {
        if self.me.is_some() || self.locked.is_some() {
            Err(Problem::NotAllowed)
        } else {
            Ok(())
        }
    }

    pub(super) fn enter_with_password(
        &mut self,
        command: u32,
        handle: String,
        password: String,
        goal: Goal,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let password = old_password(password)?;
        self.enter(Entering::new(command, handle, Secret::Password(password), goal), out);
        Ok(())
    }

    /// Whoever is signed in types the password once more.
    pub(super) fn with_password(
        &mut self,
        command: u32,
        password: String,
        goal: Goal,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let entering = self.entering_again(command, password, goal)?;
        self.enter(entering, out);
        Ok(None)
    }

    pub(super) fn entering_again(
        &self,
        command: u32,
        password: String,
        goal: Goal,
    ) -> Result<Entering<S::DeviceKey>, Problem> {
        let me = self.me()?;
        let password = match &me.guest {
            Some(drawn) => drawn.clone(),
            None => old_password(password)?,
        };
        let busy = self.departing.is_some()
            || self
                .pending
                .values()
                .any(|pending| matches!(pending, Pending::Enter(_)));
        if busy {
            return Err(Problem::TooFast { retry_secs: 5 });
        }
        let handle = me.handle.clone();
        Ok(Entering::new(command, handle, Secret::Password(password), goal))
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

    /// A new password has to be found strong enough first.
    fn rate(&mut self, entering: Entering<S::DeviceKey>, password: String, out: &mut Out<S::DeviceKey>) {
        let handle = entering.handle.clone();
        self.rate_as(entering, (handle, password), out);
    }

    /// For another handle than the account has now.
    pub(super) fn rate_as(
        &mut self,
        entering: Entering<S::DeviceKey>,
        (handle, password): (String, String),
        out: &mut Out<S::DeviceKey>,
    ) {
        let id = self.remember(Pending::NewPassword(Box::new(entering)));
        let question = Question::Rate { handle, password };
        out.push(Effect::Passwords { id, question });
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

    // --- Step by step --------------------------------------------------------------------------------------------------

    pub(super) fn enter(&mut self, entering: Entering<S::DeviceKey>, out: &mut Out<S::DeviceKey>) {
        // The page hears of a step before what is slow in it begins, so it is told with the question ahead of that.
        let step = match entering.goal {
            Goal::SignUp { .. } => Step::Deriving,
            _ => Step::Asking,
        };
        out.push(Effect::Show(Change::Step(step)));
        self.ask_as(None, Request::Info(Info {}), Pending::Enter(Box::new(entering)), out);
    }

    fn begin(&mut self, mut entering: Box<Entering<S::DeviceKey>>, out: &mut Out<S::DeviceKey>) {
        out.push(Effect::Show(Change::Step(Step::Deriving)));
        entering.stage = Stage::Starting;
        entering.floor = self.me.as_ref().map_or(0, |me| me.vault.manifest.counter);
        let request = Request::SignInStart(SignInStart {
            handle: entering.handle.clone(),
        });
        self.ask_as(None, request, Pending::Enter(entering), out);
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
            Err(failure) => {
                let overtaken = failure.is(ErrorCode::StaleHead) || failure.is(ErrorCode::StaleItem);
                if overtaken && entering.tries < MAX_TRIES {
                    entering.tries += 1;
                    self.ending = Ending::No;
                    return self.begin(entering, out);
                }
                // Whether it was done is not known; the same again is answered as if it was the first time.
                if failure == Failure::Offline
                    && entering.tries < MAX_TRIES
                    && let (Stage::Adding(ready), Some(request)) = (&entering.stage, &entering.again)
                {
                    let (grant, request) = (Some(ready.grant.clone()), request.clone());
                    entering.tries += 1;
                    return self.ask_as(grant, request, Pending::Enter(entering), out);
                }
                Err(entering.refused(&failure))
            }
            Ok(reply) => {
                let stage = std::mem::replace(&mut entering.stage, Stage::Starting);
                self.next_stage(entering, stage, reply, ctx, out).await
            }
        };
        if let Err(problem) = step {
            if self.ending == Ending::Expected {
                self.ending = Ending::No;
                if matches!(problem, Problem::MaybeChanged | Problem::KeptElsewhere(_)) {
                    // The relay may have ended this session; what waits here is kept until the password is typed.
                    self.was_signed_out(out);
                }
            }
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
            (Stage::Info, Reply::Info(info)) => {
                if info.api != API_VERSION {
                    return Err(Problem::OldPage);
                }
                // An account that is here is of the realm that it was made in.
                if (self.me.is_some() || self.locked.is_some()) && self.realm.as_ref() != Some(&info.realm) {
                    return Err(lied("its name"));
                }
                entering.realm.clone_from(&info.realm);
                self.realm = Some(info.realm);
                if matches!(entering.goal, Goal::SignUp { .. }) {
                    self.register(entering, None, ctx, out).await
                } else {
                    self.begin(entering, out);
                    Ok(())
                }
            }
            (Stage::Starting, Reply::SignInStart(start)) => self.prove(entering, &start, ctx, out),
            (Stage::Proving(root), Reply::SignInProve(grant)) => {
                out.push(Effect::Show(Change::Step(Step::Keys)));
                if matches!(entering.goal, Goal::Reset { .. }) {
                    let token = grant.token.clone();
                    // What cannot be opened any more is what this is for.
                    let close = match entering.unlock(root.as_ref(), grant, ctx).await {
                        Ok(old) => {
                            let mut draft = LogDraft::new(old.log);
                            draft.add(&old.ik, UserBody::Close, ctx.now_ms)?;
                            draft.entries.pop()
                        }
                        Err(_) => None,
                    };
                    return self.register(entering, Some((token, close)), ctx, out).await;
                }
                let unlocked = entering.unlock(root.as_ref(), grant, ctx).await?;
                self.check_same(&unlocked)?;
                match &entering.goal {
                    Goal::Unlock if self.reopened(entering.command, &unlocked.dvk, out) => Ok(()),
                    Goal::SignIn { .. } | Goal::Recover { .. } | Goal::Unlock => {
                        if unlocked.log.view().devices.len() >= MANY_DEVICES {
                            let token = Some(unlocked.token.clone());
                            entering.stage = Stage::Counting(Box::new(unlocked));
                            let request = Request::SessionList(SessionList {});
                            self.ask_as(token, request, Pending::Enter(entering), out);
                            Ok(())
                        } else {
                            self.add_device(entering, unlocked, &[], ctx, out).await
                        }
                    }
                    _ => self.with_identity(entering, unlocked, ctx, out).await,
                }
            }
            (Stage::Counting(unlocked), Reply::SessionList(list)) => {
                // The relay's list only orders them: however it lies, so many stay, and somebody gets in.
                let seen: BTreeMap<DeviceKeyId, u64> = (list.sessions.iter())
                    .map(|session| (session.dk_id, session.seen_ms))
                    .collect();
                let mut devices: Vec<(u64, u64, DeviceKeyId)> = (unlocked.log.view().devices.iter())
                    .map(|(id, device)| (seen.get(id).copied().unwrap_or_default(), device.added, *id))
                    .collect();
                devices.sort_unstable();
                let too_many = (devices.len() + 1).saturating_sub(MANY_DEVICES);
                let retire: Vec<DeviceKeyId> = (devices.into_iter().take(too_many)).map(|(.., id)| id).collect();
                self.add_device(entering, *unlocked, &retire, ctx, out).await
            }
            (Stage::Registering(mut ready), Reply::Register(grant) | Reply::ResetIdentity(grant)) => {
                ready.grant = grant.token;
                self.start_session(entering, ready, out);
                Ok(())
            }
            (Stage::Adding(ready), Reply::UserLogAppend(_) | Reply::Rekey(_)) => {
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
            (Stage::SessionProve(ready), Reply::SessionProve(grant)) => match entering.goal {
                Goal::ChangePassword { .. } | Goal::Keep { .. } => {
                    self.renewed(&entering, *ready, grant.token, ctx, out).await
                }
                _ => self.entered(&entering, *ready, grant.token, ctx, out).await,
            },
            (Stage::Revoking(revoking), Reply::UserLogAppend(_)) => {
                self.revoked(entering.command, *revoking, ctx, out).await
            }
            (Stage::Removing, Reply::SetRecovery(_)) => {
                self.recovery_was_set(entering.command, false, Ok(()), out);
                Ok(())
            }
            (Stage::Closing(without_owner), Reply::UserLogAppend(_)) => {
                self.forget_everything(Effect::Wipe, out);
                out.push(Effect::Answer {
                    id: entering.command,
                    result: Ok(Outcome::Deleted { without_owner }),
                });
                Ok(())
            }
            _ => Err(Problem::Internal("an answer out of turn".into())),
        }
    }

    /// What came with the password belongs to the account that is signed in here, and goes on where its log ends.
    fn check_same(&self, unlocked: &Unlocked) -> Result<(), Problem> {
        let Some(me) = &self.me else { return Ok(()) };
        let log = self.people.log(&me.user_id).ok_or(Problem::SignedOut)?;
        match unlocked.log.at(log.seq()) {
            Some((head, _)) if head == log.head() && unlocked.log.user_id() == log.user_id() => Ok(()),
            _ => Err(lied("the log of this account")),
        }
    }

    pub(super) fn start_session(
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

    /// A new account: keys, log, vault, all signed by the identity and the sign-in key. In the place of an old one: with the
    /// grant for it, and the end of its log if it could be signed.
    async fn register(
        &mut self,
        mut entering: Box<Entering<S::DeviceKey>>,
        old: Option<(String, Option<B64>)>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let Secret::Password(password) = &entering.secret else {
            return Err(Problem::Internal("no password".into()));
        };
        let (salt, root) = entering.new_root(password, ctx)?;
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
        let kek = root.vault_wrap_key(&user_id);
        let wrap = wrap_vault_key(ctx.rng, &kek, &user_id, Method::Password, 1, &vault_key).map_err(internal)?;
        let header = VaultHeader {
            user_id,
            vk_gen: 1,
            wraps: List::new(vec![wrap]).map_err(internal)?,
        };
        let root_items = root_items(&ik, &dvk);
        let kem_item = (ItemName::KemKey(1), Zeroizing::new(kk.to_bytes().to_vec()));
        let profile = match &entering.goal {
            Goal::SignUp { guest, .. } => guest.as_ref().map(Codec::to_bytes),
            _ => None,
        };
        let profile_item = (profile.as_ref()).map(|plain| (ItemName::Profile, Zeroizing::new(plain.clone())));
        let mut items: Vec<VaultItem> = (root_items.iter().map(|item| (item, vault_key.expose())))
            .chain([(&kem_item, dvk.expose())])
            .chain(profile_item.iter().map(|item| (item, dvk.expose())))
            .map(|((name, plain), key)| first_item(ctx.rng, name, key, &user_id, plain))
            .collect();
        let (manifest, listing) = first_manifest(ctx.rng, &dvk, &user_id, 1, &mut items);

        let (key, dk) = self.make_device(ctx).await?;
        let mut draft = LogDraft::new(log);
        self.write_device(&mut draft, &ik, &key, dk, &dvk, ctx).await?;
        let registration = Registration {
            realm: text(&entering.realm)?,
            handle: Text::new(entering.handle.clone()).map_err(internal)?,
            salt,
            profile: Profile::NEWEST.number(),
            ak: ak.public(),
            genesis: Bytes::new(genesis_bytes.clone()).map_err(internal)?,
            device: Bytes::new(draft.entries.iter().flat_map(|entry| entry.0.clone()).collect()).map_err(internal)?,
            vault_header: Bytes::new(header.to_bytes()).map_err(internal)?,
            items: List::new(put_records(&items)?).map_err(internal)?,
        }
        .to_bytes();
        let ak_sig = B64(ak.sign(Label::Register, &registration).to_vec());
        let ik_sig = B64(ik.sign(Label::Register, &registration).to_vec());
        let registration = B64(registration);
        let (token, request) = match old {
            None => (
                None,
                Request::Register(Register {
                    registration,
                    ak_sig,
                    ik_sig,
                }),
            ),
            Some((token, close)) => (
                Some(token),
                Request::ResetIdentity(ResetIdentity {
                    registration,
                    ak_sig,
                    ik_sig,
                    close,
                }),
            ),
        };
        let ready = Ready {
            user_id,
            key,
            dk_id: dk.key_id(),
            dvk,
            vault: Vault::first(kk, profile.as_deref(), manifest, listing),
            log: UserLogBody {
                user_id,
                handle: entering.handle.clone(),
                genesis: Some(B64(genesis_bytes)),
                entries: draft.entries,
            },
            grant: String::new(),
            recovery_key_gone: false,
        };
        entering.stage = Stage::Registering(Box::new(ready));
        out.push(Effect::Show(Change::Step(Step::Keys)));
        self.ask_as(token, request, Pending::Enter(entering), out);
        Ok(())
    }

    fn prove(
        &mut self,
        mut entering: Box<Entering<S::DeviceKey>>,
        start: &SignInChallenge,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let (root, key, label) = match &entering.secret {
            Secret::Password(password) => {
                // An unknown profile may be a weaker one: refused before anything is derived.
                let profile = Profile::from_number(start.profile).map_err(|_| {
                    Problem::ServerLied("it asks for a weaker password protection than this page accepts".into())
                })?;
                let root = derive_root(
                    &ctx.suite.normalise(password),
                    &entering.realm,
                    &entering.handle,
                    &array(&start.salt)?,
                    profile,
                )
                .map_err(internal)?;
                let key = root.sign_in_key(&entering.realm);
                (Some(root), key, Label::Login)
            }
            Secret::Recovery(key) => (None, key.sign_in_key(&entering.realm), Label::RecoveryLogin),
        };
        let mut session_nonce = [0; 32];
        ctx.rng.fill_bytes(&mut session_nonce);
        let proof = LoginProof {
            realm: text(&entering.realm)?,
            handle: Text::new(entering.handle.clone()).map_err(internal)?,
            challenge: array(&start.challenge)?,
            session_nonce,
        };
        let sig = key.sign(label, &proof.to_bytes());
        let request = Request::SignInProve(SignInProve {
            handle: entering.handle.clone(),
            challenge: start.challenge.clone(),
            session_nonce: B64(session_nonce.to_vec()),
            sig: B64(sig.to_vec()),
            recovery: root.is_none(),
        });
        entering.stage = Stage::Proving(root);
        self.ask_as(None, request, Pending::Enter(entering), out);
        Ok(())
    }

    /// This browser's key goes into the log, signed by the identity key, which is dropped right after. An old KEM key is
    /// changed on the way; with the recovery key, everything is.
    async fn add_device(
        &mut self,
        mut entering: Box<Entering<S::DeviceKey>>,
        mut unlocked: Unlocked,
        retire: &[DeviceKeyId],
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let mut draft = LogDraft::new(unlocked.log.clone());
        for dk_id in retire {
            draft.add(&unlocked.ik, UserBody::RevokeDevice { dk_id: *dk_id }, ctx.now_ms)?;
        }
        let (key, dk) = self.make_device(ctx).await?;
        let ready = |dvk, vault, mut log: UserLogBody, entries: Vec<B64>, grant| {
            log.entries.extend(entries);
            Box::new(Ready {
                user_id: log.user_id,
                key: key.clone(),
                dk_id: dk.key_id(),
                dvk,
                vault,
                log,
                grant,
                recovery_key_gone: false,
            })
        };
        let token = unlocked.token.clone();
        if let (Goal::Recover { new, .. }, Secret::Recovery(recovery)) = (&entering.goal, &entering.secret) {
            let dvk = DayVaultKey::make(ctx.rng);
            self.write_device(&mut draft, &unlocked.ik, &key, dk, &dvk, ctx).await?;
            let raw_log = unlocked.raw_log.clone();
            let renewal = entering.rekey(unlocked, draft, &dvk, new, Some(recovery), ctx)?;
            entering.stage = Stage::Adding(ready(dvk, renewal.vault, raw_log, renewal.entries, token.clone()));
            self.ask_as(Some(token), renewal.request, Pending::Enter(entering), out);
            return Ok(());
        }
        let dvk = copy_key(&unlocked.dvk);
        self.write_device(&mut draft, &unlocked.ik, &key, dk, &dvk, ctx).await?;
        let puts = unlocked.renew_old_kem(&mut draft, ctx)?;
        unlocked.commit_vault(&mut draft, ctx.now_ms)?;
        let request = Request::UserLogAppend(UserLogAppend {
            entries: draft.entries.clone(),
            puts,
        });
        entering.stage = Stage::Adding(ready(
            dvk,
            unlocked.vault,
            unlocked.raw_log,
            draft.entries,
            token.clone(),
        ));
        self.ask_as(Some(token), request, Pending::Enter(entering), out);
        Ok(())
    }

    async fn make_device(&self, ctx: &mut Ctx<'_, S>) -> Result<(S::DeviceKey, PublicKey), Problem> {
        let key = ctx.suite.make_device_key(ctx.rng).await.map_err(internal)?;
        let public = ctx.suite.device_public_key(&key);
        Ok((key, public))
    }

    async fn write_device(
        &self,
        draft: &mut LogDraft,
        ik: &PrivateKey,
        key: &S::DeviceKey,
        dk: PublicKey,
        dvk: &DayVaultKey,
        ctx: &mut Ctx<'_, S>,
    ) -> Result<(), Problem> {
        let possession = possession_bytes(draft.log.user_id(), &dk);
        let pop = ctx
            .suite
            .sign(key, Label::DevicePossession, &possession)
            .await
            .map_err(internal)?;
        let label = super::devices::seal_label(ctx.rng, dvk, &dk.key_id(), &self.device_name);
        draft.add(ik, UserBody::AddDevice { dk, pop, label }, ctx.now_ms)
    }

    async fn entered(
        &mut self,
        entering: &Entering<S::DeviceKey>,
        ready: Ready<S::DeviceKey>,
        token: String,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        self.people
            .learn(&ready.log, None, &entering.realm, ctx.suite)
            .await
            .map_err(|_| lied("the log of this account"))?;
        let stay = match entering.goal {
            Goal::SignUp { stay, .. } | Goal::SignIn { stay } | Goal::Recover { stay, .. } | Goal::Reset { stay } => {
                stay
            }
            Goal::Unlock => true,
            _ => false,
        };
        let guest = match (&entering.goal, &entering.secret) {
            (Goal::SignUp { guest: Some(_), .. }, Secret::Password(drawn)) => Some(drawn.clone()),
            _ => None,
        };
        let me = Me {
            user_id: ready.user_id,
            handle: entering.handle.clone(),
            dk_id: ready.dk_id,
            key: ready.key,
            token,
            stay,
            guest,
            dvk: ready.dvk,
            vault: ready.vault,
        };
        out.extend(me.keep(&entering.realm));
        self.locked = None;
        self.me = Some(me);
        out.push(Effect::Show(Change::Step(Step::Rooms)));
        // This browser may have kept something of this account: what it verified counts, what waits is sent.
        self.load_base(Some(entering.command), out);
        Ok(())
    }
}

impl<K: Clone> Me<K> {
    pub(super) fn kept(&self, realm: &str) -> KeptAccount {
        KeptAccount {
            user_id: self.user_id,
            handle: self.handle.clone(),
            realm: realm.to_owned(),
            token: self.token.clone(),
            dk_id: self.dk_id,
            dvk: *self.dvk.expose(),
            guest: self.guest.as_ref().map(|drawn| drawn.to_string()),
        }
    }

    /// Keeps the account in this browser, if it is to stay.
    pub(super) fn keep(&self, realm: &str) -> Option<Effect<K>> {
        self.stay.then(|| Effect::Keep {
            account: self.kept(realm),
            key: self.key.clone(),
            former: self.vault.former.iter().map(copy_key).collect(),
        })
    }
}

impl<K> Entering<K> {
    pub(super) fn new(command: u32, handle: String, secret: Secret, goal: Goal) -> Self {
        Self {
            command,
            handle,
            secret,
            goal,
            realm: String::new(),
            floor: 0,
            tries: 0,
            stage: Stage::Info,
            again: None,
        }
    }

    /// What a refusal means at this stage.
    fn refused(&self, failure: &Failure) -> Problem {
        let rekeys = matches!(self.goal, Goal::ChangePassword { .. } | Goal::Recover { .. });
        let keeps = matches!(self.goal, Goal::Keep { .. });
        match &self.stage {
            _ if failure.is(ErrorCode::HandleTaken) => Problem::HandleTaken(self.new_handle().to_owned()),
            Stage::Registering(_) if failure.is(ErrorCode::Forbidden) => Problem::NoGuests,
            Stage::Adding(_) if keeps && *failure == Failure::Offline => {
                Problem::MaybeKept(self.new_handle().to_owned())
            }
            Stage::SessionStart(_) | Stage::SessionProve(_) if keeps => {
                Problem::KeptElsewhere(self.new_handle().to_owned())
            }
            Stage::Registering(_) if failure.is(ErrorCode::BadProof) => {
                Problem::Internal("registration refused".into())
            }
            Stage::Adding(_) if rekeys && *failure == Failure::Offline => Problem::MaybeChanged,
            // It has changed; the session that was to follow has not come.
            Stage::SessionStart(_) | Stage::SessionProve(_) if rekeys => Problem::MaybeChanged,
            _ if failure.is(ErrorCode::NotSignedIn) => Problem::TookTooLong,
            Stage::Proving(None) if failure.is(ErrorCode::BadProof) => Problem::WrongRecoveryKey,
            _ => failure.problem(),
        }
    }

    /// What the account is called when this is done.
    pub(super) fn new_handle(&self) -> &str {
        match &self.goal {
            Goal::Keep { handle, .. } => handle,
            _ => &self.handle,
        }
    }

    /// A salt, and what a password becomes with it.
    pub(super) fn new_root<S: Suite>(
        &self,
        password: &Zeroizing<String>,
        ctx: &mut Ctx<'_, S>,
    ) -> Result<([u8; 16], PasswordRoot), Problem> {
        let mut salt = [0; 16];
        ctx.rng.fill_bytes(&mut salt);
        let password = ctx.suite.normalise(password);
        let root = derive_root(&password, &self.realm, self.new_handle(), &salt, Profile::NEWEST).map_err(internal)?;
        Ok((salt, root))
    }

    /// Opens the vault, and checks that it is whole, as new as anything says that is known of it, and that it belongs to the
    /// log that came with it.
    async fn unlock<S: Suite>(
        &self,
        root: Option<&PasswordRoot>,
        grant: SignInGrant,
        ctx: &mut Ctx<'_, S>,
    ) -> Result<Unlocked, Problem> {
        let user_id = grant.log.user_id;
        let header = VaultHeader::from_bytes(&grant.vault_header.0).map_err(|_| lied("the vault"))?;
        let (kek, method) = match (&self.secret, root) {
            (Secret::Recovery(key), _) => (key.vault_wrap_key(&user_id), Method::Recovery),
            (Secret::Password(_), Some(root)) => (root.vault_wrap_key(&user_id), Method::Password),
            (Secret::Password(_), None) => return Err(Problem::Internal("no password".into())),
        };
        let vault_key = header.open(&kek, &user_id, method).map_err(|_| lied("the vault"))?;
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
        let floor = self.floor.max(log.view().vault_rev);
        vault.take(&dvk, &user_id, log.view(), &grant.items, floor)?;
        // The key that room keys are wrapped for, not another.
        let kem = vault.kem.get(&log.view().kem_g);
        if kem.is_none_or(|kem| kem.public() != log.view().kk) {
            return Err(lied("the vault"));
        }
        Ok(Unlocked {
            token: grant.token,
            ik,
            vault_key,
            header,
            dvk,
            vault,
            log,
            raw_log: grant.log,
        })
    }
}

/// What lies under the root key.
pub(super) fn root_items(ik: &PrivateKey, dvk: &DayVaultKey) -> [(ItemName, Zeroizing<Vec<u8>>); 2] {
    [
        (ItemName::IdentityKey, Zeroizing::new(ik.to_bytes().to_vec())),
        (ItemName::DayKey, Zeroizing::new(dvk.expose().to_vec())),
    ]
}

/// Items as a whole vault is sent.
pub(super) fn put_records(items: &[VaultItem]) -> Result<Vec<VaultPutRecord>, Problem> {
    let record = |item: &VaultItem| {
        Ok(VaultPutRecord {
            item_id: item.item_id,
            sealed: Bytes::new(item.sealed.0.clone()).map_err(internal)?,
        })
    };
    items.iter().map(record).collect()
}

pub(super) fn sign_entry(log: &UserLog, ik: &PrivateKey, body: UserBody, ts: u64) -> SignedBlob {
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

pub(super) fn new_password(password: String) -> Result<Zeroizing<String>, Problem> {
    let password = Zeroizing::new(password);
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(Problem::TooLong {
            max: MAX_PASSWORD_BYTES as u32,
        });
    }
    Ok(password)
}

/// One that cannot have been set is wrong.
fn old_password(password: String) -> Result<Zeroizing<String>, Problem> {
    new_password(password).map_err(|_| Problem::WrongPassword)
}

/// What was typed as a recovery key.
pub(super) fn read_recovery_key(typed: String) -> Result<RecoveryKey, Problem> {
    let typed = Zeroizing::new(typed);
    RecoveryKey::read(&typed).map_err(|slip| Problem::RecoveryKeyMistyped {
        group: slip.group.and_then(|group| u8::try_from(group + 1).ok()),
    })
}

pub(super) fn text<const MAX: usize>(value: &str) -> Result<Text<MAX>, Problem> {
    Text::new(value).map_err(|_| lied("its name"))
}

fn array<const N: usize>(bytes: &B64) -> Result<[u8; N], Problem> {
    bytes.0.as_slice().try_into().map_err(|_| Problem::OldPage)
}
