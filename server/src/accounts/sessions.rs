//! Sessions: after the password a device signs a challenge and gets a token; how they are listed and ended.

use axum::Json;
use axum::extract::State;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use sotto_shared::api::B64;
use sotto_shared::api::body::{
    Empty, SessionChallenge, SessionEnd, SessionEndOthers, SessionGrant, SessionInfo, SessionList, SessionListReply,
    SessionProof, SessionProve, SessionStart,
};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::codec::{Codec, Text};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::{SignatureBytes, verify};
use sotto_shared::id::DeviceKeyId;

use super::challenge::{self, Purpose};
use crate::app::{App, from_row, to_row};
use crate::db::entities::sessions;
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::{self, Caller, Grant};

pub async fn start(State(app): State<App>, grant: Grant, Body(_): Body<SessionStart>) -> Answer<SessionStart> {
    let (challenge, _) = challenge::make(&app, Purpose::Session, *grant.user_id.as_bytes()).await?;
    Ok(Json(SessionChallenge {
        challenge: B64(challenge.to_vec()),
    }))
}

pub async fn prove(State(app): State<App>, grant: Grant, Body(ask): Body<SessionProve>) -> Answer<SessionProve> {
    let challenge = challenge::burn(&app, Purpose::Session, *grant.user_id.as_bytes(), &ask.challenge.0).await?;
    let work = app.clone();
    let (token, expires_ms) = app
        .see_through(async move { open(&work, &grant, &ask, challenge).await })
        .await?;
    Ok(Json(SessionGrant { token, expires_ms }))
}

/// Checks the proof and stores the session under the person's row, so that revoking the device either comes first and is
/// seen here, or comes after and ends the session. The grant goes in the same step, and must still be there.
async fn open(app: &App, grant: &Grant, ask: &SessionProve, challenge: [u8; 32]) -> Result<(String, u64), Problem> {
    let refused = Problem::Refused(ErrorCode::BadProof);
    let issued = session::issue(app, &grant.user_id, Some(&ask.dk_id))?;
    let txn = app.db.begin().await?;
    super::users::lock(&txn, &grant.user_id)
        .await?
        .ok_or(ErrorCode::BadProof)?;
    let log = app
        .ledger
        .person_now(&txn, &app.realm, &grant.user_id)
        .await?
        .ok_or(ErrorCode::BadProof)?;
    let Some(device) = log.view().active_device(&ask.dk_id) else {
        return Err(refused);
    };
    let sig = SignatureBytes::try_from(ask.sig.0.as_slice()).map_err(|_| ErrorCode::BadProof)?;
    let realm = Text::new(app.realm.as_str()).map_err(|_| Problem::Fault("the realm is too long"))?;
    let proof = SessionProof {
        realm,
        user_id: grant.user_id,
        dk_id: ask.dk_id,
        challenge,
    };
    verify(device, Label::Session, &proof.to_bytes(), &sig).map_err(|_| ErrorCode::BadProof)?;
    let used = sessions::Entity::delete_by_id(grant.token_hash.to_vec())
        .exec(&txn)
        .await?;
    if used.rows_affected != 1 {
        return Err(ErrorCode::NotSignedIn.into());
    }
    let stored = issued.store(&txn).await?;
    txn.commit().await?;
    Ok(stored)
}

pub async fn end(State(app): State<App>, caller: Caller, Body(_): Body<SessionEnd>) -> Answer<SessionEnd> {
    let work = app.clone();
    app.see_through(async move {
        sessions::Entity::delete_by_id(caller.token_hash.to_vec())
            .exec(work.db.write())
            .await?;
        work.hub
            .end_sessions(&caller.user_id, |session| *session == caller.token_hash);
        Ok(())
    })
    .await?;
    Ok(Json(Empty {}))
}

pub async fn end_others(
    State(app): State<App>,
    caller: Caller,
    Body(_): Body<SessionEndOthers>,
) -> Answer<SessionEndOthers> {
    let work = app.clone();
    app.see_through(async move {
        sessions::Entity::delete_many()
            .filter(sessions::Column::UserId.eq(caller.user_id.as_bytes().to_vec()))
            .filter(sessions::Column::TokenHash.ne(caller.token_hash.to_vec()))
            .exec(work.db.write())
            .await?;
        work.hub
            .end_sessions(&caller.user_id, |session| *session != caller.token_hash);
        Ok(())
    })
    .await?;
    Ok(Json(Empty {}))
}

pub async fn list(State(app): State<App>, caller: Caller, Body(_): Body<SessionList>) -> Answer<SessionList> {
    let rows = sessions::Entity::find()
        .filter(sessions::Column::UserId.eq(caller.user_id.as_bytes().to_vec()))
        .filter(sessions::Column::DkId.is_not_null())
        .filter(sessions::Column::ExpiresMs.gt(to_row(app.now_ms())?))
        .order_by_asc(sessions::Column::CreatedMs)
        .all(app.db.read())
        .await?;
    let info = |row: sessions::Model| {
        let dk_id = DeviceKeyId::from_slice(&row.dk_id?).ok()?;
        Some(SessionInfo {
            dk_id,
            created_ms: from_row(row.created_ms),
            seen_ms: from_row(row.seen_ms),
        })
    };
    Ok(Json(SessionListReply {
        sessions: rows.into_iter().filter_map(info).collect(),
    }))
}
