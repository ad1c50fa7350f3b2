//! Spaces that test people act in: roles, channels, and the keys of private ones.

use super::FixedRng;
use super::people::{Person, TestRoom};
use crate::codec::{Bytes, List};
use crate::crypto::epoch::{self, Named, Scope, channel_secret, seal_named};
use crate::crypto::kem;
use crate::crypto::secret::EpochSecret;
use crate::envelope::content::message_key;
use crate::id::{ChannelId, UserId};
use crate::log::LogError;
use crate::log::channels::ChannelKind;
use crate::log::roles::{CustomRole, Permission, Rights};
use crate::log::room_log::{EpochReason, Event, History, RoomBody, RoomKind, SUITE_1};

/// A channel's id that follows from its name.
pub fn channel(name: &str) -> ChannelId {
    let mut id = [0; 16];
    rand::Rng::fill_bytes(&mut FixedRng::new(&format!("{name}/channel")), &mut id);
    ChannelId::from_bytes(id)
}

/// The number of a role of a space.
pub fn custom(number: u8) -> CustomRole {
    CustomRole::new(number).unwrap()
}

impl TestRoom {
    /// A space of one with its first key.
    pub fn space(creator: &Person) -> Self {
        Self::space_with(creator, History::Shared)
    }

    pub fn space_with(creator: &Person, history: History) -> Self {
        let genesis = Self::genesis_of(creator, RoomKind::Space, &[], history);
        let mut space = Self::begin(creator, &genesis, &[creator]).unwrap();
        space.epoch(creator).unwrap();
        space
    }

    fn sealed(&self, what: Named, n: u32, secret: &EpochSecret, text: &str) -> Vec<u8> {
        let mut rng = FixedRng::new(&format!("{}/{text}/named", self.state.seq));
        seal_named(&mut rng, secret, &self.id(), what, n, text.as_bytes())
    }

    pub fn role_body(&self, number: u8, rank: u8, permissions: &[Permission], name: &str) -> RoomBody {
        let (role, n) = (custom(number), self.state.epoch_number());
        let sealed = self.sealed(Named::Role(role), n, &self.secret().unwrap(), name);
        RoomBody::DefineRole {
            role,
            rank,
            rights: Rights::of(permissions),
            n,
            sealed: Bytes::new(sealed).unwrap(),
        }
    }

    pub fn define(
        &mut self,
        by: &Person,
        number: u8,
        rank: u8,
        permissions: &[Permission],
        name: &str,
    ) -> Result<Event, LogError> {
        self.act(by, self.role_body(number, rank, permissions, name))
    }

    pub fn channel_body(&self, name: &str, kind: ChannelKind, members: &[&Person]) -> RoomBody {
        let is_private = kind == ChannelKind::Private;
        let n = if is_private { 1 } else { self.state.epoch_number() };
        let secret = if is_private {
            self.fresh_channel_secret(&channel(name), 1)
        } else {
            self.secret().unwrap()
        };
        let sealed = self.sealed(Named::Channel(channel(name)), n, &secret, name);
        RoomBody::CreateChannel {
            channel: channel(name),
            kind,
            members: List::new(members.iter().map(|person| person.id()).collect()).unwrap(),
            n,
            sealed: Bytes::new(sealed).unwrap(),
        }
    }

    pub fn public_channel(&mut self, by: &Person, name: &str) -> Result<Event, LogError> {
        self.act(by, self.channel_body(name, ChannelKind::Public, &[]))
    }

    pub fn announcements(&mut self, by: &Person, name: &str) -> Result<Event, LogError> {
        self.act(by, self.channel_body(name, ChannelKind::Announcement, &[]))
    }

    /// With its first key.
    pub fn private_channel(&mut self, by: &Person, name: &str, members: &[&Person]) -> Result<Event, LogError> {
        let event = self.act(by, self.channel_body(name, ChannelKind::Private, members))?;
        self.channel_epoch(by, name)?;
        Ok(event)
    }

    pub fn update_body(&self, name: &str, text: &str, archived: bool) -> RoomBody {
        let id = channel(name);
        let key = self.state.key_of(&id);
        let n = self.state.newest_of(&key);
        let secret = if key == ChannelId::MAIN {
            self.secret().unwrap()
        } else {
            self.channel_secret(&id, n)
        };
        let sealed = self.sealed(Named::Channel(id), n, &secret, text);
        RoomBody::UpdateChannel {
            channel: id,
            n,
            sealed: Bytes::new(sealed).unwrap(),
            archived,
        }
    }

    pub fn archive(&mut self, by: &Person, name: &str, archived: bool) -> Result<Event, LogError> {
        self.act(by, self.update_body(name, name, archived))
    }

    pub fn people_body(name: &str, add: &[&Person], remove: &[&Person]) -> RoomBody {
        let ids = |people: &[&Person]| -> List<UserId, 1000> {
            List::new(people.iter().map(|person| person.id()).collect()).unwrap()
        };
        RoomBody::ChannelMembers {
            channel: channel(name),
            add: ids(add),
            remove: ids(remove),
        }
    }

    pub fn arrange_body(&self, order: &str) -> RoomBody {
        let n = self.state.epoch_number();
        let sealed = self.sealed(Named::Order, n, &self.secret().unwrap(), order);
        RoomBody::ArrangeChannels {
            n,
            sealed: Bytes::new(sealed).unwrap(),
        }
    }

    fn fresh_channel_secret(&self, id: &ChannelId, n: u32) -> EpochSecret {
        let mut rng = FixedRng::new(&format!("{}/{id}/{n}/epoch", self.id()));
        EpochSecret::make(&mut rng)
    }

    /// The key of a private channel, as [`TestRoom::channel_epoch`] makes it.
    pub fn channel_secret(&self, id: &ChannelId, n: u32) -> EpochSecret {
        // The first stands in the name as well, before there is anything to mix: so none is mixed.
        self.fresh_channel_secret(id, n)
    }

    pub fn channel_epoch_body(&self, name: &str) -> RoomBody {
        let id = channel(name);
        let n = self.state.newest_of(&id) + 1;
        let scope = Scope::new(self.id(), id);
        let secret = self.channel_secret(&id, n);
        let roster_hash = self.state.roster_hash_of(&id);
        let mut rng = FixedRng::new(&format!("{}/{n}/back", self.id()));
        let backlink = if n > 1 && self.state.policy.history == History::Shared {
            epoch::seal_backlink(&mut rng, &secret, scope, n, &self.channel_secret(&id, n - 1))
        } else {
            Vec::new()
        };
        RoomBody::ChannelEpoch {
            channel: id,
            n,
            suite: SUITE_1,
            commit: epoch::commitment(&secret, scope, n, &self.state.head, &roster_hash),
            roster_hash,
            reason: EpochReason::First,
            backlink: Bytes::new(backlink).unwrap(),
        }
    }

    pub fn channel_epoch(&mut self, by: &Person, name: &str) -> Result<Event, LogError> {
        self.act(by, self.channel_epoch_body(name))
    }

    /// The newest key of a private channel, wrapped for one of its members.
    pub fn channel_wrap(&self, name: &str, who: &Person) -> (kem::WrapInfo, kem::Wrapped) {
        let id = channel(name);
        let epoch = self.state.epochs_of(&id).last().unwrap();
        let member = &self.state.members[&who.id()];
        let info = kem::WrapInfo {
            room_id: self.id(),
            channel: id,
            n: epoch.n,
            user_id: who.id(),
            g: member.view.kem_g,
            commit: epoch.commit,
        };
        let mut rng = FixedRng::new(&format!("{}/{id}/{}/{}/wrap", self.id(), epoch.n, who.name));
        let secret = self.channel_secret(&id, epoch.n);
        let wrapped = kem::wrap(&mut rng, &member.view.kk, &info.info(), secret.expose()).unwrap();
        (info, wrapped)
    }

    /// The key of a channel's messages under its newest epoch.
    pub fn channel_message_key(&self, name: &str) -> Vec<u8> {
        let id = channel(name);
        let root = match self.state.key_of(&id) {
            ChannelId::MAIN => channel_secret(&self.secret().unwrap(), &id),
            key => self.channel_secret(&id, self.state.newest_of(&key)),
        };
        message_key(&root, &self.id(), &id).expose().to_vec()
    }
}
