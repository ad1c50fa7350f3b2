//! What a database error means for whoever asked: the world's fault (try again) or ours.

use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// Whose fault a database error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It does not answer, is full or read-only, or gave way to another transaction: trying again may help.
    Unavailable,
    /// A statement or row that should not be.
    Internal,
}

/// A row with this key is there already.
pub fn is_taken(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

pub fn fault(error: &DbErr) -> Fault {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Fault::Unavailable,
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => sqlx_fault(cause),
        _ => Fault::Internal,
    }
}

fn sqlx_fault(error: &sqlx::Error) -> Fault {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_)
        | sqlx::Error::BeginFailed => Fault::Unavailable,
        sqlx::Error::Database(cause) => match cause.code() {
            Some(code)
                if is_passing(
                    &code,
                    cause.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some(),
                ) =>
            {
                Fault::Unavailable
            }
            _ => Fault::Internal,
        },
        _ => Fault::Internal,
    }
}

fn is_passing(code: &str, postgres: bool) -> bool {
    if postgres {
        // SQLSTATE classes: connection, authorisation, no such database, rollback (deadlock, serialization), resources,
        // prerequisites, operator, system; and a read-only server.
        return ["08", "28", "3D", "40", "53", "55", "57", "58"]
            .iter()
            .any(|class| code.starts_with(class))
            || code == "25006";
    }
    // SQLite's primary code is the low byte: BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN.
    code.parse::<u32>()
        .is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 7 | 8 | 10 | 13 | 14))
}

/// The error's code for the log: a number of the database's, never a row.
pub fn code(error: &DbErr) -> String {
    let cause = match error {
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => cause,
        DbErr::ConnectionAcquire(_) => return "acquire".to_owned(),
        _ => return "orm".to_owned(),
    };
    match cause.as_ref() {
        sqlx::Error::Database(cause) => cause
            .code()
            .map_or_else(|| "database".to_owned(), |code| code.into_owned()),
        sqlx::Error::Io(cause) => format!("io {:?}", cause.kind()),
        sqlx::Error::PoolTimedOut => "pool-timeout".to_owned(),
        sqlx::Error::PoolClosed => "pool-closed".to_owned(),
        _ => "driver".to_owned(),
    }
}
