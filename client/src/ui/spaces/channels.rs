//! Dialogs about channels and headings of a space.

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::{RoomId, UserId};

use super::arrange::{self, NONE};
use super::choose::Choice;
use super::name_of;
use crate::ui::dialogs::{Confirm, Dialogs, closer, error_line, refuse, still_stands, use_dialogs};
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::field::{Field, Kind};
use crate::ui::kit::toast::Toasts;
use crate::ui::kit::unique;
use crate::ui::moderation::dialogs::owner_first;
use crate::ui::moderation::is_last_owner;
use crate::ui::nav::use_nav;
use crate::ui::people::{focus_composer, form};
use crate::ui::place::Place;
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::sidebar::kind_icon;
use crate::ui::{wire, words};
use crate::view::{ChannelKind, Chat, Command, Heading, MAX_TOPIC_BYTES, Outcome, Problem};

fn name_field(value: RwSignal<String>, error: RwSignal<Option<String>>, hint: &'static str) -> AnyView {
    Field {
        label: "Name".into(),
        hint: Some(hint),
        kind: Kind::Name,
        value,
        error: error.into(),
        suffix: Signal::stored(String::new()),
        focus: true,
    }
    .view()
}

fn topic_field(value: RwSignal<String>, error: RwSignal<Option<String>>) -> AnyView {
    Field {
        label: "Topic".into(),
        hint: Some("What belongs here. It may stay empty."),
        kind: Kind::Name,
        value,
        error: error.into(),
        suffix: Signal::stored(String::new()),
        focus: false,
    }
    .view()
}

/// What is wrong with a field stands at the field.
#[derive(Clone, Copy)]
struct Errors {
    name: RwSignal<Option<String>>,
    topic: RwSignal<Option<String>>,
    form: RwSignal<Option<String>>,
    toasts: Toasts,
}

impl Errors {
    fn new() -> Self {
        let [name, topic, form] = [(); 3].map(|()| RwSignal::new(None));
        Self {
            name,
            topic,
            form,
            toasts: use_toasts(),
        }
    }
}

/// Sends what a dialog holds. `done` is told whether the dialog still stands.
fn send(command: Command, busy: RwSignal<bool>, errors: Errors, done: impl FnOnce(Outcome, bool) + 'static) {
    let toasts = errors.toasts;
    busy.set(true);
    for error in [errors.name, errors.topic, errors.form] {
        error.set(None);
    }
    wire::ask(command, move |result| {
        let here = still_stands(busy);
        match result {
            Ok(outcome) => done(outcome, here),
            Err(problem @ Problem::TooLong { max }) if max == MAX_TOPIC_BYTES as u32 => {
                refuse(toasts, errors.topic, &problem);
            }
            Err(problem @ (Problem::EmptyName | Problem::TooLong { .. })) => refuse(toasts, errors.name, &problem),
            Err(problem) => refuse(toasts, errors.form, &problem),
        }
    });
}

/// What shows elsewhere needs no words.
fn closes(dialogs: Dialogs) -> impl FnOnce(Outcome, bool) + 'static {
    move |_, here| {
        if here {
            dialogs.close();
        }
    }
}

pub fn create(space: RoomId, heading: u16) -> AnyView {
    let (store, nav, dialogs) = (use_store(), use_nav(), use_dialogs());
    let (name, topic) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (errors, busy) = (Errors::new(), RwSignal::new(false));
    let (kind, under) = (RwSignal::new(ChannelKind::Public), RwSignal::new(heading));
    let choice = Choice::new(space, Vec::new());
    let create = move || {
        let kind = kind.get_untracked();
        let named = name.get_untracked().trim().to_owned();
        let made = format!("The channel {named} is made.");
        let command = Command::CreateChannel {
            space,
            name: named,
            topic: topic.get_untracked().trim().to_owned(),
            kind,
            heading: under.get_untracked(),
            members: if kind == ChannelKind::Private {
                choice.chosen()
            } else {
                Vec::new()
            },
        };
        send(command, busy, errors, move |outcome, here| match outcome {
            Outcome::Channel(chat) if here => {
                dialogs.close();
                nav.go(Place::Room(chat));
                focus_composer();
            }
            _ => errors.toasts.ok(made),
        });
    };
    let group = unique("kind");
    let option = |one: ChannelKind| {
        html::label().class("choice").child((
            html::input()
                .r#type("radio")
                .attr("name", group.clone())
                .prop("checked", move || kind.get() == one)
                .on(ev::change, move |_| kind.set(one)),
            html::span().class("choice-text").child((
                html::b().child((kind_icon(one).view(), words::channel_kind(one))),
                html::span().class("choice-hint").child(words::channel_readers(one)),
            )),
        ))
    };
    let kinds = html::fieldset().class("field").child((
        html::legend().class("field-label").child("Who is it for"),
        html::div().class("choices choice-cards choices-one").child(
            [ChannelKind::Public, ChannelKind::Announcement, ChannelKind::Private]
                .map(option)
                .into_iter()
                .collect_view(),
        ),
    ));
    let headings = untrack(|| store.space(space))
        .map(|space| space.headings)
        .unwrap_or_default();
    let where_to = (headings.len() > 1).then(|| heading_select(&headings, under));
    let body = (
        name_field(name, errors.name, "Only the people of this space can read it."),
        topic_field(topic, errors.topic),
        kinds,
        move || (kind.get() == ChannelKind::Private).then(|| choice.view("Who is in it beside you")),
        where_to,
        error_line(errors.form),
    );
    Dialog {
        title: "New channel".into(),
        sub: None,
        mark: None,
        wide: true,
        kept: Signal::derive(move || !name.get().is_empty() || !topic.get().is_empty()),
        content: form("New channel", body.into_any(), "Create channel", busy, create),
        close: closer(),
    }
    .view()
}

fn heading_name(heading: &Heading) -> String {
    if heading.id == NONE {
        "No heading".into()
    } else {
        heading.name.clone()
    }
}

fn heading_select(headings: &[Heading], under: RwSignal<u16>) -> AnyView {
    let id = unique("heading");
    let option = |heading: &Heading| {
        let value = heading.id;
        html::option()
            .attr("value", value.to_string())
            .prop("selected", move || under.get() == value)
            .child(heading_name(heading))
    };
    html::div()
        .class("field")
        .child((
            html::label().class("field-label").r#for(id.clone()).child("Heading"),
            html::select()
                .class("input select")
                .id(id)
                .on(ev::change, move |event| {
                    under.set(event_target_value(&event).parse().unwrap_or(NONE))
                })
                .child(headings.iter().map(option).collect_view()),
        ))
        .into_any()
}

pub fn edit(chat: Chat) -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let room = untrack(|| store.room(chat));
    let old = room
        .map(|room| (room.title, room.channel.map(|info| info.topic).unwrap_or_default()))
        .unwrap_or_default();
    let (name, topic) = (RwSignal::new(old.0.clone()), RwSignal::new(old.1.clone()));
    let (errors, busy) = (Errors::new(), RwSignal::new(false));
    let save = move || {
        let command = Command::EditChannel {
            chat,
            name: name.get_untracked().trim().to_owned(),
            topic: topic.get_untracked().trim().to_owned(),
        };
        send(command, busy, errors, closes(dialogs));
    };
    let body = (
        name_field(name, errors.name, "Everybody who reads the channel sees the change."),
        topic_field(topic, errors.topic),
        error_line(errors.form),
    );
    Dialog {
        title: "Edit the channel".into(),
        sub: None,
        mark: None,
        wide: false,
        kept: Signal::derive(move || name.with(|name| *name != old.0) || topic.with(|topic| *topic != old.1)),
        content: form("Edit the channel", body.into_any(), "Save", busy, save),
        close: closer(),
    }
    .view()
}

pub fn move_to(chat: Chat) -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let (errors, busy) = (Errors::new(), RwSignal::new(false));
    let headings = untrack(|| store.space(chat.room))
        .map(|space| space.headings)
        .unwrap_or_default();
    let here = headings.iter().find(|heading| heading.channels.contains(&chat.channel));
    let under = RwSignal::new(here.map_or(NONE, |heading| heading.id));
    let act = move || {
        let now = untrack(|| store.space(chat.room))
            .map(|space| space.headings)
            .unwrap_or_default();
        let under = under.get_untracked();
        // Where it stands already it keeps its place.
        let is_there = |heading: &Heading| heading.id == under && heading.channels.contains(&chat.channel);
        if now.iter().any(is_there) {
            return dialogs.close();
        }
        match arrange::put(&now, chat.channel, under, usize::MAX) {
            Some(headings) => {
                let command = Command::Arrange {
                    space: chat.room,
                    headings,
                };
                send(command, busy, errors, closes(dialogs));
            }
            None => dialogs.close(),
        }
    };
    let title = untrack(|| store.room(chat)).map(|room| room.title).unwrap_or_default();
    Dialog {
        title: format!("Move {title}"),
        sub: None,
        mark: None,
        wide: false,
        kept: Signal::stored(false),
        content: form(
            "Move the channel",
            (heading_select(&headings, under), error_line(errors.form)).into_any(),
            "Move",
            busy,
            act,
        ),
        close: closer(),
    }
    .view()
}

pub fn new_heading(space: RoomId) -> AnyView {
    heading_dialog(space, "New heading", String::new(), "Add heading", arrange::add)
}

pub fn rename_heading(space: RoomId, id: u16) -> AnyView {
    let headings = untrack(|| use_store().space(space))
        .map(|space| space.headings)
        .unwrap_or_default();
    let old = headings
        .into_iter()
        .find(|heading| heading.id == id)
        .map(|heading| heading.name)
        .unwrap_or_default();
    heading_dialog(space, "Rename the heading", old, "Rename", move |now, name| {
        arrange::rename(now, id, name)
    })
}

fn heading_dialog(
    space: RoomId,
    title: &'static str,
    old: String,
    act: &'static str,
    next: impl Fn(&[Heading], String) -> Option<Vec<Heading>> + 'static,
) -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let name = RwSignal::new(old.clone());
    let (errors, busy) = (Errors::new(), RwSignal::new(false));
    let save = move || {
        let named = name.get_untracked().trim().to_owned();
        if named.is_empty() {
            errors.name.set(Some(words::problem(&Problem::EmptyName)));
            return;
        }
        let now = untrack(|| store.space(space))
            .map(|space| space.headings)
            .unwrap_or_default();
        match next(&now, named) {
            Some(headings) => send(Command::Arrange { space, headings }, busy, errors, closes(dialogs)),
            None => dialogs.close(),
        }
    };
    let body = (
        name_field(name, errors.name, "Channels stand under it in the column."),
        error_line(errors.form),
    );
    Dialog {
        title: title.into(),
        sub: None,
        mark: None,
        wide: false,
        kept: Signal::derive(move || name.with(|name| *name != old)),
        content: form(title, body.into_any(), act, busy, save),
        close: closer(),
    }
    .view()
}

/// Brings members of the space into a private channel.
pub fn people(chat: Chat) -> AnyView {
    let (store, dialogs, toasts) = (use_store(), use_dialogs(), use_toasts());
    let (errors, busy) = (Errors::new(), RwSignal::new(false));
    let there: Vec<UserId> = untrack(|| store.channel_members(chat))
        .map(|users| users.to_vec())
        .unwrap_or_default();
    let choice = Choice::new(chat.room, there);
    let act = move || {
        let add = choice.chosen();
        if add.is_empty() {
            errors.form.set(Some("Choose somebody to bring in.".into()));
            return;
        }
        let said = match add.len() {
            1 => "1 person is in.".to_owned(),
            many => format!("{many} people are in."),
        };
        let command = Command::ChannelPeople {
            chat,
            add,
            remove: Vec::new(),
        };
        send(command, busy, errors, move |_, here| {
            if here {
                dialogs.close();
            }
            toasts.ok(said);
        });
    };
    let title = untrack(|| store.room(chat)).map(|room| room.title).unwrap_or_default();
    Dialog {
        title: format!("Add people to {title}"),
        sub: Some("Members of this space. They can read everything here, also what was written before.".into()),
        mark: None,
        wide: true,
        kept: Signal::derive(move || choice.any()),
        content: form(
            "Add people",
            (choice.view("People"), error_line(errors.form)).into_any(),
            "Add",
            busy,
            act,
        ),
        close: closer(),
    }
    .view()
}

/// Takes somebody out of a private channel; oneself, too.
pub fn take_out(chat: Chat, user: UserId) -> AnyView {
    let (store, nav, toasts) = (use_store(), use_nav(), use_toasts());
    let title = untrack(|| store.room(chat)).map(|room| room.title).unwrap_or_default();
    let mine = store.me() == Some(user);
    let who = if mine {
        "You".to_owned()
    } else {
        crate::ui::dialogs::who_of(user)
    };
    let said = format!("{who} left {title}.");
    Confirm {
        title: if mine { format!("Leave {title}?") } else { format!("Take {who} out of {title}?") },
        text: "Nothing that is written from now on can be read after that: the channel’s key changes. What was read stays.".into(),
        act: if mine { "Leave channel" } else { "Take out" },
        safe: "Cancel",
        command: Command::ChannelPeople {
            chat,
            add: Vec::new(),
            remove: vec![user],
        },
        done: Box::new(move || {
            if mine {
                if nav.place_untracked().room() == Some(chat) {
                    nav.go(Place::Space(chat.room));
                }
                toasts.ok(said.clone());
            } else {
                toasts.ok("Taken out.");
            }
        }),
    }
    .view()
}

pub fn leave(space: RoomId) -> AnyView {
    let (store, nav, toasts) = (use_store(), use_nav(), use_toasts());
    if untrack(|| is_last_owner(store, space)) {
        return owner_first(
            space,
            "You are the only owner, so you cannot leave yet: the others would be without one.",
        );
    }
    let here = untrack(|| store.space(space));
    let alone = here.as_ref().is_some_and(|space| space.members == 1);
    let name = here.map(|space| name_of(&space)).unwrap_or_default();
    let said = format!("You left {name}.");
    Confirm {
        title: format!("Leave {name}?"),
        text: if alone {
            "Nobody else is in it, so this closes it: no one can come in again, not even you."
        } else {
            "You keep what is in this browser, and get nothing new. Only somebody who is in the space can bring you in again."
        }
        .into(),
        act: "Leave space",
        safe: "Stay",
        command: Command::LeaveRoom { room: space },
        done: Box::new(move || {
            toasts.ok(said.clone());
            if nav.place_untracked().space() == Some(space) {
                nav.go(Place::Messages);
            }
        }),
    }
    .view()
}
