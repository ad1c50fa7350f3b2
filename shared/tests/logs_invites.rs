//! Invites in a room's log: who makes them, whom they let in, and what is tried with them.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use sotto_shared::codec::{Codec, List};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::id::InviteId;
use sotto_shared::link::invite_key;
use sotto_shared::log::LogError;
use sotto_shared::log::room_log::{
    Event, History, JoinMode, MAX_OPEN_INVITES, Role, RoomBody, RoomEntry, RoomKind, invite_id, join_bytes,
};
use sotto_shared::testing::people::{NOW, Person, TestRoom, key};

use JoinMode::{Approval, Member as In};
use Role::{Member, Moderator, Owner};

const WEEK: u64 = 7 * 24 * 3_600_000;

/// Alice owns, bob moderates, carol is a member; dave has a link to "door".
fn room() -> (TestRoom, [Person; 4]) {
    let [alice, bob, carol, dave] = ["alice", "bob", "carol", "dave"].map(Person::new);
    let mut room = TestRoom::group(&alice);
    room.add(&alice, &bob, Moderator).unwrap();
    room.add(&alice, &carol, Member).unwrap();
    room.epoch(&alice).unwrap();
    room.invite(&alice, "door", Member, In).unwrap();
    room.learn(&dave);
    (room, [alice, bob, carol, dave])
}

fn no(result: Result<Event, LogError>) -> LogError {
    result.map(|event| event.body).expect_err("must be refused")
}

fn revoke(room: &TestRoom, name: &str) -> RoomBody {
    RoomBody::RevokeInvite {
        invite_id: room.invite_id(name),
    }
}

/// An invite like that of this name, but for what is changed.
fn invite_with(
    room: &TestRoom,
    name: &str,
    change: impl FnOnce(&mut Role, &mut u32, &mut u64, &mut InviteId),
) -> RoomBody {
    let mut body = room.invite_body(name, Member, In);
    if let RoomBody::CreateInvite {
        role,
        max_uses,
        expires,
        invite_id,
        ..
    } = &mut body
    {
        change(role, max_uses, expires, invite_id);
    }
    body
}

/// Who is in, who asked, and how often the invite was used.
fn counts(room: &TestRoom, name: &str) -> (usize, usize, u32) {
    let state = &room.state;
    let invite = &state.invites[&room.invite_id(name)];
    (state.members.len(), state.requests.len(), invite.uses)
}

#[test]
fn who_holds_the_link_lets_themselves_in_and_everybody_sees_the_same() {
    let (mut room, [alice, .., dave]) = room();
    assert_eq!(counts(&room, "door"), (3, 0, 0));
    room.join("door", &dave).unwrap();
    assert_eq!(counts(&room, "door"), (4, 0, 1));
    let member = &room.state.members[&dave.id()];
    assert_eq!((member.role, member.since), (Member, room.state.seq));
    assert!(room.state.may_post(&dave.id(), &dave.device_id()));
    let author = room.state.author_key(&dave.id(), &dave.device_id(), room.state.seq);
    assert_eq!(author, Some(&dave.device().public()));
    assert!(
        !room.state.rotation_due,
        "shared history: the key they get is the one there is"
    );
    room.epoch(&dave).unwrap();
    assert_eq!(no(room.join("door", &dave)), LogError::AlreadyThere);
    assert_eq!(no(room.join("door", &alice)), LogError::AlreadyThere);
}

#[test]
fn where_history_begins_on_joining_a_new_key_is_due() {
    let (alice, dave) = (Person::new("alice"), Person::new("dave"));
    let mut room = TestRoom::group_with(&alice, History::Joined);
    room.epoch(&alice).unwrap();
    room.invite(&alice, "door", Member, In).unwrap();
    room.invite(&alice, "desk", Member, Approval).unwrap();
    room.join("desk", &Person::new("carol")).unwrap();
    assert!(!room.state.rotation_due, "asking changes nothing");
    room.join("door", &dave).unwrap();
    assert!(room.state.rotation_due);
}

#[test]
fn who_may_make_an_invite_and_for_which_role() {
    let (room, [alice, bob, carol, dave]) = room();
    let made = |by: &Person, role| room.clone().invite(by, "other", role, In).map(|_| ());
    for (by, role, wanted) in [
        (&alice, Member, Ok(())),
        (&alice, Moderator, Ok(())),
        (&alice, Owner, Err(LogError::NotAllowed)),
        (&bob, Member, Ok(())),
        (&bob, Moderator, Err(LogError::NotAllowed)),
        (&carol, Member, Ok(())),
        (&carol, Moderator, Err(LogError::NotAllowed)),
        (&dave, Member, Err(LogError::NotMember)),
    ] {
        assert_eq!(made(by, role), wanted, "{} for {role:?}", by.name);
    }
}

#[test]
fn an_invite_gives_the_role_it_names() {
    let (mut room, [alice, .., dave]) = room();
    room.invite(&alice, "staff", Moderator, In).unwrap();
    room.join("staff", &dave).unwrap();
    assert_eq!(room.state.members[&dave.id()].role, Moderator);
}

#[test]
fn an_invites_id_is_that_of_its_key_and_is_made_once() {
    let (mut room, [alice, bob, ..]) = room();
    assert_eq!(no(room.invite(&bob, "door", Member, In)), LogError::AlreadyThere);
    let body = invite_with(&room, "other", |_, _, _, id| *id = InviteId::from_bytes([7; 16]));
    assert_eq!(no(room.act(&alice, body)), LogError::NoSuchInvite);
    room.act(&alice, revoke(&room, "door")).unwrap();
    assert_eq!(
        no(room.invite(&alice, "door", Member, In)),
        LogError::AlreadyThere,
        "not even after it was revoked"
    );
}

#[test]
fn the_invites_that_are_open_at_a_time_are_bounded() {
    let (mut room, [alice, ..]) = room();
    for index in 1..MAX_OPEN_INVITES {
        room.invite(&alice, &format!("door {index}"), Member, In).unwrap();
    }
    assert_eq!(no(room.invite(&alice, "one more", Member, In)), LogError::TooMany);
    room.act(&alice, revoke(&room, "door")).unwrap();
    room.invite(&alice, "one more", Member, In).unwrap();
}

#[test]
fn uses_are_counted_in_the_order_of_the_log() {
    let (mut room, [alice, _, _, dave]) = room();
    let body = invite_with(&room, "two", |_, uses, _, _| *uses = 2);
    room.act(&alice, body).unwrap();
    room.join("two", &dave).unwrap();
    // Going and coming again is a use.
    room.remove(&alice, &dave).unwrap();
    room.join("two", &dave).unwrap();
    let erin = Person::new("erin");
    assert_eq!(no(room.join("two", &erin)), LogError::InviteOver);
    // One that nobody can use is none: there could be any number of them.
    let never = invite_with(&room, "never", |_, uses, _, _| *uses = 0);
    let past = invite_with(&room, "past", |_, _, expires, _| *expires = NOW - 1);
    for body in [never, past] {
        assert_eq!(no(room.act(&alice, body)), LogError::NoSuchInvite);
    }
    let next = NOW + room.state.seq + 1;
    let now = invite_with(&room, "now", |_, _, expires, _| *expires = next);
    room.act(&alice, now).unwrap();
    room.join("door", &erin).unwrap();
}

#[test]
fn an_invite_ends_at_its_time() {
    let (room, [_, _, _, dave]) = room();
    let at = |ts| {
        let mut entry = room.entry(&dave, room.join_body("door", &dave));
        entry.ts = ts;
        room.clone()
            .take(TestRoom::sign_entry(&entry, dave.device()))
            .map(|_| ())
    };
    assert_eq!(at(0), Ok(()));
    assert_eq!(at(NOW + WEEK), Ok(()));
    assert_eq!(at(NOW + WEEK + 1), Err(LogError::InviteOver));
    assert_eq!(at(u64::MAX), Err(LogError::InviteOver));
}

#[test]
fn a_revoked_invite_lets_nobody_in() {
    let (mut room, [alice, bob, carol, dave]) = room();
    assert_eq!(no(room.act(&dave, revoke(&room, "door"))), LogError::NotMember);
    assert_eq!(
        no(room.act(&carol, revoke(&room, "door"))),
        LogError::NotAllowed,
        "a member takes back their own alone"
    );
    assert_eq!(no(room.act(&bob, revoke(&room, "unheard of"))), LogError::NoSuchInvite);
    room.act(&bob, revoke(&room, "door")).unwrap();
    assert_eq!(no(room.act(&alice, revoke(&room, "door"))), LogError::InviteOver);
    assert_eq!(no(room.join("door", &dave)), LogError::InviteOver);
    room.invite(&carol, "mine", Member, In).unwrap();
    room.act(&carol, revoke(&room, "mine")).unwrap();
    assert_eq!(no(room.join("mine", &dave)), LogError::InviteOver);
}

#[test]
fn an_invite_is_worth_what_its_maker_may_do_now() {
    let (mut room, [alice, bob, carol, dave]) = room();
    room.invite(&carol, "carols", Member, In).unwrap();
    room.remove(&alice, &carol).unwrap();
    assert_eq!(no(room.join("carols", &dave)), LogError::InviteOver);
    room.set_role(&alice, &bob, Owner).unwrap();
    room.invite(&bob, "staff", Moderator, In).unwrap();
    room.set_role(&bob, &bob, Moderator).unwrap();
    assert_eq!(no(room.join("staff", &dave)), LogError::InviteOver);
}

#[test]
fn a_join_is_signed_by_the_link_and_by_a_browser_of_whom_it_lets_in() {
    let (room, [alice, _, carol, mut dave]) = room();
    let try_with = |change: &dyn Fn(&mut RoomEntry), key: &sotto_shared::crypto::secret::PrivateKey| {
        let mut entry = room.entry(&dave, room.join_body("door", &dave));
        change(&mut entry);
        room.clone().take(TestRoom::sign_entry(&entry, key)).map(|_| ())
    };
    let device = dave.device().clone();
    assert_eq!(try_with(&|_| (), &device), Ok(()));
    // Without the link.
    let bad_sig = |change: fn(&mut [u8; 16], &mut [u8; 64])| {
        try_with(
            &|entry| {
                if let RoomBody::Join { nonce, inv_sig, .. } = &mut entry.body {
                    change(nonce, inv_sig);
                }
            },
            &device,
        )
    };
    assert_eq!(bad_sig(|nonce, _| nonce[0] ^= 1), Err(LogError::Signature));
    assert_eq!(bad_sig(|_, sig| sig[9] ^= 1), Err(LogError::Signature));
    assert_eq!(bad_sig(|_, sig| *sig = [0; 64]), Err(LogError::Signature));
    // Another device's signature, and a device that is not theirs.
    assert_eq!(try_with(&|_| (), alice.device()), Err(LogError::Signature));
    let carols = carol.device_id();
    assert_eq!(
        try_with(&|entry| entry.actor_dk = carols, carol.device()),
        Err(LogError::DeviceNotActive)
    );
    // In the name of somebody else, or to let in somebody else.
    let erin = Person::new("erin");
    assert_eq!(
        try_with(&|entry| entry.actor = erin.id(), &device),
        Err(LogError::NotMember)
    );
    let mut with_erin = room.clone();
    with_erin.learn(&erin);
    let stolen = RoomBody::Join {
        invite_id: room.invite_id("door"),
        member: erin.member_ref(),
        nonce: [0x70; 16],
        inv_sig: match room.join_body("door", &dave) {
            RoomBody::Join { inv_sig, .. } => inv_sig,
            _ => unreachable!(),
        },
    };
    assert_eq!(
        no(with_erin.act(&erin, stolen)),
        LogError::Signature,
        "what Dave's link signed is Dave's"
    );
    // A browser that was revoked in the log it names, and one that the log does not have yet.
    dave.add_device();
    dave.revoke(0);
    let mut later = room.clone();
    later.learn(&dave);
    let mut old = later.entry(&dave, later.join_body("door", &dave));
    assert_eq!(
        later
            .clone()
            .take(TestRoom::sign_entry(&old, dave.device()))
            .map(|_| ()),
        Err(LogError::DeviceNotActive)
    );
    old.actor_dk = dave.devices[1].public().key_id();
    later.take(TestRoom::sign_entry(&old, &dave.devices[1])).unwrap();
}

#[test]
fn a_join_with_the_key_of_another_invite_or_room_is_none() {
    let (mut room, [alice, _, _, dave]) = room();
    room.invite(&alice, "side", Member, In).unwrap();
    let mut body = room.join_body("door", &dave);
    if let RoomBody::Join { invite_id, .. } = &mut body {
        *invite_id = room.invite_id("side");
    }
    assert_eq!(no(room.act(&dave, body)), LogError::Signature);
    let mut unknown = room.join_body("door", &dave);
    if let RoomBody::Join { invite_id, .. } = &mut unknown {
        *invite_id = InviteId::from_bytes([1; 16]);
    }
    assert_eq!(no(room.act(&dave, unknown)), LogError::NoSuchInvite);
    // The same secret gives another key in another room.
    let mut genesis = TestRoom::genesis_of(&alice, RoomKind::Group, &[], History::Shared);
    genesis.nonce = [0; 16];
    let mut two = TestRoom::begin(&alice, &genesis, &[&alice, &dave]).unwrap();
    assert_ne!(two.invite_id("door"), room.invite_id("door"));
    let secret = TestRoom::invite_secret("door");
    let here = invite_key(&secret, &room.id());
    let signed = join_bytes(&two.id(), &room.invite_id("door"), &dave.id(), &[0x70; 16]);
    assert_eq!(invite_id(&here.public()), room.invite_id("door"));
    two.invite(&alice, "door", Member, In).unwrap();
    let mut body = two.join_body("door", &dave);
    if let RoomBody::Join { inv_sig, .. } = &mut body {
        *inv_sig = here.sign(Label::Join, &signed);
    }
    assert_eq!(no(two.act(&dave, body)), LogError::Signature);
}

#[test]
fn a_join_names_a_log_the_reader_has_and_moves_forward_on_it() {
    let (mut room, [alice, _, _, mut dave]) = room();
    let erin = Person::new("erin");
    assert_eq!(
        no(room.act(&erin, room.join_body("door", &erin))),
        LogError::NeedsUserLog {
            user: erin.id(),
            seq: 1
        }
    );
    let before = dave.clone();
    dave.add_device();
    dave.revoke(1);
    room.join("door", &dave).unwrap();
    room.remove(&alice, &dave).unwrap();
    let mut old = room.entry(&before, room.join_body("door", &before));
    old.actor_dk = before.device_id();
    assert_eq!(
        no(room.take(TestRoom::sign_entry(&old, before.device()))),
        LogError::Sequence
    );
    // A log of another past under the same name.
    let mut fork = before.clone();
    for _ in 0..2 {
        fork.rotate_kem();
    }
    let honest = dave.clone();
    room.learn(&fork);
    assert_eq!(
        no(room.act(&fork, room.join_body("door", &fork))),
        LogError::UserLogMismatch
    );
    room.join("door", &honest).unwrap();
    let mut closed = Person::new("frank");
    closed.close();
    assert_eq!(no(room.join("door", &closed)), LogError::NoSuchTarget);
}

#[test]
fn who_is_banned_does_not_come_back_by_a_link() {
    let (mut room, [alice, _, _, dave]) = room();
    room.join("door", &dave).unwrap();
    room.ban(&alice, &dave).unwrap();
    assert_eq!(no(room.join("door", &dave)), LogError::Banned);
    room.unban(&alice, &dave).unwrap();
    room.join("door", &dave).unwrap();
}

#[test]
fn a_direct_room_has_no_invites() {
    let (alice, bob, dave) = (Person::new("alice"), Person::new("bob"), Person::new("dave"));
    let mut room = TestRoom::direct(&alice, &bob);
    assert_eq!(no(room.invite(&alice, "door", Member, In)), LogError::RosterFrozen);
    assert_eq!(no(room.join("door", &dave)), LogError::RosterFrozen);
}

#[test]
fn a_closed_room_lets_nobody_in() {
    let (mut room, [alice, _, _, dave]) = room();
    room.close(&alice).unwrap();
    assert_eq!(no(room.join("door", &dave)), LogError::Closed);
}

// --- Approval ----------------------------------------------------------------------------------------------------------------

#[test]
fn who_asks_is_not_in_until_a_moderator_says_so() {
    let (mut room, [alice, bob, carol, dave]) = room();
    room.invite(&carol, "desk", Member, Approval).unwrap();
    room.join("desk", &dave).unwrap();
    assert_eq!(counts(&room, "desk"), (3, 1, 1));
    assert!(!room.state.may_post(&dave.id(), &dave.device_id()));
    assert!(
        room.state
            .author_key(&dave.id(), &dave.device_id(), room.state.seq)
            .is_none()
    );
    let roster = room.state.roster_hash();
    room.epoch(&alice).unwrap();
    assert_eq!(room.state.roster_hash(), roster, "no key is made for them");
    assert_eq!(no(room.act(&dave, RoomBody::Leave)), LogError::NotMember);
    assert_eq!(no(room.join("desk", &dave)), LogError::AlreadyThere);
    assert_eq!(
        no(room.join("door", &dave)),
        LogError::AlreadyThere,
        "nor by the other door"
    );
    assert_eq!(
        no(room.add(&carol, &dave, Member)),
        LogError::NotAllowed,
        "a member does not decide"
    );
    room.add(&bob, &dave, Member).unwrap();
    assert_eq!(counts(&room, "desk"), (4, 0, 1));
}

#[test]
fn who_asks_can_be_sent_away_and_kept_away() {
    let (mut room, [_, bob, carol, dave]) = room();
    room.invite(&bob, "desk", Member, Approval).unwrap();
    room.join("desk", &dave).unwrap();
    assert_eq!(no(room.remove(&carol, &dave)), LogError::NotAllowed);
    assert_eq!(room.state.requests.len(), 1);
    room.remove(&bob, &dave).unwrap();
    assert_eq!(counts(&room, "desk"), (3, 0, 1));
    assert!(!room.state.rotation_due, "they never had a key");
    assert!(!room.state.former.contains_key(&dave.id()), "nor wrote anything");
    room.join("desk", &dave).unwrap();
    room.ban(&bob, &dave).unwrap();
    assert_eq!(no(room.join("desk", &dave)), LogError::Banned);
    assert_eq!(no(room.add(&bob, &dave, Member)), LogError::Banned);
}

#[test]
fn who_asked_does_not_come_in_with_an_older_view() {
    let (mut room, [_, bob, _, mut dave]) = room();
    room.invite(&bob, "desk", Member, Approval).unwrap();
    dave.add_device();
    dave.revoke(1);
    room.join("desk", &dave).unwrap();
    let old = RoomBody::AddMember {
        member: dave.member_ref_at(2),
        role: Member,
    };
    assert_eq!(no(room.act(&bob, old)), LogError::Sequence);
    dave.rotate_kem();
    room.add(&bob, &dave, Member).unwrap();
    assert_eq!(room.state.members[&dave.id()].view.kem_g, 2);
}

#[test]
fn a_former_member_who_asks_and_is_sent_away_stays_what_they_were() {
    let (mut room, [_, bob, carol, _]) = room();
    room.invite(&bob, "desk", Member, Approval).unwrap();
    room.remove(&bob, &carol).unwrap();
    let was = room.state.former[&carol.id()].clone();
    room.join("desk", &carol).unwrap();
    room.ban(&bob, &carol).unwrap();
    let is = &room.state.former[&carol.id()];
    assert_eq!(
        (is.since, is.until, &is.cut, is.banned),
        (was.since, was.until, &was.cut, true)
    );
}

// --- Proofs --------------------------------------------------------------------------------------------------------------------

#[test]
fn every_signature_of_a_join_counts_and_names_its_entry() {
    let (mut room, [alice, .., dave]) = room();
    let start = TestRoom::begin(
        &alice,
        &TestRoom::genesis_of(&alice, RoomKind::Group, &[], History::Shared),
        &[&alice],
    )
    .unwrap();
    room.join("door", &dave).unwrap();
    room.act(&alice, revoke(&room, "door")).unwrap();
    let unproven = start.state.extend(&room.blobs, &room.logs).unwrap();
    let labels: Vec<Label> = unproven.jobs().iter().map(|job| job.label).collect();
    assert_eq!(
        labels.iter().filter(|label| **label == Label::RoomLog).count(),
        room.blobs.len()
    );
    let at = labels.iter().position(|label| *label == Label::Join).unwrap();
    assert_eq!(at, room.blobs.len() - 2, "before that of its own entry");
    // The device's signature covers the link's: one that is exchanged breaks both.
    let mut blobs: Vec<SignedBlob> = room.blobs.clone();
    let mut entry = RoomEntry::from_bytes(&blobs[at].body).unwrap();
    if let RoomBody::Join { inv_sig, .. } = &mut entry.body {
        *inv_sig = key("nobody").sign(Label::Join, b"nothing");
    }
    blobs.truncate(at + 1);
    blobs[at] = TestRoom::sign_entry(&entry, dave.device());
    let unproven = start.state.extend(&blobs, &room.logs).unwrap();
    assert_eq!(unproven.prove_here().map(|_| ()), Err(at));
    let cut = RoomBody::Remove {
        user_id: dave.id(),
        ban: false,
        cut: List::default(),
    };
    room.act(&alice, cut).unwrap();
}
