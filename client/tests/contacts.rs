//! Contacts: who wrote first, what stays a request, and what is not shown of whom. In every browser of an account.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::RefCell;
use std::rc::Rc;

use futures_lite::future::block_on;
use sotto_client::engine::{Failure, Reply, Request};
use sotto_client::testing::tamper::Honest;
use sotto_client::testing::{ModelRelay, Peer, Tamper, World};
use sotto_client::view::{Body, Command, Contact, ContactAct, Outcome, Presence, Problem, Room};
use sotto_shared::api::frame::{FromRelay, ToRelay};
use sotto_shared::codec::Codec;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::header::{Header, MessageKind};
use sotto_shared::id::{RoomId, UserId};

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;

/// Ada has written to Bob, who has not answered.
async fn stage(seed: &str) -> (TestWorld, RoomId) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob"] {
        world.newcomer(handle).await;
    }
    let room = world.direct(ADA, "bob").await;
    world.say(ADA, room, "hello").await;
    (world, room)
}

fn id(world: &mut TestWorld, handle: &str) -> UserId {
    *world.relay().people.find(handle).unwrap().0
}

fn contact(world: &TestWorld, browser: usize, user: UserId) -> Contact {
    world.browsers[browser].person(user).unwrap().contact
}

async fn decide(world: &mut TestWorld, browser: usize, user: UserId, act: ContactAct) {
    let command = Command::SetContact { user, act };
    assert_eq!(world.run(browser, command).await, Ok(Outcome::Done));
    world.settle().await;
}

fn room(world: &TestWorld, browser: usize, id: RoomId) -> Room {
    world.browsers[browser].room(id).unwrap()
}

#[test]
fn who_writes_first_asks_and_an_answer_accepts() {
    for seed in 0..4 {
        block_on(async {
            let (mut world, chat) = stage(&format!("first {seed}")).await;
            let (ada, bob) = (id(&mut world, "ada"), id(&mut world, "bob"));
            assert_eq!(contact(&world, ADA, bob), Contact::Asked);
            assert!(!room(&world, ADA, chat).request);
            assert!(room(&world, BOB, chat).request);
            assert_eq!(room(&world, BOB, chat).unread, 0, "it calls for nothing");
            // In another browser of the account it is a request as well.
            let elsewhere = world.sign_in("bob").await;
            assert!(room(&world, elsewhere, chat).request);
            world.say(BOB, chat, "hello yourself").await;
            world.settle().await;
            assert_eq!(contact(&world, BOB, ada), Contact::Accepted);
            assert_eq!(contact(&world, ADA, bob), Contact::Accepted, "who answers has accepted");
            assert!(!room(&world, BOB, chat).request);
            let third = world.sign_in("bob").await;
            assert!(!room(&world, third, chat).request);
            assert_eq!(contact(&world, third, ada), Contact::Accepted);
        });
    }
}

#[test]
fn of_a_request_nothing_is_told_until_it_is_accepted() {
    block_on(async {
        let (mut world, chat) = stage("silent").await;
        let (ada, bob) = (id(&mut world, "ada"), id(&mut world, "bob"));
        world.run(BOB, Command::Looking { visible: true }).await.unwrap();
        assert_eq!(world.read(BOB, chat).await.len(), 1);
        world.run(BOB, Command::MarkRead { chat: chat.into() }).await.unwrap();
        for _ in 0..4 {
            world.advance(61_000);
            world.settle().await;
        }
        assert_eq!(world.browsers[ADA].read_up_to(chat, bob), 0, "no receipt");
        let slots = world.relay().rooms[&chat].slots.len();
        assert_eq!(slots, 0, "nothing at all lies there");
        decide(&mut world, BOB, ada, ContactAct::Accept).await;
        world.advance(61_000);
        world.settle().await;
        assert_eq!(world.browsers[ADA].read_up_to(chat, bob), 1);
    });
}

/// Writes down what a browser says in passing.
#[derive(Clone, Default)]
struct Passing(Rc<RefCell<Vec<(usize, RoomId)>>>);

impl Tamper for Passing {
    fn heard(&mut self, _: &mut ModelRelay, from: Peer, frame: ToRelay) -> Vec<ToRelay> {
        if let ToRelay::Send { messages } = &frame {
            let headers = messages.iter().map(|said| Header::from_bytes(&said.header.0).unwrap());
            let passing = headers.filter(|header| header.kind == MessageKind::Ephemeral);
            self.0
                .borrow_mut()
                .extend(passing.map(|header| (from.browser, header.room_id)));
        }
        vec![frame]
    }
}

/// What the relay is handed is of one size and sealed, but that something was said is news as well.
#[test]
fn in_a_request_nothing_is_said_in_passing_until_it_is_accepted() {
    block_on(async {
        let (mut world, chat) = stage("passing").await;
        let (ada, bob) = (id(&mut world, "ada"), id(&mut world, "bob"));
        let passing = Passing::default();
        world.tamper = Box::new(passing.clone());
        for browser in [ADA, BOB] {
            let on = Command::TellReached { on: true };
            assert_eq!(world.run(browser, on).await, Ok(Outcome::Done));
        }
        world.read(ADA, chat).await;
        world.run(BOB, Command::Looking { visible: true }).await.unwrap();
        assert_eq!(world.read(BOB, chat).await.len(), 1);
        let reached = |world: &TestWorld| {
            let members = world.browsers[ADA].store.members(chat).unwrap();
            members.iter().find(|member| member.user == bob).unwrap().reached
        };
        for text in ["are you there", "hello?"] {
            world.say(ADA, chat, text).await;
            // Bob is at his screen, looks at it, and begins to write.
            for command in [
                Command::BeHere { here: true },
                Command::MarkRead { chat: chat.into() },
                Command::Typing { chat: chat.into() },
            ] {
                assert_eq!(world.run(BOB, command).await, Ok(Outcome::Done));
            }
            world.settle().await;
            assert_eq!(world.browsers[ADA].store.typing(chat.into()), []);
            world.advance(61_000);
            world.settle().await;
        }
        world.run(BOB, Command::Leaving).await.unwrap();
        let by_bob = |passing: &Passing| passing.0.take().iter().filter(|(from, _)| *from == BOB).count();
        assert_eq!(by_bob(&passing), 0, "nothing went out");
        assert_eq!(reached(&world), 0);
        assert_eq!(world.browsers[ADA].store.presence(bob), None);
        assert_eq!(world.browsers[ADA].store.last_seen(bob), None);

        // The same once he has accepted.
        decide(&mut world, BOB, ada, ContactAct::Accept).await;
        world.advance(61_000);
        for command in [Command::BeHere { here: true }, Command::Typing { chat: chat.into() }] {
            assert_eq!(world.run(BOB, command).await, Ok(Outcome::Done));
        }
        world.settle().await;
        assert_eq!(world.browsers[ADA].store.typing(chat.into()), [bob]);
        assert_eq!(world.browsers[ADA].store.presence(bob), Some(Presence::Here));
        world.advance(6_000);
        world.settle().await;
        assert_eq!(reached(&world), 3);
        assert!(by_bob(&passing) > 0);
    });
}

/// Writes down what a browser lets others know of in a room by itself: slots, words in passing, requests for keys, wraps.
#[derive(Clone, Default)]
struct Telling(Rc<RefCell<Vec<(usize, RoomId, String)>>>);

impl Telling {
    /// What somebody's browsers have told since this was last asked.
    fn take(&self, browsers: &[usize], room: RoomId) -> Vec<String> {
        let told = self.0.take().into_iter();
        let told = told.filter(|(from, there, _)| browsers.contains(from) && *there == room);
        told.map(|(_, _, what)| what).collect()
    }
}

impl Tamper for Telling {
    fn request(&mut self, _: &mut ModelRelay, from: Peer, request: &mut Request) -> Option<Result<Reply, Failure>> {
        let told = match request {
            Request::WrapsPut(ask) => Some((ask.room_id, "wraps")),
            Request::WrapsDrop(ask) => Some((ask.room_id, "drops wraps")),
            Request::RoomAppend(ask) => Some((ask.room_id, "entries")),
            _ => None,
        };
        let told = told.map(|(room, what)| (from.browser, room, what.to_owned()));
        self.0.borrow_mut().extend(told);
        None
    }

    fn heard(&mut self, _: &mut ModelRelay, from: Peer, frame: ToRelay) -> Vec<ToRelay> {
        let told: Vec<(RoomId, String)> = match &frame {
            ToRelay::Send { messages } => {
                let headers = messages.iter().map(|said| Header::from_bytes(&said.header.0).unwrap());
                headers
                    .map(|header| (header.room_id, format!("{:?}", header.kind)))
                    .collect()
            }
            ToRelay::KeyRequest { room_id, .. } => vec![(*room_id, "asks for a key".to_owned())],
            _ => Vec::new(),
        };
        let told = told.into_iter().map(|(room, what)| (from.browser, room, what));
        self.0.borrow_mut().extend(told);
        vec![frame]
    }
}

/// Bob is at his screen, has the conversation before him, reads what is new, is called something else, and begins to write.
async fn bob_is_there(world: &mut TestWorld, chat: RoomId, name: &str) {
    for command in [
        Command::TellReached { on: true },
        Command::Looking { visible: true },
        Command::BeHere { here: true },
        Command::ShowRoom { chat: chat.into() },
        Command::MarkRead { chat: chat.into() },
        Command::Typing { chat: chat.into() },
        Command::SetProfile {
            name: name.to_owned(),
            status: String::new(),
        },
    ] {
        assert_eq!(world.run(BOB, command).await, Ok(Outcome::Done));
    }
    for _ in 0..3 {
        world.advance(61_000);
        world.settle().await;
    }
}

/// A browser of Ada's to which the relay gives no wrap: it asks Bob. Whether it came to read what was said.
async fn ada_asks_for_the_key(world: &mut TestWorld, chat: RoomId) -> bool {
    let ada = id(world, "ada");
    let wraps = &mut world.relay().rooms.get_mut(&chat).unwrap().wraps;
    wraps.retain(|wrap| wrap.user_id != ada);
    world.go_offline(ADA);
    let other = world.sign_in("ada").await;
    for _ in 0..3 {
        world.advance(31_000);
        world.settle().await;
    }
    let texts = world.texts(other, chat).await;
    world.close(other);
    world.go_online(ADA);
    world.settle().await;
    texts.contains(&"hello".to_owned())
}

#[test]
fn who_was_declined_or_is_blocked_learns_nothing_whatever_they_do() {
    let cases = [
        (false, ContactAct::Decline),
        (false, ContactAct::Block),
        (true, ContactAct::Decline),
        (true, ContactAct::Block),
    ];
    for (was_accepted, act) in cases {
        block_on(async {
            let case = format!("learns nothing {was_accepted} {act:?}");
            let (mut world, chat) = stage(&case).await;
            let (ada, bob) = (id(&mut world, "ada"), id(&mut world, "bob"));
            // What both of them are in besides goes on.
            let tea = world.group(BOB, "Tea", &["ada"]).await;
            let telling = Telling::default();
            world.tamper = Box::new(telling.clone());
            if was_accepted {
                decide(&mut world, BOB, ada, ContactAct::Accept).await;
                bob_is_there(&mut world, chat, "Robert").await;
                let told = telling.take(&[BOB], chat);
                for what in ["Slot", "Ephemeral"] {
                    assert!(told.iter().any(|one| one == what), "{case}: {told:?}");
                }
                assert!(ada_asks_for_the_key(&mut world, chat).await, "{case}");
            }
            decide(&mut world, BOB, ada, act).await;
            let read = world.browsers[ADA].read_up_to(chat, bob);
            let slots = world.relay().rooms[&chat].slots.len();
            telling.take(&[], chat);
            for text in ["are you there", "hello?"] {
                world.say(ADA, chat, text).await;
                bob_is_there(&mut world, chat, text).await;
                assert!(!ada_asks_for_the_key(&mut world, chat).await, "{case}");
                world.drop_socket(BOB);
                bob_is_there(&mut world, chat, &format!("{text}!")).await;
                world.reload(BOB);
                world.settle().await;
            }
            bob_is_there(&mut world, chat, "Bert").await;
            let elsewhere = world.sign_in("bob").await;
            world.run(elsewhere, Command::Looking { visible: true }).await.unwrap();
            world.read(elsewhere, chat).await;
            world.advance(61_000);
            world.settle().await;
            world.run(BOB, Command::Leaving).await.unwrap();
            assert_eq!(telling.take(&[BOB, elsewhere], chat), [""; 0], "{case}");
            assert_eq!(world.browsers[ADA].read_up_to(chat, bob), read, "{case}");
            assert_eq!(world.relay().rooms[&chat].slots.len(), slots, "{case}");
            assert_eq!(world.browsers[ADA].typing(chat), [], "{case}");

            // In the group he is there as for everybody, and in the direct message once she is accepted.
            world.say(ADA, tea, "tea is ready").await;
            bob_is_there(&mut world, tea, "Bertram").await;
            assert_eq!(world.browsers[ADA].read_up_to(tea, bob), 1, "{case}");
            decide(&mut world, BOB, ada, ContactAct::Accept).await;
            bob_is_there(&mut world, chat, "Bob").await;
            assert_eq!(world.browsers[ADA].read_up_to(chat, bob), 3, "{case}");
            assert!(ada_asks_for_the_key(&mut world, chat).await, "{case}");
        });
    }
}

#[test]
fn a_key_that_a_request_lacks_is_asked_for_when_it_is_accepted() {
    for declines in [false, true] {
        block_on(async {
            let (mut world, chat) = stage(&format!("lacks a key {declines}")).await;
            let (ada, bob) = (id(&mut world, "ada"), id(&mut world, "bob"));
            // The relay has lost the wrap before Bob's only other browser had it.
            world.close(BOB);
            let wraps = &mut world.relay().rooms.get_mut(&chat).unwrap().wraps;
            wraps.retain(|wrap| wrap.user_id != bob);
            let telling = Telling::default();
            world.tamper = Box::new(telling.clone());
            let other = world.sign_in("bob").await;
            if declines {
                decide(&mut world, other, ada, ContactAct::Decline).await;
            }
            world.run(other, Command::Looking { visible: true }).await.unwrap();
            assert_eq!(world.read(other, chat).await, []);
            for _ in 0..8 {
                world.advance(31_000);
                world.settle().await;
            }
            assert_eq!(telling.take(&[other], chat), [""; 0], "nobody is asked");
            decide(&mut world, other, ada, ContactAct::Accept).await;
            assert_eq!(world.texts(other, chat).await, ["hello"]);
            assert!(!room(&world, other, chat).request);
        });
    }
}

#[test]
fn what_was_declined_or_blocked_is_not_there_and_comes_back() {
    for act in [ContactAct::Decline, ContactAct::Block] {
        block_on(async {
            let (mut world, chat) = stage(&format!("{act:?}")).await;
            let ada = id(&mut world, "ada");
            decide(&mut world, BOB, ada, act).await;
            assert!(world.browsers[BOB].room(chat).is_none());
            world.say(ADA, chat, "are you there").await;
            world.settle().await;
            assert!(world.browsers[BOB].room(chat).is_none(), "whatever comes");
            world.reload(BOB);
            world.settle().await;
            assert!(world.browsers[BOB].room(chat).is_none(), "after a reload");
            let elsewhere = world.sign_in("bob").await;
            assert!(world.browsers[elsewhere].room(chat).is_none(), "in another browser");
            let open = Command::OpenDirect { handle: "ada".into() };
            let opened = world.run(BOB, open).await;
            if act == ContactAct::Block {
                assert_eq!(opened, Err(Problem::BlockedByYou("ada".into())));
                decide(&mut world, BOB, ada, ContactAct::Forget).await;
                assert!(room(&world, BOB, chat).request);
            } else {
                // Whoever writes to them after all talks with them.
                assert_eq!(opened, Ok(Outcome::Room(chat)));
                assert_eq!(contact(&world, BOB, ada), Contact::Accepted);
            }
            assert_eq!(world.texts(BOB, chat).await, ["hello", "are you there"]);
        });
    }
}

/// What is unread of a conversation, what of it calls, what is told of it.
fn calls(world: &TestWorld, browser: usize, id: RoomId) -> (u32, u32, u32, Option<String>) {
    let room = room(world, browser, id);
    let told = room.alert.map(|alert| alert.text);
    (room.unread, room.mentions, room.threads, told)
}

#[test]
fn what_somebody_who_is_blocked_says_among_others_calls_for_nothing() {
    block_on(async {
        let mut world = World::new(RustCrypto, "among others");
        for handle in ["ada", "bob", "cyd"] {
            world.newcomer(handle).await;
        }
        let (cyd, ada) = (2, id(&mut world, "ada"));
        let tea = world.group(cyd, "Tea", &["ada", "bob"]).await;
        world.say(BOB, tea, "who waters?").await;
        let read = Command::MarkRead { chat: tea.into() };
        assert_eq!(world.run(BOB, read.clone()).await, Ok(Outcome::Done));
        decide(&mut world, BOB, ada, ContactAct::Block).await;
        world.read(ADA, tea).await;
        let asked = world.browsers[ADA]
            .whole_rows()
            .into_iter()
            .find_map(|row| match row.body {
                Body::Text { text, message, .. } if text == "who waters?" => Some(message),
                _ => None,
            });
        let answer = Command::Send {
            chat: tea.into(),
            text: "not me".into(),
            reply: None,
            thread: asked,
        };

        // That something came is counted, also so that it is read as ever; nothing calls.
        world.say(ADA, tea, "@bob, look").await;
        assert_eq!(world.run(ADA, answer.clone()).await, Ok(Outcome::Done));
        world.settle().await;
        assert_eq!(calls(&world, BOB, tea), (1, 0, 0, None));
        world.reload(BOB);
        world.settle().await;
        assert_eq!(calls(&world, BOB, tea), (1, 0, 0, None), "after a reload");
        // What others say calls as ever, also beneath very much of somebody blocked.
        world.say(cyd, tea, "@bob, come").await;
        for text in 0..210 {
            world.say(ADA, tea, &format!("@bob {text}")).await;
        }
        let (unread, mentions, threads, told) = calls(&world, BOB, tea);
        assert_eq!(
            (unread, mentions, threads, told.as_deref()),
            (212, 1, 0, Some("@bob, come"))
        );

        // Whoever is blocked sees it read as before.
        let bob = id(&mut world, "bob");
        world.read(BOB, tea).await;
        bob_is_there(&mut world, tea, "Bob").await;
        assert_eq!(world.run(BOB, read).await, Ok(Outcome::Done));
        world.advance(61_000);
        world.settle().await;
        let newest = room(&world, BOB, tea).read;
        assert_eq!(world.browsers[ADA].read_up_to(tea, bob), newest);
        // In a thread that has begun here answers of others are news, and theirs are not.
        assert_eq!(world.run(ADA, answer.clone()).await, Ok(Outcome::Done));
        world.settle().await;
        assert_eq!(calls(&world, BOB, tea).2, 0);
        world.read(cyd, tea).await;
        assert_eq!(world.run(cyd, answer.clone()).await, Ok(Outcome::Done));
        assert_eq!(world.run(ADA, answer).await, Ok(Outcome::Done));
        world.settle().await;
        assert_eq!(calls(&world, BOB, tea).2, 1);
        // Taken back, they call again.
        decide(&mut world, BOB, ada, ContactAct::Forget).await;
        world.run(BOB, Command::Looking { visible: false }).await.unwrap();
        world.say(ADA, tea, "@bob, please").await;
        assert_eq!(calls(&world, BOB, tea).1, 1);
    });
}

#[test]
fn two_browsers_decide_apart_from_each_other_and_end_with_the_same() {
    block_on(async {
        let (mut world, chat) = stage("apart").await;
        let cyd = world.newcomer("cyd").await;
        let other = world.direct(cyd, "bob").await;
        world.say(cyd, other, "me too").await;
        let elsewhere = world.sign_in("bob").await;
        let (ada, cyds) = (id(&mut world, "ada"), id(&mut world, "cyd"));
        world.go_offline(BOB);
        world.settle().await;
        let block = Command::SetContact {
            user: ada,
            act: ContactAct::Block,
        };
        assert_eq!(world.run(BOB, block).await, Ok(Outcome::Done));
        decide(&mut world, elsewhere, cyds, ContactAct::Accept).await;
        world.go_online(BOB);
        world.settle().await;
        for browser in [BOB, elsewhere] {
            world.reload(browser);
            world.settle().await;
        }
        let third = world.sign_in("bob").await;
        for browser in [BOB, third] {
            assert!(world.browsers[browser].room(chat).is_none(), "{browser}");
            assert_eq!(contact(&world, browser, cyds), Contact::Accepted, "{browser}");
        }
    });
}

#[test]
fn a_flood_of_requests_writes_nothing_to_the_vault() {
    block_on(async {
        let mut world = World::new(RustCrypto, "flood");
        let bob = world.newcomer("bob").await;
        let items = |world: &mut TestWorld| {
            let account = world.relay().people.find("bob").unwrap().1;
            account.vault.values().map(|item| item.rev).sum::<u64>()
        };
        let eve = world.newcomer("eve").await;
        let first = world.direct(eve, "bob").await;
        world.say(eve, first, "one").await;
        let before = items(&mut world);
        for text in 0..40 {
            world.say(eve, first, &format!("again {text}")).await;
        }
        assert_eq!(items(&mut world), before);
        assert!(room(&world, bob, first).request);
        assert_eq!(room(&world, bob, first).unread, 0);
    });
}

/// Takes the request back, and waits until everybody knows.
async fn cancel(world: &mut TestWorld, browser: usize, user: UserId) {
    decide(world, browser, user, ContactAct::Cancel).await;
}

#[test]
fn a_request_without_words_is_not_there_until_there_are_some() {
    block_on(async {
        let mut world = World::new(RustCrypto, "wordless");
        for handle in ["ada", "bob"] {
            world.newcomer(handle).await;
        }
        let chat = world.direct(ADA, "bob").await;
        world.settle().await;
        let (ada, bob) = (id(&mut world, "ada"), id(&mut world, "bob"));
        assert!(world.browsers[BOB].room(chat).is_none(), "nothing was said");
        assert_eq!(contact(&world, ADA, bob), Contact::Asked);
        let elsewhere = world.sign_in("bob").await;
        assert!(world.browsers[elsewhere].room(chat).is_none());
        world.say(ADA, chat, "now").await;
        world.settle().await;
        for browser in [BOB, elsewhere] {
            assert!(room(&world, browser, chat).request);
        }
        // Deleted by hand it is the same as never said.
        assert_eq!(world.texts(ADA, chat).await, ["now"]);
        let mut rows = world.browsers[ADA].rows().into_iter();
        let message = rows.find_map(|row| match row {
            Body::Text { message, .. } => Some(message),
            _ => None,
        });
        let message = message.unwrap();
        let delete = Command::Delete {
            chat: chat.into(),
            message,
        };
        world.run(ADA, delete).await.unwrap();
        world.settle().await;
        for browser in [BOB, elsewhere] {
            assert!(world.browsers[browser].room(chat).is_none(), "{browser}");
        }
        assert_eq!(contact(&world, BOB, ada), Contact::None);
        // Whoever wants to write to them comes upon the same conversation, and has asked.
        let open = Command::OpenDirect { handle: "ada".into() };
        assert_eq!(world.run(BOB, open).await, Ok(Outcome::Room(chat)));
        assert!(!room(&world, BOB, chat).request);
        assert_eq!(contact(&world, BOB, ada), Contact::Asked);
        world.say(BOB, chat, "you first").await;
        world.settle().await;
        assert_eq!(contact(&world, BOB, ada), Contact::Asked);
        assert_eq!(contact(&world, ADA, bob), Contact::Accepted, "their words answer hers");
        world.say(ADA, chat, "hello").await;
        world.settle().await;
        assert_eq!(contact(&world, BOB, ada), Contact::Accepted);
    });
}

#[test]
fn a_request_is_cancelled_on_both_sides_and_can_be_made_again() {
    for before in [0, 120] {
        block_on(async {
            let (mut world, chat) = stage(&format!("cancelled {before}")).await;
            let (ada, bob) = (id(&mut world, "ada"), id(&mut world, "bob"));
            for nth in 0..before {
                world.say(ADA, chat, &format!("and {nth}")).await;
            }
            world.settle().await;
            assert!(room(&world, BOB, chat).request);
            // With many it is done in a browser that has not seen the first of them.
            let by = if before > 0 { world.sign_in("ada").await } else { ADA };
            cancel(&mut world, by, bob).await;
            for browser in [ADA, by] {
                assert!(world.browsers[browser].room(chat).is_none(), "{browser}");
                assert_eq!(contact(&world, browser, bob), Contact::None, "{browser}");
            }
            assert!(world.browsers[BOB].room(chat).is_none());
            assert_eq!(contact(&world, BOB, ada), Contact::None);
            for handle in ["ada", "bob"] {
                let elsewhere = world.sign_in(handle).await;
                assert!(world.browsers[elsewhere].room(chat).is_none(), "{handle} elsewhere");
            }
            world.reload(ADA);
            world.settle().await;
            assert!(world.browsers[ADA].room(chat).is_none(), "after a reload");
            // The server keeps none of the words.
            assert_eq!(world.relay().rooms[&chat].gone_ids.len(), before + 1);
            let open = Command::OpenDirect { handle: "bob".into() };
            assert_eq!(world.run(ADA, open).await, Ok(Outcome::Room(chat)));
            assert_eq!(contact(&world, ADA, bob), Contact::Asked);
            world.say(ADA, chat, "once more").await;
            world.settle().await;
            assert_eq!(
                contact(&world, ADA, bob),
                Contact::Asked,
                "nothing of before counts as an answer"
            );
            assert!(room(&world, BOB, chat).request);
            assert_eq!(world.texts(BOB, chat).await, ["once more"]);
        });
    }
}

#[test]
fn what_was_cancelled_without_a_connection_is_gone_when_there_is_one() {
    block_on(async {
        let (mut world, chat) = stage("cancelled offline").await;
        let bob = id(&mut world, "bob");
        world.go_offline(ADA);
        world.settle().await;
        let send = Command::Send {
            chat: chat.into(),
            text: "never sent".into(),
            reply: None,
            thread: None,
        };
        world.run(ADA, send).await.unwrap();
        cancel(&mut world, ADA, bob).await;
        assert!(world.browsers[ADA].room(chat).is_none(), "at once");
        world.reload(ADA);
        world.settle().await;
        assert!(world.browsers[ADA].room(chat).is_none(), "after a reload");
        assert!(room(&world, BOB, chat).request, "nobody told them");
        world.go_online(ADA);
        world.settle().await;
        assert!(world.browsers[BOB].room(chat).is_none());
        assert!(world.browsers[ADA].room(chat).is_none());
        assert_eq!(world.relay().rooms[&chat].gone_ids.len(), 1);
    });
}

#[test]
fn an_answer_leaves_nothing_to_cancel_and_one_that_crosses_it_shows() {
    block_on(async {
        let (mut world, chat) = stage("crossing").await;
        let (ada, bob) = (id(&mut world, "ada"), id(&mut world, "bob"));
        world.go_offline(ADA);
        world.say(BOB, chat, "hello yourself").await;
        world.settle().await;
        cancel(&mut world, ADA, bob).await;
        assert!(world.browsers[ADA].room(chat).is_none());
        world.go_online(ADA);
        world.settle().await;
        // What each of them has decided holds; what Bob said stands for both.
        assert_eq!(contact(&world, BOB, ada), Contact::Accepted);
        assert!(!room(&world, ADA, chat).request);
        assert_eq!(contact(&world, ADA, bob), Contact::None);
        assert_eq!(world.texts(ADA, chat).await, ["hello yourself"]);
        assert_eq!(world.texts(BOB, chat).await, ["hello yourself"]);
        world.say(ADA, chat, "so be it").await;
        world.settle().await;
        assert_eq!(contact(&world, ADA, bob), Contact::Accepted);
        let cancel = Command::SetContact {
            user: bob,
            act: ContactAct::Cancel,
        };
        assert_eq!(world.run(ADA, cancel).await, Err(Problem::Answered("bob".into())));
        assert_eq!(world.texts(BOB, chat).await, ["hello yourself", "so be it"]);
    });
}

#[test]
fn who_accepted_without_a_word_keeps_the_conversation_when_it_is_cancelled() {
    block_on(async {
        let (mut world, chat) = stage("accepted").await;
        let (ada, bob) = (id(&mut world, "ada"), id(&mut world, "bob"));
        decide(&mut world, BOB, ada, ContactAct::Accept).await;
        cancel(&mut world, ADA, bob).await;
        assert!(world.browsers[ADA].room(chat).is_none());
        assert!(!room(&world, BOB, chat).request);
        assert_eq!(world.texts(BOB, chat).await, Vec::<String>::new());
        world.say(BOB, chat, "where are you").await;
        world.settle().await;
        assert_eq!(
            world.texts(ADA, chat).await,
            ["where are you"],
            "an answer shows it again"
        );
    });
}

#[test]
fn who_is_no_contact_any_more_is_none_and_what_was_said_stays_as_it_is() {
    block_on(async {
        let (mut world, chat) = stage("removed").await;
        let (ada, bob) = (id(&mut world, "ada"), id(&mut world, "bob"));
        world.say(BOB, chat, "hello yourself").await;
        world.settle().await;
        decide(&mut world, BOB, ada, ContactAct::Forget).await;
        decide(&mut world, ADA, bob, ContactAct::Forget).await;
        let elsewhere = world.sign_in("bob").await;
        for (browser, other) in [(ADA, bob), (BOB, ada), (elsewhere, ada)] {
            assert_eq!(contact(&world, browser, other), Contact::None, "{browser}");
            assert!(!room(&world, browser, chat).request, "{browser}");
        }
        world.say(ADA, chat, "still here").await;
        world.settle().await;
        assert_eq!(room(&world, elsewhere, chat).unread, 1, "it calls as before");
        assert_eq!(
            contact(&world, BOB, ada),
            Contact::None,
            "their words bring nobody back"
        );
        assert_eq!(contact(&world, ADA, bob), Contact::Accepted, "one's own do");
        // Blocked and let be again they have to ask.
        decide(&mut world, BOB, ada, ContactAct::Block).await;
        decide(&mut world, BOB, ada, ContactAct::Forget).await;
        assert!(room(&world, BOB, chat).request);
    });
}

/// The own words are not heard back.
struct Deaf;

impl Tamper for Deaf {
    fn reply(
        &mut self,
        _: &mut ModelRelay,
        _: Peer,
        _: &Request,
        reply: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        match reply {
            Ok(Reply::PageGet(_)) => Err(Failure::Offline),
            other => other,
        }
    }

    fn frame(&mut self, _: &mut ModelRelay, to: Peer, frame: FromRelay) -> Vec<FromRelay> {
        match frame {
            FromRelay::Message { .. } if to.browser == ADA => Vec::new(),
            other => vec![other],
        }
    }
}

#[test]
fn what_is_heard_back_late_is_deleted_then_and_nothing_else_is_touched() {
    for (reloads, then) in [(false, ContactAct::Block), (true, ContactAct::Decline)] {
        block_on(async {
            let (mut world, chat) = stage(&format!("late {reloads}")).await;
            let bob = id(&mut world, "bob");
            world.tamper = Box::new(Deaf);
            world.say(ADA, chat, "second").await;
            assert_eq!(world.texts(BOB, chat).await, ["hello", "second"]);
            cancel(&mut world, ADA, bob).await;
            // What is decided after it holds, however long that takes.
            decide(&mut world, ADA, bob, then).await;
            let decided = contact(&world, ADA, bob);
            assert_ne!(decided, Contact::None);
            if reloads {
                world.reload(ADA);
                world.settle().await;
            }
            assert_eq!(contact(&world, ADA, bob), decided);
            // And so does what is written.
            decide(&mut world, ADA, bob, ContactAct::Accept).await;
            world.write(ADA, chat, "anew");
            world.settle().await;
            world.tamper = Box::new(Honest);
            world.drop_socket(ADA);
            world.settle().await;
            world.advance(60_000);
            world.settle().await;
            for browser in [ADA, BOB] {
                assert_eq!(world.texts(browser, chat).await, ["anew"], "{browser}");
            }
        });
    }
}
