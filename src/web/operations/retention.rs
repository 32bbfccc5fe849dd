//! `GET|POST /operations/retention`, `POST /operations/retention/{holds|release|run}`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::PgConnection;
use serde::Deserialize;
use uuid::Uuid;

use super::retention_rule::{self, RuleForm};
use super::tabs;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::{Field, Form};
use crate::identity::Viewer;
use crate::retention::commands::{self, RetentionError};
use crate::retention::queries::{self, Hold, MOST_COUNTED, Rule, Standing};
use crate::retention::{Class, run};
use crate::web::display::{ByteSize, Tab, grouped};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::urls;

/// The page's address.
pub(super) const PATH: &str = "/operations/retention";

/// One class.
#[derive(Debug, Clone)]
pub struct RuleRow {
    /// Its word.
    pub id: &'static str,
    pub name: &'static str,
    /// "Kept 180 days after they were written".
    pub rule: String,
    /// Who changed it, when and why; nothing of a default.
    pub changed: Option<String>,
    pub url: String,
    pub rows: String,
    pub bytes: ByteSize,
    pub oldest: Option<Timestamp>,
    /// What the next run deletes.
    pub due: String,
    /// What the last run deleted.
    pub last: String,
    pub last_at: Option<Timestamp>,
}

/// Something of which nothing is deleted.
#[derive(Debug, Clone)]
pub struct HoldRow {
    pub kind: String,
    pub id: String,
    pub name: String,
    pub url: String,
    pub reason: String,
    pub by: String,
    pub at: Timestamp,
}

#[derive(Debug, Template)]
#[template(path = "operations/retention.html")]
pub struct RetentionPage {
    /// The frame.
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    /// When it runs next; nothing where no runner has ever been.
    pub next: Option<Timestamp>,
    pub rules: Vec<RuleRow>,
    pub holds: Vec<HoldRow>,
    /// A summary of what is wrong.
    pub errors: Vec<String>,
    pub held: Field,
    pub reason: Field,
}

pub struct Found {
    pub next: Option<DateTime<Utc>>,
    pub rules: Vec<(Rule, Standing)>,
    pub holds: Vec<Hold>,
}

fn find(conn: &mut PgConnection, now: DateTime<Utc>) -> AppResult<Found> {
    let next = queries::next_run(conn)?;
    let rules = queries::rules(conn)?;
    let standings = queries::overview(conn, &rules, next.unwrap_or(now))?;
    let rules = rules.into_iter().zip(standings).collect();
    Ok(Found { next, rules, holds: queries::holds(conn)? })
}

/// Shows all rules and holds.
///
/// # Errors
/// 404 for anybody but an admin.
pub async fn index(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let (viewer, found) = authed.read_as_admin(move |conn, _| find(conn, now)).await?;
    answer(&authed, &viewer, &found, StatusCode::OK, |_| {})
}

fn answer(
    authed: &AuthedRequest,
    viewer: &Viewer,
    found: &Found,
    status: StatusCode,
    told: impl FnOnce(&mut RetentionPage),
) -> AppResult<HttpResponse> {
    let mut page = RetentionPage::of(found, authed.app.clock.now(), viewer.zone);
    page.shell = authed.shell(viewer, "Retention").with_breadcrumbs(crumbs(None));
    told(&mut page);
    authed.page(status, &page)
}

/// The way to the page that ends in `label`.
pub(super) fn crumbs(label: Option<&str>) -> Vec<Crumb> {
    let mut crumbs = vec![Crumb::link("Operations", "/operations")];
    match label {
        None => crumbs.push(Crumb::here("Retention")),
        Some(label) => crumbs.extend([Crumb::link("Retention", PATH), Crumb::here(label)]),
    }
    crumbs
}

/// "Kept 180 days after they were written"; "Kept for ever".
pub(super) fn rule_in_words(class: Class, days: Option<i32>) -> String {
    match days {
        Some(days) => {
            format!("Kept {} after {}", days_in_words(days), class.facts().since.trim_start_matches("after "))
        }
        None => "Kept for ever".to_owned(),
    }
}

pub(super) fn days_in_words(days: i32) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{} days", grouped(days.into())) }
}

/// PostgreSQL's estimate, where it has made one.
pub(super) fn estimate(rows: i64) -> String {
    if rows < 0 { "—".to_owned() } else { grouped(rows) }
}

/// "1,234", "10,000 or more".
pub(super) fn counted(rows: i64) -> String {
    if rows >= MOST_COUNTED { format!("{} or more", grouped(rows)) } else { grouped(rows) }
}

impl RetentionPage {
    pub fn of(found: &Found, now: DateTime<Utc>, zone: Tz) -> Self {
        let time = |at: DateTime<Utc>| Timestamp::new(at, now, zone);
        let row = |(rule, standing): &(Rule, Standing)| {
            let changed = rule.changed_at.map(|at| {
                let by = rule.changed_by.as_deref().unwrap_or("somebody");
                format!("{by}, {}: {}", time(at).exact, rule.reason.as_deref().unwrap_or_default())
            });
            let last = match rule.ended_at {
                _ if rule.is_running => "running".to_owned(),
                Some(_) => run::in_words(&rule.last_gone),
                None => "never ran".to_owned(),
            };
            RuleRow {
                id: rule.class.as_str(),
                name: rule.class.facts().label,
                rule: rule_in_words(rule.class, rule.keep_days),
                changed,
                url: retention_rule::path(rule.class),
                rows: estimate(standing.rows),
                bytes: ByteSize::new(standing.bytes),
                oldest: standing.oldest.map(time),
                due: if rule.keep_days.is_some() { counted(standing.due) } else { "nothing".to_owned() },
                last,
                last_at: rule.ended_at.map(time),
            }
        };
        let hold = |hold: &Hold| HoldRow {
            kind: hold.kind.clone(),
            id: hold.id.to_string(),
            name: hold.name.clone(),
            url: if hold.kind == "user" {
                format!("/users/{}", hold.id)
            } else {
                urls::project(crate::db::ids::ProjectId(hold.id))
            },
            reason: hold.reason.clone(),
            by: hold.placed_by.clone(),
            at: time(hold.placed_at),
        };
        Self {
            shell: Shell::anonymous("Retention"),
            tabs: tabs(PATH),
            next: found.next.map(time),
            rules: found.rules.iter().map(row).collect(),
            holds: found.holds.iter().map(hold).collect(),
            errors: Vec::new(),
            held: Field::default(),
            reason: Field::default(),
        }
    }
}

/// Changes a rule.
///
/// # Errors
/// 404 for anybody but an admin, and for an unknown class.
pub async fn change(authed: AuthedRequest, form: Form<RuleForm>) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let principal = authed.principal();
    let sent = form.0.clone();
    let class = Class::from_stored(&sent.class);
    let (viewer, refused) = authed
        .write_as_admin(move |conn, admin| {
            let class = class.ok_or(AppError::NotFound)?;
            let typed = form.0;
            let outcome = match typed.read_days() {
                Ok(days) => commands::change_rule(conn, &principal(admin), class, days, &typed.reason),
                Err(()) => Err(RetentionError::Days(class.facts().at_least)),
            };
            match outcome {
                Ok(()) => Ok(None),
                Err(RetentionError::Database(error)) => Err(error.into()),
                Err(error) => Ok(Some((error, retention_rule::find(conn, class, None, now)?))),
            }
        })
        .await?;
    let class = class.ok_or(AppError::NotFound)?;
    match refused {
        None => {
            Ok(authed
                .redirect_with_notice(PATH, format!("The rule for “{}” is changed.", class.facts().label)))
        }
        Some((error, found)) => retention_rule::refuse(&authed, &viewer, &found, &sent, &error),
    }
}

/// What is held, and why.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct HoldForm {
    #[serde(default)]
    held: String,
    #[serde(default)]
    reason: String,
}

/// Holds a project or a user.
///
/// # Errors
/// 404 for anybody but an admin.
pub async fn hold(authed: AuthedRequest, form: Form<HoldForm>) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let principal = authed.principal();
    let sent = form.0.clone();
    let (viewer, refused) = authed
        .write_as_admin(move |conn, admin| {
            match commands::hold(conn, &principal(admin), &form.0.held, &form.0.reason) {
                Ok(()) => Ok(None),
                Err(RetentionError::Database(error)) => Err(error.into()),
                Err(error) => Ok(Some((error, find(conn, now)?))),
            }
        })
        .await?;
    let Some((error, found)) = refused else {
        return Ok(authed.redirect_with_notice(PATH, "Nothing of it will be deleted."));
    };
    answer(&authed, &viewer, &found, StatusCode::UNPROCESSABLE_ENTITY, |page| {
        page.errors = vec!["No hold was placed. Check the marked field.".to_owned()];
        page.held.value.clone_from(&sent.held);
        page.reason.value.clone_from(&sent.reason);
        let field = if matches!(error, RetentionError::NoReason) { &mut page.reason } else { &mut page.held };
        field.errors = vec![retention_rule::told(&error)];
    })
}

/// Whose hold is released.
#[derive(Debug, Clone, Deserialize)]
pub struct ReleaseForm {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    id: String,
}

/// Takes a hold off.
///
/// # Errors
/// 404 for anybody but an admin, and where no hold is.
pub async fn release(authed: AuthedRequest, form: Form<ReleaseForm>) -> AppResult<HttpResponse> {
    let principal = authed.principal();
    authed
        .write_as_admin(move |conn, admin| {
            let id = form.0.id.parse::<Uuid>().map_err(|_| AppError::NotFound)?;
            match commands::release(conn, &principal(admin), &form.0.kind, id) {
                Ok(()) => Ok(()),
                Err(RetentionError::Database(error)) => Err(error.into()),
                Err(_) => Err(AppError::NotFound),
            }
        })
        .await?;
    Ok(authed.redirect_with_notice(PATH, "The hold is released: rules apply to it again."))
}

/// Asks for a run before its time.
///
/// # Errors
/// 404 for anybody but an admin.
pub async fn run_now(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let principal = authed.principal();
    authed.write_as_admin(move |conn, admin| Ok(commands::run_now(conn, &principal(admin))?)).await?;
    Ok(authed.redirect_with_notice(PATH, "A run begins as soon as an instance is free."))
}
