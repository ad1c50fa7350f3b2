//! Telling people what was committed: those who went first, so that nothing later reaches them.

use std::collections::BTreeSet;

use sotto_shared::api::B64;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::api::limits::MAX_LOG_PAGE;
use sotto_shared::id::{RoomId, UserId};

use super::store::Moves;
use crate::app::App;
use crate::gateway::encode;
use crate::problem::Problem;

/// Raw bytes of entries in one frame; a third more as text.
const FRAME_ENTRY_BYTES: usize = 150 * 1024;

/// What was appended from `from` on, and who came and went with it.
pub async fn appended(app: &App, room: &RoomId, from: u64, entries: &[B64], moves: &Moves) {
    let whole = if moves.added.is_empty() {
        Vec::new()
    } else {
        from_the_beginning(app, room, from, entries).await
    };
    for (user, until) in &moves.removed {
        let upto = usize::try_from(until.saturating_sub(from))
            .unwrap_or(usize::MAX)
            .saturating_add(1)
            .min(entries.len());
        for frame in frames(room, from, entries.get(..upto).unwrap_or(entries)) {
            app.hub.tell(user, &frame);
        }
        app.hub.leave_room(user, *room);
    }
    // Before anybody is put in: they get the log from its beginning instead.
    for frame in frames(room, from, entries) {
        app.hub.tell_room(room, &frame);
    }
    let first_page = frames(room, 0, whole.get(..MAX_LOG_PAGE as usize).unwrap_or(&whole));
    for user in &moves.added {
        app.hub.join_room(user, *room);
        for frame in &first_page {
            app.hub.tell(user, frame);
        }
    }
}

/// For those who are new. Should the database fail just now, they are in the room all the same, and fetch the log when
/// they next hear of it.
async fn from_the_beginning(app: &App, room: &RoomId, from: u64, entries: &[B64]) -> Vec<B64> {
    if from == 0 {
        return entries.to_vec();
    }
    let upto = from + entries.len() as u64 - 1;
    super::read::entries(app.db.read(), room, 0, upto)
        .await
        .unwrap_or_else(|problem: Problem| {
            problem.log();
            Vec::new()
        })
}

/// To those wraps are for, once each.
pub fn wrapped(app: &App, room: &RoomId, people: &BTreeSet<UserId>) {
    let frame = encode(&FromRelay::Wraps { room_id: *room });
    for user in people {
        app.hub.tell(user, &frame);
    }
}

fn frames(room: &RoomId, from: u64, entries: &[B64]) -> Vec<axum::extract::ws::Utf8Bytes> {
    let mut frames = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, entry) in entries.iter().enumerate() {
        bytes += entry.0.len();
        let is_last = index + 1 == entries.len();
        if is_last || bytes + entries.get(index + 1).map_or(0, |next| next.0.len()) > FRAME_ENTRY_BYTES {
            let part = entries.get(start..=index).unwrap_or_default().to_vec();
            frames.push(encode(&FromRelay::Log {
                room_id: *room,
                from_seq: from + start as u64,
                entries: part,
            }));
            (start, bytes) = (index + 1, 0);
        }
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_cut_into_frames_without_a_gap() {
        let room = RoomId::from_bytes([1; 32]);
        let entries: Vec<B64> = (0..10).map(|_| B64(vec![0; 60_000])).collect();
        let mut next = 5;
        for frame in frames(&room, 5, &entries) {
            let FromRelay::Log { from_seq, entries, .. } = serde_json::from_str(frame.as_str()).unwrap() else {
                unreachable!()
            };
            assert_eq!(from_seq, next);
            assert!(frame.len() < sotto_shared::api::limits::MAX_FRAME_BYTES);
            next += entries.len() as u64;
        }
        assert_eq!(next, 15);
        assert!(frames(&room, 0, &[]).is_empty());
    }
}
