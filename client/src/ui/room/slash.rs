//! Commands that are typed: `/invite`, `/leave` and the like. What is not known is said to be so, and stays in the field.

use leptos::html;
use leptos::prelude::*;

use crate::ui::dialogs::{Ask, closer};
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::{Icon, button};
use crate::ui::screen::use_store;
use crate::view::{Chat, Role, Room, RoomKind};

pub struct Slash {
    pub name: &'static str,
    pub does: &'static str,
    pub icon: Icon,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Shrug,
    Invite,
    Rename,
    Leave,
    Date,
    Poll,
    Help,
}

pub const ALL: [Slash; 7] = [
    Slash::new("date", "go to a day in this conversation", Icon::Calendar, What::Date),
    Slash::new("help", "list these commands", Icon::CircleHelp, What::Help),
    Slash::new("invite", "add people to this group", Icon::UserPlus, What::Invite),
    Slash::new("leave", "leave this group", Icon::LogOut, What::Leave),
    Slash::new(
        "poll",
        "ask a question with answers to choose from",
        Icon::ChartBar,
        What::Poll,
    ),
    Slash::new("rename", "give this group another name", Icon::Pencil, What::Rename),
    Slash::new("shrug", "put ¯\\_(ツ)_/¯ behind your message", Icon::Smile, What::Shrug),
];

/// What a text that begins like a command means.
pub enum Meant {
    /// To be sent.
    Text(String),
    /// To be opened; the field is done with.
    Open(Ask),
    /// Not to be sent as it is, for this reason.
    Not(String),
}

impl Slash {
    const fn new(name: &'static str, does: &'static str, icon: Icon, what: What) -> Self {
        Self { name, does, icon, what }
    }

    /// Whether it can be done here.
    pub fn fits(&self, room: &Room, in_thread: bool) -> bool {
        match self.what {
            What::Invite | What::Leave => room.kind == RoomKind::Group,
            What::Rename => room.kind == RoomKind::Group && room.role > Role::Member,
            // It would stand in the conversation.
            What::Poll => !in_thread,
            What::Shrug | What::Date | What::Help => true,
        }
    }
}

/// A command and what stands behind it: a slash and letters, at the very beginning.
fn split(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix('/')?;
    let (word, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let is_word = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic());
    is_word.then_some((word, rest.trim()))
}

pub fn read(text: &str, chat: Chat, room: &Room, in_thread: bool) -> Meant {
    let Some((word, rest)) = split(text) else {
        return Meant::Text(text.to_owned());
    };
    let word = word.to_ascii_lowercase();
    let Some(command) = ALL.iter().find(|command| command.name == word) else {
        return Meant::Not(format!(
            "There is no command /{word}. /help lists those there are. To send this as it is, put a space before it."
        ));
    };
    if !command.fits(room, in_thread) {
        return Meant::Not(format!("/{word} cannot be used here."));
    }
    match command.what {
        // What would mean something in Markdown is kept from it.
        What::Shrug if rest.is_empty() => Meant::Text("¯\\\\\\_(ツ)\\_/¯".into()),
        What::Shrug => Meant::Text(format!("{rest} ¯\\\\\\_(ツ)\\_/¯")),
        What::Invite => Meant::Open(Ask::AddPeople(chat)),
        What::Rename => Meant::Open(Ask::Rename(chat)),
        What::Leave => Meant::Open(Ask::Leave(chat)),
        What::Date => Meant::Open(Ask::Date(chat, None)),
        What::Poll => Meant::Open(Ask::Poll(chat, rest.to_owned())),
        What::Help => Meant::Open(Ask::Commands(chat, in_thread)),
    }
}

/// The list of them.
pub fn dialog(chat: Chat, in_thread: bool) -> AnyView {
    let room = untrack(|| use_store().room(chat));
    let fits = |command: &&Slash| room.as_ref().is_some_and(|room| command.fits(room, in_thread));
    let one = |command: &Slash| {
        html::li().child((
            html::code().child(format!("/{}", command.name)),
            html::span().child(command.does),
        ))
    };
    let list = ALL.iter().filter(fits).map(one).collect_view();
    let content = (
        html::div()
            .class("dialog-body")
            .child(html::ul().class("command-list").child(list)),
        html::footer()
            .class("dialog-foot")
            .child(button::button("button", "Close", {
                let close = closer();
                move || close()
            })),
    );
    Dialog {
        title: "Commands".into(),
        sub: Some("Typed at the beginning of a message.".into()),
        mark: None,
        wide: false,
        kept: Signal::stored(false),
        content: content.into_any(),
        close: closer(),
    }
    .view()
}
