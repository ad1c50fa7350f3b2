//! The frame of the app: rail, column, sheet. On narrow screens one pane at a time, at the same addresses.

use leptos::html;
use leptos::prelude::*;

use super::nav::use_nav;
use super::place::Place;
use super::screen::use_narrow;
use super::switcher::use_recent;
use super::{browser, link, rail, room, settings, shortcuts, sidebar, wire};
use crate::view::Command;

pub fn frame() -> AnyView {
    let nav = use_nav();
    use_recent().watch();
    shortcuts::watch();
    watch_visibility();

    let in_settings = Memo::new(move |_| nav.place().in_settings());
    let at_link = Memo::new(move |_| nav.place() == Place::Link);
    let pane = Memo::new(move |_| match nav.place() {
        Place::Members(_) => "panel",
        Place::Room(_) | Place::Setting(_) | Place::Link => "room",
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
                .child(move || {
                    if in_settings.get() {
                        settings::column()
                    } else {
                        sidebar::column()
                    }
                }),
            html::main()
                .class("sheet")
                .attr("id", move || main_if(!list_alone.get()))
                .tabindex("-1")
                .child(move || {
                    if in_settings.get() {
                        settings::sheet()
                    } else if at_link.get() {
                        link::sheet()
                    } else {
                        room::sheet()
                    }
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
