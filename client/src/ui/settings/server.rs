//! What the server sees: first what it does learn, then what it does not have.

use leptos::html;
use leptos::prelude::*;
use sotto_shared::api::body::{Cell, Held, HeldTable, RowsGet};

use super::{build, head, rows};
use crate::ui::dialogs::{closer, use_dialogs};
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::{Icon, button};
use crate::ui::place::Page;
use crate::ui::screen::use_toasts;
use crate::ui::{when, wire, words};
use crate::view::{Command, Outcome, Problem};

/// What · as it is stored · what can be learned from it; before signing in, when there is nothing to count.
const HELD: [(&str, &str, &str); 7] = [
    ("Handle", "as it is", "How to find you"),
    (
        "Sign-in key",
        "made from your password",
        "That it is you. A weak password could be guessed from it; six random words cannot",
    ),
    (
        "Browsers",
        "public keys",
        "How many you use, and when each was last here",
    ),
    (
        "Rooms",
        "members and roles",
        "Who is in each and with what role; no names. It cannot add or promote anyone",
    ),
    (
        "Messages",
        "sealed, padded",
        "Who sent one to which room, when, and roughly how long it is",
    ),
    (
        "How far people have read",
        "sealed",
        "That somebody in a room has read something, not who or what",
    ),
    ("Your list of rooms and contacts", "sealed", "Roughly how much is in it"),
];

const NOT_HELD: [&str; 6] = [
    "Your password",
    "The text of any message",
    "Names of groups",
    "The keys to anything that is sealed",
    "Whom you compared safety numbers with",
    "What you have read, drafted or looked for",
];

/// What never reaches its disk.
const IN_MEMORY: &str = "Only in its memory while it runs, and in no row: the network you come from, how often you asked and wrote lately, failed sign-ins, and which rooms your open browsers listen to. As it passes a message on it sees who sends it and when; it stores neither.";

/// What · as it is stored · what can be learned from it · rows.
type Line = (String, String, &'static str, Option<u64>);

#[derive(Clone, PartialEq)]
enum Ledger {
    Loading,
    /// With the one row of `users`.
    Here(Held, Vec<Cell>),
    Failed(String),
}

pub fn page() -> AnyView {
    let ledger = RwSignal::new(Ledger::Loading);
    let (busy, toasts) = (RwSignal::new(false), use_toasts());
    let load = move || {
        leptos::task::spawn_local(async move {
            let read = read().await;
            ledger.try_set(read.unwrap_or_else(|problem| Ledger::Failed(words::problem(&problem))));
        });
    };
    load();
    let content = move || match ledger.get() {
        Ledger::Loading => html::p()
            .class("muted")
            .attr("role", "status")
            .child("Asking the server…")
            .into_any(),
        Ledger::Failed(why) => html::div()
            .class("banner banner-danger")
            .attr("role", "alert")
            .child((
                Icon::CircleAlert.view(),
                html::div().class("banner-text").child(why),
                html::div()
                    .class("banner-actions")
                    .child(button::button("button button-s", "Try again", load)),
            ))
            .into_any(),
        Ledger::Here(held, me) => {
            let (all, bytes) = held
                .tables
                .iter()
                .map(rows::total)
                .fold((0, 0), |(rows, sum), (more, bytes)| (rows + more, sum + bytes));
            let lines = held.tables.iter().flat_map(|table| lines(table, &me)).collect();
            let every_row = rows::section(&held);
            (
                sides(
                    html::div()
                        .class("spread")
                        .child((
                            html::h2().child("What the server holds"),
                            html::span().class("muted numeric").child(format!(
                                "{}, {}",
                                count(all, "row"),
                                size(bytes)
                            )),
                        ))
                        .into_any(),
                    true,
                    lines,
                    IN_MEMORY,
                ),
                html::div().class("kit-row").child((
                    button::button("button button-s", (Icon::RefreshCw.view(), "Read again"), load),
                    html::button()
                        .r#type("button")
                        .class("button button-s")
                        .prop("disabled", move || busy.get())
                        .attr("aria-busy", move || busy.get().then_some("true"))
                        .on(leptos::ev::click, move |_| rows::save_all(held.clone(), busy, toasts))
                        .child((Icon::Download.view(), "Save all rows")),
                )),
                every_row,
            )
                .into_any()
        }
    };
    (
        head(
            Page::Server,
            "Every row this server holds about you and your rooms, read back from it just now. One that lies could leave something out, but it has no more than your browser sends.",
        ),
        content,
        build::section(),
    )
        .into_any()
}

async fn read() -> Result<Ledger, Problem> {
    let Outcome::Held(held) = wire::dispatch(Command::ShowHeld).await? else {
        return Err(Problem::OldPage);
    };
    let page = RowsGet {
        table: "users".into(),
        after: Vec::new(),
    };
    let Outcome::Rows(rows) = wire::dispatch(Command::ShowRows(page)).await? else {
        return Err(Problem::OldPage);
    };
    Ok(Ledger::Here(held, rows.rows.into_iter().next().unwrap_or_default()))
}

/// What a table is, in plain words. `me` is the row of `users`.
fn lines(table: &HeldTable, me: &[Cell]) -> Vec<Line> {
    let (rows, bytes) = rows::total(table);
    let open = |what: &str| match rows {
        0 => "none".to_owned(),
        _ => format!("{}, {}", count(rows, what), size(bytes)),
    };
    let sealed = |what: &str| match rows {
        0 => "none".to_owned(),
        _ => format!("{}, sealed, {}", count(rows, what), size(bytes)),
    };
    let line = |what: &str, stored: String, learned| vec![(what.to_owned(), stored, learned, Some(rows))];
    match table.table.as_str() {
        "users" => {
            let cell = |name: &str| {
                let at = table.columns.iter().position(|column| column.name == name)?;
                me.get(at)
            };
            let handle = match cell("handle") {
                Some(Cell::Text(handle)) => format!("@{handle}"),
                _ => String::new(),
            };
            let created = match cell("created_ms") {
                Some(Cell::Number(ms)) => when::full(*ms),
                _ => String::new(),
            };
            let key = match cell("sealed_signin") {
                Some(Cell::Digest { bytes, .. }) => format!("sealed, {}", size(*bytes)),
                _ => String::new(),
            };
            vec![
                (
                    "Your name on this server".to_owned(),
                    handle,
                    "How to find you",
                    Some(rows),
                ),
                ("When you signed up".to_owned(), created, "In the same row", None),
                (
                    "Your sign-in key".to_owned(),
                    key,
                    "In the same row: that it is you. A weak password could be guessed from it; six random words cannot",
                    None,
                ),
            ]
        }
        "user_log" => line(
            "Your public keys",
            open("signed entry"),
            "Which browsers you use and since when; their names are sealed",
        ),
        "vault_items" => line("Your keys and contacts", sealed("item"), "Roughly how much is in them"),
        "sessions" => line(
            "Signed-in browsers",
            open("session"),
            "When each signed in, and was last here",
        ),
        "challenges" => line(
            "Sign-ins under way",
            open("question"),
            "That somebody began to sign in; gone in a minute",
        ),
        "rooms" => line(
            "Rooms you are in",
            open("number"),
            "How many, and when each last had a new key; no names",
        ),
        "room_log" => line(
            "What happened to rooms",
            open("signed entry"),
            "Who was added, removed or promoted, by whom and when. It cannot add or promote anyone; names are sealed",
        ),
        "room_people" => line(
            "Who is in which room",
            open("line"),
            "The same once more, to look it up",
        ),
        "wraps" => line("Room keys", sealed("key"), "Who can read which part of a conversation"),
        "channels" => line(
            "Where conversations stand",
            open("number"),
            "How many messages each has",
        ),
        "messages" => line(
            "Messages",
            sealed("message"),
            "Roughly how long each is, in which room, and when it disappears if it does. The server cannot read them",
        ),
        "reports" => line(
            "Reports for you to go through",
            sealed("report"),
            "That somebody in a room reported something, when, and roughly how long it is; not who, about whom, or what",
        ),
        "pictures" => line(
            "Your picture",
            sealed("picture"),
            "That you have one, and who looks at it. What it shows only those you write with can see",
        ),
        "report_keys" => line("Keys of those reports", sealed("key"), "Which reports are for you"),
        "slots" => line(
            "How far people have read",
            sealed("mark"),
            "That somebody in a room has read something, and whose mark is newer; not who or what",
        ),
        other => {
            let known = other.len() <= 40
                && other
                    .bytes()
                    .all(|letter| letter.is_ascii_lowercase() || letter == b'_');
            let name = if known { other } else { "something" };
            vec![(
                format!("Newer than this page: {name}"),
                open("row"),
                "Load the page again to be told",
                Some(rows),
            )]
        }
    }
}

/// "1 row", "12 rows", "3 entries", "2 keys".
pub fn count(number: u64, what: &str) -> String {
    match (number, what.strip_suffix("ry")) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{number} {stem}ries"),
        _ => format!("{number} {what}s"),
    }
}

/// "640 bytes", "18 kB", "38.2 MB".
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => count(bytes, "byte"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{:.1} MB", bytes as f64 / 1_000_000.0),
    }
}

/// The same for those who are not signed in.
pub fn dialog() -> AnyView {
    let dialogs = use_dialogs();
    Dialog {
        title: "What the server sees".into(),
        sub: Some("It passes messages on and cannot open them. It does learn some things.".into()),
        mark: None,
        wide: true,
        kept: Signal::stored(false),
        content: (
            html::div().class("dialog-body").child(ledger()),
            html::footer()
                .class("dialog-foot")
                .child(button::button("button", "Close", move || dialogs.close())),
        )
            .into_any(),
        close: closer(),
    }
    .view()
}

fn ledger() -> AnyView {
    let line =
        |(what, stored, learned): (&str, &str, &'static str)| (what.to_owned(), stored.to_owned(), learned, None);
    sides(
        html::h2().child("What the server holds").into_any(),
        false,
        HELD.into_iter().map(line).collect(),
        "While you are connected it also sees your network address, as any website does.",
    )
}

fn sides(title: AnyView, counted: bool, lines: Vec<Line>, note: &'static str) -> AnyView {
    let row = |(what, stored, learned, rows): Line| {
        html::tr().child((
            html::th().attr("scope", "row").child(what),
            html::td().child(stored),
            html::td().child(learned),
            counted.then(|| html::td().class("numeric ledger-count").child(rows)),
        ))
    };
    html::div()
        .class("ledger")
        .child((
            html::section().class("ledger-side ledger-over").child((
                title,
                html::table().class("ledger-table").child((
                    html::thead().child(html::tr().child((
                        html::th().attr("scope", "col").child("What"),
                        html::th().attr("scope", "col").child("As it is stored"),
                        html::th().attr("scope", "col").child("What can be learned from it"),
                        counted.then(|| {
                            html::th()
                                .attr("scope", "col")
                                .class("numeric ledger-count")
                                .child("Rows")
                        }),
                    ))),
                    html::tbody().child(lines.into_iter().map(row).collect_view()),
                )),
                html::p().class("muted ledger-note").child(note),
            )),
            html::section().class("ledger-side ledger-under").child((
                html::h2().child("What it does not have"),
                html::ul().class("ledger-never").child(
                    NOT_HELD
                        .iter()
                        .map(|what| html::li().child((Icon::Check.view(), html::span().child(*what))))
                        .collect_view(),
                ),
            )),
        ))
        .into_any()
}
