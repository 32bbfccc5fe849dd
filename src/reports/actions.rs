//! Activities that programs report: rows of `project_actions`, all of a request or none.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text};
use serde::Serialize;
use serde_json::{Value, json};

use crate::db::ids::ProjectId;
use crate::runtime::Entropy;

/// An activity as it was reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportedAction {
    /// Made by the reporter, so that a retry is told from something new.
    pub action_id: Option<String>,
    pub user_id: Option<String>,
    pub request_id: Option<String>,
    pub action_type: String,
    pub action_details: Option<String>,
    pub status: Option<String>,
    pub environment: Option<String>,
    pub reference_ids: Option<Value>,
    /// Epoch milliseconds by the reporter's clock.
    pub created_at: Option<i64>,
}

/// What became of one activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub action_id: String,
    pub created_at: i64,
    pub is_new: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The element with this index has an id that something else has.
    #[error("another record has this id")]
    Taken(usize),
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

#[derive(QueryableByName)]
struct Inserted {
    #[diesel(sql_type = Text)]
    id: String,
}

/// A record that has the id of the element with this number.
#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = BigInt)]
    n: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    created_at: Option<i64>,
    #[diesel(sql_type = Bool)]
    agrees: bool,
}

/// The elements as rows `r`: one parameter, whatever their number.
macro_rules! elements {
    () => {
        "pg_catalog.jsonb_to_recordset($2) AS r (n bigint, action_id text, user_id text, request_id text, action_type text, \
         action_details text, status text, environment text, reference_ids jsonb, created_at bigint)"
    };
}

/// Records what was reported of `project`; `now_ms` where no time was told.
pub fn record(
    conn: &mut PgConnection,
    project: ProjectId,
    mut reported: Vec<ReportedAction>,
    now_ms: i64,
) -> Result<Vec<Kept>, ReportError> {
    let project = project.to_string();
    let mut elements = Vec::with_capacity(reported.len());
    for (n, action) in reported.iter_mut().enumerate() {
        action.action_id.get_or_insert_with(|| format!("act_{}", Entropy.ordered_uuid(now_ms).simple()));
        let mut element = json!(action);
        element["n"] = json!(n);
        elements.push(element);
    }
    let elements = Value::Array(elements);
    let inserted: Vec<Inserted> = diesel::sql_query(concat!(
        "WITH kept AS (INSERT INTO turbobackend.project_actions (action_id, project_id, user_id, request_id, action_type, \
             action_details, status, environment, reference_ids, created_at) \
         SELECT r.action_id, $1, r.user_id, r.request_id, r.action_type, r.action_details, r.status, r.environment, \
             r.reference_ids, coalesce(r.created_at, $3) FROM ",
        elements!(),
        // Of elements with one id the first is inserted. Two requests take their rows in one order.
        " ORDER BY r.action_id, r.n ON CONFLICT DO NOTHING RETURNING action_id), \
         told AS (INSERT INTO pilothouse.reports (source, id, token_id) \
             SELECT 'action', k.action_id, pilothouse.app_token_id() FROM kept k ON CONFLICT DO NOTHING) \
         SELECT k.action_id::text AS id FROM kept k"
    ))
    .bind::<Text, _>(&project)
    .bind::<Jsonb, _>(&elements)
    .bind::<BigInt, _>(now_ms)
    .load(conn)?;
    let mut new: HashSet<String> = inserted.into_iter().map(|row| row.id).collect();
    let known: Vec<Known> = if new.len() == reported.len() {
        Vec::new()
    } else {
        diesel::sql_query(concat!(
            "SELECT r.n, a.created_at, (a.project_id, a.user_id, a.request_id, a.action_type, a.action_details, a.status, \
                 a.environment, a.reference_ids) IS NOT DISTINCT FROM ($1::varchar, r.user_id::varchar, \
                 r.request_id::varchar, r.action_type::varchar, r.action_details::varchar, r.status::varchar, \
                 r.environment::varchar, r.reference_ids) \
                 AND coalesce(r.created_at = a.created_at, r.created_at IS NULL) AS agrees FROM ",
            elements!(),
            " JOIN turbobackend.project_actions a ON a.action_id = r.action_id"
        ))
        .bind::<Text, _>(&project)
        .bind::<Jsonb, _>(&elements)
        .load(conn)?
    };
    let known: HashMap<i64, Known> = known.into_iter().map(|row| (row.n, row)).collect();
    let mut kept = Vec::with_capacity(reported.len());
    for (at, action) in reported.into_iter().enumerate() {
        let action_id = action.action_id.unwrap_or_default();
        if new.remove(&action_id) {
            kept.push(Kept { action_id, created_at: action.created_at.unwrap_or(now_ms), is_new: true });
            continue;
        }
        // What another tenant has is not seen, and is answered like other content.
        let row = i64::try_from(at).ok().and_then(|n| known.get(&n));
        let row = row.filter(|row| row.agrees).ok_or(ReportError::Taken(at))?;
        kept.push(Kept { action_id, created_at: row.created_at.unwrap_or(0), is_new: false });
    }
    Ok(kept)
}
