//! `GET /users`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::PgConnection;

use super::{activity_badge, role_label};
use crate::db::cursor::{ListPosition, Page, PageStart};
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::identity::Role;
use crate::users::queries::{self, Filter, Sort, UserLine};
use crate::web::display::{Badge, Chips, Choice, HiddenField, Pager};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::{export, lists, urls};

const PATH: &str = "/users";

/// One line of the list.
#[derive(Debug, Clone)]
pub struct UserRow {
    pub id: String,
    /// Their page.
    pub url: String,
    /// Their name, else their address.
    pub name: String,
    /// Their address.
    pub email: String,
    /// What they may do.
    pub role: String,
    /// Whether they may sign in.
    pub badge: Badge,
    pub projects: String,
    /// When a session of theirs was used last.
    pub last_seen: Option<Timestamp>,
}

/// Everybody who signs in here.
#[derive(Debug, Template)]
#[template(path = "users/index.html")]
pub struct UsersPage {
    /// The frame.
    pub shell: Shell,
    /// Part of a name or address.
    pub q: String,
    pub roles: Vec<Choice>,
    /// The states to choose from.
    pub statuses: Vec<Choice>,
    /// The orders to choose from.
    pub sorts: Vec<Choice>,
    /// The active filters.
    pub chips: Chips,
    /// The neighbouring pages.
    pub pager: Pager,
    pub export_url: String,
    /// The filters, for an export.
    pub export_fields: Vec<HiddenField>,
    /// The lines.
    pub users: Vec<UserRow>,
}

/// Lists the users.
///
/// # Errors
/// 404 for anybody but an admin; 400 for an impossible `limit` or cursor.
pub async fn index(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let (viewer, mut page) =
        authed.read_as_admin(move |conn, admin| UsersPage::load(conn, &query, now, admin.zone)).await?;
    page.shell = authed.shell(&viewer, "Users").with_breadcrumbs(vec![Crumb::here("Users")]);
    authed.page(StatusCode::OK, &page)
}

impl UsersPage {
    /// Reads the lines that `query` asks for.
    ///
    /// # Errors
    /// 400 for an impossible `limit` or cursor, or when the statement fails.
    pub fn load(conn: &mut PgConnection, query: &Query, now: DateTime<Utc>, zone: Tz) -> AppResult<Self> {
        let (limit, from) = (lists::limit(query)?, lists::from(query)?);
        let page = match filter(query) {
            Some(filter) => queries::page(conn, &filter, &from, limit)?,
            None => Page::of(Vec::new(), limit, &PageStart::<ListPosition>::Start),
        };
        Ok(Self::of(query, &page, now, zone))
    }

    pub fn of(query: &Query, page: &Page<UserLine>, now: DateTime<Utc>, zone: Tz) -> Self {
        let value = |name: &str| query.first(name).unwrap_or_default().to_owned();
        let sort = sort(query);
        let choices = |name: &str, all: &str, values: [(&str, &str); 2]| {
            let chosen = value(name);
            let all = Choice::new("", all, &chosen);
            std::iter::once(all)
                .chain(values.map(|(value, label)| Choice::new(value, label, &chosen)))
                .collect()
        };
        Self {
            shell: Shell::anonymous("Users"),
            q: value("q"),
            roles: choices("role", "Any role", [("owner", "Owners"), ("admin", "Admins")]),
            statuses: choices("status", "Any state", [("active", "Active"), ("deactivated", "Deactivated")]),
            sorts: choices(
                "sort",
                "By e-mail",
                [("newest", "Newest first"), ("signed-in", "Last signed in first")],
            ),
            chips: chips(query),
            pager: lists::pager(PATH, query, page, ("user", "users"), |line| line.position(sort)),
            export_url: urls::export_of(PATH),
            export_fields: export::hidden(export::filters(query)),
            users: page.rows.iter().map(|line| UserRow::new(line, now, zone)).collect(),
        }
    }
}

/// What to look for; nothing when a value is unknown, because nobody can match it.
pub(super) fn filter(query: &Query) -> Option<Filter> {
    Some(Filter {
        text: query.first("q").map(|text| text.trim().to_owned()),
        role: query.first("role").map(Role::parse).transpose().ok()?,
        active: match query.first("status") {
            None => None,
            Some("active") => Some(true),
            Some("deactivated") => Some(false),
            Some(_) => return None,
        },
        sort: sort(query),
    })
}

fn sort(query: &Query) -> Sort {
    match query.first("sort") {
        Some("newest") => Sort::Newest,
        Some("signed-in") => Sort::SignedIn,
        _ => Sort::Email,
    }
}

fn chips(query: &Query) -> Chips {
    let plain = |what: &'static str| move |value: &str| format!("{what} {value}");
    let (role, state) = (plain("role"), plain("state"));
    lists::chips(PATH, query, &[("q", &|value| format!("“{value}”")), ("role", &role), ("status", &state)])
}

impl UserRow {
    fn new(line: &UserLine, now: DateTime<Utc>, zone: Tz) -> Self {
        Self {
            id: line.id.to_string(),
            url: urls::user(line.id),
            name: line.display_name().to_owned(),
            email: line.email.clone(),
            role: role_label(&line.role),
            badge: activity_badge(line.is_active == Some(true)),
            projects: line.projects.unwrap_or(0).to_string(),
            last_seen: line.last_seen.or(line.last_login).map(|at| Timestamp::new(at, now, zone)),
        }
    }
}
