//! What page and worker hand each other, from JSON and into it, for `e2e/bench.spec.ts`: `wired asks` makes bytes of a command,
//! `wired said` makes words of the worker's bytes.

use std::error::Error;
use std::io::{Read, Write};

use sotto_client::view::{FromWorker, ToWorker, Wired};

fn main() -> Result<(), Box<dyn Error>> {
    let mut given = Vec::new();
    std::io::stdin().read_to_end(&mut given)?;
    let made = match std::env::args().nth(1).as_deref() {
        Some("asks") => serde_json::from_slice::<ToWorker>(&given)?.to_bytes()?,
        Some("said") => serde_json::to_vec(&FromWorker::from_bytes(&given)?)?,
        _ => return Err("wired asks, or wired said".into()),
    };
    std::io::stdout().write_all(&made)?;
    Ok(())
}
