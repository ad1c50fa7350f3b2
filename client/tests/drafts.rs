//! What stands where one writes: a record of its own, the same in all tabs of a browser, and told to nobody else.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use futures_lite::future::block_on;
use sotto_client::engine::{DraftRecord, Failure, Key, Reply, Request};
use sotto_client::testing::world::password;
use sotto_client::testing::{ModelRelay, Peer, Snapshot, Tamper, World};
use sotto_client::view::{Body, Chat, Command, Outcome, Problem, Row};
use sotto_shared::api::frame::ToRelay;
use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{EnvelopeHash, Head};

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;

/// Ada and Bob, and two groups of theirs.
static PAST: LazyLock<(Snapshot<Arc<PrivateKey>>, [Chat; 2])> = LazyLock::new(|| {
    block_on(async {
        let mut world = World::new(RustCrypto, "drafts");
        for handle in ["ada", "bob"] {
            world.newcomer(handle).await;
        }
        let garden = world.group(ADA, "Garden", &["bob"]).await;
        let kitchen = world.group(ADA, "Kitchen", &["bob"]).await;
        world.say(BOB, garden, "first").await;
        (world.into_snapshot(), [garden.into(), kitchen.into()])
    })
});

/// Garden and kitchen, and a second tab of Ada's beside `ADA` and `BOB`.
async fn begin(seed: &str) -> (TestWorld, [Chat; 2], usize) {
    let (past, chats) = &*PAST;
    let mut world = World::from_snapshot(RustCrypto, past, seed);
    world.settle().await;
    let tab = world.tab(ADA);
    world.settle().await;
    (world, *chats, tab)
}

async fn keep(world: &mut TestWorld, browser: usize, chat: Chat, text: &str) {
    let text = text.to_owned();
    let answer = world.run(browser, Command::SaveDraft { chat, text }).await;
    assert_eq!(answer, Ok(Outcome::Done));
}

async fn keep_answer(world: &mut TestWorld, browser: usize, chat: Chat, root: EnvelopeHash, text: &str) {
    let text = text.to_owned();
    let answer = world.run(browser, Command::SaveThreadDraft { chat, root, text }).await;
    assert_eq!(answer, Ok(Outcome::Done));
}

fn draft(world: &TestWorld, browser: usize, chat: Chat) -> String {
    world.browsers[browser].chat(chat).unwrap().draft
}

/// What stands where one answers, for somebody who opens the thread.
async fn answer_begun(world: &mut TestWorld, browser: usize, chat: Chat, root: EnvelopeHash) -> String {
    let shown = world.run(browser, Command::ShowRoom { chat }).await;
    assert_eq!(shown, Ok(Outcome::Done));
    match world.run(browser, Command::ShowThread { chat, root }).await {
        Ok(Outcome::Thread { draft }) => draft,
        other => panic!("{other:?}"),
    }
}

async fn reload(world: &mut TestWorld, browser: usize) {
    world.reload(browser);
    world.settle().await;
}

/// The drafts that a browser keeps.
fn on_disk(world: &TestWorld, browser: usize) -> Vec<Key> {
    let disk = world.browsers[browser].disk.borrow();
    let drafts = disk.records.keys().filter(|key| matches!(key, Key::Draft(..)));
    drafts.cloned().collect()
}

/// The row of a text on Ada's screen.
async fn row_of(world: &mut TestWorld, chat: Chat, words: &str) -> Row {
    world.run(ADA, Command::ShowRoom { chat }).await.unwrap();
    let rows = world.browsers[ADA].whole_rows().into_iter();
    let mut found = rows.filter(|row| matches!(&row.body, Body::Text { text, .. } if text == words));
    found.next().unwrap_or_else(|| panic!("{words} is not on screen"))
}

fn key_of(chat: Chat, root: EnvelopeHash) -> Key {
    Key::Draft(chat, Some(Head::from_bytes(*root.as_bytes())))
}

#[test]
fn a_draft_is_there_after_a_reload_until_it_is_emptied() {
    block_on(async {
        let (mut world, [garden, kitchen], _) = begin("reload").await;
        keep(&mut world, ADA, garden, "half a thou").await;
        reload(&mut world, ADA).await;
        assert_eq!(draft(&world, ADA, garden), "half a thou");
        assert_eq!(draft(&world, ADA, kitchen), "");
        keep(&mut world, ADA, garden, "").await;
        assert_eq!(on_disk(&world, ADA), []);
        reload(&mut world, ADA).await;
        assert_eq!(draft(&world, ADA, garden), "");
    });
}

/// While somebody types little is written, and nothing that another tab writes as well.
#[test]
fn what_is_kept_of_a_draft_is_the_draft_alone() {
    block_on(async {
        let (mut world, [garden, _], _) = begin("small").await;
        let root = row_of(&mut world, garden, "first").await.hash.unwrap();
        world.browsers[ADA].disk.borrow_mut().records.clear();
        keep(&mut world, ADA, garden, "half a thou").await;
        keep_answer(&mut world, ADA, garden, root, "half an answer").await;
        let disk = world.browsers[ADA].disk.borrow();
        let written: Vec<&Key> = disk.records.keys().collect();
        assert_eq!(written, [&Key::Draft(garden, None), &key_of(garden, root)]);
        for (record, text) in disk.records.values().zip(["half a thou", "half an answer"]) {
            assert!(record.len() < 400, "{}", record.len());
            assert_eq!(serde_json::from_slice::<DraftRecord>(record).unwrap().text, text);
        }
    });
}

#[test]
fn what_is_begun_in_one_tab_stands_in_the_other() {
    block_on(async {
        let (mut world, [garden, _], tab) = begin("tabs").await;
        keep(&mut world, ADA, garden, "half a thou").await;
        assert_eq!(draft(&world, tab, garden), "half a thou");
        assert_eq!(draft(&world, BOB, garden), "");
        // What is kept last holds.
        keep(&mut world, tab, garden, "half a thought").await;
        for browser in [ADA, tab] {
            assert_eq!(draft(&world, browser, garden), "half a thought");
            reload(&mut world, browser).await;
            assert_eq!(draft(&world, browser, garden), "half a thought");
        }
        keep(&mut world, ADA, garden, "").await;
        assert_eq!(draft(&world, tab, garden), "");
    });
}

#[test]
fn what_was_sent_from_one_tab_comes_back_in_none() {
    block_on(async {
        let (mut world, [garden, kitchen], tab) = begin("sent").await;
        keep(&mut world, ADA, garden, "half a thou").await;
        world.say(tab, garden.room, "half a thought").await;
        keep(&mut world, ADA, kitchen, "soup").await;
        world.say(ADA, kitchen.room, "soup!").await;
        for what in ["at once", "after all that follows", "after a reload"] {
            for browser in [ADA, tab] {
                for chat in [garden, kitchen] {
                    assert_eq!(draft(&world, browser, chat), "", "{what}");
                }
            }
            if what == "at once" {
                // Each tab writes the conversations down once more.
                world.say(BOB, garden.room, "indeed").await;
                world.say(BOB, kitchen.room, "when?").await;
            } else {
                reload(&mut world, ADA).await;
                reload(&mut world, tab).await;
            }
        }
        assert_eq!(on_disk(&world, ADA), []);
    });
}

#[test]
fn two_tabs_with_drafts_in_two_conversations_leave_each_other_theirs() {
    block_on(async {
        let (mut world, [garden, kitchen], tab) = begin("two drafts").await;
        keep(&mut world, ADA, garden, "half a thou").await;
        keep(&mut world, tab, kitchen, "soup").await;
        for chat in [garden, kitchen] {
            world.say(BOB, chat.room, "anybody?").await;
            for browser in [ADA, tab] {
                world.run(browser, Command::MarkRead { chat }).await.unwrap();
            }
        }
        keep(&mut world, ADA, garden, "half a thought").await;
        for browser in [ADA, tab] {
            reload(&mut world, browser).await;
            assert_eq!(draft(&world, browser, garden), "half a thought");
            assert_eq!(draft(&world, browser, kitchen), "soup");
        }
    });
}

#[test]
fn an_answer_that_was_begun_is_kept_for_its_thread_in_every_tab() {
    block_on(async {
        let (mut world, [garden, _], tab) = begin("thread").await;
        let first = row_of(&mut world, garden, "first").await;
        let (root, Body::Text { message, .. }) = (first.hash.unwrap(), first.body) else {
            panic!("a text")
        };
        keep(&mut world, ADA, garden, "half a thou").await;
        keep_answer(&mut world, ADA, garden, root, "half an answer").await;
        reload(&mut world, ADA).await;
        for browser in [ADA, tab] {
            assert_eq!(answer_begun(&mut world, browser, garden, root).await, "half an answer");
        }
        let said = Command::Send {
            chat: garden,
            text: "an answer".to_owned(),
            reply: None,
            thread: Some(message),
        };
        assert_eq!(world.run(tab, said).await, Ok(Outcome::Done));
        for browser in [ADA, tab] {
            assert_eq!(answer_begun(&mut world, browser, garden, root).await, "");
            reload(&mut world, browser).await;
            assert_eq!(answer_begun(&mut world, browser, garden, root).await, "");
            // The one of the conversation is another.
            assert_eq!(draft(&world, browser, garden), "half a thou");
        }
    });
}

#[test]
fn an_answer_that_was_begun_goes_with_its_thread() {
    block_on(async {
        let (mut world, [garden, _], tab) = begin("thread gone").await;
        let Body::Text { message, .. } = row_of(&mut world, garden, "first").await.body else {
            panic!("a text")
        };
        let root = row_of(&mut world, garden, "first").await.hash.unwrap();
        keep(&mut world, ADA, garden, "half a thou").await;
        keep_answer(&mut world, ADA, garden, root, "half an answer").await;
        assert_eq!(on_disk(&world, ADA).len(), 2);
        let chat = garden;
        world.run(BOB, Command::ShowRoom { chat }).await.unwrap();
        world.run(BOB, Command::Delete { chat, message }).await.unwrap();
        assert_eq!(on_disk(&world, ADA), [Key::Draft(garden, None)]);
        // The page that goes away has something left to be kept.
        keep_answer(&mut world, ADA, garden, root, "half an answer,").await;
        assert_eq!(on_disk(&world, ADA), [Key::Draft(garden, None)]);
        assert_eq!(answer_begun(&mut world, tab, garden, root).await, "");
    });
}

#[test]
fn what_was_begun_goes_with_a_conversation_that_is_left() {
    block_on(async {
        let (mut world, [garden, kitchen], tab) = begin("left").await;
        let root = row_of(&mut world, garden, "first").await.hash.unwrap();
        keep(&mut world, BOB, garden, "his").await;
        keep(&mut world, ADA, garden, "half a thou").await;
        keep_answer(&mut world, ADA, garden, root, "half an answer").await;
        keep(&mut world, ADA, kitchen, "soup").await;
        // An owner can leave once there is another.
        let bob = world.browsers[BOB].me().unwrap();
        let owner = Command::SetRole {
            room: garden.room,
            user: bob,
            role: 3,
        };
        assert_eq!(world.run(ADA, owner).await, Ok(Outcome::Done));
        let room = garden.room;
        assert_eq!(world.run(ADA, Command::LeaveRoom { room }).await, Ok(Outcome::Done));
        assert_eq!(on_disk(&world, ADA), [Key::Draft(kitchen, None)]);
        keep(&mut world, tab, garden, "half a thought").await;
        assert_eq!(on_disk(&world, ADA), [Key::Draft(kitchen, None)]);
        reload(&mut world, tab).await;
        assert_eq!(draft(&world, tab, kitchen), "soup");
        assert_eq!(draft(&world, BOB, garden), "his");
    });
}

#[test]
fn what_the_store_does_not_take_stands_here_and_is_kept_when_it_does() {
    block_on(async {
        let (mut world, [garden, _], tab) = begin("full").await;
        keep(&mut world, ADA, garden, "half").await;
        world.browsers[ADA].disk.borrow_mut().full = true;
        let again = || Command::SaveDraft {
            chat: garden,
            text: "half a thou".to_owned(),
        };
        assert_eq!(world.run(ADA, again()).await, Err(Problem::StorageFull));
        assert_eq!(draft(&world, ADA, garden), "half a thou");
        assert_eq!(draft(&world, tab, garden), "half");
        // What could not be sent stands in the composer again, which gives it to be kept.
        let said = Command::say(garden, "half a thought".to_owned());
        assert_eq!(world.run(ADA, said).await, Err(Problem::StorageFull));
        assert_eq!(world.run(ADA, again()).await, Err(Problem::StorageFull));
        world.browsers[ADA].disk.borrow_mut().full = false;
        assert_eq!(world.run(ADA, again()).await, Ok(Outcome::Done));
        assert_eq!(draft(&world, tab, garden), "half a thou");
        reload(&mut world, ADA).await;
        assert_eq!(draft(&world, ADA, garden), "half a thou");
    });
}

#[test]
fn locked_and_gone_with_the_account() {
    block_on(async {
        let (mut world, [garden, _], tab) = begin("lock").await;
        world.close(tab);
        keep(&mut world, ADA, garden, "half a thou").await;
        assert_eq!(world.run(ADA, Command::Lock).await, Ok(Outcome::Done));
        // The page that goes away has something left to be kept, and there is nobody to keep it.
        keep(&mut world, ADA, garden, "half a thought").await;
        reload(&mut world, ADA).await;
        assert_eq!(world.browsers[ADA].chat(garden), None);
        assert_eq!(on_disk(&world, ADA), [Key::Draft(garden, None)]);
        let unlock = Command::Unlock {
            password: password("ada"),
        };
        assert_eq!(world.run(ADA, unlock).await, Ok(Outcome::Done));
        assert_eq!(draft(&world, ADA, garden), "half a thou");
        assert_eq!(world.run(ADA, Command::SignOut).await, Ok(Outcome::Done));
        assert_eq!(on_disk(&world, ADA), []);
    });
}

/// Counts all that anybody says to the relay.
#[derive(Clone, Default)]
struct Ear(Rc<Cell<u32>>);

impl Tamper for Ear {
    fn request(&mut self, _: &mut ModelRelay, _: Peer, _: &mut Request) -> Option<Result<Reply, Failure>> {
        self.0.set(self.0.get() + 1);
        None
    }

    fn heard(&mut self, _: &mut ModelRelay, _: Peer, frame: ToRelay) -> Vec<ToRelay> {
        self.0.set(self.0.get() + 1);
        vec![frame]
    }
}

#[test]
fn the_relay_hears_nothing_of_what_is_begun() {
    block_on(async {
        let (mut world, [garden, _], tab) = begin("relay").await;
        let root = row_of(&mut world, garden, "first").await.hash.unwrap();
        let ear = Ear::default();
        world.tamper = Box::new(ear.clone());
        for (browser, text) in [(ADA, "half"), (tab, "half a thou"), (ADA, "half a thought"), (tab, "")] {
            keep(&mut world, browser, garden, text).await;
            keep_answer(&mut world, browser, garden, root, text).await;
        }
        assert_eq!(ear.0.get(), 0);
        world.say(ADA, garden.room, "a thought").await;
        assert!(ear.0.get() > 0, "this would have been heard");
    });
}
