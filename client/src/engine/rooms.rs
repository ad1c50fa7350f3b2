//! A room as this account knows it: its verified log and its keys.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use sotto_shared::api::B64;
use sotto_shared::api::body::{RoomHead, RoomLogGet, RoomLogReply, Wrap};
use sotto_shared::codec::{Bytes, Codec};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::secret::EpochSecret;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{ChannelId, Head, RoomId, UserId};
use sotto_shared::log::LogError;
use sotto_shared::log::room_log::{
    Event, MemberRef, Role, RoomBody, RoomEntry, RoomGenesis, RoomKind, RoomState, room_id,
};

use super::ask::{Failure, Pending, Request};
use super::beacons::Claim;
use super::chats::{Channel, Place};
use super::evidence::{Cause, Evidence};
use super::intents::Intent;
use super::record::{self, Key, Record, RoomRecord, StopRecord};
use super::spaces::Names;
use super::sync::{LOG_TRIES, Sync};
use super::{Ctx, Effect, Engine, Out, people};
use crate::view::{self, Change, Chat, Delivery, Member, Preview, Standing, Tamper};

/// Rooms that may wait for the user logs they name, before they are taken up.
const MAX_ARRIVING: usize = 64;

/// Before something is asked for again that could not be had.
pub(super) const RETRY_MS: u64 = 5_000;

pub(crate) struct Room {
    pub state: RoomState,
    /// The log as it came, the genesis first.
    pub log: Vec<B64>,
    pub events: Vec<Event>,
    /// When each entry was made, as far as it can be believed; the genesis first.
    pub times: Vec<u64>,
    /// Messages that the log takes away, and who wrote that.
    pub redacted: HashMap<Head, UserId>,
    /// What those are said to have been changed to: of which message, and by whom, in the order of the log.
    pub redacted_edits: HashMap<Head, Vec<(Head, UserId)>>,
    /// Why an entry was made: which entry says so, under which room key, and its sealed words.
    pub reasons: HashMap<u64, (u64, u32, Bytes<1024>)>,
    pub wraps: Vec<Wrap>,
    /// By epoch number.
    pub keys: BTreeMap<u32, EpochSecret>,
    /// Of private channels, by channel and epoch number.
    pub channel_keys: BTreeMap<ChannelId, BTreeMap<u32, EpochSecret>>,
    /// When the others were last asked for one of those, milliseconds since 1970.
    pub channel_asked_ms: BTreeMap<ChannelId, u64>,
    /// Of a space: names of channels and roles, and their order.
    pub names: Names,
    /// When the others were last asked for the newest key, milliseconds since 1970.
    pub key_asked_ms: u64,
    /// How often they were, for this key.
    pub key_asks: u32,
    /// When others were last given a key, by whose it is.
    pub answered: BTreeMap<(UserId, ChannelId), u64>,
    /// Epochs of which we were given another key than the log names; by channel, as the keys are.
    pub mismatched: BTreeSet<(ChannelId, u32)>,
    pub frozen: Option<Tamper>,
    /// The person has left it, whether or not its log could be told.
    pub left: bool,
    /// What shows why it is.
    pub evidence: Option<Evidence>,
    /// What members have seen and we have not, by channel and who says so.
    pub claims: BTreeMap<(ChannelId, UserId), Claim>,
    /// Entries that wait for a user log they name.
    pub waiting: Parked,
    pub sync: Sync,
    pub intents: VecDeque<Intent>,
    /// An append is under way.
    pub appending: bool,
    pub title: String,
    /// Who came by an invite and is to be given the room key.
    pub newcomers: BTreeSet<UserId>,
}

impl Room {
    pub fn new(state: RoomState, genesis: &SignedBlob) -> Self {
        Self {
            log: vec![B64(genesis.to_bytes())],
            state,
            events: Vec::new(),
            times: Vec::new(),
            redacted: HashMap::new(),
            redacted_edits: HashMap::new(),
            reasons: HashMap::new(),
            wraps: Vec::new(),
            keys: BTreeMap::new(),
            channel_keys: BTreeMap::new(),
            channel_asked_ms: BTreeMap::new(),
            names: Names::default(),
            key_asked_ms: 0,
            key_asks: 0,
            answered: BTreeMap::new(),
            mismatched: BTreeSet::new(),
            frozen: None,
            left: false,
            evidence: None,
            claims: BTreeMap::new(),
            waiting: Parked::default(),
            sync: Sync::default(),
            intents: VecDeque::new(),
            appending: false,
            title: String::new(),
            newcomers: BTreeSet::new(),
        }
    }

    pub fn to_record(&self) -> Record {
        let record = RoomRecord {
            room_id: self.state.room_id,
            log: self.log.clone(),
            wraps: self.wraps.clone(),
            times: self.times.clone(),
            claims: self
                .claims
                .iter()
                .map(|((_, by), claim)| (*by, claim.clone()))
                .collect(),
        };
        record::save(Key::Room(self.state.room_id), &record)
    }

    pub fn to_stop_record(&self) -> Record {
        let stop = StopRecord {
            room_id: self.state.room_id,
            why: self.frozen,
            evidence: self.evidence.clone(),
            left: self.left,
        };
        record::save(Key::Stop(self.state.room_id), &stop)
    }

    /// The secrets of a key by epoch: `MAIN` is the room's own.
    pub fn secrets(&self, key: &ChannelId) -> Option<&BTreeMap<u32, EpochSecret>> {
        if *key == ChannelId::MAIN {
            Some(&self.keys)
        } else {
            self.channel_keys.get(key)
        }
    }

    pub fn secrets_mut(&mut self, key: &ChannelId) -> &mut BTreeMap<u32, EpochSecret> {
        if *key == ChannelId::MAIN {
            &mut self.keys
        } else {
            self.channel_keys.entry(*key).or_default()
        }
    }

    /// Keys that this person is to have: the room's, and those of the private channels they are in.
    pub fn own_keys(&self, me: &UserId) -> Vec<ChannelId> {
        let private = self
            .state
            .channels
            .iter()
            .filter(|(_, channel)| channel.members.contains(me));
        std::iter::once(ChannelId::MAIN)
            .chain(private.map(|(id, _)| *id))
            .collect()
    }

    /// Whether the newest secret of a key is not here.
    pub fn lacks(&self, key: &ChannelId) -> bool {
        let n = self.state.newest_of(key);
        n > 0 && !self.secrets(key).is_some_and(|secrets| secrets.contains_key(&n))
    }

    pub fn is_member(&self, user: &UserId) -> bool {
        self.state.members.contains_key(user)
    }

    /// The newest room key that is here: what the next one builds on.
    pub fn newest_key(&self) -> Option<&EpochSecret> {
        self.keys.last_key_value().map(|(_, secret)| secret)
    }

    /// The other person of a direct message.
    pub fn peer(&self, me: &UserId) -> Option<UserId> {
        if self.state.kind == RoomKind::Direct {
            self.state.members.keys().find(|user| *user != me).copied()
        } else {
            None
        }
    }
}

/// Entries that wait for user logs, and whom they name: a thousand people's logs come one by one.
#[derive(Default)]
pub(crate) struct Parked {
    pub blobs: Vec<SignedBlob>,
    named: BTreeSet<UserId>,
}

impl Parked {
    fn new(blobs: Vec<SignedBlob>) -> Self {
        let named = people_named(&blobs);
        Self { blobs, named }
    }
}

/// Everybody whose log these entries look into.
pub(super) fn people_named(blobs: &[SignedBlob]) -> BTreeSet<UserId> {
    let named = blobs.iter().flat_map(|blob| named_people(&blob.body));
    named.map(|member| member.user_id).collect()
}

pub(crate) const fn role(role: Role) -> view::Role {
    match role {
        Role::Member | Role::Custom(_) => view::Role::Member,
        Role::Moderator => view::Role::Moderator,
        Role::Owner => view::Role::Owner,
    }
}

impl<S: Suite> Engine<S> {
    /// Entries of a room's log, in order, the first with number `from`. Those already known are checked to be the same.
    pub(super) async fn take_entries(
        &mut self,
        id: RoomId,
        from: u64,
        blobs: Vec<SignedBlob>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let fresh = match self.rooms.get_mut(&id) {
            None if from == 0 => {
                let begins = blobs.first().is_some_and(|blob| room_id(&blob.body) == id);
                // Whatever more the relay names is taken up when there is a place for it.
                let full = self.arriving.len() >= MAX_ARRIVING && !self.arriving.contains_key(&id);
                if !begins || full {
                    return;
                }
                blobs
            }
            None => {
                // Entries of a room nobody told us about: begin at its beginning.
                self.fetch_room_log(id, out);
                return;
            }
            Some(room) => {
                if room.frozen.is_some() {
                    return;
                }
                if from > room.state.seq + 1 {
                    self.fetch_room_log(id, out);
                    return;
                }
                let known = (room.state.seq + 1 - from) as usize;
                let other = blobs.iter().take(known).enumerate().find_map(|(index, blob)| {
                    let ours = *room.state.hashes.get(from as usize + index)?;
                    let theirs = sotto_shared::log::room_log::entry_hash(&blob.body);
                    (ours != theirs).then(|| Cause::entry(from + index as u64, ours, theirs).with_entry(blob))
                });
                if other.is_some() {
                    self.freeze_with(id.into(), Tamper::Fork, other, ctx, out).await;
                    return;
                }
                blobs.into_iter().skip(known).collect()
            }
        };
        if let Some(room) = self.rooms.get_mut(&id) {
            room.waiting = Parked::default();
        }
        if fresh.is_empty() {
            return;
        }
        if self.fetch_missing_logs(&fresh) {
            match self.rooms.get_mut(&id) {
                Some(room) => room.waiting = Parked::new(fresh),
                None => {
                    self.arriving.insert(id, Parked::new(fresh));
                }
            }
            return;
        }
        self.extend_room(id, fresh, ctx, out).await;
    }

    /// Asks for every user log that `blobs` name and that is not here far enough. Says whether there are any.
    fn fetch_missing_logs(&mut self, blobs: &[SignedBlob]) -> bool {
        let missing = self.missing_logs(blobs);
        for user in &missing {
            self.fetch_log(*user);
        }
        !missing.is_empty()
    }

    /// Whose logs `blobs` name further than they are here.
    pub(super) fn missing_logs(&self, blobs: &[SignedBlob]) -> Vec<UserId> {
        let is_short = |member: &MemberRef| {
            let log = self.people.log(&member.user_id);
            log.is_none_or(|log| log.seq() < member.ulog_seq)
        };
        let named = blobs.iter().flat_map(|blob| named_people(&blob.body));
        let mut missing: Vec<UserId> = named.filter(is_short).map(|member| member.user_id).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// An answer with the logs of `users` came: whatever waited for them goes on.
    pub(super) async fn people_grew(
        &mut self,
        users: &BTreeSet<UserId>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let arriving: Vec<RoomId> = self
            .arriving
            .iter()
            .filter(|(_, parked)| !self.fetches_log_of(|user| parked.named.contains(user)))
            .map(|(id, _)| *id)
            .collect();
        for id in arriving {
            if let Some(parked) = self.arriving.remove(&id) {
                if self.missing_logs(&parked.blobs).is_empty() {
                    self.take_entries(id, 0, parked.blobs, ctx, out).await;
                    continue;
                }
                // The answer did not bring them. Asked for again at the next tick, not at once and for ever.
                self.arriving.insert(id, parked);
                if !self.fetches_log_of(|_| true) {
                    out.push(Effect::Wake { after_ms: RETRY_MS });
                }
            }
        }
        self.visits_go_on(ctx, out).await;
        let gone: Vec<UserId> = (users.iter().copied())
            .filter(|user| self.people.is_closed(user))
            .collect();
        self.show_rooms_of(&gone, out);
        let waiting: Vec<RoomId> = (self.rooms.iter())
            .filter(|(_, room)| {
                !room.waiting.blobs.is_empty() && !self.fetches_log_of(|user| room.waiting.named.contains(user))
            })
            .map(|(id, _)| *id)
            .collect();
        for id in waiting {
            let is_short = (self.rooms.get(&id)).is_some_and(|room| {
                let missing = self.missing_logs(&room.waiting.blobs);
                missing.iter().any(|user| users.contains(user))
            });
            if let Some(room) = self.rooms.get_mut(&id)
                && is_short
            {
                // An answer from before the entry came may be short; one that was asked for after it is not.
                room.sync.people_wanted += 1;
                if room.sync.people_wanted > LOG_TRIES {
                    self.freeze(id, Tamper::Withholding, out);
                    continue;
                }
            }
            self.take_waiting(id, ctx, out).await;
        }
    }

    async fn take_waiting(&mut self, id: RoomId, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let blobs = std::mem::take(&mut room.waiting).blobs;
        // Some of them may have come another way meanwhile.
        let first = blobs.first().and_then(|blob| RoomEntry::from_bytes(&blob.body).ok());
        match first {
            Some(first) if first.seq > 0 => self.take_entries(id, first.seq, blobs, ctx, out).await,
            _ => self.fetch_room_log(id, out),
        }
    }

    /// Whatever could not be had when it was asked for is asked for again.
    pub(super) async fn retry_waiting(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let arriving: Vec<RoomId> = self.arriving.keys().copied().collect();
        for id in arriving {
            if let Some(parked) = self.arriving.remove(&id) {
                self.take_entries(id, 0, parked.blobs, ctx, out).await;
            }
        }
        let rooms: Vec<(RoomId, bool, bool)> = (self.rooms.iter())
            .map(|(id, room)| (*id, !room.waiting.blobs.is_empty(), room.sync.log_is_behind()))
            .collect();
        for (id, waits, behind) in rooms {
            if waits {
                self.take_waiting(id, ctx, out).await;
            } else if behind {
                self.fetch_room_log(id, out);
            }
        }
    }

    /// Applies entries whose user logs are all here. The first that does not hold freezes the room before it.
    async fn extend_room(
        &mut self,
        id: RoomId,
        blobs: Vec<SignedBlob>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let mut rest = blobs.as_slice();
        if !self.rooms.contains_key(&id) {
            let Some((genesis, after)) = rest.split_first() else {
                return;
            };
            let Ok(unproven) = RoomState::begin(genesis, &id, &self.people) else {
                return;
            };
            let verdicts = ctx.suite.verify_all(unproven.jobs()).await;
            // A room that does not even begin well is not taken up.
            let Ok(state) = unproven.prove(&verdicts) else { return };
            if !state
                .members
                .contains_key(&self.my_id().unwrap_or(UserId::from_bytes([0; 32])))
                && after.is_empty()
            {
                return;
            }
            self.rooms.insert(id, Room::new(state, genesis));
            self.open_channels(id);
            // Whoever asks to talk has no picture here until they are answered.
            if let (Some(me), Some(room)) = (self.my_id(), self.rooms.get(&id))
                && let Some(peer) = room.peer(&me)
            {
                self.show_person(&peer, out);
            }
            rest = after;
        }
        let Some(room) = self.rooms.get(&id) else { return };
        let (accepted, next, fault) = verify_entries(&room.state, rest, &self.people, ctx.suite).await;
        if let Some((state, events)) = next {
            self.log_grew(id, state, events, &rest[..accepted], ctx, out).await;
        } else if rest.is_empty() {
            self.log_grew_nothing(id, ctx, out).await;
        }
        match fault {
            None => {}
            // The log of somebody it names could not be had yet, or not far enough. Asked for again at the next tick.
            Some(LogError::NeedsUserLog { .. }) => {
                if let Some(room) = self.rooms.get_mut(&id) {
                    room.waiting = Parked::new(rest.get(accepted..).unwrap_or_default().to_vec());
                }
                out.push(Effect::Wake { after_ms: RETRY_MS });
            }
            Some(_) => self.freeze(id, Tamper::InvalidEntry, out),
        }
    }

    async fn log_grew_nothing(&mut self, id: RoomId, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        if let Some(room) = self.rooms.get(&id) {
            let state = room.state.clone();
            self.log_grew(id, state, Vec::new(), &[], ctx, out).await;
        }
    }

    /// The room stands where `state` says: keep it, show it, and do what follows from it.
    pub(super) async fn log_grew(
        &mut self,
        id: RoomId,
        state: RoomState,
        events: Vec<Event>,
        blobs: &[SignedBlob],
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let me = self.my_id();
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let new_epoch = state.epoch_number() > room.state.epoch_number();
        room.state = state;
        room.log.extend(blobs.iter().map(|blob| B64(blob.to_bytes())));
        if new_epoch {
            room.key_asks = 0;
        }
        room.sync.people_wanted = 0;
        let first_new = room.events.len();
        self.open_channels(id);
        if new_epoch {
            for chat in self.chats_of(id) {
                if let Some(channel) = self.channels.get_mut(&chat) {
                    channel.epoch_seq = channel.at.seq;
                }
            }
        }
        let Some(room) = self.rooms.get(&id) else { return };
        // A cut says what its author has seen: it must be what is here.
        let other = events.iter().find_map(|event| {
            let cuts = match &event.body {
                RoomBody::Remove { cut, .. } | RoomBody::UserUpdate { cut, .. } => cut,
                _ => return None,
            };
            cuts.iter().find_map(|cut| {
                let channel = self.channels.get(&Chat {
                    room: id,
                    channel: cut.channel,
                })?;
                let ours = channel.t_at(cut.seq).filter(|ours| *ours != cut.transcript)?;
                let index = usize::try_from(event.seq).ok()?;
                let blob = room
                    .log
                    .get(index)
                    .and_then(|raw| SignedBlob::from_bytes(&raw.0).ok())?;
                Some(Cause::messages(cut.seq, ours, cut.transcript).with_entry(&blob))
            })
        });
        let Some(room) = self.rooms.get_mut(&id) else { return };
        // Whoever is brought in again is back.
        let is_back = |event: &Event| match &event.body {
            RoomBody::AddMember { member, .. } | RoomBody::Join { member, .. } => Some(member.user_id) == me,
            _ => false,
        };
        if room.left && events.iter().any(is_back) {
            room.left = false;
            out.push(Effect::Save(vec![room.to_stop_record()]));
        }
        let taken_away = room.take_events(events, ctx.now_ms);
        let news: Vec<Event> = room.events.get(first_new..).unwrap_or_default().to_vec();
        let room = std::iter::once(room.to_record());
        let saved = room.chain(self.channels_of(id).map(Channel::to_record)).collect();
        out.push(Effect::Save(saved));
        for chat in self.chats_of(id) {
            self.redacted(chat, &taken_away, out);
        }
        self.show_pinned(id, &news, out);
        if other.is_some() {
            self.freeze_with(id.into(), Tamper::Fork, other, ctx, out).await;
        }
        self.learn_keys(id, ctx, out).await;
        for user in people_named(blobs) {
            self.show_person(&user, out);
        }
        self.show_rows_of(id, out);
        self.show_members(id, out);
        self.show_order(id, out);
        self.follow_reports(id, ctx, out).await;
        for chat in self.chats_of(id) {
            self.show_events(chat, first_new, out);
        }
        let peer = self.my_id().and_then(|me| self.rooms.get(&id)?.peer(&me));
        if let Some(peer) = peer {
            self.pin_contact(peer, ctx, out);
        }
        // What named entries that are here only now.
        for chat in self.chats_of(id) {
            self.unlock_messages(chat, ctx, out).await;
        }
        self.note_newcomers(id, first_new, ctx.now_ms);
        self.hand_over(id, ctx, out).await;
        self.after_log(id, ctx, out).await;
    }

    pub(super) fn fetch_room_log(&mut self, id: RoomId, out: &mut Out<S::DeviceKey>) {
        let waiting = self
            .pending
            .values()
            .any(|pending| matches!(pending, Pending::RoomLog { room, .. } if *room == id));
        if !waiting {
            let from = self.rooms.get(&id).map_or(0, |room| room.state.seq + 1);
            let request = Request::RoomLogGet(RoomLogGet {
                room_id: id,
                from_seq: from,
            });
            self.ask(request, Pending::RoomLog { room: id, from }, out);
        }
    }

    pub(super) async fn room_log_came(
        &mut self,
        id: RoomId,
        from: u64,
        result: Result<RoomLogReply, Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Ok(reply) = result else {
            out.push(Effect::Wake { after_ms: RETRY_MS });
            return;
        };
        if reply.seq.saturating_add(1) < from {
            // It had more than this when we took it over.
            self.freeze(id, Tamper::Withholding, out);
            return;
        }
        let Ok(blobs) = reply
            .entries
            .iter()
            .map(|raw| SignedBlob::from_bytes(&raw.0))
            .collect::<Result<Vec<_>, _>>()
        else {
            self.freeze(id, Tamper::InvalidEntry, out);
            return;
        };
        let last = from + blobs.len() as u64;
        let more = !blobs.is_empty() && last <= reply.seq;
        self.take_entries(id, from, blobs, ctx, out).await;
        if more {
            self.fetch_room_log(id, out);
        } else {
            self.log_is_current(id, ctx, out).await;
        }
    }

    /// Nothing after this point is shown or sent; what was verified stays readable.
    pub(super) fn freeze(&mut self, id: RoomId, why: Tamper, out: &mut Out<S::DeviceKey>) {
        if let Some(room) = self.rooms.get_mut(&id) {
            if room.frozen.is_none() {
                room.frozen = Some(why);
                out.push(Effect::Save(vec![room.to_stop_record()]));
            }
            self.show_rows_of(id, out);
        }
    }

    /// Whether one can write in a channel, as far as the room goes.
    pub(super) fn standing(&self, place: Place<'_>) -> Standing {
        match self.room_standing(place.room) {
            Standing::Open | Standing::WaitingForKey => {
                let n = place.epoch_number();
                if self.my_id().is_some_and(|me| place.is_over_for(&me)) {
                    Standing::Removed
                } else if n > 0 && !place.has_key(n) {
                    Standing::WaitingForKey
                } else {
                    Standing::Open
                }
            }
            other => other,
        }
    }

    pub(super) fn room_standing(&self, room: &Room) -> Standing {
        if room.left {
            return Standing::Left;
        }
        if let Some(why) = room.frozen {
            return Standing::Frozen(why);
        }
        let Some(me) = self.my_id() else { return Standing::Left };
        if !room.is_member(&me) {
            let removed = room
                .events
                .iter()
                .rev()
                .any(|event| matches!(&event.body, RoomBody::Remove { user_id, .. } if *user_id == me));
            let left = room.events.iter().rev().find(|event| match &event.body {
                RoomBody::Leave => event.actor == me,
                RoomBody::Remove { user_id, .. } => *user_id == me,
                _ => false,
            });
            let by_self = left.is_some_and(|event| matches!(event.body, RoomBody::Leave));
            return if removed && !by_self {
                Standing::Removed
            } else {
                Standing::Left
            };
        }
        if let Some(changed) = self
            .held_against()
            .find(|user| room.is_member(user) && self.trust(user).blocks())
        {
            return Standing::IdentityChanged(*changed);
        }
        let is_gone =
            |user: &UserId| self.is_former(user) || self.people.log(user).is_some_and(|log| log.view().closed);
        if room.peer(&me).is_some_and(|peer| is_gone(&peer)) {
            return Standing::PeerGone;
        }
        if let Some(user) = room.peer(&me)
            && let Some(handle) = self.people.handle(&user)
            && let Some(verified) = self.stands_for_another(handle, &user)
        {
            let handle = handle.to_owned();
            return Standing::HandleMoved { handle, user, verified };
        }
        if let Some(by) = room.log_withheld() {
            return Standing::Withheld { by };
        }
        let n = room.state.epoch_number();
        if n > 0 && !room.keys.contains_key(&n) {
            Standing::WaitingForKey
        } else {
            Standing::Open
        }
    }

    pub(super) fn refresh_standings(&self, out: &mut Out<S::DeviceKey>) {
        for id in self.rooms.keys() {
            self.show_rows_of(*id, out);
        }
    }

    /// The rows of all of a room's channels.
    pub(super) fn show_rows_of(&self, id: RoomId, out: &mut Out<S::DeviceKey>) {
        for channel in self.channels_of(id) {
            self.show_room_row(channel.id, out);
        }
        self.show_space(id, out);
    }

    pub(super) fn show_room_row(&self, id: Chat, out: &mut Out<S::DeviceKey>) {
        let (Some(room), Some(me)) = (self.place(id), self.my_id()) else {
            return;
        };
        let standing = self.standing(room);
        // A room one has left on purpose is gone from the list.
        // What could not be sent there is not lost with it.
        let is_gone = room.is_member(&me) && room.is_over_for(&me) && room.channel.outbox.is_empty();
        if standing == Standing::Left || is_gone || self.is_hidden(&room) {
            out.push(Effect::Show(Change::RoomGone(id)));
            return;
        }
        let peer = room.peer(&me);
        let (called, info) = room.channel_info(&id.channel, &me).unzip();
        let title = match peer {
            Some(peer) => self
                .person(&peer)
                .map(|person| person.shown().to_owned())
                .unwrap_or_default(),
            None => called.unwrap_or_else(|| room.title.clone()),
        };
        let waiting = room.channel.outbox.newest().map(|(text, at_ms, state)| Preview {
            author: me,
            text,
            at_ms,
            state,
        });
        let preview = waiting.or_else(|| {
            room.channel.preview.clone().map(|p| Preview {
                author: p.author,
                text: p.text,
                at_ms: p.at_ms,
                state: Delivery::Sent,
            })
        });
        let (hush, alert) = self.shown_hush(id).unwrap_or_default();
        let newest_event = room.events.last().map_or(room.time_of(0), |event| event.ts);
        out.push(Effect::Show(Change::Room(view::Room {
            id,
            kind: match room.state.kind {
                RoomKind::Direct => view::RoomKind::Direct,
                RoomKind::Group => view::RoomKind::Group,
                RoomKind::Space => view::RoomKind::Channel,
            },
            title,
            asking: room.state.requests.len() as u32,
            peer,
            mark: people::mark(id.room.as_bytes()),
            members: self.count_members(room.room),
            role: room
                .state
                .members
                .get(&me)
                .map_or(view::Role::Member, |member| role(member.role)),
            standing,
            held_back: room.tail_withheld(),
            active_ms: preview
                .as_ref()
                .map_or(newest_event, |preview| preview.at_ms)
                .min(self.now_ms),
            preview,
            // A request calls for nothing.
            unread: if self.is_request(&room) { 0 } else { room.channel.unread },
            request: self.is_request(&room),
            is_counted: room.channel.exact,
            read: room.channel.read_seq,
            hush,
            alert: alert.filter(|_| !self.is_request(&room)),
            mentions: room.channel.mentions,
            threads: if self.is_request(&room) {
                0
            } else {
                room.channel.threads.unread()
            },
            newest_thread: room.channel.threads.newest_unread(),
            pins: room.shown_pins(self.now_ms).len() as u32,
            draft: self.draft(id, None),
            channel: info,
        })));
    }

    pub(super) fn show_members(&self, id: RoomId, out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.rooms.get(&id) else { return };
        // What was read belongs to a channel: of a space, to the one on screen.
        let shown = self.shown.filter(|chat| chat.room == id).unwrap_or(id.into());
        let channel = self.channels.get(&shown);
        let read = |user: &UserId| channel?.receipts.get(user).filter(|_| self.tells_read);
        let reached = |user: &UserId| channel?.reached.get(user).copied().filter(|_| self.tells_reached);
        let members = room
            .state
            .members
            .iter()
            .map(|(user, member)| Member {
                user: *user,
                role: role(member.role),
                role_id: member.role.number(),
                read_up_to: read(user).map_or(0, |receipt| receipt.read),
                reached: reached(user).unwrap_or_default(),
            })
            .collect();
        out.push(Effect::Show(Change::Members { room: id, members }));
    }

    /// Rooms as this browser kept them; verified before they were sealed.
    pub(super) fn restore_room(&mut self, record: RoomRecord) -> Option<()> {
        let blobs = record
            .log
            .iter()
            .map(|raw| SignedBlob::from_bytes(&raw.0))
            .collect::<Result<Vec<_>, _>>()
            .ok()?;
        let (genesis, rest) = blobs.split_first()?;
        let state = RoomState::begin(genesis, &record.room_id, &self.people)
            .ok()?
            .prove(&[true])
            .ok()?;
        let mut room = Room::new(state, genesis);
        let unproven = room.state.extend(rest, &self.people).ok()?;
        let verdicts = vec![true; unproven.jobs().len()];
        let (state, events) = unproven.prove(&verdicts).ok()?;
        room.state = state;
        room.times = record.times;
        room.take_events(events, self.now_ms);
        room.log = record.log;
        room.wraps = record.wraps;
        room.claims = record
            .claims
            .into_iter()
            .filter(|(by, claim)| claim.is_of(by))
            .map(|(by, claim)| ((claim.channel, by), claim))
            .collect();
        self.rooms.insert(record.room_id, room);
        self.open_channels(record.room_id);
        Some(())
    }

    /// The relay's word of where a room stands, held against our own.
    pub(super) async fn compare_head(&mut self, head: &RoomHead, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.rooms.get_mut(&head.room_id) else {
            self.fetch_room_log(head.room_id, out);
            return;
        };
        if room.frozen.is_some() {
            return;
        }
        let have = usize::try_from(head.seq)
            .ok()
            .and_then(|seq| room.state.hashes.get(seq));
        if let Some(have) = have.filter(|have| **have != head.head) {
            let cause = Cause::entry(head.seq, *have, head.head);
            self.freeze_with(head.room_id.into(), Tamper::Fork, Some(cause), ctx, out)
                .await;
        } else if head.seq != room.state.seq {
            // Less than we have: written down before our newest entry came, or withheld. The answer tells.
            self.fetch_room_log(head.room_id, out);
        }
    }
}

pub(super) type Extended = (RoomState, Vec<Event>);

/// How many of `blobs` hold, the state after them, and what is wrong with the next.
pub(super) async fn verify_entries<S: Suite>(
    state: &RoomState,
    blobs: &[SignedBlob],
    people: &people::People,
    suite: &S,
) -> (usize, Option<Extended>, Option<LogError>) {
    let mut good = blobs.len();
    let mut fault = None;
    loop {
        if good == 0 {
            return (0, None, fault);
        }
        let unproven = match state.extend(&blobs[..good], people) {
            Ok(unproven) => unproven,
            Err((index, error)) => {
                good = index;
                fault = Some(error);
                continue;
            }
        };
        let verdicts = suite.verify_all(unproven.jobs()).await;
        // One job labelled so for each entry, in order; a Join's other one stands before it.
        let mut entries = 0;
        let good_before: Vec<usize> = (unproven.jobs().iter())
            .map(|job| {
                let before = entries;
                entries += usize::from(job.label == Label::RoomLog);
                before
            })
            .collect();
        match unproven.prove(&verdicts) {
            Ok(next) => return (good, Some(next), fault),
            Err(index) => {
                good = good_before.get(index).copied().unwrap_or_default();
                fault = Some(LogError::Signature);
            }
        }
    }
}

/// The user logs that an entry looks into.
fn named_people(body: &[u8]) -> Vec<MemberRef> {
    if let Ok(genesis) = RoomGenesis::from_bytes(body) {
        return std::iter::once(genesis.creator)
            .chain(genesis.members.as_slice().iter().cloned())
            .collect();
    }
    let entry = RoomEntry::from_bytes(body).ok();
    entry
        .and_then(|entry| entry.body.named().cloned())
        .into_iter()
        .collect()
}
