//! What pages and watchers are told of copies in buckets.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::copying::{Copying, Told};
use super::store::time_of;
use super::{BackupError, Bucket, Vault};
use crate::db::schema::{buckets, copies};
use crate::db::time::{Instant, now};
use crate::db::{Actor, Db, DbError};

/// A bucket, and how copying to it goes.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = buckets)]
pub struct BucketRecord {
    pub name: String,
    pub place: String,
    pub region: String,
    /// When it last had everything that there is.
    pub copied_at: Option<DateTime<Utc>>,
    /// Up to when the log is there.
    pub log_until: Option<DateTime<Utc>>,
    pub failing_since: Option<DateTime<Utc>>,
    pub error: Option<String>,
}

/// A backup in a bucket, or what there is of it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = copies)]
pub struct Copy {
    pub bucket: String,
    pub backup: String,
    pub made_at: DateTime<Utc>,
    /// `copying`, `copied`, `verified` or `failed`.
    pub state: String,
    /// How far an upload in parts is, if one goes on.
    pub upload: Option<String>,
    pub verified_at: Option<DateTime<Utc>>,
    pub error: Option<String>,
}

/// The buckets, by name.
pub fn buckets(conn: &mut PgConnection) -> QueryResult<Vec<BucketRecord>> {
    buckets::table.select(BucketRecord::as_select()).order(buckets::name).load(conn)
}

/// The copies in all of them, by bucket.
pub fn all(conn: &mut PgConnection) -> QueryResult<Vec<Copy>> {
    copies::table.select(Copy::as_select()).order((copies::bucket, copies::made_at)).load(conn)
}

/// Sees to it that there is a row for each of `configured`, and for no other.
pub fn keep(conn: &mut PgConnection, configured: &[Bucket]) -> QueryResult<()> {
    let names: Vec<&str> = configured.iter().map(|bucket| bucket.name.as_str()).collect();
    diesel::delete(buckets::table.filter(buckets::name.ne_all(names))).execute(conn)?;
    for bucket in configured {
        let values = (buckets::place.eq(bucket.place()), buckets::region.eq(bucket.region()));
        diesel::insert_into(buckets::table)
            .values((buckets::name.eq(&bucket.name), values.clone()))
            .on_conflict(buckets::name)
            .do_update()
            .set(values)
            .execute(conn)?;
    }
    Ok(())
}

/// Puts on record what is told of a copy.
pub fn note(conn: &mut PgConnection, bucket: &str, told: &Told<'_>) -> QueryResult<()> {
    let (name, state) = match told {
        Told::Copying(name) | Told::Upload(name, _) => (*name, "copying"),
        Told::Copied(name) => (*name, "copied"),
        Told::Verified(name) => (*name, "verified"),
        Told::Failed(name, _) => (*name, "failed"),
        Told::Gone(name) => {
            return diesel::delete(copies::table.find((bucket, *name))).execute(conn).map(|_| ());
        }
        Told::Log(until) => {
            return diesel::update(buckets::table.find(bucket))
                .set(buckets::log_until.eq(Some(Instant(*until))))
                .execute(conn)
                .map(|_| ());
        }
    };
    let Some(made_at) = time_of(name) else { return Ok(()) };
    let error = if let Told::Failed(_, error) = told { Some(error.as_str()) } else { None };
    diesel::insert_into(copies::table)
        .values((
            copies::bucket.eq(bucket),
            copies::backup.eq(name),
            copies::made_at.eq(Instant(made_at.and_utc())),
            copies::state.eq(state),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    let row = diesel::update(copies::table.find((bucket, name)));
    match told {
        // What went on goes on; one that failed has failed until it has been brought anew.
        Told::Copying(_) => row
            .filter(copies::state.ne("failed"))
            .set((copies::state.eq(state), copies::error.eq(error), copies::verified_at.eq(None::<Instant>)))
            .execute(conn)?,
        Told::Upload(_, upload) => row.set(copies::upload.eq(*upload)).execute(conn)?,
        Told::Verified(_) => row
            .set((copies::state.eq(state), copies::error.eq(error), copies::verified_at.eq(now.nullable())))
            .execute(conn)?,
        _ => row
            .set((
                copies::state.eq(state),
                copies::error.eq(error),
                copies::upload.eq(None::<&str>),
                copies::verified_at.eq(None::<Instant>),
            ))
            .execute(conn)?,
    };
    Ok(())
}

/// How a run ended.
fn note_run(conn: &mut PgConnection, bucket: &str, error: Option<&str>) -> QueryResult<()> {
    let row = diesel::update(buckets::table.find(bucket));
    match error {
        None => row
            .set((
                buckets::copied_at.eq(now.nullable()),
                buckets::failing_since.eq(None::<Instant>),
                buckets::error.eq(None::<&str>),
            ))
            .execute(conn)?,
        Some(error) => row
            .set((
                buckets::failing_since.eq(diesel::dsl::sql("coalesce(failing_since, now())")),
                buckets::error.eq(Some(error)),
            ))
            .execute(conn)?,
    };
    Ok(())
}

/// Brings to `bucket` what it lacks, on record. False when it was to stop before it was through.
pub fn copy(
    db: &Db,
    vault: &Vault,
    bucket: &Bucket,
    at: DateTime<Utc>,
    is_to_stop: &dyn Fn() -> bool,
) -> Result<bool, BackupError> {
    let untold =
        |error: DbError| BackupError::Failed(format!("what is copied can't be put on record: {error}"));
    let write = |told: &Told<'_>| {
        db.write_blocking(&Actor::System, |conn| note(conn, &bucket.name, told).map_err(DbError::from))
            .map_err(untold)
    };
    let known = db
        .read_blocking(&Actor::System, |conn| {
            copies::table
                .filter(copies::bucket.eq(&bucket.name))
                .select(Copy::as_select())
                .load(conn)
                .map_err(DbError::from)
        })
        .map_err(untold)?;
    let mut tell = |told: Told<'_>| write(&told);
    let outcome = Copying { vault, bucket, known: &known, now: at, is_to_stop, tell: &mut tell }.run();
    let error = outcome.as_ref().err().map(ToString::to_string);
    if !matches!(outcome, Ok(false)) {
        db.write_blocking(&Actor::System, |conn| {
            note_run(conn, &bucket.name, error.as_deref()).map_err(DbError::from)
        })
        .map_err(untold)?;
    }
    outcome
}
