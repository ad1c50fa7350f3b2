//! Jump to a conversation, a channel, a person or a command by a few letters of its name. Ctrl or ⌘ and K.
//!
//! What there is to jump to is looked up once, when it opens; typing only sorts it. Nothing of it leaves this browser, but
//! for a handle that nobody here has: whoever chooses to write to it asks the server who that is.

use std::cell::Cell;
use std::rc::Rc;

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::api::limits::is_handle;
use sotto_shared::id::UserId;
use wasm_bindgen::JsCast;

use super::dialogs::{Ask, Dialogs, closer, error_line, refuse, use_dialogs};
use super::frame::use_column;
use super::kit::dialog::bare;
use super::kit::mark::{Shape, Size, mark};
use super::kit::toast::Toasts;
use super::kit::{Icon, unique};
use super::lock::use_lock;
use super::nav::{Nav, use_nav};
use super::pictures::portrait;
use super::place::{Page, Place, SpacePage};
use super::screen::{use_narrow, use_store, use_toasts};
use super::spaces::arrange::NONE;
use super::spaces::name_of;
use super::title::page_title;
use super::{browser, fuzzy, guest, keys, sidebar, wire, words};
use crate::view::{Chat, Command, Outcome, Problem, RoomKind};

/// Found at most, so that a letter shows its list at once.
const MOST: usize = 40;
/// Offered before anything is typed.
const RECENT: usize = 8;
/// What it is worth to have been open last; less for each one opened after it.
const LATELY: i32 = 24;

/// The conversations that were open last, newest first.
#[derive(Clone, Copy, Default)]
pub struct Recent(StoredValue<Vec<Chat>>);

pub fn use_recent() -> Recent {
    expect_context()
}

impl Recent {
    /// The one of these that was open last.
    pub fn last_of(self, among: &[Chat]) -> Option<Chat> {
        self.0
            .with_value(|list| list.iter().find(|chat| among.contains(chat)).copied())
    }

    /// Follows where the page goes, for whoever signed in now.
    pub fn watch(self) {
        let nav = use_nav();
        self.0.set_value(Vec::new());
        Effect::new(move |_| {
            if let Some(chat) = nav.place().room() {
                self.0.update_value(|list| {
                    list.retain(|other| *other != chat);
                    list.insert(0, chat);
                    list.truncate(32);
                });
            }
        });
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Room,
    Person,
    Command,
}

enum Face {
    Icon(Icon),
    Group([u8; 5]),
    /// Whose it is, where that is known.
    Person(Option<UserId>, [u8; 5]),
}

/// Something to jump to.
struct Goal {
    kind: Kind,
    face: Face,
    name: String,
    /// What a person is called by everybody, where they have chosen a name.
    handle: String,
    /// Stands at the end of the row: where it is.
    place: String,
    keys: Vec<&'static str>,
    /// Added to how well the name answers.
    weight: i32,
    act: Rc<dyn Fn()>,
}

/// A row of the list: which goal, and which letters of its name were meant.
type Hit = (usize, Vec<usize>);

/// What is found for what is typed, under up to two titles.
#[derive(Clone, PartialEq, Default)]
struct Hits(Vec<(&'static str, Vec<Hit>)>);

impl Hits {
    fn flat(&self) -> impl Iterator<Item = &Hit> {
        self.0.iter().flat_map(|(_, hits)| hits)
    }
}

pub fn dialog() -> AnyView {
    let (nav, dialogs, toasts) = (use_nav(), use_dialogs(), use_toasts());
    let goals = StoredValue::new_local(goals());
    let (typed, at) = (RwSignal::new(String::new()), RwSignal::new(0_usize));
    let error = RwSignal::new(None::<String>);
    let hits = Memo::new(move |_| goals.with_value(|goals| typed.with(|typed| find(goals, typed))));
    let stranger = Memo::new(move |_| goals.with_value(|goals| typed.with(|typed| stranger(goals, typed))));
    let count = Memo::new(move |_| hits.with(|hits| hits.flat().count()) + usize::from(stranger.with(Option::is_some)));
    let any = Memo::new(move |_| count.get() > 0);
    let list = unique("switcher");
    let option_id = {
        let list = list.clone();
        move |at: usize| format!("{list}-{at}")
    };
    let run = move |at: usize| {
        let goal = hits.with_untracked(|hits| hits.flat().nth(at).map(|(goal, _)| *goal));
        let act = goal.and_then(|goal| goals.with_value(|goals| goals.get(goal).map(|goal| goal.act.clone())));
        match (act, stranger.get_untracked()) {
            (Some(act), _) => act(),
            (None, Some(handle)) => {
                write_to(nav, dialogs, handle, move |problem| refuse(toasts, error, &problem));
            }
            (None, None) => {}
        }
    };
    let show = {
        let option_id = option_id.clone();
        move |next: usize| {
            at.set(next);
            if let Some(option) = document().get_element_by_id(&option_id(next)) {
                // Without smoothness and only as far as it must: the list does not jump under the reader.
                let near = web_sys::ScrollIntoViewOptions::new();
                near.set_block(web_sys::ScrollLogicalPosition::Nearest);
                option.scroll_into_view_with_scroll_into_view_options(&near);
            }
        }
    };
    let keydown = move |event: web_sys::KeyboardEvent| {
        if browser::is_composing(&event) {
            return;
        }
        let (here, count) = (at.get_untracked(), count.get_untracked());
        match event.key().as_str() {
            "ArrowDown" if count > 0 => show((here + 1) % count),
            "ArrowUp" if count > 0 => show((here + count - 1) % count),
            "Enter" => run(here),
            // The same keys that opened it.
            "k" | "K" if event.ctrl_key() || event.meta_key() => dialogs.close(),
            _ => return,
        }
        event.prevent_default();
    };
    let active = {
        let option_id = option_id.clone();
        move || (count.get() > 0).then(|| option_id(at.get()))
    };
    let input = html::div().class("switcher-input").child((
        Icon::Search.m(),
        html::input()
            .r#type("text")
            .attr("role", "combobox")
            .attr("aria-label", "Jump to")
            .attr("aria-autocomplete", "list")
            .attr("aria-expanded", move || any.get().to_string())
            .attr("aria-controls", list.clone())
            .attr("aria-activedescendant", active)
            .attr("autocomplete", "off")
            .attr("autocapitalize", "none")
            .attr("spellcheck", "false")
            .attr("enterkeyhint", "go")
            .placeholder("A conversation or a person")
            .autofocus(true)
            .prop("value", move || typed.get())
            .on(ev::input, move |event| {
                typed.set(event_target_value(&event));
                at.set(0);
                error.set(None);
            })
            .on(ev::keydown, keydown),
        html::button()
            .r#type("button")
            .class("switcher-close")
            .attr("aria-label", "Close, Esc")
            .on(ev::click, move |_| dialogs.close())
            .child((
                html::kbd().class("kbd").attr("aria-hidden", "true").child("Esc"),
                Icon::X.view(),
            )),
    ));
    let rows = move || {
        let mut number = 0;
        let mut groups: Vec<AnyView> = Vec::new();
        let picked = Picked { at, run: Rc::new(run) };
        hits.with(|hits| {
            for (title, hits) in &hits.0 {
                let options = hits.iter().map(|(goal, meant)| {
                    let id = option_id(number);
                    number += 1;
                    goals.with_value(|goals| goals.get(*goal).map(|goal| goal.view(id, number - 1, meant, &picked)))
                });
                groups.push(group(title, options.collect_view().into_any()));
            }
        });
        if let Some(handle) = stranger.get() {
            groups.push(group(
                "Somebody new",
                stranger_row(option_id(number), number, &handle, &picked),
            ));
        }
        if groups.is_empty() {
            groups.push(
                html::p()
                    .class("switcher-none")
                    .child(if typed.with(|typed| typed.trim().is_empty()) {
                        "No other conversation yet. Type somebody’s handle, or what you want to do."
                    } else {
                        "Nothing here is called that."
                    })
                    .into_any(),
            );
        }
        groups
    };
    let said = move || match count.get() {
        0 => "Nothing found".to_owned(),
        count => words::count(count, "result", "results"),
    };
    let hint =
        |sign: &'static str, word: &'static str| html::span().child((html::kbd().class("kbd").child(sign), word));
    bare(
        "Jump to",
        "dialog switcher",
        (
            input,
            error_line(error),
            html::div()
                .class("switcher-list")
                .id(list)
                // A list of nothing is none.
                .attr("role", move || any.get().then_some("listbox"))
                .attr("aria-label", move || any.get().then_some("Results"))
                .child(rows),
            html::p().class("visually-hidden").attr("role", "status").child(said),
            html::div().class("switcher-foot").attr("aria-hidden", "true").child((
                hint("#", "conversations"),
                hint("@", "people"),
                hint(">", "commands"),
            )),
        )
            .into_any(),
        closer(),
    )
}

/// The row that is chosen, and what choosing does.
struct Picked {
    at: RwSignal<usize>,
    run: Rc<dyn Fn(usize)>,
}

fn group(title: &'static str, options: AnyView) -> AnyView {
    html::div()
        .attr("role", "group")
        .attr("aria-label", title)
        .child((
            html::p().class("menu-title").attr("aria-hidden", "true").child(title),
            options,
        ))
        .into_any()
}

fn row(id: String, number: usize, picked: &Picked, content: AnyView) -> AnyView {
    let (at, run) = (picked.at, picked.run.clone());
    let still = Cell::new((0, 0));
    html::div()
        .class("switcher-item")
        .id(id)
        .attr("role", "option")
        .attr(
            "aria-selected",
            move || if at.get() == number { "true" } else { "false" },
        )
        // Only a hand that moves chooses: not a list that moves under a hand at rest.
        .on(ev::pointermove, move |event| {
            let place = (event.client_x(), event.client_y());
            if still.replace(place) != place && at.get_untracked() != number {
                at.set(number);
            }
        })
        // The field keeps the keyboard.
        .on(ev::pointerdown, |event| event.prevent_default())
        .on(ev::click, move |_| run(number))
        .child(content)
        .into_any()
}

fn stranger_row(id: String, number: usize, handle: &str, picked: &Picked) -> AnyView {
    let content = (
        Icon::UserPlus.view(),
        html::span().class("truncate").child(format!("Write to {handle}")),
        html::span().class("switcher-where").child("By handle"),
    );
    row(id, number, picked, content.into_any())
}

impl Goal {
    fn view(&self, id: String, number: usize, meant: &[usize], picked: &Picked) -> AnyView {
        let face = match self.face {
            Face::Icon(icon) => icon.view(),
            Face::Group(bytes) => mark(bytes, Shape::Group, Size::S24),
            Face::Person(None, bytes) => mark(bytes, Shape::Person, Size::S24),
            Face::Person(Some(user), bytes) => portrait(user, bytes, Size::S24),
        };
        let name = fuzzy::pieces(&self.name, meant).into_iter().map(|(meant, piece)| {
            if meant {
                html::mark().child(piece).into_any()
            } else {
                piece.into_any()
            }
        });
        let keys = self
            .keys
            .iter()
            .map(|key| html::kbd().class("kbd").child(*key))
            .collect_view();
        let content = (
            face,
            html::span().class("truncate").child(name.collect_view()),
            html::span().class("switcher-where").child((self.place.clone(), keys)),
        );
        row(id, number, picked, content.into_any())
    }
}

/// What somebody typed, and what they want to see of it: `#` conversations, `@` people, `>` commands.
fn wanted(typed: &str) -> (Option<Kind>, &str) {
    let typed = typed.trim();
    let signs = [('#', Kind::Room), ('@', Kind::Person), ('>', Kind::Command)];
    for (sign, kind) in signs {
        if let Some(rest) = typed.strip_prefix(sign) {
            return (Some(kind), rest.trim());
        }
    }
    (None, typed)
}

fn find(goals: &[Goal], typed: &str) -> Hits {
    let (kind, typed) = wanted(typed);
    let mut found: Vec<(i32, Hit)> = Vec::new();
    let mut scattered: Vec<(i32, Hit)> = Vec::new();
    for (at, goal) in goals.iter().enumerate() {
        if kind.is_some_and(|kind| kind != goal.kind && !(kind == Kind::Person && is_direct(goal))) {
            continue;
        }
        // Before anything is typed, only where one has been.
        if typed.is_empty() && kind.is_none() && goal.kind != Kind::Room {
            continue;
        }
        if let Some(answer) = fuzzy::find(typed, &goal.name) {
            let answers = if answer.is_scattered(&goal.name) {
                &mut scattered
            } else {
                &mut found
            };
            answers.push((answer.score + goal.weight, (at, answer.at)));
        } else if let Some(answer) = fuzzy::find(typed, &goal.handle) {
            found.push((answer.score + goal.weight, (at, Vec::new())));
        }
    }
    let is_command = |(_, (at, _)): &(i32, Hit)| goals.get(*at).is_some_and(|goal| goal.kind == Kind::Command);
    // Letters picked out of the middle of words are a guess: behind what was meant, and of commands only where there is nothing.
    if !found.is_empty() {
        scattered.retain(|hit| !is_command(hit));
    }
    for part in [&mut found, &mut scattered] {
        part.sort_by_key(|(score, (at, _))| (std::cmp::Reverse(*score), *at));
    }
    found.append(&mut scattered);
    found.truncate(if typed.is_empty() && kind.is_none() {
        RECENT
    } else {
        MOST
    });
    let best_is_command = found.first().is_some_and(is_command);
    let (commands, rooms): (Vec<_>, Vec<_>) = found.iter().partition(|hit| is_command(hit));
    let hits = |part: Vec<&(i32, Hit)>| part.into_iter().map(|(_, hit)| hit.clone()).collect::<Vec<_>>();
    let title = if typed.is_empty() && kind.is_none() {
        "Conversations"
    } else {
        "Conversations and people"
    };
    let mut groups = vec![(title, hits(rooms)), ("Commands", hits(commands))];
    if best_is_command {
        groups.reverse();
    }
    groups.retain(|(_, hits)| !hits.is_empty());
    Hits(groups)
}

fn is_direct(goal: &Goal) -> bool {
    goal.kind == Kind::Room && matches!(goal.face, Face::Person(..))
}

/// A handle that was typed and that nobody here has.
fn stranger(goals: &[Goal], typed: &str) -> Option<String> {
    let (kind, typed) = wanted(typed);
    // "noor@sotto.example" is how handles are shown.
    let handle = typed.split('@').next().unwrap_or_default().to_ascii_lowercase();
    let is_known = |goal: &Goal| (goal.kind == Kind::Person || is_direct(goal)) && goal.handle == handle;
    let fits = matches!(kind, None | Some(Kind::Person)) && is_handle(&handle);
    (fits && !goals.iter().any(is_known)).then_some(handle)
}

/// Whoever closes the switcher before the answer has come goes nowhere.
fn write_to(nav: Nav, dialogs: Dialogs, handle: String, refused: impl FnOnce(Problem) + 'static) {
    wire::ask(Command::OpenDirect { handle }, move |result| match result {
        Ok(Outcome::Room(room)) if dialogs.shows(&Ask::Switch) => {
            dialogs.close();
            nav.go(Place::Room(room.into()));
            super::people::focus_composer();
        }
        Ok(_) => {}
        Err(problem) => refused(problem),
    });
}

fn goals() -> Vec<Goal> {
    let mut goals = rooms();
    goals.extend(spaces());
    goals.extend(people());
    goals.extend(commands());
    goals
}

fn rooms() -> Vec<Goal> {
    let (nav, store, dialogs) = (use_nav(), use_store(), use_dialogs());
    let recent = use_recent();
    let here = nav.place_untracked().room();
    untrack(|| {
        let mut list = store.room_list();
        for space in store.space_list() {
            list.extend(store.channels(space));
        }
        list.sort_by_key(|chat| std::cmp::Reverse(store.room(*chat).map_or(0, |room| room.active_ms)));
        // Those that were open come first, in that order; then the most recently active.
        let rank = |chat: &Chat| recent.0.with_value(|list| list.iter().position(|other| other == chat));
        list.sort_by_key(|chat| rank(chat).unwrap_or(usize::MAX));
        // Where one is already is nowhere to jump to.
        list.retain(|chat| Some(*chat) != here);
        let goal = |(nth, chat): (usize, Chat)| {
            let room = store.room(chat)?;
            let (face, place) = match room.kind {
                RoomKind::Direct => {
                    let peer = room.peer.and_then(|peer| store.person(peer));
                    let bytes = peer.map_or(room.mark, |person| person.mark);
                    (Face::Person(room.peer, bytes), "Direct message".to_owned())
                }
                RoomKind::Group => (Face::Group(room.mark), "Group".to_owned()),
                RoomKind::Channel => {
                    let place = store.space(chat.room).map(|space| name_of(&space));
                    (Face::Icon(sidebar::icon_of(&room)), place.unwrap_or_default())
                }
            };
            Some(Goal {
                kind: Kind::Room,
                face,
                name: sidebar::title(&room),
                handle: room.peer.map(|peer| store.handle(peer)).unwrap_or_default(),
                place,
                keys: Vec::new(),
                weight: (LATELY - i32::try_from(nth).unwrap_or(i32::MAX).saturating_mul(3)).max(0),
                act: Rc::new(move || {
                    dialogs.close();
                    nav.go(Place::Room(chat));
                    super::people::focus_composer();
                }),
            })
        };
        list.into_iter().enumerate().filter_map(goal).collect()
    })
}

fn spaces() -> Vec<Goal> {
    let (nav, store, dialogs) = (use_nav(), use_store(), use_dialogs());
    let here = nav.place_untracked().space();
    untrack(|| {
        let goal = |id: sotto_shared::id::RoomId| {
            let space = store.space(id)?;
            Some(Goal {
                kind: Kind::Room,
                face: Face::Group(space.mark),
                name: name_of(&space),
                handle: String::new(),
                place: "Space".into(),
                keys: Vec::new(),
                weight: 0,
                act: Rc::new(move || {
                    dialogs.close();
                    nav.go(Place::Space(id));
                }),
            })
        };
        let list = store.space_list().into_iter();
        list.filter(|id| Some(*id) != here).filter_map(goal).collect()
    })
}

/// People one knows of and has no conversation with yet.
fn people() -> Vec<Goal> {
    let (store, toasts) = (use_store(), use_toasts());
    let (nav, dialogs) = (use_nav(), use_dialogs());
    untrack(|| {
        let rooms = store.room_list();
        let peers: Vec<_> = rooms.iter().filter_map(|chat| store.room(*chat)?.peer).collect();
        let mut people = store.people();
        people.retain(|person| !person.is_me && !person.handle.is_empty() && !peers.contains(&person.id));
        people.sort_by_cached_key(|person| (person.shown().to_lowercase(), person.handle.clone()));
        let goal = |person: crate::view::Person| {
            let handle = person.handle.clone();
            Goal {
                kind: Kind::Person,
                face: Face::Person(Some(person.id), person.mark),
                name: person.shown().to_owned(),
                place: if person.name.is_empty() {
                    "Write a message".into()
                } else {
                    person.handle.clone()
                },
                handle: person.handle,
                keys: Vec::new(),
                weight: 0,
                act: Rc::new(move || {
                    let refused = move |problem: Problem| toasts.danger(words::problem(&problem));
                    write_to(nav, dialogs, handle.clone(), refused);
                }),
            }
        };
        people.into_iter().map(goal).collect()
    })
}

fn commands() -> Vec<Goal> {
    let (nav, store, dialogs, toasts, lock) = (use_nav(), use_store(), use_dialogs(), use_toasts(), use_lock());
    let (column, narrow) = (use_column(), use_narrow());
    let apple = browser::is_apple();
    let goal = |icon: Icon, name: String, act: Rc<dyn Fn()>| Goal {
        kind: Kind::Command,
        face: Face::Icon(icon),
        name,
        handle: String::new(),
        place: String::new(),
        keys: Vec::new(),
        // A name of a room or person that answers as well comes first.
        weight: -LATELY,
        act,
    };
    let ask = |icon, name: &str, ask: Ask| goal(icon, name.to_owned(), Rc::new(move || dialogs.open(ask.clone())));
    let go = |icon, name: &str, place: Place| {
        goal(
            icon,
            name.to_owned(),
            Rc::new(move || {
                dialogs.close();
                nav.go(place);
            }),
        )
    };
    let mut goals = vec![
        ask(Icon::MessageCircle, "New message", Ask::NewMessage),
        ask(Icon::Users, "New group", Ask::NewGroup),
        ask(Icon::Plus, "Create a space", Ask::NewSpace),
        go(Icon::MessageCircle, "All messages", Place::Messages),
        go(Icon::Bookmark, "Saved messages", Place::Saved),
        Goal {
            keys: keys::printed(keys::Act::Keys, apple),
            ..ask(Icon::CircleHelp, "Keyboard shortcuts", Ask::Keys)
        },
        goal(
            Icon::Check,
            "Mark everything as read".to_owned(),
            Rc::new(move || {
                dialogs.close();
                read_everything(store, toasts);
            }),
        ),
        goal(
            Icon::Contrast,
            "Switch between light and dark".to_owned(),
            Rc::new(move || {
                dialogs.close();
                let theme = browser::Theme::chosen();
                theme.opposite().choose();
            }),
        ),
        goal(
            Icon::Lock,
            "Lock now".to_owned(),
            Rc::new(move || {
                dialogs.close();
                lock.now();
            }),
        ),
        ask(Icon::LogOut, "Sign out of this browser", Ask::SignOut),
    ];
    // On a narrow screen it stands alone anyhow.
    if untrack(|| !narrow.get()) {
        let turn = move || {
            dialogs.close();
            column.turn();
        };
        goals.push(goal(
            Icon::PanelLeft,
            untrack(|| column.offer()).to_owned(),
            Rc::new(turn),
        ));
    }
    if guest::am_guest().get_untracked() {
        let not_for_guests = ["New message", "New group", "Create a space", "Lock now"];
        goals.retain(|goal| !not_for_guests.contains(&goal.name.as_str()));
        goals.push(ask(Icon::UserRound, "Keep this account", Ask::KeepAccount));
    }
    if let Some(space) = nav.place_untracked().space() {
        let rights = untrack(|| store.space(space))
            .map(|space| space.rights)
            .unwrap_or_default();
        if rights.channel {
            goals.push(ask(Icon::Plus, "New channel", Ask::NewChannel(space, NONE)));
        }
        if rights.invite {
            goals.push(ask(
                Icon::UserPlus,
                "Add people to this space",
                Ask::AddPeople(space.into()),
            ));
        }
        if rights.invite {
            goals.push(ask(Icon::Link, "Invite people by link", Ask::Invite(space.into())));
        }
        for page in SpacePage::ALL {
            let name = format!("Space settings: {}", page.title());
            goals.push(go(Icon::Settings, &name, Place::SpaceSetting(space, page)));
        }
    }
    for page in Page::ALL {
        goals.push(go(
            Icon::Settings,
            &format!("Settings: {}", page_title(page)),
            Place::Setting(page),
        ));
    }
    goals
}

fn read_everything(store: crate::state::Store, toasts: Toasts) {
    let before: Vec<(Chat, u64)> = untrack(|| {
        let channels = store.space_list().into_iter().flat_map(|space| store.channels(space));
        let all = store.room_list().into_iter().chain(channels);
        let unread = all.filter_map(|chat| store.room(chat).filter(|room| room.unread > 0));
        unread.map(|room| (room.id, room.read)).collect()
    });
    for (chat, _) in &before {
        wire::tell(Command::MarkRead { chat: *chat });
    }
    toasts.offer("Everything counts as read.", "Undo", move || {
        for (chat, read) in &before {
            wire::tell(Command::SetRead {
                chat: *chat,
                read: *read,
            });
        }
    });
}

/// The field that looks like one to type into and opens this.
pub fn opener(words: &'static str) -> AnyView {
    let dialogs = use_dialogs();
    html::button()
        .r#type("button")
        .class("column-jump")
        .attr("aria-haspopup", "dialog")
        .attr(
            "aria-keyshortcuts",
            if browser::is_apple() { "Meta+K" } else { "Control+K" },
        )
        .on(ev::click, move |_| dialogs.open(Ask::Switch))
        .child((
            Icon::Search.view(),
            html::span().class("truncate").child(words),
            html::kbd()
                .class("kbd")
                .attr("aria-hidden", "true")
                .child(keys::printed(keys::Act::Switch, browser::is_apple()).join(" ")),
        ))
        .into_any()
}

/// Presses what the page shows for going to the oldest unread message, if it does.
pub fn to_oldest_unread() -> bool {
    let button = document().query_selector(".jump-up").ok().flatten();
    let button = button.and_then(|button| button.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(button) = &button {
        button.click();
    }
    button.is_some()
}
