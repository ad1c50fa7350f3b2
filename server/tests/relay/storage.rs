//! What lies in the database, and that it stays.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sotto_server::clock::Clock;
use sotto_server::config::Config;
use sotto_server::start::{StartError, start};
use sotto_shared::api::body::*;
use sotto_shared::envelope::header::HEADER_BYTES;
use sotto_shared::id::MessageId;

use crate::support::*;

/// What a column may hold, and so of which type it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    /// Chosen by people and shown to everybody; the only text of theirs that the relay knows.
    Handle,
    /// Text of the relay's own.
    Name,
    /// Bytes of the relay's own.
    Fact,
    /// Random, or a hash of what is public.
    Id,
    /// Of bytes that the relay may see, or of a token it gave.
    Hash,
    /// A public key.
    Key,
    /// Ids, public keys and sealed fields that somebody signed.
    Signed,
    /// Ids and numbers that an envelope is bound to.
    Header,
    /// Opens for members.
    Ciphertext,
    /// Opens for one person, or with the pepper.
    Sealed,
    Time,
    Counter,
    Flag,
}

/// The families of types that both databases know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Text,
    Bytes,
    Number,
    YesNo,
}

impl Tag {
    fn named(name: &str) -> Self {
        match name {
            "handle" => Self::Handle,
            "name" => Self::Name,
            "fact" => Self::Fact,
            "id" => Self::Id,
            "hash" => Self::Hash,
            "key" => Self::Key,
            "signed" => Self::Signed,
            "header" => Self::Header,
            "ciphertext" => Self::Ciphertext,
            "sealed" => Self::Sealed,
            "time" => Self::Time,
            "counter" => Self::Counter,
            "flag" => Self::Flag,
            other => panic!("{other} is no tag"),
        }
    }

    const fn fits(self) -> Type {
        match self {
            Self::Handle | Self::Name => Type::Text,
            Self::Fact
            | Self::Id
            | Self::Hash
            | Self::Key
            | Self::Signed
            | Self::Header
            | Self::Ciphertext
            | Self::Sealed => Type::Bytes,
            Self::Time | Self::Counter => Type::Number,
            Self::Flag => Type::YesNo,
        }
    }

    /// How many bytes a value has, where the tag alone says so: what is an id cannot be a text in disguise.
    fn can_have(self, bytes: usize) -> bool {
        match self {
            Self::Id => matches!(bytes, 16 | 32),
            Self::Hash => bytes == 32,
            Self::Key => bytes == 65,
            Self::Header => bytes == HEADER_BYTES,
            _ => true,
        }
    }
}

/// Every column of every table, its tag, and why that is all it holds. A new one has to be argued for here.
const COLUMNS: &str = "
    seaql_migrations.version     name        the names of the steps in db/migrations
    seaql_migrations.applied_at  time        of the operator's doing
    relay.name                   name        realm and pepper
    relay.value                  fact        the public realm; a check of the pepper, which is 256 random bits
    users.user_id                id          hash of the genesis
    users.handle                 handle      visible by design: people are found by it
    users.sealed_signin          sealed      salt, sign-in key and vault header, under the pepper
    users.created_ms             time        a registration is repeated in its first minutes alone
    users.closed                 flag        a closed account keeps its handle
    user_log.user_id             id          whose log
    user_log.seq                 counter     of entries
    user_log.entry               signed      public keys of a person and of devices, whose names are sealed
    vault_items.user_id          id          whose vault
    vault_items.item_id          id          HMAC of a name, under a key in the vault
    vault_items.rev              counter     of changes
    vault_items.sealed           sealed      under keys that the password opens
    sessions.token_hash          hash        the token is with the browser
    sessions.user_id             id          whose session
    sessions.dk_id               id          hash of the device's public key
    sessions.created_ms          time        shown in the list of devices
    sessions.seen_ms             time        shown in the list of devices
    sessions.expires_ms          time        grants and sessions end
    challenges.challenge         id          random, good once
    challenges.purpose           counter     sign-in or session
    challenges.subject           hash        of a handle under the pepper, or a person's id
    challenges.expires_ms        time        a minute
    rooms.room_id                id          hash of the genesis
    rooms.head_seq               counter     of entries
    rooms.head                   hash        of the newest entry
    rooms.epoch_ms               time        the key before it is taken for two minutes more
    room_log.room_id             id          which room
    room_log.seq                 counter     of entries
    room_log.entry               signed      members and rights, which the relay checks; names are sealed
    room_people.room_id          id          which room
    room_people.user_id          id          who
    room_people.since_seq        counter     the entry that let somebody in
    room_people.until_seq        counter     the entry that let somebody go
    wraps.room_id                id          which room
    wraps.channel                id          zero for the room
    wraps.n                      counter     of room keys
    wraps.user_id                id          for whom
    wraps.g                      counter     of a person's keys
    wraps.enc                    key         of this wrap alone (HPKE)
    wraps.ct                     ciphertext  a room key, for one member
    channels.room_id             id          which room
    channels.channel             id          zero for the main one
    channels.seq                 counter     of messages
    channels.t                   hash        the transcript
    messages.room_id             id          which room
    messages.channel             id          which channel
    messages.seq                 counter     of messages
    messages.msg_id              id          random
    messages.header              header      room, channel, message, kind and number of the key
    messages.envelope            ciphertext  text, sender and signature, padded
    messages.envelope_hash       hash        of header and envelope
    messages.t                   hash        the transcript
    messages.expires_ms          time        by when the bytes of one that does not stay go
    reports.room_id              id          which room
    reports.report_id            id          chosen by whoever reports
    reports.expires_ms           time        when it goes, should nobody settle it
    reports.sealed               ciphertext  what somebody says is wrong, and signature, of a padded size
    report_keys.room_id          id          which room
    report_keys.report_id        id          which report
    report_keys.user_id          id          who may open it
    report_keys.g                counter     of the key that it is wrapped for
    report_keys.enc              key         made for this wrap alone
    report_keys.ct               sealed      its key, for one who may act on it
    pictures.user_id             id          whose picture
    pictures.picture_id          id          random, told to those who may ask for it
    pictures.sealed              ciphertext  of one size, under a key of its own
    slots.room_id                id          which room
    slots.channel                id          which channel
    slots.slot_id                id          HMAC of a name, under a key of its author's
    slots.rev                    counter     of writes, to know the oldest
    slots.header                 header      room, channel, slot, kind and number of the key
    slots.envelope               ciphertext  what somebody has read, and signature, of one size
";

/// The list: table, column, tag, why.
fn tagged() -> Vec<(&'static str, &'static str, Tag, &'static str)> {
    let lines = COLUMNS.lines().map(str::trim).filter(|line| !line.is_empty());
    let words = lines.map(|line| {
        let (name, rest) = line.split_once(' ').unwrap();
        let (tag, why) = rest.trim().split_once(' ').unwrap();
        let (table, column) = name.split_once('.').unwrap();
        (table, column, Tag::named(tag), why.trim())
    });
    words.collect()
}

/// Table, column and type of everything in the live database.
pub async fn columns(ground: &Ground) -> Vec<(String, String, String)> {
    let db = ground.app.db.read();
    let sql = if db.get_database_backend() == DbBackend::Postgres {
        "SELECT table_name::text AS t, column_name::text AS c, data_type::text AS k FROM information_schema.columns \
         WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
    } else {
        "SELECT m.name AS t, p.name AS c, p.type AS k FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) p \
         WHERE m.type IN ('table', 'view')"
    };
    let rows = db
        .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
        .unwrap();
    let text = |row: &sea_orm::QueryResult, name| row.try_get::<String>("", name).unwrap();
    rows.iter()
        .map(|row| (text(row, "t"), text(row, "c"), text(row, "k").to_lowercase()))
        .collect()
}

fn type_of(declared: &str) -> Option<Type> {
    match declared.split('(').next().unwrap_or_default() {
        "varchar" | "text" | "character varying" => Some(Type::Text),
        "blob" | "bytea" => Some(Type::Bytes),
        "bigint" | "smallint" | "integer" => Some(Type::Number),
        "boolean" => Some(Type::YesNo),
        _ => None,
    }
}

/// What is wrong with a column of the database, by this list.
fn complaint(table: &str, column: &str, declared: &str) -> Option<String> {
    let known = tagged().into_iter().find(|(t, c, ..)| (*t, *c) == (table, column));
    let Some((.., tag, why)) = known else {
        return Some(format!("{table}.{column} is not known"));
    };
    let fits = type_of(declared) == Some(tag.fits()) && !why.is_empty();
    // Milliseconds say so, but for the migrations' own table; nothing else is called so.
    let is_time = column.ends_with("_ms") || (table, column) == ("seaql_migrations", "applied_at");
    let named = (tag == Tag::Time) == is_time;
    (!fits || !named).then(|| format!("{table}.{column} is {declared}, tagged {tag:?}"))
}

#[tokio::test]
async fn every_column_is_tagged_and_of_the_type_of_its_tag() {
    let ground = Ground::new().await;
    let there = columns(&ground).await;
    let complaints: Vec<_> = there
        .iter()
        .filter_map(|(t, c, declared)| complaint(t, c, declared))
        .collect();
    assert_eq!(complaints, [""; 0]);
    let tagged = tagged();
    let is_there =
        |(table, column, ..): &(&str, &str, Tag, &str)| there.iter().any(|(t, c, _)| t == table && c == column);
    let gone: Vec<_> = tagged.iter().filter(|line| !is_there(line)).collect();
    assert!(gone.is_empty(), "tagged, but not there: {gone:?}");
    assert_eq!(there.len(), tagged.len(), "each is tagged once");
    let texts = tagged.iter().filter(|(.., tag, _)| *tag == Tag::Handle);
    assert_eq!(texts.count(), 1, "people choose one text that the relay sees");
    let what = format!("columns tagged, {:?}", ground.app.db.read().get_database_backend());
    println!("figure: {what:<58} {} of {}", tagged.len(), there.len());
}

#[tokio::test]
async fn a_column_that_nobody_argued_for_is_noticed() {
    let ground = Ground::new().await;
    let add =
        "ALTER TABLE messages ADD COLUMN preview text; CREATE VIEW profiles AS SELECT handle AS nickname FROM users";
    ground.app.db.write().execute_unprepared(add).await.unwrap();
    let there = columns(&ground).await;
    let mut complaints: Vec<_> = there
        .iter()
        .filter_map(|(t, c, declared)| complaint(t, c, declared))
        .collect();
    complaints.sort();
    assert_eq!(
        complaints,
        ["messages.preview is not known", "profiles.nickname is not known"]
    );
    for (table, column, declared) in [
        ("messages", "envelope", "text"),
        ("messages", "seq", "jsonb"),
        ("users", "handle", "bytea"),
        ("sessions", "seen_ms", "boolean"),
        ("users", "closed", "varchar"),
    ] {
        assert!(
            complaint(table, column, declared).is_some(),
            "{table}.{column} as {declared}"
        );
    }
}

#[tokio::test]
async fn ids_hashes_and_keys_have_the_length_of_one_and_no_room_for_a_text() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let room = ground.group(&[&ada, &bob]).await;
    let mut socket = ground.socket(&ada).await;
    socket
        .say(&[
            room.message(512),
            room.message(2048),
            room.value(MessageId::from_bytes(random())),
        ])
        .await;
    socket.message().await;
    socket.message().await;
    socket.slot().await;
    // Bob tells ada, who owns it.
    let report = crate::reports::report(&room, &[&ada]);
    ground.ask(Some(&bob.token), &report).await.unwrap();
    ground.ask(Some(&ada.token), &crate::pictures::picture()).await.unwrap();
    let db = ground.app.db.read();
    let backend = db.get_database_backend();
    let start = SignInStart {
        handle: "ada".to_owned(),
    };
    ground.ask(None, &start).await.unwrap();
    for (table, column, tag, _) in tagged().into_iter().filter(|(.., tag, _)| tag.fits() == Type::Bytes) {
        let sql = format!("SELECT {column} AS v FROM {table} WHERE {column} IS NOT NULL");
        let rows = db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
        assert!(!rows.is_empty(), "{table}.{column} was looked at");
        for row in rows {
            let value: Vec<u8> = row.try_get("", "v").unwrap();
            assert!(tag.can_have(value.len()), "{table}.{column}: {} bytes", value.len());
        }
    }
}

#[tokio::test]
async fn what_opens_a_sign_in_is_nowhere_in_the_database_but_sealed() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let db = ground.app.db.read();
    let backend = db.get_database_backend();
    let ak = sotto_shared::crypto::sign::public_key(&ada.ak);
    for (table, column, _) in columns(&ground).await {
        let sql = format!("SELECT {column} AS v FROM {table}");
        for row in db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap() {
            let Ok(value) = row.try_get::<Vec<u8>>("", "v") else {
                continue;
            };
            for secret in [
                ak.as_bytes().as_slice(),
                &ada.salt,
                b"vault header",
                ada.token.as_bytes(),
            ] {
                assert!(
                    !value.windows(secret.len()).any(|part| part == secret),
                    "{table}.{column}"
                );
            }
        }
    }
}

#[tokio::test]
async fn migrating_again_changes_nothing_and_a_second_start_finds_everything() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let mut room = ground.group(&[&ada, &bob]).await;
    let mut socket = ground.socket(&ada).await;
    let message = room.message(512);
    socket.say(std::slice::from_ref(&message)).await;
    let stored = socket.message().await;
    let before = columns(&ground).await;
    ground.app.db.migrate().await.unwrap();
    assert_eq!(columns(&ground).await, before);

    // Another process on the same database, with nothing in memory: the first has said nothing to it.
    let config = Config::for_database(&ground.url, PEPPER).unwrap();
    let again = start(&config, Clock::manual(START_MS)).await.unwrap();
    let (app, address) = (again.app, again.address);
    let ground = Ground { app, address, ..ground };
    let mut socket = ground.socket(&ada).await;
    assert_eq!(
        (socket.rooms[0].head, socket.rooms[0].channels[0].seq),
        (room.state.head, 1)
    );
    assert_eq!(
        ground.page(&bob, &room, PageFrom::End, 10).await.unwrap().messages,
        std::slice::from_ref(&stored)
    );
    ground.sign_in(&ada).await.unwrap();
    socket.say(&[message, room.message(512)]).await;
    let mut seqs = [socket.message().await.seq, socket.message().await.seq];
    seqs.sort_unstable();
    assert_eq!(seqs, [1, 2], "the retry keeps its place, the new one gets the next");
    let removal = room.remove(&ada, &bob);
    let epoch = room.epoch(&ada);
    ground
        .append(&ada, &room, vec![removal, epoch], room.wraps())
        .await
        .unwrap();
}

#[tokio::test]
async fn two_relays_on_one_database_decide_from_its_head_and_not_from_memory() {
    let one = Ground::new().await;
    let (ada, bob) = (one.person("ada").await, one.person("bob").await);
    let mut room = one.group(&[&ada, &bob]).await;
    let again = start(
        &Config::for_database(&one.url, PEPPER).unwrap(),
        Clock::manual(START_MS),
    )
    .await
    .unwrap();
    let mut at_bob = one.socket(&bob).await;
    at_bob.say(&[room.message(512)]).await;
    at_bob.message().await;
    // Told to the other relay alone.
    let two = Ground {
        app: again.app,
        address: again.address,
        clock: one.clock.clone(),
        http: one.http.clone(),
        url: one.url.clone(),
        ..Ground::new().await
    };
    let removal = room.remove(&ada, &bob);
    let epoch = room.epoch(&ada);
    two.append(&ada, &room, vec![removal, epoch], room.wraps())
        .await
        .unwrap();
    at_bob.say(&[room.message(512)]).await;
    assert_eq!(at_bob.refusal().await.1, sotto_shared::api::error::ErrorCode::Forbidden);
    let mut at_ada = one.socket(&ada).await;
    at_ada.say(&[room.message(512)]).await;
    assert_eq!(at_ada.message().await.seq, 2);
}

#[tokio::test]
async fn another_pepper_or_realm_is_refused_at_the_start() {
    let ground = Ground::new().await;
    let mut config = Config::for_database(&ground.url, &"ab".repeat(32)).unwrap();
    assert!(matches!(
        start(&config, Clock::System).await,
        Err(StartError::OtherInstallation("pepper"))
    ));
    config = Config::for_database(&ground.url, PEPPER).unwrap();
    config.realm = "elsewhere".into();
    assert!(matches!(
        start(&config, Clock::System).await,
        Err(StartError::OtherInstallation("realm"))
    ));
}

#[tokio::test]
async fn the_same_pepper_from_a_file_is_the_same() {
    let ground = Ground::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pepper");
    std::fs::write(&path, format!("{PEPPER}\n")).unwrap();
    let mut config = Config::for_database(&ground.url, PEPPER).unwrap();
    (config.pepper, config.pepper_file) = (None, Some(path));
    let relay = start(&config, Clock::System).await.unwrap();
    let ground = Ground {
        app: relay.app,
        address: relay.address,
        ..ground
    };
    assert_eq!(ground.ask(None, &Info {}).await.unwrap().api, API_VERSION);
}
