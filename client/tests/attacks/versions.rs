//! Older versions, other suites, and what nobody asked for.

use std::sync::Arc;

use futures_lite::future::block_on;
use sotto_client::engine::{Reply, Request};
use sotto_client::view::{Outcome, Problem, Standing, Tamper};
use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::codec::{Bytes, Codec, List};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::id::{ChannelId, MessageId, RoomId, UserId};
use sotto_shared::log::room_log::{EpochReason, History, MemberRef, Policy, Role, RoomBody, RoomKind, room_id};
use sotto_shared::testing::people::TestRoom;

use crate::eve::{entry, force, forge, owners_entry};
use crate::stage::{ADA, BOB, CYD, ReplyRule, Stage, assert_damaged, assert_nobody, new_browser, pass_frame};

#[test]
fn a33_an_older_suite_or_version() {
    for case in ["suite 0", "suite 2", "version", "tag", "policy"] {
        block_on(async {
            let mut stage = Stage::new(&format!("a33 {case}")).await;
            let (den, eve) = (stage.den, stage.eve.clone());
            let relay = stage.world.relay();
            let state = &relay.rooms[&den].state;
            let epoch = |suite| RoomBody::Epoch {
                n: state.epoch_number() + 1,
                suite,
                commit: [1; 32],
                roster_hash: state.roster_hash(),
                reason: EpochReason::Age,
                backlink: Bytes::new(vec![1; 104]).unwrap(),
            };
            let body = match case {
                "suite 0" => epoch(0),
                "suite 2" => epoch(2),
                "policy" => RoomBody::SetPolicy {
                    policy: Policy {
                        suite: 0,
                        history: History::Shared,
                    },
                },
                _ => RoomBody::SetTtl { seconds: 60, after: 0 },
            };
            // What only an owner may do the owner signs: otherwise it is refused for her rank.
            let (mut bytes, key) = match case {
                "suite 0" | "suite 2" => (entry(relay, den, &eve, body).to_bytes(), Arc::clone(eve.device())),
                _ => {
                    let (entry, key) = owners_entry(&mut stage, body);
                    (entry.to_bytes(), key)
                }
            };
            match case {
                "version" => bytes[2] = 0,
                "tag" => bytes[1] ^= 1,
                _ => {}
            }
            let sig = key.sign(Label::RoomLog, &bytes);
            force(stage.world.relay(), den, &SignedBlob { body: bytes, sig });
            stage.world.settle().await;
            for browser in [ADA, BOB] {
                let texts = ["first", "second"];
                stage
                    .assert_frozen(browser, den, Tamper::InvalidEntry, &texts, case)
                    .await;
            }
            stage.assert_shut_out(&eve, case);
        });
    }
}

#[test]
fn a33_a_message_a_room_and_a_relay_of_another_suite() {
    block_on(async {
        let mut stage = Stage::new("a33 others").await;
        let (den, eve) = (stage.den, stage.eve.clone());
        let relay = stage.world.relay();
        let forgeries = [("suite 0", 0), ("suite 2", 2)].map(|(case, suite)| {
            let message = forge(relay, den, &eve, case, |header, _| header.suite = suite);
            (case, message.header, message.envelope)
        });
        assert_damaged(&mut stage, den, forgeries.to_vec()).await;

        // A member's room of a suite that nobody here has.
        let relay = stage.world.relay();
        let (ada_id, account) = relay.people.find("ada").unwrap();
        let ada = MemberRef {
            user_id: *ada_id,
            ulog_seq: account.log.seq(),
            ulog_head: account.log.head(),
        };
        let mut genesis = TestRoom::genesis_of(&eve, RoomKind::Direct, &[&stage.dan], History::Shared);
        genesis.members = List::new(vec![ada]).unwrap();
        genesis.policy.suite = 2;
        let body = genesis.to_bytes();
        let room = room_id(&body);
        let blob = SignedBlob {
            sig: eve.device().sign(Label::RoomLog, &body),
            body,
        };
        let frame = FromRelay::Log {
            room_id: room,
            from_seq: 0,
            entries: vec![B64(blob.to_bytes())],
        };
        stage.tell("ada", vec![frame]).await;
        assert_eq!(stage.world.browsers[ADA].room(room), None, "not taken up");

        // Another version of the protocol.
        let reply: ReplyRule = Box::new(|_, _, _, mut reply| {
            if let Reply::Info(info) = &mut reply {
                info.api = 0;
            }
            reply
        });
        stage.script(pass_frame(), reply);
        let (browser, answer) = new_browser(&mut stage).await;
        assert_eq!(answer, Err(Problem::OldPage));
        assert_nobody(&stage, browser, "version");
        let start = |ask: &Request| matches!(ask, Request::SignInStart(_));
        assert!(!stage.seen.borrow().requests.iter().any(start));
    });
}

#[test]
fn a34_rooms_and_frames_that_nobody_asked_for() {
    block_on(async {
        let mut stage = Stage::new("a34").await;
        let (tea, eve, dan) = (stage.tea, stage.eve.clone(), stage.dan.clone());
        let rooms = stage.world.browsers[ADA].rooms();
        // A room that Ada is not in.
        let mut strangers = TestRoom::group(&eve);
        strangers.add(&eve, &dan, Role::Member).unwrap();
        strangers.epoch(&eve).unwrap();
        let blobs = std::iter::once(&strangers.genesis).chain(&strangers.blobs);
        let entries: Vec<B64> = blobs.map(|blob| B64(blob.to_bytes())).collect();
        let theirs = strangers.id();
        let sealed = strangers.seal_text(&eve, "psst");
        let message = |room_id, seq, channel| FromRelay::Message {
            room_id,
            channel,
            message: StoredMessage {
                seq,
                header: B64(sealed.header.clone()),
                envelope: B64(sealed.envelope.clone()),
                gone: None,
            },
        };
        let nowhere = RoomId::from_bytes([3; 32]);
        let log = |room_id, from_seq, entries: &[B64]| FromRelay::Log {
            room_id,
            from_seq,
            entries: entries.to_vec(),
        };
        let next = stage.world.relay().rooms[&tea].messages.len() as u64 + 1;
        let frames = vec![
            log(theirs, 0, &entries),
            log(theirs, 1, &entries[1..]),
            // Another room's log under an id of its own, and one that begins in the middle.
            log(nowhere, 0, &entries),
            log(nowhere, 5, &entries),
            log(nowhere, u64::MAX, &entries),
            log(nowhere, 0, &[]),
            message(theirs, 1, ChannelId::MAIN),
            message(nowhere, u64::MAX, ChannelId::MAIN),
            message(tea, next, ChannelId::from_bytes([1; 16])),
            message(tea, 0, ChannelId::MAIN),
            FromRelay::Wraps { room_id: nowhere },
            FromRelay::Wraps { room_id: tea },
            FromRelay::UserLog {
                user_id: UserId::from_bytes([4; 32]),
                seq: u64::MAX,
            },
            FromRelay::Refused {
                room_id: tea,
                msg_id: MessageId::from_bytes([5; 16]),
                code: ErrorCode::Internal,
                retry_secs: Some(u32::MAX),
            },
            FromRelay::Refused {
                room_id: nowhere,
                msg_id: MessageId::from_bytes([5; 16]),
                code: ErrorCode::WrongEpoch,
                retry_secs: None,
            },
            FromRelay::Pong,
        ];
        for frame in frames {
            let case = format!("{frame:?}");
            stage.tell("ada", vec![frame]).await;
            assert_eq!(stage.world.browsers[ADA].rooms(), rooms, "{case}");
            assert_eq!(stage.standing(ADA, tea), Standing::Open, "{case}");
            assert_eq!(stage.world.browsers[ADA].notices(), [], "{case}");
        }
        for room in [theirs, nowhere] {
            assert_eq!(stage.send(ADA, room, "hello").await, Err(Problem::RoomClosed));
        }
        assert_eq!(stage.texts(ADA, tea).await, ["first", "second"]);
        assert_eq!(stage.unreadable(ADA, tea).await, []);
        stage.world.say(ADA, tea, "third").await;
        assert_eq!(stage.texts(BOB, tea).await, ["first", "second", "third"]);
        stage.assert_shut_out(&eve, "unasked");
    });
}

/// A number that no room has: what is named and not given is withheld.
#[test]
fn a34_numbers_out_of_this_world() {
    for seq in [1 << 40, u64::MAX - 1, u64::MAX] {
        block_on(async {
            let mut stage = Stage::new(&format!("a34 {seq}")).await;
            let tea = stage.tea;
            let reply: ReplyRule = Box::new(move |_, to, _, mut reply| {
                if let Reply::PageGet(page) = &mut reply
                    && to.browser > CYD
                {
                    page.before.seq = seq - 1;
                    for (at, message) in page.messages.iter_mut().enumerate() {
                        message.seq = seq.wrapping_add(at as u64);
                    }
                    page.head.seq = seq;
                }
                reply
            });
            stage.script(pass_frame(), reply);
            if seq > 1 << 53 {
                let (browser, answer) = new_browser(&mut stage).await;
                assert_eq!(answer, Ok(Outcome::Done));
                assert_eq!(stage.standing(browser, tea), Standing::Frozen(Tamper::Withholding));
                assert_eq!(stage.texts(browser, tea).await, Vec::<String>::new());
            }
            let mut message = stage.world.relay().rooms[&tea].messages[1].clone();
            message.seq = seq;
            let frame = FromRelay::Message {
                room_id: tea,
                channel: ChannelId::MAIN,
                message,
            };
            stage.tell("ada", vec![frame]).await;
            let texts = ["first", "second"];
            stage
                .assert_frozen(ADA, tea, Tamper::Withholding, &texts, "number")
                .await;
        });
    }
}
