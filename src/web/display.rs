//! What templates show: everything is computed here, so that they only compare and print.

use chrono::{DateTime, Datelike, TimeZone, Utc};
use chrono_tz::Tz;

/// A state in words, with the icon and tone that go with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    /// A symbol of the sprite, without `i-`.
    pub icon: &'static str,
    /// The word.
    pub label: String,
    /// `good`, `busy`, `warning`, `bad` or `quiet`.
    pub tone: &'static str,
}

/// An instant as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamp {
    /// For programs: RFC 3339 in UTC.
    pub iso: String,
    /// Exact, in the viewer's zone, with the zone's name.
    pub exact: String,
    /// As people say it: "3 minutes ago", "today 14:02", "19 Nov 2025".
    pub relative: String,
    /// Hours and minutes in the viewer's zone.
    pub clock: String,
}

impl Timestamp {
    /// `at` as seen from `now` in `zone`.
    #[must_use]
    pub fn new(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> Self {
        let local = at.with_timezone(&zone);
        Self {
            iso: at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            exact: local.format("%A %-d %B %Y, %H:%M:%S %Z").to_string(),
            relative: relative(at, now, zone),
            clock: local.format("%H:%M").to_string(),
        }
    }

    /// `millis` (epoch milliseconds) as seen from `now` in `zone`; out of range becomes the epoch's edge.
    #[must_use]
    pub fn from_millis(millis: i64, now: DateTime<Utc>, zone: Tz) -> Self {
        Self::new(instant(millis), now, zone)
    }
}

/// `millis` (epoch milliseconds) as an instant, clamped to the years 1 to 9999.
#[must_use]
pub fn instant(millis: i64) -> DateTime<Utc> {
    const EARLIEST: i64 = -62_135_596_800_000;
    const LATEST: i64 = 253_402_300_799_999;
    Utc.timestamp_millis_opt(millis.clamp(EARLIEST, LATEST)).single().unwrap_or_default()
}

fn relative(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let seconds = (now - at).num_seconds();
    let (here, today) = (at.with_timezone(&zone), now.with_timezone(&zone));
    let days = (today.date_naive() - here.date_naive()).num_days();
    match seconds {
        -5..=9 => "just now".to_owned(),
        10..=59 => format!("{seconds} seconds ago"),
        60..=119 => "1 minute ago".to_owned(),
        120..=3599 => format!("{} minutes ago", seconds / 60),
        _ if days == 0 => here.format("today %H:%M").to_string(),
        _ if days == 1 => here.format("yesterday %H:%M").to_string(),
        _ if days == -1 => here.format("tomorrow %H:%M").to_string(),
        _ if here.year() == today.year() => here.format("%-d %b %H:%M").to_string(),
        _ => here.format("%-d %b %Y").to_string(),
    }
}

/// `millis` as people say a length of time: "840 ms", "12 s", "2 m 11 s", "3 h 4 m".
#[must_use]
pub fn duration(millis: i64) -> String {
    let seconds = millis / 1000;
    match millis {
        ..=-1 => "—".to_owned(),
        0..=999 => format!("{millis} ms"),
        1_000..=59_999 => format!("{seconds} s"),
        60_000..=3_599_999 => format!("{} m {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `count` with the right form of its noun: "1 entry", "2 entries".
#[must_use]
pub fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let now = Utc.with_ymd_and_hms(2026, 11, 20, 12, 0, 0).unwrap();
        let said = |millis_ago: i64| {
            Timestamp::from_millis(now.timestamp_millis() - millis_ago, now, Tz::Europe__Berlin).relative
        };
        assert_eq!(said(1_000), "just now");
        assert_eq!(said(180_000), "3 minutes ago");
        assert_eq!(said(3 * 3_600_000), "today 10:00");
        assert_eq!(said(24 * 3_600_000), "yesterday 13:00");
        assert_eq!(said(400 * 24 * 3_600_000), "16 Oct 2025");
        assert_eq!(Timestamp::from_millis(i64::MAX, now, Tz::UTC).relative, "31 Dec 9999");
    }

    #[test]
    fn lengths_of_time_are_short() {
        assert_eq!(duration(131_000), "2 m 11 s");
        assert_eq!(duration(840), "840 ms");
        assert_eq!(duration(3_600_000), "1 h 0 m");
    }
}
