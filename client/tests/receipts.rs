//! What people have read: who sees it, when it is told, and when it is not. What a relay or a member can try with it stands
//! in `attacks/said.rs`.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::RefCell;
use std::rc::Rc;

use futures_lite::future::block_on;
use sotto_client::testing::{ModelRelay, Peer, Tamper, World};
use sotto_client::view::{Command, ContactAct, Outcome, Standing};
use sotto_shared::api::frame::ToRelay;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::header::{Header, MessageKind};
use sotto_shared::id::{RoomId, UserId};

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;
const CYD: usize = 2;

/// Writes down which browser puts something in a slot, and otherwise lets everything pass.
#[derive(Clone, Default)]
struct Told(Rc<RefCell<Vec<usize>>>);

impl Tamper for Told {
    fn heard(&mut self, _: &mut ModelRelay, from: Peer, frame: ToRelay) -> Vec<ToRelay> {
        if let ToRelay::Send { messages } = &frame {
            let kinds = messages
                .iter()
                .map(|message| Header::from_bytes(&message.header.0).unwrap().kind);
            let slots = kinds.filter(|kind| *kind == MessageKind::Slot);
            self.0.borrow_mut().extend(slots.map(|_| from.browser));
        }
        vec![frame]
    }
}

impl Told {
    fn take(&self) -> Vec<usize> {
        std::mem::take(&mut *self.0.borrow_mut())
    }
}

async fn people(seed: &str, handles: &[&str]) -> (TestWorld, Told) {
    let mut world = World::new(RustCrypto, seed);
    for handle in handles {
        world.newcomer(handle).await;
    }
    let told = Told::default();
    world.tamper = Box::new(told.clone());
    (world, told)
}

fn id(world: &mut TestWorld, handle: &str) -> UserId {
    *world.relay().people.find(handle).unwrap().0
}

async fn obey(world: &mut TestWorld, browser: usize, commands: &[Command]) {
    for command in commands {
        assert_eq!(world.run(browser, command.clone()).await, Ok(Outcome::Done));
    }
}

/// A direct message that both want: of one that is still a request nothing is told.
async fn direct(world: &mut TestWorld) -> RoomId {
    let room = world.direct(ADA, "bob").await;
    let user = id(world, "ada");
    let act = ContactAct::Accept;
    obey(world, BOB, &[Command::SetContact { user, act }]).await;
    room
}

/// Somebody has a room before them, and has seen its newest message.
async fn read(world: &mut TestWorld, browser: usize, room: RoomId) {
    let visible = true;
    let commands = [
        Command::ShowRoom { chat: room.into() },
        Command::Looking { visible },
        Command::MarkRead { chat: room.into() },
    ];
    obey(world, browser, &commands).await;
}

#[test]
fn what_somebody_has_read_shows_at_the_others() {
    block_on(async {
        let (mut world, told) = people("read", &["ada", "bob"]).await;
        let room = direct(&mut world).await;
        let bob = id(&mut world, "bob");
        world.say(ADA, room, "one").await;
        world.say(ADA, room, "two").await;
        assert_eq!(
            world.browsers[ADA].read_up_to(room, bob),
            0,
            "it came, and was not looked at"
        );
        assert_eq!(told.take(), [0; 0]);

        read(&mut world, BOB, room).await;
        assert_eq!(world.browsers[ADA].read_up_to(room, bob), 2);
        assert_eq!(told.take(), [BOB]);
        assert_eq!(world.relay().rooms[&room].slots.len(), 1);

        // Kept over a reload, and found by a browser that was never here.
        world.reload(ADA);
        world.settle().await;
        assert_eq!(world.browsers[ADA].read_up_to(room, bob), 2);
        let new = world.sign_in("ada").await;
        assert_eq!(world.browsers[new].read_up_to(room, bob), 0);
        obey(
            &mut world,
            new,
            &[
                Command::ShowRoom { chat: room.into() },
                Command::Looking { visible: true },
            ],
        )
        .await;
        assert_eq!(world.browsers[new].read_up_to(room, bob), 2);
        for browser in &world.browsers {
            assert_eq!(browser.notices(), []);
            assert_eq!(browser.room(room).unwrap().standing, Standing::Open);
        }
    });
}

/// Nothing that is no word of somebody else is told to have been read, nor the same twice.
#[test]
fn what_is_told_is_told_once_and_gathered() {
    block_on(async {
        let (mut world, told) = people("gathered", &["ada", "bob", "cyd"]).await;
        let room = world.group(ADA, "Tea", &["bob", "cyd"]).await;
        let bob = id(&mut world, "bob");
        read(&mut world, BOB, room).await;
        world.say(BOB, room, "my own").await;
        read(&mut world, BOB, room).await;
        assert_eq!(told.take(), [0; 0], "there is nothing of others to have read");

        world.advance(60_000);
        world.settle().await;
        for text in ["one", "two", "three"] {
            world.say(ADA, room, text).await;
            read(&mut world, BOB, room).await;
        }
        assert_eq!(told.take(), [BOB], "the rest has to wait");
        assert_eq!(world.browsers[ADA].read_up_to(room, bob), 2);
        world.advance(3_000);
        world.settle().await;
        assert_eq!(told.take(), [BOB]);
        assert_eq!(world.browsers[ADA].read_up_to(room, bob), 4);
        assert_eq!(world.browsers[CYD].read_up_to(room, bob), 4);
        for _ in 0..4 {
            world.advance(31_000);
            read(&mut world, BOB, room).await;
        }
        assert_eq!(told.take(), [0; 0]);
    });
}

#[test]
fn nobody_tells_what_is_not_before_their_eyes() {
    block_on(async {
        let (mut world, told) = people("hidden", &["ada", "bob"]).await;
        let room = direct(&mut world).await;
        world.say(ADA, room, "one").await;
        // Elsewhere in the page, or the page elsewhere.
        obey(&mut world, BOB, &[Command::Looking { visible: true }]).await;
        obey(
            &mut world,
            BOB,
            &[
                Command::MarkRead { chat: room.into() },
                Command::ShowRoom { chat: room.into() },
            ],
        )
        .await;
        assert_eq!(told.take(), [BOB], "with the room on screen it is");
        obey(&mut world, BOB, &[Command::Looking { visible: false }]).await;
        world.advance(60_000);
        world.say(ADA, room, "two").await;
        obey(&mut world, BOB, &[Command::MarkRead { chat: room.into() }]).await;
        assert_eq!(told.take(), [0; 0]);
        // Nor while there is no connection; it is told when there is one again.
        obey(&mut world, BOB, &[Command::Looking { visible: true }]).await;
        assert_eq!(told.take(), [BOB]);
        world.advance(60_000);
        world.say(ADA, room, "three").await;
        world.go_offline(BOB);
        world.settle().await;
        obey(&mut world, BOB, &[Command::MarkRead { chat: room.into() }]).await;
        let bob = id(&mut world, "bob");
        assert_eq!((told.take(), world.browsers[ADA].read_up_to(room, bob)), (vec![], 2));
        world.go_online(BOB);
        world.advance(60_000);
        world.settle().await;
        assert_eq!((told.take(), world.browsers[ADA].read_up_to(room, bob)), (vec![BOB], 3));
    });
}

#[test]
fn whoever_was_away_finds_it_when_they_look() {
    block_on(async {
        let (mut world, _) = people("away", &["ada", "bob"]).await;
        let room = direct(&mut world).await;
        let bob = id(&mut world, "bob");
        world.say(ADA, room, "one").await;
        world.go_offline(ADA);
        world.settle().await;
        read(&mut world, BOB, room).await;
        world.go_online(ADA);
        world.settle().await;
        assert_eq!(world.browsers[ADA].read_up_to(room, bob), 0);
        obey(
            &mut world,
            ADA,
            &[
                Command::ShowRoom { chat: room.into() },
                Command::Looking { visible: true },
            ],
        )
        .await;
        assert_eq!(world.browsers[ADA].read_up_to(room, bob), 1);
    });
}

#[test]
fn switched_off_nothing_is_told_and_nothing_shown() {
    block_on(async {
        let (mut world, told) = people("off", &["ada", "bob"]).await;
        let room = direct(&mut world).await;
        let (ada, bob) = (id(&mut world, "ada"), id(&mut world, "bob"));
        obey(&mut world, BOB, &[Command::TellRead { on: false }]).await;
        world.say(ADA, room, "one").await;
        read(&mut world, BOB, room).await;
        world.say(BOB, room, "two").await;
        read(&mut world, ADA, room).await;
        world.advance(60_000);
        world.settle().await;
        assert_eq!(told.take(), [ADA]);
        assert_eq!(world.browsers[ADA].read_up_to(room, bob), 0);
        assert_eq!(
            world.browsers[BOB].read_up_to(room, ada),
            0,
            "nor does he see what she has read"
        );
        assert_eq!(world.relay().rooms[&room].slots.len(), 1);
        // Whoever changes their mind has it both ways again.
        obey(&mut world, BOB, &[Command::TellRead { on: true }]).await;
        assert_eq!(told.take(), [BOB]);
        assert_eq!(world.browsers[ADA].read_up_to(room, bob), 1);
        assert_eq!(world.browsers[BOB].read_up_to(room, ada), 2);
    });
}

/// All browsers of an account write to one place, and the newer word counts whichever it is from.
#[test]
fn two_browsers_of_one_person_share_a_slot() {
    block_on(async {
        let (mut world, told) = people("two browsers", &["ada", "bob"]).await;
        let room = direct(&mut world).await;
        let bob = id(&mut world, "bob");
        world.say(ADA, room, "one").await;
        read(&mut world, BOB, room).await;
        let other = world.sign_in("bob").await;
        // The room knows a browser once it has written there.
        world.say(other, room, "two").await;
        world.say(ADA, room, "three").await;
        world.advance(60_000);
        read(&mut world, other, room).await;
        assert_eq!(told.take(), [BOB, other]);
        assert_eq!(world.browsers[ADA].read_up_to(room, bob), 3);
        read(&mut world, BOB, room).await;
        assert_eq!(told.take(), [0; 0], "the other one has said it");
        assert_eq!(world.relay().rooms[&room].slots.len(), 1);
        world.advance(60_000);
        world.say(ADA, room, "four").await;
        read(&mut world, BOB, room).await;
        assert_eq!(told.take(), [BOB]);
        assert_eq!(world.browsers[ADA].read_up_to(room, bob), 4);
    });
}

/// Under a key that is merely old a receipt is said; reading changes no keys.
#[test]
fn reading_changes_nothing_in_the_room() {
    block_on(async {
        let (mut world, told) = people("late", &["ada", "bob", "cyd"]).await;
        let room = world.group(ADA, "Tea", &["bob", "cyd"]).await;
        let bob = id(&mut world, "bob");
        world.say(ADA, room, "one").await;
        world.advance(3 * 24 * 3_600_000);
        world.settle().await;
        let seq = world.relay().rooms[&room].state.seq;
        read(&mut world, BOB, room).await;
        assert_eq!(told.take(), [BOB]);
        assert_eq!(world.browsers[ADA].read_up_to(room, bob), 1);
        assert_eq!(world.relay().rooms[&room].state.seq, seq);
        // Under one that somebody has who is gone, nothing is.
        world.advance(60_000);
        world.say(ADA, room, "two").await;
        obey(&mut world, CYD, &[Command::LeaveRoom { room }]).await;
        read(&mut world, BOB, room).await;
        assert_eq!(told.take(), [0; 0]);
        world.say(ADA, room, "three").await;
        world.settle().await;
        assert_eq!(world.browsers[ADA].read_up_to(room, bob), 2, "the key is another one");
        assert_eq!(told.take(), [BOB]);
    });
}
