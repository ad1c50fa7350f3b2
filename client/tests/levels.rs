//! How much of a conversation its reader is told: chosen in one browser, the same in all of them.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_lite::future::block_on;
use sotto_client::testing::World;
use sotto_client::view::{
    ChannelKind, Chat, Command, Hush, Level, NewChannel, NewHeading, Outcome, Problem, RoomHush, Usual,
};
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{ChannelId, RoomId};

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

// --- A space and its channels --------------------------------------------------------------------------------------------------

/// Ada's space with Bob and two public channels, General and Garden.
async fn club(seed: &str) -> (TestWorld, [Chat; 2]) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob"] {
        world.newcomer(handle).await;
    }
    let channel = |name: &str| NewChannel {
        name: name.into(),
        topic: String::new(),
        kind: ChannelKind::Public,
    };
    let command = Command::CreateSpace {
        name: "Club".into(),
        roles: Vec::new(),
        headings: vec![NewHeading {
            name: String::new(),
            channels: vec![channel("General"), channel("Garden")],
        }],
    };
    let Ok(Outcome::Space(room)) = world.run(ADA, command).await else {
        panic!("no space");
    };
    let handles = vec!["bob".into()];
    let added = world.run(ADA, Command::AddPeople { room, handles }).await;
    assert_eq!(added, Ok(Outcome::Done));
    world.settle().await;
    let headings = world.browsers[BOB].space(room).unwrap().headings;
    let channels: Vec<ChannelId> = headings.into_iter().flat_map(|heading| heading.channels).collect();
    let chats = ["General", "Garden"].map(|name| {
        let mut all = channels.iter().map(|channel| Chat {
            room,
            channel: *channel,
        });
        all.find(|chat| world.browsers[BOB].chat(*chat).unwrap().title == name)
            .unwrap()
    });
    (world, chats)
}

fn in_channel(world: &TestWorld, browser: usize, chat: Chat) -> Hush {
    world.browsers[browser].chat(chat).unwrap().hush
}

fn levels_in(world: &TestWorld, browser: usize, chats: [Chat; 2]) -> [Level; 2] {
    chats.map(|chat| in_channel(world, browser, chat).level)
}

fn mutes_in(world: &TestWorld, browser: usize, chats: [Chat; 2]) -> [bool; 2] {
    chats.map(|chat| in_channel(world, browser, chat).muted)
}

async fn channel_level(world: &mut TestWorld, browser: usize, chat: Chat, level: Option<Level>) {
    let command = Command::SetLevel {
        room: chat.room,
        channel: Some(chat.channel),
        level,
    };
    assert_eq!(world.run(browser, command).await, Ok(Outcome::Done));
}

async fn channel_mute(world: &mut TestWorld, browser: usize, chat: Chat, until_ms: u64) {
    let command = Command::Mute {
        room: chat.room,
        channel: Some(chat.channel),
        until_ms,
    };
    assert_eq!(world.run(browser, command).await, Ok(Outcome::Done));
}

#[test]
fn a_channel_s_own_level_goes_before_that_of_its_space_and_that_before_what_is_usual() {
    use Level::{Everything, Mentions, Nothing};
    block_on(async {
        let (mut world, chats) = club("channel levels").await;
        let [general, _] = chats;
        let usual = Usual {
            direct: true,
            mentions: true,
            groups: true,
            spaces: true,
        };
        assert_eq!(world.run(BOB, Command::SetUsual(usual)).await, Ok(Outcome::Done));
        assert_eq!(levels_in(&world, BOB, chats), [Everything, Everything], "what is usual");
        channel_level(&mut world, BOB, general, Some(Mentions)).await;
        assert_eq!(levels_in(&world, BOB, chats), [Mentions, Everything], "of one channel");
        level(&mut world, BOB, general.room, Some(Nothing)).await;
        assert_eq!(levels_in(&world, BOB, chats), [Mentions, Nothing], "its own stands");
        let chosen = chats.map(|chat| in_channel(&world, BOB, chat).chosen);
        assert_eq!(chosen, [Some(Mentions), None]);
        channel_level(&mut world, BOB, general, Some(Everything)).await;
        // What is told goes by it.
        for chat in chats {
            let said = Command::say(chat, "the beans are in");
            assert_eq!(world.run(ADA, said).await, Ok(Outcome::Done));
        }
        let told = chats.map(|chat| world.browsers[BOB].chat(chat).unwrap().alert.is_some());
        assert_eq!(told, [true, false]);
        // The other way round: a loud space, and one channel of it that is not.
        channel_level(&mut world, BOB, general, Some(Nothing)).await;
        level(&mut world, BOB, general.room, Some(Everything)).await;
        assert_eq!(levels_in(&world, BOB, chats), [Nothing, Everything]);
        // Taken back, each is as what is around it.
        level(&mut world, BOB, general.room, Some(Mentions)).await;
        channel_level(&mut world, BOB, general, None).await;
        assert_eq!(levels_in(&world, BOB, chats), [Mentions, Mentions]);
        level(&mut world, BOB, general.room, None).await;
        assert_eq!(levels_in(&world, BOB, chats), [Everything, Everything]);
        // Nobody else has any of it.
        assert_eq!(levels_in(&world, ADA, chats), [Mentions, Mentions]);
    });
}

#[test]
fn a_channel_is_quiet_by_itself_or_with_its_space_whichever_lasts_longer() {
    block_on(async {
        let (mut world, chats) = club("channel mutes").await;
        let [general, garden] = chats;
        let begun = world.now_ms;
        channel_mute(&mut world, BOB, general, begun + 2 * HOUR_MS).await;
        assert_eq!(mutes_in(&world, BOB, chats), [true, false], "this one alone");
        mute(&mut world, BOB, general.room, begun + HOUR_MS).await;
        assert_eq!(mutes_in(&world, BOB, chats), [true, true]);
        let until = chats.map(|chat| in_channel(&world, BOB, chat).muted_until);
        assert_eq!(until, [begun + 2 * HOUR_MS, 0], "by itself");
        let said = Command::say(garden, "the beans are in");
        assert_eq!(world.run(ADA, said).await, Ok(Outcome::Done));
        let shown = world.browsers[BOB].chat(garden).unwrap();
        assert!(shown.unread == 1 && shown.alert.is_none());
        // A channel that is switched on stays quiet with its space.
        channel_mute(&mut world, BOB, garden, 0).await;
        assert_eq!(mutes_in(&world, BOB, chats), [true, true]);
        world.advance(HOUR_MS + 1);
        world.settle().await;
        assert_eq!(mutes_in(&world, BOB, chats), [true, false], "the space is loud again");
        world.advance(HOUR_MS);
        world.settle().await;
        assert_eq!(mutes_in(&world, BOB, chats), [false, false]);
        assert_eq!(mutes_in(&world, ADA, chats), [false, false]);
    });
}

#[test]
fn what_was_chosen_for_a_channel_survives_a_reload_and_reaches_the_other_browsers() {
    use Level::{Everything, Mentions, Nothing};
    block_on(async {
        let (mut world, chats) = club("channel levels kept").await;
        let [general, garden] = chats;
        let second = world.sign_in("bob").await;
        level(&mut world, BOB, general.room, Some(Everything)).await;
        mute(&mut world, BOB, general.room, 7).await;
        channel_mute(&mut world, second, garden, u64::MAX).await;
        world.go_offline(BOB);
        channel_level(&mut world, BOB, general, Some(Nothing)).await;
        world.reload(BOB);
        world.settle().await;
        assert_eq!(
            levels_in(&world, BOB, chats),
            [Nothing, Everything],
            "without a network"
        );
        assert_eq!(mutes_in(&world, BOB, chats), [false, true]);
        assert_eq!(
            levels_in(&world, second, chats),
            [Everything, Everything],
            "nothing was sent yet"
        );
        world.go_online(BOB);
        world.settle().await;
        let third = world.sign_in("bob").await;
        for browser in [BOB, second, third] {
            assert_eq!(levels_in(&world, browser, chats), [Nothing, Everything], "{browser}");
            assert_eq!(mutes_in(&world, browser, chats), [false, true], "{browser}");
            let of_space = RoomHush {
                room: general.room,
                chosen: Some(Everything),
                muted_until: 7,
            };
            assert_eq!(world.browsers[browser].store.room_hush(general.room), Some(of_space));
        }
        assert_eq!(levels_in(&world, ADA, chats), [Mentions, Mentions]);
    });
}
