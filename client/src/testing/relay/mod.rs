//! The relay's rules over plain maps: the same answers, refusals and frames as `sotto-server`, without database, limits
//! of speed and processes. Everything stored is public, so that a test can rewrite it.

mod accounts;
mod live;
mod pictures;
mod reports;
mod rooms;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sotto_shared::api::B64;
use sotto_shared::api::body::{API_VERSION, InfoReply};
use sotto_shared::api::error::{ErrorBody, ErrorCode};
use sotto_shared::api::limits::{MAX_PAGE, SESSION_DAYS};
use sotto_shared::id::{DeviceKeyId, PictureId, RoomId, UserId};
use sotto_shared::log::LogError;
use sotto_shared::testing::FixedRng;

use crate::engine::{Failure, Reply, Request};

pub use accounts::{Account, Challenge, People, SignInRow};
pub use live::{Socket, SocketId};
pub use reports::StoredReport;
pub use rooms::{StoredRoom, Tenure};

type Answer<T> = Result<T, ErrorCode>;

const GRANT_MS: u64 = 10 * 60 * 1000;
const SESSION_MS: u64 = SESSION_DAYS * 24 * 60 * 60 * 1000;

/// A clone is another relay with the same past: a fork.
#[derive(Debug, Clone)]
pub struct ModelRelay {
    pub realm: String,
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// Whether it takes them.
    pub guests: bool,
    /// Messages it gives at most at a time.
    pub page: u32,
    pub people: People,
    /// Sessions and grants by their token.
    pub tokens: BTreeMap<String, Token>,
    pub challenges: BTreeMap<[u8; 32], Challenge>,
    pub rooms: BTreeMap<RoomId, StoredRoom>,
    /// One of each account.
    pub pictures: BTreeMap<UserId, (PictureId, B64)>,
    pub sockets: BTreeMap<SocketId, Socket>,
    next_socket: u64,
    rng: FixedRng,
}

/// A session with a device, a grant without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub user_id: UserId,
    pub dk_id: Option<DeviceKeyId>,
    pub created_ms: u64,
    pub expires_ms: u64,
}

/// Who asks, with the token they showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub user_id: UserId,
    pub dk_id: Option<DeviceKeyId>,
    pub token: String,
}

/// A caller with a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub user_id: UserId,
    pub dk_id: DeviceKeyId,
    pub token: String,
}

impl ModelRelay {
    pub fn new(realm: &str, now_ms: u64, seed: &str) -> Self {
        Self {
            realm: realm.to_owned(),
            now_ms,
            guests: true,
            page: MAX_PAGE,
            people: People::default(),
            tokens: BTreeMap::new(),
            challenges: BTreeMap::new(),
            rooms: BTreeMap::new(),
            pictures: BTreeMap::new(),
            sockets: BTreeMap::new(),
            next_socket: 0,
            rng: FixedRng::new(&format!("{seed}/relay")),
        }
    }

    /// One HTTP request.
    pub fn answer(&mut self, token: Option<&str>, request: &Request) -> Result<Reply, Failure> {
        self.decide(token, request)
            .map_err(|code| Failure::Refused(ErrorBody { code, retry_secs: None }))
    }

    fn decide(&mut self, token: Option<&str>, request: &Request) -> Answer<Reply> {
        Ok(match request {
            Request::Info(_) => Reply::Info(InfoReply {
                realm: self.realm.clone(),
                api: API_VERSION,
                now_ms: self.now_ms,
                guests: self.guests,
            }),
            Request::Register(ask) => Reply::Register(self.register(ask)?),
            Request::SignInStart(ask) => Reply::SignInStart(self.sign_in_start(ask)?),
            Request::SignInProve(ask) => Reply::SignInProve(self.sign_in_prove(ask)?),
            Request::SessionStart(_) => Reply::SessionStart(self.session_start(&self.grant(token)?)?),
            Request::SessionProve(ask) => Reply::SessionProve(self.session_prove(&self.grant(token)?, ask)?),
            Request::SessionEnd(_) => Reply::SessionEnd(self.session_end(&self.caller(token)?)),
            Request::SessionEndOthers(_) => Reply::SessionEndOthers(self.session_end_others(&self.caller(token)?)),
            Request::SessionList(_) => Reply::SessionList(self.session_list(&self.caller(token)?)),
            Request::VaultGet(_) => Reply::VaultGet(self.vault_get(&self.caller(token)?)?),
            Request::VaultPut(ask) => Reply::VaultPut(self.vault_put(&self.caller(token)?, ask)?),
            Request::Rekey(ask) => Reply::Rekey(self.rekey(&self.grant(token)?, ask)?),
            Request::SetRecovery(ask) => Reply::SetRecovery(self.set_recovery(&self.grant(token)?, ask)?),
            Request::ResetIdentity(ask) => Reply::ResetIdentity(self.reset_identity(&self.grant(token)?, ask)?),
            Request::UserFind(ask) => {
                self.session(token)?;
                Reply::UserFind(self.user_find(ask)?)
            }
            Request::UserLogsGet(ask) => Reply::UserLogsGet(self.user_logs_get(&self.caller(token)?, ask)?),
            Request::UserLogAppend(ask) => Reply::UserLogAppend(self.user_log_append(&self.caller(token)?, ask)?),
            Request::RoomCreate(ask) => Reply::RoomCreate(self.room_create(&self.session(token)?, ask)?),
            Request::RoomAppend(ask) => Reply::RoomAppend(self.room_append(&self.session(token)?, ask)?),
            Request::RoomLogGet(ask) => Reply::RoomLogGet(self.room_log_get(&self.session(token)?, ask)?),
            Request::WrapsGet(ask) => Reply::WrapsGet(self.wraps_get(&self.session(token)?, ask)?),
            Request::WrapsDrop(ask) => Reply::WrapsDrop(self.wraps_drop(&self.session(token)?, ask)?),
            Request::WrapsPut(ask) => Reply::WrapsPut(self.wraps_put(&self.session(token)?, ask)?),
            // It has no tables to read back.
            Request::HeldGet(_) | Request::RowsGet(_) => return Err(ErrorCode::NotFound),
            Request::InvitePeek(ask) => Reply::InvitePeek(self.invite_peek(ask)?),
            Request::InviteOpen(ask) => Reply::InviteOpen(self.invite_open(&self.session(token)?, ask)?),
            Request::PageGet(ask) => Reply::PageGet(self.page_get(&self.session(token)?, ask)?),
            Request::SlotsGet(ask) => Reply::SlotsGet(self.slots_get(&self.session(token)?, ask)?),
            Request::ReportSend(ask) => Reply::ReportSend(self.report_send(&self.session(token)?, ask)?),
            Request::ReportsGet(ask) => Reply::ReportsGet(self.reports_get(&self.session(token)?, ask)?),
            Request::ReportSettle(ask) => Reply::ReportSettle(self.report_settle(&self.session(token)?, ask)?),
            Request::PicturePut(ask) => Reply::PicturePut(self.picture_put(&self.session(token)?, ask)?),
            Request::PictureGet(ask) => {
                self.session(token)?;
                Reply::PictureGet(self.picture_get(ask)?)
            }
            Request::PictureDrop(_) => Reply::PictureDrop(self.picture_drop(&self.session(token)?)),
            Request::MessageDelete(ask) => Reply::MessageDelete(self.message_delete(&self.session(token)?, ask)?),
        })
    }

    /// Whose token this is, if it is anybody's and not over.
    fn caller(&self, token: Option<&str>) -> Answer<Caller> {
        let text = token.ok_or(ErrorCode::NotSignedIn)?;
        let token = self
            .tokens
            .get(text)
            .filter(|token| token.expires_ms > self.now_ms)
            .ok_or(ErrorCode::NotSignedIn)?;
        Ok(Caller {
            user_id: token.user_id,
            dk_id: token.dk_id,
            token: text.to_owned(),
        })
    }

    /// A session is refused: opening another one takes the password.
    fn grant(&self, token: Option<&str>) -> Answer<Caller> {
        let caller = self.caller(token)?;
        if caller.dk_id.is_some() {
            return Err(ErrorCode::Forbidden);
        }
        Ok(caller)
    }

    /// A grant is refused: it is not for rooms.
    fn session(&self, token: Option<&str>) -> Answer<Session> {
        let caller = self.caller(token)?;
        Ok(Session {
            user_id: caller.user_id,
            dk_id: caller.dk_id.ok_or(ErrorCode::Forbidden)?,
            token: caller.token,
        })
    }

    /// The person a token belongs to, over or not: for whoever looks on.
    pub fn whose(&self, token: &str) -> Option<UserId> {
        self.tokens.get(token).map(|token| token.user_id)
    }

    /// A session with a device, a grant without.
    fn issue(&mut self, user_id: UserId, dk_id: Option<DeviceKeyId>) -> (String, u64) {
        let text = URL_SAFE_NO_PAD.encode(self.random::<32>());
        let expires_ms = self.now_ms + if dk_id.is_some() { SESSION_MS } else { GRANT_MS };
        let token = Token {
            user_id,
            dk_id,
            created_ms: self.now_ms,
            expires_ms,
        };
        self.tokens.insert(text.clone(), token);
        (text, expires_ms)
    }

    fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        rand::Rng::fill_bytes(&mut self.rng, &mut bytes);
        bytes
    }
}

/// For entries that came in. `StaleHead` only where the first of them does not build on the head.
fn refusal(index: usize, error: LogError) -> ErrorCode {
    match error {
        LogError::Sequence | LogError::Chain if index == 0 => ErrorCode::StaleHead,
        LogError::Decode(_) => ErrorCode::Malformed,
        LogError::TooMany => ErrorCode::TooLarge,
        _ => ErrorCode::InvalidEntry,
    }
}
