//! What came of publishing a posted draft.

use diesel::prelude::*;

use super::queries::{self, DraftView};
use crate::db::schema::job_drafts;

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
