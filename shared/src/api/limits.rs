//! Sizes and counts both sides hold to. Bytes, items or seconds, as the name says.

pub const MIN_HANDLE_CHARS: usize = 3;
pub const MAX_HANDLE_CHARS: usize = 32;
/// Text of one message.
pub const MAX_TEXT_BYTES: usize = 32_768;
/// Earlier versions that a deletion names.
pub const MAX_EDITS: usize = 64;
/// People that one message calls by name.
pub const MAX_MENTIONS: usize = 64;
/// Messages that an account has put aside.
pub const MAX_SAVED: usize = 500;
/// Messages of a channel that are pinned.
pub const MAX_PINS: usize = 50;
pub const MAX_EMOJI_BYTES: usize = 64;
pub const MAX_QUESTION_BYTES: usize = 1024;
pub const MAX_OPTION_BYTES: usize = 256;
/// What a poll may be answered with; it asks with two of them at least.
pub const MAX_OPTIONS: usize = 12;
pub const MIN_OPTIONS: usize = 2;
/// How long messages of a room may live, if not for ever.
pub const MIN_TTL_SECS: u32 = 30;
pub const MAX_TTL_SECS: u32 = 366 * 24 * 3600;
/// How long somebody may be kept from writing.
pub const MAX_TIME_OUT_MS: u64 = 28 * 24 * 3600 * 1000;
/// How far ahead of a relay's clock that of somebody who makes a time-out or an invite may be: clocks are set to wrong zones.
pub const MAX_AHEAD_MS: u64 = 24 * 3600 * 1000;
/// Seconds between two texts of one person in a slow channel.
pub const MIN_SLOW_SECS: u32 = 5;
pub const MAX_SLOW_SECS: u32 = 6 * 3600;
/// Messages that a relay takes of one person in that time: it cannot tell a text from what is said about one.
pub const SLOW_BURST: usize = 5;
/// Words of a reason, before they are sealed.
pub const MAX_REASON_BYTES: usize = 600;
/// Messages that one report brings, with what they were changed to.
pub const MAX_REPORTED: usize = 40;
/// What its author says about them.
pub const MAX_REPORT_WORDS: usize = 4_096;
/// To whom one report goes.
pub const MAX_REPORT_READERS: usize = 64;
/// Reports of one room that wait for one person.
pub const MAX_OPEN_REPORTS: u64 = 200;
/// Reports of one room that nobody has settled, whomever they wait for.
pub const MAX_ROOM_REPORTS: u64 = 2_000;
/// Reports in one answer.
pub const MAX_REPORTS_PAGE: u64 = 20;
/// How long one that nobody settles is kept.
pub const REPORT_DAYS: u64 = 90;
/// A sealed picture of a person: all have this size.
pub const SEALED_PICTURE_BYTES: usize = 12_360;
pub const MAX_ROOM_NAME_BYTES: usize = 200;
/// Body of an ordinary request.
pub const MAX_BODY_BYTES: usize = 256 * 1024;
/// Body of a request that carries wraps for a whole room (2,000 members).
pub const MAX_WRAPS_BODY_BYTES: usize = 2 * 1024 * 1024;
pub const MAX_FRAME_BYTES: usize = 256 * 1024;
/// Envelopes in one `Send` frame.
pub const MAX_SEND_BATCH: usize = 32;
pub const MAX_KEY_REQUEST_BYTES: usize = 512;
pub const MAX_PAGE: u32 = 200;
pub const MAX_LOG_PAGE: u32 = 500;
/// People whose logs one request asks for.
pub const MAX_USERS_ASKED: usize = 100;
/// No further log is put behind so many bytes of entries.
pub const FULL_LOGS_BYTES: usize = 512 * 1024;
pub const MAX_SLOTS_PAGE: u32 = 500;
/// Slots of a room, for each of its members; with one more the one goes that was written longest ago.
pub const SLOTS_PER_MEMBER: usize = 4;
pub const MAX_ROWS_PAGE: u32 = 100;
pub const MAX_VAULT_ITEM_BYTES: usize = 65_536;
pub const MAX_VAULT_ITEMS: usize = 4_096;
pub const MAX_PUTS: usize = 64;
pub const CHALLENGE_SECS: u64 = 60;
/// From the password on, whatever happens meanwhile: so it is typed, and an old KEM key changed, this often at least.
pub const SESSION_DAYS: u64 = 30;
/// How long an envelope under the epoch before the newest is still taken.
pub const OLD_EPOCH_GRACE_SECS: u64 = 120;
/// A client that hears nothing for this long reconnects; a relay that does, hangs up.
pub const HEARTBEAT_SECS: u64 = 25;

/// 3 to 32 of a–z, 0–9, `_` and `-`, beginning with a letter. One spelling, so no two handles look alike.
pub fn is_handle(text: &str) -> bool {
    let mut chars = text.bytes();
    (MIN_HANDLE_CHARS..=MAX_HANDLE_CHARS).contains(&text.len())
        && chars.next().is_some_and(|first| first.is_ascii_lowercase())
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_' || c == b'-')
}

/// What every guest's handle begins with, and nobody else's.
pub const GUEST_PREFIX: &str = "guest-";
/// Random letters behind it.
pub const GUEST_LETTERS: usize = 12;

/// Somebody who came by a link and chose neither a handle nor a password.
pub fn is_guest(handle: &str) -> bool {
    handle
        .strip_prefix(GUEST_PREFIX)
        .is_some_and(|rest| rest.len() == GUEST_LETTERS && rest.bytes().all(|c| c.is_ascii_lowercase()))
}

/// A handle that somebody may choose.
pub fn is_own_handle(text: &str) -> bool {
    is_handle(text) && !text.starts_with(GUEST_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As docs/protocol.md, section 11, and docs/api.md say.
    #[test]
    fn limits_are_those_that_are_documented() {
        assert_eq!((MIN_TTL_SECS, MAX_TTL_SECS), (30, 31_622_400));
        assert_eq!((MAX_BODY_BYTES, MAX_WRAPS_BODY_BYTES), (262_144, 2_097_152));
        assert_eq!(MAX_FRAME_BYTES, 262_144);
    }

    #[test]
    fn what_looks_like_a_guest_is_one_or_nobody() {
        assert!(is_guest("guest-abcdefghijkl") && is_handle("guest-abcdefghijkl"));
        for nobody in ["guest-", "guest-bob", "guest-abcdefghijk1", "guest-abcdefghijklm"] {
            assert!(!is_guest(nobody) && !is_own_handle(nobody), "{nobody}");
        }
        assert!(is_own_handle("guest") && is_own_handle("guestling") && !is_own_handle("Guest"));
    }

    #[test]
    fn handles_have_one_spelling() {
        for good in ["ada", "a-1", "x_______________________________"] {
            assert!(is_handle(good), "{good}");
        }
        for bad in [
            "",
            "ab",
            "Ada",
            "1ada",
            "ad a",
            "adä",
            "-ada",
            "a123456789012345678901234567890123",
        ] {
            assert!(!is_handle(bad), "{bad}");
        }
    }
}
