//! What people may do in a room: the three roles that every room knows, and those that a space makes for itself.
//!
//! A role has a rank and rights. Nobody does anything to whoever has no lower rank, and nobody gives a right that they do
//! not have. What a role was at an earlier entry is kept, since messages are judged by the log that their author knew.

use std::collections::BTreeMap;

use super::LogError;
use super::room_log::RoomState;
use crate::codec::{Bytes, Codec, DecodeError, Reader};
use crate::id::UserId;

/// Roles that a space may have beside the built-in ones.
pub const MAX_ROLES: usize = 64;

/// The number of a role that a space has made: 16 to 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomRole(u8);

impl CustomRole {
    pub const FIRST: Self = Self(16);

    pub const fn new(number: u8) -> Option<Self> {
        if number >= Self::FIRST.0 {
            Some(Self(number))
        } else {
            None
        }
    }

    pub const fn number(self) -> u8 {
        self.0
    }
}

impl Codec for CustomRole {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::new(u8::decode(input)?).ok_or(DecodeError::UnknownTag)
    }
}

/// What somebody is in a room. One `u8`: 1, 2, 3, or the number of a role of the space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Member,
    Moderator,
    Owner,
    Custom(CustomRole),
}

impl Role {
    pub const BUILT_IN: [Self; 3] = [Self::Member, Self::Moderator, Self::Owner];

    pub const fn number(self) -> u8 {
        match self {
            Self::Member => 1,
            Self::Moderator => 2,
            Self::Owner => 3,
            Self::Custom(role) => role.0,
        }
    }

    pub const fn from_number(number: u8) -> Option<Self> {
        match (number, CustomRole::new(number)) {
            (1, _) => Some(Self::Member),
            (2, _) => Some(Self::Moderator),
            (3, _) => Some(Self::Owner),
            (_, Some(role)) => Some(Self::Custom(role)),
            _ => None,
        }
    }

    /// Rank and rights of one of the three that every room has.
    const fn built_in(self) -> Option<Standing> {
        match self {
            Self::Member => Some(Standing::new(10, Rights::of(&[Permission::Post, Permission::Invite]))),
            Self::Moderator => Some(Standing::new(50, Rights::ALL.without(Permission::SetRole))),
            Self::Owner => Some(Standing::new(100, Rights::ALL)),
            Self::Custom(_) => None,
        }
    }
}

impl Codec for Role {
    fn encode(&self, out: &mut Vec<u8>) {
        self.number().encode(out);
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_number(u8::decode(input)?).ok_or(DecodeError::UnknownTag)
    }
}

/// What a role allows. The number is that of its bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    Invite = 0,
    Kick = 1,
    Ban = 2,
    SetRole = 3,
    /// Name and description of the room; in a space also to write in its announcement channels.
    Meta = 4,
    /// Make, change, archive and arrange channels.
    Channel = 5,
    Redact = 6,
    Post = 7,
    Pin = 8,
    /// Call everybody by one mention.
    Call = 9,
}

impl Permission {
    pub const ALL: [Self; 10] = [
        Self::Invite,
        Self::Kick,
        Self::Ban,
        Self::SetRole,
        Self::Meta,
        Self::Channel,
        Self::Redact,
        Self::Post,
        Self::Pin,
        Self::Call,
    ];
}

/// A set of permissions: one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights(u16);

impl Rights {
    pub const NONE: Self = Self(0);
    pub const ALL: Self = Self((1 << Permission::ALL.len()) - 1);

    pub const fn of(permissions: &[Permission]) -> Self {
        let (mut bits, mut rest) = (0, permissions);
        while let [first, others @ ..] = rest {
            bits |= 1 << *first as u16;
            rest = others;
        }
        Self(bits)
    }

    pub const fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u16) != 0
    }

    pub const fn without(self, permission: Permission) -> Self {
        Self(self.0 & !(1 << permission as u16))
    }

    /// Those of `self` that are not in `other`.
    pub const fn beyond(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub const fn is_within(self, other: Self) -> bool {
        self.beyond(other).0 == 0
    }

    pub const fn bits(self) -> u16 {
        self.0
    }

    pub const fn from_bits(bits: u16) -> Option<Self> {
        if bits & !Self::ALL.0 == 0 {
            Some(Self(bits))
        } else {
            None
        }
    }
}

impl Codec for Rights {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
    /// A bit that this version does not know is refused: whoever reads it as nothing would judge by other rules.
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_bits(u16::decode(input)?).ok_or(DecodeError::UnknownTag)
    }
}

/// Rank and rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub rank: u8,
    pub rights: Rights,
}

impl Standing {
    pub const fn new(rank: u8, rights: Rights) -> Self {
        Self { rank, rights }
    }
}

/// A role of a space as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDef {
    pub standing: Standing,
    /// The epoch whose key opens the name.
    pub n: u32,
    pub sealed: Bytes<1024>,
}

/// The roles of a space, who had which, and what they were.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    pub custom: BTreeMap<CustomRole, RoleDef>,
    /// From which entry on a role stood so; `None`: it was dropped.
    stood: BTreeMap<CustomRole, Vec<(u64, Option<Standing>)>>,
    /// From which entry on somebody had a role.
    held: BTreeMap<UserId, Vec<(u64, Role)>>,
}

impl Roles {
    /// `None` for a role that there is not.
    pub fn standing(&self, role: Role) -> Option<Standing> {
        match role {
            Role::Custom(custom) => self.custom.get(&custom).map(|def| def.standing),
            built_in => built_in.built_in(),
        }
    }

    pub fn note_held(&mut self, user: &UserId, role: Role, seq: u64) {
        self.held.entry(*user).or_default().push((seq, role));
    }

    /// Among the entries from `from` to `to`, those at which [`Self::rights_at`] may change. What lies outside is not
    /// walked through: a log grows for ever, and this is asked for every message.
    pub fn changes_of(&self, user: &UserId, from: u64, to: u64) -> impl Iterator<Item = u64> {
        let all = self.held.get(user).map_or(&[][..], Vec::as_slice);
        // With the role that they came with.
        let first = all.partition_point(|(seq, _)| *seq <= from).saturating_sub(1);
        let upto = all.partition_point(|(seq, _)| *seq <= to);
        let held = all.get(first..upto).unwrap_or_default();
        let defined = held.iter().enumerate().flat_map(move |(index, (since, role))| {
            let until = held.get(index + 1).map_or(to, |(next, _)| *next);
            let stood = match role {
                Role::Custom(custom) => self.stood.get(custom).map_or(&[][..], Vec::as_slice),
                _ => &[],
            };
            within(stood, from.max(*since), until)
        });
        let defined = defined.map(|(seq, _)| *seq);
        within(held, from, to).iter().map(|(seq, _)| *seq).chain(defined)
    }

    /// What somebody might do after entry `seq`, if they were a member then.
    pub fn rights_at(&self, user: &UserId, seq: u64) -> Rights {
        let Some(role) = self.held.get(user).and_then(|held| at(held, seq)) else {
            return Rights::NONE;
        };
        let standing = match role {
            Role::Custom(custom) => self.stood.get(&custom).and_then(|stood| at(stood, seq)).flatten(),
            built_in => built_in.built_in(),
        };
        standing.map_or(Rights::NONE, |standing| standing.rights)
    }
}

/// The value that held after entry `seq`.
pub(super) fn at<T: Copy>(history: &[(u64, T)], seq: u64) -> Option<T> {
    let upto = history.partition_point(|(from, _)| *from <= seq);
    history.get(upto.checked_sub(1)?).map(|(_, value)| *value)
}

/// What changed at the entries from `from` to `to`.
pub(super) fn within<T>(history: &[(u64, T)], from: u64, to: u64) -> &[(u64, T)] {
    let before = history.partition_point(|(seq, _)| *seq < from);
    let upto = history.partition_point(|(seq, _)| *seq <= to);
    history.get(before..upto).unwrap_or_default()
}

impl RoomState {
    /// How a member stands now. Nothing for whoever is none.
    pub fn standing_of(&self, user: &UserId) -> Option<Standing> {
        self.roles.standing(self.members.get(user)?.role)
    }

    /// Whether a member may do this now.
    pub fn allows(&self, user: &UserId, permission: Permission) -> bool {
        self.standing_of(user)
            .is_some_and(|standing| standing.rights.has(permission))
    }

    /// Whether `user` is a member of higher rank than `other`, who is one too.
    pub fn outranks(&self, user: &UserId, other: &UserId) -> bool {
        let (own, theirs) = (self.standing_of(user), self.standing_of(other));
        own.zip(theirs).is_some_and(|(own, theirs)| own.rank > theirs.rank)
    }

    /// The same of somebody who has gone, by what they were; none of who is here, or is banned already.
    pub fn outranks_gone(&self, user: &UserId, other: &UserId) -> Option<bool> {
        let former = self.former.get(other).filter(|former| !former.banned)?;
        let is_here = self.members.contains_key(other);
        let own = self.standing_of(user).map_or(0, |standing| standing.rank);
        (!is_here).then_some(former.rank < own)
    }

    pub(super) fn define_role(
        &mut self,
        own: Standing,
        role: CustomRole,
        def: RoleDef,
        seq: u64,
    ) -> Result<(), LogError> {
        self.is_space()?;
        let before = self.roles.custom.get(&role).map(|before| before.standing);
        if before.is_none() && self.roles.custom.len() >= MAX_ROLES {
            return Err(LogError::TooMany);
        }
        let given = def
            .standing
            .rights
            .beyond(before.map_or(Rights::NONE, |before| before.rights));
        let is_below =
            (1..own.rank.min(100)).contains(&def.standing.rank) && before.is_none_or(|before| before.rank < own.rank);
        if !own.rights.has(Permission::SetRole) || !is_below || !given.is_within(own.rights) {
            return Err(LogError::NotAllowed);
        }
        self.is_newest(def.n)?;
        self.roles
            .stood
            .entry(role)
            .or_default()
            .push((seq, Some(def.standing)));
        self.roles.custom.insert(role, def);
        Ok(())
    }

    /// A role that nobody has. The invites that give it are taken back, whether they are open by anybody's clock or not: its
    /// number may be that of another role later, one that may do more.
    pub(super) fn drop_role(&mut self, own: Standing, role: CustomRole, seq: u64) -> Result<(), LogError> {
        self.is_space()?;
        let there = self.roles.custom.get(&role).ok_or(LogError::NoSuchTarget)?;
        if !own.rights.has(Permission::SetRole) || there.standing.rank >= own.rank {
            return Err(LogError::NotAllowed);
        }
        let role_of = Role::Custom(role);
        if self.members.values().any(|member| member.role == role_of) {
            return Err(LogError::InUse);
        }
        for invite in self.invites.values_mut().filter(|invite| invite.role == role_of) {
            invite.revoked = true;
        }
        self.roles.custom.remove(&role);
        self.roles.stood.entry(role).or_default().push((seq, None));
        Ok(())
    }

    /// Whether whoever stands so may give this role: it is lower than theirs, and has no right that they lack, but for what
    /// every member may.
    pub fn may_give(&self, own: Standing, role: Role) -> bool {
        self.roles
            .standing(role)
            .is_some_and(|given| given.rank < own.rank && (role == Role::Member || given.rights.is_within(own.rights)))
    }

    /// Whether whoever stands so may bring people in as `role`: everybody as members, and as what they may give.
    pub(super) fn may_bring_in(&self, own: Standing, role: Role) -> bool {
        own.rights.has(Permission::Invite) && (role == Role::Member || self.may_give(own, role))
    }

    /// Roles beyond the three are there in spaces alone, and only as long as they are defined.
    pub(super) fn set_role(&mut self, actor: &UserId, user: &UserId, new: Role, seq: u64) -> Result<(), LogError> {
        let own = self.standing_of(actor).ok_or(LogError::NotMember)?;
        if !own.rights.has(Permission::SetRole) {
            return Err(LogError::NotAllowed);
        }
        self.roles.standing(new).ok_or(LogError::NoSuchTarget)?;
        let is_owner = self.members.get(actor).is_some_and(|member| member.role == Role::Owner);
        let target = self.standing_of(user).ok_or(LogError::NoSuchTarget)?;
        let steps_down = user == actor;
        // An owner may make further owners, and may step down; nobody is taken down by an equal.
        if !steps_down && target.rank >= own.rank || !(is_owner || self.may_give(own, new)) {
            return Err(LogError::NotAllowed);
        }
        if steps_down && new != Role::Owner {
            self.keeps_an_owner_without(user)?;
        }
        if let Some(member) = self.members.get_mut(user) {
            member.role = new;
        }
        self.roles.note_held(user, new, seq);
        Ok(())
    }
}
