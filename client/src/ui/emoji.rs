//! Emoji: the list that is offered, how it is searched, and where one is being typed. Plain data: nothing here draws.

/// Put to a message with one press.
pub const QUICK: [&str; 6] = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/// The groups of the list, in its order.
pub const GROUPS: [&str; 9] = [
    "Smileys",
    "People",
    "Nature",
    "Food",
    "Travel",
    "Activities",
    "Things",
    "Signs",
    "Flags",
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emoji {
    pub sign: String,
    pub name: String,
    /// What one may type for it between colons.
    pub words: Vec<String>,
    /// The five colours of skin, or nothing.
    tones: Vec<String>,
}

impl Emoji {
    /// In the colour of skin that was chosen: 1 to 5, or 0 for none.
    pub fn toned(&self, tone: usize) -> &str {
        let toned = tone.checked_sub(1).and_then(|at| self.tones.get(at));
        toned.unwrap_or(&self.sign)
    }

    /// How well it fits what is looked for; less is better.
    fn fit(&self, wanted: &str) -> Option<u8> {
        let words = || self.words.iter().map(String::as_str);
        let in_name = || self.name.split([' ', '-', ':']);
        if words().any(|word| word == wanted) || self.name == wanted {
            Some(0)
        } else if words().any(|word| word.starts_with(wanted)) {
            Some(1)
        } else if in_name().any(|part| part.starts_with(wanted)) {
            Some(2)
        } else if words().any(|word| word.contains(wanted)) || self.name.contains(wanted) {
            Some(3)
        } else {
            None
        }
    }
}

/// All that are offered, by group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List(pub Vec<Vec<Emoji>>);

impl List {
    /// From the text of `client/emoji.json`.
    pub fn parse(text: &str) -> Option<Self> {
        let groups: Vec<Vec<Vec<String>>> = serde_json::from_str(text).ok()?;
        let split = |words: &str| words.split_whitespace().map(str::to_owned).collect();
        let one = |row: Vec<String>| {
            let mut parts = row.into_iter();
            Some(Emoji {
                sign: parts.next()?,
                name: parts.next()?,
                words: split(&parts.next()?),
                tones: split(&parts.next().unwrap_or_default()),
            })
        };
        let group = |rows: Vec<Vec<String>>| rows.into_iter().map(one).collect::<Option<Vec<_>>>();
        groups.into_iter().map(group).collect::<Option<_>>().map(Self)
    }

    pub fn search(&self, wanted: &str, most: usize) -> Vec<&Emoji> {
        let wanted = wanted.trim().to_lowercase();
        let all = self.0.iter().flatten();
        let mut found: Vec<(u8, &Emoji)> = all.filter_map(|one| Some((one.fit(&wanted)?, one))).collect();
        found.sort_by_key(|(fit, _)| *fit);
        found.into_iter().take(most).map(|(_, one)| one).collect()
    }
}

/// The beginning of an emoji's name, if one is being typed right before the caret: `hello :smi` → `smi`.
pub fn being_typed(before: &str) -> Option<&str> {
    let (rest, word) = before.rsplit_once(':')?;
    let begins = rest.chars().next_back().is_none_or(char::is_whitespace);
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-');
    (begins && (2..=30).contains(&word.len()) && word.chars().all(fits)).then_some(word)
}

/// Whether a text is nothing but one to three emoji, to be shown large.
pub fn is_alone(text: &str) -> bool {
    let sign = |c: char| matches!(c, '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}');
    // Joined to what stands before, or says how it looks.
    let joins = |c: char| matches!(c, '\u{200d}' | '\u{fe0f}' | '\u{20e3}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}');
    if text.len() > 150 || !text.chars().all(|c| sign(c) || joins(c) || c == ' ') {
        return false;
    }
    let (mut count, mut flags, mut joined) = (0, 0, false);
    for c in text.chars() {
        if matches!(c, '\u{1f1e6}'..='\u{1f1ff}') {
            flags += 1;
        } else if sign(c) && !joins(c) && !joined {
            count += 1;
        }
        joined = c == '\u{200d}';
    }
    (1..=3).contains(&(count + flags / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> List {
        List::parse(include_str!("../../emoji.json")).unwrap()
    }

    #[test]
    fn the_list_is_read_whole() {
        let list = list();
        assert_eq!(list.0.len(), GROUPS.len());
        assert!(list.0.iter().flatten().count() > 1700);
        for quick in QUICK {
            assert!(list.0.iter().flatten().any(|one| one.sign == quick), "{quick}");
        }
        assert_eq!(List::parse("[[[\"a\"]]]"), None);
    }

    #[test]
    fn what_is_looked_for_stands_first() {
        let list = list();
        assert_eq!(list.search("tada", 8)[0].sign, "🎉");
        assert_eq!(list.search("Thumbs up", 8)[0].sign, "👍");
        assert_eq!(list.search("+1", 8)[0].sign, "👍");
        assert!(
            list.search("smi", 8)
                .iter()
                .all(|one| one.words.iter().any(|word| word.starts_with("smi")))
        );
        assert!(list.search("no such thing", 8).is_empty());
        assert_eq!(list.search("+1", 1)[0].toned(3), "👍🏽");
        assert_eq!(list.search("tada", 1)[0].toned(3), "🎉");
    }

    #[test]
    fn a_name_is_noticed_where_it_is_typed() {
        assert_eq!(being_typed("hello :smi"), Some("smi"));
        assert_eq!(being_typed(":+1"), Some("+1"));
        for not in [
            "",
            ":",
            ":s",
            "at 10:30",
            "https://example.org",
            "a :smile: b",
            ": ) ab",
            ":żół",
        ] {
            assert_eq!(being_typed(not), None, "{not}");
        }
    }

    #[test]
    fn only_emoji_alone_are_large() {
        for alone in [
            "👍",
            "❤️",
            "👍🏽",
            "👩‍👩‍👧‍👦",
            "🇩🇪",
            "😀 😀 😀",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        ] {
            assert!(is_alone(alone), "{alone}");
        }
        for not in ["", " ", "a", "1", "…", "→", "👍 yes", "😀😀😀😀", "🇩🇪🇫🇷🇵🇱🇮🇹"]
        {
            assert!(!is_alone(not), "{not}");
        }
    }
}
