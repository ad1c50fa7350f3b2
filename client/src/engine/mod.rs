//! The engine thinks: it holds keys, logs and messages, and decides. It does no I/O and has no clock or randomness of its
//! own: an [`Input`] and a [`Ctx`] go in, [`Effect`]s come out, to be performed in order. One owner, one queue.
//!
//! ```text
//!  Command ─┐                       ┌─▶ Save      to this browser's sealed store
//!  Reply   ─┤                       ├─▶ Show      a change of what is on screen
//!  Frame   ─┼─▶ Engine::handle ─────┼─▶ Ask       an HTTP request; its Reply comes back as an Input
//!  Loaded  ─┤   account · people    ├─▶ Transmit  a frame
//!  Tick    ─┘   rooms · epochs      └─▶ Answer    the end of a command
//!               outbox · inbox · bodies · receipts · expiry · timeline
//! ```
//!
//! Saving comes before transmitting, so a crash at any point loses nothing.

mod account;
mod ask;
mod audit;
mod beacons;
mod bodies;
mod books;
mod chats;
mod contacts;
mod devices;
mod drafts;
mod entering;
mod epochs;
mod evidence;
mod expiry;
mod gather;
mod guests;
mod held;
mod inbox;
mod intents;
mod invites;
mod jumps;
mod levels;
mod lock;
mod marks;
#[cfg(feature = "testing")]
pub mod measure;
mod moderation;
mod outbox;
mod passing;
mod peek;
mod people;
mod pictures;
mod pins;
mod polls;
mod profiles;
mod reached;
mod reactions;
mod receipts;
mod record;
mod rekey;
mod replies;
mod reports;
mod rewrap;
mod rooms;
mod saved;
mod spaces;
mod sync;
mod tabs;
mod threads;
mod timeline;
mod vault;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rand::CryptoRng;
use sotto_shared::api::frame::{FromRelay, ToRelay};
use sotto_shared::contacts::OwnProfile;
use sotto_shared::crypto::secret::DayVaultKey;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{Head, RoomId, UserId};
use sotto_shared::picture::OwnPicture;

use crate::passwords::{self, Question};
use crate::view::{Change, Chat, Command, Link, NewRole, Outcome, Phase, Problem};
use moderation::role_of;

pub use ask::{Failure, Reply, Request};
pub use drafts::DraftRecord;
pub use gather::gather;
pub use record::{
    ChannelRecord, Kept, KeptAccount, Key, KeysRecord, Loaded, LockedAccount, MessageRecord, OutgoingRecord,
    PersonRecord, PictureRecord, Query, Record, RoomRecord, StopRecord,
};
pub use tabs::Word;

use account::Me;
use ask::Pending;
use chats::Channel;
use contacts::Decided;
use drafts::Drafts;
use entering::{Goal, read_recovery_key};
use intents::{Creation, Task};
use invites::Visit;
use jumps::Quest;
use lock::Locked;
use marks::Attention;
use passing::Passing;
use people::People;
use rekey::{Departing, Offered};
use reports::{Complaint, Docket};
use rooms::{Parked, Room};
use spaces::SpaceAct;

/// What the engine is handed at every step.
pub struct Ctx<'a, S> {
    /// Milliseconds since 1970.
    pub now_ms: u64,
    pub rng: &'a mut dyn CryptoRng,
    pub suite: &'a S,
}

/// What happened.
#[derive(Debug)]
pub enum Input<K> {
    Command {
        id: u32,
        command: Command,
    },
    /// What this browser kept of an account, if anything.
    Restored(Option<(Kept, K)>),
    /// An answer to [`Effect::Ask`].
    Reply {
        id: u32,
        result: Result<Reply, Failure>,
    },
    /// An answer to [`Effect::Load`].
    Loaded {
        id: u32,
        loaded: Loaded,
    },
    /// An answer to [`Effect::Passwords`]; none if the module could not be loaded.
    Passwords {
        id: u32,
        answer: Option<passwords::Answer>,
    },
    SocketOpen,
    SocketClosed,
    Frame(FromRelay),
    /// The time asked for by [`Effect::Wake`] has passed.
    Tick,
    /// Another tab of this browser, by [`Effect::Tell`].
    Told(Word),
    /// The store refused a save; nothing that depends on it was sent.
    StorageFull,
}

/// What is to be done, in this order.
#[allow(clippy::large_enum_variant)] // one at a time, on its way out
#[derive(Debug)]
pub enum Effect<K> {
    /// Seal and write. When it fails, what follows in the same batch is dropped.
    Save(Vec<Record>),
    Load {
        id: u32,
        query: Query,
    },
    /// Look for an account this browser keeps; answered by [`Input::Restored`].
    Restore,
    /// Keep this account and its key in this browser, and open the store under the day vault key. What the store has of this
    /// very account stays; another's is removed.
    /// What lies under one of the `former` day keys is sealed anew under the one of `account`.
    Keep {
        account: KeptAccount,
        key: K,
        former: Vec<DayVaultKey>,
    },
    /// Remove everything this browser keeps.
    Wipe,
    /// Remove the account and with it the way into the store; what lies there stays, sealed, until the same account signs in.
    /// An account that another tab has kept since stays, too.
    Lock,
    /// Keep this in the place of the open account, with the device's key, and leave the store.
    Shut(LockedAccount),
    Ask {
        id: u32,
        token: Option<String>,
        request: Request,
    },
    /// Ask the module that knows passwords.
    Passwords {
        id: u32,
        question: Question,
    },
    Connect,
    Disconnect,
    Transmit(ToRelay),
    /// One [`Input::Tick`] after so many milliseconds.
    Wake {
        after_ms: u64,
    },
    /// Tell the other tabs of this browser.
    Tell(Word),
    Show(Change),
    Answer {
        id: u32,
        result: Result<Outcome, Problem>,
    },
}

/// Effects of one step, collected.
pub(crate) type Out<K> = Vec<Effect<K>>;

pub struct Engine<S: Suite> {
    /// Random for this start: its messages form one chain, side by side with those of other tabs.
    lane: [u8; 8],
    device_name: String,
    realm: Option<String>,
    me: Option<Me<S::DeviceKey>>,
    locked: Option<Locked<S::DeviceKey>>,
    /// What is kept is to be locked rather than opened.
    overdue: bool,
    people: People,
    rooms: BTreeMap<RoomId, Room>,
    /// What is said in them.
    channels: BTreeMap<Chat, Channel>,
    drafts: Drafts,
    /// Logs of rooms that are not taken up yet: user logs they name are on the way.
    arriving: HashMap<RoomId, Parked>,
    /// Commands that look for people first.
    tasks: HashMap<u32, Task>,
    creating: HashMap<RoomId, Creation>,
    /// Rooms that a link led to, not joined yet.
    visits: HashMap<RoomId, Visit>,
    contacts: Decided,
    /// What this person is called, and that rooms which know it are to hear of a change.
    own_profile: OwnProfile,
    profile_spreads: bool,
    /// The same of their picture.
    own_picture: OwnPicture,
    picture_spreads: bool,
    /// Messages that somebody waits for.
    quests: Vec<Quest>,
    /// Direct messages whose request is being taken back.
    cancelling: BTreeSet<Chat>,
    pending: HashMap<u32, Pending<S::DeviceKey>>,
    /// Commands that somebody waits for the answer of, and those whose account went away under them in this step.
    unanswered: BTreeSet<u32>,
    abandoned: BTreeSet<u32>,
    next_request: u32,
    online: bool,
    /// A socket is being opened.
    dialing: bool,
    link: Link,
    tries: u32,
    shown: Option<Chat>,
    /// The thread beside it, by the message it begins with.
    shown_thread: Option<(Chat, Head)>,
    /// Somebody has the page before them.
    visible: bool,
    /// This person lets others see what they have read, and sees it of them.
    tells_read: bool,
    /// The same of what has reached them. Off until the page says what the person chose.
    tells_reached: bool,
    /// When the next beacon or receipt is thought of, milliseconds since 1970.
    wakes_ms: u64,
    queued: u32,
    syncing: bool,
    /// The clock at this step.
    now_ms: u64,
    /// When we asked to be woken because a message has had its time.
    expiry_wake_ms: u64,
    ending: Ending,
    /// Requests of a session that ended at our own wish.
    outlived: BTreeSet<u32>,
    /// A recovery key that waits for two of its groups.
    offered: Option<Offered>,
    /// An account that is closed once its groups are left.
    departing: Option<Departing<S::DeviceKey>>,
    attention: Attention,
    passing: Passing,
    /// Reports in the making, by command.
    complaints: HashMap<u32, Complaint>,
    /// What was reported where this person may act.
    dockets: HashMap<RoomId, Docket>,
}

/// Whether the relay's word that this session is over is news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    No,
    /// A change is under way that ends it.
    Expected,
    /// It did; the socket of the new one is not open yet.
    UntilConnected,
}

impl<S: Suite> Engine<S> {
    pub fn new(rng: &mut dyn CryptoRng) -> Self {
        let mut lane = [0; 8];
        rng.fill_bytes(&mut lane);
        Self {
            lane,
            device_name: String::new(),
            realm: None,
            me: None,
            locked: None,
            overdue: false,
            people: People::default(),
            rooms: BTreeMap::new(),
            channels: BTreeMap::new(),
            drafts: Drafts::new(),
            arriving: HashMap::new(),
            tasks: HashMap::new(),
            creating: HashMap::new(),
            visits: HashMap::new(),
            contacts: Decided::new(),
            own_profile: OwnProfile::default(),
            profile_spreads: false,
            own_picture: OwnPicture::default(),
            picture_spreads: false,
            quests: Vec::new(),
            cancelling: BTreeSet::new(),
            pending: HashMap::new(),
            unanswered: BTreeSet::new(),
            abandoned: BTreeSet::new(),
            next_request: 0,
            online: false,
            dialing: false,
            link: Link::Connecting,
            tries: 0,
            shown: None,
            shown_thread: None,
            visible: false,
            tells_read: true,
            tells_reached: false,
            wakes_ms: 0,
            queued: 0,
            syncing: false,
            now_ms: 0,
            expiry_wake_ms: 0,
            ending: Ending::No,
            outlived: BTreeSet::new(),
            offered: None,
            departing: None,
            attention: Attention::default(),
            passing: Passing::default(),
            complaints: HashMap::new(),
            dockets: HashMap::new(),
        }
    }

    /// The name under which a tab shows that it lives.
    pub fn lane_name(&self) -> String {
        lane_name(&self.lane)
    }

    /// One step. Never fails: what goes wrong becomes an answer, a change or a typed standing.
    pub async fn handle(&mut self, input: Input<S::DeviceKey>, ctx: &mut Ctx<'_, S>) -> Vec<Effect<S::DeviceKey>> {
        let mut out = Vec::new();
        self.now_ms = ctx.now_ms;
        match input {
            Input::Command { id, command } => self.command(id, command, ctx, &mut out).await,
            Input::Restored(kept) => self.restored(kept, ctx, &mut out),
            Input::Reply { id, result } => self.reply(id, result, ctx, &mut out).await,
            Input::Loaded { id, loaded } => self.loaded(id, loaded, ctx, &mut out).await,
            Input::Passwords { id, answer } => self.passwords_answered(id, answer, &mut out),
            Input::SocketOpen => self.socket_open(&mut out),
            Input::SocketClosed => self.socket_closed(&mut out),
            Input::Frame(frame) => self.frame(frame, ctx, &mut out).await,
            Input::Tick => self.tick(ctx, &mut out).await,
            Input::Told(word) => self.told(word, &mut out),
            Input::StorageFull => self.storage_is_full(&mut out),
        }
        self.contacts_answered(ctx, &mut out);
        self.pursue(&mut out);
        self.cancel_requests(ctx, &mut out).await;
        self.receipts(ctx, &mut out).await;
        self.profiles(ctx, &mut out).await;
        self.attend(ctx, &mut out);
        self.pass_by(ctx, &mut out).await;
        self.depart(&mut out);
        self.drop_drafts(&mut out);
        self.ask_for_logs(&mut out);
        self.show_held_back(&mut out);
        self.report_totals(&mut out);
        self.answer_abandoned(&mut out);
        out
    }

    /// Whoever waits for something that ended with the account is told.
    fn answer_abandoned(&mut self, out: &mut Out<S::DeviceKey>) {
        for effect in out.iter() {
            if let Effect::Answer { id, .. } = effect {
                self.unanswered.remove(id);
                self.abandoned.remove(id);
            }
        }
        let abandoned = std::mem::take(&mut self.abandoned).into_iter();
        out.extend(abandoned.map(|id| Effect::Answer {
            id,
            result: Err(Problem::SignedOut),
        }));
    }

    async fn command(&mut self, id: u32, command: Command, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        self.unanswered.insert(id);
        let result = match command {
            Command::Start { device, overdue } => {
                self.device_name = device;
                self.overdue = overdue;
                out.push(Effect::Show(Change::Phase(Phase::Opening)));
                out.push(Effect::Restore);
                Ok(Some(Outcome::Done))
            }
            Command::MakePassphrase => Ok(self.ask_about_passwords(id, Question::Offer, out)),
            Command::RatePassword { handle, password } => {
                Ok(self.ask_about_passwords(id, Question::Rate { handle, password }, out))
            }
            Command::SignUp { handle, password, stay } => self.sign_up(id, &handle, password, stay, out),
            Command::SignIn { handle, password, stay } => self.sign_in(id, &handle, password, stay, out),
            // They have no password to come back with.
            Command::Lock | Command::MakeRecoveryKey { .. } if self.is_guest() => Err(Problem::NotAllowed),
            Command::SignOut => {
                self.say_gone(ctx, out).await;
                self.sign_out(out)
            }
            Command::Lock => {
                self.say_gone(ctx, out).await;
                self.lock(ctx, out)
            }
            Command::Unlock { password } => self.unlock(id, password, out),
            Command::SignOutOthers => self.sign_out_others(id, out),
            Command::ListDevices => self.list_devices(id, out),
            Command::ShowHeld => self.show_held(id, out),
            Command::ShowRows(page) => self.show_held_rows(id, page, out),
            Command::FindPerson { handle } => self.find_person(id, &handle, out),
            Command::OpenDirect { handle } => self.open_direct(id, &handle, ctx, out).await,
            Command::CreateGroup { name, handles } => self.create_group(id, &name, &handles, ctx, out).await,
            Command::AddPeople { room, handles } => self.add_people(id, room, &handles, ctx, out).await,
            Command::RemovePerson { room, user } => self.remove_person(id, room, user, ctx, out).await,
            Command::LeaveRoom { room } => self.leave_room(id, room, ctx, out).await,
            Command::RenameRoom { room, name } => self.rename_room(id, room, &name, ctx, out).await,
            Command::ShowRoom { chat } => {
                let shown = self.show_room(chat, out);
                self.speak_up(ctx, out).await;
                shown
            }
            Command::ListThreads { chat, back } => self.list_threads(id, chat, back),
            Command::ShowThread { chat, root } => self.show_thread(id, chat, root),
            Command::HideThread => {
                self.shown_thread = None;
                Ok(Some(Outcome::Done))
            }
            Command::ReadThread { chat, root } => self.read_thread(chat, root, out),
            Command::SaveThreadDraft { chat, root, text } => {
                let root = Head::from_bytes(*root.as_bytes());
                self.save_draft(chat, Some(root), text, out)
            }
            Command::HideRoom => {
                (self.shown, self.shown_thread) = (None, None);
                Ok(Some(Outcome::Done))
            }
            Command::Looking { visible } => self.looking(visible, ctx, out).await,
            Command::TellRead { on } => self.tell_read(on, out),
            Command::TellReached { on } => self.tell_reached(on, out),
            Command::Typing { chat } => self.typing(chat, ctx, out).await,
            Command::TellTyping { on } => self.tell_typing(on, out),
            Command::TellPresence { on } => self.tell_presence(on, ctx, out).await,
            Command::BeHere { here } => self.be_here(here),
            Command::Leaving => {
                self.say_gone(ctx, out).await;
                Ok(Some(Outcome::Done))
            }
            Command::GoOn { room } => self.go_on(room, ctx, out).await,
            Command::ShowEvidence { room } => self.show_evidence(room),
            Command::LoadOlder { chat } => self.load_older(chat, out),
            Command::MarkRead { chat } => self.mark_read(chat, out),
            Command::SetRead { chat, read } => self.set_read(chat, read, out),
            Command::SetLevel { room, channel, level } => self.set_level((room, channel), level, ctx, out),
            Command::Mute {
                room,
                channel,
                until_ms,
            } => self.mute((room, channel), until_ms, ctx, out),
            Command::SetUsual(usual) => self.set_usual(usual, ctx, out),
            Command::Send {
                chat,
                text,
                reply,
                thread,
            } => self.send(chat, &text, reply, thread, ctx, out).await,
            Command::Forward { chat, message, to } => self.forward(chat, message, &to, ctx, out).await,
            Command::Pin { chat, message, on } => self.pin(id, chat, message, on, ctx, out).await,
            Command::Unpin { chat, target } => self.pin_named(id, chat, target, false, ctx, out).await,
            Command::ListPins { chat } => self.list_pins(id, chat),
            Command::SaveForLater { chat, message } => self.save_for_later(chat, message, ctx, out),
            Command::ForgetSaved { chat, target } => self.forget_saved(chat, target, ctx, out),
            Command::ListSaved => self.list_saved(),
            Command::ReadSaved { chat, target, saved_ms } => self.read_saved(id, chat, target, saved_ms, out),
            Command::JumpTo { chat, target } => self.jump_to(id, chat, target),
            Command::Retry { chat, message } => self.retry(chat, message, ctx, out).await,
            Command::Discard { chat, message } => self.discard(chat, message, out),
            Command::Edit { chat, message, text } => self.edit(chat, message, &text, ctx, out).await,
            Command::Delete { chat, message } => self.delete(id, chat, message, ctx, out).await,
            Command::React {
                chat,
                message,
                emoji,
                on,
            } => self.react(chat, message, &emoji, on, ctx, out).await,
            Command::ShowReactions { chat, message } => self.show_reactions(chat, message),
            Command::MakePoll { chat, poll } => self.make_poll(chat, poll, ctx, out).await,
            Command::Vote { chat, message, choices } => self.vote(chat, message, &choices, ctx, out).await,
            Command::EndPoll { chat, message } => self.end_poll(chat, message, ctx, out).await,
            Command::ShowVotes { chat, message } => self.show_votes(chat, message),
            Command::SetTtl { room, seconds } => self.set_ttl(id, room, seconds, ctx, out).await,
            Command::SetRole { room, user, role } => match role_of(role) {
                Ok(role) => self.set_role(id, room, user, role, ctx, out).await,
                Err(problem) => Err(problem),
            },
            Command::Moderate { room, measure, reason } => self.moderate(id, room, measure, &reason, ctx, out).await,
            Command::Report { chat, messages, words } => self.report(id, chat, &messages, &words, out),
            Command::ListReports { room } => self.list_reports(id, room, out),
            Command::SettleReport { room, report } => self.settle_report(id, room, report, out),
            Command::ShowChanges {
                room,
                kind,
                person,
                skip,
                most,
            } => self.show_changes(room, kind, person, (skip, most)),
            Command::CreateSpace { name, roles, headings } => {
                self.create_space(id, &name, &roles, &headings, ctx, out).await
            }
            Command::CreateChannel {
                space,
                name,
                topic,
                kind,
                heading,
                members,
            } => {
                let called = (name.as_str(), topic.as_str(), heading);
                self.create_channel(id, space, called, kind, members, ctx, out).await
            }
            Command::EditChannel { chat, name, topic } => self.edit_channel(id, chat, (&name, &topic), ctx, out).await,
            Command::ArchiveChannel { chat, archived } => {
                let act = SpaceAct::Archive {
                    id: chat.channel,
                    archived,
                };
                self.act_on_space(id, chat.room, act, ctx, out).await
            }
            Command::ChannelPeople { chat, add, remove } => {
                let act = SpaceAct::People {
                    id: chat.channel,
                    add,
                    remove,
                };
                self.act_on_space(id, chat.room, act, ctx, out).await
            }
            Command::Arrange { space, headings } => self.arrange(id, space, headings, ctx, out).await,
            Command::DefineRole {
                space,
                role,
                name,
                rank,
                rights,
            } => {
                let new = NewRole { name, rank, rights };
                self.define_role(id, space, role, new, ctx, out).await
            }
            Command::DropRole { space, role } => self.drop_role(id, space, role, ctx, out).await,
            Command::SaveDraft { chat, text } => self.save_draft(chat, None, text, out),
            Command::ShowSafety { user } => self.show_safety(user).map(Some),
            Command::AcceptHandle { handle, user } => self.accept_handle(id, handle, user, out),
            Command::Compared { user, since, found } => self.compared(id, user, since, found, ctx, out),
            Command::CreateInvite {
                room,
                role,
                max_uses,
                expires_ms,
                approval,
            } => match invites::Terms::new(role, max_uses, expires_ms, approval, ctx.rng) {
                Ok(terms) => self.create_invite(id, room, terms, ctx, out).await,
                Err(problem) => Err(problem),
            },
            Command::RevokeInvite { room, invite } => self.revoke_invite(id, room, invite, ctx, out).await,
            Command::ListInvites { room } => self.list_invites(room, ctx.now_ms).map(Some),
            Command::AdmitPerson { room, user } => self.admit(id, room, user, ctx, out).await,
            Command::OpenLink { link } => self.open_link(id, &link, out),
            Command::SetContact { user, act } => self.set_contact(id, user, act, ctx, out),
            Command::SetProfile { name, status } => self.set_profile(&name, &status, ctx, out),
            Command::SetPicture { image } => self.set_picture(id, image, ctx, out),
            Command::ShowPicture { user } => self.show_picture(id, user, out),
            Command::DrawCode { text } => people::draw_code(text.as_bytes()).map(|rows| Some(Outcome::Code(rows))),
            Command::PeekLink { link } => self.peek_link(id, &link, out),
            Command::Join { room } => self.join(id, room, ctx, out).await,
            Command::Reconnect => {
                self.tries = 0;
                self.connect(out);
                let ids: Vec<RoomId> = self.rooms.keys().copied().collect();
                for id in ids {
                    self.ask_for_claims(id, out);
                }
                Ok(Some(Outcome::Done))
            }
            Command::ComeIn { name } => self.come_in(id, &name, ctx, out),
            Command::KeepAccount { handle, password } => self.keep_account(id, &handle, password, out),
            Command::ChangePassword { old, new } => self.change_password(id, old, new, out),
            Command::MakeRecoveryKey { password } => self.with_password(id, password, Goal::MakeRecoveryKey, out),
            Command::ConfirmRecoveryKey { groups } => self.confirm_recovery_key(id, &groups, out),
            Command::CancelRecoveryKey => {
                self.offered = None;
                Ok(Some(Outcome::Done))
            }
            Command::RemoveRecoveryKey { password } => self.with_password(id, password, Goal::RemoveRecoveryKey, out),
            Command::CheckRecoveryKey { key } => read_recovery_key(key).map(|_| Some(Outcome::Done)),
            Command::Recover {
                handle,
                key,
                password,
                stay,
            } => self.recover(id, &handle, key, password, stay, out),
            Command::RevokeDevice { device, password } => self.revoke_device(id, device, password, out),
            Command::ResetIdentity { handle, password, stay } => self.reset_identity(id, &handle, password, stay, out),
            Command::DeleteAccount { password } => self.with_password(id, password, Goal::Delete, out),
        };
        match result {
            Ok(Some(outcome)) => out.push(Effect::Answer {
                id,
                result: Ok(outcome),
            }),
            // Answered when a reply has come.
            Ok(None) => {}
            Err(problem) => out.push(Effect::Answer {
                id,
                result: Err(problem),
            }),
        }
    }

    /// Numbers that follow from the rest; shown when they change.
    fn report_totals(&mut self, out: &mut Out<S::DeviceKey>) {
        let queued = self.channels.values().map(|channel| channel.outbox.waiting()).sum();
        if queued != self.queued {
            self.queued = queued;
            out.push(Effect::Show(Change::Queued(queued)));
        }
        let syncing = self.channels.values().any(|channel| channel.pages.is_busy());
        if syncing != self.syncing {
            self.syncing = syncing;
            out.push(Effect::Show(Change::Syncing(syncing)));
        }
    }

    fn me(&self) -> Result<&Me<S::DeviceKey>, Problem> {
        self.me.as_ref().ok_or(Problem::SignedOut)
    }

    fn my_id(&self) -> Option<UserId> {
        self.me.as_ref().map(|me| me.user_id)
    }
}

/// The name under which the tab of a lane shows that it lives.
pub fn lane_name(lane: &[u8; 8]) -> String {
    lane.iter()
        .fold("sotto-lane-".to_owned(), |name, byte| format!("{name}{byte:02x}"))
}

/// The day vault key is compared nowhere and copied only to be kept by the runtime.
pub(crate) fn copy_key(key: &DayVaultKey) -> DayVaultKey {
    DayVaultKey::from_bytes(*key.expose())
}
