//! Which posted drafts still have to be published, and what came of it.

use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::queries::{self, DraftView};
use crate::db::schema::job_drafts;

/// Drafts of one turn.
const BATCH: i64 = 50;

/// Posted drafts whose page is not there, or not as they are now. Those that could not be published come last.
pub fn waiting(conn: &mut PgConnection) -> QueryResult<Vec<DraftView>> {
    let waits = diesel::dsl::sql::<Bool>(
        "posted_at IS NOT NULL AND public_status <> 'draft' AND (github_pages_url IS NULL OR page_note IS NOT NULL)",
    );
    let ids: Vec<i64> = job_drafts::table
        .filter(waits)
        .order((job_drafts::page_note.is_not_null(), job_drafts::id))
        .select(job_drafts::id)
        .limit(BATCH)
        .load(conn)?;
    let found: Vec<Option<DraftView>> =
        ids.into_iter().map(|id| queries::find(conn, id)).collect::<QueryResult<_>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// Puts down where the page of a draft is. What was changed since it was read waits for the next turn.
pub fn published(conn: &mut PgConnection, draft: &DraftView, url: &str) -> QueryResult<()> {
    let present = queries::hold(conn, draft.id)?;
    let is_same = present.is_some_and(|present| present.updated_at == draft.updated_at);
    let note = (!is_same).then_some("It was changed, and is published again.");
    diesel::update(job_drafts::table.find(draft.id))
        .set((job_drafts::github_pages_url.eq(url), job_drafts::page_note.eq(note)))
        .execute(conn)
        .map(|_| ())
}

/// Puts down why there is none yet.
pub fn note(conn: &mut PgConnection, draft: i64, reason: &str) -> QueryResult<()> {
    diesel::update(job_drafts::table.find(draft))
        .set(job_drafts::page_note.eq(reason))
        .execute(conn)
        .map(|_| ())
}
