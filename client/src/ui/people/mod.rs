//! Dialogs that ask for people: by handle, looked up while it is typed.

pub mod card;
pub mod contacts;
pub mod invite;
mod lookup;
mod picker;
pub mod share;

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::RoomId;
use wasm_bindgen::JsCast;

use self::lookup::{Found, Lookup};
use self::picker::Picker;
use super::dialogs::{closer, error_line, refuse, still_stands, use_dialogs};
use super::kit::button;
use super::kit::dialog::Dialog;
use super::kit::field::{Field, Kind};
use super::nav::use_nav;
use super::place::Place;
use super::screen::{use_store, use_toasts};
use super::{browser, wire, words};
use crate::view::{Command, Outcome, Problem};

/// The form of a dialog: body, foot with "Cancel" and the act.
pub fn form(
    name: &'static str,
    body: AnyView,
    act: &'static str,
    busy: RwSignal<bool>,
    send: impl Fn() + 'static,
) -> AnyView {
    let dialogs = use_dialogs();
    html::form()
        .attr("novalidate", "")
        .attr("aria-label", name)
        .on(ev::submit, move |event| {
            event.prevent_default();
            if !busy.get_untracked() {
                send();
                to_the_first_error(&event);
            }
        })
        .child((
            html::div().class("dialog-body").child(body),
            html::footer().class("dialog-foot").child((
                button::button("button", "Cancel", move || dialogs.close()),
                button::submit("button button-primary", act, busy.into(), Signal::stored(true)),
            )),
        ))
        .into_any()
}

/// A field that was found wrong at once gets the keyboard: what is wrong stands there.
fn to_the_first_error(event: &web_sys::SubmitEvent) {
    let form = event.target().and_then(|form| form.dyn_into::<web_sys::Element>().ok());
    request_animation_frame(move || {
        let wrong = form.and_then(|form| form.query_selector("[aria-invalid=true]").ok().flatten());
        if let Some(wrong) = wrong.and_then(|wrong| wrong.dyn_into::<web_sys::HtmlElement>().ok()) {
            drop(wrong.focus());
        }
    });
}

pub fn new_message() -> AnyView {
    let (nav, dialogs, toasts) = (use_nav(), use_dialogs(), use_toasts());
    let lookup = Lookup::new();
    let busy = RwSignal::new(false);
    let send = move || {
        let handle = lookup.handle();
        if handle.is_empty() {
            lookup.found.set(Found::Not("Enter the handle they gave you.".into()));
            return;
        }
        busy.set(true);
        wire::ask(Command::OpenDirect { handle }, move |result| {
            let here = still_stands(busy);
            match result {
                Ok(Outcome::Room(room)) if here => {
                    dialogs.close();
                    nav.go(Place::Room(room.into()));
                    focus_composer();
                }
                Ok(_) => {}
                Err(problem) if here => lookup.found.set(Found::Not(words::problem(&problem))),
                Err(problem) => toasts.danger(words::problem(&problem)),
            }
        });
    };
    let body = lookup.field("Handle", Some("Ask them for it: there is no list of people here."));
    Dialog {
        title: "New message".into(),
        sub: Some("Only the two of you can read what is written.".into()),
        mark: None,
        wide: false,
        kept: Signal::derive(move || !lookup.text.get().is_empty()),
        content: form("New message", body, "Write", busy, send),
        close: closer(),
    }
    .view()
}

pub fn new_group() -> AnyView {
    let (nav, dialogs, toasts) = (use_nav(), use_dialogs(), use_toasts());
    let (name, error) = (RwSignal::new(String::new()), RwSignal::new(None::<String>));
    let (name_error, busy) = (RwSignal::new(None::<String>), RwSignal::new(false));
    let picker = Picker::new();
    let send = move || {
        error.set(None);
        name_error.set(None);
        let named = name.get_untracked().trim().to_owned();
        if named.is_empty() {
            name_error.set(Some(words::problem(&Problem::EmptyName)));
            return;
        }
        picker.finish(move |handles| {
            busy.set(true);
            let made = format!("The group {named} is made.");
            wire::ask(Command::CreateGroup { name: named, handles }, move |result| {
                let here = still_stands(busy);
                match result {
                    Ok(Outcome::Room(room)) if here => {
                        dialogs.close();
                        nav.go(Place::Room(room.into()));
                        focus_composer();
                    }
                    Ok(_) => toasts.ok(made),
                    Err(problem @ (Problem::EmptyName | Problem::TooLong { .. })) => {
                        refuse(toasts, name_error, &problem);
                    }
                    Err(problem) => refuse(toasts, error, &problem),
                }
            });
        });
    };
    let field = Field {
        label: "Name".into(),
        hint: Some("The server cannot read it."),
        kind: Kind::Name,
        value: name,
        error: name_error.into(),
        suffix: Signal::stored(String::new()),
        focus: true,
    };
    let body = (field.view(), picker.view("People"), error_line(error)).into_any();
    Dialog {
        title: "New group".into(),
        sub: Some("Everyone in it can read everything here, and add others. So can whoever is added later.".into()),
        mark: None,
        wide: false,
        kept: Signal::derive(move || !name.get().is_empty() || picker.any()),
        content: form("New group", body, "Create group", busy, send),
        close: closer(),
    }
    .view()
}

pub fn add_people(room: RoomId) -> AnyView {
    let (store, dialogs, toasts) = (use_store(), use_dialogs(), use_toasts());
    let (title, sub) = untrack(|| match store.space(room) {
        Some(space) => (
            space.name,
            "They can read every channel but the private ones, also what was written before.",
        ),
        None => (
            store.room(room.into()).map(|room| room.title).unwrap_or_default(),
            "They can read everything here, also what was written before.",
        ),
    });
    let (error, busy) = (RwSignal::new(None::<String>), RwSignal::new(false));
    let picker = Picker::new();
    let send = move || {
        error.set(None);
        picker.finish(move |handles| {
            if handles.is_empty() {
                error.set(Some("Enter the handle of somebody to add.".into()));
                return;
            }
            busy.set(true);
            let said = match handles.as_slice() {
                [one] => format!("{one} is in."),
                many => format!("{} people are in.", many.len()),
            };
            wire::ask(Command::AddPeople { room, handles }, move |result| {
                let here = still_stands(busy);
                match result {
                    Ok(_) => {
                        if here {
                            dialogs.close();
                        }
                        toasts.ok(said);
                    }
                    Err(problem) => refuse(toasts, error, &problem),
                }
            });
        });
    };
    let body = (picker.view("People"), error_line(error)).into_any();
    Dialog {
        title: format!("Add people to {title}"),
        sub: Some(sub.into()),
        mark: None,
        wide: false,
        kept: Signal::derive(move || picker.any()),
        content: form("Add people", body, "Add", busy, send),
        close: closer(),
    }
    .view()
}

/// After a dialog led into a room: the next thing is to write. Later than the dialog giving focus back.
pub fn focus_composer() {
    set_timeout(
        || browser::focus(super::room::composer::TEXT),
        std::time::Duration::from_millis(80),
    );
}
