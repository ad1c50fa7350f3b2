//! Why a request is refused, and the one place where that becomes an answer and a line in the log.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sea_orm::DbErr;
use sotto_shared::api::error::{ErrorBody, ErrorCode};
use sotto_shared::log::LogError;

use crate::db::fault::{self, Fault};

#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Whoever asked is told the code and nothing else.
    #[error("refused: {0:?}")]
    Refused(ErrorCode),
    #[error("wait {retry_secs} s")]
    TooFast { retry_secs: u32 },
    #[error("the database: {}", fault::code(.0))]
    Database(#[from] DbErr),
    /// Something that cannot be, named for the log.
    #[error("{0}")]
    Fault(&'static str),
}

impl Problem {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(code) => *code,
            Self::TooFast { .. } => ErrorCode::TooFast,
            Self::Database(error) => match fault::fault(error) {
                Fault::Unavailable => ErrorCode::Unavailable,
                Fault::Internal => ErrorCode::Internal,
            },
            Self::Fault(_) => ErrorCode::Internal,
        }
    }

    pub fn retry_secs(&self) -> Option<u32> {
        match (self, self.code()) {
            (Self::TooFast { retry_secs }, _) => Some(*retry_secs),
            (_, ErrorCode::Unavailable | ErrorCode::Draining) => Some(2),
            _ => None,
        }
    }

    /// Says in the log what is the world's fault or ours; a peer's mistakes are not worth a line.
    pub fn log(&self) {
        match self {
            Self::Database(error) => tracing::error!(code = fault::code(error), "database"),
            Self::Fault(what) => tracing::error!(what, "fault"),
            Self::Refused(_) | Self::TooFast { .. } => {}
        }
    }
}

impl From<ErrorCode> for Problem {
    fn from(code: ErrorCode) -> Self {
        Self::Refused(code)
    }
}

/// For entries that came in. `StaleHead` only where the first of them does not build on the head.
impl From<(usize, LogError)> for Problem {
    fn from((index, error): (usize, LogError)) -> Self {
        Self::Refused(match error {
            LogError::Sequence | LogError::Chain if index == 0 => ErrorCode::StaleHead,
            LogError::Decode(_) => ErrorCode::Malformed,
            LogError::TooMany => ErrorCode::TooLarge,
            _ => ErrorCode::InvalidEntry,
        })
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.log();
        let code = self.code();
        let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (
            status,
            Json(ErrorBody {
                code,
                retry_secs: self.retry_secs(),
            }),
        )
            .into_response()
    }
}
