//! The log of changes as people read it: who did what, when, and why.
//!
//! It is the signed log itself, that everybody in the room has: nothing is kept for it, and nobody can add to it or leave
//! something out without the room being stopped.

use std::collections::{BTreeMap, BTreeSet};

use sotto_shared::crypto::epoch::open_meta;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{Head, RoomId, UserId};
use sotto_shared::log::room_log::{Event, History, JoinMode, RoomBody};

use super::Engine;
use super::intents::read_name;
use super::rooms::Room;
use super::spaces::shown_rights;
use crate::view::{Changes, ChannelChange, Deed, DeedKind, Line, Outcome, Problem};

/// Lines that are told at once.
const MOST: u32 = 200;

impl<S: Suite> Engine<S> {
    /// What fits `kind` and `person`, the newest first: `page` = how many are left out, and how many are told.
    pub(super) fn show_changes(
        &self,
        id: RoomId,
        kind: Option<DeedKind>,
        person: Option<UserId>,
        page: (u32, u32),
    ) -> Result<Option<Outcome>, Problem> {
        let room = self.rooms.get(&id).ok_or(Problem::RoomClosed)?;
        let whose = |hash: &Head| self.channels_of(id).find_map(|channel| channel.author_of(hash));
        let all = room.deeds(&whose);
        let people: BTreeSet<UserId> = (all.iter())
            .flat_map(|(by, _, deed)| std::iter::once(*by).chain(deed.whom()))
            .collect();
        let fits = |(by, _, deed): &&(UserId, u64, Deed)| {
            kind.is_none_or(|kind| deed.kind() == kind)
                && person.is_none_or(|person| *by == person || deed.whom() == Some(person))
        };
        let found: Vec<&(UserId, u64, Deed)> = all.iter().rev().filter(fits).collect();
        let (skip, most) = (page.0 as usize, page.1.min(MOST) as usize);
        let lines = found.iter().skip(skip).take(most).map(|(by, seq, deed)| Line {
            seq: *seq,
            at_ms: room.time_of(*seq),
            by: *by,
            what: room.completed(deed, *seq),
            reason: room.reason_for(*seq),
            hash: usize::try_from(*seq)
                .ok()
                .and_then(|seq| room.state.hashes.get(seq))
                .map(Head::to_string)
                .unwrap_or_default(),
        });
        Ok(Some(Outcome::Changes(Changes {
            lines: lines.collect(),
            total: found.len() as u32,
            people: people.into_iter().collect(),
        })))
    }
}

impl Room {
    /// Who did what with which entry, the oldest first. What an entry means hangs on those before it.
    fn deeds(&self, whose: &dyn Fn(&Head) -> Option<UserId>) -> Vec<(UserId, u64, Deed)> {
        let mut all = Vec::with_capacity(self.events.len() + 1);
        all.push((self.state.creator, 0, Deed::Made));
        let mut waiting = BTreeSet::new();
        let mut ways: BTreeMap<_, _> = BTreeMap::new();
        for event in &self.events {
            let deed = match &event.body {
                RoomBody::CreateInvite {
                    invite_id, role, mode, ..
                } => {
                    ways.insert(*invite_id, (*role, *mode));
                    self.deed(event, whose)
                }
                RoomBody::Join { invite_id, .. } => ways.get(invite_id).map(|(role, mode)| match mode {
                    JoinMode::Member => Deed::Joined { role_id: role.number() },
                    JoinMode::Approval => {
                        waiting.insert(event.actor);
                        Deed::Asked
                    }
                }),
                RoomBody::AddMember { member, .. } if waiting.remove(&member.user_id) => {
                    Some(Deed::LetIn { who: member.user_id })
                }
                RoomBody::Remove { user_id, .. } if waiting.remove(user_id) => Some(Deed::SentAway { who: *user_id }),
                _ => self.deed(event, whose),
            };
            all.extend(deed.map(|deed| (event.actor, event.seq, deed)));
        }
        all
    }

    /// `None`: it stands with another one.
    fn deed(&self, event: &Event, whose: &dyn Fn(&Head) -> Option<UserId>) -> Option<Deed> {
        Some(match &event.body {
            RoomBody::AddMember { member, role } => Deed::Added {
                who: member.user_id,
                role_id: role.number(),
            },
            RoomBody::Leave => Deed::Left,
            RoomBody::Remove {
                user_id, ban: false, ..
            } => Deed::Removed { who: *user_id },
            RoomBody::Remove { user_id, .. } => Deed::Banned { who: *user_id },
            RoomBody::Unban { user_id } => Deed::Unbanned { who: *user_id },
            RoomBody::SetRole { user_id, role } => Deed::RoleGiven {
                who: *user_id,
                role_id: role.number(),
            },
            RoomBody::SetPolicy { policy } => Deed::History {
                shared: policy.history == History::Shared,
            },
            RoomBody::SetMeta { .. } => Deed::Named { name: String::new() },
            RoomBody::Epoch { n, .. } => Deed::NewKey { n: *n },
            RoomBody::UserUpdate { member, .. } => Deed::Keys {
                who: member.user_id,
                identity: event.news.identity,
                device: event.news.device,
                closed: event.news.closed,
            },
            RoomBody::Close => Deed::Closed,
            RoomBody::CreateInvite {
                role,
                max_uses,
                expires,
                mode,
                ..
            } => Deed::InviteMade {
                role_id: role.number(),
                max_uses: *max_uses,
                expires_ms: *expires,
                approval: *mode == JoinMode::Approval,
            },
            RoomBody::RevokeInvite { .. } => Deed::InviteTakenBack,
            RoomBody::Redact { target, .. } => Deed::TookAway {
                whose: whose(&Head::from_bytes(*target.as_bytes())),
            },
            RoomBody::Pin { target, on, .. } => Deed::Pinned {
                whose: whose(&Head::from_bytes(*target.as_bytes())),
                on: *on,
            },
            RoomBody::SetTtl { seconds, .. } => Deed::Lifetime { seconds: *seconds },
            RoomBody::TimeOut { user_id, until: 0 } => Deed::TimeOutLifted { who: *user_id },
            RoomBody::TimeOut { user_id, until } => Deed::TimedOut {
                who: *user_id,
                until_ms: *until,
            },
            RoomBody::SetSlowMode { channel, seconds } => Deed::SlowMode {
                channel: *channel,
                seconds: *seconds,
            },
            RoomBody::DefineRole { role, rights, .. } => Deed::RoleDefined {
                role_id: role.number(),
                name: String::new(),
                rights: shown_rights(*rights),
                is_new: false,
            },
            RoomBody::DropRole { role } => Deed::RoleDropped {
                role_id: role.number(),
                name: String::new(),
            },
            RoomBody::CreateChannel { channel, .. } => Deed::ChannelMade { channel: *channel },
            RoomBody::UpdateChannel { channel, .. } => Deed::ChannelChanged {
                channel: *channel,
                change: ChannelChange::Other,
            },
            RoomBody::ChannelEpoch { channel, .. } => Deed::ChannelKey { channel: *channel },
            RoomBody::ChannelMembers { channel, add, remove } => Deed::ChannelPeople {
                channel: *channel,
                added: add.as_slice().to_vec(),
                removed: remove.as_slice().to_vec(),
            },
            RoomBody::ArrangeChannels { .. } => Deed::ChannelsArranged,
            // Said with what it is the reason for; and joining was seen to by whoever asked.
            RoomBody::Reason { .. } | RoomBody::Join { .. } => return None,
        })
    }

    /// With what has to be opened first, which is done for what is looked at alone.
    fn completed(&self, deed: &Deed, seq: u64) -> Deed {
        let index = seq.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        let before = |index: usize| self.events.iter().take(index).rev().map(|event| &event.body);
        let there = index.and_then(|index| Some((&self.events.get(index)?.body, before(index))));
        let Some((body, mut before)) = there else {
            return deed.clone();
        };
        match (deed, body) {
            (Deed::Named { .. }, RoomBody::SetMeta { n, sealed }) => {
                let secret = self.keys.get(n);
                let plain =
                    secret.and_then(|secret| open_meta(secret, &self.state.room_id, *n, sealed.as_slice()).ok());
                Deed::Named {
                    name: plain.map(|plain| read_name(&plain)).unwrap_or_default(),
                }
            }
            (Deed::RoleDefined { role_id, rights, .. }, RoomBody::DefineRole { role, n, sealed, .. }) => {
                // The newest word on it before this one.
                let last = before.find(|body| match body {
                    RoomBody::DefineRole { role: other, .. } | RoomBody::DropRole { role: other } => other == role,
                    _ => false,
                });
                Deed::RoleDefined {
                    role_id: *role_id,
                    name: self.role_called(*role, *n, sealed.as_slice()).unwrap_or_default(),
                    rights: *rights,
                    is_new: !matches!(last, Some(RoomBody::DefineRole { .. })),
                }
            }
            (Deed::RoleDropped { role_id, .. }, RoomBody::DropRole { role }) => {
                let name = before.find_map(|body| match body {
                    RoomBody::DefineRole {
                        role: other, n, sealed, ..
                    } if other == role => Some(self.role_called(*role, *n, sealed.as_slice())),
                    _ => None,
                });
                Deed::RoleDropped {
                    role_id: *role_id,
                    name: name.flatten().unwrap_or_default(),
                }
            }
            (
                Deed::ChannelChanged { channel, .. },
                RoomBody::UpdateChannel {
                    n, sealed, archived, ..
                },
            ) => {
                let last = before.find_map(|body| match body {
                    RoomBody::CreateChannel {
                        channel: other,
                        n,
                        sealed,
                        ..
                    } if other == channel => Some((*n, sealed, false)),
                    RoomBody::UpdateChannel {
                        channel: other,
                        n,
                        sealed,
                        archived,
                    } if other == channel => Some((*n, sealed, *archived)),
                    _ => None,
                });
                let was_archived = last.is_some_and(|(_, _, archived)| archived);
                let now = self.channel_called(channel, *n, sealed.as_slice());
                let was = last.and_then(|(n, sealed, _)| self.channel_called(channel, n, sealed.as_slice()));
                let change = match (was_archived, archived, was.zip(now)) {
                    (false, true, _) => ChannelChange::Archived,
                    (true, false, _) => ChannelChange::Restored,
                    (_, _, Some((was, now))) if was.name != now.name => ChannelChange::Renamed(was.name, now.name),
                    (_, _, Some((was, now))) if was.topic != now.topic => ChannelChange::Topic,
                    _ => ChannelChange::Other,
                };
                Deed::ChannelChanged {
                    channel: *channel,
                    change,
                }
            }
            _ => deed.clone(),
        }
    }
}
