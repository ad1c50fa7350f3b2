//! What is said about other messages, when, and for how long.

use std::collections::BTreeMap;

use futures_lite::future::block_on;
use sotto_client::engine::{Key, Request};
use sotto_client::testing::ModelRelay;
use sotto_client::testing::relay::Token;
use sotto_client::view::{Body, Change, Command, Outcome, Problem, Standing, Tamper, Ties, Unreadable};
use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::codec::{Codec, List, Text};
use sotto_shared::envelope::content::{Content, MessageBody};
use sotto_shared::envelope::header::{Header, MessageKind, envelope_hash};
use sotto_shared::id::{ChannelId, EnvelopeHash, Head, RoomId};
use sotto_shared::log::room_log::{Role, RoomBody};
use sotto_shared::testing::people::{NOW, Person, TestRoom};

use crate::eve::{
    act, entry, forge, hash_of, make_epoch, owners_entry, plain_member, post, put_slot, retell, signed, slot_frame,
    text,
};
use crate::stage::{ADA, BOB, Stage, eve_is_removed, keeps, new_browser, pass_frame, pass_reply, rows, story};

/// A receipt of somebody without an engine, after `edit` has had it: in a slot, and told to everybody.
fn forge_receipt(
    relay: &mut ModelRelay,
    room: RoomId,
    who: &Person,
    seed: &str,
    edit: impl FnOnce(&mut Header, &mut Content),
) -> SlotValue {
    let forged = forge(relay, room, who, seed, |header, content| {
        header.kind = MessageKind::Slot;
        (content.ctr, content.prev_own) = (NOW, Head::from_bytes([0; 32]));
        content.body = MessageBody::Receipt { read: content.seen_seq };
        edit(header, content);
    });
    let value = SlotValue {
        header: forged.header,
        envelope: forged.envelope,
    };
    put_slot(relay, room, &value);
    value
}

/// Says something as Eve, under her own name and with her own signature, and tells everybody.
async fn eve_says(stage: &mut Stage, room: RoomId, seed: &str, body: MessageBody) {
    let eve = stage.eve.clone();
    let relay = stage.world.relay();
    let message = forge(relay, room, &eve, seed, |_, content| content.body = body);
    post(relay, room, &message.header, &message.envelope);
    stage.world.settle().await;
}

/// The same at those who were there, after a reload, and on a browser that was never there.
async fn assert_story(stage: &mut Stage, room: RoomId, expected: &[&str], case: &str) {
    for browser in [ADA, BOB] {
        assert_eq!(story(stage, browser, room).await, expected, "{case}");
    }
    stage.world.reload(ADA);
    stage.world.settle().await;
    assert_eq!(story(stage, ADA, room).await, expected, "{case}, after a reload");
    let (new, answer) = new_browser(stage).await;
    assert_eq!(answer, Ok(Outcome::Done));
    assert_eq!(story(stage, new, room).await, expected, "{case}, on a new browser");
    stage.world.close(new);
    stage.world.browsers[new].disk.borrow_mut().records.clear();
}

#[test]
fn a27_a_member_speaks_for_another() {
    block_on(async {
        let mut stage = Stage::new("a27").await;
        let den = stage.den;
        let bobs = hash_of(stage.world.relay(), den, 2);
        let (target, no_edits) = (bobs, List::default());
        let edit = MessageBody::Edit {
            target,
            text: text("what bob never said"),
        };
        eve_says(&mut stage, den, "edit", edit.clone()).await;
        let first = ["first", "second", "(Damaged)"];
        assert_story(&mut stage, den, &first, "an edit").await;
        let delete = MessageBody::Delete {
            target,
            edits: no_edits,
        };
        eve_says(&mut stage, den, "delete", delete).await;
        let second = ["first", "second", "(Damaged)", "(Damaged)"];
        assert_story(&mut stage, den, &second, "a deletion").await;
        // In his name, under her signature.
        let (bob, eve) = (stage.id("bob"), stage.eve.clone());
        let relay = stage.world.relay();
        let react = MessageBody::React {
            target,
            emoji: Text::new("👎").unwrap(),
            on: true,
        };
        for (case, body) in [("edit", edit), ("reaction", react)] {
            let forged = forge(relay, den, &eve, &format!("as bob {case}"), |_, content| {
                (content.user_id, content.body) = (bob, body);
            });
            post(relay, den, &forged.header, &forged.envelope);
        }
        stage.world.settle().await;
        let third = ["first", "second", "(Damaged)", "(Damaged)", "(Damaged)", "(Damaged)"];
        assert_story(&mut stage, den, &third, "in his name").await;
        assert_eq!(
            stage.world.browsers[ADA].room(den).unwrap().preview.unwrap().text,
            "second"
        );
        // Under the id of his message stands his, and hers beside it.
        let bobs_id = Header::from_bytes(&stage.world.relay().rooms[&den].messages[1].header.0)
            .unwrap()
            .msg_id;
        let relay = stage.world.relay();
        let same_id = forge(relay, den, &eve, "in his place", |header, _| header.msg_id = bobs_id);
        post(relay, den, &same_id.header, &same_id.envelope);
        stage.world.settle().await;
        let fourth = [&third[..], &["in his place"]].concat();
        assert_story(&mut stage, den, &fourth, "his id").await;
        stage.assert_shut_out(&stage.dan, "forged words");
    });
}

/// Whoever hands something on says so of themselves: it stands under their name, and names nobody.
#[test]
fn a27_what_is_said_to_be_handed_on_is_nobody_elses() {
    block_on(async {
        let mut stage = Stage::new("a27 handed on").await;
        let den = stage.den;
        let (bob, eve) = (stage.id("bob"), stage.eve.clone());
        let body = || MessageBody::Forwarded {
            text: text("bob: i never said this @bob @everyone"),
            ttl: 0,
        };
        eve_says(&mut stage, den, "handed on", body()).await;
        let relay = stage.world.relay();
        let forged = forge(relay, den, &eve, "as bob", |_, content| {
            (content.user_id, content.body) = (bob, body());
        });
        post(relay, den, &forged.header, &forged.envelope);
        stage.world.settle().await;
        for browser in [ADA, BOB] {
            let rows = rows(&mut stage, browser, den).await;
            let Some([handed, in_his_name]) = rows.last_chunk() else {
                panic!("{rows:?}")
            };
            let Body::Text { author, ties, .. } = handed else {
                panic!("{handed:?}")
            };
            assert_eq!(*author, eve.id());
            let nothing_else = Ties {
                forwarded: true,
                ..Ties::default()
            };
            assert_eq!(*ties, nothing_else);
            assert_eq!(*in_his_name, Body::Unreadable(Unreadable::Damaged));
            let room = stage.world.browsers[browser].room(den).unwrap();
            assert_eq!(room.mentions, 0, "it calls nobody");
        }
    });
}

#[test]
fn a27_a_member_speaks_of_what_is_not_there() {
    block_on(async {
        let mut stage = Stage::new("a27 nothing").await;
        let (tea, den) = (stage.tea, stage.den);
        let thumb = |target, on| MessageBody::React {
            target,
            emoji: Text::new("👍").unwrap(),
            on,
        };
        let relay = stage.world.relay();
        let (adas, elsewhere) = (hash_of(relay, den, 1), hash_of(relay, tea, 1));
        // Once is enough, however often it is said.
        for seed in ["one", "two"] {
            eve_says(&mut stage, den, seed, thumb(adas, true)).await;
        }
        assert_story(&mut stage, den, &["first 👍1", "second"], "twice").await;
        let reaction = hash_of(stage.world.relay(), den, 3);
        let edit = |target, words: &str| MessageBody::Edit {
            target,
            text: text(words),
        };
        let delete = |target| MessageBody::Delete {
            target,
            edits: List::default(),
        };
        let words = MessageBody::React {
            target: adas,
            emoji: Text::new("<b>").unwrap(),
            on: true,
        };
        for (seed, body) in [
            ("a reaction is edited", edit(reaction, "psst")),
            ("a reaction is deleted", delete(reaction)),
            ("a reaction to a reaction", thumb(reaction, true)),
            ("of another room", thumb(elsewhere, true)),
            ("of nothing", thumb(EnvelopeHash::from_bytes([9; 32]), true)),
            ("words", words),
        ] {
            eve_says(&mut stage, den, seed, body).await;
        }
        let mut expected = vec!["first 👍1", "second"];
        expected.extend(["(Damaged)"; 6]);
        assert_story(&mut stage, den, &expected, "about nothing").await;
        eve_says(&mut stage, den, "back", thumb(adas, false)).await;
        expected[0] = "first";
        assert_story(&mut stage, den, &expected, "taken back").await;
        // About words of her own that come after it: she alone could know what they would be called.
        let later = forge(stage.world.relay(), den, &stage.eve, "later words", |_, _| {});
        let named = envelope_hash(&later.header.0, &later.envelope.0);
        for (seed, body) in [("too early", edit(named, "psst")), ("too early to go", delete(named))] {
            eve_says(&mut stage, den, seed, body).await;
        }
        post(stage.world.relay(), den, &later.header, &later.envelope);
        stage.world.settle().await;
        expected.extend(["(Damaged)", "(Damaged)", "later words"]);
        assert_story(&mut stage, den, &expected, "about what comes").await;
    });
}

/// A receipt in another's name, of somebody who is nobody here, of more than was seen, in the wrong place, or an old one.
#[test]
fn a27_a_member_reads_for_another() {
    block_on(async {
        let mut stage = Stage::new("a27 receipts").await;
        let (den, eve, dan) = (stage.den, stage.eve.clone(), stage.dan.clone());
        let bob = stage.id("bob");
        stage.look(ADA, den).await;
        stage.read(BOB, den).await;
        assert_eq!(stage.read_up_to(ADA, den, "bob"), 2);
        let bobs = stage.world.relay().rooms[&den].slots[0].clone();
        let bobs_slot = Header::from_bytes(&bobs.header.0).unwrap().msg_id;
        stage.world.say(ADA, den, "third").await;
        let bobs_device = *stage.world.relay().people.0[&bob]
            .log
            .view()
            .devices
            .keys()
            .next()
            .unwrap();
        let mut outsider = eve.clone();
        outsider.devices = dan.devices.clone();
        let relay = stage.world.relay();
        // In his name, under her signature; with his browser, or as one of his.
        forge_receipt(relay, den, &eve, "his name", |_, content| content.user_id = bob);
        forge_receipt(relay, den, &eve, "his browser", |_, content| {
            (content.user_id, content.dk_id) = (bob, bobs_device);
        });
        // With a room key that she was given.
        let outside = forge_receipt(relay, den, &outsider, "an outsider", |_, content| {
            (content.user_id, content.seen_seq) = (dan.id(), 99);
        });
        // More than was seen; of no message; another word in a slot; a receipt in passing.
        forge_receipt(relay, den, &eve, "more", |_, content| {
            content.body = MessageBody::Receipt {
                read: content.seen_seq + 1,
            };
        });
        forge_receipt(relay, den, &eve, "a beacon", |_, content| {
            content.body = MessageBody::Beacon
        });
        forge_receipt(relay, den, &eve, "never", |_, content| content.ctr = 0);
        let passing = forge(relay, den, &eve, "in passing", |header, content| {
            header.kind = MessageKind::Ephemeral;
            content.body = MessageBody::Receipt { read: 3 };
        });
        relay.tell_room(
            &den,
            &FromRelay::Ephemeral {
                room_id: den,
                channel: ChannelId::MAIN,
                header: passing.header,
                envelope: passing.envelope,
            },
        );
        // Bytes that were bent, and those of another room.
        let mut bent = outside.clone();
        *bent.envelope.0.last_mut().unwrap() ^= 1;
        put_slot(relay, den, &bent);
        relay.tell_room(&stage.tea, &slot_frame(stage.tea, &bobs));
        stage.world.settle().await;
        for (browser, reader) in [(ADA, "bob"), (ADA, "eve"), (BOB, "eve")] {
            let expected = if reader == "bob" { 2 } else { 0 };
            assert_eq!(stage.read_up_to(browser, den, reader), expected, "{browser} {reader}");
        }
        assert_eq!(stage.read_up_to(ADA, stage.tea, "bob"), 0);
        assert_eq!(stage.world.browsers[ADA].room(den).unwrap().held_back, None);

        // Her own, written over his, is hers; what he had said is known.
        let relay = stage.world.relay();
        forge_receipt(relay, den, &eve, "over his", |header, _| header.msg_id = bobs_slot);
        stage.world.settle().await;
        assert_eq!(stage.read_up_to(ADA, den, "eve"), 3);
        assert_eq!(stage.read_up_to(ADA, den, "bob"), 2);
        // What she says later of less takes nothing back.
        forge_receipt(stage.world.relay(), den, &eve, "less", |_, content| {
            (content.ctr, content.body) = (NOW + 1, MessageBody::Receipt { read: 1 });
        });
        stage.world.settle().await;
        assert_eq!(stage.read_up_to(ADA, den, "eve"), 3);
        // As a message it is none.
        eve_says(&mut stage, den, "as a message", MessageBody::Receipt { read: 3 }).await;
        assert_eq!(stage.unreadable(ADA, den).await, [Unreadable::Damaged]);
        assert_eq!(stage.standing(ADA, den), Standing::Open);

        // The relay has an older one again, for who has heard the newer: live, and as it lies there.
        stage.world.advance(60_000);
        stage.read(BOB, den).await;
        assert_eq!(stage.read_up_to(ADA, den, "bob"), 4);
        put_slot(stage.world.relay(), den, &bobs);
        stage.world.settle().await;
        for by_reload in [false, true] {
            if by_reload {
                stage.world.reload(ADA);
                stage.world.settle().await;
            } else {
                stage.reconnect(ADA).await;
            }
            stage.look(ADA, den).await;
            assert_eq!(stage.read_up_to(ADA, den, "bob"), 4, "{by_reload}");
        }
        stage.assert_shut_out(&stage.dan, "receipts");
    });
}

#[test]
fn a27_somebody_who_is_gone_reads_on() {
    block_on(async {
        let mut stage = Stage::new("a27 gone reader").await;
        let (den, eve) = (stage.den, stage.eve.clone());
        stage.look(ADA, den).await;
        let before = forge_receipt(stage.world.relay(), den, &eve, "before", |_, _| {});
        stage.world.settle().await;
        assert_eq!(stage.read_up_to(ADA, den, "eve"), 2);
        let (seq, head) = {
            let state = &stage.world.relay().rooms[&den].state;
            (state.seq, state.head)
        };
        stage.script(pass_frame(), pass_reply());
        eve_is_removed(&mut stage).await;
        assert_eq!(stage.read_up_to(ADA, den, "eve"), 0, "she is nobody here");
        // Under the old key, as of when she was here, and ahead of everybody; and what she had said once more.
        let relay = stage.world.relay();
        put_slot(relay, den, &before);
        forge_receipt(relay, den, &eve, "after", |header, content| {
            header.n = 1;
            (content.log_seq, content.log_head, content.seen_seq) = (seq, head, 99);
        });
        stage.world.settle().await;
        stage.wait().await;
        for browser in [ADA, BOB] {
            stage.look(browser, den).await;
            assert_eq!(stage.read_up_to(browser, den, "eve"), 0);
            assert_eq!(stage.world.browsers[browser].room(den).unwrap().held_back, None);
            assert_eq!(stage.standing(browser, den), Standing::Open);
        }
        stage.assert_shut_out(&eve, "gone");
    });
}

/// The relay lets go of a message that nobody deleted, or says that somebody else's word is a deletion of it.
#[test]
fn a27_a_message_is_taken_away_without_its_authors_word() {
    block_on(async {
        let mut stage = Stage::new("a27 gone").await;
        let den = stage.den;
        stage.world.say(BOB, den, "third").await;
        stage.world.relay().rooms.get_mut(&den).unwrap().let_go(2);
        let (new, answer) = new_browser(&mut stage).await;
        assert_eq!(answer, Ok(Outcome::Done));
        assert_eq!(story(&mut stage, new, den).await, ["first", "(Gap)", "third"]);
        assert_eq!(stage.standing(new, den), Standing::Open);
        assert_eq!(
            story(&mut stage, ADA, den).await,
            ["first", "second", "third"],
            "who has it keeps it"
        );
        stage.world.reload(new);
        stage.world.settle().await;
        assert_eq!(story(&mut stage, new, den).await, ["first", "(Gap)", "third"]);
        // Other bytes than the transcript has are no better.
        let mut other = stage.world.relay().rooms[&den].messages[1].clone();
        other.gone = Some(EnvelopeHash::from_bytes([5; 32]));
        stage.world.relay().rooms.get_mut(&den).unwrap().messages[1] = other;
        let (newer, answer) = new_browser(&mut stage).await;
        assert_eq!(answer, Ok(Outcome::Done));
        stage
            .world
            .run(newer, Command::ShowRoom { chat: den.into() })
            .await
            .unwrap();
        assert_eq!(stage.standing(newer, den), Standing::Frozen(Tamper::Fork));
    });
}

/// What is named as an edit of something it cannot have been one of does not go without a row.
#[test]
fn a27_a_message_is_taken_away_as_somebody_elses_edit() {
    for case in ["of nothing", "of something later", "of another's", "by a moderator"] {
        block_on(async {
            let mut stage = Stage::new(&format!("a27 {case}")).await;
            let den = stage.den;
            stage.world.say(BOB, den, "third").await;
            eve_says(&mut stage, den, "own", MessageBody::Text { text: text("mine") }).await;
            let relay = stage.world.relay();
            let target = match case {
                "of something later" => hash_of(relay, den, 4),
                "of another's" => hash_of(relay, den, 1),
                _ => EnvelopeHash::from_bytes([5; 32]),
            };
            let edits = List::new(vec![hash_of(relay, den, 2), hash_of(relay, den, 3)]).unwrap();
            if case == "by a moderator" {
                let promote = RoomBody::SetRole {
                    user_id: stage.eve.id(),
                    role: Role::Moderator,
                };
                let (entry, key) = owners_entry(&mut stage, promote);
                let blob = TestRoom::sign_entry(&entry, &key);
                let request = Request::RoomAppend(RoomAppend {
                    room_id: den,
                    entries: vec![B64(blob.to_bytes())],
                    wraps: Vec::new(),
                });
                let relay = stage.world.relay();
                let mut tokens = relay.tokens.iter();
                let is_ada = |token: &Token| token.user_id == entry.actor && token.dk_id.is_some();
                let token = tokens.find(|(_, token)| is_ada(token)).unwrap().0.clone();
                relay.answer(Some(&token), &request).unwrap();
                stage.world.settle().await;
                let eve = stage.eve.clone();
                act(stage.world.relay(), den, &eve, RoomBody::Redact { target, edits });
                stage.world.settle().await;
            } else {
                eve_says(&mut stage, den, "sweep", MessageBody::Delete { target, edits }).await;
            }
            let stored = stage.world.relay().rooms.get_mut(&den).unwrap();
            stored.let_go(2);
            stored.let_go(3);
            let (new, answer) = new_browser(&mut stage).await;
            assert_eq!(answer, Ok(Outcome::Done));
            let gone = match case {
                "of nothing" | "of another's" => "(Gap)",
                _ => "(deleted)",
            };
            let told = story(&mut stage, new, den).await;
            assert_eq!(
                told[..4],
                [
                    "first",
                    gone,
                    gone,
                    if case == "of something later" {
                        "(deleted)"
                    } else {
                        "mine"
                    }
                ],
                "{case}"
            );
            stage.world.reload(new);
            stage.world.settle().await;
            assert_eq!(story(&mut stage, new, den).await, told, "{case}, after a reload");
        });
    }
}

/// Times on screen, oldest row first.
fn times(stage: &Stage, browser: usize, room: RoomId) -> Vec<u64> {
    let mut rows = BTreeMap::new();
    for change in &stage.world.browsers[browser].changes {
        if let Change::Timeline(timeline) = change
            && timeline.chat.room == room
        {
            rows.extend(timeline.rows.iter().map(|row| (row.order, row.at_ms)));
        }
    }
    rows.into_values().collect()
}

#[test]
fn a28_messages_and_entries_lie_about_their_times() {
    block_on(async {
        let mut stage = Stage::new("a28").await;
        let (tea, den, eve) = (stage.tea, stage.den, stage.eve.clone());
        let created = stage.world.relay().rooms[&den].state.created;
        stage.world.advance(3_600_000);
        stage.world.settle().await;
        for (seed, ts) in [("from the end of time", u64::MAX), ("from its beginning", 0)] {
            let relay = stage.world.relay();
            let message = forge(relay, den, &eve, seed, |_, content| content.ts = ts);
            post(relay, den, &message.header, &message.envelope);
            stage.world.settle().await;
        }
        let relay = stage.world.relay();
        let update = RoomBody::AddMember {
            member: stage.dan.member_ref(),
            role: Role::Member,
        };
        let mut entry = entry(relay, den, &eve, update);
        entry.ts = u64::MAX - 7;
        let blob = signed(&entry, &eve);
        let request = Request::RoomAppend(RoomAppend {
            room_id: den,
            entries: vec![B64(blob.to_bytes())],
            wraps: Vec::new(),
        });
        relay.answer(Some("eve"), &request).unwrap();
        stage.world.settle().await;
        let texts = ["first", "second", "from the end of time", "from its beginning"];
        for turn in 0..2 {
            for browser in [ADA, BOB] {
                assert_eq!(stage.texts(browser, den).await, texts, "by number, whatever they say");
                let now = stage.world.now_ms;
                let shown = times(&stage, browser, den);
                assert!(shown.len() > texts.len());
                assert!(shown.iter().all(|at| (created..=now).contains(at)), "{shown:?}");
                assert!(stage.world.browsers[browser].room(den).unwrap().active_ms <= now);
            }
            // What came later is above, however far ahead the other claims to be.
            stage.world.advance(60_000);
            stage.world.say(BOB, tea, &format!("later {turn}")).await;
            for browser in [ADA, BOB] {
                assert_eq!(stage.world.browsers[browser].rooms()[0], tea);
                stage.world.reload(browser);
            }
            stage.world.advance(60_000);
            stage.world.settle().await;
            for browser in [ADA, BOB] {
                assert_eq!(stage.world.browsers[browser].rooms()[0], tea, "after a reload as well");
            }
        }
    });
}

#[test]
fn a28_a_key_from_the_future_is_changed_in_time() {
    block_on(async {
        let mut stage = Stage::new("a28 key").await;
        let (den, eve) = (stage.den, stage.eve.clone());
        make_epoch(stage.world.relay(), den, &eve, u64::MAX, None);
        stage.world.settle().await;
        stage.world.say(ADA, den, "under her key").await;
        assert_eq!(stage.world.relay().rooms[&den].state.epoch_number(), 2);
        for hours in [12, 13] {
            stage.world.advance(hours * 3_600_000);
            stage.world.reload(ADA);
            stage.world.settle().await;
        }
        stage.world.say(ADA, den, "a day later").await;
        assert_eq!(
            stage.world.relay().rooms[&den].state.epoch_number(),
            3,
            "its time is over"
        );
        assert_eq!(
            stage.texts(BOB, den).await,
            ["first", "second", "under her key", "a day later"]
        );
    });
}

/// Nothing that any browser keeps has these words in it.
fn assert_forgotten(stage: &Stage, words: &str) {
    for browser in 0..stage.world.browsers.len() {
        assert!(
            !keeps(stage, browser, words),
            "{} has {words}",
            stage.world.browsers[browser].name
        );
    }
}

/// A word about a log that is withheld came with a text, which cannot be read before that log is here.
#[test]
fn a29_a_claim_is_kept_without_the_words_it_came_with() {
    block_on(async {
        let mut stage = Stage::new("a29 claim").await;
        let (den, eve, bob) = (stage.den, stage.eve.clone(), stage.id("bob"));
        let other = stage.world.fork(&[ADA]);
        let dan = stage.dan.member_ref();
        act(stage.world.relay(), den, &eve, plain_member(dan));
        stage.world.settle().await;
        let words = "words that are passing";
        stage.world.say(BOB, den, words).await;
        assert!(keeps(&stage, BOB, words), "what is looked for is found");
        retell(&mut stage.world, 0, other, den, &[3]).await;
        stage.wait().await;
        assert_eq!(stage.standing(ADA, den), Standing::Withheld { by: Some(bob) });
        let claimed = stage.world.browsers[ADA].disk.borrow().records[&Key::Room(den)].clone();
        assert!(
            String::from_utf8_lossy(&claimed).contains(&bob.to_string()),
            "the claim is kept"
        );
        assert!(!keeps(&stage, ADA, words));
        stage.world.reload(ADA);
        stage.world.settle().await;
        assert_eq!(stage.standing(ADA, den), Standing::Withheld { by: Some(bob) });
    });
}

#[test]
fn a29_expired_messages_are_delivered_again() {
    block_on(async {
        let mut stage = Stage::new("a29").await;
        let den = stage.den;
        let set = Command::SetTtl {
            room: den,
            seconds: 3600,
        };
        assert_eq!(
            stage.world.run(BOB, set.clone()).await,
            Err(Problem::NotAllowed),
            "an owner's to say"
        );
        assert_eq!(stage.world.run(ADA, set).await, Ok(Outcome::Done));
        for (browser, words) in [(ADA, "passing one"), (BOB, "passing two")] {
            stage.world.say(browser, den, words).await;
        }
        // Without a word on its lifetime: the room's holds.
        let plain = MessageBody::Text {
            text: text("passing three"),
        };
        eve_says(&mut stage, den, "plain", plain).await;
        let shown = ["first", "second", "passing one", "passing two", "passing three"];
        assert_story(&mut stage, den, &shown, "before its time").await;
        let kept = stage.world.relay().rooms[&den].messages.clone();
        let header = Header::from_bytes(&kept[2].header.0).unwrap();
        assert_eq!(header.ttl_class, 3, "the relay knows the class");

        // By itself, on screen, in what is kept, and in the list of rooms.
        stage.world.read(BOB, den).await;
        stage.world.advance(3_600_000);
        stage.world.settle().await;
        let left = ["first", "second"];
        let texts: Vec<String> = stage.world.browsers[BOB]
            .lines()
            .into_iter()
            .map(|line| line.text)
            .collect();
        assert_eq!(texts, left, "without anybody doing anything");
        for browser in [ADA, BOB] {
            assert_eq!(
                stage.world.browsers[browser].room(den).unwrap().preview.unwrap().text,
                "second"
            );
        }
        assert_forgotten(&stage, "passing");
        let stored = &stage.world.relay().rooms[&den];
        assert_eq!(stored.messages[2].gone, Some(kept[2].hash()));
        assert_eq!(stored.messages[3].gone, Some(kept[3].hash()));
        assert_story(&mut stage, den, &left, "when it is over").await;

        // A relay that kept them all gives them out again, under their numbers and under new ones.
        stage
            .world
            .relay()
            .rooms
            .get_mut(&den)
            .unwrap()
            .messages
            .clone_from(&kept);
        for browser in [ADA, BOB] {
            stage.reconnect(browser).await;
        }
        assert_story(&mut stage, den, &left, "given out again").await;
        for message in &kept[2..] {
            post(stage.world.relay(), den, &message.header, &message.envelope);
        }
        stage.world.settle().await;
        for browser in [ADA, BOB] {
            assert_eq!(stage.texts(browser, den).await, left);
        }
        let (new, answer) = new_browser(&mut stage).await;
        assert_eq!(answer, Ok(Outcome::Done));
        assert_eq!(stage.texts(new, den).await, left);
        assert_forgotten(&stage, "passing");
    });
}

#[test]
fn a29_a_browser_that_was_closed_forgets_when_it_opens() {
    block_on(async {
        let mut stage = Stage::new("a29 closed").await;
        let den = stage.den;
        let set = Command::SetTtl {
            room: den,
            seconds: 3600,
        };
        assert_eq!(stage.world.run(ADA, set).await, Ok(Outcome::Done));
        for number in 0..3 {
            stage.world.say(ADA, den, &format!("passing {number}")).await;
        }
        stage.world.close(BOB);
        stage.world.advance(3_600_000);
        stage.world.settle().await;
        stage.world.reload(BOB);
        stage.world.settle().await;
        // Nobody has looked into the room, and there was no need to.
        assert_forgotten(&stage, "passing");
        assert_eq!(
            stage.world.browsers[BOB].room(den).unwrap().preview.unwrap().text,
            "second"
        );
        assert_eq!(stage.texts(BOB, den).await, ["first", "second"]);
        assert_eq!(stage.unreadable(BOB, den).await, []);
    });
}

/// In a room where messages fade the relay lets go of what has not had its time, or was written before that was agreed on.
#[test]
fn a29_messages_are_taken_away_before_their_time() {
    block_on(async {
        let mut stage = Stage::new("a29 early").await;
        let den = stage.den;
        let set = Command::SetTtl {
            room: den,
            seconds: 3600,
        };
        assert_eq!(stage.world.run(ADA, set).await, Ok(Outcome::Done));
        stage.world.advance(3_000_000);
        stage.world.settle().await;
        for words in ["third", "fourth"] {
            stage.world.say(BOB, den, words).await;
        }
        stage.world.advance(1_000_000);
        stage.world.settle().await;
        let relay = stage.world.relay();
        relay.rooms.get_mut(&den).unwrap().let_go(1);
        relay.rooms.get_mut(&den).unwrap().let_go(4);
        let (new, answer) = new_browser(&mut stage).await;
        assert_eq!(answer, Ok(Outcome::Done));
        let shown = story(&mut stage, new, den).await;
        assert_eq!(shown, ["(Gap)", "second", "third", "(Gap)"]);
    });
}

#[test]
fn a31_one_reaction_more_touches_none_of_the_others() {
    block_on(async {
        let mut stage = Stage::new("a31 reactions").await;
        let (den, eve) = (stage.den, stage.eve.clone());
        stage.look(ADA, den).await;
        let target = hash_of(stage.world.relay(), den, 1);
        let post_one = |stage: &mut Stage, number: u32| {
            let emoji = char::from_u32(0x1f300 + number).unwrap().to_string();
            let emoji = Text::new(emoji).unwrap();
            let relay = stage.world.relay();
            let message = forge(relay, den, &eve, &format!("r{number}"), |_, content| {
                content.body = MessageBody::React {
                    target,
                    emoji,
                    on: true,
                };
            });
            post(relay, den, &message.header, &message.envelope);
        };
        for number in 0..200 {
            post_one(&mut stage, number);
        }
        stage.world.settle().await;
        let before = stage.world.browsers[ADA].changes.len();
        post_one(&mut stage, 200);
        stage.world.settle().await;
        let told = stage.world.browsers[ADA].changes[before..]
            .iter()
            .map(|change| match change {
                Change::Timeline(timeline) => timeline.rows.len() + timeline.gone.len(),
                _ => 0,
            });
        let told: usize = told.sum();
        assert!((1..=6).contains(&told), "{told} rows for one reaction");
    });
}
