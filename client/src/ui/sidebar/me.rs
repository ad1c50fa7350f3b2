//! Yourself at the foot of the column, and how the connection stands.

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;

use crate::ui::auth::theme_toggle;
use crate::ui::kit::Icon;
use crate::ui::kit::mark::Size;
use crate::ui::nav::icon_link;
use crate::ui::pictures::portrait;
use crate::ui::place::Place;
use crate::ui::screen::use_store;
use crate::ui::{wire, words};
use crate::view::{Command, Link, Person};

pub fn me() -> AnyView {
    let store = use_store();
    let person = Memo::new(move |_| store.me().and_then(|me| store.person(me)));
    html::div()
        .class(move || {
            if store.link().get() == Link::Online {
                "me"
            } else {
                "me me-away"
            }
        })
        .child((
            move || {
                person.get().map(|person| {
                    html::span().class("me-mark").child((
                        portrait(person.id, person.mark, Size::S32),
                        html::i()
                            .class(move || dot(store.link().get()))
                            .attr("aria-hidden", "true"),
                    ))
                })
            },
            html::div().class("me-text").child((
                html::p()
                    .class("me-name truncate")
                    .child(move || person.get().map(called).unwrap_or_default()),
                html::p()
                    .class("me-status truncate")
                    .attr("aria-live", "polite")
                    .child(status),
            )),
            theme_toggle("button button-quiet button-icon button-s"),
            icon_link(
                "button button-quiet button-icon button-s",
                Place::Settings,
                Icon::Settings,
                "Settings",
            ),
        ))
        .into_any()
}

/// A guest's handle says nothing to anybody.
fn called(person: Person) -> String {
    if person.guest {
        person.shown().to_owned()
    } else {
        person.handle
    }
}

const fn dot(link: Link) -> &'static str {
    match link {
        Link::Online => "presence",
        Link::Connecting => "presence presence-away",
        Link::Offline { .. } => "presence presence-off",
    }
}

fn status() -> AnyView {
    let store = use_store();
    match store.link().get() {
        Link::Online => "Online".into_any(),
        Link::Connecting => "Connecting".into_any(),
        Link::Offline { .. } => (
            html::span().child("Offline. "),
            html::button()
                .r#type("button")
                .class("link-button")
                .on(leptos::ev::click, |_| wire::tell(Command::Reconnect))
                .child("Try now"),
        )
            .into_any(),
    }
}

/// When the next try begins, counted down by the second. Empty while there is nothing to wait for.
pub fn next_try() -> impl Fn() -> String + Copy {
    let store = use_store();
    let left = RwSignal::new(0_u32);
    Effect::new(move |_| {
        if let Link::Offline { retry_secs } = store.link().get() {
            left.set(retry_secs);
        }
    });
    let ticking = set_interval_with_handle(
        move || left.update(|left| *left = left.saturating_sub(1)),
        Duration::from_secs(1),
    )
    .ok();
    on_cleanup(move || {
        if let Some(ticking) = ticking {
            ticking.clear();
        }
    });
    move || match left.get() {
        0 => "Trying now.".into(),
        secs => format!("Next try in {}.", words::seconds(secs)),
    }
}
