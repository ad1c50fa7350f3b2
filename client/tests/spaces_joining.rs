//! Into a space and out of it: by a link, after asking, told where everybody reads, and never without an owner.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_lite::future::block_on;
use sotto_client::testing::World;
use sotto_client::view::{
    Body, ChannelKind, Chat, Command, NewChannel, NewHeading, Note, Outcome, Over, Problem, Rights, Space, Standing,
};
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{RoomId, UserId};
use sotto_shared::testing::people::NOW;

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;
const CYD: usize = 2;

/// Ada's space with Bob in it, its channels in this order: one for announcements, two public ones. Cyd is outside.
async fn club(seed: &str) -> (TestWorld, RoomId) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob", "cyd"] {
        world.newcomer(handle).await;
    }
    let channel = |(name, kind): (&str, ChannelKind)| NewChannel {
        name: name.into(),
        topic: String::new(),
        kind,
    };
    let channels = [
        ("news", ChannelKind::Announcement),
        ("general", ChannelKind::Public),
        ("tea", ChannelKind::Public),
    ];
    let command = Command::CreateSpace {
        name: "Club".into(),
        roles: Vec::new(),
        headings: vec![NewHeading {
            name: String::new(),
            channels: channels.into_iter().map(channel).collect(),
        }],
    };
    let Ok(Outcome::Space(id)) = world.run(ADA, command).await else {
        panic!("no space");
    };
    let handles = vec!["bob".into()];
    let added = world.run(ADA, Command::AddPeople { room: id, handles }).await;
    assert_eq!(added, Ok(Outcome::Done));
    world.settle().await;
    (world, id)
}

fn space(world: &TestWorld, browser: usize, id: RoomId) -> Space {
    world.browsers[browser].space(id).expect("a space")
}

fn channel(world: &TestWorld, browser: usize, id: RoomId, name: &str) -> Chat {
    let channels = space(world, browser, id)
        .headings
        .into_iter()
        .flat_map(|heading| heading.channels);
    let mut chats = channels.map(|channel| Chat { room: id, channel });
    chats
        .find(|chat| {
            let room = world.browsers[browser].chat(*chat);
            room.is_some_and(|room| room.title == name)
        })
        .expect("a channel")
}

async fn link(world: &mut TestWorld, id: RoomId, role: u8, approval: bool) -> String {
    let command = Command::CreateInvite {
        room: id,
        role,
        max_uses: 5,
        expires_ms: NOW + 24 * 3_600_000,
        approval,
    };
    match world.run(ADA, command).await {
        Ok(Outcome::InviteLink(link)) => link,
        other => panic!("no invite: {other:?}"),
    }
}

/// What a channel tells of people: who, and what about them.
async fn told(world: &mut TestWorld, browser: usize, chat: Chat) -> Vec<(UserId, &'static str)> {
    assert_eq!(world.run(browser, Command::ShowRoom { chat }).await, Ok(Outcome::Done));
    world.settle().await;
    let about = |body: Body| match body {
        Body::Note(Note::Added { who, .. }) => Some((who, "added")),
        Body::Note(Note::Joined { who, .. }) => Some((who, "joined")),
        Body::Note(Note::AskedToJoin { who, .. }) => Some((who, "asked")),
        Body::Note(Note::Removed { who, .. }) => Some((who, "removed")),
        Body::Note(Note::Left { who }) => Some((who, "left")),
        _ => None,
    };
    world.browsers[browser].rows().into_iter().filter_map(about).collect()
}

#[test]
fn who_comes_and_goes_is_told_in_the_first_channel_that_everybody_writes_in() {
    for seed in 0..2 {
        block_on(async {
            let (mut world, id) = club(&format!("told {seed}")).await;
            let link = link(&mut world, id, 1, false).await;
            assert!(matches!(
                world.run(CYD, Command::OpenLink { link: link.clone() }).await,
                Ok(Outcome::Preview(_))
            ));
            assert_eq!(world.run(CYD, Command::Join { room: id }).await, Ok(Outcome::Room(id)));
            assert_eq!(space(&world, CYD, id).standing, Standing::Open);
            let again = world.run(CYD, Command::OpenLink { link }).await;
            assert_eq!(again, Ok(Outcome::Room(id)), "already in");
            let (bob, cyd) = (world.browsers[BOB].me().unwrap(), world.browsers[CYD].me().unwrap());
            let general = channel(&world, CYD, id, "general");
            let all = vec![(bob, "added"), (cyd, "joined")];
            for browser in [ADA, BOB, CYD] {
                assert_eq!(told(&mut world, browser, general).await, all);
                for other in ["news", "tea"] {
                    let other = channel(&world, browser, id, other);
                    assert_eq!(told(&mut world, browser, other).await, []);
                }
            }
            // While it is on screen, too.
            told(&mut world, ADA, general).await;
            assert_eq!(world.run(BOB, Command::LeaveRoom { room: id }).await, Ok(Outcome::Done));
            world.settle().await;
            let left = vec![(bob, "added"), (cyd, "joined"), (bob, "left")];
            let rows = world.browsers[ADA].rows();
            assert!(
                rows.iter()
                    .any(|row| matches!(row, Body::Note(Note::Left { who }) if *who == bob))
            );
            assert_eq!(told(&mut world, CYD, general).await, left);
            assert_eq!(told(&mut world, ADA, general).await, left);
        });
    }
}

#[test]
fn who_asks_to_be_let_in_is_counted_until_somebody_decides() {
    block_on(async {
        let (mut world, id) = club("asks").await;
        let link = link(&mut world, id, 1, true).await;
        let open = Command::OpenLink { link };
        assert!(matches!(world.run(CYD, open.clone()).await, Ok(Outcome::Preview(_))));
        assert_eq!(world.run(CYD, Command::Join { room: id }).await, Ok(Outcome::Asked));
        world.settle().await;
        for browser in [ADA, BOB] {
            assert_eq!(space(&world, browser, id).asking, 1);
        }
        assert!(world.browsers[CYD].space(id).is_none());
        let Ok(Outcome::Preview(preview)) = world.run(CYD, open.clone()).await else {
            panic!("no preview")
        };
        assert!(preview.asked);
        let user = world.browsers[CYD].me().unwrap();
        let admitted = world.run(ADA, Command::AdmitPerson { room: id, user }).await;
        assert_eq!(admitted, Ok(Outcome::Done));
        world.settle().await;
        assert_eq!(space(&world, ADA, id).asking, 0);
        assert_eq!(space(&world, CYD, id).standing, Standing::Open);
        assert_eq!(world.run(CYD, open).await, Ok(Outcome::Room(id)));
    });
}

#[test]
fn a_space_is_handed_over_or_closed_and_never_left_without_an_owner() {
    block_on(async {
        let (mut world, id) = club("owner").await;
        let leave = || Command::LeaveRoom { room: id };
        assert_eq!(world.run(ADA, leave()).await, Err(Problem::LastOwner));
        world.settle().await;
        let here = space(&world, ADA, id);
        assert_eq!(
            (here.standing, here.role, here.members),
            (Standing::Open, 3, 2),
            "nothing is lost"
        );
        let general = channel(&world, ADA, id, "general");
        assert!(world.run(ADA, Command::say(general, "still here")).await.is_ok());
        let user = world.browsers[BOB].me().unwrap();
        let role = Command::SetRole {
            room: id,
            user,
            role: 3,
        };
        assert_eq!(world.run(ADA, role).await, Ok(Outcome::Done));
        assert_eq!(world.run(ADA, leave()).await, Ok(Outcome::Done));
        world.settle().await;
        assert!(world.browsers[ADA].space(id).is_none());
        let here = space(&world, BOB, id);
        assert_eq!((here.role, here.members), (3, 1));
        assert!(here.rights.channel && here.rights.role);
        // He alone may go: nobody is left behind without an owner.
        assert_eq!(world.run(BOB, leave()).await, Ok(Outcome::Done));
        world.settle().await;
        assert!(world.relay().rooms[&id].state.members.is_empty());
    });
}

#[test]
fn the_links_that_give_a_role_are_over_with_it() {
    block_on(async {
        let (mut world, id) = club("dropped").await;
        let define = |name: &str, kick| Command::DefineRole {
            space: id,
            role: None,
            name: name.into(),
            rank: 30,
            rights: Rights {
                post: true,
                kick,
                ..Rights::default()
            },
        };
        assert_eq!(world.run(ADA, define("Guide", false)).await, Ok(Outcome::Done));
        let (guides, members) = (
            link(&mut world, id, 16, false).await,
            link(&mut world, id, 1, false).await,
        );
        let look = |link: &String| Command::OpenLink { link: link.clone() };
        assert!(matches!(world.run(CYD, look(&guides)).await, Ok(Outcome::Preview(_))));
        let drop = Command::DropRole { space: id, role: 16 };
        assert_eq!(world.run(ADA, drop).await, Ok(Outcome::Done));
        world.settle().await;
        for browser in [ADA, BOB] {
            let Ok(Outcome::Invites(invites)) = world.run(browser, Command::ListInvites { room: id }).await else {
                panic!("no list");
            };
            let roles: Vec<u8> = invites.open.iter().map(|invite| invite.role).collect();
            assert_eq!(roles, [1], "browser {browser}");
        }
        let over = Err(Problem::InviteOver(Over::TakenBack));
        assert_eq!(
            world.run(CYD, Command::Join { room: id }).await,
            over,
            "looked at before"
        );
        // Its number is another role's, which may do more.
        assert_eq!(world.run(ADA, define("Guard", true)).await, Ok(Outcome::Done));
        let roles = space(&world, ADA, id).roles;
        assert!(roles.iter().any(|role| role.id == 16 && role.name == "Guard"));
        assert_eq!(world.run(CYD, look(&guides)).await, over);
        assert!(matches!(world.run(CYD, look(&members)).await, Ok(Outcome::Preview(_))));
        assert_eq!(world.run(CYD, Command::Join { room: id }).await, Ok(Outcome::Room(id)));
    });
}
