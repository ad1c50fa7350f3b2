//! The bar of a room: whose it is, and what can be done with it.

use crate::view::Chat;
use leptos::prelude::*;
use leptos::{ev, html};

use super::compare;
use crate::ui::dialogs::{Ask, Dialogs, use_dialogs};
use crate::ui::kit::mark::Size;
use crate::ui::kit::menu::{Entry, Face, menu};
use crate::ui::kit::{Icon, button};
use crate::ui::nav::{Nav, icon_link, use_nav};
use crate::ui::place::Place;
use crate::ui::screen::{use_narrow, use_store};
use crate::ui::{hush, moderation, presence, sidebar, words};
use crate::view::{ChannelKind, Role, RoomKind, Standing, Trust};

pub fn bar(id: Chat) -> AnyView {
    let store = use_store();
    let room = Memo::new(move |_| store.room(id));
    let kind = Memo::new(move |_| room.with(|room| room.as_ref().map(|room| room.kind)));
    // Apart from the room: a new message must not close a menu that is open.
    let can =
        Memo::new(move |_| room.with(|room| room.as_ref().map(|room| (room.kind, room.role, room.standing.clone()))));
    let any_pins = Memo::new(move |_| room.with(|room| room.as_ref().is_some_and(|room| room.pins > 0)));
    let topic = move || {
        room.get().map(|room| match room.kind {
            RoomKind::Channel => room.channel.map(|channel| channel.topic).unwrap_or_default(),
            RoomKind::Group => words::count(room.members as usize, "member", "members"),
            RoomKind::Direct => {
                let realm = store.realm();
                let handle = room.peer.map(|peer| store.handle(peer)).unwrap_or_default();
                let name = if realm.is_empty() {
                    handle
                } else {
                    format!("{handle}@{realm}")
                };
                match room.peer.and_then(presence::words) {
                    Some(words) => format!("{name} · {words}"),
                    None => name,
                }
            }
        })
    };
    let checked = move || {
        let peer = room.with(|room| room.as_ref().and_then(|room| room.peer))?;
        let verified = store.person(peer).is_some_and(|person| person.trust == Trust::Verified);
        verified.then(|| {
            html::span()
                .class("bar-checked")
                .title("You compared safety numbers")
                .child((Icon::ShieldCheck.s(), "Checked by you"))
        })
    };
    let list = Place::Room(id).list();
    let back = if list == Place::Messages {
        "All messages"
    } else {
        "All channels"
    };
    // Drawn anew when the picture changes, not with every message.
    let face = Memo::new(move |_| {
        room.with(|room| {
            room.as_ref()
                .map(|room| (room.kind, room.peer, room.mark, sidebar::icon_of(room)))
        })
    });
    let face = move || {
        let (kind, _, _, icon) = face.get()?;
        if kind == RoomKind::Channel {
            return Some(icon.m());
        }
        untrack(|| store.room(id)).map(|room| sidebar::picture(store, &room, Size::S24))
    };
    let muted = Memo::new(move |_| room.with(|room| room.as_ref().is_some_and(|room| room.hush.muted)));
    html::header()
        .class("bar")
        .child((
            icon_link("button button-quiet button-icon bar-back", list, Icon::ArrowLeft, back),
            html::h1().class("bar-title").child((
                face,
                html::span()
                    .class("truncate")
                    .attr("dir", "auto")
                    .child(move || room.get().map(|room| sidebar::title(&room))),
            )),
            html::p().class("bar-topic truncate").child(topic),
            checked,
            move || muted.get().then(|| muted_sign(id)),
            html::div().class("bar-actions").child((
                asking_button(id),
                moderation::reports::bar_button(id.room),
                threads_link(id),
                move || any_pins.get().then(|| pins_button(id)),
                move || matches!(kind.get(), Some(RoomKind::Group | RoomKind::Channel)).then(|| members_button(id)),
                move || can.get().and_then(|can| actions(id, can)),
            )),
        ))
        .into_any()
}

/// As long as somebody waits to be let in, for whoever may do that.
fn asking_button(id: Chat) -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let waiting = Memo::new(move |_| {
        let may = store.space(id.room).is_none_or(|space| space.rights.invite);
        store.room(id).filter(|_| may).map_or(0, |room| room.asking as usize)
    });
    let any = Memo::new(move |_| waiting.get() > 0);
    let button = move || {
        let says = move || {
            format!(
                "{} to be let in",
                words::count(waiting.get(), "person asks", "people ask")
            )
        };
        html::button()
            .r#type("button")
            .class("button button-quiet button-icon")
            .attr("aria-label", says)
            .attr("title", says)
            .on(ev::click, move |_| dialogs.open(Ask::Invite(id)))
            .child((
                Icon::UserPlus.m(),
                html::span().class("badge").child(move || waiting.get().to_string()),
            ))
    };
    (move || any.get().then(button)).into_any()
}

/// That the room is muted, and the way to change it.
fn muted_sign(id: Chat) -> AnyView {
    let dialogs = use_dialogs();
    button::icon(Icon::BellOff, "Muted", move || dialogs.open(hush::ask(id)))
}

fn members_button(id: Chat) -> AnyView {
    let (nav, store) = (use_nav(), use_store());
    let shown = move || nav.place() == Place::Members(id);
    let count = Memo::new(move |_| {
        let room = store.room(id)?;
        let private = room.channel.is_some_and(|info| info.kind == ChannelKind::Private);
        Some(match (private, store.space(id.room)) {
            (true, _) => store.channel_members(id)?.len() as u32,
            (false, Some(space)) => space.members,
            (false, None) => room.members,
        })
    });
    html::a()
        .class("button button-quiet button-icon")
        .href(move || {
            if shown() {
                Place::Room(id).path()
            } else {
                Place::Members(id).path()
            }
        })
        .attr("role", "button")
        .attr("aria-label", move || {
            count.get().map(|count| format!("Members, {count}"))
        })
        .title("Members")
        .attr("aria-pressed", move || if shown() { "true" } else { "false" })
        .child((
            Icon::Users.m(),
            html::span()
                .class("bar-count")
                .child(move || count.get().map(|count| count.to_string())),
        ))
        .into_any()
}

/// To the thread where something came last that was not read.
fn threads_link(id: Chat) -> AnyView {
    let store = use_store();
    let news = Memo::new(move |_| {
        let room = store.room(id)?;
        Some((room.threads, room.newest_thread?)).filter(|(count, _)| *count > 0)
    });
    let (narrow, nav) = (use_narrow(), use_nav());
    let shown = move || nav.place() == Place::Threads(id);
    let many = Memo::new(move |_| store.room(id).is_some_and(|room| room.kind != RoomKind::Direct));
    // Where there is room for it, the list of them stands in the same place.
    let list = move || {
        html::a()
            .class("button button-quiet button-icon")
            .href(move || {
                if shown() {
                    Place::Room(id).path()
                } else {
                    Place::Threads(id).path()
                }
            })
            .attr("role", "button")
            .attr("aria-label", "Threads")
            .title("Threads")
            .attr("aria-pressed", move || if shown() { "true" } else { "false" })
            .child(Icon::MessageSquare.m())
            .into_any()
    };
    (move || match news.get() {
        None => (many.get() && !narrow.get()).then(list),
        Some((count, root)) => {
            let words = match count {
                1 => "Something new in a thread".to_owned(),
                count => format!("Something new in {count} threads"),
            };
            let link = html::a()
                .class("button button-quiet button-icon bar-counted bar-threads")
                .href(Place::Thread(id, root).path())
                .attr("aria-label", words.clone())
                .title(words)
                .child((
                    Icon::MessageSquare.m(),
                    html::span().class("bar-count").child(count.to_string()),
                ));
            Some(link.into_any())
        }
    })
    .into_any()
}

fn pins_button(id: Chat) -> AnyView {
    let (nav, store) = (use_nav(), use_store());
    let shown = move || nav.place() == Place::Pins(id);
    html::a()
        .class("button button-quiet button-icon bar-counted")
        .href(move || {
            if shown() {
                Place::Room(id).path()
            } else {
                Place::Pins(id).path()
            }
        })
        .attr("role", "button")
        .attr("aria-label", move || {
            store.room(id).map(|room| format!("Pinned messages, {}", room.pins))
        })
        .title("Pinned messages")
        .attr("aria-pressed", move || if shown() { "true" } else { "false" })
        .child((
            Icon::Pin.m(),
            html::span()
                .class("bar-count")
                .child(move || store.room(id).map(|room| room.pins.to_string())),
        ))
        .into_any()
}

fn threads_entry(nav: Nav, id: Chat) -> Entry {
    Entry::new(Icon::MessageSquare, "Threads", move || nav.go(Place::Threads(id)))
}

fn date_entry(dialogs: Dialogs, id: Chat) -> Entry {
    Entry::new(Icon::Calendar, "Go to a date", move || {
        dialogs.open(Ask::Date(id, None))
    })
}

/// The menu, or nothing when there is nothing to do.
fn actions(id: Chat, (kind, role, standing): (RoomKind, Role, Standing)) -> Option<AnyView> {
    let (dialogs, store, nav) = (use_dialogs(), use_store(), use_nav());
    let peer = untrack(|| store.room(id)).and_then(|room| room.peer);
    let compare = compare(id);
    if kind == RoomKind::Channel {
        let space = Memo::new(move |_| use_store().space(id.room));
        let headings = Memo::new(move |_| {
            space.with(|space| space.as_ref().map(|space| space.headings.clone()).unwrap_or_default())
        });
        let rights =
            Memo::new(move |_| space.with(|space| space.as_ref().map(|space| space.rights).unwrap_or_default()));
        let arranging = sidebar::channel_entries(id, headings, rights);
        let entries = move || {
            let mut entries = arranging();
            entries.splice(0..0, [threads_entry(nav, id), date_entry(dialogs, id)]);
            entries
        };
        return Some(menu(
            "button button-quiet button-icon",
            Face::Icon(Icon::Ellipsis),
            "More".into(),
            entries,
        ));
    }
    if kind == RoomKind::Group && matches!(standing, Standing::Left | Standing::Removed) {
        return None;
    }
    let entries = move || match kind {
        // What else can be done with a channel stands with its space.
        RoomKind::Channel => Vec::new(),
        RoomKind::Direct => {
            let mut entries = vec![
                Entry::new(Icon::ShieldCheck, "Safety number", compare),
                threads_entry(nav, id),
                date_entry(dialogs, id),
                Entry::new(Icon::Bell, "Notifications…", move || dialogs.open(hush::ask(id))),
            ];
            if let Some(peer) = peer {
                entries.insert(
                    0,
                    Entry::new(Icon::UserRound, "Profile", move || dialogs.open(Ask::Person(peer))),
                );
            }
            entries
        }
        RoomKind::Group => {
            // Whatever became of it, it can be left.
            let is_open = standing == Standing::Open;
            let mut entries = Vec::new();
            if is_open {
                entries.push(Entry::new(Icon::UserPlus, "Add people", move || {
                    dialogs.open(Ask::AddPeople(id))
                }));
                entries.push(Entry::new(Icon::Link, "Invite by link", move || {
                    dialogs.open(Ask::Invite(id))
                }));
            }
            if is_open && role > Role::Member {
                entries.push(Entry::new(Icon::Pencil, "Rename", move || {
                    dialogs.open(Ask::Rename(id))
                }));
            }
            entries.push(threads_entry(nav, id));
            entries.push(date_entry(dialogs, id));
            entries.push(Entry::new(Icon::Bell, "Notifications…", move || {
                dialogs.open(hush::ask(id))
            }));
            entries.extend(moderation::about_room(store, dialogs, nav, id.room));
            entries.push(Entry::danger(Icon::LogOut, "Leave group", move || {
                dialogs.open(Ask::Leave(id))
            }));
            entries
        }
    };
    Some(menu(
        "button button-quiet button-icon",
        Face::Icon(Icon::Ellipsis),
        "More".into(),
        entries,
    ))
}
