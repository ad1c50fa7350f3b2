//! A person's vault: sealed items with a revision each, written by compare-and-swap.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use sotto_shared::api::B64;
use sotto_shared::api::body::{Empty, VaultGet, VaultGetReply, VaultItem, VaultPut, VaultPutRecord};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::{FromRelay, ItemRev};
use sotto_shared::api::limits::{MAX_PUTS, MAX_VAULT_ITEM_BYTES, MAX_VAULT_ITEMS};
use sotto_shared::id::{ItemId, UserId};

use super::{register, users};
use crate::app::{App, from_row, to_row};
use crate::db::MAX_PARAMETERS;
use crate::db::entities::vault_items;
use crate::db::fault::is_taken;
use crate::gateway::encode;
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::Caller;

/// Bytes of a whole vault: it is read in one answer.
const MAX_VAULT_BYTES: i64 = 16 * 1024 * 1024;
const ITEMS_PER_STATEMENT: usize = MAX_PARAMETERS / 4;

pub async fn get(State(app): State<App>, caller: Caller, Body(_): Body<VaultGet>) -> Answer<VaultGet> {
    let row = register::own_row(&app, app.db.read(), &caller).await?;
    let items = items(app.db.read(), &caller.user_id).await?;
    Ok(Json(VaultGetReply {
        header: B64(row.vault_header.into_vec()),
        items,
    }))
}

pub async fn put(State(app): State<App>, caller: Caller, Body(ask): Body<VaultPut>) -> Answer<VaultPut> {
    check(&ask.puts)?;
    let work = app.clone();
    app.see_through(async move {
        let txn = work.db.begin().await?;
        users::lock(&txn, &caller.user_id)
            .await?
            .ok_or(ErrorCode::NotSignedIn)?;
        let items = (ask.puts.iter())
            .map(|put| ItemRev {
                item_id: put.item_id,
                rev: put.rev,
            })
            .collect();
        store(&txn, &caller.user_id, ask.puts).await?;
        txn.commit().await?;
        work.hub.tell(&caller.user_id, &encode(&FromRelay::Vault { items }));
        Ok(())
    })
    .await?;
    Ok(Json(Empty {}))
}

/// Whether these items may be written together.
pub fn check(puts: &[VaultItem]) -> Result<(), Problem> {
    let ids: BTreeSet<ItemId> = puts.iter().map(|item| item.item_id).collect();
    if puts.len() > MAX_PUTS || puts.iter().any(|item| item.sealed.0.len() > MAX_VAULT_ITEM_BYTES) {
        return Err(ErrorCode::TooLarge.into());
    }
    if ids.len() != puts.len() || puts.iter().any(|item| item.rev == 0 || item.sealed.0.is_empty()) {
        return Err(ErrorCode::Malformed.into());
    }
    Ok(())
}

/// Writes items over the revisions before theirs, under the lock of their owner's row.
pub async fn store(txn: &DatabaseTransaction, user: &UserId, puts: Vec<VaultItem>) -> Result<(), Problem> {
    let id = user.as_bytes().to_vec();
    for put in puts {
        let rev = to_row(put.rev)?;
        if rev == 1 {
            let there = vault_items::Entity::find_by_id((id.clone(), put.item_id.as_bytes().to_vec()))
                .one(txn)
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
            let inserted = vault_items::Entity::insert(row).exec_without_returning(txn).await;
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
                .exec(txn)
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
        .one(txn)
        .await?;
    let (count, bytes) = sum.unwrap_or_default();
    if from_row(count) > MAX_VAULT_ITEMS as u64 || bytes.unwrap_or(0) > MAX_VAULT_BYTES {
        return Err(ErrorCode::TooLarge.into());
    }
    Ok(())
}

/// The first items of a vault, new or emptied.
pub async fn insert_all(txn: &DatabaseTransaction, user: &UserId, items: &[VaultPutRecord]) -> Result<(), Problem> {
    for some in items.chunks(ITEMS_PER_STATEMENT) {
        let rows = some.iter().map(|item| vault_items::ActiveModel {
            user_id: Set(user.as_bytes().to_vec()),
            item_id: Set(item.item_id.as_bytes().to_vec()),
            rev: Set(1),
            sealed: Set(item.sealed.as_slice().to_vec()),
        });
        vault_items::Entity::insert_many(rows)
            .exec_without_returning(txn)
            .await?;
    }
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
