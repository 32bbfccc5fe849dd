//! Everybody's conversations, for admins: how far they came, without what was said.

use chrono::{DateTime, NaiveDateTime};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use uuid::Uuid;

use crate::db::time::{Timestamp, UtcTime};

/// Rows of a page.
const PAGE: usize = 50;

pub const STATES: [&str; 5] = ["active", "claimed", "completed", "expired", "deleted"];

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// A part of the session's id, or of the links that led to it.
    pub q: Option<String>,
    pub state: Option<String>,
    pub least_score: Option<i32>,
    pub before: Option<(NaiveDateTime, String)>,
}

#[derive(Debug, Clone, QueryableByName)]
pub struct SessionLine {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub session_id: String,
    #[diesel(sql_type = Text)]
    pub state: String,
    #[diesel(sql_type = Integer)]
    pub score: i32,
    #[diesel(sql_type = BigInt)]
    pub messages: i64,
    #[diesel(sql_type = Nullable<Text>)]
    pub chain: Option<String>,
    #[diesel(sql_type = Nullable<Timestamp>)]
    pub last_activity: Option<NaiveDateTime>,
}

impl SessionLine {
    /// Where it stands in the list.
    #[must_use]
    pub fn position(&self) -> String {
        let at = self.last_activity.map_or(0, |at| at.and_utc().timestamp_micros());
        format!("{at}.{}", self.session_id)
    }
}

/// Reads [`SessionLine::position`].
#[must_use]
pub fn position(text: &str) -> Option<(NaiveDateTime, String)> {
    let (micros, session) = text.split_once('.')?;
    Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?.naive_utc(), session.to_owned()))
}

/// The conversations that are asked for, those with the newest word first, and whether there are more.
pub fn list(conn: &mut PgConnection, asked: &Asked) -> QueryResult<(Vec<SessionLine>, bool)> {
    let (at, id) = asked.before.clone().unzip();
    let mut lines: Vec<SessionLine> = diesel::sql_query(
        "SELECT * FROM ( \
             SELECT s.id, s.session_id::text, coalesce(s.completion_score, 0) AS score, s.attribution_chain::text AS chain, \
                 s.last_activity_at AS last_activity, \
                 CASE WHEN jsonb_typeof(s.session_data->'turns') = 'array' \
                     THEN jsonb_array_length(s.session_data->'turns') ELSE 0 END::bigint AS messages, \
                 CASE WHEN s.session_data->>'ended' IN ('expired', 'deleted') THEN s.session_data->>'ended' \
                     WHEN EXISTS (SELECT FROM public.job_drafts d WHERE d.session_id = s.session_id AND d.posted_at IS NOT NULL) \
                         THEN 'completed' \
                     WHEN s.user_id IS NOT NULL THEN 'claimed' ELSE 'active' END AS state \
             FROM public.ai_assistant_sessions s \
             WHERE s.last_activity_at IS NOT NULL \
               AND ($1::timestamp IS NULL OR (s.last_activity_at, s.session_id) < ($1, $2)) \
               AND ($3::text IS NULL OR strpos(lower(s.session_id), lower($3)) > 0 \
                    OR strpos(lower(coalesce(s.attribution_chain, '')), lower($3)) > 0) \
               AND ($4::integer IS NULL OR s.completion_score >= $4) \
             ORDER BY s.last_activity_at DESC, s.session_id DESC \
         ) listed WHERE $5::text IS NULL OR state = $5 \
         ORDER BY last_activity DESC, session_id DESC LIMIT $6",
    )
    .bind::<Nullable<Timestamp>, _>(at.map(UtcTime))
    .bind::<Nullable<Text>, _>(id)
    .bind::<Nullable<Text>, _>(asked.q.as_deref())
    .bind::<Nullable<Integer>, _>(asked.least_score)
    .bind::<Nullable<Text>, _>(asked.state.as_deref())
    .bind::<BigInt, _>(i64::try_from(PAGE + 1).unwrap_or(i64::MAX))
    .load(conn)?;
    let has_more = lines.len() > PAGE;
    lines.truncate(PAGE);
    Ok((lines, has_more))
}
