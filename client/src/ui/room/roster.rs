//! A long list of people in groups: only the rows near the screen stand in the page.
//!
//! Every row has the same height (`--member` in the style sheet), so a group is as tall as its rows together, and a row's
//! place follows from its number.

use std::ops::Range;

use leptos::html;
use leptos::prelude::*;
use sotto_shared::id::UserId;

use crate::ui::fuzzy;
use crate::ui::kit::{Icon, unique};
use crate::ui::screen::use_store;

/// People of one role, or those of it who are here.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub role: u8,
    pub here: bool,
    pub title: String,
    /// In the order of their names.
    pub users: Vec<UserId>,
}

/// A group of so many stands in the page as a whole.
const WHOLE: usize = 60;
/// Rows beside those on screen; and the window moves by so many at once.
const BESIDE: usize = 16;
/// From so many people on one can look for somebody.
const MANY: usize = 20;

/// `row` makes the row of somebody in the group of this role; `above` stands over all of them.
pub fn roster(
    above: AnyView,
    groups: Memo<Vec<Group>>,
    row: impl Fn(UserId, u8) -> AnyView + Copy + Send + Sync + 'static,
) -> AnyView {
    let store = use_store();
    let scroller = NodeRef::<html::Div>::new();
    let typed = RwSignal::new(String::new());
    // Rises whenever the rows on screen may be others.
    let moved = RwSignal::new(0_u32);
    let touch = move || {
        let _ = moved.try_update(|moved| *moved = moved.wrapping_add(1));
    };
    let resized = window_event_listener_untyped("resize", move |_| touch());
    on_cleanup(move || resized.remove());
    let found = Memo::new(move |_| {
        let mut groups = groups.get();
        typed.with(|typed| {
            if !typed.trim().is_empty() {
                for group in &mut groups {
                    group.users.retain(|user| {
                        [store.handle(*user), store.name(*user)]
                            .iter()
                            .any(|name| fuzzy::find(typed, name).is_some())
                    });
                }
            }
        });
        groups.retain(|group| !group.users.is_empty());
        groups
    });
    // Once the rows stand in the page.
    Effect::new(move |_| {
        found.track();
        request_animation_frame(touch);
    });
    let parts = Memo::new(move |_| {
        found.with(|groups| groups.iter().map(|group| (group.role, group.here)).collect::<Vec<_>>())
    });
    let many =
        Memo::new(move |_| groups.with(|groups| groups.iter().map(|group| group.users.len()).sum::<usize>() >= MANY));
    let field = move || {
        many.get().then(|| {
            html::label().class("column-jump roster-find").child((
                Icon::Search.view(),
                html::span().class("visually-hidden").child("Find a member"),
                html::input()
                    .r#type("search")
                    .attr("autocomplete", "off")
                    .attr("autocapitalize", "none")
                    .attr("spellcheck", "false")
                    .placeholder("Find a member")
                    .prop("value", move || typed.get())
                    .on(leptos::ev::input, move |event| typed.set(event_target_value(&event))),
            ))
        })
    };
    html::div()
        .class("panel-body")
        .node_ref(scroller)
        .on(leptos::ev::scroll, move |_| touch())
        .child((
            above,
            field,
            For(ForProps::builder()
                .each(move || parts.get())
                .key(|part| *part)
                .children(move |part| group(found, part, scroller, moved, row))
                .build()),
            move || {
                found.with(Vec::is_empty).then(|| {
                    html::p()
                        .class("column-empty")
                        .attr("role", "status")
                        .child("Nobody here is called that.")
                })
            },
        ))
        .into_any()
}

fn group(
    groups: Memo<Vec<Group>>,
    (role, here): (u8, bool),
    scroller: NodeRef<html::Div>,
    moved: RwSignal<u32>,
    row: impl Fn(UserId, u8) -> AnyView + Copy + Send + Sync + 'static,
) -> AnyView {
    let list = NodeRef::<html::Ul>::new();
    let is_this = move |group: &&Group| (group.role, group.here) == (role, here);
    let this = Memo::new(move |_| groups.with(|groups| groups.iter().find(is_this).cloned()));
    let count = Memo::new(move |_| this.with(|group| group.as_ref().map_or(0, |group| group.users.len())));
    let title =
        Memo::new(move |_| this.with(|group| group.as_ref().map(|group| group.title.clone()).unwrap_or_default()));
    let range = Memo::new(move |_| {
        moved.track();
        let count = count.get();
        if count <= WHOLE {
            return 0..count;
        }
        on_screen(scroller, list, count).unwrap_or(0..WHOLE)
    });
    let rows = Memo::new(move |_| {
        let range = range.get();
        this.with(|group| {
            let users = group.as_ref().map(|group| group.users.as_slice()).unwrap_or_default();
            let end = range.end.min(users.len());
            let rows = (range.start.min(end)..end).map(|at| (at, users[at]));
            rows.collect::<Vec<_>>()
        })
    });
    // A row's number changes when somebody comes before it; the row stays.
    let place = move |user: UserId| {
        Memo::new(move |_| rows.with(|rows| rows.iter().find(|(_, other)| *other == user).map_or(0, |(at, _)| *at)))
    };
    let id = unique("role");
    html::section()
        .class("panel-group")
        .attr("aria-labelledby", id.clone())
        .child((
            html::h3().id(id).child((
                html::span().class("truncate").child(move || title.get()),
                html::span().child(move || count.get().to_string()),
            )),
            html::ul()
                .class("roster")
                .node_ref(list)
                .style(("--count", move || count.get().to_string()))
                .child(For(ForProps::builder()
                    .each(move || rows.get())
                    .key(|(_, user)| *user)
                    .children(move |(_, user)| {
                        let at = place(user);
                        html::li()
                            .style(("--at", move || at.get().to_string()))
                            .attr("aria-posinset", move || (at.get() + 1).to_string())
                            .attr("aria-setsize", move || count.get().to_string())
                            .child(row(user, role))
                    })
                    .build())),
        ))
        .into_any()
}

/// Which rows of a list of so many are on screen, and some beside them.
fn on_screen(scroller: NodeRef<html::Div>, list: NodeRef<html::Ul>, count: usize) -> Option<Range<usize>> {
    let (scroller, list) = (scroller.get()?, list.get()?);
    let tall = f64::from(list.client_height()) / count as f64;
    if tall < 1.0 {
        return None;
    }
    let above = scroller.get_bounding_client_rect().top() - list.get_bounding_client_rect().top();
    let first = (above / tall).floor().max(0.0) as usize;
    let fit = (f64::from(scroller.client_height()) / tall).ceil() as usize;
    // In steps, so that a row more does not move everything.
    let start = first.saturating_sub(BESIDE) / BESIDE * BESIDE;
    let end = (first + fit + BESIDE).div_ceil(BESIDE) * BESIDE;
    Some(start.min(count)..end.min(count))
}
