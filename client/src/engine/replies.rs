//! What a text says besides its words: what it answers, the thread it belongs to, whom it calls, that it was handed on.
//!
//! All of it names messages and people by id. What is quoted is looked up whenever a row is made, so that it reads as the
//! message reads now, and says nothing of one that has gone.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use sotto_shared::api::limits::MAX_MENTIONS;
use sotto_shared::codec::{List, Text};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::envelope::content::MessageBody;
use sotto_shared::id::{EnvelopeHash, Head, MessageId, UserId};
use sotto_shared::log::roles::Permission;
use sotto_shared::log::room_log::RoomKind;

use super::account::internal;
use super::chats::{Place, PlaceMut};
use super::inbox::preview_of;
use super::record::{MessageRecord, StoredBody};
use super::threads::named_thread;
use super::{Ctx, Engine, Out};
use crate::view::{self, Chat, Outcome, Problem, Quote};

/// Conversations that one message is handed on to at a time.
const MAX_FORWARDS: usize = 20;

/// What calls everybody.
const EVERYONE: &str = "everyone";

/// As it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ties {
    pub reply: Option<Head>,
    /// The thread's first message.
    pub thread: Option<Head>,
    pub mentions: Vec<UserId>,
    pub everyone: bool,
    pub forwarded: bool,
}

impl Ties {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Of a message as it was sealed.
    pub fn of(body: &MessageBody) -> Self {
        let head = |hash: &EnvelopeHash| Head::from_bytes(*hash.as_bytes());
        match body {
            MessageBody::Post {
                reply,
                thread,
                everyone,
                mentions,
                ..
            } => Self {
                reply: reply.as_ref().map(head),
                thread: thread.as_ref().map(head),
                mentions: mentions.iter().copied().collect(),
                everyone: *everyone,
                forwarded: false,
            },
            MessageBody::Forwarded { .. } => Self {
                forwarded: true,
                ..Self::default()
            },
            _ => Self::default(),
        }
    }
}

/// A text as it is sealed. `ttl` is how long it is to live.
pub(super) fn text_body(text: &str, ties: &Ties, ttl: Option<u32>) -> Result<MessageBody, Problem> {
    let text = Text::new(text).map_err(internal)?;
    let hash = |head: &Head| EnvelopeHash::from_bytes(*head.as_bytes());
    Ok(match ttl {
        _ if ties.forwarded => MessageBody::Forwarded {
            text,
            ttl: ttl.unwrap_or_default(),
        },
        _ if !ties.is_none() => MessageBody::Post {
            text,
            ttl: ttl.unwrap_or_default(),
            reply: ties.reply.as_ref().map(hash),
            thread: ties.thread.as_ref().map(hash),
            everyone: ties.everyone,
            mentions: List::new(ties.mentions.clone()).map_err(internal)?,
        },
        Some(ttl) => MessageBody::FadingText { text, ttl },
        None => MessageBody::Text { text },
    })
}

/// Where answers stand, for the messages in memory.
#[derive(Default)]
pub(crate) struct Places {
    /// Numbers of the texts that answer the message with this hash.
    answers: HashMap<Head, BTreeSet<u64>>,
    /// Numbers of the texts in the thread that begins with it.
    threads: HashMap<Head, BTreeSet<u64>>,
}

impl Places {
    pub fn note(&mut self, message: &MessageRecord) {
        if let StoredBody::Text { ties, .. } = &message.body
            && let Some(reply) = ties.reply
        {
            self.answers.entry(reply).or_default().insert(message.seq);
        }
        if let Some(thread) = named_thread(&message.body) {
            self.threads.entry(thread).or_default().insert(message.seq);
        }
    }

    /// Numbers of what says that it belongs to the thread that begins with this message.
    pub fn answers_in(&self, root: &Head) -> impl Iterator<Item = u64> {
        self.threads.get(root).into_iter().flatten().copied()
    }

    /// Numbers of what hangs on this message.
    pub fn hanging_on(&self, hash: &Head) -> impl Iterator<Item = u64> {
        let answers = self.answers.get(hash).into_iter().flatten();
        answers.chain(self.threads.get(hash).into_iter().flatten()).copied()
    }

    /// Numbers of what hangs on messages that are not `here`.
    pub fn astray(&self, here: impl Fn(&Head) -> bool) -> impl Iterator<Item = u64> {
        let all = self.answers.iter().chain(&self.threads);
        all.filter(move |(hash, _)| !here(hash))
            .flat_map(|(_, seqs)| seqs.iter().copied())
    }
}

/// The handles that a text calls, as they are typed behind an `@`: not inside a word or an address.
pub fn called(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    text.match_indices('@').filter_map(move |(at, _)| {
        let before = text.get(..at)?.chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '@' | '/' | '.')) {
            return None;
        }
        let rest = text.get(at + 1..)?;
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        // A dash at the end is punctuation.
        let name = rest.get(..end)?.trim_end_matches('-');
        (!name.is_empty()).then_some(name)
    })
}

impl Place<'_> {
    /// Whether somebody may call all at once.
    pub fn may_call(&self, user: &UserId) -> bool {
        self.state.kind != RoomKind::Direct && self.state.allows(user, Permission::Call)
    }

    /// Whether a text is an earlier one than message `seq`, so that something may hang on it; `None` while that cannot be told.
    fn is_earlier_text(&self, hash: &Head, seq: u64) -> Option<bool> {
        let Some(target) = self.channel.named(hash) else {
            return (self.channel.first_loaded() <= 1).then_some(false);
        };
        match &target.body {
            StoredBody::Text { .. } | StoredBody::Poll { .. } | StoredBody::Erased { .. } | StoredBody::Gone => {
                Some(target.seq < seq && !self.channel.is_again(target))
            }
            StoredBody::Locked { .. } if target.seq < seq => None,
            _ => Some(false),
        }
    }

    /// The thread that a message is shown in, rather than among all others. One that begins with nothing is none.
    pub fn thread_of(&self, message: &MessageRecord) -> Option<Head> {
        named_thread(&message.body).filter(|hash| self.can_begin(hash, message.seq))
    }

    /// Whether the thread of message `seq` can begin with this one. What belongs to a thread itself begins none, so that nothing
    /// can stand where nobody looks.
    fn can_begin(&self, hash: &Head, seq: u64) -> bool {
        let begins = self
            .channel
            .named(hash)
            .is_none_or(|root| named_thread(&root.body).is_none());
        begins && self.is_earlier_text(hash, seq) != Some(false)
    }

    /// What is to be seen of the message that the one with number `seq` answers.
    pub fn quote(&self, hash: &Head, seq: u64, now_ms: u64) -> Quote {
        match self.is_earlier_text(hash, seq) {
            Some(false) => return Quote::Nowhere,
            None => return Quote::Earlier(EnvelopeHash::from_bytes(*hash.as_bytes())),
            Some(true) => {}
        }
        let Some(target) = self.channel.named(hash) else {
            return Quote::Nowhere;
        };
        match (self.words(target, now_ms), target.body.by()) {
            (Some((text, edited)), Some(by)) => Quote::Text {
                message: target.msg_id,
                by: by.author,
                text: preview_of(text),
                edited,
            },
            _ => Quote::Gone,
        }
    }

    /// Whether a text calls this person by name, with all others, or answers them. Of whom they blocked none does.
    pub fn calls(&self, message: &MessageRecord, me: UserId) -> bool {
        let StoredBody::Text { author, ties, .. } = &message.body else {
            return false;
        };
        let answers = || {
            let target = ties.reply.as_ref().and_then(|hash| self.channel.named(hash));
            target.is_some_and(|target| target.seq < message.seq && target.body.by().is_some_and(|by| by.author == me))
        };
        let counts = *author != me && !self.is_unheard(author);
        counts && (ties.mentions.contains(&me) || (ties.everyone && self.may_call(author)) || answers())
    }

    /// The same, unless it was read already, in its thread.
    pub fn still_calls(&self, message: &MessageRecord, me: UserId) -> bool {
        self.calls(message, me) && !self.was_read_in_thread(message)
    }

    /// What an unread text adds to both counts. What stands in a thread is no news of the conversation, but it may call.
    fn counts(&self, message: &MessageRecord, me: Option<UserId>) -> (u32, u32) {
        let Some(by) = message.body.by().filter(|_| message.body.speaks()) else {
            return (0, 0);
        };
        let Some(me) = me.filter(|me| *me != by.author) else {
            return (0, 0);
        };
        let is_here = self.thread_of(message).is_none();
        (u32::from(is_here), u32::from(self.still_calls(message, me)))
    }

    /// What the page is told of a message that is here.
    pub fn message_ties(&self, message: &MessageRecord, me: UserId, now_ms: u64) -> view::Ties {
        let StoredBody::Text { author, ties, .. } = &message.body else {
            return view::Ties::default();
        };
        view::Ties {
            pinned: self.is_pinned(&message.hash),
            ..self.ties(author, ties, message.seq, self.calls(message, me), now_ms)
        }
    }

    /// What the page is told of it. `seq` is the number of the message.
    pub fn ties(&self, author: &UserId, ties: &Ties, seq: u64, to_me: bool, now_ms: u64) -> view::Ties {
        // A thread that begins nowhere is told as an answer to nothing.
        let astray = ties.thread.filter(|hash| !self.can_begin(hash, seq));
        let reply = ties.reply.or(astray);
        view::Ties {
            reply: reply.map(|hash| self.quote(&hash, seq, now_ms)),
            mentions: ties.mentions.clone(),
            everyone: ties.everyone && self.may_call(author),
            to_me,
            forwarded: ties.forwarded,
            pinned: false,
        }
    }
}

impl PlaceMut<'_> {
    /// A text came that was not here before.
    pub fn count_in(&mut self, message: &MessageRecord, me: Option<UserId>) {
        if message.seq <= self.channel.read_seq {
            return;
        }
        let (unread, mentions) = self.view().counts(message, me);
        self.channel.unread += unread;
        self.channel.mentions += mentions;
    }

    /// An unread text has gone.
    pub fn count_out(&mut self, message: &MessageRecord, me: Option<UserId>) {
        let (unread, mentions) = self.view().counts(message, me);
        self.channel.unread = self.channel.unread.saturating_sub(unread);
        self.channel.mentions = self.channel.mentions.saturating_sub(mentions);
    }
}

impl<S: Suite> Engine<S> {
    /// Hands a text on. Of the conversation it stood in nothing goes with it, nor of who wrote it.
    pub(super) async fn forward(
        &mut self,
        from: Chat,
        message: MessageId,
        to: &[Chat],
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        if to.len() > MAX_FORWARDS {
            return Err(Problem::TooManyForwards {
                max: MAX_FORWARDS as u32,
            });
        }
        let text = self.standing_text(from, message)?;
        // All of them or none.
        for chat in to {
            self.may_write(*chat)?;
        }
        let ties = Ties {
            forwarded: true,
            ..Ties::default()
        };
        for chat in to {
            self.keep(*chat, text.clone(), ties.clone(), None, None, ctx, out)
                .await?;
        }
        Ok(Some(Outcome::Done))
    }

    /// A message on screen as it reads now.
    fn standing_text(&self, id: Chat, message: MessageId) -> Result<String, Problem> {
        let (hash, _) = self.standing_message(id, message)?;
        let room = self.place(id).ok_or(Problem::RoomClosed)?;
        let found = room
            .channel
            .named(&hash)
            .and_then(|found| room.words(found, self.now_ms));
        found.map(|(text, _)| text.to_owned()).ok_or(Problem::NoSuchMessage)
    }

    /// What a new text hangs on and whom it calls.
    pub(super) fn tie(
        &self,
        id: Chat,
        text: &str,
        reply: Option<MessageId>,
        thread: Option<MessageId>,
    ) -> Result<Ties, Problem> {
        let room = self.place(id).ok_or(Problem::RoomClosed)?;
        let me = self.my_id().ok_or(Problem::SignedOut)?;
        let hash_of = |message: MessageId| self.standing_message(id, message).map(|(hash, _)| hash);
        let mut ties = Ties {
            reply: reply.map(hash_of).transpose()?,
            thread: thread.map(hash_of).transpose()?,
            ..Ties::default()
        };
        if room.state.kind == RoomKind::Direct {
            return Ok(ties);
        }
        let names: BTreeSet<String> = called(text).map(str::to_ascii_lowercase).collect();
        ties.everyone = names.contains(EVERYONE) && room.may_call(&me);
        let is_called = |user: &&UserId| {
            let handle = self.people.handle(user);
            **user != me && handle.is_some_and(|handle| names.contains(handle))
        };
        ties.mentions = room.state.members.keys().filter(is_called).copied().collect();
        if ties.mentions.len() > MAX_MENTIONS {
            return Err(Problem::TooManyMentions {
                max: MAX_MENTIONS as u32,
            });
        }
        Ok(ties)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_called_where_they_are_typed_and_not_inside_of_words() {
        let all = |text: &str| called(text).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(all("@ada, (@bob) and @cyd-x- yes"), ["ada", "bob", "cyd-x"]);
        assert_eq!(all("@Ada\n@everyone!"), ["Ada", "everyone"]);
        for none in [
            "me@example.org",
            "a@b",
            "@@ada",
            "@",
            "@ ada",
            "https://example.org/@ada",
            "é@ada",
        ] {
            assert!(all(none).is_empty(), "{none}");
        }
        assert_eq!(all(&"@x ".repeat(70)).len(), 70);
    }
}
