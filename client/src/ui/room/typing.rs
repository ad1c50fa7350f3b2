//! Who is writing here now. Not called out: it comes and goes without anybody having said anything.

use leptos::html;
use leptos::prelude::*;

use crate::ui::screen::use_store;
use crate::view::Chat;

pub fn typing(chat: Chat) -> AnyView {
    let store = use_store();
    let words = Memo::new(move |_| {
        let who = store.typing(chat);
        let name = |at: usize| who.get(at).map(|user| store.name(*user)).unwrap_or_default();
        match who.len() {
            0 => None,
            1 => Some(format!("{} is writing", name(0))),
            2 => Some(format!("{} and {} are writing", name(0), name(1))),
            _ => Some("Several people are writing".to_owned()),
        }
    });
    let dots = || {
        html::span()
            .class("typing-dots")
            .attr("aria-hidden", "true")
            .child((html::i(), html::i(), html::i()))
    };
    html::p()
        .class("typing typing-foot")
        .child(move || {
            words
                .get()
                .map(|words| (dots(), html::span().class("truncate").child(words)))
        })
        .into_any()
}
