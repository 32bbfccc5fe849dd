//! One row of the timeline as the query answers it, and the entry that it becomes.

use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::{Entry, EntryKind, Moment, ProjectName, ProjectState};
use crate::activity::action_type::ActionType;
use crate::activity::engine_event_type::EngineEventType;
use crate::activity::event_type::EventType;
use crate::activity::filter::Reference;
use crate::activity::position::{Source, TimelineCursor};
use crate::activity::sentence::{self, Actor, LinkTarget, Object};
use crate::activity::status::Status;
use crate::audit::AuditAction;

type N = Nullable<Text>;

/// The SQL type of [`Row`], in its order.
pub(in crate::activity) type RowSql = (
    Text,
    Text,
    Text,
    BigInt,
    Nullable<BigInt>,
    N,
    N,
    N,
    N,
    N,
    N,
    N,
    N,
    N,
    N,
    N,
    N,
    N,
    N,
    N,
    Nullable<BigInt>,
    N,
    N,
    Bool,
    Bool,
    N,
    Bool,
    Bool,
    Bool,
);

/// A row of `pilothouse.timeline` with the names that go with it.
#[derive(Debug, Clone, diesel::Queryable)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of its own")]
pub(in crate::activity) struct Row {
    /// What it is to whoever asked: an entry of the page, a cause, a neighbour.
    pub part: String,
    pub source: String,
    pub id: String,
    pub at: i64,
    pub told_at: Option<i64>,
    pub project: Option<String>,
    pub kind: Option<String>,
    pub status: Option<String>,
    pub environment: Option<String>,
    pub user: Option<String>,
    /// What an audit entry's actor was called, and was, when they acted.
    pub actor_name: Option<String>,
    pub actor_role: Option<String>,
    pub request: Option<String>,
    pub cause: Option<String>,
    pub title: Option<String>,
    pub details: Option<String>,
    pub references: Option<String>,
    pub target_kind: Option<String>,
    pub target_id: Option<String>,
    pub target_name: Option<String>,
    /// Milliseconds.
    pub duration: Option<i64>,
    pub progress: Option<String>,
    pub project_name: Option<String>,
    pub project_exists: bool,
    pub project_is_gone: bool,
    pub user_name: Option<String>,
    pub user_exists: bool,
    /// The same in each row: whether anything goes on in the timeline, and whether it has gaps.
    pub runs: bool,
    pub has_gaps: bool,
}

/// The key that says which record led to this one.
pub const CAUSED_BY: &str = "caused_by";
/// The key that says that nobody told it.
const CAUSE_INFERRED: &str = "cause_inferred";

impl Row {
    pub(in crate::activity) fn position(&self) -> Option<TimelineCursor> {
        Some(TimelineCursor { ms: self.at, source: Source::from_name(&self.source)?, id: self.id.clone() })
    }

    /// None for a source that this version does not know.
    pub(in crate::activity) fn into_entry(self) -> Option<Entry> {
        let source = Source::from_name(&self.source)?;
        let (mut references, left_out) = references(self.references.as_deref());
        let references_cut = references.len().saturating_sub(MOST_REFERENCES) + left_out;
        references.truncate(MOST_REFERENCES);
        let project = self.project_name();
        let actor = self.actor();
        let status = self.status.as_deref().map(Status::from_stored);
        let kind = self.entry_kind(source);
        let sentence = self.sentence(&kind, status.as_ref(), &references, &actor, project.as_ref());
        Some(Entry {
            position: TimelineCursor { ms: self.at, source, id: self.id },
            moment: Moment::of(self.at, self.told_at, source),
            kind,
            status,
            environment: self.environment,
            actor,
            project,
            sentence,
            details: self.details.filter(|text| !text.trim().is_empty()),
            references,
            references_cut,
            request_id: self.request,
            caused_by: self.cause.map(|cause| key_of(&cause).to_owned()),
            duration_ms: self.duration,
            progress: self.progress.and_then(|text| percent(&text)),
            silent_since: None,
            usual_ms: None,
            folded: Vec::new(),
        })
    }

    fn entry_kind(&self, source: Source) -> EntryKind {
        let stored = self.kind.as_deref().unwrap_or_default();
        match source {
            Source::Action => EntryKind::Action(ActionType::from_stored(stored)),
            Source::Event => EntryKind::Event(EventType::from_stored(stored)),
            Source::Audit => EntryKind::Audit(AuditAction::from_stored(stored)),
            Source::Engine => EntryKind::Engine(EngineEventType::from_stored(stored)),
        }
    }

    fn project_name(&self) -> Option<ProjectName> {
        let id = self.project.clone()?;
        let state = match (self.project_exists, self.project_is_gone) {
            (true, _) => ProjectState::Exists,
            (false, true) => ProjectState::Gone,
            (false, false) => ProjectState::Unknown,
        };
        let name = self.project_name.clone().filter(|name| !name.trim().is_empty());
        Some(ProjectName { name: name.unwrap_or_else(|| id.clone()), id, state })
    }

    fn actor(&self) -> Actor {
        let known = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let user = known(&self.user);
        // A snapshot says what they were called when they did it.
        let name = known(&self.actor_name).or_else(|| known(&self.user_name));
        let name = name.unwrap_or_else(|| match &user {
            Some(id) if id.parse::<uuid::Uuid>().is_ok() => "another user".to_owned(),
            Some(id) => id.clone(),
            None => "somebody".to_owned(),
        });
        Actor { user, name, exists: self.user_exists, is_admin: self.actor_role.as_deref() == Some("admin") }
    }

    fn sentence(
        &self,
        kind: &EntryKind,
        status: Option<&Status>,
        references: &[Reference],
        actor: &Actor,
        project: Option<&ProjectName>,
    ) -> Vec<sentence::Part> {
        let project = project.map(ProjectName::as_object);
        match kind {
            EntryKind::Action(kind) => {
                let branch = references.iter().find(|r| r.key == "branch_name").map(|r| r.value.as_str());
                let environment = self.environment.as_deref();
                sentence::of_action(kind, status, environment, branch, actor.clone(), project.as_ref())
            }
            EntryKind::Event(_) | EntryKind::Engine(_) => {
                sentence::of_event(self.title.as_deref().unwrap_or_default(), project.as_ref())
            }
            EntryKind::Audit(act) => sentence::of_act(act, actor.clone(), self.target(project).as_ref()),
        }
    }

    /// What an audit entry is about, by its snapshot.
    fn target(&self, project: Option<Object>) -> Option<Object> {
        let id = self.target_id.clone().unwrap_or_default();
        let label = self.target_name.clone().filter(|name| !name.trim().is_empty());
        let target = match self.target_kind.as_deref() {
            Some("project")
                if project.as_ref().is_some_and(|p| p.target == LinkTarget::Project(id.clone())) =>
            {
                LinkTarget::Project(id.clone())
            }
            Some("user") => LinkTarget::User(id.clone()),
            Some("container") => LinkTarget::Container(id.clone()),
            Some(_) => LinkTarget::Nowhere,
            None => return project,
        };
        Some(Object { target, label: label.unwrap_or(id) })
    }
}

/// A cause as the key of its entry: a bare id is an action's.
fn key_of(cause: &str) -> &str {
    cause.strip_prefix("action:").unwrap_or(cause)
}

/// References shown with an entry; a worker may write thousands.
const MOST_REFERENCES: usize = 24;

/// What a page reads of `reference_ids` when it is too much: how many pairs were left out stands before the others.
pub(in crate::activity) fn left_out(stored: &str) -> Option<(usize, &str)> {
    let (count, json) = stored.strip_prefix('+')?.split_once(' ')?;
    Some((count.parse().ok()?, json))
}

/// The scalar pairs of `reference_ids`, in their stored order, without the cause, which has a column of its own; and how
/// many pairs there are besides.
pub(in crate::activity) fn references(stored: Option<&str>) -> (Vec<Reference>, usize) {
    let (more, json) = stored
        .map_or((0, None), |text| left_out(text).map_or((0, Some(text)), |(more, json)| (more, Some(json))));
    let Some(Ok(serde_json::Value::Object(object))) = json.map(serde_json::from_str) else {
        return (Vec::new(), more);
    };
    let mut references = Vec::new();
    for (key, value) in object {
        let value = match value {
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Bool(truth) => truth.to_string(),
            _ => continue,
        };
        if key != CAUSED_BY && key != CAUSE_INFERRED && !key.is_empty() && !value.is_empty() {
            references.push(Reference { key, value });
        }
    }
    (references, more)
}

/// "42", "42.5" or "0.4e2" as 42; nothing outside of 0 to 100.
fn percent(text: &str) -> Option<u8> {
    let value: f64 = text.parse().ok()?;
    (0..=100_u8).rev().find(|whole| f64::from(*whole) <= value && value <= 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_scalars_in_order_without_the_cause() {
        let json =
            r#"{"b":"1","a":2,"n":null,"o":{"x":1},"l":[1],"t":true,"caused_by":"act_1","":"x","e":""}"#;
        let (references, more) = references(Some(json));
        assert_eq!(more, 0);
        let pairs: Vec<(&str, &str)> =
            references.iter().map(|r| (r.key.as_str(), r.value.as_str())).collect();
        assert_eq!(pairs, [("b", "1"), ("a", "2"), ("t", "true")]);
    }

    #[test]
    fn whatever_a_worker_wrote_is_no_error() {
        for odd in ["null", "[]", "\"x\"", "1", "{", "", "+", "+x {}"] {
            assert_eq!(references(Some(odd)), (Vec::new(), 0), "{odd}");
        }
    }

    #[test]
    fn numbers_are_references_as_they_were_written() {
        let (found, ..) = references(Some("{\"cost\": 1.10, \"count\": 12345678901234567890123}"));
        let values: Vec<&str> = found.iter().map(|reference| reference.value.as_str()).collect();
        assert_eq!(values, ["1.10", "12345678901234567890123"]);
    }

    #[test]
    fn progress_is_a_percentage_or_nothing() {
        assert_eq!(percent("42"), Some(42));
        assert_eq!(percent("99.9"), Some(99));
        for odd in ["-1", "101", "NaN", "half"] {
            assert_eq!(percent(odd), None, "{odd}");
        }
    }
}
