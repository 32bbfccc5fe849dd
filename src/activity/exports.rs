//! Exports: what leaves the console as a file is on record before its first byte does.

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use diesel::prelude::*;
use serde_json::json;

use crate::audit::{self, AuditAction, Target};
use crate::db::ids::ProjectId;
use crate::db::time::{UtcTime, now};
use crate::identity::Principal;

diesel::define_sql_function! {
    /// When the transaction's user started exports, newest first; holds off their others until it ends.
    #[sql_name = "pilothouse.own_exports_between"]
    fn own_exports_between(first: crate::db::time::Timestamp, last: crate::db::time::Timestamp) -> Array<crate::db::time::Timestamp>;
}

/// How many exports somebody may start within [`WINDOW`].
pub const MOST: usize = 5;
/// The time in which [`MOST`] counts.
pub const WINDOW: Duration = Duration::minutes(1);

/// Why an export does not begin.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Its user has started [`MOST`] within [`WINDOW`].
    #[error("too many exports; wait {wait_seconds} s")]
    TooMany {
        /// How long until the next one may start.
        wait_seconds: u64,
    },
    /// A statement failed: without a record there is no export.
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

/// What is exported, as its audit entry names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// "the list of projects", "the activity of shop-api".
    pub what: String,
    /// The project whose owner reads in the timeline that it was exported.
    pub project: Option<ProjectId>,
    /// `csv` or `jsonl`.
    pub format: &'static str,
    /// The filters that were on, by their names in the address.
    pub filters: Vec<(String, String)>,
}

/// The longest name or value of a filter that an audit entry keeps, in characters.
const LONGEST_VALUE: usize = 300;

/// The most filters that an audit entry keeps.
const MOST_FILTERS: usize = 100;

fn short(text: &str) -> String {
    text.chars().take(LONGEST_VALUE).collect()
}

/// Records that `principal` starts `export`. Answers when it began, by the database's clock: rows that are
/// written later do not belong to it.
///
/// # Errors
/// [`ExportError::TooMany`], or when the record can't be written.
pub fn begin(
    conn: &mut PgConnection,
    principal: &Principal,
    export: &Export,
) -> Result<DateTime<Utc>, ExportError> {
    let at = principal.at.naive_utc();
    // Another instance's clock may be a little ahead; one that is far off must not stop anybody for good.
    let recent: Vec<NaiveDateTime> =
        diesel::select(own_exports_between(UtcTime(at - WINDOW), UtcTime(at + WINDOW))).get_result(conn)?;
    if let Some(oldest) = recent.get(MOST - 1) {
        let wait = (*oldest + WINDOW - at).num_seconds() + 1;
        return Err(ExportError::TooMany { wait_seconds: u64::try_from(wait).unwrap_or(1).max(1) });
    }
    let target = match export.project {
        Some(id) => Target::project(id, &export.what),
        None => Target { kind: "export", id: String::new(), name: export.what.clone(), project: None },
    };
    let filters: Vec<String> = export
        .filters
        .iter()
        .take(MOST_FILTERS)
        .map(|(name, value)| format!("{}={}", short(name), short(value)))
        .collect();
    let after = json!({ "format": export.format, "filters": filters });
    audit::record_change(conn, principal, &AuditAction::Exported, &target, serde_json::Value::Null, after)?;
    Ok(diesel::select(now).get_result(conn)?)
}

/// Now, by the database's clock.
pub fn database_now(conn: &mut PgConnection) -> QueryResult<DateTime<Utc>> {
    diesel::select(now).get_result(conn)
}

/// Whether a row that was made at `created` belongs to an export that began at `began`, when it is read at
/// `read`. A row whose writer's clock runs ahead was there before.
#[must_use]
pub fn was_there(created: Option<DateTime<Utc>>, began: DateTime<Utc>, read: DateTime<Utc>) -> bool {
    created.is_none_or(|created| created <= began || created > read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_while_an_export_runs_does_not_belong_to_it() {
        let at = |second: i64| DateTime::from_timestamp(1_763_640_000 + second, 0).unwrap();
        assert!(was_there(None, at(0), at(9)));
        assert!(was_there(Some(at(0)), at(0), at(9)));
        assert!(!was_there(Some(at(1)), at(0), at(9)));
        assert!(!was_there(Some(at(9)), at(0), at(9)));
        assert!(was_there(Some(at(10)), at(0), at(9)), "a clock that runs ahead hides nothing");
    }
}
