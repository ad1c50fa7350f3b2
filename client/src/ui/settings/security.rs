//! Security: what the password is, what it cannot do, and what to do oneself.

use leptos::html;
use leptos::prelude::*;

use super::{fact, head};
use crate::ui::kit::Icon;
use crate::ui::place::Page;

pub fn page() -> AnyView {
    (
        head(Page::Security, "Your password opens your account, and a recovery key if you made one. Nothing else does."),
        group(
            "Your password",
            (
                fact(Icon::KeyRound, "It never leaves this browser", "The server gets something made from it that proves it is you, and from which it cannot open your messages."),
                fact(Icon::Info, "Nobody can reset it", "Not even whoever runs this server. If it is lost, only a recovery key opens your account again: make one under Password and recovery, and keep it on paper."),
                fact(Icon::ShieldCheck, "Six random words are enough", "Whoever copies the server’s disk can try to guess passwords. Six random words cannot be guessed; a short or used one can."),
            )
                .into_any(),
        ),
        group(
            "The people you write to",
            (
                fact(Icon::Shield, "Compare safety numbers once", "When you and someone see the same number, nobody sits between you, and you are told if that ever changes. Open it from the menu of a conversation."),
                fact(Icon::Users, "A group is as safe as its people", "Whoever is in a room can read it and pass it on. Who was added and by whom stands in the conversation, and the server cannot change it."),
            )
                .into_any(),
        ),
        group(
            "This browser",
            (
                fact(Icon::Laptop, "It keeps your keys while you are signed in", "Whoever can use this browser as you can read what you can. Where others use it too, lock Sotto or sign out, and lock your screen."),
                fact(Icon::Server, "The page comes from the server", "A server that turns against its people could serve another page. The build in the corner of the sign-in page tells which code this is, so that it can be compared."),
            )
                .into_any(),
        ),
    )
        .into_any()
}

fn group(title: &'static str, rows: AnyView) -> AnyView {
    html::section()
        .class("settings-group")
        .child((
            html::h2().child(title),
            html::ul().class("settings-list rows").child(rows),
        ))
        .into_any()
}
