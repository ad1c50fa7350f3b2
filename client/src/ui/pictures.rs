//! Pictures of people on the page. Whoever is drawn is asked for once; the worker hands out images alone that it looked at, and
//! here they lie behind `blob:` addresses, as many as a screen needs and not more.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::{PictureId, UserId};
use web_sys::Blob;

use super::kit::mark::{Shape, Size, mark_under};
use super::screen::use_store;
use super::wire;
use crate::view::{Command, Link, Outcome, Problem};

/// People whose pictures are at hand; those that were asked for longest ago go first, and come again when they are drawn.
const MOST: usize = 300;

thread_local! {
    static ALBUM: RefCell<Album> = RefCell::default();
}

#[derive(Default)]
struct Album {
    shown: HashMap<UserId, Shown>,
    order: VecDeque<UserId>,
}

#[derive(Clone)]
struct Shown {
    id: PictureId,
    address: ArcRwSignal<Option<Arc<Address>>>,
}

/// The address of an image in memory, for as long as somebody holds this.
#[derive(PartialEq, Eq)]
pub struct Address(String);

impl Address {
    pub fn new(blob: &Blob) -> Option<Self> {
        web_sys::Url::create_object_url_with_blob(blob).ok().map(Self)
    }

    fn of_bytes(mime: &str, image: &[u8]) -> Option<Self> {
        let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(image));
        let options = web_sys::BlobPropertyBag::new();
        options.set_type(mime);
        let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &options).ok()?;
        Self::new(&blob)
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        let _ = web_sys::Url::revoke_object_url(&self.0);
    }
}

/// Nothing of the account that left stays.
pub fn forget() {
    drop(ALBUM.take());
}

fn look_at(user: UserId, id: PictureId) -> ArcRwSignal<Option<Arc<Address>>> {
    let there = ALBUM.with_borrow(|album| album.shown.get(&user).filter(|shown| shown.id == id).cloned());
    if let Some(shown) = there {
        return shown.address;
    }
    let address = ArcRwSignal::new(None);
    let shown = Shown {
        id,
        address: address.clone(),
    };
    ALBUM.with_borrow_mut(|album| {
        if album.shown.insert(user, shown).is_none() {
            album.order.push_back(user);
        }
        if album.order.len() > MOST
            && let Some(oldest) = album.order.pop_front()
        {
            album.shown.remove(&oldest);
        }
    });
    let found = address.clone();
    wire::ask(Command::ShowPicture { user }, move |result| match result {
        Ok(Outcome::Picture { mime, image }) => found.set(Address::of_bytes(&mime, &image.0).map(Arc::new)),
        Ok(_) | Err(Problem::NoPicture) => {}
        // Asked for again when the server is there.
        Err(_) => ALBUM.with_borrow_mut(|album| {
            if album.shown.get(&user).is_some_and(|shown| shown.id == id) {
                album.shown.remove(&user);
                album.order.retain(|other| *other != user);
            }
        }),
    });
    address
}

/// A person: their picture, or the mark made from their key for as long as there is none to show.
pub fn portrait(user: UserId, bytes: [u8; 5], size: Size) -> AnyView {
    let store = use_store();
    let picture = Memo::new(move |_| store.person(user).and_then(|person| person.picture));
    let is_online = Memo::new(move |_| store.link().get() == Link::Online);
    let image = move || {
        // Not `track`: a memo that nobody reads never changes.
        is_online.with(|_| ());
        let address = look_at(user, picture.get()?);
        let shown = address.get()?;
        // What the browser cannot draw leaves the mark where it is.
        Some(picture_of(&shown, move || address.set(None)))
    };
    mark_under(bytes, Shape::Person, size, image.into_any())
}

/// It says nothing that does not stand beside it.
pub fn picture_of(address: &Address, fails: impl Fn() + 'static) -> AnyView {
    html::img()
        .class("mark-picture")
        .attr("src", address.0.clone())
        .attr("alt", "")
        .attr("draggable", "false")
        .on(ev::error, move |_| fails())
        .into_any()
}
