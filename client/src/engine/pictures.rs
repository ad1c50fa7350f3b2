//! Pictures of people: a sealed blob at the relay each, told with its key in a slot of every room like a name.
//!
//! ```text
//!  SetPicture ─▶ sealed under a new key ─▶ pictures/put ─▶ vault ─▶ slots (`profiles.rs`) ─▶ everybody there
//!  ShowPicture ─▶ kept in this browser? ─▶ else pictures/get ─▶ open, an image of a kind that is shown? ─▶ kept ─▶ the page
//! ```
//!
//! Nothing is asked of the relay before somebody is drawn, and never for whoever only asks to talk, was declined or blocked.

use serde::{Deserialize, Serialize};
use sotto_shared::api::B64;
use sotto_shared::api::body::{PictureDrop, PictureGet, PicturePut, PictureReply};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::codec::Codec;
use sotto_shared::contacts::ContactState;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::file::FileKey;
use sotto_shared::id::{PictureId, UserId};
use sotto_shared::picture::{OwnPicture, Picture, image_kind, open_picture, seal_picture};

use super::ask::{Failure, Pending, Request};
use super::books::Book;
use super::record::{self, Key, Loaded, PictureRecord, Query};
use super::rooms::Room;
use super::{Ctx, Effect, Engine, Out};
use crate::view::{Outcome, Problem};

/// What somebody told of their picture, by their newest word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The number of that word: older ones are not heard.
    pub ctr: u64,
    /// The encoded [`Picture`], if there is one.
    picture: Option<B64>,
}

impl Told {
    pub fn new(ctr: u64, picture: Option<&Picture>) -> Self {
        Self {
            ctr,
            picture: picture.map(|picture| B64(picture.to_bytes())),
        }
    }

    fn picture(&self) -> Option<Picture> {
        Picture::from_bytes(&self.picture.as_ref()?.0).ok()
    }
}

/// A picture under way to the relay, with what it shows.
pub(crate) struct Chosen {
    picture: Picture,
    image: Vec<u8>,
}

impl<S: Suite> Engine<S> {
    /// The picture of somebody, if they have one and it may be looked at.
    fn picture(&self, user: &UserId) -> Option<Picture> {
        if self.my_id() == Some(*user) {
            return self.own_picture.picture.clone();
        }
        let picture = self.people.picture(user)?.picture()?;
        self.may_look_at(user).then_some(picture)
    }

    pub(super) fn picture_id(&self, user: &UserId) -> Option<PictureId> {
        self.picture(user).map(|picture| picture.id)
    }

    /// Nobody who waits for an answer, or got none, is to find out whether they were seen, wherever else one meets them.
    fn may_look_at(&self, user: &UserId) -> bool {
        match self.contacts.get(user).map(|contact| contact.state) {
            Some(ContactState::Accepted | ContactState::Asked) => true,
            Some(ContactState::Declined | ContactState::Blocked) => false,
            None | Some(ContactState::Undecided | ContactState::Removed) => {
                let Some(me) = self.my_id() else { return false };
                let asks = |room: &Room| room.peer(&me) == Some(*user) && self.is_request(room);
                !self.rooms.values().any(asks)
            }
        }
    }

    // --- One's own -------------------------------------------------------------------------------------------------------

    pub(super) fn set_picture(
        &mut self,
        command: u32,
        image: Option<B64>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let me = self.me()?.user_id;
        if !self.online {
            return Err(Problem::Offline);
        }
        let Some(B64(image)) = image else {
            let pending = Pending::PictureSet { command, chosen: None };
            self.ask(Request::PictureDrop(PictureDrop {}), pending, out);
            return Ok(None);
        };
        if image_kind(&image).is_none() {
            return Err(Problem::NotAPicture);
        }
        let mut id = [0; PictureId::LEN];
        ctx.rng.fill_bytes(&mut id);
        let picture = Picture {
            id: PictureId::from_bytes(id),
            key: FileKey::make(ctx.rng),
        };
        let sealed = seal_picture(ctx.rng, &me, &picture, &image).ok_or(Problem::NotAPicture)?;
        let request = PicturePut {
            picture_id: picture.id,
            sealed: sealed.into(),
        };
        let chosen = Some(Box::new(Chosen { picture, image }));
        self.ask(
            Request::PicturePut(request),
            Pending::PictureSet { command, chosen },
            out,
        );
        Ok(None)
    }

    /// The relay has it, or has let go of it: now it is said.
    pub(super) fn picture_set(
        &mut self,
        command: u32,
        chosen: Option<Box<Chosen>>,
        result: Result<(), Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let result = match (result, self.my_id()) {
            (Ok(()), Some(me)) => {
                out.push(Effect::Save(vec![match &chosen {
                    Some(chosen) => kept(&me, chosen.picture.id, &chosen.image),
                    None => record::remove(Key::Picture(me)),
                }]));
                self.own_picture = OwnPicture {
                    picture: chosen.map(|chosen| chosen.picture),
                    at: ctx.now_ms.max(self.own_picture.at.saturating_add(1)),
                };
                let plain = self.own_picture.to_bytes();
                self.put_book(Book::Picture, &plain, ctx, out);
                self.show_person(&me, out);
                self.picture_spreads = true;
                Ok(Outcome::Done)
            }
            (Ok(()), None) => Err(Problem::SignedOut),
            (Err(failure), _) => Err(failure.problem()),
        };
        out.push(Effect::Answer { id: command, result });
    }

    /// The vault was read: what it says of this account holds here, too.
    pub(super) fn own_picture_came(&mut self, out: &mut Out<S::DeviceKey>) {
        let Some(me) = &self.me else { return };
        let held = me.vault.books.get(&Book::Picture);
        let own = held
            .and_then(|held| OwnPicture::from_bytes(&held.plain).ok())
            .unwrap_or_default();
        let user = me.user_id;
        if self.own_picture != own {
            self.own_picture = own;
            self.show_person(&user, out);
        }
    }

    // --- Looking at them -------------------------------------------------------------------------------------------------

    /// Somebody is drawn.
    pub(super) fn show_picture(
        &mut self,
        command: u32,
        user: UserId,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.picture(&user).ok_or(Problem::NoPicture)?;
        let id = self.remember(Pending::KeptPicture { command, user });
        out.push(Effect::Load {
            id,
            query: Query::Picture(user),
        });
        Ok(None)
    }

    pub(super) fn picture_loaded(&mut self, command: u32, user: UserId, loaded: Loaded, out: &mut Out<S::DeviceKey>) {
        // It may have changed meanwhile, or may not be looked at any more.
        let picture = self.picture(&user);
        let kept = loaded.pictures.into_iter().next().zip(picture.as_ref());
        let shown = kept.filter(|(kept, picture)| kept.id == picture.id && kept.user_id == user);
        let result = match (shown.and_then(|(kept, _)| shown_as(kept.image.0)), picture) {
            (Some(shown), _) => Ok(shown),
            (None, None) => Err(Problem::NoPicture),
            (None, Some(_)) if !self.online => Err(Problem::Offline),
            (None, Some(picture)) => {
                let request = PictureGet { picture_id: picture.id };
                let pending = Pending::Picture { command, user };
                self.ask(Request::PictureGet(request), pending, out);
                return;
            }
        };
        out.push(Effect::Answer { id: command, result });
    }

    pub(super) fn picture_came(
        &mut self,
        command: u32,
        user: UserId,
        result: Result<PictureReply, Failure>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let result = match (result, self.picture(&user)) {
            (Ok(reply), Some(picture)) => match open_picture(&user, &picture, &reply.sealed.0) {
                Ok(image) => {
                    let record = kept(&user, picture.id, &image);
                    let shown = shown_as(image);
                    if shown.is_some() {
                        out.push(Effect::Save(vec![record]));
                    }
                    shown.ok_or(Problem::NoPicture)
                }
                Err(_) => Err(Problem::NoPicture),
            },
            (Err(failure), _) if !failure.is(ErrorCode::NotFound) => Err(failure.problem()),
            _ => Err(Problem::NoPicture),
        };
        out.push(Effect::Answer { id: command, result });
    }
}

fn kept(user: &UserId, id: PictureId, image: &[u8]) -> record::Record {
    let record = PictureRecord {
        user_id: *user,
        id,
        image: B64(image.to_vec()),
    };
    record::save(Key::Picture(*user), &record)
}

/// A stranger's bytes, if they are an image of a kind that is shown.
fn shown_as(image: Vec<u8>) -> Option<Outcome> {
    let kind = image_kind(&image)?;
    Some(Outcome::Picture {
        mime: kind.mime().to_owned(),
        image: B64(image),
    })
}
