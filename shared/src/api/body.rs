//! Bodies of the HTTP endpoints, in the order a person meets them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{B64, Endpoint};
use crate::codec::{Bytes, List, Text};
use crate::crypto::hash::{hash, sha256};
use crate::crypto::label::Label;
use crate::crypto::sign::PublicKey;
use crate::envelope::header::envelope_hash;
use crate::id::{
    ChannelId, DeviceKeyId, EnvelopeHash, Head, InviteId, ItemId, MessageId, PictureId, ReportId, RoomId, UserId,
};
use crate::log::standing::InviteStanding;
use crate::record;

macro_rules! endpoint {
    ($(#[$meta:meta])* $path:literal, $name:ident { $($(#[$fm:meta])* $field:ident : $ty:ty),* $(,)? } -> $reply:ty) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fm])* pub $field: $ty),* }
        impl Endpoint for $name {
            const PATH: &'static str = $path;
            type Reply = $reply;
        }
    };
}

/// An answer without contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

// --- Account -----------------------------------------------------------------------------------------------------------

record! {
    /// What registering signs, with the sign-in key and with the identity key.
    pub struct Registration = 0x0602, 1 {
        pub realm: Text<253>,
        pub handle: Text<32>,
        pub salt: [u8; 16],
        /// Argon2id profile, see `crypto::password`.
        pub profile: u8,
        /// Sign-in key.
        pub ak: PublicKey,
        /// Encoded `UserGenesis`.
        pub genesis: Bytes<1024>,
        /// Encoded `SignedBlob` of the first AddDevice.
        pub device: Bytes<1024>,
        pub vault_header: Bytes<1024>,
        pub items: List<VaultPutRecord, 16>,
    }
}

record! {
    pub struct VaultPutRecord {
        pub item_id: ItemId,
        pub sealed: Bytes<65_536>,
    }
}

record! {
    /// What the sign-in key signs.
    pub struct LoginProof = 0x0601, 1 {
        pub realm: Text<253>,
        pub handle: Text<64>,
        pub challenge: [u8; 32],
        pub session_nonce: [u8; 32],
    }
}

record! {
    /// What a device signs to open a session.
    pub struct SessionProof = 0x0603, 1 {
        pub realm: Text<253>,
        pub user_id: UserId,
        pub dk_id: DeviceKeyId,
        pub challenge: [u8; 32],
    }
}

record! {
    /// What a change of password signs, with the sign-in key it brings and with the identity key: everything that hangs on the
    /// password, at once.
    pub struct KeyChange = 0x0604, 2 {
        pub realm: Text<253>,
        pub user_id: UserId,
        /// What somebody is called from now on who was a guest.
        pub handle: Option<Text<32>>,
        /// [`items_digest`] of all the items that go.
        pub base: [u8; 32],
        pub salt: [u8; 16],
        pub profile: u8,
        pub ak: PublicKey,
        /// Sign-in key of the recovery key, if the new vault has a wrap for one.
        pub recovery: Option<PublicKey>,
        pub vault_header: Bytes<1024>,
        /// All there are from now on, each with revision 1.
        pub items: List<VaultPutRecord, 4096>,
        /// Encoded `SignedBlob`s for the user log.
        pub entries: List<Bytes<1024>, 96>,
    }
}

record! {
    /// What the identity key signs when a recovery key is set or taken away.
    pub struct RecoveryChange = 0x0605, 1 {
        pub realm: Text<253>,
        pub user_id: UserId,
        /// Its sign-in key; none takes it away.
        pub recovery: Option<PublicKey>,
        /// With or without a wrap for it.
        pub vault_header: Bytes<1024>,
    }
}

record! {
    /// What the key of an invite signs for somebody who wants to read a room's log before joining: theirs alone.
    pub struct InviteProof = 0x0702, 1 {
        pub realm: Text<253>,
        pub room_id: RoomId,
        pub invite_id: InviteId,
        pub user_id: UserId,
    }
}

record! {
    /// What the key of an invite signs for somebody who wants to know what the link leads to, before there is an account.
    pub struct PeekProof = 0x0703, 1 {
        pub realm: Text<253>,
        pub room_id: RoomId,
        pub invite_id: InviteId,
        pub at: u64,
    }
}

endpoint! {
    /// What anyone may know of this relay.
    "info", Info {} -> InfoReply
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfoReply {
    /// The name accounts belong to.
    pub realm: String,
    /// Version of this API.
    pub api: u32,
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// Whether it takes guests.
    #[serde(default)]
    pub guests: bool,
}

/// Version of this API.
pub const API_VERSION: u32 = 1;

endpoint! {
    "register", Register {
        /// Encoded `Registration`.
        registration: B64,
        /// By the sign-in key, label `register`.
        ak_sig: B64,
        /// By the identity key, label `register`.
        ik_sig: B64,
    } -> Grant
}

/// What a password gives: a token good for ten minutes, for one's own account and to open one session; not for rooms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub token: String,
}

endpoint! {
    "sign-in/start", SignInStart { handle: String } -> SignInChallenge
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInChallenge {
    /// 16 bytes; made up for a handle nobody has.
    pub salt: B64,
    pub profile: u8,
    /// 32 bytes, good once and for a minute.
    pub challenge: B64,
    pub expires_ms: u64,
}

endpoint! {
    "sign-in/prove", SignInProve {
        handle: String,
        challenge: B64,
        session_nonce: B64,
        /// By the sign-in key over `LoginProof`, label `login`; by that of the recovery key, label `login-rec`.
        sig: B64,
        /// With the recovery key. Whether somebody has one shows nowhere before this is proven.
        #[serde(default)]
        recovery: bool,
    } -> SignInGrant
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInGrant {
    /// As in [`Grant`].
    pub token: String,
    pub vault_header: B64,
    pub items: Vec<VaultItem>,
    pub log: UserLogBody,
}

/// A vault item, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultItem {
    pub item_id: ItemId,
    /// Rises by one with every change; 1 is the first.
    pub rev: u64,
    pub sealed: B64,
}

/// Items by id: revision, and SHA-256 of what is sealed.
pub type Listing = BTreeMap<ItemId, (u64, [u8; 32])>;

impl VaultItem {
    pub fn listed(&self) -> (ItemId, (u64, [u8; 32])) {
        (self.item_id, (self.rev, sha256(&self.sealed.0)))
    }
}

/// `H("vault-items", item_id ‖ rev ‖ SHA-256(sealed) ‖ …)`, ascending by id: names one state of a vault.
pub fn items_digest(listing: &Listing) -> [u8; 32] {
    let mut all = Vec::with_capacity(listing.len() * 56);
    for (id, (rev, sealed)) in listing {
        all.extend_from_slice(id.as_bytes());
        all.extend_from_slice(&rev.to_be_bytes());
        all.extend_from_slice(sealed);
    }
    hash(Label::VaultItems, &[&all])
}

/// A user log, or the part of it from `from_seq` on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLogBody {
    pub user_id: UserId,
    pub handle: String,
    /// Encoded `UserGenesis`; only when the log is asked for from its beginning.
    pub genesis: Option<B64>,
    /// Encoded `SignedBlob`s; the first has number `from_seq`, or 1.
    pub entries: Vec<B64>,
}

endpoint! {
    /// With a grant: a device's key alone opens no session, so that ending sessions lasts.
    "session/start", SessionStart {} -> SessionChallenge
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionChallenge {
    pub challenge: B64,
}

endpoint! {
    /// With the grant that asked for the challenge, which is used up.
    "session/prove", SessionProve {
        dk_id: DeviceKeyId,
        challenge: B64,
        /// By the device over `SessionProof`, label `session`.
        sig: B64,
    } -> SessionGrant
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionGrant {
    pub token: String,
    pub expires_ms: u64,
}

endpoint! {
    /// Ends the session whose token this is.
    "session/end", SessionEnd {} -> Empty
}

endpoint! {
    /// Ends every other session of this account; their sockets close within a second.
    "session/end-others", SessionEndOthers {} -> Empty
}

endpoint! {
    "session/list", SessionList {} -> SessionListReply
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionListReply {
    pub sessions: Vec<SessionInfo>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    pub dk_id: DeviceKeyId,
    pub created_ms: u64,
    pub seen_ms: u64,
}

endpoint! {
    /// How much the relay holds about the caller and their rooms, table by table; `account/rows` gives the rows themselves.
    "account/held", HeldGet {} -> Held
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Every table that can hold such a row, also where it holds none.
    pub tables: Vec<HeldTable>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldTable {
    pub table: String,
    pub columns: Vec<Column>,
    /// One for each room where rows belong to rooms, otherwise one or none.
    pub sums: Vec<HeldSum>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSum {
    pub room_id: Option<RoomId>,
    pub rows: u64,
    /// Of all columns together; a number counts eight.
    pub bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub kind: ColumnKind,
}

/// What a column is to whoever reads the relay's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Readable by design.
    Handle,
    /// An id or a hash.
    Id,
    /// Milliseconds since 1970.
    Time,
    Counter,
    /// A public key.
    Key,
    /// Readable: ids, public keys and rules, signed by their author, or the outside of a message.
    Open,
    /// Nothing to read without a key that the database does not have.
    Sealed,
}

endpoint! {
    /// Rows of one table, in the order of its key, at most `MAX_ROWS_PAGE`.
    "account/rows", RowsGet {
        table: String,
        /// The last row of the page before, or its first columns, those of the key; nothing for the first page.
        after: Vec<Cell>,
    } -> Rows
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// A cell for each column, in the order of `HeldTable::columns`.
    pub rows: Vec<Vec<Cell>>,
    pub more: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    Nothing,
    Number(u64),
    Text(String),
    /// All of it.
    Bytes(B64),
    /// How much of it, and its SHA-256.
    Digest {
        bytes: u64,
        sha256: B64,
    },
}

endpoint! {
    "vault/get", VaultGet {} -> VaultGetReply
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultGetReply {
    pub header: B64,
    pub items: Vec<VaultItem>,
}

endpoint! {
    /// All or nothing. `rev` is the revision that is written: one more than the one there is.
    "vault/put", VaultPut { puts: Vec<VaultItem> } -> Empty
}

endpoint! {
    "users/find", UserFind { handle: String } -> UserLogBody
}

endpoint! {
    /// Anyone signed in may read anyone's log: it holds public keys. At most `MAX_USERS_ASKED`.
    "users/logs", UserLogsGet { users: Vec<UserLogFrom> } -> UserLogsReply
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLogFrom {
    pub user_id: UserId,
    /// 0: from the genesis.
    pub from_seq: u64,
}

/// In the order asked. Left out: accounts there are none of, and what no longer fits behind `FULL_LOGS_BYTES`, to be asked
/// for again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLogsReply {
    pub logs: Vec<UserLogBody>,
}

endpoint! {
    /// Appends to one's own log. `StaleHead` when another browser was faster.
    "users/append", UserLogAppend {
        /// Encoded `SignedBlob`s.
        entries: Vec<B64>,
        /// Vault items that go with them, as in [`VaultPut`]: both or neither.
        #[serde(default)]
        puts: Vec<VaultItem>,
    } -> Empty
}

endpoint! {
    /// With a grant: another password, and with it another vault. Ends every session of the account; the grant then opens
    /// one. `StaleItem` or `StaleHead` when another browser changed something meanwhile. The same again changes nothing.
    "account/rekey", Rekey {
        /// Encoded `KeyChange`.
        change: B64,
        /// By the new sign-in key, label `rekey`.
        ak_sig: B64,
        /// By the identity key, label `rekey`.
        ik_sig: B64,
    } -> Empty
}

endpoint! {
    /// With a grant.
    "account/recovery", SetRecovery {
        /// Encoded `RecoveryChange`.
        change: B64,
        /// By the identity key, label `recovery`.
        ik_sig: B64,
    } -> Empty
}

endpoint! {
    /// With a grant: a new account under the handle of the one that the grant is for, which is closed.
    "account/reset", ResetIdentity {
        /// Encoded `Registration`.
        registration: B64,
        /// As in [`Register`].
        ak_sig: B64,
        ik_sig: B64,
        /// Encoded `SignedBlob` of the old log's `Close`, from whoever can still sign it.
        close: Option<B64>,
    } -> Grant
}

// --- Rooms ---------------------------------------------------------------------------------------------------------------

/// A room key wrapped for one member. The signed commitment in the log authenticates it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrap {
    pub channel: ChannelId,
    pub n: u32,
    pub user_id: UserId,
    /// Generation of the member's KEM key.
    pub g: u32,
    /// 65 bytes, uncompressed point.
    pub enc: B64,
    /// 48 bytes.
    pub ct: B64,
}

endpoint! {
    /// A new room with its first entries and wraps, all or nothing. Done again with the same genesis it changes nothing.
    "rooms/create", RoomCreate {
        /// Encoded `SignedBlob` of the genesis.
        genesis: B64,
        entries: Vec<B64>,
        wraps: Vec<Wrap>,
    } -> RoomHead
}

endpoint! {
    /// Appends by compare-and-swap, all or nothing, with the wraps that go with it. Who is not a member appends one Join.
    "rooms/append", RoomAppend {
        room_id: RoomId,
        entries: Vec<B64>,
        wraps: Vec<Wrap>,
    } -> RoomHead
}

/// Where a room stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomHead {
    pub room_id: RoomId,
    pub seq: u64,
    pub head: Head,
    pub channels: Vec<ChannelHead>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelHead {
    pub channel: ChannelId,
    pub seq: u64,
    pub t: Head,
}

endpoint! {
    /// A former member may read up to the entry that took them out.
    "rooms/log", RoomLogGet {
        room_id: RoomId,
        /// 0: from the genesis.
        from_seq: u64,
    } -> RoomLogReply
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomLogReply {
    /// Encoded `SignedBlob`s; the first has number `from_seq`. At most `MAX_LOG_PAGE`: ask again from behind the last.
    pub entries: Vec<B64>,
    /// Number of the newest entry this person may read.
    pub seq: u64,
}

endpoint! {
    /// A room's log for somebody who holds an invite that is open now.
    "invites/open", InviteOpen {
        room_id: RoomId,
        invite_id: InviteId,
        /// By the invite's key over `InviteProof`, label `inv-open`.
        sig: B64,
        /// 0: from the genesis.
        from_seq: u64,
    } -> RoomLogReply
}

endpoint! {
    /// What a link leads to, for whoever holds it and may not have an account yet. One refusal, `not_found`, for everybody else.
    "invites/peek", InvitePeek {
        room_id: RoomId,
        invite_id: InviteId,
        /// When this was asked, by the relay's clock (`info`).
        at_ms: u64,
        /// By the invite's key over `PeekProof`, label `inv-peek`.
        sig: B64,
    } -> InvitePeekReply
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitePeekReply {
    pub standing: InviteStanding,
    /// As sealed in the CreateInvite entry.
    pub card: B64,
    /// The handle of who made it. The relay's word, as all that follows: the log says it for sure, once it may be read.
    pub by: String,
    pub members: u32,
    pub expires_ms: u64,
    /// Whoever uses it asks, and a moderator decides.
    pub approval: bool,
}

endpoint! {
    /// The caller's own wraps in a room, newest epoch first, and those of the private channels they read.
    "rooms/wraps", WrapsGet {
        room_id: RoomId,
        /// Only epochs of the room's own from this one on.
        from_n: u32,
    } -> WrapsReply
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrapsReply {
    pub wraps: Vec<Wrap>,
}

endpoint! {
    /// Wraps for members who lack them; those that exist already stay.
    "rooms/put-wraps", WrapsPut { room_id: RoomId, wraps: Vec<Wrap> } -> Empty
}

endpoint! {
    /// Removes the caller's own wraps of an epoch, because none of them opens: others can take their place.
    "rooms/drop-wraps", WrapsDrop { room_id: RoomId, channel: ChannelId, n: u32 } -> Empty
}

endpoint! {
    /// Messages of a channel, ascending by number, at most `limit` and `MAX_PAGE`.
    "messages/page", PageGet {
        room_id: RoomId,
        channel: ChannelId,
        from: PageFrom,
        limit: u32,
    } -> Page
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageFrom {
    /// The first `limit` after this number.
    After(u64),
    /// The last `limit` before this number.
    Before(u64),
    /// The newest.
    End,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Transcript before the first message of this page.
    pub before: ChannelHead,
    pub messages: Vec<StoredMessage>,
    /// Transcript at the end of the channel now.
    pub head: ChannelHead,
}

/// A message as the relay keeps it: the bytes that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMessage {
    pub seq: u64,
    /// Encoded `Header`.
    pub header: B64,
    pub envelope: B64,
    /// The bytes were deleted, or have had their time: what is left is their hash, for the transcript.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gone: Option<EnvelopeHash>,
}

impl StoredMessage {
    /// What enters the transcript.
    pub fn hash(&self) -> EnvelopeHash {
        self.gone
            .unwrap_or_else(|| envelope_hash(&self.header.0, &self.envelope.0))
    }
}

endpoint! {
    /// What lies in the slots of a channel, the newest first, at most `MAX_SLOTS_PAGE`. Written by a `Send` frame.
    "slots/list", SlotsGet {
        room_id: RoomId,
        channel: ChannelId,
        /// What the answer before this one says; nothing for the first.
        #[serde(default)]
        before: Option<u64>,
    } -> SlotsReply
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotsReply {
    pub slots: Vec<SlotValue>,
    /// There may be older ones: to be asked for with this.
    #[serde(default)]
    pub before: Option<u64>,
}

/// The bytes that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotValue {
    /// Encoded `Header`; its `msg_id` is the slot's id.
    pub header: B64,
    pub envelope: B64,
}

endpoint! {
    /// Lets go of a message's bytes. Whoever knows the secret that its header commits to wrote it.
    "messages/delete", MessageDelete {
        room_id: RoomId,
        channel: ChannelId,
        msg_id: MessageId,
        /// 32 bytes.
        del_secret: B64,
    } -> Empty
}

// --- Reports -------------------------------------------------------------------------------------------------------------

/// The key of a report, wrapped for one who may act on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportWrap {
    pub user_id: UserId,
    /// Generation of their KEM key.
    pub g: u32,
    /// 65 bytes, uncompressed point.
    pub enc: B64,
    /// 48 bytes.
    pub ct: B64,
}

endpoint! {
    /// Members tell those who may act what is wrong. Who tells is not kept. The same again changes nothing; `TooLarge` where
    /// too many wait already.
    "reports/send", ReportSend {
        room_id: RoomId,
        report_id: ReportId,
        /// Of a size that envelopes have.
        sealed: B64,
        /// At least one, for others in the room who have REDACT or KICK.
        wraps: Vec<ReportWrap>,
    } -> Empty
}

endpoint! {
    /// The reports of a room that the caller can open and nobody has settled, the oldest first, at most `MAX_REPORTS_PAGE`. For
    /// who has REDACT or KICK there now.
    "reports/list", ReportsGet { room_id: RoomId } -> ReportsReply
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportsReply {
    pub reports: Vec<SealedReport>,
    /// How many there are.
    pub open: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedReport {
    pub report_id: ReportId,
    /// The bytes that came in.
    pub sealed: B64,
    /// The caller's own.
    pub g: u32,
    pub enc: B64,
    pub ct: B64,
}

endpoint! {
    /// It is dealt with: the relay lets go of it. For whom it was made, and who may act now.
    "reports/settle", ReportSettle { room_id: RoomId, report_id: ReportId } -> Empty
}

// --- Pictures of people ----------------------------------------------------------------------------------------------------

endpoint! {
    /// The caller's picture, in the place of the one before. The same again changes nothing.
    "pictures/put", PicturePut {
        /// Drawn at random: to know it is to be told.
        picture_id: PictureId,
        /// `SEALED_PICTURE_BYTES`.
        sealed: B64,
    } -> Empty
}

endpoint! {
    /// For whoever was told the id.
    "pictures/get", PictureGet { picture_id: PictureId } -> PictureReply
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureReply {
    /// The bytes that came in.
    pub sealed: B64,
}

endpoint! {
    /// The relay lets go of the caller's picture, if it has one.
    "pictures/drop", PictureDrop {} -> Empty
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/protocol.md, section 5: a browser that counted otherwise would take every vault for an older one.
    #[test]
    fn a_state_of_a_vault_is_named_by_all_its_items_in_order() {
        let item = |id: u8, rev: u64, sealed: &[u8]| VaultItem {
            item_id: ItemId::from_bytes([id; 16]),
            rev,
            sealed: B64(sealed.to_vec()),
        };
        let listing = |items: &[VaultItem]| -> Listing { items.iter().map(VaultItem::listed).collect() };
        let (one, two) = (item(1, 3, b"one"), item(2, 1, b"two"));
        let by_hand = [
            &[1; 16][..],
            &3_u64.to_be_bytes(),
            &sha256(b"one"),
            &[2; 16],
            &1_u64.to_be_bytes(),
            &sha256(b"two"),
        ]
        .concat();
        let digest = items_digest(&listing(&[two.clone(), one.clone()]));
        assert_eq!(digest, hash(Label::VaultItems, &[&by_hand]));
        for other in [
            vec![],
            vec![one.clone()],
            vec![one.clone(), item(2, 2, b"two")],
            vec![one.clone(), item(2, 1, b"twi")],
            vec![one, item(3, 1, b"two")],
        ] {
            assert_ne!(items_digest(&listing(&other)), digest);
        }
    }
}
