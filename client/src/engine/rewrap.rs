//! A member without a key that opens asks the others; whoever is there wraps it anew. Not where one keeps quiet
//! (`contacts.rs`): whoever asks, and whoever answers, is there.
//!
//! ```text
//!  no wrap opens ─▶ drop the bad ones ─▶ signed KeyRequest ─▶ relay ─▶ every other member who is there:
//!     a member, in time? that browser theirs? signed? our newest key? ─▶ wrap to the key in the room's log ─▶ put-wraps
//! ```

use sotto_shared::api::B64;
use sotto_shared::api::body::{WrapsDrop, WrapsPut};
use sotto_shared::api::frame::ToRelay;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::kem::KeyRequest;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::{SignedBlob, VerifyJob};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{ChannelId, RoomId};
use sotto_shared::log::room_log::History;

use super::account::internal;
use super::ask::{Pending, Request};
use super::epochs::wrap_for;
use super::intents::{Intent, What};
use super::rooms::Room;
use super::{Ctx, Effect, Engine, Out};
use crate::view::{Problem, Standing};

/// Before the same is asked, or answered, again.
const PATIENCE_MS: u64 = 30_000;

/// Times the others are asked in vain before a key that opens for nobody is replaced.
const MAX_ASKS: u32 = 3;

impl Room {
    /// Whether nobody has given us the newest key though they were asked often enough: whoever made it may have given it to
    /// nobody. Whoever never had a key of this room waits on: they have nothing that the others' next key could lead to.
    pub fn key_is_lost(&self) -> bool {
        let n = self.state.epoch_number();
        self.key_asks > MAX_ASKS && !self.keys.contains_key(&n) && !self.keys.is_empty()
    }

    /// Whether the key of this epoch is lost, or was found to be by whoever linked theirs over it.
    pub fn opens_for_nobody(&self, n: u32) -> bool {
        let is_over = self.state.policy.history == History::Shared
            && !self.keys.contains_key(&n)
            && self.keys.range(..n).next().is_some()
            && self.keys.range(n..).next().is_some();
        is_over || n == self.state.epoch_number() && self.key_is_lost()
    }
}

impl<S: Suite> Engine<S> {
    /// Asks the others in the room for its newest key, if it is still missing after the relay was asked.
    pub(super) async fn request_key(&mut self, id: RoomId, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        // Asked once they are accepted.
        if self.rooms.get(&id).is_some_and(|room| self.is_kept_quiet(room)) {
            return;
        }
        let (Some(me), Some(room)) = (&self.me, self.rooms.get_mut(&id)) else {
            return;
        };
        let n = room.state.epoch_number();
        let is_missing = n > 0 && !room.keys.contains_key(&n) && room.is_member(&me.user_id);
        if !is_missing && room.frozen.is_none() && self.online {
            return self.request_channel_keys(id, ctx, out).await;
        }
        if !is_missing || room.frozen.is_some() || !self.online {
            return;
        }
        if ctx.now_ms < room.key_asked_ms + PATIENCE_MS {
            return;
        }
        room.key_asked_ms = ctx.now_ms;
        // Whoever came after the key was made waits for somebody to be there; the others were due to get it with it.
        let me_since = room.state.members.get(&me.user_id).map(|member| member.since);
        if me_since < room.state.epoch().map(|epoch| epoch.seq) {
            room.key_asks = room.key_asks.saturating_add(1);
        }
        if room.key_is_lost() {
            self.show_events_of(id, out);
            out.push(Effect::Wake {
                after_ms: PATIENCE_MS + 1,
            });
            return self.intend(id, Intent::new(What::Prepare, None), ctx, out).await;
        }
        // One that is there would keep others from taking its place.
        let drop = WrapsDrop {
            room_id: id,
            channel: ChannelId::MAIN,
            n,
        };
        let request = KeyRequest {
            room_id: id,
            channel: ChannelId::MAIN,
            n,
            user_id: me.user_id,
            dk_id: me.dk_id,
            ts: ctx.now_ms,
        };
        let body = request.to_bytes();
        let signed = ctx.suite.sign(&me.key, Label::KeyRequest, &body).await;
        let sig = match signed.map_err(internal) {
            Ok(sig) => sig,
            Err(problem) => return self.notice(problem, out),
        };
        let request = B64(SignedBlob { body, sig }.to_bytes());
        self.ask(Request::WrapsDrop(drop), Pending::KeyRequest { room: id, request }, out);
        out.push(Effect::Wake {
            after_ms: PATIENCE_MS + 1,
        });
    }

    /// The same for keys of private channels.
    async fn request_channel_keys(&mut self, id: RoomId, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let (Some(me), Some(room)) = (&self.me, self.rooms.get_mut(&id)) else {
            return;
        };
        let mut keys = room.own_keys(&me.user_id);
        let asked = |key: &ChannelId| room.channel_asked_ms.get(key).copied().unwrap_or_default();
        keys.retain(|key| *key != ChannelId::MAIN && room.lacks(key) && ctx.now_ms >= asked(key) + PATIENCE_MS);
        let mut requests = Vec::with_capacity(keys.len());
        for key in keys {
            room.channel_asked_ms.insert(key, ctx.now_ms);
            let n = room.state.newest_of(&key);
            let request = KeyRequest {
                room_id: id,
                channel: key,
                n,
                user_id: me.user_id,
                dk_id: me.dk_id,
                ts: ctx.now_ms,
            };
            let body = request.to_bytes();
            let Ok(sig) = ctx.suite.sign(&me.key, Label::KeyRequest, &body).await else {
                continue;
            };
            let drop = WrapsDrop {
                room_id: id,
                channel: key,
                n,
            };
            requests.push((drop, B64(SignedBlob { body, sig }.to_bytes())));
        }
        for (drop, request) in requests {
            self.ask(Request::WrapsDrop(drop), Pending::KeyRequest { room: id, request }, out);
            out.push(Effect::Wake {
                after_ms: PATIENCE_MS + 1,
            });
        }
    }

    /// The way is free: now the others.
    pub(super) fn wraps_dropped(&self, id: RoomId, request: B64, out: &mut Out<S::DeviceKey>) {
        if self.online {
            out.push(Effect::Transmit(ToRelay::KeyRequest { room_id: id, request }));
        }
    }

    /// Somebody asks for the room's key. Nothing is wrapped for anybody but a member, to the key that the room's log has.
    pub(super) async fn key_requested(
        &mut self,
        id: RoomId,
        request: &B64,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Ok(blob) = SignedBlob::from_bytes(&request.0) else {
            return;
        };
        let Ok(asked) = KeyRequest::from_bytes(&blob.body) else {
            return;
        };
        let (Some(me), Some(room)) = (&self.me, self.rooms.get(&id)) else {
            return;
        };
        let fits = asked.room_id == id
            && room.state.key_of(&asked.channel) == asked.channel
            && asked.n == room.state.newest_of(&asked.channel)
            && room
                .state
                .roster_of(&asked.channel)
                .any(|(user, _)| *user == asked.user_id)
            && asked.dk_id != me.dk_id
            && room.is_member(&asked.user_id)
            && !room.came_late(&asked.user_id, ctx.now_ms)
            // Somebody may be new who is to read from here on alone: theirs is the next one.
            && !(room.state.policy.history == History::Joined && room.state.rotation_due_of(&asked.channel))
            && self.room_standing(room) == Standing::Open
            && !self.is_kept_quiet(room);
        let recently =
            (room.answered.get(&(asked.user_id, asked.channel))).is_some_and(|ms| ctx.now_ms < ms + PATIENCE_MS);
        if !fits || recently {
            return;
        }
        // A browser may be so new that neither the room nor we have heard of it.
        let newest = self.people.log(&asked.user_id).map(|log| log.view());
        let Some(key) = newest.and_then(|view| view.active_device(&asked.dk_id)).copied() else {
            self.fetch_log(asked.user_id);
            return;
        };
        let job = VerifyJob {
            key,
            label: Label::KeyRequest,
            message: blob.body,
            sig: blob.sig,
        };
        if ctx.suite.verify_all(&[job]).await != [true] {
            return;
        }
        if let Err(problem) = self.wrap_again(id, &asked, ctx, out).await {
            self.notice(problem, out);
        }
    }

    async fn wrap_again(
        &mut self,
        id: RoomId,
        asked: &KeyRequest,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let Some(room) = self.rooms.get_mut(&id) else {
            return Ok(());
        };
        let Some(secret) = room.secrets(&asked.channel).and_then(|secrets| secrets.get(&asked.n)) else {
            return Ok(());
        };
        let wraps = wrap_for(&room.state, &asked.channel, &[asked.user_id], secret, ctx).await?;
        room.answered.insert((asked.user_id, asked.channel), ctx.now_ms);
        let request = Request::WrapsPut(WrapsPut { room_id: id, wraps });
        self.ask(request, Pending::Ignore, out);
        Ok(())
    }
}
