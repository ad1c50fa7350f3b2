//! Roles of a space: the page that lists them, the dialog that makes or changes one, giving one to somebody.

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::{RoomId, UserId};

use super::rights::{self, OWNER, is_within, may_give, role_name};
use super::settings::head;
use crate::ui::dialogs::{Ask, Confirm, closer, error_line, refuse, still_stands, use_dialogs};
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::field::{Field, Kind, below};
use crate::ui::kit::mark::Size;
use crate::ui::kit::{Icon, button, unique};
use crate::ui::people::form;
use crate::ui::pictures::portrait;
use crate::ui::place::SpacePage;
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::{wire, words};
use crate::view::{Command, Outcome, Problem, Rights, RoleInfo, Space};

/// People of a role that are named; the members page has all.
const NAMED: usize = 12;

fn own_role(space: &Space) -> Option<RoleInfo> {
    space.roles.iter().find(|role| role.id == space.role).cloned()
}

/// Whether one may change or drop this role.
fn may_change(space: &Space, role: &RoleInfo) -> bool {
    !role.built_in && space.rights.role && own_role(space).is_some_and(|own| own.rank > role.rank)
}

pub fn page(id: RoomId) -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let space = Memo::new(move |_| store.space(id));
    let ids = Memo::new(move |_| {
        space.with(|space| {
            space
                .iter()
                .flat_map(|space| &space.roles)
                .map(|role| role.id)
                .collect::<Vec<_>>()
        })
    });
    let may_make = Memo::new(move |_| space.with(|space| space.as_ref().is_some_and(|space| space.rights.role)));
    (
        head(SpacePage::Roles.title(), "What people here may do. Whoever stands higher may give roles to those below, and never more than they have themselves."),
        move || {
            may_make.get().then(|| {
                html::div().class("kit-row").child(button::button("button", (Icon::Plus.view(), "New role"), move || {
                    dialogs.open(Ask::Role(id, None))
                }))
            })
        },
        html::ul().class("settings-list rows rows-stack role-list").attr("aria-label", "Roles").child(For(ForProps::builder()
            .each(move || ids.get())
            .key(|role| *role)
            .children(move |role| row(id, role))
            .build())),
    )
        .into_any()
}

fn row(id: RoomId, number: u8) -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let role = Memo::new(move |_| store.space(id)?.roles.into_iter().find(|role| role.id == number));
    let may = Memo::new(move |_| {
        let space = store.space(id);
        role.with(|role| {
            space
                .zip(role.as_ref())
                .is_some_and(|(space, role)| may_change(&space, role))
        })
    });
    let name = Memo::new(move |_| role.with(|role| role.as_ref().map(role_name).unwrap_or_default()));
    let holders = Memo::new(move |_| {
        let members = store.members(id).unwrap_or_default();
        let with_it = members
            .iter()
            .filter(|member| member.role_id == number)
            .map(|member| member.user);
        let mut users: Vec<UserId> = with_it.collect();
        users.sort_by_cached_key(|user| store.name(*user).to_lowercase());
        users.truncate(NAMED);
        users
    });
    let held = Memo::new(move |_| role.with(|role| role.as_ref().map_or(0, |role| role.members)));
    let who = move || {
        let users = holders.get();
        let more = (held.get() as usize).saturating_sub(users.len());
        let one = |user: UserId| {
            let person = store.person(user);
            html::li().class("role-holder").child((
                person
                    .as_ref()
                    .map(|person| portrait(person.id, person.mark, Size::S20)),
                person.map(|person| person.shown().to_owned()),
            ))
        };
        html::ul()
            .class("role-holders")
            .attr("aria-label", move || format!("Who is {}", name.get()))
            .child((
                users.into_iter().map(one).collect_view(),
                (more > 0).then(|| html::li().class("muted").child(format!("and {more} more"))),
            ))
    };
    html::li()
        .child((
            html::details().class("role").child((
                html::summary().child((
                    Icon::ChevronRight.view(),
                    html::span().class("row-text").child((
                        html::span().class("row-title").child(move || name.get()),
                        html::span().class("row-sub").child(move || {
                            role.with(|role| {
                                role.as_ref().map(|role| {
                                    let people = match role.members {
                                        0 => "Nobody has it".to_owned(),
                                        count => words::count(count as usize, "person", "people"),
                                    };
                                    format!("{people}. Rank {}", role.rank)
                                })
                            })
                        }),
                    )),
                )),
                html::div().class("role-more").child((
                    html::ul().class("role-rights").child(move || {
                        role.with(|role| {
                            let rights = role.as_ref().map(|role| role.rights).unwrap_or_default();
                            rights::ALL
                                .iter()
                                .map(|right| may_or_not(right, &rights))
                                .collect_view()
                        })
                    }),
                    move || (held.get() > 0).then(who),
                )),
            )),
            move || {
                may.get().then(|| {
                    html::div().class("row-acts").child((
                        html::button()
                            .r#type("button")
                            .class("button button-s")
                            .attr("aria-label", format!("Change {}", name.get()))
                            .on(ev::click, move |_| dialogs.open(Ask::Role(id, Some(number))))
                            .child("Change"),
                        html::button()
                            .r#type("button")
                            .class("button button-s button-danger-quiet")
                            .attr("aria-label", format!("Remove {}", name.get()))
                            .on(ev::click, move |_| dialogs.open(Ask::DropRole(id, number)))
                            .child("Remove"),
                    ))
                })
            },
        ))
        .into_any()
}

fn may_or_not(right: &rights::Right, of: &Rights) -> AnyView {
    let has = (right.has)(of);
    html::li()
        .class(if has { "role-right" } else { "role-right role-right-not" })
        .child((
            if has { Icon::Check.s() } else { Icon::X.s() },
            html::span()
                .class("visually-hidden")
                .child(if has { "May: " } else { "May not: " }),
            right.says,
        ))
        .into_any()
}

/// Makes a role, or changes one.
pub fn dialog(id: RoomId, number: Option<u8>) -> AnyView {
    let (store, dialogs, toasts) = (use_store(), use_dialogs(), use_toasts());
    let space = untrack(|| store.space(id));
    let own = space.as_ref().and_then(own_role);
    let before = space
        .as_ref()
        .and_then(|space| space.roles.iter().find(|role| Some(role.id) == number))
        .cloned();
    let most = own.as_ref().map_or(1, |own| own.rank.clamp(2, 100) - 1);
    let own_rights = own.map(|own| own.rights).unwrap_or_default();
    // A new one begins as somebody who may a little more than a member.
    let rights = RwSignal::new(before.as_ref().map_or(
        Rights {
            post: true,
            invite: own_rights.invite,
            ..Rights::default()
        },
        |role| role.rights,
    ));
    let old_rights = before.as_ref().map(|role| role.rights).unwrap_or_default();
    let old_name = before.as_ref().map(|role| role.name.clone()).unwrap_or_default();
    let name = RwSignal::new(old_name.clone());
    let rank = RwSignal::new(before.as_ref().map_or(most.min(30), |role| role.rank).to_string());
    let (name_error, rank_error) = (RwSignal::new(None::<String>), RwSignal::new(None::<String>));
    let (error, busy) = (RwSignal::new(None::<String>), RwSignal::new(false));
    let send = move || {
        for shown in [name_error, rank_error, error] {
            shown.set(None);
        }
        let named = name.get_untracked().trim().to_owned();
        if named.is_empty() {
            name_error.set(Some(words::problem(&Problem::EmptyName)));
            return;
        }
        let Some(rank) = rank
            .get_untracked()
            .trim()
            .parse()
            .ok()
            .filter(|rank| (1..=most).contains(rank))
        else {
            rank_error.set(Some(format!("A number from 1 to {most}: below your own rank.")));
            return;
        };
        busy.set(true);
        let command = Command::DefineRole {
            space: id,
            role: number,
            name: named,
            rank,
            rights: rights.get_untracked(),
        };
        wire::ask(command, move |result| {
            let here = still_stands(busy);
            match result {
                Ok(_) if here => dialogs.close(),
                Ok(_) => {}
                Err(problem @ (Problem::EmptyName | Problem::TooLong { .. })) => refuse(toasts, name_error, &problem),
                Err(problem) => refuse(toasts, error, &problem),
            }
        });
    };
    let field = Field {
        label: "Name".into(),
        hint: Some("What somebody with this role is called: Steward, Teacher, Treasurer."),
        kind: Kind::Name,
        value: name,
        error: name_error.into(),
        suffix: Signal::stored(String::new()),
        focus: true,
    };
    let tick = move |right: &'static rights::Right| {
        // What one does not have oneself one does not give; what the role had may stay.
        let may = (right.has)(&own_rights) || (right.has)(&old_rights);
        let hint = unique("right");
        html::label().class("check").child((
            html::input()
                .r#type("checkbox")
                .attr("aria-describedby", hint.clone())
                .prop("disabled", !may)
                .prop("checked", move || rights.with(right.has))
                .on(ev::change, move |event| {
                    let on = event_target_checked(&event);
                    rights.update(|rights| (right.set)(rights, on));
                }),
            html::span().child(right.says),
            html::span().class("check-hint").id(hint).child(if may {
                right.hint
            } else {
                "Your own role does not allow it, so it cannot give it."
            }),
        ))
    };
    let body = (
        field.view(),
        rank_field(rank, rank_error, most),
        html::fieldset().class("field role-ticks").child((
            html::legend().class("field-label").child("Somebody with this role may"),
            rights::ALL.iter().map(tick).collect_view(),
        )),
        error_line(error),
    );
    let title = if number.is_some() {
        "Change the role"
    } else {
        "New role"
    };
    Dialog {
        title: title.into(),
        sub: number.map(|_| "It changes at once for everybody who has it.".into()),
        mark: None,
        wide: true,
        kept: Signal::derive(move || {
            name.with(|name| *name != old_name) || number.is_some() && rights.with(|rights| *rights != old_rights)
        }),
        content: form(
            title,
            body.into_any(),
            if number.is_some() { "Save" } else { "Create role" },
            busy,
            send,
        ),
        close: closer(),
    }
    .view()
}

fn rank_field(value: RwSignal<String>, error: RwSignal<Option<String>>, most: u8) -> AnyView {
    let id = unique("rank");
    let hint = format!("{id}-hint");
    html::div()
        .class("field")
        .child((
            html::label().class("field-label").r#for(id.clone()).child("Rank"),
            html::input()
                .class("input input-short")
                .id(id)
                .r#type("number")
                .attr("inputmode", "numeric")
                .attr("min", "1")
                .attr("max", most.to_string())
                .attr("aria-describedby", hint.clone())
                .attr("aria-invalid", move || error.with(Option::is_some).then_some("true"))
                .prop("value", move || value.get())
                .on(ev::input, move |event| value.set(event_target_value(&event))),
            below(
                hint,
                Some("Nobody can remove somebody of the same rank or a higher one. Members have 10, moderators 50, owners 100."),
                error.into(),
            ),
        ))
        .into_any()
}

pub fn drop_role(id: RoomId, number: u8) -> AnyView {
    let (store, toasts) = (use_store(), use_toasts());
    let space = untrack(|| store.space(id));
    let role = space.and_then(|space| space.roles.into_iter().find(|role| role.id == number));
    let name = role.as_ref().map(role_name).unwrap_or_default();
    let held = role.map_or(0, |role| role.members);
    let said = format!("The role {name} is gone.");
    Confirm {
        title: format!("Remove the role {name}?"),
        text: if held > 0 {
            format!(
                "{} it. Give them another one first: a role goes only when nobody has it.",
                if held == 1 {
                    "One person has".to_owned()
                } else {
                    format!("{held} people have")
                }
            )
        } else {
            "Nobody has it. Links that give it stop working.".into()
        },
        act: "Remove role",
        safe: "Keep it",
        command: Command::DropRole {
            space: id,
            role: number,
        },
        done: Box::new(move || toasts.ok(said.clone())),
    }
    .view()
}

/// Gives somebody another role.
pub fn give(id: RoomId, user: UserId) -> AnyView {
    let (store, dialogs, toasts) = (use_store(), use_dialogs(), use_toasts());
    let (who, whole) = (crate::ui::dialogs::name_of(user), crate::ui::dialogs::who_of(user));
    let space = untrack(|| store.space(id));
    let own = space.as_ref().and_then(own_role);
    let members = untrack(|| store.members(id)).unwrap_or_default();
    let now = members
        .iter()
        .find(|member| member.user == user)
        .map_or(rights::MEMBER, |member| member.role_id);
    let roles: Vec<RoleInfo> = space.map(|space| space.roles).unwrap_or_default();
    let (chosen, error, busy) = (RwSignal::new(now), RwSignal::new(None::<String>), RwSignal::new(false));
    let named = roles.clone();
    let done = who.clone();
    let send = move || {
        let role = chosen.get_untracked();
        if role == now {
            dialogs.close();
            return;
        }
        busy.set(true);
        error.set(None);
        let name = named
            .iter()
            .find(|one| one.id == role)
            .map(role_name)
            .unwrap_or_default();
        let said = format!("{done} is {name} now.");
        wire::ask(
            Command::SetRole { room: id, user, role },
            move |result: Result<Outcome, Problem>| {
                let here = still_stands(busy);
                match result {
                    Ok(_) => {
                        if here {
                            dialogs.close();
                        }
                        toasts.ok(said);
                    }
                    Err(problem) => refuse(toasts, error, &problem),
                }
            },
        );
    };
    let group = unique("role");
    let option = |role: &RoleInfo| {
        let number = role.id;
        let may = number == now || own.as_ref().is_some_and(|own| may_give(own, role));
        let says = match (number, own.as_ref()) {
            (OWNER, _) if may => "May do everything, and cannot be removed by anybody below".to_owned(),
            (_, Some(own)) if !may && !is_within(&role.rights, &own.rights) => "Allows more than you may".to_owned(),
            _ if !may => "Not below you".to_owned(),
            _ => format!("{}. Rank {}", summary(&role.rights), role.rank),
        };
        let all = rights::says(&role.rights).join(", ");
        html::label().class("choice").title(all).child((
            html::input()
                .r#type("radio")
                .attr("name", group.clone())
                .prop("disabled", !may)
                .prop("checked", move || chosen.get() == number)
                .on(ev::change, move |_| chosen.set(number)),
            html::span().class("choice-text").child((
                html::b().child(role_name(role)),
                html::span().class("choice-hint").child(says),
            )),
        ))
    };
    let body = (
        html::fieldset().class("field").child((
            html::legend().class("visually-hidden").child("Role"),
            html::div()
                .class("choices choice-cards choices-one")
                .child(roles.iter().map(option).collect_view()),
        )),
        error_line(error),
    );
    Dialog {
        title: format!("Role of {whole}"),
        sub: Some("Everybody in the space sees it.".into()),
        mark: None,
        wide: false,
        kept: Signal::stored(false),
        content: form("Change role", body.into_any(), "Change role", busy, send),
        close: closer(),
    }
    .view()
}

/// A few of the rights in one line, those first that weigh most: in them roles differ.
fn summary(rights: &Rights) -> String {
    let has = rights::says(rights);
    match has.len() {
        0 => "Only reads".into(),
        10 => "May do everything".into(),
        many if many > 4 => format!("{} and {} more", has.get(..4).unwrap_or(&has).join(", "), many - 4),
        _ => has.join(", "),
    }
}
