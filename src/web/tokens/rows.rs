//! Rows of a table of tokens, as the account and the admins' list show them.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::tokens::queries::TokenLine;
use crate::web::display::{Badge, Tone};
use crate::web::time::Timestamp;
use crate::web::urls;

/// How many of its projects a row names.
const NAMED: usize = 3;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    pub id: String,
    pub name: String,
    /// What it reported.
    pub activity_url: String,
    pub badge: Badge,
    /// "read, report"
    pub scopes: String,
    /// Names of projects.
    pub reach: Vec<String>,
    /// "and 2 more", "all projects"
    pub reach_note: String,
    pub maker: String,
    pub created: Timestamp,
    pub expires: Option<Timestamp>,
    pub last_used: Option<Timestamp>,
    /// Where it was last used from.
    pub address: String,
    /// Where a form ends it; nothing once it has ended.
    pub revoke_url: Option<String>,
}

impl TokenRow {
    #[must_use]
    pub fn new(line: &TokenLine, now: DateTime<Utc>, zone: Tz) -> Self {
        let time = |at: DateTime<Utc>| Timestamp::new(at, now, zone);
        let is_over = line.expires_at.is_some_and(|at| at <= now);
        let (icon, label, tone) = if line.revoked_at.is_some() {
            ("stopped", "revoked", Tone::Neutral)
        } else if is_over {
            ("stopped", "expired", Tone::Neutral)
        } else if line.expires_at.is_some_and(|at| at < now + TimeDelta::days(14)) {
            ("warning", "expires soon", Tone::Warning)
        } else {
            ("success", "works", Tone::Good)
        };
        let reach: Vec<String> = line.projects.iter().take(NAMED).cloned().collect();
        let more = line.projects.len().saturating_sub(NAMED);
        let reach_note = match (line.all_projects, reach.is_empty(), more) {
            (true, ..) => "all projects".to_owned(),
            (_, true, _) => "no project".to_owned(),
            (.., 0) => String::new(),
            (.., more) => format!("and {more} more"),
        };
        Self {
            id: line.id.to_string(),
            name: line.name.clone(),
            activity_url: format!("/activity?actor=token%3A{}", line.id),
            badge: Badge::new(icon, label, tone),
            scopes: line.scopes.join(", "),
            reach,
            reach_note,
            maker: line.maker.clone().unwrap_or_else(|| "the command line".to_owned()),
            created: time(line.created_at),
            expires: line.expires_at.map(time),
            last_used: line.last_used_at.map(time),
            address: line.last_used_ip.clone().unwrap_or_default(),
            revoke_url: line.revoked_at.is_none().then(|| urls::revoke_token(line.id)),
        }
    }
}
