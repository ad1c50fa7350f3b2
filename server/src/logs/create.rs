//! A new room: genesis, first entries and wraps, all or nothing.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use sea_orm::{ActiveValue::Set, DatabaseTransaction, EntityTrait};
use sotto_shared::api::B64;
use sotto_shared::api::body::{RoomCreate, RoomHead};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::id::{RoomId, UserId};
use sotto_shared::log::room_log::{RoomGenesis, RoomState, room_id};

use super::{OwnEntries, announce, own_entries, store};
use crate::accounts::guests;
use crate::app::{App, to_row};
use crate::db::entities::rooms;
use crate::db::fault::is_taken;
use crate::ledger::people::Known;
use crate::ledger::rooms::{membership, with_logs};
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::Session;

pub async fn create(State(app): State<App>, session: Session, Body(ask): Body<RoomCreate>) -> Answer<RoomCreate> {
    app.rates.entries.take_n(&session.dk_id, ask.entries.len() + 1)?;
    app.rates.wraps.take_n(&session.dk_id, ask.wraps.len())?;
    let genesis = SignedBlob::from_bytes(&ask.genesis.0).map_err(|_| ErrorCode::Malformed)?;
    let parsed = RoomGenesis::from_bytes(&genesis.body).map_err(|_| ErrorCode::Malformed)?;
    if parsed.creator.user_id != session.user_id || parsed.creator_dk != session.dk_id {
        return Err(ErrorCode::Forbidden.into());
    }
    let own = own_entries(&session, &ask.entries)?;
    guests::refuse(&app, &session.user_id).await?;
    let work = app.clone();
    let room = room_id(&genesis.body);
    app.see_through(async move {
        let _turn = work.ledger.turn(room.as_bytes()).await;
        if let Some(done) = store(&work, &session, &ask, room, genesis, own).await? {
            let all: Vec<B64> = std::iter::once(ask.genesis).chain(ask.entries).collect();
            announce::appended(&work, &room, 0, &all, &done.moves).await;
            announce::wrapped(&work, &room, &done.wrapped);
        }
        super::read::head(&work, &room, &session.user_id).await
    })
    .await
    .map(Json::<RoomHead>)
}

struct Done {
    moves: store::Moves,
    wrapped: BTreeSet<UserId>,
}

/// None: the room was there already.
async fn store(
    app: &App,
    session: &Session,
    ask: &RoomCreate,
    room: RoomId,
    genesis: SignedBlob,
    own: OwnEntries,
) -> Result<Option<Done>, Problem> {
    let txn = app.db.begin().await?;
    if rooms::Entity::find_by_id(room.as_bytes().to_vec())
        .one(&txn)
        .await?
        .is_some()
    {
        membership(&txn, &room, &session.user_id).await?;
        return Ok(None);
    }
    let mut known = Known::default();
    let begin = |known: &Known| RoomState::begin(&genesis, &room, known).map_err(|error| (1, error));
    let state = with_logs(&app.ledger, &txn, &app.realm, &mut known, begin)
        .await?
        .prove_here()
        .map_err(|_| ErrorCode::InvalidEntry)?;
    let extend = |known: &Known| state.extend(&own.blobs, known).map_err(|(_, error)| (1, error));
    let extended = with_logs(&app.ledger, &txn, &app.realm, &mut known, extend).await?;
    let (state, _) = extended.prove_here().map_err(|_| ErrorCode::InvalidEntry)?;
    if let Err(error) = insert_room(&txn, &state, app.now_ms()).await {
        // Two requests with the same genesis: the other was faster, and this one changes nothing.
        return if matches!(&error, Problem::Database(cause) if is_taken(cause)) {
            Ok(None)
        } else {
            Err(error)
        };
    }
    store::entries(&txn, &room, 0, std::slice::from_ref(&ask.genesis)).await?;
    store::entries(&txn, &room, 1, &ask.entries).await?;
    let moves = store::people(&txn, None, &state).await?;
    store::wraps_for_all(None, &state, &ask.wraps)?;
    let wrapped = store::wraps(&txn, &state, &ask.wraps).await?;
    txn.commit().await?;
    app.ledger.keep_room(state.into());
    Ok(Some(Done { moves, wrapped }))
}

async fn insert_room(txn: &DatabaseTransaction, state: &RoomState, now_ms: u64) -> Result<(), Problem> {
    let id = state.room_id.as_bytes().to_vec();
    let row = rooms::ActiveModel {
        room_id: Set(id),
        head_seq: Set(to_row(state.seq)?),
        head: Set(state.head.as_bytes().to_vec()),
        epoch_ms: Set(to_row(now_ms)?),
    };
    rooms::Entity::insert(row).exec_without_returning(txn).await?;
    store::channels(txn, None, state).await
}
