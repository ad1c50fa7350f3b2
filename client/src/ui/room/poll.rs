//! Polls: the card in the timeline, the dialog that makes one, and who voted for what.

use std::time::Duration;

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::api::limits::{MAX_OPTIONS, MIN_OPTIONS};
use sotto_shared::id::MessageId;
use wasm_bindgen::JsCast;

use super::acts::use_talk;
use super::who;
use crate::state::Store;
use crate::ui::dialogs::Ask;
use crate::ui::dialogs::{Confirm, closer, error_line, refuse, still_stands, use_dialogs};
use crate::ui::kit::button;
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::field::check;
use crate::ui::kit::{Icon, unique};
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::{browser, when, wire, words};
use crate::view::{Body, Chat, Command, Delivery, Link, NewPoll, Outcome, Poll, Row};

/// Timers of browsers end at 24 days.
const LONGEST_WAIT_MS: u64 = 20 * 86_400_000;
const HOUR_MS: u64 = 3_600_000;
/// What can be chosen for the end of a poll: name, and milliseconds from now.
const ENDS: [(&str, u64); 5] = [
    ("When somebody ends it", 0),
    ("In an hour", HOUR_MS),
    ("In a day", 24 * HOUR_MS),
    ("In three days", 72 * HOUR_MS),
    ("In a week", 168 * HOUR_MS),
];

fn poll_of(row: &Row) -> Option<Poll> {
    match &row.body {
        Body::Poll { poll, .. } => Some(poll.clone()),
        _ => None,
    }
}

fn chosen(poll: &Poll) -> Vec<u8> {
    let mine = (0u8..).zip(&poll.options).filter(|(_, option)| option.mine);
    mine.map(|(at, _)| at).collect()
}

fn votes(count: u32) -> String {
    match count {
        0 => "No votes yet".into(),
        1 => "1 vote".into(),
        count => format!("{count} votes"),
    }
}

/// What stands under the options.
fn foot(poll: &Poll, over: bool) -> String {
    let count = votes(poll.voters);
    let several = if poll.several { ", choose any" } else { "" };
    match (over, poll.ends_ms) {
        (true, _) => format!("{count}, closed"),
        (false, 0) => format!("{count}{several}"),
        (false, ends) => {
            let day = when::day_name(ends);
            let day = if when::is_today(ends) { "today".to_owned() } else { day };
            format!("{count}{several}, closes {day} at {}", when::time(ends))
        }
    }
}

/// For those who do not see the bars.
fn result(poll: &Poll) -> String {
    let most = poll.options.iter().map(|option| option.votes).max().unwrap_or_default();
    if most == 0 {
        return "The poll is closed. Nobody voted.".into();
    }
    let first = poll.options.iter().filter(|option| option.votes == most);
    let first: Vec<&str> = first.map(|option| option.text.as_str()).collect();
    format!("The poll is closed. {}, {}.", first.join(" and "), votes(most))
}

/// A poll in its row.
pub fn card(chat: Chat, message: MessageId, row: ArcRwSignal<Row>) -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    let sent = {
        let row = row.clone();
        Memo::new(move |_| {
            row.with(|row| {
                matches!(
                    row.body,
                    Body::Poll {
                        state: Delivery::Sent | Delivery::Failed(_),
                        ..
                    }
                )
            })
        })
    };
    let poll = Memo::new(move |_| row.with(poll_of));
    let read = move || poll.with(|poll| poll.clone());
    // The clock ends it too, while one looks.
    let late = RwSignal::new(false);
    let ends = Memo::new(move |_| poll.with(|poll| poll.as_ref().map_or(0, |poll| poll.ends_ms)));
    Effect::new(
        move |before: Option<Option<leptos::leptos_dom::helpers::TimeoutHandle>>| {
            if let Some(timer) = before.flatten() {
                timer.clear();
            }
            let (ends, now) = (ends.get(), when::now());
            late.set(ends != 0 && ends <= now);
            let left = ends.saturating_sub(now).min(LONGEST_WAIT_MS);
            let look = move || {
                let _ = late.try_set(ends <= when::now());
            };
            (ends > now)
                .then(|| set_timeout_with_handle(look, Duration::from_millis(left)).ok())
                .flatten()
        },
    );
    let over =
        Memo::new(move |_| late.get() || poll.with(|poll| poll.as_ref().is_some_and(|poll| poll.ended.is_some())));
    let open =
        Memo::new(move |_| sent.get() && !over.get() && store.room(chat).is_some_and(|room| room.will_take_words()));
    // What stands in the boxes: one's vote, or what was pressed a moment ago.
    let (boxes, asking) = (RwSignal::new(Vec::<u8>::new()), RwSignal::new(0u32));
    Effect::new(move |_| {
        let mine = poll.with(|poll| poll.as_ref().map(chosen).unwrap_or_default());
        if asking.get() == 0 && boxes.with_untracked(|boxes| *boxes != mine) {
            boxes.set(mine);
        }
    });
    let (error, said) = (RwSignal::new(None::<String>), RwSignal::new(String::new()));
    let vote = move |choices: Vec<u8>| {
        error.set(None);
        boxes.set(choices.clone());
        asking.update(|count| *count += 1);
        let command = Command::Vote {
            chat,
            message,
            choices: choices.clone(),
        };
        wire::ask(command, move |result| {
            let _ = asking.try_update(|count| *count = count.saturating_sub(1));
            match result {
                Ok(_) => {
                    let names = poll.try_with_untracked(|poll| {
                        let options = poll.as_ref().map(|poll| &poll.options).into_iter().flatten();
                        let named = options.zip(0u8..).filter(|(_, at)| choices.contains(at));
                        named.map(|(option, _)| option.text.clone()).collect::<Vec<_>>()
                    });
                    let names = names.unwrap_or_default().join(", ");
                    let words = if names.is_empty() {
                        "Your vote is taken back.".to_owned()
                    } else {
                        format!("You chose {names}.")
                    };
                    let _ = said.try_set(words);
                }
                Err(problem) => drop(error.try_set(Some(words::problem(&problem)))),
            }
        });
    };
    // Whoever has it before them hears the end; it does not speak when it comes on screen.
    Effect::new(move |before: Option<bool>| {
        let now = over.get();
        if now && before == Some(false) {
            said.set(poll.with_untracked(|poll| poll.as_ref().map(result).unwrap_or_default()));
        }
        now
    });
    let name = format!("poll-{message}");
    let count = poll.with_untracked(|poll| poll.as_ref().map_or(0, |poll| poll.options.len()));
    let several = poll.with_untracked(|poll| poll.as_ref().is_some_and(|poll| poll.several));
    let option = move |at: usize| {
        let this = move || poll.with(|poll| poll.as_ref().and_then(|poll| poll.options.get(at).cloned()));
        let number = at as u8;
        let text = Memo::new(move |_| this().map(|option| option.text).unwrap_or_default());
        let got = Memo::new(move |_| this().map_or(0, |option| option.votes));
        let total = Memo::new(move |_| poll.with(|poll| poll.as_ref().map_or(0, |poll| poll.voters)));
        let leads = Memo::new(move |_| {
            let most = poll.with(|poll| {
                poll.as_ref()
                    .and_then(|poll| poll.options.iter().map(|option| option.votes).max())
            });
            over.get() && got.get() > 0 && most == Some(got.get())
        });
        let who = move || {
            let option = this()?;
            let names: Vec<String> = option
                .who
                .iter()
                .map(|user| store.name(*user))
                .filter(|name| !name.is_empty())
                .collect();
            (option.votes > 0).then(|| words::reacted(option.mine, &names, option.votes as usize))
        };
        let input = html::input()
            .r#type(if several { "checkbox" } else { "radio" })
            .attr("name", name.clone())
            .prop("checked", move || boxes.with(|boxes| boxes.contains(&number)))
            .prop("disabled", move || !open.get())
            .on(ev::change, move |event| {
                let mut choices = boxes.get_untracked();
                if !several {
                    choices.clear();
                }
                choices.retain(|other| *other != number);
                if event_target_checked(&event) {
                    choices.push(number);
                }
                choices.sort_unstable();
                vote(choices);
            })
            .on(ev::keydown, move |event| walk(&event));
        html::label()
            .class(move || {
                if leads.get() {
                    "poll-option poll-leads"
                } else {
                    "poll-option"
                }
            })
            .attr("title", who)
            .child((
                input,
                html::span()
                    .class("poll-text")
                    .attr("dir", "auto")
                    .child(move || text.get()),
                html::span().class("poll-count").attr("aria-live", "off").child((
                    move || got.get().to_string(),
                    html::span()
                        .class("visually-hidden")
                        .child(move || if got.get() == 1 { " vote" } else { " votes" }),
                )),
                html::progress()
                    .class("progress")
                    .attr("aria-hidden", "true")
                    .prop("max", move || f64::from(total.get().max(1)))
                    .prop("value", move || f64::from(got.get())),
            ))
            .into_any()
    };
    let waits = move || {
        let waiting = poll.with(|poll| poll.as_ref().is_some_and(|poll| poll.waiting));
        (waiting && store.link().get() != Link::Online).then(|| {
            html::p()
                .class("poll-waits")
                .child((Icon::Clock.s(), "Your vote is sent once there is a connection"))
        })
    };
    let any = Memo::new(move |_| poll.with(|poll| poll.as_ref().is_some_and(|poll| poll.voters > 0)));
    let has_voted = Memo::new(move |_| open.get() && boxes.with(|boxes| !boxes.is_empty()));
    html::form()
        .class("poll")
        .attr("aria-label", "Poll")
        .on(ev::submit, |event| event.prevent_default())
        .child((
            html::p()
                .class("poll-question")
                .attr("dir", "auto")
                .child(move || read().map(|poll| poll.question)),
            html::div()
                .class("poll-options")
                .attr("role", if several { "group" } else { "radiogroup" })
                .attr("aria-label", move || read().map(|poll| poll.question))
                .child((0..count).map(option).collect_view()),
            html::div().attr("role", "alert").child(move || {
                error.get().map(|error| {
                    html::p()
                        .class("field-error")
                        .child((Icon::CircleAlert.s(), html::span().child(error)))
                })
            }),
            waits,
            html::div().class("poll-foot").child((
                html::span()
                    .attr("aria-live", "off")
                    .child(move || read().map(|poll| foot(&poll, over.get()))),
                html::span().class("poll-acts").child((
                    move || {
                        has_voted
                            .get()
                            .then(|| button::button("link-button", "Take back", move || vote(Vec::new())))
                    },
                    move || {
                        any.get().then(|| {
                            button::button("link-button", "Who voted", move || {
                                dialogs.open(Ask::Votes(chat, message))
                            })
                        })
                    },
                )),
            )),
            html::p()
                .class("visually-hidden")
                .attr("role", "status")
                .child(move || said.get()),
        ))
        .into_any()
}

/// Arrows go from option to option and choose none: with the browser's own way every step would be a vote.
fn walk(event: &web_sys::KeyboardEvent) {
    let forward = match event.key().as_str() {
        "ArrowDown" | "ArrowRight" => true,
        "ArrowUp" | "ArrowLeft" => false,
        "Enter" => {
            event.prevent_default();
            event.stop_propagation();
            if let Some(input) = target(event) {
                input.click();
            }
            return;
        }
        _ => return,
    };
    event.prevent_default();
    event.stop_propagation();
    let Some(input) = target(event) else { return };
    let Some(options) = input.closest(".poll-options").ok().flatten() else {
        return;
    };
    let Ok(all) = options.query_selector_all("input") else {
        return;
    };
    let here = (0..all.length()).find(|at| all.item(*at).is_some_and(|item| item.is_same_node(Some(&input))));
    let count = all.length().max(1);
    let next = here.map_or(0, |at| {
        if forward {
            (at + 1) % count
        } else {
            (at + count - 1) % count
        }
    });
    if let Some(next) = all
        .item(next)
        .and_then(|item| item.dyn_into::<web_sys::HtmlElement>().ok())
    {
        drop(next.focus());
    }
}

fn target(event: &web_sys::KeyboardEvent) -> Option<web_sys::HtmlElement> {
    event.target()?.dyn_into().ok()
}

// --- Dialogs -------------------------------------------------------------------------------------------------------------

/// Who chose what.
pub fn who_voted(chat: Chat, message: MessageId) -> AnyView {
    let asked = find(use_store(), message);
    let question = asked.as_ref().map(|poll| poll.question.clone());
    let options: Vec<String> = asked
        .into_iter()
        .flat_map(|poll| poll.options)
        .map(|option| option.text)
        .collect();
    who::dialog(
        "Who voted",
        question,
        Command::ShowVotes { chat, message },
        move |outcome| match outcome {
            Outcome::Votes(votes) => Some(options.into_iter().zip(votes).collect()),
            _ => None,
        },
    )
}

fn find(store: Store, message: MessageId) -> Option<Poll> {
    store.shown().with_untracked(|shown| {
        let mut rows = shown.cells.iter().rev();
        rows.find_map(|cell| {
            cell.row.with_untracked(|row| match &row.body {
                Body::Poll {
                    message: other, poll, ..
                } if *other == message => Some(poll.clone()),
                _ => None,
            })
        })
    })
}

/// Whether votes can still come in.
pub fn is_open(poll: &Poll) -> bool {
    poll.ended.is_none() && (poll.ends_ms == 0 || poll.ends_ms > when::now())
}

pub fn end(chat: Chat, message: MessageId) -> AnyView {
    Confirm {
        title: "End the poll?".into(),
        text: "Nobody can vote any more, and it cannot be opened again.".into(),
        act: "End the poll",
        safe: "Let it run",
        command: Command::EndPoll { chat, message },
        done: Box::new(|| ()),
    }
    .view()
}

/// Asks for question and answers.
pub fn make(chat: Chat, question: String) -> AnyView {
    let (dialogs, toasts) = (use_dialogs(), use_toasts());
    let question = RwSignal::new(question);
    // A field more than there are answers, up to the most there may be.
    let options: RwSignal<Vec<RwSignal<String>>> =
        RwSignal::new((0..MIN_OPTIONS).map(|_| RwSignal::new(String::new())).collect());
    let (several, ends) = (RwSignal::new(false), RwSignal::new(0usize));
    let (error, busy) = (RwSignal::new(None::<String>), RwSignal::new(false));
    let (node, posted) = (NodeRef::<html::Form>::new(), use_talk().posted);
    // What is missing is marked as long as it is asked for.
    let missing = move |text: RwSignal<String>| {
        (error.with(Option::is_some) && text.with(|text| text.trim().is_empty())).then_some("true")
    };
    let texts =
        move || options.with_untracked(|options| options.iter().map(|text| text.get_untracked()).collect::<Vec<_>>());
    let send = move || {
        if busy.get_untracked() {
            return;
        }
        error.set(None);
        let wait = ENDS.get(ends.get_untracked()).map_or(0, |(_, wait)| *wait);
        let poll = NewPoll {
            question: question.get_untracked(),
            options: texts(),
            several: several.get_untracked(),
            ends_ms: if wait == 0 { 0 } else { when::now() + wait },
        };
        busy.set(true);
        wire::ask(Command::MakePoll { chat, poll }, move |result| {
            let here = still_stands(busy);
            match result {
                Ok(_) => {
                    posted.set(Some(chat));
                    if here {
                        dialogs.close();
                        super::write();
                    }
                }
                Err(problem) => {
                    refuse(toasts, error, &problem);
                    // Once it is marked.
                    request_animation_frame(move || {
                        let form = node.try_get_untracked().flatten();
                        let first = form.and_then(|form| form.query_selector("[aria-invalid]").ok().flatten());
                        if let Some(first) = first.and_then(|first| first.dyn_into::<web_sys::HtmlElement>().ok()) {
                            drop(first.focus());
                        }
                    });
                }
            }
        });
    };
    let asked = unique("poll");
    let question_field = html::div().class("field").child((
        html::label()
            .class("field-label")
            .r#for(asked.clone())
            .child("Question"),
        html::input()
            .class("input")
            .id(asked)
            .r#type("text")
            .attr("autocomplete", "off")
            .attr("dir", "auto")
            .autofocus(true)
            .attr("aria-invalid", move || missing(question))
            .prop("value", move || question.get())
            .on(ev::input, move |event| {
                error.set(None);
                question.set(event_target_value(&event));
            }),
    ));
    let list = unique("poll");
    let typed = move || {
        options.update(|options| {
            if options.len() < MAX_OPTIONS && options.iter().all(|text| !text.get_untracked().trim().is_empty()) {
                options.push(RwSignal::new(String::new()));
            }
        });
    };
    let field = {
        let list = list.clone();
        move |(at, text): (usize, RwSignal<String>)| {
            let last = move || options.with(|options| at + 1 == options.len());
            html::li()
                .child(
                    html::input()
                        .class("input")
                        .r#type("text")
                        .attr("autocomplete", "off")
                        .attr("dir", "auto")
                        .attr("aria-label", format!("Answer {}", at + 1))
                        .placeholder(move || {
                            if at >= MIN_OPTIONS && last() {
                                "Another answer".to_owned()
                            } else {
                                format!("Answer {}", at + 1)
                            }
                        })
                        .attr("aria-invalid", move || missing(text).filter(|_| at < MIN_OPTIONS))
                        .prop("value", move || text.get())
                        .on(ev::input, move |event| {
                            error.set(None);
                            text.set(event_target_value(&event));
                            typed();
                        })
                        // Enter goes on to the next answer; from an empty one it asks.
                        .on(ev::keydown, {
                            let list = list.clone();
                            move |event| {
                                if event.key() == "Enter"
                                    && !browser::is_composing(&event)
                                    && !text.with_untracked(|text| text.trim().is_empty())
                                {
                                    let next =
                                        document().query_selector(&format!("#{list} li:nth-child({}) input", at + 2));
                                    if let Some(next) = next
                                        .ok()
                                        .flatten()
                                        .and_then(|next| next.dyn_into::<web_sys::HtmlElement>().ok())
                                    {
                                        event.prevent_default();
                                        drop(next.focus());
                                    }
                                }
                            }
                        }),
                )
                .into_any()
        }
    };
    let fields = For(ForProps::builder()
        .each(move || options.get().into_iter().enumerate().collect::<Vec<_>>())
        .key(|(at, _)| *at)
        .children(field)
        .build());
    let until = unique("poll");
    let chooser = html::div().class("field").child((
        html::label().class("field-label").r#for(until.clone()).child("Closes"),
        html::select()
            .class("input select")
            .id(until)
            .on(ev::change, move |event| {
                ends.set(event_target_value(&event).parse().unwrap_or_default())
            })
            .child(
                (0..)
                    .zip(ENDS)
                    .map(|(at, (name, _)): (usize, _)| html::option().value(at.to_string()).child(name))
                    .collect_view(),
            ),
    ));
    let form = html::form()
        .node_ref(node)
        .attr("novalidate", "")
        .attr("aria-label", "New poll")
        .on(ev::submit, move |event| {
            event.prevent_default();
            send();
        })
        .child((
            html::div().class("dialog-body").child((
                question_field,
                html::div().class("field").child((
                    html::span().class("field-label").child("Answers"),
                    html::ol().class("poll-fields").id(list).child(fields),
                )),
                check("Several answers", "People may choose as many as they like.", several),
                chooser,
                error_line(error),
            )),
            html::footer().class("dialog-foot").child((
                button::button("button", "Cancel", move || dialogs.close()),
                button::submit("button button-primary", "Ask", busy.into(), Signal::stored(true)),
            )),
        ));
    Dialog {
        title: "New poll".into(),
        sub: Some("Everybody here sees who voted for what.".into()),
        mark: None,
        wide: false,
        kept: Signal::derive(move || {
            let any = options.with(|options| options.iter().any(|text| text.with(|text| !text.is_empty())));
            any || question.with(|question| !question.is_empty())
        }),
        content: form.into_any(),
        close: closer(),
    }
    .view()
}
