//! A room's log for somebody outside who holds a link into it: what they join, they verify first.

use axum::Json;
use axum::extract::State;
use sotto_shared::api::body::{InviteOpen, InviteProof, RoomLogReply};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::codec::{Codec, Text};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::verify;

use super::read::entries;
use crate::app::App;
use crate::ledger::rooms::Hold;
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::Session;

pub async fn open(State(app): State<App>, session: Session, Body(ask): Body<InviteOpen>) -> Answer<InviteOpen> {
    app.rates.invites.take(&session.dk_id)?;
    let sig = <[u8; 64]>::try_from(ask.sig.as_ref()).map_err(|_| ErrorCode::Malformed)?;
    let txn = app.db.begin().await?;
    let room = (app.ledger)
        .lock_room(&txn, &app.realm, &ask.room_id, Hold::ToPost)
        .await?
        .ok_or(ErrorCode::NotFound)?;
    let state = room.state;
    // One answer for every way in which it is not theirs to see.
    let banned = state.former.get(&session.user_id).is_some_and(|former| former.banned);
    let invite = (state.invites.get(&ask.invite_id))
        .filter(|invite| invite.is_open(app.now_ms()) && !banned)
        .ok_or(ErrorCode::NotFound)?;
    let proof = InviteProof {
        realm: Text::new(app.realm.as_str()).map_err(|_| Problem::Fault("a realm that is too long"))?,
        room_id: ask.room_id,
        invite_id: ask.invite_id,
        user_id: session.user_id,
    };
    verify(&invite.key, Label::InviteOpen, &proof.to_bytes(), &sig).map_err(|_| ErrorCode::NotFound)?;
    Ok(Json(RoomLogReply {
        entries: entries(&txn, &ask.room_id, ask.from_seq, state.seq).await?,
        seq: state.seq,
    }))
}
