//! While keys are made or opened: what is being done, as the worker says it.

use leptos::html;
use leptos::prelude::*;

use super::Doing;
use crate::ui::kit::{Icon, logo};
use crate::ui::screen::use_store;
use crate::ui::words;
use crate::view::Step;

const STEPS: [Step; 4] = [Step::Asking, Step::Deriving, Step::Keys, Step::Rooms];

pub fn view(doing: Doing) -> AnyView {
    let new_account = doing == Doing::SigningUp;
    let store = use_store();
    // What is done is what was begun and is not the newest: the worker chooses the order.
    let seen = RwSignal::new(Vec::<Step>::new());
    Effect::new(move |first: Option<()>| {
        // What stood there before belongs to an earlier try.
        if let (Some(step), Some(())) = (store.step().get(), first) {
            seen.update(|seen| {
                seen.retain(|old| *old != step);
                seen.push(step);
            });
        }
    });
    // For a new account the server is asked nothing before the password is worked on.
    let all = if new_account { &STEPS[1..] } else { &STEPS[..] };
    let steps = move || {
        let seen = seen.get();
        let now = seen.last().copied();
        let list = all.iter().map(|&step| {
            let text = words::step(step, new_account);
            let is_now = now == Some(step) || (now.is_none() && Some(&step) == all.first());
            if is_now {
                html::li()
                    .class("working-step")
                    .attr("aria-current", "step")
                    .child((
                        html::span().class("spinner icon-m").attr("aria-hidden", "true"),
                        html::span().child(text),
                        html::span().class("numeric"),
                    ))
                    .into_any()
            } else if seen.contains(&step) {
                html::li()
                    .class("working-step working-done")
                    .child((
                        Icon::CircleCheck.m(),
                        html::span().child(text),
                        html::span().class("numeric").child("done"),
                    ))
                    .into_any()
            } else {
                html::li()
                    .class("working-step working-wait")
                    .child((
                        Icon::CircleDashed.m(),
                        html::span().child(text),
                        html::span().class("numeric"),
                    ))
                    .into_any()
            }
        });
        list.collect_view()
    };
    let title = match doing {
        Doing::SigningUp => "Making your account",
        Doing::SigningIn => "Signing in",
        Doing::Recovering => "Recovering your account",
    };
    html::main()
        .class("signup")
        .id("main")
        .child(
            html::section().class("signup-card working").attr("aria-label", title).attr("aria-busy", "true").child((
                html::div().child(logo::figure("logo-mark logo-mark-l")),
                html::div().child((
                    html::h1().class("signup-title").child(title),
                    html::p().class("signup-sub").child(
                        "This happens in your browser and takes a moment on purpose: what is slow here once is slow for anyone guessing, every time.",
                    ),
                )),
                html::ol().class("working-steps card card-pad").attr("aria-live", "polite").child(steps),
            )),
        )
        .into_any()
}
