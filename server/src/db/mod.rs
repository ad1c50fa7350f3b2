//! The database: SQLite beside the relay, or Postgres, chosen by the URL alone.
//!
//! ```text
//!  rooms of the relay ──▶ Db::read   many at once
//!                    └──▶ Db::begin  a transaction that writes: SQLite has one writer, and it begins IMMEDIATE,
//!                                    so writers queue here and never meet "database is locked"
//! ```

pub mod entities;
pub mod fault;
mod migrations;

use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;

pub use migrations::Migrator;

/// Parameters one SQL statement may carry (SQLite 32,766; Postgres 65,535).
pub const MAX_PARAMETERS: usize = 30_000;

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Both ways into the database.
#[derive(Clone, Debug)]
pub struct Db {
    read: DatabaseConnection,
    write: DatabaseConnection,
}

impl Db {
    /// Opens the database and makes the folder of an SQLite file if it is not there. `connections` bounds the readers.
    pub async fn connect(url: &str, connections: u32) -> Result<Self, DbErr> {
        if DbBackend::Sqlite.is_prefix_of(url) {
            Self::connect_sqlite(url, connections).await
        } else {
            let pool = Database::connect(options(url, connections)).await?;
            Ok(Self {
                read: pool.clone(),
                write: pool,
            })
        }
    }

    async fn connect_sqlite(url: &str, connections: u32) -> Result<Self, DbErr> {
        let in_memory = url.contains(":memory:") || url.contains("mode=memory");
        if let Some(folder) = sqlite_path(url).parent().filter(|_| !in_memory) {
            std::fs::create_dir_all(folder)
                .map_err(|error| DbErr::Custom(format!("cannot make {}: {}", folder.display(), error.kind())))?;
        }
        let write = Database::connect(sqlite_options(url, 1)).await?;
        // Another connection to a database in memory would be another database.
        let read = if in_memory {
            write.clone()
        } else {
            Database::connect(sqlite_options(url, connections)).await?
        };
        Ok(Self { read, write })
    }

    /// Brings the schema up to date. Done again it changes nothing.
    pub async fn migrate(&self) -> Result<(), DbErr> {
        Migrator::up(&self.write, None).await
    }

    pub const fn read(&self) -> &DatabaseConnection {
        &self.read
    }

    /// The connection that writes; for statements that need no transaction.
    pub const fn write(&self) -> &DatabaseConnection {
        &self.write
    }

    /// A transaction that writes. Dropped without `commit` it leaves no trace.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        self.write
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            })
            .await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.write.execute_unprepared("SELECT 1").await?;
        self.read.execute_unprepared("SELECT 1").await.map(|_| ())
    }

    pub async fn close(&self) {
        let _ = self.read.close_by_ref().await;
        let _ = self.write.close_by_ref().await;
    }
}

/// Statement logging stays off, whatever the log level: statements carry rows.
fn options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options
}

fn sqlite_options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = options(url, connections);
    // Idle connections stay: opening one is the dear part, and a file does not drop them.
    options
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .test_before_acquire(false);
    options.map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: what was announced as stored survives a power cut, too.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // What is deleted is overwritten in the file as well.
            .pragma("secure_delete", "ON")
            .busy_timeout(BUSY_TIMEOUT)
    });
    options
}

fn sqlite_path(url: &str) -> std::path::PathBuf {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    path.split('?').next().unwrap_or(path).into()
}
