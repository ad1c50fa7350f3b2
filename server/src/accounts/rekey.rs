//! Another password, and everything that hangs on it; a recovery key set or taken away.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use sotto_shared::api::B64;
use sotto_shared::api::body::{Empty, KeyChange, Listing, RecoveryChange, Rekey, SetRecovery, VaultItem, items_digest};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::{is_guest, is_own_handle};
use sotto_shared::codec::Codec;
use sotto_shared::crypto::label::Label;
use sotto_shared::id::{DeviceKeyId, ItemId};

use super::register::{self, PROFILE, SignInRow, signed};
use super::{users, vault};
use crate::app::App;
use crate::db::entities::{sessions, users as users_table, vault_items};
use crate::db::fault::is_taken;
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::Grant;

pub async fn rekey(State(app): State<App>, grant: Grant, Body(ask): Body<Rekey>) -> Answer<Rekey> {
    let change = KeyChange::from_bytes(&ask.change.0).map_err(|_| ErrorCode::Malformed)?;
    if change.realm.as_str() != app.realm || change.user_id != grant.user_id {
        return Err(ErrorCode::BadProof.into());
    }
    if change.profile != PROFILE {
        return Err(ErrorCode::UnsupportedVersion.into());
    }
    if (change.handle.as_ref()).is_some_and(|handle| !is_own_handle(handle.as_str())) {
        return Err(ErrorCode::BadHandle.into());
    }
    let ids: BTreeSet<ItemId> = change.items.iter().map(|item| item.item_id).collect();
    if ids.len() != change.items.len() || change.items.is_empty() || change.entries.is_empty() {
        return Err(ErrorCode::Malformed.into());
    }
    signed(&change.ak, Label::Rekey, &ask.change.0, &ask.ak_sig)?;
    app.rates.entries.take_n(
        &DeviceKeyId::from_bytes(*grant.user_id.as_bytes()),
        change.entries.len(),
    )?;
    let work = app.clone();
    app.see_through(async move { change_keys(&work, &grant, &ask, change).await })
        .await?;
    Ok(Json(Empty {}))
}

async fn change_keys(app: &App, grant: &Grant, ask: &Rekey, change: KeyChange) -> Result<(), Problem> {
    let user = &grant.user_id;
    let entries: Vec<B64> = change
        .entries
        .iter()
        .map(|entry| B64(entry.as_slice().to_vec()))
        .collect();
    let blobs = users::read_all(&entries)?;
    let _turn = app.ledger.turn(user.as_bytes()).await;
    let txn = app.db.begin().await?;
    let owner = locked(&txn, grant).await?;
    let log = (app.ledger.person_now(&txn, &app.realm, user).await?).ok_or(ErrorCode::NotSignedIn)?;
    signed(&log.view().ik, Label::Rekey, &ask.change.0, &ask.ik_sig)?;
    let row = SignInRow {
        salt: change.salt,
        profile: change.profile,
        ak: change.ak,
        vault_header: change.vault_header,
        recovery: change.recovery,
    };
    let listing: Listing = (vault::items(&txn, user).await?.iter())
        .map(VaultItem::listed)
        .collect();
    if items_digest(&listing) != change.base {
        // Its answer was lost, and it came again.
        let same = register::open(app, user, &owner.sealed_signin)? == row
            && (change.handle.as_ref()).is_none_or(|handle| handle.as_str() == owner.handle)
            && users::is_there(&txn, user, &entries, &blobs).await?;
        return if same { Ok(()) } else { Err(ErrorCode::StaleItem.into()) };
    }
    if change.handle.is_some() && !is_guest(&owner.handle) {
        return Err(ErrorCode::Forbidden.into());
    }
    let next = users::extend(&txn, &log, entries, &blobs).await?;
    if next.view().closed {
        return Err(ErrorCode::InvalidEntry.into());
    }
    if let Some(handle) = &change.handle {
        rename(&txn, grant, handle.as_str()).await?;
    }
    vault_items::Entity::delete_many()
        .filter(vault_items::Column::UserId.eq(user.as_bytes().to_vec()))
        .exec(&txn)
        .await?;
    vault::insert_all(&txn, user, change.items.as_slice()).await?;
    save_row(app, &txn, grant, &row).await?;
    // Every session and every other grant: whoever had the old password has nothing.
    sessions::Entity::delete_many()
        .filter(sessions::Column::UserId.eq(user.as_bytes().to_vec()))
        .filter(sessions::Column::TokenHash.ne(grant.token_hash.to_vec()))
        .exec(&txn)
        .await?;
    txn.commit().await?;
    users::tell(app, next, |_| true).await
}

pub async fn recovery(State(app): State<App>, grant: Grant, Body(ask): Body<SetRecovery>) -> Answer<SetRecovery> {
    let change = RecoveryChange::from_bytes(&ask.change.0).map_err(|_| ErrorCode::Malformed)?;
    if change.realm.as_str() != app.realm || change.user_id != grant.user_id {
        return Err(ErrorCode::BadProof.into());
    }
    let work = app.clone();
    app.see_through(async move {
        let txn = work.db.begin().await?;
        let owner = locked(&txn, &grant).await?;
        let log = (work.ledger.person_now(&txn, &work.realm, &grant.user_id).await?).ok_or(ErrorCode::NotSignedIn)?;
        signed(&log.view().ik, Label::RecoveryChange, &ask.change.0, &ask.ik_sig)?;
        let row = SignInRow {
            vault_header: change.vault_header,
            recovery: change.recovery,
            ..register::open(&work, &grant.user_id, &owner.sealed_signin)?
        };
        save_row(&work, &txn, &grant, &row).await?;
        txn.commit().await?;
        Ok(())
    })
    .await?;
    Ok(Json(Empty {}))
}

/// The row of whoever holds a grant, locked; the grant must still be there under the lock, since a change of password
/// ends all others.
pub async fn locked(txn: &DatabaseTransaction, grant: &Grant) -> Result<users_table::Model, Problem> {
    let owner = users::lock(txn, &grant.user_id).await?.ok_or(ErrorCode::NotSignedIn)?;
    sessions::Entity::find_by_id(grant.token_hash.to_vec())
        .one(txn)
        .await?
        .ok_or(ErrorCode::NotSignedIn)?;
    Ok(owner)
}

/// A guest has an own handle from now on.
async fn rename(txn: &DatabaseTransaction, grant: &Grant, handle: &str) -> Result<(), Problem> {
    let renamed = users_table::ActiveModel {
        user_id: Set(grant.user_id.as_bytes().to_vec()),
        handle: Set(handle.to_owned()),
        ..Default::default()
    };
    match users_table::Entity::update(renamed).exec(txn).await {
        Err(error) if is_taken(&error) => Err(ErrorCode::HandleTaken.into()),
        done => Ok(done.map(drop)?),
    }
}

async fn save_row(app: &App, txn: &DatabaseTransaction, grant: &Grant, row: &SignInRow) -> Result<(), Problem> {
    let changed = users_table::ActiveModel {
        user_id: Set(grant.user_id.as_bytes().to_vec()),
        sealed_signin: Set(register::seal(app, &grant.user_id, row)?),
        ..Default::default()
    };
    users_table::Entity::update(changed).exec(txn).await?;
    Ok(())
}
