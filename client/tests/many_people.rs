//! Logs and names of many people: asked for together, and taken however little an answer holds.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::RefCell;
use std::rc::Rc;

use futures_lite::future::block_on;
use sotto_client::engine::{Failure, Reply, Request};
use sotto_client::testing::{ModelRelay, Peer, Tamper, World};
use sotto_client::view::{Command, Standing};
use sotto_shared::api::body::UserLogBody;
use sotto_shared::api::limits::SLOTS_PER_MEMBER;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::RoomId;

type TestWorld = World<RustCrypto>;
type Told = Box<dyn Fn(&Request, Reply) -> Reply>;

const OTHERS: [&str; 5] = ["bob", "cyd", "dan", "eve", "fay"];

/// Tells something else, and notes what was asked.
struct Scripted {
    told: Told,
    asked: Rc<RefCell<Vec<(usize, Request)>>>,
}

impl Tamper for Scripted {
    fn reply(
        &mut self,
        _: &mut ModelRelay,
        to: Peer,
        request: &Request,
        reply: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        self.asked.borrow_mut().push((to.browser, request.clone()));
        reply.map(|reply| (self.told)(request, reply))
    }
}

/// A group in which everybody has said their name; then somebody of them in a new browser. Gives that and what it asked.
async fn arrives(world: &mut TestWorld, told: Told) -> (usize, RoomId, Vec<Request>) {
    let ada = world.newcomer("ada").await;
    for handle in OTHERS {
        world.newcomer(handle).await;
    }
    let room = world.group(ada, "Tea", &OTHERS).await;
    for (browser, handle) in (ada + 1..).zip(OTHERS) {
        world.run(browser, Command::Looking { visible: true }).await.unwrap();
        world.read(browser, room).await;
        let (name, status) = (handle.to_uppercase(), String::new());
        world.run(browser, Command::SetProfile { name, status }).await.unwrap();
        world.settle().await;
    }
    let asked = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&asked);
    world.tamper = Box::new(Scripted { told, asked });
    let new = world.sign_in("ada").await;
    world.run(new, Command::Looking { visible: true }).await.unwrap();
    // In a room that is not there yet there is nothing to show.
    let chat = room.into();
    let _ = world.run(new, Command::ShowRoom { chat }).await;
    world.settle().await;
    let asked = seen.take().into_iter().filter(|(by, _)| *by == new);
    let asked = asked.map(|(_, request)| request).collect();
    (new, room, asked)
}

fn logs_asked(asked: &[Request]) -> Vec<usize> {
    let of = |request: &Request| match request {
        Request::UserLogsGet(ask) => Some(ask.users.len()),
        _ => None,
    };
    asked.iter().filter_map(of).collect()
}

fn slots_asked(asked: &[Request]) -> usize {
    asked
        .iter()
        .filter(|request| matches!(request, Request::SlotsGet(_)))
        .count()
}

fn sees_everybody(world: &mut TestWorld, browser: usize, room: RoomId) {
    let ids = OTHERS.map(|handle| *world.relay().people.find(handle).unwrap().0);
    let here = &world.browsers[browser];
    assert_eq!(here.room(room).unwrap().standing, Standing::Open);
    let names = ids.map(|id| here.person(id).unwrap().name);
    assert_eq!(names, OTHERS.map(str::to_uppercase));
}

#[test]
fn the_logs_of_a_room_s_people_are_asked_for_together() {
    block_on(async {
        let mut world = World::new(RustCrypto, "together");
        let (new, room, asked) = arrives(&mut world, Box::new(|_, reply| reply)).await;
        sees_everybody(&mut world, new, room);
        assert_eq!((logs_asked(&asked), slots_asked(&asked)), (vec![OTHERS.len()], 1));
    });
}

#[test]
fn what_one_answer_has_no_room_for_comes_with_the_next() {
    block_on(async {
        let mut world = World::new(RustCrypto, "little");
        let told = |request: &Request, mut reply: Reply| {
            match (&mut reply, request) {
                (Reply::UserLogsGet(reply), _) => reply.logs.truncate(1),
                (Reply::SlotsGet(reply), Request::SlotsGet(ask)) if !reply.slots.is_empty() => {
                    let upto = ask.before.map_or(reply.slots.len() as u64, |before| before);
                    reply.slots.truncate(1);
                    reply.before = Some(upto - 1).filter(|before| *before > 0);
                }
                _ => {}
            }
            reply
        };
        let (new, room, asked) = arrives(&mut world, Box::new(told)).await;
        sees_everybody(&mut world, new, room);
        assert_eq!(logs_asked(&asked), [5, 4, 3, 2, 1]);
        assert!(slots_asked(&asked) >= OTHERS.len());
    });
}

#[test]
fn a_relay_that_never_ends_is_not_followed_for_ever() {
    block_on(async {
        let mut world = World::new(RustCrypto, "endless");
        let told = |request: &Request, mut reply: Reply| {
            if let (Reply::SlotsGet(reply), Request::SlotsGet(ask)) = (&mut reply, request) {
                reply.before = Some(ask.before.unwrap_or(u64::MAX) - 1);
                reply.slots.truncate(1);
            }
            reply
        };
        let (_, _, asked) = arrives(&mut world, Box::new(told)).await;
        assert!(
            (2..=SLOTS_PER_MEMBER * 6).contains(&slots_asked(&asked)),
            "{}",
            slots_asked(&asked)
        );
    });
}

/// Nobody asked for it: it is not taken, and it holds nothing up.
#[test]
fn the_log_of_somebody_else_is_no_answer() {
    for instead in [false, true] {
        block_on(async {
            let mut world = World::new(RustCrypto, &format!("somebody {instead}"));
            world.newcomer("zoe").await;
            let zoe = world.browsers[0].me().unwrap();
            let account = &world.relay().people.0[&zoe];
            let log = UserLogBody {
                user_id: zoe,
                handle: "zoe".to_owned(),
                genesis: Some(account.entries[0].clone()),
                entries: account.entries[1..].to_vec(),
            };
            let told = move |_: &Request, mut reply: Reply| {
                if let Reply::UserLogsGet(reply) = &mut reply {
                    if instead {
                        reply.logs.clear();
                    }
                    reply.logs.push(log.clone());
                }
                reply
            };
            let (new, room, asked) = arrives(&mut world, Box::new(told)).await;
            assert!(world.browsers[new].person(zoe).is_none());
            assert!(!logs_asked(&asked).is_empty());
            if !instead {
                sees_everybody(&mut world, new, room);
            }
        });
    }
}
