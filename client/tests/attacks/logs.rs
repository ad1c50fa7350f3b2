//! Logs of rooms and people: forged, changed, withheld, forked, reordered.

use std::sync::Arc;

use futures_lite::future::block_on;
use sotto_client::engine::{Key, Reply, Request};
use sotto_client::view::{Body, Command, Evidence, Note, Outcome, Problem, Standing, Tamper, Unreadable};
use sotto_shared::api::B64;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::codec::{Bytes, Codec, List};
use sotto_shared::crypto::hash::hash;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::{PublicKey, SignedBlob, verify};
use sotto_shared::envelope::content::lane_start;
use sotto_shared::id::{ChannelId, Head, RoomId};
use sotto_shared::log::room_log::{History, MemberRef, Role, RoomBody, RoomEntry, RoomGenesis, RoomKind, room_id};
use sotto_shared::log::user_log::{UserBody, possession_bytes};
use sotto_shared::testing::people::{Person, TestRoom, key};

use crate::eve::{
    act, entry, force, forge, newest_slot, plain_member, post, retell, signed, slot_frame, swapped_kem, without_words,
};
use crate::stage::{
    ADA, BOB, FrameRule, ReplyRule, Stage, eve_is_removed, has_words, keeps, pass_frame, pass_reply, wraps_of,
};

#[test]
fn a01_a_member_is_put_in() {
    for (case, by_fetch) in ["unsigned", "outsider", "rank", "direct"]
        .into_iter()
        .flat_map(|case| [(case, false), (case, true)])
    {
        block_on(async {
            let mut stage = Stage::new(&format!("a01 {case} {by_fetch}")).await;
            let (tea, den, duo) = (stage.tea, stage.den, stage.duo);
            let ada = stage.id("ada");
            let (eve, dan) = (stage.eve.clone(), stage.dan.clone());
            let relay = stage.world.relay();
            let (room, blob) = match case {
                // In the owner's name, but the relay has no key of hers.
                "unsigned" => {
                    let mut forged = entry(relay, tea, &eve, plain_member(eve.member_ref()));
                    forged.actor = ada;
                    forged.actor_dk = *relay.people.0[&ada].log.view().devices.keys().next().unwrap();
                    (tea, signed(&forged, &eve))
                }
                "outsider" => {
                    let body = plain_member(eve.member_ref());
                    (tea, signed(&entry(relay, tea, &eve, body), &eve))
                }
                // A plain member brings in somebody above herself.
                "rank" => {
                    let body = RoomBody::AddMember {
                        member: dan.member_ref(),
                        role: Role::Moderator,
                    };
                    (den, signed(&entry(relay, den, &eve, body), &eve))
                }
                _ => {
                    let body = plain_member(dan.member_ref());
                    (duo, signed(&entry(relay, duo, &eve, body), &eve))
                }
            };
            let intruder = if room == tea { &eve } else { &dan };
            if by_fetch {
                stage.world.go_offline(ADA);
                stage.world.settle().await;
            }
            let members = stage.world.browsers[ADA].members(room);
            force(stage.world.relay(), room, &blob);
            let seq = stage.world.relay().rooms[&room].entries.len() as u64 - 1;
            if by_fetch {
                // Told of it by where the room is said to stand.
                let frame: FrameRule = Box::new(move |_, _, mut frame| {
                    if let FromRelay::Welcome { rooms, .. } = &mut frame {
                        rooms.iter_mut().filter(|head| head.room_id == room).for_each(|head| {
                            head.seq = seq;
                            head.head = Head::from_bytes([7; 32]);
                        });
                    }
                    vec![frame]
                });
                stage.script(frame, pass_reply());
                stage.world.go_online(ADA);
            }
            stage.world.settle().await;
            let texts: &[&str] = if room == duo { &[] } else { &["first", "second"] };
            stage.assert_frozen(ADA, room, Tamper::InvalidEntry, texts, case).await;
            assert_eq!(stage.world.browsers[ADA].members(room), members, "{case}");
            let who = intruder.id();
            let added = |body: &Body| matches!(body, Body::Note(Note::Added { who: added, .. }) if *added == who);
            stage.world.read(ADA, room).await;
            assert!(!stage.world.browsers[ADA].rows().iter().any(added), "{case}");
            stage.assert_shut_out(intruder, case);
        });
    }
}

#[test]
fn a02_a_device_is_added_to_somebody_elses_log() {
    block_on(async {
        let mut stage = Stage::new("a02").await;
        let (bob, den) = (stage.id("bob"), stage.den);
        let eve = stage.eve.clone();
        let device = key("a02/device");
        let relay = stage.world.relay();
        let account = relay.people.0.get_mut(&bob).unwrap();
        let mut entry = eve.entry(UserBody::AddDevice {
            dk: device.public(),
            pop: device.sign(Label::DevicePossession, &possession_bytes(&bob, &device.public())),
            label: Bytes::default(),
        });
        (entry.user_id, entry.seq, entry.prev) = (bob, account.log.seq() + 1, account.log.head());
        let forged = Person::sign_entry(&entry, &eve.ik);
        account.entries.push(B64(forged.to_bytes()));
        let news = FromRelay::UserLog {
            user_id: bob,
            seq: entry.seq,
        };
        stage.tell("ada", vec![news]).await;
        let lie = Problem::ServerLied("the keys of bob".into());
        assert_eq!(stage.world.browsers[ADA].notices(), std::slice::from_ref(&lie));

        // Nor does it speak for him, by the hand of a member.
        let (dk, lane) = (device.public().key_id(), [5; 8]);
        let mut writer = eve.clone();
        writer.devices = vec![Arc::clone(&device)];
        let message = forge(stage.world.relay(), den, &writer, "bob's gift", |_, content| {
            (content.user_id, content.dk_id) = (bob, dk);
            (content.lane, content.prev_own) = (lane, lane_start(&dk, &lane));
        });
        post(stage.world.relay(), den, &message.header, &message.envelope);
        stage.world.settle().await;
        assert_eq!(stage.texts(ADA, den).await, ["first", "second"]);
        assert_eq!(stage.unreadable(ADA, den).await, [Unreadable::Damaged]);

        // A member's entry that names it leads to a log that cannot be had.
        let relay = stage.world.relay();
        let ulog_head = Head::from_bytes(hash(Label::UserEntryHash, &[&forged.body]));
        let member = MemberRef {
            user_id: bob,
            ulog_seq: entry.seq,
            ulog_head,
        };
        let cut = List::default();
        let body = RoomBody::UserUpdate { member, cut };
        let update = signed(&self::entry(relay, den, &eve, body), &eve);
        stage.script(pass_frame(), pass_reply());
        force(stage.world.relay(), den, &update);
        stage.world.settle().await;
        let texts = ["first", "second"];
        stage
            .assert_frozen(ADA, den, Tamper::Withholding, &texts, "named by an entry")
            .await;
        let asked = |ask: &&Request| matches!(ask, Request::UserLogsGet(ask) if ask.users.iter().any(|from| from.user_id == bob));
        let asked = stage.seen.borrow().requests.iter().filter(asked).count();
        assert!((2..10).contains(&asked), "asked so often: {asked}");
        stage.assert_shut_out(&eve, "named by an entry");
    });
}

/// The same before a room is there at all: it is asked for with patience, and not taken up.
#[test]
fn a02_a_new_room_names_a_log_that_cannot_be_had() {
    block_on(async {
        let mut stage = Stage::new("a02 new").await;
        let (bob, eve) = (stage.id("bob"), stage.eve.clone());
        let log = stage.world.relay().people.0[&bob].log.clone();
        let mut genesis = TestRoom::genesis_of(&eve, RoomKind::Direct, &[&stage.dan], History::Shared);
        genesis.members = List::new(vec![MemberRef {
            user_id: bob,
            ulog_seq: log.seq() + 1,
            ulog_head: Head::from_bytes([8; 32]),
        }])
        .unwrap();
        let body = genesis.to_bytes();
        let room = room_id(&body);
        let sig = eve.device().sign(Label::RoomLog, &body);
        let frame = FromRelay::Log {
            room_id: room,
            from_seq: 0,
            entries: vec![B64(SignedBlob { body, sig }.to_bytes())],
        };
        stage.script(pass_frame(), pass_reply());
        stage.tell("bob", vec![frame]).await;
        for _ in 0..3 {
            stage.world.advance(5_000);
            stage.world.settle().await;
        }
        let asked = |ask: &&Request| matches!(ask, Request::UserLogsGet(ask) if ask.users.iter().any(|from| from.user_id == bob));
        let asked = stage.seen.borrow().requests.iter().filter(asked).count();
        assert!((2..10).contains(&asked), "asked so often: {asked}");
        assert_eq!(stage.world.browsers[BOB].room(room), None);
        stage.world.say(BOB, stage.tea, "third").await;
        assert_eq!(stage.texts(ADA, stage.tea).await, ["first", "second", "third"]);
    });
}

#[test]
fn a03_a_key_for_wraps_is_swapped() {
    for (handle, case) in [
        ("bob", "genesis"),
        ("bob", "entry"),
        ("bob", "log"),
        ("bob", "person"),
        // Somebody Ada has never met.
        ("dan", "genesis"),
        ("dan", "entry"),
        ("dan", "log"),
    ] {
        block_on(async {
            let mut stage = Stage::new(&format!("a03 {handle} {case}")).await;
            let eve = stage.eve.clone();
            let reply: ReplyRule = Box::new(move |relay, _, request, reply| match request {
                Request::UserFind(ask) if ask.handle == handle => {
                    Reply::UserFind(swapped_kem(relay, handle, &eve, case))
                }
                _ => reply,
            });
            stage.script(pass_frame(), reply);
            let rooms = stage.world.relay().rooms.len();
            let handles = vec![handle.to_owned()];
            let commands = [
                Command::OpenDirect {
                    handle: handle.to_owned(),
                },
                Command::CreateGroup {
                    name: "Trap".into(),
                    handles: handles.clone(),
                },
                Command::AddPeople {
                    room: stage.duo,
                    handles,
                },
            ];
            for command in commands {
                let refused = stage.world.run(ADA, command).await;
                let lie = Problem::ServerLied(format!("the keys of {handle}"));
                assert_eq!(refused, Err(lie), "{handle}, {case}");
            }
            assert_eq!(stage.world.relay().rooms.len(), rooms, "{handle}, {case}");
            let seen = stage.seen.borrow();
            assert!(
                seen.requests.iter().flat_map(wraps_of).next().is_none(),
                "{handle}, {case}: no wrap for anybody"
            );
        });
    }
}

#[test]
fn a04_a_bit_of_an_entry_is_flipped() {
    for case in ["role", "target", "actor", "time", "signature"] {
        block_on(async {
            let mut stage = Stage::new(&format!("a04 {case}")).await;
            let (den, eve, bob) = (stage.den, stage.eve.clone(), stage.id("bob"));
            let frame: FrameRule = Box::new(move |_, to, mut frame| {
                if let FromRelay::Log { entries, .. } = &mut frame
                    && to.browser == BOB
                {
                    let mut blob = SignedBlob::from_bytes(&entries[0].0).unwrap();
                    let mut entry = RoomEntry::from_bytes(&blob.body).unwrap();
                    match (case, &mut entry.body) {
                        ("role", RoomBody::AddMember { role, .. }) => *role = Role::Moderator,
                        ("target", RoomBody::AddMember { member, .. }) => *member = eve.member_ref(),
                        ("actor", _) => entry.actor = bob,
                        ("time", _) => entry.ts += 1,
                        _ => blob.sig[40] ^= 1,
                    }
                    blob.body = entry.to_bytes();
                    entries[0] = B64(blob.to_bytes());
                }
                vec![frame]
            });
            stage.script(frame, pass_reply());
            let handles = vec!["dan".to_owned()];
            let command = Command::AddPeople { room: den, handles };
            assert_eq!(stage.world.run(ADA, command).await, Ok(Outcome::Done));
            // Ada did give Dan the key: what follows is about Bob.
            stage.seen.borrow_mut().requests.clear();
            stage
                .assert_frozen(BOB, den, Tamper::InvalidEntry, &["first", "second"], case)
                .await;
            assert_eq!(stage.world.browsers[BOB].members(den), ["ada", "bob", "eve"], "{case}");
            stage.assert_shut_out(&stage.dan, case);
        });
    }
}

#[test]
fn a04_a_bit_of_a_genesis_is_flipped() {
    block_on(async {
        let mut stage = Stage::new("a04 genesis").await;
        let frame: FrameRule = Box::new(|_, to, mut frame| {
            if let FromRelay::Log {
                entries, from_seq: 0, ..
            } = &mut frame
                && to.browser == BOB
            {
                let mut blob = SignedBlob::from_bytes(&entries[0].0).unwrap();
                let mut genesis = RoomGenesis::from_bytes(&blob.body).unwrap();
                genesis.policy.history = History::Joined;
                blob.body = genesis.to_bytes();
                entries[0] = B64(blob.to_bytes());
            }
            vec![frame]
        });
        stage.script(frame, pass_reply());
        let room = stage.world.group(ADA, "New", &["bob"]).await;
        assert_eq!(stage.world.browsers[BOB].room(room), None, "not taken up");
        assert_eq!(stage.send(BOB, room, "hello?").await, Err(Problem::RoomClosed));
    });
}

#[test]
fn a05_an_old_addition_is_replayed() {
    block_on(async {
        let mut stage = Stage::new("a05").await;
        let den = stage.den;
        let old = eve_is_removed(&mut stage).await;
        let blob = SignedBlob::from_bytes(&old.0).unwrap();
        let seq = RoomEntry::from_bytes(&blob.body).unwrap().seq;
        stage.script(pass_frame(), pass_reply());
        // Under its own number it says nothing new.
        let again = FromRelay::Log {
            room_id: den,
            from_seq: seq,
            entries: vec![old],
        };
        stage.world.relay().tell_room(&den, &again);
        stage.world.settle().await;
        for browser in [ADA, BOB] {
            assert_eq!(stage.standing(browser, den), Standing::Open);
            assert_eq!(stage.world.browsers[browser].members(den), ["ada", "bob"]);
        }
        force(stage.world.relay(), den, &blob);
        stage.world.settle().await;
        for browser in [ADA, BOB] {
            let texts = ["first", "second"];
            stage
                .assert_frozen(browser, den, Tamper::InvalidEntry, &texts, "replayed")
                .await;
            assert_eq!(stage.world.browsers[browser].members(den), ["ada", "bob"]);
        }
        stage.assert_shut_out(&stage.eve, "replayed");
    });
}

/// Bob hears nothing of a log from entry `from` on.
fn withhold_log(room: RoomId, from: u64) -> (FrameRule, ReplyRule) {
    let frame: FrameRule = Box::new(move |_, to, mut frame| {
        match &mut frame {
            FromRelay::Log { room_id, from_seq, .. } if to.browser == BOB && *room_id == room && *from_seq >= from => {
                return Vec::new();
            }
            FromRelay::Welcome { rooms, .. } if to.browser == BOB => rooms.retain(|head| head.room_id != room),
            _ => {}
        }
        vec![frame]
    });
    let reply: ReplyRule = Box::new(move |_, to, request, mut reply| {
        if let (Request::RoomLogGet(ask), Reply::RoomLogGet(log)) = (request, &mut reply)
            && to.browser == BOB
            && ask.room_id == room
        {
            log.seq = log.seq.min(from - 1);
            log.entries.truncate(from.saturating_sub(ask.from_seq) as usize);
        }
        reply
    });
    (frame, reply)
}

#[test]
fn a06_a_removal_is_withheld() {
    block_on(async {
        let mut stage = Stage::new("a06").await;
        let den = stage.den;
        let from = stage.world.relay().rooms[&den].entries.len() as u64;
        let (frame, reply) = withhold_log(den, from);
        stage.script(frame, reply);
        eve_is_removed(&mut stage).await;
        assert_eq!(stage.world.browsers[BOB].members(den), ["ada", "bob", "eve"]);
        stage.world.say(ADA, den, "she is gone").await;
        let texts = ["first", "second"];
        stage.assert_frozen(BOB, den, Tamper::Withholding, &texts, "live").await;
        assert_eq!(stage.standing(ADA, den), Standing::Open);
        stage.assert_shut_out(&stage.eve, "live");
    });
}

/// Nobody goes, so the key stays; what names the entry waits, be it by a member who is known or by the one who is not.
/// Nothing is sent meanwhile, unless the person wants to; when the entry comes, all is well.
#[test]
fn a06_an_addition_is_withheld() {
    for case in [
        "the new one writes",
        "a member writes",
        "a member looks",
        "the person goes on",
    ] {
        block_on(async {
            let mut stage = Stage::new(&format!("a06 {case}")).await;
            let (den, dan) = (stage.den, stage.dan.clone());
            let from = stage.world.relay().rooms[&den].entries.len() as u64;
            let (frame, reply) = withhold_log(den, from);
            stage.script(frame, reply);
            let handles = vec!["dan".to_owned()];
            let command = Command::AddPeople { room: den, handles };
            assert_eq!(stage.world.run(ADA, command).await, Ok(Outcome::Done));
            let mut by = Some(stage.id("ada"));
            let mut texts = vec!["first", "second"];
            match case {
                "the new one writes" => {
                    let message = forge(stage.world.relay(), den, &dan, "hello from dan", |_, _| {});
                    post(stage.world.relay(), den, &message.header, &message.envelope);
                    stage.world.settle().await;
                    // Bob does not know that browser, so it may be anybody's.
                    by = None;
                    texts.push("hello from dan");
                }
                "a member writes" => {
                    stage.world.say(ADA, den, "welcome").await;
                    texts.push("welcome");
                }
                _ => stage.look(ADA, den).await,
            }
            stage.wait().await;
            assert_eq!(stage.texts(ADA, den).await, texts, "{case}");
            assert_eq!(stage.texts(BOB, den).await, ["first", "second"], "{case}");
            let waits = vec![Unreadable::KeyOnTheWay; texts.len() - 2];
            assert_eq!(stage.unreadable(BOB, den).await, waits, "{case}");
            assert_eq!(stage.world.browsers[BOB].members(den), ["ada", "bob", "eve"]);
            let standing = Standing::Withheld { by };
            assert_eq!(stage.standing(BOB, den), standing, "{case}");
            assert_eq!(
                stage.send(BOB, den, "unwitting").await,
                Err(Problem::RoomClosed),
                "{case}"
            );
            stage.world.reload(BOB);
            stage.world.settle().await;
            assert_eq!(stage.standing(BOB, den), standing, "{case}, after a reload");
            if case == "the person goes on" {
                let command = Command::GoOn { room: den };
                assert_eq!(stage.world.run(BOB, command).await, Ok(Outcome::Done));
                assert_eq!(stage.standing(BOB, den), Standing::Open, "{case}");
            }
            stage.script(pass_frame(), pass_reply());
            stage.reconnect(BOB).await;
            stage.wait().await;
            assert_eq!(stage.standing(BOB, den), Standing::Open, "{case}");
            assert_eq!(stage.texts(BOB, den).await, texts, "{case}");
            assert_eq!(stage.world.browsers[BOB].members(den), ["ada", "bob", "dan", "eve"]);
            stage.world.say(BOB, den, "so it is").await;
        });
    }
}

/// What somebody said before, said again by the server, does not take back what they said since.
#[test]
fn a06_an_old_beacon_takes_nothing_back() {
    block_on(async {
        let mut stage = Stage::new("a06 again").await;
        let den = stage.den;
        stage.script(pass_frame(), pass_reply());
        stage.look(ADA, den).await;
        let said = stage.seen.borrow().sent.last().unwrap().clone();
        let old = FromRelay::Ephemeral {
            room_id: den,
            channel: ChannelId::MAIN,
            header: said.header,
            envelope: said.envelope,
        };
        let from = stage.world.relay().rooms[&den].entries.len() as u64;
        let (frame, reply) = withhold_log(den, from);
        stage.script(frame, reply);
        let handles = vec!["dan".to_owned()];
        let command = Command::AddPeople { room: den, handles };
        assert_eq!(stage.world.run(ADA, command).await, Ok(Outcome::Done));
        stage.world.advance(61_000);
        stage.world.settle().await;
        stage.look(ADA, den).await;
        stage.wait().await;
        let ada = stage.id("ada");
        assert_eq!(stage.standing(BOB, den), Standing::Withheld { by: Some(ada) });
        stage.tell("bob", vec![old]).await;
        stage.wait().await;
        assert_eq!(stage.standing(BOB, den), Standing::Withheld { by: Some(ada) });
        assert_eq!(stage.send(BOB, den, "unwitting").await, Err(Problem::RoomClosed));
    });
}

/// Nobody's word can be read, but that there is a newer key can be seen.
#[test]
fn a06_a_removal_is_withheld_from_somebody_who_hears_a_beacon() {
    a06_a_removal_comes_out("beacon");
}

#[test]
fn a06_a_removal_is_withheld_from_somebody_who_hears_a_receipt() {
    a06_a_removal_comes_out("receipt");
}

fn a06_a_removal_comes_out(by: &str) {
    block_on(async {
        let mut stage = Stage::new(&format!("a06 {by}")).await;
        let den = stage.den;
        let from = stage.world.relay().rooms[&den].entries.len() as u64;
        let (mut frame, reply) = withhold_log(den, from);
        if by == "receipt" {
            frame = without_words(BOB, frame);
        }
        stage.script(frame, reply);
        eve_is_removed(&mut stage).await;
        if by == "receipt" {
            stage.read(ADA, den).await;
        } else {
            stage.look(ADA, den).await;
        }
        stage.wait().await;
        assert_eq!(stage.standing(BOB, den), Standing::Withheld { by: None });
        assert_eq!(stage.send(BOB, den, "unwitting").await, Err(Problem::RoomClosed));
        stage.assert_shut_out(&stage.eve, by);
        stage.script(pass_frame(), pass_reply());
        stage.reconnect(BOB).await;
        stage.wait().await;
        assert_eq!(stage.standing(BOB, den), Standing::Open);
        assert_eq!(stage.world.browsers[BOB].members(den), ["ada", "bob"]);
    });
}

#[test]
fn a07_two_forks_of_a_log() {
    for case in ["message", "entry", "head", "beacon", "receipt"] {
        block_on(async {
            let mut stage = Stage::new(&format!("a07 {case}")).await;
            let den = stage.den;
            let other = stage.world.fork(&[BOB]);
            for browser in [ADA, BOB] {
                let handles = vec!["dan".to_owned()];
                let command = Command::AddPeople { room: den, handles };
                assert_eq!(stage.world.run(browser, command).await, Ok(Outcome::Done));
            }
            stage.script(pass_frame(), pass_reply());
            let (frame, reply) = (pass_frame(), pass_reply());
            match case {
                "message" => {
                    stage.world.say(BOB, den, "from the other side").await;
                    stage.script(frame, reply);
                    retell(&mut stage.world, other, 0, den, &[3]).await;
                }
                "entry" => {
                    let entries = stage.world.relays[other].rooms[&den].entries.clone();
                    let from_seq = entries.len() as u64 - 1;
                    let frame = FromRelay::Log {
                        room_id: den,
                        from_seq,
                        entries: entries[from_seq as usize..].to_vec(),
                    };
                    stage.tell("ada", vec![frame]).await;
                }
                "beacon" => {
                    stage.look(BOB, den).await;
                    let said = stage.seen.borrow().sent.last().unwrap().clone();
                    let frame = FromRelay::Ephemeral {
                        room_id: den,
                        channel: ChannelId::MAIN,
                        header: said.header,
                        envelope: said.envelope,
                    };
                    stage.script(pass_frame(), pass_reply());
                    stage.tell("ada", vec![frame]).await;
                }
                "receipt" => {
                    stage.read(BOB, den).await;
                    let said = newest_slot(&stage.seen.borrow());
                    stage.script(pass_frame(), pass_reply());
                    stage.tell("ada", vec![slot_frame(den, &said)]).await;
                }
                _ => {
                    stage.world.browsers[ADA].relay = other;
                    stage.reconnect(ADA).await;
                }
            }
            let texts = ["first", "second"];
            stage.assert_frozen(ADA, den, Tamper::Fork, &texts, case).await;
            let evidence = stage.evidence(ADA, den).await.expect("what shows it");
            assert_ne!(evidence.ours, evidence.theirs, "{case}");
            assert!(evidence.about_log, "{case}");
            let is_signed = matches!(case, "message" | "beacon" | "receipt");
            assert_eq!(evidence.by, is_signed.then_some(stage.id("bob")), "{case}");
            assert_statements(&evidence, is_signed, case);
            assert_eq!(evidence.with_words, case == "message", "{case}");
            let words = "from the other side";
            assert!(!has_words(evidence.file.as_bytes(), words), "{case}");
            assert!(!keeps(&stage, ADA, words), "{case}");
            stage.assert_shut_out(&stage.eve, case);
        });
    }
}

/// Nobody has to keep a room that is stopped.
#[test]
fn a07_a_room_that_is_stopped_can_be_left() {
    for case in ["messages", "log"] {
        block_on(async {
            let mut stage = Stage::new(&format!("a07 left {case}")).await;
            let (den, eve) = (stage.den, stage.eve.clone());
            if case == "messages" {
                let relay = stage.world.relay();
                let forged = forge(relay, den, &eve, "fork", |_, content| {
                    content.seen_t = Head::from_bytes([3; 32])
                });
                post(relay, den, &forged.header, &forged.envelope);
            } else {
                let relay = stage.world.relay();
                let body = RoomBody::Unban { user_id: eve.id() };
                let blob = signed(&entry(relay, den, &eve, body), &eve);
                force(relay, den, &blob);
            }
            stage.world.settle().await;
            let leave = || Command::LeaveRoom { room: den };
            for browser in [ADA, BOB] {
                assert!(matches!(stage.standing(browser, den), Standing::Frozen(_)), "{case}");
                assert_eq!(stage.world.run(browser, leave()).await, Ok(Outcome::Done), "{case}");
                assert!(stage.world.browsers[browser].room(den).is_none(), "{case}");
                stage.world.reload(browser);
                stage.world.settle().await;
                assert!(
                    stage.world.browsers[browser].room(den).is_none(),
                    "{case}, after a reload"
                );
                assert_eq!(
                    stage.world.run(browser, leave()).await,
                    Ok(Outcome::Done),
                    "{case}, again"
                );
            }
            if case == "messages" {
                // The log was well, and could be told; Ada is its only owner and stays in it.
                let bob = stage.id("bob");
                let state = &stage.world.relay().rooms[&den].state;
                assert!(!state.members.contains_key(&bob) && state.members.len() == 2);
            }
        });
    }
}

/// Nor one of which something is held back.
#[test]
fn a06_a_room_whose_changes_are_withheld_can_be_left() {
    block_on(async {
        let mut stage = Stage::new("a06 left").await;
        let den = stage.den;
        let from = stage.world.relay().rooms[&den].entries.len() as u64;
        let (frame, reply) = withhold_log(den, from);
        stage.script(frame, reply);
        eve_is_removed(&mut stage).await;
        stage.look(ADA, den).await;
        stage.wait().await;
        assert_eq!(stage.standing(BOB, den), Standing::Withheld { by: None });
        let leave = Command::LeaveRoom { room: den };
        assert_eq!(stage.world.run(BOB, leave).await, Ok(Outcome::Done));
        assert!(stage.world.browsers[BOB].room(den).is_none());
        stage.world.reload(BOB);
        stage.world.settle().await;
        assert!(stage.world.browsers[BOB].room(den).is_none());
        // Brought in again, Bob is back.
        stage.script(pass_frame(), pass_reply());
        stage.reconnect(BOB).await;
        stage.wait().await;
        let user = stage.id("bob");
        assert_eq!(
            stage.world.run(ADA, Command::RemovePerson { room: den, user }).await,
            Ok(Outcome::Done)
        );
        let handles = vec!["bob".to_owned()];
        let add = Command::AddPeople { room: den, handles };
        assert_eq!(stage.world.run(ADA, add).await, Ok(Outcome::Done));
        stage.wait().await;
        assert_eq!(stage.standing(BOB, den), Standing::Open);
    });
}

/// What one tab has found out another one that knows nothing of it does not undo.
#[test]
fn a07_a_room_stays_stopped_whatever_another_tab_keeps() {
    block_on(async {
        let mut stage = Stage::new("a07 tabs").await;
        let den = stage.den;
        let tab = stage.world.tab(ADA);
        stage.world.reload(tab);
        stage.world.settle().await;
        let other = stage.world.fork(&[BOB]);
        for browser in [ADA, BOB] {
            let handles = vec!["dan".to_owned()];
            let command = Command::AddPeople { room: den, handles };
            assert_eq!(stage.world.run(browser, command).await, Ok(Outcome::Done));
        }
        stage.world.browsers[ADA].relay = other;
        stage.reconnect(ADA).await;
        assert_eq!(stage.standing(ADA, den), Standing::Frozen(Tamper::Fork));
        assert_eq!(stage.standing(tab, den), Standing::Open);
        let kept = |stage: &Stage| stage.world.browsers[tab].disk.borrow().records[&Key::Room(den)].clone();
        let before = kept(&stage);
        let remove = Command::RemovePerson {
            room: den,
            user: stage.id("dan"),
        };
        assert_eq!(stage.world.run(tab, remove).await, Ok(Outcome::Done));
        assert_ne!(kept(&stage), before, "the tab kept the room anew");
        for browser in [ADA, tab] {
            stage.world.reload(browser);
            stage.world.settle().await;
            assert_eq!(stage.standing(browser, den), Standing::Frozen(Tamper::Fork));
            assert!(stage.evidence(browser, den).await.is_some());
        }
    });
}

/// Everything in a file of evidence that says it is signed is.
fn assert_statements(evidence: &Evidence, by_both: bool, case: &str) {
    let file: serde_json::Value = serde_json::from_str(&evidence.file).unwrap();
    let theirs = &file["cause"]["signed"];
    assert_eq!(!theirs.is_null(), by_both, "{case}");
    // What was said with words has the message's name in the place of a signature.
    assert_eq!(theirs["message"].is_string(), evidence.with_words, "{case}");
    let theirs = if evidence.with_words {
        &serde_json::Value::Null
    } else {
        theirs
    };
    for signed in [theirs, &file["ours"]].into_iter().filter(|signed| !signed.is_null()) {
        let bytes = |name: &str| serde_json::from_value::<B64>(signed[name].clone()).unwrap().0;
        let key = PublicKey::from_bytes(&bytes("key")).unwrap();
        let sig = bytes("sig").try_into().unwrap();
        assert!(verify(&key, Label::Message, &bytes("content"), &sig).is_ok(), "{case}");
    }
}

#[test]
fn a08_entries_are_reordered() {
    for by_fetch in [false, true] {
        block_on(async {
            let mut stage = Stage::new(&format!("a08 {by_fetch}")).await;
            let den = stage.den;
            // A removal and the new room key are appended together.
            let frame: FrameRule = Box::new(move |_, to, mut frame| {
                if let FromRelay::Log { entries, from_seq, .. } = &mut frame
                    && to.browser == BOB
                    && *from_seq > 0
                {
                    entries.reverse();
                }
                vec![frame]
            });
            let reply: ReplyRule = Box::new(move |_, _, request, mut reply| {
                if let (Request::RoomLogGet(ask), Reply::RoomLogGet(log)) = (request, &mut reply)
                    && ask.room_id == den
                    && by_fetch
                {
                    log.entries.reverse();
                }
                reply
            });
            stage.script(frame, reply);
            if by_fetch {
                stage.world.go_offline(BOB);
                stage.world.settle().await;
            }
            eve_is_removed(&mut stage).await;
            stage.world.go_online(BOB);
            stage.world.settle().await;
            let texts = ["first", "second"];
            stage
                .assert_frozen(BOB, den, Tamper::InvalidEntry, &texts, "reordered")
                .await;
            stage.assert_shut_out(&stage.eve, "reordered");
        });
    }
}

#[test]
fn a32_a_changed_log_is_hidden_from_a_contact() {
    for case in ["revoked", "rotated"] {
        block_on(async {
            let mut stage = Stage::new(&format!("a32 {case}")).await;
            let (den, mut eve) = (stage.den, stage.eve.clone());
            let id = eve.id();
            let reply: ReplyRule = Box::new(move |_, to, _, mut reply| {
                if let Reply::UserLogsGet(reply) = &mut reply
                    && to.browser == BOB
                {
                    // There is nothing behind what he has.
                    for body in reply.logs.iter_mut().filter(|body| body.user_id == id) {
                        body.entries.clear();
                    }
                }
                reply
            });
            stage.script(pass_frame(), reply);
            if case == "revoked" {
                eve.add_device();
                eve.revoke(1);
            } else {
                eve.rotate_kem();
            }
            stage.world.relay().enlist(&eve);
            let member = eve.member_ref();
            let cut = List::default();
            act(stage.world.relay(), den, &eve, RoomBody::UserUpdate { member, cut });
            stage.world.settle().await;
            let texts = ["first", "second"];
            stage.assert_frozen(BOB, den, Tamper::Withholding, &texts, case).await;
            stage.assert_shut_out(&eve, case);
            // Who is told of it changes the key before anything else.
            stage.world.say(ADA, den, "third").await;
            assert_eq!(stage.world.relay().rooms[&den].state.epoch_number(), 2, "{case}");
        });
    }
}
