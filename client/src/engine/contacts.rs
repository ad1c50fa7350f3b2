//! Whom this person talks with, who asks to, and whom they do not want to hear.
//!
//! ```text
//!  a direct message that somebody else began ─▶ a request ─┬─ accept, or write back ─▶ contact
//!                                                          ├─ decline ─▶ not shown
//!                                                          └─ block ──▶ not shown, whatever comes
//! ```
//!
//! That something is a request follows from the room's log and from what was decided; nothing is written down for it. So a
//! flood of them costs the vault nothing.

use std::collections::BTreeMap;

use sotto_shared::codec::{Codec, List};
use sotto_shared::contacts::{Contact, ContactState, Contacts};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{RoomId, UserId};

use super::books::Book;
use super::rooms::Room;
use super::{Ctx, Engine, Out};
use crate::view::{self, Chat, ContactAct, Outcome, Problem};

/// What was decided, by person.
pub(crate) type Decided = BTreeMap<UserId, Contact>;

impl<S: Suite> Engine<S> {
    fn decided(&self, user: &UserId) -> Option<ContactState> {
        self.contacts.get(user).map(|contact| contact.state)
    }

    pub(super) fn contact(&self, user: &UserId) -> view::Contact {
        match self.decided(user) {
            None | Some(ContactState::Undecided) => view::Contact::None,
            Some(ContactState::Accepted) => view::Contact::Accepted,
            Some(ContactState::Asked) => view::Contact::Asked,
            Some(ContactState::Declined) => view::Contact::Declined,
            Some(ContactState::Blocked) => view::Contact::Blocked,
        }
    }

    /// Somebody else began this direct message, and nothing was decided yet: they learn nothing of who reads it.
    pub(super) fn is_request(&self, room: &Room) -> bool {
        let Some(peer) = self.my_id().and_then(|me| room.peer(&me)) else {
            return false;
        };
        let undecided = matches!(self.decided(&peer), None | Some(ContactState::Undecided));
        undecided && room.state.creator == peer
    }

    /// It is not shown, and not heard of.
    pub(super) fn is_hidden(&self, room: &Room) -> bool {
        let peer = self.my_id().and_then(|me| room.peer(&me));
        let state = peer.and_then(|peer| self.decided(&peer));
        matches!(state, Some(ContactState::Declined | ContactState::Blocked))
    }

    fn direct_with(&self, user: &UserId) -> Option<RoomId> {
        let me = self.my_id()?;
        let mut rooms = self.rooms.iter();
        rooms.find(|(_, room)| room.peer(&me) == Some(*user)).map(|(id, _)| *id)
    }

    fn decide(&mut self, user: UserId, state: ContactState, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let known = self.contacts.get(&user);
        if known.is_some_and(|known| known.state == state) {
            return;
        }
        let since = ctx.now_ms.max(known.map_or(0, |known| known.since.saturating_add(1)));
        let contact = Contact {
            user_id: user,
            state,
            since,
        };
        let all = Contacts {
            list: List::new(self.contacts.values().copied().collect()).unwrap_or_default(),
        };
        let all = all.with(contact);
        self.contacts = by_person(&all);
        self.put_book(Book::Contacts, &all.to_bytes(), ctx, out);
        self.show_contact(&user, out);
    }

    fn show_contact(&self, user: &UserId, out: &mut Out<S::DeviceKey>) {
        self.show_person(user, out);
        if let Some(room) = self.direct_with(user) {
            self.show_room_row(room.into(), out);
        }
    }

    pub(super) fn set_contact(
        &mut self,
        user: UserId,
        act: ContactAct,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        if user == self.me()?.user_id {
            return Err(Problem::ThatIsYou);
        }
        let state = match act {
            ContactAct::Accept => ContactState::Accepted,
            ContactAct::Decline => ContactState::Declined,
            ContactAct::Block => ContactState::Blocked,
            ContactAct::Forget => ContactState::Undecided,
        };
        self.decide(user, state, ctx, out);
        Ok(Some(Outcome::Done))
    }

    /// Who writes to somebody talks with them.
    pub(super) fn wrote_in(&mut self, id: RoomId, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let peer = (self.my_id().zip(self.rooms.get(&id))).and_then(|(me, room)| room.peer(&me));
        if let Some(peer) = peer
            && !matches!(self.decided(&peer), Some(ContactState::Accepted | ContactState::Asked))
        {
            self.decide(peer, ContactState::Accepted, ctx, out);
        }
    }

    /// A direct message was begun here.
    pub(super) fn began_direct(&mut self, id: RoomId, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let peer = (self.my_id().zip(self.rooms.get(&id))).and_then(|(me, room)| room.peer(&me));
        if let Some(peer) = peer.filter(|peer| self.decided(peer) != Some(ContactState::Accepted)) {
            self.decide(peer, ContactState::Asked, ctx, out);
        }
    }

    /// Somebody wants to write to `user`, whose direct message is here: it shows again if it was declined.
    pub(super) fn opens_direct(
        &mut self,
        user: UserId,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        match self.decided(&user) {
            Some(ContactState::Blocked) => {
                let handle = self.people.handle(&user).unwrap_or_default().to_owned();
                Err(Problem::BlockedByYou(handle))
            }
            Some(ContactState::Declined) => {
                self.decide(user, ContactState::Accepted, ctx, out);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whoever was asked and has written since has accepted. Looked at after every step.
    pub(super) fn contacts_answered(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let Some(me) = self.my_id() else { return };
        let mut asked = self
            .contacts
            .values()
            .filter(|contact| contact.state == ContactState::Asked)
            .peekable();
        if asked.peek().is_none() {
            return;
        }
        let wrote = |user: &UserId| {
            let chat = self.direct_with(user).map(Chat::from)?;
            let messages = &self.channels.get(&chat)?.messages;
            let mut authors = messages.values().filter_map(|message| message.body.by());
            authors.any(|by| by.author != me).then_some(*user)
        };
        let answered: Vec<UserId> = asked.filter_map(|contact| wrote(&contact.user_id)).collect();
        for user in answered {
            self.decide(user, ContactState::Accepted, ctx, out);
        }
    }

    /// The vault was read: what it says of people holds here, too.
    pub(super) fn contacts_came(&mut self, out: &mut Out<S::DeviceKey>) {
        let held = self.me.as_ref().and_then(|me| me.vault.books.get(&Book::Contacts));
        let all = held
            .and_then(|held| Contacts::from_bytes(&held.plain).ok())
            .unwrap_or_default();
        let before = std::mem::replace(&mut self.contacts, by_person(&all));
        let mut changed: Vec<UserId> = before.keys().chain(self.contacts.keys()).copied().collect();
        changed.sort_unstable();
        changed.dedup();
        changed.retain(|user| before.get(user).map(|one| one.state) != self.decided(user));
        for user in changed {
            self.show_contact(&user, out);
        }
    }
}

fn by_person(all: &Contacts) -> Decided {
    all.list.iter().map(|contact| (contact.user_id, *contact)).collect()
}
