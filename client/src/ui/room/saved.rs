//! Messages that this person has put aside, from all conversations.

use leptos::html;
use leptos::prelude::*;
use sotto_shared::id::EnvelopeHash;

use super::panel::{failed, looking};
use crate::state::Store;
use crate::ui::kit::{Icon, button};
use crate::ui::nav::{icon_link, use_nav};
use crate::ui::place::Place;
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::sidebar;
use crate::ui::{when, wire, words};
use crate::view::{Chat, Command, Link, Outcome, Problem, Quote, SavedMessage, Target};

#[derive(Clone, PartialEq)]
enum Found {
    Coming,
    Here(Vec<SavedMessage>),
    Failed(Problem),
}

pub fn sheet() -> AnyView {
    let toasts = use_toasts();
    let found = RwSignal::new(Found::Coming);
    let ask = move || {
        wire::ask(Command::ListSaved, move |result| {
            let now = match result {
                Ok(Outcome::Saved(all)) => Found::Here(all),
                Ok(_) => Found::Here(Vec::new()),
                Err(problem) => Found::Failed(problem),
            };
            let _ = found.try_set(now);
        });
    };
    ask();
    let forget = move |chat: Chat, target: EnvelopeHash| {
        wire::ask(Command::ForgetSaved { chat, target }, move |result| match result {
            Ok(_) => {
                toasts.ok("Removed from saved messages");
                let _ = found.try_update(|found| {
                    if let Found::Here(all) = found {
                        all.retain(|one| one.chat != chat || one.target != target);
                    }
                });
            }
            Err(problem) => toasts.danger(words::problem(&problem)),
        });
    };
    let body = move || match found.get() {
        Found::Coming => looking(),
        Found::Failed(problem) => failed(&problem, move || {
            found.set(Found::Coming);
            ask();
        }),
        Found::Here(all) if all.is_empty() => html::div()
            .class("empty")
            .child((
                html::span().class("empty-icon").child(Icon::Bookmark.l()),
                html::p().class("empty-title").child("Nothing is saved"),
                html::p()
                    .child("Save a message from its menu, and find it again here. Nobody else sees what you save."),
            ))
            .into_any(),
        Found::Here(all) => html::ul()
            .class("pins")
            .attr("aria-label", "Saved messages")
            .child(all.into_iter().map(|saved| one(saved, forget)).collect_view())
            .into_any(),
    };
    html::section()
        .class("room contacts")
        .attr("aria-labelledby", "saved-title")
        .child((
            html::header().class("bar").child((
                icon_link(
                    "button button-quiet button-icon bar-back",
                    Place::Messages,
                    Icon::ArrowLeft,
                    "All messages",
                ),
                html::h1().class("bar-title").id("saved-title").child("Saved messages"),
            )),
            // It scrolls, so it must be reachable by keys.
            html::div().class("contacts-body").tabindex("0").child(body),
        ))
        .into_any()
}

fn place_of(store: Store, chat: Chat) -> Option<String> {
    let room = store.room(chat)?;
    let title = sidebar::title(&room);
    Some(match store.space(chat.room) {
        Some(space) => format!("{title} in {}", space.name),
        None => title,
    })
}

fn one(saved: SavedMessage, forget: impl Fn(Chat, EnvelopeHash) + Copy + 'static) -> AnyView {
    let (store, nav) = (use_store(), use_nav());
    let (chat, target, saved_ms) = (saved.chat, saved.target, saved.saved_ms);
    let now = RwSignal::new(saved.clone());
    // What is not in memory is looked for, as soon as its conversation is here, and again whenever that or the connection has
    // changed: in a new browser messages and keys come one after the other. It stands here when it was found.
    let state = Memo::new(move |_| Some((store.room(chat)?, matches!(store.link().get(), Link::Online))));
    let (asking, asked) = (RwSignal::new(false), StoredValue::new(None));
    Effect::new(move |_| {
        let state = state.get();
        let lacks = now.with_untracked(|saved| matches!(saved.quote, Quote::Earlier(_) | Quote::Nowhere));
        if asking.get() || !lacks || state.is_none() || asked.with_value(|asked| *asked == state) {
            return;
        }
        asked.set_value(state);
        asking.set(true);
        let command = Command::ReadSaved { chat, target, saved_ms };
        wire::ask(command, move |result| {
            if let Ok(Outcome::Saved(found)) = result
                && let Some(found) = found.into_iter().next()
            {
                let _ = now.try_set(found);
            }
            let _ = asking.try_set(false);
        });
    });
    let there = Memo::new(move |_| !now.with(|saved| matches!(saved.quote, Quote::Gone | Quote::Nowhere)));
    let author = move || {
        now.with(|saved| match saved.quote {
            Quote::Text { by, .. } => Some(html::b().attr("dir", "auto").child(store.name(by))),
            _ => None,
        })
    };
    let written = move || {
        let at = now.with(|saved| saved.at_ms);
        (at > 0).then(|| {
            html::time()
                .class("muted")
                .attr("datetime", when::iso(at))
                .title(when::full(at))
                .child(move || when::brief(at))
        })
    };
    let text = move || {
        now.with(|saved| match &saved.quote {
            Quote::Text { text, .. } => text.clone(),
            Quote::Earlier(_) => "An earlier message".to_owned(),
            Quote::Gone => "This message is gone: it was deleted, or has had its time.".to_owned(),
            Quote::Nowhere => "This message is not here any more.".to_owned(),
        })
    };
    let go = move |_| {
        if there.get_untracked() {
            nav.jump_to(chat, Target::Hash(target));
        }
    };
    html::li()
        .class("pin")
        .child((
            html::button()
                .r#type("button")
                .class("pin-go")
                .prop("disabled", move || !there.get())
                .on(leptos::ev::click, go)
                .child((
                    html::span().class("pin-head").child((author, written)),
                    html::span().class("pin-text").attr("dir", "auto").child(text),
                    html::span()
                        .class("muted pin-by")
                        .child(move || place_of(store, chat).unwrap_or_else(|| "A conversation you are not in".into())),
                )),
            button::icon_of(
                "button button-quiet button-icon button-s",
                Icon::X,
                "Remove from saved messages",
                move || forget(chat, target),
            ),
        ))
        .into_any()
}
