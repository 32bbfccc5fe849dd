//! `GET /`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Days, Utc};
use diesel::PgConnection;

use crate::activity::timeline::{self, TimelinePage};
use crate::activity::{Filter, Scope};
use crate::auth::Viewer;
use crate::db::cursor::From;
use crate::error::{AppError, AppResult};
use crate::projects::queries::{ProjectLine, Sort};
use crate::users::Role;
use crate::web::activity::convert::Eyes;
use crate::web::activity::display::{Day, DayItem, Part, Running};
use crate::web::display::Timestamp;
use crate::web::projects::index::{ProjectRow, sample_rows};
use crate::web::sample::{HOSTILE, Sample};
use crate::web::shell::{Crumb, Shell};
use crate::web::urls;
use crate::web::visit::Visit;
use crate::{containers, projects, users};

/// The dashboard.
#[derive(Debug, Template)]
#[template(path = "dashboard/show.html")]
pub struct DashboardPage {
    /// The frame.
    pub shell: Shell,
    /// The instance at a glance, for admins.
    pub figures: Vec<Figure>,
    /// What runs now.
    pub running: Vec<Running>,
    /// What failed lately.
    pub failed: Vec<FailedLine>,
    /// The timeline of failures.
    pub failed_url: String,
    /// The projects that changed last.
    pub projects: Vec<ProjectRow>,
    /// What they are called.
    pub projects_title: &'static str,
    /// What the entries below are.
    pub since: String,
    /// The latest entries by day.
    pub days: Vec<Day>,
}

/// One number of the instance.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What is counted.
    pub label: &'static str,
    /// How many.
    pub value: String,
    /// What the number is made of.
    pub note: String,
    /// Where they are listed.
    pub url: &'static str,
}

/// One failure.
#[derive(Debug, Clone)]
pub struct FailedLine {
    /// Who did what to which thing.
    pub sentence: Vec<Part>,
    /// Its own page.
    pub url: String,
    /// When.
    pub when: Timestamp,
}

/// What the dashboard reads.
struct Glance {
    latest: TimelinePage,
    failed: TimelinePage,
    projects: Vec<ProjectLine>,
    figures: Vec<Figure>,
}

/// How many entries, failures and projects are shown.
const LATEST: i64 = 12;
const FAILURES: i64 = 5;
const PROJECTS: usize = 8;
/// The words for failure, as actions and events store them.
const FAILED: [&str; 4] = ["failed", "failure", "error", "FAILED"];

/// Shows the dashboard.
///
/// # Errors
/// When the database can't be asked.
pub async fn show(visit: Visit) -> AppResult<HttpResponse> {
    let now = visit.app.clock.now();
    let (viewer, glance) = visit.read(move |conn, viewer| Glance::of(conn, viewer, now)).await?;
    let eyes = Eyes::of(&viewer, now);
    let is_admin = viewer.role == Role::Admin;
    let page = DashboardPage {
        shell: visit.shell(&viewer, "Dashboard").with_breadcrumbs(vec![Crumb::here("Dashboard")]),
        figures: glance.figures,
        running: glance.latest.running.iter().map(|entry| eyes.running(entry)).collect(),
        failed: glance
            .failed
            .entries
            .iter()
            .map(|entry| FailedLine {
                sentence: eyes.sentence(&entry.sentence),
                url: eyes.page_of(entry),
                when: Timestamp::from_millis(entry.moment.ms, now, viewer.zone),
            })
            .collect(),
        failed_url: urls::with_query("/activity", &FAILED.map(|word| ("status", word))),
        projects: glance.projects.iter().map(|line| ProjectRow::new(line, now, viewer.zone)).collect(),
        projects_title: if is_admin { "Latest projects" } else { "Your projects" },
        since: "Latest activity".to_owned(),
        days: eyes.days(&glance.latest),
    };
    visit.page(StatusCode::OK, &page)
}

impl Glance {
    fn of(conn: &mut PgConnection, viewer: &Viewer, now: DateTime<Utc>) -> AppResult<Self> {
        let scope = Scope::of(viewer);
        let now_ms = now.timestamp_millis();
        let latest = Filter { limit: LATEST, ..Filter::none(viewer.zone) };
        let mut failed = Filter { limit: FAILURES, ..Filter::none(viewer.zone) };
        failed.statuses.only = FAILED.map(str::to_owned).to_vec();
        failed.from = now.with_timezone(&viewer.zone).date_naive().checked_sub_days(Days::new(7));
        let active = projects::queries::Filter {
            status: Some("active".to_owned()),
            sort: Sort::Active,
            ..projects::queries::Filter::default()
        };
        Ok(Self {
            latest: timeline::page(conn, scope, &latest, now_ms)?,
            failed: timeline::page(conn, scope, &failed, now_ms)?,
            projects: projects::queries::page(conn, &active, &From::Start, PROJECTS)?.rows,
            figures: if viewer.role == Role::Admin { figures(conn)? } else { Vec::new() },
        })
    }
}

fn figures(conn: &mut PgConnection) -> Result<Vec<Figure>, AppError> {
    let by_status = containers::queries::count_by_status(conn)?;
    let live: i64 = by_status.iter().filter(|(status, _)| status != "deleted").map(|(_, count)| count).sum();
    let note =
        by_status.iter().map(|(status, count)| format!("{count} {status}")).collect::<Vec<_>>().join(", ");
    Ok(vec![
        Figure {
            label: "Users",
            value: users::queries::count(conn)?.to_string(),
            note: String::new(),
            url: "/users",
        },
        Figure {
            label: "Projects",
            value: projects::queries::count(conn)?.to_string(),
            note: String::new(),
            url: "/projects",
        },
        Figure { label: "Containers", value: live.to_string(), note, url: "/containers" },
    ])
}

impl Sample for DashboardPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let empty = || Self {
            shell: Shell::sample("Dashboard"),
            figures: Vec::new(),
            running: Vec::new(),
            failed: Vec::new(),
            failed_url: "/activity".to_owned(),
            projects: Vec::new(),
            projects_title: "Your projects",
            since: "Latest activity".to_owned(),
            days: Vec::new(),
        };
        let failure = FailedLine {
            sentence: vec![Part { text: HOSTILE.to_owned(), url: None, kind: "word" }],
            url: "/activity/x".to_owned(),
            when: Timestamp::from_millis(1_763_680_000_000, DateTime::UNIX_EPOCH, chrono_tz::Tz::UTC),
        };
        let busy = Self {
            figures: vec![Figure {
                label: "Users",
                value: "3".to_owned(),
                note: HOSTILE.to_owned(),
                url: "/users",
            }],
            running: crate::web::activity::samples::running(),
            failed: vec![failure],
            projects: sample_rows(),
            days: crate::web::activity::samples::days(),
            ..empty()
        };
        vec![("nothing yet", empty()), ("busy and hostile", busy)]
    }
}
