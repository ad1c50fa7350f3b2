//! Frozen files: compared bit for bit, never overwritten.

#![allow(dead_code)]

#[cfg(feature = "testing")]
pub mod gen_values;

use std::path::PathBuf;

/// Holds `made` against the file `shared/tests/vectors/<name>`. With `SOTTO_BLESS=1` it prints what the file should be
/// instead: look at the difference, then copy it in by hand.
///
/// ```text
/// SOTTO_BLESS=1 cargo test -p sotto-shared --features testing --test frozen -- --nocapture
/// ```
pub fn holds_against(name: &str, made: &str) {
    if std::env::var_os("SOTTO_BLESS").is_some() {
        println!("=== {name} ===\n{made}=== end ===");
        return;
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors")
        .join(name);
    let frozen = std::fs::read_to_string(&path).expect("the frozen file is there");
    for (line, (frozen, made)) in frozen.lines().zip(made.lines()).enumerate() {
        assert_eq!(made, frozen, "{name}, line {}", line + 1);
    }
    assert_eq!(made, frozen, "{name}");
}

/// A source line and cases, one a line, as JSON.
pub fn json_cases(source: &str, cases: &[serde_json::Value]) -> String {
    let lines: Vec<String> = cases.iter().map(|case| format!("    {case}")).collect();
    let source = serde_json::Value::from(source);
    format!(
        "{{\n  \"source\": {source},\n  \"cases\": [\n{}\n  ]\n}}\n",
        lines.join(",\n")
    )
}
