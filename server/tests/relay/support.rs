//! Test people, rooms and sockets, against a relay started in this process on a free port.
//!
//! SQLite in a temporary folder; Postgres, a database per test, when `SOTTO_TEST_DATABASE_URL` is set.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use p256::ecdsa::SigningKey;
use sea_orm::{ConnectionTrait, Database};
use sotto_server::app::App;
use sotto_server::clock::Clock;
use sotto_server::config::Config;
use sotto_server::start::start;
use sotto_shared::api::body::*;
use sotto_shared::api::error::{ErrorBody, ErrorCode};
use sotto_shared::api::frame::{FromRelay, Outgoing, ToRelay};
use sotto_shared::api::{B64, Endpoint};
use sotto_shared::codec::{Bytes, Codec, List, Text};
use sotto_shared::crypto::hash::sha256;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::{PublicKey, SignedBlob, public_key, sign};
use sotto_shared::envelope::header::{Header, MessageKind, sealed_len};
use sotto_shared::id::*;
use sotto_shared::log::room_log::*;
use sotto_shared::log::user_log::*;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

pub const PEPPER: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
pub const REALM: &str = "localhost";
pub const START_MS: u64 = 1_790_000_000_000;

/// Nothing here takes this long; what does is stuck.
pub const STUCK: Duration = Duration::from_secs(30);

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

pub fn key() -> SigningKey {
    loop {
        if let Ok(key) = SigningKey::from_slice(&random::<32>()) {
            return key;
        }
    }
}

pub struct Ground {
    pub app: App,
    pub address: std::net::SocketAddr,
    pub clock: Clock,
    pub http: reqwest::Client,
    pub url: String,
    pub _folder: tempfile::TempDir,
}

pub fn on_postgres() -> bool {
    std::env::var("SOTTO_TEST_DATABASE_URL").is_ok()
}

impl Ground {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match std::env::var("SOTTO_TEST_DATABASE_URL") {
            Ok(server) => {
                let name = format!("t{}", u64::from_be_bytes(random()));
                let db = Database::connect(&server).await.unwrap();
                db.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
                let (base, _) = server.rsplit_once('/').unwrap();
                format!("{base}/{name}")
            }
            Err(_) => format!("sqlite://{}/sotto.db?mode=rwc", folder.path().display()),
        };
        let mut config = Config::for_database(&url, PEPPER).unwrap();
        config.limits.database_connections = 4;
        change(&mut config);
        let clock = Clock::manual(START_MS);
        let relay = start(&config, clock.clone()).await.unwrap();
        Self {
            app: relay.app,
            address: relay.address,
            clock,
            http: reqwest::Client::new(),
            url,
            _folder: folder,
        }
    }

    pub fn endpoint(&self, path: &str) -> String {
        format!("http://{}/api/v1/{path}", self.address)
    }

    pub async fn ask<E: Endpoint>(&self, token: Option<&str>, body: &E) -> Result<E::Reply, ErrorBody> {
        let mut request = self.http.post(self.endpoint(E::PATH)).json(body).timeout(STUCK);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let bytes = answer.bytes().await.unwrap();
        if status.is_success() {
            return Ok(serde_json::from_slice(&bytes).unwrap());
        }
        let error: ErrorBody = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(error.code.status(), status.as_u16());
        Err(error)
    }

    /// The code of a refusal.
    pub async fn refused<E: Endpoint>(&self, token: Option<&str>, body: &E) -> ErrorCode
    where
        E::Reply: std::fmt::Debug,
    {
        self.ask(token, body).await.unwrap_err().code
    }

    /// Somebody's log, from entry `from_seq` on.
    pub async fn user_log(&self, token: Option<&str>, user_id: UserId, from_seq: u64) -> UserLogBody {
        let users = vec![UserLogFrom { user_id, from_seq }];
        let mut answer = self.ask(token, &UserLogsGet { users }).await.unwrap();
        answer.logs.pop().unwrap()
    }

    /// Registered, with a session.
    pub async fn person(&self, handle: &str) -> Person {
        let mut person = Person::new(handle);
        let grant = self.ask(None, &person.registration()).await.unwrap().token;
        person.token = self.open_session(&person, &person.dk, &grant).await.unwrap();
        person
    }

    /// A session for a device, after the password.
    pub async fn session(&self, person: &Person, dk: &SigningKey) -> Result<String, ErrorBody> {
        let grant = self.sign_in(person).await?.token;
        self.open_session(person, dk, &grant).await
    }

    pub async fn open_session(&self, person: &Person, dk: &SigningKey, grant: &str) -> Result<String, ErrorBody> {
        let challenge = self.ask(Some(grant), &SessionStart {}).await?.challenge;
        self.ask(Some(grant), &person.session_proof(dk, &challenge.0))
            .await
            .map(|grant| grant.token)
    }

    pub async fn sign_in(&self, person: &Person) -> Result<SignInGrant, ErrorBody> {
        let challenge = self
            .ask(
                None,
                &SignInStart {
                    handle: person.handle.clone(),
                },
            )
            .await?
            .challenge;
        self.ask(None, &person.sign_in_proof(&person.ak, &challenge.0)).await
    }

    pub async fn socket(&self, person: &Person) -> Socket {
        let mut socket = self.bare_socket().await;
        socket
            .send(&ToRelay::Hello {
                token: person.token.clone(),
                api: API_VERSION,
            })
            .await;
        match socket.next().await {
            Some(FromRelay::Welcome { rooms, .. }) => socket.rooms = rooms,
            other => panic!("no welcome: {other:?}"),
        }
        socket
    }

    pub async fn bare_socket(&self) -> Socket {
        let (stream, _) = tokio_tungstenite::connect_async(format!("ws://{}/api/v1/live", self.address))
            .await
            .unwrap();
        Socket {
            stream,
            rooms: Vec::new(),
        }
    }

    pub async fn page(&self, person: &Person, room: &Room, from: PageFrom, limit: u32) -> Result<Page, ErrorBody> {
        let ask = PageGet {
            room_id: room.id,
            channel: ChannelId::MAIN,
            from,
            limit,
        };
        self.ask(Some(&person.token), &ask).await
    }

    pub async fn slots(&self, person: &Person, room: &Room) -> Result<Vec<SlotValue>, ErrorCode> {
        let ask = SlotsGet {
            room_id: room.id,
            channel: ChannelId::MAIN,
            before: None,
        };
        let reply = self.ask(Some(&person.token), &ask).await;
        reply.map(|reply| reply.slots).map_err(|body| body.code)
    }

    /// A group of `people`, the first its owner, with a room key for all of them.
    pub async fn group(&self, people: &[&Person]) -> Room {
        let (mut room, create) = Room::new(people[0], RoomKind::Group, &[]);
        let mut create = create;
        create.entries = people[1..].iter().map(|person| room.add(people[0], person)).collect();
        create.entries.push(room.epoch(people[0]));
        create.wraps = room.wraps();
        let head = self.ask(Some(&people[0].token), &create).await.unwrap();
        assert_eq!((head.seq, head.head), (room.state.seq, room.state.head));
        room
    }

    pub async fn append(
        &self,
        person: &Person,
        room: &Room,
        entries: Vec<B64>,
        wraps: Vec<Wrap>,
    ) -> Result<RoomHead, ErrorBody> {
        self.ask(
            Some(&person.token),
            &RoomAppend {
                room_id: room.id,
                entries,
                wraps,
            },
        )
        .await
    }
}

pub struct Person {
    pub handle: String,
    pub ak: SigningKey,
    pub ik: SigningKey,
    pub dk: SigningKey,
    pub user_id: UserId,
    pub genesis: Vec<u8>,
    pub log: UserLog,
    pub device: Vec<u8>,
    pub token: String,
    pub salt: [u8; 16],
}

impl Person {
    pub fn new(handle: &str) -> Self {
        let (ak, ik, dk) = (key(), key(), key());
        let genesis = UserGenesis {
            realm: Text::new(REALM).unwrap(),
            ik: public_key(&ik),
            kk: public_key(&key()),
            created: 0,
            nonce: random(),
        };
        let user_id = genesis.user_id();
        let log = UserLog::begin(&genesis.to_bytes(), &user_id, REALM).unwrap();
        let genesis = genesis.to_bytes();
        let mut person = Self {
            handle: handle.to_owned(),
            ak,
            ik,
            dk,
            user_id,
            genesis,
            log,
            device: Vec::new(),
            token: String::new(),
            salt: random(),
        };
        let dk = person.dk.clone();
        person.device = person.add_device(&dk).0;
        person
    }

    /// A signed entry, already in this person's own copy of the log.
    pub fn entry(&mut self, body: UserBody) -> B64 {
        let blob = self.entry_only(body);
        let signed = SignedBlob::from_bytes(&blob.0).unwrap();
        self.log = self.log.extend(&[signed]).unwrap().prove_here().unwrap();
        blob
    }

    pub fn entry_only(&self, body: UserBody) -> B64 {
        let entry = UserEntry {
            user_id: self.user_id,
            seq: self.log.seq() + 1,
            prev: self.log.head(),
            ts: 0,
            body,
        };
        let body = entry.to_bytes();
        let sig = sign(&self.ik, Label::UserLog, &body);
        B64(SignedBlob { body, sig }.to_bytes())
    }

    pub fn device_body(&self, dk: &SigningKey) -> UserBody {
        let pk = public_key(dk);
        let pop = sign(dk, Label::DevicePossession, &possession_bytes(&self.user_id, &pk));
        UserBody::AddDevice {
            dk: pk,
            pop,
            label: Bytes::new(vec![1; 90]).unwrap(),
        }
    }

    pub fn add_device(&mut self, dk: &SigningKey) -> B64 {
        let body = self.device_body(dk);
        self.entry(body)
    }

    pub fn registration(&self) -> Register {
        self.registration_with(|_| {})
    }

    pub fn registration_with(&self, change: impl FnOnce(&mut Registration)) -> Register {
        let mut registration = Registration {
            realm: Text::new(REALM).unwrap(),
            handle: Text::new(&self.handle).unwrap(),
            salt: self.salt,
            profile: 1,
            ak: public_key(&self.ak),
            genesis: Bytes::new(self.genesis.clone()).unwrap(),
            device: Bytes::new(self.device.clone()).unwrap(),
            vault_header: Bytes::new(b"vault header".to_vec()).unwrap(),
            items: List::new(vec![VaultPutRecord {
                item_id: ItemId::from_bytes([7; 16]),
                sealed: Bytes::new(vec![9; 100]).unwrap(),
            }])
            .unwrap(),
        };
        change(&mut registration);
        let bytes = registration.to_bytes();
        let signed = |key| B64(sign(key, Label::Register, &bytes).to_vec());
        Register {
            ak_sig: signed(&self.ak),
            ik_sig: signed(&self.ik),
            registration: B64(bytes.clone()),
        }
    }

    /// Another sign-in key over a vault of one item; `old` are the items that go. Not yet in this person's own copy.
    pub fn rekey(&self, ak: &SigningKey, old: &[VaultItem], change: impl FnOnce(&mut KeyChange)) -> Rekey {
        let (_, rotation) = kem_rotation(self.log.view().kem_g + 1);
        let mut all = KeyChange {
            realm: Text::new(REALM).unwrap(),
            user_id: self.user_id,
            handle: None,
            base: items_digest(&old.iter().map(VaultItem::listed).collect()),
            salt: [6; 16],
            profile: 1,
            ak: public_key(ak),
            recovery: None,
            vault_header: Bytes::new(b"another header".to_vec()).unwrap(),
            items: List::new(vec![VaultPutRecord {
                item_id: id_of("new"),
                sealed: Bytes::new(vec![8; 100]).unwrap(),
            }])
            .unwrap(),
            entries: List::new(vec![Bytes::new(self.entry_only(rotation).0).unwrap()]).unwrap(),
        };
        change(&mut all);
        let bytes = all.to_bytes();
        Rekey {
            ak_sig: B64(sign(ak, Label::Rekey, &bytes).to_vec()),
            ik_sig: B64(sign(&self.ik, Label::Rekey, &bytes).to_vec()),
            change: B64(bytes),
        }
    }

    pub fn set_recovery(&self, recovery: Option<&SigningKey>) -> SetRecovery {
        let bytes = RecoveryChange {
            realm: Text::new(REALM).unwrap(),
            user_id: self.user_id,
            recovery: recovery.map(public_key),
            vault_header: Bytes::new(b"header with a wrap more".to_vec()).unwrap(),
        }
        .to_bytes();
        SetRecovery {
            ik_sig: B64(sign(&self.ik, Label::RecoveryChange, &bytes).to_vec()),
            change: B64(bytes),
        }
    }

    /// This person in the place of another one of the same handle.
    pub fn reset(&self, close: Option<B64>) -> ResetIdentity {
        let Register {
            registration,
            ak_sig,
            ik_sig,
        } = self.registration();
        ResetIdentity {
            registration,
            ak_sig,
            ik_sig,
            close,
        }
    }

    pub fn sign_in_proof(&self, ak: &SigningKey, challenge: &[u8]) -> SignInProve {
        self.proof(ak, Label::Login, challenge)
    }

    pub fn proof(&self, ak: &SigningKey, label: Label, challenge: &[u8]) -> SignInProve {
        let proof = LoginProof {
            realm: Text::new(REALM).unwrap(),
            handle: Text::new(&self.handle).unwrap(),
            challenge: challenge.try_into().unwrap(),
            session_nonce: [5; 32],
        };
        SignInProve {
            handle: self.handle.clone(),
            challenge: B64(challenge.to_vec()),
            session_nonce: B64(vec![5; 32]),
            sig: B64(sign(ak, label, &proof.to_bytes()).to_vec()),
            recovery: label == Label::RecoveryLogin,
        }
    }

    pub fn session_proof(&self, dk: &SigningKey, challenge: &[u8]) -> SessionProve {
        let dk_id = public_key(dk).key_id();
        let proof = SessionProof {
            realm: Text::new(REALM).unwrap(),
            user_id: self.user_id,
            dk_id,
            challenge: challenge.try_into().unwrap(),
        };
        let sig = B64(sign(dk, Label::Session, &proof.to_bytes()).to_vec());
        SessionProve {
            dk_id,
            challenge: B64(challenge.to_vec()),
            sig,
        }
    }

    pub fn here(&self) -> MemberRef {
        MemberRef {
            user_id: self.user_id,
            ulog_seq: self.log.seq(),
            ulog_head: self.log.head(),
        }
    }

    pub fn dk_id(&self) -> DeviceKeyId {
        public_key(&self.dk).key_id()
    }
}

/// A room as its members see it.
#[derive(Clone)]
pub struct Room {
    pub id: RoomId,
    pub state: RoomState,
    pub logs: BTreeMap<UserId, UserLog>,
}

impl Room {
    pub fn new(creator: &Person, kind: RoomKind, others: &[&Person]) -> (Self, RoomCreate) {
        let genesis = RoomGenesis {
            kind,
            creator: creator.here(),
            creator_dk: creator.dk_id(),
            members: List::new(others.iter().map(|other| other.here()).collect()).unwrap(),
            policy: Policy {
                suite: SUITE_1,
                history: History::Shared,
            },
            ts: 0,
            nonce: random(),
        };
        let body = genesis.to_bytes();
        let sig = sign(&creator.dk, Label::RoomLog, &body);
        let id = room_id(&body);
        let blob = SignedBlob { body, sig };
        let mut logs = BTreeMap::from([(creator.user_id, creator.log.clone())]);
        logs.extend(others.iter().map(|other| (other.user_id, other.log.clone())));
        let state = RoomState::begin(&blob, &id, &logs).unwrap().prove_here().unwrap();
        (
            Self { id, state, logs },
            RoomCreate {
                genesis: B64(blob.to_bytes()),
                entries: Vec::new(),
                wraps: Vec::new(),
            },
        )
    }

    /// A signed entry on the head, not yet in this copy.
    pub fn entry_only(&self, actor: &Person, body: RoomBody) -> B64 {
        let entry = RoomEntry {
            room_id: self.id,
            seq: self.state.seq + 1,
            prev: self.state.head,
            ts: 0,
            actor: actor.user_id,
            actor_dk: actor.dk_id(),
            body,
        };
        let body = entry.to_bytes();
        let sig = sign(&actor.dk, Label::RoomLog, &body);
        B64(SignedBlob { body, sig }.to_bytes())
    }

    pub fn entry(&mut self, actor: &Person, body: RoomBody) -> B64 {
        let entry = self.entry_only(actor, body);
        self.take(&entry);
        entry
    }

    pub fn take(&mut self, entry: &B64) {
        let blob = SignedBlob::from_bytes(&entry.0).unwrap();
        self.state = self.state.extend(&[blob], &self.logs).unwrap().prove_here().unwrap().0;
    }

    pub fn knows(&mut self, person: &Person) {
        self.logs.insert(person.user_id, person.log.clone());
    }

    pub fn add(&mut self, actor: &Person, person: &Person) -> B64 {
        self.knows(person);
        self.entry(
            actor,
            RoomBody::AddMember {
                member: person.here(),
                role: Role::Member,
            },
        )
    }

    pub fn remove(&mut self, actor: &Person, person: &Person) -> B64 {
        self.entry(
            actor,
            RoomBody::Remove {
                user_id: person.user_id,
                ban: false,
                cut: List::default(),
            },
        )
    }

    pub fn epoch_body(&self) -> RoomBody {
        let n = self.state.epoch_number() + 1;
        let linked = n > 1 && self.state.policy.history == History::Shared;
        RoomBody::Epoch {
            n,
            suite: SUITE_1,
            commit: random(),
            roster_hash: self.state.roster_hash(),
            reason: EpochReason::First,
            backlink: Bytes::new(if linked { vec![1; 104] } else { Vec::new() }).unwrap(),
        }
    }

    pub fn epoch(&mut self, actor: &Person) -> B64 {
        let body = self.epoch_body();
        self.entry(actor, body)
    }

    /// For everybody, under the newest epoch.
    pub fn wraps(&self) -> Vec<Wrap> {
        self.state
            .members
            .iter()
            .map(|(user, member)| wrap(*user, self.state.epoch_number(), member.view.kem_g))
            .collect()
    }

    pub fn message(&self, bytes: usize) -> Outgoing {
        self.message_under(self.state.epoch_number(), bytes)
    }

    pub fn message_under(&self, n: u32, bytes: usize) -> Outgoing {
        self.envelope(MessageKind::Durable, n, bytes)
    }

    /// Something that is not to be kept.
    pub fn word(&self) -> Outgoing {
        self.envelope(MessageKind::Ephemeral, self.state.epoch_number(), 512)
    }

    /// A value for a slot.
    pub fn value(&self, slot: MessageId) -> Outgoing {
        self.value_under(self.state.epoch_number(), slot)
    }

    pub fn value_under(&self, n: u32, slot: MessageId) -> Outgoing {
        let mut value = self.envelope(MessageKind::Slot, n, 512);
        let mut header = Header::from_bytes(&value.header.0).unwrap();
        header.msg_id = slot;
        value.header = B64(header.to_bytes());
        value
    }

    fn envelope(&self, kind: MessageKind, n: u32, bytes: usize) -> Outgoing {
        let header = Header {
            suite: SUITE_1,
            kind,
            room_id: self.id,
            channel: ChannelId::MAIN,
            n,
            msg_id: MessageId::from_bytes(random()),
            ttl_class: 0,
            del_commit: [3; 32],
        };
        let mut envelope = vec![0; sealed_len(bytes)];
        getrandom::fill(&mut envelope).unwrap();
        Outgoing {
            header: B64(header.to_bytes()),
            envelope: B64(envelope),
        }
    }
}

pub fn wrap(user_id: UserId, n: u32, g: u32) -> Wrap {
    Wrap {
        channel: ChannelId::MAIN,
        n,
        user_id,
        g,
        enc: B64(public_key(&key()).as_bytes().to_vec()),
        ct: B64(random::<48>().to_vec()),
    }
}

pub fn msg_id(message: &Outgoing) -> MessageId {
    Header::from_bytes(&message.header.0).unwrap().msg_id
}

pub struct Socket {
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub rooms: Vec<RoomHead>,
}

impl Socket {
    pub async fn send(&mut self, frame: &ToRelay) {
        self.stream
            .send(Message::text(serde_json::to_string(frame).unwrap()))
            .await
            .unwrap();
    }

    pub async fn say(&mut self, messages: &[Outgoing]) {
        self.send(&ToRelay::Send {
            messages: messages.to_vec(),
        })
        .await;
    }

    /// None: closed.
    pub async fn next(&mut self) -> Option<FromRelay> {
        let by = tokio::time::Instant::now() + STUCK;
        loop {
            // Pings do not count: one that only hears those is stuck.
            let frame = tokio::time::timeout_at(by, self.stream.next())
                .await
                .expect("a frame that never came");
            match frame {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    pub async fn message(&mut self) -> StoredMessage {
        match self.next().await {
            Some(FromRelay::Message { message, .. }) => message,
            other => panic!("no message: {other:?}"),
        }
    }

    /// What lies in a slot from now on.
    pub async fn slot(&mut self) -> SlotValue {
        match self.next().await {
            Some(FromRelay::Slot { header, envelope, .. }) => SlotValue { header, envelope },
            other => panic!("no slot: {other:?}"),
        }
    }

    pub async fn refusal(&mut self) -> (MessageId, ErrorCode) {
        match self.next().await {
            Some(FromRelay::Refused { msg_id, code, .. }) => (msg_id, code),
            other => panic!("no refusal: {other:?}"),
        }
    }

    /// Everything that was on its way has come once this has: frames keep their order.
    pub async fn everything_heard(&mut self) -> Vec<FromRelay> {
        self.send(&ToRelay::Ping).await;
        let mut heard = Vec::new();
        loop {
            match self.next().await.expect("the socket closed") {
                FromRelay::Pong => return heard,
                frame => heard.push(frame),
            }
        }
    }

    /// The code of the goodbye, after which it must close.
    pub async fn bye(&mut self) -> ErrorCode {
        loop {
            match self.next().await {
                Some(FromRelay::Bye { code }) => {
                    assert!(self.next().await.is_none(), "closed after the goodbye");
                    return code;
                }
                Some(_) => {}
                None => panic!("closed without a goodbye"),
            }
        }
    }
}

pub const fn log_append(entries: Vec<B64>) -> UserLogAppend {
    UserLogAppend {
        entries,
        puts: Vec::new(),
    }
}

pub fn id_of(name: &str) -> ItemId {
    ItemId::from_slice(&sha256(name.as_bytes())[..16]).unwrap()
}

pub fn kem_rotation(g: u32) -> (PublicKey, UserBody) {
    let kk = public_key(&key());
    (kk, UserBody::RotateKem { g, kk })
}
