//! The timeline record by record, for exports: nothing is folded and nothing is cut.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::row::left_out;
use super::select::{self, Ask};
use super::{Entry, Known, Row, Scope, take_name};
use crate::activity::filter::Filter;
use crate::activity::position::{Direction, Source, TimelineCursor};
use crate::db::batch::{self, weight_of_json};
use crate::db::statement::Statement;

/// Records that one batch has at most.
pub const BATCH: i64 = 250;

/// One record.
#[derive(Debug, Clone)]
pub struct ExportedEntry {
    /// The record, its `details` uncut.
    pub entry: Entry,
    /// `reference_ids` as stored: JSON.
    pub references: Option<String>,
}

/// The position just before the newest record that `filter` lets through, so that reading on from there begins
/// with it, and with nothing that is written later and newer. Nothing when no record matches.
pub fn start(conn: &mut PgConnection, scope: Scope, filter: &Filter) -> QueryResult<Option<TimelineCursor>> {
    let one = Filter { limit: 1, position: None, ..filter.clone() };
    let newest = rows(conn, scope, &one)?;
    let newest = newest.iter().filter_map(Row::position);
    // No text stands between an id and the same id with the lowest character behind it.
    Ok(newest.max().map(|at| TimelineCursor { id: format!("{}\u{1}", at.id), ..at }))
}

/// The next records from `before` on, newest first, and where the batch after them begins: [`BATCH`] of them, or as
/// many as make a batch (`db::batch`).
pub fn batch(
    conn: &mut PgConnection,
    scope: Scope,
    filter: &Filter,
    before: TimelineCursor,
) -> QueryResult<(Vec<ExportedEntry>, Option<TimelineCursor>)> {
    let position = Some((Direction::Before, before));
    let read = rows(conn, scope, &Filter { limit: BATCH, position, ..filter.clone() })?;
    let mut read: Vec<(TimelineCursor, Row)> =
        read.into_iter().filter_map(|row| Some((row.position()?, row))).collect();
    read.sort_by(|(a, _), (b, _)| b.cmp(a));
    let all = read.len();
    read.truncate(usize::try_from(BATCH).unwrap_or(usize::MAX));
    complete(conn, &mut read)?;
    let next = read.last().filter(|_| read.len() < all).map(|(position, _)| position.clone());
    let record = |(_, row): (TimelineCursor, Row)| {
        let references = row.references.clone();
        row.into_entry().map(|entry| ExportedEntry { entry, references })
    };
    let mut records: Vec<ExportedEntry> = read.into_iter().filter_map(record).collect();
    name_admins(&mut records);
    Ok((records, next))
}

/// Owners may not see an admin's row; the audit entry of the same request knows what they were called.
fn name_admins(records: &mut [ExportedEntry]) {
    let named: HashMap<String, Entry> = records
        .iter()
        .filter(|record| record.entry.source() == Source::Audit && record.entry.actor.is_admin)
        .filter_map(|record| Some((record.entry.request_id.clone()?, record.entry.clone())))
        .collect();
    for record in records.iter_mut().filter(|record| record.entry.source() == Source::Action) {
        if let Some(audit) = record.entry.request_id.as_ref().and_then(|request| named.get(request)) {
            take_name(&mut record.entry, audit);
        }
    }
}

fn rows(conn: &mut PgConnection, scope: Scope, filter: &Filter) -> QueryResult<Vec<Row>> {
    select::page(&Ask::new(scope, filter), &Known::default(), None).load(conn)
}

/// The least that the timeline cuts any text to, in characters.
const CUT: usize = 500;

impl Row {
    /// The texts that the timeline may hold a beginning of, as [`Whole`] has them.
    fn long_texts(&self) -> [&Option<String>; 9] {
        [
            &self.kind,
            &self.status,
            &self.user,
            &self.request,
            &self.environment,
            &self.title,
            &self.details,
            &self.target_id,
            &self.target_name,
        ]
    }

    fn may_be_cut(&self) -> bool {
        let is_cut = |text: &&Option<String>| {
            text.as_deref().is_some_and(|text| {
                text.contains("… sha256:") || (text.len() >= CUT && text.chars().count() >= CUT)
            })
        };
        // References are cut as a whole, and say so.
        self.references.as_deref().is_some_and(|stored| left_out(stored).is_some())
            || self.long_texts().iter().any(is_cut)
            || is_cut(&&self.actor_name)
    }

    fn weight(&self) -> i64 {
        let texts = self.long_texts().into_iter().chain([&self.references, &self.actor_name]);
        let bytes: usize = texts.flatten().map(String::len).sum();
        i64::try_from(bytes).unwrap_or(i64::MAX)
    }

    fn complete(&mut self, whole: Whole) {
        (
            _,
            self.kind,
            self.status,
            self.user,
            self.request,
            self.environment,
            self.title,
            self.details,
            self.target_id,
            self.target_name,
            self.actor_name,
            self.references,
        ) = whole;
    }
}

/// A record's id and long texts.
type Whole = (
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);
type N = Nullable<Text>;
type WholeTypes = (Text, N, N, N, N, N, N, N, N, N, N, N);

/// What a source stores: how many bytes its long texts have, and the texts themselves.
struct Stored {
    source: Source,
    weights: &'static str,
    texts: &'static str,
}

const STORED: [Stored; 3] = [
    Stored {
        source: Source::Action,
        weights: concat!(
            "SELECT a.action_id::text, coalesce(octet_length(a.action_details), 0) + coalesce(octet_length(a.request_id), 0) \
                 + coalesce(octet_length(a.environment), 0) + coalesce(octet_length(a.action_type), 0) \
                 + coalesce(octet_length(a.status), 0) + coalesce(octet_length(a.user_id), 0) + ",
            weight_of_json!("a.reference_ids"),
            " FROM turbobackend.project_actions a WHERE a.action_id = ANY("
        ),
        texts: "SELECT a.action_id::text, a.action_type::text, a.status::text, a.user_id::text, a.request_id::text, \
                 a.environment::text, NULL, a.action_details::text, NULL, NULL, NULL, a.reference_ids::text \
             FROM turbobackend.project_actions a WHERE a.action_id = ANY(",
    },
    Stored {
        source: Source::Event,
        weights: concat!(
            "SELECT e.id, coalesce(octet_length(e.title), 0) + coalesce(octet_length(e.description), 0) \
                 + coalesce(octet_length(e.\"entityId\"), 0) + ",
            weight_of_json!("e.metadata"),
            " FROM public.\"ActivityEvent\" e WHERE e.id = ANY("
        ),
        texts: "SELECT e.id, e.\"eventType\"::text, e.status::text, e.\"userId\", \
                 coalesce(e.metadata->>'request_id', e.metadata->>'requestId'), NULL, e.title, e.description, \
                 e.\"entityId\", NULL, NULL, NULL \
             FROM public.\"ActivityEvent\" e WHERE e.id = ANY(",
    },
    Stored {
        source: Source::Audit,
        weights: "SELECT l.id, (coalesce(octet_length(l.description), 0) + coalesce(octet_length(l.\"requestId\"), 0) \
                 + coalesce(octet_length(l.\"targetId\"), 0) + coalesce(octet_length(l.\"targetName\"), 0) \
                 + coalesce(octet_length(l.\"activityType\"), 0) \
                 + coalesce(octet_length(coalesce(l.\"actorName\", l.\"actorEmail\")), 0))::bigint \
             FROM public.\"ActivityLog\" l WHERE l.id = ANY(",
        texts: "SELECT l.id, l.\"activityType\", NULL, l.\"userId\", l.\"requestId\", NULL, NULL, l.description, \
                 l.\"targetId\", l.\"targetName\", coalesce(l.\"actorName\", l.\"actorEmail\"), NULL \
             FROM public.\"ActivityLog\" l WHERE l.id = ANY(",
    },
];

/// Cuts `read` to what fits into a batch, and reads the rest of what was left out: little is, so that it costs nothing
/// for most batches.
fn complete(conn: &mut PgConnection, read: &mut Vec<(TimelineCursor, Row)>) -> QueryResult<()> {
    let cut_of = |read: &[(TimelineCursor, Row)], source| -> Vec<String> {
        let cut = read.iter().filter(|(at, row)| at.source == source && row.may_be_cut());
        cut.map(|(at, _)| at.id.clone()).collect()
    };
    let mut weights: HashMap<(Source, String), i64> = HashMap::new();
    for stored in &STORED {
        let ids = cut_of(read, stored.source);
        if ids.is_empty() {
            continue;
        }
        let mut s = Statement::<(Text, BigInt)>::new();
        s.sql(stored.weights).texts(ids).sql(")");
        let found: Vec<(String, i64)> = s.load(conn)?;
        weights.extend(found.into_iter().map(|(id, weight)| ((stored.source, id), weight)));
    }
    let weight = |(at, row): &(TimelineCursor, Row)| {
        let more = weights.get(&(at.source, at.id.clone())).copied().unwrap_or_default();
        row.weight().saturating_add(more)
    };
    read.truncate(batch::fitting(read.iter().map(weight)));
    for stored in &STORED {
        let ids = cut_of(read, stored.source);
        if ids.is_empty() {
            continue;
        }
        let mut s = Statement::<WholeTypes>::new();
        s.sql(stored.texts).texts(ids).sql(")");
        let mut whole: HashMap<String, Whole> =
            s.load::<Whole>(conn)?.into_iter().map(|whole| (whole.0.clone(), whole)).collect();
        for (at, row) in read.iter_mut().filter(|(at, _)| at.source == stored.source) {
            if let Some(whole) = whole.remove(&at.id) {
                row.complete(whole);
            }
        }
    }
    Ok(())
}
