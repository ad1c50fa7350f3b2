//! A link before there is an account, and one that does not lead in: what is told, to whom, and by whom it cannot be forged.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_lite::future::block_on;
use sotto_client::engine::{Failure, Reply, Request};
use sotto_client::testing::{ModelRelay, Peer, Tamper, World};
use sotto_client::view::{Body, Command, Note, Outcome, Over, Peeked, PeekedInvite, Problem};
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::RoomId;
use sotto_shared::link::Link;
use sotto_shared::testing::people::NOW;

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;
const CYD: usize = 2;
const DAY: u64 = 24 * 3_600_000;

/// Ada owns a group with Bob in it; Cyd is outside, and somebody without an account is at a browser of their own.
async fn stage(seed: &str) -> (TestWorld, RoomId, usize) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob", "cyd"] {
        world.newcomer(handle).await;
    }
    let room = world.group(ADA, "Tea", &["bob"]).await;
    world.say(ADA, room, "before").await;
    let stranger = world.browser("a stranger's");
    (world, room, stranger)
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

async fn peek(world: &mut TestWorld, browser: usize, link: &str) -> Result<PeekedInvite, Problem> {
    match world.run(browser, Command::PeekLink { link: link.to_owned() }).await {
        Ok(Outcome::Peeked(Peeked::Invite(peeked))) => Ok(peeked),
        Ok(other) => panic!("no look: {other:?}"),
        Err(problem) => Err(problem),
    }
}

async fn open(world: &mut TestWorld, browser: usize, link: &str) -> Result<Outcome, Problem> {
    world.run(browser, Command::OpenLink { link: link.to_owned() }).await
}

#[test]
fn whoever_holds_a_link_sees_where_it_leads_before_there_is_an_account() {
    block_on(async {
        let (mut world, room, stranger) = stage("peek").await;
        let link = link(&mut world, BOB, room, 2, true).await;
        let expected = PeekedInvite {
            guests: true,
            room,
            title: "Tea".into(),
            by: "bob".into(),
            mark: world.browsers[BOB].room(room).unwrap().mark,
            members: 2,
            expires_ms: NOW + DAY,
            approval: true,
            over: None,
        };
        assert_eq!(peek(&mut world, stranger, &link).await, Ok(expected.clone()));
        assert_eq!(peek(&mut world, CYD, &link).await, Ok(expected), "signed in");
        let ada = *world.relay().people.find("ada").unwrap().0;
        let contact = Command::PeekLink {
            link: format!("https://sotto.test/#c1.{ada}.ada"),
        };
        let handle = "ada".to_owned();
        let told = Outcome::Peeked(Peeked::Contact { user: ada, handle });
        assert_eq!(world.run(stranger, contact).await, Ok(told));
        for bad in ["", "i1.x.y", "c1.x.ada"] {
            assert_eq!(peek(&mut world, stranger, bad).await, Err(Problem::BadLink), "{bad}");
        }
    });
}

#[test]
fn a_link_that_does_not_lead_in_says_why_to_whoever_holds_it() {
    block_on(async {
        let (mut world, room, stranger) = stage("why").await;
        let (used, revoked, late, void) = (
            link(&mut world, ADA, room, 1, false).await,
            link(&mut world, ADA, room, 5, false).await,
            link(&mut world, ADA, room, 5, false).await,
            link(&mut world, BOB, room, 5, false).await,
        );
        let dan = world.newcomer("dan").await;
        open(&mut world, dan, &used).await.unwrap();
        assert_eq!(world.run(dan, Command::Join { room }).await, Ok(Outcome::Room(room)));
        let Ok(Outcome::Preview(preview)) = open(&mut world, CYD, &revoked).await else {
            panic!()
        };
        let invite = preview.invite.id;
        world.run(ADA, Command::RevokeInvite { room, invite }).await.unwrap();
        assert_eq!(world.run(BOB, Command::LeaveRoom { room }).await, Ok(Outcome::Done));
        world.advance(1);
        let wrong = format!("{}A{}", &late[..late.len() - 2], &late[late.len() - 1..]);
        for (link, why) in [(&used, Over::UsedUp), (&revoked, Over::TakenBack), (&void, Over::Void)] {
            assert_eq!(
                peek(&mut world, stranger, link).await.unwrap().over,
                Some(why),
                "{why:?}"
            );
            assert_eq!(
                open(&mut world, CYD, link).await,
                Err(Problem::InviteOver(why)),
                "{why:?}"
            );
        }
        for browser in [stranger, CYD] {
            let told = peek(&mut world, browser, &wrong).await;
            assert_eq!(told, Err(Problem::InviteOver(Over::Wrong)));
        }
        assert_eq!(
            open(&mut world, CYD, &wrong).await,
            Err(Problem::InviteOver(Over::Wrong))
        );
        world.advance(DAY);
        world.settle().await;
        assert_eq!(
            peek(&mut world, stranger, &late).await.unwrap().over,
            Some(Over::Expired)
        );
        assert_eq!(
            open(&mut world, CYD, &late).await,
            Err(Problem::InviteOver(Over::Expired))
        );
    });
}

#[test]
fn who_asked_sees_that_they_wait_even_when_nobody_else_may_come() {
    block_on(async {
        let (mut world, room, _) = stage("waiting").await;
        let link = link(&mut world, ADA, room, 1, true).await;
        open(&mut world, CYD, &link).await.unwrap();
        assert_eq!(world.run(CYD, Command::Join { room }).await, Ok(Outcome::Asked));
        assert_eq!(world.browsers[ADA].room(room).unwrap().asking, 1);
        let Ok(Outcome::Preview(preview)) = open(&mut world, CYD, &link).await else {
            panic!()
        };
        assert!(preview.asked);
        let cyd = *world.relay().people.find("cyd").unwrap().0;
        world.run(ADA, Command::RemovePerson { room, user: cyd }).await.unwrap();
        assert_eq!(world.browsers[ADA].room(room).unwrap().asking, 0);
        assert_eq!(
            open(&mut world, CYD, &link).await,
            Err(Problem::InviteOver(Over::UsedUp))
        );
    });
}

#[test]
fn the_timeline_says_by_whose_invite_somebody_came() {
    block_on(async {
        let (mut world, room, _) = stage("by whom").await;
        let link = link(&mut world, BOB, room, 1, false).await;
        open(&mut world, CYD, &link).await.unwrap();
        world.run(CYD, Command::Join { room }).await.unwrap();
        world.settle().await;
        world.read(ADA, room).await;
        let [bob, cyd] = ["bob", "cyd"].map(|handle| *world.relay().people.find(handle).unwrap().0);
        let note = Body::Note(Note::Joined { who: cyd, by: bob });
        assert!(world.browsers[ADA].rows().contains(&note));
    });
}

#[test]
fn an_invite_gives_no_role_that_there_is_not_or_that_is_not_ones_to_give() {
    block_on(async {
        let (mut world, room, _) = stage("roles").await;
        for (by, role) in [(ADA, 0), (ADA, 9), (ADA, 16), (ADA, 255), (BOB, 2), (BOB, 3)] {
            let command = Command::CreateInvite {
                room,
                role,
                max_uses: 1,
                expires_ms: NOW + DAY,
                approval: false,
            };
            assert_eq!(world.run(by, command).await, Err(Problem::NotAllowed), "{role}");
        }
        let command = Command::CreateInvite {
            room,
            role: 2,
            max_uses: 1,
            expires_ms: NOW + DAY,
            approval: false,
        };
        let Ok(Outcome::InviteLink(link)) = world.run(ADA, command).await else {
            panic!()
        };
        let Ok(Outcome::Preview(preview)) = open(&mut world, CYD, &link).await else {
            panic!()
        };
        assert_eq!(preview.invite.role, 2);
        world.run(CYD, Command::Join { room }).await.unwrap();
        let cyd = world.browsers[CYD].room(room).unwrap();
        assert_eq!(cyd.role, sotto_client::view::Role::Moderator);
    });
}

/// What the relay answers to a look is exchanged.
struct OtherCard(RoomId, RoomId);

impl Tamper for OtherCard {
    fn reply(
        &mut self,
        relay: &mut ModelRelay,
        _: Peer,
        request: &Request,
        mut reply: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        let (Request::InvitePeek(ask), Ok(Reply::InvitePeek(body))) = (request, &mut reply) else {
            return reply;
        };
        assert_eq!(ask.room_id, self.0);
        let other = relay.rooms[&self.1].state.invites.values().next().unwrap();
        body.card = sotto_shared::api::B64(other.card.as_slice().to_vec());
        body.by = "a<b>\u{202e}".into();
        reply
    }
}

/// Whatever a test wants in the place of the card.
struct AsCard(Vec<u8>);

impl Tamper for AsCard {
    fn reply(
        &mut self,
        _: &mut ModelRelay,
        _: Peer,
        _: &Request,
        mut reply: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        if let Ok(Reply::InvitePeek(body)) = &mut reply {
            body.card = sotto_shared::api::B64(self.0.clone());
        }
        reply
    }
}

/// Of one room, by one person, of the same words: only the link differs.
#[test]
fn a24_a_card_of_another_link_is_refused_and_so_is_one_that_was_changed() {
    block_on(async {
        let (mut world, room, stranger) = stage("card").await;
        let good = link(&mut world, ADA, room, 5, false).await;
        link(&mut world, ADA, room, 5, false).await;
        let invites = &world.relay().rooms[&room].state.invites;
        let mut cards: Vec<Vec<u8>> = invites.values().map(|it| it.card.as_slice().to_vec()).collect();
        // Which of the two is this link's, it alone says.
        let mut shown = 0;
        let mut own = Vec::new();
        for card in cards.clone() {
            world.tamper = Box::new(AsCard(card.clone()));
            match peek(&mut world, stranger, &good).await {
                Ok(peeked) => {
                    assert_eq!(peeked.title, "Tea");
                    own = card;
                    shown += 1;
                }
                Err(problem) => assert_eq!(problem, Problem::ServerLied("the room behind this link".into())),
            }
        }
        assert_eq!((cards.len(), shown), (2, 1));
        let last = own.len() - 1;
        cards = vec![Vec::new(), own[..last].to_vec(), [&own[..], &[0]].concat()];
        for at in [0, 30, last] {
            let mut bent = own.clone();
            bent[at] ^= 1;
            cards.push(bent);
        }
        for card in cards {
            world.tamper = Box::new(AsCard(card));
            let told = peek(&mut world, stranger, &good).await;
            assert_eq!(told, Err(Problem::ServerLied("the room behind this link".into())));
        }
    });
}

#[test]
fn a24_a_look_at_a_link_is_answered_with_another_room() {
    block_on(async {
        let (mut world, room, stranger) = stage("another").await;
        let good = link(&mut world, ADA, room, 5, false).await;
        let other = world.group(ADA, "Coffee", &["bob"]).await;
        link(&mut world, ADA, other, 5, false).await;
        world.tamper = Box::new(OtherCard(room, other));
        let told = peek(&mut world, stranger, &good).await;
        assert!(matches!(told, Err(Problem::ServerLied(_))), "{told:?}");
        // Nor can the relay put something else than a handle in the maker's place.
        world.tamper = Box::new(OtherCard(room, room));
        assert_eq!(peek(&mut world, stranger, &good).await.unwrap().by, "");
    });
}

/// What a camera sees: four dots a square, and a white edge around it.
fn scanned(rows: &[Vec<bool>]) -> String {
    const DOTS: usize = 4;
    let edge = 4;
    let side = (rows.len() + 2 * edge) * DOTS;
    let mut image = rqrr::PreparedImage::prepare_from_bitmap(side, side, |x, y| {
        let at = |dot: usize| (dot / DOTS).checked_sub(edge);
        let row = at(y).and_then(|y| rows.get(y));
        row.zip(at(x)).is_some_and(|(row, x)| row.get(x) == Some(&true))
    });
    let codes = image.detect_grids();
    let [code] = &codes[..] else {
        panic!("{} codes", codes.len())
    };
    code.decode().unwrap().1
}

#[test]
fn the_code_of_a_link_says_the_link_to_whoever_scans_it() {
    block_on(async {
        let (mut world, room, _) = stage("code").await;
        let user_id = world.browsers[ADA].me().unwrap();
        let contact = |handle: &str| {
            let link = Link::Contact {
                user_id,
                handle: handle.to_owned(),
            };
            format!("https://sotto.example/#{link}")
        };
        let invite = link(&mut world, ADA, room, 5, false).await;
        for text in [contact("ada"), contact(&"a".repeat(32)), invite] {
            let drawn = world.run(ADA, Command::DrawCode { text: text.clone() }).await;
            let Ok(Outcome::Code(rows)) = drawn else {
                panic!("{drawn:?}")
            };
            assert!(rows.iter().all(|row| row.len() == rows.len()), "a square");
            assert_eq!(scanned(&rows), text);
        }
        let long = Command::DrawCode { text: "a".repeat(513) };
        assert_eq!(world.run(ADA, long).await, Err(Problem::TooLong { max: 512 }));
    });
}
