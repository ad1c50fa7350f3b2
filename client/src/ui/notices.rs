//! What the browser is asked to show while nobody looks: one notification for each conversation, replaced and not stacked,
//! and taken away when it was read or its message is gone. Nothing of it leaves the browser.
//!
//! ```text
//!  alerts of all rooms ─▶ newer than what was told? ─▶ on the screen of some tab? ─▶ this tab tells ─▶ a press: to the message
//!                                                        (a lock of that name)         (one lock for all tabs)
//! ```

use std::cell::RefCell;
use std::collections::HashMap;

use js_sys::{Function, Promise, Reflect};
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Notification, NotificationOptions, NotificationPermission};

use super::browser;
use super::nav::{Nav, use_nav};
use super::place::Place;
use super::room::acts::{Talk, use_talk};
use super::screen::use_store;
use crate::state::Store;
use crate::view::{Alert, Chat, RoomKind};

/// What is shown, kept in this browser; none: nothing is, nobody was asked.
const SHOWS: &str = "sotto.notices";
/// The tab that holds this lock tells.
const TELLER: &str = "sotto.teller";
/// A tab holds a lock that begins so while somebody has that conversation before them.
const ON_SCREEN: &str = "sotto.on-screen.";
/// Characters of a message that are shown.
const SHOWN_CHARS: usize = 160;

/// How much a notification says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    Everything,
    Sender,
    Nothing,
}

impl Shows {
    pub const ALL: [Self; 3] = [Self::Everything, Self::Sender, Self::Nothing];

    const fn name(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Sender => "sender",
            Self::Nothing => "nothing",
        }
    }

    /// Title and text of a notification.
    pub fn words(self, author: &str, group: Option<&str>, text: &str) -> (String, String) {
        let sender = match group {
            Some(group) => format!("{author} in {group}"),
            None => author.to_owned(),
        };
        match self {
            Self::Everything => (sender, short(text)),
            Self::Sender => (sender, "New message".into()),
            Self::Nothing => ("Sotto".into(), "There is something new".into()),
        }
    }
}

fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut cut: String = line.chars().take(SHOWN_CHARS).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    cut
}

/// Whether the browser lets a page show them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// It has none, or not for pages.
    Never,
    NotAsked,
    No,
    Yes,
}

fn may() -> May {
    if Reflect::get(&window(), &"Notification".into()).is_ok_and(|there| there.is_undefined()) {
        return May::Never;
    }
    match Notification::permission() {
        NotificationPermission::Granted => May::Yes,
        NotificationPermission::Denied => May::No,
        _ => May::NotAsked,
    }
}

/// The choice of this browser. Copied around through the context.
#[derive(Clone, Copy)]
pub struct Notices {
    pub shows: RwSignal<Option<Shows>>,
    pub may: RwSignal<May>,
}

pub fn use_notices() -> Notices {
    expect_context()
}

impl Notices {
    /// Asks the browser, if it was not asked yet, and keeps what is to be shown. Only after somebody's press.
    pub fn turn_on(self, shows: Shows) {
        let keep = move || {
            let now = may();
            self.may.set(now);
            if now == May::Yes {
                browser::keep(SHOWS, Some(shows.name()));
                self.shows.set(Some(shows));
            }
        };
        match (may(), Notification::request_permission()) {
            (May::NotAsked, Ok(asked)) => leptos::task::spawn_local(async move {
                drop(wasm_bindgen_futures::JsFuture::from(asked).await);
                keep();
            }),
            _ => keep(),
        }
    }

    pub fn turn_off(self) {
        browser::keep(SHOWS, None);
        self.shows.set(None);
        TOLD.with_borrow_mut(|told| told.values_mut().for_each(Told::close));
    }
}

/// What was told of a conversation.
#[derive(Default)]
struct Told {
    /// Up to this message: an older one is not told again.
    seq: u64,
    shown: Option<Shown>,
}

struct Shown {
    seq: u64,
    text: String,
    notification: Notification,
    _press: Closure<dyn FnMut()>,
}

impl Told {
    fn close(&mut self) {
        if let Some(shown) = self.shown.take() {
            shown.notification.close();
        }
    }
}

thread_local! {
    static TOLD: RefCell<HashMap<Chat, Told>> = RefCell::default();
    /// Lets go of the lock that says what is on screen here.
    static SCREEN: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Follows what is to be told, as long as somebody is signed in.
pub fn watch() -> Notices {
    let (store, nav, talk) = (use_store(), use_nav(), use_talk());
    let kept = browser::kept(SHOWS);
    let shows = Shows::ALL
        .into_iter()
        .find(|shows| Some(shows.name()) == kept.as_deref());
    let notices = Notices {
        shows: RwSignal::new(shows),
        may: RwSignal::new(may()),
    };
    let teller = RwSignal::new(false);
    let release = hold(TELLER, "exclusive", move || {
        let _ = teller.try_set(true);
    });
    show_screen(nav);
    let alerts = Memo::new(move |_| store.alerts());
    Effect::new(move |_| {
        let alerts = alerts.get();
        let tells = teller.get() && notices.may.get() == May::Yes;
        let shows = notices.shows.get().filter(|_| tells);
        for (chat, alert) in alerts {
            follow((store, nav, talk), chat, alert, shows);
        }
    });
    let closing = window_event_listener_untyped("pagehide", |_| close_all());
    let release = SendWrapper::new(release);
    on_cleanup(move || {
        closing.remove();
        close_all();
        // Whoever is signed in elsewhere, or here next, tells from now on.
        if let Some(release) = release.take() {
            drop(release.call0(&JsValue::UNDEFINED));
        }
    });
    notices
}

fn close_all() {
    TOLD.with_borrow_mut(|told| told.drain().for_each(|(_, mut told)| told.close()));
}

/// One conversation has something to be told, or has not any more.
fn follow((store, nav, talk): (Store, Nav, Talk), chat: Chat, alert: Option<Alert>, shows: Option<Shows>) {
    let is_new = TOLD.with_borrow_mut(|told| {
        let told = told.entry(chat).or_default();
        let Some(alert) = &alert else {
            told.close();
            return false;
        };
        // The message is gone, and what stands in its place was told before; or it was changed.
        if told
            .shown
            .as_ref()
            .is_some_and(|shown| shown.seq != alert.seq || shown.text != alert.text)
        {
            let changed = told.shown.as_ref().is_some_and(|shown| shown.seq == alert.seq);
            told.close();
            if changed {
                told.seq = alert.seq - 1;
            }
        }
        let is_new = told.seq < alert.seq;
        told.seq = told.seq.max(alert.seq);
        is_new
    });
    if let (true, Some(shows), Some(alert)) = (is_new, shows, alert) {
        leptos::task::spawn_local(async move {
            let there = held().await;
            // It may have been read, or changed, meanwhile.
            let still = untrack(|| store.room(chat)).and_then(|room| room.alert) == Some(alert.clone());
            if still && !there.contains(&screen_name(chat)) {
                show((store, nav, talk), chat, &alert, shows);
            }
        });
    }
}

fn show((store, nav, talk): (Store, Nav, Talk), chat: Chat, alert: &Alert, shows: Shows) {
    let Some(room) = untrack(|| store.room(chat)) else {
        return;
    };
    let author = untrack(|| store.name(alert.author));
    let group = match room.kind {
        RoomKind::Direct => None,
        RoomKind::Group => Some(super::sidebar::title(&room)),
        RoomKind::Channel => Some(format!("#{}", super::sidebar::title(&room))),
    };
    let (title, body) = shows.words(&author, group.as_deref(), &alert.text);
    let options = NotificationOptions::new();
    options.set_body(&body);
    // One for each conversation: the next takes its place.
    options.set_tag(&screen_name(chat));
    // Some browsers have the word and refuse it to pages.
    let Ok(notification) = Notification::new_with_options(&title, &options) else {
        return;
    };
    let (seq, thread) = (alert.seq, alert.thread);
    let press = Closure::<dyn FnMut()>::new(move || {
        drop(window().focus());
        match thread {
            Some(root) => nav.go(Place::Thread(chat, root)),
            None => {
                nav.go(Place::Room(chat));
                talk.wanted.set(Some((chat, seq)));
            }
        }
        TOLD.with_borrow_mut(|told| told.entry(chat).or_default().close());
    });
    notification.set_onclick(Some(press.as_ref().unchecked_ref()));
    TOLD.with_borrow_mut(|told| {
        told.entry(chat).or_default().shown = Some(Shown {
            seq,
            text: alert.text.clone(),
            notification,
            _press: press,
        });
    });
}

// --- What tabs know of each other: names of locks ------------------------------------------------------------------------------

fn screen_name(chat: Chat) -> String {
    format!("{ON_SCREEN}{}.{}", chat.room, chat.channel)
}

/// Holds the lock of the conversation on screen while the page can be seen.
fn show_screen(nav: Nav) {
    let visible = RwSignal::new(!document().hidden());
    let handle = window_event_listener_untyped("visibilitychange", move |_| visible.set(!document().hidden()));
    on_cleanup(move || {
        handle.remove();
        let_go();
    });
    let here = Memo::new(move |_| nav.place().room().filter(|_| visible.get()));
    Effect::new(move |_| {
        let_go();
        if let Some(chat) = here.get() {
            let release = hold(&screen_name(chat), "shared", || {});
            SCREEN.with_borrow_mut(|screen| *screen = release);
        }
    });
}

fn let_go() {
    if let Some(release) = SCREEN.with_borrow_mut(Option::take) {
        drop(release.call0(&JsValue::UNDEFINED));
    }
}

/// Asks for a lock and keeps it until what is returned is called; `got` runs when it is had.
fn hold(name: &str, mode: &str, got: impl FnOnce() + 'static) -> Option<Function> {
    let locks = locks()?;
    let mut release = None;
    let until = Promise::new(&mut |resolve, _| release = Some(resolve));
    let on_got = Closure::once_into_js(move |_lock: JsValue| {
        got();
        until
    });
    let options = js_sys::Object::new();
    Reflect::set(&options, &"mode".into(), &mode.into()).ok()?;
    let request: Function = Reflect::get(&locks, &"request".into()).ok()?.dyn_into().ok()?;
    request.call3(&locks, &name.into(), &options, &on_got).ok()?;
    release
}

/// Names of the locks that any tab holds.
async fn held() -> Vec<String> {
    async fn query() -> Option<Vec<String>> {
        let locks = locks()?;
        let query: Function = Reflect::get(&locks, &"query".into()).ok()?.dyn_into().ok()?;
        let promise: Promise = query.call0(&locks).ok()?.dyn_into().ok()?;
        let answer = wasm_bindgen_futures::JsFuture::from(promise).await.ok()?;
        let held: js_sys::Array = Reflect::get(&answer, &"held".into()).ok()?.dyn_into().ok()?;
        let names = held
            .iter()
            .filter_map(|lock| Reflect::get(&lock, &"name".into()).ok()?.as_string());
        Some(names.collect())
    }
    query().await.unwrap_or_default()
}

fn locks() -> Option<JsValue> {
    let navigator: JsValue = window().navigator().into();
    Reflect::get(&navigator, &"locks".into())
        .ok()
        .filter(|locks| !locks.is_undefined())
}
