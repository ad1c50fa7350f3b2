//! Keeping up: the socket, where everything stands, and the pages in between.

use sotto_shared::api::body::{API_VERSION, ChannelHead, Page, PageFrom, PageGet, RoomHead, SlotValue};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::{FromRelay, ToRelay};
use sotto_shared::api::limits::MAX_PAGE;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::envelope::transcript::Transcript;
use sotto_shared::id::{ChannelId, RoomId};
use sotto_shared::log::room_log::RoomKind;

use super::ask::{Failure, Pending, Reply, Request};
use super::chats::Channel;
use super::evidence::Cause;
use super::intents::{Intent, What};
use super::record::{self, Key, Loaded};
use super::spaces::SpaceAct;
use super::{Ctx, Effect, Ending, Engine, Out};
use crate::view::{Change, Chat, Link, Outcome, Problem, Tamper};

/// Messages fetched at once when a room is met for the first time.
const FIRST_PAGE: u32 = 60;
/// No channel gets this far; counting on from there stays within 64 bits.
const MAX_SEQ: u64 = 1 << 53;
const MAX_WAIT_SECS: u32 = 30;
/// So many messages that come in one after the other are shown at once: a page that draws each answer of the relay draws
/// thousands of rows that nobody sees, and is deaf meanwhile.
const SHOWN_TOGETHER: u64 = 2_000;
/// Times a log is asked for again because something names a point of it that is not here.
pub(super) const LOG_TRIES: u32 = 2;
/// After a save that failed.
const STORAGE_WAIT_MS: u64 = 5_000;

/// How far a room's log is from what the relay has.
#[derive(Default)]
pub(crate) struct Sync {
    log_behind: bool,
    /// An entry names a point of somebody's log that the relay has not shown.
    pub people_wanted: u32,
}

/// How far a channel's messages are from what the relay has.
#[derive(Default)]
pub(crate) struct Pages {
    /// The relay's newest number.
    head: u64,
    /// Otherwise nothing of it has been fetched yet: begin at the end.
    begun: bool,
    paging: bool,
    /// From this message on the page was told nothing yet: it is told when more of them are here.
    unshown: Option<u64>,
    /// A message names a point of the log that the relay has not shown.
    pub log_wanted: u32,
    pub paging_back: bool,
    /// With how many room keys what lies in the slots was asked for in this connection.
    pub slots_asked: usize,
    /// The answer is on its way.
    pub slots_pending: bool,
}

impl Sync {
    pub const fn log_behind(&mut self) {
        self.log_behind = true;
    }
    pub const fn log_current(&mut self) {
        self.log_behind = false;
    }
    pub const fn log_is_behind(&self) -> bool {
        self.log_behind
    }
}

impl Pages {
    pub const fn is_busy(&self) -> bool {
        self.paging
    }
    /// Messages from `from` to `to` are about to be put at the end: whether they are shown later, with those that follow.
    pub fn holds_back(&mut self, from: u64, to: u64) {
        if to < self.head {
            self.unshown.get_or_insert(from);
        }
    }
    /// Whether message `seq` is one of those.
    pub fn is_held_back(&self, seq: u64) -> bool {
        self.unshown.is_some_and(|from| seq >= from)
    }
    /// From which message on they are to be shown now, `seq` being the newest.
    fn takes_held_back(&mut self, seq: u64) -> Option<u64> {
        let from = self.unshown?;
        let goes_on = self.paging && seq < self.head && seq.saturating_sub(from) < SHOWN_TOGETHER;
        self.unshown.take_if(|_| !goes_on)
    }
    /// A channel made here has nothing to be fetched.
    pub const fn is_complete(&mut self) {
        self.begun = true;
    }
    /// The relay has a message of this number.
    pub fn saw(&mut self, seq: u64) {
        self.head = self.head.max(seq);
    }
    /// Whether everything the relay has told of is here, `seq` being the newest.
    pub const fn is_caught_up(&self, seq: u64) -> bool {
        self.begun && !self.paging && seq >= self.head
    }
    pub const fn has_begun(&self) -> bool {
        self.begun
    }
}

/// Asks for another try at the next tick, unless the answer would be the same.
pub(super) fn retry<K>(failure: &Failure, out: &mut Out<K>) {
    if !failure.is(ErrorCode::Forbidden) && !failure.is(ErrorCode::NotFound) {
        out.push(Effect::Wake {
            after_ms: super::rooms::RETRY_MS,
        });
    }
}

impl<S: Suite> Engine<S> {
    pub(super) fn connect(&mut self, out: &mut Out<S::DeviceKey>) {
        // A second socket beside one that is still opening would take its place, and what the first has said already would
        // be taken for the second's word.
        if self.me.is_some() && !self.online && !self.dialing {
            self.dialing = true;
            self.set_link(Link::Connecting, out);
            out.push(Effect::Connect);
        }
    }

    /// A save failed, and what was to follow it was not done: nothing of it is under way.
    pub(super) fn storage_is_full(&mut self, out: &mut Out<S::DeviceKey>) {
        out.push(Effect::Show(Change::Notice(Problem::StorageFull)));
        for channel in self.channels.values_mut() {
            channel.outbox.connection_was_lost();
        }
        out.push(Effect::Wake {
            after_ms: STORAGE_WAIT_MS,
        });
    }

    pub(super) fn set_link(&mut self, link: Link, out: &mut Out<S::DeviceKey>) {
        if self.link != link {
            self.link = link;
            out.push(Effect::Show(Change::Link(link)));
        }
    }

    pub(super) fn socket_open(&mut self, out: &mut Out<S::DeviceKey>) {
        if self.ending == Ending::UntilConnected {
            self.ending = Ending::No;
        }
        if let Some(me) = &self.me {
            out.push(Effect::Transmit(ToRelay::Hello {
                token: me.token.clone(),
                api: API_VERSION,
            }));
        }
    }

    pub(super) fn socket_closed(&mut self, out: &mut Out<S::DeviceKey>) {
        self.line_is_cut();
        if self.me.is_some() {
            self.tries = self.tries.saturating_add(1);
            let retry_secs = (1_u32 << self.tries.min(5)).min(MAX_WAIT_SECS) / 2;
            let retry_secs = if self.tries <= 1 { 1 } else { retry_secs };
            self.set_link(Link::Offline { retry_secs }, out);
            out.push(Effect::Wake {
                after_ms: u64::from(retry_secs) * 1000,
            });
        }
    }

    /// Messages that came while more of them were on the way, once enough are here. Looked at after every step.
    pub(super) fn show_held_back(&mut self, out: &mut Out<S::DeviceKey>) {
        let Some(id) = self.shown else { return };
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        if let Some(from) = channel.pages.takes_held_back(channel.at.seq) {
            let seqs: Vec<u64> = channel.messages.range(from..).map(|(seq, _)| *seq).collect();
            self.show_changed(id, &seqs, out);
        }
    }

    pub(super) fn line_is_cut(&mut self) {
        self.online = false;
        self.dialing = false;
        for Channel { pages, .. } in self.channels.values_mut() {
            pages.paging = false;
            pages.paging_back = false;
            pages.slots_asked = 0;
            pages.slots_pending = false;
        }
    }

    pub(super) async fn tick(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        self.expire(out);
        if !self.online {
            self.connect(out);
            return;
        }
        self.retry_waiting(ctx, out).await;
        self.visits_go_on(ctx, out).await;
        let ids: Vec<RoomId> = self.rooms.keys().copied().collect();
        for id in ids {
            self.wraps_announced(id, out);
            self.ask_for_claims(id, out);
            self.hand_over(id, ctx, out).await;
        }
        let ids: Vec<Chat> = self.channels.keys().copied().collect();
        for id in ids {
            self.catch_up(id, out);
            self.ask_deletions(id, out);
            self.flush(id, ctx, out).await;
        }
        self.speak_up(ctx, out).await;
    }

    pub(super) async fn frame(&mut self, frame: FromRelay, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        if self.me.is_none() {
            return;
        }
        match frame {
            FromRelay::Welcome {
                rooms,
                closed,
                user_log_seq,
                now_ms: _,
            } => {
                self.note_beginning(&rooms);
                self.welcome(&rooms, user_log_seq, ctx, out).await;
                self.closed_came(closed, out);
                // Whoever looks at a room already hears nothing else that would make them say where they stand.
                self.speak_up(ctx, out).await;
            }
            FromRelay::Message {
                room_id,
                channel,
                message,
            } => {
                let chat = Chat { room: room_id, channel };
                self.message_came(chat, message, ctx, out).await;
            }
            FromRelay::Ephemeral {
                room_id,
                channel,
                header,
                envelope,
            } => {
                let chat = Chat { room: room_id, channel };
                self.ephemeral_came(chat, &header, &envelope, ctx, out).await;
            }
            FromRelay::Slot {
                room_id,
                channel,
                header,
                envelope,
            } => {
                let chat = Chat { room: room_id, channel };
                let value = SlotValue { header, envelope };
                self.take_slots(chat, vec![value], ctx, out).await;
            }
            FromRelay::Log {
                room_id,
                from_seq,
                entries,
            } => {
                match entries
                    .iter()
                    .map(|raw| SignedBlob::from_bytes(&raw.0))
                    .collect::<Result<Vec<_>, _>>()
                {
                    Ok(blobs) => self.take_entries(room_id, from_seq, blobs, ctx, out).await,
                    Err(_) => self.freeze(room_id, Tamper::InvalidEntry, out),
                }
            }
            FromRelay::KeyRequest { room_id, request } => self.key_requested(room_id, &request, ctx, out).await,
            FromRelay::Wraps { room_id } => self.wraps_announced(room_id, out),
            FromRelay::Reports { room_id } => self.fetch_reports(room_id, None, out),
            FromRelay::UserLog { user_id, seq } => {
                if self.people.log(&user_id).is_some_and(|log| log.seq() < seq) {
                    self.fetch_log(user_id);
                    if self.my_id() == Some(user_id) {
                        // Another browser of ours may have changed the key that room keys are wrapped for.
                        self.fetch_vault(out);
                    }
                }
            }
            FromRelay::Vault { items } => self.vault_changed(&items, out),
            FromRelay::Refused {
                room_id,
                msg_id,
                code,
                retry_secs,
            } => {
                let waits = |channel: &&Channel| channel.outbox.waits_for(&msg_id);
                let chat = self.channels_of(room_id).find(waits).map(|channel| channel.id);
                if let Some(chat) = chat {
                    self.refused(chat, msg_id, code, retry_secs, ctx, out).await;
                }
            }
            FromRelay::Pong => {}
            FromRelay::Bye { code } => match code {
                // At our own wish, when keys are being changed: a new session is on the way.
                ErrorCode::NotSignedIn if self.ending != Ending::No => {}
                ErrorCode::NotSignedIn | ErrorCode::BadProof => self.was_signed_out(out),
                ErrorCode::UnsupportedVersion => self.notice(Problem::OldPage, out),
                _ => {}
            },
        }
    }

    async fn welcome(
        &mut self,
        rooms: &[RoomHead],
        user_log_seq: u64,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        self.online = true;
        self.dialing = false;
        self.tries = 0;
        self.set_link(Link::Online, out);
        for channel in self.channels.values_mut() {
            channel.outbox.connection_was_lost();
        }
        if let Some(me) = self.my_id()
            && self.people.log(&me).is_none_or(|log| log.seq() < user_log_seq)
        {
            self.fetch_log(me);
        }
        self.fetch_vault(out);
        for head in rooms {
            self.compare_head(head, ctx, out).await;
            for channel in &head.channels {
                self.note_channel(head.room_id, channel, ctx, out).await;
            }
            self.ask_for_claims(head.room_id, out);
            for chat in self.chats_of(head.room_id) {
                self.catch_up(chat, out);
            }
        }
        // Rooms the relay does not name: the log says whether one was taken out.
        let me = self.my_id();
        let unnamed: Vec<RoomId> = (self.rooms.iter())
            .filter(|(id, room)| {
                !rooms.iter().any(|head| head.room_id == **id) && me.is_some_and(|me| room.is_member(&me))
            })
            .map(|(id, _)| *id)
            .collect();
        for id in unnamed {
            self.fetch_room_log(id, out);
        }
        self.fetch_all_reports(out);
        self.retry_waiting(ctx, out).await;
        let ids: Vec<RoomId> = self.rooms.keys().copied().collect();
        for id in ids {
            self.learn_keys(id, ctx, out).await;
            self.advance(id, ctx, out).await;
        }
        let ids: Vec<Chat> = self.channels.keys().copied().collect();
        for id in ids {
            self.ask_deletions(id, out);
            self.flush(id, ctx, out).await;
        }
    }

    async fn note_channel(
        &mut self,
        room: RoomId,
        head: &ChannelHead,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let id = Chat {
            room,
            channel: head.channel,
        };
        let Some(room) = self.place_mut(id) else { return };
        room.channel.pages.head = head.seq;
        if !room.channel.pages.begun {
            return;
        }
        if let Some(t) = room.channel.t_at(head.seq).filter(|t| *t != head.t) {
            let cause = Cause::messages(head.seq, t, head.t);
            self.freeze_with(id, Tamper::Fork, Some(cause), ctx, out).await;
        } else if head.seq < room.channel.at.seq {
            // Written down before something that we have heard already, or withheld: the answer to a page tells.
            self.page_forward(id, out);
        }
    }

    /// Asks for the next page if there is one.
    pub(super) fn catch_up(&mut self, id: Chat, out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.place(id) else { return };
        if room.channel.pages.paging
            || !self.online
            || room.frozen.is_some()
            || !room.waiting.blobs.is_empty()
            || room.sync.log_is_behind()
        {
            return;
        }
        // Of a space what is on screen comes at once, the rest one channel after the other.
        let waits = room.state.kind == RoomKind::Space
            && self.shown != Some(id)
            && self.channels_of(id.room).any(|channel| channel.pages.is_busy());
        if waits {
            return;
        }
        if !room.channel.pages.begun {
            self.ask_page(id, PageFrom::End, FIRST_PAGE, Pending::PageEnd { chat: id }, out);
        } else if room.channel.at.seq < room.channel.pages.head {
            self.page_forward(id, out);
        }
    }

    pub(super) fn page_forward(&mut self, id: Chat, out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.place(id) else { return };
        let after = room.channel.at.seq;
        let named = room.channel.pages.head;
        let pending = Pending::PageForward { chat: id, after, named };
        self.ask_page(id, PageFrom::After(after), MAX_PAGE, pending, out);
    }

    fn ask_page(
        &mut self,
        id: Chat,
        from: PageFrom,
        limit: u32,
        pending: Pending<S::DeviceKey>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(room) = self.place_mut(id) else { return };
        if room.channel.pages.paging {
            return;
        }
        room.channel.pages.paging = true;
        let request = PageGet {
            room_id: id.room,
            channel: id.channel,
            from,
            limit,
        };
        self.ask(Request::PageGet(request), pending, out);
    }

    pub(super) async fn page_came(
        &mut self,
        id: Chat,
        // `None`: asked for from the end. Otherwise from behind this message, when that one had been named.
        after: Option<(u64, u64)>,
        result: Result<Page, Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let marked = self.marks_in_vault(id);
        let Some(room) = self.place_mut(id) else { return };
        room.channel.pages.paging = false;
        let page = match result {
            Ok(page) => page,
            Err(failure) => {
                retry(&failure, out);
                return;
            }
        };
        room.channel.pages.head = room.channel.pages.head.max(page.head.seq);
        let before = Transcript {
            seq: page.before.seq,
            t: page.before.t,
        };
        if after.is_some_and(|(after, _)| page.head.seq < after) {
            self.freeze(id.room, Tamper::Withholding, out);
            return;
        }
        let Some(oldest) = before.seq.checked_add(1).filter(|seq| *seq <= MAX_SEQ) else {
            self.freeze(id.room, Tamper::Withholding, out);
            return;
        };
        if after.is_none() && !room.channel.pages.begun {
            // The first word on this channel is the relay's; what members say of it later must agree.
            room.channel.at = before;
            room.channel.oldest = oldest;
            room.channel.before_oldest = before.t;
            room.channel.shown_from = oldest;
            room.channel.pages.begun = true;
            // Where nothing says how far it was read, what is there is no news.
            let newest = before.seq.saturating_add(page.messages.len() as u64);
            let mark = marked.iter().find(|mark| mark.thread.is_none());
            let (read, turn, at) = mark.map_or((newest, 0, 0), |mark| (mark.read, mark.turn, mark.at));
            (room.channel.read_seq, room.channel.turn, room.channel.read_ms) = (read, turn, at);
            room.channel.exact = read >= before.seq;
            room.channel.threads.begin(read, &marked);
        } else if before != room.channel.at {
            // Overtaken by live messages: ask anew from where we are. Another history at the same place is a fork.
            if before.seq == room.channel.at.seq {
                let cause = Cause::messages(before.seq, room.channel.at.t, before.t);
                self.freeze_with(id, Tamper::Fork, Some(cause), ctx, out).await;
            } else {
                self.catch_up(id, out);
            }
            return;
        }
        let empty = page.messages.is_empty();
        // Of what came live since it was asked for it cannot know.
        let named = page.head.seq.max(after.map_or(0, |(_, named)| named));
        self.take_messages(id, page.messages, after.is_none(), ctx, out).await;
        if let Some(room) = self.place(id)
            && empty
            && room.channel.at.seq < named
        {
            // The relay named more than it gives.
            self.freeze(id.room, Tamper::Withholding, out);
            return;
        }
        if empty {
            self.settle_claims(id.room, Some(id.channel), ctx, out).await;
        }
        self.catch_up(id, out);
        for chat in self.chats_of(id.room) {
            self.catch_up(chat, out);
        }
        self.flush(id, ctx, out).await;
    }

    /// What has to happen whenever a log changed.
    pub(super) async fn after_log(&mut self, id: RoomId, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        for chat in self.chats_of(id) {
            self.catch_up(chat, out);
            let waits = self
                .channels
                .get(&chat)
                .is_some_and(|channel| !channel.outbox.is_empty());
            if waits {
                self.flush(chat, ctx, out).await;
            }
        }
    }

    /// Whether the room can be written to now; if entries are needed first, they are on their way.
    pub(super) async fn prepare(&mut self, id: Chat, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) -> bool {
        let Some(room) = self.place(id) else { return false };
        // Entries that wait for somebody's keys may take somebody out.
        if room.appending || room.sync.log_is_behind() || !room.waiting.blobs.is_empty() || !room.intents.is_empty() {
            return false;
        }
        let key = room.key();
        if key != ChannelId::MAIN && !self.must_prepare(room.room) {
            // A private channel's own key; that of the space may be as old as it is.
            if room.state.rotation_due_of(&key) {
                let what = What::Space(SpaceAct::Key(key));
                self.intend(id.room, Intent::new(what, None), ctx, out).await;
                return false;
            }
            return true;
        }
        if self.needs_preparing(room, ctx.now_ms) {
            self.intend(id.room, Intent::new(What::Prepare, None), ctx, out).await;
            return false;
        }
        true
    }

    // --- Replies -----------------------------------------------------------------------------------------------------------

    pub(super) async fn reply(
        &mut self,
        id: u32,
        result: Result<Reply, Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(pending) = self.pending.remove(&id) else {
            return;
        };
        if let Pending::Enter(entering) = pending {
            self.entering(entering, result, ctx, out).await;
            return;
        }
        let mut result = result;
        if let Err(failure) = &result
            && failure.is(ErrorCode::NotSignedIn)
            && !matches!(pending, Pending::Recovery { .. })
        {
            if !self.is_of_an_ended_session(id) {
                self.was_signed_out(out);
                return;
            }
            result = Err(Failure::Offline);
        }
        macro_rules! expect {
            ($kind:ident) => {
                result.and_then(|reply| {
                    if let Reply::$kind(reply) = reply {
                        Ok(reply)
                    } else {
                        Err(Failure::Garbled)
                    }
                })
            };
        }
        match pending {
            Pending::Advice { .. }
            | Pending::NewPassword(_)
            | Pending::Enter(_)
            | Pending::Ignore
            | Pending::Base { .. }
            | Pending::Seek { .. }
            | Pending::KeptPicture { .. }
            | Pending::LoadOlder { .. } => {}
            Pending::Realm => {
                let result = expect!(Info);
                self.realm_came(result, out);
            }
            Pending::SignOutOthers { command } => {
                let result = expect!(SessionEndOthers)
                    .map(|_| Outcome::Done)
                    .map_err(|failure| failure.problem());
                out.push(Effect::Answer { id: command, result });
            }
            Pending::Devices { command } => {
                let sessions = expect!(SessionList).map(|reply| reply.sessions);
                self.devices_came(command, sessions, out);
            }
            Pending::Held { command } => {
                let result = expect!(HeldGet).map(Outcome::Held);
                out.push(Effect::Answer {
                    id: command,
                    result: result.map_err(|failure| failure.problem()),
                });
            }
            Pending::Rows { command } => {
                let result = expect!(RowsGet).map(Outcome::Rows);
                out.push(Effect::Answer {
                    id: command,
                    result: result.map_err(|failure| failure.problem()),
                });
            }
            Pending::Find { command, handle } => {
                let result = match expect!(UserFind) {
                    Ok(body) if body.handle != handle => Err(Problem::ServerLied(format!("the keys of {handle}"))),
                    Ok(body) => self.learn_log_of(&body, ctx, out).await.and_then(|()| {
                        self.person(&body.user_id)
                            .map(Outcome::Person)
                            .ok_or_else(|| Problem::UnknownHandle(body.handle.clone()))
                    }),
                    Err(failure) if failure.is(ErrorCode::NotFound) => Err(Problem::UnknownHandle(handle)),
                    Err(failure) => Err(failure.problem()),
                };
                out.push(Effect::Answer { id: command, result });
            }
            Pending::Accept { command, handle, user } => {
                let result = match expect!(UserFind) {
                    Ok(body) => self.handle_accepted(&handle, user, &body, ctx, out).await,
                    Err(failure) => Err(failure.problem()),
                };
                out.push(Effect::Answer { id: command, result });
            }
            Pending::FindFor { handle, task } => {
                let result = expect!(UserFind);
                self.found_for(task, handle, result, ctx, out).await;
            }
            Pending::UserLogs { users } => {
                let result = expect!(UserLogsGet);
                self.logs_came(users, result, ctx, out).await;
            }
            Pending::RoomLog { room, from } => {
                let result = expect!(RoomLogGet);
                self.room_log_came(room, from, result, ctx, out).await;
            }
            Pending::Append { room } => {
                let result = expect!(RoomAppend);
                self.appended(room, result, ctx, out).await;
            }
            Pending::Create { room } => {
                let result = expect!(RoomCreate);
                self.created(room, result, ctx, out).await;
            }
            Pending::Wraps { room } => {
                let result = expect!(WrapsGet).map(|reply| reply.wraps);
                self.wraps_came(room, result, ctx, out).await;
            }
            Pending::KeyRequest { room, request } => {
                if expect!(WrapsDrop).is_ok() {
                    self.wraps_dropped(room, request, out);
                }
            }
            Pending::PageForward { chat, after, named } => {
                let result = expect!(PageGet);
                self.page_came(chat, Some((after, named)), result, ctx, out).await;
            }
            Pending::PageEnd { chat } => {
                let result = expect!(PageGet);
                self.page_came(chat, None, result, ctx, out).await;
            }
            Pending::PageBack { chat } => {
                let result = expect!(PageGet);
                self.older_came(chat, result, ctx, out).await;
            }
            Pending::Slots { chat, most } => {
                let result = expect!(SlotsGet);
                self.slots_came(chat, most, result, ctx, out).await;
            }
            Pending::Exhibit { command, seq } => {
                let result = expect!(PageGet);
                self.exhibit_came(command, seq, result, ctx, out).await;
            }
            Pending::Reported { command } => {
                let result = expect!(ReportSend).map(|_| ());
                self.reported(command, result, out);
            }
            Pending::Reports { room, command, again } => {
                let result = expect!(ReportsGet);
                self.reports_came(room, command, result, ctx, out).await;
                if again {
                    self.fetch_reports(room, None, out);
                }
            }
            Pending::Settled { command, room, report } => {
                let result = expect!(ReportSettle).map(|_| ());
                self.report_settled(command, room, report, result, out);
            }
            Pending::PictureSet { command, chosen } => {
                let result = match chosen {
                    Some(_) => expect!(PicturePut).map(drop),
                    None => expect!(PictureDrop).map(drop),
                };
                self.picture_set(command, chosen, result, ctx, out);
            }
            Pending::Picture { command, user } => {
                let result = expect!(PictureGet);
                self.picture_came(command, user, result, out);
            }
            Pending::LetGo { chat, message } => {
                let result = expect!(MessageDelete).map(|_| ());
                self.let_go(chat, message, result, out);
            }
            Pending::Vault { floor } => {
                let result = expect!(VaultGet);
                self.vault_came(floor, result, ctx, out).await;
            }
            Pending::Contact { command, user, handle } => {
                let result = expect!(UserFind);
                self.contact_came(command, user, &handle, result, ctx, out).await;
            }
            Pending::Visit { room, from } => {
                let result = expect!(InviteOpen);
                self.visited(room, from, result, ctx, out).await;
            }
            Pending::PeekTime(peek) => {
                let result = expect!(Info);
                self.peek_timed(peek, result, out);
            }
            Pending::Peek(peek) => {
                let result = expect!(InvitePeek);
                self.peeked(&peek, result, out);
            }
            Pending::Join { room } => {
                let result = expect!(RoomAppend).map(|_| ());
                self.joined(room, result, ctx, out).await;
            }
            Pending::HandOver { room, users } => {
                let result = expect!(WrapsPut).map(|_| ());
                self.handed_over(room, users, result, out);
            }
            Pending::PutVault => {
                let result = expect!(VaultPut).map(|_| ());
                self.vault_was_put(result, ctx, out);
            }
            Pending::Recovery { command } => {
                let result = expect!(SetRecovery).map(|_| ());
                self.recovery_was_set(command, true, result, out);
            }
        }
    }

    /// Records came out of this browser's store.
    pub(super) async fn loaded(&mut self, id: u32, loaded: Loaded, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        match self.pending.remove(&id) {
            Some(Pending::Base { command }) => self.base_came(command, loaded, ctx, out).await,
            Some(Pending::LoadOlder { chat }) => self.older_loaded(chat, loaded, ctx, out).await,
            Some(Pending::KeptPicture { command, user }) => self.picture_loaded(command, user, loaded, out),
            Some(Pending::Seek { chat }) => self.sought(chat, loaded, ctx, out).await,
            _ => {}
        }
    }

    async fn base_came(
        &mut self,
        command: Option<u32>,
        loaded: Loaded,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        if let Some(problem) = loaded.problem {
            self.show_signed_out(out);
            self.me = None;
            match command {
                Some(id) => out.push(Effect::Answer {
                    id,
                    result: Err(problem),
                }),
                None => self.notice(problem, out),
            }
            return;
        }
        let realm = self.realm.clone().unwrap_or_default();
        for person in loaded.people {
            let is_me = self.my_id() == Some(person.user_id);
            let restored = self.people.restore(person, &realm);
            if restored.is_err()
                && is_me
                && let Some(id) = command
            {
                // The log that came with the sign-in does not go on where the one ends that this browser has verified.
                self.refuse_account(id, super::account::lied("the log of this account"), out);
                return;
            }
        }
        let restored = match (&mut self.me, &loaded.keys) {
            (Some(me), Some(keys)) => me.vault.restore(keys),
            _ => Ok(()),
        };
        if let (Err(problem), Some(id)) = (restored, command) {
            self.refuse_account(id, problem, out);
            return;
        }
        if command.is_some()
            && let Some(me) = &self.me
        {
            let person = self.people.record(&me.user_id);
            out.push(Effect::Save(std::iter::once(me.save_keys()).chain(person).collect()));
        }
        for room in loaded.rooms {
            self.restore_room(room);
        }
        for stop in loaded.stops {
            // Versions before this one kept words with it; read, they are gone.
            out.push(Effect::Save(vec![record::save(Key::Stop(stop.room_id), &stop)]));
            if let Some(room) = self.rooms.get_mut(&stop.room_id) {
                (room.frozen, room.evidence, room.left) = (stop.why, stop.evidence, stop.left);
            }
        }
        // What could not be sent is there also in a channel that is not read any more.
        for message in &loaded.outgoing {
            let id = message.chat();
            let room = self.rooms.get(&id.room);
            if room.is_some_and(|room| room.state.has_channel(&id.channel)) {
                self.channels.entry(id).or_insert_with(|| Channel::new(id));
            }
        }
        for channel in loaded.channels {
            if let Some(there) = self.channels.get_mut(&channel.chat()) {
                there.restore(channel);
                there.pages.begun = true;
            }
        }
        for message in loaded.outgoing {
            if let Some(there) = self.channels.get_mut(&message.chat()) {
                there.outbox.restore(message);
            }
        }
        self.drafts_came(loaded.drafts);
        self.books_came(out);
        self.show_signed_in(out);
        self.show_people(out);
        let ids: Vec<RoomId> = self.rooms.keys().copied().collect();
        for id in ids {
            self.learn_keys(id, ctx, out).await;
            self.show_rows_of(id, out);
            self.show_members(id, out);
            self.show_order(id, out);
        }
        self.expire(out);
        if let Some(id) = command {
            out.push(Effect::Answer {
                id,
                result: Ok(Outcome::Done),
            });
        }
        self.connect(out);
    }
}
