//! One row of the timeline as the query answers it, and the entry that it becomes.

use diesel::sql_types::{BigInt, Nullable, Text};

use super::{Entry, EntryKind, Moment, Names, ProjectName, ProjectState};
use crate::activity::action_type::ActionType;
use crate::activity::event_type::EventType;
use crate::activity::filter::Reference;
use crate::activity::position::{Source, TimelineCursor};
use crate::activity::sentence::{self, Actor, LinkTarget, Object};
use crate::activity::status::Status;
use crate::audit::Act;

type NullableText = Nullable<Text>;

/// The SQL type of [`Row`], in its order.
pub(in crate::activity) type RowSql = (
    Text,
    BigInt,
    Text,
    Text,
    NullableText,
    NullableText,
    NullableText,
    NullableText,
    NullableText,
    NullableText,
    NullableText,
    NullableText,
    NullableText,
    NullableText,
    NullableText,
    NullableText,
    NullableText,
    NullableText,
    Nullable<BigInt>,
    NullableText,
    NullableText,
);

/// What every source brings: text, because trees of JSON and dates cost more than they are worth here.
#[derive(Debug, Clone, diesel::Queryable)]
pub(in crate::activity) struct Row {
    /// What the row is to its page: an entry, a running operation, a gap, a word for a filter, a name.
    pub part: String,
    pub at: i64,
    pub source: String,
    pub id: String,
    pub project: Option<String>,
    pub user: Option<String>,
    pub request: Option<String>,
    pub kind: Option<String>,
    pub details: Option<String>,
    pub more: Option<String>,
    pub status: Option<String>,
    pub environment: Option<String>,
    pub references: Option<String>,
    pub cause: Option<String>,
    pub entity_kind: Option<String>,
    pub entity_id: Option<String>,
    pub entity_name: Option<String>,
    pub actor_name: Option<String>,
    /// Milliseconds of an event; the number of lost records of a gap; of a name, whether what bears it is there.
    pub amount: Option<i64>,
    pub progress: Option<String>,
    /// What an audit entry's actor was when they acted.
    pub actor_role: Option<String>,
}

/// The key that says which record led to this one.
pub const CAUSED_BY: &str = "caused_by";

impl Row {
    /// Where the record stands; none for what is no record.
    pub(super) fn position(&self) -> Option<TimelineCursor> {
        Some(TimelineCursor { ms: self.at, source: Source::from_name(&self.source)?, id: self.id.clone() })
    }

    pub(in crate::activity) fn into_entry(self, names: &Names) -> Option<Entry> {
        let source = Source::from_name(&self.source)?;
        let (mut references, cause, left_out) = references(self.references.as_deref());
        let cause = self.cause.clone().filter(|cause| !cause.is_empty()).or(cause);
        let references_cut = references.len().saturating_sub(MOST_REFERENCES) + left_out;
        references.truncate(MOST_REFERENCES);
        let project = self.project_name(names);
        let actor = self.actor(names);
        let status = self.status.as_deref().filter(|text| !text.is_empty()).map(Status::from_stored);
        let kind = self.entry_kind(source);
        let sentence = self.sentence(&kind, status.as_ref(), &references, &actor, project.as_ref());
        let (details, more) = match source {
            // An event's title is its sentence.
            Source::Event => (self.more, None),
            _ => (self.details, self.more),
        };
        Some(Entry {
            position: TimelineCursor { ms: self.at, source, id: self.id },
            moment: Moment::of(self.at, source),
            kind,
            status,
            environment: self.environment.filter(|text| !text.is_empty()),
            actor,
            project,
            sentence,
            details: details.or(more).filter(|text| !text.trim().is_empty()),
            references,
            references_cut,
            request_id: self.request.filter(|text| !text.is_empty()),
            caused_by: cause,
            duration_ms: self.amount,
            progress: self.progress.and_then(|text| percent(&text)),
            folded: Vec::new(),
        })
    }

    fn entry_kind(&self, source: Source) -> EntryKind {
        let stored = self.kind.as_deref().unwrap_or_default();
        match source {
            Source::Action => EntryKind::Action(ActionType::from_stored(stored)),
            Source::Event => EntryKind::Event(EventType::from_stored(stored)),
            Source::Audit => EntryKind::Audit(Act::from_stored(stored)),
        }
    }

    fn project_name(&self, names: &Names) -> Option<ProjectName> {
        let id = self.project.clone().filter(|id| !id.is_empty())?;
        let known = names.projects.get(&id);
        let state = known.map_or(ProjectState::Unknown, |project| project.state);
        let name = known.and_then(|project| project.name.clone()).filter(|name| !name.trim().is_empty());
        Some(ProjectName { name: name.unwrap_or_else(|| id.clone()), id, state })
    }

    fn actor(&self, names: &Names) -> Actor {
        let known = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let user = known(&self.user);
        let person = user.as_ref().and_then(|id| names.users.get(id));
        // A snapshot says what they were called when they did it.
        let name = known(&self.actor_name).or_else(|| person.and_then(|person| person.called.clone()));
        let name = name.unwrap_or_else(|| match &user {
            Some(id) if id.parse::<uuid::Uuid>().is_ok() => "another user".to_owned(),
            Some(id) => id.clone(),
            None => "somebody".to_owned(),
        });
        let is_admin = self.actor_role.as_deref() == Some("admin");
        Actor { user, name, exists: person.is_some_and(|person| person.exists), is_admin }
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
            EntryKind::Event(_) => {
                sentence::of_event(self.details.as_deref().unwrap_or_default(), project.as_ref())
            }
            EntryKind::Audit(act) => sentence::of_act(act, actor.clone(), self.target(project).as_ref()),
        }
    }

    /// What an audit entry is about, by its snapshot.
    fn target(&self, project: Option<Object>) -> Option<Object> {
        let id = self.entity_id.clone().unwrap_or_default();
        let label = self.entity_name.clone().filter(|name| !name.trim().is_empty());
        let target = match self.entity_kind.as_deref() {
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

/// References shown with an entry; a worker may write thousands.
const MOST_REFERENCES: usize = 24;

/// What a page reads of `reference_ids` when it is too much: how many pairs were left out stands before the others.
pub(in crate::activity) fn left_out(stored: &str) -> Option<(usize, &str)> {
    let (count, json) = stored.strip_prefix('+')?.split_once(' ')?;
    Some((count.parse().ok()?, json))
}

/// The scalar pairs of `reference_ids`, in their stored order, the cause, which has a place of its own, and how many
/// pairs there are besides.
pub(in crate::activity) fn references(stored: Option<&str>) -> (Vec<Reference>, Option<String>, usize) {
    let (more, json) = stored
        .map_or((0, None), |text| left_out(text).map_or((0, Some(text)), |(more, json)| (more, Some(json))));
    let Some(Ok(serde_json::Value::Object(object))) = json.map(serde_json::from_str) else {
        return (Vec::new(), None, more);
    };
    let mut cause = None;
    let mut references = Vec::new();
    for (key, value) in object {
        let value = match value {
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Bool(truth) => truth.to_string(),
            _ => continue,
        };
        if key == CAUSED_BY {
            cause = Some(value).filter(|cause| !cause.is_empty());
        } else if !key.is_empty() && !value.is_empty() {
            references.push(Reference { key, value });
        }
    }
    (references, cause, more)
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
    fn references_are_scalars_in_order_and_the_cause_stands_apart() {
        let json =
            r#"{"b":"1","a":2,"n":null,"o":{"x":1},"l":[1],"t":true,"caused_by":"act_1","":"x","e":""}"#;
        let (references, cause, more) = references(Some(json));
        assert_eq!(more, 0);
        let pairs: Vec<(&str, &str)> =
            references.iter().map(|r| (r.key.as_str(), r.value.as_str())).collect();
        assert_eq!(pairs, [("b", "1"), ("a", "2"), ("t", "true")]);
        assert_eq!(cause.as_deref(), Some("act_1"));
    }

    #[test]
    fn whatever_a_worker_wrote_is_no_error() {
        for odd in ["null", "[]", "\"x\"", "1", "{", "", "+", "+x {}"] {
            assert_eq!(references(Some(odd)), (Vec::new(), None, 0), "{odd}");
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
