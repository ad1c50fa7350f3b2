//! What this browser keeps, in IndexedDB, every byte of it sealed.
//!
//! ```text
//!  "account" ── "kept": { browser key (AES-GCM, not extractable), device key (not extractable), sealed account, session }
//!  "records" ── opaque name ─▶ Seal(KDF(DVK, "store-key"), "store", name, record)
//! ```
//!
//! Locked, "kept" is { the locked account, device key }: no browser key, so that nothing here opens the records.
//!
//! Names are HMACs, so the disk does not even tell which rooms there are. Without "stay signed in" nothing is kept.

use std::collections::HashSet;

use idb::{Database, DatabaseEvent, Factory, KeyRange, ObjectStoreParams, Query as Range, TransactionMode};
use js_sys::{Array, Reflect, Uint8Array};
use serde::de::DeserializeOwned;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::seal;
use sotto_shared::crypto::secret::{DayVaultKey, DerivedKey, derive, opaque_id};
use sotto_shared::crypto::sign::PublicKey;
use sotto_shared::id::ChannelId;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};
use zeroize::Zeroizing;

use super::system;
use super::webcrypto::{DeviceKey, WebCrypto, object};
use crate::engine::{
    ChannelRecord, DraftRecord, Kept, KeptAccount, Key, KeysRecord, Loaded, LockedAccount, MessageRecord,
    OutgoingRecord, PersonRecord, PictureRecord, Query, Record, RoomRecord, StopRecord,
};
use crate::view::{Chat, Problem};

const NAME: &str = "sotto";
/// Raised with every change of layout; a newer one than this is refused, never overwritten.
const VERSION: u32 = 1;
const RECORDS: &str = "records";
const ACCOUNT: &str = "account";
const KEPT: &str = "kept";

#[derive(Default)]
pub struct Store {
    open: Option<Open>,
}

struct Open {
    database: Database,
    keys: Keys,
    /// The session that it was opened with.
    session: Session,
}

/// Tells one session from another and says nothing of either: whether what is kept is ours can be asked without opening it.
type Session = [u8; 16];

/// What records lie under.
struct Keys {
    seal_key: DerivedKey,
    name_key: DerivedKey,
}

/// The browser would not take it: no room, or storage switched off.
#[derive(Debug)]
pub struct Refused;

impl<E: std::error::Error> From<E> for Refused {
    fn from(_: E) -> Self {
        Self
    }
}

impl Store {
    /// The account this browser stays signed in to, and its store opened.
    pub async fn restore(&mut self, suite: &WebCrypto) -> Result<Option<(Kept, DeviceKey)>, Problem> {
        let Some(subtle) = suite.subtle() else { return Ok(None) };
        // A browser that lets nothing be stored is one in which nothing was.
        let Some(database) = open_database().await? else {
            return Ok(None);
        };
        let Some(kept) = read_kept(&database).await else {
            return Ok(None);
        };
        if let Some((account, key)) = read_locked(&kept) {
            return Ok(Some((Kept::Locked(account), key)));
        }
        let Some((account, key)) = open_kept(subtle, &kept).await else {
            return Ok(None);
        };
        self.open = Some(Open::new(database, &account));
        Ok(Some((Kept::Open(account), key)))
    }

    /// From now on this browser keeps the account. What lies under a former day key is sealed anew.
    pub async fn keep(
        &mut self,
        suite: &WebCrypto,
        account: &KeptAccount,
        key: &DeviceKey,
        former: &[DayVaultKey],
    ) -> Result<(), Refused> {
        let (Some(subtle), DeviceKey::Platform { key, public }) = (suite.subtle(), key) else {
            return Ok(());
        };
        if let Some(open) = self.open.take() {
            open.database.close();
        }
        let database = open_database().await.map_err(|_| Refused)?.ok_or(Refused)?;
        let open = Open::new(database, account);
        let mut is_ours = !open.read_range::<KeysRecord>("k", "k0").await?.is_empty();
        for dvk in former {
            is_ours |= open.seal_anew(&Keys::new(dvk.expose())).await?;
        }
        if !is_ours {
            // Nothing, or another account's: its keys do not open under ours.
            clear(&open.database).await?;
        }
        let usages = Array::of2(&"encrypt".into(), &"decrypt".into());
        let params = object(&[("name", "AES-GCM".into()), ("length", 256.into())]);
        let promise = subtle
            .generate_key_with_object(&params, false, &usages)
            .map_err(|_| Refused)?;
        let browser_key: CryptoKey = JsFuture::from(promise).await.map_err(|_| Refused)?.unchecked_into();
        let plain = Zeroizing::new(serde_json::to_vec(account)?);
        let mut iv = [0; 12];
        getrandom::fill(&mut iv)?;
        let bytes = Uint8Array::from(plain.as_slice());
        let promise = subtle.encrypt_with_object_and_buffer_source(&gcm(&iv), &browser_key, &bytes);
        // The browser has taken a copy of its own.
        bytes.fill(0, 0, bytes.length());
        let sealed = JsFuture::from(promise.map_err(|_| Refused)?)
            .await
            .map_err(|_| Refused)?;
        let kept = object(&[
            ("browser_key", browser_key.into()),
            ("device_key", key.into()),
            ("device_public", Uint8Array::from(public.as_bytes().as_slice()).into()),
            ("iv", Uint8Array::from(iv.as_slice()).into()),
            ("sealed", sealed),
            ("session", Uint8Array::from(open.session.as_slice()).into()),
        ]);
        let transaction = open.database.transaction(&[ACCOUNT], TransactionMode::ReadWrite)?;
        transaction
            .object_store(ACCOUNT)?
            .put(&kept, Some(&KEPT.into()))?
            .await?;
        transaction.commit()?.await?;
        self.open = Some(open);
        Ok(())
    }

    /// Removes the account and the keys that open the records, unless another tab has kept a newer one since.
    pub async fn lock(&mut self) {
        let Some(Open { database, session, .. }) = self.open.take() else {
            return;
        };
        let kept = read_kept(&database).await.and_then(|kept| session_of(&kept));
        if kept.is_none_or(|kept| kept == session) {
            let _ = forget_account(&database).await;
        }
        database.close();
    }

    /// Puts the locked account in the place of the open one, and with that the browser key away. If the browser does not take
    /// it, the account is removed: shut it is in any case.
    pub async fn shut(&mut self, account: &LockedAccount) {
        let done = match &self.open {
            Some(open) => open.put_locked(account).await.is_ok(),
            None => return,
        };
        if done && let Some(open) = self.open.take() {
            open.database.close();
        } else {
            self.lock().await;
        }
    }

    /// Removes everything.
    pub async fn wipe(&mut self) {
        let database = match self.open.take() {
            Some(open) => Some(open.database),
            None => open_database().await.ok().flatten(),
        };
        if let Some(database) = database {
            let _ = clear(&database).await;
            database.close();
        }
    }

    pub async fn save(&self, records: Vec<Record>) -> Result<(), Refused> {
        let Some(open) = &self.open else { return Ok(()) };
        if records.is_empty() {
            return Ok(());
        }
        let transaction = open.database.transaction(&[RECORDS], TransactionMode::ReadWrite)?;
        let store = transaction.object_store(RECORDS)?;
        for record in records {
            let name = open.keys.name(&record.key);
            match record.value {
                Some(value) => {
                    let sealed = open.keys.seal(&name, &Zeroizing::new(value));
                    store.put(&Uint8Array::from(sealed.as_slice()), Some(&name.into()))?;
                }
                None => {
                    store.delete(JsValue::from(name))?;
                }
            }
        }
        let done = transaction.commit()?.await?;
        if done.is_committed() { Ok(()) } else { Err(Refused) }
    }

    pub async fn load(&self, query: &Query) -> Result<Loaded, Problem> {
        let Some(open) = &self.open else {
            return Ok(Loaded::default());
        };
        match query {
            Query::Base { lane } => open.load_base(lane).await,
            Query::Messages { chat, from, to } => {
                let first = open.keys.name(&Key::Message(*chat, *from));
                let last = open.keys.name(&Key::Message(*chat, *to));
                let messages = open.read_range(&first, &last).await.map_err(|_| Problem::StorageFull)?;
                Ok(Loaded {
                    messages,
                    ..Loaded::default()
                })
            }
            Query::Picture(user) => {
                let name = open.keys.name(&Key::Picture(*user));
                let pictures = open.read_range(&name, &name).await.map_err(|_| Problem::StorageFull)?;
                Ok(Loaded {
                    pictures,
                    ..Loaded::default()
                })
            }
        }
    }
}

impl Keys {
    fn new(dvk: &[u8; 32]) -> Self {
        Self {
            seal_key: derive(dvk, Label::StoreKey, &[]),
            name_key: derive(dvk, Label::StoreNameKey, &[]),
        }
    }

    /// A letter for the kind, so that a kind can be read as a range; the rest says nothing.
    fn name(&self, key: &Key) -> String {
        let opaque = |kind: &str, parts: &[&[u8]]| {
            let id = opaque_id(&self.name_key, parts);
            id.iter().fold(format!("{kind}/"), |mut name, byte| {
                name.push_str(&format!("{byte:02x}"));
                name
            })
        };
        // `MAIN` is not named: so lie the records of versions that knew no other.
        let in_chat = |kind: &str, what: &[u8], chat: &Chat, more: &[&[u8]]| {
            let mut parts: Vec<&[u8]> = vec![what, chat.room.as_bytes()];
            if chat.channel != ChannelId::MAIN {
                parts.push(chat.channel.as_bytes());
            }
            parts.extend_from_slice(more);
            opaque(kind, &parts)
        };
        match key {
            Key::Person(user) => opaque("p", &[b"person", user.as_bytes()]),
            Key::Room(room) => opaque("r", &[b"room", room.as_bytes()]),
            Key::Channel(chat) => in_chat("c", b"channel", chat, &[]),
            Key::Stop(room) => opaque("s", &[b"stop", room.as_bytes()]),
            Key::Message(chat, seq) => format!("{}/{seq:016x}", in_chat("m", b"message", chat, &[])),
            Key::Outgoing(chat, id) => in_chat("o", b"outgoing", chat, &[id.as_bytes()]),
            Key::Draft(chat, None) => in_chat("d", b"draft", chat, &[]),
            Key::Draft(chat, Some(root)) => in_chat("d", b"draft in thread", chat, &[root.as_bytes()]),
            Key::Picture(user) => opaque("i", &[b"picture", user.as_bytes()]),
            Key::Keys => "k".to_owned(),
        }
    }

    fn context(name: &str) -> Vec<u8> {
        seal::context(Label::Store, &[name.as_bytes()])
    }

    fn seal(&self, name: &str, plain: &[u8]) -> Vec<u8> {
        seal::seal(
            &mut system::random(),
            self.seal_key.expose(),
            &Self::context(name),
            plain,
        )
    }

    fn open(&self, name: &str, sealed: &JsValue) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = Uint8Array::new(sealed).to_vec();
        let plain = seal::open(self.seal_key.expose(), &Self::context(name), &sealed).ok()?;
        Some(Zeroizing::new(plain))
    }

    /// A record that does not open or parse is left out: it is fetched again.
    fn read<T: DeserializeOwned>(&self, name: &str, sealed: &JsValue) -> Option<T> {
        serde_json::from_slice(&self.open(name, sealed)?).ok()
    }
}

/// Where a record lies that is called `name` now: the letter says what it is, the rest stands inside.
fn key_of(name: &str, plain: &[u8]) -> Option<Key> {
    fn read<T: DeserializeOwned>(plain: &[u8]) -> Option<T> {
        serde_json::from_slice(plain).ok()
    }
    Some(match name.chars().next()? {
        'p' => Key::Person(read::<PersonRecord>(plain)?.user_id),
        'r' => Key::Room(read::<RoomRecord>(plain)?.room_id),
        'c' => Key::Channel(read::<ChannelRecord>(plain)?.chat()),
        's' => Key::Stop(read::<StopRecord>(plain)?.room_id),
        'm' => {
            let message: MessageRecord = read(plain)?;
            Key::Message(message.chat(), message.seq)
        }
        'o' => {
            let message: OutgoingRecord = read(plain)?;
            Key::Outgoing(message.chat(), message.msg_id)
        }
        'd' => {
            let draft: DraftRecord = read(plain)?;
            Key::Draft(draft.chat(), draft.thread)
        }
        'i' => Key::Picture(read::<PictureRecord>(plain)?.user_id),
        'k' => Key::Keys,
        _ => return None,
    })
}

impl Open {
    fn new(database: Database, account: &KeptAccount) -> Self {
        let keys = Keys::new(&account.dvk);
        Self {
            database,
            session: opaque_id(&keys.name_key, &[b"session", account.token.as_bytes()]),
            keys,
        }
    }

    /// Opens nothing: what the browser hands out opened leaves copies in memory that nobody can wipe.
    async fn put_locked(&self, account: &LockedAccount) -> Result<(), Refused> {
        let kept = read_kept(&self.database).await.ok_or(Refused)?;
        if read_locked(&kept).is_some() {
            // Another tab was faster.
            return Ok(());
        }
        let Some(DeviceKey::Platform { key, public }) = device_of(&kept) else {
            return Err(Refused);
        };
        if session_of(&kept) != Some(self.session) {
            return Err(Refused);
        }
        let locked = object(&[
            (
                "locked",
                Uint8Array::from(serde_json::to_vec(account)?.as_slice()).into(),
            ),
            ("device_key", key.into()),
            ("device_public", Uint8Array::from(public.as_bytes().as_slice()).into()),
        ]);
        let transaction = self.database.transaction(&[ACCOUNT], TransactionMode::ReadWrite)?;
        transaction
            .object_store(ACCOUNT)?
            .put(&locked, Some(&KEPT.into()))?
            .await?;
        transaction.commit()?.await?;
        Ok(())
    }

    /// Moves what lies under `was` to where it belongs now, all of it or nothing. Says whether there was anything.
    async fn seal_anew(&self, was: &Keys) -> Result<bool, Refused> {
        let transaction = self.database.transaction(&[RECORDS], TransactionMode::ReadOnly)?;
        let store = transaction.object_store(RECORDS)?;
        let (names, values) = (store.get_all_keys(None, None)?, store.get_all(None, None)?);
        let (names, values) = (names.await?, values.await?);
        let there: HashSet<String> = names.iter().filter_map(JsValue::as_string).collect();
        let mut moved = Vec::new();
        for (name, value) in names.iter().zip(&values) {
            let Some(name) = name.as_string() else { continue };
            let Some(plain) = was.open(&name, value) else { continue };
            let Some(key) = key_of(&name, &plain) else { continue };
            let next = self.keys.name(&key);
            // What was written under the new name already is newer.
            let sealed = (next == name || !there.contains(&next)).then(|| self.keys.seal(&next, &plain));
            moved.push((name, next, sealed));
        }
        if moved.is_empty() {
            return Ok(false);
        }
        let transaction = self.database.transaction(&[RECORDS], TransactionMode::ReadWrite)?;
        let store = transaction.object_store(RECORDS)?;
        for (name, next, sealed) in moved {
            store.delete(JsValue::from(name))?;
            if let Some(sealed) = sealed {
                store.put(&Uint8Array::from(sealed.as_slice()), Some(&next.into()))?;
            }
        }
        let done = transaction.commit()?.await?;
        if done.is_committed() { Ok(true) } else { Err(Refused) }
    }

    async fn read_range<T: DeserializeOwned>(&self, first: &str, last: &str) -> Result<Vec<T>, idb::Error> {
        let transaction = self.database.transaction(&[RECORDS], TransactionMode::ReadOnly)?;
        let store = transaction.object_store(RECORDS)?;
        let range = || KeyRange::bound(&first.into(), &last.into(), Some(false), Some(false)).map(Range::from);
        let (names, values) = (
            store.get_all_keys(Some(range()?), None)?,
            store.get_all(Some(range()?), None)?,
        );
        let (names, values) = (names.await?, values.await?);
        let read = names
            .iter()
            .zip(&values)
            .filter_map(|(name, value)| self.keys.read(&name.as_string()?, value));
        Ok(read.collect())
    }

    async fn load_base(&self, own: &[u8; 8]) -> Result<Loaded, Problem> {
        async fn all<T: DeserializeOwned>(open: &Open, kind: &str) -> Result<Vec<T>, Problem> {
            // "/" comes right before "0".
            open.read_range(kind, &format!("{kind}0"))
                .await
                .map_err(|_| Problem::StorageFull)
        }
        let mut outgoing: Vec<OutgoingRecord> = all(self, "o").await?;
        let held: HashSet<String> = system::held_lanes().await.into_iter().collect();
        outgoing.retain(|item| item.lane == *own || !held.contains(&crate::engine::lane_name(&item.lane)));
        Ok(Loaded {
            people: all(self, "p").await?,
            rooms: all(self, "r").await?,
            channels: all(self, "c").await?,
            stops: all(self, "s").await?,
            drafts: all(self, "d").await?,
            keys: all(self, "k").await?.pop(),
            outgoing,
            ..Loaded::default()
        })
    }
}

/// `None`: this browser does not store anything for us.
async fn open_database() -> Result<Option<Database>, Problem> {
    let Ok(factory) = Factory::new() else { return Ok(None) };
    let Ok(mut request) = factory.open(NAME, Some(VERSION)) else {
        return Ok(None);
    };
    request.on_upgrade_needed(|event| {
        if let Ok(database) = event.database() {
            for store in [RECORDS, ACCOUNT] {
                if !database.store_names().iter().any(|name| name == store) {
                    // A failure shows when the store is used.
                    let _ = database.create_object_store(store, ObjectStoreParams::new());
                }
            }
        }
    });
    match request.await {
        Ok(mut database) => {
            // A newer page in another tab may change the layout: let it.
            database.on_version_change(|event| {
                if let Ok(database) = event.database() {
                    database.close();
                }
            });
            Ok(Some(database))
        }
        Err(error) if format!("{error:?}").contains("VersionError") => Err(Problem::NewerStorage),
        Err(_) => Ok(None),
    }
}

async fn read_kept(database: &Database) -> Option<JsValue> {
    let transaction = database.transaction(&[ACCOUNT], TransactionMode::ReadOnly).ok()?;
    transaction
        .object_store(ACCOUNT)
        .ok()?
        .get(JsValue::from(KEPT))
        .ok()?
        .await
        .ok()?
}

fn device_of(kept: &JsValue) -> Option<DeviceKey> {
    let key: CryptoKey = Reflect::get(kept, &"device_key".into()).ok()?.dyn_into().ok()?;
    let public = Reflect::get(kept, &"device_public".into()).ok()?;
    let public = PublicKey::from_bytes(&Uint8Array::new(&public).to_vec()).ok()?;
    Some(DeviceKey::Platform { key, public })
}

fn session_of(kept: &JsValue) -> Option<Session> {
    let session: Uint8Array = Reflect::get(kept, &"session".into()).ok()?.dyn_into().ok()?;
    session.to_vec().try_into().ok()
}

fn read_locked(kept: &JsValue) -> Option<(LockedAccount, DeviceKey)> {
    let locked: Uint8Array = Reflect::get(kept, &"locked".into()).ok()?.dyn_into().ok()?;
    let account = serde_json::from_slice(&locked.to_vec()).ok()?;
    Some((account, device_of(kept)?))
}

async fn open_kept(subtle: &SubtleCrypto, kept: &JsValue) -> Option<(KeptAccount, DeviceKey)> {
    let field = |name: &str| Reflect::get(kept, &name.into()).ok();
    let browser_key: CryptoKey = field("browser_key")?.dyn_into().ok()?;
    let key = device_of(kept)?;
    let iv: [u8; 12] = Uint8Array::new(&field("iv")?).to_vec().try_into().ok()?;
    let sealed = Uint8Array::new(&field("sealed")?);
    let promise = subtle
        .decrypt_with_object_and_buffer_source(&gcm(&iv), &browser_key, &sealed)
        .ok()?;
    let bytes = Uint8Array::new(&JsFuture::from(promise).await.ok()?);
    let plain = Zeroizing::new(bytes.to_vec());
    bytes.fill(0, 0, bytes.length());
    let account: KeptAccount = serde_json::from_slice(&plain).ok()?;
    match &key {
        DeviceKey::Platform { public, .. } if account.dk_id == public.key_id() => Some((account, key)),
        _ => None,
    }
}

async fn forget_account(database: &Database) -> Result<(), idb::Error> {
    let transaction = database.transaction(&[ACCOUNT], TransactionMode::ReadWrite)?;
    transaction.object_store(ACCOUNT)?.clear()?;
    transaction.commit()?.await?;
    Ok(())
}

async fn clear(database: &Database) -> Result<(), idb::Error> {
    let transaction = database.transaction(&[RECORDS, ACCOUNT], TransactionMode::ReadWrite)?;
    transaction.object_store(RECORDS)?.clear()?;
    transaction.object_store(ACCOUNT)?.clear()?;
    transaction.commit()?.await?;
    Ok(())
}

fn gcm(iv: &[u8; 12]) -> js_sys::Object {
    object(&[
        ("name", "AES-GCM".into()),
        ("iv", Uint8Array::from(iv.as_slice()).into()),
    ])
}
