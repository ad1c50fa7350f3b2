//! Room logs and wrapped room keys. The relay orders entries by compare-and-swap and runs the rules over them; that is
//! hygiene, not security: clients run the same rules.
//!
//! ```text
//!  append ─▶ turn ─▶ lock row ─▶ extend ─▶ signatures ─▶ entries + people + wraps in one transaction ─▶ commit ─▶ announce
//! ```

mod announce;
pub mod append;
pub mod create;
pub mod invites;
pub mod read;
pub mod store;
pub mod wraps;

use sotto_shared::api::B64;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::MAX_LOG_PAGE;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::log::room_log::RoomEntry;

use crate::problem::Problem;
use crate::session::Session;

/// Entries of a request, every one by whoever is asking.
struct OwnEntries {
    blobs: Vec<SignedBlob>,
    parsed: Vec<RoomEntry>,
}

fn own_entries(session: &Session, entries: &[B64]) -> Result<OwnEntries, Problem> {
    if entries.len() > MAX_LOG_PAGE as usize {
        return Err(ErrorCode::TooLarge.into());
    }
    let blobs = entries
        .iter()
        .map(|entry| SignedBlob::from_bytes(&entry.0))
        .collect::<Result<Vec<_>, _>>();
    let blobs = blobs.map_err(|_| ErrorCode::Malformed)?;
    let parsed = blobs
        .iter()
        .map(|blob| RoomEntry::from_bytes(&blob.body))
        .collect::<Result<Vec<_>, _>>();
    let parsed = parsed.map_err(|_| ErrorCode::Malformed)?;
    if parsed
        .iter()
        .any(|entry| entry.actor != session.user_id || entry.actor_dk != session.dk_id)
    {
        return Err(ErrorCode::Forbidden.into());
    }
    Ok(OwnEntries { blobs, parsed })
}
