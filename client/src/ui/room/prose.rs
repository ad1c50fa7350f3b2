//! The text of a message as elements, from its tree ([`crate::ui::markdown`]).

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::{ev, html};

use crate::ui::calls::{Names, mark};
use crate::ui::kit::Icon;
use crate::ui::markdown::{Block, Inline, parse};
use crate::ui::{browser, code};

/// Lines that stand before the rest is folded away.
const LINES: usize = 40;
/// About so many letters make a line.
const LETTERS: usize = 90;

/// Whether a text takes more room than one wants to scroll past.
pub fn is_long(text: &str) -> bool {
    // Counted no further than needed; bytes stand for letters, which is near enough.
    text.len() > LINES && text.split('\n').map(|line| 1 + line.len() / LETTERS).sum::<usize>() > LINES
}

/// With what it names drawn as such.
pub fn draw(text: &str, names: &Names) -> AnyView {
    let mut blocks = mark(parse(text), names);
    // One run of prose needs no element of its own.
    if let [Block::Prose(parts)] = blocks.as_mut_slice() {
        return inlines(std::mem::take(parts));
    }
    blocks_of(blocks)
}

fn blocks_of(blocks: Vec<Block>) -> AnyView {
    blocks.into_iter().map(block).collect_view().into_any()
}

fn block(block: Block) -> AnyView {
    match block {
        Block::Prose(parts) => html::p().attr("dir", "auto").child(inlines(parts)).into_any(),
        Block::Code { lang, text } => {
            let copy = copy_of(text.clone());
            let text = code::coloured(&lang, text);
            html::div()
                .class("code")
                .attr("dir", "ltr")
                .child((
                    html::div().class("code-head").child((html::bdi().child(lang), copy)),
                    html::pre()
                        .tabindex("0")
                        .attr("aria-label", "Code")
                        .attr("role", "group")
                        .child(html::code().child(text)),
                ))
                .into_any()
        }
        Block::Quote(blocks) => html::blockquote()
            .attr("dir", "auto")
            .child(blocks_of(blocks))
            .into_any(),
        Block::List { start, items } => {
            let items = items.into_iter().map(item).collect_view();
            match start {
                None => html::ul().class("said-list").child(items).into_any(),
                Some(start) => html::ol()
                    .class("said-list")
                    .attr("start", (start != 1).then(|| start.to_string()))
                    .child(items)
                    .into_any(),
            }
        }
    }
}

/// The button that copies code, and says so until one goes on.
fn copy_of(text: String) -> AnyView {
    let copied = RwSignal::new(false);
    let label = move || if copied.get() { "Copied" } else { "Copy code" };
    html::button()
        .r#type("button")
        .class("button button-quiet button-icon button-s")
        .attr("aria-label", label)
        .attr("title", label)
        .on(ev::click, move |_| {
            let text = text.clone();
            spawn_local(async move {
                let worked = browser::copy(text).await;
                copied.try_set(worked);
            });
        })
        .on(ev::blur, move |_| copied.set(false))
        .on(ev::mouseleave, move |_| copied.set(false))
        .child(move || if copied.get() { Icon::Check } else { Icon::Copy }.view())
        .into_any()
}

fn item(mut blocks: Vec<Block>) -> AnyView {
    let content = if let [Block::Prose(parts)] = blocks.as_mut_slice() {
        inlines(std::mem::take(parts))
    } else {
        blocks_of(blocks)
    };
    html::li().attr("dir", "auto").child(content).into_any()
}

fn inlines(parts: Vec<Inline>) -> AnyView {
    let mut parts = parts;
    // By far the most messages.
    if let [Inline::Text(text)] = parts.as_mut_slice() {
        return std::mem::take(text).into_any();
    }
    parts.into_iter().map(inline).collect_view().into_any()
}

fn inline(part: Inline) -> AnyView {
    match part {
        Inline::Text(text) => text.into_any(),
        Inline::Code(text) => html::code().child(text).into_any(),
        Inline::Strong(parts) => html::strong().child(inlines(parts)).into_any(),
        Inline::Soft(parts) => html::em().child(inlines(parts)).into_any(),
        Inline::Struck(parts) => html::s().child(inlines(parts)).into_any(),
        Inline::Call { text, me } => html::span()
            .class(if me { "mention mention-you" } else { "mention" })
            .child(text)
            .into_any(),
        Inline::Channel { text, path } => html::a().class("mention").href(path).child(text).into_any(),
        Inline::Spoiler(parts) => spoiler(parts),
        Inline::Link { href, text, host } => (
            html::a()
                .href(href)
                .target("_blank")
                .rel("noopener noreferrer")
                .child(html::bdi().child(inlines(text))),
            host.map(|host| {
                html::span()
                    .class("link-host")
                    .child((" (", html::bdi().child(host), ")"))
            }),
        )
            .into_any(),
    }
}

/// Covered until it is pressed: for the eye, for the keyboard, and for whoever has it read out.
fn spoiler(parts: Vec<Inline>) -> AnyView {
    let open = RwSignal::new(false);
    let show = move |event: &web_sys::Event| {
        if !open.get_untracked() {
            event.prevent_default();
            event.stop_propagation();
            open.set(true);
        }
    };
    html::span()
        .class("spoiler")
        .attr("role", move || (!open.get()).then_some("button"))
        .attr("aria-label", move || {
            (!open.get()).then_some("Hidden text: press to show")
        })
        .attr("data-shown", move || open.get().then_some(""))
        .tabindex(move || if open.get() { "-1" } else { "0" })
        .on(ev::click, move |event| show(&event))
        .on(ev::keydown, move |event| {
            if matches!(event.key().as_str(), "Enter" | " ") {
                show(&event);
            }
        })
        .child(
            html::span()
                .attr("aria-hidden", move || (!open.get()).then_some("true"))
                .attr("inert", move || (!open.get()).then_some(""))
                .child(inlines(parts)),
        )
        .into_any()
}
