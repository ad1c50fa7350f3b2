//! Scripts of anything that can happen, played with several engines, and what must hold whatever happens.
//!
//! ```text
//!  bytes ─▶ Script ─▶ Stage: World, Hands (network and relay), Witness ─▶ everybody comes back, the relay turns honest
//!                                                                           │
//!        nothing is readable for whoever is no member  (Witness)     ◀──────┤
//!        nothing is shown that nobody wrote, or twice                ◀──────┤
//!        all see the same, or somebody was told                      ◀──────┤
//!        while the relay was honest: told of nothing, and no word that was deleted is shown or kept
//! ```
//!
//! A fault is an `Err` with its reason; a panic or a world that does not come to rest is one as well.

pub mod accept;
mod bend;
mod hands;
pub mod records;
pub mod script;
mod witness;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use sotto_shared::api::B64;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::header::envelope_hash;
use sotto_shared::envelope::transcript::Transcript;
use sotto_shared::id::{ChannelId, DeviceKeyId, MessageId, RoomId, UserId};
use sotto_shared::log::room_log::{RoomKind, RoomState};

use self::hands::{Hands, Kind, Trick, Wiles, Withheld};
use self::script::{Op, Relay, Script, What};
use self::witness::{Keys, Witness, keys_in};
use super::relay::{People, StoredRoom};
use super::world::password;
use super::{ModelRelay, Snapshot, World};
use crate::engine::Key;
use crate::ui::place::Place;
use crate::view::{Body, Change, Command, Delivery, Note, Outcome, Phase, Problem, Role, Row, Standing};

const PEOPLE: [&str; 4] = ["ada", "bob", "cyd", "dan"];
const EMOJIS: [&str; 4] = ["👍", "🎉", "👀", "🌱"];
/// Windows, rooms, forks, sign-ins and browsers taken away of one run, at most: time is short.
const MAX_BROWSERS: usize = 9;
const MAX_ROOMS: usize = 6;
const MAX_RELAYS: usize = 2;
const MAX_SIGN_INS: u32 = 1;
const MAX_REVOKED: usize = 1;
/// Steps in which somebody looks for something to speak about.
const LOOKING: u32 = 12;
/// Messages on their way out stand behind this.
const UNSENT: u64 = u64::MAX >> 11;

/// Who wrote a text, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    author: UserId,
    room: RoomId,
    /// The message that it is another text for.
    instead_of: Option<MessageId>,
}

/// A message as somebody sees it.
struct Line {
    seq: u64,
    /// `None`: it was deleted.
    text: Option<(MessageId, String)>,
    /// With everything else that all should see alike.
    looks: String,
}

/// Four people, one of them in two browsers, in two rooms: where every script begins.
pub struct Past {
    snapshot: Snapshot<Arc<PrivateKey>>,
    witness: Witness,
    keys: Keys,
    said: BTreeMap<String, Said>,
}

/// What a script came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcomes {
    /// Somebody was told that something is wrong.
    pub alarms: u32,
    pub messages: u32,
    /// Messages that somebody saw so, reactions counted once for each.
    pub edited: u32,
    pub deleted: u32,
    pub reactions: u32,
    /// Browsers that were taken away.
    pub revoked: u32,
    pub steps: u32,
}

struct Stage {
    world: World<RustCrypto>,
    relay: Relay,
    witness: Rc<RefCell<Witness>>,
    wiles: Rc<RefCell<Wiles>>,
    keys: Keys,
    /// Every text there is.
    said: BTreeMap<String, Said>,
    /// What was ever shown in the place of a message.
    words: BTreeMap<(RoomId, u64), BTreeSet<String>>,
    edited: BTreeSet<MessageId>,
    reacted: BTreeSet<(MessageId, String)>,
    /// Messages that somebody wanted deleted, and those that were seen to be.
    to_delete: BTreeSet<MessageId>,
    deleted: BTreeSet<(RoomId, u64)>,
    /// Whom a browser was last signed in as; those that others wanted taken away.
    devices: BTreeMap<usize, DeviceKeyId>,
    to_revoke: BTreeSet<DeviceKeyId>,
    /// Not yet answered, by browser.
    commands: Vec<(usize, u32)>,
    closed: BTreeSet<usize>,
    sign_ins: u32,
    /// What people were told that no room is named with.
    told: Vec<String>,
    alarmed: BTreeSet<RoomId>,
}

impl Past {
    pub async fn make() -> Self {
        let mut world = World::new(RustCrypto, "fuzz");
        for handle in PEOPLE {
            world.newcomer(handle).await;
        }
        let tea = world.group(0, "Tea", &["bob", "cyd"]).await;
        let duo = world.direct(0, "bob").await;
        let mut said = BTreeMap::new();
        for (browser, room, text) in [(0, tea, "first"), (1, tea, "second"), (1, duo, "third")] {
            world.say(browser, room, text).await;
            let me = world.browsers[browser].me().expect("signed in");
            let it = Said {
                author: me,
                room,
                instead_of: None,
            };
            said.insert(text.to_owned(), it);
        }
        world.sign_in("ada").await;
        world
            .run(4, Command::ShowRoom { chat: tea.into() })
            .await
            .expect("her room");
        let mut keys = Keys::new();
        collect_keys(&world, &mut keys);
        let witness = Witness::of(world.relay());
        Self {
            snapshot: world.into_snapshot(),
            witness,
            keys,
            said,
        }
    }
}

fn collect_keys(world: &World<RustCrypto>, keys: &mut Keys) {
    for browser in &world.browsers {
        let disk = browser.disk.borrow();
        if let (Some(me), Some(record)) = (browser.me(), disk.records.get(&Key::Keys)) {
            keys.extend(keys_in(record).into_iter().map(|(g, key)| ((me, g), key)));
        }
    }
}

/// An address of the page: what it is known by reads back the same.
pub fn places(bytes: &[u8]) {
    let place = Place::parse(&String::from_utf8_lossy(bytes));
    assert!(
        place == Place::Unknown || Place::parse(&place.path()) == place,
        "{place:?}"
    );
}

/// Plays a script. `Ok(None)`: the bytes are none.
pub async fn run(past: &Past, bytes: &[u8]) -> Result<Option<Outcomes>, String> {
    let Some(script) = Script::parse(bytes) else {
        return Ok(None);
    };
    let mut stage = Stage::new(past, &script).await;
    for op in &script.ops {
        stage.play(*op).await?;
    }
    stage.come_back().await?;
    stage.check("before a reload").await?;
    for browser in 0..stage.world.browsers.len() {
        if !stage.closed.contains(&browser) {
            stage.reload(browser)?;
        }
    }
    stage.calm().await?;
    stage.check("after a reload").await?;
    collect_keys(&stage.world, &mut stage.keys);
    stage.witness.borrow().judge(&stage.keys)?;
    Ok(Some(Outcomes {
        alarms: (stage.alarmed.len() + stage.told.len()) as u32,
        messages: stage.said.len() as u32,
        edited: stage.edited.len() as u32,
        deleted: stage.deleted.len() as u32,
        reactions: stage.reacted.len() as u32,
        revoked: (stage.world.relays[0].people.0.values())
            .map(|account| account.log.view().revocations)
            .sum(),
        steps: stage.world.steps,
    }))
}

impl Stage {
    async fn new(past: &Past, script: &Script) -> Self {
        let mut world = World::from_snapshot(RustCrypto, &past.snapshot, &format!("schedule {}", script.schedule));
        world.settle().await;
        let witness = Rc::new(RefCell::new(past.witness.clone()));
        let wiles = Rc::default();
        world.tamper = Box::new(Hands {
            witness: Rc::clone(&witness),
            wiles: Rc::clone(&wiles),
        });
        Self {
            world,
            relay: script.relay,
            witness,
            wiles,
            keys: past.keys.clone(),
            said: past.said.clone(),
            words: BTreeMap::new(),
            edited: BTreeSet::new(),
            reacted: BTreeSet::new(),
            to_delete: BTreeSet::new(),
            deleted: BTreeSet::new(),
            devices: BTreeMap::new(),
            to_revoke: BTreeSet::new(),
            commands: Vec::new(),
            closed: BTreeSet::new(),
            sign_ins: 0,
            told: Vec::new(),
            alarmed: BTreeSet::new(),
        }
    }

    // --- Operations ----------------------------------------------------------------------------------------------------------

    async fn play(&mut self, op: Op) -> Result<(), String> {
        if self.relay == Relay::Evil || !op.what.is_a_lie() {
            self.perform(op).await?;
        }
        match op.steps {
            steps @ 0..112 => self.world.settle_for(u32::from(steps / 4)).await,
            steps @ 112..176 => self.world.settle_for(u32::from(steps - 112)).await,
            176.. => self.world.settle().await,
        }
        self.look()
    }

    async fn perform(&mut self, op: Op) -> Result<(), String> {
        let room = self.room(op);
        let browser = self.actor(op, room);
        if self.closed.contains(&browser) {
            return Ok(());
        }
        let handle = self.target(op, browser, room);
        match op.what {
            What::Nothing => {}
            What::Send => self.send(browser, room, op.on),
            What::Edit | What::Delete | What::React => self.say_about(op, browser, room).await,
            What::Revoke => self.revoke(op, browser),
            What::OpenDirect => self.room_command(browser, Command::OpenDirect { handle }),
            What::NewGroup => {
                let is_in = |index: usize| op.on & (1 << index) != 0;
                let handles = PEOPLE.iter().enumerate().filter(|(index, _)| is_in(*index));
                let handles = handles.map(|(_, handle)| (*handle).to_owned()).collect();
                let name = format!("Group {}", op.on);
                self.room_command(browser, Command::CreateGroup { name, handles });
            }
            What::Add => {
                let handles = vec![handle];
                self.command(browser, Command::AddPeople { room, handles });
            }
            What::Remove => {
                if let Some((user, _)) = self.world.relay().people.find(&handle) {
                    let user = *user;
                    self.command(browser, Command::RemovePerson { room, user });
                }
            }
            What::Leave => self.command(browser, Command::LeaveRoom { room }),
            What::Rename => {
                let name = format!("Name {}", self.world.steps);
                self.command(browser, Command::RenameRoom { room, name });
            }
            What::Show => self.command(browser, Command::ShowRoom { chat: room.into() }),
            What::Older => self.command(browser, Command::LoadOlder { chat: room.into() }),
            What::Read => {
                // By somebody who has the page before them, and says so.
                self.command(browser, Command::Looking { visible: true });
                self.command(browser, Command::MarkRead { chat: room.into() });
            }
            What::Offline => self.world.go_offline(browser),
            What::Online => self.world.go_online(browser),
            What::DropSocket => self.world.drop_socket(browser),
            What::Reload => self.reload(browser)?,
            What::Crash => {
                let browser = &mut self.world.browsers[browser];
                // One that has stopped does not go on.
                if !browser.is_dead() {
                    browser.fuse = Some(u32::from(op.on % 32));
                }
            }
            What::Tab => {
                if self.world.browsers.len() < MAX_BROWSERS {
                    self.world.tab(browser);
                }
            }
            What::Close => {
                self.look()?;
                self.world.close(browser);
                self.commands.retain(|(other, _)| *other != browser);
                self.closed.insert(browser);
            }
            What::SignIn => self.sign_in(&handle),
            What::Wait => self.world.advance(u64::from(op.on) * 400),
            What::Day => self.world.advance(25 * 3_600_000),
            What::DropFrame => self.trick(browser, Trick::DropFrame),
            What::DoubleFrame => self.trick(browser, Trick::DoubleFrame),
            What::HoldFrame => self.trick(browser, Trick::HoldFrame),
            What::LoseAsk => self.trick(browser, Trick::LoseAsk),
            What::LoseReply => self.trick(browser, Trick::LoseReply),
            _ => self.lie(op, browser, room),
        }
        Ok(())
    }

    fn lie(&mut self, op: Op, browser: usize, room: RoomId) {
        let choice = u32::from(op.on) << 8 | u32::from(op.steps);
        let index = self.world.browsers[browser].relay;
        let user = self.world.browsers[browser].me();
        let relay = &mut self.world.relays[index];
        match op.what {
            What::BendFrame => self.trick(browser, Trick::BendFrame(choice)),
            What::BendReply => self.trick(browser, Trick::BendReply(choice)),
            What::MixRooms => self.trick(browser, Trick::MixRooms(room)),
            What::Refuse => {
                let codes = [
                    ErrorCode::Forbidden,
                    ErrorCode::NotFound,
                    ErrorCode::StaleHead,
                    ErrorCode::InvalidEntry,
                    ErrorCode::TooFast,
                    ErrorCode::Unavailable,
                    ErrorCode::WrongEpoch,
                    ErrorCode::Duplicate,
                ];
                let code = codes[usize::from(op.on) % codes.len()];
                self.trick(browser, Trick::Refuse(code));
            }
            What::OldFrame => {
                let wiles = self.wiles.borrow();
                let told = wiles.told.get(usize::from(op.on) % wiles.told.len().max(1));
                if let (Some(user), Some(frame)) = (user, told) {
                    relay.tell(&user, frame);
                }
            }
            What::WithholdLog => self.withhold(browser, room, Kind::Log),
            What::WithholdMessages => self.withhold(browser, room, Kind::Messages),
            What::WithholdWraps => self.withhold(browser, room, Kind::Wraps),
            What::WithholdPeople => self.withhold(browser, room, Kind::People),
            What::Relent => {
                let mut wiles = self.wiles.borrow_mut();
                wiles.withheld.retain(|held| Some(held.user) != user);
            }
            What::Fork => {
                let browsers: Vec<usize> = (0..self.world.browsers.len())
                    .filter(|index| op.on & (1 << (index % 8)) != 0)
                    .collect();
                if self.world.relays.len() < MAX_RELAYS {
                    self.world.fork(&browsers);
                }
            }
            _ => rewrite(relay, room, op),
        }
    }

    /// One of the rooms there are, in the order in which they were made; a group where only a group makes sense.
    fn room(&self, op: Op) -> RoomId {
        let rooms = &self.witness.borrow().rooms;
        let is_group = |room: &&RoomId| {
            let stored = self.world.relays[0].rooms.get(room);
            stored.is_some_and(|stored| stored.state.kind == RoomKind::Group)
        };
        let wants_group = matches!(op.what, What::Add | What::Remove | What::Leave | What::Rename);
        let groups: Vec<&RoomId> = rooms.iter().filter(|room| !wants_group || is_group(room)).collect();
        *groups[usize::from(op.on % 16) % groups.len()]
    }

    /// The browser that an operation means: mostly one that can do it.
    fn actor(&self, op: Op, room: RoomId) -> usize {
        let least = match op.what {
            What::Remove | What::Rename => Role::Owner,
            _ => Role::Member,
        };
        let can = |browser: &usize| {
            let there = self.world.browsers[*browser].room(room);
            there.is_some_and(|room| room.role >= least && room.standing == Standing::Open)
        };
        let able: Vec<usize> = match op.what {
            What::Revoke => {
                let can = |browser: &usize| !self.others(*browser).is_empty();
                (0..self.world.browsers.len()).filter(can).collect()
            }
            What::Send
            | What::Edit
            | What::Delete
            | What::React
            | What::Add
            | What::Remove
            | What::Leave
            | What::Rename
                if op.who < 224 =>
            {
                (0..self.world.browsers.len()).filter(can).collect()
            }
            _ => Vec::new(),
        };
        let who = usize::from(op.who);
        if able.is_empty() {
            who % self.world.browsers.len()
        } else {
            able[who % able.len()]
        }
    }

    /// The person that an operation means: mostly one whom it can be done to.
    fn target(&self, op: Op, browser: usize, room: RoomId) -> String {
        let members = self.world.browsers[browser].members(room);
        let me = self.world.browsers[browser]
            .me()
            .map(|me| self.world.browsers[browser].handle(me));
        let fits = |handle: &&str| match op.what {
            What::Add => !members.iter().any(|member| member == handle),
            What::Remove => members.iter().any(|member| member == handle) && me.as_deref() != Some(handle),
            _ => true,
        };
        let fitting: Vec<&str> = PEOPLE.into_iter().filter(|handle| fits(handle)).collect();
        let all = if fitting.is_empty() { PEOPLE.to_vec() } else { fitting };
        all[usize::from(op.on / 16) % all.len()].to_owned()
    }

    fn command(&mut self, browser: usize, command: Command) {
        let id = self.world.browsers[browser].command(command);
        self.commands.push((browser, id));
    }

    fn room_command(&mut self, browser: usize, command: Command) {
        if self.witness.borrow().rooms.len() < MAX_ROOMS {
            self.command(browser, command);
        }
    }

    /// Messages on a browser's screen about which something can be said: one's own, or anybody's.
    fn choice(&self, what: What, browser: usize) -> Vec<MessageId> {
        let browser = &self.world.browsers[browser];
        let Some(me) = browser.me() else {
            return Vec::new();
        };
        let rows = browser.rows().into_iter().filter_map(|row| match row {
            Body::Text { author, message, .. } if what == What::React || author == me => Some(message),
            _ => None,
        });
        rows.collect()
    }

    async fn say_about(&mut self, op: Op, browser: usize, room: RoomId) {
        if self.world.browsers[browser].shown() != Some(room) {
            self.command(browser, Command::ShowRoom { chat: room.into() });
            self.world.settle_for(LOOKING).await;
        }
        let choice = self.choice(op.what, browser);
        if self.world.browsers[browser].shown() != Some(room) || choice.is_empty() {
            return;
        }
        let message = choice[usize::from(op.on) % choice.len()];
        match op.what {
            What::Edit => {
                if let Some(text) = self.words(browser, room, Some(message), op.on) {
                    self.command(
                        browser,
                        Command::Edit {
                            chat: room.into(),
                            message,
                            text,
                        },
                    );
                }
            }
            What::Delete => {
                self.to_delete.insert(message);
                self.command(
                    browser,
                    Command::Delete {
                        chat: room.into(),
                        message,
                    },
                );
            }
            _ => {
                let react = Command::React {
                    chat: room.into(),
                    message,
                    emoji: EMOJIS[usize::from(op.on / 32) % EMOJIS.len()].to_owned(),
                    on: op.on < 160,
                };
                self.command(browser, react);
            }
        }
    }

    /// The other browsers of an account, as the relay knows them.
    fn others(&self, browser: usize) -> Vec<DeviceKeyId> {
        let Phase::SignedIn { me, device, .. } = self.world.browsers[browser].phase() else {
            return Vec::new();
        };
        let account = self.world.relays[0].people.0.get(&me.id);
        let devices = account
            .into_iter()
            .flat_map(|account| account.log.view().devices.keys());
        devices.filter(|other| **other != device).copied().collect()
    }

    fn revoke(&mut self, op: Op, browser: usize) {
        let others = self.others(browser);
        let me = self.world.browsers[browser].me();
        if let (Some(me), false, true) = (me, others.is_empty(), self.to_revoke.len() < MAX_REVOKED) {
            let device = others[usize::from(op.on) % others.len()];
            self.to_revoke.insert(device);
            let password = password(&self.world.browsers[browser].handle(me));
            self.command(browser, Command::RevokeDevice { device, password });
        }
    }

    fn send(&mut self, browser: usize, room: RoomId, on: u8) {
        if let Some(text) = self.words(browser, room, None, on) {
            self.command(browser, Command::say(room, text));
        }
    }

    /// Something to write. No text is written twice.
    fn words(&mut self, browser: usize, room: RoomId, instead_of: Option<MessageId>, on: u8) -> Option<String> {
        let author = self.world.browsers[browser].me()?;
        let length = [0, 0, 0, 700][usize::from(on >> 6)];
        let text = format!(
            "{} of {}{}",
            self.said.len(),
            self.world.browsers[browser].name,
            ".".repeat(length)
        );
        let said = Said {
            author,
            room,
            instead_of,
        };
        self.said.insert(text.clone(), said);
        Some(text)
    }

    fn sign_in(&mut self, handle: &str) {
        if self.sign_ins < MAX_SIGN_INS && self.world.browsers.len() < MAX_BROWSERS {
            self.sign_ins += 1;
            let browser = self.world.browser(&format!("{handle}'s new browser"));
            let command = Command::SignIn {
                handle: handle.to_owned(),
                password: password(handle),
                stay: true,
            };
            self.command(browser, command);
        }
    }

    fn reload(&mut self, browser: usize) -> Result<(), String> {
        self.look()?;
        self.commands.retain(|(other, _)| *other != browser);
        self.world.reload(browser);
        Ok(())
    }

    fn trick(&mut self, browser: usize, trick: Trick) {
        self.wiles.borrow_mut().tricks.push_back((browser, trick));
    }

    fn withhold(&mut self, browser: usize, room: RoomId, kind: Kind) {
        let relay = &self.world.relays[self.world.browsers[browser].relay];
        let (Some(user), Some(stored)) = (self.world.browsers[browser].me(), relay.rooms.get(&room)) else {
            return;
        };
        let people = relay.people.0.iter();
        let held = Withheld {
            user,
            kind,
            then: stored.head(),
            people: people.map(|(user, account)| (*user, account.entries.len())).collect(),
        };
        self.wiles.borrow_mut().withheld.push(held);
    }

    // --- The end -------------------------------------------------------------------------------------------------------------

    /// The relay is one and honest, everybody is online and says something.
    async fn come_back(&mut self) -> Result<(), String> {
        {
            let mut wiles = self.wiles.borrow_mut();
            wiles.tricks.clear();
            wiles.withheld.clear();
        }
        for browser in 0..self.world.browsers.len() {
            if self.closed.contains(&browser) {
                continue;
            }
            if self.world.browsers[browser].is_dead() {
                self.reload(browser)?;
            }
            self.world.browsers[browser].fuse = None;
            self.world.drop_socket(browser);
            self.world.browsers[browser].relay = 0;
            if !self.world.browsers[browser].has_network {
                self.world.go_online(browser);
            }
        }
        self.calm().await?;
        let rooms = self.witness.borrow().rooms.clone();
        for browser in self.here() {
            for room in &rooms {
                if self.standing(browser, *room) == Some(Standing::Open) {
                    self.send(browser, *room, 0);
                }
            }
            self.world.settle().await;
        }
        self.calm().await
    }

    /// Until everybody who waits for another try has had it.
    async fn calm(&mut self) -> Result<(), String> {
        for _ in 0..5 {
            self.world.settle().await;
            self.look()?;
            self.world.advance(31_000);
        }
        self.world.settle().await;
        self.look()
    }

    /// Browsers in which somebody is signed in.
    fn here(&self) -> Vec<usize> {
        (0..self.world.browsers.len())
            .filter(|browser| !self.closed.contains(browser))
            .filter(|browser| matches!(self.world.browsers[*browser].phase(), Phase::SignedIn { .. }))
            .collect()
    }

    fn standing(&self, browser: usize, room: RoomId) -> Option<Standing> {
        self.world.browsers[browser].room(room).map(|room| room.standing)
    }

    /// Goes through what people were shown and told since the last look.
    fn look(&mut self) -> Result<(), String> {
        for index in 0..self.world.browsers.len() {
            let browser = &mut self.world.browsers[index];
            let name = browser.name.clone();
            for change in std::mem::take(&mut browser.changes) {
                match change {
                    Change::Phase(Phase::SignedIn { device, .. }) => {
                        self.devices.insert(index, device);
                    }
                    // It was taken away, and says so.
                    Change::Notice(Problem::SignedOut)
                        if (self.devices.get(&index)).is_some_and(|device| self.to_revoke.contains(device)) => {}
                    Change::Notice(problem) => self.told.push(format!("{name}: {problem:?}")),
                    Change::Room(room) => {
                        if let Standing::Frozen(_) | Standing::IdentityChanged(_) = room.standing {
                            self.alarmed.insert(room.id.room);
                        }
                    }
                    Change::Timeline(timeline) => {
                        for row in timeline.rows {
                            self.see(timeline.chat.room, row)
                                .map_err(|text| format!("{name} was shown what nobody wrote: {text}"))?;
                        }
                    }
                    _ => {}
                }
            }
            let browser = &self.world.browsers[index];
            for (other, id) in &self.commands {
                let answer = (*other == index).then(|| browser.answers.get(id)).flatten();
                if let Some(Err(problem @ (Problem::ServerLied(_) | Problem::Internal(_) | Problem::OldPage))) = answer
                {
                    self.told.push(format!("{name}: {problem:?}"));
                }
            }
            self.commands
                .retain(|(other, id)| *other != index || !browser.answers.contains_key(id));
        }
        Ok(())
    }

    /// Somebody is shown this.
    fn see(&mut self, room: RoomId, row: Row) -> Result<(), String> {
        let (seq, _) = row.order;
        match row.body {
            Body::Text {
                author,
                message,
                text,
                edited,
                reactions,
                ..
            } => {
                let is_theirs = |said: &&Said| {
                    said.author == author
                        && said.room == room
                        && said.instead_of.is_none_or(|other| edited && other == message)
                };
                if self.said.get(&text).filter(is_theirs).is_none() {
                    return Err(text);
                }
                if seq < UNSENT {
                    self.words.entry((room, seq)).or_default().insert(text);
                }
                if edited {
                    self.edited.insert(message);
                }
                let reactions = reactions.into_iter().map(|reaction| (message, reaction.emoji));
                self.reacted.extend(reactions);
            }
            // Nobody here asks anything.
            Body::Poll { poll, .. } => return Err(poll.question),
            Body::Note(Note::Deleted { .. }) => {
                self.deleted.insert((room, seq));
            }
            Body::Unreadable(_) | Body::Note(_) => {}
        }
        Ok(())
    }

    async fn check(&mut self, when: &str) -> Result<(), String> {
        self.look()?;
        if self.relay == Relay::Honest {
            if let Some(told) = self.told.first() {
                return Err(format!("{when}: a false alarm: {told}"));
            }
            if let Some((browser, id)) = self.commands.first() {
                let name = &self.world.browsers[*browser].name;
                return Err(format!("{when}: command {id} of {name} was never answered"));
            }
        }
        let rooms = self.witness.borrow().rooms.clone();
        for room in rooms {
            self.check_room(room)
                .await
                .map_err(|fault| format!("{when}: {fault}"))?;
        }
        Ok(())
    }

    /// All members see the same, or somebody was told.
    async fn check_room(&mut self, room: RoomId) -> Result<(), String> {
        let number = self.witness.borrow().rooms.iter().position(|other| *other == room);
        let number = number.unwrap_or_default();
        let Some(stored) = self.world.relays[0].rooms.get(&room) else {
            return Ok(());
        };
        let members: Vec<UserId> = stored.state.members.keys().copied().collect();
        let (mut seen, mut sent, mut alarm) = (Vec::new(), Vec::new(), self.alarmed.contains(&room));
        // What somebody wrote while they were being removed is void for some and was shown to others.
        let is_cut_short = self.witness.borrow().cut_short.contains(&room);
        alarm |= is_cut_short;
        for browser in self.here() {
            let is_member = (self.world.browsers[browser].me()).is_some_and(|me| members.contains(&me));
            let name = format!(
                "{} (browser {browser}) in room {number}",
                self.world.browsers[browser].name
            );
            let Some(there) = self.world.browsers[browser].room(room) else {
                if is_member && self.relay == Relay::Honest {
                    return Err(format!("{name}: the room is not there"));
                }
                alarm |= is_member;
                continue;
            };
            let lines = self.read(browser, room).await?;
            let mut once = BTreeSet::new();
            let texts = lines.iter().filter_map(|line| line.text.as_ref());
            if let Some((_, text)) = texts.clone().find(|(_, text)| !once.insert(text)) {
                return Err(format!("{name}: shown twice: {text}"));
            }
            sent.extend(texts.map(|(message, text)| (name.clone(), *message, text.clone())));
            if !is_member {
                continue;
            }
            let unreadable = self.world.browsers[browser].rows().into_iter().find_map(|row| {
                if let Body::Unreadable(why) = row {
                    Some(why)
                } else {
                    None
                }
            });
            if self.relay == Relay::Honest {
                let shown = self.world.browsers[browser].lines();
                if let Some(line) = shown.into_iter().find(|line| line.state == Delivery::Pending) {
                    return Err(format!("{name}: still on its way: {}", line.text));
                }
                if there.standing != Standing::Open {
                    return Err(format!("{name}: {:?}", there.standing));
                }
                if let Some(why) = unreadable.filter(|_| !is_cut_short) {
                    return Err(format!("{name}: a row that is {why:?}"));
                }
                if let Some(text) = self.deleted_words(browser, room, &lines).filter(|_| !is_cut_short) {
                    return Err(format!("{name}: shows or keeps what was deleted: {text}"));
                }
            }
            alarm |= there.standing != Standing::Open || unreadable.is_some();
            seen.push((name, self.world.browsers[browser].member_ids(room), there, lines));
        }
        if alarm {
            self.alarmed.insert(room);
        }
        if alarm || !self.told.is_empty() {
            return Ok(());
        }
        let looks = |lines: &[Line]| -> Vec<String> { lines.iter().map(|line| line.looks.clone()).collect() };
        for (name, theirs, there, lines) in &seen {
            // By their ids: a relay that calls somebody by another handle from the first is not found out by handles alone.
            if *theirs != members {
                return Err(format!("{name}: the members are {theirs:?}, not {members:?}"));
            }
            let (first, _, first_there, first_lines) = &seen[0];
            if there.peer.is_none() && there.title != first_there.title {
                let (ours, other) = (&there.title, &first_there.title);
                return Err(format!("{name}: called {ours:?}, and {other:?} for {first}"));
            }
            let (ours, other) = (looks(lines), looks(first_lines));
            if ours != other {
                return Err(format!("{name} reads {ours:#?}, {first} reads {other:#?}"));
            }
        }
        if let Some((_, _, _, lines)) = seen.first() {
            // Whoever has gone does not hear what became of it.
            let here: BTreeSet<MessageId> = (lines.iter())
                .filter_map(|line| Some(line.text.as_ref()?.0))
                .chain(self.to_delete.iter().copied())
                .collect();
            let lost = sent.iter().find(|(_, message, _)| !here.contains(message));
            if let Some((name, _, text)) = lost {
                return Err(format!("{name}: sent, and no member has it: {text}"));
            }
        }
        Ok(())
    }

    /// Words of a deleted message that a member still sees, or that their browser still keeps.
    fn deleted_words(&self, browser: usize, room: RoomId, lines: &[Line]) -> Option<String> {
        let deleted = self.deleted.iter().filter(|(other, _)| *other == room);
        let words = deleted.filter_map(|place| Some((place.1, self.words.get(place)?)));
        let disk = self.world.browsers[browser].disk.borrow();
        words
            .flat_map(|(seq, words)| words.iter().map(move |text| (seq, text)))
            .find(|(seq, text)| {
                let quoted = format!("\"{text}\"");
                let mut records = disk.records.values();
                lines.iter().any(|line| line.seq == *seq && line.text.is_some())
                    || records.any(|record| record.windows(quoted.len()).any(|part| part == quoted.as_bytes()))
            })
            .map(|(_, text)| text.clone())
    }

    /// Every message in a room that the relay took. That its author wrote it is looked at as it is shown.
    async fn read(&mut self, browser: usize, room: RoomId) -> Result<Vec<Line>, String> {
        let mut command = Command::ShowRoom { chat: room.into() };
        for _ in 0..8 {
            let answer = self.world.run(browser, command).await;
            if answer != Ok(Outcome::Done) {
                return Err(format!(
                    "{} cannot open a room: {answer:?}",
                    self.world.browsers[browser].name
                ));
            }
            if !self.world.browsers[browser].has_older() {
                break;
            }
            command = Command::LoadOlder { chat: room.into() };
        }
        // What could not be said about a message stands there in its author's browser, until they let go of it.
        let rows = self.world.browsers[browser].whole_rows().into_iter();
        let failed = rows.filter_map(|row| match row.body {
            Body::Text {
                message,
                state: Delivery::Failed(_),
                ..
            } if row.order.0 < UNSENT => Some(message),
            _ => None,
        });
        for message in failed.collect::<Vec<_>>() {
            let answer = self
                .world
                .run(
                    browser,
                    Command::Discard {
                        chat: room.into(),
                        message,
                    },
                )
                .await;
            if answer != Ok(Outcome::Done) {
                return Err(format!("{answer:?} to letting go of what failed"));
            }
        }
        self.look()?;
        let rows = self.world.browsers[browser].whole_rows().into_iter();
        Ok(rows.filter_map(line).collect())
    }
}

/// The line of a message that was sent.
fn line(row: Row) -> Option<Line> {
    let (seq, _) = row.order;
    match row.body {
        Body::Text {
            message,
            text,
            state: Delivery::Sent,
            edited,
            reactions,
            ..
        } => {
            let mut looks = text.clone();
            if edited {
                looks.push_str(" (edited)");
            }
            for reaction in reactions {
                looks.push_str(&format!(" {}{}", reaction.emoji, reaction.count));
            }
            Some(Line {
                seq,
                text: Some((message, text)),
                looks,
            })
        }
        Body::Note(Note::Deleted { by, .. }) => Some(Line {
            seq,
            text: None,
            looks: format!("deleted by {by:?}"),
        }),
        _ => None,
    }
}

// --- What a relay can do to what it stores ---------------------------------------------------------------------------------

fn rewrite(relay: &mut ModelRelay, room: RoomId, op: Op) {
    let others: Vec<RoomId> = relay.rooms.keys().copied().collect();
    let Some(stored) = relay.rooms.get_mut(&room) else {
        return;
    };
    let count = stored.messages.len();
    let at = usize::from(op.on / 16) % count.max(1);
    match op.what {
        What::Replay | What::CrossPost => {
            let Some(message) = stored.messages.get(at).cloned() else {
                return;
            };
            let to = match op.what {
                What::Replay => room,
                _ => others[usize::from(op.steps) % others.len()],
            };
            let put = (relay.rooms.get_mut(&to)).map(|to| to.put_message(&message.header, &message.envelope));
            if let Some(message) = put {
                let channel = ChannelId::MAIN;
                let room_id = to;
                relay.tell_room(
                    &to,
                    &FromRelay::Message {
                        room_id,
                        channel,
                        message,
                    },
                );
            }
        }
        What::SwapStored if at + 1 < count => {
            stored.messages.swap(at, at + 1);
            renumber(stored);
        }
        What::DropStored if count > 0 => {
            stored.messages.remove(at);
            renumber(stored);
        }
        What::DropTail => {
            stored.messages.truncate(at);
            renumber(stored);
        }
        What::DropWraps if !stored.wraps.is_empty() => {
            let at = usize::from(op.on / 16) % stored.wraps.len();
            stored.wraps.remove(at);
        }
        What::SwapWraps if stored.wraps.len() > 1 => {
            let at = usize::from(op.on / 16) % (stored.wraps.len() - 1);
            let (enc, ct) = (stored.wraps[at].enc.clone(), stored.wraps[at].ct.clone());
            let next = &mut stored.wraps[at + 1];
            let other = (
                std::mem::replace(&mut next.enc, enc),
                std::mem::replace(&mut next.ct, ct),
            );
            (stored.wraps[at].enc, stored.wraps[at].ct) = other;
        }
        What::DropLogTail => {
            let keep = stored
                .entries
                .len()
                .saturating_sub(1 + usize::from(op.on / 16) % 3)
                .max(1);
            if let Some(state) = replay(&stored.entries[..keep], &room, &relay.people) {
                stored.entries.truncate(keep);
                stored.state = state;
            }
        }
        _ => {}
    }
}

/// Numbers and transcript of a channel that was changed.
fn renumber(stored: &mut StoredRoom) {
    let mut at = Transcript::start(&stored.state.room_id, &ChannelId::MAIN);
    let stored = &mut stored.main;
    stored.transcript = vec![at];
    for message in &mut stored.messages {
        at = at.then(&envelope_hash(&message.header.0, &message.envelope.0));
        message.seq = at.seq;
        stored.transcript.push(at);
    }
}

fn replay(entries: &[B64], room: &RoomId, people: &People) -> Option<RoomState> {
    let blobs = entries.iter().map(|raw| SignedBlob::from_bytes(&raw.0));
    let blobs = blobs.collect::<Result<Vec<_>, _>>().ok()?;
    let (genesis, rest) = blobs.split_first()?;
    let state = RoomState::begin(genesis, room, people).ok()?.prove_here().ok()?;
    let state = state.extend(rest, people).ok()?;
    Some(state.prove_here().ok()?.0)
}
