//! Letting go of messages: their bytes go, their number, hash and place in the transcript stay.

use axum::Json;
use axum::extract::State;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, UpdateMany};
use sotto_shared::api::body::{Empty, MessageDelete};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::hash::sha256;
use sotto_shared::envelope::header::Header;
use sotto_shared::id::{EnvelopeHash, RoomId};

use crate::app::App;
use crate::db::entities::messages;
use crate::ledger::rooms::readership;
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::Session;

/// By whoever knows the secret that the header commits to: who wrote it is not stored. Done again it changes nothing.
pub async fn delete(State(app): State<App>, session: Session, Body(ask): Body<MessageDelete>) -> Answer<MessageDelete> {
    app.rates.messages.take(&session.dk_id)?;
    let db = app.db.write();
    readership(&app, &ask.room_id, &ask.channel, &session.user_id).await?;
    let row = messages::Entity::find()
        .filter(messages::Column::RoomId.eq(ask.room_id.as_bytes().to_vec()))
        .filter(messages::Column::Channel.eq(ask.channel.as_bytes().to_vec()))
        .filter(messages::Column::MsgId.eq(ask.msg_id.as_bytes().to_vec()))
        .one(db)
        .await?
        .ok_or(ErrorCode::NotFound)?;
    if row.header.is_empty() {
        return Ok(Json(Empty {}));
    }
    let header = Header::from_bytes(&row.header).map_err(|_| Problem::Fault("a stored header is not one"))?;
    // Both are hashes that a member can read or work out: how long the comparison takes tells nothing.
    if ask.del_secret.0.len() != 32 || sha256(&ask.del_secret.0) != header.del_commit {
        return Err(ErrorCode::Forbidden.into());
    }
    let this = let_go()
        .filter(messages::Column::RoomId.eq(row.room_id))
        .filter(messages::Column::Channel.eq(row.channel))
        .filter(messages::Column::Seq.eq(row.seq));
    this.exec(db).await?;
    Ok(Json(Empty {}))
}

/// Those that a moderator's entry takes away.
pub async fn redact(db: &impl ConnectionTrait, room: &RoomId, hashes: &[EnvelopeHash]) -> Result<(), DbErr> {
    if hashes.is_empty() {
        return Ok(());
    }
    let hashes = hashes.iter().map(|hash| hash.as_bytes().to_vec());
    let these = let_go()
        .filter(messages::Column::RoomId.eq(room.as_bytes().to_vec()))
        .filter(messages::Column::EnvelopeHash.is_in(hashes));
    these.exec(db).await.map(drop)
}

/// Those that have had their time.
pub async fn expire(db: &impl ConnectionTrait, now_ms: i64) -> Result<(), DbErr> {
    let due = let_go().filter(messages::Column::ExpiresMs.lte(now_ms));
    due.exec(db).await.map(drop)
}

fn let_go() -> UpdateMany<messages::Entity> {
    messages::Entity::update_many()
        .col_expr(messages::Column::Header, Expr::value(Vec::<u8>::new()))
        .col_expr(messages::Column::Envelope, Expr::value(Vec::<u8>::new()))
        .col_expr(messages::Column::ExpiresMs, Expr::value(Option::<i64>::None))
}
