//! `GET /engine`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::engine::Standing;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::observations::queries::{self, EngineView, MOST_UNKNOWN, UnknownContainer};
use crate::web::display::{Badge, Fact, Tone, grouped};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::{Timestamp, duration};

/// The page's address.
pub(super) const PATH: &str = "/engine";

#[derive(Debug, Template)]
#[template(path = "engine/show.html")]
pub struct EnginePage {
    /// The frame.
    pub shell: Shell,
    /// Whether it answers this instance, and where it is.
    pub standing: Badge,
    pub note: String,
    /// Engines that were observed, the present one first.
    pub engines: Vec<EnginePanel>,
    pub unknown: Vec<UnknownRow>,
    /// That there are more.
    pub unknown_note: Option<String>,
    /// Projects and users who may take a container: what to write, and what it stands for.
    pub takers: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
pub struct EnginePanel {
    pub name: String,
    pub facts: Vec<Fact>,
}

/// A container that the engine has and that is in no record here.
#[derive(Debug, Clone)]
pub struct UnknownRow {
    pub id: String,
    pub name: String,
    pub image: String,
    pub state: String,
    pub seen: Timestamp,
    /// "Ignored by ada", or nothing.
    pub ignored: String,
}

/// Shows it. Asks the records and what this instance last heard, never the engine.
///
/// # Errors
/// 404 for anybody but an admin.
pub async fn show(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let (viewer, (engines, unknown, takers)) = authed
        .read_as_admin(|conn, _| {
            Ok((queries::engines(conn)?, queries::unknown(conn)?, queries::takers(conn)?))
        })
        .await?;
    let engine = &authed.app.engine;
    let mut page = EnginePage::new(&engines, &unknown, takers, (now, viewer.zone));
    (page.standing, page.note) = told(&engine.last_standing(), engine.address(), (now, viewer.zone));
    page.shell = authed
        .shell(&viewer, "Container engine")
        .with_breadcrumbs(vec![Crumb::link("Operations", "/operations"), Crumb::here("Container engine")]);
    authed.page(StatusCode::OK, &page)
}

fn told(standing: &Standing, address: &str, (now, zone): (DateTime<Utc>, Tz)) -> (Badge, String) {
    let since = |at| Timestamp::new(at, now, zone).exact;
    match standing {
        Standing::Here { since: at } => (
            Badge::new("success", "connected", Tone::Good),
            format!("This instance reaches it at {address}, without a break since {}.", since(*at)),
        ),
        Standing::Away { since: at, reason } => (
            Badge::new("failed", "away", Tone::Bad),
            format!("{reason} It has been away since {}.", since(*at)),
        ),
        Standing::Unknown => (
            Badge::new("unknown", "not asked", Tone::Neutral),
            format!("This instance has not asked the engine at {address} yet."),
        ),
    }
}

impl EnginePage {
    #[must_use]
    pub fn new(
        engines: &[EngineView],
        unknown: &[UnknownContainer],
        takers: Vec<(String, String)>,
        (now, zone): (DateTime<Utc>, Tz),
    ) -> Self {
        let (standing, note) = told(&Standing::Unknown, "", (now, zone));
        let is_cut = i64::try_from(unknown.len()).is_ok_and(|count| count >= MOST_UNKNOWN);
        Self {
            shell: Shell::anonymous("Container engine"),
            standing,
            note,
            engines: engines.iter().map(|engine| EnginePanel::new(engine, now, zone)).collect(),
            unknown: unknown.iter().map(|container| UnknownRow::new(container, now, zone)).collect(),
            unknown_note: is_cut.then(|| format!("These are the first {}.", grouped(MOST_UNKNOWN))),
            takers,
        }
    }
}

impl EnginePanel {
    fn new(engine: &EngineView, now: DateTime<Utc>, zone: Tz) -> Self {
        let time = |at: DateTime<Utc>| Timestamp::new(at, now, zone).exact;
        let mut facts = vec![
            Fact::mono("Address", &engine.address),
            Fact::mono("Id", &engine.id),
            Fact::text("Version", format!("{}, API {}", engine.version, engine.api_version)),
        ];
        facts.extend(engine.connected_since.map(|at| Fact::text("Connected since", time(at))));
        facts.extend(engine.away_since.map(|at| Fact::text("Away since", time(at))));
        facts.extend(engine.away_reason.as_ref().map(|why| Fact::text("Why", why)));
        facts.push(match engine.last_sweep_at {
            Some(at) => Fact::text("Last sweep", time(at)),
            None => Fact::text("Last sweep", "none yet"),
        });
        if let (Some(count), Some(ms)) = (engine.last_sweep_containers, engine.last_sweep_ms) {
            let told = format!(
                "{} {} in {}",
                grouped(count.into()),
                if count == 1 { "container" } else { "containers" },
                duration(ms.into())
            );
            facts.push(Fact::text("It looked at", told));
        }
        facts.extend(engine.lag_ms.map(|ms| Fact::text("Lag of the last event", duration(ms.into()))));
        Self { name: engine.name.clone(), facts }
    }
}

impl UnknownRow {
    fn new(container: &UnknownContainer, now: DateTime<Utc>, zone: Tz) -> Self {
        let by = container.ignored_by.as_deref().unwrap_or("somebody");
        Self {
            id: container.container.clone(),
            name: container.name.clone(),
            image: container.image.clone(),
            state: container.state.clone(),
            seen: Timestamp::new(container.first_seen_at, now, zone),
            ignored: container.ignored_at.map(|_| format!("Ignored by {by}")).unwrap_or_default(),
        }
    }
}
