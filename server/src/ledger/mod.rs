//! What the logs say now: people's keys and rooms' states, replayed once and kept while they are current.
//!
//! A cached state is a guess; the head in the database decides. Whoever changes a room holds its row's lock and asks for
//! the state under it, so a decision is never made on an old one.

pub mod people;
pub mod rooms;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::sign::{SignedBlob, Unproven};
use sotto_shared::id::{RoomId, UserId};
use sotto_shared::log::room_log::RoomState;
use sotto_shared::log::user_log::UserLog;
use tokio::sync::{Mutex as TurnMutex, MutexGuard as Turn};

use crate::problem::Problem;

/// Bounded; the least used goes first.
pub struct Ledger {
    people: Mutex<LruCache<UserId, Arc<UserLog>>>,
    rooms: Mutex<LruCache<RoomId, Arc<RoomState>>>,
    turns: Vec<TurnMutex<()>>,
}

const TURNS: usize = 64;

impl Ledger {
    pub fn new(most: usize) -> Self {
        let most = NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        Self {
            people: Mutex::new(LruCache::new(most)),
            rooms: Mutex::new(LruCache::new(most)),
            turns: (0..TURNS).map(|_| TurnMutex::new(())).collect(),
        }
    }

    /// Held from before a log's commit until after its announcement, so that entries are heard in their order.
    pub async fn turn(&self, id: &[u8; 32]) -> Option<Turn<'_, ()>> {
        match self.turns.get(usize::from(id[0]) % TURNS) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }

    pub fn keep_person(&self, log: Arc<UserLog>) {
        self.people
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .put(*log.user_id(), log);
    }

    pub fn keep_room(&self, state: Arc<RoomState>) {
        self.rooms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .put(state.room_id, state);
    }

    fn person(&self, user: &UserId) -> Option<Arc<UserLog>> {
        self.people
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(user)
            .cloned()
    }

    /// A room as it was when it was last looked at.
    pub fn room(&self, room: &RoomId) -> Option<Arc<RoomState>> {
        self.rooms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(room)
            .cloned()
    }
}

/// Entries from the relay's own database had their signatures checked before they went in.
fn trusted<T>(unproven: Unproven<T>) -> Result<T, Problem> {
    let verdicts = vec![true; unproven.jobs().len()];
    unproven
        .prove(&verdicts)
        .map_err(|_| Problem::Fault("a stored log does not replay"))
}

fn stored_blob(bytes: &[u8]) -> Result<SignedBlob, Problem> {
    SignedBlob::from_bytes(bytes).map_err(|_| Problem::Fault("a stored entry does not decode"))
}
