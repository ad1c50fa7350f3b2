//! The socket: who is connected, what they hear, and messages coming in. Mirrors `server/src/gateway`, `hub` and
//! `mailbox/accept`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sotto_shared::api::body::{API_VERSION, RoomHead, SlotValue, StoredMessage};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::{FromRelay, Outgoing, ToRelay};
use sotto_shared::api::limits::{MAX_FRAME_BYTES, MAX_SEND_BATCH, OLD_EPOCH_GRACE_SECS};
use sotto_shared::codec::Codec;
use sotto_shared::envelope::header::{
    EPHEMERAL_BYTES, HEADER_BYTES, Header, MAX_ENVELOPE_BYTES, MessageKind, class_seconds, envelope_hash,
    is_envelope_size,
};
use sotto_shared::id::{ChannelId, RoomId, UserId};
use sotto_shared::log::channels::ChannelKind;
use sotto_shared::log::room_log::SUITE_1;

use super::{Answer, ModelRelay, Session};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(u64);

#[derive(Debug, Clone, Default)]
pub struct Socket {
    /// `None` before `Hello`.
    pub session: Option<Session>,
    pub rooms: BTreeSet<RoomId>,
    /// On their way out, in order.
    pub outbox: VecDeque<FromRelay>,
    /// Closes once the outbox is empty.
    pub ended: bool,
}

impl Socket {
    fn push(&mut self, frame: FromRelay) {
        if !self.ended {
            self.outbox.push_back(frame);
        }
    }

    fn bye(&mut self, code: ErrorCode) {
        // Whoever is not signed in any more hears nothing of what was on its way.
        if code == ErrorCode::NotSignedIn {
            self.outbox.clear();
        }
        self.push(FromRelay::Bye { code });
        self.ended = true;
    }
}

impl ModelRelay {
    pub fn connect(&mut self) -> SocketId {
        self.next_socket += 1;
        let id = SocketId(self.next_socket);
        self.sockets.insert(id, Socket::default());
        id
    }

    pub fn hang_up(&mut self, id: SocketId) {
        self.sockets.remove(&id);
    }

    /// One frame from a browser.
    pub fn hear(&mut self, id: SocketId, frame: ToRelay) {
        let Some(socket) = self.sockets.get(&id) else { return };
        if socket.ended {
            return;
        }
        let chars = serde_json::to_string(&frame).map_or(usize::MAX, |text| text.len());
        let heard = match (socket.session.clone(), frame) {
            _ if chars > MAX_FRAME_BYTES => Err(ErrorCode::Malformed),
            (None, ToRelay::Hello { token, api }) => self.hello(id, &token, api),
            (Some(session), ToRelay::Send { messages }) => self.send(id, &session, messages),
            (Some(_), ToRelay::KeyRequest { room_id, request }) => {
                self.pass_frame_on(
                    id,
                    &room_id,
                    &ChannelId::MAIN,
                    &FromRelay::KeyRequest { room_id, request },
                );
                Ok(())
            }
            (Some(_), ToRelay::Ping) => {
                self.push(id, FromRelay::Pong);
                Ok(())
            }
            _ => Err(ErrorCode::Malformed),
        };
        if let (Err(code), Some(socket)) = (heard, self.sockets.get_mut(&id)) {
            socket.bye(code);
        }
    }

    fn hello(&mut self, id: SocketId, token: &str, api: u32) -> Answer<()> {
        if api != API_VERSION {
            return Err(ErrorCode::UnsupportedVersion);
        }
        let session = self.session(Some(token))?;
        let user = session.user_id;
        let rooms = self.rooms_of(&user);
        let heads: Vec<RoomHead> = rooms.iter().map(|room| self.rooms[room].head_for(&user)).collect();
        let here = rooms.iter().flat_map(|room| {
            let people = self.rooms[room].people.iter();
            people
                .filter(|(_, tenure)| tenure.until.is_none())
                .map(|(user, _)| *user)
        });
        let here: BTreeSet<UserId> = here.collect();
        let closed = here
            .into_iter()
            .filter(|user| self.people.0.get(user).is_some_and(|account| account.closed));
        let closed = closed.collect();
        let user_log_seq = self.people.0[&user].entries.len() as u64 - 1;
        let now_ms = self.now_ms;
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.session = Some(session);
            socket.rooms = rooms;
            socket.push(FromRelay::Welcome {
                rooms: heads,
                closed,
                user_log_seq,
                now_ms,
            });
        }
        Ok(())
    }

    /// Messages of one frame build on each other, so what comes after a refusal in a room is refused as well.
    fn send(&mut self, id: SocketId, session: &Session, messages: Vec<Outgoing>) -> Answer<()> {
        if self
            .tokens
            .get(&session.token)
            .is_none_or(|token| token.expires_ms <= self.now_ms)
        {
            return Err(ErrorCode::NotSignedIn);
        }
        if messages.len() > MAX_SEND_BATCH {
            return Err(ErrorCode::TooLarge);
        }
        let mut refused: BTreeMap<(RoomId, ChannelId), (ErrorCode, Option<u32>)> = BTreeMap::new();
        for message in messages {
            if message.header.0.len() != HEADER_BYTES {
                return Err(ErrorCode::Malformed);
            }
            let header = Header::from_bytes(&message.header.0).map_err(|_| ErrorCode::Malformed)?;
            if header.kind == MessageKind::Ephemeral {
                self.pass_on(id, &header, message)?;
                continue;
            }
            if header.kind == MessageKind::Slot {
                self.keep(id, session, &header, message);
                continue;
            }
            let earlier = refused.get(&(header.room_id, header.channel)).copied();
            match earlier.map_or_else(|| self.accept(session, &header, &message), Err) {
                Ok((seq, is_new)) => {
                    let frame = FromRelay::Message {
                        room_id: header.room_id,
                        channel: header.channel,
                        message: StoredMessage {
                            seq,
                            header: message.header,
                            envelope: message.envelope,
                            gone: None,
                        },
                    };
                    if is_new {
                        self.tell_readers(&header.room_id, &header.channel, &frame);
                    } else {
                        self.push(id, frame);
                    }
                }
                Err((code, retry_secs)) => {
                    refused.insert((header.room_id, header.channel), (code, retry_secs));
                    self.push(
                        id,
                        FromRelay::Refused {
                            room_id: header.room_id,
                            msg_id: header.msg_id,
                            code,
                            retry_secs,
                        },
                    );
                }
            }
        }
        Ok(())
    }

    /// A value for a slot; no part of the chain of messages.
    fn keep(&mut self, from: SocketId, session: &Session, header: &Header, message: Outgoing) {
        let is_sized = message.envelope.0.len() == EPHEMERAL_BYTES;
        let formed = if is_sized { Ok(()) } else { Err(ErrorCode::Malformed) };
        let taken = formed
            .and_then(|()| self.admit(session, header, message.envelope.0.len()))
            .and_then(|()| self.is_timely(header));
        let (room_id, channel, msg_id) = (header.room_id, header.channel, header.msg_id);
        if let Err(code) = taken {
            let refused = FromRelay::Refused {
                room_id,
                msg_id,
                code,
                retry_secs: None,
            };
            return self.push(from, refused);
        }
        let Outgoing { header, envelope } = message;
        if let Some(room) = self.rooms.get_mut(&room_id) {
            let (header, envelope) = (header.clone(), envelope.clone());
            room.put_slot_in(&channel, msg_id, SlotValue { header, envelope });
        }
        let frame = FromRelay::Slot {
            room_id,
            channel,
            header,
            envelope,
        };
        self.tell_readers(&room_id, &channel, &frame);
    }

    fn pass_on(&mut self, from: SocketId, header: &Header, message: Outgoing) -> Answer<()> {
        if message.envelope.0.len() != EPHEMERAL_BYTES {
            return Err(ErrorCode::Malformed);
        }
        let Some(room) = self.rooms.get(&header.room_id) else {
            return Ok(());
        };
        let newest = room.state.newest_of(&room.state.key_of(&header.channel));
        let is_current = header.n > 0 && (header.n == newest || header.n.checked_add(1) == Some(newest));
        let session = self.sockets.get(&from).and_then(|socket| socket.session.as_ref());
        let may =
            session.is_some_and(|session| (room.state).may_signal(&session.user_id, &session.dk_id, &header.channel));
        if header.suite != SUITE_1 || !is_current || !may {
            return Ok(());
        }
        let frame = FromRelay::Ephemeral {
            room_id: header.room_id,
            channel: header.channel,
            header: message.header,
            envelope: message.envelope,
        };
        self.pass_frame_on(from, &header.room_id, &header.channel, &frame);
        Ok(())
    }

    fn pass_frame_on(&mut self, from: SocketId, room: &RoomId, channel: &ChannelId, frame: &FromRelay) {
        let readers = self.readers(room, channel);
        let is_in = |socket: &Socket| socket.rooms.contains(room);
        if !self.sockets.get(&from).is_some_and(is_in) {
            return;
        }
        for (id, socket) in &mut self.sockets {
            if *id != from && is_in(socket) && hears(socket, readers.as_ref()) {
                socket.push(frame.clone());
            }
        }
    }

    /// What can be said of an envelope before it is known whether it is there already.
    fn admit(&self, session: &Session, header: &Header, bytes: usize) -> Answer<()> {
        if header.suite != SUITE_1 {
            return Err(ErrorCode::UnsupportedVersion);
        }
        if bytes > MAX_ENVELOPE_BYTES {
            return Err(ErrorCode::TooLarge);
        }
        if !is_envelope_size(bytes) {
            return Err(ErrorCode::Malformed);
        }
        let state = &self.rooms.get(&header.room_id).ok_or(ErrorCode::NotFound)?.state;
        let (user, device, channel) = (&session.user_id, &session.dk_id, &header.channel);
        let may = if header.kind == MessageKind::Slot {
            state.may_signal(user, device, channel)
        } else {
            state.may_write(user, device, channel)
        };
        if !may {
            if state.members.contains_key(user) && !state.may_read(user, channel) {
                return Err(ErrorCode::NotFound);
            }
            let known = state.members.contains_key(&session.user_id) || state.former.contains_key(&session.user_id);
            return Err(if known {
                ErrorCode::Forbidden
            } else {
                ErrorCode::NotFound
            });
        }
        Ok(())
    }

    /// Whether it is sealed under a key that is still taken.
    fn is_timely(&self, header: &Header) -> Answer<()> {
        let room = self.rooms.get(&header.room_id).ok_or(ErrorCode::NotFound)?;
        let key = room.state.key_of(&header.channel);
        let newest = room.state.newest_of(&key);
        let in_grace = key == ChannelId::MAIN
            && header.n > 0
            && header.n.checked_add(1) == Some(newest)
            && self.now_ms.saturating_sub(room.epoch_ms) <= OLD_EPOCH_GRACE_SECS * 1000;
        if header.n == 0 || !(header.n == newest || in_grace) || room.state.rotation_due_of(&key) {
            return Err(ErrorCode::WrongEpoch);
        }
        Ok(())
    }

    /// The number it is stored under, and whether it was not there before.
    fn accept(
        &mut self,
        session: &Session,
        header: &Header,
        message: &Outgoing,
    ) -> Result<(u64, bool), (ErrorCode, Option<u32>)> {
        if let Some(seq) = self.place_of(session, header, message).map_err(|code| (code, None))? {
            return Ok((seq, false));
        }
        self.is_timely(header).map_err(|code| (code, None))?;
        self.may_speak_now(session, header)
            .map_err(|secs| (ErrorCode::TooFast, Some(secs)))?;
        let now_ms = self.now_ms;
        let room = self.rooms.get_mut(&header.room_id).ok_or((ErrorCode::NotFound, None))?;
        let room = room.channel_mut(&header.channel).ok_or((ErrorCode::NotFound, None))?;
        let seq = room.put_message(&message.header, &message.envelope).seq;
        if let Some(seconds) = class_seconds(header.ttl_class) {
            room.expires_ms.insert(seq, now_ms + u64::from(seconds) * 1000);
        }
        Ok((seq, true))
    }

    /// Mirrors `server/src/mailbox/pace.rs`.
    fn may_speak_now(&mut self, session: &Session, header: &Header) -> Result<(), u32> {
        let now_ms = self.now_ms;
        let Some(room) = self.rooms.get_mut(&header.room_id) else {
            return Ok(());
        };
        let user = &session.user_id;
        if let Some(time_out) = room.state.time_out(user, now_ms) {
            return Err(u32::try_from((time_out.until - now_ms).div_ceil(1000)).unwrap_or(u32::MAX));
        }
        match room.state.slowed_at(user, &header.channel, room.state.seq) {
            0 => Ok(()),
            seconds => (room.paces.entry((header.channel, *user)).or_default()).take(seconds, now_ms),
        }
    }

    /// The number under which this very message is there already.
    fn place_of(&self, session: &Session, header: &Header, message: &Outgoing) -> Answer<Option<u64>> {
        self.admit(session, header, message.envelope.0.len())?;
        let room = self.rooms.get(&header.room_id).ok_or(ErrorCode::NotFound)?;
        let room = room.channel(&header.channel).ok_or(ErrorCode::NotFound)?;
        if let Some(seq) = room.gone_ids.get(&header.msg_id) {
            let known = room.messages[*seq as usize - 1].hash();
            return if known == envelope_hash(&message.header.0, &message.envelope.0) {
                Ok(Some(*seq))
            } else {
                Err(ErrorCode::Duplicate)
            };
        }
        let same_id = room
            .messages
            .iter()
            .find(|there| Header::from_bytes(&there.header.0).is_ok_and(|there| there.msg_id == header.msg_id));
        if let Some(there) = same_id {
            return if there.header == message.header && there.envelope == message.envelope {
                Ok(Some(there.seq))
            } else {
                Err(ErrorCode::Duplicate)
            };
        }
        Ok(None)
    }

    // --- Who hears what ------------------------------------------------------------------------------------------------------

    fn push(&mut self, id: SocketId, frame: FromRelay) {
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.push(frame);
        }
    }

    /// To everybody in a room.
    pub fn tell_room(&mut self, room: &RoomId, frame: &FromRelay) {
        for socket in self.sockets.values_mut().filter(|socket| socket.rooms.contains(room)) {
            socket.push(frame.clone());
        }
    }

    /// Who is in a private channel; nothing for any other.
    fn readers(&self, room: &RoomId, channel: &ChannelId) -> Option<BTreeSet<UserId>> {
        let there = self.rooms.get(room)?.state.channels.get(channel)?;
        (there.kind == ChannelKind::Private).then(|| there.members.clone())
    }

    /// To everybody in a room who reads this channel.
    pub fn tell_readers(&mut self, room: &RoomId, channel: &ChannelId, frame: &FromRelay) {
        let readers = self.readers(room, channel);
        for socket in self.sockets.values_mut().filter(|socket| socket.rooms.contains(room)) {
            if hears(socket, readers.as_ref()) {
                socket.push(frame.clone());
            }
        }
    }

    /// To every socket of one person.
    pub fn tell(&mut self, user: &UserId, frame: &FromRelay) {
        for socket in self.sockets_of(user) {
            socket.push(frame.clone());
        }
    }

    /// To one person and to everybody who shares a room with them, each socket once.
    pub(super) fn tell_acquaintances(&mut self, user: &UserId, frame: &FromRelay) {
        let rooms = self.rooms_of(user);
        for socket in self.sockets.values_mut() {
            let is_own = socket.session.as_ref().is_some_and(|session| session.user_id == *user);
            if is_own || socket.rooms.iter().any(|room| rooms.contains(room)) {
                socket.push(frame.clone());
            }
        }
    }

    pub(super) fn join_room(&mut self, user: &UserId, room: &RoomId) {
        for socket in self.sockets_of(user) {
            socket.rooms.insert(*room);
        }
    }

    pub(super) fn leave_room(&mut self, user: &UserId, room: &RoomId) {
        for socket in self.sockets_of(user) {
            socket.rooms.remove(room);
        }
    }

    pub(super) fn end_sockets(&mut self, user: &UserId, ends: impl Fn(&str) -> bool) {
        for socket in self.sockets_of(user) {
            if socket.session.as_ref().is_some_and(|session| ends(&session.token)) {
                socket.bye(ErrorCode::NotSignedIn);
            }
        }
    }

    fn sockets_of(&mut self, user: &UserId) -> impl Iterator<Item = &mut Socket> {
        let user = *user;
        self.sockets
            .values_mut()
            .filter(move |socket| socket.session.as_ref().is_some_and(|session| session.user_id == user))
    }

    /// Every room a person is in now.
    pub fn rooms_of(&self, user: &UserId) -> BTreeSet<RoomId> {
        (self.rooms.iter())
            .filter(|(_, room)| room.people.get(user).is_some_and(|tenure| tenure.until.is_none()))
            .map(|(id, _)| *id)
            .collect()
    }
}

fn hears(socket: &Socket, readers: Option<&BTreeSet<UserId>>) -> bool {
    let user = socket.session.as_ref().map(|session| session.user_id);
    readers.is_none_or(|readers| user.is_some_and(|user| readers.contains(&user)))
}
