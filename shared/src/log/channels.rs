//! The channels of a space: which there are, who reads them, who writes in them, and the keys of the private ones.
//!
//! A public channel's key follows from the space's. A private channel has room keys of its own, for those of its members
//! who are members of the space; its name is sealed under them, so that the others know only that it is there, and who is
//! in it. In an announcement channel write those who may change the space's name.
//!
//! A space has no messages in `MAIN`: that name stands for the space's own key alone.

use std::collections::{BTreeMap, BTreeSet};

use super::LogError;
use super::roles::{Permission, Standing, at, within};
use super::room_log::{EpochInfo, History, Member, RoomEntry, RoomKind, RoomState};
use crate::choice;
use crate::codec::{Bytes, Codec};
use crate::crypto::hash::hash;
use crate::crypto::label::Label;
use crate::crypto::sign::PublicKey;
use crate::id::{ChannelId, DeviceKeyId, UserId};

/// Channels that a space may have, archived ones too.
pub const MAX_CHANNELS: usize = 500;
/// People named in one entry of a private channel.
pub const MAX_NAMED: usize = 1_000;

choice! {
    #[derive(Copy, Hash)]
    pub enum ChannelKind {
        1 = Public,
        2 = Private,
        3 = Announcement,
    }
}

/// A channel of a space as it is now.
#[derive(Debug, Clone)]
pub struct Channel {
    pub kind: ChannelKind,
    /// Its name and what goes with it, under epoch `n`: of the space, of a private one its own.
    pub n: u32,
    pub sealed: Bytes<2048>,
    pub archived: bool,
    /// The entry that made it.
    pub since: u64,
    /// Of a private one: who is in it. They are all members of the space.
    pub members: BTreeSet<UserId>,
    /// Of a private one: its own epochs, `epochs[i].n == i + 1`.
    pub epochs: Vec<EpochInfo>,
    /// Of a private one: nobody may send before its key is changed.
    pub rotation_due: bool,
    /// From which entry on somebody was in it or not.
    read_by: BTreeMap<UserId, Vec<(u64, bool)>>,
    /// From which entry on it was archived or not.
    shelved: Vec<(u64, bool)>,
}

impl Channel {
    fn take_in(&mut self, user: UserId, seq: u64) {
        if self.members.insert(user) {
            self.read_by.entry(user).or_default().push((seq, true));
        }
    }

    /// The key that they have is changed before anybody writes.
    fn take_out(&mut self, user: &UserId, seq: u64) {
        if self.members.remove(user) {
            self.read_by.entry(*user).or_default().push((seq, false));
            self.rotation_due = true;
        }
    }

    pub fn epoch(&self) -> Option<&EpochInfo> {
        self.epochs.last()
    }
}

impl RoomState {
    pub(super) fn is_space(&self) -> Result<(), LogError> {
        if self.kind == RoomKind::Space {
            Ok(())
        } else {
            Err(LogError::NotAllowed)
        }
    }

    /// Whether `n` is the newest epoch, and there is one.
    pub(super) fn is_newest(&self, n: u32) -> Result<(), LogError> {
        if n > 0 && n == self.epoch_number() {
            Ok(())
        } else {
            Err(LogError::BadEpoch)
        }
    }

    /// Whose keys a channel's messages are under: `MAIN` for the room's own.
    pub fn key_of(&self, channel: &ChannelId) -> ChannelId {
        match self.channels.get(channel) {
            Some(there) if there.kind == ChannelKind::Private => *channel,
            _ => ChannelId::MAIN,
        }
    }

    /// The room's own epochs (`MAIN`), or those of a private channel; none for anything else.
    pub fn epochs_of(&self, key: &ChannelId) -> &[EpochInfo] {
        if *key == ChannelId::MAIN {
            return &self.epochs;
        }
        self.channels.get(key).map_or(&[], |channel| &channel.epochs)
    }

    /// Number of the newest epoch of a key; 0 before the first.
    pub fn newest_of(&self, key: &ChannelId) -> u32 {
        self.epochs_of(key).last().map_or(0, |epoch| epoch.n)
    }

    /// Whether nobody may send under this key before it is changed.
    pub fn rotation_due_of(&self, key: &ChannelId) -> bool {
        if *key == ChannelId::MAIN {
            return self.rotation_due;
        }
        self.channels.get(key).is_none_or(|channel| channel.rotation_due)
    }

    /// To whom a key is wrapped.
    pub fn roster_of<'a>(&'a self, key: &'a ChannelId) -> impl Iterator<Item = (&'a UserId, &'a Member)> {
        let private = self.channels.get(key);
        self.roster().filter(move |(user, _)| {
            *key == ChannelId::MAIN || private.is_some_and(|there| there.members.contains(*user))
        })
    }

    /// `H("roster", sorted (user_id, g, kk))` of those.
    pub fn roster_hash_of(&self, key: &ChannelId) -> [u8; 32] {
        let mut roster = Vec::new();
        for (user, member) in self.roster_of(key) {
            user.encode(&mut roster);
            member.view.kem_g.encode(&mut roster);
            member.view.kk.encode(&mut roster);
        }
        hash(Label::RosterHash, &[&roster])
    }

    /// Whether there is such a channel, and somebody who is a member of the room reads it.
    pub fn may_read(&self, user: &UserId, channel: &ChannelId) -> bool {
        self.members.contains_key(user) && self.reads_at(user, channel, self.seq)
    }

    /// Whether there are messages under this name: in a space its channels, elsewhere `MAIN`.
    pub fn has_channel(&self, channel: &ChannelId) -> bool {
        match self.kind {
            RoomKind::Space => self.channels.contains_key(channel),
            RoomKind::Direct | RoomKind::Group => *channel == ChannelId::MAIN,
        }
    }

    /// Every name under which there are messages.
    pub fn channel_ids(&self) -> Vec<ChannelId> {
        match self.kind {
            RoomKind::Space => self.channels.keys().copied().collect(),
            RoomKind::Direct | RoomKind::Group => vec![ChannelId::MAIN],
        }
    }

    /// Whether this device of this person may write in a channel now.
    pub fn may_write(&self, user: &UserId, device: &DeviceKeyId, channel: &ChannelId) -> bool {
        self.may_post(user, device) && self.writes_at(user, channel, self.seq)
    }

    /// Whether this person may write in a channel now, in a browser that the room knows.
    pub fn lets_write(&self, user: &UserId, channel: &ChannelId) -> bool {
        !self.closed && self.members.contains_key(user) && self.writes_at(user, channel, self.seq)
    }

    /// The same for what is no message: values of slots, passing words. Also an announcement is read by somebody.
    pub fn may_signal(&self, user: &UserId, device: &DeviceKeyId, channel: &ChannelId) -> bool {
        self.may_post(user, device)
            && self.may_read(user, channel)
            && self.channels.get(channel).is_none_or(|there| !there.archived)
    }

    /// The key of `device` if its owner, after entry `log_seq`, was a member with it who may have written in this channel.
    pub fn writer_key(
        &self,
        user: &UserId,
        device: &DeviceKeyId,
        channel: &ChannelId,
        log_seq: u64,
    ) -> Option<&PublicKey> {
        let key = self.author_key(user, device, log_seq)?;
        self.writes_at(user, channel, log_seq).then_some(key)
    }

    /// Whether there is such a key after every entry from `from` to `to`. Looked at where something changes between them
    /// alone, so that a long log costs nothing.
    pub fn writes_throughout(
        &self,
        user: &UserId,
        device: &DeviceKeyId,
        channel: &ChannelId,
        from: u64,
        to: u64,
    ) -> bool {
        if from > to {
            return true;
        }
        let there = self.channels.get(channel);
        let read = there.and_then(|there| there.read_by.get(user));
        let read = within(read.map_or(&[][..], Vec::as_slice), from, to);
        let shelved = within(there.map_or(&[][..], |there| &there.shelved), from, to);
        let mut changes = [from, to]
            .into_iter()
            .chain(self.tenure_changes(user, device, from, to))
            .chain(self.roles.changes_of(user, from, to))
            .chain(there.map(|there| there.since))
            .chain(shelved.iter().chain(read).map(|(seq, _)| *seq));
        changes.all(|seq| seq < from || seq > to || self.writer_key(user, device, channel, seq).is_some())
    }

    /// The same for somebody who may have read it.
    pub fn reader_key(
        &self,
        user: &UserId,
        device: &DeviceKeyId,
        channel: &ChannelId,
        log_seq: u64,
    ) -> Option<&PublicKey> {
        let key = self.author_key(user, device, log_seq)?;
        self.reads_at(user, channel, log_seq).then_some(key)
    }

    fn reads_at(&self, user: &UserId, channel: &ChannelId, seq: u64) -> bool {
        if self.kind != RoomKind::Space {
            return *channel == ChannelId::MAIN;
        }
        self.channels.get(channel).is_some_and(|there| {
            there.since <= seq
                && (there.kind != ChannelKind::Private
                    || there.read_by.get(user).and_then(|read| at(read, seq)) == Some(true))
        })
    }

    fn writes_at(&self, user: &UserId, channel: &ChannelId, seq: u64) -> bool {
        let rights = self.roles.rights_at(user, seq);
        let is_open = self.channels.get(channel).is_none_or(|there| {
            at(&there.shelved, seq) != Some(true)
                && (there.kind != ChannelKind::Announcement || rights.has(Permission::Meta))
        });
        rights.has(Permission::Post) && is_open && self.reads_at(user, channel, seq)
    }

    /// The private channels of somebody who has gone are theirs no more, and their keys are due.
    pub(super) fn leave_channels(&mut self, user: &UserId, seq: u64) {
        for channel in self.channels.values_mut() {
            channel.take_out(user, seq);
        }
    }

    /// Somebody's keys have changed: so must those of the private channels they are in.
    pub(super) fn channel_keys_are_due(&mut self, user: &UserId) {
        for channel in self
            .channels
            .values_mut()
            .filter(|channel| channel.members.contains(user))
        {
            channel.rotation_due = true;
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one entry")]
    pub(super) fn create_channel(
        &mut self,
        own: Standing,
        actor: &UserId,
        id: ChannelId,
        kind: ChannelKind,
        members: &[UserId],
        (n, sealed): (u32, Bytes<2048>),
        seq: u64,
    ) -> Result<(), LogError> {
        self.is_space()?;
        if !own.rights.has(Permission::Channel) {
            return Err(LogError::NotAllowed);
        }
        if id == ChannelId::MAIN || self.channels.contains_key(&id) {
            return Err(LogError::AlreadyThere);
        }
        if self.channels.len() >= MAX_CHANNELS {
            return Err(LogError::TooMany);
        }
        let is_private = kind == ChannelKind::Private;
        let mut channel = Channel {
            kind,
            n,
            sealed,
            archived: false,
            since: seq,
            members: BTreeSet::new(),
            epochs: Vec::new(),
            rotation_due: is_private,
            read_by: BTreeMap::new(),
            shelved: Vec::new(),
        };
        if is_private {
            // Its first key comes with the entry after this one.
            if n != 1 {
                return Err(LogError::BadEpoch);
            }
            for user in members {
                if !self.members.contains_key(user) || channel.members.contains(user) {
                    return Err(LogError::NoSuchTarget);
                }
                channel.take_in(*user, seq);
            }
            if !channel.members.contains(actor) {
                return Err(LogError::NotMember);
            }
        } else {
            self.is_newest(n)?;
            if !members.is_empty() {
                return Err(LogError::RosterFrozen);
            }
        }
        self.channels.insert(id, channel);
        Ok(())
    }

    /// A channel that is theirs to change if they may change any: of a private one they are a member.
    fn changeable(&mut self, may: bool, actor: &UserId, id: &ChannelId) -> Result<&mut Channel, LogError> {
        let channel = self.channels.get_mut(id).ok_or(LogError::NoSuchTarget)?;
        let reads = channel.kind != ChannelKind::Private || channel.members.contains(actor);
        if may && reads {
            Ok(channel)
        } else {
            Err(LogError::NotAllowed)
        }
    }

    pub(super) fn update_channel(
        &mut self,
        own: Standing,
        actor: &UserId,
        id: &ChannelId,
        (n, sealed): (u32, Bytes<2048>),
        archived: bool,
        seq: u64,
    ) -> Result<(), LogError> {
        self.is_space()?;
        let newest = self.newest_of(&self.key_of(id));
        let channel = self.changeable(own.rights.has(Permission::Channel), actor, id)?;
        // Who was taken out of a private one has its key until it is changed, and still reads the log.
        let is_due = channel.kind == ChannelKind::Private && channel.rotation_due;
        if n == 0 || n != newest || is_due {
            return Err(LogError::BadEpoch);
        }
        (channel.n, channel.sealed) = (n, sealed);
        if channel.archived != archived {
            channel.archived = archived;
            channel.shelved.push((seq, archived));
        }
        Ok(())
    }

    pub(super) fn channel_members(
        &mut self,
        own: Standing,
        actor: &UserId,
        id: &ChannelId,
        (add, remove): (&[UserId], &[UserId]),
        seq: u64,
    ) -> Result<(), LogError> {
        self.is_space()?;
        let there: BTreeSet<UserId> = add
            .iter()
            .filter(|user| self.members.contains_key(*user))
            .copied()
            .collect();
        let changes_keys = self.policy.history == History::Joined;
        // Everybody may leave one.
        let leaves = add.is_empty() && remove == [*actor];
        let is_below = remove.iter().all(|user| user == actor || self.outranks(actor, user));
        let channel = self.changeable(leaves || own.rights.has(Permission::Channel), actor, id)?;
        if channel.kind != ChannelKind::Private {
            return Err(LogError::RosterFrozen);
        }
        let gone: BTreeSet<UserId> = remove.iter().copied().collect();
        let fits = there.len() == add.len()
            && gone.len() == remove.len()
            && !(add.is_empty() && remove.is_empty())
            && there.is_disjoint(&channel.members)
            && gone.is_subset(&channel.members);
        if !fits {
            return Err(LogError::NoSuchTarget);
        }
        if !is_below {
            return Err(LogError::NotAllowed);
        }
        for user in remove {
            channel.take_out(user, seq);
        }
        for user in add {
            channel.take_in(*user, seq);
        }
        channel.rotation_due |= changes_keys && !add.is_empty();
        Ok(())
    }

    pub(super) fn channel_epoch(
        &mut self,
        own: Standing,
        entry: &RoomEntry,
        id: &ChannelId,
        epoch: EpochInfo,
    ) -> Result<(), LogError> {
        self.is_space()?;
        if !own.rights.has(Permission::Post) {
            return Err(LogError::NotAllowed);
        }
        if epoch.suite != self.policy.suite {
            return Err(LogError::BadSuite);
        }
        let linked = epoch.n > 1 && self.policy.history == History::Shared;
        let fits = epoch.n == self.newest_of(id) + 1
            && epoch.roster_hash == self.roster_hash_of(id)
            && linked != epoch.backlink.as_slice().is_empty();
        let channel = self.channels.get_mut(id).ok_or(LogError::NoSuchTarget)?;
        if channel.kind != ChannelKind::Private || !channel.members.contains(&entry.actor) {
            return Err(LogError::NotAllowed);
        }
        // These keys have no age: one that nobody is waiting for only makes the log and everybody's wraps longer.
        if !fits || !channel.rotation_due {
            return Err(LogError::BadEpoch);
        }
        channel.epochs.push(epoch);
        channel.rotation_due = false;
        Ok(())
    }

    pub(super) fn arrange(&mut self, own: Standing, n: u32, sealed: &Bytes<32768>) -> Result<(), LogError> {
        self.is_space()?;
        if !own.rights.has(Permission::Channel) {
            return Err(LogError::NotAllowed);
        }
        self.is_newest(n)?;
        self.arrangement = Some((n, sealed.clone()));
        Ok(())
    }
}
