//! A conversation as long as wanted, for `e2e/long-room.spec.ts` and measurements: rows in the likeness of one that a page
//! was shown, as the worker would hand them to it.
//!
//! `rows FROM TO RESET HAS_OLDER WORDS < heard > said`: what was heard is messages of the worker, in base64, one a line; what
//! is said is one message, in bytes.

use std::error::Error;
use std::io::{BufRead, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sotto_client::view::{Body, Change, FromWorker, Timeline, Wired};
use sotto_shared::id::MessageId;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, reset, has_older, words] = arguments.as_slice() else {
        return Err("rows FROM TO RESET HAS_OLDER WORDS".into());
    };
    let (from, to): (u64, u64) = (from.parse()?, to.parse()?);
    let mut pattern = None;
    for line in std::io::stdin().lock().lines() {
        let FromWorker::Changes(changes) = FromWorker::from_bytes(&STANDARD.decode(line?)?)? else {
            continue;
        };
        for change in changes {
            let Change::Timeline(timeline) = change else { continue };
            let row = timeline.rows.iter().find(|row| matches!(row.body, Body::Text { .. }));
            pattern = row.cloned().map(|row| (timeline, row)).or(pattern);
        }
    }
    let (like, row) = pattern.ok_or("no row to take as a pattern")?;
    let rows = (from..to).map(|at| {
        let mut row = row.clone();
        row.key = format!("long-{at}");
        row.order = (1_000_000 + at, 1);
        row.at_ms -= 200_000_u64.saturating_sub(at) * 1000;
        if let Body::Text { text, message, .. } = &mut row.body {
            // Not all of one height on a narrow screen.
            let more = " with some more words, so that not every row has the same height on a narrow screen";
            let times = if at % 9 == 0 { at % 4 } else { 0 };
            *text = format!("{words} {at}{}", more.repeat(times as usize));
            let mut id = [7; 16];
            id[..8].copy_from_slice(&at.to_be_bytes());
            *message = MessageId::from_bytes(id);
        }
        row
    });
    let said = Timeline {
        reset: reset.parse()?,
        rows: rows.collect(),
        gone: Vec::new(),
        has_older: Some(has_older.parse()?),
        first_unread: None,
        ..like
    };
    std::io::stdout().write_all(&FromWorker::Changes(vec![Change::Timeline(said)]).to_bytes()?)?;
    Ok(())
}
