//! Challenges: 32 random bytes, bound to a purpose and a subject, good once and for a minute.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::CHALLENGE_SECS;

use crate::app::{App, make_random, to_row};
use crate::db::entities::challenges;
use crate::problem::Problem;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    SignIn = 1,
    Session = 2,
}

/// A challenge and when it ends, in milliseconds since 1970.
pub async fn make(app: &App, purpose: Purpose, subject: [u8; 32]) -> Result<([u8; 32], u64), Problem> {
    let challenge = make_random::<32>()?;
    let expires_ms = app.now_ms() + CHALLENGE_SECS * 1000;
    let row = challenges::ActiveModel {
        challenge: Set(challenge.to_vec()),
        purpose: Set(purpose as i16),
        subject: Set(subject.to_vec()),
        expires_ms: Set(to_row(expires_ms)?),
    };
    challenges::Entity::insert(row)
        .exec_without_returning(app.db.write())
        .await?;
    Ok((challenge, expires_ms))
}

/// Uses a challenge up, whatever comes of the proof. `BadProof` if it is used, over, or somebody else's.
pub async fn burn(app: &App, purpose: Purpose, subject: [u8; 32], challenge: &[u8]) -> Result<[u8; 32], Problem> {
    let refused = Problem::Refused(ErrorCode::BadProof);
    let challenge: [u8; 32] = challenge
        .try_into()
        .map_err(|_| Problem::Refused(ErrorCode::BadProof))?;
    let Some(row) = challenges::Entity::find_by_id(challenge.to_vec())
        .one(app.db.read())
        .await?
    else {
        return Err(refused);
    };
    let burned = challenges::Entity::delete_many()
        .filter(challenges::Column::Challenge.eq(challenge.to_vec()))
        .exec(app.db.write())
        .await?;
    // Of two who come at once, one deletes the row.
    let fits = burned.rows_affected == 1
        && row.purpose == purpose as i16
        && row.subject == subject
        && u64::try_from(row.expires_ms).is_ok_and(|expires| expires > app.now_ms());
    if fits { Ok(challenge) } else { Err(refused) }
}
