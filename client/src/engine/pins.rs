//! Messages that a room keeps at hand. The log says which; what they read is looked up when they are shown.

use sotto_shared::api::limits::MAX_PINS;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{EnvelopeHash, Head, MessageId};
use sotto_shared::log::roles::Permission;
use sotto_shared::log::room_log::{Event, Pinned, RoomBody, RoomState};

use super::chats::Place;
use super::intents::{Intent, What};
use super::{Ctx, Engine, Out};
use crate::view::{self, Chat, Outcome, Problem, Quote};

const fn head(hash: &EnvelopeHash) -> Head {
    Head::from_bytes(*hash.as_bytes())
}

impl Place<'_> {
    fn pins(&self) -> &[Pinned] {
        self.room
            .state
            .pins
            .get(&self.channel.id.channel)
            .map_or(&[], Vec::as_slice)
    }

    pub fn is_pinned(&self, hash: &Head) -> bool {
        self.pins().iter().any(|pinned| head(&pinned.target) == *hash)
    }

    /// Those that are not known to have gone, the newest first.
    pub fn shown_pins(&self, now_ms: u64) -> Vec<view::Pin> {
        let standing = self.pins().iter().rev().filter_map(|pinned| {
            let quote = self.quote(&head(&pinned.target), u64::MAX, now_ms);
            let at = self
                .channel
                .named(&head(&pinned.target))
                .and_then(|message| message.body.by());
            (!matches!(quote, Quote::Gone | Quote::Nowhere)).then(|| view::Pin {
                target: pinned.target,
                quote,
                at_ms: at.map_or(0, |by| by.at_ms),
                by: pinned.by,
            })
        });
        standing.collect()
    }

    /// What has to be said so that a message is pinned, or is no more. Nothing, if it is so.
    pub fn pin_bodies(
        &self,
        state: &RoomState,
        target: EnvelopeHash,
        on: bool,
        now_ms: u64,
    ) -> Result<Vec<RoomBody>, Problem> {
        let channel = self.channel.id.channel;
        let pins = state.pins.get(&channel).map_or(&[][..], Vec::as_slice);
        if pins.iter().any(|pinned| pinned.target == target) == on {
            return Ok(Vec::new());
        }
        let mut bodies = Vec::with_capacity(2);
        if on && pins.len() >= MAX_PINS {
            // The place of one that has gone.
            let has_gone = |pinned: &&Pinned| {
                let quote = self.quote(&head(&pinned.target), u64::MAX, now_ms);
                matches!(quote, Quote::Gone | Quote::Nowhere)
            };
            let gone = pins
                .iter()
                .find(has_gone)
                .ok_or(Problem::TooManyPins { max: MAX_PINS as u32 })?;
            bodies.push(RoomBody::Pin {
                channel,
                target: gone.target,
                on: false,
            });
        }
        bodies.push(RoomBody::Pin { channel, target, on });
        Ok(bodies)
    }
}

impl<S: Suite> Engine<S> {
    pub(super) async fn pin(
        &mut self,
        command: u32,
        chat: Chat,
        message: MessageId,
        on: bool,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let (hash, _) = self.standing_message(chat, message)?;
        self.pin_named(command, chat, EnvelopeHash::from_bytes(*hash.as_bytes()), on, ctx, out)
            .await
    }

    pub(super) async fn pin_named(
        &mut self,
        command: u32,
        chat: Chat,
        target: EnvelopeHash,
        on: bool,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let id = chat.room;
        let me = self.my_id().ok_or(Problem::SignedOut)?;
        self.open_room(id)?;
        let room = self.place(chat).ok_or(Problem::RoomClosed)?;
        if !room.state.allows(&me, Permission::Pin) {
            return Err(Problem::NotAllowed);
        }
        // What is full is said before anything is written.
        room.pin_bodies(&room.state, target, on, ctx.now_ms)?;
        self.intend(
            id,
            Intent::new(
                What::Pin {
                    channel: chat.channel,
                    target,
                    on,
                },
                Some(command),
            ),
            ctx,
            out,
        )
        .await;
        Ok(None)
    }

    /// The log put messages up, or took them down: their rows say so.
    pub(super) fn show_pinned(&self, id: sotto_shared::id::RoomId, events: &[Event], out: &mut Out<S::DeviceKey>) {
        for event in events {
            if let RoomBody::Pin { channel, target, .. } = &event.body {
                let chat = Chat {
                    room: id,
                    channel: *channel,
                };
                self.show_named(chat, &head(target), out);
            }
        }
    }
}
