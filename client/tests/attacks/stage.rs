//! The stage: three people with browsers, two whose keys the relay has, and a relay that speaks by rules.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use futures_lite::future::block_on;
use sotto_client::engine::Request;
use sotto_client::testing::world::password;
use sotto_client::testing::{Snapshot, World};
use sotto_client::view::{Body, Command, Evidence, Note, Outcome, Phase, Problem, Standing, Tamper, Unreadable};
use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{RoomId, UserId};
use sotto_shared::log::room_log::{RoomBody, RoomEntry};
use sotto_shared::testing::people::Person;

pub use crate::club::{ADA, BOB, CYD, FrameRule, ReplyRule, Script, Seen, TestWorld, pass_frame, pass_reply};
use crate::eve::{keys_of, open, post, unwraps};

pub type Past = Snapshot<Arc<PrivateKey>>;

/// Ada, Bob and Cyd with their browsers, and Eve and Dan, whose keys the relay holds.
pub struct Stage {
    pub world: TestWorld,
    /// Ada (owner), Bob, Cyd.
    pub tea: RoomId,
    /// Ada (owner), Bob, Eve.
    pub den: RoomId,
    /// Ada and Eve, a direct message.
    pub duo: RoomId,
    pub eve: Person,
    /// In no room.
    pub dan: Person,
    pub seen: Rc<RefCell<Seen>>,
}

pub static PAST: LazyLock<(Past, [RoomId; 3])> = LazyLock::new(|| {
    block_on(async {
        let mut world = World::new(RustCrypto, "attacks");
        for handle in ["ada", "bob", "cyd"] {
            world.newcomer(handle).await;
        }
        for name in ["eve", "dan"] {
            world.relay().enlist(&Person::new(name));
        }
        let tea = world.group(ADA, "Tea", &["bob", "cyd"]).await;
        let den = world.group(ADA, "Den", &["bob", "eve"]).await;
        let duo = world.direct(ADA, "eve").await;
        for room in [tea, den] {
            world.say(ADA, room, "first").await;
            world.say(BOB, room, "second").await;
        }
        (world.into_snapshot(), [tea, den, duo])
    })
});

impl Stage {
    /// Everybody online, nothing under way, the relay still honest.
    pub async fn new(seed: &str) -> Self {
        let (past, [tea, den, duo]) = &*PAST;
        let mut world = World::from_snapshot(RustCrypto, past, seed);
        world.settle().await;
        let mut stage = Self {
            world,
            tea: *tea,
            den: *den,
            duo: *duo,
            eve: Person::new("eve"),
            dan: Person::new("dan"),
            seen: Rc::default(),
        };
        stage.script(pass_frame(), pass_reply());
        stage
    }

    /// From here on the relay speaks by these rules; what it was handed before is forgotten.
    pub fn script(&mut self, frame: FrameRule, reply: ReplyRule) {
        self.seen = Rc::default();
        self.world.tamper = Box::new(Script {
            seen: Rc::clone(&self.seen),
            frame,
            reply,
        });
    }

    pub fn id(&mut self, handle: &str) -> UserId {
        *self.world.relay().people.find(handle).unwrap().0
    }

    pub fn standing(&self, browser: usize, room: RoomId) -> Standing {
        self.world.browsers[browser].room(room).unwrap().standing
    }

    pub async fn texts(&mut self, browser: usize, room: RoomId) -> Vec<String> {
        let lines = self.world.read(browser, room).await.into_iter();
        lines.map(|line| line.text).collect()
    }

    /// What stands in the room for messages that cannot be shown.
    pub async fn unreadable(&mut self, browser: usize, room: RoomId) -> Vec<Unreadable> {
        self.world.read(browser, room).await;
        let rows = self.world.browsers[browser].rows().into_iter();
        rows.filter_map(|row| match row {
            Body::Unreadable(why) => Some(why),
            _ => None,
        })
        .collect()
    }

    pub async fn send(&mut self, browser: usize, room: RoomId, text: &str) -> Result<Outcome, Problem> {
        let text = text.to_owned();
        self.world.run(browser, Command::say(room, text)).await
    }

    /// Somebody has a room before their eyes: their browser says how far it has got.
    pub async fn look(&mut self, browser: usize, room: RoomId) {
        for command in [
            Command::ShowRoom { chat: room.into() },
            Command::Looking { visible: true },
        ] {
            assert_eq!(self.world.run(browser, command).await, Ok(Outcome::Done));
        }
    }

    /// They have also read its newest message, and their browser says so.
    pub async fn read(&mut self, browser: usize, room: RoomId) {
        self.look(browser, room).await;
        let answer = self.world.run(browser, Command::MarkRead { chat: room.into() }).await;
        assert_eq!(answer, Ok(Outcome::Done));
    }

    pub fn read_up_to(&mut self, browser: usize, room: RoomId, handle: &str) -> u64 {
        let user = self.id(handle);
        self.world.browsers[browser].read_up_to(room, user)
    }

    /// What could not be had is asked for again.
    pub async fn wait(&mut self) {
        for _ in 0..4 {
            self.world.advance(6_000);
            self.world.settle().await;
        }
    }

    pub async fn evidence(&mut self, browser: usize, room: RoomId) -> Option<Evidence> {
        match self.world.run(browser, Command::ShowEvidence { room }).await {
            Ok(Outcome::Evidence(evidence)) => evidence,
            other => panic!("{other:?}"),
        }
    }

    /// The connection of somebody breaks and comes back.
    pub async fn reconnect(&mut self, browser: usize) {
        self.world.drop_socket(browser);
        self.world.settle().await;
        self.world.advance(2_000);
        self.world.settle().await;
    }

    /// A room of somebody is frozen for this reason, shows these texts and takes no more, and nobody is in it who was not.
    pub async fn assert_frozen(&mut self, browser: usize, room: RoomId, why: Tamper, texts: &[&str], case: &str) {
        assert_eq!(self.standing(browser, room), Standing::Frozen(why), "{case}");
        assert_eq!(self.texts(browser, room).await, texts, "{case}");
        let sent = self.seen.borrow().sent.len();
        let refused = self.send(browser, room, "into the trap").await;
        assert_eq!(refused, Err(Problem::RoomClosed), "{case}");
        assert_eq!(self.seen.borrow().sent.len(), sent, "{case}: nothing leaves");
        // What was verified holds after a reload.
        self.world.reload(browser);
        self.world.settle().await;
        assert_eq!(
            self.standing(browser, room),
            Standing::Frozen(why),
            "{case}, after a reload"
        );
        assert_eq!(self.texts(browser, room).await, texts, "{case}, after a reload");
    }

    /// Nothing that was handed to the relay during the attack opens with what somebody has.
    pub fn assert_shut_out(&self, who: &Person, case: &str) {
        let seen = self.seen.borrow();
        for (_, wrap) in seen.requests.iter().flat_map(wraps_of) {
            assert_ne!(wrap.user_id, who.id(), "{case}: a wrap for {}", who.name);
        }
        for relay in &self.world.relays {
            for room in relay.rooms.keys() {
                let keys = keys_of(relay, *room, who);
                for (room_of_wraps, wrap) in seen.requests.iter().flat_map(wraps_of) {
                    let opens = room_of_wraps == Some(*room) && unwraps(relay, *room, &wrap, who);
                    assert!(!opens, "{case}: a wrap that {} opens", who.name);
                }
                for sent in &seen.sent {
                    let text = open(&keys, room, &sent.header.0, &sent.envelope.0);
                    assert_eq!(text, None, "{case}: {} reads it", who.name);
                }
            }
        }
    }

    /// Frames that somebody is told, and what follows from them.
    pub async fn tell(&mut self, user: &str, frames: Vec<FromRelay>) {
        let user = self.id(user);
        for frame in frames {
            self.world.relay().tell(&user, &frame);
        }
        self.world.settle().await;
    }
}

/// Wraps that a request brings, with the room if it names one.
pub fn wraps_of(request: &Request) -> Vec<(Option<RoomId>, Wrap)> {
    let (room, wraps) = match request {
        Request::RoomCreate(ask) => (None, &ask.wraps),
        Request::RoomAppend(ask) => (Some(ask.room_id), &ask.wraps),
        Request::WrapsPut(ask) => (Some(ask.room_id), &ask.wraps),
        _ => return Vec::new(),
    };
    wraps.iter().map(|wrap| (room, wrap.clone())).collect()
}

/// Ada takes Eve out of the den; gives the entry that once put her in.
pub async fn eve_is_removed(stage: &mut Stage) -> B64 {
    let (den, eve) = (stage.den, stage.eve.id());
    let added = |blob: &&B64| {
        let blob = SignedBlob::from_bytes(&blob.0).unwrap();
        let body = RoomEntry::from_bytes(&blob.body).map(|entry| entry.body);
        matches!(body, Ok(RoomBody::AddMember { member, .. }) if member.user_id == eve)
    };
    let old = stage.world.relay().rooms[&den]
        .entries
        .iter()
        .find(added)
        .unwrap()
        .clone();
    let command = Command::RemovePerson { room: den, user: eve };
    assert_eq!(stage.world.run(ADA, command).await, Ok(Outcome::Done));
    old
}

/// Puts each in place of a message, in a room of its own time: nothing of it is shown, the conversation goes on.
pub async fn assert_damaged(stage: &mut Stage, room: RoomId, forgeries: Vec<(&str, B64, B64)>) {
    let mut texts = stage.texts(ADA, room).await;
    let others: &[usize] = if room == stage.tea { &[BOB, CYD] } else { &[BOB] };
    for (case, header, envelope) in forgeries {
        let before = stage.unreadable(ADA, room).await.len();
        post(stage.world.relay(), room, &header, &envelope);
        stage.world.settle().await;
        assert_eq!(stage.texts(ADA, room).await, texts, "{case}");
        let rows = stage.unreadable(ADA, room).await;
        assert_eq!(rows.len(), before + 1, "{case}");
        assert!(rows.iter().all(|why| *why == Unreadable::Damaged), "{case}: {rows:?}");
        let preview = stage.world.browsers[ADA].room(room).unwrap().preview;
        assert_eq!(preview.map(|preview| preview.text), texts.last().cloned(), "{case}");
        let after = format!("after {case}");
        stage.world.say(BOB, room, &after).await;
        texts.push(after);
        for browser in others.iter().chain(&[ADA]) {
            assert_eq!(stage.texts(*browser, room).await, texts, "{case}");
            assert_eq!(stage.standing(*browser, room), Standing::Open, "{case}");
        }
    }
}

/// Ada signs in on a new browser; gives it and what she is told.
pub async fn new_browser(stage: &mut Stage) -> (usize, Result<Outcome, Problem>) {
    let browser = stage.world.browser("new");
    let command = Command::SignIn {
        handle: "ada".into(),
        password: password("ada"),
        stay: true,
    };
    let answer = stage.world.run(browser, command).await;
    (browser, answer)
}

/// Nobody is signed in there, and nothing is kept.
pub fn assert_nobody(stage: &Stage, browser: usize, case: &str) {
    let browser = &stage.world.browsers[browser];
    assert!(!matches!(browser.phase(), Phase::SignedIn { .. }), "{case}");
    assert!(browser.rooms().is_empty(), "{case}");
    assert!(browser.disk.borrow().records.is_empty(), "{case}");
}

/// Every row of a room, oldest first.
pub async fn rows(stage: &mut Stage, browser: usize, room: RoomId) -> Vec<Body> {
    stage.world.read(browser, room).await;
    stage.world.browsers[browser].rows()
}

/// What a room has come to, with what came of each text: the text, whether it was edited, and reactions.
pub async fn story(stage: &mut Stage, browser: usize, room: RoomId) -> Vec<String> {
    let rows = rows(stage, browser, room).await.into_iter();
    rows.filter_map(|row| match row {
        Body::Text {
            text,
            edited,
            reactions,
            ..
        } => {
            let edited = if edited { "*" } else { "" };
            let reactions = reactions.iter().map(|one| format!(" {}{}", one.emoji, one.count));
            Some(format!("{text}{edited}{}", reactions.collect::<String>()))
        }
        Body::Poll { poll, .. } => Some(poll.question),
        Body::Unreadable(why) => Some(format!("({why:?})")),
        Body::Note(Note::Deleted { .. }) => Some("(deleted)".into()),
        Body::Note(_) => None,
    })
    .collect()
}

/// Whether these words stand in something, spelt or in base64.
pub fn has_words(bytes: &[u8], words: &str) -> bool {
    let kept = String::from_utf8_lossy(bytes);
    let in_base64 = (0..3).any(|before| {
        let shifted = [vec![0; before], words.as_bytes().to_vec()].concat();
        let encoded = serde_json::to_string(&B64(shifted)).unwrap();
        // Of the characters at both ends only some bits are of the words.
        let encoded = encoded.trim_matches('"').trim_end_matches('=');
        kept.contains(&encoded[[0, 2, 3][before]..encoded.len() - 1])
    });
    kept.contains(words) || in_base64
}

/// Whether a browser keeps these words.
pub fn keeps(stage: &Stage, browser: usize, words: &str) -> bool {
    let disk = stage.world.browsers[browser].disk.borrow();
    disk.records.values().any(|bytes| has_words(bytes, words))
}
