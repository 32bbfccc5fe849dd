//! `GET /containers/{id}/runs`, and the strip of runs that the container's page begins with.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::head::ContainerHead;
use super::show::container_id;
use crate::containers::{Status, queries};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::observations::runs::{self, Run};
use crate::operations;
use crate::web::display::{Badge, counted};
use crate::web::shell::Shell;
use crate::web::state;
use crate::web::time::{self, Timestamp};

/// How far back runs are shown.
const DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;
/// The shortest that is drawn.
const SHORTEST: i64 = DAYS * DAY_MS / 250;

/// Runs of a container, as a page of their own.
#[derive(Debug, Template)]
#[template(path = "containers/runs.html")]
pub struct RunsPage {
    pub shell: Shell,
    pub container: ContainerHead,
    pub strip: RunStrip,
}

/// See `templates/containers/_runs.html`.
#[derive(Debug, Clone)]
pub struct RunStrip {
    /// What a reader who can't see it is told: how many runs, how many failed, how long it ran.
    pub told: String,
    /// The drawing, from left to right.
    pub bars: Vec<RunBar>,
    pub ticks: Vec<RunTick>,
    /// The same as rows, the newest first.
    pub rows: Vec<RunRow>,
    /// Whether there are more runs than are shown.
    pub is_cut: bool,
}

/// One run of the drawing: places in percent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunBar {
    pub x: String,
    pub width: String,
    pub title: String,
    /// Where it failed; none when it did not.
    pub failed_at: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunTick {
    pub x: String,
    pub label: String,
}

#[derive(Debug, Clone)]
pub struct RunRow {
    pub began: Timestamp,
    /// None while it runs, or when nobody saw its end.
    pub ended: Option<Timestamp>,
    pub lasted: String,
    pub badge: Badge,
    pub exit_code: String,
}

/// When the runs that are shown begin, in epoch milliseconds.
pub(super) fn shown_since(now: DateTime<Utc>) -> i64 {
    (now - TimeDelta::days(DAYS)).timestamp_millis()
}

pub async fn show(authed: AuthedRequest, path: Path<String>) -> AppResult<HttpResponse> {
    let id = container_id(&path)?;
    let now = authed.app.clock.now();
    let (viewer, (container, projects, under_way, found)) = authed
        .read(move |conn, _| {
            let container = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let under_way = operations::queries::under_way(conn, id)?;
            let runs = runs::since(conn, id, &container.engine_id, shown_since(now))?;
            Ok((container, queries::projects_in(conn, id)?, under_way, runs))
        })
        .await?;
    let head = ContainerHead::new(
        &container,
        &projects,
        "runs",
        (&authed.app.engine.last_standing(), under_way.as_ref()),
        (now, viewer.zone),
    );
    let page = RunsPage {
        shell: authed
            .shell(&viewer, format!("Runs of {}", container.name))
            .watching_container(id)
            .with_breadcrumbs(head.crumbs(Some("Runs"))),
        container: head,
        strip: RunStrip::new(&found, &Status::from_stored(&container.status), now, viewer.zone),
    };
    authed.page(StatusCode::OK, &page)
}

impl RunStrip {
    /// Of `runs`, the newest first, of a container that is in `status`.
    #[must_use]
    pub fn new(runs: &[Run], status: &Status, now: DateTime<Utc>, zone: Tz) -> Self {
        let (now_ms, since) = (now.timestamp_millis(), shown_since(now));
        let (mut bars, mut rows) = (Vec::new(), Vec::new());
        let (mut ran, mut failed) = (0, 0);
        // Nobody saw the end of one that another followed.
        let mut next_began = None;
        for run in runs {
            let goes_on = run.ended.is_none() && next_began.is_none() && *status == Status::Running;
            let end = run.ended.or(next_began).unwrap_or(if goes_on { now_ms } else { run.began });
            let (from, to) =
                (run.began.clamp(since, now_ms), end.clamp(since, now_ms).max(run.began.max(since)));
            next_began = Some(run.began);
            ran += to - from;
            failed += usize::from(run.has_failed());
            let row = RunRow::new(run, goes_on, (now, zone));
            let place = |at: i64| percent(at - since);
            // As wide as can be seen, within the strip.
            let width = (to - from).max(SHORTEST);
            bars.push(RunBar {
                x: place(from.min(now_ms - width)),
                width: percent(width),
                title: row.title(),
                failed_at: run.has_failed().then(|| place(to)),
            });
            rows.push(row);
        }
        bars.reverse();
        let ticks = [0, 10, 20, 30]
            .map(|day| RunTick {
                x: percent(day * DAY_MS),
                label: if day == DAYS {
                    "now".to_owned()
                } else {
                    let at = now - TimeDelta::days(DAYS - day);
                    time::short_day(at.with_timezone(&zone).date_naive())
                },
            })
            .to_vec();
        let told = if runs.is_empty() {
            format!("No run in the last {DAYS} days.")
        } else {
            let share = match ran.saturating_mul(100) / (DAYS * DAY_MS) {
                0 => "less than 1".to_owned(),
                share => share.to_string(),
            };
            format!(
                "{} in the last {DAYS} days, {failed} of them failed; it ran {share} % of the time.",
                counted(runs.len(), "run", "runs")
            )
        };
        let is_cut = i64::try_from(runs.len()).is_ok_and(|count| count >= runs::MOST);
        Self { told, bars, ticks, rows, is_cut }
    }
}

impl RunRow {
    fn new(run: &Run, goes_on: bool, (now, zone): (DateTime<Utc>, Tz)) -> Self {
        let at = |ms: i64| Timestamp::from_millis(ms, now, zone);
        let end = if goes_on { Some(now.timestamp_millis()) } else { run.ended };
        let word = run.status.as_deref().unwrap_or("unknown");
        let word = if word == "running" && !goes_on { "ended" } else { word };
        Self {
            began: at(run.began),
            ended: run.ended.map(at),
            lasted: end.map_or_else(|| "—".to_owned(), |end| time::duration(end - run.began)),
            badge: state::badge(word),
            exit_code: run.exit_code.map_or_else(|| "—".to_owned(), |code| code.to_string()),
        }
    }

    fn title(&self) -> String {
        format!("{}: {}, {}", self.began.precise, self.lasted, self.badge.label)
    }
}

/// A share of the strip's width.
fn percent(ms: i64) -> String {
    let thousandths = (ms.max(0).saturating_mul(100_000) / (DAYS * DAY_MS)).min(100_000);
    format!("{}.{:03}%", thousandths / 1_000, thousandths % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(began: i64, ended: Option<i64>, status: &str) -> Run {
        Run { id: began.to_string(), status: Some(status.to_owned()), exit_code: Some(0), began, ended }
    }

    #[test]
    fn a_strip_says_when_it_ran_and_never_longer_than_was_seen() {
        let now = DateTime::from_timestamp(1_795_773_600, 0).unwrap();
        let at = |days_ago: i64| now.timestamp_millis() - days_ago * DAY_MS;
        let runs = [
            run(at(3), None, "running"),
            run(at(12), None, "running"),
            run(at(18), Some(at(15)), "failed"),
            run(at(60), Some(at(27)), "stopped"),
        ];
        let strip = RunStrip::new(&runs, &Status::Running, now, Tz::UTC);
        let places: Vec<_> = strip.bars.iter().map(|bar| (bar.x.as_str(), bar.width.as_str())).collect();
        assert_eq!(
            places,
            [("0.000%", "10.000%"), ("40.000%", "10.000%"), ("60.000%", "30.000%"), ("90.000%", "10.000%")]
        );
        assert_eq!(strip.bars[1].failed_at.as_deref(), Some("50.000%"));
        assert_eq!(strip.told, "4 runs in the last 30 days, 1 of them failed; it ran 60 % of the time.");
        assert_eq!(strip.rows[1].lasted, "—", "nobody saw its end");

        let stopped = RunStrip::new(&runs[..1], &Status::Stopped, now, Tz::UTC);
        assert_eq!(stopped.bars[0].width, "0.400%");
        assert_eq!(RunStrip::new(&[], &Status::Stopped, now, Tz::UTC).told, "No run in the last 30 days.");
    }
}
