//! What people want of rooms: made of one or more log entries, appended by compare-and-swap.
//!
//! An intent is turned into entries against the newest state, sent, and, when somebody was faster, made again. Whatever
//! the state asks for before anything else may be said (a moved view, a new room key) goes in front of it.

use serde::{Deserialize, Serialize};
use sotto_shared::api::B64;
use sotto_shared::api::body::{RoomAppend, RoomCreate, RoomHead, UserFind, UserLogBody, Wrap};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::MAX_ROOM_NAME_BYTES;
use sotto_shared::codec::{Bytes, Codec, List};
use sotto_shared::crypto::epoch::{commitment, next_secret, seal_backlink, seal_meta};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::secret::EpochSecret;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{ChannelId, EnvelopeHash, Head, InviteId, RoomId, UserId};
use sotto_shared::log::room_log::{
    Cut, EpochReason, History, MAX_MEMBERS, Policy, Role, RoomBody, RoomEntry, RoomGenesis, RoomKind, RoomState,
    SUITE_1, room_id,
};

use super::account::{internal, tidy_handle};
use super::ask::{Failure, Pending, Request};
use super::chats::{Channel, Place};
use super::epochs::{is_old, wrap_for};
use super::moderation::{Deed, DeedBody};
use super::rooms::Room;
use super::spaces::SpaceAct;
use super::{Ctx, Effect, Engine, Out};
use crate::view::{Chat, NewHeading, NewRole, Outcome, Problem, Standing};
use sotto_shared::log::roles::Permission;

/// Times an append is made again because somebody was faster.
const MAX_TRIES: u32 = 12;

/// Something to be done to a room.
pub(crate) struct Intent {
    pub what: What,
    /// Who waits for it.
    pub command: Option<u32>,
    tries: u32,
    /// Secret of the epoch that the append under way brings, with its number.
    secret: Option<(u32, EpochSecret)>,
    /// The same of private channels.
    channel_secrets: Vec<(ChannelId, u32, EpochSecret)>,
    sent: Vec<SignedBlob>,
}

pub(crate) enum What {
    /// Make the room ready to be written to.
    Prepare,
    Space(SpaceAct),
    Add(Vec<UserId>),
    Remove(UserId),
    Leave,
    Rename(String),
    Invite(super::invites::Terms),
    Revoke(InviteId),
    Redact {
        target: Head,
        edits: Vec<Head>,
    },
    SetTtl(u32),
    Moderate(Deed),
    Pin {
        channel: ChannelId,
        target: EnvelopeHash,
        on: bool,
    },
}

impl Intent {
    pub const fn new(what: What, command: Option<u32>) -> Self {
        Self {
            what,
            command,
            tries: 0,
            secret: None,
            channel_secrets: Vec::new(),
            sent: Vec::new(),
        }
    }
}

/// A command that needs people found by their handles first.
pub(crate) struct Task {
    command: u32,
    goal: Goal,
    wanted: usize,
    found: Vec<UserId>,
}

enum Goal {
    Direct,
    Group { name: String },
    Add { room: RoomId },
}

/// A room that the relay is being told of.
pub(crate) struct Creation {
    command: u32,
    blobs: Vec<SignedBlob>,
    wraps: Vec<Wrap>,
    secret: EpochSecret,
    channel_secrets: Vec<(ChannelId, u32, EpochSecret)>,
}

/// What a room's sealed description holds. JSON inside the seal, so that later versions can add to it.
#[derive(Serialize, Deserialize)]
struct Meta {
    name: String,
}

pub(super) fn read_name(plain: &[u8]) -> String {
    let end = plain.iter().position(|byte| *byte == 0).unwrap_or(plain.len());
    serde_json::from_slice::<Meta>(&plain[..end])
        .map(|meta| tidy_name(&meta.name))
        .unwrap_or_default()
}

fn write_name(name: &str) -> Vec<u8> {
    let mut plain = serde_json::to_vec(&Meta { name: name.to_owned() }).unwrap_or_default();
    // One length for most names, so that it tells nothing.
    let padded = plain.len().next_multiple_of(256);
    plain.resize(padded, 0);
    plain
}

/// Names are one line of visible text: no line breaks, no characters that turn the text around.
pub(super) fn tidy_name(name: &str) -> String {
    let shown: String = name
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !is_invisible(*c))
        .collect();
    shown
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
        // Blanks that are no spaces, fillers, and tags.
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
        || matches!(c, '\u{e0000}'..='\u{e0fff}')
}

pub(super) fn check_name(name: &str) -> Result<String, Problem> {
    let name = tidy_name(name);
    if name.is_empty() {
        return Err(Problem::EmptyName);
    }
    if name.len() > MAX_ROOM_NAME_BYTES {
        return Err(Problem::TooLong {
            max: MAX_ROOM_NAME_BYTES as u32,
        });
    }
    Ok(name)
}

/// Entries being written against a state that moves along with them.
pub(super) struct Draft {
    pub state: RoomState,
    blobs: Vec<SignedBlob>,
    pub secret: Option<(u32, EpochSecret)>,
    pub channel_secrets: Vec<(ChannelId, u32, EpochSecret)>,
    pub wraps: Vec<Wrap>,
}

impl<S: Suite> Engine<S> {
    // --- Commands ------------------------------------------------------------------------------------------------------

    pub(super) async fn open_direct(
        &mut self,
        command: u32,
        handle: &str,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.look_for(command, &[handle.to_owned()], Goal::Direct, ctx, out)
            .await
    }

    pub(super) async fn create_group(
        &mut self,
        command: u32,
        name: &str,
        handles: &[String],
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let name = check_name(name)?;
        self.look_for(command, handles, Goal::Group { name }, ctx, out).await
    }

    pub(super) async fn add_people(
        &mut self,
        command: u32,
        room: RoomId,
        handles: &[String],
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.open_room(room)?;
        self.look_for(command, handles, Goal::Add { room }, ctx, out).await
    }

    async fn look_for(
        &mut self,
        command: u32,
        handles: &[String],
        goal: Goal,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let me = self.me()?.handle.clone();
        let mut tidy = handles
            .iter()
            .map(|handle| tidy_handle(handle))
            .collect::<Result<Vec<_>, _>>()?;
        tidy.sort_unstable();
        tidy.dedup();
        if tidy.contains(&me) {
            return Err(Problem::ThatIsYou);
        }
        if tidy.len() >= MAX_MEMBERS {
            return Err(Problem::TooManyPeople {
                max: MAX_MEMBERS as u32,
            });
        }
        let task = Task {
            command,
            goal,
            wanted: tidy.len(),
            found: Vec::new(),
        };
        if tidy.is_empty() {
            return self.people_found(task, ctx, out).await.map(|()| None);
        }
        self.tasks.insert(command, task);
        for handle in tidy {
            let request = Request::UserFind(UserFind { handle: handle.clone() });
            self.ask(request, Pending::FindFor { handle, task: command }, out);
        }
        Ok(None)
    }

    pub(super) async fn found_for(
        &mut self,
        command: u32,
        handle: String,
        result: Result<UserLogBody, Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        // The first problem ends the task.
        let Some(mut task) = self.tasks.remove(&command) else {
            return;
        };
        let learnt = match result {
            Ok(body) if body.handle == handle => {
                let user = body.user_id;
                self.learn_log_of(&body, ctx, out).await.map(|()| task.found.push(user))
            }
            Ok(_) => Err(Problem::ServerLied(format!("the keys of {handle}"))),
            Err(failure) if failure.is(ErrorCode::NotFound) => Err(Problem::UnknownHandle(handle)),
            Err(failure) => Err(failure.problem()),
        };
        let ended = match learnt {
            Err(problem) => Err(problem),
            Ok(()) if task.found.len() == task.wanted => self.people_found(task, ctx, out).await,
            Ok(()) => {
                self.tasks.insert(command, task);
                Ok(())
            }
        };
        if let Err(problem) = ended {
            out.push(Effect::Answer {
                id: command,
                result: Err(problem),
            });
        }
    }

    async fn people_found(
        &mut self,
        task: Task,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let me = self.my_id().ok_or(Problem::SignedOut)?;
        if !matches!(task.goal, Goal::Direct) {
            self.can_be_let_in(&task.found)?;
        }
        match task.goal {
            Goal::Direct => {
                let peer = *task
                    .found
                    .first()
                    .ok_or_else(|| Problem::UnknownHandle(String::new()))?;
                let existing = self
                    .rooms
                    .iter()
                    .find(|(_, room)| room.peer(&me) == Some(peer))
                    .map(|(id, _)| *id);
                match existing {
                    Some(id) => {
                        self.opens_direct(peer, ctx, out)?;
                        out.push(Effect::Answer {
                            id: task.command,
                            result: Ok(Outcome::Room(id)),
                        });
                        Ok(())
                    }
                    None => {
                        self.create(task.command, RoomKind::Direct, &[peer], None, (&[], &[]), ctx, out)
                            .await
                    }
                }
            }
            Goal::Group { name } => {
                for user in &task.found {
                    self.pin_contact(*user, ctx, out);
                }
                self.create(
                    task.command,
                    RoomKind::Group,
                    &task.found,
                    Some(&name),
                    (&[], &[]),
                    ctx,
                    out,
                )
                .await
            }
            Goal::Add { room } => {
                let state = &self.open_room(room)?.state;
                let already = task.found.iter().find(|user| state.members.contains_key(user));
                if let Some(user) = already {
                    return Err(Problem::AlreadyThere(
                        self.people.handle(user).unwrap_or_default().to_owned(),
                    ));
                }
                for user in &task.found {
                    self.pin_contact(*user, ctx, out);
                }
                self.intend(room, Intent::new(What::Add(task.found), Some(task.command)), ctx, out)
                    .await;
                Ok(())
            }
        }
    }

    pub(super) async fn remove_person(
        &mut self,
        command: u32,
        room: RoomId,
        user: UserId,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.ready_room(room, &What::Remove(user))?;
        self.intend(room, Intent::new(What::Remove(user), Some(command)), ctx, out)
            .await;
        Ok(None)
    }

    pub(super) async fn leave_room(
        &mut self,
        command: u32,
        room: RoomId,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let there = self.ready_room(room, &What::Leave)?;
        // The others are told as far as a room that is stopped can tell them; here it is over in any case.
        let waits = there.frozen.is_none();
        self.intend(room, Intent::new(What::Leave, waits.then_some(command)), ctx, out)
            .await;
        if waits {
            return Ok(None);
        }
        self.leave_behind(room, out);
        Ok(Some(Outcome::Done))
    }

    pub(super) async fn rename_room(
        &mut self,
        command: u32,
        room: RoomId,
        name: &str,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let name = check_name(name)?;
        self.open_room(room)?;
        self.intend(room, Intent::new(What::Rename(name), Some(command)), ctx, out)
            .await;
        Ok(None)
    }

    pub(super) fn open_room(&self, id: RoomId) -> Result<&Room, Problem> {
        let room = self.rooms.get(&id).ok_or(Problem::RoomClosed)?;
        match self.room_standing(room) {
            Standing::Open => Ok(room),
            _ => Err(Problem::RoomClosed),
        }
    }

    fn is_in(&self, room: &Room) -> bool {
        self.my_id().is_some_and(|me| room.is_member(&me))
    }

    /// A room that its log cannot be told of having been left: remembered here.
    fn leave_behind(&mut self, id: RoomId, out: &mut Out<S::DeviceKey>) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.left = true;
            out.push(Effect::Save(vec![room.to_stop_record()]));
            self.show_rows_of(id, out);
        }
    }

    /// An intent that came to nothing. A group can be left however it stands: if the relay does not take the word of it while
    /// something is amiss there, it is left here.
    fn fail_intent(&mut self, id: RoomId, intent: Intent, problem: Problem, out: &mut Out<S::DeviceKey>) {
        let is_amiss = self
            .rooms
            .get(&id)
            .is_some_and(|room| self.room_standing(room) != Standing::Open);
        let stays = matches!(problem, Problem::LastOwner | Problem::Offline) || !is_amiss;
        if !matches!(intent.what, What::Leave) || intent.command.is_none() || stays {
            return self.end_intent(intent, Err(problem), out);
        }
        self.leave_behind(id, out);
        self.end_intent(intent, Ok(Outcome::Done), out);
    }

    /// The room, if this can be done to it as it stands. A group that one is in can be left in any case, and a key that one
    /// member gave to nobody must not keep the others from taking that member out, or from making the next.
    pub(super) fn ready_room(&self, id: RoomId, what: &What) -> Result<&Room, Problem> {
        let room = self.rooms.get(&id).ok_or(Problem::RoomClosed)?;
        match (self.room_standing(room), what) {
            (Standing::Open, _)
            | (
                Standing::WaitingForKey,
                What::Remove(_)
                | What::Moderate(Deed {
                    what: DeedBody::Remove { .. },
                    ..
                }),
            ) => Ok(room),
            (_, What::Leave) if room.state.kind != RoomKind::Direct && self.is_in(room) => Ok(room),
            (Standing::WaitingForKey, What::Prepare) if room.key_is_lost() => Ok(room),
            _ => Err(Problem::RoomClosed),
        }
    }

    // --- New rooms -----------------------------------------------------------------------------------------------------

    #[allow(clippy::too_many_arguments, reason = "what a new room is made of")]
    pub(super) async fn create(
        &mut self,
        command: u32,
        kind: RoomKind,
        people: &[UserId],
        name: Option<&str>,
        space: (&[NewRole], &[NewHeading]),
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        if self.is_guest() {
            return Err(Problem::NotAllowed);
        }
        let me = self.me()?;
        let reference = |user: &UserId| self.people.member_ref(user).ok_or(Problem::SignedOut);
        let mut nonce = [0; 16];
        ctx.rng.fill_bytes(&mut nonce);
        let roster = match kind {
            RoomKind::Direct => people.iter().map(reference).collect::<Result<Vec<_>, _>>()?,
            RoomKind::Group | RoomKind::Space => Vec::new(),
        };
        let genesis = RoomGenesis {
            kind,
            creator: reference(&me.user_id)?,
            creator_dk: me.dk_id,
            members: List::new(roster).map_err(internal)?,
            policy: Policy {
                suite: SUITE_1,
                history: History::Shared,
            },
            ts: ctx.now_ms,
            nonce,
        };
        let body = genesis.to_bytes();
        let id = room_id(&body);
        let sig = ctx.suite.sign(&me.key, Label::RoomLog, &body).await.map_err(internal)?;
        let genesis = SignedBlob { body, sig };
        // Signed a line ago.
        let state = RoomState::begin(&genesis, &id, &self.people)
            .map_err(internal)?
            .prove(&[true])
            .map_err(internal)?;
        let mut draft = Draft {
            state,
            blobs: Vec::new(),
            secret: None,
            channel_secrets: Vec::new(),
            wraps: Vec::new(),
        };
        if kind == RoomKind::Group {
            for user in people {
                let body = RoomBody::AddMember {
                    member: reference(user)?,
                    role: Role::Member,
                };
                self.write(&mut draft, body, ctx).await?;
            }
        }
        self.write_epoch(&mut draft, None, EpochReason::First, ctx).await?;
        if let (Some(name), Some((n, secret))) = (name, &draft.secret) {
            let n = *n;
            let sealed = Bytes::new(seal_meta(ctx.rng, secret, &id, n, &write_name(name))).map_err(internal)?;
            self.write(&mut draft, RoomBody::SetMeta { n, sealed }, ctx).await?;
        }
        self.write_space(&mut draft, space.0, space.1, ctx).await?;
        let Some((_, secret)) = draft.secret else {
            return Err(Problem::Internal("no room key".into()));
        };
        let request = Request::RoomCreate(RoomCreate {
            genesis: B64(genesis.to_bytes()),
            entries: draft.blobs.iter().map(|blob| B64(blob.to_bytes())).collect(),
            wraps: draft.wraps.clone(),
        });
        let mut blobs = vec![genesis];
        blobs.extend(draft.blobs);
        self.creating.insert(
            id,
            Creation {
                command,
                blobs,
                wraps: draft.wraps,
                secret,
                channel_secrets: draft.channel_secrets,
            },
        );
        self.ask(request, Pending::Create { room: id }, out);
        Ok(())
    }

    pub(super) async fn created(
        &mut self,
        id: RoomId,
        result: Result<RoomHead, Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(creation) = self.creating.remove(&id) else {
            return;
        };
        let answer = match result {
            Err(failure) => Err(failure.problem()),
            Ok(_) => {
                self.take_entries(id, 0, creation.blobs, ctx, out).await;
                if let (Some(room), Some(me)) = (self.rooms.get_mut(&id), self.me.as_ref()) {
                    room.keys.insert(1, creation.secret);
                    for (key, n, secret) in creation.channel_secrets {
                        room.secrets_mut(&key).insert(n, secret);
                    }
                    room.wraps
                        .extend(creation.wraps.into_iter().filter(|wrap| wrap.user_id == me.user_id));
                    out.push(Effect::Save(vec![room.to_record()]));
                }
                for chat in self.chats_of(id) {
                    if let Some(channel) = self.channels.get_mut(&chat) {
                        channel.pages.is_complete();
                    }
                }
                self.learn_keys(id, ctx, out).await;
                for chat in self.chats_of(id) {
                    self.unlock_messages(chat, ctx, out).await;
                }
                self.began_direct(id, ctx, out);
                self.show_rows_of(id, out);
                let is_space = self
                    .rooms
                    .get(&id)
                    .is_some_and(|room| room.state.kind == RoomKind::Space);
                Ok(if is_space {
                    Outcome::Space(id)
                } else {
                    Outcome::Room(id)
                })
            }
        };
        out.push(Effect::Answer {
            id: creation.command,
            result: answer,
        });
    }

    // --- Appending -----------------------------------------------------------------------------------------------------

    pub(super) async fn intend(
        &mut self,
        id: RoomId,
        intent: Intent,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        // What makes ready to be written to is wanted once.
        let readies = |intent: &Intent| match &intent.what {
            What::Prepare => Some(ChannelId::MAIN),
            What::Space(SpaceAct::Key(channel)) => Some(*channel),
            _ => None,
        };
        let wanted = readies(&intent);
        if wanted.is_none() || !room.intents.iter().any(|other| readies(other) == wanted) {
            room.intents.push_back(intent);
        }
        self.advance(id, ctx, out).await;
    }

    /// Starts the next intent if none is under way.
    pub(super) async fn advance(&mut self, id: RoomId, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        loop {
            let Some(room) = self.rooms.get_mut(&id) else { return };
            if room.appending || room.sync.log_is_behind() {
                return;
            }
            let Some(mut intent) = room.intents.pop_front() else {
                return;
            };
            if !self.online {
                self.end_intent(intent, Err(Problem::Offline), out);
                continue;
            }
            match self.write_intent(id, &intent, ctx).await {
                Err(problem) => self.fail_intent(id, intent, problem, out),
                Ok(draft) if draft.blobs.is_empty() => self.end_intent(intent, Ok(Outcome::Done), out),
                Ok(draft) => {
                    let request = Request::RoomAppend(RoomAppend {
                        room_id: id,
                        entries: draft.blobs.iter().map(|blob| B64(blob.to_bytes())).collect(),
                        wraps: draft.wraps,
                    });
                    intent.secret = draft.secret;
                    intent.channel_secrets = draft.channel_secrets;
                    intent.sent = draft.blobs;
                    if let Some(room) = self.rooms.get_mut(&id) {
                        room.appending = true;
                        room.intents.push_front(intent);
                    }
                    self.ask(request, Pending::Append { room: id }, out);
                    return;
                }
            }
        }
    }

    fn end_intent(&self, intent: Intent, result: Result<Outcome, Problem>, out: &mut Out<S::DeviceKey>) {
        if let Some(id) = intent.command {
            out.push(Effect::Answer { id, result });
        }
    }

    pub(super) async fn appended(
        &mut self,
        id: RoomId,
        result: Result<RoomHead, Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        room.appending = false;
        let Some(mut intent) = room.intents.pop_front() else {
            return;
        };
        match result {
            Ok(_) => {
                let sent = std::mem::take(&mut intent.sent);
                let from = sent
                    .first()
                    .and_then(|blob| RoomEntry::from_bytes(&blob.body).ok())
                    .map_or(0, |entry| entry.seq);
                let replaces = intent.secret.is_some() && room.key_asks > 0;
                if let Some((n, secret)) = intent.secret.take() {
                    room.keys.insert(n, secret);
                }
                for (key, n, secret) in std::mem::take(&mut intent.channel_secrets) {
                    room.secrets_mut(&key).insert(n, secret);
                }
                self.take_entries(id, from, sent, ctx, out).await;
                if replaces {
                    self.show_events_of(id, out);
                }
                // The log may have been faster than this answer, and with it names and messages under the new key.
                self.read_title(id);
                for chat in self.chats_of(id) {
                    self.unlock_messages(chat, ctx, out).await;
                }
                let outcome = match &intent.what {
                    What::Invite(terms) => Outcome::InviteLink(terms.link(id)),
                    What::Space(SpaceAct::CreateChannel { id: channel, .. }) => Outcome::Channel(Chat {
                        room: id,
                        channel: *channel,
                    }),
                    _ => Outcome::Done,
                };
                self.end_intent(intent, Ok(outcome), out);
                self.show_rows_of(id, out);
                for chat in self.chats_of(id) {
                    self.flush(chat, ctx, out).await;
                }
            }
            // What is newer than a room that is stopped is not heard any more.
            Err(failure) if failure.is(ErrorCode::StaleHead) && intent.tries < MAX_TRIES && room.frozen.is_none() => {
                intent.tries += 1;
                intent.sent.clear();
                intent.secret = None;
                intent.channel_secrets.clear();
                room.intents.push_front(intent);
                room.sync.log_behind();
                self.fetch_room_log(id, out);
                return;
            }
            Err(failure) => {
                let problem = failure.problem();
                if failure.is(ErrorCode::NotSignedIn) {
                    self.was_signed_out(out);
                    return;
                }
                self.fail_intent(id, intent, problem, out);
            }
        }
        self.advance(id, ctx, out).await;
    }

    /// The log is as new as the relay has it: intents that were overtaken are made again.
    pub(super) async fn log_is_current(&mut self, id: RoomId, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        room.sync.log_current();
        self.settle_claims(id, None, ctx, out).await;
        self.advance(id, ctx, out).await;
        for chat in self.chats_of(id) {
            self.catch_up(chat, out);
            self.flush(chat, ctx, out).await;
        }
    }

    /// Whether entries are needed before anything may be said here.
    pub(super) fn needs_preparing(&self, room: Place<'_>, now_ms: u64) -> bool {
        let is_in = self.me.as_ref().is_some_and(|me| room.is_member(&me.user_id));
        self.key_is_due(room) || is_in && is_old(&room.state, room.epoch_ms(), now_ms, self.sent_under_key(room.room))
    }

    /// How many messages there are under the newest key of a room.
    fn sent_under_key(&self, room: &Room) -> u64 {
        let sent = |channel: &Channel| channel.at.seq.saturating_sub(channel.epoch_seq);
        self.channels_of(room.state.room_id).map(sent).sum()
    }

    /// The same but for the age of the key: whether the room does not know this browser, or somebody may have the newest key
    /// who should not.
    pub(super) fn must_prepare(&self, room: &Room) -> bool {
        let Some(me) = &self.me else { return false };
        let Some(member) = room.state.members.get(&me.user_id) else {
            return false;
        };
        member.view.active_device(&me.dk_id).is_none()
            || room.state.rotation_due
            || room
                .state
                .members
                .iter()
                .any(|(user, member)| self.view_matters(user, member))
    }

    /// The same for what is said in one conversation: a private channel has a key of its own, which somebody may have who left
    /// it alone.
    pub(super) fn key_is_due(&self, room: Place<'_>) -> bool {
        self.must_prepare(room.room) || room.state.rotation_due_of(&room.key())
    }

    /// Whether the newest user log takes a key away that the room's view still holds.
    fn view_matters(&self, user: &UserId, member: &sotto_shared::log::room_log::Member) -> bool {
        let Some(log) = self.people.log(user) else { return false };
        let now = log.view();
        log.seq() > member.ulog_seq
            && (now.kem_g != member.view.kem_g
                || now.ik != member.view.ik
                || now.revocations != member.view.revocations
                || now.closed != member.view.closed)
    }

    async fn write_intent(&self, id: RoomId, intent: &Intent, ctx: &mut Ctx<'_, S>) -> Result<Draft, Problem> {
        let room = self.ready_room(id, &intent.what)?;
        let me = self.me()?;
        let mut draft = Draft {
            state: room.state.clone(),
            blobs: Vec::new(),
            secret: None,
            channel_secrets: Vec::new(),
            wraps: Vec::new(),
        };
        let mine = room.state.members.get(&me.user_id).ok_or(Problem::RoomClosed)?;
        if mine.view.active_device(&me.dk_id).is_none() || self.view_matters(&me.user_id, mine) {
            let cut = self.update_cut(room, &me.user_id)?;
            let member = self.people.member_ref(&me.user_id).ok_or(Problem::SignedOut)?;
            self.write(&mut draft, RoomBody::UserUpdate { member, cut }, ctx)
                .await?;
        }
        for (user, member) in &room.state.members {
            if *user != me.user_id && self.view_matters(user, member) {
                let cut = self.update_cut(room, user)?;
                let member = self.people.member_ref(user).ok_or(Problem::SignedOut)?;
                self.write(&mut draft, RoomBody::UserUpdate { member, cut }, ctx)
                    .await?;
            }
        }
        let mut reason = EpochReason::KeysChanged;
        let mut added = Vec::new();
        let mut done = None;
        match &intent.what {
            What::Prepare | What::Leave | What::Space(_) => {}
            What::Add(people) => {
                self.can_be_let_in(people)?;
                let is_banned = |user: &&UserId| draft.state.former.get(*user).is_some_and(|former| former.banned);
                if let Some(user) = people.iter().find(is_banned) {
                    let handle = self.people.handle(user).unwrap_or_default();
                    return Err(Problem::Banned(handle.to_owned()));
                }
                for user in people {
                    if draft.state.members.contains_key(user) {
                        continue;
                    }
                    let member = self.people.member_ref(user).ok_or(Problem::SignedOut)?;
                    self.write(
                        &mut draft,
                        RoomBody::AddMember {
                            member,
                            role: Role::Member,
                        },
                        ctx,
                    )
                    .await?;
                    added.push(*user);
                }
                reason = EpochReason::MemberAdded;
            }
            What::Remove(user) => {
                if draft.state.members.contains_key(user) || draft.state.requests.contains_key(user) {
                    let cut = self.cut(room)?;
                    self.write(
                        &mut draft,
                        RoomBody::Remove {
                            user_id: *user,
                            ban: false,
                            cut,
                        },
                        ctx,
                    )
                    .await?;
                }
                reason = EpochReason::MemberLeft;
            }
            What::Rename(_) => {}
            What::Invite(terms) => {
                let body = terms.body(id, &room.title, ctx.rng)?;
                self.write(&mut draft, body, ctx).await?;
            }
            What::Revoke(invite_id) => {
                let body = RoomBody::RevokeInvite { invite_id: *invite_id };
                self.write(&mut draft, body, ctx).await?;
            }
            What::Redact { target, edits } => {
                let hash = |head: &Head| EnvelopeHash::from_bytes(*head.as_bytes());
                let body = RoomBody::Redact {
                    target: hash(target),
                    edits: List::new(edits.iter().map(hash).collect()).map_err(internal)?,
                };
                self.write(&mut draft, body, ctx).await?;
            }
            What::Moderate(deed) => {
                self.write_deed(&mut draft, room, deed, ctx).await?;
                done = Some((draft.state.seq, deed.reason.as_str()));
                if matches!(deed.what, DeedBody::Remove { .. }) {
                    reason = EpochReason::MemberLeft;
                }
            }
            What::SetTtl(seconds) => {
                let at = self.channels.get(&Chat::from(id)).map_or(0, |channel| channel.at.seq);
                let (seconds, after) = (*seconds, at);
                self.write(&mut draft, RoomBody::SetTtl { seconds, after }, ctx).await?;
            }
            What::Pin { channel, target, on } => {
                let chat = Chat {
                    room: id,
                    channel: *channel,
                };
                let place = self.place(chat).ok_or(Problem::RoomClosed)?;
                for body in place.pin_bodies(&draft.state, *target, *on, ctx.now_ms)? {
                    self.write(&mut draft, body, ctx).await?;
                }
            }
        }
        if matches!(intent.what, What::Leave) {
            // Whoever stays changes the key; a leaver has no business knowing it.
            self.write(&mut draft, RoomBody::Leave, ctx).await?;
            return Ok(draft);
        }
        let sent = self.sent_under_key(room);
        let old = is_old(&draft.state, room.epoch_ms(), ctx.now_ms, sent) || room.key_is_lost();
        // Whoever never had a key has nothing to build on: others have, and the duty.
        let is_stranger = draft.state.epoch_number() > 0 && room.keys.is_empty();
        if is_stranger {
            return Ok(draft);
        }
        if draft.state.rotation_due || (matches!(intent.what, What::Prepare) && old) {
            let previous = room.newest_key();
            if !draft.state.rotation_due {
                reason = EpochReason::Age;
            }
            self.write_epoch(&mut draft, previous, reason, ctx).await?;
        } else if !added.is_empty() {
            let secret = room.keys.get(&draft.state.epoch_number()).ok_or(Problem::RoomClosed)?;
            draft.wraps = wrap_for(&draft.state, &ChannelId::MAIN, &added, secret, ctx).await?;
        }
        if let What::Space(act) = &intent.what {
            self.write_space_act(&mut draft, Some(room), act, ctx).await?;
        }
        if let Some((of, words)) = done {
            self.write_reason(&mut draft, room, of, words, ctx).await?;
        }
        if let What::Rename(name) = &intent.what {
            let n = draft.state.epoch_number();
            let secret = match &draft.secret {
                Some((_, secret)) => secret,
                None => room.keys.get(&n).ok_or(Problem::RoomClosed)?,
            };
            let sealed = Bytes::new(seal_meta(ctx.rng, secret, &id, n, &write_name(name))).map_err(internal)?;
            self.write(&mut draft, RoomBody::SetMeta { n, sealed }, ctx).await?;
        }
        Ok(draft)
    }

    /// How far messages of browsers count that the newest log of `user` has revoked: to what has been verified here, if we
    /// have heard everything and may say so. Otherwise later words decide (`comes_late`).
    fn update_cut(&self, room: &Room, user: &UserId) -> Result<List<Cut, 512>, Problem> {
        let (Some(log), Some(target)) = (self.people.log(user), room.state.members.get(user)) else {
            return Ok(List::default());
        };
        let now = log.view();
        let outranks = |me: UserId| room.state.outranks(&me, user) && room.state.allows(&me, Permission::Kick);
        let revoked = now.revocations != target.view.revocations || (now.closed && !target.view.closed);
        let may_cut = self.my_id().is_some_and(|me| me == *user || outranks(me));
        let is_whole = |channel: &Channel| channel.pages.is_caught_up(channel.at.seq) || !self.reads(room, channel);
        if revoked && may_cut && self.channels_of(room.state.room_id).all(is_whole) {
            self.cut(room)
        } else {
            Ok(List::default())
        }
    }

    /// How far messages of somebody who goes count: to what has been verified here.
    pub(super) fn cut(&self, room: &Room) -> Result<List<Cut, 512>, Problem> {
        // Of what nothing has been fetched yet nothing is known; nor of channels that are no longer ours to read. Those of a
        // space are fetched one after the other: a point that lies behind would void what was rightly said since.
        let is_known = |channel: &&Channel| {
            let is_space = room.state.kind == RoomKind::Space;
            let is_new = !is_space || channel.pages.is_caught_up(channel.at.seq);
            channel.pages.has_begun() && is_new && self.reads(room, channel)
        };
        let known = self.channels_of(room.state.room_id).filter(is_known);
        let cuts = known.map(|channel| Cut {
            channel: channel.id.channel,
            seq: channel.at.seq,
            transcript: channel.at.t,
        });
        List::new(cuts.collect()).map_err(internal)
    }

    fn reads(&self, room: &Room, channel: &Channel) -> bool {
        let me = self.my_id();
        me.is_some_and(|me| room.state.may_read(&me, &channel.id.channel))
    }

    /// A room key that was handed over cannot be taken back: whoever is not who was checked gets none.
    pub(super) fn can_be_let_in(&self, users: &[UserId]) -> Result<(), Problem> {
        match users.iter().find(|user| self.trust(user).blocks()) {
            Some(user) => Err(Problem::NotTrusted(
                self.people.handle(user).unwrap_or_default().to_owned(),
            )),
            None => Ok(()),
        }
    }

    async fn write_epoch(
        &self,
        draft: &mut Draft,
        previous: Option<&EpochSecret>,
        reason: EpochReason,
        ctx: &mut Ctx<'_, S>,
    ) -> Result<(), Problem> {
        let (id, n) = (draft.state.room_id, draft.state.epoch_number() + 1);
        if n > 1 && previous.is_none() {
            return Err(Problem::RoomClosed);
        }
        let everyone: Vec<UserId> = draft.state.roster().map(|(user, _)| *user).collect();
        self.can_be_let_in(&everyone)?;
        let secret = next_secret(previous, &EpochSecret::make(ctx.rng));
        let roster_hash = draft.state.roster_hash();
        let linked = match previous {
            Some(previous) if draft.state.policy.history == History::Shared => {
                seal_backlink(ctx.rng, &secret, &id, n, previous)
            }
            _ => Vec::new(),
        };
        let body = RoomBody::Epoch {
            n,
            suite: draft.state.policy.suite,
            commit: commitment(&secret, &id, n, &draft.state.head, &roster_hash),
            roster_hash,
            reason,
            backlink: Bytes::new(linked).map_err(internal)?,
        };
        self.write(draft, body, ctx).await?;
        draft.wraps = wrap_for(&draft.state, &ChannelId::MAIN, &everyone, &secret, ctx).await?;
        draft.secret = Some((n, secret));
        Ok(())
    }

    /// One entry, signed by this device, applied to the draft.
    pub(super) async fn write(&self, draft: &mut Draft, body: RoomBody, ctx: &mut Ctx<'_, S>) -> Result<(), Problem> {
        let me = self.me()?;
        let adds = matches!(body, RoomBody::AddMember { .. } | RoomBody::Join { .. });
        let entry = RoomEntry {
            room_id: draft.state.room_id,
            seq: draft.state.seq + 1,
            prev: draft.state.head,
            ts: ctx.now_ms,
            actor: me.user_id,
            actor_dk: me.dk_id,
            body,
        };
        let body = entry.to_bytes();
        let sig = ctx.suite.sign(&me.key, Label::RoomLog, &body).await.map_err(internal)?;
        let blob = SignedBlob { body, sig };
        use sotto_shared::log::LogError;
        let unproven =
            draft
                .state
                .extend(std::slice::from_ref(&blob), &self.people)
                .map_err(|(_, error)| match error {
                    LogError::LastOwner => Problem::LastOwner,
                    LogError::NotAllowed
                    | LogError::Banned
                    | LogError::NoSuchTarget
                    | LogError::NoSuchInvite
                    | LogError::RosterFrozen => Problem::NotAllowed,
                    LogError::InUse => Problem::RoleInUse,
                    LogError::InviteOver => Problem::InviteOver(crate::view::Over::Void),
                    LogError::TooMany if adds => Problem::TooManyPeople {
                        max: MAX_MEMBERS as u32,
                    },
                    LogError::TooMany => Problem::TooMany,
                    LogError::NotMember | LogError::Closed => Problem::RoomClosed,
                    other => internal(other),
                })?;
        // Signed a line ago.
        draft.state = unproven.prove(&[true]).map_err(internal)?.0;
        draft.blobs.push(blob);
        Ok(())
    }
}
