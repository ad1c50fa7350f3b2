//! One conversation in the list.

use crate::view::Chat;
use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::JsCast;

use crate::state::Store;
use crate::ui::dialogs::use_dialogs;
use crate::ui::kit::Icon;
use crate::ui::kit::mark::{Shape, Size, mark};
use crate::ui::nav::use_nav;
use crate::ui::pictures::portrait;
use crate::ui::place::Place;
use crate::ui::screen::use_store;
use crate::ui::{hush, presence, rail, when, words};
use crate::view::{Delivery, Room, RoomKind, Standing};

pub fn talk(id: Chat) -> AnyView {
    let (store, nav) = (use_store(), use_nav());
    let room = Memo::new(move |_| store.room(id));
    let peer = Memo::new(move |_| room.with(|room| room.as_ref().and_then(|room| room.peer)));
    let current = Memo::new(move |_| nav.place().room() == Some(id));
    let asks = Memo::new(move |_| room.with(|room| room.as_ref().map(Asks::of).unwrap_or_default()));
    let dialogs = use_dialogs();
    html::li()
        .child(
            html::a()
                .class(move || asks.get().class())
                .on(ev::contextmenu, move |event| {
                    event.prevent_default();
                    dialogs.open(hush::ask(id));
                })
                .href(Place::Room(id).path())
                .attr("aria-current", move || current.get().then_some("page"))
                .on(ev::keydown, move |event| match event.key().as_str() {
                    "ArrowDown" if !event.alt_key() => {
                        event.prevent_default();
                        focus_beside(1);
                    }
                    "ArrowUp" if !event.alt_key() => {
                        event.prevent_default();
                        focus_beside(-1);
                    }
                    _ => {}
                })
                .child((
                    move || room.get().map(|room| picture(store, &room, Size::S36)),
                    html::span().class("talk-head").child((
                        html::span()
                            .class("talk-name truncate")
                            .child(move || room.get().map(|room| title(&room)).unwrap_or_default()),
                        move || peer.get().map(presence::spoken),
                        move || {
                            let at = room.with(|room| {
                                room.as_ref()
                                    .and_then(|room| room.preview.as_ref().map(|preview| preview.at_ms))
                            });
                            at.map(|at| {
                                html::time()
                                    .class("talk-time")
                                    .attr("datetime", when::iso(at))
                                    .child(move || when::brief(at))
                            })
                        },
                    )),
                    html::span().class("talk-foot").child((
                        move || {
                            let draft = !current.get();
                            room.get().map(|room| preview(store, &room, draft))
                        },
                        move || state(room.get()),
                        move || asks.get().view(),
                    )),
                )),
        )
        .into_any()
}

/// How a room asks to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asks {
    unread: u32,
    /// Threads in which something is unread.
    threads: u32,
    is_counted: bool,
    /// Of those, the ones that are meant for this person.
    calls: Option<u32>,
    muted: bool,
}

impl Asks {
    pub fn of(room: &Room) -> Self {
        Self {
            unread: room.unread.max(room.mentions),
            threads: room.threads,
            is_counted: room.is_counted,
            calls: room.calls(),
            muted: room.hush.muted,
        }
    }

    const fn is_unread(self) -> bool {
        self.unread > 0 || self.threads > 0
    }

    /// Of a channel in the column of its space.
    pub const fn channel_class(self) -> &'static str {
        match (self.muted, self.is_unread()) {
            (true, _) => "channel channel-muted",
            (false, true) => "channel channel-unread",
            (false, false) => "channel",
        }
    }

    pub const fn class(self) -> &'static str {
        match (self.muted, self.is_unread()) {
            (true, _) => "talk talk-muted",
            (false, true) => "talk talk-unread",
            (false, false) => "talk",
        }
    }

    /// A number for what is meant for this person, a dot for anything else that is new.
    pub fn view(self) -> Option<AnyView> {
        let words = match self.unread {
            0 if self.threads > 0 => Some("Unread in a thread".to_owned()),
            0 => None,
            _ if !self.is_counted => Some("Unread".to_owned()),
            count => Some(format!("{count} unread")),
        };
        let spoken = words.map(|words| html::span().class("visually-hidden").child(words));
        let bell = self.muted.then(hush::muted_sign);
        let sign = match self.calls {
            Some(count) => {
                let class = if self.muted { "badge badge-quiet" } else { "badge" };
                let number = html::span().attr("aria-hidden", "true").child(rail::short(count));
                Some(html::span().class(class).child((number, spoken)).into_any())
            }
            None if self.is_unread() => {
                let class = if self.muted { "visually-hidden" } else { "dot talk-dot" };
                Some(html::span().class(class).child(spoken).into_any())
            }
            None => None,
        };
        (sign.is_some() || bell.is_some()).then(|| (bell, sign).into_any())
    }
}

/// The picture of a room: the other person's mark, or the group's.
pub fn picture(store: Store, room: &Room, size: Size) -> AnyView {
    match (room.kind, room.peer) {
        (RoomKind::Direct, Some(peer)) => {
            let bytes = store.person(peer).map_or(room.mark, |person| person.mark);
            presence::beside(peer, portrait(peer, bytes, size))
        }
        (RoomKind::Direct, None) => mark(room.mark, Shape::Person, size),
        (RoomKind::Group | RoomKind::Channel, _) => mark(room.mark, Shape::Group, size),
    }
}

pub fn title(room: &Room) -> String {
    if room.title.is_empty() {
        "Name on the way".into()
    } else {
        room.title.clone()
    }
}

fn preview(store: Store, room: &Room, show_draft: bool) -> AnyView {
    if show_draft && !room.draft.trim().is_empty() {
        return html::span()
            .class("truncate")
            .child((html::span().class("talk-draft").child("Draft: "), one_line(&room.draft)))
            .into_any();
    }
    let text = match (&room.preview, &room.standing) {
        (_, Standing::Removed) => "You were removed.".to_owned(),
        (_, Standing::Left) => "You left.".to_owned(),
        (None, Standing::WaitingForKey) => "The room key is on the way.".to_owned(),
        (None, _) => "Nothing written yet".to_owned(),
        (Some(preview), _) if store.is_blocked(preview.author) => words::OF_BLOCKED.to_owned(),
        (Some(preview), _) => {
            let text = one_line(&preview.text);
            if store.me() == Some(preview.author) {
                format!("You: {text}")
            } else if room.kind == RoomKind::Group {
                format!("{}: {text}", store.name(preview.author))
            } else {
                text
            }
        }
    };
    html::span().class("truncate").child(text).into_any()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().take(24).collect::<Vec<_>>().join(" ")
}

/// Whether the newest message is still here, or did not go out.
fn state(room: Option<Room>) -> Option<AnyView> {
    let (icon, class) = match room?.preview?.state {
        Delivery::Sent => return None,
        Delivery::Pending => (Icon::Clock, "talk-state"),
        Delivery::Failed(_) => (Icon::CircleAlert, "talk-state talk-state-failed"),
    };
    let word = if icon == Icon::Clock { "Sending" } else { "Not sent" };
    Some(
        html::span()
            .class(class)
            .title(word)
            .child((icon.s(), html::span().class("visually-hidden").child(word)))
            .into_any(),
    )
}

/// The shape of a row that is still coming.
pub fn skeleton() -> AnyView {
    html::div()
        .class("talk talk-skeleton")
        .attr("aria-hidden", "true")
        .child((
            html::span().class("skeleton skeleton-round mark"),
            html::span()
                .class("talk-head")
                .child(html::span().class("skeleton skeleton-60")),
            html::span()
                .class("talk-foot")
                .child(html::span().class("skeleton skeleton-85")),
        ))
        .into_any()
}

/// Moves the focus in the list: to the first row, or `step` rows from here.
pub fn focus_beside(step: i32) {
    let Ok(rows) = document().query_selector_all(".talks .talk") else {
        return;
    };
    let rows: Vec<web_sys::HtmlElement> = (0..rows.length())
        .filter_map(|at| rows.item(at)?.dyn_into().ok())
        .collect();
    let here = crate::ui::browser::focused().and_then(|focused| rows.iter().position(|row| *row == focused));
    let at = match here {
        None => Some(0),
        Some(at) => i32::try_from(at).ok().and_then(|at| usize::try_from(at + step).ok()),
    };
    if let Some(row) = at.and_then(|at| rows.get(at)) {
        drop(row.focus());
    }
}
