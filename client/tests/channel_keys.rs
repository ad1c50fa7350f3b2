//! Who makes a private channel's key when one is due: of two who do it at the same moment one, and nobody notices.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod club;

use club::{ADA, BOB, MINUTE, Stage, pass_frame, pass_reply};
use futures_lite::future::block_on;
use sotto_client::engine::Request;
use sotto_client::view::{Chat, Command, Outcome, Standing};
use sotto_shared::codec::Codec;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::log::room_log::{RoomBody, RoomEntry};

/// How often the relay was asked to take a key of this channel.
fn asked_for_a_key(stage: &Stage, chat: Chat) -> usize {
    let is_key = |raw: &sotto_shared::api::B64| {
        let blob = SignedBlob::from_bytes(&raw.0).unwrap();
        let body = RoomEntry::from_bytes(&blob.body).unwrap().body;
        matches!(body, RoomBody::ChannelEpoch { channel, .. } if channel == chat.channel)
    };
    let seen = stage.seen.borrow();
    let appends = seen.requests.iter().filter_map(|request| match request {
        Request::RoomAppend(append) => Some(append),
        _ => None,
    });
    appends.filter(|append| append.entries.iter().any(is_key)).count()
}

fn newest(stage: &mut Stage, chat: Chat) -> u32 {
    stage.world.relay().rooms[&chat.room].state.newest_of(&chat.channel)
}

/// Everybody reads everything, in browsers that were there and in new ones.
async fn all_read(stage: &mut Stage, chat: Chat, words: &[&str]) {
    let late = [stage.world.sign_in("ada").await, stage.world.sign_in("bob").await];
    for browser in [ADA, BOB].into_iter().chain(late) {
        stage.world.advance(MINUTE);
        stage.world.settle().await;
        let mut rows = stage.rows(browser, chat).await;
        rows.sort_unstable();
        let mut all = words.to_vec();
        all.sort_unstable();
        assert_eq!(rows, all, "browser {browser}");
        assert_eq!(
            stage.world.browsers[browser].chat(chat).unwrap().standing,
            Standing::Open
        );
        assert_eq!(stage.world.browsers[browser].notices(), [], "browser {browser}");
    }
}

#[test]
fn two_who_make_the_key_of_a_private_channel_at_once_end_with_one() {
    for seed in 0..6 {
        block_on(async {
            let mut stage = Stage::new(&format!("two keys {seed}")).await;
            let lair = stage.lair;
            let before = newest(&mut stage, lair);
            stage.eve_leaves(lair).await;
            stage.script(pass_frame(), pass_reply());
            // Both have it ready before the relay hears of either.
            let ids = [(ADA, "by ada"), (BOB, "by bob")].map(|(browser, text)| {
                stage.world.browsers[browser].holds_asks = true;
                (browser, stage.world.browsers[browser].command(Command::say(lair, text)))
            });
            stage.world.settle().await;
            for (browser, _) in ids {
                stage.world.browsers[browser].holds_asks = false;
            }
            stage.world.settle().await;
            for (browser, id) in ids {
                assert_eq!(stage.world.browsers[browser].answers.get(&id), Some(&Ok(Outcome::Done)));
            }
            assert_eq!(
                asked_for_a_key(&stage, lair),
                2,
                "they meet at the relay, and the second sees that it is done"
            );
            assert_eq!(newest(&mut stage, lair), before + 1);
            let eve = stage.eve.clone();
            assert_eq!(stage.opened_by(&eve), []);
            all_read(&mut stage, lair, &["first", "second", "by ada", "by bob"]).await;
        });
    }
}

/// Somebody is taken out while another makes the key that was due: the one who was taken out has none of the keys after it.
#[test]
fn a_key_that_is_made_while_somebody_is_taken_out_does_not_count_for_them() {
    for seed in 0..6 {
        block_on(async {
            let mut stage = Stage::new(&format!("key and removal {seed}")).await;
            let (lair, eve) = (stage.lair, stage.eve.clone());
            stage.script(pass_frame(), pass_reply());
            let take_out = Command::ChannelPeople {
                chat: lair,
                add: Vec::new(),
                remove: vec![eve.id()],
            };
            for browser in [ADA, BOB] {
                stage.world.browsers[browser].holds_asks = true;
            }
            let out = stage.world.browsers[ADA].command(take_out);
            let said = stage.world.browsers[BOB].command(Command::say(lair, "by bob"));
            stage.world.settle().await;
            for browser in [ADA, BOB] {
                stage.world.browsers[browser].holds_asks = false;
            }
            stage.world.settle().await;
            assert_eq!(stage.world.browsers[ADA].answers.get(&out), Some(&Ok(Outcome::Done)));
            assert_eq!(stage.world.browsers[BOB].answers.get(&said), Some(&Ok(Outcome::Done)));
            stage.script(pass_frame(), pass_reply());
            stage.run(ADA, Command::say(lair, "without her")).await;
            stage.run(BOB, Command::say(lair, "indeed")).await;
            assert_eq!(stage.opened_by(&eve), []);
            all_read(
                &mut stage,
                lair,
                &["first", "second", "by bob", "without her", "indeed"],
            )
            .await;
        });
    }
}
