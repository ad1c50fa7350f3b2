//! A locked browser: what it keeps is shut until the password is typed, and then it goes on where it was.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::RefCell;
use std::rc::Rc;

use futures_lite::future::block_on;
use sotto_client::engine::{Failure, Reply, Request};
use sotto_client::testing::world::password;
use sotto_client::testing::{ModelRelay, Peer, Tamper, World};
use sotto_client::view::{Command, Outcome, Phase, Problem};
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::RoomId;

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;

async fn begin(seed: &str) -> (TestWorld, RoomId) {
    let mut world = World::new(RustCrypto, seed);
    let (ada, _) = (world.newcomer("ada").await, world.newcomer("bob").await);
    let room = world.direct(ada, "bob").await;
    world.say(ADA, room, "first").await;
    (world, room)
}

fn unlock(password: String) -> Command {
    Command::Unlock { password }
}

fn is_in(world: &TestWorld, browser: usize) -> bool {
    matches!(world.browsers[browser].phase(), Phase::SignedIn { .. })
}

fn is_locked(world: &TestWorld, browser: usize) -> bool {
    matches!(world.browsers[browser].phase(), Phase::Locked { handle, .. } if handle == "ada")
}

/// Notes what is asked.
#[derive(Default)]
struct Ear(Rc<RefCell<Vec<Request>>>);

impl Tamper for Ear {
    fn request(&mut self, _: &mut ModelRelay, _: Peer, request: &mut Request) -> Option<Result<Reply, Failure>> {
        self.0.borrow_mut().push(request.clone());
        None
    }
}

fn devices(world: &mut TestWorld) -> usize {
    let (_, person) = world.relay().people.find("ada").unwrap();
    person.log.view().devices.len()
}

#[test]
fn a_locked_browser_shows_nothing_and_opens_by_the_password_alone() {
    block_on(async {
        let (mut world, room) = begin("lock").await;
        let before = devices(&mut world);
        assert_eq!(world.run(ADA, Command::Lock).await, Ok(Outcome::Done));
        assert!(is_locked(&world, ADA));
        assert!(world.browsers[ADA].rooms().is_empty() && world.browsers[ADA].rows().is_empty());
        // The engine has nothing either: nobody is signed in, and it knows no room.
        assert_eq!(world.run(ADA, Command::SignOutOthers).await, Err(Problem::SignedOut));
        let send = Command::say(room, "not from here");
        assert_eq!(world.run(ADA, send).await, Err(Problem::RoomClosed));
        // Another account does not get in beside the locked one.
        let (handle, password_of) = ("bob".to_owned(), password("bob"));
        for beside in [
            Command::SignIn {
                handle: handle.clone(),
                password: password_of.clone(),
                stay: true,
            },
            Command::SignUp {
                handle: "cleo".into(),
                password: password_of.clone(),
                stay: true,
            },
            Command::ResetIdentity {
                handle,
                password: password_of,
                stay: true,
            },
        ] {
            assert_eq!(world.run(ADA, beside).await, Err(Problem::NotAllowed));
        }

        // Neither a reload nor another tab is a way round.
        world.reload(ADA);
        world.settle().await;
        assert!(is_locked(&world, ADA));
        let tab = world.tab(ADA);
        world.settle().await;
        assert!(is_locked(&world, tab));

        assert_eq!(
            world.run(ADA, unlock("not it at all, no".into())).await,
            Err(Problem::WrongPassword)
        );
        assert!(is_locked(&world, ADA));
        let asked = Rc::default();
        world.tamper = Box::new(Ear(Rc::clone(&asked)));
        assert_eq!(world.run(ADA, unlock(password("ada"))).await, Ok(Outcome::Done));
        world.settle().await;
        assert!(is_in(&world, ADA));
        assert_eq!(world.texts(ADA, room).await, ["first"]);
        // The same device in the same session.
        assert_eq!(devices(&mut world), before);
        let was_asked = |what: fn(&Request) -> bool| asked.borrow().iter().any(what);
        assert!(was_asked(|request| matches!(request, Request::SignInProve(_))));
        assert!(!was_asked(|request| matches!(
            request,
            Request::SessionStart(_) | Request::UserLogAppend(_)
        )));
        // Open is open: a reload asks for nothing.
        world.reload(ADA);
        world.settle().await;
        assert!(is_in(&world, ADA));
    });
}

#[test]
fn what_waited_when_it_was_locked_goes_out_after_unlocking() {
    block_on(async {
        let (mut world, room) = begin("waiting").await;
        world.go_offline(ADA);
        world.write(ADA, room, "written offline");
        world.settle().await;
        assert_eq!(world.run(ADA, Command::Lock).await, Ok(Outcome::Done));
        world.reload(ADA);
        world.settle().await;
        // Without the relay nobody can tell whether a password is right.
        assert_eq!(world.run(ADA, unlock(password("ada"))).await, Err(Problem::Offline));
        assert!(is_locked(&world, ADA));
        world.go_online(ADA);
        world.settle().await;
        assert_eq!(world.texts(BOB, room).await, ["first"]);
        assert_eq!(world.run(ADA, unlock(password("ada"))).await, Ok(Outcome::Done));
        world.settle().await;
        assert_eq!(world.texts(BOB, room).await, ["first", "written offline"]);
        assert_eq!(world.texts(ADA, room).await, ["first", "written offline"]);
    });
}

#[test]
fn after_another_password_was_set_elsewhere_unlocking_takes_that_one_and_keeps_what_waited() {
    block_on(async {
        let (mut world, room) = begin("changed").await;
        let other = world.sign_in("ada").await;
        world.settle().await;
        world.go_offline(ADA);
        world.write(ADA, room, "written before");
        world.settle().await;
        assert_eq!(world.run(ADA, Command::Lock).await, Ok(Outcome::Done));
        world.go_online(ADA);
        let new = "quartz lantern under seven orchards";
        let change = Command::ChangePassword {
            old: password("ada"),
            new: new.into(),
        };
        assert!(matches!(
            world.run(other, change).await,
            Ok(Outcome::PasswordChanged { .. })
        ));
        assert_eq!(
            world.run(ADA, unlock(password("ada"))).await,
            Err(Problem::WrongPassword)
        );
        assert_eq!(world.run(ADA, unlock(new.into())).await, Ok(Outcome::Done));
        world.settle().await;
        assert!(is_in(&world, ADA));
        assert_eq!(world.texts(BOB, room).await, ["first", "written before"]);
    });
}

#[test]
fn a_browser_that_was_left_alone_opens_locked() {
    block_on(async {
        let (mut world, room) = begin("overdue").await;
        world.browsers[ADA].overdue = true;
        world.reload(ADA);
        world.settle().await;
        assert!(is_locked(&world, ADA));
        assert!(world.browsers[ADA].rooms().is_empty());
        world.browsers[ADA].overdue = false;
        world.reload(ADA);
        world.settle().await;
        assert!(is_locked(&world, ADA));
        assert_eq!(world.run(ADA, unlock(password("ada"))).await, Ok(Outcome::Done));
        assert_eq!(world.texts(ADA, room).await, ["first"]);
    });
}

#[test]
fn what_lies_here_while_locked_names_the_account_and_nothing_more() {
    block_on(async {
        let (mut world, _) = begin("sealed").await;
        world.run(ADA, Command::Lock).await.unwrap();
        let (locked, _) = world.browsers[ADA].disk.borrow().locked.clone().unwrap();
        assert_eq!(locked.handle, "ada");
        // Sealed: neither of the names of what is inside stands there to be read.
        let text = String::from_utf8_lossy(&locked.sealed).into_owned();
        assert!(!text.contains("token") && !text.contains("dvk") && locked.sealed.len() > 100);
        // One bit, or another name on it, and it does not open: the password then signs in anew.
        let before = devices(&mut world);
        if let Some((locked, _)) = &mut world.browsers[ADA].disk.borrow_mut().locked {
            locked.sealed[60] ^= 1;
        }
        world.reload(ADA);
        world.settle().await;
        assert_eq!(world.run(ADA, unlock(password("ada"))).await, Ok(Outcome::Done));
        assert!(is_in(&world, ADA));
        assert_eq!(devices(&mut world), before + 1);
    });
}

#[test]
fn who_cannot_unlock_can_only_sign_out_which_leaves_nothing() {
    block_on(async {
        let (mut world, _) = begin("out").await;
        world.run(ADA, Command::Lock).await.unwrap();
        assert_eq!(world.run(ADA, Command::SignOut).await, Ok(Outcome::Done));
        assert!(matches!(world.browsers[ADA].phase(), Phase::SignedOut { .. }));
        assert!(world.browsers[ADA].disk.borrow().records.is_empty());
        assert!(world.browsers[ADA].disk.borrow().locked.is_none());
        assert_eq!(world.run(ADA, unlock(password("ada"))).await, Err(Problem::SignedOut));
    });
}

#[test]
fn where_nothing_is_kept_locking_is_signing_out() {
    block_on(async {
        let (mut world, _) = begin("brief").await;
        let guest = world.browser("guest");
        world.settle().await;
        let sign_in = Command::SignIn {
            handle: "ada".into(),
            password: password("ada"),
            stay: false,
        };
        assert_eq!(world.run(guest, sign_in).await, Ok(Outcome::Done));
        assert_eq!(world.run(guest, Command::Lock).await, Ok(Outcome::Done));
        world.settle().await;
        assert!(matches!(world.browsers[guest].phase(), Phase::SignedOut { .. }));
        assert!(is_in(&world, ADA));
    });
}
