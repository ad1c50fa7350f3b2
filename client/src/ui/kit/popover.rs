//! A small panel on the browser's own popover, tied to the button that opens it. Esc gives focus back to that button.

use std::rc::Rc;

use leptos::prelude::*;
use leptos::{ev, html};

use super::{Icon, unique};

/// A button that opens a panel of that name. `content` is made when it opens, and is given what closes the panel.
pub fn popover(
    class: &'static str,
    icon: AnyView,
    name: &'static str,
    content: impl Fn(Rc<dyn Fn()>) -> AnyView + Send + 'static,
) -> AnyView {
    let id = unique("popover");
    let open = RwSignal::new(false);
    let node = NodeRef::<html::Div>::new();
    let opener = html::button()
        .r#type("button")
        .class(class)
        .attr("popovertarget", id.clone())
        .attr("aria-haspopup", "dialog")
        .attr("aria-expanded", move || if open.get() { "true" } else { "false" })
        .attr("aria-label", name)
        .title(name)
        // Before the panel shows, so that it never shows empty.
        .on(ev::click, move |_| open.set(true))
        .child(icon);
    let close = move || {
        if let Some(panel) = node.get_untracked() {
            drop(panel.hide_popover());
        }
    };
    let panel = html::div()
        .class("menu popover")
        .id(id)
        .attr("popover", "auto")
        .attr("role", "dialog")
        .attr("aria-label", name)
        .node_ref(node)
        .on(ev::toggle, move |_| {
            if let Some(panel) = node.get_untracked() {
                open.set(panel.matches(":popover-open").unwrap_or(false));
            }
        })
        .child(move || open.get().then(|| untrack(|| content(Rc::new(close)))));
    (opener, panel).into_any()
}

/// The same, showing only an icon.
pub fn icon(
    class: &'static str,
    icon: Icon,
    name: &'static str,
    content: impl Fn(Rc<dyn Fn()>) -> AnyView + Send + 'static,
) -> AnyView {
    popover(class, icon.m(), name, content)
}
