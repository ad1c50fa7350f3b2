//! The end of an account: its log stays as a sign that it was, its handle is nobody else's, all else goes. And its
//! beginning anew under the same handle.

use axum::Json;
use axum::extract::State;
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use sotto_shared::api::B64;
use sotto_shared::api::body::{Grant as NewGrant, ResetIdentity};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::id::UserId;

use super::register::{self, Checked};
use super::{rekey, users};
use crate::app::App;
use crate::db::entities::{pictures, report_keys, sessions, users as users_table, vault_items, wraps};
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::Grant;

/// Between the handle and the id of an account whose handle went on to another one of the same person. No handle has it.
const PASSED_ON: char = '#';

/// Everything of an account but its log: vault, sign-in row, picture, sessions, room keys wrapped for it.
pub async fn wipe(txn: &DatabaseTransaction, user: &UserId) -> Result<(), Problem> {
    let id = user.as_bytes().to_vec();
    vault_items::Entity::delete_many()
        .filter(vault_items::Column::UserId.eq(id.clone()))
        .exec(txn)
        .await?;
    sessions::Entity::delete_many()
        .filter(sessions::Column::UserId.eq(id.clone()))
        .exec(txn)
        .await?;
    wraps::Entity::delete_many()
        .filter(wraps::Column::UserId.eq(id.clone()))
        .exec(txn)
        .await?;
    report_keys::Entity::delete_many()
        .filter(report_keys::Column::UserId.eq(id.clone()))
        .exec(txn)
        .await?;
    pictures::Entity::delete_by_id(id.clone()).exec(txn).await?;
    let closed = users_table::ActiveModel {
        user_id: Set(id),
        sealed_signin: Set(Vec::new()),
        closed: Set(true),
        ..Default::default()
    };
    users_table::Entity::update(closed).exec(txn).await?;
    Ok(())
}

/// The handle an account had, also when it was passed on.
pub fn plain_handle(stored: String) -> String {
    match stored.split_once(PASSED_ON) {
        Some((handle, _)) => handle.to_owned(),
        None => stored,
    }
}

pub async fn reset(State(app): State<App>, grant: Grant, Body(ask): Body<ResetIdentity>) -> Answer<ResetIdentity> {
    let checked = register::check(&app.realm, &ask.registration.0, &ask.ak_sig, &ask.ik_sig)?;
    let work = app.clone();
    let token = app
        .see_through(async move { begin_anew(&work, &grant, checked, ask.close).await })
        .await?;
    Ok(Json(NewGrant { token }))
}

async fn begin_anew(app: &App, grant: &Grant, checked: Checked, close: Option<B64>) -> Result<String, Problem> {
    let old = &grant.user_id;
    let _turn = app.ledger.turn(old.as_bytes()).await;
    let txn = app.db.begin().await?;
    let owner = rekey::locked(&txn, grant).await?;
    if owner.handle != checked.registration.handle.as_str() || old == checked.log.user_id() {
        return Err(ErrorCode::Forbidden.into());
    }
    let mut closed = None;
    if let Some(close) = close {
        let log = (app.ledger.person_now(&txn, &app.realm, old).await?).ok_or(ErrorCode::NotSignedIn)?;
        let entries = vec![close];
        let blobs = users::read_all(&entries)?;
        let next = users::extend(&txn, &log, entries, &blobs).await?;
        if !next.view().closed {
            return Err(ErrorCode::InvalidEntry.into());
        }
        closed = Some(next);
    }
    wipe(&txn, old).await?;
    let passed_on = old
        .as_bytes()
        .iter()
        .fold(format!("{}{PASSED_ON}", owner.handle), |name, byte| {
            format!("{name}{byte:02x}")
        });
    let renamed = users_table::ActiveModel {
        user_id: Set(old.as_bytes().to_vec()),
        handle: Set(passed_on),
        ..Default::default()
    };
    users_table::Entity::update(renamed).exec(&txn).await?;
    let token = register::insert(app, &txn, &checked).await?;
    txn.commit().await?;
    app.ledger.keep_person(checked.log.into());
    match closed {
        Some(log) => users::tell(app, log, |_| true).await?,
        None => app.hub.end_sessions(old, |_| true),
    }
    Ok(token)
}
