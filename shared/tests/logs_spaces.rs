//! Spaces: roles of their own, channels, and who may do what to them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use sotto_shared::codec::Codec;
use sotto_shared::crypto::epoch::{self, Named, Scope, channel_secret, open_named};
use sotto_shared::crypto::kem;
use sotto_shared::crypto::secret::EpochSecret;
use sotto_shared::id::ChannelId;
use sotto_shared::log::LogError;
use sotto_shared::log::channels::ChannelKind::{Announcement, Private, Public};
use sotto_shared::log::channels::MAX_CHANNELS;
use sotto_shared::log::roles::{CustomRole, MAX_ROLES, Permission, Rights};
use sotto_shared::log::room_log::Role::{Custom, Member, Moderator, Owner};
use sotto_shared::log::room_log::{Cut, Event, History, JoinMode, Policy, Role, RoomBody, SUITE_1};
use sotto_shared::testing::people::{Person, TestRoom};
use sotto_shared::testing::spaces::{channel, custom};

use Permission::{Channel, Invite, Kick, Meta, Post, SetRole};

fn no(result: Result<Event, LogError>) -> LogError {
    result.unwrap_err()
}

/// alice owns it, bob moderates, carol and dave are members.
fn space() -> (TestRoom, [Person; 4]) {
    let people = ["alice", "bob", "carol", "dave"].map(Person::new);
    let mut space = TestRoom::space(&people[0]);
    space.add(&people[0], &people[1], Moderator).unwrap();
    space.add(&people[0], &people[2], Member).unwrap();
    space.add(&people[0], &people[3], Member).unwrap();
    (space, people)
}

fn writes(space: &TestRoom, who: &Person, name: &str) -> bool {
    (space.state).may_write(&who.id(), &who.device_id(), &channel(name))
}

fn reads(space: &TestRoom, who: &Person, name: &str) -> bool {
    space.state.may_read(&who.id(), &channel(name))
}

// --- Roles ---------------------------------------------------------------------------------------------------------------------

#[test]
fn roles_and_channels_are_there_in_spaces_alone() {
    let alice = Person::new("alice");
    let bob = Person::new("bob");
    for mut room in [TestRoom::group(&alice), TestRoom::direct(&alice, &bob)] {
        room.epoch(&alice).unwrap();
        for body in [
            room.role_body(16, 20, &[Post], "helper"),
            RoomBody::DropRole { role: custom(16) },
            room.channel_body("general", Public, &[]),
            room.channel_body("den", Private, &[&alice]),
            room.update_body("general", "general", true),
            TestRoom::people_body("den", &[], &[&alice]),
            room.channel_epoch_body("den"),
            room.arrange_body("[]"),
        ] {
            assert_eq!(no(room.act(&alice, body.clone())), LogError::NotAllowed, "{body:?}");
        }
        assert!(room.state.has_channel(&ChannelId::MAIN));
        assert!(room.state.may_write(&alice.id(), &alice.device_id(), &ChannelId::MAIN));
    }
    let mut group = TestRoom::group(&alice);
    group.learn(&bob);
    let as_helper = RoomBody::AddMember {
        member: bob.member_ref(),
        role: Custom(custom(16)),
    };
    assert_eq!(
        no(group.act(&alice, as_helper)),
        LogError::NotAllowed,
        "there is no such role"
    );
    let invite = group.invite_body("door", Custom(custom(16)), JoinMode::Member);
    assert_eq!(no(group.act(&alice, invite)), LogError::NotAllowed);
    let (mut space, [alice, _, _, _]) = self::space();
    let ttl = RoomBody::SetTtl {
        seconds: 3600,
        after: 0,
    };
    assert_eq!(
        no(space.act(&alice, ttl)),
        LogError::NotAllowed,
        "`after` counts in one channel"
    );
}

#[test]
fn numbers_of_roles_are_read_strictly() {
    for number in 0..=u8::MAX {
        let role = Role::from_bytes(&[number]);
        assert_eq!(role.is_ok(), matches!(number, 1..=3 | 16..), "{number}");
        assert!(role.is_err() || role.unwrap().number() == number);
        assert_eq!(CustomRole::from_bytes(&[number]).is_ok(), number >= 16);
    }
    assert!(Rights::from_bytes(&[0x03, 0xff]).is_ok() && Rights::from_bytes(&[0x04, 0]).is_err());
    let bits: Vec<u16> = Permission::ALL.iter().map(|one| Rights::of(&[*one]).bits()).collect();
    assert_eq!(bits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
}

#[test]
fn a_role_gives_what_it_says_and_nothing_more() {
    let (mut space, [alice, bob, carol, dave]) = space();
    space.define(&alice, 16, 30, &[Post, Kick], "guard").unwrap();
    space.set_role(&alice, &carol, Custom(custom(16))).unwrap();
    assert_eq!(no(space.remove(&carol, &bob)), LogError::NotAllowed, "of higher rank");
    assert_eq!(no(space.ban(&carol, &dave)), LogError::NotAllowed, "no right to ban");
    let erin = Person::new("erin");
    assert_eq!(
        no(space.add(&carol, &erin, Member)),
        LogError::NotAllowed,
        "nor to invite"
    );
    space.remove(&carol, &dave).unwrap();
    // Changed, it is changed for whoever has it.
    space.define(&alice, 16, 30, &[Invite], "greeter").unwrap();
    assert!(!space.state.may_post(&carol.id(), &carol.device_id()));
    space.add(&carol, &erin, Member).unwrap();
    assert_eq!(
        no(space.epoch(&carol)),
        LogError::NotAllowed,
        "a key is made by whoever may write"
    );
    let def = &space.state.roles.custom[&custom(16)];
    let name = open_named(
        &space.secret().unwrap(),
        &space.id(),
        Named::Role(custom(16)),
        def.n,
        def.sealed.as_slice(),
    );
    assert_eq!(name.unwrap(), b"greeter");
    let as_another = open_named(
        &space.secret().unwrap(),
        &space.id(),
        Named::Role(custom(17)),
        1,
        def.sealed.as_slice(),
    );
    assert!(as_another.is_err(), "a name belongs to its role");
}

#[test]
fn nobody_raises_themselves_or_their_friends() {
    let (mut space, [alice, bob, carol, dave]) = space();
    space.define(&alice, 16, 40, &[Post, SetRole, Kick], "steward").unwrap();
    space.define(&alice, 17, 40, &[Post, Kick], "equal").unwrap();
    space.define(&alice, 18, 20, &[Post, Meta], "herald").unwrap();
    space.set_role(&alice, &carol, Custom(custom(16))).unwrap();
    for (number, rank, permissions) in [
        (20, 40, vec![Post]),       // as high as oneself
        (20, 99, vec![Post]),       // higher
        (20, 100, vec![Post]),      // an owner's rank
        (20, 0, vec![Post]),        // none
        (20, 20, vec![Post, Meta]), // a right that one lacks
        (16, 30, vec![Post]),       // one's own
        (17, 30, vec![Post]),       // an equal one
    ] {
        let what = format!("{number} {rank} {permissions:?}");
        assert_eq!(
            no(space.define(&carol, number, rank, &permissions, "x")),
            LogError::NotAllowed,
            "{what}"
        );
    }
    for (who, role) in [
        (&carol, Owner),
        (&carol, Moderator),
        (&dave, Custom(custom(16))), // as high as oneself
        (&dave, Custom(custom(18))), // lower, but with a right that one lacks
        (&dave, Owner),
        (&bob, Member), // a moderator ranks higher
    ] {
        assert_eq!(no(space.set_role(&carol, who, role)), LogError::NotAllowed, "{role:?}");
    }
    assert_eq!(
        no(space.set_role(&carol, &dave, Custom(custom(99)))),
        LogError::NoSuchTarget
    );
    assert_eq!(
        no(space.define(&bob, 20, 20, &[Post], "x")),
        LogError::NotAllowed,
        "moderators lack ROLE"
    );
    assert_eq!(
        no(space.define(&alice, 20, 100, &[Post], "x")),
        LogError::NotAllowed,
        "100 is the owner's"
    );
    // What a role had already stays when its name changes, though whoever changes it lacks it.
    space.define(&carol, 18, 20, &[Post, Meta], "town crier").unwrap();
    space.define(&carol, 21, 39, &[Post, Kick], "helper").unwrap();
    space.set_role(&carol, &dave, Custom(custom(21))).unwrap();
    space.set_role(&carol, &carol, Member).unwrap();
    space.set_role(&alice, &bob, Owner).unwrap();
    space.set_role(&alice, &alice, Custom(custom(18))).unwrap();
}

#[test]
fn a_role_in_use_stays_and_there_are_so_many() {
    let (mut space, [alice, bob, carol, _]) = space();
    let drop = |number| RoomBody::DropRole { role: custom(number) };
    space.define(&alice, 16, 20, &[Post, Invite], "helper").unwrap();
    space.set_role(&alice, &carol, Custom(custom(16))).unwrap();
    assert_eq!(no(space.act(&alice, drop(16))), LogError::InUse);
    space.set_role(&alice, &carol, Member).unwrap();
    assert_eq!(no(space.act(&bob, drop(16))), LogError::NotAllowed);
    assert_eq!(no(space.act(&alice, drop(17))), LogError::NoSuchTarget);
    space.act(&alice, drop(16)).unwrap();
    assert!(space.state.roles.custom.is_empty());
    for number in 0..MAX_ROLES as u8 {
        space.define(&alice, 16 + number, 20, &[Post], "one of many").unwrap();
    }
    assert_eq!(
        no(space.define(&alice, 255, 20, &[Post], "one more")),
        LogError::TooMany
    );
    space.define(&alice, 16, 21, &[Post], "changed").unwrap();
}

/// The number may come to be that of a role that may do more.
#[test]
fn an_invite_is_over_for_good_with_the_role_that_it_gives() {
    let (mut space, [alice, bob, _, _]) = space();
    space.define(&alice, 16, 20, &[Post], "helper").unwrap();
    for (name, role, mode) in [
        ("door", Custom(custom(16)), JoinMode::Member),
        ("bell", Custom(custom(16)), JoinMode::Approval),
        ("gate", Member, JoinMode::Member),
    ] {
        space.invite(&alice, name, role, mode).unwrap();
    }
    let erin = Person::new("erin");
    space.join("bell", &erin).unwrap();
    // By this clock every invite is past. It is one person's word.
    let mut late = space.entry(&alice, RoomBody::DropRole { role: custom(16) });
    late.ts = u64::MAX;
    space.take(TestRoom::sign_entry(&late, alice.device())).unwrap();
    let revoked = |space: &TestRoom, name: &str| space.state.invites[&space.invite_id(name)].revoked;
    assert!(revoked(&space, "door") && revoked(&space, "bell") && !revoked(&space, "gate"));
    let [finn, gwen] = ["finn", "gwen"].map(Person::new);
    let goes_nowhere = |space: &TestRoom| {
        for name in ["door", "bell"] {
            assert_eq!(no(space.clone().join(name, &finn)), LogError::InviteOver);
            let invite_id = space.invite_id(name);
            let again = space.clone().act(&alice, RoomBody::RevokeInvite { invite_id });
            assert_eq!(no(again), LogError::InviteOver);
        }
    };
    goes_nowhere(&space);
    space.define(&alice, 16, 40, &[Post, Invite, Kick], "guard").unwrap();
    goes_nowhere(&space);
    // Others are as they were, and so is who asked before.
    space.join("gate", &gwen).unwrap();
    space.add(&bob, &erin, Member).unwrap();
    space
        .invite(&alice, "new door", Custom(custom(16)), JoinMode::Member)
        .unwrap();
    space.join("new door", &finn).unwrap();
    assert_eq!(space.state.members[&finn.id()].role, Custom(custom(16)));
}

#[test]
fn an_invite_gives_a_role_of_the_space_while_its_maker_may() {
    let (mut space, [alice, bob, carol, _]) = space();
    space.define(&alice, 16, 30, &[Post, Invite], "greeter").unwrap();
    space
        .invite(&bob, "door", Custom(custom(16)), JoinMode::Member)
        .unwrap();
    assert_eq!(
        no(space.invite(&carol, "other", Custom(custom(16)), JoinMode::Member)),
        LogError::NotAllowed
    );
    let [erin, finn] = ["erin", "finn"].map(Person::new);
    space.join("door", &erin).unwrap();
    assert_eq!(space.state.members[&erin.id()].role, Custom(custom(16)));
    space.define(&alice, 16, 60, &[Post, Invite], "greeter").unwrap();
    assert_eq!(
        no(space.join("door", &finn)),
        LogError::InviteOver,
        "it ranks above its maker now"
    );
}

// --- Channels --------------------------------------------------------------------------------------------------------------------

#[test]
fn channels_are_made_by_whoever_may() {
    let (mut space, [alice, bob, carol, dave]) = space();
    space.public_channel(&bob, "general").unwrap();
    assert_eq!(no(space.public_channel(&carol, "mine")), LogError::NotAllowed);
    assert_eq!(no(space.public_channel(&alice, "general")), LogError::AlreadyThere);
    assert_eq!(
        no(space.act(&carol, space.update_body("general", "x", true))),
        LogError::NotAllowed
    );
    assert_eq!(no(space.act(&carol, space.arrange_body("[]"))), LogError::NotAllowed);
    assert_eq!(
        no(space.act(&bob, space.update_body("nowhere", "x", true))),
        LogError::NoSuchTarget
    );
    let mut main = space.channel_body("general", Public, &[]);
    if let RoomBody::CreateChannel { channel, .. } = &mut main {
        *channel = ChannelId::MAIN;
    }
    assert_eq!(
        no(space.act(&alice, main)),
        LogError::AlreadyThere,
        "that name is the space's own key's"
    );
    let mut old = space.channel_body("other", Public, &[]);
    if let RoomBody::CreateChannel { n, .. } = &mut old {
        *n += 1;
    }
    assert_eq!(no(space.act(&alice, old)), LogError::BadEpoch);
    assert_eq!(
        no(space.act(&alice, space.channel_body("other", Public, &[&bob]))),
        LogError::RosterFrozen
    );
    let den = |space: &TestRoom, members: &[&Person]| space.channel_body("den", Private, members);
    assert_eq!(
        no(space.act(&bob, den(&space, &[&carol]))),
        LogError::NotMember,
        "not without oneself"
    );
    assert_eq!(
        no(space.act(&bob, den(&space, &[&bob, &carol, &carol]))),
        LogError::NoSuchTarget
    );
    let erin = Person::new("erin");
    assert_eq!(no(space.act(&bob, den(&space, &[&bob, &erin]))), LogError::NoSuchTarget);
    space.act(&bob, den(&space, &[&bob, &carol])).unwrap();
    assert!(!writes(&space, &bob, "nowhere") && writes(&space, &dave, "general"));
    for index in 2..MAX_CHANNELS {
        space.public_channel(&alice, &format!("number {index}")).unwrap();
    }
    assert_eq!(no(space.public_channel(&alice, "one more")), LogError::TooMany);
}

#[test]
fn a_private_channel_is_its_members_alone() {
    let (mut space, [alice, bob, carol, dave]) = space();
    space.private_channel(&bob, "den", &[&bob, &carol]).unwrap();
    assert!(reads(&space, &bob, "den") && reads(&space, &carol, "den"));
    assert!(
        !reads(&space, &alice, "den") && !writes(&space, &alice, "den"),
        "an owner neither"
    );
    // Whoever is not in it changes nothing about it, and makes no key for it.
    assert_eq!(
        no(space.act(&alice, TestRoom::people_body("den", &[&alice], &[]))),
        LogError::NotAllowed
    );
    assert_eq!(
        no(space.act(&alice, space.update_body("den", "x", true))),
        LogError::NotAllowed
    );
    assert_eq!(no(space.channel_epoch(&alice, "den")), LogError::NotAllowed);
    assert_eq!(no(space.channel_epoch(&dave, "den")), LogError::NotAllowed);
    // Carol is in it and may not.
    assert_eq!(
        no(space.act(&carol, TestRoom::people_body("den", &[&dave], &[]))),
        LogError::NotAllowed
    );
    for (add, remove) in [
        (vec![&carol], vec![]),         // there already
        (vec![], vec![&dave]),          // not there
        (vec![&dave, &dave], vec![]),   // twice
        (vec![], vec![&carol, &carol]), // twice
        (vec![&carol], vec![&carol]),   // both
        (vec![], vec![]),               // nothing
    ] {
        assert_eq!(
            no(space.act(&bob, TestRoom::people_body("den", &add, &remove))),
            LogError::NoSuchTarget
        );
    }
    space
        .act(&bob, TestRoom::people_body("den", &[&alice, &dave], &[]))
        .unwrap();
    assert!(
        !space.state.rotation_due_of(&channel("den")),
        "they may read what was said"
    );
    assert!(reads(&space, &dave, "den"));
    assert_eq!(
        no(space.act(&bob, TestRoom::people_body("den", &[], &[&dave, &alice]))),
        LogError::NotAllowed,
        "who ranks above"
    );
    let knew = space.state.seq;
    // Everybody may go by themselves.
    space.act(&dave, TestRoom::people_body("den", &[], &[&dave])).unwrap();
    assert!(space.state.rotation_due_of(&channel("den")) && !space.state.rotation_due);
    let key = |at| {
        space
            .state
            .writer_key(&dave.id(), &dave.device_id(), &channel("den"), at)
            .is_some()
    };
    assert!(
        key(knew) && !key(space.state.seq) && !key(knew - 2),
        "what they wrote in between is theirs"
    );
    space.public_channel(&alice, "general").unwrap();
    assert_eq!(
        no(space.act(&alice, TestRoom::people_body("general", &[], &[&bob]))),
        LogError::RosterFrozen
    );
    assert_eq!(no(space.channel_epoch(&alice, "general")), LogError::NotAllowed);
}

#[test]
fn whoever_leaves_the_space_leaves_its_channels() {
    let (mut space, [alice, bob, carol, dave]) = space();
    space.private_channel(&bob, "den", &[&bob, &carol]).unwrap();
    space.private_channel(&bob, "attic", &[&bob, &dave]).unwrap();
    space.remove(&alice, &carol).unwrap();
    assert!(space.state.rotation_due && space.state.rotation_due_of(&channel("den")));
    assert!(!space.state.rotation_due_of(&channel("attic")), "she was not in it");
    let before = space.channel_epoch_body("den");
    space.epoch(&alice).unwrap();
    space.channel_epoch(&bob, "den").unwrap();
    assert!(!space.state.rotation_due_of(&channel("den")));
    assert_eq!(no(space.act(&bob, before)), LogError::BadEpoch);
    // Back in the space is not back in the channel.
    space.add(&alice, &carol, Member).unwrap();
    assert!(!reads(&space, &carol, "den"));
    // Other keys of a member make both due.
    let mut dave = dave;
    dave.rotate_kem();
    space.update(&alice, &dave).unwrap();
    assert!(space.state.rotation_due && space.state.rotation_due_of(&channel("attic")));
    assert!(!space.state.rotation_due_of(&channel("den")));
}

/// Or anybody in it could make the log, and what there is for the others to fetch, as long as they like.
#[test]
fn a_private_channel_gets_another_key_only_when_one_is_due() {
    let (mut space, [alice, bob, carol, _]) = space();
    space.private_channel(&alice, "den", &[&alice, &bob, &carol]).unwrap();
    assert_eq!(no(space.channel_epoch(&bob, "den")), LogError::BadEpoch);
    space.act(&carol, TestRoom::people_body("den", &[], &[&carol])).unwrap();
    // Of two who change it at once, the second finds it done.
    space.channel_epoch(&bob, "den").unwrap();
    assert_eq!(no(space.channel_epoch(&alice, "den")), LogError::BadEpoch);
    space.act(&alice, TestRoom::people_body("den", &[&carol], &[])).unwrap();
    assert_eq!(
        no(space.channel_epoch(&carol, "den")),
        LogError::BadEpoch,
        "nor for a newcomer who may read what was said"
    );
}

#[test]
fn under_history_from_joining_on_a_newcomer_gets_another_key() {
    let [alice, bob] = ["alice", "bob"].map(Person::new);
    let mut space = TestRoom::space_with(&alice, History::Joined);
    space.add(&alice, &bob, Member).unwrap();
    space.epoch(&alice).unwrap();
    space.private_channel(&alice, "den", &[&alice]).unwrap();
    space.act(&alice, TestRoom::people_body("den", &[&bob], &[])).unwrap();
    assert!(space.state.rotation_due_of(&channel("den")));
    space.channel_epoch(&bob, "den").unwrap();
}

#[test]
fn an_archived_channel_is_read_and_not_written_in() {
    let (mut space, [_, bob, carol, _]) = space();
    space.public_channel(&bob, "general").unwrap();
    let open = space.state.seq;
    space.archive(&bob, "general", true).unwrap();
    assert!(!writes(&space, &carol, "general") && reads(&space, &carol, "general"));
    let key = |space: &TestRoom, at| {
        space
            .state
            .writer_key(&carol.id(), &carol.device_id(), &channel("general"), at)
            .is_some()
    };
    assert!(key(&space, open) && !key(&space, space.state.seq));
    space.archive(&bob, "general", false).unwrap();
    assert!(writes(&space, &carol, "general") && key(&space, space.state.seq));
    assert!(
        !key(&space, open + 1) && !key(&space, open - 1),
        "not before it was made"
    );
}

#[test]
fn announcements_are_by_whoever_may_change_the_name() {
    let (mut space, [alice, bob, carol, _]) = space();
    space.announcements(&alice, "news").unwrap();
    assert!(writes(&space, &alice, "news") && writes(&space, &bob, "news"));
    assert!(!writes(&space, &carol, "news") && reads(&space, &carol, "news"));
    assert!(
        space
            .state
            .may_signal(&carol.id(), &carol.device_id(), &channel("news"))
    );
    space.define(&alice, 16, 20, &[Post, Meta], "herald").unwrap();
    space.set_role(&alice, &carol, Custom(custom(16))).unwrap();
    let herald = space.state.seq;
    assert!(writes(&space, &carol, "news"));
    space.set_role(&alice, &carol, Member).unwrap();
    let key = |at| {
        space
            .state
            .writer_key(&carol.id(), &carol.device_id(), &channel("news"), at)
            .is_some()
    };
    assert!(
        key(herald) && !key(herald - 1) && !key(space.state.seq),
        "judged by the log that she knew"
    );
    space.define(&alice, 16, 20, &[Meta], "mute herald").unwrap();
    space.set_role(&alice, &carol, Custom(custom(16))).unwrap();
    assert!(!writes(&space, &carol, "news"), "and whoever may write at all");
}

/// Looked at where something changes, it is what looking at every entry says.
#[test]
fn whoever_may_write_throughout_may_at_every_entry() {
    let (mut space, [alice, bob, carol, dave]) = space();
    space.public_channel(&bob, "general").unwrap();
    space.announcements(&alice, "news").unwrap();
    space.private_channel(&bob, "den", &[&bob, &carol]).unwrap();
    space.define(&alice, 16, 20, &[Post, Meta], "herald").unwrap();
    space.set_role(&alice, &carol, Custom(custom(16))).unwrap();
    space.define(&alice, 16, 20, &[Meta], "mute herald").unwrap();
    space.archive(&bob, "general", true).unwrap();
    space.define(&alice, 16, 20, &[Post, Meta], "herald").unwrap();
    space.archive(&bob, "general", false).unwrap();
    space.act(&bob, TestRoom::people_body("den", &[&dave], &[])).unwrap();
    space.remove(&alice, &dave).unwrap();
    space.epoch(&alice).unwrap();
    space.channel_epoch(&bob, "den").unwrap();
    space.add(&alice, &dave, Member).unwrap();
    space.act(&carol, TestRoom::people_body("den", &[], &[&carol])).unwrap();
    space.set_role(&alice, &carol, Member).unwrap();
    let state = &space.state;
    let (mut yes, mut no) = (0, 0);
    for who in [&alice, &bob, &carol, &dave] {
        for name in ["general", "news", "den", "nowhere"] {
            let at = |seq| {
                state
                    .writer_key(&who.id(), &who.device_id(), &channel(name), seq)
                    .is_some()
            };
            let each: Vec<bool> = (0..=state.seq + 1).map(at).collect();
            for from in 0..=state.seq {
                for to in 0..=state.seq + 1 {
                    let throughout = state.writes_throughout(&who.id(), &who.device_id(), &channel(name), from, to);
                    let every = (from..=to).all(|seq| each[seq as usize]);
                    assert_eq!(throughout, every, "{} in {name}, {from} to {to}", who.name);
                    *(if throughout { &mut yes } else { &mut no }) += 1;
                }
            }
        }
    }
    assert!(yes > 500 && no > 500, "{yes} and {no}");
}

#[test]
fn a_cut_names_channels_that_there_are() {
    let (mut space, [alice, bob, carol, _]) = space();
    space.public_channel(&bob, "general").unwrap();
    let head = space.state.head;
    let cut = |name: &str| Cut {
        channel: channel(name),
        seq: 3,
        transcript: head,
    };
    let (general, nowhere) = (cut("general"), cut("nowhere"));
    let main = Cut {
        channel: ChannelId::MAIN,
        ..general.clone()
    };
    for cuts in [vec![nowhere], vec![main], vec![general.clone(), general.clone()]] {
        assert_eq!(no(space.remove_cut(&alice, &carol, cuts)), LogError::BadCut);
    }
    // Alice is not in the den: what was said there is not hers to void.
    space.private_channel(&bob, "den", &[&bob, &carol]).unwrap();
    let den = cut("den");
    assert_eq!(no(space.remove_cut(&alice, &carol, vec![den])), LogError::BadCut);
    space.remove_cut(&alice, &carol, vec![general]).unwrap();
    let is_cut = |name: &str, seq| {
        space
            .state
            .is_cut_off(&carol.id(), &carol.device_id(), &channel(name), seq)
    };
    assert!(is_cut("general", 4) && !is_cut("general", 3) && !is_cut("other", 4));
}

// --- Keys -------------------------------------------------------------------------------------------------------------------------

#[test]
fn every_channel_has_a_message_key_of_its_own() {
    let (mut space, [alice, bob, carol, _]) = space();
    space.public_channel(&alice, "general").unwrap();
    space.public_channel(&alice, "random").unwrap();
    space.private_channel(&alice, "den", &[&alice, &bob]).unwrap();
    space.private_channel(&alice, "attic", &[&alice, &carol]).unwrap();
    let keys = ["general", "random", "den", "attic"].map(|name| space.channel_message_key(name));
    for (index, key) in keys.iter().enumerate() {
        assert!(!keys[..index].contains(key));
    }
    let root = space.secret().unwrap();
    assert_ne!(channel_secret(&root, &channel("general")).expose(), root.expose());
}

#[test]
fn the_key_of_a_private_channel_is_bound_to_it() {
    let (mut space, [alice, bob, carol, dave]) = space();
    space.private_channel(&alice, "den", &[&alice, &bob, &dave]).unwrap();
    space
        .act(&alice, TestRoom::people_body("den", &[&carol], &[&dave]))
        .unwrap();
    let bare = space.channel_epoch_body("den");
    for change in 0..4 {
        let mut body = bare.clone();
        if let RoomBody::ChannelEpoch {
            n,
            roster_hash,
            suite,
            backlink,
            ..
        } = &mut body
        {
            match change {
                0 => *n += 1,
                1 => roster_hash[0] ^= 1,
                2 => *suite = 2,
                _ => *backlink = sotto_shared::codec::Bytes::default(),
            }
        }
        let expected = if change == 2 {
            LogError::BadSuite
        } else {
            LogError::BadEpoch
        };
        assert_eq!(no(space.act(&bob, body)), expected, "{change}");
    }
    space.act(&bob, bare).unwrap();
    let den = channel("den");
    let epochs = space.state.epochs_of(&den).to_vec();
    let (first, second) = (space.channel_secret(&den, 1), space.channel_secret(&den, 2));
    assert!(epoch::fits(&second, &space.id(), &epochs[1]) && !epoch::fits(&first, &space.id(), &epochs[1]));
    let mut moved = epochs[1].clone();
    moved.channel = channel("attic");
    assert!(!epoch::fits(&second, &space.id(), &moved));
    moved.channel = ChannelId::MAIN;
    assert!(!epoch::fits(&second, &space.id(), &moved));
    let link = epochs[1].backlink.as_slice();
    let open = |scope| epoch::open_backlink(&second, scope, 2, link);
    assert_eq!(open(Scope::new(space.id(), den)).unwrap().expose(), first.expose());
    assert!(open(Scope::new(space.id(), channel("attic"))).is_err() && open(Scope::from(&space.id())).is_err());
    // A wrap opens for its receiver, in this channel, alone.
    let (info, wrapped) = space.channel_wrap("den", &carol);
    let plain = kem::unwrap(&carol.kk[0], &info.info(), &wrapped).unwrap();
    assert_eq!(EpochSecret::from_slice(&plain).unwrap().expose(), second.expose());
    let elsewhere = kem::WrapInfo {
        channel: ChannelId::MAIN,
        ..info.clone()
    };
    assert!(kem::unwrap(&carol.kk[0], &elsewhere.info(), &wrapped).is_err());
    assert!(kem::unwrap(&bob.kk[0], &info.info(), &wrapped).is_err());
    let closed = space.state.roster_of(&den).count();
    let mut carol = carol;
    carol.close();
    space.update(&alice, &carol).unwrap();
    assert_eq!(
        space.state.roster_of(&den).count(),
        closed - 1,
        "no key for an account that is closed"
    );
}

#[test]
fn the_name_of_a_private_channel_is_under_its_own_key() {
    let (mut space, [alice, bob, carol, _]) = space();
    space.private_channel(&alice, "den", &[&alice, &bob, &carol]).unwrap();
    let den = channel("den");
    let there = &space.state.channels[&den];
    let open = |secret: &EpochSecret, id| {
        open_named(
            secret,
            &space.id(),
            Named::Channel(id),
            there.n,
            there.sealed.as_slice(),
        )
    };
    assert!(
        open(&space.secret().unwrap(), den).is_err(),
        "the space's key does not open it"
    );
    assert_eq!(open(&space.channel_secret(&den, 1), den).unwrap(), b"den");
    assert!(open(&space.channel_secret(&den, 1), channel("attic")).is_err());
    let stale = space.update_body("den", "lair", false);
    space.act(&carol, TestRoom::people_body("den", &[], &[&carol])).unwrap();
    space.channel_epoch(&alice, "den").unwrap();
    assert_eq!(no(space.act(&alice, stale)), LogError::BadEpoch);
    space.act(&alice, space.update_body("den", "lair", false)).unwrap();
}

/// Whoever left has the key until it is changed, and still reads the log.
#[test]
fn a_private_channel_is_not_named_under_a_key_that_is_due() {
    let (mut space, [alice, bob, carol, _]) = space();
    space.private_channel(&alice, "den", &[&alice, &bob, &carol]).unwrap();
    space.act(&carol, TestRoom::people_body("den", &[], &[&carol])).unwrap();
    for shelved in [false, true] {
        let body = space.update_body("den", "without carol", shelved);
        assert_eq!(no(space.act(&alice, body)), LogError::BadEpoch);
    }
    space.channel_epoch(&bob, "den").unwrap();
    space
        .act(&alice, space.update_body("den", "without carol", false))
        .unwrap();
}

/// What is for good, or for everybody, is no matter of a role that a space has made.
#[test]
fn whoever_gives_roles_does_not_end_the_space_or_change_its_rules() {
    let (mut space, [alice, bob, ..]) = space();
    space.define(&alice, 16, 99, &Permission::ALL, "regent").unwrap();
    space.set_role(&alice, &bob, Custom(custom(16))).unwrap();
    let policy = |history| RoomBody::SetPolicy {
        policy: Policy {
            suite: SUITE_1,
            history,
        },
    };
    for body in [RoomBody::Close, policy(History::Joined)] {
        assert_eq!(no(space.act(&bob, body)), LogError::NotAllowed);
    }
    space.act(&alice, policy(History::Joined)).unwrap();
    space.act(&alice, RoomBody::Close).unwrap();
}

#[test]
fn the_rights_to_make_channels_is_one_of_its_own() {
    let (mut space, [alice, _, carol, dave]) = space();
    space.define(&alice, 16, 20, &[Channel], "builder").unwrap();
    space.set_role(&alice, &carol, Custom(custom(16))).unwrap();
    space.public_channel(&carol, "workshop").unwrap();
    space
        .act(&carol, space.channel_body("shed", Private, &[&carol, &dave]))
        .unwrap();
    // Whoever may not write makes no key; dave may.
    assert_eq!(no(space.channel_epoch(&carol, "shed")), LogError::NotAllowed);
    space.channel_epoch(&dave, "shed").unwrap();
    space
        .act(&carol, space.channel_body("news", Announcement, &[]))
        .unwrap();
    space.act(&carol, space.arrange_body("[]")).unwrap();
    let (n, sealed) = space.state.arrangement.clone().unwrap();
    let order = open_named(
        &space.secret().unwrap(),
        &space.id(),
        Named::Order,
        n,
        sealed.as_slice(),
    );
    assert_eq!(order.unwrap(), b"[]");
}
