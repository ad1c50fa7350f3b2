//! The one vocabulary between client and relay: HTTP bodies, socket frames, limits and refusals.
//!
//! Every HTTP endpoint is `POST /api/v1/<PATH>` with a JSON body and answer; [`Endpoint`] ties the three together. A
//! session token travels as `Authorization: Bearer <token>`. Bytes are base64url without padding (RFC 4648 §5).
//! The socket at `/api/v1/live` carries [`frame::ToRelay`] and [`frame::FromRelay`] as JSON text.

pub mod body;
pub mod error;
pub mod frame;
pub mod limits;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One way to ask the relay for something.
pub trait Endpoint: Serialize + for<'de> Deserialize<'de> {
    /// Behind `/api/v1/`.
    const PATH: &'static str;
    type Reply: Serialize + for<'de> Deserialize<'de>;
}

/// Hands the names of all endpoints to the macro `$then`, behind whatever else is for it. The one list there is of them.
#[macro_export]
macro_rules! every_endpoint {
    ($then:ident $($before:tt)*) => {
        $then! {
            $($before)*
            Info, Register, SignInStart, SignInProve, SessionStart, SessionProve, SessionEnd, SessionEndOthers, SessionList,
            VaultGet, VaultPut, Rekey, SetRecovery, ResetIdentity, UserFind, UserLogsGet, UserLogAppend, RoomCreate,
            RoomAppend, RoomLogGet, WrapsGet, WrapsDrop, WrapsPut, PageGet, HeldGet, RowsGet, InviteOpen, InvitePeek, MessageDelete,
            SlotsGet, ReportSend, ReportsGet, ReportSettle, PicturePut, PictureGet, PictureDrop
        }
    };
}

/// Bytes in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct B64(pub Vec<u8>);

impl Serialize for B64 {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for B64 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        URL_SAFE_NO_PAD
            .decode(text.as_bytes())
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

impl From<Vec<u8>> for B64 {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for B64 {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_in_and_come_out_as_they_are() {
        let bytes = vec![0, 255, 62, 63];
        assert_eq!(B64::from(bytes.clone()).as_ref(), bytes);
        assert_eq!(serde_json::to_string(&B64(bytes)).unwrap(), "\"AP8-Pw\"");
    }
}
