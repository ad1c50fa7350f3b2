//! Sign up: a handle, and six words that the browser made, or a password of one's own.

use leptos::prelude::*;
use leptos::{ev, html};

use super::{Doing, Draft, form_error, stay, suffix, switch};
use crate::ui::kit::button;
use crate::ui::kit::field::{Field, Kind};
use crate::ui::link::waiting;
use crate::ui::{browser, wire, words};
use crate::view::{Command, Problem};

pub fn view(draft: Draft) -> AnyView {
    let handle = Field {
        label: "Handle".into(),
        hint: Some("People find you by it. It cannot be changed later."),
        kind: Kind::Handle,
        value: draft.handle,
        error: draft.handle_error.into(),
        suffix: suffix(),
        focus: !browser::is_touch(),
    };
    let form = html::form()
        .class("signup-card signup-form")
        .attr("aria-label", "Create account")
        .attr("novalidate", "")
        .on(ev::submit, move |event| {
            event.prevent_default();
            submit(draft);
        })
        .child((
            html::div().child((
                html::h1().class("signup-title").child("Create your account"),
                html::p().class("signup-sub").child(move || {
                    if draft.new.own.get() {
                        "No email, no phone number. A handle and a password are your way in."
                    } else {
                        "No email, no phone number. Six words are your way in."
                    }
                }),
            )),
            waiting(),
            switch(true),
            handle.view(),
            draft.new.view("Password", Signal::derive(move || draft.clean_handle())),
            stay(draft),
            form_error(draft.form_error),
            button::submit(
                "button button-primary button-l button-wide",
                "Create account",
                draft.busy(),
                Signal::stored(true),
            ),
        ));
    html::main().class("signup").id("main").child(form).into_any()
}

fn submit(draft: Draft) {
    draft.clear_errors();
    let handle = draft.clean_handle();
    if !well_formed(&handle) {
        draft.handle_error.set(Some(words::problem(&Problem::HandleMalformed)));
        return;
    }
    let Some(password) = draft.new.chosen() else { return };
    draft.begin(Doing::SigningUp);
    wire::ask(
        Command::SignUp {
            handle,
            password,
            stay: draft.stay.get_untracked(),
        },
        move |result| {
            draft.doing.set(None);
            if let Err(problem) = result {
                let text = words::problem(&problem);
                match problem {
                    Problem::HandleTaken(_) | Problem::HandleMalformed => draft.handle_error.set(Some(text)),
                    problem if draft.new.refused(&problem) => {}
                    _ => draft.form_error.set(Some(text)),
                }
            }
        },
    );
}

fn well_formed(handle: &str) -> bool {
    let mut letters = handle.bytes();
    (3..=32).contains(&handle.len())
        && letters.next().is_some_and(|first| first.is_ascii_lowercase())
        && letters
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_' || letter == b'-')
}
