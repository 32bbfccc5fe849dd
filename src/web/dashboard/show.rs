//! `GET /`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Days, NaiveDate, Utc};
use diesel::PgConnection;

use super::chart::{Chart, RANGES};
use super::figures::{self, Figure};
use super::since::{self, Since};
use crate::activity::daily::{self, Daily, Span};
use crate::activity::timeline::{self, Known, TimelinePage};
use crate::activity::{FAILED, Filter, Scope};
use crate::auth::sessions;
use crate::db::cursor::PageStart;
use crate::db::server_version::ServerVersion;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::identity::{Role, Viewer};
use crate::instance::queries::Figures;
use crate::projects::queries::{ProjectLine, Sort};
use crate::web::activity::display::{DayItem, Part, Running};
use crate::web::activity::presenter::TimelinePresenter;
use crate::web::projects::index::{ProjectRow, sample_rows};
use crate::web::sample::{HOSTILE, Sample};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::urls;
use crate::{instance, projects};

#[derive(Debug, Template)]
#[template(path = "dashboard/show.html")]
pub struct DashboardPage {
    /// The frame.
    pub shell: Shell,
    /// The instance at a glance, for admins.
    pub instance: Option<Instance>,
    /// What runs now.
    pub running: Vec<Running>,
    pub failed: Vec<FailedLine>,
    /// The timeline of failures.
    pub failed_url: String,
    /// The viewer's projects, the last active first; empty for admins, who have the list.
    pub projects: Vec<ProjectRow>,
    /// Whether there are more than are shown.
    pub has_more_projects: bool,
    /// What happened since the last visit.
    pub since: Since,
}

/// What admins see of the whole.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Users, projects, containers.
    pub figures: Vec<Figure>,
    /// Activity and failures over time.
    pub chart: Chart,
    /// What is wrong with the database's server, if anything.
    pub warning: Option<String>,
}

/// One failure.
#[derive(Debug, Clone)]
pub struct FailedLine {
    /// Who did what to which thing.
    pub sentence: Vec<Part>,
    /// Its own page.
    pub url: String,
    pub when: Timestamp,
}

/// What the dashboard reads.
struct Glance {
    visit: Option<DateTime<Utc>>,
    latest: TimelinePage,
    failed: TimelinePage,
    projects: Vec<ProjectLine>,
    has_more_projects: bool,
    instance: Option<(Figures, Daily)>,
}

/// How many failures and projects are shown.
const FAILURES: i64 = 5;
const PROJECTS: usize = 12;

pub async fn show(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let asked = query.first("days").and_then(|days| days.parse().ok());
    let days = RANGES.into_iter().find(|days| Some(*days) == asked).unwrap_or(RANGES[0]);
    let (viewer, glance) = authed.read(move |conn, viewer| Glance::of(conn, viewer, days, now)).await?;
    let presenter = TimelinePresenter::of(&viewer, now);
    let failed = glance.failed.entries.iter();
    let page = DashboardPage {
        shell: authed.shell(&viewer, "Dashboard").with_breadcrumbs(vec![Crumb::here("Dashboard")]),
        instance: glance.instance.map(|(figures, daily)| Instance {
            figures: figures::figures(&figures),
            chart: Chart::new(&daily, now, viewer.zone),
            warning: figures.server.and_then(ServerVersion::warning),
        }),
        running: glance.latest.running.iter().map(|entry| presenter.running(entry)).collect(),
        failed: failed
            .map(|entry| FailedLine {
                sentence: presenter.sentence(&entry.sentence),
                url: presenter.page_of(entry),
                when: Timestamp::from_millis(entry.moment.ms, now, viewer.zone),
            })
            .collect(),
        failed_url: urls::with_query("/activity", &FAILED.map(|word| ("status", word))),
        projects: glance.projects.iter().map(|line| ProjectRow::new(line, now, viewer.zone)).collect(),
        has_more_projects: glance.has_more_projects,
        since: Since::new(glance.latest, glance.visit, Some(viewer.id), &presenter),
    };
    authed.page(StatusCode::OK, &page)
}

impl Glance {
    fn of(conn: &mut PgConnection, viewer: &Viewer, days: u64, now: DateTime<Utc>) -> AppResult<Self> {
        let scope = Scope::of(viewer);
        let now_ms = now.timestamp_millis();
        let today = now.with_timezone(&viewer.zone).date_naive();
        // Until today: what is dated later would stand first, and hide what is new.
        let until_today = Filter { to: Some(today), ..Filter::none(viewer.zone) };
        let latest =
            Filter { limit: since::READ, from: NaiveDate::from_ymd_opt(1990, 1, 1), ..until_today.clone() };
        let mut failed =
            Filter { limit: FAILURES, from: today.checked_sub_days(Days::new(7)), ..until_today };
        failed.statuses.only = FAILED.map(str::to_owned).to_vec();
        let is_admin = viewer.role == Role::Admin;
        let instance = if is_admin {
            let span = Span::ending_today(days, now, viewer.zone);
            Some((instance::queries::figures(conn)?, daily::of_everything(conn, &span)?))
        } else {
            None
        };
        let (projects, has_more_projects) = if is_admin { (Vec::new(), false) } else { own_projects(conn)? };
        let known = Known::by(viewer);
        Ok(Self {
            visit: sessions::previous_visit(conn, viewer.id, viewer.session)?,
            latest: timeline::page(conn, scope, &latest, &known, now_ms)?,
            failed: timeline::page(conn, scope, &failed, &known, now_ms)?,
            projects,
            has_more_projects,
            instance,
        })
    }
}

fn own_projects(conn: &mut PgConnection) -> AppResult<(Vec<ProjectLine>, bool)> {
    let active = projects::queries::Filter {
        status: Some("active".to_owned()),
        sort: Sort::Active,
        ..projects::queries::Filter::default()
    };
    let page = projects::queries::page(conn, &active, &PageStart::Start, PROJECTS)?;
    Ok((page.rows, page.has_next))
}

impl Sample for DashboardPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let presenter = TimelinePresenter {
            now: DateTime::UNIX_EPOCH,
            zone: chrono_tz::Tz::UTC,
            is_admin: true,
            here: None,
            own_project: None,
        };
        let at = Timestamp::from_millis(1_763_680_000_000, DateTime::UNIX_EPOCH, chrono_tz::Tz::UTC);
        let empty = || Self {
            shell: Shell::sample("Dashboard"),
            instance: None,
            running: Vec::new(),
            failed: Vec::new(),
            failed_url: "/activity".to_owned(),
            projects: Vec::new(),
            has_more_projects: false,
            since: Since::new(TimelinePage::default(), None, None, &presenter),
        };
        let failure = FailedLine {
            sentence: vec![Part { text: HOSTILE.into(), url: None, kind: "word" }],
            url: "/activity/x".to_owned(),
            when: at.clone(),
        };
        let since = Since {
            visit: Some(at.clone()),
            summary: HOSTILE.to_owned(),
            more: Some(HOSTILE.to_owned()),
            days: crate::web::activity::samples::days(),
            ..empty().since
        };
        let busy = Self {
            running: crate::web::activity::samples::running(),
            failed: vec![failure],
            projects: sample_rows(),
            has_more_projects: true,
            since: since.clone(),
            ..empty()
        };
        let instance = |as_of| Instance {
            figures: vec![Figure {
                label: "Users",
                value: "3".to_owned(),
                parts: vec![
                    figures::Part { label: HOSTILE.to_owned(), url: None },
                    figures::Part { label: HOSTILE.to_owned(), url: Some("/users".to_owned()) },
                ],
                url: "/users",
            }],
            chart: Chart::new(
                &Span::ending_today(30, DateTime::UNIX_EPOCH, chrono_tz::Tz::UTC).without_entries(as_of),
                DateTime::UNIX_EPOCH,
                chrono_tz::Tz::UTC,
            ),
            warning: ServerVersion::new(150_002).warning(),
        };
        let uncounted = Self { instance: Some(instance(None)), ..empty() };
        let admin = Self { instance: Some(instance(Some(DateTime::UNIX_EPOCH))), since, ..empty() };
        let quiet = Since::new(TimelinePage::default(), Some(DateTime::UNIX_EPOCH), None, &presenter);
        vec![
            ("nothing yet", empty()),
            ("busy and hostile", busy),
            ("an admin's", admin),
            ("not counted yet", uncounted),
            ("nothing new", Self { since: quiet, ..empty() }),
        ]
    }
}
