//! Keeping order in a space: by channel, by roles of its own, and against a member with a changed client.
//!
//! Ada owns the club, Bob has a role that may keep order, Cyd is a member; so is Eve, an account without an engine.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_lite::future::block_on;
use sotto_client::engine::Request;
use sotto_client::testing::World;
use sotto_client::view::{
    Body, ChannelChange, ChannelKind, Chat, Command, Deed, Delivery, Exhibit, Measure, NewChannel, NewHeading, NewRole,
    Outcome, Problem, Rights, Standing, Tamper,
};
use sotto_shared::api::B64;
use sotto_shared::api::body::{ReportsGet, RoomAppend};
use sotto_shared::api::frame::FromRelay;
use sotto_shared::codec::{Codec, List};
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{ChannelId, EnvelopeHash, MessageId, RoomId, UserId};
use sotto_shared::log::room_log::{Role, RoomBody, RoomEntry};
use sotto_shared::testing::people::{Person, TestRoom};

type TestWorld = World<RustCrypto>;

/// What is done to somebody, or in a channel, at this time.
type Forged = fn(UserId, ChannelId, u64) -> RoomBody;

const ADA: usize = 0;
const BOB: usize = 1;
const CYD: usize = 2;
/// The first role that a space makes.
const KEEPER: u8 = 16;

fn user(world: &TestWorld, browser: usize) -> UserId {
    world.browsers[browser].me().unwrap()
}

fn chat(world: &TestWorld, browser: usize, id: RoomId, name: &str) -> Option<Chat> {
    let headings = world.browsers[browser].space(id)?.headings;
    let channels = headings.into_iter().flat_map(|heading| heading.channels);
    channels.map(|channel| Chat { room: id, channel }).find(|chat| {
        let room = world.browsers[browser].chat(*chat);
        room.is_some_and(|room| room.title == name)
    })
}

/// A space with a public, a second public and a private channel of Ada's and Cyd's; Bob keeps order.
async fn club(seed: &str) -> (TestWorld, RoomId) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob", "cyd"] {
        world.newcomer(handle).await;
    }
    world.relay().enlist(&Person::new("eve"));
    let channel = |name: &str, kind| NewChannel {
        name: name.into(),
        topic: String::new(),
        kind,
    };
    let command = Command::CreateSpace {
        name: "Club".into(),
        roles: vec![NewRole {
            name: "Keeper".into(),
            rank: 40,
            rights: Rights {
                post: true,
                kick: true,
                ban: true,
                redact: true,
                meta: true,
                ..Rights::default()
            },
        }],
        headings: vec![NewHeading {
            name: String::new(),
            channels: vec![
                channel("general", ChannelKind::Public),
                channel("garden", ChannelKind::Public),
                channel("den", ChannelKind::Private),
            ],
        }],
    };
    let Ok(Outcome::Space(id)) = world.run(ADA, command).await else {
        panic!("no space");
    };
    let handles = vec!["bob".into(), "cyd".into(), "eve".into()];
    let added = world.run(ADA, Command::AddPeople { room: id, handles }).await;
    assert_eq!(added, Ok(Outcome::Done));
    world.settle().await;
    let bob = user(&world, BOB);
    let command = Command::SetRole {
        room: id,
        user: bob,
        role: KEEPER,
    };
    assert_eq!(world.run(ADA, command).await, Ok(Outcome::Done));
    let chat = chat(&world, ADA, id, "den").unwrap();
    let add = vec![user(&world, CYD)];
    let command = Command::ChannelPeople {
        chat,
        add,
        remove: Vec::new(),
    };
    assert_eq!(world.run(ADA, command).await, Ok(Outcome::Done));
    world.settle().await;
    (world, id)
}

async fn shows(world: &mut TestWorld, browser: usize, chat: Chat) {
    assert_eq!(world.run(browser, Command::ShowRoom { chat }).await, Ok(Outcome::Done));
    world.settle().await;
}

async fn say(world: &mut TestWorld, browser: usize, chat: Chat, text: &str) -> Result<Outcome, Problem> {
    let said = world.run(browser, Command::say(chat, text)).await;
    world.settle().await;
    said
}

fn told(world: &TestWorld, browser: usize) -> Vec<String> {
    let rows = world.browsers[browser].rows().into_iter();
    rows.filter_map(|row| match row {
        Body::Text { text, state, .. } => Some(if state == Delivery::Sent {
            text
        } else {
            format!("[{text}]")
        }),
        _ => None,
    })
    .collect()
}

fn message(world: &TestWorld, browser: usize, words: &str) -> MessageId {
    let rows = world.browsers[browser].rows().into_iter();
    let mut found = rows.filter_map(|row| match row {
        Body::Text { text, message, .. } if text == words => Some(message),
        _ => None,
    });
    found.next_back().unwrap_or_else(|| panic!("{words} is not on screen"))
}

async fn does(world: &mut TestWorld, browser: usize, room: RoomId, measure: Measure) -> Result<Outcome, Problem> {
    let reason = "for peace".to_owned();
    let done = world.run(browser, Command::Moderate { room, measure, reason }).await;
    world.settle().await;
    done
}

#[test]
fn slow_mode_is_of_one_channel_and_counts_answers_and_what_is_handed_on() {
    block_on(async {
        let (mut world, id) = club("slow").await;
        let general = chat(&world, CYD, id, "general").unwrap();
        let garden = chat(&world, CYD, id, "garden").unwrap();
        let measure = |seconds| Measure::SlowMode {
            channel: general.channel,
            seconds,
        };
        assert_eq!(does(&mut world, CYD, id, measure(30)).await, Err(Problem::NotAllowed));
        assert_eq!(does(&mut world, BOB, id, measure(30)).await, Ok(Outcome::Done));
        let nowhere = Measure::SlowMode {
            channel: ChannelId::MAIN,
            seconds: 30,
        };
        assert_eq!(does(&mut world, BOB, id, nowhere).await, Err(Problem::NotAllowed));
        let slow = world.browsers[CYD].order(id).unwrap().slow;
        assert_eq!((slow.len(), slow[0].channel, slow[0].holds), (1, general.channel, true));
        assert!(!world.browsers[BOB].order(id).unwrap().slow[0].holds);

        shows(&mut world, CYD, general).await;
        assert_eq!(say(&mut world, CYD, general, "one").await, Ok(Outcome::Done));
        // An answer is a text as well: it waits.
        let command = Command::Send {
            chat: general,
            text: "two".into(),
            reply: Some(message(&world, CYD, "one")),
            thread: None,
        };
        assert_eq!(world.run(CYD, command).await, Ok(Outcome::Done));
        world.settle().await;
        assert_eq!(told(&world, CYD), ["one", "[two]"]);
        // So is what is handed on from elsewhere.
        shows(&mut world, CYD, garden).await;
        for text in ["here", "and here", "as one likes"] {
            assert_eq!(say(&mut world, CYD, garden, text).await, Ok(Outcome::Done));
        }
        assert_eq!(told(&world, CYD), ["here", "and here", "as one likes"]);
        let command = Command::Forward {
            chat: garden,
            message: message(&world, CYD, "here"),
            to: vec![general],
        };
        assert_eq!(world.run(CYD, command).await, Ok(Outcome::Done));
        world.settle().await;
        shows(&mut world, CYD, general).await;
        assert_eq!(told(&world, CYD), ["one", "[two]", "[here]"]);
        world.advance(31_000);
        world.settle().await;
        assert_eq!(told(&world, CYD), ["one", "two", "[here]"]);
        world.advance(31_000);
        world.settle().await;
        assert_eq!(told(&world, CYD), ["one", "two", "here"]);
        shows(&mut world, ADA, general).await;
        assert_eq!(told(&world, ADA), ["one", "two", "here"]);
        // It stands in the log, with its channel.
        let command = Command::ShowChanges {
            room: id,
            kind: None,
            person: None,
            skip: 0,
            most: 20,
        };
        let Ok(Outcome::Changes(changes)) = world.run(CYD, command).await else {
            panic!("no changes");
        };
        let slowed = changes.lines.into_iter().find_map(|line| match line.what {
            Deed::SlowMode { channel, seconds } => Some((channel, seconds, line.reason.map(|(_, words)| words))),
            _ => None,
        });
        assert_eq!(slowed, Some((general.channel, 30, Some("for peace".into()))));
    });
}

#[test]
fn the_log_says_which_role_may_what_and_who_is_in_which_channel() {
    block_on(async {
        let (mut world, id) = club("said").await;
        let cyd = user(&world, CYD);
        let (general, den) = (
            chat(&world, ADA, id, "general").unwrap(),
            chat(&world, ADA, id, "den").unwrap(),
        );
        let reads = Rights {
            pin: true,
            ..Rights::default()
        };
        let edit = |name: &str, topic: &str| Command::EditChannel {
            chat: general,
            name: name.into(),
            topic: topic.into(),
        };
        let role = |role, name: &str| Command::DefineRole {
            space: id,
            role,
            name: name.into(),
            rank: 15,
            rights: reads,
        };
        for command in [
            role(None, "Herald"),
            role(Some(KEEPER + 1), "Crier"),
            Command::DropRole {
                space: id,
                role: KEEPER + 1,
            },
            edit("talk", ""),
            edit("talk", "about the sea"),
            Command::ArchiveChannel {
                chat: general,
                archived: true,
            },
            Command::ArchiveChannel {
                chat: general,
                archived: false,
            },
            Command::ChannelPeople {
                chat: den,
                add: vec![],
                remove: vec![cyd],
            },
        ] {
            assert_eq!(world.run(ADA, command).await, Ok(Outcome::Done));
            world.settle().await;
        }
        let command = Command::ShowChanges {
            room: id,
            kind: None,
            person: None,
            skip: 0,
            most: 20,
        };
        let Ok(Outcome::Changes(changes)) = world.run(ADA, command).await else {
            panic!("no changes");
        };
        let said: Vec<Deed> = changes.lines.into_iter().rev().map(|line| line.what).collect();
        let role_id = KEEPER + 1;
        let defined = |name: &str, is_new| Deed::RoleDefined {
            role_id,
            name: name.into(),
            rights: reads,
            is_new,
        };
        let changed = |change| Deed::ChannelChanged {
            channel: general.channel,
            change,
        };
        for deed in [
            defined("Herald", true),
            defined("Crier", false),
            Deed::RoleDropped {
                role_id,
                name: "Crier".into(),
            },
            changed(ChannelChange::Renamed("general".into(), "talk".into())),
            changed(ChannelChange::Topic),
            changed(ChannelChange::Archived),
            changed(ChannelChange::Restored),
            Deed::ChannelPeople {
                channel: den.channel,
                added: vec![],
                removed: vec![cyd],
            },
        ] {
            assert!(said.contains(&deed), "{deed:?} is not among {said:?}");
        }
    });
}

#[test]
fn a_role_of_the_space_keeps_order_as_far_as_its_rights_and_rank_go() {
    block_on(async {
        let (mut world, id) = club("keeper").await;
        let general = chat(&world, CYD, id, "general").unwrap();
        let (ada, bob, cyd) = (user(&world, ADA), user(&world, BOB), user(&world, CYD));
        shows(&mut world, BOB, general).await;
        assert_eq!(say(&mut world, CYD, general, "rude").await, Ok(Outcome::Done));
        assert_eq!(say(&mut world, ADA, general, "by ada").await, Ok(Outcome::Done));
        let away = Measure::TakeAway {
            channel: general.channel,
            message: message(&world, BOB, "rude"),
            by: cyd,
        };
        assert_eq!(does(&mut world, BOB, id, away).await, Ok(Outcome::Done));
        shows(&mut world, ADA, general).await;
        assert_eq!(told(&world, ADA), ["by ada"]);
        let until_ms = world.now_ms + 60_000;
        let pause = |user| Measure::TimeOut { user, until_ms };
        assert_eq!(does(&mut world, BOB, id, pause(cyd)).await, Ok(Outcome::Done));
        assert_eq!(world.browsers[CYD].order(id).unwrap().time_outs[0].reason, "for peace");
        shows(&mut world, CYD, general).await;
        drop(say(&mut world, CYD, general, "still here").await);
        shows(&mut world, ADA, general).await;
        assert_eq!(told(&world, ADA), ["by ada"]);
        // Nothing to whoever is above.
        assert_eq!(does(&mut world, BOB, id, pause(ada)).await, Err(Problem::NotAllowed));
        let ban = |user| Measure::Ban { user };
        assert_eq!(does(&mut world, BOB, id, ban(ada)).await, Err(Problem::NotAllowed));
        assert_eq!(does(&mut world, CYD, id, ban(bob)).await, Err(Problem::NotAllowed));
        assert_eq!(does(&mut world, BOB, id, ban(cyd)).await, Ok(Outcome::Done));
        assert_eq!(world.browsers[ADA].order(id).unwrap().banned, [cyd]);
        assert_eq!(
            does(&mut world, BOB, id, Measure::Unban { user: cyd }).await,
            Ok(Outcome::Done)
        );
        assert!(world.browsers[ADA].order(id).unwrap().banned.is_empty());
    });
}

#[test]
fn what_is_reported_from_a_private_channel_is_proven_to_who_is_not_in_it() {
    block_on(async {
        let (mut world, id) = club("private").await;
        let den = chat(&world, CYD, id, "den").unwrap();
        assert!(chat(&world, BOB, id, "den").is_none());
        shows(&mut world, CYD, den).await;
        assert_eq!(say(&mut world, ADA, den, "said in private").await, Ok(Outcome::Done));
        let command = Command::Report {
            chat: den,
            messages: vec![message(&world, CYD, "said in private")],
            words: "even so".into(),
        };
        assert_eq!(world.run(CYD, command).await, Ok(Outcome::Done));
        world.settle().await;
        let reports = world.browsers[BOB].reports(id).expect("he has a role that may act");
        let said = reports.items[0].said.clone().expect("it opens");
        assert_eq!(said.words, "even so");
        let Exhibit::Verified(proven) = &said.messages[0] else {
            panic!("it is proven");
        };
        let found = (proven.by, proven.channel, proven.text.as_str());
        assert_eq!(found, (user(&world, ADA), den.channel, "said in private"));
        // Of the owner, who wrote it, it is about.
        assert_eq!(world.browsers[ADA].reports(id).map_or(0, |reports| reports.open), 0);
        let list = Request::ReportsGet(ReportsGet { room_id: id });
        assert!(world.relay().answer(Some("eve"), &list).is_err());
    });
}

/// Eve's entry at the end of the log.
fn entry(world: &mut TestWorld, room: RoomId, body: RoomBody) -> B64 {
    let (eve, ts) = (Person::new("eve"), world.now_ms);
    let state = &world.relay().rooms[&room].state;
    let entry = RoomEntry {
        room_id: room,
        seq: state.seq + 1,
        prev: state.head,
        ts,
        actor: eve.id(),
        actor_dk: eve.device_id(),
        body,
    };
    B64(TestRoom::sign_entry(&entry, eve.device()).to_bytes())
}

#[test]
fn a_member_with_a_changed_client_is_refused_by_the_relay_and_by_everybody_else() {
    block_on(async {
        let cases: [(&str, Forged); 6] = [
            ("slow mode", |_, channel, _| RoomBody::SetSlowMode {
                channel,
                seconds: 30,
            }),
            ("a time-out", |user_id, _, now| RoomBody::TimeOut {
                user_id,
                until: now + 60_000,
            }),
            ("a ban", |user_id, _, _| RoomBody::Remove {
                user_id,
                ban: true,
                cut: List::default(),
            }),
            ("a message", |_, _, _| RoomBody::Redact {
                target: EnvelopeHash::from_bytes([7; 32]),
                edits: List::default(),
            }),
            ("a role", |user_id, _, _| RoomBody::SetRole {
                user_id,
                role: Role::from_number(KEEPER).unwrap(),
            }),
            ("her own role", |_, _, _| RoomBody::SetRole {
                user_id: Person::new("eve").id(),
                role: Role::Owner,
            }),
        ];
        for (name, body) in cases {
            let (mut world, id) = club(name).await;
            let general = chat(&world, CYD, id, "general").unwrap();
            let body = body(user(&world, CYD), general.channel, world.now_ms);
            let forged = entry(&mut world, id, body);
            let ask = RoomAppend {
                room_id: id,
                entries: vec![forged.clone()],
                wraps: Vec::new(),
            };
            let refused = world.relay().answer(Some("eve"), &Request::RoomAppend(ask));
            assert!(refused.is_err(), "{name}");
            // Passed on all the same.
            let relay = world.relay();
            let stored = relay.rooms.get_mut(&id).unwrap();
            let from_seq = stored.entries.len() as u64;
            stored.entries.push(forged.clone());
            let frame = FromRelay::Log {
                room_id: id,
                from_seq,
                entries: vec![forged],
            };
            relay.tell_room(&id, &frame);
            world.settle().await;
            for browser in [ADA, BOB, CYD] {
                let standing = world.browsers[browser].space(id).unwrap().standing;
                assert_eq!(standing, Standing::Frozen(Tamper::InvalidEntry), "{name}");
                let order = world.browsers[browser].order(id).unwrap();
                assert!(
                    order.slow.is_empty() && order.time_outs.is_empty() && order.banned.is_empty(),
                    "{name}"
                );
            }
        }
    });
}
