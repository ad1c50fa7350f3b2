//! The frame of the app: rail, column, sheet. On narrow screens one pane at a time, at the same addresses.

use std::time::Duration;

use leptos::html;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use sotto_shared::id::RoomId;

use super::nav::use_nav;
use super::place::Place;
use super::screen::{use_narrow, use_store};
use super::spaces::space_of;
use super::switcher::use_recent;
use super::{browser, link, moderation, notices, people, rail, room, settings, shortcuts, sidebar, spaces, wire};
use crate::view::{Chat, Command};

/// What stands in the column.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Messages,
    Settings,
    Space(RoomId),
    SpaceSettings(RoomId),
}

/// What stands in the sheet.
#[derive(Clone, Copy, PartialEq)]
enum Main {
    Conversation,
    Settings,
    Space(RoomId),
    SpaceSettings(RoomId),
    ChannelSettings(Chat),
    Changes(RoomId),
    Reports(RoomId),
    Link,
    Contacts,
    Saved,
}

const HIDDEN: &str = "sotto.column-hidden";

/// Whether the column is hidden in this browser, so that a wide screen has all its room for the conversation.
#[derive(Clone, Copy)]
pub struct Column(RwSignal<bool>);

impl Default for Column {
    fn default() -> Self {
        Self(RwSignal::new(browser::kept(HIDDEN).is_some()))
    }
}

pub fn use_column() -> Column {
    expect_context()
}

impl Column {
    /// What turning it does.
    pub fn offer(self) -> &'static str {
        if self.0.get() {
            "Show the column"
        } else {
            "Hide the column"
        }
    }

    pub fn turn(self) {
        self.0.update(|hidden| *hidden = !*hidden);
        browser::keep(HIDDEN, self.0.get_untracked().then_some("yes"));
    }
}

pub fn frame() -> AnyView {
    let (nav, store, column) = (use_nav(), use_store(), use_column());
    use_recent().watch();
    shortcuts::watch();
    watch_visibility();
    provide_context(notices::watch());
    watch_presence();

    let side = Memo::new(move |_| match nav.place() {
        Place::Settings | Place::Setting(_) => Side::Settings,
        Place::SpaceSettings(space) | Place::SpaceSetting(space, _) => Side::SpaceSettings(space),
        place => space_of(store, place).map_or(Side::Messages, Side::Space),
    });
    let main = Memo::new(move |_| match nav.place() {
        Place::Settings | Place::Setting(_) => Main::Settings,
        Place::SpaceSettings(space) | Place::SpaceSetting(space, _) => Main::SpaceSettings(space),
        Place::ChannelSettings(chat) => Main::ChannelSettings(chat),
        Place::Space(space) => Main::Space(space),
        Place::Changes(room) => Main::Changes(room),
        Place::Reports(room) => Main::Reports(room),
        Place::Link => Main::Link,
        Place::Contacts(_) => Main::Contacts,
        Place::Saved => Main::Saved,
        _ => Main::Conversation,
    });
    let pane = Memo::new(move |_| match nav.place() {
        Place::Members(_) | Place::Pins(_) | Place::Threads(_) | Place::Thread(..) => "panel",
        Place::Room(_)
        | Place::Changes(_)
        | Place::Reports(_)
        | Place::Setting(_)
        | Place::ChannelSettings(_)
        | Place::SpaceSetting(..)
        | Place::Link
        | Place::Contacts(_)
        | Place::Saved => "room",
        _ => "list",
    });
    // Where the list stands alone, it is the main part.
    let narrow = use_narrow();
    let list_alone = Memo::new(move |_| narrow.get() && pane.get() == "list");
    let main_if = |here: bool| here.then_some("main");
    html::div()
        .class("shell")
        .attr("data-pane", move || pane.get())
        // Settings are nothing without theirs.
        .attr("data-column", move || {
            matches!(side.get(), Side::Messages | Side::Space(_))
                .then(|| if column.0.get() { "hidden" } else { "shown" })
        })
        .child((
            rail::rail(),
            html::div()
                .class("side")
                .attr("role", move || main_if(list_alone.get()))
                .attr("id", move || main_if(list_alone.get()))
                .attr("tabindex", move || list_alone.get().then_some("-1"))
                .child(move || match side.get() {
                    Side::Settings => settings::column(),
                    Side::SpaceSettings(space) => spaces::settings::column(space),
                    Side::Space(space) => sidebar::space::column(space),
                    Side::Messages => sidebar::column(),
                }),
            html::main()
                .class("sheet")
                .attr("id", move || main_if(!list_alone.get()))
                .tabindex("-1")
                .child(move || match main.get() {
                    Main::Settings => settings::sheet(),
                    Main::SpaceSettings(space) => spaces::settings::sheet(space),
                    Main::ChannelSettings(chat) => spaces::settings::channel(chat),
                    Main::Space(space) => spaces::home::sheet(space),
                    Main::Changes(room) => moderation::changes::page(room),
                    Main::Reports(room) => moderation::reports::page(room),
                    Main::Link => link::sheet(),
                    Main::Contacts => people::contacts::sheet(),
                    Main::Saved => room::saved::sheet(),
                    Main::Conversation => room::sheet(),
                }),
        ))
        .into_any()
}

/// Tells the worker whether the page can be seen, and before that whether it may say what was read: another tab of this
/// browser may have changed that meanwhile.
fn watch_visibility() {
    let tell = || {
        wire::tell(Command::TellRead {
            on: browser::tells_read(),
        });
        wire::tell(Command::TellTyping {
            on: browser::tells(browser::TYPING),
        });
        wire::tell(Command::TellReached {
            on: browser::tells(browser::REACHED),
        });
        wire::tell(Command::TellPresence {
            on: browser::tells(browser::PRESENCE),
        });
        wire::tell(Command::Looking {
            visible: !document().hidden(),
        })
    };
    tell();
    let handle = window_event_listener_untyped("visibilitychange", move |_| tell());
    on_cleanup(move || handle.remove());
}

/// Who does nothing for so long has left the page alone.
const IDLE: Duration = Duration::from_secs(5 * 60);

/// Tells the worker whether somebody is at the page: it can be seen, and was used not long ago.
fn watch_presence() {
    let here = RwSignal::new(!document().hidden());
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let stir = move || {
        if let Some(timer) = timer.try_update_value(Option::take).flatten() {
            timer.clear();
        }
        let now = !document().hidden();
        if here.try_get_untracked() != Some(now) {
            let _ = here.try_set(now);
        }
        let later = set_timeout_with_handle(
            move || {
                let _ = here.try_set(false);
            },
            IDLE,
        );
        timer.try_set_value(later.ok());
    };
    stir();
    Effect::new(move |before: Option<bool>| {
        let now = here.get();
        if before != Some(now) {
            wire::tell(Command::BeHere { here: now });
        }
        now
    });
    let handles = ["visibilitychange", "pointerdown", "pointermove", "keydown"]
        .map(|event| window_event_listener_untyped(event, move |_| stir()));
    let leaving = window_event_listener_untyped("pagehide", |_| wire::tell(Command::Leaving));
    on_cleanup(move || {
        handles.into_iter().for_each(|handle| handle.remove());
        leaving.remove();
        if let Some(timer) = timer.try_update_value(Option::take).flatten() {
            timer.clear();
        }
    });
}
