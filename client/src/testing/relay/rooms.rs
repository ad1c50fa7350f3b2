//! Room logs, wraps and pages of messages. Mirrors `server/src/logs` and `server/src/mailbox/pages`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};

use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::api::limits::{MAX_LOG_PAGE, MAX_SLOTS_PAGE, SLOTS_PER_MEMBER, is_guest};
use sotto_shared::codec::{Codec, Text};
use sotto_shared::crypto::hash::sha256;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::{SignedBlob, verify};
use sotto_shared::envelope::header::{Header, envelope_hash};
use sotto_shared::envelope::transcript::Transcript;
use sotto_shared::id::{ChannelId, MessageId, RoomId, UserId};
use sotto_shared::log::moderation::Pace;
use sotto_shared::log::room_log::{Invite, JoinMode, RoomBody, RoomEntry, RoomGenesis, RoomState, room_id};
use sotto_shared::log::standing::InviteStanding;

use super::{Answer, ModelRelay, Session, StoredReport, refusal};

/// Raw bytes of entries in one frame.
const FRAME_ENTRY_BYTES: usize = 150 * 1024;
/// Bytes of envelopes in one page.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

#[derive(Debug, Clone)]
pub struct StoredChannel {
    pub id: ChannelId,
    /// Ascending from number 1.
    pub messages: Vec<StoredMessage>,
    /// Transcript after each message; index 0 is the start.
    pub transcript: Vec<Transcript>,
    /// When messages that do not stay are to go, by number.
    pub expires_ms: BTreeMap<u64, u64>,
    /// Ids of messages that are gone.
    pub gone_ids: BTreeMap<MessageId, u64>,
    /// What lies in slots, the newest last.
    pub slots: Vec<SlotValue>,
    /// When it took the newest messages of whoever writes where that is slowed down.
    pub paces: BTreeMap<(ChannelId, UserId), Pace>,
}

/// A conversation as it is stored: of a room its one, of a space one for each channel.
#[derive(Debug, Clone)]
pub struct StoredRoom {
    /// What readers of the log are given, the genesis first.
    pub entries: Vec<B64>,
    /// What the relay itself goes by.
    pub state: RoomState,
    /// When the newest room key came in, by the relay's clock.
    pub epoch_ms: u64,
    /// Everybody who is or was in it.
    pub people: BTreeMap<UserId, Tenure>,
    pub wraps: Vec<Wrap>,
    /// `MAIN`; of a space empty.
    pub main: StoredChannel,
    /// Those of a space.
    pub channels: BTreeMap<ChannelId, StoredChannel>,
    /// The oldest first.
    pub reports: Vec<StoredReport>,
}

impl Deref for StoredRoom {
    type Target = StoredChannel;
    fn deref(&self) -> &StoredChannel {
        &self.main
    }
}

impl DerefMut for StoredRoom {
    fn deref_mut(&mut self) -> &mut StoredChannel {
        &mut self.main
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenure {
    pub since: u64,
    /// The entry that took them out.
    pub until: Option<u64>,
}

/// Who came and who went between two states.
struct Moves {
    added: Vec<UserId>,
    /// With the entry that took them out.
    removed: Vec<(UserId, u64)>,
}

struct OwnEntries {
    blobs: Vec<SignedBlob>,
    parsed: Vec<RoomEntry>,
}

/// Entries of a request, every one by whoever is asking.
fn own_entries(session: &Session, entries: &[B64]) -> Answer<OwnEntries> {
    if entries.len() > MAX_LOG_PAGE as usize {
        return Err(ErrorCode::TooLarge);
    }
    let blobs = (entries.iter().map(|entry| SignedBlob::from_bytes(&entry.0)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| ErrorCode::Malformed)?;
    let parsed = (blobs.iter().map(|blob| RoomEntry::from_bytes(&blob.body)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| ErrorCode::Malformed)?;
    if parsed
        .iter()
        .any(|entry| entry.actor != session.user_id || entry.actor_dk != session.dk_id)
    {
        return Err(ErrorCode::Forbidden);
    }
    Ok(OwnEntries { blobs, parsed })
}

impl StoredChannel {
    /// Puts a message at the end, whoever may have sent it.
    pub fn put_message(&mut self, header: &B64, envelope: &B64) -> StoredMessage {
        let now = *self.transcript.last().expect("it begins with a start");
        let now = now.then(&envelope_hash(&header.0, &envelope.0));
        self.transcript.push(now);
        let message = StoredMessage {
            seq: now.seq,
            header: header.clone(),
            envelope: envelope.clone(),
            gone: None,
        };
        self.messages.push(message.clone());
        message
    }

    /// Puts a value in its slot, whoever may have sent it.
    fn put_slot(&mut self, slot: MessageId, value: SlotValue, members: usize) {
        let is_other = |there: &SlotValue| Header::from_bytes(&there.header.0).is_ok_and(|there| there.msg_id != slot);
        self.slots.retain(is_other);
        self.slots.push(value);
        let most = SLOTS_PER_MEMBER * members;
        self.slots.drain(..self.slots.len().saturating_sub(most));
    }

    /// The bytes of a message go; its number, hash and id stay.
    pub fn let_go(&mut self, seq: u64) {
        let message = &mut self.messages[seq as usize - 1];
        if let Ok(header) = Header::from_bytes(&message.header.0) {
            self.gone_ids.insert(header.msg_id, seq);
        }
        message.gone = Some(message.hash());
        message.header.0.clear();
        message.envelope.0.clear();
    }

    /// The transcript after message `seq`.
    fn place(&self, seq: usize) -> ChannelHead {
        let at = self.transcript[seq];
        ChannelHead {
            channel: self.id,
            seq: at.seq,
            t: at.t,
        }
    }

    fn new(room: &RoomId, id: ChannelId) -> Self {
        Self {
            id,
            messages: Vec::new(),
            transcript: vec![Transcript::start(room, &id)],
            expires_ms: BTreeMap::new(),
            gone_ids: BTreeMap::new(),
            slots: Vec::new(),
            paces: BTreeMap::new(),
        }
    }
}

impl StoredRoom {
    /// Where it stands.
    pub fn head(&self) -> RoomHead {
        let channels = self.state.channel_ids();
        let channels = channels.iter().filter_map(|id| self.channel(id));
        RoomHead {
            room_id: self.state.room_id,
            seq: self.state.seq,
            head: self.state.head,
            channels: channels.map(|channel| channel.place(channel.messages.len())).collect(),
        }
    }

    /// The same, with the channels that this person reads.
    pub fn head_for(&self, user: &UserId) -> RoomHead {
        let mut head = self.head();
        head.channels.retain(|at| self.state.may_read(user, &at.channel));
        head
    }

    /// Puts a value in its slot, whoever may have sent it.
    pub fn put_slot(&mut self, slot: MessageId, value: SlotValue) {
        let members = self.state.members.len();
        self.main.put_slot(slot, value, members);
    }

    /// Puts a value in a slot of a channel.
    pub fn put_slot_in(&mut self, channel: &ChannelId, slot: MessageId, value: SlotValue) {
        let members = self.state.members.len();
        if let Some(there) = self.channel_mut(channel) {
            there.put_slot(slot, value, members);
        }
    }

    pub fn channel(&self, id: &ChannelId) -> Option<&StoredChannel> {
        if *id == ChannelId::MAIN {
            Some(&self.main)
        } else {
            self.channels.get(id)
        }
    }

    pub fn channel_mut(&mut self, id: &ChannelId) -> Option<&mut StoredChannel> {
        if *id == ChannelId::MAIN {
            Some(&mut self.main)
        } else {
            self.channels.get_mut(id)
        }
    }

    /// Has a place for every channel of the log.
    fn open_channels(&mut self) {
        let room = self.state.room_id;
        for id in self.state.channels.keys() {
            self.channels
                .entry(*id)
                .or_insert_with(|| StoredChannel::new(&room, *id));
        }
    }

    /// Whether somebody reads a channel now.
    fn readership(&self, user: &UserId, channel: &ChannelId) -> Answer<&StoredChannel> {
        self.membership(user)?;
        if self.state.may_read(user, channel) {
            self.channel(channel).ok_or(ErrorCode::NotFound)
        } else {
            Err(ErrorCode::NotFound)
        }
    }

    /// Whether somebody is in it now; a stranger does not learn that it exists.
    pub(super) fn membership(&self, user: &UserId) -> Answer<()> {
        match self.people.get(user) {
            None => Err(ErrorCode::NotFound),
            Some(Tenure { until: Some(_), .. }) => Err(ErrorCode::Forbidden),
            Some(_) => Ok(()),
        }
    }

    /// Stores the wraps there were none of. Gives whom they are for.
    fn put_wraps(&mut self, wraps: &[Wrap]) -> Answer<BTreeSet<UserId>> {
        for wrap in wraps {
            check_wrap(&self.state, wrap)?;
        }
        let mut seen = BTreeSet::new();
        for wrap in wraps
            .iter()
            .filter(|wrap| seen.insert((wrap.user_id, wrap.channel, wrap.n)))
        {
            let key = |wrap: &Wrap| (wrap.user_id, wrap.channel, wrap.n, wrap.g);
            if !self.wraps.iter().any(|there| key(there) == key(wrap)) {
                self.wraps.push(wrap.clone());
            }
        }
        Ok(seen.into_iter().map(|(user, ..)| user).collect())
    }

    /// Brings `people` to the state.
    fn move_people(&mut self, old: Option<&RoomState>) -> Moves {
        let state = &self.state;
        let was = |user: &UserId| old.is_some_and(|old| old.members.contains_key(user));
        // Somebody taken out and let in again by one request starts over as added.
        let since = |user: &UserId| old.and_then(|old| old.members.get(user)).map(|member| member.since);
        let mut moves = Moves {
            added: Vec::new(),
            removed: Vec::new(),
        };
        for (user, member) in &state.members {
            if since(user) != Some(member.since) {
                moves.added.push(*user);
                let tenure = Tenure {
                    since: member.since,
                    until: None,
                };
                self.people.insert(*user, tenure);
            }
        }
        for (user, former) in &state.former {
            if was(user) {
                moves.removed.push((*user, former.until));
            }
            let tenure = Tenure {
                since: former.since,
                until: Some(former.until),
            };
            self.people.insert(*user, tenure);
        }
        moves
    }
}

/// The invite by which a request joins: one Join and nothing with it.
fn joins<'a>(state: &'a RoomState, ask: &RoomAppend, own: &OwnEntries) -> Option<&'a Invite> {
    match own.parsed.as_slice() {
        [entry] if ask.wraps.is_empty() => match &entry.body {
            RoomBody::Join { invite_id, .. } => state.invites.get(invite_id),
            _ => None,
        },
        _ => None,
    }
}

/// A new room key comes with a wrap for everybody, that of a private channel for all in it.
fn wraps_for_all(old: Option<&RoomState>, state: &RoomState, wraps: &[Wrap]) -> Answer<()> {
    for key in std::iter::once(ChannelId::MAIN).chain(state.channels.keys().copied()) {
        let newest = state.newest_of(&key);
        let is_for = |wrap: &Wrap, user: &UserId| wrap.channel == key && wrap.n == newest && wrap.user_id == *user;
        let has_wrap = |user: &UserId| wraps.iter().any(|wrap| is_for(wrap, user));
        let is_new = newest != old.map_or(0, |old| old.newest_of(&key));
        if is_new && !state.roster_of(&key).map(|(user, _)| user).all(has_wrap) {
            return Err(ErrorCode::InvalidEntry);
        }
    }
    Ok(())
}

/// Nobody wraps a key that they cannot have.
fn wraps_are_theirs(state: &RoomState, user: &UserId, wraps: &[Wrap]) -> Answer<()> {
    let reads = |wrap: &Wrap| wrap.channel == ChannelId::MAIN || state.may_read(user, &wrap.channel);
    if wraps.iter().all(reads) {
        Ok(())
    } else {
        Err(ErrorCode::Forbidden)
    }
}

fn check_wrap(state: &RoomState, wrap: &Wrap) -> Answer<()> {
    if wrap.channel != ChannelId::MAIN && state.key_of(&wrap.channel) != wrap.channel {
        return Err(ErrorCode::NotFound);
    }
    if wrap.enc.0.len() != 65 || wrap.enc.0.first() != Some(&4) || wrap.ct.0.len() != 48 {
        return Err(ErrorCode::Malformed);
    }
    let member = state.members.get(&wrap.user_id).ok_or(ErrorCode::InvalidEntry)?;
    let reads = wrap.channel == ChannelId::MAIN || state.may_read(&wrap.user_id, &wrap.channel);
    if reads && (1..=state.newest_of(&wrap.channel)).contains(&wrap.n) && wrap.g == member.view.kem_g {
        Ok(())
    } else {
        Err(ErrorCode::InvalidEntry)
    }
}

impl ModelRelay {
    pub(super) fn room_create(&mut self, session: &Session, ask: &RoomCreate) -> Answer<RoomHead> {
        let genesis = SignedBlob::from_bytes(&ask.genesis.0).map_err(|_| ErrorCode::Malformed)?;
        let parsed = RoomGenesis::from_bytes(&genesis.body).map_err(|_| ErrorCode::Malformed)?;
        if parsed.creator.user_id != session.user_id || parsed.creator_dk != session.dk_id {
            return Err(ErrorCode::Forbidden);
        }
        let own = own_entries(session, &ask.entries)?;
        if (self.people.0.get(&session.user_id)).is_some_and(|account| is_guest(&account.handle)) {
            return Err(ErrorCode::Forbidden);
        }
        let id = room_id(&genesis.body);
        if let Some(there) = self.rooms.get(&id) {
            there.membership(&session.user_id)?;
            return Ok(there.head_for(&session.user_id));
        }
        let state = RoomState::begin(&genesis, &id, &self.people)
            .map_err(|error| refusal(1, error))?
            .prove_here()
            .map_err(|_| ErrorCode::InvalidEntry)?;
        let (state, _) = (state.extend(&own.blobs, &self.people))
            .map_err(|(_, error)| refusal(1, error))?
            .prove_here()
            .map_err(|_| ErrorCode::InvalidEntry)?;
        let mut room = StoredRoom {
            entries: std::iter::once(&ask.genesis).chain(&ask.entries).cloned().collect(),
            state,
            epoch_ms: self.now_ms,
            people: BTreeMap::new(),
            wraps: Vec::new(),
            main: StoredChannel::new(&id, ChannelId::MAIN),
            channels: BTreeMap::new(),
            reports: Vec::new(),
        };
        room.open_channels();
        let moves = room.move_people(None);
        wraps_for_all(None, &room.state, &ask.wraps)?;
        let wrapped = room.put_wraps(&ask.wraps)?;
        let head = room.head_for(&session.user_id);
        self.rooms.insert(id, room);
        self.announce(&id, 0, &moves);
        self.announce_wraps(&id, &wrapped);
        Ok(head)
    }

    pub(super) fn room_append(&mut self, session: &Session, ask: &RoomAppend) -> Answer<RoomHead> {
        if ask.entries.is_empty() {
            return Err(ErrorCode::Malformed);
        }
        let own = own_entries(session, &ask.entries)?;
        let room = self.rooms.get(&ask.room_id).ok_or(ErrorCode::NotFound)?;
        // Their answer was lost, and they came again.
        let first = own.parsed.first().map_or(0, |entry| entry.seq as usize);
        let there = room.entries.get(first..first.saturating_add(ask.entries.len())) == Some(ask.entries.as_slice());
        let joins = joins(&room.state, ask, &own);
        match room.membership(&session.user_id) {
            Err(_) if joins.is_some() => {}
            Err(ErrorCode::Forbidden) if there => return Ok(room.head_for(&session.user_id)),
            membership => membership?,
        }
        let extended = match room.state.extend(&own.blobs, &self.people) {
            Ok(extended) => extended,
            Err((index, error)) => {
                let code = refusal(index, error);
                return if code == ErrorCode::StaleHead && there {
                    Ok(room.head_for(&session.user_id))
                } else {
                    Err(code)
                };
            }
        };
        let (state, _) = extended.prove_here().map_err(|_| ErrorCode::InvalidEntry)?;
        if joins.is_some_and(|invite| !invite.is_open(self.now_ms)) {
            return Err(ErrorCode::InvalidEntry);
        }
        // All or nothing: a wrap that does not fit leaves no trace of the entries.
        let mut next = room.clone();
        let old = std::mem::replace(&mut next.state, state);
        if next.state.epoch_number() != old.epoch_number() {
            next.epoch_ms = self.now_ms;
        }
        next.entries.extend(ask.entries.iter().cloned());
        for entry in &own.parsed {
            if let RoomBody::Redact { target, edits } = &entry.body {
                let named = |message: &&StoredMessage| {
                    message.hash() == *target || edits.iter().any(|edit| message.hash() == *edit)
                };
                for channel in std::iter::once(&mut next.main).chain(next.channels.values_mut()) {
                    let seqs = channel.messages.iter().filter(named).map(|message| message.seq);
                    let seqs: Vec<u64> = seqs.collect();
                    seqs.into_iter().for_each(|seq| channel.let_go(seq));
                }
            }
        }
        let moves = next.move_people(Some(&old));
        wraps_for_all(Some(&old), &next.state, &ask.wraps)?;
        next.open_channels();
        wraps_are_theirs(&next.state, &session.user_id, &ask.wraps)?;
        let wrapped = next.put_wraps(&ask.wraps)?;
        let head = next.head_for(&session.user_id);
        self.rooms.insert(ask.room_id, next);
        self.announce(&ask.room_id, old.seq + 1, &moves);
        self.announce_wraps(&ask.room_id, &wrapped);
        Ok(head)
    }

    pub(super) fn room_log_get(&self, session: &Session, ask: &RoomLogGet) -> Answer<RoomLogReply> {
        let room = self.rooms.get(&ask.room_id).ok_or(ErrorCode::NotFound)?;
        let tenure = room.people.get(&session.user_id).ok_or(ErrorCode::NotFound)?;
        let seq = tenure.until.unwrap_or(room.entries.len() as u64 - 1);
        let entries = room.entries.iter().take(seq as usize + 1).skip(ask.from_seq as usize);
        Ok(RoomLogReply {
            entries: entries.take(MAX_LOG_PAGE as usize).cloned().collect(),
            seq,
        })
    }

    pub(super) fn invite_open(&self, session: &Session, ask: &InviteOpen) -> Answer<RoomLogReply> {
        let sig = <[u8; 64]>::try_from(ask.sig.as_ref()).map_err(|_| ErrorCode::Malformed)?;
        let room = self.rooms.get(&ask.room_id).ok_or(ErrorCode::NotFound)?;
        let banned = (room.state.former.get(&session.user_id)).is_some_and(|former| former.banned);
        let invite = (room.state.invites.get(&ask.invite_id))
            .filter(|invite| {
                let standing = InviteStanding::of(&room.state, invite, self.now_ms);
                standing == InviteStanding::Open || room.state.requests.contains_key(&session.user_id)
            })
            .filter(|_| !banned)
            .ok_or(ErrorCode::NotFound)?;
        let proof = InviteProof {
            realm: Text::new(self.realm.as_str()).map_err(|_| ErrorCode::Internal)?,
            room_id: ask.room_id,
            invite_id: ask.invite_id,
            user_id: session.user_id,
        };
        verify(&invite.key, Label::InviteOpen, &proof.to_bytes(), &sig).map_err(|_| ErrorCode::NotFound)?;
        Ok(RoomLogReply {
            entries: (room.entries.iter().skip(ask.from_seq as usize))
                .take(MAX_LOG_PAGE as usize)
                .cloned()
                .collect(),
            seq: room.state.seq,
        })
    }

    pub(super) fn invite_peek(&self, ask: &InvitePeek) -> Answer<InvitePeekReply> {
        let sig = <[u8; 64]>::try_from(ask.sig.as_ref()).map_err(|_| ErrorCode::Malformed)?;
        let room = self.rooms.get(&ask.room_id).ok_or(ErrorCode::NotFound)?;
        let invite = room.state.invites.get(&ask.invite_id).ok_or(ErrorCode::NotFound)?;
        let proof = PeekProof {
            realm: Text::new(self.realm.as_str()).map_err(|_| ErrorCode::Internal)?,
            room_id: ask.room_id,
            invite_id: ask.invite_id,
            at: ask.at_ms,
        };
        let fresh = ask.at_ms.abs_diff(self.now_ms) <= 10 * 60 * 1000;
        let proven = verify(&invite.key, Label::InvitePeek, &proof.to_bytes(), &sig).is_ok();
        if !fresh || !proven {
            return Err(ErrorCode::NotFound);
        }
        Ok(InvitePeekReply {
            standing: InviteStanding::of(&room.state, invite, self.now_ms),
            card: B64(invite.card.as_slice().to_vec()),
            by: (self.people.0.get(&invite.by)).map_or(String::new(), |account| account.handle.clone()),
            members: room.state.members.len() as u32,
            expires_ms: invite.expires,
            approval: invite.mode == JoinMode::Approval,
        })
    }

    pub(super) fn wraps_get(&self, session: &Session, ask: &WrapsGet) -> Answer<WrapsReply> {
        let room = self.rooms.get(&ask.room_id).ok_or(ErrorCode::NotFound)?;
        room.membership(&session.user_id)?;
        let is_wanted = |wrap: &Wrap| {
            if wrap.channel == ChannelId::MAIN {
                wrap.n >= ask.from_n
            } else {
                room.state.may_read(&session.user_id, &wrap.channel)
            }
        };
        let own = |wrap: &&Wrap| wrap.user_id == session.user_id && is_wanted(wrap);
        let mut wraps: Vec<Wrap> = room.wraps.iter().filter(own).cloned().collect();
        wraps.sort_by_key(|wrap| std::cmp::Reverse((wrap.n, wrap.g)));
        Ok(WrapsReply { wraps })
    }

    pub(super) fn wraps_drop(&mut self, session: &Session, ask: &WrapsDrop) -> Answer<Empty> {
        let room = self.rooms.get_mut(&ask.room_id).ok_or(ErrorCode::NotFound)?;
        room.membership(&session.user_id)?;
        room.wraps
            .retain(|wrap| (wrap.user_id, wrap.channel, wrap.n) != (session.user_id, ask.channel, ask.n));
        Ok(Empty {})
    }

    pub(super) fn wraps_put(&mut self, session: &Session, ask: &WrapsPut) -> Answer<Empty> {
        if ask.wraps.is_empty() {
            return Err(ErrorCode::Malformed);
        }
        let room = self.rooms.get_mut(&ask.room_id).ok_or(ErrorCode::NotFound)?;
        room.membership(&session.user_id)?;
        if !room.state.may_post(&session.user_id, &session.dk_id) {
            return Err(ErrorCode::Forbidden);
        }
        wraps_are_theirs(&room.state, &session.user_id, &ask.wraps)?;
        let wrapped = room.put_wraps(&ask.wraps)?;
        self.announce_wraps(&ask.room_id, &wrapped);
        Ok(Empty {})
    }

    pub(super) fn page_get(&self, session: &Session, ask: &PageGet) -> Answer<Page> {
        let room = self.rooms.get(&ask.room_id).ok_or(ErrorCode::NotFound)?;
        let room = room.readership(&session.user_id, &ask.channel)?;
        let limit = ask.limit.clamp(1, self.page) as usize;
        // A page has no holes: once one does not fit, no later one does.
        let mut left = PAGE_BYTES;
        let mut taken = 0;
        let mut fits = |message: &&StoredMessage| {
            let bytes = message.envelope.0.len();
            let fits = taken == 0 || bytes <= left;
            left = if fits { left.saturating_sub(bytes) } else { 0 };
            taken += 1;
            fits
        };
        let all = room.messages.iter();
        let mut messages: Vec<StoredMessage> = match ask.from {
            PageFrom::After(seq) => (all.filter(|message| message.seq > seq).take(limit))
                .take_while(|message| fits(message))
                .cloned()
                .collect(),
            PageFrom::Before(_) | PageFrom::End => {
                let bound = if let PageFrom::Before(seq) = ask.from {
                    seq
                } else {
                    u64::MAX
                };
                (all.rev().filter(|message| message.seq < bound).take(limit))
                    .take_while(|message| fits(message))
                    .cloned()
                    .collect()
            }
        };
        messages.sort_by_key(|message| message.seq);
        let before = match (messages.first(), ask.from) {
            (Some(first), _) => first.seq - 1,
            (None, PageFrom::After(seq)) => seq.min(room.messages.len() as u64),
            (None, PageFrom::Before(_) | PageFrom::End) => 0,
        };
        Ok(Page {
            before: room.place(before as usize),
            messages,
            head: room.place(room.messages.len()),
        })
    }

    pub(super) fn slots_get(&self, session: &Session, ask: &SlotsGet) -> Answer<SlotsReply> {
        let room = self.rooms.get(&ask.room_id).ok_or(ErrorCode::NotFound)?;
        let room = room.readership(&session.user_id, &ask.channel)?;
        // Their places in the row stand for the numbers that the relay gives them.
        let upto = ask
            .before
            .map_or(room.slots.len(), |before| room.slots.len().min(before as usize));
        let from = upto.saturating_sub(MAX_SLOTS_PAGE as usize);
        Ok(SlotsReply {
            slots: room.slots.iter().take(upto).skip(from).rev().cloned().collect(),
            before: (from > 0).then_some(from as u64),
        })
    }

    pub(super) fn message_delete(&mut self, session: &Session, ask: &MessageDelete) -> Answer<Empty> {
        let room = self.rooms.get_mut(&ask.room_id).ok_or(ErrorCode::NotFound)?;
        room.readership(&session.user_id, &ask.channel)?;
        let room = room.channel_mut(&ask.channel).ok_or(ErrorCode::NotFound)?;
        if room.gone_ids.contains_key(&ask.msg_id) {
            return Ok(Empty {});
        }
        let parsed = room
            .messages
            .iter()
            .map(|message| (message.seq, Header::from_bytes(&message.header.0)));
        let (seq, header) = parsed
            .filter_map(|(seq, header)| Some((seq, header.ok()?)))
            .find(|(_, header)| header.msg_id == ask.msg_id && header.channel == ask.channel)
            .ok_or(ErrorCode::NotFound)?;
        if sha256(&ask.del_secret.0) != header.del_commit {
            return Err(ErrorCode::Forbidden);
        }
        room.let_go(seq);
        Ok(Empty {})
    }

    /// Messages that have had their time go.
    pub fn expire(&mut self) {
        let rooms = self.rooms.values_mut();
        for room in rooms.flat_map(|room| std::iter::once(&mut room.main).chain(room.channels.values_mut())) {
            let due = room.expires_ms.iter().filter(|(_, at)| **at <= self.now_ms);
            let due: Vec<u64> = due.map(|(seq, _)| *seq).collect();
            for seq in due {
                room.expires_ms.remove(&seq);
                room.let_go(seq);
            }
        }
        for room in self.rooms.values_mut() {
            room.reports.retain(|report| report.expires_ms > self.now_ms);
        }
    }

    /// Tells what was appended from `from` on: those who went first, so that nothing later reaches them.
    fn announce(&mut self, id: &RoomId, from: u64, moves: &Moves) {
        let whole = self.rooms[id].entries.clone();
        let new = &whole[from as usize..];
        for (user, until) in &moves.removed {
            let upto = (until.saturating_sub(from) as usize + 1).min(new.len());
            for frame in frames(id, from, &new[..upto]) {
                self.tell(user, &frame);
            }
            self.leave_room(user, id);
        }
        // Before anybody is put in: they get the log from its beginning instead.
        for frame in frames(id, from, new) {
            self.tell_room(id, &frame);
        }
        let first_page = frames(id, 0, &whole[..whole.len().min(MAX_LOG_PAGE as usize)]);
        for user in &moves.added {
            self.join_room(user, id);
            for frame in &first_page {
                self.tell(user, frame);
            }
        }
    }

    fn announce_wraps(&mut self, id: &RoomId, people: &BTreeSet<UserId>) {
        for user in people {
            self.tell(user, &FromRelay::Wraps { room_id: *id });
        }
    }
}

fn frames(room: &RoomId, from: u64, entries: &[B64]) -> Vec<FromRelay> {
    let mut frames = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, entry) in entries.iter().enumerate() {
        bytes += entry.0.len();
        let next = entries.get(index + 1).map(|next| next.0.len());
        if next.is_none_or(|next| bytes + next > FRAME_ENTRY_BYTES) {
            frames.push(FromRelay::Log {
                room_id: *room,
                from_seq: from + start as u64,
                entries: entries[start..=index].to_vec(),
            });
            (start, bytes) = (index + 1, 0);
        }
    }
    frames
}
