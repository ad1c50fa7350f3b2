//! The panel: who is here, by role.

use leptos::html;
use leptos::prelude::*;
use sotto_shared::id::{RoomId, UserId};

use super::roster::{Group, roster};
use crate::ui::dialogs::{Ask, use_dialogs};
use crate::ui::kit::mark::Size;
use crate::ui::kit::menu::{AnyOpen, Entry, Face, menu};
use crate::ui::kit::{Icon, button};
use crate::ui::nav::{icon_link, use_nav};
use crate::ui::pictures::portrait;
use crate::ui::place::Place;
use crate::ui::screen::{use_narrow, use_store, use_toasts};
use crate::ui::spaces::rights::{self, may_give};
use crate::ui::{guest, moderation, presence, wire, words};
use crate::view::{ChannelKind, Chat, Command, Member, Outcome, Person, Role, RoomKind, Space, Standing};

pub fn panel(id: Chat) -> AnyView {
    let (store, dialogs, narrow) = (use_store(), use_dialogs(), use_narrow());
    let private = Memo::new(move |_| is_private(id));
    let within = Signal::derive(move || private.get().then_some(id));
    let held = RwSignal::new(false);
    provide_context(AnyOpen(held));
    let groups = by_presence(groups(id.room, within), held);
    let count = Memo::new(move |_| {
        let here = |group: &&Group| group.role != CLOSED;
        groups.with(|groups| groups.iter().filter(here).map(|group| group.users.len()).sum::<usize>())
    });
    let known = Memo::new(move |_| store.members(id.room).is_some());
    // What the plus sign does.
    let add = Memo::new(move |_| {
        let room = store.room(id)?;
        if room.standing != Standing::Open {
            return None;
        }
        match (room.kind, store.space(id.room)) {
            (RoomKind::Group, _) => Some(false),
            (RoomKind::Channel, Some(space)) if private.get() => space.rights.channel.then_some(true),
            (RoomKind::Channel, Some(space)) => space.rights.invite.then_some(false),
            _ => None,
        }
    });
    let body = move || {
        if known.get() {
            roster(asking(id), groups, move |user, role| {
                member(id.room, private.get_untracked().then_some(id), user, role)
            })
        } else {
            html::div()
                .class("panel-body")
                .child((0..4).map(|_| skeleton()).collect_view())
                .into_any()
        }
    };
    html::aside()
        .class("panel")
        .attr("aria-label", "Members")
        .child((
            html::header().class("bar").child((
                icon_link(
                    "button button-quiet button-icon bar-back",
                    Place::Room(id),
                    Icon::ArrowLeft,
                    "Back to the conversation",
                ),
                html::h2()
                    .class("bar-title")
                    .attr("aria-level", move || narrow.level())
                    .child((
                        "Members ",
                        html::span()
                            .class("muted numeric")
                            .child(move || known.get().then(|| count.get().to_string())),
                    )),
                html::div().class("bar-actions").child((
                    move || {
                        add.get().map(|to_channel| {
                            let ask = if to_channel {
                                Ask::ChannelPeople(id)
                            } else {
                                Ask::AddPeople(id)
                            };
                            button::icon(Icon::UserPlus, "Add people", move || dialogs.open(ask.clone()))
                        })
                    },
                    icon_link(
                        "button button-quiet button-icon panel-close",
                        Place::Room(id),
                        Icon::X,
                        "Close the list of members",
                    ),
                )),
            )),
            body,
        ))
        .into_any()
}

fn is_private(chat: Chat) -> bool {
    let room = use_store().room(chat);
    let info = room.and_then(|room| room.channel);
    info.is_some_and(|info| info.kind == ChannelKind::Private)
}

/// The number of no role: those who have no account any more.
const CLOSED: u8 = 0;

/// The members of a room or space by role, highest first; `within`: only those of this private channel. Last those who are
/// only on the list.
pub fn groups(room: RoomId, within: Signal<Option<Chat>>) -> Memo<Vec<Group>> {
    let store = use_store();
    Memo::new(move |_| {
        let members = store.members(room).unwrap_or_default();
        let only = within.get().map(|chat| store.channel_members(chat).unwrap_or_default());
        let roles: Vec<(u8, String)> = match store.space(room) {
            Some(space) => space
                .roles
                .iter()
                .map(|role| (role.id, rights::role_title(role)))
                .collect(),
            None => [Role::Owner, Role::Moderator, Role::Member]
                .map(|role| (number(role), words::roles(role).to_owned()))
                .to_vec(),
        };
        let closed = |user: &UserId| store.person(*user).is_some_and(|person| person.closed);
        let (closed, members): (Vec<&Member>, Vec<&Member>) = members.iter().partition(|member| closed(&member.user));
        let of = |(role, title): (u8, String)| {
            let all = if role == CLOSED { &closed } else { &members };
            let here = all
                .iter()
                .filter(|member| role == CLOSED || member.role_id == role)
                .map(|member| member.user);
            let mut users: Vec<UserId> = here
                .filter(|user| only.as_ref().is_none_or(|only| only.contains(user)))
                .collect();
            users.sort_by_cached_key(|user| (store.name(*user).to_lowercase(), *user));
            Group {
                role,
                here: false,
                title,
                users,
            }
        };
        let last = (CLOSED, "Account closed".to_owned());
        let mut groups: Vec<Group> = roles.into_iter().chain([last]).map(of).collect();
        groups.retain(|group| !group.users.is_empty());
        groups
    })
}

/// The same, with those among the ordinary members who are here before the others. While a menu of somebody is `held` open,
/// nobody goes from one part to the other: a row that is moved closes its menu.
fn by_presence(groups: Memo<Vec<Group>>, held: RwSignal<bool>) -> Memo<Vec<Group>> {
    let store = use_store();
    Memo::new(move |before: Option<&Vec<Group>>| {
        let before = before.filter(|_| held.get());
        let (members, mut groups): (Vec<Group>, Vec<Group>) =
            groups.get().into_iter().partition(|group| group.role == rights::MEMBER);
        for Group { role, title, users, .. } in members {
            let is_me = |user: &UserId| store.me() == Some(*user);
            let any_here = users.iter().any(|user| !is_me(user) && store.presence(*user).is_some());
            let is_here = |user: &UserId| {
                let is_part = |group: &&Group| group.role == role && group.users.contains(user);
                let stays = before.and_then(|groups| groups.iter().find(is_part));
                stays.map_or_else(
                    || any_here && (is_me(user) || store.presence(*user).is_some()),
                    |part| part.here,
                )
            };
            let (here, others): (Vec<UserId>, Vec<UserId>) = users.into_iter().partition(is_here);
            let one = here.is_empty() || others.is_empty();
            // Somebody who does not let it be known is not said to be away: whoever is not here is one of the others.
            for (part, here, users) in [("Here now", true, here), ("Others", false, others)] {
                let title = if one { title.clone() } else { part.to_owned() };
                groups.push(Group {
                    role,
                    here,
                    title,
                    users,
                });
            }
        }
        groups.retain(|group| !group.users.is_empty());
        groups.sort_by_key(|group| group.role == CLOSED);
        groups
    })
}

const fn number(role: Role) -> u8 {
    match role {
        Role::Member => rights::MEMBER,
        Role::Moderator => rights::MODERATOR,
        Role::Owner => rights::OWNER,
    }
}

/// Whether one may give somebody of this role another one.
pub fn may_change_role(space: &Space, role: u8) -> bool {
    let of = |id: u8| space.roles.iter().find(|role| role.id == id);
    let (Some(own), Some(theirs)) = (of(space.role), of(role)) else {
        return false;
    };
    own.rights.role
        && own.rank > theirs.rank
        && space.roles.iter().any(|other| other.id != role && may_give(own, other))
}

/// A row; `within`: in the list of this private channel.
pub fn member(room: RoomId, within: Option<Chat>, user: UserId, role: u8) -> AnyView {
    let (store, dialogs, nav, toasts) = (use_store(), use_dialogs(), use_nav(), use_toasts());
    let person = Memo::new(move |_| store.person(user));
    let is_me = Memo::new(move |_| store.me() == Some(user));
    let handle = Memo::new(move |_| store.handle(user));
    let am_guest = guest::am_guest();
    let entries = move || {
        let write = move || {
            let handle = store.handle(user);
            wire::ask(Command::OpenDirect { handle }, move |result| match result {
                Ok(Outcome::Room(room)) => nav.go(Place::Room(room.into())),
                Ok(_) => {}
                Err(problem) => toasts.danger(words::problem(&problem)),
            });
        };
        let mut entries = vec![Entry::new(Icon::UserRound, "Profile", move || {
            dialogs.open(Ask::Person(user))
        })];
        if !am_guest.get_untracked() {
            entries.push(Entry::new(Icon::MessageCircle, "Write a message", write));
        }
        entries.push(Entry::new(Icon::ShieldCheck, "Safety number", move || {
            dialogs.open(Ask::Safety(user))
        }));
        let space = store.space(room);
        if space.as_ref().is_some_and(|space| may_change_role(space, role)) {
            entries.push(Entry::new(Icon::UserRound, "Change role", move || {
                dialogs.open(Ask::GiveRole(room, user))
            }));
        }
        if let Some(chat) = within.filter(|_| space.as_ref().is_some_and(|space| space.rights.channel)) {
            entries.push(Entry::new(Icon::ArrowLeft, "Take out of this channel", move || {
                dialogs.open(Ask::TakeOut(chat, user))
            }));
        }
        entries.extend(moderation::about_member(store, dialogs, room, user));
        entries
    };
    let own = move || moderation::about_member(store, dialogs, room, user);
    let face = move || {
        person.get().map(|person| {
            (
                presence::beside(user, portrait(person.id, person.mark, Size::S28)),
                html::span().class("member-text").child((
                    html::span()
                        .class("member-name truncate")
                        .child(person.shown().to_owned()),
                    presence::spoken(user),
                    second_line(&person).map(|words| html::span().class("member-status truncate").child(words)),
                )),
                person.guest.then(guest::tag),
            )
        })
    };
    (move || {
        let tag = || html::span().class("tag").child("You");
        let keeps_order = role > 1 && within.is_none();
        if is_me.get() && !keeps_order {
            html::div().class("member member-me").child((face, tag())).into_any()
        } else if is_me.get() {
            menu("member", Face::Words((face, tag()).into_any()), handle.get(), own)
        } else {
            let face = (face, html::span().class("member-more").child(Icon::Ellipsis.view())).into_any();
            menu("member", Face::Words(face), handle.get(), entries)
        }
    })
    .into_any()
}

/// The handle where a name stands above it, whether numbers were compared, what they say of themselves.
fn second_line(person: &Person) -> Option<String> {
    let handle = (!person.name.is_empty()).then(|| person.handle.clone());
    let trust = words::trust(person.trust).map(str::to_owned);
    let status = (!person.status.is_empty()).then(|| person.status.clone());
    let said: Vec<String> = handle.into_iter().chain(trust).chain(status).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// Somebody asks to be let in.
fn asking(id: Chat) -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let count = Memo::new(move |_| store.room(id).map_or(0, |room| room.asking));
    (move || {
        let count = count.get() as usize;
        (count > 0).then(|| {
            html::div().class("banner panel-asking").child((
                Icon::UserPlus.view(),
                html::div().class("banner-text").child(format!(
                    "{} to be let in.",
                    words::count(count, "person asks", "people ask")
                )),
                button::button("button button-s", "Look", move || dialogs.open(Ask::Invite(id))),
            ))
        })
    })
    .into_any()
}

fn skeleton() -> AnyView {
    html::div()
        .class("member")
        .attr("aria-hidden", "true")
        .child((
            html::span().class("skeleton skeleton-round skeleton-28"),
            html::span().class("skeleton skeleton-60"),
        ))
        .into_any()
}
