//! A panel beside a conversation that lists something of it; on a phone a page.

use leptos::html;
use leptos::prelude::*;

use crate::ui::kit::{Icon, button};
use crate::ui::nav::icon_link;
use crate::ui::place::Place;
use crate::ui::screen::use_narrow;
use crate::ui::words;
use crate::view::{Chat, Problem};

pub fn panel(
    id: Chat,
    label: &'static str,
    title: AnyView,
    close: &'static str,
    body: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    let narrow = use_narrow();
    html::aside()
        .class("panel")
        .attr("aria-label", label)
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
                    .child(title),
                html::div().class("bar-actions").child(icon_link(
                    "button button-quiet button-icon panel-close",
                    Place::Room(id),
                    Icon::X,
                    close,
                )),
            )),
            html::div().class("panel-body").child(body),
        ))
        .into_any()
}

/// While messages are looked for.
pub fn looking() -> AnyView {
    html::div()
        .class("panel-busy")
        .attr("role", "status")
        .child((
            html::span().class("spinner").attr("aria-hidden", "true"),
            "Looking for them",
        ))
        .into_any()
}

/// They could not be had.
pub fn failed(problem: &Problem, again: impl Fn() + 'static) -> AnyView {
    html::div()
        .class("empty")
        .attr("role", "alert")
        .child((
            html::p().child(words::problem(problem)),
            button::button("button", "Try again", again),
        ))
        .into_any()
}
