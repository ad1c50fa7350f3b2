//! Requests over HTTP and what the engine was doing when it sent them.

use std::collections::BTreeSet;

use sotto_shared::api::body;
use sotto_shared::api::error::ErrorBody;
use sotto_shared::api::{B64, Endpoint};
use sotto_shared::id::{MessageId, ReportId, RoomId, UserId};

use super::entering::Entering;
use super::peek::Peek;
use super::pictures::Chosen;
use super::{Effect, Engine, Out};
use crate::view::{Chat, Problem};
use sotto_shared::crypto::suite::Suite;

macro_rules! requests {
    ($($name:ident),* $(,)?) => {
        /// One of the relay's endpoints with its body.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Request { $($name(body::$name)),* }

        /// The answer of the endpoint of the same name.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Reply { $($name(<body::$name as Endpoint>::Reply)),* }

        #[cfg(feature = "testing")]
        impl Reply {
            pub fn to_json(&self) -> Result<String, serde_json::Error> {
                match self { $(Self::$name(body) => serde_json::to_string(body)),* }
            }
        }

        impl Request {
            /// Behind `/api/v1/`.
            pub const fn path(&self) -> &'static str {
                match self { $(Self::$name(_) => <body::$name as Endpoint>::PATH),* }
            }

            pub fn to_json(&self) -> Result<String, serde_json::Error> {
                match self { $(Self::$name(body) => serde_json::to_string(body)),* }
            }

            /// Reads the answer to this request.
            pub fn read_reply(&self, json: &str) -> Result<Reply, serde_json::Error> {
                match self { $(Self::$name(_) => serde_json::from_str(json).map(Reply::$name)),* }
            }
        }
    };
}

sotto_shared::every_endpoint!(requests);

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Nobody answered.
    Offline,
    Refused(ErrorBody),
    /// An answer that is none.
    Garbled,
}

impl Failure {
    /// What to tell the person when nothing more specific is known.
    pub fn problem(&self) -> Problem {
        use sotto_shared::api::error::ErrorCode as Code;
        match self {
            Self::Offline => Problem::Offline,
            Self::Garbled => Problem::OldPage,
            Self::Refused(body) => match body.code {
                Code::Unavailable | Code::Draining | Code::Internal => Problem::ServerTrouble,
                Code::TooFast => Problem::TooFast {
                    retry_secs: body.retry_secs.unwrap_or(5),
                },
                Code::NotSignedIn => Problem::SignedOut,
                Code::Forbidden | Code::NotFound | Code::InvalidEntry => Problem::NotAllowed,
                Code::UnsupportedVersion | Code::Malformed => Problem::OldPage,
                Code::BadProof => Problem::WrongPassword,
                Code::BadHandle => Problem::HandleMalformed,
                Code::HandleTaken | Code::StaleHead | Code::StaleItem | Code::WrongEpoch | Code::Duplicate => {
                    Problem::Internal(format!("{:?}", body.code))
                }
                Code::TooLarge => Problem::TooLong { max: 0 },
            },
        }
    }

    pub fn is(&self, code: sotto_shared::api::error::ErrorCode) -> bool {
        matches!(self, Self::Refused(body) if body.code == code)
    }
}

/// What waits for a reply.
pub(crate) enum Pending<K> {
    /// An offer or a rating, for the person to see.
    Advice {
        command: u32,
    },
    /// The name of the server, for a page on which nobody is signed in.
    Realm,
    /// Signing up, once the password is found strong enough.
    NewPassword(Box<Entering<K>>),
    /// Signing up or in.
    Enter(Box<Entering<K>>),
    SignOutOthers {
        command: u32,
    },
    Devices {
        command: u32,
    },
    Held {
        command: u32,
    },
    Rows {
        command: u32,
    },
    Find {
        command: u32,
        handle: String,
    },
    /// Somebody else under a known handle, accepted.
    Accept {
        command: u32,
        handle: String,
        user: UserId,
    },
    /// The people a new room or an addition needs, one request each.
    FindFor {
        handle: String,
        task: u32,
    },
    UserLogs {
        users: BTreeSet<UserId>,
    },
    RoomLog {
        room: RoomId,
        from: u64,
    },
    Append {
        room: RoomId,
    },
    Create {
        room: RoomId,
    },
    Wraps {
        room: RoomId,
    },
    /// Wraps that do not open are taken away; then the others are asked.
    KeyRequest {
        room: RoomId,
        request: B64,
    },
    PageForward {
        chat: Chat,
        after: u64,
        /// The newest message that the relay had named when it was asked.
        named: u64,
    },
    PageEnd {
        chat: Chat,
    },
    PageBack {
        chat: Chat,
    },
    /// The vault, with the counter that it must have reached.
    Vault {
        floor: u64,
    },
    PutVault,
    /// A recovery key, confirmed.
    Recovery {
        command: u32,
    },
    /// What this browser kept; `command` is that of the sign-in it follows, if any.
    Base {
        command: Option<u32>,
    },
    LoadOlder {
        chat: Chat,
    },
    /// A contact link: who answers under the handle must be this person.
    Contact {
        command: u32,
        user: UserId,
        handle: String,
    },
    /// The log of a room that a link leads to.
    Visit {
        room: RoomId,
        from: u64,
    },
    /// The relay's name and clock, for a look at an invite; then the look.
    PeekTime(Box<Peek>),
    Peek(Box<Peek>),
    Join {
        room: RoomId,
    },
    HandOver {
        room: RoomId,
        users: Vec<UserId>,
    },
    /// Messages of this browser's store in which something is to be taken away.
    Seek {
        chat: Chat,
    },
    /// What lies in a room's slots.
    Slots {
        chat: Chat,
        /// So many there can be.
        most: usize,
    },
    /// A message that is reported, once more.
    Exhibit {
        command: u32,
        seq: u64,
    },
    Reported {
        command: u32,
    },
    /// What was reported in a room; to be asked for again, because there is more by now.
    Reports {
        room: RoomId,
        command: Option<u32>,
        again: bool,
    },
    Settled {
        command: u32,
        room: RoomId,
        report: ReportId,
    },
    /// A picture of our own, put there or taken away.
    PictureSet {
        command: u32,
        chosen: Option<Box<Chosen>>,
    },
    /// Somebody's picture: as this browser kept it, then from the relay.
    KeptPicture {
        command: u32,
        user: UserId,
    },
    Picture {
        command: u32,
        user: UserId,
    },
    /// The relay is to let go of a message of ours.
    LetGo {
        chat: Chat,
        message: MessageId,
    },
    Ignore,
}

impl<S: Suite> Engine<S> {
    pub(super) fn ask(&mut self, request: Request, pending: Pending<S::DeviceKey>, out: &mut Out<S::DeviceKey>) {
        let token = self.me.as_ref().map(|me| me.token.clone());
        self.ask_as(token, request, pending, out);
    }

    pub(super) fn ask_as(
        &mut self,
        token: Option<String>,
        request: Request,
        pending: Pending<S::DeviceKey>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let id = self.remember(pending);
        out.push(Effect::Ask { id, token, request });
    }

    pub(super) fn remember(&mut self, pending: Pending<S::DeviceKey>) -> u32 {
        self.next_request = self.next_request.wrapping_add(1);
        self.pending.insert(self.next_request, pending);
        self.next_request
    }
}
