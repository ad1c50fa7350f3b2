//! Messages coming in: opened, taken apart, verified, placed. The same way for a page, a live frame and one's own echo.
//!
//! ```text
//! number and transcript → header → room key → open → strict decode → author's device at that point of the log →
//! signature → the sender's own chain → what the sender had seen → cut → show
//! ```
//!
//! Whatever fails becomes one row that says so; the transcript goes on. A sender who saw another history is a fork.

use sotto_shared::api::body::StoredMessage;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::sign::{SignatureBytes, Unproven};
use sotto_shared::crypto::suite::{OpenJob, Suite};
use sotto_shared::envelope::content::{Content, OpenedContent, envelope_context, lane_start};
use sotto_shared::envelope::header::{HEADER_BYTES, Header, MessageKind};
use sotto_shared::id::{EnvelopeHash, Head, MessageId, UserId};
use sotto_shared::log::room_log::SUITE_1;

use super::bodies::del_commit;
use super::chats::{LaneEnd, Place, PlaceMut};
use super::evidence::{Cause, Signed};
use super::record::{self, By, Key, MessageRecord, Record, StoredBody};
use super::sync::LOG_TRIES;
use super::{Ctx, Engine, Out};
use crate::view::{Chat, Problem, Tamper, Unreadable};

/// Messages opened while the signatures of the batch before are being checked.
const BATCH: usize = 64;

/// A message on its way through.
pub(super) struct Arrival {
    message: StoredMessage,
    header: Option<Header>,
    hash: EnvelopeHash,
}

/// How one came out.
enum Verdict {
    /// Waits for its signature.
    Signed(Box<Unproven<Content>>),
    Gone,
    Locked,
    Unreadable(Unreadable),
    /// Names a log entry that is not here.
    LogAhead,
    /// The same after the relay was asked, and by a browser that our log does not know: its signature cannot be checked.
    Ahead(Box<Content>),
    /// Sealed under a room key that the log we are given does not have.
    Withheld,
}

impl<S: Suite> Engine<S> {
    pub(super) async fn message_came(
        &mut self,
        id: Chat,
        message: StoredMessage,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(room) = self.place_mut(id) else { return };
        if room.frozen.is_some() {
            return;
        }
        room.channel.pages.saw(message.seq);
        if !room.channel.pages.has_begun() {
            // The first page is on its way. If that was written down before this message, it is asked for after it.
            return;
        }
        let next = room.channel.at.seq + 1;
        if message.seq < next {
            // Heard before. The same number must carry the same bytes.
            let hash = Head::from_bytes(*message.hash().as_bytes());
            let known = room.channel.messages.get(&message.seq);
            if let Some(known) = known.filter(|known| known.hash != hash) {
                let cause = Cause::envelope(message.seq, known.hash, hash);
                self.freeze_with(id, Tamper::Fork, Some(cause), ctx, out).await;
            }
        } else if message.seq > next {
            self.catch_up(id, out);
        } else {
            self.take_messages(id, vec![message], false, ctx, out).await;
            self.flush(id, ctx, out).await;
        }
    }

    /// Messages that follow `channel.at` without a hole. `first` marks the page a room is met with: it counts as read.
    pub(super) async fn take_messages(
        &mut self,
        id: Chat,
        messages: Vec<StoredMessage>,
        first: bool,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(room) = self.place(id) else { return };
        if messages
            .iter()
            .enumerate()
            .any(|(index, message)| message.seq != room.channel.at.seq + 1 + index as u64)
        {
            self.freeze(id.room, Tamper::Withholding, out);
            return;
        }
        let opened = open_all(room, messages, room.channel.pages.log_wanted >= LOG_TRIES, ctx.suite).await;
        if opened.iter().any(|(_, verdict)| matches!(verdict, Outcome::LogAhead)) {
            if let Some(mut room) = self.place_mut(id) {
                room.channel.pages.log_wanted += 1;
                room.sync.log_behind();
            }
            self.fetch_room_log(id.room, out);
            return;
        }
        let (alarm, ahead) = self.put_at_end(id, opened, first, out);
        if let Some((why, cause)) = alarm {
            self.freeze_with(id, why, cause, ctx, out).await;
        }
        for (content, signed) in ahead {
            self.hear(id, &content, signed, LOG_TRIES, ctx, out).await;
        }
    }

    /// Puts verified messages at the end of the channel, keeps and shows them. Gives what stops the room, and what names log
    /// entries that the relay was asked for in vain.
    fn put_at_end(
        &mut self,
        id: Chat,
        opened: Vec<(Arrival, Outcome)>,
        first: bool,
        out: &mut Out<S::DeviceKey>,
    ) -> (Option<Alarm>, Vec<Ahead>) {
        let (me, now_ms, is_shown) = (self.my_id(), self.now_ms, self.shown == Some(id));
        let Some(mut room) = self.place_mut(id) else {
            return (None, Vec::new());
        };
        room.channel.pages.log_wanted = 0;
        let mut saves = Vec::with_capacity(opened.len() + 2);
        let mut new = Vec::with_capacity(opened.len());
        let mut alarm = None;
        let mut ahead = Vec::new();
        let (mut failed, mut past) = (Vec::new(), Vec::new());
        let (mut is_further, mut is_theirs) = (false, false);
        let before = room.channel.at.seq;
        if is_shown {
            room.channel.pages.holds_back(before + 1, before + opened.len() as u64);
        }
        for (arrival, outcome) in opened {
            let seq = arrival.message.seq;
            let after = room.channel.at.then(&arrival.hash);
            let hash = Head::from_bytes(*arrival.hash.as_bytes());
            let msg_id = arrival
                .header
                .as_ref()
                .map_or(MessageId::from_bytes([0; 16]), |header| header.msg_id);
            let mut gap = false;
            let body = match outcome {
                Outcome::Content(content, sig) => {
                    if room.view().contradicts(&content, seq) {
                        alarm = Some((Tamper::Fork, Some(room.view().accuse(&content, sig, hash))));
                        break;
                    }
                    is_further |= room.channel.reach(content.user_id, content.seen_seq);
                    is_theirs |= me.is_some_and(|me| me != content.user_id);
                    let late = room.view().comes_late(&content, room.channel.log_seq);
                    let is_held = room.view().is_timed_out(&content, room.channel.log_seq, now_ms);
                    match room.lane_step(&content, hash, seq) {
                        // The same signed message under another number: shown once.
                        LaneStep::Again => StoredBody::Unreadable(Unreadable::Damaged),
                        _ if late => StoredBody::Unreadable(Unreadable::Damaged),
                        _ if is_held => {
                            room.channel.log_seq = room.channel.log_seq.max(content.log_seq);
                            StoredBody::Unreadable(Unreadable::TimedOut)
                        }
                        step => {
                            gap = matches!(step, LaneStep::Gap);
                            room.channel.log_seq = room.channel.log_seq.max(content.log_seq);
                            room.body(&content, now_ms)
                        }
                    }
                }
                Outcome::Gone => {
                    room.channel.pass_over(seq, hash);
                    // Ours, and the relay let go of it before we heard that it had come.
                    if let Some(ours) = room.channel.outbox.arrived_and_gone(&hash) {
                        saves.push(record::remove(Key::Outgoing(id, ours)));
                        past.push(ours);
                    }
                    StoredBody::Gone
                }
                Outcome::Locked => {
                    room.channel.pass_over(seq, hash);
                    StoredBody::Locked {
                        header: arrival.message.header,
                        envelope: arrival.message.envelope,
                    }
                }
                Outcome::Unreadable(why) => StoredBody::Unreadable(why),
                Outcome::LogAhead => continue,
                // Kept as it came: it opens when the entry it names is here.
                Outcome::Ahead(said) => {
                    ahead.push(said);
                    room.channel.pass_over(seq, hash);
                    StoredBody::Locked {
                        header: arrival.message.header,
                        envelope: arrival.message.envelope,
                    }
                }
                Outcome::Forked(content, sig) => {
                    alarm = Some((Tamper::Fork, Some(room.view().accuse(&content, sig, hash))));
                    break;
                }
                Outcome::Withheld => {
                    alarm = Some((Tamper::Withholding, None));
                    break;
                }
            };
            if let Some((saved, has_failed)) = room.receipt(&msg_id, &body, me) {
                saves.push(saved);
                failed.extend(has_failed.then_some(msg_id));
            }
            let record = MessageRecord {
                room_id: id.room,
                channel: id.channel,
                seq,
                msg_id,
                hash,
                t: after.t,
                gap,
                del_commit: del_commit(arrival.header.as_ref(), &body, me),
                body,
            };
            saves.push(record::save(Key::Message(id, seq), &record));
            room.channel.at = after;
            room.count_in(&record, me);
            room.channel.put(record);
            new.push(seq);
        }
        if first {
            // Of whoever wrote before this page nothing is known.
            room.channel.lanes_from = before;
        }
        self.settle(id, &new, saves, out);
        if is_further {
            self.show_reached(id, out);
        }
        if is_theirs {
            self.note_arrival(id);
        }
        self.follow_deletions(id, &new, out);
        for msg_id in failed {
            self.show_outgoing(id, &msg_id, out);
        }
        for msg_id in past {
            self.hide_outgoing(id, &msg_id, out);
        }
        if self.rooms.get(&id.room).is_some_and(|room| room.is_slow()) {
            self.show_order(id.room, out);
        }
        self.show_room_row(id, out);
        (alarm, ahead)
    }

    /// A room key arrived: what was locked in memory is opened.
    pub(super) async fn unlock_messages(&mut self, id: Chat, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.place(id) else { return };
        let locked: Vec<StoredMessage> = (room.channel.messages.values())
            .filter_map(|record| match &record.body {
                StoredBody::Locked { header, envelope } => Some(StoredMessage {
                    seq: record.seq,
                    header: header.clone(),
                    envelope: envelope.clone(),
                    gone: None,
                }),
                _ => None,
            })
            .collect();
        if locked.is_empty() {
            return;
        }
        let opened = open_all(room, locked, true, ctx.suite).await;
        let (me, now_ms) = (self.my_id(), self.now_ms);
        let Some(mut room) = self.place_mut(id) else { return };
        let mut saves = Vec::new();
        let mut changed = Vec::new();
        let mut failed = Vec::new();
        let mut shown = room.channel.lane_places();
        let (mut log_seq, mut looked_at) = (0, 0);
        let mut seen = Vec::new();
        for (arrival, outcome) in opened {
            let seq = arrival.message.seq;
            // The newest log entry that the authors of the messages in memory before this one had seen.
            log_seq = room.channel.log_seq_in(looked_at..seq).max(log_seq);
            looked_at = seq;
            let hash = Head::from_bytes(*arrival.hash.as_bytes());
            let mut gap = false;
            let body = match outcome {
                Outcome::Content(content, sig) if room.view().contradicts(&content, seq) => {
                    let cause = room.view().accuse(&content, sig, hash);
                    self.freeze_with(id, Tamper::Fork, Some(cause), ctx, out).await;
                    return;
                }
                // Its sender's chain goes on from here. What was loaded from the store may lie behind the chain's end.
                Outcome::Content(content, _) => {
                    let step = room.lane_step(&content, hash, seq);
                    // Another message stands at this place of its sender's chain.
                    let place = (content.dk_id, content.lane, content.ctr);
                    let again = matches!(step, LaneStep::Again) && shown.get(&place).is_some_and(|other| *other != seq);
                    if !again && room.view().is_timed_out(&content, log_seq, now_ms) {
                        seen.push((seq, content.log_seq));
                        log_seq = log_seq.max(content.log_seq);
                        room.channel.log_seq = room.channel.log_seq.max(content.log_seq);
                        StoredBody::Unreadable(Unreadable::TimedOut)
                    } else if again || room.view().comes_late(&content, log_seq) {
                        StoredBody::Unreadable(Unreadable::Damaged)
                    } else {
                        gap = matches!(step, LaneStep::Gap);
                        shown.insert(place, seq);
                        seen.push((seq, content.log_seq));
                        room.channel.log_seq = room.channel.log_seq.max(content.log_seq);
                        room.body(&content, now_ms)
                    }
                }
                Outcome::Unreadable(why) => StoredBody::Unreadable(why),
                Outcome::Forked(content, sig) => {
                    let cause = room.view().accuse(&content, sig, hash);
                    self.freeze_with(id, Tamper::Fork, Some(cause), ctx, out).await;
                    return;
                }
                Outcome::Locked | Outcome::Gone | Outcome::LogAhead | Outcome::Ahead(_) | Outcome::Withheld => continue,
            };
            let msg_id = arrival
                .header
                .as_ref()
                .map_or(MessageId::from_bytes([0; 16]), |header| header.msg_id);
            let commit = del_commit(arrival.header.as_ref(), &body, me);
            if let Some((saved, has_failed)) = room.receipt(&msg_id, &body, me) {
                saves.push(saved);
                failed.extend(has_failed.then_some(msg_id));
            }
            room.channel.change(seq, body);
            if let Some(record) = room.channel.messages.get_mut(&seq) {
                record.gap |= gap;
                record.del_commit = commit;
                saves.push(record::save(Key::Message(id, seq), record));
                changed.push(seq);
            }
            if let Some(record) = room.channel.messages.get(&seq).cloned() {
                room.count_in(&record, me);
            }
        }
        changed.extend(room.judge_again(&seen, now_ms, me, &mut saves));
        self.settle(id, &changed, saves, out);
        for msg_id in failed {
            self.show_outgoing(id, &msg_id, out);
        }
        self.show_room_row(id, out);
    }

    /// Messages before the oldest one, `before` the transcript ahead of them; they must lead to the one we have.
    pub(super) async fn take_older(
        &mut self,
        id: Chat,
        before: sotto_shared::envelope::transcript::Transcript,
        messages: Vec<StoredMessage>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(room) = self.place(id) else { return };
        let mut at = before;
        let mut ts = Vec::with_capacity(messages.len());
        let mut fits = true;
        for message in &messages {
            fits &= message.seq == at.seq + 1;
            at = at.then(&message.hash());
            ts.push(at.t);
        }
        if !fits || !room.channel.joins(&at) {
            let cause = room
                .channel
                .t_at(at.seq)
                .map(|ours| Cause::messages(at.seq, ours, at.t));
            self.freeze_with(id, Tamper::Fork, cause, ctx, out).await;
            return;
        }
        let opened = open_all(room, messages, true, ctx.suite).await;
        let (me, now_ms) = (self.my_id(), self.now_ms);
        let Some(mut room) = self.place_mut(id) else { return };
        let mut saves = Vec::with_capacity(opened.len() + 1);
        let mut new = Vec::with_capacity(opened.len());
        let mut log_seq = 0;
        let mut seen = Vec::with_capacity(opened.len());
        for ((arrival, outcome), t) in opened.into_iter().zip(ts) {
            let seq = arrival.message.seq;
            let body = match outcome {
                Outcome::Content(content, _) if room.view().comes_late(&content, log_seq) => {
                    StoredBody::Unreadable(Unreadable::Damaged)
                }
                Outcome::Content(content, _) if room.is_timed_out(&content, log_seq, now_ms) => {
                    log_seq = log_seq.max(content.log_seq);
                    seen.push((seq, content.log_seq));
                    StoredBody::Unreadable(Unreadable::TimedOut)
                }
                Outcome::Content(content, _) => {
                    log_seq = log_seq.max(content.log_seq);
                    seen.push((seq, content.log_seq));
                    room.body(&content, now_ms)
                }
                Outcome::Gone => StoredBody::Gone,
                Outcome::Locked => StoredBody::Locked {
                    header: arrival.message.header,
                    envelope: arrival.message.envelope,
                },
                Outcome::Unreadable(why) => StoredBody::Unreadable(why),
                Outcome::LogAhead | Outcome::Ahead(_) | Outcome::Forked(..) | Outcome::Withheld => {
                    StoredBody::Unreadable(Unreadable::Damaged)
                }
            };
            let msg_id = arrival
                .header
                .as_ref()
                .map_or(MessageId::from_bytes([0; 16]), |header| header.msg_id);
            let hash = Head::from_bytes(*arrival.hash.as_bytes());
            let record = MessageRecord {
                room_id: id.room,
                channel: id.channel,
                seq,
                msg_id,
                hash,
                t,
                gap: false,
                del_commit: del_commit(arrival.header.as_ref(), &body, me),
                body,
            };
            saves.push(record::save(Key::Message(id, seq), &record));
            room.channel.put(record);
            new.push(seq);
        }
        if before.seq < room.channel.oldest {
            room.channel.oldest = before.seq + 1;
            room.channel.before_oldest = before.t;
        }
        room.channel.log_seq = room.channel.log_seq.max(log_seq);
        // Before anything follows from what came after the page.
        new.extend(room.judge_again(&seen, now_ms, me, &mut saves));
        self.settle(id, &new, saves, out);
        self.show_room_row(id, out);
    }
}

/// What became of a message.
pub(super) enum Outcome {
    Content(Box<Content>, SignatureBytes),
    /// The relay has its hash alone.
    Gone,
    Locked,
    Unreadable(Unreadable),
    LogAhead,
    Ahead(Ahead),
    Forked(Box<Content>, SignatureBytes),
    Withheld,
}

/// What stops a room, and what shows it.
type Alarm = (Tamper, Option<Cause>);

/// Said after a log entry that is not here; signed, where the author's browser is known.
type Ahead = (Box<Content>, Option<Signed>);

/// Whether the sender wrote after the very entry that our log has at that place.
fn is_ours(room: Place<'_>, content: &Content) -> bool {
    usize::try_from(content.log_seq).is_ok_and(|seq| room.state.hashes.get(seq) == Some(&content.log_head))
}

/// Opens and verifies, in order. Signatures of one batch are checked while the next is opened.
pub(super) async fn open_all<S: Suite>(
    room: Place<'_>,
    messages: Vec<StoredMessage>,
    log_is_all: bool,
    suite: &S,
) -> Vec<(Arrival, Outcome)> {
    let mut done: Vec<(Arrival, Outcome)> = Vec::with_capacity(messages.len());
    let mut checking = Vec::new();
    let mut messages = messages.into_iter().peekable();
    while messages.peek().is_some() {
        let arrivals: Vec<Arrival> = messages.by_ref().take(BATCH).map(Arrival::new).collect();
        let verdicts = open_batch(room, &arrivals, log_is_all, suite).await;
        let jobs: Vec<_> = (verdicts.iter())
            .flat_map(|verdict| {
                if let Verdict::Signed(claim) = verdict {
                    claim.jobs()
                } else {
                    &[]
                }
            })
            .cloned()
            .collect();
        checking.push((arrivals, verdicts, suite.verify_all(&jobs)));
    }
    for (arrivals, verdicts, checked) in checking {
        let mut checked = checked.await.into_iter();
        for (arrival, verdict) in arrivals.into_iter().zip(verdicts) {
            let outcome = match verdict {
                Verdict::Signed(claim) => {
                    let sig = claim.jobs().first().map_or([0; 64], |job| job.sig);
                    match claim.prove(&[checked.next().unwrap_or(false)]) {
                        Ok(content) if content.log_seq > room.state.seq => {
                            let hash = Head::from_bytes(*arrival.hash.as_bytes());
                            let signed = room.signed(&content, sig, hash);
                            Outcome::Ahead((Box::new(content), signed))
                        }
                        // Its sender's log is not ours, and the sender signed that.
                        Ok(content) if !is_ours(room, &content) => Outcome::Forked(Box::new(content), sig),
                        Ok(content) => Outcome::Content(Box::new(content), sig),
                        Err(_) => Outcome::Unreadable(Unreadable::Damaged),
                    }
                }
                Verdict::Ahead(content) => Outcome::Ahead((content, None)),
                Verdict::Gone => Outcome::Gone,
                Verdict::Locked => Outcome::Locked,
                Verdict::Unreadable(why) => Outcome::Unreadable(why),
                Verdict::LogAhead => Outcome::LogAhead,
                Verdict::Withheld => Outcome::Withheld,
            };
            done.push((arrival, outcome));
        }
    }
    done
}

async fn open_batch<S: Suite>(room: Place<'_>, arrivals: &[Arrival], log_is_all: bool, suite: &S) -> Vec<Verdict> {
    let id = room.channel.id;
    let mut keys = std::collections::BTreeMap::new();
    for header in arrivals.iter().filter_map(|arrival| arrival.header.as_ref()) {
        if !keys.contains_key(&header.n)
            && let Some(key) = room.message_key(header.n)
        {
            keys.insert(header.n, key);
        }
    }
    let mut jobs = Vec::with_capacity(arrivals.len());
    let mut verdicts: Vec<Option<Verdict>> = Vec::with_capacity(arrivals.len());
    for arrival in arrivals {
        let fits = arrival.header.as_ref().filter(|header| {
            header.room_id == id.room
                && header.channel == id.channel
                && header.suite == SUITE_1
                && header.kind == MessageKind::Durable
                && header.n > 0
        });
        let verdict = match fits {
            None if arrival.message.gone.is_some() => Some(Verdict::Gone),
            None => Some(Verdict::Unreadable(Unreadable::Damaged)),
            Some(header) if header.n > room.epoch_number() && !log_is_all => Some(Verdict::LogAhead),
            Some(header) => match keys.get(&header.n) {
                // No relay takes a message under a key that its log does not have: it keeps entries from us.
                None if header.n > room.epoch_number() => Some(Verdict::Withheld),
                None => Some(Verdict::Locked),
                Some(key) => {
                    let context = envelope_context(&arrival.message.header.0);
                    jobs.push(OpenJob {
                        key: key.expose(),
                        context,
                        sealed: &arrival.message.envelope.0,
                    });
                    None
                }
            },
        };
        verdicts.push(verdict);
    }
    let mut opened = suite.open_all(&jobs).await.into_iter();
    let done = arrivals.iter().zip(verdicts).map(|(arrival, verdict)| {
        verdict.unwrap_or_else(|| {
            let plain = opened.next().and_then(Result::ok);
            judge(room, arrival, plain.as_deref(), log_is_all).unwrap_or(Verdict::Unreadable(Unreadable::Damaged))
        })
    });
    done.collect()
}

/// An opened plaintext up to its signature. `None`: it does not hold.
fn judge(room: Place<'_>, arrival: &Arrival, plain: Option<&[u8]>, log_is_all: bool) -> Option<Verdict> {
    let header = arrival.header.as_ref()?;
    let opened = OpenedContent::parse(plain?, header).ok()?;
    let content = &opened.content;
    if content.body.is_aside() {
        return None;
    }
    let is_ahead = content.log_seq > room.state.seq;
    if is_ahead && !log_is_all {
        return Some(Verdict::LogAhead);
    }
    // Somebody from before would not have the newest key.
    if is_ahead && header.n != room.epoch_number() {
        return None;
    }
    let known_at = content.log_seq.min(room.state.seq);
    let signer = (room.state).writer_key(&content.user_id, &content.dk_id, &header.channel, known_at);
    let Some(signer) = signer else {
        return is_ahead.then(|| Verdict::Ahead(Box::new(opened.content)));
    };
    // What came after the point that whoever removed them, or revoked that browser, had verified is void.
    let seq = arrival.message.seq;
    if (room.state).is_cut_off(&content.user_id, &content.dk_id, &header.channel, seq) {
        return None;
    }
    opened.claim(signer).map(|claim| Verdict::Signed(Box::new(claim)))
}

impl Arrival {
    fn new(message: StoredMessage) -> Self {
        let header = (message.gone.is_none() && message.header.0.len() == HEADER_BYTES)
            .then(|| Header::from_bytes(&message.header.0).ok())
            .flatten();
        let hash = message.hash();
        Self { message, header, hash }
    }
}

enum LaneStep {
    Next,
    /// The sender wrote something in between that is not here.
    Gap,
    /// This or an earlier one was here already.
    Again,
}

impl Place<'_> {
    /// What a message states of where its author stands.
    fn signed(&self, content: &Content, sig: SignatureBytes, message: Head) -> Option<Signed> {
        let at = content.log_seq.min(self.state.seq);
        let key = self.state.author_key(&content.user_id, &content.dk_id, at)?;
        Some(Signed::new(content, sig, key, Some(message)))
    }

    /// What a sender has seen, against what is here.
    fn accuse(&self, content: &Content, sig: SignatureBytes, message: Head) -> Cause {
        let entry = usize::try_from(content.log_seq)
            .ok()
            .and_then(|seq| self.state.hashes.get(seq));
        let cause = match entry.filter(|ours| **ours != content.log_head) {
            Some(ours) => Cause::entry(content.log_seq, *ours, content.log_head),
            None => {
                let ours = self.channel.t_at(content.seen_seq).unwrap_or(self.channel.at.t);
                Cause::messages(content.seen_seq, ours, content.seen_t)
            }
        };
        match self.signed(content, sig, message) {
            Some(signed) => cause.by(signed),
            None => cause,
        }
    }

    /// Whether the sender of message `seq` had seen another history than this one.
    fn contradicts(&self, content: &Content, seq: u64) -> bool {
        content.seen_seq >= seq || (self.channel.t_at(content.seen_seq)).is_some_and(|t| t != content.seen_t)
    }

    /// Whether its author had gone, or that browser was revoked, by entry `log_seq`, which whoever wrote before it knew: no
    /// relay takes a message from them after that, so it was put here later than it says.
    fn comes_late(&self, content: &Content, log_seq: u64) -> bool {
        let (who, with, id) = (&content.user_id, &content.dk_id, &self.channel.id.channel);
        !self.state.writes_throughout(who, with, id, content.log_seq, log_seq)
    }

    /// The same of a message that was taken, when it turns out what whoever wrote before it knew; and whether it was written in
    /// a time-out as far as they knew.
    fn void_after(&self, by: &By, log_seq: u64) -> Option<Unreadable> {
        let (who, with, id) = (&by.author, &by.device, &self.channel.id.channel);
        if !self.state.writes_throughout(who, with, id, by.log_seq, log_seq) {
            return Some(Unreadable::Damaged);
        }
        let is_held = self.state.is_timed_out(who, log_seq, by.at_ms);
        is_held.then_some(Unreadable::TimedOut)
    }

    /// `seen`: numbers of messages that can be read only now, ascending, and the newest log entry that the author of each had
    /// seen. Which of those after them, taken without knowing that, are void. What would be judged as before is not looked at.
    fn void_since(&self, seen: &[(u64, u64)]) -> Vec<(u64, Unreadable)> {
        let mut void = Vec::new();
        let Some((first, _)) = seen.first() else { return void };
        let mut seen = seen.iter().peekable();
        // By those that can be read only now, and by all others.
        let (mut known, mut before) = (0, self.channel.log_seq_in(0..*first));
        for (seq, message) in self.channel.messages.range(*first..) {
            if let Some((_, log_seq)) = seen.next_if(|(new, _)| new == seq) {
                known = known.max(*log_seq);
                continue;
            }
            if known <= before && seen.peek().is_none() {
                break;
            }
            let Some(by) = message.body.by() else { continue };
            let is_open = before < known && by.log_seq < known;
            match is_open.then(|| self.void_after(&by, known)).flatten() {
                Some(why) => void.push((*seq, why)),
                None => before = before.max(by.log_seq),
            }
        }
        void
    }
}

impl PlaceMut<'_> {
    /// What became of the message that waits here under the id of one that came: its record, and whether it failed. Only
    /// what we said ourselves is a receipt, anything else may carry the id as well; what cannot be read yet is neither.
    fn receipt(&mut self, msg_id: &MessageId, body: &StoredBody, me: Option<UserId>) -> Option<(Record, bool)> {
        let key = Key::Outgoing(self.channel.id, *msg_id);
        match body {
            StoredBody::Locked { .. } | StoredBody::Gone => None,
            _ if body.by().is_some_and(|by| Some(by.author) == me) => {
                // Also for a tab that is gone: whoever starts from this store does not wait for it again.
                self.channel.outbox.arrived(msg_id);
                Some((record::remove(key), false))
            }
            _ => {
                let why = Problem::ServerLied("a message under this one's id".into());
                let item = self.channel.outbox.fail(msg_id, why)?;
                Some((record::save(key, item), true))
            }
        }
    }

    /// Messages after some that can be read only now are judged by what the authors of those had seen, too. What is void then
    /// goes as words go that are deleted, and stands as what cannot be shown. Gives the numbers of all that this changes.
    fn judge_again(
        &mut self,
        seen: &[(u64, u64)],
        now_ms: u64,
        me: Option<UserId>,
        saves: &mut Vec<Record>,
    ) -> Vec<u64> {
        let void = self.view().void_since(seen);
        if void.is_empty() {
            return Vec::new();
        }
        for (seq, _) in &void {
            let Some(message) = self.channel.messages.get(seq).cloned() else {
                continue;
            };
            if *seq > self.channel.read_seq {
                self.count_out(&message, me);
            }
            if let Some(left) = message.body.emptied() {
                self.channel.change(*seq, left);
            }
        }
        let seqs: Vec<u64> = void.iter().map(|(seq, _)| *seq).collect();
        let touched = self.settle(&seqs, now_ms, me, saves);
        for (seq, why) in void {
            self.channel.void(seq, why);
            if let Some(message) = self.channel.messages.get(&seq) {
                saves.push(record::save(Key::Message(self.channel.id, seq), message));
            }
        }
        touched
    }

    /// Moves a sender's chain on.
    fn lane_step(&mut self, content: &Content, head: Head, seq: u64) -> LaneStep {
        let lane = (content.dk_id, content.lane);
        let step = match self.channel.lanes.get(&lane) {
            Some(end) if content.ctr <= end.ctr => return LaneStep::Again,
            Some(end) if content.ctr == end.ctr + 1 && content.prev_own == end.head => LaneStep::Next,
            // The one before has its place, but was let go of, or is not readable yet: the chain goes on over it.
            Some(_) if self.channel.is_passed_over(&content.prev_own) => LaneStep::Next,
            Some(_) => LaneStep::Gap,
            None if content.seen_seq < self.channel.lanes_from => return LaneStep::Again,
            // The first of this chain that is seen here: its beginning is known only for number 1.
            None if content.ctr == 1 && content.prev_own != lane_start(&content.dk_id, &content.lane) => LaneStep::Gap,
            None => LaneStep::Next,
        };
        let ctr = content.ctr;
        self.channel.lanes.insert(lane, LaneEnd { ctr, head, seq });
        step
    }
}

/// The first line, as long as a list has room for; one that was cut says so.
pub(super) fn preview_of(text: &str) -> String {
    let mut lines = text.lines().map(str::trim);
    let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
    match line.char_indices().nth(120).and_then(|(end, _)| line.get(..end)) {
        Some(beginning) => format!("{}…", beginning.trim_end()),
        None => line.to_owned(),
    }
}
