//! Reports: sealed by members for those in the room who may act on them, fetched by those and nobody else.
//!
//! Who may is decided by the room's log, when one is sent and again whenever somebody asks. Who sent one is not kept.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use sotto_shared::api::B64;
use sotto_shared::api::body::{Empty, ReportSend, ReportSettle, ReportWrap, ReportsGet, ReportsReply, SealedReport};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::api::limits::{
    MAX_OPEN_REPORTS, MAX_REPORT_READERS, MAX_REPORTS_PAGE, MAX_ROOM_REPORTS, REPORT_DAYS,
};
use sotto_shared::envelope::header::is_envelope_size;
use sotto_shared::id::{ReportId, RoomId, UserId};
use sotto_shared::log::room_log::RoomState;

use crate::app::{App, from_row, to_row};
use crate::db::entities::{report_keys, reports, users};
use crate::gateway::encode;
use crate::ledger::rooms::{Hold, LockedRoom, membership};
use crate::logs::store::{CT_BYTES, ENC_BYTES};
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::Session;

const DAY_MS: u64 = 24 * 3600 * 1000;

pub async fn send(State(app): State<App>, session: Session, Body(mut ask): Body<ReportSend>) -> Answer<ReportSend> {
    app.rates.reports.take(&session.user_id)?;
    if !is_envelope_size(ask.sealed.0.len()) || !(1..=MAX_REPORT_READERS).contains(&ask.wraps.len()) {
        return Err(ErrorCode::Malformed.into());
    }
    let work = app.clone();
    app.see_through(async move {
        let txn = work.db.begin().await?;
        let room = locked(&work, &txn, &ask.room_id, &session.user_id).await?;
        // Neither a reader without an account nor, below, one with no room for more keeps it from the others.
        let closed = closed_among(&txn, &ask.wraps).await?;
        ask.wraps
            .retain(|wrap| !closed.contains(wrap.user_id.as_bytes().as_slice()));
        check(&room.state, &session, &ask.wraps)?;
        let room_id = ask.room_id.as_bytes().to_vec();
        let report_id = ask.report_id.as_bytes().to_vec();
        let there = reports::Entity::find_by_id((room_id.clone(), report_id.clone()))
            .one(&txn)
            .await?;
        match there {
            // Its answer was lost, and it came again.
            Some(there) if there.sealed == ask.sealed.0 => return Ok(()),
            Some(_) => return Err(ErrorCode::Duplicate.into()),
            None => {}
        }
        let open = reports::Entity::find().filter(reports::Column::RoomId.eq(room_id.clone()));
        let full = full_among(&txn, &room_id, &ask.wraps).await?;
        ask.wraps
            .retain(|wrap| !full.contains(wrap.user_id.as_bytes().as_slice()));
        if ask.wraps.is_empty() || open.count(&txn).await? >= MAX_ROOM_REPORTS {
            return Err(ErrorCode::TooLarge.into());
        }
        work.rates.reports_in_room.take(&(ask.room_id, session.user_id))?;
        let report = reports::ActiveModel {
            room_id: Set(room_id.clone()),
            report_id: Set(report_id.clone()),
            expires_ms: Set(to_row(work.now_ms().saturating_add(REPORT_DAYS * DAY_MS))?),
            sealed: Set(ask.sealed.0),
        };
        reports::Entity::insert(report).exec_without_returning(&txn).await?;
        let readers: Vec<UserId> = ask.wraps.iter().map(|wrap| wrap.user_id).collect();
        let keys = ask.wraps.into_iter().map(|wrap| report_keys::ActiveModel {
            room_id: Set(room_id.clone()),
            report_id: Set(report_id.clone()),
            user_id: Set(wrap.user_id.as_bytes().to_vec()),
            g: Set(i64::from(wrap.g)),
            enc: Set(wrap.enc.0),
            ct: Set(wrap.ct.0),
        });
        report_keys::Entity::insert_many(keys)
            .exec_without_returning(&txn)
            .await?;
        txn.commit().await?;
        announce(&work, &ask.room_id, &readers);
        Ok(())
    })
    .await?;
    Ok(Json(Empty {}))
}

/// By a member, for others who may act: what is in the keys only their receivers can tell.
fn check(state: &RoomState, session: &Session, wraps: &[ReportWrap]) -> Result<(), Problem> {
    let is_here = state.members.get(&session.user_id);
    let signs = is_here.is_some_and(|member| member.view.active_device(&session.dk_id).is_some());
    if !signs || state.closed {
        return Err(ErrorCode::Forbidden.into());
    }
    if wraps.is_empty() {
        return Err(ErrorCode::InvalidEntry.into());
    }
    let mut seen = BTreeSet::new();
    for wrap in wraps {
        let is_key = wrap.enc.0.len() == ENC_BYTES && wrap.enc.0.first() == Some(&4) && wrap.ct.0.len() == CT_BYTES;
        if !is_key || !seen.insert(wrap.user_id) {
            return Err(ErrorCode::Malformed.into());
        }
        let member = state.members.get(&wrap.user_id).ok_or(ErrorCode::InvalidEntry)?;
        let fits = wrap.user_id != session.user_id && wrap.g == member.view.kem_g;
        if !fits || !state.hears_reports(&wrap.user_id) {
            return Err(ErrorCode::InvalidEntry.into());
        }
    }
    Ok(())
}

/// Of those whom a report is for, who has no account any more. Whoever makes one may not have heard of it yet, nor the room.
async fn closed_among(db: &impl ConnectionTrait, wraps: &[ReportWrap]) -> Result<BTreeSet<Vec<u8>>, DbErr> {
    let readers = wraps.iter().map(|wrap| wrap.user_id.as_bytes().to_vec());
    let rows: Vec<Vec<u8>> = users::Entity::find()
        .select_only()
        .column(users::Column::UserId)
        .filter(users::Column::UserId.is_in(readers))
        .filter(users::Column::Closed.eq(true))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Of those whom a report is for, for whom as many wait as somebody can go through. Counted for each, so that who settles
/// none is in nobody else's way.
async fn full_among(db: &impl ConnectionTrait, room: &[u8], wraps: &[ReportWrap]) -> Result<BTreeSet<Vec<u8>>, DbErr> {
    let readers = wraps.iter().map(|wrap| wrap.user_id.as_bytes().to_vec());
    let rows: Vec<(Vec<u8>, i64)> = report_keys::Entity::find()
        .select_only()
        .column(report_keys::Column::UserId)
        .column_as(report_keys::Column::ReportId.count(), "waiting")
        .filter(report_keys::Column::RoomId.eq(room))
        .filter(report_keys::Column::UserId.is_in(readers))
        .group_by(report_keys::Column::UserId)
        .into_tuple()
        .all(db)
        .await?;
    let full = rows
        .into_iter()
        .filter(|(_, waiting)| from_row(*waiting) >= MAX_OPEN_REPORTS);
    Ok(full.map(|(user, _)| user).collect())
}

pub async fn list(State(app): State<App>, session: Session, Body(ask): Body<ReportsGet>) -> Answer<ReportsGet> {
    let txn = app.db.begin().await?;
    may_hear(&app, &txn, &ask.room_id, &session.user_id).await?;
    let keys = report_keys::Entity::find()
        .filter(report_keys::Column::RoomId.eq(ask.room_id.as_bytes().to_vec()))
        .filter(report_keys::Column::UserId.eq(session.user_id.as_bytes().to_vec()))
        .all(&txn)
        .await?;
    let ids: Vec<Vec<u8>> = keys.iter().map(|key| key.report_id.clone()).collect();
    let open = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let rows = reports::Entity::find()
        .filter(reports::Column::RoomId.eq(ask.room_id.as_bytes().to_vec()))
        .filter(reports::Column::ReportId.is_in(ids))
        .order_by_asc(reports::Column::ExpiresMs)
        .order_by_asc(reports::Column::ReportId)
        .limit(MAX_REPORTS_PAGE)
        .all(&txn)
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(key) = keys.iter().find(|key| key.report_id == row.report_id) else {
            continue;
        };
        found.push(SealedReport {
            report_id: ReportId::from_slice(&row.report_id).map_err(|_| Problem::Fault("a stored id is not one"))?,
            sealed: B64(row.sealed),
            g: key
                .g
                .try_into()
                .map_err(|_| Problem::Fault("a stored number is not one"))?,
            enc: B64(key.enc.clone()),
            ct: B64(key.ct.clone()),
        });
    }
    Ok(Json(ReportsReply { reports: found, open }))
}

/// Done again it changes nothing.
pub async fn settle(State(app): State<App>, session: Session, Body(ask): Body<ReportSettle>) -> Answer<ReportSettle> {
    let work = app.clone();
    app.see_through(async move {
        let txn = work.db.begin().await?;
        may_hear(&work, &txn, &ask.room_id, &session.user_id).await?;
        let keys = report_keys::Entity::find()
            .filter(report_keys::Column::RoomId.eq(ask.room_id.as_bytes().to_vec()))
            .filter(report_keys::Column::ReportId.eq(ask.report_id.as_bytes().to_vec()))
            .all(&txn)
            .await?;
        let readers: Vec<UserId> = keys
            .iter()
            .filter_map(|key| UserId::from_slice(&key.user_id).ok())
            .collect();
        // Of one that was not made for them they learn nothing.
        if !readers.contains(&session.user_id) {
            return Ok(());
        }
        // Its keys go with it.
        let id = (ask.room_id.as_bytes().to_vec(), ask.report_id.as_bytes().to_vec());
        reports::Entity::delete_by_id(id).exec(&txn).await?;
        txn.commit().await?;
        announce(&work, &ask.room_id, &readers);
        Ok(())
    })
    .await?;
    Ok(Json(Empty {}))
}

async fn locked(app: &App, txn: &DatabaseTransaction, room: &RoomId, user: &UserId) -> Result<LockedRoom, Problem> {
    membership(txn, room, user).await?;
    let room = app.ledger.lock_room(txn, &app.realm, room, Hold::ToPost).await?;
    Ok(room.ok_or(ErrorCode::NotFound)?)
}

async fn may_hear(app: &App, txn: &DatabaseTransaction, room: &RoomId, user: &UserId) -> Result<(), Problem> {
    if locked(app, txn, room, user).await?.state.hears_reports(user) {
        Ok(())
    } else {
        Err(ErrorCode::Forbidden.into())
    }
}

fn announce(app: &App, room: &RoomId, readers: &[UserId]) {
    let frame = encode(&FromRelay::Reports { room_id: *room });
    for reader in readers {
        app.hub.tell(reader, &frame);
    }
}

/// Those that nobody settled in time.
pub async fn expire(db: &impl ConnectionTrait, now_ms: i64) -> Result<(), DbErr> {
    let due = reports::Entity::delete_many().filter(reports::Column::ExpiresMs.lte(now_ms));
    due.exec(db).await.map(drop)
}

/// A room that is closed has no use for them.
pub async fn clear(db: &impl ConnectionTrait, room: &RoomId) -> Result<(), DbErr> {
    let all = reports::Entity::delete_many().filter(reports::Column::RoomId.eq(room.as_bytes().to_vec()));
    all.exec(db).await.map(drop)
}
