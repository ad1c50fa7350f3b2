//! A field for several handles: each that was found becomes a chip that can be taken out again.

use leptos::prelude::*;
use leptos::{ev, html};

use super::lookup::{Found, Lookup};
use crate::ui::browser;
use crate::ui::kit::mark::Size;
use crate::ui::kit::{Icon, button, unique};
use crate::ui::pictures::portrait;
use crate::view::Person;

#[derive(Clone, Copy)]
pub struct Picker {
    lookup: Lookup,
    chosen: RwSignal<Vec<Person>>,
}

impl Picker {
    pub fn new() -> Self {
        Self {
            lookup: Lookup::new(),
            chosen: RwSignal::default(),
        }
    }

    /// Whether anything was entered.
    pub fn any(self) -> bool {
        !self.lookup.text.get().is_empty() || self.chosen.with(|chosen| !chosen.is_empty())
    }

    /// Hands over the handles. What is still in the field counts too, if it is somebody; otherwise the field says why not.
    pub fn finish(self, then: impl FnOnce(Vec<String>) + 'static) {
        let handles = move || {
            self.chosen
                .with_untracked(|chosen| chosen.iter().map(|person| person.handle.clone()).collect())
        };
        if self.lookup.handle().is_empty() {
            then(handles());
            return;
        }
        self.take(move |taken| {
            if taken {
                then(handles());
            }
        });
    }

    /// Makes a chip of what is in the field.
    fn take(self, then: impl FnOnce(bool) + 'static) {
        let add = move |person: Person| {
            self.chosen.update(|chosen| {
                if chosen.iter().all(|other| other.id != person.id) {
                    chosen.push(person);
                }
            });
            self.lookup.text.set(String::new());
        };
        match self.lookup.found.get_untracked() {
            Found::Person(person) if person.handle == self.lookup.handle() => {
                add(person);
                then(true);
            }
            _ => self.lookup.look_now(move |person| {
                let found = person.is_some();
                if let Some(person) = person {
                    add(person);
                }
                then(found);
            }),
        }
    }

    pub fn view(self, label: &'static str) -> AnyView {
        let (id, below) = (unique("people"), unique("found"));
        let chips = move || {
            self.chosen
                .get()
                .into_iter()
                .map(|person| {
                    let gone = person.id;
                    html::li().class("chip").child((
                        portrait(person.id, person.mark, Size::S20),
                        html::span().class("truncate").child(person.handle.clone()),
                        html::button()
                            .r#type("button")
                            .class("chip-x")
                            .attr("aria-label", format!("Take {} out", person.handle))
                            .on(ev::click, move |_| {
                                self.chosen.update(|chosen| chosen.retain(|person| person.id != gone))
                            })
                            .child(Icon::X.s()),
                    ))
                })
                .collect_view()
        };
        let keys = move |event: web_sys::KeyboardEvent| {
            if browser::is_composing(&event) {
                return;
            }
            let empty = self.lookup.text.with_untracked(String::is_empty);
            match event.key().as_str() {
                "Enter" | "," | " " if !empty => {
                    event.prevent_default();
                    self.take(|_| ());
                }
                "Backspace" if empty => self.chosen.update(|chosen| drop(chosen.pop())),
                _ => {}
            }
        };
        html::div()
            .class("field")
            .child((
                html::label().class("field-label").r#for(id.clone()).child(label),
                html::div().class("input-group picker").on(ev::keydown, keys).child((
                    html::ul()
                        .class("chips")
                        .attr("aria-label", "Chosen people")
                        .child(chips),
                    self.lookup.input(id, below.clone()),
                    button::button("button button-quiet button-s", "Add", move || {
                        if !self.lookup.handle().is_empty() {
                            self.take(|_| ());
                        }
                    }),
                )),
                self.lookup.result(below, Some("Handles, one after the other.")),
            ))
            .into_any()
    }
}
