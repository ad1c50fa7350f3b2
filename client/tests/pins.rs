//! Messages kept at hand, and going to a message that was named.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use futures_lite::future::block_on;
use sotto_client::testing::{Snapshot, World};
use sotto_client::view::{Body, Chat, Command, Note, Outcome, Problem, Quote, Target};
use sotto_shared::api::body::StoredMessage;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::header::Header;
use sotto_shared::id::{EnvelopeHash, MessageId, RoomId};

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;

static PAST: LazyLock<(Snapshot<Arc<PrivateKey>>, RoomId, RoomId)> = LazyLock::new(|| {
    block_on(async {
        let mut world = World::new(RustCrypto, "pins");
        for handle in ["ada", "bob"] {
            world.newcomer(handle).await;
        }
        let room = world.group(ADA, "Tea", &["bob"]).await;
        let duo = world.direct(ADA, "bob").await;
        for number in 1..=9 {
            world.say(ADA, room, &format!("ada {number}")).await;
        }
        world.say(BOB, room, "by bob").await;
        world.say(BOB, duo, "for two").await;
        (world.into_snapshot(), room, duo)
    })
});

async fn tea(seed: &str) -> (TestWorld, RoomId, RoomId) {
    let (past, room, duo) = &*PAST;
    let mut world = World::from_snapshot(RustCrypto, past, seed);
    world.settle().await;
    for browser in [ADA, BOB] {
        show(&mut world, browser, *room).await;
    }
    (world, *room, *duo)
}

async fn show(world: &mut TestWorld, browser: usize, room: RoomId) {
    let answer = world.run(browser, Command::ShowRoom { chat: room.into() }).await;
    assert_eq!(answer, Ok(Outcome::Done));
}

fn id_of(world: &TestWorld, browser: usize, words: &str) -> MessageId {
    let rows = world.browsers[browser].rows().into_iter();
    let mut found = rows.filter_map(|row| match row {
        Body::Text { text, message, .. } if text == words => Some(message),
        _ => None,
    });
    found.next_back().unwrap_or_else(|| panic!("{words} is not on screen"))
}

async fn pin(world: &mut TestWorld, browser: usize, room: RoomId, words: &str, on: bool) -> Result<Outcome, Problem> {
    let message = id_of(world, browser, words);
    let chat = Chat::from(room);
    world.run(browser, Command::Pin { chat, message, on }).await
}

/// What the panel shows, with what hangs on each.
async fn pins(world: &mut TestWorld, browser: usize, room: RoomId) -> Vec<(String, EnvelopeHash)> {
    let chat = Chat::from(room);
    let Ok(Outcome::Pins(pins)) = world.run(browser, Command::ListPins { chat }).await else {
        panic!("no pins");
    };
    assert_eq!(world.browsers[browser].room(room).unwrap().pins as usize, pins.len());
    let words = |quote| match quote {
        Quote::Text { text, .. } => text,
        other => format!("{other:?}"),
    };
    pins.into_iter().map(|pin| (words(pin.quote), pin.target)).collect()
}

async fn pinned(world: &mut TestWorld, browser: usize, room: RoomId) -> Vec<String> {
    pins(world, browser, room)
        .await
        .into_iter()
        .map(|(text, _)| text)
        .collect()
}

fn is_pinned(world: &TestWorld, browser: usize, words: &str) -> bool {
    let rows = world.browsers[browser].rows().into_iter();
    let mut found = rows.filter_map(|row| match row {
        Body::Text { text, ties, .. } if text == words => Some(ties.pinned),
        _ => None,
    });
    found.next_back().unwrap()
}

#[test]
fn what_is_pinned_is_found_by_everybody_until_it_is_taken_down_or_deleted() {
    block_on(async {
        let (mut world, room, _) = tea("pin").await;
        for words in ["ada 2", "by bob", "ada 5"] {
            assert_eq!(pin(&mut world, ADA, room, words, true).await, Ok(Outcome::Done));
        }
        for browser in [ADA, BOB] {
            assert_eq!(pinned(&mut world, browser, room).await, ["ada 5", "by bob", "ada 2"]);
            assert!(is_pinned(&world, browser, "ada 2") && !is_pinned(&world, browser, "ada 3"));
            let notes = world.browsers[browser].rows().into_iter();
            assert_eq!(
                notes
                    .filter(|row| matches!(row, Body::Note(Note::Pinned { .. })))
                    .count(),
                3
            );
        }
        // Once more is nothing new.
        let before = world.relay().rooms[&room].entries.len();
        assert_eq!(pin(&mut world, ADA, room, "ada 2", true).await, Ok(Outcome::Done));
        assert_eq!(world.relay().rooms[&room].entries.len(), before);
        assert_eq!(pin(&mut world, ADA, room, "ada 2", false).await, Ok(Outcome::Done));
        let (chat, message) = (Chat::from(room), id_of(&world, BOB, "by bob"));
        world.run(BOB, Command::Delete { chat, message }).await.unwrap();
        for browser in [ADA, BOB] {
            assert_eq!(pinned(&mut world, browser, room).await, ["ada 5"]);
            assert!(!is_pinned(&world, browser, "ada 2"));
        }
        // What was pinned and is not on screen is taken down by what the panel knows of it.
        let (_, target) = pins(&mut world, ADA, room).await.remove(0);
        world.run(ADA, Command::Unpin { chat, target }).await.unwrap();
        assert!(pinned(&mut world, BOB, room).await.is_empty());
        // After a reload, and on a browser that was never there.
        pin(&mut world, ADA, room, "ada 9", true).await.unwrap();
        world.reload(ADA);
        world.settle().await;
        let new = world.sign_in("bob").await;
        for browser in [ADA, new] {
            assert_eq!(pinned(&mut world, browser, room).await, ["ada 9"]);
        }
    });
}

#[test]
fn a_member_pins_nothing_in_a_group_and_both_do_in_a_direct_message() {
    block_on(async {
        let (mut world, room, duo) = tea("rights").await;
        assert_eq!(
            pin(&mut world, BOB, room, "ada 1", true).await,
            Err(Problem::NotAllowed)
        );
        pin(&mut world, ADA, room, "ada 1", true).await.unwrap();
        assert_eq!(
            pin(&mut world, BOB, room, "ada 1", false).await,
            Err(Problem::NotAllowed)
        );
        assert_eq!(pinned(&mut world, BOB, room).await, ["ada 1"]);
        for browser in [ADA, BOB] {
            show(&mut world, browser, duo).await;
        }
        pin(&mut world, ADA, duo, "for two", true).await.unwrap();
        pin(&mut world, BOB, duo, "for two", false).await.unwrap();
        assert!(pinned(&mut world, ADA, duo).await.is_empty());
    });
}

#[test]
fn two_who_pin_the_same_at_once_pin_it_once() {
    block_on(async {
        let (mut world, room, duo) = tea("at once").await;
        for browser in [ADA, BOB] {
            show(&mut world, browser, duo).await;
        }
        let (chat, message) = (Chat::from(duo), id_of(&world, ADA, "for two"));
        for browser in [ADA, BOB] {
            world.browsers[browser].command(Command::Pin {
                chat,
                message,
                on: true,
            });
        }
        world.settle().await;
        for browser in [ADA, BOB] {
            assert_eq!(pinned(&mut world, browser, duo).await, ["for two"]);
        }
        assert!(pinned(&mut world, ADA, room).await.is_empty());
    });
}

#[test]
fn the_place_of_a_deleted_message_is_given_up_for_the_next() {
    block_on(async {
        let (mut world, room, _) = tea("full").await;
        for number in 10..=51 {
            world.say(ADA, room, &format!("ada {number}")).await;
        }
        for number in 1..=50 {
            pin(&mut world, ADA, room, &format!("ada {number}"), true)
                .await
                .unwrap();
        }
        let full = Err(Problem::TooManyPins { max: 50 });
        assert_eq!(pin(&mut world, ADA, room, "ada 51", true).await, full);
        let (chat, message) = (Chat::from(room), id_of(&world, ADA, "ada 7"));
        world.run(ADA, Command::Delete { chat, message }).await.unwrap();
        pin(&mut world, ADA, room, "ada 51", true).await.unwrap();
        let all = pinned(&mut world, BOB, room).await;
        assert_eq!((all.len(), all.first().map(String::as_str)), (50, Some("ada 51")));
    });
}

#[test]
fn a_message_that_is_named_is_brought_however_far_back_it_stands() {
    block_on(async {
        let (mut world, room, _) = tea("far").await;
        pin(&mut world, ADA, room, "ada 3", true).await.unwrap();
        let (chat, message) = (Chat::from(room), id_of(&world, ADA, "ada 4"));
        let (_, hash) = pins(&mut world, ADA, room).await.remove(0);
        for number in 0..450 {
            world.write(BOB, room, &format!("{number}"));
            if number % 30 == 0 {
                world.advance(60_000);
                world.settle().await;
            }
        }
        world.settle().await;
        let when = world.browsers[ADA].whole_rows().into_iter();
        let when = when.filter(|row| matches!(&row.body, Body::Text { text, .. } if text == "300"));
        let (at_ms, number) = when.map(|row| (row.at_ms, row.order.0)).next().unwrap();
        for target in [
            Target::Number(3),
            Target::Number(number),
            Target::Message(message),
            Target::Hash(hash),
            Target::Time(at_ms),
            Target::Time(1),
        ] {
            let new = world.sign_in("bob").await;
            show(&mut world, new, room).await;
            let found = world.run(new, Command::JumpTo { chat, target }).await;
            let Ok(Outcome::Found(key)) = found else {
                panic!("{target:?}: {found:?}");
            };
            let row = world.browsers[new].whole_rows().into_iter().find(|row| row.key == key);
            let row = row.unwrap_or_else(|| panic!("{target:?} is not on screen"));
            let fits = match target {
                Target::Number(wanted) => row.order.0 == wanted,
                Target::Message(_) => matches!(&row.body, Body::Text { text, .. } if text == "ada 4"),
                Target::Hash(_) => matches!(&row.body, Body::Text { text, .. } if text == "ada 3"),
                Target::Time(1) => row.order.0 == 1,
                Target::Time(at_ms) => row.at_ms == at_ms,
            };
            assert!(fits, "{target:?}: {row:?}");
            // What is pinned is told on a browser that has not read so far back.
            assert_eq!(pinned(&mut world, new, room).await, ["ada 3"]);
            // The same from what is kept, with no network.
            world.reload(new);
            world.settle().await;
            show(&mut world, new, room).await;
            assert_eq!(
                world.run(new, Command::JumpTo { chat, target }).await,
                Ok(Outcome::Found(key))
            );
            world.close(new);
        }
    });
}

#[test]
fn what_is_not_there_is_said_to_be_so() {
    block_on(async {
        let (mut world, room, _) = tea("nowhere").await;
        let chat = Chat::from(room);
        for target in [
            Target::Number(0),
            Target::Number(11),
            Target::Number(u64::MAX),
            Target::Message(MessageId::from_bytes([9; 16])),
            Target::Hash(EnvelopeHash::from_bytes([9; 32])),
        ] {
            let found = world.run(BOB, Command::JumpTo { chat, target }).await;
            assert_eq!(found, Err(Problem::NoSuchMessage), "{target:?}");
        }
        let chat = Chat::from(RoomId::from_bytes([7; 32]));
        let found = world
            .run(
                BOB,
                Command::JumpTo {
                    chat,
                    target: Target::Number(1),
                },
            )
            .await;
        assert_eq!(found, Err(Problem::RoomClosed));
    });
}

#[test]
fn what_is_handed_on_says_nothing_of_where_it_stood() {
    block_on(async {
        let (mut world, room, duo) = tea("forward").await;
        world.newcomer("cyd").await;
        let walk = world.group(ADA, "Walk", &["cyd"]).await;
        show(&mut world, ADA, room).await;
        let (chat, message) = (Chat::from(room), id_of(&world, ADA, "by bob"));
        let to = vec![duo.into(), walk.into()];
        let forward = Command::Forward { chat, message, to };
        assert_eq!(world.run(ADA, forward).await, Ok(Outcome::Done));
        for (browser, room) in [(BOB, duo), (2, walk)] {
            show(&mut world, browser, room).await;
            let ada = world.browsers[browser].whole_rows().pop().unwrap();
            let Body::Text { text, ties, author, .. } = ada.body else {
                panic!("not a text");
            };
            assert_eq!(text, "by bob");
            assert_eq!(world.browsers[browser].handle(author), "ada");
            assert!(ties.forwarded && ties.mentions.is_empty() && ties.reply.is_none());
        }
        // Nowhere, or to too many, or where one may not write: nothing is sent at all.
        let gone = Chat::from(RoomId::from_bytes([7; 32]));
        let forward = |to| Command::Forward { chat, message, to };
        assert_eq!(
            world.run(ADA, forward(vec![duo.into(), gone])).await,
            Err(Problem::RoomClosed)
        );
        assert_eq!(
            world.run(ADA, forward(vec![duo.into(); 21])).await,
            Err(Problem::TooManyForwards { max: 20 })
        );
        assert_eq!(world.texts(BOB, duo).await, ["for two", "by bob"]);
    });
}

#[test]
fn what_is_handed_on_is_encrypted_anew() {
    block_on(async {
        let (mut world, room, duo) = tea("forward anew").await;
        world.newcomer("cyd").await;
        // With who came and went the group has another key than the first.
        let handles = vec!["cyd".into()];
        let added = world.run(ADA, Command::AddPeople { room, handles }).await;
        assert_eq!(added, Ok(Outcome::Done));
        let cyd = world.browsers[2].me().unwrap();
        let gone = world.run(ADA, Command::RemovePerson { room, user: cyd }).await;
        assert_eq!(gone, Ok(Outcome::Done));
        let words = "the beans are in, and the peas, and all that was sown in spring";
        world.say(BOB, room, words).await;
        show(&mut world, ADA, room).await;
        let (chat, message) = (Chat::from(room), id_of(&world, ADA, words));
        for _ in 0..2 {
            let to = vec![duo.into()];
            assert_eq!(
                world.run(ADA, Command::Forward { chat, message, to }).await,
                Ok(Outcome::Done)
            );
        }
        assert_eq!(world.texts(BOB, duo).await, ["for two", words, words]);
        let newest = |world: &mut TestWorld, room| world.relay().rooms[&room].messages.iter().rev().cloned().collect();
        let (of_room, of_duo): (Vec<StoredMessage>, Vec<StoredMessage>) =
            (newest(&mut world, room), newest(&mut world, duo));
        let header = |message: &StoredMessage| Header::from_bytes(&message.header.0).unwrap();
        let first = header(&of_room[0]);
        for copy in &of_duo[..2] {
            let copied = header(copy);
            assert_eq!((first.room_id, copied.room_id), (room, duo));
            assert_ne!(first.n, copied.n, "under another key");
            assert_ne!(first.msg_id, copied.msg_id);
        }
        // No part of one is a part of another: neither of the first, nor among the copies.
        let parts = |message: &StoredMessage| -> BTreeSet<Vec<u8>> {
            message.envelope.0.windows(16).map(<[u8]>::to_vec).collect()
        };
        let [one, other] = [&of_duo[0], &of_duo[1]].map(parts);
        assert!(parts(&of_room[0]).is_disjoint(&one) && parts(&of_room[0]).is_disjoint(&other));
        assert!(one.is_disjoint(&other));
    });
}
