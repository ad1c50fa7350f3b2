//! Engines against each other over a relay in memory: what people see, whatever the network does.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use futures_lite::future::block_on;
use reactive_graph::prelude::*;
use sotto_client::engine::{Failure, Reply, Request};
use sotto_client::testing::tamper::Honest;
use sotto_client::testing::world::password;
use sotto_client::testing::{ModelRelay, Peer, Snapshot, Tamper, World};
use sotto_client::view::{
    Body, Command, ContactAct, Delivery, Link, Note, Outcome, Phase, Problem, RoomKind, Standing,
};
use sotto_shared::api::frame::{FromRelay, ToRelay};
use sotto_shared::codec::Codec;
use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::header::Header;
use sotto_shared::id::{ChannelId, RoomId, UserId};

type TestWorld = World<RustCrypto>;
type Past = Snapshot<Arc<PrivateKey>>;

/// How many schedules each test runs that varies them; more with `SOTTO_SCHEDULES=500`.
fn schedules() -> std::ops::Range<u32> {
    let count = std::env::var("SOTTO_SCHEDULES").map_or(20, |count| count.parse().expect("a number"));
    0..count
}

/// Everybody sees everything, nothing is amiss anywhere.
fn assert_well(world: &TestWorld) {
    for (index, browser) in world.browsers.iter().enumerate() {
        assert_eq!(browser.notices(), [], "browser {index}");
        for id in browser.rooms() {
            let room = browser.room(id).unwrap();
            assert_eq!(room.standing, Standing::Open, "browser {index}");
        }
        for body in browser.rows() {
            assert!(!matches!(body, Body::Unreadable(_)), "browser {index} shows {body:?}");
        }
    }
}

fn id_of(world: &mut TestWorld, handle: &str) -> UserId {
    *world.relay().people.find(handle).unwrap().0
}

/// The epochs that messages of a room are sealed under, in order.
fn epochs_of_messages(world: &mut TestWorld, room: RoomId) -> Vec<u32> {
    let messages = world.relay().rooms[&room].messages.iter();
    messages
        .map(|message| Header::from_bytes(&message.header.0).unwrap().n)
        .collect()
}

/// Whom the relay has wraps of epoch `n` for.
fn wrapped_for(world: &mut TestWorld, room: RoomId, n: u32) -> Vec<String> {
    let relay = world.relay();
    let wraps = relay.rooms[&room].wraps.iter().filter(|wrap| wrap.n == n);
    let mut handles: Vec<String> = wraps.map(|wrap| relay.people.0[&wrap.user_id].handle.clone()).collect();
    handles.sort();
    handles
}

/// Ada and Bob with a direct message in which each has said something.
fn ada_and_bob() -> (Past, RoomId) {
    block_on(async {
        let mut world = World::new(RustCrypto, "ada and bob");
        let (ada, bob) = (world.newcomer("ada").await, world.newcomer("bob").await);
        let room = world.direct(ada, "bob").await;
        world.say(ada, room, "first").await;
        world.say(bob, room, "second").await;
        (world.into_snapshot(), room)
    })
}

/// Writes a message and waits until this browser has kept it.
async fn keep(world: &mut TestWorld, browser: usize, room: RoomId, text: &str) {
    let text = text.to_owned();
    let id = world.browsers[browser].command(Command::say(room, text));
    while !world.browsers[browser].answers.contains_key(&id) {
        assert!(world.step().await, "the command is under way");
    }
    assert_eq!(world.browsers[browser].answers[&id], Ok(Outcome::Done));
}

/// Until everybody who waits for another try has had it.
async fn calm(world: &mut TestWorld) {
    for _ in 0..4 {
        world.settle().await;
        world.advance(31_000);
    }
    world.settle().await;
}

/// Those of `texts` that begin with `prefix`.
fn of(texts: &[String], prefix: &str) -> Vec<String> {
    texts.iter().filter(|text| text.starts_with(prefix)).cloned().collect()
}

fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number}")).collect()
}

// --- Conversations -------------------------------------------------------------------------------------------------------

#[test]
fn a_direct_message_goes_both_ways() {
    block_on(async {
        let mut world = World::new(RustCrypto, "direct");
        let (ada, bob) = (world.newcomer("ada").await, world.newcomer("bob").await);
        let room = world.direct(ada, "bob").await;
        world.say(ada, room, "hello bob").await;
        let at_bob = world.browsers[bob].room(room).unwrap();
        assert_eq!((at_bob.kind, at_bob.title.as_str()), (RoomKind::Direct, "ada"));
        // Who writes first asks, and a request calls for nothing.
        assert!(at_bob.request);
        assert_eq!((at_bob.unread, at_bob.preview.unwrap().text), (0, "hello bob".into()));
        let accept = Command::SetContact {
            user: world.browsers[ada].me().unwrap(),
            act: ContactAct::Accept,
        };
        world.run(bob, accept).await.unwrap();
        assert_eq!(world.browsers[bob].room(room).unwrap().unread, 1);

        world.run(bob, Command::ShowRoom { chat: room.into() }).await.unwrap();
        world.run(bob, Command::MarkRead { chat: room.into() }).await.unwrap();
        assert_eq!(world.browsers[bob].room(room).unwrap().unread, 0);
        world.say(bob, room, "hello ada").await;
        for browser in [ada, bob] {
            let lines = world.read(browser, room).await;
            let lines: Vec<_> = lines
                .iter()
                .map(|line| (line.author.as_str(), line.text.as_str()))
                .collect();
            assert_eq!(lines, [("ada", "hello bob"), ("bob", "hello ada")]);
        }
        assert_eq!(
            world.direct(bob, "@Ada ").await,
            room,
            "there is one direct message of two people"
        );
        assert_well(&world);
    });
}

#[test]
fn a_group_comes_together_and_parts() {
    block_on(async {
        let mut world = World::new(RustCrypto, "group");
        let mut people = Vec::new();
        for handle in ["ada", "bob", "cyd", "dan"] {
            people.push(world.newcomer(handle).await);
        }
        let [ada, bob, cyd, dan] = people[..] else {
            unreachable!()
        };
        let room = world.group(ada, "Tea", &["bob", "cyd"]).await;
        world.say(ada, room, "one").await;
        world.say(bob, room, "two").await;
        assert_eq!(world.texts(cyd, room).await, ["one", "two"]);
        assert_eq!(world.browsers[cyd].members(room), ["ada", "bob", "cyd"]);
        assert_eq!(wrapped_for(&mut world, room, 1), ["ada", "bob", "cyd"]);

        // Renamed: everybody sees the name, the relay sees none.
        let name = "Coffee".to_owned();
        world.run(ada, Command::RenameRoom { room, name }).await.unwrap();
        for browser in [ada, bob, cyd] {
            assert_eq!(world.browsers[browser].room(room).unwrap().title, "Coffee");
        }
        let (bob_id, cyd_id) = (id_of(&mut world, "bob"), id_of(&mut world, "cyd"));
        let ada_id = id_of(&mut world, "ada");
        let renamed = Note::Renamed {
            by: ada_id,
            name: "Coffee".into(),
        };
        assert!(world.browsers[cyd].rows().contains(&Body::Note(renamed)));
        let name = "Mine".to_owned();
        let refused = world.run(bob, Command::RenameRoom { room, name }).await;
        assert_eq!(refused, Err(Problem::NotAllowed));

        // Removed: the key changes before anything else is said, and not for who is gone.
        let user = bob_id;
        let refused = world.run(cyd, Command::RemovePerson { room, user }).await;
        assert_eq!(refused, Err(Problem::NotAllowed));
        let user = cyd_id;
        world.run(ada, Command::RemovePerson { room, user }).await.unwrap();
        world.say(ada, room, "three").await;
        world.say(bob, room, "four").await;
        assert_eq!(epochs_of_messages(&mut world, room), [1, 1, 2, 2]);
        assert_eq!(wrapped_for(&mut world, room, 2), ["ada", "bob"]);
        assert_eq!(world.browsers[cyd].room(room).unwrap().standing, Standing::Removed);
        assert_eq!(world.texts(cyd, room).await, ["one", "two"]);
        let text = "let me in".to_owned();
        let refused = world.run(cyd, Command::say(room, text)).await;
        assert_eq!(refused, Err(Problem::RoomClosed));

        // Added: reads what was said before.
        let handles = vec!["dan".to_owned()];
        world.run(bob, Command::AddPeople { room, handles }).await.unwrap();
        assert_eq!(world.texts(dan, room).await, ["one", "two", "three", "four"]);
        assert_eq!(world.browsers[dan].room(room).unwrap().title, "Coffee");
        assert_eq!(world.browsers[ada].members(room), ["ada", "bob", "dan"]);
        let handles = vec!["dan".to_owned()];
        let refused = world.run(ada, Command::AddPeople { room, handles }).await;
        assert_eq!(refused, Err(Problem::AlreadyThere("dan".into())));

        // Left: whoever speaks next changes the key first.
        assert_eq!(
            world.run(ada, Command::LeaveRoom { room }).await,
            Err(Problem::LastOwner)
        );
        world.run(bob, Command::LeaveRoom { room }).await.unwrap();
        assert_eq!(world.browsers[bob].room(room), None);
        let state = world.relay().rooms[&room].state.clone();
        assert_eq!((state.epoch_number(), state.rotation_due), (2, true));
        world.say(dan, room, "five").await;
        assert_eq!(epochs_of_messages(&mut world, room), [1, 1, 2, 2, 3]);
        assert_eq!(wrapped_for(&mut world, room, 3), ["ada", "dan"]);
        for browser in [ada, dan] {
            assert_eq!(
                world.texts(browser, room).await,
                ["one", "two", "three", "four", "five"]
            );
        }
        assert_eq!(world.browsers[bob].room(room), None, "nothing reaches whoever has left");
        for browser in [ada, bob, cyd, dan] {
            assert_eq!(world.browsers[browser].notices(), []);
        }
    });
}

#[test]
fn whoever_was_removed_and_is_added_again_reads_on() {
    block_on(async {
        let mut world = World::new(RustCrypto, "again");
        let (ada, bob) = (world.newcomer("ada").await, world.newcomer("bob").await);
        let room = world.group(ada, "Tea", &["bob"]).await;
        world.say(bob, room, "before").await;
        let user = id_of(&mut world, "bob");
        world.run(ada, Command::RemovePerson { room, user }).await.unwrap();
        world.say(ada, room, "meanwhile").await;
        let handles = vec!["bob".to_owned()];
        world.run(ada, Command::AddPeople { room, handles }).await.unwrap();
        world.say(bob, room, "after").await;
        for browser in [ada, bob] {
            assert_eq!(world.texts(browser, room).await, ["before", "meanwhile", "after"]);
        }
        assert_well(&world);
    });
}

// --- Browsers come and go --------------------------------------------------------------------------------------------------

#[test]
fn what_was_written_offline_goes_out_after_a_reload_once_and_in_order() {
    let (past, room) = ada_and_bob();
    block_on(async {
        let mut world = World::from_snapshot(RustCrypto, &past, "offline");
        world.settle().await;
        let (ada, bob) = (0, 1);
        world.go_offline(ada);
        world.settle().await;
        assert!(matches!(
            world.browsers[ada].store.link().get_untracked(),
            Link::Offline { .. }
        ));
        for text in ["a", "b", "c"] {
            world.say(ada, room, text).await;
        }
        world.reload(ada);
        world.settle().await;
        let lines = world.read(ada, room).await;
        let pending: Vec<_> = lines.iter().filter(|line| line.state == Delivery::Pending).collect();
        assert_eq!(
            pending.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(),
            ["a", "b", "c"]
        );
        assert_eq!(world.texts(bob, room).await, ["first", "second"]);

        world.go_online(ada);
        world.settle().await;
        for browser in [ada, bob] {
            assert_eq!(world.texts(browser, room).await, ["first", "second", "a", "b", "c"]);
        }
        assert_eq!(world.browsers[ada].store.queued().get_untracked(), 0);
        assert_well(&world);
    });
}

#[test]
fn writing_survives_any_trouble_on_the_way() {
    let (past, room) = ada_and_bob();
    for seed in schedules() {
        block_on(async {
            let mut world = World::from_snapshot(RustCrypto, &past, &format!("trouble {seed}"));
            let (ada, bob) = (0, 1);
            world.settle().await;
            for number in 0..6 {
                keep(&mut world, ada, room, &format!("a{number}")).await;
                keep(&mut world, bob, room, &format!("b{number}")).await;
                let steps = world.below(30) as u32;
                world.settle_for(steps).await;
                match world.below(5) {
                    0 => world.reload(ada),
                    1 => world.drop_socket(ada),
                    2 => world.go_offline(ada),
                    3 => world.go_online(ada),
                    _ => world.advance(2_000),
                }
                if number < 5 && matches!(world.browsers[ada].phase(), Phase::Opening) {
                    // What is not on screen cannot be written to.
                    while world.browsers[ada].room(room).is_none() {
                        assert!(world.step().await);
                    }
                }
            }
            world.go_online(ada);
            calm(&mut world).await;
            let (at_ada, at_bob) = (world.texts(ada, room).await, world.texts(bob, room).await);
            assert_eq!(at_ada, at_bob, "seed {seed}");
            assert_eq!(of(&at_ada, "a"), numbered("a", 6), "seed {seed}");
            assert_eq!(of(&at_ada, "b"), numbered("b", 6), "seed {seed}");
            assert_eq!(at_ada.len(), 2 + 12, "seed {seed}");
            assert_well(&world);
        });
    }
}

#[test]
fn a_crash_at_any_point_of_sending_loses_and_doubles_nothing() {
    let (past, room) = ada_and_bob();
    for fuse in 0..14 {
        block_on(async {
            let mut world = World::from_snapshot(RustCrypto, &past, &format!("crash {fuse}"));
            let (ada, bob) = (0, 1);
            world.settle().await;
            world.browsers[ada].fuse = Some(fuse);
            world.browsers[ada].at_once = 1 + fuse as usize % 3;
            let ids = ["a", "b"].map(|text| {
                let text = text.to_owned();
                world.browsers[ada].command(Command::say(room, text))
            });
            world.settle().await;
            let before = ids
                .iter()
                .filter(|id| world.browsers[ada].answers.contains_key(id))
                .count();
            world.reload(ada);
            calm(&mut world).await;
            let texts = world.texts(bob, room).await;
            let sent = of(&texts, "a").len() + of(&texts, "b").len();
            assert!(sent >= before, "fuse {fuse}: {texts:?}");
            assert!(
                of(&texts, "a").len() <= 1 && of(&texts, "b").len() <= 1,
                "fuse {fuse}: {texts:?}"
            );
            assert_eq!(world.texts(ada, room).await, texts);
            assert_well(&world);
        });
    }
}

#[test]
fn a_full_disk_sends_nothing_and_says_so() {
    let (past, room) = ada_and_bob();
    block_on(async {
        let mut world = World::from_snapshot(RustCrypto, &past, "full");
        let (ada, bob) = (0, 1);
        world.settle().await;
        world.browsers[ada].disk.borrow_mut().full = true;
        let text = "kept nowhere".to_owned();
        assert_eq!(
            world.run(ada, Command::say(room, text)).await,
            Err(Problem::StorageFull)
        );
        assert!(world.browsers[ada].notices().contains(&Problem::StorageFull));
        assert_eq!(world.texts(bob, room).await, ["first", "second"]);
    });
}

#[test]
fn two_browsers_of_one_account_write_side_by_side() {
    let (past, room, ..) = {
        let (past, room) = ada_and_bob();
        let past = block_on(async {
            let mut world = World::from_snapshot(RustCrypto, &past, "second browser");
            world.settle().await;
            world.sign_in("ada").await;
            world.into_snapshot()
        });
        (past, room)
    };
    for seed in schedules() {
        block_on(async {
            let mut world = World::from_snapshot(RustCrypto, &past, &format!("two browsers {seed}"));
            let (ada, bob, other) = (0, 1, 2);
            if seed % 2 == 0 {
                // Otherwise they write before they are connected.
                world.settle().await;
            } else {
                for browser in [ada, bob, other] {
                    while world.browsers[browser].room(room).is_none() {
                        assert!(world.step().await);
                    }
                }
            }
            for number in 0..4 {
                world.write(ada, room, &format!("a{number}"));
                world.write(other, room, &format!("o{number}"));
                world.write(bob, room, &format!("b{number}"));
                let steps = world.below(20) as u32;
                world.settle_for(steps).await;
            }
            calm(&mut world).await;
            let texts = world.texts(bob, room).await;
            for browser in [ada, other] {
                assert_eq!(world.texts(browser, room).await, texts, "seed {seed}");
            }
            for prefix in ["a", "o", "b"] {
                assert_eq!(of(&texts, prefix), numbered(prefix, 4), "seed {seed}");
            }
            assert_eq!(texts.len(), 2 + 12, "seed {seed}");
            assert_well(&world);
        });
    }
}

#[test]
fn two_tabs_write_side_by_side_and_one_inherits_from_the_other() {
    let (past, room) = ada_and_bob();
    block_on(async {
        let mut world = World::from_snapshot(RustCrypto, &past, "tabs");
        let (ada, bob) = (0, 1);
        world.settle().await;
        let tab = world.tab(ada);
        world.settle().await;
        world.write(ada, room, "a0");
        world.write(tab, room, "t0");
        world.settle().await;
        world.go_offline(tab);
        world.settle().await;
        world.say(tab, room, "t1").await;
        // As long as the other tab lives its outbox is its own.
        world.reload(ada);
        world.settle().await;
        assert_eq!(of(&world.texts(bob, room).await, "t"), ["t0"]);
        world.close(tab);
        world.reload(ada);
        world.settle().await;
        let texts = world.texts(bob, room).await;
        assert_eq!(of(&texts, "t"), ["t0", "t1"]);
        assert_eq!(texts.len(), 5);
        assert_eq!(world.texts(ada, room).await, texts);
        assert_well(&world);
    });
}

#[test]
fn an_empty_browser_reads_the_whole_history_with_the_password_alone() {
    block_on(async {
        let mut world = World::new(RustCrypto, "history");
        let (ada, bob) = (world.newcomer("ada").await, world.newcomer("bob").await);
        let room = world.group(ada, "Tea", &["bob"]).await;
        world.newcomer("cyd").await;
        for number in 0..150 {
            // Several room keys: the newest leads to all before it.
            if number % 50 == 25 {
                let handles = vec!["cyd".to_owned()];
                world.run(ada, Command::AddPeople { room, handles }).await.unwrap();
                let user = id_of(&mut world, "cyd");
                world.run(ada, Command::RemovePerson { room, user }).await.unwrap();
            }
            let author = if number % 2 == 0 { ada } else { bob };
            world.say(author, room, &format!("m{number}")).await;
        }
        assert_eq!(world.relay().rooms[&room].state.epoch_number(), 4);
        let other = world.sign_in("ada").await;
        assert_eq!(world.texts(other, room).await, numbered("m", 150));
        assert_eq!(world.browsers[other].room(room).unwrap().unread, 0);
        world.say(other, room, "m150").await;
        assert_eq!(world.texts(bob, room).await, numbered("m", 151));
        // Again from what was kept, without a network.
        world.go_offline(other);
        world.reload(other);
        world.settle().await;
        assert_eq!(world.texts(other, room).await, numbered("m", 151));
        assert_eq!(world.browsers[other].notices(), []);
    });
}

/// The relay reads no frame that is longer than it says.
#[test]
fn long_messages_that_were_written_offline_go_out_frame_by_frame() {
    let (past, room) = ada_and_bob();
    for (count, len) in [(6, 32_768), (32, 7_000), (33, 32_768)] {
        block_on(async {
            let mut world = World::from_snapshot(RustCrypto, &past, "long");
            let (ada, bob) = (0, 1);
            world.settle().await;
            world.go_offline(bob);
            let texts: Vec<String> = (0..count)
                .map(|number| format!("{number:02}{}", "x".repeat(len - 2)))
                .collect();
            for text in &texts {
                keep(&mut world, bob, room, text).await;
            }
            world.go_online(bob);
            calm(&mut world).await;
            for browser in [ada, bob] {
                assert!(world.texts(browser, room).await[2..] == texts, "{count} of {len}");
            }
            assert_well(&world);
        });
    }
}

/// Hears nothing that Bob says.
struct Deaf;

impl Tamper for Deaf {
    fn heard(&mut self, _: &mut ModelRelay, from: Peer, frame: ToRelay) -> Vec<ToRelay> {
        let is_lost = from.browser == 1 && matches!(frame, ToRelay::Send { .. });
        if is_lost { Vec::new() } else { vec![frame] }
    }
}

/// A message whose first try was lost is as good as any other for who comes to know the room much later.
#[test]
fn what_is_said_again_after_much_was_said_is_read_on_new_browsers() {
    let (past, room) = ada_and_bob();
    block_on(async {
        let mut world = World::from_snapshot(RustCrypto, &past, "again");
        let (ada, bob) = (0, 1);
        world.settle().await;
        world.tamper = Box::new(Deaf);
        world.say(bob, room, "said in a tunnel").await;
        world.go_offline(bob);
        world.tamper = Box::new(Honest);
        for number in 0..70 {
            world.say(ada, room, &format!("n{number}")).await;
        }
        let new = world.sign_in("ada").await;
        calm(&mut world).await;
        world.go_online(bob);
        calm(&mut world).await;
        for browser in [ada, bob, new] {
            let texts = world.texts(browser, room).await;
            assert_eq!(
                texts.last().map(String::as_str),
                Some("said in a tunnel"),
                "browser {browser}"
            );
            assert_eq!(texts.len(), 73, "browser {browser}");
        }
        assert_well(&world);
    });
}

#[test]
fn a_week_offline_is_caught_up_with() {
    let (past, room) = ada_and_bob();
    block_on(async {
        let mut world = World::from_snapshot(RustCrypto, &past, "week");
        let (ada, bob) = (0, 1);
        world.settle().await;
        world.go_offline(bob);
        world.settle().await;
        for number in 0..7 * 40 {
            if number % 40 == 0 {
                world.advance(25 * 3_600_000);
            }
            world.say(ada, room, &format!("m{number}")).await;
        }
        let group = world.group(ada, "Tea", &["bob"]).await;
        world.say(ada, group, "here too").await;
        world.go_online(bob);
        calm(&mut world).await;
        assert_eq!(of(&world.texts(bob, room).await, "m"), numbered("m", 280));
        assert_eq!(world.texts(bob, group).await, ["here too"]);
        let epochs = epochs_of_messages(&mut world, room);
        assert!(*epochs.last().unwrap() > 7, "a key is used for a day: {epochs:?}");
        assert_well(&world);
    });
}

// --- Accounts ----------------------------------------------------------------------------------------------------------------

#[test]
fn signing_up_and_in_fails_for_reasons_one_can_do_something_about() {
    block_on(async {
        let mut world = World::new(RustCrypto, "problems");
        let ada = world.newcomer("ada").await;
        let new = world.browser("new");
        let sign_up = |handle: &str, password: String| Command::SignUp {
            handle: handle.into(),
            password,
            stay: true,
        };
        let sign_in = |handle: &str, password: String| Command::SignIn {
            handle: handle.into(),
            password,
            stay: true,
        };
        let taken = world.run(new, sign_up("ada", password("eve"))).await;
        assert_eq!(taken, Err(Problem::HandleTaken("ada".into())));
        let malformed = world.run(new, sign_up("no spaces", password("eve"))).await;
        assert_eq!(malformed, Err(Problem::HandleMalformed));
        for weak in ["short", "password123456", "eve-eve-eve-eve"] {
            let refused = world.run(new, sign_up("eve", weak.into())).await;
            assert!(matches!(refused, Err(Problem::WeakPassword(_))), "{weak}: {refused:?}");
        }
        for (handle, word) in [
            ("ada", password("eve")),
            ("nobody", password("ada")),
            ("no spaces", password("ada")),
        ] {
            let wrong = world.run(new, sign_in(handle, word)).await;
            assert_eq!(wrong, Err(Problem::WrongPassword), "{handle}");
        }
        let command = Command::FindPerson {
            handle: "nobody".into(),
        };
        assert!(matches!(world.run(ada, command).await, Err(Problem::UnknownHandle(_))));
        for command in [
            Command::OpenDirect {
                handle: "nobody".into(),
            },
            Command::CreateGroup {
                name: "Tea".into(),
                handles: vec!["nobody".into()],
            },
        ] {
            let unknown = world.run(ada, command).await;
            assert_eq!(unknown, Err(Problem::UnknownHandle("nobody".into())));
        }
        let handle = "ada".to_owned();
        assert_eq!(
            world.run(ada, Command::OpenDirect { handle }).await,
            Err(Problem::ThatIsYou)
        );
        assert_eq!(world.relay().people.0.len(), 1);
        assert_eq!(world.run(new, sign_in("ada", password("ada"))).await, Ok(Outcome::Done));
        world.go_offline(new);
        world.settle().await;
        let offline = world.run(new, Command::ListDevices).await;
        assert_eq!(offline, Err(Problem::Offline));
    });
}

#[test]
fn signing_out_the_others_ends_them_and_nobody_else() {
    let (past, room) = ada_and_bob();
    block_on(async {
        let mut world = World::from_snapshot(RustCrypto, &past, "others");
        let (ada, bob) = (0, 1);
        world.settle().await;
        let other = world.sign_in("ada").await;
        let Ok(Outcome::Devices(devices)) = world.run(ada, Command::ListDevices).await else {
            panic!("no devices")
        };
        assert_eq!(devices.iter().filter(|device| device.seen_ms.is_some()).count(), 2);
        assert!(devices[0].is_this && devices[0].label == "ada's browser");

        world.run(ada, Command::SignOutOthers).await.unwrap();
        assert!(matches!(world.browsers[other].phase(), Phase::SignedOut { .. }));
        assert!(world.browsers[other].notices().contains(&Problem::SignedOut));
        // What the browser has stays sealed there; the way in is gone.
        world.reload(other);
        world.settle().await;
        assert!(matches!(world.browsers[other].phase(), Phase::SignedOut { .. }));
        world.say(ada, room, "still here").await;
        assert_eq!(world.texts(bob, room).await, ["first", "second", "still here"]);
    });
}

#[test]
fn a_browser_signed_out_while_away_notices_when_it_is_back() {
    let (past, room) = ada_and_bob();
    block_on(async {
        let mut world = World::from_snapshot(RustCrypto, &past, "away");
        let ada = 0;
        world.settle().await;
        let other = world.sign_in("ada").await;
        world.go_offline(other);
        world.settle().await;
        world.run(ada, Command::SignOutOthers).await.unwrap();
        world.say(other, room, "never sent").await;
        world.go_online(other);
        calm(&mut world).await;
        assert!(matches!(world.browsers[other].phase(), Phase::SignedOut { .. }));
        assert_eq!(world.texts(ada, room).await, ["first", "second"]);
    });
}

#[test]
fn what_waits_in_a_browser_that_the_relay_signs_out_is_sent_after_the_next_sign_in() {
    let (past, room) = ada_and_bob();
    block_on(async {
        let mut world = World::from_snapshot(RustCrypto, &past, "locked");
        let (ada, bob) = (0, 1);
        world.settle().await;
        let other = world.sign_in("ada").await;
        world.go_offline(ada);
        world.settle().await;
        world.say(ada, room, "kept for later").await;
        world.run(other, Command::SignOutOthers).await.unwrap();
        world.go_online(ada);
        calm(&mut world).await;
        assert!(matches!(world.browsers[ada].phase(), Phase::SignedOut { .. }));
        world.reload(ada);
        world.settle().await;
        assert!(
            matches!(world.browsers[ada].phase(), Phase::SignedOut { .. }),
            "the password is needed"
        );
        let command = Command::SignIn {
            handle: "ada".into(),
            password: password("ada"),
            stay: true,
        };
        assert_eq!(world.run(ada, command).await, Ok(Outcome::Done));
        calm(&mut world).await;
        for browser in [ada, bob, other] {
            assert_eq!(world.texts(browser, room).await, ["first", "second", "kept for later"]);
        }
    });
}

#[test]
fn a_browser_that_does_not_stay_keeps_nothing() {
    let (past, room) = ada_and_bob();
    block_on(async {
        let mut world = World::from_snapshot(RustCrypto, &past, "visit");
        world.settle().await;
        let visit = world.browser("library");
        let command = Command::SignIn {
            handle: "ada".into(),
            password: password("ada"),
            stay: false,
        };
        assert_eq!(world.run(visit, command).await, Ok(Outcome::Done));
        assert_eq!(world.texts(visit, room).await, ["first", "second"]);
        world.say(visit, room, "from here").await;
        assert!(world.browsers[visit].disk.borrow().records.is_empty());
        world.reload(visit);
        world.settle().await;
        assert!(matches!(world.browsers[visit].phase(), Phase::SignedOut { .. }));
        assert_eq!(world.texts(1, room).await, ["first", "second", "from here"]);
    });
}

// --- A bad network -------------------------------------------------------------------------------------------------------------

/// What becomes of live messages on their way to browsers.
#[derive(Clone, Copy, PartialEq)]
enum Mischief {
    Double,
    Drop,
    /// Each comes after the one that followed it.
    Swap,
}

struct Unruly {
    mischief: Mischief,
    /// At most one per browser.
    held: Vec<(usize, FromRelay)>,
    /// Messages that were touched.
    count: std::rc::Rc<std::cell::Cell<u32>>,
}

impl Tamper for Unruly {
    fn frame(&mut self, _: &mut ModelRelay, to: Peer, frame: FromRelay) -> Vec<FromRelay> {
        if !matches!(frame, FromRelay::Message { .. }) {
            return vec![frame];
        }
        self.count.set(self.count.get() + 1);
        match self.mischief {
            Mischief::Double => vec![frame.clone(), frame],
            Mischief::Drop if self.count.get() % 3 == 1 => Vec::new(),
            Mischief::Drop => vec![frame],
            Mischief::Swap => match self.held.iter().position(|(browser, _)| *browser == to.browser) {
                Some(at) => vec![frame, self.held.remove(at).1],
                None => {
                    self.held.push((to.browser, frame));
                    Vec::new()
                }
            },
        }
    }

    fn quiet(&mut self, _: &mut ModelRelay) -> Vec<(usize, FromRelay)> {
        std::mem::take(&mut self.held)
    }
}

#[test]
fn frames_that_are_doubled_dropped_or_swapped_lose_and_double_nothing() {
    let (past, room) = ada_and_bob();
    for mischief in [Mischief::Double, Mischief::Drop, Mischief::Swap] {
        for seed in schedules().step_by(4) {
            block_on(async {
                let mut world = World::from_snapshot(RustCrypto, &past, &format!("unruly {seed}"));
                let (ada, bob) = (0, 1);
                world.settle().await;
                let count = std::rc::Rc::default();
                world.tamper = Box::new(Unruly {
                    mischief,
                    held: Vec::new(),
                    count: std::rc::Rc::clone(&count),
                });
                for number in 0..5 {
                    world.write(ada, room, &format!("a{number}"));
                    world.write(bob, room, &format!("b{number}"));
                    let steps = world.below(30) as u32;
                    world.settle_for(steps).await;
                }
                world.settle().await;
                world.tamper = Box::new(sotto_client::testing::tamper::Honest);
                world.say(bob, room, "last").await;
                // If the very last was dropped nothing tells of it but the next Welcome.
                world.drop_socket(ada);
                world.drop_socket(bob);
                calm(&mut world).await;
                assert!(count.get() >= 10);
                let texts = world.texts(ada, room).await;
                assert_eq!(world.texts(bob, room).await, texts, "seed {seed}");
                assert_eq!(of(&texts, "a"), numbered("a", 5), "seed {seed}");
                assert_eq!(of(&texts, "b"), numbered("b", 5), "seed {seed}");
                assert_eq!(texts.len(), 2 + 10 + 1, "seed {seed}");
                assert_well(&world);
            });
        }
    }
}

/// Every third answer gets lost, whatever it was; the relay has done what was asked.
struct Lossy(u32);

impl Tamper for Lossy {
    fn reply(
        &mut self,
        _: &mut ModelRelay,
        _: Peer,
        _: &Request,
        reply: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        self.0 += 1;
        if self.0.is_multiple_of(3) {
            Err(Failure::Offline)
        } else {
            reply
        }
    }
}

#[test]
fn answers_that_get_lost_are_asked_for_again() {
    let (past, room) = a_group_of_three();
    for seed in schedules() {
        block_on(async {
            let mut world = World::from_snapshot(RustCrypto, &past, &format!("lossy {seed}"));
            world.settle().await;
            world.tamper = Box::new(Lossy(seed));
            let (ada, bob) = (0, 1);
            for number in 0..4 {
                let handles = vec!["cyd".to_owned()];
                // May be refused, as far as ada knows.
                let _ = world.run(ada, Command::AddPeople { room, handles }).await;
                world.write(bob, room, &format!("b{number}"));
                world.write(ada, room, &format!("a{number}"));
                let user = id_of(&mut world, "cyd");
                let _ = world.run(ada, Command::RemovePerson { room, user }).await;
            }
            world.settle().await;
            world.tamper = Box::new(sotto_client::testing::tamper::Honest);
            calm(&mut world).await;
            let texts = world.texts(ada, room).await;
            assert_eq!(world.texts(bob, room).await, texts, "seed {seed}");
            assert_eq!(of(&texts, "a"), numbered("a", 4), "seed {seed}");
            assert_eq!(of(&texts, "b"), numbered("b", 4), "seed {seed}");
            for browser in [ada, bob] {
                assert_eq!(
                    world.browsers[browser].room(room).unwrap().standing,
                    Standing::Open,
                    "seed {seed}"
                );
            }
        });
    }
}

/// Ada, Bob and Cyd in a group in which Ada has said something.
fn a_group_of_three() -> (Past, RoomId) {
    block_on(async {
        let mut world = World::new(RustCrypto, "three");
        let mut people = Vec::new();
        for handle in ["ada", "bob", "cyd"] {
            people.push(world.newcomer(handle).await);
        }
        let room = world.group(people[0], "Tea", &["bob", "cyd"]).await;
        world.say(people[0], room, "first").await;
        (world.into_snapshot(), room)
    })
}

#[test]
fn a_change_that_is_under_way_while_the_connection_breaks_is_made_once() {
    let (past, room) = a_group_of_three();
    for seed in schedules() {
        block_on(async {
            let mut world = World::from_snapshot(RustCrypto, &past, &format!("under way {seed}"));
            let (ada, bob) = (0, 1);
            world.settle().await;
            let user = id_of(&mut world, "cyd");
            world.browsers[ada].holds_asks = true;
            let remove = world.browsers[ada].command(Command::RemovePerson { room, user });
            world.settle().await;
            world.drop_socket(ada);
            world.go_online(ada);
            world.settle().await;
            world.browsers[ada].holds_asks = false;
            world.settle().await;
            assert_eq!(world.browsers[ada].answers[&remove], Ok(Outcome::Done), "seed {seed}");
            assert_eq!(world.browsers[ada].members(room), ["ada", "bob"]);
            world.say(ada, room, "second").await;
            for browser in [ada, bob] {
                assert_eq!(world.texts(browser, room).await, ["first", "second"], "seed {seed}");
            }
            assert_eq!(world.browsers[bob].room(room).unwrap().standing, Standing::Open);
        });
    }
}

#[test]
fn a_change_whose_answer_is_late_hides_nothing_that_was_said_since() {
    let (past, room) = a_group_of_three();
    for seed in schedules() {
        block_on(async {
            let mut world = World::from_snapshot(RustCrypto, &past, &format!("late {seed}"));
            let (ada, bob) = (0, 1);
            world.settle().await;
            world.run(ada, Command::ShowRoom { chat: room.into() }).await.unwrap();
            world.browsers[ada].holds_replies = true;
            let user = id_of(&mut world, "cyd");
            world.browsers[ada].command(Command::RemovePerson { room, user });
            world.settle().await;
            world.say(bob, room, "second").await;
            world.settle().await;
            world.browsers[ada].holds_replies = false;
            world.settle().await;
            let texts: Vec<String> = world.browsers[ada].lines().into_iter().map(|line| line.text).collect();
            assert_eq!(texts, ["first", "second"], "seed {seed}");
            let preview = world.browsers[ada].room(room).unwrap();
            assert_eq!(
                (preview.preview.unwrap().text, preview.unread),
                ("second".into(), 1),
                "seed {seed}"
            );
            world.say(bob, room, "third").await;
            assert_eq!(
                world.texts(ada, room).await,
                ["first", "second", "third"],
                "seed {seed}"
            );
            assert_eq!(world.browsers[ada].notices(), []);
            for body in world.browsers[ada].rows() {
                assert!(!matches!(body, Body::Unreadable(_)), "seed {seed}: {body:?}");
            }
        });
    }
}

#[test]
fn a_message_that_is_heard_back_before_its_key_is_a_receipt_all_the_same() {
    let (past, room) = a_group_of_three();
    for seed in schedules() {
        block_on(async {
            let mut world = World::from_snapshot(RustCrypto, &past, &format!("receipt {seed}"));
            let (ada, bob) = (0, 1);
            world.settle().await;
            let user = id_of(&mut world, "cyd");
            world.run(ada, Command::RemovePerson { room, user }).await.unwrap();
            world.write(ada, room, "second");
            while world.relay().rooms[&room].messages.len() < 2 {
                assert!(world.step().await);
            }
            // What it heard last is forgotten, and the new key with it.
            world.reload(ada);
            world.settle().await;
            for browser in [ada, bob] {
                assert_eq!(world.texts(browser, room).await, ["first", "second"], "seed {seed}");
            }
            assert_eq!(world.browsers[ada].store.queued().get_untracked(), 0);
            assert_eq!(world.browsers[ada].notices(), []);
        });
    }
}

/// The same while the room itself is new: the creator hears of it before the answer comes.
#[test]
fn a_new_room_whose_answer_is_late_hides_nothing_that_was_said_since() {
    let (past, _) = a_group_of_three();
    for seed in schedules() {
        block_on(async {
            let mut world = World::from_snapshot(RustCrypto, &past, &format!("new {seed}"));
            let (ada, bob) = (0, 1);
            world.settle().await;
            world.browsers[ada].holds_replies = true;
            let id = world.browsers[ada].command(Command::OpenDirect { handle: "bob".into() });
            world.settle().await;
            // The answer to the search for bob alone comes through.
            world.browsers[ada].holds_replies = false;
            while world.relay().rooms.len() < 2 {
                assert!(world.step().await);
            }
            world.browsers[ada].holds_replies = true;
            world.settle().await;
            // Nothing was said in it, so it shows to whoever wants to write to her.
            let room = world.direct(bob, "ada").await;
            world.say(bob, room, "welcome").await;
            world.settle().await;
            world.browsers[ada].holds_replies = false;
            world.settle().await;
            assert_eq!(world.browsers[ada].answers[&id], Ok(Outcome::Room(room)), "seed {seed}");
            assert_eq!(world.texts(ada, room).await, ["welcome"], "seed {seed}");
            world.say(bob, room, "again").await;
            assert_eq!(world.texts(ada, room).await, ["welcome", "again"], "seed {seed}");
            assert_well(&world);
        });
    }
}

#[test]
fn a_lively_group_stays_of_one_mind() {
    let (past, room) = block_on(async {
        let mut world = World::new(RustCrypto, "lively");
        let mut people = Vec::new();
        for handle in ["ada", "bob", "cyd"] {
            people.push(world.newcomer(handle).await);
        }
        let room = world.group(people[0], "Tea", &["bob"]).await;
        world.say(people[0], room, "first").await;
        world.sign_in("ada").await;
        (world.into_snapshot(), room)
    });
    for seed in schedules() {
        block_on(async {
            let mut world = World::from_snapshot(RustCrypto, &past, &format!("lively {seed}"));
            for (number, browser) in world.browsers.iter_mut().enumerate() {
                browser.at_once = 1 + number * 2;
            }
            let (ada, bob, other) = (0, 1, 3);
            world.settle().await;
            let user = id_of(&mut world, "cyd");
            for number in 0..5 {
                for (browser, prefix) in [(ada, "a"), (bob, "b"), (other, "o")] {
                    while world.browsers[browser].room(room).is_none() {
                        assert!(world.step().await, "seed {seed}: the room comes back");
                    }
                    keep(&mut world, browser, room, &format!("{prefix}{number}")).await;
                }
                let handles = vec!["cyd".to_owned()];
                match world.below(4) {
                    0 => drop(world.browsers[ada].command(Command::AddPeople { room, handles })),
                    1 => drop(world.browsers[bob].command(Command::AddPeople { room, handles })),
                    2 => drop(world.browsers[ada].command(Command::RemovePerson { room, user })),
                    _ => drop(world.browsers[other].command(Command::RemovePerson { room, user })),
                }
                let steps = world.below(60) as u32;
                world.settle_for(steps).await;
                let browser = [ada, bob, other][world.below(3)];
                match world.below(5) {
                    0 => world.reload(browser),
                    1 | 2 => world.drop_socket(browser),
                    3 => world.go_offline(browser),
                    _ => world.advance(3_000),
                }
                // Whoever looks says every minute where they stand.
                world.browsers[browser].command(Command::ShowRoom { chat: room.into() });
                world.browsers[browser].command(Command::Looking { visible: true });
                let steps = world.below(60) as u32;
                world.settle_for(steps).await;
                world.go_online(browser);
                world.advance(20_000);
            }
            calm(&mut world).await;
            for browser in [ada, bob, other] {
                let shown = world.browsers[browser].room(room).unwrap();
                assert_eq!((shown.standing, shown.held_back), (Standing::Open, None), "seed {seed}");
            }
            let texts = world.texts(bob, room).await;
            for browser in [ada, other] {
                assert_eq!(world.texts(browser, room).await, texts, "seed {seed}");
            }
            for prefix in ["a", "o", "b"] {
                assert_eq!(of(&texts, prefix), numbered(prefix, 5), "seed {seed}");
            }
            for browser in [ada, bob, other] {
                assert_eq!(
                    world.browsers[browser].room(room).unwrap().standing,
                    Standing::Open,
                    "seed {seed}"
                );
                for body in world.browsers[browser].rows() {
                    assert!(
                        !matches!(body, Body::Unreadable(_)),
                        "seed {seed}, browser {browser}: {body:?}"
                    );
                }
            }
        });
    }
}

// --- Another story for each ------------------------------------------------------------------------------------------------

#[test]
fn two_histories_are_noticed_as_soon_as_one_meets_the_other() {
    let (past, room) = ada_and_bob();
    block_on(async {
        let mut world = World::from_snapshot(RustCrypto, &past, "fork");
        let (ada, bob) = (0, 1);
        world.settle().await;
        let other = world.fork(&[bob]);
        world.say(ada, room, "for ada's eyes").await;
        world.say(bob, room, "for bob's eyes").await;
        world.say(bob, room, "what do you think?").await;
        assert_eq!(world.texts(bob, room).await.len(), 4);
        let told: Vec<_> = world.relays[other].rooms[&room].messages[2..].to_vec();
        for message in told {
            let message = (world.relay().rooms.get_mut(&room).unwrap()).put_message(&message.header, &message.envelope);
            let channel = ChannelId::MAIN;
            world.relay().tell_room(
                &room,
                &FromRelay::Message {
                    room_id: room,
                    channel,
                    message,
                },
            );
            world.settle().await;
        }
        let standing = world.browsers[ada].room(room).unwrap().standing;
        assert_eq!(standing, Standing::Frozen(sotto_client::view::Tamper::Fork));
        assert_eq!(
            world.browsers[bob].room(room).unwrap().standing,
            Standing::Open,
            "bob has heard nothing yet"
        );
    });
}
