//! Forms that take a password: a new one is chosen, or the one there is is given once more.

use std::rc::Rc;
use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::{ev, html};

use super::dialogs::{closer, error_line, use_dialogs};
use super::kit::dialog::Dialog;
use super::kit::field::{Password, check, strength};
use super::kit::{Icon, button, unique};
use super::screen::{use_store, use_toasts};
use super::{browser, wire, words};
use crate::view::{Command, Outcome, Problem, Strength};

/// A new password: six words that the browser made, or one of one's own.
#[derive(Clone, Copy)]
pub struct NewPassword {
    id: StoredValue<String>,
    /// One of one's own, as typed.
    value: RwSignal<String>,
    error: RwSignal<Option<String>>,
    words: RwSignal<Vec<String>>,
    pub own: RwSignal<bool>,
    saved: RwSignal<bool>,
    /// What went wrong with the form as a whole.
    form_error: RwSignal<Option<String>>,
}

impl NewPassword {
    pub fn new(value: RwSignal<String>, error: RwSignal<Option<String>>, form_error: RwSignal<Option<String>>) -> Self {
        Self {
            id: StoredValue::new(unique("password")),
            value,
            error,
            words: RwSignal::default(),
            own: RwSignal::new(false),
            saved: RwSignal::new(false),
            form_error,
        }
    }

    /// `handle` may not be part of the password.
    pub fn view(self, label: &'static str, handle: Signal<String>) -> AnyView {
        if self.words.with_untracked(Vec::is_empty) {
            self.make_words();
        }
        (
            move || {
                if self.own.get() {
                    self.typed(label, handle)
                } else {
                    self.six_words(label)
                }
            },
            move || {
                let label = if self.own.get() {
                    "I saved it or will remember it"
                } else {
                    "I saved these words"
                };
                check(
                    label,
                    "Nobody can send you a new password, not even whoever runs this server.",
                    self.saved,
                )
            },
        )
            .into_any()
    }

    /// What was chosen. If something is missing, it is said where it is missing.
    pub fn chosen(self) -> Option<String> {
        let own = self.own.get_untracked();
        let password = if own {
            self.value.get_untracked()
        } else {
            self.words.get_untracked().join(" ")
        };
        if password.is_empty() {
            self.error.set(Some("Choose a password, or take the six words.".into()));
            self.id.with_value(|id| browser::focus(id));
            return None;
        }
        if !self.saved.get_untracked() {
            self.form_error.set(Some(if own {
                "Make sure you will have the password, then tick the box. It is the only way in.".into()
            } else {
                "Save the six words, then tick the box. They are the only way in.".into()
            }));
            return None;
        }
        Some(password)
    }

    pub fn clear_error(self) {
        self.error.set(None);
    }

    /// Takes a refusal that is about it.
    pub fn refused(self, problem: &Problem) -> bool {
        let mine = matches!(problem, Problem::WeakPassword(_)) && self.own.get_untracked();
        if mine {
            self.error.set(Some(words::problem(problem)));
            // Once it stands there again.
            let id = self.id.get_value();
            request_animation_frame(move || browser::focus(&id));
        }
        mine
    }

    fn make_words(self) {
        wire::ask(Command::MakePassphrase, move |result| match result {
            Ok(Outcome::Passphrase(words)) => {
                self.words.try_set(words);
                // They may come late, when somebody has chosen a password of their own and saved that.
                if self.own.try_get_untracked() == Some(false) {
                    self.saved.set(false);
                }
            }
            Ok(_) => {}
            Err(problem) => drop(self.form_error.try_set(Some(words::problem(&problem)))),
        });
    }

    fn six_words(self, label: &'static str) -> AnyView {
        let label_id = unique("words");
        let toasts = use_toasts();
        let list = html::ol()
            .class("words")
            .attr("aria-labelledby", label_id.clone())
            .child(move || {
                let words = self.words.get();
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
            let text = self.words.get_untracked().join(" ");
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
                    html::span().id(label_id).child(label),
                    button::button("link-button", "Use my own", move || {
                        self.own.set(true);
                        self.saved.set(false);
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
                    .prop("value", move || self.words.get().join(" ")),
                html::div().class("strength-row").child((
                    strength(4, "Very strong"),
                    html::div().class("words-bar").child((
                        button::button(
                            "button button-quiet button-s",
                            (Icon::RefreshCw.view(), "New words"),
                            move || self.make_words(),
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

    fn typed(self, label: &'static str, handle: Signal<String>) -> AnyView {
        let id = self.id.get_value();
        let rated = RwSignal::new(None::<Strength>);
        let timer = StoredValue::new(None::<TimeoutHandle>);
        let asked = StoredValue::new(0_u32);
        Effect::new(move |_| {
            let password = self.value.get();
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
                        handle: handle.get_untracked(),
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
                html::label().r#for(id.clone()).child(label),
                button::button("link-button", "Use six words", move || {
                    self.own.set(false);
                    self.saved.set(false);
                    self.error.set(None);
                }),
            ))
            .into_any();
        let password = Password {
            label,
            value: self.value,
            autocomplete: "new-password",
            error: self.error.into(),
            id,
            focus: false,
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
}

/// The password there is, from somebody who is signed in.
#[derive(Clone, Copy)]
pub struct Current {
    label: &'static str,
    id: StoredValue<String>,
    value: RwSignal<String>,
    error: RwSignal<Option<String>>,
}

impl Current {
    pub fn new(label: &'static str) -> Self {
        Self {
            label,
            id: StoredValue::new(unique("password")),
            value: RwSignal::default(),
            error: RwSignal::default(),
        }
    }

    pub fn view(self) -> AnyView {
        let id = self.id.get_value();
        let field = Password {
            label: html::label()
                .class("field-label")
                .r#for(id.clone())
                .child(self.label)
                .into_any(),
            value: self.value,
            autocomplete: "current-password",
            error: self.error.into(),
            id,
            focus: true,
        };
        (owner(my_handle()), field.view()).into_any()
    }

    /// What was typed, or it is said that it is missing.
    pub fn given(self) -> Option<String> {
        self.error.set(None);
        let password = self.value.get_untracked();
        if password.is_empty() {
            self.wrong("Enter your password.");
            return None;
        }
        Some(password)
    }

    /// Takes a refusal that is about it.
    pub fn refused(self, problem: &Problem) -> bool {
        let mine = *problem == Problem::WrongPassword;
        if mine {
            self.wrong("That is not your password. Check it and try again.");
        }
        mine
    }

    fn wrong(self, text: &str) {
        self.error.try_set(Some(text.to_owned()));
        self.id.try_with_value(|id| browser::focus(id));
    }
}

/// Tells password managers whose password it is.
pub fn owner(handle: String) -> AnyView {
    html::input()
        .class("visually-hidden")
        .r#type("text")
        .attr("autocomplete", "username")
        .attr("aria-hidden", "true")
        .attr("readonly", "")
        .tabindex("-1")
        .prop("value", handle)
        .into_any()
}

pub fn my_handle() -> String {
    let store = use_store();
    untrack(move || store.me().map(|me| store.handle(me)).unwrap_or_default())
}

/// Stands while the password is worked on.
pub fn working_on_it(busy: RwSignal<bool>, text: &'static str) -> AnyView {
    html::div()
        .attr("role", "status")
        .child(move || busy.get().then(|| html::p().class("field-hint").child(text)))
        .into_any()
}

/// Closes the dialog, but not while something is under way that it must tell the end of.
pub fn closer_unless(busy: RwSignal<bool>) -> Rc<dyn Fn()> {
    let close = closer();
    Rc::new(move || {
        if !busy.get_untracked() {
            close();
        }
    })
}

/// What becomes of a form that takes the password.
#[derive(Clone, Copy)]
pub struct Giving {
    pub password: Current,
    pub busy: RwSignal<bool>,
    pub error: RwSignal<Option<String>>,
}

impl Giving {
    pub fn new(label: &'static str) -> Self {
        Self {
            password: Current::new(label),
            busy: RwSignal::new(false),
            error: RwSignal::default(),
        }
    }

    /// Something was typed, or is under way.
    pub fn begun(self) -> Signal<bool> {
        Signal::derive(move || self.busy.get() || self.password.value.with(|typed| !typed.is_empty()))
    }
}

/// A question that is answered with the password.
pub struct WithPassword {
    pub title: &'static str,
    pub about: AnyView,
    /// Stands below the password.
    pub more: Option<AnyView>,
    pub act: &'static str,
    /// The class of the button that does it.
    pub button: &'static str,
    /// Nothing, if something else is missing, which it then says.
    pub command: Box<dyn Fn(String) -> Option<Command>>,
    pub done: Box<dyn Fn(Outcome)>,
}

impl WithPassword {
    /// A dialog of its own, which closes when it is done.
    pub fn dialog(self) -> AnyView {
        let (giving, dialogs, title, done) = (Giving::new("Your password"), use_dialogs(), self.title, self.done);
        let closing = Self {
            done: Box::new(move |outcome| {
                dialogs.close();
                done(outcome);
            }),
            ..self
        };
        Dialog {
            title: title.into(),
            sub: None,
            mark: None,
            wide: false,
            kept: giving.begun(),
            content: closing.form(giving),
            close: closer_unless(giving.busy),
        }
        .view()
    }

    /// What stands in a dialog.
    pub fn form(self, giving: Giving) -> AnyView {
        let Giving { password, busy, error } = giving;
        let (command, done) = (self.command, Rc::new(self.done));
        let close = closer_unless(busy);
        html::form()
            .attr("novalidate", "")
            .attr("aria-label", self.title)
            .on(ev::submit, move |event| {
                event.prevent_default();
                if busy.get_untracked() {
                    return;
                }
                error.set(None);
                let Some(command) = password.given().and_then(&command) else {
                    return;
                };
                busy.set(true);
                let done = done.clone();
                wire::ask(command, move |result| {
                    busy.try_set(false);
                    match result {
                        Ok(outcome) => done(outcome),
                        Err(problem) => {
                            if !password.refused(&problem) {
                                error.try_set(Some(words::problem(&problem)));
                            }
                        }
                    }
                });
            })
            .child((
                html::div().class("dialog-body").child((
                    self.about,
                    password.view(),
                    self.more,
                    error_line(error),
                    working_on_it(busy, "Working on the password. This takes a moment on purpose."),
                )),
                html::footer().class("dialog-foot").child((
                    button::button("button", "Cancel", move || close()),
                    button::submit(self.button, self.act, busy.into(), Signal::stored(true)),
                )),
            ))
            .into_any()
    }
}
