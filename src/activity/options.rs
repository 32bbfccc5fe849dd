//! What a timeline can be filtered by: the words that the console knows, and those that the viewer's data holds.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::filter::Filter;
use super::timeline::{EntryKind, Scope, TimelinePage, WordColumn, scope};
use super::{ActionType, Environment, EventType, FAILED, Source};
use crate::audit::AuditAction;
use crate::db::ids::ProjectId;
use crate::db::statement::Statement;
use crate::vocabulary::{Group, as_written, humanised};

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
    pub environments: Vec<Choice>,
    /// Users who appear in recent entries.
    pub actors: Vec<Choice>,
}

/// Words of one kind that the data holds and the console does not know, at most.
const MOST_UNKNOWN: usize = 50;

/// One word finds every failure; the others for it are not offered beside it.
fn is_said_otherwise(word: &str) -> bool {
    FAILED.iter().skip(1).any(|other| word.eq_ignore_ascii_case(other))
}

/// Adds a word that the console does not know. The same word in another case finds the same rows.
fn add_word(list: &mut Vec<Choice>, word: &str) {
    let is_known = |known: &Choice| known.value.eq_ignore_ascii_case(word);
    if list.len() < MOST_UNKNOWN && is_offered(word) && !list.iter().any(is_known) {
        list.push(choice(word, as_written(word)));
    }
}

/// Characters of a word that is offered: nobody reads longer ones in a list.
const LONGEST_OFFERED: usize = 200;

fn is_offered(word: &str) -> bool {
    !word.is_empty() && word.chars().count() <= LONGEST_OFFERED
}

/// Users offered at most: those of the newest entries.
const MOST_ACTORS: usize = 10;

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
        for act in AuditAction::ALL.iter().filter(|act| act.facts().group != Group::Projects) {
            options.add_type(act.facts().group, act.as_str(), act.label());
        }
        options.types.sort_by_key(|(group, _)| *group);
        // One word for each outcome; others are offered where they stand on the page.
        options.statuses.extend(["success", "failed", "running"].map(|word| choice(word, humanised(word))));
        options
            .environments
            .extend(Environment::ALL.iter().map(|e| choice(e.as_str(), as_written(e.as_str()))));
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
    /// The known words, those of `page`, and whom `filter` names.
    pub fn of_page(conn: &mut PgConnection, filter: &Filter, page: &TimelinePage) -> QueryResult<Self> {
        let mut options = Self::known();
        let mut unknown_types = BTreeSet::new();
        let entries = || page.entries.iter().flat_map(|entry| std::iter::once(entry).chain(&entry.folded));
        let named: Vec<&String> = filter.actors.only.iter().chain(&filter.actors.not).collect();
        if !named.is_empty() {
            // An id that is none of a user's names itself.
            let asked: Vec<&String> =
                named.iter().copied().filter(|id| uuid::Uuid::try_parse(id).is_ok()).collect();
            let called = if asked.is_empty() { Vec::new() } else { users_called(conn, &asked)? };
            for user in named {
                let on_page = || {
                    entries()
                        .find(|entry| entry.actor.user.as_ref() == Some(user))
                        .map(|e| e.actor.name.clone())
                };
                let name = called.iter().find(|(id, _)| id == user).map(|(_, name)| name.clone());
                options.add_actor(user, &name.or_else(on_page).unwrap_or_else(|| user.clone()));
            }
        }
        for entry in entries() {
            if let Some(status) = entry.status.as_ref().filter(|status| !is_said_otherwise(status.as_str())) {
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
            options.add_type(Group::Other, &value, as_written(&value));
        }
        // Of what the other sources know, a menu offers what is here; all of it has an address of its own.
        let here: BTreeSet<&str> = entries().map(|entry| entry.kind.as_str()).collect();
        let is_asked = |word: &String| filter.types.only.contains(word) || filter.types.not.contains(word);
        for (_, choices) in &mut options.types {
            choices.retain(|choice| {
                let is_other = EventType::from_stored(&choice.value).is_known()
                    || AuditAction::from_stored(&choice.value).is_known();
                !is_other || here.contains(choice.value.as_str()) || is_asked(&choice.value)
            });
        }
        options.types.retain(|(_, choices)| !choices.is_empty());
        options.actors.sort_by_key(|choice| choice.label.to_lowercase());
        Ok(options)
    }

    /// What `page` of the audit log is filtered by.
    #[must_use]
    pub fn of_audit_log(page: &TimelinePage) -> Self {
        let mut options = Self::default();
        for act in AuditAction::ALL {
            options.add_type(act.facts().group, act.as_str(), act.label());
        }
        for entry in page.entries.iter().flat_map(|entry| std::iter::once(entry).chain(&entry.folded)) {
            let word = entry.kind.as_str();
            if is_offered(word) && !options.knows_type(word) {
                options.add_type(Group::Other, word, as_written(word));
            }
            if let Some(user) = &entry.actor.user {
                options.add_actor(user, &entry.actor.name);
            }
        }
        options.actors.sort_by_key(|choice| choice.label.to_lowercase());
        options.types.sort_by_key(|(group, _)| *group);
        options
    }

    fn add_actor(&mut self, id: &str, name: &str) {
        if self.actors.len() < MOST_ACTORS && !self.actors.iter().any(|known| known.value == id) {
            self.actors.push(choice(id, name.to_owned()));
        }
    }
}

fn users_called(conn: &mut PgConnection, ids: &[&String]) -> QueryResult<Vec<(String, String)>> {
    use crate::db::schema::users;
    let read: Vec<(String, Option<String>, String)> = users::table
        .filter(users::id_text.eq_any(ids))
        .select((users::id_text.assume_not_null(), users::name, users::email))
        .load(conn)?;
    let called = |(id, name, email): (String, Option<String>, String)| {
        (id, name.filter(|name| !name.trim().is_empty()).unwrap_or(email))
    };
    Ok(read.into_iter().map(called).collect())
}

/// Whether `project` holds an action with `word` in `column`.
pub fn holds(
    conn: &mut PgConnection,
    project: ProjectId,
    column: WordColumn,
    word: &str,
) -> QueryResult<bool> {
    let mut s = Statement::<(Text,)>::new();
    s.sql("SELECT t.id FROM pilothouse.timeline t WHERE ");
    scope(&mut s, Scope::Project(project));
    s.sql(" AND t.source = 'action' AND ").sql(column.name()).sql(" = ");
    s.text(column.stored(word)).sql(" LIMIT 1");
    let found: Vec<(String,)> = s.load(conn)?;
    Ok(!found.is_empty())
}

/// Words that a column holds within a scope, at most.
const MOST_HELD: &str = "200";

/// The words in `column` within `of`: by steps along its index, however many rows have each.
pub fn held(conn: &mut PgConnection, of: Scope, column: WordColumn) -> QueryResult<Vec<String>> {
    let mut s = Statement::<(Text,)>::new();
    let name = column.name();
    if column == WordColumn::Environment {
        // Few, and no index has them: those of the newest entries.
        s.sql("SELECT DISTINCT n.environment FROM (SELECT t.environment FROM pilothouse.timeline t WHERE ");
        scope(&mut s, of);
        s.sql(" ORDER BY t.at DESC, t.source DESC, t.id DESC LIMIT 5000) n WHERE n.environment IS NOT NULL ");
        s.sql("ORDER BY 1 LIMIT ").sql(MOST_HELD);
        return Ok(s.load::<(String,)>(conn)?.into_iter().map(|(word,)| word).collect());
    }
    let next = |s: &mut Statement<(Text,)>, beyond: &'static str| {
        s.sql("(SELECT ").sql(name).sql(" AS word FROM pilothouse.timeline t WHERE ");
        scope(s, of);
        s.sql(" AND ").sql(name).sql(beyond);
        if column == WordColumn::Status {
            s.sql(" AND t.status_word <> 'success'");
        }
        s.sql(" ORDER BY ").sql(name).sql(" LIMIT 1)");
    };
    s.sql("WITH RECURSIVE step AS (");
    next(&mut s, " > ''");
    s.sql(" UNION ALL SELECT ");
    next(&mut s, " > step.word");
    s.sql(" FROM step WHERE step.word IS NOT NULL) SELECT step.word FROM step WHERE step.word IS NOT NULL LIMIT ");
    s.sql(MOST_HELD);
    Ok(s.load::<(String,)>(conn)?.into_iter().map(|(word,)| word).collect())
}

/// The same for the audit log, of whose newest entries it is read: nobody else writes words there.
pub fn all_of_audit_log(conn: &mut PgConnection, column: WordColumn) -> QueryResult<Vec<Choice>> {
    let mut s = Statement::<(Text,)>::new();
    s.sql("SELECT DISTINCT ").sql(column.name());
    s.sql(
        " FROM (SELECT * FROM pilothouse.timeline t WHERE t.source = 'audit' \
         ORDER BY t.at DESC, t.source DESC, t.id DESC LIMIT 5000) t WHERE ",
    );
    s.sql(column.name()).sql(" IS NOT NULL LIMIT ").sql(MOST_HELD);
    let words = s.load::<(String,)>(conn)?.into_iter().map(|(word,)| word).collect();
    in_words(conn, column, words)
}

/// All that a filter may ask `column` for within `of`, known or not, in words.
pub fn all(conn: &mut PgConnection, of: Scope, column: WordColumn) -> QueryResult<Vec<Choice>> {
    let mut words = held(conn, of, column)?;
    if column == WordColumn::Status {
        words.push("success".to_owned());
    }
    if column == WordColumn::Type {
        // An act on a project leaves an action as well, and folds under it: the audit log offers those.
        words.retain(|word| AuditAction::from_stored(word).facts().group != Group::Projects);
    }
    in_words(conn, column, words)
}

fn in_words(conn: &mut PgConnection, column: WordColumn, mut words: Vec<String>) -> QueryResult<Vec<Choice>> {
    if column == WordColumn::Status && words.iter().any(|word| is_said_otherwise(word)) {
        words.push(FAILED[0].to_owned());
    }
    words.retain(|word| is_offered(word) && !(column == WordColumn::Status && is_said_otherwise(word)));
    words.sort();
    words.dedup();
    let names = if column == WordColumn::Actor {
        users_called(conn, &words.iter().collect::<Vec<_>>())?
    } else {
        Vec::new()
    };
    let known = Options::known();
    let label = |word: &String| match column {
        WordColumn::Actor => names.iter().find(|(id, _)| id == word).map(|(_, name)| name.clone()),
        WordColumn::Type => known
            .types
            .iter()
            .flat_map(|(_, choices)| choices)
            .find(|c| c.value == *word)
            .map(|c| c.label.clone()),
        WordColumn::Status | WordColumn::Environment => None,
    };
    let mut choices: Vec<Choice> = words
        .iter()
        .map(|word| {
            let label = label(word).unwrap_or_else(|| match column {
                WordColumn::Actor => word.clone(),
                _ => known
                    .statuses
                    .iter()
                    .find(|c| column == WordColumn::Status && c.value == *word)
                    .map_or_else(|| as_written(word), |c| c.label.clone()),
            });
            choice(word, label)
        })
        .collect();
    choices.sort_by_key(|choice| choice.label.to_lowercase());
    Ok(choices)
}

#[must_use]
pub fn source_label(source: Source) -> &'static str {
    match source {
        Source::Action => "Actions",
        Source::Audit => "Audit",
        Source::Engine => "Engine",
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
        let acts = AuditAction::ALL.iter().filter(|act| act.facts().group != Group::Projects).count();
        assert_eq!(values.len(), ActionType::ALL.len() + EventType::ALL.len() + acts);
        values.sort_unstable();
        values.dedup();
        let acts = AuditAction::ALL.iter().filter(|act| act.facts().group != Group::Projects).count();
        assert_eq!(values.len(), ActionType::ALL.len() + EventType::ALL.len() + acts);
        assert!(options.types.is_sorted_by_key(|(group, _)| *group));
    }
}
