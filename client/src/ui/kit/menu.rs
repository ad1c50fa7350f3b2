//! A menu on the browser's own popover: arrow keys, letters to find, Esc gives focus back to the opener.

use std::rc::Rc;

use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::{Icon, unique};

#[derive(Clone)]
pub struct Entry {
    pub icon: Icon,
    pub label: &'static str,
    /// Stands last, behind a line, in red.
    pub danger: bool,
    pub act: Rc<dyn Fn()>,
}

impl Entry {
    pub fn new(icon: Icon, label: &'static str, act: impl Fn() + 'static) -> Self {
        Self {
            icon,
            label,
            danger: false,
            act: Rc::new(act),
        }
    }

    pub fn danger(icon: Icon, label: &'static str, act: impl Fn() + 'static) -> Self {
        Self {
            danger: true,
            ..Self::new(icon, label, act)
        }
    }
}

/// What a button that opens a menu shows.
pub enum Face {
    /// A picture, which needs a name.
    Icon(Icon),
    /// Something that holds words, which are its name.
    Words(AnyView),
}

/// In a list whose rows have menus, whether one of them is open: then the rows stay where they are.
#[derive(Clone, Copy)]
pub struct AnyOpen(pub RwSignal<bool>);

/// A button that opens a menu of that name. `entries` are made when it opens.
pub fn menu(
    class: &'static str,
    face: Face,
    name: String,
    entries: impl Fn() -> Vec<Entry> + Send + 'static,
) -> AnyView {
    let (face, label) = match face {
        Face::Icon(icon) => (icon.m(), Some(name.clone())),
        Face::Words(face) => (face, None),
    };
    let id = unique("menu");
    let open = RwSignal::new(false);
    let any_open = use_context::<AnyOpen>();
    let node = NodeRef::<html::Div>::new();
    let opener = html::button()
        .r#type("button")
        .class(class)
        .attr("popovertarget", id.clone())
        .attr("aria-haspopup", "menu")
        .attr("aria-expanded", move || if open.get() { "true" } else { "false" })
        .attr("aria-label", label.clone())
        .attr("title", label)
        // Before the popover shows, so that it never shows empty.
        .on(ev::click, move |_| {
            open.set(true);
            if let Some(AnyOpen(any)) = any_open {
                let _ = any.try_set(true);
            }
        })
        .child(face);
    let list = html::div()
        .class("menu")
        .id(id)
        .attr("popover", "auto")
        .attr("role", "menu")
        .attr("aria-label", name)
        .node_ref(node)
        .on(ev::toggle, move |_| {
            let Some(menu) = node.get_untracked() else { return };
            let is_open = menu.matches(":popover-open").unwrap_or(false);
            open.set(is_open);
            if let Some(AnyOpen(any)) = any_open {
                let _ = any.try_set(is_open);
            }
            if is_open {
                request_animation_frame(move || focus_item(&menu, 0));
            }
        })
        .on(ev::keydown, move |event| {
            if let Some(menu) = node.get_untracked() {
                keys(&menu, &event);
            }
        })
        .child(move || {
            // What the entries were made from may change while the menu is open; it stays as it was opened.
            open.get().then(|| {
                untrack(&entries)
                    .into_iter()
                    .map(|entry| item(entry, node))
                    .collect_view()
            })
        });
    (opener, list).into_any()
}

fn item(entry: Entry, node: NodeRef<html::Div>) -> AnyView {
    let act = entry.act;
    (
        entry.danger.then(|| html::hr().class("menu-line")),
        html::button()
            .r#type("button")
            .class(if entry.danger {
                "menu-item menu-item-danger"
            } else {
                "menu-item"
            })
            .attr("role", "menuitem")
            .tabindex("-1")
            .on(ev::click, move |_| {
                // Closed first: then what opens next gives focus back to the opener, not to an item that is gone.
                if let Some(menu) = node.get_untracked() {
                    drop(menu.hide_popover());
                }
                act();
            })
            .child((entry.icon.view(), entry.label)),
    )
        .into_any()
}

fn items(menu: &HtmlElement) -> Vec<HtmlElement> {
    let Ok(list) = menu.query_selector_all("[role=menuitem]") else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|at| list.item(at)?.dyn_into().ok())
        .collect()
}

fn focus_item(menu: &HtmlElement, at: usize) {
    if let Some(item) = items(menu).get(at) {
        drop(item.focus());
    }
}

fn keys(menu: &HtmlElement, event: &web_sys::KeyboardEvent) {
    let items = items(menu);
    let here = document()
        .active_element()
        .and_then(|element| element.dyn_into::<HtmlElement>().ok())
        .and_then(|focused| items.iter().position(|item| *item == focused));
    let (count, at) = (items.len(), here.unwrap_or(0));
    if count == 0 {
        return;
    }
    let next = match event.key().as_str() {
        "ArrowDown" => (at + 1) % count,
        "ArrowUp" => (at + count - 1) % count,
        "Home" => 0,
        "End" => count - 1,
        "Tab" => {
            drop(menu.hide_popover());
            return;
        }
        key if key.chars().count() == 1 && key != " " => {
            let wanted = key.to_lowercase();
            let starts = |at: &usize| {
                items[*at]
                    .text_content()
                    .unwrap_or_default()
                    .to_lowercase()
                    .starts_with(&wanted)
            };
            match (at + 1..count).chain(0..=at).find(starts) {
                Some(found) => found,
                None => return,
            }
        }
        _ => return,
    };
    event.prevent_default();
    drop(items[next].focus());
}
