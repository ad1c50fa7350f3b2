//! Going places: the address bar, the history and links of this page.

use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::{JsCast, JsValue};

use super::place::{Place, read_message_link};
use crate::view::{Chat, Target};

/// Where the page is. Copied around through the context.
#[derive(Clone, Copy)]
pub struct Nav {
    place: RwSignal<Place>,
    /// Where to go after signing in, when an address of the app was opened signed out.
    wanted: StoredValue<Option<Place>>,
    /// A message that is to be shown, once its conversation is.
    jump: RwSignal<Option<(Chat, Target)>>,
}

impl Nav {
    /// Follows the history and the clicks on this page's own links from now on.
    pub fn start() -> Self {
        let nav = Self {
            place: RwSignal::new(here()),
            wanted: StoredValue::new(None),
            jump: RwSignal::new(None),
        };
        nav.follow_link(&window().location().hash().unwrap_or_default());
        drop(window_event_listener(ev::hashchange, move |_| {
            nav.follow_link(&window().location().hash().unwrap_or_default());
        }));
        drop(window_event_listener(ev::popstate, move |_| nav.place.set(here())));
        drop(window_event_listener(ev::click, move |event| {
            if let Some(fragment) = own_message(&event) {
                event.prevent_default();
                nav.follow_link(&fragment);
            } else if let Some(path) = own_link(&event) {
                event.prevent_default();
                nav.push(&path);
            }
        }));
        nav
    }

    pub fn place(self) -> Place {
        self.place.get()
    }

    pub fn place_untracked(self) -> Place {
        self.place.get_untracked()
    }

    pub fn go(self, place: Place) {
        if self.place.get_untracked() != place {
            self.push(&place.path());
        }
    }

    /// Goes there without a step in the history.
    pub fn replace(self, place: Place) {
        if let Ok(history) = window().history() {
            drop(history.replace_state_with_url(&JsValue::NULL, "", Some(&place.path())));
        }
        self.place.set(place);
    }

    fn push(self, path: &str) {
        if let Ok(history) = window().history() {
            drop(history.push_state_with_url(&JsValue::NULL, "", Some(path)));
        }
        self.place.set(Place::parse(path));
    }

    /// A link to a message: its conversation, and then the message. It stays wanted while somebody signs in.
    fn follow_link(self, fragment: &str) {
        if let Some((chat, number)) = read_message_link(fragment) {
            self.replace(Place::Room(chat));
            self.jump.set(Some((chat, Target::Number(number))));
        }
    }

    /// Shows a message, in whatever conversation it stands.
    pub fn jump_to(self, chat: Chat, target: Target) {
        if self.place.get_untracked().room() != Some(chat) {
            self.go(Place::Room(chat));
        }
        self.jump.set(Some((chat, target)));
    }

    /// What is to be shown in a conversation.
    pub fn jump_in(self, chat: Chat) -> Option<Target> {
        self.jump
            .get()
            .filter(|(other, _)| *other == chat)
            .map(|(_, target)| target)
    }

    pub fn jumped(self) {
        self.jump.set(None);
    }

    pub fn want(self, place: Place) {
        self.wanted.set_value(Some(place));
    }

    pub fn take_wanted(self) -> Option<Place> {
        self.wanted.try_update_value(Option::take).flatten()
    }
}

fn here() -> Place {
    Place::parse(&window().location().pathname().unwrap_or_default())
}

/// The path of the link that was clicked, if the page should go there by itself.
fn own_link(event: &web_sys::MouseEvent) -> Option<String> {
    let plain = event.button() == 0 && !event.ctrl_key() && !event.meta_key() && !event.shift_key() && !event.alt_key();
    if !plain || event.default_prevented() {
        return None;
    }
    let link = event
        .target()?
        .dyn_into::<web_sys::Element>()
        .ok()?
        .closest("a[href]")
        .ok()??;
    let link = link.dyn_into::<web_sys::HtmlAnchorElement>().ok()?;
    let ours = link.origin() == window().location().origin().ok()?
        && link.target().is_empty()
        && !link.has_attribute("download");
    let href = link.get_attribute("href")?;
    (ours && href.starts_with('/')).then(|| link.pathname())
}

/// A link to a message of this server's, wherever it was written.
fn own_message(event: &web_sys::MouseEvent) -> Option<String> {
    let plain = event.button() == 0 && !event.ctrl_key() && !event.meta_key() && !event.shift_key() && !event.alt_key();
    if !plain || event.default_prevented() {
        return None;
    }
    let link = event
        .target()?
        .dyn_into::<web_sys::Element>()
        .ok()?
        .closest("a[href]")
        .ok()??;
    let link = link.dyn_into::<web_sys::HtmlAnchorElement>().ok()?;
    let ours = link.origin() == window().location().origin().ok()?;
    let fragment = link.hash();
    (ours && read_message_link(&fragment).is_some()).then_some(fragment)
}

pub fn use_nav() -> Nav {
    expect_context()
}

/// A link to a place of the page.
pub fn link(class: &'static str, place: Place, content: impl IntoView + 'static) -> AnyView {
    html::a()
        .class(class)
        .href(place.path())
        .child(content.into_view())
        .into_any()
}

/// A link showing only an icon.
pub fn icon_link(class: &'static str, place: Place, icon: super::kit::Icon, name: &'static str) -> AnyView {
    html::a()
        .class(class)
        .href(place.path())
        .attr("aria-label", name)
        .title(name)
        .child(icon.m())
        .into_any()
}
