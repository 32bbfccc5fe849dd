//! Reads of drafts. Row-level security decides whose: an admin's are everybody's.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::Status;
use crate::assistant::conversation::Conversation;
use crate::assistant::slots::POST_FROM;
use crate::db::ids::{ProjectId, UserId};
use crate::db::schema::{ai_assistant_sessions, job_drafts};

/// Rows of a page.
pub const PAGE: usize = 50;

#[derive(Debug, Clone)]
pub struct DraftView {
    pub id: i64,
    pub owner: Option<UserId>,
    pub session_id: Option<String>,
    pub title: String,
    pub description: String,
    pub skills: Vec<String>,
    pub milestones: Vec<String>,
    pub budget: Value,
    pub timeline: String,
    pub score: u32,
    pub status: Status,
    /// Columns that a person wrote.
    pub edited: Vec<String>,
    pub developer_ref: Option<String>,
    pub source: Option<String>,
    pub chain: Option<String>,
    pub project: Option<ProjectId>,
    /// Where its wireframe is shown to whoever has the address.
    pub wireframe_url: Option<String>,
    /// Where its public page is.
    pub page_url: Option<String>,
    /// Why there is none, or not as it is now.
    pub page_note: Option<String>,
    pub posted_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
}

type Columns = (
    (i64, Option<Uuid>, Option<String>, Option<String>, Option<String>, Option<String>),
    (
        Option<Vec<Option<String>>>,
        Option<Vec<Option<String>>>,
        Option<Value>,
        Option<String>,
        Option<i32>,
        Option<String>,
        Vec<Option<String>>,
    ),
    (
        Option<String>,
        Option<String>,
        Option<String>,
        Option<Uuid>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<DateTime<Utc>>,
        Option<DateTime<Utc>>,
    ),
);

macro_rules! draft_columns {
    () => {
        (
            (
                job_drafts::id,
                job_drafts::user_id,
                job_drafts::session_id,
                job_drafts::title,
                job_drafts::generated_title,
                job_drafts::description,
            ),
            (
                job_drafts::generated_skills,
                job_drafts::generated_milestones,
                job_drafts::estimated_budget_range,
                job_drafts::estimated_timeline,
                job_drafts::completion_score,
                job_drafts::public_status,
                job_drafts::edited,
            ),
            (
                job_drafts::developer_ref,
                job_drafts::source,
                job_drafts::attribution_chain,
                job_drafts::project_id,
                job_drafts::wireframe_url,
                job_drafts::github_pages_url,
                job_drafts::page_note,
                job_drafts::posted_at,
                job_drafts::updated_at,
            ),
        )
    };
}

fn view(
    (
        (id, owner, session_id, title, generated, description),
        (skills, milestones, budget, timeline, score, status, edited),
        (developer_ref, source, chain, project, wireframe_url, page_url, page_note, posted_at, updated_at),
    ): Columns,
) -> DraftView {
    let list = |items: Option<Vec<Option<String>>>| items.unwrap_or_default().into_iter().flatten().collect();
    let filled = |text: &String| !text.trim().is_empty();
    DraftView {
        id,
        owner: owner.map(UserId),
        session_id,
        title: title.filter(filled).or(generated.filter(filled)).unwrap_or_else(|| "Untitled".to_owned()),
        description: description.unwrap_or_default(),
        skills: list(skills),
        milestones: list(milestones),
        budget: budget.unwrap_or(Value::Null),
        timeline: timeline.unwrap_or_default(),
        score: score.and_then(|score| u32::try_from(score).ok()).unwrap_or(0),
        status: Status::from_stored(status.as_deref()),
        edited: edited.into_iter().flatten().collect(),
        developer_ref,
        source,
        chain,
        project: project.map(ProjectId),
        wireframe_url: wireframe_url.filter(filled),
        page_url: page_url.filter(filled),
        page_note,
        posted_at,
        updated_at,
    }
}

/// The user's drafts below `before`, the newest first, and whether there are more.
pub fn list(
    conn: &mut PgConnection,
    owner: UserId,
    before: Option<i64>,
) -> QueryResult<(Vec<DraftView>, bool)> {
    let mut query = job_drafts::table
        .filter(job_drafts::user_id.eq(owner.0))
        .order(job_drafts::id.desc())
        .limit(i64::try_from(PAGE + 1).unwrap_or(i64::MAX))
        .select(draft_columns!())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(job_drafts::id.lt(before));
    }
    let mut drafts: Vec<DraftView> = query.load::<Columns>(conn)?.into_iter().map(view).collect();
    let has_more = drafts.len() > PAGE;
    drafts.truncate(PAGE);
    Ok((drafts, has_more))
}

pub fn find(conn: &mut PgConnection, id: i64) -> QueryResult<Option<DraftView>> {
    let row = job_drafts::table.find(id).select(draft_columns!()).first::<Columns>(conn).optional()?;
    Ok(row.map(view))
}

/// [`find`], held until the transaction ends.
pub(super) fn hold(conn: &mut PgConnection, id: i64) -> QueryResult<Option<DraftView>> {
    let row = job_drafts::table.find(id).select(draft_columns!()).for_update().first::<Columns>(conn);
    Ok(row.optional()?.map(view))
}

/// Up to `most` posted drafts whose public page is not there, or not as they are now. Those that could not be published come
/// last.
pub fn unpublished(conn: &mut PgConnection, most: i64) -> QueryResult<Vec<DraftView>> {
    let waits = diesel::dsl::sql::<diesel::sql_types::Bool>(
        "posted_at IS NOT NULL AND public_status <> 'draft' AND (github_pages_url IS NULL OR page_note IS NOT NULL)",
    );
    let rows: Vec<Columns> = job_drafts::table
        .filter(waits)
        .order((job_drafts::page_note.is_not_null(), job_drafts::id))
        .select(draft_columns!())
        .limit(most)
        .load(conn)?;
    Ok(rows.into_iter().map(view).collect())
}

pub fn of_session(conn: &mut PgConnection, session_id: &str) -> QueryResult<Option<DraftView>> {
    let row = job_drafts::table
        .filter(job_drafts::session_id.eq(session_id))
        .order(job_drafts::id)
        .select(draft_columns!())
        .first::<Columns>(conn);
    Ok(row.optional()?.map(view))
}

/// Why a draft can't be posted yet, a sentence each; nothing when it can. The command asks the same under the row's lock.
pub fn obstacles_to_posting(conn: &mut PgConnection, draft: &DraftView) -> QueryResult<Vec<String>> {
    let mut obstacles = Vec::new();
    if draft.status != Status::Draft {
        obstacles.push(format!("It is {} already.", draft.status.label()));
        return Ok(obstacles);
    }
    if draft.score < POST_FROM {
        obstacles.push(format!("Its score is {}; it can be posted from {POST_FROM}.", draft.score));
    }
    let data: Option<Option<Value>> = match &draft.session_id {
        Some(session) => ai_assistant_sessions::table
            .filter(ai_assistant_sessions::session_id.eq(session))
            .filter(ai_assistant_sessions::is_active.eq(true))
            .select(ai_assistant_sessions::session_data)
            .first(conn)
            .optional()?,
        None => None,
    };
    let conversation = data.flatten().and_then(|data| serde_json::from_value::<Conversation>(data).ok());
    if let Some(conversation) = conversation {
        let missing = conversation.slots.missing_for_posting();
        if !missing.is_empty() {
            obstacles.push(format!("Still to be answered in full: {}.", missing.join(", ")));
        }
    } else if draft.description.trim().is_empty() {
        obstacles.push("It has no description.".to_owned());
    }
    Ok(obstacles)
}
