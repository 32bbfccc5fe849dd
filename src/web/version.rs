//! The version of a row that a form carries, so that nobody's save is lost without a word.

use chrono::{DateTime, SecondsFormat, Utc};

use super::time::{clock, instant, short_day};
use crate::activity::lookup::Save;
use crate::error::{AppError, AppResult};
use crate::identity::Viewer;

/// `updated_at` as a form carries it: exact to the microsecond that PostgreSQL keeps.
#[must_use]
pub fn text(updated_at: Option<DateTime<Utc>>) -> String {
    updated_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true)).unwrap_or_default()
}

/// Which version a form was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It does not say: a script that means the present one.
    Present,
    /// The one that was written at this time; none when it never was.
    At(Option<DateTime<Utc>>),
}

impl Seen {
    /// Reads a form's `updated_at`.
    ///
    /// # Errors
    /// 400 for what is no time.
    pub fn parse(text: Option<&str>) -> AppResult<Self> {
        match text {
            None => Ok(Self::Present),
            Some("") => Ok(Self::At(None)),
            Some(text) => {
                DateTime::parse_from_rfc3339(text).map(|at| Self::At(Some(at.to_utc()))).map_err(|_| {
                    AppError::BadRequest(
                        "updated_at is no time such as 2026-11-20T14:02:00.000000Z. Open the page again and \
                         repeat the change."
                            .to_owned(),
                    )
                })
            }
        }
    }

    /// What an edit must have seen, when `stored` is the present version.
    #[must_use]
    pub fn or(self, stored: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        match self {
            Self::Present => stored,
            Self::At(at) => at,
        }
    }
}

/// One field that two people changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its label.
    pub field: &'static str,
    /// What was typed here.
    pub yours: String,
    /// What is stored now.
    pub theirs: String,
}

/// What differs between what was typed and what is stored: label, typed, stored.
#[must_use]
pub fn differences<const N: usize>(fields: [(&'static str, String, String); N]) -> Vec<Difference> {
    let same =
        |typed: &str, stored: &str| typed.replace("\r\n", "\n").trim() == stored.replace("\r\n", "\n").trim();
    fields
        .into_iter()
        .filter(|(_, yours, theirs)| !same(yours, theirs))
        .map(|(field, yours, theirs)| Difference { field, yours, theirs })
        .collect()
}

/// What stands over a form whose row was saved meanwhile, by whom the audit log says: `what` is "this project".
#[must_use]
pub fn conflict_notice(what: &str, save: Option<&Save>, viewer: &Viewer) -> String {
    let at = |save: &Save| {
        let at = instant(save.at_ms).with_timezone(&viewer.zone).naive_local();
        format!("{} at {}", short_day(at.date()), clock(at))
    };
    let (who, theirs) = match save {
        Some(save) if save.user.as_deref() == Some(viewer.id.to_string().as_str()) => {
            (format!("You saved {what} on {}, after this form was opened.", at(save)), "what you saved then")
        }
        Some(save) => {
            let name = save.name.as_deref().unwrap_or("Somebody");
            (format!("{name} saved {what} on {}, while you were editing.", at(save)), "theirs")
        }
        None => (format!("Somebody saved {what} while you were editing."), "theirs"),
    };
    format!("{who} Nothing of yours is lost: your text stands below, and saving again replaces {theirs}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_survives_its_way_through_a_form() {
        let at = DateTime::from_timestamp_micros(1_763_680_000_123_456);
        assert_eq!(Seen::parse(Some(&text(at))).unwrap(), Seen::At(at));
        assert_eq!(Seen::parse(Some("")).unwrap(), Seen::At(None));
        assert_eq!(Seen::parse(None).unwrap().or(at), at);
        for bad in ["yesterday", "0", "2026-02-30T00:00:00Z"] {
            assert!(Seen::parse(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_what_differs_is_shown() {
        let found = differences([
            ("Name", "mine".into(), "theirs".into()),
            ("Text", " a\r\nb ".into(), "a\nb".into()),
        ]);
        assert_eq!(found, [Difference { field: "Name", yours: "mine".into(), theirs: "theirs".into() }]);
    }
}
