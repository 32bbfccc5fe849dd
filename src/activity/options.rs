//! What a timeline can be filtered by: the words that the console knows, and those that the viewer's data holds.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

use super::filter::Filter;
use super::timeline::{EntryKind, Names, Row, TimelinePage};
use super::{ACTION_STATUSES, ActionType, Environment, EventType, Source};
use crate::audit::Act;
use crate::db::statement::Statement;
use crate::vocabulary::{Group, humanised};

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
    /// Statuses; each finds the events of the same outcome too.
    pub statuses: Vec<Choice>,
    /// Environments.
    pub environments: Vec<Choice>,
    /// Users who appear in recent entries.
    pub actors: Vec<Choice>,
}

/// Words of one kind that the data holds and the console does not know, at most.
const MOST_UNKNOWN: usize = 50;
/// Adds a word that the console does not know. The same word in another case finds the same rows.
fn add_word(list: &mut Vec<Choice>, word: &str) {
    let is_known = |known: &Choice| known.value.eq_ignore_ascii_case(word);
    if list.len() < MOST_UNKNOWN && is_offered(word) && !list.iter().any(is_known) {
        list.push(choice(word, humanised(word)));
    }
}

/// Characters of a word that is offered: nobody reads longer ones in a list.
const LONGEST_OFFERED: usize = 200;

fn is_offered(word: &str) -> bool {
    !word.is_empty() && word.chars().count() <= LONGEST_OFFERED
}

/// Users offered at most: those of the newest entries.
const MOST_ACTORS: usize = 20;

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
        // An act on a project leaves an action as well, and folds under it: the audit log offers those.
        for act in Act::ALL.iter().filter(|act| act.facts().group != Group::Projects) {
            options.add_type(act.facts().group, act.as_str(), act.label());
        }
        options.types.sort_by_key(|(group, _)| *group);
        // An event's label finds what the action's word for the same outcome finds: it is offered once.
        options.statuses.extend(ACTION_STATUSES.map(|word| choice(word, humanised(word))));
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

impl Options {
    /// The known words, those that `rows` bring, whoever is filtered by, and the words and users of `page`: a record
    /// may be too young to have been gathered.
    pub(super) fn with(rows: Vec<Row>, names: &Names, filter: &Filter, page: &TimelinePage) -> Self {
        let mut options = Self::known();
        let mut unknown_types = BTreeSet::new();
        for user in filter.actors.only.iter().chain(&filter.actors.not) {
            options.add_actor(user, names.of_user(user));
        }
        for row in rows {
            match row.source.as_str() {
                "status" => add_word(&mut options.statuses, &row.id),
                "environment" => add_word(&mut options.environments, &row.id),
                "actor" => options.add_actor(&row.id, names.of_user(&row.id)),
                _ => {
                    unknown_types.insert(row.id);
                }
            }
        }
        for entry in page.entries.iter().flat_map(|entry| std::iter::once(entry).chain(&entry.folded)) {
            if let (Some(status), Source::Action) = (&entry.status, entry.source()) {
                add_word(&mut options.statuses, status.as_str());
            }
            if let Some(environment) = &entry.environment {
                add_word(&mut options.environments, environment);
            }
            if let EntryKind::Action(kind) = &entry.kind {
                unknown_types.insert(kind.as_str().to_owned());
            }
            if let Some(user) = &entry.actor.user {
                options.add_actor(user, &entry.actor.name);
            }
        }
        unknown_types.retain(|word| is_offered(word) && !options.knows_type(word));
        for value in unknown_types.into_iter().take(MOST_UNKNOWN) {
            options.add_type(Group::Other, &value, humanised(&value));
        }
        options.actors.sort_by_key(|choice| choice.label.to_lowercase());
        options
    }

    fn add_actor(&mut self, id: &str, name: &str) {
        if self.actors.len() < MOST_ACTORS && !self.actors.iter().any(|known| known.value == id) {
            self.actors.push(choice(id, name.to_owned()));
        }
    }
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
    let held: Vec<(String, String, Option<String>)> = s.load(conn)?;
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

/// The words that the newest thousand actions of `project` hold in one column, sorted; at most fifty.
///
/// # Errors
/// When the statement fails.
pub fn held(
    conn: &mut PgConnection,
    project: crate::db::ids::ProjectId,
    column: HeldIn,
) -> QueryResult<Vec<String>> {
    let mut s = Statement::<(Text,)>::new();
    s.sql("SELECT DISTINCT word FROM (SELECT a.").sql(match column {
        HeldIn::Type => "action_type",
        HeldIn::Status => "status",
        HeldIn::Environment => "environment",
    });
    s.sql("::text AS word FROM turbobackend.project_actions a WHERE a.project_id = ")
        .text(project.to_string());
    s.sql(" ORDER BY a.created_at DESC, a.action_id COLLATE \"C\" DESC LIMIT 1000) r WHERE word <> '' ORDER BY word LIMIT 50");
    let found: Vec<(String,)> = s.load(conn)?;
    Ok(found.into_iter().map(|(word,)| word).collect())
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
        let acts = Act::ALL.iter().filter(|act| act.facts().group != Group::Projects).count();
        assert_eq!(values.len(), ActionType::ALL.len() + EventType::ALL.len() + acts);
        values.sort_unstable();
        values.dedup();
        let acts = Act::ALL.iter().filter(|act| act.facts().group != Group::Projects).count();
        assert_eq!(values.len(), ActionType::ALL.len() + EventType::ALL.len() + acts);
        assert!(options.types.is_sorted_by_key(|(group, _)| *group));
    }
}
