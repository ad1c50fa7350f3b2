//! Settings of a space and of a channel: pages with addresses.

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::RoomId;

use super::{name_of, roles};
use crate::ui::dialogs::{Ask, refuse, use_dialogs};
use crate::ui::kit::field::{Field, Kind};
use crate::ui::kit::mark::{Shape, Size, mark};
use crate::ui::kit::{Icon, button};
use crate::ui::nav::{icon_link, use_nav};
use crate::ui::place::{Place, SpacePage};
use crate::ui::room::members;
use crate::ui::room::roster::roster;
use crate::ui::screen::{use_narrow, use_store, use_toasts};
use crate::ui::sidebar::space::is_in;
use crate::ui::sidebar::{self, kind_icon};
use crate::ui::{wire, words};
use crate::view::{ChannelKind, Chat, Command};

pub fn column(id: RoomId) -> AnyView {
    let (store, dialogs, narrow) = (use_store(), use_dialogs(), use_narrow());
    let name = Memo::new(move |_| store.space(id).map(|space| name_of(&space)).unwrap_or_default());
    let inside = Memo::new(move |_| is_in(store, id));
    html::nav()
        .class("column settings-nav")
        .attr("aria-label", "Space settings")
        .child((
            html::header().class("column-head").child((
                // On a narrow screen, where the bar below leads to the messages.
                html::a()
                    .class("button button-quiet settings-back")
                    .href(Place::Space(id).path())
                    .child((Icon::ArrowLeft.view(), "Back to the space")),
                html::div().class("spread column-title").child((
                    html::h2()
                        .class("column-name truncate")
                        .attr("aria-level", move || narrow.level())
                        .child(move || name.get()),
                    icon_link(
                        "button button-quiet button-icon button-s",
                        Place::Space(id),
                        Icon::X,
                        "Back to the space",
                    ),
                )),
            )),
            html::div().class("column-body").child((
                html::p().class("menu-title").child("This space"),
                html::ul().child(SpacePage::ALL.map(|page| item(id, page)).into_iter().collect_view()),
                move || {
                    inside.get().then(|| {
                        html::ul().class("settings-out").child(
                            html::li().child(
                                html::button()
                                    .r#type("button")
                                    .class("channel")
                                    .on(ev::click, move |_| dialogs.open(Ask::LeaveSpace(id)))
                                    .child((Icon::LogOut.view(), html::span().class("truncate").child("Leave space"))),
                            ),
                        )
                    })
                },
            )),
            sidebar::me(),
        ))
        .into_any()
}

const fn icon(page: SpacePage) -> Icon {
    match page {
        SpacePage::General => Icon::Settings,
        SpacePage::Roles => Icon::ShieldCheck,
        SpacePage::Members => Icon::Users,
    }
}

fn item(id: RoomId, page: SpacePage) -> AnyView {
    let (nav, narrow) = (use_nav(), use_narrow());
    let here = move || match nav.place() {
        Place::SpaceSetting(_, open) => (open == page).then_some("page"),
        // On a wide screen the first page stands open beside the list.
        _ => (page == SpacePage::General && !narrow.get()).then_some("page"),
    };
    html::li()
        .child(
            html::a()
                .class("channel")
                .href(Place::SpaceSetting(id, page).path())
                .attr("aria-current", here)
                .child((icon(page).view(), html::span().class("truncate").child(page.title()))),
        )
        .into_any()
}

/// The head of a page.
pub fn head(title: &'static str, sub: &'static str) -> AnyView {
    html::header()
        .child((
            html::h1().class("settings-title").id("settings-title").child(title),
            html::p().class("settings-sub").child(sub),
        ))
        .into_any()
}

fn page(back: Place, back_to: &'static str, content: AnyView) -> AnyView {
    html::div()
        .class("settings-main")
        // It scrolls, so it must be reachable by keys.
        .tabindex("0")
        .child(
            html::section()
                .class("settings-page")
                .attr("aria-labelledby", "settings-title")
                .child((
                    html::a()
                        .class("button button-quiet settings-back")
                        .href(back.path())
                        .child((Icon::ArrowLeft.view(), back_to)),
                    content,
                )),
        )
        .into_any()
}

pub fn sheet(id: RoomId) -> AnyView {
    let (nav, store) = (use_nav(), use_store());
    let open = Memo::new(move |_| match nav.place() {
        Place::SpaceSetting(_, page) => page,
        _ => SpacePage::General,
    });
    let known = Memo::new(move |_| store.space(id).is_some());
    (move || {
        if !known.get() {
            return super::home::absent();
        }
        let content = match open.get() {
            SpacePage::General => general(id),
            SpacePage::Roles => roles::page(id),
            SpacePage::Members => people(id),
        };
        page(Place::SpaceSettings(id), "Space settings", content)
    })
    .into_any()
}

fn general(id: RoomId) -> AnyView {
    let (store, toasts) = (use_store(), use_toasts());
    let space = Memo::new(move |_| store.space(id));
    let named =
        Memo::new(move |_| space.with(|space| space.as_ref().map(|space| space.name.clone()).unwrap_or_default()));
    let may = Memo::new(move |_| space.with(|space| space.as_ref().is_some_and(|space| space.rights.meta)));
    let look = Memo::new(move |_| space.with(|space| space.as_ref().map(|space| space.mark)));
    let (name, error, busy) = (
        RwSignal::new(named.get_untracked()),
        RwSignal::new(None::<String>),
        RwSignal::new(false),
    );
    // Somebody else may give it another name while nothing was typed here.
    Effect::new(move |before: Option<String>| {
        let now = named.get();
        if before.is_some_and(|before| name.with_untracked(|name| *name == before)) {
            name.set(now.clone());
        }
        now
    });
    let save = move || {
        busy.set(true);
        error.set(None);
        let command = Command::RenameRoom {
            room: id,
            name: name.get_untracked().trim().to_owned(),
        };
        wire::ask(command, move |result| {
            busy.try_set(false);
            match result {
                Ok(_) => toasts.ok("The space has its new name."),
                Err(problem) => refuse(toasts, error, &problem),
            }
        });
    };
    let form = move || {
        if !may.get() {
            return html::section()
                .class("settings-group")
                .child((
                    html::h2().child("Name"),
                    html::p()
                        .class("settings-sub")
                        .child(move || format!("{}. Those who may speak for the space can change it.", named.get())),
                ))
                .into_any();
        }
        let field = Field {
            label: "Name".into(),
            hint: Some("Everybody in the space sees the change. The server cannot read it."),
            kind: Kind::Name,
            value: name,
            error: error.into(),
            suffix: Signal::stored(String::new()),
            focus: false,
        };
        let changed = Signal::derive(move || name.with(|name| !name.trim().is_empty() && *name.trim() != named.get()));
        html::form()
            .class("settings-group")
            .attr("novalidate", "")
            .attr("aria-label", "Name of the space")
            .on(ev::submit, move |event| {
                event.prevent_default();
                if !busy.get_untracked() {
                    save();
                }
            })
            .child((
                field.view(),
                html::div().class("kit-row").child(button::submit(
                    "button button-primary",
                    "Save the name",
                    busy.into(),
                    changed,
                )),
            ))
            .into_any()
    };
    let fact = |icon: Icon, title: &'static str, text: &'static str| {
        html::li().child((
            html::span().class("row-icon").child(icon.m()),
            html::div().class("row-text").child((
                html::p().class("row-title").child(title),
                html::p().class("row-sub").child(text),
            )),
        ))
    };
    (
        head(SpacePage::General.title(), "Its name, its picture, and who can read what. Sotto draws the picture; nobody can change it."),
        html::div().class("space-face").child((
            move || look.get().map(|bytes| mark(bytes, Shape::Group, Size::S72)),
            html::div().child((
                html::p().class("row-title").child(move || named.get()),
                html::p().class("row-sub").child(move || {
                    space.with(|space| space.as_ref().map(|space| words::count(space.members as usize, "member", "members")))
                }),
            )),
        )),
        form,
        html::section().class("settings-group").child((
            html::h2().child("Who can read what"),
            html::ul().class("settings-list rows").child((
                fact(Icon::Hash, "Public channels", "Everybody in this space, also what was written before they came."),
                fact(Icon::Lock, "Private channels", "Only those who were brought in, by a key of their own. Owners are no exception."),
                fact(Icon::Server, "The server", "Nothing of it: no name, no topic, no word. It learns who is in the space, how many channels there are, and when somebody writes how much."),
            )),
        )),
    )
        .into_any()
}

fn people(id: RoomId) -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let groups = members::groups(id, Signal::stored(None));
    let may = Memo::new(move |_| store.space(id).is_some_and(|space| space.rights.invite));
    let known = Memo::new(move |_| store.members(id).is_some());
    (
        head(
            SpacePage::Members.title(),
            "Everybody in this space, by role. Press a name for what can be done.",
        ),
        move || {
            may.get().then(|| {
                html::div().class("kit-row").child(button::button(
                    "button",
                    (Icon::UserPlus.view(), "Add people"),
                    move || dialogs.open(Ask::AddPeople(id.into())),
                ))
            })
        },
        move || {
            known.get().then(|| {
                html::div().class("settings-list space-people").child(roster(
                    ().into_any(),
                    groups,
                    move |user, role| members::member(id, None, user, role),
                ))
            })
        },
    )
        .into_any()
}

/// The page of one channel.
pub fn channel(chat: Chat) -> AnyView {
    let (store, dialogs, toasts) = (use_store(), use_dialogs(), use_toasts());
    let room = Memo::new(move |_| store.room(chat));
    let info = Memo::new(move |_| room.with(|room| room.as_ref().and_then(|room| room.channel.clone())));
    let known = Memo::new(move |_| info.with(Option::is_some));
    let title = Memo::new(move |_| room.with(|room| room.as_ref().map(sidebar::title).unwrap_or_default()));
    let may = Memo::new(move |_| store.space(chat.room).is_some_and(|space| space.rights.channel));
    let kind = Memo::new(move |_| info.with(|info| info.as_ref().map_or(ChannelKind::Public, |info| info.kind)));
    let archived = Memo::new(move |_| info.with(|info| info.as_ref().is_some_and(|info| info.archived)));
    let topic = Memo::new(move |_| info.with(|info| info.as_ref().map(|info| info.topic.clone()).unwrap_or_default()));
    let inside = Memo::new(move |_| store.channel_members(chat).map_or(0, |users| users.len()));
    let me = store.me();
    let set_archived = move |archived: bool| {
        wire::ask(Command::ArchiveChannel { chat, archived }, move |result| match result {
            Ok(_) if archived => toasts.ok("The channel is in the archive."),
            Ok(_) => toasts.ok("The channel is back in the list."),
            Err(problem) => toasts.danger(words::problem(&problem)),
        });
    };
    let content = move || {
        (
            html::header().child((
                html::h1()
                    .class("settings-title channel-title")
                    .id("settings-title")
                    .child((move || kind_icon(kind.get()).view(), html::span().child(move || title.get()))),
                html::p().class("settings-sub").child(move || match topic.get() {
                    topic if topic.is_empty() => "No topic yet.".to_owned(),
                    topic => topic,
                }),
            )),
            move || {
                may.get().then(|| {
                    html::div().class("kit-row").child(button::button(
                        "button",
                        (Icon::Pencil.view(), "Edit name and topic"),
                        move || dialogs.open(Ask::EditChannel(chat)),
                    ))
                })
            },
            html::section().class("settings-group").child((
                html::h2().child("Who can read here"),
                html::ul().class("settings-list rows").child(html::li().child((
                    html::span().class("row-icon").child(move || kind_icon(kind.get()).m()),
                    html::div().class("row-text").child((
                        html::p().class("row-title").child(move || words::channel_kind(kind.get())),
                        html::p().class("row-sub").child(move || words::channel_readers(kind.get())),
                    )),
                    move || {
                        (kind.get() == ChannelKind::Private).then(|| {
                            html::div().class("row-acts").child((
                                html::a()
                                    .class("button button-s")
                                    .href(Place::Members(chat).path())
                                    .child(move || words::count(inside.get(), "person", "people")),
                                may.get().then(|| {
                                    button::button("button button-s", "Add people", move || {
                                        dialogs.open(Ask::ChannelPeople(chat))
                                    })
                                }),
                                me.map(|me| {
                                    button::button("button button-s button-danger-quiet", "Leave channel", move || {
                                        dialogs.open(Ask::TakeOut(chat, me))
                                    })
                                }),
                            ))
                        })
                    },
                ))),
            )),
            move || {
                may.get().then(|| {
                    let (text, label) = if archived.get() {
                        ("It stands under “Archived channels”. Everything in it can be read; nothing is written.", "Take out of the archive")
                    } else {
                        ("It leaves the list. Everything in it stays and can be read; nothing more is written until it is taken out again.", "Archive the channel")
                    };
                    let archive = !archived.get();
                    html::section().class("settings-group").child((
                        html::h2().child("Archive"),
                        html::p().class("settings-sub").child(text),
                        html::div()
                            .class("kit-row")
                            .child(button::button("button", (Icon::Archive.view(), label), move || set_archived(archive))),
                    ))
                })
            },
        )
            .into_any()
    };
    (move || {
        if known.get() {
            page(Place::Room(chat), "Back to the channel", content())
        } else {
            super::home::absent()
        }
    })
    .into_any()
}
