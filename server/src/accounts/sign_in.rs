//! Signing in with the password: the relay learns that somebody has the sign-in key, never what it came from.
//!
//! Everything about a handle nobody has looks as if somebody had it: salt, challenge, refusal, and the work done.

use axum::Json;
use axum::extract::State;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sotto_shared::api::B64;
use sotto_shared::api::body::{LoginProof, SignInChallenge, SignInGrant, SignInProve, SignInStart, VaultItem};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::is_handle;
use sotto_shared::codec::{Codec, Text};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::{PublicKey, SignatureBytes, verify};
use sotto_shared::id::UserId;

use super::challenge::{self, Purpose};
use super::register::{self, PROFILE, SignInRow};
use super::{users, vault};
use crate::app::App;
use crate::db::entities::users as users_table;
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::serve::Peer;
use crate::session;

pub async fn start(State(app): State<App>, peer: Peer, Body(ask): Body<SignInStart>) -> Answer<SignInStart> {
    app.rates.sign_in.take(&peer.network)?;
    if !is_handle(&ask.handle) {
        return Err(ErrorCode::BadHandle.into());
    }
    let fake = app.pepper.fake_salt(&ask.handle);
    let (salt, profile) = find(&app, &ask.handle)
        .await?
        .map_or((fake, PROFILE), |(_, row)| (row.salt, row.profile));
    let (challenge, expires_ms) = challenge::make(&app, Purpose::SignIn, app.pepper.subject(&ask.handle)).await?;
    Ok(Json(SignInChallenge {
        salt: B64(salt.to_vec()),
        profile,
        challenge: B64(challenge.to_vec()),
        expires_ms,
    }))
}

pub async fn prove(State(app): State<App>, peer: Peer, Body(ask): Body<SignInProve>) -> Answer<SignInProve> {
    app.rates.sign_in.take(&peer.network)?;
    if !is_handle(&ask.handle) {
        return Err(ErrorCode::BadHandle.into());
    }
    let subject = app.pepper.subject(&ask.handle);
    app.rates.lockout.check(subject, peer.network)?;
    let challenge = challenge::burn(&app, Purpose::SignIn, subject, &ask.challenge.0).await?;
    let found = find(&app, &ask.handle).await?;
    // A signature is checked even where there is nobody to have made it: so long takes a refusal, either way.
    let key = found
        .as_ref()
        .and_then(|(_, row)| if ask.recovery { row.recovery } else { Some(row.ak) });
    let found = found.filter(|_| key.is_some());
    let ak = key.map_or_else(nobodys_key, Ok)?;
    let proven = is_proven(&app, &ask, challenge, &ak);
    let Some((user_id, row)) = found.filter(|_| proven) else {
        app.rates.lockout.failed(subject, peer.network);
        return Err(ErrorCode::BadProof.into());
    };
    app.rates.lockout.succeeded(subject, peer.network);
    // The log first: a vault may be newer than the log that names it, never older.
    let log = users::body(&app, &user_id, 0).await?;
    let items: Vec<VaultItem> = vault::items(app.db.read(), &user_id).await?;
    let (token, _) = session::issue(&app, &user_id, None)?.store(app.db.write()).await?;
    Ok(Json(SignInGrant {
        token,
        vault_header: B64(row.vault_header.into_vec()),
        items,
        log,
    }))
}

/// A person by handle, unless the account is closed.
async fn find(app: &App, handle: &str) -> Result<Option<(UserId, SignInRow)>, Problem> {
    let user = users_table::Entity::find()
        .filter(users_table::Column::Handle.eq(handle))
        .filter(users_table::Column::Closed.eq(false))
        .one(app.db.read())
        .await?;
    let Some(user) = user else { return Ok(None) };
    let user_id = UserId::from_slice(&user.user_id).map_err(|_| Problem::Fault("a stored id is not one"))?;
    let row = register::open(app, &user_id, &user.sealed_signin)?;
    Ok(Some((user_id, row)))
}

fn is_proven(app: &App, ask: &SignInProve, challenge: [u8; 32], ak: &PublicKey) -> bool {
    let (Ok(realm), Ok(handle)) = (Text::new(app.realm.as_str()), Text::new(ask.handle.as_str())) else {
        return false;
    };
    let (Ok(session_nonce), Ok(sig)) = (
        <[u8; 32]>::try_from(ask.session_nonce.0.as_slice()),
        SignatureBytes::try_from(ask.sig.0.as_slice()),
    ) else {
        return false;
    };
    let proof = LoginProof {
        realm,
        handle,
        challenge,
        session_nonce,
    };
    let label = if ask.recovery {
        Label::RecoveryLogin
    } else {
        Label::Login
    };
    verify(ak, label, &proof.to_bytes(), &sig).is_ok()
}

/// The generator of P-256 (SP 800-186 §3.2.1.3), whose secret everybody knows; what it signs is refused all the same.
fn nobodys_key() -> Result<PublicKey, Problem> {
    let bytes: [u8; 65] = [
        0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77,
        0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42,
        0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b,
        0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
    ];
    PublicKey::from_bytes(&bytes).map_err(|_| Problem::Fault("the generator is not on the curve"))
}
