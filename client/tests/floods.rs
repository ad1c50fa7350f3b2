//! Too much of everything: what a relay sends beyond all use costs no more than what is of use.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::Cell;
use std::rc::Rc;

use futures_lite::future::block_on;
use sotto_client::engine::measure::messages_settled;
use sotto_client::engine::{Failure, Key, Reply, Request};
use sotto_client::testing::forge::{forge, post};
use sotto_client::testing::{ModelRelay, Peer, Tamper, World};
use sotto_client::view::{Body, Change, Command, Standing, Tamper as Forgery};
use sotto_shared::api::B64;
use sotto_shared::api::body::Wrap;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::codec::{Codec, List, Text};
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::content::MessageBody;
use sotto_shared::id::{ChannelId, DeviceKeyId, EnvelopeHash, Head, RoomId, UserId};
use sotto_shared::log::room_log::{History, MemberRef, Policy, RoomGenesis, RoomKind, SUITE_1, room_id};
use sotto_shared::testing::people::Person;

/// Ten thousand wraps that open for nobody, before those that are there.
struct ManyWraps;

impl Tamper for ManyWraps {
    fn reply(
        &mut self,
        _: &mut ModelRelay,
        to: Peer,
        _: &Request,
        reply: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        let mut reply = reply?;
        if let (Reply::WrapsGet(wraps), Some(user_id)) = (&mut reply, to.user) {
            let garbage = (0..10_000).map(|number| Wrap {
                channel: ChannelId::MAIN,
                n: 1 + number % 7,
                user_id,
                g: 1 + number % 5,
                enc: B64(vec![4; 65]),
                ct: B64(vec![number as u8; 48]),
            });
            drop(wraps.wraps.splice(0..0, garbage));
        }
        Ok(reply)
    }
}

#[test]
fn a31_wraps_beyond_number_are_neither_kept_nor_tried() {
    block_on(async {
        let mut world = World::new(RustCrypto, "wraps");
        let (ada, bob) = (world.newcomer("ada").await, world.newcomer("bob").await);
        world.newcomer("cyd").await;
        let room = world.group(ada, "Tea", &["bob", "cyd"]).await;
        world.say(ada, room, "before").await;
        world.tamper = Box::new(ManyWraps);
        let user = *world.relay().people.find("cyd").unwrap().0;
        world.run(ada, Command::RemovePerson { room, user }).await.unwrap();
        world.say(ada, room, "after").await;
        // Bob asks for the new key, over and over.
        for _ in 0..2 {
            world.advance(31_000);
            world.settle().await;
        }
        assert_eq!(
            world.browsers[bob].room(room).unwrap().standing,
            Standing::WaitingForKey
        );
        let kept = world.browsers[bob].disk.borrow().records[&Key::Room(room)].len();
        assert!(kept < 20_000, "{kept} bytes");
        // The right one still finds its place.
        world.tamper = Box::new(sotto_client::testing::tamper::Honest);
        world.drop_socket(bob);
        world.settle().await;
        world.advance(31_000);
        world.settle().await;
        assert_eq!(world.texts(bob, room).await, ["before", "after"]);
    });
}

/// Counts who asks for logs of people that nobody knows.
struct Counting(Rc<Cell<usize>>);

impl Tamper for Counting {
    fn request(&mut self, _: &mut ModelRelay, _: Peer, request: &mut Request) -> Option<Result<Reply, Failure>> {
        if let Request::UserLogsGet(ask) = request {
            self.0.set(self.0.get() + ask.users.len());
        }
        None
    }
}

#[test]
fn a31_rooms_beyond_number_do_not_wait_for_their_people() {
    block_on(async {
        let mut world = World::new(RustCrypto, "rooms");
        let ada = world.newcomer("ada").await;
        let count = Rc::default();
        world.tamper = Box::new(Counting(Rc::clone(&count)));
        let user = world.browsers[ada].me().unwrap();
        let mut rooms = Vec::new();
        for number in 0..1_000_u32 {
            let mut id = [0; 32];
            id[..4].copy_from_slice(&number.to_be_bytes());
            let genesis = RoomGenesis {
                kind: RoomKind::Group,
                creator: MemberRef {
                    user_id: UserId::from_bytes(id),
                    ulog_seq: 1,
                    ulog_head: Head::from_bytes(id),
                },
                creator_dk: DeviceKeyId::from_bytes(id),
                members: List::default(),
                policy: Policy {
                    suite: SUITE_1,
                    history: History::Shared,
                },
                ts: 0,
                nonce: [0; 16],
            };
            let body = genesis.to_bytes();
            rooms.push((room_id(&body), SignedBlob { body, sig: [1; 64] }));
        }
        for (index, (room_id, blob)) in rooms.iter().enumerate() {
            // Every other one under an id that is not its own.
            let room_id = if index % 2 == 0 { *room_id } else { rooms[index - 1].0 };
            let frame = FromRelay::Log {
                room_id,
                from_seq: 0,
                entries: vec![B64(blob.to_bytes())],
            };
            world.relay().tell(&user, &frame);
        }
        world.settle().await;
        count.set(0);
        for _ in 0..2 {
            world.advance(31_000);
            world.settle().await;
        }
        assert!(count.get() > 0, "some are asked for again");
        assert!(count.get() <= 4 * 64, "{} questions", count.get());
        assert_eq!(world.browsers[ada].rooms(), []);
    });
}

/// The page is given a window of them, the numbers are right, and the next word of a member arrives.
#[test]
fn a31_envelopes_beyond_number() {
    const MANY: u64 = 100_000;
    block_on(async {
        let mut world = World::new(RustCrypto, "envelopes");
        let (ada, bob) = (world.newcomer("ada").await, world.newcomer("bob").await);
        let room = world.group(ada, "Tea", &["bob"]).await;
        world.say(ada, room, "before").await;
        let stored = world.relay().rooms.get_mut(&room).unwrap();
        let header = stored.messages[0].header.clone();
        for number in 0..MANY {
            // As short as it gets, and as if of this room; now and then as long as it gets, or no header at all.
            let length = if number % 5_000 == 0 { 60_000 } else { 40 };
            let header = if number % 7 == 0 {
                B64(vec![9; 3])
            } else {
                header.clone()
            };
            stored.put_message(&header, &B64(vec![number as u8; length]));
        }
        for browser in [ada, bob] {
            world.drop_socket(browser);
        }
        for _ in 0..2 {
            world.settle().await;
            world.advance(31_000);
        }
        world.settle().await;
        world.say(ada, room, "after").await;
        world.settle().await;
        world.run(bob, Command::ShowRoom { chat: room.into() }).await.unwrap();
        let shown = world.browsers[bob]
            .changes
            .iter()
            .rev()
            .find_map(|change| match change {
                Change::Timeline(timeline) if timeline.reset => Some(&timeline.rows),
                _ => None,
            });
        let shown = shown.expect("the room is shown");
        assert!(shown.len() < 1_100, "{} rows", shown.len());
        let newest = shown.iter().max_by_key(|row| row.order).map(|row| &row.body);
        assert!(
            matches!(newest, Some(Body::Text { text, .. }) if text == "after"),
            "{newest:?}"
        );
        let row = world.browsers[bob].room(room).unwrap();
        assert_eq!((row.standing, row.unread), (Standing::Open, 2), "nothing of it is news");
    });
}

/// Says that there are more messages than there can be.
struct Boaster;

impl Tamper for Boaster {
    fn reply(
        &mut self,
        _: &mut ModelRelay,
        _: Peer,
        _: &Request,
        reply: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        let mut reply = reply?;
        if let Reply::PageGet(page) = &mut reply {
            page.head.seq = u64::MAX;
        }
        Ok(reply)
    }
}

#[test]
fn a34_a_first_page_that_names_the_largest_number() {
    block_on(async {
        let mut world = World::new(RustCrypto, "boaster");
        let ada = world.newcomer("ada").await;
        world.newcomer("bob").await;
        let room = world.direct(ada, "bob").await;
        world.say(ada, room, "one").await;
        world.tamper = Box::new(Boaster);
        let other = world.sign_in("ada").await;
        let standing = world.browsers[other].room(room).unwrap().standing;
        assert_eq!(standing, Standing::Frozen(Forgery::Withholding));
        assert_eq!(world.texts(other, room).await, ["one"]);
    });
}

/// Somebody without an engine says something; everybody hears it. Its identity, and how many messages were looked at for it.
async fn say(
    world: &mut World<RustCrypto>,
    room: RoomId,
    who: &Person,
    seed: &str,
    body: MessageBody,
) -> (EnvelopeHash, u64) {
    let before = messages_settled();
    let message = forge(world.relay(), room, who, seed, body, |_, _| ()).unwrap();
    let hash = post(world.relay(), room, &message).unwrap();
    world.settle().await;
    (hash, messages_settled() - before)
}

/// Whoever deletes the same message over and over again, theirs or not, has nobody look at more than that.
#[test]
fn a_deletion_said_again_costs_the_same_however_often_and_whatever_was_said_about_it() {
    const TIMES: usize = 200;
    block_on(async {
        let mut world = World::new(RustCrypto, "deletions");
        let ada = world.newcomer("ada").await;
        let eve = Person::new("eve");
        world.relay().enlist(&eve);
        let room = world.group(ada, "Tea", &["eve"]).await;
        world.say(ada, room, "by ada").await;
        let of_ada = world.relay().rooms[&room].messages.last().unwrap().hash();
        let text = |words: &str| MessageBody::Text {
            text: Text::new(words).unwrap(),
        };
        let (of_eve, _) = say(&mut world, room, &eve, "hers", text("by eve")).await;
        // One that the relay let go of before a browser met it.
        let (emptied, _) = say(&mut world, room, &eve, "emptied", text("emptied")).await;
        let (edit, _) = say(&mut world, room, &eve, "edit", text("to be emptied, too")).await;
        let stored = world.relay().rooms.get_mut(&room).unwrap();
        for seq in [3, 4] {
            stored.let_go(seq);
        }
        for target in [of_ada, of_eve] {
            for number in 0..30 {
                let emoji = Text::new(char::from_u32(0x1f300 + number).unwrap().to_string()).unwrap();
                let body = MessageBody::React {
                    target,
                    emoji,
                    on: true,
                };
                say(&mut world, room, &eve, &format!("{target:?} {number}"), body).await;
            }
        }
        world.close(ada);
        let other = world.sign_in("ada").await;
        world.run(other, Command::Looking { visible: true }).await.unwrap();
        world.read(other, room).await;
        for target in [of_ada, of_eve, emptied] {
            let delete = || MessageBody::Delete {
                target,
                edits: List::new(vec![edit]).unwrap(),
            };
            let (_, first) = say(&mut world, room, &eve, &format!("{target:?} first"), delete()).await;
            assert!(first < 40, "{first}");
            for time in 0..TIMES {
                let (_, settled) = say(&mut world, room, &eve, &format!("{target:?} at {time}"), delete()).await;
                assert_eq!(settled, 1, "{target:?}, {time}");
            }
        }
        // What is not hers to delete stands.
        assert_eq!(world.texts(other, room).await, ["by ada"]);
        world.reload(other);
        world.settle().await;
        assert_eq!(world.texts(other, room).await, ["by ada"]);
        // Also when all of it is read at once, from the newest backwards.
        let before = messages_settled();
        world.relay().page = 20;
        let late = world.sign_in("ada").await;
        assert_eq!(world.texts(late, room).await, ["by ada"]);
        let all = world.relay().rooms[&room].messages.len() as u64;
        let settled = messages_settled() - before;
        assert!(settled < 3 * all, "{settled} for {all}");
    });
}

/// Of messages that disappear one after the other, each is looked at when its time has come, and no other.
#[test]
fn what_disappears_is_looked_at_when_it_is_due_and_not_before() {
    const MANY: usize = 40;
    block_on(async {
        let mut world = World::new(RustCrypto, "fading");
        let ada = world.newcomer("ada").await;
        let bob = world.newcomer("bob").await;
        let room = world.group(ada, "Tea", &["bob"]).await;
        let command = Command::SetTtl { room, seconds: 3_600 };
        world.run(ada, command).await.unwrap();
        for browser in [ada, bob] {
            world.read(browser, room).await;
        }
        for nth in 0..MANY {
            world.say(ada, room, &format!("number {nth}")).await;
            world.advance(60_000);
            world.settle().await;
        }
        world.advance(3_600_000 - MANY as u64 * 60_000 - 30_000);
        world.settle().await;
        for left in (0..MANY).rev() {
            let before = messages_settled();
            world.advance(60_000);
            world.settle().await;
            let settled = messages_settled() - before;
            assert!((2..=4).contains(&settled), "{settled} with {left} left");
            for browser in [ada, bob] {
                assert_eq!(world.browsers[browser].lines().len(), left);
            }
        }
    });
}
