//! What a fuzzer hands its bytes to, and the tests its corpus: nothing here may panic, whatever they are.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::FixedRng;
use super::people::{NOW, Person, REALM, TestRoom};
use super::spaces::custom;
use crate::api::Endpoint;
use crate::api::body::*;
use crate::api::error::ErrorBody;
use crate::api::frame::{FromRelay, ToRelay};
use crate::codec::{Bytes, Codec, List};
use crate::crypto::label::Label;
use crate::crypto::recovery::{RecoveryKey, tidy};
use crate::crypto::seal;
use crate::crypto::secret::{InviteSecret, derive};
use crate::crypto::sign::SignedBlob;
use crate::envelope::content::OpenedContent;
use crate::envelope::header::{HEADER_BYTES, Header};
use crate::id::{ChannelId, DeviceKeyId, EnvelopeHash, Head, InviteId, RoomId, UserId};
use crate::link::{Link, open_card};
use crate::log::roles::Permission;
use crate::log::room_log::{
    Cut, History, JoinMode, Policy, Role, RoomBody, RoomEntry, RoomState, SUITE_1, entry_hash, room_id,
};
use crate::log::user_log::{MAX_ACTIVE_DEVICES, UserBody, UserEntry, UserLog};

type Reader = fn(&[u8]);

fn decoder<T: Codec + PartialEq + Debug>(bytes: &[u8]) {
    if let Ok(value) = T::from_bytes(bytes) {
        // One value, one encoding.
        assert_eq!(value.to_bytes(), bytes, "another encoding of {value:?}");
    }
}

macro_rules! decoders {
    ($($ty:ty),*) => { &[$(decoder::<$ty>),*] };
}

const DECODERS: &[Reader] = crate::every_record!(decoders);

/// Bytes that may be anything that has an encoding; or a header, and what it stands before.
pub fn decode(bytes: &[u8]) {
    for decode in DECODERS {
        decode(bytes);
    }
    if let Some((header, rest)) = bytes.split_at_checked(HEADER_BYTES)
        && let Ok(header) = Header::from_bytes(header)
    {
        let _ = OpenedContent::parse(rest, &header);
    }
}

fn reader<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<T>(bytes) {
        let written = serde_json::to_string(&value).expect("what was read is written");
        let again: T = serde_json::from_str(&written).expect("what was written is read");
        assert_eq!(again, value);
    }
}

macro_rules! readers {
    ($($endpoint:ident),*) => {
        &[reader::<ToRelay>, reader::<FromRelay>, reader::<ErrorBody>,
          $(reader::<$endpoint>, reader::<<$endpoint as Endpoint>::Reply>),*]
    };
}

const READERS: &[Reader] = crate::every_endpoint!(readers);

/// JSON that may be a body, an answer or a frame.
pub fn json(bytes: &[u8]) {
    for read in READERS {
        read(bytes);
    }
}

/// Cards have one length before they are sealed.
const CARD_BYTES: usize = 256;

/// What somebody types or pastes, and what lies behind a link: sealed by whoever made it, or by somebody who has not got it.
pub fn links(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(link) = text.parse::<Link>() {
        let spelt = link.to_string();
        assert!(text.ends_with(&spelt), "{text} is spelt {spelt}");
        assert_eq!(spelt.parse(), Ok(link));
    }
    if let Ok(id) = text.parse::<UserId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(id) = text.parse::<InviteId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(key) = RecoveryKey::read(&text) {
        assert_eq!(
            key.groups().iter().map(|group| &***group).collect::<String>(),
            **tidy(&text)
        );
    }

    let (secret, room, invite) = (
        InviteSecret::from_bytes([1; 32]),
        RoomId::from_bytes([2; 32]),
        InviteId::from_bytes([3; 16]),
    );
    assert!(open_card(&secret, &room, &invite, bytes).is_err(), "sealed by nobody");
    let key = derive(secret.expose(), Label::InviteViewKey, &[]);
    let context = seal::context(Label::InviteView, &[room.as_bytes(), invite.as_bytes()]);
    let mut padded = bytes.to_vec();
    padded.resize(CARD_BYTES, 0);
    for plain in [bytes, &padded] {
        let sealed = seal::seal(&mut FixedRng::new("card"), key.expose(), &context, plain);
        if let Ok(card) = open_card(&secret, &room, &invite, &sealed) {
            let card = card.to_bytes();
            let mut written = (card.len() as u32).to_bytes();
            written.extend_from_slice(&card);
            written.resize(CARD_BYTES, 0);
            assert_eq!(written, plain, "another encoding of a card");
        }
    }
}

/// Real logs, whose bytes are bent.
struct Logs {
    ada: Person,
    /// Her log after each of its entries.
    user: Vec<UserLog>,
    logs: BTreeMap<UserId, UserLog>,
    /// Everybody with the browser they act with.
    people: Vec<(UserId, DeviceKeyId)>,
    /// A group, then a space.
    rooms: [RoomLog; 2],
    genesis: [SignedBlob; 3],
}

struct RoomLog {
    room: TestRoom,
    /// The room after each of its entries.
    states: Vec<RoomState>,
    /// The room's entries, and some that come next in no order.
    material: Vec<SignedBlob>,
}

impl RoomLog {
    fn new(
        room: TestRoom,
        more: Vec<SignedBlob>,
        logs: &BTreeMap<UserId, UserLog>,
    ) -> Result<Self, crate::log::LogError> {
        let begun = RoomState::begin(&room.genesis, &room.id(), logs)?;
        let mut states = vec![begun.prove_here().expect("theirs")];
        for blob in &room.blobs {
            let next = states[states.len() - 1].extend(std::slice::from_ref(blob), logs);
            states.push(next.map_err(|(_, error)| error)?.prove_here().expect("theirs").0);
        }
        let mut material = room.blobs.clone();
        material.extend(more);
        Ok(Self { room, states, material })
    }
}

static LOGS: LazyLock<Logs> = LazyLock::new(|| make_logs().expect("entries that hold"));

fn make_logs() -> Result<Logs, crate::log::LogError> {
    let [mut ada, bob, cyd, dan] = ["ada", "bob", "cyd", "dan"].map(Person::new);
    let mut room = TestRoom::group(&ada);
    room.add(&ada, &bob, Role::Member)?;
    room.epoch(&ada)?;
    room.set_role(&ada, &bob, Role::Moderator)?;
    let sealed = Bytes::new(vec![7; 60]).expect("short");
    room.act(&bob, RoomBody::SetMeta { n: 1, sealed })?;
    let (seconds, after) = (3_600, 0);
    room.act(&ada, RoomBody::SetTtl { seconds, after })?;
    room.invite(&bob, "open", Role::Member, JoinMode::Member)?;
    room.join("open", &cyd)?;
    room.invite(&ada, "asked", Role::Moderator, JoinMode::Approval)?;
    room.join("asked", &dan)?;
    room.add(&ada, &dan, Role::Member)?;
    let redact = RoomBody::Redact {
        target: EnvelopeHash::from_bytes([9; 32]),
        edits: List::new(vec![EnvelopeHash::from_bytes([8; 32])]).expect("one"),
    };
    room.act(&bob, redact)?;
    let (user_id, until) = (cyd.id(), NOW + 3_600_000);
    room.act(&bob, RoomBody::TimeOut { user_id, until })?;
    let (of, sealed) = (room.state.seq, Bytes::new(vec![7; 90]).expect("short"));
    room.act(&bob, RoomBody::Reason { n: 1, of, sealed })?;
    let (channel, seconds) = (ChannelId::MAIN, 30);
    room.act(&bob, RoomBody::SetSlowMode { channel, seconds })?;
    let invite_id = room.invite_id("open");
    room.act(&bob, RoomBody::RevokeInvite { invite_id })?;
    let cut = Cut {
        channel: ChannelId::MAIN,
        seq: 3,
        transcript: Head::from_bytes([5; 32]),
    };
    room.remove_cut(&bob, &cyd, vec![cut])?;
    room.ban(&bob, &dan)?;
    room.unban(&ada, &dan)?;
    room.epoch(&bob)?;
    ada.add_device();
    for rev in [1, 2] {
        let hash = [rev as u8; 32];
        ada.append(UserBody::VaultCommit { rev, hash, dk_id: None })?;
    }
    ada.revoke(1);
    ada.rotate_kem();
    ada.rotate_identity();
    room.update(&bob, &ada)?;
    let policy = Policy {
        suite: SUITE_1,
        history: History::Joined,
    };
    room.act(&ada, RoomBody::SetPolicy { policy })?;
    room.epoch(&bob)?;
    let (channel, target) = (ChannelId::MAIN, EnvelopeHash::from_bytes([4; 32]));
    room.act(
        &bob,
        RoomBody::Pin {
            channel,
            target,
            on: true,
        },
    )?;
    room.leave(&bob)?;
    room.close(&ada)?;
    let direct = TestRoom::direct(&ada, &bob);
    let space = make_space(&ada, &bob, &cyd)?;
    ada.close();

    let mut user = vec![UserLog::begin(&ada.genesis, &ada.id(), REALM)?];
    for blob in &ada.blobs {
        let next = user[user.len() - 1].extend(std::slice::from_ref(blob))?;
        user.push(next.prove_here().expect("hers"));
    }
    let logs: BTreeMap<_, _> = [&ada, &bob, &cyd, &dan]
        .map(|person| (person.id(), person.log.clone()))
        .into();
    let mut more = vec![room.blob(&cyd, RoomBody::Leave)];
    for seq in 0..=ada.log.seq() {
        let (member, cut) = (ada.member_ref_at(seq), List::default());
        more.push(room.blob(&ada, RoomBody::UserUpdate { member, cut }));
    }
    Ok(Logs {
        user,
        people: [&ada, &bob, &cyd, &dan]
            .map(|person| (person.id(), person.device_id()))
            .into(),
        genesis: [room.genesis.clone(), direct.genesis, space.genesis.clone()],
        rooms: [
            RoomLog::new(room, more, &logs)?,
            RoomLog::new(space, Vec::new(), &logs)?,
        ],
        ada,
        logs,
    })
}

fn make_space(ada: &Person, bob: &Person, cyd: &Person) -> Result<TestRoom, crate::log::LogError> {
    let mut space = TestRoom::space(ada);
    space.add(ada, bob, Role::Moderator)?;
    space.add(ada, cyd, Role::Member)?;
    space.define(ada, 16, 20, &[Permission::Post, Permission::Invite], "guides")?;
    space.define(ada, 17, 30, &[Permission::Post], "nobody")?;
    let (user_id, role) = (cyd.id(), Role::Custom(custom(16)));
    space.act(ada, RoomBody::SetRole { user_id, role })?;
    space.act(ada, RoomBody::DropRole { role: custom(17) })?;
    space.public_channel(ada, "hall")?;
    space.private_channel(ada, "den", &[ada, bob])?;
    space.act(bob, TestRoom::people_body("den", &[cyd], &[]))?;
    let order = space.arrange_body("[]");
    space.act(ada, order)?;
    space.archive(bob, "hall", true)?;
    space.remove(ada, cyd)?;
    space.channel_epoch(bob, "den")?;
    Ok(space)
}

/// One entry as a relay would hand it out, or a member who signs whatever they like.
struct Change {
    /// Which of the real ones.
    which: usize,
    /// Signed anew, in its place behind the others; by one of the people, or by whom it was.
    anew: Option<Option<usize>>,
    at: usize,
    add: u8,
}

/// How many of the real entries there are already · entry (5) · entry (5) · …
/// entry = which of the real ones, and whether it is signed anew · by whom · where a byte of it changes (2) · by how much
fn changes(bytes: &[u8]) -> (usize, impl Iterator<Item = Change>) {
    let (from, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let changes = rest.chunks_exact(5).take(32).map(|change| Change {
        which: usize::from(change[0] & 0x7f),
        anew: (change[0] & 0x80 != 0).then(|| usize::from(change[1]).checked_sub(1)),
        at: usize::from(u16::from_be_bytes([change[2], change[3]])),
        add: change[4],
    });
    (usize::from(*from), changes)
}

impl Change {
    fn bend(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let at = self.at % bytes.len();
        bytes[at] = bytes[at].wrapping_add(self.add);
        bytes
    }

    fn of<'a>(&self, real: &'a [SignedBlob]) -> &'a SignedBlob {
        &real[self.which % real.len()]
    }
}

/// Whose signatures are taken for good.
const UNREAD_SIG: [u8; 64] = [1; 64];

/// A user log with entries bent: of what was not signed anew none but the real ones are taken, in their order; and whatever
/// its owner signs, it stays a log.
pub fn user_log(bytes: &[u8]) {
    let Logs { ada, user, .. } = &*LOGS;
    let (from, changes) = changes(bytes);
    let mut log = user[from % user.len()].clone();
    for change in changes {
        let real = change.of(&ada.blobs);
        if change.anew.is_none() {
            let Ok(bent) = SignedBlob::from_bytes(&change.bend(real.to_bytes())) else {
                continue;
            };
            if let Some(next) = log.extend(&[bent]).ok().and_then(|next| next.prove_here().ok()) {
                // A signature stands beside what is hashed, so a real entry with another valid signature is the real entry.
                let there = ada.log.at(next.seq()).map(|(head, _)| head);
                assert_eq!(Some(next.head()), there, "an entry that nobody signed");
                log = next;
            }
            continue;
        }
        let Ok(mut entry) = UserEntry::from_bytes(&change.bend(real.body.clone())) else {
            continue;
        };
        (entry.user_id, entry.seq, entry.prev) = (ada.id(), log.seq() + 1, log.head());
        let (body, sig) = (entry.to_bytes(), UNREAD_SIG);
        let Ok(next) = log.extend(&[SignedBlob { body, sig }]) else {
            continue;
        };
        let verdicts = vec![true; next.jobs().len()];
        let next = next.prove(&verdicts).expect("all hold");
        let (was, is) = (log.view(), next.view());
        assert!(!was.closed, "a closed log took an entry");
        assert_eq!(next.seq(), entry.seq);
        assert_eq!(
            next.at(log.seq()).map(|(head, _)| head),
            Some(log.head()),
            "the past changed"
        );
        assert!(is.kem_g >= was.kem_g && is.vault_rev >= was.vault_rev && is.revocations >= was.revocations);
        assert!(is.devices.len() <= MAX_ACTIVE_DEVICES);
        for (id, device) in &*is.devices {
            assert_eq!(*id, device.pk.key_id());
            assert_eq!(is.active_device(id).is_some(), !is.closed);
        }
        log = next;
    }
    let mut genesis = ada.genesis.clone();
    for change in bytes.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % genesis.len();
        genesis[at] = genesis[at].wrapping_add(change[2]);
    }
    if UserLog::begin(&genesis, &ada.id(), REALM).is_ok() {
        assert_eq!(genesis, ada.genesis, "another genesis under the same id");
    }
}

/// A room log with entries bent: of what was not signed anew none but the real ones are taken, in their order; and whatever
/// members and others sign, it stays a room.
pub fn room_log(bytes: &[u8]) {
    let Logs {
        logs,
        people,
        rooms,
        genesis,
        ..
    } = &*LOGS;
    let (from, changes) = changes(bytes);
    let [group, space] = rooms;
    let from = from % (group.states.len() + space.states.len());
    let (RoomLog { room, states, material }, from) = match from.checked_sub(group.states.len()) {
        Some(from) => (space, from),
        None => (group, from),
    };
    let mut state = states[from].clone();
    for change in changes {
        let real = change.of(material);
        let Some(by) = change.anew else {
            let Ok(bent) = SignedBlob::from_bytes(&change.bend(real.to_bytes())) else {
                continue;
            };
            let next = state.extend(&[bent], logs).ok().and_then(|next| next.prove_here().ok());
            if let Some((next, _)) = next {
                let there = room.state.hashes.get(next.seq as usize);
                assert_eq!(Some(&next.head), there, "an entry that nobody signed");
                state = next;
            }
            continue;
        };
        let Ok(mut entry) = RoomEntry::from_bytes(&change.bend(real.body.clone())) else {
            continue;
        };
        (entry.room_id, entry.seq, entry.prev) = (state.room_id, state.seq + 1, state.head);
        if let Some(by) = by {
            (entry.actor, entry.actor_dk) = people[by % people.len()];
        }
        let (body, sig) = (entry.to_bytes(), UNREAD_SIG);
        let Ok(next) = state.extend(&[SignedBlob { body, sig }], logs) else {
            continue;
        };
        let verdicts = vec![true; next.jobs().len()];
        let (next, _) = next.prove(&verdicts).expect("all hold");
        is_a_room(&state, &entry, &next);
        state = next;
    }
    for real in genesis {
        for change in bytes.chunks_exact(3).take(1) {
            let change = Change {
                which: 0,
                anew: None,
                at: usize::from(u16::from_be_bytes([change[0], change[1]])),
                add: change[2],
            };
            let Ok(bent) = SignedBlob::from_bytes(&change.bend(real.to_bytes())) else {
                continue;
            };
            let begun = RoomState::begin(&bent, &room_id(&bent.body), logs);
            if begun.is_ok_and(|state| state.prove_here().is_ok()) {
                assert_eq!(bent.body, real.body, "a genesis that nobody signed");
            }
        }
    }
}

/// What holds after every entry, whoever signed it and whatever it says.
fn is_a_room(was: &RoomState, entry: &RoomEntry, is: &RoomState) {
    assert!(!was.closed, "a closed room took an entry");
    assert_eq!((is.seq, is.head), (was.seq + 1, entry_hash(&entry.to_bytes())));
    assert!(
        is.hashes.starts_with(&was.hashes) && is.epochs.starts_with(&was.epochs),
        "the past changed"
    );
    let joins = matches!(entry.body, RoomBody::Join { .. });
    assert!(
        joins != was.members.contains_key(&entry.actor),
        "by somebody who is not here"
    );
    let has_owner = is.members.values().any(|member| member.role == Role::Owner);
    assert!(has_owner || is.members.is_empty(), "a room without an owner");
    let mut elsewhere = is.former.keys().chain(is.requests.keys());
    assert!(
        elsewhere.all(|user| !is.members.contains_key(user)),
        "here and not here"
    );
    let lost = was.members.keys().any(|user| !is.members.contains_key(user));
    if (lost || was.rotation_due) && is.epochs.len() == was.epochs.len() {
        assert!(is.rotation_due, "somebody who is gone has the key");
    }
    for (id, invite) in &was.invites {
        assert!(
            is.invites
                .get(id)
                .is_some_and(|now| now.uses >= invite.uses && now.revoked >= invite.revoked)
        );
        assert!(is.invites[id].uses <= invite.max_uses);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::codec::DecodeError;

    /// The tags of a choice, which are its first byte.
    fn tags<T: Codec>() -> BTreeSet<u8> {
        let is_one = |tag: &u8| T::from_bytes(&[*tag]).err() != Some(DecodeError::UnknownTag);
        (0..=u8::MAX).filter(is_one).collect()
    }

    #[test]
    fn every_kind_of_entry_stands_in_the_logs_that_are_bent() {
        let logs = &*LOGS;
        let room = logs.rooms.iter().flat_map(|log| &log.room.blobs);
        let room = room.map(|blob| RoomEntry::from_bytes(&blob.body).unwrap().body.to_bytes()[0]);
        assert_eq!(room.collect::<BTreeSet<_>>(), tags::<RoomBody>());
        let user = logs.ada.blobs.iter();
        let user = user.map(|blob| UserEntry::from_bytes(&blob.body).unwrap().body.to_bytes()[0]);
        assert_eq!(user.collect::<BTreeSet<_>>(), tags::<UserBody>());
    }
}
