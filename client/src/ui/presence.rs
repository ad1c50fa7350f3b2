//! Whether somebody is here, beside their picture: a disc, a crescent, a ring. Never by colour alone.

use leptos::html;
use leptos::prelude::*;
use sotto_shared::id::UserId;

use super::screen::use_store;
use super::when;
use crate::view::Presence;

/// A person's picture with the sign at its corner, as far as they let it be known.
pub fn beside(user: UserId, picture: AnyView) -> AnyView {
    let store = use_store();
    let is_other = Memo::new(move |_| store.me() != Some(user));
    let sign = move || {
        let (class, words) = match store.presence(user).filter(|_| is_other.get()) {
            Some(Presence::Here) => ("presence", "Here now"),
            Some(Presence::Away) => ("presence presence-away", "Away"),
            None if is_other.get() && store.last_seen(user).is_some() => ("presence presence-off", "Not here"),
            None => return None,
        };
        Some(
            html::i()
                .class(class)
                .title(words)
                .child(html::span().class("visually-hidden").child(words)),
        )
    };
    html::span().class("with-presence").child((picture, sign)).into_any()
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
