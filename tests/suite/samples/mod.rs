//! Page structs filled with sample data, so that every template is rendered without a database.

use chrono::DateTime;
use chrono_tz::Tz;
use pilothouse::web::time::Timestamp;

mod account;
mod activity;
mod assistant;
mod chat;
mod containers;
mod dashboard;
mod engine;
mod files;
mod frame;
mod insights;
mod operations;
mod projects;
mod search;
mod threads;
mod timelines;
mod tokens;
mod users;
mod webhooks;

/// A page that can show itself in its states.
pub trait Sample: Sized {
    /// Each state with its name: empty, busy, hostile.
    fn samples() -> Vec<(&'static str, Self)>;
}

/// A name that would run, break out of an attribute or turn text around if it were not escaped.
pub const HOSTILE: &str = "\"><script>alert(1)</script>'\u{202E}<img src=x onerror=alert(1)>&amp;{{7*7}}";

/// A text of `length` characters without a place to break.
fn endless(length: usize) -> String {
    "m".repeat(length)
}

fn timestamp() -> Timestamp {
    Timestamp::from_millis(1_763_680_000_000, DateTime::UNIX_EPOCH, Tz::UTC)
}
