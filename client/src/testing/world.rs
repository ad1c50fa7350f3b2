//! Browsers, relays and the network between them. What happens next is drawn by seed, so one test runs many schedules.

use std::cell::RefCell;
use std::rc::Rc;

use rand::Rng as _;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::RoomId;
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::people::{NOW, REALM};

use super::browser::{Browser, Dial, Disk, Down, Line, Wire};
use super::relay::{ModelRelay, Session, SocketId};
use super::tamper::{Honest, Peer, Tamper};
use crate::engine::{Failure, Input, Reply, Request};
use crate::view::{Command, Delivery, Outcome, Problem};

/// Steps after which a world that does not come to rest is taken to go round in circles.
const MAX_STEPS: u32 = 50_000;

pub struct World<S: Suite> {
    /// One, unless it was forked.
    pub relays: Vec<ModelRelay>,
    pub browsers: Vec<Browser<S>>,
    pub tamper: Box<dyn Tamper>,
    /// Milliseconds since 1970.
    pub now_ms: u64,
    pub steps: u32,
    /// That of browsers to come.
    pub clock: Option<fn() -> u64>,
    suite: S,
    seed: String,
    rng: FixedRng,
}

/// A relay and what browsers kept, at rest: a beginning that many worlds can share.
#[derive(Clone)]
pub struct Snapshot<K> {
    relay: ModelRelay,
    disks: Vec<(String, Disk<K>)>,
    now_ms: u64,
}

/// One thing that can happen next, with the browser it happens to.
enum Move {
    Think(usize),
    Dial(usize),
    Ask(usize, usize),
    Reply(usize, usize),
    Up(usize),
    Down(usize),
}

impl<S: Suite + Clone> World<S> {
    pub fn new(suite: S, seed: &str) -> Self {
        Self {
            relays: vec![ModelRelay::new(REALM, NOW, seed)],
            browsers: Vec::new(),
            tamper: Box::new(Honest),
            now_ms: NOW,
            steps: 0,
            clock: None,
            suite,
            seed: seed.to_owned(),
            rng: FixedRng::new(&format!("{seed}/world")),
        }
    }

    /// The browsers come back from what they kept.
    pub fn from_snapshot(suite: S, snapshot: &Snapshot<S::DeviceKey>, seed: &str) -> Self {
        let mut world = Self::new(suite, seed);
        world.relays = vec![snapshot.relay.clone()];
        world.set_clock(snapshot.now_ms);
        for (name, disk) in &snapshot.disks {
            world.browser_over(name, Rc::new(RefCell::new(disk.clone())));
        }
        world
    }

    /// What is left when every browser is closed.
    pub fn into_snapshot(mut self) -> Snapshot<S::DeviceKey> {
        for browser in 0..self.browsers.len() {
            self.close(browser);
        }
        let disks = self.browsers.iter();
        Snapshot {
            relay: self.relays[0].clone(),
            disks: disks
                .map(|browser| (browser.name.clone(), browser.disk.borrow().clone()))
                .collect(),
            now_ms: self.now_ms,
        }
    }

    pub fn relay(&mut self) -> &mut ModelRelay {
        &mut self.relays[0]
    }

    /// The relay tells these browsers another story from here on. Gives its index.
    pub fn fork(&mut self, browsers: &[usize]) -> usize {
        let mut other = self.relays[0].clone();
        let theirs: Vec<SocketId> = (browsers.iter())
            .filter_map(|index| self.browsers[*index].wire.as_ref().map(|wire| wire.id))
            .collect();
        other.sockets.retain(|id, _| theirs.contains(id));
        self.relays[0].sockets.retain(|id, _| !theirs.contains(id));
        self.relays.push(other);
        let index = self.relays.len() - 1;
        for browser in browsers {
            self.browsers[*browser].relay = index;
        }
        index
    }

    // --- Browsers --------------------------------------------------------------------------------------------------------

    /// An empty browser; its index.
    pub fn browser(&mut self, name: &str) -> usize {
        self.browser_over(name, Rc::default())
    }

    /// Another tab of a browser.
    pub fn tab(&mut self, of: usize) -> usize {
        let (name, disk) = (self.browsers[of].name.clone(), self.browsers[of].disk.clone());
        self.browser_over(&name, disk)
    }

    fn browser_over(&mut self, name: &str, disk: Rc<RefCell<Disk<S::DeviceKey>>>) -> usize {
        let index = self.browsers.len();
        let rng = FixedRng::new(&format!("{}/browser/{index}", self.seed));
        let mut browser = Browser::new(name, self.suite.clone(), disk, rng);
        browser.clock = self.clock;
        self.browsers.push(browser);
        index
    }

    /// The person presses reload, or comes back after a crash.
    pub fn reload(&mut self, browser: usize) {
        self.abandon(browser);
        self.browsers[browser].boot();
    }

    /// The tab is closed for good.
    pub fn close(&mut self, browser: usize) {
        self.abandon(browser);
        self.browsers[browser].close();
    }

    /// Some of what was on its way out still arrives; nobody waits for the answers.
    fn abandon(&mut self, browser: usize) {
        self.cut_wire(browser);
        for ask in std::mem::take(&mut self.browsers[browser].asks) {
            if self.coin() && self.browsers[browser].has_network {
                // Nobody hears the answer.
                let _ = self.ask_relay(browser, ask.token.as_deref(), ask.request);
            }
        }
    }

    pub fn go_offline(&mut self, browser: usize) {
        self.cut_wire(browser);
        for ask in std::mem::take(&mut self.browsers[browser].asks) {
            if self.coin() {
                // Nobody hears the answer.
                let _ = self.ask_relay(browser, ask.token.as_deref(), ask.request);
            }
            self.browsers[browser].replies.push((ask.id, Err(Failure::Offline)));
        }
        let browser = &mut self.browsers[browser];
        browser.has_network = false;
        for (_, reply) in &mut browser.replies {
            *reply = Err(Failure::Offline);
        }
        browser.input(Input::SocketClosed);
    }

    pub fn go_online(&mut self, browser: usize) {
        self.browsers[browser].has_network = true;
        self.browsers[browser].input(Input::Tick);
    }

    /// The connection alone breaks; requests still pass.
    pub fn drop_socket(&mut self, browser: usize) {
        if self.browsers[browser].wire.is_some() {
            self.cut_wire(browser);
            self.browsers[browser].input(Input::SocketClosed);
        }
    }

    /// The clock of everybody, milliseconds since 1970.
    pub const fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Time passes; what was due is done in [`World::settle`].
    pub fn advance(&mut self, ms: u64) {
        self.set_clock(self.now_ms + ms);
        for browser in &mut self.browsers {
            let due = browser.timers.iter().filter(|at| **at <= self.now_ms).count();
            browser.timers.retain(|at| *at > self.now_ms);
            for _ in 0..due {
                browser.inputs.push_back(Input::Tick);
            }
        }
    }

    fn set_clock(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        for relay in &mut self.relays {
            relay.now_ms = now_ms;
            relay.expire();
        }
    }

    // --- What people do ----------------------------------------------------------------------------------------------------

    /// A command, everything that follows from it, and its answer.
    pub async fn run(&mut self, browser: usize, command: Command) -> Result<Outcome, Problem> {
        let id = self.browsers[browser].command(command);
        self.settle().await;
        let answer = self.browsers[browser].answers.get(&id);
        answer
            .cloned()
            .unwrap_or_else(|| panic!("command {id} of browser {browser} has no answer"))
    }

    /// A browser in which somebody has just signed up.
    pub async fn newcomer(&mut self, handle: &str) -> usize {
        let browser = self.browser(&format!("{handle}'s browser"));
        let command = Command::SignUp {
            handle: handle.to_owned(),
            password: password(handle),
            stay: true,
        };
        let answer = self.run(browser, command).await;
        assert_eq!(answer, Ok(Outcome::Done), "{handle} signs up");
        browser
    }

    /// A browser in which somebody has just signed in.
    pub async fn sign_in(&mut self, handle: &str) -> usize {
        let browser = self.browser(&format!("{handle}'s other browser"));
        let command = Command::SignIn {
            handle: handle.to_owned(),
            password: password(handle),
            stay: true,
        };
        let answer = self.run(browser, command).await;
        assert_eq!(answer, Ok(Outcome::Done), "{handle} signs in");
        browser
    }

    pub async fn direct(&mut self, browser: usize, handle: &str) -> RoomId {
        let handle = handle.to_owned();
        match self.run(browser, Command::OpenDirect { handle }).await {
            Ok(Outcome::Room(room)) => room,
            other => panic!("no direct message: {other:?}"),
        }
    }

    pub async fn group(&mut self, browser: usize, name: &str, handles: &[&str]) -> RoomId {
        let command = Command::CreateGroup {
            name: name.to_owned(),
            handles: handles.iter().map(|handle| (*handle).to_owned()).collect(),
        };
        match self.run(browser, command).await {
            Ok(Outcome::Room(room)) => room,
            other => panic!("no group: {other:?}"),
        }
    }

    /// Writes a message; nothing follows from it yet.
    pub fn write(&mut self, browser: usize, room: RoomId, text: &str) {
        let text = text.to_owned();
        self.browsers[browser].command(Command::say(room, text));
    }

    /// Writes a message, and everything that follows from it.
    pub async fn say(&mut self, browser: usize, room: RoomId, text: &str) {
        let text = text.to_owned();
        let answer = self.run(browser, Command::say(room, text)).await;
        assert_eq!(answer, Ok(Outcome::Done));
    }

    /// Opens a room and scrolls to its beginning: every text in it.
    pub async fn read(&mut self, browser: usize, room: RoomId) -> Vec<Line> {
        let answer = self.run(browser, Command::ShowRoom { chat: room.into() }).await;
        assert_eq!(answer, Ok(Outcome::Done));
        for _ in 0..200 {
            if !self.browsers[browser].has_older() {
                break;
            }
            let answer = self.run(browser, Command::LoadOlder { chat: room.into() }).await;
            assert_eq!(answer, Ok(Outcome::Done));
        }
        self.browsers[browser].lines()
    }

    /// As [`World::read`], the texts alone; everything must have been taken.
    pub async fn texts(&mut self, browser: usize, room: RoomId) -> Vec<String> {
        let lines = self.read(browser, room).await.into_iter();
        lines
            .map(|line| {
                assert_eq!(line.state, Delivery::Sent, "{}", line.text);
                line.text
            })
            .collect()
    }

    // --- What happens by itself ----------------------------------------------------------------------------------------------

    /// Until nothing is under way any more.
    pub async fn settle(&mut self) {
        for _ in 0..MAX_STEPS {
            if !self.step().await && !self.release_held() {
                return;
            }
        }
        panic!("no rest after {MAX_STEPS} steps");
    }

    /// So many steps at most: stops in the middle of things.
    pub async fn settle_for(&mut self, steps: u32) {
        for _ in 0..steps {
            if !self.step().await {
                return;
            }
        }
    }

    /// One step, drawn among all that are possible. False if there is none.
    pub async fn step(&mut self) -> bool {
        // Also what a test had the relay say.
        self.collect_frames();
        let moves = self.moves();
        if moves.is_empty() {
            return false;
        }
        self.steps += 1;
        let at = self.below(moves.len());
        match moves[at] {
            Move::Think(browser) => {
                let now_ms = self.now_ms;
                self.browsers[browser].think(now_ms).await;
                self.tell_tabs(browser);
            }
            Move::Dial(browser) => self.dial(browser),
            Move::Ask(browser, at) => {
                let ask = self.browsers[browser].asks.remove(at);
                let reply = if self.browsers[browser].has_network {
                    self.ask_relay(browser, ask.token.as_deref(), ask.request)
                } else {
                    Err(Failure::Offline)
                };
                self.browsers[browser].replies.push((ask.id, reply));
            }
            Move::Reply(browser, at) => {
                let (id, result) = self.browsers[browser].replies.remove(at);
                self.browsers[browser].input(Input::Reply { id, result });
            }
            Move::Up(browser) => self.up(browser),
            Move::Down(browser) => self.down(browser),
        }
        true
    }

    /// The other tabs of a browser hear what one has to tell them.
    fn tell_tabs(&mut self, browser: usize) {
        let words = std::mem::take(&mut self.browsers[browser].told);
        let disk = self.browsers[browser].disk.clone();
        let tabs =
            (0..self.browsers.len()).filter(|tab| *tab != browser && Rc::ptr_eq(&self.browsers[*tab].disk, &disk));
        for tab in tabs.collect::<Vec<_>>() {
            for word in &words {
                self.browsers[tab].input(Input::Told(word.clone()));
            }
        }
    }

    fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        for (index, browser) in self.browsers.iter().enumerate() {
            if browser.is_dead() {
                continue;
            }
            if !browser.inputs.is_empty() {
                moves.push(Move::Think(index));
            }
            if !browser.dials.is_empty() {
                moves.push(Move::Dial(index));
            }
            // Requests pass each other on their way, both ways.
            if !browser.holds_asks {
                moves.extend((0..browser.asks.len()).map(|at| Move::Ask(index, at)));
            }
            if !browser.holds_replies {
                moves.extend((0..browser.replies.len()).map(|at| Move::Reply(index, at)));
            }
            if let Some(wire) = &browser.wire {
                if !wire.up.is_empty() {
                    moves.push(Move::Up(index));
                }
                if !wire.down.is_empty() {
                    moves.push(Move::Down(index));
                }
            }
        }
        moves
    }

    fn dial(&mut self, index: usize) {
        let Some(dial) = self.browsers[index].dials.pop_front() else {
            return;
        };
        // What a socket that was replaced still says is not heard.
        if let Some(wire) = &mut self.browsers[index].wire {
            wire.down.clear();
        }
        self.cut_wire(index);
        let browser = &mut self.browsers[index];
        if matches!(dial, Dial::Disconnect) {
            return;
        }
        if !browser.has_network {
            browser.input(Input::SocketClosed);
            return;
        }
        let id = self.relays[browser.relay].connect();
        browser.wire = Some(Wire {
            id,
            up: Default::default(),
            down: [Down::Open].into(),
        });
    }

    /// The socket is gone. Some of what was on its way still arrives, in order.
    fn cut_wire(&mut self, index: usize) {
        let Some(wire) = &self.browsers[index].wire else { return };
        let (up, down) = (wire.up.len(), wire.down.len());
        for _ in 0..self.below(up + 1) {
            self.up(index);
        }
        for _ in 0..self.below(down + 1) {
            self.down(index);
        }
        if let Some(wire) = self.browsers[index].wire.take() {
            let relay = self.browsers[index].relay;
            self.relays[relay].hang_up(wire.id);
        }
        self.collect_frames();
    }

    fn up(&mut self, index: usize) {
        let peer = self.peer(index);
        let browser = &mut self.browsers[index];
        let Some(wire) = &mut browser.wire else { return };
        let Some(frame) = wire.up.pop_front() else { return };
        let relay = &mut self.relays[browser.relay];
        for frame in self.tamper.heard(relay, peer, frame) {
            relay.hear(wire.id, frame);
        }
    }

    fn down(&mut self, index: usize) {
        let browser = &mut self.browsers[index];
        let Some(wire) = &mut browser.wire else { return };
        let Some(down) = wire.down.pop_front() else { return };
        match down {
            Down::Open => browser.input(Input::SocketOpen),
            Down::Frame(frame) => browser.input(Input::Frame(frame)),
            Down::Closed => {
                browser.wire = None;
                browser.input(Input::SocketClosed);
            }
        }
    }

    fn ask_relay(&mut self, index: usize, token: Option<&str>, mut request: Request) -> Result<Reply, Failure> {
        let relay = &mut self.relays[self.browsers[index].relay];
        let peer = Peer {
            browser: index,
            user: token.and_then(|token| relay.whose(token)),
        };
        let reply = match self.tamper.request(relay, peer, &mut request) {
            Some(reply) => reply,
            None => relay.answer(token, &request),
        };
        let reply = self.tamper.reply(relay, peer, &request, reply);
        self.collect_frames();
        reply
    }

    /// What the relays have to say goes on the wires.
    fn collect_frames(&mut self) {
        for index in 0..self.browsers.len() {
            let peer = self.peer(index);
            let browser = &mut self.browsers[index];
            let Some(wire) = &mut browser.wire else { continue };
            let relay = &mut self.relays[browser.relay];
            let Some(socket) = relay.sockets.get_mut(&wire.id) else {
                continue;
            };
            let ended = socket.ended;
            let frames = std::mem::take(&mut socket.outbox);
            for frame in frames {
                let frames = self.tamper.frame(relay, peer, frame).into_iter();
                wire.down.extend(frames.map(Down::Frame));
            }
            if ended {
                relay.hang_up(wire.id);
                wire.down.push_back(Down::Closed);
            }
        }
    }

    /// What a tamperer held back. False if there was nothing.
    fn release_held(&mut self) -> bool {
        let mut any = false;
        for relay in &mut self.relays {
            for (browser, frame) in self.tamper.quiet(relay) {
                any |= self.browsers[browser].deliver(frame);
            }
        }
        any
    }

    fn peer(&self, index: usize) -> Peer {
        let browser = &self.browsers[index];
        let socket = (browser.wire.as_ref()).and_then(|wire| self.relays[browser.relay].sockets.get(&wire.id));
        let session: Option<&Session> = socket.and_then(|socket| socket.session.as_ref());
        Peer {
            browser: index,
            user: session.map(|session| session.user_id),
        }
    }

    fn coin(&mut self) -> bool {
        self.rng.next_u32() & 1 == 1
    }

    /// A number under `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.rng.next_u64() % bound.max(1) as u64) as usize
    }
}

impl<S: Suite> Browser<S> {
    /// Puts a frame on the wire, behind what is there. False without a wire.
    fn deliver(&mut self, frame: FromRelay) -> bool {
        match &mut self.wire {
            Some(wire) => {
                wire.down.push_back(Down::Frame(frame));
                true
            }
            None => false,
        }
    }
}

/// A password that passes, a different one for each handle.
pub fn password(handle: &str) -> String {
    format!("plywood outlook cradle bucket sandpaper of {handle}")
}
