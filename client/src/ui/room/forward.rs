//! Handing a message on: to which conversations.

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::MessageId;

use super::acts;
use crate::ui::dialogs::{closer, error_line, refuse, still_stands, use_dialogs};
use crate::ui::kit::button;
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::mark::Size;
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::{sidebar, wire};
use crate::view::{Chat, Command};

pub fn dialog(from: Chat, message: MessageId) -> AnyView {
    let (store, dialogs, toasts) = (use_store(), use_dialogs(), use_toasts());
    let wanted = RwSignal::new(String::new());
    let chosen = RwSignal::new(Vec::<Chat>::new());
    let error = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let text = acts::said(store, message).map(|(_, text)| text).unwrap_or_default();
    let fits = move |chat: &Chat| {
        let room = store.room(*chat);
        let word = wanted.with(|word| word.trim().to_lowercase());
        room.is_some_and(|room| room.takes_words() && sidebar::title(&room).to_lowercase().contains(&word))
    };
    let all = Memo::new(move |_| {
        let channels = store.space_list().into_iter().flat_map(|space| store.channels(space));
        let all = store.room_list().into_iter().chain(channels);
        all.filter(fits).collect::<Vec<_>>()
    });
    let one = move |chat: Chat| {
        let room = Memo::new(move |_| store.room(chat));
        html::li().child(
            html::label().class("choice choice-line").child((
                html::input()
                    .r#type("checkbox")
                    .prop("checked", move || chosen.with(|chosen| chosen.contains(&chat)))
                    .on(ev::change, move |event| {
                        let on = event_target_checked(&event);
                        error.set(None);
                        chosen.update(|chosen| {
                            chosen.retain(|other| *other != chat);
                            if on {
                                chosen.push(chat);
                            }
                        });
                    }),
                move || room.get().map(|room| sidebar::picture(store, &room, Size::S24)),
                html::span()
                    .class("truncate")
                    .child(move || room.get().map(|room| sidebar::title(&room))),
                // Channels of different spaces may be called the same.
                move || {
                    store
                        .space(chat.room)
                        .map(|space| html::span().class("muted truncate").child(space.name))
                },
            )),
        )
    };
    let send = move || {
        if busy.get_untracked() || chosen.with_untracked(Vec::is_empty) {
            return;
        }
        busy.set(true);
        let to = chosen.get_untracked();
        let count = to.len();
        let command = Command::Forward {
            chat: from,
            message,
            to,
        };
        wire::ask(command, move |result| {
            let here = still_stands(busy);
            match result {
                Ok(_) => {
                    if here {
                        dialogs.close();
                    }
                    toasts.ok(match count {
                        1 => "Forwarded".to_owned(),
                        count => format!("Forwarded to {count} conversations"),
                    });
                }
                Err(problem) => refuse(toasts, error, &problem),
            }
        });
    };
    let none = Memo::new(move |_| chosen.with(Vec::is_empty));
    let form = html::form()
        .attr("aria-label", "Forward")
        .on(ev::submit, move |event| {
            event.prevent_default();
            send();
        })
        .child((
            html::div().class("dialog-body").child((
                html::blockquote().class("forward-text").attr("dir", "auto").child(text),
                html::input()
                    .r#type("search")
                    .class("input")
                    .attr("aria-label", "Find a conversation")
                    .placeholder("Find a conversation")
                    .attr("autocomplete", "off")
                    .autofocus(true)
                    .prop("value", move || wanted.get())
                    .on(ev::input, move |event| wanted.set(event_target_value(&event))),
                html::ul()
                    .class("choices choices-long")
                    .attr("aria-label", "Conversations")
                    .child(For(ForProps::builder()
                        .each(move || all.get())
                        .key(|chat| *chat)
                        .children(one)
                        .build())),
                move || {
                    all.with(Vec::is_empty)
                        .then(|| html::p().class("muted").child("No conversation is called that."))
                },
                error_line(error),
            )),
            html::footer().class("dialog-foot").child((
                button::button("button", "Cancel", move || dialogs.close()),
                button::submit(
                    "button button-primary",
                    "Forward",
                    busy.into(),
                    Signal::derive(move || !none.get()),
                ),
            )),
        ));
    Dialog {
        title: "Forward".into(),
        sub: Some("The words alone: not who wrote them, nor where.".into()),
        mark: None,
        wide: false,
        kept: Signal::stored(false),
        content: form.into_any(),
        close: closer(),
    }
    .view()
}
