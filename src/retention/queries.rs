//! Rules, what they will delete, and holds.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::run::{self, Gone};
use super::{Class, due, standing};
use crate::db::ids::ProjectId;
use crate::db::schema::{deletions, holds, retention_rules, schedules};

pub use super::due::DueRow;
pub use super::standing::Standing;

/// Rows that a page counts at most.
pub const MOST_COUNTED: i64 = 10_000;
/// Rows that a preview names.
const NAMED: i64 = 20;

/// How long a class is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub class: Class,
    /// For ever without a number.
    pub keep_days: Option<i32>,
    pub changed_at: Option<DateTime<Utc>>,
    pub changed_by: Option<String>,
    pub reason: Option<String>,
    /// When the last run ended that was complete.
    pub ended_at: Option<DateTime<Utc>>,
    /// What went in it.
    pub last_gone: Gone,
    /// Whether a run is under way.
    pub is_running: bool,
}

impl Rule {
    /// One that nobody has changed.
    #[must_use]
    pub fn usual(class: Class) -> Self {
        Self {
            class,
            keep_days: class.facts().usual,
            changed_at: None,
            changed_by: None,
            reason: None,
            ended_at: None,
            last_gone: Gone::new(),
            is_running: false,
        }
    }
}

type RuleRow = (
    String,
    Option<i32>,
    Option<DateTime<Utc>>,
    Option<String>,
    Option<String>,
    Option<DateTime<Utc>>,
    Value,
    Option<DateTime<Utc>>,
);

/// All rules, in the order of their classes.
pub fn rules(conn: &mut PgConnection) -> QueryResult<Vec<Rule>> {
    let rows: Vec<RuleRow> = retention_rules::table
        .select((
            retention_rules::class,
            retention_rules::keep_days,
            retention_rules::changed_at,
            retention_rules::changed_by,
            retention_rules::reason,
            retention_rules::ended_at,
            retention_rules::last_gone,
            retention_rules::began_at,
        ))
        .load(conn)?;
    let mut rules: Vec<Rule> = rows
        .into_iter()
        .filter_map(|(class, keep_days, changed_at, changed_by, reason, ended_at, gone, began_at)| {
            Some(Rule {
                class: Class::from_stored(&class)?,
                keep_days,
                changed_at,
                changed_by,
                reason,
                ended_at,
                last_gone: run::read(&gone).into_iter().collect(),
                is_running: began_at.is_some(),
            })
        })
        .collect();
    let is_missing = |class: &Class| !rules.iter().any(|rule| rule.class == *class);
    let missing: Vec<Class> = Class::ALL.into_iter().filter(is_missing).collect();
    rules.extend(missing.into_iter().map(Rule::usual));
    rules.sort_unstable_by_key(|rule| rule.class);
    Ok(rules)
}

/// The rule of one class.
pub fn rule(conn: &mut PgConnection, class: Class) -> QueryResult<Rule> {
    let rule = rules(conn)?.into_iter().find(|rule| rule.class == class);
    Ok(rule.unwrap_or_else(|| Rule::usual(class)))
}

/// When the next run is due.
pub fn next_run(conn: &mut PgConnection) -> QueryResult<Option<DateTime<Utc>>> {
    schedules::table.find("retain").select(schedules::next_at).first(conn).optional()
}

/// How each of these rules stands for a run at `at`: what it holds, and what would go.
pub fn overview(conn: &mut PgConnection, rules: &[Rule], at: DateTime<Utc>) -> QueryResult<Vec<Standing>> {
    let days: Vec<(Class, Option<i32>)> = rules.iter().map(|rule| (rule.class, rule.keep_days)).collect();
    standing::overview(conn, &days, at, MOST_COUNTED)
}

/// What would go of a class that is kept for `days`, by a run at `at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Counted up to [`MOST_COUNTED`].
    pub rows: i64,
    /// The oldest of them.
    pub named: Vec<DueRow>,
}

pub fn due(conn: &mut PgConnection, class: Class, days: i32, at: DateTime<Utc>) -> QueryResult<Due> {
    let cutoff = at - TimeDelta::days(days.into());
    Ok(Due {
        rows: due::count(conn, class, cutoff, MOST_COUNTED)?,
        named: due::shown(conn, class, cutoff, NAMED)?,
    })
}

/// What stops retention.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = holds)]
pub struct Hold {
    /// `project` or `user`.
    pub kind: String,
    pub id: Uuid,
    /// What it was called when the hold was placed.
    pub name: String,
    pub reason: String,
    pub placed_by: String,
    pub placed_at: DateTime<Utc>,
}

/// All holds, the newest first.
pub fn holds(conn: &mut PgConnection) -> QueryResult<Vec<Hold>> {
    holds::table.select(Hold::as_select()).order((holds::placed_at.desc(), holds::id)).limit(1_000).load(conn)
}

/// How long deleted projects stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    ForEver,
    Days(i32),
    /// This project is deleted, and goes at the first run after this.
    Until(DateTime<Utc>),
}

/// How long a deleted project stays: this one, if it is deleted.
pub fn term_of_project(conn: &mut PgConnection, id: ProjectId) -> QueryResult<Term> {
    let days: Option<Option<i32>> = retention_rules::table
        .find(Class::Projects.as_str())
        .select(retention_rules::keep_days)
        .first(conn)
        .optional()?;
    let Some(days) = days.unwrap_or(Class::Projects.facts().usual) else { return Ok(Term::ForEver) };
    let deleted: Option<DateTime<Utc>> =
        deletions::table.find(("project", id.0)).select(deletions::at).first(conn).optional()?;
    Ok(deleted.map_or(Term::Days(days), |at| Term::Until(at + TimeDelta::days(days.into()))))
}
