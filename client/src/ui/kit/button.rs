//! Buttons. Label = verb + thing; a button that shows only an icon carries a name and shows it as a tooltip.

use leptos::prelude::*;
use leptos::{ev, html};

use super::Icon;

/// A button of the given classes that does something at once.
pub fn button(class: &'static str, label: impl IntoView + 'static, act: impl Fn() + 'static) -> AnyView {
    html::button()
        .r#type("button")
        .class(class)
        .on(ev::click, move |_| act())
        .child(label.into_view())
        .into_any()
}

/// A quiet button of the size of a bar's row, showing only an icon.
pub fn icon(icon: Icon, name: &'static str, act: impl Fn() + 'static) -> AnyView {
    icon_of("button button-quiet button-icon", icon, name, act)
}

pub fn icon_of(class: &'static str, icon: Icon, name: &'static str, act: impl Fn() + 'static) -> AnyView {
    html::button()
        .r#type("button")
        .class(class)
        .attr("aria-label", name)
        .title(name)
        .on(ev::click, move |_| act())
        .child(icon.m())
        .into_any()
}

/// The button that sends a form. While busy it keeps its size, turns a wheel and takes no second press.
pub fn submit(
    class: &'static str,
    label: impl IntoView + 'static,
    busy: Signal<bool>,
    enabled: Signal<bool>,
) -> AnyView {
    html::button()
        .r#type("submit")
        .class(class)
        .attr("aria-busy", move || busy.get().then_some("true"))
        .prop("disabled", move || busy.get() || !enabled.get())
        .child((
            move || {
                busy.get()
                    .then(|| html::span().class("spinner").attr("aria-hidden", "true"))
            },
            label.into_view(),
        ))
        .into_any()
}
