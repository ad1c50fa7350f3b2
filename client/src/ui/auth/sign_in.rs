//! Landing and sign in: one sentence, one picture, one button.

use leptos::prelude::*;
use leptos::{ev, html};

use super::{Doing, Draft, form_error, parting, picture, stay, suffix, switch};
use crate::ui::dialogs::{Ask, use_dialogs};
use crate::ui::kit::field::{Field, Kind, Password};
use crate::ui::kit::{button, unique};
use crate::ui::link::waiting;
use crate::ui::nav::link;
use crate::ui::place::Place;
use crate::ui::{browser, wire, words};
use crate::view::{Command, Problem};

pub fn view(draft: Draft) -> AnyView {
    let password_id = unique("password");
    // Back from a try that failed: the password is what to look at again.
    let wrong = draft.password_error.with_untracked(Option::is_some);
    let password = Password {
        label: html::label()
            .class("field-label")
            .r#for(password_id.clone())
            .child("Password")
            .into_any(),
        value: draft.password,
        autocomplete: "current-password",
        error: draft.password_error.into(),
        id: password_id.clone(),
        focus: false,
    };
    let handle = Field {
        label: "Handle".into(),
        hint: None,
        kind: Kind::Handle,
        value: draft.handle,
        error: draft.handle_error.into(),
        suffix: suffix(),
        focus: !browser::is_touch() && !wrong,
    };
    if wrong && !browser::is_touch() {
        let id = password_id.clone();
        request_animation_frame(move || browser::focus(&id));
    }
    let form = html::form()
        .class("front-form")
        .attr("aria-label", "Sign in")
        .attr("novalidate", "")
        .on(ev::submit, move |event| {
            event.prevent_default();
            submit(draft, &password_id);
        })
        .child((
            switch(false),
            handle.view(),
            password.view(),
            stay(draft),
            form_error(draft.form_error),
            move || draft.cannot_open.get().then(|| cannot_open(draft)),
            button::submit(
                "button button-primary button-l button-wide",
                "Sign in",
                draft.busy(),
                Signal::stored(true),
            ),
            html::p()
                .class("field-hint")
                .child("Your password stays in this tab. This server never holds it."),
            html::p().child(link("link-button", Place::Recover, "Forgot the password?")),
        ));
    html::main()
        .class("front-main")
        .id("main")
        .child((
            html::div().class("front-signin").child((
                parting(draft),
                waiting(),
                html::h1()
                    .class("front-say")
                    .child("Talk together. The server can’t read a word."),
                html::p()
                    .class("front-sub")
                    .child("Spaces, groups and direct messages in a browser tab. Nothing to install."),
                form,
            )),
            picture::cut(),
        ))
        .into_any()
}

fn submit(draft: Draft, password_id: &str) {
    draft.clear_errors();
    let (handle, password) = (draft.clean_handle(), draft.password.get_untracked());
    if handle.is_empty() {
        draft
            .handle_error
            .set(Some("Enter the handle you chose when you created the account.".into()));
        return;
    }
    if password.is_empty() {
        draft.password_error.set(Some(
            "Enter your password. If it is six words, put a space between them.".into(),
        ));
        browser::focus(password_id);
        return;
    }
    draft.begin(Doing::SigningIn);
    wire::ask(
        Command::SignIn {
            handle,
            password,
            stay: draft.stay.get_untracked(),
        },
        move |result| {
            draft.doing.set(None);
            if let Err(problem) = result {
                let text = words::problem(&problem);
                match problem {
                    Problem::WrongPassword => draft.password_error.set(Some(text)),
                    // The password fits: what it opens does not.
                    Problem::VaultRolledBack | Problem::ServerLied(_) => {
                        draft.form_error.set(Some(text));
                        draft.cannot_open.set(true);
                    }
                    Problem::UnknownHandle(_) | Problem::HandleMalformed => draft.handle_error.set(Some(text)),
                    _ => draft.form_error.set(Some(text)),
                }
            }
        },
    );
}

/// The last way out when the server no longer has what the password opens.
fn cannot_open(draft: Draft) -> AnyView {
    let dialogs = use_dialogs();
    html::p()
        .class("field-hint")
        .child((
            "If it stays like this, nobody can open this account any more. ",
            button::button("link-button", "Start over under the same name", move || {
                dialogs.open(Ask::StartOver {
                    handle: draft.clean_handle(),
                    password: draft.password.get_untracked(),
                    stay: draft.stay.get_untracked(),
                });
            }),
        ))
        .into_any()
}
