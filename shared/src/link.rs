//! What stands behind the `#` of a link that people pass on, and the keys that come out of an invite's secret.
//!
//! ```text
//! i1.<room_id>.<secret32>     an invite; the room's log holds the public half of its key alone
//! c1.<user_id>.<handle>       somebody's own: whoever answers under the handle must have this id
//! ```
//!
//! Browsers send no fragment to any server. Every link has one spelling.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::CryptoRng;
use zeroize::Zeroizing;

use crate::api::limits::is_handle;
use crate::codec::{Codec, Text};
use crate::crypto::label::Label;
use crate::crypto::seal::{self, OpenError};
use crate::crypto::secret::{InviteSecret, PrivateKey, derive, derive_into};
use crate::id::{InviteId, RoomId, UserId};
use crate::record;

/// Not a link of this kind, or damaged on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a link")]
pub struct BadLink;

/// A link, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub enum Link {
    Invite { room_id: RoomId, secret: InviteSecret },
    Contact { user_id: UserId, handle: String },
}

/// Longest text that is looked at: a whole address with the fragment at its end.
const MAX_LINK_CHARS: usize = 2_048;

impl FromStr for Link {
    type Err = BadLink;

    /// Takes the fragment, or a whole address with it.
    fn from_str(text: &str) -> Result<Self, BadLink> {
        if text.len() > MAX_LINK_CHARS {
            return Err(BadLink);
        }
        let fragment = text.split_once('#').map_or(text, |(_, fragment)| fragment);
        let mut parts = fragment.split('.');
        let (Some(kind), Some(id), Some(last), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(BadLink);
        };
        match kind {
            "i1" => {
                let secret = Zeroizing::new(URL_SAFE_NO_PAD.decode(last).map_err(|_| BadLink)?);
                Ok(Self::Invite {
                    room_id: id.parse().map_err(|_| BadLink)?,
                    secret: InviteSecret::from_slice(&secret).ok_or(BadLink)?,
                })
            }
            "c1" if is_handle(last) => Ok(Self::Contact {
                user_id: id.parse().map_err(|_| BadLink)?,
                handle: last.to_owned(),
            }),
            _ => Err(BadLink),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invite { room_id, secret } => {
                let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.expose()));
                write!(f, "i1.{room_id}.{}", *secret)
            }
            Self::Contact { user_id, handle } => write!(f, "c1.{user_id}.{handle}"),
        }
    }
}

/// The key pair of an invite: `OS2IP(KDF(secret, "inv", room_id, 48)) mod (n − 1) + 1`.
pub fn invite_key(secret: &InviteSecret, room: &RoomId) -> PrivateKey {
    let mut wide = Zeroizing::new([0; 48]);
    derive_into(secret.expose(), Label::InviteKey, &[room.as_bytes()], &mut *wide);
    PrivateKey::from_wide(&wide)
}

record! {
    /// What the holder of a link is shown before anything else. Members, inviter and role they read in the log.
    pub struct InviteCard = 0x0701, 1 {
        pub title: Text<200>,
    }
}

/// Encoded cards have one length, so that it tells nothing of the title.
const CARD_BYTES: usize = 256;

/// `Seal(KDF(secret, "inv-view-key"), "inv-view", room_id ‖ invite_id, card ‖ zero padding)`.
pub fn seal_card<R: CryptoRng + ?Sized>(
    rng: &mut R,
    secret: &InviteSecret,
    room: &RoomId,
    invite: &InviteId,
    card: &InviteCard,
) -> Vec<u8> {
    let mut plain = Zeroizing::new(Vec::with_capacity(CARD_BYTES));
    let encoded = Zeroizing::new(card.to_bytes());
    (encoded.len() as u32).encode(&mut plain);
    plain.extend_from_slice(&encoded);
    plain.resize(CARD_BYTES, 0);
    let key = derive(secret.expose(), Label::InviteViewKey, &[]);
    seal::seal(rng, key.expose(), &card_context(room, invite), &plain)
}

pub fn open_card(
    secret: &InviteSecret,
    room: &RoomId,
    invite: &InviteId,
    sealed: &[u8],
) -> Result<InviteCard, OpenError> {
    let key = derive(secret.expose(), Label::InviteViewKey, &[]);
    let plain = Zeroizing::new(seal::open(key.expose(), &card_context(room, invite), sealed)?);
    if plain.len() != CARD_BYTES {
        return Err(OpenError);
    }
    let (len, rest) = plain.split_first_chunk::<4>().ok_or(OpenError)?;
    let (encoded, padding) = rest
        .split_at_checked(u32::from_be_bytes(*len) as usize)
        .ok_or(OpenError)?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(OpenError);
    }
    InviteCard::from_bytes(encoded).map_err(|_| OpenError)
}

fn card_context(room: &RoomId, invite: &InviteId) -> Vec<u8> {
    seal::context(Label::InviteView, &[room.as_bytes(), invite.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_address_is_read_and_no_longer_one() {
        let contact = Link::Contact {
            user_id: UserId::from_bytes([7; 32]),
            handle: "ada".to_owned(),
        };
        let fragment = format!("#{contact}");
        let address = |chars: usize| format!("{}{fragment}", "x".repeat(chars - fragment.len()));
        assert_eq!(address(MAX_LINK_CHARS).parse(), Ok(contact));
        for chars in [MAX_LINK_CHARS + 1, MAX_LINK_CHARS + 2, 1 << 20] {
            assert!(address(chars).parse::<Link>().is_err(), "{chars}");
        }
    }

    #[test]
    fn a_contact_has_the_handle_of_somebody() {
        let id = UserId::from_bytes([7; 32]);
        assert!(format!("c1.{id}.ada").parse::<Link>().is_ok());
        for handle in ["", "Ada", "a b", "ada@evil.test", &"a".repeat(65)] {
            assert!(format!("c1.{id}.{handle}").parse::<Link>().is_err(), "{handle}");
        }
    }
}
