//! The beginning of a room: who can read here, and at most three things to do.

use crate::view::Chat;
use leptos::prelude::*;
use leptos::{ev, html};

use super::{compare, write};
use crate::ui::dialogs::{Ask, use_dialogs};
use crate::ui::kit::Icon;
use crate::ui::kit::mark::Size;
use crate::ui::screen::use_store;
use crate::ui::sidebar;
use crate::view::{ChannelInfo, ChannelKind, Role, Room, RoomKind, Standing};

/// `empty`: nothing was written yet, so it offers how to begin.
pub fn start(id: Chat, empty: Signal<bool>) -> AnyView {
    let store = use_store();
    let room = Memo::new(move |_| store.room(id));
    let content = move || {
        let room = room.get()?;
        let title = sidebar::title(&room);
        let topic = room.channel.as_ref().map(|info| info.topic.clone()).unwrap_or_default();
        let (head, text) = match room.kind {
            RoomKind::Direct => (
                format!("You and {title}"),
                "Only the two of you can read what is written here. The server passes it on and cannot open it.",
            ),
            RoomKind::Channel => (title, channel_readers(&room)),
            RoomKind::Group => (
                title,
                "Only the people in this group can read what is written here. The server passes it on and cannot open it; it cannot add anyone either.",
            ),
        };
        Some((
            if room.kind == RoomKind::Channel {
                html::span()
                    .class("start-icon")
                    .child(sidebar::icon_of(&room).l())
                    .into_any()
            } else {
                sidebar::picture(store, &room, Size::S72)
            },
            html::div().child((
                html::h2().class("start-title").child(head),
                // Whole: the bar above has room for a piece of it, or for none.
                (!topic.is_empty()).then(|| html::p().class("start-text").attr("dir", "auto").child(topic)),
                html::p().class("start-text").child(text),
            )),
            (room.standing == Standing::Open && empty.get()).then(|| suggestions(id, &room)),
        ))
    };
    html::div().class("start").child(content).into_any()
}

const fn channel_readers(room: &Room) -> &'static str {
    match &room.channel {
        Some(ChannelInfo {
            kind: ChannelKind::Private,
            ..
        }) => {
            "Only the people who were brought into this channel can read it, by a key of its own. Not the others in this space, and not the server."
        }
        Some(ChannelInfo {
            kind: ChannelKind::Announcement,
            ..
        }) => {
            "Everybody in this space can read what is written here; those who may speak for the space write it. The server passes it on and cannot open it."
        }
        _ => {
            "Everybody in this space can read what is written here, and nobody else. The server passes it on and cannot open it."
        }
    }
}

/// What there is to do in a channel where nothing was written yet.
fn in_channel(id: Chat, room: &Room, hello: AnyView) -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let rights = untrack(|| store.space(id.room))
        .map(|space| space.rights)
        .unwrap_or_default();
    let info = room.channel.as_ref();
    let private = info.is_some_and(|info| info.kind == ChannelKind::Private);
    if info.is_some_and(|info| info.archived) {
        return ().into_any();
    }
    let writes = info.is_some_and(|info| info.may_write);
    let no_topic = info.is_some_and(|info| info.topic.is_empty());
    let list = (
        writes.then_some(hello),
        if private && rights.channel {
            Some(item(Icon::UserPlus, "Add people", "Members of this space", move || {
                dialogs.open(Ask::ChannelPeople(id))
            }))
        } else if !private && rights.invite {
            Some(item(
                Icon::UserPlus,
                "Add people to the space",
                "By their handles",
                move || dialogs.open(Ask::AddPeople(id)),
            ))
        } else {
            None
        },
        (rights.channel && no_topic).then(|| {
            item(Icon::Pencil, "Give it a topic", "What belongs here", move || {
                dialogs.open(Ask::EditChannel(id))
            })
        }),
    );
    html::ul().class("start-list").child(list).into_any()
}

fn suggestions(id: Chat, room: &Room) -> AnyView {
    let dialogs = use_dialogs();
    let compare = compare(id);
    let announces = (room.channel.as_ref()).is_some_and(|info| info.kind == ChannelKind::Announcement);
    let begin = if announces { "Announce something" } else { "Say hello" };
    let hello = item(Icon::MessageCircle, begin, "Or just start typing", write);
    let list = match room.kind {
        RoomKind::Direct => (
            hello,
            item(
                Icon::ShieldCheck,
                "Compare safety numbers",
                "Once, when you meet",
                compare,
            ),
        )
            .into_any(),
        RoomKind::Channel => return in_channel(id, room, hello),
        RoomKind::Group => (
            hello,
            item(Icon::UserPlus, "Add people", "By their handles", move || {
                dialogs.open(Ask::AddPeople(id))
            }),
            (room.role > Role::Member).then(|| {
                item(Icon::Pencil, "Rename the group", "Only its people see it", move || {
                    dialogs.open(Ask::Rename(id))
                })
            }),
        )
            .into_any(),
    };
    html::ul().class("start-list").child(list).into_any()
}

fn item(icon: Icon, title: &'static str, text: &'static str, act: impl Fn() + 'static) -> AnyView {
    html::li()
        .child(
            html::button()
                .r#type("button")
                .class("start-item")
                .on(ev::click, move |_| act())
                .child((icon.l(), html::b().child(title), html::span().child(text))),
        )
        .into_any()
}
