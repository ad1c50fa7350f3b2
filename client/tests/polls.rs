//! Polls: what everybody sees of one, whatever order votes come in, and what nobody can do to it.
//!
//! Eve is an account without an engine: a member who signs whatever she likes.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, LazyLock};

use futures_lite::future::block_on;
use sotto_client::testing::forge::{forge, post};
use sotto_client::testing::{Snapshot, World};
use sotto_client::view::{Body, Command, Delivery, NewPoll, Note, Outcome, Poll, Problem};
use sotto_shared::codec::{List, Text};
use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::content::{Content, MessageBody};
use sotto_shared::envelope::header::Header;
use sotto_shared::id::{EnvelopeHash, MessageId, RoomId};
use sotto_shared::testing::people::Person;

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;
const CYD: usize = 2;

static PAST: LazyLock<(Snapshot<Arc<PrivateKey>>, RoomId)> = LazyLock::new(|| {
    block_on(async {
        let mut world = World::new(RustCrypto, "polls");
        for handle in ["ada", "bob", "cyd"] {
            world.newcomer(handle).await;
        }
        world.relay().enlist(&Person::new("eve"));
        let room = world.group(ADA, "Tea", &["bob", "cyd", "eve"]).await;
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

fn asked(question: &str, options: &[&str]) -> NewPoll {
    NewPoll {
        question: question.to_owned(),
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        several: false,
        ends_ms: 0,
    }
}

async fn ask(world: &mut TestWorld, browser: usize, room: RoomId, poll: NewPoll) -> Result<Outcome, Problem> {
    world
        .run(
            browser,
            Command::MakePoll {
                chat: room.into(),
                poll,
            },
        )
        .await
}

/// The poll on screen with this question.
fn poll(world: &TestWorld, browser: usize, question: &str) -> (MessageId, Poll, Delivery) {
    let mut rows = world.browsers[browser].rows().into_iter();
    let found = rows.find_map(|row| match row {
        Body::Poll {
            message, poll, state, ..
        } if poll.question == question => Some((message, poll, state)),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{question} is not on screen"))
}

async fn vote(
    world: &mut TestWorld,
    browser: usize,
    room: RoomId,
    question: &str,
    choices: &[u8],
) -> Result<Outcome, Problem> {
    let (message, ..) = poll(world, browser, question);
    let choices = choices.to_vec();
    world
        .run(
            browser,
            Command::Vote {
                chat: room.into(),
                message,
                choices,
            },
        )
        .await
}

async fn end(world: &mut TestWorld, browser: usize, room: RoomId, question: &str) -> Result<Outcome, Problem> {
    let (message, ..) = poll(world, browser, question);
    world
        .run(
            browser,
            Command::EndPoll {
                chat: room.into(),
                message,
            },
        )
        .await
}

/// The room as this browser shows it, but for what happened to the room itself.
fn now(world: &TestWorld, browser: usize) -> Vec<String> {
    let it = &world.browsers[browser];
    let told = it.rows().into_iter().filter_map(|row| match row {
        Body::Poll {
            author,
            poll,
            reactions,
            pinned,
            ..
        } => {
            let options = poll
                .options
                .iter()
                .map(|option| format!(" {}:{}", option.text, option.votes));
            let ended = poll
                .ended
                .map(|by| format!(", ended by {}", it.handle(by)))
                .unwrap_or_default();
            let reactions = reactions
                .iter()
                .map(|one| format!(" {}{}", one.emoji, one.count))
                .collect::<String>();
            Some(format!(
                "{}: {}{} ({}){ended}{reactions}{}",
                it.handle(author),
                poll.question,
                options.collect::<String>(),
                poll.voters,
                if pinned { ", pinned" } else { "" }
            ))
        }
        Body::Text { author, text, .. } => Some(format!("{}: {text}", it.handle(author))),
        Body::Note(Note::Deleted { by, .. }) => Some(format!("{} deleted", it.handle(by))),
        Body::Note(_) => None,
        Body::Unreadable(why) => Some(format!("{why:?}")),
    });
    told.collect()
}

/// The same for everybody: as it is, after a reload, and on a browser that was never there.
async fn assert_story(world: &mut TestWorld, room: RoomId, expected: &[&str]) {
    for browser in [ADA, BOB, CYD] {
        assert_eq!(now(world, browser), expected, "browser {browser}, as it is");
        world.reload(browser);
        world.settle().await;
        world.read(browser, room).await;
        assert_eq!(now(world, browser), expected, "browser {browser} after a reload");
    }
    let new = world.sign_in("bob").await;
    world.read(new, room).await;
    assert_eq!(now(world, new), expected, "a new browser");
    world.close(new);
    world.browsers[new].disk.borrow_mut().records.clear();
}

/// Eve says this, and everybody hears it.
async fn eve_says(world: &mut TestWorld, room: RoomId, seed: &str, body: MessageBody) -> EnvelopeHash {
    eve_says_with(world, room, seed, body, |_, _| ()).await
}

async fn eve_says_with(
    world: &mut TestWorld,
    room: RoomId,
    seed: &str,
    body: MessageBody,
    edit: impl FnOnce(&mut Header, &mut Content),
) -> EnvelopeHash {
    let message = forge(world.relay(), room, &Person::new("eve"), seed, body, edit).unwrap();
    let hash = post(world.relay(), room, &message).unwrap();
    world.settle().await;
    hash
}

/// The hash of the newest message in the room.
fn newest(world: &mut TestWorld, room: RoomId) -> EnvelopeHash {
    world.relay().rooms[&room].messages.last().unwrap().hash()
}

#[test]
fn everybody_sees_the_last_word_of_everybody() {
    block_on(async {
        let (mut world, room) = tea("votes").await;
        let answer = ask(
            &mut world,
            ADA,
            room,
            asked(" Which tea? ", &["green", " black ", "", "none"]),
        )
        .await;
        assert_eq!(answer, Ok(Outcome::Done));
        let (message, ..) = poll(&world, ADA, "Which tea?");
        for (on, pinned) in [(true, ", pinned"), (false, "")] {
            let chat = room.into();
            let pinning = world.run(ADA, Command::Pin { chat, message, on }).await;
            assert_eq!(pinning, Ok(Outcome::Done));
            world.settle().await;
            let expected = format!("ada: Which tea? green:0 black:0 none:0 (0){pinned}");
            assert_story(&mut world, room, &[&expected]).await;
        }
        for (browser, choice) in [(ADA, 0), (BOB, 1), (CYD, 1)] {
            assert_eq!(
                vote(&mut world, browser, room, "Which tea?", &[choice]).await,
                Ok(Outcome::Done)
            );
        }
        assert_story(&mut world, room, &["ada: Which tea? green:1 black:2 none:0 (3)"]).await;
        // Another mind, and none.
        assert_eq!(vote(&mut world, BOB, room, "Which tea?", &[0]).await, Ok(Outcome::Done));
        assert_eq!(vote(&mut world, CYD, room, "Which tea?", &[]).await, Ok(Outcome::Done));
        assert_story(&mut world, room, &["ada: Which tea? green:2 black:0 none:0 (2)"]).await;
        let (message, shown, _) = poll(&world, BOB, "Which tea?");
        let mine: Vec<bool> = shown.options.iter().map(|option| option.mine).collect();
        assert_eq!(mine, [true, false, false]);
        let ids: Vec<_> = [ADA, BOB]
            .iter()
            .map(|browser| world.browsers[*browser].me().unwrap())
            .collect();
        let votes = world
            .run(
                CYD,
                Command::ShowVotes {
                    chat: room.into(),
                    message,
                },
            )
            .await;
        let Ok(Outcome::Votes(votes)) = votes else {
            panic!("{votes:?}")
        };
        assert_eq!(votes.iter().map(Vec::len).collect::<Vec<_>>(), [2, 0, 0]);
        assert!(ids.iter().all(|id| votes[0].contains(id)));
        // It is a message like others: unread, in the list, and reactions stand under it.
        assert_eq!(
            world.browsers[BOB].room(room).unwrap().preview.unwrap().text,
            "Which tea?"
        );
        let emoji = "👍".to_owned();
        let react = Command::React {
            chat: room.into(),
            message,
            emoji,
            on: true,
        };
        assert_eq!(world.run(CYD, react).await, Ok(Outcome::Done));
        assert_story(&mut world, room, &["ada: Which tea? green:2 black:0 none:0 (2) 👍1"]).await;
    });
}

#[test]
fn several_may_be_chosen_where_it_says_so() {
    block_on(async {
        let (mut world, room) = tea("several").await;
        let several = NewPoll {
            several: true,
            ..asked("Which days?", &["Mon", "Tue", "Wed"])
        };
        ask(&mut world, BOB, room, several).await.unwrap();
        vote(&mut world, ADA, room, "Which days?", &[0, 2]).await.unwrap();
        vote(&mut world, CYD, room, "Which days?", &[2]).await.unwrap();
        assert_story(&mut world, room, &["bob: Which days? Mon:1 Tue:0 Wed:2 (2)"]).await;
        ask(&mut world, BOB, room, asked("Which day?", &["Mon", "Tue"]))
            .await
            .unwrap();
        assert_eq!(
            vote(&mut world, ADA, room, "Which day?", &[0, 1]).await,
            Err(Problem::NotAllowed)
        );
        assert_eq!(
            vote(&mut world, ADA, room, "Which day?", &[2]).await,
            Err(Problem::NotAllowed)
        );
    });
}

#[test]
fn a_poll_without_a_question_or_answers_is_not_made() {
    block_on(async {
        let (mut world, room) = tea("incomplete").await;
        let thirteen: Vec<String> = (0..13).map(|at| format!("{at}")).collect();
        let thirteen: Vec<&str> = thirteen.iter().map(String::as_str).collect();
        for poll in [asked(" ", &["a", "b"]), asked("a", &["b", " "]), asked("a", &thirteen)] {
            assert_eq!(ask(&mut world, ADA, room, poll).await, Err(Problem::PollIncomplete));
        }
        let long = asked(&"a".repeat(1025), &["a", "b"]);
        assert_eq!(
            ask(&mut world, ADA, room, long).await,
            Err(Problem::TooLong { max: 1024 })
        );
        let long = "a".repeat(257);
        assert_eq!(
            ask(&mut world, ADA, room, asked("a", &[&long, "b"])).await,
            Err(Problem::TooLong { max: 256 })
        );
    });
}

#[test]
fn whoever_asked_or_keeps_order_ends_it_and_nobody_else() {
    block_on(async {
        let (mut world, room) = tea("end").await;
        for question in ["One?", "Two?"] {
            ask(&mut world, BOB, room, asked(question, &["yes", "no"]))
                .await
                .unwrap();
            vote(&mut world, CYD, room, question, &[0]).await.unwrap();
        }
        let two = newest_poll(&mut world, room, 1);
        assert_eq!(end(&mut world, CYD, room, "One?").await, Err(Problem::NotAllowed));
        assert_eq!(end(&mut world, BOB, room, "One?").await, Ok(Outcome::Done));
        assert_eq!(vote(&mut world, ADA, room, "One?", &[1]).await, Err(Problem::PollOver));
        // Ada is the owner.
        assert_eq!(end(&mut world, ADA, room, "Two?").await, Ok(Outcome::Done));
        let over = [
            "bob: One? yes:1 no:0 (1), ended by bob",
            "bob: Two? yes:1 no:0 (1), ended by ada",
        ];
        assert_story(&mut world, room, &over).await;
        // A vote that comes too late does not count, and is no lie.
        eve_says(
            &mut world,
            room,
            "late",
            MessageBody::Vote {
                target: two,
                choices: 2,
            },
        )
        .await;
        assert_story(&mut world, room, &over).await;
    });
}

/// The hash of the poll that was made as the one before `later` others, or the newest.
fn newest_poll(world: &mut TestWorld, room: RoomId, later: usize) -> EnvelopeHash {
    let messages = &world.relay().rooms[&room].messages;
    messages[messages.len() - 1 - later].hash()
}

#[test]
fn a_member_cannot_end_what_others_asked() {
    block_on(async {
        let (mut world, room) = tea("not hers").await;
        ask(&mut world, ADA, room, asked("Stay?", &["yes", "no"]))
            .await
            .unwrap();
        let target = newest(&mut world, room);
        eve_says(&mut world, room, "end", MessageBody::EndPoll { target }).await;
        vote(&mut world, BOB, room, "Stay?", &[0]).await.unwrap();
        assert_story(&mut world, room, &["ada: Stay? yes:1 no:0 (1)", "Damaged"]).await;
    });
}

#[test]
fn nobody_votes_for_another_or_twice_or_for_what_is_not_there() {
    block_on(async {
        let (mut world, room) = tea("forged").await;
        let ada = world.browsers[ADA].me().unwrap();
        world.say(ADA, room, "no question").await;
        let words = newest(&mut world, room);
        ask(&mut world, ADA, room, asked("Cake?", &["yes", "no"]))
            .await
            .unwrap();
        let target = newest(&mut world, room);
        vote(&mut world, ADA, room, "Cake?", &[0]).await.unwrap();
        // Twice: the last word counts.
        eve_says(&mut world, room, "a", MessageBody::Vote { target, choices: 1 }).await;
        eve_says(&mut world, room, "b", MessageBody::Vote { target, choices: 2 }).await;
        let standing = ["ada: no question", "ada: Cake? yes:1 no:1 (2)"];
        assert_story(&mut world, room, &standing).await;
        // In Ada's name; for a third option; for both; about a text; about nothing.
        let no = MessageBody::Vote { target, choices: 2 };
        eve_says_with(&mut world, room, "c", no, |_, content| content.user_id = ada).await;
        for (seed, target, choices) in [
            ("d", target, 4),
            ("e", target, 3),
            ("f", words, 1),
            ("g", EnvelopeHash::from_bytes([7; 32]), 1),
        ] {
            eve_says(&mut world, room, seed, MessageBody::Vote { target, choices }).await;
        }
        let with_rows: Vec<&str> = standing.into_iter().chain(["Damaged"; 5]).collect();
        assert_story(&mut world, room, &with_rows).await;
        // A question cannot be turned around under the answers.
        let text = Text::new("No cake?").unwrap();
        eve_says(&mut world, room, "h", MessageBody::Edit { target, text }).await;
        let with_rows: Vec<&str> = standing.into_iter().chain(["Damaged"; 6]).collect();
        assert_story(&mut world, room, &with_rows).await;
    });
}

#[test]
fn a_poll_that_asks_nothing_is_none() {
    block_on(async {
        let (mut world, room) = tea("no poll").await;
        let option = |text: &str| Text::new(text).unwrap();
        for (seed, question, options) in [
            ("a", "", vec!["a", "b"]),
            ("b", "a", vec!["b"]),
            ("c", "a", vec!["b", " "]),
        ] {
            let body = MessageBody::Poll {
                question: Text::new(question).unwrap(),
                options: List::new(options.into_iter().map(option).collect()).unwrap(),
                several: false,
                ends: 0,
                ttl: 0,
            };
            eve_says(&mut world, room, seed, body).await;
        }
        assert_story(&mut world, room, &["Damaged"; 3]).await;
    });
}

#[test]
fn the_clock_ends_a_poll_for_everybody_alike() {
    block_on(async {
        let (mut world, room) = tea("clock").await;
        let begun = world.now_ms();
        let ends_ms = begun + 3_600_000;
        assert_eq!(
            ask(
                &mut world,
                ADA,
                room,
                NewPoll {
                    ends_ms: begun,
                    ..asked("Then?", &["a", "b"])
                }
            )
            .await,
            Err(Problem::PollOver)
        );
        ask(
            &mut world,
            ADA,
            room,
            NewPoll {
                ends_ms,
                ..asked("When?", &["soon", "later"])
            },
        )
        .await
        .unwrap();
        let target = newest(&mut world, room);
        vote(&mut world, BOB, room, "When?", &[0]).await.unwrap();
        // Her clock is ahead: whoever reads it before the end, and whoever reads it after, count the same.
        let later = MessageBody::Vote { target, choices: 2 };
        eve_says_with(&mut world, room, "ahead", later.clone(), |_, content| {
            content.ts = ends_ms
        })
        .await;
        assert_story(&mut world, room, &["ada: When? soon:1 later:0 (1)"]).await;
        world.advance(3_600_001);
        world.settle().await;
        assert_eq!(vote(&mut world, CYD, room, "When?", &[1]).await, Err(Problem::PollOver));
        // Written in time, and on its way for long.
        eve_says_with(&mut world, room, "slow", later, |_, content| content.ts = ends_ms - 1).await;
        assert_story(&mut world, room, &["ada: When? soon:1 later:1 (2)"]).await;
    });
}

#[test]
fn a_vote_waits_for_the_connection() {
    block_on(async {
        let (mut world, room) = tea("offline").await;
        ask(&mut world, ADA, room, asked("Walk?", &["yes", "no"]))
            .await
            .unwrap();
        world.go_offline(BOB);
        world.settle().await;
        vote(&mut world, BOB, room, "Walk?", &[1]).await.unwrap();
        vote(&mut world, BOB, room, "Walk?", &[0]).await.unwrap();
        let (_, shown, state) = poll(&world, BOB, "Walk?");
        assert_eq!(
            (
                shown.waiting,
                shown.options[0].mine,
                shown.options[0].votes,
                shown.voters
            ),
            (true, true, 1, 1)
        );
        assert_eq!(state, Delivery::Sent, "the question has long been sent");
        assert_eq!(now(&world, ADA), ["ada: Walk? yes:0 no:0 (0)"]);
        world.reload(BOB);
        world.settle().await;
        world.go_online(BOB);
        world.settle().await;
        world.read(BOB, room).await;
        assert!(!poll(&world, BOB, "Walk?").1.waiting);
        assert_story(&mut world, room, &["ada: Walk? yes:1 no:0 (1)"]).await;
    });
}

#[test]
fn votes_go_with_their_poll() {
    block_on(async {
        let (mut world, room) = tea("deleted").await;
        for question in ["First?", "Second?"] {
            ask(&mut world, BOB, room, asked(question, &["yes", "no"]))
                .await
                .unwrap();
            vote(&mut world, CYD, room, question, &[1]).await.unwrap();
        }
        let (message, ..) = poll(&world, BOB, "First?");
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
        let (message, ..) = poll(&world, ADA, "Second?");
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
        assert_story(&mut world, room, &["bob deleted", "ada deleted"]).await;
        for browser in &world.browsers {
            for (key, bytes) in &browser.disk.borrow().records {
                let kept = String::from_utf8_lossy(bytes);
                let has = ["First?", "Second?", "choices"]
                    .iter()
                    .any(|words| kept.contains(words));
                assert!(!has, "{}: {key:?}", browser.name);
            }
        }
        assert_eq!(
            world
                .run(
                    CYD,
                    Command::Vote {
                        chat: room.into(),
                        message,
                        choices: vec![0]
                    }
                )
                .await,
            Err(Problem::NoSuchMessage)
        );
    });
}

#[test]
fn a_poll_has_its_time_where_messages_do_not_stay() {
    block_on(async {
        let (mut world, room) = tea("fading").await;
        world.run(ADA, Command::SetTtl { room, seconds: 60 }).await.unwrap();
        world.settle().await;
        ask(&mut world, BOB, room, asked("Quick?", &["yes", "no"]))
            .await
            .unwrap();
        world.advance(40_000);
        world.settle().await;
        vote(&mut world, CYD, room, "Quick?", &[0]).await.unwrap();
        assert_eq!(now(&world, ADA), ["bob: Quick? yes:1 no:0 (1)"]);
        world.advance(21_000);
        world.settle().await;
        assert_story(&mut world, room, &[]).await;
    });
}

/// Pages are read from the newest backwards: votes are here before their poll, and before what ended it.
#[test]
fn many_votes_count_the_same_from_whichever_end_they_are_read() {
    block_on(async {
        let (mut world, room) = tea("many").await;
        ask(&mut world, ADA, room, asked("Which?", &["a", "b"])).await.unwrap();
        let target = newest(&mut world, room);
        for at in 0..130u16 {
            eve_says(
                &mut world,
                room,
                &format!("{at}"),
                MessageBody::Vote {
                    target,
                    choices: 1 + at % 2,
                },
            )
            .await;
            if at == 64 {
                end(&mut world, ADA, room, "Which?").await.unwrap();
            }
        }
        world.read(BOB, room).await;
        assert_story(&mut world, room, &["ada: Which? a:1 b:0 (1), ended by ada"]).await;
    });
}
