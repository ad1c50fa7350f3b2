//! How far each conversation and each thread was read, the same in every tab and every browser of the account.
//!
//! ```text
//!  read here ─▶ kept ─┬─▶ the other tabs of this browser, at once
//!                     ├─▶ the own receipt, where receipts are on: the other browsers hear it when the others do
//!                     └─▶ the vault: once in 30 s at most, and when the page is put away
//! ```
//! A mark goes on. It goes back only with a turn more: then somebody said "unread" on purpose.

use std::collections::BTreeMap;

use sotto_shared::api::body::RoomHead;
use sotto_shared::attention::{Levels, Mark, Marks};
use sotto_shared::codec::Codec;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::UserId;

use super::books::Book;
use super::chats::{Channel, PlaceMut};
use super::tabs::Said;
use super::{Ctx, Effect, Engine, Out, Pending};
use crate::engine::record::Query;
use crate::view::{Chat, Outcome, Problem};

pub(super) const A_DAY_MS: u64 = 24 * 3600 * 1000;
/// Between two writes of marks to the vault.
const WRITE_MS: u64 = 30_000;
/// Before the first: what is read in one go is one write.
const GATHER_MS: u64 = 5_000;
/// Unread messages that are loaded to be counted.
const COUNTED: u64 = 1000;

/// What is known of what asks for attention, over all conversations.
#[derive(Default)]
pub(crate) struct Attention {
    pub levels: Levels,
    pub levels_shown: bool,
    /// Up to when ended mutes were looked for, and for when a waking was asked.
    pub mutes_ms: u64,
    pub mute_wake_ms: u64,
    /// Where conversations stood when this tab first heard of them: what came before is told to nobody. None before that.
    pub told_from: Option<BTreeMap<Chat, u64>>,
    /// Marks as the vault has them.
    marks: Marks,
    /// When one of them was first set otherwise here; 0: they are the same.
    changed_ms: u64,
    written_ms: u64,
}

impl Channel {
    /// Whether everything that came after the mark is in memory: then it can be counted.
    fn is_counted(&self) -> bool {
        self.read_seq >= self.at.seq || self.first_loaded() <= self.read_seq.saturating_add(1)
    }

    fn mark(&self, chat: Chat) -> Mark {
        Mark {
            room_id: chat.room,
            channel: chat.channel,
            thread: None,
            turn: self.turn,
            read: self.read_seq,
            at: self.read_ms,
        }
    }

    /// Its own and those of its threads, as far as somebody set them.
    fn marks(&self, chat: Chat) -> impl Iterator<Item = Mark> {
        let own = (self.read_ms > 0).then(|| self.mark(chat));
        let threads = self.threads.set().map(move |(root, read, at)| Mark {
            room_id: chat.room,
            channel: chat.channel,
            thread: Some(root),
            turn: 0,
            read,
            at,
        });
        own.into_iter().chain(threads)
    }
}

impl PlaceMut<'_> {
    /// Counts what is unread, as far as it is in memory.
    fn count_unread(&mut self, me: UserId, now_ms: u64) {
        let from = self.channel.read_seq.saturating_add(1);
        let unread = self.channel.messages.range(from..);
        let view = self.view();
        let calls = unread.clone();
        let calls = calls.filter(|(_, message)| view.words(message, now_ms).is_some() && view.still_calls(message, me));
        let mentions = u32::try_from(calls.count()).unwrap_or(u32::MAX);
        let count = unread.filter(|(_, message)| view.is_news(message, me, now_ms)).count();
        self.channel.unread = u32::try_from(count).unwrap_or(u32::MAX);
        self.channel.mentions = mentions;
        self.channel.exact = self.channel.is_counted();
    }
}

impl<S: Suite> Engine<S> {
    /// The relay says for the first time where conversations stand.
    pub(super) fn note_beginning(&mut self, rooms: &[RoomHead]) {
        let channels = rooms.iter().flat_map(|room| {
            let chat = |channel| Chat {
                room: room.room_id,
                channel,
            };
            room.channels.iter().map(move |head| (chat(head.channel), head.seq))
        });
        self.attention.told_from.get_or_insert_with(|| channels.collect());
    }

    /// Says how far a conversation was read: further, or on purpose less far.
    pub(super) fn set_read(
        &mut self,
        chat: Chat,
        read: u64,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let room = self.place_mut(chat).ok_or(Problem::RoomClosed)?;
        let read = read.min(room.channel.at.seq);
        if read < room.channel.read_seq {
            room.channel.turn = room.channel.turn.saturating_add(1);
        }
        room.channel.read_seq = read;
        self.count(chat, out);
        self.mark_moved(chat, out);
        Ok(Some(Outcome::Done))
    }

    /// A conversation's mark was set here.
    pub(super) fn mark_moved(&mut self, chat: Chat, out: &mut Out<S::DeviceKey>) {
        let now_ms = self.now_ms;
        let Some(room) = self.place_mut(chat) else {
            return;
        };
        room.channel.read_ms = now_ms;
        let mark = room.channel.mark(chat);
        self.mark_set(mark, out);
    }

    /// A mark was set here: kept, and told to the other tabs and browsers.
    pub(super) fn mark_set(&mut self, mark: Mark, out: &mut Out<S::DeviceKey>) {
        let now_ms = self.now_ms;
        let chat = Chat {
            room: mark.room_id,
            channel: mark.channel,
        };
        let Some(room) = self.place(chat) else { return };
        out.push(Effect::Save(vec![room.channel.to_record()]));
        let said = Said::Read {
            turn: mark.turn,
            read: mark.read,
            at: mark.at,
        };
        self.tell(chat, mark.thread, said, out);
        if self.attention.changed_ms == 0 {
            self.attention.changed_ms = now_ms.max(1);
        }
    }

    /// The own receipt, from another browser: what was read there is read here.
    pub(super) fn read_elsewhere(&mut self, chat: Chat, read: u64, out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.place(chat) else { return };
        let mark = Mark {
            read,
            at: self.now_ms,
            ..room.channel.mark(chat)
        };
        self.take_mark(&mark, out);
    }

    /// The vault was read, or what this browser kept of it.
    pub(super) fn marks_came(&mut self, out: &mut Out<S::DeviceKey>) {
        let held = self.me.as_ref().and_then(|me| me.vault.books.get(&Book::ReadMarks));
        let Some(marks) = held.and_then(|held| Marks::from_bytes(&held.plain).ok()) else {
            return;
        };
        if marks != self.attention.marks {
            self.attention.marks = marks.clone();
            for mark in marks.marks.iter() {
                self.take_mark(mark, out);
            }
        }
    }

    /// How far the vault says that a conversation and its threads were read, of which nothing is here yet.
    pub(super) fn marks_in_vault(&self, chat: Chat) -> Vec<Mark> {
        self.attention.marks.of(&chat.room, &chat.channel).copied().collect()
    }

    /// Set elsewhere. Another tab that tells of one also writes it to the vault.
    pub(super) fn take_mark(&mut self, mark: &Mark, out: &mut Out<S::DeviceKey>) {
        let chat = Chat {
            room: mark.room_id,
            channel: mark.channel,
        };
        if let Some(root) = mark.thread {
            return self.take_thread_mark(chat, root, mark, out);
        }
        let Some(room) = self.place_mut(chat) else {
            return;
        };
        if !mark.is_beyond(&room.channel.mark(chat)) {
            return;
        }
        (room.channel.turn, room.channel.read_seq) = (mark.turn, mark.read);
        room.channel.read_ms = mark.at;
        self.count(chat, out);
        if let Some(room) = self.place(chat) {
            out.push(Effect::Save(vec![room.channel.to_record()]));
        }
    }

    /// What is unread, after the mark has moved. What is not in memory is loaded first, if there is not too much of it.
    fn count(&mut self, chat: Chat, out: &mut Out<S::DeviceKey>) {
        let (Some(me), now_ms) = (self.my_id(), self.now_ms) else {
            return;
        };
        let Some(mut room) = self.place_mut(chat) else {
            return;
        };
        room.count_unread(me, now_ms);
        let channel = &room.channel;
        let from = channel.oldest.max(channel.read_seq.saturating_add(1));
        let loaded = channel.first_loaded();
        if !channel.exact && from < loaded && channel.at.seq.saturating_sub(from) < COUNTED {
            let query = Query::Messages {
                chat,
                from,
                to: loaded - 1,
            };
            let request = self.remember(Pending::LoadOlder { chat });
            out.push(Effect::Load { id: request, query });
        }
        self.show_room_row(chat, out);
    }

    /// Looked at after every step: what was only guessed is counted once it is here, and the vault is written when it is time.
    pub(super) fn attend(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let Some(me) = self.my_id() else { return };
        let now_ms = self.now_ms;
        let guessed: Vec<_> = (self.channels.iter())
            .filter(|(_, channel)| !channel.exact && channel.is_counted())
            .map(|(id, _)| *id)
            .collect();
        for id in guessed {
            if let Some(mut room) = self.place_mut(id) {
                room.count_unread(me, now_ms);
            }
            self.show_room_row(id, out);
        }
        self.end_mutes(out);
        self.write_marks(ctx, out);
    }

    fn write_marks(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let attention = &self.attention;
        if attention.changed_ms == 0 || !self.online {
            return;
        }
        let due_ms = (attention.written_ms + WRITE_MS).max(attention.changed_ms + GATHER_MS);
        // Put away: there may be no later.
        let is_due = ctx.now_ms >= due_ms || !self.visible;
        if !is_due {
            self.wake_to_speak(due_ms, ctx, out);
            return;
        }
        let here = self.channels.iter().flat_map(|(id, channel)| channel.marks(*id));
        let marks = self.attention.marks.with(here);
        self.attention.changed_ms = 0;
        if marks != self.attention.marks {
            self.attention.written_ms = ctx.now_ms;
            self.attention.marks = marks;
            let plain = self.attention.marks.to_bytes();
            self.put_book(Book::ReadMarks, &plain, ctx, out);
        }
    }
}
