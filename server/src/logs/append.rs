//! Appending to a room's log: of two who build on the same head, one wins.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sotto_shared::api::B64;
use sotto_shared::api::body::{RoomAppend, RoomHead};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::MAX_AHEAD_MS;
use sotto_shared::id::{EnvelopeHash, UserId};
use sotto_shared::log::room_log::{Invite, RoomBody, RoomEntry, RoomState, entry_hash};

use super::{OwnEntries, announce, own_entries, store};
use crate::app::{App, to_row};
use crate::db::entities::room_log;
use crate::ledger::people::Known;
use crate::ledger::rooms::{Hold, Standing, standing, with_logs};
use crate::mailbox::{gone, reports, slots};
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::Session;

pub async fn append(State(app): State<App>, session: Session, Body(ask): Body<RoomAppend>) -> Answer<RoomAppend> {
    if ask.entries.is_empty() {
        return Err(ErrorCode::Malformed.into());
    }
    app.rates.entries.take_n(&session.dk_id, ask.entries.len())?;
    app.rates.wraps.take_n(&session.dk_id, ask.wraps.len())?;
    let own = own_entries(&session, &ask.entries)?;
    let last = last_word(&ask, &own)?;
    let work = app.clone();
    app.see_through(async move {
        let _turn = work.ledger.turn(ask.room_id.as_bytes()).await;
        if let Some(done) = store(&work, &session, &ask, own).await? {
            announce::appended(&work, &ask.room_id, done.from, &ask.entries, &done.moves).await;
            announce::wrapped(&work, &ask.room_id, &done.wrapped);
        }
        match standing(work.db.read(), &ask.room_id, &session.user_id).await? {
            Standing::Member => super::read::head(&work, &ask.room_id, &session.user_id).await,
            // Who has gone, or waits to be let in, does not hear what has happened since.
            Standing::Former(_) | Standing::Stranger => Ok(last),
        }
    })
    .await
    .map(Json)
}

/// Where the log is with the last of these entries.
fn last_word(ask: &RoomAppend, own: &OwnEntries) -> Result<RoomHead, ErrorCode> {
    let last = own.parsed.last().zip(own.blobs.last());
    let (entry, blob) = last.ok_or(ErrorCode::Malformed)?;
    Ok(RoomHead {
        room_id: ask.room_id,
        seq: entry.seq,
        head: entry_hash(&blob.body),
        channels: Vec::new(),
    })
}

struct Done {
    from: u64,
    moves: store::Moves,
    wrapped: BTreeSet<UserId>,
}

/// None: these very entries are there already.
async fn store(app: &App, session: &Session, ask: &RoomAppend, own: OwnEntries) -> Result<Option<Done>, Problem> {
    let txn = app.db.begin().await?;
    let locked = app
        .ledger
        .lock_room(&txn, &app.realm, &ask.room_id, Hold::ToAppend)
        .await?
        .ok_or(ErrorCode::NotFound)?;
    let old = locked.state;
    match standing(&txn, &ask.room_id, &session.user_id).await? {
        Standing::Member => {}
        // Somebody lets themselves in by an invite that there is; whoever names none learns nothing of the room.
        Standing::Stranger | Standing::Former(_) if joins(&old, ask, &own).is_some() => {}
        Standing::Stranger => return Err(ErrorCode::NotFound.into()),
        // Their own last word, said twice.
        Standing::Former(_) if is_there(&txn, ask, &own).await? => return Ok(None),
        Standing::Former(_) => return Err(ErrorCode::Forbidden.into()),
    }
    let mut known = members_logs(app, &txn, &own).await?;
    let extended = with_logs(&app.ledger, &txn, &app.realm, &mut known, |known| {
        old.extend(&own.blobs, known)
    })
    .await;
    let extended = match extended {
        Err(Problem::Refused(ErrorCode::StaleHead)) if is_there(&txn, ask, &own).await? => return Ok(None),
        extended => extended?,
    };
    let (new, _) = extended.prove_here().map_err(|_| ErrorCode::InvalidEntry)?;
    // The entry's own time is advice.
    if joins(&old, ask, &own).is_some_and(|invite| !invite.is_open(app.now_ms())) {
        return Err(ErrorCode::InvalidEntry.into());
    }
    if own.parsed.iter().any(|entry| is_far_ahead(entry, app.now_ms())) {
        return Err(ErrorCode::InvalidEntry.into());
    }
    store::entries(&txn, &ask.room_id, old.seq + 1, &ask.entries).await?;
    gone::redact(&txn, &ask.room_id, &redacted(&own)).await?;
    if new.closed {
        slots::clear(&txn, &ask.room_id).await?;
        reports::clear(&txn, &ask.room_id).await?;
    }
    store::head(&txn, &old, &new, app.now_ms()).await?;
    let moves = store::people(&txn, Some(&old), &new).await?;
    store::wraps_for_all(Some(&old), &new, &ask.wraps)?;
    store::channels(&txn, Some(&old), &new).await?;
    store::wraps_are_theirs(&new, &session.user_id, &ask.wraps)?;
    let wrapped = store::wraps(&txn, &new, &ask.wraps).await?;
    txn.commit().await?;
    app.ledger.keep_room(new.into());
    Ok(Some(Done {
        from: old.seq + 1,
        moves,
        wrapped,
    }))
}

/// The rules count from an entry's own time how long a time-out may be and how many invites are open, so whoever says a late
/// one would have more of both. Other entries are taken whatever their author's clock says.
fn is_far_ahead(entry: &RoomEntry, now_ms: u64) -> bool {
    let counts = matches!(entry.body, RoomBody::TimeOut { .. } | RoomBody::CreateInvite { .. });
    counts && entry.ts > now_ms.saturating_add(MAX_AHEAD_MS)
}

/// The messages that these entries take away.
fn redacted(own: &OwnEntries) -> Vec<EnvelopeHash> {
    let named = own.parsed.iter().filter_map(|entry| match &entry.body {
        RoomBody::Redact { target, edits } => Some(std::iter::once(target).chain(edits.iter())),
        _ => None,
    });
    named.flatten().copied().collect()
}

/// The invite by which a request joins: one Join and nothing with it.
fn joins<'a>(state: &'a RoomState, ask: &RoomAppend, own: &OwnEntries) -> Option<&'a Invite> {
    match own.parsed.as_slice() {
        [entry] if ask.wraps.is_empty() => match &entry.body {
            RoomBody::Join { invite_id, .. } => state.invites.get(invite_id),
            _ => None,
        },
        _ => None,
    }
}

/// The logs of everybody these entries name, fetched together.
async fn members_logs(app: &App, txn: &DatabaseTransaction, own: &OwnEntries) -> Result<Known, Problem> {
    let named = own.parsed.iter().filter_map(|entry| entry.body.named());
    let named: BTreeSet<UserId> = named.map(|member| member.user_id).collect();
    app.ledger
        .people_now(txn, &app.realm, &named.into_iter().collect::<Vec<_>>())
        .await
}

/// Whether these very entries are in the log: their answer was lost, and they came again.
async fn is_there(txn: &DatabaseTransaction, ask: &RoomAppend, own: &OwnEntries) -> Result<bool, Problem> {
    let Some(first) = own.parsed.first() else {
        return Ok(false);
    };
    let rows = room_log::Entity::find()
        .filter(room_log::Column::RoomId.eq(ask.room_id.as_bytes().to_vec()))
        .filter(room_log::Column::Seq.gte(to_row(first.seq)?))
        .order_by_asc(room_log::Column::Seq)
        .limit(ask.entries.len() as u64)
        .all(txn)
        .await?;
    let same = |(row, entry): (&room_log::Model, &B64)| row.entry == entry.0;
    Ok(rows.len() == ask.entries.len() && rows.iter().zip(&ask.entries).all(same))
}
