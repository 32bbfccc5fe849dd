//! `GET /operations/retention/{class}`: a rule, and what another one would delete.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::PgConnection;
use serde::Deserialize;

use super::retention::{PATH, counted, crumbs, days_in_words, rule_in_words};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Field;
use crate::http::query::Query;
use crate::identity::Viewer;
use crate::retention::Class;
use crate::retention::commands::RetentionError;
use crate::retention::queries::{self, Due, Rule};
use crate::web::shell::Shell;
use crate::web::time::Timestamp;

pub(super) fn path(class: Class) -> String {
    format!("{PATH}/{}", class.as_str())
}

/// What the form sends.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct RuleForm {
    #[serde(default)]
    pub class: String,
    /// Empty: for ever.
    #[serde(default)]
    pub days: String,
    #[serde(default)]
    pub reason: String,
}

impl RuleForm {
    /// # Errors
    /// Nothing but that it is no number.
    pub(super) fn read_days(&self) -> Result<Option<i32>, ()> {
        read_days(&self.days)
    }
}

fn read_days(text: &str) -> Result<Option<i32>, ()> {
    match text.trim() {
        "" => Ok(None),
        days => days.parse().map(Some).map_err(|_| ()),
    }
}

pub(super) fn told(error: &RetentionError) -> String {
    match error {
        RetentionError::Days(_) => format!("The time {error}."),
        RetentionError::NoReason => "Say why, in at most 1,000 characters: it goes on record.".to_owned(),
        RetentionError::NotFound => "Give the id of a project or a user, or a user's address.".to_owned(),
        RetentionError::Database(_) => String::new(),
    }
}

/// A row that would go.
#[derive(Debug, Clone)]
pub struct DueView {
    pub id: String,
    pub name: String,
    pub at: Option<Timestamp>,
}

/// What a rule would delete.
#[derive(Debug, Clone)]
pub struct Preview {
    /// "Kept 90 days after they were written".
    pub rule: String,
    /// As the form sends it.
    pub days: String,
    /// How many go at the next run.
    pub count: String,
    pub is_empty: bool,
    pub rows: Vec<DueView>,
    /// That there are more than are named.
    pub has_more: bool,
}

#[derive(Debug, Template)]
#[template(path = "operations/retention_rule.html")]
pub struct RulePage {
    /// The frame.
    pub shell: Shell,
    pub name: &'static str,
    pub class: &'static str,
    /// The rule that holds.
    pub rule: String,
    /// From when it counts, and the shortest time.
    pub hint: String,
    pub url: String,
    pub errors: Vec<String>,
    pub days: Field,
    pub reason: Field,
    /// What the rule in the field would delete.
    pub preview: Option<Preview>,
}

pub struct Found {
    pub rule: Rule,
    /// The days that were asked about, and what they would delete.
    pub preview: Option<(Option<i32>, Due)>,
}

#[expect(clippy::option_option, reason = "nothing is asked about, or days, or for ever")]
pub(super) fn find(
    conn: &mut PgConnection,
    class: Class,
    days: Option<Option<i32>>,
    now: DateTime<Utc>,
) -> AppResult<Found> {
    let rule = queries::rule(conn, class)?;
    let at = queries::next_run(conn)?.unwrap_or(now);
    let preview = match days.unwrap_or(rule.keep_days) {
        Some(kept) => Some((Some(kept), queries::due(conn, class, kept, at)?)),
        None => days.map(|_| (None, Due { rows: 0, named: Vec::new() })),
    };
    Ok(Found { rule, preview })
}

/// Shows a rule; with `days`, what that one would delete.
///
/// # Errors
/// 404 for anybody but an admin, and for an unknown class; 422 for a time that can't be.
pub async fn show(authed: AuthedRequest, path: Path<String>, query: Query) -> AppResult<HttpResponse> {
    let class = Class::from_stored(&path);
    let now = authed.app.clock.now();
    let asked = query.first("days").map(str::to_owned);
    let read = asked.as_deref().map(read_days);
    let at_least = class.map_or(1, |class| class.facts().at_least);
    let is_wrong = match read {
        Some(Err(())) => true,
        Some(Ok(Some(days))) => !(at_least..=36_500).contains(&days),
        _ => false,
    };
    let days = if is_wrong { None } else { read.and_then(Result::ok) };
    let (viewer, found) =
        authed.read_as_admin(move |conn, _| find(conn, class.ok_or(AppError::NotFound)?, days, now)).await?;
    if is_wrong {
        let typed = RuleForm { days: asked.unwrap_or_default(), ..RuleForm::default() };
        return refuse(&authed, &viewer, &found, &typed, &RetentionError::Days(at_least));
    }
    answer(&authed, &viewer, RulePage::of(&found, now, viewer.zone), StatusCode::OK)
}

fn answer(
    authed: &AuthedRequest,
    viewer: &Viewer,
    mut page: RulePage,
    status: StatusCode,
) -> AppResult<HttpResponse> {
    page.shell = authed.shell(viewer, page.name).with_breadcrumbs(crumbs(Some(page.name)));
    authed.page(status, &page)
}

/// The page again, with what was typed and what is wrong with it.
pub(super) fn refuse(
    authed: &AuthedRequest,
    viewer: &Viewer,
    found: &Found,
    typed: &RuleForm,
    error: &RetentionError,
) -> AppResult<HttpResponse> {
    let mut page = RulePage::of(found, authed.app.clock.now(), viewer.zone);
    page.errors = vec!["Nothing was changed. Check the marked field.".to_owned()];
    page.days.value.clone_from(&typed.days);
    page.reason.value.clone_from(&typed.reason);
    let is_reason = matches!(error, RetentionError::NoReason);
    if is_reason {
        page.reason.errors = vec![told(error)];
    } else {
        page.days.errors = vec![told(error)];
    }
    if let Some(preview) = page.preview.as_mut().filter(|_| is_reason) {
        preview.days.clone_from(&typed.days);
        if let Ok(days) = typed.read_days() {
            preview.rule = rule_in_words(found.rule.class, days);
        }
    }
    answer(authed, viewer, page, StatusCode::UNPROCESSABLE_ENTITY)
}

impl RulePage {
    pub fn of(found: &Found, now: DateTime<Utc>, zone: Tz) -> Self {
        let class = found.rule.class;
        let facts = class.facts();
        let sent = |days: Option<i32>| days.map(|days| days.to_string()).unwrap_or_default();
        let preview = found.preview.as_ref().map(|(days, due)| Preview {
            rule: rule_in_words(class, *days),
            days: sent(*days),
            count: counted(due.rows),
            is_empty: due.rows == 0,
            rows: due
                .named
                .iter()
                .map(|row| DueView {
                    id: row.id.clone(),
                    name: row.name.clone(),
                    at: row.at.map(|at| Timestamp::new(at, now, zone)),
                })
                .collect(),
            has_more: i64::try_from(due.named.len()).is_ok_and(|named| named < due.rows),
        });
        let asked = found.preview.as_ref().map_or(found.rule.keep_days, |(days, _)| *days);
        Self {
            shell: Shell::anonymous(facts.label),
            name: facts.label,
            class: facts.stored,
            rule: rule_in_words(class, found.rule.keep_days),
            hint: format!(
                "So many days {}. {} at least; empty keeps them for ever.",
                facts.since,
                days_in_words(facts.at_least)
            ),
            url: path(class),
            errors: Vec::new(),
            days: Field { value: sent(asked), ..Field::default() },
            reason: Field::default(),
            preview,
        }
    }
}
