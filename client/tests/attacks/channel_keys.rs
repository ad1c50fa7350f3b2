//! Keys of private channels: kept back, handed to others, asked for by others, and what somebody who is gone still opens.

use futures_lite::future::block_on;
use sotto_client::engine::{Reply, Request};
use sotto_client::view::{Command, Outcome, Standing, Tamper};
use sotto_shared::api::B64;
use sotto_shared::api::body::{Wrap, WrapsPut};
use sotto_shared::api::frame::FromRelay;
use sotto_shared::codec::{Bytes, Codec};
use sotto_shared::crypto::epoch::{Named, open_named};
use sotto_shared::crypto::kem::KeyRequest;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::secret::EpochSecret;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::id::{ChannelId, UserId};
use sotto_shared::log::room_log::{EpochReason, RoomBody, RoomEntry, SUITE_1};
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::people::Person;

use crate::club::{
    ADA, BOB, CYD, FrameRule, MINUTE, ReplyRule, Stage, damaged, pass_frame, pass_reply, people, say, text,
};

#[test]
fn the_new_key_of_a_private_channel_is_kept_back() {
    block_on(async {
        let mut stage = Stage::new("kept back").await;
        let (club, lair, eve) = (stage.club, stage.lair, stage.eve.id());
        let from = stage.world.relay().rooms[&club].entries.len() as u64;
        let frame: FrameRule = Box::new(move |_, to, frame| match &frame {
            FromRelay::Log { room_id, .. } if to.browser == BOB && *room_id == club => Vec::new(),
            FromRelay::Wraps { .. } if to.browser == BOB => Vec::new(),
            _ => vec![frame],
        });
        let reply: ReplyRule = Box::new(move |_, to, request, mut reply| {
            if let (Request::RoomLogGet(ask), Reply::RoomLogGet(log)) = (request, &mut reply)
                && to.browser == BOB
                && ask.room_id == club
            {
                log.seq = log.seq.min(from - 1);
                log.entries.truncate(from.saturating_sub(ask.from_seq) as usize);
            }
            reply
        });
        stage.script(frame, reply);
        let remove = Command::ChannelPeople {
            chat: lair,
            add: Vec::new(),
            remove: vec![eve],
        };
        stage.run(ADA, remove).await;
        // Bob does not know that she has gone, and has heard nothing that says so.
        say(&mut stage.world, ADA, lair, "without her").await;
        assert_eq!(stage.standing(BOB), Standing::Frozen(Tamper::Withholding));
        assert_eq!(stage.rows(BOB, lair).await, ["first", "second"]);
        let eve = Person::new("eve");
        assert_eq!(stage.opened_by(&eve), []);
        assert_eq!(stage.standing(ADA), Standing::Open);
    });
}

#[test]
fn wraps_of_private_channels_are_handed_to_others() {
    block_on(async {
        let mut stage = Stage::new("wraps").await;
        let (club, den, lair) = (stage.club, stage.den, stage.lair);
        let cyd = stage.world.browsers[CYD].me().unwrap();
        // Cyd is given bob's wraps as hers, and the frames of channels that she is not in; bob those of one channel for the other.
        let reply: ReplyRule = Box::new(move |relay, to, request, mut reply| {
            if let (Request::WrapsGet(ask), Reply::WrapsGet(wraps)) = (request, &mut reply)
                && ask.room_id == club
            {
                if to.user == Some(cyd) {
                    let others = relay.rooms[&club]
                        .wraps
                        .iter()
                        .filter(|wrap| wrap.channel != ChannelId::MAIN);
                    let as_hers = others.cloned().map(|wrap| Wrap { user_id: cyd, ..wrap });
                    wraps.wraps.extend(as_hers);
                } else {
                    for wrap in &mut wraps.wraps {
                        if wrap.channel == den.channel {
                            wrap.channel = lair.channel;
                        } else if wrap.channel == lair.channel {
                            wrap.channel = den.channel;
                        }
                    }
                }
            }
            reply
        });
        stage.script(pass_frame(), reply);
        let other = stage.world.sign_in("cyd").await;
        assert_eq!(
            stage.rows(other, stage.general).await,
            ["first", "second"],
            "her own still opens"
        );
        let message = stage.stored(den)[0].clone();
        let (room_id, channel) = (den.room, den.channel);
        let frame = FromRelay::Message {
            room_id,
            channel,
            message,
        };
        stage.world.relay().tell(&cyd, &frame);
        stage.world.settle().await;
        for browser in [CYD, other] {
            assert_eq!(stage.world.browsers[browser].chat(den), None);
            assert_eq!(stage.standing(browser), Standing::Open);
        }
        let late = stage.world.sign_in("bob").await;
        let rows = stage.rows(late, den).await;
        assert!(!rows.contains(&"first".to_owned()), "they do not open: {rows:?}");
        stage.script(pass_frame(), pass_reply());
        stage.world.advance(MINUTE);
        stage.world.settle().await;
        assert_eq!(
            stage.rows(late, den).await,
            ["first", "second"],
            "when it stops lying all is well"
        );
    });
}

#[test]
fn nobody_answers_for_a_private_channel_to_somebody_who_is_not_in_it() {
    block_on(async {
        let mut stage = Stage::new("requests").await;
        let (club, den, lair) = (stage.club, stage.den, stage.lair);
        let eve = stage.eve.id();
        let remove = Command::ChannelPeople {
            chat: lair,
            add: Vec::new(),
            remove: vec![eve],
        };
        stage.run(ADA, remove).await;
        stage.script(pass_frame(), pass_reply());
        for channel in [
            den.channel,
            lair.channel,
            stage.general.channel,
            ChannelId::from_bytes([9; 16]),
        ] {
            for n in 0..4 {
                let request = KeyRequest {
                    room_id: club,
                    channel,
                    n,
                    user_id: eve,
                    dk_id: stage.eve.device_id(),
                    ts: stage.world.now_ms,
                };
                let body = request.to_bytes();
                let sig = stage.eve.device().sign(Label::KeyRequest, &body);
                let request = B64(SignedBlob { body, sig }.to_bytes());
                let room_id = club;
                stage
                    .world
                    .relay()
                    .tell_room(&club, &FromRelay::KeyRequest { room_id, request });
                stage.world.settle().await;
            }
        }
        let is_wrap = |request: &Request| matches!(request, Request::WrapsPut(_));
        assert!(!stage.seen.borrow().requests.iter().any(is_wrap));
        // What she is in she is given: the same request would have been answered.
        let request = KeyRequest {
            room_id: club,
            channel: ChannelId::MAIN,
            n: 1,
            user_id: eve,
            dk_id: stage.eve.device_id(),
            ts: stage.world.now_ms,
        };
        let body = request.to_bytes();
        let sig = stage.eve.device().sign(Label::KeyRequest, &body);
        let request = B64(SignedBlob { body, sig }.to_bytes());
        let frame = FromRelay::KeyRequest { room_id: club, request };
        stage.world.relay().tell_room(&club, &frame);
        stage.world.settle().await;
        assert!(stage.seen.borrow().requests.iter().any(is_wrap));
    });
}

/// Nor does the relay take a key that somebody made up for a channel that they are not in.
#[test]
fn nobody_puts_wraps_for_a_private_channel_who_is_not_in_it() {
    block_on(async {
        let mut stage = Stage::new("foreign wraps").await;
        let (club, den) = (stage.club, stage.den);
        let bob = stage.world.browsers[BOB].me().unwrap();
        let taken = stage.world.relay().rooms[&club]
            .wraps
            .iter()
            .position(|wrap| wrap.channel == den.channel && wrap.user_id == bob);
        let wrap = stage
            .world
            .relay()
            .rooms
            .get_mut(&club)
            .unwrap()
            .wraps
            .remove(taken.unwrap());
        let before = stage.world.relay().rooms[&club].state.seq;
        let wraps = vec![Wrap {
            ct: B64(vec![0; 48]),
            ..wrap.clone()
        }];
        let put = Request::WrapsPut(WrapsPut {
            room_id: club,
            wraps: wraps.clone(),
        });
        assert!(stage.world.relay().answer(Some("eve"), &put).is_err());
        // Nor beside an entry that she may write.
        let leaves = people(stage.lair, &[], &[stage.eve.id()]);
        assert!(stage.ask(leaves, wraps).is_err());
        let stored = &stage.world.relay().rooms[&club];
        assert_eq!(stored.state.seq, before, "nothing of it was taken");
        assert!(
            !stored
                .wraps
                .iter()
                .any(|wrap| wrap.channel == den.channel && wrap.user_id == bob)
        );
    });
}

#[test]
fn whoever_was_taken_out_of_a_private_channel_opens_nothing_new() {
    block_on(async {
        let mut stage = Stage::new("taken out").await;
        let (lair, eve) = (stage.lair, stage.eve.id());
        let before = stage.forge(lair, "before", text("before"), |_, _| {});
        let remove = Command::ChannelPeople {
            chat: lair,
            add: Vec::new(),
            remove: vec![eve],
        };
        stage.run(ADA, remove).await;
        stage.script(pass_frame(), pass_reply());
        stage.run(BOB, Command::Looking { visible: true }).await;
        stage.run(BOB, Command::ShowRoom { chat: lair }).await;
        say(&mut stage.world, ADA, lair, "without her").await;
        say(&mut stage.world, BOB, lair, "at last").await;
        stage.run(BOB, Command::Typing { chat: lair }).await;
        assert!(stage.seen.borrow().sent.len() >= 3);
        let eve = Person::new("eve");
        assert_eq!(stage.opened_by(&eve), [], "of all that was sent since");
        // With the relay's help she slips in what she wrote before she knew; whoever knew of it has spoken.
        stage.put(lair, &before).await;
        for browser in [ADA, BOB] {
            let rows = stage.rows(browser, lair).await;
            assert_eq!(
                rows,
                [
                    "first".to_owned(),
                    "second".into(),
                    "without her".into(),
                    "at last".into(),
                    damaged()
                ]
            );
        }
    });
}

/// Whoever leaves by themself has the key until it is changed: nothing is said under it, not in passing, nor in a slot, nor
/// as a name in the log, which they still read.
#[test]
fn whoever_left_a_private_channel_hears_nothing_said_under_the_key_they_have() {
    for case in ["passing", "name", "archive", "message"] {
        block_on(async {
            let mut stage = Stage::new(case).await;
            let (club, lair) = (stage.club, stage.lair);
            for browser in [ADA, BOB] {
                stage.run(browser, Command::Looking { visible: true }).await;
                stage.run(browser, Command::ShowRoom { chat: lair }).await;
            }
            stage.world.advance(2 * MINUTE);
            stage.world.settle().await;
            stage.script(pass_frame(), pass_reply());
            stage.eve_leaves(lair).await;
            assert!(stage.world.relay().rooms[&club].state.rotation_due_of(&lair.channel));
            assert!(!stage.world.relay().rooms[&club].state.rotation_due);
            let entries = stage.world.relay().rooms[&club].entries.len();
            match case {
                "passing" => {
                    stage.run(BOB, Command::Typing { chat: lair }).await;
                    let name = Command::SetProfile {
                        name: "Bobby".into(),
                        status: "alone at last".into(),
                    };
                    stage.run(BOB, name).await;
                    stage.world.advance(2 * MINUTE);
                    stage.world.settle().await;
                }
                "name" => {
                    let edit = Command::EditChannel {
                        chat: lair,
                        name: "without eve".into(),
                        topic: "ours".into(),
                    };
                    stage.run(ADA, edit).await;
                }
                "archive" => {
                    let archived = true;
                    stage.run(ADA, Command::ArchiveChannel { chat: lair, archived }).await;
                }
                _ => say(&mut stage.world, BOB, lair, "alone at last").await,
            }
            let eve = Person::new("eve");
            let opened = stage.opened_by(&eve);
            assert!(
                !opened.iter().any(|(channel, _)| *channel == lair.channel),
                "{case}: {opened:?}"
            );
            // Nor of the names in the log.
            let keys = stage.keys_of(&eve);
            let stored = &stage.world.relay().rooms[&club];
            for entry in &stored.entries[entries..] {
                let blob = SignedBlob::from_bytes(&entry.0).unwrap();
                if let RoomBody::UpdateChannel { channel, n, sealed, .. } =
                    RoomEntry::from_bytes(&blob.body).unwrap().body
                {
                    let opens = keys
                        .values()
                        .any(|secret| open_named(secret, &club, Named::Channel(channel), n, sealed.as_slice()).is_ok());
                    assert!(!opens, "{case}: she reads its new name");
                }
            }
            let is_made = stored.state.newest_of(&lair.channel) == 2;
            assert_eq!(
                is_made,
                case != "passing",
                "{case}: the key is changed before anything is said"
            );
            if case == "name" {
                assert_eq!(stage.world.browsers[BOB].chat(lair).unwrap().title, "without eve");
            }
        });
    }
}

/// Whoever takes somebody out of the space says up to which message they count, channel by channel: of one that they are in no
/// more they know nothing, and what was said there since stays.
#[test]
fn whoever_is_removed_by_somebody_who_left_a_channel_has_said_what_they_said_there() {
    block_on(async {
        let mut stage = Stage::new("cuts").await;
        let (room, den) = (stage.club, stage.den);
        let [bob, cyd] = [BOB, CYD].map(|browser| stage.world.browsers[browser].me().unwrap());
        let people = |add, remove| Command::ChannelPeople { chat: den, add, remove };
        stage
            .run(
                ADA,
                Command::SetRole {
                    room,
                    user: cyd,
                    role: 2,
                },
            )
            .await;
        stage.run(ADA, people(vec![cyd], vec![])).await;
        assert_eq!(stage.rows(CYD, den).await, ["first", "second"]);
        stage.run(CYD, people(vec![], vec![cyd])).await;
        say(&mut stage.world, BOB, den, "since then").await;
        say(&mut stage.world, BOB, stage.general, "and here").await;
        stage.run(CYD, Command::RemovePerson { room, user: bob }).await;
        let late = stage.world.sign_in("ada").await;
        for browser in [ADA, late] {
            assert_eq!(stage.rows(browser, den).await, ["first", "second", "since then"]);
            assert_eq!(
                stage.rows(browser, stage.general).await,
                ["first", "second", "and here"]
            );
        }
        let former = &stage.world.relay().rooms[&room].state.former[&bob];
        let cut: Vec<ChannelId> = former.cut.iter().map(|cut| cut.channel).collect();
        assert!(cut.contains(&stage.general.channel) && !cut.contains(&den.channel));
    });
}

/// A member of it can make a private channel's key for nobody, as a room's; whoever takes them out heals it.
#[test]
fn a_private_channel_with_a_key_for_nobody_is_healed_by_taking_out_who_made_it() {
    block_on(async {
        let mut stage = Stage::new("for nobody").await;
        let (club, lair, eve) = (stage.club, stage.lair, stage.eve.id());
        // Somebody who comes in and goes again makes one due.
        let cyd = stage.world.browsers[CYD].me().unwrap();
        let add = vec![cyd];
        let remove = Vec::new();
        stage
            .run(
                ADA,
                Command::ChannelPeople {
                    chat: lair,
                    add,
                    remove,
                },
            )
            .await;
        let (add, remove) = (Vec::new(), vec![cyd]);
        stage
            .run(
                CYD,
                Command::ChannelPeople {
                    chat: lair,
                    add,
                    remove,
                },
            )
            .await;
        assert!(stage.world.relay().rooms[&club].state.rotation_due_of(&lair.channel));
        let keys = stage.keys_of(&Person::new("eve"));
        let state = &stage.world.relay().rooms[&club].state;
        let n = state.newest_of(&lair.channel) + 1;
        let roster_hash = state.roster_hash_of(&lair.channel);
        let readers: Vec<UserId> = state.roster_of(&lair.channel).map(|(user, _)| *user).collect();
        let previous = &keys[&(lair.channel, n - 1)];
        let scope = sotto_shared::crypto::epoch::Scope::new(club, lair.channel);
        let mut rng = FixedRng::new("for nobody");
        let secret = EpochSecret::make(&mut rng);
        let backlink = sotto_shared::crypto::epoch::seal_backlink(&mut rng, &secret, scope, n, previous);
        let body = RoomBody::ChannelEpoch {
            channel: lair.channel,
            n,
            suite: SUITE_1,
            commit: [7; 32],
            roster_hash,
            reason: EpochReason::Age,
            backlink: Bytes::new(backlink).unwrap(),
        };
        let garbage = |user: UserId| Wrap {
            channel: lair.channel,
            n,
            user_id: user,
            g: 1,
            enc: B64([&[4][..], &[1; 64]].concat()),
            ct: B64(vec![0; 48]),
        };
        assert!(
            stage.ask(body.clone(), vec![garbage(eve)]).is_err(),
            "not without a wrap for everybody"
        );
        assert!(stage.ask(body, readers.into_iter().map(garbage).collect()).is_ok());
        stage.world.settle().await;
        stage.script(pass_frame(), pass_reply());
        let waits = stage
            .world
            .run(BOB, Command::say(lair, "can you hear me".to_owned()))
            .await;
        assert_eq!(waits, Ok(Outcome::Done));
        stage.world.settle().await;
        assert!(
            stage.opened_by(&Person::new("eve")).is_empty(),
            "it waits for a key that he has"
        );
        let remove = Command::ChannelPeople {
            chat: lair,
            add: Vec::new(),
            remove: vec![eve],
        };
        stage.run(ADA, remove).await;
        stage.world.advance(MINUTE);
        stage.world.settle().await;
        assert_eq!(stage.rows(ADA, lair).await, ["first", "second", "can you hear me"]);
        assert_eq!(stage.rows(BOB, lair).await, ["first", "second", "can you hear me"]);
        assert!(stage.opened_by(&Person::new("eve")).is_empty());
    });
}
