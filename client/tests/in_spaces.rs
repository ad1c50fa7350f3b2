//! What people do in the channels of a space as they do in a group: threads, polls, and saying that they are here.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod aside;

use std::collections::BTreeSet;

use aside::{ADA, BOB, Heard, TestWorld};
use futures_lite::future::block_on;
use sotto_client::testing::World;
use sotto_client::view::{
    Body, ChannelKind, Chat, Command, NewChannel, NewHeading, NewPoll, NewRole, Outcome, Poll, Presence, Problem,
    Rights,
};
use sotto_shared::codec::Codec;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::header::Header;
use sotto_shared::id::{ChannelId, EnvelopeHash, MessageId, RoomId, UserId};

const CYD: usize = 2;
const KEEPER: u8 = 16;

/// Ada's space with Bob and Cyd: two public channels and one of hers alone, and a role that may take messages away.
async fn club(seed: &str) -> (TestWorld, RoomId) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob", "cyd"] {
        world.newcomer(handle).await;
    }
    let channel = |name: &str, kind| NewChannel {
        name: name.into(),
        topic: String::new(),
        kind,
    };
    let command = Command::CreateSpace {
        name: "Club".into(),
        roles: vec![NewRole {
            name: "Keeper".into(),
            rank: 20,
            rights: Rights {
                post: true,
                redact: true,
                ..Rights::default()
            },
        }],
        headings: vec![NewHeading {
            name: String::new(),
            channels: vec![
                channel("general", ChannelKind::Public),
                channel("garden", ChannelKind::Public),
                channel("den", ChannelKind::Private),
            ],
        }],
    };
    let Ok(Outcome::Space(id)) = world.run(ADA, command).await else {
        panic!("no space");
    };
    let handles = vec!["bob".into(), "cyd".into()];
    let added = world.run(ADA, Command::AddPeople { room: id, handles }).await;
    assert_eq!(added, Ok(Outcome::Done));
    world.settle().await;
    (world, id)
}

fn chat(world: &TestWorld, browser: usize, id: RoomId, name: &str) -> Chat {
    let headings = world.browsers[browser].space(id).unwrap().headings;
    let mut channels = headings.into_iter().flat_map(|heading| heading.channels);
    let channel = channels.find(|channel| {
        let chat = Chat {
            room: id,
            channel: *channel,
        };
        world.browsers[browser]
            .chat(chat)
            .is_some_and(|room| room.title == name)
    });
    Chat {
        room: id,
        channel: channel.unwrap(),
    }
}

fn user(world: &mut TestWorld, handle: &str) -> UserId {
    *world.relay().people.find(handle).unwrap().0
}

async fn done(world: &mut TestWorld, browser: usize, command: Command) {
    assert_eq!(world.run(browser, command).await, Ok(Outcome::Done));
    world.settle().await;
}

/// Id and place of the text on screen, or in the thread beside it.
fn named(world: &TestWorld, browser: usize, words: &str) -> (MessageId, EnvelopeHash) {
    let it = &world.browsers[browser];
    let mut rows = it.whole_rows().into_iter().chain(it.answers());
    let found = rows.find_map(|row| match row.body {
        Body::Text { message, text, .. } if text == words => Some((message, row.hash.unwrap())),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{words} is not on screen"))
}

async fn answer(world: &mut TestWorld, browser: usize, chat: Chat, to: &str, text: &str) {
    let thread = Some(named(world, browser, to).0);
    let command = Command::Send {
        chat,
        text: text.to_owned(),
        reply: None,
        thread,
    };
    done(world, browser, command).await;
}

fn answers(world: &TestWorld, browser: usize) -> Vec<String> {
    let rows = world.browsers[browser].answers().into_iter();
    rows.filter_map(|row| match row.body {
        Body::Text { text, .. } => Some(text),
        _ => None,
    })
    .collect()
}

/// How many threads there have something new for this person.
fn threads(world: &TestWorld, browser: usize, chat: Chat) -> u32 {
    world.browsers[browser].chat(chat).unwrap().threads
}

#[test]
fn a_thread_stands_in_its_channel_and_calls_whom_it_concerns() {
    block_on(async {
        let (mut world, id) = club("threads").await;
        let (general, garden) = (chat(&world, ADA, id, "general"), chat(&world, ADA, id, "garden"));
        for browser in [ADA, BOB, CYD] {
            done(&mut world, browser, Command::ShowRoom { chat: general }).await;
        }
        done(&mut world, ADA, Command::say(general, "which lamp?")).await;
        let (_, root) = named(&world, ADA, "which lamp?");
        // Ada is elsewhere.
        done(&mut world, ADA, Command::ShowRoom { chat: garden }).await;
        done(&mut world, ADA, Command::HideRoom).await;
        answer(&mut world, BOB, general, "which lamp?", "the red one").await;
        let listed = world.browsers[ADA].chat(general).unwrap();
        assert_eq!(
            (listed.unread, listed.threads, listed.newest_thread),
            (0, 1, Some(root))
        );
        assert_eq!(threads(&world, ADA, garden), 0);
        assert_eq!(threads(&world, BOB, general), 0, "he wrote it himself");
        assert_eq!(threads(&world, CYD, general), 0, "she has no part in it");

        // It is kept, and goes when it was read there.
        world.reload(ADA);
        world.settle().await;
        assert_eq!(threads(&world, ADA, general), 1);
        done(&mut world, ADA, Command::ShowRoom { chat: general }).await;
        let shown = world.run(ADA, Command::ShowThread { chat: general, root }).await;
        assert_eq!(shown, Ok(Outcome::Thread { draft: String::new() }));
        assert_eq!(answers(&world, ADA), ["which lamp?", "the red one"]);
        done(&mut world, ADA, Command::ReadThread { chat: general, root }).await;
        assert_eq!(threads(&world, ADA, general), 0);

        // Who was called in it has a part in it from then on, as has who answered.
        answer(&mut world, ADA, general, "which lamp?", "@cyd what do you think?").await;
        let listed = world.browsers[CYD].chat(general).unwrap();
        assert_eq!((listed.threads, listed.mentions), (1, 1));
        assert_eq!(threads(&world, BOB, general), 1);
        let other = world.sign_in("bob").await;
        world.settle().await;
        assert_eq!(
            threads(&world, other, general),
            0,
            "what was there before is no news in a new browser"
        );
        done(&mut world, other, Command::ShowRoom { chat: general }).await;
        answer(&mut world, other, general, "which lamp?", "so be it").await;
        assert_eq!(
            threads(&world, BOB, general),
            0,
            "who answers has read what stands there"
        );
    });
}

#[test]
fn an_answer_in_a_thread_answers_another_there() {
    block_on(async {
        let (mut world, id) = club("answers").await;
        let general = chat(&world, ADA, id, "general");
        for browser in [ADA, BOB] {
            done(&mut world, browser, Command::ShowRoom { chat: general }).await;
        }
        done(&mut world, ADA, Command::say(general, "which lamp?")).await;
        let (message, root) = named(&world, BOB, "which lamp?");
        world
            .run(BOB, Command::ShowThread { chat: general, root })
            .await
            .unwrap();
        answer(&mut world, BOB, general, "which lamp?", "the red one").await;
        let (reply, _) = named(&world, BOB, "the red one");
        let command = Command::Send {
            chat: general,
            text: "or not".into(),
            reply: Some(reply),
            thread: Some(message),
        };
        done(&mut world, BOB, command).await;
        assert_eq!(answers(&world, BOB), ["which lamp?", "the red one", "or not"]);
        let rows = world.browsers[BOB].answers();
        let Some(Body::Text { ties, .. }) = rows.last().map(|row| row.body.clone()) else {
            panic!("no text");
        };
        assert!(
            matches!(ties.reply, Some(sotto_client::view::Quote::Text { text, .. }) if text == "the red one"),
            "it quotes what it answers"
        );
    });
}

fn poll(world: &TestWorld, browser: usize, question: &str) -> (MessageId, Poll) {
    let mut rows = world.browsers[browser].rows().into_iter();
    let found = rows.find_map(|row| match row {
        Body::Poll { message, poll, .. } if poll.question == question => Some((message, poll)),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{question} is not on screen"))
}

/// A role of the space gives the right to end somebody else's poll, for as long as somebody has it.
#[test]
fn a_role_of_the_space_ends_polls() {
    block_on(async {
        let (mut world, id) = club("polls").await;
        let general = chat(&world, ADA, id, "general");
        for browser in [ADA, BOB, CYD] {
            done(&mut world, browser, Command::ShowRoom { chat: general }).await;
        }
        let bob = user(&mut world, "bob");
        for question in ["one?", "two?"] {
            let poll = NewPoll {
                question: question.into(),
                options: vec!["a".into(), "b".into()],
                several: false,
                ends_ms: 0,
            };
            done(&mut world, ADA, Command::MakePoll { chat: general, poll }).await;
        }
        let end = |message| Command::EndPoll { chat: general, message };
        let (one, _) = poll(&world, BOB, "one?");
        let (two, _) = poll(&world, BOB, "two?");
        assert_eq!(world.run(BOB, end(one)).await, Err(Problem::NotAllowed));
        let give = |role| Command::SetRole {
            room: id,
            user: bob,
            role,
        };
        done(&mut world, ADA, give(KEEPER)).await;
        done(&mut world, BOB, end(one)).await;
        done(&mut world, ADA, give(1)).await;
        assert_eq!(world.run(BOB, end(two)).await, Err(Problem::NotAllowed));
        assert_eq!(world.run(CYD, end(two)).await, Err(Problem::NotAllowed));
        for browser in [ADA, BOB, CYD] {
            world.reload(browser);
            world.settle().await;
            done(&mut world, browser, Command::ShowRoom { chat: general }).await;
            assert_eq!(
                poll(&world, browser, "one?").1.ended,
                Some(bob),
                "it was his to end then"
            );
            assert_eq!(poll(&world, browser, "two?").1.ended, None);
        }
    });
}

#[test]
fn that_somebody_is_here_is_said_once_in_a_space_where_all_can_read_it() {
    block_on(async {
        let (mut world, id) = club("here").await;
        let (ada, bob) = (user(&mut world, "ada"), user(&mut world, "bob"));
        let heard = Heard::default();
        world.tamper = Box::new(heard.clone());
        done(&mut world, BOB, Command::BeHere { here: true }).await;
        assert_eq!(world.browsers[ADA].store.presence(bob), Some(Presence::Here));
        assert_eq!(world.browsers[CYD].store.presence(bob), Some(Presence::Here));
        let said = heard.take();
        assert_eq!(said.len(), 1, "not in each channel");
        done(&mut world, ADA, Command::BeHere { here: true }).await;
        assert_eq!(world.browsers[BOB].store.presence(ada), Some(Presence::Here));
        // She can read one that they cannot; there she would say it to nobody.
        let channels: BTreeSet<ChannelId> = (said.into_iter().chain(heard.take()))
            .map(|(_, said)| Header::from_bytes(&said.header.0).unwrap().channel)
            .collect();
        assert_eq!(channels.len(), 1);
        assert!(!channels.contains(&chat(&world, ADA, id, "den").channel));
    });
}
