//! Every view has an address. No address holds a secret.

use sotto_shared::id::RoomId;

use crate::view::Chat;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The landing page; signed in, the messages.
    Home,
    SignUp,
    /// Back in with the recovery key.
    Recover,
    /// What a link leads to that somebody was given. The link itself is nowhere in the address.
    Link,
    Messages,
    Room(Chat),
    Members(Chat),
    /// The list of settings; on wide screens its first page.
    Settings,
    Setting(Page),
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Account,
    Devices,
    Security,
    Lock,
    Appearance,
    Server,
}

impl Place {
    pub fn parse(path: &str) -> Self {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let (first, second, third, more) = (parts.next(), parts.next(), parts.next(), parts.next());
        match (first, second, third, more) {
            (None, ..) => Self::Home,
            (Some("sign-up"), None, ..) => Self::SignUp,
            (Some("recover"), None, ..) => Self::Recover,
            (Some("link"), None, ..) => Self::Link,
            (Some("messages"), None, ..) => Self::Messages,
            (Some("messages"), Some(room), None, _) => main(room).map_or(Self::Unknown, Self::Room),
            (Some("messages"), Some(room), Some("members"), None) => main(room).map_or(Self::Unknown, Self::Members),
            (Some("settings"), None, ..) => Self::Settings,
            (Some("settings"), Some(page), None, _) => Page::parse(page).map_or(Self::Unknown, Self::Setting),
            _ => Self::Unknown,
        }
    }

    pub fn path(self) -> String {
        match self {
            Self::Home | Self::Unknown => "/".into(),
            Self::SignUp => "/sign-up".into(),
            Self::Recover => "/recover".into(),
            Self::Link => "/link".into(),
            Self::Messages => "/messages".into(),
            Self::Room(chat) => format!("/messages/{}", chat.room),
            Self::Members(chat) => format!("/messages/{}/members", chat.room),
            Self::Settings => "/settings".into(),
            Self::Setting(page) => format!("/settings/{}", page.name()),
        }
    }

    /// The room this place is about.
    pub const fn room(self) -> Option<Chat> {
        match self {
            Self::Room(room) | Self::Members(room) => Some(room),
            _ => None,
        }
    }

    pub const fn in_settings(self) -> bool {
        matches!(self, Self::Settings | Self::Setting(_))
    }
}

/// The one conversation of a direct message or a group.
fn main(room: &str) -> Option<Chat> {
    Some(room.parse::<RoomId>().ok()?.into())
}

impl Page {
    pub const ALL: [Self; 6] = [
        Self::Account,
        Self::Devices,
        Self::Security,
        Self::Lock,
        Self::Appearance,
        Self::Server,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Devices => "devices",
            Self::Security => "security",
            Self::Lock => "lock",
            Self::Appearance => "appearance",
            Self::Server => "server",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|page| page.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_reads_back_its_own_address() {
        let room = Chat::from(RoomId::from_bytes([3; 32]));
        let mut places = vec![
            Place::Home,
            Place::SignUp,
            Place::Recover,
            Place::Link,
            Place::Messages,
            Place::Room(room),
            Place::Members(room),
            Place::Settings,
        ];
        places.extend(Page::ALL.map(Place::Setting));
        for place in places {
            assert_eq!(Place::parse(&place.path()), place);
        }
    }

    #[test]
    fn an_address_that_is_not_ours_is_unknown() {
        for path in [
            "/x",
            "/messages/abc",
            "/settings/none",
            "/messages/a/b/c",
            "/sign-up/now",
            "/recover/now",
        ] {
            assert_eq!(Place::parse(path), Place::Unknown, "{path}");
        }
    }
}
