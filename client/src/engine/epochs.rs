//! Room keys: opened from wraps and backlinks, checked against the signed log, changed when the log says so.

use std::collections::{BTreeMap, BTreeSet};

use sotto_shared::api::body::{Wrap, WrapsGet};
use sotto_shared::crypto::epoch::{Scope, fits, open_backlink, open_meta};
use sotto_shared::crypto::kem::{WrapInfo, Wrapped};
use sotto_shared::crypto::secret::EpochSecret;
use sotto_shared::crypto::suite::{Suite, UnwrapJob, WrapJob};
use sotto_shared::id::{ChannelId, RoomId, UserId};
use sotto_shared::log::room_log::{RoomKind, RoomState};

use super::ask::{Failure, Pending, Request};
use super::rooms::Room;
use super::sync::retry;
use super::{Ctx, Effect, Engine, Out};
use crate::view::{Change, Problem};

const HOUR_MS: u64 = 3_600_000;

/// Of which key and epoch a wrap is to be opened.
type Numbered = ((ChannelId, u32), UnwrapJob);

/// Epochs back that a link can lead.
const MAX_LINK: usize = 256;

/// Whether the newest room key has served its time: 24 hours or 500 messages with up to 50 members, 7 days up to 256,
/// 30 days beyond, and in spaces. `since_ms` is when it was made, and no later than it was first seen here: its maker's clock is a claim.
pub(super) fn is_old(state: &RoomState, since_ms: u64, now_ms: u64, messages: u64) -> bool {
    if state.epoch().is_none() {
        return true;
    }
    // A time to come, as our own clock may have had it, is as far from now as one that is past.
    let age = now_ms.abs_diff(since_ms);
    match state.members.len() {
        _ if state.kind == RoomKind::Space => age > 30 * 24 * HOUR_MS,
        0..=50 => messages >= 500 || age > 24 * HOUR_MS,
        51..=256 => age > 7 * 24 * HOUR_MS,
        _ => age > 30 * 24 * HOUR_MS,
    }
}

/// Wraps a key (`MAIN`: the room's own) for `members` of `state`, whose newest epoch of it it is.
pub(super) async fn wrap_for<S: Suite>(
    state: &RoomState,
    key: &ChannelId,
    members: &[UserId],
    secret: &EpochSecret,
    ctx: &mut Ctx<'_, S>,
) -> Result<Vec<Wrap>, Problem> {
    let epoch = state
        .epochs_of(key)
        .last()
        .ok_or_else(|| Problem::Internal("no room key".into()))?;
    let mut infos = Vec::with_capacity(members.len());
    let mut jobs = Vec::with_capacity(members.len());
    for user in members {
        let Some(member) = state.members.get(user) else {
            continue;
        };
        let info = WrapInfo {
            room_id: state.room_id,
            channel: *key,
            n: epoch.n,
            user_id: *user,
            g: member.view.kem_g,
            commit: epoch.commit,
        };
        jobs.push(WrapJob {
            recipient: member.view.kk,
            info: info.info(),
        });
        infos.push(info);
    }
    let wrapped = ctx.suite.wrap_all(ctx.rng, secret.expose(), &jobs).await;
    let rows = infos.into_iter().zip(wrapped).map(|(info, wrapped)| {
        let wrapped = wrapped.map_err(super::account::internal)?;
        Ok(Wrap {
            channel: info.channel,
            n: info.n,
            user_id: info.user_id,
            g: info.g,
            enc: wrapped.enc.into(),
            ct: wrapped.ct.into(),
        })
    });
    rows.collect()
}

impl Room {
    /// The first epoch between some whose keys are here of which it is not.
    fn lost_key(&self) -> Option<u32> {
        let mut known = self.keys.keys();
        let first = known.next()?;
        let (_, lost) = known.zip(first + 1..).find(|(n, expected)| *n != expected)?;
        Some(lost)
    }

    /// With shared history one key leads to all before it. A link leads to the epoch before, or over some whose keys whoever
    /// made it could not have.
    fn follow_links(&mut self) {
        let private: Vec<ChannelId> = self.channel_keys.keys().copied().collect();
        for key in std::iter::once(ChannelId::MAIN).chain(private) {
            let mut secrets = std::mem::take(self.secrets_mut(&key));
            self.follow_links_of(&key, &mut secrets);
            *self.secrets_mut(&key) = secrets;
        }
    }

    fn follow_links_of(&self, key: &ChannelId, secrets: &mut BTreeMap<u32, EpochSecret>) {
        let epochs = self.state.epochs_of(key);
        let scope = Scope::new(self.state.room_id, *key);
        let Some(missing) = epochs.iter().position(|epoch| !secrets.contains_key(&epoch.n)) else {
            return;
        };
        // Also where the one before is here: it may be a key whose own link leads nowhere, that others had to link over.
        for (index, epoch) in epochs.iter().enumerate().skip(missing + 1).rev() {
            let earlier = epochs.get(..index).unwrap_or_default();
            let Some(secret) = secrets.get(&epoch.n) else {
                continue;
            };
            let Ok(older) = open_backlink(secret, scope, epoch.n, epoch.backlink.as_slice()) else {
                continue;
            };
            let mut near = earlier.iter().rev().take(MAX_LINK);
            if let Some(to) = near.find(|other| fits(&older, &self.state.room_id, other)) {
                secrets.entry(to.n).or_insert(older);
            }
        }
    }
}

impl<S: Suite> Engine<S> {
    /// Opens what can be opened, and asks for wraps if the newest key is not among them.
    pub(super) async fn learn_keys(&mut self, id: RoomId, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        self.open_keys(id, ctx, out).await;
        self.wraps_announced(id, out);
        // One that was given up may have been handed over since.
        if self.online && self.rooms.get(&id).is_some_and(|room| room.lost_key().is_some()) {
            self.fetch_wraps(id, out);
        }
    }

    /// What the backlinks lead to from the keys that are here, then wraps, then the backlinks from there.
    async fn open_keys(&mut self, id: RoomId, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let Some(me) = &self.me else { return };
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let known = |room: &Room| room.keys.len() + room.channel_keys.values().map(BTreeMap::len).sum::<usize>();
        let before = known(room);
        room.follow_links();
        let mut by_generation: BTreeMap<u32, Vec<Numbered>> = BTreeMap::new();
        for wrap in &room.wraps {
            let Some(epoch) = (wrap.n as usize)
                .checked_sub(1)
                .and_then(|index| room.state.epochs_of(&wrap.channel).get(index))
            else {
                continue;
            };
            let is_here = (room.secrets(&wrap.channel)).is_some_and(|secrets| secrets.contains_key(&wrap.n));
            if is_here || wrap.user_id != me.user_id {
                continue;
            }
            let info = WrapInfo {
                room_id: id,
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
            by_generation.entry(wrap.g).or_default().push((
                (wrap.channel, wrap.n),
                UnwrapJob {
                    info: info.info(),
                    wrapped,
                },
            ));
        }
        let mut makers = Vec::new();
        let mut useless = BTreeSet::new();
        for (g, jobs) in by_generation {
            let Some(key) = me.vault.kem.get(&g) else { continue };
            let (numbers, jobs): (Vec<(ChannelId, u32)>, Vec<UnwrapJob>) = jobs.into_iter().unzip();
            let opened = ctx.suite.unwrap_all(key, &jobs).await;
            for ((key, n), plain) in numbers.into_iter().zip(opened) {
                let secret = plain.ok().and_then(|plain| EpochSecret::from_slice(&plain));
                let (Some(secret), Some(epoch)) = (secret, room.state.epochs_of(&key).get(n as usize - 1).cloned())
                else {
                    // Swapped, stale or garbage: as good as none.
                    useless.insert((key, n, g));
                    continue;
                };
                if fits(&secret, &id, &epoch) {
                    room.secrets_mut(&key).insert(n, secret);
                    continue;
                }
                useless.insert((key, n, g));
                if room.mismatched.insert((key, n)) {
                    // Made for us, and for another key than the log committed to. Said once; the right one may still come.
                    makers.push(epoch.actor);
                }
            }
        }
        // Not kept: tried again and again they would only grow in number.
        room.wraps
            .retain(|wrap| !useless.contains(&(wrap.channel, wrap.n, wrap.g)));
        room.follow_links();
        let grew = known(room) != before;
        for maker in makers {
            let maker = self.people.handle(&maker).unwrap_or_default();
            self.notice(Problem::ServerLied(format!("the room key that {maker} made")), out);
        }
        self.read_title(id);
        if grew {
            for chat in self.chats_of(id) {
                self.unlock_messages(chat, ctx, out).await;
            }
        }
    }

    /// Opens the names that the keys at hand open.
    pub(super) fn read_title(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        if let Some((n, sealed)) = &room.state.meta
            && let Some(secret) = room.keys.get(n)
            && let Ok(plain) = open_meta(secret, &id, *n, sealed.as_slice())
        {
            room.title = super::intents::read_name(&plain);
        }
        if room.state.kind == RoomKind::Space {
            room.read_names();
        }
    }

    fn fetch_wraps(&mut self, id: RoomId, out: &mut Out<S::DeviceKey>) {
        let waiting = self
            .pending
            .values()
            .any(|pending| matches!(pending, Pending::Wraps { room } if *room == id));
        let from_n = self
            .rooms
            .get(&id)
            .and_then(|room| room.lost_key().or_else(|| Some(room.keys.last_key_value()?.0 + 1)))
            .unwrap_or(1);
        if !waiting && self.online {
            self.ask(
                Request::WrapsGet(WrapsGet { room_id: id, from_n }),
                Pending::Wraps { room: id },
                out,
            );
        }
    }

    pub(super) async fn wraps_came(
        &mut self,
        id: RoomId,
        result: Result<Vec<Wrap>, Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let wraps = match result {
            Ok(wraps) => wraps,
            Err(failure) => {
                retry(&failure, out);
                return;
            }
        };
        let (Some(me), Some(room)) = (self.my_id(), self.rooms.get_mut(&id)) else {
            return;
        };
        let g = room.state.members.get(&me).map_or(0, |member| member.view.kem_g);
        // One for each of our keys and of the room's, as an honest relay has them: more of them are neither kept nor tried,
        // and another takes the place of one that did not open.
        let mut seen = BTreeSet::new();
        let new: Vec<Wrap> = (wraps.into_iter())
            .filter(|wrap| wrap.user_id == me)
            .filter(|wrap| (1..=room.state.newest_of(&wrap.channel)).contains(&wrap.n) && (1..=g).contains(&wrap.g))
            .filter(|wrap| seen.insert((wrap.channel, wrap.n, wrap.g)))
            .filter(|wrap| {
                !room
                    .secrets(&wrap.channel)
                    .is_some_and(|secrets| secrets.contains_key(&wrap.n))
            })
            .filter(|wrap| !room.wraps.contains(wrap))
            .collect();
        room.wraps.retain(|wrap| {
            !new.iter()
                .any(|other| (other.channel, other.n, other.g) == (wrap.channel, wrap.n, wrap.g))
        });
        if new.is_empty() {
            self.request_key(id, ctx, out).await;
            return;
        }
        room.wraps.extend(new);
        self.open_keys(id, ctx, out).await;
        if let Some(room) = self.rooms.get(&id) {
            out.push(Effect::Save(vec![room.to_record()]));
        }
        self.request_key(id, ctx, out).await;
        self.show_rows_of(id, out);
        self.show_events_of(id, out);
        for chat in self.chats_of(id) {
            self.flush(chat, ctx, out).await;
        }
    }

    /// Wraps for us may lie at the relay.
    pub(super) fn wraps_announced(&mut self, id: RoomId, out: &mut Out<S::DeviceKey>) {
        let me = self.my_id();
        let missing = self.rooms.get(&id).is_some_and(|room| {
            me.is_some_and(|me| room.is_member(&me) && room.own_keys(&me).iter().any(|key| room.lacks(key)))
        });
        if missing {
            self.fetch_wraps(id, out);
        }
    }

    pub(super) fn notice(&self, problem: Problem, out: &mut Out<S::DeviceKey>) {
        out.push(Effect::Show(Change::Notice(problem)));
    }
}

#[cfg(test)]
mod tests {
    use sotto_shared::testing::people::{NOW, Person, TestRoom};

    use super::*;

    #[test]
    fn a_key_of_another_day_is_old_whichever_day() {
        let ada = Person::new("ada");
        let mut room = TestRoom::group(&ada);
        assert!(is_old(&room.state, NOW, NOW, 0), "there is none");
        room.epoch(&ada).unwrap();
        assert!(!is_old(&room.state, NOW, NOW, 0));
        assert!(is_old(&room.state, NOW, NOW, 500));
        assert!(is_old(&room.state, NOW, NOW + 25 * HOUR_MS, 0));
        assert!(
            is_old(&room.state, NOW, NOW - 25 * HOUR_MS, 0),
            "written as of a time to come"
        );
    }
}
