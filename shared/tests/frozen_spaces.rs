//! A space, frozen as `frozen.rs` freezes the rest: every kind of entry that there is in spaces alone, the keys of its channels,
//! and messages of every body that came with them. `e2e/reader/vectors.py` reads the same file with the independent reader.
//!
//! To see what the file would be: `SOTTO_BLESS=1 cargo test -p sotto-shared --features testing --test frozen_spaces -- --nocapture`.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeMap;

use serde_json::json;
use sotto_shared::codec::{Bytes, Codec, List, Text};
use sotto_shared::crypto::epoch::{Named, channel_secret, seal_named};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::secret::EpochSecret;
use sotto_shared::envelope::content::{Content, MessageBody, lane_start, message_key, seal_message};
use sotto_shared::envelope::header::{Header, MessageKind};
use sotto_shared::envelope::transcript::Transcript;
use sotto_shared::id::{ChannelId, EnvelopeHash, Head, MessageId};
use sotto_shared::log::channels::ChannelKind::{Announcement, Private, Public};
use sotto_shared::log::roles::Permission;
use sotto_shared::log::room_log::{Role, RoomBody, SUITE_1};
use sotto_shared::testing::people::{NOW, Person, TestRoom};
use sotto_shared::testing::spaces::{channel, custom};
use sotto_shared::testing::{FixedRng, hex};

/// A header and its envelope.
type Sealed = [Vec<u8>; 2];

struct Space {
    room: TestRoom,
    /// By channel: where it stands, and its messages as they came.
    said: BTreeMap<ChannelId, (Transcript, Vec<Sealed>)>,
    /// By author and channel: how many they have said, and the newest.
    lanes: BTreeMap<(String, ChannelId), (u64, Head)>,
}

impl Space {
    fn act(&mut self, who: &Person, body: RoomBody) {
        self.room.act(who, body).unwrap();
    }

    /// What a channel is called is given to it with a second entry, so that it is named as clients name it.
    fn make(&mut self, who: &Person, name: &str, body: RoomBody) {
        let is_private = matches!(body, RoomBody::CreateChannel { kind: Private, .. });
        self.act(who, body);
        if is_private {
            self.room.channel_epoch(who, name).unwrap();
        }
        let meta = json!({ "name": name, "topic": format!("about {name}"), "heading": 1 }).to_string();
        let body = self.room.update_body(name, &meta, false);
        self.act(who, body);
    }

    fn say(&mut self, who: &Person, name: &str, body: MessageBody) -> EnvelopeHash {
        let (id, state) = (channel(name), &self.room.state);
        let own = state.key_of(&id);
        let n = state.newest_of(&own);
        let root = if own == ChannelId::MAIN {
            channel_secret(&self.room.secret().unwrap(), &id)
        } else {
            self.room.channel_secret(&id, n)
        };
        let start = Transcript::start(&self.room.id(), &id);
        let (seen, messages) = self.said.entry(id).or_insert_with(|| (start, Vec::new()));
        let first = lane_start(&who.device_id(), &[1; 8]);
        let lane = self.lanes.entry((who.name.clone(), id)).or_insert((0, first));
        let mut rng = FixedRng::new(&format!("{}/{name}/{}", who.name, seen.seq));
        let mut msg_id = [0; 16];
        rand::Rng::fill_bytes(&mut rng, &mut msg_id);
        let header = Header {
            suite: SUITE_1,
            kind: MessageKind::Durable,
            room_id: self.room.id(),
            channel: id,
            n,
            msg_id: MessageId::from_bytes(msg_id),
            ttl_class: 0,
            del_commit: [0xdc; 32],
        };
        let content = Content {
            header_hash: header.hash(),
            user_id: who.id(),
            dk_id: who.device_id(),
            lane: [1; 8],
            ctr: lane.0 + 1,
            prev_own: lane.1,
            log_seq: state.seq,
            log_head: state.head,
            seen_seq: seen.seq,
            seen_t: seen.t,
            ts: NOW + seen.seq * 60_000,
            body,
        };
        let content = content.to_bytes();
        let sig = who.device().sign(Label::Message, &content);
        let key = message_key(&root, &self.room.id(), &id);
        let sealed = seal_message(&mut rng, &key, &header, &content, &sig);
        *lane = (lane.0 + 1, Head::from_bytes(*sealed.hash.as_bytes()));
        *seen = seen.then(&sealed.hash);
        messages.push([sealed.header, sealed.envelope]);
        sealed.hash
    }
}

fn text(words: &str) -> MessageBody {
    MessageBody::Text {
        text: Text::new(words).unwrap(),
    }
}

/// alice's club with bob and carol; what bob can read of it.
fn made() -> Vec<(String, String)> {
    let mut book: Vec<(String, String)> = Vec::new();
    let mut note = |name: String, bytes: &[u8]| book.push((name, hex(bytes)));
    let people = ["alice", "bob", "carol"].map(Person::new);
    let [alice, bob, carol] = &people;
    let mut room = TestRoom::space(alice);
    room.add(alice, bob, Role::Member).unwrap();
    room.add(alice, carol, Role::Moderator).unwrap();
    let mut space = Space {
        room,
        said: BTreeMap::new(),
        lanes: BTreeMap::new(),
    };
    let mut rng = FixedRng::new("the club's name");
    let secret = space.room.secret().unwrap();
    let name = json!({ "name": "Club – クラブ" }).to_string();
    let sealed = seal_named(&mut rng, &secret, &space.room.id(), Named::Room, 1, name.as_bytes());
    let sealed = Bytes::new(sealed).unwrap();
    space.act(alice, RoomBody::SetMeta { n: 1, sealed });

    let named = |name: &str| json!({ "name": name }).to_string();
    for (number, rank, permissions, name) in [
        (
            16,
            40,
            &[Permission::Post, Permission::SetRole, Permission::Meta][..],
            "Herald",
        ),
        (255, 1, &[Permission::Post][..], "Guest"),
        (17, 20, &[][..], "Nobody"),
    ] {
        space
            .room
            .define(alice, number, rank, permissions, &named(name))
            .unwrap();
    }
    space.act(alice, RoomBody::DropRole { role: custom(17) });
    for (name, kind) in [("general", Public), ("random", Public), ("news", Announcement)] {
        let body = space.room.channel_body(name, kind, &[]);
        space.make(alice, name, body);
    }
    let den = space.room.channel_body("den", Private, &[alice, carol]);
    space.make(alice, "den", den);
    let ids: Vec<String> = ["general", "news"].map(|name| channel(name).to_string()).to_vec();
    let order = json!({ "headings": [{ "id": 1, "name": "Talk", "channels": ids }] }).to_string();
    let body = space.room.arrange_body(&order);
    space.act(alice, body);

    // In a public channel: every body that came with spaces.
    let first = space.say(alice, "general", text("shall we?"));
    space.say(
        bob,
        "general",
        MessageBody::Post {
            text: Text::new("@carol – yes").unwrap(),
            ttl: 0,
            reply: Some(first),
            thread: None,
            everyone: false,
            mentions: List::new(vec![carol.id()]).unwrap(),
        },
    );
    let forwarded = Text::new("from somewhere else").unwrap();
    space.say(
        carol,
        "general",
        MessageBody::Forwarded {
            text: forwarded,
            ttl: 0,
        },
    );
    let poll = space.say(
        alice,
        "general",
        MessageBody::Poll {
            question: Text::new("Where?").unwrap(),
            options: List::new(["Sea", "Hills"].map(|option| Text::new(option).unwrap()).to_vec()).unwrap(),
            several: true,
            ends: 0,
            ttl: 0,
        },
    );
    space.say(
        bob,
        "general",
        MessageBody::Vote {
            target: poll,
            choices: 3,
        },
    );
    space.say(
        carol,
        "general",
        MessageBody::Vote {
            target: poll,
            choices: 2,
        },
    );
    space.say(carol, "general", MessageBody::EndPoll { target: poll });
    // In the den, which bob comes into and carol leaves.
    space.say(carol, "den", text("before bob"));
    space.act(alice, TestRoom::people_body("den", &[bob], &[]));
    let (first_info, first_wrap) = space.room.channel_wrap("den", bob);
    space.act(carol, TestRoom::people_body("den", &[], &[carol]));
    space.room.channel_epoch(bob, "den").unwrap();
    space.say(bob, "den", text("without carol"));
    // Roles are judged by the log that a message names.
    space.room.set_role(alice, bob, Role::Custom(custom(16))).unwrap();
    space.say(bob, "news", text("hear, hear"));
    space.room.set_role(bob, bob, Role::Member).unwrap();
    space.act(
        carol,
        RoomBody::Pin {
            channel: channel("general"),
            target: first,
            on: true,
        },
    );
    let gone = space.say(bob, "random", text("not for long"));
    let target = gone;
    let edits = List::default();
    space.act(carol, RoomBody::Redact { target, edits });
    space.act(
        carol,
        RoomBody::SetSlowMode {
            channel: channel("general"),
            seconds: 3_600,
        },
    );
    let too_soon = Text::new("too soon").unwrap();
    space.say(bob, "general", MessageBody::Forwarded { text: too_soon, ttl: 0 });
    let shelved = json!({ "name": "random", "topic": "", "heading": 1 }).to_string();
    let body = space.room.update_body("random", &shelved, true);
    space.act(carol, body);

    for person in &people {
        note(format!("{}.id", person.name), person.id().as_bytes());
        note(format!("{}.genesis", person.name), &person.genesis);
        for (index, blob) in person.blobs.iter().enumerate() {
            note(format!("{}.entry.{}", person.name, index + 1), &blob.to_bytes());
        }
    }
    note("space.id".into(), space.room.id().as_bytes());
    note("space.entry.0".into(), &space.room.genesis.to_bytes());
    for (index, blob) in space.room.blobs.iter().enumerate() {
        note(format!("space.entry.{}", index + 1), &blob.to_bytes());
    }
    note("space.head".into(), space.room.state.head.as_bytes());
    note("bob.kem.1".into(), &*bob.kk[0].to_bytes());
    let second = space.room.channel_wrap("den", bob);
    for (which, (info, wrapped)) in [
        ("main.1", space.room.wrap_for(bob)),
        ("den.1", (first_info, first_wrap)),
        ("den.2", second),
    ] {
        note(format!("wrap.{which}.info"), &info.info());
        note(format!("wrap.{which}.enc"), &wrapped.enc);
        note(format!("wrap.{which}.ct"), &wrapped.ct);
    }
    let secret = space.room.secret().unwrap();
    for name in ["general", "random", "news", "den"] {
        let id = channel(name);
        note(format!("channel.{name}.id"), id.as_bytes());
        let root: EpochSecret = if name == "den" {
            space.room.channel_secret(&id, 2)
        } else {
            channel_secret(&secret, &id)
        };
        note(format!("channel.{name}.secret"), root.expose());
        note(format!("channel.{name}.key"), &space.room.channel_message_key(name));
        let (end, messages) = &space.said[&id];
        for (index, [header, envelope]) in messages.iter().enumerate() {
            note(format!("channel.{name}.{}.header", index + 1), header);
            note(format!("channel.{name}.{}.envelope", index + 1), envelope);
        }
        note(format!("channel.{name}.transcript"), end.t.as_bytes());
    }
    book
}

#[test]
fn a_space_is_made_as_before() {
    let cases: Vec<_> = (made().iter().map(|(name, hex)| json!({ "name": name, "hex": hex }))).collect();
    let source = "A space of Sotto: its entries, keys and messages; see shared/tests/frozen_spaces.rs";
    common::holds_against("spaces.json", &common::json_cases(source, &cases));
}
