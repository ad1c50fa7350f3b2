//! Guests: in with a name, told quietly that they are one, and how they stay.

use leptos::prelude::*;
use leptos::{ev, html};

use super::auth::use_parting;
use super::dialogs::{Ask, Confirm, error_line, still_stands, use_dialogs};
use super::kit::dialog::Dialog;
use super::kit::field::{Field, Kind};
use super::kit::{Icon, button};
use super::link::use_link;
use super::nav::use_nav;
use super::password::{NewPassword, closer_unless, working_on_it};
use super::place::Place;
use super::screen::use_store;
use super::settings::account::offer_recovery_key;
use super::{sidebar, wire, words};
use crate::view::{Command, Problem};

/// Whether whoever is here is a guest.
pub fn am_guest() -> Memo<bool> {
    let store = use_store();
    Memo::new(move |_| {
        let me = store.me().and_then(|me| store.person(me));
        me.is_some_and(|me| me.guest)
    })
}

/// Beside the name of one.
pub fn tag() -> AnyView {
    html::span().class("tag").child("Guest").into_any()
}

/// Below what a link leads to, for somebody without an account: a name is enough.
pub fn come_in(open: RwSignal<bool>) -> AnyView {
    let link = use_link();
    let busy = RwSignal::new(false);
    let (name, wrong, error) = (
        RwSignal::new(String::new()),
        RwSignal::new(None::<String>),
        RwSignal::new(None::<String>),
    );
    let submit = move || {
        if busy.get_untracked() {
            return;
        }
        wrong.set(None);
        error.set(None);
        let name = name.get_untracked();
        if name.trim().is_empty() {
            wrong.set(Some("Enter a name for the others to see.".into()));
            return;
        }
        busy.set(true);
        link.come_in(true);
        wire::ask(Command::ComeIn { name }, move |result| {
            busy.try_set(false);
            if let Err(problem) = result {
                link.come_in(false);
                let text = Some(words::problem(&problem));
                match problem {
                    Problem::EmptyName | Problem::TooLong { .. } => drop(wrong.try_set(text)),
                    _ => drop(error.try_set(text)),
                }
            }
        });
    };
    let form = move || {
        let field = Field {
            label: "Your name".into(),
            hint: Some("The people in there see it. The server does not."),
            kind: Kind::Name,
            value: name,
            error: wrong.into(),
            suffix: Signal::stored(String::new()),
            focus: true,
        };
        html::form()
            .class("front-form")
            .attr("novalidate", "")
            .attr("aria-label", "Come in as a guest")
            .on(ev::submit, move |event| {
                event.prevent_default();
                submit();
            })
            .child((
                field.view(),
                error_line(error),
                button::submit(
                    "button button-primary button-l button-wide",
                    "Come in",
                    busy.into(),
                    Signal::stored(true),
                ),
                html::p()
                    .class("field-hint")
                    .child("Good in this browser, for 30 days at most. You can keep the account at any time: everything stays."),
            ))
    };
    (move || {
        if open.get() {
            form().into_any()
        } else {
            button::button("button button-l button-wide", "Come in as a guest", move || {
                open.set(true)
            })
        }
    })
    .into_any()
}

/// Quietly, wherever a guest is.
pub fn banner() -> AnyView {
    let (dialogs, guest) = (use_dialogs(), am_guest());
    (move || {
        guest.get().then(|| {
            html::div().class("banner guest-banner").attr("role", "status").child((
                Icon::UserRound.view(),
                html::div().class("banner-text").child((
                    "You are here as a guest. ",
                    button::button("link-button", "Keep this account", move || {
                        dialogs.open(Ask::KeepAccount)
                    }),
                )),
            ))
        })
    })
    .into_any()
}

pub fn keep() -> AnyView {
    let (dialogs, parting) = (use_dialogs(), use_parting());
    let (handle, handle_error) = (RwSignal::new(String::new()), RwSignal::new(None::<String>));
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<String>));
    let new = NewPassword::new(RwSignal::default(), RwSignal::default(), error);
    let kept = RwSignal::new(false);
    let submit = move || {
        if busy.get_untracked() {
            return;
        }
        error.set(None);
        handle_error.set(None);
        new.clear_error();
        let handle = handle.get_untracked();
        if handle.trim().is_empty() {
            handle_error.set(Some("Choose a handle. People find you by it.".into()));
            return;
        }
        let Some(password) = new.chosen() else { return };
        busy.set(true);
        wire::ask(Command::KeepAccount { handle, password }, move |result| {
            let here = still_stands(busy);
            let Err(problem) = result else {
                kept.try_set(true);
                return;
            };
            let text = words::problem(&problem);
            match &problem {
                Problem::HandleTaken(_) | Problem::HandleMalformed => drop(handle_error.try_set(Some(text))),
                Problem::KeptElsewhere(_) => {
                    parting.say(text);
                    if here {
                        dialogs.close();
                    }
                }
                problem if new.refused(problem) => {}
                _ => drop(error.try_set(Some(text))),
            }
        });
    };
    let content = move || {
        if kept.get() {
            return done();
        }
        let close = closer_unless(busy);
        let field = Field {
            label: "Handle".into(),
            hint: Some("People find you by it. It cannot be changed later."),
            kind: Kind::Handle,
            value: handle,
            error: handle_error.into(),
            suffix: Signal::stored(String::new()),
            focus: true,
        };
        html::form()
            .attr("novalidate", "")
            .attr("aria-label", "Keep this account")
            .on(ev::submit, move |event| {
                event.prevent_default();
                submit();
            })
            .child((
                html::div().class("dialog-body").child((
                    field.view(),
                    new.view("Password", handle.into()),
                    error_line(error),
                    working_on_it(busy, "Working on the password. This takes a moment on purpose."),
                )),
                html::footer().class("dialog-foot").child((
                    button::button("button", "Not now", move || close()),
                    button::submit(
                        "button button-primary",
                        "Keep this account",
                        busy.into(),
                        Signal::stored(true),
                    ),
                )),
            ))
            .into_any()
    };
    Dialog {
        title: "Keep this account".into(),
        sub: Some("A handle and a password open it in any browser. Your messages, rooms and roles stay.".into()),
        mark: None,
        wide: false,
        kept: Signal::derive(move || busy.get() || handle.with(|typed| !typed.is_empty())),
        content: content.into_any(),
        close: closer_unless(busy),
    }
    .view()
}

fn done() -> AnyView {
    offer_recovery_key(
        (move || format!("You are {} from now on.", sidebar::handle())).into_any(),
        "If the password is lost, nobody can open this account again. A recovery key on paper can; making one takes a minute.",
    )
}

/// Nobody can come back to this account.
pub fn leave() -> AnyView {
    let (nav, parting) = (use_nav(), use_parting());
    Confirm {
        title: "Leave for good?".into(),
        text: "You are here as a guest, without a handle and a password: nobody can sign in to this account again, and everything you can read here is lost to you. What you wrote stays with the people you wrote to. To come back later, keep the account first.".into(),
        act: "Leave for good",
        safe: "Stay",
        command: Command::DeleteAccount {
            password: String::new(),
        },
        done: Box::new(move || {
            parting.say("You left. What you wrote stays with the people you wrote to.".into());
            let _ = nav.take_wanted();
            nav.replace(Place::Home);
        }),
    }
    .view()
}
