//! Whom an account talks with and whom it does not want to hear, and how it is called itself: two items of its vault, so that
//! both are the same in every browser of the account.
//!
//! Browsers change them apart from each other and join what they have: joining is the same in whatever order and however
//! often it is done.

use std::collections::BTreeMap;

use crate::codec::{Codec, List, Text};
use crate::id::UserId;
use crate::{choice, record};

/// People who are remembered; those that were decided on longest ago are forgotten first, but for those who are blocked.
pub const MAX_CONTACTS: usize = 1_400;
/// What somebody is called, in bytes.
pub const MAX_NAME_BYTES: usize = 64;
/// What somebody says of themself, in bytes. With the longest name it still fits a slot.
pub const MAX_STATUS_BYTES: usize = 128;

choice! {
    #[derive(Copy, PartialOrd, Ord)]
    pub enum ContactState {
        1 = Accepted,
        /// Nothing is decided any more: what they began is a request.
        2 = Undecided,
        /// This account wrote first, and has not heard from them.
        3 = Asked,
        4 = Declined,
        5 = Blocked,
        /// They are no contact any more; what was said between the two stays what it is, and no request.
        6 = Removed,
    }
}

record! {
    #[derive(Copy)]
    pub struct Contact {
        pub user_id: UserId,
        pub state: ContactState,
        /// When that was decided, milliseconds since 1970.
        pub since: u64,
    }
}

record! {
    #[derive(Default)]
    pub struct Contacts = 0x0506, 1 {
        /// One of each person.
        pub list: List<Contact, MAX_CONTACTS>,
    }
}

impl Contacts {
    pub fn get(&self, user: &UserId) -> Option<&Contact> {
        self.list.iter().find(|contact| contact.user_id == *user)
    }

    /// With one contact more, in the place of an earlier one.
    #[must_use]
    pub fn with(&self, contact: Contact) -> Self {
        self.join(&Self {
            list: List::new(vec![contact]).unwrap_or_default(),
        })
    }

    /// Of two states the later word on each.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        let mut newest: BTreeMap<UserId, Contact> = BTreeMap::new();
        for contact in self.list.iter().chain(other.list.iter()) {
            let known = newest.entry(contact.user_id).or_insert(*contact);
            // The state decides where clocks do not, so that all browsers end with the same.
            if (known.since, known.state) < (contact.since, contact.state) {
                *known = *contact;
            }
        }
        let mut list: Vec<Contact> = newest.into_values().collect();
        list.sort_by_key(|contact| {
            let kept = contact.state == ContactState::Blocked;
            (std::cmp::Reverse((kept, contact.since)), contact.user_id)
        });
        list.truncate(MAX_CONTACTS);
        Self {
            list: List::new(list).unwrap_or_default(),
        }
    }
}

record! {
    /// How this account is called where it writes.
    #[derive(Default)]
    pub struct OwnProfile = 0x0508, 1 {
        pub name: Text<MAX_NAME_BYTES>,
        pub status: Text<MAX_STATUS_BYTES>,
        /// When it was chosen, milliseconds since 1970; 0: never.
        pub at: u64,
    }
}

impl OwnProfile {
    /// Of two states the later one.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        later(self, other, |own| own.at)
    }
}

/// Of two states of something the later one; their bytes decide where clocks do not, so that all browsers end with the same.
pub(crate) fn later<T: Codec + Clone>(one: &T, other: &T, at: impl Fn(&T) -> u64) -> T {
    if (at(one), one.to_bytes()) < (at(other), other.to_bytes()) {
        other.clone()
    } else {
        one.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(user: u16, state: ContactState, since: u64) -> Contact {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&user.to_be_bytes());
        Contact {
            user_id: UserId::from_bytes(id),
            state,
            since,
        }
    }

    fn list(contacts: &[Contact]) -> Contacts {
        let list = List::new(contacts.to_vec()).unwrap_or_default();
        Contacts { list }.join(&Contacts::default())
    }

    #[test]
    fn joining_is_the_same_in_any_order_and_takes_the_later_word() {
        let a = list(&[
            contact(1, ContactState::Accepted, 5),
            contact(2, ContactState::Blocked, 7),
        ]);
        let b = list(&[
            contact(1, ContactState::Declined, 6),
            contact(2, ContactState::Accepted, 7),
            contact(3, ContactState::Asked, 1),
        ]);
        let both = a.join(&b);
        assert_eq!(both, b.join(&a));
        assert_eq!(both, both.join(&a).join(&b));
        let states = |user| {
            both.get(&contact(user, ContactState::Asked, 0).user_id)
                .map(|one| one.state)
        };
        assert_eq!(states(1), Some(ContactState::Declined));
        assert_eq!(states(2), Some(ContactState::Blocked));
        assert_eq!(states(3), Some(ContactState::Asked));
        assert_eq!(states(4), None);
    }

    #[test]
    fn with_too_many_the_oldest_are_forgotten_and_nobody_who_is_blocked() {
        let blocked = contact(9_999, ContactState::Blocked, 0);
        let mut all = list(&[blocked]);
        for user in 0..MAX_CONTACTS as u16 + 5 {
            all = all.with(contact(user, ContactState::Accepted, u64::from(user) + 1));
        }
        assert_eq!(all.list.len(), MAX_CONTACTS);
        assert_eq!(all.get(&blocked.user_id), Some(&blocked));
        assert_eq!(all.get(&contact(0, ContactState::Accepted, 0).user_id), None);
        assert!(all.get(&contact(1_404, ContactState::Accepted, 0).user_id).is_some());
    }

    #[test]
    fn the_later_profile_holds() {
        let made = |name: &str, at| OwnProfile {
            name: Text::new(name).unwrap_or_default(),
            status: Text::default(),
            at,
        };
        let (a, b) = (made("Ada", 3), made("Ada L.", 4));
        assert_eq!((a.join(&b), b.join(&a)), (b.clone(), b.clone()));
        assert_eq!(made("x", 4).join(&b), b.join(&made("x", 4)));
    }
}
