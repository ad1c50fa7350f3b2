//! The safety number of a person: as a code to scan and as sixty digits to read aloud.

use leptos::html;
use leptos::prelude::*;
use sotto_shared::id::UserId;

use crate::ui::dialogs::{Ask, closer, error_line, refuse, use_dialogs};
use crate::ui::kit::code::code;
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::mark::Size;
use crate::ui::kit::{Icon, button};
use crate::ui::pictures::portrait;
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::{wire, words};
use crate::view::{Command, Found, Outcome, Problem, Safety, Trust};

pub fn dialog(user: UserId) -> AnyView {
    let (store, toasts, dialogs) = (use_store(), use_toasts(), use_dialogs());
    // Numbers are about the account, whatever it calls itself.
    let name = store.handle(user);
    let safety = RwSignal::new(None::<Safety>);
    let error = RwSignal::new(None::<String>);
    let fetch = move || {
        wire::ask(Command::ShowSafety { user }, move |result| match result {
            Ok(Outcome::Safety(shown)) => safety.set(Some(shown)),
            Ok(_) => {}
            Err(problem) => error.set(Some(words::problem(&problem))),
        });
    };
    fetch();
    let who = StoredValue::new(name.clone());
    let trust = Memo::new(move |_| {
        store
            .person(user)
            .map(|person| person.trust)
            .or_else(|| safety.with(|safety| safety.as_ref().map(|safety| safety.trust)))
    });
    // What is noted is about the number that stands here.
    let set = move |found: Found, then: Box<dyn Fn()>| {
        let Some(since) = safety.with_untracked(|safety| safety.as_ref().map(|safety| safety.since)) else {
            return;
        };
        wire::ask(Command::Compared { user, since, found }, move |result| match result {
            Ok(_) => then(),
            Err(problem) => {
                if problem == Problem::NumberChanged {
                    fetch();
                }
                refuse(toasts, error, &problem);
            }
        });
    };
    let body = move || match safety.get() {
        Some(shown) => (code(&shown.qr, "The safety number as a code"), digits(&shown.groups)).into_any(),
        None => (
            html::span().class("qr qr-wait skeleton"),
            html::div()
                .class("digits")
                .attr("aria-hidden", "true")
                .child((0..12).map(|_| html::span().class("skeleton")).collect_view()),
        )
            .into_any(),
    };
    let below = move || {
        let who = who.get_value();
        if trust.get() == Some(Trust::Differs) {
            return html::div()
                .class("banner banner-danger banner-tall")
                .attr("role", "alert")
                .child((
                    Icon::Shield.view(),
                    html::div().class("banner-text").child((
                        html::b().child("Sending is stopped here."),
                        html::p().child(format!(
                            "First check that you both looked at the right person. If the numbers still differ, somebody may sit between you and {who}: talk another way, and tell whoever runs this server. If they do match, say so below."
                        )),
                    )),
                ))
                .into_any();
        }
        match trust.get() {
            Some(Trust::Verified) => html::div()
                .class("banner banner-ok")
                .child((
                    Icon::ShieldCheck.view(),
                    html::div().class("banner-text").child(format!("You checked {who}. If this number ever changes, sending stops and you are told.")),
                ))
                .into_any(),
            Some(Trust::Changed) => html::div()
                .class("banner banner-danger")
                .child((
                    Icon::Shield.view(),
                    html::div().class("banner-text").child(format!("This number is new. Compare it again before you write to {who}.")),
                ))
                .into_any(),
            _ => html::p()
                .class("soft")
                .child("Compare in person or on a call, not in a chat on this server. Reading the first and last row aloud is a good start; comparing every row is better.")
                .into_any(),
        }
    };
    let foot = move || {
        // By value: the toasts speak after the dialog is gone.
        let who = who.get_value();
        let ready = safety.with(Option::is_some);
        let verified = trust.get() == Some(Trust::Verified);
        if verified {
            let undo = move || {
                let said = format!("{who} counts as not checked again.");
                set(Found::Nothing, Box::new(move || toasts.ok(said.clone())));
            };
            return (
                button::button("button button-quiet dialog-foot-start", "Undo", undo),
                button::button("button button-primary", "Done", move || dialogs.close()),
            )
                .into_any();
        }
        let they_differ = move || set(Found::Different, Box::new(|| {}));
        let they_match = move || {
            let said = format!("You checked {who}.");
            set(
                Found::Same,
                Box::new(move || {
                    if dialogs.shows(&Ask::Safety(user)) {
                        dialogs.close();
                    }
                    toasts.ok(said.clone());
                }),
            );
        };
        (
            html::button()
                .r#type("button")
                .class("button")
                .prop("disabled", !ready)
                .on(leptos::ev::click, move |_| they_differ())
                .child("They differ"),
            html::button()
                .r#type("button")
                .class("button button-primary")
                .prop("disabled", !ready)
                .on(leptos::ev::click, move |_| they_match())
                .child("They match"),
        )
            .into_any()
    };
    let content = (
        html::div().class("dialog-body").child((
            html::div().class("safety").child(body),
            html::div().attr("aria-live", "polite").child(below),
            error_line(error),
        )),
        html::footer().class("dialog-foot").child(foot),
    );
    Dialog {
        title: format!("Safety number with {name}"),
        sub: Some(format!(
            "If {name} sees the same number, nobody is sitting between you."
        )),
        mark: store
            .person(user)
            .map(|person| portrait(person.id, person.mark, Size::S40)),
        wide: true,
        kept: Signal::stored(false),
        content: content.into_any(),
        close: closer(),
    }
    .view()
}

fn digits(groups: &[String]) -> AnyView {
    html::div()
        .class("digits")
        .attr("role", "group")
        .attr("aria-label", "Sixty digits in twelve groups")
        .child(
            groups
                .iter()
                .map(|group| html::span().child(group.clone()))
                .collect_view(),
        )
        .into_any()
}
