//! Every view has an address. No address holds a secret.

use sotto_shared::id::{ChannelId, EnvelopeHash, RoomId};

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
    Contacts(Tab),
    /// Messages put aside.
    Saved,
    Messages,
    Room(Chat),
    Members(Chat),
    /// A space, no channel of it; on wide screens the one that was open last.
    Space(RoomId),
    ChannelSettings(Chat),
    /// The list of a space's settings; on wide screens the first page.
    SpaceSettings(RoomId),
    SpaceSetting(RoomId, SpacePage),
    /// What happened in a room or space, from its signed log.
    Changes(RoomId),
    /// What was reported there, for those who keep order.
    Reports(RoomId),
    /// What is kept at hand there.
    Pins(Chat),
    /// All threads of a conversation.
    Threads(Chat),
    /// What was answered to one message.
    Thread(Chat, EnvelopeHash),
    /// The list of settings; on wide screens its first page.
    Settings,
    Setting(Page),
    Unknown,
}

/// Of the contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    People,
    Requests,
    Blocked,
}

impl Tab {
    pub const ALL: [Self; 3] = [Self::People, Self::Requests, Self::Blocked];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Profile,
    Account,
    Devices,
    Security,
    Lock,
    Notifications,
    Privacy,
    Appearance,
    Server,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpacePage {
    General,
    Roles,
    Members,
}

impl SpacePage {
    pub const ALL: [Self; 3] = [Self::General, Self::Roles, Self::Members];

    pub const fn name(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Roles => "roles",
            Self::Members => "members",
        }
    }

    pub const fn title(self) -> &'static str {
        match self {
            Self::General => "About this space",
            Self::Roles => "Roles",
            Self::Members => "Members",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|page| page.name() == name)
    }
}

impl Place {
    pub fn parse(path: &str) -> Self {
        if let Some((conversation, root)) = path.rsplit_once("/thread/") {
            return match (Self::parse(conversation), root.parse()) {
                (Self::Room(chat), Ok(root)) => Self::Thread(chat, root),
                _ => Self::Unknown,
            };
        }
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let (first, second, third, more) = (parts.next(), parts.next(), parts.next(), parts.next());
        match (first, second, third, more) {
            (None, ..) => Self::Home,
            (Some("sign-up"), None, ..) => Self::SignUp,
            (Some("recover"), None, ..) => Self::Recover,
            (Some("link"), None, ..) => Self::Link,
            (Some("contacts"), None, ..) => Self::Contacts(Tab::People),
            (Some("contacts"), Some("requests"), None, _) => Self::Contacts(Tab::Requests),
            (Some("contacts"), Some("blocked"), None, _) => Self::Contacts(Tab::Blocked),
            (Some("saved"), None, ..) => Self::Saved,
            (Some("messages"), None, ..) => Self::Messages,
            (Some("messages"), Some(room), None, _) => main(room).map_or(Self::Unknown, Self::Room),
            (Some("messages"), Some(room), Some("members"), None) => main(room).map_or(Self::Unknown, Self::Members),
            (Some("space"), Some(space), second, more) => in_space(space, second, more, parts.next()),
            (Some("messages"), Some(room), Some("changes"), None) => room.parse().map_or(Self::Unknown, Self::Changes),
            (Some("messages"), Some(room), Some("reports"), None) => room.parse().map_or(Self::Unknown, Self::Reports),
            (Some("messages"), Some(room), Some("pins"), None) => main(room).map_or(Self::Unknown, Self::Pins),
            (Some("messages"), Some(room), Some("threads"), None) => main(room).map_or(Self::Unknown, Self::Threads),
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
            Self::Contacts(Tab::People) => "/contacts".into(),
            Self::Contacts(Tab::Requests) => "/contacts/requests".into(),
            Self::Contacts(Tab::Blocked) => "/contacts/blocked".into(),
            Self::Saved => "/saved".into(),
            Self::Messages => "/messages".into(),
            Self::Room(chat) => conversation(chat),
            Self::Members(chat) => format!("{}/members", conversation(chat)),
            Self::Thread(chat, root) => format!("{}/thread/{root}", conversation(chat)),
            Self::Pins(chat) => format!("{}/pins", conversation(chat)),
            Self::Threads(chat) => format!("{}/threads", conversation(chat)),
            Self::ChannelSettings(chat) => format!("{}/settings", conversation(chat)),
            Self::Space(space) => format!("/space/{space}"),
            Self::SpaceSettings(space) => format!("/space/{space}/settings"),
            Self::SpaceSetting(space, page) => format!("/space/{space}/settings/{}", page.name()),
            Self::Changes(room) => format!("/messages/{room}/changes"),
            Self::Reports(room) => format!("/messages/{room}/reports"),
            Self::Settings => "/settings".into(),
            Self::Setting(page) => format!("/settings/{}", page.name()),
        }
    }

    /// The room this place is about.
    pub const fn room(self) -> Option<Chat> {
        match self {
            Self::Room(room) | Self::Members(room) | Self::Pins(room) | Self::Threads(room) | Self::Thread(room, _) => {
                Some(room)
            }
            Self::Changes(room) | Self::Reports(room) => Some(Chat {
                room,
                channel: ChannelId::MAIN,
            }),
            _ => None,
        }
    }

    /// The space this place is in.
    pub fn space(self) -> Option<RoomId> {
        match self {
            Self::Space(space) | Self::SpaceSettings(space) | Self::SpaceSetting(space, _) => Some(space),
            Self::Room(chat)
            | Self::Members(chat)
            | Self::Pins(chat)
            | Self::Threads(chat)
            | Self::Thread(chat, _)
            | Self::ChannelSettings(chat)
                if chat.channel != ChannelId::MAIN =>
            {
                Some(chat.room)
            }
            _ => None,
        }
    }

    /// Where the list stands that this place is chosen from.
    pub fn list(self) -> Self {
        self.space().map_or(Self::Messages, Self::Space)
    }

    pub const fn in_settings(self) -> bool {
        matches!(self, Self::Settings | Self::Setting(_))
    }
}

/// What stands behind the number of a space.
fn in_space(space: &str, second: Option<&str>, third: Option<&str>, more: Option<&str>) -> Place {
    let Ok(room) = space.parse::<RoomId>() else {
        return Place::Unknown;
    };
    if more.is_some() {
        return Place::Unknown;
    }
    match (second, third) {
        (None, _) => Place::Space(room),
        (Some("settings"), None) => Place::SpaceSettings(room),
        (Some("settings"), Some(page)) => {
            SpacePage::parse(page).map_or(Place::Unknown, |page| Place::SpaceSetting(room, page))
        }
        (Some(channel), what) => {
            // A space has no main channel.
            let channel = channel.parse().ok().filter(|channel| *channel != ChannelId::MAIN);
            let chat = channel.map(|channel| Chat { room, channel });
            match (chat, what) {
                (Some(chat), None) => Place::Room(chat),
                (Some(chat), Some("members")) => Place::Members(chat),
                (Some(chat), Some("pins")) => Place::Pins(chat),
                (Some(chat), Some("threads")) => Place::Threads(chat),
                (Some(chat), Some("settings")) => Place::ChannelSettings(chat),
                _ => Place::Unknown,
            }
        }
    }
}

fn conversation(chat: Chat) -> String {
    if chat.channel == ChannelId::MAIN {
        format!("/messages/{}", chat.room)
    } else {
        format!("/space/{}/{}", chat.room, chat.channel)
    }
}

/// What leads to one message, for whoever may read it: nothing but where it stands.
pub fn message_link(origin: &str, chat: Chat, number: u64) -> String {
    format!("{origin}/#m.{}.{}.{number}", chat.room, chat.channel)
}

/// The conversation and the number that a link names; `fragment` is what stands from its `#` on.
pub fn read_message_link(fragment: &str) -> Option<(Chat, u64)> {
    let mut parts = fragment.strip_prefix("#m.")?.split('.');
    let (room, channel, number) = (parts.next()?, parts.next()?, parts.next()?);
    let chat = Chat {
        room: room.parse().ok()?,
        channel: channel.parse().ok()?,
    };
    let is_number = number.len() <= 16 && number.bytes().all(|c| c.is_ascii_digit());
    (parts.next().is_none() && is_number).then_some((chat, number.parse().ok()?))
}

/// The one conversation of a direct message or a group.
fn main(room: &str) -> Option<Chat> {
    Some(room.parse::<RoomId>().ok()?.into())
}

impl Page {
    pub const ALL: [Self; 9] = [
        Self::Profile,
        Self::Account,
        Self::Devices,
        Self::Security,
        Self::Lock,
        Self::Notifications,
        Self::Privacy,
        Self::Appearance,
        Self::Server,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Account => "account",
            Self::Devices => "devices",
            Self::Security => "security",
            Self::Lock => "lock",
            Self::Notifications => "notifications",
            Self::Privacy => "privacy",
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
        let space = room.room;
        let channel = Chat {
            room: space,
            channel: ChannelId::from_bytes([7; 16]),
        };
        let mut places = vec![
            Place::Home,
            Place::SignUp,
            Place::Recover,
            Place::Link,
            Place::Messages,
            Place::Room(room),
            Place::Members(room),
            Place::Changes(room.room),
            Place::Reports(room.room),
            Place::Pins(room),
            Place::Threads(room),
            Place::Thread(room, EnvelopeHash::from_bytes([4; 32])),
            Place::Settings,
            Place::Space(space),
            Place::Room(channel),
            Place::Members(channel),
            Place::Pins(channel),
            Place::Threads(channel),
            Place::Thread(channel, EnvelopeHash::from_bytes([4; 32])),
            Place::ChannelSettings(channel),
            Place::SpaceSettings(space),
        ];
        places.extend(SpacePage::ALL.map(|page| Place::SpaceSetting(space, page)));
        places.extend(Page::ALL.map(Place::Setting));
        places.extend(Tab::ALL.map(Place::Contacts));
        for place in places {
            assert_eq!(Place::parse(&place.path()), place);
        }
    }

    #[test]
    fn a_link_to_a_message_reads_back_and_nothing_else_does() {
        let chat = Chat::from(RoomId::from_bytes([3; 32]));
        let link = message_link("https://example.org", chat, 17);
        let at = link.find('#').unwrap();
        assert_eq!(read_message_link(&link[at..]), Some((chat, 17)));
        let room = chat.room;
        for bad in [
            String::new(),
            "#m.".into(),
            format!("#m.{room}.x.1"),
            format!("#m.{room}.{}.-1", chat.channel),
            format!("#m.{room}.{}.1.2", chat.channel),
            format!("#m.{room}.{}.99999999999999999999", chat.channel),
            format!("#i1.{room}.{}.1", chat.channel),
        ] {
            assert_eq!(read_message_link(&bad), None, "{bad}");
        }
    }

    #[test]
    fn an_address_that_is_not_ours_is_unknown() {
        for path in [
            "/x",
            "/messages/abc",
            "/settings/none",
            "/messages/a/b/c",
            "/messages/a/thread/b",
            "/sign-up/now",
            "/recover/now",
            "/space",
            "/space/abc",
            "/space/AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM/none",
            "/space/AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM/AAAAAAAAAAAAAAAAAAAAAA",
            "/space/AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM/settings/none",
            "/space/AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM/BwcHBwcHBwcHBwcHBwcHBw/members/more",
        ] {
            assert_eq!(Place::parse(path), Place::Unknown, "{path}");
        }
    }
}
