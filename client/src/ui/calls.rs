//! Where a text calls somebody or names a channel, and what is being typed of it. Plain data: nothing here draws.

use std::ops::Range;

use crate::ui::markdown::{Block, Inline};

/// Whom and what a text may name, where it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Handles that it calls, and whether that is the reader.
    pub people: Vec<(String, bool)>,
    /// `@everyone` counts in it.
    pub everyone: bool,
    /// Channels beside this one that the reader sees: name and address.
    pub channels: Vec<(String, String)>,
}

impl Names {
    fn is_empty(&self) -> bool {
        self.people.is_empty() && !self.everyone && self.channels.is_empty()
    }

    /// What stands at the beginning of this text: where it ends, and as what it is drawn.
    fn at(&self, text: &str) -> Option<(usize, Inline)> {
        let rest = text.get(1..)?;
        if text.starts_with('@') {
            let name = handle_at(rest)?;
            let lower = name.to_ascii_lowercase();
            let known = self.people.iter().find(|(handle, _)| *handle == lower);
            let is_everyone = self.everyone && lower == "everyone";
            let me = known.map(|(_, me)| *me).or(is_everyone.then_some(true))?;
            let text = format!("@{name}");
            return Some((text.len(), Inline::Call { text, me }));
        }
        // The longest name that fits: one may begin with another.
        let fits = |name: &str| {
            let part = rest.get(..name.len()).filter(|_| !name.is_empty());
            let ends = rest.get(name.len()..).and_then(|after| after.chars().next());
            part.is_some_and(|part| part.to_lowercase() == name.to_lowercase())
                && ends.is_none_or(|next| !is_word(next))
        };
        let channels = self.channels.iter().filter(|(name, _)| fits(name));
        let (name, path) = channels.max_by_key(|(name, _)| name.len())?;
        let text = format!("#{}", rest.get(..name.len())?);
        let path = path.clone();
        Some((text.len(), Inline::Channel { text, path }))
    }
}

const fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}

/// Whether something may begin behind this letter: not inside of a word, an address or another sign.
fn may_begin(before: Option<char>) -> bool {
    before.is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '_' | '@' | '#' | '/' | '.' | '&')))
}

/// The handle at the beginning of a text. A dash at the end is punctuation.
fn handle_at(text: &str) -> Option<&str> {
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let name = text.get(..end)?.trim_end_matches('-');
    (!name.is_empty()).then_some(name)
}

/// The same text with its calls and channels told apart. Code and links stay as they are.
pub fn mark(blocks: Vec<Block>, names: &Names) -> Vec<Block> {
    if names.is_empty() {
        return blocks;
    }
    let block = |block| match block {
        Block::Prose(parts) => Block::Prose(inlines(parts, names)),
        Block::Quote(inner) => Block::Quote(mark(inner, names)),
        Block::List { start, items } => Block::List {
            start,
            items: items.into_iter().map(|item| mark(item, names)).collect(),
        },
        other @ Block::Code { .. } => other,
    };
    blocks.into_iter().map(block).collect()
}

fn inlines(parts: Vec<Inline>, names: &Names) -> Vec<Inline> {
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Inline::Text(text) => split(&text, names, &mut out),
            Inline::Strong(inner) => out.push(Inline::Strong(inlines(inner, names))),
            Inline::Soft(inner) => out.push(Inline::Soft(inlines(inner, names))),
            Inline::Struck(inner) => out.push(Inline::Struck(inlines(inner, names))),
            Inline::Spoiler(inner) => out.push(Inline::Spoiler(inlines(inner, names))),
            other => out.push(other),
        }
    }
    out
}

fn split(text: &str, names: &Names, out: &mut Vec<Inline>) {
    let mut from = 0;
    let signs = text.match_indices(['@', '#']).map(|(at, _)| at);
    for at in signs {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        if at < from || !may_begin(before) {
            continue;
        }
        if let Some((len, part)) = text.get(at..).and_then(|rest| names.at(rest)) {
            if let Some(plain) = text.get(from..at).filter(|plain| !plain.is_empty()) {
                out.push(Inline::Text(plain.to_owned()));
            }
            out.push(part);
            from = at + len;
        }
    }
    if let Some(plain) = text.get(from..).filter(|plain| !plain.is_empty()) {
        out.push(Inline::Text(plain.to_owned()));
    }
}

/// What somebody is in the middle of typing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Person,
    Channel,
    Emoji,
    Command,
}

/// What is being typed right before the caret, and where it begins: its sign and what stands behind that.
pub fn being_typed(before: &str) -> Option<(Kind, Range<usize>)> {
    if let Some(word) = before.strip_prefix('/')
        && word.len() <= 20
        && word.chars().all(|c| c.is_ascii_alphabetic())
    {
        return Some((Kind::Command, 0..before.len()));
    }
    if let Some(name) = super::emoji::being_typed(before) {
        return Some((Kind::Emoji, before.len() - name.len() - 1..before.len()));
    }
    let at = before.rfind(['@', '#'])?;
    let (left, rest) = (before.get(..at)?, before.get(at + 1..)?);
    if rest.len() > 64 || !may_begin(left.chars().next_back()) {
        return None;
    }
    let person = before.get(at..)?.starts_with('@');
    let fits = if person { is_part } else { is_channel_part };
    let kind = if person { Kind::Person } else { Kind::Channel };
    rest.chars().all(fits).then_some((kind, at..before.len()))
}

const fn is_channel_part(c: char) -> bool {
    !(c.is_ascii_whitespace() || c.is_ascii_control() || matches!(c, '@' | '#'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::markdown::parse;

    fn names() -> Names {
        Names {
            people: vec![("ada".into(), true), ("bob-2".into(), false)],
            everyone: false,
            channels: vec![("wood".into(), "/w".into()), ("wood-shop".into(), "/s".into())],
        }
    }

    fn told(text: &str, names: &Names) -> String {
        let one = |part: &Inline| match part {
            Inline::Text(text) => text.clone(),
            Inline::Call { text, me } => format!("[{text}{}]", if *me { "!" } else { "" }),
            Inline::Channel { text, path } => format!("[{text} {path}]"),
            other => format!("{other:?}"),
        };
        match mark(parse(text), names).as_slice() {
            [Block::Prose(parts)] => parts.iter().map(one).collect(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn calls_and_channels_are_told_apart_from_words() {
        let names = names();
        assert_eq!(told("@Ada, ask @bob-2.", &names), "[@Ada!], ask [@bob-2].");
        assert_eq!(
            told("(#wood) #wood-shop #woods", &names),
            "([#wood /w]) [#wood-shop /s] #woods"
        );
        for plain in [
            "a@ada.org",
            "@adam",
            "@@ada",
            "@everyone",
            "x#wood",
            "https://example.org/#wood",
            "é@ada",
        ] {
            let told = told(plain, &names);
            assert!(!told.contains("[@") && !told.contains("[#"), "{told}");
        }
        let all = Names {
            everyone: true,
            ..Names::default()
        };
        assert_eq!(told("@everyone now", &all), "[@everyone!] now");
    }

    #[test]
    fn code_and_links_stay_as_they_are() {
        let text = told("`@ada` [@ada](https://example.org)", &names());
        assert!(!text.contains("Call"), "{text}");
        assert!(told("**@ada**", &names()).contains("Call"));
    }

    #[test]
    fn what_is_being_typed_is_noticed_where_the_caret_stands() {
        let typed = |text: &str| being_typed(text).map(|(kind, range)| (kind, text[range].to_owned()));
        assert_eq!(typed("hi @a"), Some((Kind::Person, "@a".into())));
        assert_eq!(typed("@"), Some((Kind::Person, "@".into())));
        assert_eq!(typed("(#wo"), Some((Kind::Channel, "#wo".into())));
        assert_eq!(typed("a :smi"), Some((Kind::Emoji, ":smi".into())));
        assert_eq!(typed("/he"), Some((Kind::Command, "/he".into())));
        for not in [
            "",
            "a@b",
            "@ada ",
            "# ",
            "and /he",
            "/he x",
            "/1",
            "https://example.org/#wo",
            "@a b",
        ] {
            assert_eq!(typed(not), None, "{not}");
        }
    }

    #[test]
    fn a_flood_of_signs_takes_no_time() {
        let names = names();
        for text in [
            "@".repeat(32_000),
            "#".repeat(32_000),
            "@ada ".repeat(6_000),
            "@ada#wood".repeat(3_000),
        ] {
            drop(mark(parse(&text), &names));
            assert!(text.len() > 20_000);
        }
    }
}
