//! What the rows of a branch must be: whose, when, beyond which position, with which words.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::Scope;
use super::lanes::MINE;
use super::query::{Ask, Reach};
use super::tables::{RowStatement, Table};
use crate::activity::action_type::ActionType;
use crate::activity::event_type::EventType;
use crate::activity::filter::{Filter, Reference, Words};
use crate::activity::position::{Direction, Source, TimelineCursor};
use crate::activity::status::{ACTION_STATUSES, EVENT_STATUSES, Outcome, outcome_of};
use crate::audit::Act;

/// Where a branch with lanes finds what one lane stands for.
#[derive(Clone, Copy)]
pub(super) enum Lane<'a> {
    None,
    Of {
        project: &'static str,
        /// Key of the reference whose value the lane holds, and where.
        reference: Option<(&'a Reference, &'static str)>,
        /// Column that must hold the lane's word, and where that is.
        word: Option<(&'static str, &'static str)>,
    },
}

impl<'a> Lane<'a> {
    /// The lanes that the alias `lane` or `reached` holds.
    pub(super) fn of(alias: &str, reference: Option<&'a Reference>, column: Option<&'static str>) -> Self {
        let [project, value, word] = match alias {
            "lane" => ["lane.k", "lane.v", "lane.w"],
            _ => ["reached.k", "reached.v", "reached.w"],
        };
        Self::Of {
            project,
            reference: reference.map(|reference| (reference, value)),
            word: column.map(|column| (column, word)),
        }
    }

    fn word(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Of { word, .. } => word,
            Self::None => None,
        }
    }
}

pub(super) fn conditions(
    s: &mut RowStatement,
    source: Source,
    table: &Table,
    ask: &Ask<'_>,
    reach: Reach,
    lane: Lane<'_>,
) {
    s.sql(" WHERE ").sql(table.time).sql(" IS NOT NULL");
    if reach == Reach::OfFirst {
        s.sql(" AND ").sql(table.time).sql(if ask.backwards() { " <= " } else { " >= " });
        s.sql("(SELECT t FROM reach)");
    }
    if ask.running && source == Source::Action && !matches!(ask.scope, Scope::Everything) {
        s.sql(IS_RUNNING);
    }
    match (ask.scope, lane) {
        (Scope::Project(id), _) => {
            s.sql(" AND ").sql(table.project).sql(" = ").text(id.to_string());
        }
        (Scope::Own, Lane::Of { project, .. }) => {
            s.sql(" AND ").sql(table.project).sql(" = ").sql(project);
        }
        (Scope::Own, Lane::None) => {
            s.sql(" AND ")
                .sql(table.project)
                .sql(" = ANY((SELECT array_agg(k) FROM ")
                .sql(MINE)
                .sql(")::text[])");
        }
        _ => {}
    }
    if let Lane::Of { reference: Some((reference, value)), .. } = lane {
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
    words_of(s, source, table, ask.filter, lane);
}

/// The condition of the partial index on what goes on in a project: each spelling of [`RUNNING`].
///
/// [`RUNNING`]: crate::activity::status::RUNNING
const IS_RUNNING: &str = " AND a.status IN ('running', 'RUNNING', 'Running', 'in_progress', 'IN_PROGRESS', \
     'In_progress', 'pending', 'PENDING', 'Pending')";

/// `lane` is none where every word is to be held against its column.
pub(super) fn words_of(s: &mut RowStatement, source: Source, table: &Table, filter: &Filter, lane: Lane<'_>) {
    let by = lane.word();
    if source == Source::Event {
        labels(s, &EVENT_TYPE, &filter.types);
        labels(s, &EVENT_STATUS, &event_statuses_of(&filter.statuses));
    } else {
        words(s, table.kind, &filter.types, by);
    }
    words(s, table.user, &filter.actors, by);
    match source {
        Source::Action => {
            words(s, table.status, &action_statuses(&filter.statuses), by);
            words(s, "a.environment", &filter.environments, by);
        }
        Source::Event => {}
        Source::Audit => {
            if let Some(target) = &filter.target {
                s.sql(" AND l.\"targetId\" = ").text(target.as_str());
            }
        }
    }
}

/// A column of labels.
struct Labels {
    column: &'static str,
    as_text: &'static str,
    /// Looks a word up among the labels that there are: comparing the column itself reaches its index, and a word
    /// that is no label is known to be on no row.
    is_one: &'static str,
    label: fn(&str) -> Option<&'static str>,
    /// Whether it is a word of another table, which is no label either.
    is_elsewhere: fn(&str) -> bool,
}

const EVENT_TYPE: Labels = Labels {
    column: "e.\"eventType\"",
    as_text: "e.\"eventType\"::text",
    is_one: " AND EXISTS (SELECT FROM unnest(enum_range(NULL::public.\"ActivityEventType\")) k WHERE k::text = ANY(",
    label: |word| EventType::ALL.iter().map(EventType::as_str).find(|label| *label == word),
    is_elsewhere: |word| ActionType::from_stored(word).is_known() || Act::from_stored(word).is_known(),
};
const EVENT_STATUS: Labels = Labels {
    column: "e.status",
    as_text: "e.status::text",
    is_one: " AND EXISTS (SELECT FROM unnest(enum_range(NULL::public.\"ActivityEventStatus\")) k WHERE k::text = ANY(",
    label: |word| EVENT_STATUSES.into_iter().find(|label| *label == word),
    is_elsewhere: |word| outcome_of(word) != Outcome::Unknown,
};

fn labels(s: &mut RowStatement, labels: &Labels, asked: &Words) {
    let known: Vec<&'static str> = asked.only.iter().filter_map(|word| (labels.label)(word)).collect();
    let all_are_clear =
        asked.only.iter().all(|word| (labels.label)(word).is_some() || (labels.is_elsewhere)(word));
    let mut rest = asked.clone();
    match known.as_slice() {
        [label] if all_are_clear => {
            s.sql(" AND ").sql(labels.column).sql(" = '").sql(label).sql("'");
            rest.only.clear();
        }
        _ if !asked.only.is_empty() => {
            s.sql(labels.is_one).texts(asked.only.clone()).sql("))");
        }
        _ => {}
    }
    words(s, labels.as_text, &rest, None);
}

/// The word that `column` holds is one of these; the lane's own, where lanes go by this column.
fn words(
    s: &mut RowStatement,
    column: &'static str,
    words: &Words,
    by: Option<(&'static str, &'static str)>,
) {
    match words.only.as_slice() {
        _ if by.is_some_and(|(of, _)| of == column) => {
            s.sql(" AND ").sql(column).sql(" = ").sql(by.map_or("", |(_, word)| word));
        }
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
fn event_statuses_of(statuses: &Words) -> Words {
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

/// The words that actions may hold for these: workers write them in any case, and an event's label means every
/// known word of its outcome. Each is looked up as it is stored, so that an index finds it.
pub(super) fn action_statuses(statuses: &Words) -> Words {
    let also = |list: &[String]| {
        let mut found: Vec<String> = Vec::new();
        for word in list {
            let label = EVENT_STATUSES.contains(&word.as_str()).then(|| outcome_of(word));
            let meant = ACTION_STATUSES.iter().filter(|known| Some(outcome_of(known)) == label);
            for word in std::iter::once(word.as_str()).chain(meant.copied()) {
                for spelled in spellings(word) {
                    if !found.contains(&spelled) {
                        found.push(spelled);
                    }
                }
            }
        }
        found
    };
    Words { only: also(&statuses.only), not: also(&statuses.not) }
}

/// `failed` as it is, `failed`, `FAILED` and `Failed`.
fn spellings(word: &str) -> [String; 4] {
    let lower = word.to_lowercase();
    let mut letters = lower.chars();
    let capitalised =
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
    [word.to_owned(), lower.clone(), word.to_uppercase(), capitalised]
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
