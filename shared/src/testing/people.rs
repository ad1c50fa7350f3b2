//! Test people with real keys and real user logs, and rooms they act in. Everything follows from the names, so two runs
//! give the same bytes.
//!
//! ```text
//! let (alice, bob) = (Person::new("alice"), Person::new("bob"));
//! let mut room = TestRoom::group(&alice);
//! room.add(&alice, &bob, Role::Member).unwrap();
//! room.epoch(&alice).unwrap();
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use super::FixedRng;
use crate::codec::{Bytes, Codec, List, Text};
use crate::crypto::label::Label;
use crate::crypto::secret::{EpochSecret, InviteSecret, PrivateKey};
use crate::crypto::sign::{PublicKey, SignedBlob};
use crate::crypto::{epoch, kem};
use crate::envelope::content::{Content, MessageBody, SealedMessage, lane_start, message_key, seal_message};
use crate::envelope::header::{Header, MessageKind};
use crate::envelope::transcript::Transcript;
use crate::id::{ChannelId, DeviceKeyId, InviteId, MessageId, RoomId, UserId};
use crate::link::{InviteCard, invite_key, seal_card};
use crate::log::LogError;
use crate::log::room_log::{
    Cut, EpochReason, Event, History, JoinMode, MemberRef, Policy, Role, RoomBody, RoomEntry, RoomGenesis, RoomKind,
    RoomState, SUITE_1, invite_id, join_bytes, room_id,
};
use crate::log::user_log::{UserBody, UserEntry, UserGenesis, UserLog, possession_bytes};

/// The realm every test person belongs to.
pub const REALM: &str = "sotto.test";
/// When everything happens: milliseconds since 1970.
pub const NOW: u64 = 1_900_000_000_000;

/// A key that follows from its name.
pub fn key(name: &str) -> Arc<PrivateKey> {
    Arc::new(PrivateKey::make(&mut FixedRng::new(name)))
}

/// Somebody with keys, browsers and a verified user log. A clone is the same person at that time: two clones can fork.
#[derive(Debug, Clone)]
pub struct Person {
    pub name: String,
    pub ik: Arc<PrivateKey>,
    /// KEM keys; index = generation − 1.
    pub kk: Vec<Arc<PrivateKey>>,
    /// Every browser there ever was, in order.
    pub devices: Vec<Arc<PrivateKey>>,
    pub genesis: Vec<u8>,
    /// Entries from number 1 on.
    pub blobs: Vec<SignedBlob>,
    pub log: UserLog,
    using: usize,
}

impl Person {
    /// With one browser, at entry 1.
    pub fn new(name: &str) -> Self {
        let mut person = Self::without_device(name);
        person.add_device();
        person
    }

    /// The genesis alone.
    pub fn without_device(name: &str) -> Self {
        Self::with_keys(name, key(&format!("{name}/ik/0")), key(&format!("{name}/kk/1")))
    }

    /// The genesis alone, with keys that were made before: cheap, for crowds.
    pub fn with_keys(name: &str, ik: Arc<PrivateKey>, kk: Arc<PrivateKey>) -> Self {
        let mut nonce = [0; 16];
        rand::Rng::fill_bytes(&mut FixedRng::new(name), &mut nonce);
        let genesis = UserGenesis {
            realm: Text::new(REALM).unwrap(),
            ik: ik.public(),
            kk: kk.public(),
            created: NOW,
            nonce,
        };
        let log = UserLog::begin(&genesis.to_bytes(), &genesis.user_id(), REALM).unwrap();
        Self {
            name: name.into(),
            ik,
            kk: vec![kk],
            devices: Vec::new(),
            genesis: genesis.to_bytes(),
            blobs: Vec::new(),
            log,
            using: 0,
        }
    }

    pub fn id(&self) -> UserId {
        *self.log.user_id()
    }

    /// The browser this person acts with.
    pub fn device(&self) -> &Arc<PrivateKey> {
        &self.devices[self.using]
    }

    pub fn device_id(&self) -> DeviceKeyId {
        self.device().public().key_id()
    }

    /// Acts with browser `index` from now on.
    pub fn use_device(&mut self, index: usize) {
        assert!(index < self.devices.len(), "no such browser");
        self.using = index;
    }

    /// The log as it is now.
    pub fn member_ref(&self) -> MemberRef {
        self.member_ref_at(self.log.seq())
    }

    pub fn member_ref_at(&self, seq: u64) -> MemberRef {
        let (ulog_head, _) = self.log.at(seq).unwrap();
        MemberRef {
            user_id: self.id(),
            ulog_seq: seq,
            ulog_head,
        }
    }

    /// The entry that would come next.
    pub fn entry(&self, body: UserBody) -> UserEntry {
        let seq = self.log.seq() + 1;
        UserEntry {
            user_id: self.id(),
            seq,
            prev: self.log.head(),
            ts: NOW + seq,
            body,
        }
    }

    /// Signs as it is, with whatever key: for entries that are wrong.
    pub fn sign_entry(entry: &UserEntry, key: &PrivateKey) -> SignedBlob {
        let body = entry.to_bytes();
        SignedBlob {
            sig: key.sign(Label::UserLog, &body),
            body,
        }
    }

    /// The next entry, properly signed.
    pub fn blob(&self, body: UserBody) -> SignedBlob {
        Self::sign_entry(&self.entry(body), &self.ik)
    }

    /// Takes an entry if it follows the rules and its signatures hold.
    pub fn take(&mut self, blob: SignedBlob) -> Result<(), LogError> {
        let next = self.log.extend(std::slice::from_ref(&blob))?;
        self.log = next.prove_here().map_err(|_| LogError::Signature)?;
        self.blobs.push(blob);
        Ok(())
    }

    pub fn append(&mut self, body: UserBody) -> Result<(), LogError> {
        self.take(self.blob(body))
    }

    /// What adds `device`, with a good proof of possession.
    pub fn device_body(&self, device: &PrivateKey) -> UserBody {
        let dk = device.public();
        let pop = device.sign(Label::DevicePossession, &possession_bytes(&self.id(), &dk));
        UserBody::AddDevice {
            dk,
            pop,
            label: Bytes::default(),
        }
    }

    /// What rotates to `ik`, with a good proof of possession.
    pub fn identity_body(&self, ik: &PrivateKey) -> UserBody {
        let pop = ik.sign(Label::IdentityPossession, &possession_bytes(&self.id(), &ik.public()));
        UserBody::RotateIdentity { ik: ik.public(), pop }
    }

    /// A new browser; its index. The person goes on with the one in use.
    pub fn add_device(&mut self) -> usize {
        let index = self.devices.len();
        let device = key(&format!("{}/dk/{index}", self.name));
        self.append(self.device_body(&device)).unwrap();
        self.devices.push(device);
        index
    }

    pub fn revoke(&mut self, index: usize) {
        let dk_id = self.devices[index].public().key_id();
        self.append(UserBody::RevokeDevice { dk_id }).unwrap();
    }

    pub fn rotate_kem(&mut self) {
        let g = self.log.view().kem_g + 1;
        let kk = key(&format!("{}/kk/{g}", self.name));
        self.append(UserBody::RotateKem { g, kk: kk.public() }).unwrap();
        self.kk.push(kk);
    }

    pub fn rotate_identity(&mut self) {
        let ik = key(&format!("{}/ik/{}", self.name, self.log.seq() + 1));
        self.append(self.identity_body(&ik)).unwrap();
        self.ik = ik;
    }

    pub fn close(&mut self) {
        self.append(UserBody::Close).unwrap();
    }
}

/// A room with its log, the user logs its reader knows, and the room keys.
#[derive(Debug, Clone)]
pub struct TestRoom {
    pub genesis: SignedBlob,
    /// Entries from number 1 on.
    pub blobs: Vec<SignedBlob>,
    pub state: RoomState,
    /// The user logs that are brought along.
    pub logs: BTreeMap<UserId, UserLog>,
    /// `ES_n` at index n − 1, for epochs made by [`TestRoom::epoch`].
    pub secrets: Vec<[u8; 32]>,
}

impl TestRoom {
    /// A group of one, history shared.
    pub fn group(creator: &Person) -> Self {
        Self::group_with(creator, History::Shared)
    }

    pub fn group_with(creator: &Person, history: History) -> Self {
        Self::begin(
            creator,
            &Self::genesis_of(creator, RoomKind::Group, &[], history),
            &[creator],
        )
        .unwrap()
    }

    pub fn direct(creator: &Person, other: &Person) -> Self {
        let genesis = Self::genesis_of(creator, RoomKind::Direct, &[other], History::Shared);
        Self::begin(creator, &genesis, &[creator, other]).unwrap()
    }

    pub fn genesis_of(creator: &Person, kind: RoomKind, members: &[&Person], history: History) -> RoomGenesis {
        RoomGenesis {
            kind,
            creator: creator.member_ref(),
            creator_dk: creator.device_id(),
            members: List::new(members.iter().map(|person| person.member_ref()).collect()).unwrap(),
            policy: Policy {
                suite: SUITE_1,
                history,
            },
            ts: NOW,
            nonce: [0x52; 16],
        }
    }

    /// A room from any genesis, signed by the creator's device.
    pub fn begin(creator: &Person, genesis: &RoomGenesis, known: &[&Person]) -> Result<Self, LogError> {
        let logs = known.iter().map(|person| (person.id(), person.log.clone())).collect();
        let body = genesis.to_bytes();
        let genesis = SignedBlob {
            sig: creator.device().sign(Label::RoomLog, &body),
            body,
        };
        let state = RoomState::begin(&genesis, &room_id(&genesis.body), &logs)?;
        let state = state.prove_here().map_err(|_| LogError::Signature)?;
        Ok(Self {
            genesis,
            blobs: Vec::new(),
            state,
            logs,
            secrets: Vec::new(),
        })
    }

    pub fn id(&self) -> RoomId {
        self.state.room_id
    }

    /// Brings a person's log as it is now.
    pub fn learn(&mut self, person: &Person) {
        self.logs.insert(person.id(), person.log.clone());
    }

    /// The entry that would come next.
    pub fn entry(&self, actor: &Person, body: RoomBody) -> RoomEntry {
        let seq = self.state.seq + 1;
        RoomEntry {
            room_id: self.state.room_id,
            seq,
            prev: self.state.head,
            ts: NOW + seq,
            actor: actor.id(),
            actor_dk: actor.device_id(),
            body,
        }
    }

    /// Signs as it is, with whatever key: for entries that are wrong.
    pub fn sign_entry(entry: &RoomEntry, key: &PrivateKey) -> SignedBlob {
        let body = entry.to_bytes();
        SignedBlob {
            sig: key.sign(Label::RoomLog, &body),
            body,
        }
    }

    pub fn blob(&self, actor: &Person, body: RoomBody) -> SignedBlob {
        Self::sign_entry(&self.entry(actor, body), actor.device())
    }

    /// Takes an entry if it follows the rules and its signature holds.
    pub fn take(&mut self, blob: SignedBlob) -> Result<Event, LogError> {
        let next = self
            .state
            .extend(std::slice::from_ref(&blob), &self.logs)
            .map_err(|(_, error)| error)?;
        let (state, mut events) = next.prove_here().map_err(|_| LogError::Signature)?;
        self.state = state;
        self.blobs.push(blob);
        Ok(events.remove(0))
    }

    pub fn act(&mut self, actor: &Person, body: RoomBody) -> Result<Event, LogError> {
        self.take(self.blob(actor, body))
    }

    pub fn add(&mut self, by: &Person, who: &Person, role: Role) -> Result<Event, LogError> {
        self.learn(who);
        self.act(
            by,
            RoomBody::AddMember {
                member: who.member_ref(),
                role,
            },
        )
    }

    pub fn leave(&mut self, who: &Person) -> Result<Event, LogError> {
        self.act(who, RoomBody::Leave)
    }

    pub fn remove(&mut self, by: &Person, who: &Person) -> Result<Event, LogError> {
        self.act(
            by,
            RoomBody::Remove {
                user_id: who.id(),
                ban: false,
                cut: List::default(),
            },
        )
    }

    pub fn remove_cut(&mut self, by: &Person, who: &Person, cut: Vec<Cut>) -> Result<Event, LogError> {
        self.act(
            by,
            RoomBody::Remove {
                user_id: who.id(),
                ban: false,
                cut: List::new(cut).unwrap(),
            },
        )
    }

    pub fn ban(&mut self, by: &Person, who: &Person) -> Result<Event, LogError> {
        self.act(
            by,
            RoomBody::Remove {
                user_id: who.id(),
                ban: true,
                cut: List::default(),
            },
        )
    }

    pub fn unban(&mut self, by: &Person, who: &Person) -> Result<Event, LogError> {
        self.act(by, RoomBody::Unban { user_id: who.id() })
    }

    pub fn set_role(&mut self, by: &Person, who: &Person, role: Role) -> Result<Event, LogError> {
        self.act(
            by,
            RoomBody::SetRole {
                user_id: who.id(),
                role,
            },
        )
    }

    /// Moves the room's view of `who` to where their log is now.
    pub fn update(&mut self, by: &Person, who: &Person) -> Result<Event, LogError> {
        self.learn(who);
        self.act(
            by,
            RoomBody::UserUpdate {
                member: who.member_ref(),
                cut: List::default(),
            },
        )
    }

    pub fn close(&mut self, by: &Person) -> Result<Event, LogError> {
        self.act(by, RoomBody::Close)
    }

    /// The secret of the invite of this name.
    pub fn invite_secret(name: &str) -> InviteSecret {
        InviteSecret::make(&mut FixedRng::new(&format!("{name}/invite")))
    }

    pub fn invite_id(&self, name: &str) -> InviteId {
        invite_id(&invite_key(&Self::invite_secret(name), &self.id()).public())
    }

    /// What makes an invite of this name: ten uses, a week.
    pub fn invite_body(&self, name: &str, role: Role, mode: JoinMode) -> RoomBody {
        let secret = Self::invite_secret(name);
        let inv_pk = invite_key(&secret, &self.id()).public();
        let invite_id = invite_id(&inv_pk);
        let card = InviteCard {
            title: Text::new(name).unwrap(),
        };
        let mut rng = FixedRng::new(&format!("{name}/card"));
        let card = seal_card(&mut rng, &secret, &self.id(), &invite_id, &card);
        RoomBody::CreateInvite {
            invite_id,
            inv_pk,
            role,
            max_uses: 10,
            expires: NOW + 7 * 24 * 3_600_000,
            mode,
            card: Bytes::new(card).unwrap(),
        }
    }

    pub fn invite(&mut self, by: &Person, name: &str, role: Role, mode: JoinMode) -> Result<Event, LogError> {
        self.act(by, self.invite_body(name, role, mode))
    }

    /// What lets somebody in who holds the link.
    pub fn join_body(&self, name: &str, who: &Person) -> RoomBody {
        let invite_id = self.invite_id(name);
        let nonce = [0x70; 16];
        let signed = join_bytes(&self.id(), &invite_id, &who.id(), &nonce);
        RoomBody::Join {
            invite_id,
            member: who.member_ref(),
            nonce,
            inv_sig: invite_key(&Self::invite_secret(name), &self.id()).sign(Label::Join, &signed),
        }
    }

    pub fn join(&mut self, name: &str, who: &Person) -> Result<Event, LogError> {
        self.learn(who);
        self.act(who, self.join_body(name, who))
    }

    /// The newest room key.
    pub fn secret(&self) -> Option<EpochSecret> {
        self.secrets.last().copied().map(EpochSecret::from_bytes)
    }

    /// The next epoch as it should be, and its secret.
    pub fn epoch_body(&self, reason: EpochReason) -> (RoomBody, EpochSecret) {
        let n = self.state.epoch_number() + 1;
        let mut rng = FixedRng::new(&format!("{}/{}/epoch", self.id(), self.state.seq));
        let previous = self.secret();
        let secret = epoch::next_secret(previous.as_ref(), &EpochSecret::make(&mut rng));
        let roster_hash = self.state.roster_hash();
        let commit = epoch::commitment(&secret, &self.id(), n, &self.state.head, &roster_hash);
        let backlink = match (&previous, self.state.policy.history) {
            (Some(previous), History::Shared) => epoch::seal_backlink(&mut rng, &secret, &self.id(), n, previous),
            _ => Vec::new(),
        };
        let backlink = Bytes::new(backlink).unwrap();
        (
            RoomBody::Epoch {
                n,
                suite: SUITE_1,
                commit,
                roster_hash,
                reason,
                backlink,
            },
            secret,
        )
    }

    /// A new room key.
    pub fn epoch(&mut self, by: &Person) -> Result<Event, LogError> {
        let (body, secret) = self.epoch_body(EpochReason::First);
        let event = self.act(by, body)?;
        self.secrets.push(*secret.expose());
        Ok(event)
    }

    /// The newest room key, wrapped for a member.
    pub fn wrap_for(&self, who: &Person) -> (kem::WrapInfo, kem::Wrapped) {
        let epoch = self.state.epoch().unwrap();
        let member = &self.state.members[&who.id()];
        let info = kem::WrapInfo {
            room_id: self.id(),
            channel: ChannelId::MAIN,
            n: epoch.n,
            user_id: who.id(),
            g: member.view.kem_g,
            commit: epoch.commit,
        };
        let mut rng = FixedRng::new(&format!("{}/{}/{}/wrap", self.id(), epoch.n, who.name));
        let wrapped = kem::wrap(&mut rng, &member.view.kk, &info.info(), self.secret().unwrap().expose()).unwrap();
        (info, wrapped)
    }

    /// A text under the newest room key, the first of a lane, on an empty channel.
    pub fn seal_text(&self, author: &Person, text: &str) -> SealedMessage {
        let mut rng = FixedRng::new(&format!("{}/{text}/message", author.name));
        let mut msg_id = [0; 16];
        rand::Rng::fill_bytes(&mut rng, &mut msg_id);
        let header = Header {
            suite: SUITE_1,
            kind: MessageKind::Durable,
            room_id: self.id(),
            channel: ChannelId::MAIN,
            n: self.state.epoch_number(),
            msg_id: MessageId::from_bytes(msg_id),
            ttl_class: 0,
            del_commit: [0xdc; 32],
        };
        let start = Transcript::start(&self.id(), &ChannelId::MAIN);
        let content = Content {
            header_hash: header.hash(),
            user_id: author.id(),
            dk_id: author.device_id(),
            lane: [1; 8],
            ctr: 1,
            prev_own: lane_start(&author.device_id(), &[1; 8]),
            log_seq: self.state.seq,
            log_head: self.state.head,
            seen_seq: start.seq,
            seen_t: start.t,
            ts: NOW,
            body: MessageBody::Text {
                text: Text::new(text).unwrap(),
            },
        };
        let content = content.to_bytes();
        let sig = author.device().sign(Label::Message, &content);
        let key = message_key(&self.secret().unwrap(), &self.id(), &ChannelId::MAIN);
        seal_message(&mut rng, &key, &header, &content, &sig)
    }
}

/// A public key that follows from its name.
pub fn public_key(name: &str) -> PublicKey {
    key(name).public()
}
