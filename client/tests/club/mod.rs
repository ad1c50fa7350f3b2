//! A space, a relay that lies about it, and eve: an account without an engine, whose keys the relay has. She is a plain member
//! of ada's club, and of one of its two private channels.
#![allow(dead_code, reason = "each test file uses some of it")]

use futures_lite::future::block_on;
use sotto_client::engine::{Failure, Reply, Request};
use sotto_client::testing::{ModelRelay, Peer, Snapshot, Tamper as Hands, World};
use sotto_client::view::{
    Body, ChannelKind, Chat, Command, NewChannel, NewHeading, NewRole, Outcome, Rights as ShownRights, Space, Standing,
    Unreadable,
};
use sotto_shared::api::B64;
use sotto_shared::api::body::{RoomAppend, StoredMessage, Wrap};
use sotto_shared::api::frame::{FromRelay, Outgoing, ToRelay};
use sotto_shared::codec::{Codec, List, Text};
use sotto_shared::crypto::epoch::{channel_secret, fits, open_backlink};
use sotto_shared::crypto::kem::{self, WrapInfo, Wrapped};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::secret::{EpochSecret, PrivateKey};
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::content::{
    Content, MessageBody, OpenedContent, envelope_context, lane_start, message_key, seal_message,
};
use sotto_shared::envelope::header::{Header, MessageKind};
use sotto_shared::id::{ChannelId, EnvelopeHash, MessageId, RoomId, UserId};
use sotto_shared::log::room_log::{RoomBody, RoomEntry, SUITE_1};
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::people::{Person, TestRoom};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

pub type TestWorld = World<RustCrypto>;
pub type FrameRule = Box<dyn FnMut(&mut ModelRelay, Peer, FromRelay) -> Vec<FromRelay>>;
pub type ReplyRule = Box<dyn FnMut(&mut ModelRelay, Peer, &Request, Reply) -> Reply>;

pub const ADA: usize = 0;
pub const BOB: usize = 1;
pub const CYD: usize = 2;
pub const MINUTE: u64 = 60_000;

pub const NAMES: [&str; 5] = ["news", "general", "random", "den", "lair"];

// --- The stage -----------------------------------------------------------------------------------------------------------------

/// What the relay was handed.
#[derive(Default)]
pub struct Seen {
    pub requests: Vec<Request>,
    pub sent: Vec<Outgoing>,
}

/// Changes what the relay says, frames and answers alone, so that a proxy before a real browser can do the same; keeps what it
/// hears.
pub struct Script {
    pub seen: Rc<RefCell<Seen>>,
    pub frame: FrameRule,
    pub reply: ReplyRule,
}

impl Hands for Script {
    fn request(&mut self, _: &mut ModelRelay, _: Peer, request: &mut Request) -> Option<Result<Reply, Failure>> {
        self.seen.borrow_mut().requests.push(request.clone());
        None
    }

    fn reply(
        &mut self,
        relay: &mut ModelRelay,
        to: Peer,
        request: &Request,
        reply: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        reply.map(|reply| (self.reply)(relay, to, request, reply))
    }

    fn heard(&mut self, _: &mut ModelRelay, _: Peer, frame: ToRelay) -> Vec<ToRelay> {
        if let ToRelay::Send { messages } = &frame {
            self.seen.borrow_mut().sent.extend(messages.iter().cloned());
        }
        vec![frame]
    }

    fn frame(&mut self, relay: &mut ModelRelay, to: Peer, frame: FromRelay) -> Vec<FromRelay> {
        (self.frame)(relay, to, frame)
    }
}

pub fn pass_frame() -> FrameRule {
    Box::new(|_, _, frame| vec![frame])
}

pub fn pass_reply() -> ReplyRule {
    Box::new(|_, _, _, reply| reply)
}

pub type Past = (Snapshot<Arc<PrivateKey>>, RoomId, [Chat; 5], RoomId);

pub static PAST: LazyLock<Past> = LazyLock::new(|| {
    block_on(async {
        let mut world = World::new(RustCrypto, "attacks on spaces");
        for handle in ["ada", "bob", "cyd"] {
            world.newcomer(handle).await;
        }
        world.relay().enlist(&Person::new("eve"));
        let channel = |name: &str, kind| NewChannel {
            name: name.into(),
            topic: String::new(),
            kind,
        };
        let command = Command::CreateSpace {
            name: "Club".into(),
            roles: vec![NewRole {
                name: "Captain".into(),
                rank: 40,
                rights: ShownRights {
                    post: true,
                    role: true,
                    channel: true,
                    ..ShownRights::default()
                },
            }],
            headings: vec![NewHeading {
                name: String::new(),
                channels: vec![
                    channel("news", ChannelKind::Announcement),
                    channel("general", ChannelKind::Public),
                    channel("random", ChannelKind::Public),
                    channel("den", ChannelKind::Private),
                    channel("lair", ChannelKind::Private),
                ],
            }],
        };
        let Ok(Outcome::Space(club)) = world.run(ADA, command).await else {
            panic!("no space");
        };
        let handles = ["bob", "cyd", "eve"].map(str::to_owned).to_vec();
        let added = world.run(ADA, Command::AddPeople { room: club, handles }).await;
        assert_eq!(added, Ok(Outcome::Done));
        let bob = world.browsers[BOB].me().unwrap();
        let chats = NAMES.map(|name| chat(&world, club, name));
        let [_, general, random, den, lair] = chats;
        for (chat, add) in [(den, vec![bob]), (lair, vec![bob, Person::new("eve").id()])] {
            let remove = Vec::new();
            let added = world.run(ADA, Command::ChannelPeople { chat, add, remove }).await;
            assert_eq!(added, Ok(Outcome::Done));
        }
        for chat in [general, random, den, lair] {
            for (who, text) in [(ADA, "first"), (BOB, "second")] {
                say(&mut world, who, chat, text).await;
            }
        }
        let tea = world.group(ADA, "Tea", &["bob", "eve"]).await;
        world.say(ADA, tea, "over tea").await;
        (world.into_snapshot(), club, chats, tea)
    })
});

pub struct Stage {
    pub world: TestWorld,
    pub club: RoomId,
    pub news: Chat,
    pub general: Chat,
    pub random: Chat,
    /// Private: ada and bob.
    pub den: Chat,
    /// Private: ada, bob and eve.
    pub lair: Chat,
    /// A group.
    pub tea: RoomId,
    pub eve: Person,
    pub seen: Rc<RefCell<Seen>>,
}

pub fn chat(world: &TestWorld, club: RoomId, name: &str) -> Chat {
    let headings = world.browsers[ADA].space(club).unwrap().headings;
    let channels = headings.into_iter().flat_map(|heading| heading.channels);
    let mut chats = channels.map(|channel| Chat { room: club, channel });
    let is_it = |chat: &Chat| world.browsers[ADA].chat(*chat).is_some_and(|room| room.title == name);
    chats.find(is_it).expect(name)
}

pub async fn say(world: &mut TestWorld, browser: usize, chat: Chat, text: &str) {
    let said = world.run(browser, Command::say(chat, text.to_owned())).await;
    assert_eq!(said, Ok(Outcome::Done), "{text}");
    world.settle().await;
}

impl Stage {
    pub async fn new(seed: &str) -> Self {
        let (past, club, [news, general, random, den, lair], tea) = &*PAST;
        let mut world = World::from_snapshot(RustCrypto, past, seed);
        world.settle().await;
        let mut stage = Self {
            world,
            club: *club,
            news: *news,
            general: *general,
            random: *random,
            den: *den,
            lair: *lair,
            tea: *tea,
            eve: Person::new("eve"),
            seen: Rc::default(),
        };
        stage.script(pass_frame(), pass_reply());
        stage
    }

    /// From here on the relay speaks by these rules; what it was handed before is forgotten.
    pub fn script(&mut self, frame: FrameRule, reply: ReplyRule) {
        self.seen = Rc::default();
        let seen = self.seen.clone();
        self.world.tamper = Box::new(Script { seen, frame, reply });
    }

    pub fn space(&self, browser: usize) -> Space {
        self.world.browsers[browser].space(self.club).unwrap()
    }

    pub fn standing(&self, browser: usize) -> Standing {
        self.space(browser).standing
    }

    /// Everything that stands in a conversation, from its beginning.
    pub async fn rows(&mut self, browser: usize, chat: Chat) -> Vec<String> {
        let shown = self.world.run(browser, Command::ShowRoom { chat }).await;
        assert_eq!(shown, Ok(Outcome::Done));
        for _ in 0..20 {
            if !self.world.browsers[browser].has_older() {
                break;
            }
            let answer = self.world.run(browser, Command::LoadOlder { chat }).await;
            assert_eq!(answer, Ok(Outcome::Done));
        }
        let rows = self.world.browsers[browser].rows().into_iter();
        let words = rows.filter_map(|row| match row {
            Body::Text { text, .. } => Some(text),
            Body::Unreadable(why) => Some(format!("({why:?})")),
            Body::Poll { poll, .. } => {
                let votes = poll.options.iter().map(|option| option.votes.to_string());
                Some(format!("{}: {}", poll.question, votes.collect::<Vec<_>>().join(" ")))
            }
            Body::Note(_) => None,
        });
        words.collect()
    }

    pub async fn run(&mut self, browser: usize, command: Command) {
        assert_eq!(self.world.run(browser, command).await, Ok(Outcome::Done));
        self.world.settle().await;
    }

    pub fn stored(&mut self, chat: Chat) -> Vec<StoredMessage> {
        let club = self.world.relay().rooms.get(&chat.room).unwrap();
        club.channel(&chat.channel).unwrap().messages.clone()
    }

    /// Puts a message at the end of a conversation whatever the relay's own rules say, and tells everybody in the room.
    pub async fn put(&mut self, chat: Chat, message: &Outgoing) -> EnvelopeHash {
        let relay = self.world.relay();
        let channel = relay.rooms.get_mut(&chat.room).unwrap().channel_mut(&chat.channel);
        let message = channel.unwrap().put_message(&message.header, &message.envelope);
        let hash = message.hash();
        let frame = FromRelay::Message {
            room_id: chat.room,
            channel: chat.channel,
            message,
        };
        relay.tell_room(&chat.room, &frame);
        self.world.settle().await;
        hash
    }

    /// An entry by eve at the end of the club's log.
    pub fn entry(&mut self, body: RoomBody) -> B64 {
        let ts = self.world.now_ms;
        let state = &self.world.relay().rooms[&self.club].state;
        let entry = RoomEntry {
            room_id: self.club,
            seq: state.seq + 1,
            prev: state.head,
            ts,
            actor: self.eve.id(),
            actor_dk: self.eve.device_id(),
            body,
        };
        B64(TestRoom::sign_entry(&entry, self.eve.device()).to_bytes())
    }

    /// What an honest relay says to an entry by eve.
    pub fn ask(&mut self, body: RoomBody, wraps: Vec<Wrap>) -> Result<Reply, Failure> {
        let entries = vec![self.entry(body)];
        let room_id = self.club;
        let request = Request::RoomAppend(RoomAppend {
            room_id,
            entries,
            wraps,
        });
        self.world.relay().answer(Some("eve"), &request)
    }

    /// An entry by eve that everybody is told, whatever the relay's own rules say.
    pub async fn force(&mut self, body: RoomBody) {
        let bytes = self.entry(body);
        let club = self.club;
        let relay = self.world.relay();
        let stored = relay.rooms.get_mut(&club).unwrap();
        let from_seq = stored.entries.len() as u64;
        stored.entries.push(bytes.clone());
        let entries = vec![bytes];
        let room_id = club;
        relay.tell_room(
            &club,
            &FromRelay::Log {
                room_id,
                from_seq,
                entries,
            },
        );
        self.world.settle().await;
    }

    /// Secrets by channel and epoch that somebody has from wraps that lie at the relay, and from the links back from there.
    pub fn keys_of(&mut self, who: &Person) -> BTreeMap<(ChannelId, u32), EpochSecret> {
        let club = self.club;
        let stored = &self.world.relay().rooms[&club];
        let mut keys = BTreeMap::new();
        for wrap in &stored.wraps {
            let Some(epoch) = stored.state.epochs_of(&wrap.channel).get(wrap.n as usize - 1) else {
                continue;
            };
            let info = WrapInfo {
                room_id: club,
                channel: wrap.channel,
                n: wrap.n,
                // Also what is addressed to others: it must not open.
                user_id: wrap.user_id,
                g: wrap.g,
                commit: epoch.commit,
            };
            let wrapped = Wrapped {
                enc: wrap.enc.0.clone(),
                ct: wrap.ct.0.clone(),
            };
            let plain = kem::unwrap(&who.kk[0], &info.info(), &wrapped).ok();
            let secret = plain.and_then(|plain| EpochSecret::from_slice(&plain));
            if let Some(secret) = secret.filter(|secret| fits(secret, &club, epoch)) {
                keys.insert((wrap.channel, wrap.n), secret);
            }
        }
        for channel in std::iter::once(ChannelId::MAIN).chain(stored.state.channels.keys().copied()) {
            for epoch in stored.state.epochs_of(&channel).iter().rev() {
                let scope = sotto_shared::crypto::epoch::Scope::new(club, channel);
                let older = keys
                    .get(&(channel, epoch.n))
                    .and_then(|secret| open_backlink(secret, scope, epoch.n, epoch.backlink.as_slice()).ok());
                if let Some(older) = older {
                    keys.insert((channel, epoch.n - 1), older);
                }
            }
        }
        keys
    }

    /// What somebody opens of what was sent since the script began, with any key they have, in whatever channel.
    pub fn opened_by(&mut self, who: &Person) -> Vec<(ChannelId, MessageBody)> {
        let (club, keys) = (self.club, self.keys_of(who));
        let mut all = Vec::new();
        for sent in &self.seen.borrow().sent {
            let header = Header::from_bytes(&sent.header.0).unwrap();
            for secret in keys.values() {
                for root in [
                    EpochSecret::from_bytes(*secret.expose()),
                    channel_secret(secret, &header.channel),
                ] {
                    let key = message_key(&root, &club, &header.channel);
                    let context = envelope_context(&sent.header.0);
                    let plain = sotto_shared::crypto::seal::open(key.expose(), &context, &sent.envelope.0);
                    if let Some(content) = plain.ok().and_then(|plain| OpenedContent::parse(&plain, &header).ok()) {
                        all.push((header.channel, content.content.body));
                    }
                }
            }
        }
        all
    }

    /// A message by eve in any conversation of the club, after `edit` has had it, signed whatever it says then. She seals
    /// it under the newest key that she has of what the channel is under.
    pub fn forge(
        &mut self,
        chat: Chat,
        seed: &str,
        body: MessageBody,
        edit: impl FnOnce(&mut Header, &mut Content),
    ) -> Outgoing {
        let eve = Person::new("eve");
        let keys = self.keys_of(&eve);
        let now_ms = self.world.now_ms;
        let stored = &self.world.relay().rooms[&chat.room];
        let newest = |of: &ChannelId| {
            let mut mine = keys.iter().filter(|((channel, _), _)| channel == of);
            let ((_, n), secret) = mine.next_back()?;
            Some((*n, EpochSecret::from_bytes(*secret.expose())))
        };
        let own = stored.state.key_of(&chat.channel);
        let (n, root) = match newest(&own) {
            Some((n, secret)) if own != ChannelId::MAIN => (n, secret),
            _ => {
                let (n, secret) = newest(&ChannelId::MAIN).unwrap();
                (n, channel_secret(&secret, &chat.channel))
            }
        };
        let seen = *stored.channel(&chat.channel).unwrap().transcript.last().unwrap();
        let mut rng = FixedRng::new(&format!("eve/{seed}"));
        let mut msg_id = [0; 16];
        rand::Rng::fill_bytes(&mut rng, &mut msg_id);
        let mut header = Header {
            suite: SUITE_1,
            kind: MessageKind::Durable,
            room_id: chat.room,
            channel: chat.channel,
            n,
            msg_id: MessageId::from_bytes(msg_id),
            ttl_class: 0,
            del_commit: [0; 32],
        };
        let mut lane = [0; 8];
        lane.copy_from_slice(&msg_id[..8]);
        let mut content = Content {
            header_hash: [0; 32],
            user_id: eve.id(),
            dk_id: eve.device_id(),
            lane,
            ctr: 1,
            prev_own: lane_start(&eve.device_id(), &lane),
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
        let sig = eve.device().sign(Label::Message, &bytes);
        let key = message_key(&root, &chat.room, &chat.channel);
        let sealed = seal_message(&mut rng, &key, &header, &bytes, &sig);
        Outgoing {
            header: B64(sealed.header),
            envelope: B64(sealed.envelope),
        }
    }

    /// Eve leaves a private channel by herself, as anybody may; the relay takes it.
    pub async fn eve_leaves(&mut self, chat: Chat) {
        let body = people(chat, &[], &[self.eve.id()]);
        assert!(self.ask(body, Vec::new()).is_ok());
        self.world.settle().await;
    }
}

pub fn text(words: &str) -> MessageBody {
    MessageBody::Text {
        text: Text::new(words).unwrap(),
    }
}

pub fn people(chat: Chat, add: &[UserId], remove: &[UserId]) -> RoomBody {
    RoomBody::ChannelMembers {
        channel: chat.channel,
        add: List::new(add.to_vec()).unwrap(),
        remove: List::new(remove.to_vec()).unwrap(),
    }
}

pub fn outgoing(message: &StoredMessage) -> Outgoing {
    Outgoing {
        header: message.header.clone(),
        envelope: message.envelope.clone(),
    }
}

pub fn damaged() -> String {
    format!("({:?})", Unreadable::Damaged)
}
