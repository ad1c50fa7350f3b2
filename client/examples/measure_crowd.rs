//! What a large space costs the engine, with this computer's own code in the place of a browser's: one of a hundred people
//! beside one of a thousand, each with a hundred channels. `cargo run --release -p sotto-client --features testing --example
//! measure_crowd`
//!
//! Times are those of the processor, so that what else a machine does matters little. What grows with the crowd at all should
//! grow tenfold; what is done for one person or one message should hardly grow.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use futures_lite::future::block_on;
use rustix::time::{ClockId, clock_gettime};
use sotto_client::engine::{Reply, Request};
use sotto_client::testing::World;
use sotto_client::view::{Change, ChannelKind, Chat, Command, NewChannel, NewHeading, Outcome};
use sotto_shared::api::B64;
use sotto_shared::api::body::RoomAppend;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::RoomId;
use sotto_shared::link::{Link, invite_key};
use sotto_shared::log::room_log::{RoomBody, RoomEntry, invite_id, join_bytes};
use sotto_shared::testing::people::{NOW, Person, TestRoom};

const CHANNELS: usize = 100;
const FEW: usize = 100;
const MANY: usize = 1_000;
/// Of what is done one by one.
const TIMES: usize = 20;
const ADA: usize = 0;
const BOB: usize = 1;

/// What something took: nanoseconds of the engine and of the page's model, and what the page was told, in bytes.
#[derive(Clone, Copy)]
struct Cost {
    engine: u64,
    page: u64,
    told: usize,
}

/// Nanoseconds that this process has been computing.
fn clock() -> u64 {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    spent.tv_sec as u64 * 1_000_000_000 + spent.tv_nsec as u64
}

struct Crowd {
    world: World<RustCrypto>,
    space: RoomId,
    link: String,
    general: Chat,
    costs: Vec<(&'static str, usize, Cost)>,
}

impl Crowd {
    /// Ada's space with Bob in it.
    async fn begin() -> Self {
        let mut world = World::new(RustCrypto, "crowd");
        world.clock = Some(clock);
        world.newcomer("ada").await;
        world.newcomer("bob").await;
        let channel = |number: usize| NewChannel {
            name: format!("channel {number}"),
            topic: "What belongs here".into(),
            kind: ChannelKind::Public,
        };
        let heading = |number: usize| NewHeading {
            name: format!("heading {number}"),
            channels: (0..CHANNELS / 10).map(|at| channel(number * 10 + at)).collect(),
        };
        let command = Command::CreateSpace {
            name: "Club".into(),
            roles: Vec::new(),
            headings: (0..10).map(heading).collect(),
        };
        let Ok(Outcome::Space(space)) = world.run(ADA, command).await else {
            panic!("no space");
        };
        let handles = vec!["bob".into()];
        let added = world.run(ADA, Command::AddPeople { room: space, handles }).await;
        assert_eq!(added, Ok(Outcome::Done));
        let command = Command::CreateInvite {
            room: space,
            role: 1,
            max_uses: 10_000,
            expires_ms: NOW + 24 * 3_600_000,
            approval: false,
        };
        let Ok(Outcome::InviteLink(link)) = world.run(ADA, command).await else {
            panic!("no invite");
        };
        let channel = world.browsers[ADA].space(space).unwrap().headings[1].channels[0];
        let general = Chat { room: space, channel };
        Self {
            world,
            space,
            link,
            general,
            costs: Vec::new(),
        }
    }

    /// Somebody without an engine comes by the link. Nobody has heard of it yet.
    fn joins(&mut self, number: usize) {
        let who = Person::new(&format!("member{number}"));
        let Ok(Link::Invite { room_id, secret }) = self.link.parse() else {
            panic!("no link")
        };
        let key = invite_key(&secret, &room_id);
        let invite_id = invite_id(&key.public());
        let nonce = [7; 16];
        let relay = self.world.relay();
        relay.enlist(&who);
        let state = &relay.rooms[&room_id].state;
        let entry = RoomEntry {
            room_id,
            seq: state.seq + 1,
            prev: state.head,
            ts: NOW,
            actor: who.id(),
            actor_dk: who.device_id(),
            body: RoomBody::Join {
                invite_id,
                member: who.member_ref(),
                nonce,
                inv_sig: key.sign(Label::Join, &join_bytes(&room_id, &invite_id, &who.id(), &nonce)),
            },
        };
        let entries = vec![B64(TestRoom::sign_entry(&entry, who.device()).to_bytes())];
        let request = Request::RoomAppend(RoomAppend {
            room_id,
            entries,
            wraps: Vec::new(),
        });
        let answer = relay.answer(Some(&who.name), &request);
        assert!(matches!(answer, Ok(Reply::RoomAppend(_))), "{answer:?}");
    }

    fn at(&self, browser: usize) -> (Cost, usize) {
        let browser = &self.world.browsers[browser];
        let [engine, page] = browser.spent;
        let cost = Cost { engine, page, told: 0 };
        (cost, browser.changes.len())
    }

    /// What happened in a browser since.
    fn note(&mut self, what: &'static str, times: usize, browser: usize, (before, changes): (Cost, usize)) {
        let (after, _) = self.at(browser);
        let told: &[Change] = self.world.browsers[browser].changes.get(changes..).unwrap_or_default();
        let cost = Cost {
            engine: after.engine - before.engine,
            page: after.page - before.page,
            told: told
                .iter()
                .map(|change| serde_json::to_vec(change).unwrap().len())
                .sum(),
        };
        self.costs.push((what, times, cost));
    }

    async fn run(&mut self, browser: usize, command: Command) {
        let answer = self.world.run(browser, command).await;
        assert!(answer.is_ok(), "{answer:?}");
        self.world.settle().await;
    }
}

async fn measure(members: usize) -> Vec<(&'static str, usize, Cost)> {
    let mut crowd = Crowd::begin().await;
    let (space, general) = (crowd.space, crowd.general);

    // While she is away, all but a few of them come; then she is back.
    crowd.world.go_offline(ADA);
    crowd.world.go_offline(BOB);
    for number in 0..members {
        crowd.joins(number);
    }
    let before = crowd.at(ADA);
    crowd.world.go_online(ADA);
    crowd.world.settle().await;
    crowd.note("everybody joined while one was away, and gets the key", 1, ADA, before);
    crowd.world.close(BOB);

    let before = crowd.at(ADA);
    crowd.world.browsers[ADA].clock = Some(clock);
    for number in 0..TIMES {
        crowd.joins(members + number);
        crowd.world.settle().await;
    }
    crowd.note("one more joins, seen by who hands over the key", TIMES, ADA, before);

    // A browser that was never here.
    let fresh = crowd.world.sign_in("ada").await;
    crowd.world.settle().await;
    crowd.note(
        "opened in a new browser, all verified",
        1,
        fresh,
        (
            Cost {
                engine: 0,
                page: 0,
                told: 0,
            },
            0,
        ),
    );
    assert_eq!(
        crowd.world.browsers[fresh].space(space).unwrap().members as usize,
        members + TIMES + 2
    );

    let before = crowd.at(fresh);
    for number in 0..TIMES {
        crowd.joins(members + TIMES + number);
        crowd.world.settle().await;
    }
    crowd.note("one more joins, seen by another", TIMES, fresh, before);

    let before = crowd.at(ADA).0;
    crowd.world.reload(ADA);
    crowd.world.settle().await;
    crowd.note("reload, from what the browser kept", 1, ADA, (before, 0));

    // Somebody who looks at the link, and comes.
    let zoe = crowd.world.newcomer("zoe").await;
    let before = crowd.at(zoe);
    let link = crowd.link.clone();
    crowd.run(zoe, Command::OpenLink { link }).await;
    crowd.note("a link opened", 1, zoe, before);
    let before = crowd.at(zoe);
    crowd.run(zoe, Command::Join { room: space }).await;
    crowd.note("joined by it, until all is there", 1, zoe, before);
    crowd.world.close(zoe);

    let before = crowd.at(ADA);
    crowd.run(ADA, Command::ShowRoom { chat: general }).await;
    crowd.note("a channel shown", 1, ADA, before);
    crowd.run(fresh, Command::ShowRoom { chat: general }).await;
    crowd.run(ADA, Command::say(general, "the first")).await;

    let (before, other) = (crowd.at(ADA), crowd.at(fresh));
    for number in 0..TIMES {
        crowd.run(ADA, Command::say(general, format!("message {number}"))).await;
    }
    crowd.note("a message, by who writes it", TIMES, ADA, before);
    crowd.note("a message, by who gets it", TIMES, fresh, other);

    let before = crowd.at(ADA);
    let command = Command::CreateChannel {
        space,
        name: "board".into(),
        topic: String::new(),
        kind: ChannelKind::Private,
        heading: 0,
        members: (0..5)
            .map(|number| Person::new(&format!("member{number}")).id())
            .collect(),
    };
    crowd.run(ADA, command).await;
    crowd.note("a private channel made, of six", 1, ADA, before);

    let (before, other) = (crowd.at(ADA), crowd.at(fresh));
    let user = Person::new("member0").id();
    crowd.run(ADA, Command::RemovePerson { room: space, user }).await;
    crowd.run(ADA, Command::say(general, "under a new key")).await;
    crowd.note("one taken out, and a new key for all", 1, ADA, before);
    crowd.note("the same, seen by another", 1, fresh, other);
    crowd.costs
}

fn main() {
    let few = block_on(measure(FEW));
    let many = block_on(measure(MANY));
    let ms = |nanos: u64, times: usize| nanos as f64 / 1e6 / times as f64;
    for ((what, times, few), (_, _, many)) in few.into_iter().zip(many) {
        let all = |cost: Cost| ms(cost.engine + cost.page, times);
        println!(
            "figure: {:<58} {:.1} ms, {:.1} times that of {FEW} ({:.0} kB to the page, {:.1} ms of it the page's model)",
            format!("space of {MANY}: {what}"),
            all(many),
            all(many) / all(few),
            many.told as f64 / 1e3 / times as f64,
            ms(many.page, times),
        );
    }
}
