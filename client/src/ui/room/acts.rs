//! What can be done with a message: react, edit, copy, delete. On a wide screen a small bar at the row and its menu; on a
//! narrow one the same as a sheet, which a long press opens too.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::view::Chat;
use leptos::html;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use sotto_shared::id::{EnvelopeHash, MessageId, UserId};
use wasm_bindgen::JsCast;
use web_sys::PointerEvent;

use super::pins::may_pin;
use super::reply::{self, Replying};
use super::{composer, picker, poll, thread, who};
use crate::state::{Shown, Store, authored};
use crate::ui::dialogs::{Ask, Confirm, Dialogs, closer, name_of, use_dialogs};
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::menu::{Entry, Face, menu};
use crate::ui::kit::toast::Toasts;
use crate::ui::kit::{Icon, button, popover};
use crate::ui::nav::{Nav, use_nav};
use crate::ui::place::Place;
use crate::ui::screen::{use_narrow, use_store, use_toasts};
use crate::ui::{browser, moderation, place, wire, words};
use crate::view::{Body, Command, Delivery, Outcome, Poll, Reaction, Role, RoomKind};

/// A finger that rests so long on a message asks for what can be done with it.
const LONG: Duration = Duration::from_millis(450);
/// And does not move further than this, in pixels.
const STILL: i32 = 12;
/// The attribute of a row that says which message it is.
pub const MESSAGE: &str = "data-message";

/// A message whose text stands in the composer.
#[derive(Debug, Clone, PartialEq)]
pub struct Editing {
    pub room: Chat,
    pub message: MessageId,
    pub text: String,
}

/// What the rows and the composer have to say to each other.
#[derive(Clone, Copy)]
pub struct Talk {
    pub editing: RwSignal<Option<Editing>>,
    /// The message that what is written next answers.
    pub replying: RwSignal<Option<Replying>>,
    /// The same two in a thread.
    pub editing_answer: RwSignal<Option<Editing>>,
    pub replying_answer: RwSignal<Option<Replying>>,
    /// An answer of the thread on screen that is to be looked at.
    pub wanted_answer: RwSignal<Option<MessageId>>,
    /// Something of one's own went out that was not written in the composer: its conversation goes to the end.
    pub posted: RwSignal<Option<Chat>>,
    /// To be put where one writes.
    pub insert: RwSignal<Option<String>>,
    /// A message, by its number, that is to be brought to the screen as soon as it is there.
    pub wanted: RwSignal<Option<(Chat, u64)>>,
    /// The conversation on screen, while there is a place to write in it.
    pub writes: RwSignal<Option<Chat>>,
    /// The first of the messages that somebody said are unread: nothing there counts as read before they leave.
    pub unread: RwSignal<Option<(Chat, String)>>,
    /// The finger that called for the sheet is still down: where it is lifted it presses nothing.
    pub resting: RwSignal<bool>,
}

impl Default for Talk {
    fn default() -> Self {
        Self {
            editing: RwSignal::new(None),
            replying: RwSignal::new(None),
            editing_answer: RwSignal::new(None),
            replying_answer: RwSignal::new(None),
            wanted_answer: RwSignal::new(None),
            posted: RwSignal::new(None),
            insert: RwSignal::new(None),
            wanted: RwSignal::new(None),
            writes: RwSignal::new(None),
            unread: RwSignal::new(None),
            resting: RwSignal::new(false),
        }
    }
}

impl Talk {
    /// What somebody marked as unread in this conversation, if it still is.
    pub fn marked_unread(self, chat: Chat) -> Option<(Chat, String)> {
        self.unread.get_untracked().filter(|(marked, _)| *marked == chat)
    }
}

pub fn use_talk() -> Talk {
    expect_context()
}

/// A message on screen, as it stands now.
#[derive(Debug, Clone)]
struct Found {
    key: Arc<str>,
    seq: u64,
    author: UserId,
    text: String,
    sent: bool,
    reactions: Vec<Reaction>,
    poll: Option<Poll>,
    pinned: bool,
    /// Its number in the conversation.
    number: u64,
    /// Its row stands in the conversation, not in a thread.
    hash: Option<EnvelopeHash>,
}

fn find(store: Store, message: MessageId) -> Option<Found> {
    let found = find_in(store.shown(), message);
    found.or_else(|| {
        let answer = find_in(store.answers(), message)?;
        Some(Found { hash: None, ..answer })
    })
}

/// Whether a message stands in the thread on screen, and not in the conversation beside it.
pub fn is_answer(store: Store, message: MessageId) -> bool {
    find_in(store.shown(), message).is_none() && find_in(store.answers(), message).is_some()
}

fn find_in(rows: ReadSignal<Shown>, message: MessageId) -> Option<Found> {
    rows.with_untracked(|shown| {
        shown.cells.iter().rev().find_map(|cell| {
            cell.row.with_untracked(|row| match &row.body {
                Body::Text {
                    author,
                    message: other,
                    text,
                    state,
                    reactions,
                    ties,
                    ..
                } if *other == message => Some(Found {
                    key: cell.key.clone(),
                    seq: cell.order.0,
                    author: *author,
                    text: text.clone(),
                    sent: *state == Delivery::Sent,
                    reactions: reactions.clone(),
                    poll: None,
                    pinned: ties.pinned,
                    number: row.order.0,
                    hash: row.hash,
                }),
                Body::Poll {
                    author,
                    message: other,
                    poll,
                    state,
                    reactions,
                    pinned,
                } if *other == message => Some(Found {
                    key: cell.key.clone(),
                    seq: cell.order.0,
                    author: *author,
                    text: std::iter::once(&poll.question)
                        .chain(poll.options.iter().map(|option| &option.text))
                        .cloned()
                        .collect::<Vec<_>>()
                        .join("\n"),
                    sent: *state == Delivery::Sent,
                    reactions: reactions.clone(),
                    poll: Some(poll.clone()),
                    pinned: *pinned,
                    number: row.order.0,
                    hash: row.hash,
                }),
                _ => None,
            })
        })
    })
}

/// Who wrote a message on screen, and what.
pub fn said(store: Store, message: MessageId) -> Option<(UserId, String)> {
    find(store, message).map(|found| (found.author, found.text))
}

/// The newest message of one's own that can be edited.
pub fn last_own(store: Store) -> Option<MessageId> {
    last_own_in(store, store.shown(), None)
}

/// The same among the answers of the thread on screen, which begins with a message of the conversation.
pub fn last_own_answer(store: Store, root: EnvelopeHash) -> Option<MessageId> {
    last_own_in(store, store.answers(), Some(root))
}

fn last_own_in(store: Store, rows: ReadSignal<Shown>, root: Option<EnvelopeHash>) -> Option<MessageId> {
    let me = store.me()?;
    rows.with_untracked(|shown| {
        shown.cells.iter().rev().find_map(|cell| {
            cell.row.with_untracked(|row| {
                let sent = matches!(
                    row.body,
                    Body::Text {
                        state: Delivery::Sent,
                        ..
                    }
                );
                let begins = root.is_some() && row.hash == root;
                authored(&row.body)
                    .filter(|(author, _)| sent && !begins && *author == me)
                    .map(|(_, message)| message)
            })
        })
    })
}

/// Puts its text where one writes.
pub fn edit(talk: Talk, store: Store, room: Chat, message: MessageId) {
    if let Some(found) = find(store, message) {
        let editing = Editing {
            room,
            message,
            text: found.text,
        };
        let field = if is_answer(store, message) {
            talk.editing_answer.set(Some(editing));
            thread::TEXT
        } else {
            talk.editing.set(Some(editing));
            composer::TEXT
        };
        // A menu or sheet that is closing gives focus back first.
        set_timeout(move || browser::focus(field), Duration::from_millis(60));
    }
}

/// Puts a reaction, or takes one's own back.
pub fn react(store: Store, toasts: Toasts, room: Chat, message: MessageId, emoji: &str) {
    let is_mine = |found: Found| found.reactions.iter().any(|one| one.mine && one.emoji == emoji);
    let command = Command::React {
        chat: room,
        message,
        emoji: emoji.to_owned(),
        on: !find(store, message).is_some_and(is_mine),
    };
    wire::ask(command, move |result| {
        if let Err(problem) = result {
            toasts.danger(words::problem(&problem));
        }
    });
}

fn pin(toasts: Toasts, room: Chat, message: MessageId, on: bool) {
    wire::ask(
        Command::Pin {
            chat: room,
            message,
            on,
        },
        move |result| match result {
            Ok(_) => toasts.ok(if on { "Pinned" } else { "Not pinned any more" }),
            Err(problem) => toasts.danger(words::problem(&problem)),
        },
    );
}

fn save(toasts: Toasts, chat: Chat, message: MessageId) {
    wire::ask(Command::SaveForLater { chat, message }, move |result| match result {
        Ok(_) => toasts.ok("Saved for later"),
        Err(problem) => toasts.danger(words::problem(&problem)),
    });
}

fn copy(toasts: Toasts, text: String, done: &'static str) {
    leptos::task::spawn_local(async move {
        if browser::copy(text).await {
            toasts.ok(done);
        } else {
            toasts.danger("The browser did not let the text be copied.");
        }
    });
}

/// What everything here needs, taken while a context is at hand.
#[derive(Clone, Copy)]
struct Tools {
    store: Store,
    dialogs: Dialogs,
    toasts: Toasts,
    talk: Talk,
    nav: Nav,
}

fn tools() -> Tools {
    Tools {
        store: use_store(),
        dialogs: use_dialogs(),
        toasts: use_toasts(),
        talk: use_talk(),
        nav: use_nav(),
    }
}

impl Tools {
    fn can_write(self, room: Chat) -> bool {
        self.talk.writes.get_untracked() == Some(room)
    }

    /// What can be done with a message, now.
    fn entries(self, room: Chat, message: MessageId) -> Vec<Entry> {
        let Self {
            store,
            dialogs,
            toasts,
            talk,
            nav,
        } = self;
        let Some(found) = find(store, message) else {
            return Vec::new();
        };
        let mine = untrack(|| store.me()) == Some(found.author);
        let acts = found.sent && self.can_write(room);
        let mut entries = Vec::new();
        if acts {
            entries.push(Entry::new(Icon::SmilePlus, "React…", move || {
                dialogs.open(Ask::React(room, message))
            }));
            entries.push(Entry::new(Icon::Reply, "Reply", move || {
                reply::begin(talk, store, room, message)
            }));
        }
        if !found.reactions.is_empty() {
            entries.push(Entry::new(Icon::Users, "Who reacted", move || {
                dialogs.open(Ask::Reactions(room, message))
            }));
        }
        if let Some(root) = found.hash.filter(|_| found.sent) {
            entries.push(Entry::new(Icon::MessageSquare, "Answer in a thread", move || {
                nav.go(Place::Thread(room, root))
            }));
        }
        if acts && mine && found.poll.is_none() {
            entries.push(Entry::new(Icon::Pencil, "Edit", move || {
                edit(talk, store, room, message)
            }));
        }
        if acts && untrack(|| may_pin(store, room)) {
            let on = !found.pinned;
            let label = if on { "Pin" } else { "Unpin" };
            entries.push(Entry::new(Icon::Pin, label, move || pin(toasts, room, message, on)));
        }
        if found.sent && found.poll.is_none() {
            entries.push(Entry::new(Icon::Forward, "Forward", move || {
                dialogs.open(Ask::Forward(room, message))
            }));
        }
        if found.sent {
            entries.push(Entry::new(Icon::Bookmark, "Save for later", move || {
                save(toasts, room, message)
            }));
            let number = found.number;
            entries.push(Entry::new(Icon::Link, "Copy link", move || {
                copy(
                    toasts,
                    place::message_link(&browser::origin(), room, number),
                    "Link copied",
                )
            }));
        }
        let text = found.text;
        entries.push(Entry::new(Icon::Copy, "Copy text", move || {
            copy(toasts, text.clone(), "Text copied")
        }));
        // An answer in a thread has no place in the conversation.
        if found.sent && found.hash.is_some() {
            let (key, seq) = (found.key, found.seq);
            entries.push(Entry::new(Icon::EyeOff, "Mark unread from here", move || {
                talk.unread.set(Some((room, key.to_string())));
                wire::tell(Command::SetRead {
                    chat: room,
                    read: seq.saturating_sub(1),
                });
            }));
        }
        if found.sent && !mine && untrack(|| moderation::reports::can_report(store, room)) {
            entries.push(Entry::new(Icon::Flag, "Report…", move || {
                dialogs.open(Ask::Report(room, message))
            }));
        }
        let may = untrack(|| match store.space(room.room) {
            Some(space) => space.rights.redact,
            None => store
                .room(room)
                .is_some_and(|room| room.kind == RoomKind::Group && room.role > Role::Member),
        });
        if acts && (mine || may) && found.poll.as_ref().is_some_and(poll::is_open) {
            entries.push(Entry::new(Icon::CircleCheck, "End the poll", move || {
                dialogs.open(Ask::EndPoll(room, message))
            }));
        }
        if acts && (mine || may) {
            entries.push(Entry::danger(Icon::Trash, "Delete for everyone", move || {
                dialogs.open(Ask::DeleteMessage(room, message))
            }));
        }
        entries
    }
}

/// The bar at a row that is in hand.
pub fn bar(room: Chat, message: MessageId, sent: Memo<bool>) -> AnyView {
    let tools = tools();
    let narrow = use_narrow();
    let open = Memo::new(move |_| sent.get() && tools.talk.writes.get() == Some(room));
    let at_once = move |sign: &'static str| {
        html::button()
            .r#type("button")
            .class("button button-quiet button-icon message-at-once")
            .attr("aria-label", format!("React with {}", picker::spoken(sign)))
            .on(leptos::ev::click, move |_| {
                react(tools.store, tools.toasts, room, message, sign)
            })
            .child(html::span().class("emoji-sign").child(sign))
    };
    let add = move || {
        let class = "button button-quiet button-icon";
        if narrow.get() {
            return button::icon_of(class, Icon::SmilePlus, "Add a reaction", move || {
                tools.dialogs.open(Ask::React(room, message))
            });
        }
        popover::icon(class, Icon::SmilePlus, "Add a reaction", move |close| {
            reacting(tools, room, message, close)
        })
    };
    let answer = move || {
        button::icon_of("button button-quiet button-icon", Icon::Reply, "Reply", move || {
            reply::begin(tools.talk, tools.store, room, message)
        })
    };
    let more = move || {
        let class = "button button-quiet button-icon";
        if narrow.get() {
            return button::icon_of(class, Icon::Ellipsis, "More", move || {
                tools.dialogs.open(Ask::Message(room, message))
            });
        }
        menu(class, Face::Icon(Icon::Ellipsis), "More".into(), move || {
            tools.entries(room, message)
        })
    };
    html::div()
        .class("message-actions")
        .attr("role", "toolbar")
        .attr("aria-label", "Message actions")
        .child((
            move || open.get().then(|| (at_once("👍"), at_once("❤️"), add(), answer())),
            more,
        ))
        .into_any()
}

/// The picker for a message.
fn reacting(tools: Tools, room: Chat, message: MessageId, close: Rc<dyn Fn()>) -> AnyView {
    picker::picker(Rc::new(move |sign: &str| {
        close();
        react(tools.store, tools.toasts, room, message, sign);
    }))
}

/// What people put to a message. A chip stays the same while its number changes, and so keeps the keyboard.
pub fn reactions(room: Chat, message: MessageId, all: Memo<Vec<Reaction>>, sent: Memo<bool>) -> AnyView {
    let tools = tools();
    let narrow = use_narrow();
    let any = Memo::new(move |_| all.with(|all| !all.is_empty()));
    let chip = move |emoji: String| {
        let one = {
            let emoji = emoji.clone();
            Memo::new(move |_| all.with(|all| all.iter().find(|one| one.emoji == emoji).cloned()))
        };
        let who = Memo::new(move |_| one.get().map(|one| who(tools.store, &one)).unwrap_or_default());
        let label = {
            let emoji = emoji.clone();
            move || {
                let count = one.with(|one| one.as_ref().map_or(0, |one| one.count));
                format!("{emoji} {count} from {}", who.get())
            }
        };
        let press = {
            let emoji = emoji.clone();
            move |event: web_sys::MouseEvent| {
                // The last of them leaves with its chip: the row keeps the keyboard.
                if one.with_untracked(|one| one.as_ref().is_some_and(|one| one.mine && one.count == 1)) {
                    focus_row(&event);
                }
                react(tools.store, tools.toasts, room, message, &emoji);
            }
        };
        html::li().child(
            html::button()
                .r#type("button")
                .class("reaction")
                .attr("aria-label", label)
                .attr("title", move || who.get())
                .attr("aria-pressed", move || {
                    if one.with(|one| one.as_ref().is_some_and(|one| one.mine)) {
                        "true"
                    } else {
                        "false"
                    }
                })
                .on(leptos::ev::click, press)
                .child((
                    emoji,
                    html::span().child(move || one.with(|one| one.as_ref().map(|one| one.count.to_string()))),
                )),
        )
    };
    let add = move || {
        if narrow.get() {
            return button::icon_of("reaction-add", Icon::SmilePlus, "Add a reaction", move || {
                tools.dialogs.open(Ask::React(room, message))
            });
        }
        popover::popover("reaction-add", Icon::SmilePlus.s(), "Add a reaction", move |close| {
            reacting(tools, room, message, close)
        })
    };
    (move || {
        any.get().then(|| {
            html::ul().class("reactions").attr("aria-label", "Reactions").child((
                For(ForProps::builder()
                    .each(move || all.with(|all| all.iter().map(|one| one.emoji.clone()).collect::<Vec<_>>()))
                    .key(String::clone)
                    .children(chip)
                    .build()),
                move || sent.get().then(|| html::li().child(add)),
            ))
        })
    })
    .into_any()
}

fn who(store: Store, one: &Reaction) -> String {
    let me = store.me();
    let others = one.who.iter().filter(|who| Some(**who) != me);
    let names: Vec<String> = others
        .map(|who| store.name(*who))
        .filter(|name| !name.is_empty())
        .collect();
    words::reacted(one.mine, &names, one.count as usize)
}

fn focus_row(event: &web_sys::MouseEvent) {
    let row = event
        .current_target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|chip| chip.closest("[data-row]").ok().flatten())
        .and_then(|row| row.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(row) = row {
        drop(row.focus());
    }
}

// --- Dialogs -------------------------------------------------------------------------------------------------------------

pub fn sheet_of(title: &str, sub: Option<String>, content: AnyView) -> AnyView {
    Dialog {
        title: title.to_owned(),
        sub,
        mark: None,
        wide: false,
        kept: Signal::stored(false),
        content: html::div().class("dialog-sheet").child(content).into_any(),
        close: closer(),
    }
    .view()
}

/// The menu of a message as a sheet.
pub fn sheet(room: Chat, message: MessageId) -> AnyView {
    let tools = tools();
    let found = find(tools.store, message);
    let by = found.as_ref().map(|found| name_of(found.author));
    let taken = found.as_ref().map(|found| found.reactions.clone()).unwrap_or_default();
    let can_react = found.is_some_and(|found| found.sent) && tools.can_write(room);
    let entry = |entry: Entry| {
        let act = entry.act;
        (
            entry.danger.then(|| html::hr().class("menu-line")),
            html::button()
                .r#type("button")
                .class(if entry.danger {
                    "menu-item menu-item-danger"
                } else {
                    "menu-item"
                })
                .on(leptos::ev::click, move |_| {
                    if tools.talk.resting.get_untracked() {
                        return;
                    }
                    act();
                    // Unless the next dialog took the place of this one.
                    if tools.dialogs.shows(&Ask::Message(room, message)) {
                        tools.dialogs.close();
                    }
                })
                .child((entry.icon.view(), entry.label)),
        )
    };
    let quick = can_react.then(|| {
        picker::quick(
            move |sign| taken.iter().any(|one| one.mine && one.emoji == sign),
            Rc::new(move |sign: &str| {
                if tools.talk.resting.get_untracked() {
                    return;
                }
                tools.dialogs.close();
                react(tools.store, tools.toasts, room, message, sign);
            }),
        )
    });
    let entries = tools.entries(room, message).into_iter().map(entry).collect_view();
    let content = html::div()
        .on(leptos::ev::pointerdown, move |_| tools.talk.resting.set(false))
        .child((quick, entries));
    sheet_of("Message", by.map(|by| format!("by {by}")), content.into_any())
}

/// Who put which reaction.
pub fn who_reacted(chat: Chat, message: MessageId) -> AnyView {
    who::dialog(
        "Who reacted",
        None,
        Command::ShowReactions { chat, message },
        |outcome| match outcome {
            Outcome::Reactions(all) => Some(all),
            _ => None,
        },
    )
}

/// The picker on its own.
pub fn react_dialog(room: Chat, message: MessageId) -> AnyView {
    let tools = tools();
    sheet_of("React", None, reacting(tools, room, message, closer()))
}

/// The picker for the composer.
pub fn insert_dialog() -> AnyView {
    let Tools { dialogs, talk, .. } = tools();
    let pick = move |sign: &str| {
        dialogs.close();
        talk.insert.set(Some(sign.to_owned()));
    };
    sheet_of("Emoji", None, picker::picker(Rc::new(pick)))
}

pub fn delete(room: Chat, message: MessageId) -> AnyView {
    let Tools { store, toasts, .. } = tools();
    let found = find(store, message);
    let author = found
        .map(|found| found.author)
        .filter(|author| Some(*author) != store.me());
    if let Some(author) = author {
        return moderation::dialogs::take_away(room, message, author);
    }
    Confirm {
        title: "Delete for everyone?".to_owned(),
        text: "It goes from this conversation, and the server lets go of it. Whoever has read it may have kept it elsewhere.".to_owned(),
        act: "Delete",
        safe: "Keep it",
        command: Command::Delete { chat: room, message },
        done: Box::new(move || {
            toasts.ok("Message deleted");
            // Its row is another one soon, and keeps no focus.
            set_timeout(
                || {
                    if browser::focused().is_none_or(|focused| focused.tag_name() == "BODY") && !browser::is_touch() {
                        browser::focus(composer::TEXT);
                    }
                },
                Duration::from_millis(300),
            );
        }),
    }
    .view()
}

// --- Fingers and keys ----------------------------------------------------------------------------------------------------

/// A finger on a row.
#[derive(Default)]
struct Finger {
    timer: Option<TimeoutHandle>,
    at: (i32, i32),
}

type Find = dyn Fn(&PointerEvent) -> Option<(web_sys::HtmlElement, Ask)>;

/// Follows the fingers on the rows of a room.
#[derive(Clone)]
pub struct Fingers {
    /// What the finger is on, and what it asks for there.
    find: SendWrapper<Rc<Find>>,
    dialogs: Dialogs,
    talk: Talk,
    finger: SendWrapper<Rc<RefCell<Finger>>>,
}

impl Fingers {
    /// On the messages of a conversation.
    pub fn new(room: Chat) -> Self {
        Self::on(move |event| row_of(event).map(|(row, message)| (row, Ask::Message(room, message))))
    }

    pub fn on(find: impl Fn(&PointerEvent) -> Option<(web_sys::HtmlElement, Ask)> + 'static) -> Self {
        Self {
            find: SendWrapper::new(Rc::new(find)),
            dialogs: use_dialogs(),
            talk: use_talk(),
            finger: SendWrapper::new(Rc::default()),
        }
    }

    /// Notices wherever the finger is lifted.
    pub fn watch(&self) {
        let lifted = |this: &Self| {
            let this = this.clone();
            move |_| {
                this.lift();
                let resting = this.talk.resting;
                if resting.get_untracked() {
                    // After the press that the browser makes of it.
                    set_timeout(move || resting.set(false), Duration::from_millis(80));
                }
            }
        };
        let up = window_event_listener(leptos::ev::pointerup, lifted(self));
        let cancelled = window_event_listener(leptos::ev::pointercancel, lifted(self));
        on_cleanup(move || {
            up.remove();
            cancelled.remove();
        });
    }

    pub fn down(&self, event: &PointerEvent) {
        self.lift();
        if event.pointer_type() != "touch" || !event.is_primary() {
            return;
        }
        let Some((row, ask)) = (self.find)(event) else { return };
        let (dialogs, talk) = (self.dialogs, self.talk);
        let open = move || {
            talk.resting.set(true);
            // Focus comes back to the row.
            drop(row.focus());
            dialogs.open(ask);
        };
        let mut finger = self.finger.borrow_mut();
        finger.at = (event.client_x(), event.client_y());
        finger.timer = set_timeout_with_handle(open, LONG).ok();
    }

    pub fn moved(&self, event: &PointerEvent) {
        let (x, y) = self.finger.borrow().at;
        if (event.client_x() - x).abs() > STILL || (event.client_y() - y).abs() > STILL {
            self.lift();
        }
    }

    fn lift(&self) {
        if let Some(timer) = self.finger.borrow_mut().timer.take() {
            timer.clear();
        }
    }
}

/// The row under a pointer, unless it is on something that is pressed for itself.
fn row_of(event: &PointerEvent) -> Option<(web_sys::HtmlElement, MessageId)> {
    let target = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    if target.closest("a, button, [popover]").ok()?.is_some() {
        return None;
    }
    let row = target.closest(&format!("[{MESSAGE}]")).ok()??;
    let message = row.get_attribute(MESSAGE)?.parse().ok()?;
    Some((row.dyn_into().ok()?, message))
}

/// Whether a long press of a finger asked for the browser's own menu on a row: the sheet takes its place.
pub fn is_finger_on_row(event: &web_sys::MouseEvent) -> bool {
    event
        .dyn_ref::<PointerEvent>()
        .is_some_and(|event| event.pointer_type() == "touch" && row_of(event).is_some())
}
