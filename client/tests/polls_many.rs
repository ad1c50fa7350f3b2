//! A poll with very many votes: one more is counted by itself, however many there are. Work is counted, not time.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_lite::future::block_on;
use sotto_client::engine::measure::votes_looked_at;
use sotto_client::testing::World;
use sotto_client::testing::forge::{forge, post};
use sotto_client::view::{Body, Command, NewPoll};
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::content::MessageBody;
use sotto_shared::testing::people::Person;

const VOTES: u64 = 2_000;
/// They come in lots, as pages bring them.
const LOT: u64 = 100;

#[test]
fn two_thousand_votes_are_each_looked_at_a_few_times() {
    block_on(async {
        let mut world = World::new(RustCrypto, "two thousand");
        world.newcomer("ada").await;
        let eve = Person::new("eve");
        world.relay().enlist(&eve);
        let room = world.group(0, "Tea", &["eve"]).await;
        let chat = room.into();
        world.run(0, Command::ShowRoom { chat }).await.unwrap();
        let poll = NewPoll {
            question: "Which?".into(),
            options: vec!["a".into(), "b".into()],
            several: false,
            ends_ms: 0,
        };
        world.run(0, Command::MakePoll { chat, poll }).await.unwrap();
        world.settle().await;
        let target = world.relay().rooms[&room].messages.last().unwrap().hash();
        for lot in 0..VOTES / LOT {
            for at in 0..LOT {
                let choices = 1 + (at % 2) as u16;
                let body = MessageBody::Vote { target, choices };
                let message = forge(world.relay(), room, &eve, &format!("{lot}.{at}"), body, |_, _| ()).unwrap();
                post(world.relay(), room, &message).unwrap();
            }
            world.settle().await;
        }
        let voters = |world: &World<RustCrypto>| {
            let mut rows = world.browsers[0].rows().into_iter();
            rows.find_map(|row| match row {
                Body::Poll { poll, .. } => Some((poll.voters, poll.options[1].votes)),
                _ => None,
            })
        };
        assert_eq!(voters(&world), Some((1, 1)), "her last word");
        let live = votes_looked_at();
        assert!((VOTES..=3 * VOTES).contains(&live), "{live}");
        // Read again from the newest backwards, and no more of it is looked at twice.
        world.reload(0);
        world.settle().await;
        world.read(0, room).await;
        assert_eq!(voters(&world), Some((1, 1)));
        let again = votes_looked_at() - live;
        assert!((VOTES..=4 * VOTES).contains(&again), "{again}");
    });
}
