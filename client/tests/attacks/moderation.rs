//! A member with a changed client does what only a moderator may, and the relay lets it through: nobody else does.
//!
//! Eve is an account without an engine, whose keys the relay has. She is a plain member of the den, which Ada owns.

use futures_lite::future::block_on;
use sotto_client::testing::ModelRelay;
use sotto_client::view::{Body, Command, Measure, Outcome, Standing, Tamper, Unreadable};
use sotto_shared::api::frame::Outgoing;
use sotto_shared::api::limits::MAX_PAGE;
use sotto_shared::codec::{Bytes, List};
use sotto_shared::envelope::content::{Content, lane_start};
use sotto_shared::id::{ChannelId, EnvelopeHash, RoomId, UserId};
use sotto_shared::log::room_log::{History, Policy, Role, RoomBody, RoomEntry, SUITE_1};
use sotto_shared::testing::people::Person;

use crate::club::{ADA, BOB, MINUTE, TestWorld};
use crate::eve;
use crate::stage::Stage;

/// What is done to somebody, at this time.
type Forged = fn(UserId, u64) -> RoomBody;

async fn den(seed: &str) -> (TestWorld, RoomId, Person) {
    let stage = Stage::new(seed).await;
    (stage.world, stage.den, stage.eve)
}

/// An entry at the end of a log, now, whatever the relay's own rules say; everybody is told.
fn force(world: &mut TestWorld, room: RoomId, who: &Person, body: RoomBody) {
    let ts = world.now_ms;
    let relay = world.relay();
    let entry = RoomEntry {
        ts,
        ..eve::entry(relay, room, who, body)
    };
    eve::force(relay, room, &eve::signed(&entry, who));
}

/// A text by somebody, now, after `edit` has had it, signed whatever it says then.
fn forge(relay: &ModelRelay, room: RoomId, who: &Person, text: &str, edit: impl FnOnce(&mut Content)) -> Outgoing {
    eve::forge(relay, room, who, text, |_, content| {
        content.ts = relay.now_ms;
        edit(content);
    })
}

/// Puts it there whatever the relay's own rules say, and tells everybody.
async fn post(world: &mut TestWorld, room: RoomId, message: &Outgoing) {
    eve::post(world.relay(), room, &message.header, &message.envelope);
    world.settle().await;
}

async fn told(world: &mut TestWorld, browser: usize, room: RoomId) -> Vec<String> {
    world.read(browser, room).await;
    let rows = world.browsers[browser].rows().into_iter();
    rows.filter_map(|row| match row {
        Body::Text { text, .. } => Some(text),
        Body::Unreadable(why) => Some(format!("({why:?})")),
        Body::Note(_) | Body::Poll { .. } => None,
    })
    .collect()
}

fn user(world: &TestWorld, browser: usize) -> UserId {
    world.browsers[browser].me().unwrap()
}

async fn measure(world: &mut TestWorld, by: usize, room: RoomId, measure: Measure) {
    let reason = String::new();
    let command = Command::Moderate { room, measure, reason };
    assert_eq!(world.run(by, command).await, Ok(Outcome::Done));
}

#[test]
fn what_only_a_moderator_may_stops_the_room_when_a_member_does_it() {
    let cases: [(&str, Forged); 13] = [
        ("remove", |user_id, _| RoomBody::Remove {
            user_id,
            ban: false,
            cut: List::default(),
        }),
        ("ban", |user_id, _| RoomBody::Remove {
            user_id,
            ban: true,
            cut: List::default(),
        }),
        ("unban", |user_id, _| RoomBody::Unban { user_id }),
        ("role", |user_id, _| RoomBody::SetRole {
            user_id,
            role: Role::Moderator,
        }),
        ("time-out", |user_id, now| RoomBody::TimeOut {
            user_id,
            until: now + MINUTE,
        }),
        ("slow mode", |_, _| RoomBody::SetSlowMode {
            channel: ChannelId::MAIN,
            seconds: 30,
        }),
        ("redact", |_, _| RoomBody::Redact {
            target: EnvelopeHash::from_bytes([7; 32]),
            edits: List::default(),
        }),
        ("name", |_, _| RoomBody::SetMeta {
            n: 1,
            sealed: Bytes::new(vec![1; 90]).unwrap(),
        }),
        ("policy", |_, _| RoomBody::SetPolicy {
            policy: Policy {
                suite: SUITE_1,
                history: History::Joined,
            },
        }),
        ("pin", |_, _| RoomBody::Pin {
            channel: ChannelId::MAIN,
            target: EnvelopeHash::from_bytes([7; 32]),
            on: true,
        }),
        ("lifetime", |_, _| RoomBody::SetTtl { seconds: 60, after: 0 }),
        ("close", |_, _| RoomBody::Close),
        ("reason", |_, _| RoomBody::Reason {
            n: 1,
            of: 1,
            sealed: Bytes::new(vec![1; 90]).unwrap(),
        }),
    ];
    for (case, body) in cases {
        block_on(async {
            let (mut world, den, eve) = den(case).await;
            let bob = user(&world, BOB);
            let body = body(bob, world.now_ms);
            force(&mut world, den, &eve, body);
            world.settle().await;
            for browser in [ADA, BOB] {
                let room = world.browsers[browser].room(den).unwrap();
                assert_eq!(room.standing, Standing::Frozen(Tamper::InvalidEntry), "{case}");
                assert_eq!(world.browsers[browser].members(den), ["ada", "bob", "eve"], "{case}");
                let order = world.browsers[browser].order(den).unwrap();
                assert!(
                    order.banned.is_empty() && order.time_outs.is_empty() && order.slow.is_empty(),
                    "{case}"
                );
                assert_eq!(told(&mut world, browser, den).await, ["first", "second"], "{case}");
            }
        });
    }
}

#[test]
fn nobody_takes_themselves_out_of_a_time_out() {
    block_on(async {
        let (mut world, den, eve) = den("lifts").await;
        let (user, until_ms) = (eve.id(), world.now_ms + 10 * MINUTE);
        measure(&mut world, ADA, den, Measure::TimeOut { user, until_ms }).await;
        let until = 0;
        force(&mut world, den, &eve, RoomBody::TimeOut { user_id: user, until });
        world.settle().await;
        for browser in [ADA, BOB] {
            let room = world.browsers[browser].room(den).unwrap();
            assert_eq!(room.standing, Standing::Frozen(Tamper::InvalidEntry));
            assert_eq!(world.browsers[browser].order(den).unwrap().time_outs.len(), 1);
        }
    });
}

#[test]
fn what_is_written_in_a_time_out_is_void_however_the_relay_helps() {
    for case in ["knows of it", "as if before it", "ahead of time"] {
        block_on(async {
            let (mut world, den, eve) = den(case).await;
            let before = {
                let state = &world.relay().rooms[&den].state;
                (state.seq, state.head)
            };
            let (user, until_ms) = (eve.id(), world.now_ms + 10 * MINUTE);
            measure(&mut world, ADA, den, Measure::TimeOut { user, until_ms }).await;
            // Somebody who knows of it has written since.
            world.say(BOB, den, "third").await;
            let message = forge(world.relay(), den, &eve, case, |content| match case {
                "as if before it" => (content.log_seq, content.log_head) = before,
                "ahead of time" => content.ts = until_ms + 1,
                _ => {}
            });
            post(&mut world, den, &message).await;
            let void = format!("({:?})", Unreadable::TimedOut);
            for browser in [ADA, BOB] {
                let shown = told(&mut world, browser, den).await;
                assert_eq!(shown, ["first", "second", "third", void.as_str()], "{case}");
            }
            // Also for a browser that reads it all later, while it lasts.
            for page in [MAX_PAGE, 1] {
                world.relay().page = page;
                let late = world.sign_in("bob").await;
                let shown = told(&mut world, late, den).await;
                assert_eq!(shown, ["first", "second", "third", void.as_str()], "{case}, by {page}");
            }
            // When it is over she is heard again; what was said in it stays void.
            world.advance(10 * MINUTE);
            world.settle().await;
            let message = forge(world.relay(), den, &eve, "afterwards", |_| {});
            post(&mut world, den, &message).await;
            let shown = told(&mut world, ADA, den).await;
            assert_eq!(
                shown,
                ["first", "second", "third", void.as_str(), "afterwards"],
                "{case}"
            );
        });
    }
}

#[test]
fn what_was_written_before_a_time_out_stays() {
    block_on(async {
        let (mut world, den, eve) = den("before").await;
        let message = forge(world.relay(), den, &eve, "in time", |_| {});
        post(&mut world, den, &message).await;
        let (user, until_ms) = (eve.id(), world.now_ms + 10 * MINUTE);
        measure(&mut world, ADA, den, Measure::TimeOut { user, until_ms }).await;
        let late = world.sign_in("bob").await;
        for browser in [ADA, BOB, late] {
            assert_eq!(told(&mut world, browser, den).await, ["first", "second", "in time"]);
        }
    });
}

#[test]
fn texts_of_one_chain_that_come_too_soon_are_void() {
    block_on(async {
        let (mut world, den, eve) = den("too soon").await;
        let (channel, seconds) = (ChannelId::MAIN, 60);
        measure(&mut world, ADA, den, Measure::SlowMode { channel, seconds }).await;
        let mut lane = [9; 8];
        let mut prev_own = lane_start(&eve.device_id(), &lane);
        for (ctr, text, wait) in [
            (1, "one", 0),
            (2, "two", 10_000),
            (3, "three", 60_000),
            (4, "four", 59_999),
        ] {
            world.advance(wait);
            world.settle().await;
            let message = forge(world.relay(), den, &eve, text, |content| {
                (content.lane, content.ctr, content.prev_own) = (lane, ctr, prev_own);
            });
            post(&mut world, den, &message).await;
            let stored = &world.relay().rooms[&den].messages;
            prev_own = sotto_shared::id::Head::from_bytes(*stored.last().unwrap().hash().as_bytes());
        }
        let soon = format!("({:?})", Unreadable::TooSoon);
        let all = ["first", "second", "one", soon.as_str(), "three", soon.as_str()];
        let late = world.sign_in("bob").await;
        for browser in [ADA, BOB, late] {
            assert_eq!(told(&mut world, browser, den).await, all);
            let preview = world.browsers[browser].room(den).unwrap().preview.unwrap();
            assert_eq!(preview.text, "three");
        }
        // A chain of its own: nothing shows that its author knew the one before.
        lane = [8; 8];
        let message = forge(world.relay(), den, &eve, "elsewhere", |content| {
            (content.lane, content.prev_own) = (lane, lane_start(&eve.device_id(), &lane));
        });
        post(&mut world, den, &message).await;
        assert_eq!(told(&mut world, ADA, den).await.last().unwrap(), "elsewhere");
    });
}
