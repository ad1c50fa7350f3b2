//! What has come to people's browsers: every statement of where its author stands says up to which message they verified.
//!
//! ```text
//!  message, beacon, receipt, word in passing of somebody ─▶ `seen_seq` ─▶ their own messages up to there have come to them
//!  messages of others came ─▶ a beacon into that conversation, in rooms of few people ─▶ they see that
//! ```
//!
//! Nothing new is said for it: it is the beacon of [`super::beacons`], sooner, and in conversations that are not on screen.

use sotto_shared::crypto::suite::Suite;
use sotto_shared::envelope::content::MessageBody;
use sotto_shared::id::UserId;

use super::chats::Channel;
use super::{Ctx, Engine, Out};
use crate::view::{Chat, Outcome, Problem};

/// In rooms of more people nobody says that something came: each message would be answered by all.
const FEW: usize = 16;
/// Between two such words in one conversation, and between two lots of them.
const EVERY_MS: u64 = 5_000;
/// Conversations that are told at a time: the relay counts the frames of a device.
const AT_ONCE: usize = 4;

impl Channel {
    /// Somebody has signed to have verified up to message `seq`. Says whether that is further than was known.
    pub fn reach(&mut self, user: UserId, seq: u64) -> bool {
        let known = self.reached.entry(user).or_default();
        let is_further = *known < seq;
        *known = seq.max(*known);
        is_further
    }
}

impl<S: Suite> Engine<S> {
    /// Whether this person lets others see what has come to this browser, and sees it of them.
    pub(super) fn tell_reached(&mut self, on: bool, out: &mut Out<S::DeviceKey>) -> Result<Option<Outcome>, Problem> {
        if self.tells_reached != on {
            self.tells_reached = on;
            self.passing.arrived.clear();
            for id in self.rooms.keys() {
                self.show_members(*id, out);
            }
        }
        Ok(Some(Outcome::Done))
    }

    /// Somebody was heard to have got further.
    pub(super) fn show_reached(&self, chat: Chat, out: &mut Out<S::DeviceKey>) {
        let is_shown = self.tells_reached && self.shown.is_some_and(|shown| shown == chat);
        if is_shown {
            self.show_members(chat.room, out);
        }
    }

    /// Messages of others came.
    pub(super) fn note_arrival(&mut self, chat: Chat) {
        if self.tells_reached {
            self.passing.arrived.insert(chat);
        }
    }

    /// Tells that they came, a while after, so that what comes together is told together. Looked at after every step.
    pub(super) async fn say_reached(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        if self.passing.arrived.is_empty() || !self.online || !self.tells_reached {
            return;
        }
        if ctx.now_ms < self.passing.arrived_ms {
            return self.wake_in_passing(self.passing.arrived_ms, out);
        }
        let (mut told, mut next_ms) = (0, u64::MAX);
        for chat in std::mem::take(&mut self.passing.arrived) {
            let Some(room) = self.place(chat) else { continue };
            // Of what is looked at the receipt says as much.
            let is_read = self.tells_read && self.visible && self.shown == Some(chat);
            if room.state.members.len() > FEW || is_read {
                continue;
            }
            let due_ms = room.channel.reached_ms + EVERY_MS;
            let is_late = ctx.now_ms < due_ms || told == AT_ONCE;
            // More is on its way; the end of that is another step.
            let is_busy = !room.channel.pages.is_caught_up(room.channel.at.seq);
            if is_late || is_busy {
                self.passing.arrived.insert(chat);
                if !is_busy {
                    next_ms = next_ms.min(due_ms);
                }
                continue;
            }
            if !self.may_say_aside(chat) {
                continue;
            }
            told += 1;
            if let Err(problem) = self.say_aside(chat, MessageBody::Beacon, ctx, out).await {
                self.notice(problem, out);
            }
            if let Some(room) = self.place_mut(chat) {
                (room.channel.reached_ms, room.channel.beacon_ms) = (ctx.now_ms, ctx.now_ms);
            }
        }
        if told > 0 {
            self.passing.arrived_ms = ctx.now_ms + EVERY_MS;
        }
        if next_ms < u64::MAX {
            self.wake_in_passing(next_ms.max(self.passing.arrived_ms), out);
        }
    }
}
