//! Audit entries with the columns that only admins may read, many at once.

use std::collections::HashMap;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text};
use ipnetwork::IpNetwork;
use serde_json::Value;

use super::filter::Filter;
use super::position::TimelineCursor;
use super::timeline::records::{self, Record};
use super::timeline::{Entry, Scope};
use super::{Source, redaction};
use crate::db::batch::{self, weight_of_json};
use crate::db::schema::activity_logs;
use crate::db::statement::Statement;

diesel::define_sql_function! {
    /// JSON as text: a client may not read what PostgreSQL can nest.
    #[sql_name = "jsonb_pretty"]
    fn json_text(json: Nullable<Jsonb>) -> Nullable<Text>;
}

/// JSON as stored. What is nested too deeply for a client stays a text.
#[derive(Debug, Clone)]
pub struct StoredJson(Option<Value>);

impl Queryable<Nullable<Text>, Pg> for StoredJson {
    type Row = Option<String>;

    fn build(text: Option<String>) -> diesel::deserialize::Result<Self> {
        Ok(Self(text.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text)))))
    }
}

impl From<StoredJson> for Option<Value> {
    fn from(json: StoredJson) -> Self {
        json.0
    }
}

/// What an audit entry says beside its place in the timeline.
#[derive(Debug, Clone, Default, Queryable)]
pub struct Columns {
    /// What the actor was called at the time.
    pub actor_name: Option<String>,
    /// The actor's address at the time.
    pub actor_email: Option<String>,
    /// `owner`, `admin` or `system`.
    pub actor_role: Option<String>,
    /// The admin who acted in the actor's place.
    pub acting_admin: Option<String>,
    /// What the target was.
    pub target_kind: Option<String>,
    /// Its id.
    pub target_id: Option<String>,
    /// What it was called.
    pub target_name: Option<String>,
    /// Where the act came from.
    pub ip: Option<IpNetwork>,
    /// With which browser.
    pub user_agent: Option<String>,
    /// What other programs wrote beside it.
    pub metadata: Option<String>,
    /// The changed fields as they were.
    #[diesel(deserialize_as = StoredJson)]
    pub before: Option<Value>,
    /// The changed fields as they became.
    #[diesel(deserialize_as = StoredJson)]
    pub after: Option<Value>,
}

/// `filter`, of audit entries alone.
#[must_use]
pub fn audit_only(filter: &Filter) -> Filter {
    let mut filter = filter.clone();
    filter.sources.only = vec![Source::Audit.as_str().to_owned()];
    filter
}

/// Entries with their columns, and where the next batch begins.
pub type Batch = (Vec<(Entry, Columns)>, Option<TimelineCursor>);

/// [`records::batch`] of audit entries, with all their columns. For admins: others have no right to them.
///
/// # Errors
/// When a statement fails, as it does for an owner.
pub fn batch(conn: &mut PgConnection, filter: &Filter, before: TimelineCursor) -> QueryResult<Batch> {
    let (mut read, mut next) = records::batch(conn, Scope::Everything, &audit_only(filter), before)?;
    let weights = weights_of(conn, read.iter().map(|record| record.entry.id().to_owned()).collect())?;
    let weight = |record: &Record| weights.get(record.entry.id()).copied().unwrap_or_default();
    let fits = batch::fitting(read.iter().map(weight));
    if fits < read.len() {
        read.truncate(fits);
        next = read.last().map(|record| record.entry.position.clone());
    }
    let ids: Vec<&str> = read.iter().map(|record| record.entry.id()).collect();
    let mut columns = columns_of(conn, &ids)?;
    let whole = read.into_iter().map(|Record { entry, .. }| {
        let columns = columns.remove(entry.id()).unwrap_or_default();
        (entry, columns)
    });
    Ok((whole.collect(), next))
}

/// The bytes of the columns that anybody may make long.
fn weights_of(conn: &mut PgConnection, ids: Vec<String>) -> QueryResult<HashMap<String, i64>> {
    let mut s = Statement::<(Text, BigInt)>::new();
    s.sql(concat!(
        "SELECT l.id, coalesce(octet_length(l.metadata), 0) + coalesce(octet_length(l.\"userAgent\"), 0) + ",
        weight_of_json!("l.before"),
        " + ",
        weight_of_json!("l.after"),
        " FROM public.\"ActivityLog\" l WHERE l.id = ANY("
    ));
    s.texts(ids).sql(")");
    Ok(s.load::<(String, i64)>(conn)?.into_iter().collect())
}

/// The columns of the entries with these ids. For admins.
///
/// # Errors
/// When the statement fails, as it does for an owner.
pub fn columns_of(conn: &mut PgConnection, ids: &[&str]) -> QueryResult<HashMap<String, Columns>> {
    let mut columns: HashMap<String, Columns> = activity_logs::table
        .filter(activity_logs::id.eq_any(ids))
        .select((
            activity_logs::id,
            (
                activity_logs::actor_name,
                activity_logs::actor_email,
                activity_logs::actor_role,
                activity_logs::acting_admin_id,
                activity_logs::target_type,
                activity_logs::target_id,
                activity_logs::target_name,
                activity_logs::ip,
                activity_logs::user_agent,
                activity_logs::metadata,
                json_text(activity_logs::before),
                json_text(activity_logs::after),
            ),
        ))
        .load(conn)?
        .into_iter()
        .collect();
    for one in columns.values_mut() {
        // Other programs, and older versions, may have written what this one would not.
        redaction::hide(one.before.as_mut(), one.after.as_mut());
    }
    Ok(columns)
}
