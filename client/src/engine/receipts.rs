//! What people have read: a sealed slot of the relay for each, and a signed word of where its author stands.
//!
//! ```text
//!  read on screen ─▶ sealed, signed ─▶ relay: in our slot ─▶ everybody in the room, our own browsers too ─▶ take
//!  room on screen ─▶ what lies in its slots ──────────────────────────────────────────────────────────────▶ take
//!
//!  take: room key that its header names → open → decode → a member with that browser, then and now → counter →
//!        signature → log and transcript against ours (as of a beacon) → kept; a profile goes to `profiles.rs`
//! ```
//!
//! A relay can hold a value back, or serve an older one for as long as nobody has seen the newer. It cannot make one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sotto_shared::api::B64;
use sotto_shared::api::body::{SlotValue, SlotsGet, SlotsReply};
use sotto_shared::api::frame::{Outgoing, ToRelay};
use sotto_shared::api::limits::SLOTS_PER_MEMBER;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::suite::{OpenJob, Suite};
use sotto_shared::envelope::content::{
    Content, MessageBody, OpenedContent, RECEIPT, envelope_context, seal_message, slot_id,
};
use sotto_shared::envelope::header::{Header, MessageKind};
use sotto_shared::id::UserId;
use sotto_shared::log::room_log::SUITE_1;

use super::account::internal;
use super::ask::{Failure, Pending, Request};
use super::chats::Place;
use super::evidence::Signed;
use super::{Ctx, Effect, Engine, Out};
use crate::view::{Chat, Outcome, Problem, Standing};

/// Between two receipts of one browser in one room: what is read meanwhile goes into the next.
const RECEIPT_MS: u64 = 3_000;
/// Before one that was not heard back is sent again.
const RESEND_MS: u64 = 30_000;

/// In rooms of more people nobody tells what they have read: everybody would tell everybody.
pub(super) const MANY_READERS: usize = 64;

/// What somebody has read, by their newest word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The number of that word: older ones are not heard.
    pub ctr: u64,
    /// Up to this message.
    pub read: u64,
}

impl Place<'_> {
    /// Whether there are words of others among the messages behind `told`, up to `read`.
    fn has_read_others(&self, told: u64, read: u64, me: UserId, now_ms: u64) -> bool {
        let (Some(from), true) = (told.checked_add(1), told < read) else {
            return false;
        };
        let mut since = self.channel.messages.range(from..=read).rev();
        since.any(|(_, message)| self.is_news(message, me, now_ms))
    }

    /// What a value of a slot says, if it can be anybody's receipt and is newer than what is known.
    fn is_newer(&self, content: &Content) -> bool {
        let known = self.channel.receipts.get(&content.user_id).map_or(0, |known| known.ctr);
        match content.body {
            MessageBody::Receipt { read } => read <= content.seen_seq && content.ctr > known,
            _ => false,
        }
    }
}

impl<S: Suite> Engine<S> {
    /// Whether this person lets others see what they have read, and sees it of them.
    pub(super) fn tell_read(&mut self, on: bool, out: &mut Out<S::DeviceKey>) -> Result<Option<Outcome>, Problem> {
        if self.tells_read != on {
            self.tells_read = on;
            for id in self.rooms.keys() {
                self.show_members(*id, out);
            }
        }
        Ok(Some(Outcome::Done))
    }

    /// Of the room before somebody's eyes: what lies in its slots is asked for once in a connection, and what was read is
    /// told when it is time. Looked at after every step.
    pub(super) async fn receipts(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let (Some(id), Some(me)) = (self.shown.filter(|_| self.visible && self.online), self.my_id()) else {
            return;
        };
        let tells_read = self.tells_read;
        let is_quiet = self.rooms.get(&id.room).is_some_and(|room| self.is_kept_quiet(room));
        let Some(room) = self.place_mut(id) else { return };
        let is_current = room.channel.pages.is_caught_up(room.channel.at.seq) && !room.sync.log_is_behind();
        if !is_current || room.frozen.is_some() || !room.is_member(&me) {
            return;
        }
        if room.channel.pages.slots_asked < room.view().key_count() {
            // Asked with so many keys: with more of them more can be opened.
            room.channel.pages.slots_asked = room.view().key_count();
            room.channel.pages.slots_pending = true;
            let most = SLOTS_PER_MEMBER * room.state.members.len();
            self.ask_for_slots(id, None, most, out);
            return;
        }
        let told = room.channel.receipts.get(&me).map_or(0, |receipt| receipt.read);
        let read = room.channel.read_seq.min(room.channel.at.seq);
        let may_tell =
            tells_read && !is_quiet && !room.channel.pages.slots_pending && room.state.members.len() <= MANY_READERS;
        if !may_tell {
            return;
        }
        if !(room.view()).has_read_others(told.max(room.channel.receipt_none), read, me, ctx.now_ms) {
            room.channel.receipt_none = read;
            return;
        }
        let is_again = read <= room.channel.receipt_read;
        let due_ms = room.channel.receipt_ms + if is_again { RESEND_MS } else { RECEIPT_MS };
        if ctx.now_ms < due_ms {
            self.wake_to_speak(due_ms, ctx, out);
            return;
        }
        let Some(room) = self.place(id) else { return };
        // Under a key that somebody may have who should not, nothing is said. One that is merely old will do.
        if self.standing(room) == Standing::Open
            && !self.key_is_due(room)
            && let Err(problem) = self.send_receipt(id, read, ctx, out).await
        {
            self.notice(problem, out);
        }
    }

    /// `most`: as many as there can be, so that no relay has us ask for ever.
    fn ask_for_slots(&mut self, id: Chat, before: Option<u64>, most: usize, out: &mut Out<S::DeviceKey>) {
        let ask = SlotsGet {
            room_id: id.room,
            channel: id.channel,
            before,
        };
        self.ask(Request::SlotsGet(ask), Pending::Slots { chat: id, most }, out);
    }

    async fn send_receipt(
        &mut self,
        id: Chat,
        read: u64,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let (Some(room), Some(me)) = (self.place(id), self.my_id()) else {
            return Ok(());
        };
        let known = room.channel.receipts.get(&me).map_or(0, |known| known.ctr);
        let body = MessageBody::Receipt { read };
        self.send_slot(id, RECEIPT, body, known, ctx, out).await?;
        if let Some(room) = self.place_mut(id) {
            // It counts as told when it is heard back.
            (room.channel.receipt_ms, room.channel.receipt_read) = (ctx.now_ms, read);
        }
        Ok(())
    }

    /// Puts a value in a slot of ours, under the newest key. `known` is the number of the newest one there.
    pub(super) async fn send_slot(
        &self,
        id: Chat,
        name: &str,
        body: MessageBody,
        known: u64,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let Some(room) = self.place(id) else { return Ok(()) };
        let me = self.me()?;
        let n = room.epoch_number();
        let Some(key) = room.message_key(n) else { return Ok(()) };
        let header = Header {
            suite: SUITE_1,
            kind: MessageKind::Slot,
            room_id: id.room,
            channel: id.channel,
            n,
            msg_id: slot_id(&me.dvk, &id.room, &id.channel, name),
            ttl_class: 0,
            del_commit: [0; 32],
        };
        let mut content = self.standpoint(room, &header, body, ctx.now_ms)?;
        // By the clock, so that it rises over all browsers of the account.
        content.ctr = ctx.now_ms.max(known.saturating_add(1));
        let content = content.to_bytes();
        let sig = (ctx.suite.sign(&me.key, Label::Message, &content).await).map_err(internal)?;
        let sealed = seal_message(ctx.rng, &key, &header, &content, &sig);
        out.push(Effect::Transmit(ToRelay::Send {
            messages: vec![Outgoing {
                header: B64(sealed.header),
                envelope: B64(sealed.envelope),
            }],
        }));
        Ok(())
    }

    pub(super) async fn slots_came(
        &mut self,
        id: Chat,
        most: usize,
        result: Result<SlotsReply, Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        // An answer that did not come is asked for again with the next connection.
        let (slots, before) = result.map_or((Vec::new(), None), |reply| (reply.slots, reply.before));
        let most = most.saturating_sub(slots.len());
        let more = before.filter(|_| most > 0 && !slots.is_empty());
        if let Some(room) = self.place_mut(id) {
            room.channel.pages.slots_pending = more.is_some();
        }
        self.take_slots(id, slots, ctx, out).await;
        if more.is_some() {
            self.ask_for_slots(id, more, most, out);
        }
    }

    /// Values of slots, live or as they lay there. What does not hold is let go.
    pub(super) async fn take_slots(
        &mut self,
        id: Chat,
        values: Vec<SlotValue>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(room) = self.place(id).filter(|room| room.frozen.is_none()) else {
            return;
        };
        let (state, mut keys) = (&room.state, BTreeMap::new());
        let (mut newer_key, mut newer_log) = (false, false);
        let mut sealed = Vec::with_capacity(values.len());
        for value in &values {
            let Ok(header) = Header::from_bytes(&value.header.0) else {
                continue;
            };
            let fits = header.kind == MessageKind::Slot
                && header.room_id == id.room
                && header.channel == id.channel
                && header.suite == SUITE_1;
            newer_key |= fits && header.n > room.epoch_number();
            if let Some(key) = room.message_key(header.n).filter(|_| fits) {
                keys.entry(header.n).or_insert(key);
                sealed.push((header, value));
            }
        }
        let jobs: Vec<OpenJob<'_>> = (sealed.iter())
            .filter_map(|(header, value)| {
                Some(OpenJob {
                    key: keys.get(&header.n)?.expose(),
                    context: envelope_context(&value.header.0),
                    sealed: &value.envelope.0,
                })
            })
            .collect();
        let mut claims = Vec::new();
        for ((header, _), plain) in sealed.iter().zip(ctx.suite.open_all(&jobs).await) {
            let opened = plain.ok().and_then(|plain| OpenedContent::parse(&plain, header).ok());
            let Some(opened) = opened.filter(|opened| self.is_newer(room, &opened.content)) else {
                continue;
            };
            // Of those who were here then and are now, with a browser that they had and have.
            let content = &opened.content;
            let signer = |at| {
                state
                    .reader_key(&content.user_id, &content.dk_id, &id.channel, at)
                    .copied()
            };
            let signer = signer(content.log_seq.min(state.seq)).and_then(|_| signer(state.seq));
            newer_log |= signer.is_none() && content.log_seq > state.seq;
            if let Some(signer) = signer
                && let Some(claim) = opened.claim(&signer)
            {
                claims.push((claim, signer));
            }
        }
        let jobs: Vec<_> = claims.iter().flat_map(|(claim, _)| claim.jobs()).cloned().collect();
        let verdicts = ctx.suite.verify_all(&jobs).await;
        for (((claim, signer), job), verdict) in claims.into_iter().zip(jobs).zip(verdicts) {
            if let Ok(content) = claim.prove(&[verdict]) {
                let signed = Signed::new(&content, job.sig, &signer, None);
                self.take_value(id, &content, signed, ctx, out).await;
            }
        }
        if newer_key {
            self.hear_of_a_newer_key(id, out);
        } else if newer_log {
            self.fetch_room_log(id.room, out);
        }
    }

    /// Whether a value of a slot is newer than what is known of its kind and author.
    fn is_newer(&self, room: Place<'_>, content: &Content) -> bool {
        match content.body {
            MessageBody::Profile { .. } | MessageBody::Picture { .. } => self.is_newer_profile(room, content),
            _ => room.is_newer(content),
        }
    }

    async fn take_value(
        &mut self,
        id: Chat,
        content: &Content,
        signed: Signed,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        // Looked at once more: two of one author may have come together.
        let Some(room) = self.place(id).filter(|room| self.is_newer(*room, content)) else {
            return;
        };
        if room.is_challenged(content) {
            self.hear(id, content, Some(signed), 0, ctx, out).await;
        }
        if self.place(id).is_none_or(|room| room.frozen.is_some()) {
            return;
        }
        let MessageBody::Receipt { read } = content.body else {
            self.take_profile(id, content, out);
            return;
        };
        let Some(room) = self.place_mut(id) else { return };
        let is_further = room.channel.reach(content.user_id, content.seen_seq);
        let known = room.channel.receipts.entry(content.user_id).or_default();
        let is_more = read > known.read;
        *known = Receipt {
            ctr: content.ctr,
            // What was read stays read.
            read: known.read.max(read),
        };
        out.push(Effect::Save(vec![room.channel.to_record()]));
        if is_more && self.my_id() == Some(content.user_id) {
            self.read_elsewhere(id, read, out);
        }
        if is_more && self.tells_read {
            self.show_members(id.room, out);
        } else if is_further {
            self.show_reached(id, out);
        }
    }
}
