//! Room keys: wraps that do not open, keys for some or for nobody, and what somebody who is gone still has.

use std::rc::Rc;

use futures_lite::future::block_on;
use sotto_client::engine::{Reply, Request};
use sotto_client::view::{Body, Command, Note, Outcome, Problem, Standing, Unreadable};
use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::api::limits::MAX_PAGE;
use sotto_shared::codec::{Bytes, Codec, List, Text};
use sotto_shared::crypto::epoch::commitment;
use sotto_shared::crypto::kem::{self, WrapInfo};
use sotto_shared::crypto::secret::EpochSecret;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::envelope::content::MessageBody;
use sotto_shared::envelope::header::Header;
use sotto_shared::id::{ChannelId, UserId};
use sotto_shared::log::room_log::{EpochReason, RoomBody, SUITE_1};
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::people::{NOW, Person};

use crate::eve::{act, entry, force, forge, key_request, keys_of, make_epoch, post, signed};
use crate::stage::{
    ADA, BOB, CYD, ReplyRule, Stage, assert_damaged, eve_is_removed, new_browser, pass_frame, pass_reply, rows, story,
};

/// The stored wrap is no good, whoever made it so. The others are there and make another.
#[test]
fn a15_a_wrap_that_does_not_open_is_made_again() {
    for case in ["garbage", "somebody else's", "none", "of another key"] {
        block_on(async {
            let mut stage = Stage::new(&format!("a15 again {case}")).await;
            let tea = stage.tea;
            let (bob, cyd) = (stage.id("bob"), stage.id("cyd"));
            stage.world.go_offline(BOB);
            stage.world.advance(25 * 3_600_000);
            stage.world.settle().await;
            stage.world.say(ADA, tea, "third").await;
            let room = stage.world.relay().rooms.get_mut(&tea).unwrap();
            let n = room.state.epoch_number();
            let theirs = room
                .wraps
                .iter()
                .find(|wrap| wrap.n == n && wrap.user_id == cyd)
                .unwrap()
                .clone();
            let info = WrapInfo {
                room_id: tea,
                channel: ChannelId::MAIN,
                n,
                user_id: bob,
                g: theirs.g,
                commit: room.state.epoch().unwrap().commit,
            };
            let kk = room.state.members[&bob].view.kk;
            let is_bobs = |wrap: &&mut Wrap| wrap.n == n && wrap.user_id == bob;
            let wrap = room.wraps.iter_mut().find(is_bobs).unwrap();
            match case {
                "garbage" => wrap.ct.0[5] ^= 1,
                "none" => room.wraps.retain(|wrap| wrap.n != n || wrap.user_id != bob),
                "of another key" => {
                    let made = kem::wrap(&mut FixedRng::new("other"), &kk, &info.info(), &[9; 32]).unwrap();
                    (wrap.enc, wrap.ct) = (made.enc.into(), made.ct.into());
                }
                _ => (wrap.enc, wrap.ct) = (theirs.enc, theirs.ct),
            }
            stage.script(pass_frame(), pass_reply());
            stage.world.go_online(BOB);
            stage.world.settle().await;
            assert_eq!(stage.standing(BOB, tea), Standing::Open, "{case}");
            assert_eq!(stage.texts(BOB, tea).await, ["first", "second", "third"], "{case}");
            stage.world.say(BOB, tea, "fourth").await;
            assert_eq!(
                stage.texts(CYD, tea).await,
                ["first", "second", "third", "fourth"],
                "{case}"
            );
            stage.assert_shut_out(&stage.eve, case);
        });
    }
}

#[test]
fn a35_a_key_is_asked_for_by_somebody_who_may_not_have_it() {
    block_on(async {
        let mut stage = Stage::new("a35").await;
        let (den, tea, eve, dan) = (stage.den, stage.tea, stage.eve.clone(), stage.dan.clone());
        let bob = stage.id("bob");
        let bobs = *stage.world.relay().people.0[&bob]
            .log
            .view()
            .devices
            .keys()
            .next()
            .unwrap();
        let wrapped = |stage: &Stage| {
            let seen = stage.seen.borrow();
            seen.requests
                .iter()
                .filter(|request| matches!(request, Request::WrapsPut(_)))
                .count()
        };
        // A key before the newest, which Ada has.
        make_epoch(stage.world.relay(), den, &eve, NOW, None);
        stage.world.settle().await;
        let relay = stage.world.relay();
        let cases = [
            ("a member", key_request(relay, den, &eve, |_| {})),
            ("not a member", key_request(relay, den, &dan, |_| {})),
            (
                "in bob's name",
                key_request(relay, den, &eve, |request| request.user_id = bob),
            ),
            (
                "with bob's browser",
                key_request(relay, den, &eve, |request| {
                    (request.user_id, request.dk_id) = (bob, bobs);
                }),
            ),
            (
                "another room",
                key_request(relay, den, &eve, |request| request.room_id = tea),
            ),
            ("an older key", key_request(relay, den, &eve, |request| request.n -= 1)),
            ("a key to come", key_request(relay, den, &eve, |request| request.n += 1)),
            ("no request", B64(vec![0; 40])),
        ];
        for (case, request) in cases {
            // So that nobody is refused because somebody was answered a moment ago.
            stage.world.advance(31_000);
            stage.world.settle().await;
            stage.script(pass_frame(), pass_reply());
            stage
                .tell("ada", vec![FromRelay::KeyRequest { room_id: den, request }])
                .await;
            assert_eq!(wrapped(&stage), usize::from(case == "a member"), "{case}");
        }
        for _ in 0..2 {
            let request = key_request(stage.world.relay(), den, &eve, |_| {});
            stage
                .tell("ada", vec![FromRelay::KeyRequest { room_id: den, request }])
                .await;
        }
        assert_eq!(wrapped(&stage), 1, "not twice in a short time");
        eve_is_removed(&mut stage).await;
        stage.world.advance(60_000);
        stage.script(pass_frame(), pass_reply());
        let request = key_request(stage.world.relay(), den, &eve, |_| {});
        stage
            .tell("ada", vec![FromRelay::KeyRequest { room_id: den, request }])
            .await;
        assert_eq!(wrapped(&stage), 0, "after she was removed");
        stage.assert_shut_out(&eve, "removed");
    });
}

#[test]
fn a15_wraps_are_swapped() {
    for case in ["member", "epoch", "garbage"] {
        block_on(async {
            let mut stage = Stage::new(&format!("a15 {case}")).await;
            let tea = stage.tea;
            let cyd = stage.id("cyd");
            let lies = Rc::new(std::cell::Cell::new(true));
            let swaps = Rc::clone(&lies);
            let reply: ReplyRule = Box::new(move |relay, to, request, mut reply| {
                if let (Request::WrapsGet(ask), Reply::WrapsGet(answer)) = (request, &mut reply)
                    && to.browser == BOB
                    && ask.room_id == tea
                    && swaps.get()
                {
                    let stored = &relay.rooms[&tea].wraps;
                    for wrap in &mut answer.wraps {
                        let other = match case {
                            "member" => stored.iter().find(|row| row.user_id == cyd && row.n == wrap.n),
                            "epoch" => stored.iter().find(|row| row.user_id == wrap.user_id && row.n != wrap.n),
                            _ => None,
                        };
                        match other {
                            Some(other) => (wrap.enc, wrap.ct) = (other.enc.clone(), other.ct.clone()),
                            None => wrap.ct.0[5] ^= 1,
                        }
                    }
                }
                reply
            });
            stage.script(pass_frame(), reply);
            // A new room key, which Bob does not get.
            stage.world.advance(25 * 3_600_000);
            stage.world.settle().await;
            stage.world.say(ADA, tea, "third").await;
            assert_eq!(stage.standing(BOB, tea), Standing::WaitingForKey, "{case}");
            let room = stage.world.browsers[BOB].room(tea).unwrap();
            assert!(room.will_take_words() && !room.takes_words(), "{case}: it waits");
            assert_eq!(stage.texts(BOB, tea).await, ["first", "second"], "{case}");
            assert_eq!(stage.unreadable(BOB, tea).await, [Unreadable::KeyOnTheWay], "{case}");
            let sent = stage.seen.borrow().sent.len();
            assert_eq!(stage.send(BOB, tea, "fourth").await, Ok(Outcome::Done), "{case}: kept");
            stage.world.advance(20_000);
            stage.world.settle().await;
            assert_eq!(
                stage.seen.borrow().sent.len(),
                sent,
                "{case}: nothing goes out under an old key"
            );
            // The right one opens everything.
            lies.set(false);
            stage.world.advance(20_000);
            stage.world.settle().await;
            stage.reconnect(BOB).await;
            assert_eq!(stage.standing(BOB, tea), Standing::Open, "{case}");
            for browser in [ADA, BOB, CYD] {
                let texts = ["first", "second", "third", "fourth"];
                assert_eq!(stage.texts(browser, tea).await, texts, "{case}");
            }
        });
    }
}

/// Bob gives up a key that the relay spoils for him, though Ada hands it over again and again; when it is there he takes it.
#[test]
fn a15_a_key_that_was_given_up_is_taken_when_it_comes() {
    block_on(async {
        let mut stage = Stage::new("a15 given up").await;
        let tea = stage.tea;
        let lies = Rc::new(std::cell::Cell::new(true));
        let spoils = Rc::clone(&lies);
        let reply: ReplyRule = Box::new(move |_, to, _, mut reply| {
            if let Reply::WrapsGet(answer) = &mut reply
                && to.browser == BOB
                && spoils.get()
            {
                answer.wraps.iter_mut().for_each(|wrap| wrap.ct.0[5] ^= 1);
            }
            reply
        });
        stage.script(pass_frame(), reply);
        stage.world.advance(25 * 3_600_000);
        stage.world.settle().await;
        stage.world.say(ADA, tea, "third").await;
        assert_eq!(stage.standing(BOB, tea), Standing::WaitingForKey);
        for _ in 0..4 {
            stage.world.advance(31_000);
            stage.world.settle().await;
        }
        assert_eq!(stage.standing(BOB, tea), Standing::Open, "under a key of his own");
        stage.world.say(BOB, tea, "fourth").await;
        assert_eq!(stage.texts(BOB, tea).await, ["first", "second", "fourth"]);
        assert_eq!(stage.unreadable(BOB, tea).await, [Unreadable::KeyOnTheWay]);
        assert_eq!(stage.texts(ADA, tea).await, ["first", "second", "third", "fourth"]);
        lies.set(false);
        stage.reconnect(BOB).await;
        assert_eq!(stage.texts(BOB, tea).await, ["first", "second", "third", "fourth"]);
        assert_eq!(stage.unreadable(BOB, tea).await, []);
    });
}

#[test]
fn a16_different_keys_for_different_people() {
    block_on(async {
        let mut stage = Stage::new("a16").await;
        let (den, eve, bob) = (stage.den, stage.eve.clone(), stage.id("bob"));
        make_epoch(stage.world.relay(), den, &eve, NOW, Some(bob));
        // Nobody is there who could give Bob the true one.
        stage.world.go_offline(BOB);
        stage.world.settle().await;
        stage.world.say(ADA, den, "third").await;
        assert_eq!(stage.standing(ADA, den), Standing::Open);
        stage.world.go_offline(ADA);
        stage.world.go_online(BOB);
        stage.world.settle().await;
        stage.script(pass_frame(), pass_reply());
        assert_eq!(stage.send(BOB, den, "fourth").await, Ok(Outcome::Done), "kept");
        stage.reconnect(BOB).await;
        let told = Problem::ServerLied("the room key that eve made".into());
        assert_eq!(stage.world.browsers[BOB].notices(), [told], "once");
        assert_eq!(stage.standing(BOB, den), Standing::WaitingForKey);
        assert_eq!(stage.texts(BOB, den).await, ["first", "second", "fourth"]);
        assert_eq!(stage.unreadable(BOB, den).await, [Unreadable::KeyOnTheWay]);
        assert!(
            stage.seen.borrow().sent.is_empty(),
            "nothing is sealed under her other key"
        );
        stage.world.go_online(ADA);
        stage.world.settle().await;
        stage.world.advance(60_000);
        stage.world.settle().await;
        assert_eq!(stage.standing(BOB, den), Standing::Open, "Ada has made him another");
        for browser in [ADA, BOB] {
            assert_eq!(stage.texts(browser, den).await, ["first", "second", "third", "fourth"]);
        }
    });
}

/// A new room key by Eve that opens for nobody, through the relay's own rules.
async fn key_for_nobody(stage: &mut Stage, seed: &str) {
    let (den, eve) = (stage.den, stage.eve.clone());
    let relay = stage.world.relay();
    let state = relay.rooms[&den].state.clone();
    let n = state.epoch_number() + 1;
    let secret = EpochSecret::make(&mut FixedRng::new(seed));
    let roster_hash = state.roster_hash();
    let body = RoomBody::Epoch {
        n,
        suite: SUITE_1,
        commit: commitment(&secret, &den, n, &state.head, &roster_hash),
        roster_hash,
        reason: EpochReason::Age,
        backlink: Bytes::new(vec![1; 104]).unwrap(),
    };
    let mut enc = vec![9; 65];
    enc[0] = 4;
    let wraps = state.members.keys().map(|user| Wrap {
        channel: ChannelId::MAIN,
        n,
        user_id: *user,
        g: 1,
        enc: B64(enc.clone()),
        ct: B64(vec![7; 48]),
    });
    let blob = signed(&entry(relay, den, &eve, body), &eve);
    let request = Request::RoomAppend(RoomAppend {
        room_id: den,
        wraps: wraps.collect(),
        entries: vec![B64(blob.to_bytes())],
    });
    relay.answer(Some(&eve.name), &request).unwrap();
    stage.world.settle().await;
    for browser in [ADA, BOB] {
        assert_eq!(stage.standing(browser, den), Standing::WaitingForKey);
    }
}

/// A member may lock nobody out, herself included: the others make the next key from the one they have.
#[test]
fn a16_a_key_for_nobody_is_made_anew() {
    block_on(async {
        let mut stage = Stage::new("a16 nobody").await;
        let (den, eve) = (stage.den, stage.eve.id());
        for seed in ["once", "twice"] {
            key_for_nobody(&mut stage, seed).await;
            let epochs = stage.world.relay().rooms[&den].state.epochs.len();
            assert_eq!(stage.send(ADA, den, seed).await, Ok(Outcome::Done), "kept");
            stage.wait().await;
            assert_eq!(
                stage.world.relay().rooms[&den].state.epochs.len(),
                epochs,
                "the others are asked first"
            );
            for _ in 0..4 {
                stage.world.advance(31_000);
                stage.world.settle().await;
            }
            assert_eq!(
                stage.world.relay().rooms[&den].state.epochs.len(),
                epochs + 1,
                "one, not one each"
            );
        }
        let named = |rows: Vec<Body>| {
            let rows = rows.into_iter();
            rows.filter(|row| *row == Body::Note(Note::KeyForNobody { by: eve }))
                .count()
        };
        for browser in [ADA, BOB] {
            assert_eq!(stage.standing(browser, den), Standing::Open);
            assert_eq!(stage.texts(browser, den).await, ["first", "second", "once", "twice"]);
            assert_eq!(named(rows(&mut stage, browser, den).await), 2);
        }
        // Who never had the keys before it, and who has the password alone, are led over it.
        let add = Command::AddPeople {
            room: den,
            handles: vec!["cyd".into()],
        };
        assert_eq!(stage.world.run(ADA, add).await, Ok(Outcome::Done));
        assert_eq!(stage.texts(CYD, den).await, ["first", "second", "once", "twice"]);
        let (new, answer) = new_browser(&mut stage).await;
        assert_eq!(answer, Ok(Outcome::Done));
        assert_eq!(stage.texts(new, den).await, ["first", "second", "once", "twice"]);
        assert_eq!(named(rows(&mut stage, new, den).await), 2);
    });
}

#[test]
fn a16_whoever_made_a_key_for_nobody_is_taken_out() {
    block_on(async {
        let mut stage = Stage::new("a16 out").await;
        let (den, user) = (stage.den, stage.eve.id());
        key_for_nobody(&mut stage, "out").await;
        stage.script(pass_frame(), pass_reply());
        assert_eq!(
            stage.world.run(ADA, Command::RemovePerson { room: den, user }).await,
            Ok(Outcome::Done)
        );
        for browser in [ADA, BOB] {
            assert_eq!(stage.standing(browser, den), Standing::Open);
            assert_eq!(stage.world.browsers[browser].members(den), ["ada", "bob"]);
        }
        stage.world.say(BOB, den, "without her").await;
        assert_eq!(stage.texts(ADA, den).await, ["first", "second", "without her"]);
        stage.assert_shut_out(&stage.eve, "taken out");
    });
}

#[test]
fn a16_a_room_with_a_key_for_nobody_can_be_left() {
    block_on(async {
        let mut stage = Stage::new("a16 left").await;
        let den = stage.den;
        key_for_nobody(&mut stage, "left").await;
        let leave = Command::LeaveRoom { room: den };
        assert_eq!(stage.world.run(BOB, leave).await, Ok(Outcome::Done));
        assert!(stage.world.browsers[BOB].room(den).is_none());
        assert_eq!(stage.world.browsers[ADA].members(den), ["ada", "eve"]);
    });
}

#[test]
fn a17_the_new_key_after_a_removal_is_kept_back() {
    block_on(async {
        let mut stage = Stage::new("a17").await;
        let (den, eve) = (stage.den, stage.eve.clone());
        let other = stage.world.fork(&[BOB]);
        eve_is_removed(&mut stage).await;
        // Bob is told of the removal, and that it ends there.
        let removal = stage.world.relay().rooms[&den]
            .entries
            .iter()
            .rev()
            .nth(1)
            .unwrap()
            .clone();
        let blob = SignedBlob::from_bytes(&removal.0).unwrap();
        let relay = &mut stage.world.relays[other];
        let state = &relay.rooms[&den].state;
        let next = state.extend(std::slice::from_ref(&blob), &relay.people).unwrap();
        let (state, _) = next.prove_here().unwrap();
        let stored = relay.rooms.get_mut(&den).unwrap();
        stored.people.get_mut(&eve.id()).unwrap().until = Some(state.seq);
        stored.state = state;
        force(relay, den, &blob);
        stage.script(pass_frame(), pass_reply());
        stage.world.settle().await;
        assert_eq!(stage.world.browsers[BOB].members(den), ["ada", "bob"]);
        stage.world.say(BOB, den, "just us").await;
        let stored = &stage.world.relays[other].rooms[&den];
        let newest = Header::from_bytes(&stored.messages.last().unwrap().header.0).unwrap();
        assert_eq!(newest.n, 2, "the key was changed first");
        let wrapped: Vec<UserId> = (stored.wraps.iter().filter(|wrap| wrap.n == 2))
            .map(|wrap| wrap.user_id)
            .collect();
        assert!(wrapped.len() == 2 && !wrapped.contains(&eve.id()));
        assert!(keys_of(&stage.world.relays[other], den, &eve).contains_key(&1));
        stage.assert_shut_out(&eve, "after the removal");
        assert_eq!(stage.texts(BOB, den).await, ["first", "second", "just us"]);
    });
}

#[test]
fn a18_somebody_who_is_gone_writes_on() {
    for case in ["removed", "removed just now", "left", "added again", "revoked browser"] {
        block_on(async {
            let mut stage = Stage::new(&format!("a18 {case}")).await;
            let (den, mut eve) = (stage.den, stage.eve.clone());
            let update = |person: &Person| RoomBody::UserUpdate {
                member: person.member_ref(),
                cut: List::default(),
            };
            if case == "revoked browser" {
                eve.add_device();
                stage.world.relay().enlist(&eve);
                act(stage.world.relay(), den, &eve, update(&eve));
                stage.world.settle().await;
            }
            let state = &stage.world.relay().rooms[&den].state;
            let before = (state.seq, state.head);
            match case {
                "left" => act(stage.world.relay(), den, &eve, RoomBody::Leave),
                "revoked browser" => {
                    eve.revoke(1);
                    stage.world.relay().enlist(&eve);
                    act(stage.world.relay(), den, &eve, update(&eve));
                }
                _ => drop(eve_is_removed(&mut stage).await),
            }
            stage.world.settle().await;
            // Somebody speaks who knows of it. The remover's cut works without.
            if case != "removed just now" {
                stage.world.say(BOB, den, "third").await;
            }
            if case == "added again" {
                let handles = vec!["eve".to_owned()];
                let command = Command::AddPeople { room: den, handles };
                assert_eq!(stage.world.run(ADA, command).await, Ok(Outcome::Done));
                stage.world.say(BOB, den, "fourth").await;
            }
            stage.script(pass_frame(), pass_reply());
            let relay = stage.world.relay();
            let now = (relay.rooms[&den].state.seq, relay.rooms[&den].state.head);
            let mut writer = eve.clone();
            if case == "revoked browser" {
                writer.use_device(1);
            }
            let mut forgeries = Vec::new();
            for (what, log) in [("as if before", before), ("as if now", now)] {
                if case == "added again" && log == now {
                    continue;
                }
                let message = forge(relay, den, &writer, what, |header, content| {
                    header.n = 1;
                    (content.log_seq, content.log_head) = log;
                });
                forgeries.push((what, message.header, message.envelope));
            }
            // Also when it comes first thing after a reload.
            stage.world.reload(ADA);
            stage.world.settle().await;
            assert_damaged(&mut stage, den, forgeries).await;
            if !matches!(case, "added again" | "revoked browser") {
                stage.assert_shut_out(&eve, case);
            }
            // And to a browser that meets the room only now, however few messages a page brings: whoever speaks before it
            // and knows is heard after it.
            let texts = stage.texts(ADA, den).await;
            let void = stage.unreadable(ADA, den).await;
            for page in [MAX_PAGE, 2, 1] {
                stage.world.relay().page = page;
                let (browser, answer) = new_browser(&mut stage).await;
                assert_eq!(answer, Ok(Outcome::Done), "{case}");
                for when in ["on a new browser", "after a reload"] {
                    assert_eq!(stage.texts(browser, den).await, texts, "{case}, {when}, by {page}");
                    assert_eq!(stage.unreadable(browser, den).await, void, "{case}, {when}, by {page}");
                    stage.world.reload(browser);
                    stage.world.settle().await;
                }
            }
        });
    }
}

/// What somebody who is gone says about others' messages and their own is void, too, also where it was heard at first.
#[test]
fn a18_somebody_who_is_gone_reacts_edits_and_deletes() {
    block_on(async {
        let mut stage = Stage::new("a18 acts").await;
        let (den, eve) = (stage.den, stage.eve.clone());
        stage.script(pass_frame(), pass_reply());
        let relay = stage.world.relay();
        let message = forge(relay, den, &eve, "hers", |_, _| ());
        post(relay, den, &message.header, &message.envelope);
        stage.world.settle().await;
        let relay = stage.world.relay();
        let hers = relay.rooms[&den].messages.last().unwrap().hash();
        let state = &relay.rooms[&den].state;
        let before = (state.seq, state.head);
        act(relay, den, &eve, RoomBody::Leave);
        stage.world.settle().await;
        stage.world.say(BOB, den, "third").await;
        let relay = stage.world.relay();
        let third = relay.rooms[&den].messages.last().unwrap().hash();
        let emoji = || Text::new("👍").unwrap();
        let acts = [
            MessageBody::React {
                target: third,
                emoji: emoji(),
                on: true,
            },
            MessageBody::React {
                target: hers,
                emoji: emoji(),
                on: true,
            },
            MessageBody::Edit {
                target: hers,
                text: Text::new("changed").unwrap(),
            },
            MessageBody::Delete {
                target: hers,
                edits: List::default(),
            },
        ];
        for (nth, body) in acts.into_iter().enumerate() {
            let relay = stage.world.relay();
            let message = forge(relay, den, &eve, &format!("act {nth}"), |header, content| {
                header.n = 1;
                (content.log_seq, content.log_head) = before;
                content.body = body;
            });
            post(relay, den, &message.header, &message.envelope);
        }
        stage.world.settle().await;
        let damaged = "(Damaged)";
        let all = ["first", "second", "hers", "third", damaged, damaged, damaged, damaged];
        assert_eq!(story(&mut stage, ADA, den).await, all);
        // With what shows that it was too late come: all of it, what was deleted, or nothing.
        for page in [MAX_PAGE, 3, 2, 1] {
            stage.world.relay().page = page;
            let (browser, _) = new_browser(&mut stage).await;
            for when in ["on a new browser", "after a reload"] {
                assert_eq!(story(&mut stage, browser, den).await, all, "{when}, pages of {page}");
                stage.world.reload(browser);
                stage.world.settle().await;
            }
        }
    });
}
