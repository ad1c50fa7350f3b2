//! Back after much was said: all of it comes, and the page draws it once.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use futures_lite::future::block_on;
use sotto_client::testing::World;
use sotto_client::view::{Change, Command};
use sotto_shared::crypto::suite::RustCrypto;

const ADA: usize = 0;
const BOB: usize = 1;
/// Three answers of the relay.
const MEANWHILE: usize = 450;

#[test]
fn what_came_meanwhile_is_drawn_once_and_a_break_in_the_middle_hides_none_of_it() {
    let (past, room) = block_on(async {
        let mut world = World::new(RustCrypto, "meanwhile");
        for handle in ["ada", "bob"] {
            world.newcomer(handle).await;
        }
        let room = world.direct(ADA, "bob").await;
        world.say(ADA, room, "before").await;
        assert_eq!(world.texts(BOB, room).await, ["before"]);
        world.go_offline(BOB);
        for number in 0..MEANWHILE {
            world.write(ADA, room, &number.to_string());
        }
        world.settle().await;
        (world.into_snapshot(), room)
    });
    for at_once in [1, 5] {
        for broken_after in [None, Some(12), Some(20), Some(30)] {
            block_on(async {
                let mut world =
                    World::from_snapshot(RustCrypto, &past, &format!("meanwhile {at_once} {broken_after:?}"));
                let bob = &mut world.browsers[BOB];
                bob.at_once = at_once;
                bob.has_network = false;
                world.settle().await;
                let chat = room.into();
                world.run(BOB, Command::ShowRoom { chat }).await.unwrap();
                let told = world.browsers[BOB].changes.len();
                world.go_online(BOB);
                if let Some(steps) = broken_after {
                    world.settle_for(steps).await;
                    world.go_offline(BOB);
                    world.settle().await;
                    let here = world.browsers[BOB].lines().len() - 1;
                    assert!(
                        here.is_multiple_of(200) || here == MEANWHILE,
                        "whole answers, not {here}"
                    );
                    world.go_online(BOB);
                }
                world.settle().await;
                world.advance(60_000);
                world.settle().await;
                assert_eq!(world.browsers[BOB].lines().len(), MEANWHILE + 1);
                if broken_after.is_none() {
                    let many =
                        |change: &&Change| matches!(change, Change::Timeline(timeline) if timeline.rows.len() > 1);
                    assert_eq!(world.browsers[BOB].changes[told..].iter().filter(many).count(), 1);
                }
            });
        }
    }
}
