//! Reports: what a member says is wrong, with messages that prove themselves, for those alone who may act on it.
//!
//! ```text
//! plaintext = u32 length ‖ Report ‖ signature[64] ‖ zero padding      (the sizes of a message)
//! sealed    = Seal(report key, "sealed-report", room ‖ report_id, plaintext)
//! to each   = HPKE.SealBase(kk, info = lp("report-wrap") ‖ ReportInfo, report key)
//! ```
//!
//! A message in it is its header and what its author signed: whoever has the room's log checks that, also without the key of
//! the channel it was written in.

use rand::CryptoRng;

pub use crate::api::limits::{MAX_REPORT_WORDS, MAX_REPORTED};
use crate::codec::{Bytes, Codec, List, Reader, Text};
use crate::crypto::kem::{self, Wrapped};
use crate::crypto::label::{Label, prefix};
use crate::crypto::seal::{self, OpenError};
use crate::crypto::secret::PrivateKey;
use crate::crypto::sign::{PublicKey, SignatureBytes, Unproven, VerifyJob};
use crate::envelope::content::Content;
use crate::envelope::header::{HEADER_BYTES, Header, padded_len};
use crate::id::{ChannelId, DeviceKeyId, Head, ReportId, RoomId, UserId};
use crate::record;

/// A report with its signature, before it is sealed.
pub const MAX_REPORT_BYTES: usize = 65_536;

record! {
    /// HPKE `info`: the key of a report opens for this person as the key of this report alone.
    pub struct ReportInfo = 0x0303, 1 {
        pub room_id: RoomId,
        pub report_id: ReportId,
        pub user_id: UserId,
        pub g: u32,
    }
}

record! {
    /// A message as its author signed it.
    pub struct Reported {
        /// Its number in its channel, as whoever reports it says.
        pub seq: u64,
        pub header: Bytes<HEADER_BYTES>,
        pub content: Bytes<65536>,
        pub sig: SignatureBytes,
    }
}

record! {
    pub struct Report = 0x0304, 1 {
        pub room_id: RoomId,
        pub report_id: ReportId,
        pub user_id: UserId,
        pub dk_id: DeviceKeyId,
        /// The room log as its author knew it.
        pub log_seq: u64,
        pub log_head: Head,
        /// Their clock, milliseconds since 1970.
        pub ts: u64,
        pub words: Text<MAX_REPORT_WORDS>,
        pub messages: List<Reported, MAX_REPORTED>,
    }
}

impl ReportInfo {
    pub fn info(&self) -> Vec<u8> {
        let mut out = prefix(Label::ReportWrap);
        self.encode(&mut out);
        out
    }
}

impl Reported {
    /// What was signed in this room, up to its signature: `None` if it is of another room, or says to be of another header.
    /// `key` is that of the device that the content names, at the entry that it names.
    pub fn claim<'a>(
        &self,
        room: &RoomId,
        key: impl FnOnce(&UserId, &DeviceKeyId, &ChannelId, u64) -> Option<&'a PublicKey>,
    ) -> Option<Unproven<(Header, Content)>> {
        let header = Header::from_bytes(self.header.as_slice()).ok()?;
        let content = Content::from_bytes(self.content.as_slice()).ok()?;
        let fits = header.room_id == *room && content.header_hash == header.hash();
        let signer = key(&content.user_id, &content.dk_id, &header.channel, content.log_seq).filter(|_| fits)?;
        let job = VerifyJob {
            key: *signer,
            label: Label::Message,
            message: self.content.as_slice().to_vec(),
            sig: self.sig,
        };
        Some(Unproven::new((header, content), vec![job]))
    }
}

/// The key of a report, for one who may act on it.
pub fn wrap_report_key<R: CryptoRng + ?Sized>(
    rng: &mut R,
    recipient: &PublicKey,
    info: &ReportInfo,
    key: &[u8; 32],
) -> Result<Wrapped, OpenError> {
    kem::wrap(rng, recipient, &info.info(), key)
}

pub fn unwrap_report_key(key: &PrivateKey, info: &ReportInfo, wrapped: &Wrapped) -> Result<[u8; 32], OpenError> {
    kem::unwrap(key, &info.info(), wrapped)?
        .as_slice()
        .try_into()
        .map_err(|_| OpenError)
}

fn context(room: &RoomId, report_id: &ReportId) -> Vec<u8> {
    seal::context(Label::SealedReport, &[room.as_bytes(), report_id.as_bytes()])
}

/// Seals an encoded [`Report`] with its author's signature (label `report`).
pub fn seal_report<R: CryptoRng + ?Sized>(
    rng: &mut R,
    key: &[u8; 32],
    room: &RoomId,
    report_id: &ReportId,
    report: &[u8],
    sig: &SignatureBytes,
) -> Vec<u8> {
    let mut plain = zeroize::Zeroizing::new(Vec::new());
    (report.len() as u32).encode(&mut plain);
    plain.extend_from_slice(report);
    plain.extend_from_slice(sig);
    let padded = padded_len(plain.len());
    plain.resize(padded, 0);
    seal::seal(rng, key, &context(room, report_id), &plain)
}

/// A report that opened, up to the signature of who made it; `signer` gives the key that they had in the room's log.
pub fn open_report<'a>(
    key: &[u8; 32],
    room: &RoomId,
    report_id: &ReportId,
    sealed: &[u8],
    signer: impl FnOnce(&UserId, &DeviceKeyId, u64) -> Option<&'a PublicKey>,
) -> Result<Unproven<Report>, OpenError> {
    let plain = zeroize::Zeroizing::new(seal::open(key, &context(room, report_id), sealed)?);
    let mut input = Reader::new(&plain);
    let len = u32::decode(&mut input).map_err(|_| OpenError)? as usize;
    let bytes = input.take(len).map_err(|_| OpenError)?;
    let sig: SignatureBytes = input.array().map_err(|_| OpenError)?;
    let used = 4 + len + sig.len();
    let padding = plain.get(used..).unwrap_or_default();
    let report = Report::from_bytes(bytes).map_err(|_| OpenError)?;
    let is_its = report.room_id == *room && report.report_id == *report_id;
    if plain.len() != padded_len(used) || padding.iter().any(|byte| *byte != 0) || !is_its {
        return Err(OpenError);
    }
    let key = signer(&report.user_id, &report.dk_id, report.log_seq).ok_or(OpenError)?;
    let job = VerifyJob {
        key: *key,
        label: Label::Report,
        message: bytes.to_vec(),
        sig,
    };
    Ok(Unproven::new(report, vec![job]))
}
