//! Questions before something is done to somebody, with a reason that everybody in the room can read.

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::api::limits::MAX_REASON_BYTES;
use sotto_shared::id::{ChannelId, MessageId, RoomId, UserId};

use super::{Subject, is_last_owner, rank, role_id, role_name};
use crate::ui::dialogs::{Ask, closer, error_line, name_of, refuse, still_stands, use_dialogs, who_first, who_of};
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::{button, unique};
use crate::ui::nav::use_nav;
use crate::ui::place::{Place, SpacePage};
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::{sidebar, when, wire, words};
use crate::view::{Chat, Command, Measure, Problem};

/// Offered lengths of a time-out, in seconds.
const TIME_OUTS: [u32; 6] = [60, 600, 3_600, 24 * 3_600, 7 * 24 * 3_600, 28 * 24 * 3_600];
/// Offered times between two texts.
const SLOW: [u32; 9] = [0, 5, 10, 30, 60, 300, 900, 3_600, 6 * 3_600];

/// In a list all of them begin with a number.
fn length(secs: u32) -> String {
    let (number, one, many) = match secs {
        86_400.. => (secs / 86_400, "day", "days"),
        3_600.. => (secs / 3_600, "hour", "hours"),
        60.. => (secs / 60, "minute", "minutes"),
        _ => (secs, "second", "seconds"),
    };
    words::count(number as usize, one, many)
}

pub fn dialog(room: RoomId, subject: Subject) -> AnyView {
    match subject {
        Subject::Remove(user) => remove(room, user, false),
        Subject::Ban(user) => remove(room, user, true),
        Subject::Unban(user) => unban(room, user),
        Subject::TimeOut(user) => time_out(room, user),
        Subject::EndTimeOut(user) => end_time_out(room, user),
        Subject::Role(user) => give_role(room, user),
        Subject::StepDown => step_down(room),
        Subject::Banned => banned(room),
        Subject::SlowMode(channel) => slow_mode(Chat { room, channel }),
        Subject::TakeAway(channel, message, author) => take_away(Chat { room, channel }, message, author),
    }
}

/// A question with one act, and a place for the reason.
struct Question {
    title: String,
    text: String,
    /// Between the text and the reason.
    choice: Option<AnyView>,
    reason: bool,
    act: &'static str,
    danger: bool,
    /// Made when the button is pressed.
    command: Box<dyn Fn(String) -> Command>,
    said: String,
}

impl Question {
    fn view(self) -> AnyView {
        let (dialogs, toasts) = (use_dialogs(), use_toasts());
        let (reason, error, busy) = (
            RwSignal::new(String::new()),
            RwSignal::new(None::<String>),
            RwSignal::new(false),
        );
        let (command, said) = (self.command, self.said);
        let submit = move |event: web_sys::SubmitEvent| {
            event.prevent_default();
            if busy.get_untracked() {
                return;
            }
            busy.set(true);
            let said = said.clone();
            wire::ask(command(reason.get_untracked()), move |result| {
                let here = still_stands(busy);
                match result {
                    Ok(_) => {
                        if here {
                            dialogs.close();
                        }
                        toasts.ok(said);
                    }
                    Err(problem) => refuse(toasts, error, &problem),
                }
            });
        };
        let form = html::form()
            .attr("novalidate", "")
            .attr("aria-label", self.title.clone())
            .on(ev::submit, submit)
            .child((
                html::div().class("dialog-body").child((
                    html::p().class("soft").child(self.text),
                    self.choice,
                    self.reason.then(|| reason_field(reason)),
                    error_line(error),
                )),
                html::footer().class("dialog-foot").child((
                    button::button("button", "Cancel", move || dialogs.close()),
                    button::submit(
                        if self.danger {
                            "button button-danger"
                        } else {
                            "button button-primary"
                        },
                        self.act,
                        busy.into(),
                        Signal::stored(true),
                    ),
                )),
            ));
        Dialog {
            title: self.title,
            sub: None,
            mark: None,
            wide: false,
            kept: Signal::derive(move || reason.with(|reason| !reason.trim().is_empty())),
            content: form.into_any(),
            close: closer(),
        }
        .view()
    }
}

/// Why: read by everybody in the room, and by nobody else.
pub fn reason_field(reason: RwSignal<String>) -> AnyView {
    let id = unique("reason");
    let hint = format!("{id}-hint");
    html::div()
        .class("field")
        .child((
            html::label()
                .class("field-label")
                .r#for(id.clone())
                .child(("Reason ", html::span().class("muted").child("(not required)"))),
            html::textarea()
                .class("input reason-text")
                .id(id)
                .attr("rows", "2")
                .attr("maxlength", (MAX_REASON_BYTES / 4).to_string())
                .attr("dir", "auto")
                .attr("aria-describedby", hint.clone())
                .prop("value", move || reason.get())
                .on(ev::input, move |event| reason.set(event_target_value(&event))),
            html::p()
                .class("field-hint")
                .id(hint)
                .child("Stands in the log of changes. Everyone here can read it, the server cannot."),
        ))
        .into_any()
}

/// One of a few, as radio buttons.
fn choice<T: Copy + PartialEq + Send + Sync + 'static>(
    legend: &'static str,
    of: Vec<(T, String, Option<&'static str>)>,
    chosen: RwSignal<T>,
) -> AnyView {
    let name = unique("choice");
    let rows = of.into_iter().map(|(value, label, hint)| {
        html::label().class("choice").child((
            html::input()
                .r#type("radio")
                .attr("name", name.clone())
                .prop("checked", move || chosen.get() == value)
                .on(ev::change, move |_| chosen.set(value)),
            html::span().class("choice-text").child((
                html::span().child(label),
                hint.map(|hint| html::span().class("choice-hint").child(hint)),
            )),
        ))
    });
    html::fieldset()
        .class("choices")
        .child((html::legend().class("field-label").child(legend), rows.collect_view()))
        .into_any()
}

fn title(room: RoomId) -> String {
    let store = use_store();
    let named = match store.space(room) {
        Some(space) => space.name,
        None => store.room(room.into()).map(|room| room.title).unwrap_or_default(),
    };
    if named.is_empty() { "this group".into() } else { named }
}

fn moderate(room: RoomId, measure: Measure) -> Box<dyn Fn(String) -> Command> {
    Box::new(move |reason| Command::Moderate {
        room,
        measure: measure.clone(),
        reason,
    })
}

fn remove(room: RoomId, user: UserId, ban: bool) -> AnyView {
    let (who, whole, name) = (name_of(user), who_of(user), title(room));
    let stays = format!(
        "{who} gets nothing that is written from now on: the room key changes. What {who} already has stays with them."
    );
    if ban {
        return Question {
            title: format!("Ban {whole} from {name}?"),
            text: format!("{stays} Nobody can let {who} in again before the ban is lifted."),
            choice: None,
            reason: true,
            act: "Ban",
            danger: true,
            command: moderate(room, Measure::Ban { user }),
            said: format!("{who} is out and banned."),
        }
        .view();
    }
    Question {
        title: format!("Remove {whole} from {name}?"),
        text: stays,
        choice: None,
        reason: true,
        act: "Remove",
        danger: true,
        command: moderate(room, Measure::Remove { user }),
        said: format!("{who} is out."),
    }
    .view()
}

/// Somebody else's message goes for everybody.
pub fn take_away(chat: Chat, message: MessageId, author: UserId) -> AnyView {
    let name = name_of(author);
    let Chat { room, channel } = chat;
    Question {
        title: format!("Delete what {name} wrote?"),
        text: format!("It goes for everyone here, and everyone sees that you deleted it. {name} may write it again."),
        choice: None,
        reason: true,
        act: "Delete",
        danger: true,
        command: moderate(
            room,
            Measure::TakeAway {
                channel,
                message,
                by: author,
            },
        ),
        said: "Message deleted.".into(),
    }
    .view()
}

fn unban(room: RoomId, user: UserId) -> AnyView {
    let (who, whole) = (name_of(user), who_of(user));
    Question {
        title: format!("Lift the ban on {whole}?"),
        text: format!("{who} does not come back by this alone: somebody has to add them, or they use an invite."),
        choice: None,
        reason: true,
        act: "Lift the ban",
        danger: false,
        command: moderate(room, Measure::Unban { user }),
        said: format!("{who} is not banned any more."),
    }
    .view()
}

fn time_out(room: RoomId, user: UserId) -> AnyView {
    let (who, whole) = (name_of(user), who_of(user));
    let seconds = RwSignal::new(TIME_OUTS[2]);
    let lengths = TIME_OUTS.map(|secs| (secs, length(secs), None)).to_vec();
    Question {
        title: format!("Time-out for {whole}"),
        text: format!("{who} stays here and can read, but cannot write until it is over. It can be ended early."),
        choice: Some(choice("How long", lengths, seconds)),
        reason: true,
        act: "Start time-out",
        danger: true,
        command: Box::new(move |reason| {
            let until_ms = when::now() + u64::from(seconds.get_untracked()) * 1000;
            let measure = Measure::TimeOut { user, until_ms };
            Command::Moderate { room, measure, reason }
        }),
        said: format!("{who} is in a time-out."),
    }
    .view()
}

fn end_time_out(room: RoomId, user: UserId) -> AnyView {
    let (who, whole) = (name_of(user), who_of(user));
    Question {
        title: format!("End the time-out of {whole}?"),
        text: format!("{who} can write again at once."),
        choice: None,
        reason: true,
        act: "End time-out",
        danger: false,
        command: moderate(room, Measure::TimeOut { user, until_ms: 0 }),
        said: format!("{who} can write again."),
    }
    .view()
}

/// Roles that this person may give, the highest first.
fn roles(room: RoomId) -> Vec<(u8, String, Option<&'static str>)> {
    let store = use_store();
    let mine = store.me().and_then(|me| role_id(store, room, me)).unwrap_or(1);
    let own = rank(store, room, mine);
    let hint = |id| match id {
        3 => Some("Everything, and for good: only they themselves can give it up."),
        2 => Some("Keeps order: removes, bans, deletes messages of others."),
        1 => Some("Reads, writes, invites."),
        _ => None,
    };
    let mut all: Vec<(u8, u8)> = match store.space(room) {
        Some(space) => space.roles.iter().map(|role| (role.rank, role.id)).collect(),
        None => vec![(100, 3), (50, 2), (10, 1)],
    };
    all.sort_unstable_by(|one, other| other.cmp(one));
    all.retain(|(rank, _)| *rank < own || mine == 3);
    all.into_iter()
        .map(|(_, id)| (id, role_name(store, room, id), hint(id)))
        .collect()
}

fn give_role(room: RoomId, user: UserId) -> AnyView {
    let (store, dialogs, toasts) = (use_store(), use_dialogs(), use_toasts());
    let (who, whole) = (name_of(user), who_of(user));
    let now = role_id(store, room, user).unwrap_or(1);
    let me = store.me();
    let (role, hand_over) = (RwSignal::new(now), RwSignal::new(false));
    let (error, busy) = (RwSignal::new(None::<String>), RwSignal::new(false));
    let owner = Memo::new(move |_| role.get() == 3 && now != 3);
    let (asked, said) = (who.clone(), who.clone());
    let done = move |chosen| {
        if still_stands(busy) {
            dialogs.close();
        }
        toasts.ok(format!("{said} is {} now.", a_role(role_name(store, room, chosen))));
    };
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        // Taken now: whoever closes the dialog meanwhile takes what was chosen in it with it.
        let chosen = role.get_untracked();
        if chosen == now {
            return dialogs.close();
        }
        busy.set(true);
        let done = done.clone();
        let command = move |user, role| Command::SetRole { room, user, role };
        let steps_down = owner.get_untracked() && hand_over.get_untracked();
        let fails = move |problem: Problem| {
            still_stands(busy);
            refuse(toasts, error, &problem);
        };
        wire::ask(command(user, chosen), move |result| match (result, me) {
            (Ok(_), Some(me)) if steps_down => wire::ask(command(me, 2), move |result| match result {
                Ok(_) => done(chosen),
                Err(problem) => fails(problem),
            }),
            (Ok(_), _) => done(chosen),
            (Err(problem), _) => fails(problem),
        });
    };
    let form = html::form()
        .attr("novalidate", "")
        .attr("aria-label", format!("Role of {whole}"))
        .on(ev::submit, submit)
        .child((
            html::div().class("dialog-body").child((
                choice("Role", roles(room), role),
                move || {
                    let who = asked.clone();
                    owner.get().then(|| {
                        html::div().class("choice-more").child((
                            html::p().class("soft").child(format!(
                                "{who} will be able to do everything you can, and nobody can take that back but {who}."
                            )),
                            html::label().class("choice").child((
                                html::input()
                                    .r#type("checkbox")
                                    .prop("checked", move || hand_over.get())
                                    .on(ev::change, move |event| hand_over.set(event_target_checked(&event))),
                                html::span().child("Hand over: I become a moderator myself"),
                            )),
                        ))
                    })
                },
                error_line(error),
            )),
            html::footer().class("dialog-foot").child((
                button::button("button", "Cancel", move || dialogs.close()),
                button::submit("button button-primary", "Save role", busy.into(), Signal::stored(true)),
            )),
        ));
    Dialog {
        title: format!("Role of {whole}"),
        sub: None,
        mark: None,
        wide: false,
        kept: Signal::stored(false),
        content: form.into_any(),
        close: closer(),
    }
    .view()
}

fn a_role(name: String) -> String {
    let vowel = name.chars().next().is_some_and(|first| "AEIOUaeiou".contains(first));
    format!("{} {}", if vowel { "an" } else { "a" }, name.to_lowercase())
}

fn step_down(room: RoomId) -> AnyView {
    let store = use_store();
    if is_last_owner(store, room) {
        return owner_first(room, "You are the only owner, so you cannot step down yet.");
    }
    let Some(me) = store.me() else {
        return ().into_any();
    };
    let now = role_id(store, room, me).unwrap_or(1);
    let below: Vec<_> = roles(room)
        .into_iter()
        .filter(|(id, ..)| rank(store, room, *id) < rank(store, room, now))
        .collect();
    let role = RwSignal::new(1_u8);
    Question {
        title: format!("Step down in {}?", title(room)),
        text: "You cannot take this back yourself: somebody who may give roles has to give you yours again.".into(),
        choice: Some(choice("Become", below, role)),
        reason: false,
        act: "Step down",
        danger: true,
        command: Box::new(move |_| Command::SetRole {
            room,
            user: me,
            role: role.get_untracked(),
        }),
        said: "You stepped down.".into(),
    }
    .view()
}

/// A room needs an owner: what to do first, and the way there.
pub fn owner_first(room: RoomId, why: &'static str) -> AnyView {
    let (nav, dialogs) = (use_nav(), use_dialogs());
    let members = match untrack(|| use_store().space(room)) {
        Some(_) => Place::SpaceSetting(room, SpacePage::Members),
        None => Place::Members(room.into()),
    };
    let content = (
        html::div().class("dialog-body").child(html::p().class("soft").child((
            why,
            " Make somebody an owner first: choose a person in the list of members, then Change role.",
        ))),
        html::footer().class("dialog-foot").child((
            button::button("button", "Cancel", move || dialogs.close()),
            button::button("button button-primary", "Show members", move || {
                dialogs.close();
                nav.go(members);
            }),
        )),
    );
    Dialog {
        title: "Somebody has to own it".into(),
        sub: None,
        mark: None,
        wide: false,
        kept: Signal::stored(false),
        content: content.into_any(),
        close: closer(),
    }
    .view()
}

fn banned(room: RoomId) -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let people = Memo::new(move |_| {
        let mut people = store.order(room).map(|order| order.banned).unwrap_or_default();
        people.sort_by_cached_key(|user| store.who(*user).to_lowercase());
        people
    });
    let row = move |user: UserId| {
        html::li().class("spread").child((
            who_first(store, user),
            button::button("button button-s", "Lift the ban…", move || {
                dialogs.open(Ask::Order(room, Subject::Unban(user)))
            }),
        ))
    };
    let body = move || {
        if people.with(Vec::is_empty) {
            return html::p().class("soft").child("Nobody is banned here.").into_any();
        }
        let rows = people.get().into_iter().map(row).collect_view();
        html::ul()
            .class("plain-list")
            .attr("aria-label", "Banned people")
            .child(rows)
            .into_any()
    };
    let content = (
        html::div().class("dialog-body").child(body),
        html::footer()
            .class("dialog-foot")
            .child(button::button("button", "Close", move || dialogs.close())),
    );
    Dialog {
        title: "Banned people".into(),
        sub: Some(format!(
            "Nobody can add them to {}, and no link lets them in.",
            title(room)
        )),
        mark: None,
        wide: false,
        kept: Signal::stored(false),
        content: content.into_any(),
        close: closer(),
    }
    .view()
}

fn slow_mode(chat: Chat) -> AnyView {
    let store = use_store();
    let Chat { room, channel } = chat;
    let now = store
        .order(room)
        .and_then(|order| order.slow.into_iter().find(|slow| slow.channel == channel));
    let seconds = RwSignal::new(now.map_or(0, |slow| slow.seconds));
    let label = |secs| {
        if secs == 0 { "Off".into() } else { length(secs) }
    };
    let offered = SLOW.map(|secs| (secs, label(secs), None)).to_vec();
    let named = store.room(chat).filter(|_| channel != ChannelId::MAIN);
    Question {
        title: named.map_or_else(|| "Slow mode".into(), |room| format!("Slow mode in {}", sidebar::title(&room))),
        text: "Members leave this much time between two messages; what they write sooner waits and goes out by itself. Whoever keeps order is not held to it.".into(),
        choice: Some(choice("Time between two messages", offered, seconds)),
        reason: false,
        act: "Save",
        danger: false,
        command: Box::new(move |reason| Command::Moderate {
            room,
            measure: Measure::SlowMode {
                channel,
                seconds: seconds.get_untracked(),
            },
            reason,
        }),
        said: "Slow mode is set.".into(),
    }
    .view()
}
