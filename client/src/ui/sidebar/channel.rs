//! One channel in the column. When it changes, this row is drawn anew and no other.

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::RoomId;
use wasm_bindgen::JsCast;

use super::space::{Column, Dragged, start_drag};
use super::talk::Asks;
use crate::ui::dialogs::{Ask, use_dialogs};
use crate::ui::kit::Icon;
use crate::ui::kit::menu::{Entry, Face, menu};
use crate::ui::moderation::Subject;
use crate::ui::nav::use_nav;
use crate::ui::place::Place;
use crate::ui::room::acts::{sheet_of, use_talk};
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::spaces::arrange;
use crate::ui::{hush, wire, words};
use crate::view::{ChannelInfo, ChannelKind, Chat, Command, Heading, Rights, Room};

pub fn channel(this: Column, chat: Chat) -> AnyView {
    let (store, nav) = (use_store(), use_nav());
    let room = Memo::new(move |_| store.room(chat));
    let title = Memo::new(move |_| room.with(|room| room.as_ref().map(super::title).unwrap_or_default()));
    let icon = Memo::new(move |_| room.with(|room| room.as_ref().map_or(Icon::Hash, icon_of)));
    let asks = Memo::new(move |_| room.with(|room| room.as_ref().map(Asks::of).unwrap_or_default()));
    let draft = Memo::new(move |_| room.with(|room| room.as_ref().is_some_and(|room| !room.draft.trim().is_empty())));
    let current = Memo::new(move |_| nav.place().room() == Some(chat));
    let over = Memo::new(move |_| this.over.get() == Some(Dragged::Channel(chat.channel)));
    let end = move || {
        let sign = asks.get().view().or_else(|| {
            let draft = draft.get() && !current.get();
            draft.then(|| (Icon::Pencil.s(), html::span().class("visually-hidden").child("Draft")).into_any())
        });
        sign.map(|sign| html::span().class("channel-end").child(sign))
    };
    html::li()
        .class(move || {
            if over.get() {
                "channel-row column-over"
            } else {
                "channel-row"
            }
        })
        .attr("draggable", move || this.may_drag())
        .on(ev::dragstart, move |event| {
            start_drag(&event);
            this.dragged.set(Some(Dragged::Channel(chat.channel)));
        })
        .on(ev::dragend, move |_| this.end_drag())
        .on(ev::dragover, move |event| {
            this.drag_over(&event, Dragged::Channel(chat.channel))
        })
        .on(ev::drop, move |event| {
            event.prevent_default();
            this.dropped(Dragged::Channel(chat.channel));
        })
        .attr("data-channel", chat.channel.to_string())
        // The other button of a mouse asks for the same menu as the row's own button; a finger that rests, for a sheet.
        .on(ev::contextmenu, move |event| {
            let by_finger = event
                .dyn_ref::<web_sys::PointerEvent>()
                .is_some_and(|event| event.pointer_type() == "touch");
            if by_finger {
                event.prevent_default();
                return;
            }
            let row = event
                .current_target()
                .and_then(|row| row.dyn_into::<web_sys::Element>().ok());
            let more = row.and_then(|row| row.query_selector(".column-more").ok().flatten());
            if let Some(more) = more.and_then(|more| more.dyn_into::<web_sys::HtmlElement>().ok()) {
                event.prevent_default();
                more.click();
            }
        })
        .child((
            html::a()
                .class(move || asks.get().channel_class())
                .href(Place::Room(chat).path())
                .attr("draggable", "false")
                .attr("aria-current", move || current.get().then_some("page"))
                .on(ev::keydown, move |event| {
                    let step = match event.key().as_str() {
                        "ArrowDown" if !event.alt_key() => 1,
                        "ArrowUp" if !event.alt_key() => -1,
                        _ => return,
                    };
                    event.prevent_default();
                    focus_beside(step);
                })
                .child((
                    move || icon.get().view(),
                    html::span().class("truncate").child(move || title.get()),
                    end,
                )),
            move || {
                menu(
                    "column-more",
                    Face::Icon(Icon::Ellipsis),
                    format!("Channel {}", title.get()),
                    entries(chat, this.headings, this.rights),
                )
            },
        ))
        .into_any()
}

/// By what it is.
pub fn icon_of(room: &Room) -> Icon {
    match &room.channel {
        Some(ChannelInfo { archived: true, .. }) => Icon::Archive,
        Some(ChannelInfo { kind, .. }) => kind_icon(*kind),
        None => Icon::Hash,
    }
}

pub const fn kind_icon(kind: ChannelKind) -> Icon {
    match kind {
        ChannelKind::Public => Icon::Hash,
        ChannelKind::Private => Icon::Lock,
        ChannelKind::Announcement => Icon::Megaphone,
    }
}

/// What can be done with a channel: in the column and in its bar.
pub fn entries(
    chat: Chat,
    headings: Memo<Vec<Heading>>,
    rights: Memo<Rights>,
) -> impl Fn() -> Vec<Entry> + Send + 'static {
    let (store, nav, dialogs, toasts) = (use_store(), use_nav(), use_dialogs(), use_toasts());
    let talk = use_talk();
    let send = move |command: Command| {
        wire::ask(command, move |result| {
            if let Err(problem) = result {
                toasts.danger(words::problem(&problem));
            }
        });
    };
    move || {
        let mut entries = Vec::new();
        let Some(room) = store.room(chat) else {
            return entries;
        };
        let Some(info) = room.channel else {
            return entries;
        };
        if room.unread > 0 {
            entries.push(Entry::new(Icon::Check, "Mark as read", move || {
                hush::mark_read(store, toasts, talk, chat)
            }));
        }
        entries.push(Entry::new(Icon::Settings, "Channel settings", move || {
            nav.go(Place::ChannelSettings(chat))
        }));
        entries.push(Entry::new(Icon::Bell, "Notifications…", move || {
            dialogs.open(hush::ask(chat))
        }));
        if info.kind == ChannelKind::Private {
            entries.push(Entry::new(Icon::Users, "People in this channel", move || {
                nav.go(Place::Members(chat))
            }));
        }
        let may = rights.get();
        if (may.meta || may.channel) && !info.archived {
            entries.push(Entry::new(Icon::Hourglass, "Slow mode…", move || {
                dialogs.open(Ask::Order(chat.room, Subject::SlowMode(chat.channel)))
            }));
        }
        if !rights.get().channel {
            return entries;
        }
        entries.push(Entry::new(Icon::Pencil, "Edit name and topic", move || {
            dialogs.open(Ask::EditChannel(chat))
        }));
        let now = headings.get();
        let in_list = |channel| {
            let room = store.room(Chat { channel, ..chat });
            room.and_then(|room| room.channel).is_some_and(|info| !info.archived)
        };
        if !info.archived {
            for (icon, label, down) in [(Icon::ArrowUp, "Move up", false), (Icon::ArrowDown, "Move down", true)] {
                if let Some(next) = arrange::step(&now, chat.channel, down, in_list) {
                    let arranged = move || {
                        send(Command::Arrange {
                            space: chat.room,
                            headings: next.clone(),
                        })
                    };
                    entries.push(Entry::new(icon, label, arranged));
                }
            }
            if now.len() > 1 {
                entries.push(Entry::new(Icon::ArrowRight, "Move to…", move || {
                    dialogs.open(Ask::MoveChannel(chat))
                }));
            }
        }
        let archived = !info.archived;
        let archive = move || send(Command::ArchiveChannel { chat, archived });
        let label = if archived { "Archive" } else { "Take out of the archive" };
        entries.push(Entry::new(Icon::Archive, label, archive));
        entries
    }
}

/// The channel under a finger, and what that asks for.
pub fn under_finger(space: RoomId, event: &web_sys::PointerEvent) -> Option<(web_sys::HtmlElement, Ask)> {
    let target = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    let link = target.closest("a.channel").ok()??;
    let row = link.closest("[data-channel]").ok()??;
    let channel = row.get_attribute("data-channel")?.parse().ok()?;
    Some((link.dyn_into().ok()?, Ask::Channel(Chat { room: space, channel })))
}

/// The menu of a channel as a sheet.
pub fn sheet(chat: Chat) -> AnyView {
    let (store, dialogs, talk) = (use_store(), use_dialogs(), use_talk());
    let space = Memo::new(move |_| store.space(chat.room));
    let headings =
        Memo::new(move |_| space.with(|space| space.as_ref().map(|space| space.headings.clone()).unwrap_or_default()));
    let rights = Memo::new(move |_| space.with(|space| space.as_ref().map(|space| space.rights).unwrap_or_default()));
    let entry = |entry: Entry| {
        let act = entry.act;
        html::button()
            .r#type("button")
            .class("menu-item")
            .on(ev::click, move |_| {
                // The finger that opened this is still being lifted.
                if talk.resting.get_untracked() {
                    return;
                }
                act();
                // Unless the next dialog took the place of this one.
                if dialogs.shows(&Ask::Channel(chat)) {
                    dialogs.close();
                }
            })
            .child((entry.icon.view(), entry.label))
    };
    let entries = untrack(entries(chat, headings, rights));
    let content = html::div()
        .on(ev::pointerdown, move |_| talk.resting.set(false))
        .child(entries.into_iter().map(entry).collect_view());
    let title = untrack(|| store.room(chat))
        .map(|room| super::title(&room))
        .unwrap_or_default();
    sheet_of(&title, None, content.into_any())
}

/// Moves the focus to the channel before or behind this one, across headings.
fn focus_beside(step: i32) {
    let Ok(rows) = document().query_selector_all(".column-body .channel") else {
        return;
    };
    let rows: Vec<web_sys::HtmlElement> = (0..rows.length())
        .filter_map(|at| rows.item(at)?.dyn_into().ok())
        .collect();
    let here = crate::ui::browser::focused().and_then(|focused| rows.iter().position(|row| *row == focused));
    let at = here.and_then(|at| usize::try_from(i32::try_from(at).ok()? + step).ok());
    if let Some(row) = at.and_then(|at| rows.get(at)) {
        drop(row.focus());
    }
}
