//! The rules that no compiler knows: which room may name what, that nothing foreign is contacted, that the documents name
//! things that exist.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file below `place` with one of these endings, and its text.
fn files(place: &str, endings: &[&str]) -> Vec<(String, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join(place)]);
    if folders[0].is_file() {
        return vec![(place.to_owned(), fs::read_to_string(&folders[0]).unwrap())];
    }
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|end| endings.iter().any(|wanted| end == *wanted))
            {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "nothing in {place}");
    found
}

/// Lines of code that hold one of `words`; comments may name anything.
fn lines_with(files: &[(String, String)], words: &[&str]) -> Vec<String> {
    let hits = files.iter().flat_map(|(name, text)| {
        let code = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim_start().starts_with("//"));
        code.filter(|(_, line)| words.iter().any(|word| line.contains(word)))
            .map(move |(number, line)| format!("{name}:{}: {}", number + 1, line.trim()))
    });
    hits.collect()
}

#[test]
fn every_room_knows_only_its_own() {
    let none: Vec<String> = Vec::new();
    let ui = files("client/src/ui", &["rs"]);
    assert_eq!(
        lines_with(&ui, &["crate::engine", "crate::runtime", "sotto_shared::crypto"]),
        none
    );
    let mut engine = files("client/src/engine", &["rs"]);
    engine.extend(files("client/src/passwords.rs", &["rs"]));
    let outside = [
        "leptos",
        "web_sys",
        "js_sys",
        "wasm_bindgen",
        "std::time",
        "crate::ui",
        "crate::runtime",
        "SysRng",
    ];
    assert_eq!(lines_with(&engine, &outside), none);
    let runtime = files("client/src/runtime", &["rs"]);
    assert_eq!(lines_with(&runtime, &["leptos", "crate::ui", "crate::state"]), none);
    let shared = files("shared/src", &["rs"]);
    assert_eq!(
        lines_with(
            &shared,
            &["SystemTime", "Instant::now", "std::fs", "std::net", "web_sys"]
        ),
        none
    );
}

#[test]
fn text_never_becomes_markup() {
    let client = files("client/src", &["rs"]);
    let scripts = [files("client/loader.js", &[]), files("client/worker-entry.js", &[])].concat();
    let makers = [
        "inner_html",
        "innerHTML",
        "outer_html",
        "outerHTML",
        "insertAdjacentHTML",
        "insert_adjacent_html",
        "document.write",
        "eval(",
    ];
    assert_eq!(lines_with(&client, &makers), Vec::<String>::new());
    assert_eq!(lines_with(&scripts, &makers), Vec::<String>::new());
}

#[test]
fn nothing_foreign_is_contacted() {
    let mut all = files("client/src", &["rs"]);
    all.extend(files("client/style", &["css", "svg"]));
    for one in [
        "index.html",
        "client/loader.js",
        "client/worker-entry.js",
        "client/code-entry.js",
    ] {
        all.extend(files(one, &[]));
    }
    // The name of the SVG language is an address that nobody visits.
    let known = ["http://www.w3.org/2000/svg", "http://localhost", "https://example."];
    let foreign = lines_with(&all, &["http://", "https://", "ws://", "wss://", "url(//"])
        .into_iter()
        .filter(|line| {
            let rest = known.iter().fold(line.clone(), |line, known| line.replace(known, ""));
            // Written by people in messages, recognised and shown as links; a prefix is no address.
            let names_a_host = |scheme: &str| {
                rest.split(scheme)
                    .skip(1)
                    .any(|after| after.starts_with(|c: char| c.is_ascii_alphanumeric()))
            };
            ["http://", "https://", "ws://", "wss://", "url(//"]
                .iter()
                .any(|scheme| names_a_host(scheme))
        });
    assert_eq!(foreign.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn the_documents_name_things_that_exist() {
    let mut documents = files("docs", &["md"]);
    documents.extend(["README.md", "ARCHITECTURE.md"].map(|name| files(name, &[])).concat());
    let mut lost = Vec::new();
    for (name, text) in &documents {
        let links = text.split("](").skip(1).filter_map(|after| after.split(')').next());
        let quoted = text.split('`').skip(1).step_by(2);
        for path in links.chain(quoted) {
            let path = path.split('#').next().unwrap_or_default().trim_end_matches('/');
            let ends_like_a_file = [".rs", ".ts", ".md", ".js", ".css", ".png", ".toml"]
                .iter()
                .any(|end| path.ends_with(end));
            if path.is_empty()
                || path.contains([' ', '*', '{', '<', ':'])
                || !(ends_like_a_file && path.contains(['/', '.']))
            {
                continue;
            }
            let beside = Path::new(name).parent().unwrap();
            let places = [
                root().join(path),
                root().join(beside).join(path),
                root().join("client/src/engine").join(path),
                root().join("client/src").join(path),
                root().join("shared/src").join(path),
                root().join("server/src").join(path),
            ];
            if !places.iter().any(|place| place.exists()) {
                lost.push(format!("{name}: {path}"));
            }
        }
    }
    assert_eq!(lost, Vec::<String>::new());
}
