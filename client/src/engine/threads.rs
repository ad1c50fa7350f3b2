//! Threads: the texts that hang on one message are shown beside the conversation, in a timeline of their own.
//!
//! Which thread a text belongs to it says itself (`Ties::thread`); [`Room::thread_of`] says whether that holds. What stands in
//! each is counted as messages come and go, so that one text more costs the same however long the thread is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use sotto_shared::attention::Mark;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{EnvelopeHash, Head, UserId};
use sotto_shared::log::room_log::RoomKind;

use super::bodies::message_key;
use super::chats::{Place, PlaceMut};
use super::record::{MessageRecord, OutgoingRecord, StoredBody};
use super::{Effect, Engine, Out};
use crate::view::{self, Change, Chat, Outcome, Problem, Row, Timeline};

/// Of so many people who answered the row shows the picture.
const SHOWN: usize = 3;
/// Answers looked through for them, and unread ones that are counted.
const LOOKED: usize = 100;
/// Threads of a conversation of which it is remembered how far they were read.
const KEPT_MARKS: usize = 500;
/// Threads that a list of them shows.
const LISTED: usize = 200;

/// What is known of the threads of a channel.
#[derive(Default)]
pub(crate) struct Threads {
    /// Numbers of the texts that stand in the thread that begins with this message.
    standing: HashMap<Head, BTreeSet<u64>>,
    kept: ThreadsRecord,
}

/// As it is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ThreadsRecord {
    /// What was there when this browser met the room counts as read.
    floor: u64,
    /// Up to which message each was read.
    read: BTreeMap<Head, u64>,
    /// When somebody read it, in whatever browser; not of those where one has read because one has written.
    read_ms: BTreeMap<Head, u64>,
    /// Threads that this person answered in or was called in.
    joined: BTreeSet<Head>,
    /// Of those that concern this person: where something is unread, and its newest.
    news: BTreeMap<Head, u64>,
}

impl Threads {
    pub fn to_record(&self) -> ThreadsRecord {
        self.kept.clone()
    }

    pub fn restore(&mut self, record: ThreadsRecord) {
        self.kept = record;
    }

    /// What comes up to here is no news, and what was read in another browser.
    pub fn begin(&mut self, seq: u64, marks: &[Mark]) {
        self.kept.floor = seq;
        for mark in marks {
            if let Some(root) = mark.thread {
                self.read(root, mark.read, mark.at);
            }
        }
    }

    /// What was set by somebody who reads: the thread, up to which message, when.
    pub fn set(&self) -> impl Iterator<Item = (Head, u64, u64)> {
        let at = |root| self.kept.read_ms.get(root).copied();
        (self.kept.read.iter()).filter_map(move |(root, read)| Some((*root, *read, at(root)?)))
    }

    fn read_up_to(&self, root: &Head) -> u64 {
        self.kept
            .read
            .get(root)
            .copied()
            .unwrap_or_default()
            .max(self.kept.floor)
    }

    fn has_news(&self, root: &Head) -> bool {
        let from = self.read_up_to(root).saturating_add(1);
        let standing = self.standing.get(root);
        standing.is_some_and(|seqs| seqs.range(from..).next().is_some())
    }

    /// Up to where somebody read it here; what merely counts as read is left out.
    fn was_read_up_to(&self, root: &Head) -> u64 {
        self.kept.read.get(root).copied().unwrap_or_default()
    }

    /// `at_ms`: when somebody read it; 0 where nobody has to be told.
    fn read(&mut self, root: Head, seq: u64, at_ms: u64) {
        self.kept.read.insert(root, seq);
        if at_ms > 0 {
            self.kept.read_ms.insert(root, at_ms);
        }
        while self.kept.read.len() > KEPT_MARKS {
            // Of the one read longest ago it is forgotten which it was.
            let oldest = self
                .kept
                .read
                .iter()
                .min_by_key(|(_, seq)| **seq)
                .map(|(root, seq)| (*root, *seq));
            if let Some((root, seq)) = oldest {
                self.kept.read.remove(&root);
                self.kept.read_ms.remove(&root);
                self.kept.floor = self.kept.floor.max(seq);
            }
        }
    }

    fn join(&mut self, root: Head) {
        self.kept.joined.insert(root);
        if self.kept.joined.len() > KEPT_MARKS {
            self.kept.joined.pop_first();
        }
    }

    /// In how many threads that concern this person something is unread.
    pub fn unread(&self) -> u32 {
        self.kept.news.len() as u32
    }

    /// The one of them where something came last.
    pub fn newest_unread(&self) -> Option<EnvelopeHash> {
        let newest = self.kept.news.iter().max_by_key(|(_, seq)| **seq);
        newest.map(|(root, _)| EnvelopeHash::from_bytes(*root.as_bytes()))
    }
}

/// The thread that a message says it belongs to.
pub(super) const fn named_thread(body: &StoredBody) -> Option<Head> {
    match body {
        StoredBody::Text { ties, .. } => ties.thread,
        StoredBody::Erased { thread, .. } => *thread,
        _ => None,
    }
}

impl PlaceMut<'_> {
    /// Counts what these messages change in threads. Gives the numbers of those that the threads begin with.
    pub(super) fn count_answers(&mut self, seqs: &BTreeSet<u64>, me: Option<UserId>, now_ms: u64) -> Vec<u64> {
        let mut roots = Vec::new();
        let mut looked = BTreeSet::new();
        for seq in seqs {
            let Some(message) = self.channel.messages.get(seq) else {
                continue;
            };
            if self.channel.threads.standing.contains_key(&message.hash) {
                looked.insert(message.hash);
            }
            let Some(root) = named_thread(&message.body) else {
                continue;
            };
            let here = self.view();
            let stands = here.thread_of(message).is_some() && here.words(message, now_ms).is_some();
            let by = message.body.by().map(|by| by.author);
            let is_mine = stands && by.is_some() && by == me;
            let joins = is_mine || stands && me.is_some_and(|me| here.calls(message, me));
            if joins {
                self.channel.threads.join(root);
            }
            // Whoever answers has read what stands there, also in another browser.
            if let Some(me) = me.filter(|_| is_mine && self.channel.threads.read_up_to(&root) < *seq) {
                self.read_answers(root, *seq, me, 0);
            }
            looked.insert(root);
            let standing = self.channel.threads.standing.entry(root).or_default();
            let changed = if stands {
                standing.insert(*seq)
            } else {
                standing.remove(seq)
            };
            // What it begins with may be all that there is to see of it.
            if changed && let Some(place) = self.channel.place_of(&root) {
                roots.push(place);
            }
        }
        for root in looked {
            self.count_news(root, me);
        }
        roots
    }

    fn count_news(&mut self, root: Head, me: Option<UserId>) {
        let news = me.and_then(|me| self.view().unread_answer(&root, me));
        let told = &mut self.channel.threads.kept.news;
        match news {
            Some(seq) => drop(told.insert(root, seq)),
            None => drop(told.remove(&root)),
        }
        if told.len() > KEPT_MARKS {
            told.pop_first();
        }
    }

    /// A thread was read up to there: what calls in it calls no more.
    fn read_answers(&mut self, root: Head, seq: u64, me: UserId, at_ms: u64) {
        let calls = self.view().calls_in(&root, seq, me);
        self.channel.mentions = self.channel.mentions.saturating_sub(calls);
        self.channel.threads.read(root, seq, at_ms);
    }

    /// All that stands in a thread was seen. Says whether that is news.
    fn mark_thread(&mut self, root: Head, me: UserId, now_ms: u64) -> bool {
        let seq = self.channel.at.seq;
        let is_news = self.channel.threads.has_news(&root) || self.view().calls_in(&root, seq, me) > 0;
        // After a reload what is told of may not be in memory.
        let was_told = self.channel.threads.kept.news.remove(&root).is_some();
        if is_news || was_told {
            self.read_answers(root, seq, me, now_ms);
        }
        is_news || was_told
    }
}

impl Place<'_> {
    /// Unread texts of a thread, up to one, that call this person.
    fn calls_in(&self, root: &Head, upto: u64, me: UserId) -> u32 {
        let channel = &self.channel;
        let after = channel.read_seq.max(channel.threads.was_read_up_to(root));
        let standing = channel.threads.standing.get(root).filter(|_| after < upto);
        let unread = standing.into_iter().flat_map(|seqs| seqs.range(after + 1..=upto));
        let calls = unread.filter(|seq| {
            let message = channel.messages.get(seq);
            message.is_some_and(|message| self.calls(message, me))
        });
        calls.count() as u32
    }

    /// Whether a message was read in its thread: there it is seen without the conversation.
    pub fn was_read_in_thread(&self, message: &MessageRecord) -> bool {
        let root = self.thread_of(message);
        root.is_some_and(|root| message.seq <= self.channel.threads.was_read_up_to(&root))
    }

    /// Whether this person began the thread, answered in it or was called in it; in a direct message it is to both.
    fn concerns(&self, root: &Head, me: UserId) -> bool {
        let begins = || self.channel.named(root).and_then(|message| message.body.by());
        self.state.kind == RoomKind::Direct
            || self.channel.threads.kept.joined.contains(root)
            || begins().is_some_and(|by| by.author == me)
    }

    /// The newest unread answer of somebody else in a thread that concerns this person.
    fn unread_answer(&self, root: &Head, me: UserId) -> Option<u64> {
        let threads = &self.channel.threads;
        let standing = threads.standing.get(root).filter(|_| self.concerns(root, me))?;
        let from = threads.read_up_to(root).saturating_add(1);
        let author = |seq: &u64| self.channel.messages.get(seq)?.body.by().map(|by| by.author);
        // Whoever writes very much must not hide what others wrote before.
        let is_heard = |seq: &&u64| author(seq).is_some_and(|author| !self.is_unheard(&author));
        let mut heard = standing.range(from..).rev().filter(is_heard).take(LOOKED);
        heard.find(|seq| author(seq) != Some(me)).copied()
    }

    /// Whether a message is an unread answer of somebody else in a thread that concerns this person.
    pub fn answers_to(&self, message: &MessageRecord, me: UserId) -> bool {
        self.thread_of(message).is_some_and(|root| {
            message.seq > self.channel.threads.read_up_to(&root)
                && (message.body.by()).is_some_and(|by| by.author != me && !self.is_unheard(&by.author))
                && self.concerns(&root, me)
        })
    }

    /// What is said of the thread that begins with this message.
    pub fn thread(&self, message: &MessageRecord, me: UserId) -> Option<view::Thread> {
        self.thread_from(&message.hash, me)
    }

    /// Those in memory, the one where something came last first.
    pub fn all_threads(&self, me: UserId, now_ms: u64) -> Vec<view::ListedThread> {
        let standing = self.channel.threads.standing.iter();
        let mut roots: Vec<_> = standing
            .filter_map(|(root, seqs)| Some((*seqs.last()?, root)))
            .collect();
        roots.sort_unstable_by_key(|(newest, _)| std::cmp::Reverse(*newest));
        let listed = roots.into_iter().take(LISTED).filter_map(|(_, root)| {
            Some(view::ListedThread {
                thread: self.thread_from(root, me)?,
                quote: self.quote(root, u64::MAX, now_ms),
            })
        });
        listed.collect()
    }

    fn thread_from(&self, root: &Head, me: UserId) -> Option<view::Thread> {
        let threads = &self.channel.threads;
        let standing = threads.standing.get(root).filter(|seqs| !seqs.is_empty())?;
        let author = |seq: &u64| self.channel.messages.get(seq)?.body.by().map(|by| by.author);
        let mut who: Vec<UserId> = Vec::with_capacity(SHOWN);
        for user in standing.iter().rev().take(LOOKED).filter_map(author) {
            if who.len() < SHOWN && !who.contains(&user) {
                who.push(user);
            }
        }
        let from = threads.read_up_to(root).saturating_add(1);
        let unread = standing
            .range(from..)
            .filter(|seq| author(seq).is_some_and(|user| user != me));
        let newest = standing
            .last()
            .and_then(|seq| self.channel.messages.get(seq)?.body.by());
        Some(view::Thread {
            root: EnvelopeHash::from_bytes(*root.as_bytes()),
            answers: standing.len() as u32,
            unread: unread.take(LOOKED).count() as u32,
            last_ms: newest.map_or(0, |by| by.at_ms),
            who,
        })
    }

    /// Rows of a message as its thread shows it.
    fn thread_rows(&self, root: &Head, message: &MessageRecord, me: UserId, now_ms: u64) -> Vec<Row> {
        let is_root = self.channel.place_of(root) == Some(message.seq);
        if !is_root && self.thread_of(message) != Some(*root) {
            return Vec::new();
        }
        let mut rows = self.rows_of(message, me, now_ms);
        // What is missing is missing from the conversation.
        rows.retain(|row| !row.key.starts_with("gap-"));
        for row in &mut rows {
            row.thread = None;
        }
        rows
    }

    fn outgoing_in(&self, root: &Head, item: &OutgoingRecord, me: UserId, now_ms: u64) -> Option<Row> {
        (item.act.is_none() && item.ties.thread == Some(*root)).then(|| self.outgoing_text(item, me, now_ms))
    }
}

impl<S: Suite> Engine<S> {
    /// Shows the thread that begins with message `seq`.
    pub(super) fn open_thread(&mut self, id: Chat, seq: u64, out: &mut Out<S::DeviceKey>) -> Result<Outcome, Problem> {
        let room = self.place(id).ok_or(Problem::RoomClosed)?;
        let me = self.my_id().ok_or(Problem::SignedOut)?;
        let root = room
            .channel
            .messages
            .get(&seq)
            .map(|message| message.hash)
            .ok_or(Problem::NoSuchMessage)?;
        let channel = &room.channel;
        let answers = channel
            .index
            .ties
            .answers_in(&root)
            .filter_map(|seq| channel.messages.get(&seq));
        let begins = channel.messages.get(&seq).into_iter();
        let mut rows: Vec<Row> = begins
            .chain(answers)
            .flat_map(|message| room.thread_rows(&root, message, me, self.now_ms))
            .collect();
        rows.extend(
            room.channel
                .outbox
                .items()
                .filter_map(|item| room.outgoing_in(&root, item, me, self.now_ms)),
        );
        rows.sort_by_key(|row| row.order);
        let from = channel.threads.read_up_to(&root).saturating_add(1);
        let standing = channel.threads.standing.get(&root);
        let unread = standing.and_then(|seqs| {
            let mut news = seqs.range(from..).filter_map(|seq| channel.messages.get(seq));
            news.find(|message| message.body.by().is_some_and(|by| by.author != me))
        });
        let first_unread = unread.map(|message| message_key(message, me));
        let draft = self.draft(id, Some(root));
        self.shown_thread = Some((id, root));
        self.show_in_thread(true, rows, Vec::new(), first_unread, out);
        Ok(Outcome::Thread { draft })
    }

    /// Somebody has it before them, up to the newest row.
    pub(super) fn read_thread(
        &mut self,
        chat: Chat,
        root: EnvelopeHash,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let root = Head::from_bytes(*root.as_bytes());
        let (me, now_ms) = (self.my_id().ok_or(Problem::SignedOut)?, self.now_ms);
        if let Some(mut room) = self.place_mut(chat)
            && room.mark_thread(root, me, now_ms)
        {
            let mark = Mark {
                room_id: chat.room,
                channel: chat.channel,
                thread: Some(root),
                turn: 0,
                read: room.channel.threads.was_read_up_to(&root),
                at: now_ms,
            };
            self.mark_set(mark, out);
            self.show_named(chat, &root, out);
            self.show_room_row(chat, out);
        }
        Ok(Some(Outcome::Done))
    }

    /// Somebody had it before them in another tab or browser of this account.
    pub(super) fn take_thread_mark(&mut self, chat: Chat, root: Head, mark: &Mark, out: &mut Out<S::DeviceKey>) {
        let Some(me) = self.my_id() else { return };
        let Some(mut room) = self.place_mut(chat) else {
            return;
        };
        if mark.read <= room.channel.threads.was_read_up_to(&root) {
            return;
        }
        room.read_answers(root, mark.read, me, mark.at);
        room.count_news(root, Some(me));
        out.push(Effect::Save(vec![room.channel.to_record()]));
        self.show_named(chat, &root, out);
        self.show_room_row(chat, out);
    }

    /// Messages that came or changed, as far as the thread on screen has them.
    pub(super) fn show_answers(&self, id: Chat, seqs: &[u64], out: &mut Out<S::DeviceKey>) {
        let (Some(room), Some(me)) = (self.place(id), self.my_id()) else {
            return;
        };
        let Some((_, root)) = self.shown_thread.filter(|(shown, _)| *shown == id) else {
            return;
        };
        let (mut rows, mut gone) = (Vec::new(), Vec::new());
        for message in seqs.iter().filter_map(|seq| room.channel.messages.get(seq)) {
            // What turned out to be void stands in the conversation alone, whatever it said that it belongs to.
            let is_void = matches!(message.body, StoredBody::Unreadable(_));
            let is_here = named_thread(&message.body) == Some(root) || message.hash == root || is_void;
            let is_locked = matches!(message.body, StoredBody::Locked { .. });
            if !is_here || is_locked {
                continue;
            }
            let theirs = room.thread_rows(&root, message, me, self.now_ms);
            for key in [message_key(message, me), format!("seq-{}", message.seq)] {
                if !theirs.iter().any(|row| row.key == key) && gone.last() != Some(&key) {
                    gone.push(key);
                }
            }
            rows.extend(theirs);
        }
        if !rows.is_empty() || !gone.is_empty() {
            self.show_in_thread(false, rows, gone, None, out);
        }
    }

    /// An answer on its way out.
    pub(super) fn show_outgoing_answer(&self, id: Chat, item: &OutgoingRecord, out: &mut Out<S::DeviceKey>) {
        let (Some(room), Some(me)) = (self.place(id), self.my_id()) else {
            return;
        };
        if let Some((shown, root)) = self.shown_thread
            && shown == id
            && let Some(row) = room.outgoing_in(&root, item, me, self.now_ms)
        {
            self.show_in_thread(false, vec![row], Vec::new(), None, out);
        }
    }

    pub(super) fn hide_in_thread(&self, id: Chat, key: String, out: &mut Out<S::DeviceKey>) {
        if self.shown_thread.is_some_and(|(shown, _)| shown == id) {
            self.show_in_thread(false, Vec::new(), vec![key], None, out);
        }
    }

    fn show_in_thread(
        &self,
        reset: bool,
        rows: Vec<Row>,
        gone: Vec<String>,
        first_unread: Option<String>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some((id, root)) = self.shown_thread else { return };
        out.push(Effect::Show(Change::Timeline(Timeline {
            chat: id,
            thread: Some(EnvelopeHash::from_bytes(*root.as_bytes())),
            reset,
            rows,
            gone,
            has_older: Some(false),
            first_unread,
        })));
    }
}
