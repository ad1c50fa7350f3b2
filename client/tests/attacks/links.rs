//! Links to people and into rooms, and who comes by them.

use futures_lite::future::block_on;
use sotto_client::engine::{Reply, Request};
use sotto_client::view::{Body, Command, Note, Outcome, Problem, Standing, Tamper};
use sotto_shared::api::B64;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::codec::{Bytes, Codec};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::id::{InviteId, RoomId};
use sotto_shared::link::{Link, invite_key};
use sotto_shared::log::room_log::{JoinMode, Role, RoomBody, RoomEntry, invite_id, join_bytes};
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::people::{NOW, Person};

use crate::eve::{act, entry, force, key_request, plain_member, signed, swapped_kem};
use crate::stage::{ADA, BOB, CYD, ReplyRule, Stage, pass_frame, pass_reply};

const WEEK: u64 = 7 * 24 * 3_600_000;

/// A link into a room by Ada, and what its holder has of it.
async fn link_to(stage: &mut Stage, room: RoomId, max_uses: u32) -> (String, PrivateKey) {
    let command = Command::CreateInvite {
        room,
        role: 1,
        max_uses,
        expires_ms: NOW + WEEK,
        approval: false,
    };
    let Ok(Outcome::InviteLink(link)) = stage.world.run(ADA, command).await else {
        panic!("no invite");
    };
    let Ok(Link::Invite { room_id, secret }) = link.parse() else {
        panic!("no link: {link}");
    };
    assert_eq!(room_id, room);
    (link, invite_key(&secret, &room))
}

/// Somebody's Join with this key, for an invite of this id.
fn join_body(room: RoomId, invite_id: InviteId, who: &Person, key: &PrivateKey) -> RoomBody {
    let nonce = [9; 16];
    RoomBody::Join {
        invite_id,
        member: who.member_ref(),
        nonce,
        inv_sig: key.sign(Label::Join, &join_bytes(&room, &invite_id, &who.id(), &nonce)),
    }
}

#[test]
fn a23_a_contact_link_is_answered_with_somebody_else() {
    for case in ["person", "log", "genesis", "handle", "honest"] {
        block_on(async {
            let mut stage = Stage::new(&format!("a23 {case}")).await;
            let (eve, dan) = (stage.eve.clone(), stage.dan.id());
            let reply: ReplyRule = Box::new(move |relay, _, request, reply| match (request, reply) {
                (Request::UserFind(_), Reply::UserFind(mut body)) => {
                    match case {
                        "honest" => {}
                        "handle" => body.handle = "dane".into(),
                        case => body = swapped_kem(relay, "dan", &eve, case),
                    }
                    Reply::UserFind(body)
                }
                (_, reply) => reply,
            });
            stage.script(pass_frame(), reply);
            let link = Link::Contact {
                user_id: dan,
                handle: "dan".into(),
            };
            let link = format!("https://sotto.test/#{link}");
            let answer = stage.world.run(ADA, Command::OpenLink { link }).await;
            if case == "honest" {
                assert!(matches!(answer, Ok(Outcome::Person(person)) if person.id == dan));
                return;
            }
            let told = match case {
                "person" => Problem::OtherPerson("dan".into()),
                _ => Problem::ServerLied("the keys of dan".into()),
            };
            assert_eq!(answer, Err(told), "{case}");
            assert_eq!(stage.world.browsers[ADA].handle(dan), "", "{case}: nothing is kept");
            stage.assert_shut_out(&stage.eve, case);
        });
    }
}

#[test]
fn a24_an_invite_link_is_answered_with_another_room() {
    for case in ["room", "genesis", "invented", "entry", "cut", "nothing", "honest"] {
        block_on(async {
            let mut stage = Stage::new(&format!("a24 {case}")).await;
            let (tea, den, eve) = (stage.tea, stage.den, stage.eve.clone());
            let (link, _) = link_to(&mut stage, den, 5).await;
            let reply: ReplyRule = Box::new(move |relay, _, request, reply| match (request, reply) {
                (Request::InviteOpen(_), Reply::InviteOpen(mut body)) => {
                    let others = &relay.rooms[&tea];
                    let bad = |entry: RoomEntry| B64(signed(&entry, &eve).to_bytes());
                    match case {
                        "room" => {
                            body.entries = others.entries.clone();
                            body.seq = others.state.seq;
                        }
                        "genesis" => body.entries[0] = others.entries[0].clone(),
                        // An entry that no rule allows, and one whose signature is another's.
                        "invented" => {
                            let member = plain_member(eve.member_ref());
                            body.entries.push(bad(entry(relay, den, &eve, member)));
                            body.seq += 1;
                        }
                        "entry" => {
                            let last = body.entries.last_mut().unwrap();
                            let blob = SignedBlob::from_bytes(&last.0).unwrap();
                            let entry = RoomEntry::from_bytes(&blob.body).unwrap();
                            *last = bad(entry);
                        }
                        // Said to be longer than what is given, without end.
                        "cut" => body.seq += 3,
                        "nothing" => body.entries.clear(),
                        _ => {}
                    }
                    Reply::InviteOpen(body)
                }
                (_, reply) => reply,
            });
            stage.script(pass_frame(), reply);
            let answer = stage.world.run(CYD, Command::OpenLink { link }).await;
            if case == "honest" {
                let Ok(Outcome::Preview(preview)) = answer else {
                    panic!("{answer:?}");
                };
                assert_eq!((preview.room, preview.title.as_str(), preview.members), (den, "Den", 3));
                assert_eq!(preview.by.unwrap().handle, "ada");
                return;
            }
            let lied = Problem::ServerLied("the room behind this link".into());
            assert_eq!(answer, Err(lied), "{case}");
            let refused = stage.world.run(CYD, Command::Join { room: den }).await;
            assert_eq!(refused, Err(Problem::BadLink), "{case}: there is nothing to join");
            assert!(stage.world.browsers[CYD].room(den).is_none(), "{case}");
            let seen = stage.seen.borrow();
            let appended = |ask: &Request| matches!(ask, Request::RoomAppend(_));
            assert!(!seen.requests.iter().any(appended), "{case}: nothing was signed");
        });
    }
}

#[test]
fn a25_somebody_comes_by_an_invite_that_does_not_hold() {
    for case in [
        "revoked",
        "expired",
        "used up",
        "invented",
        "unsigned",
        "for another",
        "maker gone",
    ] {
        block_on(async {
            let mut stage = Stage::new(&format!("a25 {case}")).await;
            let (den, eve, dan) = (stage.den, stage.eve.clone(), stage.dan.clone());
            let (link, mut key) = link_to(&mut stage, den, 1).await;
            let mut id = invite_id(&key.public());
            let mut texts = vec!["first", "second"];
            match case {
                "revoked" => {
                    let command = Command::RevokeInvite { room: den, invite: id };
                    assert_eq!(stage.world.run(ADA, command).await, Ok(Outcome::Done));
                }
                "used up" => {
                    let opened = stage.world.run(CYD, Command::OpenLink { link }).await;
                    assert!(matches!(opened, Ok(Outcome::Preview(_))), "{opened:?}");
                    let joined = stage.world.run(CYD, Command::Join { room: den }).await;
                    assert_eq!(joined, Ok(Outcome::Room(den)));
                    stage.world.say(CYD, den, "third").await;
                    texts.push("third");
                }
                // Known to nobody but the relay and Dan.
                "invented" => {
                    key = PrivateKey::make(&mut FixedRng::new("a25"));
                    id = invite_id(&key.public());
                }
                "unsigned" => key = PrivateKey::make(&mut FixedRng::new("a25")),
                "maker gone" => {
                    key = PrivateKey::make(&mut FixedRng::new("a25 eve"));
                    id = invite_id(&key.public());
                    let body = RoomBody::CreateInvite {
                        invite_id: id,
                        inv_pk: key.public(),
                        role: Role::Member,
                        max_uses: 9,
                        expires: NOW + WEEK,
                        mode: JoinMode::Member,
                        card: Bytes::default(),
                    };
                    act(stage.world.relay(), den, &eve, body);
                    stage.world.settle().await;
                    let command = Command::RemovePerson {
                        room: den,
                        user: eve.id(),
                    };
                    assert_eq!(stage.world.run(ADA, command).await, Ok(Outcome::Done));
                }
                _ => {}
            }
            stage.script(pass_frame(), pass_reply());
            let relay = stage.world.relay();
            let signer = if case == "for another" { &eve } else { &dan };
            let mut join = entry(relay, den, &dan, join_body(den, id, signer, &key));
            if case == "expired" {
                join.ts = NOW + WEEK + 1;
            }
            force(relay, den, &signed(&join, &dan));
            stage.world.settle().await;
            for browser in [ADA, BOB] {
                let members = stage.world.browsers[browser].members(den);
                assert!(!members.contains(&"dan".to_owned()), "{case}");
                stage
                    .assert_frozen(browser, den, Tamper::InvalidEntry, &texts, case)
                    .await;
                stage.world.read(browser, den).await;
                let came = |body: &Body| matches!(body, Body::Note(Note::Joined { who, .. }) if *who == dan.id());
                assert!(!stage.world.browsers[browser].rows().iter().any(came), "{case}");
            }
            stage.assert_shut_out(&dan, case);
        });
    }
}

#[test]
fn a25_a_join_that_was_dated_back_is_handed_no_key() {
    block_on(async {
        let mut stage = Stage::new("a25 late").await;
        let (den, dan) = (stage.den, stage.dan.clone());
        let (_, key) = link_to(&mut stage, den, 5).await;
        stage.world.advance(WEEK + 1);
        stage.world.settle().await;
        stage.script(pass_frame(), pass_reply());
        let relay = stage.world.relay();
        let join = entry(relay, den, &dan, join_body(den, invite_id(&key.public()), &dan, &key));
        force(relay, den, &signed(&join, &dan));
        stage.world.settle().await;
        assert_eq!(stage.standing(ADA, den), Standing::Open, "by its own date it holds");
        let request = key_request(stage.world.relay(), den, &dan, |_| {});
        stage
            .tell("ada", vec![FromRelay::KeyRequest { room_id: den, request }])
            .await;
        stage.assert_shut_out(&dan, "late");
    });
}
