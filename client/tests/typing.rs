//! "Bob is writing": who sees it, how long, and what a relay or a member can do with it.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod aside;

use aside::{ADA, BOB, Stage};
use futures_lite::future::block_on;
use sotto_client::view::{Change, Command, Standing};
use sotto_shared::envelope::content::{Here, MessageBody};
use sotto_shared::id::UserId;

fn writing(stage: &Stage, browser: usize) -> Vec<UserId> {
    stage.world.browsers[browser].store.typing(stage.den.into())
}

async fn types(stage: &mut Stage, browser: usize) {
    let chat = stage.den.into();
    stage.obey(browser, Command::Typing { chat }).await;
}

#[test]
fn who_writes_is_shown_for_ten_seconds_and_says_so_at_most_every_five() {
    block_on(async {
        let mut stage = Stage::new("typing").await;
        let bob = stage.id("bob");
        types(&mut stage, BOB).await;
        assert_eq!(writing(&stage, ADA), [bob]);
        assert_eq!(writing(&stage, BOB), [], "nobody is told of themself");
        for _ in 0..9 {
            stage.pass(500).await;
            types(&mut stage, BOB).await;
        }
        assert_eq!(stage.heard.count(BOB), 1);
        stage.pass(500).await;
        types(&mut stage, BOB).await;
        assert_eq!(stage.heard.count(BOB), 1);
        stage.pass(9_999).await;
        assert_eq!(writing(&stage, ADA), [bob]);
        stage.pass(2).await;
        assert_eq!(writing(&stage, ADA), []);
    });
}

#[test]
fn what_was_written_ends_it() {
    block_on(async {
        let mut stage = Stage::new("typing ends").await;
        let (bob, den) = (stage.id("bob"), stage.den);
        types(&mut stage, BOB).await;
        stage.world.say(ADA, den, "of somebody else").await;
        assert_eq!(writing(&stage, ADA), [bob]);
        stage.world.say(BOB, den, "done").await;
        assert_eq!(writing(&stage, ADA), []);
    });
}

#[test]
fn switched_off_it_is_neither_told_nor_shown() {
    block_on(async {
        let mut stage = Stage::new("typing off").await;
        let bob = stage.id("bob");
        types(&mut stage, BOB).await;
        assert_eq!(writing(&stage, ADA), [bob]);
        stage.obey(ADA, Command::TellTyping { on: false }).await;
        assert_eq!(writing(&stage, ADA), []);
        stage.heard.take();
        types(&mut stage, ADA).await;
        assert_eq!(stage.heard.count(ADA), 0);
        stage.pass(6_000).await;
        types(&mut stage, BOB).await;
        assert_eq!(writing(&stage, ADA), []);
        stage.obey(ADA, Command::TellTyping { on: true }).await;
        stage.pass(6_000).await;
        types(&mut stage, BOB).await;
        assert_eq!(writing(&stage, ADA), [bob]);
    });
}

/// A word that is about nothing else than that somebody writes also tells where they stand, as a beacon does; all have one size.
#[test]
fn typing_presence_and_beacons_are_of_one_size_and_one_header() {
    block_on(async {
        let mut stage = Stage::new("one size").await;
        let chat = stage.den.into();
        stage.obey(BOB, Command::ShowRoom { chat }).await;
        stage.obey(BOB, Command::Looking { visible: true }).await;
        let beacon = stage.heard.take();
        types(&mut stage, BOB).await;
        let typing = stage.heard.take();
        stage.obey(BOB, Command::BeHere { here: true }).await;
        let presence = stage.heard.take();
        let mut sizes = Vec::new();
        for (name, said) in [("beacon", beacon), ("typing", typing), ("presence", presence)] {
            assert_eq!(said.len(), 1, "{name}");
            let message = &said[0].1;
            let mut header = message.header.0.clone();
            // But for the random id of each.
            let id = header.len() - 16 - 1 - 32..header.len() - 1 - 32;
            header[id].fill(0);
            sizes.push((header, message.envelope.0.len()));
        }
        assert!(sizes.windows(2).all(|pair| pair[0] == pair[1]));
    });
}

// --- What does not count -----------------------------------------------------------------------------------------------------

#[test]
fn a_word_in_somebody_elses_name_or_of_nobody_in_the_room_is_not_heard() {
    block_on(async {
        let mut stage = Stage::new("typing forged").await;
        let (bob, eve, dan) = (stage.id("bob"), stage.eve.id(), stage.dan.clone());
        let own = stage.forge(MessageBody::Typing, |_, _| {});
        stage.tell(&own).await;
        assert_eq!(writing(&stage, ADA), [eve], "as herself she may");
        stage.pass(11_000).await;
        let bobs_browser = {
            let log = &stage.world.relay().people.0[&bob].log;
            *log.view().devices.keys().next().unwrap()
        };
        let other = stage.forge(MessageBody::Typing, |_, content| content.user_id = bob);
        let browser = stage.forge(MessageBody::Typing, |_, content| {
            (content.user_id, content.dk_id) = (bob, bobs_browser);
        });
        let outsider = stage.forge(MessageBody::Typing, |_, content| {
            (content.user_id, content.dk_id) = (dan.id(), dan.device_id());
        });
        let room = stage.forge(MessageBody::Typing, |header, _| {
            header.room_id = sotto_shared::id::RoomId::from_bytes([9; 32]);
        });
        let channel = stage.forge(MessageBody::Typing, |header, _| {
            header.channel = sotto_shared::id::ChannelId::from_bytes([9; 16]);
        });
        for (case, said) in [
            ("another's name", other),
            ("another's browser", browser),
            ("no member", outsider),
            ("another room", room),
            ("another channel", channel),
        ] {
            stage.tell(&said).await;
            assert_eq!(writing(&stage, ADA), [], "{case}");
            assert_eq!(
                stage.world.browsers[ADA].room(stage.den).unwrap().standing,
                Standing::Open,
                "{case}"
            );
        }
    });
}

#[test]
fn a_word_that_is_said_again_or_out_of_its_time_is_not_heard() {
    block_on(async {
        let mut stage = Stage::new("typing replayed").await;
        let bob = stage.id("bob");
        types(&mut stage, BOB).await;
        let said = stage.heard.take().pop().unwrap().1;
        assert_eq!(writing(&stage, ADA), [bob]);
        for wait in [11_000, 60_000, 3_600_000] {
            stage.pass(wait).await;
            stage.tell(&said).await;
            assert_eq!(writing(&stage, ADA), [], "after {wait}");
        }
        // Somebody whose earlier word never came, and one from a time to come.
        let now = stage.world.now_ms;
        for ts in [now - 121_000, now + 121_000, 0, u64::MAX] {
            let odd = stage.forge(MessageBody::Typing, |_, content| content.ts = ts);
            stage.tell(&odd).await;
            assert_eq!(writing(&stage, ADA), [], "{ts}");
        }
        let slow = stage.forge(MessageBody::Typing, |_, content| content.ts = now - 100_000);
        stage.tell(&slow).await;
        assert_eq!(writing(&stage, ADA).len(), 1, "clocks differ");
    });
}

/// Somebody who was taken out, with the relay's help.
#[test]
fn a_word_of_somebody_who_was_removed_is_not_heard_and_what_was_shown_ends() {
    block_on(async {
        let mut stage = Stage::new("typing removed").await;
        let (den, eve) = (stage.den, stage.eve.id());
        let late = {
            let now = stage.world.now_ms;
            stage.forge(MessageBody::Typing, |_, content| content.ts = now + 1)
        };
        let own = stage.forge(MessageBody::Typing, |_, _| {});
        stage.tell(&own).await;
        assert_eq!(writing(&stage, ADA), [eve]);
        stage.obey(ADA, Command::RemovePerson { room: den, user: eve }).await;
        assert_eq!(writing(&stage, ADA), []);
        stage.tell(&late).await;
        assert_eq!(writing(&stage, ADA), []);
    });
}

/// In the place of a message it is none, and what is no passing word is none of these.
#[test]
fn typing_is_no_message_and_a_message_is_no_typing() {
    block_on(async {
        let mut stage = Stage::new("typing kinds").await;
        let den = stage.den;
        let text = stage.forge(
            MessageBody::Text {
                text: sotto_shared::codec::Text::new("psst").unwrap(),
            },
            |_, _| {},
        );
        stage.tell(&text).await;
        assert_eq!(writing(&stage, ADA), []);
        let before = stage.world.texts(ADA, den).await;
        for body in [MessageBody::Typing, MessageBody::Presence { state: Here::Here }] {
            let eve = stage.eve.clone();
            let durable = stage.forge(body, |header, content| {
                header.kind = sotto_shared::envelope::header::MessageKind::Durable;
                content.ctr = 1;
                content.prev_own = sotto_shared::envelope::content::lane_start(&eve.device_id(), &content.lane);
            });
            let relay = stage.world.relay();
            let message = relay
                .rooms
                .get_mut(&den)
                .unwrap()
                .put_message(&durable.header, &durable.envelope);
            let frame = sotto_shared::api::frame::FromRelay::Message {
                room_id: den,
                channel: sotto_shared::id::ChannelId::MAIN,
                message,
            };
            relay.tell_room(&den, &frame);
            stage.world.settle().await;
            assert_eq!(writing(&stage, ADA), []);
        }
        assert_eq!(stage.world.texts(ADA, den).await, before);
    });
}

#[test]
fn a_flood_of_words_from_many_tabs_of_one_member_leaves_little() {
    block_on(async {
        let mut stage = Stage::new("typing flood").await;
        let eve = stage.eve.id();
        stage.world.browsers[ADA].changes.clear();
        for n in 0..300_u64 {
            let said = stage.forge(MessageBody::Typing, |_, content| {
                content.lane = n.to_be_bytes();
                content.ts += n;
            });
            stage.tell(&said).await;
        }
        assert_eq!(writing(&stage, ADA), [eve]);
        let told = (stage.world.browsers[ADA].changes.iter())
            .filter(|change| matches!(change, Change::Typing { .. }))
            .count();
        assert_eq!(told, 1, "the page hears of it once");
        stage.pass(10_001).await;
        assert_eq!(writing(&stage, ADA), []);
    });
}
