//! Polls: a question, the last word of everybody who answered it, and its end.
//!
//! A vote is a message about the poll, like a reaction. What a poll shows follows from the messages and the log that are
//! here, whatever order they came in. It is counted once, when poll and votes meet in memory; a vote more moves one person.

use std::collections::{BTreeSet, HashMap};

use sotto_shared::api::limits::{MAX_OPTION_BYTES, MAX_OPTIONS, MAX_QUESTION_BYTES, MIN_OPTIONS};
use sotto_shared::codec::{List, Text};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::envelope::content::MessageBody;
use sotto_shared::id::{Head, MessageId, UserId};
use sotto_shared::log::roles::Permission;
use sotto_shared::log::room_log::RoomKind;

use super::account::internal;
use super::chats::{Place, PlaceMut};
use super::outbox::delivery;
use super::record::{Act, By, MessageRecord, PollRecord, StoredBody};
use super::{Ctx, Engine, Out};
use crate::view::{self, Body, Chat, Delivery, Outcome, Problem};

/// Of so many who chose an option the row says the name; `Command::ShowVotes` gives all.
const NAMED: usize = 4;

/// What was counted of one poll.
#[derive(Default)]
pub(crate) struct Tally {
    /// By person: number of the vote that counts, and what it says.
    votes: HashMap<UserId, (u64, u16)>,
    /// Who chose it, by option.
    options: Vec<BTreeSet<UserId>>,
    /// How many chose anything.
    voters: u32,
    /// Number and author of the message that ended it.
    ended: Option<(u64, UserId)>,
}

impl Tally {
    fn new(options: usize) -> Self {
        Self {
            options: vec![BTreeSet::new(); options],
            ..Self::default()
        }
    }

    /// Somebody's vote under number `seq`; their last one holds.
    fn put(&mut self, user: UserId, seq: u64, choices: u16) {
        let before = self.votes.get(&user).copied();
        if before.is_some_and(|(known, _)| known >= seq) {
            return;
        }
        let before = before.map_or(0, |(_, choices)| choices);
        for (at, users) in self.options.iter_mut().enumerate() {
            match (before >> at & 1, choices >> at & 1) {
                (0, 1) => drop(users.insert(user)),
                (1, 0) => drop(users.remove(&user)),
                _ => {}
            }
        }
        self.voters = (self.voters + u32::from(choices != 0)).saturating_sub(u32::from(before != 0));
        self.votes.insert(user, (seq, choices));
    }

    /// Whether message `seq` of this person stands in here.
    fn rests_on(&self, user: &UserId, seq: u64) -> bool {
        let voted = self.votes.get(user).is_some_and(|(at, _)| *at == seq);
        voted || self.ended.is_some_and(|(at, _)| at == seq)
    }
}

impl PollRecord {
    /// What a message says, if one can choose there.
    pub fn read<const O: usize>(
        question: &str,
        options: &List<Text<O>, MAX_OPTIONS>,
        several: bool,
        ends: u64,
    ) -> Option<Self> {
        let is_empty = |text: &str| text.trim().is_empty();
        let fits = options.len() >= MIN_OPTIONS
            && !is_empty(question)
            && !options.iter().any(|option| is_empty(option.as_str()));
        fits.then(|| Self {
            question: question.to_owned(),
            options: options.iter().map(|option| option.as_str().to_owned()).collect(),
            several,
            ends_ms: ends,
        })
    }

    /// As it is sealed.
    pub fn body(&self, ttl: Option<u32>) -> Result<MessageBody, Problem> {
        let options = self.options.iter().map(|option| Text::new(option.as_str()));
        let options = options.collect::<Result<Vec<_>, _>>().map_err(internal)?;
        Ok(MessageBody::Poll {
            question: Text::new(self.question.as_str()).map_err(internal)?,
            options: List::new(options).map_err(internal)?,
            several: self.several,
            ends: self.ends_ms,
            ttl: ttl.unwrap_or_default(),
        })
    }

    /// Whether one may choose this: options that are there, and one alone unless several may be chosen.
    const fn allows(&self, choices: u16) -> bool {
        choices as u32 >> self.options.len() == 0 && (self.several || choices.count_ones() <= 1)
    }

    /// Whether a vote that was written then came in time.
    const fn is_open_at(&self, at_ms: u64) -> bool {
        self.ends_ms == 0 || at_ms < self.ends_ms
    }
}

impl Place<'_> {
    /// Whether this vote, or this end, is not its author's to say. One that comes too late is no lie: it only does not count.
    pub(super) fn is_void_in_poll(&self, target: &MessageRecord, by: &By, act: &Act) -> bool {
        match (&target.body, act) {
            (StoredBody::Poll { poll, .. }, Act::Vote { choices, .. }) => !poll.allows(*choices),
            (StoredBody::Poll { by: asked, .. }, Act::EndPoll { .. }) => {
                asked.author != by.author && !self.might(&by.author, Permission::Redact, by.log_seq)
            }
            // Here nobody asked anything.
            (StoredBody::Text { .. }, _) => true,
            _ => false,
        }
    }

    /// Whether somebody had this right after entry `log_seq`.
    fn might(&self, user: &UserId, permission: Permission, log_seq: u64) -> bool {
        self.state.kind != RoomKind::Direct && self.state.roles.rights_at(user, log_seq).has(permission)
    }
}

impl PlaceMut<'_> {
    /// Counts what these messages change: polls that came into memory, votes and ends.
    pub(super) fn count_votes(&mut self, seqs: &BTreeSet<u64>) {
        let mut anew = BTreeSet::new();
        for seq in seqs {
            let Some(message) = self.channel.messages.get(seq) else {
                continue;
            };
            match &message.body {
                StoredBody::Poll { .. } if !self.channel.tallies.contains_key(&message.hash) => {
                    anew.insert(message.hash);
                }
                StoredBody::Erased { .. } => drop(self.channel.tallies.remove(&message.hash)),
                StoredBody::Act { by, act } => {
                    let target = act.target();
                    let Some(tally) = self.channel.tallies.get(&target) else {
                        continue;
                    };
                    let heard = self.view().heard_in_poll(message, by, act);
                    match act {
                        // It was counted, and is known now to be a message that came again.
                        _ if !heard && tally.rests_on(&by.author, *seq) => drop(anew.insert(target)),
                        Act::Vote { choices, .. } if heard && tally.ended.is_none_or(|(end, _)| *seq < end) => {
                            let (user, choices) = (by.author, *choices);
                            if let Some(tally) = self.channel.tallies.get_mut(&target) {
                                tally.put(user, *seq, choices);
                            }
                        }
                        // An end before the one that is known takes votes with it.
                        Act::EndPoll { .. } if heard && tally.ended.is_none_or(|(end, _)| *seq < end) => {
                            anew.insert(target);
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        for hash in anew {
            if let Some(tally) = self.view().count(&hash) {
                self.channel.tallies.insert(hash, tally);
            }
        }
    }
}

impl Place<'_> {
    /// Counts a poll from the beginning.
    fn count(&self, hash: &Head) -> Option<Tally> {
        let poll = self.channel.named(hash)?;
        let StoredBody::Poll { poll: asked, .. } = &poll.body else {
            return None;
        };
        let mut tally = Tally::new(asked.options.len());
        for seq in self.channel.votes_on(hash) {
            let Some(message) = self.channel.messages.get(&seq) else {
                continue;
            };
            let StoredBody::Act { by, act } = &message.body else {
                continue;
            };
            match act {
                _ if !self.heard_in_poll(message, by, act) => {}
                Act::Vote { choices, .. } => tally.put(by.author, seq, *choices),
                Act::EndPoll { .. } => {
                    tally.ended = Some((seq, by.author));
                    break;
                }
                _ => {}
            }
        }
        Some(tally)
    }

    fn heard_in_poll(&self, message: &MessageRecord, by: &By, act: &Act) -> bool {
        #[cfg(feature = "testing")]
        super::measure::look_at_a_vote();
        let poll = self.channel.named(&act.target()).map(|target| &target.body);
        let in_time = match (poll, act) {
            (Some(StoredBody::Poll { poll, .. }), Act::Vote { said_ms, .. }) => poll.is_open_at(*said_ms),
            (Some(StoredBody::Poll { .. }), Act::EndPoll { .. }) => true,
            _ => return false,
        };
        in_time && !self.channel.is_again(message) && !self.is_void(message.seq, by, act)
    }

    /// What the page shows of a poll that stands.
    pub(super) fn poll_body(&self, message: &MessageRecord, author: UserId, poll: &PollRecord, me: UserId) -> Body {
        let none = Tally::default();
        let tally = self.channel.tallies.get(&message.hash).unwrap_or(&none);
        let mine = tally.votes.get(&me).map_or(0, |(_, choices)| *choices);
        let (mut wanted, mut ended) = (mine, tally.ended.map(|(_, by)| by));
        let (mut state, mut waiting) = (Delivery::Sent, false);
        for (item, act) in self.waiting_on(&message.hash) {
            match act {
                Act::Vote { choices, .. } => (wanted, waiting) = (*choices, true),
                Act::EndPoll { .. } => ended = ended.or(Some(me)),
                _ => {}
            }
            if item.failed.is_some() {
                state = delivery(item);
            }
        }
        let options = poll.options.iter().enumerate().map(|(at, text)| {
            let users = tally.options.get(at);
            let counted = users.map_or(0, |users| users.len() as u32);
            let (was, is) = (mine >> at & 1, wanted >> at & 1);
            let others = users.into_iter().flatten().filter(|user| **user != me);
            view::PollOption {
                text: text.clone(),
                votes: (counted + u32::from(is)).saturating_sub(u32::from(was)),
                mine: is == 1,
                who: others.copied().take(NAMED).collect(),
            }
        });
        Body::Poll {
            author,
            message: message.msg_id,
            poll: view::Poll {
                question: poll.question.clone(),
                options: options.collect(),
                several: poll.several,
                ends_ms: poll.ends_ms,
                ended,
                voters: (tally.voters + u32::from(wanted != 0)).saturating_sub(u32::from(mine != 0)),
                waiting,
            },
            state,
            reactions: self.reactions(message, me),
            pinned: self.is_pinned(&message.hash),
        }
    }
}

/// A poll on its way out.
pub(super) fn outgoing_poll(poll: &PollRecord) -> view::Poll {
    let options = poll.options.iter().map(|text| view::PollOption {
        text: text.clone(),
        votes: 0,
        mine: false,
        who: Vec::new(),
    });
    view::Poll {
        question: poll.question.clone(),
        options: options.collect(),
        several: poll.several,
        ends_ms: poll.ends_ms,
        ended: None,
        voters: 0,
        waiting: false,
    }
}

impl<S: Suite> Engine<S> {
    pub(super) async fn make_poll(
        &mut self,
        id: Chat,
        asked: view::NewPoll,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let fits = |text: &str, max: usize| match text.len() {
            len if len > max => Err(Problem::TooLong { max: max as u32 }),
            _ => Ok(()),
        };
        let question = asked.question.trim().to_owned();
        let options = asked.options.iter().map(|option| option.trim().to_owned());
        let options: Vec<String> = options.filter(|option| !option.is_empty()).collect();
        fits(&question, MAX_QUESTION_BYTES)?;
        for option in &options {
            fits(option, MAX_OPTION_BYTES)?;
        }
        if question.is_empty() || !(MIN_OPTIONS..=MAX_OPTIONS).contains(&options.len()) {
            return Err(Problem::PollIncomplete);
        }
        if asked.ends_ms != 0 && asked.ends_ms <= ctx.now_ms {
            return Err(Problem::PollOver);
        }
        let poll = PollRecord {
            question,
            options,
            several: asked.several,
            ends_ms: asked.ends_ms,
        };
        self.queue_poll(id, poll, ctx, out).await
    }

    /// Chooses in a poll: these options and no others.
    pub(super) async fn vote(
        &mut self,
        id: Chat,
        message: MessageId,
        chosen: &[u8],
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let (target, poll, _) = self.standing_poll(id, message)?;
        let known = |at: &u8| usize::from(*at) < poll.options.len();
        if !chosen.iter().all(known) {
            return Err(Problem::NotAllowed);
        }
        let choices = chosen.iter().fold(0, |choices, at| choices | 1_u16 << at);
        if !poll.allows(choices) {
            return Err(Problem::NotAllowed);
        }
        if !poll.is_open_at(ctx.now_ms) || self.is_ended(id, &target) {
            return Err(Problem::PollOver);
        }
        let act = Act::Vote {
            target,
            choices,
            said_ms: ctx.now_ms,
        };
        self.queue(id, String::new(), Some(act), ctx, out).await
    }

    pub(super) async fn end_poll(
        &mut self,
        id: Chat,
        message: MessageId,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let (target, poll, author) = self.standing_poll(id, message)?;
        let me = self.my_id().ok_or(Problem::SignedOut)?;
        let room = self.place(id).ok_or(Problem::RoomClosed)?;
        if author != me && !room.might(&me, Permission::Redact, room.state.seq) {
            return Err(Problem::NotAllowed);
        }
        if !poll.is_open_at(ctx.now_ms) || self.is_ended(id, &target) {
            return Ok(Some(Outcome::Done));
        }
        self.queue(id, String::new(), Some(Act::EndPoll { target }), ctx, out)
            .await
    }

    /// Who chose what, by option.
    pub(super) fn show_votes(&self, id: Chat, message: MessageId) -> Result<Option<Outcome>, Problem> {
        let (target, poll, _) = self.standing_poll(id, message)?;
        let tally = self.place(id).and_then(|room| room.channel.tallies.get(&target));
        let users = |at: usize| tally.and_then(|tally| tally.options.get(at)).into_iter().flatten();
        let all = (0..poll.options.len()).map(|at| users(at).copied().collect());
        Ok(Some(Outcome::Votes(all.collect())))
    }

    fn is_ended(&self, id: Chat, poll: &Head) -> bool {
        let Some(room) = self.place(id) else { return false };
        let is_end = |act: &Act| matches!(act, Act::EndPoll { .. });
        let counted = room
            .channel
            .tallies
            .get(poll)
            .is_some_and(|tally| tally.ended.is_some());
        counted || room.waiting_on(poll).any(|(_, act)| is_end(act))
    }

    /// Hash, content and author of a poll on screen.
    fn standing_poll(&self, id: Chat, message: MessageId) -> Result<(Head, PollRecord, UserId), Problem> {
        let (hash, author) = self.standing_message(id, message)?;
        let room = self.place(id).ok_or(Problem::RoomClosed)?;
        match room.channel.named(&hash).map(|message| &message.body) {
            Some(StoredBody::Poll { poll, .. }) => Ok((hash, poll.clone(), author)),
            _ => Err(Problem::NoSuchMessage),
        }
    }
}
