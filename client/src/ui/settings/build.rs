//! Which code this page is: its build, its files, and how to compare them with what was published.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leptos::html;
use leptos::prelude::*;

use crate::ui::browser::{self, Built};
use crate::ui::kit::Icon;
use crate::ui::screen::use_toasts;

/// Letters of a fingerprint that are shown; all of it is copied.
const SHORT: usize = 12;

pub fn section() -> AnyView {
    let Some(built) = Built::this_page() else {
        return ().into_any();
    };
    let files: Vec<(String, String)> = built
        .files
        .iter()
        .filter_map(|(path, integrity)| Some((path.trim_start_matches('/').to_owned(), hex(integrity)?)))
        .collect();
    let count = files.len();
    let origin = window().location().origin().unwrap_or_default();
    html::section()
        .class("settings-group")
        .attr("aria-labelledby", "build-title")
        .child((
            html::h2().id("build-title").child("The code of this page"),
            html::p().class("settings-sub").child(
                "The server also sends the page itself, so one that turned against you could send another. Your browser runs only files whose fingerprints the first file names. What that first file is, you can compare with what was published.",
            ),
            html::div().class("settings-list").child((
                html::ul().class("rows").child(fact("Build", &built.build, built.build.clone())),
                html::details().class("held").child((
                    html::summary().child((
                        html::span().class("held-name").child("Files and their fingerprints"),
                        html::span().class("muted numeric").child(count),
                    )),
                    html::ul()
                        .class("rows held-files")
                        .attr("aria-label", "Files of this page")
                        .child(files.into_iter().map(|(name, hash)| fact(&name, hash.get(..SHORT).unwrap_or(&hash), hash.clone())).collect_view()),
                )),
                html::details().class("held").child((
                    html::summary().child(html::span().class("held-name").child("How to compare")),
                    html::ol().class("held-how").child((
                        html::li().child(("Get the list of files of build ", html::code().child(built.build.clone()), " from a place this server does not control: where the source is published, or from somebody who built it. Whoever has the source makes it with ", html::code().child("./dev manifest"), ".")),
                        html::li().child(("On any computer, run ", html::code().child(format!("curl -s {origin}/ | sha256sum")), ". It must print what the list has for ", html::code().child("index.html"), ".")),
                        html::li().child(("With the source at hand, ", html::code().child(format!("./dev manifest {origin}")), " compares every file.")),
                    )),
                )),
            )),
        ))
        .into_any()
}

/// A name, what is shown of it, and a button that copies all of it.
fn fact(name: &str, short: &str, full: String) -> AnyView {
    let toasts = use_toasts();
    let label = format!("Copy {name}");
    let copy = move || {
        let full = full.clone();
        leptos::task::spawn_local(async move {
            if browser::copy(full).await {
                toasts.ok("Copied");
            } else {
                toasts.danger("The browser did not let the text be copied.");
            }
        });
    };
    html::li()
        .child((
            html::div().class("row-text").child((
                html::p().class("row-title").child(name.to_owned()),
                html::p().class("row-sub").child(html::code().child(short.to_owned())),
            )),
            html::button()
                .r#type("button")
                .class("button button-quiet button-icon button-s")
                .attr("aria-label", label.clone())
                .title(label)
                .on(leptos::ev::click, move |_| copy())
                .child(Icon::Copy.m()),
        ))
        .into_any()
}

/// `sha256-` and base64, as `sha256sum` writes it.
fn hex(integrity: &str) -> Option<String> {
    let bytes = STANDARD.decode(integrity.strip_prefix("sha256-")?).ok()?;
    Some(super::rows::hex(&bytes))
}
