//! What is told of events that go on. One may not be heard of any more: those that were reported here end as failed; what a
//! worker wrote by SQL is its own, and is told to be silent. And one may take longer than its like usually does.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text};

use super::durations;
use super::position::Source;
use super::timeline::{Entry, TimelinePage};

/// After how many minutes an event of a type counts as silent, where that is not an hour.
pub const MINUTES: [(&str, i64); 2] = [("APR_REVIEW", 7 * 24 * 60), ("APR_PR_CREATED", 7 * 24 * 60)];
pub const USUAL_MINUTES: i64 = 60;

/// Runs of its type that a project must have had in 90 days before one is called slow.
const ENOUGH: i64 = 20;

#[derive(QueryableByName)]
struct Heard {
    #[diesel(sql_type = Text)]
    id: String,
    /// Since when it is silent, epoch milliseconds.
    #[diesel(sql_type = Nullable<BigInt>)]
    silent_since: Option<i64>,
    /// How long its like took in its project: buckets, ascending, and how many fell into each.
    #[diesel(sql_type = Array<SmallInt>)]
    buckets: Vec<i16>,
    #[diesel(sql_type = Array<BigInt>)]
    runs: Vec<i64>,
}

/// Says of each event of `page` that should go on since when it is silent, and how long its like usually takes. Few pages
/// have one, and only those ask.
pub(super) fn tell_of_page(conn: &mut PgConnection, page: &mut TimelinePage) -> QueryResult<()> {
    let folded = page.entries.iter_mut().flat_map(|entry| &mut entry.folded);
    let mut inner: Vec<&mut Entry> = folded.filter(|entry| goes_on(entry)).collect();
    tell(conn, &mut inner)?;
    let mut outer: Vec<&mut Entry> =
        page.entries.iter_mut().chain(&mut page.running).filter(|entry| goes_on(entry)).collect();
    tell(conn, &mut outer)
}

fn goes_on(entry: &Entry) -> bool {
    entry.is_running() && entry.source() == Source::Event
}

/// Says of each of `entries` since when it is silent, and how long its like usually takes.
pub(super) fn tell(conn: &mut PgConnection, entries: &mut [&mut Entry]) -> QueryResult<()> {
    let asked = || entries.iter().filter(|entry| goes_on(entry));
    if asked().next().is_none() {
        return Ok(());
    }
    let ids: Vec<&str> = asked().map(|entry| entry.id()).collect();
    let scopes: Vec<Option<String>> =
        asked().map(|entry| Some(format!("p:{}", entry.project.as_ref()?.id))).collect();
    let kinds: Vec<&str> = asked().map(|entry| entry.kind.as_str()).collect();
    let heard: Vec<Heard> = diesel::sql_query(
        "SELECT x.id, s.at AS silent_since, u.buckets, u.runs FROM unnest($1, $2, $3) x (id, scope, kind) \
         LEFT JOIN LATERAL (SELECT floor(extract(epoch FROM h.at) * 1000)::bigint AS at FROM public.\"ActivityEvent\" e \
             CROSS JOIN LATERAL (SELECT greatest(e.\"createdAt\", e.\"updatedAt\") AS at) h \
             LEFT JOIN unnest($4, $5) r (kind, minutes) ON r.kind = e.\"eventType\"::text \
             WHERE e.id = x.id AND h.at > timestamp '1900-01-01' \
               AND h.at < timezone('UTC', now()) - coalesce(r.minutes, $6) * interval '1 minute') s ON true \
         CROSS JOIN LATERAL (SELECT coalesce(array_agg(b.bucket ORDER BY b.bucket), '{}') AS buckets, \
                 coalesce(array_agg(b.runs ORDER BY b.bucket), '{}') AS runs \
             FROM (SELECT t.bucket, sum(t.runs)::bigint AS runs FROM pilothouse.daily_events k \
                   CROSS JOIN LATERAL unnest(k.buckets, k.runs) t (bucket, runs) \
                   WHERE k.scope = x.scope AND k.kind = x.kind AND k.day >= current_date - 90 GROUP BY t.bucket) b) u",
    )
    .bind::<Array<Text>, _>(ids)
    .bind::<Array<Nullable<Text>>, _>(scopes)
    .bind::<Array<Text>, _>(kinds)
    .bind::<Array<Text>, _>(MINUTES.map(|(kind, _)| kind).to_vec())
    .bind::<Array<BigInt>, _>(MINUTES.map(|(_, minutes)| minutes).to_vec())
    .bind::<BigInt, _>(USUAL_MINUTES)
    .load(conn)?;
    for entry in entries {
        let Some(heard) = heard.iter().find(|heard| heard.id == entry.id()) else { continue };
        entry.silent_since = heard.silent_since;
        let took: Vec<(i16, i64)> = std::iter::zip(heard.buckets.clone(), heard.runs.clone()).collect();
        let is_enough = heard.runs.iter().sum::<i64>() >= ENOUGH;
        entry.usual_ms = durations::percentile(&took, 95).filter(|_| is_enough);
    }
    Ok(())
}
