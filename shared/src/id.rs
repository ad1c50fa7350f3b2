//! Newtypes for every id. To parse is to validate; one kind never turns into another.
//!
//! Written for people and for JSON as base64url without padding (RFC 4648 §5).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The text is not the base64url form of an id of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct BadId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Takes exactly `LEN` bytes.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, BadId> {
                bytes.try_into().map(Self).map_err(|_| BadId)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let text = URL_SAFE_NO_PAD.encode(self.0);
                write!(f, concat!(stringify!($name), "({})"), text.get(..8).unwrap_or(&text))
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadId)?;
                Self::from_slice(&bytes)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A person's account: the hash of the genesis of their user log.
    UserId, 32
);
id!(
    /// A room: the hash of the genesis of its log.
    RoomId, 32
);
id!(
    /// A channel inside a room. All zero: the room's only channel in direct messages and groups.
    ChannelId, 16
);
id!(
    /// A public key: its hash under the label `sotto/1/key-id`.
    DeviceKeyId, 32
);
id!(
    /// Chosen by the sender, unique in a channel; makes a retry idempotent.
    MessageId, 16
);
id!(
    /// The hash of a sealed message with its header: what replies and deletions name.
    EnvelopeHash, 32
);
id!(
    /// A sealed item in a person's vault; opaque to the relay.
    ItemId, 16
);
id!(
    /// An invite to a room: the hash of the key whose private half its link gives.
    InviteId, 16
);
id!(
    /// A report; chosen by whoever makes it.
    ReportId, 16
);
id!(
    /// A sealed file; chosen by whoever uploads it.
    BlobId, 16
);
id!(
    /// A sealed picture of a person; drawn at random by whose it is.
    PictureId, 16
);
id!(
    /// The hash of a log entry or a transcript: what the next one builds on.
    Head, 32
);

impl ChannelId {
    /// The only channel of a direct message or group.
    pub const MAIN: Self = Self([0; 16]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_writes_and_nothing_else() {
        let id = RoomId::from_bytes([7; 32]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("".parse::<RoomId>(), Err(BadId));
        assert_eq!(ChannelId::MAIN.to_string().parse::<RoomId>(), Err(BadId));
        assert_eq!(format!("{}=", id).parse::<RoomId>(), Err(BadId), "padding is refused");
    }
}
