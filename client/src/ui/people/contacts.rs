//! Contacts: who this person talks with, who asks to, and whom they do not want to hear.

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::UserId;

use super::lookup::{Found, Lookup};
use crate::ui::dialogs::{Ask, still_stands, use_dialogs};
use crate::ui::kit::mark::Size;
use crate::ui::kit::{Icon, button};
use crate::ui::link::use_link;
use crate::ui::nav::{icon_link, use_nav};
use crate::ui::pictures::portrait;
use crate::ui::place::{Place, Tab};
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::{wire, words};
use crate::view::{Chat, Command, Contact, ContactAct, Outcome, Person};

pub fn sheet() -> AnyView {
    let nav = use_nav();
    let tab = Memo::new(move |_| match nav.place() {
        Place::Contacts(tab) => tab,
        _ => Tab::People,
    });
    html::section()
        .class("room contacts")
        .attr("aria-labelledby", "contacts-title")
        .child((
            html::header().class("bar").child((
                icon_link(
                    "button button-quiet button-icon bar-back",
                    Place::Messages,
                    Icon::ArrowLeft,
                    "All messages",
                ),
                html::h1().class("bar-title").id("contacts-title").child("Contacts"),
            )),
            html::div()
                .class("contacts-body")
                // It scrolls, so it must be reachable by keys.
                .tabindex("0")
                .child((
                    html::nav()
                        .class("segmented")
                        .attr("aria-label", "Contacts")
                        .child(Tab::ALL.map(|one| tab_link(one, tab)).into_iter().collect_view()),
                    move || match tab.get() {
                        Tab::People => people(),
                        Tab::Requests => requests(),
                        Tab::Blocked => blocked(),
                    },
                )),
        ))
        .into_any()
}

fn tab_link(one: Tab, open: Memo<Tab>) -> AnyView {
    html::a()
        .class("segmented-item")
        .href(Place::Contacts(one).path())
        .attr("aria-current", move || (open.get() == one).then_some("page"))
        .child(match one {
            Tab::People => "People",
            Tab::Requests => "Requests",
            Tab::Blocked => "Blocked",
        })
        .into_any()
}

/// Everybody about whom this was decided, by name.
fn with(states: &'static [Contact]) -> Memo<Vec<UserId>> {
    let store = use_store();
    Memo::new(move |_| {
        let mut people = store.people();
        people.retain(|person| states.contains(&person.contact));
        people.sort_by_cached_key(|person| (person.shown().to_lowercase(), person.handle.clone()));
        people.into_iter().map(|person| person.id).collect()
    })
}

fn list(ids: Memo<Vec<UserId>>, acts: impl Fn(UserId) -> AnyView + Copy + Send + Sync + 'static) -> AnyView {
    html::ul()
        .class("invite-list")
        .child(For(ForProps::builder()
            .each(move || ids.get())
            .key(|user| *user)
            .children(move |user| row(user, None, acts(user)))
            .build()))
        .into_any()
}

/// A person: picture, name, handle, and what can be done. `said` takes the place of the second line.
fn row(user: UserId, said: Option<String>, acts: AnyView) -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let person = Memo::new(move |_| store.person(user));
    html::li()
        .class("invite-row")
        .child((
            html::button()
                .r#type("button")
                .class("contact-face")
                .on(ev::click, move |_| dialogs.open(Ask::Person(user)))
                .child((
                    move || person.get().map(|person| portrait(person.id, person.mark, Size::S36)),
                    html::span().class("invite-row-text").child((
                        html::b()
                            .child(move || person.get().map(|person| person.shown().to_owned()).unwrap_or_default()),
                        html::span().class("muted").child(move || {
                            said.clone()
                                .unwrap_or_else(|| person.get().map(|person| second_line(&person)).unwrap_or_default())
                        }),
                    )),
                )),
            acts,
        ))
        .into_any()
}

/// The handle, where a name stands above it; and whether numbers were compared.
fn second_line(person: &Person) -> String {
    let mut said = Vec::new();
    if !person.name.is_empty() {
        said.push(person.handle.clone());
    }
    if person.contact == Contact::Asked {
        said.push("has not answered yet".to_owned());
    }
    said.extend(words::trust(person.trust).map(str::to_owned));
    if !person.status.is_empty() {
        said.push(person.status.clone());
    }
    said.join(", ")
}

fn act(class: &'static str, label: &'static str, user: UserId, act: ContactAct) -> AnyView {
    let toasts = use_toasts();
    button::button(class, label, move || {
        wire::ask(Command::SetContact { user, act }, move |result| {
            if let Err(problem) = result {
                toasts.danger(words::problem(&problem));
            }
        });
    })
}

/// Opens the direct message with somebody who is known here.
pub fn write_to(user: UserId) -> impl Fn() + Copy + Send + Sync + 'static {
    let (store, nav, toasts) = (use_store(), use_nav(), use_toasts());
    move || {
        let handle = store.handle(user);
        wire::ask(Command::OpenDirect { handle }, move |result| match result {
            Ok(Outcome::Room(room)) => nav.go(Place::Room(room.into())),
            Ok(_) => {}
            Err(problem) => toasts.danger(words::problem(&problem)),
        });
    }
}

fn none(title: &'static str, text: &'static str) -> AnyView {
    html::div()
        .class("contacts-none")
        .child((
            html::p().child(html::b().child(title)),
            html::p().class("muted").child(text),
        ))
        .into_any()
}

fn people() -> AnyView {
    let ids = with(&[Contact::Accepted, Contact::Asked]);
    let any = Memo::new(move |_| ids.with(|ids| !ids.is_empty()));
    (add(), move || {
        if any.get() {
            list(ids, |user| {
                html::div()
                    .class("invite-acts")
                    .child(button::button("button button-s", "Message", write_to(user)))
                    .into_any()
            })
        } else {
            none(
                "Nobody yet",
                "People you write to appear here, and people whose request you accept.",
            )
        }
    })
        .into_any()
}

/// A handle, or somebody's own link.
fn add() -> AnyView {
    let (nav, link, toasts) = (use_nav(), use_link(), use_toasts());
    let (lookup, busy) = (Lookup::new(), RwSignal::new(false));
    let send = move || {
        let typed = lookup.text.get_untracked();
        let typed = typed.trim();
        if typed.starts_with("c1.") || typed.contains("#c1.") || typed.contains("#i1.") {
            link.set(typed);
            nav.go(Place::Link);
            return;
        }
        let handle = lookup.handle();
        if handle.is_empty() {
            lookup
                .found
                .set(Found::Not("Enter the handle they gave you, or their link.".into()));
            return;
        }
        busy.set(true);
        wire::ask(Command::OpenDirect { handle }, move |result| {
            // Whoever went elsewhere meanwhile stays there.
            let here = still_stands(busy);
            match result {
                Ok(Outcome::Room(room)) if here => nav.go(Place::Room(room.into())),
                Ok(_) => {}
                Err(problem) if here => lookup.found.set(Found::Not(words::problem(&problem))),
                Err(problem) => toasts.danger(words::problem(&problem)),
            }
        });
    };
    html::form()
        .class("contacts-add")
        .attr("novalidate", "")
        .attr("aria-label", "Add a contact")
        .on(ev::submit, move |event| {
            event.prevent_default();
            if !busy.get_untracked() {
                send();
            }
        })
        .child((
            lookup.field(
                "Handle or link",
                Some("Your first message to them is the request. They see nothing of you before."),
            ),
            button::submit(
                "button",
                (Icon::UserPlus.view(), "Add contact"),
                busy.into(),
                Signal::stored(true),
            ),
        ))
        .into_any()
}

fn requests() -> AnyView {
    let store = use_store();
    let asked = with(&[Contact::Asked]);
    let came = Memo::new(move |_| store.requests());
    (
        move || {
            if came.with(Vec::is_empty) && asked.with(Vec::is_empty) {
                return none(
                    "No requests",
                    "Who writes to you for the first time waits here until you decide. They see nothing of it.",
                );
            }
            ().into_any()
        },
        move || {
            (!came.with(Vec::is_empty)).then(|| {
                html::section().class("invite-part").child((
                    html::h2().class("contacts-head").child("They want to talk with you"),
                    html::ul().class("invite-list").child(For(ForProps::builder()
                        .each(move || came.get())
                        .key(|chat| *chat)
                        .children(request_row)
                        .build())),
                ))
            })
        },
        move || {
            (!asked.with(Vec::is_empty)).then(|| {
                html::section().class("invite-part").child((
                    html::h2().class("contacts-head").child("You wrote first"),
                    list(asked, |user| {
                        html::div()
                            .class("invite-acts")
                            .child((
                                act("button button-s button-quiet", "Cancel", user, ContactAct::Cancel),
                                button::button("button button-s", "Open", write_to(user)),
                            ))
                            .into_any()
                    }),
                ))
            })
        },
    )
        .into_any()
}

fn request_row(chat: Chat) -> AnyView {
    let (store, nav) = (use_store(), use_nav());
    let Some(room) = untrack(|| store.room(chat)) else {
        return ().into_any();
    };
    let Some(user) = room.peer else { return ().into_any() };
    let acts = html::div().class("invite-acts").child((
        button::button("button button-s", "Look", move || nav.go(Place::Room(chat))),
        act("button button-s button-primary", "Accept", user, ContactAct::Accept),
    ));
    let handle = untrack(|| store.handle(user));
    let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = match room.preview.map(|preview| words(preview.text)) {
        // Whoever it is, is not known yet.
        Some(text) if handle.is_empty() => text,
        Some(text) => format!("{handle}: {text}"),
        None => handle,
    };
    row(user, Some(said), acts.into_any())
}

fn blocked() -> AnyView {
    let (blocked, declined) = (with(&[Contact::Blocked]), with(&[Contact::Declined]));
    (
        move || {
            if blocked.with(Vec::is_empty) && declined.with(Vec::is_empty) {
                return none(
                    "Nobody is blocked",
                    "Of whom you block nothing is shown: not their messages in groups, not what they write to you. They are not told.",
                );
            }
            ().into_any()
        },
        move || {
            (!blocked.with(Vec::is_empty)).then(|| {
                list(blocked, |user| {
                    html::div()
                        .class("invite-acts")
                        .child(act("button button-s", "Unblock", user, ContactAct::Forget))
                        .into_any()
                })
            })
        },
        move || {
            (!declined.with(Vec::is_empty)).then(|| {
                html::section().class("invite-part").child((
                    html::h2().class("contacts-head").child("Declined"),
                    list(declined, |user| {
                        html::div()
                            .class("invite-acts")
                            .child(act("button button-s", "Let them ask again", user, ContactAct::Forget))
                            .into_any()
                    }),
                ))
            })
        },
    )
        .into_any()
}

/// In the place of the composer, while nothing is decided about who began this.
pub fn request(chat: Chat, user: UserId) -> AnyView {
    let (store, nav, toasts) = (use_store(), use_nav(), use_toasts());
    let person = Memo::new(move |_| store.person(user));
    let name = move || person.get().map(|person| person.shown().to_owned()).unwrap_or_default();
    let busy = RwSignal::new(false);
    let decide = move |act: ContactAct, said: Option<String>| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        wire::ask(Command::SetContact { user, act }, move |result| {
            busy.try_set(false);
            match (result, said) {
                (Ok(_), Some(said)) => {
                    toasts.ok(said);
                    if nav.place_untracked().room() == Some(chat) {
                        nav.go(Place::Messages);
                    }
                }
                (Ok(_), None) => super::focus_composer(),
                (Err(problem), _) => toasts.danger(words::problem(&problem)),
            }
        });
    };
    // Both, since a name may be anybody's.
    let who = move || {
        let person = person.get()?;
        let handle = person.handle.clone();
        let known = if person.name.is_empty() {
            String::new()
        } else {
            format!("Their handle is {handle}. ")
        };
        Some(format!(
            "{known}Until you accept, {} cannot see that you read this or whether you are online, and nothing here calls for you.",
            person.shown()
        ))
    };
    html::section()
        .class("request")
        .attr("aria-labelledby", "request-title")
        .child((
            html::div().class("request-head").child((
                move || person.get().map(|person| portrait(person.id, person.mark, Size::S40)),
                html::div().child((
                    html::h2()
                        .class("request-title")
                        .id("request-title")
                        .child(move || format!("{} wants to talk with you", name())),
                    html::p().child(who),
                )),
            )),
            html::div().class("request-actions").child((
                button::button("button button-primary", "Accept", move || {
                    decide(ContactAct::Accept, None)
                }),
                button::button("button", "Decline", move || {
                    decide(ContactAct::Decline, Some("Declined. They are not told.".into()))
                }),
                button::button("button button-danger-quiet", "Block", move || {
                    decide(
                        ContactAct::Block,
                        Some(format!("{} is blocked. They are not told.", untrack(name))),
                    )
                }),
            )),
        ))
        .into_any()
}
