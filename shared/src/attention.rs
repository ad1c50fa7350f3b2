//! What of an account's conversations asks for attention: how much each may, and how far it was read. Two items of the vault,
//! so that both are the same in every browser of the account.
//!
//! Browsers change them apart from each other and join what they have: joining is the same in whatever order and however
//! often it is done.

use std::collections::BTreeMap;

use crate::codec::{Codec, List};
use crate::id::{ChannelId, Head, RoomId};
use crate::{choice, record};

/// Conversations with a choice of their own; those that were chosen for longest ago are forgotten first.
pub const MAX_LEVELS: usize = 512;
/// Conversations and threads whose read mark is kept. Threads are forgotten before conversations, and of each those that were
/// read longest ago.
pub const MAX_MARKS: usize = 640;
/// Muted until it is switched on again.
pub const FOR_EVER: u64 = u64::MAX;

choice! {
    /// What of a conversation a person wants to be told.
    #[derive(Copy, PartialOrd, Ord)]
    pub enum Level {
        1 = Everything,
        /// What calls them or answers them.
        2 = Mentions,
        3 = Nothing,
    }
}

record! {
    /// What was chosen for one conversation, or for a whole space.
    #[derive(Copy)]
    pub struct Choice {
        pub room_id: RoomId,
        /// None: the room or space as a whole.
        pub channel: Option<ChannelId>,
        /// None: as those around it.
        pub level: Option<Level>,
        /// Quiet until then, milliseconds since 1970; 0: not.
        pub until: u64,
        /// When it was chosen.
        pub at: u64,
    }
}

record! {
    /// What holds where nothing was chosen.
    #[derive(Copy)]
    pub struct Usual {
        pub direct: bool,
        pub mentions: bool,
        pub groups: bool,
        pub spaces: bool,
        /// When it was chosen; 0: never.
        pub at: u64,
    }
}

impl Default for Usual {
    fn default() -> Self {
        Self {
            direct: true,
            mentions: true,
            groups: true,
            spaces: false,
            at: 0,
        }
    }
}

record! {
    #[derive(Default)]
    pub struct Levels = 0x0504, 1 {
        pub usual: Usual,
        /// One of each conversation.
        pub choices: List<Choice, MAX_LEVELS>,
    }
}

impl Levels {
    pub fn get(&self, room: &RoomId, channel: Option<&ChannelId>) -> Option<&Choice> {
        (self.choices.iter()).find(|choice| choice.room_id == *room && choice.channel.as_ref() == channel)
    }

    /// With one choice more, in the place of an earlier one.
    #[must_use]
    pub fn with(&self, choice: Choice) -> Self {
        let one = Self {
            usual: self.usual,
            choices: List::new(vec![choice]).unwrap_or_default(),
        };
        self.join(&one)
    }

    /// Of two states the later choice of each.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        let mut newest: BTreeMap<(RoomId, Option<ChannelId>), Choice> = BTreeMap::new();
        for choice in self.choices.iter().chain(other.choices.iter()) {
            let known = newest.entry((choice.room_id, choice.channel)).or_insert(*choice);
            // The bytes decide where clocks do not, so that all browsers end with the same.
            if (known.at, known.to_bytes()) < (choice.at, choice.to_bytes()) {
                *known = *choice;
            }
        }
        let mut choices: Vec<Choice> = newest.into_values().collect();
        choices.sort_by_key(|choice| std::cmp::Reverse(choice.at));
        choices.truncate(MAX_LEVELS);
        let later = (self.usual.at, self.usual.to_bytes()) < (other.usual.at, other.usual.to_bytes());
        Self {
            usual: if later { other.usual } else { self.usual },
            choices: List::new(choices).unwrap_or_default(),
        }
    }
}

record! {
    /// How far one conversation was read, or one thread in it.
    #[derive(Copy)]
    pub struct Mark {
        pub room_id: RoomId,
        pub channel: ChannelId,
        /// The message that the thread begins with. None: the conversation.
        pub thread: Option<Head>,
        /// Rises when the person marks something as unread again: only then a mark goes back.
        pub turn: u32,
        /// Up to this message.
        pub read: u64,
        /// When it was set, milliseconds since 1970; says only which ones are forgotten first.
        pub at: u64,
    }
}

record! {
    #[derive(Default)]
    pub struct Marks = 0x0507, 1 {
        /// One of each conversation and thread.
        pub marks: List<Mark, MAX_MARKS>,
    }
}

impl Mark {
    /// Whether this one stands against another of the same conversation or thread.
    pub fn is_beyond(&self, other: &Self) -> bool {
        (self.turn, self.read) > (other.turn, other.read)
    }
}

impl Marks {
    /// Those of a conversation and of the threads in it.
    pub fn of(&self, room: &RoomId, channel: &ChannelId) -> impl Iterator<Item = &Mark> {
        (self.marks.iter()).filter(move |mark| mark.room_id == *room && mark.channel == *channel)
    }

    /// Of two states what stands.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        self.with(other.marks.iter().copied())
    }

    /// With these besides: of each conversation and thread the mark that stands, of the same turn the one that was read further.
    #[must_use]
    pub fn with(&self, more: impl IntoIterator<Item = Mark>) -> Self {
        let mut newest: BTreeMap<(RoomId, ChannelId, Option<Head>), Mark> = BTreeMap::new();
        for mark in self.marks.iter().copied().chain(more) {
            let known = newest.entry((mark.room_id, mark.channel, mark.thread)).or_insert(mark);
            if (known.turn, known.read, known.at) < (mark.turn, mark.read, mark.at) {
                *known = mark;
            }
        }
        let mut marks: Vec<Mark> = newest.into_values().collect();
        marks.sort_by_key(|mark| (mark.thread.is_some(), std::cmp::Reverse(mark.at)));
        marks.truncate(MAX_MARKS);
        Self {
            marks: List::new(marks).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::api::limits::MAX_VAULT_ITEM_BYTES;

    const SEAL_OVERHEAD: usize = 72 + 5 * 16;

    fn room(n: u16) -> RoomId {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&n.to_be_bytes());
        RoomId::from_bytes(id)
    }

    fn mark(n: u16, turn: u32, read: u64, at: u64) -> Mark {
        Mark {
            room_id: room(n),
            channel: ChannelId::MAIN,
            thread: None,
            turn,
            read,
            at,
        }
    }

    fn in_thread(n: u16, read: u64, at: u64) -> Mark {
        Mark {
            thread: Some(Head::from_bytes(*room(n).as_bytes())),
            ..mark(1, 0, read, at)
        }
    }

    fn marks(marks: &[Mark]) -> Marks {
        Marks {
            marks: List::new(marks.to_vec()).unwrap(),
        }
    }

    fn choice(n: u16, level: Level, at: u64) -> Choice {
        Choice {
            room_id: room(n),
            channel: None,
            level: Some(level),
            until: 0,
            at,
        }
    }

    #[test]
    fn the_fullest_of_both_fits_an_item() {
        let all: Vec<Mark> = (0..MAX_MARKS as u16).map(|n| in_thread(n, 1, 1)).collect();
        assert!(marks(&all).to_bytes().len() + SEAL_OVERHEAD <= MAX_VAULT_ITEM_BYTES);
        let all = (0..MAX_LEVELS as u16).map(|n| Choice {
            channel: Some(ChannelId::MAIN),
            ..choice(n, Level::Nothing, 1)
        });
        let all = Levels {
            usual: Usual::default(),
            choices: List::new(all.collect()).unwrap(),
        };
        assert!(all.to_bytes().len() + SEAL_OVERHEAD <= MAX_VAULT_ITEM_BYTES);
    }

    #[test]
    fn marks_go_on_and_go_back_only_by_a_turn() {
        let (far, near) = (marks(&[mark(1, 0, 9, 5)]), marks(&[mark(1, 0, 4, 8)]));
        assert_eq!(far.join(&near), far);
        assert_eq!(near.join(&far), far);
        let back = marks(&[mark(1, 1, 4, 2)]);
        assert_eq!(far.join(&back), back);
        assert_eq!(back.join(&far).join(&near), back);
    }

    #[test]
    fn what_was_read_longest_ago_is_forgotten_first() {
        let old: Vec<Mark> = (0..MAX_MARKS as u16).map(|n| mark(n, 0, 1, u64::from(n) + 1)).collect();
        let both = marks(&old).join(&marks(&[mark(5000, 0, 7, 10_000)]));
        assert_eq!(both.marks.iter().count(), MAX_MARKS);
        let read = |n| both.of(&room(n), &ChannelId::MAIN).next().map(|mark| mark.read);
        assert_eq!((read(0), read(1), read(5000)), (None, Some(1), Some(7)));
    }

    #[test]
    fn a_thread_has_a_mark_of_its_own_that_gives_way_to_those_of_conversations() {
        let one = marks(&[mark(1, 0, 9, 5), in_thread(7, 4, 6)]);
        let two = marks(&[mark(1, 0, 3, 8), in_thread(7, 6, 2), in_thread(8, 1, 1)]);
        let both = one.join(&two);
        assert_eq!(both, two.join(&one));
        assert_eq!(both, marks(&[mark(1, 0, 9, 5), in_thread(7, 6, 2), in_thread(8, 1, 1)]));
        let others = (2..=MAX_MARKS as u16 - 1).map(|n| mark(n, 0, 1, 1));
        let full = both.with(others);
        let threads: Vec<u64> = full
            .marks
            .iter()
            .filter(|mark| mark.thread.is_some())
            .map(|mark| mark.read)
            .collect();
        assert_eq!(threads, [6], "the one read later is left");
    }

    #[test]
    fn the_later_choice_holds_whatever_comes_first() {
        let start = Levels::default();
        let (one, two) = (
            start.with(choice(1, Level::Nothing, 4)),
            start.with(choice(1, Level::Mentions, 6)),
        );
        assert_eq!(one.join(&two), two.join(&one));
        assert_eq!(one.join(&two).get(&room(1), None).unwrap().level, Some(Level::Mentions));
        let usual = Levels {
            usual: Usual {
                direct: false,
                at: 3,
                ..Usual::default()
            },
            ..Levels::default()
        };
        assert_eq!(two.join(&usual).usual, usual.usual);
        assert_eq!(usual.join(&two).usual, usual.usual);
        // At one moment: the same on both sides.
        let (left, right) = (
            start.with(choice(2, Level::Nothing, 4)),
            start.with(choice(2, Level::Mentions, 4)),
        );
        assert_eq!(left.join(&right), right.join(&left));
    }
}
