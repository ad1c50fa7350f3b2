//! The title and picture of the tab: what is open, and how much is unread.

use leptos::prelude::*;
use sotto_shared::id::RoomId;

use super::nav::Nav;
use super::place::{Page, Place};
use crate::state::Store;
use crate::view::Phase;

pub fn keep(store: Store, nav: Nav) {
    let title = Memo::new(move |_| {
        let signed_in = store.phase().with(|phase| matches!(phase, Phase::SignedIn { .. }));
        if store.phase().with(|phase| matches!(phase, Phase::Locked { .. })) {
            return "Locked · Sotto".to_owned();
        }
        let unread = store.calls();
        let place = nav.place();
        let name = match place {
            Place::SignUp if !signed_in => "Create account".to_owned(),
            Place::Recover if !signed_in => "Recover your account".to_owned(),
            _ if !signed_in => return "Sotto: talk together, unread by the server".to_owned(),
            Place::Room(room)
            | Place::Members(room)
            | Place::Pins(room)
            | Place::Threads(room)
            | Place::Thread(room, _) => store.room(room).map(|room| room.title).unwrap_or_default(),
            Place::ChannelSettings(chat) => format!(
                "Settings of {}",
                store.room(chat).map(|room| room.title).unwrap_or_default()
            ),
            Place::Changes(room) => format!("Log of changes of {}", room_or_space(store, room)),
            Place::Reports(room) => format!("Reports in {}", room_or_space(store, room)),
            Place::Space(space) => store.space(space).map(|space| space.name).unwrap_or_default(),
            Place::SpaceSettings(space) | Place::SpaceSetting(space, _) => format!(
                "Settings of {}",
                store.space(space).map(|space| space.name).unwrap_or_default()
            ),
            Place::Settings => "Settings".into(),
            Place::Setting(page) => page_title(page).into(),
            Place::Contacts(_) => "Contacts".into(),
            Place::Saved => "Saved messages".into(),
            Place::Link => "A link".into(),
            Place::Unknown => "Nothing here".into(),
            _ => "Messages".into(),
        };
        let count = if unread > 0 {
            format!("({unread}) ")
        } else {
            String::new()
        };
        if name.is_empty() {
            format!("{count}Sotto")
        } else {
            format!("{count}{name} · Sotto")
        }
    });
    Effect::new(move |_| document().set_title(&title.get()));

    let any = Memo::new(move |_| store.any_fresh());
    Effect::new(move |_| {
        if let Ok(Some(link)) = document().query_selector("link[rel=icon]") {
            drop(link.set_attribute(
                "href",
                if any.get() {
                    "/favicon-unread.svg"
                } else {
                    "/favicon.svg"
                },
            ));
        }
    });
}

fn room_or_space(store: Store, id: RoomId) -> String {
    let name = store.space(id).map(|space| space.name);
    name.or_else(|| store.room(id.into()).map(|room| room.title))
        .unwrap_or_default()
}

pub const fn page_title(page: Page) -> &'static str {
    match page {
        Page::Profile => "Profile",
        Page::Account => "Password and recovery",
        Page::Devices => "Devices",
        Page::Security => "Security",
        Page::Lock => "Lock",
        Page::Notifications => "Notifications",
        Page::Privacy => "Privacy",
        Page::Appearance => "Appearance",
        Page::Server => "What the server sees",
    }
}
