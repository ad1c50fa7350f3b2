//! The frame of the app: rail, column, sheet. On narrow screens one pane at a time, at the same addresses.

use leptos::html;
use leptos::prelude::*;
use sotto_shared::id::RoomId;

use super::nav::use_nav;
use super::place::Place;
use super::screen::use_narrow;
use super::switcher::use_recent;
use super::{browser, link, rail, room, settings, shortcuts, sidebar, spaces, wire};
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
    Link,
}

pub fn frame() -> AnyView {
    let nav = use_nav();
    use_recent().watch();
    shortcuts::watch();
    watch_visibility();

    let side = Memo::new(move |_| match nav.place() {
        Place::Settings | Place::Setting(_) => Side::Settings,
        Place::SpaceSettings(space) | Place::SpaceSetting(space, _) => Side::SpaceSettings(space),
        place => place.space().map_or(Side::Messages, Side::Space),
    });
    let main = Memo::new(move |_| match nav.place() {
        Place::Settings | Place::Setting(_) => Main::Settings,
        Place::SpaceSettings(space) | Place::SpaceSetting(space, _) => Main::SpaceSettings(space),
        Place::ChannelSettings(chat) => Main::ChannelSettings(chat),
        Place::Space(space) => Main::Space(space),
        Place::Link => Main::Link,
        _ => Main::Conversation,
    });
    let pane = Memo::new(move |_| match nav.place() {
        Place::Members(_) => "panel",
        Place::Room(_) | Place::Setting(_) | Place::ChannelSettings(_) | Place::SpaceSetting(..) | Place::Link => {
            "room"
        }
        _ => "list",
    });
    // Where the list stands alone, it is the main part.
    let narrow = use_narrow();
    let list_alone = Memo::new(move |_| narrow.get() && pane.get() == "list");
    let main_if = |here: bool| here.then_some("main");
    html::div()
        .class("shell")
        .attr("data-pane", move || pane.get())
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
                    Main::Link => link::sheet(),
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
        wire::tell(Command::Looking {
            visible: !document().hidden(),
        })
    };
    tell();
    let handle = window_event_listener_untyped("visibilitychange", move |_| tell());
    on_cleanup(move || handle.remove());
}
