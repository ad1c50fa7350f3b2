//! Whether somebody is here, beside their picture: a disc, a crescent, a ring. Never by colour alone.

use leptos::html;
use leptos::prelude::*;
use sotto_shared::id::UserId;

use super::screen::use_store;
use super::when;
use crate::state::Store;
use crate::view::Presence;

/// A person's picture with the sign at its corner, as far as they let it be known.
pub fn beside(user: UserId, picture: AnyView) -> AnyView {
    let store = use_store();
    let is_other = Memo::new(move |_| store.me() != Some(user));
    let sign = move || {
        let (class, words) = sign_of(store, user).filter(|_| is_other.get())?;
        Some(html::i().class(class).title(words).attr("aria-hidden", "true"))
    };
    html::span().class("with-presence").child((picture, sign)).into_any()
}

/// The same for those who listen, to stand behind the name: a name comes first.
pub fn spoken(user: UserId) -> AnyView {
    let store = use_store();
    let words = move || {
        let (_, words) = sign_of(store, user).filter(|_| store.me() != Some(user))?;
        Some(html::span().class("visually-hidden").child(format!(" {words}")))
    };
    words.into_any()
}

fn sign_of(store: Store, user: UserId) -> Option<(&'static str, &'static str)> {
    match store.presence(user) {
        Some(Presence::Here) => Some(("presence", "Here now")),
        Some(Presence::Away) => Some(("presence presence-away", "Away")),
        None if store.last_seen(user).is_some() => Some(("presence presence-off", "Not here")),
        None => None,
    }
}

/// The same in words.
pub fn words(user: UserId) -> Option<String> {
    let store = use_store();
    match store.presence(user) {
        Some(Presence::Here) => Some("Here now".into()),
        Some(Presence::Away) => Some("Away".into()),
        None => store.last_seen(user).map(|at| format!("Last here {}", when::ago(at))),
    }
}
