//! A space without a channel open: on a wide screen the channel that was open last takes its place, if there is one.

use leptos::html;
use leptos::prelude::*;
use sotto_shared::id::RoomId;

use super::{arrange::NONE, name_of};
use crate::ui::dialogs::{Ask, use_dialogs};
use crate::ui::kit::Icon;
use crate::ui::kit::mark::{Shape, Size, mark};
use crate::ui::nav::{link, use_nav};
use crate::ui::place::Place;
use crate::ui::screen::{use_narrow, use_store};
use crate::ui::switcher::use_recent;
use crate::view::Link;

pub fn sheet(id: RoomId) -> AnyView {
    let (nav, store, narrow, recent) = (use_nav(), use_store(), use_narrow(), use_recent());
    let known = Memo::new(move |_| store.space(id).is_some());
    let channels = Memo::new(move |_| store.channels(id));
    Effect::new(move |_| {
        if narrow.get() || nav.place() != Place::Space(id) {
            return;
        }
        let open = channels.with(|channels| recent.last_of(channels).or_else(|| channels.first().copied()));
        if let Some(chat) = open {
            nav.replace(Place::Room(chat));
        }
    });
    (move || if known.get() { start(id) } else { absent() }).into_any()
}

/// Who can read here, and what to do.
fn start(id: RoomId) -> AnyView {
    let (store, dialogs, nav) = (use_store(), use_dialogs(), use_nav());
    let space = Memo::new(move |_| store.space(id));
    let rights = Memo::new(move |_| space.with(|space| space.as_ref().map(|space| space.rights).unwrap_or_default()));
    let item = |icon: Icon, title: &'static str, text: &'static str, act: Box<dyn Fn()>| {
        html::li().child(
            html::button()
                .r#type("button")
                .class("start-item")
                .on(leptos::ev::click, move |_| act())
                .child((icon.l(), html::b().child(title), html::span().child(text))),
        )
    };
    html::section()
        .class("room room-none")
        .attr("aria-label", "This space")
        .child(html::div().class("start").child((
            move || space.with(|space| space.as_ref().map(|space| mark(space.mark, Shape::Group, Size::S72))),
            html::div().child((
                html::h1()
                    .class("start-title")
                    .child(move || space.with(|space| space.as_ref().map(name_of))),
                html::p().class("start-text").child(
                    "Only the people in this space can read what is written in it. The server passes it on and cannot open it; it cannot add anyone either.",
                ),
            )),
            html::ul().class("start-list").child((
                move || {
                    rights.get().channel.then(|| {
                        item(Icon::Plus, "New channel", "A place for one subject", Box::new(move || dialogs.open(Ask::NewChannel(id, NONE))))
                    })
                },
                move || {
                    rights.get().invite.then(|| {
                        item(Icon::UserPlus, "Add people", "By their handles", Box::new(move || dialogs.open(Ask::AddPeople(id.into()))))
                    })
                },
                item(Icon::Settings, "Space settings", "Name, roles, members", Box::new(move || nav.go(Place::SpaceSettings(id)))),
            )),
        )))
        .into_any()
}

/// The address names a space that this account does not have, or not yet.
pub fn absent() -> AnyView {
    let store = use_store();
    (move || {
        if store.syncing().get() || store.link().get() == Link::Connecting {
            return html::section()
                .class("room")
                .attr("aria-busy", "true")
                .attr("aria-label", "Opening the space")
                .child(
                    html::div()
                        .class("room-head")
                        .child((html::div().class("bar"), html::div().class("thinline"))),
                )
                .into_any();
        }
        html::section()
            .class("room room-none")
            .attr("aria-label", "Space not found")
            .child(html::div().class("empty").child((
                html::h1().class("empty-title").child("This space is not here"),
                html::p().child("You may have left it, or the address belongs to another account."),
                link("button", Place::Messages, "All messages"),
            )))
            .into_any()
    })
    .into_any()
}
