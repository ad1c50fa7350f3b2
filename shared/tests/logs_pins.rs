//! Messages that a room keeps at hand: who may put one there, how many, and that nobody else's word counts.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use serde_json::json;
use sotto_shared::api::limits::MAX_PINS;
use sotto_shared::codec::{Codec, List};
use sotto_shared::id::{ChannelId, EnvelopeHash, RoomId};
use sotto_shared::log::LogError;
use sotto_shared::log::room_log::{Role, RoomBody};
use sotto_shared::testing::hex;
use sotto_shared::testing::people::{Person, TestRoom};
use sotto_shared::vault::{Saved, SavedList};

fn message(number: u8) -> EnvelopeHash {
    EnvelopeHash::from_bytes([number; 32])
}

fn pin(number: u8, on: bool) -> RoomBody {
    RoomBody::Pin {
        channel: ChannelId::MAIN,
        target: message(number),
        on,
    }
}

fn pinned(room: &TestRoom) -> Vec<EnvelopeHash> {
    let pins = room.state.pins.get(&ChannelId::MAIN).into_iter().flatten();
    pins.map(|pinned| pinned.target).collect()
}

/// A group of an owner, a moderator and a member.
fn group() -> (TestRoom, [Person; 3]) {
    let [ada, bob, cyd] = ["ada", "bob", "cyd"].map(Person::new);
    let mut room = TestRoom::group(&ada);
    room.add(&ada, &bob, Role::Moderator).unwrap();
    room.add(&ada, &cyd, Role::Member).unwrap();
    (room, [ada, bob, cyd])
}

#[test]
fn moderators_and_owners_pin_and_members_do_not() {
    let (mut room, [ada, bob, cyd]) = group();
    room.act(&ada, pin(1, true)).unwrap();
    room.act(&bob, pin(2, true)).unwrap();
    assert_eq!(room.act(&cyd, pin(3, true)).unwrap_err(), LogError::NotAllowed);
    assert_eq!(room.act(&cyd, pin(1, false)).unwrap_err(), LogError::NotAllowed);
    assert_eq!(pinned(&room), [message(1), message(2)]);
    room.act(&bob, pin(1, false)).unwrap();
    assert_eq!(pinned(&room), [message(2)]);
    // Whoever loses the right takes nothing with them.
    room.set_role(&ada, &bob, Role::Member).unwrap();
    assert_eq!(room.act(&bob, pin(2, false)).unwrap_err(), LogError::NotAllowed);
    room.leave(&bob).unwrap();
    assert_eq!(pinned(&room), [message(2)]);
}

#[test]
fn both_people_of_a_direct_message_pin() {
    let [ada, bob] = ["ada", "bob"].map(Person::new);
    let mut room = TestRoom::direct(&ada, &bob);
    room.act(&ada, pin(1, true)).unwrap();
    room.act(&bob, pin(1, false)).unwrap();
    assert!(pinned(&room).is_empty());
}

#[test]
fn a_message_is_pinned_once_and_only_what_is_pinned_is_taken_away() {
    let (mut room, [ada, ..]) = group();
    assert_eq!(room.act(&ada, pin(1, false)).unwrap_err(), LogError::NoSuchTarget);
    room.act(&ada, pin(1, true)).unwrap();
    assert_eq!(room.act(&ada, pin(1, true)).unwrap_err(), LogError::AlreadyThere);
    let elsewhere = RoomBody::Pin {
        channel: ChannelId::from_bytes([7; 16]),
        target: message(1),
        on: true,
    };
    assert_eq!(room.act(&ada, elsewhere).unwrap_err(), LogError::NoSuchTarget);
}

#[test]
fn a_channel_keeps_so_many_and_no_more() {
    let (mut room, [ada, ..]) = group();
    for number in 0..MAX_PINS as u8 {
        room.act(&ada, pin(number, true)).unwrap();
    }
    assert_eq!(room.act(&ada, pin(99, true)).unwrap_err(), LogError::TooMany);
    room.act(&ada, pin(7, false)).unwrap();
    room.act(&ada, pin(99, true)).unwrap();
    assert_eq!(pinned(&room).len(), MAX_PINS);
    assert_eq!(pinned(&room).last(), Some(&message(99)));
}

/// What the log and the vault say of them, written down once and for all.
#[test]
fn what_is_kept_of_messages_has_these_bytes() {
    let (mut room, [ada, ..]) = group();
    room.act(&ada, pin(1, true)).unwrap();
    room.act(&ada, pin(1, false)).unwrap();
    let saved = SavedList {
        items: List::new(vec![Saved {
            room_id: RoomId::from_bytes([5; 32]),
            channel: ChannelId::MAIN,
            target: message(6),
            at: 258,
        }])
        .unwrap(),
    };
    let lines: Vec<(String, Vec<u8>)> = (room.blobs.iter().rev().take(2).rev())
        .enumerate()
        .map(|(index, blob)| (format!("pin.{}", index + 1), blob.to_bytes()))
        .chain([("saved".to_owned(), saved.to_bytes())])
        .collect();
    let cases: Vec<_> = (lines.iter())
        .map(|(name, bytes)| json!({ "name": name, "hex": hex(bytes) }))
        .collect();
    let source = "Entries that pin and take a pin away, and a list of saved messages; see shared/tests/logs_pins.rs";
    common::holds_against("kept.json", &common::json_cases(source, &cases));
    assert_eq!(SavedList::from_bytes(&saved.to_bytes()), Ok(saved));
}
