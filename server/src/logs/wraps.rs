//! Wrapped room keys: each member fetches their own, and any member may wrap for one who lacks it.

use axum::Json;
use axum::extract::State;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sotto_shared::api::B64;
use sotto_shared::api::body::{Empty, Wrap, WrapsDrop, WrapsGet, WrapsPut, WrapsReply};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::id::{ChannelId, UserId};

use super::{announce, store};
use crate::app::App;
use crate::db::entities::wraps;
use crate::ledger::rooms::{Hold, membership};
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::Session;

/// Wraps in one answer: an epoch each, so years of a room. A client asks for fewer with `from_n`.
const MAX_WRAPS: u64 = 5_000;

pub async fn get(State(app): State<App>, session: Session, Body(ask): Body<WrapsGet>) -> Answer<WrapsGet> {
    membership(app.db.read(), &ask.room_id, &session.user_id).await?;
    let rows = wraps::Entity::find()
        .filter(wraps::Column::RoomId.eq(ask.room_id.as_bytes().to_vec()))
        .filter(wraps::Column::UserId.eq(session.user_id.as_bytes().to_vec()))
        // The numbers of private channels' keys are others: all of those.
        .filter(
            Condition::any()
                .add(wraps::Column::N.gte(i64::from(ask.from_n)))
                .add(wraps::Column::Channel.ne(ChannelId::MAIN.as_bytes().to_vec())),
        )
        .order_by_desc(wraps::Column::N)
        .order_by_desc(wraps::Column::G)
        .limit(MAX_WRAPS)
        .all(app.db.read())
        .await?;
    Ok(Json(WrapsReply {
        wraps: rows.into_iter().map(wrap).collect::<Result<_, _>>()?,
    }))
}

fn wrap(row: wraps::Model) -> Result<Wrap, Problem> {
    let broken = |_| Problem::Fault("a stored id is not one");
    let number = |_| Problem::Fault("a stored number is not one");
    Ok(Wrap {
        channel: ChannelId::from_slice(&row.channel).map_err(broken)?,
        n: row.n.try_into().map_err(number)?,
        user_id: UserId::from_slice(&row.user_id).map_err(broken)?,
        g: row.g.try_into().map_err(number)?,
        enc: B64(row.enc),
        ct: B64(row.ct),
    })
}

pub async fn put(State(app): State<App>, session: Session, Body(ask): Body<WrapsPut>) -> Answer<WrapsPut> {
    if ask.wraps.is_empty() {
        return Err(ErrorCode::Malformed.into());
    }
    app.rates.wraps.take_n(&session.dk_id, ask.wraps.len())?;
    let work = app.clone();
    app.see_through(async move {
        let txn = work.db.begin().await?;
        membership(&txn, &ask.room_id, &session.user_id).await?;
        let room = work
            .ledger
            .lock_room(&txn, &work.realm, &ask.room_id, Hold::ToPost)
            .await?
            .ok_or(ErrorCode::NotFound)?;
        if !room.state.may_post(&session.user_id, &session.dk_id) {
            return Err(ErrorCode::Forbidden.into());
        }
        store::wraps_are_theirs(&room.state, &session.user_id, &ask.wraps)?;
        let wrapped = store::wraps(&txn, &room.state, &ask.wraps).await?;
        txn.commit().await?;
        announce::wrapped(&work, &ask.room_id, &wrapped);
        Ok(())
    })
    .await?;
    Ok(Json(Empty {}))
}

pub async fn drop_own(State(app): State<App>, session: Session, Body(ask): Body<WrapsDrop>) -> Answer<WrapsDrop> {
    app.rates.wraps.take(&session.dk_id)?;
    let txn = app.db.begin().await?;
    membership(&txn, &ask.room_id, &session.user_id).await?;
    wraps::Entity::delete_many()
        .filter(wraps::Column::RoomId.eq(ask.room_id.as_bytes().to_vec()))
        .filter(wraps::Column::UserId.eq(session.user_id.as_bytes().to_vec()))
        .filter(wraps::Column::Channel.eq(ask.channel.as_bytes().to_vec()))
        .filter(wraps::Column::N.eq(i64::from(ask.n)))
        .exec(&txn)
        .await?;
    txn.commit().await?;
    Ok(Json(Empty {}))
}
