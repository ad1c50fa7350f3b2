//! A link that somebody was given: where it is kept until it was used, and what it leads to.
//!
//! ```text
//! loader.js takes it out of the address ─▶ this tab's sessionStorage ─▶ front (signed out) ─▶ sheet (signed in) ─▶ put away
//! ```
//!
//! It survives reloads, signing up and signing in, and ends with the tab. Sealing it there would protect it from nobody: the
//! key would have to lie beside it.

mod front;
mod sheet;

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;

use super::kit::{Icon, button};
use super::nav::Nav;
use super::place::Place;
use super::{when, words};
use crate::view::Role;

pub use front::{card, waiting};
pub use sheet::sheet;

#[wasm_bindgen]
extern "C" {
    /// Set by `loader.js`.
    #[wasm_bindgen(js_namespace = sottoLink)]
    fn read() -> Option<String>;
    #[wasm_bindgen(js_namespace = sottoLink)]
    fn keep(text: Option<&str>);
}

/// The fragment of the link that is kept in this tab.
#[derive(Clone, Copy)]
pub struct KeptLink(
    RwSignal<Option<String>>,
    /// Somebody gave a name to come in by it: it is followed without another press.
    RwSignal<bool>,
);

impl KeptLink {
    /// Follows links that are opened while the page stands.
    pub fn watch(nav: Nav) -> Self {
        let kept = Self(RwSignal::new(read()), RwSignal::new(false));
        drop(window_event_listener_untyped("sotto-link", move |_| {
            kept.0.set(read());
            nav.replace(Place::Link);
        }));
        kept
    }

    pub fn get(self) -> Option<String> {
        self.0.get()
    }

    pub fn come_in(self, on: bool) {
        self.1.set(on);
    }

    /// Once.
    fn comes_in(self) -> bool {
        self.1.try_update_untracked(std::mem::take).unwrap_or(false)
    }

    pub fn is_there(self) -> bool {
        self.0.with_untracked(Option::is_some)
    }

    /// One that was pasted.
    pub fn set(self, link: &str) {
        let fragment = link.trim().rsplit('#').next().unwrap_or_default();
        keep(Some(fragment));
        self.0.set(Some(fragment.to_owned()));
    }

    pub fn drop(self) {
        keep(None);
        self.0.set(None);
    }
}

pub fn use_link() -> KeptLink {
    expect_context()
}

/// The whole address behind which a link stands.
pub fn address(fragment: &str) -> String {
    let origin = window().location().origin().unwrap_or_default();
    format!("{origin}/#{fragment}")
}

/// "in 6 days"
pub fn left(until_ms: u64) -> String {
    let secs = until_ms.saturating_sub(when::now()) / 1000;
    let secs = u32::try_from(secs).unwrap_or(u32::MAX);
    match secs {
        0..=89 => "in a minute".into(),
        // Hours stop being of use after a day.
        86_401..172_800 => "in a day".into(),
        _ => format!("in {}", words::lifetime(secs)),
    }
}

fn fact(icon: Icon, text: String) -> impl IntoView {
    html::li().child((icon.s(), text))
}

/// `role`: the one the link gives, where that is known here.
fn facts(members: u32, approval: bool, expires_ms: u64, role: Option<String>) -> AnyView {
    html::ul()
        .class("invite-facts")
        .child((
            fact(Icon::Users, words::count(members as usize, "member", "members")),
            fact(Icon::Clock, format!("Ends {}", left(expires_ms))),
            approval.then(|| fact(Icon::Eye, "A moderator decides who comes in".into())),
            role.map(|role| fact(Icon::ShieldCheck, format!("You come in {role}."))),
        ))
        .into_any()
}

/// "as moderator": what a link makes of whoever comes, if it is not a member.
fn as_role(role_id: u8) -> Option<String> {
    let named = match role_id {
        1 => return None,
        2 => words::role(Role::Moderator),
        3 => words::role(Role::Owner),
        // What it is called can be read in there alone.
        _ => return Some("with a role of this space’s own".into()),
    };
    Some(format!("as {}", named.to_lowercase()))
}

/// "ada invites you to" and the name.
fn head(picture: AnyView, by: Option<String>, title: &str) -> AnyView {
    let by = match by {
        Some(by) => (html::b().child(by), " invites you to").into_any(),
        None => "You are invited to".into_any(),
    };
    let title = if title.is_empty() { "a group" } else { title }.to_owned();
    html::div()
        .class("invite")
        .child((
            picture,
            html::div().child((
                html::p().class("invite-by").child(by),
                html::h1().class("invite-title").child(title),
            )),
        ))
        .into_any()
}

/// Forgets the link and goes on without it.
fn put_away(nav: Nav, to: Place) -> AnyView {
    let link = use_link();
    button::button("link-button", "Forget this link", move || {
        link.drop();
        nav.replace(to);
    })
}

/// What an invite that does not let in is called on its page.
fn over_title(over: crate::view::Over) -> &'static str {
    use crate::view::Over;
    match over {
        Over::Wrong => "There is no such invite",
        Over::UsedUp => "This invite is used up",
        Over::Expired => "This invite has ended",
        Over::TakenBack => "This invite was taken back",
        Over::Void => "This invite leads nowhere",
        Over::Banned => "You cannot come back by an invite",
        Over::NotForYou => "This invite is not for this account",
    }
}
