//! Members whose account is there no more: said to be so, not counted, and what they said stays.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_lite::future::block_on;
use sotto_client::engine::{Failure, Reply, Request};
use sotto_client::testing::{ModelRelay, Peer, Tamper, World};
use sotto_client::view::{Command, Outcome, Person, Standing};
use sotto_shared::api::frame::FromRelay;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{RoomId, UserId};
use sotto_shared::testing::people::NOW;

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;

/// Ada and Bob in a group, and Zoe, who came as a guest.
async fn stage(seed: &str) -> (TestWorld, RoomId, usize) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob"] {
        world.newcomer(handle).await;
    }
    let room = world.group(ADA, "Tea", &["bob"]).await;
    let command = Command::CreateInvite {
        room,
        role: 1,
        max_uses: 1,
        expires_ms: NOW + 60_000,
        approval: false,
    };
    let Ok(Outcome::InviteLink(link)) = world.run(ADA, command).await else {
        panic!("no invite")
    };
    let zoe = world.browser("a guest's browser");
    let name = "Zoe".to_owned();
    for command in [
        Command::ComeIn { name },
        Command::OpenLink { link },
        Command::Join { room },
    ] {
        world.run(zoe, command).await.unwrap();
    }
    world.say(zoe, room, "hello").await;
    for browser in [ADA, BOB] {
        world.read(browser, room).await;
    }
    (world, room, zoe)
}

fn seen(world: &TestWorld, browser: usize, user: UserId) -> Person {
    world.browsers[browser].person(user).unwrap()
}

fn counted(world: &TestWorld, browser: usize, room: RoomId) -> u32 {
    world.browsers[browser].room(room).unwrap().members
}

#[test]
fn a_guest_who_expired_is_said_to_be_gone_and_not_counted() {
    block_on(async {
        let (mut world, room, zoe) = stage("expired").await;
        let id = world.browsers[zoe].me().unwrap();
        for browser in [ADA, BOB] {
            assert_eq!(
                (seen(&world, browser, id).closed, counted(&world, browser, room)),
                (false, 3)
            );
        }
        world.close(zoe);
        world.relay().give_up(&id);
        world.reload(ADA);
        world.drop_socket(BOB);
        world.settle().await;
        world.advance(60_000);
        world.settle().await;
        for browser in [ADA, BOB] {
            let person = seen(&world, browser, id);
            assert_eq!((person.closed, person.guest), (true, true), "browser {browser}");
            assert_eq!(counted(&world, browser, room), 2);
            assert_eq!(
                world.browsers[browser].members(room).len(),
                3,
                "on the list until somebody takes them out"
            );
        }
        assert_eq!(world.texts(BOB, room).await, ["hello"]);
        world.say(BOB, room, "gone already?").await;
        assert_eq!(world.texts(ADA, room).await, ["hello", "gone already?"]);
        assert!(!seen(&world, ADA, world.browsers[BOB].me().unwrap()).closed);
        // Taken out like anybody.
        let removed = world.run(ADA, Command::RemovePerson { room, user: id }).await;
        assert_eq!(removed, Ok(Outcome::Done));
        world.settle().await;
        assert_eq!(
            (counted(&world, BOB, room), world.browsers[BOB].members(room).len()),
            (2, 2)
        );
    });
}

/// The end that somebody signed is known by their log, whatever a relay says of it.
#[test]
fn an_account_that_was_given_up_is_known_to_be() {
    block_on(async {
        let (mut world, room, _) = stage("given up").await;
        let direct = world.direct(ADA, "bob").await;
        world.say(ADA, direct, "to you").await;
        let bob = world.browsers[BOB].me().unwrap();
        let password = sotto_client::testing::world::password("bob");
        let gone = world.run(BOB, Command::DeleteAccount { password }).await;
        assert!(matches!(gone, Ok(Outcome::Deleted { .. })), "{gone:?}");
        world.tamper = Box::new(Says(Vec::new()));
        world.reload(ADA);
        world.settle().await;
        assert!(seen(&world, ADA, bob).closed);
        assert_eq!(counted(&world, ADA, room), 2, "he had left");
        assert_eq!(counted(&world, ADA, direct), 1);
        assert_eq!(world.browsers[ADA].room(direct).unwrap().standing, Standing::PeerGone);
    });
}

/// Says of these people, and of nobody else, that their account is closed.
struct Says(Vec<UserId>);

impl Tamper for Says {
    fn reply(
        &mut self,
        _: &mut ModelRelay,
        _: Peer,
        _: &Request,
        reply: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        reply
    }

    fn frame(&mut self, _: &mut ModelRelay, _: Peer, mut frame: FromRelay) -> Vec<FromRelay> {
        if let FromRelay::Welcome { closed, .. } = &mut frame {
            closed.clone_from(&self.0);
        }
        vec![frame]
    }
}

#[test]
fn that_somebody_is_gone_by_the_relay_s_word_alone_changes_nothing_but_what_is_shown() {
    block_on(async {
        let (mut world, room, zoe) = stage("a lie").await;
        let direct = world.direct(ADA, "bob").await;
        let bob = world.browsers[BOB].me().unwrap();
        world.tamper = Box::new(Says(vec![bob]));
        world.reload(ADA);
        world.settle().await;
        assert!(seen(&world, ADA, bob).closed);
        // What is written still goes to him, under keys that are made for him too.
        let user = world.browsers[zoe].me().unwrap();
        let removed = world.run(ADA, Command::RemovePerson { room, user }).await;
        assert_eq!(removed, Ok(Outcome::Done));
        for (from, text) in [(ADA, "still here?"), (BOB, "of course")] {
            world.say(from, room, text).await;
            world.say(from, direct, text).await;
        }
        for browser in [ADA, BOB] {
            assert_eq!(world.texts(browser, room).await, ["hello", "still here?", "of course"]);
            assert_eq!(world.texts(browser, direct).await, ["still here?", "of course"]);
        }
        // And the lie ends with the connection it was told in.
        world.tamper = Box::new(Says(Vec::new()));
        world.drop_socket(ADA);
        world.settle().await;
        world.advance(60_000);
        world.settle().await;
        assert!(!seen(&world, ADA, bob).closed);
        assert_eq!(counted(&world, ADA, room), 2);
    });
}
