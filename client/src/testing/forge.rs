//! What a member with a modified client can send: messages of an account without an engine, signed by it whatever they say.

use std::collections::BTreeMap;

use sotto_shared::api::B64;
use sotto_shared::api::frame::{FromRelay, Outgoing};
use sotto_shared::codec::Codec;
use sotto_shared::crypto::epoch::{fits, open_backlink};
use sotto_shared::crypto::kem::{self, WrapInfo, Wrapped};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::secret::EpochSecret;
use sotto_shared::envelope::content::{Content, MessageBody, lane_start, message_key, seal_message};
use sotto_shared::envelope::header::{Header, MessageKind};
use sotto_shared::id::{ChannelId, EnvelopeHash, MessageId, RoomId};
use sotto_shared::log::room_log::SUITE_1;
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::people::{NOW, Person};

use super::ModelRelay;

/// The room keys that somebody has: from every wrap that opens, and backwards from there.
pub fn keys_of(relay: &ModelRelay, room: RoomId, who: &Person) -> BTreeMap<u32, EpochSecret> {
    let mut keys = BTreeMap::new();
    let Some(stored) = relay.rooms.get(&room) else {
        return keys;
    };
    for wrap in stored.wraps.iter().filter(|wrap| wrap.user_id == who.id()) {
        let Some(epoch) = stored.state.epochs.iter().find(|epoch| epoch.n == wrap.n) else {
            continue;
        };
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
        let plain = who
            .kk
            .first()
            .and_then(|kk| kem::unwrap(kk, &info.info(), &wrapped).ok());
        let secret = plain.and_then(|plain| EpochSecret::from_slice(&plain));
        if let Some(secret) = secret.filter(|secret| fits(secret, &room, epoch)) {
            keys.insert(wrap.n, secret);
        }
    }
    for epoch in stored.state.epochs.iter().rev() {
        let link = epoch.backlink.as_slice();
        let older = keys
            .get(&epoch.n)
            .and_then(|secret| open_backlink(secret, &room, epoch.n, link).ok());
        if let Some(older) = older {
            keys.insert(epoch.n - 1, older);
        }
    }
    keys
}

/// A message by somebody under the room's newest key, or the one that `edit` names, after that has had it. `seed` makes it another than others.
pub fn forge(
    relay: &ModelRelay,
    room: RoomId,
    who: &Person,
    seed: &str,
    body: MessageBody,
    edit: impl FnOnce(&mut Header, &mut Content),
) -> Option<Outgoing> {
    let stored = relay.rooms.get(&room)?;
    let keys = keys_of(relay, room, who);
    let (n, newest) = keys.last_key_value()?;
    let seen = stored.transcript.last()?;
    let mut rng = FixedRng::new(&format!("{}/{seed}", who.name));
    let mut msg_id = [0; 16];
    rand::Rng::fill_bytes(&mut rng, &mut msg_id);
    let mut header = Header {
        suite: SUITE_1,
        kind: MessageKind::Durable,
        room_id: room,
        channel: ChannelId::MAIN,
        n: *n,
        msg_id: MessageId::from_bytes(msg_id),
        ttl_class: 0,
        del_commit: [0; 32],
    };
    // A chain of its own for each.
    let mut lane = [0; 8];
    rand::Rng::fill_bytes(&mut rng, &mut lane);
    let mut content = Content {
        header_hash: [0; 32],
        user_id: who.id(),
        dk_id: who.device_id(),
        lane,
        ctr: 1,
        prev_own: lane_start(&who.device_id(), &lane),
        log_seq: stored.state.seq,
        log_head: stored.state.head,
        seen_seq: seen.seq,
        seen_t: seen.t,
        ts: NOW,
        body,
    };
    edit(&mut header, &mut content);
    content.header_hash = header.hash();
    let secret = keys.get(&header.n).unwrap_or(newest);
    let bytes = content.to_bytes();
    let sig = who.device().sign(Label::Message, &bytes);
    let key = message_key(secret, &room, &ChannelId::MAIN);
    let sealed = seal_message(&mut rng, &key, &header, &bytes, &sig);
    Some(Outgoing {
        header: B64(sealed.header),
        envelope: B64(sealed.envelope),
    })
}

/// Stores a message without asking any rule, and tells everybody in the room. Its hash.
pub fn post(relay: &mut ModelRelay, room: RoomId, message: &Outgoing) -> Option<EnvelopeHash> {
    let stored = relay.rooms.get_mut(&room)?;
    let message = stored.put_message(&message.header, &message.envelope);
    let hash = message.hash();
    let frame = FromRelay::Message {
        room_id: room,
        channel: ChannelId::MAIN,
        message,
    };
    relay.tell_room(&room, &frame);
    Some(hash)
}
