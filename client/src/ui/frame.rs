//! The frame of the app: rail, column, sheet. On narrow screens one pane at a time, at the same addresses.

use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::JsCast;

use super::dialogs::{Ask, Dialogs, use_dialogs};
use super::nav::{Nav, use_nav};
use super::place::Place;
use super::screen::{use_narrow, use_store};
use super::{browser, rail, room, settings, sidebar, wire};
use crate::state::Store;
use crate::view::Command;

pub fn frame() -> AnyView {
    let (nav, store, dialogs) = (use_nav(), use_store(), use_dialogs());
    shortcuts(nav, store, dialogs);
    watch_visibility();

    let in_settings = Memo::new(move |_| nav.place().in_settings());
    let pane = Memo::new(move |_| match nav.place() {
        Place::Members(_) => "panel",
        Place::Room(_) | Place::Setting(_) => "room",
        _ => "list",
    });
    // Where the list stands alone, it is the main part.
    let narrow = use_narrow();
    let list_alone = Memo::new(move |_| narrow.get() && pane.get() == "list");
    let main_if = |here: bool| here.then_some("main");
    html::div()
        .class("shell")
        .attr("data-pane", move || pane.get())
        .child((
            rail::rail(),
            html::div()
                .class("side")
                .attr("role", move || main_if(list_alone.get()))
                .attr("id", move || main_if(list_alone.get()))
                .attr("tabindex", move || list_alone.get().then_some("-1"))
                .child(move || {
                    if in_settings.get() {
                        settings::column()
                    } else {
                        sidebar::column()
                    }
                }),
            html::main()
                .class("sheet")
                .attr("id", move || main_if(!list_alone.get()))
                .tabindex("-1")
                .child(move || {
                    if in_settings.get() {
                        settings::sheet()
                    } else {
                        room::sheet()
                    }
                }),
        ))
        .into_any()
}

/// Tells the worker whether the page can be seen, and before that whether it may say what was read: another tab of this
/// browser may have changed that meanwhile.
fn watch_visibility() {
    let tell = || {
        wire::tell(Command::TellRead {
            on: browser::tells_read(),
        });
        wire::tell(Command::Looking {
            visible: !document().hidden(),
        })
    };
    tell();
    let handle = window_event_listener_untyped("visibilitychange", move |_| tell());
    on_cleanup(move || handle.remove());
}

/// Keys that work anywhere in the app.
fn shortcuts(nav: Nav, store: Store, dialogs: Dialogs) {
    let handle = window_event_listener(ev::keydown, move |event| {
        if event.default_prevented() || event.is_composing() {
            return;
        }
        let command = event.ctrl_key() || event.meta_key();
        let key = event.key();
        match key.as_str() {
            "k" | "K" if command && !event.shift_key() && !event.alt_key() => {
                event.prevent_default();
                if dialogs.is_open() {
                    return;
                }
                if nav.place_untracked().in_settings() || browser::is_narrow() {
                    nav.go(Place::Messages);
                }
                request_animation_frame(|| browser::focus(sidebar::FIND));
            }
            "/" if command => {
                event.prevent_default();
                if !dialogs.is_open() {
                    dialogs.open(Ask::Keys);
                }
            }
            "ArrowDown" | "ArrowUp" if event.alt_key() && !command && !event.shift_key() => {
                event.prevent_default();
                let rooms = store.room_list();
                let here = nav
                    .place_untracked()
                    .room()
                    .and_then(|here| rooms.iter().position(|room| *room == here));
                let next = match (here, key == "ArrowDown") {
                    (None, _) => Some(0),
                    (Some(at), true) => Some(at + 1),
                    (Some(at), false) => at.checked_sub(1),
                };
                if let Some(room) = next.and_then(|at| rooms.get(at)) {
                    nav.go(Place::Room(*room));
                }
            }
            _ => {
                let letter = key.chars().count() == 1 && key != " " && !command && !event.alt_key();
                if letter && !dialogs.is_open() && !typing_already(&event) {
                    // The key itself then lands in the composer.
                    browser::focus(room::composer::TEXT);
                }
            }
        }
    });
    on_cleanup(move || handle.remove());
}

/// Whether the key belongs to a field, a menu or an open list.
fn typing_already(event: &web_sys::KeyboardEvent) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|element| {
            element
                .closest("input, textarea, select, [contenteditable], [popover], dialog")
                .ok()
                .flatten()
        })
        .is_some()
}
