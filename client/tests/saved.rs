//! Messages put aside for later: one list of an account, the same in all its browsers, that keeps no words.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_lite::future::block_on;
use sotto_client::testing::{World, password};
use sotto_client::view::{Body, Chat, Command, Outcome, Problem, Quote, SavedMessage};
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{EnvelopeHash, MessageId, RoomId};

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;

async fn people(seed: &str) -> (TestWorld, RoomId) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob"] {
        world.newcomer(handle).await;
    }
    let room = world.group(ADA, "Garden", &["bob"]).await;
    world.say(ADA, room, "one").await;
    world.say(BOB, room, "two").await;
    show(&mut world, ADA, room).await;
    (world, room)
}

async fn show(world: &mut TestWorld, browser: usize, room: RoomId) {
    let chat = Chat::from(room);
    for command in [Command::ShowRoom { chat }, Command::MarkRead { chat }] {
        assert_eq!(world.run(browser, command).await, Ok(Outcome::Done));
    }
}

fn id_of(world: &TestWorld, browser: usize, words: &str) -> MessageId {
    let rows = world.browsers[browser].rows().into_iter();
    let mut found = rows.filter_map(|row| match row {
        Body::Text { text, message, .. } if text == words => Some(message),
        _ => None,
    });
    found.next_back().unwrap_or_else(|| panic!("{words} is not on screen"))
}

async fn save(world: &mut TestWorld, browser: usize, room: RoomId, words: &str) -> Result<Outcome, Problem> {
    let message = id_of(world, browser, words);
    let chat = room.into();
    let done = world.run(browser, Command::SaveForLater { chat, message }).await;
    world.settle().await;
    done
}

async fn list(world: &mut TestWorld, browser: usize) -> Vec<SavedMessage> {
    match world.run(browser, Command::ListSaved).await {
        Ok(Outcome::Saved(all)) => all,
        other => panic!("{other:?}"),
    }
}

fn said(saved: &SavedMessage) -> String {
    match &saved.quote {
        Quote::Text { text, .. } => text.clone(),
        Quote::Gone => "gone".into(),
        Quote::Earlier(_) => "earlier".into(),
        Quote::Nowhere => "nowhere".into(),
    }
}

/// As a page shows them: what is not in memory is looked for.
async fn texts(world: &mut TestWorld, browser: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for saved in list(world, browser).await {
        let SavedMessage {
            chat, target, saved_ms, ..
        } = saved;
        texts.push(match &saved.quote {
            Quote::Earlier(_) => match world.run(browser, Command::ReadSaved { chat, target, saved_ms }).await {
                Ok(Outcome::Saved(found)) => said(&found[0]),
                other => panic!("{other:?}"),
            },
            _ => said(&saved),
        });
    }
    texts
}

#[test]
fn what_is_put_aside_is_found_in_every_browser_of_the_account_and_in_no_other() {
    block_on(async {
        let (mut world, room) = people("saved").await;
        save(&mut world, ADA, room, "one").await.unwrap();
        save(&mut world, ADA, room, "two").await.unwrap();
        // Again: it moves to the front, and stands there once.
        save(&mut world, ADA, room, "one").await.unwrap();
        assert_eq!(texts(&mut world, ADA).await, ["one", "two"]);
        assert_eq!(texts(&mut world, BOB).await, Vec::<String>::new());
        let second = world.sign_in("ada").await;
        world.settle().await;
        assert_eq!(texts(&mut world, second).await, ["one", "two"]);
        world.reload(ADA);
        world.settle().await;
        assert_eq!(texts(&mut world, ADA).await, ["one", "two"]);

        // Taken out in one browser, gone in the other.
        let target = list(&mut world, second).await[1].target;
        let forget = Command::ForgetSaved {
            chat: room.into(),
            target,
        };
        assert_eq!(world.run(second, forget.clone()).await, Ok(Outcome::Done));
        world.settle().await;
        assert_eq!(texts(&mut world, ADA).await, ["one"]);
        assert_eq!(world.run(second, forget).await, Ok(Outcome::Done), "twice does no harm");
    });
}

#[test]
fn the_list_keeps_no_words_of_what_was_deleted() {
    block_on(async {
        let (mut world, room) = people("deleted").await;
        save(&mut world, ADA, room, "two").await.unwrap();
        show(&mut world, BOB, room).await;
        let message = id_of(&world, BOB, "two");
        let chat = room.into();
        world.run(BOB, Command::Delete { chat, message }).await.unwrap();
        world.settle().await;
        assert_eq!(texts(&mut world, ADA).await, ["gone"]);
        let nothing = world.run(ADA, Command::SaveForLater { chat, message }).await;
        assert_eq!(nothing, Err(Problem::NoSuchMessage));
    });
}

#[test]
fn what_is_not_loaded_is_looked_for() {
    block_on(async {
        let (mut world, room) = people("far").await;
        save(&mut world, ADA, room, "one").await.unwrap();
        for number in 0..150 {
            world.write(BOB, room, &format!("{number}"));
            if number % 30 == 0 {
                world.advance(60_000);
                world.settle().await;
            }
        }
        world.settle().await;
        show(&mut world, ADA, room).await;
        world.run(ADA, Command::Looking { visible: false }).await.unwrap();
        let new = world.sign_in("ada").await;
        world.settle().await;
        let all = list(&mut world, new).await;
        assert_eq!(said(&all[0]), "earlier");
        let [
            SavedMessage {
                chat, target, saved_ms, ..
            },
        ] = all[..]
        else {
            panic!("{all:?}")
        };
        let read = Command::ReadSaved { chat, target, saved_ms };
        let Ok(Outcome::Saved(found)) = world.run(new, read).await else {
            panic!("not found")
        };
        assert_eq!(found.iter().map(said).collect::<Vec<_>>(), ["one"]);
        // Of a conversation that is not there nothing is looked for.
        let read = Command::ReadSaved {
            chat: RoomId::from_bytes([7; 32]).into(),
            target: EnvelopeHash::from_bytes([7; 32]),
            saved_ms: 1,
        };
        let Ok(Outcome::Saved(found)) = world.run(new, read).await else {
            panic!("no answer")
        };
        assert_eq!(found.iter().map(said).collect::<Vec<_>>(), ["nowhere"]);
    });
}

/// In a new browser the list is there before the conversation, and that before its keys: whenever one looks, it is found.
#[test]
fn what_is_looked_for_while_a_new_browser_catches_up_is_found_in_the_end() {
    block_on(async {
        for seed in 0..6 {
            let (mut world, room) = people(&format!("early {seed}")).await;
            save(&mut world, ADA, room, "one").await.unwrap();
            for number in 0..40 {
                world.say(BOB, room, &format!("{number}")).await;
            }
            let all = list(&mut world, ADA).await;
            let SavedMessage {
                chat, target, saved_ms, ..
            } = all[0];
            let new = world.browser("ada's other browser");
            world.browsers[new].command(Command::SignIn {
                handle: "ada".into(),
                password: password("ada"),
                stay: true,
            });
            let mut asked = Vec::new();
            while world.step().await {
                if asked.len() < 300 && world.browsers[new].room(room).is_some() {
                    asked.push(world.browsers[new].command(Command::ReadSaved { chat, target, saved_ms }));
                }
            }
            world.settle().await;
            assert!(!asked.is_empty());
            // Whoever asks again ends what was asked before, so that nothing piles up where a key never comes.
            for id in &asked {
                assert!(matches!(
                    world.browsers[new].answers.get(id),
                    Some(Ok(Outcome::Saved(_)))
                ));
            }
            match asked.last().and_then(|last| world.browsers[new].answers.get(last)) {
                Some(Ok(Outcome::Saved(found))) => assert_eq!(said(&found[0]), "one", "seed {seed}"),
                other => panic!("{other:?}"),
            }
        }
    });
}
