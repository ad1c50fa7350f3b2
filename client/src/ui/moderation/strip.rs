//! What stands where one writes: that one may not for a while, or how long until the next message goes out.

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;

use crate::ui::dialogs::name_of;
use crate::ui::kit::Icon;
use crate::ui::screen::use_store;
use crate::ui::{when, words};
use crate::view::Chat;

/// The clock, to the second, as long as somebody looks at it.
fn clock() -> ReadSignal<u64> {
    let (now, set) = signal(when::now());
    let ticking = set_interval_with_handle(
        move || {
            let _ = set.try_set(when::now());
        },
        Duration::from_secs(1),
    );
    on_cleanup(move || {
        if let Ok(ticking) = ticking {
            ticking.clear();
        }
    });
    now
}

/// Until when this person may not write here; nothing if they may. Followed as time goes by.
pub fn held(chat: Chat) -> Memo<Option<crate::view::TimeOut>> {
    let store = use_store();
    let now = clock();
    Memo::new(move |_| {
        let me = store.me()?;
        let order = store.order(chat.room)?;
        let now = now.get();
        order
            .time_outs
            .into_iter()
            .find(|held| held.user == me && held.until_ms > now)
    })
}

/// In the place of the composer.
pub fn closed(held: &crate::view::TimeOut) -> AnyView {
    let now = clock();
    let until_ms = held.until_ms;
    let by = name_of(held.by);
    let left = Memo::new(move |_| words::span_left(until_ms.saturating_sub(now.get())));
    let reason = held.reason.clone();
    html::div()
        .class("composer composer-closed")
        .attr("role", "status")
        .child((
            html::div().class("composer-strip strip-warning").child((
                Icon::Clock.view(),
                html::span().child((
                    html::b().child(by),
                    " gave you a time-out until ",
                    move || when::moment(until_ms),
                    ". You can write again in ",
                    html::span()
                        .class("numeric")
                        .attr("aria-live", "off")
                        .child(move || left.get()),
                    ".",
                )),
            )),
            (!reason.is_empty()).then(|| {
                html::p()
                    .class("composer-reason")
                    .attr("dir", "auto")
                    .child((html::span().class("muted").child("Reason: "), reason))
            }),
        ))
        .into_any()
}

/// Above the text, where members write slowly.
pub fn slow(chat: Chat) -> AnyView {
    let store = use_store();
    let mode = Memo::new(move |_| {
        let order = store.order(chat.room)?;
        order.slow.into_iter().find(|slow| slow.channel == chat.channel)
    });
    let on = Memo::new(move |_| mode.with(Option::is_some));
    let strip = move || {
        let now = clock();
        let left = Memo::new(move |_| {
            let next_ms = mode.with(|mode| mode.as_ref().map_or(0, |mode| mode.next_ms));
            next_ms.saturating_sub(now.get())
        });
        let said = move || {
            let Some(mode) = mode.get() else { return String::new() };
            let every = words::span(mode.seconds);
            match (mode.holds, left.get()) {
                (false, _) => format!("Slow mode: members write once in {every}. You are not held to it."),
                (true, 0) => format!("Slow mode: one message in {every}."),
                (true, left) => format!(
                    "Slow mode: one message in {every}. The next one goes out in {}.",
                    words::span_left(left)
                ),
            }
        };
        html::div()
            .class("composer-strip")
            .child((Icon::Clock.view(), html::span().class("numeric").child(said)))
    };
    (move || on.get().then(strip)).into_any()
}
