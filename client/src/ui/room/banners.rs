//! What stands above the composer: only what changes sending. Each has an exit.

use crate::view::Chat;
use leptos::html;
use leptos::prelude::*;
use sotto_shared::id::UserId;

use crate::ui::dialogs::{Ask, use_dialogs, who_of};
use crate::ui::kit::{Icon, button};
use crate::ui::moderation::am_banned;
use crate::ui::nav::link;
use crate::ui::place::Place;
use crate::ui::screen::{use_narrow, use_store, use_toasts};
use crate::ui::{guest, sidebar, wire, words};
use crate::view::{ChannelInfo, ChannelKind, Command, Found, Link, Problem, Room, RoomKind, Standing, Tamper, Trust};

/// `open`: there is a place to write.
pub fn banners(id: Chat, open: Memo<bool>) -> AnyView {
    let (store, narrow) = (use_store(), use_narrow());
    let standing = Memo::new(move |_| store.room(id).map(|room| (room.standing, room.kind)));
    let in_space = Memo::new(move |_| {
        store
            .space(id.room)
            .is_some_and(|space| space.standing == Standing::Open)
    });
    let banned = Memo::new(move |_| am_banned(store, id.room));
    let held_back = Memo::new(move |_| store.room(id).and_then(|room| room.held_back));
    let quiet = Memo::new(move |_| {
        let stands = |room: &Room| matches!(room.standing, Standing::Open | Standing::WaitingForKey);
        let room = store.room(id).filter(stands)?;
        room.channel.filter(|info| info.archived || !info.may_write)
    });
    let offline = Memo::new(move |_| matches!(store.link().get(), Link::Offline { .. }));
    (
        move || match standing.get()? {
            (Standing::Open, _) => None,
            (Standing::Removed, RoomKind::Channel) if banned.get() => Some(closed(
                "You are banned from this space.",
                "What was written until then stays. Whoever keeps order in it can lift the ban; then somebody can bring you in again.",
            )),
            (Standing::Removed, RoomKind::Group) if banned.get() => Some(closed(
                "You are banned from this group.",
                "What was written until then stays. Whoever keeps order in it can lift the ban; then somebody can add you again.",
            )),
            (Standing::Removed, RoomKind::Channel) if in_space.get() => Some(closed(
                "You are not in this channel any more.",
                "Nothing you write reaches it. What was not sent is still here: copy it, or delete it.",
            )),
            (Standing::Left | Standing::Removed, RoomKind::Channel) => Some(closed(
                "You are not in this space any more.",
                "What was written until then stays. Somebody in it can bring you in again.",
            )),
            // Where one only reads, no key lets one write.
            (Standing::WaitingForKey, kind) => (!open.get() && !quiet.with(Option::is_some)).then(|| waiting(kind)),
            (Standing::Left, _) => Some(closed(
                "You left this group.",
                "You get nothing new here. Somebody in it can add you again.",
            )),
            (Standing::Removed, _) => Some(closed(
                "You were removed from this group.",
                "What was written until then stays. Somebody in it can add you again.",
            )),
            (Standing::Frozen(tamper), _) => Some(frozen(id, tamper)),
            (Standing::IdentityChanged(user), _) => Some(changed(user)),
            (Standing::PeerGone, _) => Some(closed(
                "This account is closed.",
                "What you wrote to each other stays. Nothing can be sent here any more.",
            )),
            (Standing::HandleMoved { handle, user, verified }, _) => Some(moved(handle, user, verified)),
            (Standing::Withheld { by }, _) => Some(withheld(id, by)),
        },
        move || quiet.get().map(|info| read_only(id, &info)),
        move || held_back.get().map(|by| tail_withheld(id, by)),
        // Where the list is elsewhere.
        move || narrow.get().then(guest::banner),
        move || offline.get().then(away),
    )
        .into_any()
}

fn waiting(kind: RoomKind) -> AnyView {
    let text = match kind {
        RoomKind::Direct => "It comes as soon as the other one is online. You can write then; there is nothing to do.",
        RoomKind::Channel => {
            "It comes as soon as somebody who reads this channel is online. You can write then; there is nothing to do."
        }
        RoomKind::Group => {
            "It comes as soon as somebody of this group is online. You can write then; there is nothing to do."
        }
    };
    tall(
        "banner banner-accent banner-tall",
        Icon::Hourglass,
        "The room key is on the way.".into(),
        text.into(),
        None,
    )
}

/// A channel that one reads and does not write in.
fn read_only(id: Chat, info: &ChannelInfo) -> AnyView {
    let (store, toasts) = (use_store(), use_toasts());
    let may_open = move || store.space(id.room).is_some_and(|space| space.rights.channel);
    let (icon, title, text) = if info.archived {
        (
            Icon::Archive,
            "This channel is archived.",
            "Everything in it can be read; nothing more is written.",
        )
    } else if info.kind == ChannelKind::Announcement {
        (
            Icon::Megaphone,
            "Only those who may speak for this space write here.",
            "Everybody else reads.",
        )
    } else {
        (
            Icon::Info,
            "Your role reads here and does not write.",
            "Those who give roles can change that.",
        )
    };
    let reopen = move || {
        let command = Command::ArchiveChannel {
            chat: id,
            archived: false,
        };
        wire::ask(command, move |result| {
            if let Err(problem) = result {
                toasts.danger(words::problem(&problem));
            }
        });
    };
    let act = info.archived.then_some(move || {
        may_open().then(|| {
            html::div().class("banner-actions").child(button::button(
                "button button-s",
                "Take out of the archive",
                reopen,
            ))
        })
    });
    html::div()
        .class("banner")
        .attr("role", "status")
        .child((
            icon.view(),
            html::div()
                .class("banner-text")
                .child((html::b().child(title), " ", html::span().child(text))),
            act,
        ))
        .into_any()
}

fn closed(title: &'static str, text: &'static str) -> AnyView {
    tall(
        "banner banner-tall",
        Icon::Info,
        title.into(),
        text.into(),
        Some(link("button button-s", Place::Messages, "All messages")),
    )
}

fn frozen(id: Chat, what: Tamper) -> AnyView {
    let dialogs = use_dialogs();
    let show = button::button("button button-s gap-above", "What does not fit", move || {
        dialogs.open(Ask::Evidence(id))
    });
    tall(
        "banner banner-danger banner-tall",
        Icon::Shield,
        "This room is stopped, to keep it safe.".into(),
        format!(
            "{} Nothing after this point is shown or sent. Tell the others another way, and ask whoever runs the server; a new group is a fresh start.",
            words::tamper(what)
        ),
        Some(show),
    )
}

/// Somebody knows of a change to the room that the server keeps from this browser: whoever it took out would read along.
fn withheld(id: Chat, by: Option<UserId>) -> AnyView {
    let who = by.map_or_else(|| "Somebody here".to_owned(), who_of);
    tall(
        "banner banner-danger banner-tall",
        Icon::Shield,
        "Sending is paused: the server is holding something back.".into(),
        format!(
            "{who} has seen a change to this room that the server does not give you. Somebody may have been taken out, and would still read what you write. It goes on by itself when the change arrives."
        ),
        Some(go_on(id, "Write anyway")),
    )
}

fn tail_withheld(id: Chat, by: UserId) -> AnyView {
    let who = who_of(by);
    tall(
        "banner banner-danger banner-tall",
        Icon::Shield,
        "The server is holding back messages.".into(),
        format!(
            "{who} has already seen messages here that the server does not give you. Ask {who} another way what they are."
        ),
        Some(go_on(id, "Hide this")),
    )
}

fn go_on(room: Chat, anyway: &'static str) -> AnyView {
    html::div()
        .class("kit-row gap-above")
        .child((
            button::button("button button-s", "Ask again", || wire::tell(Command::Reconnect)),
            button::button("button button-s button-danger-quiet", anyway, move || {
                wire::tell(Command::GoOn { room: room.room })
            }),
        ))
        .into_any()
}

/// A person that was checked has a new key: the two causes, and two ways out.
fn changed(user: UserId) -> AnyView {
    let (dialogs, toasts) = (use_dialogs(), use_toasts());
    let name = who_of(user);
    let (since, trust) =
        untrack(|| use_store().person(user)).map_or((0, Trust::Changed), |person| (person.since, person.trust));
    let accepted = format!("You can write to {name} again. The number is not checked.");
    let accept = move || {
        let accepted = accepted.clone();
        wire::ask(
            Command::Compared {
                user,
                since,
                found: Found::Nothing,
            },
            move |result| match result {
                Ok(_) => toasts.ok(accepted),
                Err(problem) => toasts.danger(words::problem(&problem)),
            },
        );
    };
    let actions = html::div()
        .class("kit-row gap-above")
        .child((
            button::button("button button-s", "Compare now", move || {
                dialogs.open(Ask::Safety(user))
            }),
            button::button(
                "button button-s button-danger-quiet",
                "Accept without comparing",
                accept,
            ),
        ))
        .into_any();
    tall(
        "banner banner-danger banner-tall",
        Icon::Shield,
        format!("Sending to {name} is paused."),
        if trust == Trust::Differs {
            format!(
                "You found that your safety numbers differ. Somebody may sit between you and {name}: talk another way, compare again, and tell whoever runs this server."
            )
        } else {
            format!(
                "You checked {name}, and the safety number is different now. Either {name} started over with a new account key, or someone is pretending to be {name}."
            )
        },
        Some(actions),
    )
}

/// Somebody writes under the handle of somebody else who is known here.
fn moved(handle: String, user: UserId, verified: bool) -> AnyView {
    let toasts = use_toasts();
    let why = words::problem(&Problem::HandleMoved {
        handle: handle.clone(),
        now: user,
        verified,
    });
    let title = format!("Sending to {handle} is paused.");
    let accept = move || {
        let handle = handle.clone();
        wire::ask(Command::AcceptHandle { handle, user }, move |result| {
            if let Err(problem) = result {
                toasts.danger(words::problem(&problem));
            }
        });
    };
    let actions = html::div()
        .class("kit-row gap-above")
        .child(button::button(
            "button button-s button-danger-quiet",
            "Take the new account",
            accept,
        ))
        .into_any();
    tall(
        "banner banner-danger banner-tall",
        Icon::Shield,
        title,
        why,
        Some(actions),
    )
}

fn tall(class: &'static str, icon: Icon, title: String, text: String, actions: Option<AnyView>) -> AnyView {
    html::div()
        .class(class)
        .attr("role", "status")
        .child((
            icon.view(),
            html::div()
                .class("banner-text")
                .child((html::b().child(title), html::p().child(text), actions)),
        ))
        .into_any()
}

/// No connection: how much waits, and when the next try is.
fn away() -> AnyView {
    let store = use_store();
    let next = sidebar::next_try();
    html::div()
        .class("banner banner-warning")
        .attr("role", "status")
        .child((
            Icon::WifiOff.view(),
            html::div().class("banner-text").child((
                html::b().child("You are offline. "),
                html::span().child(move || match store.queued().get() {
                    0 => "What you write waits here and goes out by itself. ".to_owned(),
                    1 => "1 message is waiting and will go out by itself. ".to_owned(),
                    many => format!("{many} messages are waiting and will go out by themselves. "),
                }),
                // Ticks every second: not spoken.
                html::span().class("muted").attr("aria-hidden", "true").child(next),
            )),
            html::div()
                .class("banner-actions")
                .child(button::button("button button-s", "Try now", || {
                    wire::tell(Command::Reconnect)
                })),
        ))
        .into_any()
}
