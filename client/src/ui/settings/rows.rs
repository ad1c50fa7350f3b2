//! Every row the server holds, as it is stored: a part that opens for each table, read page by page.

use leptos::prelude::*;
use leptos::{ev, html};
use sotto_shared::api::body::{Cell, Column, ColumnKind, Held, HeldTable, Rows, RowsGet};
use sotto_shared::id::RoomId;

use super::server::{count, size};
use crate::ui::browser;
use crate::ui::kit::button;
use crate::ui::kit::toast::Toasts;
use crate::ui::screen::use_store;
use crate::ui::spaces::name_of;
use crate::ui::{when, wire, words};
use crate::view::{Command, Outcome, Problem, RoomKind};

/// Bytes of an id or a hash that are shown; the saved file has all of them.
const SHORT: usize = 6;

pub fn section(held: &Held) -> AnyView {
    html::section()
        .class("settings-group")
        .attr("aria-labelledby", "rows-title")
        .child((
            html::h2().id("rows-title").child("Every row, as it is stored"),
            html::div()
                .class("settings-list")
                .child(held.tables.iter().cloned().map(table).collect_view()),
        ))
        .into_any()
}

fn table(held: HeldTable) -> AnyView {
    let (rows, bytes) = total(&held);
    let shown = RwSignal::new(Vec::<Vec<Cell>>::new());
    let more = RwSignal::new(rows > 0);
    let failed = RwSignal::new(None::<String>);
    let asking = RwSignal::new(false);
    let name = held.table.clone();
    let load = move || {
        if asking.get_untracked() {
            return;
        }
        asking.set(true);
        let page = RowsGet {
            table: name.clone(),
            after: shown.with_untracked(|rows| rows.last().cloned().unwrap_or_default()),
        };
        wire::ask(Command::ShowRows(page), move |result| {
            asking.try_set(false);
            match rows_of(result) {
                Ok(page) => {
                    failed.try_set(None);
                    more.try_set(page.more && !page.rows.is_empty());
                    shown.try_update(|rows| rows.extend(page.rows));
                }
                Err(problem) => {
                    failed.try_set(Some(words::problem(&problem)));
                }
            }
        });
    };
    let first = load.clone();
    let columns = StoredValue::new(held.columns.clone());
    html::details()
        .class("held")
        .on(ev::toggle, move |_| {
            if shown.with_untracked(Vec::is_empty) && more.get_untracked() {
                first();
            }
        })
        .child((
            html::summary().child((
                html::code().class("held-name").child(held.table.clone()),
                html::span()
                    .class("muted numeric")
                    .child(format!("{}, {}", count(rows, "row"), size(bytes))),
            )),
            by_room(&held),
            (rows == 0).then(|| html::p().class("muted held-note").child("None.")),
            (rows > 0).then(|| {
                html::ol()
                    .class("held-rows")
                    // It scrolls, so it must be reachable by keys.
                    .tabindex("0")
                    .attr("aria-label", format!("Rows of {}", held.table))
                    .child(For(ForProps::builder()
                        .each(move || 0..shown.with(Vec::len))
                        .key(|at| *at)
                        .children(move |at| {
                            let cells = shown.with_untracked(|rows| rows.get(at).cloned().unwrap_or_default());
                            columns.with_value(|columns| row(columns, &cells))
                        })
                        .build()))
            }),
            move || {
                failed.get().map(|why| {
                    html::p()
                        .class("field-error held-note")
                        .attr("role", "alert")
                        .child(why)
                })
            },
            move || {
                let load = load.clone();
                (more.get() && shown.with(|rows| !rows.is_empty())).then(|| {
                    html::div()
                        .class("held-note")
                        .child(button::button("button button-s", "More rows", load))
                })
            },
        ))
        .into_any()
}

/// How much of a table belongs to each room.
fn by_room(held: &HeldTable) -> AnyView {
    let rooms = held.sums.iter().filter_map(|sum| Some((sum.room_id?, sum)));
    let rooms: Vec<_> = rooms
        .map(|(room, sum)| {
            html::li().child(format!(
                "{}: {}, {}",
                room_name(room),
                count(sum.rows, "row"),
                size(sum.bytes)
            ))
        })
        .collect();
    (!rooms.is_empty())
        .then(|| html::ul().class("held-note held-rooms").child(rooms))
        .into_any()
}

fn room_name(id: RoomId) -> String {
    let store = use_store();
    // As it is called now: what stands open here must not close because somebody writes.
    if let Some(space) = untrack(move || store.space(id)) {
        return format!("Space {}", name_of(&space));
    }
    match untrack(move || store.room(id.into())) {
        Some(room) if room.kind == RoomKind::Direct => format!("With {}", room.title),
        Some(room) if !room.title.is_empty() => room.title,
        _ => format!("Room {}", short(id.as_bytes())),
    }
}

fn row(columns: &[Column], cells: &[Cell]) -> AnyView {
    let cell = |(column, cell): (&Column, &Cell)| {
        html::span().class("held-cell").child((
            html::span().class("held-column").child(column.name.clone()),
            " ",
            html::code().child(value(column.kind, cell)),
        ))
    };
    html::li()
        .child(columns.iter().zip(cells).map(cell).collect_view())
        .into_any()
}

fn value(kind: ColumnKind, cell: &Cell) -> String {
    match (kind, cell) {
        (_, Cell::Nothing) => "empty".into(),
        (ColumnKind::Time, Cell::Number(ms)) => when::full(*ms),
        (_, Cell::Number(number)) => number.to_string(),
        (_, Cell::Text(text)) => text.clone(),
        (_, Cell::Bytes(bytes)) => short(&bytes.0),
        (ColumnKind::Sealed, Cell::Digest { bytes, sha256 }) => {
            format!("{}, sealed, {}", size(*bytes), short(&sha256.0))
        }
        (_, Cell::Digest { bytes, sha256 }) => format!("{}, {}", size(*bytes), short(&sha256.0)),
    }
}

fn short(bytes: &[u8]) -> String {
    let end = if bytes.len() > SHORT { "…" } else { "" };
    format!("{}{end}", hex(bytes.get(..SHORT).unwrap_or(bytes)))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn total(held: &HeldTable) -> (u64, u64) {
    let sums = held.sums.iter();
    sums.fold((0, 0), |(rows, bytes), sum| {
        (rows.saturating_add(sum.rows), bytes.saturating_add(sum.bytes))
    })
}

/// Reads every row of every table and hands them over as a file.
pub fn save_all(held: Held, busy: RwSignal<bool>, toasts: Toasts) {
    busy.set(true);
    leptos::task::spawn_local(async move {
        let mut all = serde_json::Map::new();
        for table in held.tables {
            match read(&table.table).await {
                Ok(rows) => {
                    let rows: Vec<_> = rows.iter().map(|row| object(&table.columns, row)).collect();
                    all.insert(table.table, rows.into());
                }
                Err(problem) => {
                    toasts.danger(words::problem(&problem));
                    busy.try_set(false);
                    return;
                }
            }
        }
        if let Ok(text) = serde_json::to_string_pretty(&all) {
            browser::save("what-the-server-holds.json", &text);
        }
        busy.try_set(false);
    });
}

async fn read(table: &str) -> Result<Vec<Vec<Cell>>, Problem> {
    let mut all: Vec<Vec<Cell>> = Vec::new();
    loop {
        let page = RowsGet {
            table: table.to_owned(),
            after: all.last().cloned().unwrap_or_default(),
        };
        let page = rows_of(wire::dispatch(Command::ShowRows(page)).await)?;
        let done = !page.more || page.rows.is_empty();
        all.extend(page.rows);
        if done {
            return Ok(all);
        }
    }
}

fn rows_of(result: Result<Outcome, Problem>) -> Result<Rows, Problem> {
    match result? {
        Outcome::Rows(rows) => Ok(rows),
        _ => Err(Problem::OldPage),
    }
}

/// A row with the names of its columns, bytes whole and in hex.
fn object(columns: &[Column], cells: &[Cell]) -> serde_json::Value {
    let value = |cell: &Cell| match cell {
        Cell::Nothing => serde_json::Value::Null,
        Cell::Number(number) => (*number).into(),
        Cell::Text(text) => text.clone().into(),
        Cell::Bytes(bytes) => hex(&bytes.0).into(),
        Cell::Digest { bytes, sha256 } => serde_json::json!({ "bytes": bytes, "sha256": hex(&sha256.0) }),
    };
    let fields = columns.iter().zip(cells);
    serde_json::Value::Object(
        fields
            .map(|(column, cell)| (column.name.clone(), value(cell)))
            .collect(),
    )
}
