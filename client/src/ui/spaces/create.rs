//! A new space: its name, and what it begins with, all of it shown before.

use leptos::prelude::*;
use leptos::{ev, html};

use super::rights;
use super::templates::{self, HeadingOf, RoleOf, Template};
use crate::ui::dialogs::{closer, error_line, refuse, still_stands, use_dialogs};
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::field::{Field, Kind};
use crate::ui::kit::unique;
use crate::ui::nav::use_nav;
use crate::ui::people::form;
use crate::ui::place::Place;
use crate::ui::screen::use_toasts;
use crate::ui::sidebar::kind_icon;
use crate::ui::wire;
use crate::ui::words;
use crate::view::{Command, Outcome, Problem};

pub fn dialog() -> AnyView {
    let (nav, dialogs, toasts) = (use_nav(), use_dialogs(), use_toasts());
    let (name, name_error) = (RwSignal::new(String::new()), RwSignal::new(None::<String>));
    let (error, busy, chosen) = (
        RwSignal::new(None::<String>),
        RwSignal::new(false),
        RwSignal::new(0_usize),
    );
    let send = move || {
        error.set(None);
        name_error.set(None);
        let named = name.get_untracked().trim().to_owned();
        if named.is_empty() {
            name_error.set(Some(words::problem(&Problem::EmptyName)));
            return;
        }
        let Some(template) = templates::ALL.get(chosen.get_untracked()) else {
            return;
        };
        busy.set(true);
        let made = format!("The space {named} is made.");
        let command = Command::CreateSpace {
            name: named,
            roles: template.roles(),
            headings: template.headings(),
        };
        wire::ask(command, move |result| {
            let here = still_stands(busy);
            match result {
                Ok(Outcome::Space(space)) if here => {
                    dialogs.close();
                    nav.go(Place::Space(space));
                }
                Ok(_) => toasts.ok(made),
                Err(problem @ (Problem::EmptyName | Problem::TooLong { .. })) => refuse(toasts, name_error, &problem),
                Err(problem) => refuse(toasts, error, &problem),
            }
        });
    };
    let field = Field {
        label: "Name".into(),
        hint: Some("Only the people in it can read it, not the server."),
        kind: Kind::Name,
        value: name,
        error: name_error.into(),
        suffix: Signal::stored(String::new()),
        focus: true,
    };
    let group = unique("template");
    let option = |(at, template): (usize, &'static Template)| {
        html::label().class("choice").child((
            html::input()
                .r#type("radio")
                .attr("name", group.clone())
                .prop("checked", move || chosen.get() == at)
                .on(ev::change, move |_| chosen.set(at)),
            html::span().class("choice-text").child((
                html::b().child(template.name),
                html::span().class("choice-hint").child(template.says),
            )),
        ))
    };
    let choices = html::fieldset().class("field").child((
        html::legend().class("field-label").child("Begin with"),
        html::div()
            .class("choices choice-cards")
            .child(templates::ALL.iter().enumerate().map(option).collect_view()),
    ));
    let body = (
        field.view(),
        choices,
        move || templates::ALL.get(chosen.get()).map(preview),
        error_line(error),
    );
    Dialog {
        title: "Create a space".into(),
        sub: Some("Channels for many people, with roles. You are its owner and bring people in.".into()),
        mark: None,
        wide: true,
        kept: Signal::derive(move || !name.get().is_empty()),
        content: form("Create a space", body.into_any(), "Create space", busy, send),
        close: closer(),
    }
    .view()
}

/// Everything that will be made.
fn preview(template: &'static Template) -> AnyView {
    let heading = |heading: &'static HeadingOf| {
        html::li().child((
            (!heading.name.is_empty()).then(|| html::p().class("made-heading").child(heading.name)),
            html::ul().child(
                heading
                    .channels
                    .iter()
                    .map(|channel| {
                        html::li().class("made-channel").child((
                            kind_icon(channel.kind).view(),
                            html::span()
                                .class("visually-hidden")
                                .child(words::channel_kind(channel.kind)),
                            html::span().class("made-name").child(channel.name),
                            html::span().class("muted truncate").child(channel.topic),
                        ))
                    })
                    .collect_view(),
            ),
        ))
    };
    let role = |role: &'static RoleOf| {
        let may: Vec<_> = rights::ALL
            .iter()
            .filter(|right| (right.has)(&role.rights))
            .map(|right| right.says.to_lowercase())
            .collect();
        html::li().child((
            html::b().child(role.name),
            html::span()
                .class("muted")
                .child(format!("{}: {}", role.says, may.join(", "))),
        ))
    };
    html::section()
        .class("made")
        .attr("aria-label", "What will be made")
        .attr("aria-live", "polite")
        .child((
            html::p()
                .class("menu-title")
                .child("What will be made. All of it can be changed later."),
            html::ul()
                .class("made-list")
                .child(template.headings.iter().map(heading).collect_view()),
            html::p().class("made-heading").child("Roles"),
            html::ul().class("made-roles").child((
                html::li().child((
                    html::b().child("Owner, Moderator, Member"),
                    html::span().class("muted").child("Every space has these."),
                )),
                template.roles.iter().map(role).collect_view(),
            )),
        ))
        .into_any()
}
