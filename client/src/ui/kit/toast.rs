//! Toasts: what just happened. Five seconds, or until pointer or focus leaves. Never the only place of an error that needs a decision.

use leptos::prelude::*;
use leptos::{ev, html};
use std::sync::Arc;
use std::time::Duration;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use super::{Icon, button};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Ok,
    Danger,
}

#[derive(Clone)]
struct Toast {
    number: u32,
    tone: Tone,
    text: String,
    /// What can still be done about it.
    act: Option<Offer>,
}

type Offer = (&'static str, Arc<dyn Fn() + Send + Sync>);

/// Where toasts are given in. Copied around through the context.
#[derive(Clone, Copy)]
pub struct Toasts {
    list: RwSignal<Vec<Toast>>,
    next: StoredValue<u32>,
}

impl Default for Toasts {
    fn default() -> Self {
        Self {
            list: RwSignal::new(Vec::new()),
            next: StoredValue::new(0),
        }
    }
}

impl Toasts {
    pub fn say(self, tone: Tone, text: impl Into<String>) {
        self.put(tone, text.into(), None);
    }

    /// With one thing that can still be done about it, by name.
    pub fn offer(self, text: impl Into<String>, label: &'static str, act: impl Fn() + Send + Sync + 'static) {
        self.put(Tone::Ok, text.into(), Some((label, Arc::new(act))));
    }

    fn put(self, tone: Tone, text: String, act: Option<Offer>) {
        let number = self.next.get_value();
        self.next.set_value(number + 1);
        self.list.update(|list| {
            // The same words once: a storm of one problem is one toast.
            list.retain(|toast| toast.text != text);
            list.push(Toast {
                number,
                tone,
                text,
                act,
            });
            if list.len() > 3 {
                list.remove(0);
            }
        });
        self.end_later(number);
    }

    pub fn ok(self, text: impl Into<String>) {
        self.say(Tone::Ok, text);
    }

    pub fn danger(self, text: impl Into<String>) {
        self.say(Tone::Danger, text);
    }

    fn end(self, number: u32) {
        self.list.update(|list| list.retain(|toast| toast.number != number));
    }

    fn end_later(self, number: u32) {
        set_timeout(
            move || {
                let held = document()
                    .query_selector(&format!("[data-toast='{number}']:is(:hover, :focus-within)"))
                    .is_ok_and(|found| found.is_some());
                if held { self.end_later(number) } else { self.end(number) }
            },
            Duration::from_secs(5),
        );
    }

    /// The corner where they stand.
    pub fn view(self) -> AnyView {
        let node = NodeRef::<html::Div>::new();
        Effect::new(move |_| {
            self.list.track();
            if let Some(corner) = node.get() {
                self.lift(&corner);
            }
        });
        // A dialog that opens lies above all that stood there before it.
        let opened = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
            let target = event.target();
            if target.is_some_and(|target| target.is_instance_of::<web_sys::HtmlDialogElement>())
                && let Some(corner) = node.try_get_untracked().flatten()
            {
                self.lift(&corner);
            }
        });
        // It does not bubble.
        drop(document().add_event_listener_with_callback_and_bool("toggle", opened.as_ref().unchecked_ref(), true));
        opened.forget();
        html::div()
            .class("toasts")
            .node_ref(node)
            .attr("popover", "manual")
            .attr("role", "status")
            .attr("aria-live", "polite")
            .child(move || self.list.get().into_iter().map(|toast| self.one(toast)).collect_view())
            .into_any()
    }

    /// Over the dialog that stands there now. Elsewhere nothing is moved about: who listens to the page might miss what comes.
    fn lift(self, corner: &web_sys::HtmlElement) {
        drop(corner.hide_popover());
        let over_dialog = document()
            .query_selector("dialog:modal")
            .is_ok_and(|found| found.is_some());
        if over_dialog && self.list.with_untracked(|list| !list.is_empty()) {
            drop(corner.show_popover());
        }
    }

    fn one(self, toast: Toast) -> AnyView {
        let (class, icon) = match toast.tone {
            Tone::Plain => ("toast", Icon::Info),
            Tone::Ok => ("toast toast-ok", Icon::CircleCheck),
            Tone::Danger => ("toast toast-danger", Icon::CircleAlert),
        };
        let number = toast.number;
        html::div()
            .class(class)
            .attr("data-toast", number.to_string())
            .on(ev::keydown, move |event| {
                if event.key() == "Escape" {
                    self.end(number);
                }
            })
            .child((
                icon.view(),
                html::span().class("toast-text").child(toast.text),
                toast.act.map(|(label, act)| {
                    button::button("button button-s", label, move || {
                        act();
                        self.end(number);
                    })
                }),
                button::icon_of(
                    "button button-quiet button-icon button-s",
                    Icon::X,
                    "Close",
                    move || self.end(number),
                ),
            ))
            .into_any()
    }
}
