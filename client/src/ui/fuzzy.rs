//! Whether a name answers to what was typed: its letters in their order, other letters between them. It answers better where
//! they stand together, at the beginning, or where a word begins.

/// How well a name answers, and which of its letters were meant (counted in letters, ascending).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub score: i32,
    pub at: Vec<usize>,
}

impl Found {
    /// The letters stand in several places, and most of these lie inside words.
    pub fn is_scattered(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().take(MOST).collect();
        let mut before = None;
        let starts = self.at.iter().copied().filter(|at| {
            let goes_on = before.replace(*at).is_some_and(|before: usize| before + 1 == *at);
            !goes_on
        });
        let starts: Vec<usize> = starts.collect();
        let inside = starts.iter().filter(|at| place(&name, **at) == 0).count();
        starts.len() > 1 && inside * 2 > starts.len()
    }
}

/// More of a name, or of what is typed, is not looked at: the work grows with both.
const MOST: usize = 200;

const LETTER: i32 = 4;
const FIRST: i32 = 12;
const WORD: i32 = 9;
const TOGETHER: i32 = 7;
/// What a gap costs, however long it is.
const GAP: i32 = 2;

/// Blanks in what is typed only part it. Nothing typed is found everywhere.
pub fn find(typed: &str, name: &str) -> Option<Found> {
    let typed: Vec<char> = typed
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(fold)
        .take(MOST)
        .collect();
    let raw: Vec<char> = name.chars().take(MOST).collect();
    if typed.len() > raw.len() {
        return None;
    }
    let letters: Vec<char> = raw.iter().copied().map(fold).collect();
    // For every letter typed and every place: the best score of what is typed so far with its last letter there, and where
    // the letter before it stands.
    let mut rows: Vec<Vec<Option<(i32, usize)>>> = Vec::with_capacity(typed.len());
    for (nth, wanted) in typed.iter().enumerate() {
        let mut row = vec![None; letters.len()];
        // The best end of what was typed before, more than one place back.
        let mut best: Option<(i32, usize)> = None;
        for at in 0..letters.len() {
            let before = match nth.checked_sub(1) {
                None => Some((if at == 0 { 0 } else { -GAP }, at)),
                Some(last) => {
                    let ends = |at: usize| rows[last][at].map(|(score, _)| (score, at));
                    if let Some(ended) = at.checked_sub(2).and_then(ends)
                        && best.is_none_or(|(score, _)| ended.0 >= score)
                    {
                        best = Some(ended);
                    }
                    let close = at
                        .checked_sub(1)
                        .and_then(ends)
                        .map(|(score, at)| (score + TOGETHER, at));
                    let far = best.map(|(score, at)| (score - GAP, at));
                    close.max(far)
                }
            };
            if letters[at] == *wanted
                && let Some((score, from)) = before
            {
                row[at] = Some((score + LETTER + place(&raw, at), from));
            }
        }
        rows.push(row);
    }
    let Some(last) = rows.last() else {
        return Some(Found {
            score: 0,
            at: Vec::new(),
        });
    };
    let ends = last
        .iter()
        .enumerate()
        .filter_map(|(at, end)| end.map(|(score, _)| (score, at)));
    // Of equal ones the earliest.
    let (score, mut here) = ends.max_by_key(|(score, at)| (*score, std::cmp::Reverse(*at)))?;
    let mut at = Vec::with_capacity(rows.len());
    for row in rows.iter().rev() {
        at.push(here);
        here = row[here].map_or(here, |(_, from)| from);
    }
    at.reverse();
    // Of two names that answer alike the shorter one was meant.
    Some(Found {
        score: score * 8 - raw.len() as i32,
        at,
    })
}

/// What a letter is worth for where it stands.
fn place(name: &[char], at: usize) -> i32 {
    let Some(before) = at.checked_sub(1).map(|at| name[at]) else {
        return FIRST;
    };
    let begins = !before.is_alphanumeric() || before.is_lowercase() && name[at].is_uppercase();
    if begins { WORD } else { 0 }
}

/// One letter for a letter, so that places stay; letters with a mark answer to those without.
fn fold(letter: char) -> char {
    let lower = letter.to_lowercase().next().unwrap_or(letter);
    match lower {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'ď' | 'đ' => 'd',
        'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => 'e',
        'ğ' => 'g',
        'ì'..='ï' | 'ī' | 'į' | 'ı' => 'i',
        'ł' | 'ľ' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ř' => 'r',
        'ś' | 'š' | 'ş' | 'ș' => 's',
        'ť' | 'ţ' | 'ț' => 't',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' | 'ų' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}

/// The name in pieces: whether each was meant by what was typed.
pub fn pieces(name: &str, at: &[usize]) -> Vec<(bool, String)> {
    let mut pieces: Vec<(bool, String)> = Vec::new();
    for (here, letter) in name.chars().enumerate() {
        let meant = at.binary_search(&here).is_ok();
        match pieces.last_mut() {
            Some((same, piece)) if *same == meant => piece.push(letter),
            _ => pieces.push((meant, letter.to_string())),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(typed: &str, names: &[&str]) -> Vec<String> {
        let mut found: Vec<_> = names
            .iter()
            .filter_map(|name| Some((find(typed, name)?.score, (*name).to_owned())))
            .collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn letters_in_their_order_are_found_and_others_are_not() {
        assert!(find("rn", "repair-night").is_some());
        assert!(find("nr", "repair-night").is_none());
        assert!(find("repair-nightly", "repair-night").is_none());
        assert_eq!(find("rn", "repair-night").unwrap().at, [0, 7]);
        assert_eq!(find("night", "repair-night").unwrap().at, [7, 8, 9, 10, 11]);
    }

    #[test]
    fn the_beginning_and_words_come_before_what_lies_inside() {
        assert_eq!(
            order("re", &["therefore", "Tomás Rey", "repair-night", "exam"]),
            ["repair-night", "Tomás Rey", "therefore"]
        );
        assert_eq!(order("gen", &["regenerate", "general", "great-engines"])[0], "general");
        assert_eq!(order("wood", &["woodwork-and-more", "wood"])[0], "wood");
    }

    #[test]
    fn letters_out_of_the_middle_of_words_are_scattered() {
        let scattered = |typed, name| find(typed, name).unwrap().is_scattered(name);
        assert!(scattered("gen", "Settings: Appearance"));
        for (typed, name) in [
            ("gen", "general"),
            ("rpn", "repair-night"),
            ("eneral", "general"),
            ("", "general"),
        ] {
            assert!(!scattered(typed, name), "{typed} in {name}");
        }
    }

    #[test]
    fn blanks_case_and_marks_over_letters_do_not_matter() {
        assert_eq!(find("TOMAS rey", "Tomás Rey").unwrap().at, [0, 1, 2, 3, 4, 6, 7, 8]);
        assert!(find("zolw", "Żółw").is_some());
        assert_eq!(find("", "anything").unwrap(), Found { score: 0, at: vec![] });
    }

    #[test]
    fn names_of_any_script_and_length_are_taken_apart_where_letters_are() {
        let name = "日本語の部屋";
        let found = find("部屋", name).unwrap();
        assert_eq!(
            pieces(name, &found.at),
            [(false, "日本語の".to_owned()), (true, "部屋".to_owned())]
        );
        let long = "x".repeat(5_000);
        assert!(find(&"x".repeat(100), &long).is_some());
        assert!(find(&long, "x").is_none());
        assert_eq!(pieces("ab", &[]), [(false, "ab".to_owned())]);
    }
}
