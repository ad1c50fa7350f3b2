//! What people who are blocked say where others are, too. It comes and is kept, since others may answer it, and it calls for
//! nothing: it is not counted, not told, and the list shows the words before it.

use sotto_shared::contacts::ContactState;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::UserId;
use sotto_shared::log::room_log::RoomKind;

use super::chats::{Place, PlaceMut};
use super::contacts::Decided;
use super::{Effect, Engine, Out};

fn is_blocked(decided: &Decided, user: &UserId) -> bool {
    decided
        .get(user)
        .is_some_and(|contact| contact.state == ContactState::Blocked)
}

impl Place<'_> {
    /// Whether what this person says here calls for nothing. A direct message with them is not shown at all.
    pub fn is_unheard(&self, user: &UserId) -> bool {
        self.state.kind != RoomKind::Direct && is_blocked(self.decided, user)
    }
}

impl PlaceMut<'_> {
    /// What the list says, and what is new in threads, as far as it is in memory.
    pub(super) fn list_anew(&mut self, me: UserId, now_ms: u64) {
        let listed = self.channel.preview.as_ref();
        if listed.is_some_and(|preview| self.view().is_unheard(&preview.author)) {
            self.channel.preview = None;
        }
        let known = self.channel.preview.as_ref().map_or(0, |preview| preview.seq + 1);
        let newer = self.channel.messages.range(known..).map(|(seq, _)| *seq).collect();
        self.renew_preview(&newer, now_ms);
        self.count_threads_anew(me);
    }
}

impl<S: Suite> Engine<S> {
    pub(super) fn is_blocked(&self, user: &UserId) -> bool {
        is_blocked(&self.contacts, user)
    }

    /// Somebody was blocked, or is no longer: what is unread is counted anew.
    pub(super) fn count_anew(&mut self, out: &mut Out<S::DeviceKey>) {
        let (Some(me), now_ms) = (self.my_id(), self.now_ms) else {
            return;
        };
        let chats: Vec<_> = self.channels.keys().copied().collect();
        for chat in chats {
            let Some(mut room) = self.place_mut(chat).filter(|room| room.state.kind != RoomKind::Direct) else {
                continue;
            };
            room.list_anew(me, now_ms);
            self.count(chat, out);
            if let Some(room) = self.place(chat) {
                out.push(Effect::Save(vec![room.channel.to_record()]));
            }
        }
    }
}
