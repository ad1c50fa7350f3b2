//! A link to be handed on: as text to copy, and as a code to scan.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::ui::kit::code::code;
use crate::ui::kit::{Icon, button, unique};
use crate::ui::screen::use_toasts;
use crate::ui::{browser, wire};
use crate::view::{Command, Outcome};

pub fn share(address: String, label: &'static str, hint: &'static str) -> AnyView {
    let toasts = use_toasts();
    let (id, rows) = (unique("link"), RwSignal::new(None::<Vec<Vec<bool>>>));
    let hint_id = format!("{id}-hint");
    wire::ask(Command::DrawCode { text: address.clone() }, move |result| {
        if let Ok(Outcome::Code(drawn)) = result {
            drop(rows.try_set(Some(drawn)));
        }
    });
    let text = StoredValue::new(address.clone());
    let copy = move || {
        let text = text.get_value();
        spawn_local(async move {
            if browser::copy(text).await {
                toasts.ok("The link is on the clipboard.");
            } else {
                toasts.danger("This browser did not let the link be copied. Select it and copy it by hand.");
            }
        });
    };
    html::div()
        .class("share")
        .child((
            html::div().class("share-code").child(move || match rows.get() {
                Some(rows) => code(&rows, "The link as a code"),
                None => html::span().class("qr qr-wait skeleton").into_any(),
            }),
            html::div().class("field").child((
                html::label().class("field-label").r#for(id.clone()).child(label),
                html::div().class("input-group").child((
                    html::input()
                        .class("input")
                        .id(id)
                        .r#type("text")
                        .attr("readonly", "")
                        .attr("aria-describedby", hint_id.clone())
                        .prop("value", address),
                    button::button("button button-s", (Icon::Copy.s(), "Copy"), copy),
                )),
                html::p().class("field-hint").id(hint_id).child(hint),
            )),
        ))
        .into_any()
}
