//! `GET /containers/{id}/figures`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use std::fmt::Write as _;

use super::head::ContainerHead;
use super::show::container_id;
use crate::activity::timeline::Known;
use crate::activity::{Filter, Reference, Scope, timeline};
use crate::containers::queries;
use crate::error::{AppError, AppResult};
use crate::figures::{self, Sample};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::operations;
use crate::web::activity::display::{Day, DayItem};
use crate::web::activity::presenter::TimelinePresenter;
use crate::web::display::{ByteSize, Tab};
use crate::web::shell::Shell;
use crate::web::time::Timestamp;
use crate::web::urls;

/// What may be looked at: hours, and what they are called.
const RANGES: [(i64, &str); 6] =
    [(1, "1 hour"), (6, "6 hours"), (24, "24 hours"), (168, "7 days"), (720, "30 days"), (8_760, "A year")];
/// Steps of a drawing: an hour has those in which samples are taken.
const STEPS: i64 = 120;
/// The drawing's own measures; it is as wide as its place.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 96.0;
/// How old a sample may be that says what is now.
const NOW: TimeDelta = TimeDelta::seconds(100);
/// Events that are marked.
const MARKS: i64 = 40;

/// What a container uses.
#[derive(Debug, Template)]
#[template(path = "containers/figures.html")]
pub struct FiguresPage {
    pub shell: Shell,
    pub container: ContainerHead,
    /// The newest sample; none for a container that does not run.
    pub as_of: Option<Timestamp>,
    pub now: Vec<Figure>,
    pub ranges: Vec<Tab>,
    pub from: Timestamp,
    pub to: Timestamp,
    pub charts: Vec<LineChart>,
    /// What happened meanwhile: where in the drawings, and as entries.
    pub marks: Vec<String>,
    pub days: Vec<Day>,
    /// The same as rows, the newest first; each with a cell a chart's line.
    pub rows: Vec<FigureRow>,
    pub columns: Vec<&'static str>,
}

#[derive(Debug, Clone)]
pub struct Figure {
    pub label: &'static str,
    pub value: String,
    /// What it is made of.
    pub note: String,
}

/// See `templates/containers/figures.html`.
#[derive(Debug, Clone)]
pub struct LineChart {
    pub title: &'static str,
    /// For ids.
    pub name: &'static str,
    /// What a reader who can't see it is told.
    pub told: String,
    /// What the upper edge stands for.
    pub top: String,
    /// Its lines' names and paths; the second is dashed.
    pub lines: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone)]
pub struct FigureRow {
    pub at: Timestamp,
    pub cells: Vec<String>,
}

type Of = fn(&Sample) -> Option<f64>;

/// A line: its column, what it is of, how a number of it is written.
struct LineOf {
    column: &'static str,
    of: Of,
    write: fn(f64) -> String,
}

const CPU: LineOf = LineOf { column: "CPU", of: |s| s.cpu, write: |n| format!("{n:.1} %") };
const MEMORY: LineOf = LineOf { column: "Memory", of: |s| s.memory, write: bytes };
const RECEIVED: LineOf = LineOf { column: "Received", of: |s| s.received, write: bytes_a_second };
const SENT: LineOf = LineOf { column: "Sent", of: |s| s.sent, write: bytes_a_second };
const READ: LineOf = LineOf { column: "Read", of: |s| s.read, write: bytes_a_second };
const WRITTEN: LineOf = LineOf { column: "Written", of: |s| s.written, write: bytes_a_second };
const PROCESSES: LineOf = LineOf { column: "Processes", of: |s| s.processes, write: |n| format!("{n:.0}") };

/// Title, id, lines.
const CHARTS: [(&str, &str, &[LineOf]); 5] = [
    ("CPU, of one processor", "cpu", &[CPU]),
    ("Memory", "memory", &[MEMORY]),
    ("Network", "network", &[RECEIVED, SENT]),
    ("Disks", "disks", &[READ, WRITTEN]),
    ("Processes", "processes", &[PROCESSES]),
];

/// Shows them.
///
/// # Errors
/// 400 for another length of time; 404 for a container that the viewer can't see.
pub async fn show(authed: AuthedRequest, path: Path<String>, query: Query) -> AppResult<HttpResponse> {
    let id = container_id(&path)?;
    let now = authed.app.clock.now();
    let hours = match query.first("hours") {
        None => 1,
        Some(text) => RANGES
            .iter()
            .find_map(|(hours, _)| (hours.to_string() == text.trim()).then_some(*hours))
            .ok_or_else(|| {
                AppError::BadRequest(format!("hours={text}: choose 1, 6, 24, 168, 720 or 8760."))
            })?,
    };
    let step_ms = hours * 3_600_000 / STEPS;
    // At whole steps, so that a reload shows the same ones.
    let from = (now.timestamp_millis() / step_ms - STEPS + 1) * step_ms;
    let (viewer, (container, projects, under_way, (newest, means, mut happened))) = authed
        .read(move |conn, viewer| {
            let container = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let under_way = operations::queries::under_way(conn, id)?;
            let reference = Reference { key: "container_id".to_owned(), value: id.to_string() };
            let filter = Filter { limit: MARKS, reference: Some(reference), ..Filter::none(viewer.zone) };
            let known = Known::by(viewer);
            let happened = timeline::page(conn, Scope::of(viewer), &filter, &known, now.timestamp_millis())?;
            let found =
                (figures::newest(conn, id, now - NOW)?, figures::means(conn, id, from, step_ms)?, happened);
            Ok((container, queries::projects_in(conn, id)?, under_way, found))
        })
        .await?;
    let head = ContainerHead::new(
        &container,
        &projects,
        "figures",
        (&authed.app.engine.last_standing(), under_way.as_ref()),
        (now, viewer.zone),
    );
    let shell = authed
        .shell(&viewer, format!("Figures of {}", container.name))
        .watching_container(id)
        .with_breadcrumbs(head.crumbs(Some("Figures")));
    let url = urls::container_part(id, "figures");
    let span = Span { from, step_ms, now, zone: viewer.zone };
    let mut page = FiguresPage::new(shell, head, &means, newest.as_ref(), &span);
    page.ranges = RANGES
        .map(|(of, label)| Tab { label, url: format!("{url}?hours={of}"), current: of == hours })
        .to_vec();
    happened.entries.retain(|entry| entry.position.ms >= from);
    page.marks = happened.entries.iter().map(|entry| format!("{:.1}", span.x(entry.position.ms))).collect();
    page.days = TimelinePresenter::of(&viewer, now).days(&happened);
    authed.page(StatusCode::OK, &page)
}

/// The time that is shown.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub from: i64,
    pub step_ms: i64,
    pub now: DateTime<Utc>,
    pub zone: Tz,
}

impl Span {
    fn at(&self, ms: i64) -> Timestamp {
        Timestamp::from_millis(ms, self.now, self.zone)
    }

    /// Where a moment is, from the left.
    fn x(&self, ms: i64) -> f64 {
        let whole = f64_of(self.step_ms * (STEPS - 1)).max(1.0);
        (f64_of(ms - self.from) / whole * WIDTH).clamp(0.0, WIDTH)
    }

    /// One line: a new stroke begins behind each gap.
    fn path(&self, means: &[Sample], of: Of, top: f64) -> String {
        let mut path = String::new();
        let mut last = None;
        for sample in means {
            let Some(value) = of(sample) else {
                last = None;
                continue;
            };
            let (x, y) = (self.x(sample.at), HEIGHT - value / top * (HEIGHT - 4.0));
            // A sample may be late by a step.
            let goes_on = last.is_some_and(|last| sample.at - last <= 2 * self.step_ms.max(60_000));
            let stroke = if goes_on { "L" } else { "M" };
            let _ = write!(path, "{stroke}{x:.1} {y:.1}");
            if !goes_on {
                // One that stands alone is seen as well.
                let _ = write!(path, "L{:.1} {y:.1}", x + 1.0);
            }
            last = Some(sample.at);
        }
        path
    }
}

#[expect(clippy::cast_precision_loss, reason = "a drawing knows no fifteen digits")]
fn f64_of(number: i64) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, reason = "bytes, rounded")]
fn bytes(number: f64) -> String {
    ByteSize::new(number.round() as i64).short
}

fn bytes_a_second(number: f64) -> String {
    format!("{}/s", bytes(number))
}

/// The next of 1, 2, 5, 10, 20, … that is not less.
fn round_up(value: f64) -> f64 {
    let mut step = 1.0;
    loop {
        for factor in [1.0, 2.0, 5.0] {
            if value <= step * factor {
                return step * factor;
            }
        }
        step *= 10.0;
    }
}

fn written(value: Option<f64>, write: fn(f64) -> String) -> String {
    value.map_or_else(|| "—".to_owned(), write)
}

impl FiguresPage {
    pub fn new(
        shell: Shell,
        container: ContainerHead,
        means: &[Sample],
        newest: Option<&Sample>,
        span: &Span,
    ) -> Self {
        let lines = || CHARTS.iter().flat_map(|(_, _, lines)| lines.iter());
        let told = |line: &LineOf| written(newest.and_then(line.of), line.write);
        let now = CHARTS
            .iter()
            .map(|(title, _, lines)| {
                let (first, second) = (lines.first(), lines.get(1));
                let limit = newest.and_then(|sample| sample.memory_limit).filter(|_| *title == MEMORY.column);
                Figure {
                    label: if second.is_some() { title } else { first.map_or("", |line| line.column) },
                    value: first.map_or_else(String::new, told),
                    note: match (first, second, limit) {
                        (Some(first), Some(second), _) => {
                            format!(
                                "{}; {} {}",
                                first.column.to_lowercase(),
                                second.column.to_lowercase(),
                                told(second)
                            )
                        }
                        (_, _, Some(limit)) => format!("of {}", bytes(limit)),
                        _ => String::new(),
                    },
                }
            })
            .collect();
        let rows = means
            .iter()
            .rev()
            .map(|sample| FigureRow {
                at: span.at(sample.at),
                cells: lines().map(|line| written((line.of)(sample), line.write)).collect(),
            })
            .collect();
        Self {
            shell,
            container,
            as_of: newest.map(|sample| span.at(sample.at)),
            now,
            ranges: Vec::new(),
            from: span.at(span.from),
            to: span.at(span.now.timestamp_millis()),
            charts: CHARTS.iter().map(|chart| LineChart::new(chart, means, span)).collect(),
            marks: Vec::new(),
            days: Vec::new(),
            rows,
            columns: lines().map(|line| line.column).collect(),
        }
    }
}

impl LineChart {
    fn new(
        (title, name, lines): &(&'static str, &'static str, &'static [LineOf]),
        means: &[Sample],
        span: &Span,
    ) -> Self {
        let most = |line: &LineOf| {
            means
                .iter()
                .filter_map(line.of)
                .fold(None, |most: Option<f64>, value| Some(most.map_or(value, |most| most.max(value))))
        };
        let top = round_up(lines.iter().filter_map(most).fold(0.0, f64::max));
        let told = lines
            .iter()
            .map(|line| match most(line) {
                Some(most) => format!("{}: at most {}", line.column, (line.write)(most)),
                None => format!("{}: no figures", line.column),
            })
            .collect::<Vec<_>>()
            .join("; ");
        Self {
            title,
            name,
            told,
            top: lines.first().map(|line| (line.write)(top)).unwrap_or_default(),
            lines: lines.iter().map(|line| (line.column, span.path(means, line.of, top))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(at: i64, cpu: Option<f64>) -> Sample {
        Sample {
            at,
            cpu,
            memory: None,
            memory_limit: None,
            received: None,
            sent: None,
            read: None,
            written: None,
            processes: None,
        }
    }

    #[test]
    fn a_line_breaks_where_nothing_is_known_and_reaches_no_further_than_its_place() {
        let span = Span {
            from: 0,
            step_ms: 30_000,
            now: DateTime::from_timestamp(3_600, 0).unwrap(),
            zone: Tz::UTC,
        };
        let means =
            [mean(0, Some(0.0)), mean(30_000, Some(50.0)), mean(60_000, None), mean(3_570_000, Some(100.0))];
        let path = span.path(&means, CPU.of, 100.0);
        assert_eq!(path, "M0.0 96.0L1.0 96.0L5.0 50.0M600.0 4.0L601.0 4.0");
        let chart = LineChart::new(&CHARTS[0], &means, &span);
        assert_eq!((chart.told.as_str(), chart.top.as_str()), ("CPU: at most 100.0 %", "100.0 %"));
        let memory = LineChart::new(&CHARTS[1], &means, &span);
        assert_eq!((memory.told.as_str(), memory.lines[0].1.as_str()), ("Memory: no figures", ""));
        assert_eq!([0.0, 1.5, 30.0, 101.0].map(|top| round_up(top).to_string()), ["1", "2", "50", "200"]);
    }
}
