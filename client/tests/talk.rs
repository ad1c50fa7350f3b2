//! Answers, calls by name, threads and what is handed on: what people see of them, whatever becomes of the messages they hang
//! on.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, LazyLock};

use futures_lite::future::block_on;
use sotto_client::testing::{Snapshot, World};
use sotto_client::view::{Body, Chat, Command, Note, Outcome, Problem, Quote, Ties};
use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{MessageId, RoomId};

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;
const CYD: usize = 2;

static PAST: LazyLock<(Snapshot<Arc<PrivateKey>>, RoomId, RoomId)> = LazyLock::new(|| {
    block_on(async {
        let mut world = World::new(RustCrypto, "talk");
        for handle in ["ada", "bob", "cyd"] {
            world.newcomer(handle).await;
        }
        let room = world.group(ADA, "Tea", &["bob", "cyd"]).await;
        let duo = world.direct(ADA, "bob").await;
        world.say(ADA, room, "by ada").await;
        world.say(BOB, room, "by bob").await;
        (world.into_snapshot(), room, duo)
    })
});

/// Ada, Bob and Cyd, Ada and Bob looking at their room.
async fn tea(seed: &str) -> (TestWorld, RoomId) {
    let (past, room, _) = &*PAST;
    let mut world = World::from_snapshot(RustCrypto, past, seed);
    world.settle().await;
    for browser in [ADA, BOB] {
        show(&mut world, browser, *room).await;
    }
    (world, *room)
}

async fn show(world: &mut TestWorld, browser: usize, room: RoomId) {
    let chat = Chat::from(room);
    for command in [Command::ShowRoom { chat }, Command::MarkRead { chat }] {
        assert_eq!(world.run(browser, command).await, Ok(Outcome::Done));
    }
}

/// The id of a text on screen.
fn id_of(world: &TestWorld, browser: usize, words: &str) -> MessageId {
    let rows = world.browsers[browser].rows().into_iter();
    let mut found = rows.filter_map(|row| match row {
        Body::Text { text, message, .. } if text == words => Some(message),
        _ => None,
    });
    found.next_back().unwrap_or_else(|| panic!("{words} is not on screen"))
}

fn ties_of(world: &TestWorld, browser: usize, words: &str) -> Ties {
    let rows = world.browsers[browser].rows().into_iter();
    let mut found = rows.filter_map(|row| match row {
        Body::Text { text, ties, .. } if text == words => Some(ties),
        _ => None,
    });
    found.next_back().unwrap_or_else(|| panic!("{words} is not on screen"))
}

/// What stands above an answer.
fn quote(world: &TestWorld, browser: usize, words: &str) -> String {
    match ties_of(world, browser, words).reply {
        None => "nothing".into(),
        Some(Quote::Text { by, text, edited, .. }) => {
            let edited = if edited { "*" } else { "" };
            format!("{}: {text}{edited}", world.browsers[browser].handle(by))
        }
        Some(Quote::Gone) => "gone".into(),
        Some(Quote::Earlier(_)) => "earlier".into(),
        Some(Quote::Nowhere) => "nowhere".into(),
    }
}

async fn answer(world: &mut TestWorld, browser: usize, room: RoomId, to: &str, text: &str) -> Result<Outcome, Problem> {
    let reply = Some(id_of(world, browser, to));
    let command = Command::Send {
        chat: room.into(),
        text: text.into(),
        reply,
        thread: None,
    };
    world.run(browser, command).await
}

fn unread(world: &TestWorld, browser: usize, room: RoomId) -> (u32, u32) {
    let room = world.browsers[browser].room(room).unwrap();
    (room.unread, room.mentions)
}

/// Whoever opens another conversation and this one again goes on writing where they were.
#[test]
fn what_was_begun_is_told_at_once_and_no_longer_once_it_was_sent() {
    block_on(async {
        let (mut world, room) = tea("begun").await;
        let (chat, text) = (Chat::from(room), "half a thou".to_owned());
        let draft = |world: &TestWorld, browser: usize| world.browsers[browser].room(room).unwrap().draft;
        world.run(ADA, Command::SaveDraft { chat, text }).await.unwrap();
        assert_eq!(draft(&world, ADA), "half a thou");
        assert_eq!(draft(&world, BOB), "");
        world.say(ADA, room, "half a thought").await;
        assert_eq!(draft(&world, ADA), "");
    });
}

#[test]
fn an_answer_shows_the_message_as_it_reads_now() {
    block_on(async {
        let (mut world, room) = tea("answer").await;
        answer(&mut world, BOB, room, "by ada", "yes").await.unwrap();
        for browser in [ADA, BOB] {
            assert_eq!(quote(&world, browser, "yes"), "ada: by ada");
        }
        let message = id_of(&world, ADA, "by ada");
        let edit = Command::Edit {
            chat: room.into(),
            message,
            text: "first line\nsecond".into(),
        };
        world.run(ADA, edit).await.unwrap();
        for browser in [ADA, BOB] {
            assert_eq!(quote(&world, browser, "yes"), "ada: first line*");
        }
        // The answer is changed, and answers the same.
        let edit = Command::Edit {
            chat: room.into(),
            message: id_of(&world, BOB, "yes"),
            text: "no".into(),
        };
        world.run(BOB, edit).await.unwrap();
        assert_eq!(quote(&world, ADA, "no"), "ada: first line*");
        let delete = Command::Delete {
            chat: room.into(),
            message,
        };
        world.run(ADA, delete).await.unwrap();
        for browser in [ADA, BOB] {
            assert_eq!(quote(&world, browser, "no"), "gone");
        }
        // The same after a reload, and on a browser that was never there.
        world.reload(ADA);
        world.settle().await;
        let new = world.sign_in("ada").await;
        for browser in [ADA, new] {
            world.read(browser, room).await;
            assert_eq!(quote(&world, browser, "no"), "gone");
        }
    });
}

#[test]
fn an_answer_to_what_is_not_loaded_yet_says_so_until_it_is() {
    block_on(async {
        let (mut world, room) = tea("far").await;
        answer(&mut world, BOB, room, "by ada", "late answer").await.unwrap();
        for number in 0..450 {
            world.write(BOB, room, &format!("{number}"));
            if number % 30 == 0 {
                world.advance(60_000);
                world.settle().await;
            }
        }
        world.settle().await;
        answer(&mut world, BOB, room, "late answer", "again").await.unwrap();
        // Read elsewhere: what is unread would be loaded to be counted.
        show(&mut world, ADA, room).await;
        world.run(ADA, Command::Looking { visible: false }).await.unwrap();
        let new = world.sign_in("ada").await;
        show(&mut world, new, room).await;
        assert_eq!(quote(&world, new, "again"), "earlier");
        world.read(new, room).await;
        assert_eq!(quote(&world, new, "again"), "bob: late answer");
        assert_eq!(quote(&world, new, "late answer"), "ada: by ada");
    });
}

#[test]
fn what_is_answered_must_be_there() {
    block_on(async {
        let (mut world, room) = tea("gone").await;
        let message = id_of(&world, BOB, "by bob");
        let delete = Command::Delete {
            chat: room.into(),
            message,
        };
        world.run(BOB, delete).await.unwrap();
        for (reply, thread) in [(Some(message), None), (None, Some(message))] {
            let send = Command::Send {
                chat: room.into(),
                text: "to nothing".into(),
                reply,
                thread,
            };
            assert_eq!(world.run(ADA, send).await, Err(Problem::NoSuchMessage));
        }
    });
}

#[test]
fn people_are_called_by_name_and_told_apart_from_what_is_only_new() {
    block_on(async {
        let (mut world, room) = tea("calls").await;
        show(&mut world, CYD, room).await;
        world.run(CYD, Command::HideRoom).await.unwrap();
        let cyd = world.browsers[CYD].me().unwrap();
        world.say(BOB, room, "nobody in particular").await;
        assert_eq!(unread(&world, CYD, room), (1, 0));
        world.say(BOB, room, "and @Cyd, what of cyd@example.org?").await;
        assert_eq!(unread(&world, CYD, room), (2, 1));
        let ties = ties_of(&world, ADA, "and @Cyd, what of cyd@example.org?");
        assert_eq!((ties.mentions, ties.to_me), (vec![cyd], false));
        // Only moderators and owners call everybody: from others the text stays, and calls nobody.
        world.say(BOB, room, "@everyone by bob").await;
        assert_eq!(unread(&world, CYD, room), (3, 1));
        assert!(!ties_of(&world, ADA, "@everyone by bob").everyone);
        world.say(ADA, room, "@everyone by ada").await;
        assert_eq!(unread(&world, CYD, room), (4, 2));
        let ties = ties_of(&world, BOB, "@everyone by ada");
        assert!(ties.everyone && ties.to_me);
        // A name that nobody here has is a word.
        world.say(ADA, room, "@nobody").await;
        assert_eq!(ties_of(&world, BOB, "@nobody"), Ties::default());
        // What calls and is deleted before it was read counts no more.
        let message = id_of(&world, ADA, "@everyone by ada");
        let delete = Command::Delete {
            chat: room.into(),
            message,
        };
        world.run(ADA, delete).await.unwrap();
        assert_eq!(unread(&world, CYD, room), (4, 1));
        world.reload(CYD);
        world.settle().await;
        assert_eq!(unread(&world, CYD, room), (4, 1));
        show(&mut world, CYD, room).await;
        assert_eq!(unread(&world, CYD, room), (0, 0));
    });
}

#[test]
fn an_answer_calls_whom_it_answers() {
    block_on(async {
        let (mut world, room) = tea("answered").await;
        world.run(ADA, Command::HideRoom).await.unwrap();
        answer(&mut world, BOB, room, "by ada", "for you").await.unwrap();
        answer(&mut world, BOB, room, "by bob", "for me").await.unwrap();
        assert_eq!(unread(&world, ADA, room), (2, 1));
        show(&mut world, ADA, room).await;
        assert!(ties_of(&world, ADA, "for you").to_me);
        assert!(!ties_of(&world, ADA, "for me").to_me);
        assert!(!ties_of(&world, BOB, "for you").to_me);
    });
}

#[test]
fn more_names_than_a_message_may_call_are_refused_and_nothing_is_lost() {
    block_on(async {
        let mut world = World::new(RustCrypto, "flood");
        let ada = world.newcomer("ada").await;
        let people: Vec<_> = (0..66).map(|number| format!("person-{number}")).collect();
        for name in &people {
            world.relay().enlist(&sotto_shared::testing::people::Person::new(name));
        }
        let handles: Vec<&str> = people.iter().map(String::as_str).collect();
        let room = world.group(ada, "All", &handles).await;
        show(&mut world, ada, room).await;
        let call = |count: usize| {
            handles[..count]
                .iter()
                .map(|name| format!("@{name} "))
                .collect::<String>()
        };
        let refused = world.run(ada, Command::say(room, call(65))).await;
        assert_eq!(refused, Err(Problem::TooManyMentions { max: 64 }));
        assert!(world.browsers[ada].lines().is_empty());
        world.say(ada, room, &call(64)).await;
        // The same name a thousand times is one.
        world.say(ada, room, &"@person-7 ".repeat(1_000)).await;
        let sent = ties_of(&world, ada, "@person-7 ".repeat(1_000).trim_end());
        assert_eq!(sent.mentions.len(), 1);
    });
}

#[test]
fn what_is_said_in_a_thread_is_not_said_among_all_others() {
    block_on(async {
        let (mut world, room) = tea("thread").await;
        let send = Command::Send {
            chat: room.into(),
            text: "aside, @ada".into(),
            reply: None,
            thread: Some(id_of(&world, BOB, "by ada")),
        };
        world.run(ADA, Command::HideRoom).await.unwrap();
        world.run(BOB, send).await.unwrap();
        // No news of the conversation, but a call.
        assert_eq!(unread(&world, ADA, room), (0, 1));
        let preview = world.browsers[ADA].room(room).unwrap().preview.unwrap();
        assert_eq!(preview.text, "by bob");
        show(&mut world, ADA, room).await;
        assert_eq!(unread(&world, ADA, room), (0, 0));
        for browser in [ADA, BOB] {
            assert_eq!(world.texts(browser, room).await, ["by ada", "by bob"]);
        }
    });
}

#[test]
fn what_fades_fades_with_what_it_hangs_on() {
    block_on(async {
        let (mut world, room) = tea("fades").await;
        let ttl = Command::SetTtl { room, seconds: 60 };
        world.run(ADA, ttl).await.unwrap();
        world.say(ADA, room, "short").await;
        world.advance(40_000);
        answer(&mut world, BOB, room, "short", "to it").await.unwrap();
        assert_eq!(quote(&world, ADA, "to it"), "ada: short");
        world.advance(30_000);
        world.settle().await;
        assert_eq!(quote(&world, ADA, "to it"), "gone");
        world.advance(40_000);
        world.settle().await;
        assert_eq!(world.texts(ADA, room).await, ["by ada", "by bob"]);
        let words = "short".as_bytes();
        let disk = world.browsers[ADA].disk.borrow();
        let kept = disk
            .records
            .values()
            .any(|record| record.windows(words.len()).any(|part| part == words));
        assert!(!kept, "what has had its time is kept nowhere");
    });
}

#[test]
fn a_text_from_before_answers_is_read_as_it_was() {
    block_on(async {
        let (mut world, room) = tea("plain").await;
        assert_eq!(ties_of(&world, ADA, "by bob"), Ties::default());
        world.close(BOB);
        let bob = world.sign_in("bob").await;
        assert_eq!(world.texts(bob, room).await, ["by ada", "by bob"]);
        let notes = world.browsers[bob].rows().into_iter();
        assert!(
            notes
                .filter(|row| matches!(row, Body::Note(Note::Created { .. })))
                .count()
                == 1
        );
    });
}
