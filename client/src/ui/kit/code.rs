//! A code to scan: one path for all dark squares, with the quiet zone around it as padding.

use leptos::prelude::*;
use leptos::svg;

pub fn code(rows: &[Vec<bool>], name: &'static str) -> AnyView {
    let mut outline = String::new();
    for (y, row) in rows.iter().enumerate() {
        for (x, _) in row.iter().enumerate().filter(|(_, dark)| **dark) {
            outline.push_str(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    let side = rows.len();
    svg::svg()
        .attr("class", "qr")
        .attr("viewBox", format!("0 0 {side} {side}"))
        .attr("shape-rendering", "crispEdges")
        .attr("role", "img")
        .attr("aria-label", name)
        .child(svg::path().attr("d", outline))
        .into_any()
}
