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
use crate::tokens::queries::Neglected;
use crate::web::activity::display::{DayItem, Part, Running};
use crate::web::activity::presenter::TimelinePresenter;
use crate::web::activity::second_line;
use crate::web::projects::index::ProjectRow;
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::urls;
use crate::{instance, projects, tokens};

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
    /// The viewer's tokens that end soon, or that nobody uses.
    pub tokens: Vec<TokenNote>,
    /// What happened since the last visit.
    pub since: Since,
}

/// A token to look at.
#[derive(Debug, Clone)]
pub struct TokenNote {
    pub name: String,
    /// "expires", "last used" or "never used".
    pub what: &'static str,
    pub when: Option<Timestamp>,
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
    /// Why, as far as it is known.
    pub reason: Option<String>,
    /// Its own page.
    pub url: String,
    pub when: Timestamp,
}

/// What the dashboard reads.
struct Glance {
    visit: Option<DateTime<Utc>>,
    latest: TimelinePage,
    failed: TimelinePage,
    /// The filter that finds failures of the last days.
    lately: Filter,
    projects: Vec<ProjectLine>,
    has_more_projects: bool,
    tokens: Vec<Neglected>,
    instance: Option<(Figures, Daily)>,
}

/// How many failures and projects are shown.
const FAILURES: i64 = 5;
/// Characters of a failure's reason.
const REASON_SHOWN: usize = 160;
/// Days that count as lately, today with them.
const LATELY: u64 = 7;
const PROJECTS: usize = 12;

pub async fn show(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let asked = query.first("days").and_then(|days| days.parse().ok());
    let days = RANGES.into_iter().find(|days| Some(*days) == asked).unwrap_or(RANGES[0]);
    let read = authed.read_found(tokens::queries::find_with_viewer, move |conn, viewer, has_tokens| {
        Glance::of(conn, viewer, has_tokens, days, now)
    });
    let (viewer, glance) = read.await?;
    let presenter = TimelinePresenter::of(&viewer, now);
    let failed = glance.failed.entries.iter();
    let page = DashboardPage {
        shell: authed
            .shell(&viewer, "Dashboard")
            .watching_all()
            .with_breadcrumbs(vec![Crumb::here("Dashboard")]),
        instance: glance.instance.map(|(figures, daily)| Instance {
            figures: figures::figures(&figures),
            chart: Chart::new(&daily, now, viewer.zone),
            warning: figures.server.and_then(ServerVersion::warning),
        }),
        running: glance.latest.running.iter().map(|entry| presenter.running(entry)).collect(),
        failed: failed
            .map(|entry| FailedLine {
                sentence: presenter.sentence(&entry.sentence),
                reason: second_line::in_short(entry, REASON_SHOWN),
                url: presenter.page_of(entry),
                when: Timestamp::from_millis(entry.moment.ms, now, viewer.zone),
            })
            .collect(),
        failed_url: urls::with_query("/activity", &glance.lately.pairs()),
        projects: glance.projects.iter().map(|line| ProjectRow::new(line, now, viewer.zone)).collect(),
        has_more_projects: glance.has_more_projects,
        tokens: glance.tokens.into_iter().map(|token| TokenNote::new(token, now, &viewer)).collect(),
        since: Since::new(glance.latest, glance.visit, Some(viewer.id), &presenter),
    };
    authed.page(StatusCode::OK, &page)
}

impl TokenNote {
    fn new(token: Neglected, now: DateTime<Utc>, viewer: &Viewer) -> Self {
        let ends = token.expires_at.filter(|_| token.ends_soon == Some(true));
        let (what, when) = match (ends, token.last_used_at) {
            (Some(at), _) => ("expires", Some(at)),
            (None, Some(at)) => ("last used", Some(at)),
            (None, None) => ("never used", None),
        };
        Self { name: token.name, what, when: when.map(|at| Timestamp::new(at, now, viewer.zone)) }
    }
}

impl Glance {
    fn of(
        conn: &mut PgConnection,
        viewer: &Viewer,
        has_tokens: bool,
        days: u64,
        now: DateTime<Utc>,
    ) -> AppResult<Self> {
        let scope = Scope::of(viewer);
        let now_ms = now.timestamp_millis();
        let today = now.with_timezone(&viewer.zone).date_naive();
        // Until today: what is dated later would stand first, and hide what is new.
        let until_today = Filter { to: Some(today), ..Filter::none(viewer.zone) };
        let latest =
            Filter { limit: since::READ, from: NaiveDate::from_ymd_opt(1990, 1, 1), ..until_today.clone() };
        let mut lately = Filter { from: today.checked_sub_days(Days::new(LATELY - 1)), ..until_today };
        lately.statuses.only = vec![FAILED[0].to_owned()];
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
            failed: timeline::page(
                conn,
                scope,
                &Filter { limit: FAILURES, ..lately.clone() },
                &known,
                now_ms,
            )?,
            lately,
            projects,
            has_more_projects,
            tokens: if has_tokens { tokens::queries::neglected(conn, viewer.id)? } else { Vec::new() },
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
