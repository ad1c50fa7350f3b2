//! Room states, under the lock of the room's row; and who is in a room, for those who only read.

use std::sync::Arc;

use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::id::{ChannelId, Head, RoomId, UserId};
use sotto_shared::log::LogError;
use sotto_shared::log::room_log::RoomState;

use super::people::Known;
use super::{Ledger, stored_blob, trusted};
use crate::app::{App, from_row, to_row};
use crate::db::entities::{room_log, room_people, rooms, users};
use crate::problem::Problem;

/// A room as it is while its row is locked.
pub struct LockedRoom {
    pub state: Arc<RoomState>,
    /// When the newest room key came in, by the relay's clock.
    pub epoch_ms: u64,
}

/// How a room's row is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Nobody may append meanwhile.
    ToAppend,
    /// The log may not change meanwhile; others may post as well.
    ToPost,
}

impl Ledger {
    /// Locks a room and brings its state up to date. `None` if there is no such room.
    pub async fn lock_room(
        &self,
        txn: &DatabaseTransaction,
        realm: &str,
        room: &RoomId,
        hold: Hold,
    ) -> Result<Option<LockedRoom>, Problem> {
        let query = rooms::Entity::find_by_id(room.as_bytes().to_vec());
        let query = match hold {
            Hold::ToAppend => query.lock_exclusive(),
            Hold::ToPost => query.lock_shared(),
        };
        let Some(row) = query.one(txn).await? else {
            return Ok(None);
        };
        let head = Head::from_slice(&row.head).map_err(|_| Problem::Fault("a stored head is not one"))?;
        let state = match self.room(room) {
            Some(state) if state.head == head => state,
            older => {
                let state = Arc::new(replay(self, txn, realm, room, older).await?);
                if state.head != head {
                    return Err(Problem::Fault("a stored room log does not end at its head"));
                }
                self.keep_room(state.clone());
                state
            }
        };
        Ok(Some(LockedRoom {
            state,
            epoch_ms: from_row(row.epoch_ms),
        }))
    }
}

/// From the cached state, if it lies on the stored log, or from the genesis.
async fn replay(
    ledger: &Ledger,
    txn: &DatabaseTransaction,
    realm: &str,
    room: &RoomId,
    older: Option<Arc<RoomState>>,
) -> Result<RoomState, Problem> {
    let people: Vec<Vec<u8>> = room_people::Entity::find()
        .select_only()
        .column(room_people::Column::UserId)
        .filter(room_people::Column::RoomId.eq(room.as_bytes().to_vec()))
        .into_tuple()
        .all(txn)
        .await?;
    let people: Vec<UserId> = people.iter().filter_map(|user| UserId::from_slice(user).ok()).collect();
    // Those who asked to be let in are in no row yet: their logs are fetched as the entries name them.
    let mut known = ledger.people_now(txn, realm, &people).await?;
    if let Some(older) = older {
        let newer = entries_after(txn, room, older.seq).await?;
        if let Ok(unproven) = with_logs(ledger, txn, realm, &mut known, |known| older.extend(&newer, known)).await {
            return trusted(unproven).map(|(state, _)| state);
        }
    }
    let genesis = room_log::Entity::find_by_id((room.as_bytes().to_vec(), 0))
        .one(txn)
        .await?;
    let genesis = stored_blob(&genesis.ok_or(Problem::Fault("a room without a genesis"))?.entry)?;
    let state = trusted(RoomState::begin(&genesis, room, &known).map_err(not_replayed)?)?;
    let entries = entries_after(txn, room, 0).await?;
    let extended = with_logs(ledger, txn, realm, &mut known, |known| state.extend(&entries, known)).await;
    let extended = extended.map_err(|problem| match problem {
        Problem::Refused(_) => Problem::Fault("a stored room log does not replay"),
        other => other,
    })?;
    trusted(extended).map(|(state, _)| state)
}

async fn entries_after(
    txn: &DatabaseTransaction,
    room: &RoomId,
    seq: u64,
) -> Result<Vec<sotto_shared::crypto::sign::SignedBlob>, Problem> {
    let rows = room_log::Entity::find()
        .filter(room_log::Column::RoomId.eq(room.as_bytes().to_vec()))
        .filter(room_log::Column::Seq.gt(to_row(seq)?))
        .order_by_asc(room_log::Column::Seq)
        .all(txn)
        .await?;
    rows.iter().map(|row| stored_blob(&row.entry)).collect()
}

fn not_replayed(_: LogError) -> Problem {
    Problem::Fault("a stored room log does not replay")
}

/// Runs `step` with the user logs it asks for, fetched as it names them.
pub async fn with_logs<T>(
    ledger: &Ledger,
    db: &impl ConnectionTrait,
    realm: &str,
    known: &mut Known,
    mut step: impl FnMut(&Known) -> Result<T, (usize, LogError)>,
) -> Result<T, Problem> {
    loop {
        match step(known) {
            Ok(done) => return Ok(done),
            Err((_, LogError::NeedsUserLog { user, seq })) => {
                // A log that is here and still too short does not have what the entry names.
                let here = known.seq(&user);
                let log = ledger
                    .person_now(db, realm, &user)
                    .await?
                    .filter(|log| log.seq() >= seq && here != Some(log.seq()));
                known.add(log.ok_or(ErrorCode::InvalidEntry)?);
            }
            Err(refused) => return Err(refused.into()),
        }
    }
}

/// Proof that a person is in a room now.
#[derive(Debug, Clone, Copy)]
pub struct Membership {
    _private: (),
}

/// What a person is to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Member,
    /// Taken out by this entry.
    Former(u64),
    Stranger,
}

pub async fn standing(db: &impl ConnectionTrait, room: &RoomId, user: &UserId) -> Result<Standing, Problem> {
    let row = room_people::Entity::find_by_id((room.as_bytes().to_vec(), user.as_bytes().to_vec()))
        .one(db)
        .await?;
    Ok(match row {
        None => Standing::Stranger,
        Some(room_people::Model {
            until_seq: Some(until), ..
        }) => Standing::Former(from_row(until)),
        Some(_) => Standing::Member,
    })
}

/// A stranger does not learn whether the room exists.
pub async fn membership(db: &impl ConnectionTrait, room: &RoomId, user: &UserId) -> Result<Membership, Problem> {
    match standing(db, room, user).await? {
        Standing::Member => Ok(Membership { _private: () }),
        Standing::Former(_) => Err(ErrorCode::Forbidden.into()),
        Standing::Stranger => Err(ErrorCode::NotFound.into()),
    }
}

/// Proof that a person reads a channel now. Of one that they do not read they learn nothing.
pub async fn readership(app: &App, room: &RoomId, channel: &ChannelId, user: &UserId) -> Result<Membership, Problem> {
    let member = membership(app.db.read(), room, user).await?;
    if *channel == ChannelId::MAIN {
        return Ok(member);
    }
    if state_now(app, room).await?.may_read(user, channel) {
        Ok(member)
    } else {
        Err(ErrorCode::NotFound.into())
    }
}

/// A room as it is now, for those who only read.
pub async fn state_now(app: &App, room: &RoomId) -> Result<Arc<RoomState>, Problem> {
    let txn = app.db.begin().await?;
    let locked = app.ledger.lock_room(&txn, &app.realm, room, Hold::ToPost).await?;
    Ok(locked.ok_or(ErrorCode::NotFound)?.state)
}

/// Who is in a room with somebody and has no account any more.
pub async fn closed_among(db: &impl ConnectionTrait, user: &UserId) -> Result<Vec<UserId>, Problem> {
    let here = |column: room_people::Column| {
        Query::select()
            .column(column)
            .from(room_people::Entity)
            .and_where(room_people::Column::UntilSeq.is_null())
            .to_owned()
    };
    let rooms = here(room_people::Column::RoomId)
        .and_where(room_people::Column::UserId.eq(user.as_bytes().to_vec()))
        .to_owned();
    let people = here(room_people::Column::UserId)
        .and_where(room_people::Column::RoomId.in_subquery(rooms))
        .to_owned();
    let rows: Vec<Vec<u8>> = users::Entity::find()
        .select_only()
        .column(users::Column::UserId)
        .filter(users::Column::Closed.eq(true))
        .filter(users::Column::UserId.in_subquery(people))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.iter().filter_map(|user| UserId::from_slice(user).ok()).collect())
}

/// Every room a person is in now.
pub async fn rooms_of(db: &impl ConnectionTrait, user: &UserId) -> Result<Vec<RoomId>, Problem> {
    let rows: Vec<Vec<u8>> = room_people::Entity::find()
        .select_only()
        .column(room_people::Column::RoomId)
        .filter(room_people::Column::UserId.eq(user.as_bytes().to_vec()))
        .filter(room_people::Column::UntilSeq.is_null())
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.iter().filter_map(|room| RoomId::from_slice(room).ok()).collect())
}
