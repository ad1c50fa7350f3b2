//! Guests: in by a link and a name, as everybody but for founding rooms; kept under a handle, with all there was.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::Cell;
use std::rc::Rc;

use futures_lite::future::block_on;
use sotto_client::engine::{Failure, Reply, Request};
use sotto_client::testing::{ModelRelay, Peer, Tamper, World};
use sotto_client::view::{Command, Outcome, Over, Peeked, Person, Phase, Problem, Standing};
use sotto_shared::api::limits::is_guest;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{RoomId, UserId};
use sotto_shared::testing::people::NOW;

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;
const DAY: u64 = 24 * 3_600_000;
const NAME: &str = "Zoe of the long name";
const PASSWORD: &str = "correct horse battery staple seven";

/// Ada owns a group with Bob in it, and has a link that lets in as a moderator.
async fn stage(seed: &str) -> (TestWorld, RoomId, String) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob"] {
        world.newcomer(handle).await;
    }
    let room = world.group(ADA, "Tea", &["bob"]).await;
    world.say(ADA, room, "before").await;
    let command = Command::CreateInvite {
        room,
        role: 2,
        max_uses: 5,
        expires_ms: NOW + DAY,
        approval: false,
    };
    let Ok(Outcome::InviteLink(link)) = world.run(ADA, command).await else {
        panic!("no invite")
    };
    (world, room, link)
}

/// Somebody with a link and a name.
async fn guest(world: &mut TestWorld, room: RoomId, link: &str) -> usize {
    let browser = world.browser("a guest's browser");
    let name = format!(" {NAME}\n");
    assert_eq!(world.run(browser, Command::ComeIn { name }).await, Ok(Outcome::Done));
    let link = link.to_owned();
    assert!(matches!(
        world.run(browser, Command::OpenLink { link }).await,
        Ok(Outcome::Preview(_))
    ));
    assert_eq!(
        world.run(browser, Command::Join { room }).await,
        Ok(Outcome::Room(room))
    );
    for browser in [ADA, BOB, browser] {
        world.run(browser, Command::Looking { visible: true }).await.unwrap();
        world.read(browser, room).await;
    }
    world.settle().await;
    browser
}

fn me(world: &TestWorld, browser: usize) -> UserId {
    world.browsers[browser].me().unwrap()
}

fn seen(world: &TestWorld, browser: usize, user: UserId) -> Person {
    world.browsers[browser].person(user).unwrap()
}

async fn keep(world: &mut TestWorld, browser: usize, handle: &str) -> Result<Outcome, Problem> {
    let command = Command::KeepAccount {
        handle: handle.to_owned(),
        password: PASSWORD.to_owned(),
    };
    world.run(browser, command).await
}

async fn sign_in(world: &mut TestWorld, handle: &str) -> (usize, Result<Outcome, Problem>) {
    let browser = world.browser("elsewhere");
    let command = Command::SignIn {
        handle: handle.to_owned(),
        password: PASSWORD.to_owned(),
        stay: true,
    };
    let answer = world.run(browser, command).await;
    (browser, answer)
}

#[test]
fn a_name_and_a_link_lead_in_and_who_stays_keeps_everything() {
    for seed in 0..4 {
        block_on(async {
            let (mut world, room, link) = stage(&format!("guest {seed}")).await;
            let zoe = guest(&mut world, room, &link).await;
            let id = me(&world, zoe);
            world.say(zoe, room, "hello").await;
            world.say(BOB, room, "hello you").await;
            for browser in [ADA, BOB, zoe] {
                let person = seen(&world, browser, id);
                assert!(person.guest && is_guest(&person.handle), "{person:?}");
                assert_eq!(person.name, NAME);
                assert_eq!(world.texts(browser, room).await, ["before", "hello", "hello you"]);
            }
            assert!(!seen(&world, zoe, me(&world, ADA)).guest);
            // It is there again when the page is.
            world.reload(zoe);
            world.settle().await;
            assert!(seen(&world, zoe, id).guest);
            world.say(zoe, room, "again").await;

            assert_eq!(
                keep(&mut world, zoe, "@Zoe").await,
                Ok(Outcome::PasswordChanged {
                    recovery_key_gone: false
                })
            );
            world.settle().await;
            for browser in [ADA, BOB, zoe] {
                let person = seen(&world, browser, id);
                assert_eq!((person.handle.as_str(), person.guest), ("zoe", false));
                assert_eq!(person.name, NAME);
            }
            world.say(zoe, room, "to stay").await;
            let (elsewhere, answer) = sign_in(&mut world, "zoe").await;
            assert_eq!(answer, Ok(Outcome::Done));
            assert_eq!(me(&world, elsewhere), id, "the same identity");
            let all = ["before", "hello", "hello you", "again", "to stay"];
            for browser in [ADA, BOB, zoe, elsewhere] {
                assert_eq!(world.texts(browser, room).await, all);
                assert_eq!(world.browsers[browser].room(room).unwrap().standing, Standing::Open);
            }
            let role = world.relay().rooms[&room].state.members[&id].role.number();
            assert_eq!(role, 2, "the same role");
            for browser in [ADA, zoe] {
                world.reload(browser);
                world.settle().await;
                assert_eq!(seen(&world, browser, id).handle, "zoe", "kept");
            }
            // All that was not for guests is there now.
            let password = PASSWORD.to_owned();
            assert!(matches!(
                world.run(zoe, Command::MakeRecoveryKey { password }).await,
                Ok(Outcome::RecoveryKey { .. })
            ));
            world.direct(elsewhere, "bob").await;
            for browser in [ADA, BOB, zoe, elsewhere] {
                assert_eq!(world.browsers[browser].notices(), []);
            }
        });
    }
}

#[test]
fn what_a_guest_has_no_password_for_is_not_done() {
    block_on(async {
        let (mut world, room, link) = stage("not for guests").await;
        let zoe = guest(&mut world, room, &link).await;
        let before = world.relay().rooms.len();
        for command in [
            Command::Lock,
            Command::MakeRecoveryKey {
                password: String::new(),
            },
            Command::ChangePassword {
                old: String::new(),
                new: PASSWORD.into(),
            },
            Command::OpenDirect { handle: "bob".into() },
            Command::CreateGroup {
                name: "Den".into(),
                handles: vec!["bob".into()],
            },
        ] {
            let said = format!("{command:?}");
            assert_eq!(world.run(zoe, command).await, Err(Problem::NotAllowed), "{said}");
        }
        assert_eq!(world.relay().rooms.len(), before);
        // A handle of a guest's shape is for guests, and a weak password for nobody.
        for handle in ["guest-abcdefghijkl", "guest-zoe", "Z!"] {
            assert_eq!(
                keep(&mut world, zoe, handle).await,
                Err(Problem::HandleMalformed),
                "{handle}"
            );
        }
        assert_eq!(
            keep(&mut world, zoe, "bob").await,
            Err(Problem::HandleTaken("bob".into()))
        );
        let weak = Command::KeepAccount {
            handle: "zoe".into(),
            password: "password".into(),
        };
        assert!(matches!(world.run(zoe, weak).await, Err(Problem::WeakPassword(_))));
        assert_eq!(
            keep(&mut world, ADA, "adele").await,
            Err(Problem::NotAllowed),
            "who is no guest has a handle"
        );
        let nameless = world.browser("nameless");
        let name = " \n".to_owned();
        assert_eq!(
            world.run(nameless, Command::ComeIn { name }).await,
            Err(Problem::EmptyName)
        );
        let id = me(&world, zoe);
        assert!(seen(&world, ADA, id).guest, "still one");
        world.say(zoe, room, "and here").await;
        assert_eq!(world.texts(BOB, room).await, ["before", "and here"]);
    });
}

#[test]
fn a_guest_who_gives_up_leaves_and_is_nobody() {
    block_on(async {
        let (mut world, room, link) = stage("gives up").await;
        let zoe = guest(&mut world, room, &link).await;
        let id = me(&world, zoe);
        let password = String::new();
        let answer = world.run(zoe, Command::DeleteAccount { password }).await;
        assert_eq!(answer, Ok(Outcome::Deleted { without_owner: vec![] }));
        assert!(world.relay().people.0[&id].closed);
        assert_eq!(world.browsers[ADA].members(room), ["ada", "bob"]);
    });
}

#[test]
fn a_relay_without_guests_says_so_before_anybody_types_a_name() {
    block_on(async {
        let (mut world, _, link) = stage("no guests").await;
        world.relay().guests = false;
        let browser = world.browser("late");
        let Ok(Outcome::Peeked(Peeked::Invite(invite))) = world.run(browser, Command::PeekLink { link }).await else {
            panic!("no look")
        };
        assert_eq!((invite.guests, invite.over), (false, None::<Over>));
        let name = NAME.to_owned();
        assert_eq!(
            world.run(browser, Command::ComeIn { name }).await,
            Err(Problem::NoGuests)
        );
        assert!(matches!(world.browsers[browser].phase(), Phase::SignedOut { .. }));
    });
}

/// So many answers to a change of keys get lost on their way.
struct Loses {
    answers: usize,
    asked: Rc<Cell<usize>>,
}

impl Tamper for Loses {
    fn reply(
        &mut self,
        _: &mut ModelRelay,
        _: Peer,
        request: &Request,
        reply: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        if !matches!(request, Request::Rekey(_)) {
            return reply;
        }
        assert!(reply.is_ok(), "the same again is taken as the first time: {reply:?}");
        self.asked.set(self.asked.get() + 1);
        if self.asked.get() <= self.answers {
            return Err(Failure::Offline);
        }
        reply
    }
}

#[test]
fn an_account_is_kept_though_the_answer_got_lost() {
    for answers in 1..4 {
        block_on(async {
            let (mut world, room, link) = stage(&format!("lost answer {answers}")).await;
            let zoe = guest(&mut world, room, &link).await;
            let id = me(&world, zoe);
            let asked = Rc::default();
            world.tamper = Box::new(Loses {
                answers,
                asked: Rc::clone(&asked),
            });
            let kept = Ok(Outcome::PasswordChanged {
                recovery_key_gone: false,
            });
            assert_eq!(keep(&mut world, zoe, "zoe").await, kept);
            world.settle().await;
            assert_eq!(asked.get(), answers + 1);
            for browser in [ADA, BOB, zoe] {
                assert_eq!(seen(&world, browser, id).handle, "zoe");
            }
            world.say(zoe, room, "to stay").await;
            let (elsewhere, answer) = sign_in(&mut world, "zoe").await;
            assert_eq!((answer, me(&world, elsewhere)), (Ok(Outcome::Done), id));
            assert_eq!(world.texts(elsewhere, room).await, ["before", "to stay"]);
        });
    }
}

/// All that is known then is that it may have been done: the new handle and password open it, and nothing was lost.
#[test]
fn an_account_that_may_be_kept_opens_with_what_was_typed() {
    block_on(async {
        let (mut world, room, link) = stage("all answers lost").await;
        let zoe = guest(&mut world, room, &link).await;
        let id = me(&world, zoe);
        world.go_offline(BOB);
        let answers = usize::MAX;
        world.tamper = Box::new(Loses {
            answers,
            asked: Rc::default(),
        });
        assert_eq!(
            keep(&mut world, zoe, "zoe").await,
            Err(Problem::MaybeKept("zoe".into()))
        );
        world.advance(60_000);
        world.settle().await;
        world.tamper = Box::new(sotto_client::testing::tamper::Honest);
        assert!(matches!(world.browsers[zoe].phase(), Phase::SignedOut { .. }));
        let command = Command::SignIn {
            handle: "zoe".into(),
            password: PASSWORD.into(),
            stay: true,
        };
        assert_eq!(world.run(zoe, command).await, Ok(Outcome::Done));
        world.settle().await;
        assert_eq!((me(&world, zoe), seen(&world, zoe, id).guest), (id, false));
        world.say(zoe, room, "still me").await;
        assert_eq!(world.texts(ADA, room).await, ["before", "still me"]);
    });
}

/// Says of one person that they are called something else.
struct Renames(UserId, &'static str);

impl Tamper for Renames {
    fn reply(
        &mut self,
        _: &mut ModelRelay,
        _: Peer,
        _: &Request,
        mut reply: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        let bodies = match &mut reply {
            Ok(Reply::UserLogsGet(reply)) => reply.logs.as_mut_slice(),
            Ok(Reply::UserFind(body)) => std::slice::from_mut(body),
            _ => &mut [],
        };
        for body in bodies.iter_mut().filter(|body| body.user_id == self.0) {
            self.1.clone_into(&mut body.handle);
        }
        reply
    }
}

#[test]
fn a_relay_can_lend_a_guest_no_handle_that_is_somebody_else_s() {
    block_on(async {
        let (mut world, room, link) = stage("renames").await;
        let zoe = guest(&mut world, room, &link).await;
        let id = me(&world, zoe);
        // Bob's, who is known here.
        world.tamper = Box::new(Renames(id, "bob"));
        assert!(keep(&mut world, zoe, "zoe").await.is_ok());
        world.settle().await;
        assert!(is_guest(&seen(&world, ADA, id).handle));
        assert_eq!(seen(&world, ADA, me(&world, BOB)).handle, "bob");
        let lie = Problem::ServerLied("the keys of bob".into());
        assert!(world.browsers[ADA].notices().contains(&lie));
    });
}

#[test]
fn nobody_else_s_handle_ever_changes_and_nobody_becomes_a_guest() {
    for handle in ["robert", "guest-abcdefghijkl"] {
        block_on(async {
            let (mut world, room, _) = stage("others").await;
            let bob = me(&world, BOB);
            world.tamper = Box::new(Renames(bob, handle));
            // A change of his keys makes Ada ask for his log.
            let change = Command::ChangePassword {
                old: sotto_client::testing::world::password("bob"),
                new: PASSWORD.into(),
            };
            assert!(world.run(BOB, change).await.is_ok());
            world.settle().await;
            let person = seen(&world, ADA, bob);
            assert_eq!((person.handle.as_str(), person.guest), ("bob", false));
            let lie = Problem::ServerLied(format!("the keys of {handle}"));
            let notices = world.browsers[ADA].notices();
            assert!(notices.contains(&lie), "{notices:?}");
            assert_eq!(world.texts(ADA, room).await, ["before"]);
        });
    }
}

#[test]
fn a_name_that_is_too_long_or_none_opens_no_account_and_the_next_one_does() {
    block_on(async {
        let (mut world, room, link) = stage("guest's name").await;
        let browser = world.browser("a guest's browser");
        let accounts = world.relay().people.0.len();
        for (name, problem) in [
            ("z".repeat(65), Problem::TooLong { max: 64 }),
            ("é".repeat(33), Problem::TooLong { max: 64 }),
            (" \n\u{200b}".into(), Problem::EmptyName),
        ] {
            let come_in = Command::ComeIn { name };
            assert_eq!(world.run(browser, come_in).await, Err(problem));
            assert_eq!(world.relay().people.0.len(), accounts);
            assert!(matches!(world.browsers[browser].phase(), Phase::SignedOut { .. }));
        }
        let name = "é".repeat(32);
        let come_in = Command::ComeIn { name: name.clone() };
        assert_eq!(world.run(browser, come_in).await, Ok(Outcome::Done));
        let opened = world.run(browser, Command::OpenLink { link }).await;
        assert!(matches!(opened, Ok(Outcome::Preview(_))), "{opened:?}");
        assert_eq!(
            world.run(browser, Command::Join { room }).await,
            Ok(Outcome::Room(room))
        );
        assert_eq!(seen(&world, browser, me(&world, browser)).name, name);
    });
}
