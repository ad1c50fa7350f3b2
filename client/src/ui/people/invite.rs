//! Inviting people: a link that is made and shown once, those that are open, and who asks to be let in.

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::id::{InviteId, RoomId, UserId};

use super::share::share;
use crate::ui::dialogs::{closer, error_line, refuse, use_dialogs};
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::field::{check, choice};
use crate::ui::kit::mark::Size;
use crate::ui::kit::toast::Toasts;
use crate::ui::kit::{Icon, button, unique};
use crate::ui::moderation::rank;
use crate::ui::pictures::portrait;
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::spaces::rights::{OWNER, may_give, role_name};
use crate::ui::{browser, link, when, wire, words};
use crate::view::{Command, Invite, Invites, Outcome, Role, RoleInfo, Space};

const DAY_MS: u64 = 24 * 3_600_000;
const ENDS: [(u64, &str); 4] = [
    (DAY_MS, "In 1 day"),
    (7 * DAY_MS, "In 7 days"),
    (30 * DAY_MS, "In 30 days"),
    (365 * DAY_MS, "In 1 year"),
];
const USES: [(u64, &str); 4] = [
    (1, "1 person"),
    (10, "10 people"),
    (50, "50 people"),
    (500, "500 people"),
];

/// A link that is on screen.
#[derive(Clone)]
struct Made {
    fragment: String,
    approval: bool,
}

#[derive(Clone, Copy)]
struct Desk {
    room: RoomId,
    list: RwSignal<Option<Invites>>,
    error: RwSignal<Option<String>>,
    toasts: Toasts,
}

impl Desk {
    fn load(self) {
        wire::ask(Command::ListInvites { room: self.room }, move |result| match result {
            Ok(Outcome::Invites(invites)) => drop(self.list.try_set(Some(invites))),
            Ok(_) => {}
            // Whoever closed it meanwhile asked for nothing.
            Err(problem) => drop(self.error.try_set(Some(words::problem(&problem)))),
        });
    }

    fn run(self, command: Command, busy: RwSignal<bool>, done: impl FnOnce() + 'static) {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        self.error.set(None);
        wire::ask(command, move |result| {
            busy.try_set(false);
            match result {
                Ok(_) => {
                    done();
                    self.load();
                }
                Err(problem) => refuse(self.toasts, self.error, &problem),
            }
        });
    }
}

pub fn dialog(room: RoomId) -> AnyView {
    let (store, dialogs) = (use_store(), use_dialogs());
    // As it is now: a dialog that followed the room would begin anew with every change, and lose the link that was made.
    let (title, role) = untrack(|| match (store.space(room), store.room(room.into())) {
        (Some(space), _) => (space.name.clone(), role_in(&space)),
        (None, Some(room)) => (room.title, room.role),
        (None, None) => (String::new(), Role::Member),
    });
    let desk = Desk {
        room,
        list: RwSignal::new(None),
        error: RwSignal::new(None),
        toasts: use_toasts(),
    };
    let made = RwSignal::new(None::<Made>);
    // Somebody may ask or come while this is open.
    let log = Memo::new(move |_| match store.space(room) {
        Some(space) => Some((space.asking, space.members)),
        None => store.room(room.into()).map(|room| (room.asking, room.members)),
    });
    Effect::new(move |_| {
        // Not `track`: a memo that nobody reads never changes.
        log.with(|_| ());
        desk.load();
    });
    // Of the link on screen it shows which one it is once it is in the list; when it is in there no more, it is of no use.
    Effect::new(move |before: Option<(Vec<InviteId>, Option<InviteId>)>| {
        let (was, mine) = before.unwrap_or_default();
        let open: Vec<InviteId> = desk.list.with(|list| {
            let open = list.iter().flat_map(|list| list.open.iter());
            open.map(|invite| invite.id).collect()
        });
        let is_shown = made.with(Option::is_some);
        let new = || open.iter().find(|id| !was.contains(id)).copied();
        let mine = mine.or_else(new).filter(|_| is_shown);
        let is_over = mine.is_some_and(|id| !open.contains(&id));
        if is_over {
            made.set(None);
        }
        (open, mine.filter(|_| !is_over))
    });
    let top = move || match made.get() {
        Some(Made { fragment, approval }) => (
            share(
                link::address(&fragment),
                "Link",
                if approval {
                    "Shown this once. Whoever has it can ask to come in until it ends."
                } else {
                    "Shown this once. Whoever has it comes in until it ends."
                },
            ),
            button::button("link-button", "Make another link", move || made.set(None)),
        )
            .into_any(),
        None => form(desk, role, made),
    };
    let content = (
        html::div().class("dialog-body invite-body").child((
            move || asking(desk, role),
            html::div().class("invite-make").attr("aria-live", "polite").child(top),
            error_line(desk.error),
            move || open(desk, role),
        )),
        html::footer()
            .class("dialog-foot")
            .child(button::button("button", "Close", move || dialogs.close())),
    );
    Dialog {
        title: if title.is_empty() {
            "Invite people".into()
        } else {
            format!("Invite people to {title}")
        },
        sub: Some("With a link. The server never sees it, and cannot make one.".into()),
        mark: None,
        wide: true,
        kept: Signal::derive(move || made.get().is_some()),
        content: content.into_any(),
        close: closer(),
    }
    .view()
}

/// Which of the three built-in roles may do here what one's own may: deciding about people, giving roles.
fn role_in(space: &Space) -> Role {
    match space.role {
        OWNER => Role::Owner,
        _ if space.rights.kick => Role::Moderator,
        _ => Role::Member,
    }
}

/// What a role by its number is called here.
fn role_called(space: Option<Space>, number: u8) -> String {
    let custom = space.and_then(|space| space.roles.into_iter().find(|role| role.id == number));
    match (custom, number) {
        (Some(role), _) => role_name(&role),
        (None, 2) => words::role(Role::Moderator).to_owned(),
        (None, 3) => words::role(Role::Owner).to_owned(),
        (None, _) => words::role(Role::Member).to_owned(),
    }
}

/// Member, and what lies below one's own role.
fn given_roles(space: Option<Space>, own: Role) -> Vec<(u64, String)> {
    let member = std::iter::once((1, words::role(Role::Member).to_owned()));
    match space {
        Some(space) => {
            let mine = space.roles.iter().find(|role| role.id == space.role);
            let below =
                |role: &&RoleInfo| role.id != 1 && role.id != OWNER && mine.is_some_and(|mine| may_give(mine, role));
            let below = space
                .roles
                .iter()
                .filter(below)
                .map(|role| (u64::from(role.id), role_name(role)));
            member.chain(below).collect()
        }
        None => {
            let moderator = (own == Role::Owner).then(|| (2, words::role(Role::Moderator).to_owned()));
            member.chain(moderator).collect()
        }
    }
}

fn form(desk: Desk, role: Role, made: RwSignal<Option<Made>>) -> AnyView {
    let (ends, uses, gives) = (RwSignal::new(7 * DAY_MS), RwSignal::new(10_u64), RwSignal::new(1_u64));
    let (approval, busy) = (RwSignal::new(false), RwSignal::new(false));
    let make = move || {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        desk.error.set(None);
        let asks = approval.get_untracked();
        let command = Command::CreateInvite {
            room: desk.room,
            role: u8::try_from(gives.get_untracked()).unwrap_or(1),
            max_uses: u32::try_from(uses.get_untracked()).unwrap_or(1),
            expires_ms: when::now() + ends.get_untracked(),
            approval: asks,
        };
        wire::ask(command, move |result| {
            busy.try_set(false);
            match result {
                Ok(Outcome::InviteLink(fragment)) => {
                    drop(made.try_set(Some(Made {
                        fragment,
                        approval: asks,
                    })));
                    desk.load();
                }
                Ok(_) => {}
                Err(problem) => refuse(desk.toasts, desk.error, &problem),
            }
        });
    };
    let store = use_store();
    let roles = untrack(|| given_roles(store.space(desk.room), role));
    let rank_of = move |number: u64| untrack(|| rank(store, desk.room, u8::try_from(number).unwrap_or(1)));
    let worded = |of: &[(u64, &str)]| -> Vec<(u64, String)> {
        of.iter().map(|(value, words)| (*value, (*words).to_owned())).collect()
    };
    html::form()
        .class("invite-form")
        .attr("aria-label", "Make a link")
        .on(ev::submit, move |event| {
            event.prevent_default();
            make();
        })
        .child((
            html::div().class("invite-terms").child((
                choice("Ends", worded(&ENDS), ends),
                choice("Good for", worded(&USES), uses),
                (roles.len() > 1).then(|| choice("They become", roles, gives)),
            )),
            move || {
                (rank_of(gives.get()) > rank_of(1)).then(|| {
                    html::p()
                        .class("field-hint")
                        .attr("role", "status")
                        .child("Whoever has the link gets this role, guests too.")
                })
            },
            check(
                "Ask first",
                "Whoever uses it waits until a moderator lets them in.",
                approval,
            ),
            button::submit(
                "button button-primary",
                "Make a link",
                busy.into(),
                Signal::stored(true),
            ),
        ))
        .into_any()
}

/// Who waits. Only moderators decide; others see that somebody does.
fn asking(desk: Desk, role: Role) -> Option<AnyView> {
    let requests = desk.list.get()?.requests;
    if requests.is_empty() {
        return None;
    }
    let rows = requests.into_iter().map(|user| asks(desk, user, role)).collect_view();
    let section = html::section()
        .class("invite-part")
        .attr("aria-labelledby", "asking-title")
        .child((
            html::h3().id("asking-title").child("They ask to be let in"),
            html::ul().class("invite-list").child(rows),
        ));
    Some(section.into_any())
}

fn asks(desk: Desk, user: UserId, role: Role) -> AnyView {
    let (store, toasts) = (use_store(), use_toasts());
    let busy = RwSignal::new(false);
    let person = store.person(user);
    let handle = store.handle(user);
    let (room, said) = (desk.room, format!("{handle} is in."));
    let decide = (role > Role::Member).then(|| {
        html::div().class("invite-acts").child((
            button::button("button button-s", "Send away", move || {
                desk.run(Command::RemovePerson { room, user }, busy, || {});
            }),
            button::button("button button-s button-primary", "Let in", move || {
                let said = said.clone();
                desk.run(Command::AdmitPerson { room, user }, busy, move || toasts.ok(said));
            }),
        ))
    });
    html::li()
        .class("invite-row")
        .attr("aria-busy", move || busy.get().then_some("true"))
        .child((
            person
                .as_ref()
                .map(|person| portrait(person.id, person.mark, Size::S32)),
            html::div().class("invite-row-text").child((
                html::b().child(handle),
                html::span().class("muted").child(
                    person
                        .and_then(|person| words::trust(person.trust))
                        .unwrap_or("Wants to come in"),
                ),
            )),
            decide,
        ))
        .into_any()
}

fn open(desk: Desk, role: Role) -> AnyView {
    let Some(invites) = desk.list.get() else {
        return html::div()
            .class("invite-row")
            .attr("aria-hidden", "true")
            .child(html::span().class("skeleton skeleton-60"))
            .into_any();
    };
    if invites.open.is_empty() {
        return html::p().class("field-hint").child("No link is open now.").into_any();
    }
    let rows = invites
        .open
        .into_iter()
        .map(|invite| row(desk, invite, role))
        .collect_view();
    html::section()
        .class("invite-part")
        .attr("aria-labelledby", "open-title")
        .child((
            html::h3().id("open-title").child("Open links"),
            html::ul().class("invite-list").child(rows),
        ))
        .into_any()
}

fn row(desk: Desk, invite: Invite, role: Role) -> AnyView {
    let (store, toasts) = (use_store(), use_toasts());
    let busy = RwSignal::new(false);
    let mine = store.me() == Some(invite.by);
    let by = if mine {
        "Made by you".to_owned()
    } else {
        format!("Made by {}", store.name(invite.by))
    };
    let mut named = untrack(|| role_called(store.space(desk.room), invite.role));
    // A name that somebody gave keeps its letters.
    if invite.role <= 3 {
        named = named.to_lowercase();
    }
    // Two links of one kind differ by the minute in which they end.
    let mut terms = vec![
        format!("As {named}"),
        format!("{} of {} used", invite.uses, invite.max_uses),
        format!(
            "ends {} ({})",
            link::left(invite.expires_ms),
            // Another day draws no row anew, with what is asked in it.
            untrack(|| when::moment(invite.expires_ms))
        ),
    ];
    if invite.approval {
        terms.push("asks first".into());
    }
    let (room, id) = (desk.room, invite.id);
    // There is no way to give it back, so it asks; in its row, since a dialog is open already.
    let (asks, safe) = (RwSignal::new(false), unique("keep"));
    let take_back = move || {
        let asked = asks.get();
        let (class, label) = if asked {
            ("button button-s", "Keep it")
        } else {
            ("button button-s button-danger-quiet", "Take back")
        };
        let next = safe.clone();
        let turn = html::button()
            .r#type("button")
            .class(class)
            .id(safe.clone())
            .on(ev::click, move |_| {
                asks.set(!asked);
                // Another button stands in its place then, which has the keyboard.
                let next = next.clone();
                request_animation_frame(move || browser::focus(&next));
            })
            .child(label);
        let revoke = asked.then(|| {
            button::button("button button-s button-danger", "Take back for good", move || {
                desk.run(Command::RevokeInvite { room, invite: id }, busy, move || {
                    toasts.ok("That link lets nobody in any more.");
                });
            })
        });
        (turn, revoke)
    };
    let take_back = (mine || role > Role::Member).then(|| html::div().class("invite-acts").child(take_back));
    html::li()
        .class("invite-row")
        .attr("aria-busy", move || busy.get().then_some("true"))
        .child((
            Icon::Link.view(),
            html::div()
                .class("invite-row-text")
                .child((html::b().child(by), html::span().class("muted").child(terms.join(", ")))),
            take_back,
        ))
        .into_any()
}
