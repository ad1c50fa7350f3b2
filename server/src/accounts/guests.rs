//! Guests: accounts under a handle that was drawn for them. All there is to know of one is that handle.

use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::{GUEST_PREFIX, is_guest};
use sotto_shared::id::UserId;

use super::{close, users};
use crate::app::{App, to_row};
use crate::db::entities::{sessions, users as users_table};
use crate::problem::Problem;
use crate::session::GRANT_MS;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Accounts closed in one round.
const AT_ONCE: u64 = 200;

fn guests() -> Condition {
    Condition::all()
        .add(users_table::Column::Handle.starts_with(GUEST_PREFIX))
        .add(users_table::Column::Closed.eq(false))
}

/// Whether another may come.
pub async fn take_one(app: &App, db: &impl ConnectionTrait) -> Result<(), Problem> {
    let most = app.limits.guests;
    if most == 0 || users_table::Entity::find().filter(guests()).count(db).await? >= most {
        return Err(ErrorCode::Forbidden.into());
    }
    Ok(())
}

/// Guests found no rooms, and write to nobody first.
pub async fn refuse(app: &App, user: &UserId) -> Result<(), Problem> {
    let row = users_table::Entity::find_by_id(user.as_bytes().to_vec())
        .one(app.db.read())
        .await?;
    if row.is_some_and(|row| is_guest(&row.handle)) {
        return Err(ErrorCode::Forbidden.into());
    }
    Ok(())
}

/// Closes those whom nobody can be any more, and those who have not come back. Their logs stay, as of every closed account.
pub async fn close_gone(app: &App) -> Result<(), Problem> {
    let now = app.now_ms();
    let seen_since = now.saturating_sub(app.limits.guest_days.saturating_mul(DAY_MS));
    let here = Query::select()
        .column(sessions::Column::UserId)
        .from(sessions::Entity)
        .and_where(sessions::Column::ExpiresMs.gt(to_row(now)?))
        .and_where(sessions::Column::SeenMs.gte(to_row(seen_since)?))
        .to_owned();
    let gone: Vec<Vec<u8>> = users_table::Entity::find()
        .select_only()
        .column(users_table::Column::UserId)
        .filter(guests())
        // Its registration may be under way.
        .filter(users_table::Column::CreatedMs.lt(to_row(now.saturating_sub(GRANT_MS))?))
        .filter(users_table::Column::UserId.not_in_subquery(here))
        .limit(AT_ONCE)
        .into_tuple()
        .all(app.db.read())
        .await?;
    for id in gone {
        let user = UserId::from_slice(&id).map_err(|_| Problem::Fault("a stored id is not one"))?;
        if app.hub.is_here(&user) {
            continue;
        }
        let _turn = app.ledger.turn(user.as_bytes()).await;
        let txn = app.db.begin().await?;
        let row = users::lock(&txn, &user).await?;
        let seen = sessions::Entity::find()
            .filter(sessions::Column::UserId.eq(id))
            .filter(sessions::Column::ExpiresMs.gt(to_row(now)?))
            .filter(sessions::Column::SeenMs.gte(to_row(seen_since)?));
        // Kept meanwhile, or back again.
        if row.is_none_or(|row| !is_guest(&row.handle)) || seen.count(&txn).await? > 0 {
            continue;
        }
        close::wipe(&txn, &user).await?;
        txn.commit().await?;
        app.hub.end_sessions(&user, |_| true);
    }
    Ok(())
}
