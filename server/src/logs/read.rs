//! Reading room logs, and where rooms stand.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sotto_shared::api::B64;
use sotto_shared::api::body::{ChannelHead, RoomHead, RoomLogGet, RoomLogReply};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::MAX_LOG_PAGE;
use sotto_shared::id::{ChannelId, Head, RoomId, UserId};

use crate::app::{App, from_row, to_row};
use crate::db::entities::{channels, room_log, room_people, rooms};
use crate::ledger::rooms::{Standing, standing, state_now};
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::Session;

pub async fn log(State(app): State<App>, session: Session, Body(ask): Body<RoomLogGet>) -> Answer<RoomLogGet> {
    let db = app.db.read();
    let seq = match standing(db, &ask.room_id, &session.user_id).await? {
        Standing::Member => {
            let row = rooms::Entity::find_by_id(ask.room_id.as_bytes().to_vec())
                .one(db)
                .await?
                .ok_or(ErrorCode::NotFound)?;
            from_row(row.head_seq)
        }
        Standing::Former(until) => until,
        Standing::Stranger => return Err(ErrorCode::NotFound.into()),
    };
    Ok(Json(RoomLogReply {
        entries: entries(db, &ask.room_id, ask.from_seq, seq).await?,
        seq,
    }))
}

/// Entries `from..=upto`, at most `MAX_LOG_PAGE`.
pub async fn entries(db: &impl ConnectionTrait, room: &RoomId, from: u64, upto: u64) -> Result<Vec<B64>, Problem> {
    let rows = room_log::Entity::find()
        .filter(room_log::Column::RoomId.eq(room.as_bytes().to_vec()))
        .filter(room_log::Column::Seq.gte(to_row(from)?))
        .filter(room_log::Column::Seq.lte(to_row(upto)?))
        .order_by_asc(room_log::Column::Seq)
        .limit(u64::from(MAX_LOG_PAGE))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| B64(row.entry)).collect())
}

/// Where a room stands.
pub async fn head(app: &App, room: &RoomId, user: &UserId) -> Result<RoomHead, Problem> {
    let db = app.db.read();
    let row = rooms::Entity::find_by_id(room.as_bytes().to_vec())
        .one(db)
        .await?
        .ok_or(ErrorCode::NotFound)?;
    let channels = channels::Entity::find()
        .filter(channels::Column::RoomId.eq(room.as_bytes().to_vec()))
        .all(db)
        .await?;
    let channels = channels.iter().map(channel_head).collect::<Result<_, _>>()?;
    let mut head = room_head(&row, channels)?;
    keep_readable(app, &mut head, user).await?;
    Ok(head)
}

/// Leaves out the channels of a space that this person does not read.
async fn keep_readable(app: &App, head: &mut RoomHead, user: &UserId) -> Result<(), Problem> {
    if head.channels.iter().all(|at| at.channel == ChannelId::MAIN) {
        return Ok(());
    }
    let state = state_now(app, &head.room_id).await?;
    head.channels.retain(|at| state.may_read(user, &at.channel));
    Ok(())
}

/// Where every room of a person stands.
pub async fn heads_of(app: &App, user: &UserId) -> Result<Vec<RoomHead>, Problem> {
    let db = app.db.read();
    let own = || {
        sea_orm::sea_query::Query::select()
            .column(room_people::Column::RoomId)
            .from(room_people::Entity)
            .and_where(room_people::Column::UserId.eq(user.as_bytes().to_vec()))
            .and_where(room_people::Column::UntilSeq.is_null())
            .to_owned()
    };
    // Channels first: a log may then be newer than the messages named with it, never older.
    let mut by_room: HashMap<Vec<u8>, Vec<ChannelHead>> = HashMap::new();
    for row in channels::Entity::find()
        .filter(channels::Column::RoomId.in_subquery(own()))
        .all(db)
        .await?
    {
        by_room
            .entry(row.room_id.clone())
            .or_default()
            .push(channel_head(&row)?);
    }
    let rows = rooms::Entity::find()
        .filter(rooms::Column::RoomId.in_subquery(own()))
        .all(db)
        .await?;
    let heads = rows
        .iter()
        .map(|row| room_head(row, by_room.remove(&row.room_id).unwrap_or_default()));
    let mut heads = heads.collect::<Result<Vec<_>, _>>()?;
    for head in &mut heads {
        keep_readable(app, head, user).await?;
    }
    Ok(heads)
}

fn room_head(row: &rooms::Model, channels: Vec<ChannelHead>) -> Result<RoomHead, Problem> {
    let broken = |_| Problem::Fault("a stored id is not one");
    Ok(RoomHead {
        room_id: RoomId::from_slice(&row.room_id).map_err(broken)?,
        seq: from_row(row.head_seq),
        head: Head::from_slice(&row.head).map_err(broken)?,
        channels,
    })
}

fn channel_head(row: &channels::Model) -> Result<ChannelHead, Problem> {
    let broken = |_| Problem::Fault("a stored id is not one");
    Ok(ChannelHead {
        channel: ChannelId::from_slice(&row.channel).map_err(broken)?,
        seq: from_row(row.seq),
        t: Head::from_slice(&row.t).map_err(broken)?,
    })
}
