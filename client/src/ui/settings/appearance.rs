//! Appearance: the theme, kept in this browser.

use leptos::prelude::*;
use leptos::{ev, html, svg};

use super::head;
use crate::ui::browser::Theme;
use crate::ui::place::Page;

pub fn page() -> AnyView {
    let chosen = RwSignal::new(Theme::chosen());
    (
        head(Page::Appearance, "Kept in this browser."),
        html::section().class("settings-group").child((
            html::h2().id("theme-title").child("Theme"),
            html::div()
                .class("themes")
                .attr("role", "radiogroup")
                .attr("aria-labelledby", "theme-title")
                .child((
                    theme(Theme::System, "System", chosen),
                    theme(Theme::Dark, "Dark", chosen),
                    theme(Theme::Light, "Light", chosen),
                )),
        )),
    )
        .into_any()
}

fn theme(theme: Theme, label: &'static str, chosen: RwSignal<Theme>) -> AnyView {
    let picture = match theme {
        Theme::Dark => room("d").into_any(),
        Theme::Light => room("l").into_any(),
        Theme::System => (
            room("d"),
            svg::clipPath()
                .attr("id", "theme-half")
                .child(svg::path().attr("d", "M92 0h68v100H68z")),
            svg::g().attr("clip-path", "url(#theme-half)").child(room("l")),
        )
            .into_any(),
    };
    html::label()
        .class("theme")
        .child((
            html::input()
                .r#type("radio")
                .attr("name", "theme")
                .prop("checked", move || chosen.get() == theme)
                .on(ev::change, move |_| {
                    chosen.set(theme);
                    theme.choose();
                }),
            svg::svg()
                .attr("viewBox", "0 0 160 100")
                .attr("aria-hidden", "true")
                .child(picture),
            html::span().child(label),
        ))
        .into_any()
}

/// A small picture of a room, in the dark (`d`) or light (`l`) colours.
fn room(tone: &'static str) -> AnyView {
    let rect = move |part: &'static str, x: u8, y: u8, width: u8, height: u8, round: &'static str| {
        svg::rect()
            .attr("class", format!("ta-{tone}{part}"))
            .attr("x", x.to_string())
            .attr("y", y.to_string())
            .attr("width", width.to_string())
            .attr("height", height.to_string())
            .attr("rx", round)
    };
    let circle = move |part: &'static str, y: u8| {
        svg::circle()
            .attr("class", format!("ta-{tone}{part}"))
            .attr("cx", "62")
            .attr("cy", y.to_string())
            .attr("r", "6")
    };
    (
        (rect("g", 0, 0, 160, 100, "0"), rect("s", 48, 6, 108, 88, "6")),
        (
            rect("l", 10, 14, 28, 5, "2.5"),
            rect("a", 10, 27, 22, 5, "2.5"),
            rect("l", 10, 40, 26, 5, "2.5"),
        ),
        (
            circle("a", 28),
            rect("l", 74, 23, 50, 4, "2"),
            rect("l", 74, 31, 68, 4, "2"),
        ),
        (
            circle("l", 52),
            rect("l", 74, 47, 40, 4, "2"),
            rect("l", 74, 55, 58, 4, "2"),
        ),
        rect("l", 56, 76, 92, 11, "4"),
    )
        .into_any()
}
