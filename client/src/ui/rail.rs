//! The rail: the places of the app, and the spaces. On narrow screens the places lie at the bottom and the spaces in a strip
//! above the list.

use leptos::prelude::*;
use leptos::{ev, html};

use sotto_shared::id::RoomId;

use super::dialogs::{Ask, use_dialogs};
use super::frame::use_column;
use super::kit::mark::{Shape, Size, mark};
use super::kit::{Icon, button};
use super::moderation::reports;
use super::nav::use_nav;
use super::place::Place;
use super::screen::use_store;
use super::spaces::{name_of, space_of};
use super::{guest, words};

pub fn rail() -> AnyView {
    let (nav, store, dialogs) = (use_nav(), use_store(), use_dialogs());
    let (am_guest, column) = (guest::am_guest(), use_column());
    let unread = Memo::new(move |_| store.calls_outside());
    let fresh = Memo::new(move |_| store.any_fresh_outside());
    let in_settings = Memo::new(move |_| nav.place().in_settings());
    let in_messages = Memo::new(move |_| !in_settings.get() && space_of(store, nav.place()).is_none());
    let spaces = Memo::new(move |_| store.space_list());
    let current = move |here: bool| here.then_some("page");
    html::nav()
        .class("rail")
        .attr("aria-label", "Places and spaces")
        .child((
            html::ul().class("rail-list rail-places").child((
                html::li().child(
                    html::a()
                        .class("rail-item")
                        .href(Place::Messages.path())
                        .attr("aria-current", move || current(in_messages.get()))
                        .title("Messages")
                        .child((
                            Icon::MessageCircle.l(),
                            html::span()
                                .class("rail-label")
                                .attr("aria-hidden", "true")
                                .child("Messages"),
                            html::span().class("visually-hidden").child(move || match unread.get() {
                                0 if fresh.get() => "Messages, something unread".to_owned(),
                                0 => "Messages".to_owned(),
                                count => format!("Messages, {count} unread"),
                            }),
                            move || {
                                let count = unread.get();
                                let class = if count > 0 { "badge rail-mark" } else { "dot rail-mark" };
                                (count > 0 || fresh.get()).then(|| {
                                    html::span()
                                        .class(class)
                                        .attr("aria-hidden", "true")
                                        .child((count > 0).then(|| short(count)))
                                })
                            },
                        )),
                ),
                html::li().class("rail-you").child(
                    html::button()
                        .r#type("button")
                        .class("rail-item")
                        .attr("aria-haspopup", "dialog")
                        .on(ev::click, move |_| dialogs.open(Ask::Switch))
                        .child((Icon::Search.l(), html::span().class("rail-label").child("Jump to"))),
                ),
                html::li().class("rail-you").child(
                    html::a()
                        .class("rail-item")
                        .href(Place::Settings.path())
                        .attr("aria-current", move || current(in_settings.get()))
                        .child((Icon::UserRound.l(), html::span().class("rail-label").child("You"))),
                ),
            )),
            html::span().class("rail-line"),
            html::ul()
                .class("rail-list rail-spaces")
                .attr("aria-label", "Spaces")
                .child((
                    For(ForProps::builder()
                        .each(move || spaces.get())
                        .key(|space| *space)
                        .children(space)
                        .build()),
                    move || {
                        (!am_guest.get()).then(|| {
                            html::li().child(
                                html::button()
                                    .r#type("button")
                                    .class("rail-item")
                                    .attr("aria-label", "Create a space")
                                    .title("Create a space")
                                    .on(ev::click, move |_| dialogs.open(Ask::NewSpace))
                                    .child(Icon::Plus.l()),
                            )
                        })
                    },
                )),
            html::div().class("rail-foot").child((
                html::button()
                    .r#type("button")
                    .class("button button-quiet button-icon rail-turn")
                    .attr("aria-label", move || column.offer())
                    .title(move || column.offer())
                    .on(ev::click, move |_| column.turn())
                    .child(Icon::PanelLeft.m()),
                button::icon(Icon::CircleHelp, "Keyboard shortcuts", move || dialogs.open(Ask::Keys)),
            )),
        ))
        .into_any()
}

fn space(id: RoomId) -> AnyView {
    let (nav, store) = (use_nav(), use_store());
    let name = Memo::new(move |_| store.space(id).map(|space| name_of(&space)).unwrap_or_default());
    let look = Memo::new(move |_| store.space(id).map(|space| space.mark));
    let unread = Memo::new(move |_| store.unread_in(id));
    let calls = Memo::new(move |_| store.calls_in(id));
    let here = Memo::new(move |_| space_of(store, nav.place()) == Some(id));
    // Somebody waits to be let in, or has reported something.
    let waits = Memo::new(move |_| {
        let asked = (store.space(id)).is_some_and(|space| space.rights.invite && space.asking > 0);
        asked || reports::hears(store, id) && store.reports_waiting(id) > 0
    });
    let label = move || {
        let name = name.get();
        match calls.get() {
            0 if waits.get() => format!("{name}, somebody waits for you"),
            0 if unread.get() => format!("{name}, unread"),
            0 => name,
            count => format!("{name}, {}", words::count(count as usize, "mention", "mentions")),
        }
    };
    html::li()
        .child(
            html::a()
                .class("rail-item rail-space")
                .href(Place::Space(id).path())
                .attr("aria-label", label)
                .title(move || name.get())
                .attr("aria-current", move || here.get().then_some("true"))
                .child((
                    move || look.get().map(|bytes| mark(bytes, Shape::Group, Size::S36)),
                    move || match calls.get() {
                        0 if unread.get() || waits.get() => Some(
                            html::span()
                                .class("dot rail-dot")
                                .attr("aria-hidden", "true")
                                .into_any(),
                        ),
                        0 => None,
                        count => Some(
                            html::span()
                                .class("badge rail-mark")
                                .attr("aria-hidden", "true")
                                .child(short(count))
                                .into_any(),
                        ),
                    },
                )),
        )
        .into_any()
}

/// A count that fits its badge.
pub fn short(count: u32) -> String {
    if count > 99 { "99+".into() } else { count.to_string() }
}
