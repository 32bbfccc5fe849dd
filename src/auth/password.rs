//! Passwords: the rules, the hash (argon2id), and a check that takes the same time for every answer.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use zxcvbn::{Score, zxcvbn};

/// The fewest characters of a password.
pub const SHORTEST: usize = 12;
/// The most characters of a password: enough for any passphrase, and no way to make hashing dear.
pub const LONGEST: usize = 256;

/// 19 MiB, two passes, one lane.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// What is wrong with a new password, if anything: that it is not one line, its length, or that fewer than 10⁸ guesses
/// would find it, as an estimate over common passwords, words, names, rows of keys, dates and repetitions says. What
/// kinds of characters it holds is nobody's business.
#[must_use]
pub fn problem(password: &str) -> Option<String> {
    // No field of a browser takes one, so nobody could sign in with it.
    if password.contains(['\n', '\r', '\0']) {
        return Some("A password is one line: it can't hold a line break or a NUL character.".to_owned());
    }
    let length = password.chars().count();
    if length < SHORTEST {
        return Some(format!("Use at least {SHORTEST} characters."));
    }
    if length > LONGEST {
        return Some(format!("Use at most {LONGEST} characters."));
    }
    if is_easy_to_guess(password) {
        return Some("This password is easy to guess. Use a few unrelated words.".to_owned());
    }
    None
}

/// As many characters are looked at: what follows makes a password only stronger, and looking at hundreds
/// takes seconds.
const LOOKED_AT: usize = 32;
/// A word that a tenth of a million guesses find stays one with a few digits and marks behind it.
const ONE_WORD: f64 = 5.0;
/// A few: `123123456789` behind `abc` is the longest tail that people add.
const SHORT_TAIL: usize = 12;

fn is_easy_to_guess(password: &str) -> bool {
    let start: String = password.chars().take(LOOKED_AT).collect();
    let word = start.trim_end_matches(|c: char| !c.is_alphabetic());
    let own = ["pilothouse"];
    let is_word_with_tail = (1..=SHORT_TAIL).contains(&start[word.len()..].chars().count())
        && zxcvbn(word, &own).guesses_log10() < ONE_WORD;
    is_word_with_tail || zxcvbn(&start, &own).score() < Score::Three
}

/// Hashes `password` on the calling thread.
///
/// # Errors
/// When the hash can't be computed (out of memory).
pub fn hash_blocking(password: &str) -> anyhow::Result<String> {
    hasher()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| anyhow::anyhow!("hashing a password: {error}"))
}

/// Whether `password` is the one behind `stored`, on the calling thread. Takes as long when there is nothing stored,
/// so that the time of an answer does not tell whether an account exists.
#[must_use]
pub fn matches(stored: Option<&str>, password: &str) -> bool {
    let matches = PasswordHash::new(stored.unwrap_or(STAND_IN))
        .is_ok_and(|hash| hasher().verify_password(password.as_bytes(), &hash).is_ok());
    stored.is_some() && matches
}

/// The hash that a missing account is checked against: as dear to check as any, and of no password. It is written here
/// because a hash that is made when it is first needed would double the time of that one answer.
const STAND_IN: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c3RhbmQtaW4tc3RhbmQtaQ$bm8gcGFzc3dvcmQgaGFzIHRoaXMgaGFzaCwgbmV2ZXI";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_odd_passwords_are_taken_as_they_are() {
        for good in [
            "four unrelated words here",
            "🦀🛥️⚓ and a lighthouse",
            "no capitals and no digits",
            "🦀🛥️⚓🌊🐳🦑🐙🦐🐚🐠🐬🐋",
            "4711 0815 1234 and 42 ships",
            &"Lighthouse keepers count 1,024 ships a night, and none at noon. ".repeat(4),
            "lighthouse keeper 42",
        ] {
            assert_eq!(problem(good), None, "{good}");
        }
    }

    #[test]
    fn short_endless_and_well_known_passwords_are_refused() {
        for bad in [
            "short",
            &"abcdef".repeat(60),
            "Password1234",
            "aaaaaaaaaaaaaaaa",
            "pilothouse2026!",
            "123456789012",
            "qwertyuiop[]",
            "abcdefghijklmn",
        ] {
            assert!(problem(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn what_no_browser_can_type_is_no_password() {
        for odd in ["\n", "\r", "\r\n", "\0"] {
            for text in [format!("lighthouse{odd}keeper 42"), format!("lighthouse keeper 42{odd}")] {
                assert!(problem(&text).is_some_and(|problem| problem.contains("one line")), "{text:?}");
            }
        }
    }

    const WORDS: &str = "password qwerty iloveyou princess sunshine football baseball superman batman dragon monkey letmein \
        welcome shadow master michael jennifer jordan ashley charlie liverpool chelsea arsenal starwars \
        pokemon computer internet whatever trustno1 admin administrator changeme secret summer winter \
        spring autumn hello freedom cheese pepper ginger flower chocolate butterfly abc123 qazwsx asdfgh \
        zxcvbn 1q2w3e4r qwertyuiop london pilothouse";
    const TAILS: &str = "1 12 123 1234 12345 123456 123456789 ! 1! 123! 111 000 2020 2024 2026 2026! 1234567 12345678 \
        987654321 123123 321 007 666 777 999 1990 2000 2010 2019 2021 2022 2023 2025 2025! 1234! !!! @123 \
        #1 * .123 _1 xyz asdf qwe123 abc qwerty";

    /// The way in which people make a well-known word long enough.
    fn common() -> Vec<String> {
        let mut common = Vec::new();
        for word in WORDS.split(' ') {
            let mut first = word.to_owned();
            first[..1].make_ascii_uppercase();
            let leet = word.replace('a', "4").replace('o', "0");
            for stem in [word, &first, &word.to_uppercase(), &leet] {
                for tail in TAILS.split(' ') {
                    common.push(format!("{stem}{tail}"));
                }
                common.push(format!("{stem}{stem}"));
                common.push(format!("{stem}{stem}1"));
            }
        }
        common.retain(|password| password.chars().count() >= SHORTEST);
        common.sort();
        common.dedup();
        common
    }

    #[test]
    fn common_passwords_are_refused_however_they_are_made_long() {
        let judged = common().len();
        assert!(judged >= 3_000, "only {judged} passwords were judged");
        let accepted: Vec<String> = common().into_iter().filter(|common| problem(common).is_none()).collect();
        assert!(accepted.is_empty(), "{} of {}: {accepted:?}", accepted.len(), common().len());
    }

    #[test]
    fn a_hash_verifies_its_own_password_only() {
        let stored = hash_blocking("four unrelated words").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(matches(Some(&stored), "four unrelated words"));
        assert!(!matches(Some(&stored), "four unrelated word"));
        assert!(!matches(None, "four unrelated words"));
        // The stand-in costs what a real one costs: same parameters, same lengths.
        let shape = |hash: &str| hash.split('$').map(str::len).collect::<Vec<_>>();
        assert_eq!(shape(STAND_IN), shape(&stored));
        assert!(PasswordHash::new(STAND_IN).is_ok() && STAND_IN.starts_with(&stored[..31]));
    }
}
