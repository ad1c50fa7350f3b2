//! What people do to one message at the same moment, and far too often: everybody comes to the same, nothing is lost, nothing
//! waits for ever.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_lite::future::block_on;
use sotto_client::testing::World;
use sotto_client::view::{
    Body, ChannelKind, Chat, Command, Heading, NewChannel, NewHeading, Note, Outcome, Problem, Quote, Rights, Space,
};
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{ChannelId, MessageId, RoomId};

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;
const CYD: usize = 2;

async fn tea(seed: &str) -> (TestWorld, RoomId) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob", "cyd"] {
        world.newcomer(handle).await;
    }
    let room = world.group(ADA, "Tea", &["bob", "cyd"]).await;
    world.say(BOB, room, "by bob").await;
    for browser in [ADA, BOB, CYD] {
        world.read(browser, room).await;
    }
    (world, room)
}

/// The id of a text on screen.
fn id_of(world: &TestWorld, browser: usize, words: &str) -> MessageId {
    let mut rows = world.browsers[browser].rows().into_iter();
    let found = rows.find_map(|row| match row {
        Body::Text { text, message, .. } if text == words => Some(message),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{words} is not on screen"))
}

/// What stands there, as one line each.
async fn story(world: &mut TestWorld, browser: usize, room: RoomId) -> Vec<String> {
    world.read(browser, room).await;
    let told = |row: Body| match row {
        Body::Text {
            text,
            state,
            reactions,
            ties,
            ..
        } => {
            let reactions: String = reactions
                .iter()
                .map(|one| format!(" {}{}", one.emoji, one.count))
                .collect();
            let gone = if ties.reply == Some(Quote::Gone) {
                " to what is gone"
            } else {
                ""
            };
            Some(format!("{text}{gone}{reactions} {state:?}"))
        }
        Body::Note(Note::Deleted { .. }) => Some("deleted".to_owned()),
        _ => None,
    };
    world.browsers[browser].rows().into_iter().filter_map(told).collect()
}

#[test]
fn two_edits_at_once_leave_one_text_the_same_for_all() {
    block_on(async {
        let (mut world, room) = tea("two edits").await;
        let other = world.sign_in("bob").await;
        world.read(other, room).await;
        for browser in [BOB, other] {
            world.go_offline(browser);
        }
        for (browser, text) in [(BOB, "from the desk"), (other, "from the phone")] {
            let message = id_of(&world, browser, "by bob");
            let command = Command::Edit {
                chat: room.into(),
                message,
                text: text.into(),
            };
            assert_eq!(world.run(browser, command).await, Ok(Outcome::Done));
        }
        for browser in [other, BOB] {
            world.go_online(browser);
            world.settle().await;
        }
        let all = story(&mut world, ADA, room).await;
        assert!(
            all == ["from the desk Sent"] || all == ["from the phone Sent"],
            "{all:?}"
        );
        for browser in [BOB, CYD, other] {
            assert_eq!(story(&mut world, browser, room).await, all, "browser {browser}");
            world.reload(browser);
            world.settle().await;
            assert_eq!(
                story(&mut world, browser, room).await,
                all,
                "browser {browser}, once more"
            );
        }
    });
}

#[test]
fn what_crosses_a_deletion_leaves_the_deletion() {
    block_on(async {
        let (mut world, room) = tea("crossing").await;
        let other = world.sign_in("bob").await;
        world.read(other, room).await;
        for browser in [CYD, other] {
            world.go_offline(browser);
        }
        let (chat, message) = (room.into(), id_of(&world, CYD, "by bob"));
        let answer = Command::Send {
            chat,
            text: "indeed".into(),
            reply: Some(message),
            thread: None,
        };
        let react = Command::React {
            chat,
            message,
            emoji: "🎉".into(),
            on: true,
        };
        for command in [answer, react] {
            assert_eq!(world.run(CYD, command).await, Ok(Outcome::Done));
        }
        let edit = Command::Edit {
            chat,
            message,
            text: "secret".into(),
        };
        assert_eq!(world.run(other, edit).await, Ok(Outcome::Done));
        assert_eq!(
            world.run(BOB, Command::Delete { chat, message }).await,
            Ok(Outcome::Done)
        );
        for browser in [CYD, other] {
            world.go_online(browser);
            world.settle().await;
        }
        for browser in [ADA, BOB, CYD, other] {
            for time in ["as it is", "after a reload"] {
                let all = story(&mut world, browser, room).await;
                assert_eq!(
                    all,
                    ["deleted", "indeed to what is gone Sent"],
                    "browser {browser}, {time}"
                );
                world.reload(browser);
                world.settle().await;
            }
            for (key, bytes) in &world.browsers[browser].disk.borrow().records {
                let kept = String::from_utf8_lossy(bytes);
                assert!(!kept.contains("secret"), "browser {browser}: {key:?}");
            }
        }
        // And with what is known to be gone nothing can be done.
        world.read(CYD, room).await;
        for command in [
            Command::Edit {
                chat,
                message,
                text: "x".into(),
            },
            Command::React {
                chat,
                message,
                emoji: "🎉".into(),
                on: true,
            },
            Command::Delete { chat, message },
            Command::Send {
                chat,
                text: "and this?".into(),
                reply: Some(message),
                thread: None,
            },
            Command::Forward {
                chat,
                message,
                to: vec![chat],
            },
        ] {
            let refused = world.run(CYD, command.clone()).await;
            assert_eq!(refused, Err(Problem::NoSuchMessage), "{command:?}");
        }
    });
}

#[test]
fn reactions_without_number_are_counted_and_few_kinds_are_shown() {
    block_on(async {
        let (mut world, room) = tea("reactions").await;
        let kinds: Vec<String> = (0..40)
            .map(|at| char::from_u32(0x1f600 + at).unwrap().to_string())
            .collect();
        let chat = room.into();
        for browser in [ADA, CYD] {
            let message = id_of(&world, browser, "by bob");
            for round in 0..6 {
                for emoji in &kinds {
                    // Put and taken back in turn; the last round puts them.
                    let command = Command::React {
                        chat,
                        message,
                        emoji: emoji.clone(),
                        on: round % 2 == 1 || round == 0,
                    };
                    assert_eq!(world.run(browser, command).await, Ok(Outcome::Done));
                }
            }
        }
        world.settle().await;
        let shown: String = kinds.iter().take(20).map(|emoji| format!(" {emoji}2")).collect();
        for browser in [ADA, BOB, CYD] {
            assert_eq!(story(&mut world, browser, room).await, [format!("by bob{shown} Sent")]);
        }
        // By name they are all there, who put them and which.
        let message = id_of(&world, BOB, "by bob");
        let command = Command::ShowReactions { chat, message };
        let Ok(Outcome::Reactions(all)) = world.run(BOB, command).await else {
            panic!("nobody reacted");
        };
        let mut both = [ADA, CYD].map(|browser| world.browsers[browser].me().unwrap());
        both.sort();
        let expected: Vec<_> = kinds
            .iter()
            .take(20)
            .map(|emoji| (emoji.clone(), both.to_vec()))
            .collect();
        assert_eq!(all, expected);
    });
}

#[test]
fn a_name_called_thousands_of_times_calls_once() {
    block_on(async {
        let (mut world, room) = tea("calls").await;
        world.reload(CYD);
        world.settle().await;
        let text = "@cyd ".repeat(6_000);
        world.say(BOB, room, &text).await;
        let row = world.browsers[CYD].room(room).unwrap();
        assert_eq!(row.mentions, 1);
        assert_eq!(
            story(&mut world, ADA, room).await,
            ["by bob Sent".to_owned(), format!("{} Sent", text.trim_end())]
        );
    });
}

// --- Two who keep a space in order -------------------------------------------------------------------------------------------------

/// A space that Ada and Bob own, with Cyd in it: three channels, two of them under a heading.
async fn club(seed: &str) -> (TestWorld, RoomId, [Chat; 3]) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob", "cyd"] {
        world.newcomer(handle).await;
    }
    let heading = |name: &str, channels: &[&str]| NewHeading {
        name: name.into(),
        channels: (channels.iter())
            .map(|name| NewChannel {
                name: (*name).into(),
                topic: String::new(),
                kind: ChannelKind::Public,
            })
            .collect(),
    };
    let command = Command::CreateSpace {
        name: "Club".into(),
        roles: Vec::new(),
        headings: vec![heading("", &["news"]), heading("Talk", &["general", "garden"])],
    };
    let Ok(Outcome::Space(room)) = world.run(ADA, command).await else {
        panic!("no space");
    };
    let handles = vec!["bob".into(), "cyd".into()];
    let added = world.run(ADA, Command::AddPeople { room, handles }).await;
    assert_eq!(added, Ok(Outcome::Done));
    let (user, role) = (world.browsers[BOB].me().unwrap(), 3);
    let owns = world.run(ADA, Command::SetRole { room, user, role }).await;
    assert_eq!(owns, Ok(Outcome::Done));
    let headings = world.browsers[BOB].space(room).unwrap().headings;
    let mut channels = headings.into_iter().flat_map(|heading| heading.channels);
    let chats = [(); 3].map(|()| Chat {
        room,
        channel: channels.next().unwrap(),
    });
    (world, room, chats)
}

/// Both ask for it in the same moment; what each is answered.
async fn at_once(world: &mut TestWorld, commands: [Command; 2]) -> [Result<Outcome, Problem>; 2] {
    let [by_ada, by_bob] = commands;
    let asked =
        [(ADA, by_ada), (BOB, by_bob)].map(|(browser, command)| (browser, world.browsers[browser].command(command)));
    world.settle().await;
    asked.map(|(browser, id)| world.browsers[browser].answers[&id].clone())
}

/// The same space in every browser, also in one that comes to it now.
async fn agreed(world: &mut TestWorld, room: RoomId) -> Space {
    let new = world.sign_in("cyd").await;
    // What is one's own in it: role and rights.
    let shared = |world: &TestWorld, browser: usize| Space {
        role: 0,
        rights: Rights::default(),
        ..world.browsers[browser].space(room).unwrap()
    };
    let all = shared(world, ADA);
    for browser in [BOB, CYD, new] {
        assert_eq!(shared(world, browser), all, "browser {browser}");
    }
    for browser in [ADA, BOB, CYD] {
        assert_eq!(world.browsers[browser].notices(), []);
    }
    all
}

fn names(world: &TestWorld, browser: usize, chats: [Chat; 3]) -> [String; 3] {
    chats.map(|chat| world.browsers[browser].chat(chat).unwrap().title)
}

const DONE: [Result<Outcome, Problem>; 2] = [Ok(Outcome::Done), Ok(Outcome::Done)];

#[test]
fn two_who_rename_a_channel_at_once_leave_one_name_the_same_for_all() {
    for seed in 0..6 {
        block_on(async {
            let (mut world, room, chats) = club(&format!("two names {seed}")).await;
            let rename = |name: &str| Command::EditChannel {
                chat: chats[1],
                name: name.into(),
                topic: format!("about the {name}"),
            };
            let answers = at_once(&mut world, [rename("lounge"), rename("parlour")]).await;
            assert_eq!(answers, DONE, "{seed}");
            agreed(&mut world, room).await;
            let all = names(&world, CYD, chats);
            assert!(["lounge", "parlour"].contains(&all[1].as_str()), "{all:?}");
            assert_eq!([&all[0], &all[2]], ["news", "garden"]);
            for browser in 0..world.browsers.len() {
                assert_eq!(names(&world, browser, chats), all, "browser {browser}");
                let info = world.browsers[browser].chat(chats[1]).unwrap().channel.unwrap();
                assert_eq!(
                    info.topic,
                    format!("about the {}", all[1]),
                    "name and topic of one hand"
                );
            }
        });
    }
}

#[test]
fn two_who_move_channels_at_once_lose_none() {
    for seed in 0..6 {
        block_on(async {
            let (mut world, room, chats) = club(&format!("two moves {seed}")).await;
            let [news, general, garden] = chats.map(|chat| chat.channel);
            let arrange = |headings: &[(u16, &str, &[ChannelId])]| Command::Arrange {
                space: room,
                headings: (headings.iter())
                    .map(|(id, name, channels)| Heading {
                        id: *id,
                        name: (*name).into(),
                        channels: channels.to_vec(),
                    })
                    .collect(),
            };
            let one = [(0, "", &[][..]), (1, "Talk", &[garden, news, general][..])];
            let other = [
                (0, "", &[garden][..]),
                (1, "Chat", &[general][..]),
                (2, "Read", &[news][..]),
            ];
            let answers = at_once(&mut world, [arrange(&one), arrange(&other)]).await;
            assert_eq!(answers, DONE, "{seed}");
            let agreed = agreed(&mut world, room).await;
            let headings: Vec<_> = (agreed.headings.iter())
                .map(|heading| (heading.id, heading.name.as_str(), &heading.channels[..]))
                .collect();
            // One of the two as a whole: each channel once, and where one of them put it.
            assert!(headings == one || headings == other, "{headings:?}");
        });
    }
}

#[test]
fn a_channel_that_is_made_while_another_hand_puts_them_in_order_is_there() {
    for seed in 0..6 {
        block_on(async {
            let (mut world, room, chats) = club(&format!("made meanwhile {seed}")).await;
            let [news, general, garden] = chats.map(|chat| chat.channel);
            let create = Command::CreateChannel {
                space: room,
                name: "kitchen".into(),
                topic: String::new(),
                kind: ChannelKind::Public,
                heading: 1,
                members: Vec::new(),
            };
            let heading = |id, name: &str, channels: &[ChannelId]| Heading {
                id,
                name: name.into(),
                channels: channels.to_vec(),
            };
            let arrange = Command::Arrange {
                space: room,
                headings: vec![heading(0, "", &[]), heading(1, "House", &[garden, general, news])],
            };
            let [made, arranged] = at_once(&mut world, [create, arrange]).await;
            let Ok(Outcome::Channel(kitchen)) = made else {
                panic!("{made:?}")
            };
            assert_eq!(arranged, Ok(Outcome::Done));
            let agreed = agreed(&mut world, room).await;
            assert_eq!(agreed.headings[1].name, "House");
            assert_eq!(
                agreed.headings[1].channels,
                [garden, general, news, kitchen.channel],
                "{seed}"
            );
        });
    }
}

#[test]
fn two_roles_that_are_made_at_once_are_two() {
    for seed in 0..6 {
        block_on(async {
            let (mut world, room, _) = club(&format!("two roles {seed}")).await;
            let define = |name: &str, rank, rights| Command::DefineRole {
                space: room,
                role: None,
                name: name.into(),
                rank,
                rights,
            };
            let (may_post, may_pin) = (
                Rights {
                    post: true,
                    ..Rights::default()
                },
                Rights {
                    pin: true,
                    ..Rights::default()
                },
            );
            let commands = [define("Baker", 20, may_post), define("Smith", 30, may_pin)];
            assert_eq!(at_once(&mut world, commands).await, DONE, "{seed}");
            let agreed = agreed(&mut world, room).await;
            let own = agreed.roles.iter().filter(|role| !role.built_in);
            let own: Vec<_> = own.map(|role| (role.name.as_str(), role.rank, role.rights)).collect();
            assert_eq!(own, [("Smith", 30, may_pin), ("Baker", 20, may_post)], "{seed}");
        });
    }
}
