//! Events that began and are not heard of any more. Those that were reported here end as failed; what a worker wrote by SQL
//! is its own, and is told to be silent.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use super::position::Source;
use super::stored::is_operation;
use super::timeline::{Entry, TimelinePage};

/// After how many minutes an event of a type counts as silent, where that is not an hour.
pub const MINUTES: [(&str, i64); 2] = [("APR_REVIEW", 7 * 24 * 60), ("APR_PR_CREATED", 7 * 24 * 60)];
pub const USUAL_MINUTES: i64 = 60;

#[derive(QueryableByName)]
struct Heard {
    #[diesel(sql_type = Text)]
    id: String,
    /// Epoch milliseconds.
    #[diesel(sql_type = BigInt)]
    at: i64,
}

/// Says of each event of `page` that should go on since when it is silent. Few pages have one, and only those ask.
pub(super) fn tell_of_page(conn: &mut PgConnection, page: &mut TimelinePage) -> QueryResult<()> {
    let folded = page.entries.iter_mut().flat_map(|entry| {
        let Entry { folded, .. } = entry;
        folded.iter_mut()
    });
    let mut inner: Vec<&mut Entry> = folded.filter(|entry| goes_on(entry)).collect();
    tell(conn, &mut inner)?;
    let mut outer: Vec<&mut Entry> =
        page.entries.iter_mut().chain(&mut page.running).filter(|entry| goes_on(entry)).collect();
    tell(conn, &mut outer)
}

fn goes_on(entry: &Entry) -> bool {
    entry.is_running() && entry.source() == Source::Event && !is_operation(entry.id())
}

/// Says of each of `entries` since when it is silent.
pub(super) fn tell(conn: &mut PgConnection, entries: &mut [&mut Entry]) -> QueryResult<()> {
    let asked: Vec<String> =
        entries.iter().filter(|entry| goes_on(entry)).map(|entry| entry.id().to_owned()).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let silent: Vec<Heard> = diesel::sql_query(
        "SELECT e.id, floor(extract(epoch FROM h.at) * 1000)::bigint AS at FROM public.\"ActivityEvent\" e \
         CROSS JOIN LATERAL (SELECT greatest(e.\"createdAt\", e.\"updatedAt\") AS at) h \
         LEFT JOIN unnest($2, $3) r (kind, minutes) ON r.kind = e.\"eventType\"::text \
         WHERE e.id = ANY ($1) AND h.at > timestamp '1900-01-01' \
           AND h.at < timezone('UTC', now()) - coalesce(r.minutes, $4) * interval '1 minute'",
    )
    .bind::<Array<Text>, _>(asked)
    .bind::<Array<Text>, _>(MINUTES.map(|(kind, _)| kind).to_vec())
    .bind::<Array<BigInt>, _>(MINUTES.map(|(_, minutes)| minutes).to_vec())
    .bind::<BigInt, _>(USUAL_MINUTES)
    .load(conn)?;
    for entry in entries {
        entry.silent_since = silent.iter().find(|heard| heard.id == entry.id()).map(|heard| heard.at);
    }
    Ok(())
}
