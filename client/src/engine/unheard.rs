//! What people who are blocked say where others are, too. It comes and is kept, since the others may answer it; it calls for
//! nothing, and the list shows the words before it.

use sotto_shared::contacts::ContactState;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{EnvelopeHash, UserId};

use super::Engine;
use super::chats::Place;
use super::record::{MessageRecord, PreviewRecord};

/// Messages that are looked at for words of somebody else, and unread ones for words that do not count.
const LOOKED_AT: usize = 1000;

/// What a conversation calls for and shows in the list.
pub(super) struct Heard {
    pub unread: u32,
    pub mentions: u32,
    /// Threads with something new.
    pub threads: u32,
    pub newest_thread: Option<EnvelopeHash>,
    pub preview: Option<PreviewRecord>,
}

impl<S: Suite> Engine<S> {
    pub(super) fn is_blocked(&self, user: &UserId) -> bool {
        self.contacts
            .get(user)
            .is_some_and(|contact| contact.state == ContactState::Blocked)
    }

    /// Without what those said who are blocked, as far as it is in memory.
    pub(super) fn heard(&self, room: Place<'_>, me: UserId) -> Heard {
        let channel = room.channel;
        let all = Heard {
            unread: channel.unread,
            mentions: channel.mentions,
            threads: channel.threads.unread(),
            newest_thread: channel.threads.newest_unread(),
            preview: channel.preview.clone(),
        };
        if !self
            .contacts
            .values()
            .any(|contact| contact.state == ContactState::Blocked)
        {
            return all;
        }
        let is_unheard = |message: &&MessageRecord| message.body.by().is_some_and(|by| self.is_blocked(&by.author));
        let from = channel.read_seq.saturating_add(1);
        let unread = channel.messages.range(from..).map(|(_, message)| message);
        let (mut news, mut calls) = (0, 0);
        for message in unread.rev().take(LOOKED_AT).filter(is_unheard) {
            news += u32::from(room.is_news(message, me, self.now_ms));
            calls += u32::from(room.words(message, self.now_ms).is_some() && room.still_calls(message, me));
        }
        let threads = room.news_in_threads(me, |user| *user != me && !self.is_blocked(user));
        let is_known = |preview: &&PreviewRecord| !self.is_blocked(&preview.author);
        let before = || {
            let messages = channel.messages.values().rev().take(LOOKED_AT);
            let heard = messages.filter(|message| !is_unheard(message));
            heard.into_iter().find_map(|message| room.preview(message, self.now_ms))
        };
        Heard {
            unread: all.unread.saturating_sub(news),
            mentions: all.mentions.saturating_sub(calls),
            threads: threads.len() as u32,
            newest_thread: threads
                .iter()
                .max_by_key(|(_, seq)| *seq)
                .map(|(root, _)| EnvelopeHash::from_bytes(*root.as_bytes())),
            preview: (all.preview.as_ref().filter(is_known).cloned()).or_else(|| all.preview.and_then(|_| before())),
        }
    }
}
