//! What an audit entry says beside its place in the timeline, which only admins may read.

use std::collections::HashMap;
use std::net::IpAddr;

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use ipnetwork::IpNetwork;
use serde_json::Value;

use super::redaction;
use crate::db::batch::weight_of_json;
use crate::db::functions::beginning;
use crate::db::schema::activity_logs;
use crate::db::statement::Statement;

/// What changed is compared field by field up to so many bytes of JSON on either side.
const LONGEST_COMPARED: i64 = 60_000;

/// How much of the columns is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What a page shows: JSON that is too much to compare is left out.
    Page,
    Whole,
}

/// JSON, which PostgreSQL writes as a text, because it nests deeper than a client reads. What does stays a text.
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
    pub target_kind: Option<String>,
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

/// Where an act came from, and what it was done to.
#[derive(Debug, Clone, Queryable)]
pub struct Marks {
    pub ip: Option<IpNetwork>,
    pub target_kind: Option<String>,
    pub target_id: Option<String>,
    pub target_name: Option<String>,
}

/// The marks of the entries with these ids. For admins.
pub fn marks_of(conn: &mut PgConnection, ids: Vec<String>) -> QueryResult<HashMap<String, Marks>> {
    let marks = activity_logs::table.filter(activity_logs::id.eq_any(ids)).select((
        activity_logs::id,
        (
            activity_logs::ip,
            beginning(activity_logs::target_type, 500),
            beginning(activity_logs::target_id, 500),
            beginning(activity_logs::target_name, 500),
        ),
    ));
    Ok(marks.load(conn)?.into_iter().collect())
}

/// Whether anything is on record that came from `address`. For admins.
pub fn was_seen(conn: &mut PgConnection, address: IpAddr) -> QueryResult<bool> {
    let from_there = activity_logs::table.filter(activity_logs::ip.eq(IpNetwork::from(address)));
    diesel::select(diesel::dsl::exists(from_there)).get_result(conn)
}

/// The bytes of the columns that anybody may make long.
pub fn weights_of(conn: &mut PgConnection, ids: Vec<String>) -> QueryResult<HashMap<String, i64>> {
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
pub fn columns_of(
    conn: &mut PgConnection,
    ids: &[&str],
    extent: Extent,
) -> QueryResult<HashMap<String, Columns>> {
    let (characters, bytes) = match extent {
        Extent::Page => (2_000, LONGEST_COMPARED),
        Extent::Whole => (i32::MAX, i64::MAX),
    };
    let json = |column: &'static str| {
        sql::<Nullable<Text>>("CASE WHEN octet_length(")
            .sql(column)
            .sql("::text) <= ")
            .bind::<BigInt, _>(bytes)
            .sql(" THEN jsonb_pretty(")
            .sql(column)
            .sql(") END")
    };
    let mut columns: HashMap<String, Columns> = activity_logs::table
        .filter(activity_logs::id.eq_any(ids))
        .select((
            activity_logs::id,
            (
                beginning(activity_logs::actor_name, characters),
                beginning(activity_logs::actor_email, characters),
                beginning(activity_logs::actor_role, characters),
                beginning(activity_logs::acting_admin_id, characters),
                beginning(activity_logs::target_type, characters),
                beginning(activity_logs::target_id, characters),
                beginning(activity_logs::target_name, characters),
                activity_logs::ip,
                beginning(activity_logs::user_agent, characters),
                beginning(activity_logs::metadata, characters),
                json("\"ActivityLog\".before"),
                json("\"ActivityLog\".after"),
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
