//! Threads: what stands in one, what its first message says of it, and that nothing can hide in one.
//!
//! Eve is an account without an engine: a member who signs whatever she likes.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, LazyLock};

use futures_lite::future::block_on;
use sotto_client::testing::forge::{forge, post};
use sotto_client::testing::{Snapshot, World};
use sotto_client::view::{Body, Command, Note, Outcome, Problem, Quote, Row};
use sotto_shared::codec::{List, Text};
use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::content::MessageBody;
use sotto_shared::id::{EnvelopeHash, MessageId, RoomId};
use sotto_shared::testing::people::Person;

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;
const CYD: usize = 2;

static PAST: LazyLock<(Snapshot<Arc<PrivateKey>>, RoomId)> = LazyLock::new(|| {
    block_on(async {
        let mut world = World::new(RustCrypto, "threads");
        for handle in ["ada", "bob", "cyd"] {
            world.newcomer(handle).await;
        }
        world.relay().enlist(&Person::new("eve"));
        let room = world.group(ADA, "Tea", &["bob", "cyd", "eve"]).await;
        world.say(ADA, room, "first").await;
        world.say(BOB, room, "second").await;
        (world.into_snapshot(), room)
    })
});

/// Ada (owner), Bob and Cyd, all of them looking at their room, which Eve is in too.
async fn tea(seed: &str) -> (TestWorld, RoomId) {
    let (past, room) = &*PAST;
    let mut world = World::from_snapshot(RustCrypto, past, seed);
    world.settle().await;
    for browser in [ADA, BOB, CYD] {
        world
            .run(browser, Command::ShowRoom { chat: (*room).into() })
            .await
            .unwrap();
        world
            .run(browser, Command::MarkRead { chat: (*room).into() })
            .await
            .unwrap();
    }
    (world, *room)
}

fn row_of(world: &TestWorld, browser: usize, words: &str) -> Row {
    let it = &world.browsers[browser];
    let rows = it.whole_rows().into_iter().chain(it.answers());
    let mut found = rows.filter(|row| matches!(&row.body, Body::Text { text, .. } if text == words));
    found.next().unwrap_or_else(|| panic!("{words} is not on screen"))
}

fn id_of(world: &TestWorld, browser: usize, words: &str) -> MessageId {
    match row_of(world, browser, words).body {
        Body::Text { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

fn root_of(world: &TestWorld, words: &str) -> EnvelopeHash {
    row_of(world, ADA, words).hash.unwrap()
}

async fn answer(world: &mut TestWorld, browser: usize, room: RoomId, to: &str, text: &str) -> Result<Outcome, Problem> {
    let thread = Some(id_of(world, browser, to));
    let command = Command::Send {
        chat: room.into(),
        text: text.to_owned(),
        reply: None,
        thread,
    };
    world.run(browser, command).await
}

async fn show(world: &mut TestWorld, browser: usize, room: RoomId, root: EnvelopeHash) -> Result<Outcome, Problem> {
    world
        .run(
            browser,
            Command::ShowThread {
                chat: room.into(),
                root,
            },
        )
        .await
}

fn told(world: &TestWorld, browser: usize, rows: Vec<Row>) -> Vec<String> {
    let it = &world.browsers[browser];
    let told = rows.into_iter().filter_map(|row| {
        let thread = row
            .thread
            .map(|thread| format!(" +{}({})", thread.answers, thread.unread))
            .unwrap_or_default();
        match row.body {
            Body::Text { author, text, .. } => Some(format!("{}: {text}{thread}", it.handle(author))),
            Body::Poll { poll, .. } => Some(format!("{}{thread}", poll.question)),
            Body::Note(Note::Deleted { by, .. }) => Some(format!("{} deleted{thread}", it.handle(by))),
            Body::Note(Note::Faded) => Some(format!("faded{thread}")),
            Body::Note(_) => None,
            Body::Unreadable(why) => Some(format!("{why:?}")),
        }
    });
    told.collect()
}

/// The conversation as this browser shows it, but for what happened to the room itself.
fn main_of(world: &TestWorld, browser: usize) -> Vec<String> {
    told(world, browser, world.browsers[browser].whole_rows())
}

fn thread_of(world: &TestWorld, browser: usize) -> Vec<String> {
    told(world, browser, world.browsers[browser].answers())
}

/// Conversation and thread, for somebody who has both before them: as they are, after a reload, and on a new browser.
async fn assert_both(world: &mut TestWorld, room: RoomId, root: EnvelopeHash, main: &[&str], thread: &[&str]) {
    show(world, CYD, room, root).await.unwrap();
    world
        .run(
            CYD,
            Command::ReadThread {
                chat: room.into(),
                root,
            },
        )
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(main_of(world, CYD), main, "as it is");
    assert_eq!(thread_of(world, CYD), thread, "the thread, as it is");
    world.reload(CYD);
    world.settle().await;
    world.read(CYD, room).await;
    show(world, CYD, room, root).await.unwrap();
    assert_eq!(main_of(world, CYD), main, "after a reload");
    assert_eq!(thread_of(world, CYD), thread, "the thread, after a reload");
    let new = world.sign_in("cyd").await;
    world.read(new, room).await;
    show(world, new, room, root).await.unwrap();
    assert_eq!(
        main_of(world, new),
        main,
        "on a new browser, where all of it counts as read"
    );
    assert_eq!(thread_of(world, new), thread, "the thread, on a new browser");
    world.close(new);
    world.browsers[new].disk.borrow_mut().records.clear();
}

async fn eve_says(world: &mut TestWorld, room: RoomId, text: &str, thread: EnvelopeHash) -> EnvelopeHash {
    let body = MessageBody::Post {
        text: Text::new(text).unwrap(),
        ttl: 0,
        reply: None,
        thread: Some(thread),
        everyone: false,
        mentions: List::default(),
    };
    let message = forge(world.relay(), room, &Person::new("eve"), text, body, |_, _| ()).unwrap();
    let hash = post(world.relay(), room, &message).unwrap();
    world.settle().await;
    hash
}

#[test]
fn answers_stand_in_their_thread_and_the_first_message_says_how_many() {
    block_on(async {
        let (mut world, room) = tea("answers").await;
        let root = root_of(&world, "first");
        show(&mut world, BOB, room, root).await.unwrap();
        assert_eq!(thread_of(&world, BOB), ["ada: first"]);
        assert_eq!(answer(&mut world, BOB, room, "first", "one").await, Ok(Outcome::Done));
        assert_eq!(answer(&mut world, CYD, room, "first", "two").await, Ok(Outcome::Done));
        assert_eq!(thread_of(&world, BOB), ["ada: first", "bob: one", "cyd: two"]);
        assert_eq!(main_of(&world, ADA), ["ada: first +2(2)", "bob: second"]);
        // One's own is no news.
        assert_eq!(main_of(&world, BOB), ["ada: first +2(1)", "bob: second"]);
        let thread = row_of(&world, ADA, "first").thread.unwrap();
        let who: Vec<_> = thread
            .who
            .iter()
            .map(|user| world.browsers[ADA].handle(*user))
            .collect();
        assert_eq!(who, ["cyd", "bob"]);
        // It is no news of the conversation, nor what stands in the list.
        let listed = world.browsers[ADA].room(room).unwrap();
        assert_eq!((listed.unread, listed.preview.unwrap().text), (0, "second".into()));
        let (main, thread) = (
            ["ada: first +2(0)", "bob: second"],
            ["ada: first", "bob: one", "cyd: two"],
        );
        assert_both(&mut world, room, root, &main, &thread).await;
    });
}

#[test]
fn what_was_read_and_what_is_being_written_is_kept_for_each_thread() {
    block_on(async {
        let (mut world, room) = tea("marks").await;
        let roots = [root_of(&world, "first"), root_of(&world, "second")];
        for to in ["first", "second"] {
            answer(&mut world, BOB, room, to, &format!("to {to}")).await.unwrap();
        }
        assert_eq!(main_of(&world, ADA), ["ada: first +1(1)", "bob: second +1(1)"]);
        world
            .run(
                ADA,
                Command::ReadThread {
                    chat: room.into(),
                    root: roots[0],
                },
            )
            .await
            .unwrap();
        let text = "half a thought".to_owned();
        world
            .run(
                ADA,
                Command::SaveThreadDraft {
                    chat: room.into(),
                    root: roots[1],
                    text,
                },
            )
            .await
            .unwrap();
        world.reload(ADA);
        world.settle().await;
        world.read(ADA, room).await;
        assert_eq!(main_of(&world, ADA), ["ada: first +1(0)", "bob: second +1(1)"]);
        let draft = |draft: &str| {
            Ok(Outcome::Thread {
                draft: draft.to_owned(),
            })
        };
        assert_eq!(show(&mut world, ADA, room, roots[0]).await, draft(""));
        assert_eq!(show(&mut world, ADA, room, roots[1]).await, draft("half a thought"));
        // What was sent is no draft any more.
        answer(&mut world, ADA, room, "second", "a whole one").await.unwrap();
        assert_eq!(show(&mut world, ADA, room, roots[1]).await, draft(""));
        answer(&mut world, BOB, room, "first", "more").await.unwrap();
        assert_eq!(main_of(&world, ADA)[0], "ada: first +2(1)");
    });
}

async fn read_thread(world: &mut TestWorld, browser: usize, room: RoomId, root: EnvelopeHash) {
    let read = Command::ReadThread {
        chat: room.into(),
        root,
    };
    assert_eq!(world.run(browser, read).await, Ok(Outcome::Done));
}

async fn look(world: &mut TestWorld, browser: usize, visible: bool) {
    let looking = Command::Looking { visible };
    assert_eq!(world.run(browser, looking).await, Ok(Outcome::Done));
    world.settle().await;
}

/// Then what was read is written at once.
async fn put_away(world: &mut TestWorld, browser: usize) {
    look(world, browser, false).await;
}

/// In how many threads something is unread, as the list of conversations says it; and whether it says that somebody calls.
fn told_of_threads(world: &TestWorld, browser: usize, room: RoomId) -> (u32, u32) {
    let room = world.browsers[browser].room(room).unwrap();
    (room.threads, room.mentions)
}

#[test]
fn what_was_read_in_one_tab_or_browser_is_read_in_the_others() {
    block_on(async {
        let (mut world, room) = tea("read elsewhere").await;
        let roots = [root_of(&world, "first"), root_of(&world, "second")];
        let tab = world.tab(ADA);
        let second = world.sign_in("ada").await;
        world.read(second, room).await;
        look(&mut world, ADA, true).await;
        answer(&mut world, ADA, room, "second", "mine").await.unwrap();
        answer(&mut world, BOB, room, "first", "@ada look").await.unwrap();
        answer(&mut world, BOB, room, "second", "and here").await.unwrap();
        for browser in [ADA, tab, second] {
            assert_eq!(told_of_threads(&world, browser, room), (2, 1), "{browser}");
        }
        read_thread(&mut world, ADA, room, roots[0]).await;
        assert_eq!(told_of_threads(&world, ADA, room), (1, 0));
        assert_eq!(told_of_threads(&world, tab, room), (1, 0), "at once");
        assert_eq!(told_of_threads(&world, second, room), (2, 1), "it is not written yet");
        put_away(&mut world, ADA).await;
        assert_eq!(told_of_threads(&world, second, room), (1, 0));
        assert_eq!(
            main_of(&world, second),
            ["ada: first +1(0)", "bob: second +2(1)"],
            "the rows say the same"
        );
        // It holds after a reload, and what comes is news again.
        world.reload(second);
        world.settle().await;
        assert_eq!(told_of_threads(&world, second, room), (1, 0));
        answer(&mut world, BOB, room, "first", "more").await.unwrap();
        assert_eq!(told_of_threads(&world, second, room), (2, 0));
        // Back goes nobody: the other tells of the second thread and has not read what came in the first.
        read_thread(&mut world, ADA, room, roots[0]).await;
        read_thread(&mut world, second, room, roots[1]).await;
        put_away(&mut world, second).await;
        put_away(&mut world, ADA).await;
        for browser in [ADA, tab, second] {
            assert_eq!(told_of_threads(&world, browser, room), (0, 0), "{browser}");
        }
    });
}

#[test]
fn a_new_browser_knows_which_threads_were_read() {
    block_on(async {
        let (mut world, room) = tea("new browser").await;
        let roots = [root_of(&world, "first"), root_of(&world, "second")];
        answer(&mut world, ADA, room, "second", "mine").await.unwrap();
        world.run(ADA, Command::MarkRead { chat: room.into() }).await.unwrap();
        answer(&mut world, BOB, room, "first", "one").await.unwrap();
        answer(&mut world, BOB, room, "second", "two").await.unwrap();
        read_thread(&mut world, ADA, room, roots[0]).await;
        put_away(&mut world, ADA).await;
        let new = world.sign_in("ada").await;
        world.read(new, room).await;
        assert_eq!(main_of(&world, new), ["ada: first +1(0)", "bob: second +2(1)"]);
        assert_eq!(told_of_threads(&world, new, room).0, 1);
    });
}

#[test]
fn an_answer_waits_for_the_connection_in_its_thread() {
    block_on(async {
        let (mut world, room) = tea("offline").await;
        let root = root_of(&world, "first");
        show(&mut world, BOB, room, root).await.unwrap();
        world.go_offline(BOB);
        world.settle().await;
        answer(&mut world, BOB, room, "first", "later").await.unwrap();
        assert_eq!(thread_of(&world, BOB), ["ada: first", "bob: later"]);
        assert_eq!(main_of(&world, BOB), ["ada: first", "bob: second"]);
        world.go_online(BOB);
        world.settle().await;
        assert_eq!(thread_of(&world, BOB), ["ada: first", "bob: later"]);
        assert_eq!(main_of(&world, ADA), ["ada: first +1(1)", "bob: second"]);
    });
}

#[test]
fn a_thread_stays_when_its_first_message_goes_and_an_answer_goes_alone() {
    block_on(async {
        let (mut world, room) = tea("deleted").await;
        let root = root_of(&world, "first");
        answer(&mut world, BOB, room, "first", "one").await.unwrap();
        answer(&mut world, CYD, room, "first", "two").await.unwrap();
        show(&mut world, BOB, room, root).await.unwrap();
        let message = id_of(&world, BOB, "one");
        world
            .run(
                BOB,
                Command::Delete {
                    chat: room.into(),
                    message,
                },
            )
            .await
            .unwrap();
        world.settle().await;
        assert_eq!(main_of(&world, ADA), ["ada: first +1(1)", "bob: second"]);
        let message = id_of(&world, ADA, "first");
        world
            .run(
                ADA,
                Command::Delete {
                    chat: room.into(),
                    message,
                },
            )
            .await
            .unwrap();
        world.settle().await;
        // To what is gone nothing more is said.
        let text = "too late".to_owned();
        let refused = Command::Send {
            chat: room.into(),
            text,
            reply: None,
            thread: Some(message),
        };
        assert_eq!(world.run(BOB, refused).await, Err(Problem::NoSuchMessage));
        show(&mut world, CYD, room, root).await.unwrap();
        assert_eq!(main_of(&world, CYD), ["ada deleted +1(0)", "bob: second"]);
        assert_eq!(thread_of(&world, CYD), ["ada deleted", "bob deleted", "cyd: two"]);
        world.reload(CYD);
        world.settle().await;
        world.read(CYD, room).await;
        show(&mut world, CYD, room, root).await.unwrap();
        assert_eq!(thread_of(&world, CYD), ["ada deleted", "bob deleted", "cyd: two"]);
    });
}

#[test]
fn answers_have_their_time() {
    block_on(async {
        let (mut world, room) = tea("fading").await;
        world.run(ADA, Command::SetTtl { room, seconds: 60 }).await.unwrap();
        world.settle().await;
        world.say(ADA, room, "short").await;
        world.advance(30_000);
        world.settle().await;
        let root = root_of(&world, "short");
        answer(&mut world, BOB, room, "short", "shorter").await.unwrap();
        show(&mut world, CYD, room, root).await.unwrap();
        world.advance(31_000);
        world.settle().await;
        assert_eq!(main_of(&world, CYD), ["ada: first", "bob: second", "faded +1(1)"]);
        assert_eq!(thread_of(&world, CYD).last().unwrap(), "bob: shorter");
        world.advance(30_000);
        world.settle().await;
        assert_eq!(main_of(&world, CYD), ["ada: first", "bob: second"]);
        assert!(thread_of(&world, CYD).iter().all(|row| !row.contains("shorter")));
    });
}

/// Whatever somebody says of a thread, what they write stands somewhere.
#[test]
fn nothing_hides_in_a_thread_that_is_none() {
    block_on(async {
        let (mut world, room) = tea("hiding").await;
        let root = root_of(&world, "first");
        answer(&mut world, BOB, room, "first", "one").await.unwrap();
        let one = world.relay().rooms[&room].messages.last().unwrap().hash();
        eve_says(&mut world, room, "about nothing", EnvelopeHash::from_bytes([7; 32])).await;
        eve_says(&mut world, room, "in a thread of a thread", one).await;
        let message = id_of(&world, ADA, "second");
        let react = Command::React {
            chat: room.into(),
            message,
            emoji: "👍".to_owned(),
            on: true,
        };
        world.run(ADA, react).await.unwrap();
        let reaction = world.relay().rooms[&room].messages.last().unwrap().hash();
        eve_says(&mut world, room, "about a reaction", reaction).await;
        eve_says(&mut world, room, "in the thread", root).await;
        let main = [
            "ada: first +2(0)",
            "bob: second",
            "eve: about nothing",
            "eve: in a thread of a thread",
            "eve: about a reaction",
        ];
        assert_both(
            &mut world,
            room,
            root,
            &main,
            &["ada: first", "bob: one", "eve: in the thread"],
        )
        .await;
        assert_eq!(
            show(&mut world, ADA, room, EnvelopeHash::from_bytes([7; 32])).await,
            Err(Problem::NoSuchMessage)
        );
    });
}

/// Its first message is far back: a new browser fetches what lies between.
#[test]
fn a_thread_is_opened_by_its_address() {
    block_on(async {
        let (mut world, room) = tea("address").await;
        let root = root_of(&world, "first");
        answer(&mut world, BOB, room, "first", "one").await.unwrap();
        for at in 0..150 {
            world.say(BOB, room, &format!("between {at}")).await;
        }
        answer(&mut world, CYD, room, "first", "two").await.unwrap();
        let new = world.sign_in("cyd").await;
        world.run(new, Command::ShowRoom { chat: room.into() }).await.unwrap();
        show(&mut world, new, room, root).await.unwrap();
        assert_eq!(thread_of(&world, new), ["ada: first", "bob: one", "cyd: two"]);
    });
}

/// What `ListThreads` says: first words, answers, unread ones; and whether there is more to look through.
async fn listed(world: &mut TestWorld, browser: usize, room: RoomId, back: bool) -> (Vec<(String, u32, u32)>, bool) {
    let command = Command::ListThreads {
        chat: room.into(),
        back,
    };
    match world.run(browser, command).await {
        Ok(Outcome::Threads { threads, has_more }) => {
            let said = threads.into_iter().map(|one| {
                let words = match one.quote {
                    Quote::Text { text, .. } => text,
                    other => format!("{other:?}"),
                };
                (words, one.thread.answers, one.thread.unread)
            });
            (said.collect(), has_more)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_calls_somebody_in_a_thread_calls_no_more_once_the_thread_was_read() {
    block_on(async {
        let (mut world, room) = tea("calls").await;
        let (chat, root) = (room.into(), root_of(&world, "second"));
        let mentions = |world: &TestWorld| world.browsers[ADA].room(room).unwrap().mentions;
        answer(&mut world, BOB, room, "second", "@ada have you seen this?")
            .await
            .unwrap();
        answer(&mut world, BOB, room, "first", "@ada and this?").await.unwrap();
        assert_eq!(mentions(&world), 2);
        assert!(world.browsers[ADA].room(room).unwrap().alert.is_some());

        // Another thread than the one that was read still calls; the conversation was not read.
        world.run(ADA, Command::ReadThread { chat, root }).await.unwrap();
        world.settle().await;
        assert_eq!(mentions(&world), 1);
        world.reload(ADA);
        world.settle().await;
        assert_eq!(mentions(&world), 1, "after a reload");
        answer(&mut world, BOB, room, "second", "@ada and now?").await.unwrap();
        assert_eq!(mentions(&world), 2, "what comes later calls again");
        let root = row_of(&world, CYD, "first").hash.unwrap();
        show(&mut world, ADA, room, root).await.unwrap();
        world.run(ADA, Command::ReadThread { chat, root }).await.unwrap();
        assert_eq!(mentions(&world), 1);
        // Marked as unread on purpose, from before all of it: what was read in its thread does not call again.
        world.run(ADA, Command::SetRead { chat, read: 0 }).await.unwrap();
        assert_eq!(mentions(&world), 1);
        world.run(ADA, Command::MarkRead { chat }).await.unwrap();
        assert_eq!(mentions(&world), 0);
        assert_eq!(world.browsers[ADA].room(room).unwrap().alert, None);
    });
}

#[test]
fn all_threads_of_a_conversation_are_listed_also_those_further_back() {
    block_on(async {
        let (mut world, room) = tea("list").await;
        assert_eq!(listed(&mut world, ADA, room, false).await.0, []);
        answer(&mut world, BOB, room, "second", "one").await.unwrap();
        answer(&mut world, CYD, room, "second", "two").await.unwrap();
        answer(&mut world, BOB, room, "first", "three").await.unwrap();
        let all = [("first".to_owned(), 1, 1), ("second".to_owned(), 2, 2)];
        assert_eq!(listed(&mut world, ADA, room, false).await, (all.to_vec(), false));
        let root = root_of(&world, "second");
        let chat = room.into();
        world.run(ADA, Command::ReadThread { chat, root }).await.unwrap();
        let message = id_of(&world, ADA, "first");
        world.run(ADA, Command::Delete { chat, message }).await.unwrap();
        let all = [("Gone".to_owned(), 1, 1), ("second".to_owned(), 2, 0)];
        assert_eq!(listed(&mut world, ADA, room, false).await.0, all);

        // Out of a new browser's sight at first.
        for number in 0..150 {
            world.write(BOB, room, &format!("{number}"));
            if number % 30 == 0 {
                world.advance(60_000);
                world.settle().await;
            }
        }
        world.settle().await;
        let new = world.sign_in("ada").await;
        world.settle().await;
        let (threads, has_more) = listed(&mut world, new, room, false).await;
        assert!(threads.is_empty() && has_more, "{threads:?}");
        let mut found = (threads, has_more);
        while found.1 {
            found = listed(&mut world, new, room, true).await;
        }
        let words: Vec<_> = found
            .0
            .iter()
            .map(|(words, answers, _)| (words.as_str(), *answers))
            .collect();
        assert_eq!(words, [("Gone", 1), ("second", 2)]);
    });
}
