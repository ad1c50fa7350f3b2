//! The recovery key: made, shown once, typed back in part; taken away.

use std::rc::Rc;

use leptos::prelude::*;
use leptos::{ev, html};

use crate::ui::dialogs::{error_line, still_stands, use_dialogs};
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::field::{Field, Kind};
use crate::ui::kit::{Icon, button, unique};
use crate::ui::password::{Giving, WithPassword, my_handle, working_on_it};
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::{browser, wire, words};
use crate::view::{Command, Outcome, Problem};

#[derive(Clone, PartialEq)]
struct Key {
    groups: Vec<String>,
    /// Which two are to be typed back.
    ask: [u8; 2],
}

#[derive(Clone, PartialEq)]
enum Step {
    Password,
    Shown(Key),
    Asked(Key),
}

pub fn make() -> AnyView {
    let had_one = use_store().recovery_key().get_untracked();
    let giving = Giving::new("Your password");
    let step = RwSignal::new(Step::Password);
    let made = Memo::new(move |_| step.with(|step| *step != Step::Password));
    let dialogs = use_dialogs();
    let close = move || {
        if giving.busy.get_untracked() {
            return;
        }
        if made.get_untracked() {
            wire::tell(Command::CancelRecoveryKey);
        }
        dialogs.close();
    };
    let content = move || match step.get() {
        Step::Password => ask_password(giving, step, had_one),
        Step::Shown(key) => show(key, step, close),
        Step::Asked(key) => ask_back(key, step, giving),
    };
    let begun = giving.begun();
    Dialog {
        title: if had_one {
            "Make a new recovery key"
        } else {
            "Make a recovery key"
        }
        .into(),
        sub: None,
        mark: None,
        wide: true,
        kept: Signal::derive(move || made.get() || begun.get()),
        content: content.into_any(),
        close: Rc::new(close),
    }
    .view()
}

fn ask_password(giving: Giving, step: RwSignal<Step>, had_one: bool) -> AnyView {
    let about = (
        html::p()
            .class("soft")
            .child("It opens your account when the password is lost. It is shown once, for you to print or write down, and kept nowhere else."),
        had_one.then(|| {
            html::p()
                .class("soft")
                .child("The one you have stays good until the new one is done. Then throw it away.")
        }),
    );
    WithPassword {
        title: "Password for the recovery key",
        about: about.into_any(),
        more: None,
        act: "Show the key",
        button: "button button-primary",
        command: Box::new(|password| Some(Command::MakeRecoveryKey { password })),
        done: Box::new(move |outcome| {
            if let Outcome::RecoveryKey { groups, ask } = outcome {
                step.try_set(Step::Shown(Key { groups, ask }));
            }
        }),
    }
    .form(giving)
}

fn show(key: Key, step: RwSignal<Step>, leave: impl Fn() + 'static) -> AnyView {
    let (store, toasts) = (use_store(), use_toasts());
    let text = key.groups.join(" ");
    let copy = move || {
        let text = text.clone();
        leptos::task::spawn_local(async move {
            if browser::copy(text).await {
                toasts.ok("Recovery key copied. Put it where you keep what matters, not into a chat.");
            } else {
                toasts.danger("The browser did not let the key be copied. Print it or write it down.");
            }
        });
    };
    let title_id = unique("paper");
    let first = title_id.clone();
    request_animation_frame(move || browser::focus(&first));
    let groups = key.groups.iter().map(|group| html::li().child(group.clone()));
    let paper = html::section()
        .class("paper")
        .attr("aria-labelledby", title_id.clone())
        .child((
            html::h3().id(title_id).tabindex("-1").child(format!(
                "Recovery key of {}@{}",
                my_handle(),
                untrack(move || store.realm())
            )),
            html::ol().class("paper-groups").child(groups.collect_view()),
        ));
    let next = move || step.set(Step::Asked(key.clone()));
    (
        html::div().class("dialog-body").child((
            paper,
            html::div().class("kit-row").child((
                button::button("button button-s", (Icon::Printer.view(), "Print"), || {
                    drop(window().print());
                }),
                button::button("button button-s", (Icon::Copy.view(), "Copy"), copy),
            )),
            html::p()
                .class("soft")
                .child("Print it or write it down now: it is not shown again. Whoever has it can open your account, so keep it like a passport."),
        )),
        html::footer().class("dialog-foot").child((
            button::button("button", "Cancel", leave),
            button::button("button button-primary", "I have it on paper", next),
        )),
    )
        .into_any()
}

fn ask_back(key: Key, step: RwSignal<Step>, giving: Giving) -> AnyView {
    let (dialogs, toasts) = (use_dialogs(), use_toasts());
    let (busy, error) = (giving.busy, RwSignal::new(None::<String>));
    let wrong = RwSignal::new(None::<String>);
    let typed = [RwSignal::new(String::new()), RwSignal::new(String::new())];
    let form_id = unique("groups");
    let focus_first = {
        let form_id = form_id.clone();
        move || {
            let input = document().query_selector(&format!("#{form_id} input")).ok().flatten();
            if let Some(id) = input.map(|input| input.id()) {
                browser::focus(&id);
            }
        }
    };
    request_animation_frame(focus_first.clone());
    let field = |at: usize| {
        Field {
            label: format!("Group {}", key.ask.get(at).map_or(0, |index| index + 1)),
            hint: None,
            kind: Kind::Code,
            value: typed[at],
            error: if at == 0 { wrong.into() } else { Signal::stored(None) },
            suffix: Signal::stored(String::new()),
            focus: false,
        }
        .view()
    };
    let fields = (field(0), field(1));
    let back = key;
    html::form()
        .id(form_id)
        .attr("novalidate", "")
        .attr("aria-label", "Type back two groups")
        .on(ev::submit, move |event| {
            event.prevent_default();
            if busy.get_untracked() {
                return;
            }
            error.set(None);
            wrong.set(None);
            busy.set(true);
            let groups = typed.map(|group| group.get_untracked());
            let focus_first = focus_first.clone();
            wire::ask(Command::ConfirmRecoveryKey { groups }, move |result| {
                let here = still_stands(busy);
                match result {
                    Ok(_) => {
                        if here {
                            dialogs.close();
                        }
                        toasts.ok("Your recovery key is ready. Keep the paper.");
                    }
                    Err(problem @ Problem::WrongGroups) => {
                        wrong.try_set(Some(words::problem(&problem)));
                        focus_first();
                    }
                    Err(problem @ Problem::TookTooLong) => {
                        giving.error.try_set(Some(words::problem(&problem)));
                        step.try_set(Step::Password);
                    }
                    Err(problem) => drop(error.try_set(Some(words::problem(&problem)))),
                }
            });
        })
        .child((
            html::div().class("dialog-body").child((
                html::p()
                    .class("soft")
                    .child("Type two of its groups from your paper, so that it is sure to be there. Only then does the key count."),
                html::div().class("two-fields").child(fields),
                error_line(error),
                working_on_it(busy, "Asking the server."),
            )),
            html::footer().class("dialog-foot").child((
                button::button("button", "Show the key again", move || {
                    if !busy.get_untracked() {
                        step.set(Step::Shown(back.clone()));
                    }
                }),
                button::submit("button button-primary", "Done", busy.into(), Signal::stored(true)),
            )),
        ))
        .into_any()
}

pub fn remove() -> AnyView {
    let toasts = use_toasts();
    let about = html::p().class("soft").child(
        "The one on your paper is good no longer. If you then lose the password, nobody can open this account again.",
    );
    WithPassword {
        title: "Remove the recovery key?",
        about: about.into_any(),
        more: None,
        act: "Remove",
        button: "button button-danger",
        command: Box::new(|password| Some(Command::RemoveRecoveryKey { password })),
        done: Box::new(move |_| toasts.ok("The recovery key is removed. Throw the paper away.")),
    }
    .dialog()
}
