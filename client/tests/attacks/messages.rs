//! Messages and the chains they stand in: dropped, held back, reordered, told twice or elsewhere, damaged, forged.

use std::rc::Rc;

use futures_lite::future::block_on;
use sotto_client::engine::{Reply, Request};
use sotto_client::view::{Body, Command, Outcome, Standing, Tamper, Unreadable};
use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::frame::{FromRelay, Outgoing};
use sotto_shared::codec::Codec;
use sotto_shared::envelope::content::Content;
use sotto_shared::envelope::header::{Header, MessageKind};
use sotto_shared::id::{ChannelId, DeviceKeyId};
use sotto_shared::testing::FixedRng;

use crate::eve::{act, forge, keys_of, open, plain_member, post, retell, slot_frame, without_words};
use crate::stage::{
    ADA, BOB, CYD, FrameRule, ReplyRule, Stage, assert_damaged, new_browser, pass_frame, pass_reply, story,
};

/// Ada has written three messages in one go, which all say that they come after "second"; Bob is told by another relay,
/// which does not have them yet.
async fn three_at_once(stage: &mut Stage) -> usize {
    let (tea, other) = (stage.tea, stage.world.fork(&[BOB]));
    stage.world.go_offline(ADA);
    stage.world.settle().await;
    for text in ["one", "two", "three"] {
        stage.world.say(ADA, tea, text).await;
    }
    stage.world.go_online(ADA);
    stage.world.settle().await;
    assert_eq!(stage.world.relay().rooms[&tea].messages.len(), 5);
    other
}

/// The same, one after the other: each says that it comes after the one before.
async fn three_in_turn(stage: &mut Stage) -> usize {
    let (tea, other) = (stage.tea, stage.world.fork(&[BOB]));
    for (author, text) in [(ADA, "one"), (CYD, "two"), (ADA, "three")] {
        stage.world.say(author, tea, text).await;
    }
    other
}

#[test]
fn a09_a_message_in_the_middle_is_dropped() {
    block_on(async {
        let mut stage = Stage::new("a09 at once").await;
        let tea = stage.tea;
        let other = three_at_once(&mut stage).await;
        retell(&mut stage.world, 0, other, tea, &[3, 5]).await;
        assert_eq!(stage.texts(BOB, tea).await, ["first", "second", "one", "three"]);
        let rows = stage.world.browsers[BOB].rows();
        let gap = rows.iter().position(|row| *row == Body::Unreadable(Unreadable::Gap));
        assert_eq!(gap, Some(rows.len() - 2), "before the one after it: {rows:?}");
        // Whatever is said by somebody who heard them all shows that the relay lied.
        stage.world.say(CYD, tea, "indeed").await;
        retell(&mut stage.world, 0, other, tea, &[6]).await;
        let texts = ["first", "second", "one", "three"];
        stage.assert_frozen(BOB, tea, Tamper::Fork, &texts, "at once").await;

        let mut stage = Stage::new("a09 in turn").await;
        let other = three_in_turn(&mut stage).await;
        retell(&mut stage.world, 0, other, tea, &[3, 5]).await;
        let texts = ["first", "second", "one"];
        stage.assert_frozen(BOB, tea, Tamper::Fork, &texts, "in turn").await;
    });
}

#[test]
fn a09_a_page_has_a_hole() {
    block_on(async {
        let mut stage = Stage::new("a09 page").await;
        let tea = stage.tea;
        stage.world.go_offline(BOB);
        stage.world.settle().await;
        for text in ["one", "two", "three"] {
            stage.world.say(ADA, tea, text).await;
        }
        let reply: ReplyRule = Box::new(move |_, to, _, mut reply| {
            if let Reply::PageGet(page) = &mut reply
                && to.browser == BOB
            {
                page.messages.retain(|message| message.seq != 4);
            }
            reply
        });
        stage.script(pass_frame(), reply);
        stage.world.go_online(BOB);
        stage.world.settle().await;
        let texts = ["first", "second"];
        stage.assert_frozen(BOB, tea, Tamper::Withholding, &texts, "page").await;
    });
}

/// A message that one has seen and the other is not given.
#[test]
fn a10_the_newest_message_is_held_back() {
    block_on(async {
        let mut stage = Stage::new("a10 beacon").await;
        let tea = stage.tea;
        let frame: FrameRule = Box::new(|_, to, frame| match frame {
            FromRelay::Message { .. } if to.browser == BOB => Vec::new(),
            frame => vec![frame],
        });
        let reply: ReplyRule = Box::new(|_, to, request, mut reply| {
            if let (Request::PageGet(_), Reply::PageGet(page)) = (request, &mut reply)
                && to.browser == BOB
            {
                page.messages.retain(|message| message.seq <= 2);
                page.head = page.before.clone();
            }
            reply
        });
        stage.script(frame, reply);
        stage.world.say(ADA, tea, "third").await;
        assert_eq!(stage.world.browsers[BOB].room(tea).unwrap().held_back, None);
        stage.look(CYD, tea).await;
        stage.wait().await;
        let cyd = stage.id("cyd");
        assert_eq!(stage.world.browsers[BOB].room(tea).unwrap().held_back, Some(cyd));
        assert_eq!(stage.standing(BOB, tea), Standing::Open);
        assert_eq!(stage.texts(BOB, tea).await, ["first", "second"]);
        stage.script(pass_frame(), pass_reply());
        assert_eq!(stage.world.run(BOB, Command::Reconnect).await, Ok(Outcome::Done));
        assert_eq!(stage.texts(BOB, tea).await, ["first", "second", "third"]);
        assert_eq!(stage.world.browsers[BOB].room(tea).unwrap().held_back, None);
    });
}

/// The same where nobody is heard but by what they have read: said now, or found when the room is opened.
#[test]
fn a10_the_newest_message_is_held_back_from_somebody_who_hears_a_receipt() {
    for case in ["live", "stored"] {
        block_on(async {
            let mut stage = Stage::new(&format!("a10 receipt {case}")).await;
            let tea = stage.tea;
            let is_live = case == "live";
            let frame: FrameRule = Box::new(move |_, to, frame| match frame {
                FromRelay::Message { .. } if to.browser == BOB => Vec::new(),
                FromRelay::Slot { .. } if to.browser == BOB && !is_live => Vec::new(),
                frame => vec![frame],
            });
            let reply: ReplyRule = Box::new(|_, to, request, mut reply| {
                if let (Request::PageGet(_), Reply::PageGet(page)) = (request, &mut reply)
                    && to.browser == BOB
                {
                    page.messages.retain(|message| message.seq <= 2);
                    page.head = page.before.clone();
                }
                reply
            });
            stage.script(without_words(BOB, frame), reply);
            stage.world.say(ADA, tea, "third").await;
            stage.read(CYD, tea).await;
            if !is_live {
                stage.wait().await;
                assert_eq!(stage.world.browsers[BOB].room(tea).unwrap().held_back, None, "{case}");
                stage.look(BOB, tea).await;
            }
            stage.wait().await;
            let cyd = stage.id("cyd");
            assert_eq!(
                stage.world.browsers[BOB].room(tea).unwrap().held_back,
                Some(cyd),
                "{case}"
            );
            assert_eq!(stage.standing(BOB, tea), Standing::Open, "{case}");
            assert_eq!(stage.texts(BOB, tea).await, ["first", "second"], "{case}");
            // Her word once more says nothing more.
            let old = stage.world.relay().rooms[&tea].slots[0].clone();
            stage.script(pass_frame(), pass_reply());
            stage.tell("bob", vec![slot_frame(tea, &old)]).await;
            assert_eq!(stage.world.run(BOB, Command::Reconnect).await, Ok(Outcome::Done));
            assert_eq!(stage.texts(BOB, tea).await, ["first", "second", "third"], "{case}");
            assert_eq!(stage.world.browsers[BOB].room(tea).unwrap().held_back, None, "{case}");
        });
    }
}

/// What was never heard is noticed by what comes after it alone; what was heard is missed at once.
#[test]
fn a10_the_newest_messages_are_taken_back() {
    for (case, by_reload) in [("reconnect", false), ("reload", true)] {
        block_on(async {
            let mut stage = Stage::new(&format!("a10 {case}")).await;
            let tea = stage.tea;
            stage.world.say(ADA, tea, "third").await;
            let stored = stage.world.relay().rooms.get_mut(&tea).unwrap();
            stored.messages.truncate(2);
            stored.transcript.truncate(3);
            if by_reload {
                stage.world.reload(BOB);
                stage.world.settle().await;
            } else {
                stage.reconnect(BOB).await;
            }
            let texts = ["first", "second", "third"];
            stage.assert_frozen(BOB, tea, Tamper::Withholding, &texts, case).await;
        });
    }
}

#[test]
fn a11_messages_are_reordered() {
    block_on(async {
        let mut stage = Stage::new("a11 at once").await;
        let tea = stage.tea;
        let other = three_at_once(&mut stage).await;
        retell(&mut stage.world, 0, other, tea, &[3, 5, 4]).await;
        assert_eq!(stage.texts(BOB, tea).await, ["first", "second", "one", "three"]);
        assert_eq!(stage.unreadable(BOB, tea).await, [Unreadable::Gap, Unreadable::Damaged]);

        let mut stage = Stage::new("a11 in turn").await;
        let other = three_in_turn(&mut stage).await;
        retell(&mut stage.world, 0, other, tea, &[4]).await;
        let texts = ["first", "second"];
        stage.assert_frozen(BOB, tea, Tamper::Fork, &texts, "in turn").await;
    });
}

#[test]
fn a12_a_message_comes_again() {
    block_on(async {
        let mut stage = Stage::new("a12").await;
        let tea = stage.tea;
        let stored = stage.world.relay().rooms[&tea].messages.clone();
        // Under its own number: heard already.
        let same = FromRelay::Message {
            room_id: tea,
            channel: ChannelId::MAIN,
            message: stored[1].clone(),
        };
        stage.tell("ada", vec![same.clone(), same]).await;
        assert_eq!(stage.texts(ADA, tea).await, ["first", "second"]);
        assert_eq!(stage.unreadable(ADA, tea).await, []);

        // Under another one, now and after a reload.
        let unread = stage.world.browsers[ADA].room(tea).unwrap().unread;
        for (count, reload) in [(1, false), (2, true)] {
            if reload {
                stage.world.reload(ADA);
                stage.world.settle().await;
            }
            let message = &stored[1];
            post(stage.world.relay(), tea, &message.header, &message.envelope);
            stage.world.settle().await;
            assert_eq!(stage.texts(ADA, tea).await, ["first", "second"], "reload: {reload}");
            let rows = stage.unreadable(ADA, tea).await;
            assert_eq!(rows, vec![Unreadable::Damaged; count], "reload: {reload}");
            let row = stage.world.browsers[ADA].room(tea).unwrap();
            assert_eq!(row.unread, unread, "no news, reload: {reload}");
        }
        // The conversation goes on.
        stage.world.say(BOB, tea, "third").await;
        assert_eq!(stage.texts(ADA, tea).await, ["first", "second", "third"]);
        assert_eq!(stage.standing(ADA, tea), Standing::Open);
    });
}

/// Chains that nobody can remember: more of them than are kept, and those from before a browser was there.
#[test]
fn a12_a_message_comes_again_when_its_chain_is_forgotten() {
    block_on(async {
        let mut stage = Stage::new("a12 chains").await;
        let den = stage.den;
        let again = stage.world.relay().rooms[&den].messages[0].clone();
        for count in 0..130 {
            let eve = stage.eve.clone();
            let message = forge(stage.world.relay(), den, &eve, &format!("chain {count}"), |_, _| {});
            post(stage.world.relay(), den, &message.header, &message.envelope);
        }
        stage.world.settle().await;
        stage.world.reload(BOB);
        stage.world.settle().await;
        let (new, answer) = new_browser(&mut stage).await;
        assert_eq!(answer, Ok(Outcome::Done));
        stage
            .world
            .run(new, Command::ShowRoom { chat: den.into() })
            .await
            .unwrap();
        post(stage.world.relay(), den, &again.header, &again.envelope);
        stage.world.settle().await;
        for browser in [BOB, new] {
            let rows = story(&mut stage, browser, den).await;
            assert_eq!(rows.last().unwrap(), "(Damaged)", "browser {browser}");
        }
        // Whoever goes on writing is heard, in whichever chain.
        stage.world.say(ADA, den, "on").await;
        for browser in [BOB, new] {
            let rows = story(&mut stage, browser, den).await;
            assert_eq!(rows.last().unwrap(), "on", "browser {browser}");
        }
    });
}

/// A message that cannot be opened yet, twice.
#[test]
fn a12_a_message_comes_again_before_its_key() {
    block_on(async {
        let mut stage = Stage::new("a12 locked").await;
        let tea = stage.tea;
        let held = Rc::new(std::cell::Cell::new(true));
        let holds = Rc::clone(&held);
        let reply: ReplyRule = Box::new(move |_, to, _, mut reply| {
            if let Reply::WrapsGet(answer) = &mut reply
                && to.browser == BOB
                && holds.get()
            {
                answer.wraps.clear();
            }
            reply
        });
        stage.script(pass_frame(), reply);
        stage.world.advance(25 * 3_600_000);
        stage.world.settle().await;
        stage.world.say(ADA, tea, "third").await;
        let message = stage.world.relay().rooms[&tea].messages[2].clone();
        post(stage.world.relay(), tea, &message.header, &message.envelope);
        stage.world.settle().await;
        assert_eq!(
            stage.unreadable(BOB, tea).await,
            [Unreadable::KeyOnTheWay],
            "one row for the same bytes"
        );
        let unread = stage.world.browsers[BOB].room(tea).unwrap().unread;
        held.set(false);
        stage.reconnect(BOB).await;
        assert_eq!(stage.texts(BOB, tea).await, ["first", "second", "third"]);
        assert_eq!(stage.unreadable(BOB, tea).await, [Unreadable::Damaged]);
        assert_eq!(stage.world.browsers[BOB].room(tea).unwrap().unread, unread + 1);
    });
}

#[test]
fn a12_other_bytes_under_a_number_that_was_heard() {
    block_on(async {
        let mut stage = Stage::new("a12 bytes").await;
        let tea = stage.tea;
        // In memory: it was read.
        stage.texts(ADA, tea).await;
        let mut message = stage.world.relay().rooms[&tea].messages[1].clone();
        message.envelope.0[80] ^= 1;
        let frame = FromRelay::Message {
            room_id: tea,
            channel: ChannelId::MAIN,
            message,
        };
        stage.tell("ada", vec![frame]).await;
        let texts = ["first", "second"];
        stage.assert_frozen(ADA, tea, Tamper::Fork, &texts, "other bytes").await;
    });
}

#[test]
fn a13_a_message_is_replayed_elsewhere() {
    block_on(async {
        let mut stage = Stage::new("a13").await;
        let (tea, den) = (stage.tea, stage.den);
        // A second room key in the den.
        stage.world.advance(25 * 3_600_000);
        stage.world.settle().await;
        stage.world.say(ADA, den, "third").await;
        assert_eq!(stage.world.relay().rooms[&den].state.epoch_number(), 2);
        stage.script(pass_frame(), pass_reply());
        let of_tea = stage.world.relay().rooms[&tea].messages[1].clone();
        let of_den = stage.world.relay().rooms[&den].messages[2].clone();
        let edited = |message: &StoredMessage, edit: fn(&mut Header)| {
            let mut header = Header::from_bytes(&message.header.0).unwrap();
            edit(&mut header);
            header
        };
        let mut moved = edited(&of_tea, |_| {});
        moved.room_id = den;
        let channel = edited(&of_den, |header| header.channel = ChannelId::from_bytes([1; 16]));
        let epoch = edited(&of_den, |header| header.n = 1);
        let nowhen = edited(&of_den, |header| header.n = 0);
        let forgeries = vec![
            ("another room's", of_tea.header.clone(), of_tea.envelope.clone()),
            ("relabelled", B64(moved.to_bytes()), of_tea.envelope),
            ("another channel", B64(channel.to_bytes()), of_den.envelope.clone()),
            ("another epoch", B64(epoch.to_bytes()), of_den.envelope.clone()),
            ("no epoch", B64(nowhen.to_bytes()), of_den.envelope),
        ];
        assert_damaged(&mut stage, den, forgeries).await;
    });
}

#[test]
fn a14_a_message_is_damaged() {
    block_on(async {
        let mut stage = Stage::new("a14").await;
        let tea = stage.tea;
        let message = stage.world.relay().rooms[&tea].messages[1].clone();
        let (header, envelope) = (message.header.0, message.envelope.0);
        let flip = |bytes: &[u8], at: usize| {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= 0x10;
            B64(bytes)
        };
        let (as_it_was, sealed) = (B64(header.clone()), B64(envelope.clone()));
        let last = envelope.len() - 1;
        let garbage = {
            let mut bytes = vec![0; envelope.len()];
            rand::Rng::fill_bytes(&mut FixedRng::new("garbage"), &mut bytes);
            B64(bytes)
        };
        let mut forgeries = vec![
            ("salt", as_it_was.clone(), flip(&envelope, 0)),
            ("commitment", as_it_was.clone(), flip(&envelope, 30)),
            ("text", as_it_was.clone(), flip(&envelope, 100)),
            ("tag", as_it_was.clone(), flip(&envelope, last)),
            ("cut", as_it_was.clone(), B64(envelope[..last].to_vec())),
            ("extended", as_it_was.clone(), B64([envelope.as_slice(), &[0]].concat())),
            ("garbage", as_it_was.clone(), garbage),
            ("empty", as_it_was.clone(), B64(Vec::new())),
            ("no header", B64(Vec::new()), sealed.clone()),
            ("long header", B64([header.as_slice(), &[0]].concat()), sealed.clone()),
        ];
        // Every field of the header that the relay could turn: suite, kind, id, lifetime, deletion.
        for (what, at) in [
            ("tag of a header", 0),
            ("version", 2),
            ("suite", 4),
            ("kind", 5),
            ("id", 60),
            ("lifetime", HEADER_TTL),
            ("deletion", HEADER_TTL + 5),
        ] {
            forgeries.push((what, flip(&header, at), sealed.clone()));
        }
        assert_damaged(&mut stage, tea, forgeries).await;
        stage.assert_shut_out(&stage.eve, "damaged");
    });
}

/// Where the lifetime stands in a header.
const HEADER_TTL: usize = sotto_shared::envelope::header::HEADER_BYTES - 33;

/// A member who has the room key, together with the relay: as herself alone.
#[test]
fn a14_a_member_forges() {
    block_on(async {
        let mut stage = Stage::new("a14 member").await;
        let (den, eve) = (stage.den, stage.eve.clone());
        let bob = stage.id("bob");
        let relay = stage.world.relay();
        let bobs = *relay.people.0[&bob].log.view().devices.keys().next().unwrap();
        // She has the key, and is heard when she speaks for herself.
        let stored = &relay.rooms[&den].messages[0];
        let keys = keys_of(relay, den, &eve);
        let read = open(&keys, &den, &stored.header.0, &stored.envelope.0);
        assert_eq!(read.as_deref(), Some("first"));
        let honest = forge(relay, den, &eve, "as eve", |_, _| {});
        post(relay, den, &honest.header, &honest.envelope);
        stage.world.settle().await;
        assert_eq!(stage.texts(ADA, den).await, ["first", "second", "as eve"]);
        let relay = stage.world.relay();
        let forged = |text: &str, edit: &dyn Fn(&mut Header, &mut Content)| {
            let message = forge(relay, den, &eve, text, |header, content| edit(header, content));
            (message.header, message.envelope)
        };
        let cases: Vec<(&str, (B64, B64))> = vec![
            ("as bob", forged("as bob", &|_, content| content.user_id = bob)),
            (
                "as bob's browser",
                forged("as bob's browser", &|_, content| {
                    (content.user_id, content.dk_id) = (bob, bobs);
                }),
            ),
            (
                "by bob's browser",
                forged("by bob's browser", &|_, content| content.dk_id = bobs),
            ),
            (
                "from before she came",
                forged("from before she came", &|_, content| content.log_seq = 0),
            ),
        ];
        let forgeries = cases
            .into_iter()
            .map(|(case, (header, envelope))| (case, header, envelope));
        let forgeries = forgeries.collect();
        assert_damaged(&mut stage, den, forgeries).await;
    });
}

/// Whose browser nobody knows can be anybody's: such a word names nobody, and a true one counts beside it.
#[test]
fn a14_a_member_says_in_anothers_name_that_entries_are_withheld() {
    block_on(async {
        let mut stage = Stage::new("a14 name").await;
        let (den, eve, bob) = (stage.den, stage.eve.clone(), stage.id("bob"));
        let other = stage.world.fork(&[ADA]);
        let forged = |stage: &mut Stage, seed: &str| {
            let forged = forge(&stage.world.relays[other], den, &eve, seed, |_, content| {
                (content.user_id, content.dk_id) = (bob, DeviceKeyId::from_bytes([7; 32]));
                content.log_seq += 1000;
            });
            post(&mut stage.world.relays[other], den, &forged.header, &forged.envelope);
        };
        forged(&mut stage, "framing");
        stage.world.settle().await;
        stage.wait().await;
        assert_eq!(stage.standing(ADA, den), Standing::Withheld { by: None });
        let go_on = Command::GoOn { room: den };
        assert_eq!(stage.world.run(ADA, go_on).await, Ok(Outcome::Done));
        forged(&mut stage, "again");
        stage.world.settle().await;
        stage.wait().await;
        assert_eq!(stage.standing(ADA, den), Standing::Open, "nobody is heard once");
        // Somebody is added, and Ada is not told; Bob's own word about it reaches her.
        let dan = stage.dan.member_ref();
        act(stage.world.relay(), den, &eve, plain_member(dan));
        stage.world.settle().await;
        stage.look(BOB, den).await;
        stage.world.advance(61_000);
        stage.world.settle().await;
        let is_beacon = |sent: &&Outgoing| Header::from_bytes(&sent.header.0).unwrap().kind == MessageKind::Ephemeral;
        let said = stage.seen.borrow().sent.iter().rev().find(is_beacon).unwrap().clone();
        let frame = FromRelay::Ephemeral {
            room_id: den,
            channel: ChannelId::MAIN,
            header: said.header,
            envelope: said.envelope,
        };
        let ada = stage.id("ada");
        stage.world.relays[other].tell(&ada, &frame);
        stage.world.settle().await;
        stage.wait().await;
        assert_eq!(stage.standing(ADA, den), Standing::Withheld { by: Some(bob) });
        forged(&mut stage, "over it");
        stage.world.settle().await;
        stage.wait().await;
        assert_eq!(stage.standing(ADA, den), Standing::Withheld { by: Some(bob) });
        stage.world.reload(ADA);
        stage.world.settle().await;
        assert_eq!(stage.standing(ADA, den), Standing::Withheld { by: Some(bob) });
    });
}
