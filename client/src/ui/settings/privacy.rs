//! Privacy: what others see of what one does here. Each goes both ways: who does not tell does not see.

use leptos::html;
use leptos::prelude::*;

use super::head;
use crate::ui::kit::field::check;
use crate::ui::place::Page;
use crate::ui::{browser, wire};
use crate::view::Command;

pub fn page() -> AnyView {
    (
        head(
            Page::Privacy,
            "What the people in your conversations see of you. It counts for this browser: set it in each one you use.",
        ),
        choice(
            "What has reached you",
            "Let others see that their messages have come",
            "In conversations of up to 16 people this page says so as soon as one has come, also while you look at another. Switched off, it does not, and you do not see it of others. While you have a conversation open, others can still tell that you have its messages.",
            browser::tells(browser::REACHED),
            |on| {
                browser::keep_tells(browser::REACHED, on);
                wire::tell(Command::TellReached { on });
            },
        ),
        choice(
            "What you have read",
            "Let others see what you have read",
            "The people in a conversation then see how far you have read it, and you see it of them; the server cannot. Switched off, neither shows.",
            browser::tells_read(),
            |on| {
                browser::keep_tells_read(on);
                wire::tell(Command::TellRead { on });
            },
        ),
        choice(
            "That you are writing",
            "Let others see that you are writing",
            "In rooms of up to 64 people. What you write stays with you until you send it. Switched off, you do not see it of others either.",
            browser::tells(browser::TYPING),
            |on| {
                browser::keep_tells(browser::TYPING, on);
                wire::tell(Command::TellTyping { on });
            },
        ),
        choice(
            "Whether you are here",
            "Let others see whether you are here",
            "The people you share a room of up to 64 with see that this page is open, whether you are looking, and when you were last here. Switched off, you do not see it of others either.",
            browser::tells(browser::PRESENCE),
            |on| {
                browser::keep_tells(browser::PRESENCE, on);
                wire::tell(Command::TellPresence { on });
            },
        ),
    )
        .into_any()
}

fn choice(title: &'static str, label: &'static str, hint: &'static str, before: bool, keep: fn(bool)) -> AnyView {
    let on = RwSignal::new(before);
    Effect::new(move |before: Option<bool>| {
        let now = on.get();
        // The first run only reads.
        if before.is_some_and(|before| before != now) {
            keep(now);
        }
        now
    });
    html::section()
        .class("settings-group")
        .child((html::h2().child(title), check(label, hint, on)))
        .into_any()
}
