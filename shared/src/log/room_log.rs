//! A room's members, roles and room keys: an append-only log signed by the members' devices.
//!
//! `room_id = H("room-id", genesis)`. Relay and client run the same [`RoomState::extend`]; for the relay it is hygiene,
//! for the client it is security. A room looks at its members' user logs only through *views* that the log itself moves
//! forward (AddMember, UserUpdate), so "signed before that device was revoked" is decided inside one chain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::LogError;
use super::channels::{Channel, ChannelKind, MAX_NAMED};
use super::moderation::Moderation;
use super::roles::{CustomRole, Permission, Rights, RoleDef, Roles, Standing};
use super::user_log::{MAX_USER_ENTRIES, UserLog, UserView};
use crate::api::limits::{MAX_EDITS, MAX_PINS, MAX_TTL_SECS, MIN_TTL_SECS};
use crate::codec::{Bytes, Codec, List};
use crate::crypto::hash::hash;
use crate::crypto::label::Label;
use crate::crypto::sign::{PublicKey, SignatureBytes, SignedBlob, Unproven, VerifyJob};
use crate::id::{ChannelId, DeviceKeyId, EnvelopeHash, Head, InviteId, RoomId, UserId};
use crate::{choice, record};

pub use super::roles::Role;

/// Members a room may have.
pub const MAX_MEMBERS: usize = 2_000;
/// Invites of a room that can be used at a time.
pub const MAX_OPEN_INVITES: usize = 256;
/// People who have asked to be let in and wait.
pub const MAX_REQUESTS: usize = 500;
/// The only cipher suite of version 1: P-256, AES-256-GCM, HKDF-SHA256.
pub const SUITE_1: u16 = 1;

choice! {
    #[derive(Copy, Hash)]
    pub enum RoomKind {
        /// Two people; the roster never changes.
        1 = Direct,
        2 = Group,
        /// Many people and channels, with roles of its own.
        3 = Space,
    }
}

choice! {
    /// What someone who joins can read.
    #[derive(Copy)]
    pub enum History {
        /// Everything: each epoch carries a link back to the one before.
        1 = Shared,
        /// From joining on: no links, and a new key with every addition.
        2 = Joined,
    }
}

record! {
    pub struct Policy {
        pub suite: u16,
        pub history: History,
    }
}

record! {
    /// A person as the room first sees them: their user log up to an entry.
    pub struct MemberRef {
        pub user_id: UserId,
        pub ulog_seq: u64,
        pub ulog_head: Head,
    }
}

record! {
    /// Entry 0, signed by the creator's device.
    pub struct RoomGenesis = 0x0201, 1 {
        pub kind: RoomKind,
        pub creator: MemberRef,
        pub creator_dk: DeviceKeyId,
        /// The other person of a direct message; nobody for a group.
        pub members: List<MemberRef, 1>,
        pub policy: Policy,
        /// Milliseconds since 1970; advisory.
        pub ts: u64,
        pub nonce: [u8; 16],
    }
}

record! {
    pub struct RoomEntry = 0x0202, 1 {
        pub room_id: RoomId,
        pub seq: u64,
        pub prev: Head,
        /// Milliseconds since 1970; advisory.
        pub ts: u64,
        pub actor: UserId,
        pub actor_dk: DeviceKeyId,
        pub body: RoomBody,
    }
}

record! {
    /// Messages of someone who left count up to here, per channel.
    pub struct Cut {
        pub channel: ChannelId,
        pub seq: u64,
        /// The transcript after message `seq`.
        pub transcript: Head,
    }
}

choice! {
    /// Why a room key was changed; for the timeline, nothing hangs on it.
    #[derive(Copy)]
    pub enum EpochReason {
        1 = First,
        2 = MemberLeft,
        3 = KeysChanged,
        4 = Age,
        5 = MemberAdded,
    }
}

choice! {
    /// What an invite does for whoever uses it.
    #[derive(Copy)]
    pub enum JoinMode {
        /// They are in, and any member hands them the room key.
        1 = Member,
        /// They have asked; a moderator lets them in with AddMember or sends them away with Remove.
        2 = Approval,
    }
}

choice! {
    pub enum RoomBody {
        1 = AddMember { member: MemberRef, role: Role },
        2 = Leave,
        3 = Remove { user_id: UserId, ban: bool, cut: List<Cut, 512> },
        4 = Unban { user_id: UserId },
        5 = SetRole { user_id: UserId, role: Role },
        6 = SetPolicy { policy: Policy },
        /// Name and description, sealed under the room key of epoch `n`.
        7 = SetMeta { n: u32, sealed: Bytes<4096> },
        8 = Epoch {
            n: u32, suite: u16, commit: [u8; 32], roster_hash: [u8; 32], reason: EpochReason, backlink: Bytes<256>,
        },
        /// The room's view of a member moves forward. Any member may post it, the chain proves it.
        9 = UserUpdate { member: MemberRef, cut: List<Cut, 512> },
        10 = Close,
        /// `card` is what the holder of the link is shown first, sealed under a key from the link.
        11 = CreateInvite {
            invite_id: InviteId, inv_pk: PublicKey, role: Role, max_uses: u32, expires: u64, mode: JoinMode,
            card: Bytes<1024>,
        },
        12 = RevokeInvite { invite_id: InviteId },
        /// The one entry by somebody who is not a member. `inv_sig` is by the invite's key over [`join_bytes`].
        13 = Join { invite_id: InviteId, member: MemberRef, nonce: [u8; 16], inv_sig: SignatureBytes },
        /// A role of a space, new or changed. `sealed` is its name, under the room key of epoch `n`.
        14 = DefineRole { role: CustomRole, rank: u8, rights: Rights, n: u32, sealed: Bytes<1024> },
        /// The invites that give it are taken back with it.
        15 = DropRole { role: CustomRole },
        /// `sealed`: name, topic and heading, under epoch `n` of the space; of a private one under its own first, which follows.
        16 = CreateChannel {
            channel: ChannelId, kind: ChannelKind, members: List<UserId, MAX_NAMED>, n: u32, sealed: Bytes<2048>,
        },
        17 = UpdateChannel { channel: ChannelId, n: u32, sealed: Bytes<2048>, archived: bool },
        /// A private channel's own key.
        18 = ChannelEpoch {
            channel: ChannelId, n: u32, suite: u16, commit: [u8; 32], roster_hash: [u8; 32], reason: EpochReason,
            backlink: Bytes<256>,
        },
        /// Who is in a private channel.
        19 = ChannelMembers { channel: ChannelId, add: List<UserId, MAX_NAMED>, remove: List<UserId, MAX_NAMED> },
        /// Somebody's message, with what it was changed to, is to be gone for everybody.
        20 = Redact { target: EnvelopeHash, edits: List<EnvelopeHash, MAX_EDITS> },
        /// Messages live so many seconds from here on; 0: for ever. Those up to number `after`, the newest that its actor knew,
        /// were written without it.
        21 = SetTtl { seconds: u32, after: u64 },
        /// The order of channels and headings as a whole, under the room key of epoch `n`.
        22 = ArrangeChannels { n: u32, sealed: Bytes<32768> },
        /// Puts a message where everybody finds it again, or takes it from there.
        25 = Pin { channel: ChannelId, target: EnvelopeHash, on: bool },
        /// What somebody writes before this time does not count; 0: it does again.
        31 = TimeOut { user_id: UserId, until: u64 },
        /// So many seconds between two texts of one person; 0: none.
        32 = SetSlowMode { channel: ChannelId, seconds: u32 },
        /// Why its actor made the entry before it, sealed under the room key of epoch `n`.
        33 = Reason { n: u32, of: u64, sealed: Bytes<1024> },
    }
}

impl RoomBody {
    /// The user log that the entry looks into.
    pub const fn named(&self) -> Option<&MemberRef> {
        match self {
            Self::AddMember { member, .. } | Self::UserUpdate { member, .. } | Self::Join { member, .. } => {
                Some(member)
            }
            _ => None,
        }
    }
}

/// What the key of an invite signs for somebody who joins.
pub fn join_bytes(room: &RoomId, invite: &InviteId, joiner: &UserId, nonce: &[u8; 16]) -> Vec<u8> {
    let mut out = room.to_bytes();
    invite.encode(&mut out);
    joiner.encode(&mut out);
    nonce.encode(&mut out);
    out
}

/// `H("invite-id", inv_pk)[..16]`: whoever has the link knows it, and nobody makes two invites of one id.
pub fn invite_id(key: &PublicKey) -> InviteId {
    let mut id = [0; 16];
    id.copy_from_slice(&hash(Label::InviteId, &[key.as_bytes()])[..16]);
    InviteId::from_bytes(id)
}

/// Where verified user logs are looked up while a room log is read.
pub trait UserLogs {
    fn user_log(&self, user: &UserId) -> Option<&UserLog>;
}

impl UserLogs for BTreeMap<UserId, UserLog> {
    fn user_log(&self, user: &UserId) -> Option<&UserLog> {
        self.get(user)
    }
}

/// A member as the room sees them.
#[derive(Debug, Clone)]
pub struct Member {
    pub role: Role,
    pub ulog_seq: u64,
    pub ulog_head: Head,
    pub view: Arc<UserView>,
    /// The entry that added them.
    pub since: u64,
}

/// The newest room key as the log names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochInfo {
    /// `MAIN`: the room's own key. Otherwise that of a private channel.
    pub channel: ChannelId,
    pub n: u32,
    pub suite: u16,
    pub commit: [u8; 32],
    pub roster_hash: [u8; 32],
    /// `prev` of the entry: part of what the commitment binds.
    pub prev: Head,
    pub seq: u64,
    pub ts: u64,
    pub actor: UserId,
    pub backlink: Bytes<256>,
}

/// Somebody who is no longer here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    pub banned: bool,
    /// What they had when they left; 0 for who never was in.
    pub rank: u8,
    /// The entry that took them out.
    pub until: u64,
    /// From when on they were a member.
    pub since: u64,
    /// How far the room had seen their user log: whoever comes back does not come back with an older view.
    pub ulog_seq: u64,
    pub ulog_head: Head,
    pub cut: Vec<Cut>,
}

/// A way in, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    pub key: PublicKey,
    pub role: Role,
    pub mode: JoinMode,
    pub max_uses: u32,
    /// Joins so far, in log order.
    pub uses: u32,
    /// Milliseconds since 1970.
    pub expires: u64,
    pub revoked: bool,
    pub by: UserId,
    pub card: Bytes<1024>,
}

impl Invite {
    /// Whether it lets in one more at this time.
    pub const fn is_open(&self, now_ms: u64) -> bool {
        !self.revoked && self.uses < self.max_uses && now_ms <= self.expires
    }
}

/// Somebody who asked to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinRequest {
    pub invite: InviteId,
    /// The entry that asked.
    pub seq: u64,
    pub ulog_seq: u64,
    pub ulog_head: Head,
}

/// A device's time in a room: from when to when its owner was a member and the room's view held it active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenure {
    pub pk: PublicKey,
    /// `[from, until)` in entries, in order and apart; the last may be open.
    pub spans: Vec<(u64, Option<u64>)>,
}

/// How long messages live, from an entry on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    pub entry: u64,
    /// 0: for ever.
    pub seconds: u32,
    /// Messages up to this number were written without it.
    pub after: u64,
}

/// A message that stands where everybody finds it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pinned {
    pub target: EnvelopeHash,
    pub by: UserId,
    /// The entry that said so.
    pub entry: u64,
}

/// One entry as people should hear of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub seq: u64,
    pub ts: u64,
    pub actor: UserId,
    pub body: RoomBody,
    pub news: News,
}

/// What a UserUpdate changed about its person; nothing for any other entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct News {
    /// Another identity key.
    pub identity: bool,
    /// A device that was not active before.
    pub device: bool,
    pub closed: bool,
}

impl News {
    fn between(before: &UserView, now: &UserView) -> Self {
        Self {
            identity: now.ik != before.ik,
            device: now.devices.keys().any(|id| !before.devices.contains_key(id)),
            closed: now.closed && !before.closed,
        }
    }
}

/// A room after further entries, and what they said.
pub type Extended = Unproven<(RoomState, Vec<Event>)>;

/// A room after some entry. Comes from [`RoomState::begin`] and [`RoomState::extend`] alone.
#[derive(Debug, Clone)]
pub struct RoomState {
    pub room_id: RoomId,
    pub kind: RoomKind,
    pub policy: Policy,
    pub creator: UserId,
    pub created: u64,
    pub seq: u64,
    pub head: Head,
    /// Hash of every entry, by seq.
    pub hashes: Vec<Head>,
    pub members: BTreeMap<UserId, Member>,
    pub former: BTreeMap<UserId, Former>,
    /// Every invite there ever was.
    pub invites: BTreeMap<InviteId, Invite>,
    /// Who waits for a moderator.
    pub requests: BTreeMap<UserId, JoinRequest>,
    /// Every epoch so far; `epochs[i].n == i + 1`.
    pub epochs: Vec<EpochInfo>,
    pub meta: Option<(u32, Bytes<4096>)>,
    pub closed: bool,
    /// Lifetimes of messages, oldest first.
    pub ttls: Vec<Lifetime>,
    /// By channel, oldest first. What was deleted since stands here until somebody takes it away.
    pub pins: BTreeMap<ChannelId, Vec<Pinned>>,
    /// A member went, or somebody's keys changed, since the newest epoch: nobody may send before the key is changed.
    pub rotation_due: bool,
    pub roles: Roles,
    /// Of a space; elsewhere there is none but `MAIN`.
    pub channels: BTreeMap<ChannelId, Channel>,
    /// Channels and headings in their order, sealed under this epoch.
    pub arrangement: Option<(u32, Bytes<32768>)>,
    pub(super) moderation: Moderation,
    tenures: BTreeMap<(UserId, DeviceKeyId), Tenure>,
    /// Of browsers that were revoked.
    cuts: BTreeMap<(UserId, DeviceKeyId), Vec<Cut>>,
}

impl RoomState {
    /// A room from its signed genesis. `expected` is the id under which it was asked for.
    pub fn begin(blob: &SignedBlob, expected: &RoomId, logs: &impl UserLogs) -> Result<Unproven<Self>, LogError> {
        let genesis = RoomGenesis::from_bytes(&blob.body)?;
        if room_id(&blob.body) != *expected {
            return Err(LogError::WrongLog);
        }
        if genesis.policy.suite != SUITE_1 {
            return Err(LogError::BadSuite);
        }
        let roster_fits = match genesis.kind {
            RoomKind::Direct => genesis.members.len() == 1,
            RoomKind::Group | RoomKind::Space => genesis.members.is_empty(),
        };
        if !roster_fits
            || genesis
                .members
                .iter()
                .any(|other| other.user_id == genesis.creator.user_id)
        {
            return Err(LogError::RosterFrozen);
        }
        let mut members = BTreeMap::new();
        let creator = member_at(&genesis.creator, Role::Owner, 0, logs)?;
        let signer = *creator
            .view
            .active_device(&genesis.creator_dk)
            .ok_or(LogError::DeviceNotActive)?;
        members.insert(genesis.creator.user_id, creator);
        for other in genesis.members.iter() {
            let member = member_at(other, Role::Owner, 0, logs)?;
            if member.view.closed {
                return Err(LogError::NoSuchTarget);
            }
            members.insert(other.user_id, member);
        }
        let head = entry_hash(&blob.body);
        let mut state = Self {
            room_id: *expected,
            kind: genesis.kind,
            policy: genesis.policy,
            creator: genesis.creator.user_id,
            created: genesis.ts,
            seq: 0,
            head,
            hashes: vec![head],
            members,
            former: BTreeMap::new(),
            invites: BTreeMap::new(),
            requests: BTreeMap::new(),
            epochs: Vec::new(),
            meta: None,
            closed: false,
            ttls: Vec::new(),
            pins: BTreeMap::new(),
            rotation_due: true,
            roles: Roles::default(),
            channels: BTreeMap::new(),
            arrangement: None,
            moderation: Moderation::default(),
            tenures: BTreeMap::new(),
            cuts: BTreeMap::new(),
        };
        let people: Vec<UserId> = state.members.keys().copied().collect();
        for user in &people {
            state.note_tenure(user, 0);
            state.roles.note_held(user, Role::Owner, 0);
        }
        let job = VerifyJob {
            key: signer,
            label: Label::RoomLog,
            message: blob.body.clone(),
            sig: blob.sig,
        };
        Ok(Unproven::new(state, vec![job]))
    }

    /// Appends `blobs` in order. The error names the index of the first that does not fit; nothing is taken then.
    /// On success there is one job labelled `RoomLog` for each entry, in order; a Join has that of its invite before it.
    pub fn extend(&self, blobs: &[SignedBlob], logs: &impl UserLogs) -> Result<Extended, (usize, LogError)> {
        let mut state = self.clone();
        let mut jobs = Vec::with_capacity(blobs.len());
        let mut events = Vec::with_capacity(blobs.len());
        for (index, blob) in blobs.iter().enumerate() {
            let (event, signer) = state.apply(blob, logs).map_err(|error| (index, error))?;
            jobs.extend(state.invite_job(&event));
            jobs.push(VerifyJob {
                key: signer,
                label: Label::RoomLog,
                message: blob.body.clone(),
                sig: blob.sig,
            });
            events.push(event);
        }
        Ok(Unproven::new((state, events), jobs))
    }

    /// Everything about an entry but its signature. Leaves `self` untouched when it fails.
    fn apply(&mut self, blob: &SignedBlob, logs: &impl UserLogs) -> Result<(Event, PublicKey), LogError> {
        let entry = RoomEntry::from_bytes(&blob.body)?;
        if entry.room_id != self.room_id {
            return Err(LogError::WrongLog);
        }
        if entry.seq != self.seq + 1 {
            return Err(LogError::Sequence);
        }
        if entry.prev != self.head {
            return Err(LogError::Chain);
        }
        if self.closed {
            return Err(LogError::Closed);
        }
        let updated = match &entry.body {
            RoomBody::UserUpdate { member, .. } => Some(member.user_id),
            _ => None,
        };
        let before = (updated.and_then(|id| self.members.get(&id))).map(|member| member.view.clone());
        let signer = match &entry.body {
            RoomBody::Join { invite_id, member, .. } => self.apply_join(&entry, invite_id, member, logs)?,
            body => {
                let actor = self.members.get(&entry.actor).ok_or(LogError::NotMember)?;
                // A new browser's first act in a room brings the view that knows it.
                let view = match body {
                    RoomBody::UserUpdate { member, .. } if member.user_id == entry.actor => {
                        self.moved_view(member, logs)?
                    }
                    _ => actor.view.clone(),
                };
                let signer = *view.active_device(&entry.actor_dk).ok_or(LogError::DeviceNotActive)?;
                let own = self.roles.standing(actor.role).ok_or(LogError::NotAllowed)?;
                self.apply_body(&entry, own, logs)?;
                signer
            }
        };
        let now = updated.and_then(|id| self.members.get(&id));
        let news = before.zip(now).map(|(before, now)| News::between(&before, &now.view));
        match &entry.body {
            RoomBody::Remove { user_id, .. } => self.note_tenure(user_id, entry.seq),
            RoomBody::Leave => self.note_tenure(&entry.actor, entry.seq),
            body => {
                if let Some(member) = body.named() {
                    self.note_tenure(&member.user_id, entry.seq);
                }
            }
        }
        self.note_moderation(&entry);
        self.seq = entry.seq;
        self.head = entry_hash(&blob.body);
        self.hashes.push(self.head);
        Ok((
            Event {
                seq: entry.seq,
                ts: entry.ts,
                actor: entry.actor,
                body: entry.body,
                news: news.unwrap_or_default(),
            },
            signer,
        ))
    }

    fn apply_body(&mut self, entry: &RoomEntry, own: Standing, logs: &impl UserLogs) -> Result<(), LogError> {
        let allow = |permission| {
            if own.rights.has(permission) {
                Ok(())
            } else {
                Err(LogError::NotAllowed)
            }
        };
        match &entry.body {
            RoomBody::AddMember { member, role: new_role } => {
                self.roster_may_change()?;
                if !self.may_bring_in(own, *new_role) {
                    return Err(LogError::NotAllowed);
                }
                // Whoever came by an invite that asks for approval is a moderator's to let in.
                if self.requests.contains_key(&member.user_id) {
                    allow(Permission::Kick)?;
                }
                let added = self.newcomer(member, *new_role, entry.seq, logs)?;
                self.take_in(member.user_id, added, entry.seq);
            }
            RoomBody::Leave => {
                self.roster_may_change()?;
                // The very last person may go, but not step down: who they add would be in a room without an owner.
                if self.members.len() > 1 {
                    self.keeps_an_owner_without(&entry.actor)?;
                }
                self.take_out(entry.actor, false, entry.seq, Vec::new());
            }
            RoomBody::Remove { user_id, ban, cut } => {
                self.roster_may_change()?;
                allow(if *ban { Permission::Ban } else { Permission::Kick })?;
                self.cut_fits(&entry.actor, cut)?;
                // Sent away before they were in: no key of theirs to change, no word of theirs to cut.
                if let Some(request) = self.requests.remove(user_id) {
                    self.send_away(*user_id, request, *ban, entry.seq);
                    return Ok(());
                }
                let Some(target) = self.standing_of(user_id) else {
                    // Who left before they could be banned. There is nothing of theirs to cut any more.
                    let is_below = self.outranks_gone(&entry.actor, user_id).filter(|_| *ban);
                    if !is_below.ok_or(LogError::NoSuchTarget)? || !cut.is_empty() {
                        return Err(LogError::NotAllowed);
                    }
                    if let Some(former) = self.former.get_mut(user_id) {
                        former.banned = true;
                    }
                    return Ok(());
                };
                if target.rank >= own.rank || *user_id == entry.actor {
                    return Err(LogError::NotAllowed);
                }
                self.take_out(*user_id, *ban, entry.seq, cut.as_slice().to_vec());
            }
            RoomBody::Unban { user_id } => {
                allow(Permission::Ban)?;
                let former = self.former.get_mut(user_id).filter(|former| former.banned);
                former.ok_or(LogError::NoSuchTarget)?.banned = false;
            }
            RoomBody::SetRole {
                user_id,
                role: new_role,
            } => {
                self.roster_may_change()?;
                self.set_role(&entry.actor, user_id, *new_role, entry.seq)?;
            }
            RoomBody::SetPolicy { policy } => {
                self.by_an_owner(&entry.actor)?;
                if policy.suite != SUITE_1 {
                    return Err(LogError::BadSuite);
                }
                self.rotation_due |= policy.history != self.policy.history;
                self.policy = policy.clone();
            }
            RoomBody::SetMeta { n, sealed } => {
                if self.kind == RoomKind::Direct {
                    return Err(LogError::NotAllowed);
                }
                allow(Permission::Meta)?;
                if self.epoch().map(|epoch| epoch.n) != Some(*n) {
                    return Err(LogError::BadEpoch);
                }
                self.meta = Some((*n, sealed.clone()));
            }
            RoomBody::Epoch {
                n,
                suite,
                commit,
                roster_hash,
                backlink,
                ..
            } => {
                allow(Permission::Post)?;
                if *suite != self.policy.suite {
                    return Err(LogError::BadSuite);
                }
                let linked = *n > 1 && self.policy.history == History::Shared;
                let fits = *n == self.epoch_number() + 1
                    && *roster_hash == self.roster_hash()
                    && linked != backlink.as_slice().is_empty();
                if !fits {
                    return Err(LogError::BadEpoch);
                }
                self.epochs.push(EpochInfo {
                    channel: ChannelId::MAIN,
                    n: *n,
                    suite: *suite,
                    commit: *commit,
                    roster_hash: *roster_hash,
                    prev: entry.prev,
                    seq: entry.seq,
                    ts: entry.ts,
                    actor: entry.actor,
                    backlink: backlink.clone(),
                });
                self.rotation_due = false;
            }
            RoomBody::UserUpdate { member, cut } => {
                let next = self.moved_view(member, logs)?;
                self.cut_fits(&entry.actor, cut)?;
                let outranks = self.outranks(&entry.actor, &member.user_id);
                let current = self.members.get_mut(&member.user_id).ok_or(LogError::NoSuchTarget)?;
                // Also a device that came and went between the two views: it had its owner's keys.
                let revoked = next.revocations != current.view.revocations || (next.closed && !current.view.closed);
                // A cut voids messages of what is revoked, and only for who may: it could be set before what was rightly said.
                let may_cut = member.user_id == entry.actor || (outranks && own.rights.has(Permission::Kick));
                if !(cut.is_empty() || revoked && may_cut) {
                    return Err(LogError::BadCut);
                }
                let gone = current
                    .view
                    .devices
                    .keys()
                    .filter(|id| next.active_device(id).is_none());
                for device in gone.filter(|_| !cut.is_empty()) {
                    self.cuts.insert((member.user_id, *device), cut.as_slice().to_vec());
                }
                let is_due = revoked || current.view.kem_g != next.kem_g || current.view.ik != next.ik;
                current.ulog_seq = member.ulog_seq;
                current.ulog_head = member.ulog_head;
                current.view = next;
                if is_due {
                    self.rotation_due = true;
                    self.channel_keys_are_due(&member.user_id);
                }
            }
            RoomBody::Close => {
                self.by_an_owner(&entry.actor)?;
                self.closed = true;
            }
            RoomBody::CreateInvite {
                invite_id: id,
                inv_pk,
                role: new_role,
                max_uses,
                expires,
                mode,
                card,
            } => {
                self.roster_may_change()?;
                if !self.may_bring_in(own, *new_role) {
                    return Err(LogError::NotAllowed);
                }
                if invite_id(inv_pk) != *id {
                    return Err(LogError::NoSuchInvite);
                }
                if self.invites.contains_key(id) {
                    return Err(LogError::AlreadyThere);
                }
                // One that nobody can ever use would not count among the open ones, and there could be any number.
                if *max_uses == 0 || entry.ts > *expires {
                    return Err(LogError::NoSuchInvite);
                }
                let open = self.invites.values().filter(|invite| invite.is_open(entry.ts)).count();
                if open >= MAX_OPEN_INVITES {
                    return Err(LogError::TooMany);
                }
                self.invites.insert(
                    *id,
                    Invite {
                        key: *inv_pk,
                        role: *new_role,
                        mode: *mode,
                        max_uses: *max_uses,
                        uses: 0,
                        expires: *expires,
                        revoked: false,
                        by: entry.actor,
                        card: card.clone(),
                    },
                );
            }
            RoomBody::RevokeInvite { invite_id } => {
                let invite = self.invites.get_mut(invite_id).ok_or(LogError::NoSuchInvite)?;
                if invite.by != entry.actor {
                    allow(Permission::Kick)?;
                }
                if invite.revoked {
                    return Err(LogError::InviteOver);
                }
                invite.revoked = true;
            }
            // Not by a member.
            RoomBody::Join { .. } => return Err(LogError::AlreadyThere),
            RoomBody::Redact { .. } => {
                // In a direct message everybody deletes their own.
                self.roster_may_change()?;
                allow(Permission::Redact)?;
            }
            RoomBody::SetTtl { seconds, after } => {
                // `after` counts in one channel.
                if self.kind == RoomKind::Space {
                    return Err(LogError::NotAllowed);
                }
                allow(Permission::SetRole)?;
                if *seconds != 0 && !(MIN_TTL_SECS..=MAX_TTL_SECS).contains(seconds) {
                    return Err(LogError::NotAllowed);
                }
                self.ttls.push(Lifetime {
                    entry: entry.seq,
                    seconds: *seconds,
                    after: *after,
                });
            }
            RoomBody::DefineRole {
                role,
                rank,
                rights,
                n,
                sealed,
            } => {
                let def = RoleDef {
                    standing: Standing::new(*rank, *rights),
                    n: *n,
                    sealed: sealed.clone(),
                };
                self.define_role(own, *role, def, entry.seq)?;
            }
            RoomBody::DropRole { role } => self.drop_role(own, *role, entry.seq)?,
            RoomBody::CreateChannel {
                channel,
                kind,
                members,
                n,
                sealed,
            } => {
                let (members, name) = (members.as_slice(), (*n, sealed.clone()));
                self.create_channel(own, &entry.actor, *channel, *kind, members, name, entry.seq)?;
            }
            RoomBody::UpdateChannel {
                channel,
                n,
                sealed,
                archived,
            } => {
                let name = (*n, sealed.clone());
                self.update_channel(own, &entry.actor, channel, name, *archived, entry.seq)?;
            }
            RoomBody::ChannelEpoch {
                channel,
                n,
                suite,
                commit,
                roster_hash,
                backlink,
                ..
            } => {
                let epoch = EpochInfo {
                    channel: *channel,
                    n: *n,
                    suite: *suite,
                    commit: *commit,
                    roster_hash: *roster_hash,
                    prev: entry.prev,
                    seq: entry.seq,
                    ts: entry.ts,
                    actor: entry.actor,
                    backlink: backlink.clone(),
                };
                self.channel_epoch(own, entry, channel, epoch)?;
            }
            RoomBody::ChannelMembers { channel, add, remove } => {
                let people = (add.as_slice(), remove.as_slice());
                self.channel_members(own, &entry.actor, channel, people, entry.seq)?;
            }
            RoomBody::ArrangeChannels { n, sealed } => self.arrange(own, *n, sealed)?,
            RoomBody::TimeOut { .. } | RoomBody::SetSlowMode { .. } | RoomBody::Reason { .. } => {
                self.apply_moderation(entry, own)?;
            }
            RoomBody::Pin { channel, target, on } => {
                allow(Permission::Pin)?;
                self.pin(entry, channel, *target, *on)?;
            }
        }
        Ok(())
    }

    fn pin(&mut self, entry: &RoomEntry, channel: &ChannelId, target: EnvelopeHash, on: bool) -> Result<(), LogError> {
        if !self.may_read(&entry.actor, channel) {
            return Err(LogError::NoSuchTarget);
        }
        let pins = self.pins.entry(*channel).or_default();
        let place = pins.iter().position(|pinned| pinned.target == target);
        match (on, place) {
            (true, Some(_)) => return Err(LogError::AlreadyThere),
            (true, None) if pins.len() >= MAX_PINS => return Err(LogError::TooMany),
            (true, None) => pins.push(Pinned {
                target,
                by: entry.actor,
                entry: entry.seq,
            }),
            (false, Some(place)) => drop(pins.remove(place)),
            (false, None) => return Err(LogError::NoSuchTarget),
        }
        Ok(())
    }

    /// Whether whoever made an invite may still bring in people with its role.
    pub fn maker_stands(&self, invite: &Invite) -> bool {
        (self.standing_of(&invite.by)).is_some_and(|maker| self.may_bring_in(maker, invite.role))
    }

    /// Somebody lets themselves in. Gives the key of the device that must have signed the entry.
    fn apply_join(
        &mut self,
        entry: &RoomEntry,
        id: &InviteId,
        member: &MemberRef,
        logs: &impl UserLogs,
    ) -> Result<PublicKey, LogError> {
        self.roster_may_change()?;
        if member.user_id != entry.actor {
            return Err(LogError::NotMember);
        }
        if self.requests.contains_key(&member.user_id) {
            return Err(LogError::AlreadyThere);
        }
        let invite = self.invites.get(id).ok_or(LogError::NoSuchInvite)?;
        // An invite is worth what its maker may do now.
        if !self.maker_stands(invite) || !invite.is_open(entry.ts) {
            return Err(LogError::InviteOver);
        }
        let added = self.newcomer(member, invite.role, entry.seq, logs)?;
        let signer = *added
            .view
            .active_device(&entry.actor_dk)
            .ok_or(LogError::DeviceNotActive)?;
        match invite.mode {
            JoinMode::Member => self.take_in(member.user_id, added, entry.seq),
            JoinMode::Approval => {
                if self.requests.len() >= MAX_REQUESTS {
                    return Err(LogError::TooMany);
                }
                let request = JoinRequest {
                    invite: *id,
                    seq: entry.seq,
                    ulog_seq: member.ulog_seq,
                    ulog_head: member.ulog_head,
                };
                self.requests.insert(member.user_id, request);
            }
        }
        if let Some(invite) = self.invites.get_mut(id) {
            invite.uses += 1;
        }
        Ok(signer)
    }

    /// The signature by which a Join shows that its author holds the link.
    fn invite_job(&self, event: &Event) -> Option<VerifyJob> {
        let RoomBody::Join {
            invite_id,
            member,
            nonce,
            inv_sig,
        } = &event.body
        else {
            return None;
        };
        Some(VerifyJob {
            key: self.invites.get(invite_id)?.key,
            label: Label::Join,
            message: join_bytes(&self.room_id, invite_id, &member.user_id, nonce),
            sig: *inv_sig,
        })
    }

    /// Somebody who may come in now, as the room would see them.
    fn newcomer(&self, member: &MemberRef, role: Role, since: u64, logs: &impl UserLogs) -> Result<Member, LogError> {
        let user = &member.user_id;
        if self.members.contains_key(user) {
            return Err(LogError::AlreadyThere);
        }
        if self.former.get(user).is_some_and(|former| former.banned) {
            return Err(LogError::Banned);
        }
        if self.members.len() >= MAX_MEMBERS {
            return Err(LogError::TooMany);
        }
        // Not with an older view than the room has had: it would revive what was revoked.
        let former = self.former.get(user).map(|former| (former.ulog_seq, former.ulog_head));
        let request = self
            .requests
            .get(user)
            .map(|request| (request.ulog_seq, request.ulog_head));
        for (seq, head) in former.into_iter().chain(request) {
            if member.ulog_seq < seq {
                return Err(LogError::Sequence);
            }
            same_chain(user, seq, head, logs)?;
        }
        let added = member_at(member, role, since, logs)?;
        if added.view.closed {
            return Err(LogError::NoSuchTarget);
        }
        Ok(added)
    }

    fn take_in(&mut self, user: UserId, added: Member, seq: u64) {
        self.roles.note_held(&user, added.role, seq);
        self.members.insert(user, added);
        self.former.remove(&user);
        self.requests.remove(&user);
        self.rotation_due |= self.policy.history == History::Joined;
    }

    fn send_away(&mut self, user: UserId, request: JoinRequest, banned: bool, until: u64) {
        let JoinRequest {
            seq,
            ulog_seq,
            ulog_head,
            ..
        } = request;
        match self.former.get_mut(&user) {
            // Who was here before stays what they were, as far as what they wrote goes.
            Some(former) => {
                former.banned = banned;
                (former.ulog_seq, former.ulog_head) = (ulog_seq, ulog_head);
            }
            None if banned => {
                let former = Former {
                    banned,
                    rank: 0,
                    until,
                    since: seq,
                    ulog_seq,
                    ulog_head,
                    cut: Vec::new(),
                };
                self.former.insert(user, former);
            }
            None => {}
        }
    }

    /// The view a UserUpdate brings: further along the same chain as the one the room has.
    fn moved_view(&self, member: &MemberRef, logs: &impl UserLogs) -> Result<Arc<UserView>, LogError> {
        let current = self.members.get(&member.user_id).ok_or(LogError::NoSuchTarget)?;
        if member.ulog_seq <= current.ulog_seq {
            return Err(LogError::Sequence);
        }
        let next = point(member, logs)?;
        same_chain(&member.user_id, current.ulog_seq, current.ulog_head, logs)?;
        Ok(next)
    }

    fn roster_may_change(&self) -> Result<(), LogError> {
        if self.kind == RoomKind::Direct {
            Err(LogError::RosterFrozen)
        } else {
            Ok(())
        }
    }

    /// What is for good, or for everybody, is no matter of a role that a space has made.
    fn by_an_owner(&self, actor: &UserId) -> Result<(), LogError> {
        match self.members.get(actor) {
            Some(member) if member.role == Role::Owner => Ok(()),
            _ => Err(LogError::NotAllowed),
        }
    }

    pub(super) fn keeps_an_owner_without(&self, user: &UserId) -> Result<(), LogError> {
        let is_owner = self.members.get(user).is_some_and(|member| member.role == Role::Owner);
        let others = self
            .members
            .iter()
            .any(|(id, member)| id != user && member.role == Role::Owner);
        if is_owner && !others {
            Err(LogError::LastOwner)
        } else {
            Ok(())
        }
    }

    fn take_out(&mut self, user: UserId, banned: bool, until: u64, cut: Vec<Cut>) {
        let rank = self.standing_of(&user).map_or(0, |standing| standing.rank);
        if let Some(member) = self.members.remove(&user) {
            let Member {
                since,
                ulog_seq,
                ulog_head,
                ..
            } = member;
            self.former.insert(
                user,
                Former {
                    banned,
                    rank,
                    until,
                    since,
                    ulog_seq,
                    ulog_head,
                    cut,
                },
            );
            self.rotation_due = true;
            self.leave_channels(&user, until);
        }
    }

    /// A cut names each channel once, and only such as its actor reads: of others they have verified nothing.
    fn cut_fits(&self, actor: &UserId, cut: &List<Cut, 512>) -> Result<(), LogError> {
        let named: BTreeSet<ChannelId> = cut.iter().map(|at| at.channel).collect();
        if named.len() == cut.len() && named.iter().all(|channel| self.may_read(actor, channel)) {
            Ok(())
        } else {
            Err(LogError::BadCut)
        }
    }

    /// Opens and closes spans so that they match who is here and which of their devices are active, as of entry `seq`.
    fn note_tenure(&mut self, user: &UserId, seq: u64) {
        let active: BTreeMap<DeviceKeyId, PublicKey> = match self.members.get(user) {
            Some(member) => member
                .view
                .devices
                .keys()
                .filter_map(|id| Some((*id, *member.view.active_device(id)?)))
                .collect(),
            None => BTreeMap::new(),
        };
        let first = DeviceKeyId::from_bytes([0; 32]);
        let last = DeviceKeyId::from_bytes([0xff; 32]);
        for ((_, device), tenure) in self.tenures.range_mut((*user, first)..=(*user, last)) {
            if let Some((_, until @ None)) = tenure.spans.last_mut()
                && !active.contains_key(device)
            {
                *until = Some(seq);
            }
        }
        for (device, pk) in active {
            let tenure = self
                .tenures
                .entry((*user, device))
                .or_insert_with(|| Tenure { pk, spans: Vec::new() });
            if !matches!(tenure.spans.last(), Some((_, None))) {
                tenure.spans.push((seq, None));
            }
        }
    }

    /// The key of `device` if its owner was a member with it after entry `log_seq`: who may have signed a message that
    /// names that point of the log.
    pub fn author_key(&self, user: &UserId, device: &DeviceKeyId, log_seq: u64) -> Option<&PublicKey> {
        if log_seq > self.seq {
            return None;
        }
        let tenure = self.tenures.get(&(*user, *device))?;
        let begun = tenure.spans.partition_point(|(from, _)| *from <= log_seq);
        let (_, until) = tenure.spans.get(begun.checked_sub(1)?)?;
        until.is_none_or(|until| log_seq < until).then_some(&tenure.pk)
    }

    /// The entries from `from` to `to` at which [`Self::author_key`] changes, and perhaps one on each side of them.
    pub(super) fn tenure_changes(
        &self,
        user: &UserId,
        device: &DeviceKeyId,
        from: u64,
        to: u64,
    ) -> impl Iterator<Item = u64> {
        let tenure = self.tenures.get(&(*user, *device));
        let spans = tenure.map_or(&[][..], |tenure| &tenure.spans);
        // None begins before the one ahead of it has ended.
        let over = spans.partition_point(|(_, until)| until.is_some_and(|until| until < from));
        let begun = spans.partition_point(|(start, _)| *start <= to);
        let spans = spans.get(over..begun).unwrap_or_default();
        spans.iter().flat_map(|(start, until)| [Some(*start), *until]).flatten()
    }

    /// How long a message may live whose author knew the log up to entry `log_seq`.
    pub fn ttl_at(&self, log_seq: u64) -> Option<u32> {
        let upto = self.ttls.partition_point(|lifetime| lifetime.entry <= log_seq);
        let newest = self.ttls.get(..upto).and_then(<[_]>::last);
        newest.map(|lifetime| lifetime.seconds).filter(|seconds| *seconds > 0)
    }

    /// Whether message `seq` of this author comes after the point up to which theirs count: they were removed, or that
    /// browser was revoked, by somebody who had verified the channel so far.
    pub fn is_cut_off(&self, user: &UserId, device: &DeviceKeyId, channel: &ChannelId, seq: u64) -> bool {
        let former = self.former.get(user).map(|former| former.cut.as_slice());
        let revoked = self.cuts.get(&(*user, *device)).map(Vec::as_slice);
        let mut cuts = former.into_iter().chain(revoked).flatten();
        cuts.any(|cut| cut.channel == *channel && seq > cut.seq)
    }

    pub fn epoch(&self) -> Option<&EpochInfo> {
        self.epochs.last()
    }

    /// Number of the newest epoch; 0 before the first.
    pub fn epoch_number(&self) -> u32 {
        self.epochs.last().map_or(0, |epoch| epoch.n)
    }

    /// To whom a room key is wrapped: everybody whose account the room does not see closed.
    pub fn roster(&self) -> impl Iterator<Item = (&UserId, &Member)> {
        self.members.iter().filter(|(_, member)| !member.view.closed)
    }

    /// `H("roster", sorted (user_id, g, kk))`.
    pub fn roster_hash(&self) -> [u8; 32] {
        self.roster_hash_of(&ChannelId::MAIN)
    }

    /// Whether this device of this person may write here now; in a space, in some channel.
    pub fn may_post(&self, user: &UserId, device: &DeviceKeyId) -> bool {
        !self.closed
            && self.allows(user, Permission::Post)
            && (self.members.get(user)).is_some_and(|member| member.view.active_device(device).is_some())
    }
}

/// `H("room-id", genesis)`.
pub fn room_id(genesis: &[u8]) -> RoomId {
    RoomId::from_bytes(hash(Label::RoomId, &[genesis]))
}

/// `H("entry", entry)`: what the next entry builds on.
pub fn entry_hash(body: &[u8]) -> Head {
    Head::from_bytes(hash(Label::EntryHash, &[body]))
}

fn point(member: &MemberRef, logs: &impl UserLogs) -> Result<Arc<UserView>, LogError> {
    // A place that no log has: waiting for it would be waiting for ever.
    if member.ulog_seq > MAX_USER_ENTRIES {
        return Err(LogError::UserLogMismatch);
    }
    let missing = LogError::NeedsUserLog {
        user: member.user_id,
        seq: member.ulog_seq,
    };
    let (head, view) = logs
        .user_log(&member.user_id)
        .and_then(|log| log.at(member.ulog_seq))
        .ok_or(missing)?;
    if head != member.ulog_head {
        return Err(LogError::UserLogMismatch);
    }
    Ok(view.clone())
}

/// Whether the log at hand goes through the entry that the room saw before.
fn same_chain(user: &UserId, seq: u64, head: Head, logs: &impl UserLogs) -> Result<(), LogError> {
    let log = logs.user_log(user).ok_or(LogError::NeedsUserLog { user: *user, seq })?;
    let (found, _) = log.at(seq).ok_or(LogError::NeedsUserLog { user: *user, seq })?;
    if found == head {
        Ok(())
    } else {
        Err(LogError::UserLogMismatch)
    }
}

fn member_at(member: &MemberRef, role: Role, since: u64, logs: &impl UserLogs) -> Result<Member, LogError> {
    let view = point(member, logs)?;
    Ok(Member {
        role,
        ulog_seq: member.ulog_seq,
        ulog_head: member.ulog_head,
        view,
        since,
    })
}

/// Everybody who is or was here; who may appear as an author.
impl RoomState {
    pub fn known_people(&self) -> BTreeSet<UserId> {
        let here = self.members.keys().chain(self.requests.keys());
        here.chain(self.former.keys()).copied().collect()
    }
}
