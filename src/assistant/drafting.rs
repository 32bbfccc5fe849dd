//! The draft follows the conversation, but for what a person wrote and for what was posted.

use diesel::prelude::*;
use serde_json::Value;

use super::queries::Session;
use super::writing;
use crate::db::schema::job_drafts;
use crate::db::time::now;
use crate::referrals::Attribution;

/// The draft of a session.
pub(super) fn of_session(conn: &mut PgConnection, session_id: &str) -> QueryResult<Option<i64>> {
    job_drafts::table
        .filter(job_drafts::session_id.eq(session_id))
        .select(job_drafts::id)
        .order(job_drafts::id)
        .first(conn)
        .optional()
}

#[derive(Queryable)]
struct Present {
    id: i64,
    status: Option<String>,
    edited: Vec<Option<String>>,
}

/// A change that leaves a column alone where it is nothing.
#[derive(AsChangeset)]
#[diesel(table_name = job_drafts)]
struct Rewritten<'a> {
    generated_title: Option<&'a str>,
    title: Option<&'a str>,
    description: Option<&'a str>,
    generated_skills: Option<Vec<Option<String>>>,
    generated_milestones: Option<Vec<Option<String>>>,
    estimated_budget_range: Option<&'a Value>,
    estimated_timeline: Option<&'a str>,
    completion_score: Option<i32>,
}

/// Makes the draft once there is enough for one, and writes it anew; answers it and whether it is new.
pub(super) fn follow(conn: &mut PgConnection, session: &Session) -> QueryResult<(Option<i64>, bool)> {
    let slots = &session.conversation.slots;
    let present: Option<Present> = job_drafts::table
        .filter(job_drafts::session_id.eq(&session.session_id))
        .select((job_drafts::id, job_drafts::public_status, job_drafts::edited))
        .order(job_drafts::id)
        .for_update()
        .first(conn)
        .optional()?;
    let (id, edited, is_new) = match present {
        Some(draft) if draft.status.as_deref().unwrap_or("draft") != "draft" => {
            return Ok((Some(draft.id), false));
        }
        Some(draft) => (draft.id, draft.edited.into_iter().flatten().collect::<Vec<_>>(), false),
        None if !slots.make_a_draft() => return Ok((None, false)),
        None => (begin(conn, session)?, Vec::new(), true),
    };
    let written = writing::write(slots);
    let is_free = |column: &str| !edited.iter().any(|own| own == column);
    let list = |items: &[String]| items.iter().cloned().map(Some).collect::<Vec<_>>();
    let rewritten = Rewritten {
        generated_title: Some(&written.title),
        title: is_free("title").then_some(&written.title),
        description: is_free("description").then_some(&written.description),
        generated_skills: is_free("generated_skills").then(|| list(&written.skills)),
        generated_milestones: is_free("generated_milestones").then(|| list(&written.milestones)),
        estimated_budget_range: is_free("estimated_budget_range").then_some(&written.budget),
        estimated_timeline: is_free("estimated_timeline").then_some(&written.timeline),
        completion_score: i32::try_from(slots.score()).ok(),
    };
    diesel::update(job_drafts::table.find(id))
        .set((rewritten, job_drafts::updated_at.eq(now.nullable())))
        .execute(conn)?;
    Ok((Some(id), is_new))
}

/// Credits the draft of a session, unless it was posted: then it stays as it is.
pub(super) fn attribute(
    conn: &mut PgConnection,
    session_id: &str,
    attribution: &Attribution,
) -> QueryResult<()> {
    diesel::update(
        job_drafts::table
            .filter(job_drafts::session_id.eq(session_id))
            .filter(job_drafts::public_status.eq("draft"))
            .filter(job_drafts::posted_at.is_null()),
    )
    .set((
        job_drafts::developer_ref.eq(&attribution.developer_ref),
        job_drafts::attribution_chain.eq(attribution.chain()),
    ))
    .execute(conn)
    .map(|_| ())
}

fn begin(conn: &mut PgConnection, session: &Session) -> QueryResult<i64> {
    let attribution = &session.attribution;
    diesel::insert_into(job_drafts::table)
        .values((
            job_drafts::session_id.eq(&session.session_id),
            job_drafts::user_id.eq(session.user),
            job_drafts::public_status.eq("draft"),
            job_drafts::developer_ref.eq(attribution.developer_ref.as_deref()),
            job_drafts::source.eq(Some(attribution.source.as_deref().unwrap_or("ai_assistant"))),
            job_drafts::attribution_chain.eq(attribution.chain()),
        ))
        .returning(job_drafts::id)
        .get_result(conn)
}
