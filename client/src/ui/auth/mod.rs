//! The front door: landing and sign in, sign up, and the state while keys are made or opened.

mod picture;
mod sign_in;
mod sign_up;
mod working;

use leptos::html;
use leptos::prelude::*;

use super::browser::Theme;
use super::dialogs::{Ask, use_dialogs};
use super::kit::{Icon, button, logo};
use super::nav::use_nav;
use super::place::Place;
use super::screen::use_store;

/// What is typed, kept while the working state stands in front of the form.
#[derive(Clone, Copy)]
struct Draft {
    handle: RwSignal<String>,
    password: RwSignal<String>,
    stay: RwSignal<bool>,
    working: RwSignal<bool>,
    words: RwSignal<Vec<String>>,
    own: RwSignal<bool>,
    saved: RwSignal<bool>,
    /// What went wrong, by where it is shown.
    handle_error: RwSignal<Option<String>>,
    password_error: RwSignal<Option<String>>,
    form_error: RwSignal<Option<String>>,
}

impl Draft {
    fn new() -> Self {
        Self {
            handle: RwSignal::default(),
            password: RwSignal::default(),
            stay: RwSignal::new(true),
            working: RwSignal::new(false),
            words: RwSignal::default(),
            own: RwSignal::new(false),
            saved: RwSignal::new(false),
            handle_error: RwSignal::default(),
            password_error: RwSignal::default(),
            form_error: RwSignal::default(),
        }
    }

    fn clear_errors(self) {
        self.handle_error.set(None);
        self.password_error.set(None);
        self.form_error.set(None);
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
    let signing_up = Memo::new(move |_| nav.place() == Place::SignUp);
    Effect::new(move |_| {
        signing_up.track();
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
            move || match (draft.working.get(), signing_up.get()) {
                (true, new) => working::view(new),
                (false, true) => sign_up::view(draft),
                (false, false) => sign_in::view(draft),
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
