//! What pages and watchers are told of backups: in the database, because the directory may be another machine's.

use chrono::{DateTime, Utc};
use diesel::dsl::{IntervalDsl, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde_json::json;

use super::archive::Standing;
use super::copies::{self, BucketRecord, Copy};
use super::store::Manifest;
use crate::audit::{self, AuditAction, Target};
use crate::db::schema::{archives, backups, schedules, timeline};
use crate::db::time::{ago, now};
use crate::identity::Principal;
use crate::queue::{Kind, NewJob, enqueue};

/// Days after which the last proof is old.
pub const PROOF_DAYS: i64 = 14;
/// Backups that a page shows.
const MOST: i64 = 100;

/// One backup, or an attempt at one.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = backups)]
pub struct Record {
    pub name: String,
    /// `base` or `dump`.
    pub kind: String,
    pub state: String,
    pub began_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// The moment that it was compared at.
    pub point_at: Option<DateTime<Utc>>,
    pub bytes: i64,
    pub rows: i64,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was last restored and compared.
    pub proven_at: Option<DateTime<Utc>>,
}

/// How the archive of a cluster's log stands.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = archives)]
pub struct Archive {
    pub archived_until: Option<DateTime<Utc>>,
    pub waiting: i32,
    pub error: Option<String>,
    pub as_of: DateTime<Utc>,
}

/// Everything that the page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// The newest first.
    pub backups: Vec<Record>,
    pub archive: Option<Archive>,
    pub buckets: Vec<BucketRecord>,
    pub copies: Vec<Copy>,
    pub next_backup: Option<DateTime<Utc>>,
    pub next_proof: Option<DateTime<Utc>>,
    /// Whether somebody said that the key is kept elsewhere.
    pub key_is_kept: bool,
}

/// How backups stand; `fingerprint` names the key.
pub fn overview(conn: &mut PgConnection, fingerprint: &str) -> QueryResult<Overview> {
    let due: Vec<(String, DateTime<Utc>)> = schedules::table
        .filter(schedules::kind.eq_any([Kind::BackUp.as_str(), Kind::ProveBackup.as_str()]))
        .select((schedules::kind, schedules::next_at))
        .load(conn)?;
    let next = |kind: Kind| due.iter().find(|(word, _)| word == kind.as_str()).map(|(_, at)| *at);
    let kept = timeline::table
        .filter(timeline::source.eq("audit").and(timeline::kind.eq(AuditAction::BackupKeyKept.as_str())))
        .filter(timeline::target_id.eq(fingerprint));
    Ok(Overview {
        backups: backups::table
            .select(Record::as_select())
            .order((backups::began_at.desc(), backups::name.desc()))
            .limit(MOST)
            .load(conn)?,
        archive: archives::table
            .select(Archive::as_select())
            .order(archives::as_of.desc())
            .first(conn)
            .optional()?,
        buckets: copies::buckets(conn)?,
        copies: copies::all(conn)?,
        next_backup: next(Kind::BackUp),
        next_proof: next(Kind::ProveBackup),
        key_is_kept: diesel::select(diesel::dsl::exists(kept)).get_result(conn)?,
    })
}

/// A backup was written.
pub fn note_written(conn: &mut PgConnection, manifest: &Manifest, began: DateTime<Utc>) -> QueryResult<()> {
    let values = (
        backups::name.eq(&manifest.name),
        backups::kind.eq(manifest.kind.as_str()),
        // All of it was read back under its seals.
        backups::state.eq("verified"),
        backups::began_at.eq(crate::db::time::Instant(began)),
        backups::ended_at.eq(now.nullable()),
        backups::point_at.eq(Some(crate::db::time::Instant(manifest.point_at))),
        backups::bytes.eq(i64::try_from(manifest.bytes()).unwrap_or(i64::MAX)),
        backups::rows.eq(manifest.tables.values().map(|table| table.rows).sum::<i64>()),
    );
    diesel::insert_into(backups::table)
        .values(values)
        .on_conflict(backups::name)
        .do_nothing()
        .execute(conn)
        .map(|_| ())
}

/// An attempt failed.
pub fn note_failed(
    conn: &mut PgConnection,
    name: &str,
    kind: &str,
    began: DateTime<Utc>,
    error: &str,
) -> QueryResult<()> {
    diesel::insert_into(backups::table)
        .values((
            backups::name.eq(name),
            backups::kind.eq(kind),
            backups::state.eq("failed"),
            backups::began_at.eq(crate::db::time::Instant(began)),
            backups::ended_at.eq(now.nullable()),
            backups::error.eq(error),
        ))
        .on_conflict(backups::name)
        .do_nothing()
        .execute(conn)
        .map(|_| ())
}

/// A backup was restored and compared: it is proven, or failed although it was written.
pub fn note_proof(conn: &mut PgConnection, name: &str, faults: &[String]) -> QueryResult<()> {
    let row = diesel::update(backups::table.find(name));
    if faults.is_empty() {
        let proven = (
            backups::state.eq("proven"),
            backups::proven_at.eq(now.nullable()),
            backups::error.eq(None::<String>),
        );
        row.set(proven).execute(conn)?;
    } else {
        row.set((backups::state.eq("failed"), backups::error.eq(faults.join("; ")))).execute(conn)?;
    }
    Ok(())
}

/// Backups that the rule did not keep.
pub fn note_gone(conn: &mut PgConnection, names: &[String]) -> QueryResult<()> {
    diesel::delete(backups::table.filter(backups::name.eq_any(names))).execute(conn)?;
    // Failed attempts tell for a quarter of a year that there were some.
    diesel::delete(
        backups::table.filter(backups::state.eq("failed").and(backups::began_at.lt(ago(90.days())))),
    )
    .execute(conn)
    .map(|_| ())
}

/// How the archive of a cluster stands.
pub fn note_archive(conn: &mut PgConnection, standing: &Standing, error: Option<&str>) -> QueryResult<()> {
    let values = (
        archives::archived_until.eq(standing.until.map(crate::db::time::Instant)),
        archives::waiting.eq(i32::try_from(standing.waiting).unwrap_or(i32::MAX)),
        archives::error.eq(error),
        archives::as_of.eq(now),
    );
    diesel::insert_into(archives::table)
        .values((archives::system_id.eq(&standing.system_id), values))
        .on_conflict(archives::system_id)
        .do_update()
        .set(values)
        .execute(conn)
        .map(|_| ())
}

/// That the last proof is old, if it is: for `/readyz` and `doctor`.
pub fn notes(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    let is_old: bool = diesel::select(sql::<Bool>(
        "EXISTS (SELECT FROM pilothouse.backups b WHERE b.began_at < now() - interval '14 days') \
         AND NOT EXISTS (SELECT FROM pilothouse.backups b WHERE b.proven_at BETWEEN now() - interval '14 days' AND now())",
    ))
    .get_result(conn)?;
    Ok(is_old
        .then(|| format!("backups: none has been restored and compared for {PROOF_DAYS} days"))
        .into_iter()
        .collect())
}

/// What an admin may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Create,
    Prove,
    Copy,
    /// Says that the key is kept elsewhere.
    KeepKey,
}

/// Does it, on record.
pub fn ask(conn: &mut PgConnection, principal: &Principal, deed: Deed, fingerprint: &str) -> QueryResult<()> {
    let (act, kind) = match deed {
        Deed::Create => (AuditAction::BackupAsked, Kind::BackUp),
        Deed::Prove => (AuditAction::BackupAsked, Kind::ProveBackup),
        Deed::Copy => (AuditAction::BackupAsked, Kind::CopyBackups),
        Deed::KeepKey => {
            let target = Target {
                kind: "backup_key",
                id: fingerprint.to_owned(),
                name: format!("key {fingerprint}"),
                project: None,
            };
            let after = json!({ "kept_elsewhere": true });
            return audit::record_change(
                conn,
                principal,
                &AuditAction::BackupKeyKept,
                &target,
                json!(null),
                after,
            );
        }
    };
    let target =
        Target { kind: "job", id: kind.as_str().to_owned(), name: kind.label().to_owned(), project: None };
    enqueue(conn, &NewJob::of(kind))?;
    audit::record_change(conn, principal, &act, &target, json!(null), json!({ "asked": true }))
}
