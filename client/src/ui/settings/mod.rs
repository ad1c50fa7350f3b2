//! Settings: what belongs to this account and this browser, and what the server sees.

pub mod account;
mod appearance;
mod build;
pub mod devices;
mod lock;
mod notifications;
mod picture;
mod privacy;
mod profile;
pub mod recovery_key;
mod rows;
mod security;
pub mod server;

use leptos::prelude::*;
use leptos::{ev, html};

use super::dialogs::{Ask, Confirm, use_dialogs};
use super::guest;
use super::kit::Icon;
use super::lock::use_lock;
use super::nav::{icon_link, use_nav};
use super::place::{Page, Place};
use super::screen::use_narrow;
use super::sidebar;
use super::title::page_title;
use crate::view::Command;

pub fn column() -> AnyView {
    let (dialogs, narrow, lock) = (use_dialogs(), use_narrow(), use_lock());
    let am_guest = guest::am_guest();
    html::nav()
        .class("column settings-nav")
        .attr("aria-label", "Settings")
        .child((
            html::header().class("column-head").child(
                html::div().class("spread column-title").child((
                    html::h2()
                        .class("column-name")
                        .attr("aria-level", move || narrow.level())
                        .child("Settings"),
                    icon_link(
                        "button button-quiet button-icon button-s",
                        Place::Messages,
                        Icon::X,
                        "Back to messages",
                    ),
                )),
            ),
            html::div().class("column-body").child((
                sidebar::column_banners(),
                html::p().class("menu-title").child("You"),
                html::ul().child((
                    item(Page::Profile),
                    item(Page::Account),
                    item(Page::Devices),
                    item(Page::Security),
                    move || (!am_guest.get()).then(|| item(Page::Lock)),
                    item(Page::Privacy),
                )),
                html::p().class("menu-title").child("Sotto"),
                html::ul().child((item(Page::Notifications), item(Page::Appearance), item(Page::Server))),
                html::ul().class("settings-out").child((
                    move || {
                        (!am_guest.get()).then(|| {
                            html::li().child(
                                html::button()
                                    .r#type("button")
                                    .class("channel")
                                    .on(ev::click, move |_| lock.now())
                                    .child((Icon::Lock.view(), html::span().class("truncate").child("Lock now"))),
                            )
                        })
                    },
                    html::li().child(
                        html::button()
                            .r#type("button")
                            .class("channel")
                            .on(ev::click, move |_| dialogs.open(Ask::SignOut))
                            .child((
                                Icon::LogOut.view(),
                                html::span().class("truncate").child("Sign out of this browser"),
                            )),
                    ),
                )),
            )),
            sidebar::me(),
        ))
        .into_any()
}

const fn icon(page: Page) -> Icon {
    match page {
        Page::Profile => Icon::UserRound,
        Page::Account => Icon::Lock,
        Page::Devices => Icon::Laptop,
        Page::Security => Icon::KeyRound,
        Page::Lock => Icon::Clock,
        Page::Notifications => Icon::Bell,
        Page::Privacy => Icon::Eye,
        Page::Appearance => Icon::Palette,
        Page::Server => Icon::Server,
    }
}

fn item(page: Page) -> AnyView {
    let (nav, narrow) = (use_nav(), use_narrow());
    let here = move || match nav.place() {
        Place::Setting(open) => (open == page).then_some("page"),
        // On a wide screen the first page stands open beside the list.
        _ => (page == Page::Profile && !narrow.get()).then_some("page"),
    };
    html::li()
        .child(
            html::a()
                .class("channel")
                .href(Place::Setting(page).path())
                .attr("aria-current", here)
                .child((
                    icon(page).view(),
                    html::span().class("truncate").child(page_title(page)),
                )),
        )
        .into_any()
}

pub fn sheet() -> AnyView {
    let nav = use_nav();
    let page = Memo::new(move |_| {
        if let Place::Setting(page) = nav.place() {
            page
        } else {
            Page::Profile
        }
    });
    html::div()
        .class("settings-main")
        // It scrolls, so it must be reachable by keys.
        .tabindex("0")
        .child(move || {
            let page = page.get();
            let content = match page {
                Page::Profile => profile::page(),
                Page::Account => account::page(),
                Page::Devices => devices::page(),
                Page::Security => security::page(),
                Page::Lock => lock::page(),
                Page::Notifications => notifications::page(),
                Page::Privacy => privacy::page(),
                Page::Appearance => appearance::page(),
                Page::Server => server::page(),
            };
            html::section()
                .class("settings-page")
                .attr("aria-labelledby", "settings-title")
                .child((
                    html::a()
                        .class("button button-quiet settings-back")
                        .href(Place::Settings.path())
                        .child((Icon::ArrowLeft.view(), "Settings")),
                    content,
                ))
        })
        .into_any()
}

/// The head of a page.
fn head(page: Page, sub: &'static str) -> AnyView {
    html::header()
        .child((
            html::h1()
                .class("settings-title")
                .id("settings-title")
                .child(page_title(page)),
            html::p().class("settings-sub").child(sub),
        ))
        .into_any()
}

pub fn sign_out() -> AnyView {
    let nav = use_nav();
    if guest::am_guest().get_untracked() {
        return guest::leave();
    }
    Confirm {
        title: "Sign out of this browser?".into(),
        text: "This removes your keys, your messages and everything that waits to be sent from this browser. Your account and its messages stay; handle and password bring them back, here or in another browser.".into(),
        act: "Sign out",
        safe: "Stay signed in",
        command: Command::SignOut,
        done: Box::new(move || {
            // Where they were is nothing for whoever signs in next.
            let _ = nav.take_wanted();
            nav.replace(Place::Home);
        }),
    }
    .view()
}

/// One line of a list of things to know.
fn fact(icon: Icon, title: &'static str, text: &'static str) -> AnyView {
    html::li()
        .child((
            html::span().class("row-icon").child(icon.m()),
            html::div().class("row-text").child((
                html::p().class("row-title").child(title),
                html::p().class("row-sub").child(text),
            )),
        ))
        .into_any()
}
