//! Sees everything that engines hand out, and holds it against what was signed: whom a room key was wrapped for, and who
//! can read a message.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sotto_shared::api::B64;
use sotto_shared::api::body::Wrap;
use sotto_shared::api::frame::Outgoing;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::epoch::fits;
use sotto_shared::crypto::kem::{self, WrapInfo, Wrapped};
use sotto_shared::crypto::seal;
use sotto_shared::crypto::secret::{EpochSecret, PrivateKey};
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::envelope::content::{Content, OpenedContent, envelope_context, message_key};
use sotto_shared::envelope::header::Header;
use sotto_shared::id::{ChannelId, Head, RoomId, UserId};
use sotto_shared::log::room_log::{Event, RoomBody, RoomEntry, RoomState, UserLogs, room_id};
use sotto_shared::log::user_log::UserLog;

use crate::engine::{KeysRecord, Request};
use crate::testing::ModelRelay;

/// Private KEM keys of everybody, by generation.
pub type Keys = BTreeMap<(UserId, u32), Vec<u8>>;

#[derive(Debug, Clone, Default)]
pub struct Witness {
    /// In the order in which they were made.
    pub rooms: Vec<RoomId>,
    logs: Logs,
    /// Every state that somebody signed, in every history there is.
    states: HashMap<(RoomId, Head), RoomState>,
    /// With the state they were made for.
    wraps: Vec<(RoomId, Head, Wrap)>,
    sent: Vec<Outgoing>,
    /// Rooms in which somebody was removed, or a browser taken away, by one who had not heard everything that the relay had
    /// taken before: some messages are void for some and not for others (`docs/threat-model.md`).
    pub cut_short: BTreeSet<RoomId>,
    pub faults: Vec<String>,
}

#[derive(Debug, Clone, Default)]
struct Logs(BTreeMap<UserId, UserLog>);

impl UserLogs for Logs {
    fn user_log(&self, user: &UserId) -> Option<&UserLog> {
        self.0.get(user)
    }
}

impl Witness {
    /// What there is before anything happens.
    pub fn of(relay: &ModelRelay) -> Self {
        let mut witness = Self::default();
        witness.learn(relay);
        let mut rooms: Vec<_> = relay.rooms.values().collect();
        rooms.sort_by_key(|room| room.state.created);
        for room in rooms {
            let Some((genesis, entries)) = room.entries.split_first() else {
                continue;
            };
            witness.created(genesis, entries, &room.wraps);
            for message in &room.messages {
                witness.sent.push(Outgoing {
                    header: message.header.clone(),
                    envelope: message.envelope.clone(),
                });
            }
        }
        witness
    }

    /// User logs only grow, whichever relay has more of one.
    fn learn(&mut self, relay: &ModelRelay) {
        for (user, account) in &relay.people.0 {
            if self.logs.0.get(user).is_none_or(|log| log.seq() < account.log.seq()) {
                self.logs.0.insert(*user, account.log.clone());
            }
        }
    }

    pub fn asked(&mut self, relay: &ModelRelay, request: &Request) {
        self.learn(relay);
        match request {
            Request::RoomCreate(ask) => self.created(&ask.genesis, &ask.entries, &ask.wraps),
            Request::RoomAppend(ask) => {
                let taken = relay
                    .rooms
                    .get(&ask.room_id)
                    .map_or(0, |room| room.messages.len() as u64);
                let bodies = ask.entries.iter().filter_map(read_entry).map(|entry| entry.body);
                let is_short = |body: RoomBody| matches!(body, RoomBody::Remove { cut, .. } | RoomBody::UserUpdate { cut, .. } if cut.iter().any(|cut| cut.seq < taken));
                if bodies.into_iter().any(is_short) {
                    self.cut_short.insert(ask.room_id);
                }
                self.appended(ask.room_id, &ask.entries, &ask.wraps);
            }
            Request::WrapsPut(ask) => {
                // Wrapped again for somebody: they are in the newest state, or in one before it, of some history.
                for wrap in &ask.wraps {
                    let fits = |state: &RoomState| {
                        state.members.contains_key(&wrap.user_id)
                            && wrap.n <= state.epoch_number()
                            && !state.rotation_due
                    };
                    // Of two keys of one number the one that the relay took: another was signed, and refused.
                    let taken = relay.rooms.get(&ask.room_id).map(|room| &room.state.hashes);
                    let was_taken = |head: &Head, state: &RoomState| {
                        taken.is_some_and(|hashes| hashes.get(state.seq as usize) == Some(head))
                    };
                    let state = (self.states.iter())
                        .filter(|((room, _), state)| *room == ask.room_id && fits(state))
                        .max_by_key(|((_, head), state)| (was_taken(head, state), state.seq));
                    match state {
                        Some((at, _)) => self.wraps.push((at.0, at.1, wrap.clone())),
                        None => self
                            .faults
                            .push("a room key was wrapped again for somebody who is in no roster".into()),
                    }
                }
            }
            _ => {}
        }
    }

    pub fn heard(&mut self, messages: &[Outgoing]) {
        for message in messages {
            if !self.sent.contains(message) {
                self.sent.push(message.clone());
            }
        }
    }

    fn created(&mut self, genesis: &B64, entries: &[B64], wraps: &[Wrap]) {
        let state = SignedBlob::from_bytes(&genesis.0).ok().and_then(|blob| {
            let begun = RoomState::begin(&blob, &room_id(&blob.body), &self.logs).ok()?;
            begun.prove_here().ok()
        });
        let Some(state) = state else {
            self.faults.push("a room was made that does not hold".into());
            return;
        };
        let id = state.room_id;
        if !self.rooms.contains(&id) {
            self.rooms.push(id);
        }
        self.states.insert((id, state.head), state.clone());
        self.grow(state, entries, wraps);
    }

    pub fn appended(&mut self, room: RoomId, entries: &[B64], wraps: &[Wrap]) {
        let first = entries.first().and_then(read_entry);
        match first.and_then(|first| self.states.get(&(room, first.prev)).cloned()) {
            Some(state) => self.grow(state, entries, wraps),
            None => self.faults.push("an entry builds on a log that nobody wrote".into()),
        }
    }

    fn grow(&mut self, mut state: RoomState, entries: &[B64], wraps: &[Wrap]) {
        for raw in entries {
            let next = SignedBlob::from_bytes(&raw.0).ok().and_then(|blob| {
                let next = state.extend(std::slice::from_ref(&blob), &self.logs).ok()?;
                next.prove_here().ok()
            });
            let Some((next, events)) = next else {
                self.faults.push("an entry was signed that does not hold".into());
                return;
            };
            let names = |event: &Event| matches!(event.body, RoomBody::SetMeta { .. });
            if state.rotation_due && events.iter().any(names) {
                self.faults
                    .push("a name was sealed under a key that had to be changed".into());
            }
            state = next;
            self.states.insert((state.room_id, state.head), state.clone());
        }
        for wrap in wraps {
            match state.members.get(&wrap.user_id) {
                // What the browser that was taken away has.
                Some(member) if wrap.g < member.view.kem_g => {
                    self.faults
                        .push("a room key was wrapped for a key that had been replaced".into());
                }
                Some(_) => self.wraps.push((state.room_id, state.head, wrap.clone())),
                None => self
                    .faults
                    .push("a room key was wrapped for somebody outside the signed roster".into()),
            }
        }
    }

    /// Opens everything with the keys that everybody holds.
    pub fn judge(&self, keys: &Keys) -> Result<(), String> {
        if let Some(fault) = self.faults.first() {
            return Err(fault.clone());
        }
        let mut secrets: BTreeMap<(RoomId, [u8; 32]), EpochSecret> = BTreeMap::new();
        // Who was given a key, and in which state.
        let mut holders: BTreeMap<_, BTreeSet<(UserId, u64, Head)>> = BTreeMap::new();
        for (room, head, wrap) in &self.wraps {
            let state = &self.states[&(*room, *head)];
            let epoch = (state.epochs.get((wrap.n as usize).wrapping_sub(1))).ok_or("a wrap of no room key")?;
            let secret = unwrap(room, epoch.commit, wrap, keys)
                .filter(|secret| fits(secret, room, epoch))
                .ok_or("a wrap that does not open for the person it names")?;
            secrets.insert((*room, epoch.commit), secret);
            holders
                .entry((*room, epoch.commit))
                .or_default()
                .insert((wrap.user_id, state.seq, state.head));
        }
        for message in &self.sent {
            let header = Header::from_bytes(&message.header.0).map_err(|_| "a header that is none")?;
            let room = header.room_id;
            let mine = secrets.iter().filter(|((other, _), _)| *other == room);
            let opened = mine
                .filter_map(|((_, commit), secret)| Some((*commit, open(message, &header, secret)?)))
                .next();
            let (commit, content) = opened.ok_or("a message under a key that nobody was given")?;
            let state =
                (self.states.get(&(room, content.log_head))).ok_or("a message that names a log nobody wrote")?;
            if state.rotation_due {
                return Err("a message under a key that had to be changed".into());
            }
            if state.epoch().map(|epoch| (epoch.n, epoch.commit)) != Some((header.n, commit)) {
                return Err("a message under another key than its log's newest".into());
            }
            if !state.may_post(&content.user_id, &content.dk_id) {
                return Err("a message by somebody who may not write".into());
            }
            let readers = holders.get(&(room, commit)).into_iter().flatten();
            for (user, seq, head) in readers {
                // In this history, and not later than the message.
                let was_before = state.hashes.get(*seq as usize) == Some(head);
                if was_before && !state.members.contains_key(user) {
                    return Err("a message that somebody reads who is not a member".into());
                }
            }
        }
        Ok(())
    }
}

fn read_entry(raw: &B64) -> Option<RoomEntry> {
    let blob = SignedBlob::from_bytes(&raw.0).ok()?;
    RoomEntry::from_bytes(&blob.body).ok()
}

fn unwrap(room: &RoomId, commit: [u8; 32], wrap: &Wrap, keys: &Keys) -> Option<EpochSecret> {
    let info = WrapInfo {
        room_id: *room,
        channel: wrap.channel,
        n: wrap.n,
        user_id: wrap.user_id,
        g: wrap.g,
        commit,
    };
    let wrapped = Wrapped {
        enc: wrap.enc.0.clone(),
        ct: wrap.ct.0.clone(),
    };
    let key = PrivateKey::from_bytes(keys.get(&(wrap.user_id, wrap.g))?)?;
    let plain = kem::unwrap(&key, &info.info(), &wrapped).ok()?;
    EpochSecret::from_slice(&plain)
}

fn open(message: &Outgoing, header: &Header, secret: &EpochSecret) -> Option<Content> {
    let key = message_key(secret, &header.room_id, &ChannelId::MAIN);
    let plain = seal::open(key.expose(), &envelope_context(&message.header.0), &message.envelope.0).ok()?;
    Some(OpenedContent::parse(&plain, header).ok()?.content)
}

/// What a browser keeps of its account's keys.
pub fn keys_in(record: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let read = serde_json::from_slice::<KeysRecord>(record);
    read.map(|keys| keys.kem.iter().map(|(g, key)| (*g, key.0.clone())).collect())
        .unwrap_or_default()
}
