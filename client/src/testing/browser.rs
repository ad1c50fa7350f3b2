//! One browser: an engine, what it keeps, and what a person sees of it. Performs effects as `runtime` does.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use reactive_graph::prelude::*;
use sotto_shared::api::frame::{FromRelay, ToRelay};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{RoomId, UserId};
use sotto_shared::testing::FixedRng;

use super::relay::SocketId;
use crate::engine::{
    Ctx, Effect, Engine, Failure, Input, Kept, KeptAccount, Key, Loaded, LockedAccount, Query, Record, Reply, Request,
    Word, gather,
};
use crate::passwords;
use crate::state::Store;
use crate::view::{
    Body, Change, Chat, Command, Delivery, Found, FromWorker, Order, Outcome, Person, Phase, Presence, Problem,
    Reports, Room, Row, Space, ToWorker, Wired,
};

/// What a browser keeps across reloads; shared by its tabs.
#[derive(Clone)]
pub struct Disk<K> {
    /// Serialised, as it would lie in IndexedDB.
    pub kept: Option<(Vec<u8>, K)>,
    pub locked: Option<(LockedAccount, K)>,
    /// Under which key the records are sealed: nobody else's open.
    sealed_under: Option<[u8; 32]>,
    pub records: BTreeMap<Key, Vec<u8>>,
    /// It takes nothing more.
    pub full: bool,
    /// Lanes of the tabs that live.
    lanes: BTreeSet<String>,
}

impl<K> Default for Disk<K> {
    fn default() -> Self {
        Self {
            kept: None,
            locked: None,
            sealed_under: None,
            records: BTreeMap::new(),
            full: false,
            lanes: BTreeSet::new(),
        }
    }
}

impl<K: Clone> Disk<K> {
    fn wipe(&mut self) {
        self.kept = None;
        self.locked = None;
        self.records.clear();
    }

    /// False: nothing of it was written.
    fn save(&mut self, records: Vec<Record>) -> bool {
        if self.full {
            return false;
        }
        for Record { key, value } in records {
            match value {
                Some(value) => drop(self.records.insert(key, value)),
                None => drop(self.records.remove(&key)),
            }
        }
        true
    }

    fn load(&self, query: &Query) -> Loaded {
        fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
            serde_json::from_slice(bytes).ok()
        }
        let mut loaded = Loaded::default();
        match query {
            Query::Messages { chat, from, to } => {
                let range = self
                    .records
                    .range(Key::Message(*chat, *from)..=Key::Message(*chat, *to));
                loaded.messages = range.filter_map(|(_, bytes)| read(bytes)).collect();
            }
            Query::Picture(user) => {
                let kept = self.records.get(&Key::Picture(*user));
                loaded.pictures.extend(kept.and_then(|bytes| read(bytes)));
            }
            Query::Base { lane: own } => {
                for (key, bytes) in &self.records {
                    match key {
                        Key::Person(_) => loaded.people.extend(read(bytes)),
                        Key::Room(_) => loaded.rooms.extend(read(bytes)),
                        Key::Channel(_) => loaded.channels.extend(read(bytes)),
                        Key::Stop(_) => loaded.stops.extend(read(bytes)),
                        Key::Outgoing(..) => loaded.outgoing.extend(read(bytes)),
                        Key::Draft(..) => loaded.drafts.extend(read(bytes)),
                        Key::Keys => loaded.keys = read(bytes),
                        Key::Message(..) | Key::Picture(_) => {}
                    }
                }
                let is_held = |lane: &[u8; 8]| self.lanes.contains(&crate::engine::lane_name(lane));
                loaded.outgoing.retain(|item| item.lane == *own || !is_held(&item.lane));
            }
        }
        loaded
    }
}

/// A request on its way out.
pub struct Ask {
    pub id: u32,
    pub token: Option<String>,
    pub request: Request,
}

/// The socket, seen from the browser.
pub struct Wire {
    pub id: SocketId,
    pub up: VecDeque<ToRelay>,
    pub down: VecDeque<Down>,
}

pub enum Down {
    Open,
    Frame(FromRelay),
    Closed,
}

/// What the browser wants of its socket, in order with what it asks for.
pub enum Dial {
    Connect,
    Disconnect,
}

/// A text on screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The author's handle.
    pub author: String,
    pub text: String,
    pub state: Delivery,
}

pub struct Browser<S: Suite> {
    pub name: String,
    pub disk: Rc<RefCell<Disk<S::DeviceKey>>>,
    /// Everything the page was told, in order.
    pub changes: Vec<Change>,
    /// The page's own model of it.
    pub store: Store,
    pub answers: BTreeMap<u32, Result<Outcome, Problem>>,
    /// Stops dead before so many effects more: a crash. Comes back with a reload.
    pub fuse: Option<u32>,
    /// Inputs that are taken together, if there are so many.
    pub at_once: usize,
    /// What tells how long things take: any count that goes up, for measurements.
    pub clock: Option<fn() -> u64>,
    /// How much of it the engine and the page's model took, in this order.
    pub spent: [u64; 2],
    pub has_network: bool,
    /// It was left alone for long before it starts again.
    pub overdue: bool,
    /// Requests do not get through; the socket goes on.
    pub holds_asks: bool,
    /// Requests get through, answers do not.
    pub holds_replies: bool,
    /// Index of the relay it reaches.
    pub relay: usize,
    engine: Engine<S>,
    suite: S,
    rng: FixedRng,
    /// The disk is open here: something is kept.
    is_open: bool,
    /// The token of the account that it was opened with.
    token: String,
    next_command: u32,
    pub(super) inputs: VecDeque<Input<S::DeviceKey>>,
    pub(super) asks: Vec<Ask>,
    pub(super) replies: Vec<(u32, Result<Reply, Failure>)>,
    pub(super) wire: Option<Wire>,
    pub(super) dials: VecDeque<Dial>,
    /// What the other tabs of this browser are to hear.
    pub(super) told: Vec<Word>,
    /// When ticks are due, milliseconds since 1970.
    pub(super) timers: Vec<u64>,
}

impl<S: Suite> Browser<S> {
    pub fn new(name: &str, suite: S, disk: Rc<RefCell<Disk<S::DeviceKey>>>, mut rng: FixedRng) -> Self {
        let engine = Engine::new(&mut rng);
        let mut browser = Self {
            name: name.to_owned(),
            disk,
            changes: Vec::new(),
            store: Store::default(),
            answers: BTreeMap::new(),
            fuse: None,
            at_once: 1,
            clock: None,
            spent: [0; 2],
            has_network: true,
            overdue: false,
            holds_asks: false,
            holds_replies: false,
            relay: 0,
            engine,
            suite,
            rng,
            is_open: false,
            token: String::new(),
            next_command: 0,
            inputs: VecDeque::new(),
            asks: Vec::new(),
            replies: Vec::new(),
            wire: None,
            dials: VecDeque::new(),
            told: Vec::new(),
            timers: Vec::new(),
        };
        browser.start();
        browser
    }

    fn start(&mut self) {
        let lane = self.engine.lane_name();
        self.disk.borrow_mut().lanes.insert(lane);
        self.command(Command::Start {
            device: self.name.clone(),
            overdue: self.overdue,
        });
    }

    /// The tab is gone: its lane is free for others.
    pub(super) fn close(&mut self) {
        let lane = self.engine.lane_name();
        self.disk.borrow_mut().lanes.remove(&lane);
        self.inputs.clear();
        self.asks.clear();
        self.replies.clear();
        self.dials.clear();
        self.timers.clear();
        self.is_open = false;
    }

    /// A new engine and a new page over what was kept.
    pub(super) fn boot(&mut self) {
        self.close();
        self.engine = Engine::new(&mut self.rng);
        self.store = Store::default();
        self.changes.clear();
        self.answers.clear();
        self.fuse = None;
        self.start();
    }

    /// Queues a command; its answer comes under this number.
    pub fn command(&mut self, command: Command) -> u32 {
        self.next_command += 1;
        let id = self.next_command;
        // The way it goes to the worker.
        let ToWorker { id, command } = wired(&ToWorker { id, command });
        self.inputs.push_back(Input::Command { id, command });
        id
    }

    pub fn input(&mut self, input: Input<S::DeviceKey>) {
        self.inputs.push_back(input);
    }

    pub fn is_dead(&self) -> bool {
        self.fuse == Some(0)
    }

    /// The next inputs, and everything that follows from them.
    pub(super) async fn think(&mut self, now_ms: u64) {
        let began = self.at();
        let mut effects = Vec::new();
        for _ in 0..self.at_once {
            let Some(input) = self.inputs.pop_front() else { break };
            let mut ctx = Ctx {
                now_ms,
                rng: &mut self.rng,
                suite: &self.suite,
            };
            effects.extend(self.engine.handle(input, &mut ctx).await);
        }
        self.spent[0] += self.at() - began;
        self.perform(gather(effects), now_ms);
    }

    fn at(&self) -> u64 {
        self.clock.map_or(0, |clock| clock())
    }

    fn perform(&mut self, effects: Vec<Effect<S::DeviceKey>>, now_ms: u64) {
        let mut effects = effects.into_iter();
        while let Some(effect) = effects.next() {
            match &mut self.fuse {
                Some(0) => return,
                Some(left) => *left -= 1,
                None => {}
            }
            match effect {
                Effect::Save(records) => {
                    if self.is_open && !records.is_empty() && !self.disk.borrow_mut().save(records) {
                        // What follows depends on having been kept: it is not done, and whoever waits is told.
                        for left in effects.by_ref() {
                            self.drop_one(left);
                        }
                        self.inputs.push_back(Input::StorageFull);
                    }
                }
                effect => self.perform_one(effect, now_ms),
            }
        }
    }

    /// An effect that is not done after a failed save.
    fn drop_one(&mut self, effect: Effect<S::DeviceKey>) {
        match effect {
            Effect::Answer { id, .. } => drop(self.answers.insert(id, Err(Problem::StorageFull))),
            Effect::Ask { id, .. } => self.inputs.push_back(Input::Reply {
                id,
                result: Err(Failure::Offline),
            }),
            Effect::Load { id, .. } => self.inputs.push_back(Input::Loaded {
                id,
                loaded: Loaded::default(),
            }),
            Effect::Passwords { id, .. } => self.inputs.push_back(Input::Passwords { id, answer: None }),
            Effect::Connect => self.inputs.push_back(Input::SocketClosed),
            _ => {}
        }
    }

    fn perform_one(&mut self, effect: Effect<S::DeviceKey>, now_ms: u64) {
        match effect {
            Effect::Save(_) => {}
            Effect::Load { id, query } => {
                let loaded = if self.is_open {
                    self.disk.borrow().load(&query)
                } else {
                    Loaded::default()
                };
                self.inputs.push_back(Input::Loaded { id, loaded });
            }
            Effect::Restore => {
                let kept = self.disk.borrow().kept.clone();
                let kept = kept.map(|(account, key)| {
                    let account: KeptAccount = serde_json::from_slice(&account).expect("a kept account");
                    (account, key)
                });
                self.is_open = kept.is_some();
                self.token = kept
                    .as_ref()
                    .map(|(account, _)| account.token.clone())
                    .unwrap_or_default();
                let kept = kept.map(|(account, key)| (Kept::Open(account), key));
                let locked = self.disk.borrow().locked.clone();
                let locked = locked.map(|(account, key)| (Kept::Locked(account), key));
                self.inputs.push_back(Input::Restored(locked.or(kept)));
            }
            Effect::Keep { account, key, former } => {
                let mut disk = self.disk.borrow_mut();
                let opens = |key: [u8; 32]| key == account.dvk || former.iter().any(|former| *former.expose() == key);
                if !disk.sealed_under.is_some_and(opens) {
                    disk.wipe();
                }
                disk.sealed_under = Some(account.dvk);
                if disk.full {
                    self.inputs.push_back(Input::StorageFull);
                } else {
                    disk.locked = None;
                    disk.kept = Some((serde_json::to_vec(&account).expect("plain data"), key));
                    self.is_open = true;
                    self.token.clone_from(&account.token);
                }
            }
            Effect::Wipe => {
                self.disk.borrow_mut().wipe();
                self.is_open = false;
            }
            Effect::Lock => {
                let mut disk = self.disk.borrow_mut();
                let kept = disk
                    .kept
                    .as_ref()
                    .and_then(|(account, _)| serde_json::from_slice(account).ok());
                if kept.is_none_or(|account: KeptAccount| account.token == self.token) {
                    disk.kept = None;
                }
                self.is_open = false;
            }
            Effect::Shut(account) => {
                let mut disk = self.disk.borrow_mut();
                disk.locked = disk.kept.take().map(|(_, key)| (account, key));
                self.is_open = false;
            }
            Effect::Ask { id, token, request } => self.asks.push(Ask { id, token, request }),
            Effect::Passwords { id, question } => {
                let answer = Some(passwords::answer(&question, &mut self.rng));
                self.inputs.push_back(Input::Passwords { id, answer });
            }
            Effect::Connect => self.dials.push_back(Dial::Connect),
            Effect::Disconnect => self.dials.push_back(Dial::Disconnect),
            Effect::Transmit(frame) => {
                if let Some(wire) = &mut self.wire {
                    wire.up.push_back(frame);
                }
            }
            Effect::Wake { after_ms } => self.timers.push(now_ms + after_ms),
            Effect::Tell(word) => self.told.push(word),
            Effect::Show(change) => {
                let FromWorker::Changes(changes) = wired(&FromWorker::Changes(vec![change])) else {
                    unreachable!()
                };
                for change in changes {
                    let again = change.clone();
                    let began = self.at();
                    self.store.apply(again);
                    self.spent[1] += self.at() - began;
                    self.changes.push(change);
                }
            }
            Effect::Answer { id, result } => {
                let FromWorker::Done { id, result } = wired(&FromWorker::Done { id, result }) else {
                    unreachable!()
                };
                let earlier = self.answers.insert(id, result);
                assert!(earlier.is_none(), "{}: command {id} was answered twice", self.name);
            }
        }
    }

    // --- What a person sees --------------------------------------------------------------------------------------------------

    pub fn phase(&self) -> Phase {
        self.store.phase().get_untracked()
    }

    pub fn me(&self) -> Option<UserId> {
        untracked(|| self.store.me())
    }

    pub fn room(&self, id: RoomId) -> Option<Room> {
        untracked(|| self.store.room(id.into()))
    }

    /// A conversation as the list shows it.
    pub fn chat(&self, id: Chat) -> Option<Room> {
        untracked(|| self.store.room(id))
    }

    pub fn space(&self, id: RoomId) -> Option<Space> {
        untracked(|| self.store.space(id))
    }

    /// Requests too.
    pub fn rooms(&self) -> Vec<RoomId> {
        untracked(|| [self.store.room_list(), self.store.requests()].concat())
            .into_iter()
            .map(|chat| chat.room)
            .collect()
    }

    pub fn person(&self, id: UserId) -> Option<Person> {
        untracked(|| self.store.person(id))
    }

    /// What is said of the number that is shown for this person now.
    pub fn compared(&self, user: UserId, found: Found) -> Command {
        let since = self.person(user).map_or(0, |person| person.since);
        Command::Compared { user, since, found }
    }

    pub fn handle(&self, user: UserId) -> String {
        untracked(|| self.store.handle(user))
    }

    /// Handles of a room's members, sorted.
    pub fn members(&self, room: RoomId) -> Vec<String> {
        let members = untracked(|| self.store.members(room)).unwrap_or_default();
        let mut handles: Vec<String> = members.iter().map(|member| self.handle(member.user)).collect();
        handles.sort();
        handles
    }

    /// What holds in a room beside who is in it.
    pub fn order(&self, room: RoomId) -> Option<Order> {
        untracked(|| self.store.order(room))
    }

    pub fn reports(&self, room: RoomId) -> Option<Reports> {
        untracked(|| self.store.reports(room))
    }

    pub fn member_ids(&self, room: RoomId) -> Vec<UserId> {
        let members = untracked(|| self.store.members(room)).unwrap_or_default();
        let mut users: Vec<UserId> = members.iter().map(|member| member.user).collect();
        users.sort_unstable();
        users
    }

    /// Number of the newest message that somebody in a room has read, as far as is known; 0 for nothing.
    pub fn read_up_to(&self, room: RoomId, user: UserId) -> u64 {
        let members = untracked(|| self.store.members(room)).unwrap_or_default();
        let member = members.iter().find(|member| member.user == user);
        member.map_or(0, |member| member.read_up_to)
    }

    /// Who is said to be writing.
    pub fn typing(&self, room: RoomId) -> Vec<UserId> {
        untracked(|| self.store.typing(room.into()))
    }

    pub fn presence(&self, user: UserId) -> Option<Presence> {
        untracked(|| self.store.presence(user))
    }

    /// The room on screen.
    pub fn shown(&self) -> Option<RoomId> {
        self.store
            .shown()
            .with_untracked(|shown| shown.chat.map(|chat| chat.room))
    }

    pub fn has_older(&self) -> bool {
        self.store.shown().with_untracked(|shown| shown.has_older)
    }

    /// Everything on screen, in order.
    pub fn rows(&self) -> Vec<Body> {
        self.whole_rows().into_iter().map(|row| row.body).collect()
    }

    /// With their places.
    pub fn whole_rows(&self) -> Vec<Row> {
        let shown = self.store.shown().get_untracked();
        let rows = shown.cells.iter().map(|cell| cell.row.get_untracked());
        rows.collect()
    }

    /// The rows of the thread on screen.
    pub fn answers(&self) -> Vec<Row> {
        let shown = self.store.answers().get_untracked();
        shown.cells.iter().map(|cell| cell.row.get_untracked()).collect()
    }

    /// The texts on screen, in order.
    pub fn lines(&self) -> Vec<Line> {
        let line = |body| match body {
            Body::Text {
                author, text, state, ..
            } => Some(Line {
                author: self.handle(author),
                text,
                state,
            }),
            Body::Poll {
                author, poll, state, ..
            } => Some(Line {
                author: self.handle(author),
                text: poll.question,
                state,
            }),
            Body::Unreadable(_) | Body::Note(_) => None,
        };
        self.rows().into_iter().filter_map(line).collect()
    }

    /// Problems the page was told of that no command waited for.
    pub fn notices(&self) -> Vec<Problem> {
        let notice = |change: &Change| match change {
            Change::Notice(problem) => Some(problem.clone()),
            _ => None,
        };
        self.changes.iter().filter_map(notice).collect()
    }
}

/// As it comes out at the other side, of page or worker.
fn wired<T: Wired>(said: &T) -> T {
    T::from_bytes(&said.to_bytes().unwrap()).unwrap()
}

/// Reads the page's model outside of anything that draws.
fn untracked<T>(read: impl FnOnce() -> T) -> T {
    reactive_graph::graph::untrack(read)
}
