//! What takes the identity key: another password, another KEM key, a recovery key, a browser's or the account's end.

use std::collections::BTreeSet;

use sotto_shared::api::B64;
use sotto_shared::api::body::{
    KeyChange, RecoveryChange, Rekey, SessionEnd, SetRecovery, UserLogAppend, UserLogBody, VaultItem,
};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::codec::{Bytes, Codec, List};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::password::Profile;
use sotto_shared::crypto::recovery::{GROUPS, RecoveryKey, tidy};
use sotto_shared::crypto::secret::{DayVaultKey, PrivateKey, VaultKey};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{DeviceKeyId, RoomId};
use sotto_shared::log::room_log::RoomKind;
use sotto_shared::log::user_log::{UserBody, UserLog};
use sotto_shared::vault::{ItemName, Method, VaultHeader, VaultWrap, wrap_vault_key};
use zeroize::Zeroizing;

use super::account::{internal, lied};
use super::ask::{Pending, Request};
use super::entering::{Entering, Goal, Ready, Revoking, Stage, Unlocked, put_records, root_items, sign_entry, text};
use super::intents::{Intent, What};
use super::vault::{Puts, Vault, first_item, first_manifest};
use super::{Ctx, Effect, Ending, Engine, Failure, Out};
use crate::view::{Change, Outcome, Problem};

/// A KEM key this old is changed the next time the password is typed; sessions end after as long, so it is.
const KEM_DAYS: u64 = 30;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Entries being signed on a log that moves along with them.
pub(crate) struct LogDraft {
    pub log: UserLog,
    pub entries: Vec<B64>,
}

impl LogDraft {
    pub const fn new(log: UserLog) -> Self {
        Self {
            log,
            entries: Vec::new(),
        }
    }

    pub fn add(&mut self, ik: &PrivateKey, body: UserBody, ts: u64) -> Result<(), Problem> {
        let blob = sign_entry(&self.log, ik, body, ts);
        self.log = (self.log.extend(std::slice::from_ref(&blob)).map_err(internal)?)
            .prove_here()
            .map_err(internal)?;
        self.entries.push(B64(blob.to_bytes()));
        Ok(())
    }

    /// Another KEM key: its generation and private half.
    fn rotate_kem<S: Suite>(&mut self, ik: &PrivateKey, ctx: &mut Ctx<'_, S>) -> Result<(u32, PrivateKey), Problem> {
        let (g, kk) = (self.log.view().kem_g + 1, PrivateKey::make(ctx.rng));
        self.add(ik, UserBody::RotateKem { g, kk: kk.public() }, ctx.now_ms)?;
        Ok((g, kk))
    }
}

/// A recovery key that was shown. It counts once two of its groups were typed back.
pub(crate) struct Offered {
    /// The two groups.
    asked: [Zeroizing<String>; 2],
    grant: String,
    request: SetRecovery,
}

/// An account that is about to be closed.
pub(crate) struct Departing<K> {
    entering: Box<Entering<K>>,
    grant: String,
    close: UserLogAppend,
    groups: Vec<RoomId>,
}

/// Everything anew, as the relay is told and as it will be.
pub(super) struct Renewal {
    pub request: Request,
    pub vault: Vault,
    pub entries: Vec<B64>,
}

impl Unlocked {
    /// Changes the KEM key under the vault key there is. The vault has it only once the relay does.
    fn renew_kem<S: Suite>(
        &self,
        draft: &mut LogDraft,
        ctx: &mut Ctx<'_, S>,
    ) -> Result<(Puts, (u32, PrivateKey)), Problem> {
        let (g, kk) = draft.rotate_kem(&self.ik, ctx)?;
        let item = (ItemName::KemKey(g), Zeroizing::new(kk.to_bytes().to_vec()));
        let puts = self.vault.puts(ctx.rng, &self.dvk, self.log.user_id(), &[item]);
        Ok((puts.ok_or_else(|| lied("the vault"))?, (g, kk)))
    }

    /// The same if the key there is has served its time.
    pub fn renew_old_kem<S: Suite>(
        &mut self,
        draft: &mut LogDraft,
        ctx: &mut Ctx<'_, S>,
    ) -> Result<Vec<VaultItem>, Problem> {
        if ctx.now_ms.saturating_sub(self.log.view().kem_ms) < KEM_DAYS * DAY_MS {
            return Ok(Vec::new());
        }
        let (puts, kem) = self.renew_kem(draft, ctx)?;
        let items = puts.items.clone();
        self.vault.was_put(puts, Some(kem));
        Ok(items)
    }

    /// The log names the newest vault, so that a browser that was never here notices an older one.
    pub fn commit_vault(&self, draft: &mut LogDraft, now_ms: u64) -> Result<(), Problem> {
        draft.commit(&self.ik, self.vault.manifest.counter, self.vault.manifest.hash, now_ms)
    }

    /// The header with another recovery wrap, or without one.
    fn header_with(&self, recovery: Option<VaultWrap>) -> Result<VaultHeader, Problem> {
        let others = self.header.wraps.iter().filter(|wrap| wrap.method != Method::Recovery);
        let wraps = others.cloned().chain(recovery).collect();
        Ok(VaultHeader {
            wraps: List::new(wraps).map_err(internal)?,
            ..self.header.clone()
        })
    }
}

impl LogDraft {
    fn commit(&mut self, ik: &PrivateKey, rev: u64, hash: [u8; 32], now_ms: u64) -> Result<(), Problem> {
        if rev <= self.log.view().vault_rev {
            return Ok(());
        }
        let dk_id = None;
        self.add(ik, UserBody::VaultCommit { rev, hash, dk_id }, now_ms)
    }
}

impl<K> Entering<K> {
    /// Another password and everything that hangs on it: both vault keys, the KEM key, all items sealed anew under new ids.
    /// `recovery` stays good; without it there is none afterwards, since nothing else can make its wrap.
    pub(super) fn rekey<S: Suite>(
        &self,
        unlocked: Unlocked,
        mut draft: LogDraft,
        dvk: &DayVaultKey,
        password: &Zeroizing<String>,
        recovery: Option<&RecoveryKey>,
        ctx: &mut Ctx<'_, S>,
    ) -> Result<Renewal, Problem> {
        let user_id = *unlocked.log.user_id();
        // What this version cannot read it would lose.
        if !unlocked.vault.knows_all() {
            return Err(Problem::OldPage);
        }
        let base = unlocked.vault.base().ok_or_else(|| lied("the vault"))?;
        let (salt, root) = self.new_root(password, ctx)?;
        let ak = root.sign_in_key(&self.realm);
        let vault_key = VaultKey::make(ctx.rng);
        let vk_gen = unlocked.header.vk_gen.checked_add(1).ok_or_else(|| lied("the vault"))?;
        let mut keks = vec![(Method::Password, root.vault_wrap_key(&user_id))];
        keks.extend(recovery.map(|key| (Method::Recovery, key.vault_wrap_key(&user_id))));
        let wraps = keks
            .into_iter()
            .map(|(method, kek)| wrap_vault_key(ctx.rng, &kek, &user_id, method, vk_gen, &vault_key))
            .collect::<Result<Vec<VaultWrap>, _>>()
            .map_err(internal)?;
        let header = VaultHeader {
            user_id,
            vk_gen,
            wraps: List::new(wraps).map_err(internal)?,
        };

        let (g, kk) = draft.rotate_kem(&unlocked.ik, ctx)?;
        let mut vault = unlocked.vault;
        vault.kem.insert(g, kk);
        let root_items = root_items(&unlocked.ik, dvk);
        let day_items = vault.day_items(&unlocked.dvk);
        let mut items: Vec<VaultItem> = (root_items.iter().map(|item| (item, vault_key.expose())))
            .chain(day_items.iter().map(|item| (item, dvk.expose())))
            .map(|((name, plain), key)| first_item(ctx.rng, name, key, &user_id, plain))
            .collect();
        let counter = vault.manifest.counter + 1;
        let (manifest, listing) = first_manifest(ctx.rng, dvk, &user_id, counter, &mut items);
        draft.commit(&unlocked.ik, manifest.counter, manifest.hash, ctx.now_ms)?;

        let entries = (draft.entries.iter())
            .map(|entry| Bytes::new(entry.0.clone()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(internal)?;
        let handle = match &self.goal {
            Goal::Keep { handle, .. } => Some(text(handle)?),
            _ => None,
        };
        let change = KeyChange {
            realm: text(&self.realm)?,
            user_id,
            handle,
            base,
            salt,
            profile: Profile::NEWEST.number(),
            ak: ak.public(),
            recovery: recovery.map(|key| key.sign_in_key(&self.realm).public()),
            vault_header: Bytes::new(header.to_bytes()).map_err(internal)?,
            items: List::new(put_records(&items)?).map_err(internal)?,
            entries: List::new(entries).map_err(internal)?,
        }
        .to_bytes();
        let request = Request::Rekey(Rekey {
            ak_sig: B64(ak.sign(Label::Rekey, &change).to_vec()),
            ik_sig: B64(unlocked.ik.sign(Label::Rekey, &change).to_vec()),
            change: B64(change),
        });
        Ok(Renewal {
            request,
            vault: vault.renewed(unlocked.dvk, manifest, listing),
            entries: draft.entries,
        })
    }

    /// What tells the relay of a recovery key, or that there is none.
    fn recovery_change(
        &self,
        unlocked: &Unlocked,
        key: Option<(&RecoveryKey, VaultWrap)>,
    ) -> Result<SetRecovery, Problem> {
        let recovery = key.as_ref().map(|(key, _)| key.sign_in_key(&self.realm).public());
        let header = unlocked.header_with(key.map(|(_, wrap)| wrap))?;
        let change = RecoveryChange {
            realm: text(&self.realm)?,
            user_id: *unlocked.log.user_id(),
            recovery,
            vault_header: Bytes::new(header.to_bytes()).map_err(internal)?,
        }
        .to_bytes();
        Ok(SetRecovery {
            ik_sig: B64(unlocked.ik.sign(Label::RecoveryChange, &change).to_vec()),
            change: B64(change),
        })
    }
}

impl<S: Suite> Engine<S> {
    /// Signed in already, and the vault is open: does what the password was typed for.
    pub(super) async fn with_identity(
        &mut self,
        mut entering: Box<Entering<S::DeviceKey>>,
        unlocked: Unlocked,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let me = self.me()?;
        let token = unlocked.token.clone();
        let (request, stage) = match &entering.goal {
            Goal::ChangePassword { new } | Goal::Keep { new, .. } => {
                let dvk = DayVaultKey::make(ctx.rng);
                let draft = LogDraft::new(unlocked.log.clone());
                let mut log = unlocked.raw_log.clone();
                let recovery_key_gone = has_recovery(&unlocked.header);
                let renewal = entering.rekey(unlocked, draft, &dvk, new, None, ctx)?;
                log.entries.extend(renewal.entries);
                entering.new_handle().clone_into(&mut log.handle);
                let ready = Ready {
                    user_id: me.user_id,
                    key: me.key.clone(),
                    dk_id: me.dk_id,
                    dvk,
                    vault: renewal.vault,
                    log,
                    grant: token.clone(),
                    recovery_key_gone,
                };
                self.ending = Ending::Expected;
                entering.again = Some(renewal.request.clone());
                (renewal.request, Stage::Adding(Box::new(ready)))
            }
            Goal::RevokeDevice(device) => {
                let (request, revoking) = revoke(unlocked, *device, ctx)?;
                (request, Stage::Revoking(Box::new(revoking)))
            }
            Goal::MakeRecoveryKey => return self.offer_recovery_key(&entering, &unlocked, ctx, out),
            Goal::RemoveRecoveryKey => {
                let request = Request::SetRecovery(entering.recovery_change(&unlocked, None)?);
                (request, Stage::Removing)
            }
            Goal::Delete => return self.begin_to_depart(entering, unlocked, ctx, out).await,
            Goal::SignUp { .. } | Goal::SignIn { .. } | Goal::Unlock | Goal::Recover { .. } | Goal::Reset { .. } => {
                return Err(Problem::Internal("not from here".into()));
            }
        };
        entering.stage = stage;
        self.ask_as(Some(token), request, Pending::Enter(entering), out);
        Ok(())
    }

    /// A new session under new keys: everything this browser has stays, and is sealed anew.
    pub(super) async fn renewed(
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
        let me = self.me.as_mut().ok_or(Problem::SignedOut)?;
        let mut vault = ready.vault;
        me.vault.hand_over(&mut vault);
        (me.vault, me.dvk, me.token) = (vault, ready.dvk, token);
        if let Goal::Keep { handle, .. } = &entering.goal {
            me.handle.clone_from(handle);
            me.guest = None;
        }
        out.extend(me.keep(&entering.realm));
        let saved = std::iter::once(me.save_keys()).chain(self.people.record(&ready.user_id));
        out.push(Effect::Save(saved.collect()));
        // What was asked in the old session may still be answered with its end.
        self.outlived = self.pending.keys().copied().collect();
        self.ending = Ending::UntilConnected;
        self.line_is_cut();
        self.tries = 0;
        self.connect(out);
        if ready.recovery_key_gone {
            out.push(Effect::Show(Change::RecoveryKey(false)));
        }
        self.show_person(&ready.user_id, out);
        out.push(Effect::Answer {
            id: entering.command,
            result: Ok(Outcome::PasswordChanged {
                recovery_key_gone: ready.recovery_key_gone,
            }),
        });
        Ok(())
    }

    /// The relay has taken a browser's key away and has our new KEM key.
    pub(super) async fn revoked(
        &mut self,
        command: u32,
        revoking: Revoking,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let Revoking { token, log, puts, kem } = revoking;
        let realm = self.realm.clone().unwrap_or_default();
        self.people
            .learn(&log, None, &realm, ctx.suite)
            .await
            .map_err(|_| lied("the log of this account"))?;
        let me = self.me.as_mut().ok_or(Problem::SignedOut)?;
        me.vault.was_put(puts, Some(kem));
        let saved = std::iter::once(me.save_keys()).chain(self.people.record(&log.user_id));
        out.push(Effect::Save(saved.collect()));
        self.ask_as(Some(token), Request::SessionEnd(SessionEnd {}), Pending::Ignore, out);
        self.people_grew(&BTreeSet::from([log.user_id]), ctx, out).await;
        out.push(Effect::Answer {
            id: command,
            result: Ok(Outcome::Done),
        });
        Ok(())
    }

    // --- Recovery key --------------------------------------------------------------------------------------------------

    fn offer_recovery_key(
        &mut self,
        entering: &Entering<S::DeviceKey>,
        unlocked: &Unlocked,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let key = RecoveryKey::make(ctx.rng);
        let user_id = *unlocked.log.user_id();
        let kek = key.vault_wrap_key(&user_id);
        let generation = unlocked.header.vk_gen;
        let wrap = wrap_vault_key(
            ctx.rng,
            &kek,
            &user_id,
            Method::Recovery,
            generation,
            &unlocked.vault_key,
        )
        .map_err(internal)?;
        let request = entering.recovery_change(unlocked, Some((&key, wrap)))?;
        let groups = key.groups();
        // Two different ones, in order; a little bias does no harm, what is asked for is no secret.
        let first = ctx.rng.next_u32() as usize % GROUPS;
        let second = (first + 1 + ctx.rng.next_u32() as usize % (GROUPS - 1)) % GROUPS;
        let ask = [first.min(second), first.max(second)];
        self.offered = Some(Offered {
            asked: ask.map(|at| groups[at].clone()),
            grant: unlocked.token.clone(),
            request,
        });
        out.push(Effect::Answer {
            id: entering.command,
            result: Ok(Outcome::RecoveryKey {
                groups: groups.iter().map(|group| group.to_string()).collect(),
                ask: ask.map(|at| at as u8),
            }),
        });
        Ok(())
    }

    pub(super) fn confirm_recovery_key(
        &mut self,
        command: u32,
        groups: &[String; 2],
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.me()?;
        let offered = self.offered.as_ref().ok_or(Problem::TookTooLong)?;
        let fits = |(typed, asked): (&String, &Zeroizing<String>)| tidy(typed) == *asked;
        if !groups.iter().zip(&offered.asked).all(fits) {
            return Err(Problem::WrongGroups);
        }
        let (grant, request) = (offered.grant.clone(), offered.request.clone());
        self.ask_as(
            Some(grant),
            Request::SetRecovery(request),
            Pending::Recovery { command },
            out,
        );
        Ok(None)
    }

    /// The relay has the recovery key, or has it no longer.
    pub(super) fn recovery_was_set(
        &mut self,
        command: u32,
        there: bool,
        result: Result<(), Failure>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let result = match result {
            Ok(()) => {
                out.push(Effect::Show(Change::RecoveryKey(there)));
                Ok(Outcome::Done)
            }
            Err(failure) if failure.is(ErrorCode::NotSignedIn) => Err(Problem::TookTooLong),
            Err(failure) => Err(failure.problem()),
        };
        // Without an answer it may be tried again.
        if result != Err(Problem::Offline) {
            self.offered = None;
        }
        out.push(Effect::Answer { id: command, result });
    }

    // --- The end -------------------------------------------------------------------------------------------------------

    /// Leaves the groups first: afterwards nobody can speak for this account.
    async fn begin_to_depart(
        &mut self,
        entering: Box<Entering<S::DeviceKey>>,
        unlocked: Unlocked,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let me = self.me()?.user_id;
        let mut draft = LogDraft::new(unlocked.log);
        draft.add(&unlocked.ik, UserBody::Close, ctx.now_ms)?;
        let groups: Vec<RoomId> = (self.rooms.iter())
            .filter(|(_, room)| room.state.kind != RoomKind::Direct && room.is_member(&me))
            .map(|(id, _)| *id)
            .collect();
        for id in &groups {
            self.intend(*id, Intent::new(What::Leave, None), ctx, out).await;
        }
        self.departing = Some(Departing {
            entering,
            grant: unlocked.token,
            close: UserLogAppend {
                entries: draft.entries,
                puts: Vec::new(),
            },
            groups,
        });
        Ok(())
    }

    /// Once no group is being left any more, the account is closed.
    pub(super) fn depart(&mut self, out: &mut Out<S::DeviceKey>) {
        let is_busy = |id: &RoomId| (self.rooms.get(id)).is_some_and(|room| room.appending || !room.intents.is_empty());
        if self
            .departing
            .as_ref()
            .is_none_or(|departing| departing.groups.iter().any(is_busy))
        {
            return;
        }
        let Some(departing) = self.departing.take() else { return };
        let me = self.my_id();
        let stuck = departing.groups.iter().filter_map(|id| self.rooms.get(id));
        let without_owner = stuck
            .filter(|room| me.is_some_and(|me| room.is_member(&me)))
            .map(|room| room.title.clone())
            .collect();
        let mut entering = departing.entering;
        entering.stage = Stage::Closing(without_owner);
        self.ending = Ending::Expected;
        let request = Request::UserLogAppend(departing.close);
        self.ask_as(Some(departing.grant), request, Pending::Enter(entering), out);
    }
}

/// Takes a device's key away and changes the KEM key, in one append.
fn revoke<S: Suite>(
    unlocked: Unlocked,
    dk_id: DeviceKeyId,
    ctx: &mut Ctx<'_, S>,
) -> Result<(Request, Revoking), Problem> {
    let mut draft = LogDraft::new(unlocked.log.clone());
    if unlocked.log.view().active_device(&dk_id).is_some() {
        draft.add(&unlocked.ik, UserBody::RevokeDevice { dk_id }, ctx.now_ms)?;
    }
    let (puts, kem) = unlocked.renew_kem(&mut draft, ctx)?;
    draft.commit(&unlocked.ik, puts.manifest.counter, puts.manifest.hash, ctx.now_ms)?;
    let mut log: UserLogBody = unlocked.raw_log;
    log.entries.extend(draft.entries.iter().cloned());
    let request = Request::UserLogAppend(UserLogAppend {
        entries: draft.entries,
        puts: puts.items.clone(),
    });
    let token = unlocked.token;
    Ok((request, Revoking { token, log, puts, kem }))
}

fn has_recovery(header: &VaultHeader) -> bool {
    header.wraps.iter().any(|wrap| wrap.method == Method::Recovery)
}
