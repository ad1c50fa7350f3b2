//! What is offered while somebody types the beginning of a name: people behind `@`, channels behind `#`, emoji between colons,
//! commands behind `/`. For any field in which a message is written.

use leptos::prelude::*;
use leptos::{ev, html};

use super::picker::Emojis;
use super::slash;
use crate::ui::calls::{Kind, being_typed};
use crate::ui::kit::Icon;
use crate::ui::kit::mark::Size;
use crate::ui::pictures::portrait;
use crate::ui::screen::use_store;
use crate::ui::sidebar;
use crate::view::{Chat, Role, RoomKind};
use sotto_shared::id::UserId;

/// Offered at most.
const OFFERED: usize = 8;

/// Where somebody writes.
#[derive(Clone, Copy)]
pub struct Field {
    pub chat: Chat,
    pub in_thread: bool,
    /// Names the list, once in the page.
    pub list: &'static str,
    pub node: NodeRef<html::Textarea>,
    pub text: RwSignal<String>,
    /// Takes another text in the place of what stands there.
    pub typed: Callback<String>,
}

impl Field {
    /// What is marked, or where the caret is, in bytes.
    pub fn marked(self, text: &str) -> (usize, usize) {
        let node = self.node.get_untracked();
        let at = |units: Option<u32>| units.map_or(text.len(), |units| byte_of(text, units as usize));
        let start = node.as_ref().and_then(|node| node.selection_start().ok().flatten());
        let end = node.as_ref().and_then(|node| node.selection_end().ok().flatten());
        let (start, end) = (at(start), at(end));
        (start.min(end), end)
    }

    pub fn replace(self, text: &str, start: usize, end: usize, by: &str) {
        let (Some(left), Some(right)) = (text.get(..start), text.get(end..)) else {
            return;
        };
        let caret = format!("{left}{by}").encode_utf16().count();
        self.typed.run(format!("{left}{by}{right}"));
        self.caret_to(caret as u32);
    }

    /// At once, so that what is typed or marked next stays as it was: the text is put there first, where it was not yet.
    pub fn caret_to(self, at: u32) {
        let Some(node) = self.node.try_get_untracked().flatten() else {
            return;
        };
        self.text.with_untracked(|text| {
            if node.value() != *text {
                node.set_value(text);
            }
        });
        let at = at.min(node.text_length());
        drop(node.set_selection_range(at, at));
    }
}

/// The byte at which the letter stands that begins after so many UTF-16 units, by which the browser counts.
fn byte_of(text: &str, units: usize) -> usize {
    let mut left = units;
    for (at, letter) in text.char_indices() {
        if left < letter.len_utf16() {
            return at;
        }
        left -= letter.len_utf16();
    }
    text.len()
}

#[derive(Debug, Clone, PartialEq)]
enum Face {
    Person(UserId, [u8; 5]),
    Sign(String),
    Icon(Icon),
}

#[derive(Debug, Clone, PartialEq)]
struct Offer {
    face: Face,
    name: String,
    /// Beside it, quieter.
    more: String,
    /// What takes the place of what was typed.
    put: String,
}

#[derive(Clone, Copy)]
pub struct Offers {
    field: Field,
    /// What is typed so far; nothing while there is none, or the offer was turned down.
    wanted: RwSignal<Option<(Kind, String)>>,
    found: RwSignal<Vec<Offer>>,
    at: RwSignal<usize>,
}

impl Offers {
    pub fn new(field: Field) -> Self {
        Self {
            field,
            wanted: RwSignal::new(None),
            found: RwSignal::new(Vec::new()),
            at: RwSignal::new(0),
        }
    }

    pub fn is_open(self) -> bool {
        self.found.with(|found| !found.is_empty())
    }

    /// Id of the list, while it is there.
    pub fn list(self) -> Option<&'static str> {
        self.is_open().then_some(self.field.list)
    }

    /// Id of the one that Enter would take.
    pub fn active(self) -> Option<String> {
        self.is_open().then(|| format!("{}-{}", self.field.list, self.at.get()))
    }

    pub fn close(self) {
        self.wanted.set(None);
    }

    /// After every key: whether a name is being typed.
    pub fn look(self, emojis: Emojis) {
        let text = self.field.text.get_untracked();
        let (start, end) = self.field.marked(&text);
        let before = if start == end { text.get(..start) } else { None };
        let wanted = before.and_then(|before| {
            let (kind, range) = being_typed(before)?;
            Some((kind, before.get(range)?.get(1..)?.to_owned()))
        });
        if matches!(wanted, Some((Kind::Emoji, _))) {
            emojis.want();
        }
        self.at.set(0);
        self.wanted.set(wanted);
    }

    /// Takes what is offered at this place.
    fn take(self, at: usize) {
        let Some(offer) = self.found.with_untracked(|found| found.get(at).cloned()) else {
            return;
        };
        let text = self.field.text.get_untracked();
        let (start, _) = self.field.marked(&text);
        let from = text
            .get(..start)
            .and_then(being_typed)
            .map_or(start, |(_, range)| range.start);
        self.field.replace(&text, from, start, &offer.put);
        self.close();
    }

    /// A low screen shows only some of the list.
    fn go(self, at: usize) {
        self.at.set(at);
        if let Some(option) = document().get_element_by_id(&format!("{}-{at}", self.field.list)) {
            let near = web_sys::ScrollIntoViewOptions::new();
            near.set_block(web_sys::ScrollLogicalPosition::Nearest);
            option.scroll_into_view_with_scroll_into_view_options(&near);
        }
    }

    /// Whether the key was for the list.
    pub fn key(self, event: &web_sys::KeyboardEvent) -> bool {
        let count = self.found.with_untracked(Vec::len);
        if count == 0 {
            return false;
        }
        let at = self.at.get_untracked();
        match event.key().as_str() {
            "ArrowDown" => self.go((at + 1) % count),
            "ArrowUp" => self.go((at + count - 1) % count),
            // A command that is typed to its end is meant.
            "Enter" if !event.shift_key() && self.is_whole() => return false,
            "Enter" | "Tab" if !event.shift_key() => self.take(at),
            "Escape" => self.close(),
            _ => return false,
        }
        event.prevent_default();
        true
    }

    fn is_whole(self) -> bool {
        self.wanted.with_untracked(|wanted| {
            matches!(wanted, Some((Kind::Command, word)) if slash::ALL.iter().any(|command| command.name == word))
        })
    }

    pub fn view(self, emojis: Emojis) -> AnyView {
        let store = use_store();
        let (chat, in_thread) = (self.field.chat, self.field.in_thread);
        Effect::new(move |_| {
            let found = match self.wanted.get() {
                None => Vec::new(),
                Some((Kind::Emoji, word)) => signs(emojis, &word),
                Some((Kind::Person, word)) => people(store, chat, &word),
                Some((Kind::Channel, word)) => channels(store, chat, &word),
                Some((Kind::Command, word)) => commands(store, chat, in_thread, &word),
            };
            self.found.set(found);
        });
        let label = move || match self.wanted.get() {
            Some((Kind::Person, _)) => "People",
            Some((Kind::Channel, _)) => "Channels",
            Some((Kind::Command, _)) => "Commands",
            _ => "Emoji",
        };
        let option = move |(at, offer): (usize, Offer)| {
            let face = match offer.face {
                Face::Person(user, look) => portrait(user, look, Size::S20),
                Face::Sign(sign) => html::span()
                    .class("emoji-sign")
                    .attr("aria-hidden", "true")
                    .child(sign)
                    .into_any(),
                Face::Icon(icon) => icon.view(),
            };
            html::li()
                .class("menu-item")
                .id(format!("{}-{at}", self.field.list))
                .attr("role", "option")
                .attr(
                    "aria-selected",
                    move || if self.at.get() == at { "true" } else { "false" },
                )
                // The field keeps the keyboard.
                .on(ev::pointerdown, move |event| event.prevent_default())
                .on(ev::click, move |_| self.take(at))
                .child((
                    face,
                    html::span().class("truncate").child(offer.name),
                    (!offer.more.is_empty()).then(|| html::span().class("menu-item-end truncate").child(offer.more)),
                ))
        };
        (move || {
            self.is_open().then(|| {
                html::ul()
                    .class("composer-offers")
                    .id(self.field.list)
                    .attr("role", "listbox")
                    .attr("aria-label", label)
                    .child(self.found.get().into_iter().enumerate().map(option).collect_view())
            })
        })
        .into_any()
    }
}

fn signs(emojis: Emojis, word: &str) -> Vec<Offer> {
    let Some(list) = emojis.get() else {
        return Vec::new();
    };
    let tone = emojis.tone();
    let one = |one: &crate::ui::emoji::Emoji| Offer {
        face: Face::Sign(one.toned(tone).to_owned()),
        name: one.name.clone(),
        more: String::new(),
        put: one.toned(tone).to_owned(),
    };
    list.search(word, OFFERED).into_iter().map(one).collect()
}

/// Whom one may call here: nobody calls themselves, and in a direct message there is nobody else.
fn people(store: crate::state::Store, chat: Chat, word: &str) -> Vec<Offer> {
    let word = word.to_lowercase();
    let Some(room) = store.room(chat).filter(|room| room.kind != RoomKind::Direct) else {
        return Vec::new();
    };
    let members = store.members(chat.room).unwrap_or_default();
    let mut users: Vec<UserId> = members.iter().map(|member| member.user).collect();
    // A private channel calls nobody who cannot read it.
    if let Some(readers) = store.channel_members(chat) {
        users.retain(|user| readers.contains(user));
    }
    let mut found: Vec<(bool, Offer)> = users
        .into_iter()
        .filter_map(|user| store.person(user))
        .filter(|person| !person.is_me && !person.handle.is_empty())
        .filter_map(|person| {
            let name = person.name.to_lowercase();
            if !person.handle.contains(&word) && !name.contains(&word) {
                return None;
            }
            let begins = person.handle.starts_with(&word) || name.split(' ').any(|part| part.starts_with(&word));
            let offer = Offer {
                face: Face::Person(person.id, person.mark),
                name: person.shown().to_owned(),
                more: if name.is_empty() {
                    String::new()
                } else {
                    person.handle.clone()
                },
                put: format!("@{} ", person.handle),
            };
            Some((!begins, offer))
        })
        .collect();
    found.sort_by_cached_key(|(late, offer)| (*late, offer.name.to_lowercase(), offer.more.clone()));
    let mut found: Vec<Offer> = found.into_iter().map(|(_, offer)| offer).collect();
    let may_call = match store.space(chat.room) {
        Some(space) => space.rights.everyone,
        None => room.role > Role::Member,
    };
    if may_call && "everyone".starts_with(&word) {
        found.insert(
            found.len().min(OFFERED - 1),
            Offer {
                face: Face::Icon(Icon::Users),
                name: "everyone".into(),
                more: "calls all who are here".into(),
                put: "@everyone ".into(),
            },
        );
    }
    found.truncate(OFFERED);
    found
}

/// Channels of this space that one sees.
fn channels(store: crate::state::Store, chat: Chat, word: &str) -> Vec<Offer> {
    let word = word.to_lowercase();
    let mut found: Vec<Offer> = beside(store, chat)
        .into_iter()
        .filter(|(_, name)| name.to_lowercase().contains(&word))
        .map(|(_, name)| Offer {
            face: Face::Icon(Icon::Hash),
            put: format!("#{name} "),
            more: String::new(),
            name,
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found.truncate(OFFERED);
    found
}

/// The channels of the space that a conversation belongs to, by name. Of a direct message or a group there are none.
pub fn beside(store: crate::state::Store, chat: Chat) -> Vec<(Chat, String)> {
    let named = |other: Chat| Some((other, sidebar::title(&store.room(other)?)));
    store.channels(chat.room).into_iter().filter_map(named).collect()
}

fn commands(store: crate::state::Store, chat: Chat, in_thread: bool, word: &str) -> Vec<Offer> {
    let Some(room) = store.room(chat) else {
        return Vec::new();
    };
    let fits = slash::ALL
        .iter()
        .filter(|command| command.name.starts_with(word) && command.fits(&room, in_thread));
    fits.take(OFFERED)
        .map(|command| Offer {
            face: Face::Icon(command.icon),
            name: format!("/{}", command.name),
            more: command.does.into(),
            put: format!("/{} ", command.name),
        })
        .collect()
}
