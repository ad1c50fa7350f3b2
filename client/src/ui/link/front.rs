//! The link, to somebody who is not signed in: what it leads to, then an account.

use leptos::html;
use leptos::prelude::*;

use super::{facts, head, over_title, put_away, use_link};
use crate::ui::kit::button;
use crate::ui::kit::mark::{Shape, Size, mark};
use crate::ui::nav::use_nav;
use crate::ui::place::Place;
use crate::ui::{guest, wire, words};
use crate::view::{Command, Outcome, Peeked, PeekedInvite, Problem};

type Seen = Option<Result<Peeked, Problem>>;

fn look(link: String, seen: RwSignal<Seen>) {
    seen.set(None);
    wire::ask(Command::PeekLink { link }, move |result| {
        let result = match result {
            Ok(Outcome::Peeked(peeked)) => Ok(peeked),
            Ok(_) => Err(Problem::BadLink),
            Err(problem) => Err(problem),
        };
        drop(seen.try_set(Some(result)));
    });
}

/// The left half of the front page.
pub fn card() -> AnyView {
    let (nav, link) = (use_nav(), use_link());
    let seen = RwSignal::new(None::<Result<Peeked, Problem>>);
    Effect::new(move |_| {
        if let Some(link) = link.get() {
            look(link, seen);
        }
    });
    let body = move || {
        match (link.get(), seen.get()) {
        (None, _) => (
            html::h1().class("invite-title").child("No link is open here"),
            html::p()
                .class("front-sub")
                .child("Open the link that you were given once more, or sign in."),
            doors(Signal::stored(false)),
        )
            .into_any(),
        (Some(_), None) => html::div()
            .class("invite")
            .attr("aria-busy", "true")
            .attr("aria-label", "Looking where the link leads")
            .child((
                html::span().class("skeleton skeleton-72"),
                html::div().class("invite-wait").child((
                    html::span().class("skeleton skeleton-60"),
                    html::span().class("skeleton skeleton-60"),
                )),
            ))
            .into_any(),
        (_, Some(Ok(Peeked::Invite(invite)))) => known(invite),
        (_, Some(Ok(Peeked::Contact { handle, .. }))) => (
            html::h1().class("invite-title").child(format!("Write to {handle}")),
            html::p().class("front-sub").child(format!(
                "{handle} gave you this link. Whoever answers as {handle} must have the key it names, so nobody else can."
            )),
            doors(Signal::stored(false)),
            html::p().child(put_away(nav, Place::Home)),
        )
            .into_any(),
        (link, Some(Err(problem))) => {
            let (title, again) = match &problem {
                Problem::InviteOver(over) => (over_title(*over), false),
                Problem::BadLink => ("This link is damaged", false),
                Problem::ServerLied(_) => ("This link was answered with something else", false),
                _ => ("The link could not be looked up", true),
            };
            (
                html::div().attr("role", "alert").class("link-over").child((
                    html::h1().class("invite-title").child(title),
                    html::p().class("front-sub").child(words::problem(&problem)),
                )),
                again.then(|| {
                    button::button("button button-l", "Try again", move || {
                        if let Some(link) = link.clone() {
                            look(link, seen);
                        }
                    })
                }),
                html::p().child(put_away(nav, Place::Home)),
            )
                .into_any()
        }
    }
    };
    html::div()
        .class("front-signin front-link-card")
        .attr("aria-live", "polite")
        .child(body)
        .into_any()
}

fn known(invite: PeekedInvite) -> AnyView {
    let nav = use_nav();
    let by = (!invite.by.is_empty()).then(|| invite.by.clone());
    if let Some(over) = invite.over {
        return (
            html::div().attr("role", "alert").class("link-over").child((
                html::p().class("invite-by").child(match by {
                    Some(by) => format!("{by} invited you to {}", named(&invite.title)),
                    None => format!("An invite to {}", named(&invite.title)),
                }),
                html::h1().class("invite-title").child(over_title(over)),
                html::p().class("front-sub").child(words::invite_over(over)),
            )),
            html::p().child(put_away(nav, Place::Home)),
        )
            .into_any();
    }
    let as_guest = RwSignal::new(false);
    (
        head(
            mark(invite.mark, Shape::Group, Size::S72),
            by,
            &invite.title,
        ),
        facts(invite.members, invite.approval, invite.expires_ms, None),
        html::div().class("front-form").child((
            doors(as_guest.into()),
            invite.guests.then(|| guest::come_in(as_guest)),
            html::p()
                .class("field-hint")
                .child("The name comes with the link, sealed. The rest is what the server says: this page checks it before you join."),
            html::p().child(put_away(nav, Place::Home)),
        )),
    )
        .into_any()
}

fn named(title: &str) -> &str {
    if title.is_empty() { "a group" } else { title }
}

/// The ways in; `aside`: another one is being taken.
fn doors(aside: Signal<bool>) -> AnyView {
    let nav = use_nav();
    html::div()
        .class("pair")
        .child((
            html::button()
                .r#type("button")
                .class(move || {
                    if aside.get() {
                        "button button-l"
                    } else {
                        "button button-primary button-l"
                    }
                })
                .on(leptos::ev::click, move |_| nav.go(Place::SignUp))
                .child("Create account"),
            button::button("button button-l", "Sign in", move || nav.go(Place::Home)),
        ))
        .into_any()
}

/// On the pages for signing up and in: that the link is not lost.
pub fn waiting() -> AnyView {
    let (nav, link) = (use_nav(), use_link());
    (move || {
        link.get().map(|_| {
            html::p().class("link-waiting").child((
                crate::ui::kit::Icon::Link.s(),
                html::span().child("Your link opens as soon as you are in. "),
                button::button("link-button", "Look at it", move || nav.go(Place::Link)),
            ))
        })
    })
    .into_any()
}
