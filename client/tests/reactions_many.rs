//! A message with very many reactions, by many people and of many kinds: nothing is lost, their order stays, what is shown is
//! bounded, and one more is counted by itself. Work is counted, not time.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_lite::future::block_on;
use sotto_client::engine::measure::reactions_looked_at;
use sotto_client::testing::World;
use sotto_client::testing::forge::{forge, post};
use sotto_client::view::{Body, Reaction};
use sotto_shared::codec::Text;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::content::MessageBody;
use sotto_shared::id::{EnvelopeHash, RoomId, UserId};
use sotto_shared::testing::people::Person;

const PEOPLE: usize = 25;
const KINDS: u32 = 80;
const ALL: u64 = PEOPLE as u64 * KINDS as u64;
/// They come in lots, as pages bring them.
const LOT: usize = 100;
/// As many as a row shows.
const SHOWN: usize = 20;

fn kind(number: u32) -> String {
    char::from_u32(0x1f300 + number).unwrap().to_string()
}

fn shown(world: &World<RustCrypto>, browser: usize) -> Vec<Reaction> {
    let mut rows = world.browsers[browser].rows().into_iter();
    let found = rows.find_map(|row| match row {
        Body::Text { text, reactions, .. } if text == "what do you say?" => Some(reactions),
        _ => None,
    });
    found.unwrap()
}

fn react(world: &mut World<RustCrypto>, room: RoomId, who: &Person, target: EnvelopeHash, number: u32, on: bool) {
    let emoji = Text::new(kind(number)).unwrap();
    let body = MessageBody::React { target, emoji, on };
    let message = forge(world.relay(), room, who, &format!("{number}.{on}"), body, |_, _| ()).unwrap();
    post(world.relay(), room, &message).unwrap();
}

#[test]
fn two_thousand_reactions_are_each_looked_at_a_few_times() {
    block_on(async {
        let mut world = World::new(RustCrypto, "two thousand reactions");
        world.newcomer("ada").await;
        let people: Vec<Person> = (0..PEOPLE).map(|at| Person::new(&format!("person-{at}"))).collect();
        for person in &people {
            world.relay().enlist(person);
        }
        let handles: Vec<&str> = people.iter().map(|person| person.name.as_str()).collect();
        let room = world.group(0, "Tea", &handles).await;
        world.say(0, room, "what do you say?").await;
        world.read(0, room).await;
        let target = world.relay().rooms[&room].messages.last().unwrap().hash();
        // Every kind by everybody, the first kinds by all first.
        let each = (0..KINDS).flat_map(|number| people.iter().map(move |who| (number, who)));
        let each: Vec<(u32, &Person)> = each.collect();
        for lot in each.chunks(LOT) {
            for (number, who) in lot {
                react(&mut world, room, who, target, *number, true);
            }
            world.settle().await;
        }
        let mut first: Vec<UserId> = people.iter().map(Person::id).collect();
        first.sort_unstable();
        first.truncate(4);
        let expected = |kinds: &[(u32, u32)]| -> Vec<(String, u32, bool, Vec<UserId>)> {
            let row = |(number, count): &(u32, u32)| (kind(*number), *count, false, first.clone());
            kinds.iter().map(row).collect()
        };
        let told = |world: &World<RustCrypto>| -> Vec<_> {
            let all = shown(world, 0).into_iter();
            all.map(|one| (one.emoji, one.count, one.mine, one.who)).collect()
        };
        let all: Vec<(u32, u32)> = (0..SHOWN as u32).map(|number| (number, PEOPLE as u32)).collect();
        assert_eq!(told(&world), expected(&all));
        let live = reactions_looked_at();
        assert!((ALL..=3 * ALL).contains(&live), "{live}");
        // Of a kind that everybody takes back the next one takes the place; put again it is where it was.
        for who in &people {
            react(&mut world, room, who, target, 0, false);
        }
        world.settle().await;
        let rest: Vec<(u32, u32)> = (1..=SHOWN as u32).map(|number| (number, PEOPLE as u32)).collect();
        assert_eq!(told(&world), expected(&rest));
        // Read again from the newest backwards it comes to the same.
        let before = reactions_looked_at();
        world.reload(0);
        world.settle().await;
        world.read(0, room).await;
        assert_eq!(told(&world), expected(&rest));
        let again = reactions_looked_at() - before;
        assert!((ALL..=4 * ALL).contains(&again), "{again}");
        let late = world.sign_in("ada").await;
        world.read(late, room).await;
        assert_eq!(shown(&world, late).len(), SHOWN);
        assert_eq!(shown(&world, late), shown(&world, 0));
    });
}
