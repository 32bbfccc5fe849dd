//! What happens on the way from a first message to a project, written in the transaction of what it tells, and never a text
//! that somebody wrote.

pub mod funnel;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::db::ids::UserId;
use crate::db::schema::analytics;
use crate::referrals::Attribution;

/// `analytics.event_type`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    SessionStarted,
    SlotAsked,
    SlotFilled,
    SlotSkipped,
    SlotCorrected,
    ProviderFellBack,
    DraftCreated,
    SignupStarted,
    SessionClaimed,
    DraftPosted,
    OpportunitySent,
    ProjectCreated,
}

impl EventType {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SessionStarted => "session_started",
            Self::SlotAsked => "slot_asked",
            Self::SlotFilled => "slot_filled",
            Self::SlotSkipped => "slot_skipped",
            Self::SlotCorrected => "slot_corrected",
            Self::ProviderFellBack => "provider_fell_back",
            Self::DraftCreated => "draft_created",
            Self::SignupStarted => "signup_started",
            Self::SessionClaimed => "session_claimed",
            Self::DraftPosted => "draft_posted",
            Self::OpportunitySent => "opportunity_sent",
            Self::ProjectCreated => "project_created",
        }
    }
}

/// Whose way it is.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    pub session: Option<&'a str>,
    pub user: Option<UserId>,
    pub draft: Option<i64>,
    pub score: Option<i32>,
    pub attribution: &'a Attribution,
}

/// Writes that these happened, in this order; each with the slot that it is about, if any.
pub fn record(
    conn: &mut PgConnection,
    way: &Way<'_>,
    events: &[(EventType, Option<&'static str>)],
) -> QueryResult<()> {
    let rows: Vec<_> = events
        .iter()
        .map(|(kind, slot)| {
            (
                analytics::event_type.eq(kind.as_str()),
                analytics::slot_name.eq(*slot),
                analytics::session_id.eq(way.session),
                analytics::user_id.eq(way.user),
                analytics::job_draft_id.eq(way.draft),
                analytics::completion_score.eq(way.score),
                analytics::developer_ref.eq(way.attribution.developer_ref.as_deref()),
                analytics::source.eq(way.attribution.source.as_deref()),
                analytics::attribution_chain.eq(way.attribution.chain()),
            )
        })
        .collect();
    diesel::insert_into(analytics::table).values(rows).execute(conn).map(|_| ())
}

/// When each of `steps` was first taken in a session, in the order of time.
pub fn first_of(
    conn: &mut PgConnection,
    session_id: &str,
    steps: &[EventType],
) -> QueryResult<Vec<(EventType, DateTime<Utc>)>> {
    let told: Vec<(String, Option<DateTime<Utc>>)> = analytics::table
        .filter(analytics::session_id.eq(session_id))
        .filter(analytics::event_type.eq_any(steps.iter().map(|step| step.as_str())))
        .order((analytics::created_at, analytics::id))
        .select((analytics::event_type, analytics::created_at))
        .limit(300)
        .load(conn)?;
    let mut first: Vec<(EventType, DateTime<Utc>)> = Vec::new();
    for (word, at) in told {
        let step = steps.iter().find(|step| step.as_str() == word);
        if let (Some(&step), Some(at)) = (step, at)
            && first.iter().all(|(known, _)| *known != step)
        {
            first.push((step, at));
        }
    }
    Ok(first)
}

/// One event of a session.
#[derive(Debug, Clone, Queryable)]
pub struct EventLine {
    pub event_type: String,
    pub slot: Option<String>,
    pub score: Option<i32>,
    pub at: Option<DateTime<Utc>>,
}

/// The newest three hundred events of a session, the oldest first.
pub fn of_session(conn: &mut PgConnection, session_id: &str) -> QueryResult<Vec<EventLine>> {
    let mut events: Vec<EventLine> = analytics::table
        .filter(analytics::session_id.eq(session_id))
        .order(analytics::id.desc())
        .select((
            analytics::event_type,
            analytics::slot_name,
            analytics::completion_score,
            analytics::created_at,
        ))
        .limit(300)
        .load(conn)?;
    events.reverse();
    Ok(events)
}
