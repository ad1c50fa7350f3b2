//! What the page knows, as signals. [`Store::apply`] is the only writer; everything else reads.
//!
//! People and rooms are cells of their own, so that one new message redraws one row of the list and not the list.

use std::collections::HashMap;
use std::sync::Arc;

use reactive_graph::prelude::*;
use reactive_graph::signal::{ArcRwSignal, ReadSignal, RwSignal};
use sotto_shared::id::{ChannelId, DeviceKeyId, EnvelopeHash, MessageId, RoomId, UserId};

use crate::view::{
    Alert, Body, Change, Chat, Contact, Link, Member, Order, Person, Phase, Presence, Problem, Reports, Room, RoomHush,
    Row, Space, Step, Timeline, Usual,
};

/// One row of the room on screen. The cell stays while the row's content changes, so focus and selection survive.
#[derive(Clone)]
pub struct Cell {
    pub key: Arc<str>,
    pub order: (u64, u64),
    pub row: ArcRwSignal<Row>,
}

/// The rows of the room on screen, ascending by `order`.
#[derive(Clone, Default)]
pub struct Shown {
    /// They are those of the thread that begins with this message.
    pub thread: Option<EnvelopeHash>,
    pub chat: Option<Chat>,
    pub cells: Vec<Cell>,
    /// Where each stands, by its key: there may be a hundred thousand.
    orders: HashMap<Arc<str>, (u64, u64)>,
    pub has_older: bool,
    pub first_unread: Option<String>,
    /// How often they came whole: each time, `first_unread` is told anew.
    pub times: u32,
}

/// A notice, numbered so that the same problem twice is two notices.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub number: u32,
    pub problem: Problem,
}

/// Whether somebody is here, and when they were last heard of.
type Seen = (Option<Presence>, Option<u64>);

#[derive(Clone, Copy)]
pub struct Store {
    phase: RwSignal<Phase>,
    step: RwSignal<Option<Step>>,
    link: RwSignal<Link>,
    queued: RwSignal<u32>,
    syncing: RwSignal<bool>,
    people: RwSignal<HashMap<UserId, ArcRwSignal<Person>>>,
    rooms: RwSignal<HashMap<Chat, ArcRwSignal<Room>>>,
    spaces: RwSignal<HashMap<RoomId, ArcRwSignal<Space>>>,
    members: RwSignal<HashMap<RoomId, Arc<Vec<Member>>>>,
    orders: RwSignal<HashMap<RoomId, ArcRwSignal<Order>>>,
    reports: RwSignal<HashMap<RoomId, ArcRwSignal<Reports>>>,
    /// Of private channels.
    channel_members: RwSignal<HashMap<Chat, Arc<Vec<UserId>>>>,
    shown: RwSignal<Shown>,
    typing: RwSignal<HashMap<Chat, Vec<UserId>>>,
    presence: RwSignal<HashMap<UserId, ArcRwSignal<Seen>>>,
    levels: RwSignal<(Option<Usual>, Arc<Vec<RoomHush>>)>,
    /// The thread beside it.
    answers: RwSignal<Shown>,
    notice: RwSignal<Option<Notice>>,
    recovery_key: RwSignal<bool>,
    vault_doubted: RwSignal<bool>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            phase: RwSignal::new(Phase::Opening),
            step: RwSignal::new(None),
            link: RwSignal::new(Link::Connecting),
            queued: RwSignal::new(0),
            syncing: RwSignal::new(false),
            people: RwSignal::new(HashMap::new()),
            rooms: RwSignal::new(HashMap::new()),
            spaces: RwSignal::new(HashMap::new()),
            members: RwSignal::new(HashMap::new()),
            orders: RwSignal::new(HashMap::new()),
            reports: RwSignal::new(HashMap::new()),
            channel_members: RwSignal::new(HashMap::new()),
            shown: RwSignal::new(Shown::default()),
            typing: RwSignal::default(),
            presence: RwSignal::default(),
            levels: RwSignal::default(),
            answers: RwSignal::new(Shown::default()),
            notice: RwSignal::new(None),
            recovery_key: RwSignal::new(false),
            vault_doubted: RwSignal::new(false),
        }
    }
}

impl Store {
    /// Takes in one change. The only place that writes.
    pub fn apply(self, change: Change) {
        match change {
            Change::Phase(phase) => self.enter(phase),
            Change::Step(step) => self.step.set(Some(step)),
            Change::Link(link) => self.link.set(link),
            Change::Queued(count) => self.queued.set(count),
            Change::Syncing(on) => self.syncing.set(on),
            Change::Person(person) => put(self.people, person.id, person),
            Change::Room(room) => put(self.rooms, room.id, room),
            Change::RoomGone(chat) => {
                let room = self.rooms.try_update(|rooms| rooms.remove(&chat)).flatten();
                // Those of a space are there for its other channels, too.
                if room.is_some_and(|room| room.with_untracked(|room| room.channel.is_none())) {
                    self.members.update(|members| drop(members.remove(&chat.room)));
                }
                self.channel_members.update(|all| drop(all.remove(&chat)));
                if self.shown.with_untracked(|shown| shown.chat == Some(chat)) {
                    self.shown.set(Shown::default());
                }
            }
            Change::Members { room, members } => self.members.update(|all| drop(all.insert(room, Arc::new(members)))),
            Change::Order(order) => put(self.orders, order.room, order),
            Change::Reports(reports) => put(self.reports, reports.room, reports),
            Change::Space(space) => put(self.spaces, space.id, space),
            Change::SpaceGone(id) => {
                self.spaces.update(|spaces| drop(spaces.remove(&id)));
                self.members.update(|members| drop(members.remove(&id)));
            }
            Change::ChannelMembers { chat, users } => {
                self.channel_members
                    .update(|all| drop(all.insert(chat, Arc::new(users))));
            }
            Change::Typing { chat, who } => self.typing.update(|all| {
                if who.is_empty() {
                    all.remove(&chat);
                } else {
                    all.insert(chat, who);
                }
            }),
            Change::Presence {
                user,
                presence,
                seen_ms,
            } => put(self.presence, user, (presence, seen_ms)),
            Change::Levels { usual, rooms } => self.levels.set((Some(usual), Arc::new(rooms))),
            Change::Timeline(timeline) if timeline.thread.is_some() => {
                self.answers.update(|shown| shown.take(timeline));
            }
            Change::Timeline(timeline) => self.shown.update(|shown| shown.take(timeline)),
            // It stays until it is over, not for a moment.
            Change::Notice(Problem::VaultRolledBack) => self.vault_doubted.set(true),
            Change::Notice(problem) => self.notice.update(|notice| {
                let number = notice.as_ref().map_or(0, |last| last.number) + 1;
                *notice = Some(Notice { number, problem });
            }),
            Change::RecoveryKey(there) => {
                self.recovery_key.set(there);
                // It is read from a vault that was found right.
                self.vault_doubted.set(false);
            }
        }
    }

    fn enter(self, phase: Phase) {
        match &phase {
            Phase::SignedIn { me, .. } => put(self.people, me.id, me.clone()),
            // Nothing of the account that left may stay on the page.
            Phase::SignedOut { .. } | Phase::Locked { .. } => {
                self.people.set(HashMap::new());
                self.rooms.set(HashMap::new());
                self.spaces.set(HashMap::new());
                self.members.set(HashMap::new());
                self.orders.set(HashMap::new());
                self.reports.set(HashMap::new());
                self.channel_members.set(HashMap::new());
                self.shown.set(Shown::default());
                self.typing.set(HashMap::new());
                self.presence.set(HashMap::new());
                self.levels.set(Default::default());
                self.answers.set(Shown::default());
                self.queued.set(0);
                self.syncing.set(false);
                self.recovery_key.set(false);
                self.vault_doubted.set(false);
            }
            Phase::Opening => {}
        }
        self.step.set(None);
        self.phase.set(phase);
    }

    pub fn phase(self) -> ReadSignal<Phase> {
        self.phase.read_only()
    }

    pub fn step(self) -> ReadSignal<Option<Step>> {
        self.step.read_only()
    }

    pub fn link(self) -> ReadSignal<Link> {
        self.link.read_only()
    }

    pub fn queued(self) -> ReadSignal<u32> {
        self.queued.read_only()
    }

    pub fn syncing(self) -> ReadSignal<bool> {
        self.syncing.read_only()
    }

    pub fn shown(self) -> ReadSignal<Shown> {
        self.shown.read_only()
    }

    /// The rows of the thread on screen.
    pub fn answers(self) -> ReadSignal<Shown> {
        self.answers.read_only()
    }

    pub fn notice(self) -> ReadSignal<Option<Notice>> {
        self.notice.read_only()
    }

    /// Whether this account has a recovery key.
    pub fn recovery_key(self) -> ReadSignal<bool> {
        self.recovery_key.read_only()
    }

    /// Whether the server shows an older state of this account's keys and contacts than it should.
    pub fn vault_doubted(self) -> ReadSignal<bool> {
        self.vault_doubted.read_only()
    }

    /// The address of the server: what stands after a handle.
    pub fn realm(self) -> String {
        self.phase.with(|phase| match phase {
            Phase::SignedOut { realm } | Phase::SignedIn { realm, .. } | Phase::Locked { realm, .. } => realm.clone(),
            Phase::Opening => String::new(),
        })
    }

    pub fn me(self) -> Option<UserId> {
        self.phase.with(|phase| match phase {
            Phase::SignedIn { me, .. } => Some(me.id),
            _ => None,
        })
    }

    pub fn this_device(self) -> Option<DeviceKeyId> {
        self.phase.with(|phase| match phase {
            Phase::SignedIn { device, .. } => Some(*device),
            _ => None,
        })
    }

    pub fn person(self, id: UserId) -> Option<Person> {
        let cell = self.people.with(|people| people.get(&id).cloned());
        cell.map(|cell| cell.get())
    }

    /// Everybody this page has heard of, in no order.
    pub fn people(self) -> Vec<Person> {
        self.people
            .with(|people| people.values().map(ArcRwSignal::get).collect())
    }

    /// A person's handle, or nothing yet.
    pub fn handle(self, id: UserId) -> String {
        self.person(id).map(|person| person.handle).unwrap_or_default()
    }

    /// What a person is called, or nothing yet. Where something hangs on who it is, the handle is what counts.
    pub fn name(self, id: UserId) -> String {
        self.person(id)
            .map(|person| person.shown().to_owned())
            .unwrap_or_default()
    }

    /// Whether nothing that this person says is to be shown.
    pub fn is_blocked(self, id: UserId) -> bool {
        self.person(id).is_some_and(|person| person.contact == Contact::Blocked)
    }

    /// The same where something is decided about a person: names may be anybody's, so the handle stands behind one.
    pub fn who(self, id: UserId) -> String {
        let Some(person) = self.person(id) else {
            return String::new();
        };
        if person.name.is_empty() {
            person.handle
        } else {
            format!("{} ({})", person.name, person.handle)
        }
    }

    /// As what stays names them: by the handle; guests, whose handle says nothing, by the name with it.
    pub fn on_record(self, id: UserId) -> String {
        if self.person(id).is_some_and(|person| person.guest) {
            self.who(id)
        } else {
            self.handle(id)
        }
    }

    pub fn room(self, id: Chat) -> Option<Room> {
        let cell = self.rooms.with(|rooms| rooms.get(&id).cloned());
        cell.map(|cell| cell.get())
    }

    /// Every conversation outside of spaces but requests, the most recently active first.
    pub fn room_list(self) -> Vec<Chat> {
        self.list(false)
    }

    /// Direct messages that somebody else began and about which nothing was decided yet, the newest first.
    pub fn requests(self) -> Vec<Chat> {
        self.list(true)
    }

    fn list(self, requests: bool) -> Vec<Chat> {
        let mut list: Vec<(u64, Chat)> = self.rooms.with(|rooms| {
            let of = |cell: &ArcRwSignal<Room>| cell.with(|room| (room.request == requests).then_some(room.active_ms));
            let outside = rooms.iter().filter(|(id, _)| id.channel == ChannelId::MAIN);
            outside.filter_map(|(id, cell)| Some((of(cell)?, *id))).collect()
        });
        list.sort_unstable_by(|a, b| b.cmp(a));
        list.into_iter().map(|(_, id)| id).collect()
    }

    /// The channels of a space that are in use and can be read, in the order of its column.
    pub fn channels(self, space: RoomId) -> Vec<Chat> {
        let headings = self.space(space).map(|space| space.headings).unwrap_or_default();
        let all = headings.into_iter().flat_map(|heading| heading.channels);
        let all = all.map(|channel| Chat { room: space, channel });
        let in_use = |chat: &Chat| self.room(*chat)?.channel.map(|info| !info.archived);
        all.filter(|chat| in_use(chat) == Some(true)).collect()
    }

    /// Whether a space has something unread.
    pub fn unread_in(self, space: RoomId) -> bool {
        self.any(|id| id.room == space)
    }

    /// Whether something is unread in a room that is not muted.
    pub fn any_fresh(self) -> bool {
        self.any(|_| true)
    }

    /// The same outside of spaces.
    pub fn any_fresh_outside(self) -> bool {
        self.any(|id| id.channel == ChannelId::MAIN)
    }

    fn any(self, of: impl Fn(&Chat) -> bool) -> bool {
        self.rooms.with(|rooms| {
            let mut wanted = rooms.iter().filter(|(id, _)| of(id));
            wanted.any(|(_, cell)| cell.with(Room::is_fresh))
        })
    }

    pub fn space(self, id: RoomId) -> Option<Space> {
        let cell = self.spaces.with(|spaces| spaces.get(&id).cloned());
        cell.map(|cell| cell.get())
    }

    /// Every space, in the order of their names.
    pub fn space_list(self) -> Vec<RoomId> {
        let mut list: Vec<(String, RoomId)> = self.spaces.with(|spaces| {
            let name = |cell: &ArcRwSignal<Space>| cell.with(|space| space.name.to_lowercase());
            spaces.iter().map(|(id, cell)| (name(cell), *id)).collect()
        });
        list.sort_unstable();
        list.into_iter().map(|(_, id)| id).collect()
    }

    /// Who is in a private channel, or `None` for any other.
    pub fn channel_members(self, chat: Chat) -> Option<Arc<Vec<UserId>>> {
        self.channel_members.with(|all| all.get(&chat).cloned())
    }

    /// Unread messages that are meant for this person, over all rooms that are not muted.
    pub fn calls(self) -> u32 {
        self.calls_of(|_| true)
    }

    /// The same outside of spaces.
    pub fn calls_outside(self) -> u32 {
        self.calls_of(|id| id.channel == ChannelId::MAIN)
    }

    /// The same in one space.
    pub fn calls_in(self, space: RoomId) -> u32 {
        self.calls_of(|id| id.room == space)
    }

    fn calls_of(self, of: impl Fn(&Chat) -> bool) -> u32 {
        let calls = |room: &Room| room.calls().filter(|_| !room.hush.muted).unwrap_or_default();
        self.rooms.with(|rooms| {
            let wanted = rooms.iter().filter(|(id, _)| of(id));
            wanted.map(|(_, cell)| cell.with(calls)).sum()
        })
    }

    /// What of each room the person wants to be told.
    pub fn alerts(self) -> Vec<(Chat, Option<Alert>)> {
        self.rooms.with(|rooms| {
            let alert = |cell: &ArcRwSignal<Room>| cell.with(|room| room.alert.clone());
            rooms.iter().map(|(chat, cell)| (*chat, alert(cell))).collect()
        })
    }

    /// Others who write in a conversation now.
    pub fn typing(self, chat: Chat) -> Vec<UserId> {
        self.typing.with(|all| all.get(&chat).cloned().unwrap_or_default())
    }

    /// Whether somebody is here, as far as they let it be known.
    pub fn presence(self, user: UserId) -> Option<Presence> {
        let cell = self.presence.with(|all| all.get(&user).cloned());
        cell.and_then(|cell| cell.with(|(presence, _)| *presence))
    }

    /// When somebody was last heard of, milliseconds since 1970.
    pub fn last_seen(self, user: UserId) -> Option<u64> {
        let cell = self.presence.with(|all| all.get(&user).cloned());
        cell.and_then(|cell| cell.with(|(_, seen_ms)| *seen_ms))
    }

    /// What is told where nothing else was chosen; none while it is not known.
    pub fn usual(self) -> Option<Usual> {
        self.levels.with(|(usual, _)| *usual)
    }

    /// What was chosen for a room or a space as a whole.
    pub fn room_hush(self, room: RoomId) -> Option<RoomHush> {
        self.levels
            .with(|(_, rooms)| rooms.iter().find(|hush| hush.room == room).copied())
    }

    /// What holds in a room beside who is in it.
    pub fn order(self, room: RoomId) -> Option<Order> {
        let cell = self.orders.with(|orders| orders.get(&room).cloned());
        cell.map(|cell| cell.get())
    }

    /// What was reported in a room; `None` while that is not known, and for whoever may not act.
    pub fn reports(self, room: RoomId) -> Option<Reports> {
        let cell = self.reports.with(|reports| reports.get(&room).cloned());
        cell.map(|cell| cell.get())
    }

    /// How much waits to be gone through there.
    pub fn reports_waiting(self, room: RoomId) -> u32 {
        self.reports(room).map_or(0, |reports| reports.open)
    }

    /// The members of a room, or `None` while they are not known.
    pub fn members(self, room: RoomId) -> Option<Arc<Vec<Member>>> {
        self.members.with(|all| all.get(&room).cloned())
    }
}

fn put<K, V>(map: RwSignal<HashMap<K, ArcRwSignal<V>>>, key: K, value: V)
where
    K: Eq + std::hash::Hash + Send + Sync + 'static,
    V: PartialEq + Send + Sync + 'static,
{
    let cell = map.with_untracked(|map| map.get(&key).cloned());
    match cell {
        Some(cell) => {
            if cell.with_untracked(|old| *old != value) {
                cell.set(value);
            }
        }
        None => map.update(|map| drop(map.insert(key, ArcRwSignal::new(value)))),
    }
}

impl Shown {
    fn take(&mut self, timeline: Timeline) {
        // Rows that stand again keep their cells: the page puts up only what has a new key.
        let mut old = HashMap::new();
        if timeline.reset {
            let cells = std::mem::take(&mut self.cells);
            if self.chat == Some(timeline.chat) && self.thread == timeline.thread {
                old.extend(cells.into_iter().map(|cell| (cell.key.clone(), cell)));
            }
            *self = Self {
                thread: timeline.thread,
                chat: Some(timeline.chat),
                first_unread: timeline.first_unread,
                times: self.times + 1,
                ..Self::default()
            };
        } else if self.chat != Some(timeline.chat) || self.thread != timeline.thread {
            // Late news of a room that is no longer on screen.
            return;
        }
        if let Some(has_older) = timeline.has_older {
            self.has_older = has_older;
        }
        let gone: Vec<&String> = (timeline.gone.iter())
            .filter(|key| self.orders.remove(key.as_str()).is_some())
            .collect();
        if !gone.is_empty() {
            self.cells.retain(|cell| !gone.iter().any(|key| ***key == *cell.key));
        }
        let mut fresh: Vec<Cell> = Vec::new();
        for row in timeline.rows {
            let order = row.order;
            let known = self.orders.insert(Arc::from(row.key.as_str()), order);
            let cell = match known.map(|before| self.at(before, &row.key)) {
                Some(Some(at)) if known == Some(order) => {
                    update(&self.cells[at].row, row);
                    continue;
                }
                // It moves and keeps its cell.
                Some(Some(at)) => Some(self.cells.remove(at)),
                // It came a moment ago.
                Some(None) => {
                    let at = fresh.iter().position(|cell| *cell.key == *row.key);
                    at.map(|at| fresh.swap_remove(at))
                }
                None => old.remove(&*row.key),
            };
            fresh.push(match cell {
                Some(cell) => {
                    update(&cell.row, row);
                    Cell { order, ..cell }
                }
                None => Cell {
                    key: Arc::from(row.key.as_str()),
                    order,
                    row: ArcRwSignal::new(row),
                },
            });
        }
        fresh.sort_by_key(|cell| cell.order);
        let follows = |first: &Cell| self.cells.last().is_none_or(|last| last.order < first.order);
        let in_order = fresh.first().is_none_or(follows);
        self.cells.append(&mut fresh);
        if !in_order {
            // Two runs, each in order: that is quick.
            self.cells.sort_by_key(|cell| cell.order);
        }
    }

    /// Where the row of this key stands, which has this order.
    fn at(&self, order: (u64, u64), key: &str) -> Option<usize> {
        let at = self.cells.partition_point(|cell| cell.order < order);
        self.cells.get(at).filter(|cell| *cell.key == *key).map(|_| at)
    }
}

/// Another content for a row, if it is another.
fn update(cell: &ArcRwSignal<Row>, row: Row) {
    if cell.with_untracked(|old| *old != row) {
        cell.set(row);
    }
}

/// The author of a row that is a message, and its id.
pub fn authored(body: &Body) -> Option<(UserId, MessageId)> {
    match body {
        Body::Text { author, message, .. } | Body::Poll { author, message, .. } => Some((*author, *message)),
        Body::Unreadable(_) | Body::Note(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{Delivery, Note};

    fn row(key: &str, order: u64, text: &str) -> Row {
        let body = Body::Text {
            author: UserId::from_bytes([1; 32]),
            message: MessageId::from_bytes([2; 16]),
            text: text.into(),
            state: Delivery::Sent,
            edited: false,
            reactions: Vec::new(),
            ties: crate::view::Ties::default(),
        };
        Row {
            key: key.into(),
            order: (order, 0),
            at_ms: order,
            body,
            hash: None,
            thread: None,
        }
    }

    fn timeline(reset: bool, rows: Vec<Row>) -> Timeline {
        Timeline {
            chat: RoomId::from_bytes([9; 32]).into(),
            thread: None,
            reset,
            rows,
            gone: vec![],
            has_older: None,
            first_unread: None,
        }
    }

    fn keys(shown: &Shown) -> Vec<String> {
        shown.cells.iter().map(|cell| cell.key.to_string()).collect()
    }

    #[test]
    fn rows_stand_by_their_order_however_they_come() {
        let mut shown = Shown::default();
        shown.take(timeline(true, vec![row("c", 3, ""), row("a", 1, "")]));
        shown.take(timeline(false, vec![row("b", 2, "")]));
        assert_eq!(keys(&shown), ["a", "b", "c"]);
    }

    #[test]
    fn a_confirmed_row_moves_and_keeps_its_cell() {
        let mut shown = Shown::default();
        shown.take(timeline(true, vec![row("mine", 1000, "pending"), row("other", 5, "")]));
        let cell = shown.cells[1].row.clone();
        shown.take(timeline(false, vec![row("mine", 4, "sent")]));
        assert_eq!(keys(&shown), ["mine", "other"]);
        assert!(cell.with_untracked(|row| matches!(&row.body, Body::Text { text, .. } if text == "sent")));
    }

    #[test]
    fn a_row_that_is_shown_anew_keeps_its_cell() {
        let mut shown = Shown::default();
        shown.take(timeline(true, vec![row("a", 1, ""), row("b", 2, "locked")]));
        let cell = shown.cells[1].row.clone();
        shown.take(timeline(true, vec![row("b", 2, "still locked"), row("c", 3, "")]));
        assert_eq!(keys(&shown), ["b", "c"]);
        shown.take(timeline(false, vec![row("b", 2, "open")]));
        assert!(cell.with_untracked(|row| matches!(&row.body, Body::Text { text, .. } if text == "open")));
    }

    #[test]
    fn each_time_a_room_is_shown_anew_can_be_told_from_the_last() {
        let mut shown = Shown::default();
        shown.take(timeline(true, vec![row("a", 1, "")]));
        let last = shown.times;
        shown.take(timeline(false, vec![row("b", 2, "")]));
        assert_eq!(shown.times, last, "news of the same");
        shown.take(timeline(true, vec![row("a", 1, "")]));
        assert_ne!(shown.times, last);
    }

    #[test]
    fn news_of_a_room_that_is_not_shown_changes_nothing() {
        let mut shown = Shown::default();
        shown.take(timeline(false, vec![row("a", 1, "")]));
        assert!(shown.cells.is_empty());
    }

    #[test]
    fn rows_that_are_gone_leave() {
        let mut shown = Shown::default();
        shown.take(timeline(true, vec![row("a", 1, ""), row("b", 2, "")]));
        shown.take(Timeline {
            gone: vec!["a".into()],
            ..timeline(false, vec![])
        });
        assert_eq!(keys(&shown), ["b"]);
    }

    #[test]
    fn a_row_that_comes_twice_at_once_stands_once() {
        let mut shown = Shown::default();
        shown.take(timeline(
            true,
            vec![row("a", 9, "pending"), row("b", 2, ""), row("a", 1, "sent")],
        ));
        assert_eq!(keys(&shown), ["a", "b"]);
        shown.take(Timeline {
            gone: vec!["a".into(), "never".into()],
            ..timeline(false, vec![row("a", 3, "again"), row("c", 0, "")])
        });
        assert_eq!(keys(&shown), ["c", "b", "a"]);
    }

    /// A hundred thousand rows, then sixty at each end: by a look at every row for every other one that would take minutes.
    #[test]
    fn very_many_rows_come_quickly() {
        let many = |from: u64, to: u64| {
            (from..to)
                .map(|at| row(&format!("row {at}"), at, ""))
                .collect::<Vec<_>>()
        };
        let mut shown = Shown::default();
        shown.take(timeline(true, many(1_000, 101_000)));
        for at in 0..10 {
            shown.take(timeline(false, many(940 - at * 60, 1_000 - at * 60)));
            shown.take(timeline(false, many(101_000 + at * 60, 101_060 + at * 60)));
        }
        assert_eq!(shown.cells.len(), 101_200);
        assert!(shown.cells.is_sorted_by_key(|cell| cell.order));
    }

    #[test]
    fn a_note_has_no_author() {
        assert_eq!(
            authored(&Body::Note(Note::Left {
                who: UserId::from_bytes([1; 32])
            })),
            None
        );
    }
}
