//! The panel: messages that are kept at hand.

use leptos::html;
use leptos::prelude::*;

use super::panel::{self, failed, looking};
use crate::state::Store;
use crate::ui::kit::Icon;
use crate::ui::kit::menu::{Entry, Face, menu};
use crate::ui::nav::use_nav;
use crate::ui::place::Place;
use crate::ui::screen::{use_narrow, use_store, use_toasts};
use crate::ui::{when, wire, words};
use crate::view::{Chat, Command, Outcome, Pin, Problem, Quote, Role, RoomKind, Target};

/// Whether one may pin here: by the room's own rules.
pub fn may_pin(store: Store, chat: Chat) -> bool {
    match store.space(chat.room) {
        Some(space) => space.rights.pin,
        None => store
            .room(chat)
            .is_some_and(|room| room.kind == RoomKind::Direct || room.role > Role::Member),
    }
}

#[derive(Clone, PartialEq)]
enum Found {
    Coming,
    Here(Vec<Pin>),
    Failed(Problem),
}

pub fn panel(id: Chat) -> AnyView {
    let store = use_store();
    let found = RwSignal::new(Found::Coming);
    let ask = move || {
        wire::ask(Command::ListPins { chat: id }, move |result| {
            let now = match result {
                Ok(Outcome::Pins(pins)) => Found::Here(pins),
                Ok(_) => Found::Here(Vec::new()),
                Err(problem) => Found::Failed(problem),
            };
            let _ = found.try_set(now);
        });
    };
    let count = Memo::new(move |_| store.room(id).map_or(0, |room| room.pins));
    Effect::new(move |_| {
        count.track();
        ask();
    });
    let may = Memo::new(move |_| may_pin(store, id));
    let body = move || match found.get() {
        Found::Coming => looking(),
        Found::Failed(problem) => failed(&problem, move || {
            found.set(Found::Coming);
            ask();
        }),
        Found::Here(pins) if pins.is_empty() => html::div()
            .class("empty")
            .child((
                html::span().class("empty-icon").child(Icon::Pin.l()),
                html::p().class("empty-title").child("Nothing is pinned"),
                html::p().child(if may.get() {
                    "Pin a message from its menu, and everybody here finds it again."
                } else {
                    "Moderators can pin a message, so that everybody here finds it again."
                }),
            ))
            .into_any(),
        Found::Here(pins) => html::ul()
            .class("pins")
            .child(pins.into_iter().map(|pin| one(id, pin, may.get())).collect_view())
            .into_any(),
    };
    panel::panel(
        id,
        "Pinned messages",
        (
            "Pinned ",
            html::span()
                .class("muted numeric")
                .child(move || count.get().to_string()),
        )
            .into_any(),
        "Close the pinned messages",
        body,
    )
}

fn one(id: Chat, pin: Pin, may: bool) -> AnyView {
    let (store, nav, narrow, toasts) = (use_store(), use_nav(), use_narrow(), use_toasts());
    let target = pin.target;
    let (author, text) = match pin.quote {
        Quote::Text { by, text, .. } => (Some(by), text),
        _ => (None, "An earlier message".to_owned()),
    };
    let blocked = Memo::new(move |_| author.is_some_and(|author| store.is_blocked(author)));
    let text = move || {
        if blocked.get() {
            words::OF_BLOCKED.to_owned()
        } else {
            text.clone()
        }
    };
    let go = move |_| {
        if untrack(|| narrow.get()) {
            nav.go(Place::Room(id));
        }
        nav.jump_to(id, Target::Hash(target));
    };
    let unpin = move || {
        vec![Entry::new(Icon::X, "Unpin", move || {
            wire::ask(Command::Unpin { chat: id, target }, move |result| {
                if let Err(problem) = result {
                    toasts.danger(words::problem(&problem));
                }
            });
        })]
    };
    html::li()
        .class("pin")
        .child((
            html::button()
                .r#type("button")
                .class("pin-go")
                .on(leptos::ev::click, go)
                .child((
                    html::span().class("pin-head").child((
                        move || {
                            let author = author.filter(|_| !blocked.get());
                            author.map(|author| html::b().attr("dir", "auto").child(move || store.name(author)))
                        },
                        (pin.at_ms > 0).then(|| {
                            html::time()
                                .class("muted")
                                .attr("datetime", when::iso(pin.at_ms))
                                .title(when::full(pin.at_ms))
                                .child(move || when::brief(pin.at_ms))
                        }),
                    )),
                    html::span().class("pin-text").attr("dir", "auto").child(text),
                    html::span().class("muted pin-by").child(move || {
                        if store.me() == Some(pin.by) {
                            "Pinned by you".to_owned()
                        } else {
                            format!("Pinned by {}", store.name(pin.by))
                        }
                    }),
                )),
            may.then(|| {
                menu(
                    "button button-quiet button-icon button-s",
                    Face::Icon(Icon::Ellipsis),
                    "What can be done with this pin".into(),
                    unpin,
                )
            }),
        ))
        .into_any()
}
