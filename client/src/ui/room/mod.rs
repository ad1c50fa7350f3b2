//! The conversation on screen: bar, timeline, what stands above the composer, composer; and the panel beside it.
//!
//! The room on screen is the one in the address. The worker is told which (`ShowRoom`), and keeps its rows up to date.

pub mod acts;
mod banners;
mod bar;
pub mod composer;
pub mod date;
pub mod dialogs;
pub mod evidence;
pub mod forward;
pub mod members;
mod message;
mod offers;
mod panel;
pub mod picker;
mod pins;
pub mod poll;
mod prose;
mod reply;
pub mod roster;
pub mod safety;
pub mod saved;
pub mod slash;
mod start;
pub mod thread;
mod threads;
mod timeline;
mod typing;
mod who;
mod window;

use std::time::Duration;

use crate::view::Chat;
use leptos::html;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use sotto_shared::id::ChannelId;

use super::dialogs::{Ask, use_dialogs};
use super::kit::Icon;
use super::nav::{link, use_nav};
use super::place::Place;
use super::screen::{use_store, use_toasts};
use super::{browser, guest, moderation, wire, words};
use crate::view::{Command, Outcome, Problem};

pub fn sheet() -> AnyView {
    let (nav, store) = (use_nav(), use_store());
    let here = Memo::new(move |_| nav.place().room());
    let known = Memo::new(move |_| here.get().filter(|id| store.room(*id).is_some()));
    Effect::new(move |before: Option<Option<Chat>>| {
        let now = known.get();
        match (before.flatten(), now) {
            (before, Some(room)) if before != Some(room) => wire::tell(Command::ShowRoom { chat: room }),
            (Some(_), None) => wire::tell(Command::HideRoom),
            _ => {}
        }
        now
    });
    on_cleanup(|| wire::tell(Command::HideRoom));
    // What was joined or opened by a link may be a space.
    Effect::new(move |_| {
        if let Some(chat) = here.get().filter(|chat| chat.channel == ChannelId::MAIN)
            && store.space(chat.room).is_some()
        {
            nav.replace(Place::Space(chat.room));
        }
    });
    (move || match (here.get(), known.get()) {
        (Some(_), Some(room)) => conversation(room),
        (Some(_), None) => absent(),
        (None, _) => nothing_open(),
    })
    .into_any()
}

/// Whoever could write here writes on for so long while a new key is on its way. It usually comes at once.
const KEY_COMES_WITHIN: Duration = Duration::from_secs(5);

/// Whether there is a place to write in the conversation on screen. People come and go all the time, and each time there is a
/// new key: that takes the place away from nobody who writes, unless it is long in coming.
fn takes_words(id: Chat) -> Memo<bool> {
    let store = use_store();
    let now = Memo::new(move |_| store.room(id).is_some_and(|room| room.takes_words()));
    let soon = Memo::new(move |_| store.room(id).is_some_and(|room| room.will_take_words()));
    let late = RwSignal::new(!now.get_untracked());
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let wait = move |next: Option<TimeoutHandle>| {
        if let Some(before) = timer.try_update_value(|timer| std::mem::replace(timer, next)).flatten() {
            before.clear();
        }
    };
    Effect::new(move |_| {
        if now.get() {
            late.set(false);
            wait(None);
        } else if soon.get() && !late.get_untracked() {
            wait(
                set_timeout_with_handle(
                    move || {
                        let _ = late.try_set(true);
                    },
                    KEY_COMES_WITHIN,
                )
                .ok(),
            );
        }
    });
    on_cleanup(move || wait(None));
    Memo::new(move |_| now.get() || soon.get() && !late.get())
}

fn conversation(id: Chat) -> AnyView {
    let (nav, store) = (use_nav(), use_store());
    let title = Memo::new(move |_| {
        store
            .room(id)
            .map(|room| super::sidebar::title(&room))
            .unwrap_or_default()
    });
    let open = takes_words(id);
    let asks = Memo::new(move |_| store.room(id).filter(|room| room.request).and_then(|room| room.peer));
    let panel = Memo::new(move |_| nav.place());
    let held = moderation::strip::held(id);
    let view = window::Window::new(id);
    go_where_asked(id, view);
    let (posted, writes) = (acts::use_talk().posted, acts::use_talk().writes);
    Effect::new(move |_| writes.set(open.get().then_some(id)));
    on_cleanup(move || {
        let _ = writes.try_set(None);
    });
    Effect::new(move |_| {
        if posted.get() == Some(id) {
            posted.set(None);
            view.jump();
        }
    });
    (
        html::section()
            .class("room")
            .attr("aria-label", move || title.get())
            .child((
                html::div()
                    .class("room-head")
                    .child((bar::bar(id), syncing(), timeline::jump_up(view))),
                timeline::timeline(id, view, title),
                html::div().class("foot").child((
                    timeline::jump_down(view),
                    typing::typing(id),
                    banners::banners(id, open),
                    move || {
                        let (asks, held) = (asks.get(), held.get());
                        open.get().then(|| match (asks, held) {
                            (Some(user), _) => super::people::contacts::request(id, user),
                            (None, Some(held)) => moderation::strip::closed(&held),
                            (None, None) => composer::composer(id, view),
                        })
                    },
                )),
            )),
        move || match panel.get() {
            Place::Members(chat) if chat == id => Some(members::panel(id)),
            Place::Pins(chat) if chat == id => Some(pins::panel(id)),
            Place::Threads(chat) if chat == id => Some(threads::panel(id)),
            Place::Thread(chat, root) if chat == id => Some(thread::panel(id, root, open)),
            _ => None,
        },
    )
        .into_any()
}

/// A message of this conversation was asked for: from a link, an answer, a pin or a date.
fn go_where_asked(id: Chat, view: window::Window) {
    let (nav, store, toasts) = (use_nav(), use_store(), use_toasts());
    let is_here = Memo::new(move |_| store.shown().with(|shown| shown.chat == Some(id)));
    Effect::new(move |_| {
        // Not before the rows of this conversation are shown: they come whole.
        let Some(target) = nav.jump_in(id).filter(|_| is_here.get()) else {
            return;
        };
        nav.jumped();
        wire::ask(Command::JumpTo { chat: id, target }, move |result| match result {
            Ok(Outcome::Found(key)) => view.show_row(&key),
            Ok(_) => {}
            Err(Problem::NoSuchMessage) => toasts.danger("That message is not here. It may have been deleted."),
            Err(Problem::Offline) => {
                toasts.danger("That message is further back than this browser keeps, and the server cannot be reached.")
            }
            Err(problem) => toasts.danger(words::problem(&problem)),
        });
    });
}

/// A thin line under the bar while older or missed messages come.
fn syncing() -> AnyView {
    let store = use_store();
    (move || {
        store.syncing().get().then(|| {
            html::div()
                .class("thinline")
                .attr("role", "progressbar")
                .attr("aria-label", "Catching up")
        })
    })
    .into_any()
}

/// No conversation is open: who can read here, and what to do.
fn nothing_open() -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let am_guest = guest::am_guest();
    let any = Memo::new(move |_| !store.room_list().is_empty() || store.syncing().get());
    let item = |icon: Icon, title: &'static str, text: &'static str, act: Ask| {
        html::li().child(
            html::button()
                .r#type("button")
                .class("start-item")
                .on(leptos::ev::click, move |_| dialogs.open(act.clone()))
                .child((icon.l(), html::b().child(title), html::span().child(text))),
        )
    };
    html::section()
        .class("room room-none")
        .attr("aria-label", "No conversation open")
        .child(html::div().class("start").child((
            html::div().child((
                html::h1().class("start-title").child(move || {
                    if any.get() {
                        "Nothing is open"
                    } else {
                        "Begin with one person"
                    }
                }),
                html::p().class("start-text").child((
                    move || {
                        if any.get() {
                            "Choose a conversation on the left, or begin one. "
                        } else {
                            "Write to somebody whose handle you know, or make a group or a space. "
                        }
                    },
                    "Only the people in a conversation can read it, nobody else, not even whoever runs this server.",
                )),
            )),
            html::ul().class("start-list").child((
                (!am_guest.get_untracked()).then(|| {
                    (
                        item(
                            Icon::MessageCircle,
                            "New message",
                            "To one person, by handle",
                            Ask::NewMessage,
                        ),
                        item(Icon::Users, "New group", "A name and the people in it", Ask::NewGroup),
                        item(Icon::Hash, "New space", "Channels, for many people", Ask::NewSpace),
                    )
                }),
                item(
                    Icon::Server,
                    "What the server sees",
                    "And what it never gets",
                    Ask::Server,
                ),
            )),
        )))
        .into_any()
}

/// The address names a room that this account does not have, or not yet.
fn absent() -> AnyView {
    let (nav, store) = (use_nav(), use_store());
    let list = untrack(|| nav.place().list());
    (move || {
        if store.syncing().get() || store.room_list().is_empty() && store.link().get() == crate::view::Link::Connecting
        {
            return html::section()
                .class("room")
                .attr("aria-busy", "true")
                .attr("aria-label", "Opening the conversation")
                .child((
                    html::div()
                        .class("room-head")
                        .child((html::div().class("bar"), html::div().class("thinline"))),
                    timeline::skeletons(),
                ))
                .into_any();
        }
        html::section()
            .class("room room-none")
            .attr("aria-label", "Conversation not found")
            .child(html::div().class("empty").child((
                html::h1().class("empty-title").child("This conversation is not here"),
                html::p().child(if list == Place::Messages {
                    "You may have left it, it may have been taken back, or the address belongs to another account."
                } else {
                    "You may have been taken out of it, or the address belongs to another account."
                }),
                link(
                    "button",
                    list,
                    if list == Place::Messages {
                        "All messages"
                    } else {
                        "All channels"
                    },
                ),
            )))
            .into_any()
    })
    .into_any()
}

/// Opens the safety number of the other person of a direct message.
fn compare(id: Chat) -> impl Fn() + Copy + Send + 'static {
    let (store, dialogs) = (use_store(), use_dialogs());
    move || {
        if let Some(peer) = store.room(id).and_then(|room| room.peer) {
            dialogs.open(Ask::Safety(peer));
        }
    }
}

/// "Say hello" and the like: to the composer.
fn write() {
    browser::focus(composer::TEXT);
}
