//! Keys that work anywhere in the app, by the table of `keys`.

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::dialogs::{Ask, Dialogs, use_dialogs};
use super::keys::{Act, Pressed, act};
use super::kit::toast::Toasts;
use super::nav::{Nav, use_nav};
use super::place::Place;
use super::room::acts::{Talk, use_talk};
use super::screen::{use_store, use_toasts};
use super::{browser, room, switcher};
use crate::state::Store;
use crate::view::Chat;

#[derive(Clone, Copy)]
struct Hands {
    nav: Nav,
    store: Store,
    dialogs: Dialogs,
    toasts: Toasts,
    talk: Talk,
}

pub fn watch() {
    let hands = Hands {
        nav: use_nav(),
        store: use_store(),
        dialogs: use_dialogs(),
        toasts: use_toasts(),
        talk: use_talk(),
    };
    let handle = window_event_listener(ev::keydown, move |event| {
        // A menu that has just opened has no focus yet, and what is pressed is meant for it.
        if event.default_prevented() || browser::is_composing(&event) || browser::is_menu_open() {
            return;
        }
        let (key, command) = (event.key(), event.ctrl_key() || event.meta_key());
        let pressed = Pressed {
            key: &key,
            command,
            alt: event.alt_key(),
            shift: event.shift_key(),
        };
        match act(pressed) {
            // These belong to the field, menu or dialog that has the keyboard.
            Some(Act::Leave | Act::OldestUnread) if elsewhere(&event) || hands.dialogs.is_open() => {}
            Some(act) => {
                event.prevent_default();
                hands.act(act);
            }
            None => {
                let letter = key.chars().count() == 1 && key != " " && !command && !event.alt_key();
                if letter && !hands.dialogs.is_open() && !typing_already(&event) {
                    // The key itself then lands in the composer.
                    browser::focus(room::composer::TEXT);
                }
            }
        }
    });
    on_cleanup(move || handle.remove());
}

impl Hands {
    fn act(self, act: Act) {
        match act {
            Act::Switch => self.ask(Ask::Switch),
            Act::Keys => self.ask(Ask::Keys),
            Act::Next => self.step(&self.list(false), true, |_| true),
            Act::Before => self.step(&self.list(false), false, |_| true),
            Act::NextUnread => self.step(&self.list(true), true, |chat| self.has_unread(chat)),
            Act::BeforeUnread => self.step(&self.list(true), false, |chat| self.has_unread(chat)),
            Act::OldestUnread => drop(switcher::to_oldest_unread()),
            Act::Leave => self.leave(),
        }
    }

    fn ask(self, ask: Ask) {
        if !self.dialogs.is_open() {
            self.dialogs.open(ask);
        }
    }

    fn has_unread(self, chat: Chat) -> bool {
        untrack(|| self.store.room(chat)).is_some_and(|room| room.unread > 0)
    }

    /// The conversations in the column; then, where one looks for what is unread, those elsewhere.
    fn list(self, everywhere: bool) -> Vec<Chat> {
        untrack(|| {
            let here = self.nav.place_untracked().space();
            let spaces = self.store.space_list();
            let mut list = here.map_or_else(|| self.store.room_list(), |space| self.store.channels(space));
            if everywhere {
                if here.is_some() {
                    list.extend(self.store.room_list());
                }
                let others = spaces.into_iter().filter(|space| Some(*space) != here);
                list.extend(others.flat_map(|space| self.store.channels(space)));
            }
            list
        })
    }

    /// The next conversation in the list that is wanted; for the one before, the other way.
    fn step(self, rooms: &[Chat], down: bool, is_wanted: impl Fn(Chat) -> bool) {
        if self.dialogs.is_open() {
            return;
        }
        let here = self.nav.place_untracked().room();
        let here = here.and_then(|here| rooms.iter().position(|room| *room == here));
        let next = match (here, down) {
            (None, true) => rooms.iter().find(|room| is_wanted(**room)),
            (None, false) => rooms.iter().rev().find(|room| is_wanted(**room)),
            (Some(at), true) => rooms.iter().skip(at + 1).find(|room| is_wanted(**room)),
            (Some(at), false) => rooms.iter().take(at).rev().find(|room| is_wanted(**room)),
        };
        if let Some(room) = next {
            self.nav.go(Place::Room(*room));
        }
    }

    fn leave(self) {
        match self.nav.place_untracked() {
            Place::Members(chat) | Place::Pins(chat) | Place::Threads(chat) | Place::Thread(chat, _) => {
                self.nav.go(Place::Room(chat));
                browser::focus(room::composer::TEXT);
            }
            Place::Room(chat) if self.has_unread(chat) || self.talk.marked_unread(chat).is_some() => {
                super::hush::mark_read(self.store, self.toasts, self.talk, chat);
            }
            _ => {}
        }
    }
}

fn target(event: &web_sys::KeyboardEvent) -> Option<web_sys::Element> {
    event.target()?.dyn_into().ok()
}

/// Whether the key belongs to a field, a menu or an open list.
fn typing_already(event: &web_sys::KeyboardEvent) -> bool {
    let within = "input, textarea, select, [contenteditable], [popover], dialog";
    target(event).is_some_and(|element| element.closest(within).ok().flatten().is_some())
}

/// The same, where the composer is no field of its own.
fn elsewhere(event: &web_sys::KeyboardEvent) -> bool {
    typing_already(event) && target(event).is_none_or(|element| element.id() != room::composer::TEXT)
}
