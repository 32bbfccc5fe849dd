//! Rows of a table of sessions, as a user's page and the account's show them.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::display::in_short;
use super::time::Timestamp;
use crate::auth::sessions::SessionLine;
use crate::db::ids::SessionId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    pub id: String,
    /// Where a form ends it.
    pub revoke_url: String,
    /// Browser and system: "Firefox on Linux".
    pub device: String,
    /// Where it was started from.
    pub address: String,
    /// The browser's own words.
    pub user_agent: String,
    /// Whether it is the session that the page was asked with.
    pub current: bool,
    /// When it was started.
    pub signed_in: Timestamp,
    /// When it was used last.
    pub last_seen: Timestamp,
    /// When it ends at the latest.
    pub expires: Timestamp,
}

impl SessionRow {
    /// `line` as it looks to whoever holds the session `current`.
    #[must_use]
    pub fn new(
        line: &SessionLine,
        current: SessionId,
        revoke_url: String,
        now: DateTime<Utc>,
        zone: Tz,
    ) -> Self {
        let time = |at: Option<DateTime<Utc>>| Timestamp::new(at.unwrap_or_default(), now, zone);
        let user_agent = in_short(line.user_agent.as_deref().unwrap_or_default(), 500);
        Self {
            id: line.id.to_string(),
            revoke_url,
            device: device(&user_agent),
            address: line.ip_address.map_or_else(|| "—".to_owned(), |network| network.ip().to_string()),
            user_agent,
            current: line.id == current,
            signed_in: time(line.created_at),
            last_seen: time(line.last_activity.or(line.created_at)),
            expires: time(Some(line.expires_at)),
        }
    }
}

/// What each browser calls itself. Most claim to be others as well, so the most particular come first.
const BROWSERS: [(&str, &str); 10] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// What each system is called by browsers; Android says that it is Linux, an iPhone that it is like Mac OS X.
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// Browser and system out of a user agent: "Firefox on Linux". A program is called by its first word.
#[must_use]
pub fn device(user_agent: &str) -> String {
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => {
            let word: String =
                user_agent.split(['/', ' ']).next().unwrap_or_default().chars().take(40).collect();
            if word.is_empty() { "Unknown device".to_owned() } else { word }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn a_device_is_called_as_people_call_it() {
        for (user_agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1 Version/18.0 Safari/605.1",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.5.0", "curl"),
            ("", "Unknown device"),
        ] {
            assert_eq!(device(user_agent), name);
        }
    }
}
