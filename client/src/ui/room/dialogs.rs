//! Renaming and leaving.

use crate::view::Chat;
use leptos::ev;
use leptos::html;
use leptos::prelude::*;

use crate::ui::dialogs::{Confirm, closer, refuse, still_stands, use_dialogs};
use crate::ui::kit::button;
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::field::{Field, Kind};
use crate::ui::moderation::dialogs::owner_first;
use crate::ui::moderation::is_last_owner;
use crate::ui::nav::use_nav;
use crate::ui::place::Place;
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::wire;
use crate::view::Command;

fn title(room: Chat) -> String {
    let store = use_store();
    if let Some(space) = untrack(|| store.space(room.room)) {
        return crate::ui::spaces::name_of(&space);
    }
    let title = store.room(room).map(|room| room.title).unwrap_or_default();
    if title.is_empty() { "this group".into() } else { title }
}

pub fn rename(room: Chat) -> AnyView {
    let (store, dialogs, toasts) = (use_store(), use_dialogs(), use_toasts());
    let old = store.room(room).map(|room| room.title).unwrap_or_default();
    let (name, error, busy) = (
        RwSignal::new(old.clone()),
        RwSignal::new(None::<String>),
        RwSignal::new(false),
    );
    let field = Field {
        label: "Name".into(),
        hint: Some("Everyone in the group sees the change. The server cannot read it."),
        kind: Kind::Name,
        value: name,
        error: error.into(),
        suffix: Signal::stored(String::new()),
        focus: true,
    };
    let form = html::form()
        .attr("novalidate", "")
        .attr("aria-label", "Rename the group")
        .on(ev::submit, move |event| {
            event.prevent_default();
            if busy.get_untracked() {
                return;
            }
            busy.set(true);
            wire::ask(
                Command::RenameRoom {
                    room: room.room,
                    name: name.get_untracked().trim().to_owned(),
                },
                move |result| {
                    let here = still_stands(busy);
                    match result {
                        Ok(_) if here => dialogs.close(),
                        Ok(_) => {}
                        Err(problem) => refuse(toasts, error, &problem),
                    }
                },
            );
        })
        .child((
            html::div().class("dialog-body").child(field.view()),
            html::footer().class("dialog-foot").child((
                button::button("button", "Cancel", move || dialogs.close()),
                button::submit("button button-primary", "Rename", busy.into(), Signal::stored(true)),
            )),
        ));
    Dialog {
        title: "Rename the group".into(),
        sub: None,
        mark: None,
        wide: false,
        kept: Signal::derive(move || name.with(|name| *name != old)),
        content: form.into_any(),
        close: closer(),
    }
    .view()
}

pub fn leave(room: Chat) -> AnyView {
    let (nav, toasts) = (use_nav(), use_toasts());
    if is_last_owner(use_store(), room.room) {
        return owner_first(room.room, "You are the only owner, so you cannot leave yet.");
    }
    let name = title(room);
    let said = format!("You left {name}.");
    Confirm {
        title: format!("Leave {name}?"),
        text: "You keep what is in this browser, and get nothing new. Only somebody who is in the group can add you again.".into(),
        act: "Leave group",
        safe: "Stay",
        command: Command::LeaveRoom { room: room.room },
        done: Box::new(move || {
            toasts.ok(said.clone());
            if nav.place_untracked().room() == Some(room) {
                nav.go(Place::Messages);
            }
        }),
    }
    .view()
}
