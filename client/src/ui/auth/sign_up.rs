//! Sign up: a handle, and six words that the browser made, or a password of one's own.

use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::{ev, html};

use super::{Draft, form_error, suffix, switch};
use crate::ui::kit::field::{Field, Kind, Password, check, strength};
use crate::ui::kit::{Icon, button, unique};
use crate::ui::screen::use_toasts;
use crate::ui::{browser, wire, words};
use crate::view::{Command, Outcome, Problem, Strength};

pub fn view(draft: Draft) -> AnyView {
    if draft.words.with_untracked(Vec::is_empty) {
        new_words(draft);
    }
    let handle = Field {
        label: "Handle",
        hint: Some("Free. People find you by it. It stays as it is."),
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
                    if draft.own.get() {
                        "No email, no phone number. A handle and a password are your way in."
                    } else {
                        "No email, no phone number. Six words are your way in."
                    }
                }),
            )),
            switch(true),
            handle.view(),
            move || if draft.own.get() { own(draft) } else { six_words(draft) },
            move || {
                let (label, hint) = if draft.own.get() {
                    (
                        "I saved it or will remember it",
                        "Nobody can send you a new password, not even whoever runs this server.",
                    )
                } else {
                    (
                        "I saved these words",
                        "Nobody can send you a new password, not even whoever runs this server.",
                    )
                };
                check(label, hint, draft.saved)
            },
            check(
                "Stay signed in",
                "Leave it off where others use this browser too.",
                draft.stay,
            ),
            form_error(draft.form_error),
            button::submit(
                "button button-primary button-l button-wide",
                "Create account",
                draft.working.into(),
                Signal::stored(true),
            ),
        ));
    html::main().class("signup").id("main").child(form).into_any()
}

fn new_words(draft: Draft) {
    wire::ask(Command::MakePassphrase, move |result| match result {
        Ok(Outcome::Passphrase(words)) => {
            draft.words.set(words);
            // They may come late, when somebody has chosen a password of their own and saved that.
            if !draft.own.get_untracked() {
                draft.saved.set(false);
            }
        }
        Ok(_) => {}
        Err(problem) => draft.form_error.set(Some(words::problem(&problem))),
    });
}

fn six_words(draft: Draft) -> AnyView {
    let label_id = unique("words");
    let toasts = use_toasts();
    let list = html::ol()
        .class("words")
        .attr("aria-labelledby", label_id.clone())
        .child(move || {
            let words = draft.words.get();
            if words.is_empty() {
                // The same six places, so that nothing moves when the words come.
                (0..6)
                    .map(|_| html::li().child(html::span().class("skeleton skeleton-60")).into_any())
                    .collect_view()
            } else {
                words
                    .into_iter()
                    .map(|word| html::li().child(word).into_any())
                    .collect_view()
            }
        });
    let copy = move || {
        let text = draft.words.get_untracked().join(" ");
        leptos::task::spawn_local(async move {
            if browser::copy(text).await {
                toasts.ok("Six words copied. Put them into your password manager or on paper.");
            } else {
                toasts.danger("The browser did not let the words be copied. Write them down.");
            }
        });
    };
    html::div()
        .class("field")
        .child((
            html::div().class("field-label").child((
                html::span().id(label_id).child("Password"),
                button::button("link-button", "Use my own", move || {
                    draft.own.set(true);
                    draft.saved.set(false);
                }),
            )),
            list,
            // For password managers, which keep what stands in a password field when the form is sent.
            html::input()
                .class("visually-hidden")
                .r#type("password")
                .attr("autocomplete", "new-password")
                .attr("aria-hidden", "true")
                .attr("readonly", "")
                .tabindex("-1")
                .prop("value", move || draft.words.get().join(" ")),
            html::div().class("strength-row").child((
                strength(4, "Very strong"),
                html::div().class("words-bar").child((
                    button::button(
                        "button button-quiet button-s",
                        (Icon::RefreshCw.view(), "New words"),
                        move || new_words(draft),
                    ),
                    button::button("button button-quiet button-s", (Icon::Copy.view(), "Copy"), copy),
                )),
            )),
            html::p().class("strength-text").child((
                Icon::CircleCheck.view(),
                "Very strong. Guessing it would take longer than anyone has.",
            )),
        ))
        .into_any()
}

fn own(draft: Draft) -> AnyView {
    let id = unique("password");
    let rated = RwSignal::new(None::<Strength>);
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let asked = StoredValue::new(0_u32);
    Effect::new(move |_| {
        let password = draft.password.get();
        if let Some(timer) = timer.try_update_value(Option::take).flatten() {
            timer.clear();
        }
        if password.is_empty() {
            rated.set(None);
            return;
        }
        let rate = move || {
            // The timer may fire when this form has gone.
            let Some(number) = asked.try_get_value().map(|newest| newest + 1) else {
                return;
            };
            asked.set_value(number);
            wire::ask(
                Command::RatePassword {
                    handle: draft.clean_handle(),
                    password,
                },
                move |result| {
                    // Only the newest answer counts.
                    if let (Ok(Outcome::Strength(strength)), Some(true)) =
                        (result, asked.try_with_value(|newest| *newest == number))
                    {
                        rated.set(Some(strength));
                    }
                },
            );
        };
        timer.set_value(set_timeout_with_handle(rate, Duration::from_millis(250)).ok());
    });
    let label = html::div()
        .class("field-label")
        .child((
            html::label().r#for(id.clone()).child("Password"),
            button::button("link-button", "Use six words", move || {
                draft.own.set(false);
                draft.saved.set(false);
                draft.password_error.set(None);
            }),
        ))
        .into_any();
    let password = Password {
        label,
        value: draft.password,
        autocomplete: "new-password",
        error: draft.password_error.into(),
        id,
    };
    let meter = move || {
        let (score, text) = match rated.get() {
            None => (0, "At least as hard to guess as four random words.".to_owned()),
            Some(Strength { score, advice }) => {
                let text = words::strength(score);
                (
                    score.max(1),
                    advice.map_or_else(|| format!("{text}."), |advice| format!("{text}. {advice}")),
                )
            }
        };
        let bars = if score == 0 {
            html::div()
                .class("strength")
                .attr("aria-hidden", "true")
                .child((html::i(), html::i(), html::i(), html::i()))
                .into_any()
        } else {
            strength(score, words::strength(score))
        };
        (
            bars,
            html::p()
                .class("strength-text")
                .child(((score > 2).then(|| Icon::CircleCheck.view()), html::span().child(text))),
        )
    };
    html::div()
        .class("own")
        .child((
            password.view(),
            html::div().class("own-meter").attr("aria-live", "polite").child(meter),
        ))
        .into_any()
}

fn submit(draft: Draft) {
    draft.clear_errors();
    let handle = draft.clean_handle();
    let own = draft.own.get_untracked();
    let password = if own {
        draft.password.get_untracked()
    } else {
        draft.words.get_untracked().join(" ")
    };
    if !well_formed(&handle) {
        draft.handle_error.set(Some(words::problem(&Problem::HandleMalformed)));
        return;
    }
    if password.is_empty() {
        draft
            .password_error
            .set(Some("Choose a password, or take the six words.".into()));
        return;
    }
    if !draft.saved.get_untracked() {
        draft.form_error.set(Some(if own {
            "Make sure you will have the password, then tick the box. It is the only way in.".into()
        } else {
            "Save the six words, then tick the box. They are the only way in.".into()
        }));
        return;
    }
    draft.working.set(true);
    wire::ask(
        Command::SignUp {
            handle,
            password,
            stay: draft.stay.get_untracked(),
        },
        move |result| {
            draft.working.set(false);
            if let Err(problem) = result {
                let text = words::problem(&problem);
                match problem {
                    Problem::HandleTaken(_) | Problem::HandleMalformed => draft.handle_error.set(Some(text)),
                    Problem::WeakPassword(_) if own => draft.password_error.set(Some(text)),
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
