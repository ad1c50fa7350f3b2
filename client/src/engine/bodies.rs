//! What is said about earlier messages: edits, deletions, reactions.
//!
//! Every message is kept as it came. What has become of one follows from the messages and the log that are here, and from
//! nothing else: the same whatever order pages came in, and after a reload. Whoever speaks for somebody else is not heard;
//! a row says that something could not be verified. Words that were deleted are taken out of what this browser keeps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sotto_shared::api::B64;
use sotto_shared::api::body::MessageDelete;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::{MAX_EDITS, MAX_TEXT_BYTES, MAX_TTL_SECS, MIN_TTL_SECS};
use sotto_shared::codec::{List, Text};
use sotto_shared::crypto::hash::sha256;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::secret::{DayVaultKey, DerivedKey, derive};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::envelope::content::{Content, MessageBody, is_emoji};
use sotto_shared::envelope::header::{Header, ttl_class};
use sotto_shared::id::{DeviceKeyId, EnvelopeHash, Head, MessageId, RoomId, UserId};
use sotto_shared::log::roles::Permission;
use sotto_shared::log::room_log::{Event, RoomBody, RoomKind};

use super::account::internal;
use super::ask::{Failure, Pending, Request};
use super::chats::{Channel, Place, PlaceMut};
use super::inbox::preview_of;
use super::intents::{Intent, What};
use super::outbox::delivery;
use super::reactions::MAX_REACTIONS;
use super::record::{self, Act, By, Deletion, Key, MessageRecord, PollRecord, PreviewRecord, Record, StoredBody};
use super::replies::Ties;
use super::rooms::Room;
use super::sync::retry;
use super::{Ctx, Effect, Engine, Out};
use crate::view::{Body, Chat, Delivery, Note, Outcome, Problem, Row, Unreadable};

/// Messages whose sender is not known here, of which the hashes are kept across reloads.
const KEPT_UNREAD: usize = 64;
/// Messages looked through for one that can stand in the list of rooms.
const FOR_PREVIEW: u64 = 50;
/// So many messages after a lifetime was changed may still be by somebody who had not heard of it.
const LATE: u64 = 16;

/// Where what belongs together stands, for the messages in memory.
#[derive(Default)]
pub(crate) struct Index {
    /// Number of the first message with this hash.
    places: HashMap<Head, u64>,
    /// Numbers of what was said about it, but for what stands below.
    acts: HashMap<Head, BTreeSet<u64>>,
    /// Numbers of its deletions, by who says so. There may be very many.
    deletions: HashMap<Head, BTreeMap<UserId, BTreeSet<u64>>>,
    /// Numbers of reactions to it. There may be very many.
    reactions: HashMap<Head, BTreeSet<u64>>,
    /// Numbers of votes in it, and of what ended it. There may be very many.
    votes: HashMap<Head, BTreeSet<u64>>,
    /// Numbers of deletions that name it as an earlier edit, by what they delete and who says so.
    swept: HashMap<Head, BTreeMap<(Head, UserId), BTreeSet<u64>>>,
    /// Number of the first message at this place of a sender's chain.
    links: HashMap<(DeviceKeyId, [u8; 8], u64), u64>,
    /// Numbers of the texts of each lane, and when they were said.
    texts: HashMap<(DeviceKeyId, [u8; 8]), BTreeMap<u64, u64>>,
    /// Numbers of those that stand at a place that was taken before.
    again: BTreeSet<u64>,
    /// Those of them that were found since the last look.
    found: Vec<u64>,
    /// When what has a lifetime is due, and its number.
    fading: BTreeSet<(u64, u64)>,
    pub ties: super::replies::Places,
}

/// Whether somebody said something by itself, rather than about another message.
pub(super) const fn is_text(body: &StoredBody) -> bool {
    matches!(
        body,
        StoredBody::Text { .. } | StoredBody::Poll { .. } | StoredBody::Erased { .. }
    )
}

impl Index {
    fn note(&mut self, message: &MessageRecord) {
        let first = |at: &mut u64| *at = (*at).min(message.seq);
        self.places.entry(message.hash).and_modify(first).or_insert(message.seq);
        self.ties.note(message);
        if let Some(by) = message.body.by() {
            let first = self.links.entry((by.device, by.lane, by.ctr)).or_insert(message.seq);
            if *first != message.seq {
                let later = (*first).max(message.seq);
                *first = (*first).min(message.seq);
                self.again.insert(later);
                self.found.push(later);
            }
            if is_text(&message.body) {
                let lane = self.texts.entry((by.device, by.lane)).or_default();
                lane.insert(message.seq, by.at_ms);
            }
        }
        let until = match &message.body {
            StoredBody::Erased { by, .. } => by.until_ms,
            body => body.words_until(),
        };
        self.fading.extend(until.map(|until| (until, message.seq)));
        if let StoredBody::Act { by, act } = &message.body {
            let target = act.target();
            let about = match act {
                Act::Vote { .. } | Act::EndPoll { .. } => self.votes.entry(target).or_default(),
                Act::React { .. } => self.reactions.entry(target).or_default(),
                Act::Delete { edits, .. } => {
                    for edit in edits {
                        let same = self.swept.entry(*edit).or_default();
                        same.entry((target, by.author)).or_default().insert(message.seq);
                    }
                    self.deletions.entry(target).or_default().entry(by.author).or_default()
                }
                _ => self.acts.entry(target).or_default(),
            };
            about.insert(message.seq);
        }
    }

    /// Numbers of the deletions of a message.
    fn deletions_of(&self, hash: &Head) -> impl Iterator<Item = u64> {
        let deletions = self.deletions.get(hash).into_iter();
        deletions.flat_map(BTreeMap::values).flatten().copied()
    }

    /// Numbers of all else that was said about it.
    fn others_about(&self, hash: &Head) -> impl Iterator<Item = u64> {
        let all = [&self.acts, &self.reactions, &self.votes].into_iter();
        let hash = *hash;
        all.filter_map(move |kind| kind.get(&hash)).flatten().copied()
    }
}

/// Why a message may have gone that nobody names by itself.
enum Swept {
    /// As one of the edits of another, as far as can be told.
    Edit,
    /// They said so, and it cannot have been.
    By(UserId),
}

impl Channel {
    /// Takes a message into memory, or what it turned out to be.
    pub fn put(&mut self, message: MessageRecord) {
        self.index.note(&message);
        if let Some(until) = message.body.words_until() {
            let (from, at) = self.fades.unwrap_or((message.seq, until));
            self.fades = Some((from.min(message.seq), at.min(until)));
        }
        self.receipt_none = self.receipt_none.min(message.seq.saturating_sub(1));
        self.messages.insert(message.seq, message);
    }

    /// Another body for a message in memory.
    pub fn change(&mut self, seq: u64, body: StoredBody) {
        if let Some(mut message) = self.messages.remove(&seq) {
            message.body = body;
            self.put(message);
        }
    }

    /// The number of the message with this hash.
    pub fn place_of(&self, hash: &Head) -> Option<u64> {
        self.index.places.get(hash).copied()
    }

    /// Numbers of the votes in a poll and of its ends, ascending.
    pub fn votes_on(&self, poll: &Head) -> impl Iterator<Item = u64> {
        self.index.votes.get(poll).into_iter().flatten().copied()
    }

    /// Numbers of the reactions to a message, ascending.
    pub fn reactions_to(&self, hash: &Head) -> impl Iterator<Item = u64> {
        self.index.reactions.get(hash).into_iter().flatten().copied()
    }

    pub fn has_reactions(&self, hash: &Head) -> bool {
        self.index.reactions.contains_key(hash)
    }

    /// The message with this hash.
    pub fn named(&self, hash: &Head) -> Option<&MessageRecord> {
        self.messages.get(self.index.places.get(hash)?)
    }

    /// Has what is kept from `from` on brought into memory.
    pub fn want(&mut self, from: u64) {
        self.wanted = Some(self.wanted.map_or(from, |wanted| wanted.min(from)));
    }

    /// A message that was taken turned out to be none.
    pub fn void(&mut self, seq: u64, why: Unreadable) {
        let Some(message) = self.messages.get_mut(&seq) else {
            return;
        };
        // Whoever wrote next did not write too soon after it, nor did anything of its chain get lost.
        if let Some(by) = message.body.by()
            && let Some(lane) = self.index.texts.get_mut(&(by.device, by.lane))
        {
            lane.remove(&seq);
        }
        (message.gap, message.del_commit) = (false, None);
        self.change(seq, StoredBody::Unreadable(why));
    }

    /// Numbers of the messages in memory that have come to be due since this was last asked.
    pub fn take_due(&mut self, now_ms: u64) -> Vec<u64> {
        let later = self.index.fading.split_off(&(now_ms.saturating_add(1), 0));
        let due = std::mem::replace(&mut self.index.fading, later);
        due.into_iter().map(|(_, seq)| seq).collect()
    }

    /// Numbers of the deletions of the message with this hash.
    pub fn deletions_of(&self, hash: &Head) -> impl Iterator<Item = u64> {
        self.index.deletions_of(hash)
    }

    /// Remembers a message whose sender is not known: it was emptied before it was read, or is locked still.
    pub fn pass_over(&mut self, seq: u64, hash: Head) {
        self.passed_over.push((seq, hash));
        let surplus = self.passed_over.len().saturating_sub(KEPT_UNREAD);
        self.passed_over.drain(..surplus);
    }

    /// Whether the message with this hash has its place here, though nothing is known of its sender.
    pub fn is_passed_over(&self, hash: &Head) -> bool {
        let here = self
            .named(hash)
            .is_some_and(|message| matches!(message.body, StoredBody::Gone | StoredBody::Locked { .. }));
        here || self.passed_over.iter().any(|(_, passed)| passed == hash)
    }

    /// Who wrote the message with this hash, if it is in memory.
    pub fn author_of(&self, hash: &Head) -> Option<UserId> {
        self.named(hash)?.body.by().map(|by| by.author)
    }

    /// When the text before number `seq` was said in this lane.
    pub fn text_before(&self, by: &By, seq: u64) -> Option<u64> {
        let lane = self.index.texts.get(&(by.device, by.lane))?;
        lane.range(..seq).next_back().map(|(_, at_ms)| *at_ms)
    }

    /// What was said about a message and `is` so, the newest first.
    pub fn acts_about(&self, target: &Head, is: impl Fn(&StoredBody) -> bool) -> Vec<Head> {
        let seqs = self.index.acts.get(target).into_iter().flatten().rev();
        let acts = seqs
            .filter_map(|seq| self.messages.get(seq))
            .filter(|act| is(&act.body));
        acts.map(|act| act.hash).take(MAX_EDITS).collect()
    }

    /// Whether the very place of a sender's chain was taken before.
    pub fn is_again(&self, message: &MessageRecord) -> bool {
        self.index.again.contains(&message.seq)
    }

    /// When the next of the messages in memory is due. What goes with its target alone has no time of its own any more.
    pub fn renew_fades(&mut self, now_ms: u64) {
        let left = self.messages.values();
        let left = left.filter_map(|message| Some((message.seq, message.body.words_until()?)));
        let left = left.filter(|(_, until)| *until > now_ms);
        self.fades = left.reduce(|(from, at), (_, until)| (from, at.min(until)));
    }

    /// What the relay is told of the lifetime of an act: it goes no earlier than what it is about.
    pub fn class_of(&self, act: &Act, ttl: Option<u32>, now_ms: u64) -> u8 {
        let ttl = u64::from(ttl.unwrap_or_default());
        match (act, self.named(&act.target()).and_then(|target| target.body.by())) {
            (Act::Delete { .. } | Act::Past { .. }, _) => 0,
            (_, None) => ttl_class(ttl),
            (_, Some(target)) => target.until_ms.map_or(0, |until| {
                ttl_class(ttl.max(until.saturating_sub(now_ms).div_ceil(1000)))
            }),
        }
    }
}

impl Room {
    /// When the log's entry `seq` was made: what it says, but not after it was first seen here, nor before the room.
    pub fn time_of(&self, seq: u64) -> u64 {
        let at = usize::try_from(seq).ok().and_then(|seq| self.times.get(seq));
        at.copied().unwrap_or_default()
    }

    /// When the newest room key was made, in the same way.
    pub fn epoch_ms(&self) -> u64 {
        self.state.epoch().map_or(0, |epoch| self.time_of(epoch.seq))
    }

    pub(super) fn clamp(&self, ts: u64, now_ms: u64) -> u64 {
        ts.max(self.time_of(0)).min(now_ms)
    }

    /// Entries that were applied, in order. Gives the messages that they take away.
    pub fn take_events(&mut self, events: Vec<Event>, now_ms: u64) -> Vec<Head> {
        if self.times.is_empty() {
            self.times.push(self.state.created.min(now_ms));
        }
        let mut named = Vec::new();
        for mut event in events {
            if self.times.len() as u64 <= event.seq {
                self.times.push(self.clamp(event.ts, now_ms));
            }
            event.ts = self.time_of(event.seq);
            if let RoomBody::Redact { target, edits } = &event.body {
                let target = Head::from_bytes(*target.as_bytes());
                self.redacted.entry(target).or_insert(event.actor);
                for edit in edits.iter().map(|edit| Head::from_bytes(*edit.as_bytes())) {
                    self.redacted_edits.entry(edit).or_default().push((target, event.actor));
                    named.push(edit);
                }
                named.push(target);
            }
            if let RoomBody::Reason { n, of, sealed } = &event.body {
                self.reasons.insert(*of, (event.seq, *n, sealed.clone()));
            }
            self.events.push(event);
        }
        named
    }

    /// What a verified message says, as it is kept.
    pub fn body(&self, content: &Content, now_ms: u64) -> StoredBody {
        let at_ms = self.clamp(content.ts, now_ms);
        let said = match &content.body {
            MessageBody::FadingText { ttl, .. }
            | MessageBody::Post { ttl, .. }
            | MessageBody::Forwarded { ttl, .. }
            | MessageBody::Poll { ttl, .. } => (*ttl > 0).then_some(*ttl),
            _ => None,
        };
        // The shorter of what its author said and of what the room has agreed on.
        let ttl = said.into_iter().chain(self.state.ttl_at(content.log_seq)).min();
        let mut by = By {
            author: content.user_id,
            device: content.dk_id,
            lane: content.lane,
            ctr: content.ctr,
            log_seq: content.log_seq,
            at_ms,
            until_ms: ttl.map(|ttl| at_ms.saturating_add(u64::from(ttl) * 1000)),
        };
        let head = |hash: &EnvelopeHash| Head::from_bytes(*hash.as_bytes());
        let act = match &content.body {
            MessageBody::Text { .. }
            | MessageBody::FadingText { .. }
            | MessageBody::Post { .. }
            | MessageBody::Forwarded { .. }
            | MessageBody::Poll { .. }
                if by.is_due(now_ms) =>
            {
                return StoredBody::Erased {
                    by,
                    thread: Ties::of(&content.body).thread,
                };
            }
            MessageBody::Poll {
                question,
                options,
                several,
                ends,
                ..
            } => {
                return match PollRecord::read(question.as_str(), options, *several, *ends) {
                    Some(poll) => StoredBody::Poll { by, poll },
                    None => StoredBody::Unreadable(Unreadable::Damaged),
                };
            }
            MessageBody::Text { text }
            | MessageBody::FadingText { text, .. }
            | MessageBody::Post { text, .. }
            | MessageBody::Forwarded { text, .. } => {
                return StoredBody::text(by, text.as_str(), Ties::of(&content.body));
            }
            MessageBody::Edit { target, text } => Act::Edit {
                target: head(target),
                text: text.as_str().to_owned(),
            },
            MessageBody::Delete { target, edits } => {
                // It holds no words, and what it takes away must not come back.
                by.until_ms = None;
                Act::Delete {
                    target: head(target),
                    edits: edits.iter().map(head).collect(),
                }
            }
            MessageBody::React { emoji, .. } if !is_emoji(emoji.as_str()) => {
                return StoredBody::Unreadable(Unreadable::Damaged);
            }
            MessageBody::React { target, emoji, on } => Act::React {
                target: head(target),
                emoji: emoji.as_str().to_owned(),
                on: *on,
            },
            MessageBody::Vote { target, choices } => Act::Vote {
                target: head(target),
                choices: *choices,
                said_ms: content.ts,
            },
            MessageBody::EndPoll { target } => Act::EndPoll { target: head(target) },
            // Never stored: `judge` lets none through.
            MessageBody::Beacon
            | MessageBody::Receipt { .. }
            | MessageBody::Typing
            | MessageBody::Presence { .. }
            | MessageBody::Profile { .. }
            | MessageBody::Picture { .. } => {
                return StoredBody::Unreadable(Unreadable::Damaged);
            }
        };
        StoredBody::Act { by, act }
    }
}

impl Place<'_> {
    // --- What has become of a message --------------------------------------------------------------------------------------

    /// What was said about a message after it, in order.
    fn acts_on<'a>(&'a self, about: &MessageRecord) -> impl Iterator<Item = (&'a By, &'a Act)> {
        let index = &self.channel.index;
        self.said_about(about, index.acts.get(&about.hash))
    }

    fn said_about<'a>(
        &'a self,
        about: &MessageRecord,
        seqs: Option<&'a BTreeSet<u64>>,
    ) -> impl Iterator<Item = (&'a By, &'a Act)> + use<'a> {
        let seqs = seqs.into_iter().flatten();
        let said_at = about.seq;
        seqs.filter(move |seq| **seq > said_at).filter_map(|seq| {
            let message = self.channel.messages.get(seq)?;
            match &message.body {
                StoredBody::Act { by, act } if !self.channel.is_again(message) => Some((by, act)),
                _ => None,
            }
        })
    }

    /// Who took a message away.
    fn deleted_by(&self, message: &MessageRecord) -> Option<UserId> {
        if !is_text(&message.body) && !matches!(message.body, StoredBody::Gone) {
            return None;
        }
        let redacted = self.redacted.get(&message.hash).copied();
        redacted.or_else(|| self.first_deletion(message).map(|(_, by)| by))
    }

    /// Number and author of the deletion that took a message away: further ones change nothing. Of a message whose bytes are
    /// gone the author is not known: then it is whoever says so.
    fn first_deletion(&self, message: &MessageRecord) -> Option<(u64, UserId)> {
        let by_person = self.channel.index.deletions.get(&message.hash)?;
        let first = |(by, seqs): (&UserId, &BTreeSet<u64>)| {
            let mut since = seqs.range(message.seq.saturating_add(1)..);
            since.find(|seq| self.is_heard(**seq)).map(|seq| (*seq, *by))
        };
        match &message.body {
            StoredBody::Gone => by_person.iter().filter_map(first).min(),
            body if is_text(body) => first(by_person.get_key_value(&body.by()?.author)?),
            _ => None,
        }
    }

    /// Whether the deletion under this number stands, and was said for the first time. One that turned out to be void does not,
    /// though it is still listed.
    fn is_heard(&self, seq: u64) -> bool {
        let is_deletion = |body: &StoredBody| match body {
            StoredBody::Act { act, .. } => matches!(act, Act::Delete { .. }),
            _ => false,
        };
        let message = self.channel.messages.get(&seq);
        message.is_some_and(|message| is_deletion(&message.body) && !self.channel.is_again(message))
    }

    /// What is to be thought of an emptied message that is named among the edits of one that was taken away. Its bytes are
    /// gone, so nothing shows that it was one: whatever came before what it is said to have changed was none.
    fn swept_by(&self, message: &MessageRecord) -> Option<Swept> {
        let from_log = self.redacted_edits.get(&message.hash).into_iter().flatten();
        let from_log = from_log.map(|(target, by)| (*target, *by, u64::MAX));
        let deletions = self.channel.index.swept.get(&message.hash).into_iter().flatten();
        // Of those that say the same the newest says it all. Who said it first is who is named.
        let newest = deletions.filter_map(|((target, by), seqs)| {
            let first = *seqs.iter().find(|seq| self.is_heard(**seq))?;
            let seq = *seqs.iter().rev().find(|seq| self.is_heard(**seq))?;
            let StoredBody::Act { by: said, act } = &self.channel.messages.get(&seq)?.body else {
                return None;
            };
            (!self.is_void(seq, said, act)).then_some((first, (*target, *by, seq)))
        });
        let mut newest: Vec<(u64, (Head, UserId, u64))> = newest.collect();
        newest.sort_unstable_by_key(|(first, _)| *first);
        let newest = newest.into_iter().map(|(_, one)| one);
        let mut first = None;
        for (target, by, said_at) in from_log.chain(newest) {
            let is_edit = match self.channel.named(&target) {
                None => self.channel.first_loaded() > 1,
                Some(target) => {
                    let is_text = matches!(
                        target.body,
                        StoredBody::Text { .. }
                            | StoredBody::Poll { .. }
                            | StoredBody::Erased { .. }
                            | StoredBody::Gone
                    );
                    is_text && target.seq < message.seq && message.seq < said_at && self.deleted_by(target) == Some(by)
                }
            };
            if is_edit {
                return Some(Swept::Edit);
            }
            first.get_or_insert(by);
        }
        first.map(Swept::By)
    }

    /// Whether somebody says something here that is not theirs to say, or about nothing.
    pub(super) fn is_void(&self, seq: u64, by: &By, act: &Act) -> bool {
        if matches!(act, Act::Past { .. }) {
            return false;
        }
        let target = act.target();
        let Some(message) = self.channel.named(&target) else {
            // As long as there are older messages it may be one of them.
            return self.channel.first_loaded() <= 1;
        };
        let is_theirs = || message.body.by().is_some_and(|said| said.author == by.author);
        match (&message.body, act) {
            _ if message.seq >= seq => true,
            (StoredBody::Act { .. }, _) => true,
            (_, Act::Vote { .. } | Act::EndPoll { .. }) => self.is_void_in_poll(message, by, act),
            // What was asked stays as it was asked.
            (StoredBody::Poll { .. }, Act::Edit { .. }) => true,
            (StoredBody::Text { .. } | StoredBody::Erased { .. }, Act::Edit { .. }) => !is_theirs(),
            (StoredBody::Text { .. } | StoredBody::Poll { .. } | StoredBody::Erased { .. }, Act::Delete { .. }) => {
                !is_theirs() && self.redacted.get(&target) != Some(&by.author)
            }
            _ => false,
        }
    }

    /// The words of a message that stands, and whether they are others than at first. Of a poll the question.
    pub fn words<'a>(&'a self, message: &'a MessageRecord, now_ms: u64) -> Option<(&'a str, bool)> {
        let by = message.body.by()?;
        let text = match &message.body {
            StoredBody::Text { text, .. } => text,
            StoredBody::Poll { poll, .. } => &poll.question,
            _ => return None,
        };
        let is_out = self.channel.is_again(message) || self.is_too_soon(message);
        if by.is_due(now_ms) || is_out || self.deleted_by(message).is_some() {
            return None;
        }
        if matches!(message.body, StoredBody::Poll { .. }) {
            return Some((text, false));
        }
        let edits = self.acts_on(message).filter_map(|(other, act)| match act {
            Act::Edit { text, .. } if other.author == by.author => Some(text.as_str()),
            _ => None,
        });
        Some(edits.last().map_or((text.as_str(), false), |text| (text, true)))
    }

    /// Whether a message counts as unread news of somebody else.
    pub fn is_news(&self, message: &MessageRecord, me: UserId, now_ms: u64) -> bool {
        message.body.by().is_some_and(|by| by.author != me)
            && self.words(message, now_ms).is_some()
            && self.thread_of(message).is_none()
    }

    /// Reactions of a message with those of ours that are on their way, in the order they first came up, with everybody who
    /// put them.
    fn reacted<'a>(&'a self, message: &'a MessageRecord, me: UserId) -> Vec<(&'a str, BTreeSet<UserId>)> {
        let mut all: Vec<(&str, BTreeSet<UserId>)> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let reactions = self.channel.index.reactions.get(&message.hash);
        let said = self.said_about(message, reactions).map(|(by, act)| (by.author, act));
        let waiting = self.waiting_on(&message.hash).map(|(_, act)| (me, act));
        for (user, act) in said.chain(waiting) {
            let Act::React { emoji, on, .. } = act else { continue };
            let at = *places.entry(emoji).or_insert_with(|| {
                all.push((emoji, BTreeSet::new()));
                all.len() - 1
            });
            if let Some((_, users)) = all.get_mut(at) {
                if *on {
                    users.insert(user);
                } else {
                    users.remove(&user);
                }
            }
        }
        all.retain(|(_, users)| !users.is_empty());
        all.truncate(MAX_REACTIONS);
        all
    }

    /// What of ours about a message is still on its way.
    pub(super) fn waiting_on<'a>(
        &'a self,
        hash: &'a Head,
    ) -> impl Iterator<Item = (&'a record::OutgoingRecord, &'a Act)> {
        let items = self
            .channel
            .outbox
            .items()
            .filter_map(|item| Some((item, item.act.as_ref()?)));
        items.filter(move |(_, act)| act.target() == *hash)
    }

    /// Whether the server may have let go of message `seq` because its time was over: a lifetime held there, and has passed
    /// since it was agreed on and since the message before was written.
    fn had_its_time(&self, seq: u64, now_ms: u64) -> bool {
        let before = self
            .channel
            .messages
            .range(..seq)
            .rev()
            .find_map(|(_, message)| message.body.by());
        let since = before.map_or(0, |by| by.at_ms);
        let ttls = &self.state.ttls;
        ttls.iter().enumerate().any(|(index, lifetime)| {
            let next = ttls.get(index + 1);
            let held = lifetime.after < seq && next.is_none_or(|next| seq <= next.after.saturating_add(LATE));
            let lives_ms = u64::from(lifetime.seconds) * 1000;
            let begins = self.time_of(lifetime.entry).max(since);
            lifetime.seconds > 0 && held && begins.saturating_add(lives_ms) <= now_ms
        })
    }

    /// What the conversation shows of a message. What belongs to a thread is shown there.
    pub fn message_rows(&self, message: &MessageRecord, me: UserId, now_ms: u64) -> Vec<Row> {
        let mut rows = self.rows_of(message, me, now_ms);
        if self.thread_of(message).is_some() {
            rows.retain(|row| row.key.starts_with("gap-"));
        }
        rows
    }

    /// What the page shows of a message: nothing, if it says something about another, or has had its time.
    pub fn rows_of(&self, message: &MessageRecord, me: UserId, now_ms: u64) -> Vec<Row> {
        let by = message.body.by();
        let is_due = by.is_some_and(|by| by.is_due(now_ms));
        let deleted = || {
            let by = self.deleted_by(message)?;
            let author = message.body.by().map(|by| by.author);
            let whose = author.filter(|author| *author != by);
            Some(Body::Note(Note::Deleted {
                by,
                by_order: author != Some(by) && self.redacted.contains_key(&message.hash),
                whose,
            }))
        };
        let too_soon = || {
            self.is_too_soon(message)
                .then_some(Body::Unreadable(Unreadable::TooSoon))
        };
        let body = match &message.body {
            _ if self.channel.is_again(message) => Some(Body::Unreadable(Unreadable::Damaged)),
            StoredBody::Text { .. } | StoredBody::Poll { .. } | StoredBody::Erased { .. } if is_due => None,
            StoredBody::Poll { by, poll } => deleted()
                .or_else(too_soon)
                .or_else(|| Some(self.poll_body(message, by.author, poll, me))),
            StoredBody::Text { author, .. } => match self.words(message, now_ms) {
                None => deleted().or_else(too_soon),
                Some(words) => Some(self.text_body(message, *author, words, me, now_ms)),
            },
            StoredBody::Erased { .. } => deleted(),
            StoredBody::Act { by, act } => {
                (self.is_void(message.seq, by, act)).then_some(Body::Unreadable(Unreadable::Damaged))
            }
            StoredBody::Gone => deleted().or_else(|| match self.swept_by(message) {
                Some(Swept::Edit) => None,
                Some(Swept::By(by)) => Some(Body::Note(Note::Deleted {
                    by,
                    by_order: false,
                    whose: None,
                })),
                None => (!self.had_its_time(message.seq, now_ms)).then_some(Body::Unreadable(Unreadable::Gap)),
            }),
            // The same bytes under another number say nothing more.
            StoredBody::Locked { .. } => (self.channel.place_of(&message.hash) == Some(message.seq))
                .then_some(Body::Unreadable(Unreadable::KeyOnTheWay)),
            StoredBody::Unreadable(why) => Some(Body::Unreadable(*why)),
        };
        let thread = self.thread(message, me);
        // What people answered to it is there for some time more.
        let body = body.or_else(|| (is_due && thread.is_some()).then_some(Body::Note(Note::Faded)));
        let at_ms = by.map_or(0, |by| by.at_ms);
        let mut rows = Vec::with_capacity(1);
        if message.gap {
            rows.push(Row {
                key: format!("gap-{}", message.seq),
                order: (message.seq, 0),
                at_ms,
                body: Body::Unreadable(Unreadable::Gap),
                hash: None,
                thread: None,
            });
        }
        rows.extend(body.map(|body| Row {
            key: message_key(message, me),
            order: (message.seq, super::timeline::MESSAGE_PLACE),
            at_ms,
            body,
            hash: Some(EnvelopeHash::from_bytes(*message.hash.as_bytes())),
            thread,
        }));
        rows
    }

    /// A text as it stands now.
    pub fn text_body(
        &self,
        message: &MessageRecord,
        author: UserId,
        words: (&str, bool),
        me: UserId,
        now_ms: u64,
    ) -> Body {
        let (mut text, mut edited) = words;
        let mut state = Delivery::Sent;
        for (item, act) in self.waiting_on(&message.hash) {
            if let Act::Edit { text: newer, .. } = act {
                (text, edited) = (newer, true);
            }
            // A reaction on its way is no reason to dim what it stands under.
            if item.failed.is_some() || !matches!(act, Act::React { .. }) {
                state = delivery(item);
            }
        }
        Body::Text {
            author,
            message: message.msg_id,
            text: text.to_owned(),
            state,
            edited,
            reactions: self.reactions(message, me),
            ties: self.message_ties(message, me, now_ms),
        }
    }
}

impl PlaceMut<'_> {
    // --- Taking words away ---------------------------------------------------------------------------------------------------

    /// After these messages came, or came to be due: takes words out of what is kept, adds what has to be saved, and gives
    /// the numbers of all whose rows may look different now.
    pub fn settle(&mut self, seqs: &[u64], now_ms: u64, me: Option<UserId>, saves: &mut Vec<Record>) -> Vec<u64> {
        let mut touched: BTreeSet<u64> = seqs.iter().copied().collect();
        let index = &self.channel.index;
        for message in seqs.iter().filter_map(|seq| self.channel.messages.get(seq)) {
            touched.extend(index.deletions_of(&message.hash));
            touched.extend(index.others_about(&message.hash));
            // Whether the next one came too soon shows only now.
            let lane = message.body.by().and_then(|by| index.texts.get(&(by.device, by.lane)));
            let next = lane.and_then(|lane| lane.range(message.seq + 1..).next());
            touched.extend(next.map(|(seq, _)| *seq));
            match &message.body {
                StoredBody::Act { by, act } if matches!(act, Act::Delete { .. }) => {
                    touched.extend(self.view().takes_away(message.seq, by, act));
                }
                StoredBody::Act { act, .. } => touched.extend(index.places.get(&act.target())),
                _ => {}
            }
        }
        if seqs.contains(&1) {
            // The beginning is here: what was said about nothing is known to be.
            let is_lost = |target: &&Head| !index.places.contains_key(*target);
            let said = index
                .acts
                .keys()
                .chain(index.reactions.keys())
                .chain(index.votes.keys());
            for target in said.filter(is_lost) {
                touched.extend(index.others_about(target));
            }
            for target in index.deletions.keys().filter(is_lost) {
                touched.extend(index.deletions_of(target));
            }
            let swept = index.swept.keys().chain(self.redacted_edits.keys());
            touched.extend(swept.filter_map(|hash| index.places.get(hash)));
            touched.extend(index.ties.astray(|hash| index.places.contains_key(hash)));
        }
        touched.extend(std::mem::take(&mut self.channel.index.found));
        if touched.is_empty() {
            return Vec::new();
        }
        for seq in &touched {
            let Some(message) = self.channel.messages.get(seq) else {
                continue;
            };
            let Some(body) = self.view().without_words(message, now_ms) else {
                continue;
            };
            if *seq > self.channel.read_seq {
                let message = message.clone();
                self.count_out(&message, me);
            }
            self.channel.change(*seq, body);
            if let Some(message) = self.channel.messages.get(seq) {
                saves.push(record::save(Key::Message(self.channel.id, *seq), message));
            }
        }
        self.count_votes(&touched);
        self.count_reactions(&touched);
        self.renew_preview(&touched, now_ms);
        // What answers them quotes them.
        let index = &self.channel.index;
        let hashes = touched.iter().filter_map(|seq| self.channel.messages.get(seq));
        let hanging: Vec<u64> = hashes
            .flat_map(|message| index.ties.hanging_on(&message.hash))
            .collect();
        touched.extend(hanging);
        let begin = self.count_answers(&touched, me, now_ms);
        touched.extend(begin);
        #[cfg(feature = "testing")]
        super::measure::settle_messages(touched.len());
        touched.into_iter().collect()
    }
}

impl Place<'_> {
    /// Numbers of the messages that are others once deletion `seq` is here: what it deletes and what was said about that, and
    /// what it names as edits. Of one that is nobody's to say, or says again what was said, there are none.
    fn takes_away(&self, seq: u64, by: &By, act: &Act) -> Vec<u64> {
        let index = &self.channel.index;
        let mut changed = Vec::new();
        let Act::Delete { target, edits } = act else {
            return changed;
        };
        if !self.is_heard(seq) || self.is_void(seq, by, act) {
            return changed;
        }
        if let Some(message) = self.channel.named(target)
            && self.first_deletion(message).is_some_and(|(first, _)| first == seq)
        {
            changed.push(message.seq);
            changed.extend(index.others_about(target));
        }
        for edit in edits {
            let same = index.swept.get(edit).and_then(|all| all.get(&(*target, by.author)));
            if let (Some(place), Some(same)) = (index.places.get(edit), same)
                && !(same.range(place.saturating_add(1)..seq)).any(|said| self.is_heard(*said))
            {
                changed.push(*place);
            }
        }
        changed
    }

    /// From where on what this browser keeps is wanted in memory: a deletion, or an edit of what stands in the list of rooms,
    /// may name something that is not.
    fn names_unloaded(&self, seqs: &[u64]) -> Option<u64> {
        let messages = seqs.iter().filter_map(|seq| self.channel.messages.get(seq));
        let wanted = messages.filter_map(|message| {
            let StoredBody::Act { act, .. } = &message.body else {
                return None;
            };
            let preview = self.channel.preview.as_ref().map(|preview| preview.seq);
            match act {
                _ if self.channel.index.places.contains_key(&act.target()) => None,
                Act::Delete { .. } => Some(1),
                Act::Edit { .. } => preview.filter(|seq| *seq > 0),
                _ => None,
            }
        });
        wanted.min()
    }

    /// What is left of a message that was deleted or has had its time.
    fn without_words(&self, message: &MessageRecord, now_ms: u64) -> Option<StoredBody> {
        let by = message.body.by()?;
        match &message.body {
            StoredBody::Text { .. } | StoredBody::Poll { .. } => {
                let ends = by.is_due(now_ms) || self.deleted_by(message).is_some();
                message.body.emptied().filter(|_| ends)
            }
            StoredBody::Act { act, .. } if !matches!(act, Act::Delete { .. } | Act::Past { .. }) => {
                let target = self.channel.named(&act.target());
                let ends = match target.map(|target| (target, &target.body)) {
                    // It goes with what it is about.
                    Some((_, StoredBody::Erased { .. })) => true,
                    Some((target, StoredBody::Gone)) => self.deleted_by(target).is_some() || by.is_due(now_ms),
                    Some((_, StoredBody::Text { .. } | StoredBody::Poll { .. }))
                        if !self.is_void(message.seq, &by, act) =>
                    {
                        false
                    }
                    _ => by.is_due(now_ms),
                };
                message.body.emptied().filter(|_| ends)
            }
            _ => None,
        }
    }
}

impl PlaceMut<'_> {
    /// The newest message that stands, for the list of rooms.
    fn renew_preview(&mut self, touched: &BTreeSet<u64>, now_ms: u64) {
        let known = self.channel.preview.as_ref().map(|preview| preview.seq);
        let view = self.view();
        let messages = &view.channel.messages;
        let preview = |message: &MessageRecord| {
            let by = message.body.by()?;
            let (text, _) = view.words(message, now_ms)?;
            if view.thread_of(message).is_some() {
                return None;
            }
            Some(PreviewRecord {
                author: by.author,
                text: preview_of(text),
                at_ms: by.at_ms,
                seq: message.seq,
            })
        };
        // Only when what stood there has changed itself all are looked through: there may be very many without a word.
        let is_stale = known.is_some_and(|seq| touched.contains(&seq));
        let newest = if is_stale {
            messages.values().rev().find_map(preview)
        } else {
            let newer = touched.range(known.unwrap_or(0)..).rev();
            newer.filter_map(|seq| messages.get(seq)).find_map(preview)
        };
        let first = self.channel.first_loaded();
        match newest {
            Some(newest) => self.channel.preview = Some(newest),
            None if is_stale && known.is_some_and(|seq| seq >= first) => self.channel.preview = None,
            None => {}
        }
    }

    /// Notes the ids of what our own deletions, written here, take away. Says whether there are any.
    fn note_deletions(&mut self, seqs: &[u64], device: &DeviceKeyId) -> bool {
        let mut found = Vec::new();
        for message in seqs.iter().filter_map(|seq| self.channel.messages.get(seq)) {
            if let StoredBody::Act { by, act } = &message.body
                && let Act::Delete { target, edits } = act
                && by.device == *device
                && !self.view().is_void(message.seq, by, act)
            {
                let named = std::iter::once(target).chain(edits);
                let named = named.filter_map(|hash| self.channel.named(hash));
                found.extend(named.map(|message| Deletion {
                    message: message.msg_id,
                    commit: message.del_commit,
                }));
            }
        }
        found.retain(|deletion| !self.channel.deletions.contains(deletion));
        let is_news = !found.is_empty();
        self.channel.deletions.extend(found);
        is_news
    }
}

/// The key of a message's row. One's own keep the one they had on their way out; nobody else chooses theirs.
pub(super) fn message_key(message: &MessageRecord, me: UserId) -> String {
    match &message.body {
        StoredBody::Text { author, .. } if *author == me => message.msg_id.to_string(),
        StoredBody::Poll { by, .. } | StoredBody::Erased { by, .. } if by.author == me => message.msg_id.to_string(),
        _ => format!("seq-{}", message.seq),
    }
}

impl<S: Suite> Engine<S> {
    // --- Commands ------------------------------------------------------------------------------------------------------

    pub(super) async fn edit(
        &mut self,
        id: Chat,
        message: MessageId,
        text: &str,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let (hash, author) = self.standing_message(id, message)?;
        let room = self.place(id).ok_or(Problem::RoomClosed)?;
        let is_text =
            (room.channel.named(&hash)).is_some_and(|message| matches!(message.body, StoredBody::Text { .. }));
        if Some(author) != self.my_id() || !is_text {
            return Err(Problem::NotAllowed);
        }
        let text = text.trim_end();
        if text.trim().is_empty() {
            return Ok(Some(Outcome::Done));
        }
        if text.len() > MAX_TEXT_BYTES {
            return Err(Problem::MessageTooLong);
        }
        let act = Act::Edit {
            target: hash,
            text: text.to_owned(),
        };
        self.queue(id, String::new(), Some(act), ctx, out).await
    }

    /// One's own by a message; somebody else's, for who may, by an entry in the log.
    pub(super) async fn delete(
        &mut self,
        command: u32,
        id: Chat,
        message: MessageId,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let (target, author) = self.standing_message(id, message)?;
        let me = self.my_id().ok_or(Problem::SignedOut)?;
        let room = self.place(id).ok_or(Problem::RoomClosed)?;
        // The newest of very many: the server keeps the others, nobody shows them.
        let edits = room.edits_of(&target, author);
        if author == me {
            return self
                .queue(id, String::new(), Some(Act::Delete { target, edits }), ctx, out)
                .await;
        }
        if room.state.kind == RoomKind::Direct || !room.state.allows(&me, Permission::Redact) {
            return Err(Problem::NotAllowed);
        }
        self.open_room(id.room)?;
        let what = What::Redact { target, edits };
        self.intend(id.room, Intent::new(what, Some(command)), ctx, out).await;
        Ok(None)
    }

    pub(super) async fn react(
        &mut self,
        id: Chat,
        message: MessageId,
        emoji: &str,
        on: bool,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let (target, _) = self.standing_message(id, message)?;
        if !is_emoji(emoji) {
            return Err(Problem::NotAllowed);
        }
        let act = Act::React {
            target,
            emoji: emoji.to_owned(),
            on,
        };
        self.queue(id, String::new(), Some(act), ctx, out).await
    }

    /// Who put which reaction to a message.
    pub(super) fn show_reactions(&self, id: Chat, message: MessageId) -> Result<Option<Outcome>, Problem> {
        let (hash, _) = self.standing_message(id, message)?;
        let (room, me) = self.place(id).zip(self.my_id()).ok_or(Problem::RoomClosed)?;
        let found = room.channel.named(&hash).ok_or(Problem::NoSuchMessage)?;
        let all = room.reacted(found, me).into_iter();
        let all = all.map(|(emoji, users)| (emoji.to_owned(), users.into_iter().collect()));
        Ok(Some(Outcome::Reactions(all.collect())))
    }

    /// Messages of this room live so many seconds from now on; 0: for ever.
    pub(super) async fn set_ttl(
        &mut self,
        command: u32,
        id: RoomId,
        seconds: u32,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.open_room(id)?;
        if seconds != 0 && !(MIN_TTL_SECS..=MAX_TTL_SECS).contains(&seconds) {
            return Err(Problem::NotAllowed);
        }
        self.intend(id, Intent::new(What::SetTtl(seconds), Some(command)), ctx, out)
            .await;
        Ok(None)
    }

    /// Hash and author of a message on screen that has not gone.
    pub(super) fn standing_message(&self, id: Chat, message: MessageId) -> Result<(Head, UserId), Problem> {
        let room = self.place(id).ok_or(Problem::RoomClosed)?;
        let found = (room.channel.messages.values())
            .find(|other| other.msg_id == message && room.words(other, self.now_ms).is_some())
            .and_then(|found| Some((found.hash, found.body.by()?.author)));
        found.ok_or(Problem::NoSuchMessage)
    }

    // --- What follows ----------------------------------------------------------------------------------------------------

    /// Messages came into memory, or came to be due: what follows for others, in memory and kept.
    pub(super) fn settle(
        &mut self,
        id: Chat,
        seqs: &[u64],
        // To be kept with what changes.
        mut saves: Vec<Record>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let (now_ms, me) = (self.now_ms, self.my_id());
        let Some(mut room) = self.place_mut(id) else { return };
        let had_preview = room.channel.preview.is_some();
        let touched = room.settle(seqs, now_ms, me, &mut saves);
        if had_preview && room.channel.preview.is_none() {
            // What stands before it is the newest now.
            room.channel
                .want(room.channel.first_loaded().saturating_sub(FOR_PREVIEW));
        }
        if let Some(from) = room.view().names_unloaded(seqs) {
            room.channel.want(from);
        }
        if !saves.is_empty() {
            saves.push(room.channel.to_record());
            out.push(Effect::Save(saves));
        }
        self.show_changed(id, &touched, out);
        self.seek(id, out);
        self.wake_for_expiry(out);
    }

    /// Deletions of ours arrived that were written in this browser: the server is to let go of what they name.
    pub(super) fn follow_deletions(&mut self, id: Chat, seqs: &[u64], out: &mut Out<S::DeviceKey>) {
        let Some(device) = self.me.as_ref().map(|me| me.dk_id) else {
            return;
        };
        let Some(mut room) = self.place_mut(id) else { return };
        if room.note_deletions(seqs, &device) {
            out.push(Effect::Save(vec![room.channel.to_record()]));
            self.ask_deletions(id, out);
        }
    }

    /// The log took messages away.
    pub(super) fn redacted(&mut self, id: Chat, named: &[Head], out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.place_mut(id) else { return };
        if named.is_empty() {
            return;
        }
        let places = &room.channel.index.places;
        let is_here = named.iter().all(|hash| places.contains_key(hash));
        let mut seqs: Vec<u64> = named.iter().filter_map(|hash| places.get(hash)).copied().collect();
        // Deletions by whoever wrote the entry may have waited for it.
        seqs.extend(named.iter().flat_map(|hash| room.channel.deletions_of(hash)));
        if !is_here {
            room.channel.want(1);
        }
        self.settle(id, &seqs, Vec::new(), out);
    }

    /// Has the server let go of what we deleted.
    pub(super) fn ask_deletions(&mut self, id: Chat, out: &mut Out<S::DeviceKey>) {
        let (Some(me), Some(room)) = (&self.me, self.place(id)) else {
            return;
        };
        if !self.online || room.channel.deletions.is_empty() {
            return;
        }
        let is_asked = |message: &MessageId| {
            let mut pending = self.pending.values();
            pending.any(
                |pending| matches!(pending, Pending::LetGo { chat, message: other } if *chat == id && other == message),
            )
        };
        // What was written before the password was changed goes by the day key of then. The vault has it, once it was read.
        let asks: Vec<(MessageId, MessageDelete)> = (room.channel.deletions.iter())
            .filter(|deletion| !is_asked(&deletion.message))
            .filter_map(|Deletion { message, commit }| {
                let mut keys = std::iter::once(&me.dvk).chain(&me.vault.former);
                let secret = keys.find_map(|dvk| {
                    let secret = del_secret(dvk, message);
                    commit
                        .is_none_or(|commit| sha256(secret.expose()) == commit)
                        .then_some(secret)
                })?;
                let ask = MessageDelete {
                    room_id: id.room,
                    channel: id.channel,
                    msg_id: *message,
                    del_secret: B64(secret.expose().to_vec()),
                };
                Some((*message, ask))
            })
            .collect();
        for (message, ask) in asks {
            self.ask(Request::MessageDelete(ask), Pending::LetGo { chat: id, message }, out);
        }
    }

    pub(super) fn let_go(
        &mut self,
        id: Chat,
        message: MessageId,
        result: Result<(), Failure>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(room) = self.place_mut(id) else { return };
        match result {
            // Not there, or not ours to delete: asking again would bring the same.
            Err(failure) if !failure.is(ErrorCode::NotFound) && !failure.is(ErrorCode::Forbidden) => {
                retry(&failure, out)
            }
            _ => {
                room.channel.deletions.retain(|other| other.message != message);
                out.push(Effect::Save(vec![room.channel.to_record()]));
            }
        }
    }
}

/// What is shown to the server so that it lets go of a message; the message's header commits to it.
pub(super) fn del_secret(dvk: &DayVaultKey, message: &MessageId) -> DerivedKey {
    let key = derive(dvk.expose(), Label::DeleteKey, &[]);
    derive(key.expose(), Label::DeleteSecret, &[message.as_bytes()])
}

/// What has to be kept of a message's header, to delete it one day.
pub(super) fn del_commit(header: Option<&Header>, body: &StoredBody, me: Option<UserId>) -> Option<[u8; 32]> {
    let is_mine = body.by().is_some_and(|by| Some(by.author) == me);
    header.filter(|_| is_mine).map(|header| header.del_commit)
}

/// An act as it is sealed.
pub(super) fn message_body(act: &Act) -> Result<MessageBody, Problem> {
    let hash = |head: &Head| EnvelopeHash::from_bytes(*head.as_bytes());
    Ok(match act {
        Act::Edit { target, text } => MessageBody::Edit {
            target: hash(target),
            text: Text::new(text.as_str()).map_err(internal)?,
        },
        Act::Delete { target, edits } => MessageBody::Delete {
            target: hash(target),
            edits: List::new(edits.iter().map(hash).collect()).map_err(internal)?,
        },
        Act::React { target, emoji, on } => MessageBody::React {
            target: hash(target),
            emoji: Text::new(emoji.as_str()).map_err(internal)?,
            on: *on,
        },
        Act::Vote { target, choices, .. } => MessageBody::Vote {
            target: hash(target),
            choices: *choices,
        },
        Act::EndPoll { target } => MessageBody::EndPoll { target: hash(target) },
        Act::Past { .. } => return Err(Problem::Internal("nothing to say".into())),
    })
}
