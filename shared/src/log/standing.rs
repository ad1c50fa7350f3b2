//! What has become of an invite, for whoever holds its link.

use serde::{Deserialize, Serialize};

use super::room_log::{Invite, RoomState};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InviteStanding {
    /// It lets in one more.
    Open,
    UsedUp,
    Expired,
    Revoked,
    /// Its maker left or may not invite any more, or the room is closed.
    Void,
}

impl InviteStanding {
    /// What somebody did comes before what happened by itself.
    pub fn of(state: &RoomState, invite: &Invite, now_ms: u64) -> Self {
        if invite.revoked {
            Self::Revoked
        } else if state.closed || !state.maker_stands(invite) {
            Self::Void
        } else if now_ms > invite.expires {
            Self::Expired
        } else if invite.uses >= invite.max_uses {
            Self::UsedUp
        } else {
            Self::Open
        }
    }
}
