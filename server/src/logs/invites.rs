//! What somebody outside who holds a link into a room may see: at a glance before there is an account; then the room's log,
//! since what they join, they verify first.

use axum::Json;
use axum::extract::State;
use sotto_shared::api::B64;
use sotto_shared::api::body::{InviteOpen, InvitePeek, InvitePeekReply, InviteProof, PeekProof, RoomLogReply};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::codec::{Codec, Text};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::verify;
use sotto_shared::log::room_log::JoinMode;
use sotto_shared::log::standing::InviteStanding;

use sea_orm::EntityTrait;

use super::read::entries;
use crate::app::App;
use crate::db::entities::users;
use crate::ledger::rooms::Hold;
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::serve::Peer;
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
        // Who has asked sees how that went, also once the invite is used up.
        .filter(|invite| {
            let standing = InviteStanding::of(&state, invite, app.now_ms());
            standing == InviteStanding::Open || state.requests.contains_key(&session.user_id)
        })
        .filter(|_| !banned)
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

/// How far the time of a peek may lie from the relay's: it is asked for just before.
const MAX_PEEK_AGE_MS: u64 = 10 * 60 * 1000;

/// What has become of an invite is told to whoever can sign with its key; everybody else gets one answer.
pub async fn peek(State(app): State<App>, peer: Peer, Body(ask): Body<InvitePeek>) -> Answer<InvitePeek> {
    app.rates.peeks.take(&peer.network)?;
    let sig = <[u8; 64]>::try_from(ask.sig.as_ref()).map_err(|_| ErrorCode::Malformed)?;
    if ask.at_ms.abs_diff(app.now_ms()) > MAX_PEEK_AGE_MS {
        return Err(ErrorCode::NotFound.into());
    }
    let txn = app.db.begin().await?;
    let room = (app.ledger)
        .lock_room(&txn, &app.realm, &ask.room_id, Hold::ToPost)
        .await?
        .ok_or(ErrorCode::NotFound)?;
    let invite = room.state.invites.get(&ask.invite_id).ok_or(ErrorCode::NotFound)?;
    let proof = PeekProof {
        realm: Text::new(app.realm.as_str()).map_err(|_| Problem::Fault("a realm that is too long"))?,
        room_id: ask.room_id,
        invite_id: ask.invite_id,
        at: ask.at_ms,
    };
    verify(&invite.key, Label::InvitePeek, &proof.to_bytes(), &sig).map_err(|_| ErrorCode::NotFound)?;
    let maker = users::Entity::find_by_id(invite.by.as_bytes().to_vec())
        .one(&txn)
        .await?;
    Ok(Json(InvitePeekReply {
        standing: InviteStanding::of(&room.state, invite, app.now_ms()),
        card: B64(invite.card.as_slice().to_vec()),
        by: maker.map(|maker| maker.handle).unwrap_or_default(),
        members: u32::try_from(room.state.members.len()).unwrap_or(u32::MAX),
        expires_ms: invite.expires,
        approval: invite.mode == JoinMode::Approval,
    }))
}
