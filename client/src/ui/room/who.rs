//! Who is behind the numbers under a message: votes and reactions, by name.

use leptos::html;
use leptos::prelude::*;
use sotto_shared::id::UserId;

use crate::ui::dialogs::{closer, name_of};
use crate::ui::kit::button;
use crate::ui::kit::dialog::Dialog;
use crate::ui::screen::use_store;
use crate::ui::{wire, words};
use crate::view::{Command, Outcome};

/// What was chosen, and by whom.
pub type Chosen = Vec<(String, Vec<UserId>)>;

/// Asks, and shows the answer as far as `read` finds one in it.
pub fn dialog(
    title: &str,
    sub: Option<String>,
    command: Command,
    read: impl FnOnce(Outcome) -> Option<Chosen> + 'static,
) -> AnyView {
    let found = RwSignal::new(None::<Result<Chosen, String>>);
    wire::ask(command, move |result| {
        let _ = found.try_set(Some(match result {
            Ok(outcome) => Ok(read(outcome).unwrap_or_default()),
            Err(problem) => Err(words::problem(&problem)),
        }));
    });
    let body = move || match found.get() {
        None => html::p()
            .class("soft")
            .attr("aria-busy", "true")
            .child("Counting")
            .into_any(),
        Some(Err(problem)) => html::p()
            .class("field-error")
            .attr("role", "alert")
            .child(problem)
            .into_any(),
        Some(Ok(all)) => html::ul()
            .class("votes")
            .child(all.into_iter().map(one).collect_view())
            .into_any(),
    };
    let close = closer();
    let content = (
        html::div().class("dialog-body").child(body),
        html::footer()
            .class("dialog-foot")
            .child(button::button("button", "Close", move || close())),
    );
    Dialog {
        title: title.to_owned(),
        sub,
        mark: None,
        wide: false,
        kept: Signal::stored(false),
        content: content.into_any(),
        close: closer(),
    }
    .view()
}

fn one((what, users): (String, Vec<UserId>)) -> AnyView {
    let me = use_store().me();
    let name = move |user: UserId| {
        let name = if Some(user) == me {
            "You".to_owned()
        } else {
            name_of(user)
        };
        html::li().child(name)
    };
    html::li()
        .child((
            html::p().class("votes-option").attr("dir", "auto").child((
                html::b().child(what),
                html::span().class("poll-count").child(users.len().to_string()),
            )),
            html::ul()
                .class("votes-who")
                .child(users.into_iter().map(name).collect_view()),
        ))
        .into_any()
}
