//! What a new space may begin with: headings, channels and roles, as data. Whoever makes it sees all of it before.

use crate::view::{ChannelKind, NewChannel, NewHeading, NewRole, Rights};

pub struct Template {
    /// In the address of nothing and kept nowhere: names the choice in the form.
    pub id: &'static str,
    pub name: &'static str,
    /// For whom it is.
    pub says: &'static str,
    pub headings: &'static [HeadingOf],
    pub roles: &'static [RoleOf],
}

pub struct HeadingOf {
    /// Empty: the channels stand first, under no heading.
    pub name: &'static str,
    pub channels: &'static [ChannelOf],
}

pub struct ChannelOf {
    pub name: &'static str,
    pub topic: &'static str,
    pub kind: ChannelKind,
}

pub struct RoleOf {
    pub name: &'static str,
    pub rank: u8,
    pub rights: Rights,
    /// What somebody with it is for.
    pub says: &'static str,
}

const fn talk(name: &'static str, topic: &'static str) -> ChannelOf {
    ChannelOf {
        name,
        topic,
        kind: ChannelKind::Public,
    }
}

const fn news(name: &'static str, topic: &'static str) -> ChannelOf {
    ChannelOf {
        kind: ChannelKind::Announcement,
        ..talk(name, topic)
    }
}

const fn private(name: &'static str, topic: &'static str) -> ChannelOf {
    ChannelOf {
        kind: ChannelKind::Private,
        ..talk(name, topic)
    }
}

/// What everybody in a space may.
const MEMBER: Rights = Rights {
    invite: true,
    kick: false,
    ban: false,
    role: false,
    meta: false,
    channel: false,
    redact: false,
    post: true,
    pin: false,
    everyone: false,
};

/// Of those who help to run it.
const HELPER: Rights = Rights {
    pin: true,
    redact: true,
    kick: true,
    ..MEMBER
};

pub const ALL: &[Template] = &[
    Template {
        id: "community",
        name: "Community",
        says: "A club, a neighbourhood, people with one interest",
        headings: &[
            HeadingOf {
                name: "Start here",
                channels: &[
                    news("announcements", "News for everybody here"),
                    talk("introductions", "Who you are and what brought you"),
                ],
            },
            HeadingOf {
                name: "Talk",
                channels: &[
                    talk("general", "Whatever has no channel of its own"),
                    talk("questions", "Ask, somebody knows"),
                    talk("off-topic", ""),
                ],
            },
            HeadingOf {
                name: "Stewards",
                channels: &[private("stewards", "For those who look after this space")],
            },
        ],
        roles: &[
            RoleOf {
                name: "Steward",
                rank: 60,
                rights: Rights {
                    ban: true,
                    meta: true,
                    channel: true,
                    everyone: true,
                    ..HELPER
                },
                says: "Looks after channels and people",
            },
            RoleOf {
                name: "Helper",
                rank: 30,
                rights: HELPER,
                says: "Pins, and takes away what does not belong",
            },
        ],
    },
    Template {
        id: "team",
        name: "Team",
        says: "People who work on something together",
        headings: &[
            HeadingOf {
                name: "",
                channels: &[
                    news("announcements", "Decisions and dates"),
                    talk("general", "The whole team"),
                ],
            },
            HeadingOf {
                name: "Work",
                channels: &[
                    talk("planning", "What comes next"),
                    talk("help", "Stuck on something"),
                    private("leads", "People and money"),
                ],
            },
            HeadingOf {
                name: "Besides",
                channels: &[talk("coffee", "Not work")],
            },
        ],
        roles: &[RoleOf {
            name: "Lead",
            rank: 60,
            rights: Rights {
                meta: true,
                channel: true,
                everyone: true,
                ..HELPER
            },
            says: "Makes channels and calls everybody",
        }],
    },
    Template {
        id: "class",
        name: "Class",
        says: "A course, a school class, a workshop",
        headings: &[
            HeadingOf {
                name: "Class",
                channels: &[
                    news("announcements", "Dates, rooms, results"),
                    news("material", "What is handed out"),
                    talk("questions", "About the subject"),
                ],
            },
            HeadingOf {
                name: "Among us",
                channels: &[talk("study-group", "Learning together"), talk("general", "")],
            },
            HeadingOf {
                name: "Staff",
                channels: &[private("staff", "For those who teach")],
            },
        ],
        roles: &[
            RoleOf {
                name: "Teacher",
                rank: 60,
                rights: Rights {
                    ban: true,
                    meta: true,
                    channel: true,
                    everyone: true,
                    ..HELPER
                },
                says: "Runs the class",
            },
            RoleOf {
                name: "Assistant",
                rank: 30,
                rights: HELPER,
                says: "Answers, pins, tidies up",
            },
        ],
    },
    Template {
        id: "empty",
        name: "Empty",
        says: "One channel; everything else is up to you",
        headings: &[HeadingOf {
            name: "",
            channels: &[talk("general", "")],
        }],
        roles: &[],
    },
];

impl Template {
    pub fn roles(&self) -> Vec<NewRole> {
        let made = |role: &RoleOf| NewRole {
            name: role.name.into(),
            rank: role.rank,
            rights: role.rights,
        };
        self.roles.iter().map(made).collect()
    }

    pub fn headings(&self) -> Vec<NewHeading> {
        let channel = |channel: &ChannelOf| NewChannel {
            name: channel.name.into(),
            topic: channel.topic.into(),
            kind: channel.kind,
        };
        let made = |heading: &HeadingOf| NewHeading {
            name: heading.name.into(),
            channels: heading.channels.iter().map(channel).collect(),
        };
        self.headings.iter().map(made).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_can_be_made_as_it_stands() {
        for template in ALL {
            let headings = template.headings();
            let channels: Vec<_> = headings.iter().flat_map(|heading| &heading.channels).collect();
            assert!(!channels.is_empty(), "{}", template.id);
            for (at, channel) in channels.iter().enumerate() {
                assert!(!channel.name.trim().is_empty());
                assert!(
                    channels[..at].iter().all(|other| other.name != channel.name),
                    "{} twice in {}",
                    channel.name,
                    template.id
                );
            }
            // Only what stands first may stand under no heading.
            assert!(headings.iter().skip(1).all(|heading| !heading.name.is_empty()));
            for role in template.roles() {
                assert!(role.rights.post, "somebody with more rights may write, too");
            }
        }
    }

    #[test]
    fn a_prepared_space_has_a_place_for_news_and_one_for_those_who_run_it() {
        for template in ALL.iter().filter(|template| template.id != "empty") {
            let has = |kind| {
                let channels = template.headings.iter().flat_map(|heading| heading.channels);
                channels.into_iter().any(|channel| channel.kind == kind)
            };
            assert!(
                has(ChannelKind::Announcement) && has(ChannelKind::Private),
                "{}",
                template.id
            );
        }
    }
}
