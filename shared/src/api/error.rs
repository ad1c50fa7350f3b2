//! Why the relay refuses: a code for programs; the client has the words.

use serde::{Deserialize, Serialize};

/// Serialised in snake case; never renamed once released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The body or frame is not what this endpoint takes. 400
    Malformed,
    /// The client speaks a version this relay does not. 400
    UnsupportedVersion,
    /// More bytes, items or people than allowed. 413
    TooLarge,
    /// No token, or one that is not valid any more. 401
    NotSignedIn,
    /// Unknown, expired, used or forged proof. 401
    BadProof,
    /// The handle is taken. 409
    HandleTaken,
    /// The handle is not spelt as handles are. 400
    BadHandle,
    /// No such person, room, channel or item, or none this person may see. 404
    NotFound,
    /// A member, but not with the right to do this; or no longer a member. 403
    Forbidden,
    /// A log entry that does not follow the room's rules. 422
    InvalidEntry,
    /// Somebody was faster: fetch the log and build on its head. 409
    StaleHead,
    /// The vault item has a newer revision. 409
    StaleItem,
    /// Sealed under an epoch that is not taken any more. 409
    WrongEpoch,
    /// A message id used twice with different contents. 409
    Duplicate,
    /// Wait `retry_secs`. 429
    TooFast,
    /// The relay is going away: reconnect. 503
    Draining,
    /// The database does not answer or has no room left. 503
    Unavailable,
    /// A fault of the relay. 500
    Internal,
}

/// Body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    pub code: ErrorCode,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_secs: Option<u32>,
}

impl ErrorCode {
    /// The HTTP status that goes with it.
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::UnsupportedVersion | Self::BadHandle => 400,
            Self::NotSignedIn | Self::BadProof => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::HandleTaken | Self::StaleHead | Self::StaleItem | Self::WrongEpoch | Self::Duplicate => 409,
            Self::TooLarge => 413,
            Self::InvalidEntry => 422,
            Self::TooFast => 429,
            Self::Internal => 500,
            Self::Draining | Self::Unavailable => 503,
        }
    }
}
