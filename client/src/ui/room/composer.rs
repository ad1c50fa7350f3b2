//! Where one writes. Enter sends and Shift+Enter makes a line; under fingers Enter makes a line and the button sends. What stands
//! here survives a reload.

use std::rc::Rc;
use std::time::Duration;

use crate::view::Chat;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::{ev, html};

use super::acts::{self, Editing, Talk, use_talk};
use super::offers::{Field, Offers};
use super::picker::{picker, use_emojis};
use super::reply;
use super::slash::{self, Meant};
use super::window::Window;
use crate::state::{Store, authored};
use crate::ui::dialogs::{Ask, Dialogs, refuse, use_dialogs};
use crate::ui::kit::menu::{Entry, Face, menu};
use crate::ui::kit::toast::Toasts;
use crate::ui::kit::{Icon, button, popover};
use crate::ui::screen::{use_narrow, use_store, use_toasts};
use crate::ui::{browser, moderation, sidebar, when, wire, words};
use crate::view::{Command, RoomKind};

/// Id of the text.
pub const TEXT: &str = "composer";

/// A draft is kept this long after the last key.
const KEEP_AFTER: Duration = Duration::from_millis(400);

/// Id of the list of what is offered while a name is typed.
const OFFERS: &str = "composer-offers";

/// Whether Enter sends. A keyboard on glass has no Shift+Enter: there it makes a line, but with Ctrl or ⌘ it sends everywhere.
pub(super) fn sends(event: &web_sys::KeyboardEvent) -> bool {
    event.ctrl_key() || event.meta_key() || !event.shift_key() && !browser::is_touch()
}

/// Nothing is held down with it.
pub(super) fn is_plain(event: &web_sys::KeyboardEvent) -> bool {
    !event.shift_key() && !event.alt_key() && !event.ctrl_key() && !event.meta_key()
}

/// What a keyboard on glass shows on its Enter.
pub(super) fn enter_hint() -> &'static str {
    if browser::is_touch() { "enter" } else { "send" }
}

#[derive(Clone, Copy)]
struct Composer {
    room: Chat,
    node: NodeRef<html::Textarea>,
    text: RwSignal<String>,
    error: RwSignal<Option<String>>,
    /// What was last given to be kept; none if it is not sure that it was.
    kept: StoredValue<Option<String>>,
    timer: StoredValue<Option<TimeoutHandle>>,
    /// The message that stands here instead of a new one, and what stood here before it.
    editing: RwSignal<Option<Editing>>,
    before: StoredValue<String>,
    dialogs: Dialogs,
    toasts: Toasts,
    /// When it was last said that somebody writes here.
    said_ms: StoredValue<u64>,
}

pub fn composer(room: Chat, view: Window) -> AnyView {
    let store = use_store();
    let draft = untrack(|| store.room(room)).map(|room| room.draft).unwrap_or_default();
    let this = Composer {
        room,
        node: NodeRef::new(),
        text: RwSignal::new(draft.clone()),
        error: RwSignal::new(None),
        kept: StoredValue::new(Some(draft)),
        timer: StoredValue::new(None),
        editing: RwSignal::new(None),
        before: StoredValue::new(String::new()),
        dialogs: use_dialogs(),
        toasts: use_toasts(),
        said_ms: StoredValue::new(0),
    };
    let (talk, dialogs) = (use_talk(), use_dialogs());
    let emojis = use_emojis();
    let offers = Offers::new(this.field());
    Effect::new(move |_| {
        let wanted = talk.editing.get().filter(|editing| editing.room == room);
        this.turn_to(wanted);
    });
    // Somebody else's hand took it away meanwhile.
    Effect::new(move |_| {
        let gone = this.editing.with(|editing| {
            let is_it = |cell: &crate::state::Cell, wanted| {
                cell.row
                    .with(|row| authored(&row.body))
                    .is_some_and(|(_, message)| message == wanted)
            };
            let there = |wanted| {
                store
                    .shown()
                    .with(|shown| shown.cells.iter().rev().any(|cell| is_it(cell, wanted)))
            };
            editing.as_ref().is_some_and(|editing| !there(editing.message))
        });
        if gone {
            talk.editing.set(None);
        }
    });
    Effect::new(move |_| {
        if let Some(sign) = talk.insert.get() {
            talk.insert.set(None);
            this.insert(&sign);
        }
    });
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
        let _ = talk.editing.try_set(None);
        let _ = talk.replying.try_set(None);
    });
    let empty = Memo::new(move |_| this.text.with(|text| text.trim().is_empty()));
    let label = move || {
        let title = store.room(room).map(|room| sidebar::title(&room)).unwrap_or_default();
        format!("Message {title}")
    };
    let send = move || {
        offers.close();
        if this.editing.with_untracked(Option::is_some) {
            this.save(talk);
        } else if this.send(talk, store) {
            view.jump();
        }
    };
    let area = html::textarea()
        .class("composer-text")
        .id(TEXT)
        .attr("rows", move || {
            this.text
                .with(|text| (text.matches('\n').count() + 1).min(12))
                .to_string()
        })
        .attr("aria-label", label)
        .attr("aria-describedby", "composer-error")
        .attr("aria-invalid", move || {
            this.error.with(Option::is_some).then_some("true")
        })
        .attr("enterkeyhint", enter_hint())
        .attr("autocomplete", "off")
        .attr("dir", "auto")
        .placeholder(label)
        .node_ref(this.node)
        .prop("value", move || this.text.get())
        .attr("aria-autocomplete", "list")
        .attr("aria-controls", move || offers.list())
        .attr("aria-activedescendant", move || offers.active())
        .on(ev::input, move |event| {
            this.typed(event_target_value(&event));
            this.say_typing();
            offers.look(emojis);
        })
        .on(ev::blur, move |_| {
            this.keep();
            offers.close();
        })
        .on(ev::keydown, move |event| {
            if browser::is_composing(&event) || offers.key(&event) {
                return;
            }
            match event.key().as_str() {
                "Enter" if sends(&event) => {
                    event.prevent_default();
                    send();
                }
                "Escape" if this.editing.with_untracked(Option::is_some) => {
                    event.prevent_default();
                    talk.editing.set(None);
                }
                "Escape" if talk.replying.with_untracked(Option::is_some) => {
                    event.prevent_default();
                    talk.replying.set(None);
                }
                "ArrowUp" if is_plain(&event) && this.text.with_untracked(String::is_empty) => {
                    if let Some(message) = acts::last_own(store) {
                        event.prevent_default();
                        acts::edit(talk, store, room, message);
                    }
                }
                _ => {}
            }
        });
    let strip = move || {
        this.editing.with(Option::is_some).then(|| {
            html::div().class("composer-strip").child((
                Icon::Pencil.view(),
                html::span().class("composer-said").attr("role", "status").child((
                    "Editing your message",
                    html::span()
                        .class("muted composer-keys")
                        .child(" · Esc leaves it as it was"),
                )),
                button::icon_of(
                    "button button-quiet button-icon button-s",
                    Icon::X,
                    "Stop editing",
                    move || {
                        talk.editing.set(None);
                        browser::focus(TEXT);
                    },
                ),
            ))
        })
    };
    let narrow = use_narrow();
    let emoji = move || {
        let class = "button button-quiet button-icon";
        if narrow.get() {
            return button::icon_of(class, Icon::Smile, "Emoji", move || dialogs.open(Ask::Emoji));
        }
        popover::icon(class, Icon::Smile, "Emoji", move |close| {
            picker(Rc::new(move |sign: &str| {
                close();
                talk.insert.set(Some(sign.to_owned()));
            }))
        })
    };
    // What is no text.
    let more = menu(
        "button button-quiet button-icon",
        Face::Icon(Icon::Plus),
        "Add something else".into(),
        move || {
            vec![Entry::new(Icon::ChartBar, "Poll", move || {
                dialogs.open(Ask::Poll(room, String::new()))
            })]
        },
    );
    // In a direct message there is nobody else to be called.
    let can_call = Memo::new(move |_| store.room(room).is_some_and(|room| room.kind != RoomKind::Direct));
    let call = move || {
        (can_call.get() && !narrow.get()).then(|| {
            button::icon_of(
                "button button-quiet button-icon",
                Icon::AtSign,
                "Mention someone",
                move || {
                    this.insert("@");
                    request_animation_frame(move || request_animation_frame(move || offers.look(emojis)));
                },
            )
        })
    };
    html::form()
        .class("composer")
        .attr("aria-label", "Write a message")
        .on(ev::submit, move |event| {
            event.prevent_default();
            send();
            browser::focus(TEXT);
        })
        .child((
            offers.view(emojis),
            html::div().id("composer-error").attr("role", "alert").child(move || {
                this.error.get().map(|error| {
                    html::div()
                        .class("composer-strip strip-danger")
                        .child((Icon::CircleAlert.view(), html::span().child(error)))
                })
            }),
            strip,
            moderation::strip::slow(room),
            reply::strip(room),
            html::div().class("composer-row").child((
                more,
                area,
                call,
                emoji,
                html::button()
                    .r#type("submit")
                    .class("button button-primary button-icon")
                    .attr("aria-label", move || {
                        if this.editing.with(Option::is_some) {
                            "Save"
                        } else {
                            "Send"
                        }
                    })
                    .attr("title", move || {
                        if this.editing.with(Option::is_some) {
                            "Save"
                        } else {
                            "Send"
                        }
                    })
                    .prop("disabled", move || empty.get())
                    // The field keeps the keyboard: glass does not take its own away, from under the press.
                    .on(ev::mousedown, |event| event.prevent_default())
                    .child(move || {
                        if this.editing.with(Option::is_some) {
                            Icon::Check.m()
                        } else {
                            Icon::ArrowUp.m()
                        }
                    }),
            )),
        ))
        .into_any()
}

/// Between two words to the worker that somebody writes; it tells others more rarely.
const SAY_EVERY_MS: u64 = 1_000;

impl Composer {
    fn field(self) -> Field {
        Field {
            chat: self.room,
            in_thread: false,
            list: OFFERS,
            node: self.node,
            text: self.text,
            typed: Callback::new(move |text| self.typed(text)),
        }
    }

    /// A new message grows here: the others may know.
    fn say_typing(self) {
        let now = when::now();
        let is_new = self.editing.with_untracked(Option::is_none) && !self.text.with_untracked(String::is_empty);
        if is_new && now >= self.said_ms.get_value() + SAY_EVERY_MS {
            self.said_ms.set_value(now);
            wire::tell(Command::Typing { chat: self.room });
        }
    }

    /// Puts a message here to be edited, or back what stood here before.
    fn turn_to(self, wanted: Option<Editing>) {
        let was = self.editing.get_untracked();
        if was == wanted {
            return;
        }
        if was.is_none() {
            self.keep();
            self.before.set_value(self.text.get_untracked());
        }
        self.error.set(None);
        self.text.set(match &wanted {
            Some(editing) => editing.text.clone(),
            None => self.before.try_update_value(std::mem::take).unwrap_or_default(),
        });
        self.editing.set(wanted);
        self.field().caret_to(u32::MAX);
    }

    /// Gives the new text to be sent. It stays here while it is refused.
    fn save(self, talk: Talk) {
        let Some(editing) = self.editing.get_untracked() else {
            return;
        };
        let text = self.text.get_untracked().trim_end().to_owned();
        if text.trim().is_empty() {
            return;
        }
        if text == editing.text {
            talk.editing.set(None);
            return;
        }
        let command = Command::Edit {
            chat: editing.room,
            message: editing.message,
            text,
        };
        wire::ask(command, move |result| match result {
            Ok(_) => {
                if self.editing.try_get_untracked().flatten() == Some(editing) {
                    talk.editing.set(None);
                }
            }
            Err(problem) => drop(self.error.try_set(Some(words::problem(&problem)))),
        });
    }

    /// Puts a sign in the place of what is marked.
    fn insert(self, sign: &str) {
        let text = self.text.get_untracked();
        let field = self.field();
        let (start, end) = field.marked(&text);
        field.replace(&text, start, end, sign);
        browser::focus(TEXT);
    }

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
        // A message that is being edited is no draft.
        if self.editing.try_with_untracked(Option::is_some).unwrap_or(true) {
            return;
        }
        let Some(text) = self.text.try_get_untracked() else {
            return;
        };
        let is_kept = |kept: &Option<String>| kept.as_ref() == Some(&text);
        if self.kept.try_with_value(is_kept).unwrap_or(true) {
            return;
        }
        self.kept.set_value(Some(text.clone()));
        wire::ask(Command::SaveDraft { chat: self.room, text }, move |result| {
            if result.is_err() {
                let _ = self.kept.try_update_value(|kept| *kept = None);
            }
        });
    }

    /// Hands the text over and empties the field; gives it back if it is refused. Tells whether there was anything.
    fn send(self, talk: Talk, store: Store) -> bool {
        let text = self.text.get_untracked();
        if text.trim().is_empty() {
            return false;
        }
        let Some(room) = untrack(|| store.room(self.room)) else {
            return false;
        };
        let meant = match slash::read(text.trim_end(), self.room, &room, false) {
            Meant::Text(meant) => meant,
            Meant::Not(why) => {
                self.error.set(Some(why));
                return false;
            }
            Meant::Open(ask) => {
                self.text.set(String::new());
                self.error.set(None);
                self.keep();
                self.dialogs.open(ask);
                return false;
            }
        };
        self.error.set(None);
        self.text.set(String::new());
        // What is sent is no draft any more, in whatever tab; nothing needs to say so once more.
        self.kept.set_value(Some(String::new()));
        let replying = talk
            .replying
            .get_untracked()
            .filter(|replying| replying.room == self.room);
        talk.replying.set(None);
        let (chat, toasts) = (self.room, self.toasts);
        let command = Command::Send {
            chat,
            text: meant,
            reply: replying.as_ref().map(|replying| replying.message),
            thread: None,
        };
        wire::ask(command, move |result| match result {
            Ok(_) => self.keep(),
            Err(problem) => {
                refuse(toasts, self.error, &problem);
                if self.editing.is_disposed() {
                    // Somebody went on meanwhile: it waits here for them.
                    wire::tell(Command::SaveDraft { chat, text });
                    return;
                }
                // What was typed meanwhile stays, after what came back.
                let back = |now: &mut String| *now = if now.is_empty() { text } else { format!("{text}\n{now}") };
                if self.editing.with_untracked(Option::is_some) {
                    self.before.update_value(back);
                } else {
                    self.text.update(back);
                }
                self.kept.set_value(None);
                self.keep();
                if replying.is_some() && talk.replying.with_untracked(Option::is_none) {
                    talk.replying.set(replying);
                }
            }
        });
        true
    }
}
