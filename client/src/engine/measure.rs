//! The engine's two heavy paths by themselves, for `tests/measure_engine.rs`: opening messages, and wrapping a room key.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use sotto_shared::api::body::{StoredMessage, Wrap};
use sotto_shared::crypto::secret::EpochSecret;
use sotto_shared::crypto::sign::{SignedBlob, VerifyJob};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::envelope::content::{OpenedContent, envelope_context, message_key};
use sotto_shared::envelope::header::Header;
use sotto_shared::id::{ChannelId, UserId};
use sotto_shared::log::room_log::RoomState;

use super::chats::{Channel, Place};
use super::contacts::Decided;
use super::inbox::{Outcome, open_all};
use super::rooms::Room;
use super::{Ctx, epochs};
use crate::view::Problem;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::seal;

/// Votes that were looked at in this process, counting or counting again.
static VOTES: AtomicU64 = AtomicU64::new(0);

pub(super) fn look_at_a_vote() {
    VOTES.fetch_add(1, Ordering::Relaxed);
}

pub fn votes_looked_at() -> u64 {
    VOTES.load(Ordering::Relaxed)
}

/// The same of reactions.
static REACTIONS: AtomicU64 = AtomicU64::new(0);

pub(super) fn look_at_a_reaction() {
    REACTIONS.fetch_add(1, Ordering::Relaxed);
}

pub fn reactions_looked_at() -> u64 {
    REACTIONS.load(Ordering::Relaxed)
}

thread_local! {
    /// Messages that were looked at in this thread because of others that came or were due.
    static SETTLED: Cell<u64> = const { Cell::new(0) };
}

pub(super) fn settle_messages(number: usize) {
    SETTLED.set(SETTLED.get() + number as u64);
}

pub fn messages_settled() -> u64 {
    SETTLED.get()
}

/// A room whose newest key is here.
pub struct OpenRoom(Room, Channel);

impl OpenRoom {
    pub fn new(state: RoomState, genesis: &SignedBlob, newest: EpochSecret) -> Self {
        let n = state.epoch_number();
        let mut room = Room::new(state, genesis);
        room.keys.insert(n, newest);
        let channel = Channel::new(room.state.room_id.into());
        Self(room, channel)
    }

    /// As a page of messages is taken in: opened, decoded, attributed, verified. Gives how many held.
    pub async fn open<S: Suite>(&self, messages: Vec<StoredMessage>, suite: &S) -> usize {
        let place = Place {
            room: &self.0,
            channel: &self.1,
            decided: &Decided::new(),
        };
        let opened = open_all(place, messages, true, suite).await;
        opened
            .iter()
            .filter(|(_, outcome)| matches!(outcome, Outcome::Content(..)))
            .count()
    }

    /// The signatures that opening these messages checks. `None` if one does not open.
    pub fn jobs(&self, messages: &[StoredMessage]) -> Option<Vec<VerifyJob>> {
        let state = &self.0.state;
        let secret = self.0.keys.get(&state.epoch_number())?;
        let key = message_key(secret, &state.room_id, &ChannelId::MAIN);
        let mut jobs = Vec::with_capacity(messages.len());
        for message in messages {
            let header = Header::from_bytes(&message.header.0).ok()?;
            let plain = seal::open(key.expose(), &envelope_context(&message.header.0), &message.envelope.0).ok()?;
            let opened = OpenedContent::parse(&plain, &header).ok()?;
            let content = &opened.content;
            let signer = state.author_key(&content.user_id, &content.dk_id, content.log_seq)?;
            jobs.extend_from_slice(opened.claim(signer)?.jobs());
        }
        Some(jobs)
    }

    /// The newest room key for everybody.
    pub async fn wrap_for_all<S: Suite>(
        &self,
        secret: &EpochSecret,
        ctx: &mut Ctx<'_, S>,
    ) -> Result<Vec<Wrap>, Problem> {
        let members: Vec<UserId> = self.0.state.members.keys().copied().collect();
        epochs::wrap_for(&self.0.state, &ChannelId::MAIN, &members, secret, ctx).await
    }
}
