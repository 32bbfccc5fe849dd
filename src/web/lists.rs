//! What all lists share: their place in the address, and what stands around their rows.

use super::display::{Chip, Chips, Choice, HiddenField, Pager, counted};
use super::export;
use super::urls::{export_of, with_query};
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

/// What the page of a list has around its rows. See `templates/components/list.html`.
#[derive(Debug, Clone)]
pub struct ListPage {
    /// The page without filters.
    pub action: String,
    /// What was searched for.
    pub q: String,
    pub selects: Vec<Select>,
    pub chips: Chips,
    pub pager: Pager,
    /// What an export carries along.
    pub export_fields: Vec<HiddenField>,
    query: Query,
    filters: Vec<&'static str>,
}

/// A filter or an order of a list, as its form offers it.
#[derive(Debug, Clone)]
pub struct Select {
    pub name: &'static str,
    pub label: &'static str,
    pub options: Vec<Choice>,
}

impl ListPage {
    /// The list at `action`, which is searched by `q`.
    #[must_use]
    pub fn new(action: impl Into<String>, query: &Query) -> Self {
        Self {
            action: action.into(),
            q: query.first("q").unwrap_or_default().to_owned(),
            selects: Vec::new(),
            chips: Chips::default(),
            pager: Pager::default(),
            export_fields: export::hidden(export::filters(query)),
            query: query.clone(),
            filters: Vec::new(),
        }
        .with_chips("q", |value| format!("“{value}”"))
    }

    /// A chip for each value of the filter `name`, labelled by `says`.
    #[must_use]
    pub fn with_chips(mut self, name: &'static str, says: impl Fn(&str) -> String) -> Self {
        self.filters.push(name);
        for value in self.query.all(name) {
            let mut pairs = self.query.without(&["before", "after"]);
            pairs.retain(|(key, other)| key != name || other != value);
            self.chips.items.push(Chip { label: says(value), remove_url: with_query(&self.action, &pairs) });
        }
        let without = self.query.without(&[&self.filters[..], &["before", "after"]].concat());
        self.chips.clear_url = with_query(&self.action, &without);
        self
    }

    /// A filter that takes one of `options`, the first of which is none; its chip is labelled by `says`.
    #[must_use]
    pub fn with_filter<V: Into<String>, L: Into<String>>(
        self,
        (name, label): (&'static str, &'static str),
        says: impl Fn(&str) -> String,
        options: impl IntoIterator<Item = (V, L)>,
    ) -> Self {
        self.with_select(name, label, options).with_chips(name, says)
    }

    /// The orders that the list has, the first of which is its own.
    #[must_use]
    pub fn with_sorts<const N: usize>(self, sorts: [(&str, &str); N]) -> Self {
        self.with_select("sort", "Sort", sorts)
    }

    fn with_select<V: Into<String>, L: Into<String>>(
        mut self,
        name: &'static str,
        label: &'static str,
        options: impl IntoIterator<Item = (V, L)>,
    ) -> Self {
        let chosen = self.query.first(name).unwrap_or_default();
        let options = options.into_iter().map(|(value, label)| Choice::new(value, label, chosen)).collect();
        self.selects.push(Select { name, label, options });
        self
    }

    /// The way to the pages beside `page`, whose rows are called by `noun`.
    #[must_use]
    pub fn with_page<T>(
        mut self,
        page: &Page<T>,
        noun: (&str, &str),
        position: impl Fn(&T) -> ListPosition,
    ) -> Self {
        self.pager = pager(&self.action, &self.query, page, noun, position);
        self
    }

    /// The address of the list's export.
    #[must_use]
    pub fn export_url(&self) -> String {
        export_of(&self.action)
    }
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
