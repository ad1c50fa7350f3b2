//! A room with a member who lies together with the relay: whatever Eve signs and the relay says, Ada and Bob are shown
//! nothing in each other's name, nothing twice, and nothing different without being told.
//!
//! ```text
//! bytes = schedule (2) · step (4) · step (4) · …       step = what · which · how · how much follows by itself
//! ```

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use sotto_shared::api::B64;
use sotto_shared::api::body::{ChannelHead, RoomHead, SlotValue, StoredMessage, Wrap};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::codec::{Bytes, Codec, List, Text};
use sotto_shared::crypto::epoch::{commitment, fits, next_secret, open_backlink, seal_backlink};
use sotto_shared::crypto::kem::{self, KeyRequest, WrapInfo, Wrapped};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::secret::{EpochSecret, InviteSecret, PrivateKey};
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::content::{Content, Here, MessageBody, lane_start, message_key, seal_message};
use sotto_shared::envelope::header::{Header, MessageKind, ttl_class};
use sotto_shared::file::FileKey;
use sotto_shared::id::{ChannelId, EnvelopeHash, Head, MessageId, PictureId, RoomId, UserId};
use sotto_shared::link::invite_key;
use sotto_shared::log::channels::ChannelKind;
use sotto_shared::log::roles::{CustomRole, Rights};
use sotto_shared::log::room_log::{
    EpochReason, History, JoinMode, MemberRef, Policy, Role, RoomBody, RoomEntry, RoomState, SUITE_1, invite_id,
    join_bytes,
};
use sotto_shared::picture::Picture;
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::people::{NOW, Person, TestRoom};

use super::bend::bend;
use super::hands::{Hands, Trick, Wiles};
use super::witness::{Keys, Witness, keys_in};
use crate::engine::Key;
use crate::testing::relay::Tenure;
use crate::testing::{Browser, Snapshot, World};
use crate::view::{Body, Command, Delivery, Note, Outcome, Quote, Standing};

const STEP_BYTES: usize = 4;
const MAX_STEPS: usize = 40;
const BROWSERS: [usize; 2] = [0, 1];
/// From here on a number names one of the later kinds: those below keep what they meant in scripts that were found.
const LATER: u8 = 200;

/// Ada and Bob with their browsers, Eve in their room, and Dan outside of it.
pub struct Den {
    snapshot: Snapshot<Arc<PrivateKey>>,
    witness: Witness,
    keys: Keys,
    room: RoomId,
    eve: Person,
    dan: Person,
    said: BTreeMap<String, UserId>,
}

struct Play<'a> {
    den: &'a Den,
    world: World<RustCrypto>,
    witness: Rc<RefCell<Witness>>,
    wiles: Rc<RefCell<Wiles>>,
    said: BTreeMap<String, UserId>,
    forged: u32,
    /// Eve's own room keys.
    secrets: Vec<EpochSecret>,
    ctr: u64,
    prev: Head,
    /// Eve's messages that others can be told something about.
    hers: Vec<EnvelopeHash>,
    /// She wrote words that go by themselves: when they do differs by when each of the others heard them.
    fades: bool,
}

impl Den {
    pub async fn make() -> Self {
        let mut world = World::new(RustCrypto, "den");
        for handle in ["ada", "bob"] {
            world.newcomer(handle).await;
        }
        let eve = Person::new("eve");
        let mut dan = Person::new("dan");
        dan.add_device();
        dan.revoke(0);
        dan.use_device(1);
        for person in [&eve, &dan] {
            world.relay().enlist(person);
        }
        let room = world.group(0, "Den", &["bob", "eve"]).await;
        let mut said = BTreeMap::new();
        for (browser, text) in [(0, "first"), (1, "second")] {
            world.say(browser, room, text).await;
            said.insert(text.to_owned(), world.browsers[browser].me().expect("signed in"));
        }
        let mut keys = Keys::new();
        for browser in &world.browsers {
            let disk = browser.disk.borrow();
            if let (Some(me), Some(record)) = (browser.me(), disk.records.get(&Key::Keys)) {
                keys.extend(keys_in(record).into_iter().map(|(g, key)| ((me, g), key)));
            }
        }
        for person in [&eve, &dan] {
            keys.insert((person.id(), 1), person.kk[0].to_bytes().to_vec());
        }
        let witness = Witness::of(world.relay());
        Self {
            snapshot: world.into_snapshot(),
            witness,
            keys,
            room,
            eve,
            dan,
            said,
        }
    }
}

/// Plays what the bytes say. `Ok(false)`: they say nothing.
pub async fn run(den: &Den, bytes: &[u8]) -> Result<bool, String> {
    let Some((schedule, steps)) = bytes.split_at_checked(2) else {
        return Ok(false);
    };
    if steps.len() < STEP_BYTES {
        return Ok(false);
    }
    let mut world = World::from_snapshot(RustCrypto, &den.snapshot, &format!("den {schedule:?}"));
    world.settle().await;
    let (witness, wiles) = (Rc::new(RefCell::new(den.witness.clone())), Rc::default());
    world.tamper = Box::new(Hands {
        witness: Rc::clone(&witness),
        wiles: Rc::clone(&wiles),
    });
    let mut play = Play {
        den,
        world,
        witness,
        wiles,
        said: den.said.clone(),
        forged: 0,
        secrets: Vec::new(),
        ctr: 0,
        prev: lane_start(&den.eve.device_id(), &[0xe; 8]),
        hers: Vec::new(),
        fades: false,
    };
    play.learn_keys();
    for step in steps.chunks_exact(STEP_BYTES).take(MAX_STEPS) {
        play.step(step[0], step[1], step[2], step[3]).await;
    }
    play.end().await?;
    Ok(true)
}

impl Play<'_> {
    fn stored(&self) -> &RoomState {
        &self.world.relays[0].rooms[&self.den.room].state
    }

    async fn step(&mut self, what: u8, which: u8, how: u8, steps: u8) {
        let choice = u32::from(how) << 8 | u32::from(steps);
        let browser = BROWSERS[usize::from(which) % 2];
        let user = self.world.browsers[browser].me();
        match what % 10 {
            0 | 1 => self.forge_message(which, how),
            2 | 3 => self.forge_entry(which, how),
            4 => {
                let told = self.wiles.borrow().told.get(usize::from(which)).cloned();
                if let (Some(frame), Some(user)) = (told.and_then(|frame| bend(&frame, choice)), user) {
                    self.world.relay().tell(&user, &frame);
                }
            }
            5 => {
                if let Some(user) = user {
                    let frame = self.invent(how, steps);
                    self.world.relay().tell(&user, &frame);
                }
            }
            6 => self
                .wiles
                .borrow_mut()
                .tricks
                .push_back((browser, Trick::BendReply(choice))),
            7 => {
                let room = self.den.room;
                if let Some(user) = user {
                    let text = format!("{} of {browser}", self.said.len());
                    self.said.insert(text.clone(), user);
                    self.world.write(browser, room, &text);
                }
            }
            8 => self.damage(which, how),
            _ => match how % 4 {
                0 => self.world.drop_socket(browser),
                1 => self.world.reload(browser),
                2 => self.world.advance(u64::from(steps) * 500),
                _ => self.world.advance(25 * 3_600_000),
            },
        }
        if steps >= 128 {
            self.world.settle().await;
        } else {
            self.world.settle_for(u32::from(steps)).await;
        }
    }

    // --- What Eve signs ------------------------------------------------------------------------------------------------------

    /// Every room key that Eve was given, in order.
    fn learn_keys(&mut self) {
        let stored = &self.world.relays[0].rooms[&self.den.room];
        let mut keys: BTreeMap<u32, EpochSecret> = BTreeMap::new();
        for (index, secret) in self.secrets.drain(..).enumerate() {
            keys.insert(index as u32 + 1, secret);
        }
        for wrap in stored.wraps.iter().filter(|wrap| wrap.user_id == self.den.eve.id()) {
            let Some(epoch) = stored.state.epochs.get((wrap.n as usize).wrapping_sub(1)) else {
                continue;
            };
            let info = wrap_info(&stored.state, wrap.user_id, wrap.g, epoch.n, epoch.commit);
            let wrapped = Wrapped {
                enc: wrap.enc.0.clone(),
                ct: wrap.ct.0.clone(),
            };
            let plain = kem::unwrap(&self.den.eve.kk[0], &info.info(), &wrapped).ok();
            if let Some(secret) = plain.and_then(|plain| EpochSecret::from_slice(&plain))
                && fits(&secret, &self.den.room, epoch)
            {
                keys.insert(epoch.n, secret);
            }
        }
        for epoch in stored.state.epochs.iter().rev() {
            let older = keys
                .get(&epoch.n)
                .and_then(|secret| open_backlink(secret, &self.den.room, epoch.n, epoch.backlink.as_slice()).ok());
            if let Some(older) = older {
                keys.insert(epoch.n - 1, older);
            }
        }
        // Without holes from the first on, or she is out.
        self.secrets = (1..).map_while(|n| keys.remove(&n)).collect();
    }

    fn forge_message(&mut self, which: u8, how: u8) {
        self.learn_keys();
        let (eve, room) = (&self.den.eve, self.den.room);
        let stored = &self.world.relays[0].rooms[&room];
        let Some(seen) = stored.transcript.last() else { return };
        if self.secrets.is_empty() {
            return;
        }
        // A message of her own, and one of anybody's.
        let other = stored.messages[usize::from(how) % stored.messages.len()].hash();
        let target = self.hers.get(usize::from(how) % self.hers.len().max(1));
        let target = target.copied().unwrap_or(other);
        self.forged += 1;
        let text = format!("eve {}", self.forged);
        let mut rng = FixedRng::new(&text);
        let text = Text::new(text).expect("short");
        let mut msg_id = [0; 16];
        rand::Rng::fill_bytes(&mut rng, &mut msg_id);
        let mut header = Header {
            suite: SUITE_1,
            kind: MessageKind::Durable,
            room_id: room,
            channel: ChannelId::MAIN,
            n: self.secrets.len() as u32,
            msg_id: MessageId::from_bytes(msg_id),
            ttl_class: 0,
            del_commit: [0; 32],
        };
        let mut content = Content {
            header_hash: [0; 32],
            user_id: eve.id(),
            dk_id: eve.device_id(),
            lane: [0xe; 8],
            ctr: self.ctr + 1,
            prev_own: self.prev,
            log_seq: stored.state.seq,
            log_head: stored.state.head,
            seen_seq: seen.seq,
            seen_t: seen.t,
            ts: NOW,
            body: MessageBody::Text { text: text.clone() },
        };
        let number = match how % 5 {
            0 => 0,
            1 => 1,
            2 => u64::MAX,
            3 => u64::from(how / 5),
            _ => 1 << 53,
        };
        let ada = self.world.browsers[0].me();
        let mut keeps_chain = true;
        let kind = if which < LATER { which % 32 } else { 32 + which % 9 };
        match kind {
            0 => header.n = number as u32,
            1 => header.ttl_class = how,
            2 => header.suite = number as u16,
            3 => header.room_id = RoomId::from_bytes([how; 32]),
            4 => content.user_id = ada.unwrap_or(content.user_id),
            5 => content.lane = [how; 8],
            6 => (content.ctr, keeps_chain) = (number, false),
            7 => content.prev_own = Head::from_bytes([how; 32]),
            8 => content.log_seq = number,
            9 => content.log_head = Head::from_bytes([how; 32]),
            10 => (content.log_seq, content.log_head) = (number, Head::from_bytes([how; 32])),
            11 => content.seen_seq = number,
            12 => content.seen_t = Head::from_bytes([how; 32]),
            13 => {
                // Something older that she saw: honest.
                let at = stored.transcript[usize::from(how) % stored.transcript.len()];
                (content.seen_seq, content.seen_t) = (at.seq, at.t);
            }
            14 => {
                let at = usize::from(how) % stored.state.hashes.len();
                (content.log_seq, content.log_head) = (at as u64, stored.state.hashes[at]);
            }
            15 => content.ts = number,
            16 => {
                // What she has read, however much that is.
                header.kind = MessageKind::Slot;
                content.ctr = u64::from(self.forged);
                content.body = MessageBody::Receipt { read: number };
                if how >= 128 {
                    content.seen_seq = number;
                }
                keeps_chain = false;
            }
            17 => content.body = MessageBody::Edit { target, text },
            18 => content.body = MessageBody::Edit { target: other, text },
            19 => {
                let edits = List::new(vec![other]).expect("one");
                content.body = MessageBody::Delete { target, edits };
            }
            20 => {
                let edits = List::new(vec![target, target]).expect("two");
                content.body = MessageBody::Delete { target: other, edits };
            }
            21 | 22 => {
                let emoji = ["👍", "🎉", "no", "\u{202e}👍"][usize::from(how) % 4];
                content.body = MessageBody::React {
                    target: if kind == 21 { target } else { other },
                    emoji: Text::new(emoji).expect("short"),
                    on: how < 128,
                };
            }
            23 => {
                let ttl = [0, 1, 5, 3_600, u32::MAX][usize::from(how) % 5];
                header.ttl_class = ttl_class(u64::from(ttl)) ^ u8::from(how >= 128);
                content.body = MessageBody::FadingText { text, ttl };
            }
            // What is said in passing, kept; and what is to be kept, in passing or in a slot.
            24 => content.body = MessageBody::Beacon,
            25 => content.body = MessageBody::Receipt { read: number },
            26 => header.kind = MessageKind::Ephemeral,
            27 => header.kind = MessageKind::Slot,
            28 => (header.kind, content.body) = (MessageKind::Ephemeral, MessageBody::Beacon),
            29 => {
                let option = |text: &str| Text::new(text).expect("short");
                let options = ["one", "two", "", "three"].map(option).to_vec();
                content.body = MessageBody::Poll {
                    question: Text::new("eve asks").expect("short"),
                    options: List::new(options[..usize::from(how) % 5].to_vec()).expect("few"),
                    several: how >= 128,
                    ends: number,
                    ttl: 0,
                };
            }
            30 => {
                let choices = u16::from(how) << (how % 9);
                content.body = MessageBody::Vote { target, choices };
            }
            31 => content.body = MessageBody::EndPoll { target },
            // Answers, in a thread or not, to what is there or to nothing, and calls of anybody.
            32..=34 => {
                let nothing = EnvelopeHash::from_bytes([how; 32]);
                let named = [Some(target), Some(other), Some(nothing), None];
                let called = [ada.unwrap_or(eve.id()), eve.id(), self.den.dan.id()];
                content.body = MessageBody::Post {
                    text,
                    ttl: 0,
                    reply: named[usize::from(how) % 4],
                    thread: if kind == 32 {
                        None
                    } else {
                        named[usize::from(how / 4) % 4]
                    },
                    everyone: how >= 128,
                    mentions: List::new(called[..usize::from(how / 16) % 4].to_vec()).expect("few"),
                };
            }
            35 => content.body = MessageBody::Forwarded { text, ttl: 0 },
            36 => (header.kind, content.body) = (MessageKind::Ephemeral, MessageBody::Typing),
            37 => {
                let state = [Here::Here, Here::Away, Here::Gone, Here::Hidden][usize::from(how / 2) % 4];
                (header.kind, content.body) = (MessageKind::Ephemeral, MessageBody::Presence { state });
            }
            // What she calls herself, and what she says is her picture; also where others say it of themselves.
            38..=40 => {
                header.kind = MessageKind::Slot;
                content.ctr = if how < 128 { u64::from(self.forged) } else { number };
                let id = PictureId::from_bytes([how; 16]);
                let key = FileKey::from_bytes([how; 32]);
                content.body = if kind == 40 {
                    let picture = (how >= 64).then_some(Picture { id, key });
                    MessageBody::Picture { picture }
                } else {
                    let status = Text::new(["", "ada", "\u{202e}"][usize::from(how) % 3]).expect("short");
                    let name = Text::new(text.as_str()).expect("short");
                    MessageBody::Profile { name, status }
                };
                if how & 1 == 1 {
                    content.user_id = ada.unwrap_or(content.user_id);
                }
                keeps_chain = false;
            }
            _ => {}
        }
        self.fades |= matches!(content.body, MessageBody::FadingText { .. });
        content.header_hash = header.hash();
        let bytes = content.to_bytes();
        let sig = eve.device().sign(Label::Message, &bytes);
        let at = (header.n as usize).wrapping_sub(1).min(self.secrets.len() - 1);
        let key = message_key(&self.secrets[at], &room, &ChannelId::MAIN);
        let sealed = seal_message(&mut rng, &key, &header, &bytes, &sig);
        if keeps_chain {
            (self.ctr, self.prev) = (content.ctr, Head::from_bytes(*sealed.hash.as_bytes()));
        }
        let (sealed_header, envelope) = (B64(sealed.header), B64(sealed.envelope));
        let in_passing = header.kind == MessageKind::Ephemeral;
        // Also what is to be kept by nobody is sometimes kept.
        if header.kind == MessageKind::Durable || in_passing && how & 1 == 0 {
            self.hers.push(sealed.hash);
            return self.post(&sealed_header, &envelope);
        }
        let relay = self.world.relay();
        if in_passing {
            let frame = FromRelay::Ephemeral {
                room_id: room,
                channel: ChannelId::MAIN,
                header: sealed_header,
                envelope,
            };
            return relay.tell_room(&room, &frame);
        }
        if let Some(stored) = relay.rooms.get_mut(&room) {
            let (header, envelope) = (sealed_header.clone(), envelope.clone());
            stored.put_slot(MessageId::from_bytes(msg_id), SlotValue { header, envelope });
        }
        let frame = FromRelay::Slot {
            room_id: room,
            channel: ChannelId::MAIN,
            header: sealed_header,
            envelope,
        };
        relay.tell_room(&room, &frame);
    }

    /// Stores a message without asking any rule, and tells everybody in the room.
    fn post(&mut self, header: &B64, envelope: &B64) {
        let room_id = self.den.room;
        let relay = self.world.relay();
        if let Some(stored) = relay.rooms.get_mut(&room_id) {
            let message = stored.put_message(header, envelope);
            let channel = ChannelId::MAIN;
            relay.tell_room(
                &room_id,
                &FromRelay::Message {
                    room_id,
                    channel,
                    message,
                },
            );
        }
    }

    /// A message that is there comes again, whole or damaged.
    fn damage(&mut self, which: u8, how: u8) {
        let messages = &self.world.relays[0].rooms[&self.den.room].messages;
        let Some(message) = messages.get(usize::from(which) % messages.len().max(1)).cloned() else {
            return;
        };
        let (mut header, mut envelope) = (message.header, message.envelope);
        let at = usize::from(how / 4);
        let count = envelope.0.len();
        match how % 4 {
            0 => {}
            1 => header.0[at % 16] ^= 1,
            2 => envelope.0[(at * 37) % count] ^= 1,
            _ => envelope.0.truncate(count - at),
        }
        self.post(&header, &envelope);
    }

    fn forge_entry(&mut self, which: u8, how: u8) {
        self.learn_keys();
        let which = if which < LATER { which % 20 } else { 20 + which % 13 };
        let (eve, dan) = (&self.den.eve, &self.den.dan);
        let mut actor = eve;
        let invite = invite_key(&InviteSecret::from_bytes([how % 4; 32]), &self.den.room);
        let invite_id = invite_id(&invite.public());
        let state = self.stored().clone();
        let mut wraps = Vec::new();
        let mut secret = None;
        let bob = self.world.browsers[1].me().unwrap_or(eve.id());
        let body = match which {
            0..=3 => {
                let made = self.epoch(&state, which, how);
                let Some((body, key)) = made else { return };
                secret = Some(key);
                body
            }
            4 => RoomBody::AddMember {
                member: dan.member_ref(),
                role: Role::Member,
            },
            // As he was, with a browser that he has revoked since.
            5 => RoomBody::AddMember {
                member: dan.member_ref_at(u64::from(how) % 3),
                role: Role::Member,
            },
            6 => RoomBody::Leave,
            7 => RoomBody::Remove {
                user_id: bob,
                ban: false,
                cut: List::default(),
            },
            8 => RoomBody::UserUpdate {
                member: MemberRef {
                    user_id: bob,
                    ulog_seq: u64::from(how) + 2,
                    ulog_head: Head::from_bytes([how; 32]),
                },
                cut: List::default(),
            },
            9 => RoomBody::SetRole {
                user_id: eve.id(),
                role: Role::Owner,
            },
            10 => RoomBody::SetPolicy {
                policy: Policy {
                    suite: u16::from(how),
                    history: History::Joined,
                },
            },
            11 => RoomBody::Close,
            12 => RoomBody::SetMeta {
                n: state.epoch_number(),
                sealed: Bytes::new(vec![how; usize::from(how)]).expect("short"),
            },
            13 => RoomBody::SetTtl {
                seconds: 5,
                after: u64::from(how),
            },
            14 => {
                let messages = &self.world.relays[0].rooms[&self.den.room].messages;
                let Some(message) = messages.get(usize::from(how) % messages.len().max(1)) else {
                    return;
                };
                let (target, edits) = (message.hash(), List::default());
                RoomBody::Redact { target, edits }
            }
            15 => RoomBody::CreateInvite {
                invite_id,
                inv_pk: invite.public(),
                role: Role::Member,
                max_uses: u32::from(how / 64) + 1,
                expires: u64::MAX,
                mode: if how & 32 == 0 {
                    JoinMode::Member
                } else {
                    JoinMode::Approval
                },
                card: Bytes::new(vec![how; usize::from(how)]).expect("short"),
            },
            16 => RoomBody::RevokeInvite { invite_id },
            17 => {
                actor = dan;
                let nonce = [how; 16];
                let signed = join_bytes(&self.den.room, &invite_id, &dan.id(), &nonce);
                RoomBody::Join {
                    invite_id,
                    member: dan.member_ref(),
                    nonce,
                    inv_sig: invite.sign(Label::Join, &signed),
                }
            }
            18 => RoomBody::Unban { user_id: dan.id() },
            20..=22 => {
                let messages = &self.world.relays[0].rooms[&self.den.room].messages;
                let there = messages.get(usize::from(how) % messages.len().max(1));
                RoomBody::Pin {
                    channel: ChannelId::MAIN,
                    target: there.map_or(EnvelopeHash::from_bytes([how; 32]), StoredMessage::hash),
                    on: which < 22,
                }
            }
            23 => RoomBody::TimeOut {
                user_id: [bob, eve.id(), dan.id()][usize::from(how) % 3],
                until: if how < 128 { self.world.now_ms + 3_600_000 } else { 0 },
            },
            24 => RoomBody::SetSlowMode {
                channel: ChannelId::MAIN,
                seconds: [0, 30, u32::MAX][usize::from(how) % 3],
            },
            // Why somebody did the newest that was done, or what nobody did.
            25 => RoomBody::Reason {
                n: state.epoch_number(),
                of: if how < 128 { state.seq } else { u64::from(how) },
                sealed: Bytes::new(vec![how; usize::from(how)]).expect("short"),
            },
            26 => RoomBody::DefineRole {
                role: CustomRole::FIRST,
                rank: how,
                rights: Rights::ALL,
                n: state.epoch_number(),
                sealed: Bytes::new(vec![how; usize::from(how)]).expect("short"),
            },
            27 => RoomBody::DropRole {
                role: CustomRole::FIRST,
            },
            28 => RoomBody::SetRole {
                user_id: if how < 128 { bob } else { eve.id() },
                role: Role::Custom(CustomRole::FIRST),
            },
            29 => RoomBody::CreateChannel {
                channel: ChannelId::from_bytes([how; 16]),
                kind: [ChannelKind::Public, ChannelKind::Private][usize::from(how) % 2],
                members: List::new(vec![eve.id()]).expect("one"),
                n: state.epoch_number(),
                sealed: Bytes::new(vec![how; usize::from(how)]).expect("short"),
            },
            30 => RoomBody::UpdateChannel {
                channel: ChannelId::MAIN,
                n: state.epoch_number(),
                sealed: Bytes::new(vec![how; usize::from(how)]).expect("short"),
                archived: how >= 128,
            },
            31 => RoomBody::ChannelMembers {
                channel: ChannelId::MAIN,
                add: List::new(vec![dan.id()]).expect("one"),
                remove: List::new(vec![bob]).expect("one"),
            },
            32 => RoomBody::ArrangeChannels {
                n: state.epoch_number(),
                sealed: Bytes::new(vec![how; usize::from(how)]).expect("short"),
            },
            _ => RoomBody::Remove {
                user_id: if how & 1 == 0 { dan.id() } else { bob },
                ban: true,
                cut: List::default(),
            },
        };
        let mut entry = RoomEntry {
            room_id: self.den.room,
            seq: state.seq + 1,
            prev: state.head,
            ts: if which == 1 { u64::MAX } else { self.world.now_ms },
            actor: actor.id(),
            actor_dk: actor.device_id(),
            body,
        };
        match how % 16 {
            0 => entry.seq += 1,
            1 => entry.prev = Head::from_bytes([how; 32]),
            2 => entry.actor = bob,
            3 => entry.seq = u64::MAX,
            _ => {}
        }
        let blob = TestRoom::sign_entry(&entry, actor.device());
        let held = state.extend(std::slice::from_ref(&blob), &self.world.relays[0].people);
        let next = held.ok().and_then(|next| next.prove_here().ok());
        if let (Some((next, _)), Some(key)) = (&next, &secret) {
            // Not everybody gets what the log names.
            wraps = self.wraps(next, key, if which == 2 { Some(bob) } else { None });
        }
        let (room_id, bytes) = (self.den.room, B64(blob.to_bytes()));
        if let Some((next, _)) = next {
            let members = next.members.keys().copied().collect::<Vec<_>>();
            // Those that hold.
            let holds = |wrap: &&Wrap| which != 3 && (which != 2 || wrap.user_id != bob);
            let witnessed = wraps.iter().filter(holds);
            let witnessed: Vec<Wrap> = witnessed.cloned().collect();
            self.witness
                .borrow_mut()
                .appended(room_id, std::slice::from_ref(&bytes), &witnessed);
            let relay = self.world.relay();
            if let Some(stored) = relay.rooms.get_mut(&room_id) {
                stored.entries.push(bytes.clone());
                stored.state = next;
                stored.wraps.extend(wraps);
                for user in members {
                    let tenure = Tenure {
                        since: entry.seq,
                        until: None,
                    };
                    stored.people.entry(user).or_insert(tenure);
                }
            }
        }
        let entries = vec![bytes];
        let relay = self.world.relay();
        relay.tell_room(
            &room_id,
            &FromRelay::Log {
                room_id,
                from_seq: entry.seq.min(state.seq + 1),
                entries,
            },
        );
        relay.tell_room(&room_id, &FromRelay::Wraps { room_id });
    }

    fn epoch(&self, state: &RoomState, which: u8, how: u8) -> Option<(RoomBody, EpochSecret)> {
        let n = state.epoch_number() + 1;
        let previous = self.secrets.get(n as usize - 2)?;
        let mut rng = FixedRng::new(&format!("eve's key {n} {how}"));
        let secret = next_secret(Some(previous), &EpochSecret::make(&mut rng));
        let roster_hash = state.roster_hash();
        let mut commit = commitment(&secret, &self.den.room, n, &state.head, &roster_hash);
        if which == 3 {
            commit[0] ^= 1;
        }
        let linked = seal_backlink(&mut rng, &secret, &self.den.room, n, previous);
        let body = RoomBody::Epoch {
            n,
            suite: SUITE_1,
            commit,
            roster_hash,
            reason: EpochReason::Age,
            backlink: Bytes::new(linked).ok()?,
        };
        Some((body, secret))
    }

    fn wraps(&self, state: &RoomState, secret: &EpochSecret, cheated: Option<UserId>) -> Vec<Wrap> {
        let Some(epoch) = state.epoch() else { return Vec::new() };
        let mut rng = FixedRng::new("eve's wraps");
        let mut wraps = Vec::new();
        for (user, member) in &state.members {
            let other = EpochSecret::make(&mut rng);
            let secret = if cheated == Some(*user) { &other } else { secret };
            let info = wrap_info(state, *user, member.view.kem_g, epoch.n, epoch.commit);
            if let Ok(wrapped) = kem::wrap(&mut rng, &member.view.kk, &info.info(), secret.expose()) {
                wraps.push(Wrap {
                    channel: ChannelId::MAIN,
                    n: epoch.n,
                    user_id: *user,
                    g: member.view.kem_g,
                    enc: wrapped.enc.into(),
                    ct: wrapped.ct.into(),
                });
            }
        }
        wraps
    }

    /// A frame out of nothing.
    fn invent(&self, how: u8, value: u8) -> FromRelay {
        let number = [0, 1, u64::from(value), 1 << 53, u64::MAX][usize::from(value) % 5];
        let room_id = if value & 1 == 0 {
            self.den.room
        } else {
            RoomId::from_bytes([value; 32])
        };
        let codes = [
            ErrorCode::Forbidden,
            ErrorCode::WrongEpoch,
            ErrorCode::TooFast,
            ErrorCode::Duplicate,
            ErrorCode::Draining,
        ];
        let stored = &self.world.relays[0].rooms[&self.den.room];
        let message = &stored.messages[usize::from(value) % stored.messages.len()];
        let (header, envelope) = (message.header.clone(), message.envelope.clone());
        let channel = ChannelId::MAIN;
        match how % 12 {
            0 => FromRelay::Welcome {
                rooms: vec![RoomHead {
                    room_id,
                    seq: number,
                    head: Head::from_bytes([value; 32]),
                    channels: vec![ChannelHead {
                        channel: ChannelId::MAIN,
                        seq: number,
                        t: Head::from_bytes([value; 32]),
                    }],
                }],
                closed: vec![UserId::from_bytes([value; 32])],
                user_log_seq: number,
                now_ms: number,
            },
            1 => FromRelay::Wraps { room_id },
            2 => FromRelay::UserLog {
                user_id: self.den.eve.id(),
                seq: number,
            },
            3 => FromRelay::UserLog {
                user_id: self.world.browsers[0].me().unwrap_or(self.den.dan.id()),
                seq: number,
            },
            4 => FromRelay::Log {
                room_id,
                from_seq: number,
                entries: vec![B64(vec![value; usize::from(value)])],
            },
            5 => FromRelay::Log {
                room_id,
                from_seq: number,
                entries: Vec::new(),
            },
            6 => FromRelay::Bye {
                code: codes[usize::from(value) % codes.len()],
            },
            7 => {
                let eve = &self.den.eve;
                let asks = if value & 2 == 0 { eve } else { &self.den.dan };
                let request = KeyRequest {
                    room_id,
                    channel,
                    n: number as u32,
                    user_id: asks.id(),
                    dk_id: eve.device_id(),
                    ts: self.world.now_ms,
                };
                let body = request.to_bytes();
                let sig = eve.device().sign(Label::KeyRequest, &body);
                let request = B64(SignedBlob { body, sig }.to_bytes());
                FromRelay::KeyRequest { room_id, request }
            }
            8 => FromRelay::Refused {
                room_id,
                msg_id: Header::from_bytes(&header.0)
                    .map_or(MessageId::from_bytes([value; 16]), |header| header.msg_id),
                code: codes[usize::from(value) % codes.len()],
                retry_secs: Some(number as u32),
            },
            // Let go of by nobody's wish.
            9 => FromRelay::Message {
                room_id,
                channel,
                message: StoredMessage {
                    seq: message.seq,
                    header: B64::default(),
                    envelope: B64::default(),
                    gone: Some(message.hash()),
                },
            },
            10 => FromRelay::Ephemeral {
                room_id,
                channel,
                header,
                envelope,
            },
            _ => FromRelay::Slot {
                room_id,
                channel,
                header,
                envelope,
            },
        }
    }

    // --- The end -------------------------------------------------------------------------------------------------------------

    async fn end(&mut self) -> Result<(), String> {
        self.wiles.borrow_mut().tricks.clear();
        for browser in BROWSERS {
            self.world.drop_socket(browser);
        }
        for _ in 0..4 {
            self.world.settle().await;
            self.world.advance(31_000);
        }
        self.world.settle().await;
        let (mut read, mut deleted) = (Vec::new(), Vec::new());
        let mut alarm = false;
        for browser in BROWSERS {
            self.says_nothing_of_others(browser)?;
            let there = self.world.browsers[browser].room(self.den.room);
            let name = self.world.browsers[browser].name.clone();
            alarm |= !self.world.browsers[browser].notices().is_empty();
            alarm |= there.is_none_or(|room| room.standing != Standing::Open);
            let room = self.den.room;
            if self.world.run(browser, Command::ShowRoom { chat: room.into() }).await != Ok(Outcome::Done) {
                alarm = true;
                continue;
            }
            let mut texts = Vec::new();
            let mut once = BTreeSet::new();
            for row in self.world.browsers[browser].whole_rows() {
                match row.body {
                    Body::Unreadable(_) => alarm = true,
                    Body::Note(Note::Deleted { by, .. }) if by == self.den.eve.id() => deleted.push(row.order.0),
                    Body::Note(Note::Deleted { .. }) => {
                        return Err(format!("{name} is shown a deletion that nobody asked for"));
                    }
                    Body::Text {
                        author,
                        text,
                        state: Delivery::Sent,
                        edited,
                        reactions,
                        ties,
                        ..
                    } => {
                        let is_eves = author == self.den.eve.id() && text.starts_with("eve ");
                        if edited && !is_eves {
                            return Err(format!("{name} is shown a change that its author did not make: {text}"));
                        }
                        // Nobody else reacts to anything.
                        if reactions.iter().any(|reaction| reaction.mine || reaction.count > 1) {
                            return Err(format!("{name} is shown reactions of others than Eve: {reactions:?}"));
                        }
                        if !is_eves && self.said.get(&text) != Some(&author) {
                            return Err(format!("{name} is shown what nobody wrote: {text}"));
                        }
                        if ties.everyone || ties.pinned {
                            return Err(format!("{name} is shown what Eve may not: {ties:?}"));
                        }
                        if let Some(Quote::Text { by, text, .. }) = &ties.reply
                            && self.said.get(text) != Some(by)
                            && !(*by == self.den.eve.id() && text.starts_with("eve "))
                        {
                            return Err(format!("{name} is shown an answer to what nobody wrote: {text}"));
                        }
                        if !once.insert(text.clone()) {
                            return Err(format!("{name} is shown something twice: {text}"));
                        }
                        if !(is_eves && self.fades) {
                            texts.push(text);
                        }
                    }
                    _ => {}
                }
            }
            read.push(texts);
        }
        if !alarm && read.first() != read.last() {
            return Err(format!("they read different things, and nobody is told: {read:#?}"));
        }
        let messages = &self.world.relays[0].rooms[&self.den.room].messages;
        let hers = |seq: &u64| {
            messages
                .iter()
                .any(|it| it.seq == *seq && self.hers.contains(&it.hash()))
        };
        if let Some(seq) = deleted.iter().find(|seq| !alarm && !hers(seq)) {
            return Err(format!("message {seq} is gone, and it was not hers"));
        }
        self.witness.borrow().judge(&self.den.keys)
    }
}

impl Play<'_> {
    /// Ada and Bob call themselves nothing, do not write and are not here, and Eve is but a member.
    fn says_nothing_of_others(&self, browser: usize) -> Result<(), String> {
        let (shown, eve) = (&self.world.browsers[browser], self.den.eve.id());
        let name = &shown.name;
        for user in self.world.browsers.iter().filter_map(Browser::me) {
            if let Some(person) = shown.person(user)
                && !(person.name.is_empty() && person.status.is_empty() && person.picture.is_none())
            {
                return Err(format!("{name} is shown of somebody what Eve says: {person:?}"));
            }
            if shown.presence(user).is_some() {
                return Err(format!("{name} is shown that somebody is here by Eve's word"));
            }
        }
        if shown.typing(self.den.room).iter().any(|user| *user != eve) {
            return Err(format!("{name} is shown that somebody writes by Eve's word"));
        }
        if shown.room(self.den.room).is_some_and(|room| room.pins > 0) {
            return Err(format!("{name} is shown what Eve pinned"));
        }
        match shown.order(self.den.room) {
            Some(order) if !(order.time_outs.is_empty() && order.slow.is_empty()) => {
                Err(format!("{name} goes by an order that Eve may not give: {order:?}"))
            }
            _ => Ok(()),
        }
    }
}

fn wrap_info(state: &RoomState, user_id: UserId, g: u32, n: u32, commit: [u8; 32]) -> WrapInfo {
    WrapInfo {
        room_id: state.room_id,
        channel: ChannelId::MAIN,
        n,
        user_id,
        g,
        commit,
    }
}
