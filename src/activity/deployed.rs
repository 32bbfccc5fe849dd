//! What runs where: of each environment of a project the newest deployment that went well, and one that failed since.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::timeline::{Entry, Row, RowStatement, Scope, scope, shown};
use super::{ActionType, Environment, Outcome};
use crate::db::ids::ProjectId;

/// One environment; one of the two entries is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// As workers name it; none where they don't.
    pub environment: Option<String>,
    /// The newest deployment that went well.
    pub good: Option<Entry>,
    /// The newest that failed, when that was later.
    pub failed: Option<Entry>,
}

/// The environments to which one of the project's newest thousand deployments went: production first.
pub fn of_project(conn: &mut PgConnection, project: ProjectId) -> QueryResult<Vec<Deployed>> {
    let rows: Vec<Row> = statement(project).load(conn)?;
    let mut found: BTreeMap<(usize, Option<String>), Deployed> = BTreeMap::new();
    for entry in rows.into_iter().filter_map(Row::into_entry) {
        let environment = entry.environment.clone();
        let one = found.entry((rank(environment.as_deref()), environment.clone())).or_insert(Deployed {
            environment,
            good: None,
            failed: None,
        });
        match entry.status.as_ref().map(super::Status::outcome) {
            Some(Outcome::Good) => one.good = Some(entry),
            _ => one.failed = Some(entry),
        }
    }
    let mut deployed: Vec<Deployed> = found.into_values().collect();
    for one in &mut deployed {
        let last = one.good.as_ref().map(|entry| entry.position.clone());
        one.failed = one.failed.take().filter(|failed| last.is_none_or(|last| failed.position > last));
    }
    Ok(deployed)
}

/// How PostgreSQL reads them.
pub fn plan(conn: &mut PgConnection, project: ProjectId) -> QueryResult<Vec<String>> {
    statement(project).explain(conn)
}

fn statement(project: ProjectId) -> RowStatement {
    let mut s = RowStatement::new();
    shown(&mut s, |s| {
        s.sql(
            "SELECT DISTINCT ON (t.environment, t.outcome) 'deployed' AS part, t.* FROM (\
             SELECT t.* FROM pilothouse.timeline t WHERE ",
        );
        scope(s, Scope::Project(project));
        s.sql(" AND t.kind = '").sql(ActionType::Deployment.as_str());
        s.sql(
            "' ORDER BY t.at DESC LIMIT 1000) t \
             WHERE t.source = 'action' AND t.outcome IN ('good', 'bad') \
             ORDER BY t.environment, t.outcome, t.at DESC, t.id DESC",
        );
    });
    s
}

fn rank(environment: Option<&str>) -> usize {
    let known = [Environment::Production, Environment::Staging, Environment::Development];
    let Some(name) = environment else { return known.len() + 1 };
    known.iter().position(|known| known.as_str() == name).unwrap_or(known.len())
}
