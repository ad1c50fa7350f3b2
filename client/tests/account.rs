//! An account's own trust: another password, the recovery key, browsers taken away, a new beginning and the end.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use futures_lite::future::block_on;
use sotto_client::engine::{Failure, Reply, Request};
use sotto_client::testing::world::password;
use sotto_client::testing::{ModelRelay, Peer, Snapshot, Tamper, World};
use sotto_client::view::{Body, Change, Command, Device, Found, Note, Outcome, Phase, Problem, Standing, Trust};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::recovery::RecoveryKey;
use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::header::Header;
use sotto_shared::id::{DeviceKeyId, RoomId, UserId};

type TestWorld = World<RustCrypto>;
type Past = Snapshot<Arc<PrivateKey>>;

const ADA: usize = 0;
const BOB: usize = 1;
/// Ada's other browser.
const OTHER: usize = 2;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const NEW: &str = "quartz lantern under seven orchards";

/// Ada with two browsers, and Bob; a direct message and a group of Ada's.
static PAST: LazyLock<(Past, RoomId, RoomId)> = LazyLock::new(|| {
    block_on(async {
        let mut world = World::new(RustCrypto, "account");
        let (ada, bob) = (world.newcomer("ada").await, world.newcomer("bob").await);
        let direct = world.direct(ada, "bob").await;
        let group = world.group(ada, "Den", &["bob"]).await;
        world.say(ada, direct, "first").await;
        world.say(bob, group, "in the den").await;
        world.sign_in("ada").await;
        world.settle().await;
        (world.into_snapshot(), direct, group)
    })
});

async fn begin(seed: &str) -> (TestWorld, RoomId, RoomId) {
    let (past, direct, group) = &*PAST;
    let mut world = World::from_snapshot(RustCrypto, past, seed);
    world.settle().await;
    (world, *direct, *group)
}

fn id_of(world: &mut TestWorld, handle: &str) -> UserId {
    *world.relay().people.find(handle).unwrap().0
}

fn change() -> Command {
    Command::ChangePassword {
        old: password("ada"),
        new: NEW.into(),
    }
}

fn sign_in(password: &str) -> Command {
    Command::SignIn {
        handle: "ada".into(),
        password: password.to_owned(),
        stay: true,
    }
}

const CHANGED: Result<Outcome, Problem> = Ok(Outcome::PasswordChanged {
    recovery_key_gone: false,
});

/// Waits for connections to come back.
async fn calm(world: &mut TestWorld) {
    for _ in 0..8 {
        world.advance(16_000);
        world.settle().await;
    }
}

fn is_in(world: &TestWorld, browser: usize) -> bool {
    matches!(world.browsers[browser].phase(), Phase::SignedIn { .. })
}

fn kem_g(world: &mut TestWorld) -> u32 {
    world.relay().people.find("ada").unwrap().1.log.view().kem_g
}

fn newest_epoch(world: &mut TestWorld, room: RoomId) -> u32 {
    let message = world.relay().rooms[&room].messages.last().unwrap().clone();
    Header::from_bytes(&message.header.0).unwrap().n
}

fn has_recovery_key(world: &TestWorld, browser: usize) -> Option<bool> {
    let changes = world.browsers[browser].changes.iter().rev();
    changes.clone().find_map(|change| match change {
        Change::RecoveryKey(there) => Some(*there),
        _ => None,
    })
}

fn trust(world: &TestWorld, browser: usize, user: UserId) -> Option<Trust> {
    let changes = world.browsers[browser].changes.iter().rev();
    changes.clone().find_map(|change| match change {
        Change::Person(person) if person.id == user => Some(person.trust),
        _ => None,
    })
}

type ReplyRule = Box<dyn FnMut(&Request, Result<Reply, Failure>) -> Result<Reply, Failure>>;

/// Notes what is asked, and changes answers.
struct Network {
    asked: Rc<RefCell<Vec<Request>>>,
    reply: ReplyRule,
}

impl Tamper for Network {
    fn request(&mut self, _: &mut ModelRelay, _: Peer, request: &mut Request) -> Option<Result<Reply, Failure>> {
        self.asked.borrow_mut().push(request.clone());
        None
    }

    fn reply(
        &mut self,
        _: &mut ModelRelay,
        _: Peer,
        request: &Request,
        reply: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        (self.reply)(request, reply)
    }
}

fn watch(world: &mut TestWorld, reply: ReplyRule) -> Rc<RefCell<Vec<Request>>> {
    let asked = Rc::default();
    world.tamper = Box::new(Network {
        asked: Rc::clone(&asked),
        reply,
    });
    asked
}

// --- Password --------------------------------------------------------------------------------------------------------------

#[test]
fn another_password_ends_the_other_browsers_and_loses_nothing() {
    for seed in 0..6 {
        block_on(async {
            let (mut world, direct, group) = begin(&format!("password {seed}")).await;
            let bob_id = id_of(&mut world, "bob");
            let mark = world.browsers[ADA].compared(bob_id, Found::Same);
            world.run(ADA, mark).await.unwrap();
            // What the other browser has not sent yet when it is shut out.
            world.go_offline(OTHER);
            world.say(OTHER, direct, "unsent").await;
            assert_eq!(world.run(ADA, change()).await, CHANGED);
            assert_eq!(kem_g(&mut world), 2);
            calm(&mut world).await;
            world.go_online(OTHER);
            calm(&mut world).await;
            assert!(!is_in(&world, OTHER), "its session is over");
            assert_eq!(world.browsers[ADA].notices(), []);
            world.say(ADA, direct, "after").await;
            calm(&mut world).await;
            assert_eq!(world.texts(BOB, direct).await, ["first", "after"]);
            assert_eq!(newest_epoch(&mut world, direct), 2, "under a new room key");

            assert_eq!(
                world.run(OTHER, sign_in(&password("ada"))).await,
                Err(Problem::WrongPassword)
            );
            assert_eq!(world.run(OTHER, sign_in(NEW)).await, Ok(Outcome::Done));
            calm(&mut world).await;
            world.reload(ADA);
            calm(&mut world).await;
            let new = world.browser("new");
            assert_eq!(world.run(new, sign_in(NEW)).await, Ok(Outcome::Done));
            calm(&mut world).await;
            for browser in [ADA, BOB, OTHER, new] {
                assert!(is_in(&world, browser), "{browser}");
                assert_eq!(
                    world.texts(browser, direct).await,
                    ["first", "after", "unsent"],
                    "{browser}"
                );
                assert_eq!(world.texts(browser, group).await, ["in the den"], "{browser}");
                assert_eq!(world.browsers[browser].room(direct).unwrap().standing, Standing::Open);
            }
            for browser in [ADA, OTHER, new] {
                assert_eq!(trust(&world, browser, bob_id), Some(Trust::Verified), "{browser}");
                let Ok(Outcome::Devices(devices)) = world.run(browser, Command::ListDevices).await else {
                    panic!("no devices");
                };
                let named = |device: &&Device| !device.label.is_empty();
                assert_eq!(
                    devices.iter().filter(named).count(),
                    devices.len(),
                    "names from before open"
                );
            }
        });
    }
}

#[test]
fn a_password_is_changed_by_whoever_knows_it_and_to_a_strong_one() {
    block_on(async {
        let (mut world, direct, _) = begin("wrong").await;
        let before = world.relay().people.find("ada").unwrap().1.clone();
        let wrong = Command::ChangePassword {
            old: "something else entirely, long".into(),
            new: NEW.into(),
        };
        assert_eq!(world.run(ADA, wrong).await, Err(Problem::WrongPassword));
        let weak = Command::ChangePassword {
            old: password("ada"),
            new: "password1234".into(),
        };
        assert!(matches!(world.run(ADA, weak).await, Err(Problem::WeakPassword(_))));
        let after = world.relay().people.find("ada").unwrap().1.clone();
        assert_eq!((&before.sign_in, &before.vault), (&after.sign_in, &after.vault));
        assert!(is_in(&world, ADA) && is_in(&world, OTHER));
        world.say(ADA, direct, "still here").await;
    });
}

#[test]
fn a_crash_in_the_middle_of_a_change_leaves_one_password_and_everything_that_was_kept() {
    let mut outcomes = [0, 0];
    for fuse in 3..23 {
        block_on(async {
            let (mut world, direct, _) = begin(&format!("crash {fuse}")).await;
            world.go_offline(OTHER);
            world.say(OTHER, direct, "unsent").await;
            world.browsers[ADA].fuse = Some(fuse);
            world.browsers[ADA].command(change());
            world.settle().await;
            world.reload(ADA);
            calm(&mut world).await;
            world.go_online(OTHER);
            calm(&mut world).await;
            let new = world.browser("new");
            let changed = world.run(new, sign_in(NEW)).await == Ok(Outcome::Done);
            outcomes[usize::from(changed)] += 1;
            let now = if changed { NEW.to_owned() } else { password("ada") };
            for browser in [new, ADA, OTHER] {
                if !is_in(&world, browser) {
                    assert_eq!(
                        world.run(browser, sign_in(&now)).await,
                        Ok(Outcome::Done),
                        "{fuse} {browser}"
                    );
                }
            }
            calm(&mut world).await;
            for browser in [ADA, BOB, OTHER, new] {
                assert_eq!(
                    world.texts(browser, direct).await,
                    ["first", "unsent"],
                    "{fuse} {browser}"
                );
            }
        });
    }
    assert!(outcomes.iter().all(|count| *count > 2), "{outcomes:?}");
}

#[test]
fn a_change_whose_answer_is_lost_is_said_to_be_open() {
    block_on(async {
        let (mut world, direct, _) = begin("lost answer").await;
        let lose: ReplyRule = Box::new(|request, reply| match request {
            Request::Rekey(_) => Err(Failure::Offline),
            _ => reply,
        });
        watch(&mut world, lose);
        assert_eq!(world.run(ADA, change()).await, Err(Problem::MaybeChanged));
        assert!(!is_in(&world, ADA));
        watch(&mut world, Box::new(|_, reply| reply));
        assert_eq!(world.run(ADA, sign_in(NEW)).await, Ok(Outcome::Done));
        calm(&mut world).await;
        assert_eq!(world.texts(ADA, direct).await, ["first"]);
        world.say(ADA, direct, "back").await;
        assert_eq!(world.texts(BOB, direct).await, ["first", "back"]);
    });
}

#[test]
fn two_changes_at_once_are_one_after_the_other_or_one_alone() {
    for seed in 0..8 {
        block_on(async {
            let (mut world, direct, _) = begin(&format!("two changes {seed}")).await;
            let other = "marble kettle between nine harbours";
            let ids = [
                (ADA, world.browsers[ADA].command(change())),
                (
                    OTHER,
                    world.browsers[OTHER].command(Command::ChangePassword {
                        old: password("ada"),
                        new: other.into(),
                    }),
                ),
            ];
            world.settle().await;
            let answers = ids.map(|(browser, id)| world.browsers[browser].answers.get(&id).cloned());
            let done = answers.iter().filter(|answer| **answer == Some(CHANGED)).count();
            assert_eq!(done, 1, "{answers:?}");
            calm(&mut world).await;
            let new = world.browser("new");
            let works = [NEW, other].map(|password| (password, sign_in(password)));
            let mut opened = 0;
            for (_, command) in works {
                opened += usize::from(world.run(new, command).await == Ok(Outcome::Done));
                if opened > 0 {
                    break;
                }
            }
            assert_eq!(opened, 1);
            calm(&mut world).await;
            assert_eq!(world.texts(new, direct).await, ["first"]);
        });
    }
}

// --- Contacts in the vault -------------------------------------------------------------------------------------------------

#[test]
fn two_browsers_write_pins_at_once_and_both_are_kept() {
    for seed in 0..10 {
        block_on(async {
            let (mut world, ..) = begin(&format!("pins {seed}")).await;
            world.newcomer("cyd").await;
            for browser in [ADA, OTHER] {
                for handle in ["bob", "cyd"] {
                    let handle = handle.to_owned();
                    world.run(browser, Command::FindPerson { handle }).await.unwrap();
                }
            }
            let (bob, cyd) = (id_of(&mut world, "bob"), id_of(&mut world, "cyd"));
            let ids = [(ADA, bob), (OTHER, cyd)].map(|(browser, user)| {
                let mark = world.browsers[browser].compared(user, Found::Same);
                (browser, world.browsers[browser].command(mark))
            });
            world.settle().await;
            for (browser, id) in ids {
                assert_eq!(world.browsers[browser].answers.get(&id), Some(&Ok(Outcome::Done)));
            }
            let new = world.sign_in("ada").await;
            calm(&mut world).await;
            for handle in ["bob", "cyd"] {
                let handle = handle.to_owned();
                world.run(new, Command::FindPerson { handle }).await.unwrap();
            }
            for user in [bob, cyd] {
                assert_eq!(trust(&world, new, user), Some(Trust::Verified));
            }
            for browser in [ADA, OTHER, new] {
                assert_eq!(world.browsers[browser].notices(), []);
            }
        });
    }
}

// --- Recovery key ----------------------------------------------------------------------------------------------------------

async fn make_recovery_key(world: &mut TestWorld) -> String {
    let make = Command::MakeRecoveryKey {
        password: password("ada"),
    };
    let Ok(Outcome::RecoveryKey { groups, ask }) = world.run(ADA, make).await else {
        panic!("no key");
    };
    let confirm = Command::ConfirmRecoveryKey {
        groups: ask.map(|at| groups[usize::from(at)].to_lowercase()),
    };
    assert_eq!(world.run(ADA, confirm).await, Ok(Outcome::Done));
    groups.join(" ")
}

fn recover(key: &str, password: &str) -> Command {
    Command::Recover {
        handle: "ada".into(),
        key: key.to_owned(),
        password: password.to_owned(),
        stay: true,
    }
}

#[test]
fn a_recovery_key_counts_once_two_of_its_groups_were_typed_back() {
    block_on(async {
        let (mut world, ..) = begin("make").await;
        assert_eq!(has_recovery_key(&world, ADA), Some(false));
        let wrong = Command::MakeRecoveryKey {
            password: "not it, but as long as it".into(),
        };
        assert_eq!(world.run(ADA, wrong).await, Err(Problem::WrongPassword));
        let make = || Command::MakeRecoveryKey {
            password: password("ada"),
        };
        let asked = watch(&mut world, Box::new(|_, reply| reply));
        let Ok(Outcome::RecoveryKey { groups, ask }) = world.run(ADA, make()).await else {
            panic!("no key");
        };
        assert_eq!(groups.len(), 14);
        assert!(ask[0] < ask[1] && ask[1] < 14);
        RecoveryKey::read(&groups.join("-")).unwrap();
        let swapped = [ask[1], ask[0]].map(|at| groups[usize::from(at)].clone());
        let confirm = |groups| Command::ConfirmRecoveryKey { groups };
        assert_eq!(world.run(ADA, confirm(swapped)).await, Err(Problem::WrongGroups));
        let set = |request: &Request| matches!(request, Request::SetRecovery(_));
        assert!(!asked.borrow().iter().any(set), "nothing was uploaded");
        let new = world.browser("new");
        assert_eq!(
            world.run(new, recover(&groups.join(""), NEW)).await,
            Err(Problem::WrongRecoveryKey),
            "not before it is confirmed"
        );
        let right = ask.map(|at| format!(" {} ", groups[usize::from(at)].to_lowercase()));
        assert_eq!(world.run(ADA, confirm(right.clone())).await, Ok(Outcome::Done));
        assert_eq!(has_recovery_key(&world, ADA), Some(true));
        assert_eq!(world.run(ADA, confirm(right)).await, Err(Problem::TookTooLong), "once");

        // Too late: the password is asked for again.
        let Ok(Outcome::RecoveryKey { groups, ask }) = world.run(ADA, make()).await else {
            panic!("no key");
        };
        world.advance(11 * 60 * 1000);
        world.settle().await;
        let right = ask.map(|at| groups[usize::from(at)].clone());
        assert_eq!(world.run(ADA, confirm(right)).await, Err(Problem::TookTooLong));
        assert!(is_in(&world, ADA));
        // And one that is put aside is forgotten.
        let Ok(Outcome::RecoveryKey { groups, ask }) = world.run(ADA, make()).await else {
            panic!("no key");
        };
        world.run(ADA, Command::CancelRecoveryKey).await.unwrap();
        let right = ask.map(|at| groups[usize::from(at)].clone());
        assert_eq!(world.run(ADA, confirm(right)).await, Err(Problem::TookTooLong));
        world.reload(OTHER);
        calm(&mut world).await;
        assert_eq!(has_recovery_key(&world, OTHER), Some(true), "the first is still there");
    });
}

#[test]
fn slips_of_the_hand_are_told_before_anybody_is_asked() {
    block_on(async {
        let (mut world, ..) = begin("slips").await;
        let key = make_recovery_key(&mut world).await;
        let browser = world.browser("new");
        world.settle().await;
        let asked = watch(&mut world, Box::new(|_, reply| reply));
        let third = key.replacen(&key[10..14], "UUUU", 1);
        let cases = [
            (third, Some(3)),
            (key[..key.len() - 1].to_owned(), None),
            (String::new(), None),
        ];
        for (typed, group) in cases {
            let mistyped = Err(Problem::RecoveryKeyMistyped { group });
            let check = Command::CheckRecoveryKey { key: typed.clone() };
            assert_eq!(world.run(browser, check).await, mistyped, "{typed}");
            assert_eq!(world.run(browser, recover(&typed, NEW)).await, mistyped, "{typed}");
        }
        assert!(asked.borrow().is_empty());
        let check = Command::CheckRecoveryKey {
            key: key.to_lowercase().replace(' ', "-"),
        };
        assert_eq!(world.run(browser, check).await, Ok(Outcome::Done));
        assert!(asked.borrow().is_empty());
    });
}

#[test]
fn the_recovery_key_opens_the_account_and_sets_a_password_in_the_same_go() {
    block_on(async {
        let (mut world, direct, group) = begin("recover").await;
        let key = make_recovery_key(&mut world).await;
        world.go_offline(OTHER);
        world.say(OTHER, direct, "unsent").await;
        let new = world.browser("new");
        let weak = world.run(new, recover(&key, "password1234")).await;
        assert!(matches!(weak, Err(Problem::WeakPassword(_))));
        assert_eq!(
            world.run(new, recover(&key.to_lowercase(), NEW)).await,
            Ok(Outcome::Done)
        );
        calm(&mut world).await;
        world.go_online(OTHER);
        calm(&mut world).await;
        assert!(is_in(&world, new) && !is_in(&world, ADA) && !is_in(&world, OTHER));
        assert_eq!(kem_g(&mut world), 2);
        assert_eq!(has_recovery_key(&world, new), Some(true), "it stays good");
        assert_eq!(world.texts(new, direct).await, ["first"]);
        assert_eq!(
            world.run(ADA, sign_in(&password("ada"))).await,
            Err(Problem::WrongPassword)
        );
        for browser in [ADA, OTHER] {
            assert_eq!(world.run(browser, sign_in(NEW)).await, Ok(Outcome::Done));
        }
        calm(&mut world).await;
        for browser in [ADA, BOB, OTHER, new] {
            assert_eq!(world.texts(browser, direct).await, ["first", "unsent"], "{browser}");
            assert_eq!(world.texts(browser, group).await, ["in the den"], "{browser}");
        }
        // Once more with the same key; another change of password ends it, and says so.
        let again = "violet anchor without eleven doors";
        let third = world.browser("third");
        assert_eq!(world.run(third, recover(&key, again)).await, Ok(Outcome::Done));
        calm(&mut world).await;
        let change = Command::ChangePassword {
            old: again.into(),
            new: NEW.into(),
        };
        let gone = Ok(Outcome::PasswordChanged {
            recovery_key_gone: true,
        });
        assert_eq!(world.run(third, change).await, gone);
        assert_eq!(has_recovery_key(&world, third), Some(false));
        let fourth = world.browser("fourth");
        assert_eq!(
            world.run(fourth, recover(&key, again)).await,
            Err(Problem::WrongRecoveryKey)
        );
    });
}

#[test]
fn a_recovery_key_is_replaced_and_taken_away() {
    block_on(async {
        let (mut world, ..) = begin("replace").await;
        let first = make_recovery_key(&mut world).await;
        let second = make_recovery_key(&mut world).await;
        let new = world.browser("new");
        assert_eq!(
            world.run(new, recover(&first, NEW)).await,
            Err(Problem::WrongRecoveryKey)
        );
        let remove = Command::RemoveRecoveryKey {
            password: password("ada"),
        };
        assert_eq!(world.run(ADA, remove).await, Ok(Outcome::Done));
        assert_eq!(has_recovery_key(&world, ADA), Some(false));
        assert_eq!(
            world.run(new, recover(&second, NEW)).await,
            Err(Problem::WrongRecoveryKey)
        );
        assert_eq!(world.run(new, sign_in(&password("ada"))).await, Ok(Outcome::Done));
    });
}

// --- Browsers and keys -----------------------------------------------------------------------------------------------------

async fn device_of(world: &mut TestWorld, browser: usize) -> DeviceKeyId {
    match world.browsers[browser].phase() {
        Phase::SignedIn { device, .. } => device,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_browser_that_is_taken_away_is_out_at_once_and_reads_nothing_new() {
    for seed in 0..4 {
        block_on(async {
            let (mut world, direct, group) = begin(&format!("revoke {seed}")).await;
            let (device, own) = (device_of(&mut world, OTHER).await, device_of(&mut world, ADA).await);
            let revoke = |device, password: &str| Command::RevokeDevice {
                device,
                password: password.to_owned(),
            };
            assert_eq!(
                world.run(ADA, revoke(device, "not it, but as long as it")).await,
                Err(Problem::WrongPassword)
            );
            assert_eq!(
                world.run(ADA, revoke(own, &password("ada"))).await,
                Err(Problem::NotAllowed)
            );
            assert!(is_in(&world, OTHER));
            world.write(OTHER, direct, "too late");
            world.browsers[OTHER].holds_asks = true;
            let handle = "bob".to_owned();
            let asked = world.browsers[OTHER].command(Command::FindPerson { handle });
            assert_eq!(
                world.run(ADA, revoke(device, &password("ada"))).await,
                Ok(Outcome::Done)
            );
            world.browsers[OTHER].holds_asks = false;
            calm(&mut world).await;
            assert!(!is_in(&world, OTHER));
            let answer = world.browsers[OTHER].answers.get(&asked);
            assert_eq!(answer, Some(&Err(Problem::SignedOut)), "nobody waits for ever");
            let view = world.relay().people.find("ada").unwrap().1.log.view().clone();
            assert_eq!((view.kem_g, view.revocations), (2, 1));
            assert!(view.active_device(&device).is_none());
            for room in [direct, group] {
                let before = newest_epoch(&mut world, room);
                world.say(BOB, room, "new key").await;
                calm(&mut world).await;
                assert_eq!(newest_epoch(&mut world, room), before + 1);
                let wraps = world.relay().rooms[&room].wraps.clone();
                let ada = id_of(&mut world, "ada");
                let newest = wraps.iter().filter(|wrap| wrap.n == before + 1 && wrap.user_id == ada);
                assert!(newest.clone().count() > 0);
                assert!(
                    newest.clone().all(|wrap| wrap.g == 2),
                    "not for the key the lost browser has"
                );
            }
            assert!(world.texts(ADA, group).await.contains(&"new key".to_owned()));
            assert_eq!(world.browsers[ADA].notices(), []);
        });
    }
}

#[test]
fn a_session_lasts_thirty_days_and_the_password_then_changes_an_old_key() {
    block_on(async {
        let (mut world, direct, _) = begin("age").await;
        world.go_offline(ADA);
        world.say(ADA, direct, "unsent").await;
        world.advance(31 * DAY_MS);
        world.settle().await;
        world.go_online(ADA);
        for browser in [BOB, OTHER] {
            world.drop_socket(browser);
        }
        calm(&mut world).await;
        assert!(!is_in(&world, ADA) && !is_in(&world, OTHER) && !is_in(&world, BOB));
        assert_eq!(kem_g(&mut world), 1);
        assert_eq!(world.run(ADA, sign_in(&password("ada"))).await, Ok(Outcome::Done));
        assert_eq!(kem_g(&mut world), 2);
        let bob = Command::SignIn {
            handle: "bob".into(),
            password: password("bob"),
            stay: true,
        };
        assert_eq!(world.run(BOB, bob).await, Ok(Outcome::Done));
        calm(&mut world).await;
        assert_eq!(world.texts(BOB, direct).await, ["first", "unsent"]);
        // A browser that knows only the old key learns the new one with the password; a fresh key is left alone.
        assert_eq!(world.run(OTHER, sign_in(&password("ada"))).await, Ok(Outcome::Done));
        assert_eq!(kem_g(&mut world), 2);
        calm(&mut world).await;
        world.say(BOB, direct, "hello again").await;
        calm(&mut world).await;
        for browser in [ADA, BOB, OTHER] {
            assert_eq!(
                world.texts(browser, direct).await,
                ["first", "unsent", "hello again"],
                "{browser}"
            );
        }
    });
}

#[test]
fn a_key_changed_in_one_browser_reaches_the_other_that_is_online() {
    block_on(async {
        let (mut world, direct, _) = begin("reaches").await;
        let third = world.sign_in("ada").await;
        let device = device_of(&mut world, third).await;
        let revoke = Command::RevokeDevice {
            device,
            password: password("ada"),
        };
        assert_eq!(world.run(ADA, revoke).await, Ok(Outcome::Done));
        calm(&mut world).await;
        world.say(BOB, direct, "for the new key").await;
        calm(&mut world).await;
        for browser in [ADA, OTHER] {
            assert_eq!(
                world.texts(browser, direct).await,
                ["first", "for the new key"],
                "{browser}"
            );
            assert_eq!(world.browsers[browser].notices(), []);
        }
    });
}

// --- A new beginning, and the end ------------------------------------------------------------------------------------------

fn reset() -> Command {
    Command::ResetIdentity {
        handle: "ada".into(),
        password: password("ada"),
        stay: true,
    }
}

#[test]
fn a_new_beginning_works_whether_the_vault_opens_or_not_and_contacts_are_warned() {
    for lost in [false, true] {
        block_on(async {
            let (mut world, direct, _) = begin(&format!("reset {lost}")).await;
            let (old, bob) = (id_of(&mut world, "ada"), id_of(&mut world, "bob"));
            let mark = world.browsers[BOB].compared(old, Found::Same);
            world.run(BOB, mark).await.unwrap();
            assert_eq!(world.run(ADA, reset()).await, Err(Problem::NotAllowed), "signed in");
            let new = world.browser("new");
            if lost {
                world.relay().people.0.get_mut(&old).unwrap().vault.clear();
                let refused = world.run(new, sign_in(&password("ada"))).await;
                assert_eq!(refused, Err(Problem::ServerLied("the vault".into())));
            }
            assert_eq!(world.run(new, reset()).await, Ok(Outcome::Done));
            calm(&mut world).await;
            let now = id_of(&mut world, "ada");
            assert_ne!(now, old);
            assert_eq!(world.browsers[new].me(), Some(now));
            assert!(!is_in(&world, ADA) && !is_in(&world, OTHER));
            let gone = world.relay().people.0[&old].clone();
            assert!(gone.closed && gone.vault.is_empty());
            assert_eq!(gone.log.view().closed, !lost, "closed in its log if it could be signed");
            // Whoever had the old keys is not led to the new ones unasked.
            let find = Command::FindPerson { handle: "ada".into() };
            let found = world.run(BOB, find).await;
            assert!(found.is_err(), "{found:?}");
            assert_eq!(world.browsers[new].rooms(), [], "rooms must add her again");
            let after = world.direct(new, "bob").await;
            assert_ne!(after, direct);
            assert_eq!(world.run(ADA, sign_in(&password("ada"))).await, Ok(Outcome::Done));
            assert_eq!(world.browsers[ADA].me(), Some(now));
            assert_ne!(now, bob);
        });
    }
}

#[test]
fn a_deleted_account_leaves_its_groups_and_the_others_go_on() {
    block_on(async {
        let (mut world, direct, group) = begin("delete").await;
        let cyd = world.newcomer("cyd").await;
        let theirs = world.group(cyd, "Attic", &["ada", "bob"]).await;
        calm(&mut world).await;
        world.say(ADA, theirs, "I was here").await;
        let delete = |password: &str| Command::DeleteAccount {
            password: password.to_owned(),
        };
        let wrong = world.run(ADA, delete("not it, but as long as it")).await;
        assert_eq!(wrong, Err(Problem::WrongPassword));
        let old = id_of(&mut world, "ada");
        let deleted = world.run(ADA, delete(&password("ada"))).await;
        // Ada is the only owner of the den.
        let without_owner = vec!["Den".to_owned()];
        assert_eq!(deleted, Ok(Outcome::Deleted { without_owner }));
        calm(&mut world).await;
        assert!(!is_in(&world, ADA) && !is_in(&world, OTHER));
        assert!(world.browsers[ADA].disk.borrow().records.is_empty());
        let account = world.relay().people.0[&old].clone();
        assert!(account.closed && account.vault.is_empty() && account.log.view().closed);
        assert!(world.relay().tokens.values().all(|token| token.user_id != old));
        for room in [direct, group, theirs] {
            assert!(world.relay().rooms[&room].wraps.iter().all(|wrap| wrap.user_id != old));
        }
        assert_eq!(world.browsers[BOB].members(theirs), ["bob", "cyd"]);
        // What was said stays; who is left goes on under keys that are not for her.
        let text = "to nobody".to_owned();
        let sent = world.run(BOB, Command::say(direct, text)).await;
        assert_eq!(sent, Err(Problem::RoomClosed));
        assert_eq!(world.browsers[BOB].room(direct).unwrap().standing, Standing::PeerGone);
        for room in [group, theirs] {
            world.say(BOB, room, "going on").await;
            calm(&mut world).await;
            assert!(world.relay().rooms[&room].wraps.iter().all(|wrap| wrap.user_id != old));
        }
        assert_eq!(world.texts(BOB, theirs).await, ["I was here", "going on"]);
        assert_eq!(world.texts(BOB, direct).await, ["first"]);
        let note = Body::Note(Note::AccountClosed { who: old });
        world.texts(BOB, group).await;
        assert!(world.browsers[BOB].rows().contains(&note));
        assert_eq!(world.browsers[BOB].notices(), []);
        let again = Command::SignUp {
            handle: "ada".into(),
            password: NEW.into(),
            stay: true,
        };
        assert_eq!(world.run(ADA, again).await, Err(Problem::HandleTaken("ada".into())));
        assert_eq!(
            world.run(ADA, sign_in(&password("ada"))).await,
            Err(Problem::WrongPassword)
        );
    });
}

#[test]
fn an_account_that_another_browser_is_changing_is_not_closed_on_an_old_log() {
    block_on(async {
        let (mut world, ..) = begin("overtaken").await;
        // The first try meets a log that grew meanwhile, and is made again.
        let mut once = true;
        let rule: ReplyRule = Box::new(move |request, reply| match request {
            Request::UserLogAppend(_) if std::mem::take(&mut once) => {
                Err(Failure::Refused(sotto_shared::api::error::ErrorBody {
                    code: ErrorCode::StaleHead,
                    retry_secs: None,
                }))
            }
            _ => reply,
        });
        let asked = watch(&mut world, rule);
        let third = world.sign_in("ada").await;
        assert!(is_in(&world, third));
        let starts = asked
            .borrow()
            .iter()
            .filter(|ask| matches!(ask, Request::SignInStart(_)))
            .count();
        assert_eq!(starts, 2);
    });
}

#[test]
fn somebody_who_began_anew_can_be_added_again_and_stops_no_group() {
    block_on(async {
        let (mut world, _, group) = begin("reset and added again").await;
        let old = id_of(&mut world, "ada");
        let add = |who: &str| Command::AddPeople {
            room: group,
            handles: vec![who.to_owned()],
        };
        let cyd = world.newcomer("cyd").await;
        world.run(ADA, add("cyd")).await.unwrap();
        calm(&mut world).await;
        world.say(cyd, group, "cyd is here").await;
        let new = world.browser("new");
        assert_eq!(world.run(new, reset()).await, Ok(Outcome::Done));
        calm(&mut world).await;
        let now = id_of(&mut world, "ada");
        // She writes to Bob: it stands there as another account's, and takes nothing before he says so.
        let open = Command::OpenDirect { handle: "bob".into() };
        let Ok(Outcome::Room(duo)) = world.run(new, open).await else {
            panic!("no direct message");
        };
        world.say(new, duo, "it is me").await;
        calm(&mut world).await;
        let room = world.browsers[BOB].room(duo).unwrap();
        assert_eq!(room.title, "ada (another account)");
        let (handle, verified) = ("ada".to_owned(), false);
        let moved = Standing::HandleMoved {
            handle,
            user: now,
            verified,
        };
        assert_eq!(room.standing, moved);
        let send = |text: &str| Command::say(duo, text);
        assert_eq!(world.run(BOB, send("who?")).await, Err(Problem::RoomClosed));
        // By her handle alone nobody takes her for the one before.
        let moved = world.run(BOB, add("ada")).await;
        assert!(matches!(moved, Err(Problem::HandleMoved { .. })), "{moved:?}");
        let accept = Command::AcceptHandle {
            handle: "ada".into(),
            user: now,
        };
        assert!(world.run(BOB, accept).await.is_ok());
        let room = world.browsers[BOB].room(duo).unwrap();
        assert_eq!((room.title.as_str(), room.standing), ("ada", Standing::Open));
        assert_eq!(world.run(BOB, send("welcome")).await, Ok(Outcome::Done));
        assert_eq!(world.run(BOB, add("ada")).await, Ok(Outcome::Done));
        calm(&mut world).await;
        let dan = world.newcomer("dan").await;
        assert_eq!(world.run(BOB, add("dan")).await, Ok(Outcome::Done));
        calm(&mut world).await;
        world.say(new, group, "here again").await;
        calm(&mut world).await;
        for browser in [BOB, cyd, new, dan] {
            let standing = world.browsers[browser].room(group).map(|room| room.standing);
            assert_eq!(standing, Some(Standing::Open), "{browser}");
            assert!(world.browsers[browser].notices().is_empty(), "{browser}");
            assert_eq!(
                world.texts(browser, group).await.last().map(String::as_str),
                Some("here again")
            );
        }
        // Nobody who knew the one before takes the new one for her; who accepted it, the one before.
        let names = |world: &TestWorld, browser: usize| [old, now].map(|id| world.browsers[browser].handle(id));
        assert_eq!(names(&world, BOB), ["ada (before)", "ada"]);
        assert_eq!(names(&world, cyd), ["ada (closed)", "ada (another account)"]);
        assert_eq!(names(&world, new), ["ada (closed)", "ada"]);
    });
}
