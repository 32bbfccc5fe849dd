//! What the rows of a branch must be: whose, when, beyond which position, with which words.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::Scope;
use super::query::Ask;
use super::tables::{RowStatement, Table};
use crate::activity::event_type::EventType;
use crate::activity::filter::{Filter, Reference, Words};
use crate::activity::position::{Direction, Source, TimelineCursor};
use crate::activity::status::{EVENT_STATUSES, Outcome, outcome_of};

#[derive(Clone, Copy)]
pub(super) enum Lane {
    None,
    Of { project: &'static str, value: &'static str },
}

impl Lane {
    pub(super) fn named(alias: &str) -> Self {
        match alias {
            "lane" => Self::Of { project: "lane.k", value: "lane.v" },
            _ => Self::Of { project: "reached.k", value: "reached.v" },
        }
    }
}

pub(super) fn conditions(
    s: &mut RowStatement,
    source: Source,
    table: &Table,
    ask: &Ask<'_>,
    reference: Option<&Reference>,
    lane: Lane,
) {
    s.sql(" WHERE ").sql(table.time).sql(" IS NOT NULL");
    match (ask.scope, lane) {
        (Scope::Project(id), _) => {
            s.sql(" AND ").sql(table.project).sql(" = ").text(id.to_string());
        }
        (Scope::Own, Lane::Of { project, .. }) => {
            s.sql(" AND ").sql(table.project).sql(" = ").sql(project);
        }
        _ => {}
    }
    if let (Some(reference), Lane::Of { value, .. }) = (reference, lane) {
        s.sql(" AND r.key = pilothouse.reference_text(")
            .text(reference.key.as_str())
            .sql(") AND r.value = ")
            .sql(value);
    }
    if let Some(from) = ask.from_ms {
        s.sql(" AND ").sql(table.time).sql(" >= ");
        time(s, table, from);
    }
    if let Some(until) = ask.until_ms {
        s.sql(" AND ").sql(table.time).sql(" < ");
        time(s, table, until);
    }
    if let Some((direction, cursor)) = &ask.filter.position {
        beyond(s, source, table, *direction, cursor);
    }
    words_of(s, source, table, ask.filter);
}

pub(super) fn words_of(s: &mut RowStatement, source: Source, table: &Table, filter: &Filter) {
    match (source, known_event_type(&filter.types)) {
        (Source::Event, Some(label)) => {
            s.sql(" AND e.\"eventType\" = '").sql(label).sql("'");
        }
        _ => words(s, table.kind, &filter.types),
    }
    words(s, table.user, &filter.actors);
    match source {
        Source::Action => {
            words(s, table.status, &filter.statuses);
            words(s, "a.environment", &filter.environments);
        }
        Source::Event => event_statuses(s, table, &filter.statuses),
        Source::Audit => {
            if let Some(target) = &filter.target {
                s.sql(" AND l.\"targetId\" = ").text(target.as_str());
            }
        }
    }
}

/// One known label, and nothing else: comparing the column itself reaches its index, its text would not.
fn known_event_type(types: &Words) -> Option<&'static str> {
    match (types.only.as_slice(), types.not.as_slice()) {
        ([word], []) => EventType::ALL.iter().map(EventType::as_str).find(|label| label == word),
        _ => None,
    }
}

fn event_statuses(s: &mut RowStatement, table: &Table, statuses: &Words) {
    let Words { only, not } = as_event_statuses(statuses);
    let is_label = |word: &String| EVENT_STATUSES.contains(&word.as_str());
    let means_nothing = |word: &String| outcome_of(word) == Outcome::Unknown;
    let labels: Vec<&'static str> =
        EVENT_STATUSES.into_iter().filter(|label| only.iter().any(|word| word == label)).collect();
    let mut rest = Words { only: Vec::new(), not };
    match labels.as_slice() {
        // The column itself, so that the index of what runs is used.
        [label] if only.iter().all(|word| is_label(word) || !means_nothing(word)) => {
            s.sql(" AND e.status = '").sql(label).sql("'");
        }
        _ => rest.only = only,
    }
    words(s, table.status, &rest);
}

fn words(s: &mut RowStatement, column: &'static str, words: &Words) {
    match words.only.as_slice() {
        [] => {}
        [word] => {
            s.sql(" AND ").sql(column).sql(" = ").text(word.as_str());
        }
        several => {
            s.sql(" AND ").sql(column).sql(" = ANY(").texts(several.to_vec()).sql(")");
        }
    }
    if !words.not.is_empty() {
        // What says nothing is not left out.
        s.sql(" AND (")
            .sql(column)
            .sql(" IS NULL OR ")
            .sql(column)
            .sql(" <> ALL(")
            .texts(words.not.clone())
            .sql("))");
    }
}

/// `failed` means an event's `FAILED` too: both tables have a word for the same outcome.
fn as_event_statuses(statuses: &Words) -> Words {
    let also = |list: &[String]| {
        let mut list = list.to_vec();
        for status in EVENT_STATUSES {
            let same = |word: &String| {
                outcome_of(word) != Outcome::Unknown && outcome_of(word) == outcome_of(status)
            };
            if list.iter().any(same) && !list.iter().any(|word| word == status) {
                list.push(status.to_owned());
            }
        }
        list
    };
    Words { only: also(&statuses.only), not: also(&statuses.not) }
}

/// Rows of this source on the far side of the cursor, as one comparison of rows that an index answers: among
/// rows of the cursor's millisecond, sources come in their own order.
fn beyond(
    s: &mut RowStatement,
    source: Source,
    table: &Table,
    direction: Direction,
    cursor: &TimelineCursor,
) {
    let bound = Bound::of(source, direction, cursor);
    if let Some(bound) = bound.filter(|bound| !bound.lets_all(table.millis.is_some())) {
        s.sql(" AND (").sql(table.time).sql(", ").sql(table.id).sql(")").sql(bound.compare).sql("(");
        time(s, table, bound.ms);
        s.sql(", ").text(bound.id.as_str()).sql(")");
    }
    if let Some(millis) = table.millis {
        // Times that no calendar holds stand at its edge, where the index's own order does not end a page.
        s.sql(" AND (")
            .sql(millis)
            .sql(", '")
            .sql(source.as_str())
            .sql("' COLLATE \"C\", ")
            .sql(table.id)
            .sql(")");
        s.sql(if direction == Direction::Before { " < (" } else { " > (" });
        s.big(cursor.ms).sql(", '").sql(cursor.source.as_str()).sql("', ").text(cursor.id.as_str()).sql(")");
    }
}

pub(super) struct Bound {
    pub compare: &'static str,
    pub ms: i64,
    pub id: String,
}

impl Bound {
    /// None: every row lies beyond.
    pub(super) fn of(source: Source, direction: Direction, cursor: &TimelineCursor) -> Option<Self> {
        let (compare, from, id) = match (direction, source.cmp(&cursor.source)) {
            (Direction::Before, std::cmp::Ordering::Equal) => (" < ", Some(cursor.ms), cursor.id.clone()),
            (Direction::Before, std::cmp::Ordering::Less) => (" < ", cursor.ms.checked_add(1), String::new()),
            (Direction::Before, std::cmp::Ordering::Greater) => (" < ", Some(cursor.ms), String::new()),
            (Direction::After, std::cmp::Ordering::Equal) => (" > ", Some(cursor.ms), cursor.id.clone()),
            (Direction::After, std::cmp::Ordering::Greater) => (" >= ", Some(cursor.ms), String::new()),
            // Nothing comes after the last millisecond that there is; ids are never empty, so this matches no row.
            (Direction::After, std::cmp::Ordering::Less) => {
                (" >= ", Some(cursor.ms.saturating_add(1)), String::new())
            }
        };
        from.map(|ms| Self { compare, ms, id })
    }

    /// Whether the bound lies beyond the calendar of a column of times, so that it would cut off its edge.
    fn lets_all(&self, is_calendar: bool) -> bool {
        is_calendar
            && match self.compare {
                " < " => self.ms > LAST_MS,
                _ => self.ms < FIRST_MS,
            }
    }
}

const FIRST_MS: i64 = -62_135_596_800_000;
const LAST_MS: i64 = 253_402_300_799_999;

fn time(s: &mut RowStatement, table: &Table, ms: i64) {
    if table.millis.is_some() {
        s.timestamp(utc(ms));
    } else {
        s.big(ms);
    }
}

/// `ms` as the time without a zone that the quoted tables hold, within the years 1 to 9999.
pub(in crate::activity) fn utc(ms: i64) -> NaiveDateTime {
    let clamped = DateTime::from_timestamp_millis(ms.clamp(FIRST_MS, LAST_MS + 1));
    clamped.map_or(NaiveDate::MIN.into(), |at| at.naive_utc())
}
