//! What lies in the database, and that it stays.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sotto_server::clock::Clock;
use sotto_server::config::Config;
use sotto_server::start::{StartError, start};
use sotto_shared::api::body::*;

use crate::support::*;

/// Every column, and what it may hold. A new one has to be argued for here.
const COLUMNS: [(&str, &str, &str); 46] = [
    ("relay", "name", "id"),
    ("relay", "value", "id"),
    ("users", "user_id", "id"),
    ("users", "handle", "id"),
    ("users", "sealed_signin", "sealed"),
    ("users", "created_ms", "time"),
    ("users", "closed", "counter"),
    ("user_log", "user_id", "id"),
    ("user_log", "seq", "counter"),
    ("user_log", "entry", "key"),
    ("vault_items", "user_id", "id"),
    ("vault_items", "item_id", "id"),
    ("vault_items", "rev", "counter"),
    ("vault_items", "sealed", "sealed"),
    ("sessions", "token_hash", "id"),
    ("sessions", "user_id", "id"),
    ("sessions", "dk_id", "id"),
    ("sessions", "created_ms", "time"),
    ("sessions", "seen_ms", "time"),
    ("sessions", "expires_ms", "time"),
    ("challenges", "challenge", "id"),
    ("challenges", "purpose", "counter"),
    ("challenges", "subject", "id"),
    ("challenges", "expires_ms", "time"),
    ("rooms", "room_id", "id"),
    ("rooms", "head_seq", "counter"),
    ("rooms", "head", "id"),
    ("rooms", "epoch_ms", "time"),
    ("room_log", "room_id", "id"),
    ("room_log", "seq", "counter"),
    ("room_log", "entry", "key"),
    ("room_people", "room_id", "id"),
    ("room_people", "user_id", "id"),
    ("room_people", "since_seq", "counter"),
    ("room_people", "until_seq", "counter"),
    ("wraps", "room_id", "id"),
    ("wraps", "channel", "id"),
    ("wraps", "n", "counter"),
    ("wraps", "user_id", "id"),
    ("wraps", "g", "counter"),
    ("wraps", "enc", "key"),
    ("wraps", "ct", "ciphertext"),
    ("channels", "room_id", "id"),
    ("channels", "channel", "id"),
    ("channels", "seq", "counter"),
    ("channels", "t", "id"),
];
const MESSAGE_COLUMNS: [(&str, &str, &str); 9] = [
    ("messages", "room_id", "id"),
    ("messages", "channel", "id"),
    ("messages", "seq", "counter"),
    ("messages", "msg_id", "id"),
    ("messages", "header", "id"),
    ("messages", "envelope", "ciphertext"),
    ("messages", "envelope_hash", "id"),
    ("messages", "t", "id"),
    ("messages", "expires_ms", "time"),
];

async fn columns(ground: &Ground) -> Vec<(String, String)> {
    let db = ground.app.db.read();
    let sql = if db.get_database_backend() == DbBackend::Postgres {
        "SELECT table_name::text AS t, column_name::text AS c FROM information_schema.columns WHERE table_schema = 'public'"
    } else {
        "SELECT m.name AS t, p.name AS c FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'"
    };
    let rows = db
        .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
        .unwrap();
    let pairs = rows
        .iter()
        .map(|row| (row.try_get("", "t").unwrap(), row.try_get("", "c").unwrap()));
    pairs
        .filter(|(table, _): &(String, String)| table != "seaql_migrations" && !table.starts_with("sqlite_"))
        .collect()
}

#[tokio::test]
async fn every_column_holds_a_key_ciphertext_an_id_a_time_a_counter_or_something_sealed() {
    let ground = Ground::new().await;
    let mut there = columns(&ground).await;
    let known = COLUMNS.iter().chain(&MESSAGE_COLUMNS);
    assert!(
        known
            .clone()
            .all(|(.., tag)| ["key", "ciphertext", "id", "time", "counter", "sealed"].contains(tag))
    );
    let mut known: Vec<_> = known
        .map(|(table, column, _)| ((*table).to_owned(), (*column).to_owned()))
        .collect();
    there.sort();
    known.sort();
    assert_eq!(there, known);
}

#[tokio::test]
async fn what_opens_a_sign_in_is_nowhere_in_the_database_but_sealed() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let db = ground.app.db.read();
    let backend = db.get_database_backend();
    let ak = sotto_shared::crypto::sign::public_key(&ada.ak);
    for (table, column) in columns(&ground).await {
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
