//! The timeline: rows grouped by author and day, from the beginning or as far back as was loaded.

use std::collections::HashMap;
use std::sync::Arc;

use crate::view::Chat;
use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::{EnvelopeHash, UserId};
use wasm_bindgen::JsCast;

use super::window::{Window, focusable};
use super::{acts, composer, message, start};
use crate::state::{Cell, Store, authored};
use crate::ui::day::Days;
use crate::ui::kit::Icon;
use crate::ui::screen::use_store;
use crate::ui::{browser, when, wire, words};
use crate::view::{Body, Command, Delivery, Member, RoomKind, Row};

/// Messages of one author within this time stand together.
const GROUP_MS: u64 = 5 * 60 * 1000;

/// So many of the newest rows are looked through for one's own that was read.
const LOOKED: usize = 2_000;

/// How a row stands beside the row before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Beside {
    /// Shows author and mark.
    pub first: bool,
    /// A new day begins.
    pub day: bool,
    /// The first row that was not yet read.
    pub fresh: bool,
    /// In a thread, the first that was answered: how many there are.
    pub answers: Option<u32>,
}

pub fn timeline(id: Chat, view: Window, title: Memo<String>) -> AnyView {
    let store = use_store();
    let shown = view.rows;
    let loaded = Memo::new(move |_| shown.with(|shown| shown.chat == Some(id) && shown.thread == view.thread));
    let beside = Memo::new(move |_| {
        let first = view.first_unread.get();
        shown.with(|shown| {
            let mut all = arrange(&view.cells(shown), first.as_deref());
            if let Some((key, count)) = view.thread.and_then(|root| first_answer(&shown.cells, root))
                && let Some(beside) = all.get_mut(&key)
            {
                (beside.first, beside.answers) = (true, Some(count));
            }
            all
        })
    });
    let marks = Memo::new(move |_| shown.with(|shown| own_marks(id, &shown.cells, view.thread.is_some(), store)));
    let at_start = Memo::new(move |_| {
        shown.with(|shown| shown.chat == Some(id) && shown.thread == view.thread && view.at_start(shown))
    });
    let empty = Memo::new(move |_| {
        shown.with(|shown| {
            !shown
                .cells
                .iter()
                .any(|cell| cell.row.with(|row| authored(&row.body).is_some()))
        })
    });
    mark_read(id, view);
    bring(id, view);

    let rows = For(ForProps::builder()
        .each(move || {
            shown.with(|shown| {
                if shown.chat == Some(id) && shown.thread == view.thread {
                    view.next_cells(shown)
                } else {
                    Vec::new()
                }
            })
        })
        .key(|cell: &Cell| cell.key.clone())
        .children(move |cell: Cell| {
            let key = cell.key.clone();
            let read = {
                let key = key.clone();
                Memo::new(move |_| {
                    marks.with(|marks| marks.iter().find(|mark| mark.key == key).map(|mark| mark.told.clone()))
                })
            };
            let beside = Memo::new(move |_| beside.with(|all| all.get(&key).copied().unwrap_or_default()));
            message::row(id, &cell, beside, read)
        })
        .build());
    let top = move || {
        if at_start.get() {
            view.thread.is_none().then(|| start::start(id, empty.into()))
        } else if loaded.get() {
            // Holds the place of what is loaded when the reader comes near.
            Some(
                html::div()
                    .class("older")
                    .attr("aria-hidden", "true")
                    .child((skeleton(60), skeleton(40)))
                    .into_any(),
            )
        } else {
            None
        }
    };
    let fingers = acts::Fingers::new(id);
    fingers.watch();
    let (down, moved) = (fingers.clone(), fingers);
    html::div()
        .class("scroll")
        .attr("role", "log")
        .attr("aria-label", move || match view.thread {
            None => format!("Messages with {}", title.get()),
            Some(_) => "Messages of the thread".to_owned(),
        })
        .attr("aria-busy", move || (!loaded.get()).then_some("true"))
        .tabindex("0")
        .node_ref(view.node)
        .on(ev::scroll, move |_| view.scrolled())
        .on(ev::keydown, move |event| walk(view, &event))
        .on(ev::pointerdown, move |event| down.down(&event))
        .on(ev::pointermove, move |event| moved.moved(&event))
        .on(ev::contextmenu, move |event| {
            if acts::is_finger_on_row(&event) {
                event.prevent_default();
            }
        })
        .child((html::div().class("timeline-box").child((
            top,
            move || (!loaded.get()).then(skeletons),
            html::ol().class("timeline").child(rows),
        )),))
        .into_any()
}

/// What is on screen while the tab is looked at has been read.
fn mark_read(id: Chat, view: Window) {
    let store = use_store();
    let looked_at = RwSignal::new(!document().hidden());
    let handle = window_event_listener_untyped("visibilitychange", move |_| looked_at.set(!document().hidden()));
    on_cleanup(move || handle.remove());
    if let Some(root) = view.thread {
        let newest = Memo::new(move |_| view.rows.with(|shown| shown.cells.last().map(|cell| cell.order)));
        Effect::new(move |_| {
            if newest.get().is_some() && view.at_bottom.get() && looked_at.get() {
                wire::tell(Command::ReadThread { chat: id, root });
            }
        });
        return;
    }
    let unread = Memo::new(move |_| store.room(id).map_or(0, |room| room.unread.max(room.mentions)));
    let talk = acts::use_talk();
    // What was said in another conversation, or the last time here, is over.
    talk.unread.set(None);
    Effect::new(move |_| {
        let from = talk.unread.get().filter(|(chat, _)| *chat == id);
        if let Some((_, key)) = from {
            view.first_unread.set(Some(key));
        }
    });
    Effect::new(move |_| {
        let held = talk
            .unread
            .with(|unread| unread.as_ref().is_some_and(|(chat, _)| *chat == id));
        if unread.get() > 0 && view.at_bottom.get() && looked_at.get() && !held {
            wire::tell(Command::MarkRead { chat: id });
        }
    });
}

/// A message that was asked for is brought to the screen, and takes the keyboard.
fn bring(id: Chat, view: Window) {
    let (store, talk) = (use_store(), acts::use_talk());
    Effect::new(move |_| {
        let Some((_, seq)) = talk.wanted.get().filter(|(chat, _)| *chat == id) else {
            return;
        };
        let message = store.shown().with(|shown| {
            let cells = view.cells(shown);
            let cell = cells
                .iter()
                .find(|cell| shown.chat == Some(id) && cell.order.0 == seq)?;
            cell.row.with(|row| authored(&row.body))
        });
        let Some((_, message)) = message else { return };
        talk.wanted.set(None);
        // Once it stands in the page.
        request_animation_frame(move || {
            let row = document().query_selector(&format!("li[{}='{message}']", acts::MESSAGE));
            if let Ok(Some(row)) = row
                && let Ok(row) = row.dyn_into::<web_sys::HtmlElement>()
            {
                row.scroll_into_view();
                drop(row.focus());
            }
        });
    });
}

/// What stands under one of one's own messages.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    key: Arc<str>,
    told: Told,
}

/// Whom a message has come to, or who has read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub is_read: bool,
    pub words: String,
}

/// The newest of one's own that somebody has read; and the newest of all, if that is another one: whether it has come to them.
fn own_marks(id: Chat, cells: &[Cell], in_thread: bool, store: Store) -> Vec<Mark> {
    let (Some(me), Some(members), Some(room)) = (store.me(), store.members(id.room), store.room(id)) else {
        return Vec::new();
    };
    let others = || members.iter().filter(|member| member.user != me);
    let is_mine = |cell: &&Cell| {
        let sent = |row: &Row| {
            row.body.state() == Some(&Delivery::Sent) && authored(&row.body).is_some_and(|(author, _)| author == me)
        };
        cell.row.with(sent)
    };
    let mine = || cells.iter().rev().take(LOOKED).filter(is_mine);
    let mut marks = Vec::new();
    // Who has read a conversation up to somewhere need not have opened its threads.
    let read = others().map(|member| member.read_up_to).max().filter(|_| !in_thread);
    if let Some(cell) = read.and_then(|read| mine().find(|cell| cell.order.0 <= read)) {
        let readers = others().filter(|member| member.read_up_to >= cell.order.0).count();
        marks.push(Mark {
            key: cell.key.clone(),
            told: Told {
                is_read: true,
                words: words::read_by(readers, room.kind),
            },
        });
    }
    if let Some(cell) = mine().next()
        && room.kind != RoomKind::Channel
        && marks.iter().all(|mark| mark.key != cell.key)
    {
        let has = |member: &&Member| member.reached.max(member.read_up_to) >= cell.order.0;
        marks.push(Mark {
            key: cell.key.clone(),
            told: Told {
                is_read: false,
                words: words::reached(others().filter(has).count(), room.kind),
            },
        });
    }
    marks
}

fn arrange(cells: &[Cell], first_unread: Option<&str>) -> HashMap<Arc<str>, Beside> {
    let mut all = HashMap::with_capacity(cells.len());
    let mut before: Option<(Option<UserId>, u64)> = None;
    let (mut days, today) = (Days::default(), when::today());
    for cell in cells {
        let (author, at, answers) = cell.row.with(|row| {
            let answers = matches!(&row.body, Body::Text { ties, .. } if ties.reply.is_some() || ties.forwarded);
            (authored(&row.body).map(|(author, _)| author), row.at_ms, answers)
        });
        // Of what cannot be read the time is not known.
        let at = if at == 0 {
            before.map_or(0, |(_, then)| then)
        } else {
            at
        };
        let day = at > 0 && days.begins(when::day(at), today);
        let fresh = first_unread == Some(&*cell.key);
        let together =
            before.is_some_and(|(other, then)| author.is_some() && other == author && at.abs_diff(then) < GROUP_MS);
        all.insert(
            cell.key.clone(),
            Beside {
                first: day || fresh || answers || !together,
                day,
                fresh,
                answers: None,
            },
        );
        before = Some((author, at));
    }
    all
}

/// What stands first after the message that a thread begins with, and how much was answered.
fn first_answer(cells: &[Cell], root: EnvelopeHash) -> Option<(Arc<str>, u32)> {
    let at = cells
        .iter()
        .position(|cell| cell.row.with(|row| row.hash == Some(root)))?;
    let answers = cells.get(at + 1..)?;
    let first = answers.first()?.key.clone();
    let said = |cell: &&Cell| cell.row.with(|row| authored(&row.body).is_some());
    Some((first, answers.iter().filter(said).count() as u32))
}

/// Arrow keys walk through the rows; Esc goes back to writing.
fn walk(view: Window, event: &web_sys::KeyboardEvent) {
    let Some(scroller) = view.node.get_untracked() else {
        return;
    };
    // A menu or panel that stands in a row has its own keys.
    if event.default_prevented() || in_panel(event) {
        return;
    }
    if event.alt_key() || event.ctrl_key() || event.meta_key() {
        return;
    }
    let key = event.key();
    if key == "Escape" {
        // And whatever else it does here: see `shortcuts`.
        browser::focus(composer::TEXT);
        return;
    }
    if key == "Enter" {
        let row = browser::focused().filter(|focused| focused.has_attribute(acts::MESSAGE));
        let more = row.and_then(|row| row.query_selector(".message-actions [aria-label=More]").ok().flatten());
        if let Some(more) = more.and_then(|more| more.dyn_into::<web_sys::HtmlElement>().ok()) {
            event.prevent_default();
            more.click();
        }
        return;
    }
    if key == "Home" || key == "End" {
        event.prevent_default();
        if key == "Home" {
            view.go_to_first();
        } else {
            view.jump();
        }
        // What has the keyboard may leave the page with its row.
        drop(scroller.focus());
        return;
    }
    if key != "ArrowUp" && key != "ArrowDown" {
        return;
    }
    let rows = focusable(&scroller);
    let here = browser::focused().and_then(|focused| {
        rows.iter()
            .position(|row| *row == focused || row.contains(Some(&focused)))
    });
    let next = match (here, key == "ArrowUp") {
        (None, true) => rows.len().checked_sub(1),
        (None, false) => None,
        (Some(at), true) => at.checked_sub(1),
        (Some(at), false) => Some(at + 1),
    };
    if let Some(row) = next.and_then(|at| rows.get(at)) {
        event.prevent_default();
        drop(row.focus());
    }
}

fn in_panel(event: &web_sys::KeyboardEvent) -> bool {
    let element = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    element.is_some_and(|element| element.closest("[popover]").ok().flatten().is_some())
}

/// Back to the newest row, and how much came meanwhile.
pub fn jump_down(view: Window) -> AnyView {
    let store = use_store();
    let fresh = Memo::new(move |_| view.rows.with(|shown| view.fresh(shown, store)));
    (move || {
        (!view.at_bottom.get()).then(|| {
            html::button()
                .r#type("button")
                .class("button button-s jump-down")
                .on(ev::click, move |_| view.jump())
                .child((Icon::ArrowDown.view(), move || match fresh.get() {
                    0 => "Newest".to_owned(),
                    count => words::count(count, "new message", "new messages"),
                }))
        })
    })
    .into_any()
}

/// To the first message that was not read yet, while it stands above the screen.
pub fn jump_up(view: Window) -> AnyView {
    let above = Memo::new(move |_| !view.met_unread.get() && view.first_unread.with(Option::is_some));
    (move || {
        (above.get() && view.settled.get()).then(|| {
            html::button()
                .r#type("button")
                .class("button button-s jump-up")
                .on(ev::click, move |_| view.jump_to_unread())
                .child((
                    Icon::ArrowUp.view(),
                    match view.unread {
                        0 => "First unread".to_owned(),
                        count => format!("First of {count} unread"),
                    },
                ))
        })
    })
    .into_any()
}

/// Rows that are still coming, in their final shape.
pub fn skeletons() -> AnyView {
    html::div()
        .class("skeletons")
        .attr("aria-hidden", "true")
        .child([60, 85, 40, 60, 25, 85].into_iter().map(skeleton).collect_view())
        .into_any()
}

fn skeleton(width: u8) -> AnyView {
    let line = match width {
        25 => "skeleton skeleton-25",
        40 => "skeleton skeleton-40",
        60 => "skeleton skeleton-60",
        _ => "skeleton skeleton-85",
    };
    html::div()
        .class("message message-first")
        .child((
            html::span().class("skeleton skeleton-round"),
            html::div()
                .class("message-lines")
                .child((html::span().class("skeleton skeleton-name"), html::span().class(line))),
        ))
        .into_any()
}
