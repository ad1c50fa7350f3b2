//! Devices: the browsers that are signed in.

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::DeviceKeyId;

use super::head;
use crate::ui::dialogs::{Ask, Confirm, Dialogs, use_dialogs};
use crate::ui::kit::{Icon, button};
use crate::ui::password::WithPassword;
use crate::ui::place::Page;
use crate::ui::screen::use_toasts;
use crate::ui::{when, wire, words};
use crate::view::{Command, Device, Outcome};

#[derive(Clone, PartialEq)]
enum List {
    Loading,
    Here(Vec<Device>),
    Failed(String),
}

pub fn page() -> AnyView {
    let dialogs = use_dialogs();
    let list = RwSignal::new(List::Loading);
    let load = move || {
        wire::ask(Command::ListDevices, move |result| {
            drop(list.try_set(match result {
                Ok(Outcome::Devices(devices)) => List::Here(devices),
                Ok(_) => List::Here(Vec::new()),
                Err(problem) => List::Failed(words::problem(&problem)),
            }));
        });
    };
    // Again when a dialog closes: it may have signed others out.
    Effect::new(move |_| {
        if !dialogs.is_open_tracked() {
            load();
        }
    });
    let others = Memo::new(move |_| {
        list.with(|list| {
            matches!(list, List::Here(devices) if devices.iter().any(|device| !device.is_this && device.seen_ms.is_some()))
        })
    });
    let content = move || match list.get() {
        List::Loading => html::ul()
            .class("settings-list rows")
            .attr("aria-busy", "true")
            .child((0..2).map(|_| skeleton()).collect_view())
            .into_any(),
        List::Failed(why) => html::div()
            .class("banner banner-danger")
            .attr("role", "alert")
            .child((
                Icon::CircleAlert.view(),
                html::div().class("banner-text").child(why),
                html::div()
                    .class("banner-actions")
                    .child(button::button("button button-s", "Try again", load)),
            ))
            .into_any(),
        List::Here(mut devices) => {
            devices.sort_by_key(|device| {
                (
                    !device.is_this,
                    std::cmp::Reverse(device.seen_ms),
                    std::cmp::Reverse(device.added_ms),
                )
            });
            (
                html::ul()
                    .class("settings-list rows rows-stack")
                    .child(devices.iter().map(|device| row(device, dialogs)).collect_view()),
                others.get().then(|| {
                    html::div().class("kit-row").child(button::button(
                        "button button-s button-danger-quiet",
                        (Icon::LogOut.view(), "Sign out everywhere else"),
                        move || dialogs.open(Ask::SignOutOthers),
                    ))
                }),
            )
                .into_any()
        }
    };
    (
        head(Page::Devices, "The browsers of this account. Each one has a key of its own."),
        content,
        move || others.get().then(|| html::div().class("banner banner-tall").child((
            Icon::Info.view(),
            html::div().class("banner-text").child((
                html::b().child("You do not recognise one?"),
                html::p().child("Take it away, then change the password: whoever knows it could sign in again. Your messages and rooms stay."),
            )),
        ))),
    )
        .into_any()
}

fn row(device: &Device, dialogs: Dialogs) -> AnyView {
    let label = if device.label.is_empty() {
        "A browser without a name".to_owned()
    } else {
        device.label.clone()
    };
    let small = ["Android", "iPhone", "iPad"].iter().any(|word| label.contains(word));
    let (is_this, added_ms, seen_ms) = (device.is_this, device.added_ms, device.seen_ms);
    let line = move || {
        let since = when::on(added_ms);
        match (is_this, seen_ms) {
            (true, _) => format!("Here since {since}"),
            (false, Some(seen)) => format!("Last here {}. Added {since}", when::ago(seen)),
            (false, None) => format!("Signed out. Added {since}"),
        }
    };
    let (id, called) = (device.id, label.clone());
    let take = (!is_this).then(|| {
        html::button()
            .r#type("button")
            .class("button button-s button-danger-quiet")
            .attr("aria-label", format!("Take away {called}"))
            .on(ev::click, move |_| dialogs.open(Ask::TakeAway(id, called.clone())))
            .child("Take away")
    });
    html::li()
        .child((
            html::span()
                .class("row-icon")
                .child(if small { Icon::Smartphone.m() } else { Icon::Laptop.m() }),
            html::div().class("row-text").child((
                html::p().class("row-title").child((
                    html::span().child(label),
                    device
                        .is_this
                        .then(|| html::span().class("tag tag-accent").child("This browser")),
                )),
                html::p().class("row-sub").child(line),
            )),
            take,
        ))
        .into_any()
}

fn skeleton() -> AnyView {
    html::li()
        .attr("aria-hidden", "true")
        .child((
            html::span().class("row-icon"),
            html::div().class("row-text row-lines").child((
                html::span().class("skeleton skeleton-40"),
                html::span().class("skeleton skeleton-25"),
            )),
        ))
        .into_any()
}

pub fn take_away(device: DeviceKeyId, label: &str) -> AnyView {
    let toasts = use_toasts();
    let said = format!("{label} is taken away.");
    let about = html::p().class("soft").child(format!(
        "{label} is signed out at once and can read nothing that is written from now on. What it already has it may keep."
    ));
    WithPassword {
        title: "Take this browser away?",
        about: about.into_any(),
        more: None,
        act: "Take away",
        button: "button button-danger",
        command: Box::new(move |password| Some(Command::RevokeDevice { device, password })),
        done: Box::new(move |_| toasts.ok(said.clone())),
    }
    .dialog()
}

pub fn sign_out_others() -> AnyView {
    let toasts = use_toasts();
    Confirm {
        title: "Sign out everywhere else?".into(),
        text: "Every other browser of this account is signed out at once. This one stays.".into(),
        act: "Sign out the others",
        safe: "Cancel",
        command: Command::SignOutOthers,
        done: Box::new(move || toasts.ok("Every other browser is signed out.")),
    }
    .view()
}
