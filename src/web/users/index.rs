//! `GET /users`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{activity_badge, role_label};
use crate::db::cursor::{ListPosition, Page, PageStart};
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::identity::Role;
use crate::users::queries::{self, Filter, Sort, UserLine};
use crate::web::display::Badge;
use crate::web::lists::{self, ListPage};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::urls;

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
    pub list: ListPage,
    pub users: Vec<UserRow>,
}

/// Lists the users.
///
/// # Errors
/// 404 for anybody but an admin; 400 for an impossible `limit` or cursor.
pub async fn index(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let asked = query.clone();
    let (viewer, page) = authed
        .read_as_admin(move |conn, _| {
            let (limit, from) = (lists::limit(&asked)?, lists::from(&asked)?);
            match filter(&asked) {
                Some(filter) => Ok(queries::page(conn, &filter, &from, limit)?),
                None => Ok(Page::of(Vec::new(), limit, &PageStart::<ListPosition>::Start)),
            }
        })
        .await?;
    let now = authed.app.clock.now();
    let shell = authed.shell(&viewer, "Users").with_breadcrumbs(vec![Crumb::here("Users")]);
    authed.page(StatusCode::OK, &UsersPage::new(shell, &query, &page, (now, viewer.zone)))
}

impl UsersPage {
    pub fn new(shell: Shell, query: &Query, page: &Page<UserLine>, (now, zone): (DateTime<Utc>, Tz)) -> Self {
        let sort = sort(query);
        let list = ListPage::new(PATH, query)
            .with_filter(
                ("role", "Role"),
                |value| format!("role {value}"),
                [("", "Any role"), ("owner", "Owners"), ("admin", "Admins")],
            )
            .with_filter(
                ("status", "Status"),
                |value| format!("state {value}"),
                [("", "Any state"), ("active", "Active"), ("deactivated", "Deactivated")],
            )
            .with_sorts([
                ("", "By e-mail"),
                ("newest", "Newest first"),
                ("signed-in", "Last signed in first"),
            ])
            .with_page(page, ("user", "users"), |line| line.position(sort));
        Self { shell, list, users: page.rows.iter().map(|line| UserRow::new(line, now, zone)).collect() }
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

impl UserRow {
    fn new(line: &UserLine, now: DateTime<Utc>, zone: Tz) -> Self {
        let user = &line.user;
        Self {
            id: user.id.to_string(),
            url: urls::user(user.id),
            name: user.display_name().to_owned(),
            email: user.email.clone(),
            role: role_label(&user.role),
            badge: activity_badge(user.is_active()),
            projects: line.projects.unwrap_or(0).to_string(),
            last_seen: line.last_seen.or(user.last_login).map(|at| Timestamp::new(at, now, zone)),
        }
    }
}
