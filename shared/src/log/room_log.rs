//! A room's members, roles and room keys: an append-only log signed by the members' devices.
//!
//! `room_id = H("room-id", genesis)`. Relay and client run the same [`RoomState::extend`]; for the relay it is hygiene,
//! for the client it is security. A room looks at its members' user logs only through *views* that the log itself moves
//! forward (AddMember, UserUpdate), so "signed before that device was revoked" is decided inside one chain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::LogError;
use super::user_log::{MAX_USER_ENTRIES, UserLog, UserView};
use crate::api::limits::{MAX_EDITS, MAX_TTL_SECS, MIN_TTL_SECS};
use crate::codec::{Bytes, Codec, List};
use crate::crypto::hash::hash;
use crate::crypto::label::Label;
use crate::crypto::sign::{PublicKey, SignedBlob, Unproven, VerifyJob};
use crate::id::{ChannelId, DeviceKeyId, EnvelopeHash, Head, RoomId, UserId};
use crate::{choice, record};

/// Members a room may have.
pub const MAX_MEMBERS: usize = 2_000;
/// The only cipher suite of version 1: P-256, AES-256-GCM, HKDF-SHA256.
pub const SUITE_1: u16 = 1;

choice! {
    #[derive(Copy, Hash)]
    pub enum RoomKind {
        /// Two people; the roster never changes.
        1 = Direct,
        2 = Group,
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

choice! {
    #[derive(Copy, PartialOrd, Ord, Hash)]
    pub enum Role {
        1 = Member,
        2 = Moderator,
        3 = Owner,
    }
}

/// What a role allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    Post,
    Invite,
    Kick,
    Ban,
    SetRole,
    Meta,
    Redact,
}

impl Role {
    pub const fn allows(self, permission: Permission) -> bool {
        match self {
            Self::Owner => true,
            Self::Moderator => !matches!(permission, Permission::SetRole),
            Self::Member => matches!(permission, Permission::Post | Permission::Invite),
        }
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
        /// Somebody's message, with what it was changed to, is to be gone for everybody.
        20 = Redact { target: EnvelopeHash, edits: List<EnvelopeHash, MAX_EDITS> },
        /// Messages live so many seconds from here on; 0: for ever. Those up to number `after`, the newest that its actor knew,
        /// were written without it.
        21 = SetTtl { seconds: u32, after: u64 },
    }
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
    /// The entry that took them out.
    pub until: u64,
    /// From when on they were a member.
    pub since: u64,
    /// How far the room had seen their user log: whoever comes back does not come back with an older view.
    pub ulog_seq: u64,
    pub ulog_head: Head,
    pub cut: Vec<Cut>,
}

/// A device's time in a room: from when to when its owner was a member and the room's view held it active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenure {
    pub pk: PublicKey,
    /// `[from, until)` in entries; the last may be open.
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

/// One entry as people should hear of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub seq: u64,
    pub ts: u64,
    pub actor: UserId,
    pub body: RoomBody,
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
    /// Every epoch so far; `epochs[i].n == i + 1`.
    pub epochs: Vec<EpochInfo>,
    pub meta: Option<(u32, Bytes<4096>)>,
    pub closed: bool,
    /// Lifetimes of messages, oldest first.
    pub ttls: Vec<Lifetime>,
    /// A member went, or somebody's keys changed, since the newest epoch: nobody may send before the key is changed.
    pub rotation_due: bool,
    tenures: BTreeMap<(UserId, DeviceKeyId), Tenure>,
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
            RoomKind::Group => genesis.members.is_empty(),
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
            epochs: Vec::new(),
            meta: None,
            closed: false,
            ttls: Vec::new(),
            rotation_due: true,
            tenures: BTreeMap::new(),
        };
        let people: Vec<UserId> = state.members.keys().copied().collect();
        for user in &people {
            state.note_tenure(user, 0);
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
    /// On success there is exactly one job for each entry, in order.
    pub fn extend(&self, blobs: &[SignedBlob], logs: &impl UserLogs) -> Result<Extended, (usize, LogError)> {
        let mut state = self.clone();
        let mut jobs = Vec::with_capacity(blobs.len());
        let mut events = Vec::with_capacity(blobs.len());
        for (index, blob) in blobs.iter().enumerate() {
            let (event, signer) = state.apply(blob, logs).map_err(|error| (index, error))?;
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
        let actor = self.members.get(&entry.actor).ok_or(LogError::NotMember)?;
        // A new browser's first act in a room brings the view that knows it.
        let view = match &entry.body {
            RoomBody::UserUpdate { member, .. } if member.user_id == entry.actor => self.moved_view(member, logs)?,
            _ => actor.view.clone(),
        };
        let signer = *view.active_device(&entry.actor_dk).ok_or(LogError::DeviceNotActive)?;
        self.apply_body(&entry, actor.role, logs)?;
        match &entry.body {
            RoomBody::AddMember { member, .. } | RoomBody::UserUpdate { member, .. } => {
                self.note_tenure(&member.user_id, entry.seq);
            }
            RoomBody::Remove { user_id, .. } => self.note_tenure(user_id, entry.seq),
            RoomBody::Leave => self.note_tenure(&entry.actor, entry.seq),
            _ => {}
        }
        self.seq = entry.seq;
        self.head = entry_hash(&blob.body);
        self.hashes.push(self.head);
        Ok((
            Event {
                seq: entry.seq,
                ts: entry.ts,
                actor: entry.actor,
                body: entry.body,
            },
            signer,
        ))
    }

    fn apply_body(&mut self, entry: &RoomEntry, role: Role, logs: &impl UserLogs) -> Result<(), LogError> {
        let allow = |permission| {
            if role.allows(permission) {
                Ok(())
            } else {
                Err(LogError::NotAllowed)
            }
        };
        match &entry.body {
            RoomBody::AddMember { member, role: new_role } => {
                self.roster_may_change()?;
                allow(Permission::Invite)?;
                if *new_role != Role::Member && *new_role >= role {
                    return Err(LogError::NotAllowed);
                }
                if self.members.contains_key(&member.user_id) {
                    return Err(LogError::AlreadyThere);
                }
                if self.former.get(&member.user_id).is_some_and(|former| former.banned) {
                    return Err(LogError::Banned);
                }
                if self.members.len() >= MAX_MEMBERS {
                    return Err(LogError::TooMany);
                }
                if let Some(former) = self.former.get(&member.user_id) {
                    if member.ulog_seq < former.ulog_seq {
                        return Err(LogError::Sequence);
                    }
                    same_chain(&member.user_id, former.ulog_seq, former.ulog_head, logs)?;
                }
                let added = member_at(member, *new_role, entry.seq, logs)?;
                if added.view.closed {
                    return Err(LogError::NoSuchTarget);
                }
                self.members.insert(member.user_id, added);
                self.former.remove(&member.user_id);
                self.rotation_due |= self.policy.history == History::Joined;
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
                let target = self.members.get(user_id).ok_or(LogError::NoSuchTarget)?;
                if target.role >= role || *user_id == entry.actor {
                    return Err(LogError::NotAllowed);
                }
                cut_fits(cut)?;
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
                allow(Permission::SetRole)?;
                let target = self.members.get(user_id).ok_or(LogError::NoSuchTarget)?.role;
                let steps_down = *user_id == entry.actor;
                // An owner may make further owners, and may step down; nobody is taken down by an equal.
                if !steps_down && target >= role {
                    return Err(LogError::NotAllowed);
                }
                if steps_down && *new_role != Role::Owner {
                    self.keeps_an_owner_without(user_id)?;
                }
                if let Some(member) = self.members.get_mut(user_id) {
                    member.role = *new_role;
                }
            }
            RoomBody::SetPolicy { policy } => {
                allow(Permission::SetRole)?;
                if policy.suite < self.policy.suite || policy.suite != SUITE_1 {
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
                let current = self.members.get_mut(&member.user_id).ok_or(LogError::NoSuchTarget)?;
                // Also a device that came and went between the two views: it had its owner's keys.
                let revoked = next.revocations != current.view.revocations || (next.closed && !current.view.closed);
                // A cut voids messages of what is revoked; without that it would void a member's at any other's will.
                cut_fits(cut)?;
                if !revoked && !cut.is_empty() {
                    return Err(LogError::BadCut);
                }
                self.rotation_due |= revoked || current.view.kem_g != next.kem_g || current.view.ik != next.ik;
                current.ulog_seq = member.ulog_seq;
                current.ulog_head = member.ulog_head;
                current.view = next;
            }
            RoomBody::Close => {
                allow(Permission::SetRole)?;
                self.closed = true;
            }
            RoomBody::Redact { .. } => {
                // In a direct message everybody deletes their own.
                self.roster_may_change()?;
                allow(Permission::Redact)?;
            }
            RoomBody::SetTtl { seconds, after } => {
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
        }
        Ok(())
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

    fn keeps_an_owner_without(&self, user: &UserId) -> Result<(), LogError> {
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
                    until,
                    since,
                    ulog_seq,
                    ulog_head,
                    cut,
                },
            );
            self.rotation_due = true;
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
        let here = tenure
            .spans
            .iter()
            .any(|(from, until)| *from <= log_seq && until.is_none_or(|until| log_seq < until));
        here.then_some(&tenure.pk)
    }

    /// How long a message may live whose author knew the log up to entry `log_seq`.
    pub fn ttl_at(&self, log_seq: u64) -> Option<u32> {
        let newest = self.ttls.iter().rev().find(|lifetime| lifetime.entry <= log_seq);
        newest.map(|lifetime| lifetime.seconds).filter(|seconds| *seconds > 0)
    }

    pub fn epoch(&self) -> Option<&EpochInfo> {
        self.epochs.last()
    }

    /// Number of the newest epoch; 0 before the first.
    pub fn epoch_number(&self) -> u32 {
        self.epochs.last().map_or(0, |epoch| epoch.n)
    }

    /// `H("roster", sorted (user_id, g, kk))`: to whom a room key is wrapped.
    pub fn roster_hash(&self) -> [u8; 32] {
        let mut roster = Vec::with_capacity(self.members.len() * 101);
        for (user, member) in &self.members {
            user.encode(&mut roster);
            member.view.kem_g.encode(&mut roster);
            member.view.kk.encode(&mut roster);
        }
        hash(Label::RosterHash, &[&roster])
    }

    /// Whether this device of this person may write here now.
    pub fn may_post(&self, user: &UserId, device: &DeviceKeyId) -> bool {
        !self.closed
            && self.members.get(user).is_some_and(|member| {
                member.role.allows(Permission::Post) && member.view.active_device(device).is_some()
            })
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

/// A cut names each channel once; version 1 has one channel.
fn cut_fits(cut: &List<Cut, 512>) -> Result<(), LogError> {
    if cut.len() <= 1 && cut.iter().all(|at| at.channel == ChannelId::MAIN) {
        Ok(())
    } else {
        Err(LogError::BadCut)
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
        self.members.keys().chain(self.former.keys()).copied().collect()
    }
}
