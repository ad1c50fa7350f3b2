//! What people do to one message at the same moment, and far too often: everybody comes to the same, nothing is lost, nothing
//! waits for ever.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_lite::future::block_on;
use sotto_client::testing::World;
use sotto_client::view::{Body, Command, Note, Outcome, Problem, Quote};
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{MessageId, RoomId};

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
