//! Everything a request may need, behind one cheap handle.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sotto_shared::api::error::ErrorCode;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accounts::guests;
use crate::clock::Clock;
use crate::config::{Config, Limits};
use crate::db::Db;
use crate::db::entities::{challenges, sessions};
use crate::hub::Hub;
use crate::ledger::Ledger;
use crate::mailbox::pace::Paces;
use crate::mailbox::{Mailbox, gone, reports};
use crate::pepper::Pepper;
use crate::problem::Problem;
use crate::rates::Rates;

/// The relay of one process.
#[derive(Clone)]
pub struct App(Arc<Parts>);

pub struct Parts {
    pub realm: String,
    pub limits: Limits,
    pub client_dir: Option<PathBuf>,
    pub cors_origins: Vec<String>,
    pub trust_proxy: bool,
    pub clock: Clock,
    pub db: Db,
    pub pepper: Pepper,
    pub rates: Rates,
    pub hub: Hub,
    pub ledger: Ledger,
    pub mailbox: Mailbox,
    pub paces: Paces,
    /// Requests worked on at a time.
    pub places: Semaphore,
    /// Open connections, sockets among them.
    pub connections: TaskTracker,
    /// What must be seen through even if whoever asked has gone: commits and what follows from them.
    pub tasks: TaskTracker,
    /// Cancelled when the relay begins to stop.
    pub stopping: CancellationToken,
    /// Cancelled when nothing more will be posted: the mailbox finishes what waits and ends.
    pub last_call: CancellationToken,
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

const JANITOR_EVERY: Duration = Duration::from_secs(60);

impl App {
    /// Starts the mailbox and the janitor, too; so it is called within a runtime.
    pub fn new(config: &Config, pepper: Pepper, db: Db, clock: Clock) -> Self {
        let (mailbox, posts) = Mailbox::new();
        let app = Self(Arc::new(Parts {
            realm: config.realm.clone(),
            client_dir: config.client_dir.clone(),
            cors_origins: config
                .cors_origins
                .iter()
                .map(|origin| origin.trim().to_owned())
                .filter(|origin| !origin.is_empty())
                .collect(),
            trust_proxy: config.trust_proxy,
            rates: Rates::new(&config.limits, &clock),
            ledger: Ledger::new(config.limits.cached_logs),
            places: Semaphore::new(config.limits.max_requests),
            limits: config.limits.clone(),
            hub: Hub::default(),
            connections: TaskTracker::new(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            last_call: CancellationToken::new(),
            clock,
            db,
            pepper,
            mailbox,
            paces: Paces::default(),
        }));
        app.tasks.spawn(crate::mailbox::run(app.clone(), posts));
        app.tasks.spawn(janitor(app.clone()));
        app
    }

    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Clears away what nobody will ask for again, and messages that have had their time.
    pub async fn tidy(&self) {
        let now = i64::try_from(self.now_ms()).unwrap_or(i64::MAX);
        let old = challenges::Entity::delete_many()
            .filter(challenges::Column::ExpiresMs.lt(now))
            .exec(self.db.write())
            .await;
        let ended = sessions::Entity::delete_many()
            .filter(sessions::Column::ExpiresMs.lt(now))
            .exec(self.db.write())
            .await;
        let expired = gone::expire(self.db.write(), now).await;
        let unsettled = reports::expire(self.db.write(), now).await;
        for error in [old.err(), ended.err(), expired.err(), unsettled.err()]
            .into_iter()
            .flatten()
        {
            Problem::from(error).log();
        }
        if let Err(problem) = guests::close_gone(self).await {
            problem.log();
        }
    }

    /// Does `work` to its end even when the request it belongs to is dropped: what is committed gets announced.
    pub async fn see_through<T, F>(&self, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        self.tasks
            .spawn(work)
            .await
            .unwrap_or(Err(Problem::Fault("a task did not end")))
    }
}

/// Random bytes from the system.
pub fn make_random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Problem::Fault("no randomness"))?;
    Ok(bytes)
}

/// A number as the database keeps it.
pub fn to_row(number: u64) -> Result<i64, Problem> {
    i64::try_from(number).map_err(|_| Problem::Refused(ErrorCode::Malformed))
}

/// A number from the database, which keeps none that are negative.
pub fn from_row(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

async fn janitor(app: App) {
    let mut rounds = tokio::time::interval(JANITOR_EVERY);
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            _ = rounds.tick() => {}
        }
        app.rates.forget_the_quiet();
        app.tidy().await;
    }
}
