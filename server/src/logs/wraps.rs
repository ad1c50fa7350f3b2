//! Wrapped room keys: each member fetches their own, and any member may wrap for one who lacks it.

use axum::Json;
use axum::extract::State;
use sea_orm::sea_query::{Expr, Order, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QueryResult, QuerySelect,
};
use sotto_shared::api::B64;
use sotto_shared::api::body::{Empty, Wrap, WrapsDrop, WrapsGet, WrapsPut, WrapsReply};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::id::{ChannelId, RoomId, UserId};

use super::{announce, store};
use crate::app::App;
use crate::db::entities::wraps;
use crate::ledger::rooms::{Hold, membership, state_now};
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::Session;

/// Wraps in one answer of the room's own keys, and as many of its private channels': an epoch each, so years of a room. A
/// client asks for fewer with `from_n`.
const MAX_WRAPS: u64 = 5_000;

pub async fn get(State(app): State<App>, session: Session, Body(ask): Body<WrapsGet>) -> Answer<WrapsGet> {
    let db = app.db.read();
    membership(db, &ask.room_id, &session.user_id).await?;
    let own = wraps::Entity::find()
        .filter(wraps::Column::RoomId.eq(ask.room_id.as_bytes().to_vec()))
        .filter(wraps::Column::UserId.eq(session.user_id.as_bytes().to_vec()));
    let main = ChannelId::MAIN.as_bytes().to_vec();
    let mut rows = own
        .clone()
        .filter(wraps::Column::Channel.eq(main.clone()))
        .filter(wraps::Column::N.gte(i64::from(ask.from_n)))
        .order_by_desc(wraps::Column::N)
        .order_by_desc(wraps::Column::G)
        .limit(MAX_WRAPS)
        .all(db)
        .await?;
    let private: Vec<Vec<u8>> = own
        .select_only()
        .column(wraps::Column::Channel)
        .distinct()
        .filter(wraps::Column::Channel.ne(main))
        .into_tuple()
        .all(db)
        .await?;
    if !private.is_empty() {
        let state = state_now(&app, &ask.room_id).await?;
        let reads = |id: &Vec<u8>| ChannelId::from_slice(id).is_ok_and(|id| state.may_read(&session.user_id, &id));
        rows.extend(of_channels(db, &ask.room_id, &session.user_id, private.into_iter().filter(reads)).await?);
    }
    Ok(Json(WrapsReply {
        wraps: rows.into_iter().map(wrap).collect::<Result<_, _>>()?,
    }))
}

/// The newest key of each channel first, then of each the one before it: however many a channel has, another's are not left
/// out for it. Their numbers are no others', so all of them are wanted.
async fn of_channels(
    db: &impl ConnectionTrait,
    room: &RoomId,
    user: &UserId,
    channels: impl Iterator<Item = Vec<u8>>,
) -> Result<Vec<wraps::Model>, Problem> {
    let columns = ["room_id", "user_id", "channel", "n", "g", "enc", "ct"];
    let by_age = Query::select()
        .columns(columns)
        .expr_as(
            Expr::cust("ROW_NUMBER() OVER (PARTITION BY channel ORDER BY n DESC, g DESC)"),
            "age",
        )
        .from("wraps")
        .and_where(wraps::Column::RoomId.eq(room.as_bytes().to_vec()))
        .and_where(wraps::Column::UserId.eq(user.as_bytes().to_vec()))
        .and_where(wraps::Column::Channel.is_in(channels))
        .to_owned();
    let query = Query::select()
        .columns(columns)
        .from_subquery(by_age, "own")
        .order_by("age", Order::Asc)
        .order_by("channel", Order::Asc)
        .limit(MAX_WRAPS)
        .to_owned();
    let rows = db.query_all(&query).await?;
    let row = |row: &QueryResult| wraps::Model::from_query_result(row, "").map_err(Problem::from);
    rows.iter().map(row).collect()
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
