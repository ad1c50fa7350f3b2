//! The password is lost: the recovery key opens the account, and a new password is set in the same go.

use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::{ev, html};

use super::{Doing, Draft, form_error, stay, suffix};
use crate::ui::kit::field::{Field, Kind, below};
use crate::ui::kit::{Icon, button, unique};
use crate::ui::nav::link;
use crate::ui::place::Place;
use crate::ui::{browser, wire, words};
use crate::view::{Command, Problem};

/// Characters of a whole key; before that, nothing is called mistyped that may only be unfinished.
const WHOLE: usize = 56;

pub fn view(draft: Draft) -> AnyView {
    let key_id = unique("recovery-key");
    // Back from a try that failed: the key is what to look at again.
    let wrong = draft.recovery_key_error.with_untracked(Option::is_some);
    if wrong && !browser::is_touch() {
        let id = key_id.clone();
        request_animation_frame(move || browser::focus(&id));
    }
    let handle = Field {
        label: "Handle".into(),
        hint: None,
        kind: Kind::Handle,
        value: draft.handle,
        error: draft.handle_error.into(),
        suffix: suffix(),
        focus: !browser::is_touch() && !wrong,
    };
    let form = html::form()
        .class("signup-card signup-form")
        .attr("aria-label", "Recover your account")
        .attr("novalidate", "")
        .on(ev::submit, {
            let key_id = key_id.clone();
            move |event| {
                event.prevent_default();
                submit(draft, &key_id);
            }
        })
        .child((
            html::div().child((
                html::h1().class("signup-title").child("Recover your account"),
                html::p()
                    .class("signup-sub")
                    .child("Your recovery key opens it once more, and you set a new password. Every other browser is signed out."),
            )),
            handle.view(),
            key_field(draft, key_id),
            draft.new.view("New password", Signal::derive(move || draft.clean_handle())),
            stay(draft),
            form_error(draft.form_error),
            button::submit(
                "button button-primary button-l button-wide",
                "Recover account",
                draft.busy(),
                Signal::stored(true),
            ),
            html::p().class("signup-back").child(link("", Place::Home, "Back to sign in")),
            html::section().class("banner banner-tall").attr("aria-labelledby", "no-key").child((
                Icon::Info.view(),
                html::div().class("banner-text").child((
                    html::h2().id("no-key").child("No recovery key either?"),
                    html::p().child("Then nobody can open this account again, not even whoever runs this server. A browser that is still signed in goes on working: save from there what you need. Otherwise make a new account under another handle and ask your people to add it."),
                )),
            )),
        ));
    html::main().class("signup").id("main").child(form).into_any()
}

fn key_field(draft: Draft, id: String) -> AnyView {
    let (error, fits) = (draft.recovery_key_error, RwSignal::new(false));
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let by_key = id.clone();
    let hint_id = format!("{id}-hint");
    let look = move || {
        let key = draft.recovery_key.get_untracked();
        if key.trim().is_empty() {
            return;
        }
        wire::ask(Command::CheckRecoveryKey { key: key.clone() }, move |result| {
            // Only while it still stands there like that.
            if draft.recovery_key.try_get_untracked() != Some(key) {
                return;
            }
            fits.try_set(result.is_ok());
            error.try_set(result.err().map(|problem| words::problem(&problem)));
        });
    };
    let typed = move |text: String| {
        fits.set(false);
        error.set(None);
        let letters = text.chars().filter(char::is_ascii_alphanumeric).count();
        draft.recovery_key.set(text);
        if let Some(timer) = timer.try_update_value(Option::take).flatten() {
            timer.clear();
        }
        if letters >= WHOLE {
            timer.set_value(set_timeout_with_handle(look, Duration::from_millis(150)).ok());
        }
    };
    let area = html::textarea()
        .class("input input-code")
        .id(id.clone())
        .attr("rows", "3")
        .attr("autocomplete", "off")
        .attr("autocapitalize", "characters")
        .attr("spellcheck", "false")
        .attr("aria-describedby", hint_id.clone())
        .attr("aria-invalid", move || error.with(Option::is_some).then_some("true"))
        .prop("value", move || draft.recovery_key.get())
        .on(ev::input, move |event| typed(event_target_value(&event)))
        .on(ev::change, move |_| look())
        // It is one thing, however many lines it takes.
        .on(ev::keydown, move |event| {
            if event.key() == "Enter" && !browser::is_composing(&event) {
                event.prevent_default();
                submit(draft, &by_key);
            }
        });
    html::div()
        .class("field")
        .child((
            html::label().class("field-label").r#for(id).child("Recovery key"),
            area,
            below(
                hint_id,
                Some("Fourteen groups of four. Capitals, spaces and dashes do not matter."),
                error.into(),
            ),
            html::div().attr("role", "status").child(move || {
                fits.get().then(|| {
                    html::p()
                        .class("strength-text")
                        .child((Icon::CircleCheck.view(), "Typed without a slip."))
                })
            }),
        ))
        .into_any()
}

fn submit(draft: Draft, key_id: &str) {
    draft.clear_errors();
    let (handle, key) = (draft.clean_handle(), draft.recovery_key.get_untracked());
    if handle.is_empty() {
        draft.handle_error.set(Some("Enter the handle of the account.".into()));
        return;
    }
    if key.trim().is_empty() {
        draft
            .recovery_key_error
            .set(Some("Enter the recovery key from your copy.".into()));
        browser::focus(key_id);
        return;
    }
    let key_id = key_id.to_owned();
    let checked = key.clone();
    // Slips are told before anything else is asked for.
    wire::ask(Command::CheckRecoveryKey { key: checked }, move |result| match result {
        Err(problem) => {
            draft.recovery_key_error.try_set(Some(words::problem(&problem)));
            browser::focus(&key_id);
        }
        Ok(_) => recover(draft, handle, key),
    });
}

fn recover(draft: Draft, handle: String, key: String) {
    let Some(password) = draft.new.chosen() else { return };
    draft.begin(Doing::Recovering);
    wire::ask(
        Command::Recover {
            handle,
            key,
            password,
            stay: draft.stay.get_untracked(),
        },
        move |result| {
            draft.doing.set(None);
            if let Err(problem) = result {
                let text = words::problem(&problem);
                match problem {
                    Problem::RecoveryKeyMistyped { .. } | Problem::WrongRecoveryKey => {
                        draft.recovery_key_error.set(Some(text));
                    }
                    problem if draft.new.refused(&problem) => {}
                    _ => draft.form_error.set(Some(text)),
                }
            }
        },
    );
}
