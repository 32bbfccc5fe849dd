//! A table of insights as a file: `?table=types&format=csv` behind the page's address.

use actix_web::HttpResponse;
use actix_web::http::header;
use chrono::{DateTime, Utc};

use super::rows::{kind_label, model_label};
use super::show::Found;
use crate::error::{AppError, AppResult};
use crate::http::query::Query;
use crate::web::export::cell::{Cell, Format};

/// The tables: the word of the address.
pub const TABLES: [&str; 5] = ["days", "types", "hours", "containers", "costs"];

/// Which table is asked for as a file, if any.
///
/// # Errors
/// 400 for a word that is no table or no format.
pub fn asked(query: &Query) -> AppResult<Option<(&'static str, Format)>> {
    let Some(table) = query.first("table") else { return Ok(None) };
    let known = TABLES.into_iter().find(|known| *known == table);
    let table = known.ok_or_else(|| {
        AppError::BadRequest(format!("There is no table {table:?}: there are {}.", TABLES.join(", ")))
    })?;
    let format = Format::of(query.first("format").or(Some("csv"))).map_err(AppError::BadRequest)?;
    Ok(Some((table, format)))
}

/// The file.
///
/// # Errors
/// When it can't be written.
pub fn answer(
    (table, format): (&'static str, Format),
    found: &Found,
    now: DateTime<Utc>,
) -> AppResult<HttpResponse> {
    let (columns, rows) = rows(table, found);
    let mut bytes = format.head(columns)?;
    bytes.extend(format.rows(columns, &rows)?);
    let name = format!("pilothouse-insights-{table}-{}.{}", now.format("%Y-%m-%d"), format.as_str());
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, format.content_type()))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(bytes))
}

fn rows(table: &str, found: &Found) -> (&'static [&'static str], Vec<Vec<Cell>>) {
    let text = |text: &str| Cell::Text(text.to_owned());
    let days: Vec<String> = found.question.range.days().iter().map(ToString::to_string).collect();
    let activity = &found.activity;
    match table {
        // A row a day and type, so that a pivot table can add up what it likes.
        "days" => {
            let of_kind = |(at, day): (usize, &String)| {
                let cells = activity.kinds.iter().filter_map(move |kind| {
                    let entries = kind.by_day.get(at).copied().filter(|entries| *entries > 0)?;
                    let failed = Cell::number(kind.failed_by_day.get(at).copied());
                    Some(vec![
                        text(day),
                        text(&kind_label(&kind.kind)),
                        text(kind.word()),
                        Cell::Number(entries),
                        failed,
                    ])
                });
                cells.collect::<Vec<_>>()
            };
            (
                &["day", "label", "type", "entries", "failed"],
                days.iter().enumerate().flat_map(of_kind).collect(),
            )
        }
        "types" => {
            let row = |kind: &crate::insights::queries::KindCount| {
                let slowest = kind.slowest.as_ref();
                vec![
                    text(kind.word()),
                    text(&kind_label(&kind.kind)),
                    Cell::Number(kind.entries),
                    Cell::Number(kind.failed),
                    Cell::Number(kind.timed),
                    Cell::number(kind.p50),
                    Cell::number(kind.p95),
                    Cell::number(slowest.map(|slowest| slowest.ms)),
                    Cell::text(slowest.map(|slowest| slowest.id.clone())),
                ]
            };
            let columns = &[
                "type",
                "label",
                "entries",
                "failed",
                "timed",
                "p50_ms",
                "p95_ms",
                "slowest_ms",
                "slowest_id",
            ];
            (columns, activity.kinds.iter().map(row).collect())
        }
        "hours" => {
            let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
            let of_day = |(day, hours): (&str, &[i64; 24])| {
                let cell = |(hour, entries): (usize, &i64)| {
                    vec![text(day), Cell::Text(format!("{hour:02}:00")), Cell::Number(*entries)]
                };
                hours.iter().enumerate().map(cell).collect::<Vec<_>>()
            };
            (
                &["weekday", "hour", "entries"],
                days.into_iter().zip(&activity.hours).flat_map(of_day).collect(),
            )
        }
        "containers" => {
            let row = |runs: &crate::insights::runs::ContainerRuns| {
                vec![
                    text(&runs.id.to_string()),
                    text(&runs.name),
                    Cell::Number(runs.crashed),
                    Cell::Number(runs.begun),
                    Cell::Number(runs.up_ms),
                    Cell::Number(runs.known_ms),
                ]
            };
            let columns = &["container_id", "name", "crashes", "starts", "up_ms", "of_ms"];
            (columns, found.containers.iter().map(row).collect())
        }
        _ => {
            let row = |(day, cost): &(chrono::NaiveDate, crate::insights::queries::ModelCost)| {
                vec![
                    text(&day.to_string()),
                    text(&model_label(&cost.model)),
                    Cell::Number(cost.messages),
                    Cell::Number(cost.tokens),
                    Cell::Number(cost.micro_usd),
                ]
            };
            let columns = &["day", "model", "messages", "tokens", "cost_micro_usd"];
            (columns, found.costs.by_day.iter().map(row).collect())
        }
    }
}
