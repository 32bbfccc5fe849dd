//! The world while it is told: its dice, its clock, and what has been written down.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, TimeZone, Utc, Weekday};
use serde_json::{Value, json};

use super::cast::{Person, Project};
use super::chance::Chance;
use super::rows::{Action, AuditEntry, Event, Rows};

pub(super) const SECOND: i64 = 1000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// The world. Times are epoch milliseconds.
#[derive(Debug)]
pub(super) struct World {
    pub chance: Chance,
    pub now: i64,
    pub rows: Rows,
    /// Each project's last conversation, and when something was last asked there.
    pub conversations: HashMap<String, (String, i64)>,
}

/// What one request leads to, one thing after the other.
#[derive(Debug)]
pub(super) struct Thread<'a> {
    pub project: &'a Project,
    pub request: String,
    /// When the next thing happens.
    pub at: i64,
    /// The action that led to the next thing.
    pub cause: Option<String>,
    pub commit: String,
    /// The conversation that it was asked for in.
    pub session: Option<String>,
    /// The message that asked for it.
    pub prompt: Option<String>,
}

impl World {
    pub(super) fn new(chance: Chance, now: i64) -> Self {
        Self { chance, now, rows: Rows::default(), conversations: HashMap::new() }
    }

    /// A new id: a word and 16 hex digits.
    pub(super) fn id(&mut self, word: &str) -> String {
        format!("{word}_{}", self.chance.hex(16))
    }

    pub(super) fn uuid(&mut self) -> String {
        self.chance.uuid().hyphenated().to_string()
    }

    /// Starts a request at `at`.
    pub(super) fn thread<'a>(&mut self, project: &'a Project, at: i64) -> Thread<'a> {
        let (request, commit) = (self.id("req"), self.chance.hex(40));
        Thread { project, request, at, cause: None, commit, session: None, prompt: None }
    }

    /// Lets between `low` and `high` milliseconds pass.
    pub(super) fn pass(&mut self, thread: &mut Thread<'_>, low: i64, high: i64) {
        thread.at += self.chance.between(low, high);
    }

    /// Records an action of the thread with its references, and makes it the cause of what follows.
    pub(super) fn act(
        &mut self,
        thread: &mut Thread<'_>,
        (kind, details): (&str, String),
        (status, environment): (&'static str, &'static str),
        mut references: Value,
    ) {
        let action_id = self.id("act");
        if let Some(cause) = thread.cause.replace(action_id.clone()) {
            references["caused_by"] = json!(cause);
        }
        self.rows.actions.push(Action {
            action_id,
            project_id: thread.project.key(),
            user_id: Some(thread.project.user()),
            request_id: Some(thread.request.clone()),
            action_type: kind.to_owned(),
            action_details: details,
            status,
            environment,
            reference_ids: references,
            created_at: thread.at,
        });
    }

    /// Records an operation that took until now: `duration` milliseconds, which pass.
    pub(super) fn operation(
        &mut self,
        thread: &mut Thread<'_>,
        (event_type, entity_type): (&'static str, &'static str),
        (title, description): (String, Option<String>),
        status: &'static str,
        duration: i64,
    ) {
        let started = thread.at;
        thread.at += duration;
        let mut metadata = json!({ "request_id": thread.request });
        if let Some(cause) = &thread.cause {
            metadata["caused_by"] = json!(cause);
        }
        let (id, entity) = (self.uuid(), self.id(entity_type));
        self.rows.events.push(Event {
            id,
            project_id: thread.project.key(),
            user_id: thread.project.user(),
            event_type,
            entity_type,
            entity_id: Some(entity),
            title,
            description,
            metadata,
            status,
            duration: Some(duration),
            created_at: utc(started),
            updated_at: utc(thread.at),
        });
    }

    /// Records what `person` did in the console at `at`.
    pub(super) fn audit(
        &mut self,
        person: &Person,
        at: i64,
        (activity_type, description): (&'static str, &str),
        (target_type, target_id, target_name): (&'static str, String, &str),
    ) {
        let (id, request_id) = (self.uuid(), self.id("req"));
        self.rows.audit.push(AuditEntry {
            id,
            project_id: (target_type == "project").then(|| target_id.clone()),
            user_id: person.id.hyphenated().to_string(),
            activity_type,
            description: description.to_owned(),
            created_at: utc(at),
            actor_name: person.name,
            actor_email: person.email,
            actor_role: person.role,
            target_type,
            target_id,
            target_name: target_name.to_owned(),
            ip: person.ip,
            user_agent: person.user_agent,
            request_id,
            before: None,
            after: None,
        });
    }

    /// A moment of `person`'s working day, `days` before today; none when that is not past by two hours.
    pub(super) fn working_moment(&mut self, person: &Person, days: i64) -> Option<i64> {
        let midnight = self.now - self.now.rem_euclid(DAY) - days * DAY;
        // Two throws make the middle of the day busier than its ends.
        let minutes = self.chance.between(0, 250) + self.chance.between(0, 250);
        let at = midnight + person.starts_at * HOUR + minutes * MINUTE + self.chance.between(0, MINUTE);
        (at < self.now - 2 * HOUR).then_some(at)
    }

    /// Whether nobody works `days` before today.
    pub(super) fn is_weekend(&self, days: i64) -> bool {
        matches!(moment(self.now - days * DAY).weekday(), Weekday::Sat | Weekday::Sun)
    }
}

/// As the database reads a time, with or without zone: RFC 3339, UTC.
pub(super) fn utc(millis: i64) -> String {
    moment(millis).format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn moment(millis: i64) -> DateTime<Utc> {
    Utc.timestamp_millis_opt(millis).single().unwrap_or_default()
}
