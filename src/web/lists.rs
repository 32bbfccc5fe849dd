//! What all lists share: their place in the address, their chips and their pager.

use super::display::{Chip, Chips, Pager, counted};
use super::urls::with_query;
use crate::db::cursor::{ListPosition, Page, PageStart, TimePosition};
use crate::error::{AppError, AppResult};
use crate::http::query::Query;

/// How many rows a page of a list has, unless the address says otherwise.
const ROWS: usize = 50;
/// How many it has at most.
const MOST_ROWS: usize = 100;

/// `limit` of a page: 50, at most 100.
///
/// # Errors
/// A 400 that names the value when it is no whole number from 1.
pub fn limit(query: &Query) -> AppResult<usize> {
    let Some(text) = query.first("limit") else { return Ok(ROWS) };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.trim_start_matches('0').parse::<usize>() {
        Ok(limit) if digits => Ok(limit.min(MOST_ROWS)),
        // More digits than a number can hold are still "too many", which is clamped.
        Err(_) if digits && !text.trim_matches('0').is_empty() => Ok(MOST_ROWS),
        _ => {
            Err(AppError::BadRequest(format!("{text:?} is not a number of rows. Use limit=1 to limit=100.")))
        }
    }
}

/// Where the page starts: `before` a position (further down), `after` it (further up), or at the top.
///
/// # Errors
/// A 400 when the position is not one of this list.
pub fn from(query: &Query) -> AppResult<PageStart<ListPosition>> {
    let position = |text: &str| {
        text.parse().map_err(|_| {
            AppError::BadRequest(format!(
                "{text:?} is not a position in this list. Start again at its first page."
            ))
        })
    };
    match (query.first("before"), query.first("after")) {
        (None, None) => Ok(PageStart::Start),
        (Some(before), None) => Ok(PageStart::Beyond(position(before)?)),
        (None, Some(after)) => Ok(PageStart::Back(position(after)?)),
        (Some(_), Some(_)) => Err(AppError::BadRequest("Use either before or after, not both.".to_owned())),
    }
}

/// [`from`] for a list that is ordered by time.
///
/// # Errors
/// A 400 when the position is not one of such a list.
pub fn from_time(query: &Query) -> AppResult<PageStart<TimePosition>> {
    let timed = |position: &ListPosition| {
        TimePosition::try_from(position).map_err(|_| {
            AppError::BadRequest(format!(
                "{:?} is not a position in this list. Start again at its first page.",
                position.to_string()
            ))
        })
    };
    Ok(match from(query)? {
        PageStart::Start => PageStart::Start,
        PageStart::Beyond(position) => PageStart::Beyond(timed(&position)?),
        PageStart::Back(position) => PageStart::Back(timed(&position)?),
    })
}

/// The pager of `page` at `path`, with the filters that are on.
#[must_use]
pub fn pager<T>(
    path: &str,
    query: &Query,
    page: &Page<T>,
    noun: (&str, &str),
    position: impl Fn(&T) -> ListPosition,
) -> Pager {
    let link = |name: &str, row: Option<&T>| {
        row.map(|row| {
            let mut pairs = query.without(&["before", "after"]);
            pairs.push((name.to_owned(), position(row).to_string()));
            with_query(path, &pairs)
        })
    };
    let shown = counted(page.rows.len(), noun.0, noun.1);
    Pager {
        shown: if page.has_next || page.has_previous { format!("{shown} on this page") } else { shown },
        first: page.has_previous.then(|| with_query(path, &query.without(&["before", "after"]))),
        last: None,
        newer: page.has_previous.then(|| link("after", page.rows.first())).flatten(),
        older: page.has_next.then(|| link("before", page.rows.last())).flatten(),
    }
}

/// A filter's name in the address, and what its chip says of a value.
pub type ChipFilter<'a> = (&'a str, &'a dyn Fn(&str) -> String);

#[must_use]
pub fn chips(path: &str, query: &Query, filters: &[ChipFilter<'_>]) -> Chips {
    let mut items = Vec::new();
    for (name, says) in filters {
        for value in query.all(name) {
            let mut pairs = query.without(&["before", "after"]);
            pairs.retain(|(key, other)| key != name || other != value);
            items.push(Chip { label: says(value), remove_url: with_query(path, &pairs) });
        }
    }
    let mut names: Vec<&str> = filters.iter().map(|(name, _)| *name).collect();
    names.extend(["before", "after"]);
    Chips { items, clear_url: with_query(path, &query.without(&names)) }
}
