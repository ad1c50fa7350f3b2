//! User logs, as the database has them now.

use std::collections::BTreeMap;
use std::sync::Arc;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sotto_shared::id::UserId;
use sotto_shared::log::room_log::UserLogs;
use sotto_shared::log::user_log::UserLog;

use super::{Ledger, stored_blob, trusted};
use crate::db::entities::user_log;
use crate::problem::Problem;

/// User logs at hand while a room log is read.
#[derive(Debug, Default, Clone)]
pub struct Known(BTreeMap<UserId, Arc<UserLog>>);

impl Known {
    pub fn add(&mut self, log: Arc<UserLog>) {
        self.0.insert(*log.user_id(), log);
    }

    pub fn seq(&self, user: &UserId) -> Option<u64> {
        self.0.get(user).map(|log| log.seq())
    }
}

impl UserLogs for Known {
    fn user_log(&self, user: &UserId) -> Option<&UserLog> {
        self.0.get(user).map(Arc::as_ref)
    }
}

const PEOPLE_PER_QUERY: usize = 500;

impl Ledger {
    /// The whole log of one person; `None` if there is no such person.
    pub async fn person_now(
        &self,
        db: &impl ConnectionTrait,
        realm: &str,
        user: &UserId,
    ) -> Result<Option<Arc<UserLog>>, Problem> {
        Ok(self
            .people_now(db, realm, std::slice::from_ref(user))
            .await?
            .0
            .remove(user))
    }

    /// The logs of those of `users` there are.
    pub async fn people_now(&self, db: &impl ConnectionTrait, realm: &str, users: &[UserId]) -> Result<Known, Problem> {
        let mut known = Known::default();
        for some in users.chunks(PEOPLE_PER_QUERY) {
            let mut missing = Vec::new();
            for (user, seq) in newest(db, some).await? {
                match self
                    .person(&user)
                    .filter(|log| i64::try_from(log.seq()).ok() == Some(seq))
                {
                    Some(log) => known.add(log),
                    None => missing.push(user),
                }
            }
            for log in replay(db, realm, &missing).await? {
                let log = Arc::new(log);
                self.keep_person(log.clone());
                known.add(log);
            }
        }
        Ok(known)
    }
}

async fn newest(db: &impl ConnectionTrait, users: &[UserId]) -> Result<Vec<(UserId, i64)>, Problem> {
    let rows: Vec<(Vec<u8>, i64)> = user_log::Entity::find()
        .select_only()
        .column(user_log::Column::UserId)
        .column_as(user_log::Column::Seq.max(), "newest")
        .filter(user_log::Column::UserId.is_in(users.iter().map(|user| user.as_bytes().to_vec())))
        .group_by(user_log::Column::UserId)
        .into_tuple()
        .all(db)
        .await?;
    rows.into_iter().map(|(user, seq)| Ok((user_id(&user)?, seq))).collect()
}

async fn replay(db: &impl ConnectionTrait, realm: &str, users: &[UserId]) -> Result<Vec<UserLog>, Problem> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let rows = user_log::Entity::find()
        .filter(user_log::Column::UserId.is_in(users.iter().map(|user| user.as_bytes().to_vec())))
        .order_by_asc(user_log::Column::UserId)
        .order_by_asc(user_log::Column::Seq)
        .all(db)
        .await?;
    rows.chunk_by(|a, b| a.user_id == b.user_id)
        .map(|rows| replay_one(realm, rows))
        .collect()
}

fn replay_one(realm: &str, rows: &[user_log::Model]) -> Result<UserLog, Problem> {
    let broken = Problem::Fault("a stored user log does not replay");
    let Some((genesis, entries)) = rows.split_first() else {
        return Err(broken);
    };
    let log = UserLog::begin(&genesis.entry, &user_id(&genesis.user_id)?, realm).map_err(|_| broken)?;
    let blobs = entries
        .iter()
        .map(|row| stored_blob(&row.entry))
        .collect::<Result<Vec<_>, _>>()?;
    trusted(
        log.extend(&blobs)
            .map_err(|_| Problem::Fault("a stored user log does not replay"))?,
    )
}

fn user_id(bytes: &[u8]) -> Result<UserId, Problem> {
    UserId::from_slice(bytes).map_err(|_| Problem::Fault("a stored id is not one"))
}
