//! The column of a space: its name and what can be done with it, headings that fold, channels.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::{ChannelId, RoomId};

use super::channel::{channel, under_finger};
use super::{column_banners, me};
use crate::state::Store;
use crate::ui::dialogs::{Ask, use_dialogs};
use crate::ui::kit::menu::{Entry, Face, menu};
use crate::ui::kit::toast::Toasts;
use crate::ui::kit::{Icon, button, unique};
use crate::ui::nav::{link, use_nav};
use crate::ui::place::{Place, SpacePage};
use crate::ui::room::acts::Fingers;
use crate::ui::screen::{use_narrow, use_store, use_toasts};
use crate::ui::spaces::arrange::{self, NONE};
use crate::ui::spaces::name_of;
use crate::ui::{browser, moderation, switcher, wire, words};
use crate::view::{Chat, Command, Heading, Link, Rights, Standing};

/// What is being dragged in the column.
#[derive(Clone, Copy, PartialEq)]
pub enum Dragged {
    Channel(ChannelId),
    Heading(u16),
}

/// What the rows of one column share.
#[derive(Clone, Copy)]
pub struct Column {
    pub space: RoomId,
    pub headings: Memo<Vec<Heading>>,
    pub rights: Memo<Rights>,
    pub dragged: RwSignal<Option<Dragged>>,
    /// Over what.
    pub over: RwSignal<Option<Dragged>>,
    toasts: Toasts,
}

pub fn column(id: RoomId) -> AnyView {
    let (store, narrow) = (use_store(), use_narrow());
    let space = Memo::new(move |_| store.space(id));
    let name = Memo::new(move |_| {
        let name = space.with(|space| space.as_ref().map(name_of));
        name.unwrap_or_else(|| "a space that is not here".to_owned())
    });
    let this = Column {
        space: id,
        headings: Memo::new(move |_| {
            space.with(|space| space.as_ref().map(|space| space.headings.clone()).unwrap_or_default())
        }),
        rights: Memo::new(move |_| space.with(|space| space.as_ref().map(|space| space.rights).unwrap_or_default())),
        dragged: RwSignal::new(None),
        over: RwSignal::new(None),
        toasts: use_toasts(),
    };
    let ids = Memo::new(move |_| {
        this.headings
            .with(|headings| headings.iter().map(|heading| heading.id).collect::<Vec<_>>())
    });
    let known = Memo::new(move |_| space.with(Option::is_some));
    let closed = Memo::new(move |_| {
        let banned = moderation::am_banned(store, id);
        space.with(|space| space.as_ref().and_then(|space| standing(&space.standing, banned)))
    });
    // Where the note above says why, it says enough.
    let none = Memo::new(move |_| {
        known.get()
            && closed.with(Option::is_none)
            && this
                .headings
                .with(|headings| headings.iter().all(|heading| heading.channels.is_empty()))
    });
    let fingers = Fingers::on(move |event| under_finger(id, event));
    fingers.watch();
    let (down, moved) = (fingers.clone(), fingers);
    html::nav()
        .class("column")
        .attr("aria-label", move || format!("Channels of {}", name.get()))
        .child((
            html::header().class("column-head").child((
                html::div().child((
                    html::h2()
                        .class("visually-hidden")
                        .attr("aria-level", move || narrow.level())
                        .child(move || name.get()),
                    move || known.get().then(|| head(this, name)),
                )),
                switcher::opener("Jump to"),
            )),
            html::div()
                .class("column-body")
                .on(ev::pointerdown, move |event| down.down(&event))
                .on(ev::pointermove, move |event| moved.moved(&event))
                .child((
                    column_banners(),
                    move || (!known.get()).then(unknown),
                    move || {
                        closed
                            .get()
                            .map(|says| html::p().class("column-note").attr("role", "status").child(says))
                    },
                    For(ForProps::builder()
                        .each(move || ids.get())
                        .key(|id| *id)
                        .children(move |heading| group(this, heading))
                        .build()),
                    move || none.get().then(|| nothing(this)),
                    archived(this),
                )),
            me(),
        ))
        .into_any()
}

/// The space is not here, or not yet.
fn unknown() -> AnyView {
    let store = use_store();
    (move || {
        if store.syncing().get() || store.link().get() == Link::Connecting {
            let row = |_| {
                html::div()
                    .class("channel")
                    .attr("aria-hidden", "true")
                    .child(html::span().class("skeleton skeleton-60"))
            };
            return (0..5).map(row).collect_view().into_any();
        }
        html::div()
            .class("column-empty")
            .child((
                html::p().child("This space is not here. You may have left it."),
                link("button button-s", Place::Messages, "All messages"),
            ))
            .into_any()
    })
    .into_any()
}

/// Why nothing can be done here now.
fn standing(standing: &Standing, banned: bool) -> Option<&'static str> {
    match standing {
        Standing::WaitingForKey => {
            Some("The key of this space is on the way. Names and channels appear by themselves.")
        }
        Standing::Removed if banned => Some("You are banned from this space."),
        Standing::Removed => Some("You were removed from this space."),
        Standing::Left => Some("You left this space."),
        Standing::Frozen(_) => Some("This space is stopped, to keep it safe. Its channels say why."),
        _ => None,
    }
}

/// Whether one is a member still.
pub fn is_in(store: Store, space: RoomId) -> bool {
    let standing = store.space(space).map(|space| space.standing);
    !matches!(standing, Some(Standing::Removed | Standing::Left))
}

fn head(this: Column, name: Memo<String>) -> AnyView {
    let (store, nav, dialogs) = (use_store(), use_nav(), use_dialogs());
    let entries = move || {
        let (id, rights) = (this.space, this.rights.get());
        // Whoever is out can still read what happened, and no more.
        if !is_in(store, id) {
            return moderation::about_room(store, dialogs, nav, id);
        }
        let mut entries = Vec::new();
        if rights.invite {
            entries.push(Entry::new(Icon::UserPlus, "Add people", move || {
                dialogs.open(Ask::AddPeople(id.into()))
            }));
        }
        if rights.invite {
            entries.push(Entry::new(Icon::Link, "Invite by link", move || {
                dialogs.open(Ask::Invite(id.into()))
            }));
        }
        entries.push(Entry::new(Icon::Users, "Members", move || {
            nav.go(match nav.place_untracked() {
                Place::Room(chat) => Place::Members(chat),
                _ => Place::SpaceSetting(id, SpacePage::Members),
            });
        }));
        if rights.channel {
            entries.push(Entry::new(Icon::Plus, "New channel", move || {
                dialogs.open(Ask::NewChannel(id, NONE))
            }));
            entries.push(Entry::new(Icon::Heading, "New heading", move || {
                dialogs.open(Ask::NewHeading(id))
            }));
        }
        entries.push(Entry::new(Icon::Bell, "Notifications…", move || {
            dialogs.open(Ask::Hush(id, None))
        }));
        entries.extend(moderation::about_room(store, dialogs, nav, id));
        entries.push(Entry::new(Icon::Settings, "Space settings", move || {
            nav.go(Place::SpaceSettings(id))
        }));
        entries.push(Entry::danger(Icon::LogOut, "Leave space", move || {
            dialogs.open(Ask::LeaveSpace(id))
        }));
        entries
    };
    let face = (
        html::span().class("column-name truncate").child(move || name.get()),
        Icon::ChevronDown.view(),
    );
    menu(
        "column-space",
        Face::Words(face.into_any()),
        "This space".into(),
        entries,
    )
}

fn group(this: Column, id: u16) -> AnyView {
    let store = use_store();
    let folded = use_folded();
    let chat = move |channel| Chat {
        room: this.space,
        channel,
    };
    let heading = Memo::new(move |_| {
        this.headings
            .with(|headings| headings.iter().find(|heading| heading.id == id).cloned())
    });
    let name = Memo::new(move |_| {
        heading.with(|heading| heading.as_ref().map(|heading| heading.name.clone()).unwrap_or_default())
    });
    let is_folded = Memo::new(move |_| id != NONE && folded.is(this.space, id));
    let nav = use_nav();
    let here = Memo::new(move |_| nav.place().room());
    let all = Memo::new(move |_| {
        let is_there = |channel: &ChannelId| {
            let room = store.room(chat(*channel));
            room.is_some_and(|room| !room.channel.is_some_and(|info| info.archived))
        };
        heading.with(|heading| {
            let channels = heading.iter().flat_map(|heading| heading.channels.iter());
            channels.copied().filter(is_there).collect::<Vec<_>>()
        })
    });
    // A folded heading still shows what is open and what is new.
    let channels = Memo::new(move |_| {
        let is_shown = |channel: &ChannelId| {
            let at = chat(*channel);
            !is_folded.get() || here.get() == Some(at) || store.room(at).is_some_and(|room| room.is_fresh())
        };
        all.with(|all| all.iter().copied().filter(is_shown).collect::<Vec<_>>())
    });
    // To whoever may not arrange them, one over nothing they can read says nothing.
    let is_empty = Memo::new(move |_| id != NONE && !this.rights.get().channel && all.with(Vec::is_empty));
    let list = unique("channels");
    let controls = list.clone();
    let over = move || this.over.get() == Some(Dragged::Heading(id));
    let head = (id != NONE).then(|| {
        html::div()
            .class(move || {
                if over() {
                    "column-group-head column-over"
                } else {
                    "column-group-head"
                }
            })
            .attr("draggable", move || this.may_drag())
            .on(ev::dragstart, move |event| {
                start_drag(&event);
                this.dragged.set(Some(Dragged::Heading(id)));
            })
            .on(ev::dragend, move |_| this.end_drag())
            .on(ev::dragover, move |event| this.drag_over(&event, Dragged::Heading(id)))
            .on(ev::drop, move |event| {
                event.prevent_default();
                this.dropped(Dragged::Heading(id));
            })
            .child((
                html::h3().child(
                    html::button()
                        .r#type("button")
                        .class("column-fold")
                        .attr("aria-expanded", move || if is_folded.get() { "false" } else { "true" })
                        .attr("aria-controls", controls)
                        .on(ev::click, move |_| folded.turn(this.space, id))
                        .child((
                            html::span().class("truncate").child(move || name.get()),
                            Icon::ChevronDown.view(),
                        )),
                ),
                move || this.rights.get().channel.then(|| heading_menu(this, id, name)),
            ))
    });
    let ul = html::ul()
        .id(list)
        .attr("aria-label", move || {
            if id == NONE { "Channels".to_owned() } else { name.get() }
        })
        .child(For(ForProps::builder()
            .each(move || channels.get())
            .key(|channel| *channel)
            .children(move |id| channel(this, chat(id)))
            .build()));
    html::section()
        .class("column-group")
        .prop("hidden", move || is_empty.get())
        .child((head, ul))
        .into_any()
}

fn heading_menu(this: Column, id: u16, name: Memo<String>) -> AnyView {
    let (dialogs, space) = (use_dialogs(), this.space);
    let entries = move || {
        let headings = this.headings.get();
        let step = |down| arrange::step_heading(&headings, id, down);
        let mut entries = vec![
            Entry::new(Icon::Plus, "New channel", move || {
                dialogs.open(Ask::NewChannel(space, id))
            }),
            Entry::new(Icon::Pencil, "Rename heading", move || {
                dialogs.open(Ask::RenameHeading(space, id))
            }),
        ];
        for (icon, label, next) in [
            (Icon::ArrowUp, "Move up", step(false)),
            (Icon::ArrowDown, "Move down", step(true)),
        ] {
            if let Some(next) = next {
                entries.push(Entry::new(icon, label, move || this.arrange(next.clone())));
            }
        }
        if let Some(next) = arrange::remove(&headings, id) {
            entries.push(Entry::danger(Icon::Trash, "Remove heading", move || {
                this.arrange(next.clone())
            }));
        }
        entries
    };
    (move || {
        menu(
            "column-more",
            Face::Icon(Icon::Ellipsis),
            format!("Heading {}", name.get()),
            entries,
        )
    })
    .into_any()
}

/// A space without a channel that one can read.
fn nothing(this: Column) -> AnyView {
    let dialogs = use_dialogs();
    let may = move || this.rights.get().channel;
    html::div()
        .class("column-empty")
        .child((
            html::p().child(move || {
                if may() {
                    "No channels yet. Make the first one."
                } else {
                    "No channels yet. Those who arrange this space make them."
                }
            }),
            move || {
                may().then(|| {
                    button::button("button button-s", "New channel", move || {
                        dialogs.open(Ask::NewChannel(this.space, NONE))
                    })
                })
            },
        ))
        .into_any()
}

fn archived(this: Column) -> AnyView {
    let store = use_store();
    let channels = Memo::new(move |_| {
        let is_archived = |channel: &ChannelId| {
            let room = store.room(Chat {
                room: this.space,
                channel: *channel,
            });
            room.and_then(|room| room.channel).is_some_and(|info| info.archived)
        };
        this.headings.with(|headings| {
            let all = headings.iter().flat_map(|heading| heading.channels.iter());
            all.copied().filter(is_archived).collect::<Vec<_>>()
        })
    });
    let any = Memo::new(move |_| channels.with(|channels| !channels.is_empty()));
    (move || {
        any.get().then(|| {
            html::details().class("column-archive").child((
                html::summary().child(("Archived channels", Icon::ChevronDown.view())),
                html::ul()
                    .attr("aria-label", "Archived channels")
                    .child(For(ForProps::builder()
                        .each(move || channels.get())
                        .key(|channel| *channel)
                        .children(move |id| {
                            channel(
                                this,
                                Chat {
                                    room: this.space,
                                    channel: id,
                                },
                            )
                        })
                        .build())),
            ))
        })
    })
    .into_any()
}

impl Column {
    /// Asks for another order. It stands when everybody has it.
    pub fn arrange(self, headings: Vec<Heading>) {
        let (space, toasts) = (self.space, self.toasts);
        wire::ask(Command::Arrange { space, headings }, move |result| {
            if let Err(problem) = result {
                toasts.danger(words::problem(&problem));
            }
        });
    }

    /// With a mouse. A finger that rests on a row asks for its menu, which moves it as well.
    pub fn may_drag(self) -> Option<&'static str> {
        (self.rights.get().channel && !browser::is_touch()).then_some("true")
    }

    pub fn end_drag(self) {
        self.dragged.set(None);
        self.over.set(None);
    }

    pub fn drag_over(self, event: &web_sys::DragEvent, over: Dragged) {
        let Some(dragged) = self.dragged.get_untracked() else {
            return;
        };
        // A heading goes where a heading is.
        if matches!((dragged, over), (Dragged::Heading(_), Dragged::Channel(_))) || dragged == over {
            return;
        }
        event.prevent_default();
        if self.over.get_untracked() != Some(over) {
            self.over.set(Some(over));
        }
    }

    pub fn dropped(self, on: Dragged) {
        let dragged = self.dragged.get_untracked();
        self.end_drag();
        let headings = self.headings.get_untracked();
        let next = match (dragged, on) {
            (Some(Dragged::Channel(channel)), Dragged::Channel(on)) => arrange::drop_on(&headings, channel, on),
            (Some(Dragged::Channel(channel)), Dragged::Heading(on)) => arrange::put(&headings, channel, on, 0),
            (Some(Dragged::Heading(id)), Dragged::Heading(on)) => arrange::drop_heading_on(&headings, id, on),
            _ => None,
        };
        if let Some(next) = next {
            self.arrange(next);
        }
    }
}

/// Firefox drags nothing that carries nothing.
pub fn start_drag(event: &web_sys::DragEvent) {
    event.stop_propagation();
    let carried = js_sys::Reflect::get(event, &"dataTransfer".into());
    let Ok(carried) = carried else { return };
    let set = js_sys::Reflect::get(&carried, &"setData".into()).map(js_sys::Function::from);
    if let Ok(set) = set {
        drop(set.call2(&carried, &"text/plain".into(), &"".into()));
    }
}

const FOLDED: &str = "sotto.folded";

/// Which headings are folded in this browser. Kept by a few bytes of a hash: neither names nor spaces stand there.
#[derive(Clone, Copy)]
pub struct Folded(RwSignal<HashSet<String>>);

impl Default for Folded {
    fn default() -> Self {
        let kept = browser::kept(FOLDED).unwrap_or_default();
        Self(RwSignal::new(
            kept.split(' ')
                .filter(|one| !one.is_empty())
                .map(str::to_owned)
                .collect(),
        ))
    }
}

pub fn use_folded() -> Folded {
    expect_context()
}

impl Folded {
    fn name(space: RoomId, heading: u16) -> String {
        let mut hasher = DefaultHasher::new();
        (space, heading).hash(&mut hasher);
        format!("{:010x}", hasher.finish() >> 24)
    }

    pub fn is(self, space: RoomId, heading: u16) -> bool {
        self.0.with(|folded| folded.contains(&Self::name(space, heading)))
    }

    pub fn turn(self, space: RoomId, heading: u16) {
        let name = Self::name(space, heading);
        self.0.update(|folded| {
            if !folded.remove(&name) {
                folded.insert(name);
            }
        });
        let mut all: Vec<_> = self.0.with_untracked(|folded| folded.iter().cloned().collect());
        all.sort_unstable();
        // What nobody has unfolded for long makes room.
        all.truncate(400);
        browser::keep(FOLDED, (!all.is_empty()).then(|| all.join(" ")).as_deref());
    }
}
