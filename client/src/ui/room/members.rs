//! The panel: who is in the group, by role.

use crate::view::Chat;
use leptos::html;
use leptos::prelude::*;
use sotto_shared::id::UserId;

use crate::ui::dialogs::{Ask, use_dialogs};
use crate::ui::kit::mark::{Shape, Size, mark};
use crate::ui::kit::menu::{Entry, Face, menu};
use crate::ui::kit::{Icon, button};
use crate::ui::nav::{icon_link, use_nav};
use crate::ui::place::Place;
use crate::ui::screen::{use_narrow, use_store, use_toasts};
use crate::ui::{wire, words};
use crate::view::{Command, Outcome, Role, RoomKind, Standing};

pub fn panel(id: Chat) -> AnyView {
    let (store, dialogs, narrow) = (use_store(), use_dialogs(), use_narrow());
    let members = Memo::new(move |_| store.members(id.room));
    let can_add = Memo::new(move |_| {
        store
            .room(id)
            .is_some_and(|room| room.kind == RoomKind::Group && room.standing == Standing::Open)
    });
    // Rows stay through every change: a menu may be open on one.
    let known = Memo::new(move |_| members.with(Option::is_some));
    let body = move || {
        if known.get() {
            [Role::Owner, Role::Moderator, Role::Member]
                .into_iter()
                .map(|role| group(id, role))
                .collect_view()
                .into_any()
        } else {
            (0..4).map(|_| skeleton()).collect_view().into_any()
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
                            .child(move || members.get().map(|members| members.len().to_string())),
                    )),
                html::div().class("bar-actions").child((
                    move || {
                        can_add.get().then(|| {
                            button::icon(Icon::UserPlus, "Add people", move || dialogs.open(Ask::AddPeople(id)))
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
            html::div().class("panel-body").child((asking(id), body)),
        ))
        .into_any()
}

fn group(id: Chat, role: Role) -> AnyView {
    let store = use_store();
    let people = Memo::new(move |_| {
        let mut people: Vec<UserId> = store
            .members(id.room)
            .map(|members| {
                members
                    .iter()
                    .filter(|member| member.role == role)
                    .map(|member| member.user)
                    .collect()
            })
            .unwrap_or_default();
        people.sort_by_cached_key(|user| store.handle(*user));
        people
    });
    let any = Memo::new(move |_| people.with(|people| !people.is_empty()));
    (move || {
        any.get().then(|| {
            html::section().class("panel-group").child((
                html::h3().child((
                    words::roles(role),
                    html::span().child(move || people.with(Vec::len).to_string()),
                )),
                html::ul().child(For(ForProps::builder()
                    .each(move || people.get())
                    .key(|user| *user)
                    .children(move |user| member(id, user, role))
                    .build())),
            ))
        })
    })
    .into_any()
}

fn member(id: Chat, user: UserId, role: Role) -> AnyView {
    let (store, dialogs, nav, toasts) = (use_store(), use_dialogs(), use_nav(), use_toasts());
    let person = Memo::new(move |_| store.person(user));
    let is_me = Memo::new(move |_| store.me() == Some(user));
    let handle = Memo::new(move |_| store.handle(user));
    let entries = move || {
        let write = move || {
            let handle = store.handle(user);
            wire::ask(Command::OpenDirect { handle }, move |result| match result {
                Ok(Outcome::Room(room)) => nav.go(Place::Room(room.into())),
                Ok(_) => {}
                Err(problem) => toasts.danger(words::problem(&problem)),
            });
        };
        let mut entries = vec![
            Entry::new(Icon::MessageCircle, "Write a message", write),
            Entry::new(Icon::ShieldCheck, "Safety number", move || {
                dialogs.open(Ask::Safety(user))
            }),
        ];
        // As the group's own rules have it: one may remove those below oneself. Also who made a key that opens for nobody.
        let mine = store
            .room(id)
            .filter(|room| matches!(room.standing, Standing::Open | Standing::WaitingForKey))
            .map(|room| room.role);
        if mine.is_some_and(|mine| mine > Role::Member && mine > role) {
            entries.push(Entry::danger(Icon::LogOut, "Remove", move || {
                dialogs.open(Ask::Remove(id, user))
            }));
        }
        entries
    };
    let face = move || {
        person.get().map(|person| {
            (
                mark(person.mark, Shape::Person, Size::S28),
                html::span().class("member-text").child((
                    html::span().class("member-name truncate").child(person.handle.clone()),
                    words::trust(person.trust).map(|words| html::span().class("member-status truncate").child(words)),
                )),
            )
        })
    };
    let row = move || {
        if is_me.get() {
            html::div()
                .class("member member-me")
                .child((face, html::span().class("tag").child("You")))
                .into_any()
        } else {
            let face = (face, html::span().class("member-more").child(Icon::Ellipsis.view())).into_any();
            menu("member", Face::Words(face), handle.get(), entries)
        }
    };
    html::li().child(row).into_any()
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
