//! Who is here: who is told, how often, and what a relay or a member can do with it.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod aside;

use aside::{ADA, BOB, Stage};
use futures_lite::future::block_on;
use sotto_client::view::{Command, Presence, Standing};
use sotto_shared::codec::Codec;
use sotto_shared::envelope::content::{Here, MessageBody};
use sotto_shared::envelope::header::Header;
use sotto_shared::id::UserId;

fn seen(stage: &Stage, browser: usize, user: UserId) -> Option<Presence> {
    stage.world.browsers[browser].store.presence(user)
}

async fn be(stage: &mut Stage, browser: usize, here: bool) {
    stage.obey(browser, Command::BeHere { here }).await;
}

const fn says(state: Here) -> MessageBody {
    MessageBody::Presence { state }
}

#[test]
fn who_is_here_is_seen_by_those_they_share_a_room_with_for_as_long_as_they_say_so() {
    block_on(async {
        let mut stage = Stage::new("presence").await;
        let (ada, bob) = (stage.id("ada"), stage.id("bob"));
        assert_eq!(seen(&stage, ADA, bob), None, "nobody has said anything");
        be(&mut stage, BOB, true).await;
        assert_eq!(seen(&stage, ADA, bob), Some(Presence::Here));
        assert_eq!(seen(&stage, BOB, ada), None);
        be(&mut stage, ADA, true).await;
        assert_eq!(seen(&stage, BOB, ada), Some(Presence::Here));
        stage.pass(6_000).await;
        be(&mut stage, BOB, false).await;
        assert_eq!(seen(&stage, ADA, bob), Some(Presence::Away));
        // It is said again each minute, and holds as long as it is.
        stage.heard.take();
        for _ in 0..5 {
            stage.pass(60_000).await;
            assert_eq!(seen(&stage, ADA, bob), Some(Presence::Away));
        }
        assert_eq!(stage.heard.count(BOB), 5);
        stage.world.close(BOB);
        stage.pass(149_000).await;
        assert_eq!(seen(&stage, ADA, bob), Some(Presence::Away));
        stage.pass(2_000).await;
        assert_eq!(seen(&stage, ADA, bob), None);
        assert!(stage.world.browsers[ADA].store.last_seen(bob).is_some());
    });
}

#[test]
fn of_several_tabs_the_most_present_holds() {
    block_on(async {
        let mut stage = Stage::new("presence tabs").await;
        let bob = stage.id("bob");
        let tab = stage.world.tab(BOB);
        stage.world.settle().await;
        be(&mut stage, BOB, true).await;
        be(&mut stage, tab, false).await;
        assert_eq!(seen(&stage, ADA, bob), Some(Presence::Here));
        stage.pass(6_000).await;
        be(&mut stage, BOB, false).await;
        assert_eq!(seen(&stage, ADA, bob), Some(Presence::Away));
        stage.obey(BOB, Command::Leaving).await;
        assert_eq!(seen(&stage, ADA, bob), Some(Presence::Away), "the other tab is there");
        stage.obey(tab, Command::Leaving).await;
        assert_eq!(seen(&stage, ADA, bob), None);
    });
}

/// With the last word of the connection, if it still gets through; else when nothing was heard for long enough.
#[test]
fn who_signs_out_is_gone_at_once_where_the_network_lets_them_say_so() {
    block_on(async {
        let mut at_once = 0;
        for seed in 0..6 {
            let mut stage = Stage::new(&format!("presence out {seed}")).await;
            let bob = stage.id("bob");
            be(&mut stage, BOB, true).await;
            assert_eq!(seen(&stage, ADA, bob), Some(Presence::Here));
            stage.obey(BOB, Command::SignOut).await;
            at_once += usize::from(seen(&stage, ADA, bob).is_none());
            stage.pass(151_000).await;
            assert_eq!(seen(&stage, ADA, bob), None);
        }
        assert!(at_once > 0);
    });
}

#[test]
fn who_comes_later_learns_at_once_who_is_here() {
    block_on(async {
        let mut stage = Stage::new("presence late").await;
        let ada = stage.id("ada");
        be(&mut stage, ADA, true).await;
        stage.world.reload(BOB);
        stage.pass(10_000).await;
        assert_eq!(seen(&stage, BOB, ada), None);
        be(&mut stage, BOB, true).await;
        assert_eq!(seen(&stage, BOB, ada), Some(Presence::Here));
    });
}

#[test]
fn who_is_met_anew_learns_it_without_waiting() {
    block_on(async {
        let mut stage = Stage::new("presence met").await;
        let bob = stage.id("bob");
        stage.world.newcomer("cyd").await;
        be(&mut stage, BOB, true).await;
        stage.pass(6_000).await;
        let cyd = stage.world.browsers.len() - 1;
        stage.world.group(cyd, "met", &["bob"]).await;
        assert_eq!(seen(&stage, cyd, bob), Some(Presence::Here));
    });
}

/// A page that is loaded anew may not come to say that the one before has gone.
#[test]
fn switched_off_it_is_taken_back_for_every_tab_that_ever_said_it() {
    block_on(async {
        let mut stage = Stage::new("presence hidden").await;
        let bob = stage.id("bob");
        be(&mut stage, BOB, true).await;
        assert_eq!(seen(&stage, ADA, bob), Some(Presence::Here));
        stage.world.reload(BOB);
        stage.world.settle().await;
        be(&mut stage, BOB, true).await;
        stage.obey(BOB, Command::TellPresence { on: false }).await;
        assert_eq!(seen(&stage, ADA, bob), None);

        // A page that begins with the switch off says nothing at all.
        stage.world.reload(BOB);
        stage.heard.take();
        stage.obey(BOB, Command::TellPresence { on: false }).await;
        be(&mut stage, BOB, true).await;
        stage.pass(100_000).await;
        assert_eq!(stage.heard.count(BOB), 0);
    });
}

#[test]
fn switched_off_it_is_neither_told_nor_shown() {
    block_on(async {
        let mut stage = Stage::new("presence off").await;
        let (ada, bob) = (stage.id("ada"), stage.id("bob"));
        be(&mut stage, ADA, true).await;
        be(&mut stage, BOB, true).await;
        stage.obey(BOB, Command::TellPresence { on: false }).await;
        assert_eq!(seen(&stage, ADA, bob), None, "they do not stay behind as present");
        assert_eq!(seen(&stage, BOB, ada), None);
        stage.heard.take();
        stage.pass(200_000).await;
        assert_eq!(stage.heard.count(BOB), 0);
        assert_eq!(seen(&stage, BOB, ada), None);
        stage.obey(BOB, Command::TellPresence { on: true }).await;
        assert_eq!(seen(&stage, ADA, bob), Some(Presence::Here));
    });
}

/// Each room is a frame: nobody is told twice who can be told once.
#[test]
fn a_word_goes_to_as_few_rooms_as_reach_everybody() {
    block_on(async {
        let mut stage = Stage::new("presence rooms").await;
        for name in ["One", "Two", "Three"] {
            stage.world.group(ADA, name, &["bob"]).await;
        }
        let direct = stage.world.direct(ADA, "bob").await;
        stage.heard.take();
        be(&mut stage, ADA, true).await;
        let rooms: Vec<_> = (stage.heard.take().iter())
            .filter(|(from, _)| *from == ADA)
            .map(|(_, said)| Header::from_bytes(&said.header.0).unwrap().room_id)
            .collect();
        // The den reaches Eve as well.
        assert_eq!(rooms.len(), 2, "{rooms:?}");
        assert!(rooms.contains(&direct) && rooms.contains(&stage.den));
    });
}

#[test]
fn a_word_in_somebody_elses_name_or_said_again_is_not_heard() {
    block_on(async {
        let mut stage = Stage::new("presence forged").await;
        let (bob, eve, dan) = (stage.id("bob"), stage.eve.id(), stage.dan.clone());
        be(&mut stage, BOB, true).await;
        let early = stage.heard.take().pop().unwrap().1;
        stage.pass(6_000).await;
        be(&mut stage, BOB, false).await;
        for (case, user, device) in [
            ("another's name", bob, stage.eve.device_id()),
            ("no member", dan.id(), dan.device_id()),
        ] {
            let forged = stage.forge(says(Here::Here), |_, content| {
                (content.user_id, content.dk_id) = (user, device);
            });
            stage.tell(&forged).await;
            assert_eq!(seen(&stage, ADA, bob), Some(Presence::Away), "{case}");
            assert_eq!(seen(&stage, ADA, dan.id()), None, "{case}");
        }
        stage.tell(&early).await;
        assert_eq!(seen(&stage, ADA, bob), Some(Presence::Away), "he said so before");
        // What she says of herself holds, and no longer than it does.
        let own = stage.forge(says(Here::Here), |_, _| {});
        stage.tell(&own).await;
        assert_eq!(seen(&stage, ADA, eve), Some(Presence::Here));
        stage.pass(151_000).await;
        stage.tell(&own).await;
        assert_eq!(seen(&stage, ADA, eve), None);
        assert_eq!(
            stage.world.browsers[ADA].room(stage.den).unwrap().standing,
            Standing::Open
        );
    });
}

#[test]
fn a_flood_of_words_makes_nobody_answer_without_end() {
    block_on(async {
        let mut stage = Stage::new("presence flood").await;
        let eve = stage.eve.id();
        be(&mut stage, ADA, true).await;
        stage.pass(6_000).await;
        stage.heard.take();
        for n in 0..200_u64 {
            let said = stage.forge(says(Here::Here), |_, content| content.lane = n.to_be_bytes());
            stage.tell(&said).await;
        }
        assert_eq!(seen(&stage, ADA, eve), Some(Presence::Here));
        assert!(stage.heard.count(ADA) <= 1, "one answer in five seconds");
    });
}
