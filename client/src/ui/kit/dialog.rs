//! The frame of a dialog, on the browser's own `<dialog>`: focus stays inside, the rest is inert, Esc closes
//! unless something was typed.

use std::rc::Rc;

use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::JsCast;

use super::{Icon, button, unique};
use crate::ui::browser;

pub struct Dialog {
    /// The question, or the object.
    pub title: String,
    pub sub: Option<String>,
    pub mark: Option<AnyView>,
    pub wide: bool,
    /// Something was typed that closing would lose: then neither Esc nor a press beside the dialog does anything.
    pub kept: Signal<bool>,
    /// `dialog-body` and `dialog-foot`, or a form that holds them.
    pub content: AnyView,
    pub close: Rc<dyn Fn()>,
}

/// Shows the dialog as soon as it stands in the page, before the next key or press: that is meant for it already.
fn show(node: NodeRef<html::Dialog>) {
    let open = |dialog: &web_sys::HtmlDialogElement| {
        if dialog.is_connected() && !dialog.open() {
            drop(dialog.show_modal());
        }
    };
    Effect::new(move |_| {
        if let Some(dialog) = node.get() {
            open(&dialog);
            // The effect may run before it is in the page.
            if !dialog.open() {
                request_animation_frame(move || open(&dialog));
            }
        }
    });
}

fn is_scrim(event: &web_sys::PointerEvent) -> bool {
    let target = event.target();
    target.is_some_and(|target| target.dyn_ref::<web_sys::HtmlDialogElement>().is_some())
}

/// A dialog without the usual head. A press beside it closes it.
pub fn bare(label: &'static str, class: &'static str, content: AnyView, close: Rc<dyn Fn()>) -> AnyView {
    let node = NodeRef::<html::Dialog>::new();
    show(node);
    let (beside, anyhow) = (close.clone(), close.clone());
    html::dialog()
        .class(class)
        .attr("aria-label", label)
        .node_ref(node)
        // A second Esc or gesture in a row closes it without asking: the page must know.
        .on(ev::Custom::<web_sys::Event>::new("close"), move |_| anyhow())
        .on(ev::Custom::<web_sys::Event>::new("cancel"), move |event| {
            event.prevent_default();
            close();
        })
        .on(ev::pointerdown, move |event| {
            if is_scrim(&event) {
                beside();
            }
        })
        .child(content)
        .into_any()
}

impl Dialog {
    pub fn view(self) -> AnyView {
        let node = NodeRef::<html::Dialog>::new();
        show(node);
        let title_id = unique("dialog");
        let (close, by_key) = (self.close.clone(), self.close.clone());
        let (beside, anyhow) = (self.close.clone(), self.close);
        let kept = self.kept;
        html::dialog()
            .class(if self.wide { "dialog dialog-wide" } else { "dialog" })
            .attr("aria-labelledby", title_id.clone())
            .node_ref(node)
            .on(ev::Custom::<web_sys::Event>::new("cancel"), move |event| {
                event.prevent_default();
                if !kept.get_untracked() {
                    by_key();
                }
            })
            // A browser lets no page hold back the second Esc in a row: so it hears of none.
            .on(ev::keydown, move |event| {
                let stays = kept.get_untracked() || browser::is_composing(&event);
                if event.key() == "Escape" && stays && !browser::is_menu_open() {
                    event.prevent_default();
                }
            })
            // Nor a second gesture for going back: then it is closed, and the page must know.
            .on(ev::Custom::<web_sys::Event>::new("close"), move |_| anyhow())
            .on(ev::pointerdown, move |event| {
                if is_scrim(&event) && !kept.get_untracked() {
                    beside();
                }
            })
            .child((
                html::header().class("dialog-head").child((
                    self.mark,
                    html::div().child((
                        html::h2().class("dialog-title").id(title_id).child(self.title),
                        self.sub.map(|sub| html::p().class("dialog-sub").child(sub)),
                    )),
                    button::icon(Icon::X, "Close", move || close()),
                )),
                self.content,
            ))
            .into_any()
    }
}
