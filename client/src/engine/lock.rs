//! Locking: what this browser keeps stays, and the way into it is shut until the password is typed.
//!
//! ```text
//! lock    account ─sealed under a key from the day vault key─▶ Shut; the engine forgets everything else
//! unlock  password ─▶ prove ─▶ vault (`entering.rs`) ─▶ day vault key ─▶ the account as it was: same session, same device
//! ```
//!
//! Nothing that is kept while locked can be tried against a guessed password: the vault is with the relay, which counts tries.

use rand::CryptoRng;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::seal;
use sotto_shared::crypto::secret::{DayVaultKey, derive};
use sotto_shared::crypto::suite::Suite;
use zeroize::Zeroizing;

use super::account::internal;
use super::ask::Pending;
use super::entering::Goal;
use super::record::{Kept, KeptAccount, LockedAccount};
use super::{Ctx, Effect, Engine, Out};
use crate::view::{Outcome, Problem};

/// An account that waits for its password.
pub(crate) struct Locked<K> {
    pub account: LockedAccount,
    pub key: K,
}

impl<S: Suite> Engine<S> {
    pub(super) fn lock(
        &mut self,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        if self.locked.is_some() {
            return Ok(Some(Outcome::Done));
        }
        let me = self.me()?;
        if !me.stay {
            // Nothing is kept that one could come back to.
            return self.sign_out(out);
        }
        let (account, key) = (me.kept(self.realm.as_deref().unwrap_or_default()), me.key.clone());
        self.shut(&account, key, ctx, out)?;
        Ok(Some(Outcome::Done))
    }

    fn shut(
        &mut self,
        account: &KeptAccount,
        key: S::DeviceKey,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let account = LockedAccount::seal(account, ctx.rng)?;
        self.realm = Some(account.realm.clone());
        self.locked = Some(Locked {
            account: account.clone(),
            key,
        });
        self.forget_everything(Effect::Shut(account), out);
        Ok(())
    }

    /// What this browser kept, or that it keeps nothing.
    pub(super) fn restored(
        &mut self,
        kept: Option<(Kept, S::DeviceKey)>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        match kept {
            None => self.nothing_kept(out),
            Some((Kept::Locked(account), key)) => {
                self.realm = Some(account.realm.clone());
                self.locked = Some(Locked { account, key });
                self.show_signed_out(out);
            }
            Some((Kept::Open(account), key)) => {
                // A guest has no password to unlock with.
                if !self.overdue || account.guest.is_some() {
                    self.resume(&account, key);
                    self.load_base(None, out);
                } else if self.shut(&account, key, ctx, out).is_err() {
                    self.forget_everything(Effect::Lock, out);
                }
            }
        }
    }

    pub(super) fn unlock(
        &mut self,
        command: u32,
        password: String,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let locked = self.locked.as_ref().ok_or(Problem::SignedOut)?;
        if (self.pending.values()).any(|pending| matches!(pending, Pending::Enter(_))) {
            return Err(Problem::TooFast { retry_secs: 5 });
        }
        let handle = locked.account.handle.clone();
        self.enter_with_password(command, handle, password, Goal::Unlock, out)?;
        Ok(None)
    }

    /// With the day vault key out of the vault: goes on where this browser was locked. False: the account has another key by
    /// now, and with it no session of before, so that one signs in anew.
    pub(super) fn reopened(&mut self, command: u32, dvk: &DayVaultKey, out: &mut Out<S::DeviceKey>) -> bool {
        let Some(Locked { account, key }) = &self.locked else {
            return false;
        };
        let Some(kept) = account.open(dvk) else { return false };
        let key = key.clone();
        self.locked = None;
        self.resume(&kept, key);
        out.extend(self.me.as_ref().and_then(|me| me.keep(&kept.realm)));
        self.load_base(Some(command), out);
        true
    }
}

impl LockedAccount {
    fn seal<R: CryptoRng + ?Sized>(account: &KeptAccount, rng: &mut R) -> Result<Self, Problem> {
        let plain = Zeroizing::new(serde_json::to_vec(account).map_err(internal)?);
        let key = derive(&account.dvk, Label::LockKey, &[]);
        let context = context(&account.handle, &account.realm);
        Ok(Self {
            handle: account.handle.clone(),
            realm: account.realm.clone(),
            sealed: seal::seal(rng, key.expose(), &context, &plain),
        })
    }

    fn open(&self, dvk: &DayVaultKey) -> Option<KeptAccount> {
        let key = derive(dvk.expose(), Label::LockKey, &[]);
        let context = context(&self.handle, &self.realm);
        let plain = Zeroizing::new(seal::open(key.expose(), &context, &self.sealed).ok()?);
        let account: KeptAccount = serde_json::from_slice(&plain).ok()?;
        Some(account)
    }
}

fn context(handle: &str, realm: &str) -> Vec<u8> {
    seal::context(Label::Locked, &[realm.as_bytes(), handle.as_bytes()])
}
