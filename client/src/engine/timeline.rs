//! What of a room is on screen: a window over its messages, with what happened to the room in between.
//!
//! Rows are ordered by `(message number, place)`: a gap notice before its message, the message, then events of the log
//! that came after it. Messages on their way out stand behind everything.

use sotto_shared::api::body::{Page, PageFrom, PageGet};
use sotto_shared::crypto::epoch::open_meta;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::envelope::transcript::Transcript;
use sotto_shared::id::{Head, MessageId, RoomId, UserId};
use sotto_shared::log::channels::ChannelKind;
use sotto_shared::log::room_log::{Event, JoinMode, News, RoomBody, RoomKind};

use super::ask::{Failure, Pending, Request};
use super::bodies::message_key;
use super::chats::{LaneEnd, Place};
use super::outbox::delivery;
use super::receipts::MANY_READERS;
use super::record::{Loaded, MessageRecord, OutgoingRecord, Query, StoredBody};
use super::{Ctx, Effect, Engine, Out};
use crate::view::{Body, Change, Chat, Note, Outcome, Problem, Row, Timeline};

/// Rows shown at once, and added at a time.
const WINDOW: u64 = 60;
pub(super) const MESSAGE_PLACE: u64 = 1 << 32;

impl<S: Suite> Engine<S> {
    pub(super) fn show_room(&mut self, id: Chat, out: &mut Out<S::DeviceKey>) -> Result<Option<Outcome>, Problem> {
        if self.place(id).is_some() {
            self.shown = Some(id);
            // The thread beside it may have been asked for first.
            self.shown_thread = self.shown_thread.filter(|(chat, _)| *chat == id);
        }
        let room = self.place_mut(id).ok_or(Problem::RoomClosed)?;
        let newest = room.channel.at.seq;
        room.channel.unread_from = room.channel.read_seq + 1;
        // Everything unread, and some of what came before it.
        let unread = newest.saturating_sub(room.channel.read_seq).min(1000);
        room.channel.shown_from = (newest + 1).saturating_sub(WINDOW.max(unread + 10)).max(1);
        self.load_window(id, true, out);
        self.catch_up(id, out);
        // What was read, and what has come, is told of the conversation on screen.
        if (self.rooms.get(&id.room)).is_some_and(|room| room.state.members.len() <= MANY_READERS) {
            self.show_members(id.room, out);
        }
        Ok(Some(Outcome::Done))
    }

    pub(super) fn load_older(&mut self, id: Chat, out: &mut Out<S::DeviceKey>) -> Result<Option<Outcome>, Problem> {
        let is_shown = self.shown == Some(id);
        let room = self.place_mut(id).ok_or(Problem::RoomClosed)?;
        if is_shown && room.channel.shown_from > 1 {
            room.channel.shown_from = room.channel.shown_from.saturating_sub(WINDOW).max(1);
            self.load_window(id, false, out);
        }
        Ok(Some(Outcome::Done))
    }

    /// Shows from `shown_from` on, after fetching what is not in memory: from this browser's store, then from the relay.
    fn load_window(&mut self, id: Chat, reset: bool, out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.place_mut(id) else { return };
        let channel = &room.channel;
        let loaded = channel.first_loaded();
        let stored_from = channel.oldest.max(channel.shown_from);
        if stored_from < loaded {
            let query = Query::Messages {
                chat: id,
                from: stored_from,
                to: loaded - 1,
            };
            if reset && loaded <= channel.at.seq {
                // What is here is shown at once.
                self.show_window(id, true, out);
            }
            let request = self.remember(Pending::LoadOlder { chat: id });
            out.push(Effect::Load { id: request, query });
            return;
        }
        self.show_window(id, reset, out);
        self.fetch_older(id, out);
    }

    fn fetch_older(&mut self, id: Chat, out: &mut Out<S::DeviceKey>) {
        let online = self.online;
        let Some(room) = self.place_mut(id) else { return };
        let loaded = room.channel.first_loaded();
        let wanted = room.channel.shown_from < loaded;
        if !wanted
            || !online
            || room.channel.pages.paging_back
            || room.frozen.is_some()
            || !room.channel.pages.has_begun()
        {
            return;
        }
        room.channel.pages.paging_back = true;
        let request = PageGet {
            room_id: id.room,
            channel: id.channel,
            from: PageFrom::Before(loaded),
            limit: WINDOW as u32,
        };
        self.ask(Request::PageGet(request), Pending::PageBack { chat: id }, out);
    }

    /// Records of this browser's store are in memory now.
    pub(super) async fn older_loaded(
        &mut self,
        id: Chat,
        loaded: Loaded,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        self.take_stored(id, loaded, ctx, out).await;
        if self.shown == Some(id) {
            self.show_window(id, true, out);
            self.fetch_older(id, out);
        }
    }

    pub(super) async fn take_stored(
        &mut self,
        id: Chat,
        loaded: Loaded,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(room) = self.place_mut(id) else { return };
        let has_words = |body: &StoredBody| matches!(body, StoredBody::Text { .. } | StoredBody::Poll { .. });
        let words = loaded.messages.iter().filter(|message| has_words(&message.body));
        let words: Vec<Head> = words.map(|message| message.hash).collect();
        let mut next = room.channel.first_loaded();
        let mut taken = Vec::with_capacity(loaded.messages.len());
        // Only what joins what is there without a hole; the rest is fetched again.
        for message in loaded.messages.into_iter().rev() {
            if message.seq + 1 == next {
                next = message.seq;
                if let Some(by) = message.body.by() {
                    let end = LaneEnd {
                        ctr: by.ctr,
                        head: message.hash,
                        seq: message.seq,
                    };
                    let newest = room.channel.lanes.entry((by.device, by.lane)).or_insert(end);
                    if newest.ctr < end.ctr {
                        *newest = end;
                    }
                }
                taken.push(message.seq);
                room.channel.put(message);
            }
        }
        self.settle(id, &taken, Vec::new(), out);
        // A deletion that came before what it names was in memory.
        if let Some(room) = self.place(id) {
            let deletions = words.iter().flat_map(|hash| room.channel.deletions_of(hash));
            let deletions: Vec<u64> = deletions.collect();
            self.follow_deletions(id, &deletions, out);
        }
        self.unlock_messages(id, ctx, out).await;
    }

    pub(super) async fn older_came(
        &mut self,
        id: Chat,
        result: Result<Page, Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(room) = self.place_mut(id) else { return };
        room.channel.pages.paging_back = false;
        let Ok(page) = result else { return };
        let before = Transcript {
            seq: page.before.seq,
            t: page.before.t,
        };
        if page.messages.is_empty() && room.channel.first_loaded() > 1 {
            self.freeze(id.room, crate::view::Tamper::Withholding, out);
            return;
        }
        let upto = room.channel.first_loaded();
        // An answer to a question from before the connection was lost; the place was filled meanwhile.
        let end = before.seq.checked_add(page.messages.len() as u64 + 1);
        if end != Some(upto) {
            return;
        }
        self.take_older(id, before, page.messages, ctx, out).await;
        if self.shown == Some(id) {
            self.show_range(id, upto, out);
            self.fetch_older(id, out);
        }
    }

    pub(super) fn mark_read(&mut self, id: Chat, out: &mut Out<S::DeviceKey>) -> Result<Option<Outcome>, Problem> {
        if let Some(room) = self.place_mut(id)
            && (room.channel.unread > 0 || room.channel.mentions > 0 || room.channel.read_seq < room.channel.at.seq)
        {
            room.channel.unread = 0;
            room.channel.mentions = 0;
            room.channel.read_seq = room.channel.read_seq.max(room.channel.at.seq);
            room.channel.exact = true;
            self.show_room_row(id, out);
            self.mark_moved(id, out);
        }
        Ok(Some(Outcome::Done))
    }

    pub(super) fn show_window(&self, id: Chat, reset: bool, out: &mut Out<S::DeviceKey>) {
        let (Some(room), Some(me)) = (self.place(id), self.my_id()) else {
            return;
        };
        let from = room.channel.shown_from;
        let mut rows: Vec<Row> = room
            .channel
            .messages
            .range(from..)
            .flat_map(|(_, message)| room.message_rows(message, me, self.now_ms))
            .collect();
        rows.extend(room.event_rows(0));
        let outgoing = room.channel.outbox.items();
        rows.extend(outgoing.filter_map(|item| room.outgoing_row(item, me, self.now_ms)));
        rows.sort_by_key(|row| row.order);
        let first_unread = (room.channel.messages.range(room.channel.unread_from..))
            .find(|(_, message)| room.is_news(message, me, self.now_ms))
            .map(|(_, message)| message_key(message, me));
        out.push(Effect::Show(Change::Timeline(Timeline {
            chat: id,
            thread: None,
            reset,
            rows,
            gone: Vec::new(),
            has_older: Some(room.first_shown() > 1),
            first_unread: if reset { first_unread } else { None },
        })));
    }

    /// Rows from the window's start up to, not including, message `upto`.
    fn show_range(&self, id: Chat, upto: u64, out: &mut Out<S::DeviceKey>) {
        let (Some(room), Some(me)) = (self.place(id), self.my_id()) else {
            return;
        };
        let mut rows: Vec<Row> = (room.channel.messages.range(room.channel.shown_from.min(upto)..upto))
            .flat_map(|(_, message)| room.message_rows(message, me, self.now_ms))
            .collect();
        rows.extend(room.event_rows(0));
        // Also when there is nothing to see on it: whether there is more has changed.
        self.show_rows(id, rows, Vec::new(), out);
    }

    /// Messages that came or changed; the rows of those that show nothing go.
    pub(super) fn show_changed(&self, id: Chat, seqs: &[u64], out: &mut Out<S::DeviceKey>) {
        let (Some(room), Some(me)) = (self.place(id), self.my_id()) else {
            return;
        };
        if self.shown != Some(id) {
            return;
        }
        self.show_answers(id, seqs, out);
        let (mut rows, mut gone) = (Vec::new(), Vec::new());
        let shown = seqs
            .iter()
            .filter(|seq| **seq >= room.channel.shown_from && !room.channel.pages.is_held_back(**seq));
        for message in shown.filter_map(|seq| room.channel.messages.get(seq)) {
            let theirs = room.message_rows(message, me, self.now_ms);
            // One's own stood under its number while its key was on the way.
            for key in [message_key(message, me), format!("seq-{}", message.seq)] {
                if !theirs.iter().any(|row| row.key == key) && gone.last() != Some(&key) {
                    gone.push(key);
                }
            }
            rows.extend(theirs);
        }
        if !rows.is_empty() || !gone.is_empty() {
            self.show_rows(id, rows, gone, out);
        }
    }

    /// The message with this hash, if it is on screen.
    pub(super) fn show_named(&self, id: Chat, hash: &Head, out: &mut Out<S::DeviceKey>) {
        let place = self.place(id).and_then(|room| room.channel.place_of(hash));
        if let Some(seq) = place {
            self.show_changed(id, &[seq], out);
        }
    }

    /// Log entries from the `first` of them on.
    pub(super) fn show_events(&self, id: Chat, first: usize, out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.place(id) else { return };
        if self.shown == Some(id) {
            let rows = room.event_rows(first);
            if !rows.is_empty() {
                self.show_rows(id, rows, Vec::new(), out);
            }
        }
    }

    /// All that happened to a room, in its channel on screen.
    pub(super) fn show_events_of(&self, id: RoomId, out: &mut Out<S::DeviceKey>) {
        for chat in self.chats_of(id) {
            self.show_events(chat, 0, out);
        }
    }

    pub(super) fn show_outgoing(&self, id: Chat, message: &MessageId, out: &mut Out<S::DeviceKey>) {
        let (Some(room), Some(me)) = (self.place(id), self.my_id()) else {
            return;
        };
        if self.shown == Some(id) {
            let Some(item) = room.channel.outbox.items().find(|item| item.msg_id == *message) else {
                return;
            };
            match (room.outgoing_row(item, me, self.now_ms), &item.act) {
                (Some(row), _) => self.show_rows(id, vec![row], Vec::new(), out),
                (None, Some(act)) => self.show_named(id, &act.target(), out),
                (None, None) => self.show_outgoing_answer(id, item, out),
            }
        }
    }

    pub(super) fn hide_outgoing(&self, id: Chat, message: &MessageId, out: &mut Out<S::DeviceKey>) {
        self.hide_in_thread(id, message.to_string(), out);
        if self.shown == Some(id) {
            out.push(Effect::Show(Change::Timeline(Timeline {
                chat: id,
                thread: None,
                reset: false,
                rows: Vec::new(),
                gone: vec![message.to_string()],
                has_older: None,
                first_unread: None,
            })));
        }
    }

    fn show_rows(&self, id: Chat, rows: Vec<Row>, gone: Vec<String>, out: &mut Out<S::DeviceKey>) {
        let has_older = self.place(id).map(|room| room.first_shown() > 1);
        out.push(Effect::Show(Change::Timeline(Timeline {
            chat: id,
            thread: None,
            reset: false,
            rows,
            gone,
            has_older,
            first_unread: None,
        })));
    }
}

impl Place<'_> {
    /// Number of the first message that the page can have.
    fn first_shown(&self) -> u64 {
        self.channel.first_loaded().max(self.channel.shown_from)
    }

    /// What people should hear of the log, from its entry at index `first` on.
    fn event_rows(&self, first: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        let is_space = self.state.kind == RoomKind::Space;
        if first == 0 && self.first_shown() <= 1 && !is_space {
            let note = Note::Created { by: self.state.creator };
            rows.push(Row {
                key: "log-0".into(),
                order: (0, MESSAGE_PLACE),
                at_ms: self.time_of(0),
                body: Body::Note(note),
                hash: None,
                thread: None,
            });
        }
        let is_front = is_space && self.is_front();
        let mut named = false;
        for (index, event) in self.events.iter().enumerate() {
            if is_space && !self.is_about_channel(event, is_front) {
                continue;
            }
            let is_naming = matches!(event.body, RoomBody::SetMeta { .. });
            // The name a group is born with is no news.
            let is_news = !is_naming || named;
            named |= is_naming;
            if index < first || !is_news {
                continue;
            }
            let (Some(note), Some(seq)) = (self.note(event), self.message_before(event.seq)) else {
                continue;
            };
            rows.push(Row {
                key: format!("log-{}", event.seq),
                order: (seq, MESSAGE_PLACE + 1 + event.seq),
                at_ms: event.ts,
                body: Body::Note(note),
                hash: None,
                thread: None,
            });
        }
        rows
    }

    /// Whether people should hear of an entry in this channel of a space.
    fn is_about_channel(&self, event: &Event, is_front: bool) -> bool {
        let id = &self.channel.id.channel;
        match &event.body {
            RoomBody::CreateChannel { channel, .. }
            | RoomBody::ChannelMembers { channel, .. }
            | RoomBody::SetSlowMode { channel, .. } => channel == id,
            RoomBody::AddMember { .. }
            | RoomBody::Join { .. }
            | RoomBody::Leave
            | RoomBody::Remove { .. }
            | RoomBody::Unban { .. } => is_front,
            _ => false,
        }
    }

    /// Whether who comes into the space and goes is told here: in the oldest of its channels that are public and in use.
    fn is_front(&self) -> bool {
        let channels = self.state.channels.iter();
        let open = channels.filter(|(_, there)| there.kind == ChannelKind::Public && !there.archived);
        let oldest = open.min_by_key(|(_, there)| there.since);
        oldest.is_some_and(|(id, _)| *id == self.channel.id.channel)
    }

    /// The last message whose sender did not know entry `log_seq` yet. `None`: it lies before what is shown.
    fn message_before(&self, log_seq: u64) -> Option<u64> {
        let from = self.first_shown();
        let knew = |message: &MessageRecord| message.body.by().is_some_and(|by| by.log_seq >= log_seq);
        let first_who_knew = self
            .channel
            .messages
            .range(from..)
            .find(|(_, message)| knew(message))
            .map(|(seq, _)| *seq);
        let before = first_who_knew.map_or(self.channel.at.seq, |seq| seq - 1);
        (before >= from || from <= 1).then_some(before)
    }

    fn note(&self, event: &Event) -> Option<Note> {
        let by: UserId = event.actor;
        Some(match &event.body {
            RoomBody::AddMember { member, .. } => Note::Added {
                by,
                who: member.user_id,
            },
            RoomBody::Remove {
                user_id, ban: false, ..
            } => Note::Removed { by, who: *user_id },
            RoomBody::Remove { user_id, .. } => Note::Banned { by, who: *user_id },
            RoomBody::Unban { user_id } => Note::Unbanned { by, who: *user_id },
            RoomBody::TimeOut { user_id, until } => Note::TimedOut {
                by,
                who: *user_id,
                until_ms: *until,
            },
            RoomBody::SetSlowMode { seconds, .. } => Note::SlowMode { by, seconds: *seconds },
            RoomBody::SetRole { user_id, role } => Note::RoleGiven {
                by,
                who: *user_id,
                role_id: role.number(),
            },
            RoomBody::Leave => Note::Left { who: by },
            RoomBody::CreateChannel { .. } => Note::Created { by },
            RoomBody::ChannelMembers { add, remove, .. } => match (add.as_slice(), remove.as_slice()) {
                ([who], []) => Note::Added { by, who: *who },
                ([], [who]) if *who == by => Note::Left { who: by },
                ([], [who]) => Note::Removed { by, who: *who },
                _ => return None,
            },
            RoomBody::Join { invite_id, .. } => {
                let invite = self.state.invites.get(invite_id)?;
                let (who, by) = (by, invite.by);
                match invite.mode {
                    JoinMode::Member => Note::Joined { who, by },
                    JoinMode::Approval => Note::AskedToJoin { who, by },
                }
            }
            RoomBody::SetMeta { n, sealed } => {
                let plain = open_meta(self.keys.get(n)?, &self.state.room_id, *n, sealed.as_slice()).ok()?;
                Note::Renamed {
                    by,
                    name: super::intents::read_name(&plain),
                }
            }
            RoomBody::UserUpdate { member, .. } => {
                let who = member.user_id;
                match event.news {
                    News { closed: true, .. } => Note::AccountClosed { who },
                    News { identity: true, .. } => Note::IdentityChanged { who },
                    News { device: true, .. } if self.state.kind == RoomKind::Direct => Note::NewDevice { who },
                    _ => return None,
                }
            }
            RoomBody::SetTtl { seconds, .. } => Note::Disappearing { by, seconds: *seconds },
            RoomBody::Pin { target, on: true, .. } => Note::Pinned { by, target: *target },
            RoomBody::Epoch { n, .. } if self.opens_for_nobody(*n) => Note::KeyForNobody { by },
            _ => return None,
        })
    }

    /// A text on its way out. What is to be said about another message shows there.
    fn outgoing_row(&self, item: &OutgoingRecord, me: UserId, now_ms: u64) -> Option<Row> {
        (item.act.is_none() && item.ties.thread.is_none()).then(|| self.outgoing_text(item, me, now_ms))
    }

    /// A text on its way out, wherever it is shown.
    pub fn outgoing_text(&self, item: &OutgoingRecord, me: UserId, now_ms: u64) -> Row {
        let body = match &item.poll {
            Some(poll) => Body::Poll {
                author: me,
                message: item.msg_id,
                poll: super::polls::outgoing_poll(poll),
                state: delivery(item),
                reactions: Vec::new(),
                pinned: false,
            },
            None => Body::Text {
                author: me,
                message: item.msg_id,
                text: item.text.clone(),
                state: delivery(item),
                edited: false,
                reactions: Vec::new(),
                ties: self.ties(&me, &item.ties, u64::MAX, false, now_ms),
            },
        };
        Row {
            key: item.msg_id.to_string(),
            order: (u64::MAX >> 11, item.place),
            at_ms: item.at_ms,
            body,
            hash: None,
            thread: None,
        }
    }
}
