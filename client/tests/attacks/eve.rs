//! What Eve can do: a member without an engine, and the relay that has her keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use sotto_client::engine::Request;
pub use sotto_client::testing::forge::keys_of;
use sotto_client::testing::{ModelRelay, forge};
use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::frame::{FromRelay, Outgoing};
use sotto_shared::codec::{Bytes, Codec, Text};
use sotto_shared::crypto::epoch::{commitment, fits, next_secret, seal_backlink};
use sotto_shared::crypto::kem::{self, KeyRequest, WrapInfo, Wrapped};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::seal;
use sotto_shared::crypto::secret::{EpochSecret, PrivateKey};
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::envelope::content::{Content, MessageBody, OpenedContent, envelope_context, message_key};
use sotto_shared::envelope::header::{Header, MessageKind};
use sotto_shared::id::{ChannelId, EnvelopeHash, RoomId, UserId};
use sotto_shared::log::room_log::{EpochReason, MemberRef, Role, RoomBody, RoomEntry, SUITE_1};
use sotto_shared::log::user_log::{UserBody, UserGenesis};
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::people::{NOW, Person, TestRoom};

use crate::stage::{ADA, FrameRule, Seen, Stage, TestWorld};

pub fn unwrap(relay: &ModelRelay, room: RoomId, wrap: &Wrap, who: &Person) -> Option<EpochSecret> {
    let epoch = relay.rooms.get(&room)?.state.epochs.get(wrap.n as usize - 1)?;
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
}

pub fn unwraps(relay: &ModelRelay, room: RoomId, wrap: &Wrap, who: &Person) -> bool {
    unwrap(relay, room, wrap, who).is_some()
}

/// The text of a message, for who has these keys.
pub fn open(keys: &BTreeMap<u32, EpochSecret>, room: &RoomId, header: &[u8], envelope: &[u8]) -> Option<String> {
    let parsed = Header::from_bytes(header).ok()?;
    let key = message_key(keys.get(&parsed.n)?, room, &ChannelId::MAIN);
    let plain = seal::open(key.expose(), &envelope_context(header), envelope).ok()?;
    Some(match OpenedContent::parse(&plain, &parsed).ok()?.content.body {
        MessageBody::Text { text } | MessageBody::FadingText { text, .. } | MessageBody::Edit { text, .. } => {
            text.as_str().to_owned()
        }
        other => format!("{other:?}"),
    })
}

/// The entry that would come next in a room, signed by somebody's device.
pub fn entry(relay: &ModelRelay, room: RoomId, who: &Person, body: RoomBody) -> RoomEntry {
    let state = &relay.rooms[&room].state;
    RoomEntry {
        room_id: room,
        seq: state.seq + 1,
        prev: state.head,
        ts: NOW,
        actor: who.id(),
        actor_dk: who.device_id(),
        body,
    }
}

pub fn signed(entry: &RoomEntry, who: &Person) -> SignedBlob {
    TestRoom::sign_entry(entry, who.device())
}

/// The entry that would come next in the den, as its owner's browser would sign it: the key lies in what it keeps.
pub fn owners_entry(stage: &mut Stage, body: RoomBody) -> (RoomEntry, Arc<PrivateKey>) {
    let key = stage.world.browsers[ADA].disk.borrow().kept.clone().unwrap().1;
    let (room_id, actor) = (stage.den, stage.id("ada"));
    let state = &stage.world.relay().rooms[&room_id].state;
    let entry = RoomEntry {
        room_id,
        seq: state.seq + 1,
        prev: state.head,
        ts: NOW,
        actor,
        actor_dk: key.public().key_id(),
        body,
    };
    (entry, key)
}

/// An entry that the relay's rules allow, by somebody without an engine.
pub fn act(relay: &mut ModelRelay, room: RoomId, who: &Person, body: RoomBody) {
    let blob = signed(&entry(relay, room, who, body), who);
    let request = Request::RoomAppend(RoomAppend {
        room_id: room,
        entries: vec![B64(blob.to_bytes())],
        wraps: Vec::new(),
    });
    relay.answer(Some(&who.name), &request).unwrap();
}

/// Puts an entry at the end of a log, whatever the relay's own rules say, and tells everybody.
pub fn force(relay: &mut ModelRelay, room: RoomId, blob: &SignedBlob) {
    let bytes = B64(blob.to_bytes());
    let stored = relay.rooms.get_mut(&room).unwrap();
    let from_seq = stored.entries.len() as u64;
    stored.entries.push(bytes.clone());
    let entries = vec![bytes];
    relay.tell_room(
        &room,
        &FromRelay::Log {
            room_id: room,
            from_seq,
            entries,
        },
    );
}

/// A message by somebody under the room's newest key, after `edit` has had it. Signed by them whatever it says then.
pub fn forge(
    relay: &ModelRelay,
    room: RoomId,
    who: &Person,
    text: &str,
    edit: impl FnOnce(&mut Header, &mut Content),
) -> Outgoing {
    let body = MessageBody::Text {
        text: Text::new(text).unwrap(),
    };
    forge::forge(relay, room, who, text, body, edit).unwrap()
}

/// Stores a message without asking any rule, and tells everybody in the room.
pub fn post(relay: &mut ModelRelay, room: RoomId, header: &B64, envelope: &B64) {
    let message = Outgoing {
        header: header.clone(),
        envelope: envelope.clone(),
    };
    forge::post(relay, room, &message).unwrap();
}

/// Tells these messages of one relay through another, under the numbers that come next there.
pub async fn retell(world: &mut TestWorld, from: usize, to: usize, room: RoomId, seqs: &[u64]) {
    for seq in seqs {
        let message = world.relays[from].rooms[&room].messages[*seq as usize - 1].clone();
        post(&mut world.relays[to], room, &message.header, &message.envelope);
        world.settle().await;
    }
}

pub const fn plain_member(member: MemberRef) -> RoomBody {
    RoomBody::AddMember {
        member,
        role: Role::Member,
    }
}

/// Drops the passing words for one browser, so that nothing but a slot can tell it.
pub fn without_words(to: usize, mut rule: FrameRule) -> FrameRule {
    Box::new(move |relay, peer, frame| match frame {
        FromRelay::Ephemeral { .. } if peer.browser == to => Vec::new(),
        frame => rule(relay, peer, frame),
    })
}

/// Puts a value where its header says, and tells everybody.
pub fn put_slot(relay: &mut ModelRelay, room: RoomId, value: &SlotValue) {
    let header = Header::from_bytes(&value.header.0).unwrap();
    let stored = relay.rooms.get_mut(&room).unwrap();
    stored.put_slot(header.msg_id, value.clone());
    relay.tell_room(&room, &slot_frame(room, value));
}

pub fn slot_frame(room: RoomId, value: &SlotValue) -> FromRelay {
    FromRelay::Slot {
        room_id: room,
        channel: ChannelId::MAIN,
        header: value.header.clone(),
        envelope: value.envelope.clone(),
    }
}

/// The newest value of a slot that was sent.
pub fn newest_slot(seen: &Seen) -> SlotValue {
    let is_slot = |sent: &&Outgoing| Header::from_bytes(&sent.header.0).unwrap().kind == MessageKind::Slot;
    let sent = seen.sent.iter().rev().find(is_slot).expect("a receipt");
    SlotValue {
        header: sent.header.clone(),
        envelope: sent.envelope.clone(),
    }
}

/// A log of somebody with another key for room-key wraps in it.
pub fn swapped_kem(relay: &ModelRelay, handle: &str, eve: &Person, case: &str) -> UserLogBody {
    let (user, account) = relay.people.find(handle).unwrap();
    let mut body = UserLogBody {
        user_id: *user,
        handle: handle.to_owned(),
        genesis: Some(account.entries[0].clone()),
        entries: account.entries[1..].to_vec(),
    };
    match case {
        "genesis" => {
            let mut genesis = UserGenesis::from_bytes(&account.entries[0].0).unwrap();
            genesis.kk = eve.kk[0].public();
            body.genesis = Some(B64(genesis.to_bytes()));
        }
        "entry" => {
            let mut entry = eve.entry(UserBody::RotateKem {
                g: 2,
                kk: eve.kk[0].public(),
            });
            (entry.user_id, entry.seq, entry.prev) = (*user, account.log.seq() + 1, account.log.head());
            body.entries.push(B64(Person::sign_entry(&entry, &eve.ik).to_bytes()));
        }
        // Eve's whole log, which is in order, under another's name or id.
        _ => {
            let (_, eves) = relay.people.find(&eve.name).unwrap();
            body.genesis = Some(eves.entries[0].clone());
            body.entries = eves.entries[1..].to_vec();
            if case == "person" {
                body.user_id = eve.id();
            }
        }
    }
    body
}

pub fn key_request(relay: &ModelRelay, room: RoomId, who: &Person, change: impl FnOnce(&mut KeyRequest)) -> B64 {
    let mut request = KeyRequest {
        room_id: room,
        channel: ChannelId::MAIN,
        n: relay.rooms[&room].state.epoch_number(),
        user_id: who.id(),
        dk_id: who.device_id(),
        ts: NOW,
    };
    change(&mut request);
    let body = request.to_bytes();
    let sig = who.device().sign(Label::KeyRequest, &body);
    B64(SignedBlob { body, sig }.to_bytes())
}

/// A member makes the next room key, and the relay hands on what she made: the true one to Ada, another to Bob.
/// A new room key by somebody without an engine, who says that it was made at `ts` and gives another one to `deceived`.
pub fn make_epoch(relay: &mut ModelRelay, room: RoomId, who: &Person, ts: u64, deceived: Option<UserId>) {
    let state = &relay.rooms[&room].state;
    let n = state.epoch_number() + 1;
    let keys = keys_of(relay, room, who);
    let previous = &keys[&(n - 1)];
    let mut rng = FixedRng::new("another room key");
    let secret = next_secret(Some(previous), &EpochSecret::make(&mut rng));
    let other = EpochSecret::make(&mut rng);
    let roster_hash = state.roster_hash();
    let commit = commitment(&secret, &room, n, &state.head, &roster_hash);
    let body = RoomBody::Epoch {
        n,
        suite: SUITE_1,
        commit,
        roster_hash,
        reason: EpochReason::Age,
        backlink: Bytes::new(seal_backlink(&mut rng, &secret, &room, n, previous)).unwrap(),
    };
    let wraps = state.members.iter().map(|(user, member)| {
        let info = WrapInfo {
            room_id: room,
            channel: ChannelId::MAIN,
            n,
            user_id: *user,
            g: 1,
            commit,
        };
        let given = if deceived == Some(*user) { &other } else { &secret };
        let wrapped = kem::wrap(&mut rng, &member.view.kk, &info.info(), given.expose()).unwrap();
        Wrap {
            channel: info.channel,
            n,
            user_id: *user,
            g: 1,
            enc: B64(wrapped.enc),
            ct: B64(wrapped.ct),
        }
    });
    let mut entry = entry(relay, room, who, body);
    entry.ts = ts;
    let request = Request::RoomAppend(RoomAppend {
        room_id: room,
        wraps: wraps.collect(),
        entries: vec![B64(signed(&entry, who).to_bytes())],
    });
    relay.answer(Some(&who.name), &request).unwrap();
}

/// The hash of message `seq`.
pub fn hash_of(relay: &ModelRelay, room: RoomId, seq: usize) -> EnvelopeHash {
    relay.rooms[&room].messages[seq - 1].hash()
}

pub fn text(text: &str) -> Text<32_768> {
    Text::new(text).unwrap()
}
