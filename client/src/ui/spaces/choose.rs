//! Choosing among the members of a space: a filter, and boxes to tick.

use std::collections::HashSet;

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::{RoomId, UserId};

use crate::ui::dialogs::who_first;
use crate::ui::kit::mark::Size;
use crate::ui::kit::unique;
use crate::ui::pictures::portrait;
use crate::ui::screen::use_store;
use crate::ui::{browser, fuzzy, words};

/// Shown at once; typing a few letters brings up the others.
const SHOWN: usize = 40;

#[derive(Clone, Copy)]
pub struct Choice {
    /// Whoever may be chosen, in the order of their names.
    people: StoredValue<Vec<(UserId, String)>>,
    chosen: RwSignal<HashSet<UserId>>,
    typed: RwSignal<String>,
}

impl Choice {
    /// Members of the space but oneself and these.
    pub fn new(space: RoomId, but: Vec<UserId>) -> Self {
        let store = use_store();
        let me = store.me();
        let mut people: Vec<(UserId, String)> = untrack(|| {
            let members = store.members(space).unwrap_or_default();
            let users = members.iter().map(|member| member.user);
            users
                .filter(|user| Some(*user) != me && !but.contains(user))
                .map(|user| (user, store.who(user)))
                .collect()
        });
        people.sort_by_cached_key(|(_, name)| name.to_lowercase());
        Self {
            people: StoredValue::new(people),
            chosen: RwSignal::default(),
            typed: RwSignal::default(),
        }
    }

    pub fn chosen(self) -> Vec<UserId> {
        self.chosen.with_untracked(|chosen| chosen.iter().copied().collect())
    }

    pub fn any(self) -> bool {
        self.chosen.with(|chosen| !chosen.is_empty())
    }

    pub fn view(self, label: &'static str) -> AnyView {
        let (id, store) = (unique("choice"), use_store());
        // Who was chosen stays in sight; of the others those whose names answer.
        let found = Memo::new(move |_| {
            self.typed.with(|typed| {
                self.people.with_value(|people| {
                    let mut found: Vec<(i32, UserId)> = people
                        .iter()
                        .filter_map(|(user, name)| Some((fuzzy::find(typed, name)?.score, *user)))
                        .collect();
                    if !typed.trim().is_empty() {
                        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
                    }
                    found.into_iter().map(|(_, user)| user).collect::<Vec<_>>()
                })
            })
        });
        let shown = Memo::new(move |_| found.with(|found| found.iter().take(SHOWN).copied().collect::<Vec<_>>()));
        let more = move || found.with(Vec::len).saturating_sub(SHOWN);
        let row = move |user: UserId| {
            let person = untrack(|| store.person(user));
            html::li().child(
                html::label().class("check choice-person").child((
                    html::input()
                        .r#type("checkbox")
                        .prop("checked", move || self.chosen.with(|chosen| chosen.contains(&user)))
                        .on(ev::change, move |event| {
                            let on = event_target_checked(&event);
                            self.chosen.update(|chosen| {
                                if on {
                                    chosen.insert(user);
                                } else {
                                    chosen.remove(&user);
                                }
                            });
                        }),
                    html::span().class("choice-who").child((
                        person
                            .as_ref()
                            .map(|person| portrait(person.id, person.mark, Size::S20)),
                        who_first(store, user),
                    )),
                )),
            )
        };
        let alone = self.people.with_value(Vec::is_empty);
        html::div()
            .class("field")
            .child((
                html::label().class("field-label").r#for(id.clone()).child((
                    label,
                    html::span().class("muted numeric").child(move || {
                        let count = self.chosen.with(HashSet::len);
                        (count > 0).then(|| format!("{count} chosen"))
                    }),
                )),
                html::input()
                    .class("input")
                    .id(id)
                    .r#type("search")
                    .attr("autocomplete", "off")
                    .attr("autocapitalize", "none")
                    .attr("spellcheck", "false")
                    .placeholder("Find a member")
                    .prop("disabled", alone)
                    .prop("value", move || self.typed.get())
                    .on(ev::input, move |event| self.typed.set(event_target_value(&event)))
                    .on(ev::keydown, |event| {
                        // Of the list, not of the form.
                        if event.key() == "Enter" && !browser::is_composing(&event) {
                            event.prevent_default();
                        }
                    }),
                html::ul()
                    .class("choice-people")
                    .attr("aria-label", label)
                    .child(For(ForProps::builder()
                        .each(move || shown.get())
                        .key(|user| *user)
                        .children(row)
                        .build())),
                html::p().class("field-hint").attr("role", "status").child(move || {
                    if alone {
                        "Nobody else is in this space who could be chosen.".to_owned()
                    } else if found.with(Vec::is_empty) {
                        "No member is called that.".to_owned()
                    } else if more() > 0 {
                        format!(
                            "{} more: type a few letters of the name.",
                            words::count(more(), "member", "members")
                        )
                    } else {
                        String::new()
                    }
                }),
            ))
            .into_any()
    }
}
