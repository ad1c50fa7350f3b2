//! What the page and the worker say to each other, as bytes ([`Wired`]) over `postMessage`.
//!
//! The page sends a [`Command`] with a number and gets one [`Outcome`] or [`Problem`] back under that number. Everything
//! that may change what is on screen comes as a [`Change`], in order, whoever caused it. No key ever appears here, but for the
//! recovery key on its one way to paper and back.

pub mod order;
pub mod reports;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sotto_shared::api::B64;
use sotto_shared::api::body::{Held, Rows, RowsGet};
use sotto_shared::id::{
    ChannelId, DeviceKeyId, EnvelopeHash, InviteId, MessageId, PictureId, ReportId, RoomId, UserId,
};

pub use order::{Changes, ChannelChange, Deed, DeedKind, Line, Measure, Order, SlowMode, TimeOut};
pub use reports::{Exhibit, Proven, Report, Reported, Reports};

/// From the page to the worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ToWorker {
    pub id: u32,
    pub command: Command,
}

impl Wired for ToWorker {}
impl Wired for FromWorker {}

/// What page and worker hand each other, as bytes (postcard): both are of one build, so nothing in them has a name.
pub trait Wired: Serialize + DeserializeOwned {
    fn to_bytes(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(self)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, postcard::Error> {
        postcard::from_bytes(bytes)
    }
}

/// From the worker to the page.
#[allow(clippy::large_enum_variant)] // one at a time, on its way to bytes and back
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FromWorker {
    /// The worker listens. Nothing may be sent before this.
    Ready,
    Changes(Vec<Change>),
    Done {
        id: u32,
        result: Result<Outcome, Problem>,
    },
}

/// Where people write: a direct message, a group, or one channel of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Chat {
    pub room: RoomId,
    pub channel: ChannelId,
}

/// The one channel of a direct message or a group.
impl From<RoomId> for Chat {
    fn from(room: RoomId) -> Self {
        Self {
            room,
            channel: ChannelId::MAIN,
        }
    }
}

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// First: open what this browser keeps. Ends in a `Phase` change. `device` names this browser ("Firefox on Linux").
    Start {
        device: String,
        /// Nobody has used this browser for longer than it may stay open: it opens locked.
        overdue: bool,
    },
    /// → `Outcome::Passphrase`: six random words.
    MakePassphrase,
    /// → `Outcome::Strength`.
    RatePassword {
        handle: String,
        password: String,
    },
    SignUp {
        handle: String,
        password: String,
        stay: bool,
    },
    /// A guest's account, called so. Like `SignUp` for the page; this browser stays signed in.
    ComeIn {
        name: String,
    },
    /// For a guest: from now on it opens with this handle and password, everywhere. → `Outcome::PasswordChanged`.
    KeepAccount {
        handle: String,
        password: String,
    },
    SignIn {
        handle: String,
        password: String,
        stay: bool,
    },
    /// Removes everything this browser keeps and ends its session.
    SignOut,
    /// Shuts what this browser keeps until the password is typed. What is not kept is signed out.
    Lock,
    /// Only while locked. Goes on where it was: same session, same device.
    Unlock {
        password: String,
    },
    /// Ends every session of this account but this one.
    SignOutOthers,
    /// → `Outcome::Devices`.
    ListDevices,
    /// → `Outcome::Held`: how much the server holds about this account and its rooms.
    ShowHeld,
    /// → `Outcome::Rows`: some of it, row by row.
    ShowRows(RowsGet),
    /// → `Outcome::Person`, or `Problem::UnknownHandle`.
    FindPerson {
        handle: String,
    },
    /// → `Outcome::Room`: the direct message with this person, made if it is not there.
    OpenDirect {
        handle: String,
    },
    /// → `Outcome::Room`.
    CreateGroup {
        name: String,
        handles: Vec<String>,
    },
    AddPeople {
        room: RoomId,
        handles: Vec<String>,
    },
    RemovePerson {
        room: RoomId,
        user: UserId,
    },
    LeaveRoom {
        room: RoomId,
    },
    RenameRoom {
        room: RoomId,
        name: String,
    },
    /// The room is on screen: its newest rows are wanted, and are read.
    /// Answered by `Change::Timeline` with `reset`, then kept up to date until another room is shown.
    ShowRoom {
        chat: Chat,
    },
    /// A thread of the conversation on screen is beside it. → `Outcome::Thread`; `Change::Timeline` with `thread` brings its rows
    /// and keeps them up to date until another one is shown.
    ShowThread {
        chat: Chat,
        root: EnvelopeHash,
    },
    HideThread,
    /// → `Outcome::Threads`: those among the messages in memory. `back`: some earlier messages are looked through first.
    ListThreads {
        chat: Chat,
        back: bool,
    },
    /// What stands in it up to the newest row has been seen.
    ReadThread {
        chat: Chat,
        root: EnvelopeHash,
    },
    /// What stands where one answers in it, kept across reloads.
    SaveThreadDraft {
        chat: Chat,
        root: EnvelopeHash,
        text: String,
    },
    /// No room is on screen.
    HideRoom,
    /// Whether the page can be seen. While it can, this browser tells the others in the room on screen how far it has got,
    /// once a minute: so it shows when the server keeps something back.
    Looking {
        visible: bool,
    },
    /// Whether others see what this person has read, and this person what they have. On from the start.
    TellRead {
        on: bool,
    },
    /// Whether others see what has come to this browser, and this person of them.
    TellReached {
        on: bool,
    },
    /// Something was typed in this conversation.
    Typing {
        chat: Chat,
    },
    /// Whether others see that this person writes, and this person that they do. On from the start.
    TellTyping {
        on: bool,
    },
    /// Whether others see that this person is here, and this person that they are. On from the start.
    TellPresence {
        on: bool,
    },
    /// Whether the person is at the page, or has left it alone for a while.
    BeHere {
        here: bool,
    },
    /// The page is about to go.
    Leaving,
    /// Write here although somebody has seen something that the server does not give (`Standing::Withheld`, `held_back`).
    GoOn {
        room: RoomId,
    },
    /// → `Outcome::Evidence`: what shows why a room was stopped.
    ShowEvidence {
        room: RoomId,
    },
    /// Rows before the oldest that the page has. Answered by `Change::Timeline`.
    LoadOlder {
        chat: Chat,
    },
    /// What is on screen up to the newest row has been seen.
    MarkRead {
        chat: Chat,
    },
    /// It was read up to this message (the first of a row's `order`): further than before, or on purpose less far.
    SetRead {
        chat: Chat,
        read: u64,
    },
    /// How much the person wants to be told: of a room or space, or of one channel of it. `None`: as usual there.
    SetLevel {
        room: RoomId,
        channel: Option<ChannelId>,
        level: Option<Level>,
    },
    /// Quiet until then, milliseconds since 1970; 0: not, `u64::MAX`: until it is switched on.
    Mute {
        room: RoomId,
        channel: Option<ChannelId>,
        until_ms: u64,
    },
    SetUsual(Usual),
    Send {
        chat: Chat,
        text: String,
        /// The message that it answers.
        reply: Option<MessageId>,
        /// The first message of the thread that it belongs to.
        thread: Option<MessageId>,
    },
    /// Hands a text on to other conversations: the words alone.
    Forward {
        chat: Chat,
        message: MessageId,
        to: Vec<Chat>,
    },
    /// Keeps a message at hand for everybody, or no more.
    Pin {
        chat: Chat,
        message: MessageId,
        on: bool,
    },
    /// The same for one that is not on screen.
    Unpin {
        chat: Chat,
        target: EnvelopeHash,
    },
    /// → `Outcome::Pins`.
    ListPins {
        chat: Chat,
    },
    /// Puts a message aside, for oneself.
    SaveForLater {
        chat: Chat,
        message: MessageId,
    },
    ForgetSaved {
        chat: Chat,
        target: EnvelopeHash,
    },
    /// → `Outcome::Saved`, as far as they are in memory.
    ListSaved,
    /// One of them that is not in memory. → `Outcome::Saved`.
    ReadSaved {
        chat: Chat,
        target: EnvelopeHash,
        saved_ms: u64,
    },
    /// → `Outcome::Found`, once the message is among the rows; `Problem::NoSuchMessage`, or `Problem::Offline`.
    JumpTo {
        chat: Chat,
        target: Target,
    },
    /// Sends a failed message again, under the same id.
    Retry {
        chat: Chat,
        message: MessageId,
    },
    /// Forgets a message that was not sent.
    Discard {
        chat: Chat,
        message: MessageId,
    },
    /// Another text for a message of one's own.
    Edit {
        chat: Chat,
        message: MessageId,
        text: String,
    },
    /// Takes a message away for everybody: one's own, or, for who may, somebody else's.
    Delete {
        chat: Chat,
        message: MessageId,
    },
    /// Puts a reaction to a message, or takes one's own back.
    React {
        chat: Chat,
        message: MessageId,
        emoji: String,
        on: bool,
    },
    MakePoll {
        chat: Chat,
        poll: NewPoll,
    },
    /// Chooses in a poll: these options and no others, by number; none takes the vote back.
    Vote {
        chat: Chat,
        message: MessageId,
        choices: Vec<u8>,
    },
    /// For its author, and who may take messages of others away.
    EndPoll {
        chat: Chat,
        message: MessageId,
    },
    /// → `Outcome::Reactions`.
    ShowReactions {
        chat: Chat,
        message: MessageId,
    },
    /// → `Outcome::Votes`.
    ShowVotes {
        chat: Chat,
        message: MessageId,
    },
    /// Messages written from now on live so many seconds; 0: for ever.
    SetTtl {
        room: RoomId,
        seconds: u32,
    },
    /// A new space with its roles and channels, at once. → `Outcome::Space`.
    CreateSpace {
        name: String,
        roles: Vec<NewRole>,
        headings: Vec<NewHeading>,
    },
    /// → `Outcome::Channel`.
    CreateChannel {
        space: RoomId,
        name: String,
        topic: String,
        kind: ChannelKind,
        /// Under which heading; 0: none.
        heading: u16,
        /// Of a private one: who is in it beside oneself.
        members: Vec<UserId>,
    },
    EditChannel {
        chat: Chat,
        name: String,
        topic: String,
    },
    ArchiveChannel {
        chat: Chat,
        archived: bool,
    },
    /// Who is in a private channel. Everybody may take themselves out.
    ChannelPeople {
        chat: Chat,
        add: Vec<UserId>,
        remove: Vec<UserId>,
    },
    /// The order of headings and channels; also renames, adds and drops headings. Channels that it leaves out stand under no
    /// heading.
    Arrange {
        space: RoomId,
        headings: Vec<Heading>,
    },
    /// A new role (`None`) or a changed one.
    DefineRole {
        space: RoomId,
        role: Option<u8>,
        name: String,
        rank: u8,
        rights: Rights,
    },
    /// One that nobody has; otherwise `Problem::RoleInUse`. The invites that give it are taken back.
    DropRole {
        space: RoomId,
        role: u8,
    },
    /// 1 member, 2 moderator, 3 owner, 16 and up: roles of the space.
    SetRole {
        room: RoomId,
        user: UserId,
        role: u8,
    },
    /// What a moderator does, and why: the reason stands sealed in the log, and may be empty.
    Moderate {
        room: RoomId,
        measure: Measure,
        reason: String,
    },
    /// Tells those who may act what is wrong with messages of others, at most 20. They can be sure that each was written.
    Report {
        chat: Chat,
        messages: Vec<MessageId>,
        /// May be empty.
        words: String,
    },
    /// Asks for what was reported in a room. → `Change::Reports`, then `Outcome::Done`.
    ListReports {
        room: RoomId,
    },
    /// It is dealt with, for everybody who may act.
    SettleReport {
        room: RoomId,
        report: ReportId,
    },
    /// → `Outcome::Changes`: what happened in the room, the newest first, `skip` of them left out.
    ShowChanges {
        room: RoomId,
        kind: Option<DeedKind>,
        person: Option<UserId>,
        skip: u32,
        most: u32,
    },
    /// What stands in the composer, kept across reloads.
    SaveDraft {
        chat: Chat,
        text: String,
    },
    /// → `Outcome::Safety`.
    ShowSafety {
        user: UserId,
    },
    /// What came of comparing safety numbers. `since` is that of the number that was on screen, or of the person: if it is
    /// another one by now, nothing is noted. → `Problem::NumberChanged`
    Compared {
        user: UserId,
        since: u64,
        found: Found,
    },
    /// → `Outcome::InviteLink`.
    CreateInvite {
        room: RoomId,
        /// 1 member, 2 moderator, 3 owner, 16 and up: roles of the space.
        role: u8,
        max_uses: u32,
        /// Milliseconds since 1970.
        expires_ms: u64,
        /// Whoever uses it asks, and a moderator decides.
        approval: bool,
    },
    RevokeInvite {
        room: RoomId,
        invite: InviteId,
    },
    /// → `Outcome::Invites`.
    ListInvites {
        room: RoomId,
    },
    /// Lets in somebody who asked. `RemovePerson` sends them away.
    AdmitPerson {
        room: RoomId,
        user: UserId,
    },
    /// The fragment of a link, or a whole address. → `Outcome::Preview`, `Outcome::Room` of a room one is in already, or
    /// `Outcome::Person`.
    OpenLink {
        link: String,
    },
    SetContact {
        user: UserId,
        act: ContactAct,
    },
    /// What this person is called by others, and what they say of themself; both may be empty.
    SetProfile {
        name: String,
        status: String,
    },
    /// The picture that others see beside this person's words: the bytes of an image that `image_kind` of the protocol takes, or
    /// none.
    SetPicture {
        image: Option<B64>,
    },
    /// Somebody with a picture is drawn. → `Outcome::Picture`, from this browser or else from the relay.
    ShowPicture {
        user: UserId,
    },
    /// → `Outcome::Code`: a text as a code to scan. For links, which are short.
    DrawCode {
        text: String,
    },
    /// What a link leads to, also for somebody without an account. → `Outcome::Peeked`.
    PeekLink {
        link: String,
    },
    /// By the link that was opened last. → `Outcome::Room`, or `Outcome::Asked`.
    Join {
        room: RoomId,
    },
    /// From now on `handle` is this account, which it was not before (`Problem::HandleMoved`). → `Outcome::Person`.
    AcceptHandle {
        handle: String,
        user: UserId,
    },
    /// Try to reach the server now rather than when the waiting time is over, and ask again for what it holds back.
    Reconnect,
    /// → `Outcome::PasswordChanged`. Ends every other session of this account; other browsers sign in anew and then send
    /// what they have kept.
    ChangePassword {
        old: String,
        new: String,
    },
    /// → `Outcome::RecoveryKey`. Nothing has changed before [`Command::ConfirmRecoveryKey`]; that must come within ten
    /// minutes. Replaces an earlier key, if there is one.
    MakeRecoveryKey {
        password: String,
    },
    /// The two groups that `Outcome::RecoveryKey` asked for, in its order. `Problem::WrongGroups` may be tried again.
    /// → `Outcome::Done`, and `Change::RecoveryKey`.
    ConfirmRecoveryKey {
        groups: [String; 2],
    },
    /// Forgets a key that was made and not confirmed.
    CancelRecoveryKey,
    /// → `Outcome::Done`, and `Change::RecoveryKey`.
    RemoveRecoveryKey {
        password: String,
    },
    /// → `Outcome::Done`: what was typed is a recovery key without slips, or `Problem::RecoveryKeyMistyped`. Asks nobody.
    CheckRecoveryKey {
        key: String,
    },
    /// Signs in with the recovery key, which stays good, and sets a new password in the same go. Like `SignIn` for the page,
    /// but that every other session ends.
    Recover {
        handle: String,
        key: String,
        password: String,
        stay: bool,
    },
    /// Takes another browser's right to sign for this account away, for good, and signs it out.
    RevokeDevice {
        device: DeviceKeyId,
        password: String,
    },
    /// A new account under the same handle and password: for when the server has lost or changed what opens the old one.
    /// From the signed-out screen; like `SignUp` for the page. Rooms must add the person again, contacts are warned.
    ResetIdentity {
        handle: String,
        password: String,
        stay: bool,
    },
    /// → `Outcome::Deleted`. Leaves groups, closes the account for good and removes everything this browser keeps. The handle
    /// is never given to anybody else.
    DeleteAccount {
        password: String,
    },
}

impl Command {
    /// A new text that hangs on nothing.
    pub fn say(chat: impl Into<Chat>, text: impl Into<String>) -> Self {
        Self::Send {
            chat: chat.into(),
            text: text.into(),
            reply: None,
            thread: None,
        }
    }
}

/// What a command brought back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    Done,
    Passphrase(Vec<String>),
    Strength(Strength),
    Room(RoomId),
    Space(RoomId),
    Channel(Chat),
    Person(Person),
    Devices(Vec<Device>),
    Safety(Safety),
    /// `None`: nothing more is known than the standing says.
    Evidence(Option<Evidence>),
    PasswordChanged {
        /// There was a recovery key: it opened the old lock and is good no longer. Offer to make a new one.
        recovery_key_gone: bool,
    },
    /// To be shown once, saved or printed, and never kept.
    RecoveryKey {
        /// Fourteen groups of four.
        groups: Vec<String>,
        /// Indices of the two groups to be typed back.
        ask: [u8; 2],
    },
    /// The account is closed. Messages that were sent stay with the people they were sent to: say so.
    Deleted {
        /// Names of groups that could not be left, since this was the last owner. They go on without one.
        without_owner: Vec<String>,
    },
    Changes(Changes),
    Held(Held),
    Rows(Rows),
    /// What stands behind the `#` of the link. It is shown this once.
    InviteLink(String),
    Invites(Invites),
    /// The newest first.
    Pins(Vec<Pin>),
    /// The newest first.
    Saved(Vec<SavedMessage>),
    Threads {
        /// The one where something came last is the first.
        threads: Vec<ListedThread>,
        /// There are earlier messages to look through.
        has_more: bool,
    },
    /// An image that was looked at before: still, small, and of this type.
    Picture {
        mime: String,
        image: B64,
    },
    /// The key of its row.
    Found(String),
    Preview(InvitePreview),
    Peeked(Peeked),
    /// Rows of a QR code, `true` = dark, without the quiet zone.
    Code(Vec<Vec<bool>>),
    /// A moderator has been asked.
    Asked,
    Thread {
        /// What stood where one answers.
        draft: String,
    },
    /// Who chose it, by option.
    Votes(Vec<Vec<UserId>>),
    /// Who put which, in the order they first came up.
    Reactions(Vec<(String, Vec<UserId>)>),
}

/// A change of what is on screen. `state::apply` is the only place that takes these in.
#[allow(clippy::large_enum_variant)] // one at a time, on its way to bytes and back
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Change {
    Phase(Phase),
    /// Progress of signing up or in, in words the page chooses.
    Step(Step),
    Link(Link),
    /// Messages not yet taken by the server, over all rooms.
    Queued(u32),
    /// Older or missed messages are being fetched.
    Syncing(bool),
    /// A person became known or changed.
    Person(Person),
    /// A room became known or changed.
    Room(Room),
    /// A room is gone for good.
    RoomGone(Chat),
    Members {
        room: RoomId,
        members: Vec<Member>,
    },
    /// A space became known or changed. Its channels are rooms of their own: `Change::Room`.
    Space(Space),
    SpaceGone(RoomId),
    /// What holds in a room beside who is in it.
    Order(Order),
    /// What was reported in a room where this person may act.
    Reports(Reports),
    /// Who is in a private channel.
    ChannelMembers {
        chat: Chat,
        users: Vec<UserId>,
    },
    Timeline(Timeline),
    /// Others who write in a conversation now.
    Typing {
        chat: Chat,
        who: Vec<UserId>,
    },
    /// Whether somebody is here, as far as they let it be known.
    Presence {
        user: UserId,
        presence: Option<Presence>,
        /// When they were last heard of, milliseconds since 1970.
        seen_ms: Option<u64>,
    },
    /// How much the person wants to be told, where nothing else was chosen for a conversation.
    Levels {
        usual: Usual,
        /// Rooms and spaces with a choice of their own.
        rooms: Vec<RoomHush>,
    },
    /// Something went wrong that no command waits for.
    Notice(Problem),
    /// Whether this account has a recovery key. Comes at every sign-in and connection, and when it changes.
    RecoveryKey(bool),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    /// Opening what this browser keeps.
    Opening,
    SignedOut {
        realm: String,
    },
    SignedIn {
        me: Person,
        realm: String,
        device: DeviceKeyId,
        /// This browser keeps the account.
        stays: bool,
    },
    /// The account is here, and shut until its password is typed.
    Locked {
        handle: String,
        realm: String,
    },
}

/// Where signing up or in has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Asking the server.
    Asking,
    /// Working on the password, the slow part.
    Deriving,
    /// Making or opening this account's keys.
    Keys,
    /// Fetching rooms.
    Rooms,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Link {
    Connecting,
    Online,
    /// The next try starts in so many seconds.
    Offline {
        retry_secs: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Strength {
    /// 0 to 4; below 3 is refused.
    pub score: u8,
    /// What would make it better, when it is refused.
    pub advice: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    pub id: UserId,
    /// With a word behind it where another account is meant by the handle alone.
    pub handle: String,
    /// What they call themselves, and what they say of themselves. Each may be empty; both prove nothing.
    pub name: String,
    pub status: String,
    pub contact: Contact,
    /// Which of this person's identity keys is the present one: the number of the entry that brought it.
    pub since: u64,
    /// First bytes of the hash of the identity key: hue, second hue, form, turn, variant (see `ui::kit::mark`).
    pub mark: [u8; 5],
    /// A picture in the place of it, that may be looked at: its bytes come with `ShowPicture`.
    pub picture: Option<PictureId>,
    pub trust: Trust,
    pub is_me: bool,
    /// The account is not there any more.
    pub closed: bool,
    /// Came by a link with a name alone, and has no handle and password of their own.
    pub guest: bool,
}

impl Person {
    /// What a person is called where nothing hangs on who it is.
    pub fn shown(&self) -> &str {
        if self.name.is_empty() { &self.handle } else { &self.name }
    }
}

/// What a channel is about, in bytes.
pub const MAX_TOPIC_BYTES: usize = 1_000;

/// What was decided about a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contact {
    #[default]
    None,
    Accepted,
    /// This person wrote to them first, and has not heard from them.
    Asked,
    Declined,
    Blocked,
}

/// What may be decided about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContactAct {
    Accept,
    /// Their direct message is not shown any more. Nobody is told.
    Decline,
    /// Nothing of them is shown any more. Nobody is told.
    Block,
    /// Nothing is decided about them any more. An accepted direct message stays one.
    Forget,
    /// Takes back that this person wrote first: what stands there is deleted for both. → `Problem::Answered` once they have
    /// answered.
    Cancel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trust {
    /// Known by handle alone.
    Unverified,
    /// Safety numbers were compared.
    Verified,
    /// The identity is not the one that was pinned: sending is blocked.
    Changed,
    /// Safety numbers were compared, and were not the same: sending is blocked.
    Differs,
}

impl Trust {
    /// Nothing is sealed for this person before somebody decided.
    pub const fn blocks(self) -> bool {
        matches!(self, Self::Changed | Self::Differs)
    }
}

/// What a person found about another's safety number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    Same,
    Different,
    /// They did not look: what was found before is forgotten, and the identity is taken as it is.
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Room {
    pub id: Chat,
    pub kind: RoomKind,
    /// The group's name, or the other person's handle. Empty while the name's key is on the way.
    pub title: String,
    /// How many people ask to be let in.
    pub asking: u32,
    /// The other person of a direct message.
    pub peer: Option<UserId>,
    /// Picture of a group.
    pub mark: [u8; 5],
    pub members: u32,
    pub role: Role,
    pub standing: Standing,
    /// Who has seen messages here that the server does not give us.
    pub held_back: Option<UserId>,
    /// Newest message, for the list.
    pub preview: Option<Preview>,
    /// Milliseconds since 1970; rooms are listed by this, newest first.
    pub active_ms: u64,
    /// Messages that were not read; at least so many, if not `is_counted`.
    pub unread: u32,
    /// A direct message that somebody else began, about which nothing was decided yet.
    pub request: bool,
    pub is_counted: bool,
    /// Up to which message (the first of a row's `order`) it was read.
    pub read: u64,
    pub hush: Hush,
    /// The newest unread message that the person wants to be told of, if it came since this tab is connected.
    pub alert: Option<Alert>,
    /// Unread messages that call or answer this person.
    pub mentions: u32,
    /// Threads that concern this person in which something is unread, and the one where it came last.
    pub threads: u32,
    pub newest_thread: Option<EnvelopeHash>,
    /// Messages kept at hand.
    pub pins: u32,
    pub draft: String,
    /// Of a channel of a space: then `title` is its name.
    pub channel: Option<ChannelInfo>,
}

impl Room {
    /// Whether the reader can say something here now.
    pub fn takes_words(&self) -> bool {
        self.standing == Standing::Open && self.will_take_words()
    }

    /// The same, or as soon as the key is there that is on its way: what is said meanwhile waits for it.
    pub fn will_take_words(&self) -> bool {
        let closed = |info: &ChannelInfo| info.archived || !info.may_write;
        matches!(self.standing, Standing::Open | Standing::WaitingForKey) && !self.channel.as_ref().is_some_and(closed)
    }
}

/// Whether somebody is at their page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Presence {
    Here,
    /// Signed in, and not looking.
    Away,
}

impl Room {
    /// Unread messages that are meant for this person: a number stands beside the room. None while it is not known.
    pub fn calls(&self) -> Option<u32> {
        let count = match self.kind {
            RoomKind::Direct => self.unread,
            RoomKind::Group | RoomKind::Channel => self.mentions,
        };
        self.is_counted.then_some(count).filter(|count| *count > 0)
    }

    /// There is something unread, and the person wants to see that.
    pub const fn is_fresh(&self) -> bool {
        (self.unread > 0 || self.mentions > 0 || self.threads > 0) && !self.hush.muted
    }
}

/// What of a conversation a person wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Level {
    #[default]
    Everything,
    /// What calls them or answers them.
    Mentions,
    Nothing,
}

/// How much a conversation may ask for attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hush {
    /// What holds.
    pub level: Level,
    /// What was chosen for this very conversation.
    pub chosen: Option<Level>,
    /// It is quiet now, by itself or with its space.
    pub muted: bool,
    /// Muted by itself until then, milliseconds since 1970; `u64::MAX`: until it is switched on.
    pub muted_until: u64,
}

/// What was chosen for a room or a space as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomHush {
    pub room: RoomId,
    pub chosen: Option<Level>,
    pub muted_until: u64,
}

/// What is told where nothing was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usual {
    pub direct: bool,
    pub mentions: bool,
    /// Every message of a group.
    pub groups: bool,
    /// Every message of a space.
    pub spaces: bool,
}

/// A message that the person is to be told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its number (the first of its row's `order`).
    pub seq: u64,
    pub author: UserId,
    pub text: String,
    pub at_ms: u64,
    /// It stands in the thread that begins with this message.
    pub thread: Option<EnvelopeHash>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomKind {
    Direct,
    Group,
    /// One channel of a space.
    Channel,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChannelInfo {
    pub kind: ChannelKind,
    pub topic: String,
    pub archived: bool,
    pub may_write: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelKind {
    Public,
    Private,
    Announcement,
}

/// Many people, with channels and roles of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Space {
    pub id: RoomId,
    /// Empty while its key is on the way.
    pub name: String,
    pub mark: [u8; 5],
    pub members: u32,
    /// How many people ask to be let in.
    pub asking: u32,
    /// One's own.
    pub role: u8,
    pub rights: Rights,
    pub standing: Standing,
    /// In their order; the first, number 0, has no name: channels under no heading.
    pub headings: Vec<Heading>,
    /// Highest first.
    pub roles: Vec<RoleInfo>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    pub id: u16,
    pub name: String,
    /// In their order: those that one can read.
    pub channels: Vec<ChannelId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleInfo {
    pub id: u8,
    /// Of a built-in one empty: the page has words for them.
    pub name: String,
    pub rank: u8,
    pub rights: Rights,
    /// How many have it.
    pub members: u32,
    pub built_in: bool,
}

/// What a role allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rights {
    pub invite: bool,
    pub kick: bool,
    pub ban: bool,
    /// Make roles and give them.
    pub role: bool,
    /// Name of the space; and to write in announcement channels.
    pub meta: bool,
    /// Make, change, archive and arrange channels.
    pub channel: bool,
    /// Take away messages of others.
    pub redact: bool,
    pub post: bool,
    pub pin: bool,
    /// Call everybody by one mention.
    pub everyone: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRole {
    pub name: String,
    pub rank: u8,
    pub rights: Rights,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewHeading {
    /// Empty: channels under no heading.
    pub name: String,
    pub channels: Vec<NewChannel>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewChannel {
    pub name: String,
    pub topic: String,
    pub kind: ChannelKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    Member,
    Moderator,
    Owner,
}

/// Whether one can write here, and if not, why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Standing {
    Open,
    /// Nobody who holds the room key has handed it over yet.
    WaitingForKey,
    Left,
    Removed,
    /// The room's history was tampered with; nothing after this point is shown.
    Frozen(Tamper),
    /// Somebody's identity changed after it was verified, or was found to be another one (`Person::trust`).
    IdentityChanged(UserId),
    /// The other person of a direct message has closed their account, or begun anew with another.
    PeerGone,
    /// The other person of a direct message has the handle of somebody who is known already. `Command::AcceptHandle` goes on.
    HandleMoved {
        handle: String,
        user: UserId,
        /// Safety numbers were compared with the one before.
        verified: bool,
    },
    /// Somebody (`by`, where it can be told) has seen a change to this room that the server does not give us: it may have
    /// taken somebody out.
    Withheld {
        by: Option<UserId>,
    },
}

/// What the server, or somebody with its help, was caught at. Events of the protocol, for the person in plain words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tamper {
    /// A membership entry that no member signed, out of order or not allowed.
    InvalidEntry,
    /// Two people were shown different histories.
    Fork,
    /// The server holds back what others have already seen.
    Withholding,
    /// Different keys were handed to different people.
    KeyMismatch,
}

/// Two statements that cannot both be true of one room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// When it was noticed, milliseconds since 1970.
    pub at_ms: u64,
    /// Who signed the other statement; nobody when it is the server's own word.
    pub by: Option<UserId>,
    /// They said it with a message: of that only what it says of the room is kept, without the signature, which covers the
    /// words as well.
    pub with_words: bool,
    /// About the list of changes to the room; otherwise about its messages.
    pub about_log: bool,
    /// Number of the change or message that differs.
    pub seq: u64,
    /// What stands at that place here and there: hashes, as text.
    pub ours: String,
    pub theirs: String,
    /// Both statements as JSON, to be handed on, with their signatures where they cover no words. It holds no text of any
    /// message.
    pub file: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    pub author: UserId,
    pub text: String,
    pub at_ms: u64,
    pub state: Delivery,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub user: UserId,
    /// The nearest of the three that every room has; of a space's own role `Role::Member`.
    pub role: Role,
    /// Which it is: 1 member, 2 moderator, 3 owner, 16 and up: a role of the space.
    pub role_id: u8,
    /// Number of the newest message that they say to have read (the first of a row's `order`); 0 when nothing is known.
    pub read_up_to: u64,
    /// The same of what has come to a browser of theirs.
    pub reached: u64,
}

/// Rows of the room on screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    pub chat: Chat,
    /// Not of the conversation but of the thread that begins with this message.
    pub thread: Option<EnvelopeHash>,
    /// Forget what was shown of this room before.
    pub reset: bool,
    /// Put in place by `order`, replacing rows of the same `key`.
    pub rows: Vec<Row>,
    /// Keys of rows to take away.
    pub gone: Vec<String>,
    /// Whether there are rows before the oldest one. `None`: as before.
    pub has_older: Option<bool>,
    /// The key of the first row that was not yet read when the room was shown; only with `reset`.
    pub first_unread: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Unique in the room and stable, whatever becomes of the row.
    pub key: String,
    /// Ascending; unique in the room.
    pub order: (u64, u64),
    /// The author's clock, milliseconds since 1970; never later than it came in, nor before the room was made.
    pub at_ms: u64,
    pub body: Body,
    /// Of a message that has its place.
    pub hash: Option<EnvelopeHash>,
    /// What was answered to it in a thread.
    pub thread: Option<Thread>,
}

/// A thread, as the message says that it begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    pub root: EnvelopeHash,
    pub answers: u32,
    /// Of them, by others and not read; no more than 100 are counted.
    pub unread: u32,
    /// When the newest was written.
    pub last_ms: u64,
    /// Who wrote the newest.
    pub who: Vec<UserId>,
}

/// The same, in a list of threads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedThread {
    pub thread: Thread,
    /// The message that it begins with.
    pub quote: Quote,
}

#[allow(clippy::large_enum_variant)] // nearly all are texts
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Body {
    Text {
        author: UserId,
        message: MessageId,
        text: String,
        state: Delivery,
        /// Its author has changed the text.
        edited: bool,
        reactions: Vec<Reaction>,
        ties: Ties,
    },
    Poll {
        author: UserId,
        message: MessageId,
        poll: Poll,
        state: Delivery,
        reactions: Vec<Reaction>,
        pinned: bool,
    },
    /// A message that is here and cannot be shown.
    Unreadable(Unreadable),
    Note(Note),
}

impl Body {
    /// How far a message has got; nothing for what is none.
    pub fn state(&self) -> Option<&Delivery> {
        match self {
            Self::Text { state, .. } | Self::Poll { state, .. } => Some(state),
            Self::Unreadable(_) | Self::Note(_) => None,
        }
    }

    pub fn reactions(&self) -> &[Reaction] {
        match self {
            Self::Text { reactions, .. } | Self::Poll { reactions, .. } => reactions,
            Self::Unreadable(_) | Self::Note(_) => &[],
        }
    }
}

/// A poll to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPoll {
    pub question: String,
    pub options: Vec<String>,
    /// More than one may be chosen.
    pub several: bool,
    /// Milliseconds since 1970; 0: until somebody ends it.
    pub ends_ms: u64,
}

/// A poll and what came of it so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poll {
    pub question: String,
    pub options: Vec<PollOption>,
    pub several: bool,
    /// From then on nobody votes; 0: until somebody ends it.
    pub ends_ms: u64,
    /// Who ended it.
    pub ended: Option<UserId>,
    /// How many chose anything.
    pub voters: u32,
    /// One's own vote is on its way.
    pub waiting: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollOption {
    pub text: String,
    pub votes: u32,
    pub mine: bool,
    /// Some of the others who chose it.
    pub who: Vec<UserId>,
}

/// What a text says besides its words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ties {
    /// What it answers.
    pub reply: Option<Quote>,
    /// Whom it calls by `@handle`.
    pub mentions: Vec<UserId>,
    /// It calls everybody, and its author may.
    pub everyone: bool,
    /// It calls or answers this person.
    pub to_me: bool,
    /// It was handed on from another conversation.
    pub forwarded: bool,
    pub pinned: bool,
}

/// A message that somebody wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// As a link names it.
    Number(u64),
    Message(MessageId),
    Hash(EnvelopeHash),
    /// The first from this time on, milliseconds since 1970; else the newest.
    Time(u64),
}

/// A message that is kept at hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    pub target: EnvelopeHash,
    pub quote: Quote,
    /// When it was written; 0 while that is not known.
    pub at_ms: u64,
    /// Who pinned it.
    pub by: UserId,
}

/// A message that was put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedMessage {
    pub chat: Chat,
    pub target: EnvelopeHash,
    pub quote: Quote,
    /// When it was written; 0 while that is not known.
    pub at_ms: u64,
    /// When it was put aside.
    pub saved_ms: u64,
}

/// A message that another one answers, as it stands now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quote {
    Text {
        message: MessageId,
        by: UserId,
        /// The first line.
        text: String,
        edited: bool,
    },
    /// It was deleted, or has had its time.
    Gone,
    /// Before what has been loaded, or not readable yet.
    Earlier(EnvelopeHash),
    /// There is no such message.
    Nowhere,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    pub emoji: String,
    /// How many people.
    pub count: u32,
    pub mine: bool,
    /// Some of them.
    pub who: Vec<UserId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// Kept here, not yet taken by the server.
    Pending,
    Sent,
    Failed(Problem),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unreadable {
    BeforeYouJoined,
    /// Opens by itself.
    KeyOnTheWay,
    /// Could not be verified.
    Damaged,
    /// The server skipped or reordered messages here.
    Gap,
    /// Written by somebody in a time-out.
    TimedOut,
    /// Sooner behind the one before it than the channel allows.
    TooSoon,
}

/// What happened to the room itself, from its signed log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Note {
    Created {
        by: UserId,
    },
    Added {
        by: UserId,
        who: UserId,
    },
    Removed {
        by: UserId,
        who: UserId,
    },
    Banned {
        by: UserId,
        who: UserId,
    },
    Unbanned {
        by: UserId,
        who: UserId,
    },
    /// They may not write until then, milliseconds since 1970; 0: they may again.
    TimedOut {
        by: UserId,
        who: UserId,
        until_ms: u64,
    },
    /// So many seconds between two texts of one person; 0: none.
    SlowMode {
        by: UserId,
        seconds: u32,
    },
    /// `role_id` as in `Member`.
    RoleGiven {
        by: UserId,
        who: UserId,
        role_id: u8,
    },
    Left {
        who: UserId,
    },
    /// Came by an invite that `by` made.
    Joined {
        who: UserId,
        by: UserId,
    },
    AskedToJoin {
        who: UserId,
        by: UserId,
    },
    Renamed {
        by: UserId,
        name: String,
    },
    /// An unverified contact uses another browser from now on.
    NewDevice {
        who: UserId,
    },
    IdentityChanged {
        who: UserId,
    },
    /// They deleted their account, or began a new one: nobody reads or writes as this person any more.
    AccountClosed {
        who: UserId,
    },
    /// A message stood here.
    Deleted {
        by: UserId,
        /// By somebody who keeps order.
        by_order: bool,
        /// Who had written it, if it was not they and that is known.
        whose: Option<UserId>,
    },
    /// A message stood here that has had its time; what was answered to it is still there.
    Faded,
    /// Nobody here could open the room key that they made.
    KeyForNobody {
        by: UserId,
    },
    /// They put a message where everybody finds it.
    Pinned {
        by: UserId,
        target: EnvelopeHash,
    },
    /// Messages live so many seconds from here on; 0: for ever.
    Disappearing {
        by: UserId,
        seconds: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Device {
    pub id: DeviceKeyId,
    /// Empty when the label cannot be opened.
    pub label: String,
    pub is_this: bool,
    pub added_ms: u64,
    /// `None`: not signed in.
    pub seen_ms: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Safety {
    pub user: UserId,
    /// 60 digits in 12 groups of five.
    pub groups: Vec<String>,
    /// The identity key it is made of, as in `Person`.
    pub since: u64,
    /// Rows of the QR code, `true` = dark, without the quiet zone.
    pub qr: Vec<Vec<bool>>,
    pub trust: Trust,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Invites {
    /// Those that can still be used.
    pub open: Vec<Invite>,
    /// Who asked to be let in.
    pub requests: Vec<UserId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Invite {
    pub id: InviteId,
    pub by: UserId,
    /// 1 member, 2 moderator, 3 owner, 16 and up: roles of the space.
    pub role: u8,
    pub uses: u32,
    pub max_uses: u32,
    pub expires_ms: u64,
    pub approval: bool,
}

/// What somebody with a link sees before they join; all but the title is from the room's signed log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InvitePreview {
    pub room: RoomId,
    /// As it was when the invite was made. Empty when it cannot be opened.
    pub title: String,
    pub by: Option<Person>,
    pub members: u32,
    /// Picture of the group.
    pub mark: [u8; 5],
    pub invite: Invite,
    /// This person has asked to be let in, and nobody has decided yet.
    pub asked: bool,
}

/// What a link leads to, as far as that can be told without an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Peeked {
    Invite(PeekedInvite),
    /// What the link itself says.
    Contact {
        user: UserId,
        handle: String,
    },
}

/// The title comes from the link's maker; all else is the server's word until somebody who is signed in opens the link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeekedInvite {
    pub room: RoomId,
    pub title: String,
    /// The handle of who made it. Empty when the server names nobody.
    pub by: String,
    /// Picture of the group.
    pub mark: [u8; 5],
    pub members: u32,
    pub expires_ms: u64,
    pub approval: bool,
    /// Why it does not let in; `None`: it does.
    pub over: Option<Over>,
    /// The server takes guests.
    pub guests: bool,
}

/// Why an invite does not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Over {
    /// The server knows no such invite.
    Wrong,
    UsedUp,
    Expired,
    TakenBack,
    /// Its maker left or may not invite any more, or the group is closed.
    Void,
    Banned,
    /// It lets in others.
    NotForYou,
}

/// What went wrong, sorted so that each has one sentence and one thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Problem {
    WrongPassword,
    HandleTaken(String),
    /// The server takes no guests, or no more.
    NoGuests,
    /// A guest's account was to be kept under this handle, and no answer came.
    MaybeKept(String),
    /// It is kept, and signed out here.
    KeptElsewhere(String),
    /// 3 to 32 of a–z, 0–9, `_`, `-`, beginning with a letter.
    HandleMalformed,
    UnknownHandle(String),
    /// Under a handle that is known here stands another account now: somebody began anew, or the server lies.
    HandleMoved {
        handle: String,
        now: UserId,
        /// Safety numbers were compared with the one before.
        verified: bool,
    },
    WeakPassword(Option<String>),
    ThatIsYou,
    EmptyName,
    /// A name, a topic, a reason: longer than so many bytes.
    TooLong {
        max: u32,
    },
    /// A text is longer than one message may be.
    MessageTooLong,
    /// As many of something are here as there may be: channels, headings, roles, invites.
    TooMany,
    TooManyPeople {
        max: u32,
    },
    /// So many messages are put aside that there is no place for another.
    TooManySaved {
        max: u32,
    },
    /// It is no image of a kind that is taken.
    NotAPicture,
    /// Somebody has none, or none that can be shown.
    NoPicture,
    /// No more messages can be kept at hand.
    TooManyPins {
        max: u32,
    },
    /// More conversations than one message is handed on to at a time.
    TooManyForwards {
        max: u32,
    },
    /// More people are called by name than one message may.
    TooManyMentions {
        max: u32,
    },
    /// Nobody here may act but those whom a report is about.
    NobodyToTell,
    /// The messages of a report are too long together.
    ReportTooLong,
    /// Too many reports wait in this room.
    TooManyReports,
    AlreadyThere(String),
    /// Somebody who was to be let in has another safety number than was checked, or was found to differ.
    NotTrusted(String),
    /// The safety number changed while it was looked at.
    NumberChanged,
    NotAllowed,
    /// The message has gone, or is not on screen.
    NoSuchMessage,
    /// A poll needs a question and 2 to 12 answers to choose from.
    PollIncomplete,
    /// Nobody can vote in it any more.
    PollOver,
    LastOwner,
    /// They are not in the room any more.
    NotThere(String),
    /// Somebody was faster, or it is so already.
    AlreadyDone,
    /// One's own words do not count here before this time.
    TimedOut {
        until_ms: u64,
    },
    /// Somebody has this role, or an open invite gives it.
    RoleInUse,
    /// Not a link of Sotto's, or damaged on its way.
    BadLink,
    /// Their direct message is hidden because they are blocked.
    BlockedByYou(String),
    /// Somebody who was asked has answered: there is nothing to take back.
    Answered(String),
    /// They were taken out of the room for good, and not let in before that is taken back.
    Banned(String),
    /// Under the handle of a contact link stands another account than the link names.
    OtherPerson(String),
    /// The invite does not let in.
    InviteOver(Over),
    /// The room cannot be written to; its `standing` says why.
    RoomClosed,
    /// No answer.
    Offline,
    TooFast {
        retry_secs: u32,
    },
    /// The server answered that it cannot: stopped database, full disk.
    ServerTrouble,
    /// The server and this page do not speak the same version: reload.
    OldPage,
    /// This browser was signed out from another one.
    SignedOut,
    /// What the server sent does not hold up: wrong keys, forged log, weak settings.
    ServerLied(String),
    /// The server keeps an older state of this account's keys and contacts than it should, or a part of it. Nothing of it was
    /// taken, nothing here was destroyed.
    VaultRolledBack,
    /// The answer to a change of password was lost: the new one counts, or still the old one. Try the new one first.
    MaybeChanged,
    /// What was begun with the password was not finished within ten minutes: begin again.
    TookTooLong,
    /// Not a recovery key: something was mistyped. The group, counted from 1, if it can be told.
    RecoveryKeyMistyped {
        group: Option<u8>,
    },
    /// Not the groups that were asked for.
    WrongGroups,
    /// Handle and recovery key do not belong together.
    WrongRecoveryKey,
    /// This browser's storage refused; nothing was sent.
    StorageFull,
    /// Storage was written by a newer Sotto: reload the page.
    NewerStorage,
    /// A fault of ours.
    Internal(String),
}
