//! Drafts: what stands where one writes and was not sent. Each is a record of its own, so that to keep one is to write little,
//! and tabs of one browser do not take away each other's.
//!
//! ```text
//!  kept or emptied here ─▶ shown ─▶ its record ─▶ the other tabs, which hold it as it is now
//! ```
//! A tab in which somebody writes in the same place is not written over: what is kept last holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{ChannelId, Head, RoomId};
use sotto_shared::log::room_log::RoomKind;

use super::record::{self, Key, StoredBody};
use super::tabs::Said;
use super::{Effect, Engine, Out};
use crate::view::{Chat, Outcome, Problem, Standing};

/// By conversation, and in it by the message that a thread begins with. One that was emptied stays here as an empty text: what
/// the store had of it may still be on its way in.
pub(crate) type Drafts = BTreeMap<(Chat, Option<Head>), String>;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DraftRecord {
    pub room_id: RoomId,
    pub channel: ChannelId,
    /// The message that the thread begins with, where it stands in one.
    pub thread: Option<Head>,
    pub text: String,
}

impl DraftRecord {
    pub const fn chat(&self) -> Chat {
        Chat {
            room: self.room_id,
            channel: self.channel,
        }
    }
}

impl<S: Suite> Engine<S> {
    pub(super) fn draft(&self, chat: Chat, thread: Option<Head>) -> String {
        self.drafts.get(&(chat, thread)).cloned().unwrap_or_default()
    }

    /// Asked for again, it is written again: the store may not have taken it.
    pub(super) fn save_draft(
        &mut self,
        chat: Chat,
        thread: Option<Head>,
        text: String,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        if self.place(chat).is_some() {
            self.write_draft(chat, thread, text, out);
        }
        Ok(Some(Outcome::Done))
    }

    /// It was sent from here.
    pub(super) fn end_draft(&mut self, chat: Chat, thread: Option<Head>, out: &mut Out<S::DeviceKey>) {
        if !self.draft(chat, thread).is_empty() {
            self.write_draft(chat, thread, String::new(), out);
        }
    }

    fn write_draft(&mut self, chat: Chat, thread: Option<Head>, text: String, out: &mut Out<S::DeviceKey>) {
        // Shown first: what the store does not take stands here all the same.
        self.take_draft(chat, thread, text.clone(), out);
        let key = Key::Draft(chat, thread);
        let kept = if text.is_empty() {
            record::remove(key)
        } else {
            let draft = DraftRecord {
                room_id: chat.room,
                channel: chat.channel,
                thread,
                text: text.clone(),
            };
            record::save(key, &draft)
        };
        out.push(Effect::Save(vec![kept]));
        self.tell(chat, thread, Said::Draft(text), out);
    }

    /// As it is now, here or in another tab. The list says so, and whoever opens the conversation goes on from there.
    pub(super) fn take_draft(&mut self, chat: Chat, thread: Option<Head>, text: String, out: &mut Out<S::DeviceKey>) {
        self.drafts.insert((chat, thread), text);
        if thread.is_none() {
            self.show_room_row(chat, out);
        }
    }

    /// They came out of this browser's store. What another tab has told meanwhile is newer.
    pub(super) fn drafts_came(&mut self, drafts: Vec<DraftRecord>) {
        for draft in drafts {
            let place = (draft.chat(), draft.thread);
            self.drafts.entry(place).or_insert(draft.text);
        }
    }

    /// What was begun goes with its conversation or its thread. Looked at after every step.
    pub(super) fn drop_drafts(&mut self, out: &mut Out<S::DeviceKey>) {
        let begun = self.drafts.iter().filter(|(_, text)| !text.is_empty());
        let over: Vec<_> = begun
            .map(|(place, _)| *place)
            .filter(|(chat, thread)| self.has_gone(*chat, thread.as_ref()))
            .collect();
        for (chat, thread) in over {
            self.end_draft(chat, thread, out);
        }
    }

    /// Whether a conversation was left or stands in no list any more, or the message that its thread begins with has gone. Of
    /// what is not known, or not in memory, that is not said.
    pub(super) fn has_gone(&self, chat: Chat, thread: Option<&Head>) -> bool {
        let (Some(me), Some(room)) = (self.my_id(), self.rooms.get(&chat.room)) else {
            return false;
        };
        let channel = self.channels.get(&chat);
        let begins = thread.and_then(|root| channel?.named(root));
        if begins.is_some_and(|root| matches!(root.body, StoredBody::Erased { .. } | StoredBody::Gone)) {
            return true;
        }
        if !room.is_member(&me) || room.left {
            return self.room_standing(room) == Standing::Left;
        }
        let is_known = room.state.channels.contains_key(&chat.channel);
        room.state.kind == RoomKind::Space && is_known && !room.state.may_read(&me, &chat.channel)
    }
}

#[cfg(test)]
mod tests {
    use sotto_shared::crypto::suite::RustCrypto;
    use sotto_shared::testing::FixedRng;

    use super::*;

    /// While a tab reads the store another one sends what it finds there.
    #[test]
    fn what_was_told_meanwhile_is_newer_than_what_comes_out_of_the_store() {
        let mut engine = Engine::<RustCrypto>::new(&mut FixedRng::new("drafts"));
        let draft = |room: u8, text: &str| DraftRecord {
            room_id: RoomId::from_bytes([room; 32]),
            channel: ChannelId::MAIN,
            thread: None,
            text: text.to_owned(),
        };
        let (sent, other) = (draft(1, "sent meanwhile"), draft(2, "begun"));
        let chats = [sent.chat(), other.chat()];
        engine.take_draft(chats[0], None, String::new(), &mut Out::new());
        engine.drafts_came(vec![sent, other]);
        assert_eq!(chats.map(|chat| engine.draft(chat, None)), ["", "begun"]);
    }
}
