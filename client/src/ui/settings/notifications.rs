//! Notifications: whether the browser shows any, what they say, and of what.

use leptos::prelude::*;
use leptos::{ev, html};

use super::head;
use crate::ui::kit::{Icon, button};
use crate::ui::notices::{May, Notices, Shows, use_notices};
use crate::ui::place::Page;
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::{wire, words};
use crate::view::{Command, Usual};

pub fn page() -> AnyView {
    let notices = use_notices();
    (
        head(
            Page::Notifications,
            "Made in this browser, so the text never passes through a notification service.",
        ),
        state(notices),
        move || shows(notices),
        when(),
    )
        .into_any()
}

/// Whether they are on, and the one thing to do about it.
fn state(notices: Notices) -> AnyView {
    let content = move || {
        let is_on = notices.shows.with(Option::is_some);
        let (title, text, act): (_, _, Option<AnyView>) = match (notices.may.get(), is_on) {
            (May::Never, _) => (
                "This browser shows none for pages",
                "On some phones only installed apps may. What is unread still shows in the list and in the title of the tab.",
                None,
            ),
            (May::No, _) => (
                "Your browser does not let Sotto show notifications",
                "Allow them in the settings that open beside the address of this page, then come back here.",
                None,
            ),
            (May::Yes, true) => (
                "Notifications are on in this browser",
                "While Sotto is open in a tab. With several tabs, one of them tells.",
                Some(button::button("button button-s", "Turn off", move || {
                    notices.turn_off()
                })),
            ),
            _ => (
                "Notifications are off in this browser",
                "Your browser will ask once whether it may show them. Below is what they will look like.",
                Some(button::button("button button-primary button-s", "Turn on", move || {
                    notices.turn_on(Shows::Everything)
                })),
            ),
        };
        html::li()
            .child((
                html::span()
                    .class("row-icon")
                    .child(if is_on { Icon::Bell.m() } else { Icon::BellOff.m() }),
                html::div().class("row-text").child((
                    html::p().class("row-title").child(title),
                    html::p().class("row-sub").child(text),
                )),
                act.map(|act| html::div().class("row-end").child(act)),
            ))
            .into_any()
    };
    html::section()
        .class("settings-group")
        .child(
            html::ul()
                .class("settings-list rows")
                .attr("aria-live", "polite")
                .child(content),
        )
        .into_any()
}

/// What they say, and how that looks.
fn shows(notices: Notices) -> AnyView {
    let chosen = Memo::new(move |_| notices.shows.get().unwrap_or(Shows::Everything));
    let one = move |shows: Shows, title: &'static str, text: &'static str| {
        html::label().class("note card card-pad").child((
            html::input()
                .r#type("radio")
                .attr("name", "note")
                .prop("checked", move || chosen.get() == shows)
                .on(ev::change, move |_| notices.turn_on(shows)),
            html::span().class("row-title").child(title),
            html::span().class("row-sub").child(text),
        ))
    };
    let preview = move || {
        let (title, body) = chosen
            .get()
            .words("oona", Some("Garden"), "The beans are in. Who waters on Sunday?");
        (html::b().child(title), html::span().child(body))
    };
    html::section()
        .class("settings-group")
        .child((
            html::h2().id("note-title").child("What they show"),
            html::div()
                .class("themes notes")
                .attr("role", "radiogroup")
                .attr("aria-labelledby", "note-title")
                .child((
                    one(Shows::Everything, "Everything", "Name and text"),
                    one(Shows::Sender, "Sender only", "Name, no text"),
                    one(Shows::Nothing, "Nothing", "That there is something"),
                )),
            html::div()
                .class("preview-note")
                .attr("role", "img")
                .attr("aria-label", move || {
                    let (title, body) =
                        chosen
                            .get()
                            .words("oona", Some("Garden"), "The beans are in. Who waters on Sunday?");
                    format!("Preview: {title}. {body}")
                })
                .child((Icon::Bell.l(), html::div().child(preview))),
        ))
        .into_any()
}

/// Of what they tell; the same in every browser of the account.
fn when() -> AnyView {
    let (store, toasts) = (use_store(), use_toasts());
    let usual = Memo::new(move |_| {
        store.usual().unwrap_or(Usual {
            direct: true,
            mentions: true,
            groups: true,
            spaces: false,
        })
    });
    let set = move |usual: Usual| {
        wire::ask(Command::SetUsual(usual), move |result| {
            if let Err(problem) = result {
                toasts.danger(words::problem(&problem));
            }
        });
    };
    let row = move |title: &'static str,
                    sub: Option<&'static str>,
                    get: fn(&Usual) -> bool,
                    with: fn(Usual, bool) -> Usual| {
        html::li().child((
            html::div().class("row-text").child((
                html::p().class("row-title").child(title),
                sub.map(|sub| html::p().class("row-sub").child(sub)),
            )),
            html::input()
                .class("switch")
                .r#type("checkbox")
                .attr("role", "switch")
                .attr("aria-label", title)
                .prop("checked", move || get(&usual.get()))
                .on(ev::change, move |event| {
                    set(with(usual.get_untracked(), event_target_checked(&event)))
                }),
        ))
    };
    html::section()
        .class("settings-group")
        .child((
            html::h2().child("When"),
            html::ul().class("settings-list rows").child((
                row(
                    "Direct messages",
                    None,
                    |usual| usual.direct,
                    |usual, direct| Usual { direct, ..usual },
                ),
                row(
                    "Mentions of me",
                    None,
                    |usual| usual.mentions,
                    |usual, mentions| Usual { mentions, ..usual },
                ),
                row(
                    "Every message in a group",
                    None,
                    |usual| usual.groups,
                    |usual, groups| Usual { groups, ..usual },
                ),
                row(
                    "Every message in a space",
                    Some("Each conversation can say otherwise: it stands in its menu."),
                    |usual| usual.spaces,
                    |usual, spaces| Usual { spaces, ..usual },
                ),
            )),
        ))
        .into_any()
}
