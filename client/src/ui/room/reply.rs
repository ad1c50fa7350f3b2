//! Answering: the line above the composer while one does, and above an answer what it answers.

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;
use sotto_shared::id::{MessageId, UserId};

use super::acts::{self, Talk, use_talk};
use super::{composer, thread};
use crate::state::{Shown, Store};
use crate::ui::browser;
use crate::ui::kit::mark::hue;
use crate::ui::kit::{Icon, button};
use crate::ui::nav::use_nav;
use crate::ui::screen::use_store;
use crate::ui::words;
use crate::view::{Chat, Quote, Target, Ties};

/// A message that is to be answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Replying {
    pub room: Chat,
    pub message: MessageId,
    author: UserId,
    /// Its first line.
    text: String,
}

/// What is written next answers this message.
pub fn begin(talk: Talk, store: Store, room: Chat, message: MessageId) {
    if let Some((author, text)) = acts::said(store, message) {
        let is_answer = acts::is_answer(store, message);
        let (editing, replying) = if is_answer {
            (talk.editing_answer, talk.replying_answer)
        } else {
            (talk.editing, talk.replying)
        };
        editing.set(None);
        replying.set(Some(Replying {
            room,
            message,
            author,
            text: text
                .lines()
                .map(str::trim)
                .find(|line| !line.is_empty())
                .unwrap_or_default()
                .chars()
                .take(120)
                .collect(),
        }));
        // A menu or sheet that is closing gives focus back first.
        let field = if is_answer { thread::TEXT } else { composer::TEXT };
        set_timeout(move || browser::focus(field), Duration::from_millis(60));
    }
}

fn author(store: Store, user: UserId) -> AnyView {
    let person = Memo::new(move |_| store.person(user));
    html::b()
        .class("reply-author")
        .attr("dir", "auto")
        .attr("data-hue", move || {
            person.with(|person| person.as_ref().map_or("0", |person| hue(person.mark)))
        })
        .child(move || person.get().map(|person| person.shown().to_owned()).unwrap_or_default())
        .into_any()
}

/// Above where one writes, in the conversation.
pub fn strip(room: Chat) -> AnyView {
    strip_of(room, use_talk().replying, use_store().shown(), composer::TEXT)
}

/// The same in the thread beside it.
pub fn strip_in_thread(room: Chat) -> AnyView {
    strip_of(room, use_talk().replying_answer, use_store().answers(), thread::TEXT)
}

fn strip_of(room: Chat, chosen: RwSignal<Option<Replying>>, rows: ReadSignal<Shown>, field: &'static str) -> AnyView {
    let store = use_store();
    let replying = Memo::new(move |_| chosen.get().filter(|replying| replying.room == room));
    // Somebody took it away meanwhile.
    Effect::new(move |_| {
        let Some(replying) = replying.get() else { return };
        let is_there = rows.with(|shown| {
            shown.chat != Some(room)
                || shown.cells.iter().rev().any(|cell| {
                    cell.row.with(|row| {
                        crate::state::authored(&row.body).is_some_and(|(_, message)| message == replying.message)
                    })
                })
        });
        if !is_there {
            chosen.set(None);
        }
    });
    (move || {
        replying.get().map(|replying| {
            html::div().class("composer-strip").child((
                Icon::Reply.view(),
                html::span()
                    .class("composer-said truncate")
                    .attr("role", "status")
                    .child((
                        "Replying to ",
                        author(store, replying.author),
                        html::span()
                            .class("muted")
                            .attr("dir", "auto")
                            .child(format!(" {}", replying.text)),
                    )),
                button::icon_of(
                    "button button-quiet button-icon button-s",
                    Icon::X,
                    "Stop replying",
                    move || {
                        chosen.set(None);
                        browser::focus(field);
                    },
                ),
            ))
        })
    })
    .into_any()
}

/// Above an answer: who wrote what it answers, and how that begins. A press goes there.
pub fn above(room: Chat, ties: Memo<Ties>) -> AnyView {
    let (store, nav, talk) = (use_store(), use_nav(), use_talk());
    let reply = Memo::new(move |_| ties.with(|ties| ties.reply.clone()));
    (move || {
        reply.get().map(|quote| {
            let lost = |words: &'static str| {
                html::div()
                    .class("reply reply-lost")
                    .child((Icon::Reply.s(), html::span().class("truncate").child(words)))
                    .into_any()
            };
            let press = move |target: Target, name: &'static str, content: AnyView| {
                html::button()
                    .r#type("button")
                    .class("reply")
                    .title(name)
                    .on(leptos::ev::click, move |_| match target {
                        Target::Message(message) if acts::is_answer(store, message) => {
                            talk.wanted_answer.set(Some(message));
                        }
                        target => nav.jump_to(room, target),
                    })
                    .child((Icon::Reply.s(), content))
                    .into_any()
            };
            match quote {
                Quote::Text { message, by, .. } if store.is_blocked(by) => press(
                    Target::Message(message),
                    "Go to the message",
                    html::span().class("truncate").child(words::OF_BLOCKED).into_any(),
                ),
                Quote::Text {
                    message,
                    by,
                    text,
                    edited,
                } => press(
                    Target::Message(message),
                    "Go to the message",
                    (
                        author(store, by),
                        html::span().class("truncate").attr("dir", "auto").child(text),
                        edited.then(|| html::span().class("reply-edited").child("(edited)")),
                    )
                        .into_any(),
                ),
                Quote::Earlier(hash) => press(
                    Target::Hash(hash),
                    "Go to the message",
                    html::span().class("truncate").child("An earlier message").into_any(),
                ),
                Quote::Gone => lost("A message that was deleted"),
                Quote::Nowhere => lost("A message that is not here"),
            }
        })
    })
    .into_any()
}
