//! `GET /api/projects/{id}/activities`: what happened to a project.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, NaiveDate, NaiveTime};
use diesel::PgConnection;
use serde::Serialize;

use crate::activity::filter::{self, quoted};
use crate::activity::listing::{self, Listing, Start};
use crate::activity::options::{self};
use crate::activity::timeline::WordColumn;
use crate::activity::{ACTION_STATUSES, ActionType, Environment, Scope, Source, TimelineCursor};
use crate::db::ids::ProjectId;
use crate::error::{AppError, AppResult};
use crate::http::api_request::ApiRequest;
use crate::http::query::Query;

/// Rows that may be skipped by counting: each of them is read. Further down, `cursor` leads for free.
const MOST_SKIPPED: i64 = 10_000;

#[derive(Serialize)]
struct Pagination {
    limit: i64,
    offset: i64,
    has_more: bool,
    next_cursor: Option<String>,
}

/// Lists a project's actions.
pub async fn index(request: ApiRequest, id: web::Path<String>, query: Query) -> AppResult<HttpResponse> {
    let project: ProjectId = id.parse().map_err(|_| AppError::NotFound)?;
    let asked = parse(&query.0);
    let (listing, listed) = request
        .read(move |conn, _| {
            if !listing::project_exists(conn, project)? {
                return Err(AppError::NotFound);
            }
            let listing = asked.map_err(AppError::BadRequest)?;
            refuse_unknown(conn, project, &listing)?;
            let listed = listing::actions(conn, project, &listing)?;
            Ok((listing, listed))
        })
        .await?;
    let pagination = Pagination {
        limit: listing.limit,
        offset: match listing.start {
            Start::Offset(offset) => offset,
            Start::After(_) => 0,
        },
        has_more: listed.next.is_some(),
        next_cursor: listed.next.map(|cursor| cursor.to_string()),
    };
    let pagination = serde_json::to_string(&pagination).map_err(|error| AppError::Internal(error.into()))?;
    // The rows are JSON already, and may be large: they are copied once.
    let room = listed.rows.iter().map(|row| row.len() + 1).sum::<usize>() + pagination.len() + 40;
    let mut body = String::with_capacity(room);
    body.push_str("{\"activities\":[");
    for (n, row) in listed.rows.into_iter().enumerate() {
        body.extend([if n > 0 { "," } else { "" }, &row]);
    }
    body.extend(["],\"pagination\":", &pagination, "}"]);
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

fn parse(pairs: &[(String, String)]) -> Result<Listing, String> {
    let mut asked = Listing {
        types: Vec::new(),
        statuses: Vec::new(),
        environments: Vec::new(),
        since: None,
        until: None,
        limit: filter::DEFAULT_LIMIT,
        start: Start::Offset(0),
    };
    let (mut offset, mut cursor) = (None, None);
    for (name, value) in pairs {
        match name.as_str() {
            "limit" => asked.limit = filter::limit(value)?,
            "offset" => offset = Some(skipped(value)?),
            "cursor" => cursor = Some(position(value)?),
            "since" => asked.since = Some(instant(name, value)?),
            "until" => asked.until = Some(instant(name, value)?),
            "action_type" => asked.types.push(word(name, value)?),
            "status" => asked.statuses.push(word(name, value)?),
            "environment" => asked.environments.push(word(name, value)?),
            _ => {}
        }
        filter::refuse_many(asked.types.len() + asked.statuses.len() + asked.environments.len())?;
    }
    if let (Some(since), Some(until)) = (asked.since, asked.until)
        && since > until
    {
        return Err("since is after until.".to_owned());
    }
    asked.start = match (offset, cursor) {
        (Some(_), Some(_)) => return Err("Give offset or cursor, not both.".to_owned()),
        (None, Some(cursor)) => Start::After(cursor),
        (offset, None) => Start::Offset(offset.unwrap_or(0)),
    };
    Ok(asked)
}

fn skipped(value: &str) -> Result<i64, String> {
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let offset = if digits { value.parse().unwrap_or(i64::MAX) } else { -1 };
    if (0..=MOST_SKIPPED).contains(&offset) {
        Ok(offset)
    } else {
        Err(format!(
            "{} is no offset. Give 0 to {MOST_SKIPPED}; further down, use next_cursor.",
            quoted(value)
        ))
    }
}

fn position(value: &str) -> Result<TimelineCursor, String> {
    let cursor = value.parse().ok().filter(|cursor: &TimelineCursor| cursor.source == Source::Action);
    cursor.ok_or_else(|| {
        format!("{} is no cursor. Use next_cursor of an earlier answer as it is.", quoted(value))
    })
}

fn word(name: &str, value: &str) -> Result<String, String> {
    if value.is_empty() || value.contains('\0') || value.chars().count() > 200 {
        return Err(format!("{} is no value of {name}.", quoted(value)));
    }
    Ok(value.to_owned())
}

/// RFC 3339, a date (its midnight, UTC) or epoch milliseconds.
pub(super) fn instant(name: &str, value: &str) -> Result<i64, String> {
    let wrong = || {
        format!(
            "{} is no time for {name}. Write 2026-11-20T12:00:00Z, 2026-11-20, or milliseconds since 1970.",
            quoted(value)
        )
    };
    let number = value.strip_prefix('-').unwrap_or(value);
    if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
        return value.parse().map_err(|_| wrong());
    }
    if let Ok(date) = NaiveDate::parse_from_str(value, "%Y-%m-%d")
        && value.len() == 10
    {
        return Ok(date.and_time(NaiveTime::MIN).and_utc().timestamp_millis());
    }
    // An unescaped plus sign arrives as a space.
    let zoned = DateTime::parse_from_rfc3339(value).or_else(|_| {
        let at = value.len().checked_sub(6).filter(|at| value.is_char_boundary(*at)).unwrap_or(0);
        let (time, offset) = value.split_at(at);
        DateTime::parse_from_rfc3339(&format!("{time}{}", offset.replace(' ', "+")))
    });
    zoned.map(|time| time.timestamp_millis()).map_err(|_| wrong())
}

/// A word that neither the console nor the project's data knows is a mistake of the caller's.
fn refuse_unknown(conn: &mut PgConnection, project: ProjectId, listing: &Listing) -> AppResult<()> {
    for (name, column, words) in [
        ("action_type", WordColumn::Type, &listing.types),
        ("status", WordColumn::Status, &listing.statuses),
        ("environment", WordColumn::Environment, &listing.environments),
    ] {
        for word in words {
            if !is_known(column, word) && !options::holds(conn, project, column, word)? {
                let known = known_words(conn, project, column)?.join(", ");
                let message = format!("{} is no {name} here. Known are: {known}.", quoted(word));
                return Err(AppError::BadRequest(message));
            }
        }
    }
    Ok(())
}

fn is_known(column: WordColumn, word: &str) -> bool {
    match column {
        WordColumn::Type => ActionType::from_stored(word).is_known(),
        WordColumn::Status => ACTION_STATUSES.contains(&word),
        WordColumn::Environment => Environment::ALL.iter().any(|known| known.as_str() == word),
        WordColumn::Actor => true,
    }
}

fn known_words(conn: &mut PgConnection, project: ProjectId, column: WordColumn) -> AppResult<Vec<String>> {
    let mut words: Vec<String> = match column {
        WordColumn::Type => ActionType::ALL.iter().map(|kind| kind.as_str().to_owned()).collect(),
        WordColumn::Status => ACTION_STATUSES.map(str::to_owned).into(),
        WordColumn::Environment => Environment::ALL.iter().map(|known| known.as_str().to_owned()).collect(),
        WordColumn::Actor => Vec::new(),
    };
    for held in options::held(conn, Scope::Project(project), column)? {
        if !words.contains(&held) {
            words.push(held);
        }
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_three_forms() {
        for same in [
            "2025-11-20T12:00:00Z",
            "2025-11-20T13:00:00+01:00",
            "2025-11-20T13:00:00 01:00",
            "1763640000000",
        ] {
            assert_eq!(instant("since", same), Ok(1_763_640_000_000), "{same}");
        }
        assert_eq!(instant("since", "2025-11-20"), Ok(1_763_596_800_000));
        assert_eq!(instant("since", "-5"), Ok(-5));
        for bad in [
            "",
            "-",
            "now",
            "2025-11-31",
            "2025-1-1",
            "20.11.2025",
            "2025-11-20T12:00:00",
            "1e9",
            "9223372036854775808",
        ] {
            assert!(instant("since", bad).is_err(), "{bad}");
        }
    }
}
