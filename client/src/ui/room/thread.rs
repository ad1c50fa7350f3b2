//! A thread beside its conversation: what was answered to one message, with a place of its own to write.

use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::EnvelopeHash;

use super::acts::{self, Editing, use_talk};
use super::composer::{enter_hint, is_plain, sends};
use super::offers::{Field, Offers};
use super::picker::use_emojis;
use super::slash::{self, Meant};
use super::window::Window;
use super::{reply, timeline};
use crate::state::{Store, authored};
use crate::ui::dialogs::{refuse, use_dialogs};
use crate::ui::kit::mark::Size;
use crate::ui::kit::{Icon, button};
use crate::ui::moderation::strip;
use crate::ui::nav::{icon_link, use_nav};
use crate::ui::pictures::portrait;
use crate::ui::place::Place;
use crate::ui::screen::{use_narrow, use_store, use_toasts};
use crate::ui::{browser, when, wire, words};
use crate::view::{Chat, Command, Outcome, Problem, Row, Target, Thread};

/// Id of the text.
pub const TEXT: &str = "answer";

/// A draft is kept this long after the last key.
const KEEP_AFTER: Duration = Duration::from_millis(400);

/// Between two words to the worker that somebody writes.
const SAY_EVERY_MS: u64 = 1_000;

/// Id of the way there, under the message.
fn chip_id(root: EnvelopeHash) -> String {
    format!("thread-{root}")
}

pub fn answers(count: u32) -> String {
    match count {
        1 => "1 answer".into(),
        count => format!("{count} answers"),
    }
}

/// When the last of them was written.
pub fn newest(at_ms: u64) -> String {
    let at = if when::is_today(at_ms) {
        when::time(at_ms)
    } else {
        when::day_name(at_ms)
    };
    format!("newest {at}")
}

/// Under the message that a thread begins with: how much was answered, and the way there.
pub fn chip(chat: Chat, row: ArcRwSignal<Row>) -> AnyView {
    let store = use_store();
    let thread = Memo::new(move |_| row.with(|row| row.thread.clone()));
    let root = Memo::new(move |_| thread.with(|thread| thread.as_ref().map(|thread| thread.root)));
    let who = move || {
        let people = thread.with(|thread| thread.as_ref().map(|thread| thread.who.clone()).unwrap_or_default());
        let marks = people.into_iter().filter_map(|user| store.person(user));
        marks
            .map(|person| portrait(person.id, person.mark, Size::S20))
            .collect_view()
    };
    let said = move |say: fn(&Thread) -> String| move || thread.with(|thread| thread.as_ref().map(say));
    (move || {
        root.get().map(|root| {
            html::a()
                .class("thread")
                .id(chip_id(root))
                .href(Place::Thread(chat, root).path())
                .child((
                    html::span().class("thread-who").attr("aria-hidden", "true").child(who),
                    html::b().child(said(|thread| answers(thread.answers))),
                    html::span()
                        .class("truncate")
                        .child(said(|thread| newest(thread.last_ms))),
                    move || {
                        let unread = thread.with(|thread| thread.as_ref().map_or(0, |thread| thread.unread));
                        (unread > 0).then(|| html::span().class("thread-new").child(format!("{unread} new")))
                    },
                ))
        })
    })
    .into_any()
}

/// The panel; on a phone a page. `takes_words`: there is a place to write in the conversation.
pub fn panel(chat: Chat, root: EnvelopeHash, takes_words: Memo<bool>) -> AnyView {
    let (store, nav, narrow) = (use_store(), use_nav(), use_narrow());
    let view = Window::of_thread(chat, root);
    let (draft, problem) = (RwSignal::new(None::<String>), RwSignal::new(None::<Problem>));
    // What is written meanwhile must not draw the place to write anew.
    let loaded = Memo::new(move |_| draft.with(Option::is_some));
    wire::ask(Command::ShowThread { chat, root }, move |result| match result {
        Ok(Outcome::Thread { draft: kept }) => drop(draft.try_set(Some(kept))),
        Ok(_) => {}
        Err(why) => drop(problem.try_set(Some(why))),
    });
    let talk = use_talk();
    // What was asked for of another thread is over.
    talk.replying_answer.set(None);
    on_cleanup(move || {
        wire::tell(Command::HideThread);
        // Back to where it was opened from.
        request_animation_frame(move || {
            let is_nowhere = document().active_element().is_none_or(|node| node.tag_name() == "BODY");
            if is_nowhere && !browser::is_touch() {
                browser::focus(&chip_id(root));
            }
        });
    });
    Effect::new(move |_| {
        let Some(wanted) = talk.wanted_answer.get() else { return };
        talk.wanted_answer.set(None);
        let is_it = |row: &Row| authored(&row.body).is_some_and(|(_, message)| message == wanted);
        let key = store.answers().with_untracked(|shown| {
            let cell = shown.cells.iter().find(|cell| cell.row.with_untracked(is_it));
            cell.map(|cell| cell.key.clone())
        });
        if let Some(key) = key {
            view.show_row(&key);
        }
    });
    let title = Memo::new(move |_| {
        store
            .room(chat)
            .map(|room| crate::ui::sidebar::title(&room))
            .unwrap_or_default()
    });
    let begins = move || first_row(store, root);
    // Nothing is said under a message that has gone.
    let open = Memo::new(move |_| {
        let stands = begins().is_some_and(|row| authored(&row.body).is_some());
        stands && takes_words.get() && store.room(chat).is_some_and(|room| !room.request)
    });
    let held = strip::held(chat);
    let to_message = move || {
        if untrack(move || narrow.get()) {
            nav.go(Place::Room(chat));
        }
        nav.jump_to(chat, Target::Hash(root));
    };
    html::aside()
        .class("panel thread-panel")
        .attr("aria-label", "Thread")
        .on(ev::keydown, move |event| {
            let taken = event.default_prevented() || browser::is_composing(&event) || browser::is_menu_open();
            if event.key() == "Escape" && !taken {
                event.prevent_default();
                event.stop_propagation();
                nav.go(Place::Room(chat));
            }
        })
        .child((
            html::header().class("bar").child((
                icon_link(
                    "button button-quiet button-icon bar-back",
                    Place::Room(chat),
                    Icon::ArrowLeft,
                    "Back to the conversation",
                ),
                html::h2()
                    .class("bar-title")
                    .attr("aria-level", move || narrow.level())
                    .child((
                        "Thread ",
                        html::span()
                            .class("muted truncate")
                            .attr("dir", "auto")
                            .child(move || title.get()),
                    )),
                html::div().class("bar-actions").child((
                    button::icon(Icon::MessageCircle, "Show in the conversation", to_message),
                    icon_link(
                        "button button-quiet button-icon",
                        Place::Threads(chat),
                        Icon::List,
                        "All threads",
                    ),
                    icon_link(
                        "button button-quiet button-icon panel-close",
                        Place::Room(chat),
                        Icon::X,
                        "Close the thread",
                    ),
                )),
            )),
            move || match problem.get() {
                Some(why) => html::div()
                    .class("empty")
                    .attr("role", "alert")
                    .child(html::p().child(words::problem(&why)))
                    .into_any(),
                None => timeline::timeline(chat, view, title),
            },
            html::div().class("foot").child((timeline::jump_down(view), move || {
                if !loaded.get() {
                    return None;
                }
                if let Some(held) = held.get().filter(|_| open.get()) {
                    Some(strip::closed(&held))
                } else if open.get() {
                    Some(composer(chat, root, draft, view))
                } else {
                    let gone = begins().is_some_and(|row| authored(&row.body).is_none());
                    gone.then(|| {
                        html::p()
                            .class("thread-over")
                            .child("The message is gone, so nothing more can be answered to it.")
                            .into_any()
                    })
                }
            })),
        ))
        .into_any()
}

/// The row that the thread on screen begins with.
fn first_row(store: Store, root: EnvelopeHash) -> Option<Row> {
    store.answers().with(|shown| {
        let cell = shown
            .cells
            .iter()
            .find(|cell| cell.row.with(|row| row.hash == Some(root)));
        cell.map(|cell| cell.row.get())
    })
}

/// Where one answers.
fn composer(chat: Chat, root: EnvelopeHash, draft: RwSignal<Option<String>>, view: Window) -> AnyView {
    let (store, talk, dialogs, toasts) = (use_store(), use_talk(), use_dialogs(), use_toasts());
    let node = NodeRef::<html::Textarea>::new();
    let begun = draft.get_untracked().unwrap_or_default();
    let (text, error) = (RwSignal::new(begun.clone()), RwSignal::new(None::<String>));
    // What was last given to be kept; none if it is not sure that it was.
    let (kept, timer) = (StoredValue::new(Some(begun)), StoredValue::new(None::<TimeoutHandle>));
    let (editing, before) = (RwSignal::new(None::<Editing>), StoredValue::new(String::new()));
    let keep = move || {
        if editing.try_with_untracked(Option::is_some).unwrap_or(true) {
            return;
        }
        let Some(text) = text.try_get_untracked() else { return };
        // Where one writes may be drawn anew in this panel, and goes on from here.
        let _ = draft.try_set(Some(text.clone()));
        let is_kept = |kept: &Option<String>| kept.as_ref() == Some(&text);
        if kept.try_with_value(is_kept).unwrap_or(true) {
            return;
        }
        kept.set_value(Some(text.clone()));
        wire::ask(Command::SaveThreadDraft { chat, root, text }, move |result| {
            if result.is_err() {
                let _ = kept.try_update_value(|kept| *kept = None);
            }
        });
    };
    let typed = move |now: String| {
        text.set(now);
        error.set(None);
        let next = set_timeout_with_handle(keep, KEEP_AFTER).ok();
        if let Some(before) = timer.try_update_value(|timer| std::mem::replace(timer, next)).flatten() {
            before.clear();
        }
    };
    let emojis = use_emojis();
    let field = Field {
        chat,
        in_thread: true,
        list: "answer-offers",
        node,
        text,
        typed: Callback::new(typed),
    };
    let offers = Offers::new(field);
    let said_ms = StoredValue::new(0);
    // The others may know that something grows here.
    let say_typing = move || {
        let now = when::now();
        let is_new = editing.with_untracked(Option::is_none) && !text.with_untracked(String::is_empty);
        if is_new && now >= said_ms.get_value() + SAY_EVERY_MS {
            said_ms.set_value(now);
            wire::tell(Command::Typing { chat });
        }
    };
    Effect::new(move |_| {
        let wanted = talk.editing_answer.get().filter(|editing| editing.room == chat);
        let was = editing.get_untracked();
        if was == wanted {
            return;
        }
        if was.is_none() {
            keep();
            before.set_value(text.get_untracked());
        }
        error.set(None);
        text.set(match &wanted {
            Some(editing) => editing.text.clone(),
            None => before.try_update_value(std::mem::take).unwrap_or_default(),
        });
        let begins = wanted.is_some();
        editing.set(wanted);
        field.caret_to(u32::MAX);
        // What ends by itself takes the keyboard from nowhere else.
        if begins {
            browser::focus(TEXT);
        }
    });
    // Somebody else's hand took it away meanwhile.
    Effect::new(move |_| {
        let Some(wanted) = editing.with(|editing| editing.as_ref().map(|editing| editing.message)) else {
            return;
        };
        let is_it = |row: &Row| authored(&row.body).is_some_and(|(_, message)| message == wanted);
        let there = store
            .answers()
            .with(|shown| shown.cells.iter().rev().any(|cell| cell.row.with(is_it)));
        if !there {
            talk.editing_answer.set(None);
        }
    });
    if !browser::is_touch() {
        Effect::new(move |_| {
            if let Some(text) = node.get() {
                request_animation_frame(move || drop(text.focus()));
            }
        });
    }
    let hiding = window_event_listener_untyped("pagehide", move |_| keep());
    on_cleanup(move || {
        hiding.remove();
        if let Some(timer) = timer.try_update_value(Option::take).flatten() {
            timer.clear();
        }
        keep();
        let _ = talk.editing_answer.try_set(None);
        let _ = talk.replying_answer.try_set(None);
    });
    // Gives back what was not sent; tells whether it stands here again.
    let refused = move |problem: Problem, text_back: String| {
        refuse(toasts, error, &problem);
        if editing.is_disposed() {
            // Somebody went on meanwhile: it waits here for them.
            let _ = draft.try_set(Some(text_back.clone()));
            let text = text_back;
            wire::tell(Command::SaveThreadDraft { chat, root, text });
            return false;
        }
        let back = |now: &mut String| {
            *now = if now.is_empty() {
                text_back
            } else {
                format!("{text_back}\n{now}")
            }
        };
        if editing.with_untracked(Option::is_some) {
            before.update_value(back);
        } else {
            text.update(back);
        }
        kept.set_value(None);
        keep();
        true
    };
    let send = move || {
        offers.close();
        let said = text.get_untracked().trim_end().to_owned();
        if said.trim().is_empty() {
            return;
        }
        error.set(None);
        if let Some(edited) = editing.get_untracked() {
            if said == edited.text {
                talk.editing_answer.set(None);
                return;
            }
            let command = Command::Edit {
                chat,
                message: edited.message,
                text: said,
            };
            wire::ask(command, move |result| match result {
                Ok(_) => {
                    if editing.try_get_untracked().flatten() == Some(edited) {
                        talk.editing_answer.set(None);
                    }
                }
                Err(problem) => drop(error.try_set(Some(words::problem(&problem)))),
            });
            return;
        }
        let begins = untrack(|| first_row(store, root)).and_then(|row| authored(&row.body));
        let Some(((_, message), room)) = begins.zip(untrack(|| store.room(chat))) else {
            return;
        };
        let said = match slash::read(&said, chat, &room, true) {
            Meant::Text(meant) => meant,
            Meant::Not(why) => {
                error.set(Some(why));
                return;
            }
            Meant::Open(ask) => {
                text.set(String::new());
                keep();
                dialogs.open(ask);
                return;
            }
        };
        text.set(String::new());
        // What is sent is no draft any more, here and where one writes when that is drawn anew.
        kept.set_value(Some(String::new()));
        draft.set(Some(String::new()));
        let replying = talk
            .replying_answer
            .get_untracked()
            .filter(|replying| replying.room == chat);
        talk.replying_answer.set(None);
        let command = Command::Send {
            chat,
            text: said.clone(),
            reply: replying.as_ref().map(|replying| replying.message),
            thread: Some(message),
        };
        wire::ask(command, move |result| match result {
            Ok(_) => keep(),
            Err(problem) => {
                let is_back = refused(problem, said);
                if is_back && replying.is_some() && talk.replying_answer.with_untracked(Option::is_none) {
                    talk.replying_answer.set(replying);
                }
            }
        });
        view.jump();
    };
    let empty = Memo::new(move |_| text.with(|text| text.trim().is_empty()));
    html::form()
        .class("composer")
        .attr("aria-label", "Answer in the thread")
        .on(ev::submit, move |event| {
            event.prevent_default();
            send();
            browser::focus(TEXT);
        })
        .child((
            offers.view(emojis),
            html::div().attr("role", "alert").child(move || {
                error.get().map(|error| {
                    html::div()
                        .class("composer-strip strip-danger")
                        .child((Icon::CircleAlert.view(), html::span().child(error)))
                })
            }),
            move || {
                editing.with(Option::is_some).then(|| {
                    html::div().class("composer-strip").child((
                        Icon::Pencil.view(),
                        html::span().class("composer-said").attr("role", "status").child((
                            "Editing your answer",
                            html::span()
                                .class("muted composer-keys")
                                .child(" · Esc leaves it as it was"),
                        )),
                        button::icon_of(
                            "button button-quiet button-icon button-s",
                            Icon::X,
                            "Stop editing",
                            move || {
                                talk.editing_answer.set(None);
                                browser::focus(TEXT);
                            },
                        ),
                    ))
                })
            },
            strip::slow(chat),
            reply::strip_in_thread(chat),
            html::div().class("composer-row").child((
                html::textarea()
                    .class("composer-text")
                    .id(TEXT)
                    .attr("rows", move || {
                        text.with(|text| (text.matches('\n').count() + 1).min(8)).to_string()
                    })
                    .attr("aria-label", "Answer")
                    .attr("enterkeyhint", enter_hint())
                    .attr("autocomplete", "off")
                    .attr("dir", "auto")
                    .placeholder("Answer")
                    .node_ref(node)
                    .prop("value", move || text.get())
                    .attr("aria-autocomplete", "list")
                    .attr("aria-controls", move || offers.list())
                    .attr("aria-activedescendant", move || offers.active())
                    .on(ev::input, move |event| {
                        typed(event_target_value(&event));
                        say_typing();
                        offers.look(emojis);
                    })
                    .on(ev::blur, move |_| {
                        keep();
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
                            "Escape" if editing.with_untracked(Option::is_some) => {
                                event.prevent_default();
                                event.stop_propagation();
                                talk.editing_answer.set(None);
                            }
                            "Escape" if talk.replying_answer.with_untracked(Option::is_some) => {
                                event.prevent_default();
                                event.stop_propagation();
                                talk.replying_answer.set(None);
                            }
                            "ArrowUp" if is_plain(&event) && text.with_untracked(String::is_empty) => {
                                if let Some(message) = acts::last_own_answer(store, root) {
                                    event.prevent_default();
                                    acts::edit(talk, store, chat, message);
                                }
                            }
                            _ => {}
                        }
                    }),
                html::button()
                    .r#type("submit")
                    .class("button button-primary button-icon")
                    .attr("aria-label", move || {
                        if editing.with(Option::is_some) {
                            "Save the answer"
                        } else {
                            "Send the answer"
                        }
                    })
                    .prop("disabled", move || empty.get())
                    // As in the conversation: the field keeps the keyboard.
                    .on(ev::mousedown, |event| event.prevent_default())
                    .child(move || {
                        if editing.with(Option::is_some) {
                            Icon::Check.m()
                        } else {
                            Icon::ArrowUp.m()
                        }
                    }),
            )),
        ))
        .into_any()
}
