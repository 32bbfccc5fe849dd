//! `GET /operations/database`

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::retention::estimate;
use super::tabs;
use crate::backups::records::{self, Archive};
use crate::db::load::{SlowStatement, Waits, in_small_letters};
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::instance::database::{self, LockWait, Replica, TableSize};
use crate::postgres::statements::{self, Costly};
use crate::web::display::{ByteSize, Tab, counted, grouped};
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

/// A statement and what it has cost.
#[derive(Debug, Clone)]
pub struct CostlyRow {
    pub statement: String,
    pub calls: String,
    pub total: String,
    pub mean: String,
}

/// A server that copies this one's log.
#[derive(Debug, Clone)]
pub struct ReplicaRow {
    pub name: String,
    pub state: String,
    /// "12 MB"; "—" where nobody may know.
    pub behind: String,
    pub lag: String,
}

/// What the server says of itself.
#[derive(Debug, Clone, Default)]
pub struct OfServer {
    /// The largest first.
    pub tables: Vec<TableSize>,
    pub waits: Vec<LockWait>,
    /// None where it does not count them.
    pub costly: Option<Vec<Costly>>,
    pub replicas: Vec<Replica>,
    pub archive: Option<Archive>,
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
    /// None where the server does not count its statements.
    pub costly: Option<Vec<CostlyRow>>,
    pub tables: Vec<TableRow>,
    pub waits: Vec<WaitRow>,
    pub replicas: Vec<ReplicaRow>,
    /// How far the log is archived, where it is.
    pub archive: Option<ArchiveLine>,
}

/// How far the log is archived.
#[derive(Debug, Clone)]
pub struct ArchiveLine {
    pub until: Option<Timestamp>,
    /// "2 files wait"
    pub waiting: String,
    pub error: String,
}

/// Shows it.
///
/// # Errors
/// 404 for anybody but an admin.
pub async fn show(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let config = &authed.app.config;
    let is_embedded = config.database_url.is_none();
    let (viewer, mut server) = authed
        .read_as_admin(move |conn, _| {
            Ok(OfServer {
                tables: database::table_sizes(conn)?,
                waits: database::lock_waits(conn)?,
                costly: if is_embedded { None } else { database::costly_statements(conn)? },
                replicas: database::replicas(conn)?,
                archive: records::archive(conn)?,
            })
        })
        .await?;
    if is_embedded {
        let dir = config.data_dir.clone();
        let read = actix_web::web::block(move || statements::of_embedded(&dir)).await;
        server.costly = read.ok().and_then(Result::ok);
    }
    let db = &authed.app.db;
    let instance = OfInstance {
        connections: db.connections(),
        most: authed.app.config.pool_size,
        waits: db.waits(),
        slow: db.slow_statements(),
    };
    let mut page = DatabasePage::of(&server, &instance, now, viewer.zone);
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

fn millis(time: Duration) -> String {
    duration(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

/// Milliseconds of a statement, which may be less than one.
fn short_millis(ms: f64) -> String {
    if ms < 10.0 { format!("{ms:.2} ms") } else { millis(Duration::from_secs_f64(ms.min(1e15) / 1e3)) }
}

impl CostlyRow {
    fn new(costly: &Costly) -> Self {
        Self {
            statement: in_small_letters(&costly.statement),
            calls: grouped(costly.calls),
            total: short_millis(costly.total_ms),
            mean: short_millis(costly.mean_ms),
        }
    }
}

impl ReplicaRow {
    fn new(replica: &Replica) -> Self {
        let behind = replica.behind.map(|bytes| ByteSize::new(bytes.max(0)).short);
        Self {
            name: replica.name.clone(),
            state: replica.state.clone(),
            behind: behind.unwrap_or_else(|| "—".to_owned()),
            lag: replica.lag.map_or_else(|| "—".to_owned(), duration),
        }
    }
}

impl DatabasePage {
    pub fn of(server: &OfServer, instance: &OfInstance, now: DateTime<Utc>, zone: Tz) -> Self {
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
            statement: in_small_letters(&wait.statement),
        };
        let slow = |slow: &SlowStatement| SlowRow {
            statement: in_small_letters(&slow.text),
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
            costly: server.costly.as_ref().map(|all| all.iter().map(CostlyRow::new).collect()),
            tables: server.tables.iter().map(table).collect(),
            waits: server.waits.iter().map(wait).collect(),
            replicas: server.replicas.iter().map(ReplicaRow::new).collect(),
            archive: server.archive.as_ref().map(|archive| ArchiveLine {
                until: archive.archived_until.map(|at| Timestamp::new(at, now, zone)),
                waiting: counted(
                    usize::try_from(archive.waiting).unwrap_or_default(),
                    "file waits",
                    "files wait",
                ),
                error: archive.error.clone().unwrap_or_default(),
            }),
        }
    }
}
