//! What a message's text looks like: CommonMark, as a small tree of our own that is drawn as elements. Nothing is ever
//! markup: HTML stays text, pictures are links, and an address that is not of the web or of mail stays as it was typed.
//!
//! Text that says nothing in Markdown comes out letter for letter, spaces and empty lines with it.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Quotes in lists in quotes: deeper ones stay as they were typed.
const DEEP: usize = 16;
/// Parts of one message. What comes after so many stays as it was typed.
const MANY: usize = 4000;
/// Stand around the number of an address while the text is parsed, so that no underscore in it means anything. Nobody types
/// them: they are letters of private use.
const OPEN: char = '\u{e000}';
const SHUT: char = '\u{e001}';

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    Prose(Vec<Inline>),
    Code { lang: String, text: String },
    Quote(Vec<Block>),
    List { start: Option<u64>, items: Vec<Vec<Block>> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inline {
    Text(String),
    Code(String),
    Strong(Vec<Inline>),
    Soft(Vec<Inline>),
    Struck(Vec<Inline>),
    /// A person who is called by name. Found by `calls` alone.
    Call {
        text: String,
        me: bool,
    },
    /// A channel that is named, and its address. Found by `calls` alone.
    Channel {
        text: String,
        path: String,
    },
    /// Shown once it is pressed.
    Spoiler(Vec<Inline>),
    Link {
        href: String,
        text: Vec<Inline>,
        /// Where it leads, when the words do not say so.
        host: Option<String>,
    },
}

/// The parts of a message.
pub fn parse(text: &str) -> Vec<Block> {
    if is_plain(text) {
        return vec![Block::Prose(vec![Inline::Text(text.to_owned())])];
    }
    let (source, addresses) = masked(text);
    let mut options = Options::empty();
    options.insert(Options::ENABLE_STRIKETHROUGH);
    let mut tree = Tree {
        source: &source,
        addresses: &addresses,
        open: vec![Frame::new(Kind::Whole, 0)],
        at: 0,
        parts: 0,
        begun: Vec::new(),
        skipped: Vec::new(),
    };
    for (event, range) in Parser::new_ext(&source, options).into_offset_iter() {
        tree.take(event, range.start, range.end);
        if tree.parts > MANY {
            break;
        }
    }
    tree.end()
}

/// Nothing in it could mean anything.
fn is_plain(text: &str) -> bool {
    let says = |c: char| matches!(c, '*' | '_' | '~' | '`' | '|' | '[' | '\\' | '<' | OPEN | SHUT);
    let begins = |c: char| matches!(c, '>' | '#' | '+' | '-') || c.is_ascii_digit();
    let in_line = |line: &str| line.trim_start().starts_with(begins);
    !text.contains(says) && !text.contains("://") && !text.lines().any(in_line)
}

/// Where an address of the web that stands by itself begins and ends.
fn address_in(text: &str) -> Option<(usize, usize)> {
    let begins = |&(at, _): &(usize, &str)| {
        let rest = &text[at + "http".len()..];
        rest.starts_with("://") || rest.starts_with("s://")
    };
    let (at, _) = text.match_indices("http").find(begins)?;
    let from = &text[at..];
    let end = from
        .find(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '`' | OPEN | SHUT))
        .unwrap_or(from.len());
    // What a link is called may be an address too.
    let end = from[..end].find("](").unwrap_or(end);
    let mut address = from[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ']', '’', '\'', '*', '_', '~', '|']);
    // A bracket belongs to it only if it was opened there. Counted once: there may be thousands.
    let (opened, mut shut) = (address.matches('(').count(), address.matches(')').count());
    while shut > opened
        && let Some(before) = address.strip_suffix(')')
    {
        shut -= 1;
        address = before.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_', '~', '|']);
    }
    Some((at, at + address.len()))
}

/// The text with a number in the place of each address.
fn masked(text: &str) -> (String, Vec<String>) {
    if text.contains([OPEN, SHUT]) {
        return (text.to_owned(), Vec::new());
    }
    let (mut source, mut addresses, mut rest) = (String::with_capacity(text.len()), Vec::new(), text);
    while let Some((start, end)) = address_in(rest) {
        source.push_str(&rest[..start]);
        // In brackets of its own it is a link of Markdown's, which the parser knows.
        if source.ends_with('<') {
            source.push_str(&rest[start..end]);
        } else {
            source.push(OPEN);
            source.push_str(&addresses.len().to_string());
            source.push(SHUT);
            addresses.push(rest[start..end].to_owned());
        }
        rest = &rest[end..];
    }
    source.push_str(rest);
    (source, addresses)
}

/// The address as a link may have it, if it leads to the web or to mail.
fn safe(href: &str) -> Option<(String, Option<String>)> {
    let lower = href.to_ascii_lowercase();
    if href.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    if let Some(to) = lower.strip_prefix("mailto:") {
        return (to.contains('@')).then(|| (href.to_owned(), Some(href["mailto:".len()..].to_owned())));
    }
    let rest = lower
        .strip_prefix("https://")
        .or_else(|| lower.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    // What stands before an @ is no host, however much it looks like one.
    let host = authority.rsplit('@').next().filter(|host| !host.is_empty())?;
    Some((href.to_owned(), Some(host.to_owned())))
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Whole,
    Quote,
    List(Option<u64>),
    Item,
    Code(String),
    Strong,
    Soft,
    Struck,
    Head,
    Link(String),
}

struct Frame {
    kind: Kind,
    /// Where it begins in the source.
    start: usize,
    blocks: Vec<Block>,
    line: Vec<Inline>,
    items: Vec<Vec<Block>>,
    code: String,
}

impl Frame {
    fn new(kind: Kind, start: usize) -> Self {
        Self {
            kind,
            start,
            blocks: Vec::new(),
            line: Vec::new(),
            items: Vec::new(),
            code: String::new(),
        }
    }

    /// The prose so far is a block: what comes next stands below it.
    fn flush(&mut self) {
        let mut line = spoilers(std::mem::take(&mut self.line));
        if let Some(Inline::Text(first)) = line.first_mut() {
            // Lines between blocks are what stands between them anyway; spaces at the start of a line stay.
            if !self.blocks.is_empty() || first.trim().is_empty() {
                let kept = first.trim_start_matches(['\n', '\r']);
                *first = kept.to_owned();
            }
        }
        if let Some(Inline::Text(last)) = line.last_mut() {
            last.truncate(last.trim_end().len());
        }
        line.retain(|part| !matches!(part, Inline::Text(text) if text.is_empty()));
        if !line.is_empty() {
            self.blocks.push(Block::Prose(line));
        }
    }
}

struct Tree<'a> {
    source: &'a str,
    addresses: &'a [String],
    open: Vec<Frame>,
    /// Up to here the source has been taken in.
    at: usize,
    parts: usize,
    /// For each part of Markdown's that is open: whether a frame was opened for it.
    begun: Vec<bool>,
    /// Ends that are still to come of parts that were not opened.
    skipped: Vec<TagEnd>,
}

impl Tree<'_> {
    fn frame(&mut self) -> Option<&mut Frame> {
        self.open.last_mut()
    }

    fn push(&mut self, part: Inline) {
        self.parts += 1;
        let Some(frame) = self.open.last_mut() else { return };
        match (part, frame.line.last_mut()) {
            (Inline::Text(more), Some(Inline::Text(before))) => before.push_str(&more),
            (part, _) => frame.line.push(part),
        }
    }

    /// Text as it was typed, its addresses as links.
    fn say(&mut self, text: &str) {
        let in_link = self.open.iter().any(|frame| matches!(frame.kind, Kind::Link(_)));
        let mut rest = text;
        while let Some((before, from)) = rest.split_once(OPEN) {
            let Some((address, after)) = self.unmask(from) else {
                break;
            };
            if !before.is_empty() {
                self.push(Inline::Text(before.to_owned()));
            }
            match safe(&address).filter(|_| !in_link) {
                Some((href, _)) => self.push(Inline::Link {
                    href,
                    text: vec![Inline::Text(address)],
                    host: None,
                }),
                None => self.push(Inline::Text(address)),
            }
            rest = after;
        }
        if !rest.is_empty() {
            self.push(Inline::Text(rest.to_owned()));
        }
    }

    fn unmask<'t>(&self, from: &'t str) -> Option<(String, &'t str)> {
        let (number, after) = from.split_once(SHUT)?;
        Some((self.addresses.get(number.parse::<usize>().ok()?)?.clone(), after))
    }

    /// The same where no link may stand: in code, and in the address of a link.
    fn plain(&self, text: &str) -> String {
        let (mut whole, mut rest) = (String::with_capacity(text.len()), text);
        while let Some((before, from)) = rest.split_once(OPEN) {
            let Some((address, after)) = self.unmask(from) else {
                break;
            };
            whole.push_str(before);
            whole.push_str(&address);
            rest = after;
        }
        whole.push_str(rest);
        whole
    }

    /// What the parser passed over before `start`: empty lines, and what it keeps to itself.
    fn gap(&mut self, start: usize) {
        let Some(gap) = self.source.get(self.at..start) else {
            return;
        };
        self.at = start;
        if gap.is_empty() {
            return;
        }
        if self.open.len() == 1 {
            self.say(gap);
            return;
        }
        // The signs of the quotes and lists it stands in are drawn, not said.
        let lines: Vec<&str> = gap
            .split('\n')
            .map(|line| line.trim_start_matches([' ', '\t', '>']))
            .collect();
        self.say(&lines.join("\n"));
    }

    fn open(&mut self, kind: Kind, start: usize) {
        self.parts += 1;
        self.open.push(Frame::new(kind, start));
    }

    fn take(&mut self, event: Event<'_>, start: usize, end: usize) {
        if let Some(awaited) = self.skipped.last() {
            match &event {
                Event::Start(tag) => self.skipped.push(tag.to_end()),
                Event::End(ended) if ended == awaited => drop(self.skipped.pop()),
                _ => {}
            }
            return;
        }
        match event {
            Event::Start(tag) => {
                let before = self.open.len();
                self.begin(tag, start, end);
                if self.skipped.is_empty() {
                    self.begun.push(self.open.len() > before);
                }
            }
            Event::End(_) => {
                if self.begun.pop() == Some(true) {
                    self.close(end);
                }
            }
            Event::Text(text) => match self.frame() {
                // A line of code comes without the indentation of what it stands in.
                Some(frame) if matches!(frame.kind, Kind::Code(_)) => frame.code.push_str(&text),
                _ => {
                    self.pass(start);
                    let typed = self.source.get(start..end).unwrap_or(&text).to_owned();
                    self.say(&typed);
                    self.at = end;
                }
            },
            Event::Code(text) => {
                self.pass(start);
                let text = self.plain(&text);
                self.push(Inline::Code(text));
                self.at = end;
            }
            Event::SoftBreak | Event::HardBreak => {
                self.push(Inline::Text("\n".to_owned()));
                let spaces = self
                    .source
                    .get(end..)
                    .map_or(0, |rest| rest.len() - rest.trim_start_matches([' ', '\t']).len());
                if self.open.len() == 1 {
                    let indent = self.source.get(end..end + spaces).unwrap_or_default().to_owned();
                    self.push(Inline::Text(indent));
                }
                self.at = end;
            }
            // A line across the page stays what was typed, in a line of its own.
            Event::Rule => {
                self.gap(start);
                let typed = self.source.get(start..end).unwrap_or_default().trim_end();
                let (typed, len) = (typed.to_owned(), typed.len());
                self.say(&typed);
                self.at = start + len;
            }
            // HTML and whatever else there is: as it was typed.
            _ => {
                self.pass(start);
                let typed = self.source.get(start..end).unwrap_or_default().to_owned();
                self.say(&typed);
                self.at = end;
            }
        }
    }

    /// Inside a line nothing is passed over but signs that mean something.
    fn pass(&mut self, start: usize) {
        self.at = self.at.max(start);
    }

    fn begin(&mut self, tag: Tag<'_>, start: usize, end: usize) {
        let deep = self.open.len() > DEEP;
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.gap(start),
            Tag::Heading { .. } => {
                self.gap(start);
                let typed = self.source.get(start..end).unwrap_or_default();
                // A line of dashes below a sentence makes no title of it.
                if typed.trim_start().starts_with('#') && !deep {
                    self.open(Kind::Head, start);
                } else {
                    self.as_typed(&tag, start, end);
                }
            }
            Tag::CodeBlock(CodeBlockKind::Indented) => {
                self.gap(start);
                self.as_typed(&tag, start, end);
            }
            Tag::CodeBlock(CodeBlockKind::Fenced(ref lang)) => {
                self.gap(start);
                let lang = self.plain(lang);
                let is_lang = lang.len() <= 20 && lang.chars().all(|c| c.is_alphanumeric() || "+#.-_,".contains(c));
                if is_lang {
                    self.open(Kind::Code(lang), start);
                } else {
                    // Somebody wrote the first line beside the sign.
                    self.open(Kind::Code(String::new()), start);
                    if let Some(frame) = self.frame() {
                        frame.code = format!("{lang}\n");
                    }
                }
            }
            Tag::BlockQuote(_) if !deep => self.block(Kind::Quote, start),
            Tag::List(first) if !deep => self.block(Kind::List(first), start),
            Tag::Item if !deep => {
                self.open(Kind::Item, start);
                let marker = self.source.get(start..).map_or(0, marker_len);
                self.at = start + marker;
            }
            Tag::Emphasis if !deep => self.inline(Kind::Soft, start),
            Tag::Strong if !deep => self.inline(Kind::Strong, start),
            Tag::Strikethrough if !deep => self.inline(Kind::Struck, start),
            Tag::Link { ref dest_url, .. } | Tag::Image { ref dest_url, .. } => {
                self.pass(start);
                let href = self.plain(dest_url);
                // A mail address in brackets says its scheme by itself.
                let href = if matches!(
                    tag,
                    Tag::Link {
                        link_type: pulldown_cmark::LinkType::Email,
                        ..
                    }
                ) {
                    format!("mailto:{href}")
                } else {
                    href
                };
                let nested = self.open.iter().any(|frame| matches!(frame.kind, Kind::Link(_)));
                if safe(&href).is_some() && !nested && !deep {
                    self.inline(Kind::Link(href), start);
                } else {
                    self.as_typed(&tag, start, end);
                }
            }
            // Too deep, or of a kind that was not asked for.
            _ => self.as_typed(&tag, start, end),
        }
    }

    fn block(&mut self, kind: Kind, start: usize) {
        self.gap(start);
        self.open(kind, start);
    }

    fn inline(&mut self, kind: Kind, start: usize) {
        self.pass(start);
        self.open(kind, start);
    }

    /// The whole of it as it was typed; what it holds is passed over.
    fn as_typed(&mut self, tag: &Tag<'_>, start: usize, end: usize) {
        let typed = self.source.get(start..end).unwrap_or_default().to_owned();
        self.say(&typed);
        self.at = self.at.max(end);
        self.skipped = vec![tag.to_end()];
    }

    fn close(&mut self, end: usize) {
        let Some(mut frame) = self.open.pop() else { return };
        match frame.kind {
            Kind::Whole => {}
            Kind::Strong | Kind::Soft | Kind::Struck | Kind::Link(_) | Kind::Head => self.close_inline(frame, end),
            Kind::Code(lang) => {
                let text = self.plain(frame.code.strip_suffix('\n').unwrap_or(&frame.code));
                self.stand(Block::Code { lang, text });
                self.at = end;
            }
            Kind::Item => {
                frame.flush();
                if let Some(list) = self.frame() {
                    list.items.push(frame.blocks);
                }
                self.at = self.at.max(end);
            }
            Kind::Quote => {
                frame.flush();
                self.stand_or_say(frame.start, end, Block::Quote(frame.blocks));
            }
            Kind::List(start) => {
                let items = frame.items;
                self.stand_or_say(frame.start, end, Block::List { start, items });
            }
        }
    }

    fn close_inline(&mut self, frame: Frame, end: usize) {
        let inner = spoilers(frame.line);
        let part = match frame.kind {
            Kind::Strong | Kind::Head => Inline::Strong(inner),
            Kind::Soft => Inline::Soft(inner),
            Kind::Struck => Inline::Struck(inner),
            Kind::Link(href) => {
                let said = words(&inner);
                let host = safe(&href).and_then(|(_, host)| host);
                let tells = said == href || host.as_deref().is_some_and(|host| said.eq_ignore_ascii_case(host));
                let text = if said.trim().is_empty() {
                    vec![Inline::Text(href.clone())]
                } else {
                    inner
                };
                let host = host.filter(|_| !tells && !said.trim().is_empty());
                Inline::Link { href, text, host }
            }
            _ => return,
        };
        // The line's end is not the title's.
        let typed = self.source.get(frame.start..end).unwrap_or_default();
        let typed = typed.trim_end_matches(['\n', '\r']).to_owned();
        self.at = self.at.max(frame.start + typed.len());
        let is_empty = !matches!(part, Inline::Link { .. }) && words(std::slice::from_ref(&part)).trim().is_empty();
        if is_empty {
            self.say(&typed);
        } else {
            self.push(part);
        }
    }

    fn stand(&mut self, block: Block) {
        self.parts += 1;
        if let Some(frame) = self.frame() {
            frame.flush();
            frame.blocks.push(block);
        }
    }

    /// A dash alone is a dash, no list of nothing.
    fn stand_or_say(&mut self, start: usize, end: usize, block: Block) {
        if text_of(std::slice::from_ref(&block)).trim().is_empty() {
            let typed = self.source.get(start..end).unwrap_or_default().to_owned();
            self.say(&typed);
        } else {
            self.stand(block);
        }
        self.at = end;
    }

    fn end(mut self) -> Vec<Block> {
        // Of very many parts the rest stays as it was typed.
        while self.open.len() > 1 {
            self.close(self.at);
        }
        self.gap(self.source.len());
        let Some(mut whole) = self.open.pop() else {
            return Vec::new();
        };
        whole.flush();
        whole.blocks
    }
}

/// The length of what begins an item: spaces, a sign or a number, and the space after it.
fn marker_len(item: &str) -> usize {
    let spaces = item.len() - item.trim_start_matches([' ', '\t']).len();
    let rest = &item[spaces..];
    let sign = match rest.chars().next() {
        Some('-' | '*' | '+') => 1,
        _ => rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len() + 1,
    };
    let after = rest.get(sign..).unwrap_or_default();
    let space = after.len() - after.trim_start_matches([' ', '\t']).len();
    (spaces + sign + space).min(item.len())
}

/// `||…||` within one run of parts. Nothing that begins or ends with a space, as in `a || b || c`.
fn spoilers(parts: Vec<Inline>) -> Vec<Inline> {
    let has = |part: &Inline| matches!(part, Inline::Text(text) if text.contains("||"));
    if !parts.iter().any(has) {
        return parts;
    }
    let mut done: Vec<Inline> = Vec::with_capacity(parts.len());
    // Where a spoiler that is open begins.
    let mut open: Option<usize> = None;
    for part in parts {
        let Inline::Text(text) = part else {
            done.push(part);
            continue;
        };
        let mut rest = text.as_str();
        while let Some(at) = rest.find("||") {
            let (before, after) = (&rest[..at], &rest[at + 2..]);
            let begins = after.chars().next().is_some_and(|c| !c.is_whitespace() && c != '|')
                || (after.is_empty() && open.is_none());
            let ends = before
                .chars()
                .next_back()
                .map_or_else(|| open.is_some_and(|open| done.len() > open), |c| !c.is_whitespace());
            match open {
                Some(start) if ends => {
                    if !before.is_empty() {
                        done.push(Inline::Text(before.to_owned()));
                    }
                    let hidden = done.split_off(start);
                    done.push(Inline::Spoiler(hidden));
                    open = None;
                }
                None if begins => {
                    if !before.is_empty() {
                        done.push(Inline::Text(before.to_owned()));
                    }
                    open = Some(done.len());
                }
                _ => done.push(Inline::Text(format!("{before}||"))),
            }
            rest = after;
        }
        if !rest.is_empty() {
            done.push(Inline::Text(rest.to_owned()));
        }
    }
    // One that does not end is none: its sign is text.
    if let Some(start) = open {
        done.insert(start, Inline::Text("||".to_owned()));
    }
    joined(done)
}

fn joined(parts: Vec<Inline>) -> Vec<Inline> {
    let mut whole: Vec<Inline> = Vec::with_capacity(parts.len());
    for part in parts {
        match (part, whole.last_mut()) {
            (Inline::Text(more), Some(Inline::Text(before))) => before.push_str(&more),
            (part, _) => whole.push(part),
        }
    }
    whole
}

/// The words alone.
pub fn words(parts: &[Inline]) -> String {
    let mut all = String::new();
    for part in parts {
        match part {
            Inline::Text(text) | Inline::Code(text) | Inline::Call { text, .. } | Inline::Channel { text, .. } => {
                all.push_str(text);
            }
            Inline::Strong(parts) | Inline::Soft(parts) | Inline::Struck(parts) | Inline::Spoiler(parts) => {
                all.push_str(&words(parts));
            }
            Inline::Link { text, .. } => all.push_str(&words(text)),
        }
    }
    all
}

/// The same of blocks, one below the other.
pub fn text_of(blocks: &[Block]) -> String {
    let one = |block: &Block| match block {
        Block::Prose(parts) => words(parts),
        Block::Code { text, .. } => text.clone(),
        Block::Quote(blocks) => text_of(blocks),
        Block::List { items, .. } => items.iter().map(|item| text_of(item)).collect::<Vec<_>>().join("\n"),
    };
    blocks.iter().map(one).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Inline {
        Inline::Text(text.into())
    }

    fn prose(parts: Vec<Inline>) -> Vec<Block> {
        vec![Block::Prose(parts)]
    }

    fn link(href: &str, said: &str, host: Option<&str>) -> Inline {
        Inline::Link {
            href: href.into(),
            text: vec![text(said)],
            host: host.map(str::to_owned),
        }
    }

    #[test]
    fn words_and_lines_stand_as_they_were_typed() {
        for plain in [
            "hello",
            "two\nlines",
            "one\n\n\nthree below, and it's 5 * 3 = 15",
            "   three spaces\n  two",
            "a_b_c, 2 < 3 > 1 & &amp; &lt;b&gt;",
            "a || b || c",
            "-5 degrees",
            "-",
            "1.",
            "#",
            "#channel",
            ">",
            "a title?\n---",
            "---",
            "| 1 | 2 |\n\n---\n\nand below\n\n  ***  \nthe end",
            "    four spaces\n    are no code",
            "<b>bold</b> <img src=x onerror=hit()>",
            "<div>\n*x*\n</div>",
            "[press](javascript:hit())",
            "[press](data:text/html,x) ![x](//elsewhere.invalid/d.png)",
            "[a]: javascript:hit()\n[press][a]",
            "<javascript:hit()>",
            "back\\slash \u{e000}0\u{e001}",
            "\u{202e}gnirts",
        ] {
            let shown = parse(plain);
            assert_eq!(text_of(&shown), plain.replace("\\\\", "\\"), "{shown:?}");
            let is_prose = matches!(shown.as_slice(), [Block::Prose(parts)] if parts.iter().all(|part| matches!(part, Inline::Text(_))));
            assert!(is_prose, "{plain}: {shown:?}");
        }
    }

    #[test]
    fn signs_become_shapes() {
        assert_eq!(
            parse("a **b** _c_ ~~d~~ `e` ||f **g**||."),
            prose(vec![
                text("a "),
                Inline::Strong(vec![text("b")]),
                text(" "),
                Inline::Soft(vec![text("c")]),
                text(" "),
                Inline::Struck(vec![text("d")]),
                text(" "),
                Inline::Code("e".into()),
                text(" "),
                Inline::Spoiler(vec![text("f "), Inline::Strong(vec![text("g")])]),
                text("."),
            ])
        );
        assert_eq!(
            parse("so:\n```rust\nlet a = 1;\n\n  b();\n```\ndone"),
            vec![
                Block::Prose(vec![text("so:")]),
                Block::Code {
                    lang: "rust".into(),
                    text: "let a = 1;\n\n  b();".into()
                },
                Block::Prose(vec![text("done")]),
            ]
        );
        assert_eq!(
            parse("> said\n> so\n\nno"),
            vec![
                Block::Quote(prose(vec![text("said\nso")])),
                Block::Prose(vec![text("no")])
            ]
        );
        assert_eq!(
            parse("- one\n- two\n  1. three\n"),
            vec![Block::List {
                start: None,
                items: vec![
                    prose(vec![text("one")]),
                    vec![
                        Block::Prose(vec![text("two")]),
                        Block::List {
                            start: Some(1),
                            items: vec![prose(vec![text("three")])]
                        }
                    ]
                ]
            }]
        );
        assert_eq!(
            parse("# head\nbody"),
            prose(vec![Inline::Strong(vec![text("head")]), text("\nbody")])
        );
    }

    #[test]
    fn a_link_tells_where_it_leads() {
        assert_eq!(
            parse("see https://example.org/_a_b_(c)."),
            prose(vec![
                text("see "),
                link("https://example.org/_a_b_(c)", "https://example.org/_a_b_(c)", None),
                text("."),
            ])
        );
        assert_eq!(
            parse("[https://example.org](https://example.org@elsewhere.invalid/)"),
            prose(vec![link(
                "https://example.org@elsewhere.invalid/",
                "https://example.org",
                Some("elsewhere.invalid")
            )])
        );
        assert_eq!(
            parse("[here](https://example.org/x)"),
            prose(vec![link("https://example.org/x", "here", Some("example.org"))])
        );
        assert_eq!(
            parse("<a@example.org>"),
            prose(vec![link("mailto:a@example.org", "a@example.org", None)])
        );
        assert_eq!(
            parse("![p](https://example.org/p.png)"),
            prose(vec![link("https://example.org/p.png", "p", Some("example.org"))])
        );
        assert_eq!(
            parse("`https://example.org`"),
            prose(vec![Inline::Code("https://example.org".into())])
        );
        assert_eq!(
            parse("**https://example.org**"),
            prose(vec![Inline::Strong(vec![link(
                "https://example.org",
                "https://example.org",
                None
            )])])
        );
    }

    fn depth(blocks: &[Block]) -> usize {
        fn inline(parts: &[Inline]) -> usize {
            let one = |part: &Inline| match part {
                Inline::Text(_) | Inline::Code(_) | Inline::Call { .. } | Inline::Channel { .. } => 0,
                Inline::Strong(parts) | Inline::Soft(parts) | Inline::Struck(parts) | Inline::Spoiler(parts) => {
                    inline(parts)
                }
                Inline::Link { text, .. } => inline(text),
            };
            1 + parts.iter().map(one).max().unwrap_or(0)
        }
        let one = |block: &Block| match block {
            Block::Prose(parts) => inline(parts),
            Block::Code { .. } => 0,
            Block::Quote(blocks) => depth(blocks),
            Block::List { items, .. } => items.iter().map(|item| depth(item)).max().unwrap_or(0),
        };
        1 + blocks.iter().map(one).max().unwrap_or(0)
    }

    #[test]
    fn what_nests_without_end_ends() {
        for sign in [
            ">", "> ", "- ", "1. ", "*", "**a", "_", "[", "![", "||", "~~a ", "`", "```\n", "<", "<a@", "[a](", "\\",
        ] {
            let nested = sign.repeat(32_768 / sign.len());
            let shown = parse(&nested);
            // Quotes, lists with their items, spoilers in each, and what stands in the innermost.
            assert!(depth(&shown) <= 3 * DEEP, "{sign}: {}", depth(&shown));
        }
        // Nor is an address gone through once for each of its brackets, nor a text once for each of its addresses.
        for (sign, times) in [
            (")", 32_000),
            ("(", 32_000),
            ("()", 16_000),
            (" http://localhost", 1_900),
            (" https://example.a", 1_700),
        ] {
            let long = format!("https://example.a{}", sign.repeat(times));
            assert_eq!(text_of(&parse(&long)), long);
        }
        let many = "*a* ".repeat(8_000);
        assert_eq!(text_of(&parse(&many)).matches('a').count(), 8_000);
    }

    /// Signs of every kind in every order, with words between them: no word is lost, doubled or moved.
    #[test]
    fn no_word_is_lost_whatever_stands_around_it() {
        const SIGNS: [&str; 40] = [
            " ",
            " ",
            " ",
            "\n",
            "\n",
            "\n\n",
            "*",
            "**",
            "_",
            "~~",
            "~",
            "`",
            "``",
            "\n```\n",
            "\n~~~\n",
            "\n> ",
            "\n>> ",
            "\n- ",
            "\n  - ",
            "\n1. ",
            "\n  2) ",
            "||",
            "|",
            "[",
            "](",
            ")",
            "](https://example.org)",
            "![",
            "<",
            ">",
            "<b>",
            "</b>",
            "\n<div>\n",
            "\n# ",
            "\n---\n",
            "\n    ",
            "\t",
            "\\",
            "https://example.org/",
            "&amp;",
        ];
        let mut seed: u64 = 0x5eed;
        let mut next = |below: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        for _ in 0..20_000 {
            let (mut typed, mut count) = (String::new(), 0);
            for _ in 0..next(24) {
                if next(2) == 0 {
                    typed.push_str(SIGNS[next(SIGNS.len())]);
                } else {
                    typed.push_str(&format!("w{count}w"));
                    count += 1;
                }
            }
            let shown = parse(&typed);
            assert!(depth(&shown) <= 3 * DEEP);
            // What a code block says its language is, and where a link leads, is not said in words.
            let said = format!("{shown:?}");
            let mut from = 0;
            let words = text_of(&shown);
            for word in (0..count).map(|at| format!("w{at}w")) {
                match words[from..].find(&word) {
                    Some(at) => {
                        from += at + word.len();
                        assert!(!words[from..].contains(&word), "{typed:?} says {word} twice: {shown:?}");
                    }
                    None => assert!(said.contains(&word), "{typed:?} lost {word}: {shown:?}"),
                }
            }
        }
    }
}
