//! Contacts: who wrote first, what stays a request, and what is not shown of whom. In every browser of an account.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_lite::future::block_on;
use sotto_client::testing::World;
use sotto_client::view::{Command, Contact, ContactAct, Outcome, Problem, Room};
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{RoomId, UserId};

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;

/// Ada has written to Bob, who has not answered.
async fn stage(seed: &str) -> (TestWorld, RoomId) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob"] {
        world.newcomer(handle).await;
    }
    let room = world.direct(ADA, "bob").await;
    world.say(ADA, room, "hello").await;
    (world, room)
}

fn id(world: &mut TestWorld, handle: &str) -> UserId {
    *world.relay().people.find(handle).unwrap().0
}

fn contact(world: &TestWorld, browser: usize, user: UserId) -> Contact {
    world.browsers[browser].person(user).unwrap().contact
}

async fn decide(world: &mut TestWorld, browser: usize, user: UserId, act: ContactAct) {
    let command = Command::SetContact { user, act };
    assert_eq!(world.run(browser, command).await, Ok(Outcome::Done));
    world.settle().await;
}

fn room(world: &TestWorld, browser: usize, id: RoomId) -> Room {
    world.browsers[browser].room(id).unwrap()
}

#[test]
fn who_writes_first_asks_and_an_answer_accepts() {
    for seed in 0..4 {
        block_on(async {
            let (mut world, chat) = stage(&format!("first {seed}")).await;
            let (ada, bob) = (id(&mut world, "ada"), id(&mut world, "bob"));
            assert_eq!(contact(&world, ADA, bob), Contact::Asked);
            assert!(!room(&world, ADA, chat).request);
            assert!(room(&world, BOB, chat).request);
            assert_eq!(room(&world, BOB, chat).unread, 0, "it calls for nothing");
            // In another browser of the account it is a request as well.
            let elsewhere = world.sign_in("bob").await;
            assert!(room(&world, elsewhere, chat).request);
            world.say(BOB, chat, "hello yourself").await;
            world.settle().await;
            assert_eq!(contact(&world, BOB, ada), Contact::Accepted);
            assert_eq!(contact(&world, ADA, bob), Contact::Accepted, "who answers has accepted");
            assert!(!room(&world, BOB, chat).request);
            let third = world.sign_in("bob").await;
            assert!(!room(&world, third, chat).request);
            assert_eq!(contact(&world, third, ada), Contact::Accepted);
        });
    }
}

#[test]
fn of_a_request_nothing_is_told_until_it_is_accepted() {
    block_on(async {
        let (mut world, chat) = stage("silent").await;
        let (ada, bob) = (id(&mut world, "ada"), id(&mut world, "bob"));
        world.run(BOB, Command::Looking { visible: true }).await.unwrap();
        assert_eq!(world.read(BOB, chat).await.len(), 1);
        world.run(BOB, Command::MarkRead { chat: chat.into() }).await.unwrap();
        for _ in 0..4 {
            world.advance(61_000);
            world.settle().await;
        }
        assert_eq!(world.browsers[ADA].read_up_to(chat, bob), 0, "no receipt");
        let slots = world.relay().rooms[&chat].slots.len();
        assert_eq!(slots, 0, "nothing at all lies there");
        decide(&mut world, BOB, ada, ContactAct::Accept).await;
        world.advance(61_000);
        world.settle().await;
        assert_eq!(world.browsers[ADA].read_up_to(chat, bob), 1);
    });
}

#[test]
fn what_was_declined_or_blocked_is_not_there_and_comes_back() {
    for act in [ContactAct::Decline, ContactAct::Block] {
        block_on(async {
            let (mut world, chat) = stage(&format!("{act:?}")).await;
            let ada = id(&mut world, "ada");
            decide(&mut world, BOB, ada, act).await;
            assert!(world.browsers[BOB].room(chat).is_none());
            world.say(ADA, chat, "are you there").await;
            world.settle().await;
            assert!(world.browsers[BOB].room(chat).is_none(), "whatever comes");
            world.reload(BOB);
            world.settle().await;
            assert!(world.browsers[BOB].room(chat).is_none(), "after a reload");
            let elsewhere = world.sign_in("bob").await;
            assert!(world.browsers[elsewhere].room(chat).is_none(), "in another browser");
            let open = Command::OpenDirect { handle: "ada".into() };
            let opened = world.run(BOB, open).await;
            if act == ContactAct::Block {
                assert_eq!(opened, Err(Problem::BlockedByYou("ada".into())));
                decide(&mut world, BOB, ada, ContactAct::Forget).await;
                assert!(room(&world, BOB, chat).request);
            } else {
                // Whoever writes to them after all talks with them.
                assert_eq!(opened, Ok(Outcome::Room(chat)));
                assert_eq!(contact(&world, BOB, ada), Contact::Accepted);
            }
            assert_eq!(world.texts(BOB, chat).await, ["hello", "are you there"]);
        });
    }
}

#[test]
fn two_browsers_decide_apart_from_each_other_and_end_with_the_same() {
    block_on(async {
        let (mut world, chat) = stage("apart").await;
        let cyd = world.newcomer("cyd").await;
        let other = world.direct(cyd, "bob").await;
        world.say(cyd, other, "me too").await;
        let elsewhere = world.sign_in("bob").await;
        let (ada, cyds) = (id(&mut world, "ada"), id(&mut world, "cyd"));
        world.go_offline(BOB);
        world.settle().await;
        let block = Command::SetContact {
            user: ada,
            act: ContactAct::Block,
        };
        assert_eq!(world.run(BOB, block).await, Ok(Outcome::Done));
        decide(&mut world, elsewhere, cyds, ContactAct::Accept).await;
        world.go_online(BOB);
        world.settle().await;
        for browser in [BOB, elsewhere] {
            world.reload(browser);
            world.settle().await;
        }
        let third = world.sign_in("bob").await;
        for browser in [BOB, third] {
            assert!(world.browsers[browser].room(chat).is_none(), "{browser}");
            assert_eq!(contact(&world, browser, cyds), Contact::Accepted, "{browser}");
        }
    });
}

#[test]
fn a_flood_of_requests_writes_nothing_to_the_vault() {
    block_on(async {
        let mut world = World::new(RustCrypto, "flood");
        let bob = world.newcomer("bob").await;
        let items = |world: &mut TestWorld| {
            let account = world.relay().people.find("bob").unwrap().1;
            account.vault.values().map(|item| item.rev).sum::<u64>()
        };
        let eve = world.newcomer("eve").await;
        let first = world.direct(eve, "bob").await;
        world.say(eve, first, "one").await;
        let before = items(&mut world);
        for text in 0..40 {
            world.say(eve, first, &format!("again {text}")).await;
        }
        assert_eq!(items(&mut world), before);
        assert!(room(&world, bob, first).request);
        assert_eq!(room(&world, bob, first).unread, 0);
    });
}
