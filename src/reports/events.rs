//! Events that programs report: operations with a start, progress and an end. One that has ended stays ended.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Jsonb, Nullable, Text};
use serde_json::{Map, Value, json};

use crate::db::ids::ProjectId;
use crate::db::json::StoredJson;
use crate::db::schema::projects;
use crate::db::time::Timestamp;

/// What an event may say of itself.
pub const STATUSES: [&str; 3] = ["IN_PROGRESS", "COMPLETED", "FAILED"];

/// An event as the API shows it, with seed 003's names.
#[derive(Debug, Clone, Queryable, QueryableByName)]
pub struct Event {
    #[diesel(sql_type = Text)]
    pub id: String,
    #[diesel(sql_type = Text)]
    pub project_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub user_id: Option<String>,
    #[diesel(sql_type = Text)]
    pub event_type: String,
    #[diesel(sql_type = Text)]
    pub entity_type: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub entity_id: Option<String>,
    #[diesel(sql_type = Text)]
    pub title: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub description: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    metadata: Option<StoredJson>,
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = Nullable<Integer>)]
    pub duration: Option<i32>,
    #[diesel(sql_type = Timestamp)]
    pub created_at: NaiveDateTime,
    #[diesel(sql_type = Timestamp)]
    pub updated_at: NaiveDateTime,
}

/// What [`event_columns!`] are, in their order.
pub(super) type EventSql = (
    Text,
    Text,
    Nullable<Text>,
    Text,
    Text,
    Nullable<Text>,
    Text,
    Nullable<Text>,
    Nullable<Jsonb>,
    Text,
    Nullable<Integer>,
    Timestamp,
    Timestamp,
);

/// The columns of an [`Event`] of the row `e`.
macro_rules! event_columns {
    () => {
        "e.id, e.\"projectId\" AS project_id, e.\"userId\" AS user_id, e.\"eventType\"::text AS event_type, \
         e.\"entityType\" AS entity_type, e.\"entityId\" AS entity_id, e.title, e.description, e.metadata, \
         e.status::text AS status, e.duration, e.\"createdAt\" AS created_at, e.\"updatedAt\" AS updated_at"
    };
}
pub(super) use event_columns;

impl Event {
    fn metadata(&self) -> Option<Value> {
        self.metadata.clone().map(Value::from)
    }

    /// As the API writes it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let time = |at: NaiveDateTime| at.and_utc().to_rfc3339_opts(SecondsFormat::Millis, true);
        json!({
            "id": self.id, "projectId": self.project_id, "userId": self.user_id, "eventType": self.event_type,
            "entityType": self.entity_type, "entityId": self.entity_id, "title": self.title,
            "description": self.description, "metadata": self.metadata(), "status": self.status,
            "duration": self.duration, "createdAt": time(self.created_at), "updatedAt": time(self.updated_at),
        })
    }
}

/// An event as it was reported.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Made by the reporter, so that a retry is told from something new.
    pub id: Option<String>,
    pub user_id: Option<String>,
    pub event_type: String,
    pub entity_type: Option<String>,
    pub entity_id: Option<String>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub metadata: Option<Value>,
    pub status: Option<String>,
    /// Milliseconds.
    pub duration: Option<i32>,
    pub created_at: Option<DateTime<Utc>>,
}

/// What an event is told to have become.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventChange {
    pub status: Option<String>,
    pub title: Option<String>,
    /// Null takes it away.
    pub description: Option<Option<String>>,
    /// Laid over what is there; null takes a key away.
    pub metadata: Map<String, Value>,
}

#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The database does not have this type; these it has.
    #[error("unknown type")]
    UnknownType(Vec<String>),
    /// The user is not one.
    #[error("unknown user")]
    UnknownUser,
    /// Something else has this id.
    #[error("another record has this id")]
    Taken,
    /// It has ended, and stays what it is.
    #[error("it has ended as {0}")]
    Ended(String),
    #[error("no such event")]
    NotFound,
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

#[derive(QueryableByName)]
struct Label {
    #[diesel(sql_type = Text)]
    label: String,
}

/// Every type that the database takes, in its order: other programs add some.
pub fn known_types(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    let labels: Vec<Label> = diesel::sql_query(
        "SELECT e.enumlabel::text AS label FROM pg_catalog.pg_enum e \
         WHERE e.enumtypid = 'public.\"ActivityEventType\"'::regtype ORDER BY e.enumsortorder",
    )
    .load(conn)?;
    Ok(labels.into_iter().map(|row| row.label).collect())
}

/// Records an event of `project`. Answers it, and whether it is new. It may name `caller`, or who owns the project.
pub fn record(
    conn: &mut PgConnection,
    project: ProjectId,
    new: &NewEvent,
    id: &str,
    caller: Option<&str>,
    at: DateTime<Utc>,
) -> Result<(Event, bool), EventError> {
    let known = known_types(conn)?;
    if !known.contains(&new.event_type) {
        return Err(EventError::UnknownType(known));
    }
    if let Some(user) = new.user_id.as_deref().filter(|user| Some(*user) != caller)
        && !owns(conn, project, user)?
    {
        return Err(EventError::UnknownUser);
    }
    let created_at = new.created_at.unwrap_or(at).naive_utc();
    let status = new.status.as_deref().unwrap_or("IN_PROGRESS");
    let inserted: Vec<Event> = diesel::sql_query(concat!(
        "WITH e AS (INSERT INTO public.\"ActivityEvent\" (id, \"projectId\", \"userId\", \"eventType\", \"entityType\", \
             \"entityId\", title, description, metadata, status, duration, \"createdAt\", \"updatedAt\") \
         VALUES ($1, $2, $3, $4::text::public.\"ActivityEventType\", $5, $6, $7, $8, $9, \
             $10::text::public.\"ActivityEventStatus\", $11, $12, $13) ON CONFLICT DO NOTHING RETURNING *), \
         told AS (INSERT INTO pilothouse.reports (source, id, token_id) \
             SELECT 'event', e.id, pilothouse.app_token_id() FROM e ON CONFLICT DO NOTHING) SELECT ",
        event_columns!(),
        " FROM e"
    ))
    .bind::<Text, _>(id)
    .bind::<Text, _>(project.to_string())
    .bind::<Nullable<Text>, _>(&new.user_id)
    .bind::<Text, _>(&new.event_type)
    .bind::<Text, _>(new.entity_type.as_deref().unwrap_or("event"))
    .bind::<Nullable<Text>, _>(&new.entity_id)
    .bind::<Text, _>(new.title.clone().unwrap_or_else(|| new.event_type.clone()))
    .bind::<Nullable<Text>, _>(&new.description)
    .bind::<Nullable<Jsonb>, _>(&new.metadata)
    .bind::<Text, _>(status)
    .bind::<Nullable<Integer>, _>(new.duration)
    .bind::<Timestamp, _>(created_at)
    .bind::<Timestamp, _>(at.naive_utc())
    .load(conn)?;
    if let Some(event) = inserted.into_iter().next() {
        return Ok((event, true));
    }
    // What was reported then may have gone on since: what can't change has to agree.
    let stored = find(conn, id)?.filter(|stored| {
        stored.project_id == project.to_string()
            && stored.event_type == new.event_type
            && new
                .created_at
                .is_none_or(|at| at.timestamp_millis() == stored.created_at.and_utc().timestamp_millis())
            && new.entity_id == stored.entity_id
    });
    stored.map(|event| (event, false)).ok_or(EventError::Taken)
}

/// Whether `user` may be named as who did something in `project`: they own it.
fn owns(conn: &mut PgConnection, project: ProjectId, user: &str) -> QueryResult<bool> {
    let Ok(user) = user.parse::<crate::db::ids::UserId>() else { return Ok(false) };
    let owns = projects::table.find(project).filter(projects::user_id.eq(user));
    diesel::select(diesel::dsl::exists(owns)).get_result(conn)
}

/// The event with this id, if the actor sees it.
pub fn find(conn: &mut PgConnection, id: &str) -> QueryResult<Option<Event>> {
    diesel::sql_query(concat!(
        "SELECT ",
        event_columns!(),
        " FROM public.\"ActivityEvent\" e WHERE e.id = $1"
    ))
    .bind::<Text, _>(id)
    .get_result(conn)
    .optional()
}

/// Writes what an event has become, at `at` by the server's clock.
pub fn change(
    conn: &mut PgConnection,
    id: &str,
    change: &EventChange,
    at: DateTime<Utc>,
) -> Result<Event, EventError> {
    let stored: Option<Event> = diesel::sql_query(concat!(
        "SELECT ",
        event_columns!(),
        " FROM public.\"ActivityEvent\" e WHERE e.id = $1 FOR UPDATE"
    ))
    .bind::<Text, _>(id)
    .get_result(conn)
    .optional()?;
    let stored = stored.ok_or(EventError::NotFound)?;
    if stored.status != "IN_PROGRESS" {
        // The same end told twice is a retry.
        let same = change.status.as_ref().is_none_or(|status| *status == stored.status);
        let held = stored.metadata().unwrap_or_default();
        let agrees = |key: &String, value: &Value| held.get(key) == Some(value);
        if same
            && change.status.is_some()
            && change.metadata.iter().all(|(key, value)| agrees(key, value))
            && change.title.as_ref().is_none_or(|title| *title == stored.title)
            && change.description.as_ref().is_none_or(|description| *description == stored.description)
        {
            return Ok(stored);
        }
        return Err(EventError::Ended(stored.status));
    }
    let mut metadata = match stored.metadata() {
        Some(Value::Object(held)) => held,
        Some(other) if !change.metadata.is_empty() => Map::from_iter([("value".to_owned(), other)]),
        _ => Map::new(),
    };
    for (key, value) in &change.metadata {
        if value.is_null() {
            metadata.shift_remove(key);
        } else {
            metadata.insert(key.clone(), value.clone());
        }
    }
    let ends = change.status.as_deref().is_some_and(|status| status != "IN_PROGRESS");
    let elapsed = (at.naive_utc() - stored.created_at).num_milliseconds();
    // A start that lies ahead of here took no time that could be told.
    let elapsed = i32::try_from(elapsed.max(0)).unwrap_or(i32::MAX);
    let metadata = if metadata.is_empty() { None } else { Some(Value::Object(metadata)) };
    let changed: Event = diesel::sql_query(concat!(
        "WITH e AS (UPDATE public.\"ActivityEvent\" SET status = coalesce($2::text::public.\"ActivityEventStatus\", status), \
             title = coalesce($3, title), description = CASE WHEN $4 IS NULL THEN description ELSE nullif($4->>0, '') END, \
             metadata = CASE WHEN $5 IS NULL THEN metadata ELSE $5 END, duration = coalesce(duration, $6), \"updatedAt\" = $7 \
         WHERE id = $1 RETURNING *) SELECT ",
        event_columns!(),
        " FROM e"
    ))
    .bind::<Text, _>(id)
    .bind::<Nullable<Text>, _>(&change.status)
    .bind::<Nullable<Text>, _>(&change.title)
    .bind::<Nullable<Jsonb>, _>(change.description.as_ref().map(|description| json!([description])))
    .bind::<Nullable<Jsonb>, _>(metadata)
    .bind::<Nullable<Integer>, _>(ends.then_some(elapsed))
    .bind::<Timestamp, _>(at.naive_utc())
    .get_result(conn)?;
    Ok(changed)
}
