//! What the states of things look like: the one place that gives a stored word its icon and its tone. How something went
//! that was done is [`crate::activity::Status`]: there "running" goes on, here it is well.

use chrono::{DateTime, TimeDelta, Utc};

use super::display::{Badge, Tone};

/// Word, icon and tone. What is not here is shown as it is, and means nothing.
const STATES: [(&str, &str, Tone); 17] = [
    ("running", "success", Tone::Good),
    ("active", "success", Tone::Good),
    ("ready", "success", Tone::Good),
    ("available", "success", Tone::Good),
    ("created", "pending", Tone::Busy),
    ("creating", "pending", Tone::Busy),
    ("starting", "pending", Tone::Busy),
    ("no container", "pending", Tone::Neutral),
    ("stopped", "stopped", Tone::Neutral),
    ("exited", "stopped", Tone::Neutral),
    ("ended", "stopped", Tone::Neutral),
    ("deactivated", "stopped", Tone::Neutral),
    ("archived", "archived", Tone::Neutral),
    ("deleted", "deleted", Tone::Neutral),
    ("removed", "deleted", Tone::Neutral),
    ("crashed", "failed", Tone::Bad),
    ("failed", "failed", Tone::Bad),
];

#[must_use]
pub fn badge(word: &str) -> Badge {
    let known = STATES.iter().find(|(known, ..)| known.eq_ignore_ascii_case(word));
    let (icon, tone) = known.map_or(("unknown", Tone::Neutral), |(_, icon, tone)| (*icon, *tone));
    Badge::new(icon, word, tone)
}

/// So long what somebody saw is what is.
const BELIEVED: TimeDelta = TimeDelta::days(1);

/// Whether a state that was seen at `at` may be another one by now.
#[must_use]
pub fn is_old(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    at.is_none_or(|at| now - at > BELIEVED)
}

/// A state as somebody saw it at `at`: an old one is neither good nor bad. Say since when beside it.
#[must_use]
pub fn observed(word: &str, at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Badge {
    let badge = badge(word);
    if !badge.tone.is_neutral() && is_old(at, now) {
        return Badge { icon: "unknown", tone: Tone::Neutral, ..badge };
    }
    badge
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_believed_for_a_day_and_says_nothing_afterwards() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20);
        let tone = |word, hours| {
            let seen = observed(word, Some(now - TimeDelta::hours(hours)), now);
            (seen.icon, seen.label, seen.tone)
        };
        assert_eq!(tone("running", 24), ("success", "running".to_owned(), Tone::Good));
        assert_eq!(tone("running", 25), ("unknown", "running".to_owned(), Tone::Neutral));
        assert_eq!(tone("crashed", 25), ("unknown", "crashed".to_owned(), Tone::Neutral));
        assert_eq!(tone("stopped", 25), ("stopped", "stopped".to_owned(), Tone::Neutral));
        assert_eq!(observed("running", None, now).tone, Tone::Neutral, "nobody has seen it");
        assert_eq!(
            badge("Paused"),
            Badge { icon: "unknown", label: "Paused".to_owned(), tone: Tone::Neutral }
        );
    }
}
