//! The card of a person: what they call themselves, their handle, and what can be decided about them.

use leptos::html;
use leptos::prelude::*;
use sotto_shared::id::UserId;

use super::contacts::write_to;
use crate::ui::dialogs::{Ask, closer, error_line, refuse, use_dialogs};
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::mark::{Size, hue};
use crate::ui::kit::{Icon, button};
use crate::ui::nav::use_nav;
use crate::ui::pictures::portrait;
use crate::ui::place::{Page, Place};
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::{guest, moderation, wire, words};
use crate::view::{Command, Contact, ContactAct, Trust};

pub fn dialog(user: UserId) -> AnyView {
    let (store, dialogs, nav, toasts) = (use_store(), use_dialogs(), use_nav(), use_toasts());
    let person = Memo::new(move |_| store.person(user));
    let error = RwSignal::new(None::<String>);
    let Some(now) = untrack(|| store.person(user)) else {
        dialogs.close();
        return ().into_any();
    };
    let role = untrack(|| {
        let place = nav.place();
        let room = place.room().map(|chat| chat.room).or_else(|| place.space())?;
        let role = moderation::role_id(store, room, user)?;
        Some(moderation::role_name(store, room, role)).filter(|name| !name.is_empty())
    });
    let realm = untrack(|| store.realm());
    let full = if realm.is_empty() {
        now.handle.clone()
    } else {
        format!("{}@{realm}", now.handle)
    };
    let decide = move |act: ContactAct| {
        wire::ask(Command::SetContact { user, act }, move |result| {
            if let Err(problem) = result {
                refuse(toasts, error, &problem);
            }
        });
    };
    let (write, am_guest) = (write_to(user), guest::am_guest());
    let body = (
        html::div().class("card-head").child((
            portrait(now.id, now.mark, Size::S72),
            html::div().child((
                html::p()
                    .class("card-name")
                    .attr("data-hue", hue(now.mark))
                    .child(move || person.get().map(|person| person.shown().to_owned())),
                html::p().class("card-handle").child(full),
                move || {
                    let status = person.get().map(|person| person.status).unwrap_or_default();
                    (!status.is_empty()).then(|| html::p().class("card-status").attr("dir", "auto").child(status))
                },
            )),
        )),
        html::ul().class("card-facts").child((
            move || {
                let guest = person.get().is_some_and(|person| person.guest);
                guest.then(|| html::li().child((Icon::UserRound.s(), "A guest: came by a link, with a name alone")))
            },
            role.map(|role| html::li().child((Icon::Users.s(), role))),
            move || {
                let trust = person.get().map_or(Trust::Unverified, |person| person.trust);
                html::li().child((
                    if trust == Trust::Verified {
                        Icon::ShieldCheck.s()
                    } else {
                        Icon::Shield.s()
                    },
                    words::trust(trust).unwrap_or("Safety numbers not compared yet"),
                ))
            },
            move || {
                let said = match person.get()?.contact {
                    Contact::Accepted => "One of your contacts",
                    Contact::Asked => "Has not answered you yet",
                    Contact::Declined => "You declined their request",
                    Contact::Blocked => "Blocked: nothing of them is shown",
                    Contact::None => return None,
                };
                Some(html::li().child((Icon::UserRound.s(), said)))
            },
        )),
        error_line(error),
    );
    let foot = move || {
        if now.is_me {
            return button::button("button button-primary", "Edit your profile", move || {
                dialogs.close();
                nav.go(Place::Setting(Page::Profile));
            })
            .into_any();
        }
        let contact = person.get().map(|person| person.contact).unwrap_or_default();
        let blocked = contact == Contact::Blocked;
        (
            if blocked {
                button::button("button button-quiet dialog-foot-start", "Unblock", move || {
                    decide(ContactAct::Forget)
                })
            } else {
                button::button("button button-danger-quiet dialog-foot-start", "Block", move || {
                    decide(ContactAct::Block)
                })
            },
            (contact == Contact::Accepted)
                .then(|| button::button("button", "Remove contact", move || decide(ContactAct::Forget))),
            button::button("button", "Safety number", move || dialogs.open(Ask::Safety(user))),
            (!blocked && !am_guest.get()).then(|| {
                button::button("button button-primary", "Message", move || {
                    dialogs.close();
                    write();
                })
            }),
        )
            .into_any()
    };
    Dialog {
        title: "Profile".into(),
        sub: None,
        mark: None,
        wide: false,
        kept: Signal::stored(false),
        content: (
            html::div().class("dialog-body").child(body),
            html::footer().class("dialog-foot card-foot").child(foot),
        )
            .into_any(),
        close: closer(),
    }
    .view()
}
