//! What people say in passing besides where they stand: that they are writing, and whether they are here.
//!
//! ```text
//!  typing ────▶ the room, once in 5 s at most ─▶ shown for 10 s, or until what was written comes
//!  presence ──▶ up to 16 rooms that reach the people one shares one with, once a minute ─▶ holds for 150 s
//! ```
//! Both are sealed and signed as a beacon is, of the same size, and say as much about where their author stands. Nothing of
//! it is kept. Old words that a relay says again are not heard: a word counts if it is newer than all of that tab before, and
//! not older than [`FRESH_MS`] by the reader's clock.

use std::collections::{BTreeMap, BTreeSet};

use sotto_shared::api::B64;
use sotto_shared::api::frame::{Outgoing, ToRelay};
use sotto_shared::codec::Codec;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::envelope::content::{Content, Here, MessageBody, seal_message};
use sotto_shared::envelope::header::{Header, MessageKind};
use sotto_shared::id::{ChannelId, DeviceKeyId, MessageId, RoomId, UserId};
use sotto_shared::log::room_log::{RoomKind, SUITE_1};

use super::account::internal;
use super::rooms::Room;
use super::{Ctx, Effect, Engine, Out};
use crate::view::{Change, Chat, Outcome, Presence, Problem, Standing};

/// In rooms of more people nobody says that they write or that they are here: everybody would tell everybody.
const MANY: usize = 64;
/// In rooms of more people nobody answers a newcomer at once; they hear it within a minute.
const FEW: usize = 16;
const TYPING_EVERY_MS: u64 = 5_000;
const TYPING_FOR_MS: u64 = 10_000;
const PRESENT_EVERY_MS: u64 = 60_000;
const PRESENT_FOR_MS: u64 = 150_000;
/// Between two words about oneself in one room, for another reason than the time.
const PRESENT_AGAIN_MS: u64 = 5_000;
/// Rooms that are told: all frames of one device are counted by the relay.
const ROOMS_TOLD: usize = 16;
/// How far the clocks of two people may be apart.
const FRESH_MS: u64 = 120_000;
/// Tabs of one person that are told apart; with one more the one goes that was heard longest ago.
const TABS: usize = 16;

#[derive(Default)]
pub(crate) struct Passing {
    /// The person wants neither to tell nor to see it.
    pub typing_off: bool,
    pub presence_off: bool,
    /// What the page says of the person; none before it said anything.
    here: Option<Here>,
    /// What was told of it is to be taken back.
    hides: bool,
    /// What was said last of that, and when.
    told: Option<Here>,
    told_ms: u64,
    /// The same, by room.
    room_told_ms: BTreeMap<RoomId, u64>,
    /// Rooms where somebody came who does not know yet.
    asked: BTreeSet<RoomId>,
    /// The time of the newest word of this tab.
    said_ts: u64,
    typed_ms: BTreeMap<Chat, u64>,
    typing: BTreeMap<Chat, BTreeMap<UserId, Writing>>,
    people: BTreeMap<UserId, Heard>,
    /// Conversations where messages of others came, which they are not told yet; and when they may be.
    pub arrived: BTreeSet<Chat>,
    pub arrived_ms: u64,
    wakes_ms: u64,
}

struct Writing {
    until_ms: u64,
    /// The channel's newest message then: what they write comes after it.
    after: u64,
}

/// What was heard of one person.
#[derive(Default)]
struct Heard {
    tabs: BTreeMap<(DeviceKeyId, [u8; 8]), Tab>,
    seen_ms: Option<u64>,
    shown: Option<Presence>,
}

#[derive(Default)]
struct Tab {
    /// The newest word of each kind, by its author's clock.
    typing_ts: u64,
    presence_ts: u64,
    heard_ms: u64,
    here: Option<Here>,
    until_ms: u64,
}

impl Passing {
    /// All but what this browser's person has chosen.
    pub fn forget(&mut self) {
        *self = Self {
            typing_off: self.typing_off,
            presence_off: self.presence_off,
            here: self.here,
            ..Self::default()
        };
    }
}

impl<S: Suite> Engine<S> {
    // --- One's own -----------------------------------------------------------------------------------------------------------

    /// The person wrote a sign in this conversation.
    pub(super) async fn typing(
        &mut self,
        chat: Chat,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let last = self.passing.typed_ms.get(&chat).copied().unwrap_or_default();
        let is_due = ctx.now_ms >= last.saturating_add(TYPING_EVERY_MS);
        if is_due && !self.passing.typing_off && self.may_say_aside(chat) {
            self.passing.typed_ms.insert(chat, ctx.now_ms);
            self.say_aside(chat, MessageBody::Typing, ctx, out).await?;
        }
        Ok(Some(Outcome::Done))
    }

    pub(super) fn tell_typing(&mut self, on: bool, out: &mut Out<S::DeviceKey>) -> Result<Option<Outcome>, Problem> {
        self.passing.typing_off = !on;
        if !on {
            for (chat, _) in std::mem::take(&mut self.passing.typing) {
                out.push(Effect::Show(Change::Typing { chat, who: Vec::new() }));
            }
        }
        Ok(Some(Outcome::Done))
    }

    pub(super) async fn tell_presence(
        &mut self,
        on: bool,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        if !on && !self.passing.presence_off {
            // Who does not want to be seen is not left standing as present, whatever tab said so: one that was closed or loaded
            // anew may not have had the time to take it back. A page that begins with the switch off says nothing.
            self.passing.hides = self.passing.here.is_some();
            for (user, heard) in std::mem::take(&mut self.passing.people) {
                if heard.shown.is_some() {
                    show(user, None, None, out);
                }
            }
        }
        self.passing.presence_off = !on;
        self.passing.hides &= !on;
        self.passing.told = None;
        self.hide(ctx, out).await;
        Ok(Some(Outcome::Done))
    }

    /// Whether the person is at the page.
    pub(super) fn be_here(&mut self, here: bool) -> Result<Option<Outcome>, Problem> {
        self.passing.here = Some(if here { Here::Here } else { Here::Away });
        Ok(Some(Outcome::Done))
    }

    /// The page goes: so it is said at once, where it would be noticed only later.
    pub(super) async fn say_gone(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        if self.online && self.passing.told.is_some_and(|told| told != Here::Gone) {
            self.say_presence(Here::Gone, self.to_be_told(), ctx, out).await;
        }
    }

    /// Takes back what was said, once, as soon as it can be said.
    async fn hide(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let is_busy = self.channels.values().any(|channel| channel.pages.is_busy());
        if self.passing.hides && self.online && !is_busy {
            self.passing.hides = false;
            self.say_presence(Here::Hidden, self.to_be_told(), ctx, out).await;
            self.passing.told = None;
        }
    }

    /// Says whether the person is here, when it is time. Looked at after every step.
    async fn present(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        self.hide(ctx, out).await;
        let Some(here) = self.passing.here.filter(|_| self.online && !self.passing.presence_off) else {
            return;
        };
        let is_busy = self.channels.values().any(|channel| channel.pages.is_busy());
        if is_busy {
            // Where this browser stands is about to change; the end of that is another step.
            return;
        }
        let passing = &self.passing;
        let wait = if passing.told == Some(here) {
            PRESENT_EVERY_MS
        } else {
            PRESENT_AGAIN_MS
        };
        let due_ms = if passing.told.is_none() {
            0
        } else {
            passing.told_ms + wait
        };
        if ctx.now_ms >= due_ms {
            self.say_presence(here, self.to_be_told(), ctx, out).await;
            // Whom those rooms reach knows; of the others none is told before somebody speaks there.
            for room in self.rooms.keys() {
                self.passing.room_told_ms.entry(*room).or_default();
            }
            return self.wake_in_passing(self.passing.told_ms + PRESENT_EVERY_MS, out);
        }
        // A room that came since.
        let is_new = |id: &&RoomId| !self.passing.room_told_ms.contains_key(*id) && self.voice(**id).is_some();
        let new: Vec<RoomId> = self.rooms.keys().filter(is_new).copied().collect();
        self.passing.asked.extend(new);
        if !self.passing.asked.is_empty() {
            let asked = std::mem::take(&mut self.passing.asked);
            let told = |room: &RoomId| self.passing.room_told_ms.get(room).copied().unwrap_or_default();
            let rooms = asked
                .into_iter()
                .filter(|room| ctx.now_ms >= told(room) + PRESENT_AGAIN_MS);
            let rooms = rooms.filter(|room| self.voice(*room).is_some()).collect();
            let before = self.passing.told_ms;
            self.say_presence(here, rooms, ctx, out).await;
            self.passing.told_ms = before;
        }
        self.wake_in_passing(self.passing.told_ms + PRESENT_EVERY_MS, out);
    }

    async fn say_presence(
        &mut self,
        state: Here,
        rooms: Vec<RoomId>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        (self.passing.told, self.passing.told_ms) = (Some(state), ctx.now_ms);
        for room in rooms {
            self.passing.room_told_ms.insert(room, ctx.now_ms);
            let Some(chat) = self.voice(room) else { continue };
            let said = self.say_aside(chat, MessageBody::Presence { state }, ctx, out).await;
            if let Err(problem) = said {
                self.notice(problem, out);
            }
        }
    }

    /// Rooms that reach whom one shares one with: the one on screen, direct messages, then those in which most was said last;
    /// none that reaches nobody more.
    fn to_be_told(&self) -> Vec<RoomId> {
        let Some(me) = self.my_id() else { return Vec::new() };
        let mut rooms: Vec<(&RoomId, &Room)> = self.rooms.iter().filter(|(id, _)| self.voice(**id).is_some()).collect();
        rooms.sort_by_key(|(id, room)| {
            let is_shown = self.shown.is_some_and(|shown| shown.room == **id);
            let previews = self.channels_of(**id).filter_map(|channel| channel.preview.as_ref());
            let active_ms = previews.map(|preview| preview.at_ms).max().unwrap_or_default();
            (
                !is_shown,
                room.state.kind != RoomKind::Direct,
                std::cmp::Reverse(active_ms),
            )
        });
        let mut reached = BTreeSet::from([me]);
        let mut told = Vec::new();
        for (id, room) in rooms {
            let before = reached.len();
            reached.extend(room.state.members.keys().copied());
            if reached.len() > before && told.len() < ROOMS_TOLD {
                told.push(*id);
            }
        }
        told
    }

    /// Where one says of oneself what everybody in a room may know, if one may: of a space the first channel that all can read,
    /// so that it is said once and not in each.
    fn voice(&self, room: RoomId) -> Option<Chat> {
        let kind = self.rooms.get(&room)?.state.kind;
        if kind != RoomKind::Space {
            return Some(Chat::from(room)).filter(|chat| self.may_say_aside(*chat));
        }
        let is_for_all = |chat: &Chat| self.place(*chat).is_some_and(|place| place.key() == ChannelId::MAIN);
        let mut chats = self.channels_of(room).map(|channel| channel.id);
        chats.find(|chat| is_for_all(chat) && self.may_say_aside(*chat))
    }

    /// Whether one speaks in passing in a conversation: few enough hear it, and under a key that nobody has who should not.
    pub(super) fn may_say_aside(&self, chat: Chat) -> bool {
        let Some(room) = self.place(chat).filter(|_| self.online) else {
            return false;
        };
        (2..=MANY).contains(&room.state.members.len())
            && room.channel.pages.has_begun()
            && !room.sync.log_is_behind()
            && self.standing(room) == Standing::Open
            && !self.is_kept_quiet(&room)
            && !self.key_is_due(room)
    }

    pub(super) async fn say_aside(
        &mut self,
        chat: Chat,
        body: MessageBody,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let Some(room) = self.place(chat) else {
            return Ok(());
        };
        let n = room.epoch_number();
        let Some(key) = room.message_key(n) else { return Ok(()) };
        let mut msg_id = [0; 16];
        ctx.rng.fill_bytes(&mut msg_id);
        let header = Header {
            suite: SUITE_1,
            kind: MessageKind::Ephemeral,
            room_id: chat.room,
            channel: chat.channel,
            n,
            msg_id: MessageId::from_bytes(msg_id),
            ttl_class: 0,
            del_commit: [0; 32],
        };
        // Each word is newer than the one before, also within one moment.
        let ts = ctx.now_ms.max(self.passing.said_ts.saturating_add(1));
        let content = self.standpoint(room, &header, body, ts)?.to_bytes();
        self.passing.said_ts = ts;
        let me = self.me()?;
        let sig = (ctx.suite.sign(&me.key, Label::Message, &content).await).map_err(internal)?;
        let sealed = seal_message(ctx.rng, &key, &header, &content, &sig);
        out.push(Effect::Transmit(ToRelay::Send {
            messages: vec![Outgoing {
                header: B64(sealed.header),
                envelope: B64(sealed.envelope),
            }],
        }));
        Ok(())
    }

    // --- Others' -------------------------------------------------------------------------------------------------------------

    /// Somebody's verified word in passing.
    pub(super) fn heard_aside(&mut self, chat: Chat, content: &Content, out: &mut Out<S::DeviceKey>) {
        let now_ms = self.now_ms;
        let is_typing = content.body == MessageBody::Typing;
        let is_off = if is_typing {
            self.passing.typing_off
        } else {
            self.passing.presence_off
        };
        if is_off || self.my_id() == Some(content.user_id) || content.ts.abs_diff(now_ms) > FRESH_MS {
            return;
        }
        let user = content.user_id;
        let heard = self.passing.people.entry(user).or_default();
        let tab = heard.tabs.entry((content.dk_id, content.lane)).or_default();
        let newest = if is_typing {
            &mut tab.typing_ts
        } else {
            &mut tab.presence_ts
        };
        if content.ts <= *newest {
            return;
        }
        (*newest, tab.heard_ms) = (content.ts, now_ms);
        if let MessageBody::Presence { state } = content.body {
            let was_here = tab.here.is_some();
            (tab.here, tab.until_ms) = (Some(state), now_ms + PRESENT_FOR_MS);
            let is_small = (self.rooms.get(&chat.room)).is_some_and(|room| room.state.members.len() <= FEW);
            if state == Here::Hidden {
                let same = heard
                    .tabs
                    .iter_mut()
                    .filter(|((device, _), _)| *device == content.dk_id);
                for (_, tab) in same.filter(|(_, tab)| tab.presence_ts <= content.ts) {
                    (tab.here, tab.presence_ts) = (Some(state), content.ts);
                }
            }
            if !was_here && state < Here::Gone && is_small {
                self.passing.asked.insert(chat.room);
            }
        }
        heard.seen_ms = Some(now_ms);
        if heard.tabs.len() > TABS {
            let oldest = heard.tabs.iter().min_by_key(|(_, tab)| tab.heard_ms).map(|(id, _)| *id);
            oldest.map(|id| heard.tabs.remove(&id));
        }
        if is_typing && let Some(room) = self.place(chat) {
            let writing = Writing {
                until_ms: now_ms + TYPING_FOR_MS,
                after: room.channel.at.seq,
            };
            let is_new = (self.passing.typing.entry(chat).or_default().insert(user, writing)).is_none();
            if is_new {
                self.show_typing(chat, out);
            }
        }
    }

    /// What is over is shown no longer, and what is due is said. Looked at after every step.
    pub(super) async fn pass_by(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        if self.me.is_none() {
            return;
        }
        self.end_typing(out);
        self.end_presence(out);
        self.present(ctx, out).await;
        self.say_reached(ctx, out).await;
        let typing = self.passing.typing.values().flat_map(BTreeMap::values);
        let tabs = self.passing.people.values().flat_map(|heard| heard.tabs.values());
        let ends = typing.map(|writing| writing.until_ms).chain(
            tabs.filter(|tab| tab.here.is_some_and(|here| here < Here::Gone))
                .map(|tab| tab.until_ms),
        );
        if let Some(at_ms) = ends.min() {
            self.wake_in_passing(at_ms, out);
        }
    }

    fn end_typing(&mut self, out: &mut Out<S::DeviceKey>) {
        let now_ms = self.now_ms;
        let mut changed = Vec::new();
        for (chat, writers) in &mut self.passing.typing {
            let before = writers.len();
            let (Some(room), Some(channel)) = (self.rooms.get(&chat.room), self.channels.get(chat)) else {
                writers.clear();
                changed.push(*chat);
                continue;
            };
            writers.retain(|user, writing| {
                let since = channel.messages.range(writing.after.saturating_add(1)..);
                let has_come = since
                    .filter_map(|(_, message)| message.body.by())
                    .any(|by| by.author == *user);
                now_ms < writing.until_ms && !has_come && room.state.members.contains_key(user)
            });
            if writers.len() != before {
                changed.push(*chat);
            }
        }
        for chat in changed {
            self.show_typing(chat, out);
        }
        self.passing.typing.retain(|_, writers| !writers.is_empty());
    }

    fn show_typing(&self, chat: Chat, out: &mut Out<S::DeviceKey>) {
        let writers = self.passing.typing.get(&chat);
        let who = writers
            .map(|writers| writers.keys().filter(|user| !self.is_blocked(user)).copied().collect())
            .unwrap_or_default();
        out.push(Effect::Show(Change::Typing { chat, who }));
    }

    fn end_presence(&mut self, out: &mut Out<S::DeviceKey>) {
        let now_ms = self.now_ms;
        for (user, heard) in &mut self.passing.people {
            // Words that are too old to count need not be told apart from newer ones.
            heard
                .tabs
                .retain(|_, tab| now_ms < tab.until_ms || now_ms < tab.heard_ms.saturating_add(2 * FRESH_MS));
            let here = heard.tabs.values().filter(|tab| now_ms < tab.until_ms);
            let shown = match here.filter_map(|tab| tab.here).min() {
                Some(Here::Here) => Some(Presence::Here),
                Some(Here::Away) => Some(Presence::Away),
                Some(Here::Gone | Here::Hidden) | None => None,
            };
            if heard.shown != shown {
                heard.shown = shown;
                show(*user, shown, heard.seen_ms, out);
            }
        }
    }

    pub(super) fn wake_in_passing(&mut self, at_ms: u64, out: &mut Out<S::DeviceKey>) {
        let wakes_ms = self.passing.wakes_ms;
        if wakes_ms <= self.now_ms || at_ms < wakes_ms {
            self.passing.wakes_ms = at_ms;
            out.push(Effect::Wake {
                after_ms: at_ms.saturating_sub(self.now_ms).max(1),
            });
        }
    }
}

fn show<K>(user: UserId, presence: Option<Presence>, seen_ms: Option<u64>, out: &mut Out<K>) {
    out.push(Effect::Show(Change::Presence {
        user,
        presence,
        seen_ms,
    }));
}
