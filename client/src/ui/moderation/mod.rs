//! Keeping order, on screen: what moderators may do with whom, what holds where one writes, and the log of changes.

pub mod changes;
pub mod dialogs;
pub mod reports;
pub mod strip;

use leptos::prelude::*;
use sotto_shared::id::{ChannelId, MessageId, RoomId, UserId};

use super::dialogs::{Ask, Dialogs};
use super::kit::Icon;
use super::kit::menu::Entry;
use super::nav::Nav;
use super::place::Place;
use super::when;
use crate::state::Store;
use crate::view::{Rights, Role, RoomKind, Standing};

/// What a dialog of this page asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Remove(UserId),
    Ban(UserId),
    Unban(UserId),
    TimeOut(UserId),
    EndTimeOut(UserId),
    Role(UserId),
    StepDown,
    Banned,
    SlowMode(ChannelId),
    /// A message by somebody else, that is in memory.
    TakeAway(ChannelId, MessageId, UserId),
}

const OWNER_RANK: u8 = 100;

/// What this person may do in a room or space.
pub fn rights(store: Store, room: RoomId) -> Rights {
    if let Some(space) = store.space(room) {
        return space.rights;
    }
    let all = Rights {
        invite: true,
        kick: true,
        ban: true,
        role: true,
        meta: true,
        channel: true,
        redact: true,
        post: true,
        pin: true,
        everyone: true,
    };
    match store
        .room(room.into())
        .filter(|room| room.kind != RoomKind::Direct)
        .map(|room| room.role)
    {
        Some(Role::Owner) => all,
        Some(Role::Moderator) => Rights { role: false, ..all },
        Some(Role::Member) => Rights {
            invite: true,
            post: true,
            ..Rights::default()
        },
        None => Rights::default(),
    }
}

/// How high a role stands.
pub fn rank(store: Store, room: RoomId, role_id: u8) -> u8 {
    match role_id {
        1 => 10,
        2 => 50,
        3 => OWNER_RANK,
        _ => store
            .space(room)
            .and_then(|space| space.roles.into_iter().find(|role| role.id == role_id))
            .map_or(10, |role| role.rank),
    }
}

pub fn role_id(store: Store, room: RoomId, user: UserId) -> Option<u8> {
    let members = store.members(room)?;
    members
        .iter()
        .find(|member| member.user == user)
        .map(|member| member.role_id)
}

/// What a role is called where it stands alone.
pub fn role_name(store: Store, room: RoomId, role_id: u8) -> String {
    match role_id {
        1 => "Member".into(),
        2 => "Moderator".into(),
        3 => "Owner".into(),
        _ => store
            .space(room)
            .and_then(|space| space.roles.into_iter().find(|role| role.id == role_id))
            .map(|role| role.name)
            .unwrap_or_default(),
    }
}

/// Whether this person stands above another.
fn outranks(store: Store, room: RoomId, user: UserId) -> bool {
    let of = |user| role_id(store, room, user).map(|role| rank(store, room, role));
    let mine = store.me().and_then(of);
    mine.zip(of(user)).is_some_and(|(mine, theirs)| mine > theirs)
}

fn is_open(store: Store, room: RoomId, also_waiting: bool) -> bool {
    let standing = match store.space(room) {
        Some(space) => Some(space.standing),
        None => store.room(room.into()).map(|room| room.standing),
    };
    standing.is_some_and(|standing| standing == Standing::Open || also_waiting && standing == Standing::WaitingForKey)
}

/// Whether this person is the one owner left.
pub fn is_last_owner(store: Store, room: RoomId) -> bool {
    let Some(me) = store.me() else { return false };
    let members = store.members(room).unwrap_or_default();
    let mut owners = members.iter().filter(|member| member.role_id == 3);
    members.len() > 1 && owners.next().is_some_and(|owner| owner.user == me) && owners.next().is_none()
}

/// Whether this person was taken out for good.
pub fn am_banned(store: Store, room: RoomId) -> bool {
    let order = store.order(room);
    store
        .me()
        .is_some_and(|me| order.is_some_and(|order| order.banned.contains(&me)))
}

/// The time-out that holds for somebody now.
pub fn time_out(store: Store, room: RoomId, user: UserId) -> Option<crate::view::TimeOut> {
    let held = store.order(room)?.time_outs.into_iter().find(|held| held.user == user);
    held.filter(|held| held.until_ms > when::now())
}

/// What may be done about a member, as the rules of the room have it: nothing to whoever is not below oneself.
pub fn about_member(store: Store, dialogs: Dialogs, room: RoomId, user: UserId) -> Vec<Entry> {
    let mut entries = Vec::new();
    let ask = move |subject| move || dialogs.open(Ask::Order(room, subject));
    let open = untrack(|| is_open(store, room, false));
    let may = untrack(|| rights(store, room));
    if untrack(|| store.me()) == Some(user) {
        let role = untrack(|| role_id(store, room, user));
        if open && role.is_some_and(|role| role > 1) {
            entries.push(Entry::new(Icon::LogOut, "Step down…", ask(Subject::StepDown)));
        }
        return entries;
    }
    if !untrack(|| outranks(store, room, user)) {
        return entries;
    }
    // Of a space the roles are its own, with a dialog of their own.
    if open && may.role && untrack(|| store.space(room)).is_none() {
        entries.push(Entry::new(Icon::Users, "Change role…", ask(Subject::Role(user))));
    }
    if open && may.kick {
        if untrack(|| time_out(store, room, user)).is_some() {
            entries.push(Entry::new(Icon::Clock, "End time-out…", ask(Subject::EndTimeOut(user))));
        } else {
            entries.push(Entry::new(Icon::Clock, "Time-out…", ask(Subject::TimeOut(user))));
        }
    }
    // Also while no key is here: whoever made one for nobody can be taken out.
    if untrack(|| is_open(store, room, true)) {
        if may.kick {
            entries.push(Entry::danger(Icon::LogOut, "Remove", ask(Subject::Remove(user))));
        }
        if may.ban {
            entries.push(Entry::danger(Icon::Lock, "Ban…", ask(Subject::Ban(user))));
        }
    }
    entries
}

/// What stands in the menu of a group or a space for whoever may.
pub fn about_room(store: Store, dialogs: Dialogs, nav: Nav, room: RoomId) -> Vec<Entry> {
    let may = untrack(|| rights(store, room));
    let ask = move |subject| move || dialogs.open(Ask::Order(room, subject));
    let mut entries = vec![Entry::new(Icon::Clock, "Log of changes", move || {
        nav.go(Place::Changes(room))
    })];
    if !untrack(|| is_open(store, room, false)) {
        return entries;
    }
    if may.redact || may.kick {
        entries.push(Entry::new(Icon::Flag, "Reports", move || nav.go(Place::Reports(room))));
    }
    // Of a space every channel has its own.
    if (may.meta || may.channel) && untrack(|| store.space(room)).is_none() {
        let main = Subject::SlowMode(ChannelId::MAIN);
        entries.push(Entry::new(Icon::Hourglass, "Slow mode…", ask(main)));
    }
    if may.ban {
        entries.push(Entry::new(Icon::Lock, "Banned people…", ask(Subject::Banned)));
    }
    entries
}
