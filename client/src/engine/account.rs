//! The account that is signed in here: staying signed in, signing out.

use sotto_shared::api::body::*;
use sotto_shared::api::limits::{MAX_HANDLE_CHARS, is_handle};
use sotto_shared::crypto::secret::DayVaultKey;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{DeviceKeyId, UserId};
use zeroize::Zeroizing;

use super::ask::{Pending, Request};
use super::lock::Locked;
use super::record::{KeptAccount, Query};
use super::vault::Vault;
use super::{Effect, Ending, Engine, Failure, Out};
use crate::view::{Change, Outcome, Phase, Problem};

/// The account that is signed in here.
pub(crate) struct Me<K> {
    pub user_id: UserId,
    pub handle: String,
    pub dk_id: DeviceKeyId,
    pub key: K,
    pub token: String,
    /// This browser keeps it.
    pub stay: bool,
    /// The password of a guest, which this browser drew.
    pub guest: Option<Zeroizing<String>>,
    pub dvk: DayVaultKey,
    pub vault: Vault,
}

impl<S: Suite> Engine<S> {
    pub(super) fn nothing_kept(&mut self, out: &mut Out<S::DeviceKey>) {
        self.show_signed_out(out);
        // Its name stands beside the handle in the forms.
        self.ask_as(None, Request::Info(Info {}), Pending::Realm, out);
    }

    /// What this browser kept: paint from it at once, connect meanwhile.
    pub(super) fn resume(&mut self, account: &KeptAccount, key: S::DeviceKey) {
        self.realm = Some(account.realm.clone());
        self.me = Some(Me {
            user_id: account.user_id,
            handle: account.handle.clone(),
            dk_id: account.dk_id,
            key,
            token: account.token.clone(),
            stay: true,
            guest: account.guest.clone().map(Zeroizing::new),
            dvk: DayVaultKey::from_bytes(account.dvk),
            vault: Vault::default(),
        });
    }

    pub(super) fn load_base(&mut self, command: Option<u32>, out: &mut Out<S::DeviceKey>) {
        let id = self.remember(Pending::Base { command });
        let query = Query::Base { lane: self.lane };
        out.push(Effect::Load { id, query });
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
                stays: me.stay,
            })));
        }
    }

    pub(super) fn sign_out(&mut self, out: &mut Out<S::DeviceKey>) -> Result<Option<Outcome>, Problem> {
        if self.locked.take().is_some() {
            // Its session cannot be ended from here: what knows it is sealed.
            self.forget_everything(Effect::Wipe, out);
            return Ok(Some(Outcome::Done));
        }
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

    /// Whether a request went out in a session that ended at our own wish: that it is over is no news then.
    pub(super) fn is_of_an_ended_session(&mut self, request: u32) -> bool {
        self.outlived.remove(&request) || self.ending == Ending::Expected
    }

    /// Signed in, but what the relay brought is older than what this browser has verified: nothing is taken, what was kept
    /// stays sealed.
    pub(super) fn refuse_account(&mut self, command: u32, problem: Problem, out: &mut Out<S::DeviceKey>) {
        self.me = None;
        self.people = Default::default();
        out.push(Effect::Lock);
        self.show_signed_out(out);
        out.push(Effect::Answer {
            id: command,
            result: Err(problem),
        });
    }

    pub(super) fn show_signed_out(&self, out: &mut Out<S::DeviceKey>) {
        let phase = match &self.locked {
            Some(Locked { account, .. }) => Phase::Locked {
                handle: account.handle.clone(),
                realm: account.realm.clone(),
            },
            None => Phase::SignedOut {
                realm: self.realm.clone().unwrap_or_default(),
            },
        };
        out.push(Effect::Show(Change::Phase(phase)));
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

    pub(super) fn forget_everything(&mut self, store: Effect<S::DeviceKey>, out: &mut Out<S::DeviceKey>) {
        self.me = None;
        self.people = Default::default();
        self.rooms.clear();
        self.channels.clear();
        self.drafts.clear();
        self.arriving.clear();
        self.tasks.clear();
        self.creating.clear();
        self.visits.clear();
        self.quests.clear();
        self.cancelling.clear();
        self.pending.clear();
        self.departing = None;
        self.abandoned.append(&mut self.unanswered);
        self.offered = None;
        self.ending = Ending::No;
        self.outlived.clear();
        (self.shown, self.shown_thread) = (None, None);
        self.attention = Default::default();
        self.complaints.clear();
        self.dockets.clear();
        self.passing.forget();
        self.online = false;
        self.dialing = false;
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

/// As it is meant: spaces and capitals are slips of the keyboard.
pub(super) fn tidy_handle(handle: &str) -> Result<String, Problem> {
    let handle = handle.trim().trim_start_matches('@').to_ascii_lowercase();
    if handle.len() <= MAX_HANDLE_CHARS && is_handle(&handle) {
        Ok(handle)
    } else {
        Err(Problem::HandleMalformed)
    }
}

pub(super) fn lied(what: &str) -> Problem {
    Problem::ServerLied(what.to_owned())
}

pub(super) fn internal(error: impl std::fmt::Debug) -> Problem {
    Problem::Internal(format!("{error:?}"))
}
