//! Whom this account knows: verified user logs, handles, and what was pinned of them.

use std::collections::{BTreeMap, BTreeSet};

use sotto_shared::api::B64;
use sotto_shared::api::body::{UserFind, UserLogBody, UserLogFrom, UserLogsGet, UserLogsReply};
use sotto_shared::api::limits::{MAX_USERS_ASKED, is_guest, is_handle, is_own_handle};
use sotto_shared::codec::{Codec, Text};
use sotto_shared::crypto::hash::hash;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::UserId;
use sotto_shared::log::LogError;
use sotto_shared::log::room_log::{MemberRef, UserLogs};
use sotto_shared::log::user_log::UserLog;
use sotto_shared::safety::safety_number;
use sotto_shared::vault::{Pin, PinState};

use super::account::{internal, tidy_handle};
use super::ask::{Failure, Pending, Request};
use super::pictures::Told;
use super::profiles::Profile;
use super::record::{self, Key, PersonRecord, Record};
use super::rooms::Room;
use super::{Ctx, Effect, Engine, Out};
use crate::view::{Change, Found, Outcome, Person, Problem, Safety, Trust};

/// A person: their log, verified, and the bytes it came as.
struct Known {
    handle: String,
    log: UserLog,
    genesis: B64,
    entries: Vec<B64>,
    /// What they are called.
    profile: Option<Profile>,
    /// Which picture they have.
    picture: Option<Told>,
}

#[derive(Default)]
pub(crate) struct People {
    known: BTreeMap<UserId, Known>,
    /// Whose logs are asked for at the end of this step.
    wanted: BTreeSet<UserId>,
    /// Whose account is closed by the relay's word alone, said anew with every connection: nobody was there to sign it. It is
    /// shown and counted, and reports do not go there, which the relay could keep to itself anyway; nothing else hangs on it.
    closed: BTreeSet<UserId>,
}

impl UserLogs for People {
    fn user_log(&self, user: &UserId) -> Option<&UserLog> {
        self.log(user)
    }
}

/// A log from its genesis, or `base` with what follows it; every signature checked.
pub(crate) async fn verify_log<S: Suite>(
    body: &UserLogBody,
    base: Option<&UserLog>,
    realm: &str,
    suite: &S,
) -> Result<UserLog, LogError> {
    let blobs = body
        .entries
        .iter()
        .map(|raw| SignedBlob::from_bytes(&raw.0))
        .collect::<Result<Vec<_>, _>>()?;
    let start = match (&body.genesis, base) {
        (Some(genesis), _) => UserLog::begin(&genesis.0, &body.user_id, realm)?,
        (None, Some(base)) => base.clone(),
        (None, None) => return Err(LogError::WrongLog),
    };
    let unproven = start.extend(&blobs)?;
    let verdicts = suite.verify_all(unproven.jobs()).await;
    let log = unproven.prove(&verdicts).map_err(|_| LogError::Signature)?;
    // What was seen before must still be there: a log only grows.
    match base {
        Some(base) if log.at(base.seq()).map(|(head, _)| head) != Some(base.head()) => Err(LogError::UserLogMismatch),
        _ => Ok(log),
    }
}

impl People {
    pub fn log(&self, user: &UserId) -> Option<&UserLog> {
        self.known.get(user).map(|known| &known.log)
    }

    /// Whether somebody has no account any more.
    pub fn is_closed(&self, user: &UserId) -> bool {
        self.closed.contains(user) || self.log(user).is_some_and(|log| log.view().closed)
    }

    pub fn handle(&self, user: &UserId) -> Option<&str> {
        self.known.get(user).map(|known| known.handle.as_str())
    }

    pub fn ids(&self) -> impl Iterator<Item = &UserId> {
        self.known.keys()
    }

    /// The newest point of a person's log, as a room names it.
    pub fn member_ref(&self, user: &UserId) -> Option<MemberRef> {
        let log = self.log(user)?;
        Some(MemberRef {
            user_id: *user,
            ulog_seq: log.seq(),
            ulog_head: log.head(),
        })
    }

    /// Verifies and takes in a log. Says whether anything is new.
    pub async fn learn<S: Suite>(
        &mut self,
        body: &UserLogBody,
        pinned: Option<&Pin>,
        realm: &str,
        suite: &S,
    ) -> Result<bool, LogError> {
        let base = self.known.get(&body.user_id);
        let log = verify_log(body, base.map(|known| &known.log), realm, suite).await?;
        if let Some(pin) = pinned
            && log.at(pin.seq).map(|(head, _)| head) != Some(pin.head)
        {
            return Err(LogError::UserLogMismatch);
        }
        let is_new = base.is_none_or(|known| known.log.seq() != log.seq());
        match (self.known.get_mut(&body.user_id), &body.genesis) {
            (Some(known), None) => {
                if stays(&known.handle, &body.handle) {
                    known.handle.clone_from(&body.handle);
                }
                known.entries.extend(body.entries.iter().cloned());
                known.log = log;
            }
            (_, Some(genesis)) => {
                let handle = body.handle.clone();
                let entries = body.entries.clone();
                let before = self.known.get(&body.user_id);
                let profile = before.and_then(|known| known.profile.clone());
                let picture = before.and_then(|known| known.picture.clone());
                self.known.insert(
                    body.user_id,
                    Known {
                        handle,
                        log,
                        genesis: genesis.clone(),
                        entries,
                        profile,
                        picture,
                    },
                );
            }
            (None, None) => return Err(LogError::WrongLog),
        }
        Ok(is_new)
    }

    /// A log this browser verified before it sealed it: taken without checking signatures again. If the log is here already,
    /// it must go on where the kept one ends.
    pub fn restore(&mut self, record: PersonRecord, realm: &str) -> Result<(), LogError> {
        let blobs = record
            .entries
            .iter()
            .map(|raw| SignedBlob::from_bytes(&raw.0))
            .collect::<Result<Vec<_>, _>>()?;
        let start = UserLog::begin(&record.genesis.0, &record.user_id, realm)?;
        let unproven = start.extend(&blobs)?;
        let verdicts = vec![true; unproven.jobs().len()];
        let log = unproven.prove(&verdicts).map_err(|_| LogError::Signature)?;
        if let Some(known) = self.known.get(&record.user_id) {
            return match known.log.at(log.seq()) {
                Some((head, _)) if head == log.head() => Ok(()),
                _ => Err(LogError::UserLogMismatch),
            };
        }
        let known = Known {
            handle: record.handle,
            log,
            genesis: record.genesis,
            entries: record.entries,
            profile: record.profile,
            picture: record.picture,
        };
        self.known.insert(record.user_id, known);
        Ok(())
    }

    pub fn profile(&self, user: &UserId) -> Option<&Profile> {
        self.known.get(user)?.profile.as_ref()
    }

    /// Whether the person is known here, and so the profile was taken.
    pub fn take_profile(&mut self, user: &UserId, said: Profile) -> bool {
        let known = self.known.get_mut(user);
        known.map(|known| known.profile = Some(said)).is_some()
    }

    pub fn picture(&self, user: &UserId) -> Option<&Told> {
        self.known.get(user)?.picture.as_ref()
    }

    /// Whether the person is known here, and so it was taken.
    pub fn take_picture(&mut self, user: &UserId, told: Told) -> bool {
        let known = self.known.get_mut(user);
        known.map(|known| known.picture = Some(told)).is_some()
    }

    pub fn record(&self, user: &UserId) -> Option<Record> {
        let known = self.known.get(user)?;
        let record = PersonRecord {
            user_id: *user,
            handle: known.handle.clone(),
            genesis: known.genesis.clone(),
            entries: known.entries.clone(),
            profile: known.profile.clone(),
            picture: known.picture.clone(),
        };
        Some(record::save(Key::Person(*user), &record))
    }
}

/// Whether a guest has an own handle now.
fn stays(before: &str, now: &str) -> bool {
    is_guest(before) && is_own_handle(now)
}

/// The picture made from a key.
pub(crate) fn mark(bytes: &[u8]) -> [u8; 5] {
    let hash = hash(Label::Mark, &[bytes]);
    [hash[0], hash[1], hash[2], hash[3], hash[4]]
}

/// Rows of a QR code, `true` = dark.
pub(super) fn draw_code(bytes: &[u8]) -> Result<Vec<Vec<bool>>, Problem> {
    // Longer than any link; a code that holds more nobody can scan.
    if bytes.len() > 512 {
        return Err(Problem::TooLong { max: 512 });
    }
    let code = qrcode::QrCode::with_error_correction_level(bytes, qrcode::EcLevel::M).map_err(internal)?;
    let colours = code.to_colors();
    let rows = colours.chunks(code.width());
    Ok(rows
        .map(|row| row.iter().map(|c| *c == qrcode::Color::Dark).collect())
        .collect())
}

impl<S: Suite> Engine<S> {
    pub(super) fn person(&self, user: &UserId) -> Option<Person> {
        let known = self.people.known.get(user)?;
        let handle = if self.is_former(user) {
            // Somebody else has the handle now.
            format!("{} (before)", known.handle)
        } else if self.stands_for_another(&known.handle, user).is_some() {
            let which = if known.log.view().closed {
                "closed"
            } else {
                "another account"
            };
            format!("{} ({which})", known.handle)
        } else {
            known.handle.clone()
        };
        let (name, status) = self.profile(user);
        Some(Person {
            id: *user,
            handle,
            name,
            status,
            contact: self.contact(user),
            since: known.log.view().ik_since,
            mark: mark(known.log.view().ik.as_bytes()),
            picture: self.picture_id(user),
            trust: self.trust(user),
            is_me: self.my_id() == Some(*user),
            guest: is_guest(&known.handle),
            closed: self.people.is_closed(user),
        })
    }

    /// The relay says who has no account any more.
    pub(super) fn closed_came(&mut self, closed: Vec<UserId>, out: &mut Out<S::DeviceKey>) {
        let closed: BTreeSet<UserId> = closed.into_iter().collect();
        let before = std::mem::replace(&mut self.people.closed, closed);
        let news: Vec<UserId> = before.symmetric_difference(&self.people.closed).copied().collect();
        for user in &news {
            self.show_person(user, out);
        }
        self.show_rooms_of(&news, out);
    }

    /// The rooms that these people are in, with how many there are.
    pub(super) fn show_rooms_of(&self, users: &[UserId], out: &mut Out<S::DeviceKey>) {
        for (id, room) in &self.rooms {
            if users.iter().any(|user| room.is_member(user)) {
                self.show_rows_of(*id, out);
            }
        }
    }

    /// How many members of a room have an account.
    pub(super) fn count_members(&self, room: &Room) -> u32 {
        let members = room.state.members.iter();
        let here = members.filter(|(user, member)| !member.view.closed && !self.people.is_closed(user));
        here.count() as u32
    }

    /// Whether the person's handle was accepted to be another account's.
    pub(super) fn is_former(&self, user: &UserId) -> bool {
        let pin = self.me.as_ref().and_then(|me| me.vault.pins.get(user));
        pin.is_some_and(|(pin, _)| pin.handle.as_str().is_empty())
    }

    /// Remembers a contact when they are first met, and how far their log was whenever their keys change: from then on a
    /// relay can show neither somebody else under their handle nor an older log, in any browser of this account.
    pub(super) fn pin_contact(&mut self, user: UserId, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let (Some(me), Some(log)) = (&self.me, self.people.log(&user)) else {
            return;
        };
        if user == me.user_id {
            return;
        }
        let pin = match me.vault.pins.get(&user) {
            Some((pin, _)) => {
                let Some((_, then)) = log.at(pin.seq) else { return };
                let now = log.view();
                let is_news = log.seq() > pin.seq
                    && (now.ik != then.ik
                        || now.kem_g != then.kem_g
                        || now.revocations != then.revocations
                        || now.closed != then.closed);
                if !is_news {
                    return;
                }
                let handle = self.people.handle(&user).unwrap_or_default();
                let handle = stays(pin.handle.as_str(), handle)
                    .then(|| Text::new(handle).ok())
                    .flatten();
                Pin {
                    seq: log.seq(),
                    head: log.head(),
                    handle: handle.unwrap_or_else(|| pin.handle.clone()),
                    ..pin.clone()
                }
            }
            None => {
                let handle = self.people.handle(&user).unwrap_or_default();
                // Its name means somebody else until somebody says otherwise.
                if self.stands_for_another(handle, &user).is_some() {
                    return;
                }
                let Ok(handle) = Text::new(handle) else {
                    return;
                };
                Pin {
                    user_id: user,
                    handle,
                    seq: log.seq(),
                    head: log.head(),
                    ik_since: log.view().ik_since,
                    state: PinState::Unverified,
                }
            }
        };
        self.put_pin(pin, None, ctx, out);
    }

    /// Whose safety number was compared, or known to have changed: of nobody else can an identity stand in the way.
    pub(super) fn held_against(&self) -> impl Iterator<Item = &UserId> {
        let pins = self.me.iter().flat_map(|me| &me.vault.pins);
        let compared = pins.filter(|(_, (pin, _))| pin.state != PinState::Unverified);
        compared.map(|(user, _)| user)
    }

    /// What was compared, held against the identity key there is now.
    pub(super) fn trust(&self, user: &UserId) -> Trust {
        let pin = self
            .me
            .as_ref()
            .and_then(|me| me.vault.pins.get(user))
            .map(|(pin, _)| pin);
        let since = self.people.log(user).map(|log| log.view().ik_since);
        match (pin, since) {
            (Some(pin), Some(since)) if pin.state == PinState::Verified && pin.ik_since == since => Trust::Verified,
            (Some(pin), Some(_)) if pin.state == PinState::Verified => Trust::Changed,
            // Whatever key came since: it is theirs once somebody has compared again, or taken it as it is.
            (Some(pin), _) if pin.state == PinState::Changed => Trust::Differs,
            _ => Trust::Unverified,
        }
    }

    pub(super) fn show_people(&self, out: &mut Out<S::DeviceKey>) {
        for user in self.people.ids() {
            self.show_person(user, out);
        }
    }

    pub(super) fn show_person(&self, user: &UserId, out: &mut Out<S::DeviceKey>) {
        if let Some(person) = self.person(user) {
            out.push(Effect::Show(Change::Person(person)));
        }
    }

    pub(super) fn find_person(
        &mut self,
        command: u32,
        handle: &str,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.me()?;
        let handle = tidy_handle(handle)?;
        let request = Request::UserFind(UserFind { handle: handle.clone() });
        self.ask(request, Pending::Find { command, handle }, out);
        Ok(None)
    }

    /// A log came: verify, keep, show. A log that contradicts what was seen before is not taken, and said so.
    pub(super) async fn learn_log(
        &mut self,
        body: &UserLogBody,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let realm = self.realm.clone().unwrap_or_default();
        let pins = self.me.as_ref().map(|me| &me.vault.pins);
        let pin = pins
            .and_then(|pins| pins.get(&body.user_id))
            .map(|(pin, _)| pin.clone());
        let lie = Problem::ServerLied(format!("the keys of {}", body.handle));
        if !self.may_be_called(body) {
            return Err(lie);
        }
        match self.people.learn(body, pin.as_ref(), &realm, ctx.suite).await {
            Ok(_) => {
                out.push(Effect::Save(self.people.record(&body.user_id).into_iter().collect()));
                if pin.is_some() {
                    self.pin_contact(body.user_id, ctx, out);
                }
                self.show_handle(&body.handle, out);
                let me = self.my_id();
                // Whether one may write to them may hang on it, and to whoever is called the same.
                let is_called_so = |user: UserId| self.people.handle(&user) == Some(body.handle.as_str());
                for (id, room) in &self.rooms {
                    if room.is_member(&body.user_id) || me.and_then(|me| room.peer(&me)).is_some_and(is_called_so) {
                        self.show_rows_of(*id, out);
                    }
                }
                Ok(())
            }
            // Asked from a place that is not ours any more: the newest is asked for again when needed.
            Err(LogError::Sequence) => Ok(()),
            Err(_) => Err(lie),
        }
    }

    /// A log that came for a handle: as [`Engine::learn_log`], and whoever has the handle must be who had it before.
    pub(super) async fn learn_log_of(
        &mut self,
        body: &UserLogBody,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let Some(verified) = self.stands_for_another(&body.handle, &body.user_id) else {
            return self.learn_log(body, ctx, out).await;
        };
        // Only what holds up by itself can be accepted.
        let realm = self.realm.clone().unwrap_or_default();
        Err(match verify_log(body, None, &realm, ctx.suite).await {
            Ok(_) if self.may_be_called(body) => Problem::HandleMoved {
                handle: body.handle.clone(),
                now: body.user_id,
                verified,
            },
            _ => Problem::ServerLied(format!("the keys of {}", body.handle)),
        })
    }

    /// Whether somebody can have this handle: nobody's ever changes, but for that of a guest who stays, to one that is nobody's
    /// here.
    fn may_be_called(&self, body: &UserLogBody) -> bool {
        let (known, called) = (self.people.handle(&body.user_id), body.handle.as_str());
        let is_free = || self.stands_for_another(called, &body.user_id).is_none();
        is_handle(called) && known.is_none_or(|handle| handle == called || stays(handle, called) && is_free())
    }

    /// Everybody who is called so: what is behind the handle may be another word now.
    fn show_handle(&self, handle: &str, out: &mut Out<S::DeviceKey>) {
        for (user, _) in self.people.known.iter().filter(|(_, known)| known.handle == handle) {
            self.show_person(user, out);
        }
    }

    /// Whether a handle that is pinned, or known here, is another account's than `user`; and if so, whether that was verified.
    /// An account whose handle was given up knowingly does not count.
    pub(super) fn stands_for_another(&self, handle: &str, user: &UserId) -> Option<bool> {
        if self.is_former(user) {
            return None;
        }
        let mut pins = self.me.iter().flat_map(|me| me.vault.pins.values());
        let pinned = pins.find(|(pin, _)| pin.handle.as_str() == handle && pin.user_id != *user);
        let known = || {
            let mut known = self.people.known.iter();
            known.any(|(id, known)| known.handle == handle && id != user && !self.is_former(id))
        };
        match pinned {
            Some((pin, _)) => Some(pin.state != PinState::Unverified),
            // Whoever was pinned under it is meant by it.
            None if self.is_pinned(user) => None,
            None => known().then_some(false),
        }
    }

    fn is_pinned(&self, user: &UserId) -> bool {
        self.my_id() == Some(*user) || self.me.as_ref().is_some_and(|me| me.vault.pins.contains_key(user))
    }

    pub(super) fn accept_handle(
        &mut self,
        command: u32,
        handle: String,
        user: UserId,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.me()?;
        let request = Request::UserFind(UserFind { handle: handle.clone() });
        self.ask(request, Pending::Accept { command, handle, user }, out);
        Ok(None)
    }

    /// The account that a person accepted under a handle, once more from the relay.
    pub(super) async fn handle_accepted(
        &mut self,
        handle: &str,
        user: UserId,
        body: &UserLogBody,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Outcome, Problem> {
        let realm = self.realm.clone().unwrap_or_default();
        let lie = || Problem::ServerLied(format!("the keys of {handle}"));
        let holds = verify_log(body, None, &realm, ctx.suite).await.is_ok();
        if body.handle != handle || body.user_id != user || !holds {
            return Err(lie());
        }
        let pins = self.me.iter().flat_map(|me| me.vault.pins.values());
        let mut former: Vec<Pin> = pins
            .filter(|(pin, _)| pin.handle.as_str() == handle && pin.user_id != user)
            .map(|(pin, _)| pin.clone())
            .collect();
        for (id, known) in &self.people.known {
            if known.handle == handle && *id != user && !former.iter().any(|pin| pin.user_id == *id) {
                former.push(Pin {
                    user_id: *id,
                    handle: Text::default(),
                    seq: known.log.seq(),
                    head: known.log.head(),
                    ik_since: known.log.view().ik_since,
                    state: PinState::Unverified,
                });
            }
        }
        for mut pin in former {
            let id = pin.user_id;
            pin.handle = Text::default();
            self.put_pin(pin, None, ctx, out);
            self.show_person(&id, out);
        }
        self.learn_log(body, ctx, out).await?;
        self.pin_contact(user, ctx, out);
        self.refresh_standings(out);
        self.person(&user).map(Outcome::Person).ok_or_else(lie)
    }

    /// Asks for what is new of somebody's log, with whatever else this step wants of others.
    pub(super) fn fetch_log(&mut self, user: UserId) {
        if !self.log_requests().any(|users| users.contains(&user)) {
            self.people.wanted.insert(user);
        }
    }

    /// Whose logs are on their way, request by request, and whose are wanted.
    fn log_requests(&self) -> impl Iterator<Item = &BTreeSet<UserId>> {
        let asked = self.pending.values().filter_map(|pending| match pending {
            Pending::UserLogs { users } => Some(users),
            _ => None,
        });
        asked.chain([&self.people.wanted])
    }

    /// Whether the log of one of these is wanted, or on its way.
    pub(super) fn fetches_log_of(&self, is_one: impl Fn(&UserId) -> bool) -> bool {
        self.log_requests().flatten().any(is_one)
    }

    /// At the end of a step: the logs it wants, in as few requests as they fit in.
    pub(super) fn ask_for_logs(&mut self, out: &mut Out<S::DeviceKey>) {
        let wanted: Vec<UserId> = std::mem::take(&mut self.people.wanted).into_iter().collect();
        for some in wanted.chunks(MAX_USERS_ASKED) {
            let from = |user_id: &UserId| UserLogFrom {
                user_id: *user_id,
                from_seq: self.people.log(user_id).map_or(0, |log| log.seq() + 1),
            };
            let users = some.iter().map(from).collect();
            let pending = Pending::UserLogs {
                users: some.iter().copied().collect(),
            };
            self.ask(Request::UserLogsGet(UserLogsGet { users }), pending, out);
        }
    }

    pub(super) async fn logs_came(
        &mut self,
        mut users: BTreeSet<UserId>,
        result: Result<UserLogsReply, Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let logs = result.map(|answer| answer.logs).unwrap_or_default();
        let mut came = BTreeSet::new();
        for body in logs {
            let learnt = if users.remove(&body.user_id) {
                came.insert(body.user_id);
                self.learn_log(&body, ctx, out).await
            } else {
                Err(Problem::ServerLied("the keys of somebody else".into()))
            };
            if let Err(problem) = learnt {
                out.push(Effect::Show(Change::Notice(problem)));
            }
        }
        if came.is_empty() {
            // Asked for again by whatever needs them, but not at once and for ever.
            out.push(Effect::Wake {
                after_ms: super::rooms::RETRY_MS,
            });
            return;
        }
        // The answer had no room for the others.
        self.people.wanted.extend(users);
        self.people_grew(&came, ctx, out).await;
    }

    pub(super) fn show_safety(&self, user: UserId) -> Result<Outcome, Problem> {
        let me = self.me()?;
        let mine = self.people.log(&me.user_id).ok_or(Problem::SignedOut)?.view().ik;
        let view = self
            .people
            .log(&user)
            .ok_or_else(|| Problem::UnknownHandle(String::new()))?
            .view();
        let (theirs, since) = (view.ik, view.ik_since);
        let number = safety_number((&me.user_id, &mine), (&user, &theirs));
        let qr = draw_code(&number.qr)?;
        Ok(Outcome::Safety(Safety {
            user,
            groups: number.groups,
            since,
            qr,
            trust: self.trust(&user),
        }))
    }

    pub(super) fn compared(
        &mut self,
        command: u32,
        user: UserId,
        since: u64,
        found: Found,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let log = self
            .people
            .log(&user)
            .ok_or_else(|| Problem::UnknownHandle(String::new()))?;
        if log.view().ik_since != since {
            return Err(Problem::NumberChanged);
        }
        // A handle that was given up stays given up.
        let handle = if self.is_former(&user) {
            Text::default()
        } else {
            Text::new(self.people.handle(&user).unwrap_or_default()).map_err(internal)?
        };
        let pin = Pin {
            user_id: user,
            handle,
            seq: log.seq(),
            head: log.head(),
            ik_since: since,
            state: match found {
                Found::Same => PinState::Verified,
                Found::Different => PinState::Changed,
                Found::Nothing => PinState::Unverified,
            },
        };
        self.put_pin(pin, Some(command), ctx, out);
        self.show_person(&user, out);
        self.refresh_standings(out);
        Ok(None)
    }
}
