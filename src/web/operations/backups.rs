//! `GET|POST /operations/backups`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use super::tabs;
use crate::app;
use crate::backups::KEY_FILE;
use crate::backups::copies::{BucketRecord, Copy};
use crate::backups::records::{self, Deed, Overview, Record};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::web::display::{Badge, ByteSize, Tab, Tone, grouped};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;

/// The page's address.
pub(super) const PATH: &str = "/operations/backups";

/// After how long without a newer copy a bucket is late: a day, and some time to copy.
const LATE_HOURS: i64 = 26;

/// One backup, or an attempt.
#[derive(Debug, Clone)]
pub struct BackupRow {
    pub name: String,
    pub badge: Badge,
    pub began: Timestamp,
    /// When it was last restored and compared.
    pub proven: Option<Timestamp>,
    pub bytes: ByteSize,
    pub rows: String,
    /// "Cluster and log", "Dump".
    pub kind: &'static str,
    pub error: String,
    /// One of each bucket.
    pub copies: Vec<Badge>,
    /// Why those failed that did.
    pub copy_errors: Vec<String>,
}

/// A bucket, and how copying to it goes.
#[derive(Debug, Clone)]
pub struct BucketRow {
    pub name: String,
    pub place: String,
    pub region: String,
    pub badge: Badge,
    /// Of the newest backup that it has.
    pub newest: Option<Timestamp>,
    /// When one was last read back.
    pub verified: Option<Timestamp>,
    pub log_until: Option<Timestamp>,
    pub copies: String,
    pub error: String,
}

#[derive(Debug, Template)]
#[template(path = "operations/backups.html")]
pub struct BackupsPage {
    /// The frame.
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    /// What can be restored, in a sentence.
    pub window: String,
    /// What is wrong with that.
    pub warnings: Vec<String>,
    /// When the next backup and the next proof are due.
    pub next_backup: Option<Timestamp>,
    pub next_proof: Option<Timestamp>,
    pub place: String,
    /// Where the key is that the console made, unless somebody said that it is kept elsewhere.
    pub key_at_risk: Option<String>,
    pub backups: Vec<BackupRow>,
    pub buckets: Vec<BucketRow>,
}

/// What the page is made of, besides the records.
#[derive(Debug, Clone)]
pub struct Place {
    /// The directory.
    pub dir: String,
    /// Where the console keeps a key that it made.
    pub key_file: Option<String>,
    /// The console has a server of its own, whose log is archived.
    pub is_embedded: bool,
}

/// Shows what there is.
///
/// # Errors
/// 404 for anybody but an admin.
pub async fn index(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let config = &authed.app.config;
    let fingerprint = fingerprint(&authed);
    let place = Place {
        dir: config.backups.display().to_string(),
        key_file: Some(config.data_dir.join(KEY_FILE))
            .filter(|path| config.backup_key.is_none() && path.exists())
            .map(|path| path.display().to_string()),
        is_embedded: config.database_url.is_none(),
    };
    let (viewer, overview) =
        authed.read_as_admin(move |conn, _| Ok(records::overview(conn, &fingerprint)?)).await?;
    let mut page = BackupsPage::of(&overview, &place, now, viewer.zone);
    page.shell = authed
        .shell(&viewer, "Backups")
        .with_breadcrumbs(vec![Crumb::link("Operations", "/operations"), Crumb::here("Backups")]);
    authed.page(StatusCode::OK, &page)
}

/// What tells the key from others; nothing before there is one.
fn fingerprint(authed: &AuthedRequest) -> String {
    let config = &authed.app.config;
    if config.backup_key.is_none() && !config.data_dir.join(KEY_FILE).exists() {
        return String::new();
    }
    app::vault(config).map(|vault| vault.fingerprint()).unwrap_or_default()
}

impl BackupsPage {
    pub fn of(overview: &Overview, place: &Place, now: DateTime<Utc>, zone: Tz) -> Self {
        let time = |at: DateTime<Utc>| Timestamp::new(at, now, zone);
        let usable = overview.backups.iter().filter(|backup| backup.state != "failed");
        // Between backups of earlier weeks the log is not kept.
        let week = now - TimeDelta::days(8);
        // Of a time to come: the clock was ahead.
        let points = usable.clone().filter_map(|backup| backup.point_at).filter(|at| *at <= now);
        let newest = points.clone().max();
        let oldest = points.filter(|at| *at > week).min().or(newest);
        let until = overview.archive.as_ref().and_then(|archive| archive.archived_until.max(newest));
        let window = match (oldest, until) {
            (None, _) => "There is no backup yet.".to_owned(),
            (Some(from), Some(until)) if place.is_embedded => {
                format!("Any second from {} to {} can be restored.", time(from).precise, time(until).precise)
            }
            (Some(_), _) => "Each backup can be restored as it stood when it was made.".to_owned(),
        };
        let mut warnings = Vec::new();
        if let Some(error) = overview.archive.as_ref().and_then(|archive| archive.error.as_deref()) {
            warnings.push(format!("The log is not archived: {error}"));
        }
        let proven = usable.clone().filter_map(|backup| backup.proven_at).filter(|at| *at <= now).max();
        let is_old = proven.is_none_or(|at| (now - at).num_days() >= records::PROOF_DAYS);
        if is_old && usable.clone().next().is_some() {
            warnings.push("No backup has been restored and compared for two weeks.".to_owned());
        }
        if !place.is_embedded {
            warnings.push(
                "The database is a server of yours: this console dumps it. To restore any second, archive its log \
                 there."
                    .to_owned(),
            );
        }
        Self {
            shell: Shell::anonymous("Backups"),
            tabs: tabs(PATH),
            window,
            warnings,
            next_backup: overview.next_backup.map(time),
            next_proof: overview.next_proof.map(time),
            place: place.dir.clone(),
            key_at_risk: place.key_file.clone().filter(|_| !overview.key_is_kept),
            backups: overview
                .backups
                .iter()
                .map(|backup| BackupRow::new(backup, now, zone).with_copies(overview))
                .collect(),
            buckets: overview
                .buckets
                .iter()
                .map(|bucket| BucketRow::new(bucket, &overview.copies, now, zone))
                .collect(),
        }
    }
}

impl BackupRow {
    fn new(backup: &Record, now: DateTime<Utc>, zone: Tz) -> Self {
        let (icon, label, tone) = match backup.state.as_str() {
            "proven" => ("success", "proven", Tone::Good),
            "verified" => ("success", "verified", Tone::Neutral),
            "written" => ("running", "written", Tone::Busy),
            _ => ("failed", "failed", Tone::Bad),
        };
        Self {
            name: backup.name.clone(),
            badge: Badge::new(icon, label, tone),
            began: Timestamp::new(backup.began_at, now, zone),
            proven: backup.proven_at.map(|at| Timestamp::new(at, now, zone)),
            bytes: ByteSize::new(backup.bytes),
            rows: grouped(backup.rows),
            kind: if backup.kind == "base" { "cluster" } else { "dump" },
            error: backup.error.clone().unwrap_or_default(),
            copies: Vec::new(),
            copy_errors: Vec::new(),
        }
    }

    fn with_copies(self, overview: &Overview) -> Self {
        let mut errors = Vec::new();
        let badge = |bucket: &BucketRecord| {
            let copy =
                overview.copies.iter().find(|copy| copy.bucket == bucket.name && copy.backup == self.name);
            let (icon, label, tone) = match copy.map(|copy| copy.state.as_str()) {
                Some("verified") => ("success", "verified", Tone::Good),
                Some("copied") => ("success", "copied", Tone::Neutral),
                Some("copying") => ("running", "copying", Tone::Busy),
                Some(_) => ("failed", "failed", Tone::Bad),
                None => ("pending", "not copied", Tone::Neutral),
            };
            if let Some(error) = copy.and_then(|copy| copy.error.as_ref()) {
                errors.push(format!("{}: {error}", bucket.name));
            }
            Badge::new(icon, format!("{}: {label}", bucket.name), tone)
        };
        let copies = overview.buckets.iter().map(badge).collect();
        Self { copies, copy_errors: errors, ..self }
    }
}

impl BucketRow {
    fn new(bucket: &BucketRecord, copies: &[Copy], now: DateTime<Utc>, zone: Tz) -> Self {
        let time = |at: DateTime<Utc>| Timestamp::new(at, now, zone);
        let there = || {
            copies.iter().filter(|copy| {
                copy.bucket == bucket.name && matches!(copy.state.as_str(), "copied" | "verified")
            })
        };
        let newest = there().map(|copy| copy.made_at).filter(|at| *at <= now).max();
        let is_late = newest.is_none_or(|at| now - at > TimeDelta::hours(LATE_HOURS));
        let (icon, label, tone) = match (bucket.failing_since, newest) {
            (Some(_), _) => ("failed", "failing", Tone::Bad),
            (None, None) => ("pending", "nothing yet", Tone::Warning),
            (None, Some(_)) if is_late => ("warning", "late", Tone::Warning),
            (None, Some(_)) => ("success", "copied", Tone::Good),
        };
        Self {
            name: bucket.name.clone(),
            place: bucket.place.clone(),
            region: bucket.region.clone(),
            badge: Badge::new(icon, label, tone),
            newest: newest.map(time),
            verified: there().filter_map(|copy| copy.verified_at).max().map(time),
            log_until: bucket.log_until.map(time),
            copies: grouped(i64::try_from(there().count()).unwrap_or(i64::MAX)),
            error: bucket.error.clone().unwrap_or_default(),
        }
    }
}

/// What is to be done: `create`, `prove`, `copy` or `keep_key`.
#[derive(Debug, Clone, Deserialize)]
pub struct DeedForm {
    #[serde(default)]
    deed: String,
}

/// Does it.
///
/// # Errors
/// 404 for anybody but an admin; 400 for another word.
pub async fn act(authed: AuthedRequest, form: Form<DeedForm>) -> AppResult<HttpResponse> {
    let (principal, fingerprint) = (authed.principal(), fingerprint(&authed));
    let deed = match form.0.deed.as_str() {
        "create" => Some((Deed::Create, "A backup begins as soon as an instance is free.")),
        "prove" => Some((
            Deed::Prove,
            "The newest backup will be restored and compared as soon as an instance is free.",
        )),
        "copy" => Some((Deed::Copy, "What the buckets lack is copied as soon as an instance is free.")),
        "keep_key" => Some((Deed::KeepKey, "It is on record that the key is kept elsewhere.")),
        _ => None,
    };
    let (_, notice) = authed
        .write_as_admin(move |conn, admin| {
            let unknown =
                || AppError::BadRequest("The field “deed” is create, prove, copy or keep_key.".to_owned());
            let (deed, notice) = deed.ok_or_else(unknown)?;
            records::ask(conn, &principal(admin), deed, &fingerprint)?;
            Ok(notice)
        })
        .await?;
    Ok(authed.redirect_with_notice(PATH, notice))
}
