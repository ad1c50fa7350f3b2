//! Reports: a member shows those who keep order what was written, and those go through it.

use std::collections::BTreeSet;

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::api::limits::MAX_REPORT_WORDS;
use sotto_shared::id::{ChannelId, MessageId, ReportId, RoomId, UserId};

use super::changes::skeleton;
use super::{Subject, about_member, rights};
use crate::state::{Store, authored};
use crate::ui::dialogs::{Ask, closer, error_line, name_of, refuse, still_stands, use_dialogs};
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::menu::{Face, menu};
use crate::ui::kit::{Icon, button, unique};
use crate::ui::nav::{icon_link, use_nav};
use crate::ui::place::Place;
use crate::ui::room::acts;
use crate::ui::screen::{use_narrow, use_store, use_toasts};
use crate::ui::{sidebar, when, wire, words};
use crate::view::{Body, Chat, Command, Delivery, Exhibit, Proven, Report, Reported, RoomKind, Standing, Target};

/// Messages that one report shows.
const MOST: usize = 20;
/// Offered before and behind the one that it began with.
const AROUND: usize = 8;

/// Whether this person hears what is reported in a room.
pub fn hears(store: Store, room: RoomId) -> bool {
    let may = rights(store, room);
    may.redact || may.kick
}

/// Whether a message there can be reported.
pub fn can_report(store: Store, chat: Chat) -> bool {
    let room = store.room(chat);
    room.is_some_and(|room| room.kind != RoomKind::Direct && room.standing == Standing::Open)
}

// --- Making one --------------------------------------------------------------------------------------------------------------

struct Offered {
    message: MessageId,
    author: UserId,
    text: String,
    at_ms: u64,
}

/// What others wrote around a message.
fn around(store: Store, message: MessageId) -> Vec<Offered> {
    let me = store.me();
    let rows = if acts::is_answer(store, message) {
        store.answers()
    } else {
        store.shown()
    };
    let all: Vec<Offered> = rows.with_untracked(|shown| {
        let rows = shown.cells.iter().filter_map(|cell| {
            cell.row.with_untracked(|row| {
                let (author, message) = authored(&row.body)?;
                let text = match &row.body {
                    Body::Text { text, .. } => text.clone(),
                    Body::Poll { poll, .. } => poll.question.clone(),
                    _ => return None,
                };
                let is_theirs = Some(author) != me && row.body.state() == Some(&Delivery::Sent);
                is_theirs.then_some(Offered {
                    message,
                    author,
                    text,
                    at_ms: row.at_ms,
                })
            })
        });
        rows.collect()
    });
    let at = all.iter().position(|one| one.message == message).unwrap_or_default();
    let from = at.saturating_sub(AROUND);
    all.into_iter().skip(from).take(2 * AROUND + 1).collect()
}

pub fn make(chat: Chat, message: MessageId) -> AnyView {
    let (store, dialogs, toasts) = (use_store(), use_dialogs(), use_toasts());
    let offered = untrack(|| around(store, message));
    let chosen = RwSignal::new(BTreeSet::from([message]));
    let (text, error, busy) = (
        RwSignal::new(String::new()),
        RwSignal::new(None::<String>),
        RwSignal::new(false),
    );
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let messages: Vec<MessageId> = chosen.get_untracked().into_iter().collect();
        if messages.is_empty() || messages.len() > MOST {
            error.set(Some(format!("Choose between 1 and {MOST} messages.")));
            return;
        }
        busy.set(true);
        error.set(None);
        let command = Command::Report {
            chat,
            messages,
            words: text.get_untracked(),
        };
        wire::ask(command, move |result| {
            let here = still_stands(busy);
            match result {
                Ok(_) => {
                    if here {
                        dialogs.close();
                    }
                    toasts.ok("Reported to those who keep order here.");
                }
                Err(problem) => refuse(toasts, error, &problem),
            }
        });
    };
    let meant = message;
    let row = move |one: Offered| {
        let Offered {
            message,
            author,
            text,
            at_ms,
        } = one;
        html::label().class("choice").child((
            html::input()
                .r#type("checkbox")
                // The one that is meant has the keyboard, and so stands in view.
                .autofocus(message == meant)
                .prop("checked", move || chosen.with(|chosen| chosen.contains(&message)))
                .on(ev::change, move |_| {
                    chosen.update(|chosen| {
                        if !chosen.remove(&message) {
                            chosen.insert(message);
                        }
                    });
                }),
            html::span().class("choice-text").child((
                html::span().child((
                    whose(author),
                    " ",
                    html::span().class("muted").child(move || when::brief(at_ms)),
                )),
                html::span()
                    .class("choice-hint report-line")
                    .attr("dir", "auto")
                    .child(text),
            )),
        ))
    };
    let id = unique("report");
    let form = html::form()
        .attr("novalidate", "")
        .attr("aria-label", "Report messages")
        .on(ev::submit, submit)
        .child((
            html::div().class("dialog-body").child((
                html::p().class("soft").child(
                    "Moderators and owners here get it, but nobody whom it is about. They see who reports, and can be sure that each message was written. The server can read none of it.",
                ),
                html::fieldset().class("choices choices-long").child((
                    html::legend().class("field-label").child("Messages"),
                    offered.into_iter().map(row).collect_view(),
                )),
                html::div().class("field").child((
                    html::label()
                        .class("field-label")
                        .r#for(id.clone())
                        .child(("What is wrong ", html::span().class("muted").child("(not required)"))),
                    html::textarea()
                        .class("input reason-text")
                        .id(id)
                        .attr("rows", "3")
                        .attr("maxlength", (MAX_REPORT_WORDS / 4).to_string())
                        .attr("dir", "auto")
                        .prop("value", move || text.get())
                        .on(ev::input, move |event| text.set(event_target_value(&event))),
                )),
                error_line(error),
            )),
            html::footer().class("dialog-foot").child((
                button::button("button", "Cancel", move || dialogs.close()),
                button::submit("button button-primary", "Send report", busy.into(), Signal::stored(true)),
            )),
        ));
    Dialog {
        title: "Report messages".into(),
        sub: None,
        mark: None,
        wide: false,
        kept: Signal::derive(move || text.with(|text| !text.trim().is_empty())),
        content: form.into_any(),
        close: closer(),
    }
    .view()
}

// --- Going through them ------------------------------------------------------------------------------------------------------

/// In the bar of a conversation, as long as something waits.
pub fn bar_button(room: RoomId) -> AnyView {
    let (store, nav) = (use_store(), use_nav());
    let waiting = Memo::new(move |_| {
        if hears(store, room) {
            store.reports_waiting(room)
        } else {
            0
        }
    });
    let any = Memo::new(move |_| waiting.get() > 0);
    let link = move || {
        html::a()
            .class("button button-quiet button-icon")
            .href(Place::Reports(room).path())
            .attr("aria-label", move || format!("Reports, {}", waiting.get()))
            .title("Reports")
            .attr("aria-current", move || {
                (nav.place() == Place::Reports(room)).then_some("page")
            })
            .child((
                Icon::Flag.m(),
                html::span().class("badge").child(move || waiting.get().to_string()),
            ))
    };
    (move || any.get().then(link)).into_any()
}

#[derive(Clone, PartialEq)]
enum Asked {
    Coming,
    There,
    Failed(String),
}

pub fn page(room: RoomId) -> AnyView {
    let (store, narrow) = (use_store(), use_narrow());
    let asked = RwSignal::new(Asked::Coming);
    let ask = move || {
        wire::ask(Command::ListReports { room }, move |result| {
            let _ = asked.try_set(match result {
                Ok(_) => Asked::There,
                Err(problem) => Asked::Failed(words::problem(&problem)),
            });
        });
    };
    // What this person may do is known a moment after the page is.
    let may = Memo::new(move |_| hears(store, room));
    Effect::new(move |_| {
        if may.get() {
            ask();
        }
    });
    let title = move || {
        let name = store.space(room).map(|space| space.name);
        name.or_else(|| store.room(room.into()).map(|room| room.title))
            .unwrap_or_default()
    };
    let known = Memo::new(move |_| store.space(room).is_some() || store.room(room.into()).is_some());
    let reports = Memo::new(move |_| store.reports(room));
    let ids = Memo::new(move |_| {
        let ids = |reports: &crate::view::Reports| reports.items.iter().map(|report| report.id).collect::<Vec<_>>();
        reports.with(|reports| reports.as_ref().map(ids).unwrap_or_default())
    });
    let more = move || {
        reports.with(|reports| {
            let reports = reports.as_ref()?;
            let more = (reports.open as usize).saturating_sub(reports.items.len());
            (more > 0).then(|| {
                html::p()
                    .class("soft")
                    .child(format!("{more} more. They show once these are done."))
            })
        })
    };
    let body = move || {
        if known.get() && !may.get() {
            return html::p()
                .class("soft changes-none")
                .attr("role", "status")
                .child("Only those who keep order here go through reports.")
                .into_any();
        }
        // What came meanwhile counts more than what was asked in vain.
        let now = if reports.with(Option::is_some) {
            Asked::There
        } else {
            asked.get()
        };
        match (now, ids.with(Vec::is_empty)) {
            (Asked::Failed(why), true) => html::div()
                .class("empty")
                .attr("role", "alert")
                .child((
                    html::p().child(why),
                    button::button("button", "Try again", move || {
                        asked.set(Asked::Coming);
                        ask();
                    }),
                ))
                .into_any(),
            (Asked::Coming, true) => skeleton("Opening the reports", 3),
            (Asked::There, true) => html::div()
                .class("empty")
                .attr("role", "status")
                .child((
                    html::span().class("empty-icon").child(Icon::Flag.l()),
                    html::p().class("empty-title").child("Nothing to go through"),
                    html::p().child(
                        "When somebody here reports a message, it stands here until one of you is done with it.",
                    ),
                ))
                .into_any(),
            (_, false) => html::div()
                .child((
                    html::ul()
                        .class("reports")
                        .attr("aria-label", "Reports, the oldest first")
                        .child(For(ForProps::builder()
                            .each(move || ids.get())
                            .key(|id| *id)
                            .children(move |id| one(room, id))
                            .build())),
                    more,
                ))
                .into_any(),
        }
    };
    html::section()
        .class("room changes")
        .attr("aria-label", "Reports")
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
                    .child(("Reports ", html::span().class("muted").child(title))),
            ))),
            html::div().class("changes-body").child((
                html::p().class("soft changes-about").child(
                    "Sealed for those who may act. A message that says “Signed” was written here by whom it names, whoever reports it; whether it was deleted since, it does not say.",
                ),
                body,
            )),
        ))
        .into_any()
}

/// One report; drawn anew when there is more to be seen of it.
fn one(room: RoomId, id: ReportId) -> AnyView {
    let store = use_store();
    let report = Memo::new(move |_| {
        let reports = store.reports(room)?;
        reports.items.into_iter().find(|report| report.id == id)
    });
    html::li()
        .class("report")
        .child(move || report.get().map(|report| told(room, report)))
        .into_any()
}

fn told(room: RoomId, report: Report) -> AnyView {
    let (toasts, busy) = (use_toasts(), RwSignal::new(false));
    let id = report.id;
    let done = move || {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        wire::ask(Command::SettleReport { room, report: id }, move |result| {
            let _ = busy.try_set(false);
            match result {
                Ok(_) => toasts.ok("Done with this report."),
                Err(problem) => toasts.danger(words::problem(&problem)),
            }
        });
    };
    let foot = html::footer().class("report-foot").child(button::button(
        "button button-s",
        (Icon::Check.view(), "Done with it"),
        done,
    ));
    let Some(Reported {
        by,
        at_ms,
        words: text,
        messages,
    }) = report.said
    else {
        return (
            html::p().class("report-unproven").child((
                Icon::CircleAlert.s(),
                "This report could not be opened, or nobody here signed it.",
            )),
            foot,
        )
            .into_any();
    };
    let mut authors: Vec<UserId> = Vec::new();
    for message in &messages {
        if let Exhibit::Verified(proven) = message
            && !authors.contains(&proven.by)
        {
            authors.push(proven.by);
        }
    }
    (
        html::header().class("report-head").child((
            html::p().child((
                whose(by),
                format!(
                    " reported {}.",
                    words::count(shown_messages(&messages), "message", "messages")
                ),
            )),
            html::time()
                .class("muted numeric")
                .attr("datetime", when::iso(at_ms))
                .attr("title", when::full(at_ms))
                .child(move || when::moment(at_ms)),
        )),
        (!text.is_empty()).then(|| html::p().class("report-words").attr("dir", "auto").child(text)),
        html::ul()
            .class("report-messages")
            .attr("aria-label", "Messages")
            .child(
                messages
                    .into_iter()
                    .map(|message| exhibit(room, message))
                    .collect_view(),
            ),
        html::div().class("report-end").child((
            html::div()
                .class("report-acts")
                .child(authors.into_iter().map(|author| about(room, author)).collect_view()),
            foot,
        )),
    )
        .into_any()
}

/// Without what they were changed to.
fn shown_messages(messages: &[Exhibit]) -> usize {
    let is_change = |message: &&Exhibit| matches!(message, Exhibit::Verified(proven) if proven.is_change);
    messages.len() - messages.iter().filter(is_change).count()
}

/// What somebody is called, and beside it the handle: what is done, is done to that.
fn whose(user: UserId) -> AnyView {
    let store = use_store();
    let (name, handle) = (store.name(user), store.handle(user));
    let also = (!name.is_empty() && name != handle).then(|| html::span().class("muted").child(format!(" {handle}")));
    let shown = if also.is_some() { name } else { handle };
    (html::b().attr("dir", "auto").child(shown), also).into_any()
}

/// What may be done about somebody whose words were reported; nothing where nothing may.
fn about(room: RoomId, user: UserId) -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let any = Memo::new(move |_| {
        store.order(room);
        store.members(room);
        !about_member(store, dialogs, room, user).is_empty()
    });
    let face = move || {
        menu(
            "button button-s",
            Face::Words(
                (
                    Icon::Shield.view(),
                    html::span()
                        .class("truncate")
                        .child(format!("Act on {}…", name_of(user))),
                )
                    .into_any(),
            ),
            format!("What can be done about {}", name_of(user)),
            move || about_member(store, dialogs, room, user),
        )
    };
    (move || any.get().then(face)).into_any()
}

fn exhibit(room: RoomId, message: Exhibit) -> AnyView {
    let (store, nav, dialogs, toasts) = (use_store(), use_nav(), use_dialogs(), use_toasts());
    let Exhibit::Verified(Proven {
        by,
        channel,
        message,
        at_ms,
        text,
        is_change,
        is_gone,
    }) = message
    else {
        return html::li()
            .class("report-message")
            .child(html::p().class("report-unproven").child((
                Icon::CircleAlert.s(),
                "Could not be verified: nothing shows that anybody here wrote it.",
            )))
            .into_any();
    };
    let chat = Chat { room, channel };
    let is_here = Memo::new(move |_| store.room(chat).is_some());
    let may = Memo::new(move |_| rights(store, room).redact);
    let target = Target::Message(message);
    let take_away = move || {
        // It may not be in memory.
        wire::ask(Command::JumpTo { chat, target }, move |result| match result {
            Ok(_) => dialogs.open(Ask::Order(room, Subject::TakeAway(channel, message, by))),
            Err(problem) => toasts.danger(words::problem(&problem)),
        });
    };
    let go = move || {
        nav.go(Place::Room(chat));
        nav.jump_to(chat, target);
    };
    let acts = move || {
        (!is_change && !is_gone && is_here.get()).then(|| {
            (
                button::button("button button-s button-quiet", "Go to it", go),
                may.get()
                    .then(|| button::button("button button-s button-danger-quiet", "Delete…", take_away)),
            )
        })
    };
    let place = move || {
        let name = store.room(chat).filter(|_| channel != ChannelId::MAIN);
        name.map(|room| {
            html::span()
                .class("muted")
                .child(format!(" in {}", sidebar::title(&room)))
        })
    };
    html::li()
        .class("report-message")
        .child((
            html::p().class("report-from").child((
                whose(by),
                is_change.then_some(" changed a message to"),
                place,
                " ",
                html::time()
                    .class("muted numeric")
                    .attr("datetime", when::iso(at_ms))
                    .attr("title", when::full(at_ms))
                    .child(move || when::moment(at_ms)),
            )),
            html::p().class("report-text").attr("dir", "auto").child(text),
            html::div().class("report-signs").child((
                html::span()
                    .class("report-proven")
                    .child((Icon::ShieldCheck.s(), format!("Signed by {}", name_of(by)))),
                is_gone.then(|| html::span().class("muted").child("Taken away")),
                move || {
                    (!is_here.get()).then(|| html::span().class("muted").child("In a channel that you do not read"))
                },
                html::div().class("report-acts").child(acts),
            )),
        ))
        .into_any()
}
