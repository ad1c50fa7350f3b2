//! What has come to people's browsers: who sees it, what is said for it, and what a member cannot say of others.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod aside;

use aside::{ADA, BOB, Stage};
use futures_lite::future::block_on;
use sotto_client::view::{Command, Standing};
use sotto_shared::envelope::content::MessageBody;
use sotto_shared::id::UserId;

fn reached(stage: &Stage, browser: usize, user: UserId) -> u64 {
    let members = stage.world.browsers[browser].store.members(stage.den).unwrap();
    members.iter().find(|member| member.user == user).unwrap().reached
}

/// Both tell it; Ada has the room before her, Bob has not.
async fn stage(seed: &str) -> Stage {
    let mut stage = Stage::new(seed).await;
    for browser in [ADA, BOB] {
        stage.obey(browser, Command::TellReached { on: true }).await;
    }
    let chat = stage.den.into();
    stage.obey(ADA, Command::ShowRoom { chat }).await;
    stage.heard.take();
    stage
}

#[test]
fn what_has_come_is_told_where_nobody_looks_and_gathered() {
    block_on(async {
        let mut stage = stage("reached").await;
        let (den, bob) = (stage.den, stage.id("bob"));
        assert_eq!(reached(&stage, ADA, bob), 0, "he wrote before there was anything");
        stage.world.say(ADA, den, "third").await;
        assert_eq!((reached(&stage, ADA, bob), stage.heard.count(BOB)), (3, 1));
        for text in ["fourth", "fifth", "sixth"] {
            stage.world.say(ADA, den, text).await;
        }
        assert_eq!((reached(&stage, ADA, bob), stage.heard.count(BOB)), (3, 0));
        stage.pass(5_000).await;
        assert_eq!((reached(&stage, ADA, bob), stage.heard.count(BOB)), (6, 1));
        // Of one's own there is nothing to be told, nor of what was told.
        stage.pass(30_000).await;
        assert_eq!(stage.heard.count(BOB), 0);
        stage.world.say(BOB, den, "seventh").await;
        assert_eq!(reached(&stage, ADA, bob), 6, "so much he had before him");
        stage.heard.take();
        stage.pass(6_000).await;
        assert_eq!(stage.heard.count(BOB), 0);
    });
}

#[test]
fn it_is_kept_over_a_reload_and_told_after_one_was_away() {
    block_on(async {
        let mut stage = stage("reached away").await;
        let (den, bob) = (stage.den, stage.id("bob"));
        stage.world.go_offline(BOB);
        stage.world.settle().await;
        stage.world.say(ADA, den, "third").await;
        stage.world.say(ADA, den, "fourth").await;
        assert_eq!(reached(&stage, ADA, bob), 0);
        stage.world.go_online(BOB);
        stage.pass(6_000).await;
        assert_eq!(reached(&stage, ADA, bob), 4);
        stage.world.say(ADA, den, "fifth").await;
        stage.pass(6_000).await;
        stage.world.say(ADA, den, "kept").await;
        stage.world.reload(ADA);
        stage.world.settle().await;
        stage.obey(ADA, Command::TellReached { on: true }).await;
        assert!(reached(&stage, ADA, bob) >= 5);
    });
}

/// Who does not tell it does not see it. Where they stand they say all the same while they have the room before them.
#[test]
fn whoever_does_not_tell_it_does_not_see_it() {
    block_on(async {
        let mut stage = stage("reached off").await;
        let (den, ada, bob) = (stage.den, stage.id("ada"), stage.id("bob"));
        stage.obey(BOB, Command::TellReached { on: false }).await;
        stage.world.say(ADA, den, "third").await;
        stage.pass(6_000).await;
        assert_eq!((reached(&stage, ADA, bob), stage.heard.count(BOB)), (0, 0));
        assert_eq!(reached(&stage, BOB, ada), 0);
        stage.obey(BOB, Command::TellReached { on: true }).await;
        assert_eq!(reached(&stage, BOB, ada), 2, "it was counted all the same");
    });
}

/// What was read is told by a receipt, which says as much.
#[test]
fn of_what_is_looked_at_nothing_more_is_said() {
    block_on(async {
        let mut stage = stage("reached looking").await;
        let (den, bob) = (stage.den, stage.id("bob"));
        let chat = den.into();
        stage.obey(BOB, Command::ShowRoom { chat }).await;
        stage.obey(BOB, Command::Looking { visible: true }).await;
        stage.obey(BOB, Command::MarkRead { chat }).await;
        stage.pass(6_000).await;
        stage.heard.take();
        stage.world.say(ADA, den, "third").await;
        stage.obey(BOB, Command::MarkRead { chat }).await;
        stage.pass(4_000).await;
        assert_eq!(stage.heard.count(BOB), 0);
        assert_eq!(reached(&stage, ADA, bob), 3);
    });
}

#[test]
fn nobody_says_it_for_another() {
    block_on(async {
        let mut stage = stage("reached lies").await;
        let (bob, eve) = (stage.id("bob"), stage.eve.id());
        let lie = stage.forge(MessageBody::Beacon, |_, content| content.user_id = bob);
        stage.tell(&lie).await;
        assert_eq!(reached(&stage, ADA, bob), 0);
        // For herself she may, and an old word takes nothing back.
        let old = stage.forge(MessageBody::Beacon, |_, _| ());
        let den = stage.den;
        stage.world.say(ADA, den, "third").await;
        stage.world.advance(1_000);
        let new = stage.forge(MessageBody::Beacon, |_, _| ());
        stage.tell(&new).await;
        assert_eq!(reached(&stage, ADA, eve), 3);
        stage.tell(&old).await;
        assert_eq!(reached(&stage, ADA, eve), 3);
        let room = stage.world.browsers[ADA].room(den).unwrap();
        assert_eq!(room.standing, Standing::Open);
    });
}
