//! Messages that somebody has put aside for later. The list lies in the vault; what they read is looked up when they are shown.
//!
//! The vault keeps where a message stands, not its words: what is deleted or has faded is gone from here too.

use sotto_shared::api::limits::MAX_SAVED;
use sotto_shared::codec::{Codec, List};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{EnvelopeHash, Head, MessageId};
use sotto_shared::vault::{Saved, SavedList};

use super::books::Book;
use super::{Ctx, Engine, Out};
use crate::view::{self, Chat, Outcome, Problem, Quote};

/// What either side has, in the order it was put there. A message that only one side has taken out comes back: the list keeps no
/// trace of what it once held.
pub(super) fn join(ours: &SavedList, theirs: &SavedList) -> SavedList {
    let mut all: Vec<Saved> = theirs.items.iter().cloned().collect();
    for item in ours.items.iter() {
        match all.iter_mut().find(|other| is_same(other, item)) {
            Some(other) => other.at = other.at.max(item.at),
            None => all.push(item.clone()),
        }
    }
    all.sort_by_key(|item| item.at);
    let too_many = all.len().saturating_sub(MAX_SAVED);
    let items = List::new(all.split_off(too_many)).unwrap_or_default();
    SavedList { items }
}

fn is_same(one: &Saved, other: &Saved) -> bool {
    one.room_id == other.room_id && one.channel == other.channel && one.target == other.target
}

const fn chat(item: &Saved) -> Chat {
    Chat {
        room: item.room_id,
        channel: item.channel,
    }
}

impl<S: Suite> Engine<S> {
    fn saved(&self) -> Vec<Saved> {
        let held = self.me.as_ref().and_then(|me| me.vault.books.get(&Book::Saved));
        let list = held.and_then(|held| SavedList::from_bytes(&held.plain).ok());
        list.map(|list| list.items.iter().cloned().collect())
            .unwrap_or_default()
    }

    fn put_saved(
        &mut self,
        items: Vec<Saved>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let items = List::new(items).map_err(|_| Problem::TooManySaved { max: MAX_SAVED as u32 })?;
        self.put_book(Book::Saved, &SavedList { items }.to_bytes(), ctx, out);
        Ok(())
    }

    pub(super) fn save_for_later(
        &mut self,
        chat: Chat,
        message: MessageId,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let (hash, _) = self.standing_message(chat, message)?;
        let target = EnvelopeHash::from_bytes(*hash.as_bytes());
        let mut items = self.saved();
        items.retain(|item| (item.room_id, item.channel, item.target) != (chat.room, chat.channel, target));
        let newest = items.iter().map(|item| item.at).max().unwrap_or_default();
        items.push(Saved {
            room_id: chat.room,
            channel: chat.channel,
            target,
            at: ctx.now_ms.max(newest.saturating_add(1)),
        });
        self.put_saved(items, ctx, out)?;
        Ok(Some(Outcome::Done))
    }

    pub(super) fn forget_saved(
        &mut self,
        chat: Chat,
        target: EnvelopeHash,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let mut items = self.saved();
        let before = items.len();
        items.retain(|item| (item.room_id, item.channel, item.target) != (chat.room, chat.channel, target));
        if items.len() != before {
            self.put_saved(items, ctx, out)?;
        }
        Ok(Some(Outcome::Done))
    }

    /// The newest first, as far as they are known.
    pub(super) fn list_saved(&self) -> Result<Option<Outcome>, Problem> {
        self.me()?;
        let items = self.saved();
        let all = items.iter().rev();
        let shown = all.map(|item| self.shown_saved(chat(item), item.target, item.at));
        Ok(Some(Outcome::Saved(shown.collect())))
    }

    /// One of them as it stands now.
    pub(super) fn shown_saved(&self, chat: Chat, target: EnvelopeHash, saved_ms: u64) -> view::SavedMessage {
        let hash = Head::from_bytes(*target.as_bytes());
        let place = self.place(chat);
        let quote = place.map_or(Quote::Nowhere, |place| place.quote(&hash, u64::MAX, self.now_ms));
        let by = place.and_then(|place| place.channel.named(&hash)?.body.by());
        view::SavedMessage {
            chat,
            target,
            saved_ms,
            at_ms: by.map_or(0, |by| by.at_ms),
            quote,
        }
    }
}

#[cfg(test)]
mod tests {
    use sotto_shared::id::{ChannelId, RoomId};

    use super::*;

    fn list(items: &[(u8, u64)]) -> SavedList {
        let item = |(target, at): &(u8, u64)| Saved {
            room_id: RoomId::from_bytes([1; 32]),
            channel: ChannelId::MAIN,
            target: EnvelopeHash::from_bytes([*target; 32]),
            at: *at,
        };
        SavedList {
            items: List::new(items.iter().map(item).collect()).unwrap(),
        }
    }

    #[test]
    fn what_two_browsers_put_aside_is_one_list() {
        let both = list(&[(1, 10), (2, 20), (3, 30)]);
        assert_eq!(join(&list(&[(1, 10), (3, 30)]), &list(&[(1, 10), (2, 20)])), both);
        assert_eq!(join(&list(&[(1, 10), (2, 20)]), &list(&[(1, 10), (3, 30)])), both);
        // Put there again: it moves to the end.
        assert_eq!(join(&list(&[(1, 40)]), &both), list(&[(2, 20), (3, 30), (1, 40)]));
    }

    #[test]
    fn of_too_many_the_newest_stay() {
        let many = |from: u64| -> SavedList {
            let item = |at: u64| Saved {
                room_id: RoomId::from_bytes([1; 32]),
                channel: ChannelId::MAIN,
                target: EnvelopeHash::from_bytes(
                    [u8::try_from(at % 251).unwrap(), u8::try_from(at / 251).unwrap()]
                        .repeat(16)
                        .try_into()
                        .unwrap(),
                ),
                at,
            };
            SavedList {
                items: List::new((from..from + MAX_SAVED as u64).map(item).collect()).unwrap(),
            }
        };
        let joined = join(&many(100), &many(0));
        assert_eq!(joined, many(100));
    }
}
