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
use crate::backups::records::{self, Deed, Overview, Record};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::web::display::{Badge, ByteSize, Tab, Tone, grouped};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;

/// The page's address.
pub(super) const PATH: &str = "/operations/backups";

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
        let points = usable.clone().filter_map(|backup| backup.point_at);
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
        let proven = usable.clone().filter_map(|backup| backup.proven_at).max();
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
            backups: overview.backups.iter().map(|backup| BackupRow::new(backup, now, zone)).collect(),
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
        }
    }
}

/// What is to be done: `create`, `prove`, or `keep_key`.
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
        "keep_key" => Some((Deed::KeepKey, "It is on record that the key is kept elsewhere.")),
        _ => None,
    };
    let (_, notice) = authed
        .write_as_admin(move |conn, admin| {
            let unknown =
                || AppError::BadRequest("The field “deed” is create, prove or keep_key.".to_owned());
            let (deed, notice) = deed.ok_or_else(unknown)?;
            records::ask(conn, &principal(admin), deed, &fingerprint)?;
            Ok(notice)
        })
        .await?;
    Ok(authed.redirect_with_notice(PATH, notice))
}
