//! Where others stand, from their signed words: what the relay keeps back comes to light.
//!
//! ```text
//!  beacon, message, receipt ─▶ hear: log entry, transcript ─┬─ as here      nothing to do
//!                                                  ├─ not as here  a fork: the room stops, both statements are kept
//!                                                  └─ ahead of us  a claim: asked for twice, then said, and for a log
//!                                                                  entry (it may take somebody out) sending waits
//! ```

use serde::{Deserialize, Serialize};
use sotto_shared::api::B64;
use sotto_shared::api::frame::{Outgoing, ToRelay};
use sotto_shared::codec::Codec;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::suite::{OpenJob, Suite};
use sotto_shared::envelope::content::{Content, MessageBody, OpenedContent, envelope_context, seal_message};
use sotto_shared::envelope::header::{Header, MessageKind};
use sotto_shared::id::{ChannelId, DeviceKeyId, Head, MessageId, RoomId, UserId};
use sotto_shared::log::room_log::SUITE_1;

use super::account::internal;
use super::chats::Place;
use super::evidence::{Cause, Signed};
use super::rooms::{RETRY_MS, Room};
use super::sync::LOG_TRIES;
use super::{Ctx, Effect, Engine, Out};
use crate::view::{Chat, Outcome, Problem, Standing, Tamper};

/// Between two beacons of one browser in one room.
const BEACON_MS: u64 = 60_000;

/// Stands for an author who cannot be told.
const NOBODY: UserId = UserId::from_bytes([0; 32]);

/// What somebody has signed to have seen, and we have not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub log_seq: u64,
    log_head: Head,
    pub seen_seq: u64,
    seen_t: Head,
    /// The statement; none if whose it is cannot be seen.
    signed: Option<Signed>,
    /// The browser it was made in, and when. Only that browser takes it back, and later.
    #[serde(default)]
    device: Option<DeviceKeyId>,
    #[serde(default)]
    ts: u64,
    /// The channel it was made in; versions before this one knew `MAIN` alone.
    #[serde(default = "super::record::main")]
    pub channel: ChannelId,
    /// Times the relay answered without it.
    tries: u32,
    /// The person chose to go on without it.
    dismissed: bool,
}

impl Claim {
    /// Whether it stands under its author's name because they have signed it, or under nobody's.
    pub fn is_of(&self, by: &UserId) -> bool {
        self.signed.is_some() == (*by != NOBODY)
    }

    fn is_told(&self) -> bool {
        self.tries >= LOG_TRIES && !self.dismissed
    }
}

impl Room {
    /// Whose word it is that entries of the log are kept back: one of them may have taken somebody out.
    pub fn log_withheld(&self) -> Option<Option<UserId>> {
        let by = self.claim(|claim| claim.log_seq > self.state.seq)?;
        Some(Some(by).filter(|by| *by != NOBODY))
    }

    fn claim(&self, is_ahead: impl Fn(&Claim) -> bool) -> Option<UserId> {
        let told = self
            .claims
            .iter()
            .filter(|(_, claim)| claim.is_told() && is_ahead(claim));
        // Whoever can be named rather than nobody, whose number is the lowest.
        told.map(|((_, by), _)| *by).max()
    }
}

impl Place<'_> {
    /// Whose word it is that messages are kept back.
    pub fn tail_withheld(&self) -> Option<UserId> {
        self.claim(|claim| self.is_here(claim) && claim.seen_seq > self.channel.at.seq)
    }

    fn is_here(&self, claim: &Claim) -> bool {
        claim.channel == self.channel.id.channel
    }

    /// Whether a word that may be an old one says something that is not here: another history, or more than both we and its
    /// author's claim, if there is one, go by. What is old takes no claim back.
    pub fn is_challenged(&self, content: &Content) -> bool {
        let (log, seen) = ((content.log_seq, content.log_head), (content.seen_seq, content.seen_t));
        let claimed = self.claims.get(&(self.channel.id.channel, content.user_id));
        let claimed = claimed.map_or((0, 0), |claim| (claim.log_seq, claim.seen_seq));
        let is_ahead = log.0 > self.state.seq || seen.0 > self.channel.at.seq;
        let is_more = log.0 >= claimed.0 && seen.0 >= claimed.1 && (log.0, seen.0) != claimed;
        self.contradiction(log, seen).is_some() || is_ahead && is_more
    }

    /// A statement against what is here. `None`: it does not contradict.
    fn contradiction(&self, log: (u64, Head), seen: (u64, Head)) -> Option<Cause> {
        let entry = usize::try_from(log.0).ok().and_then(|seq| self.state.hashes.get(seq));
        if let Some(ours) = entry.filter(|ours| **ours != log.1) {
            return Some(Cause::entry(log.0, *ours, log.1));
        }
        let ours = self.channel.t_at(seen.0).filter(|ours| *ours != seen.1)?;
        Some(Cause::messages(seen.0, ours, seen.1))
    }
}

impl<S: Suite> Engine<S> {
    /// Whether somebody has this page before them: only then does it speak of where it stands.
    pub(super) async fn looking(
        &mut self,
        visible: bool,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.visible = visible;
        self.speak_up(ctx, out).await;
        Ok(Some(Outcome::Done))
    }

    /// Says in the room on screen where this browser stands, at most once a minute.
    pub(super) async fn speak_up(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let Some(id) = self.shown.filter(|_| self.visible && self.online) else {
            return;
        };
        let Some(room) = self.place(id) else { return };
        let due_ms = room.channel.beacon_ms + BEACON_MS;
        if ctx.now_ms < due_ms {
            self.wake_to_speak(due_ms, ctx, out);
            return;
        }
        if self.standing(room) != Standing::Open || self.is_kept_quiet(&room) {
            return;
        }
        if !room.channel.pages.has_begun() || room.channel.pages.is_busy() || room.sync.log_is_behind() {
            // Where this browser stands is about to change.
            self.wake_to_speak(ctx.now_ms + RETRY_MS, ctx, out);
            return;
        }
        // Under a key that has to be changed nothing is said, not even this.
        let may = !self.needs_preparing(room, ctx.now_ms);
        if may && let Err(problem) = self.send_beacon(id, ctx, out).await {
            self.notice(problem, out);
        }
        if let Some(room) = self.place_mut(id) {
            room.channel.beacon_ms = ctx.now_ms;
        }
        self.wake_to_speak(ctx.now_ms + BEACON_MS, ctx, out);
    }

    /// One waking at a time, however often it is asked for.
    pub(super) fn wake_to_speak(&mut self, at_ms: u64, ctx: &Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        if self.wakes_ms <= ctx.now_ms || at_ms < self.wakes_ms {
            self.wakes_ms = at_ms;
            let after_ms = at_ms - ctx.now_ms;
            out.push(Effect::Wake { after_ms });
        }
    }

    async fn send_beacon(
        &mut self,
        id: Chat,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let Some(room) = self.place(id) else { return Ok(()) };
        let n = room.epoch_number();
        let Some(key) = room.message_key(n) else { return Ok(()) };
        let mut msg_id = [0; 16];
        ctx.rng.fill_bytes(&mut msg_id);
        let header = Header {
            suite: SUITE_1,
            kind: MessageKind::Ephemeral,
            room_id: id.room,
            channel: id.channel,
            n,
            msg_id: MessageId::from_bytes(msg_id),
            ttl_class: 0,
            del_commit: [0; 32],
        };
        let content = self.statement(room, &header, ctx.now_ms)?;
        let me = self.me()?;
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

    /// Where this browser stands, to be signed.
    pub(super) fn statement(&self, room: Place<'_>, header: &Header, now_ms: u64) -> Result<Vec<u8>, Problem> {
        let content = self.standpoint(room, header, MessageBody::Beacon, now_ms)?;
        Ok(content.to_bytes())
    }

    /// The same, with something to say.
    pub(super) fn standpoint(
        &self,
        room: Place<'_>,
        header: &Header,
        body: MessageBody,
        now_ms: u64,
    ) -> Result<Content, Problem> {
        let me = self.me()?;
        Ok(Content {
            header_hash: header.hash(),
            user_id: me.user_id,
            dk_id: me.dk_id,
            lane: self.lane,
            // Not part of the chain of messages.
            ctr: 0,
            prev_own: Head::from_bytes([0; 32]),
            log_seq: room.state.seq,
            log_head: room.state.head,
            seen_seq: room.channel.at.seq,
            seen_t: room.channel.at.t,
            ts: now_ms,
            body,
        })
    }

    /// Somebody's word in passing. What does not hold is let go: nothing was lost with it.
    pub(super) async fn ephemeral_came(
        &mut self,
        id: Chat,
        header: &B64,
        envelope: &B64,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(room) = self.place(id).filter(|room| room.frozen.is_none()) else {
            return;
        };
        let Ok(parsed) = Header::from_bytes(&header.0) else {
            return;
        };
        let n = room.epoch_number();
        let fits = parsed.kind == MessageKind::Ephemeral
            && parsed.room_id == id.room
            && parsed.channel == id.channel
            && parsed.suite == SUITE_1;
        if fits && parsed.n > n {
            self.hear_of_a_newer_key(id, out);
            return;
        }
        let Some(key) = room.message_key(n).filter(|_| fits && parsed.n == n) else {
            return;
        };
        let job = OpenJob {
            key: key.expose(),
            context: envelope_context(&header.0),
            sealed: &envelope.0,
        };
        let Some(Ok(plain)) = ctx.suite.open_all(&[job]).await.pop() else {
            return;
        };
        let Ok(opened) = OpenedContent::parse(&plain, &parsed) else {
            return;
        };
        let Some(room) = self.place(id) else { return };
        let (user, device) = (opened.content.user_id, opened.content.dk_id);
        // Of those who are here now, with a browser that they have now.
        let Some(signer) = room
            .state
            .reader_key(&user, &device, &id.channel, room.state.seq)
            .copied()
        else {
            if opened.content.log_seq > room.state.seq {
                self.fetch_room_log(id.room, out);
            }
            return;
        };
        let is_passing = matches!(
            opened.content.body,
            MessageBody::Beacon | MessageBody::Typing | MessageBody::Presence { .. }
        );
        if !is_passing {
            return;
        }
        let Some(claim) = opened.claim(&signer) else { return };
        let Some(sig) = claim.jobs().first().map(|job| job.sig) else {
            return;
        };
        let verdicts = ctx.suite.verify_all(claim.jobs()).await;
        let Ok(content) = claim.prove(&verdicts) else { return };
        let signed = Signed::new(&content, sig, &signer, None);
        self.hear(id, &content, Some(signed), 0, ctx, out).await;
        if content.body != MessageBody::Beacon {
            self.heard_aside(id, &content, out);
        }
    }

    /// Something is sealed under a room key that our log does not have yet. Whose word it is cannot be seen.
    pub(super) fn hear_of_a_newer_key(&mut self, id: Chat, out: &mut Out<S::DeviceKey>) {
        self.hear_from_nobody(id, 0, out);
    }

    /// Somebody holds that the log goes on, and nothing shows who: the names that stand on it were made up perhaps. One claim
    /// for all of them, about the next entry alone. It neither takes the place of what somebody has signed nor stands in its
    /// way, and whoever goes on without that entry is not asked again.
    fn hear_from_nobody(&mut self, id: Chat, tries: u32, out: &mut Out<S::DeviceKey>) {
        let Some(mut room) = self.place_mut(id) else { return };
        let log_seq = room.state.seq + 1;
        let known = room.claims.remove(&(id.channel, NOBODY));
        let known = known.filter(|claim| claim.log_seq == log_seq);
        let was_told = known.as_ref().is_some_and(Claim::is_told);
        let mut claim = known.unwrap_or(Claim {
            log_seq,
            log_head: Head::from_bytes([0; 32]),
            seen_seq: 0,
            seen_t: Head::from_bytes([0; 32]),
            signed: None,
            device: None,
            ts: 0,
            channel: id.channel,
            tries: 0,
            dismissed: false,
        });
        claim.tries = claim.tries.max(tries);
        let is_news = claim.is_told() && !was_told;
        room.claims.insert((id.channel, NOBODY), claim);
        if is_news {
            out.push(Effect::Save(vec![room.to_record()]));
            self.show_rows_of(id.room, out);
        }
        self.ask_for_claims(id.room, out);
    }

    /// Somebody who holds the newest room key says where they stand. `tries`: how often the relay was asked for it already.
    pub(super) async fn hear(
        &mut self,
        id: Chat,
        content: &Content,
        signed: Option<Signed>,
        tries: u32,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(signed) = signed else {
            return self.hear_from_nobody(id, tries, out);
        };
        let Some(room) = self.place_mut(id) else { return };
        let (log, seen) = ((content.log_seq, content.log_head), (content.seen_seq, content.seen_t));
        if let Some(cause) = room.view().contradiction(log, seen) {
            return self
                .freeze_with(id, Tamper::Fork, Some(cause.by(signed)), ctx, out)
                .await;
        }
        if room.channel.reach(content.user_id, seen.0) {
            self.show_reached(id, out);
        }
        let Some(mut room) = self.place_mut(id) else { return };
        if log == (room.state.seq, room.state.head) && seen == (room.channel.at.seq, room.channel.at.t) {
            // They said it for us.
            room.channel.beacon_ms = ctx.now_ms;
        }
        let says_less = |claim: &Claim| log.0 < claim.log_seq || seen.0 < claim.seen_seq;
        let takes_back = |claim: &Claim| claim.device == Some(content.dk_id) && claim.ts < content.ts;
        let known = room.claims.get(&(id.channel, content.user_id));
        if known.is_some_and(|claim| says_less(claim) && !takes_back(claim)) {
            // Older than that, said again by the relay; or they know less in another browser.
            return;
        }
        let earlier = room.claims.remove(&(id.channel, content.user_id));
        if log.0 > room.state.seq || seen.0 > room.channel.at.seq {
            let is_same = |claim: &Claim| (claim.log_seq, claim.seen_seq) == (log.0, seen.0);
            let known = earlier.filter(is_same);
            let claim = Claim {
                log_seq: log.0,
                log_head: log.1,
                seen_seq: seen.0,
                seen_t: seen.1,
                signed: Some(signed),
                device: Some(content.dk_id),
                ts: content.ts,
                channel: id.channel,
                tries: known.as_ref().map_or(0, |claim| claim.tries).max(tries),
                dismissed: known.is_some_and(|claim| claim.dismissed),
            };
            let is_told = claim.is_told();
            room.claims.insert((id.channel, content.user_id), claim);
            if is_told {
                out.push(Effect::Save(vec![room.to_record()]));
                self.show_rows_of(id.room, out);
            } else {
                self.ask_for_claims(id.room, out);
            }
        } else if earlier.is_some() {
            // They take it back.
            out.push(Effect::Save(vec![room.to_record()]));
            self.show_rows_of(id.room, out);
        }
    }

    /// Asks the relay for what others say there is.
    pub(super) fn ask_for_claims(&mut self, id: RoomId, out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.rooms.get_mut(&id).filter(|room| room.frozen.is_none()) else {
            return;
        };
        let open = |claim: &&Claim| !claim.dismissed;
        let log = room
            .claims
            .values()
            .filter(open)
            .any(|claim| claim.log_seq > room.state.seq);
        if log {
            room.sync.log_behind();
            self.fetch_room_log(id, out);
            return;
        }
        let mut tails = Vec::new();
        for claim in room.claims.values().filter(open) {
            let chat = Chat {
                room: id,
                channel: claim.channel,
            };
            let is_ahead = (self.channels.get(&chat)).is_some_and(|channel| claim.seen_seq > channel.at.seq);
            if is_ahead && self.online {
                tails.push(chat);
            }
        }
        for chat in tails {
            self.page_forward(chat, out);
        }
    }

    /// An answer of the relay is in, of the log (`None`) or of the messages of a channel: who was right?
    pub(super) async fn settle_claims(
        &mut self,
        id: RoomId,
        of: Option<ChannelId>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        if room.claims.is_empty() || room.frozen.is_some() {
            return;
        }
        let seq = room.state.seq;
        let mut fork = None;
        let mut still = std::mem::take(&mut room.claims);
        let (channels, decided) = (&self.channels, &self.contacts);
        let room = &*room;
        still.retain(|(channel, user), claim| {
            let chat = Chat {
                room: id,
                channel: *channel,
            };
            let Some(channel) = channels.get(&chat) else {
                return false;
            };
            let place = Place { room, channel, decided };
            let cause = place.contradiction((claim.log_seq, claim.log_head), (claim.seen_seq, claim.seen_t));
            if let (Some(cause), Some(signed)) = (cause, claim.signed.clone()) {
                fork = Some((chat, cause.by(signed)));
            }
            let is_ahead = claim.log_seq > seq || claim.seen_seq > channel.at.seq;
            is_ahead && (claim.signed.is_none() || room.state.members.contains_key(user))
        });
        let mut again = false;
        for claim in still.values_mut() {
            let is_about = match of {
                None => claim.log_seq > seq,
                Some(channel) => claim.log_seq <= seq && claim.channel == channel,
            };
            if is_about && claim.tries < LOG_TRIES {
                claim.tries += 1;
                again |= claim.tries < LOG_TRIES;
            }
        }
        if let Some(room) = self.rooms.get_mut(&id) {
            room.claims = still;
            out.push(Effect::Save(vec![room.to_record()]));
        }
        if let Some((chat, fork)) = fork {
            self.freeze_with(chat, Tamper::Fork, Some(fork), ctx, out).await;
        } else if again {
            out.push(Effect::Wake { after_ms: RETRY_MS });
        }
        self.show_rows_of(id, out);
    }

    /// The person goes on without what others say there is.
    pub(super) async fn go_on(
        &mut self,
        id: RoomId,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let room = self.rooms.get_mut(&id).ok_or(Problem::RoomClosed)?;
        for claim in room.claims.values_mut().filter(|claim| claim.is_told()) {
            claim.dismissed = true;
        }
        room.sync.log_current();
        out.push(Effect::Save(vec![room.to_record()]));
        self.show_rows_of(id, out);
        for chat in self.chats_of(id) {
            self.flush(chat, ctx, out).await;
        }
        Ok(Some(Outcome::Done))
    }
}
