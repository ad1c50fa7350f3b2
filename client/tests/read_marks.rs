//! How far somebody has read: the same in all tabs and browsers of an account, written rarely, and never a wrong number.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_lite::future::block_on;
use sotto_client::engine::{Failure, Reply, Request};
use sotto_client::testing::{ModelRelay, Peer, Tamper, World};
use sotto_client::view::{Command, Outcome, Problem};
use sotto_shared::api::body::VaultItem;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{ItemId, RoomId, UserId};

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;

/// Counts which browser writes to the vault.
#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<usize>>>);

impl Tamper for Written {
    fn request(&mut self, _: &mut ModelRelay, from: Peer, request: &mut Request) -> Option<Result<Reply, Failure>> {
        if matches!(request, Request::VaultPut(_)) {
            self.0.borrow_mut().push(from.browser);
        }
        None
    }
}

impl Written {
    fn take(&self) -> Vec<usize> {
        std::mem::take(&mut *self.0.borrow_mut())
    }
}

/// Ada and Bob in a group; both look at their pages, no room is open.
async fn people(seed: &str) -> (TestWorld, RoomId, Written) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob"] {
        world.newcomer(handle).await;
    }
    let room = world.group(ADA, "Garden", &["bob"]).await;
    // Receipts tell other browsers as well: these tests are about the marks.
    for browser in [ADA, BOB] {
        look(&mut world, browser, true).await;
        quiet(&mut world, browser).await;
    }
    world.advance(60_000);
    world.settle().await;
    let written = Written::default();
    world.tamper = Box::new(written.clone());
    (world, room, written)
}

async fn quiet(world: &mut TestWorld, browser: usize) {
    let off = Command::TellRead { on: false };
    assert_eq!(world.run(browser, off).await, Ok(Outcome::Done));
}

async fn look(world: &mut TestWorld, browser: usize, visible: bool) {
    assert_eq!(
        world.run(browser, Command::Looking { visible }).await,
        Ok(Outcome::Done)
    );
}

/// What is unread, and whether it is known exactly.
fn unread(world: &TestWorld, browser: usize, room: RoomId) -> (u32, bool) {
    let room = world.browsers[browser].room(room).unwrap();
    (room.unread, room.is_counted)
}

async fn mark_read(world: &mut TestWorld, browser: usize, room: RoomId) {
    let read = Command::MarkRead { chat: room.into() };
    assert_eq!(world.run(browser, read).await, Ok(Outcome::Done));
}

async fn set_read(world: &mut TestWorld, browser: usize, room: RoomId, read: u64) {
    let chat = room.into();
    assert_eq!(
        world.run(browser, Command::SetRead { chat, read }).await,
        Ok(Outcome::Done)
    );
}

async fn say(world: &mut TestWorld, browser: usize, room: RoomId, times: u32) {
    for n in 0..times {
        world.say(browser, room, &format!("word {n}")).await;
    }
}

#[test]
fn what_is_read_in_one_tab_is_read_in_the_others_at_once() {
    block_on(async {
        let (mut world, room, written) = people("tabs").await;
        let tab = world.tab(BOB);
        world.settle().await;
        say(&mut world, ADA, room, 3).await;
        assert_eq!(
            (unread(&world, BOB, room), unread(&world, tab, room)),
            ((3, true), (3, true))
        );
        mark_read(&mut world, BOB, room).await;
        assert_eq!(unread(&world, tab, room), (0, true));
        assert!(written.take().is_empty(), "no time has passed, and nobody was asked");
        // A tab that tells keeps what the other reads after a reload.
        world.reload(tab);
        world.settle().await;
        assert_eq!(unread(&world, tab, room), (0, true));
    });
}

#[test]
fn what_is_read_in_one_browser_is_read_in_the_other_and_written_rarely() {
    block_on(async {
        let (mut world, room, written) = people("browsers").await;
        let second = world.sign_in("bob").await;
        look(&mut world, second, true).await;
        quiet(&mut world, second).await;
        written.take();
        for _ in 0..6 {
            say(&mut world, ADA, room, 1).await;
            mark_read(&mut world, BOB, room).await;
            world.advance(4_000);
            world.settle().await;
        }
        assert_eq!(written.take().len(), 1, "in 24 seconds");
        world.advance(30_000);
        world.settle().await;
        assert_eq!(written.take().len(), 1, "the rest");
        assert_eq!(unread(&world, second, room), (0, true));
        world.advance(600_000);
        world.settle().await;
        assert!(written.take().is_empty(), "nothing changes, nothing is written");
    });
}

#[test]
fn a_page_that_is_put_away_writes_at_once() {
    block_on(async {
        let (mut world, room, written) = people("put away").await;
        let second = world.sign_in("bob").await;
        quiet(&mut world, second).await;
        written.take();
        say(&mut world, ADA, room, 2).await;
        mark_read(&mut world, BOB, room).await;
        assert_eq!(unread(&world, second, room), (2, true));
        look(&mut world, BOB, false).await;
        assert_eq!(written.take(), [BOB]);
        assert_eq!(unread(&world, second, room), (0, true));
    });
}

#[test]
fn a_new_browser_begins_where_the_others_have_read() {
    block_on(async {
        let (mut world, room, _) = people("new browser").await;
        say(&mut world, ADA, room, 4).await;
        let newest = world.read(BOB, room).await.len();
        assert_eq!(newest, 4);
        mark_read(&mut world, BOB, room).await;
        look(&mut world, BOB, false).await;
        world.close(BOB);
        say(&mut world, ADA, room, 5).await;
        let second = world.sign_in("bob").await;
        assert_eq!(unread(&world, second, room), (5, true));
        assert_eq!(
            world.browsers[second].room(room).unwrap().alert,
            None,
            "it was there before"
        );
        world.say(ADA, room, "something new").await;
        let alert = world.browsers[second].room(room).unwrap().alert;
        assert_eq!(alert.unwrap().text, "something new");
    });
}

/// More is unread than the first page of a new browser holds: a dot, until it is here.
#[test]
fn what_cannot_be_counted_yet_is_no_number() {
    block_on(async {
        let (mut world, room, _) = people("a dot").await;
        say(&mut world, ADA, room, 1).await;
        mark_read(&mut world, BOB, room).await;
        look(&mut world, BOB, false).await;
        world.close(BOB);
        say(&mut world, ADA, room, 120).await;
        let second = world.sign_in("bob").await;
        let (at_least, exact) = unread(&world, second, room);
        assert!(at_least > 0 && !exact, "{at_least}");
        let texts = world.texts(second, room).await;
        assert_eq!(texts.len(), 121);
        assert_eq!(unread(&world, second, room), (120, true));
    });
}

#[test]
fn a_mark_goes_back_on_purpose_alone_and_in_every_browser() {
    block_on(async {
        let (mut world, room, _) = people("unread again").await;
        let second = world.sign_in("bob").await;
        quiet(&mut world, second).await;
        say(&mut world, ADA, room, 5).await;
        mark_read(&mut world, BOB, room).await;
        look(&mut world, BOB, false).await;
        assert_eq!(unread(&world, second, room), (0, true));
        let read = world.browsers[BOB].room(room).unwrap().read;
        set_read(&mut world, BOB, room, read - 2).await;
        for browser in [BOB, second] {
            assert_eq!(unread(&world, browser, room), (2, true));
        }
        // Who reads on elsewhere reads on everywhere.
        mark_read(&mut world, second, room).await;
        look(&mut world, second, false).await;
        assert_eq!(unread(&world, BOB, room), (0, true));
        // Back beyond what is in memory after a reload: it is loaded and counted.
        world.reload(BOB);
        world.settle().await;
        set_read(&mut world, BOB, room, read - 3).await;
        assert_eq!(unread(&world, BOB, room), (3, true));
    });
}

#[test]
fn a_browser_that_was_away_does_not_take_back_what_was_read_meanwhile() {
    block_on(async {
        let (mut world, room, _) = people("away").await;
        let second = world.sign_in("bob").await;
        quiet(&mut world, second).await;
        say(&mut world, ADA, room, 2).await;
        mark_read(&mut world, second, room).await;
        look(&mut world, second, false).await;
        world.go_offline(second);
        say(&mut world, ADA, room, 4).await;
        mark_read(&mut world, BOB, room).await;
        look(&mut world, BOB, false).await;
        world.go_online(second);
        world.settle().await;
        for browser in [BOB, second] {
            assert_eq!(unread(&world, browser, room), (0, true));
        }
        let third = world.sign_in("bob").await;
        assert_eq!(unread(&world, third, room), (0, true));
    });
}

#[test]
fn a_receipt_tells_the_other_browsers_before_the_vault_does() {
    block_on(async {
        let (mut world, room, written) = people("receipt").await;
        let second = world.sign_in("bob").await;
        for browser in [BOB, second] {
            let on = Command::TellRead { on: true };
            assert_eq!(world.run(browser, on).await, Ok(Outcome::Done));
            look(&mut world, browser, true).await;
        }
        let chat = room.into();
        assert_eq!(world.run(BOB, Command::ShowRoom { chat }).await, Ok(Outcome::Done));
        world.advance(60_000);
        world.settle().await;
        written.take();
        say(&mut world, ADA, room, 2).await;
        mark_read(&mut world, BOB, room).await;
        world.advance(3_000);
        world.settle().await;
        assert_eq!(unread(&world, second, room), (0, true));
        assert!(written.take().is_empty());
    });
}

// --- A relay that lies -----------------------------------------------------------------------------------------------------

fn vault_of(world: &mut TestWorld, user: UserId) -> BTreeMap<ItemId, VaultItem> {
    world.relay().people.0[&user].vault.clone()
}

#[test]
fn an_older_mark_is_an_older_vault_and_is_not_taken() {
    block_on(async {
        let (mut world, room, _) = people("older mark").await;
        let bob = *world.relay().people.find("bob").unwrap().0;
        say(&mut world, ADA, room, 2).await;
        mark_read(&mut world, BOB, room).await;
        look(&mut world, BOB, false).await;
        let older = vault_of(&mut world, bob);
        let read = world.browsers[BOB].room(room).unwrap().read;
        set_read(&mut world, BOB, room, read - 1).await;
        let newer = vault_of(&mut world, bob);
        let changed: Vec<ItemId> = (newer.iter())
            .filter(|(id, item)| older.get(*id) != Some(item))
            .map(|(id, _)| *id)
            .collect();
        assert_eq!(changed.len(), 2, "the marks and the manifest");
        // Older as a whole, and one item alone.
        for only in [None, Some(changed[0]), Some(changed[1])] {
            let mut lie = newer.clone();
            for id in changed.iter().filter(|id| only.is_none_or(|only| only == **id)) {
                lie.insert(*id, older[id].clone());
            }
            world.relay().people.0.get_mut(&bob).unwrap().vault = lie;
            world.browsers[BOB].changes.clear();
            world.drop_socket(BOB);
            world.advance(60_000);
            world.settle().await;
            assert!(world.browsers[BOB].notices().contains(&Problem::VaultRolledBack));
            assert_eq!(unread(&world, BOB, room), (1, true), "what is known here stays");
        }
        world.relay().people.0.get_mut(&bob).unwrap().vault = newer;
        world.browsers[BOB].changes.clear();
        world.drop_socket(BOB);
        world.advance(60_000);
        world.settle().await;
        assert!(world.browsers[BOB].notices().is_empty());
    });
}

#[test]
fn news_of_a_vault_that_did_not_change_costs_one_look_at_a_time() {
    use sotto_shared::api::frame::{FromRelay, ItemRev};
    block_on(async {
        let (mut world, room, written) = people("vault flood").await;
        let bob = *world.relay().people.find("bob").unwrap().0;
        for rev in 0..500 {
            let items = vec![ItemRev {
                item_id: ItemId::from_bytes([9; 16]),
                rev,
            }];
            world.relay().tell(&bob, &FromRelay::Vault { items });
        }
        world.settle().await;
        say(&mut world, ADA, room, 1).await;
        assert_eq!(unread(&world, BOB, room), (1, true));
        assert!(written.take().is_empty());
    });
}
