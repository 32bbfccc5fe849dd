//! What the states of things look like: the one place that gives a stored word its icon and its tone. How something went
//! that was done is [`crate::activity::Status`]: there "running" goes on, here it is well.

use chrono::{DateTime, TimeDelta, Utc};

use super::display::Badge;

/// Word, icon and tone. What is not here is shown as it is, and means nothing.
const STATES: [(&str, &str, &str); 17] = [
    ("running", "success", "good"),
    ("active", "success", "good"),
    ("ready", "success", "good"),
    ("available", "success", "good"),
    ("created", "pending", "busy"),
    ("creating", "pending", "busy"),
    ("starting", "pending", "busy"),
    ("no container", "pending", "neutral"),
    ("stopped", "stopped", "neutral"),
    ("exited", "stopped", "neutral"),
    ("ended", "stopped", "neutral"),
    ("deactivated", "stopped", "neutral"),
    ("archived", "archived", "neutral"),
    ("deleted", "deleted", "neutral"),
    ("removed", "deleted", "neutral"),
    ("crashed", "failed", "bad"),
    ("failed", "failed", "bad"),
];

#[must_use]
pub fn badge(word: &str) -> Badge {
    let known = STATES.iter().find(|(known, ..)| known.eq_ignore_ascii_case(word));
    let (icon, tone) = known.map_or(("unknown", "neutral"), |(_, icon, tone)| (*icon, *tone));
    Badge { icon, label: word.to_owned(), tone }
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
    if badge.tone != "neutral" && is_old(at, now) {
        return Badge { icon: "unknown", tone: "neutral", ..badge };
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
        assert_eq!(tone("running", 24), ("success", "running".to_owned(), "good"));
        assert_eq!(tone("running", 25), ("unknown", "running".to_owned(), "neutral"));
        assert_eq!(tone("crashed", 25), ("unknown", "crashed".to_owned(), "neutral"));
        assert_eq!(tone("stopped", 25), ("stopped", "stopped".to_owned(), "neutral"));
        assert_eq!(observed("running", None, now).tone, "neutral", "nobody has seen it");
        assert_eq!(badge("Paused"), Badge { icon: "unknown", label: "Paused".to_owned(), tone: "neutral" });
    }
}
