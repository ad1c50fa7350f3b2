//! A person's vault: sealed items with a revision each, written by compare-and-swap.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sotto_shared::api::B64;
use sotto_shared::api::body::{Empty, VaultGet, VaultGetReply, VaultItem, VaultPut};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::{MAX_PUTS, MAX_VAULT_ITEM_BYTES, MAX_VAULT_ITEMS};
use sotto_shared::id::{ItemId, UserId};

use super::{register, users};
use crate::app::{App, from_row, to_row};
use crate::db::entities::vault_items;
use crate::db::fault::is_taken;
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::Caller;

/// Bytes of a whole vault: it is read in one answer.
const MAX_VAULT_BYTES: i64 = 16 * 1024 * 1024;

pub async fn get(State(app): State<App>, caller: Caller, Body(_): Body<VaultGet>) -> Answer<VaultGet> {
    let row = register::own_row(&app, app.db.read(), &caller).await?;
    let items = items(app.db.read(), &caller.user_id).await?;
    Ok(Json(VaultGetReply {
        header: B64(row.vault_header.into_vec()),
        items,
    }))
}

pub async fn put(State(app): State<App>, caller: Caller, Body(ask): Body<VaultPut>) -> Answer<VaultPut> {
    let ids: BTreeSet<ItemId> = ask.puts.iter().map(|item| item.item_id).collect();
    if ask.puts.len() > MAX_PUTS || ask.puts.iter().any(|item| item.sealed.0.len() > MAX_VAULT_ITEM_BYTES) {
        return Err(ErrorCode::TooLarge.into());
    }
    if ids.len() != ask.puts.len() || ask.puts.iter().any(|item| item.rev == 0 || item.sealed.0.is_empty()) {
        return Err(ErrorCode::Malformed.into());
    }
    let work = app.clone();
    app.see_through(async move { store(&work, &caller.user_id, ask.puts).await })
        .await?;
    Ok(Json(Empty {}))
}

async fn store(app: &App, user: &UserId, puts: Vec<VaultItem>) -> Result<(), Problem> {
    let id = user.as_bytes().to_vec();
    let txn = app.db.begin().await?;
    users::lock(&txn, user).await?.ok_or(ErrorCode::NotSignedIn)?;
    for put in puts {
        let rev = to_row(put.rev)?;
        if rev == 1 {
            let there = vault_items::Entity::find_by_id((id.clone(), put.item_id.as_bytes().to_vec()))
                .one(&txn)
                .await?;
            if there.is_some() {
                return Err(ErrorCode::StaleItem.into());
            }
            let row = vault_items::ActiveModel {
                user_id: Set(id.clone()),
                item_id: Set(put.item_id.as_bytes().to_vec()),
                rev: Set(1),
                sealed: Set(put.sealed.0),
            };
            let inserted = vault_items::Entity::insert(row).exec_without_returning(&txn).await;
            inserted.map_err(|error| {
                if is_taken(&error) {
                    ErrorCode::StaleItem.into()
                } else {
                    Problem::from(error)
                }
            })?;
        } else {
            let written = vault_items::Entity::update_many()
                .col_expr(vault_items::Column::Rev, Expr::value(rev))
                .col_expr(vault_items::Column::Sealed, Expr::value(put.sealed.0))
                .filter(vault_items::Column::UserId.eq(id.clone()))
                .filter(vault_items::Column::ItemId.eq(put.item_id.as_bytes().to_vec()))
                .filter(vault_items::Column::Rev.eq(rev - 1))
                .exec(&txn)
                .await?;
            if written.rows_affected != 1 {
                return Err(ErrorCode::StaleItem.into());
            }
        }
    }
    let sum: Option<(i64, Option<i64>)> = vault_items::Entity::find()
        .select_only()
        .column_as(vault_items::Column::ItemId.count(), "count")
        .column_as(Expr::cust("SUM(LENGTH(sealed))"), "bytes")
        .filter(vault_items::Column::UserId.eq(id))
        .into_tuple()
        .one(&txn)
        .await?;
    let (count, bytes) = sum.unwrap_or_default();
    if from_row(count) > MAX_VAULT_ITEMS as u64 || bytes.unwrap_or(0) > MAX_VAULT_BYTES {
        return Err(ErrorCode::TooLarge.into());
    }
    txn.commit().await?;
    Ok(())
}

/// Every item of a person's vault.
pub async fn items(db: &impl ConnectionTrait, user: &UserId) -> Result<Vec<VaultItem>, Problem> {
    let rows = vault_items::Entity::find()
        .filter(vault_items::Column::UserId.eq(user.as_bytes().to_vec()))
        .order_by_asc(vault_items::Column::ItemId)
        .all(db)
        .await?;
    let item = |row: vault_items::Model| {
        let item_id = ItemId::from_slice(&row.item_id).map_err(|_| Problem::Fault("a stored id is not one"))?;
        Ok(VaultItem {
            item_id,
            rev: from_row(row.rev),
            sealed: B64(row.sealed),
        })
    };
    rows.into_iter().map(item).collect()
}
