//! Fields: label above, hint below; an error replaces the hint and names the fix.

use leptos::prelude::*;
use leptos::{ev, html};

use super::{Icon, unique};

/// How the browser should treat what is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A handle: the password manager's user name, or nobody's.
    Handle,
    Name,
    /// An address that is pasted.
    Link,
    /// A part of something on paper: nothing to be kept or corrected.
    Code,
}

/// One line of text.
pub struct Field {
    pub label: String,
    pub hint: Option<&'static str>,
    pub kind: Kind,
    pub value: RwSignal<String>,
    pub error: Signal<Option<String>>,
    /// Stands behind what is typed.
    pub suffix: Signal<String>,
    /// Takes the keyboard when it appears.
    pub focus: bool,
}

impl Field {
    pub fn view(self) -> AnyView {
        let id = unique("field");
        let (hint_id, error) = (format!("{id}-hint"), self.error);
        let node = NodeRef::<html::Input>::new();
        let value = self.value;
        let autocomplete = match self.kind {
            Kind::Handle => "username",
            Kind::Name | Kind::Link | Kind::Code => "off",
        };
        if self.focus {
            focus_when_shown(node);
        }
        let suffix = self.suffix;
        let input = html::input()
            .class(if self.kind == Kind::Code {
                "input input-code"
            } else {
                "input"
            })
            .id(id.clone())
            .r#type("text")
            .attr("autocomplete", autocomplete)
            .attr(
                "autocapitalize",
                match self.kind {
                    Kind::Handle | Kind::Link => "none",
                    Kind::Name => "sentences",
                    Kind::Code => "characters",
                },
            )
            .attr("spellcheck", "false")
            .attr("aria-describedby", hint_id.clone())
            .attr("aria-invalid", move || error.with(Option::is_some).then_some("true"))
            // A dialog gives the keyboard to what has this, whenever it opens.
            .autofocus(self.focus)
            .node_ref(node)
            .prop("value", move || value.get())
            .on(ev::input, move |event| value.set(event_target_value(&event)));
        html::div()
            .class("field")
            .child((
                html::label().class("field-label").r#for(id).child(self.label),
                html::div().class("input-group").child((input, move || {
                    let suffix = suffix.get();
                    (!suffix.is_empty()).then(|| html::span().class("input-suffix").child(suffix))
                })),
                below(hint_id, self.hint, error),
            ))
            .into_any()
    }
}

/// The line under a field: the hint, or the error in its place, which is spoken when it appears.
pub fn below(id: String, hint: Option<&'static str>, error: Signal<Option<String>>) -> AnyView {
    html::div()
        .class("field-below")
        .id(id)
        .attr("aria-live", "polite")
        .child(move || match (error.get(), hint) {
            (Some(error), _) => Some(
                html::p()
                    .class("field-error")
                    .child((Icon::CircleAlert.s(), html::span().child(error)))
                    .into_any(),
            ),
            (None, Some(hint)) => Some(html::p().class("field-hint").child(hint).into_any()),
            (None, None) => None,
        })
        .into_any()
}

/// Gives the keyboard to an input as soon as it stands in the page.
pub fn focus_when_shown(node: NodeRef<html::Input>) {
    Effect::new(move |_| {
        if let Some(input) = node.get() {
            request_animation_frame(move || drop(input.focus()));
        }
    });
}

/// A password with a button that shows it.
pub struct Password {
    pub label: AnyView,
    pub value: RwSignal<String>,
    /// `current-password` or `new-password`.
    pub autocomplete: &'static str,
    pub error: Signal<Option<String>>,
    pub id: String,
    /// A dialog gives the keyboard to it when it opens.
    pub focus: bool,
}

impl Password {
    pub fn view(self) -> AnyView {
        let shown = RwSignal::new(false);
        let (value, error, hint_id) = (self.value, self.error, format!("{}-hint", self.id));
        let input = html::input()
            .class("input")
            .id(self.id)
            .attr("type", move || if shown.get() { "text" } else { "password" })
            .attr("autocomplete", self.autocomplete)
            .autofocus(self.focus)
            .attr("autocapitalize", "none")
            .attr("spellcheck", "false")
            .attr("aria-describedby", hint_id.clone())
            .attr("aria-invalid", move || error.with(Option::is_some).then_some("true"))
            .prop("value", move || value.get())
            .on(ev::input, move |event| value.set(event_target_value(&event)));
        let toggle = html::button()
            .r#type("button")
            .class("button button-quiet button-icon button-s")
            .attr("aria-label", "Show the password")
            .attr("aria-pressed", move || if shown.get() { "true" } else { "false" })
            .title("Show the password")
            .on(ev::click, move |_| shown.update(|shown| *shown = !*shown))
            .child(move || if shown.get() { Icon::EyeOff.m() } else { Icon::Eye.m() });
        html::div()
            .class("field")
            .child((
                self.label,
                html::div().class("input-group").child((input, toggle)),
                below(hint_id, None, error),
            ))
            .into_any()
    }
}

/// A box to tick, with words under it that say what it means.
pub fn check(label: &'static str, hint: &'static str, value: RwSignal<bool>) -> AnyView {
    let hint_id = unique("check");
    html::label()
        .class("check")
        .child((
            html::input()
                .r#type("checkbox")
                .attr("aria-describedby", hint_id.clone())
                .prop("checked", move || value.get())
                .on(ev::change, move |event| value.set(event_target_checked(&event))),
            html::span().child(label),
            html::span().class("check-hint").id(hint_id).child(hint),
        ))
        .into_any()
}

/// Four bars.
pub fn strength(score: u8, words: &'static str) -> AnyView {
    let class = match score {
        0 | 1 => "strength strength-1",
        2 => "strength strength-2",
        3 => "strength strength-3",
        _ => "strength strength-4",
    };
    html::div()
        .class(class)
        .attr("role", "img")
        .attr("aria-label", words)
        .child((html::i(), html::i(), html::i(), html::i()))
        .into_any()
}

/// One of a few, on the browser's own list. What is chosen is the number beside the words.
pub fn choice(label: &'static str, of: Vec<(u64, String)>, value: RwSignal<u64>) -> AnyView {
    let id = unique("choice");
    let options = of
        .into_iter()
        .map(|(number, words)| {
            html::option()
                .value(number.to_string())
                .prop("selected", move || value.get() == number)
                .child(words)
        })
        .collect_view();
    html::div()
        .class("field")
        .child((
            html::label().class("field-label").r#for(id.clone()).child(label),
            html::select()
                .class("input select")
                .id(id)
                .on(ev::change, move |event| {
                    if let Ok(number) = event_target_value(&event).parse() {
                        value.set(number);
                    }
                })
                .child(options),
        ))
        .into_any()
}
