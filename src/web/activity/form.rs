//! What the filter form sends besides a timeline's own parameters, and the address that it means.
//!
//! A form without script can't write `type=-push`, put key and value of a reference together, or turn a day into
//! a position. It sends fields of its own for these, and is led on to the address in which links, chips and the
//! next page speak.

use chrono::NaiveDate;
use diesel::PgConnection;

use super::reference::key_label;
use crate::activity::filter::{Reference, day, first_ms};
use crate::activity::timeline::day_of;
use crate::activity::{Direction, Filter, TimelineCursor, lookup};
use crate::error::{AppError, AppResult};
use crate::http::query::Query;
use crate::identity::{Role, Viewer};
use crate::web::urls::with_query;

/// Names a filter whose words are to be left out.
pub const HIDE: &str = "hide";
/// The key of a reference, or nothing when it is to be found out.
pub const REF_KEY: &str = "ref_key";
pub const REF_VALUE: &str = "ref_value";
/// A day to begin with, the newest entry of it first; nothing is left out.
pub const JUMP: &str = "jump";

/// Keys that people choose from, in the order of the form.
pub const KEYS: [&str; 9] = [
    "deployment_id",
    "commit_sha",
    "github_push_id",
    "branch_name",
    "container_id",
    "container_session_id",
    "database_id",
    "database_name",
    "app_name",
];

/// What an address asks a timeline for.
#[derive(Debug)]
pub enum Asked {
    /// What makes sense of it, and the sentence that names what does not.
    Here(Box<Filter>, Option<String>),
    /// The form's own fields mean the page at this address.
    Elsewhere(String),
}

/// Reads the filters of the page at `path`, with days in the viewer's zone.
///
/// # Errors
/// 400 for any other value that makes no sense.
pub fn read(conn: &mut PgConnection, viewer: &Viewer, query: &Query, path: &str) -> AppResult<Asked> {
    let pairs = query.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let (mut filter, mut complaint) =
        Filter::parse_in_part(pairs, viewer.zone).map_err(AppError::BadRequest)?;
    filter.address = filter.address.filter(|_| viewer.role == Role::Admin);
    let jump = match query.first(JUMP).map(day) {
        Some(Ok(day)) => Some(day),
        Some(Err(sentence)) => {
            complaint.get_or_insert(sentence);
            None
        }
        None => None,
    };
    if !query.0.iter().any(|(name, _)| [HIDE, REF_KEY, REF_VALUE, JUMP].contains(&name.as_str())) {
        return Ok(Asked::Here(Box::new(filter), complaint));
    }
    for name in query.all(HIDE) {
        if let Some(words) = filter.words_mut(name) {
            words.turn_into_exclusions();
        }
    }
    if query.0.iter().any(|(name, _)| name == REF_VALUE) {
        let everything = viewer.role == Role::Admin;
        filter.reference = match query.first(REF_VALUE) {
            Some(value) => Some(reference(conn, everything, query.first(REF_KEY), value.trim())?),
            None => None,
        };
    }
    filter.around = None;
    filter.position = None;
    if let Some(next) = jump.and_then(|day| day.succ_opt()) {
        (filter.from, filter.to) = (None, None);
        let start = TimelineCursor::start_of(first_ms(next, filter.zone));
        filter.position = Some((Direction::Before, start));
    }
    if complaint.is_some() {
        return Ok(Asked::Here(Box::new(filter), complaint));
    }
    let mut pairs = filter.pairs();
    if let Some((direction, cursor)) = &filter.position {
        pairs.push((direction.name(), cursor.to_string()));
    }
    Ok(Asked::Elsewhere(with_query(path, &pairs)))
}

/// The day that a page was to begin with: a jump stands at its end.
#[must_use]
pub fn jumped_to(filter: &Filter) -> Option<NaiveDate> {
    let (Direction::Before, cursor) = filter.position.as_ref()? else { return None };
    let day = day_of(cursor.ms.saturating_sub(1), filter.zone);
    let end = TimelineCursor::start_of(first_ms(day.succ_opt()?, filter.zone));
    (*cursor == end).then_some(day)
}

/// What `value` means under `key`, or under the key that it was pasted with, or under the one that knows it.
fn reference(
    conn: &mut PgConnection,
    everything: bool,
    key: Option<&str>,
    value: &str,
) -> AppResult<Reference> {
    let under = |key: &str, value: &str| Reference { key: key.to_owned(), value: value.to_owned() };
    if let Some(key) = key {
        return Ok(under(key, value));
    }
    if let Some((key, rest)) = value.split_once(':')
        && let Some(known) = KEYS.into_iter().find(|known| *known == key || key_label(known) == key)
        && !rest.is_empty()
    {
        return Ok(under(known, rest));
    }
    let found = if value.contains('\0') {
        None
    } else {
        lookup::references(conn, everything, value)?.into_iter().next()
    };
    // Nothing knows it: a page that says so, with the value in its place.
    Ok(found.unwrap_or_else(|| under("id", value)))
}
