//! The one dialog that may be open, and who opens it. Focus goes back to the opener when it closes.

use std::rc::Rc;

use crate::view::Chat;
use leptos::html;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use sotto_shared::id::{ChannelId, DeviceKeyId, MessageId, RoomId, UserId};
use web_sys::HtmlElement;

use super::kit::dialog::Dialog;
use super::kit::toast::Toasts;
use super::kit::{Icon, button};
use super::moderation::{self, Subject};
use super::screen::{use_store, use_toasts};
use super::{auth, browser, guest, hush, keys, people, room, settings, sidebar, spaces, switcher, wire, words};
use crate::state::Store;
use crate::view::{Command, Problem};

#[derive(Clone, PartialEq)]
pub enum Ask {
    NewMessage,
    NewGroup,
    AddPeople(Chat),
    Invite(Chat),
    Rename(Chat),
    Leave(Chat),
    /// What a moderator is about to do.
    Order(RoomId, Subject),
    Safety(UserId),
    Person(UserId),
    /// What shows why a room is stopped.
    Evidence(Chat),
    /// What can be done with a message.
    Message(Chat, MessageId),
    React(Chat, MessageId),
    /// Who put which reaction.
    Reactions(Chat, MessageId),
    DeleteMessage(Chat, MessageId),
    /// A message of somebody else, for those who keep order.
    Report(Chat, MessageId),
    /// A poll to be made, with a question typed already.
    Poll(Chat, String),
    EndPoll(Chat, MessageId),
    /// Who voted for what.
    Votes(Chat, MessageId),
    /// How much a room, a space or one channel of it may ask for attention.
    Hush(RoomId, Option<ChannelId>),
    Forward(Chat, MessageId),
    /// A day to go to; the one that is shown first, milliseconds since 1970.
    Date(Chat, Option<u64>),
    /// What can be typed behind a slash; in a thread or not.
    Commands(Chat, bool),
    /// An emoji for the composer.
    Emoji,
    SignOut,
    /// A guest gets a handle and a password.
    KeepAccount,
    SignOutOthers,
    /// A browser of this account, by what it is called.
    TakeAway(DeviceKeyId, String),
    ChangePassword,
    MakeRecoveryKey,
    RemoveRecoveryKey,
    DeleteAccount,
    /// A new account in the place of one that cannot be opened.
    StartOver {
        handle: String,
        password: String,
        stay: bool,
    },
    /// What the server sees.
    Server,
    /// Keyboard shortcuts.
    Keys,
    /// Jump to something by its name.
    Switch,
    NewSpace,
    LeaveSpace(RoomId),
    /// Under the heading of this number.
    NewChannel(RoomId, u16),
    EditChannel(Chat),
    /// What can be done with a channel.
    Channel(Chat),
    MoveChannel(Chat),
    ChannelPeople(Chat),
    /// Somebody, or oneself, out of a private channel.
    TakeOut(Chat, UserId),
    NewHeading(RoomId),
    RenameHeading(RoomId, u16),
    /// A new role of a space, or one that is changed.
    Role(RoomId, Option<u8>),
    DropRole(RoomId, u8),
    GiveRole(RoomId, UserId),
}

#[derive(Clone, Copy)]
pub struct Dialogs {
    ask: RwSignal<Option<Ask>>,
    opener: StoredValue<Option<SendWrapper<HtmlElement>>>,
}

impl Default for Dialogs {
    fn default() -> Self {
        Self {
            ask: RwSignal::new(None),
            opener: StoredValue::new(None),
        }
    }
}

pub fn use_dialogs() -> Dialogs {
    expect_context()
}

impl Dialogs {
    pub fn open(self, ask: Ask) {
        // Right behind another one, focus has not gone back yet: it is still to go where that one was opened from.
        if self.opener.with_value(Option::is_none) {
            self.opener.set_value(browser::focused().map(SendWrapper::new));
        }
        self.ask.set(Some(ask));
    }

    pub fn close(self) {
        if self.ask.with_untracked(Option::is_none) {
            return;
        }
        self.ask.set(None);
        // After the dialog has left: while it stands, everything else is inert.
        request_animation_frame(move || {
            if self.is_open() {
                return;
            }
            let opener = self.opener.try_update_value(Option::take).flatten();
            if let Some(opener) = opener.filter(|opener| opener.is_connected()) {
                drop(opener.focus());
            }
        });
    }

    pub fn is_open(self) -> bool {
        self.ask.with_untracked(Option::is_some)
    }

    /// The same, followed as it changes.
    pub fn is_open_tracked(self) -> bool {
        self.ask.with(Option::is_some)
    }

    pub fn shows(self, ask: &Ask) -> bool {
        self.ask.with_untracked(|shown| shown.as_ref() == Some(ask))
    }

    pub fn view(self) -> AnyView {
        // Made once: what it begins with may change while somebody fills it in.
        (move || self.ask.get().map(|ask| untrack(|| content(ask)))).into_any()
    }
}

fn content(ask: Ask) -> AnyView {
    match ask {
        Ask::NewMessage => people::new_message(),
        Ask::NewGroup => people::new_group(),
        Ask::AddPeople(room) => people::add_people(room.room),
        Ask::Invite(chat) => people::invite::dialog(chat.room),
        Ask::Rename(room) => room::dialogs::rename(room),
        Ask::Leave(room) => room::dialogs::leave(room),
        Ask::Order(room, subject) => moderation::dialogs::dialog(room, subject),
        Ask::Person(user) => people::card::dialog(user),
        Ask::Safety(user) => room::safety::dialog(user),
        Ask::Evidence(room) => room::evidence::dialog(room),
        Ask::Message(room, message) => room::acts::sheet(room, message),
        Ask::React(room, message) => room::acts::react_dialog(room, message),
        Ask::DeleteMessage(room, message) => room::acts::delete(room, message),
        Ask::Report(room, message) => moderation::reports::make(room, message),
        Ask::Poll(chat, question) => room::poll::make(chat, question),
        Ask::EndPoll(chat, message) => room::poll::end(chat, message),
        Ask::Votes(chat, message) => room::poll::who_voted(chat, message),
        Ask::Reactions(chat, message) => room::acts::who_reacted(chat, message),
        Ask::Hush(room, channel) => hush::dialog(room, channel),
        Ask::Forward(room, message) => room::forward::dialog(room, message),
        Ask::Date(room, from) => room::date::dialog(room, from),
        Ask::Commands(room, in_thread) => room::slash::dialog(room, in_thread),
        Ask::Emoji => room::acts::insert_dialog(),
        Ask::SignOut => settings::sign_out(),
        Ask::KeepAccount => guest::keep(),
        Ask::SignOutOthers => settings::devices::sign_out_others(),
        Ask::TakeAway(device, label) => settings::devices::take_away(device, &label),
        Ask::ChangePassword => settings::account::change_password(),
        Ask::MakeRecoveryKey => settings::recovery_key::make(),
        Ask::RemoveRecoveryKey => settings::recovery_key::remove(),
        Ask::DeleteAccount => settings::account::delete(),
        Ask::StartOver { handle, password, stay } => auth::start_over(&handle, password, stay),
        Ask::Server => settings::server::dialog(),
        Ask::Keys => keys(),
        Ask::Switch => switcher::dialog(),
        Ask::NewSpace => spaces::create::dialog(),
        Ask::LeaveSpace(space) => spaces::channels::leave(space),
        Ask::NewChannel(space, heading) => spaces::channels::create(space, heading),
        Ask::Channel(chat) => sidebar::channel_sheet(chat),
        Ask::EditChannel(chat) => spaces::channels::edit(chat),
        Ask::MoveChannel(chat) => spaces::channels::move_to(chat),
        Ask::ChannelPeople(chat) => spaces::channels::people(chat),
        Ask::TakeOut(chat, user) => spaces::channels::take_out(chat, user),
        Ask::NewHeading(space) => spaces::channels::new_heading(space),
        Ask::RenameHeading(space, heading) => spaces::channels::rename_heading(space, heading),
        Ask::Role(space, role) => spaces::roles::dialog(space, role),
        Ask::DropRole(space, role) => spaces::roles::drop_role(space, role),
        Ask::GiveRole(space, user) => spaces::roles::give(space, user),
    }
}

/// What closes the dialog that is open.
pub fn closer() -> Rc<dyn Fn()> {
    let dialogs = use_dialogs();
    Rc::new(move || dialogs.close())
}

/// A question with a safe answer and one that cannot be taken back.
pub struct Confirm {
    pub title: String,
    pub text: String,
    pub act: &'static str,
    pub safe: &'static str,
    pub command: Command,
    pub done: Box<dyn Fn()>,
}

impl Confirm {
    pub fn view(self) -> AnyView {
        let (dialogs, toasts) = (use_dialogs(), use_toasts());
        let busy = RwSignal::new(false);
        let error = RwSignal::new(None::<String>);
        let done = Rc::new(self.done);
        let command = self.command;
        let act = move || {
            if busy.get_untracked() {
                return;
            }
            busy.set(true);
            let done = done.clone();
            wire::ask(command.clone(), move |result| {
                let here = still_stands(busy);
                match result {
                    Ok(_) => {
                        if here {
                            dialogs.close();
                        }
                        done();
                    }
                    Err(problem) => refuse(toasts, error, &problem),
                }
            });
        };
        let content = (
            html::div()
                .class("dialog-body")
                .child((html::p().class("soft").child(self.text), error_line(error))),
            html::footer().class("dialog-foot").child((
                html::button()
                    .r#type("button")
                    .class("button")
                    .autofocus(true)
                    .on(leptos::ev::click, move |_| dialogs.close())
                    .child(self.safe),
                html::button()
                    .r#type("button")
                    .class("button button-danger")
                    .attr("aria-busy", move || busy.get().then_some("true"))
                    .on(leptos::ev::click, move |_| act())
                    .child((
                        move || {
                            busy.get()
                                .then(|| html::span().class("spinner").attr("aria-hidden", "true"))
                        },
                        self.act,
                    )),
            )),
        );
        Dialog {
            title: self.title,
            sub: None,
            mark: None,
            wide: false,
            kept: Signal::stored(false),
            content: content.into_any(),
            close: closer(),
        }
        .view()
    }
}

/// What went wrong, inside a dialog; spoken when it appears.
pub fn error_line(error: RwSignal<Option<String>>) -> AnyView {
    html::div()
        .attr("role", "alert")
        .child(move || {
            error.get().map(|error| {
                html::p()
                    .class("field-error")
                    .child((Icon::CircleAlert.s(), html::span().child(error)))
            })
        })
        .into_any()
}

/// The answer is here. Tells whether the dialog that asked still stands: if not, another one may stand in its place.
pub fn still_stands(busy: RwSignal<bool>) -> bool {
    busy.try_set(false).is_none()
}

/// What stands beside a field when a command refused its content; whoever closed the dialog meanwhile is told all the same.
pub fn refuse(toasts: Toasts, error: RwSignal<Option<String>>, problem: &Problem) {
    if let Some(Some(text)) = error.try_set(Some(words::problem(problem))) {
        toasts.danger(text);
    }
}

fn keys() -> AnyView {
    let apple = browser::is_apple();
    let row = |one: &keys::Shortcut| {
        let printed = one.printed(apple).into_iter();
        html::li().class("spread").child((
            html::span().child(one.says),
            html::span()
                .class("keys")
                .child(printed.map(|key| html::kbd().class("kbd").child(key)).collect_view()),
        ))
    };
    let part = |part: keys::Part| {
        let rows = keys::TABLE
            .iter()
            .filter(|one| one.part == part)
            .map(row)
            .collect_view();
        html::section().class("key-part").child((
            html::h3().class("menu-title").child(part.title()),
            html::ul().class("key-list").child(rows),
        ))
    };
    let content = (
        html::div()
            .class("dialog-body")
            .child(keys::Part::ALL.map(part).into_iter().collect_view()),
        html::footer()
            .class("dialog-foot")
            .child(button::button("button", "Close", {
                let close = closer();
                move || close()
            })),
    );
    let sub = Some("Start typing anywhere to write in the open conversation.".to_owned());
    Dialog {
        title: "Keyboard".into(),
        sub,
        mark: None,
        wide: false,
        kept: Signal::stored(false),
        content: content.into_any(),
        close: closer(),
    }
    .view()
}

/// What a person is called, or a word that fits in its place.
pub fn name_of(user: UserId) -> String {
    or_somebody(use_store().name(user))
}

/// The same with the handle: for the title of what decides about somebody.
pub fn who_of(user: UserId) -> String {
    or_somebody(use_store().who(user))
}

/// The same in a list, where there is little room: the handle is never what is cut.
pub fn who_first(store: Store, user: UserId) -> AnyView {
    let name = move || {
        let (name, handle) = (store.name(user), store.handle(user));
        (name != handle).then(|| html::span().class("muted").child(format!(" {name}")))
    };
    html::span()
        .class("truncate")
        .child((move || store.handle(user), name))
        .into_any()
}

fn or_somebody(name: String) -> String {
    if name.is_empty() { "this person".into() } else { name }
}
