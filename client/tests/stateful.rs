//! Anything that can happen, in any order: scripts drawn by seed, and what must hold after each.
//!
//! `SOTTO_FUZZ_RUNS=500` plays more of them, `SOTTO_FUZZ_SEED=17` begins at that seed, `SOTTO_FUZZ_SCRIPT=<hex>` plays one.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use futures_lite::future::block_on;
use rand::Rng as _;
use sotto_client::testing::fuzz::accept::{self, Den};
use sotto_client::testing::fuzz::records::{self, Shelf};
use sotto_client::testing::fuzz::script::{HEAD_BYTES, OP_BYTES, Script, What, without};
use sotto_client::testing::fuzz::{Outcomes, Past, places, run};
use sotto_shared::testing::{FixedRng, hex, unhex};

/// Scripts of each kind of relay.
const RUNS: u64 = 50;
/// Tries at making a script that fails shorter.
const SHRINKING: u32 = 400;

static PAST: LazyLock<Past> = LazyLock::new(|| block_on(Past::make()));

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn script(relay: u8, seed: u64) -> Vec<u8> {
    let mut rng = FixedRng::new(&format!("script {relay} {seed}"));
    let count = 5 + rng.next_u32() as usize % 40;
    let mut bytes = vec![0; HEAD_BYTES + OP_BYTES * count];
    rng.fill_bytes(&mut bytes);
    bytes[0] = relay;
    // A relay that lies all the time is found out at once: most lie once in a while.
    let (honest, lying) = (What::bytes(false), What::bytes(true));
    let lies_every = [3, 10, 25][seed as usize % 3];
    for op in bytes[HEAD_BYTES..].chunks_exact_mut(OP_BYTES) {
        let lies = relay == 1 && rng.next_u32().is_multiple_of(lies_every);
        let meant = if lies { &lying } else { &honest };
        op[0] = meant[usize::from(op[0]) % meant.len()];
    }
    bytes
}

/// Why it fails. A panic is a failure like any other.
fn play(bytes: &[u8]) -> Result<Outcomes, String> {
    let played = catch_unwind(AssertUnwindSafe(|| block_on(run(&PAST, bytes))));
    match played {
        Ok(outcomes) => outcomes.map(Option::unwrap_or_default),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("a panic: {}", text.unwrap_or("without a word")))
        }
    }
}

/// Takes operations away for as long as it still fails.
fn shrink(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut tries = 0;
    let mut chunk = 8;
    while chunk > 0 {
        let mut at = 0;
        while let Some(shorter) = without(&bytes, at, chunk) {
            tries += 1;
            if tries > SHRINKING {
                return bytes;
            }
            if Script::parse(&shorter).is_some() && play(&shorter).is_err() {
                bytes = shorter;
            } else {
                at += chunk;
            }
        }
        chunk /= 2;
    }
    bytes
}

fn fail(bytes: Vec<u8>, seed: &str) -> ! {
    eprintln!("seed {seed} fails; it is made shorter");
    // What fails is played many times over.
    std::panic::set_hook(Box::new(|_| {}));
    let shortest = shrink(bytes);
    let why = play(&shortest).expect_err("it failed a moment ago");
    let _ = std::panic::take_hook();
    let script = Script::parse(&shortest).expect("a script");
    let hex = hex(&shortest);
    panic!("seed {seed}\n{script}{why}\nAgain: SOTTO_FUZZ_SCRIPT={hex}");
}

fn play_many(relay: u8) {
    if let Ok(hex) = std::env::var("SOTTO_FUZZ_SCRIPT") {
        let bytes = unhex(&hex);
        if bytes.first().map(|byte| byte & 1) == Some(relay) {
            println!("{}", Script::parse(&bytes).expect("a script"));
            println!("{:?}", play(&bytes).unwrap());
        }
        return;
    }
    let first = number("SOTTO_FUZZ_SEED").unwrap_or(0);
    let runs = number("SOTTO_FUZZ_RUNS").unwrap_or(RUNS);
    let (mut alarms, mut all) = (0, Outcomes::default());
    for seed in first..first + runs {
        let bytes = script(relay, seed);
        match play(&bytes) {
            Ok(outcomes) => {
                alarms += u32::from(outcomes.alarms > 0);
                all.messages += outcomes.messages;
                all.edited += outcomes.edited;
                all.deleted += outcomes.deleted;
                all.reactions += outcomes.reactions;
                all.revoked += outcomes.revoked;
                all.steps += outcomes.steps;
            }
            Err(_) => fail(bytes, &format!("{seed}")),
        }
    }
    println!("{runs} scripts, somebody was told in {alarms}; {all:?}");
    let happened = [all.edited, all.deleted, all.reactions, all.revoked];
    assert!(runs < RUNS || happened.iter().all(|count| *count > 0), "{all:?}");
}

/// Inputs that were found to be worth keeping, or to have been faults once.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = format!("{}/../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(&folder).expect(&folder);
    let inputs: Vec<_> = files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    assert!(!inputs.is_empty(), "{folder}");
    inputs
}

#[test]
fn scripts_that_were_found_are_played_again() {
    for bytes in corpus("stateful") {
        if let Err(why) = play(&bytes) {
            panic!("{why}\nAgain: SOTTO_FUZZ_SCRIPT={}", hex(&bytes));
        }
    }
}

#[test]
fn whatever_a_member_and_a_relay_make_up_the_others_are_shown_nothing_false() {
    let den = block_on(Den::make());
    let runs = number("SOTTO_FUZZ_RUNS").unwrap_or(RUNS);
    let first = number("SOTTO_FUZZ_SEED").unwrap_or(0);
    let drawn = (first..first + runs).map(|seed| {
        let mut rng = FixedRng::new(&format!("den {seed}"));
        let mut bytes = vec![0; 2 + 4 * (2 + rng.next_u32() as usize % 20)];
        rng.fill_bytes(&mut bytes);
        bytes
    });
    for bytes in drawn.chain(corpus("accept")) {
        let played = catch_unwind(AssertUnwindSafe(|| block_on(accept::run(&den, &bytes))));
        match played {
            Ok(Ok(_)) => {}
            Ok(Err(why)) => panic!("{}: {why}", hex(&bytes)),
            Err(_) => panic!("{}: a panic", hex(&bytes)),
        }
    }
}

#[test]
fn a_browser_starts_whatever_its_records_say() {
    let shelf = block_on(Shelf::make());
    for bytes in corpus("records") {
        block_on(records::run(&shelf, &bytes));
    }
}

#[test]
fn an_address_reads_back_what_it_writes() {
    for bytes in corpus("links") {
        places(&bytes);
    }
}

#[test]
fn with_an_honest_relay_all_see_the_same_and_nobody_is_alarmed() {
    play_many(0);
}

#[test]
fn whatever_a_relay_does_nothing_leaks_and_nothing_parts_unnoticed() {
    play_many(1);
}
