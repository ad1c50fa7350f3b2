//! A field for one handle, and who that is.

use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::UserId;

use crate::ui::kit::mark::{Size, hue};
use crate::ui::kit::{Icon, button, unique};
use crate::ui::pictures::portrait;
use crate::ui::screen::use_store;
use crate::ui::{wire, words};
use crate::view::{Command, Outcome, Person, Problem};

#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    Nothing,
    Looking,
    Person(Person),
    /// Nobody, and why.
    Not(String),
    /// Another account than the one that had this handle.
    Moved {
        handle: String,
        now: UserId,
        why: String,
    },
}

#[derive(Clone, Copy)]
pub struct Lookup {
    pub text: RwSignal<String>,
    pub found: RwSignal<Found>,
    number: StoredValue<u32>,
}

impl Lookup {
    pub fn new() -> Self {
        let lookup = Self {
            text: RwSignal::default(),
            found: RwSignal::new(Found::Nothing),
            number: StoredValue::new(0),
        };
        let timer = StoredValue::new(None::<TimeoutHandle>);
        Effect::new(move |_| {
            lookup.text.track();
            if let Some(timer) = timer.try_update_value(Option::take).flatten() {
                timer.clear();
            }
            let number = lookup.number.get_value() + 1;
            lookup.number.set_value(number);
            let handle = lookup.handle();
            if handle.len() < 3 {
                lookup.found.set(Found::Nothing);
                return;
            }
            let look = move || {
                // Nobody was faster: neither a letter nor a press on the button.
                if lookup.number.try_get_value() == Some(number) {
                    lookup.look(handle, number, |_| ());
                }
            };
            timer.set_value(set_timeout_with_handle(look, Duration::from_millis(300)).ok());
        });
        lookup
    }

    /// What is typed, as the server knows it.
    pub fn handle(self) -> String {
        let text = self.text.get_untracked();
        let text = text.trim().trim_start_matches('@').to_ascii_lowercase();
        // "noor@sotto.example" is how handles are shown, so it may be what was pasted.
        text.split('@').next().unwrap_or_default().to_owned()
    }

    /// Asks who that is now.
    pub fn look_now(self, then: impl FnOnce(Option<Person>) + 'static) {
        let number = self.number.get_value() + 1;
        self.number.set_value(number);
        self.look(self.handle(), number, then);
    }

    fn look(self, handle: String, number: u32, then: impl FnOnce(Option<Person>) + 'static) {
        self.found.set(Found::Looking);
        wire::ask(Command::FindPerson { handle }, move |result| {
            // The dialog may be closed, or something else typed, by now.
            if self.number.try_get_value() != Some(number) {
                return;
            }
            let found = match result {
                Ok(Outcome::Person(person)) if person.is_me => Found::Not(words::problem(&Problem::ThatIsYou)),
                Ok(Outcome::Person(person)) => Found::Person(person),
                Ok(_) => Found::Nothing,
                Err(Problem::HandleMoved { handle, now, verified }) => {
                    let why = words::problem(&Problem::HandleMoved {
                        handle: handle.clone(),
                        now,
                        verified,
                    });
                    Found::Moved { handle, now, why }
                }
                Err(problem) => Found::Not(words::problem(&problem)),
            };
            let person = if let Found::Person(person) = &found {
                Some(person.clone())
            } else {
                None
            };
            self.found.set(found);
            then(person);
        });
    }

    pub fn field(self, label: &'static str, hint: Option<&'static str>) -> AnyView {
        let (id, below) = (unique("handle"), unique("found"));
        html::div()
            .class("field")
            .child((
                html::label().class("field-label").r#for(id.clone()).child(label),
                html::div()
                    .class("input-group")
                    .child((self.input(id, below.clone()), suffix())),
                self.result(below, hint),
            ))
            .into_any()
    }

    pub fn input(self, id: String, below: String) -> AnyView {
        html::input()
            .class("input")
            .id(id)
            .r#type("text")
            .attr("autocomplete", "off")
            .attr("autocapitalize", "none")
            .attr("spellcheck", "false")
            .attr("data-1p-ignore", "")
            .attr("aria-describedby", below)
            .attr("aria-invalid", move || {
                matches!(self.found.get(), Found::Not(_)).then_some("true")
            })
            .autofocus(true)
            .prop("value", move || self.text.get())
            .on(ev::input, move |event| self.text.set(event_target_value(&event)))
            .into_any()
    }

    /// Who that is, or why not; the hint until then.
    pub fn result(self, id: String, hint: Option<&'static str>) -> AnyView {
        html::div()
            .class("found")
            .id(id)
            .attr("aria-live", "polite")
            .child(move || match self.found.get() {
                Found::Nothing => hint.map(|hint| html::p().class("field-hint").child(hint).into_any()),
                Found::Looking => Some(html::p().class("field-hint").child("Looking").into_any()),
                Found::Not(why) => Some(
                    html::p()
                        .class("field-error")
                        .child((Icon::CircleAlert.s(), html::span().child(why)))
                        .into_any(),
                ),
                Found::Moved { handle, now, why } => Some(self.moved(handle, now, why)),
                Found::Person(person) => Some(card(&person)),
            })
            .into_any()
    }
}

impl Lookup {
    /// Another account under a known handle: nothing is sent to it before the person says so.
    fn moved(self, handle: String, now: UserId, why: String) -> AnyView {
        let accept = move || {
            let number = self.number.get_value();
            let command = Command::AcceptHandle {
                handle: handle.clone(),
                user: now,
            };
            wire::ask(command, move |result| {
                if self.number.try_get_value() != Some(number) {
                    return;
                }
                self.found.set(match result {
                    Ok(Outcome::Person(person)) => Found::Person(person),
                    Ok(_) => Found::Nothing,
                    Err(problem) => Found::Not(words::problem(&problem)),
                });
            });
        };
        html::div()
            .class("banner banner-danger banner-tall")
            .child((
                Icon::Shield.view(),
                html::div().class("banner-text").child((
                    html::p().child(why),
                    button::button(
                        "button button-s button-danger-quiet gap-above",
                        "Take the new account",
                        accept,
                    ),
                )),
            ))
            .into_any()
    }
}

fn suffix() -> AnyView {
    let realm = use_store().realm();
    (!realm.is_empty())
        .then(|| html::span().class("input-suffix").child(format!("@{realm}")))
        .into_any()
}

fn card(person: &Person) -> AnyView {
    html::p()
        .class("found-person")
        .child((
            portrait(person.id, person.mark, Size::S28),
            html::b()
                .attr("data-hue", hue(person.mark))
                .child(person.handle.clone()),
            words::trust(person.trust).map(|words| html::span().class("muted").child(words)),
        ))
        .into_any()
}
