//! Locking: by hand, when nobody has done anything for a while, and together with the other tabs of this browser; and the
//! screen that stands then.
//!
//! The worker of each tab shuts what is kept and is ended; then the page loads itself again, since what once stood in its
//! memory goes only with it, and gets its next worker from the loader like any page. Until the server answers, the screen
//! stands alone.

use std::time::Duration;

use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::dialogs::{Ask, use_dialogs};
use super::kit::field::Password;
use super::kit::{Icon, button, logo, unique};
use super::password::owner;
use super::screen::use_store;
use super::{browser, when, wire, words};
use crate::state::Store;
use crate::view::{Change, Command, Phase, Problem};

/// Minutes after which this browser locks itself; chosen in the settings, kept in this browser.
const AFTER: &str = "sotto.lock";
/// When somebody last did something, milliseconds since 1970; for all tabs. 0: locking was begun.
const ACTIVE: &str = "sotto.active";
const LOOK_EVERY: Duration = Duration::from_secs(10);
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// A worker that has not shut everything by then does not answer; what is kept opens locked in any case.
const WAIT_AT_MOST: Duration = Duration::from_secs(10);
/// That somebody does something is written down this often at most.
const NOTE_EVERY_MS: u64 = 5_000;

#[wasm_bindgen]
extern "C" {
    type BroadcastChannel;
    #[wasm_bindgen(constructor)]
    fn new(name: &str) -> BroadcastChannel;
    #[wasm_bindgen(method, js_name = postMessage)]
    fn post_message(this: &BroadcastChannel, message: &str);
    #[wasm_bindgen(method, setter)]
    fn set_onmessage(this: &BroadcastChannel, listener: &js_sys::Function);
}

const LOCKED: &str = "locked";
const UNLOCKED: &str = "unlocked";

#[derive(Clone, Copy)]
pub struct Lock {
    store: Store,
    /// The worker has ended, the page goes.
    leaving: RwSignal<bool>,
    /// It cannot: the server does not answer.
    alone: RwSignal<bool>,
}

pub fn use_lock() -> Lock {
    expect_context()
}

/// The choice made in this browser; none: it never locks itself.
pub fn minutes() -> Option<u32> {
    browser::kept(AFTER)?.parse().ok()
}

pub fn choose(minutes: Option<u32>) {
    browser::keep(AFTER, minutes.map(|minutes| minutes.to_string()).as_deref());
    note(when::now());
}

/// Nobody has done anything here for longer than was chosen, or locking was begun and not done.
pub fn overdue() -> bool {
    match (noted(), minutes()) {
        (Some(0), _) => true,
        // A clock that was set back is no reason to stay open.
        (Some(since), Some(minutes)) => when::now().abs_diff(since) >= u64::from(minutes) * 60_000,
        _ => false,
    }
}

fn noted() -> Option<u64> {
    browser::kept(ACTIVE)?.parse().ok()
}

fn note(at: u64) {
    browser::keep(ACTIVE, Some(&at.to_string()));
}

impl Lock {
    /// Looks from now on whether it is time, and hears the other tabs.
    pub fn watch(store: Store) -> Self {
        let lock = Self {
            store,
            leaving: RwSignal::new(false),
            alone: RwSignal::new(false),
        };
        let listener = Closure::<dyn Fn(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
            match event.data().as_string().as_deref() {
                // What stands half written in this tab is kept first.
                Some(LOCKED) if lock.is_in().is_some() => lock.now(),
                Some(LOCKED) if lock.is_opening() => lock.leave(),
                Some(UNLOCKED) if lock.is_locked() || lock.is_opening() => lock.load_again(),
                _ => {}
            }
        });
        let channel = BroadcastChannel::new("sotto.lock");
        channel.set_onmessage(listener.as_ref().unchecked_ref());
        // Both live as long as the page.
        listener.forget();
        CHANNEL.with(|slot| drop(slot.set(channel)));

        for event in [
            "pointerdown",
            "pointermove",
            "keydown",
            "wheel",
            "visibilitychange",
            "focus",
            "pageshow",
        ] {
            drop(window_event_listener_untyped(event, move |_| lock.somebody_is_here()));
        }
        // The page lives no longer than this.
        drop(set_interval_with_handle(move || lock.look(), LOOK_EVERY));
        // Signing in is doing something, and what is said of it again later is not; who signed out leaves no trace of when.
        Effect::new(move |was_in: Option<bool>| {
            store.phase().with(|phase| {
                let is_in = matches!(phase, Phase::SignedIn { .. });
                if is_in && was_in != Some(true) {
                    note(when::now());
                } else if matches!(phase, Phase::SignedOut { .. }) {
                    browser::keep(ACTIVE, None);
                }
                is_in
            })
        });
        lock
    }

    /// Whose account is open here, and whether this browser keeps it.
    fn is_in(self) -> Option<(String, String, bool)> {
        self.store.phase().with_untracked(|phase| match phase {
            Phase::SignedIn { me, realm, stays, .. } => {
                // A guest has no password to unlock with, and may have become somebody who has.
                let me = untrack(|| self.store.person(me.id)).unwrap_or_else(|| me.clone());
                (!me.guest).then(|| (me.handle, realm.clone(), *stays))
            }
            _ => None,
        })
    }

    fn is_locked(self) -> bool {
        (self.store.phase()).with_untracked(|phase| matches!(phase, Phase::Locked { .. }))
    }

    fn is_opening(self) -> bool {
        (self.store.phase()).with_untracked(|phase| *phase == Phase::Opening)
    }

    fn look(self) {
        if self.is_in().is_none() {
            return;
        }
        if overdue() {
            self.now();
        } else if noted().is_none() {
            // Another tab took it away: somebody signed out there.
            note(when::now());
        }
    }

    fn somebody_is_here(self) {
        // Whoever comes back late does not push the end out by coming back.
        self.look();
        if self.is_in().is_none() || minutes().is_none() {
            return;
        }
        let now = when::now();
        if noted().is_none_or(|noted| now.abs_diff(noted) >= NOTE_EVERY_MS) {
            note(now);
        }
    }

    /// Locks this browser.
    pub fn now(self) {
        let Some((handle, realm, stays)) = self.is_in() else {
            return;
        };
        // What stands in the composer is kept when the composer loses the keyboard.
        if let Some(focused) = browser::focused() {
            drop(focused.blur());
        }
        // Should this page end before its worker is done.
        note(0);
        let reply = wire::dispatch(Command::Lock);
        self.leaving.set(true);
        // At once, whatever the worker still has to write.
        self.store.apply(Change::Phase(if stays {
            Phase::Locked { handle, realm }
        } else {
            Phase::SignedOut { realm }
        }));
        set_timeout(move || self.leave(), WAIT_AT_MOST);
        leptos::task::spawn_local(async move {
            drop(reply.await);
            self.leave();
        });
    }

    /// Ends the worker, and the page as soon as it can be loaded again.
    fn leave(self) {
        if wire::end() {
            say(LOCKED);
            self.load_again();
        }
    }

    fn load_again(self) {
        let answer = window().fetch_with_str("/");
        leptos::task::spawn_local(async move {
            let answer = JsFuture::from(answer).await;
            let is_there = answer.and_then(|answer| js_sys::Reflect::get(&answer, &"ok".into()));
            if is_there.is_ok_and(|ok| ok.is_truthy()) {
                drop(window().location().reload());
            } else {
                self.alone.set(true);
                set_timeout(move || self.load_again(), TRY_AGAIN_AFTER);
            }
        });
    }
}

thread_local! {
    static CHANNEL: std::cell::OnceCell<BroadcastChannel> = const { std::cell::OnceCell::new() };
}

fn say(what: &str) {
    CHANNEL.with(|channel| {
        if let Some(channel) = channel.get() {
            channel.post_message(what);
        }
    });
}

pub fn screen() -> AnyView {
    let lock = use_lock();
    html::main()
        .id("main")
        .class("halt")
        .child(move || if lock.leaving.get() { going(lock) } else { form() })
        .into_any()
}

fn going(lock: Lock) -> AnyView {
    (
        logo::figure("logo-mark logo-mark-l"),
        html::div().class("halt-said").attr("role", "status").child((
            html::h1().child("Locked"),
            html::p().child(move || {
                if lock.alone.get() {
                    "The server does not answer, and unlocking needs it. This page goes on by itself when it is back."
                } else {
                    "One moment."
                }
            }),
        )),
    )
        .into_any()
}

fn form() -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let (password, busy) = (RwSignal::new(String::new()), RwSignal::new(false));
    let (wrong, failed) = (RwSignal::new(None::<String>), RwSignal::new(None::<String>));
    let id = unique("unlock");
    let (handle, whose) = store.phase().with_untracked(|phase| match phase {
        Phase::Locked { handle, realm } => (handle.clone(), format!("{handle}@{realm}")),
        _ => Default::default(),
    });
    let field = Password {
        label: html::label()
            .class("field-label")
            .r#for(id.clone())
            .child("Password")
            .into_any(),
        value: password,
        autocomplete: "current-password",
        error: wrong.into(),
        id: id.clone(),
        focus: !browser::is_touch(),
    };
    if !browser::is_touch() {
        let id = id.clone();
        request_animation_frame(move || browser::focus(&id));
    }
    let submit = move || {
        if busy.get_untracked() {
            return;
        }
        wrong.set(None);
        failed.set(None);
        let typed = password.get_untracked();
        if typed.is_empty() {
            wrong.set(Some("Enter your password.".into()));
            browser::focus(&id);
            return;
        }
        busy.set(true);
        let id = id.clone();
        wire::ask(Command::Unlock { password: typed }, move |result| {
            busy.try_set(false);
            match result {
                Ok(_) => {
                    password.try_set(String::new());
                    note(when::now());
                    say(UNLOCKED);
                }
                Err(Problem::WrongPassword) => {
                    wrong.try_set(Some("That is not your password. Check it and try again.".into()));
                    browser::focus(&id);
                }
                Err(problem) => {
                    failed.try_set(Some(words::problem(&problem)));
                }
            }
        });
    };
    (
        logo::figure("logo-mark logo-mark-l"),
        html::div()
            .class("halt-said")
            .child((html::h1().child("Locked"), html::p().child(html::bdi().child(whose)))),
        html::form()
            .class("lock-form")
            .attr("aria-label", "Unlock")
            .attr("novalidate", "")
            .on(ev::submit, move |event| {
                event.prevent_default();
                submit();
            })
            .child((
                owner(handle),
                field.view(),
                html::div().attr("role", "alert").child(move || {
                    failed.get().map(|why| {
                        html::p()
                            .class("field-error")
                            .child((Icon::CircleAlert.s(), html::span().child(why)))
                    })
                }),
                button::submit(
                    "button button-primary button-l button-wide",
                    "Unlock",
                    busy.into(),
                    Signal::stored(true),
                ),
                html::p()
                    .class("field-hint")
                    .child("Your messages and what waits to be sent are still here, sealed."),
                button::button("button button-quiet", "Sign out of this browser", move || {
                    dialogs.open(Ask::SignOut)
                }),
            )),
    )
        .into_any()
}
