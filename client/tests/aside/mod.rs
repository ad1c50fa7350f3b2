//! What the tests of typing and presence share: Ada and Bob with their browsers, Eve without an engine, and what passes.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::cell::RefCell;
use std::rc::Rc;

use sotto_client::testing::{ModelRelay, Peer, Tamper, World};
use sotto_client::view::{Command, Outcome};
use sotto_shared::api::B64;
use sotto_shared::api::frame::{FromRelay, Outgoing, ToRelay};
use sotto_shared::codec::Codec;
use sotto_shared::crypto::epoch::fits;
use sotto_shared::crypto::kem::{self, WrapInfo, Wrapped};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::secret::EpochSecret;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::content::{Content, MessageBody, message_key, seal_message};
use sotto_shared::envelope::header::{Header, MessageKind};
use sotto_shared::id::{ChannelId, Head, MessageId, RoomId, UserId};
use sotto_shared::log::room_log::SUITE_1;
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::people::Person;

pub type TestWorld = World<RustCrypto>;

pub const ADA: usize = 0;
pub const BOB: usize = 1;

/// Writes down what was said in passing, and by which browser, and lets everything pass.
#[derive(Clone, Default)]
pub struct Heard(Rc<RefCell<Vec<(usize, Outgoing)>>>);

impl Tamper for Heard {
    fn heard(&mut self, _: &mut ModelRelay, from: Peer, frame: ToRelay) -> Vec<ToRelay> {
        if let ToRelay::Send { messages } = &frame {
            let kind = |message: &Outgoing| Header::from_bytes(&message.header.0).unwrap().kind;
            let aside = messages
                .iter()
                .filter(|message| kind(message) == MessageKind::Ephemeral);
            let mut heard = self.0.borrow_mut();
            heard.extend(aside.map(|message| (from.browser, message.clone())));
        }
        vec![frame]
    }
}

impl Heard {
    pub fn take(&self) -> Vec<(usize, Outgoing)> {
        std::mem::take(&mut *self.0.borrow_mut())
    }

    /// How often a browser said something.
    pub fn count(&self, browser: usize) -> usize {
        let all = self.take();
        all.iter().filter(|(from, _)| *from == browser).count()
    }
}

pub struct Stage {
    pub world: TestWorld,
    pub heard: Heard,
    /// Ada, Bob and Eve.
    pub den: RoomId,
    pub eve: Person,
    /// In no room.
    pub dan: Person,
}

impl Stage {
    pub async fn new(seed: &str) -> Self {
        let mut world = World::new(RustCrypto, seed);
        for handle in ["ada", "bob"] {
            world.newcomer(handle).await;
        }
        let (eve, dan) = (Person::new("eve"), Person::new("dan"));
        for person in [&eve, &dan] {
            world.relay().enlist(person);
        }
        let den = world.group(ADA, "Den", &["bob", "eve"]).await;
        world.say(BOB, den, "first").await;
        world.say(ADA, den, "second").await;
        let heard = Heard::default();
        world.tamper = Box::new(heard.clone());
        Self {
            world,
            heard,
            den,
            eve,
            dan,
        }
    }

    pub fn id(&mut self, handle: &str) -> UserId {
        *self.world.relay().people.find(handle).unwrap().0
    }

    pub async fn obey(&mut self, browser: usize, command: Command) {
        assert_eq!(self.world.run(browser, command).await, Ok(Outcome::Done));
    }

    pub async fn pass(&mut self, ms: u64) {
        self.world.advance(ms);
        self.world.settle().await;
    }

    /// Said in passing by Eve, or by whom `edit` makes it, and signed by her.
    pub fn forge(&mut self, body: MessageBody, edit: impl FnOnce(&mut Header, &mut Content)) -> Outgoing {
        let (room, now_ms, eve) = (self.den, self.world.now_ms, self.eve.clone());
        forge(self.world.relay(), room, &eve, now_ms, body, edit)
    }

    /// The relay says it to everybody in the room, whatever its own rules are.
    pub async fn tell(&mut self, said: &Outgoing) {
        let room_id = self.den;
        let frame = FromRelay::Ephemeral {
            room_id,
            channel: ChannelId::MAIN,
            header: said.header.clone(),
            envelope: said.envelope.clone(),
        };
        self.world.relay().tell_room(&room_id, &frame);
        self.world.settle().await;
    }
}

fn newest_key(relay: &ModelRelay, room: RoomId, who: &Person) -> (u32, EpochSecret) {
    let stored = &relay.rooms[&room];
    let epoch = stored.state.epochs.last().unwrap();
    let opened = stored.wraps.iter().filter(|wrap| wrap.n == epoch.n).find_map(|wrap| {
        let info = WrapInfo {
            room_id: room,
            channel: wrap.channel,
            n: wrap.n,
            user_id: wrap.user_id,
            g: wrap.g,
            commit: epoch.commit,
        };
        let wrapped = Wrapped {
            enc: wrap.enc.0.clone(),
            ct: wrap.ct.0.clone(),
        };
        let plain = kem::unwrap(&who.kk[0], &info.info(), &wrapped).ok()?;
        EpochSecret::from_slice(&plain).filter(|secret| fits(secret, &room, epoch))
    });
    (epoch.n, opened.expect("a wrap for them"))
}

fn forge(
    relay: &ModelRelay,
    room: RoomId,
    who: &Person,
    now_ms: u64,
    body: MessageBody,
    edit: impl FnOnce(&mut Header, &mut Content),
) -> Outgoing {
    let (n, secret) = newest_key(relay, room, who);
    let stored = &relay.rooms[&room];
    let seen = stored.transcript.last().unwrap();
    let mut rng = FixedRng::new(&format!("{}/{body:?}/{now_ms}", who.name));
    let mut msg_id = [0; 16];
    rand::Rng::fill_bytes(&mut rng, &mut msg_id);
    let mut header = Header {
        suite: SUITE_1,
        kind: MessageKind::Ephemeral,
        room_id: room,
        channel: ChannelId::MAIN,
        n,
        msg_id: MessageId::from_bytes(msg_id),
        ttl_class: 0,
        del_commit: [0; 32],
    };
    let mut content = Content {
        header_hash: [0; 32],
        user_id: who.id(),
        dk_id: who.device_id(),
        lane: [7; 8],
        ctr: 0,
        prev_own: Head::from_bytes([0; 32]),
        log_seq: stored.state.seq,
        log_head: stored.state.head,
        seen_seq: seen.seq,
        seen_t: seen.t,
        ts: now_ms,
        body,
    };
    edit(&mut header, &mut content);
    content.header_hash = header.hash();
    let bytes = content.to_bytes();
    let sig = who.device().sign(Label::Message, &bytes);
    let key = message_key(&secret, &header.room_id, &header.channel);
    let sealed = seal_message(&mut rng, &key, &header, &bytes, &sig);
    Outgoing {
        header: B64(sealed.header),
        envelope: B64(sealed.envelope),
    }
}
