//! What shows why a room is stopped: two statements that cannot both be true, to be handed on.

use crate::view::Chat;
use leptos::html;
use leptos::prelude::*;

use crate::ui::dialogs::{closer, error_line, use_dialogs, who_of};
use crate::ui::kit::button;
use crate::ui::kit::dialog::Dialog;
use crate::ui::screen::use_toasts;
use crate::ui::{browser, when, wire, words};
use crate::view::{Command, Evidence, Outcome};

pub fn dialog(room: Chat) -> AnyView {
    let (dialogs, toasts) = (use_dialogs(), use_toasts());
    let evidence = RwSignal::new(None::<Option<Evidence>>);
    let error = RwSignal::new(None::<String>);
    wire::ask(Command::ShowEvidence { room: room.room }, move |result| match result {
        Ok(Outcome::Evidence(shown)) => evidence.set(Some(shown)),
        Ok(_) => {}
        Err(problem) => error.set(Some(words::problem(&problem))),
    });
    let body = move || {
        match evidence.get() {
        None => html::p().class("soft").child("Looking it up…").into_any(),
        Some(None) => html::p()
            .class("soft")
            .child("The change that did not fit was refused when it came. More than the line above the text says is not known.")
            .into_any(),
        Some(Some(shown)) => statements(&shown).into_any(),
    }
    };
    let copy = move || {
        let Some(Some(shown)) = evidence.get_untracked() else {
            return;
        };
        leptos::task::spawn_local(async move {
            if browser::copy(shown.file).await {
                toasts.ok("Copied. It holds signatures and numbers, no text of any message.".to_owned());
            } else {
                toasts.danger("This browser did not let Sotto copy it.".to_owned());
            }
        });
    };
    let has_file = move || evidence.with(|shown| matches!(shown, Some(Some(_))));
    let content = (
        html::div()
            .class("dialog-body")
            .child((html::div().attr("aria-live", "polite").child(body), error_line(error))),
        html::footer().class("dialog-foot").child((
            move || has_file().then(|| button::button("button dialog-foot-start", "Copy both statements", copy)),
            button::button("button button-primary", "Close", move || dialogs.close()),
        )),
    );
    Dialog {
        title: "What does not fit".into(),
        sub: Some("Both were kept, so that you can show them to the others.".into()),
        mark: None,
        wide: true,
        kept: Signal::stored(false),
        content: content.into_any(),
        close: closer(),
    }
    .view()
}

fn statements(shown: &Evidence) -> impl IntoView + use<> {
    let who = shown.by.map_or_else(|| "The server".to_owned(), who_of);
    let verb = if shown.by.is_some() { "signed" } else { "says" };
    let about = if shown.about_log { "change" } else { "message" };
    let line = |label: String, value: &str| {
        html::p()
            .class("gap-above")
            .child((html::b().child(label), html::br(), html::code().child(value.to_owned())))
    };
    (
        html::p().class("soft").child(format!(
            "Noticed {}. Of the first {} {about}{} of this room there are two versions; only one can have happened.",
            when::full(shown.at_ms),
            shown.seq,
            if shown.seq == 1 { "" } else { "s" },
        )),
        line("This browser has".into(), &shown.ours),
        line(format!("{who} {verb}"), &shown.theirs),
        shown.with_words.then(|| {
            html::p().class("soft gap-above").child(
                "This was said with a message. Of that only what it says about the room is kept. The signature covers the words \
                 of the message too, so only somebody who has that message can check it.",
            )
        }),
    )
}
