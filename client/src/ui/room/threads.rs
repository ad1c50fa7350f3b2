//! The panel: all threads of a conversation.

use leptos::html;
use leptos::prelude::*;

use super::panel::{self, failed, looking};
use super::thread::{answers, newest};
use crate::ui::kit::Icon;
use crate::ui::place::Place;
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::{wire, words};
use crate::view::{Chat, Command, ListedThread, Outcome, Problem, Quote};

#[derive(Clone, PartialEq)]
enum Found {
    Coming,
    Here(Vec<ListedThread>),
    Failed(Problem),
}

pub fn panel(id: Chat) -> AnyView {
    let (store, toasts) = (use_store(), use_toasts());
    let (found, has_more, busy) = (RwSignal::new(Found::Coming), RwSignal::new(false), RwSignal::new(false));
    let ask = move |back: bool| {
        wire::ask(Command::ListThreads { chat: id, back }, move |result| {
            let _ = busy.try_set(false);
            match result {
                Ok(Outcome::Threads {
                    threads,
                    has_more: more,
                }) => {
                    let _ = has_more.try_set(more);
                    let _ = found.try_set(Found::Here(threads));
                }
                // What is here already stays.
                Err(problem) if back => toasts.danger(words::problem(&problem)),
                Err(problem) => drop(found.try_set(Found::Failed(problem))),
                Ok(_) => {}
            }
        });
    };
    // What is said of threads on screen, and what is unread in others.
    let now = Memo::new(move |_| {
        let shown = store.shown().with(|shown| {
            let threads = shown
                .cells
                .iter()
                .filter_map(|cell| cell.row.with(|row| row.thread.clone()));
            threads.collect::<Vec<_>>()
        });
        let news = store.room(id).map(|room| (room.threads, room.newest_thread));
        (shown, news)
    });
    Effect::new(move |_| {
        // Not `track`: a memo that nobody reads never changes.
        now.with(|_| ());
        ask(false);
    });
    let further = move || {
        has_more.get().then(|| {
            html::button()
                .r#type("button")
                .class("button button-s panel-more")
                .attr("aria-busy", move || busy.get().then_some("true"))
                .on(leptos::ev::click, move |_| {
                    busy.set(true);
                    ask(true);
                })
                .child((
                    move || {
                        busy.get()
                            .then(|| html::span().class("spinner").attr("aria-hidden", "true"))
                    },
                    "Look further back",
                ))
        })
    };
    let body = move || match found.get() {
        Found::Coming => looking(),
        Found::Failed(problem) => failed(&problem, move || {
            found.set(Found::Coming);
            ask(false);
        }),
        Found::Here(threads) if threads.is_empty() => html::div()
            .class("empty")
            .child((
                html::span().class("empty-icon").child(Icon::MessageSquare.l()),
                html::p().class("empty-title").child("No threads"),
                html::p()
                    .child("Answer a message in a thread from its menu, and what is said about it stays together."),
                further,
            ))
            .into_any(),
        Found::Here(threads) => (
            html::ul()
                .class("pins")
                .attr("aria-label", "Threads")
                .child(threads.into_iter().map(|one| line(id, one)).collect_view()),
            further,
        )
            .into_any(),
    };
    panel::panel(id, "Threads", "Threads".into_any(), "Close the threads", body)
}

fn line(id: Chat, one: ListedThread) -> AnyView {
    let store = use_store();
    let ListedThread { thread, quote } = one;
    let (author, text) = match quote {
        Quote::Text { by, text, .. } => (Some(by), text),
        Quote::Earlier(_) => (None, "An earlier message".to_owned()),
        Quote::Gone | Quote::Nowhere => (None, "A message that is gone".to_owned()),
    };
    let blocked = Memo::new(move |_| author.is_some_and(|author| store.is_blocked(author)));
    let text = move || {
        if blocked.get() {
            words::OF_BLOCKED.to_owned()
        } else {
            text.clone()
        }
    };
    html::li()
        .class("pin")
        .child(
            html::a()
                .class("pin-go")
                .href(Place::Thread(id, thread.root).path())
                .child((
                    move || {
                        author.filter(|_| !blocked.get()).map(|author| {
                            html::span()
                                .class("pin-head")
                                .child(html::b().attr("dir", "auto").child(move || store.name(author)))
                        })
                    },
                    html::span().class("pin-text").attr("dir", "auto").child(text),
                    html::span().class("muted pin-by").child((
                        move || format!("{}, {}", answers(thread.answers), newest(thread.last_ms)),
                        (thread.unread > 0)
                            .then(|| html::b().class("thread-new").child(format!(" · {} new", thread.unread))),
                    )),
                )),
        )
        .into_any()
}
