//! `GET /operations`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::PgConnection;

use crate::db::cursor::Page;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::queue::Kind;
use crate::queue::instance::{Errand, ErrandRecord};
use crate::queue::queries::{self, Duty, DutyState, FailedJob, MOST_COUNTED, Waiting};
use crate::web::display::{Badge, Pager, Tab, Tone, grouped};
use crate::web::lists;
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;

/// The page's address.
pub(super) const PATH: &str = "/operations";

/// Something that the console does by itself.
#[derive(Debug, Clone)]
pub struct DutyRow {
    /// Its word.
    pub id: String,
    pub name: String,
    /// How it stands.
    pub badge: Badge,
    /// When it last succeeded, which is its age.
    pub last_success: Option<Timestamp>,
    /// When it is due next.
    pub next: Option<Timestamp>,
    /// Since when it fails, or is due.
    pub since: Option<Timestamp>,
    /// What the time before means: "Failing since", "Due since".
    pub since_label: &'static str,
    /// Why it failed.
    pub error: String,
}

/// The jobs of one kind that wait.
#[derive(Debug, Clone)]
pub struct WaitingRow {
    /// What they do.
    pub name: String,
    /// That an instance works on.
    pub running: String,
    pub due: String,
    /// Whose time has not come.
    pub later: String,
    /// That did not work the last time.
    pub failing: String,
    /// Since when the oldest is due.
    pub due_since: Option<Timestamp>,
}

/// A job that was given up.
#[derive(Debug, Clone)]
pub struct JobRow {
    pub id: String,
    /// What it does.
    pub name: String,
    /// How often it was begun.
    pub attempts: String,
    /// Why it failed.
    pub error: String,
    pub asked: Timestamp,
    /// When it was given up.
    pub failed: Option<Timestamp>,
}

/// What the console does by itself.
#[derive(Debug, Template)]
#[template(path = "operations/show.html")]
pub struct OperationsPage {
    /// The frame.
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    /// What every instance shares.
    pub duties: Vec<DutyRow>,
    /// What the instance that answers does for itself.
    pub errands: Vec<DutyRow>,
    /// The jobs that wait or run.
    pub waiting: Vec<WaitingRow>,
    /// That not all of them were counted.
    pub waiting_note: Option<String>,
    /// The jobs that were given up.
    pub failed: Vec<JobRow>,
    /// Their neighbouring pages.
    pub pager: Pager,
}

/// Shows duties and jobs.
///
/// # Errors
/// 404 for anybody but an admin; 400 for an impossible `limit` or cursor.
pub async fn show(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let errands = authed.app.errands.all();
    let (viewer, mut page) = authed
        .read_as_admin(move |conn, admin| OperationsPage::load(conn, &query, &errands, now, admin.zone))
        .await?;
    page.shell =
        authed.shell(&viewer, "Operations").watching_all().with_breadcrumbs(vec![Crumb::here("Operations")]);
    authed.page(StatusCode::OK, &page)
}

pub struct Found {
    pub duties: Vec<Duty>,
    pub errands: Vec<(Errand, ErrandRecord)>,
    pub waiting: Vec<Waiting>,
    pub failed: Page<FailedJob>,
}

impl OperationsPage {
    fn load(
        conn: &mut PgConnection,
        query: &Query,
        errands: &[(Errand, ErrandRecord)],
        now: DateTime<Utc>,
        zone: Tz,
    ) -> AppResult<Self> {
        let (limit, from) = (lists::limit(query)?, lists::from_time(query)?);
        let found = Found {
            duties: queries::duties(conn)?,
            errands: errands.to_vec(),
            waiting: queries::waiting(conn)?,
            failed: queries::failed(conn, &from, limit)?,
        };
        Ok(Self::of(query, &found, now, zone))
    }

    pub fn of(query: &Query, found: &Found, now: DateTime<Utc>, zone: Tz) -> Self {
        let counted: i64 = found.waiting.iter().map(|row| row.running + row.due + row.later).sum();
        Self {
            shell: Shell::anonymous("Operations"),
            tabs: super::tabs(PATH),
            duties: found.duties.iter().map(|duty| DutyRow::of_duty(duty, now, zone)).collect(),
            errands: found
                .errands
                .iter()
                .map(|(errand, at)| DutyRow::of_errand(*errand, at, now, zone))
                .collect(),
            waiting: found.waiting.iter().map(|row| WaitingRow::new(row, now, zone)).collect(),
            waiting_note: (counted >= MOST_COUNTED)
                .then(|| format!("Only the first {} are counted.", grouped(MOST_COUNTED))),
            failed: found.failed.rows.iter().map(|job| JobRow::new(job, now, zone)).collect(),
            pager: lists::pager(PATH, query, &found.failed, ("failed job", "failed jobs"), |job| {
                job.position().listed()
            }),
        }
    }
}

fn badge(state: DutyState) -> Badge {
    let (icon, label, tone) = match state {
        DutyState::Good => ("success", "good", Tone::Good),
        DutyState::Running => ("running", "running", Tone::Busy),
        DutyState::Failing => ("failed", "failing", Tone::Bad),
        DutyState::Dead => ("warning", "nobody does it", Tone::Bad),
    };
    Badge::new(icon, label, tone)
}

impl DutyRow {
    fn of_duty(duty: &Duty, now: DateTime<Utc>, zone: Tz) -> Self {
        let time = |at: DateTime<Utc>| Timestamp::new(at, now, zone);
        let state = duty.state(now);
        let (since, since_label) = match state {
            DutyState::Failing => (duty.failing_since, "Failing since"),
            DutyState::Dead => (duty.due_since.or(duty.next_at), "Due since"),
            DutyState::Good | DutyState::Running => (None, ""),
        };
        Self {
            id: duty.kind.as_str().to_owned(),
            name: duty.kind.label().to_owned(),
            badge: badge(state),
            last_success: duty.last_success_at.map(time),
            next: duty.next_at.map(time),
            since: since.map(time),
            since_label,
            error: duty.last_error.clone().unwrap_or_default(),
        }
    }

    fn of_errand(errand: Errand, record: &ErrandRecord, now: DateTime<Utc>, zone: Tz) -> Self {
        let time = |at: DateTime<Utc>| Timestamp::new(at, now, zone);
        let state = match record.failing_since {
            Some(_) => DutyState::Failing,
            None if record.is_late(now) => DutyState::Dead,
            None => DutyState::Good,
        };
        Self {
            id: errand.as_str().to_owned(),
            name: errand.label().to_owned(),
            badge: badge(state),
            last_success: record.last_success_at.map(time),
            next: None,
            since: record.failing_since.map(time),
            since_label: if record.failing_since.is_some() { "Failing since" } else { "" },
            error: record.last_error.clone().unwrap_or_default(),
        }
    }
}

impl WaitingRow {
    fn new(row: &Waiting, now: DateTime<Utc>, zone: Tz) -> Self {
        Self {
            name: Kind::from_stored(&row.kind).label().to_owned(),
            running: grouped(row.running),
            due: grouped(row.due),
            later: grouped(row.later),
            failing: grouped(row.failing),
            due_since: row.due_since.map(|at| Timestamp::new(at, now, zone)),
        }
    }
}

impl JobRow {
    fn new(job: &FailedJob, now: DateTime<Utc>, zone: Tz) -> Self {
        let time = |at: DateTime<Utc>| Timestamp::new(at, now, zone);
        Self {
            id: job.id.to_string(),
            name: Kind::from_stored(&job.kind).label().to_owned(),
            attempts: grouped(job.attempts.into()),
            error: job.last_error.clone().unwrap_or_default(),
            asked: time(job.created_at),
            failed: job.ended_at.map(time),
        }
    }
}
