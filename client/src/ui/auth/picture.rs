//! The picture: one conversation, cut along a line. Above it what the server holds, below it what people read.

use leptos::prelude::*;
use leptos::{html, svg};

use crate::ui::kit::mark::{Shape, Size, hue, mark};

struct Line {
    time: &'static str,
    name: &'static str,
    text: &'static str,
    mark: [u8; 5],
    /// Widths of the sealed pieces.
    sealed: [u16; 9],
}

const LINES: [Line; 3] = [
    Line {
        time: "11:26",
        name: "Mara Lindqvist",
        text: "Repair night is on. Who has the pressure gauge?",
        mark: [0, 0, 0, 1, 1],
        sealed: [28, 10, 12, 35, 34, 32, 13, 18, 8],
    },
    Line {
        time: "11:31",
        name: "Tomás Rey",
        text: "Noor does. I can fetch it on the way.",
        mark: [7, 1, 3, 0, 0],
        sealed: [13, 11, 16, 18, 26, 21, 38, 15, 32],
    },
    Line {
        time: "11:32",
        name: "Noor Haddad",
        text: "Blue case, second shelf.",
        mark: [6, 2, 0, 0, 0],
        sealed: [25, 8, 19, 38, 39, 32, 22, 12, 0],
    },
];

pub fn cut() -> AnyView {
    html::figure()
        .class("cut")
        .attr(
            "aria-label",
            "The same three messages, as the server holds them and as you read them",
        )
        .child((
            html::div().class("cut-over").child((
                html::ul()
                    .class("cut-rows")
                    .child(LINES.iter().map(sealed).collect_view()),
                html::p().class("cut-label").child("What the server holds"),
            )),
            html::div().class("cut-under").child((
                html::p().class("cut-label").child("What you and your people read"),
                html::ul()
                    .class("cut-msgs")
                    .child(LINES.iter().map(open).collect_view()),
            )),
        ))
        .into_any()
}

fn sealed(line: &'static Line) -> AnyView {
    let mut x = 0;
    let pieces: Vec<_> = line
        .sealed
        .iter()
        .map(|width| {
            let piece = svg::rect()
                .attr("x", x.to_string())
                .attr("y", "0")
                .attr("width", width.to_string())
                .attr("height", "10")
                .attr("rx", "3");
            x += width + 5;
            piece
        })
        .collect();
    html::li()
        .class("cut-row")
        .child((
            html::span().child(line.time),
            svg::svg()
                .attr("viewBox", "0 0 230 10")
                .attr("preserveAspectRatio", "none")
                .attr("aria-hidden", "true")
                .child(pieces),
            html::span().child("512 bytes"),
        ))
        .into_any()
}

fn open(line: &'static Line) -> AnyView {
    html::li()
        .class("cut-msg")
        .child((
            mark(line.mark, Shape::Person, Size::S32),
            html::p().child((
                html::b().attr("data-hue", hue(line.mark)).child(line.name),
                html::time().child(line.time),
            )),
            html::p().child(line.text),
        ))
        .into_any()
}
