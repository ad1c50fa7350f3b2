//! Pictures of people: told like a name, fetched when somebody is drawn, and believed of their owner alone.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_lite::future::block_on;
use sotto_client::engine::{Failure, Reply, Request};
use sotto_client::testing::forge::forge;
use sotto_client::testing::{ModelRelay, Peer, Tamper, World};
use sotto_client::view::{Command, ContactAct, Outcome, Problem};
use sotto_shared::api::B64;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::api::limits::SEALED_PICTURE_BYTES;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::content::MessageBody;
use sotto_shared::envelope::header::MessageKind;
use sotto_shared::file::FileKey;
use sotto_shared::id::{ChannelId, Head, PictureId, RoomId, UserId};
use sotto_shared::picture::{MAX_PICTURE_BYTES, Picture, seal_picture};
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::people::Person;

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;

/// A still WebP of these sides, as far as one looks at it before it is drawn.
fn webp(width: u16, height: u16, rest: &[u8]) -> Vec<u8> {
    let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
    let frame = [&[0x10, 2, 0, 0x9d, 0x01, 0x2a], sides.as_slice(), rest].concat();
    let len = frame.len() as u32;
    let padding = vec![0; frame.len() % 2];
    let chunk = [b"VP8 ".as_slice(), &len.to_le_bytes(), &frame, &padding].concat();
    let len = (chunk.len() + 4) as u32;
    [b"RIFF".as_slice(), &len.to_le_bytes(), b"WEBP", &chunk].concat()
}

fn image(of: u8) -> Vec<u8> {
    webp(128, 128, &[of; 200])
}

type Reading = Rc<RefCell<Box<dyn FnMut(&ModelRelay, B64) -> B64>>>;

/// Counts who asks for pictures, and bends what comes.
#[derive(Clone)]
struct Watch {
    asked: Rc<Cell<u32>>,
    bends: Reading,
}

impl Tamper for Watch {
    fn reply(
        &mut self,
        relay: &mut ModelRelay,
        _: Peer,
        request: &Request,
        reply: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        if matches!(request, Request::PictureGet(_)) {
            self.asked.set(self.asked.get() + 1);
        }
        match reply {
            Ok(Reply::PictureGet(mut body)) => {
                body.sealed = self.bends.borrow_mut()(relay, body.sealed);
                Ok(Reply::PictureGet(body))
            }
            other => other,
        }
    }
}

struct Stage {
    world: TestWorld,
    room: RoomId,
    ada: UserId,
    bob: UserId,
    watch: Watch,
}

impl Stage {
    /// Ada and bob before a group, eve with them: an account without an engine.
    async fn new(seed: &str) -> Self {
        let mut world = World::new(RustCrypto, seed);
        for handle in ["ada", "bob"] {
            world.newcomer(handle).await;
        }
        world.relay().enlist(&Person::new("eve"));
        let room = world.group(ADA, "Tea", &["bob", "eve"]).await;
        let watch = Watch {
            asked: Rc::default(),
            bends: Rc::new(RefCell::new(Box::new(|_, sealed| sealed))),
        };
        world.tamper = Box::new(watch.clone());
        for browser in [ADA, BOB] {
            look_at(&mut world, browser, room).await;
        }
        let [ada, bob] = [ADA, BOB].map(|browser| world.browsers[browser].me().unwrap());
        Self {
            world,
            room,
            ada,
            bob,
            watch,
        }
    }

    async fn set(&mut self, browser: usize, image: Option<Vec<u8>>) -> Result<Outcome, Problem> {
        let image = image.map(B64);
        let answer = self.world.run(browser, Command::SetPicture { image }).await;
        self.world.settle().await;
        answer
    }

    fn has(&self, browser: usize, user: UserId) -> Option<PictureId> {
        self.world.browsers[browser].person(user).unwrap().picture
    }

    async fn seen(&mut self, browser: usize, user: UserId) -> Option<Vec<u8>> {
        match self.world.run(browser, Command::ShowPicture { user }).await {
            Ok(Outcome::Picture { mime, image }) => {
                assert_eq!(mime, "image/webp");
                Some(image.0)
            }
            Err(Problem::NoPicture) => None,
            other => panic!("{other:?}"),
        }
    }

    fn asked(&self) -> u32 {
        self.watch.asked.replace(0)
    }

    fn bend(&self, bends: impl FnMut(&ModelRelay, B64) -> B64 + 'static) {
        *self.watch.bends.borrow_mut() = Box::new(bends);
    }

    /// Eve, with a client of her own, says that this is her picture.
    async fn eve_says(&mut self, seed: &str, picture: Picture) {
        let body = MessageBody::Picture { picture: Some(picture) };
        let now = self.world.relay().now_ms;
        let value = forge(
            self.world.relay(),
            self.room,
            &Person::new("eve"),
            seed,
            body,
            |header, content| {
                header.kind = MessageKind::Slot;
                (content.ts, content.ctr, content.prev_own) = (now, now, Head::from_bytes([0; 32]));
            },
        );
        let value = value.unwrap();
        let frame = FromRelay::Slot {
            room_id: self.room,
            channel: ChannelId::MAIN,
            header: value.header,
            envelope: value.envelope,
        };
        let room = self.room;
        self.world.relay().tell_room(&room, &frame);
        self.world.settle().await;
        self.world.advance(1_000);
    }
}

async fn look_at(world: &mut TestWorld, browser: usize, room: RoomId) {
    world.run(browser, Command::Looking { visible: true }).await.unwrap();
    world.read(browser, room).await;
    world.settle().await;
}

#[test]
fn a_picture_reaches_the_room_and_is_fetched_once_by_who_sees_it() {
    for seed in 0..4 {
        block_on(async {
            let mut stage = Stage::new(&format!("picture {seed}")).await;
            let (ada, room) = (stage.ada, stage.room);
            assert_eq!(stage.has(BOB, ada), None);
            assert_eq!(stage.set(ADA, Some(image(1))).await, Ok(Outcome::Done));
            let first = stage.has(BOB, ada);
            assert!(first.is_some() && first == stage.has(ADA, ada));
            assert_eq!(stage.asked(), 0, "nobody is drawn yet");
            assert_eq!(stage.seen(ADA, ada).await, Some(image(1)));
            assert_eq!(stage.asked(), 0, "hers is here");
            for _ in 0..2 {
                assert_eq!(stage.seen(BOB, ada).await, Some(image(1)));
            }
            assert_eq!(stage.asked(), 1);
            // The relay has one size, and no image.
            let (_, sealed) = stage.world.relay().pictures[&ada].clone();
            assert_eq!(sealed.0.len(), SEALED_PICTURE_BYTES);
            assert!(!sealed.0.windows(4).any(|part| part == b"WEBP"));
            stage.world.reload(BOB);
            stage.world.settle().await;
            assert_eq!(
                (stage.has(BOB, ada), stage.seen(BOB, ada).await),
                (first, Some(image(1)))
            );
            assert_eq!(stage.asked(), 0, "kept, sealed");
            // Her other browser knows it by her vault, his by the room.
            let hers = stage.world.sign_in("ada").await;
            assert_eq!(
                (stage.has(hers, ada), stage.seen(hers, ada).await),
                (first, Some(image(1)))
            );
            let his = stage.world.sign_in("bob").await;
            look_at(&mut stage.world, his, room).await;
            assert_eq!(stage.seen(his, ada).await, Some(image(1)));
            // Another takes its place everywhere, then none does.
            look_at(&mut stage.world, BOB, room).await;
            assert_eq!(stage.set(ADA, Some(image(2))).await, Ok(Outcome::Done));
            for browser in [ADA, BOB, hers, his] {
                assert_ne!(stage.has(browser, ada), first);
                assert_eq!(stage.seen(browser, ada).await, Some(image(2)));
            }
            assert_eq!(stage.set(ADA, None).await, Ok(Outcome::Done));
            assert!(stage.world.relay().pictures.is_empty());
            for browser in [ADA, BOB, hers, his] {
                assert_eq!((stage.has(browser, ada), stage.seen(browser, ada).await), (None, None));
            }
        });
    }
}

#[test]
fn of_two_browsers_of_an_account_the_later_choice_holds() {
    block_on(async {
        let mut stage = Stage::new("two").await;
        let (ada, room) = (stage.ada, stage.room);
        let hers = stage.world.sign_in("ada").await;
        look_at(&mut stage.world, hers, room).await;
        stage.set(ADA, Some(image(1))).await.unwrap();
        stage.world.advance(60_000);
        stage.set(hers, Some(image(2))).await.unwrap();
        for browser in [ADA, hers, BOB] {
            assert_eq!(stage.seen(browser, ada).await, Some(image(2)));
        }
    });
}

#[test]
fn what_is_no_picture_is_refused_and_what_the_relay_refuses_is_not_told() {
    block_on(async {
        let mut stage = Stage::new("refused").await;
        let ada = stage.ada;
        let (long, wide) = (webp(128, 128, &vec![0; MAX_PICTURE_BYTES]), webp(513, 128, &[0; 9]));
        for odd in [b"<svg/>".to_vec(), Vec::new(), long, wide, image(1)[..40].to_vec()] {
            assert_eq!(stage.set(ADA, Some(odd)).await, Err(Problem::NotAPicture));
        }
        assert!(stage.world.relay().pictures.is_empty());
        stage.world.go_offline(ADA);
        stage.world.settle().await;
        assert_eq!(stage.set(ADA, Some(image(1))).await, Err(Problem::Offline));
        assert_eq!(stage.has(ADA, ada), None);
        stage.world.go_online(ADA);
        stage.world.advance(60_000);
        stage.world.settle().await;
        assert_eq!(stage.set(ADA, Some(image(1))).await, Ok(Outcome::Done));
        assert_eq!(stage.seen(BOB, ada).await, Some(image(1)));
    });
}

#[test]
fn nothing_is_fetched_for_who_only_asks_to_talk_and_for_who_is_blocked() {
    for shares_a_group in [false, true] {
        block_on(async {
            let mut stage = Stage::new(&format!("request {shares_a_group}")).await;
            let ada = stage.ada;
            stage.set(ADA, Some(image(1))).await.unwrap();
            let cyd = stage.world.newcomer("cyd").await;
            if shares_a_group {
                let den = stage.world.group(ADA, "Den", &["cyd"]).await;
                for browser in [ADA, cyd] {
                    look_at(&mut stage.world, browser, den).await;
                }
                assert!(stage.has(cyd, ada).is_some(), "they meet in the group");
            }
            let direct = stage.world.direct(ADA, "cyd").await;
            stage.world.say(ADA, direct, "hello").await;
            look_at(&mut stage.world, ADA, direct).await;
            look_at(&mut stage.world, cyd, direct).await;
            for _ in 0..2 {
                assert!(stage.world.browsers[cyd].room(direct).unwrap().request);
                assert_eq!((stage.has(cyd, ada), stage.seen(cyd, ada).await), (None, None));
                stage.world.reload(cyd);
                stage.world.settle().await;
                look_at(&mut stage.world, cyd, direct).await;
            }
            assert_eq!(stage.asked(), 0);
            let decide = |act| Command::SetContact { user: ada, act };
            stage.world.run(cyd, decide(ContactAct::Accept)).await.unwrap();
            assert!(stage.has(cyd, ada).is_some());
            assert_eq!(stage.seen(cyd, ada).await, Some(image(1)));
            assert_eq!(stage.asked(), 1);
            stage.world.run(cyd, decide(ContactAct::Block)).await.unwrap();
            assert_eq!((stage.has(cyd, ada), stage.seen(cyd, ada).await), (None, None));
            stage.world.advance(60_000);
            stage.set(ADA, Some(image(2))).await.unwrap();
            assert_eq!((stage.has(cyd, ada), stage.seen(cyd, ada).await), (None, None));
            assert_eq!(stage.asked(), 0, "nor a new one");
        });
    }
}

#[test]
fn a_relay_that_serves_another_picture_shows_none_and_nothing_of_it_is_kept() {
    block_on(async {
        let mut stage = Stage::new("lies").await;
        let (ada, bob) = (stage.ada, stage.bob);
        stage.set(BOB, Some(image(9))).await.unwrap();
        stage.set(ADA, Some(image(1))).await.unwrap();
        let (_, older) = stage.world.relay().pictures[&ada].clone();
        stage.world.advance(60_000);
        stage.set(ADA, Some(image(2))).await.unwrap();
        type Lie = fn(&ModelRelay, B64, UserId) -> B64;
        let lies: [(&str, Lie); 6] = [
            ("another's", |relay, _, bob| relay.pictures[&bob].1.clone()),
            ("cut", |_, mut sealed, _| {
                sealed.0.pop();
                sealed
            }),
            ("bent", |_, mut sealed, _| {
                sealed.0[100] ^= 1;
                sealed
            }),
            ("nothing", |_, _, _| B64(Vec::new())),
            ("garbage", |_, _, _| B64(vec![7; SEALED_PICTURE_BYTES])),
            ("huge", |_, _, _| B64(vec![7; 4_000_000])),
        ];
        for (case, lie) in lies {
            stage.bend(move |relay, sealed| lie(relay, sealed, bob));
            assert_eq!(stage.seen(BOB, ada).await, None, "{case}");
        }
        stage.bend(move |_, _| older.clone());
        assert_eq!(stage.seen(BOB, ada).await, None, "an older one");
        stage.bend(|_, sealed| sealed);
        assert_eq!(stage.seen(BOB, ada).await, Some(image(2)));
        assert_eq!(stage.asked(), 8, "nothing was kept before");
    });
}

#[test]
fn a_member_shows_nothing_but_a_small_still_image_of_their_own() {
    block_on(async {
        let mut stage = Stage::new("eve").await;
        let (ada, eve) = (stage.ada, Person::new("eve").id());
        stage.set(ADA, Some(image(1))).await.unwrap();
        // Every client in the room knows where ada's lies and what opens it: a bent one puts it beside its own name.
        let (id, sealed) = stage.world.relay().pictures[&ada].clone();
        let key = FileKey::from_bytes([7; 32]);
        stage.eve_says("hers", Picture { id, key }).await;
        assert_eq!(stage.has(BOB, eve), Some(id));
        assert_eq!(stage.seen(BOB, eve).await, None);
        assert_eq!(stage.seen(BOB, ada).await, Some(image(1)), "it stays ada's");
        assert_eq!(stage.world.relay().pictures[&ada], (id, sealed));
        // What she seals is not looked at any more kindly.
        let odd: [&[u8]; 5] = [
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x40\0\0\0\x40\0",
            &webp(16_000, 16_000, &[0; 9]),
            &image(1)[..30],
            b"",
        ];
        for (round, image) in odd.into_iter().chain([image(4).as_slice()]).enumerate() {
            let picture = Picture {
                id: PictureId::from_bytes([round as u8; 16]),
                key: FileKey::from_bytes([3; 32]),
            };
            let mut rng = FixedRng::new(&format!("{round}"));
            let sealed = seal_picture(&mut rng, &eve, &picture, image).unwrap();
            let id = picture.id;
            stage.world.relay().pictures.insert(eve, (id, B64(sealed)));
            stage.eve_says(&format!("odd {round}"), picture).await;
            assert_eq!(stage.has(BOB, eve), Some(id));
            let expected = (round == 5).then(|| image.to_vec());
            assert_eq!(stage.seen(BOB, eve).await, expected, "{round}");
        }
        // Nor does she tell of ada's.
        let before = stage.has(BOB, ada);
        let body = MessageBody::Picture { picture: None };
        let now = stage.world.relay().now_ms;
        let room = stage.room;
        let value = forge(
            stage.world.relay(),
            room,
            &Person::new("eve"),
            "as ada",
            body,
            |header, content| {
                header.kind = MessageKind::Slot;
                (content.user_id, content.ctr) = (ada, now + 1);
            },
        );
        let value = value.unwrap();
        let frame = FromRelay::Slot {
            room_id: room,
            channel: ChannelId::MAIN,
            header: value.header,
            envelope: value.envelope,
        };
        stage.world.relay().tell_room(&room, &frame);
        stage.world.settle().await;
        assert_eq!(stage.has(BOB, ada), before);
    });
}

#[test]
fn a_guest_has_a_picture_like_everybody_and_keeps_it() {
    block_on(async {
        let mut stage = Stage::new("guest").await;
        let room = stage.room;
        let command = Command::CreateInvite {
            room,
            role: 1,
            max_uses: 1,
            expires_ms: stage.world.now_ms + 60_000,
            approval: false,
        };
        let Ok(Outcome::InviteLink(link)) = stage.world.run(ADA, command).await else {
            panic!("no invite")
        };
        let zoe = stage.world.browser("a guest's browser");
        let name = "Zoe".to_owned();
        for command in [
            Command::ComeIn { name },
            Command::OpenLink { link },
            Command::Join { room },
        ] {
            stage.world.run(zoe, command).await.unwrap();
        }
        look_at(&mut stage.world, zoe, room).await;
        let id = stage.world.browsers[zoe].me().unwrap();
        assert_eq!(stage.set(zoe, Some(image(3))).await, Ok(Outcome::Done));
        for browser in [ADA, BOB, zoe] {
            assert_eq!(stage.seen(browser, id).await, Some(image(3)));
        }
        let keep = Command::KeepAccount {
            handle: "zoe".into(),
            password: "correct horse battery staple seven".into(),
        };
        stage.world.run(zoe, keep).await.unwrap();
        stage.world.settle().await;
        assert_eq!(stage.seen(zoe, id).await, Some(image(3)));
        let late = stage.world.sign_in("bob").await;
        look_at(&mut stage.world, late, room).await;
        assert_eq!(stage.seen(late, id).await, Some(image(3)));
        // Given up, nothing of it is left.
        let password = "correct horse battery staple seven".to_owned();
        let gone = stage.world.run(zoe, Command::DeleteAccount { password }).await;
        assert!(matches!(gone, Ok(Outcome::Deleted { .. })), "{gone:?}");
        assert!(stage.world.relay().pictures.is_empty());
    });
}
