//! Who may not write for a while, how often one may write in a channel, and why somebody did what they did.
//!
//! All three stand in the signed log, so what follows from them is the same for everybody who has it: a message of
//! somebody in a time-out does not count, nor one that comes too soon behind the last of its own chain. The relay
//! refuses them by its own clock; a client goes by what was signed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::LogError;
use super::roles::{Permission, Rights, Standing, at};
use super::room_log::{RoomBody, RoomEntry, RoomKind, RoomState};
use crate::api::limits::{MAX_SLOW_SECS, MAX_TIME_OUT_MS, MIN_SLOW_SECS, SLOW_BURST};
use crate::id::{ChannelId, UserId};

/// What somebody may not do until a time, from an entry on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOut {
    pub entry: u64,
    pub by: UserId,
    /// Milliseconds since 1970; 0: it was lifted.
    pub until: u64,
}

/// The part of a room's state that this page is about.
#[derive(Debug, Clone, Default)]
pub struct Moderation {
    /// Of each person, oldest first.
    time_outs: BTreeMap<UserId, Vec<TimeOut>>,
    /// How often one may write in a channel, from an entry on; 0: as often as one likes.
    slow: BTreeMap<ChannelId, Vec<(u64, u32)>>,
    /// The newest entry that a reason may be given for, and whose it is.
    done: Option<(u64, UserId)>,
}

/// A relay's memory of when it took the newest messages of one person in a slow channel. It cannot tell a text from a
/// reaction to one, so it takes some more than one in that time; readers tell, and let no second text count.
#[derive(Debug, Clone, Default)]
pub struct Pace(VecDeque<u64>);

impl RoomState {
    /// Whether this person may act on what is reported here, and has an account to read it with.
    pub fn hears_reports(&self, user: &UserId) -> bool {
        let may = self.allows(user, Permission::Redact) || self.allows(user, Permission::Kick);
        let is_there = self.members.get(user).is_some_and(|member| !member.view.closed);
        may && is_there && self.kind != RoomKind::Direct && !self.closed
    }

    /// To whom a report goes: whoever may act on it, but who makes it and whom it is about.
    pub fn report_readers(&self, by: &UserId, about: &BTreeSet<UserId>) -> impl Iterator<Item = &UserId> {
        self.members
            .keys()
            .filter(move |user| *user != by && !about.contains(user) && self.hears_reports(user))
    }
}

impl Pace {
    /// Takes one more, or says after how many seconds there is a place for it.
    pub fn take(&mut self, seconds: u32, now_ms: u64) -> Result<(), u32> {
        let window_ms = u64::from(seconds) * 1000;
        while let Some(oldest) = self.0.front()
            && (oldest.saturating_add(window_ms) <= now_ms || self.0.len() > SLOW_BURST)
        {
            self.0.pop_front();
        }
        match self.0.front() {
            Some(oldest) if self.0.len() == SLOW_BURST => {
                let wait_ms = oldest.saturating_add(window_ms).saturating_sub(now_ms);
                Err(u32::try_from(wait_ms.div_ceil(1000)).unwrap_or(seconds))
            }
            _ => {
                self.0.push_back(now_ms);
                Ok(())
            }
        }
    }
}

impl RoomState {
    /// The entries of this page. `own` is how the actor stands.
    pub(super) fn apply_moderation(&mut self, entry: &RoomEntry, own: Standing) -> Result<(), LogError> {
        if self.kind == RoomKind::Direct {
            return Err(LogError::RosterFrozen);
        }
        match &entry.body {
            RoomBody::TimeOut { user_id, until } => {
                if !own.rights.has(Permission::Kick) {
                    return Err(LogError::NotAllowed);
                }
                let lifts = *until == 0;
                match self.standing_of(user_id) {
                    Some(target) if target.rank < own.rank => {}
                    Some(_) => return Err(LogError::NotAllowed),
                    // Of somebody who is away it can be lifted, and nothing else.
                    None if lifts => {}
                    None => return Err(LogError::NoSuchTarget),
                }
                let newest = self.moderation.time_outs.get(user_id).and_then(|all| all.last());
                if lifts && newest.is_none_or(|newest| newest.until == 0) {
                    return Err(LogError::NoSuchTarget);
                }
                if !lifts && (*until <= entry.ts || *until - entry.ts > MAX_TIME_OUT_MS) {
                    return Err(LogError::NotAllowed);
                }
                self.moderation.time_outs.entry(*user_id).or_default().push(TimeOut {
                    entry: entry.seq,
                    by: entry.actor,
                    until: *until,
                });
                Ok(())
            }
            RoomBody::SetSlowMode { channel, seconds } => {
                let may = own.rights.has(Permission::Meta) || own.rights.has(Permission::Channel);
                if !may || *seconds != 0 && !(MIN_SLOW_SECS..=MAX_SLOW_SECS).contains(seconds) {
                    return Err(LogError::NotAllowed);
                }
                if !self.has_channel(channel) {
                    return Err(LogError::NoSuchTarget);
                }
                let slow = self.moderation.slow.entry(*channel).or_default();
                slow.push((entry.seq, *seconds));
                Ok(())
            }
            // Right behind what it speaks of, and by the same person: there is one at most, and nobody gives another's.
            RoomBody::Reason { n, of, .. } => {
                if self.moderation.done != Some((*of, entry.actor)) {
                    return Err(LogError::NoSuchTarget);
                }
                if self.epoch_number() != *n {
                    return Err(LogError::BadEpoch);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What follows for this page from an entry that was applied.
    pub(super) fn note_moderation(&mut self, entry: &RoomEntry) {
        self.moderation.done = match &entry.body {
            RoomBody::Remove { .. }
            | RoomBody::Unban { .. }
            | RoomBody::SetRole { .. }
            | RoomBody::Redact { .. }
            | RoomBody::TimeOut { .. }
            | RoomBody::SetSlowMode { .. } => Some((entry.seq, entry.actor)),
            // The key is changed between a removal and its reason.
            RoomBody::Epoch { .. } | RoomBody::ChannelEpoch { .. } => self.moderation.done,
            _ => None,
        };
    }

    /// The time-out that holds for somebody at this time.
    pub fn time_out(&self, user: &UserId, now_ms: u64) -> Option<TimeOut> {
        let newest = self.moderation.time_outs.get(user)?.last()?;
        (now_ms < newest.until).then_some(*newest)
    }

    /// Everybody for whom one holds at this time.
    pub fn time_outs(&self, now_ms: u64) -> impl Iterator<Item = (&UserId, TimeOut)> {
        self.moderation
            .time_outs
            .keys()
            .filter_map(move |user| Some((user, self.time_out(user, now_ms)?)))
    }

    /// The end of the newest time-out of somebody that was not lifted; 0 without one. What they write later than this counts.
    pub fn time_out_ends(&self, user: &UserId) -> u64 {
        let newest = self.moderation.time_outs.get(user).and_then(|all| all.last());
        newest.map_or(0, |newest| newest.until)
    }

    /// Whether what somebody wrote at `at_ms` was written in a time-out: in the newest one up to entry `known`. That is the
    /// newest that they knew, or that whoever wrote before them knew: no relay takes it then, so it was put here later than
    /// it says, or against the rules.
    pub fn is_timed_out(&self, user: &UserId, known: u64, at_ms: u64) -> bool {
        let all = self.moderation.time_outs.get(user).map_or(&[][..], Vec::as_slice);
        let upto = all.partition_point(|one| one.entry <= known);
        let newest = all.get(..upto).and_then(<[_]>::last);
        newest.is_some_and(|one| at_ms < one.until)
    }

    /// Seconds between two texts of one person in a channel now; 0: as they like.
    pub fn slow_mode(&self, channel: &ChannelId) -> u32 {
        self.slow_mode_at(channel, u64::MAX)
    }

    fn slow_mode_at(&self, channel: &ChannelId, log_seq: u64) -> u32 {
        let slow = self.moderation.slow.get(channel);
        slow.and_then(|slow| at(slow, log_seq)).unwrap_or(0)
    }

    /// Seconds that this person has to leave between two texts in a channel, as the log stands at `log_seq`; 0: none.
    pub fn slowed_at(&self, user: &UserId, channel: &ChannelId, log_seq: u64) -> u32 {
        if is_free(self.roles.rights_at(user, log_seq)) {
            0
        } else {
            self.slow_mode_at(channel, log_seq)
        }
    }
}

/// Whoever keeps order writes as often as they like.
const fn is_free(rights: Rights) -> bool {
    rights.has(Permission::Kick) || rights.has(Permission::Channel)
}
