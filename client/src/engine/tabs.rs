//! What tabs of one browser tell each other: each has an engine and memory of its own, over one store.

use serde::{Deserialize, Serialize};
use sotto_shared::attention::Mark;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{Head, UserId};

use super::{Effect, Engine, Out};
use crate::view::Chat;

/// Said of a conversation, or of one of its threads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Whose tab it was: another account is none of theirs.
    user: UserId,
    chat: Chat,
    thread: Option<Head>,
    said: Said,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Said {
    /// How far it was read.
    Read { turn: u32, read: u64, at: u64 },
    /// What stands where one writes; empty when it was sent or taken away.
    Draft(String),
}

impl<S: Suite> Engine<S> {
    pub(super) fn tell(&self, chat: Chat, thread: Option<Head>, said: Said, out: &mut Out<S::DeviceKey>) {
        if let Some(user) = self.my_id() {
            out.push(Effect::Tell(Word {
                user,
                chat,
                thread,
                said,
            }));
        }
    }

    /// Another tab of this browser has kept it already.
    pub(super) fn told(&mut self, word: Word, out: &mut Out<S::DeviceKey>) {
        let Word {
            user,
            chat,
            thread,
            said,
        } = word;
        if self.my_id() != Some(user) {
            return;
        }
        match said {
            Said::Read { turn, read, at } => {
                let mark = Mark {
                    room_id: chat.room,
                    channel: chat.channel,
                    thread,
                    turn,
                    read,
                    at,
                };
                self.take_mark(&mark, out);
            }
            // By what is known here the place may have gone, and there it has not: this is no reason to take it from them.
            Said::Draft(_) if self.has_gone(chat, thread.as_ref()) => {}
            Said::Draft(text) => self.take_draft(chat, thread, text, out),
        }
    }
}
