//! Where one writes. Enter sends, Shift+Enter makes a line; what stands here survives a reload.

use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::RoomId;

use super::window::Window;
use crate::ui::kit::Icon;
use crate::ui::screen::use_store;
use crate::ui::{browser, sidebar, wire, words};
use crate::view::Command;

/// Id of the text.
pub const TEXT: &str = "composer";

/// A draft is kept this long after the last key.
const KEEP_AFTER: Duration = Duration::from_millis(400);

#[derive(Clone, Copy)]
struct Composer {
    room: RoomId,
    node: NodeRef<html::Textarea>,
    text: RwSignal<String>,
    error: RwSignal<Option<String>>,
    /// What was last given to be kept.
    kept: StoredValue<String>,
    timer: StoredValue<Option<TimeoutHandle>>,
}

pub fn composer(room: RoomId, view: Window) -> AnyView {
    let store = use_store();
    let draft = untrack(|| store.room(room)).map(|room| room.draft).unwrap_or_default();
    let this = Composer {
        room,
        node: NodeRef::new(),
        text: RwSignal::new(draft.clone()),
        error: RwSignal::new(None),
        kept: StoredValue::new(draft),
        timer: StoredValue::new(None),
    };
    if !browser::is_touch() {
        Effect::new(move |_| {
            if let Some(text) = this.node.get() {
                request_animation_frame(move || drop(text.focus()));
            }
        });
    }
    // A closing tab gives no second chance.
    let hiding = window_event_listener_untyped("pagehide", move |_| this.keep());
    on_cleanup(move || {
        hiding.remove();
        this.keep();
    });
    let empty = Memo::new(move |_| this.text.with(|text| text.trim().is_empty()));
    let label = move || {
        let title = store.room(room).map(|room| sidebar::title(&room)).unwrap_or_default();
        format!("Message {title}")
    };
    let send = move || {
        if this.send() {
            view.jump();
        }
    };
    let area = html::textarea()
        .class("composer-text")
        .id(TEXT)
        .attr("rows", move || {
            this.text.with(|text| text.lines().count().clamp(1, 12)).to_string()
        })
        .attr("aria-label", label)
        .attr("aria-describedby", "composer-error")
        .attr("aria-invalid", move || {
            this.error.with(Option::is_some).then_some("true")
        })
        .attr("enterkeyhint", "send")
        .attr("autocomplete", "off")
        .attr("dir", "auto")
        .placeholder(label)
        .node_ref(this.node)
        .prop("value", move || this.text.get())
        .on(ev::input, move |event| this.typed(event_target_value(&event)))
        .on(ev::blur, move |_| this.keep())
        .on(ev::keydown, move |event| {
            // While an input method composes, Enter belongs to it. 229 is how some browsers say so.
            let composing = event.is_composing() || event.key_code() == 229;
            if event.key() == "Enter" && !event.shift_key() && !composing {
                event.prevent_default();
                send();
            }
        });
    html::form()
        .class("composer")
        .attr("aria-label", "Write a message")
        .on(ev::submit, move |event| {
            event.prevent_default();
            send();
            browser::focus(TEXT);
        })
        .child((
            html::div().id("composer-error").attr("role", "alert").child(move || {
                this.error.get().map(|error| {
                    html::div()
                        .class("composer-strip strip-danger")
                        .child((Icon::CircleAlert.view(), html::span().child(error)))
                })
            }),
            html::div().class("composer-row").child((
                area,
                html::button()
                    .r#type("submit")
                    .class("button button-primary button-icon")
                    .attr("aria-label", "Send")
                    .title("Send")
                    .prop("disabled", move || empty.get())
                    .child(Icon::ArrowUp.m()),
            )),
        ))
        .into_any()
}

impl Composer {
    fn typed(self, text: String) {
        self.text.set(text);
        self.error.set(None);
        self.wait(Some(set_timeout_with_handle(move || self.keep(), KEEP_AFTER).ok()).flatten());
    }

    fn wait(self, next: Option<TimeoutHandle>) {
        if let Some(before) = self
            .timer
            .try_update_value(|timer| std::mem::replace(timer, next))
            .flatten()
        {
            before.clear();
        }
    }

    /// Gives what stands here to be kept, if it is not kept already.
    fn keep(self) {
        self.wait(None);
        let Some(text) = self.text.try_get_untracked() else {
            return;
        };
        if self.kept.try_with_value(|kept| *kept == text).unwrap_or(true) {
            return;
        }
        self.kept.set_value(text.clone());
        wire::tell(Command::SaveDraft { room: self.room, text });
    }

    /// Hands the text over and empties the field; gives it back if it is refused. Tells whether there was anything.
    fn send(self) -> bool {
        let text = self.text.get_untracked();
        if text.trim().is_empty() {
            return false;
        }
        self.error.set(None);
        self.text.set(String::new());
        wire::ask(
            Command::Send {
                room: self.room,
                text: text.trim_end().to_owned(),
            },
            move |result| match result {
                Ok(_) => self.keep(),
                Err(problem) => {
                    drop(self.error.try_set(Some(words::problem(&problem))));
                    // What was typed meanwhile stays, after what came back.
                    self.text
                        .try_update(|now| *now = if now.is_empty() { text } else { format!("{text}\n{now}") });
                }
            },
        );
        true
    }
}
