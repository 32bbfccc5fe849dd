//! A run: everything that is older than its rule goes, in batches that let pages breathe.
//!
//! A run that was cut short is gone on with: the time that its cutoffs are counted from stands in the database, and so
//! do its counts, written in the transaction of each batch.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant as Moment};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use serde_json::{Value, json};

use super::due::{self, Position};
use super::{Class, queries};
use crate::audit::{self, AuditAction, Target};
use crate::db::schema::retention_rules;
use crate::db::time::now;
use crate::db::{Actor, Db, DbError};
use crate::identity::Principal;

/// Rows of one transaction.
const BATCH: u16 = 1_000;
/// After a batch nothing happens for as long as it took, and for so long at least.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// How many of what went.
pub type Gone = BTreeMap<Class, i64>;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All that was due is gone: in this run and in those that it went on with.
    Complete(Gone),
    /// It was told to stop, and goes on the next time.
    Stopped,
}

/// Deletes what is older than its rule, until there is no more or `is_to_stop` says so.
///
/// # Errors
/// When the database can't be asked. What was deleted is on record once a later run is complete.
pub fn run(db: &Db, at: DateTime<Utc>, is_to_stop: impl Fn() -> bool) -> Result<Outcome, DbError> {
    let rules = db.write_blocking(&Actor::System, |conn| begin(conn).map_err(DbError::from))?;
    for (class, cutoff) in rules {
        let mut from = Position::start_of(class);
        loop {
            if is_to_stop() {
                return Ok(Outcome::Stopped);
            }
            let began = Moment::now();
            let rows: Vec<Position> = db.read_blocking(&Actor::Retention, |conn| {
                due::next(conn, class, cutoff, &from, BATCH.into()).map_err(DbError::from)
            })?;
            let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
            if !delete_belongings(db, class, &ids, &is_to_stop)? {
                return Ok(Outcome::Stopped);
            }
            db.write_blocking(&Actor::Retention, |conn| {
                let deleted = due::delete(conn, class, &ids)?;
                note(conn, class, class, deleted).map_err(DbError::from)
            })?;
            let Some(last) = rows.into_iter().last() else { break };
            if ids.len() < usize::from(BATCH) {
                break;
            }
            from = last;
            breathe(began);
        }
    }
    db.write_blocking(&Actor::System, |conn| end(conn, at).map_err(DbError::from)).map(Outcome::Complete)
}

fn breathe(began: Moment) {
    thread::sleep(began.elapsed().max(SHORTEST_PAUSE));
}

/// What would go if a run began now.
pub fn preview(conn: &mut PgConnection) -> QueryResult<Gone> {
    let mut gone = Gone::new();
    let time: DateTime<Utc> = diesel::select(now).get_result(conn)?;
    for rule in queries::rules(conn)? {
        if let Some(days) = rule.keep_days {
            let cutoff = time - TimeDelta::days(days.into());
            gone.insert(rule.class, due::count(conn, rule.class, cutoff, i64::MAX)?);
        }
    }
    Ok(gone)
}

/// Begins a run, or goes on with one that was cut short. Answers each rule with its cutoff.
fn begin(conn: &mut PgConnection) -> QueryResult<Vec<(Class, DateTime<Utc>)>> {
    for class in Class::ALL {
        diesel::insert_into(retention_rules::table)
            .values((
                retention_rules::class.eq(class.as_str()),
                retention_rules::keep_days.eq(class.facts().usual),
            ))
            .on_conflict_do_nothing()
            .execute(conn)?;
    }
    diesel::update(retention_rules::table)
        .filter(retention_rules::keep_days.is_not_null().and(retention_rules::began_at.is_null()))
        .set(
            retention_rules::began_at
                .eq(sql("coalesce((SELECT min(r.began_at) FROM pilothouse.retention_rules r), now())")),
        )
        .execute(conn)?;
    let rules: Vec<(String, Option<i32>, Option<DateTime<Utc>>)> = retention_rules::table
        .select((retention_rules::class, retention_rules::keep_days, retention_rules::began_at))
        .load(conn)?;
    let mut all: Vec<(Class, DateTime<Utc>)> = rules
        .into_iter()
        .filter_map(|(class, days, began)| {
            Some((Class::from_stored(&class)?, began? - TimeDelta::days(days?.into())))
        })
        .collect();
    all.sort_unstable_by_key(|(class, _)| *class);
    Ok(all)
}

/// Deletes what belongs to these rows of `class`, a batch at a time. Answers false when it was told to stop.
fn delete_belongings(
    db: &Db,
    class: Class,
    ids: &[String],
    is_to_stop: &impl Fn() -> bool,
) -> Result<bool, DbError> {
    if ids.is_empty() {
        return Ok(true);
    }
    for &(what, statement) in due::belongings(class) {
        loop {
            if is_to_stop() {
                return Ok(false);
            }
            let began = Moment::now();
            let deleted = db.write_blocking(&Actor::Retention, |conn| {
                let deleted = diesel::sql_query(statement)
                    .bind::<Array<Text>, _>(ids)
                    .bind::<BigInt, _>(i64::from(BATCH))
                    .execute(conn)?;
                note(conn, class, what, deleted)?;
                Ok::<_, DbError>(deleted)
            })?;
            if deleted < usize::from(BATCH) {
                break;
            }
            breathe(began);
        }
    }
    Ok(true)
}

/// Adds to the counts of the run, in the transaction that deleted.
fn note(conn: &mut PgConnection, rule: Class, what: Class, deleted: usize) -> QueryResult<()> {
    if deleted == 0 {
        return Ok(());
    }
    diesel::sql_query(
        "UPDATE pilothouse.retention_rules SET gone = gone || jsonb_build_object($2, coalesce((gone->>$2)::bigint, 0) + $3) \
         WHERE class = $1",
    )
    .bind::<Text, _>(rule.as_str())
    .bind::<Text, _>(what.as_str())
    .bind::<BigInt, _>(i64::try_from(deleted).unwrap_or(i64::MAX))
    .execute(conn)
    .map(|_| ())
}

/// Ends the run, with one entry that says how many of what went.
fn end(conn: &mut PgConnection, at: DateTime<Utc>) -> QueryResult<Gone> {
    let counts: Vec<Value> = retention_rules::table
        .filter(retention_rules::began_at.is_not_null())
        .order(retention_rules::class)
        .select(retention_rules::gone)
        .for_update()
        .load(conn)?;
    let mut gone = Gone::new();
    for (what, count) in counts.iter().flat_map(read) {
        *gone.entry(what).or_insert(0) += count;
    }
    if !gone.is_empty() {
        let target =
            Target { kind: "retention", id: "retention".to_owned(), name: in_words(&gone), project: None };
        let counts: Value = gone.iter().map(|(class, count)| (class.as_str(), *count)).collect();
        let act = AuditAction::RetentionRan;
        audit::record_change(conn, &Principal::system(at), &act, &target, counts, json!(null))?;
    }
    diesel::update(retention_rules::table.filter(retention_rules::began_at.is_not_null()))
        .set((
            retention_rules::ended_at.eq(now.nullable()),
            retention_rules::last_gone.eq(retention_rules::gone),
            retention_rules::gone.eq(json!({})),
            retention_rules::began_at.eq(sql("NULL")),
        ))
        .execute(conn)?;
    Ok(gone)
}

/// The counts that a rule's row holds.
pub(super) fn read(counts: &Value) -> Vec<(Class, i64)> {
    let counts = counts.as_object().into_iter().flatten();
    counts.filter_map(|(what, count)| Some((Class::from_stored(what)?, count.as_i64()?))).collect()
}

/// "1234 chat messages, 1 project"; "nothing".
#[must_use]
pub fn in_words(gone: &Gone) -> String {
    let part = |(class, count): (&Class, &i64)| {
        let (one, many) = class.facts().rows;
        format!("{count} {}", if *count == 1 { one } else { many })
    };
    let parts: Vec<String> = gone.iter().filter(|(_, count)| **count > 0).map(part).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_is_said_in_words() {
        assert_eq!(in_words(&Gone::new()), "nothing");
        let gone = Gone::from([(Class::Chat, 1234), (Class::Users, 1), (Class::Audit, 0)]);
        assert_eq!(in_words(&gone), "1234 chat messages, 1 user");
    }
}
