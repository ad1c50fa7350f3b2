//! The log of changes: the signed log of a room in plain words, a page of it at a time.

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::{ChannelId, RoomId, UserId};

use super::role_name;
use crate::ui::kit::{Icon, button, unique};
use crate::ui::nav::icon_link;
use crate::ui::place::Place;
use crate::ui::screen::{use_narrow, use_store};
use crate::ui::spaces::rights;
use crate::ui::words::Piece;
use crate::ui::{when, wire, words};
use crate::view::{Changes, ChannelChange, Command, Deed, DeedKind, Line, Outcome, Rights, RoomKind};

/// Lines of one page: what stands in the document is bounded, however long the log.
const PAGE: u32 = 100;

const KINDS: [(&str, Option<DeedKind>, &str); 7] = [
    ("", None, "Everything"),
    ("people", Some(DeedKind::People), "Coming and going"),
    ("roles", Some(DeedKind::Roles), "Roles"),
    ("order", Some(DeedKind::Order), "Removals and time-outs"),
    ("messages", Some(DeedKind::Messages), "Messages deleted"),
    ("settings", Some(DeedKind::Settings), "Name, invites, channels"),
    ("keys", Some(DeedKind::Keys), "Room keys and browsers"),
];

#[derive(Clone, PartialEq)]
enum Shown {
    Loading,
    There(Changes),
    Failed(String),
}

pub fn page(room: RoomId) -> AnyView {
    let (store, narrow) = (use_store(), use_narrow());
    let (kind, person, skip) = (
        RwSignal::new(None::<DeedKind>),
        RwSignal::new(None::<UserId>),
        RwSignal::new(0_u32),
    );
    let again = RwSignal::new(0_u32);
    let shown = RwSignal::new(Shown::Loading);
    let newest = Memo::new(move |_| store.order(room).map_or(0, |order| order.newest));
    // Reasons and names are sealed: with the room key they can be read.
    let opened = Memo::new(move |_| {
        let conversation = store.room(room.into()).map(|room| (room.standing, room.title));
        (conversation, store.space(room).map(|space| space.name))
    });
    let asked = StoredValue::new(0_u32);
    Effect::new(move |_| {
        // Not `track`: a memo that nobody reads never changes.
        newest.with(|_| ());
        opened.with(|_| ());
        again.track();
        let command = Command::ShowChanges {
            room,
            kind: kind.get(),
            person: person.get(),
            skip: skip.get(),
            most: PAGE,
        };
        asked.update_value(|asked| *asked += 1);
        let mine = asked.get_value();
        wire::ask(command, move |result| {
            // An answer to what was asked before says nothing any more.
            if asked.try_get_value() != Some(mine) {
                return;
            }
            let _ = shown.try_set(match result {
                Ok(Outcome::Changes(changes)) => Shown::There(changes),
                Ok(_) => Shown::Loading,
                Err(problem) => Shown::Failed(words::problem(&problem)),
            });
        });
    });
    let people = Memo::new(move |before: Option<&Vec<UserId>>| match shown.get() {
        Shown::There(changes) => {
            let mut people = changes.people;
            people.sort_by_cached_key(|user| store.on_record(*user));
            people
        }
        _ => before.cloned().unwrap_or_default(),
    });
    let total = Memo::new(move |_| {
        shown.with(|shown| {
            if let Shown::There(changes) = shown {
                changes.total
            } else {
                0
            }
        })
    });
    let title = move || {
        let name = store.space(room).map(|space| space.name);
        name.or_else(|| store.room(room.into()).map(|room| room.title))
            .unwrap_or_default()
    };
    html::section()
        .class("room changes")
        .attr("aria-label", "Log of changes")
        .child((
            html::div().class("room-head").child(html::header().class("bar").child((
                icon_link(
                    "button button-quiet button-icon",
                    Place::Room(room.into()),
                    Icon::ArrowLeft,
                    "Back to the conversation",
                ),
                html::h1()
                    .class("bar-title")
                    .attr("aria-level", move || narrow.level())
                    .child(("Log of changes ", html::span().class("muted").child(title))),
            ))),
            html::div().class("changes-body").child((
                html::p().class("soft changes-about").child(
                    "This is the signed log that every member’s browser has and checks. The server passes it on; it can add nothing to it and leave nothing out without being noticed.",
                ),
                html::div().class("changes-filter").child((
                    select("What", move || {
                        KINDS
                            .into_iter()
                            .map(|(value, _, label)| (value.to_owned(), label.to_owned()))
                            .collect()
                    }, move |value| {
                        skip.set(0);
                        kind.set(KINDS.into_iter().find(|(name, ..)| *name == value).and_then(|(_, kind, _)| kind));
                    }),
                    select("Who", move || {
                        let everybody = std::iter::once((String::new(), "Everybody".to_owned()));
                        everybody
                            .chain(people.get().into_iter().map(|user| (user.to_string(), store.on_record(user))))
                            .collect()
                    }, move |value| {
                        skip.set(0);
                        person.set(people.get_untracked().into_iter().find(|user| user.to_string() == value));
                    }),
                )),
                move || match shown.get() {
                    Shown::Loading => skeleton("Reading the log", 8),
                    Shown::Failed(why) => html::div()
                        .class("empty")
                        .attr("role", "alert")
                        .child((
                            html::p().child(why),
                            button::button("button", "Try again", move || again.update(|again| *again += 1)),
                        ))
                        .into_any(),
                    Shown::There(changes) if changes.lines.is_empty() => html::p()
                        .class("soft changes-none")
                        .attr("role", "status")
                        .child("Nothing of this kind has happened here.")
                        .into_any(),
                    Shown::There(changes) => html::ol()
                        .class("changes-list")
                        .attr("aria-label", "Changes, the newest first")
                        .child(changes.lines.into_iter().map(|line| row(room, line)).collect_view())
                        .into_any(),
                },
                move || pages(skip, total),
            )),
        ))
        .into_any()
}

/// Newer and older, where there is more than one page.
fn pages(skip: RwSignal<u32>, total: Memo<u32>) -> Option<AnyView> {
    let (from, total) = (skip.get(), total.get());
    (total > PAGE).then(|| {
        let to = from.saturating_add(PAGE).min(total);
        html::nav()
            .class("changes-pages")
            .attr("aria-label", "Pages of the log")
            .child((
                turn("Newer", from > 0, move || {
                    skip.update(|skip| *skip = skip.saturating_sub(PAGE))
                }),
                html::span()
                    .class("muted numeric")
                    .attr("role", "status")
                    .child(format!("{}–{to} of {total}", from + 1)),
                turn("Older", to < total, move || skip.update(|skip| *skip += PAGE)),
                turn("Oldest", to < total, move || skip.set((total - 1) / PAGE * PAGE)),
            ))
            .into_any()
    })
}

fn turn(label: &'static str, on: bool, act: impl Fn() + 'static) -> AnyView {
    html::button()
        .r#type("button")
        .class("button")
        .prop("disabled", !on)
        .on(ev::click, move |_| act())
        .child(label)
        .into_any()
}

fn select(
    label: &'static str,
    options: impl Fn() -> Vec<(String, String)> + Send + 'static,
    chosen: impl Fn(String) + 'static,
) -> AnyView {
    let id = unique("filter");
    let value = RwSignal::new(String::new());
    html::div()
        .class("field")
        .child((
            html::label().class("field-label").r#for(id.clone()).child(label),
            html::select()
                .class("input select")
                .id(id)
                .on(ev::change, move |event| {
                    let now = event_target_value(&event);
                    value.set(now.clone());
                    chosen(now);
                })
                .child(move || {
                    let now = value.get_untracked();
                    options()
                        .into_iter()
                        .map(|(value, label)| {
                            let selected = value == now;
                            html::option()
                                .attr("value", value)
                                .prop("selected", selected)
                                .child(label)
                        })
                        .collect_view()
                }),
        ))
        .into_any()
}

/// `count` rows that are still coming.
pub fn skeleton(label: &'static str, count: usize) -> AnyView {
    let row = |_| {
        html::div()
            .class("changes-row")
            .child(html::span().class("skeleton skeleton-60"))
    };
    html::div()
        .attr("aria-busy", "true")
        .attr("aria-label", label)
        .attr("role", "status")
        .child((0..count).map(row).collect_view())
        .into_any()
}

fn row(room: RoomId, line: Line) -> AnyView {
    let pieces = said(room, &line).into_iter().map(|piece| match piece {
        Piece::Name(name) => html::b().attr("dir", "auto").child(name).into_any(),
        Piece::Span(text) => text.into_any(),
        Piece::Until(ms) => (move || when::moment(ms)).into_any(),
        Piece::Plain(text) => text.into_any(),
    });
    let reason = line.reason.clone();
    let proof = format!("Entry {}, fingerprint {}", line.seq, line.hash);
    let told = reason.as_ref().map(|(seq, _)| format!("The reason is entry {seq}."));
    // The reason is an entry of its own, shown here: no number is left out.
    let (entry, numbers) = match reason.as_ref().map(|(seq, _)| *seq) {
        Some(seq) => ("Entries ", format!("{}–{}", line.seq.min(seq), line.seq.max(seq))),
        None => ("Entry ", line.seq.to_string()),
    };
    html::li()
        .class("changes-row")
        .child((
            html::div().class("changes-said").child((
                html::p().child(pieces.collect_view()),
                reason.map(|(_, words)| {
                    html::p()
                        .class("changes-reason")
                        .attr("dir", "auto")
                        .child((html::span().class("muted").child("Reason: "), words))
                }),
                html::details().class("changes-proof").child((
                    html::summary().child((entry, html::span().class("numeric").child(numbers))),
                    html::p().child(html::code().child(proof)),
                    told.map(|told| html::p().class("muted").child(told)),
                )),
            )),
            html::time()
                .class("muted numeric")
                .attr("datetime", when::iso(line.at_ms))
                .attr("title", when::full(line.at_ms))
                .child(move || when::moment(line.at_ms)),
        ))
        .into_any()
}

/// One change as a sentence.
fn said(room: RoomId, line: &Line) -> Vec<Piece> {
    use Piece::{Name, Plain, Span, Until};
    let store = use_store();
    let me = store.me();
    let subject = |user: UserId| {
        if me == Some(user) {
            Plain("You")
        } else {
            Name(store.on_record(user))
        }
    };
    let object = |user: UserId| {
        if me == Some(user) {
            Plain("you")
        } else {
            Name(store.on_record(user))
        }
    };
    let role = |id: u8| match role_name(store, room, id) {
        gone if gone.is_empty() => Plain("(a role that is gone)"),
        name if id <= rights::OWNER => Span(name.to_lowercase()),
        // A name that somebody gave keeps its letters.
        name => Span(name),
    };
    let channel = |channel| {
        let chat = crate::view::Chat { room, channel };
        match store
            .room(chat)
            .map(|room| room.title)
            .filter(|title| !title.is_empty())
        {
            Some(title) => Name(format!("#{title}")),
            None => Plain("a channel"),
        }
    };
    let by = subject(line.by);
    match &line.what {
        Deed::Made => vec![
            by,
            // It stays what it is: the list need not follow the room.
            Plain(untrack(|| match store.room(room.into()).map(|room| room.kind) {
                _ if store.space(room).is_some() => " made the space.",
                Some(RoomKind::Direct) => " began this.",
                _ => " made the group.",
            })),
        ],
        Deed::Added { who, role_id } => vec![
            by,
            Plain(" added "),
            object(*who),
            Plain(" as "),
            role(*role_id),
            Plain("."),
        ],
        Deed::LetIn { who } => vec![by, Plain(" let "), object(*who), Plain(" in.")],
        Deed::Joined { .. } => vec![by, Plain(" joined by an invite.")],
        Deed::Asked => vec![by, Plain(" asked to join.")],
        Deed::SentAway { who } => vec![by, Plain(" did not let "), object(*who), Plain(" in.")],
        Deed::Left => vec![by, Plain(" left.")],
        Deed::Removed { who } => vec![by, Plain(" removed "), object(*who), Plain(".")],
        Deed::Banned { who } => vec![by, Plain(" removed and banned "), object(*who), Plain(".")],
        Deed::Unbanned { who } => vec![by, Plain(" lifted the ban on "), object(*who), Plain(".")],
        Deed::RoleGiven { who, role_id } if *who == line.by => {
            vec![by, Plain(" stepped down to "), role(*role_id), Plain(".")]
        }
        Deed::RoleGiven { who, role_id } => {
            vec![
                by,
                Plain(" gave "),
                object(*who),
                Plain(" the role "),
                role(*role_id),
                Plain("."),
            ]
        }
        Deed::TimedOut { who, until_ms } => {
            vec![
                by,
                Plain(" gave "),
                object(*who),
                Plain(" a time-out until "),
                Until(*until_ms),
                Plain("."),
            ]
        }
        Deed::TimeOutLifted { who } => vec![by, Plain(" ended the time-out of "), object(*who), Plain(".")],
        Deed::SlowMode {
            channel: slowed,
            seconds,
        } => {
            let mut pieces = vec![
                by,
                Plain(if *seconds == 0 {
                    " turned slow mode off"
                } else {
                    " turned slow mode on"
                }),
            ];
            if *slowed != ChannelId::MAIN {
                pieces.extend([Plain(" in "), channel(*slowed)]);
            }
            if *seconds > 0 {
                pieces.extend([Plain(": one message in "), Span(words::span(*seconds))]);
            }
            pieces.push(Plain("."));
            pieces
        }
        Deed::TookAway { whose: Some(whose) } => vec![by, Plain(" deleted a message by "), object(*whose), Plain(".")],
        Deed::Pinned { on: true, .. } => vec![by, Plain(" pinned a message.")],
        Deed::Pinned { on: false, .. } => vec![by, Plain(" took a pinned message down.")],
        Deed::TookAway { whose: None } => vec![by, Plain(" deleted a message.")],
        Deed::Lifetime { seconds: 0 } => vec![by, Plain(" lets messages stay.")],
        Deed::Lifetime { seconds } => {
            vec![
                by,
                Plain(" lets messages disappear after "),
                Span(words::lifetime(*seconds)),
                Plain("."),
            ]
        }
        Deed::Named { name } if name.is_empty() => vec![by, Plain(" gave this a name that cannot be read here.")],
        Deed::Named { name } => vec![by, Plain(" named this "), Name(name.clone()), Plain(".")],
        Deed::History { shared: true } => vec![by, Plain(" lets who joins read what was before.")],
        Deed::History { shared: false } => vec![by, Plain(" lets who joins read from then on alone.")],
        Deed::InviteMade {
            role_id,
            max_uses,
            expires_ms,
            approval,
        } => vec![
            by,
            Plain(" made an invite for "),
            Span(words::count(*max_uses as usize, "person", "people")),
            Plain(" as "),
            role(*role_id),
            Plain(", good until "),
            Until(*expires_ms),
            Plain(if *approval { ", with a question first." } else { "." }),
        ],
        Deed::InviteTakenBack => vec![by, Plain(" took an invite back.")],
        Deed::Closed => vec![by, Plain(" closed this for good.")],
        Deed::RoleDefined {
            name, rights, is_new, ..
        } => vec![
            by,
            Plain(if *is_new {
                " made the role "
            } else {
                " changed the role "
            }),
            called(name, "without a name"),
            Span(allowed(rights)),
        ],
        Deed::RoleDropped { name, .. } => {
            vec![
                by,
                Plain(" removed the role "),
                called(name, "without a name"),
                Plain("."),
            ]
        }
        Deed::ChannelMade { channel: made } => vec![by, Plain(" made "), channel(*made), Plain(".")],
        Deed::ChannelChanged { channel: of, change } => match change {
            ChannelChange::Archived => vec![by, Plain(" put "), channel(*of), Plain(" into the archive.")],
            ChannelChange::Restored => vec![by, Plain(" took "), channel(*of), Plain(" out of the archive.")],
            ChannelChange::Renamed(was, now) => vec![
                by,
                Plain(" renamed "),
                Name(format!("#{was}")),
                Plain(" to "),
                Name(format!("#{now}")),
                Plain("."),
            ],
            ChannelChange::Topic => vec![by, Plain(" changed the topic of "), channel(*of), Plain(".")],
            ChannelChange::Other => vec![by, Plain(" changed "), channel(*of), Plain(".")],
        },
        Deed::ChannelPeople {
            channel: of,
            added,
            removed,
        } => {
            let mut pieces = vec![by];
            for (did, people, ended) in [(" added ", added, " to "), (" took ", removed, " out of ")] {
                if people.is_empty() {
                    continue;
                }
                if pieces.len() > 1 {
                    pieces.push(Plain(", and"));
                }
                pieces.push(Plain(did));
                for (at, user) in people.iter().enumerate() {
                    if at > 0 {
                        pieces.push(Plain(", "));
                    }
                    pieces.push(object(*user));
                }
                pieces.extend([Plain(ended), channel(*of)]);
            }
            pieces.push(Plain("."));
            pieces
        }
        Deed::ChannelsArranged => vec![by, Plain(" put the channels in another order.")],
        Deed::ChannelKey { channel: of } => vec![by, Plain(" changed the key of "), channel(*of), Plain(".")],
        Deed::NewKey { .. } => vec![by, Plain(" changed the room key.")],
        Deed::Keys { who, closed: true, .. } => vec![object_first(me, *who, &store), Plain(" closed this account.")],
        Deed::Keys {
            who, identity: true, ..
        } => vec![object_first(me, *who, &store), Plain(" has a new safety number.")],
        Deed::Keys { who, device: true, .. } => vec![
            object_first(me, *who, &store),
            Plain(" uses another browser from then on."),
        ],
        Deed::Keys { who, .. } => vec![Plain("The keys of "), object(*who), Plain(" were brought up to date.")],
    }
}

fn called(name: &str, or: &'static str) -> Piece {
    if name.is_empty() {
        Piece::Plain(or)
    } else {
        Piece::Name(name.to_owned())
    }
}

/// What a role may do, behind its name.
fn allowed(rights: &Rights) -> String {
    let may: Vec<String> = (rights::ALL.iter())
        .filter(|right| (right.has)(rights))
        .map(|right| right.says.to_lowercase())
        .collect();
    if may.is_empty() {
        ". It may read, and no more.".into()
    } else {
        format!(". It may: {}.", may.join(", "))
    }
}

fn object_first(me: Option<UserId>, who: UserId, store: &crate::state::Store) -> Piece {
    if me == Some(who) {
        Piece::Plain("You")
    } else {
        Piece::Name(store.on_record(who))
    }
}
