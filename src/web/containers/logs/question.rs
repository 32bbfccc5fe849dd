//! What an address asks of logs.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::engine::{LinePosition, LinesWanted};
use crate::http::query::Query;
use crate::logs::{LogView, Stream};

/// Characters that may be looked for.
const LONGEST_FIND: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// The viewer's own, with what the address says otherwise.
    pub view: LogView,
    /// Nanoseconds since 1970.
    pub since: Option<i64>,
    pub until: Option<i64>,
    pub find: Option<String>,
    pub at: Option<LinePosition>,
}

impl Question {
    pub(super) fn read(query: &Query, kept: LogView, now: DateTime<Utc>, zone: Tz) -> Result<Self, String> {
        let mut view = kept;
        if let Some(lines) = query.first("lines") {
            let lines: u64 =
                lines.trim().parse().map_err(|_| format!("lines={lines} is not a number of lines."))?;
            if lines == 0 {
                return Err("Ask for one line at least.".to_owned());
            }
            view.lines = u16::try_from(lines).unwrap_or(u16::MAX).min(LogView::MOST_LINES);
        }
        if let Some((_, word)) = query.0.iter().find(|(name, _)| name == "stream") {
            view.stream = match word.as_str() {
                "" | "both" => None,
                word => Some(
                    Stream::from_word(word)
                        .ok_or_else(|| format!("stream={word} is none: choose stdout, stderr or both."))?,
                ),
            };
        }
        let switch = |name: &str, kept: bool| match query.first(name) {
            None => Ok(kept),
            Some("1" | "true" | "on" | "yes") => Ok(true),
            Some("0" | "false" | "off" | "no") => Ok(false),
            Some(odd) => Err(format!("{name}={odd} is neither on nor off.")),
        };
        view.has_times = switch("timestamps", view.has_times)?;
        view.wraps = switch("wrap", view.wraps)?;
        let time = |name: &str, is_end: bool| match query.first(name) {
            None => Ok(None),
            Some(text) => moment(text.trim(), is_end, now, zone)
                .map(Some)
                .ok_or_else(|| format!("{name}={text} is no time: write 2026-11-27T14:00 or 15m, 2h, 3d.")),
        };
        let (since, until) = (time("since", false)?, time("until", true)?);
        let find = query.first("find").map(str::trim).map(str::to_owned);
        if find.as_ref().is_some_and(|find| find.chars().count() > LONGEST_FIND) {
            return Err(format!("Look for {LONGEST_FIND} characters at most."));
        }
        let at = query.first("at").map(|text| {
            text.parse::<LinePosition>().map_err(|_| format!("at={text} is not where a line stands."))
        });
        Ok(Self { view, since, until, find, at: at.transpose()? })
    }

    pub(super) fn wanted(&self, has_terminal: bool) -> LinesWanted {
        LinesWanted {
            most: usize::from(self.view.lines),
            since: self.since,
            until: self.until,
            find: self.find.clone(),
            only: self.view.stream.map(|stream| stream == Stream::Error),
            at: self.at,
            has_terminal,
        }
    }

    /// Whether lines that are written from now on belong to what is shown.
    pub(super) fn goes_on(&self) -> bool {
        self.until.is_none() && self.at.is_none()
    }
}

/// RFC 3339, a day or a time of the viewer's zone, a length of time before now, or a number of milliseconds; of lines,
/// of nanoseconds.
fn moment(text: &str, is_end: bool, now: DateTime<Utc>, zone: Tz) -> Option<i64> {
    let here = |local: NaiveDateTime| {
        // An hour that comes twice is the first; one that does not come begins with the next.
        zone.from_local_datetime(&local)
            .earliest()
            .or_else(|| zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest())
            .map(|at| at.to_utc())
    };
    if let Ok(number) = text.parse::<i64>() {
        return (number >= 0)
            .then(|| if text.len() > 15 { number } else { number.saturating_mul(1_000_000) });
    }
    let at = if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        at.to_utc()
    } else if let Ok(day) = text.parse::<NaiveDate>() {
        let day = if is_end { day.succ_opt()? } else { day };
        here(day.and_time(chrono::NaiveTime::MIN))?
    } else if let Some(local) = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .find_map(|pattern| NaiveDateTime::parse_from_str(text, pattern).ok())
    {
        here(local)?
    } else {
        let unit = text.chars().last()?;
        let count: i64 =
            text.strip_suffix(unit)?.parse().ok().filter(|count| (0..=1_000_000).contains(count))?;
        let length = match unit {
            's' => TimeDelta::try_seconds(count),
            'm' => TimeDelta::try_minutes(count),
            'h' => TimeDelta::try_hours(count),
            'd' => TimeDelta::try_days(count),
            _ => None,
        };
        now.checked_sub_signed(length?)?
    };
    Some(at.timestamp_nanos_opt()?.max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Question, String> {
        let query = crate::http::query::parse(text).unwrap();
        let now = DateTime::parse_from_rfc3339("2026-11-27T10:00:00Z").unwrap().to_utc();
        Question::read(&query, LogView::default(), now, Tz::Europe__Berlin)
    }

    #[test]
    fn times_are_read_as_people_and_programs_write_them() {
        let nanos = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp_nanos_opt();
        let since = |text: &str| read(&format!("since={text}")).unwrap().since;
        assert_eq!(since("2026-11-27T09:30:00.5Z"), nanos("2026-11-27T09:30:00.5Z"));
        assert_eq!(since("2026-11-27T09:30"), nanos("2026-11-27T08:30:00Z"));
        assert_eq!(since("2026-11-27"), nanos("2026-11-26T23:00:00Z"));
        assert_eq!(since("15m"), nanos("2026-11-27T09:45:00Z"));
        assert_eq!(since("1795773600000"), nanos("2026-11-27T10:00:00Z"));
        assert_eq!(since("1795773600000000001"), nanos("2026-11-27T10:00:00.000000001Z"));
        assert_eq!(read("until=2026-11-27").unwrap().until, nanos("2026-11-27T23:00:00Z"));
    }

    #[test]
    fn what_makes_no_sense_is_said_and_the_rest_is_the_viewers_own() {
        for odd in [
            "lines=many",
            "lines=0",
            "lines=-5",
            "stream=stdin",
            "timestamps=perhaps",
            "since=soon",
            "since=-5",
            "until=5y",
            "at=here",
            "since=99999999d",
            "wrap=x",
            "since=é",
            "since=2026-02-31",
        ] {
            assert!(read(odd).is_err(), "{odd}");
        }
        assert!(read(&format!("find={}", "x".repeat(201))).is_err());
        let asked = read("lines=99999&stream=stderr&timestamps=0&wrap=0&find=+a+&at=5.1").unwrap();
        assert_eq!((asked.view.lines, asked.view.has_times, asked.view.wraps), (2_000, false, false));
        assert_eq!((asked.find.as_deref(), asked.view.stream), (Some("a"), Some(Stream::Error)));
        assert!(!asked.goes_on());
        assert_eq!(read("").unwrap().view, LogView::default());
    }
}
