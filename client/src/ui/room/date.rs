//! Going to a day of a conversation.

use leptos::prelude::*;
use leptos::{ev, html};

use crate::ui::dialogs::{closer, use_dialogs};
use crate::ui::kit::button;
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::unique;
use crate::ui::nav::use_nav;
use crate::ui::when;
use crate::view::{Chat, Target};

/// `from`: the day that is shown first, milliseconds since 1970.
pub fn dialog(chat: Chat, from: Option<u64>) -> AnyView {
    let (nav, dialogs) = (use_nav(), use_dialogs());
    let now = when::now();
    let today = when::input_day(now);
    let day = RwSignal::new(when::input_day(from.unwrap_or(now)));
    let begin = Memo::new(move |_| day.with(|day| when::midnight(day)));
    let go = move || {
        if let Some(at_ms) = begin.get_untracked() {
            dialogs.close();
            nav.jump_to(chat, Target::Time(at_ms));
        }
    };
    let id = unique("day");
    let form = html::form()
        .attr("novalidate", "")
        .attr("aria-label", "Go to a date")
        .on(ev::submit, move |event| {
            event.prevent_default();
            go();
        })
        .child((
            html::div().class("dialog-body").child(
                html::div().class("field").child((
                    html::label().class("field-label").r#for(id.clone()).child("Day"),
                    html::input()
                        .r#type("date")
                        .class("input")
                        .id(id)
                        .attr("max", today)
                        .autofocus(true)
                        .prop("value", move || day.get())
                        .on(ev::input, move |event| day.set(event_target_value(&event))),
                )),
            ),
            html::footer().class("dialog-foot").child((
                button::button("button", "Cancel", move || dialogs.close()),
                button::submit(
                    "button button-primary",
                    "Go there",
                    Signal::stored(false),
                    Signal::derive(move || begin.get().is_some()),
                ),
            )),
        ));
    Dialog {
        title: "Go to a date".into(),
        sub: Some("To the first message of that day, or the next one after it.".into()),
        mark: None,
        wide: false,
        kept: Signal::stored(false),
        content: form.into_any(),
        close: closer(),
    }
    .view()
}
