//! How much a conversation may ask for attention: what is told of it, whether it is quiet for a while, and what counts as read.

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::{ChannelId, RoomId};

use super::dialogs::{Ask, closer};
use super::kit::dialog::Dialog;
use super::kit::toast::Toasts;
use super::kit::{Icon, button, unique};
use super::room::acts::Talk;
use super::screen::{use_store, use_toasts};
use super::{when, wire, words};
use crate::state::Store;
use crate::view::{Chat, Command, Level, RoomKind};

const HOUR_MS: u64 = 3_600_000;

/// The dialog about one conversation.
pub fn ask(chat: Chat) -> Ask {
    Ask::Hush(chat.room, (chat.channel != ChannelId::MAIN).then_some(chat.channel))
}

/// What was chosen, and until when it is quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Chosen {
    level: Option<Level>,
    until: u64,
}

pub fn dialog(room: RoomId, channel: Option<ChannelId>) -> AnyView {
    let (store, toasts) = (use_store(), use_toasts());
    let chat = Chat {
        room,
        channel: channel.unwrap_or(ChannelId::MAIN),
    };
    let shown = untrack(|| store.room(chat));
    let is_direct = shown.as_ref().is_some_and(|room| room.kind == RoomKind::Direct);
    let chosen = Memo::new(move |_| {
        let own = store.room(chat).map(|room| Chosen {
            level: room.hush.chosen,
            until: room.hush.muted_until,
        });
        let whole = store.room_hush(room).map(|hush| Chosen {
            level: hush.chosen,
            until: hush.muted_until,
        });
        own.or(whole).unwrap_or_default()
    });
    let send = move |command: Command| {
        wire::ask(command, move |result| {
            if let Err(problem) = result {
                toasts.danger(words::problem(&problem));
            }
        });
    };
    let (name, title) = (unique("level"), unique("level"));
    let level = {
        let name = name.clone();
        move |level: Option<Level>, label: &'static str, hint: &'static str| {
            html::label()
                .class("check")
                .child((
                    html::input()
                        .r#type("radio")
                        .attr("name", name.clone())
                        .prop("checked", move || chosen.get().level == level)
                        .on(ev::change, move |_| send(Command::SetLevel { room, channel, level })),
                    html::span().child(label),
                    html::span().class("check-hint").child(hint),
                ))
                .into_any()
        }
    };
    let usual = "What they say under Notifications.";
    let levels = if is_direct {
        vec![
            level(None, "As in your settings", usual),
            level(Some(Level::Everything), "Everything", "Every message."),
            level(
                Some(Level::Nothing),
                "Nothing",
                "No notification. It still shows as unread.",
            ),
        ]
    } else {
        vec![
            level(None, "As in your settings", usual),
            level(Some(Level::Everything), "Everything", "Every message."),
            level(Some(Level::Mentions), "Mentions", "What calls you or answers you."),
            level(
                Some(Level::Nothing),
                "Nothing",
                "No notification. It still shows as unread.",
            ),
        ]
    };
    let mute = move |until_ms: u64| {
        send(Command::Mute {
            room,
            channel,
            until_ms,
        })
    };
    let quiet = move || {
        let until = chosen.get().until;
        if until > when::now() {
            let words = if until == u64::MAX {
                "Muted until you switch it on.".to_owned()
            } else {
                format!("Muted until {}.", when::full(until))
            };
            return html::div()
                .class("spread")
                .child((
                    html::p().class("soft").child(words),
                    button::button("button button-s", "Switch on", move || mute(0)),
                ))
                .into_any();
        }
        let one =
            |label: &'static str, until: fn() -> u64| button::button("button button-s", label, move || mute(until()));
        html::div()
            .class("hush-times")
            .child((
                one("1 hour", || when::now() + HOUR_MS),
                one("8 hours", || when::now() + 8 * HOUR_MS),
                one("Until tomorrow", || when::morning_after(when::now())),
                one("Until I switch it on", || u64::MAX),
            ))
            .into_any()
    };
    let content = (
        html::div().class("dialog-body").child((
            html::div()
                .attr("role", "radiogroup")
                .attr("aria-labelledby", title.clone())
                .class("hush-levels")
                .child((html::h3().class("menu-title").id(title).child("Tell me about"), levels)),
            html::section().class("hush-mute").child((
                html::h3().class("menu-title").child("Mute"),
                html::p()
                    .class("soft")
                    .child("Quiet, without a number and not in bold. It holds in every browser you use."),
                quiet,
            )),
        )),
        html::footer()
            .class("dialog-foot")
            .child(button::button("button button-primary", "Done", {
                let close = closer();
                move || close()
            })),
    );
    Dialog {
        title: "Notifications".into(),
        sub: shown
            .map(|room| super::sidebar::title(&room))
            .or_else(|| untrack(|| store.space(room)).map(|space| space.name)),
        mark: None,
        wide: false,
        kept: Signal::stored(false),
        content: content.into_any(),
        close: closer(),
    }
    .view()
}

/// Everything in a conversation counts as read; it can be taken back for a while.
/// What somebody marked unread is so no longer.
pub fn mark_read(store: Store, toasts: Toasts, talk: Talk, chat: Chat) {
    let before = untrack(|| store.room(chat)).map(|room| room.read);
    let by_hand = talk.marked_unread(chat);
    if by_hand.is_some() {
        talk.unread.set(None);
    }
    wire::tell(Command::MarkRead { chat });
    match before {
        Some(read) => toasts.offer("Everything here counts as read.", "Undo", move || {
            if by_hand.is_some() {
                talk.unread.set(by_hand.clone());
            }
            wire::tell(Command::SetRead { chat, read });
        }),
        None => toasts.ok("Everything here counts as read."),
    }
}

/// The sign of a bell that is off, for a room in a list.
pub fn muted_sign() -> AnyView {
    html::span()
        .class("talk-muted-sign")
        .title("Muted")
        .child((Icon::BellOff.s(), html::span().class("visually-hidden").child("Muted")))
        .into_any()
}
