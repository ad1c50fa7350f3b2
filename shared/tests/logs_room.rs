//! The rules of room logs, one by one, and what a relay, a member or a thief may try against them.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use sotto_shared::codec::{Bytes, Codec, DecodeError, List};
use sotto_shared::crypto::epoch;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::secret::EpochSecret;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::id::{ChannelId, EnvelopeHash, Head, RoomId, UserId};
use sotto_shared::log::LogError;
use sotto_shared::log::roles::{Permission, Roles};
use sotto_shared::log::room_log::{
    Cut, EpochReason, Event, History, MAX_MEMBERS, News, Policy, Role, RoomBody, RoomEntry, RoomGenesis, RoomKind,
    RoomState, room_id,
};
use sotto_shared::log::user_log::{MAX_USER_ENTRIES, UserBody};
use sotto_shared::testing::people::{Person, TestRoom, key};

use Role::{Member, Moderator, Owner};

fn people() -> [Person; 4] {
    ["alice", "bob", "carol", "dave"].map(Person::new)
}

/// Alice owns, bob moderates, carol and dave are members.
fn room() -> (TestRoom, [Person; 4]) {
    let [alice, bob, carol, dave] = people();
    let mut room = TestRoom::group(&alice);
    room.add(&alice, &bob, Moderator).unwrap();
    room.add(&alice, &carol, Member).unwrap();
    room.add(&alice, &dave, Member).unwrap();
    room.epoch(&alice).unwrap();
    (room, [alice, bob, carol, dave])
}

fn no(result: Result<Event, LogError>) -> LogError {
    result.map(|event| event.body).expect_err("must be refused")
}

fn update(who: &Person) -> RoomBody {
    RoomBody::UserUpdate {
        member: who.member_ref(),
        cut: List::default(),
    }
}

fn policy(history: History) -> RoomBody {
    RoomBody::SetPolicy {
        policy: Policy { suite: 1, history },
    }
}

fn redact() -> RoomBody {
    RoomBody::Redact {
        target: EnvelopeHash::from_bytes([7; 32]),
        edits: List::default(),
    }
}

const fn ttl(seconds: u32) -> RoomBody {
    RoomBody::SetTtl { seconds, after: 0 }
}

fn meta(n: u32) -> RoomBody {
    RoomBody::SetMeta {
        n,
        sealed: Bytes::new(vec![1; 80]).unwrap(),
    }
}

fn cut(channel: ChannelId, seq: u64) -> Cut {
    Cut {
        channel,
        seq,
        transcript: Head::from_bytes([seq as u8; 32]),
    }
}

// --- Genesis -------------------------------------------------------------------------------------------------------------

#[test]
fn a_genesis_counts_under_its_own_id_alone() {
    let alice = Person::new("alice");
    let room = TestRoom::group(&alice);
    let other = RoomId::from_bytes([0; 32]);
    assert_eq!(
        RoomState::begin(&room.genesis, &other, &room.logs).map(|_| ()),
        Err(LogError::WrongLog)
    );
    let again = RoomState::begin(&room.genesis, &room.id(), &room.logs)
        .unwrap()
        .prove_here()
        .unwrap();
    assert_eq!((again.seq, again.head, again.creator), (0, room.state.head, alice.id()));
    assert!(again.rotation_due, "before the first key nobody may send");
    assert_eq!(again.members[&alice.id()].role, Owner);
}

#[test]
fn a_genesis_is_signed_by_the_creators_device() {
    let (alice, mallory) = (Person::new("alice"), Person::new("mallory"));
    let genesis = TestRoom::genesis_of(&alice, RoomKind::Group, &[], History::Shared);
    let mut impostor = alice.clone();
    impostor.devices = mallory.devices.clone();
    let claim = |genesis: &RoomGenesis, signer: &Person| {
        TestRoom::begin(signer, genesis, &[&alice, &mallory])
            .map(|_| ())
            .unwrap_err()
    };
    assert_eq!(claim(&genesis, &impostor), LogError::Signature);
    // Alice as the creator, but a device that is not hers.
    let mut foreign = genesis.clone();
    foreign.creator_dk = mallory.device_id();
    assert_eq!(claim(&foreign, &mallory), LogError::DeviceNotActive);
    let mut unknown = genesis;
    unknown.creator.ulog_seq = 9;
    assert_eq!(
        claim(&unknown, &alice),
        LogError::NeedsUserLog {
            user: alice.id(),
            seq: 9
        }
    );
}

#[test]
fn a_genesis_by_a_revoked_or_closed_creator_is_refused() {
    let mut alice = Person::new("alice");
    alice.add_device();
    alice.revoke(0);
    let by = |alice: &Person| {
        let genesis = TestRoom::genesis_of(alice, RoomKind::Group, &[], History::Shared);
        TestRoom::begin(alice, &genesis, &[alice]).map(|_| ())
    };
    assert_eq!(by(&alice), Err(LogError::DeviceNotActive));
    alice.use_device(1);
    assert_eq!(by(&alice), Ok(()));
    alice.close();
    assert_eq!(by(&alice), Err(LogError::DeviceNotActive));
}

#[test]
fn a_direct_room_has_exactly_two_different_people_and_a_group_begins_with_one() {
    let [alice, bob, ..] = people();
    let begin = |kind, members: &[&Person]| {
        let genesis = TestRoom::genesis_of(&alice, kind, members, History::Shared);
        TestRoom::begin(&alice, &genesis, &[&alice, &bob]).map(|room| room.state.members.len())
    };
    assert_eq!(begin(RoomKind::Direct, &[&bob]), Ok(2));
    assert_eq!(begin(RoomKind::Direct, &[]), Err(LogError::RosterFrozen));
    assert_eq!(begin(RoomKind::Direct, &[&alice]), Err(LogError::RosterFrozen));
    assert_eq!(begin(RoomKind::Group, &[]), Ok(1));
    assert_eq!(begin(RoomKind::Group, &[&bob]), Err(LogError::RosterFrozen));
}

#[test]
fn a_direct_room_does_not_begin_with_a_closed_account_as_a_group_does_not_add_one() {
    let [alice, mut bob, ..] = people();
    bob.close();
    let genesis = TestRoom::genesis_of(&alice, RoomKind::Direct, &[&bob], History::Shared);
    assert_eq!(
        TestRoom::begin(&alice, &genesis, &[&alice, &bob]).map(|_| ()),
        Err(LogError::NoSuchTarget)
    );
    assert_eq!(
        no(TestRoom::group(&alice).add(&alice, &bob, Member)),
        LogError::NoSuchTarget
    );
}

#[test]
fn a_suite_nobody_knows_is_refused() {
    let alice = Person::new("alice");
    for suite in [0, 2, u16::MAX] {
        let mut genesis = TestRoom::genesis_of(&alice, RoomKind::Group, &[], History::Shared);
        genesis.policy.suite = suite;
        assert_eq!(
            TestRoom::begin(&alice, &genesis, &[&alice]).map(|_| ()),
            Err(LogError::BadSuite)
        );
        let body = RoomBody::SetPolicy {
            policy: Policy {
                suite,
                history: History::Shared,
            },
        };
        assert_eq!(no(TestRoom::group(&alice).act(&alice, body)), LogError::BadSuite);
    }
}

// --- Chain -----------------------------------------------------------------------------------------------------------------

#[test]
fn entries_count_up_and_build_on_the_last_and_belong_to_this_room() {
    let (room, [alice, ..]) = room();
    let good = room.entry(&alice, meta(1));
    let with = |change: fn(&mut RoomEntry)| {
        let mut entry = good.clone();
        change(&mut entry);
        room.clone()
            .take(TestRoom::sign_entry(&entry, alice.device()))
            .map(|_| ())
    };
    assert_eq!(with(|_| ()), Ok(()));
    assert_eq!(with(|entry| entry.seq += 1), Err(LogError::Sequence));
    assert_eq!(with(|entry| entry.seq -= 1), Err(LogError::Sequence));
    assert_eq!(with(|entry| entry.seq = u64::MAX), Err(LogError::Sequence));
    assert_eq!(
        with(|entry| entry.prev = Head::from_bytes([0; 32])),
        Err(LogError::Chain)
    );
    assert_eq!(
        with(|entry| entry.room_id = RoomId::from_bytes([0; 32])),
        Err(LogError::WrongLog)
    );
    assert_eq!(with(|entry| entry.ts = 0), Ok(()), "clocks are advice");
}

#[test]
fn an_entry_of_one_room_means_nothing_in_another() {
    let [alice, bob, ..] = people();
    let one = TestRoom::group(&alice);
    let mut genesis = TestRoom::genesis_of(&alice, RoomKind::Group, &[], History::Shared);
    genesis.nonce = [0; 16];
    let mut two = TestRoom::begin(&alice, &genesis, &[&alice, &bob]).unwrap();
    let add = one.blob(
        &alice,
        RoomBody::AddMember {
            member: bob.member_ref(),
            role: Member,
        },
    );
    assert_eq!(no(two.take(add.clone())), LogError::WrongLog);
    // Rewritten to fit, it lacks the signature.
    let mut entry = RoomEntry::from_bytes(&add.body).unwrap();
    (entry.room_id, entry.prev) = (two.id(), two.state.head);
    assert_eq!(
        no(two.take(SignedBlob {
            body: entry.to_bytes(),
            sig: add.sig
        })),
        LogError::Signature
    );
}

#[test]
fn an_old_addition_does_not_bring_a_removed_person_back() {
    let (mut room, [alice, _, carol, _]) = room();
    let old = room.blobs[1].clone();
    room.remove(&alice, &carol).unwrap();
    assert_eq!(no(room.take(old)), LogError::Sequence);
}

#[test]
fn two_forks_do_not_mix_and_the_first_bad_entry_stops_a_batch() {
    let (room, [alice, bob, carol, dave]) = room();
    let (mut one, mut two) = (room.clone(), room.clone());
    one.remove(&alice, &carol).unwrap();
    two.remove(&bob, &dave).unwrap();
    one.epoch(&alice).unwrap();
    two.epoch(&alice).unwrap();
    let mixed = [one.blobs[4].clone(), two.blobs[5].clone()];
    assert_eq!(
        room.state.extend(&mixed, &room.logs).map(|_| ()),
        Err((1, LogError::Chain))
    );
    let swapped = [one.blobs[5].clone(), one.blobs[4].clone()];
    assert_eq!(
        room.state.extend(&swapped, &room.logs).map(|_| ()),
        Err((0, LogError::Sequence))
    );
}

#[test]
fn one_job_for_each_entry_and_one_bad_signature_takes_nothing() {
    let (room, [alice, ..]) = room();
    let start = RoomState::begin(&room.genesis, &room.id(), &room.logs)
        .unwrap()
        .prove_here()
        .unwrap();
    let unproven = start.extend(&room.blobs, &room.logs).unwrap();
    assert_eq!(unproven.jobs().len(), room.blobs.len());
    let (state, events) = unproven.prove_here().unwrap();
    assert_eq!((state.head, events.len()), (room.state.head, room.blobs.len()));
    for index in 0..room.blobs.len() {
        let mut blobs = room.blobs.clone();
        blobs[index].sig = alice.device().sign(Label::RoomLog, b"something else");
        let unproven = start.extend(&blobs, &room.logs).unwrap();
        assert_eq!(unproven.prove_here().map(|_| ()), Err(index));
    }
}

#[test]
fn a_genesis_is_no_entry_and_an_entry_no_genesis() {
    let (mut room, _) = room();
    let genesis = room.genesis.clone();
    assert_eq!(no(room.take(genesis)), LogError::Decode(DecodeError::UnknownTag));
    let entry = room.blobs[0].clone();
    let verdict = RoomState::begin(&entry, &room_id(&entry.body), &room.logs).map(|_| ());
    assert_eq!(verdict, Err(LogError::Decode(DecodeError::UnknownTag)));
}

// --- Who acts ----------------------------------------------------------------------------------------------------------------

#[test]
fn an_outsider_changes_nothing() {
    let (mut room, _) = room();
    let mallory = Person::new("mallory");
    room.learn(&mallory);
    let add_self = RoomBody::AddMember {
        member: mallory.member_ref(),
        role: Member,
    };
    let (epoch, _) = room.epoch_body(EpochReason::First);
    for body in [
        add_self,
        RoomBody::Leave,
        RoomBody::Close,
        meta(1),
        epoch,
        update(&mallory),
    ] {
        assert_eq!(no(room.act(&mallory, body)), LogError::NotMember);
    }
}

#[test]
fn nobody_signs_for_another() {
    let (mut room, [alice, bob, carol, _]) = room();
    let entry = room.entry(
        &alice,
        RoomBody::SetRole {
            user_id: carol.id(),
            role: Owner,
        },
    );
    assert_eq!(
        no(room.take(TestRoom::sign_entry(&entry, carol.device()))),
        LogError::Signature
    );
    assert_eq!(
        no(room.take(TestRoom::sign_entry(&entry, &alice.ik))),
        LogError::Signature
    );
    // Alice's name, carol's device.
    let mut mixed = entry.clone();
    mixed.actor_dk = carol.device_id();
    assert_eq!(
        no(room.take(TestRoom::sign_entry(&mixed, carol.device()))),
        LogError::DeviceNotActive
    );
    // Right key, other purpose.
    let body = entry.to_bytes();
    let blob = SignedBlob {
        sig: alice.device().sign(Label::UserLog, &body),
        body,
    };
    assert_eq!(no(room.take(blob)), LogError::Signature);
    let _ = bob;
}

#[test]
fn a_new_browser_first_brings_the_view_that_knows_it() {
    let (mut room, [mut alice, ..]) = room();
    let index = alice.add_device();
    alice.use_device(index);
    room.learn(&alice);
    assert_eq!(no(room.act(&alice, meta(1))), LogError::DeviceNotActive);
    room.update(&alice, &alice).unwrap();
    room.act(&alice, meta(1)).unwrap();
    assert!(
        !room.state.rotation_due,
        "a further browser of a member changes nobody's keys"
    );
    assert!(room.state.may_post(&alice.id(), &alice.device_id()));
}

#[test]
fn a_new_browser_does_not_bring_a_view_of_somebody_else_to_get_in() {
    let (mut room, [mut alice, bob, ..]) = room();
    let index = alice.add_device();
    alice.use_device(index);
    let mut bob_later = bob.clone();
    bob_later.add_device();
    room.learn(&alice);
    room.learn(&bob_later);
    assert_eq!(no(room.act(&alice, update(&bob_later))), LogError::DeviceNotActive);
}

#[test]
fn a_revoked_browser_is_out_once_the_room_has_seen_it() {
    let (mut room, [mut alice, bob, ..]) = room();
    let index = alice.add_device();
    alice.revoke(0);
    room.learn(&alice);
    // The room decides by its own view: until that moves, the old browser counts.
    room.act(&alice, meta(1)).unwrap();
    assert_eq!(
        no(room.act(&alice, update(&alice))),
        LogError::DeviceNotActive,
        "it cannot bring the view itself"
    );
    room.update(&bob, &alice).unwrap();
    assert!(room.state.rotation_due);
    assert_eq!(no(room.act(&alice, meta(1))), LogError::DeviceNotActive);
    assert!(!room.state.may_post(&alice.id(), &alice.device_id()));
    alice.use_device(index);
    room.act(&alice, meta(1)).unwrap();
}

#[test]
fn who_may_have_written_is_decided_at_the_entry_a_message_names() {
    let (mut room, [alice, _, mut carol, _]) = room();
    let device = carol.device_id();
    let key = |room: &TestRoom, at| room.state.author_key(&carol_id(), &device, at).is_some();
    assert!(
        !key(&room, 1) && key(&room, 2) && key(&room, room.state.seq),
        "from her addition on"
    );
    room.remove(&alice, &carol).unwrap();
    let gone = room.state.seq;
    assert!(key(&room, gone - 1) && !key(&room, gone));
    room.epoch(&alice).unwrap();
    room.add(&alice, &carol, Member).unwrap();
    let back = room.state.seq;
    assert!(!key(&room, back - 1) && key(&room, back) && key(&room, gone - 1));
    carol.add_device();
    carol.revoke(0);
    room.update(&alice, &carol).unwrap();
    let revoked = room.state.seq;
    assert!(key(&room, revoked - 1) && !key(&room, revoked));
    let second = carol.devices[1].public();
    assert_eq!(
        room.state.author_key(&carol.id(), &second.key_id(), revoked),
        Some(&second)
    );
    assert_eq!(room.state.author_key(&carol.id(), &second.key_id(), revoked - 1), None);
    assert_eq!(
        room.state.author_key(&alice.id(), &second.key_id(), revoked),
        None,
        "and for nobody else"
    );
}

fn carol_id() -> UserId {
    Person::new("carol").id()
}

// --- Views ---------------------------------------------------------------------------------------------------------------------

#[test]
fn a_view_moves_forward_along_its_own_chain_alone() {
    let (mut room, [alice, mut bob, ..]) = room();
    let fork = {
        let mut fork = bob.clone();
        fork.rotate_kem();
        fork
    };
    bob.add_device();
    bob.add_device();
    room.update(&alice, &bob).unwrap();
    let go = |room: &mut TestRoom, member| {
        room.act(
            &alice,
            RoomBody::UserUpdate {
                member,
                cut: List::default(),
            },
        )
    };
    assert_eq!(no(go(&mut room, bob.member_ref())), LogError::Sequence, "the same");
    assert_eq!(
        no(go(&mut room, bob.member_ref_at(2))),
        LogError::Sequence,
        "an older one"
    );
    let mut ahead = bob.member_ref();
    ahead.ulog_seq = 9;
    assert_eq!(
        no(go(&mut room, ahead.clone())),
        LogError::NeedsUserLog { user: bob.id(), seq: 9 }
    );
    // As long as a log can be, and what nobody would ever have.
    let longest = MAX_USER_ENTRIES;
    ahead.ulog_seq = longest;
    assert_eq!(
        no(go(&mut room, ahead.clone())),
        LogError::NeedsUserLog {
            user: bob.id(),
            seq: longest
        }
    );
    for seq in [longest + 1, u64::MAX] {
        ahead.ulog_seq = seq;
        assert_eq!(no(go(&mut room, ahead.clone())), LogError::UserLogMismatch);
    }
    bob.add_device();
    room.learn(&bob);
    let mut wrong_head = bob.member_ref();
    wrong_head.ulog_head = fork.log.head();
    assert_eq!(no(go(&mut room, wrong_head)), LogError::UserLogMismatch);
    // A reader who was given another history of bob notices, however it goes on.
    let mut fork = fork;
    fork.add_device();
    fork.add_device();
    fork.add_device();
    room.learn(&fork);
    assert_eq!(no(go(&mut room, fork.member_ref())), LogError::UserLogMismatch);
    room.learn(&bob);
    assert!(go(&mut room, bob.member_ref()).is_ok());
}

#[test]
fn a_new_view_says_what_is_new() {
    let (mut room, [alice, mut bob, ..]) = room();
    let news = |room: &mut TestRoom, bob: &Person| room.update(&alice, bob).unwrap().news;
    bob.rotate_kem();
    assert_eq!(news(&mut room, &bob), News::default());
    bob.add_device();
    let (identity, device, closed) = (false, true, false);
    assert_eq!(
        news(&mut room, &bob),
        News {
            identity,
            device,
            closed
        }
    );
    bob.rotate_identity();
    assert_eq!(
        news(&mut room, &bob),
        News {
            identity: true,
            ..News::default()
        }
    );
    bob.close();
    assert_eq!(
        news(&mut room, &bob),
        News {
            closed: true,
            ..News::default()
        }
    );
}

#[test]
fn a_view_is_of_a_member() {
    let (mut room, [alice, ..]) = room();
    let stranger = Person::new("stranger");
    room.learn(&stranger);
    assert_eq!(no(room.act(&alice, update(&stranger))), LogError::NoSuchTarget);
}

#[test]
fn any_member_may_post_anothers_view() {
    let (mut room, [mut alice, _, carol, _]) = room();
    alice.rotate_kem();
    room.update(&carol, &alice).unwrap();
    assert_eq!(room.state.members[&alice.id()].view.kem_g, 2);
}

#[test]
fn a_member_who_comes_back_does_not_come_back_with_an_older_view() {
    // A revoked browser would be back with it, and an old key would be given the room's.
    let (mut room, [alice, bob, mut carol, _]) = room();
    let before = carol.member_ref();
    carol.add_device();
    carol.revoke(0);
    carol.rotate_kem();
    room.update(&alice, &carol).unwrap();
    for leaves in [true, false] {
        let mut room = room.clone();
        if leaves {
            let mut carol = carol.clone();
            carol.use_device(1);
            room.leave(&carol).unwrap();
        } else {
            room.remove(&bob, &carol).unwrap();
        }
        let back = |room: &mut TestRoom, member| room.act(&bob, RoomBody::AddMember { member, role: Member });
        assert_eq!(no(back(&mut room, before.clone())), LogError::Sequence);
        assert_eq!(no(back(&mut room, carol.member_ref_at(3))), LogError::Sequence);
        assert!(back(&mut room, carol.member_ref()).is_ok(), "the same is fine");
    }
}

#[test]
fn a_member_who_comes_back_is_on_the_same_chain() {
    let (mut room, [alice, _, mut carol, _]) = room();
    let mut fork = carol.clone();
    carol.add_device();
    room.update(&alice, &carol).unwrap();
    room.remove(&alice, &carol).unwrap();
    fork.rotate_kem();
    fork.rotate_kem();
    assert_eq!(no(room.add(&alice, &fork, Member)), LogError::UserLogMismatch);
    assert!(room.add(&alice, &carol, Member).is_ok());
}

#[test]
fn a_closed_account_acts_no_more_but_can_be_taken_out() {
    let (mut room, [alice, bob, mut carol, _]) = room();
    carol.close();
    room.update(&bob, &carol).unwrap();
    assert!(room.state.rotation_due);
    assert!(!room.state.may_post(&carol.id(), &carol.device_id()));
    assert_eq!(no(room.leave(&carol)), LogError::DeviceNotActive);
    room.remove(&alice, &carol).unwrap();
}

// --- Direct rooms --------------------------------------------------------------------------------------------------------------

#[test]
fn the_roster_of_a_direct_room_is_frozen() {
    let [alice, bob, carol, _] = people();
    let mut room = TestRoom::direct(&alice, &bob);
    room.epoch(&bob).unwrap();
    assert_eq!(no(room.add(&alice, &carol, Member)), LogError::RosterFrozen);
    assert_eq!(no(room.leave(&bob)), LogError::RosterFrozen);
    assert_eq!(no(room.remove(&alice, &bob)), LogError::RosterFrozen);
    assert_eq!(no(room.ban(&alice, &bob)), LogError::RosterFrozen);
    for role in [Member, Moderator, Owner] {
        assert_eq!(no(room.set_role(&alice, &bob, role)), LogError::RosterFrozen);
        assert_eq!(no(room.set_role(&alice, &alice, role)), LogError::RosterFrozen);
    }
    assert_eq!(no(room.unban(&alice, &bob)), LogError::NoSuchTarget);
    assert_eq!(
        no(room.act(&alice, meta(1))),
        LogError::NotAllowed,
        "it has no name of its own"
    );
    assert!(room.epoch(&alice).is_ok());
}

#[test]
fn a_direct_room_still_sees_new_keys() {
    let [alice, mut bob, ..] = people();
    let mut room = TestRoom::direct(&alice, &bob);
    room.epoch(&alice).unwrap();
    bob.rotate_kem();
    room.update(&alice, &bob).unwrap();
    assert!(room.state.rotation_due);
    room.epoch(&bob).unwrap();
    assert!(!room.state.rotation_due);
}

// --- Roles ---------------------------------------------------------------------------------------------------------------------

#[test]
fn what_each_role_allows_is_written_down() {
    use Permission::{Ban, Call, Channel, Invite, Kick, Meta, Pin, Post, Redact, SetRole};
    let roles = Roles::default();
    let table = [
        (Post, Member),
        (Invite, Member),
        (Kick, Moderator),
        (Ban, Moderator),
        (Meta, Moderator),
        (Redact, Moderator),
        (Channel, Moderator),
        (Pin, Moderator),
        (Call, Moderator),
        (SetRole, Owner),
    ];
    assert_eq!(table.len(), Permission::ALL.len());
    for (permission, least) in table {
        for role in [Member, Moderator, Owner] {
            let standing = roles.standing(role).unwrap();
            assert_eq!(
                standing.rights.has(permission),
                role.number() >= least.number(),
                "{role:?} {permission:?}"
            );
        }
    }
    let ranks = Role::BUILT_IN.map(|role| roles.standing(role).unwrap().rank);
    assert_eq!(ranks, [10, 50, 100]);
}

#[test]
fn a_member_may_invite_and_post_and_nothing_more() {
    let (mut room, [alice, bob, carol, dave]) = room();
    for body in [
        RoomBody::Remove {
            user_id: dave.id(),
            ban: false,
            cut: List::default(),
        },
        RoomBody::Remove {
            user_id: alice.id(),
            ban: true,
            cut: List::default(),
        },
        RoomBody::Unban { user_id: dave.id() },
        RoomBody::SetRole {
            user_id: carol.id(),
            role: Owner,
        },
        RoomBody::SetRole {
            user_id: bob.id(),
            role: Member,
        },
        policy(History::Joined),
        meta(1),
        redact(),
        ttl(3600),
        RoomBody::Close,
    ] {
        assert_eq!(no(room.act(&carol, body.clone())), LogError::NotAllowed, "{body:?}");
    }
    room.add(&carol, &Person::new("erin"), Member).unwrap();
    room.epoch(&carol).unwrap();
}

#[test]
fn a_moderator_governs_members_but_no_equals_and_no_roles() {
    let (mut room, [alice, bob, carol, dave]) = room();
    let mate = Person::new("mate");
    room.add(&alice, &mate, Moderator).unwrap();
    assert_eq!(no(room.remove(&bob, &mate)), LogError::NotAllowed);
    assert_eq!(no(room.ban(&bob, &alice)), LogError::NotAllowed);
    assert_eq!(no(room.set_role(&bob, &carol, Moderator)), LogError::NotAllowed);
    assert_eq!(no(room.set_role(&bob, &bob, Owner)), LogError::NotAllowed);
    assert_eq!(no(room.act(&bob, policy(History::Joined))), LogError::NotAllowed);
    assert_eq!(no(room.act(&bob, ttl(0))), LogError::NotAllowed);
    assert_eq!(no(room.close(&bob)), LogError::NotAllowed);
    room.remove(&bob, &carol).unwrap();
    room.ban(&bob, &dave).unwrap();
    room.act(&bob, meta(1)).unwrap();
    room.act(&bob, redact()).unwrap();
}

#[test]
fn a_lifetime_holds_from_its_entry_on_and_is_neither_too_short_nor_too_long() {
    let (mut room, [alice, ..]) = room();
    for seconds in [1, 29, 366 * 24 * 3600 + 1, u32::MAX] {
        let body = ttl(seconds);
        assert_eq!(no(room.act(&alice, body)), LogError::NotAllowed, "{seconds}");
    }
    let before = room.state.seq;
    room.act(&alice, ttl(30)).unwrap();
    room.act(&alice, meta(1)).unwrap();
    room.act(&alice, ttl(0)).unwrap();
    let ttls: Vec<_> = (before..before + 4).map(|seq| room.state.ttl_at(seq)).collect();
    assert_eq!(ttls, [None, Some(30), Some(30), None]);
}

#[test]
fn in_a_direct_message_nobody_deletes_for_the_other_and_both_set_the_lifetime() {
    let [alice, bob, ..] = people();
    let mut room = TestRoom::direct(&alice, &bob);
    room.epoch(&alice).unwrap();
    assert_eq!(no(room.act(&alice, redact())), LogError::RosterFrozen);
    room.act(&bob, ttl(60)).unwrap();
}

#[test]
fn nobody_adds_somebody_at_or_above_their_own_rank_but_members_add_members() {
    let (mut room, [alice, bob, carol, _]) = room();
    let erin = Person::new("erin");
    for (by, role, wanted) in [
        (&carol, Moderator, false),
        (&carol, Owner, false),
        (&bob, Moderator, false),
        (&bob, Owner, false),
        (&alice, Owner, false),
        (&carol, Member, true),
        (&bob, Member, true),
        (&alice, Moderator, true),
    ] {
        assert_eq!(
            room.clone().add(by, &erin, role).is_ok(),
            wanted,
            "{} {role:?}",
            by.name
        );
    }
    assert_eq!(no(room.add(&alice, &erin, Owner)), LogError::NotAllowed);
}

#[test]
fn a_removal_and_return_does_not_bring_a_role_back() {
    let (mut room, [alice, bob, carol, _]) = room();
    room.remove(&alice, &bob).unwrap();
    assert_eq!(no(room.add(&carol, &bob, Moderator)), LogError::NotAllowed);
    room.add(&carol, &bob, Member).unwrap();
    assert_eq!(no(room.remove(&bob, &carol)), LogError::NotAllowed);
}

#[test]
fn owners_make_owners_step_down_and_are_taken_down_by_nobody() {
    let (mut room, [alice, bob, ..]) = room();
    assert_eq!(no(room.set_role(&alice, &alice, Member)), LogError::LastOwner);
    assert_eq!(no(room.set_role(&alice, &alice, Moderator)), LogError::LastOwner);
    room.set_role(&alice, &bob, Owner).unwrap();
    assert_eq!(no(room.set_role(&alice, &bob, Member)), LogError::NotAllowed);
    assert_eq!(no(room.remove(&alice, &bob)), LogError::NotAllowed);
    assert_eq!(no(room.ban(&bob, &alice)), LogError::NotAllowed);
    room.set_role(&alice, &alice, Member).unwrap();
    assert_eq!(no(room.close(&alice)), LogError::NotAllowed);
    assert_eq!(no(room.set_role(&bob, &bob, Moderator)), LogError::LastOwner);
    room.remove(&bob, &alice).unwrap();
}

#[test]
fn the_last_owner_leaves_only_an_empty_room() {
    let (mut room, [alice, bob, carol, dave]) = room();
    assert_eq!(no(room.leave(&alice)), LogError::LastOwner);
    for person in [&bob, &carol, &dave] {
        room.leave(person).unwrap();
    }
    room.leave(&alice).unwrap();
    assert!(room.state.members.is_empty());
    assert_eq!(no(room.add(&alice, &bob, Member)), LogError::NotMember);
}

#[test]
fn who_is_alone_may_go_but_not_step_down() {
    let alice = Person::new("alice");
    let mut room = TestRoom::group(&alice);
    for role in [Member, Moderator] {
        assert_eq!(no(room.set_role(&alice, &alice, role)), LogError::LastOwner);
    }
    room.leave(&alice).unwrap();
}

#[test]
fn an_owner_leaves_once_there_is_another() {
    let (mut room, [alice, bob, ..]) = room();
    room.set_role(&alice, &bob, Owner).unwrap();
    room.leave(&alice).unwrap();
    assert_eq!(no(room.leave(&bob)), LogError::LastOwner);
}

#[test]
fn a_role_is_given_to_members_alone() {
    let (mut room, [alice, ..]) = room();
    assert_eq!(
        no(room.set_role(&alice, &Person::new("erin"), Owner)),
        LogError::NoSuchTarget
    );
}

// --- Coming and going ----------------------------------------------------------------------------------------------------------

#[test]
fn whoever_leaves_is_banned_all_the_same() {
    let (mut room, [alice, bob, carol, dave]) = room();
    room.set_role(&alice, &dave, Moderator).unwrap();
    room.leave(&carol).unwrap();
    room.leave(&dave).unwrap();
    assert_eq!(no(room.ban(&bob, &dave)), LogError::NotAllowed, "who ranked as high");
    room.ban(&bob, &carol).unwrap();
    assert_eq!(no(room.ban(&bob, &carol)), LogError::NoSuchTarget, "twice");
    assert_eq!(
        no(room.remove(&alice, &dave)),
        LogError::NoSuchTarget,
        "there is nobody to remove"
    );
    room.ban(&alice, &dave).unwrap();
    for away in [&carol, &dave] {
        assert_eq!(no(room.add(&alice, away, Member)), LogError::Banned);
        room.unban(&alice, away).unwrap();
        room.add(&alice, away, Member).unwrap();
    }
}

#[test]
fn nobody_is_added_twice_or_removed_when_not_here() {
    let (mut room, [alice, bob, carol, _]) = room();
    assert_eq!(no(room.add(&bob, &carol, Member)), LogError::AlreadyThere);
    assert_eq!(no(room.add(&alice, &alice, Member)), LogError::AlreadyThere);
    room.remove(&alice, &carol).unwrap();
    assert_eq!(no(room.remove(&alice, &carol)), LogError::NoSuchTarget);
    assert_eq!(
        no(room.remove(&alice, &alice)),
        LogError::NotAllowed,
        "to go oneself is to leave"
    );
    assert_eq!(no(room.leave(&carol)), LogError::NotMember);
    assert_eq!(no(room.act(&carol, meta(1))), LogError::NotMember);
    assert!(room.state.known_people().contains(&carol.id()));
}

#[test]
fn an_addition_names_a_log_the_reader_has() {
    let (mut room, [alice, ..]) = room();
    let mut erin = Person::new("erin");
    let add = |member| RoomBody::AddMember { member, role: Member };
    let wanted = LogError::NeedsUserLog {
        user: erin.id(),
        seq: 1,
    };
    assert_eq!(no(room.act(&alice, add(erin.member_ref()))), wanted);
    room.learn(&erin);
    let mut wrong = erin.member_ref();
    wrong.ulog_head = alice.log.head();
    assert_eq!(no(room.act(&alice, add(wrong))), LogError::UserLogMismatch);
    let mut other_person = erin.member_ref();
    other_person.user_id = alice.id();
    assert_eq!(no(room.act(&alice, add(other_person))), LogError::AlreadyThere);
    erin.close();
    assert_eq!(
        no(room.add(&alice, &erin, Member)),
        LogError::NoSuchTarget,
        "a closed account"
    );
}

#[test]
fn a_ban_holds_until_it_is_lifted() {
    let (mut room, [alice, bob, carol, dave]) = room();
    room.ban(&bob, &carol).unwrap();
    assert!(room.state.former[&carol.id()].banned);
    assert_eq!(no(room.add(&alice, &carol, Member)), LogError::Banned);
    assert_eq!(no(room.unban(&dave, &carol)), LogError::NotAllowed);
    assert_eq!(no(room.unban(&alice, &dave)), LogError::NoSuchTarget);
    room.unban(&alice, &carol).unwrap();
    assert_eq!(no(room.unban(&alice, &carol)), LogError::NoSuchTarget);
    assert_eq!(no(room.leave(&carol)), LogError::NotMember, "lifted is not added");
    room.add(&dave, &carol, Member).unwrap();
    assert_eq!(room.state.members[&carol.id()].since, room.state.seq);
}

#[test]
fn two_thousand_members_and_no_more() {
    let alice = Person::new("alice");
    let mut room = TestRoom::group(&alice);
    let (ik, kk) = (key("crowd/ik"), key("crowd/kk"));
    let crowd: Vec<Person> = (0..MAX_MEMBERS)
        .map(|i| Person::with_keys(&format!("crowd {i}"), ik.clone(), kk.clone()))
        .collect();
    let (mut prev, mut seq) = (room.state.head, 0);
    let mut blobs = Vec::new();
    for person in &crowd {
        room.learn(person);
        seq += 1;
        let mut entry = room.entry(
            &alice,
            RoomBody::AddMember {
                member: person.member_ref(),
                role: Member,
            },
        );
        (entry.seq, entry.prev) = (seq, prev);
        let body = entry.to_bytes();
        prev = sotto_shared::log::room_log::entry_hash(&body);
        blobs.push(SignedBlob { body, sig: [0; 64] });
    }
    // Alice is one of them: the last does not fit. What is asked here is the count, not the signatures.
    let verdict = room.state.extend(&blobs, &room.logs).map(|_| ());
    assert_eq!(verdict, Err((MAX_MEMBERS - 1, LogError::TooMany)));
    let unproven = room.state.extend(&blobs[..MAX_MEMBERS - 1], &room.logs).unwrap();
    let (state, _) = unproven.prove(&vec![true; MAX_MEMBERS - 1]).unwrap();
    assert_eq!(state.members.len(), MAX_MEMBERS);
}

// --- Cuts ------------------------------------------------------------------------------------------------------------------------

#[test]
fn a_removal_keeps_its_cut() {
    let (mut room, [alice, _, carol, _]) = room();
    let cuts = vec![cut(ChannelId::MAIN, 7)];
    room.remove_cut(&alice, &carol, cuts.clone()).unwrap();
    let former = &room.state.former[&carol.id()];
    assert_eq!(
        (former.cut.as_slice(), former.since, former.until),
        (cuts.as_slice(), 2, room.state.seq)
    );
}

#[test]
fn a_cut_names_the_channel_there_is_and_names_it_once() {
    let (mut room, [alice, _, mut carol, dave]) = room();
    let (elsewhere, here) = (ChannelId::from_bytes([1; 16]), ChannelId::MAIN);
    carol.revoke(0);
    room.learn(&carol);
    for cuts in [
        vec![cut(elsewhere, 1)],
        vec![cut(here, 1), cut(here, 2)],
        vec![cut(here, 1), cut(elsewhere, 1)],
    ] {
        assert_eq!(no(room.remove_cut(&alice, &dave, cuts.clone())), LogError::BadCut);
        let body = RoomBody::UserUpdate {
            member: carol.member_ref(),
            cut: List::new(cuts).unwrap(),
        };
        assert_eq!(no(room.act(&alice, body)), LogError::BadCut);
    }
    room.remove_cut(&alice, &dave, vec![cut(here, 0)]).unwrap();
}

#[test]
fn a_new_view_cuts_off_only_browsers_that_it_revokes() {
    // Otherwise any member could wait for an owner's next browser and void what the owner wrote.
    let (mut room, [mut alice, _, carol, _]) = room();
    let index = alice.add_device();
    alice.rotate_kem();
    room.learn(&alice);
    let with_cut = |alice: &Person| RoomBody::UserUpdate {
        member: alice.member_ref(),
        cut: List::new(vec![cut(ChannelId::MAIN, 0)]).unwrap(),
    };
    assert_eq!(no(room.act(&carol, with_cut(&alice))), LogError::BadCut);
    let first = alice.device_id();
    alice.revoke(0);
    alice.use_device(index);
    room.learn(&alice);
    // Nor may a member set the cut of an owner, truly revoked or not.
    assert_eq!(no(room.act(&carol, with_cut(&alice))), LogError::BadCut);
    room.act(&alice, with_cut(&alice)).unwrap();
    let (id, here) = (alice.id(), ChannelId::MAIN);
    assert!(room.state.is_cut_off(&id, &first, &here, 1));
    assert!(!room.state.is_cut_off(&id, &first, &here, 0));
    assert!(
        !room.state.is_cut_off(&id, &alice.device_id(), &here, 1),
        "her other browser"
    );
    assert!(!room.state.is_cut_off(&carol.id(), &first, &here, 1));
}

#[test]
fn a_cut_in_a_new_view_is_set_by_who_could_take_the_person_out() {
    let (mut room, [alice, mut bob, mut carol, dave]) = room();
    carol.revoke(0);
    bob.revoke(0);
    room.learn(&carol);
    room.learn(&bob);
    let mut erin = Person::new("erin");
    room.add(&alice, &erin, Moderator).unwrap();
    erin.revoke(0);
    room.learn(&erin);
    let with_cut = |who: &Person| RoomBody::UserUpdate {
        member: who.member_ref(),
        cut: List::new(vec![cut(ChannelId::MAIN, 0)]).unwrap(),
    };
    let grace = Person::new("grace");
    room.add(&alice, &grace, Moderator).unwrap();
    assert_eq!(
        no(room.act(&dave, with_cut(&carol))),
        LogError::BadCut,
        "an equal who may take nobody out"
    );
    assert_eq!(no(room.act(&dave, with_cut(&bob))), LogError::BadCut, "somebody higher");
    assert_eq!(
        no(room.act(&grace, with_cut(&bob))),
        LogError::BadCut,
        "an equal who may take others out"
    );
    room.act(&grace, with_cut(&carol)).unwrap();
    room.act(&alice, with_cut(&bob)).unwrap();
    // Without a cut anybody may tell.
    room.act(&dave, update(&erin)).unwrap();
}

#[test]
fn an_owner_alone_who_stays_one_changes_nothing() {
    let (mut room, [alice, bob, ..]) = room();
    let role = |who: &Person, role| RoomBody::SetRole {
        user_id: who.id(),
        role,
    };
    room.act(&alice, role(&alice, Owner)).unwrap();
    assert_eq!(no(room.act(&alice, role(&alice, Member))), LogError::LastOwner);
    room.act(&alice, role(&bob, Owner)).unwrap();
    room.act(&alice, role(&alice, Member)).unwrap();
}

// --- Epochs ----------------------------------------------------------------------------------------------------------------------

/// The next epoch after a change to it.
fn epoch_with(room: &TestRoom, change: impl FnOnce(&mut Fields)) -> RoomBody {
    let (
        RoomBody::Epoch {
            n,
            suite,
            commit,
            roster_hash,
            reason,
            backlink,
        },
        _,
    ) = room.epoch_body(EpochReason::Age)
    else {
        panic!("not an epoch")
    };
    let mut fields = Fields {
        n,
        suite,
        roster_hash,
        backlink: backlink.into_vec(),
    };
    change(&mut fields);
    let Fields {
        n,
        suite,
        roster_hash,
        backlink,
    } = fields;
    RoomBody::Epoch {
        n,
        suite,
        commit,
        roster_hash,
        reason,
        backlink: Bytes::new(backlink).unwrap(),
    }
}

struct Fields {
    n: u32,
    suite: u16,
    roster_hash: [u8; 32],
    backlink: Vec<u8>,
}

#[test]
fn epochs_count_up_by_one() {
    let (mut room, [alice, ..]) = room();
    for n in [0, 1, 3, u32::MAX] {
        assert_eq!(
            no(room.act(&alice, epoch_with(&room, |fields| fields.n = n))),
            LogError::BadEpoch,
            "{n}"
        );
    }
    room.epoch(&alice).unwrap();
    assert_eq!(room.state.epoch_number(), 2);
    assert!(
        room.state
            .epochs
            .iter()
            .enumerate()
            .all(|(index, epoch)| epoch.n == index as u32 + 1)
    );
}

#[test]
fn an_epoch_is_made_for_exactly_the_members_with_their_keys_of_now() {
    let (mut room, [alice, mut bob, carol, _]) = room();
    let before = room.state.roster_hash();
    assert_eq!(
        no(room.act(&alice, epoch_with(&room, |fields| fields.roster_hash[0] ^= 1))),
        LogError::BadEpoch
    );
    room.remove(&alice, &carol).unwrap();
    let stale = epoch_with(&room, |fields| fields.roster_hash = before);
    assert_eq!(
        no(room.act(&alice, stale)),
        LogError::BadEpoch,
        "as if carol were still here"
    );
    let smaller = room.state.roster_hash();
    bob.rotate_kem();
    room.update(&alice, &bob).unwrap();
    let stale = epoch_with(&room, |fields| fields.roster_hash = smaller);
    assert_eq!(
        no(room.act(&alice, stale)),
        LogError::BadEpoch,
        "as if bob had his old key"
    );
    room.epoch(&alice).unwrap();
}

#[test]
fn the_loser_of_a_race_for_an_epoch_starts_over() {
    let (mut room, [alice, bob, ..]) = room();
    let bobs = {
        let (body, _) = room.epoch_body(EpochReason::Age);
        room.blob(&bob, body)
    };
    room.epoch(&alice).unwrap();
    assert_eq!(no(room.take(bobs)), LogError::Sequence);
}

#[test]
fn a_back_link_stands_exactly_where_history_is_shared_and_there_is_a_past() {
    let alice = Person::new("alice");
    for history in [History::Shared, History::Joined] {
        let mut room = TestRoom::group_with(&alice, history);
        let first = epoch_with(&room, |fields| fields.backlink = vec![1; 104]);
        assert_eq!(
            no(room.act(&alice, first)),
            LogError::BadEpoch,
            "{history:?}: nothing is behind the first"
        );
        room.epoch(&alice).unwrap();
        let shared = history == History::Shared;
        let wrong = epoch_with(&room, |fields| {
            fields.backlink = if shared { Vec::new() } else { vec![1; 104] }
        });
        assert_eq!(no(room.act(&alice, wrong)), LogError::BadEpoch, "{history:?}");
        room.epoch(&alice).unwrap();
        assert_eq!(room.state.epoch().unwrap().backlink.as_slice().is_empty(), !shared);
    }
}

#[test]
fn an_epoch_has_the_rooms_suite() {
    let (mut room, [alice, ..]) = room();
    for suite in [0, 2] {
        assert_eq!(
            no(room.act(&alice, epoch_with(&room, |fields| fields.suite = suite))),
            LogError::BadSuite
        );
    }
}

#[test]
fn the_commitment_names_one_secret_in_one_place() {
    let (mut room, [alice, ..]) = room();
    room.epoch(&alice).unwrap();
    let info = room.state.epoch().unwrap().clone();
    let secret = room.secret().unwrap();
    assert!(epoch::fits(&secret, &room.id(), &info));
    assert!(!epoch::fits(&EpochSecret::from_bytes([0; 32]), &room.id(), &info));
    assert!(!epoch::fits(&secret, &RoomId::from_bytes([0; 32]), &info));
    assert!(!epoch::fits(&secret, &room.id(), &room.state.epochs[0]));
    for change in 0..4 {
        let mut other = info.clone();
        match change {
            0 => other.n += 1,
            1 => other.prev = room.state.head,
            2 => other.roster_hash[31] ^= 1,
            _ => other.commit[0] ^= 1,
        }
        assert!(!epoch::fits(&secret, &room.id(), &other), "{change}");
    }
    let old = epoch::open_backlink(&secret, &room.id(), 2, info.backlink.as_slice()).unwrap();
    assert!(epoch::fits(&old, &room.id(), &room.state.epochs[0]));
    assert!(epoch::open_backlink(&secret, &room.id(), 3, info.backlink.as_slice()).is_err());
    assert!(epoch::open_backlink(&old, &room.id(), 2, info.backlink.as_slice()).is_err());
}

#[test]
fn the_name_is_sealed_under_the_newest_key() {
    let alice = Person::new("alice");
    let mut room = TestRoom::group(&alice);
    assert_eq!(
        no(room.act(&alice, meta(0))),
        LogError::BadEpoch,
        "before the first key there is none"
    );
    room.epoch(&alice).unwrap();
    room.act(&alice, meta(1)).unwrap();
    room.epoch(&alice).unwrap();
    assert_eq!(no(room.act(&alice, meta(1))), LogError::BadEpoch);
    assert_eq!(no(room.act(&alice, meta(3))), LogError::BadEpoch);
    room.act(&alice, meta(2)).unwrap();
    assert_eq!(room.state.meta.as_ref().unwrap().0, 2);
}

// --- When a new key is due -------------------------------------------------------------------------------------------------------

#[test]
fn a_new_key_is_due_after_what_takes_trust_away_and_after_nothing_else() {
    let (base, [mut alice, bob, mut carol, dave]) = room();
    assert!(!base.state.rotation_due);
    alice.rotate_kem();
    let mut renamed = bob.clone();
    renamed.rotate_identity();
    carol.add_device();
    let carol_with_two = carol.clone();
    carol.revoke(0);
    let mut closed = dave.clone();
    closed.close();
    let erin = Person::new("erin");

    type Step<'a> = Box<dyn Fn(&mut TestRoom) -> Result<Event, LogError> + 'a>;
    let steps: Vec<(&str, bool, Step<'_>)> = vec![
        ("leave", true, Box::new(|room| room.leave(&dave))),
        ("remove", true, Box::new(|room| room.remove(&bob, &dave))),
        ("ban", true, Box::new(|room| room.ban(&bob, &dave))),
        ("kem key", true, Box::new(|room| room.update(&bob, &alice))),
        ("identity", true, Box::new(|room| room.update(&alice, &renamed))),
        ("revoked browser", true, Box::new(|room| room.update(&bob, &carol))),
        ("closed account", true, Box::new(|room| room.update(&bob, &closed))),
        (
            "other history",
            true,
            Box::new(|room| room.act(&alice, policy(History::Joined))),
        ),
        (
            "new browser",
            false,
            Box::new(|room| room.update(&bob, &carol_with_two)),
        ),
        (
            "same history",
            false,
            Box::new(|room| room.act(&alice, policy(History::Shared))),
        ),
        (
            "added, history shared",
            false,
            Box::new(|room| room.add(&bob, &erin, Member)),
        ),
        ("role", false, Box::new(|room| room.set_role(&alice, &bob, Owner))),
        ("meta", false, Box::new(|room| room.act(&alice, meta(1)))),
    ];
    for (name, due, step) in steps {
        let mut room = base.clone();
        step(&mut room).unwrap();
        assert_eq!(room.state.rotation_due, due, "{name}");
        room.epoch(&bob).unwrap();
        assert!(!room.state.rotation_due, "{name}: an epoch settles it");
    }
}

#[test]
fn a_new_key_is_due_with_every_addition_where_history_begins_on_joining() {
    let [alice, bob, carol, _] = people();
    let mut room = TestRoom::group_with(&alice, History::Joined);
    room.add(&alice, &bob, Member).unwrap();
    room.epoch(&alice).unwrap();
    room.add(&alice, &carol, Member).unwrap();
    assert!(room.state.rotation_due);
}

#[test]
fn a_browser_that_came_and_went_between_two_views_makes_a_new_key_due_as_well() {
    // It was never active in the room's eyes, but it had its owner's keys.
    let (mut room, [alice, mut bob, ..]) = room();
    let index = bob.add_device();
    bob.revoke(index);
    room.update(&alice, &bob).unwrap();
    assert!(room.state.rotation_due);
}

#[test]
fn a_later_view_does_not_clear_what_is_due() {
    let (mut room, [alice, mut bob, carol, _]) = room();
    room.remove(&alice, &carol).unwrap();
    bob.add_device();
    room.update(&alice, &bob).unwrap();
    assert!(room.state.rotation_due);
    assert!(
        room.state.may_post(&bob.id(), &bob.device_id()),
        "posting an epoch is allowed"
    );
}

// --- The end ---------------------------------------------------------------------------------------------------------------------

#[test]
fn a_closed_room_takes_nothing_more() {
    let (mut room, [mut alice, bob, ..]) = room();
    room.close(&alice).unwrap();
    assert!(!room.state.may_post(&alice.id(), &alice.device_id()));
    alice.rotate_kem();
    room.learn(&alice);
    for body in [RoomBody::Leave, RoomBody::Close, meta(1), update(&alice)] {
        assert_eq!(no(room.act(&bob, body)), LogError::Closed);
    }
}

#[test]
fn a_user_log_entry_is_no_room_log_entry() {
    let (mut room, [alice, ..]) = room();
    let entry = alice.entry(UserBody::Close).to_bytes();
    let blob = SignedBlob {
        sig: alice.device().sign(Label::RoomLog, &entry),
        body: entry,
    };
    assert_eq!(no(room.take(blob)), LogError::Decode(DecodeError::UnknownTag));
}
