//! Passphrases that are offered, and passwords that are refused. Word lists and estimator are larger than the rest of the
//! worker together and needed once in an account's life, so they are a wasm module of their own (`bin/passwords.rs`).

use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use sotto_shared::crypto::password::{MIN_PASSWORD_CHARS, Normalised};

use crate::view::Strength;

const WORDS: usize = 6;

/// What the module is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    Offer,
    Rate { handle: String, password: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    Words(Vec<String>),
    Strength(Strength),
}

pub fn answer(question: &Question, rng: &mut dyn CryptoRng) -> Answer {
    match question {
        Question::Offer => Answer::Words(offer(rng)),
        Question::Rate { handle, password } => Answer::Strength(rate(password, &[handle])),
    }
}

/// Six words from the EFF's long list of 7,776: 77 bits.
fn offer(rng: &mut dyn CryptoRng) -> Vec<String> {
    let list = diceware_wordlists::Wordlist::EffLong.get_list();
    (0..WORDS).map(|_| list[uniform(rng, list.len())].to_owned()).collect()
}

/// A number under `bound`, every one as likely as the others.
fn uniform(rng: &mut dyn CryptoRng, bound: usize) -> usize {
    let bound = bound as u64;
    // Values in the incomplete last stretch of u64 would favour small results.
    let limit = u64::MAX - u64::MAX % bound;
    loop {
        let value = rng.next_u64();
        if value < limit {
            return (value % bound) as usize;
        }
    }
}

/// 0 to 4 by the zxcvbn estimator; a password that is too short never passes 2.
fn rate(password: &str, inputs: &[&str]) -> Strength {
    let password = Normalised::new(password);
    let password = password.as_str();
    // The estimator's time grows with length, its verdict does not change after this.
    let start: String = password.chars().take(100).collect();
    let estimate = zxcvbn::zxcvbn(&start, inputs);
    let mut score = u8::from(estimate.score());
    let mut advice = estimate.feedback().and_then(|feedback| {
        feedback
            .warning()
            .map(|warning| warning.to_string())
            .or_else(|| feedback.suggestions().first().map(ToString::to_string))
    });
    let missing = MIN_PASSWORD_CHARS.saturating_sub(password.chars().count());
    if missing > 0 {
        score = score.min(2);
        advice = Some(format!("Use at least {MIN_PASSWORD_CHARS} characters: {missing} more."));
    }
    Strength {
        score,
        advice: if score < 3 { advice } else { None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_short_and_personal_passwords_are_refused_and_offered_ones_pass() {
        for weak in [
            "",
            "password",
            "aaaaaaaaaaaaaaaa",
            "password123456",
            "alice-alice-alice",
            "Tr0ub4dor",
        ] {
            assert!(rate(weak, &["alice"]).score < 3, "{weak}");
        }
        let words = offer(&mut sotto_shared::testing::FixedRng::new("passphrase"));
        assert_eq!(words.len(), WORDS);
        assert_eq!(rate(&words.join(" "), &["alice"]).score, 4);
    }
}
