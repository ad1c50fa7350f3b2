//! One row of the timeline: a message, something that cannot be shown, or a note of what happened.

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;
use sotto_shared::id::{MessageId, RoomId, UserId};

use super::timeline::Beside;
use crate::state::Cell;
use crate::ui::dialogs::{Ask, use_dialogs};
use crate::ui::kit::mark::{Shape, Size, hue, mark};
use crate::ui::kit::{Icon, button};
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::words::Piece;
use crate::ui::{browser, when, wire, words};
use crate::view::{Body, Command, Delivery, Note, Reaction, RoomKind, Row, Unreadable};

pub fn row(room: RoomId, cell: &Cell, beside: Memo<Beside>, read: Memo<Option<String>>) -> AnyView {
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
                Body::Text { author, message, .. } => text(room, author, message, now.at_ms, row.clone(), beside, read),
                Body::Unreadable(why) => unreadable(why),
                Body::Note(note) => happened(room, note),
            }
        }
    };
    // A row that is opened late learns its time then.
    let at = Memo::new(move |_| row.with(|row| row.at_ms));
    (
        move || beside.get().day.then(|| divider(at.get())),
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

fn divider(at: u64) -> AnyView {
    html::li()
        .class("day")
        .child(html::time().attr("datetime", when::iso(at)).child(when::day_name(at)))
        .into_any()
}

fn text(
    room: RoomId,
    author: UserId,
    message: MessageId,
    at: u64,
    row: ArcRwSignal<Row>,
    beside: Memo<Beside>,
    read: Memo<Option<String>>,
) -> AnyView {
    let store = use_store();
    let person = Memo::new(move |_| store.person(author));
    let state = {
        let row = row.clone();
        Memo::new(move |_| {
            row.with(|row| {
                if let Body::Text { state, .. } = &row.body {
                    state.clone()
                } else {
                    Delivery::Sent
                }
            })
        })
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
    let reactions = Memo::new(move |_| {
        row.with(|row| {
            if let Body::Text { reactions, .. } = &row.body {
                reactions.clone()
            } else {
                Vec::new()
            }
        })
    });
    let first = Memo::new(move |_| beside.get().first);
    let class = move || match (first.get(), state.get()) {
        (true, Delivery::Sent) => "message message-first",
        (false, Delivery::Sent) => "message",
        (true, Delivery::Pending) => "message message-first message-pending",
        (false, Delivery::Pending) => "message message-pending",
        (true, Delivery::Failed(_)) => "message message-first message-failed",
        (false, Delivery::Failed(_)) => "message message-failed",
    };
    let name = move || person.get().map(|person| person.handle).unwrap_or_default();
    let time = move || {
        html::time()
            .attr("datetime", when::iso(at))
            .title(when::full(at))
            .child(when::time(at))
    };
    let head = move || {
        first.get().then(|| {
            html::div().class("message-head").child((
                html::span()
                    .class("message-author")
                    .attr("data-hue", move || {
                        person.with(|person| person.as_ref().map_or("0", |person| hue(person.mark)))
                    })
                    .child(name),
                time().class("message-time"),
            ))
        })
    };
    let side = move || {
        if first.get() {
            person
                .get()
                .map(|person| mark(person.mark, Shape::Person, Size::S36))
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
    html::li()
        .class(class)
        .attr("data-row", "")
        .attr("data-message-state", move || words::delivery(&state.get()))
        .tabindex("-1")
        .child((
            side,
            html::div().class("message-main").child((
                head,
                html::div().class("message-body").attr("dir", "auto").child((
                    move || linked(&words_of.get()),
                    move || {
                        edited
                            .get()
                            .then(|| html::span().class("message-edited").child(" (edited)"))
                    },
                )),
                move || reacted(&reactions.get()),
                move || below(room, message, state.get()),
                move || read.get().map(read_mark),
            )),
            actions(words_of),
        ))
        .into_any()
}

/// What people put to a message, each with their number.
fn reacted(reactions: &[Reaction]) -> Option<AnyView> {
    let one = |reaction: &Reaction| {
        let people = words::count(reaction.count as usize, "person", "people");
        html::li()
            .class(if reaction.mine {
                "reaction reaction-mine"
            } else {
                "reaction"
            })
            .attr("aria-label", format!("{}, {people}", reaction.emoji))
            .child((reaction.emoji.clone(), html::span().child(reaction.count.to_string())))
    };
    let list = || html::ul().class("reactions").attr("aria-label", "Reactions");
    (!reactions.is_empty()).then(|| list().child(reactions.iter().map(one).collect_view()).into_any())
}

/// What can be done with a message: shown on hover and focus.
fn actions(text: Memo<String>) -> AnyView {
    let toasts = use_toasts();
    let copy = move || {
        let text = text.get_untracked();
        leptos::task::spawn_local(async move {
            if browser::copy(text).await {
                toasts.ok("Text copied");
            } else {
                toasts.danger("The browser did not let the text be copied.");
            }
        });
    };
    html::div()
        .class("message-actions")
        .attr("role", "toolbar")
        .attr("aria-label", "Message actions")
        .child(button::icon(Icon::Copy, "Copy text", copy))
        .into_any()
}

/// Who has read one's own message; not called out, since it comes without anybody having written.
fn read_mark(words: String) -> AnyView {
    html::div()
        .class("message-state")
        .attr("data-read", "")
        .attr("aria-live", "off")
        .child((Icon::Check.s(), words))
        .into_any()
}

/// The state of a message that is not simply sent.
fn below(room: RoomId, message: MessageId, state: Delivery) -> Option<AnyView> {
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
                        wire::tell(Command::Retry { room, message })
                    }),
                    button::button("link-button", "Delete", move || {
                        wire::tell(Command::Discard { room, message })
                    }),
                ))
                .into_any(),
        ),
    }
}

/// The text, with addresses of pages as links. Everything else stays as it was written.
fn linked(text: &str) -> AnyView {
    if !text.contains("://") {
        return text.to_owned().into_any();
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = ["https://", "http://"]
        .iter()
        .filter_map(|scheme| rest.find(scheme))
        .min()
    {
        let (before, from) = rest.split_at(at);
        let end = from
            .find(|letter: char| letter.is_whitespace() || matches!(letter, '<' | '>' | '"'))
            .unwrap_or(from.len());
        let address = from[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '’', '\'']);
        parts.push(before.to_owned().into_any());
        parts.push(
            html::a()
                .href(address.to_owned())
                .target("_blank")
                .rel("noopener noreferrer")
                .child(address.to_owned())
                .into_any(),
        );
        rest = &from[address.len()..];
    }
    parts.push(rest.to_owned().into_any());
    parts.into_any()
}

fn unreadable(why: Unreadable) -> AnyView {
    let (class, icon) = match why {
        Unreadable::KeyOnTheWay => ("system system-cannot", Icon::Hourglass),
        Unreadable::BeforeYouJoined => ("system system-cannot", Icon::Lock),
        Unreadable::Damaged | Unreadable::Gap => ("system system-cannot system-failed", Icon::CircleAlert),
    };
    html::li()
        .class(class)
        .attr("data-row", "")
        .tabindex("-1")
        .child((icon.view(), html::p().child(words::unreadable(why))))
        .into_any()
}

fn happened(room: RoomId, note: Note) -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let kind = untrack(|| store.room(room)).map_or(RoomKind::Group, |room| room.kind);
    let icon = match &note {
        Note::Created { .. } => Icon::MessageCircle,
        Note::Added { .. } | Note::Joined { .. } | Note::AskedToJoin { .. } => Icon::UserPlus,
        Note::Removed { .. } | Note::Left { .. } | Note::AccountClosed { .. } => Icon::LogOut,
        Note::Renamed { .. } => Icon::Pencil,
        Note::NewDevice { .. } => Icon::Laptop,
        Note::IdentityChanged { .. } => Icon::Shield,
        Note::Deleted { .. } => Icon::X,
        Note::KeyForNobody { .. } => Icon::Shield,
        Note::Disappearing { .. } => Icon::Clock,
    };
    let changed = if let Note::IdentityChanged { who } = &note {
        Some(*who)
    } else {
        None
    };
    let sentence = move || {
        let pieces = words::note(
            &note,
            kind,
            |user| {
                let name = store.handle(*user);
                if name.is_empty() { "Somebody".into() } else { name }
            },
            |user| store.me() == Some(*user),
        );
        pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Name(name) => html::b().child(name).into_any(),
                Piece::Span(text) => text.into_any(),
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
                changed.map(|who| {
                    (
                        " ",
                        button::button("link-button", "Compare it", move || dialogs.open(Ask::Safety(who))),
                    )
                }),
            )),
        ))
        .into_any()
}
