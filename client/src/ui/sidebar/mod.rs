//! The column: what opens the switcher, the conversations, yourself at the foot.

mod channel;
mod me;
pub mod space;
mod talk;

use leptos::html;
use leptos::prelude::*;

use super::dialogs::{Ask, use_dialogs};
use super::kit::menu::{Entry, Face, menu};
use super::kit::{Icon, button};
use super::nav::{icon_link, use_nav};
use super::place::{Place, Tab};
use super::screen::{use_narrow, use_store};
use super::{guest, switcher};

pub use channel::{entries as channel_entries, icon_of, kind_icon, sheet as channel_sheet};
pub use me::{me, next_try};
pub use talk::{picture, title};

pub fn column() -> AnyView {
    let (store, dialogs, narrow, nav) = (use_store(), use_dialogs(), use_narrow(), use_nav());
    let am_guest = guest::am_guest();
    let rooms = Memo::new(move |_| store.room_list());
    let none = Memo::new(move |_| rooms.with(Vec::is_empty));
    let divided = Memo::new(move |_| !none.get() && !store.requests().is_empty());
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
                    html::div().class("column-title-acts").child((
                        icon_link(
                            "button button-quiet button-icon button-s",
                            Place::Contacts(Tab::People),
                            Icon::Users,
                            "Contacts",
                        ),
                        icon_link(
                            "button button-quiet button-icon button-s",
                            Place::Saved,
                            Icon::Bookmark,
                            "Saved messages",
                        ),
                        menu(
                            "button button-quiet button-icon button-s",
                            Face::Icon(Icon::Pencil),
                            "New conversation".into(),
                            move || {
                                let link = Entry::new(Icon::Link, "Open a link", move || nav.go(Place::Link));
                                if am_guest.get_untracked() {
                                    return vec![link];
                                }
                                vec![
                                    Entry::new(Icon::MessageCircle, "New message", move || {
                                        dialogs.open(Ask::NewMessage)
                                    }),
                                    Entry::new(Icon::Users, "New group", move || dialogs.open(Ask::NewGroup)),
                                    link,
                                ]
                            },
                        ),
                    )),
                )),
                switcher::opener("Find people, groups"),
            )),
            html::div().class("column-body").child((
                column_banners(),
                requests(),
                move || {
                    divided
                        .get()
                        .then(|| html::h3().class("menu-title").child("People and groups"))
                },
                html::ul()
                    .class("talks")
                    .attr("aria-label", "Conversations")
                    .child(For(ForProps::builder()
                        .each(move || rooms.get())
                        .key(|room| *room)
                        .children(talk::talk)
                        .build())),
                move || none.get().then(nothing_yet),
            )),
            me(),
        ))
        .into_any()
}

/// Who wrote for the first time, above everything else and without a badge.
fn requests() -> AnyView {
    let store = use_store();
    let rooms = Memo::new(move |_| store.requests());
    (move || {
        (!rooms.with(Vec::is_empty)).then(|| {
            html::section().class("column-requests").child((
                html::h3().class("menu-title").id("requests-title").child("Requests"),
                html::ul()
                    .class("talks")
                    .attr("aria-labelledby", "requests-title")
                    .child(For(ForProps::builder()
                        .each(move || rooms.get())
                        .key(|room| *room)
                        .children(talk::talk)
                        .build())),
            ))
        })
    })
    .into_any()
}

/// What stands above a column for as long as it is so: there is nothing to close it with.
pub fn column_banners() -> AnyView {
    let store = use_store();
    let doubted = move || {
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
    };
    (doubted, guest::banner()).into_any()
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
    let (store, dialogs, nav) = (use_store(), use_dialogs(), use_nav());
    let am_guest = guest::am_guest();
    (move || {
        if am_guest.get() && !store.syncing().get() {
            return html::div()
                .class("column-empty")
                .child((
                    html::p().child("Nothing here yet. A link leads into a group or a space."),
                    html::div().class("column-acts").child(button::button(
                        "button button-s",
                        "Open a link",
                        move || nav.go(Place::Link),
                    )),
                ))
                .into_any();
        }
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
                    button::button("button button-s", "New space", move || dialogs.open(Ask::NewSpace)),
                )),
            ))
            .into_any()
    })
    .into_any()
}
