//! How much of each conversation a person wants to be told, the same in every browser of the account, and what of it is told.

use sotto_shared::attention::{Choice, Levels, Usual};
use sotto_shared::codec::Codec;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{ChannelId, EnvelopeHash, RoomId};
use sotto_shared::log::room_log::RoomKind;

use super::books::Book;
use super::chats::Place;
use super::record::MessageRecord;
use super::rooms::Room;
use super::{Ctx, Effect, Engine, Out};
use crate::view::{self, Alert, Change, Chat, Hush, Level, Outcome, Problem, RoomHush};

/// Unread messages that are looked at for one that is to be told.
const LOOKED_AT: usize = 200;

impl<S: Suite> Engine<S> {
    /// What holds in a conversation: its own choice, that of the room or space around it, what is usual.
    pub(super) fn hush(&self, room: &Room, channel: &ChannelId) -> Hush {
        let levels = &self.attention.levels;
        let id = &room.state.room_id;
        let (own, around) = if *channel == ChannelId::MAIN {
            (levels.get(id, None), None)
        } else {
            (levels.get(id, Some(channel)), levels.get(id, None))
        };
        let chosen = own.and_then(|choice| choice.level).map(level);
        let by_room = around.and_then(|choice| choice.level).map(level);
        let muted_until = own.map_or(0, |choice| choice.until);
        let until = muted_until.max(around.map_or(0, |choice| choice.until));
        Hush {
            level: chosen.or(by_room).unwrap_or_else(|| self.usual_level(room.state.kind)),
            chosen,
            muted: until > self.now_ms,
            muted_until,
        }
    }

    fn usual_level(&self, kind: RoomKind) -> Level {
        let usual = &self.attention.levels.usual;
        let every = match kind {
            RoomKind::Direct => usual.direct,
            RoomKind::Group => usual.groups,
            RoomKind::Space => usual.spaces,
        };
        match kind {
            _ if every => Level::Everything,
            RoomKind::Direct => Level::Nothing,
            _ if usual.mentions => Level::Mentions,
            _ => Level::Nothing,
        }
    }

    /// The newest unread message that the person is to be told of.
    pub(super) fn alert(&self, room: Place<'_>, hush: &Hush) -> Option<Alert> {
        let me = self.my_id()?;
        if hush.muted
            || hush.level == Level::Nothing
            || room.channel.unread.max(room.channel.mentions) == 0 && room.channel.threads.unread() == 0
        {
            return None;
        }
        let chat = room.channel.id;
        let told_from = self
            .attention
            .told_from
            .as_ref()?
            .get(&chat)
            .copied()
            .unwrap_or_default();
        let from = room.channel.read_seq.max(told_from).checked_add(1)?;
        let is_heard = |message: &MessageRecord| !message.body.by().is_some_and(|by| room.is_unheard(&by.author));
        let unread = room.channel.messages.range(from..).rev();
        let unread = unread.filter(|(_, message)| is_heard(message)).take(LOOKED_AT);
        // In a direct message every word is to the other.
        let is_all = hush.level == Level::Everything || room.state.kind == RoomKind::Direct;
        unread
            .filter(|(_, message)| {
                let is_news = || room.is_news(message, me, self.now_ms) || room.answers_to(message, me);
                room.still_calls(message, me) || is_all && is_news()
            })
            .find_map(|(seq, message)| {
                let (text, _) = room.words(message, self.now_ms)?;
                let by = message.body.by()?;
                Some(Alert {
                    seq: *seq,
                    author: by.author,
                    text: text.to_owned(),
                    at_ms: by.at_ms,
                    thread: room
                        .thread_of(message)
                        .map(|root| EnvelopeHash::from_bytes(*root.as_bytes())),
                })
            })
    }

    pub(super) fn set_level(
        &mut self,
        (room, channel): (RoomId, Option<ChannelId>),
        level: Option<Level>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let mut choice = self.choice(room, channel, ctx.now_ms)?;
        choice.level = level.map(Into::into);
        self.choose(choice, ctx, out)
    }

    pub(super) fn mute(
        &mut self,
        (room, channel): (RoomId, Option<ChannelId>),
        until_ms: u64,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let mut choice = self.choice(room, channel, ctx.now_ms)?;
        choice.until = until_ms;
        self.choose(choice, ctx, out)
    }

    pub(super) fn set_usual(
        &mut self,
        usual: view::Usual,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.me()?;
        let at = ctx.now_ms.max(self.attention.levels.usual.at.saturating_add(1));
        self.attention.levels.usual = Usual {
            direct: usual.direct,
            mentions: usual.mentions,
            groups: usual.groups,
            spaces: usual.spaces,
            at,
        };
        self.keep_levels(ctx, out);
        Ok(Some(Outcome::Done))
    }

    /// What was chosen so far, to be chosen anew now.
    fn choice(&self, room: RoomId, channel: Option<ChannelId>, now_ms: u64) -> Result<Choice, Problem> {
        self.rooms.get(&room).ok_or(Problem::RoomClosed)?;
        let channel = channel.filter(|channel| *channel != ChannelId::MAIN);
        let known = self.attention.levels.get(&room, channel.as_ref());
        Ok(Choice {
            room_id: room,
            channel,
            level: known.and_then(|choice| choice.level),
            until: known.map_or(0, |choice| choice.until),
            // Later than what it takes the place of, whatever the clocks say.
            at: now_ms.max(known.map_or(0, |choice| choice.at.saturating_add(1))),
        })
    }

    fn choose(
        &mut self,
        choice: Choice,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.attention.levels = self.attention.levels.with(choice);
        self.keep_levels(ctx, out);
        Ok(Some(Outcome::Done))
    }

    fn keep_levels(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let plain = self.attention.levels.to_bytes();
        self.put_book(Book::Levels, &plain, ctx, out);
        self.show_levels(out);
    }

    /// What the vault says, or this browser kept of it.
    pub(super) fn levels_came(&mut self, out: &mut Out<S::DeviceKey>) {
        let held = self.me.as_ref().and_then(|me| me.vault.books.get(&Book::Levels));
        let levels = held
            .and_then(|held| Levels::from_bytes(&held.plain).ok())
            .unwrap_or_default();
        if levels != self.attention.levels || !self.attention.levels_shown {
            self.attention.levels = levels;
            self.show_levels(out);
        }
    }

    fn show_levels(&mut self, out: &mut Out<S::DeviceKey>) {
        self.attention.levels_shown = true;
        let levels = &self.attention.levels;
        let rooms = levels.choices.iter().filter(|choice| choice.channel.is_none());
        out.push(Effect::Show(Change::Levels {
            usual: view::Usual {
                direct: levels.usual.direct,
                mentions: levels.usual.mentions,
                groups: levels.usual.groups,
                spaces: levels.usual.spaces,
            },
            rooms: rooms
                .map(|choice| RoomHush {
                    room: choice.room_id,
                    chosen: choice.level.map(level),
                    muted_until: choice.until,
                })
                .collect(),
        }));
        self.refresh_standings(out);
    }

    /// Rooms that were muted until now show it.
    pub(super) fn end_mutes(&mut self, out: &mut Out<S::DeviceKey>) {
        let (before, now) = (self.attention.mutes_ms, self.now_ms);
        self.attention.mutes_ms = now;
        let ends = |choice: &&Choice| before < choice.until && choice.until <= now;
        let ended: Vec<RoomId> = (self.attention.levels.choices.iter())
            .filter(ends)
            .map(|choice| choice.room_id)
            .collect();
        for room in ended {
            self.show_rows_of(room, out);
        }
        let next = (self.attention.levels.choices.iter())
            .map(|choice| choice.until)
            .filter(|until| (now..now.saturating_add(super::marks::A_DAY_MS)).contains(until))
            .min();
        if let Some(at_ms) = next.filter(|at| *at != self.attention.mute_wake_ms) {
            self.attention.mute_wake_ms = at_ms;
            out.push(Effect::Wake { after_ms: at_ms - now });
        }
    }

    /// What is told of a conversation.
    pub(super) fn shown_hush(&self, chat: Chat) -> Option<(Hush, Option<Alert>)> {
        let room = self.place(chat)?;
        let hush = self.hush(room.room, &chat.channel);
        let alert = self.alert(room, &hush);
        Some((hush, alert))
    }
}

const fn level(level: sotto_shared::attention::Level) -> Level {
    match level {
        sotto_shared::attention::Level::Everything => Level::Everything,
        sotto_shared::attention::Level::Mentions => Level::Mentions,
        sotto_shared::attention::Level::Nothing => Level::Nothing,
    }
}

impl From<Level> for sotto_shared::attention::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Everything => Self::Everything,
            Level::Mentions => Self::Mentions,
            Level::Nothing => Self::Nothing,
        }
    }
}
