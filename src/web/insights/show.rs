//! `GET /insights`, `GET /projects/{id}/insights`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::drawings::{CostChart, Week, dollars};
use super::export;
use super::rows::{ContainerRow, KindRow, ModelRow, percent};
use crate::activity;
use crate::activity::daily::{Daily, DayCount};
use crate::activity::timeline::{self, Entry, Known};
use crate::db::cursor::PageStart;
use crate::db::ids::ProjectId;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::identity::{Role, Viewer};
use crate::insights::queries::{self, Activity, Costs};
use crate::insights::runs::{self, ContainerRuns};
use crate::insights::{Question, Range, Scope};
use crate::projects;
use crate::web::activity::display::Running;
use crate::web::activity::presenter::TimelinePresenter;
use crate::web::dashboard::chart::Chart;
use crate::web::display::{Choice, Tab, Tone, grouped};
use crate::web::projects::head::ProjectHead;
use crate::web::projects::{known, project_id};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::urls;

/// See `templates/insights/show.html`.
#[derive(Debug, Template)]
#[template(path = "insights/show.html")]
pub struct InsightsPage {
    /// The frame.
    pub shell: Shell,
    /// None on the page of everything.
    pub project: Option<ProjectHead>,
    /// The page's own path.
    pub action: String,
    pub from: String,
    pub to: String,
    pub environments: Vec<Choice>,
    /// Empty on a project's page.
    pub projects: Vec<Choice>,
    pub ranges: Vec<Tab>,
    /// What of the address makes no sense.
    pub complaint: Option<String>,
    /// Whether anything was ever counted; None before the first count.
    pub as_of: Option<Timestamp>,
    pub is_empty: bool,
    pub figures: Vec<Figure>,
    pub running: Vec<Running>,
    /// "One takes longer than usual."
    pub slower: Option<String>,
    pub chart: Chart,
    pub kinds: Vec<KindRow>,
    pub week: Week,
    pub containers: Vec<ContainerRow>,
    pub models: Vec<ModelRow>,
    pub cost: CostChart,
    /// Addresses of the tables as files, in the order of [`export::TABLES`].
    pub files: Vec<String>,
}

/// A number of the whole.
#[derive(Debug, Clone)]
pub struct Figure {
    pub label: &'static str,
    pub value: String,
    pub small: String,
}

/// What the page reads.
#[derive(Debug, Clone)]
pub struct Found {
    pub question: Question,
    /// What of the address makes no sense; the usual days are shown.
    pub complaint: Option<String>,
    pub activity: Activity,
    pub costs: Costs,
    pub containers: Vec<ContainerRuns>,
    pub running: Vec<Entry>,
    /// Projects to choose from.
    pub projects: Vec<(ProjectId, String)>,
}

/// Projects that can be chosen from, the last active first; others have their own page.
const PROJECTS: usize = 100;

impl Found {
    fn read(
        conn: &mut PgConnection,
        viewer: &Viewer,
        query: &Query,
        (scope, timeline_scope, known): (Scope, activity::Scope, &Known),
        now: DateTime<Utc>,
    ) -> AppResult<Self> {
        query.check().map_err(AppError::BadRequest)?;
        let (range, complaint) = match Range::parse(query.first("from"), query.first("to"), now, viewer.zone)
        {
            Ok(range) => (range, None),
            Err(complaint) => {
                (Range::ending_today(crate::insights::range::USUAL_DAYS, now, viewer.zone), Some(complaint))
            }
        };
        let environment = query.first("environment").map(str::to_owned);
        let question = Question { scope, range, environment };
        let projects = match scope {
            Scope::Project(_) => Vec::new(),
            Scope::Own | Scope::Everything => choices(conn)?,
        };
        Ok(Self {
            complaint,
            activity: queries::activity(conn, &question)?,
            costs: queries::costs(conn, &question)?,
            containers: runs::containers(conn, &question, now)?,
            running: timeline::what_runs(conn, timeline_scope, known, viewer.zone, now.timestamp_millis())?,
            projects,
            question,
        })
    }
}

fn choices(conn: &mut PgConnection) -> AppResult<Vec<(ProjectId, String)>> {
    let filter = projects::queries::Filter {
        status: Some("active".to_owned()),
        sort: projects::queries::Sort::Active,
        ..projects::queries::Filter::default()
    };
    let page = projects::queries::page(conn, &filter, &PageStart::Start, PROJECTS)?;
    Ok(page.rows.into_iter().map(|line| (line.project.id, line.project.name)).collect())
}

pub async fn show(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    // A form has one address: choosing a project leads to its page.
    if let Some(project) = query.first("project") {
        let id: ProjectId = project.parse().map_err(|_| AppError::NotFound)?;
        let rest = query.without(&["project"]);
        return Ok(urls::see_other(&urls::with_query(&urls::project_part(id, "insights"), &rest)));
    }
    let now = authed.app.clock.now();
    let file = export::asked(&query)?;
    let (viewer, found) = authed
        .read(move |conn, viewer| {
            let scope = if viewer.role == Role::Admin { Scope::Everything } else { Scope::Own };
            let of = (scope, activity::Scope::of(viewer), &Known::by(viewer));
            Found::read(conn, viewer, &query, of, now)
        })
        .await?;
    if let Some(file) = file {
        return export::answer(file, &found, now);
    }
    let shell = authed.shell(&viewer, "Insights").with_breadcrumbs(vec![Crumb::here("Insights")]);
    let page = InsightsPage::new(shell, None, &found, &TimelinePresenter::of(&viewer, now));
    authed.page(page.status(), &page)
}

pub async fn of_project(authed: AuthedRequest, path: Path<String>, query: Query) -> AppResult<HttpResponse> {
    let id = project_id(&path)?;
    let now = authed.app.clock.now();
    let file = export::asked(&query)?;
    let (viewer, (project, found)) = authed
        .read_project(id, move |conn, viewer, project| {
            let known = known(viewer, id, project);
            Found::read(conn, viewer, &query, (Scope::Project(id), activity::Scope::Project(id), &known), now)
        })
        .await?;
    if let Some(file) = file {
        return export::answer(file, &found, now);
    }
    let head = ProjectHead::of(&project, id, "insights", now, viewer.zone);
    let shell = authed
        .shell(&viewer, format!("Insights of {}", head.name))
        .with_breadcrumbs(head.crumbs(Some("Insights")));
    let page = InsightsPage::new(shell, Some(head), &found, &TimelinePresenter::of(&viewer, now).within(id));
    authed.page(page.status(), &page)
}

impl InsightsPage {
    fn status(&self) -> StatusCode {
        if self.complaint.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }
    }

    #[must_use]
    pub fn new(
        shell: Shell,
        project: Option<ProjectHead>,
        found: &Found,
        presenter: &TimelinePresenter,
    ) -> Self {
        let (now, zone) = (presenter.now, presenter.zone);
        let Found { question, activity, costs, .. } = found;
        let of_project = match question.scope {
            Scope::Project(id) => Some(id),
            Scope::Own | Scope::Everything => None,
        };
        let part =
            |part: &str| of_project.map_or_else(|| format!("/{part}"), |id| urls::project_part(id, part));
        let (action, timeline) = (part("insights"), part("activity"));
        let (from, to) = (question.range.from.to_string(), question.range.to.to_string());
        let environment = question.environment.clone();
        let with = |path: &str, pairs: &[(&str, &str)]| {
            let all =
                pairs.iter().copied().chain(environment.iter().map(|word| ("environment", word.as_str())));
            urls::with_query(path, &all.collect::<Vec<_>>())
        };
        let of_kind = |kind: &str| with(&timeline, &[("type", kind), ("from", &from), ("to", &to)]);
        let daily = Daily {
            as_of: activity.as_of,
            days: activity
                .days
                .iter()
                .map(|(date, entries, failed)| DayCount { date: *date, entries: *entries, failed: *failed })
                .collect(),
        };
        let of_day = |day: [(&'static str, String); 2]| {
            with(&timeline, &[(day[0].0, &day[0].1), (day[1].0, &day[1].1)])
        };
        let spent: i64 = costs.models.iter().map(|model| model.micro_usd).sum();
        let running: Vec<Running> = found.running.iter().map(|entry| presenter.running(entry)).collect();
        let slow = running.iter().filter(|row| row.badge.tone == Tone::Warning).count();
        Self {
            files: export::TABLES
                .iter()
                .map(|table| {
                    with(&action, &[("table", table), ("format", "csv"), ("from", &from), ("to", &to)])
                })
                .collect(),
            environments: environments(activity, environment.as_deref()),
            projects: projects_of(found),
            ranges: ranges(question, now, |first, last| with(&action, &[("from", first), ("to", last)])),
            complaint: found.complaint.clone(),
            as_of: activity.as_of.map(|at| Timestamp::new(at, now, zone)),
            is_empty: activity.kinds.is_empty() && costs.models.is_empty() && found.containers.is_empty(),
            figures: figures(found, spent),
            slower: slower(slow),
            running,
            chart: Chart::of("Activity by day", &daily, of_day, (now, zone)),
            kinds: activity.kinds.iter().map(|kind| KindRow::new(kind, of_kind)).collect(),
            week: Week::new(&activity.hours),
            containers: found.containers.iter().map(ContainerRow::new).collect(),
            models: costs.models.iter().map(|model| ModelRow::new(model, spent)).collect(),
            cost: CostChart::new(&costs.days),
            shell,
            project,
            action,
            from,
            to,
        }
    }
}

fn slower(count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some("One takes longer than 95 of 100 of its kind have in its project.".to_owned()),
        _ => Some(format!("{count} take longer than 95 of 100 of their kind have in their project.")),
    }
}

fn environments(activity: &Activity, current: Option<&str>) -> Vec<Choice> {
    let choice = |value: &str, label: &str| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        chosen: value == current.unwrap_or_default(),
    };
    let mut choices = vec![choice("", "Any environment")];
    choices.extend(activity.environments.iter().map(|word| choice(word, word)));
    // One that nothing happened in stays chosen.
    if let Some(word) = current.filter(|word| !activity.environments.iter().any(|known| known == word)) {
        choices.push(choice(word, word));
    }
    choices
}

fn projects_of(found: &Found) -> Vec<Choice> {
    if found.projects.is_empty() {
        return Vec::new();
    }
    let all = Choice { value: String::new(), label: "All projects".to_owned(), chosen: true };
    let one = |(id, name): &(ProjectId, String)| Choice {
        value: id.to_string(),
        label: name.clone(),
        chosen: false,
    };
    std::iter::once(all).chain(found.projects.iter().map(one)).collect()
}

fn ranges(question: &Question, now: DateTime<Utc>, address: impl Fn(&str, &str) -> String) -> Vec<Tab> {
    let lengths = [("7 days", 7), ("30 days", 30), ("90 days", 90), ("A year", 365)];
    let range = |(label, days): (&'static str, u64)| {
        let range = Range::ending_today(days, now, question.range.zone);
        Tab {
            label,
            url: address(&range.from.to_string(), &range.to.to_string()),
            current: range == question.range,
        }
    };
    lengths.map(range).to_vec()
}

fn figures(found: &Found, spent: i64) -> Vec<Figure> {
    let (entries, failed) =
        found.activity.days.iter().fold((0, 0), |(e, f), (_, entries, failed)| (e + entries, f + failed));
    let active = found.activity.days.iter().filter(|(_, entries, _)| *entries > 0).count();
    let crashes: i64 = found.containers.iter().map(|runs| runs.crashed).sum();
    let messages: i64 = found.costs.models.iter().map(|model| model.messages).sum();
    vec![
        Figure {
            label: "Entries",
            value: grouped(entries),
            small: format!("on {active} of {} days", found.activity.days.len()),
        },
        Figure {
            label: "Failed",
            value: percent(failed, entries),
            small: format!("{} of them", grouped(failed)),
        },
        Figure {
            label: "Crashes",
            value: grouped(crashes),
            small: format!("of {} containers that ran", found.containers.len()),
        },
        Figure {
            label: "Spent on models",
            value: dollars(spent),
            small: format!("{} messages", grouped(messages)),
        },
    ]
}
