//! The link, to somebody who is signed in: checked, then joined, asked or written to.

use std::time::Duration;

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::RoomId;

use super::{KeptLink, as_role, facts, head, over_title, put_away, use_link};
use crate::state::Store;
use crate::ui::dialogs::{Ask, error_line, still_stands, use_dialogs};
use crate::ui::kit::field::{Field, Kind};
use crate::ui::kit::mark::{Shape, Size, hue, mark};
use crate::ui::kit::toast::Toasts;
use crate::ui::kit::{Icon, button};
use crate::ui::nav::{Nav, icon_link, use_nav};
use crate::ui::pictures::portrait;
use crate::ui::place::Place;
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::{wire, words};
use crate::view::{Command, InvitePreview, Outcome, Over, Peeked, Person, Problem, Standing};

#[derive(Debug, Clone, PartialEq)]
enum At {
    Looking,
    Invite(InvitePreview),
    /// A moderator has been asked.
    Asked(InvitePreview),
    SentAway(String),
    /// With the title, if it could be told.
    Over(Over, String),
    Person(Person),
    Failed(Problem),
}

#[derive(Clone, Copy)]
struct Visit {
    at: RwSignal<At>,
    error: RwSignal<Option<String>>,
    busy: RwSignal<bool>,
    link: KeptLink,
    nav: Nav,
    store: Store,
    toasts: Toasts,
}

/// How often somebody who waits asks how it stands.
const ASK_AGAIN: Duration = Duration::from_secs(15);

pub fn sheet() -> AnyView {
    let (nav, link, store) = (use_nav(), use_link(), use_store());
    let visit = Visit {
        at: RwSignal::new(At::Looking),
        error: RwSignal::new(None),
        busy: RwSignal::new(false),
        link,
        nav,
        store,
        toasts: use_toasts(),
    };
    Effect::new(move |_| {
        if link.get().is_some() {
            visit.at.set(At::Looking);
            visit.error.set(None);
            visit.look();
        }
    });
    // Whoever waits is let in without a hand stirred here.
    Effect::new(move |_| {
        if let At::Asked(preview) = visit.at.get()
            && visit.is_in(preview.room)
        {
            visit.arrive(preview.room);
        }
    });
    let again = set_interval_with_handle(
        move || {
            if matches!(visit.at.get_untracked(), At::Asked(_)) && !document().hidden() {
                visit.look();
            }
        },
        ASK_AGAIN,
    );
    on_cleanup(move || {
        if let Ok(again) = again {
            again.clear();
        }
    });
    let body = move || match link.get() {
        Some(_) => stands(visit),
        None => paste(link),
    };
    html::section()
        .class("room link-sheet")
        .attr("aria-label", "A link")
        .child((
            html::header().class("bar link-bar").child((
                icon_link(
                    "button button-quiet button-icon bar-back",
                    Place::Messages,
                    Icon::ArrowLeft,
                    "All messages",
                ),
                html::p().class("bar-title").child("A link"),
            )),
            html::div().class("link-stand").attr("aria-live", "polite").child(body),
        ))
        .into_any()
}

impl Visit {
    fn is_in(self, room: RoomId) -> bool {
        let space = self.store.space(room).map(|space| space.standing);
        let standing = space.or_else(|| Some(self.store.room(room.into())?.standing));
        matches!(standing, Some(Standing::Open | Standing::WaitingForKey))
    }

    fn arrive(self, room: RoomId) {
        self.link.drop();
        let channels = untrack(|| (self.store.space(room)).map(|_| self.store.channels(room)));
        self.nav.replace(match channels.as_deref() {
            None => Place::Room(room.into()),
            // The first that one reads.
            Some([first, ..]) => Place::Room(*first),
            Some([]) => Place::Space(room),
        });
    }

    fn look(self) {
        let Some(link) = self.link.get() else { return };
        let asked = match self.at.get_untracked() {
            At::Asked(preview) => Some(preview.title),
            _ => None,
        };
        wire::ask(Command::OpenLink { link: link.clone() }, move |result| {
            // The page may be elsewhere by now, or another link open.
            if self.link.0.try_get_untracked().flatten().as_ref() != Some(&link) {
                return;
            }
            let at = match (result, asked) {
                (Ok(Outcome::Room(room)), _) => {
                    self.arrive(room);
                    return;
                }
                (Ok(Outcome::Preview(preview)), _) if preview.asked => At::Asked(preview),
                (Ok(Outcome::Preview(_)) | Err(Problem::InviteOver(_)), Some(title)) => At::SentAway(title),
                (Ok(Outcome::Preview(preview)), None) => {
                    if self.link.comes_in() {
                        self.join(preview.clone(), true);
                    }
                    At::Invite(preview)
                }
                (Ok(Outcome::Person(person)), _) => At::Person(person),
                (Ok(_), _) => At::Failed(Problem::BadLink),
                (Err(Problem::InviteOver(over)), None) => {
                    self.over(over, link);
                    return;
                }
                // No answer this time is none about whether they are let in.
                (Err(_), Some(_)) => return,
                (Err(problem), None) => At::Failed(problem),
            };
            self.at.set(at);
        });
    }

    /// Where it led, for who still may know.
    fn over(self, over: Over, link: String) {
        wire::ask(Command::PeekLink { link }, move |result| {
            let title = match result {
                Ok(Outcome::Peeked(Peeked::Invite(invite))) => invite.title,
                _ => String::new(),
            };
            drop(self.at.try_set(At::Over(over, title)));
        });
    }

    /// `unseen`: nobody has looked at what the link leads to.
    fn join(self, preview: InvitePreview, unseen: bool) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.error.set(None);
        wire::ask(Command::Join { room: preview.room }, move |result| {
            if !still_stands(self.busy) {
                // Elsewhere by now: who was let in sees it in the list.
                if let Err(problem) = result {
                    self.toasts.danger(words::problem(&problem));
                }
                return;
            }
            match result {
                Ok(Outcome::Room(room)) => {
                    if let Some(role) = as_role(preview.invite.role).filter(|_| unseen) {
                        self.toasts.ok(format!("You came in {role}."));
                    }
                    self.arrive(room);
                }
                Ok(_) => self.at.set(At::Asked(InvitePreview { asked: true, ..preview })),
                Err(Problem::InviteOver(over)) => self.at.set(At::Over(over, preview.title)),
                Err(problem) => {
                    self.error.set(Some(words::problem(&problem)));
                    // What was checked is checked anew before another try.
                    self.look();
                }
            }
        });
    }
}

fn stands(visit: Visit) -> AnyView {
    let nav = visit.nav;
    (move || match visit.at.get() {
        At::Looking => html::div()
            .class("invite")
            .attr("aria-busy", "true")
            .attr("aria-label", "Checking where the link leads")
            .child((
                html::span().class("skeleton skeleton-72"),
                html::div().class("invite-wait").child((
                    html::span().class("skeleton skeleton-60"),
                    html::span().class("skeleton skeleton-60"),
                )),
            ))
            .into_any(),
        At::Invite(preview) => invite(visit, preview),
        At::Asked(preview) => (
            headed(&preview),
            html::div().class("banner").attr("role", "status").child((
                Icon::Hourglass.view(),
                html::div().class("banner-text").child(
                    "You asked to be let in. A moderator decides; this page goes on by itself, and you may leave it.",
                ),
            )),
            html::p().child(put_away(nav, Place::Messages)),
        )
            .into_any(),
        At::SentAway(title) => said(
            nav,
            format!(
                "{} did not let you in",
                if title.is_empty() { "The group" } else { title.as_str() }
            ),
            "A moderator said no. Ask whoever gave you the link.".into(),
        ),
        At::Over(over, title) => {
            let what = words::invite_over(over);
            let text = if title.is_empty() {
                what.to_owned()
            } else {
                format!("It led to {title}. {what}")
            };
            said(nav, over_title(over).to_owned(), text)
        }
        At::Person(person) => card(visit, &person),
        At::Failed(problem) => {
            let title = match &problem {
                Problem::BadLink => "This link is damaged",
                Problem::OtherPerson(_) => "Somebody else answers under this name",
                Problem::ServerLied(_) => "This link was answered with something else",
                _ => "The link could not be opened",
            };
            let again = matches!(
                problem,
                Problem::Offline | Problem::ServerTrouble | Problem::TooFast { .. }
            );
            (
                again.then(|| {
                    button::button("button button-primary", "Try again", move || {
                        visit.at.set(At::Looking);
                        visit.look();
                    })
                }),
                said(nav, title.to_owned(), words::problem(&problem)),
            )
                .into_any()
        }
    })
    .into_any()
}

fn headed(preview: &InvitePreview) -> AnyView {
    (
        head(
            mark(preview.mark, Shape::Group, Size::S72),
            preview.by.as_ref().map(|by| by.handle.clone()),
            &preview.title,
        ),
        facts(
            preview.members,
            preview.invite.approval,
            preview.invite.expires_ms,
            as_role(preview.invite.role),
        ),
    )
        .into_any()
}

fn invite(visit: Visit, preview: InvitePreview) -> AnyView {
    let approval = preview.invite.approval;
    let label = match (approval, preview.title.as_str()) {
        (true, _) => "Ask to join".to_owned(),
        (false, "") => "Join".to_owned(),
        (false, title) => format!("Join {title}"),
    };
    let hint = if approval {
        "A moderator sees your handle and decides. Until then you read nothing."
    } else {
        "The people in there see your handle, and that you came by this link."
    };
    let top = headed(&preview);
    let form = html::form()
        .class("front-form")
        .attr("aria-label", "Join")
        .on(ev::submit, move |event| {
            event.prevent_default();
            visit.join(preview.clone(), false);
        })
        .child((
            error_line(visit.error),
            button::submit(
                "button button-primary button-l button-wide",
                label,
                visit.busy.into(),
                Signal::stored(true),
            ),
            html::p().class("field-hint").child(hint),
            html::p().child(put_away(visit.nav, Place::Messages)),
        ));
    (top, form).into_any()
}

fn said(nav: Nav, title: String, text: String) -> AnyView {
    (
        html::div().class("link-over").attr("role", "alert").child((
            html::h1().class("invite-title").child(title),
            html::p().class("start-text").child(text),
        )),
        html::p().child(put_away(nav, Place::Messages)),
    )
        .into_any()
}

/// The person whom a contact link names.
fn card(visit: Visit, person: &Person) -> AnyView {
    let dialogs = use_dialogs();
    let (user, handle) = (person.id, person.handle.clone());
    let top = html::div().class("invite").child((
        portrait(person.id, person.mark, Size::S72),
        html::div().child((
            html::h1()
                .class("invite-title")
                .attr("data-hue", hue(person.mark))
                .child(handle.clone()),
            html::p().class("invite-by").child(if person.is_me {
                "This is your own link."
            } else {
                words::trust(person.trust).unwrap_or("This is the account the link names.")
            }),
        )),
    ));
    if person.is_me {
        return (top, html::p().child(put_away(visit.nav, Place::Messages))).into_any();
    }
    let write = move || {
        if visit.busy.get_untracked() {
            return;
        }
        visit.busy.set(true);
        visit.error.set(None);
        wire::ask(Command::OpenDirect { handle: handle.clone() }, move |result| {
            if !still_stands(visit.busy) {
                if let Err(problem) = result {
                    visit.toasts.danger(words::problem(&problem));
                }
                return;
            }
            match result {
                Ok(Outcome::Room(room)) => visit.arrive(room),
                Ok(_) => {}
                Err(problem) => visit.error.set(Some(words::problem(&problem))),
            }
        });
    };
    (
        top,
        html::div().class("front-form").child((
            error_line(visit.error),
            html::div().class("pair").child((
                button::button("button button-primary button-l", "Write a message", write),
                button::button("button button-l", "Safety number", move || {
                    dialogs.open(Ask::Safety(user))
                }),
            )),
            html::p().child(put_away(visit.nav, Place::Messages)),
        )),
    )
        .into_any()
}

/// No link came: one can be pasted.
fn paste(link: KeptLink) -> AnyView {
    let (text, error) = (RwSignal::new(String::new()), RwSignal::new(None::<String>));
    let field = Field {
        label: "Link".into(),
        hint: Some("An invite to a group or space, or somebody’s own link."),
        kind: Kind::Link,
        value: text,
        error: error.into(),
        suffix: Signal::stored(String::new()),
        focus: true,
    };
    html::form()
        .class("front-form")
        .attr("novalidate", "")
        .attr("aria-label", "Open a link")
        .on(ev::submit, move |event| {
            event.prevent_default();
            let typed = text.get_untracked();
            if typed.trim().is_empty() {
                error.set(Some("Paste the link that you were given.".into()));
            } else {
                link.set(&typed);
            }
        })
        .child((
            html::h1().class("invite-title").child("Open a link"),
            field.view(),
            button::submit(
                "button button-primary button-l button-wide",
                "Look where it leads",
                Signal::stored(false),
                Signal::stored(true),
            ),
        ))
        .into_any()
}
