//! The name: a disc cut along a line, the lower half slipped aside.

use leptos::prelude::*;
use leptos::svg;

/// The figure alone.
pub fn figure(class: &'static str) -> AnyView {
    svg::svg()
        .attr("class", class)
        .attr("viewBox", "0 0 24 24")
        .attr("aria-hidden", "true")
        .child((
            svg::path()
                .attr("class", "logo-over")
                .attr("d", "M1 11.6A8.5 8.5 0 0 1 18 11.6Z"),
            svg::path()
                .attr("class", "logo-under")
                .attr("d", "M6 12.4A8.5 8.5 0 0 0 23 12.4Z"),
        ))
        .into_any()
}

/// The word.
pub fn word() -> AnyView {
    svg::svg()
        .attr("class", "logo-word")
        .attr("viewBox", "0 0 61 22")
        .attr("aria-hidden", "true")
        .child(
            svg::g().attr("fill", "none").attr("stroke", "currentColor").attr("stroke-width", "2.7").child((
                svg::path().attr(
                    "d",
                    "M9.5 9.9C8.9 8.6 7.7 7.9 6 7.9 3.9 7.9 2.5 9 2.5 10.6c0 3.5 7.4 1.8 7.4 5.3 0 1.7-1.5 2.7-3.8 2.7-2 0-3.5-.8-4.2-2.3",
                ),
                svg::circle().attr("cx", "19.1").attr("cy", "13.25").attr("r", "5.35"),
                svg::path().attr("d", "M31.4 3.9v11.3c0 2.3 1.1 3.4 3.2 3.4.5 0 .9-.05 1.2-.15M28.2 8.3h7.3"),
                svg::path().attr("d", "M41.6 3.9v11.3c0 2.3 1.1 3.4 3.2 3.4.5 0 .9-.05 1.2-.15M38.4 8.3h7.3"),
                svg::circle().attr("cx", "54.1").attr("cy", "13.25").attr("r", "5.35"),
            )),
        )
        .into_any()
}
