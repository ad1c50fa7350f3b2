//! Slots: sealed values, each in a place that its author alone can work out. The newest takes the place of the one before.
//!
//! Whose they are is not known here, so a room has so many for each member, and with one more the oldest goes.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use sotto_shared::api::B64;
use sotto_shared::api::body::{SlotValue, SlotsGet, SlotsReply};
use sotto_shared::api::limits::{MAX_SLOTS_PAGE, SLOTS_PER_MEMBER};
use sotto_shared::id::RoomId;

use super::Post;
use crate::app::{App, from_row, to_row};
use crate::db::entities::{channels, slots};
use crate::ledger::rooms::readership;
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::Session;

pub async fn list(State(app): State<App>, session: Session, Body(ask): Body<SlotsGet>) -> Answer<SlotsGet> {
    let db = app.db.read();
    readership(&app, &ask.room_id, &ask.channel, &session.user_id).await?;
    let mut there = slots::Entity::find()
        .filter(slots::Column::RoomId.eq(ask.room_id.as_bytes().to_vec()))
        .filter(slots::Column::Channel.eq(ask.channel.as_bytes().to_vec()));
    if let Some(before) = ask.before {
        there = there.filter(slots::Column::Rev.lt(to_row(before)?));
    }
    let rows = there
        .order_by_desc(slots::Column::Rev)
        .limit(u64::from(MAX_SLOTS_PAGE))
        .all(db)
        .await?;
    let full = rows.len() == MAX_SLOTS_PAGE as usize;
    let before = rows.last().filter(|_| full).map(|row| from_row(row.rev));
    let value = |row: slots::Model| SlotValue {
        header: B64(row.header),
        envelope: B64(row.envelope),
    };
    Ok(Json(SlotsReply {
        slots: rows.into_iter().map(value).collect(),
        before,
    }))
}

/// Writes the values of `posts`, in their order, under the lock of the channel's row.
pub async fn put(
    txn: &DatabaseTransaction,
    channel: &channels::Model,
    members: usize,
    posts: &[&Post],
) -> Result<(), Problem> {
    if posts.is_empty() {
        return Ok(());
    }
    let there: Vec<(Vec<u8>, i64)> = slots::Entity::find()
        .select_only()
        .columns([slots::Column::SlotId, slots::Column::Rev])
        .filter(slots::Column::RoomId.eq(channel.room_id.clone()))
        .filter(slots::Column::Channel.eq(channel.channel.clone()))
        .order_by_asc(slots::Column::Rev)
        .into_tuple()
        .all(txn)
        .await?;
    let last = there.last().map_or(0, |(_, rev)| *rev);
    let mut newest = BTreeMap::new();
    for (rev, post) in (last.saturating_add(1)..).zip(posts) {
        newest.insert(post.header.msg_id.as_bytes().to_vec(), row(post, rev));
    }
    let mut others: Vec<Vec<u8>> = there.into_iter().map(|(id, _)| id).collect();
    others.retain(|id| !newest.contains_key(id));
    let room_for = (SLOTS_PER_MEMBER * members).saturating_sub(newest.len());
    others.truncate(others.len().saturating_sub(room_for));
    if !others.is_empty() {
        slots::Entity::delete_many()
            .filter(slots::Column::RoomId.eq(channel.room_id.clone()))
            .filter(slots::Column::Channel.eq(channel.channel.clone()))
            .filter(slots::Column::SlotId.is_in(others))
            .exec(txn)
            .await?;
    }
    let replace = OnConflict::columns([slots::Column::RoomId, slots::Column::Channel, slots::Column::SlotId])
        .update_columns([slots::Column::Rev, slots::Column::Header, slots::Column::Envelope])
        .to_owned();
    slots::Entity::insert_many(newest.into_values())
        .on_conflict(replace)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

fn row(post: &Post, rev: i64) -> slots::ActiveModel {
    slots::ActiveModel {
        room_id: Set(post.header.room_id.as_bytes().to_vec()),
        channel: Set(post.header.channel.as_bytes().to_vec()),
        slot_id: Set(post.header.msg_id.as_bytes().to_vec()),
        rev: Set(rev),
        header: Set(post.header_bytes.clone()),
        envelope: Set(post.envelope.clone()),
    }
}

/// A room that is closed has no use for them.
pub async fn clear(db: &impl ConnectionTrait, room: &RoomId) -> Result<(), DbErr> {
    let all = slots::Entity::delete_many().filter(slots::Column::RoomId.eq(room.as_bytes().to_vec()));
    all.exec(db).await.map(drop)
}
