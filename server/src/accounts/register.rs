//! Opening an account: everything in one signed request, everything in one transaction.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use sea_orm::{ActiveValue::Set, ConnectionTrait, DatabaseTransaction, EntityTrait};
use sotto_shared::api::B64;
use sotto_shared::api::body::{Grant, Register, Registration};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::{is_guest, is_own_handle};
use sotto_shared::codec::{Bytes, Codec};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::{PublicKey, SignatureBytes, SignedBlob, verify};
use sotto_shared::id::UserId;
use sotto_shared::log::user_log::{UserBody, UserEntry, UserGenesis, UserLog};
use sotto_shared::record;

use super::{guests, vault};
use crate::app::{App, from_row, make_random, to_row};
use crate::db::entities::{user_log, users};
use crate::db::fault::is_taken;
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::serve::Peer;
use crate::session::{self, Caller};

/// The only Argon2id profile of version 1.
pub const PROFILE: u8 = 1;

record! {
    /// What of a registration is kept under the pepper.
    pub struct SignInRow = 0x7001, 2 {
        pub salt: [u8; 16],
        pub profile: u8,
        pub ak: PublicKey,
        pub vault_header: Bytes<1024>,
        /// Sign-in key of the recovery key.
        pub recovery: Option<PublicKey>,
    }
}

record! {
    /// As it was before there were recovery keys.
    pub struct SignInRow1 = 0x7001, 1 {
        pub salt: [u8; 16],
        pub profile: u8,
        pub ak: PublicKey,
        pub vault_header: Bytes<1024>,
    }
}

/// A registration whose signatures and log hold.
pub struct Checked {
    pub registration: Registration,
    pub log: UserLog,
}

pub async fn register(State(app): State<App>, peer: Peer, Body(ask): Body<Register>) -> Answer<Register> {
    app.rates.register.take(&peer.network)?;
    let checked = check(&app.realm, &ask.registration.0, &ask.ak_sig, &ask.ik_sig)?;
    if is_guest(checked.registration.handle.as_str()) {
        app.rates.guests.take(&peer.network)?;
    }
    let work = app.clone();
    let token = app.see_through(async move { store(&work, checked).await }).await?;
    Ok(Json(Grant { token }))
}

pub fn check(realm: &str, bytes: &[u8], ak_sig: &B64, ik_sig: &B64) -> Result<Checked, Problem> {
    let registration = Registration::from_bytes(bytes).map_err(|_| ErrorCode::Malformed)?;
    if registration.realm.as_str() != realm {
        return Err(ErrorCode::BadProof.into());
    }
    let handle = registration.handle.as_str();
    if !is_own_handle(handle) && !is_guest(handle) {
        return Err(ErrorCode::BadHandle.into());
    }
    if registration.profile != PROFILE {
        return Err(ErrorCode::UnsupportedVersion.into());
    }
    let ids: BTreeSet<_> = registration.items.iter().map(|item| item.item_id).collect();
    if ids.len() != registration.items.len() {
        return Err(ErrorCode::Malformed.into());
    }
    let genesis = UserGenesis::from_bytes(registration.genesis.as_slice()).map_err(|_| ErrorCode::Malformed)?;
    signed(&registration.ak, Label::Register, bytes, ak_sig)?;
    signed(&genesis.ik, Label::Register, bytes, ik_sig)?;
    let device = SignedBlob::from_bytes(registration.device.as_slice()).map_err(|_| ErrorCode::Malformed)?;
    let first = UserEntry::from_bytes(&device.body).map_err(|_| ErrorCode::Malformed)?;
    if !matches!(first.body, UserBody::AddDevice { .. }) {
        return Err(ErrorCode::InvalidEntry.into());
    }
    let log = UserLog::begin(registration.genesis.as_slice(), &genesis.user_id(), realm)
        .and_then(|log| log.extend(&[device]))
        .map_err(|_| ErrorCode::InvalidEntry)?
        .prove_here()
        .map_err(|_| ErrorCode::InvalidEntry)?;
    Ok(Checked { registration, log })
}

/// Whether `key` signed `bytes`.
pub fn signed(key: &PublicKey, label: Label, bytes: &[u8], sig: &B64) -> Result<(), Problem> {
    let sig: SignatureBytes = sig.0.as_slice().try_into().map_err(|_| ErrorCode::Malformed)?;
    verify(key, label, bytes, &sig).map_err(|_| ErrorCode::BadProof.into())
}

/// Answers with a grant for the new account.
async fn store(app: &App, checked: Checked) -> Result<String, Problem> {
    if is_guest(checked.registration.handle.as_str()) && !is_same(app, &checked).await? {
        guests::take_one(app, app.db.write()).await?;
    }
    let txn = app.db.begin().await?;
    match insert(app, &txn, &checked).await {
        Ok(token) => {
            txn.commit().await?;
            app.ledger.keep_person(checked.log.into());
            Ok(token)
        }
        Err(Problem::Refused(ErrorCode::HandleTaken)) => {
            txn.rollback().await?;
            if is_same(app, &checked).await? {
                let user_id = checked.log.user_id();
                let (token, _) = session::issue(app, user_id, None)?.store(app.db.write()).await?;
                Ok(token)
            } else {
                Err(ErrorCode::HandleTaken.into())
            }
        }
        Err(problem) => Err(problem),
    }
}

/// The rows of a new account, and a grant for it. `HandleTaken` if there is one of that handle.
pub async fn insert(app: &App, txn: &DatabaseTransaction, checked: &Checked) -> Result<String, Problem> {
    let Checked { registration, log } = checked;
    let user_id = log.user_id();
    let id = user_id.as_bytes().to_vec();
    let user = users::ActiveModel {
        user_id: Set(id.clone()),
        handle: Set(registration.handle.as_str().to_owned()),
        sealed_signin: Set(seal(app, user_id, &row_of(registration))?),
        created_ms: Set(to_row(app.now_ms())?),
        closed: Set(false),
    };
    if let Err(error) = users::Entity::insert(user).exec_without_returning(txn).await {
        return Err(if is_taken(&error) {
            ErrorCode::HandleTaken.into()
        } else {
            error.into()
        });
    }
    let entries = [
        (0, registration.genesis.as_slice().to_vec()),
        (1, registration.device.as_slice().to_vec()),
    ];
    let entries = entries.map(|(seq, entry)| user_log::ActiveModel {
        user_id: Set(id.clone()),
        seq: Set(seq),
        entry: Set(entry),
    });
    user_log::Entity::insert_many(entries)
        .exec_without_returning(txn)
        .await?;
    vault::insert_all(txn, user_id, registration.items.as_slice()).await?;
    let (token, _) = session::issue(app, user_id, None)?.store(txn).await?;
    Ok(token)
}

fn row_of(registration: &Registration) -> SignInRow {
    SignInRow {
        salt: registration.salt,
        profile: registration.profile,
        ak: registration.ak,
        vault_header: registration.vault_header.clone(),
        recovery: None,
    }
}

/// A sign-in row under the pepper.
pub fn seal(app: &App, user: &UserId, row: &SignInRow) -> Result<Vec<u8>, Problem> {
    app.pepper
        .seal(user, make_random()?, &row.to_bytes())
        .map_err(|_| Problem::Fault("the pepper does not seal"))
}

/// Whether this very registration is already there, and new: its answer was lost, and it came again. An old one gives no
/// grant, or whoever keeps a copy of it would never need the password.
async fn is_same(app: &App, checked: &Checked) -> Result<bool, Problem> {
    let (user, handle) = (checked.log.user_id(), checked.registration.handle.as_str());
    let there = users::Entity::find_by_id(user.as_bytes().to_vec())
        .one(app.db.write())
        .await?;
    let is_new = |created: i64| app.now_ms().saturating_sub(from_row(created)) <= session::GRANT_MS;
    Ok(
        match there.filter(|there| there.handle == handle && !there.closed && is_new(there.created_ms)) {
            Some(there) => open(app, user, &there.sealed_signin)? == row_of(&checked.registration),
            None => false,
        },
    )
}

/// The sign-in row of a person who exists.
pub fn open(app: &App, user: &UserId, sealed: &[u8]) -> Result<SignInRow, Problem> {
    let bytes = app
        .pepper
        .open(user, sealed)
        .map_err(|_| Problem::Fault("a sign-in row does not open: is the pepper the right one?"))?;
    let older = |_| {
        SignInRow1::from_bytes(&bytes).map(|row| SignInRow {
            salt: row.salt,
            profile: row.profile,
            ak: row.ak,
            vault_header: row.vault_header,
            recovery: None,
        })
    };
    SignInRow::from_bytes(&bytes)
        .or_else(older)
        .map_err(|_| Problem::Fault("a sign-in row does not decode"))
}

/// The sign-in row of whoever is asking.
pub async fn own_row(app: &App, db: &impl ConnectionTrait, caller: &Caller) -> Result<SignInRow, Problem> {
    let user = users::Entity::find_by_id(caller.user_id.as_bytes().to_vec())
        .one(db)
        .await?
        .ok_or(ErrorCode::NotSignedIn)?;
    open(app, &caller.user_id, &user.sealed_signin)
}
