//! What a timeline can be filtered by: the words that the console knows, and those that the viewer's data holds.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

use super::timeline::Scope;
use super::vocabulary::{Group, humanised};
use super::{ACTION_STATUSES, Act, ActionType, EVENT_STATUSES, Environment, EventType, Source};
use crate::db::statement::Statement;

/// A value of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What the address says.
    pub value: String,
    /// What people read.
    pub label: String,
}

/// Everything that filters offer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Types by group, in the groups' order.
    pub types: Vec<(Group, Vec<Choice>)>,
    /// Statuses of actions, then those of events.
    pub statuses: Vec<Choice>,
    /// Environments.
    pub environments: Vec<Choice>,
    /// Users who appear in recent entries.
    pub actors: Vec<Choice>,
}

/// Words of one kind that the data holds and the console does not know, at most.
const MOST_UNKNOWN: usize = 50;

impl Options {
    /// The words that the console knows; asks nobody.
    #[must_use]
    pub fn known() -> Self {
        let mut options = Self::default();
        for kind in ActionType::ALL {
            options.add_type(kind.facts().group, kind.as_str(), kind.label());
        }
        for kind in EventType::ALL {
            options.add_type(kind.facts().group, kind.as_str(), kind.label());
        }
        for act in Act::ALL {
            options.add_type(act.facts().group, act.as_str(), act.label());
        }
        options.types.sort_by_key(|(group, _)| *group);
        let statuses = ACTION_STATUSES.into_iter().chain(EVENT_STATUSES);
        options.statuses.extend(statuses.map(|word| choice(word, humanised(word))));
        options
            .environments
            .extend(Environment::ALL.iter().map(|e| choice(e.as_str(), humanised(e.as_str()))));
        options
    }

    fn add_type(&mut self, group: Group, value: &str, label: String) {
        let choice = choice(value, label);
        match self.types.iter_mut().find(|(known, _)| *known == group) {
            Some((_, choices)) => choices.push(choice),
            None => self.types.push((group, vec![choice])),
        }
    }

    fn knows_type(&self, value: &str) -> bool {
        self.types.iter().any(|(_, choices)| choices.iter().any(|choice| choice.value == value))
    }
}

fn choice(value: &str, label: String) -> Choice {
    Choice { value: value.to_owned(), label }
}

/// The known words and those of the viewer's actions: of all of them by way of the indexes where the viewer
/// sees everything, of each project's most recent ones otherwise. One round trip, bounded whatever the size.
///
/// # Errors
/// When the statement fails.
pub fn for_scope(conn: &mut PgConnection, scope: Scope) -> QueryResult<Options> {
    let mut options = Options::known();
    let mut unknown_types = Vec::new();
    for (what, value, name) in present(conn, scope)? {
        let list = match what.as_str() {
            "status" => &mut options.statuses,
            "environment" => &mut options.environments,
            "actor" => {
                options.actors.push(choice(&value, name.unwrap_or_else(|| value.clone())));
                continue;
            }
            _ => {
                if !options.knows_type(&value) {
                    unknown_types.push(value);
                }
                continue;
            }
        };
        if list.len() < MOST_UNKNOWN && !list.iter().any(|known| known.value == value) {
            list.push(choice(&value, humanised(&value)));
        }
    }
    for value in unknown_types.into_iter().take(MOST_UNKNOWN) {
        options.add_type(Group::Other, &value, humanised(&value));
    }
    options.actors.sort_by_key(|choice| choice.label.to_lowercase());
    Ok(options)
}

type Present = Vec<(String, String, Option<String>)>;

fn present(conn: &mut PgConnection, scope: Scope) -> QueryResult<Present> {
    let mut s = Statement::<(Text, Text, Nullable<Text>)>::new();
    s.sql("WITH RECURSIVE ");
    if scope == Scope::Everything {
        // From each word straight to the next one of the index, however many rows hold it.
        s.sql(
            "type_of AS ((SELECT a.action_type AS word FROM turbobackend.project_actions a \
               WHERE a.action_type IS NOT NULL ORDER BY a.action_type LIMIT 1) \
             UNION ALL SELECT (SELECT a.action_type FROM turbobackend.project_actions a \
               WHERE a.action_type > t.word ORDER BY a.action_type LIMIT 1) FROM type_of t WHERE t.word IS NOT NULL), \
             status_of AS ((SELECT a.status AS word FROM turbobackend.project_actions a \
               WHERE a.status IS NOT NULL ORDER BY a.status LIMIT 1) \
             UNION ALL SELECT (SELECT a.status FROM turbobackend.project_actions a \
               WHERE a.status > t.word ORDER BY a.status LIMIT 1) FROM status_of t WHERE t.word IS NOT NULL), ",
        );
    }
    s.sql("recent AS MATERIALIZED (");
    let columns =
        "SELECT a.action_type, a.status, a.environment, a.user_id FROM turbobackend.project_actions a";
    let newest = " ORDER BY a.created_at DESC, a.action_id COLLATE \"C\" DESC";
    match scope {
        Scope::Everything => {
            s.sql(columns).sql(newest).sql(" LIMIT 1000");
        }
        Scope::Project(id) => {
            s.sql(columns).sql(" WHERE a.project_id = ").text(id.to_string()).sql(newest).sql(" LIMIT 1000");
        }
        Scope::Own => {
            s.sql("SELECT r.* FROM public.projects p CROSS JOIN LATERAL (").sql(columns);
            s.sql(" WHERE a.project_id = p.id_text").sql(newest).sql(" LIMIT 50) r");
        }
    }
    s.sql(")");
    if scope == Scope::Everything {
        s.sql(" (SELECT 'type', word::text, NULL::text FROM type_of WHERE word <> '' LIMIT 200)");
        s.sql(
            " UNION ALL (SELECT 'status', word::text, NULL::text FROM status_of WHERE word <> '' LIMIT 200)",
        );
    } else {
        s.sql(" (SELECT DISTINCT 'type', action_type::text, NULL::text FROM recent WHERE action_type <> '' LIMIT 200)");
        s.sql(" UNION ALL (SELECT DISTINCT 'status', status::text, NULL::text FROM recent WHERE status <> '' LIMIT 200)");
    }
    s.sql(
        " UNION ALL (SELECT DISTINCT 'environment', environment::text, NULL::text FROM recent \
           WHERE environment <> '' LIMIT 200) \
         UNION ALL (SELECT 'actor', r.user_id::text, coalesce(u.name, u.email)::text \
           FROM (SELECT DISTINCT user_id FROM recent WHERE user_id <> '' LIMIT 100) r \
           LEFT JOIN public.users u ON u.id_text = r.user_id)",
    );
    s.load(conn)
}

/// What the audit log can be filtered by: the console's own acts, the words that other programs wrote there, and
/// who appears in its last thousand entries.
///
/// # Errors
/// When the statement fails.
pub fn for_audit_log(conn: &mut PgConnection) -> QueryResult<Options> {
    let mut options = Options::default();
    for act in Act::ALL {
        options.add_type(act.facts().group, act.as_str(), act.label());
    }
    let mut s = Statement::<(Text, Text, Nullable<Text>)>::new();
    s.sql(
        "WITH RECURSIVE type_of AS ((SELECT l.\"activityType\" AS word FROM public.\"ActivityLog\" l \
           ORDER BY l.\"activityType\" LIMIT 1) \
         UNION ALL SELECT (SELECT l.\"activityType\" FROM public.\"ActivityLog\" l \
           WHERE l.\"activityType\" > t.word ORDER BY l.\"activityType\" LIMIT 1) FROM type_of t WHERE t.word IS NOT NULL), \
         recent AS MATERIALIZED (SELECT l.\"userId\" AS id, coalesce(l.\"actorName\", l.\"actorEmail\") AS name, \
           row_number() OVER (ORDER BY l.\"createdAt\" DESC, l.id COLLATE \"C\" DESC) AS at FROM public.\"ActivityLog\" l \
           ORDER BY l.\"createdAt\" DESC, l.id COLLATE \"C\" DESC LIMIT 1000) \
         (SELECT 'type', word, NULL::text FROM type_of WHERE word <> '' LIMIT 200) \
         UNION ALL (SELECT 'actor', r.id, coalesce(u.name, u.email, r.name)::text \
           FROM (SELECT DISTINCT ON (id) id, name FROM recent WHERE id <> '' ORDER BY id, at LIMIT 200) r \
           LEFT JOIN public.users u ON u.id_text = r.id)",
    );
    let held: Present = s.load(conn)?;
    for (what, value, name) in held {
        if what == "actor" {
            options.actors.push(choice(&value, name.unwrap_or_else(|| value.clone())));
        } else if !options.knows_type(&value) {
            options.add_type(Group::Other, &value, humanised(&value));
        }
    }
    options.types.sort_by_key(|(group, _)| *group);
    options.actors.sort_by_key(|choice| choice.label.to_lowercase());
    Ok(options)
}

/// Whether an action of `project` holds `word`: for words that the console does not know.
///
/// # Errors
/// When the statement fails.
pub fn holds(
    conn: &mut PgConnection,
    project: crate::db::ids::ProjectId,
    column: HeldIn,
    word: &str,
) -> QueryResult<bool> {
    let mut s = Statement::<(Text,)>::new();
    s.sql("SELECT a.action_id::text FROM turbobackend.project_actions a WHERE a.project_id = ");
    s.text(project.to_string());
    s.sql(match column {
        HeldIn::Type => " AND a.action_type = ",
        HeldIn::Status => " AND a.status = ",
        HeldIn::Environment => " AND a.environment = ",
    });
    s.text(word).sql(" LIMIT 1");
    let found: Vec<(String,)> = s.load(conn)?;
    Ok(!found.is_empty())
}

/// The words of one column in the viewer's actions, bounded as in [`for_scope`].
///
/// # Errors
/// When the statement fails.
pub fn held(conn: &mut PgConnection, scope: Scope, column: HeldIn) -> QueryResult<Vec<String>> {
    let wanted = match column {
        HeldIn::Type => "type",
        HeldIn::Status => "status",
        HeldIn::Environment => "environment",
    };
    let words = present(conn, scope)?.into_iter().filter(|(what, _, _)| what == wanted);
    Ok(words.map(|(_, word, _)| word).take(MOST_UNKNOWN).collect())
}

/// A column of `project_actions` that holds words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldIn {
    /// `action_type`
    Type,
    /// `status`
    Status,
    /// `environment`
    Environment,
}

/// What each source is called.
#[must_use]
pub fn source_label(source: Source) -> &'static str {
    match source {
        Source::Action => "Actions",
        Source::Audit => "Audit",
        Source::Event => "Events",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_word_is_offered_once() {
        let options = Options::known();
        let mut values: Vec<&str> =
            options.types.iter().flat_map(|(_, choices)| choices.iter().map(|c| c.value.as_str())).collect();
        assert_eq!(values.len(), ActionType::ALL.len() + EventType::ALL.len() + Act::ALL.len());
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), ActionType::ALL.len() + EventType::ALL.len() + Act::ALL.len());
        assert!(options.types.is_sorted_by_key(|(group, _)| *group));
    }
}
