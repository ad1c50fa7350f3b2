//! What a role allows, in plain words.

use crate::view::{Rights, RoleInfo};

/// One thing that a role may allow.
pub struct Right {
    pub says: &'static str,
    pub hint: &'static str,
    pub has: fn(&Rights) -> bool,
    pub set: fn(&mut Rights, bool),
}

pub const ALL: [Right; 10] = [
    Right {
        says: "Write messages",
        hint: "And react to those of others. Without it, they only read.",
        has: |rights| rights.post,
        set: |rights, on| rights.post = on,
    },
    Right {
        says: "Bring people in",
        hint: "By handle and by invite, as members or as a lower role.",
        has: |rights| rights.invite,
        set: |rights, on| rights.invite = on,
    },
    Right {
        says: "Pin messages",
        hint: "For everybody who reads the channel.",
        has: |rights| rights.pin,
        set: |rights, on| rights.pin = on,
    },
    Right {
        says: "Call everybody",
        hint: "With one mention that reaches all who read the channel.",
        has: |rights| rights.everyone,
        set: |rights, on| rights.everyone = on,
    },
    Right {
        says: "Delete messages of others",
        hint: "For everybody. Who did it stands in their place.",
        has: |rights| rights.redact,
        set: |rights, on| rights.redact = on,
    },
    Right {
        says: "Remove people",
        hint: "Those of a lower rank. They may be brought in again.",
        has: |rights| rights.kick,
        set: |rights, on| rights.kick = on,
    },
    Right {
        says: "Ban people",
        hint: "Remove them and keep them out.",
        has: |rights| rights.ban,
        set: |rights, on| rights.ban = on,
    },
    Right {
        says: "Make and arrange channels",
        hint: "Also change, archive and order them.",
        has: |rights| rights.channel,
        set: |rights, on| rights.channel = on,
    },
    Right {
        says: "Speak for the space",
        hint: "Write in announcement channels, and give the space its name.",
        has: |rights| rights.meta,
        set: |rights, on| rights.meta = on,
    },
    Right {
        says: "Make and give roles",
        hint: "Below their own rank, with rights that they have themselves.",
        has: |rights| rights.role,
        set: |rights, on| rights.role = on,
    },
];

/// What a role allows, what weighs most first; it begins as a sentence does.
pub fn says(rights: &Rights) -> Vec<String> {
    let has = ALL.iter().rev().filter(|right| (right.has)(rights));
    has.enumerate()
        .map(|(at, right)| {
            if at == 0 {
                right.says.to_owned()
            } else {
                right.says.to_lowercase()
            }
        })
        .collect()
}

/// The number of each role that every space has.
pub const MEMBER: u8 = 1;
pub const MODERATOR: u8 = 2;
pub const OWNER: u8 = 3;

/// One of it.
pub fn role_name(role: &RoleInfo) -> String {
    match (role.id, role.name.as_str()) {
        (OWNER, _) => "Owner".into(),
        (MODERATOR, _) => "Moderator".into(),
        (MEMBER, _) => "Member".into(),
        (_, "") => "Name on the way".into(),
        (_, name) => name.into(),
    }
}

/// Those who have it, as a title.
pub fn role_title(role: &RoleInfo) -> String {
    match role.id {
        OWNER => "Owners".into(),
        MODERATOR => "Moderators".into(),
        MEMBER => "Members".into(),
        _ => role_name(role),
    }
}

/// Whether every right of one is a right of the other.
pub fn is_within(rights: &Rights, other: &Rights) -> bool {
    ALL.iter().all(|right| !(right.has)(rights) || (right.has)(other))
}

/// Whether somebody of this role may give that one: it is lower and allows nothing that they may not. An owner also makes
/// owners.
pub fn may_give(own: &RoleInfo, given: &RoleInfo) -> bool {
    own.rights.role && (own.id == OWNER || given.rank < own.rank && is_within(&given.rights, &own.rights))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(id: u8, rank: u8, rights: Rights) -> RoleInfo {
        RoleInfo {
            id,
            name: String::new(),
            rank,
            rights,
            members: 0,
            built_in: id < 16,
        }
    }

    #[test]
    fn every_right_is_switched_by_itself() {
        for (at, right) in ALL.iter().enumerate() {
            let mut rights = Rights::default();
            (right.set)(&mut rights, true);
            for (other, read) in ALL.iter().enumerate() {
                assert_eq!((read.has)(&rights), at == other, "{}", right.says);
            }
            (right.set)(&mut rights, false);
            assert_eq!(rights, Rights::default());
        }
    }

    #[test]
    fn a_role_is_given_from_above_and_with_no_more_than_one_has() {
        let give = Rights {
            role: true,
            pin: true,
            ..Rights::default()
        };
        let steward = role(16, 60, give);
        let pins = Rights {
            pin: true,
            ..Rights::default()
        };
        assert!(may_give(&steward, &role(17, 30, pins)));
        assert!(!may_give(&steward, &role(17, 60, pins)));
        let bans = Rights {
            ban: true,
            ..Rights::default()
        };
        assert!(!may_give(&steward, &role(17, 30, bans)));
        assert!(!may_give(&role(18, 90, pins), &role(17, 30, pins)));
        let owner = role(OWNER, 100, give);
        assert!(may_give(&owner, &role(OWNER, 100, bans)));
    }
}
