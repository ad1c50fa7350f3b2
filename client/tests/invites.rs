//! Coming into a room by a link, over random schedules: opened, joined or asked, and the key handed over by whoever is there.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_lite::future::block_on;
use sotto_client::engine::Request;
use sotto_client::testing::{ModelRelay, Peer, Tamper, World};
use sotto_client::view::{Command, InvitePreview, Invites, Outcome, Over, Problem, Standing};
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::RoomId;
use sotto_shared::testing::people::NOW;

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;
const CYD: usize = 2;
const DAY: u64 = 24 * 3_600_000;

/// Ada owns a group with Bob in it; Cyd is outside.
async fn stage(seed: &str) -> (TestWorld, RoomId) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob", "cyd"] {
        world.newcomer(handle).await;
    }
    let room = world.group(ADA, "Tea", &["bob"]).await;
    world.say(ADA, room, "before").await;
    (world, room)
}

async fn link(world: &mut TestWorld, by: usize, room: RoomId, max_uses: u32, approval: bool) -> String {
    let command = Command::CreateInvite {
        room,
        role: 1,
        max_uses,
        expires_ms: NOW + DAY,
        approval,
    };
    match world.run(by, command).await {
        Ok(Outcome::InviteLink(link)) => link,
        other => panic!("no invite: {other:?}"),
    }
}

async fn open(world: &mut TestWorld, browser: usize, link: &str) -> Result<InvitePreview, Problem> {
    let link = link.to_owned();
    match world.run(browser, Command::OpenLink { link }).await {
        Ok(Outcome::Preview(preview)) => Ok(preview),
        Ok(other) => panic!("no preview: {other:?}"),
        Err(problem) => Err(problem),
    }
}

async fn invites(world: &mut TestWorld, browser: usize, room: RoomId) -> Invites {
    match world.run(browser, Command::ListInvites { room }).await {
        Ok(Outcome::Invites(invites)) => invites,
        other => panic!("no list: {other:?}"),
    }
}

#[test]
fn a_link_leads_into_the_room_and_somebody_hands_over_the_key() {
    for seed in 0..6 {
        block_on(async {
            let (mut world, room) = stage(&format!("link {seed}")).await;
            let link = link(&mut world, BOB, room, 2, false).await;
            let preview = open(&mut world, CYD, &link).await.unwrap();
            assert_eq!(
                (preview.room, preview.title.as_str(), preview.members),
                (room, "Tea", 2)
            );
            assert_eq!(preview.by.unwrap().handle, "bob");
            assert!(world.browsers[CYD].room(room).is_none(), "to look is not to be in");
            let joined = world.run(CYD, Command::Join { room }).await;
            assert_eq!(joined, Ok(Outcome::Room(room)));
            assert_eq!(world.browsers[CYD].room(room).unwrap().standing, Standing::Open);
            assert_eq!(world.texts(CYD, room).await, ["before"], "shared history");
            world.say(CYD, room, "after").await;
            for browser in [ADA, BOB, CYD] {
                assert_eq!(world.texts(browser, room).await, ["before", "after"]);
                assert_eq!(world.browsers[browser].members(room), ["ada", "bob", "cyd"]);
            }
            // Both were there, and made one wrap between them.
            let cyd = *world.relay().people.find("cyd").unwrap().0;
            let wraps = world.relay().rooms[&room].wraps.iter();
            assert_eq!(wraps.filter(|wrap| wrap.user_id == cyd).count(), 1);
            let again = world.run(CYD, Command::OpenLink { link: link.clone() }).await;
            assert_eq!(again, Ok(Outcome::Room(room)), "already in");
            assert_eq!(invites(&mut world, ADA, room).await.open[0].uses, 1);
        });
    }
}

#[test]
fn who_comes_while_nobody_is_there_waits_for_the_first_who_is() {
    for was_here in [false, true] {
        block_on(async {
            let (mut world, room) = stage("nobody there").await;
            let link = link(&mut world, ADA, room, 2, false).await;
            let join = || Command::Join { room };
            let mut texts = vec!["before"];
            if was_here {
                open(&mut world, CYD, &link).await.unwrap();
                assert_eq!(world.run(CYD, join()).await, Ok(Outcome::Room(room)));
                assert_eq!(world.run(CYD, Command::LeaveRoom { room }).await, Ok(Outcome::Done));
                world.say(ADA, room, "between").await;
                texts.push("between");
            }
            world.go_offline(ADA);
            world.go_offline(BOB);
            world.settle().await;
            open(&mut world, CYD, &link).await.unwrap();
            assert_eq!(world.run(CYD, join()).await, Ok(Outcome::Room(room)));
            let epochs = world.relay().rooms[&room].state.epochs.len();
            // However long it takes: a key that was made before they came is nobody's fault.
            for _ in 0..6 {
                assert_eq!(
                    world.browsers[CYD].room(room).unwrap().standing,
                    Standing::WaitingForKey
                );
                world.advance(31_000);
                world.settle().await;
            }
            assert_eq!(world.relay().rooms[&room].state.epochs.len(), epochs);
            world.go_online(BOB);
            world.settle().await;
            world.advance(31_000);
            world.settle().await;
            assert_eq!(world.browsers[CYD].room(room).unwrap().standing, Standing::Open);
            // What was said while she was away comes with the next Welcome.
            world.reload(CYD);
            world.settle().await;
            assert_eq!(world.texts(CYD, room).await, texts);
        });
    }
}

#[test]
fn who_asks_waits_for_a_moderator_or_is_sent_away() {
    block_on(async {
        let (mut world, room) = stage("asking").await;
        let link = link(&mut world, ADA, room, 5, true).await;
        assert!(open(&mut world, CYD, &link).await.unwrap().invite.approval);
        assert_eq!(world.run(CYD, Command::Join { room }).await, Ok(Outcome::Asked));
        assert!(world.browsers[CYD].room(room).is_none());
        let cyd = *world.relay().people.find("cyd").unwrap().0;
        assert_eq!(invites(&mut world, ADA, room).await.requests, [cyd]);
        let admit = Command::AdmitPerson { room, user: cyd };
        assert_eq!(
            world.run(BOB, admit.clone()).await,
            Err(Problem::NotAllowed),
            "a member does not decide"
        );
        let away = Command::RemovePerson { room, user: cyd };
        assert_eq!(world.run(ADA, away).await, Ok(Outcome::Done));
        assert_eq!(invites(&mut world, ADA, room).await.requests, []);
        assert_eq!(
            world.run(ADA, admit.clone()).await,
            Err(Problem::NotAllowed),
            "who did not ask"
        );
        open(&mut world, CYD, &link).await.unwrap();
        assert_eq!(world.run(CYD, Command::Join { room }).await, Ok(Outcome::Asked));
        assert_eq!(world.run(ADA, admit).await, Ok(Outcome::Done));
        assert_eq!(world.texts(CYD, room).await, ["before"]);
    });
}

#[test]
fn a_link_that_is_over_or_none_leads_nowhere() {
    block_on(async {
        let (mut world, room) = stage("over").await;
        let (revoked, once) = (
            link(&mut world, ADA, room, 5, false).await,
            link(&mut world, ADA, room, 1, false).await,
        );
        for bad in ["", "i1.", "https://sotto.test/", &once[..once.len() - 1], "c1.x.ada"] {
            assert_eq!(open(&mut world, CYD, bad).await, Err(Problem::BadLink), "{bad}");
        }
        open(&mut world, CYD, &revoked).await.unwrap();
        let invite = open(&mut world, CYD, &revoked).await.unwrap().invite.id;
        let command = Command::RevokeInvite { room, invite };
        assert_eq!(world.run(ADA, command).await, Ok(Outcome::Done));
        let late = world.run(CYD, Command::Join { room }).await;
        assert_eq!(
            late,
            Err(Problem::InviteOver(Over::TakenBack)),
            "taken back after it was looked at"
        );
        assert_eq!(
            open(&mut world, CYD, &revoked).await,
            Err(Problem::InviteOver(Over::TakenBack))
        );
        world.advance(DAY + 1);
        world.settle().await;
        assert_eq!(
            open(&mut world, CYD, &once).await,
            Err(Problem::InviteOver(Over::Expired))
        );
        assert!(world.browsers[CYD].room(room).is_none());
    });
}

/// Somebody renames the room between the look and the Join, again and again.
struct Busy(u32);

impl Tamper for Busy {
    fn request(
        &mut self,
        relay: &mut ModelRelay,
        _: Peer,
        request: &mut Request,
    ) -> Option<Result<sotto_client::engine::Reply, sotto_client::engine::Failure>> {
        use sotto_shared::api::error::{ErrorBody, ErrorCode};
        if let Request::RoomAppend(ask) = request
            && relay.rooms.contains_key(&ask.room_id)
            && self.0 > 0
        {
            self.0 -= 1;
            let body = ErrorBody {
                code: ErrorCode::StaleHead,
                retry_secs: None,
            };
            return Some(Err(sotto_client::engine::Failure::Refused(body)));
        }
        None
    }
}

#[test]
fn who_is_overtaken_tries_again_and_not_for_ever() {
    block_on(async {
        let (mut world, room) = stage("overtaken").await;
        let link = link(&mut world, ADA, room, 5, false).await;
        open(&mut world, CYD, &link).await.unwrap();
        world.tamper = Box::new(Busy(100));
        let lost = world.run(CYD, Command::Join { room }).await;
        assert!(matches!(lost, Err(Problem::Internal(_))), "{lost:?}");
        open(&mut world, CYD, &link).await.unwrap();
        world.tamper = Box::new(Busy(3));
        assert_eq!(world.run(CYD, Command::Join { room }).await, Ok(Outcome::Room(room)));
        assert_eq!(world.texts(CYD, room).await, ["before"]);
    });
}

#[test]
fn two_join_at_once_and_both_are_in() {
    for seed in 0..6 {
        block_on(async {
            let (mut world, room) = stage(&format!("two {seed}")).await;
            let dan = world.newcomer("dan").await;
            let link = link(&mut world, ADA, room, 2, false).await;
            for browser in [CYD, dan] {
                open(&mut world, browser, &link).await.unwrap();
            }
            for browser in [CYD, dan] {
                world.browsers[browser].command(Command::Join { room });
            }
            world.settle().await;
            for browser in [ADA, BOB, CYD, dan] {
                assert_eq!(world.browsers[browser].members(room), ["ada", "bob", "cyd", "dan"]);
                assert_eq!(world.texts(browser, room).await, ["before"]);
            }
        });
    }
}
