//! Going places: the address bar, the history and links of this page.

use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::{JsCast, JsValue};

use super::place::Place;

/// Where the page is. Copied around through the context.
#[derive(Clone, Copy)]
pub struct Nav {
    place: RwSignal<Place>,
    /// Where to go after signing in, when an address of the app was opened signed out.
    wanted: StoredValue<Option<Place>>,
}

impl Nav {
    /// Follows the history and the clicks on this page's own links from now on.
    pub fn start() -> Self {
        let nav = Self {
            place: RwSignal::new(here()),
            wanted: StoredValue::new(None),
        };
        drop(window_event_listener(ev::popstate, move |_| nav.place.set(here())));
        drop(window_event_listener(ev::click, move |event| {
            if let Some(path) = own_link(&event) {
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
