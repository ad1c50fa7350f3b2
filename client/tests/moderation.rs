//! Keeping order among people whose server is honest: what moderators do, what the others see of it, and what it does to
//! what they write.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, LazyLock};

use futures_lite::future::block_on;
use sotto_client::testing::{Snapshot, World};
use sotto_client::view::{Body, Changes, Command, Deed, DeedKind, Delivery, Measure, Note, Outcome, Problem, Standing};
use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{ChannelId, MessageId, RoomId, UserId};

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;
const CYD: usize = 2;
const DAN: usize = 3;

const MINUTE: u64 = 60_000;

static PAST: LazyLock<(Snapshot<Arc<PrivateKey>>, RoomId)> = LazyLock::new(|| {
    block_on(async {
        let mut world = World::new(RustCrypto, "moderation");
        for handle in ["ada", "bob", "cyd", "dan"] {
            world.newcomer(handle).await;
        }
        let room = world.group(ADA, "Tea", &["bob", "cyd", "dan"]).await;
        let bob = world.browsers[BOB].me().unwrap();
        let command = Command::SetRole {
            room,
            user: bob,
            role: 2,
        };
        assert_eq!(world.run(ADA, command).await, Ok(Outcome::Done));
        world.say(ADA, room, "by ada").await;
        world.say(CYD, room, "by cyd").await;
        (world.into_snapshot(), room)
    })
});

/// Ada owns, Bob moderates; all four look at their room.
async fn tea(seed: &str) -> (TestWorld, RoomId) {
    let (past, room) = &*PAST;
    let mut world = World::from_snapshot(RustCrypto, past, seed);
    world.settle().await;
    for browser in [ADA, BOB, CYD, DAN] {
        let command = Command::ShowRoom { chat: (*room).into() };
        world.run(browser, command).await.unwrap();
    }
    (world, *room)
}

fn id(world: &TestWorld, browser: usize) -> UserId {
    world.browsers[browser].me().unwrap()
}

async fn does(
    world: &mut TestWorld,
    browser: usize,
    room: RoomId,
    measure: Measure,
    reason: &str,
) -> Result<Outcome, Problem> {
    let reason = reason.to_owned();
    world.run(browser, Command::Moderate { room, measure, reason }).await
}

async fn role(world: &mut TestWorld, by: usize, room: RoomId, who: usize, role: u8) -> Result<Outcome, Problem> {
    let user = id(world, who);
    world.run(by, Command::SetRole { room, user, role }).await
}

async fn time_out(world: &mut TestWorld, by: usize, room: RoomId, who: usize, ms: u64) -> Result<Outcome, Problem> {
    let (user, until_ms) = (id(world, who), world.now_ms + ms);
    does(world, by, room, Measure::TimeOut { user, until_ms }, "enough for now").await
}

async fn slow(world: &mut TestWorld, by: usize, room: RoomId, seconds: u32) -> Result<Outcome, Problem> {
    let channel = ChannelId::MAIN;
    does(world, by, room, Measure::SlowMode { channel, seconds }, "").await
}

fn message(world: &TestWorld, browser: usize, words: &str) -> MessageId {
    let rows = world.browsers[browser].rows().into_iter();
    let mut found = rows.filter_map(|row| match row {
        Body::Text { text, message, .. } if text == words => Some(message),
        _ => None,
    });
    found.next_back().unwrap_or_else(|| panic!("{words} is not on screen"))
}

/// Texts on screen, those on their way in brackets, and what could not be shown.
fn told(world: &TestWorld, browser: usize) -> Vec<String> {
    let rows = world.browsers[browser].rows().into_iter();
    rows.filter_map(|row| match row {
        Body::Text { text, state, .. } => Some(if state == Delivery::Sent {
            text
        } else {
            format!("[{text}]")
        }),
        Body::Unreadable(why) => Some(format!("({why:?})")),
        Body::Note(Note::Deleted { by, by_order, whose }) => {
            let handle = |user| world.browsers[browser].handle(user);
            let whose = whose.map(|whose| format!(" what {} wrote", handle(whose)));
            let did = if by_order { "took away" } else { "deleted" };
            Some(format!("{} {did}{}", handle(by), whose.unwrap_or_default()))
        }
        Body::Note(_) | Body::Poll { .. } => None,
    })
    .collect()
}

async fn changes(world: &mut TestWorld, browser: usize, room: RoomId, kind: Option<DeedKind>) -> Changes {
    let command = Command::ShowChanges {
        room,
        kind,
        person: None,
        skip: 0,
        most: 200,
    };
    match world.run(browser, command).await {
        Ok(Outcome::Changes(changes)) => changes,
        other => panic!("no changes: {other:?}"),
    }
}

#[test]
fn somebody_is_banned_with_a_reason_and_comes_back_when_it_is_lifted() {
    block_on(async {
        let (mut world, room) = tea("ban").await;
        let cyd = id(&world, CYD);
        let done = does(&mut world, BOB, room, Measure::Ban { user: cyd }, "sells things").await;
        assert_eq!(done, Ok(Outcome::Done));
        assert_eq!(world.browsers[ADA].members(room), ["ada", "bob", "dan"]);
        assert_eq!(world.browsers[CYD].room(room).unwrap().standing, Standing::Removed);
        assert_eq!(world.browsers[DAN].order(room).unwrap().banned, [cyd]);
        world.say(ADA, room, "just us").await;
        assert!(!told(&world, CYD).contains(&"just us".to_owned()));
        // Nobody brings them in again meanwhile.
        let handles = vec!["cyd".to_owned()];
        let add = Command::AddPeople { room, handles };
        assert_eq!(world.run(ADA, add.clone()).await, Err(Problem::Banned("cyd".into())));
        // Whoever is banned knows that it is more than being taken out.
        assert_eq!(world.browsers[CYD].order(room).unwrap().banned, [cyd]);
        let again = does(&mut world, ADA, room, Measure::Ban { user: cyd }, "").await;
        assert_eq!(again, Err(Problem::NotThere("cyd".into())));
        let unban = Measure::Unban { user: cyd };
        assert_eq!(
            does(&mut world, DAN, room, unban.clone(), "").await,
            Err(Problem::NotAllowed)
        );
        assert_eq!(
            does(&mut world, ADA, room, unban.clone(), "said sorry").await,
            Ok(Outcome::Done)
        );
        assert_eq!(does(&mut world, BOB, room, unban, "").await, Err(Problem::AlreadyDone));
        assert!(world.browsers[BOB].order(room).unwrap().banned.is_empty());
        assert_eq!(world.run(ADA, add).await, Ok(Outcome::Done));
        assert_eq!(world.browsers[ADA].members(room).len(), 4);
        // Everybody reads why, also whoever was away for it.
        for browser in [ADA, DAN, CYD] {
            let order = changes(&mut world, browser, room, Some(DeedKind::Order)).await;
            let said: Vec<_> = (order.lines.iter())
                .map(|line| (line.what.clone(), line.by, line.reason.clone().map(|(_, words)| words)))
                .collect();
            let (ada, bob) = (id(&world, ADA), id(&world, BOB));
            assert_eq!(
                said,
                [
                    (Deed::Unbanned { who: cyd }, ada, Some("said sorry".into())),
                    (Deed::Banned { who: cyd }, bob, Some("sells things".into())),
                ],
                "{browser}"
            );
        }
    });
}

#[test]
fn what_one_may_not_is_refused_and_changes_nothing() {
    block_on(async {
        let (mut world, room) = tea("may not").await;
        let [ada, bob, _, dan] = [ADA, BOB, CYD, DAN].map(|browser| id(&world, browser));
        let before = world.relay().rooms[&room].state.seq;
        let until_ms = world.now_ms + MINUTE;
        for user in [ada, bob, dan] {
            for measure in [
                Measure::Remove { user },
                Measure::Ban { user },
                Measure::TimeOut { user, until_ms },
            ] {
                assert_eq!(does(&mut world, CYD, room, measure, "").await, Err(Problem::NotAllowed));
            }
        }
        for (by, user) in [(BOB, ada), (BOB, bob), (ADA, ada)] {
            let measure = Measure::TimeOut { user, until_ms };
            assert_eq!(does(&mut world, by, room, measure, "").await, Err(Problem::NotAllowed));
        }
        assert_eq!(slow(&mut world, CYD, room, 30).await, Err(Problem::NotAllowed));
        assert_eq!(slow(&mut world, ADA, room, 4).await, Err(Problem::NotAllowed));
        assert_eq!(role(&mut world, BOB, room, CYD, 2).await, Err(Problem::NotAllowed));
        assert_eq!(role(&mut world, ADA, room, CYD, 99).await, Err(Problem::NotAllowed));
        let message = message(&world, CYD, "by ada");
        let channel = ChannelId::MAIN;
        let by = id(&world, ADA);
        let taken = does(&mut world, CYD, room, Measure::TakeAway { channel, message, by }, "").await;
        assert_eq!(taken, Err(Problem::NotAllowed));
        let long = "x".repeat(601);
        let said = does(&mut world, BOB, room, Measure::Remove { user: dan }, &long).await;
        assert_eq!(said, Err(Problem::TooLong { max: 600 }));
        let duo = world.direct(ADA, "bob").await;
        let measure = Measure::TimeOut { user: bob, until_ms };
        assert_eq!(does(&mut world, ADA, duo, measure, "").await, Err(Problem::NotAllowed));
        assert_eq!(world.relay().rooms[&room].state.seq, before);
    });
}

#[test]
fn whoever_leaves_quickly_is_banned_all_the_same() {
    block_on(async {
        let (mut world, room) = tea("left").await;
        let cyd = id(&world, CYD);
        assert_eq!(world.run(CYD, Command::LeaveRoom { room }).await, Ok(Outcome::Done));
        world.settle().await;
        let ban = Measure::Ban { user: cyd };
        let refused = does(&mut world, DAN, room, ban.clone(), "").await;
        assert_eq!(refused, Err(Problem::NotAllowed));
        assert_eq!(
            does(&mut world, BOB, room, ban, "came to sell").await,
            Ok(Outcome::Done)
        );
        for browser in [ADA, BOB, DAN] {
            assert_eq!(world.browsers[browser].order(room).unwrap().banned, [cyd]);
        }
        let handles = vec!["cyd".to_owned()];
        let add = Command::AddPeople { room, handles };
        assert_eq!(world.run(ADA, add).await, Err(Problem::Banned("cyd".into())));
    });
}

#[test]
fn ownership_is_handed_over_and_the_last_owner_stays() {
    block_on(async {
        let (mut world, room) = tea("owners").await;
        assert_eq!(role(&mut world, ADA, room, ADA, 1).await, Err(Problem::LastOwner));
        let leave = Command::LeaveRoom { room };
        assert_eq!(world.run(ADA, leave.clone()).await, Err(Problem::LastOwner));
        assert_eq!(role(&mut world, ADA, room, BOB, 3).await, Ok(Outcome::Done));
        assert_eq!(
            role(&mut world, ADA, room, BOB, 1).await,
            Err(Problem::NotAllowed),
            "not an equal"
        );
        assert_eq!(role(&mut world, ADA, room, ADA, 2).await, Ok(Outcome::Done));
        assert_eq!(role(&mut world, ADA, room, CYD, 2).await, Err(Problem::NotAllowed));
        assert_eq!(role(&mut world, BOB, room, CYD, 2).await, Ok(Outcome::Done));
        assert_eq!(role(&mut world, BOB, room, CYD, 2).await, Err(Problem::AlreadyDone));
        assert_eq!(world.run(ADA, leave).await, Ok(Outcome::Done));
        assert_eq!(world.browsers[DAN].members(room), ["bob", "cyd", "dan"]);
    });
}

#[test]
fn a_time_out_holds_what_somebody_writes_until_it_is_over() {
    block_on(async {
        let (mut world, room) = tea("time-out").await;
        assert_eq!(
            time_out(&mut world, BOB, room, CYD, 10 * MINUTE).await,
            Ok(Outcome::Done)
        );
        let held = world.browsers[CYD].order(room).unwrap().time_outs;
        assert_eq!(held.len(), 1);
        assert_eq!(
            (held[0].user, held[0].by, held[0].reason.as_str()),
            (id(&world, CYD), id(&world, BOB), "enough for now")
        );
        let text = "not now".to_owned();
        let answer = world.run(CYD, Command::say(room, text)).await;
        let until_ms = held[0].until_ms;
        assert_eq!(answer, Err(Problem::TimedOut { until_ms }));
        world.say(DAN, room, "others write on").await;
        world.advance(10 * MINUTE);
        world.settle().await;
        world.say(CYD, room, "back").await;
        for browser in [ADA, BOB, CYD, DAN] {
            assert_eq!(told(&world, browser), ["by ada", "by cyd", "others write on", "back"]);
        }
        // Somebody who reads it all later sees the same.
        let late = world.sign_in("dan").await;
        assert_eq!(
            world.texts(late, room).await,
            ["by ada", "by cyd", "others write on", "back"]
        );
    });
}

#[test]
fn what_waited_when_a_time_out_came_goes_out_when_it_is_over() {
    block_on(async {
        let (mut world, room) = tea("waited").await;
        world.go_offline(CYD);
        world.write(CYD, room, "typed before");
        world.settle().await;
        time_out(&mut world, BOB, room, CYD, 10 * MINUTE).await.unwrap();
        world.say(DAN, room, "meanwhile").await;
        world.go_online(CYD);
        world.settle().await;
        assert_eq!(told(&world, CYD).last().unwrap(), "[typed before]");
        assert!(!told(&world, ADA).contains(&"typed before".to_owned()));
        world.advance(10 * MINUTE);
        world.settle().await;
        for browser in [ADA, CYD, DAN] {
            assert_eq!(told(&world, browser).last().unwrap(), "typed before", "{browser}");
        }
    });
}

#[test]
fn a_lifted_time_out_is_over_at_once() {
    block_on(async {
        let (mut world, room) = tea("lifted").await;
        time_out(&mut world, BOB, room, CYD, 10 * MINUTE).await.unwrap();
        let user = id(&world, CYD);
        let lift = Measure::TimeOut { user, until_ms: 0 };
        assert_eq!(does(&mut world, ADA, room, lift.clone(), "").await, Ok(Outcome::Done));
        assert_eq!(does(&mut world, BOB, room, lift, "").await, Err(Problem::AlreadyDone));
        assert!(world.browsers[CYD].order(room).unwrap().time_outs.is_empty());
        world.say(CYD, room, "thank you").await;
        assert_eq!(told(&world, DAN).last().unwrap(), "thank you");
    });
}

#[test]
fn in_slow_mode_texts_go_out_one_by_one_and_reactions_at_once() {
    block_on(async {
        let (mut world, room) = tea("slow").await;
        assert_eq!(slow(&mut world, BOB, room, 60).await, Ok(Outcome::Done));
        let before = world.browsers[CYD].whole_rows().len();
        assert_eq!(slow(&mut world, BOB, room, 60).await, Ok(Outcome::Done), "unchanged");
        assert_eq!(world.browsers[CYD].whole_rows().len(), before);
        // What was said before it counts: it is the same person.
        world.advance(2 * MINUTE);
        world.settle().await;
        for text in ["one", "two", "three"] {
            world.write(CYD, room, text);
        }
        world.settle().await;
        let of_cyd = world.browsers[CYD].order(room).unwrap().slow;
        assert_eq!((of_cyd[0].seconds, of_cyd[0].holds), (60, true));
        assert_eq!(of_cyd[0].next_ms, world.now_ms + MINUTE);
        assert!(!world.browsers[BOB].order(room).unwrap().slow[0].holds);
        assert_eq!(told(&world, CYD), ["by ada", "by cyd", "one", "[two]", "[three]"]);
        let (message, emoji) = (message(&world, CYD, "by ada"), "👍".to_owned());
        let chat = room.into();
        let react = Command::React {
            chat,
            message,
            emoji,
            on: true,
        };
        assert_eq!(world.run(CYD, react).await, Ok(Outcome::Done));
        let seen = world.browsers[ADA].rows().into_iter().any(|row| match row {
            Body::Text { reactions, .. } => !reactions.is_empty(),
            _ => false,
        });
        assert!(seen, "a reaction does not wait behind texts");
        for text in ["by ada", "of bob", "of bob", "of bob"].into_iter().skip(1) {
            world.say(BOB, room, text).await;
        }
        world.advance(MINUTE);
        world.settle().await;
        assert_eq!(told(&world, ADA).last().unwrap(), "two");
        world.advance(MINUTE);
        world.settle().await;
        for browser in [ADA, CYD, DAN] {
            assert_eq!(told(&world, browser).last().unwrap(), "three", "{browser}");
            assert!(
                !told(&world, browser).iter().any(|line| line.starts_with('(')),
                "{browser}"
            );
        }
        // Off again, everything goes.
        slow(&mut world, ADA, room, 0).await.unwrap();
        world.say(CYD, room, "four").await;
        world.say(CYD, room, "five").await;
        assert_eq!(told(&world, DAN).last().unwrap(), "five");
    });
}

#[test]
fn a_message_is_taken_away_with_a_reason() {
    block_on(async {
        let (mut world, room) = tea("taken").await;
        let channel = ChannelId::MAIN;
        let message = message(&world, BOB, "by cyd");
        let by = id(&world, CYD);
        // A number alone may stand for somebody else's words.
        let other = Measure::TakeAway {
            channel,
            message,
            by: id(&world, ADA),
        };
        assert_eq!(
            does(&mut world, BOB, room, other, "").await,
            Err(Problem::NoSuchMessage)
        );
        let away = Measure::TakeAway { channel, message, by };
        assert_eq!(
            does(&mut world, BOB, room, away.clone(), "off topic").await,
            Ok(Outcome::Done)
        );
        for browser in [ADA, CYD, DAN] {
            assert_eq!(told(&world, browser), ["by ada", "bob took away what cyd wrote"]);
        }
        assert_eq!(does(&mut world, ADA, room, away, "").await, Err(Problem::NoSuchMessage));
        let log = changes(&mut world, CYD, room, Some(DeedKind::Messages)).await;
        assert_eq!(log.lines.len(), 1);
        assert_eq!(
            log.lines[0].what,
            Deed::TookAway {
                whose: Some(id(&world, CYD))
            }
        );
        assert_eq!(log.lines[0].reason.as_ref().unwrap().1, "off topic");
    });
}

#[test]
fn two_moderators_at_once_do_it_once() {
    block_on(async {
        let (mut world, room) = tea("race").await;
        let user = id(&world, CYD);
        let ask = |reason: &str| Command::Moderate {
            room,
            measure: Measure::Remove { user },
            reason: reason.to_owned(),
        };
        let (first, second) = (
            world.browsers[ADA].command(ask("by ada")),
            world.browsers[BOB].command(ask("by bob")),
        );
        world.settle().await;
        let answers = [
            world.browsers[ADA].answers[&first].clone(),
            world.browsers[BOB].answers[&second].clone(),
        ];
        let done = answers.iter().filter(|answer| **answer == Ok(Outcome::Done)).count();
        assert_eq!(done, 1, "{answers:?}");
        assert!(answers.contains(&Err(Problem::NotThere("cyd".into()))), "{answers:?}");
        let log = changes(&mut world, DAN, room, Some(DeedKind::Order)).await;
        assert_eq!(log.lines.len(), 1, "and one reason");
    });
}

#[test]
fn the_log_of_changes_has_every_entry_and_says_the_same_to_everybody() {
    block_on(async {
        let (mut world, room) = tea("changes").await;
        slow(&mut world, BOB, room, 30).await.unwrap();
        let name = "Coffee".to_owned();
        world.run(ADA, Command::RenameRoom { room, name }).await.unwrap();
        let (user, seconds) = (id(&world, DAN), 3_600);
        world.run(ADA, Command::SetTtl { room, seconds }).await.unwrap();
        does(&mut world, BOB, room, Measure::Remove { user }, "").await.unwrap();
        let [of_ada, of_cyd] = [
            changes(&mut world, ADA, room, None).await,
            changes(&mut world, CYD, room, None).await,
        ];
        assert_eq!(of_ada, of_cyd);
        let seqs: Vec<u64> = of_ada.lines.iter().map(|line| line.seq).collect();
        let newest = world.relay().rooms[&room].state.seq;
        assert_eq!(seqs, (0..=newest).rev().collect::<Vec<_>>(), "none is left out");
        for line in &of_ada.lines {
            let hash = world.relay().rooms[&room].state.hashes[line.seq as usize];
            assert_eq!(line.hash, hash.to_string());
        }
        assert!(
            of_ada
                .lines
                .iter()
                .any(|line| line.what == Deed::Named { name: "Coffee".into() })
        );
        assert_eq!(of_ada.lines.last().unwrap().what, Deed::Made);
        assert_eq!(of_ada.people.len(), 4);
        // One person, one kind, a page of it.
        let ask = Command::ShowChanges {
            room,
            kind: None,
            person: Some(user),
            skip: 1,
            most: 1,
        };
        let Ok(Outcome::Changes(page)) = world.run(CYD, ask).await else {
            panic!("no page");
        };
        assert_eq!((page.total, page.lines.len()), (2, 1), "added, and removed");
        assert!(matches!(page.lines[0].what, Deed::Added { who, .. } if who == user));
    });
}
