//! Keeping order: removing, banning, time-outs, slow mode, taking messages away, roles; and what holds because of it.
//!
//! Everything is an entry of the signed log, with the reason behind it. What changed meanwhile shows when the entry is
//! written against the newest log, and is answered in words.

use sotto_shared::api::limits::{MAX_REASON_BYTES, MAX_SLOW_SECS, MAX_TIME_OUT_MS, MIN_SLOW_SECS};
use sotto_shared::codec::{Bytes, List};
use sotto_shared::crypto::epoch::{open_reason, seal_reason};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::envelope::content::Content;
use sotto_shared::id::{ChannelId, EnvelopeHash, Head, MessageId, RoomId, UserId};
use sotto_shared::log::roles::Permission;
use sotto_shared::log::room_log::{Role, RoomBody, RoomKind};

use super::account::internal;
use super::bodies::is_text;
use super::chats::Place;
use super::intents::{Draft, Intent, What};
use super::record::{Act, MessageRecord, StoredBody};
use super::rooms::Room;
use super::{Ctx, Effect, Engine, Out};
use crate::view::{Change, Chat, Measure, Order, Outcome, Problem, SlowMode, TimeOut};

/// A sealed reason has this length whatever it says.
const REASON_BYTES: usize = 640;

/// An entry that a moderator wants, and why.
pub(crate) struct Deed {
    pub what: DeedBody,
    pub reason: String,
}

pub(crate) enum DeedBody {
    Remove { user: UserId, ban: bool },
    Unban(UserId),
    SetRole(UserId, Role),
    TimeOut { user: UserId, until_ms: u64 },
    SlowMode { channel: ChannelId, seconds: u32 },
    TakeAway { target: Head, edits: Vec<Head> },
}

impl<S: Suite> Engine<S> {
    pub(super) async fn moderate(
        &mut self,
        command: u32,
        id: RoomId,
        measure: Measure,
        reason: &str,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let reason = tidy_reason(reason)?;
        let what = match measure {
            Measure::Remove { user } => DeedBody::Remove { user, ban: false },
            Measure::Ban { user } => DeedBody::Remove { user, ban: true },
            Measure::Unban { user } => DeedBody::Unban(user),
            Measure::TimeOut { user, until_ms } => {
                let fits = until_ms == 0 || until_ms > ctx.now_ms && until_ms - ctx.now_ms <= MAX_TIME_OUT_MS;
                if !fits {
                    return Err(Problem::NotAllowed);
                }
                DeedBody::TimeOut { user, until_ms }
            }
            Measure::SlowMode { channel, seconds } => {
                if seconds != 0 && !(MIN_SLOW_SECS..=MAX_SLOW_SECS).contains(&seconds) {
                    return Err(Problem::NotAllowed);
                }
                let room = self.rooms.get(&id).ok_or(Problem::RoomClosed)?;
                if room.state.slow_mode(&channel) == seconds {
                    // Nothing was changed, and nobody is told of it.
                    return Ok(Some(Outcome::Done));
                }
                DeedBody::SlowMode { channel, seconds }
            }
            Measure::TakeAway { channel, message, by } => {
                let (target, edits) = self.words_of(Chat { room: id, channel }, message, by)?;
                DeedBody::TakeAway { target, edits }
            }
        };
        self.want(command, id, Deed { what, reason }, ctx, out).await
    }

    /// Gives somebody, or oneself, another role.
    pub(super) async fn set_role(
        &mut self,
        command: u32,
        id: RoomId,
        user: UserId,
        role: Role,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let deed = Deed {
            what: DeedBody::SetRole(user, role),
            reason: String::new(),
        };
        self.want(command, id, deed, ctx, out).await
    }

    async fn want(
        &mut self,
        command: u32,
        id: RoomId,
        deed: Deed,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let what = What::Moderate(deed);
        let room = self.ready_room(id, &what)?;
        if room.state.kind == RoomKind::Direct {
            return Err(Problem::NotAllowed);
        }
        self.intend(id, Intent::new(what, Some(command)), ctx, out).await;
        Ok(None)
    }

    /// Another's message, and what it was changed to. Not gone yet: two who press at a time do it once.
    fn words_of(&self, id: Chat, message: MessageId, by: UserId) -> Result<(Head, Vec<Head>), Problem> {
        let (target, author) = self.standing_message(id, message)?;
        if author != by {
            return Err(Problem::NoSuchMessage);
        }
        if Some(author) == self.my_id() {
            return Err(Problem::NotAllowed);
        }
        let room = self.place(id).ok_or(Problem::RoomClosed)?;
        Ok((target, room.edits_of(&target, author)))
    }

    /// The entry, against the newest state. Gives its number, if it was written.
    pub(super) async fn write_deed(
        &self,
        draft: &mut Draft,
        room: &Room,
        deed: &Deed,
        ctx: &mut Ctx<'_, S>,
    ) -> Result<(), Problem> {
        let me = self.my_id().ok_or(Problem::SignedOut)?;
        let state = &draft.state;
        let may = |permission| {
            if state.allows(&me, permission) {
                Ok(())
            } else {
                Err(Problem::NotAllowed)
            }
        };
        let below = |user: &UserId| {
            // Whoever left before they could be banned.
            let bans = matches!(deed.what, DeedBody::Remove { ban: true, .. });
            if bans && state.outranks_gone(&me, user) == Some(true) {
                return Ok(());
            }
            if !state.members.contains_key(user) {
                return Err(Problem::NotThere(self.handle_of(user)));
            }
            if state.outranks(&me, user) {
                Ok(())
            } else {
                Err(Problem::NotAllowed)
            }
        };
        let body = match &deed.what {
            DeedBody::Remove { user, ban } => {
                may(if *ban { Permission::Ban } else { Permission::Kick })?;
                if !state.requests.contains_key(user) {
                    below(user)?;
                }
                RoomBody::Remove {
                    user_id: *user,
                    ban: *ban,
                    cut: if state.members.contains_key(user) || state.requests.contains_key(user) {
                        self.cut(room)?
                    } else {
                        List::default()
                    },
                }
            }
            DeedBody::Unban(user) => {
                may(Permission::Ban)?;
                if !state.former.get(user).is_some_and(|former| former.banned) {
                    return Err(Problem::AlreadyDone);
                }
                RoomBody::Unban { user_id: *user }
            }
            DeedBody::SetRole(user, role) => {
                may(Permission::SetRole)?;
                if *user != me {
                    below(user)?;
                }
                if state.members.get(user).is_some_and(|member| member.role == *role) {
                    return Err(Problem::AlreadyDone);
                }
                RoomBody::SetRole {
                    user_id: *user,
                    role: *role,
                }
            }
            DeedBody::TimeOut { user, until_ms: 0 } => {
                may(Permission::Kick)?;
                if state.time_out_ends(user) == 0 {
                    return Err(Problem::AlreadyDone);
                }
                RoomBody::TimeOut {
                    user_id: *user,
                    until: 0,
                }
            }
            DeedBody::TimeOut { user, until_ms } => {
                may(Permission::Kick)?;
                below(user)?;
                RoomBody::TimeOut {
                    user_id: *user,
                    until: *until_ms,
                }
            }
            DeedBody::SlowMode { channel, seconds } => {
                may(Permission::Meta).or_else(|_| may(Permission::Channel))?;
                if !state.has_channel(channel) {
                    return Err(Problem::NotAllowed);
                }
                if state.slow_mode(channel) == *seconds {
                    return Err(Problem::AlreadyDone);
                }
                RoomBody::SetSlowMode {
                    channel: *channel,
                    seconds: *seconds,
                }
            }
            DeedBody::TakeAway { target, edits } => {
                may(Permission::Redact)?;
                if room.redacted.contains_key(target) {
                    return Err(Problem::AlreadyDone);
                }
                let hash = |head: &Head| EnvelopeHash::from_bytes(*head.as_bytes());
                RoomBody::Redact {
                    target: hash(target),
                    edits: List::new(edits.iter().map(hash).collect()).map_err(internal)?,
                }
            }
        };
        self.write(draft, body, ctx).await
    }

    /// Why entry `of` was written, behind it.
    pub(super) async fn write_reason(
        &self,
        draft: &mut Draft,
        room: &Room,
        of: u64,
        words: &str,
        ctx: &mut Ctx<'_, S>,
    ) -> Result<(), Problem> {
        let n = draft.state.epoch_number();
        let secret = match &draft.secret {
            Some((_, secret)) => Some(secret),
            None => room.keys.get(&n),
        };
        // Without the key nobody here could read it either.
        let Some(secret) = secret.filter(|_| !words.is_empty()) else {
            return Ok(());
        };
        let mut plain = words.as_bytes().to_vec();
        plain.resize(REASON_BYTES.max(plain.len()), 0);
        let sealed = seal_reason(ctx.rng, secret, &draft.state.room_id, n, of, &plain);
        let sealed = Bytes::new(sealed).map_err(internal)?;
        self.write(draft, RoomBody::Reason { n, of, sealed }, ctx).await
    }

    fn handle_of(&self, user: &UserId) -> String {
        self.people.handle(user).unwrap_or_default().to_owned()
    }

    /// What holds in a room, for the page.
    pub(super) fn show_order(&self, id: RoomId, out: &mut Out<S::DeviceKey>) {
        let (Some(room), Some(me)) = (self.rooms.get(&id), self.my_id()) else {
            return;
        };
        if room.state.kind == RoomKind::Direct {
            return;
        }
        let next = |channel| self.place(Chat { room: id, channel })?.next_text_ms(&me, self.now_ms);
        out.push(Effect::Show(Change::Order(room.order(&me, self.now_ms, next))));
    }

    /// Until when this person may not write here; 0: they may.
    pub(super) fn held_until(&self, room: &Room, now_ms: u64) -> u64 {
        let time_out = self.my_id().and_then(|me| room.state.time_out(&me, now_ms));
        time_out.map_or(0, |time_out| time_out.until)
    }
}

impl Room {
    fn order(&self, me: &UserId, now_ms: u64, next: impl Fn(ChannelId) -> Option<u64>) -> Order {
        let banned = self.state.former.iter().filter(|(_, former)| former.banned);
        let time_outs = self.state.time_outs(now_ms).map(|(user, held)| TimeOut {
            user: *user,
            by: held.by,
            until_ms: held.until,
            reason: self.reason_for(held.entry).map(|(_, words)| words).unwrap_or_default(),
        });
        let slow = self.slow_channels().into_iter().map(|(channel, seconds)| SlowMode {
            channel,
            seconds,
            holds: self.state.slowed_at(me, &channel, self.state.seq) > 0,
            next_ms: next(channel).filter(|next| *next > now_ms).unwrap_or_default(),
        });
        Order {
            room: self.state.room_id,
            banned: banned.map(|(user, _)| *user).collect(),
            time_outs: time_outs.collect(),
            slow: slow.collect(),
            newest: self.state.seq,
        }
    }

    pub(super) fn is_slow(&self) -> bool {
        !self.slow_channels().is_empty()
    }

    fn slow_channels(&self) -> Vec<(ChannelId, u32)> {
        let all = self.state.channel_ids().into_iter();
        all.map(|channel| (channel, self.state.slow_mode(&channel)))
            .filter(|(_, seconds)| *seconds > 0)
            .collect()
    }
}

impl Place<'_> {
    /// When this person may say the next text in a slow channel. `None`: it is not slow for them.
    pub(super) fn next_text_ms(&self, me: &UserId, now_ms: u64) -> Option<u64> {
        let seconds = self.state.slowed_at(me, &self.channel.id.channel, self.state.seq);
        if seconds == 0 {
            return None;
        }
        let window_ms = u64::from(seconds) * 1000;
        let mine = self.channel.messages.values().rev().filter_map(|message| {
            message
                .body
                .by()
                .filter(|by| is_text(&message.body) && by.author == *me)
        });
        let newest = mine.map(|by| by.at_ms).next()?;
        Some(newest.saturating_add(window_ms)).filter(|next| *next > now_ms)
    }

    /// Whether a text comes too soon behind the one before it in its sender's lane.
    pub(super) fn is_too_soon(&self, message: &MessageRecord) -> bool {
        let Some(by) = message.body.by().filter(|_| is_text(&message.body)) else {
            return false;
        };
        let seconds = self.state.slowed_at(&by.author, &self.channel.id.channel, by.log_seq);
        let before = self.channel.text_before(&by, message.seq).filter(|_| seconds > 0);
        before.is_some_and(|before| by.at_ms < before.saturating_add(u64::from(seconds) * 1000))
    }
}

impl Room {
    /// Whether a message was written in a time-out of its author, as far as the log goes that they, or whoever wrote before
    /// them, knew.
    pub(super) fn is_timed_out(&self, content: &Content, known: u64, now_ms: u64) -> bool {
        let at_ms = self.clamp(content.ts, now_ms);
        self.state
            .is_timed_out(&content.user_id, known.max(content.log_seq), at_ms)
    }

    /// Why entry `of` was made, and the number of the entry that says so.
    pub(super) fn reason_for(&self, of: u64) -> Option<(u64, String)> {
        let (seq, n, sealed) = self.reasons.get(&of)?;
        let plain = open_reason(self.keys.get(n)?, &self.state.room_id, *n, of, sealed.as_slice()).ok()?;
        let end = plain.iter().position(|byte| *byte == 0).unwrap_or(plain.len());
        let words = String::from_utf8(plain.get(..end)?.to_vec()).ok()?;
        Some((*seq, words))
    }
}

impl Place<'_> {
    /// What a message was changed to by its author: the newest of very many.
    pub(super) fn edits_of(&self, target: &Head, author: UserId) -> Vec<Head> {
        let is_edit = |body: &StoredBody| match body {
            StoredBody::Act { by, act } => matches!(act, Act::Edit { .. }) && by.author == author,
            _ => false,
        };
        self.channel.acts_about(target, is_edit)
    }
}

/// One line or a few, as it was typed, without what nobody sees.
fn tidy_reason(reason: &str) -> Result<String, Problem> {
    let words: String = reason.trim().chars().filter(|c| *c != '\0').collect();
    if words.len() > MAX_REASON_BYTES {
        return Err(Problem::TooLong {
            max: MAX_REASON_BYTES as u32,
        });
    }
    Ok(words)
}

/// A role by its number.
pub(super) fn role_of(role: u8) -> Result<Role, Problem> {
    Role::from_number(role).ok_or(Problem::NotAllowed)
}
