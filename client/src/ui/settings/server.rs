//! What the server sees: first what it does learn, then what it does not have.

use leptos::html;
use leptos::prelude::*;

use super::head;
use crate::ui::dialogs::{closer, use_dialogs};
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::{Icon, button};
use crate::ui::place::Page;

/// What · as it is stored · what can be learned from it.
const HELD: [(&str, &str, &str); 6] = [
    ("Handle", "as it is", "How to find you"),
    (
        "Sign-in key",
        "made from your password",
        "That it is you. A weak password could be guessed from it; six random words cannot",
    ),
    (
        "Browsers",
        "public keys",
        "How many you use, and when each was last here",
    ),
    (
        "Rooms",
        "members and roles",
        "Who is in each and with what role; no names. It cannot add or promote anyone",
    ),
    (
        "Messages",
        "sealed, padded",
        "Who sent one to which room, when, and roughly how long it is",
    ),
    ("Your list of rooms and contacts", "sealed", "Roughly how much is in it"),
];

const NOT_HELD: [&str; 6] = [
    "Your password",
    "The text of any message",
    "Names of groups",
    "The keys that open your messages",
    "Whom you compared safety numbers with",
    "What you have read, drafted or looked for",
];

pub fn page() -> AnyView {
    (
        head(
            Page::Server,
            "What whoever runs this server, or gets hold of its disk, can know about you, and what not.",
        ),
        ledger(),
    )
        .into_any()
}

/// The same for those who are not signed in.
pub fn dialog() -> AnyView {
    let dialogs = use_dialogs();
    Dialog {
        title: "What the server sees".into(),
        sub: Some("It passes messages on and cannot open them. It does learn some things.".into()),
        mark: None,
        wide: true,
        kept: Signal::stored(false),
        content: (
            html::div().class("dialog-body").child(ledger()),
            html::footer()
                .class("dialog-foot")
                .child(button::button("button", "Close", move || dialogs.close())),
        )
            .into_any(),
        close: closer(),
    }
    .view()
}

fn ledger() -> AnyView {
    let row = |(what, stored, learned): &(&'static str, &'static str, &'static str)| {
        html::tr().child((
            html::th().attr("scope", "row").child(*what),
            html::td().child(*stored),
            html::td().child(*learned),
        ))
    };
    html::div()
        .class("ledger")
        .child((
            html::section().class("ledger-side ledger-over").child((
                html::h2().child("What the server holds"),
                html::table().class("ledger-table").child((
                    html::thead().child(html::tr().child((
                        html::th().attr("scope", "col").child("What"),
                        html::th().attr("scope", "col").child("As it is stored"),
                        html::th().attr("scope", "col").child("What can be learned from it"),
                    ))),
                    html::tbody().child(HELD.iter().map(row).collect_view()),
                )),
                html::p()
                    .class("muted ledger-note")
                    .child("While you are connected it also sees your network address, as any website does."),
            )),
            html::section().class("ledger-side ledger-under").child((
                html::h2().child("What it does not have"),
                html::ul().class("ledger-never").child(
                    NOT_HELD
                        .iter()
                        .map(|what| html::li().child((Icon::Check.view(), html::span().child(*what))))
                        .collect_view(),
                ),
            )),
        ))
        .into_any()
}
