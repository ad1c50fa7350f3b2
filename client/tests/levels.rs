//! How much of a conversation its reader is told: chosen in one browser, the same in all of them.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_lite::future::block_on;
use sotto_client::testing::World;
use sotto_client::view::{Command, Hush, Level, Outcome, Problem, Usual};
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::RoomId;

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;
const HOUR_MS: u64 = 3_600_000;

async fn people(seed: &str) -> (TestWorld, RoomId) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob", "cyd"] {
        world.newcomer(handle).await;
    }
    let room = world.group(ADA, "Garden", &["bob", "cyd"]).await;
    (world, room)
}

fn hush(world: &TestWorld, browser: usize, room: RoomId) -> Hush {
    world.browsers[browser].room(room).unwrap().hush
}

fn alert(world: &TestWorld, browser: usize, room: RoomId) -> Option<String> {
    world.browsers[browser]
        .room(room)
        .unwrap()
        .alert
        .map(|alert| alert.text)
}

async fn level(world: &mut TestWorld, browser: usize, room: RoomId, level: Option<Level>) {
    let command = Command::SetLevel {
        room,
        channel: None,
        level,
    };
    assert_eq!(world.run(browser, command).await, Ok(Outcome::Done));
}

async fn mute(world: &mut TestWorld, browser: usize, room: RoomId, until_ms: u64) {
    let command = Command::Mute {
        room,
        channel: None,
        until_ms,
    };
    assert_eq!(world.run(browser, command).await, Ok(Outcome::Done));
}

#[test]
fn a_choice_holds_in_every_browser_at_once_and_in_new_ones() {
    block_on(async {
        let (mut world, room) = people("levels everywhere").await;
        let second = world.sign_in("ada").await;
        assert_eq!(hush(&world, second, room).level, Level::Everything);
        level(&mut world, ADA, room, Some(Level::Nothing)).await;
        for browser in [ADA, second] {
            let hush = hush(&world, browser, room);
            assert_eq!((hush.level, hush.chosen), (Level::Nothing, Some(Level::Nothing)));
        }
        mute(&mut world, second, room, u64::MAX).await;
        assert!(hush(&world, ADA, room).muted, "heard at once");
        let third = world.sign_in("ada").await;
        let found = hush(&world, third, room);
        assert_eq!(
            (found.level, found.muted, found.muted_until),
            (Level::Nothing, true, u64::MAX)
        );
        // Nobody else has it so.
        assert_eq!(hush(&world, BOB, room), Hush::default());
        level(&mut world, third, room, None).await;
        mute(&mut world, third, room, 0).await;
        assert_eq!(hush(&world, ADA, room), Hush::default());
    });
}

#[test]
fn a_choice_is_kept_over_a_reload_without_a_network() {
    block_on(async {
        let (mut world, room) = people("levels reload").await;
        world.go_offline(ADA);
        level(&mut world, ADA, room, Some(Level::Mentions)).await;
        world.reload(ADA);
        world.settle().await;
        assert_eq!(hush(&world, ADA, room).level, Level::Mentions);
        // What was chosen meanwhile elsewhere for something else stays beside it.
        let other = world.direct(BOB, "ada").await;
        world.say(BOB, other, "hello").await;
        let second = world.sign_in("ada").await;
        assert_eq!(
            hush(&world, second, room).level,
            Level::Everything,
            "nothing was sent yet"
        );
        mute(&mut world, second, other, u64::MAX).await;
        world.go_online(ADA);
        world.settle().await;
        for browser in [ADA, second] {
            assert_eq!(hush(&world, browser, room).level, Level::Mentions);
            assert!(hush(&world, browser, other).muted);
        }
    });
}

#[test]
fn of_two_choices_made_apart_the_later_one_holds_everywhere() {
    block_on(async {
        let (mut world, room) = people("levels apart").await;
        let second = world.sign_in("ada").await;
        world.go_offline(ADA);
        level(&mut world, ADA, room, Some(Level::Nothing)).await;
        world.advance(1_000);
        level(&mut world, second, room, Some(Level::Mentions)).await;
        world.go_online(ADA);
        world.settle().await;
        for browser in [ADA, second] {
            assert_eq!(hush(&world, browser, room).level, Level::Mentions);
        }
    });
}

#[test]
fn a_room_muted_for_an_hour_is_loud_again_after_it() {
    block_on(async {
        let (mut world, room) = people("mute ends").await;
        let until = world.now_ms + HOUR_MS;
        mute(&mut world, BOB, room, until).await;
        world.say(ADA, room, "the beans are in").await;
        let shown = world.browsers[BOB].room(room).unwrap();
        assert!(shown.hush.muted && shown.unread == 1 && shown.alert.is_none());
        world.advance(HOUR_MS - 1);
        world.settle().await;
        assert!(hush(&world, BOB, room).muted);
        world.advance(2);
        world.settle().await;
        assert!(!hush(&world, BOB, room).muted);
    });
}

#[test]
fn what_is_told_is_the_newest_unread_word_of_others_as_far_as_the_level_goes() {
    block_on(async {
        let (mut world, room) = people("alerts").await;
        // Bob began it: what somebody else begins asks first, and is told of nowhere.
        let direct = world.direct(BOB, "ada").await;
        assert_eq!(alert(&world, BOB, room), None);
        world.say(ADA, room, "first").await;
        world.say(ADA, room, "second").await;
        world.say(ADA, direct, "between us").await;
        assert_eq!(alert(&world, BOB, room).as_deref(), Some("second"));
        assert_eq!(alert(&world, ADA, room), None, "one's own words are no news");
        level(&mut world, BOB, room, Some(Level::Mentions)).await;
        assert_eq!(alert(&world, BOB, room), None, "nobody called Bob");
        level(&mut world, BOB, direct, Some(Level::Mentions)).await;
        assert_eq!(
            alert(&world, BOB, direct).as_deref(),
            Some("between us"),
            "in a direct message every word does"
        );
        level(&mut world, BOB, direct, Some(Level::Nothing)).await;
        assert_eq!(alert(&world, BOB, direct), None);
        level(&mut world, BOB, room, None).await;
        assert_eq!(alert(&world, BOB, room).as_deref(), Some("second"));
        // What is taken away is told no more, and what was read neither.
        let rows = {
            world.read(ADA, room).await;
            world.browsers[ADA].whole_rows()
        };
        let message = rows
            .iter()
            .filter_map(|row| sotto_client::state::authored(&row.body))
            .map(|(_, message)| message)
            .next_back()
            .unwrap();
        let delete = Command::Delete {
            chat: room.into(),
            message,
        };
        assert_eq!(world.run(ADA, delete).await, Ok(Outcome::Done));
        assert_eq!(alert(&world, BOB, room).as_deref(), Some("first"));
        let read = Command::MarkRead { chat: room.into() };
        assert_eq!(world.run(BOB, read).await, Ok(Outcome::Done));
        assert_eq!(alert(&world, BOB, room), None);
    });
}

#[test]
fn at_the_level_of_mentions_what_calls_somebody_is_told_and_counted() {
    block_on(async {
        let (mut world, room) = people("called").await;
        level(&mut world, BOB, room, Some(Level::Mentions)).await;
        world.say(ADA, room, "hello all").await;
        let shown = world.browsers[BOB].room(room).unwrap();
        assert_eq!((shown.unread, shown.calls(), shown.alert), (1, None, None));
        world.say(ADA, room, "@bob, the beans").await;
        world.say(ADA, room, "and peas").await;
        let shown = world.browsers[BOB].room(room).unwrap();
        assert_eq!((shown.unread, shown.calls()), (3, Some(1)));
        assert_eq!(shown.alert.unwrap().text, "@bob, the beans");
        // Whom it does not call it does not count for.
        assert_eq!(world.browsers[2].room(room).unwrap().calls(), None);
        let read = Command::MarkRead { chat: room.into() };
        assert_eq!(world.run(BOB, read).await, Ok(Outcome::Done));
        let shown = world.browsers[BOB].room(room).unwrap();
        assert_eq!((shown.calls(), shown.alert), (None, None));
        // Unread again from the one that called.
        let read = shown.read - 2;
        let back = Command::SetRead {
            chat: room.into(),
            read,
        };
        assert_eq!(world.run(BOB, back).await, Ok(Outcome::Done));
        assert_eq!(world.browsers[BOB].room(room).unwrap().calls(), Some(1));
    });
}

#[test]
fn what_is_usual_holds_where_nothing_was_chosen() {
    block_on(async {
        let (mut world, room) = people("usual").await;
        let direct = world.direct(ADA, "bob").await;
        world.say(ADA, direct, "hello").await;
        let second = world.sign_in("bob").await;
        let usual = Usual {
            direct: false,
            mentions: true,
            groups: false,
            spaces: true,
        };
        assert_eq!(world.run(BOB, Command::SetUsual(usual)).await, Ok(Outcome::Done));
        level(&mut world, BOB, room, Some(Level::Everything)).await;
        for browser in [BOB, second] {
            assert_eq!(world.browsers[browser].store.usual(), Some(usual));
            assert_eq!(hush(&world, browser, direct).level, Level::Nothing);
            assert_eq!(hush(&world, browser, room).level, Level::Everything);
        }
        level(&mut world, second, room, None).await;
        assert_eq!(hush(&world, BOB, room).level, Level::Mentions);
    });
}

#[test]
fn a_room_that_is_not_there_has_no_level() {
    block_on(async {
        let (mut world, _) = people("no such room").await;
        let command = Command::Mute {
            room: RoomId::from_bytes([7; 32]),
            channel: None,
            until_ms: 1,
        };
        assert_eq!(world.run(ADA, command).await, Err(Problem::RoomClosed));
    });
}

#[test]
fn choices_live_through_a_change_of_password() {
    block_on(async {
        let (mut world, room) = people("levels password").await;
        level(&mut world, ADA, room, Some(Level::Nothing)).await;
        let old = sotto_client::testing::world::password("ada");
        let change = Command::ChangePassword {
            old,
            new: "quite another long sentence".into(),
        };
        let changed = world.run(ADA, change).await;
        assert!(matches!(changed, Ok(Outcome::PasswordChanged { .. })), "{changed:?}");
        world.reload(ADA);
        world.settle().await;
        assert_eq!(hush(&world, ADA, room).level, Level::Nothing);
        level(&mut world, ADA, room, Some(Level::Mentions)).await;
        world.go_offline(ADA);
        world.go_online(ADA);
        world.settle().await;
        assert_eq!(hush(&world, ADA, room).level, Level::Mentions);
        assert_eq!(world.browsers[ADA].notices(), []);
    });
}
