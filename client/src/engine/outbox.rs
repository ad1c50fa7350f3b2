//! Messages going out: kept first, sealed when the room is ready, sent again until they are heard back.
//!
//! One batch is under way at a time. It is sealed as one chain, saved, and only then transmitted; a retry sends the very
//! same bytes under the same ids. What is refused because the room key changed is sealed anew, and so is what was sealed
//! before something that has come since.

use std::collections::{BTreeSet, VecDeque};

use sotto_shared::api::B64;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::{Outgoing, ToRelay};
use sotto_shared::api::limits::{MAX_FRAME_BYTES, MAX_SEND_BATCH, MAX_TEXT_BYTES};
use sotto_shared::codec::Codec;
use sotto_shared::crypto::hash::sha256;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::envelope::content::{Content, lane_start, seal_message};
use sotto_shared::envelope::header::{Header, MessageKind, ttl_class};
use sotto_shared::id::{Head, MessageId};
use sotto_shared::log::room_log::SUITE_1;

use super::account::internal;
use super::bodies::{del_secret, message_body};
use super::chats::{Place, PlaceMut, place_mut};
use super::record::{self, Act, Key, OutgoingRecord, PollRecord, SealedRecord};
use super::replies::{Ties, text_body};
use super::{Ctx, Effect, Engine, Out};
use crate::view::{Chat, Delivery, Outcome, Problem, Standing};

/// Before a message is tried again whose id the relay has under other bytes.
const DUPLICATE_WAIT_MS: u64 = 2_000;

/// How long an echo may take before the message is sent again.
const ECHO_WAIT_MS: u64 = 15_000;

/// Characters that the messages of one frame take in base64; what is between them has the rest of what the relay reads.
const MAX_BATCH_CHARS: usize = MAX_FRAME_BYTES / 4 * 3;

/// What waits in one room, oldest first.
#[derive(Default)]
pub(crate) struct Outbox {
    items: VecDeque<OutgoingRecord>,
    /// Ids that were transmitted over this connection and not yet heard back.
    under_way: Vec<MessageId>,
    next_place: u64,
    /// When they were.
    sent_ms: u64,
    /// Not before this time, milliseconds since 1970: the relay asked for patience.
    not_before_ms: u64,
    /// Ids of what is deleted as soon as it is heard back.
    pub taken_back: BTreeSet<MessageId>,
}

impl Outbox {
    /// Messages that go out by themselves.
    pub fn waiting(&self) -> u32 {
        self.items.iter().filter(|item| item.failed.is_none()).count() as u32
    }

    pub fn items(&self) -> impl Iterator<Item = &OutgoingRecord> {
        self.items.iter()
    }

    pub fn restore(&mut self, record: OutgoingRecord) {
        self.taken_back.extend(record.taken_back.then_some(record.msg_id));
        self.next_place = self.next_place.max(record.place + 1);
        let at = self.items.partition_point(|item| item.place <= record.place);
        self.items.insert(at, record);
    }

    /// Whether something waits under this id.
    pub fn waits_for(&self, id: &MessageId) -> bool {
        self.items.iter().any(|item| item.msg_id == *id) || self.under_way.contains(id)
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn connection_was_lost(&mut self) {
        self.under_way.clear();
    }

    /// It was heard back. Says whether it was ours.
    pub fn arrived(&mut self, id: &MessageId) -> bool {
        self.under_way.retain(|other| other != id);
        let before = self.items.len();
        self.items.retain(|item| item.msg_id != *id);
        self.items.len() != before
    }

    /// It was heard back without its bytes.
    pub fn arrived_and_gone(&mut self, hash: &Head) -> Option<MessageId> {
        let is_it = |item: &&OutgoingRecord| item.sealed.as_ref().is_some_and(|sealed| sealed.hash() == *hash);
        let id = self.items.iter().find(is_it)?.msg_id;
        self.arrived(&id);
        Some(id)
    }

    /// It will not arrive as it is. Nothing for an id that does not wait here.
    pub fn fail(&mut self, id: &MessageId, why: Problem) -> Option<&OutgoingRecord> {
        self.under_way.retain(|other| other != id);
        let item = self.get_mut(id)?;
        item.sealed = None;
        item.failed = Some(why);
        Some(item)
    }

    /// The newest that waits, for the list of rooms.
    pub fn newest(&self) -> Option<(String, u64, Delivery)> {
        (self.items.iter().rev())
            .find(|item| item.act.is_none() && item.ties.thread.is_none())
            .map(|item| (super::inbox::preview_of(&item.text), item.at_ms, delivery(item)))
    }

    /// Whether something waits that takes this message away.
    pub fn deletes(&self, hash: &Head) -> bool {
        let names = |act: &Act| matches!(act, Act::Delete { target, .. } if target == hash);
        let mut waiting = self.items.iter().filter(|item| item.failed.is_none());
        waiting.any(|item| item.act.as_ref().is_some_and(names))
    }

    pub fn has_deletions(&self) -> bool {
        let is_one = |item: &OutgoingRecord| matches!(item.act, Some(Act::Delete { .. })) && item.failed.is_none();
        self.items.iter().any(is_one)
    }

    /// Whether something waits that people will read.
    pub fn has_words(&self) -> bool {
        self.items.iter().any(|item| item.act.is_none())
    }

    /// What was sealed and may have gone out is to be deleted once it is heard back. Gives what is to be kept anew.
    pub fn take_back(&mut self) -> Vec<OutgoingRecord> {
        let words = self.items.iter_mut().filter(|item| item.act.is_none());
        let mut changed = Vec::new();
        for item in words {
            item.taken_back = true;
            self.taken_back.insert(item.msg_id);
            changed.push(item.clone());
        }
        changed
    }

    /// Of what was taken back: what the relay refused.
    pub fn taken_back_and_failed(&self) -> Vec<MessageId> {
        let failed = self
            .items
            .iter()
            .filter(|item| item.taken_back && item.failed.is_some());
        failed.map(|item| item.msg_id).collect()
    }

    /// What nobody has got yet: never sealed, or refused.
    pub fn unsent_words(&self) -> Vec<MessageId> {
        let is_here = |item: &&OutgoingRecord| item.act.is_none() && item.sealed.is_none();
        self.items.iter().filter(is_here).map(|item| item.msg_id).collect()
    }

    /// Ids of what waits under this id, or says something about the message with this hash.
    pub fn ids_about(&self, id: &MessageId, hash: Option<Head>) -> Vec<MessageId> {
        let is_about = |item: &&OutgoingRecord| {
            item.msg_id == *id || item.act.as_ref().is_some_and(|act| Some(act.target()) == hash)
        };
        self.items.iter().filter(is_about).map(|item| item.msg_id).collect()
    }

    fn get_mut(&mut self, id: &MessageId) -> Option<&mut OutgoingRecord> {
        self.items.iter_mut().find(|item| item.msg_id == *id)
    }
}

pub(super) fn delivery(item: &OutgoingRecord) -> Delivery {
    item.failed.clone().map_or(Delivery::Pending, Delivery::Failed)
}

/// Whether it says less of why it does not go than the log does: the relay refused it before it was known why, or it waits.
fn is_told_better(item: &OutgoingRecord, why: &Problem) -> bool {
    match &item.failed {
        None => true,
        Some(said) => *said == Problem::NotAllowed && said != why,
    }
}

impl<S: Suite> Engine<S> {
    pub(super) async fn send(
        &mut self,
        id: Chat,
        text: &str,
        reply: Option<MessageId>,
        thread: Option<MessageId>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.may_write(id)?;
        let text = text.trim_end();
        if text.trim().is_empty() {
            return Ok(Some(Outcome::Done));
        }
        if text.len() > MAX_TEXT_BYTES {
            return Err(Problem::MessageTooLong);
        }
        let ties = self.tie(id, text, reply, thread)?;
        let thread = ties.thread;
        let done = self.keep(id, text.to_owned(), ties, None, None, ctx, out).await?;
        self.end_draft(id, thread, out);
        Ok(done)
    }

    /// Waiting for the key is no reason to refuse: the message waits too.
    pub(super) fn may_write(&self, id: Chat) -> Result<(), Problem> {
        let room = self.place(id).ok_or(Problem::RoomClosed)?;
        if !matches!(self.standing(room), Standing::Open | Standing::WaitingForKey) {
            return Err(Problem::RoomClosed);
        }
        // An archived channel, or one in which only some may write.
        if !self.my_id().is_some_and(|me| room.state.lets_write(&me, &id.channel)) {
            return Err(Problem::NotAllowed);
        }
        match self.held_until(room.room, self.now_ms) {
            0 => Ok(()),
            until_ms => Err(Problem::TimedOut { until_ms }),
        }
    }

    /// Keeps what is to be said, a text or something about another message, and sends it when the room is ready.
    pub(super) async fn queue(
        &mut self,
        id: Chat,
        text: String,
        act: Option<Act>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.keep(id, text, Ties::default(), act, None, ctx, out).await
    }

    pub(super) async fn queue_poll(
        &mut self,
        id: Chat,
        poll: PollRecord,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let question = poll.question.clone();
        self.keep(id, question, Ties::default(), None, Some(poll), ctx, out)
            .await
    }

    #[allow(clippy::too_many_arguments)] // all that one message is
    pub(super) async fn keep(
        &mut self,
        id: Chat,
        text: String,
        ties: Ties,
        act: Option<Act>,
        poll: Option<PollRecord>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.may_write(id)?;
        // To take something back is not to write.
        if !matches!(act, Some(Act::Delete { .. })) {
            self.wrote_in(id.room, ctx, out);
        }
        let mut msg_id = [0; 16];
        ctx.rng.fill_bytes(&mut msg_id);
        let msg_id = MessageId::from_bytes(msg_id);
        let lane = self.lane;
        let Some(room) = self.place_mut(id) else {
            return Err(Problem::RoomClosed);
        };
        let item = OutgoingRecord {
            room_id: id.room,
            channel: id.channel,
            msg_id,
            lane,
            text,
            ties,
            act,
            poll,
            at_ms: ctx.now_ms,
            place: room.channel.outbox.next_place,
            sealed: None,
            failed: None,
            taken_back: false,
        };
        out.push(Effect::Save(vec![record::save(Key::Outgoing(id, msg_id), &item)]));
        room.channel.outbox.restore(item);
        self.show_outgoing(id, &msg_id, out);
        self.show_room_row(id, out);
        self.flush(id, ctx, out).await;
        Ok(Some(Outcome::Done))
    }

    pub(super) async fn retry(
        &mut self,
        id: Chat,
        message: MessageId,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        for about in self.waiting_about(id, &message)? {
            let room = self.place_mut(id).ok_or(Problem::RoomClosed)?;
            if let Some(item) = room.channel.outbox.get_mut(&about) {
                item.failed = None;
                out.push(Effect::Save(vec![record::save(Key::Outgoing(id, about), item)]));
                self.show_outgoing(id, &about, out);
            }
        }
        self.flush(id, ctx, out).await;
        Ok(Some(Outcome::Done))
    }

    pub(super) fn discard(
        &mut self,
        id: Chat,
        message: MessageId,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        for about in self.waiting_about(id, &message)? {
            let room = self.place_mut(id).ok_or(Problem::RoomClosed)?;
            let Some(item) = room.channel.outbox.get_mut(&about).filter(|item| item.failed.is_some()) else {
                continue;
            };
            let target = item.act.as_ref().map(Act::target);
            room.channel.outbox.arrived(&about);
            out.push(Effect::Save(vec![record::remove(Key::Outgoing(id, about))]));
            match target {
                Some(target) => self.show_named(id, &target, out),
                None => self.hide_outgoing(id, &about, out),
            }
            self.show_rows_of(id.room, out);
        }
        Ok(Some(Outcome::Done))
    }

    /// What waits under the id of a row: the message itself, or what is to be said about it.
    fn waiting_about(&self, id: Chat, message: &MessageId) -> Result<Vec<MessageId>, Problem> {
        let room = self.place(id).ok_or(Problem::RoomClosed)?;
        let there = room.channel.messages.values().find(|other| other.msg_id == *message);
        Ok(room.channel.outbox.ids_about(message, there.map(|there| there.hash)))
    }

    /// Why what waits here goes nowhere, as far as the log is known: nothing that comes by itself changes it.
    fn is_shut(&self, room: Place<'_>) -> Option<Problem> {
        match self.standing(room) {
            Standing::Removed | Standing::Left | Standing::PeerGone => Some(Problem::RoomClosed),
            _ if room.state.closed || room.is_archived() => Some(Problem::RoomClosed),
            _ => {
                let may = self
                    .my_id()
                    .is_some_and(|me| room.state.lets_write(&me, &room.channel.id.channel));
                (!may).then_some(Problem::NotAllowed)
            }
        }
    }

    /// What waits where nobody lets it in any more says so, and keeps its words. If the relay had taken it after all, it is
    /// still heard back.
    fn give_up(&mut self, id: Chat, why: &Problem, out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.place_mut(id) else { return };
        let waiting = (room.channel.outbox.items.iter()).filter(|item| is_told_better(item, why));
        let waiting: Vec<MessageId> = waiting.map(|item| item.msg_id).collect();
        for msg_id in &waiting {
            if let Some(item) = room.channel.outbox.fail(msg_id, why.clone()) {
                out.push(Effect::Save(vec![record::save(Key::Outgoing(id, *msg_id), item)]));
            }
        }
        for msg_id in &waiting {
            self.show_outgoing(id, msg_id, out);
        }
        self.show_rows_of(id.room, out);
    }

    /// Sends what waits, if the room is ready for it.
    pub(super) async fn flush(&mut self, id: Chat, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.place(id) else { return };
        let wants = room.channel.outbox.items.iter().any(|item| item.failed.is_none());
        if let Some(why) = self.is_shut(room) {
            if room.channel.outbox.items.iter().any(|item| is_told_better(item, &why)) {
                self.give_up(id, &why, out);
            }
            return;
        }
        let early = ctx.now_ms < room.channel.outbox.not_before_ms;
        // What was neither heard back nor refused is sent again: the same bytes under the same ids.
        let waits =
            !room.channel.outbox.under_way.is_empty() && ctx.now_ms < room.channel.outbox.sent_ms + ECHO_WAIT_MS;
        // Echoes of what was sent before may still be on their way in.
        let behind = room.channel.pages.is_busy() || !room.channel.pages.has_begun();
        if !wants || early || behind || !self.online || waits {
            return;
        }
        // What waits does so until somebody may write again.
        let held_until = self.held_until(room.room, ctx.now_ms);
        if held_until > 0 {
            out.push(Effect::Wake {
                after_ms: held_until - ctx.now_ms,
            });
            return;
        }
        if self.standing(room) != Standing::Open || !self.prepare(id, ctx, out).await {
            return;
        }
        if let Err(problem) = self.transmit(id, ctx, out).await {
            self.notice(problem, out);
        }
    }

    async fn transmit(&mut self, id: Chat, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) -> Result<(), Problem> {
        let Some(room) = self.place_mut(id) else {
            return Ok(());
        };
        let n = room.view().epoch_number();
        // Sealed under an older key and never taken: made again. The same for what was sealed before messages that have come
        // since: whoever does not know its chain takes it for an old one that comes again. If the relay had taken it after
        // all, it has its id, and refuses the new one.
        let at = room.channel.at.seq;
        let is_stale = |item: &OutgoingRecord| {
            let sealed = item.sealed.as_ref();
            item.failed.is_none() && sealed.is_some_and(|sealed| sealed.n != n || sealed.seen < at)
        };
        if room.channel.outbox.items.iter().any(is_stale) {
            for item in room
                .channel
                .outbox
                .items
                .iter_mut()
                .filter(|item| item.failed.is_none())
            {
                item.sealed = None;
            }
        }
        // What is sealed already goes first, and alone: what comes after it builds on it.
        let sealed = room
            .channel
            .outbox
            .items
            .iter()
            .any(|item| item.failed.is_none() && item.sealed.is_some());
        if !sealed {
            self.seal_batch(id, n, ctx, out).await?;
        }
        let Some(room) = self.place_mut(id) else {
            return Ok(());
        };
        let mut messages = Vec::new();
        room.channel.outbox.under_way.clear();
        room.channel.outbox.sent_ms = ctx.now_ms;
        let sealed = (room.channel.outbox.items.iter())
            .filter(|item| item.failed.is_none())
            .filter_map(|item| Some((item.msg_id, item.sealed.as_ref()?)));
        let mut chars = 0;
        for (msg_id, sealed) in sealed.take(MAX_SEND_BATCH) {
            chars += sealed.chars();
            if chars > MAX_BATCH_CHARS && !messages.is_empty() {
                break;
            }
            room.channel.outbox.under_way.push(msg_id);
            messages.push(Outgoing {
                header: sealed.header.clone(),
                envelope: sealed.envelope.clone(),
            });
        }
        if !messages.is_empty() {
            out.push(Effect::Transmit(ToRelay::Send { messages }));
            out.push(Effect::Wake { after_ms: ECHO_WAIT_MS });
        }
        Ok(())
    }

    /// Seals what waits as one chain in this tab's lane, and saves it.
    async fn seal_batch(
        &mut self,
        id: Chat,
        n: u32,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let lane = self.lane;
        let (Some(me), Some(room)) = (
            &self.me,
            place_mut(&mut self.rooms, &mut self.channels, &self.contacts, id),
        ) else {
            return Ok(());
        };
        let Some(key) = room.view().message_key(n) else {
            return Ok(());
        };
        let PlaceMut { room, channel, decided } = room;
        let newest = channel.lanes.get(&(me.dk_id, lane));
        let (mut ctr, mut prev_own) =
            newest.map_or_else(|| (0, lane_start(&me.dk_id, &lane)), |end| (end.ctr, end.head));
        let mut saves = Vec::new();
        let mut chars = 0;
        let is_slow = room.state.slowed_at(&me.user_id, &id.channel, room.state.seq) > 0;
        let place = Place { room, channel, decided };
        let mut next_text_ms = place.next_text_ms(&me.user_id, ctx.now_ms).unwrap_or_default();
        let mut wake_ms = None;
        let held_until = room.state.time_out_ends(&me.user_id);
        let waiting = channel.outbox.items.iter().filter(|item| item.failed.is_none());
        let waiting: Vec<MessageId> = waiting.take(MAX_SEND_BATCH).map(|item| item.msg_id).collect();
        for msg_id in waiting {
            let Some(item) = channel.outbox.items.iter().find(|item| item.msg_id == msg_id) else {
                continue;
            };
            // One text at a time where that is slowed down; what is said about others need not wait for it.
            if is_slow && item.act.is_none() {
                if ctx.now_ms < next_text_ms {
                    wake_ms.get_or_insert(next_text_ms);
                    continue;
                }
                next_text_ms = u64::MAX;
            }
            // In a room where messages do not stay, their time begins when they leave; so does that of what had to wait.
            let ttl = room.state.ttl_at(room.state.seq);
            let waited = is_slow || item.at_ms < held_until;
            let ts = if ttl.is_some() || waited {
                ctx.now_ms
            } else {
                item.at_ms
            };
            let (body, ttl_class) = match (&item.act, ttl) {
                (None, ttl) if let Some(poll) = &item.poll => {
                    (poll.body(ttl)?, ttl.map_or(0, |ttl| ttl_class(ttl.into())))
                }
                (None, ttl) => (
                    text_body(&item.text, &item.ties, ttl)?,
                    ttl.map_or(0, |ttl| ttl_class(ttl.into())),
                ),
                (Some(act), ttl) => (message_body(act)?, channel.class_of(act, ttl, ctx.now_ms)),
            };
            let header = Header {
                suite: SUITE_1,
                kind: MessageKind::Durable,
                room_id: id.room,
                channel: id.channel,
                n,
                msg_id: item.msg_id,
                ttl_class,
                del_commit: sha256(del_secret(&me.dvk, &item.msg_id).expose()),
            };
            ctr += 1;
            let content = Content {
                header_hash: header.hash(),
                user_id: me.user_id,
                dk_id: me.dk_id,
                lane,
                ctr,
                prev_own,
                log_seq: room.state.seq,
                log_head: room.state.head,
                seen_seq: channel.at.seq,
                seen_t: channel.at.t,
                ts,
                body,
            };
            let bytes = content.to_bytes();
            let sig = ctx
                .suite
                .sign(&me.key, Label::Message, &bytes)
                .await
                .map_err(internal)?;
            let sealed = seal_message(ctx.rng, &key, &header, &bytes, &sig);
            let hash = Head::from_bytes(*sealed.hash.as_bytes());
            let sealed = SealedRecord {
                n,
                seen: channel.at.seq,
                header: B64(sealed.header),
                envelope: B64(sealed.envelope),
            };
            // A batch is what goes in one frame: the relay refuses what follows a refusal in one frame, and no further.
            chars += sealed.chars();
            if chars > MAX_BATCH_CHARS && !saves.is_empty() {
                break;
            }
            prev_own = hash;
            if let Some(item) = channel.outbox.get_mut(&msg_id) {
                item.lane = lane;
                item.sealed = Some(sealed);
                saves.push(record::save(Key::Outgoing(id, msg_id), item));
            }
        }
        // What waits for one that goes out now is looked at again when that one is heard back.
        if let Some(wake_ms) = wake_ms.filter(|wake_ms| *wake_ms < u64::MAX) {
            out.push(Effect::Wake {
                after_ms: wake_ms - ctx.now_ms,
            });
        }
        if saves.is_empty() {
            return Ok(());
        }
        out.push(Effect::Save(saves));
        Ok(())
    }

    /// The relay did not take a message.
    pub(super) async fn refused(
        &mut self,
        id: Chat,
        msg_id: MessageId,
        code: ErrorCode,
        retry_secs: Option<u32>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(mut room) = self.place_mut(id) else { return };
        room.channel.outbox.under_way.retain(|other| *other != msg_id);
        let Some(item) = room.channel.outbox.get_mut(&msg_id) else {
            return;
        };
        match code {
            // The room moved on: learn how, then seal anew.
            ErrorCode::WrongEpoch | ErrorCode::StaleHead => {
                item.sealed = None;
                room.sync.log_behind();
                self.fetch_room_log(id.room, out);
            }
            ErrorCode::TooFast => {
                item.sealed = None;
                let wait_ms = u64::from(retry_secs.unwrap_or(2).clamp(1, 120)) * 1000;
                room.channel.outbox.not_before_ms = ctx.now_ms + wait_ms;
                out.push(Effect::Wake { after_ms: wait_ms });
            }
            // It is there already, under other bytes of ours, or it follows one that is: what is there comes by itself.
            ErrorCode::Duplicate => {
                item.sealed = None;
                room.channel.outbox.not_before_ms = ctx.now_ms + DUPLICATE_WAIT_MS;
                out.push(Effect::Wake {
                    after_ms: DUPLICATE_WAIT_MS,
                });
            }
            ErrorCode::Draining => {}
            _ => {
                item.sealed = None;
                item.failed = Some(match code {
                    ErrorCode::Unavailable | ErrorCode::Internal => Problem::ServerTrouble,
                    ErrorCode::TooLarge => Problem::MessageTooLong,
                    ErrorCode::Forbidden | ErrorCode::NotFound => Problem::NotAllowed,
                    _ => Problem::OldPage,
                });
                let saved = record::save(Key::Outgoing(id, msg_id), item);
                out.push(Effect::Save(vec![saved]));
                self.show_outgoing(id, &msg_id, out);
                self.show_room_row(id, out);
                if matches!(code, ErrorCode::Forbidden | ErrorCode::NotFound) {
                    self.fetch_room_log(id.room, out);
                }
            }
        }
        self.flush(id, ctx, out).await;
    }
}
