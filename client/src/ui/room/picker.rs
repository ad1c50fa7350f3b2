//! The emoji picker: six at hand, all by group, and a search. The list comes when somebody first looks for one: few do at
//! once, and nobody should wait for it to read.

use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::ui::browser;
use crate::ui::emoji::{Emoji, GROUPS, List, QUICK};
use crate::ui::kit::{Icon, button, unique};

const TONE: &str = "sotto.skin-tone";
/// Found at most.
const FOUND: usize = 90;
const ICONS: [Icon; 9] = [
    Icon::Smile,
    Icon::UserRound,
    Icon::Leaf,
    Icon::Utensils,
    Icon::Plane,
    Icon::Trophy,
    Icon::Lightbulb,
    Icon::Hash,
    Icon::Flag,
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Coming {
    NotAsked,
    OnTheWay,
    Here(Arc<List>),
    Failed,
}

/// The list, once for the page, and the colour of skin that was chosen in this browser.
#[derive(Clone, Copy)]
pub struct Emojis {
    list: RwSignal<Coming>,
    tone: RwSignal<usize>,
}

impl Default for Emojis {
    fn default() -> Self {
        let kept = browser::kept(TONE).and_then(|tone| tone.parse().ok());
        Self {
            list: RwSignal::new(Coming::NotAsked),
            tone: RwSignal::new(kept.unwrap_or(0).min(5)),
        }
    }
}

pub fn use_emojis() -> Emojis {
    expect_context()
}

impl Emojis {
    /// Fetches the list if it is not here.
    pub fn want(self) {
        if matches!(self.list.get_untracked(), Coming::OnTheWay | Coming::Here(_)) {
            return;
        }
        self.list.set(Coming::OnTheWay);
        leptos::task::spawn_local(async move {
            let text = browser::checked_text("/emoji.json").await;
            let list = text.and_then(|text| List::parse(&text));
            self.list
                .set(list.map_or(Coming::Failed, |list| Coming::Here(Arc::new(list))));
        });
    }

    pub fn get(self) -> Option<Arc<List>> {
        match self.list.get() {
            Coming::Here(list) => Some(list),
            _ => None,
        }
    }

    pub fn tone(self) -> usize {
        self.tone.get()
    }

    fn choose(self, tone: usize) {
        self.tone.set(tone);
        browser::keep(TONE, (tone > 0).then(|| tone.to_string()).as_deref());
    }
}

/// What takes a sign.
type Pick = StoredValue<Rc<dyn Fn(&str)>, LocalStorage>;

/// Six signs in a row, each of which is taken with one press. `mine` tells which were taken already.
pub fn quick(mine: impl Fn(&str) -> bool + 'static, pick: Rc<dyn Fn(&str)>) -> AnyView {
    let one = |sign: &'static str| {
        let pick = pick.clone();
        html::button()
            .r#type("button")
            .class("emoji-one")
            .attr("aria-label", format!("React with {}", spoken(sign)))
            .attr("aria-pressed", if mine(sign) { "true" } else { "false" })
            .on(ev::click, move |_| pick(sign))
            .child(sign)
    };
    html::div()
        .class("emoji-quick")
        .attr("role", "group")
        .attr("aria-label", "Often used")
        .child(QUICK.map(one).into_iter().collect_view())
        .into_any()
}

/// What one of the six is called.
pub fn spoken(sign: &str) -> &'static str {
    match sign {
        "👍" => "thumbs up",
        "❤️" => "heart",
        "😂" => "tears of joy",
        "😮" => "surprise",
        "😢" => "a tear",
        _ => "thanks",
    }
}

/// The picker; `pick` takes what was chosen.
pub fn picker(pick: Rc<dyn Fn(&str)>) -> AnyView {
    let emojis = use_emojis();
    emojis.want();
    let pick = StoredValue::new_local(pick);
    let (wanted, group) = (RwSignal::new(String::new()), RwSignal::new(0_usize));
    let in_hand = RwSignal::new(None::<(String, String)>);
    let search = NodeRef::<html::Input>::new();
    let grid = NodeRef::<html::Div>::new();
    let grid_id = unique("emoji");
    // Enter may be pressed before the list is here: then the first is taken when it comes.
    let takes_first = RwSignal::new(false);
    Effect::new(move || {
        if !takes_first.get() {
            return;
        }
        let Some(list) = emojis.get() else { return };
        takes_first.set(false);
        let tone = emojis.tone.get_untracked();
        let first =
            wanted.with_untracked(|wanted| list.search(wanted, 1).first().map(|one| one.toned(tone).to_owned()));
        if let (Some(first), Some(pick)) = (first, pick.try_get_value()) {
            pick(&first);
        }
    });
    if !browser::is_touch() {
        crate::ui::kit::field::focus_when_shown(search);
    }
    let is_looking = move || wanted.with(|wanted| !wanted.trim().is_empty());
    let tabs = {
        let grid_id = grid_id.clone();
        move |at: usize| {
            html::button()
                .r#type("button")
                .attr("role", "tab")
                .attr("aria-controls", grid_id.clone())
                .attr("aria-label", GROUPS[at])
                .title(GROUPS[at])
                .attr("aria-selected", move || {
                    if group.get() == at && !is_looking() {
                        "true"
                    } else {
                        "false"
                    }
                })
                .tabindex(move || if group.get() == at { "0" } else { "-1" })
                .on(ev::click, move |_| {
                    wanted.set(String::new());
                    group.set(at);
                })
                .child(ICONS[at].m())
        }
    };
    let shown = move || {
        let list = match emojis.list.get() {
            Coming::Here(list) => list,
            Coming::Failed => {
                return html::p()
                    .class("emoji-none")
                    .attr("role", "alert")
                    .child((
                        "The list did not come. ",
                        button::button("link-button", "Try again", move || emojis.want()),
                    ))
                    .into_any();
            }
            Coming::NotAsked | Coming::OnTheWay => {
                return html::p().class("emoji-none").child("Looking them up…").into_any();
            }
        };
        let tone = emojis.tone();
        let found: Vec<&Emoji> = if is_looking() {
            wanted.with(|wanted| list.search(wanted, FOUND))
        } else {
            list.0.get(group.get()).into_iter().flatten().collect()
        };
        if found.is_empty() {
            return html::p().class("emoji-none").child("None is called that.").into_any();
        }
        let cells = found
            .into_iter()
            .enumerate()
            .map(|(at, one)| cell(at, one, tone, in_hand, pick));
        cells.collect_view().into_any()
    };
    html::section()
        .class("emoji-picker")
        .attr("aria-label", "Emoji")
        .on(ev::keydown, move |event| {
            if let Some(grid) = grid.get_untracked() {
                walk(&grid, search, takes_first, &event);
            }
        })
        .child((
            html::div().class("emoji-search").child(
                html::div().class("input-group").child((
                    Icon::Search.view(),
                    html::input()
                        .class("input")
                        .r#type("search")
                        .attr("aria-label", "Search emoji")
                        .attr("aria-controls", grid_id.clone())
                        .attr("autocomplete", "off")
                        .attr("spellcheck", "false")
                        .placeholder("Search emoji")
                        .node_ref(search)
                        // A dialog gives the keyboard to this before anything else.
                        .autofocus(!browser::is_touch())
                        .prop("value", move || wanted.get())
                        .on(ev::input, move |event| {
                            takes_first.set(false);
                            wanted.set(event_target_value(&event));
                        }),
                )),
            ),
            html::div()
                .class("emoji-tabs")
                .attr("role", "tablist")
                .attr("aria-label", "Groups")
                .child((0..GROUPS.len()).map(tabs).collect_view()),
            html::div()
                .class("emoji-grid")
                .id(grid_id)
                .attr("role", "tabpanel")
                .attr(
                    "aria-label",
                    move || {
                        if is_looking() { "Found" } else { GROUPS[group.get()] }
                    },
                )
                .node_ref(grid)
                .child(shown),
            html::div().class("emoji-foot").child((
                html::span()
                    .class("emoji-large")
                    .attr("aria-hidden", "true")
                    .child(move || {
                        in_hand.with(|one| one.as_ref().map_or_else(|| "🙂".to_owned(), |one| one.0.clone()))
                    }),
                html::span()
                    .class("truncate")
                    .attr("aria-hidden", "true")
                    .child(move || {
                        in_hand.with(|one| one.as_ref().map_or_else(|| "Pick one".to_owned(), |one| one.1.clone()))
                    }),
                tone(emojis),
            )),
        ))
        .into_any()
}

fn cell(at: usize, one: &Emoji, tone: usize, in_hand: RwSignal<Option<(String, String)>>, pick: Pick) -> AnyView {
    let (sign, name) = (one.toned(tone).to_owned(), one.name.clone());
    let shown = (sign.clone(), name.clone());
    let by_key = shown.clone();
    html::button()
        .r#type("button")
        .class("emoji-one")
        .attr("aria-label", name)
        .tabindex(if at == 0 { "0" } else { "-1" })
        .on(ev::pointerenter, move |_| in_hand.set(Some(shown.clone())))
        .on(ev::focus, move |_| in_hand.set(Some(by_key.clone())))
        .on(ev::click, {
            let sign = sign.clone();
            move |_| {
                // What takes it closes the picker.
                if let Some(pick) = pick.try_get_value() {
                    pick(&sign);
                }
            }
        })
        .child(sign)
        .into_any()
}

fn tone(emojis: Emojis) -> AnyView {
    let option = |tone: usize, sign: &'static str, name: &'static str| {
        html::option()
            .attr("value", tone.to_string())
            .attr("aria-label", name)
            .prop("selected", move || emojis.tone() == tone)
            .child(sign)
    };
    html::select()
        .class("emoji-tone")
        .attr("aria-label", "Skin tone")
        .title("Skin tone")
        .on(ev::change, move |event| {
            emojis.choose(event_target_value(&event).parse().unwrap_or(0));
        })
        .child((
            option(0, "✋", "None"),
            option(1, "✋🏻", "Light"),
            option(2, "✋🏼", "Medium light"),
            option(3, "✋🏽", "Medium"),
            option(4, "✋🏾", "Medium dark"),
            option(5, "✋🏿", "Dark"),
        ))
        .into_any()
}

fn items(within: &HtmlElement, what: &str) -> Vec<HtmlElement> {
    let Ok(list) = within.query_selector_all(what) else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|at| list.item(at)?.dyn_into().ok())
        .collect()
}

/// Arrow keys walk through the signs, and between the groups; Enter in the search takes the first.
fn walk(grid: &HtmlElement, search: NodeRef<html::Input>, takes_first: RwSignal<bool>, event: &web_sys::KeyboardEvent) {
    if browser::is_composing(event) {
        return;
    }
    let key = event.key();
    let Some(focused) = browser::focused() else { return };
    let signs = items(grid, "button");
    if let Some(search) = search
        .get_untracked()
        .filter(|search| search.is_same_node(Some(&focused)))
    {
        match key.as_str() {
            "ArrowDown" => go(&signs, 0, event),
            "Enter" if !search.value().trim().is_empty() => {
                event.prevent_default();
                takes_first.set(true);
            }
            _ => {}
        }
        return;
    }
    if focused.get_attribute("role").as_deref() == Some("tab") {
        let tabs = focused.parent_element().and_then(|list| list.dyn_into().ok());
        let tabs = tabs
            .map(|list: HtmlElement| items(&list, "[role=tab]"))
            .unwrap_or_default();
        let at = tabs.iter().position(|tab| *tab == focused).unwrap_or(0);
        let count = tabs.len().max(1);
        match key.as_str() {
            "ArrowRight" => press(&tabs, (at + 1) % count, event),
            "ArrowLeft" => press(&tabs, (at + count - 1) % count, event),
            "ArrowDown" => go(&signs, 0, event),
            _ => {}
        }
        return;
    }
    let Some(at) = signs.iter().position(|sign| *sign == focused) else {
        return;
    };
    let top = signs.first().map_or(0, |first| first.offset_top());
    let columns = signs.iter().take_while(|sign| sign.offset_top() == top).count().max(1);
    let last = signs.len() - 1;
    match key.as_str() {
        "ArrowRight" => go(&signs, (at + 1).min(last), event),
        "ArrowLeft" => go(&signs, at.saturating_sub(1), event),
        "ArrowDown" => go(&signs, (at + columns).min(last), event),
        "Home" => go(&signs, 0, event),
        "End" => go(&signs, last, event),
        "ArrowUp" if at >= columns => go(&signs, at - columns, event),
        "ArrowUp" => {
            if let Some(search) = search.get_untracked() {
                event.prevent_default();
                drop(search.focus());
            }
        }
        _ => {}
    }
}

fn go(signs: &[HtmlElement], at: usize, event: &web_sys::KeyboardEvent) {
    if let Some(sign) = signs.get(at) {
        event.prevent_default();
        drop(sign.focus());
    }
}

fn press(tabs: &[HtmlElement], at: usize, event: &web_sys::KeyboardEvent) {
    if let Some(tab) = tabs.get(at) {
        event.prevent_default();
        tab.click();
        drop(tab.focus());
    }
}
