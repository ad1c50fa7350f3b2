//! What people put under a message, counted as it comes: one reaction more costs the same however many there are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sotto_shared::id::{Head, UserId};

use super::chats::{Place, PlaceMut};
use super::record::{Act, MessageRecord, StoredBody};
use crate::view::Reaction;

/// Different reactions that a message shows; whoever wants to put more says nothing new.
pub(super) const MAX_REACTIONS: usize = 20;
/// Of so many who put a reaction the row says the name; `Command::ShowReactions` gives all.
const NAMED: usize = 4;

/// What was counted under one message.
#[derive(Default)]
pub(crate) struct Marks {
    /// By emoji.
    kinds: HashMap<String, Kind>,
    /// The emojis that stand, by the number of the message that first brought them up.
    standing: BTreeMap<u64, String>,
}

#[derive(Default)]
struct Kind {
    /// Number of the message that first brought it up.
    first: u64,
    /// By person: number of their newest word about it, and what it says.
    words: HashMap<UserId, (u64, bool)>,
    /// Whose word is that it stands.
    users: BTreeSet<UserId>,
}

impl Marks {
    /// Somebody's word under number `seq`; their last one holds.
    fn put(&mut self, user: UserId, seq: u64, emoji: &str, on: bool) {
        let kind = self.kinds.entry(emoji.to_owned()).or_insert_with(|| Kind {
            first: seq,
            ..Kind::default()
        });
        self.standing.remove(&kind.first);
        kind.first = kind.first.min(seq);
        let word = kind.words.entry(user).or_default();
        if word.0 <= seq {
            *word = (seq, on);
            if on {
                kind.users.insert(user);
            } else {
                kind.users.remove(&user);
            }
        }
        if !kind.users.is_empty() {
            self.standing.insert(kind.first, emoji.to_owned());
        }
    }

    /// Whether message `seq` of this person stands in here.
    fn rests_on(&self, user: &UserId, seq: u64, emoji: &str) -> bool {
        let kind = self.kinds.get(emoji);
        kind.is_some_and(|kind| kind.first == seq || kind.words.get(user).is_some_and(|(at, _)| *at == seq))
    }
}

impl PlaceMut<'_> {
    /// Counts what these messages change: texts that came into memory, and reactions.
    pub(super) fn count_reactions(&mut self, seqs: &BTreeSet<u64>) {
        let mut anew = BTreeSet::new();
        for seq in seqs {
            let Some(message) = self.channel.messages.get(seq) else {
                continue;
            };
            match &message.body {
                StoredBody::Text { .. } | StoredBody::Poll { .. } => {
                    let hash = message.hash;
                    if !self.channel.marks.contains_key(&hash) && self.channel.has_reactions(&hash) {
                        anew.insert(hash);
                    }
                }
                StoredBody::Erased { .. } => drop(self.channel.marks.remove(&message.hash)),
                StoredBody::Act {
                    by,
                    act: Act::React { target, emoji, on },
                } => {
                    let is_heard = self.view().counts_under(target, message);
                    let Some(marks) = self.channel.marks.get(target) else {
                        continue;
                    };
                    if is_heard {
                        let (target, user, emoji, on) = (*target, by.author, emoji.clone(), *on);
                        if let Some(marks) = self.channel.marks.get_mut(&target) {
                            marks.put(user, *seq, &emoji, on);
                        }
                    } else if marks.rests_on(&by.author, *seq, emoji) {
                        // It was counted, and is known now to be a message that came again.
                        anew.insert(*target);
                    }
                }
                // It had its time.
                StoredBody::Act {
                    act: Act::Past { target },
                    ..
                } if self.channel.marks.contains_key(target) => drop(anew.insert(*target)),
                _ => {}
            }
        }
        for hash in anew {
            let marks = self.view().count_marks(&hash);
            self.channel.marks.insert(hash, marks);
        }
    }
}

impl Place<'_> {
    /// Counts what stands under a message from the beginning.
    fn count_marks(&self, hash: &Head) -> Marks {
        let mut marks = Marks::default();
        for seq in self.channel.reactions_to(hash) {
            let Some(message) = self.channel.messages.get(&seq) else {
                continue;
            };
            if let StoredBody::Act {
                by,
                act: Act::React { emoji, on, .. },
            } = &message.body
                && self.counts_under(hash, message)
            {
                marks.put(by.author, seq, emoji, *on);
            }
        }
        marks
    }

    /// Whether a reaction is one to a message before it, and for the first time.
    fn counts_under(&self, target: &Head, reaction: &MessageRecord) -> bool {
        #[cfg(feature = "testing")]
        super::measure::look_at_a_reaction();
        let said_at = self.channel.place_of(target);
        said_at.is_some_and(|said_at| said_at < reaction.seq) && !self.channel.is_again(reaction)
    }

    /// Reactions of a message with those of ours that are on their way, in the order they first came up.
    pub(super) fn reactions(&self, message: &MessageRecord, me: UserId) -> Vec<Reaction> {
        // What we want last of each.
        let mut wanted: Vec<(&str, bool)> = Vec::new();
        for (_, act) in self.waiting_on(&message.hash) {
            if let Act::React { emoji, on, .. } = act {
                match wanted.iter_mut().find(|(other, _)| other == emoji) {
                    Some((_, now)) => *now = *on,
                    None => wanted.push((emoji, *on)),
                }
            }
        }
        let none = Marks::default();
        let marks = self.channel.marks.get(&message.hash).unwrap_or(&none);
        let standing = marks.standing.iter().map(|(first, emoji)| (*first, emoji.as_str()));
        let mut kinds: Vec<(u64, &str)> = standing.take(MAX_REACTIONS + wanted.len()).collect();
        for (emoji, _) in &wanted {
            if !kinds.iter().any(|(_, other)| other == emoji) {
                let first = marks.kinds.get(*emoji).map_or(u64::MAX, |kind| kind.first);
                kinds.push((first, emoji));
            }
        }
        kinds.sort_by_key(|(first, _)| *first);
        let nobody = BTreeSet::new();
        let shown = kinds.into_iter().filter_map(|(_, emoji)| {
            let users = marks.kinds.get(emoji).map_or(&nobody, |kind| &kind.users);
            let was = users.contains(&me);
            let now = wanted.iter().find(|(other, _)| *other == emoji);
            let mine = now.map_or(was, |(_, on)| *on);
            let count = (users.len() as u32 + u32::from(mine)).saturating_sub(u32::from(was));
            let mut who: Vec<UserId> = users.iter().copied().filter(|user| *user != me).take(NAMED).collect();
            who.extend(mine.then_some(me));
            who.sort_unstable();
            who.truncate(NAMED);
            (count > 0).then(|| Reaction {
                emoji: emoji.to_owned(),
                count,
                mine,
                who,
            })
        });
        shown.take(MAX_REACTIONS).collect()
    }
}
