//! Spaces: their roles and channels, what people want of them, and what the page is told.
//!
//! Names of channels and roles, and the order of channels, are sealed in the log; they are opened whenever log or keys
//! grow and kept in memory beside the room. A private channel's name is under its own key, so others see none.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sotto_shared::codec::{Bytes, List};
use sotto_shared::crypto::epoch::{Named, Scope, commitment, next_secret, open_named, seal_backlink, seal_named};
use sotto_shared::crypto::secret::EpochSecret;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{ChannelId, RoomId, UserId};
use sotto_shared::log::channels::{ChannelKind, MAX_NAMED};
use sotto_shared::log::roles::{CustomRole, Permission, Rights};
use sotto_shared::log::room_log::{EpochReason, History, Role, RoomBody, RoomKind};

use super::account::internal;
use super::epochs::wrap_for;
use super::intents::{Draft, Intent, What, check_name, tidy_name};
use super::rooms::Room;
use super::{Ctx, Effect, Engine, Out, people};
use crate::view::{self, Change, Chat, Heading, NewHeading, NewRole, Outcome, Problem, RoleInfo, Standing};

/// Text about a channel.
const MAX_HEADINGS: usize = 100;

/// What a channel's sealed description holds. JSON inside the seal, so that later versions can add to it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct ChannelMeta {
    pub name: String,
    #[serde(default)]
    pub topic: String,
    /// The heading it was made under, as long as the order does not say where it stands.
    #[serde(default)]
    pub heading: u16,
}

#[derive(Serialize, Deserialize)]
struct RoleMeta {
    name: String,
}

#[derive(Default, Serialize, Deserialize)]
struct Order {
    headings: Vec<OrderedHeading>,
}

#[derive(Serialize, Deserialize)]
struct OrderedHeading {
    id: u16,
    name: String,
    channels: Vec<ChannelId>,
}

/// What could be opened of a space's names.
#[derive(Default)]
pub(crate) struct Names {
    pub channels: BTreeMap<ChannelId, ChannelMeta>,
    roles: BTreeMap<CustomRole, String>,
    order: Order,
}

/// What is wanted of a space.
#[derive(Clone)]
pub(crate) enum SpaceAct {
    CreateChannel {
        id: ChannelId,
        kind: ChannelKind,
        meta: ChannelMeta,
        members: Vec<UserId>,
    },
    EditChannel {
        id: ChannelId,
        name: String,
        topic: String,
    },
    Archive {
        id: ChannelId,
        archived: bool,
    },
    People {
        id: ChannelId,
        add: Vec<UserId>,
        remove: Vec<UserId>,
    },
    Arrange(Vec<Heading>),
    /// A new role (`None`) or a changed one.
    Define {
        role: Option<CustomRole>,
        name: String,
        rank: u8,
        rights: Rights,
    },
    DropRole(CustomRole),
    /// A private channel's next key.
    Key(ChannelId),
}

/// JSON and zeros up to a multiple of 256, so that its length tells little.
fn padded(value: &impl Serialize) -> Vec<u8> {
    let mut plain = serde_json::to_vec(value).unwrap_or_default();
    let length = plain.len().next_multiple_of(256);
    plain.resize(length, 0);
    plain
}

fn unpadded<T: for<'de> Deserialize<'de>>(plain: &[u8]) -> Option<T> {
    let end = plain.iter().position(|byte| *byte == 0).unwrap_or(plain.len());
    serde_json::from_slice(plain.get(..end)?).ok()
}

fn check_topic(topic: &str) -> Result<String, Problem> {
    let topic = tidy_name(topic);
    if topic.len() > view::MAX_TOPIC_BYTES {
        return Err(Problem::TooLong {
            max: view::MAX_TOPIC_BYTES as u32,
        });
    }
    Ok(topic)
}

const fn kind(kind: view::ChannelKind) -> ChannelKind {
    match kind {
        view::ChannelKind::Public => ChannelKind::Public,
        view::ChannelKind::Private => ChannelKind::Private,
        view::ChannelKind::Announcement => ChannelKind::Announcement,
    }
}

pub(super) fn shown_rights(rights: Rights) -> view::Rights {
    let has = |permission| rights.has(permission);
    view::Rights {
        invite: has(Permission::Invite),
        kick: has(Permission::Kick),
        ban: has(Permission::Ban),
        role: has(Permission::SetRole),
        meta: has(Permission::Meta),
        channel: has(Permission::Channel),
        redact: has(Permission::Redact),
        post: has(Permission::Post),
        pin: has(Permission::Pin),
        everyone: has(Permission::Call),
    }
}

fn rights(shown: view::Rights) -> Rights {
    let all = [
        (shown.invite, Permission::Invite),
        (shown.kick, Permission::Kick),
        (shown.ban, Permission::Ban),
        (shown.role, Permission::SetRole),
        (shown.meta, Permission::Meta),
        (shown.channel, Permission::Channel),
        (shown.redact, Permission::Redact),
        (shown.post, Permission::Post),
        (shown.pin, Permission::Pin),
        (shown.everyone, Permission::Call),
    ];
    let given: Vec<Permission> = all.iter().filter(|(is, _)| *is).map(|(_, one)| *one).collect();
    Rights::of(&given)
}

impl Room {
    /// Opens what can be opened of the names of channels and roles.
    pub fn read_names(&mut self) {
        let (state, mut names) = (&self.state, Names::default());
        for (id, channel) in &state.channels {
            let meta = self.channel_called(id, channel.n, channel.sealed.as_slice());
            names.channels.extend(meta.map(|meta| (*id, meta)));
        }
        for (role, def) in &state.roles.custom {
            let name = self.role_called(*role, def.n, def.sealed.as_slice());
            names.roles.extend(name.map(|name| (*role, name)));
        }
        if let Some((n, sealed)) = &state.arrangement {
            let order = self.open_named(&ChannelId::MAIN, Named::Order, *n, sealed.as_slice());
            names.order = order.unwrap_or_default();
        }
        self.names = names;
    }

    fn open_named<T: for<'de> Deserialize<'de>>(
        &self,
        key: &ChannelId,
        what: Named,
        n: u32,
        sealed: &[u8],
    ) -> Option<T> {
        let secret = self.secrets(key)?.get(&n)?;
        let plain = open_named(secret, &self.state.room_id, what, n, sealed).ok()?;
        unpadded(&plain)
    }

    /// What an entry says of a channel, if its key is here.
    pub fn channel_called(&self, id: &ChannelId, n: u32, sealed: &[u8]) -> Option<ChannelMeta> {
        let meta: ChannelMeta = self.open_named(&self.state.key_of(id), Named::Channel(*id), n, sealed)?;
        Some(ChannelMeta {
            name: tidy_name(&meta.name),
            topic: tidy_name(&meta.topic),
            ..meta
        })
    }

    /// What an entry calls a role.
    pub fn role_called(&self, role: CustomRole, n: u32, sealed: &[u8]) -> Option<String> {
        let meta: RoleMeta = self.open_named(&ChannelId::MAIN, Named::Role(role), n, sealed)?;
        Some(tidy_name(&meta.name))
    }

    /// Headings in their order, each with the channels that this person reads, and those where `keeps` says so.
    fn headings(&self, me: &UserId, keeps: impl Fn(&ChannelId) -> bool) -> Vec<Heading> {
        let mut left: BTreeSet<ChannelId> = self.state.channels.keys().copied().collect();
        left.retain(|id| self.state.may_read(me, id) || keeps(id));
        let mut headings = vec![Heading {
            id: 0,
            name: String::new(),
            channels: Vec::new(),
        }];
        for ordered in self.names.order.headings.iter().take(MAX_HEADINGS) {
            let channels: Vec<ChannelId> = ordered.channels.iter().filter(|id| left.remove(id)).copied().collect();
            match headings.iter_mut().find(|heading| heading.id == ordered.id) {
                Some(heading) => heading.channels.extend(channels),
                None => headings.push(Heading {
                    id: ordered.id,
                    name: tidy_name(&ordered.name),
                    channels,
                }),
            }
        }
        // What the order does not know yet, in the order in which it was made.
        let mut rest: Vec<ChannelId> = left.into_iter().collect();
        rest.sort_by_key(|id| self.state.channels.get(id).map(|channel| channel.since));
        for id in rest {
            let under = self.names.channels.get(&id).map_or(0, |meta| meta.heading);
            let at = headings.iter().position(|heading| heading.id == under).unwrap_or(0);
            if let Some(heading) = headings.get_mut(at) {
                heading.channels.push(id);
            }
        }
        headings
    }

    fn role_infos(&self) -> Vec<RoleInfo> {
        let custom = self.state.roles.custom.keys().map(|role| Role::Custom(*role));
        let all = Role::BUILT_IN.into_iter().chain(custom);
        let mut infos: Vec<RoleInfo> = all
            .filter_map(|role| {
                let standing = self.state.roles.standing(role)?;
                let name = match role {
                    Role::Custom(custom) => self.names.roles.get(&custom).cloned(),
                    _ => None,
                };
                Some(RoleInfo {
                    id: role.number(),
                    name: name.unwrap_or_default(),
                    rank: standing.rank,
                    rights: shown_rights(standing.rights),
                    members: self.state.members.values().filter(|member| member.role == role).count() as u32,
                    built_in: !matches!(role, Role::Custom(_)),
                })
            })
            .collect();
        infos.sort_by_key(|info| (std::cmp::Reverse(info.rank), info.id));
        infos
    }

    /// What the page is told of one of its channels.
    pub fn channel_info(&self, id: &ChannelId, me: &UserId) -> Option<(String, view::ChannelInfo)> {
        let channel = self.state.channels.get(id)?;
        let meta = self.names.channels.get(id).cloned().unwrap_or_default();
        let info = view::ChannelInfo {
            kind: match channel.kind {
                ChannelKind::Public => view::ChannelKind::Public,
                ChannelKind::Private => view::ChannelKind::Private,
                ChannelKind::Announcement => view::ChannelKind::Announcement,
            },
            topic: meta.topic,
            archived: channel.archived,
            may_write: self.state.lets_write(me, id),
        };
        Some((meta.name, info))
    }
}

impl<S: Suite> Engine<S> {
    pub(super) fn show_space(&self, id: RoomId, out: &mut Out<S::DeviceKey>) {
        let (Some(room), Some(me)) = (self.rooms.get(&id), self.my_id()) else {
            return;
        };
        if room.state.kind != RoomKind::Space {
            return;
        }
        let standing = self.room_standing(room);
        if standing == Standing::Left {
            out.push(Effect::Show(Change::SpaceGone(id)));
            return;
        }
        let mine = room.state.members.get(&me).map(|member| member.role);
        let own = mine.and_then(|role| room.state.roles.standing(role));
        let unsent = |channel: &ChannelId| {
            let place = self.place(Chat {
                room: id,
                channel: *channel,
            });
            place.is_some_and(|place| !place.channel.outbox.is_empty())
        };
        out.push(Effect::Show(Change::Space(view::Space {
            id,
            name: room.title.clone(),
            mark: people::mark(id.as_bytes()),
            members: self.count_members(room),
            asking: room.state.requests.len() as u32,
            role: mine.unwrap_or(Role::Member).number(),
            rights: own.map_or_else(view::Rights::default, |own| shown_rights(own.rights)),
            standing,
            headings: room.headings(&me, unsent),
            roles: room.role_infos(),
        })));
        for (channel, there) in &room.state.channels {
            if there.kind == ChannelKind::Private && room.state.may_read(&me, channel) {
                out.push(Effect::Show(Change::ChannelMembers {
                    chat: Chat {
                        room: id,
                        channel: *channel,
                    },
                    users: there.members.iter().copied().collect(),
                }));
            }
        }
    }

    // --- Commands ------------------------------------------------------------------------------------------------------

    pub(super) async fn act_on_space(
        &mut self,
        command: u32,
        space: RoomId,
        act: SpaceAct,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        if self.open_room(space)?.state.kind != RoomKind::Space {
            return Err(Problem::NotAllowed);
        }
        self.intend(space, Intent::new(What::Space(act), Some(command)), ctx, out)
            .await;
        Ok(None)
    }

    pub(super) async fn create_space(
        &mut self,
        command: u32,
        name: &str,
        roles: &[NewRole],
        headings: &[NewHeading],
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let name = check_name(name)?;
        self.create(command, RoomKind::Space, &[], Some(&name), (roles, headings), ctx, out)
            .await?;
        Ok(None)
    }

    #[allow(clippy::too_many_arguments, reason = "what the command says")]
    pub(super) async fn create_channel(
        &mut self,
        command: u32,
        space: RoomId,
        (name, topic, heading): (&str, &str, u16),
        shown: view::ChannelKind,
        members: Vec<UserId>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let (name, topic) = (check_name(name)?, check_topic(topic)?);
        let act = SpaceAct::CreateChannel {
            id: new_channel(ctx),
            kind: kind(shown),
            meta: ChannelMeta { name, topic, heading },
            members,
        };
        self.act_on_space(command, space, act, ctx, out).await
    }

    pub(super) async fn edit_channel(
        &mut self,
        command: u32,
        chat: Chat,
        (name, topic): (&str, &str),
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let act = SpaceAct::EditChannel {
            id: chat.channel,
            name: check_name(name)?,
            topic: check_topic(topic)?,
        };
        self.act_on_space(command, chat.room, act, ctx, out).await
    }

    pub(super) async fn arrange(
        &mut self,
        command: u32,
        space: RoomId,
        mut headings: Vec<Heading>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        if headings.len() > MAX_HEADINGS {
            return Err(Problem::TooMany);
        }
        for heading in headings.iter_mut().filter(|heading| heading.id != 0) {
            heading.name = check_name(&heading.name)?;
        }
        self.act_on_space(command, space, SpaceAct::Arrange(headings), ctx, out)
            .await
    }

    pub(super) async fn define_role(
        &mut self,
        command: u32,
        space: RoomId,
        number: Option<u8>,
        new: NewRole,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let state = &self.open_room(space)?.state;
        let taken = |role: &CustomRole| state.roles.custom.contains_key(role);
        let known = |number| CustomRole::new(number).filter(taken).ok_or(Problem::NotAllowed);
        let act = SpaceAct::Define {
            role: number.map(known).transpose()?,
            name: check_name(&new.name)?,
            rank: new.rank,
            rights: rights(new.rights),
        };
        self.act_on_space(command, space, act, ctx, out).await
    }

    pub(super) async fn drop_role(
        &mut self,
        command: u32,
        space: RoomId,
        number: u8,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let role = CustomRole::new(number).ok_or(Problem::NotAllowed)?;
        self.act_on_space(command, space, SpaceAct::DropRole(role), ctx, out)
            .await
    }

    /// Everything a new space begins with, behind its genesis: one request.
    pub(super) async fn write_space(
        &self,
        draft: &mut Draft,
        roles: &[NewRole],
        headings: &[NewHeading],
        ctx: &mut Ctx<'_, S>,
    ) -> Result<(), Problem> {
        for new in roles {
            let act = SpaceAct::Define {
                role: None,
                name: check_name(&new.name)?,
                rank: new.rank,
                rights: rights(new.rights),
            };
            self.write_space_act(draft, None, &act, ctx).await?;
        }
        let (mut order, mut number) = (Vec::with_capacity(headings.len()), 0);
        for new in headings {
            let mut name = tidy_name(&new.name);
            let id = if name.is_empty() { 0 } else { number + 1 };
            if id != 0 {
                name = check_name(&name)?;
            }
            number = number.max(id);
            let mut channels = Vec::with_capacity(new.channels.len());
            for channel in &new.channels {
                let act = SpaceAct::CreateChannel {
                    id: new_channel(ctx),
                    kind: kind(channel.kind),
                    meta: ChannelMeta {
                        name: check_name(&channel.name)?,
                        topic: check_topic(&channel.topic)?,
                        heading: id,
                    },
                    members: Vec::new(),
                };
                if let SpaceAct::CreateChannel { id, .. } = &act {
                    channels.push(*id);
                }
                self.write_space_act(draft, None, &act, ctx).await?;
            }
            order.push(Heading { id, name, channels });
        }
        if order.is_empty() {
            return Ok(());
        }
        self.write_space_act(draft, None, &SpaceAct::Arrange(order), ctx).await
    }

    // --- Entries -------------------------------------------------------------------------------------------------------

    /// The entries that do it. `room`: what is known of the space, unless it is only being made.
    pub(super) async fn write_space_act(
        &self,
        draft: &mut Draft,
        room: Option<&Room>,
        act: &SpaceAct,
        ctx: &mut Ctx<'_, S>,
    ) -> Result<(), Problem> {
        let n = draft.state.epoch_number();
        match act {
            SpaceAct::CreateChannel {
                id,
                kind,
                meta,
                members,
            } => {
                if *kind == ChannelKind::Private {
                    return self.write_private_channel(draft, *id, meta, members, ctx).await;
                }
                let sealed = seal(
                    draft,
                    room,
                    &ChannelId::MAIN,
                    Named::Channel(*id),
                    n,
                    &padded(meta),
                    ctx,
                )?;
                let body = RoomBody::CreateChannel {
                    channel: *id,
                    kind: *kind,
                    members: List::default(),
                    n,
                    sealed: Bytes::new(sealed).map_err(internal)?,
                };
                self.write(draft, body, ctx).await
            }
            SpaceAct::EditChannel { id, .. } | SpaceAct::Archive { id, .. } => {
                let there = draft.state.channels.get(id).ok_or(Problem::NotAllowed)?;
                let mut archived = there.archived;
                let known = room.and_then(|room| room.names.channels.get(id));
                let mut meta = known.cloned().ok_or(Problem::RoomClosed)?;
                match act {
                    SpaceAct::EditChannel { name, topic, .. } => {
                        (meta.name, meta.topic) = (name.clone(), topic.clone())
                    }
                    SpaceAct::Archive { archived: now, .. } => archived = *now,
                    _ => {}
                }
                let key = draft.state.key_of(id);
                if key != ChannelId::MAIN && draft.state.rotation_due_of(&key) {
                    // Whoever left still has the key, and the log.
                    self.write_channel_key(draft, room, *id, ctx).await?;
                }
                let n = draft.state.newest_of(&key);
                let sealed = seal(draft, room, &key, Named::Channel(*id), n, &padded(&meta), ctx)?;
                let body = RoomBody::UpdateChannel {
                    channel: *id,
                    n,
                    sealed: Bytes::new(sealed).map_err(internal)?,
                    archived,
                };
                self.write(draft, body, ctx).await
            }
            SpaceAct::People { id, add, remove } => {
                let list = |users: &[UserId]| List::<UserId, MAX_NAMED>::new(users.to_vec()).map_err(internal);
                let body = RoomBody::ChannelMembers {
                    channel: *id,
                    add: list(add)?,
                    remove: list(remove)?,
                };
                self.can_be_let_in(add)?;
                self.write(draft, body, ctx).await?;
                let me = self.my_id().ok_or(Problem::SignedOut)?;
                if !draft.state.may_read(&me, id) {
                    // Whoever stays changes the key.
                    return Ok(());
                }
                if draft.state.rotation_due_of(id) {
                    return self.write_channel_key(draft, room, *id, ctx).await;
                }
                let n = draft.state.newest_of(id);
                let secret = room
                    .and_then(|room| room.secrets(id)?.get(&n))
                    .ok_or(Problem::RoomClosed)?;
                let wraps = wrap_for(&draft.state, id, add, secret, ctx).await?;
                draft.wraps.extend(wraps);
                Ok(())
            }
            SpaceAct::Arrange(headings) => {
                let ordered = headings.iter().map(|heading| OrderedHeading {
                    id: heading.id,
                    name: heading.name.clone(),
                    channels: heading.channels.clone(),
                });
                let order = Order {
                    headings: ordered.collect(),
                };
                let sealed = seal(draft, room, &ChannelId::MAIN, Named::Order, n, &padded(&order), ctx)?;
                let sealed = Bytes::new(sealed).map_err(internal)?;
                self.write(draft, RoomBody::ArrangeChannels { n, sealed }, ctx).await
            }
            SpaceAct::Define {
                role,
                name,
                rank,
                rights,
            } => {
                // A new one has the first number that is free by now: others may have been made since it was asked for.
                let numbers = || (CustomRole::FIRST.number()..=u8::MAX).filter_map(CustomRole::new);
                let free = |role: &CustomRole| !draft.state.roles.custom.contains_key(role);
                let role = role.or_else(|| numbers().find(free)).ok_or(Problem::NotAllowed)?;
                let meta = RoleMeta { name: name.clone() };
                let sealed = seal(draft, room, &ChannelId::MAIN, Named::Role(role), n, &padded(&meta), ctx)?;
                let body = RoomBody::DefineRole {
                    role,
                    rank: *rank,
                    rights: *rights,
                    n,
                    sealed: Bytes::new(sealed).map_err(internal)?,
                };
                self.write(draft, body, ctx).await
            }
            SpaceAct::DropRole(role) => self.write(draft, RoomBody::DropRole { role: *role }, ctx).await,
            SpaceAct::Key(id) => {
                if !draft.state.rotation_due_of(id) {
                    return Ok(());
                }
                self.write_channel_key(draft, room, *id, ctx).await
            }
        }
    }

    /// The channel and its first key; its name is under that.
    async fn write_private_channel(
        &self,
        draft: &mut Draft,
        id: ChannelId,
        meta: &ChannelMeta,
        members: &[UserId],
        ctx: &mut Ctx<'_, S>,
    ) -> Result<(), Problem> {
        let me = self.my_id().ok_or(Problem::SignedOut)?;
        let mut all: Vec<UserId> = members.iter().copied().chain([me]).collect();
        all.sort_unstable();
        all.dedup();
        let secret = next_secret(None, &EpochSecret::make(ctx.rng));
        let what = Named::Channel(id);
        let sealed = seal_named(ctx.rng, &secret, &draft.state.room_id, what, 1, &padded(meta));
        let body = RoomBody::CreateChannel {
            channel: id,
            kind: ChannelKind::Private,
            members: List::new(all).map_err(internal)?,
            n: 1,
            sealed: Bytes::new(sealed).map_err(internal)?,
        };
        self.write(draft, body, ctx).await?;
        self.write_channel_epoch(draft, id, secret, None, EpochReason::First, ctx)
            .await
    }

    async fn write_channel_key(
        &self,
        draft: &mut Draft,
        room: Option<&Room>,
        id: ChannelId,
        ctx: &mut Ctx<'_, S>,
    ) -> Result<(), Problem> {
        let known = room.and_then(|room| room.secrets(&id)?.last_key_value());
        let previous = known.map(|(_, secret)| secret);
        if previous.is_none() && draft.state.newest_of(&id) > 0 {
            return Err(Problem::RoomClosed);
        }
        let secret = next_secret(previous, &EpochSecret::make(ctx.rng));
        self.write_channel_epoch(draft, id, secret, previous, EpochReason::KeysChanged, ctx)
            .await
    }

    async fn write_channel_epoch(
        &self,
        draft: &mut Draft,
        id: ChannelId,
        secret: EpochSecret,
        previous: Option<&EpochSecret>,
        reason: EpochReason,
        ctx: &mut Ctx<'_, S>,
    ) -> Result<(), Problem> {
        let n = draft.state.newest_of(&id) + 1;
        let scope = Scope::new(draft.state.room_id, id);
        let everyone: Vec<UserId> = draft.state.roster_of(&id).map(|(user, _)| *user).collect();
        self.can_be_let_in(&everyone)?;
        let roster_hash = draft.state.roster_hash_of(&id);
        let linked = match previous {
            Some(previous) if draft.state.policy.history == History::Shared => {
                seal_backlink(ctx.rng, &secret, scope, n, previous)
            }
            _ => Vec::new(),
        };
        let body = RoomBody::ChannelEpoch {
            channel: id,
            n,
            suite: draft.state.policy.suite,
            commit: commitment(&secret, scope, n, &draft.state.head, &roster_hash),
            roster_hash,
            reason,
            backlink: Bytes::new(linked).map_err(internal)?,
        };
        self.write(draft, body, ctx).await?;
        let wraps = wrap_for(&draft.state, &id, &everyone, &secret, ctx).await?;
        draft.wraps.extend(wraps);
        draft.channel_secrets.push((id, n, secret));
        Ok(())
    }
}

fn new_channel<S: Suite>(ctx: &mut Ctx<'_, S>) -> ChannelId {
    let mut id = [0; 16];
    ctx.rng.fill_bytes(&mut id);
    ChannelId::from_bytes(id)
}

/// Seals under epoch `n` of a key, which the draft brings or the room has.
fn seal<S: Suite>(
    draft: &Draft,
    room: Option<&Room>,
    key: &ChannelId,
    what: Named,
    n: u32,
    plain: &[u8],
    ctx: &mut Ctx<'_, S>,
) -> Result<Vec<u8>, Problem> {
    let made = draft
        .secret
        .as_ref()
        .filter(|(made, _)| *key == ChannelId::MAIN && *made == n);
    let made = made.map(|(_, secret)| secret);
    let of_channel = draft
        .channel_secrets
        .iter()
        .find(|(id, made, _)| id == key && *made == n);
    let known = || room.and_then(|room| room.secrets(key)?.get(&n));
    let secret = made.or(of_channel.map(|(.., secret)| secret)).or_else(known);
    let secret = secret.ok_or(Problem::RoomClosed)?;
    Ok(seal_named(ctx.rng, secret, &draft.state.room_id, what, n, plain))
}
