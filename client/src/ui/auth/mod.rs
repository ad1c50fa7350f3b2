//! The front door: landing and sign in, sign up, the way back in, and the state while keys are made or opened.

mod picture;
mod recover;
mod sign_in;
mod sign_up;
mod working;

use leptos::html;
use leptos::prelude::*;

use super::browser::Theme;
use super::dialogs::{Ask, Confirm, use_dialogs};
use super::kit::field::check;
use super::kit::{Icon, button, logo};
use super::link;
use super::nav::use_nav;
use super::password::NewPassword;
use super::place::Place;
use super::screen::use_store;
use crate::view::Command;

/// What is under way behind the working state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    SigningUp,
    SigningIn,
    Recovering,
}

/// The last word to somebody whose account has just gone from this browser.
#[derive(Clone, Copy, Default)]
pub struct Parting(RwSignal<Option<String>>);

impl Parting {
    pub fn say(self, text: String) {
        self.0.set(Some(text));
    }
}

pub fn use_parting() -> Parting {
    expect_context()
}

/// What is typed, kept while the working state stands in front of the form.
#[derive(Clone, Copy)]
struct Draft {
    handle: RwSignal<String>,
    password: RwSignal<String>,
    stay: RwSignal<bool>,
    doing: RwSignal<Option<Doing>>,
    parting: Parting,
    new: NewPassword,
    recovery_key: RwSignal<String>,
    /// What went wrong, by where it is shown.
    handle_error: RwSignal<Option<String>>,
    password_error: RwSignal<Option<String>>,
    form_error: RwSignal<Option<String>>,
    recovery_key_error: RwSignal<Option<String>>,
    /// The password fits, and what it should open is not there any more.
    cannot_open: RwSignal<bool>,
}

impl Draft {
    fn new() -> Self {
        let (password, password_error, form_error) = (RwSignal::default(), RwSignal::default(), RwSignal::default());
        Self {
            handle: RwSignal::default(),
            password,
            stay: RwSignal::new(true),
            doing: RwSignal::new(None),
            parting: use_parting(),
            new: NewPassword::new(password, password_error, form_error),
            recovery_key: RwSignal::default(),
            handle_error: RwSignal::default(),
            password_error,
            form_error,
            recovery_key_error: RwSignal::default(),
            cannot_open: RwSignal::new(false),
        }
    }

    fn begin(self, doing: Doing) {
        self.parting.0.set(None);
        self.doing.set(Some(doing));
    }

    fn busy(self) -> Signal<bool> {
        Signal::derive(move || self.doing.get().is_some())
    }

    fn clear_errors(self) {
        self.handle_error.set(None);
        self.password_error.set(None);
        self.form_error.set(None);
        self.recovery_key_error.set(None);
        self.cannot_open.set(false);
    }

    /// The handle as the server knows it.
    fn clean_handle(self) -> String {
        self.handle
            .get_untracked()
            .trim()
            .trim_start_matches('@')
            .to_ascii_lowercase()
    }
}

pub fn front() -> AnyView {
    let (nav, store) = (use_nav(), use_store());
    let dialogs = use_dialogs();
    let draft = Draft::new();
    let place = Memo::new(move |_| nav.place());
    Effect::new(move |_| {
        place.track();
        draft.clear_errors();
    });
    html::div()
        .class("front")
        .child((
            html::header().class("front-bar").child((
                html::a()
                    .class("logo")
                    .href("/")
                    .attr("aria-label", "Sotto")
                    .child((logo::figure("logo-mark"), logo::word())),
                theme_toggle("button button-quiet button-icon"),
            )),
            move || match (draft.doing.get(), place.get()) {
                (Some(doing), _) => working::view(doing),
                (None, Place::SignUp) => sign_up::view(draft),
                (None, Place::Recover) => recover::view(draft),
                (None, Place::Link) => link_page(),
                (None, _) => sign_in::view(draft),
            },
            html::footer().class("front-foot").child((
                button::button("front-link", "What the server sees", move || dialogs.open(Ask::Server)),
                html::span().child(move || {
                    let realm = store.realm();
                    let build = option_env!("SOTTO_BUILD").unwrap_or("dev");
                    if realm.is_empty() {
                        format!("build {build}")
                    } else {
                        format!("{realm}, build {build}")
                    }
                }),
            )),
        ))
        .into_any()
}

/// A link was opened: what it leads to stands in the place of the form.
fn link_page() -> AnyView {
    html::main()
        .class("front-main")
        .id("main")
        .child((link::card(), picture::cut()))
        .into_any()
}

/// Turns light into dark and back.
pub fn theme_toggle(class: &'static str) -> AnyView {
    button::icon_of(class, Icon::Contrast, "Switch between light and dark", || {
        Theme::chosen().opposite().choose()
    })
}

/// Sign in · Create account.
fn switch(signing_up: bool) -> AnyView {
    let item = |place, label, here: bool| {
        html::a()
            .class("segmented-item")
            .href(Place::path(place))
            .attr("aria-current", here.then_some("page"))
            .child(label)
    };
    html::div()
        .class("segmented")
        .attr("role", "group")
        .attr("aria-label", "Sign in or create an account")
        .child((
            item(Place::Home, "Sign in", !signing_up),
            item(Place::SignUp, "Create account", signing_up),
        ))
        .into_any()
}

/// Said once, on the page where an account ended.
fn parting(draft: Draft) -> AnyView {
    let parting = draft.parting.0;
    (move || {
        parting.get().map(|text| {
            html::div()
                .class("banner banner-tall front-parting")
                .attr("role", "status")
                .child((Icon::Info.view(), html::div().class("banner-text").child(text)))
        })
    })
    .into_any()
}

fn stay(draft: Draft) -> AnyView {
    check(
        "Stay signed in",
        "Leave it off where others use this browser too.",
        draft.stay,
    )
}

/// A new account in the place of one whose keys the server has lost or changed.
pub fn start_over(handle: &str, password: String, stay: bool) -> AnyView {
    Confirm {
        title: format!("Start over as {handle}?"),
        text: "This makes a new, empty account under the same name and password. Everything the old one could read is lost for good, and so is its recovery key. You are out of your groups until somebody adds you again, and your people see somebody new with your name and another safety number: tell them another way that it is you. If whoever runs the server may still bring back what is missing, wait for that.".into(),
        act: "Start over",
        safe: "Keep the old account",
        command: Command::ResetIdentity {
            handle: handle.to_owned(),
            password,
            stay,
        },
        done: Box::new(|| {}),
    }
    .view()
}

/// What went wrong with the form as a whole, above its button.
fn form_error(error: RwSignal<Option<String>>) -> AnyView {
    html::div()
        .attr("role", "alert")
        .class("form-error")
        .child(move || {
            error.get().map(|error| {
                html::p()
                    .class("field-error")
                    .child((Icon::CircleAlert.s(), html::span().child(error)))
            })
        })
        .into_any()
}

/// The mark of the realm behind a handle.
fn suffix() -> Signal<String> {
    let store = use_store();
    Signal::derive(move || {
        let realm = store.realm();
        if realm.is_empty() { realm } else { format!("@{realm}") }
    })
}
