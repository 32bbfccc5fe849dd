//! Passwords: the rules, the hash (argon2id), and a check that takes the same time for every answer.

use std::sync::{Arc, LazyLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

/// The fewest characters of a password.
pub const SHORTEST: usize = 12;
/// The most characters of a password: enough for any passphrase, and no way to make hashing dear.
pub const LONGEST: usize = 256;

/// 19 MiB, two passes, one lane.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// At most this many hashes at once: each takes 19 MiB and a core.
static HASHES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(4)));

/// What is wrong with a new password, if anything.
#[must_use]
pub fn problem(password: &str) -> Option<String> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Some(format!("Use at least {SHORTEST} characters."));
    }
    if length > LONGEST {
        return Some(format!("Use at most {LONGEST} characters."));
    }
    let plain = password.to_lowercase();
    let mut characters: Vec<char> = plain.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    let is_common = COMMON.iter().any(|common| {
        plain == *common || plain.trim_end_matches(|c: char| c.is_ascii_digit() || c == '!') == *common
    });
    if characters.len() < 5 || is_common || is_run(&plain) {
        return Some("This password is easy to guess. Use a few unrelated words.".to_owned());
    }
    None
}

/// The well-known passwords of twelve characters and more, and words that people extend with digits.
const COMMON: [&str; 24] = [
    "password",
    "passwordpassword",
    "password1234",
    "qwertyuiop",
    "qwertyuiopasdf",
    "qwertyuiop123",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "administrator",
    "changeme",
    "changemenow",
    "letmein",
    "letmeinplease",
    "iloveyou",
    "iloveyouforever",
    "welcome",
    "welcomehome",
    "abcdefghijkl",
    "123456789abc",
    "zxcvbnmasdfgh",
    "pilothouse",
    "pilothousepilothouse",
    "trustno1trustno1",
    "correcthorsebatterystaple",
];

/// Rows of a keyboard and of the alphabet, along which people type.
const ROWS: [&str; 5] = ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz"];

/// Whether most characters only follow their neighbours, or nothing but digits was typed.
fn is_run(plain: &str) -> bool {
    let characters: Vec<char> = plain.chars().collect();
    let follows = |a: char, b: char| {
        a == b
            || ROWS.iter().any(|row| {
                let place = |c: char| row.find(c);
                matches!((place(a), place(b)), (Some(a), Some(b)) if a.abs_diff(b) == 1 || a.abs_diff(b) == row.len() - 1)
            })
    };
    let following = characters.windows(2).filter(|pair| follows(pair[0], pair[1])).count();
    characters.iter().all(char::is_ascii_digit) || following * 4 >= characters.len() * 3
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

/// Hashes `password` on a thread of its own.
///
/// # Errors
/// When the hash can't be computed (out of memory).
pub async fn hash(password: String) -> anyhow::Result<String> {
    let _permit = HASHES.acquire().await?;
    tokio::task::spawn_blocking(move || hash_blocking(&password)).await?
}

/// Whether `password` is the one behind `stored`. Takes as long when there is nothing stored, so that the
/// time of an answer does not tell whether an account exists.
///
/// # Errors
/// When the check can't be run at all.
pub async fn verify(stored: Option<String>, password: String) -> anyhow::Result<bool> {
    let _permit = HASHES.acquire().await?;
    tokio::task::spawn_blocking(move || {
        let known = stored.is_some();
        let text = stored.unwrap_or_else(|| STAND_IN.clone());
        let matches = PasswordHash::new(&text)
            .is_ok_and(|hash| hasher().verify_password(password.as_bytes(), &hash).is_ok());
        Ok(known && matches)
    })
    .await?
}

/// The hash that a missing account is checked against.
static STAND_IN: LazyLock<String> =
    LazyLock::new(|| hash_blocking("nobody signs in with this").unwrap_or_default());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_odd_passwords_are_taken_as_they_are() {
        for good in [
            "four unrelated words here",
            "🦀🛥️⚓ and a lighthouse",
            &"aB3-x9".repeat(10),
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

    #[tokio::test]
    async fn a_hash_verifies_its_own_password_only() {
        let stored = hash_blocking("four unrelated words").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify(Some(stored.clone()), "four unrelated words".into()).await.unwrap());
        assert!(!verify(Some(stored), "four unrelated word".into()).await.unwrap());
        assert!(!verify(None, "nobody signs in with this".into()).await.unwrap());
    }
}
