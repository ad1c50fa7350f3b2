//! The rail: the places of the app. On narrow screens it lies at the bottom.

use leptos::html;
use leptos::prelude::*;

use super::dialogs::{Ask, use_dialogs};
use super::kit::{Icon, button};
use super::nav::use_nav;
use super::place::Place;
use super::screen::use_store;

pub fn rail() -> AnyView {
    let (nav, store, dialogs) = (use_nav(), use_store(), use_dialogs());
    let unread = Memo::new(move |_| store.unread());
    let in_settings = Memo::new(move |_| nav.place().in_settings());
    let current = move |here: bool| here.then_some("page");
    html::nav()
        .class("rail")
        .attr("aria-label", "Places")
        .child((
            html::ul().class("rail-list rail-places").child((
                html::li().child(
                    html::a()
                        .class("rail-item")
                        .href(Place::Messages.path())
                        .attr("aria-current", move || current(!in_settings.get()))
                        .title("Messages")
                        .child((
                            Icon::MessageCircle.l(),
                            html::span()
                                .class("rail-label")
                                .attr("aria-hidden", "true")
                                .child("Messages"),
                            html::span().class("visually-hidden").child(move || match unread.get() {
                                0 => "Messages".to_owned(),
                                count => format!("Messages, {count} unread"),
                            }),
                            move || {
                                let count = unread.get();
                                (count > 0).then(|| {
                                    html::span()
                                        .class("badge rail-mark")
                                        .attr("aria-hidden", "true")
                                        .child(short(count))
                                })
                            },
                        )),
                ),
                html::li().class("rail-you").child(
                    html::a()
                        .class("rail-item")
                        .href(Place::Settings.path())
                        .attr("aria-current", move || current(in_settings.get()))
                        .child((Icon::UserRound.l(), html::span().class("rail-label").child("You"))),
                ),
            )),
            html::div()
                .class("rail-foot")
                .child(button::icon(Icon::CircleHelp, "Keyboard shortcuts", move || {
                    dialogs.open(Ask::Keys)
                })),
        ))
        .into_any()
}

/// A count that fits its badge.
pub fn short(count: u32) -> String {
    if count > 99 { "99+".into() } else { count.to_string() }
}
