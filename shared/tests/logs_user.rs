//! The rules of user logs, one by one.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use sotto_shared::codec::{Bytes, Codec, DecodeError, Text};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::id::{DeviceKeyId, Head, UserId};
use sotto_shared::log::LogError;
use sotto_shared::log::user_log::{
    MAX_ACTIVE_DEVICES, MAX_USER_ENTRIES, UserBody, UserEntry, UserGenesis, UserLog, possession_bytes,
};
use sotto_shared::testing::people::{Person, REALM, key};

fn vault_commit(dk_id: Option<DeviceKeyId>) -> UserBody {
    vault_commit_of(1, dk_id)
}

fn vault_commit_of(rev: u64, dk_id: Option<DeviceKeyId>) -> UserBody {
    UserBody::VaultCommit {
        rev,
        hash: [1; 32],
        dk_id,
    }
}

// --- Genesis -------------------------------------------------------------------------------------------------------------

#[test]
fn a_genesis_counts_under_its_own_id_and_realm_alone() {
    let alice = Person::without_device("alice");
    assert!(UserLog::begin(&alice.genesis, &alice.id(), REALM).is_ok());
    let wrong = |genesis: &[u8], id: &UserId, realm: &str| UserLog::begin(genesis, id, realm).map(|_| ()).unwrap_err();
    assert_eq!(
        wrong(&alice.genesis, &Person::without_device("bob").id(), REALM),
        LogError::WrongLog
    );
    assert_eq!(wrong(&alice.genesis, &alice.id(), "evil.test"), LogError::WrongLog);
    assert_eq!(wrong(&alice.genesis, &alice.id(), ""), LogError::WrongLog);
}

#[test]
fn a_relay_cannot_swap_a_key_in_a_genesis() {
    let alice = Person::without_device("alice");
    let mut genesis = UserGenesis::from_bytes(&alice.genesis).unwrap();
    genesis.ik = key("mallory").public();
    assert_eq!(
        UserLog::begin(&genesis.to_bytes(), &alice.id(), REALM).map(|_| ()),
        Err(LogError::WrongLog)
    );
    let mut trailing = alice.genesis.clone();
    trailing.push(0);
    let verdict = UserLog::begin(&trailing, &alice.id(), REALM).map(|_| ());
    assert_eq!(verdict, Err(LogError::Decode(DecodeError::Trailing)));
}

#[test]
fn two_accounts_with_the_same_keys_are_two_accounts() {
    let a = Person::with_keys("one", key("ik"), key("kk"));
    let b = Person::with_keys("two", key("ik"), key("kk"));
    assert_ne!(a.id(), b.id());
    let entry = a.blob(a.device_body(&key("dk")));
    assert_eq!(b.log.extend(&[entry]).map(|_| ()).unwrap_err(), LogError::WrongLog);
}

// --- Chain -----------------------------------------------------------------------------------------------------------------

#[test]
fn entries_count_up_and_build_on_the_last() {
    let alice = Person::new("alice");
    let good = alice.entry(vault_commit(None));
    let with = |change: fn(&mut UserEntry)| {
        let mut entry = good.clone();
        change(&mut entry);
        alice.log.extend(&[Person::sign_entry(&entry, &alice.ik)]).map(|_| ())
    };
    assert!(with(|_| ()).is_ok());
    assert_eq!(with(|entry| entry.seq += 1), Err(LogError::Sequence));
    assert_eq!(with(|entry| entry.seq -= 1), Err(LogError::Sequence));
    assert_eq!(with(|entry| entry.seq = 0), Err(LogError::Sequence));
    assert_eq!(with(|entry| entry.seq = u64::MAX), Err(LogError::Sequence));
    assert_eq!(
        with(|entry| entry.prev = Head::from_bytes([0; 32])),
        Err(LogError::Chain)
    );
    assert_eq!(
        with(|entry| entry.user_id = UserId::from_bytes([0; 32])),
        Err(LogError::WrongLog)
    );
}

#[test]
fn an_entry_is_not_taken_twice_and_entries_do_not_change_places() {
    let mut alice = Person::new("alice");
    alice.add_device();
    alice.rotate_kem();
    let start = UserLog::begin(&alice.genesis, &alice.id(), REALM).unwrap();
    let all = alice.blobs.clone();
    assert_eq!(
        start.extend(&all).unwrap().prove_here().unwrap().head(),
        alice.log.head()
    );
    assert_eq!(
        start.extend(&[all[0].clone(), all[0].clone()]).map(|_| ()),
        Err(LogError::Sequence)
    );
    assert_eq!(
        start.extend(&[all[1].clone(), all[0].clone()]).map(|_| ()),
        Err(LogError::Sequence)
    );
    assert_eq!(
        start.extend(&[all[0].clone(), all[2].clone()]).map(|_| ()),
        Err(LogError::Sequence)
    );
    assert_eq!(start.seq(), 0, "nothing is taken of what fails");
}

#[test]
fn two_continuations_of_one_log_do_not_mix() {
    let mut one = Person::new("alice");
    let mut two = one.clone();
    one.rotate_kem();
    two.revoke(0);
    one.add_device();
    let tail = one.blobs.last().unwrap().clone();
    assert_eq!(two.log.extend(&[tail]).map(|_| ()), Err(LogError::Chain));
}

#[test]
fn a_genesis_is_no_entry_and_an_entry_no_genesis() {
    let alice = Person::new("alice");
    let as_entry = SignedBlob {
        body: alice.genesis.clone(),
        sig: alice.ik.sign(Label::UserLog, &alice.genesis),
    };
    assert_eq!(
        alice.log.extend(&[as_entry]).map(|_| ()),
        Err(LogError::Decode(DecodeError::UnknownTag))
    );
    let entry = &alice.blobs[0].body;
    assert!(matches!(
        UserLog::begin(entry, &alice.id(), REALM),
        Err(LogError::Decode(_))
    ));
}

// --- Signatures --------------------------------------------------------------------------------------------------------------

#[test]
fn only_the_identity_key_signs() {
    let mut alice = Person::new("alice");
    let entry = alice.entry(UserBody::RotateKem {
        g: 2,
        kk: key("kk2").public(),
    });
    for signer in [
        key("mallory"),
        alice.device().clone(),
        alice.kk[0].clone(),
        Person::new("bob").ik,
    ] {
        assert_eq!(
            alice.take(Person::sign_entry(&entry, &signer)),
            Err(LogError::Signature)
        );
    }
    let body = entry.to_bytes();
    let other_label = SignedBlob {
        sig: alice.ik.sign(Label::RoomLog, &body),
        body,
    };
    assert_eq!(alice.take(other_label), Err(LogError::Signature));
    assert_eq!(alice.take(Person::sign_entry(&entry, &alice.ik.clone())), Ok(()));
}

#[test]
fn one_bad_signature_among_many_takes_nothing() {
    let mut alice = Person::new("alice");
    for _ in 0..3 {
        alice.add_device();
    }
    let start = UserLog::begin(&alice.genesis, &alice.id(), REALM).unwrap();
    for index in 0..alice.blobs.len() {
        let mut blobs = alice.blobs.clone();
        blobs[index].sig[10] ^= 1;
        assert!(start.extend(&blobs).unwrap().prove_here().is_err(), "entry {index}");
    }
}

#[test]
fn too_few_verdicts_prove_nothing() {
    let alice = Person::new("alice");
    let start = UserLog::begin(&alice.genesis, &alice.id(), REALM).unwrap();
    let unproven = || start.extend(&alice.blobs).unwrap();
    assert_eq!(unproven().jobs().len(), 2, "the entry and the proof of possession");
    assert_eq!(unproven().prove(&[]).map(|_| ()), Err(0));
    assert_eq!(unproven().prove(&[true]).map(|_| ()), Err(1));
    assert_eq!(unproven().prove(&[true, false]).map(|_| ()), Err(1));
    assert!(unproven().prove(&[true, true]).is_ok());
}

// --- Devices -------------------------------------------------------------------------------------------------------------------

#[test]
fn a_device_proves_that_it_has_its_key() {
    let mut alice = Person::without_device("alice");
    let (device, mallory, bob) = (key("dk"), key("mallory"), Person::new("bob"));
    let dk = device.public();
    let add = |pop| UserBody::AddDevice {
        dk,
        pop,
        label: Bytes::default(),
    };
    let bytes = possession_bytes(&alice.id(), &dk);
    // Somebody else's signature; this device's, for somebody else; for another use; over other bytes.
    let bad = [
        mallory.sign(Label::DevicePossession, &bytes),
        device.sign(Label::DevicePossession, &possession_bytes(&bob.id(), &dk)),
        device.sign(Label::IdentityPossession, &bytes),
        device.sign(
            Label::DevicePossession,
            &possession_bytes(&alice.id(), &mallory.public()),
        ),
        [0; 64],
    ];
    for (index, pop) in bad.into_iter().enumerate() {
        assert_eq!(alice.append(add(pop)), Err(LogError::Signature), "{index}");
    }
    assert_eq!(alice.append(add(device.sign(Label::DevicePossession, &bytes))), Ok(()));
    assert_eq!(alice.log.view().active_device(&dk.key_id()), Some(&dk));
}

#[test]
fn somebody_elses_device_cannot_be_claimed() {
    let (mut alice, bob) = (Person::without_device("alice"), Person::new("bob"));
    let UserBody::AddDevice { dk, pop, label } = bob.device_body(bob.device()) else {
        panic!()
    };
    assert_eq!(
        alice.append(UserBody::AddDevice { dk, pop, label }),
        Err(LogError::Signature)
    );
}

#[test]
fn a_revoked_device_is_gone_for_good() {
    let mut alice = Person::new("alice");
    let id = alice.device_id();
    alice.revoke(0);
    assert_eq!(alice.log.view().active_device(&id), None);
    assert_eq!(
        alice.append(UserBody::RevokeDevice { dk_id: id }),
        Err(LogError::NoSuchTarget)
    );
    assert_eq!(
        alice.append(alice.device_body(&alice.devices[0])),
        Err(LogError::AlreadyThere)
    );
    assert_eq!(
        alice.log.at(1).unwrap().1.active_device(&id),
        Some(&alice.devices[0].public()),
        "the past stays"
    );
}

#[test]
fn a_device_that_never_was_cannot_be_revoked_and_one_that_is_not_added_again() {
    let mut alice = Person::new("alice");
    let dk_id = DeviceKeyId::from_bytes([9; 32]);
    assert_eq!(
        alice.append(UserBody::RevokeDevice { dk_id }),
        Err(LogError::NoSuchTarget)
    );
    assert_eq!(
        alice.append(alice.device_body(&alice.devices[0])),
        Err(LogError::AlreadyThere)
    );
}

#[test]
fn sixty_four_devices_and_no_more_and_a_revoked_one_makes_room() {
    let mut alice = Person::new("alice");
    while alice.devices.len() < MAX_ACTIVE_DEVICES {
        alice.add_device();
    }
    let one_more = key("one more");
    assert_eq!(alice.append(alice.device_body(&one_more)), Err(LogError::TooMany));
    alice.revoke(3);
    assert_eq!(alice.append(alice.device_body(&one_more)), Ok(()));
}

#[test]
fn a_kem_key_does_not_come_back() {
    let mut alice = Person::new("alice");
    let first = alice.log.view().kk;
    alice.rotate_kem();
    assert_eq!(
        alice.append(UserBody::RotateKem { g: 3, kk: first }),
        Err(LogError::BadEpoch)
    );
}

#[test]
fn a_log_has_an_end() {
    let mut alice = Person::new("alice");
    for rev in alice.log.seq()..MAX_USER_ENTRIES {
        assert_eq!(alice.append(vault_commit_of(rev, None)), Ok(()));
    }
    assert_eq!(alice.append(vault_commit_of(u64::MAX, None)), Err(LogError::TooMany));
}

#[test]
fn the_identity_key_alone_commits_to_a_vault() {
    let mut alice = Person::new("alice");
    let mine = Some(alice.device_id());
    for (key, dk_id) in [(alice.ik.clone(), mine), (alice.device().clone(), mine)] {
        let named = alice.entry(vault_commit_of(1, dk_id));
        assert_eq!(alice.take(Person::sign_entry(&named, &key)), Err(LogError::NotAllowed));
    }
    for rev in [1, 2] {
        assert_eq!(alice.append(vault_commit_of(rev, None)), Ok(()));
    }
    for old in [0, 1, 2] {
        assert_eq!(
            alice.append(vault_commit_of(old, None)),
            Err(LogError::Sequence),
            "an older vault is not the newest"
        );
    }
    let unnamed = alice.entry(vault_commit_of(3, None));
    assert_eq!(
        alice.take(Person::sign_entry(&unnamed, &alice.device().clone())),
        Err(LogError::Signature)
    );
    // A stolen device cannot bring its friends.
    let add = alice.entry(alice.device_body(&key("friend")));
    assert_eq!(
        alice.take(Person::sign_entry(&add, &alice.device().clone())),
        Err(LogError::Signature)
    );
}

#[test]
fn a_label_has_a_limit() {
    let alice = Person::new("alice");
    let mut body = alice.entry(vault_commit(None)).to_bytes();
    body.truncate(body.len() - UserBody::to_bytes(&vault_commit(None)).len());
    body.push(1);
    body.extend_from_slice(key("dk").public().as_bytes());
    body.extend_from_slice(&[0; 64]);
    body.extend_from_slice(&257_u32.to_be_bytes());
    body.extend_from_slice(&[0; 257]);
    let blob = SignedBlob {
        sig: alice.ik.sign(Label::UserLog, &body),
        body,
    };
    assert_eq!(
        alice.log.extend(&[blob]).map(|_| ()),
        Err(LogError::Decode(DecodeError::TooLong))
    );
}

// --- Keys ------------------------------------------------------------------------------------------------------------------------

#[test]
fn kem_generations_count_up_by_one_with_a_new_key_each() {
    let mut alice = Person::new("alice");
    let kk = key("kk2").public();
    for g in [0, 1, 3, u32::MAX] {
        assert_eq!(
            alice.append(UserBody::RotateKem { g, kk }),
            Err(LogError::BadEpoch),
            "{g}"
        );
    }
    let same = alice.log.view().kk;
    assert_eq!(
        alice.append(UserBody::RotateKem { g: 2, kk: same }),
        Err(LogError::BadEpoch)
    );
    assert_eq!(alice.append(UserBody::RotateKem { g: 2, kk }), Ok(()));
    assert_eq!((alice.log.view().kem_g, alice.log.view().kk), (2, kk));
}

#[test]
fn after_an_identity_rotation_the_new_key_signs_and_the_old_one_does_not() {
    let mut alice = Person::new("alice");
    let old = alice.ik.clone();
    alice.rotate_identity();
    let view = alice.log.view();
    assert_eq!((view.ik, view.ik_since), (alice.ik.public(), alice.log.seq()));
    let entry = alice.entry(vault_commit(None));
    assert_eq!(alice.take(Person::sign_entry(&entry, &old)), Err(LogError::Signature));
    assert_eq!(alice.take(Person::sign_entry(&entry, &alice.ik.clone())), Ok(()));
    assert_eq!(alice.log.at(1).unwrap().1.ik, old.public(), "the past stays");
    assert_eq!(alice.log.at(1).unwrap().1.ik_since, 0);
    // Rotated and used in one batch.
    let start = UserLog::begin(&alice.genesis, &alice.id(), REALM).unwrap();
    assert!(start.extend(&alice.blobs).unwrap().prove_here().is_ok());
}

#[test]
fn an_identity_rotation_needs_both_keys() {
    let mut alice = Person::new("alice");
    let (new, mallory, bob) = (key("new"), key("mallory"), Person::new("bob"));
    let ik = new.public();
    let bytes = possession_bytes(&alice.id(), &ik);
    for pop in [
        alice.ik.sign(Label::IdentityPossession, &bytes),
        mallory.sign(Label::IdentityPossession, &bytes),
        new.sign(Label::DevicePossession, &bytes),
        new.sign(Label::IdentityPossession, &possession_bytes(&bob.id(), &ik)),
    ] {
        assert_eq!(
            alice.append(UserBody::RotateIdentity { ik, pop }),
            Err(LogError::Signature)
        );
    }
    let entry = alice.entry(alice.identity_body(&new));
    assert_eq!(
        alice.take(Person::sign_entry(&entry, &new)),
        Err(LogError::Signature),
        "the old one signs the entry"
    );
    assert_eq!(
        alice.append(alice.identity_body(&alice.ik)),
        Err(LogError::AlreadyThere)
    );
    assert_eq!(alice.append(alice.identity_body(&new)), Ok(()));
}

#[test]
fn thousands_of_views_share_what_they_have_in_common() {
    let mut alice = Person::new("alice");
    alice.append(vault_commit_of(1, None)).unwrap();
    alice.add_device();
    alice.append(vault_commit_of(2, None)).unwrap();
    let devices = |seq| &alice.log.at(seq).unwrap().1.devices;
    assert!(Arc::ptr_eq(devices(1), devices(2)));
    assert!(Arc::ptr_eq(devices(3), devices(4)));
    let first = alice.devices[0].public().key_id();
    assert!(Arc::ptr_eq(&devices(2)[&first], &devices(3)[&first]));
}

#[test]
fn a_closed_log_takes_nothing_more_and_its_devices_sign_nothing() {
    let mut alice = Person::new("alice");
    alice.close();
    assert_eq!(alice.append(vault_commit(None)), Err(LogError::Closed));
    assert_eq!(alice.append(UserBody::Close), Err(LogError::Closed));
    assert_eq!(alice.log.view().active_device(&alice.device_id()), None);
}

// --- Reading -----------------------------------------------------------------------------------------------------------------

#[test]
fn the_log_can_be_read_at_every_point_and_at_no_other() {
    let mut alice = Person::new("alice");
    alice.add_device();
    alice.rotate_kem();
    assert_eq!(alice.log.seq(), 3);
    let active = |seq| alice.log.at(seq).unwrap().1.devices.len();
    assert_eq!([0, 1, 2, 3].map(active), [0, 1, 2, 2]);
    assert_eq!(alice.log.at(2).unwrap().1.kem_g, 1);
    assert_eq!(alice.log.at(3).unwrap().0, alice.log.head());
    assert!(alice.log.at(4).is_none() && alice.log.at(u64::MAX).is_none());
}

#[test]
fn a_realm_that_is_too_long_is_no_genesis() {
    assert!(Text::<253>::new("x".repeat(254)).is_err());
}
