//! Messages that have had their time: taken off the screen, out of memory and out of what this browser keeps.
//!
//! The channel knows from which message on some are to go, and when the first of them is. What is not in memory then is
//! brought there from the store, a piece at a time; so is what a deletion names.

use sotto_shared::crypto::suite::Suite;

use super::ask::Pending;
use super::record::{Loaded, Query, StoredBody};
use super::{Ctx, Effect, Engine, Out};
use crate::view::Chat;

/// Messages brought from the store at a time.
const PIECE: u64 = 500;
/// Timers of browsers end at 24 days; this is often enough to look.
const LONGEST_WAIT_MS: u64 = 6 * 3_600_000;

impl<S: Suite> Engine<S> {
    /// Takes away what is due, in every room.
    pub(super) fn expire(&mut self, out: &mut Out<S::DeviceKey>) {
        let ids: Vec<Chat> = self.channels.keys().copied().collect();
        for id in ids {
            self.expire_in(id, out);
        }
        self.wake_for_expiry(out);
    }

    fn expire_in(&mut self, id: Chat, out: &mut Out<S::DeviceKey>) {
        let now_ms = self.now_ms;
        let Some(room) = self.place_mut(id) else { return };
        let channel = &mut *room.channel;
        let Some((from, _)) = channel.fades.filter(|(_, at)| *at <= now_ms) else {
            return;
        };
        let is_here = channel.first_loaded() <= from.max(channel.oldest);
        if !is_here {
            channel.want(from);
        }
        let due = channel.take_due(now_ms);
        self.settle(id, &due, Vec::new(), out);
        self.show_gone(id, from, out);
        let Some(room) = self.place_mut(id) else { return };
        // What is left of them has been looked at with them.
        room.channel.take_due(now_ms);
        if is_here {
            room.channel.renew_fades(now_ms);
            out.push(Effect::Save(vec![room.channel.to_record()]));
        }
        self.show_room_row(id, out);
    }

    /// What the relay let go of because its time was over leaves no gap on screen once that can be told.
    fn show_gone(&self, id: Chat, from: u64, out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.place(id).filter(|_| self.shown == Some(id)) else {
            return;
        };
        let since = room.channel.messages.range(from.max(room.channel.shown_from)..);
        let gone = since.filter(|(_, message)| matches!(message.body, StoredBody::Gone));
        let gone: Vec<u64> = gone.map(|(seq, _)| *seq).collect();
        self.show_changed(id, &gone, out);
    }

    /// Asks to be woken when the next message is due.
    pub(super) fn wake_for_expiry(&mut self, out: &mut Out<S::DeviceKey>) {
        let next = (self.channels.values())
            .filter(|channel| channel.wanted.is_none())
            .filter_map(|channel| channel.fades.map(|(_, at)| at))
            .min();
        let Some(next) = next else { return };
        let wait_ms = next.saturating_sub(self.now_ms).clamp(1, LONGEST_WAIT_MS);
        let at = self.now_ms.saturating_add(wait_ms);
        let is_asked = self.expiry_wake_ms > self.now_ms && self.expiry_wake_ms <= at;
        if !is_asked {
            self.expiry_wake_ms = at;
            out.push(Effect::Wake { after_ms: wait_ms });
        }
    }

    /// Brings from the store what has to be changed there.
    pub(super) fn seek(&mut self, id: Chat, out: &mut Out<S::DeviceKey>) {
        let is_asked = |pending: &Pending<S::DeviceKey>| matches!(pending, Pending::Seek { chat } if *chat == id);
        if self.pending.values().any(is_asked) {
            return;
        }
        let Some(room) = self.place_mut(id) else { return };
        let channel = &mut *room.channel;
        let Some(wanted) = channel.wanted else { return };
        let (from, loaded) = (wanted.max(channel.oldest), channel.first_loaded());
        if from >= loaded {
            channel.wanted = None;
            return;
        }
        let query = Query::Messages {
            chat: id,
            from: from.max(loaded.saturating_sub(PIECE)),
            to: loaded - 1,
        };
        let request = self.remember(Pending::Seek { chat: id });
        out.push(Effect::Load { id: request, query });
    }

    pub(super) async fn sought(&mut self, id: Chat, loaded: Loaded, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.place(id) else { return };
        let before = room.channel.first_loaded();
        self.take_stored(id, loaded, ctx, out).await;
        if let Some(room) = self.place_mut(id)
            && room.channel.first_loaded() == before
        {
            // What the store does not have needs no change there.
            room.channel.wanted = None;
            room.channel.renew_fades(ctx.now_ms);
        }
        self.expire_in(id, out);
        self.seek(id, out);
        self.show_room_row(id, out);
        self.wake_for_expiry(out);
    }
}
