//! Going to a message that was named: by its number, its id, its hash, or the time it was written.
//!
//! Messages are verified backwards from the newest, so what is not here yet is fetched page by page until it is: from this
//! browser's store as far as that goes, then from the relay. Whoever asked waits for it.

use sotto_shared::api::body::{PageFrom, PageGet};
use sotto_shared::api::limits::MAX_PAGE;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{EnvelopeHash, Head, UserId};

use super::ask::{Pending, Request};
use super::bodies::message_key;
use super::chats::Place;
use super::record::{MessageRecord, StoredBody};
use super::{Effect, Engine, Out};
use crate::view::{Chat, Link, Outcome, Problem, Target};

/// Messages brought at a time.
const STEP: u64 = MAX_PAGE as u64;
/// Rows shown before the one that was gone to.
const BEFORE: u64 = 30;
/// So far back pinned messages, and those put aside, are looked for by themselves.
const FOR_PINS: u64 = 3_000;

/// Somebody waits for messages that may not be here yet.
pub(crate) struct Quest {
    command: u32,
    chat: Chat,
    goal: Goal,
    /// First message in memory when the store, and when the relay, was asked for what is before it.
    asked_store: Option<u64>,
    asked_relay: Option<u64>,
}

#[derive(Clone, Copy)]
enum Goal {
    Show(Target),
    /// The thread that begins with it.
    Thread(Target),
    Pins,
    /// All threads; with a number, once there are messages in memory from before that one.
    Threads(Option<u64>),
    /// One that was put aside, and when.
    Saved(EnvelopeHash, u64),
    /// All that was written, so that it can be taken back.
    Cancel,
}

enum Found {
    At(u64),
    /// Before what is here, perhaps: from this number on.
    Before(u64),
    Nowhere,
}

impl Place<'_> {
    fn find(&self, target: Target, me: UserId, now_ms: u64) -> Found {
        let channel = &self.channel;
        let first = channel.first_loaded();
        let has_row = |message: &&MessageRecord| !self.message_rows(message, me, now_ms).is_empty();
        let found = match target {
            Target::Number(number) if number > 0 && number < first => return Found::Before(number),
            Target::Number(number) => channel.messages.get(&number),
            Target::Message(id) => channel.messages.values().find(|message| message.msg_id == id),
            Target::Hash(hash) => channel.named(&Head::from_bytes(*hash.as_bytes())),
            Target::Time(at_ms) => {
                let is_later = |message: &&MessageRecord| message.body.by().is_some_and(|by| by.at_ms >= at_ms);
                let begins_before = channel.messages.values().find_map(|message| message.body.by());
                let is_here = first <= 1 || begins_before.is_some_and(|by| by.at_ms < at_ms);
                let rows = || channel.messages.values().filter(has_row);
                // What is older counts only if it is known that nothing before it is younger.
                if is_here {
                    rows().find(is_later).or_else(|| rows().next_back())
                } else {
                    None
                }
            }
        };
        // What belongs to a thread is found where that begins.
        let begins = found.and_then(|message| self.thread_of(message));
        let found = match begins {
            Some(hash) => channel.named(&hash),
            None => found,
        };
        match found {
            Some(message) if has_row(&message) => Found::At(message.seq),
            Some(_) => Found::Nowhere,
            None if first > 1 && !matches!(target, Target::Number(_)) => Found::Before(first.saturating_sub(STEP)),
            None => Found::Nowhere,
        }
    }
}

impl<S: Suite> Engine<S> {
    pub(super) fn jump_to(&mut self, command: u32, chat: Chat, target: Target) -> Result<Option<Outcome>, Problem> {
        self.begin_quest(command, chat, Goal::Show(target))
    }

    pub(super) fn show_thread(
        &mut self,
        command: u32,
        chat: Chat,
        root: EnvelopeHash,
    ) -> Result<Option<Outcome>, Problem> {
        self.begin_quest(command, chat, Goal::Thread(Target::Hash(root)))
    }

    pub(super) fn list_pins(&mut self, command: u32, chat: Chat) -> Result<Option<Outcome>, Problem> {
        self.begin_quest(command, chat, Goal::Pins)
    }

    pub(super) fn list_threads(&mut self, command: u32, chat: Chat, back: bool) -> Result<Option<Outcome>, Problem> {
        let begun = self.place(chat).map(|room| room.channel.first_loaded());
        self.begin_quest(command, chat, Goal::Threads(begun.filter(|_| back)))
    }

    pub(super) fn read_saved(
        &mut self,
        command: u32,
        chat: Chat,
        target: EnvelopeHash,
        saved_ms: u64,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        if self.place(chat).is_none() {
            return Ok(Some(Outcome::Saved(vec![self.shown_saved(chat, target, saved_ms)])));
        }
        // Its key may never come: whoever asked for it before waits no longer.
        let is_same =
            |quest: &mut Quest| quest.chat == chat && matches!(quest.goal, Goal::Saved(hash, _) if hash == target);
        for before in self.quests.extract_if(.., is_same).collect::<Vec<_>>() {
            out.push(Effect::Answer {
                id: before.command,
                result: Ok(Outcome::Saved(vec![self.shown_saved(chat, target, saved_ms)])),
            });
        }
        self.begin_quest(command, chat, Goal::Saved(target, saved_ms))
    }

    /// Takes back what was written, once all of it is here.
    pub(super) fn cancel(&mut self, command: u32, chat: Chat) -> Result<Option<Outcome>, Problem> {
        self.begin_quest(command, chat, Goal::Cancel)
    }

    /// Gone on with at the end of this step.
    fn begin_quest(&mut self, command: u32, chat: Chat, goal: Goal) -> Result<Option<Outcome>, Problem> {
        if self.place(chat).is_none() {
            return Err(Problem::RoomClosed);
        }
        self.quests.push(Quest {
            command,
            chat,
            goal,
            asked_store: None,
            asked_relay: None,
        });
        Ok(None)
    }

    /// After every step: what was waited for may be here.
    pub(super) fn pursue(&mut self, out: &mut Out<S::DeviceKey>) {
        for mut quest in std::mem::take(&mut self.quests) {
            match self.try_quest(&mut quest, out) {
                Some(result) => out.push(Effect::Answer {
                    id: quest.command,
                    result,
                }),
                None => self.quests.push(quest),
            }
        }
    }

    fn try_quest(&mut self, quest: &mut Quest, out: &mut Out<S::DeviceKey>) -> Option<Result<Outcome, Problem>> {
        let id = quest.chat;
        let (Some(room), Some(me)) = (self.place(id), self.my_id()) else {
            return Some(Err(Problem::RoomClosed));
        };
        let now_ms = self.now_ms;
        match quest.goal {
            Goal::Pins => {
                let pins = room.shown_pins(now_ms);
                let is_far = room.channel.at.seq.saturating_sub(room.channel.first_loaded()) >= FOR_PINS;
                let lacks = pins
                    .iter()
                    .any(|pin| matches!(pin.quote, crate::view::Quote::Earlier(_)));
                if !lacks || is_far || room.channel.first_loaded() <= 1 {
                    return Some(Ok(Outcome::Pins(pins)));
                }
                let from = room.channel.first_loaded().saturating_sub(STEP);
                // What cannot be had is told as far as it is known.
                self.reach(id, from, quest, out)?;
                Some(Ok(Outcome::Pins(pins)))
            }
            Goal::Threads(begun) => {
                let first = room.channel.first_loaded();
                if first > 1 && begun.is_some_and(|begun| first >= begun) {
                    return Some(Err(self.reach(id, first.saturating_sub(STEP), quest, out)?));
                }
                Some(Ok(Outcome::Threads {
                    threads: room.all_threads(me, now_ms),
                    has_more: first > 1,
                }))
            }
            Goal::Saved(target, saved_ms) => {
                let is_far = room.channel.at.seq.saturating_sub(room.channel.first_loaded()) >= FOR_PINS;
                let first = room.channel.first_loaded();
                let saved = self.shown_saved(id, target, saved_ms);
                // In a browser that has just begun it may still come, or its key.
                let comes = !room.channel.pages.is_caught_up(room.channel.at.seq) && room.frozen.is_none();
                let comes = comes && matches!(saved.quote, crate::view::Quote::Nowhere);
                let named = room.channel.named(&Head::from_bytes(*target.as_bytes()));
                let is_locked = named.is_some_and(|message| matches!(message.body, StoredBody::Locked { .. }));
                let opens = is_locked && room.frozen.is_none();
                if (comes || opens) && !self.is_offline() {
                    return None;
                }
                if !matches!(saved.quote, crate::view::Quote::Earlier(_)) || is_far || first <= 1 {
                    return Some(Ok(Outcome::Saved(vec![saved])));
                }
                self.reach(id, first.saturating_sub(STEP), quest, out)?;
                Some(Ok(Outcome::Saved(vec![saved])))
            }
            Goal::Cancel => {
                let first = room.channel.first_loaded();
                let comes = !room.channel.pages.is_caught_up(room.channel.at.seq) && room.frozen.is_none();
                if comes && !self.is_offline() {
                    return None;
                }
                if first > 1 {
                    return Some(Err(self.reach(id, first.saturating_sub(STEP).max(1), quest, out)?));
                }
                // They may have answered meanwhile.
                Some(self.begin_cancel(id).map(|()| Outcome::Done))
            }
            Goal::Show(target) | Goal::Thread(target) => match room.find(target, me, now_ms) {
                Found::At(seq) if matches!(quest.goal, Goal::Thread(_)) => Some(self.open_thread(id, seq, out)),
                Found::At(seq) => {
                    let key = room.channel.messages.get(&seq).map(|message| message_key(message, me));
                    let from = seq.saturating_sub(BEFORE).max(1);
                    let is_hidden = self.shown == Some(id) && from < room.channel.shown_from;
                    if let Some(room) = self.place_mut(id).filter(|_| is_hidden) {
                        room.channel.shown_from = from;
                        self.show_window(id, false, out);
                    }
                    Some(key.map(Outcome::Found).ok_or(Problem::NoSuchMessage))
                }
                Found::Nowhere => {
                    // It may be on its way in.
                    let is_late = matches!(target, Target::Number(number) if number > room.channel.at.seq);
                    let waits =
                        is_late && !room.channel.pages.is_caught_up(room.channel.at.seq) && room.frozen.is_none();
                    if waits && !self.is_offline() {
                        return None;
                    }
                    Some(Err(Problem::NoSuchMessage))
                }
                Found::Before(from) => {
                    let from = from.saturating_sub(BEFORE).max(1);
                    Some(Err(self.reach(id, from, quest, out)?))
                }
            },
        }
    }

    /// No connection, and none is being made.
    const fn is_offline(&self) -> bool {
        !self.online && matches!(self.link, Link::Offline { .. })
    }

    /// Brings messages into memory that stand before those that are there. `None`: they are on their way; else why they cannot
    /// be had.
    fn reach(&mut self, id: Chat, from: u64, quest: &mut Quest, out: &mut Out<S::DeviceKey>) -> Option<Problem> {
        let is_under_way = |pending: &Pending<S::DeviceKey>| matches!(pending, Pending::Seek { chat } | Pending::LoadOlder { chat } | Pending::PageBack { chat } if *chat == id);
        if self.pending.values().any(is_under_way) {
            return None;
        }
        let (is_offline, online) = (self.is_offline(), self.online);
        let room = self.place_mut(id)?;
        let loaded = room.channel.first_loaded();
        if loaded > room.channel.oldest && quest.asked_store != Some(loaded) {
            quest.asked_store = Some(loaded);
            room.channel.want(from.max(room.channel.oldest));
            self.seek(id, out);
            return None;
        }
        if room.frozen.is_some() {
            return Some(Problem::NoSuchMessage);
        }
        if is_offline || quest.asked_relay == Some(loaded) {
            return Some(Problem::Offline);
        }
        if !online || !room.channel.pages.has_begun() || room.channel.pages.paging_back {
            return None;
        }
        quest.asked_relay = Some(loaded);
        room.channel.pages.paging_back = true;
        let request = PageGet {
            room_id: id.room,
            channel: id.channel,
            from: PageFrom::Before(loaded),
            limit: MAX_PAGE,
        };
        self.ask(Request::PageGet(request), Pending::PageBack { chat: id }, out);
        None
    }
}
