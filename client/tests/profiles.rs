//! What people are called: told where one writes, the same in every browser, and by nobody for another.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_lite::future::block_on;
use sotto_client::engine::{Failure, Reply, Request};
use sotto_client::testing::{ModelRelay, Peer, Tamper, World};
use sotto_client::view::{Command, Outcome, Problem};
use sotto_shared::crypto::hash::hash;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{RoomId, UserId};

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;

async fn stage(seed: &str) -> (TestWorld, RoomId) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob"] {
        world.newcomer(handle).await;
    }
    let room = world.group(ADA, "Tea", &["bob"]).await;
    for browser in [ADA, BOB] {
        world.run(browser, Command::Looking { visible: true }).await.unwrap();
        world.read(browser, room).await;
    }
    (world, room)
}

async fn calls(world: &mut TestWorld, browser: usize, name: &str, status: &str) -> Result<Outcome, Problem> {
    let (name, status) = (name.to_owned(), status.to_owned());
    let answer = world.run(browser, Command::SetProfile { name, status }).await;
    world.settle().await;
    answer
}

fn id(world: &mut TestWorld, handle: &str) -> UserId {
    *world.relay().people.find(handle).unwrap().0
}

fn called(world: &TestWorld, browser: usize, user: UserId) -> (String, String) {
    let person = world.browsers[browser].person(user).unwrap();
    (person.name, person.status)
}

fn named(name: &str, status: &str) -> (String, String) {
    (name.to_owned(), status.to_owned())
}

#[test]
fn a_name_reaches_the_room_on_screen_and_others_when_they_are_opened() {
    for seed in 0..4 {
        block_on(async {
            let (mut world, room) = stage(&format!("name {seed}")).await;
            let ada = id(&mut world, "ada");
            let cyd = world.newcomer("cyd").await;
            let den = world.group(ADA, "Den", &["cyd"]).await;
            world.read(ADA, room).await;
            assert_eq!(
                calls(&mut world, ADA, "  Ada\u{202e}\n Lovelace ", "at\tsea").await,
                Ok(Outcome::Done)
            );
            assert_eq!(called(&world, ADA, ada), named("Ada Lovelace", "at sea"));
            assert_eq!(called(&world, BOB, ada), named("Ada Lovelace", "at sea"));
            world.run(cyd, Command::Looking { visible: true }).await.unwrap();
            world.read(cyd, den).await;
            assert_eq!(called(&world, cyd, ada), named("", ""), "she has not been there since");
            world.read(ADA, den).await;
            world.settle().await;
            assert_eq!(called(&world, cyd, ada), named("Ada Lovelace", "at sea"));
            // From now on both hear of it wherever she is.
            world.advance(60_000);
            assert_eq!(calls(&mut world, ADA, "Ada", "").await, Ok(Outcome::Done));
            for browser in [BOB, cyd] {
                assert_eq!(called(&world, browser, ada), named("Ada", ""));
                world.reload(browser);
                world.settle().await;
                assert_eq!(called(&world, browser, ada), named("Ada", ""), "kept");
            }
            // In a browser of hers that was never here, and for somebody who comes to know the room later.
            let elsewhere = world.sign_in("ada").await;
            assert_eq!(called(&world, elsewhere, ada), named("Ada", ""));
            let bobs = world.sign_in("bob").await;
            world.run(bobs, Command::Looking { visible: true }).await.unwrap();
            world.read(bobs, room).await;
            world.settle().await;
            assert_eq!(called(&world, bobs, ada), named("Ada", ""));
        });
    }
}

#[test]
fn what_is_too_long_is_refused_and_nothing_of_it_is_told() {
    block_on(async {
        let (mut world, _) = stage("long").await;
        let ada = id(&mut world, "ada");
        let long = calls(&mut world, ADA, &"n".repeat(65), "").await;
        assert_eq!(long, Err(Problem::TooLong { max: 64 }));
        let long = calls(&mut world, ADA, "", &"s".repeat(129)).await;
        assert_eq!(long, Err(Problem::TooLong { max: 128 }));
        assert_eq!(
            calls(&mut world, ADA, &"n".repeat(64), &"s".repeat(128)).await,
            Ok(Outcome::Done)
        );
        assert_eq!(called(&world, BOB, ada), (("n".repeat(64)), "s".repeat(128)));
    });
}

#[test]
fn a_direct_message_is_called_as_the_other_is_and_a_request_hears_no_name() {
    block_on(async {
        let (mut world, _) = stage("direct").await;
        let (ada, bob) = (id(&mut world, "ada"), id(&mut world, "bob"));
        let direct = world.direct(ADA, "bob").await;
        world.say(ADA, direct, "hello").await;
        world.read(BOB, direct).await;
        assert_eq!(calls(&mut world, BOB, "Bob", "").await, Ok(Outcome::Done));
        world.advance(60_000);
        world.settle().await;
        assert_eq!(called(&world, ADA, bob), named("", ""), "he has not decided yet");
        world.say(BOB, direct, "hello").await;
        world.advance(60_000);
        world.settle().await;
        assert_eq!(called(&world, ADA, bob), named("Bob", ""));
        assert_eq!(world.browsers[ADA].room(direct).unwrap().title, "Bob");
        assert_eq!(world.browsers[BOB].room(direct).unwrap().title, "ada");
        assert_eq!(called(&world, BOB, ada), named("", ""));
    });
}

/// Slots are exchanged, bent and served under each other's place.
struct Bent(bool);

impl Tamper for Bent {
    fn reply(
        &mut self,
        _: &mut ModelRelay,
        _: Peer,
        _: &Request,
        mut reply: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        if let Ok(Reply::SlotsGet(body)) = &mut reply
            && self.0
        {
            for value in &mut body.slots {
                if let Some(byte) = value.envelope.0.last_mut() {
                    *byte ^= 1;
                }
            }
        }
        reply
    }
}

#[test]
fn a_name_that_was_bent_is_nobodys() {
    block_on(async {
        let (mut world, room) = stage("bent").await;
        let ada = id(&mut world, "ada");
        calls(&mut world, ADA, "Ada", "").await.unwrap();
        let cyd = world.newcomer("cyd").await;
        let add = Command::AddPeople {
            room,
            handles: vec!["cyd".into()],
        };
        assert_eq!(world.run(ADA, add).await, Ok(Outcome::Done));
        world.tamper = Box::new(Bent(true));
        world.run(cyd, Command::Looking { visible: true }).await.unwrap();
        world.read(cyd, room).await;
        world.settle().await;
        assert_eq!(called(&world, cyd, ada), named("", ""));
        world.tamper = Box::new(Bent(false));
        world.reload(cyd);
        world.run(cyd, Command::Looking { visible: true }).await.unwrap();
        world.read(cyd, room).await;
        world.settle().await;
        assert_eq!(called(&world, cyd, ada), named("Ada", ""));
    });
}

#[test]
fn a_mark_follows_from_the_identity_key_and_is_the_same_for_everybody() {
    block_on(async {
        let (mut world, _) = stage("mark").await;
        let other = world.sign_in("ada").await;
        let (ada, bob) = (id(&mut world, "ada"), id(&mut world, "bob"));
        // What somebody is called changes nothing of it.
        assert_eq!(calls(&mut world, ADA, "bob", "at sea").await, Ok(Outcome::Done));
        for user in [ada, bob] {
            let key = *world.relay().people.0[&user].log.view().ik.as_bytes();
            let expected = hash(Label::Mark, &[&key]);
            for browser in [ADA, BOB, other] {
                let shown = world.browsers[browser].person(user).unwrap().mark;
                assert_eq!(shown, expected[..5], "browser {browser}");
            }
        }
        let marks = [ada, bob].map(|user| world.browsers[BOB].person(user).unwrap().mark);
        assert_ne!(marks[0], marks[1]);
    });
}
