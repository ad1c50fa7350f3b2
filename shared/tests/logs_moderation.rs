//! Time-outs, slow mode and reasons in a room's log: who may, within which bounds, and what follows for messages.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use sotto_shared::api::limits::{MAX_SLOW_SECS, MAX_TIME_OUT_MS, MIN_SLOW_SECS, SLOW_BURST};
use sotto_shared::codec::{Bytes, List};
use sotto_shared::crypto::epoch::{open_reason, seal_reason};
use sotto_shared::id::{ChannelId, EnvelopeHash, UserId};
use sotto_shared::log::LogError;
use sotto_shared::log::moderation::Pace;
use sotto_shared::log::room_log::{Role, RoomBody};
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::people::{NOW, Person, TestRoom};

use Role::{Member, Moderator, Owner};

/// Alice owns, bob and erin moderate, carol and dave are members.
fn room() -> (TestRoom, [Person; 5]) {
    let people = ["alice", "bob", "carol", "dave", "erin"].map(Person::new);
    let mut room = TestRoom::group(&people[0]);
    for (index, role) in [(1, Moderator), (2, Member), (3, Member), (4, Moderator)] {
        room.add(&people[0], &people[index], role).unwrap();
    }
    room.epoch(&people[0]).unwrap();
    (room, people)
}

fn time_out(who: &Person, until: u64) -> RoomBody {
    RoomBody::TimeOut {
        user_id: who.id(),
        until,
    }
}

const fn slow(seconds: u32) -> RoomBody {
    RoomBody::SetSlowMode {
        channel: ChannelId::MAIN,
        seconds,
    }
}

fn reason(n: u32, of: u64) -> RoomBody {
    RoomBody::Reason {
        n,
        of,
        sealed: Bytes::new(vec![1; 90]).unwrap(),
    }
}

fn no(room: &TestRoom, actor: &Person, body: RoomBody) -> LogError {
    room.clone().act(actor, body).map(|event| event.body).unwrap_err()
}

#[test]
fn only_who_may_remove_somebody_gives_a_time_out_and_only_below_them() {
    let (mut room, [alice, bob, carol, dave, erin]) = room();
    let until = NOW + 3_600_000;
    for (actor, target) in [
        (&carol, &dave),
        (&carol, &alice),
        (&bob, &alice),
        (&bob, &erin),
        (&bob, &bob),
        (&alice, &alice),
        (&carol, &carol),
    ] {
        assert_eq!(no(&room, actor, time_out(target, until)), LogError::NotAllowed);
    }
    let stranger = Person::new("zoe");
    assert_eq!(no(&room, &alice, time_out(&stranger, until)), LogError::NoSuchTarget);
    assert_eq!(no(&room, &stranger, time_out(&carol, until)), LogError::NotMember);
    room.act(&bob, time_out(&carol, until)).unwrap();
    room.act(&alice, time_out(&bob, until)).unwrap();
    // Who is in one themselves still has their role.
    room.act(&bob, time_out(&dave, until)).unwrap();
    let names: Vec<UserId> = room.state.time_outs(NOW).map(|(user, _)| *user).collect();
    assert_eq!(names.len(), 3);
}

#[test]
fn a_time_out_ends_in_time_to_come_and_within_four_weeks() {
    let (room, [alice, _, carol, ..]) = room();
    let now = NOW + room.state.seq + 1;
    for until in [1, now - 1, now, now + MAX_TIME_OUT_MS + 1, u64::MAX] {
        assert_eq!(
            no(&room, &alice, time_out(&carol, until)),
            LogError::NotAllowed,
            "{until}"
        );
    }
    for until in [now + 1, now + MAX_TIME_OUT_MS] {
        let mut room = room.clone();
        room.act(&alice, time_out(&carol, until)).unwrap();
        let held = room.state.time_out(&carol.id(), until - 1).unwrap();
        assert_eq!((held.by, held.until, held.entry), (alice.id(), until, room.state.seq));
        assert_eq!(room.state.time_out(&carol.id(), until), None);
    }
}

#[test]
fn a_time_out_is_lifted_once_and_also_for_who_is_away() {
    let (mut room, [alice, bob, carol, dave, _]) = room();
    assert_eq!(no(&room, &alice, time_out(&carol, 0)), LogError::NoSuchTarget);
    room.act(&alice, time_out(&carol, NOW + 90_000)).unwrap();
    assert_eq!(no(&room, &dave, time_out(&carol, 0)), LogError::NotAllowed);
    room.act(&bob, time_out(&carol, 0)).unwrap();
    assert_eq!(room.state.time_out(&carol.id(), NOW), None);
    assert_eq!(no(&room, &alice, time_out(&carol, 0)), LogError::NoSuchTarget);
    // Leaving and coming back does not end one.
    room.act(&alice, time_out(&carol, NOW + 90_000)).unwrap();
    room.leave(&carol).unwrap();
    assert_eq!(
        no(&room, &alice, time_out(&carol, NOW + 95_000)),
        LogError::NoSuchTarget
    );
    room.add(&alice, &carol, Member).unwrap();
    assert!(room.state.time_out(&carol.id(), NOW + 80_000).is_some());
    room.leave(&carol).unwrap();
    room.act(&bob, time_out(&carol, 0)).unwrap();
    assert!(room.state.time_out(&carol.id(), NOW).is_none());
}

#[test]
fn what_is_written_in_a_time_out_does_not_count_by_what_was_known() {
    let (mut room, [alice, _, carol, ..]) = room();
    let before = room.state.seq;
    let until = NOW + 60_000;
    room.act(&alice, time_out(&carol, until)).unwrap();
    let held = room.state.seq;
    room.act(&alice, time_out(&carol, 0)).unwrap();
    let lifted = room.state.seq;
    room.act(&alice, time_out(&carol, until + 60_000)).unwrap();
    let again = room.state.seq;
    let state = &room.state;
    let is = |known, at_ms| state.is_timed_out(&carol.id(), known, at_ms);
    assert!(!is(before, NOW));
    assert!(is(held, NOW) && is(held, until - 1) && !is(held, until));
    assert!(!is(lifted, NOW) && !is(lifted, 0));
    assert!(is(again, until) && !is(again, until + 60_000));
    assert!(!state.is_timed_out(&alice.id(), again, NOW));
    assert_eq!(state.time_out_ends(&carol.id()), until + 60_000);
    assert_eq!(state.time_out_ends(&alice.id()), 0);
}

#[test]
fn slow_mode_is_for_who_may_rename_and_within_its_bounds() {
    let (mut room, [alice, bob, carol, ..]) = room();
    assert_eq!(no(&room, &carol, slow(30)), LogError::NotAllowed);
    for seconds in [1, MIN_SLOW_SECS - 1, MAX_SLOW_SECS + 1, u32::MAX] {
        assert_eq!(no(&room, &alice, slow(seconds)), LogError::NotAllowed);
    }
    let elsewhere = RoomBody::SetSlowMode {
        channel: ChannelId::from_bytes([4; 16]),
        seconds: 30,
    };
    assert_eq!(no(&room, &alice, elsewhere), LogError::NoSuchTarget);
    let before = room.state.seq;
    assert_eq!(room.state.slow_mode(&ChannelId::MAIN), 0);
    room.act(&bob, slow(MIN_SLOW_SECS)).unwrap();
    let first = room.state.seq;
    room.act(&alice, slow(MAX_SLOW_SECS)).unwrap();
    let second = room.state.seq;
    room.act(&alice, slow(0)).unwrap();
    let state = &room.state;
    let at = |who: &Person, seq| state.slowed_at(&who.id(), &ChannelId::MAIN, seq);
    assert_eq!(
        [before, first, second, state.seq].map(|seq| at(&carol, seq)),
        [0, MIN_SLOW_SECS, MAX_SLOW_SECS, 0]
    );
    assert_eq!([first, second].map(|seq| (at(&bob, seq), at(&alice, seq))), [(0, 0); 2]);
    assert_eq!(state.slowed_at(&carol.id(), &ChannelId::from_bytes([4; 16]), second), 0);
}

#[test]
fn slow_mode_goes_by_the_role_that_somebody_had_then() {
    let (mut room, [alice, _, carol, ..]) = room();
    room.act(&alice, slow(60)).unwrap();
    let member = room.state.seq;
    room.set_role(&alice, &carol, Moderator).unwrap();
    let moderator = room.state.seq;
    room.set_role(&alice, &carol, Member).unwrap();
    let again = room.state.seq;
    room.leave(&carol).unwrap();
    room.add(&alice, &carol, Moderator).unwrap();
    let back = room.state.seq;
    let at = |seq| room.state.slowed_at(&carol.id(), &ChannelId::MAIN, seq);
    assert_eq!([member, moderator, again, back].map(at), [60, 0, 60, 0]);
}

#[test]
fn a_reason_stands_right_behind_what_it_speaks_of_and_is_its_makers() {
    let (mut room, [alice, bob, carol, dave, _]) = room();
    assert_eq!(no(&room, &alice, reason(1, room.state.seq)), LogError::NoSuchTarget);
    let redact = RoomBody::Redact {
        target: EnvelopeHash::from_bytes([7; 32]),
        edits: List::default(),
    };
    for (actor, body) in [
        (&bob, redact),
        (&bob, time_out(&carol, NOW + 60_000)),
        (&alice, slow(60)),
    ] {
        room.act(actor, body).unwrap();
        let of = room.state.seq;
        let other = if actor.id() == alice.id() { &bob } else { &alice };
        assert_eq!(no(&room, other, reason(1, of)), LogError::NoSuchTarget);
        assert_eq!(no(&room, actor, reason(1, of - 1)), LogError::NoSuchTarget);
        assert_eq!(no(&room, actor, reason(1, of + 1)), LogError::NoSuchTarget);
        assert_eq!(no(&room, actor, reason(2, of)), LogError::BadEpoch);
        room.act(actor, reason(1, of)).unwrap();
        assert_eq!(no(&room, actor, reason(1, of)), LogError::NoSuchTarget, "one at most");
    }
    // The key is changed in between, and then it is the new one's.
    room.remove(&bob, &carol).unwrap();
    let of = room.state.seq;
    room.epoch(&bob).unwrap();
    assert_eq!(no(&room, &bob, reason(1, of)), LogError::BadEpoch);
    room.act(&bob, reason(2, of)).unwrap();
    // Not once something else has happened.
    room.ban(&bob, &dave).unwrap();
    let of = room.state.seq;
    room.act(&alice, slow(0)).unwrap();
    assert_eq!(no(&room, &bob, reason(2, of)), LogError::NoSuchTarget);
}

#[test]
fn a_relay_takes_a_few_messages_in_the_time_of_one_text() {
    let mut pace = Pace::default();
    for at in 0..SLOW_BURST as u64 {
        assert_eq!(pace.take(30, 1_000 * at), Ok(()));
    }
    assert_eq!(pace.take(30, 5_000), Err(25));
    assert_eq!(pace.take(30, 29_999), Err(1));
    assert_eq!(pace.take(30, 30_000), Ok(()), "the first has had its time");
    assert_eq!(pace.take(30, 30_000), Err(1));
    assert_eq!(pace.take(5, 36_000), Ok(()), "it is what holds now that counts");
    assert_eq!(pace.take(u32::MAX, 0), Ok(()));
}

#[test]
fn a_direct_message_has_none_of_this() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let mut room = TestRoom::direct(&alice, &bob);
    room.epoch(&alice).unwrap();
    for body in [time_out(&bob, NOW + 60_000), slow(30), reason(1, 1)] {
        assert_eq!(no(&room, &alice, body), LogError::RosterFrozen);
    }
}

#[test]
fn a_reason_opens_under_its_key_for_its_entry_alone() {
    let (room, _) = room();
    let (secret, id) = (room.secret().unwrap(), room.id());
    let sealed = seal_reason(&mut FixedRng::new("reason"), &secret, &id, 1, 7, b"spam");
    assert_eq!(open_reason(&secret, &id, 1, 7, &sealed).unwrap(), b"spam");
    assert!(open_reason(&secret, &id, 1, 8, &sealed).is_err());
    assert!(open_reason(&secret, &id, 2, 7, &sealed).is_err());
    let other = TestRoom::group(&Person::new("zoe")).id();
    assert!(open_reason(&secret, &other, 1, 7, &sealed).is_err());
    assert!(sotto_shared::crypto::epoch::open_meta(&secret, &id, 1, &sealed).is_err());
}

#[test]
fn owners_answer_to_nobody_and_the_last_one_stays() {
    let (mut room, [alice, bob, ..]) = room();
    room.set_role(&alice, &bob, Owner).unwrap();
    assert_eq!(no(&room, &alice, time_out(&bob, NOW + 60_000)), LogError::NotAllowed);
    room.set_role(&bob, &bob, Member).unwrap();
    assert_eq!(
        no(
            &room,
            &alice,
            RoomBody::SetRole {
                user_id: alice.id(),
                role: Member
            }
        ),
        LogError::LastOwner
    );
}

#[test]
fn whose_account_is_closed_hears_of_no_report() {
    let (mut room, [alice, mut bob, carol, _, erin]) = room();
    let nobody = BTreeSet::new();
    let readers = |room: &TestRoom| -> BTreeSet<UserId> {
        let by = carol.id();
        room.state.report_readers(&by, &nobody).copied().collect()
    };
    assert_eq!(readers(&room), BTreeSet::from([alice.id(), bob.id(), erin.id()]));
    bob.close();
    assert!(room.state.hears_reports(&bob.id()), "the room has not heard of it");
    room.learn(&bob);
    room.update(&alice, &bob).unwrap();
    assert!(!room.state.hears_reports(&bob.id()));
    assert_eq!(readers(&room), BTreeSet::from([alice.id(), erin.id()]));
}
