//! What people are called and which picture they have: a sealed slot in each room they are in for either, and an item of their
//! own vault.
//!
//! ```text
//!  SetProfile ─▶ vault ─▶ slot of every room that has heard one, and of each that is opened ─▶ everybody in it ─▶ take
//! ```
//!
//! A name proves nothing and may be anybody's: the handle stands beside it wherever somebody decides about a person.

use serde::{Deserialize, Serialize};
use sotto_shared::codec::{Codec, Text};
use sotto_shared::contacts::{MAX_NAME_BYTES, MAX_STATUS_BYTES, OwnProfile};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::envelope::content::{Content, MessageBody, PICTURE, PROFILE};
use sotto_shared::id::UserId;

use super::books::Book;
use super::chats::Place;
use super::intents::tidy_name;
use super::pictures::Told;
use super::{Ctx, Effect, Engine, Out};
use crate::view::{Chat, Outcome, Problem, Standing};

/// Before one that was not heard back is sent again.
const RESEND_MS: u64 = 30_000;
/// In one step; the rest after a moment, so that the relay's rate is kept.
const AT_ONCE: usize = 8;
const NEXT_MS: u64 = 5_000;

/// What a person tells of themself, each in a slot of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    Profile,
    Picture,
}

/// How one of them stands in a conversation.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Telling {
    /// The number of the newest that the others were told.
    pub told: u64,
    /// When it was last sent, or chosen, should that have been later.
    pub sent_ms: u64,
}

impl Own {
    const ALL: [Self; 2] = [Self::Profile, Self::Picture];

    const fn of(body: &MessageBody) -> Option<Self> {
        match body {
            MessageBody::Profile { .. } => Some(Self::Profile),
            MessageBody::Picture { .. } => Some(Self::Picture),
            _ => None,
        }
    }

    const fn slot(self) -> &'static str {
        match self {
            Self::Profile => PROFILE,
            Self::Picture => PICTURE,
        }
    }
}

/// What somebody is called, by their newest word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The number of that word: older ones are not heard.
    pub ctr: u64,
    pub name: String,
    pub status: String,
}

impl<S: Suite> Engine<S> {
    /// What a person is called, and what they say of themself; each may be empty.
    pub(super) fn profile(&self, user: &UserId) -> (String, String) {
        if self.my_id() == Some(*user) {
            let own = &self.own_profile;
            return (own.name.as_str().to_owned(), own.status.as_str().to_owned());
        }
        let said = self.people.profile(user);
        said.map(|said| (said.name.clone(), said.status.clone()))
            .unwrap_or_default()
    }

    pub(super) fn set_profile(
        &mut self,
        name: &str,
        status: &str,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let me = self.me()?.user_id;
        let (name, status) = (tidy_name(name), tidy_name(status));
        let too_long = |max: usize| move |_| Problem::TooLong { max: max as u32 };
        self.own_profile = OwnProfile {
            name: Text::new(name).map_err(too_long(MAX_NAME_BYTES))?,
            status: Text::new(status).map_err(too_long(MAX_STATUS_BYTES))?,
            at: ctx.now_ms.max(self.own_profile.at.saturating_add(1)),
        };
        let plain = self.own_profile.to_bytes();
        self.put_book(Book::Profile, &plain, ctx, out);
        self.show_person(&me, out);
        // Rooms that know the one before hear of it now, others when they are opened.
        self.profile_spreads = true;
        Ok(Some(Outcome::Done))
    }

    /// The vault was read: what it says of this account holds here, too.
    pub(super) fn profile_came(&mut self, out: &mut Out<S::DeviceKey>) {
        let Some(me) = &self.me else { return };
        let held = me.vault.books.get(&Book::Profile);
        let own = held
            .and_then(|held| OwnProfile::from_bytes(&held.plain).ok())
            .unwrap_or_default();
        let user = me.user_id;
        if self.own_profile != own {
            self.own_profile = own;
            self.show_person(&user, out);
        }
    }

    /// Whether this conversation is to hear what this person is called, or of their picture.
    fn wants(&self, own: Own, room: Place<'_>, now_ms: u64) -> bool {
        let channel = room.channel;
        let (at, spreads, telling) = match own {
            Own::Profile => (self.own_profile.at, self.profile_spreads, channel.profile),
            Own::Picture => (self.own_picture.at, self.picture_spreads, channel.picture),
        };
        let here = self.shown == Some(channel.id) && self.visible;
        let spreads = spreads && telling.told > 0;
        // That there is none is news only where there was one.
        let is_word = own == Own::Profile || telling.told > 0 || self.own_picture.picture.is_some();
        at > telling.told
            && is_word
            && (here || spreads)
            && (at > telling.sent_ms || now_ms >= telling.sent_ms.saturating_add(RESEND_MS))
            && channel.pages.is_caught_up(channel.at.seq)
            && !room.sync.log_is_behind()
            && (!here || !channel.pages.slots_pending && channel.pages.slots_asked > 0)
            && !self.is_kept_quiet(&room)
            && self.standing(room) == Standing::Open
            && !self.key_is_due(room)
    }

    /// Tells rooms what this person is called, and of their picture, when that is news there. Looked at after every step.
    pub(super) async fn profiles(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        if !self.online || self.own_profile.at.max(self.own_picture.at) == 0 || self.me.is_none() {
            return;
        }
        let wants = |(own, id): &(Own, Chat)| self.place(*id).is_some_and(|room| self.wants(*own, room, ctx.now_ms));
        let both = self.channels.keys().flat_map(|id| Own::ALL.map(|own| (own, *id)));
        let due: Vec<(Own, Chat)> = both.filter(wants).collect();
        if due.len() > AT_ONCE {
            out.push(Effect::Wake { after_ms: NEXT_MS });
        }
        for (own, id) in due.into_iter().take(AT_ONCE) {
            let (body, at) = match own {
                Own::Profile => (
                    MessageBody::Profile {
                        name: self.own_profile.name.clone(),
                        status: self.own_profile.status.clone(),
                    },
                    self.own_profile.at,
                ),
                Own::Picture => (
                    MessageBody::Picture {
                        picture: self.own_picture.picture.clone(),
                    },
                    self.own_picture.at,
                ),
            };
            // Not before what another browser's clock said when it was chosen.
            let told = self.channels.get(&id).map_or(0, |channel| channel.telling(own).told);
            let known = told.max(at.saturating_sub(1));
            if let Err(problem) = self.send_slot(id, own.slot(), body, known, ctx, out).await {
                self.notice(problem, out);
            } else if let Some(channel) = self.channels.get_mut(&id) {
                // It counts as told when it is heard back.
                channel.telling_mut(own).sent_ms = ctx.now_ms.max(at);
            }
        }
    }

    /// Whether it is the newest word of its author on what they are called, or on their picture.
    pub(super) fn is_newer_profile(&self, room: Place<'_>, content: &Content) -> bool {
        let Some(own) = Own::of(&content.body) else {
            return false;
        };
        let user = &content.user_id;
        let known = if self.my_id() == Some(*user) {
            room.channel.telling(own).told
        } else {
            match own {
                Own::Profile => self.people.profile(user).map_or(0, |known| known.ctr),
                Own::Picture => self.people.picture(user).map_or(0, |known| known.ctr),
            }
        };
        content.ctr > known
    }

    pub(super) fn take_profile(&mut self, id: Chat, content: &Content, out: &mut Out<S::DeviceKey>) {
        let Some(own) = Own::of(&content.body) else { return };
        let user = content.user_id;
        if self.my_id() == Some(user) {
            // What it says lies in the vault; the room has it.
            if let Some(channel) = self.channels.get_mut(&id) {
                channel.telling_mut(own).told = content.ctr;
                out.push(Effect::Save(vec![channel.to_record()]));
            }
            return;
        }
        let ctr = content.ctr;
        let is_known = match &content.body {
            MessageBody::Profile { name, status } => {
                let said = Profile {
                    ctr,
                    name: tidy_name(name.as_str()),
                    status: tidy_name(status.as_str()),
                };
                self.people.take_profile(&user, said)
            }
            MessageBody::Picture { picture } => self.people.take_picture(&user, Told::new(ctr, picture.as_ref())),
            _ => false,
        };
        if !is_known {
            return;
        }
        out.push(Effect::Save(self.people.record(&user).into_iter().collect()));
        self.show_person(&user, out);
        let me = self.my_id();
        let direct = self
            .rooms
            .iter()
            .find(|(_, room)| me.and_then(|me| room.peer(&me)) == Some(user));
        if let Some(id) = direct.map(|(id, _)| *id) {
            self.show_room_row(id.into(), out);
        }
    }
}
