//! Who is asking. A [`Session`] exists only after a device proved itself, a [`Caller`] after that or a password.
//!
//! Tokens are 32 random bytes in base64url; the database has their hash alone.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::SESSION_DAYS;
use sotto_shared::crypto::hash::sha256;
use sotto_shared::id::{DeviceKeyId, UserId};

use crate::app::{App, from_row, make_random, to_row};
use crate::db::entities::sessions;
use crate::problem::Problem;

/// A device of a person, signed in: may do all that person may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    pub user_id: UserId,
    pub dk_id: DeviceKeyId,
    pub token_hash: [u8; 32],
    pub expires_ms: u64,
}

/// A person, by session or by the ten-minute grant that a password gives: may see to their own account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    pub user_id: UserId,
    /// None for a grant.
    pub dk_id: Option<DeviceKeyId>,
    pub token_hash: [u8; 32],
    expires_ms: u64,
}

/// A person who gave the password within the last ten minutes and has not opened a session with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    pub user_id: UserId,
    pub token_hash: [u8; 32],
}

/// How long a grant is good.
pub const GRANT_MS: u64 = 10 * 60 * 1000;
pub const SESSION_MS: u64 = SESSION_DAYS * 24 * 60 * 60 * 1000;
/// `seen_ms` is kept this coarse: a write per request would be dear, and nobody needs to know better.
const SEEN_EVERY_MS: u64 = 5 * 60 * 1000;

/// A token just made, and the row that goes with it.
pub struct Issued {
    pub token: String,
    pub expires_ms: u64,
    row: sessions::ActiveModel,
}

/// A new token for `user_id`; a session with a device, a grant without.
pub fn issue(app: &App, user_id: &UserId, dk_id: Option<&DeviceKeyId>) -> Result<Issued, Problem> {
    let token = URL_SAFE_NO_PAD.encode(make_random::<32>()?);
    let now = app.now_ms();
    let expires_ms = now + if dk_id.is_some() { SESSION_MS } else { GRANT_MS };
    let row = sessions::ActiveModel {
        token_hash: Set(sha256(token.as_bytes()).to_vec()),
        user_id: Set(user_id.as_bytes().to_vec()),
        dk_id: Set(dk_id.map(|id| id.as_bytes().to_vec())),
        created_ms: Set(to_row(now)?),
        seen_ms: Set(to_row(now)?),
        expires_ms: Set(to_row(expires_ms)?),
    };
    Ok(Issued { token, expires_ms, row })
}

impl Issued {
    pub async fn store(self, db: &impl ConnectionTrait) -> Result<(String, u64), Problem> {
        sessions::Entity::insert(self.row).exec_without_returning(db).await?;
        Ok((self.token, self.expires_ms))
    }
}

/// Whose token this is, if it is anybody's and not over.
pub async fn find(app: &App, token: &str) -> Result<Caller, Problem> {
    let refused = Problem::Refused(ErrorCode::NotSignedIn);
    let bytes = URL_SAFE_NO_PAD
        .decode(token)
        .map_err(|_| Problem::Refused(ErrorCode::NotSignedIn))?;
    if bytes.len() != 32 {
        return Err(refused);
    }
    let token_hash = sha256(token.as_bytes());
    let row = sessions::Entity::find_by_id(token_hash.to_vec())
        .one(app.db.read())
        .await?
        .ok_or(refused)?;
    let now = app.now_ms();
    if from_row(row.expires_ms) <= now {
        return Err(ErrorCode::NotSignedIn.into());
    }
    if now.saturating_sub(from_row(row.seen_ms)) > SEEN_EVERY_MS {
        app.tasks.spawn(note_seen(app.clone(), token_hash, now));
    }
    let broken = |_| Problem::Fault("a stored id is not one");
    Ok(Caller {
        user_id: UserId::from_slice(&row.user_id).map_err(broken)?,
        dk_id: row
            .dk_id
            .map(|id| DeviceKeyId::from_slice(&id).map_err(broken))
            .transpose()?,
        token_hash,
        expires_ms: from_row(row.expires_ms),
    })
}

async fn note_seen(app: App, token_hash: [u8; 32], now: u64) {
    let noted = sessions::Entity::update_many()
        .col_expr(
            sessions::Column::SeenMs,
            Expr::value(i64::try_from(now).unwrap_or(i64::MAX)),
        )
        .filter(sessions::Column::TokenHash.eq(token_hash.to_vec()))
        .exec(app.db.write())
        .await;
    if let Err(error) = noted {
        Problem::from(error).log();
    }
}

impl Caller {
    /// A grant is refused: it is not for rooms.
    pub fn session(self) -> Result<Session, Problem> {
        let dk_id = self.dk_id.ok_or(ErrorCode::Forbidden)?;
        Ok(Session {
            user_id: self.user_id,
            dk_id,
            token_hash: self.token_hash,
            expires_ms: self.expires_ms,
        })
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or(ErrorCode::NotSignedIn)?;
        let caller = find(app, token).await?;
        app.rates.requests.take(&caller.token_hash)?;
        Ok(caller)
    }
}

impl FromRequestParts<App> for Grant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        if caller.dk_id.is_some() {
            return Err(ErrorCode::Forbidden.into());
        }
        Ok(Self {
            user_id: caller.user_id,
            token_hash: caller.token_hash,
        })
    }
}

impl FromRequestParts<App> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Caller::from_request_parts(parts, app).await?.session()
    }
}

/// Whether a session found before is still there.
pub async fn is_there(app: &App, session: &Session) -> Result<bool, Problem> {
    let row = sessions::Entity::find_by_id(session.token_hash.to_vec())
        .one(app.db.read())
        .await?;
    Ok(row.is_some())
}
