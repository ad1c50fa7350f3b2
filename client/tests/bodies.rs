//! Edits, deletions, reactions and lifetimes: what people see of them, whatever order things come in, and what is left.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, LazyLock};

use futures_lite::future::block_on;
use sotto_client::testing::world::password;
use sotto_client::testing::{Snapshot, World};
use sotto_client::view::{Body, Command, Delivery, Note, Outcome, Problem, Standing};
use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{MessageId, RoomId};

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;
const CYD: usize = 2;

/// How many conversations are drawn; more with `SOTTO_SCHEDULES=500`.
fn schedules() -> std::ops::Range<u32> {
    let count = std::env::var("SOTTO_SCHEDULES").map_or(4, |count| count.parse().expect("a number"));
    0..count
}

static PAST: LazyLock<(Snapshot<Arc<PrivateKey>>, RoomId)> = LazyLock::new(|| {
    block_on(async {
        let mut world = World::new(RustCrypto, "bodies");
        for handle in ["ada", "bob", "cyd"] {
            world.newcomer(handle).await;
        }
        let room = world.group(ADA, "Tea", &["bob", "cyd"]).await;
        world.say(ADA, room, "by ada").await;
        world.say(BOB, room, "by bob").await;
        (world.into_snapshot(), room)
    })
});

/// Ada, Bob and Cyd, all of them looking at their room.
async fn tea(seed: &str) -> (TestWorld, RoomId) {
    let (past, room) = &*PAST;
    let mut world = World::from_snapshot(RustCrypto, past, seed);
    world.settle().await;
    for browser in [ADA, BOB, CYD] {
        world
            .run(browser, Command::ShowRoom { chat: (*room).into() })
            .await
            .unwrap();
        world
            .run(browser, Command::MarkRead { chat: (*room).into() })
            .await
            .unwrap();
    }
    (world, *room)
}

/// The id of a text on screen.
fn id_of(world: &TestWorld, browser: usize, words: &str) -> MessageId {
    let rows = world.browsers[browser].rows().into_iter();
    let mut found = rows.filter_map(|row| match row {
        Body::Text { text, message, .. } if text == words => Some(message),
        _ => None,
    });
    found.next_back().unwrap_or_else(|| panic!("{words} is not on screen"))
}

async fn edit(world: &mut TestWorld, browser: usize, room: RoomId, from: &str, to: &str) {
    let (message, text) = (id_of(world, browser, from), to.to_owned());
    let answer = world
        .run(
            browser,
            Command::Edit {
                chat: room.into(),
                message,
                text,
            },
        )
        .await;
    assert_eq!(answer, Ok(Outcome::Done));
}

async fn delete(world: &mut TestWorld, browser: usize, room: RoomId, words: &str) -> Result<Outcome, Problem> {
    let message = id_of(world, browser, words);
    world
        .run(
            browser,
            Command::Delete {
                chat: room.into(),
                message,
            },
        )
        .await
}

async fn react(world: &mut TestWorld, browser: usize, room: RoomId, words: &str, emoji: &str, on: bool) {
    let (message, emoji) = (id_of(world, browser, words), emoji.to_owned());
    let command = Command::React {
        chat: room.into(),
        message,
        emoji,
        on,
    };
    assert_eq!(world.run(browser, command).await, Ok(Outcome::Done));
}

/// A row as everybody should see it.
fn told(world: &TestWorld, browser: usize, row: Body) -> String {
    let browser = &world.browsers[browser];
    match row {
        Body::Text {
            author,
            text,
            state,
            edited,
            reactions,
            ..
        } => {
            let edited = if edited { "*" } else { "" };
            let reactions = reactions.iter().map(|one| format!(" {}{}", one.emoji, one.count));
            let state = if state == Delivery::Sent {
                String::new()
            } else {
                format!(" {state:?}")
            };
            format!(
                "{}: {text}{edited}{}{state}",
                browser.handle(author),
                reactions.collect::<String>()
            )
        }
        Body::Note(Note::Deleted { by, .. }) => format!("{} deleted", browser.handle(by)),
        Body::Note(note) => format!("{note:?}"),
        Body::Poll { poll, .. } => poll.question,
        Body::Unreadable(why) => format!("{why:?}"),
    }
}

/// The whole room, from its beginning; without what happened to the room itself.
async fn story(world: &mut TestWorld, browser: usize, room: RoomId) -> Vec<String> {
    world.read(browser, room).await;
    now(world, browser)
}

/// What is on screen.
fn now(world: &TestWorld, browser: usize) -> Vec<String> {
    let rows = world.browsers[browser].rows().into_iter();
    let rows = rows.filter(|row| !matches!(row, Body::Note(note) if !matches!(note, Note::Deleted { .. })));
    rows.map(|row| told(world, browser, row)).collect()
}

/// The same for everybody, after a reload, and on a browser that was never there.
async fn assert_story(world: &mut TestWorld, room: RoomId, expected: &[&str]) {
    for browser in [ADA, BOB, CYD] {
        assert_eq!(now(world, browser), expected, "browser {browser}, as it is");
        assert_eq!(story(world, browser, room).await, expected, "browser {browser}");
        world.reload(browser);
        world.settle().await;
        assert_eq!(
            story(world, browser, room).await,
            expected,
            "browser {browser} after a reload"
        );
    }
    let new = world.sign_in("bob").await;
    assert_eq!(story(world, new, room).await, expected, "a new browser");
    world.close(new);
    world.browsers[new].disk.borrow_mut().records.clear();
}

/// Nothing that any browser keeps has these words in it.
fn assert_forgotten(world: &TestWorld, words: &str) {
    for browser in &world.browsers {
        for (key, bytes) in &browser.disk.borrow().records {
            let kept = String::from_utf8_lossy(bytes);
            assert!(!kept.contains(words), "{}: {key:?} has {words}", browser.name);
        }
    }
}

#[test]
fn a_text_is_changed_by_its_author_and_shows_that_it_was() {
    block_on(async {
        let (mut world, room) = tea("edit").await;
        edit(&mut world, BOB, room, "by bob", "by Bob").await;
        assert_story(&mut world, room, &["ada: by ada", "bob: by Bob*"]).await;
        edit(&mut world, BOB, room, "by Bob", "by bob again").await;
        assert_story(&mut world, room, &["ada: by ada", "bob: by bob again*"]).await;
        for browser in [ADA, BOB, CYD] {
            let row = world.browsers[browser].room(room).unwrap();
            assert_eq!((row.preview.unwrap().text, row.unread), ("by bob again".into(), 0));
        }
        let message = id_of(&world, ADA, "by bob again");
        let text = "not mine".to_owned();
        let refused = world
            .run(
                ADA,
                Command::Edit {
                    chat: room.into(),
                    message,
                    text,
                },
            )
            .await;
        assert_eq!(refused, Err(Problem::NotAllowed));
        let message = MessageId::from_bytes([7; 16]);
        let text = "of nothing".to_owned();
        let refused = world
            .run(
                ADA,
                Command::Edit {
                    chat: room.into(),
                    message,
                    text,
                },
            )
            .await;
        assert_eq!(refused, Err(Problem::NoSuchMessage));
    });
}

#[test]
fn reactions_are_counted_once_for_each_person() {
    block_on(async {
        let (mut world, room) = tea("react").await;
        for (browser, emoji, on) in [
            (ADA, "👍", true),
            (BOB, "👍", true),
            (BOB, "👍", true),
            (CYD, "🎉", true),
            (ADA, "🎉", true),
            (CYD, "🎉", false),
        ] {
            react(&mut world, browser, room, "by ada", emoji, on).await;
        }
        assert_story(&mut world, room, &["ada: by ada 👍2 🎉1", "bob: by bob"]).await;
        let message = id_of(&world, ADA, "by ada");
        for emoji in ["", "hello", "👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍"] {
            let emoji = emoji.to_owned();
            let on = true;
            let command = Command::React {
                chat: room.into(),
                message,
                emoji,
                on,
            };
            assert_eq!(world.run(ADA, command).await, Err(Problem::NotAllowed));
        }
        react(&mut world, ADA, room, "by ada", "👍", false).await;
        react(&mut world, ADA, room, "by ada", "🎉", false).await;
        assert_story(&mut world, room, &["ada: by ada 👍1", "bob: by bob"]).await;
    });
}

#[test]
fn a_deleted_message_leaves_its_place_and_nothing_of_its_words() {
    block_on(async {
        let (mut world, room) = tea("delete").await;
        world.say(BOB, room, "secret one").await;
        edit(&mut world, BOB, room, "secret one", "secret two").await;
        react(&mut world, ADA, room, "secret two", "👍", true).await;
        world.say(BOB, room, "after").await;
        // Who is away meanwhile reads it afterwards, and misses nothing of what was not deleted.
        world.go_offline(CYD);
        world.reload(CYD);
        world.settle().await;
        assert_eq!(delete(&mut world, BOB, room, "secret two").await, Ok(Outcome::Done));
        world.say(BOB, room, "the end").await;
        let gone: Vec<bool> = (world.relay().rooms[&room].messages.iter())
            .map(|message| message.gone.is_some())
            .collect();
        // Texts 1 and 2, the secret, its edit, the reaction, "after", the deletion, "the end".
        assert_eq!(gone, [false, false, true, true, false, false, false, false]);
        world.go_online(CYD);
        world.settle().await;
        let left = [
            "ada: by ada",
            "bob: by bob",
            "bob deleted",
            "bob: after",
            "bob: the end",
        ];
        assert_eq!(story(&mut world, CYD, room).await, left);
        assert_story(&mut world, room, &left).await;
        assert_forgotten(&world, "secret");
        // Somebody's chain goes on over a message that is gone before another has read it.
        world.go_offline(CYD);
        world.say(BOB, room, "secret three").await;
        assert_eq!(delete(&mut world, BOB, room, "secret three").await, Ok(Outcome::Done));
        world.go_online(CYD);
        world.settle().await;
        assert_eq!(
            story(&mut world, CYD, room).await,
            [&left[..], &["bob deleted"]].concat()
        );
        let message = id_of(&world, BOB, "after");
        assert_eq!(delete(&mut world, BOB, room, "after").await, Ok(Outcome::Done));
        let twice = world
            .run(
                BOB,
                Command::Delete {
                    chat: room.into(),
                    message,
                },
            )
            .await;
        assert_eq!(twice, Err(Problem::NoSuchMessage));
    });
}

#[test]
fn what_is_deleted_goes_from_a_browser_that_does_not_look_at_the_room() {
    block_on(async {
        let (mut world, room) = tea("unseen").await;
        world.say(ADA, room, "secret").await;
        for browser in [BOB, CYD] {
            world.reload(browser);
        }
        world.settle().await;
        assert_eq!(world.browsers[BOB].room(room).unwrap().preview.unwrap().text, "secret");
        assert_eq!(delete(&mut world, ADA, room, "secret").await, Ok(Outcome::Done));
        assert_forgotten(&world, "secret");
        for browser in [BOB, CYD] {
            let row = world.browsers[browser].room(room).unwrap();
            assert_eq!((row.preview.unwrap().text, row.unread), ("by bob".into(), 0));
        }
        for browser in [BOB, CYD] {
            story(&mut world, browser, room).await;
        }
        assert_story(&mut world, room, &["ada: by ada", "bob: by bob", "ada deleted"]).await;
    });
}

#[test]
fn an_owner_takes_away_what_a_member_wrote_and_a_member_does_not() {
    block_on(async {
        let (mut world, room) = tea("redact").await;
        world.say(BOB, room, "secret one").await;
        edit(&mut world, BOB, room, "secret one", "secret two").await;
        assert_eq!(
            delete(&mut world, CYD, room, "secret two").await,
            Err(Problem::NotAllowed)
        );
        assert_eq!(delete(&mut world, ADA, room, "secret two").await, Ok(Outcome::Done));
        assert_forgotten(&world, "secret");
        let gone = world.relay().rooms[&room]
            .messages
            .iter()
            .map(|message| message.gone.is_some());
        assert_eq!(gone.collect::<Vec<_>>(), [false, false, true, true]);
        assert_story(&mut world, room, &["ada: by ada", "bob: by bob", "ada deleted"]).await;
        // Between two, everybody's words are their own.
        let direct = world.direct(ADA, "bob").await;
        world.say(BOB, direct, "mine").await;
        story(&mut world, ADA, direct).await;
        assert_eq!(delete(&mut world, ADA, direct, "mine").await, Err(Problem::NotAllowed));
    });
}

#[test]
fn what_is_said_about_a_message_waits_survives_and_is_sent_like_a_message() {
    block_on(async {
        let (mut world, room) = tea("waits").await;
        world.go_offline(BOB);
        edit(&mut world, BOB, room, "by bob", "by Bob").await;
        react(&mut world, BOB, room, "by ada", "👍", true).await;
        let waiting = ["ada: by ada 👍1", "bob: by Bob* Pending"];
        assert_eq!(now(&world, BOB), waiting);
        world.reload(BOB);
        world.settle().await;
        assert_eq!(story(&mut world, BOB, room).await, waiting);
        world.browsers[BOB].has_network = true;
        for _ in 0..3 {
            world.advance(31_000);
            world.settle().await;
        }
        assert_story(&mut world, room, &["ada: by ada 👍1", "bob: by Bob*"]).await;
    });
}

#[test]
fn what_the_server_still_has_of_a_deleted_message_is_asked_for_again() {
    block_on(async {
        let (mut world, room) = tea("asked again").await;
        world.say(BOB, room, "secret").await;
        // The deletion leaves by the socket; no request gets through.
        world.browsers[BOB].holds_asks = true;
        assert_eq!(delete(&mut world, BOB, room, "secret").await, Ok(Outcome::Done));
        assert_eq!(world.relay().rooms[&room].messages[2].gone, None);
        world.browsers[BOB].holds_asks = false;
        world.go_offline(BOB);
        world.reload(BOB);
        world.settle().await;
        world.browsers[BOB].has_network = true;
        for _ in 0..3 {
            world.advance(31_000);
            world.settle().await;
        }
        assert!(world.relay().rooms[&room].messages[2].gone.is_some());
    });
}

/// The secret for letting go of a message goes by the day key of when it was written.
#[test]
fn what_was_said_before_a_change_of_password_is_let_go_of_after_it() {
    block_on(async {
        let (mut world, room) = tea("password").await;
        for words in ["one", "two", "three"] {
            world.say(BOB, room, words).await;
        }
        edit(&mut world, BOB, room, "three", "four").await;
        let mut old = password("bob");
        for new in [
            "quartz lantern under seven orchards",
            "nine slow rivers behind a copper gate",
        ] {
            let change = Command::ChangePassword { old, new: new.into() };
            let changed = Outcome::PasswordChanged {
                recovery_key_gone: false,
            };
            assert_eq!(world.run(BOB, change).await, Ok(changed));
            old = new.into();
        }
        for _ in 0..4 {
            world.advance(16_000);
            world.settle().await;
        }
        world.say(BOB, room, "five").await;
        // In the same tab; after a reload, when the former keys come with the vault; and where both come from the relay.
        assert_eq!(delete(&mut world, BOB, room, "one").await, Ok(Outcome::Done));
        world.reload(BOB);
        world.settle().await;
        world.read(BOB, room).await;
        assert_eq!(delete(&mut world, BOB, room, "two").await, Ok(Outcome::Done));
        let new = world.browser("new");
        let sign_in = Command::SignIn {
            handle: "bob".into(),
            password: old,
            stay: true,
        };
        assert_eq!(world.run(new, sign_in).await, Ok(Outcome::Done));
        world.read(new, room).await;
        assert_eq!(delete(&mut world, new, room, "four").await, Ok(Outcome::Done));
        assert_eq!(delete(&mut world, new, room, "five").await, Ok(Outcome::Done));
        let gone: Vec<bool> = (world.relay().rooms[&room].messages.iter())
            .map(|message| message.gone.is_some())
            .collect();
        // Texts 1 and 2, "one" to "three", the edit, "five", and four deletions.
        let expected = [false, false, true, true, true, true, true, false, false, false, false];
        assert_eq!(gone, expected);
        assert_forgotten(&world, "four");
    });
}

#[test]
fn a_lifetime_is_an_owners_to_set_and_holds_from_there_until_it_is_lifted() {
    block_on(async {
        let (mut world, room) = tea("lifetime").await;
        for seconds in [1, 29, u32::MAX] {
            let refused = world.run(ADA, Command::SetTtl { room, seconds }).await;
            assert_eq!(refused, Err(Problem::NotAllowed), "{seconds}");
        }
        let set = |seconds| Command::SetTtl { room, seconds };
        assert_eq!(world.run(ADA, set(3600)).await, Ok(Outcome::Done));
        world.say(BOB, room, "passing").await;
        edit(&mut world, BOB, room, "passing", "passing soon").await;
        react(&mut world, ADA, room, "passing soon", "👍", true).await;
        assert_eq!(world.run(ADA, set(0)).await, Ok(Outcome::Done));
        world.say(BOB, room, "stays").await;
        let all = ["ada: by ada", "bob: by bob", "bob: passing soon* 👍1", "bob: stays"];
        assert_story(&mut world, room, &all).await;
        for browser in [ADA, BOB, CYD] {
            story(&mut world, browser, room).await;
        }
        world.advance(3_600_000);
        world.settle().await;
        let left = ["ada: by ada", "bob: by bob", "bob: stays"];
        for browser in [ADA, BOB, CYD] {
            assert_eq!(now(&world, browser), left);
        }
        assert_forgotten(&world, "passing");
        world.advance(3_600_000);
        world.settle().await;
        assert_story(&mut world, room, &left).await;
    });
}

#[test]
fn a_message_that_waited_long_has_its_whole_time_before_it() {
    block_on(async {
        let (mut world, room) = tea("waited").await;
        let seconds = 60;
        assert_eq!(
            world.run(ADA, Command::SetTtl { room, seconds }).await,
            Ok(Outcome::Done)
        );
        world.go_offline(BOB);
        world.run(BOB, Command::say(room, "late")).await.unwrap();
        world.advance(3_600_000);
        world.settle().await;
        world.go_online(BOB);
        world.settle().await;
        assert!(now(&world, ADA).contains(&"bob: late".to_owned()));
        world.advance(60_000);
        world.settle().await;
        for browser in [ADA, BOB, CYD] {
            assert_eq!(now(&world, browser), ["ada: by ada", "bob: by bob"]);
        }
    });
}

/// One thing that somebody does with something on their screen.
fn do_something(world: &mut TestWorld, room: RoomId, number: usize) {
    let browser = world.below(3);
    // Whoever has just reloaded the page is about to come back.
    let Some(me) = world.browsers[browser].me() else { return };
    let shown = world.browsers[browser].rows().into_iter();
    let texts: Vec<(MessageId, bool)> = shown
        .filter_map(|row| match row {
            Body::Text {
                message,
                author,
                state: Delivery::Sent,
                ..
            } => Some((message, author == me)),
            _ => None,
        })
        .collect();
    let mine: Vec<MessageId> = texts.iter().filter(|(_, mine)| *mine).map(|(id, _)| *id).collect();
    let what = world.below(10);
    let command = if what < 4 || mine.is_empty() {
        let text = format!("{browser} says {number}");
        Command::say(room, text)
    } else if what < 6 {
        let message = mine[world.below(mine.len())];
        let text = format!("{browser} says {number} instead");
        Command::Edit {
            chat: room.into(),
            message,
            text,
        }
    } else if what < 7 {
        let message = mine[world.below(mine.len())];
        Command::Delete {
            chat: room.into(),
            message,
        }
    } else {
        let (message, _) = texts[world.below(texts.len())];
        let emoji = ["👍", "🎉", "❤️"][world.below(3)].to_owned();
        let on = world.below(3) > 0;
        Command::React {
            chat: room.into(),
            message,
            emoji,
            on,
        }
    };
    world.browsers[browser].command(command);
}

#[test]
fn everybody_comes_to_the_same_whatever_order_pages_come_in() {
    for seed in schedules() {
        block_on(async {
            let (mut world, room) = tea(&format!("order {seed}")).await;
            for number in 0..160 {
                do_something(&mut world, room, number);
                let steps = world.below(40) as u32;
                world.settle_for(steps).await;
                match world.below(40) {
                    0 => world.drop_socket(BOB),
                    1 => world.reload(CYD),
                    2 => world.advance(5_000),
                    _ => {}
                }
                if world.browsers[CYD].shown().is_none() {
                    world.browsers[CYD].command(Command::ShowRoom { chat: room.into() });
                }
            }
            // Somebody who was never here pages back while the others go on.
            let new = world.sign_in("cyd").await;
            world.browsers[new].command(Command::ShowRoom { chat: room.into() });
            for number in 160..190 {
                do_something(&mut world, room, number);
                if world.below(3) == 0 {
                    world.browsers[new].command(Command::LoadOlder { chat: room.into() });
                }
                let steps = world.below(30) as u32;
                world.settle_for(steps).await;
            }
            for _ in 0..4 {
                world.settle().await;
                world.advance(31_000);
            }
            world.settle().await;
            let expected = story(&mut world, ADA, room).await;
            assert!(expected.len() > 60, "more than a page: {}", expected.len());
            for browser in [BOB, CYD, new] {
                assert_eq!(
                    story(&mut world, browser, room).await,
                    expected,
                    "seed {seed}, browser {browser}"
                );
            }
            for browser in [ADA, BOB, new] {
                world.reload(browser);
                world.settle().await;
                let again = story(&mut world, browser, room).await;
                assert_eq!(again, expected, "seed {seed}, browser {browser} after a reload");
            }
            let newest = world.sign_in("ada").await;
            assert_eq!(
                story(&mut world, newest, room).await,
                expected,
                "seed {seed}, from the end alone"
            );
            for browser in [ADA, BOB, CYD, new, newest] {
                assert_eq!(world.browsers[browser].room(room).unwrap().standing, Standing::Open);
                let deleted = expected.iter().filter(|row| row.ends_with(" deleted")).count();
                assert!(
                    deleted > 0 && expected.iter().any(|row| row.contains('*')),
                    "something of everything"
                );
            }
        });
    }
}
