//! Invites: made and taken back, opened and followed, and the room key handed to whoever came by one.
//!
//! ```text
//!  OpenLink ─▶ Visit: the room's log by proof of the link ─▶ every user log it names ─▶ verified ─▶ Preview
//!  Join ─▶ one entry on that log ─▶ the relay ─▶ any member who is online wraps the key
//! ```
//!
//! The link names the room by the hash of its genesis and a person by their id, so nobody can answer with another.

use std::collections::BTreeSet;

use rand::CryptoRng;
use sotto_shared::api::B64;
use sotto_shared::api::body::{InviteOpen, InviteProof, RoomAppend, RoomLogReply, UserFind, UserLogBody, WrapsPut};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::codec::{Bytes, Codec, Text};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::secret::InviteSecret;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{ChannelId, InviteId, RoomId, UserId};
use sotto_shared::link::{InviteCard, Link, invite_key, open_card, seal_card};
use sotto_shared::log::room_log::{
    Invite, JoinMode, Role, RoomBody, RoomEntry, RoomState, invite_id, join_bytes, room_id,
};
use sotto_shared::log::standing::InviteStanding;

use super::account::{internal, lied};
use super::ask::{Failure, Pending, Request};
use super::epochs::wrap_for;
use super::intents::{Intent, What, tidy_name};
use super::peek::over;
use super::people::{People, mark};
use super::rooms::{Room, people_named, verify_entries};
use super::sync::{LOG_TRIES, retry};
use super::{Ctx, Effect, Engine, Out};
use crate::view::{self, InvitePreview, Invites, Outcome, Over, Problem};

/// Times a Join is made again because somebody was faster.
const MAX_TRIES: u32 = 12;

/// An invite to be made.
pub(crate) struct Terms {
    secret: InviteSecret,
    role: Role,
    max_uses: u32,
    expires: u64,
    mode: JoinMode,
}

impl Terms {
    pub fn new(
        role: u8,
        max_uses: u32,
        expires: u64,
        approval: bool,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, Problem> {
        Ok(Self {
            secret: InviteSecret::make(rng),
            role: Role::from_number(role).ok_or(Problem::NotAllowed)?,
            max_uses,
            expires,
            mode: if approval { JoinMode::Approval } else { JoinMode::Member },
        })
    }

    pub fn link(&self, room_id: RoomId) -> String {
        let secret = InviteSecret::from_bytes(*self.secret.expose());
        Link::Invite { room_id, secret }.to_string()
    }

    pub fn body(&self, room: RoomId, title: &str, rng: &mut dyn CryptoRng) -> Result<RoomBody, Problem> {
        let inv_pk = invite_key(&self.secret, &room).public();
        let invite_id = invite_id(&inv_pk);
        let card = InviteCard {
            // A title that somebody made too long is left out.
            title: Text::new(title).unwrap_or_default(),
        };
        let card = seal_card(rng, &self.secret, &room, &invite_id, &card);
        Ok(RoomBody::CreateInvite {
            invite_id,
            inv_pk,
            role: self.role,
            max_uses: self.max_uses,
            expires: self.expires,
            mode: self.mode,
            card: Bytes::new(card).map_err(internal)?,
        })
    }
}

/// A room that a link led to.
pub(crate) struct Visit {
    /// Who waits: opening the link, then joining. `None` in between.
    command: Option<u32>,
    joins: bool,
    secret: InviteSecret,
    /// The log as it came, the genesis first.
    blobs: Vec<SignedBlob>,
    /// The room as far as its log was verified.
    state: Option<RoomState>,
    /// Whom it names, while user logs of theirs are on the way.
    waits: Option<BTreeSet<UserId>>,
    logs_wanted: u32,
    tries: u32,
    sent: Option<SignedBlob>,
}

fn shown(id: InviteId, invite: &Invite) -> view::Invite {
    view::Invite {
        id,
        by: invite.by,
        role: invite.role.number(),
        uses: invite.uses,
        max_uses: invite.max_uses,
        expires_ms: invite.expires,
        approval: invite.mode == JoinMode::Approval,
    }
}

impl Room {
    /// Came after the newest room key was made, so that it was not wrapped for them.
    fn is_new(&self, user: &UserId) -> bool {
        let keyed = self.state.epoch().map_or(0, |epoch| epoch.seq);
        let member = self.state.members.get(user);
        member.is_some_and(|member| member.since > keyed)
    }

    /// Came since the newest room key was made, by an invite that is over by this clock: the entry's own time may be a lie,
    /// so nobody hands them that key.
    pub(super) fn came_late(&self, user: &UserId, now_ms: u64) -> bool {
        let since = self.state.members.get(user).map(|member| member.since);
        let came = self.events.iter().rev().find(|event| Some(event.seq) == since);
        match came.map(|event| &event.body) {
            Some(RoomBody::Join { invite_id, .. }) if self.is_new(user) => {
                let invite = self.state.invites.get(invite_id);
                invite.is_none_or(|invite| now_ms > invite.expires)
            }
            _ => false,
        }
    }
}

impl<S: Suite> Engine<S> {
    // --- By members ------------------------------------------------------------------------------------------------------

    pub(super) async fn create_invite(
        &mut self,
        command: u32,
        room: RoomId,
        terms: Terms,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.open_room(room)?;
        let intent = Intent::new(What::Invite(terms), Some(command));
        self.intend(room, intent, ctx, out).await;
        Ok(None)
    }

    pub(super) async fn revoke_invite(
        &mut self,
        command: u32,
        room: RoomId,
        invite: InviteId,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.open_room(room)?;
        let intent = Intent::new(What::Revoke(invite), Some(command));
        self.intend(room, intent, ctx, out).await;
        Ok(None)
    }

    pub(super) async fn admit(
        &mut self,
        command: u32,
        room: RoomId,
        user: UserId,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        if !self.open_room(room)?.state.requests.contains_key(&user) {
            return Err(Problem::NotAllowed);
        }
        let intent = Intent::new(What::Add(vec![user]), Some(command));
        self.intend(room, intent, ctx, out).await;
        Ok(None)
    }

    pub(super) fn list_invites(&self, room: RoomId, now_ms: u64) -> Result<Outcome, Problem> {
        let state = &self.open_room(room)?.state;
        let open = state.invites.iter().filter(|(_, invite)| invite.is_open(now_ms));
        Ok(Outcome::Invites(Invites {
            open: open.map(|(id, invite)| shown(*id, invite)).collect(),
            requests: state.requests.keys().copied().collect(),
        }))
    }

    /// Who came by an invite since the newest room key was made, if the invite holds by this clock too.
    pub(super) fn note_newcomers(&mut self, id: RoomId, first_new: usize, now_ms: u64) {
        let me = self.my_id();
        let Some(room) = self.rooms.get_mut(&id) else { return };
        for event in room.events.get(first_new..).unwrap_or_default() {
            let came = matches!(event.body, RoomBody::Join { .. }) && room.is_new(&event.actor);
            if came && me != Some(event.actor) && !room.came_late(&event.actor, now_ms) {
                room.newcomers.insert(event.actor);
            }
        }
    }

    /// Wraps the room key for newcomers. Several members may do so at once: the relay keeps the first wrap of each.
    pub(super) async fn hand_over(&mut self, id: RoomId, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        // A key made since was wrapped for them with it.
        let mut newcomers = std::mem::take(&mut room.newcomers);
        newcomers.retain(|user| room.is_new(user));
        room.newcomers = newcomers;
        if room.newcomers.is_empty() || !self.online {
            return;
        }
        let (Ok(room), Ok(me)) = (self.open_room(id), self.me()) else {
            return;
        };
        if room.state.rotation_due {
            // What they get is the next key: with it comes a wrap for everybody.
            self.intend(id, Intent::new(What::Prepare, None), ctx, out).await;
            return;
        }
        let Some(secret) = room.keys.get(&room.state.epoch_number()) else {
            return;
        };
        if !room.state.may_post(&me.user_id, &me.dk_id) {
            return;
        }
        let users: Vec<UserId> = room.newcomers.iter().copied().collect();
        let Ok(wraps) = wrap_for(&room.state, &ChannelId::MAIN, &users, secret, ctx).await else {
            return;
        };
        if let Some(room) = self.rooms.get_mut(&id) {
            room.newcomers.clear();
        }
        let request = Request::WrapsPut(WrapsPut { room_id: id, wraps });
        self.ask(request, Pending::HandOver { room: id, users }, out);
    }

    pub(super) fn handed_over(
        &mut self,
        id: RoomId,
        users: Vec<UserId>,
        result: Result<(), Failure>,
        out: &mut Out<S::DeviceKey>,
    ) {
        // What the relay refuses it refuses again; a log that comes meanwhile tells more.
        if let (Err(failure @ Failure::Offline), Some(room)) = (&result, self.rooms.get_mut(&id)) {
            room.newcomers.extend(users);
            retry(failure, out);
        }
    }

    // --- By whoever has a link ---------------------------------------------------------------------------------------------

    pub(super) fn open_link(
        &mut self,
        command: u32,
        link: &str,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let me = self.me()?.user_id;
        match link.trim().parse::<Link>().map_err(|_| Problem::BadLink)? {
            Link::Contact { user_id, handle } => {
                let request = Request::UserFind(UserFind { handle: handle.clone() });
                let pending = Pending::Contact {
                    command,
                    user: user_id,
                    handle,
                };
                self.ask(request, pending, out);
            }
            Link::Invite { room_id, secret } => {
                if self.rooms.get(&room_id).is_some_and(|room| room.is_member(&me)) {
                    return Ok(Some(Outcome::Room(room_id)));
                }
                let visit = Visit {
                    command: Some(command),
                    joins: false,
                    secret,
                    blobs: Vec::new(),
                    state: None,
                    waits: None,
                    logs_wanted: 0,
                    tries: 0,
                    sent: None,
                };
                self.end_visit(room_id, Err(Problem::BadLink), out);
                self.visits.insert(room_id, visit);
                self.visit(room_id, out).inspect_err(|_| {
                    self.visits.remove(&room_id);
                })?;
            }
        }
        Ok(None)
    }

    pub(super) async fn contact_came(
        &mut self,
        command: u32,
        user: UserId,
        handle: &str,
        result: Result<UserLogBody, Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let result = match result {
            Ok(body) if body.user_id != user => Err(Problem::OtherPerson(handle.to_owned())),
            Ok(body) if body.handle != handle => Err(Problem::ServerLied(format!("the keys of {handle}"))),
            Ok(body) => self.learn_log_of(&body, ctx, out).await.and_then(|()| {
                let person = self.person(&user).map(Outcome::Person);
                person.ok_or_else(|| Problem::UnknownHandle(handle.to_owned()))
            }),
            Err(failure) if failure.is(ErrorCode::NotFound) => Err(Problem::UnknownHandle(handle.to_owned())),
            Err(failure) => Err(failure.problem()),
        };
        out.push(Effect::Answer { id: command, result });
    }

    /// Asks for what there is of the log behind what is here.
    fn visit(&mut self, id: RoomId, out: &mut Out<S::DeviceKey>) -> Result<(), Problem> {
        let user_id = self.me()?.user_id;
        let realm = self.realm.clone().unwrap_or_default();
        let Some(visit) = self.visits.get(&id) else {
            return Ok(());
        };
        let key = invite_key(&visit.secret, &id);
        let invite_id = invite_id(&key.public());
        let proof = InviteProof {
            realm: Text::new(realm).map_err(internal)?,
            room_id: id,
            invite_id,
            user_id,
        };
        let from = visit.blobs.len() as u64;
        let request = Request::InviteOpen(InviteOpen {
            room_id: id,
            invite_id,
            sig: B64(key.sign(Label::InviteOpen, &proof.to_bytes()).to_vec()),
            from_seq: from,
        });
        self.ask(request, Pending::Visit { room: id, from }, out);
        Ok(())
    }

    fn end_visit(&mut self, id: RoomId, result: Result<Outcome, Problem>, out: &mut Out<S::DeviceKey>) {
        if let Some(command) = self.visits.remove(&id).and_then(|visit| visit.command) {
            out.push(Effect::Answer { id: command, result });
        }
    }

    /// The relay does not let us in, and may say why.
    fn visit_refused(&mut self, id: RoomId, out: &mut Out<S::DeviceKey>) {
        // What was read of the room before one was taken out says so.
        let banned = (self.my_id().zip(self.rooms.get(&id)))
            .is_some_and(|(me, room)| room.state.former.get(&me).is_some_and(|former| former.banned));
        if banned {
            self.end_visit(id, Err(Problem::InviteOver(Over::Banned)), out);
        } else if let Some(visit) = self.visits.remove(&id)
            && let Some(command) = visit.command
        {
            self.ask_why_refused(command, id, visit.secret, out);
        }
    }

    pub(super) async fn visited(
        &mut self,
        id: RoomId,
        from: u64,
        result: Result<RoomLogReply, Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        // An answer to a link that was opened before this one is nobody's.
        let asked = |visit: &&mut Visit| visit.blobs.len() as u64 == from;
        let Some(visit) = self.visits.get_mut(&id).filter(asked) else {
            return;
        };
        let reply = match result {
            Ok(reply) => reply,
            Err(failure) => {
                if failure.is(ErrorCode::NotFound) {
                    self.visit_refused(id, out);
                } else {
                    self.end_visit(id, Err(failure.problem()), out);
                }
                return;
            }
        };
        let blobs: Result<Vec<SignedBlob>, _> = (reply.entries.iter())
            .map(|raw| SignedBlob::from_bytes(&raw.0))
            .collect();
        let Ok(blobs) = blobs else {
            self.end_visit(id, Err(lied("the room behind this link")), out);
            return;
        };
        let none = blobs.is_empty();
        visit.blobs.extend(blobs);
        // Whose genesis this is, is seen before anything more is asked for.
        let is_this_room = visit.blobs.first().is_some_and(|genesis| room_id(&genesis.body) == id);
        let more = (visit.blobs.len() as u64) <= reply.seq;
        if !is_this_room || (more && none) {
            self.end_visit(id, Err(lied("the room behind this link")), out);
        } else if more {
            if let Err(problem) = self.visit(id, out) {
                self.end_visit(id, Err(problem), out);
            }
        } else {
            self.read_visit(id, ctx, out).await;
        }
    }

    /// User logs came: visits that waited for them go on.
    pub(super) async fn visits_go_on(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let waiting: Vec<RoomId> = (self.visits.iter())
            .filter(|(_, visit)| {
                visit
                    .waits
                    .as_ref()
                    .is_some_and(|named| !self.fetches_log_of(|user| named.contains(user)))
            })
            .map(|(id, _)| *id)
            .collect();
        for id in waiting {
            let Some(visit) = self.visits.get(&id) else { continue };
            let missing = self.missing_logs(&visit.blobs);
            let Some(visit) = self.visits.get_mut(&id) else {
                continue;
            };
            visit.logs_wanted += u32::from(!missing.is_empty());
            if visit.logs_wanted > LOG_TRIES {
                self.end_visit(id, Err(lied("the people behind this link")), out);
            } else {
                self.read_visit(id, ctx, out).await;
            }
        }
    }

    /// Verifies what is here of the log, once every user log it names is. The first that does not hold ends the visit:
    /// there is nothing of this room to be kept.
    async fn read_visit(&mut self, id: RoomId, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let Some(visit) = self.visits.get(&id) else { return };
        let missing = self.missing_logs(&visit.blobs);
        for user in &missing {
            self.fetch_log(*user);
        }
        let Some(visit) = self.visits.get_mut(&id) else { return };
        visit.waits = (!missing.is_empty()).then(|| people_named(&visit.blobs));
        if visit.waits.is_some() {
            return;
        }
        let state = verify_visit(&id, visit, &self.people, ctx.suite).await;
        let Some(state) = state else {
            self.end_visit(id, Err(lied("the room behind this link")), out);
            return;
        };
        let answer = self.preview(&state, ctx.now_ms);
        let Some(visit) = self.visits.get_mut(&id) else { return };
        visit.state = Some(state);
        match answer {
            Err(problem) => self.end_visit(id, Err(problem), out),
            Ok(_) if visit.joins => {
                if let Err(problem) = self.send_join(id, ctx, out).await {
                    self.end_visit(id, Err(problem), out);
                }
            }
            // It stays, for joining.
            Ok(preview) => {
                if let Some(command) = visit.command.take() {
                    out.push(Effect::Answer {
                        id: command,
                        result: Ok(Outcome::Preview(preview)),
                    });
                }
            }
        }
    }

    fn preview(&self, state: &RoomState, now_ms: u64) -> Result<InvitePreview, Problem> {
        let me = self.me()?.user_id;
        let visit = self.visits.get(&state.room_id).ok_or(Problem::BadLink)?;
        let id = invite_id(&invite_key(&visit.secret, &state.room_id).public());
        let asked = state.requests.contains_key(&me);
        let invite = state.invites.get(&id).ok_or(Problem::InviteOver(Over::Wrong))?;
        if state.former.get(&me).is_some_and(|former| former.banned) {
            return Err(Problem::InviteOver(Over::Banned));
        }
        if let Some(over) = over(InviteStanding::of(state, invite, now_ms)).filter(|_| !asked) {
            return Err(Problem::InviteOver(over));
        }
        let card = open_card(&visit.secret, &state.room_id, &id, invite.card.as_slice());
        Ok(InvitePreview {
            room: state.room_id,
            title: card.map(|card| tidy_name(card.title.as_str())).unwrap_or_default(),
            by: self.person(&invite.by),
            members: state.members.len() as u32,
            mark: mark(state.room_id.as_bytes()),
            invite: shown(id, invite),
            asked,
        })
    }

    pub(super) async fn join(
        &mut self,
        command: u32,
        id: RoomId,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.me()?;
        let visit = self.visits.get_mut(&id).filter(|visit| visit.command.is_none());
        let visit = visit.ok_or(Problem::BadLink)?;
        visit.command = Some(command);
        (visit.joins, visit.tries) = (true, 0);
        if let Err(problem) = self.send_join(id, ctx, out).await {
            self.end_visit(id, Err(problem), out);
        }
        Ok(None)
    }

    async fn send_join(
        &mut self,
        id: RoomId,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let me = self.me()?;
        let member = self.people.member_ref(&me.user_id).ok_or(Problem::SignedOut)?;
        let visit = self.visits.get(&id).ok_or(Problem::BadLink)?;
        let state = visit.state.as_ref().ok_or(Problem::BadLink)?;
        let key = invite_key(&visit.secret, &id);
        let invite_id = invite_id(&key.public());
        let mut nonce = [0; 16];
        ctx.rng.fill_bytes(&mut nonce);
        let inv_sig = key.sign(Label::Join, &join_bytes(&id, &invite_id, &me.user_id, &nonce));
        let entry = RoomEntry {
            room_id: id,
            seq: state.seq + 1,
            prev: state.head,
            ts: ctx.now_ms,
            actor: me.user_id,
            actor_dk: me.dk_id,
            body: RoomBody::Join {
                invite_id,
                member,
                nonce,
                inv_sig,
            },
        };
        let body = entry.to_bytes();
        let sig = ctx.suite.sign(&me.key, Label::RoomLog, &body).await.map_err(internal)?;
        let blob = SignedBlob { body, sig };
        state
            .extend(std::slice::from_ref(&blob), &self.people)
            .map_err(|_| Problem::InviteOver(Over::NotForYou))?;
        let request = Request::RoomAppend(RoomAppend {
            room_id: id,
            entries: vec![B64(blob.to_bytes())],
            wraps: Vec::new(),
        });
        if let Some(visit) = self.visits.get_mut(&id) {
            visit.sent = Some(blob);
        }
        self.ask(request, Pending::Join { room: id }, out);
        Ok(())
    }

    pub(super) async fn joined(
        &mut self,
        id: RoomId,
        result: Result<(), Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(visit) = self.visits.get_mut(&id) else { return };
        match result {
            Ok(()) => {
                let mut blobs = std::mem::take(&mut visit.blobs);
                blobs.extend(visit.sent.take());
                let key = invite_key(&visit.secret, &id).public();
                let mode = visit
                    .state
                    .as_ref()
                    .and_then(|state| state.invites.get(&invite_id(&key)));
                if mode.is_some_and(|invite| invite.mode == JoinMode::Approval) {
                    self.end_visit(id, Ok(Outcome::Asked), out);
                    return;
                }
                self.take_entries(id, 0, blobs, ctx, out).await;
                self.end_visit(id, Ok(Outcome::Room(id)), out);
            }
            // Somebody was faster.
            Err(failure) if failure.is(ErrorCode::StaleHead) && visit.tries < MAX_TRIES => {
                visit.tries += 1;
                if let Err(problem) = self.visit(id, out) {
                    self.end_visit(id, Err(problem), out);
                }
            }
            Err(failure) => {
                if failure.is(ErrorCode::InvalidEntry) || failure.is(ErrorCode::NotFound) {
                    self.visit_refused(id, out);
                } else {
                    self.end_visit(id, Err(failure.problem()), out);
                }
            }
        }
    }
}

/// The room at the end of what is here of its log, with every signature checked.
async fn verify_visit<S: Suite>(id: &RoomId, visit: &Visit, people: &People, suite: &S) -> Option<RoomState> {
    let (state, done) = match &visit.state {
        Some(state) => (state.clone(), state.seq as usize + 1),
        None => {
            let unproven = RoomState::begin(visit.blobs.first()?, id, people).ok()?;
            let verdicts = suite.verify_all(unproven.jobs()).await;
            (unproven.prove(&verdicts).ok()?, 1)
        }
    };
    let rest = visit.blobs.get(done..)?;
    match verify_entries(&state, rest, people, suite).await {
        (_, Some((state, _)), None) => Some(state),
        (_, None, None) if rest.is_empty() => Some(state),
        _ => None,
    }
}
