//! Lock: when this browser asks for the password again, and what that is good for.

use leptos::prelude::*;
use leptos::{ev, html};

use super::{fact, head};
use crate::ui::kit::{Icon, button};
use crate::ui::lock::{self, use_lock};
use crate::ui::place::Page;

const CHOICES: [(Option<u32>, &str); 4] = [
    (Some(5), "After 5 minutes"),
    (Some(15), "After 15 minutes"),
    (Some(60), "After 1 hour"),
    (None, "Never"),
];

pub fn page() -> AnyView {
    let lock = use_lock();
    let chosen = RwSignal::new(lock::minutes());
    let choice = |(minutes, label): (Option<u32>, &'static str)| {
        html::label().class("check").child((
            html::input()
                .r#type("radio")
                .attr("name", "lock-after")
                .prop("checked", move || chosen.get() == minutes)
                .on(ev::change, move |_| {
                    chosen.set(minutes);
                    lock::choose(minutes);
                }),
            html::span().child(label),
        ))
    };
    (
        head(Page::Lock, "A locked browser shows your handle and nothing else until your password is typed."),
        html::section().class("settings-group").child(button::button(
            "button lock-now",
            (Icon::Lock.view(), "Lock now"),
            move || lock.now(),
        )),
        html::section().class("settings-group").child((
            html::h2().id("lock-title").child("Lock when nobody has done anything here"),
            html::div()
                .class("settings-list card-pad lock-choices")
                .attr("role", "radiogroup")
                .attr("aria-labelledby", "lock-title")
                .child(CHOICES.map(choice).into_iter().collect_view()),
            html::p()
                .class("settings-sub")
                .child("Kept in this browser, and good for all its tabs. While it is locked, it does not tell you of new messages. A Sotto that was closed locks when it is opened again, and not before."),
        )),
        html::section().class("settings-group").child((
            html::h2().child("What locking is good for"),
            html::ul().class("settings-list rows").child((
                fact(Icon::Lock, "Against whoever sits down here next", "Your keys leave this browser’s memory, and what is stored here opens with your password alone. Passwords can be tried only by asking the server, which allows few."),
                fact(Icon::Info, "Not against everything", "A program that watches this computer sees the password when you type it. What a browser deletes can stay on the disk for a while: encrypt the disk as well. And the browser’s own history may still name the conversations you opened."),
                fact(Icon::Clock, "Nothing is lost", "What waits to be sent stays here, sealed, and goes out after unlocking. Unlocking needs the server. If you did not choose to stay signed in, locking signs you out."),
            )),
        )),
    )
        .into_any()
}
