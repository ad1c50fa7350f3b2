//! `client/emoji.json`, from which the page offers emoji, is what Unicode's list says. `SOTTO_WRITE=yes` writes it anew.

use std::path::Path;

use emojis::{Emoji, Group, SkinTone};
use serde_json::{Value, json};
use sotto_shared::envelope::content::is_emoji;

/// Newer ones are empty boxes on many systems still. Letters in a box are letters, which cannot stand as a reaction.
const NEWEST: (u32, u32) = (15, 0);
const TONES: [SkinTone; 5] = [
    SkinTone::Light,
    SkinTone::MediumLight,
    SkinTone::Medium,
    SkinTone::MediumDark,
    SkinTone::Dark,
];

fn known() -> impl Iterator<Item = (Group, Vec<&'static Emoji>)> {
    Group::iter().map(|group| {
        let old = |emoji: &&Emoji| {
            let version = emoji.emoji_version();
            (version.major(), version.minor()) <= NEWEST && is_emoji(emoji.as_str())
        };
        (group, group.emojis().filter(old).collect())
    })
}

/// Groups, each with its emoji: sign, name, the words one may type for it, and the five colours of skin, if it has them.
fn list() -> Value {
    let one = |emoji: &Emoji| {
        let words: Vec<&str> = emoji.shortcodes().collect();
        let tones: Option<Vec<&str>> = TONES
            .iter()
            .map(|tone| emoji.with_skin_tone(*tone).map(Emoji::as_str))
            .collect();
        let mut row = vec![json!(emoji.as_str()), json!(emoji.name()), json!(words.join(" "))];
        row.extend(tones.map(|tones| json!(tones.join(" "))));
        Value::Array(row)
    };
    known()
        .map(|(_, emojis)| Value::Array(emojis.into_iter().map(one).collect()))
        .collect()
}

#[test]
fn the_list_of_emoji_is_unicodes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("emoji.json");
    let wanted = format!("{}\n", list());
    if std::env::var("SOTTO_WRITE").is_ok() {
        std::fs::write(&path, &wanted).unwrap();
    }
    assert!(
        std::fs::read_to_string(path).unwrap() == wanted,
        "client/emoji.json is not what the crate says"
    );
}

#[test]
fn every_emoji_that_is_offered_may_be_a_reaction() {
    let mut count = 0;
    for emoji in known().flat_map(|(_, emojis)| emojis) {
        let all = emoji
            .skin_tones()
            .map(Iterator::collect::<Vec<_>>)
            .unwrap_or_else(|| vec![emoji]);
        for one in all {
            assert!(is_emoji(one.as_str()), "{}", one.name());
            count += 1;
        }
    }
    assert!(count > 2000, "{count}");
}
