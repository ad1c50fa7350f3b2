//! Profile: what others call this person, and the link under which they are found.

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::contacts::MAX_STATUS_BYTES;

use super::head;
use super::picture::picture;
use crate::ui::dialogs::{error_line, refuse};
use crate::ui::kit::button;
use crate::ui::kit::field::{Field, Kind};
use crate::ui::people::share::share;
use crate::ui::place::Page;
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::{guest, link, sidebar, wire};
use crate::view::{Command, Problem};

pub fn page() -> AnyView {
    let store = use_store();
    let me = Memo::new(move |_| store.me().and_then(|me| store.person(me)));
    let am_guest = guest::am_guest();
    let own_link = move || {
        let me = me.get()?;
        let link = format!("c1.{}.{}", me.id, me.handle);
        Some(share(
            link::address(&link),
            "Your link",
            "Whoever opens it finds you and nobody else: it names your account, not only your handle.",
        ))
    };
    (
        head(
            Page::Profile,
            "People in your conversations see this. The server does not.",
        ),
        picture(),
        form(),
        move || {
            (!am_guest.get()).then(|| {
                html::section().class("settings-group").child((
                    html::h2().child("How people find you"),
                    html::div().class("settings-list card-pad").child(own_link),
                ))
            })
        },
    )
        .into_any()
}

fn form() -> AnyView {
    let (store, toasts) = (use_store(), use_toasts());
    let am_guest = guest::am_guest();
    let saved = Memo::new(move |_| {
        let me = store.me().and_then(|me| store.person(me));
        me.map(|me| (me.name, me.status)).unwrap_or_default()
    });
    let (name, status) = saved.get_untracked();
    let (name, status) = (RwSignal::new(name), RwSignal::new(status));
    let (error, busy) = (RwSignal::new(None::<String>), RwSignal::new(false));
    let (name_error, status_error) = (RwSignal::new(None::<String>), RwSignal::new(None::<String>));
    let field = |label: &str, hint, kind, value, error: RwSignal<Option<String>>| Field {
        label: label.into(),
        hint: Some(hint),
        kind,
        value,
        error: error.into(),
        suffix: Signal::stored(String::new()),
        focus: false,
    };
    let changed = Signal::derive(move || {
        saved.with(|saved| name.with(|name| *name.trim() != saved.0) || status.with(|status| *status.trim() != saved.1))
    });
    html::form()
        .class("settings-group profile-form")
        .attr("novalidate", "")
        .attr("aria-label", "Profile")
        .on(ev::submit, move |event| {
            event.prevent_default();
            if busy.get_untracked() {
                return;
            }
            busy.set(true);
            for error in [error, name_error, status_error] {
                error.set(None);
            }
            let command = Command::SetProfile {
                name: name.get_untracked(),
                status: status.get_untracked(),
            };
            wire::ask(command, move |result| {
                busy.try_set(false);
                match result {
                    Ok(_) => toasts.ok("People see it where you write next."),
                    Err(problem) => {
                        let at = match problem {
                            Problem::TooLong { max } if max == MAX_STATUS_BYTES as u32 => status_error,
                            Problem::TooLong { .. } => name_error,
                            _ => error,
                        };
                        refuse(toasts, at, &problem);
                    }
                }
            });
        })
        .child((
            field(
                "Name",
                "What people call you. May be empty: then it is your handle.",
                Kind::Name,
                name,
                name_error,
            )
            .view(),
            html::div().class("field").child((
                html::p().class("field-label").child("Handle"),
                html::p().class("profile-handle").child(sidebar::handle()),
                html::p().class("field-hint").child(move || {
                    if am_guest.get() {
                        "Made for you as a guest. You choose one when you keep this account."
                    } else {
                        "Handles stay as they are."
                    }
                }),
            )),
            field(
                "Status",
                "What you are up to. May be empty.",
                Kind::Name,
                status,
                status_error,
            )
            .view(),
            error_line(error),
            html::div().child(button::submit("button button-primary", "Save", busy.into(), changed)),
        ))
        .into_any()
}
