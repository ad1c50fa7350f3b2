//! Who may not write for a while, and how often one may write in a channel, by this relay's clock.
//!
//! What it took is remembered in memory alone: after a restart somebody may be a few messages early once.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::id::{ChannelId, RoomId, UserId};
use sotto_shared::log::moderation::Pace;
use sotto_shared::log::room_log::RoomState;

use super::Post;
use crate::app::App;

const MAX_REMEMBERED: usize = 50_000;

/// Of everybody who has written in a slow channel.
pub struct Paces(Mutex<LruCache<(RoomId, ChannelId, UserId), Pace>>);

impl Default for Paces {
    fn default() -> Self {
        let most = NonZeroUsize::new(MAX_REMEMBERED).unwrap_or(NonZeroUsize::MIN);
        Self(Mutex::new(LruCache::new(most)))
    }
}

/// Whether its author may say something now; with the seconds to wait where not.
pub fn may_speak_now(app: &App, state: &RoomState, post: &Post) -> Result<(), (ErrorCode, Option<u32>)> {
    let (user, channel, now_ms) = (&post.session.user_id, post.header.channel, app.now_ms());
    let wait = |secs: u32| (ErrorCode::TooFast, Some(secs));
    if let Some(time_out) = state.time_out(user, now_ms) {
        let secs = (time_out.until - now_ms).div_ceil(1000);
        return Err(wait(u32::try_from(secs).unwrap_or(u32::MAX)));
    }
    match state.slowed_at(user, &channel, state.seq) {
        0 => Ok(()),
        seconds => {
            let mut paces = app.paces.0.lock().unwrap_or_else(PoisonError::into_inner);
            let pace = paces.get_or_insert_mut((state.room_id, channel, *user), Pace::default);
            pace.take(seconds, now_ms).map_err(wait)
        }
    }
}
