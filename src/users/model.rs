//! What a user is made of.

use chrono_tz::Tz;

use crate::db::spelling::composed;
use crate::identity::is_deceptive;

/// The time zone that `text` names: its IANA name, in whatever case, with blanks or underscores.
pub fn zone_named(text: &str) -> Result<Tz, String> {
    let wanted = text.trim().replace(' ', "_");
    let found = chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(&wanted));
    found.copied().ok_or_else(|| "Choose one of the time zones, such as Europe/Berlin.".to_owned())
}

/// What a user is called; empty means none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserName(Option<String>);

impl UserName {
    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.chars().count() > 255 {
            return Err("Use at most 255 characters.".to_owned());
        }
        if text.chars().any(is_deceptive) {
            return Err(
                "Leave out control characters and characters that change the direction of text.".to_owned()
            );
        }
        Ok(Self((!text.is_empty()).then(|| composed(text))))
    }

    /// A name as a user has it already, whoever wrote it: it stays allowed for them.
    #[must_use]
    pub fn of_stored(text: Option<&str>) -> Self {
        Self(text.map(str::to_owned))
    }

    /// The name, if there is one.
    #[must_use]
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_turns_text_around_is_refused() {
        assert!(UserName::parse("Ada\u{202E}nimda").is_err());
        assert_eq!(UserName::parse("  ").unwrap().as_deref(), None);
        assert_eq!(UserName::parse(" Ada Lovelace ").unwrap().as_deref(), Some("Ada Lovelace"));
    }

    #[test]
    fn a_zone_is_found_however_it_is_typed() {
        for text in ["Europe/Berlin", " europe/berlin ", "EUROPE/BERLIN"] {
            assert_eq!(zone_named(text).unwrap(), Tz::Europe__Berlin, "{text}");
        }
        assert_eq!(zone_named("America/New York").unwrap(), Tz::America__New_York);
        for bad in ["", "Berlin", "Mars/Olympus", "Europe/Berlin\u{202E}"] {
            assert!(zone_named(bad).is_err(), "{bad}");
        }
    }
}
