//! What the relay says it holds about somebody is what it holds: every row of the database that names them or a room they
//! are in, and nothing else. The database is read here without knowing its tables, so that a new one cannot be forgotten.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, QueryResult, Statement};
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::MAX_ROWS_PAGE;
use sotto_shared::crypto::hash::sha256;
use sotto_shared::id::{ChannelId, MessageId, RoomId, UserId};

use crate::channels::{DEN, GENERAL, Space, channel_wrap, heard, message, people, space, value};
use crate::storage::columns;
use crate::support::*;

/// Tables about this installation, and about nobody.
const ABOUT_NOBODY: [&str; 2] = ["relay", "seaql_migrations"];

/// A value as the database has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Raw {
    Nothing,
    Number(u64),
    Text(String),
    Bytes(Vec<u8>),
}

type Row = BTreeMap<String, Raw>;

/// Every row of every table.
async fn database(ground: &Ground) -> BTreeMap<String, Vec<Row>> {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, column, _) in columns(ground).await {
        tables.entry(table).or_default().push(column);
    }
    let db = ground.app.db.read();
    let mut all = BTreeMap::new();
    for (table, columns) in tables {
        let sql = format!("SELECT * FROM {table}");
        let rows = db
            .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
            .await
            .unwrap();
        let row = |row: &QueryResult| columns.iter().map(|name| (name.clone(), raw(row, name))).collect();
        all.insert(table, rows.iter().map(row).collect());
    }
    all
}

fn raw(row: &QueryResult, name: &str) -> Raw {
    let number = |number: Option<i64>| number.map_or(Raw::Nothing, |number| Raw::Number(number.try_into().unwrap()));
    if let Ok(text) = row.try_get::<Option<String>>("", name) {
        text.map_or(Raw::Nothing, Raw::Text)
    } else if let Ok(whole) = row.try_get::<Option<i64>>("", name) {
        number(whole)
    } else if let Ok(small) = row.try_get::<Option<i16>>("", name) {
        number(small.map(i64::from))
    } else if let Ok(flag) = row.try_get::<Option<bool>>("", name) {
        number(flag.map(i64::from))
    } else {
        let bytes: Option<Vec<u8>> = row.try_get("", name).unwrap();
        bytes.map_or(Raw::Nothing, Raw::Bytes)
    }
}

/// Whether one of `names` stands anywhere in a row.
fn speaks_of(row: &Row, names: &[Vec<u8>]) -> bool {
    let holds = |value: &[u8]| {
        names
            .iter()
            .any(|name| value.windows(name.len()).any(|part| part == name))
    };
    row.values().any(|value| match value {
        Raw::Text(text) => holds(text.as_bytes()),
        Raw::Bytes(bytes) => holds(bytes),
        Raw::Nothing | Raw::Number(_) => false,
    })
}

/// A value as both sides can say it: bytes by length and hash.
fn said(value: &Raw) -> String {
    match value {
        Raw::Nothing => "nothing".into(),
        Raw::Number(number) => number.to_string(),
        Raw::Text(text) => format!("{text:?}"),
        Raw::Bytes(bytes) => format!("{} bytes {:?}", bytes.len(), sha256(bytes)),
    }
}

fn said_by_relay(cell: &Cell, kind: ColumnKind) -> String {
    let whole = matches!(kind, ColumnKind::Id | ColumnKind::Key);
    match cell {
        Cell::Nothing => said(&Raw::Nothing),
        Cell::Number(number) => said(&Raw::Number(*number)),
        Cell::Text(text) => said(&Raw::Text(text.clone())),
        Cell::Bytes(bytes) if whole => said(&Raw::Bytes(bytes.0.clone())),
        Cell::Digest { bytes, sha256 } if !whole => {
            let hash: [u8; 32] = sha256.0.clone().try_into().unwrap();
            format!("{bytes} bytes {hash:?}")
        }
        other => panic!("{other:?} in a column of {kind:?}"),
    }
}

fn size(row: &Row) -> u64 {
    let sizes = row.values().map(|value| match value {
        Raw::Nothing => 0,
        Raw::Number(_) => 8,
        Raw::Text(text) => text.len() as u64,
        Raw::Bytes(bytes) => bytes.len() as u64,
    });
    sizes.sum()
}

/// Every row that the relay shows to a person, by table and in the order of the columns' names.
async fn shown(ground: &Ground, person: &Person, held: &Held) -> BTreeSet<(String, Vec<String>)> {
    let mut all = BTreeSet::new();
    for table in &held.tables {
        let mut after = Vec::new();
        loop {
            let page = RowsGet {
                table: table.table.clone(),
                after,
            };
            let page = ground.ask(Some(&person.token), &page).await.unwrap();
            assert!(page.rows.len() <= MAX_ROWS_PAGE as usize);
            for row in &page.rows {
                assert_eq!(row.len(), table.columns.len());
                let mut cells: Vec<(&str, String)> = (table.columns.iter().zip(row))
                    .map(|(column, cell)| (column.name.as_str(), said_by_relay(cell, column.kind)))
                    .collect();
                cells.sort();
                let cells = cells.into_iter().map(|(_, cell)| cell).collect();
                assert!(all.insert((table.table.clone(), cells)), "a row comes once");
            }
            if !page.more {
                break;
            }
            after = page.rows.last().unwrap().clone();
        }
    }
    all
}

/// What the relay must show to a person who is in `rooms` and was put out of others by the entries of `former`.
async fn must_show(
    ground: &Ground,
    person: &Person,
    rooms: &[RoomId],
    former: &[(RoomId, u64)],
) -> (BTreeSet<(String, Vec<String>)>, u64) {
    let mut names = vec![
        person.user_id.as_bytes().to_vec(),
        person.handle.clone().into_bytes(),
        ground.app.pepper.subject(&person.handle).to_vec(),
    ];
    names.extend(person.log.view().devices.keys().map(|id| id.as_bytes().to_vec()));
    names.extend(rooms.iter().map(|room| room.as_bytes().to_vec()));
    let (mut all, mut bytes) = (BTreeSet::new(), 0);
    for (table, rows) in database(ground).await {
        for row in rows {
            // Of a room one has left, the log up to the entry that took one out.
            let readable = former.iter().any(|(room, until)| {
                row.get("room_id") == Some(&Raw::Bytes(room.as_bytes().to_vec()))
                    && table == "room_log"
                    && matches!(row.get("seq"), Some(Raw::Number(seq)) if seq <= until)
            });
            if !speaks_of(&row, &names) && !readable {
                continue;
            }
            assert!(!ABOUT_NOBODY.contains(&table.as_str()), "{table} is about nobody");
            bytes += size(&row);
            all.insert((table.clone(), row.values().map(said).collect()));
        }
    }
    (all, bytes)
}

#[tokio::test]
async fn every_row_about_somebody_is_shown_to_them_and_nothing_of_other_people() {
    let ground = Ground::with(|config| {
        config.limits.messages_burst = 1000;
        config.limits.requests_per_minute = 4000;
    })
    .await;
    // Long enough to stand in no row by chance.
    let mut ada = ground.person("ada-who-looks").await;
    let bob = ground.person("bob-who-is-with-her").await;
    let cleo = ground.person("cleo-who-is-not").await;
    let dora = ground.person("dora-who-is-alone").await;

    // A second browser, a grant nobody used, and challenges of both kinds nobody answered.
    let second = key();
    let device = ada.add_device(&second);
    let append = UserLogAppend {
        entries: vec![device],
        puts: Vec::new(),
    };
    ground.ask(Some(&ada.token), &append).await.unwrap();
    ground.session(&ada, &second).await.unwrap();
    for person in [&ada, &bob] {
        let grant = ground.sign_in(person).await.unwrap().token;
        ground.ask(Some(&grant), &SessionStart {}).await.unwrap();
        let handle = person.handle.clone();
        ground.ask(None, &SignInStart { handle }).await.unwrap();
    }

    for person in [&ada, &bob] {
        let picture = crate::pictures::picture();
        ground.ask(Some(&person.token), &picture).await.unwrap();
    }

    // More messages than a page of rows holds; a room she was put out of, where life goes on; one she never saw.
    let with_bob = ground.group(&[&ada, &bob]).await;
    let mut at_ada = ground.socket(&ada).await;
    let messages: Vec<_> = (0..MAX_ROWS_PAGE + 20).map(|_| with_bob.message(512)).collect();
    for some in messages.chunks(20) {
        at_ada.say(some).await;
        for _ in some {
            at_ada.message().await;
        }
    }
    at_ada.say(&[with_bob.value(MessageId::from_bytes(random()))]).await;
    at_ada.slot().await;
    let mut left = ground.group(&[&bob, &ada, &cleo]).await;
    let removal = left.remove(&bob, &ada);
    let until = left.state.seq;
    let epoch = left.epoch(&bob);
    ground
        .append(&bob, &left, vec![removal, epoch], left.wraps())
        .await
        .unwrap();
    let without_her = ground.group(&[&bob, &cleo]).await;
    let mut at_bob = ground.socket(&bob).await;
    for room in [&left, &without_her] {
        at_bob
            .say(&[room.message(1024), room.value(MessageId::from_bytes(random()))])
            .await;
        at_bob.message().await;
        at_bob.slot().await;
    }

    let (with_bob, left, without_her) = (with_bob.id, left.id, without_her.id);
    type Seen<'a> = (&'a Person, &'a [RoomId], &'a [(RoomId, u64)]);
    let people: [Seen<'_>; 4] = [
        (&ada, &[with_bob], &[(left, until)]),
        (&bob, &[with_bob, left, without_her], &[]),
        (&cleo, &[left, without_her], &[]),
        (&dora, &[], &[]),
    ];
    for (person, rooms, former) in people {
        let held = ground.ask(Some(&person.token), &HeldGet {}).await.unwrap();
        let shown = shown(&ground, person, &held).await;
        let (expected, bytes) = must_show(&ground, person, rooms, former).await;
        let missing: Vec<_> = expected.difference(&shown).collect();
        let foreign: Vec<_> = shown.difference(&expected).collect();
        assert!(missing.is_empty(), "{} does not see {missing:#?}", person.handle);
        assert!(foreign.is_empty(), "{} sees {foreign:#?}", person.handle);
        let sums = held.tables.iter().flat_map(|table| &table.sums);
        let (rows, sum) = sums.fold((0, 0), |(rows, bytes), sum| (rows + sum.rows, bytes + sum.bytes));
        assert_eq!((rows as usize, sum), (shown.len(), bytes), "{}", person.handle);
    }
    let held = ground.ask(Some(&ada.token), &HeldGet {}).await.unwrap();
    let of = |table: &str, room: Option<RoomId>| {
        let table = held.tables.iter().find(|held| held.table == table).unwrap();
        (table.sums.iter().find(|sum| sum.room_id == room)).map_or(0, |sum| sum.rows)
    };
    assert_eq!(of("messages", Some(with_bob)), u64::from(MAX_ROWS_PAGE) + 20);
    assert_eq!(of("messages", Some(left)), 0);
    assert_eq!((of("slots", Some(with_bob)), of("slots", Some(left))), (1, 0));
    assert_eq!(of("room_log", Some(left)), until + 1);
    assert_eq!(
        (of("users", None), of("sessions", None)),
        (1, 3),
        "two sessions and a grant"
    );
    assert_eq!(of("challenges", None), 2);
}

#[tokio::test]
async fn of_a_private_channel_those_who_do_not_read_it_are_shown_their_own_keys_alone() {
    let Space {
        ground,
        mut room,
        ada,
        bob,
        cyd,
        ..
    } = space().await;
    let mut at_ada = ground.socket(&ada).await;
    for channel in [GENERAL, DEN] {
        heard(&mut at_ada, &[message(&room, channel), value(&room, channel)]).await;
    }
    // Cyd was in it for a while.
    let enters = room.entry(&ada, people(DEN, &[&cyd], &[]));
    let wraps = vec![channel_wrap(cyd.user_id, DEN, 1, 1)];
    ground.append(&ada, &room, vec![enters], wraps).await.unwrap();
    let leaves = room.entry(&cyd, people(DEN, &[], &[&cyd]));
    ground.append(&cyd, &room, vec![leaves], Vec::new()).await.unwrap();
    let all = [("channels", 1), ("messages", 1), ("slots", 1), ("wraps", 3)];
    for (person, of_den) in [(&ada, &all[..]), (&bob, &all[..]), (&cyd, &[("wraps", 1)][..])] {
        let held = ground.ask(Some(&person.token), &HeldGet {}).await.unwrap();
        let shown = shown(&ground, person, &held).await;
        let of = |channel: ChannelId| {
            let name = said(&Raw::Bytes(channel.as_bytes().to_vec()));
            let mut tables = BTreeMap::new();
            for (table, _) in shown.iter().filter(|(_, cells)| cells.contains(&name)) {
                *tables.entry(table.as_str()).or_insert(0) += 1;
            }
            tables
        };
        assert_eq!(of(DEN), of_den.iter().copied().collect(), "{}", person.handle);
        assert_eq!(of(GENERAL), all[..3].iter().copied().collect(), "{}", person.handle);
        let rows: u64 = (held.tables.iter().flat_map(|table| &table.sums))
            .map(|sum| sum.rows)
            .sum();
        assert_eq!(
            rows as usize,
            shown.len(),
            "{}: neither how much there is",
            person.handle
        );
    }
}

#[tokio::test]
async fn every_table_and_column_is_shown_or_is_about_nobody() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let held = ground.ask(Some(&ada.token), &HeldGet {}).await.unwrap();
    let mut known: Vec<(String, String)> = (held.tables.iter())
        .flat_map(|table| {
            table
                .columns
                .iter()
                .map(|column| (table.table.clone(), column.name.clone()))
        })
        .collect();
    let mut there: Vec<(String, String)> = (columns(&ground).await.into_iter())
        .map(|(table, column, _)| (table, column))
        .filter(|(table, _)| !ABOUT_NOBODY.contains(&table.as_str()))
        .collect();
    known.sort();
    there.sort();
    assert_eq!(known, there);
}

#[tokio::test]
async fn rows_are_shown_to_a_session_alone_and_odd_questions_are_refused() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let ask = |table: &str, after: Vec<Cell>| RowsGet {
        table: table.into(),
        after,
    };
    assert_eq!(ground.refused(None, &HeldGet {}).await, ErrorCode::NotSignedIn);
    assert_eq!(
        ground.refused(None, &ask("users", vec![])).await,
        ErrorCode::NotSignedIn
    );
    let grant = ground.sign_in(&ada).await.unwrap().token;
    assert_eq!(ground.refused(Some(&grant), &HeldGet {}).await, ErrorCode::Forbidden);
    for table in ["relay", "seaql_migrations", "sqlite_master", "users; --", ""] {
        assert_eq!(
            ground.refused(Some(&ada.token), &ask(table, vec![])).await,
            ErrorCode::NotFound,
            "{table}"
        );
    }
    let id = |id: UserId| Cell::Bytes(sotto_shared::api::B64(id.as_bytes().to_vec()));
    for after in [
        vec![id(ada.user_id)],
        vec![Cell::Nothing, Cell::Number(1)],
        vec![id(ada.user_id), Cell::Number(u64::MAX)],
        vec![Cell::Number(1), id(ada.user_id)],
    ] {
        let refused = ground.refused(Some(&ada.token), &ask("user_log", after.clone())).await;
        assert_eq!(refused, ErrorCode::Malformed, "{after:?}");
    }
    let rest = ask("user_log", vec![id(ada.user_id), Cell::Number(0)]);
    let rest = ground.ask(Some(&ada.token), &rest).await.unwrap();
    assert_eq!((rest.rows.len(), rest.more), (1, false), "the genesis lies behind");
}
