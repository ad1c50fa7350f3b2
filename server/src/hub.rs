//! Who is connected to this process, and in which rooms. A leaf: it is told, it passes frames on, it calls nobody.
//!
//! ```text
//!  enter(user) ── unsettled: rooms one joins or leaves meanwhile are noted ──▶ settle(rooms from the database) ──▶ leave
//! ```
//! Between the look-up of somebody's rooms and their first frame a room may take them in or put them out. What the hub
//! was told in that time is newer than what was looked up, so it wins.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::id::{RoomId, UserId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Frames on their way to one socket, bounded in number and bytes.
#[derive(Debug)]
pub struct Outbox {
    waiting: Mutex<Waiting>,
    wake: Notify,
    ending: CancellationToken,
    max_frames: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: Vec<Utf8Bytes>,
    bytes: usize,
    end: Option<End>,
}

/// Why a socket is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Say so, then close.
    Bye(ErrorCode),
    /// It does not keep up: nothing more can be said.
    Overflow,
    /// The other side went.
    Gone,
}

impl Outbox {
    pub fn new(max_frames: usize, max_bytes: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            wake: Notify::new(),
            ending: CancellationToken::new(),
            max_frames,
            max_bytes,
        }
    }

    /// Queues a frame, or ends the socket if it would be one too many.
    pub fn push(&self, frame: Utf8Bytes) {
        let mut waiting = self.lock();
        if waiting.end.is_some() {
            return;
        }
        if waiting.frames.len() >= self.max_frames || waiting.bytes + frame.len() > self.max_bytes {
            waiting.frames = Vec::new();
            waiting.end = Some(End::Overflow);
            self.ending.cancel();
        } else {
            waiting.bytes += frame.len();
            waiting.frames.push(frame);
        }
        drop(waiting);
        self.wake.notify_one();
    }

    /// The first reason stands.
    pub fn end(&self, end: End) {
        self.lock().end.get_or_insert(end);
        self.ending.cancel();
        self.wake.notify_one();
    }

    pub fn ended(&self) -> Option<End> {
        self.lock().end
    }

    /// Waits for frames or the end; takes all there are.
    pub async fn take(&self) -> (Vec<Utf8Bytes>, Option<End>) {
        loop {
            {
                let mut waiting = self.lock();
                if !waiting.frames.is_empty() || waiting.end.is_some() {
                    waiting.bytes = 0;
                    return (std::mem::take(&mut waiting.frames), waiting.end);
                }
            }
            self.wake.notified().await;
        }
    }

    /// Returns once the socket is to end, leaving the frames where they are.
    pub async fn until_end(&self) {
        self.ending.cancelled().await;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names one socket as long as the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SocketId(u64);

#[derive(Debug)]
struct Socket {
    user: UserId,
    session: [u8; 32],
    outbox: Arc<Outbox>,
    rooms: HashSet<RoomId>,
    /// Rooms the hub heard of before `settle`, and whether the person is in them.
    heard: Option<HashMap<RoomId, bool>>,
}

#[derive(Debug, Default)]
struct Connected {
    next: u64,
    sockets: HashMap<SocketId, Socket>,
    people: HashMap<UserId, HashSet<SocketId>>,
    rooms: HashMap<RoomId, HashSet<SocketId>>,
    draining: bool,
}

#[derive(Debug, Default)]
pub struct Hub(Mutex<Connected>);

impl Hub {
    /// Takes in a socket. `None`: this person has enough of them.
    pub fn enter(&self, user: UserId, session: [u8; 32], outbox: &Arc<Outbox>, most: usize) -> Option<SocketId> {
        let mut hub = self.lock();
        if hub.people.get(&user).map_or(0, HashSet::len) >= most {
            return None;
        }
        hub.next += 1;
        let id = SocketId(hub.next);
        if hub.draining {
            outbox.end(End::Bye(ErrorCode::Draining));
        }
        let socket = Socket {
            user,
            session,
            outbox: outbox.clone(),
            rooms: HashSet::new(),
            heard: Some(HashMap::new()),
        };
        hub.sockets.insert(id, socket);
        hub.people.entry(user).or_default().insert(id);
        Some(id)
    }

    /// The rooms that were looked up for a socket after it entered.
    pub fn settle(&self, id: SocketId, rooms: impl IntoIterator<Item = RoomId>) {
        let mut hub = self.lock();
        let Some(heard) = hub.sockets.get_mut(&id).and_then(|socket| socket.heard.take()) else {
            return;
        };
        for room in rooms.into_iter().filter(|room| !heard.contains_key(room)) {
            hub.put_in(id, room);
        }
    }

    pub fn leave(&self, id: SocketId) {
        let mut hub = self.lock();
        let Some(socket) = hub.sockets.remove(&id) else { return };
        for room in &socket.rooms {
            remove_from(&mut hub.rooms, room, id);
        }
        remove_from(&mut hub.people, &socket.user, id);
    }

    /// A person became a member of a room.
    pub fn join_room(&self, user: &UserId, room: RoomId) {
        let mut hub = self.lock();
        for id in hub.sockets_of(user) {
            hub.hear(id, room, true);
            hub.put_in(id, room);
        }
    }

    /// A person is no longer a member: from here on their sockets hear nothing of it.
    pub fn leave_room(&self, user: &UserId, room: RoomId) {
        let mut hub = self.lock();
        for id in hub.sockets_of(user) {
            hub.hear(id, room, false);
            if let Some(socket) = hub.sockets.get_mut(&id) {
                socket.rooms.remove(&room);
            }
            remove_from(&mut hub.rooms, &room, id);
        }
    }

    /// To everybody in a room.
    pub fn tell_room(&self, room: &RoomId, frame: &Utf8Bytes) {
        let hub = self.lock();
        for id in hub.rooms.get(room).into_iter().flatten() {
            if let Some(socket) = hub.sockets.get(id) {
                socket.outbox.push(frame.clone());
            }
        }
    }

    /// To those of `readers` who are in a room; to everybody there if there is no such list.
    pub fn tell_readers(&self, room: &RoomId, readers: Option<&BTreeSet<UserId>>, frame: &Utf8Bytes) {
        let hub = self.lock();
        for id in hub.rooms.get(room).into_iter().flatten() {
            if let Some(socket) = hub.sockets.get(id)
                && readers.is_none_or(|readers| readers.contains(&socket.user))
            {
                socket.outbox.push(frame.clone());
            }
        }
    }

    /// Whether a socket hears of a room.
    pub fn is_in(&self, id: SocketId, room: &RoomId) -> bool {
        self.lock().rooms.get(room).is_some_and(|ids| ids.contains(&id))
    }

    /// From one socket to every other in a room that it is in itself.
    pub fn pass_on(&self, from: SocketId, room: &RoomId, readers: Option<&BTreeSet<UserId>>, frame: &Utf8Bytes) {
        let hub = self.lock();
        let Some(ids) = hub.rooms.get(room).filter(|ids| ids.contains(&from)) else {
            return;
        };
        for socket in ids
            .iter()
            .filter(|id| **id != from)
            .filter_map(|id| hub.sockets.get(id))
            .filter(|socket| readers.is_none_or(|readers| readers.contains(&socket.user)))
        {
            socket.outbox.push(frame.clone());
        }
    }

    /// To every socket of one person.
    pub fn tell(&self, user: &UserId, frame: &Utf8Bytes) {
        let hub = self.lock();
        for id in hub.people.get(user).into_iter().flatten() {
            if let Some(socket) = hub.sockets.get(id) {
                socket.outbox.push(frame.clone());
            }
        }
    }

    /// To one person and to everybody who shares one of `rooms`, each socket once.
    pub fn tell_acquaintances(&self, user: &UserId, rooms: &[RoomId], frame: &Utf8Bytes) {
        let hub = self.lock();
        let mut ids: HashSet<SocketId> = hub.sockets_of(user).into_iter().collect();
        ids.extend(rooms.iter().filter_map(|room| hub.rooms.get(room)).flatten());
        for id in ids {
            if let Some(socket) = hub.sockets.get(&id) {
                socket.outbox.push(frame.clone());
            }
        }
    }

    /// Ends the sockets of a person whose session `ends` names.
    pub fn end_sessions(&self, user: &UserId, ends: impl Fn(&[u8; 32]) -> bool) {
        let hub = self.lock();
        for id in hub.people.get(user).into_iter().flatten() {
            if let Some(socket) = hub.sockets.get(id).filter(|socket| ends(&socket.session)) {
                socket.outbox.end(End::Bye(ErrorCode::NotSignedIn));
            }
        }
    }

    /// Whether somebody has a socket.
    pub fn is_here(&self, user: &UserId) -> bool {
        self.lock().people.get(user).is_some_and(|sockets| !sockets.is_empty())
    }

    /// Ends every socket, and those that still come.
    pub fn drain(&self) {
        let mut hub = self.lock();
        hub.draining = true;
        for socket in hub.sockets.values() {
            socket.outbox.end(End::Bye(ErrorCode::Draining));
        }
    }

    /// Sockets open now.
    pub fn len(&self) -> usize {
        self.lock().sockets.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Connected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connected {
    fn sockets_of(&self, user: &UserId) -> Vec<SocketId> {
        self.people.get(user).into_iter().flatten().copied().collect()
    }

    fn hear(&mut self, id: SocketId, room: RoomId, inside: bool) {
        if let Some(heard) = self.sockets.get_mut(&id).and_then(|socket| socket.heard.as_mut()) {
            heard.insert(room, inside);
        }
    }

    fn put_in(&mut self, id: SocketId, room: RoomId) {
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.rooms.insert(room);
            self.rooms.entry(room).or_default().insert(id);
        }
    }
}

fn remove_from<K: std::hash::Hash + Eq>(sets: &mut HashMap<K, HashSet<SocketId>>, key: &K, id: SocketId) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(&id);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: UserId = UserId::from_bytes([1; 32]);
    const ROOM: RoomId = RoomId::from_bytes([7; 32]);

    fn outbox() -> Arc<Outbox> {
        Arc::new(Outbox::new(4, 100))
    }

    fn frames(outbox: &Outbox) -> usize {
        outbox.lock().frames.len()
    }

    #[test]
    fn a_room_left_while_it_was_looked_up_stays_left() {
        let (hub, outbox) = (Hub::default(), outbox());
        let id = hub.enter(ADA, [0; 32], &outbox, 9).unwrap();
        hub.leave_room(&ADA, ROOM);
        hub.settle(id, [ROOM]);
        hub.tell_room(&ROOM, &"x".into());
        assert_eq!(frames(&outbox), 0);
    }

    #[test]
    fn a_room_joined_while_it_was_looked_up_is_heard() {
        let (hub, outbox) = (Hub::default(), outbox());
        let id = hub.enter(ADA, [0; 32], &outbox, 9).unwrap();
        hub.join_room(&ADA, ROOM);
        hub.settle(id, []);
        hub.tell_room(&ROOM, &"x".into());
        assert_eq!(frames(&outbox), 1);
        hub.leave(id);
        assert!(hub.is_empty() && hub.lock().rooms.is_empty() && hub.lock().people.is_empty());
    }

    #[test]
    fn a_socket_that_does_not_keep_up_is_ended_and_its_frames_are_let_go() {
        let outbox = outbox();
        for _ in 0..5 {
            outbox.push("x".into());
        }
        assert_eq!(outbox.ended(), Some(End::Overflow));
        assert_eq!(frames(&outbox), 0);
        let bytes = Outbox::new(4, 100);
        bytes.push("x".repeat(101).into());
        assert_eq!(bytes.ended(), Some(End::Overflow));
    }

    #[test]
    fn one_person_has_a_bounded_number_of_sockets() {
        let hub = Hub::default();
        assert!(hub.enter(ADA, [0; 32], &outbox(), 1).is_some());
        assert!(hub.enter(ADA, [0; 32], &outbox(), 1).is_none());
    }
}
