//! Password and recovery, and the end of the account.

use leptos::prelude::*;
use leptos::{ev, html};

use super::head;
use crate::ui::auth::use_parting;
use crate::ui::dialogs::{Ask, error_line, still_stands, use_dialogs};
use crate::ui::guest;
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::field::{Field, Kind};
use crate::ui::kit::{Icon, button, unique};
use crate::ui::nav::use_nav;
use crate::ui::password::{Giving, NewPassword, WithPassword, closer_unless, my_handle, working_on_it};
use crate::ui::place::{Page, Place};
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::spaces::rights::OWNER;
use crate::ui::{browser, wire, words};
use crate::view::{Command, Outcome, Problem, Role, RoomKind};

pub fn page() -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let open = move |class, label, ask: Ask| button::button(class, label, move || dialogs.open(ask.clone()));
    let recovery = move || {
        if store.recovery_key().get() {
            row(
                Icon::KeyRound,
                "You have a recovery key",
                "With the one on your paper you get in when the password is lost.",
                (
                    open("button button-s", "Make a new one", Ask::MakeRecoveryKey),
                    open("button button-s button-danger-quiet", "Remove", Ask::RemoveRecoveryKey),
                )
                    .into_any(),
            )
        } else {
            row(
                Icon::KeyRound,
                "You have no recovery key",
                "If the password is lost, nobody can open this account again. A key on paper can; making one takes a minute.",
                open("button button-s", "Make a recovery key", Ask::MakeRecoveryKey),
            )
        }
    };
    let am_guest = guest::am_guest();
    (
        head(Page::Account, "What opens this account, and how you close it."),
        move || {
            if am_guest.get() {
                group(
                    "You are a guest",
                    (
                        row(
                            Icon::UserRound,
                            "Keep this account",
                            "A handle and a password open it in any browser. Until then it is good in this one alone, for 30 days at most.",
                            open("button button-s", "Keep this account", Ask::KeepAccount),
                        ),
                        row(
                            Icon::CircleAlert,
                            "Leave for good",
                            "You leave your groups, and nobody can open this account again.",
                            open("button button-s button-danger-quiet", "Leave for good", Ask::SignOut),
                        ),
                    )
                        .into_any(),
                )
            } else {
                own(open, recovery)
            }
        },
    )
        .into_any()
}

/// Of an account with a password.
fn own(
    open: impl Fn(&'static str, &'static str, Ask) -> AnyView,
    recovery: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    (
        group(
            "Password",
            row(
                Icon::Lock,
                "Your password",
                "When you change it, every other browser is signed out and asks for the new one.",
                open("button button-s", "Change the password", Ask::ChangePassword),
            ),
        ),
        group("Recovery key", recovery.into_any()),
        group(
            "Delete this account",
            row(
                Icon::CircleAlert,
                "For good",
                "You leave your groups, and nobody can ever use your handle again.",
                open(
                    "button button-s button-danger-quiet",
                    "Delete the account",
                    Ask::DeleteAccount,
                ),
            ),
        ),
    )
        .into_any()
}

fn group(title: &'static str, row: AnyView) -> AnyView {
    html::section()
        .class("settings-group")
        .child((
            html::h2().child(title),
            html::ul().class("settings-list rows rows-act").child(row),
        ))
        .into_any()
}

fn row(icon: Icon, title: &'static str, text: &'static str, act: AnyView) -> AnyView {
    html::li()
        .child((
            html::span().class("row-icon").child(icon.m()),
            html::div().class("row-text").child((
                html::p().class("row-title").child(title),
                html::p().class("row-sub").child(text),
            )),
            html::div().class("row-acts").child(act),
        ))
        .into_any()
}

pub fn change_password() -> AnyView {
    let (dialogs, toasts, parting) = (use_dialogs(), use_toasts(), use_parting());
    let giving = Giving::new("Current password");
    let Giving { password, busy, error } = giving;
    let begun = giving.begun();
    let new = NewPassword::new(RwSignal::default(), RwSignal::default(), error);
    // It has changed, and the recovery key went with the old one.
    let key_gone = RwSignal::new(false);
    let submit = move || {
        if busy.get_untracked() {
            return;
        }
        error.set(None);
        new.clear_error();
        let Some(old) = password.given() else { return };
        let Some(new_one) = new.chosen() else { return };
        busy.set(true);
        wire::ask(Command::ChangePassword { old, new: new_one }, move |result| {
            let here = still_stands(busy);
            match result {
                Ok(Outcome::PasswordChanged {
                    recovery_key_gone: true,
                }) => drop(key_gone.try_set(true)),
                Ok(_) => {
                    if here {
                        dialogs.close();
                    }
                    toasts.ok("Your password is changed. Other browsers ask for the new one.");
                }
                Err(problem) => {
                    let text = words::problem(&problem);
                    // This browser may be signed out by then.
                    if problem == Problem::MaybeChanged {
                        parting.say(text.clone());
                    }
                    if !password.refused(&problem) && !new.refused(&problem) {
                        error.try_set(Some(text));
                    }
                }
            }
        });
    };
    let handle = Signal::stored(my_handle());
    let content = move || {
        if key_gone.get() {
            return after_change();
        }
        let close = closer_unless(busy);
        html::form()
            .attr("novalidate", "")
            .attr("aria-label", "Change the password")
            .on(ev::submit, move |event| {
                event.prevent_default();
                submit();
            })
            .child((
                html::div().class("dialog-body").child((
                    password.view(),
                    new.view("New password", handle),
                    error_line(error),
                    working_on_it(busy, "Working on the password. This takes a moment on purpose."),
                )),
                html::footer().class("dialog-foot").child((
                    button::button("button", "Cancel", move || close()),
                    button::submit(
                        "button button-primary",
                        "Change the password",
                        busy.into(),
                        Signal::stored(true),
                    ),
                )),
            ))
            .into_any()
    };
    Dialog {
        title: "Change the password".into(),
        sub: Some(
            "Every other browser is signed out and asks for the new one. What waits to be sent there is kept.".into(),
        ),
        mark: None,
        wide: false,
        kept: Signal::derive(move || !key_gone.get() && begun.get()),
        content: content.into_any(),
        close: closer_unless(busy),
    }
    .view()
}

fn after_change() -> AnyView {
    offer_recovery_key(
        "Your password is changed.".into_any(),
        "The recovery key you had went with the old one: it opens nothing any more. Throw the paper away, and make a new one.",
    )
}

/// What was done, and why a recovery key is the next step.
pub fn offer_recovery_key(done: AnyView, why: &'static str) -> AnyView {
    let dialogs = use_dialogs();
    let id = unique("next");
    let first = id.clone();
    request_animation_frame(move || browser::focus(&first));
    (
        html::div().class("dialog-body").child(
            html::div()
                .class("banner banner-ok banner-tall")
                .attr("role", "status")
                .child((
                    Icon::CircleCheck.view(),
                    html::div()
                        .class("banner-text")
                        .child((html::b().child(done), html::p().child(why))),
                )),
        ),
        html::footer().class("dialog-foot").child((
            button::button("button", "Later", move || dialogs.close()),
            html::button()
                .r#type("button")
                .class("button button-primary")
                .id(id)
                .on(ev::click, move |_| dialogs.open(Ask::MakeRecoveryKey))
                .child("Make a recovery key"),
        )),
    )
        .into_any()
}

pub fn delete() -> AnyView {
    let (nav, parting) = (use_nav(), use_parting());
    let me = my_handle();
    let owned = owned_groups();
    let (typed, wrong) = (RwSignal::new(String::new()), RwSignal::new(None::<String>));
    let about = (
        html::ul().class("plain-list soft").child((
            html::li().child("You leave every group, and every browser is signed out."),
            html::li().child("What you wrote stays with the people you wrote to."),
            html::li().child(format!("Nobody can ever sign up as {me} again, not even you.")),
        )),
        (!owned.is_empty()).then(|| {
            html::div().class("banner banner-warning banner-tall").child((
                Icon::Users.view(),
                html::div().class("banner-text").child((
                    html::b().child(format!("You own {}.", list(&owned))),
                    html::p().child("Where nobody else is an owner, it goes on without one."),
                )),
            ))
        }),
    );
    let field = Field {
        label: format!("Type {me} to confirm"),
        hint: None,
        kind: Kind::Code,
        value: typed,
        error: wrong.into(),
        suffix: Signal::stored(String::new()),
        focus: false,
    };
    WithPassword {
        title: "Delete this account?",
        about: about.into_any(),
        more: Some(field.view()),
        act: "Delete for good",
        button: "button button-danger",
        command: Box::new(move |password| {
            let same = typed.with_untracked(|typed| typed.trim().trim_start_matches('@').eq_ignore_ascii_case(&me));
            wrong.set((!same).then(|| format!("Type {me}, the handle that is to be deleted.")));
            same.then_some(Command::DeleteAccount { password })
        }),
        done: Box::new(move |outcome| {
            let mut text = "Your account is deleted. What you wrote stays with the people you wrote to.".to_owned();
            if let Outcome::Deleted { without_owner } = outcome
                && !without_owner.is_empty()
            {
                text = format!("{text} Without an owner now: {}.", list(&without_owner));
            }
            parting.say(text);
            // Whoever comes next begins at the beginning.
            let _ = nav.take_wanted();
            nav.replace(Place::Home);
        }),
    }
    .dialog()
}

/// Groups and spaces of others, too, in which this person is an owner.
fn owned_groups() -> Vec<String> {
    let store = use_store();
    untrack(move || {
        let spaces = store.space_list().into_iter().filter_map(|id| store.space(id));
        let spaces = spaces.filter(|space| space.role == OWNER && space.members > 1);
        (store.room_list().into_iter())
            .filter_map(|id| store.room(id))
            .filter(|room| room.kind == RoomKind::Group && room.role == Role::Owner && room.members > 1)
            .map(|room| room.title)
            .chain(spaces.map(|space| space.name))
            .collect()
    })
}

fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
