//! What an account keeps at the relay, sealed: the way back in from a new browser, with the password alone.
//!
//! ```text
//! password ─▶ KEK ─▶ header: VK ─▶ root items: identity key, DVK
//!                                            └─▶ day items: KEM keys, contacts, …
//! ```
//!
//! `VK` is in memory only right after the password was typed. No room keys are kept here: their wraps lie at the relay.

use rand::CryptoRng;
use zeroize::Zeroizing;

use crate::api::limits::MAX_SAVED;
use crate::codec::{Bytes, Codec, List, Text};
use crate::crypto::label::Label;
use crate::crypto::seal::{self, OpenError};
use crate::crypto::secret::{VaultKey, WrapKey, derive, opaque_id};
use crate::id::{ChannelId, EnvelopeHash, Head, ItemId, RoomId, UserId};
use crate::{choice, record};

choice! {
    /// What opens the vault key.
    #[derive(Copy)]
    pub enum Method {
        1 = Password,
        2 = Recovery,
    }
}

record! {
    pub struct VaultWrap {
        pub method: Method,
        pub sealed: Bytes<160>,
    }
}

record! {
    pub struct VaultHeader = 0x0501, 1 {
        pub user_id: UserId,
        /// Which vault key this is; rises when it changes.
        pub vk_gen: u32,
        pub wraps: List<VaultWrap, 4>,
    }
}

/// `Seal(KEK, "vault-wrap", user ‖ method ‖ vk_gen, VK)`.
pub fn wrap_vault_key<R: CryptoRng + ?Sized>(
    rng: &mut R,
    kek: &WrapKey,
    user: &UserId,
    method: Method,
    vk_gen: u32,
    vault_key: &VaultKey,
) -> Result<VaultWrap, OpenError> {
    let sealed = seal::seal(
        rng,
        kek.expose(),
        &wrap_context(user, method, vk_gen),
        vault_key.expose(),
    );
    Ok(VaultWrap {
        method,
        sealed: Bytes::new(sealed).map_err(|_| OpenError)?,
    })
}

impl VaultHeader {
    /// The vault key, for who holds the key of one of the wraps.
    pub fn open(&self, kek: &WrapKey, user: &UserId, method: Method) -> Result<VaultKey, OpenError> {
        if self.user_id != *user {
            return Err(OpenError);
        }
        let wrap = self.wraps.iter().find(|wrap| wrap.method == method).ok_or(OpenError)?;
        let context = wrap_context(user, method, self.vk_gen);
        let plain = Zeroizing::new(seal::open(kek.expose(), &context, wrap.sealed.as_slice())?);
        VaultKey::from_slice(&plain).ok_or(OpenError)
    }
}

fn wrap_context(user: &UserId, method: Method, vk_gen: u32) -> Vec<u8> {
    seal::context(
        Label::VaultWrap,
        &[user.as_bytes(), &method.to_bytes(), &vk_gen.to_be_bytes()],
    )
}

/// The names of vault items. The relay sees `HMAC(k, name)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ItemName {
    /// 32 bytes, under VK.
    IdentityKey,
    /// 32 bytes, under VK.
    DayKey,
    /// 32 bytes: private KEM key of this generation, under DVK.
    KemKey(u32),
    /// A [`Pin`], under DVK.
    Contact(UserId),
    /// A [`Manifest`], under DVK.
    Manifest,
    /// 32 bytes each, the newest first, under DVK: day vault keys that were. What a browser kept under one of them opens, and
    /// is sealed anew, after the next sign-in there.
    FormerDayKeys,
    /// [`crate::attention::Levels`], under DVK.
    Levels,
    /// [`crate::attention::Marks`], under DVK.
    ReadMarks,
    /// [`crate::contacts::Contacts`], under DVK.
    Contacts,
    /// [`crate::contacts::OwnProfile`], under DVK.
    Profile,
    /// A [`SavedList`], under DVK.
    Saved,
    /// A [`crate::picture::OwnPicture`], under DVK.
    Picture,
}

impl ItemName {
    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::IdentityKey => b"identity".to_vec(),
            Self::DayKey => b"day-key".to_vec(),
            Self::KemKey(g) => [b"kem/".as_slice(), &g.to_be_bytes()].concat(),
            Self::Contact(user) => [b"contact/".as_slice(), user.as_bytes()].concat(),
            Self::Manifest => b"manifest".to_vec(),
            Self::FormerDayKeys => b"former-day-keys".to_vec(),
            Self::Levels => b"levels".to_vec(),
            Self::ReadMarks => b"read-marks".to_vec(),
            Self::Contacts => b"contacts".to_vec(),
            Self::Profile => b"profile".to_vec(),
            Self::Saved => b"saved".to_vec(),
            Self::Picture => b"picture".to_vec(),
        }
    }

    /// The id the relay stores it under. `key` is the raw VK or DVK.
    pub fn id(&self, key: &[u8; 32]) -> ItemId {
        let names = derive(key, Label::VaultNameKey, &[]);
        ItemId::from_bytes(opaque_id(&names, &[&self.to_bytes()]))
    }

    pub fn seal<R: CryptoRng + ?Sized>(
        &self,
        rng: &mut R,
        key: &[u8; 32],
        user: &UserId,
        rev: u64,
        plain: &[u8],
    ) -> Vec<u8> {
        let id = self.id(key);
        let item_key = derive(key, Label::VaultItemKey, &[id.as_bytes()]);
        seal::seal(rng, item_key.expose(), &item_context(user, &id, rev), plain)
    }
}

/// Opens an item by its id: the id and the revision are bound into the seal.
pub fn open_item(
    key: &[u8; 32],
    user: &UserId,
    id: &ItemId,
    rev: u64,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let item_key = derive(key, Label::VaultItemKey, &[id.as_bytes()]);
    seal::open(item_key.expose(), &item_context(user, id, rev), sealed).map(Zeroizing::new)
}

fn item_context(user: &UserId, id: &ItemId, rev: u64) -> Vec<u8> {
    seal::context(Label::VaultItem, &[user.as_bytes(), id.as_bytes(), &rev.to_be_bytes()])
}

record! {
    /// What the vault holds besides this item. A relay cannot leave out, replace or take back any of it unnoticed by who
    /// knows a counter: a browser that was here before, or the user log's `VaultCommit`.
    #[derive(Copy, Default)]
    pub struct Manifest = 0x0503, 1 {
        /// Rises with every change, also over changes of the vault key.
        pub counter: u64,
        /// `api::body::items_digest` of all other items.
        pub hash: [u8; 32],
    }
}

choice! {
    #[derive(Copy)]
    pub enum PinState {
        1 = Unverified,
        2 = Verified,
        3 = Changed,
    }
}

record! {
    /// What an account remembers of a contact.
    pub struct Pin = 0x0502, 1 {
        pub user_id: UserId,
        pub handle: Text<32>,
        /// The newest entry of their log that was seen: it never goes back.
        pub seq: u64,
        pub head: Head,
        /// The entry that brought the identity key that `state` speaks of.
        pub ik_since: u64,
        pub state: PinState,
    }
}

record! {
    /// A message that somebody wants to find again. Of what it says nothing is kept.
    pub struct Saved {
        pub room_id: RoomId,
        pub channel: ChannelId,
        pub target: EnvelopeHash,
        /// When it was put here, milliseconds since 1970.
        pub at: u64,
    }
}

record! {
    /// The messages that an account has put aside, the newest last.
    #[derive(Default)]
    pub struct SavedList = 0x0505, 1 {
        pub items: List<Saved, MAX_SAVED>,
    }
}
