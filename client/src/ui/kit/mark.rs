//! Marks: the picture made from a key, or a room's id. It helps to recognise; it proves nothing, the safety number does.
//!
//! The five bytes choose hue, second hue, form, turn and variant; the table is in the design book, "Marks".

use leptos::prelude::*;
use leptos::{html, svg};

/// What the picture stands for: a person is a disc, a group a rounded square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Person,
    Group,
}

/// Sizes the style sheet knows, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    S20,
    S24,
    S28,
    S32,
    S36,
    S40,
    S72,
}

/// The hue of a mark, for the colour of a name.
pub const fn hue(bytes: [u8; 5]) -> &'static str {
    const HUES: [&str; 12] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];
    HUES[(bytes[0] % 12) as usize]
}

pub fn mark(bytes: [u8; 5], shape: Shape, size: Size) -> AnyView {
    mark_under(bytes, shape, size, ().into_any())
}

/// With something before it, where there is something: it has the mark's shape.
pub fn mark_under(bytes: [u8; 5], shape: Shape, size: Size, over: AnyView) -> AnyView {
    let second = ["0", "1", "2", "3"][usize::from(bytes[1] % 4)];
    let turn = u32::from(bytes[3] % 8) * 45;
    let variant = usize::from(bytes[4] % 3);
    let ground = match shape {
        Shape::Person => svg::circle().attr("class", "mark-g").attr("r", "12").into_any(),
        Shape::Group => svg::rect()
            .attr("class", "mark-g")
            .attr("x", "-12")
            .attr("y", "-12")
            .attr("width", "24")
            .attr("height", "24")
            .into_any(),
    };
    html::span()
        .class(class(shape, size))
        .attr("data-hue", hue(bytes))
        .attr("data-turn", second)
        .attr("aria-hidden", "true")
        .child((
            svg::svg().attr("viewBox", "-12 -12 24 24").child((
                ground,
                svg::g()
                    .attr("transform", format!("rotate({turn})"))
                    .child(form(bytes[2] % 8, variant)),
            )),
            over,
        ))
        .into_any()
}

const fn class(shape: Shape, size: Size) -> &'static str {
    match (shape, size) {
        (Shape::Person, Size::S20) => "mark mark-20",
        (Shape::Person, Size::S24) => "mark mark-24",
        (Shape::Person, Size::S28) => "mark mark-28",
        (Shape::Person, Size::S32) => "mark mark-32",
        (Shape::Person, Size::S36) => "mark mark-36",
        (Shape::Person, Size::S40) => "mark mark-40",
        (Shape::Person, Size::S72) => "mark mark-72",
        (Shape::Group, Size::S20) => "mark mark-space mark-20",
        (Shape::Group, Size::S24) => "mark mark-space mark-24",
        (Shape::Group, Size::S28) => "mark mark-space mark-28",
        (Shape::Group, Size::S32) => "mark mark-space mark-32",
        (Shape::Group, Size::S36) => "mark mark-space mark-36",
        (Shape::Group, Size::S40) => "mark mark-space mark-40",
        (Shape::Group, Size::S72) => "mark mark-space mark-72",
    }
}

/// The figure at turn 0, in a box of −12…12. `a` is the first colour, `b` the second, `g` the ground.
fn form(number: u8, variant: usize) -> AnyView {
    match number {
        0 => {
            let s = [1.25, 2.0, 3.0][variant];
            (
                half("mark-b", -s, -0.35, 7.25, true),
                half("mark-a", s, 0.35, 7.25, false),
            )
                .into_any()
        }
        1 => {
            let d = [3.0, 3.6, 4.2][variant];
            (
                disc("mark-a", 0.0, 0.0, 7.6),
                disc("mark-g", d, 0.0, 6.1),
                disc("mark-b", d + 0.6, 0.0, 2.6),
            )
                .into_any()
        }
        2 => {
            let dot = match variant {
                0 => None,
                1 => Some(disc("mark-b", 4.4, 4.4, 2.2)),
                _ => Some(disc("mark-a", -4.4, -4.4, 2.2)),
            };
            (
                path("mark-a", "M.3 -.3V-8.6A8.3 8.3 0 0 1 8.6 -.3Z".into()),
                path("mark-b", "M-.3 .3V8.6A8.3 8.3 0 0 1 -8.6 .3Z".into()),
                dot,
            )
                .into_any()
        }
        3 => {
            let width = ["1.9", "2.2", "1.6"][variant];
            let arc = |class, r: f32| {
                svg::path()
                    .attr("class", class)
                    .attr("stroke-width", width)
                    .attr("d", format!("M{} 0a{r} {r} 0 0 1 {} 0", -r, 2.0 * r))
            };
            svg::g()
                .attr("transform", "translate(0 4)")
                .child((
                    half("mark-a", 0.0, 0.0, 3.0, true),
                    arc("mark-sb", 5.6),
                    arc("mark-sa", 8.9),
                ))
                .into_any()
        }
        4 => {
            let d: f32 = [3.1, 3.7, 2.6][variant];
            let h = (5.7_f32 * 5.7 - d * d).sqrt();
            (
                disc("mark-b", -d, 0.0, 5.7),
                disc("mark-a", d, 0.0, 5.7),
                path(
                    "mark-g",
                    format!("M0 {}A5.7 5.7 0 0 1 0 {h}A5.7 5.7 0 0 1 0 {}Z", -h, -h),
                ),
            )
                .into_any()
        }
        5 => {
            let bar = |class, y: f32, width: f32| {
                let x = [-7.0, -width / 2.0, 7.0 - width][variant];
                svg::rect()
                    .attr("class", class)
                    .attr("x", x.to_string())
                    .attr("y", y.to_string())
                    .attr("width", width.to_string())
                    .attr("height", "3.3")
                    .attr("rx", "1.65")
            };
            (
                bar("mark-a", -6.1, 14.0),
                bar("mark-b", -1.65, 9.5),
                bar("mark-a", 2.8, 5.0),
            )
                .into_any()
        }
        6 => {
            let x = [-3.4, 0.0, 3.4][variant];
            (half("mark-a", 0.0, -0.8, 7.6, true), disc("mark-b", x, 4.0, 3.6)).into_any()
        }
        _ => {
            let x = [0.0, 1.6, 2.6][variant];
            (
                svg::circle()
                    .attr("class", "mark-sa")
                    .attr("r", "6.6")
                    .attr("stroke-width", "2.4"),
                disc("mark-b", x, 0.0, 2.7),
            )
                .into_any()
        }
    }
}

fn disc(class: &'static str, x: f32, y: f32, r: f32) -> AnyView {
    svg::circle()
        .attr("class", class)
        .attr("cx", x.to_string())
        .attr("cy", y.to_string())
        .attr("r", r.to_string())
        .into_any()
}

fn path(class: &'static str, d: String) -> AnyView {
    svg::path().attr("class", class).attr("d", d).into_any()
}

/// Half a disc around (x, y), above or below the line through it.
fn half(class: &'static str, x: f32, y: f32, r: f32, above: bool) -> AnyView {
    let sweep = u8::from(above);
    path(class, format!("M{} {y}a{r} {r} 0 0 {sweep} {} 0z", x - r, 2.0 * r))
}
