//! One row of the timeline: a message, something that cannot be shown, or a note of what happened.

use std::time::Duration;

use crate::view::Chat;
use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::{MessageId, UserId};

use super::acts::{self, use_talk};
use super::timeline::{Beside, Told};
use super::{offers, poll, prose, reply, thread};
use crate::state::Cell;
use crate::ui::calls::Names;
use crate::ui::dialogs::{Ask, use_dialogs};
use crate::ui::kit::mark::{Size, hue};
use crate::ui::kit::{Icon, button};
use crate::ui::nav::use_nav;
use crate::ui::pictures::portrait;
use crate::ui::place::Place;
use crate::ui::screen::use_store;
use crate::ui::words::Piece;
use crate::ui::{emoji, guest, when, wire, words};
use crate::view::{Body, Command, Contact, Delivery, Note, RoomKind, Row, Target, Ties, Unreadable};

pub fn row(room: Chat, cell: &Cell, beside: Memo<Beside>, read: Memo<Option<Told>>) -> AnyView {
    let row = cell.row.clone();
    // What kind of row it is changes at most once: when a late key opens it.
    let kind = {
        let row = row.clone();
        Memo::new(move |_| row.with(|row| std::mem::discriminant(&row.body)))
    };
    let content = {
        let row = row.clone();
        move || {
            // Read, not only tracked: a memo that was never read listens to nothing.
            kind.get();
            let now = row.get_untracked();
            match now.body {
                Body::Text { author, message, .. } | Body::Poll { author, message, .. } => {
                    text(room, author, message, now.at_ms, row.clone(), beside, read)
                }
                Body::Unreadable(why) => unreadable(why),
                Body::Note(note) => happened(room, note, row.clone()),
            }
        }
    };
    // A row that is opened late learns its time then.
    let at = Memo::new(move |_| row.with(|row| row.at_ms));
    (
        move || beside.get().day.then(|| divider(room, at.get())),
        move || {
            let count = beside.get().answers.filter(|count| *count > 0)?;
            Some(html::li().class("answers").child(thread::answers(count)))
        },
        move || {
            beside.get().fresh.then(|| {
                html::li()
                    .class("fresh")
                    .child(html::span().child(("New since ", html::time().child(when::time(at.get())))))
            })
        },
        content,
    )
        .into_any()
}

fn divider(room: Chat, at: u64) -> AnyView {
    let dialogs = use_dialogs();
    html::li()
        .class("day")
        .child(
            html::button()
                .r#type("button")
                .class("day-go")
                .title("Go to a date")
                .on(ev::click, move |_| dialogs.open(Ask::Date(room, Some(at))))
                .child(
                    html::time()
                        .attr("datetime", when::iso(at))
                        .child(move || when::day_name(at)),
                ),
        )
        .into_any()
}

fn text(
    room: Chat,
    author: UserId,
    message: MessageId,
    at: u64,
    row: ArcRwSignal<Row>,
    beside: Memo<Beside>,
    read: Memo<Option<Told>>,
) -> AnyView {
    let store = use_store();
    let person = Memo::new(move |_| store.person(author));
    let state = {
        let row = row.clone();
        Memo::new(move |_| row.with(|row| row.body.state().cloned().unwrap_or(Delivery::Sent)))
    };
    let words_of = {
        let row = row.clone();
        Memo::new(move |_| {
            row.with(|row| {
                if let Body::Text { text, .. } = &row.body {
                    text.clone()
                } else {
                    String::new()
                }
            })
        })
    };
    let edited = {
        let row = row.clone();
        Memo::new(move |_| row.with(|row| matches!(&row.body, Body::Text { edited: true, .. })))
    };
    let sent = Memo::new(move |_| state.get() == Delivery::Sent);
    let being_edited = {
        let talk = use_talk();
        move || {
            let mine = |editing: &acts::Editing| editing.room == room && editing.message == message;
            [talk.editing, talk.editing_answer]
                .iter()
                .any(|editing| editing.with(|editing| editing.as_ref().is_some_and(mine)))
        }
    };
    // Most rows are never in hand: what can be done with one is drawn once it is.
    let in_hand = RwSignal::new(false);
    let take = move || {
        if !in_hand.get_untracked() {
            in_hand.set(true);
        }
    };
    let ties = {
        let row = row.clone();
        Memo::new(move |_| {
            row.with(|row| match &row.body {
                Body::Text { ties, .. } => ties.clone(),
                Body::Poll { pinned, .. } => Ties {
                    pinned: *pinned,
                    ..Ties::default()
                },
                Body::Unreadable(_) | Body::Note(_) => Ties::default(),
            })
        })
    };
    let content = if row.with_untracked(|row| matches!(row.body, Body::Poll { .. })) {
        poll::card(room, message, row.clone())
    } else {
        body(room, words_of, edited, ties)
    };
    let reactions = {
        let row = row.clone();
        Memo::new(move |_| row.with(|row| row.body.reactions().to_vec()))
    };
    let first = Memo::new(move |_| beside.get().first);
    let calls = Memo::new(move |_| ties.with(|ties| ties.to_me));
    let notes = move || {
        let (forwarded, pinned) = ties.with(|ties| (ties.forwarded, ties.pinned));
        let note = |icon: Icon, words: &'static str| html::div().class("message-note").child((icon.s(), words));
        (
            forwarded.then(|| note(Icon::Forward, "Forwarded")),
            pinned.then(|| note(Icon::Pin, "Pinned")),
        )
    };
    let class = move || match (first.get(), state.get()) {
        (true, Delivery::Sent) => "message message-first",
        (false, Delivery::Sent) => "message",
        (true, Delivery::Pending) => "message message-first message-pending",
        (false, Delivery::Pending) => "message message-pending",
        (true, Delivery::Failed(_)) => "message message-first message-failed",
        (false, Delivery::Failed(_)) => "message message-failed",
    };
    let name = move || {
        let shown = person.get().map(|person| person.shown().to_owned());
        shown.unwrap_or_default()
    };
    let dialogs = use_dialogs();
    // By hand or by the list of members: not one more stop for the keyboard in every message.
    let profile = move |_| dialogs.open(Ask::Person(author));
    let is_guest = Memo::new(move |_| person.with(|person| person.as_ref().is_some_and(|person| person.guest)));
    let blocked = Memo::new(move |_| {
        person.with(|person| person.as_ref().is_some_and(|person| person.contact == Contact::Blocked))
    });
    let time = move || {
        html::time()
            .attr("datetime", when::iso(at))
            .title(when::full(at))
            .child(when::time(at))
    };
    let head = move || {
        first.get().then(|| {
            html::div().class("message-head").child((
                html::button()
                    .r#type("button")
                    .tabindex("-1")
                    .on(ev::click, profile)
                    .class("message-author truncate")
                    // Cut off where it ends, whichever way it runs.
                    .attr("dir", "auto")
                    .attr("data-hue", move || {
                        person.with(|person| person.as_ref().map_or("0", |person| hue(person.mark)))
                    })
                    .child(name),
                move || is_guest.get().then(guest::tag),
                time().class("message-time"),
            ))
        })
    };
    let side = move || {
        if first.get() {
            person
                .get()
                .map(|person| portrait(person.id, person.mark, Size::S36))
                .into_any()
        } else {
            (
                html::time()
                    .class("message-gutter")
                    .attr("datetime", when::iso(at))
                    .title(when::full(at))
                    .child(when::time_alone(at)),
                html::span().class("visually-hidden").child(name),
            )
                .into_any()
        }
    };
    if blocked.get() {
        return html::li()
            .class("system")
            .attr("data-row", "")
            .tabindex("-1")
            .child((Icon::X.view(), html::p().child(words::OF_BLOCKED)))
            .into_any();
    }
    html::li()
        .class(class)
        .attr("data-row", "")
        .attr("data-message-state", move || words::delivery(&state.get()))
        .attr(acts::MESSAGE, message.to_string())
        .attr("data-calls", move || calls.get().then_some(""))
        .attr("data-edited-now", move || being_edited().then_some(""))
        .tabindex("-1")
        .on(ev::pointerenter, move |event| {
            if event.pointer_type() != "touch" {
                take();
            }
        })
        .on(ev::focusin, move |_| take())
        .child((
            side,
            html::div().class("message-main").child((
                reply::above(room, ties),
                head,
                notes,
                content,
                acts::reactions(room, message, reactions, sent),
                thread::chip(room, row),
                move || below(room, message, state.get()),
                move || read.get().map(told_mark),
            )),
            move || in_hand.get().then(|| acts::bar(room, message, sent)),
        ))
        .into_any()
}

/// What somebody wrote, folded if it is very long.
fn body(room: Chat, words_of: Memo<String>, edited: Memo<bool>, ties: Memo<Ties>) -> AnyView {
    let names = names(room, words_of, ties);
    let is_long = Memo::new(move |_| words_of.with(|text| prose::is_long(text)));
    let is_large = Memo::new(move |_| words_of.with(|text| emoji::is_alone(text)));
    let open = RwSignal::new(false);
    let folded = move || is_long.get() && !open.get();
    let class = move || match (folded(), is_large.get()) {
        (true, _) => "message-body message-folded",
        (_, true) => "message-body message-large",
        _ => "message-body",
    };
    (
        html::div()
            .class(class)
            .attr("dir", "auto")
            // What has the keyboard can be seen.
            .on(ev::focusin, move |_| {
                if folded() {
                    open.set(true);
                }
            })
            .child((
                move || words_of.with(|text| names.with(|names| prose::draw(text, names))),
                move || {
                    edited
                        .get()
                        .then(|| html::span().class("message-edited").child(" (edited)"))
                },
            )),
        move || {
            is_long.get().then(|| {
                html::button()
                    .r#type("button")
                    .class("link-button message-unfold")
                    .attr("aria-expanded", move || if open.get() { "true" } else { "false" })
                    .on(ev::click, move |_| open.update(|open| *open = !*open))
                    .child(move || if open.get() { "Show less" } else { "Show all" })
            })
        },
    )
        .into_any()
}

/// Whom and what a text may name here. Most name nothing, and look nobody up.
fn names(room: Chat, words_of: Memo<String>, ties: Memo<Ties>) -> Memo<Names> {
    let store = use_store();
    Memo::new(move |_| {
        let me = store.me();
        let person = |user: &UserId| (store.handle(*user), Some(*user) == me);
        let channels = if words_of.with(|text| text.contains('#')) {
            offers::beside(store, room)
        } else {
            Vec::new()
        };
        ties.with(|ties| Names {
            people: ties.mentions.iter().map(person).collect(),
            everyone: ties.everyone,
            channels: channels
                .into_iter()
                .map(|(chat, name)| (name, Place::Room(chat).path()))
                .collect(),
        })
    })
}

/// Who has one's own message, or has read it; not called out, since it comes without anybody having written.
fn told_mark(told: Told) -> AnyView {
    html::div()
        .class("message-state")
        .attr("data-read", told.is_read.then_some(""))
        .attr("data-reached", (!told.is_read).then_some(""))
        .attr("aria-live", "off")
        .child((Icon::Check.s(), told.words))
        .into_any()
}

/// The state of a message that is not simply sent.
fn below(room: Chat, message: MessageId, state: Delivery) -> Option<AnyView> {
    match state {
        Delivery::Sent => None,
        Delivery::Pending => {
            // Most messages are taken within a moment; only a slow one says so.
            let slow = RwSignal::new(false);
            let timer = set_timeout_with_handle(
                move || {
                    let _ = slow.try_set(true);
                },
                Duration::from_millis(1200),
            )
            .ok();
            on_cleanup(move || {
                if let Some(timer) = timer {
                    timer.clear();
                }
            });
            Some(
                (move || {
                    slow.get()
                        .then(|| html::div().class("message-state").child((Icon::Clock.s(), "Sending")))
                })
                .into_any(),
            )
        }
        Delivery::Failed(problem) => Some(
            html::div()
                .class("message-state")
                .attr("role", "alert")
                .child((
                    Icon::CircleAlert.s(),
                    html::span().child(format!("Not sent: {}", words::unsent(&problem))),
                    button::button("link-button", "Try again", move || {
                        wire::tell(Command::Retry { chat: room, message })
                    }),
                    button::button("link-button", "Delete", move || {
                        wire::tell(Command::Discard { chat: room, message })
                    }),
                ))
                .into_any(),
        ),
    }
}

fn unreadable(why: Unreadable) -> AnyView {
    let (class, icon) = match why {
        Unreadable::KeyOnTheWay => ("system system-cannot", Icon::Hourglass),
        Unreadable::BeforeYouJoined => ("system system-cannot", Icon::Lock),
        Unreadable::Damaged | Unreadable::Gap | Unreadable::TimedOut | Unreadable::TooSoon => {
            ("system system-cannot system-failed", Icon::CircleAlert)
        }
    };
    html::li()
        .class(class)
        .attr("data-row", "")
        .tabindex("-1")
        .child((icon.view(), html::p().child(words::unreadable(why))))
        .into_any()
}

fn happened(room: Chat, note: Note, row: ArcRwSignal<Row>) -> AnyView {
    let (store, dialogs, nav) = (use_store(), use_dialogs(), use_nav());
    let kind = untrack(|| store.room(room)).map_or(RoomKind::Group, |room| room.kind);
    let icon = match &note {
        Note::Created { .. } => Icon::MessageCircle,
        Note::Added { .. } | Note::Joined { .. } | Note::AskedToJoin { .. } => Icon::UserPlus,
        Note::Removed { .. } | Note::Left { .. } | Note::AccountClosed { .. } => Icon::LogOut,
        Note::Banned { .. } => Icon::LogOut,
        Note::Unbanned { .. } => Icon::UserPlus,
        Note::TimedOut { .. } | Note::SlowMode { .. } => Icon::Clock,
        Note::RoleGiven { .. } => Icon::Users,
        Note::Renamed { .. } => Icon::Pencil,
        Note::NewDevice { .. } => Icon::Laptop,
        Note::IdentityChanged { .. } => Icon::Shield,
        Note::Deleted { .. } => Icon::X,
        Note::KeyForNobody { .. } => Icon::Shield,
        Note::Disappearing { .. } | Note::Faded => Icon::Clock,
        Note::Pinned { .. } => Icon::Pin,
    };
    let changed = if let Note::IdentityChanged { who } = &note {
        Some(*who)
    } else {
        None
    };
    let pinned = if let Note::Pinned { target, .. } = &note {
        Some(*target)
    } else {
        None
    };
    let sentence = move || {
        let pieces = words::note(
            &note,
            kind,
            |user| {
                let name = store.name(*user);
                if name.is_empty() { "Somebody".into() } else { name }
            },
            |user| store.me() == Some(*user),
        );
        pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Name(name) => html::b().child(name).into_any(),
                Piece::Span(text) => text.into_any(),
                Piece::Until(ms) => (move || when::moment(ms)).into_any(),
                Piece::Plain(text) => text.into_any(),
            })
            .collect_view()
    };
    html::li()
        .class(if changed.is_some() {
            "system system-notice"
        } else {
            "system"
        })
        .attr("data-row", "")
        .tabindex("-1")
        .child((
            icon.view(),
            html::p().child((
                sentence,
                pinned.map(|target| {
                    (
                        " ",
                        button::button("link-button", "Show it", move || {
                            nav.jump_to(room, Target::Hash(target))
                        }),
                    )
                }),
                changed.map(|who| {
                    (
                        " ",
                        button::button("link-button", "Compare it", move || dialogs.open(Ask::Safety(who))),
                    )
                }),
                thread::chip(room, row),
            )),
        ))
        .into_any()
}
