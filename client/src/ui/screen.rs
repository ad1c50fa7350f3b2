//! Which screen stands: opening, the front door, the app; and what all of them share.

use leptos::html;
use leptos::mount::mount_to_body;
use leptos::prelude::*;

use super::browser::Narrow;
use super::dialogs::Dialogs;
use super::kit::toast::{Toasts, Tone};
use super::kit::{button, logo};
use super::lock::{self, Lock};
use super::nav::{Nav, use_nav};
use super::place::Place;
use super::{auth, browser, frame, link, pictures, room, sidebar, switcher, title, when, wire, words};
use crate::state::Store;
use crate::view::{Phase, Problem};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Screen {
    Opening,
    Front,
    App,
    Locked,
    Unknown,
    /// The worker died.
    Halted,
}

/// Shows the page. Called once.
pub fn start() {
    // A fault of ours says where it was; without this the console shows only "unreachable".
    std::panic::set_hook(Box::new(|fault| leptos::logging::error!("{fault}")));
    mount_to_body(page);
}

pub fn use_store() -> Store {
    expect_context()
}

pub fn use_narrow() -> Narrow {
    expect_context()
}

pub fn use_toasts() -> Toasts {
    expect_context()
}

fn page() -> impl IntoView {
    let (store, nav, toasts, dialogs) = (Store::default(), Nav::start(), Toasts::default(), Dialogs::default());
    provide_context(store);
    provide_context(nav);
    provide_context(toasts);
    let kept_link = link::KeptLink::watch(nav);
    provide_context(kept_link);
    provide_context(dialogs);
    provide_context(room::acts::Talk::default());
    provide_context(room::picker::Emojis::default());
    provide_context(auth::Parting::default());
    provide_context(switcher::Recent::default());
    provide_context(sidebar::space::Folded::default());
    provide_context(frame::Column::default());
    provide_context(Narrow::watch());

    let halted = RwSignal::new(false);
    wire::connect(store, browser::device_name(), move || halted.set(true));
    provide_context(Lock::watch(store));
    title::keep(store, nav);
    when::follow_the_day();

    Effect::new(move |_| {
        if let Some(notice) = store.notice().get() {
            let tone = if notice.problem == Problem::SignedOut {
                Tone::Plain
            } else {
                Tone::Danger
            };
            toasts.say(tone, words::problem(&notice.problem));
        }
    });

    let signed_in = Memo::new(move |_| store.phase().with(|phase| matches!(phase, Phase::SignedIn { .. })));
    Effect::new(move |_| {
        if signed_in.get() {
            if matches!(nav.place(), Place::Home | Place::SignUp | Place::Recover) {
                let next = if kept_link.is_there() {
                    Place::Link
                } else {
                    Place::Messages
                };
                nav.replace(nav.take_wanted().filter(|_| next == Place::Messages).unwrap_or(next));
            }
        } else {
            pictures::forget();
            dialogs.close();
            let place = nav.place();
            if place.room().is_some()
                || place.space().is_some()
                || place.in_settings()
                || matches!(place, Place::Contacts(_) | Place::Saved)
            {
                nav.want(place);
            }
        }
    });

    let screen = Memo::new(move |_| {
        if halted.get() {
            return Screen::Halted;
        }
        let known = nav.place() != Place::Unknown;
        store.phase().with(|phase| match phase {
            Phase::Opening => Screen::Opening,
            Phase::Locked { .. } => Screen::Locked,
            _ if !known => Screen::Unknown,
            Phase::SignedOut { .. } => Screen::Front,
            Phase::SignedIn { .. } => Screen::App,
        })
    });

    (
        html::a()
            .class("skip-link")
            .href("#main")
            .child("Skip to the main part"),
        move || match screen.get() {
            Screen::Opening => opening(),
            Screen::Front => auth::front(),
            Screen::Locked => lock::screen(),
            Screen::App => frame::frame(),
            Screen::Unknown => unknown(),
            Screen::Halted => stopped(),
        },
        dialogs.view(),
        toasts.view(),
    )
}

/// While the browser's own storage is read: usually too short to be seen.
fn opening() -> AnyView {
    html::main()
        .id("main")
        .class("halt halt-soft")
        .attr("aria-busy", "true")
        .child((
            logo::figure("logo-mark logo-mark-l"),
            html::p().class("visually-hidden").child("Opening Sotto"),
        ))
        .into_any()
}

fn unknown() -> AnyView {
    let nav = use_nav();
    html::main()
        .id("main")
        .class("halt")
        .child((
            logo::figure("logo-mark logo-mark-l"),
            html::h1().child("There is nothing at this address"),
            html::p().child("The link may be cut short. Your messages are where they were."),
            button::button("button button-primary", "Go to your messages", move || {
                nav.go(Place::Messages)
            }),
        ))
        .into_any()
}

fn stopped() -> AnyView {
    html::main()
        .id("main")
        .class("halt")
        .child((
            logo::figure("logo-mark logo-mark-l"),
            html::div().class("halt-said").attr("role", "alert").child((
                html::h1().child("Sotto stopped"),
                html::p().child("The part that opens your messages broke. What you wrote is kept in this browser; load the page again to go on."),
            )),
            button::button("button button-primary", "Load the page again", || drop(window().location().reload())),
        ))
        .into_any()
}
