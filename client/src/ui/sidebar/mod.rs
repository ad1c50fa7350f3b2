//! The column: find a person or group, the conversations, yourself at the foot.

mod me;
mod talk;

use crate::view::Chat;
use leptos::prelude::*;
use leptos::{ev, html};

use super::dialogs::{Ask, use_dialogs};
use super::kit::menu::{Entry, Face, menu};
use super::kit::{Icon, button};
use super::nav::use_nav;
use super::place::Place;
use super::screen::{use_narrow, use_store, use_toasts};
use super::{browser, wire, words};
use crate::view::{Command, Outcome};

pub use me::{me, next_try};
pub use talk::{picture, title};

/// Id of the field that finds.
pub const FIND: &str = "find";

pub fn column() -> AnyView {
    let (store, dialogs, narrow) = (use_store(), use_dialogs(), use_narrow());
    let query = RwSignal::new(String::new());
    let rooms = Memo::new(move |_| {
        let query = query.get().trim().trim_start_matches('@').to_lowercase();
        let mut rooms = store.room_list();
        if !query.is_empty() {
            rooms.retain(|id| {
                store
                    .room(*id)
                    .is_some_and(|room| room.title.to_lowercase().contains(&query))
            });
        }
        rooms
    });
    let any = Memo::new(move |_| !store.room_list().is_empty());
    html::nav()
        .class("column")
        .attr("aria-label", "Messages")
        .child((
            html::header().class("column-head").child((
                html::div().class("spread column-title").child((
                    html::h2()
                        .class("column-name")
                        .attr("aria-level", move || narrow.level())
                        .child("Messages"),
                    html::div().child(menu(
                        "button button-quiet button-icon button-s",
                        Face::Icon(Icon::Pencil),
                        "New conversation".into(),
                        move || {
                            vec![
                                Entry::new(Icon::MessageCircle, "New message", move || {
                                    dialogs.open(Ask::NewMessage)
                                }),
                                Entry::new(Icon::Users, "New group", move || dialogs.open(Ask::NewGroup)),
                            ]
                        },
                    )),
                )),
                find(query, rooms),
            )),
            html::div().class("column-body").child((
                vault_doubted(),
                html::ul()
                    .class("talks")
                    .attr("aria-label", "Conversations")
                    .child(For(ForProps::builder()
                        .each(move || rooms.get())
                        .key(|room| *room)
                        .children(talk::talk)
                        .build())),
                move || {
                    let typed = query.get();
                    if !any.get() && typed.is_empty() {
                        Some(nothing_yet())
                    } else if rooms.with(Vec::is_empty) {
                        Some(not_found(typed, query))
                    } else {
                        None
                    }
                },
            )),
            me(),
        ))
        .into_any()
}

/// Stands for as long as it is so: there is nothing to close it with.
pub fn vault_doubted() -> AnyView {
    let store = use_store();
    (move || {
        store.vault_doubted().get().then(|| {
            html::div()
                .class("banner banner-danger banner-tall column-banner")
                .attr("role", "alert")
                .child((
                    Icon::Shield.view(),
                    html::div().class("banner-text").child((
                        html::b().child("The server shows an older state of your keys and contacts."),
                        html::p().child("Nothing of it was taken over, and this browser goes on with what it has. Do not sign out here, and tell whoever runs the server."),
                    )),
                ))
        })
    })
    .into_any()
}

fn find(query: RwSignal<String>, rooms: Memo<Vec<Chat>>) -> AnyView {
    let nav = use_nav();
    html::label()
        .class("column-jump")
        .child((
            Icon::Search.view(),
            html::span().class("visually-hidden").child("Find a person or group"),
            html::input()
                .id(FIND)
                .r#type("search")
                .attr("autocomplete", "off")
                .attr("autocapitalize", "none")
                .attr("spellcheck", "false")
                .placeholder("Find a person")
                .prop("value", move || query.get())
                .on(ev::input, move |event| query.set(event_target_value(&event)))
                .on(ev::keydown, move |event| match event.key().as_str() {
                    "Enter" if !event.is_composing() => {
                        event.prevent_default();
                        if let Some(room) = rooms.with_untracked(|rooms| rooms.first().copied()) {
                            query.set(String::new());
                            nav.go(Place::Room(room));
                            browser::focus(super::room::composer::TEXT);
                        }
                    }
                    "Escape" => {
                        query.set(String::new());
                        browser::focus(super::room::composer::TEXT);
                    }
                    "ArrowDown" => {
                        event.prevent_default();
                        talk::focus_beside(0);
                    }
                    _ => {}
                }),
            html::kbd()
                .class("kbd")
                .attr("aria-hidden", "true")
                .child(if browser::is_apple() { "⌘ K" } else { "Ctrl K" }),
        ))
        .into_any()
}

/// How others find the reader: `oona@talk.example`.
pub fn handle() -> String {
    let store = use_store();
    let name = store.me().map(|me| store.handle(me)).unwrap_or_default();
    let realm = store.realm();
    if realm.is_empty() {
        name
    } else {
        format!("{name}@{realm}")
    }
}

fn nothing_yet() -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    (move || {
        if store.syncing().get() {
            // Rooms may still be coming.
            return (0..4).map(|_| talk::skeleton()).collect_view().into_any();
        }
        html::div()
            .class("column-empty")
            .child((
                html::p().child("No conversations yet. Write to somebody whose handle you know."),
                html::p().child(("Others find you as ", html::b().child(handle()), ".")),
                html::div().class("column-acts").child((
                    button::button("button button-s", "New message", move || dialogs.open(Ask::NewMessage)),
                    button::button("button button-s", "New group", move || dialogs.open(Ask::NewGroup)),
                )),
            ))
            .into_any()
    })
    .into_any()
}

/// Nothing in the list fits: perhaps it is the handle of somebody new.
fn not_found(typed: String, query: RwSignal<String>) -> AnyView {
    let (nav, toasts) = (use_nav(), use_toasts());
    let handle = typed.trim().trim_start_matches('@').to_ascii_lowercase();
    let label = format!("Write to {handle}");
    let open = move || {
        wire::ask(
            Command::OpenDirect { handle: handle.clone() },
            move |result| match result {
                Ok(Outcome::Room(room)) => {
                    query.set(String::new());
                    nav.go(Place::Room(room.into()));
                }
                Ok(_) => {}
                Err(problem) => toasts.danger(words::problem(&problem)),
            },
        );
    };
    html::div()
        .class("column-empty")
        .child((
            html::p().child(format!("No conversation is called “{}”.", typed.trim())),
            button::button("button button-s", label, open),
        ))
        .into_any()
}
