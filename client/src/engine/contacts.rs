//! Whom this person talks with, who asks to, and whom they do not want to hear.
//!
//! ```text
//!  a direct message that somebody else began ─▶ a request ─┬─ accept, or write back ─▶ contact
//!                                                          ├─ decline ─▶ not shown
//!                                                          └─ block ──▶ not shown, whatever comes; calls nobody elsewhere
//! ```
//!
//! That something is a request follows from the room's log and from what was decided; nothing is written down for it. So a
//! flood of them costs the vault nothing. One in which no words stand, none yet or none any more, is not shown.

use std::collections::{BTreeMap, BTreeSet};

use sotto_shared::codec::{Codec, List};
use sotto_shared::contacts::{Contact, ContactState, Contacts};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{MessageId, RoomId, UserId};

use super::books::Book;
use super::chats::Place;
use super::record::{self, Act, Key, StoredBody};
use super::rooms::Room;
use super::{Ctx, Effect, Engine, Out};
use crate::view::{self, Chat, ContactAct, Outcome, Problem};

/// What was decided, by person.
pub(crate) type Decided = BTreeMap<UserId, Contact>;

fn is_blocked(decided: &Decided, user: &UserId) -> bool {
    let contact = decided.get(user);
    contact.is_some_and(|contact| contact.state == ContactState::Blocked)
}

impl Place<'_> {
    /// Whether what this person says here calls for nothing. They are not to find out: that it came, and was read, is counted
    /// as ever.
    pub fn is_unheard(&self, user: &UserId) -> bool {
        is_blocked(self.decided, user)
    }
}

impl<S: Suite> Engine<S> {
    pub(super) fn is_blocked(&self, user: &UserId) -> bool {
        is_blocked(&self.contacts, user)
    }

    fn decided(&self, user: &UserId) -> Option<ContactState> {
        self.contacts.get(user).map(|contact| contact.state)
    }

    pub(super) fn contact(&self, user: &UserId) -> view::Contact {
        match self.decided(user) {
            None | Some(ContactState::Undecided | ContactState::Removed) => view::Contact::None,
            Some(ContactState::Accepted) => view::Contact::Accepted,
            Some(ContactState::Asked) => view::Contact::Asked,
            Some(ContactState::Declined) => view::Contact::Declined,
            Some(ContactState::Blocked) => view::Contact::Blocked,
        }
    }

    /// Somebody else began this direct message, and nothing was decided yet.
    pub(super) fn is_request(&self, room: &Room) -> bool {
        let Some(peer) = self.my_id().and_then(|me| room.peer(&me)) else {
            return false;
        };
        let undecided = matches!(self.decided(&peer), None | Some(ContactState::Undecided));
        undecided && room.state.creator == peer
    }

    /// It is not shown, and not heard of.
    pub(super) fn is_hidden(&self, room: &Room) -> bool {
        let Some(peer) = self.my_id().and_then(|me| room.peer(&me)) else {
            return false;
        };
        match self.decided(&peer) {
            Some(ContactState::Declined | ContactState::Blocked) => true,
            Some(ContactState::Undecided) => !self.stands_in(room.state.room_id),
            None => room.state.creator == peer && !self.stands_in(room.state.room_id),
            Some(ContactState::Accepted | ContactState::Asked | ContactState::Removed) => false,
        }
    }

    /// Whoever began it, was declined or is blocked is not to find out that somebody is here: nothing goes out into this direct
    /// message by itself, no receipt, word in passing, name, picture, key or request for one. Of other rooms it is never true.
    pub(super) fn is_kept_quiet(&self, room: &Room) -> bool {
        self.is_request(room) || self.is_hidden(room)
    }

    /// Whether words stand in a direct message, or are on their way.
    fn stands_in(&self, id: RoomId) -> bool {
        let Some(room) = self.place(id.into()) else {
            return false;
        };
        room.channel.outbox.has_words() || !self.is_taken_back(room)
    }

    /// Nothing stands, or all of it is about to go.
    fn is_taken_back(&self, room: Place<'_>) -> bool {
        let channel = &room.channel;
        let Some(newest) = &channel.preview else { return true };
        if !channel.messages.contains_key(&newest.seq) {
            // Kept, and not in memory after a reload: what waits says enough.
            return Some(newest.author) == self.my_id() && channel.outbox.has_deletions();
        }
        let goes = |seq: u64| (channel.messages.get(&seq)).is_some_and(|message| channel.outbox.deletes(&message.hash));
        if !goes(newest.seq) {
            return false;
        }
        let stands = |seq: &u64| {
            channel
                .messages
                .get(seq)
                .is_some_and(|one| room.words(one, self.now_ms).is_some())
        };
        channel.messages.keys().all(|seq| goes(*seq) || !stands(seq))
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
        self.contact_changed(&user, out);
    }

    /// Something else holds of a person now. A key that nobody was asked for until then is asked for.
    fn contact_changed(&mut self, user: &UserId, out: &mut Out<S::DeviceKey>) {
        self.show_contact(user, out);
        if let Some(id) = self.direct_with(user)
            && self.rooms.get(&id).is_some_and(|room| !self.is_kept_quiet(room))
        {
            self.wraps_announced(id, out);
        }
    }

    fn show_contact(&self, user: &UserId, out: &mut Out<S::DeviceKey>) {
        self.show_person(user, out);
        if let Some(room) = self.direct_with(user) {
            self.show_room_row(room.into(), out);
        }
    }

    pub(super) fn set_contact(
        &mut self,
        command: u32,
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
            ContactAct::Forget if self.decided(&user) == Some(ContactState::Accepted) => ContactState::Removed,
            ContactAct::Forget => ContactState::Undecided,
            ContactAct::Cancel => return self.cancel_request(command, user),
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
            let begins = self.rooms.get(&id).is_some_and(|room| room.state.creator != peer);
            let state = if begins && !self.has_written(&peer) {
                ContactState::Asked
            } else {
                ContactState::Accepted
            };
            self.decide(peer, state, ctx, out);
        }
    }

    /// Takes back what was written to somebody who has not answered.
    fn cancel_request(&mut self, command: u32, user: UserId) -> Result<Option<Outcome>, Problem> {
        let id = self.direct_with(&user).ok_or(Problem::RoomClosed)?;
        self.is_unanswered(&user)?;
        self.may_write(id.into())?;
        self.cancel(command, id.into())
    }

    fn is_unanswered(&self, user: &UserId) -> Result<(), Problem> {
        if self.decided(user) == Some(ContactState::Asked) {
            return Ok(());
        }
        let handle = self.people.handle(user).unwrap_or_default().to_owned();
        Err(Problem::Answered(handle))
    }

    /// All one wrote there is here now.
    pub(super) fn begin_cancel(&mut self, id: Chat) -> Result<(), Problem> {
        let me = self.my_id().ok_or(Problem::SignedOut)?;
        let peer = self.rooms.get(&id.room).and_then(|room| room.peer(&me));
        self.is_unanswered(&peer.ok_or(Problem::RoomClosed)?)?;
        self.cancelling.insert(id);
        Ok(())
    }

    /// What was not sent never is; what was sent is deleted like any message; and what may have been sent is deleted as soon as
    /// it is heard back, however late. Looked at after every step. What is written from then on is nothing of it.
    pub(super) async fn cancel_requests(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let Some(me) = self.my_id() else { return };
        for id in std::mem::take(&mut self.cancelling) {
            let Some(peer) = self.rooms.get(&id.room).and_then(|room| room.peer(&me)) else {
                continue;
            };
            let unsent = self.place(id).map(|room| room.channel.outbox.unsent_words());
            self.drop_unsent(id, unsent.unwrap_or_default(), out);
            let waiting = self.place_mut(id).map(|room| room.channel.outbox.take_back());
            let kept = waiting.unwrap_or_default().into_iter();
            let kept = kept.map(|item| record::save(Key::Outgoing(id, item.msg_id), &item));
            out.push(Effect::Save(kept.collect()));
            self.delete_mine(id, me, |_| true, ctx, out).await;
            self.decide(peer, ContactState::Undecided, ctx, out);
            self.show_contact(&peer, out);
        }
        let waiting = self
            .channels
            .values()
            .filter(|channel| !channel.outbox.taken_back.is_empty());
        for id in waiting.map(|channel| channel.id).collect::<Vec<_>>() {
            let refused = self.place(id).map(|room| room.channel.outbox.taken_back_and_failed());
            self.drop_unsent(id, refused.unwrap_or_default(), out);
            let Some(room) = self.place_mut(id) else { continue };
            let all = room.channel.outbox.taken_back.clone();
            let here = |message: &MessageId| !room.channel.outbox.waits_for(message);
            let (here, waiting): (BTreeSet<MessageId>, BTreeSet<MessageId>) = all.into_iter().partition(here);
            room.channel.outbox.taken_back = waiting;
            if !here.is_empty() {
                self.delete_mine(id, me, |message| here.contains(message), ctx, out)
                    .await;
            }
        }
    }

    fn drop_unsent(&mut self, id: Chat, messages: Vec<MessageId>, out: &mut Out<S::DeviceKey>) {
        for message in messages {
            if let Some(room) = self.place_mut(id) {
                room.channel.outbox.arrived(&message);
            }
            out.push(Effect::Save(vec![record::remove(Key::Outgoing(id, message))]));
            self.hide_outgoing(id, &message, out);
        }
    }

    async fn delete_mine(
        &mut self,
        id: Chat,
        me: UserId,
        which: impl Fn(&MessageId) -> bool,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(room) = self.place(id) else { return };
        let mine = room.channel.messages.values().filter(|message| {
            let is_mine = which(&message.msg_id) && message.body.by().is_some_and(|by| by.author == me);
            is_mine && room.words(message, self.now_ms).is_some() && !room.channel.outbox.deletes(&message.hash)
        });
        let acts: Vec<Act> = mine
            .map(|message| Act::Delete {
                target: message.hash,
                edits: room.edits_of(&message.hash, me),
            })
            .collect();
        for act in acts {
            if let Err(problem) = self.queue(id, String::new(), Some(act), ctx, out).await {
                self.notice(problem, out);
                return;
            }
        }
    }

    /// Whether something of theirs has come that was not taken back.
    fn has_written(&self, user: &UserId) -> bool {
        let chat = self.direct_with(user).map(Chat::from);
        let Some(channel) = chat.and_then(|chat| self.channels.get(&chat)) else {
            return false;
        };
        let said = |body: &StoredBody| match body {
            StoredBody::Text { .. } | StoredBody::Poll { .. } => true,
            StoredBody::Act { act, .. } => !matches!(act, Act::Delete { .. } | Act::Past { .. }),
            _ => false,
        };
        let mut bodies = channel.messages.values().map(|message| &message.body);
        bodies.any(|body| said(body) && body.by().is_some_and(|by| by.author == *user))
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
            _ => {
                let id = self.direct_with(&user).filter(|id| {
                    let room = self.rooms.get(id);
                    room.is_some_and(|room| self.is_hidden(room))
                });
                if let Some(id) = id {
                    self.began_direct(id, ctx, out);
                }
                Ok(())
            }
        }
    }

    /// Whoever was asked and has written since has accepted. Looked at after every step.
    pub(super) fn contacts_answered(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let mut asked = self
            .contacts
            .values()
            .filter(|contact| contact.state == ContactState::Asked)
            .peekable();
        if asked.peek().is_none() {
            return;
        }
        let answered = asked
            .map(|contact| contact.user_id)
            .filter(|user| self.has_written(user));
        let answered: Vec<UserId> = answered.collect();
        for user in answered {
            self.decide(user, ContactState::Accepted, ctx, out);
        }
    }

    /// The vault was read: what it says of people holds here, too.
    pub(super) fn contacts_came(&mut self, out: &mut Out<S::DeviceKey>) {
        let held = self.me.as_ref().and_then(|me| me.vault.books.get(&Book::Contacts));
        let read = held.map(|held| Contacts::from_bytes(&held.plain));
        // What cannot be read is no reason to forget whom one has blocked.
        let Ok(all) = read.unwrap_or_else(|| Ok(Contacts::default())) else {
            return;
        };
        let before = std::mem::replace(&mut self.contacts, by_person(&all));
        let mut changed: Vec<UserId> = before.keys().chain(self.contacts.keys()).copied().collect();
        changed.sort_unstable();
        changed.dedup();
        changed.retain(|user| before.get(user).map(|one| one.state) != self.decided(user));
        for user in changed {
            self.contact_changed(&user, out);
        }
    }
}

fn by_person(all: &Contacts) -> Decided {
    all.list.iter().map(|contact| (contact.user_id, *contact)).collect()
}
