//! What the relay holds about somebody, read back row by row, so that people can look for themselves.
//!
//! A row is theirs if it names them or a room they are in; what is in a private channel of a space, if they read that.
//! `server/tests/relay/held.rs` holds this list against the whole database: a table or column that is missing here fails it.

use axum::Json;
use axum::extract::State;
use sea_orm::sea_query::{Cond, Condition, Expr, ExprTrait, IntoCondition, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryResult, Value};
use sotto_shared::api::B64;
use sotto_shared::api::body::{Cell, Column, ColumnKind, Held, HeldGet, HeldSum, HeldTable, Rows, RowsGet};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::MAX_ROWS_PAGE;
use sotto_shared::crypto::hash::sha256;
use sotto_shared::id::{ChannelId, RoomId, UserId};

use crate::app::{App, from_row, to_row};
use crate::db::MAX_PARAMETERS;
use crate::db::entities::users;
use crate::ledger::rooms::state_now;
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::Session;

use ColumnKind::{Counter, Handle, Id, Key, Open, Sealed, Time};

struct Table {
    name: &'static str,
    /// The primary key first.
    columns: &'static [(&'static str, ColumnKind)],
    key: usize,
    whose: Whose,
}

#[derive(Clone, Copy)]
enum Whose {
    /// A row of one person.
    Person,
    /// A challenge that one person asked for, by handle or by grant.
    Asker,
    /// A row of a room, for those who are in it; if it is of a channel, for those who read that.
    Room,
    /// A row of a room that belongs to one person: for those in the room, and for that person.
    RoomAndPerson,
    /// An entry of a room's log, for those who may read it.
    Entry,
    /// A report, for those whom its key was wrapped for.
    Report,
}

/// Every table with rows about people. `relay` has none: it says which installation this is.
const TABLES: [Table; 15] = [
    Table {
        name: "users",
        columns: &[
            ("user_id", Id),
            ("handle", Handle),
            ("sealed_signin", Sealed),
            ("created_ms", Time),
            ("closed", Counter),
        ],
        key: 1,
        whose: Whose::Person,
    },
    Table {
        name: "user_log",
        columns: &[("user_id", Id), ("seq", Counter), ("entry", Open)],
        key: 2,
        whose: Whose::Person,
    },
    Table {
        name: "vault_items",
        columns: &[("user_id", Id), ("item_id", Id), ("rev", Counter), ("sealed", Sealed)],
        key: 2,
        whose: Whose::Person,
    },
    Table {
        name: "sessions",
        columns: &[
            ("token_hash", Id),
            ("user_id", Id),
            ("dk_id", Id),
            ("created_ms", Time),
            ("seen_ms", Time),
            ("expires_ms", Time),
        ],
        key: 1,
        whose: Whose::Person,
    },
    Table {
        name: "challenges",
        columns: &[
            ("challenge", Id),
            ("purpose", Counter),
            ("subject", Id),
            ("expires_ms", Time),
        ],
        key: 1,
        whose: Whose::Asker,
    },
    Table {
        name: "rooms",
        columns: &[("room_id", Id), ("head_seq", Counter), ("head", Id), ("epoch_ms", Time)],
        key: 1,
        whose: Whose::Room,
    },
    Table {
        name: "room_log",
        columns: &[("room_id", Id), ("seq", Counter), ("entry", Open)],
        key: 2,
        whose: Whose::Entry,
    },
    Table {
        name: "room_people",
        columns: &[
            ("room_id", Id),
            ("user_id", Id),
            ("since_seq", Counter),
            ("until_seq", Counter),
        ],
        key: 2,
        whose: Whose::RoomAndPerson,
    },
    Table {
        name: "wraps",
        columns: &[
            ("room_id", Id),
            ("user_id", Id),
            ("channel", Id),
            ("n", Counter),
            ("g", Counter),
            ("enc", Key),
            ("ct", Sealed),
        ],
        key: 5,
        whose: Whose::RoomAndPerson,
    },
    Table {
        name: "channels",
        columns: &[("room_id", Id), ("channel", Id), ("seq", Counter), ("t", Id)],
        key: 2,
        whose: Whose::Room,
    },
    Table {
        name: "messages",
        columns: &[
            ("room_id", Id),
            ("channel", Id),
            ("seq", Counter),
            ("msg_id", Id),
            ("header", Open),
            ("envelope", Sealed),
            ("envelope_hash", Id),
            ("t", Id),
            ("expires_ms", Time),
        ],
        key: 3,
        whose: Whose::Room,
    },
    Table {
        name: "slots",
        columns: &[
            ("room_id", Id),
            ("channel", Id),
            ("slot_id", Id),
            ("rev", Counter),
            ("header", Open),
            ("envelope", Sealed),
        ],
        key: 3,
        whose: Whose::Room,
    },
    Table {
        name: "reports",
        columns: &[
            ("room_id", Id),
            ("report_id", Id),
            ("expires_ms", Time),
            ("sealed", Sealed),
        ],
        key: 2,
        whose: Whose::Report,
    },
    Table {
        name: "report_keys",
        columns: &[
            ("room_id", Id),
            ("report_id", Id),
            ("user_id", Id),
            ("g", Counter),
            ("enc", Key),
            ("ct", Sealed),
        ],
        key: 3,
        whose: Whose::Person,
    },
    Table {
        name: "pictures",
        columns: &[("user_id", Id), ("picture_id", Id), ("sealed", Sealed)],
        key: 1,
        whose: Whose::Person,
    },
];

/// Requests that one look counts as: it reads far more than others.
const COST: usize = 10;

pub async fn sums(State(app): State<App>, session: Session, Body(_): Body<HeldGet>) -> Answer<HeldGet> {
    app.rates.requests.take_n(&session.token_hash, COST)?;
    let whose = Owner::find(&app, &session.user_id).await?;
    let mut tables = Vec::with_capacity(TABLES.len());
    for table in &TABLES {
        tables.push(HeldTable {
            table: table.name.to_owned(),
            columns: table.columns(),
            sums: table.sums(app.db.read(), &whose).await?,
        });
    }
    Ok(Json(Held { tables }))
}

pub async fn rows(State(app): State<App>, session: Session, Body(ask): Body<RowsGet>) -> Answer<RowsGet> {
    let table = (TABLES.iter())
        .find(|table| table.name == ask.table)
        .ok_or(ErrorCode::NotFound)?;
    let whose = Owner::find(&app, &session.user_id).await?;
    let limit = usize::try_from(MAX_ROWS_PAGE).unwrap_or(1);
    let mut query = table.of(&whose);
    query
        .columns(table.columns.iter().map(|(name, _)| *name))
        // One more than a page tells whether there is more.
        .limit(u64::from(MAX_ROWS_PAGE) + 1);
    for (name, _) in table.key() {
        query.order_by(*name, Order::Asc);
    }
    if !ask.after.is_empty() {
        query.and_where(table.after(&ask.after)?);
    }
    let mut found = app.db.read().query_all(&query).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let rows = found.iter().map(|row| table.cells(row)).collect::<Result<_, _>>()?;
    Ok(Json(Rows { rows, more }))
}

/// How the database names a person, and what is not for them.
struct Owner {
    id: Vec<u8>,
    /// As the subject of a challenge to sign in.
    subject: Vec<u8>,
    /// By space: its private channels that they do not read.
    unread: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
}

/// Spaces, and channels in all, that a statement leaves out one by one. Of spaces beyond that nothing in channels is shown.
const MOST_UNREAD: (usize, usize) = (500, MAX_PARAMETERS / 2);

impl Owner {
    async fn find(app: &App, user: &UserId) -> Result<Self, Problem> {
        let id = user.as_bytes().to_vec();
        let row = users::Entity::find_by_id(id.clone())
            .one(app.db.read())
            .await?
            .ok_or(ErrorCode::NotSignedIn)?;
        let subject = app.pepper.subject(&row.handle).to_vec();
        let spaces = Query::select()
            .distinct()
            .column("room_id")
            .from("channels")
            .and_where(Expr::col("channel").ne(ChannelId::MAIN.as_bytes().to_vec()))
            .and_where(Expr::col("room_id").in_subquery(Self::rooms(&id)))
            .order_by("room_id", Order::Asc)
            .to_owned();
        let mut unread = Vec::new();
        for row in app.db.read().query_all(&spaces).await? {
            let space: Vec<u8> = row.try_get("", "room_id")?;
            let room = RoomId::from_slice(&space).map_err(|_| Problem::Fault("a stored id is not one"))?;
            let state = state_now(app, &room).await?;
            let of_others = state.channel_ids().into_iter().filter(|id| !state.may_read(user, id));
            let of_others: Vec<_> = of_others.map(|id| id.as_bytes().to_vec()).collect();
            if !of_others.is_empty() {
                unread.push((space, of_others));
            }
        }
        Ok(Self { id, subject, unread })
    }

    /// The rooms they are in.
    fn rooms(id: &[u8]) -> SelectStatement {
        Query::select()
            .column("room_id")
            .from("room_people")
            .and_where(Expr::col("user_id").eq(id.to_vec()))
            .and_where(Expr::col("until_seq").is_null())
            .to_owned()
    }

    /// What is in channels that they read; none if there are no others.
    fn reads(&self) -> Option<Condition> {
        if self.unread.is_empty() {
            return None;
        }
        let (mut all, mut whole, mut left) = (Cond::all(), Vec::new(), MOST_UNREAD.1);
        for (at, (room, channels)) in self.unread.iter().enumerate() {
            match left.checked_sub(channels.len()) {
                Some(rest) if at < MOST_UNREAD.0 => {
                    left = rest;
                    let of_others = Cond::all()
                        .add(Expr::col("room_id").eq(room.clone()))
                        .add(Expr::col("channel").is_in(channels.iter().cloned()));
                    all = all.add(of_others.not());
                }
                _ => whole.push(room.clone()),
            }
        }
        let elsewhere = (!whole.is_empty()).then(|| Expr::col("room_id").is_not_in(whole));
        Some(all.add_option(elsewhere))
    }
}

impl Table {
    fn columns(&self) -> Vec<Column> {
        let column = |(name, kind): &(&str, ColumnKind)| Column {
            name: (*name).to_owned(),
            kind: *kind,
        };
        self.columns.iter().map(column).collect()
    }

    fn key(&self) -> &'static [(&'static str, ColumnKind)] {
        self.columns.get(..self.key).unwrap_or_default()
    }

    /// This table's rows of one person.
    fn of(&self, owner: &Owner) -> SelectStatement {
        let is_theirs = || Expr::col("user_id").eq(owner.id.clone());
        let in_their_rooms = || {
            let theirs = Expr::col("room_id").in_subquery(Owner::rooms(&owner.id));
            if self.columns.iter().any(|(name, _)| *name == "channel") {
                Cond::all().add(theirs).add_option(owner.reads())
            } else {
                theirs.into_condition()
            }
        };
        let condition: Condition = match self.whose {
            Whose::Person => is_theirs().into_condition(),
            Whose::Asker => Expr::col("subject")
                .is_in([owner.id.clone(), owner.subject.clone()])
                .into_condition(),
            Whose::Room => in_their_rooms(),
            Whose::RoomAndPerson => Cond::any().add(in_their_rooms()).add(is_theirs()),
            Whose::Report => {
                let theirs = Query::select()
                    .expr(Expr::val(1))
                    .from("report_keys")
                    .and_where(Expr::col(("report_keys", "room_id")).equals((self.name, "room_id")))
                    .and_where(Expr::col(("report_keys", "report_id")).equals((self.name, "report_id")))
                    .and_where(Expr::col(("report_keys", "user_id")).eq(owner.id.clone()))
                    .to_owned();
                Expr::exists(theirs).into_condition()
            }
            Whose::Entry => {
                let up_to = Expr::col((self.name, "seq")).lte(Expr::col(("room_people", "until_seq")));
                let may_read = Query::select()
                    .expr(Expr::val(1))
                    .from("room_people")
                    .and_where(Expr::col(("room_people", "room_id")).equals((self.name, "room_id")))
                    .and_where(Expr::col(("room_people", "user_id")).eq(owner.id.clone()))
                    .cond_where(
                        Cond::any()
                            .add(Expr::col(("room_people", "until_seq")).is_null())
                            .add(up_to),
                    )
                    .to_owned();
                Expr::exists(may_read).into_condition()
            }
        };
        Query::select().from(self.name).cond_where(condition).to_owned()
    }

    async fn sums(&self, db: &impl ConnectionTrait, owner: &Owner) -> Result<Vec<HeldSum>, Problem> {
        let lengths: Vec<String> = (self.columns.iter())
            .map(|(name, kind)| match kind {
                Time | Counter => format!("CASE WHEN {name} IS NULL THEN 0 ELSE 8 END"),
                Handle | Id | Key | Open | Sealed => format!("COALESCE(LENGTH({name}), 0)"),
            })
            .collect();
        let bytes = format!("CAST(COALESCE(SUM({}), 0) AS BIGINT)", lengths.join(" + "));
        let by_room = matches!(
            self.whose,
            Whose::Room | Whose::RoomAndPerson | Whose::Entry | Whose::Report
        );
        let mut query = self.of(owner);
        query
            .expr_as(Expr::cust("COUNT(*)"), "held_rows")
            .expr_as(Expr::cust(bytes), "held_bytes");
        if by_room {
            query
                .column("room_id")
                .group_by_col("room_id")
                .order_by("room_id", Order::Asc);
        }
        let sum = |row: &QueryResult| {
            let room_id = if by_room {
                let id: Vec<u8> = row.try_get("", "room_id")?;
                Some(RoomId::from_slice(&id).map_err(|_| Problem::Fault("a stored id is not one"))?)
            } else {
                None
            };
            Ok(HeldSum {
                room_id,
                rows: from_row(row.try_get("", "held_rows")?),
                bytes: from_row(row.try_get("", "held_bytes")?),
            })
        };
        let sums: Result<Vec<HeldSum>, Problem> = db.query_all(&query).await?.iter().map(sum).collect();
        Ok(sums?.into_iter().filter(|sum| sum.rows > 0).collect())
    }

    /// Rows behind this one.
    fn after(&self, row: &[Cell]) -> Result<Expr, Problem> {
        let malformed = Problem::Refused(ErrorCode::Malformed);
        let key = row.get(..self.key).ok_or(malformed)?;
        let mut values = Vec::with_capacity(key.len());
        for (cell, (_, kind)) in key.iter().zip(self.columns) {
            values.push(match (cell, kind) {
                (Cell::Bytes(bytes), Id) => Expr::val(Value::from(bytes.0.clone())),
                (Cell::Number(number), Counter) => Expr::val(to_row(*number)?),
                _ => return Err(ErrorCode::Malformed.into()),
            });
        }
        let columns = self.key().iter().map(|(name, _)| Expr::col(*name));
        Ok(Expr::tuple(columns).gt(Expr::tuple(values)))
    }

    fn cells(&self, row: &QueryResult) -> Result<Vec<Cell>, Problem> {
        let cell = |(name, kind): &(&str, ColumnKind)| cell(row, name, *kind).map_err(Problem::from);
        self.columns.iter().map(cell).collect()
    }
}

fn cell(row: &QueryResult, name: &str, kind: ColumnKind) -> Result<Cell, DbErr> {
    let whole = |bytes: Vec<u8>| Cell::Bytes(B64(bytes));
    let digest = |bytes: Vec<u8>| Cell::Digest {
        bytes: bytes.len() as u64,
        sha256: B64(sha256(&bytes).to_vec()),
    };
    let cell = match kind {
        Handle => row.try_get::<Option<String>>("", name)?.map(Cell::Text),
        Id | Key => row.try_get::<Option<Vec<u8>>>("", name)?.map(whole),
        Open | Sealed => row.try_get::<Option<Vec<u8>>>("", name)?.map(digest),
        Time | Counter => number(row, name)?.map(|number| Cell::Number(from_row(number))),
    };
    Ok(cell.unwrap_or(Cell::Nothing))
}

/// Postgres tells small numbers and flags apart from others.
fn number(row: &QueryResult, name: &str) -> Result<Option<i64>, DbErr> {
    row.try_get::<Option<i64>>("", name)
        .or_else(|_| row.try_get::<Option<i16>>("", name).map(|small| small.map(i64::from)))
        .or_else(|_| row.try_get::<Option<bool>>("", name).map(|flag| flag.map(i64::from)))
}
