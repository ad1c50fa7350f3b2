//! User logs: public keys, readable by anyone signed in, appended to by their owner alone.

use std::collections::{HashMap, HashSet};

use axum::Json;
use axum::extract::State;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use sotto_shared::api::B64;
use sotto_shared::api::body::{Empty, UserFind, UserLogAppend, UserLogBody, UserLogFrom, UserLogsGet, UserLogsReply};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::api::limits::{FULL_LOGS_BYTES, MAX_LOG_PAGE, MAX_USERS_ASKED, is_handle};
use sotto_shared::codec::Codec;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::id::{DeviceKeyId, UserId};
use sotto_shared::log::user_log::{MAX_USER_ENTRIES, UserLog};

use super::{close, vault};
use crate::app::{App, from_row, to_row};
use crate::db::entities::{sessions, user_log, users};
use crate::gateway::encode;
use crate::ledger::rooms::rooms_of;
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::{Caller, Session};

pub async fn find(State(app): State<App>, _: Session, Body(ask): Body<UserFind>) -> Answer<UserFind> {
    if !is_handle(&ask.handle) {
        return Err(ErrorCode::BadHandle.into());
    }
    let user = users::Entity::find()
        .filter(users::Column::Handle.eq(ask.handle))
        .filter(users::Column::Closed.eq(false))
        .one(app.db.read())
        .await?
        .ok_or(ErrorCode::NotFound)?;
    let user_id = UserId::from_slice(&user.user_id).map_err(|_| Problem::Fault("a stored id is not one"))?;
    Ok(Json(body(&app, &user_id, 0).await?))
}

pub async fn logs(State(app): State<App>, caller: Caller, Body(ask): Body<UserLogsGet>) -> Answer<UserLogsGet> {
    if ask.users.len() > MAX_USERS_ASKED {
        return Err(ErrorCode::TooLarge.into());
    }
    let ids: HashSet<UserId> = ask.users.iter().map(|from| from.user_id).collect();
    if ids.len() < ask.users.len() {
        return Err(ErrorCode::Malformed.into());
    }
    if caller.dk_id.is_none() && ask.users.iter().any(|from| from.user_id != caller.user_id) {
        return Err(ErrorCode::Forbidden.into());
    }
    Ok(Json(UserLogsReply {
        logs: bodies(&app, &ask.users).await?,
    }))
}

pub async fn append(State(app): State<App>, caller: Caller, Body(ask): Body<UserLogAppend>) -> Answer<UserLogAppend> {
    if ask.entries.is_empty() {
        return Err(ErrorCode::Malformed.into());
    }
    if ask.entries.len() > MAX_LOG_PAGE as usize {
        return Err(ErrorCode::TooLarge.into());
    }
    // An account is no faster than one of its devices.
    app.rates
        .entries
        .take_n(&DeviceKeyId::from_bytes(*caller.user_id.as_bytes()), ask.entries.len())?;
    vault::check(&ask.puts)?;
    let blobs = read_all(&ask.entries)?;
    let work = app.clone();
    app.see_through(async move { store_and_tell(&work, &caller.user_id, ask, blobs).await })
        .await?;
    Ok(Json(Empty {}))
}

/// Encoded `SignedBlob`s.
pub fn read_all(entries: &[B64]) -> Result<Vec<SignedBlob>, Problem> {
    let blobs = entries.iter().map(|entry| SignedBlob::from_bytes(&entry.0));
    Ok(blobs.collect::<Result<_, _>>().map_err(|_| ErrorCode::Malformed)?)
}

async fn store_and_tell(app: &App, user: &UserId, ask: UserLogAppend, blobs: Vec<SignedBlob>) -> Result<(), Problem> {
    let UserLogAppend { entries, puts } = ask;
    let _turn = app.ledger.turn(user.as_bytes()).await;
    let txn = app.db.begin().await?;
    lock(&txn, user).await?.ok_or(ErrorCode::NotSignedIn)?;
    let log = app
        .ledger
        .person_now(&txn, &app.realm, user)
        .await?
        .ok_or(ErrorCode::NotSignedIn)?;
    if log.extend(&blobs).is_err() && is_there(&txn, user, &entries, &blobs).await? {
        return Ok(());
    }
    let next = extend(&txn, &log, entries, &blobs).await?;
    vault::store(&txn, user, puts).await?;
    let ended = end_revoked(&txn, user, &log, &next).await?;
    txn.commit().await?;
    tell(app, next, |session| ended.iter().any(|hash| hash == session)).await
}

/// Puts entries behind a log, all of them or none.
pub async fn extend(
    txn: &DatabaseTransaction,
    log: &UserLog,
    entries: Vec<B64>,
    blobs: &[SignedBlob],
) -> Result<UserLog, Problem> {
    let next = log
        .extend(blobs)
        .map_err(|error| Problem::from((usize::from(builds_on(log, blobs)), error)))?;
    if log.seq() + blobs.len() as u64 > MAX_USER_ENTRIES {
        return Err(ErrorCode::TooLarge.into());
    }
    let next = next.prove_here().map_err(|_| ErrorCode::InvalidEntry)?;
    let id = log.user_id().as_bytes().to_vec();
    let rows = (log.seq() + 1..).zip(entries).map(|(seq, entry)| {
        Ok(user_log::ActiveModel {
            user_id: Set(id.clone()),
            seq: Set(to_row(seq)?),
            entry: Set(entry.0),
        })
    });
    user_log::Entity::insert_many(rows.collect::<Result<Vec<_>, Problem>>()?)
        .exec_without_returning(txn)
        .await?;
    Ok(next)
}

/// After the commit: sockets of the sessions that ended close, and whoever knows this person hears of the log.
pub async fn tell(app: &App, log: UserLog, ended: impl Fn(&[u8; 32]) -> bool) -> Result<(), Problem> {
    let user = *log.user_id();
    let frame = encode(&FromRelay::UserLog {
        user_id: user,
        seq: log.seq(),
    });
    app.ledger.keep_person(log.into());
    app.hub.end_sessions(&user, ended);
    app.hub
        .tell_acquaintances(&user, &rooms_of(app.db.read(), &user).await?, &frame);
    Ok(())
}

/// Ends the sessions of devices that are active no more; gives the hashes of their tokens.
async fn end_revoked(
    txn: &DatabaseTransaction,
    user: &UserId,
    old: &UserLog,
    new: &UserLog,
) -> Result<Vec<Vec<u8>>, Problem> {
    let id = user.as_bytes().to_vec();
    let revoked = old
        .view()
        .devices
        .keys()
        .filter(|dk| old.view().active_device(dk).is_some() && new.view().active_device(dk).is_none());
    let revoked: Vec<Vec<u8>> = revoked.map(|dk| dk.as_bytes().to_vec()).collect();
    if revoked.is_empty() && !new.view().closed {
        return Ok(Vec::new());
    }
    let over = if new.view().closed {
        Condition::all()
    } else {
        Condition::any().add(sessions::Column::DkId.is_in(revoked))
    };
    let condition = Condition::all().add(sessions::Column::UserId.eq(id)).add(over);
    let hashes: Vec<Vec<u8>> = sessions::Entity::find()
        .select_only()
        .column(sessions::Column::TokenHash)
        .filter(condition.clone())
        .into_tuple()
        .all(txn)
        .await?;
    sessions::Entity::delete_many().filter(condition).exec(txn).await?;
    if new.view().closed {
        close::wipe(txn, user).await?;
    }
    Ok(hashes)
}

/// Whether the first entry takes up where the log ends, so that an error is not about being late.
fn builds_on(log: &UserLog, blobs: &[SignedBlob]) -> bool {
    let first = blobs
        .first()
        .and_then(|blob| sotto_shared::log::user_log::UserEntry::from_bytes(&blob.body).ok());
    first.is_some_and(|first| first.seq == log.seq() + 1 && first.prev == log.head())
}

/// Whether these very entries are already there: the answer was lost, and they came again.
pub async fn is_there(
    txn: &DatabaseTransaction,
    user: &UserId,
    entries: &[B64],
    blobs: &[SignedBlob],
) -> Result<bool, Problem> {
    let first = blobs
        .first()
        .and_then(|blob| sotto_shared::log::user_log::UserEntry::from_bytes(&blob.body).ok());
    let Some(from) = first.and_then(|first| to_row(first.seq).ok()) else {
        return Ok(false);
    };
    let rows = user_log::Entity::find()
        .filter(user_log::Column::UserId.eq(user.as_bytes().to_vec()))
        .filter(user_log::Column::Seq.gte(from))
        .order_by_asc(user_log::Column::Seq)
        .limit(entries.len() as u64)
        .all(txn)
        .await?;
    Ok(from > 0 && rows.len() == entries.len() && rows.iter().zip(entries).all(|(row, entry)| row.entry == entry.0))
}

/// Locks a person's row, so that their log, vault and sessions change one at a time.
pub async fn lock(txn: &DatabaseTransaction, user: &UserId) -> Result<Option<users::Model>, Problem> {
    let row = users::Entity::find_by_id(user.as_bytes().to_vec())
        .lock_exclusive()
        .one(txn)
        .await?;
    Ok(row.filter(|row| !row.closed))
}

/// A user log as bodies carry it.
pub async fn body(app: &App, user: &UserId, from_seq: u64) -> Result<UserLogBody, Problem> {
    let from = UserLogFrom {
        user_id: *user,
        from_seq,
    };
    Ok(bodies(app, &[from]).await?.pop().ok_or(ErrorCode::NotFound)?)
}

/// The logs of those whom there is an account of, until the answer is full.
async fn bodies(app: &App, asked: &[UserLogFrom]) -> Result<Vec<UserLogBody>, Problem> {
    let ids = asked.iter().map(|from| from.user_id.as_bytes().to_vec());
    let handles: HashMap<Vec<u8>, String> = users::Entity::find()
        .select_only()
        .columns([users::Column::UserId, users::Column::Handle])
        .filter(users::Column::UserId.is_in(ids))
        .into_tuple::<(Vec<u8>, String)>()
        .all(app.db.read())
        .await?
        .into_iter()
        .collect();
    // Nobody in a condition would be everybody.
    if handles.is_empty() {
        return Ok(Vec::new());
    }
    // How long each is, before any is loaded: as many as there is room for, and the first whatever it is.
    let sizes: HashMap<Vec<u8>, i64> = user_log::Entity::find()
        .select_only()
        .column(user_log::Column::UserId)
        .column_as(Expr::cust("SUM(LENGTH(entry))"), "bytes")
        .filter(from_there(asked)?)
        .group_by(user_log::Column::UserId)
        .into_tuple::<(Vec<u8>, i64)>()
        .all(app.db.read())
        .await?
        .into_iter()
        .collect();
    let mut bytes = 0;
    let there = asked
        .iter()
        .filter(|from| handles.contains_key(from.user_id.as_bytes().as_slice()));
    let fit = there.take_while(|from| {
        let has_room = bytes < FULL_LOGS_BYTES;
        bytes += sizes
            .get(from.user_id.as_bytes().as_slice())
            .map_or(0, |size| from_row(*size) as usize);
        has_room
    });
    let fit: Vec<UserLogFrom> = fit.copied().collect();
    let mut entries: HashMap<Vec<u8>, Vec<B64>> = HashMap::new();
    for row in user_log::Entity::find()
        .filter(from_there(&fit)?)
        .order_by_asc(user_log::Column::UserId)
        .order_by_asc(user_log::Column::Seq)
        .all(app.db.read())
        .await?
    {
        entries.entry(row.user_id).or_default().push(B64(row.entry));
    }
    let log = |from: &UserLogFrom| {
        let id = from.user_id.as_bytes().as_slice();
        let mut entries = entries.remove(id).unwrap_or_default().into_iter();
        Some(UserLogBody {
            user_id: from.user_id,
            handle: close::plain_handle(handles.get(id)?.clone()),
            genesis: if from.from_seq == 0 { entries.next() } else { None },
            entries: entries.collect(),
        })
    };
    Ok(fit.iter().filter_map(log).collect())
}

fn from_there(asked: &[UserLogFrom]) -> Result<Condition, Problem> {
    let mut any = Condition::any();
    for from in asked {
        let one = Condition::all()
            .add(user_log::Column::UserId.eq(from.user_id.as_bytes().to_vec()))
            .add(user_log::Column::Seq.gte(to_row(from.from_seq)?));
        any = any.add(one);
    }
    Ok(any)
}

/// Number of the newest entry of a person's log.
pub async fn newest_seq(db: &impl ConnectionTrait, user: &UserId) -> Result<u64, Problem> {
    let newest: Option<Option<i64>> = user_log::Entity::find()
        .select_only()
        .column_as(user_log::Column::Seq.max(), "newest")
        .filter(user_log::Column::UserId.eq(user.as_bytes().to_vec()))
        .into_tuple()
        .one(db)
        .await?;
    Ok(newest.flatten().map_or(0, crate::app::from_row))
}
