//! Makes a container that somebody asked for: pulls its image, gives it a port, a network and a volume, creates it,
//! starts it, and puts on record what came of it.
//!
//! A process may die at any moment, and an answer may never come: whoever goes on looks for a container with the row's
//! label. What can't be done is undone at the engine and here, before the operation says so.

mod first;
mod progress;
mod recreating;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use progress::Progress;

use super::{Context, JobError, Outcome};
use crate::containers::{Environment, Making, Verb, ports};
use crate::db::ids::ContainerId;
use crate::db::{Actor, DbError};
use crate::engine::{
    ContainerPlan, EngineError, EngineId, EngineName, ImageName, NetworkPlan, ObservedContainer, Published,
    Restart,
};
use crate::operations::making::{self, SEALED_FOR, pulls};
use crate::operations::settling;
use crate::operations::{Operation, OperationId, queries};
use crate::secret::Secret;
use crate::webhooks::Sealer;

/// How long an engine that is away is waited for before anything was asked of it, and after.
const PATIENCE: TimeDelta = TimeDelta::seconds(30);
const GIVE_UP_AFTER: TimeDelta = TimeDelta::minutes(10);
const PAUSE: Duration = Duration::from_secs(1);
/// How long a registry may be silent.
const SILENCE: Duration = Duration::from_mins(2);
/// How often one looks what a pull has come to.
const TOLD_EVERY: Duration = Duration::from_secs(1);
/// Ports that turn out to be somebody else's before one gives up.
const MOST_REFUSED: usize = 8;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Payload {
    operation: String,
    /// The container that the engine made; nobody's yet, or to be removed.
    #[serde(default)]
    made: Option<String>,
    #[serde(default)]
    refused_ports: Vec<u16>,
    /// Since when the engine has not answered.
    #[serde(default)]
    waiting_since: Option<DateTime<Utc>>,
    /// Whether it was asked to make anything.
    #[serde(default)]
    has_asked: bool,
    /// Why it is being undone.
    #[serde(default)]
    failure: Option<String>,
    /// What is made anew: its container, and whether it ran.
    #[serde(default)]
    old: Option<Old>,
    /// What went otherwise than it should, and did not matter.
    #[serde(default)]
    note: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Old {
    id: String,
    name: String,
    was_running: bool,
}

/// One turn at one making.
struct Turn<'a> {
    context: &'a Context,
    id: OperationId,
    operation: Operation,
    row: ContainerId,
    making: Making,
    payload: Payload,
}

/// Why a turn does not get on.
enum Stop {
    /// For good, in words.
    Failed(String),
    /// Nobody knows, for the moment.
    Unclear(EngineError),
    /// Somebody took it back.
    TakenBack,
    Job(JobError),
}

type Step<T> = Result<T, Stop>;

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused { message, .. } => Self::Failed(message),
            other => Self::Unclear(other),
        }
    }
}

impl From<JobError> for Stop {
    fn from(error: JobError) -> Self {
        Self::Job(error)
    }
}

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    let payload: Payload = context.payload()?;
    let id: OperationId =
        payload.operation.parse().map_err(|_| JobError::GiveUp("it names no operation".to_owned()))?;
    let found =
        context.db().read_blocking(&Actor::System, |conn| queries::find(conn, &id).map_err(DbError::from))?;
    let Some(operation) = found else { return Ok(Outcome::Done) };
    let making = serde_json::from_value(operation.settings.clone()).ok();
    let (Some(row), Some(making)) = (operation.container, making) else {
        return Err(JobError::GiveUp("it does not say what is to be made".to_owned()));
    };
    let verb = Verb::from_stored(&operation.verb);
    let turn = Turn { context, id, operation, row, making, payload };
    if verb == Some(Verb::Recreate) { turn.recreate() } else { turn.make() }
}

impl Turn<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.context.app().clock.now()
    }

    fn keep(&self) -> Result<(), JobError> {
        let payload = json!(self.payload);
        self.context.db().write_blocking(&Actor::System, |conn| self.context.keep(conn, &payload))
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let console = self.context.app().console_id().to_string();
        let mut labels = BTreeMap::from([
            ("pilothouse.container".to_owned(), self.row.to_string()),
            ("pilothouse.instance".to_owned(), console),
        ]);
        if self.making.is_demo {
            labels.insert("pilothouse.demo".to_owned(), "true".to_owned());
        }
        labels
    }

    /// Whether it goes on at all: it is marked as begun, and waits for its image.
    fn begin(&self) -> Step<()> {
        let goes_on = self.context.db().write_blocking(&Actor::System, |conn| {
            if settling::begin(conn, &self.id)?.is_none() {
                return Ok(false);
            }
            pulls(conn, &self.id, true).map_err(JobError::from)
        })?;
        if goes_on { Ok(()) } else { Err(Stop::TakenBack) }
    }

    /// From here on it can't be taken back.
    fn leave_pull(&mut self) -> Step<()> {
        let goes_on = self
            .context
            .db()
            .write_blocking(&Actor::System, |conn| pulls(conn, &self.id, false).map_err(JobError::from))?;
        if !goes_on {
            return Err(Stop::TakenBack);
        }
        if !self.payload.has_asked {
            self.payload.has_asked = true;
            self.keep()?;
        }
        Ok(())
    }

    fn tell(&self, answer: &str) -> Step<()> {
        self.context.db().write_blocking(&Actor::System, |conn| {
            settling::tell(conn, &self.id, answer).map_err(JobError::from)
        })?;
        Ok(())
    }

    fn image(&self) -> Step<ImageName> {
        self.making.image.parse().map_err(|error: crate::engine::NotAnImage| Stop::Failed(error.to_string()))
    }

    /// Fetches the image, and says how far that is.
    fn pull(&self, image: &ImageName) -> Step<()> {
        let app = self.context.app();
        let mut progress = Progress::default();
        let (mut told_at, mut stop) = (None::<Instant>, None);
        self.tell(&format!("Pulling {image}."))?;
        let pulled = app.engine.each_blocking(
            |api| api.pull(image),
            SILENCE,
            |step| {
                progress.take(step);
                if told_at.is_some_and(|at| at.elapsed() < TOLD_EVERY) {
                    return ControlFlow::Continue(());
                }
                told_at = Some(Instant::now());
                if self.context.is_to_stop() {
                    stop = Some(Stop::Unclear(EngineError::Silent));
                    return ControlFlow::Break(());
                }
                let told = format!("Pulling {image}: {progress}");
                let goes_on = app.db.write_blocking(&Actor::System, |conn| {
                    settling::tell(conn, &self.id, &told)?;
                    pulls(conn, &self.id, true).map_err(JobError::from)
                });
                match goes_on {
                    Ok(true) => return ControlFlow::Continue(()),
                    Ok(false) => stop = Some(Stop::TakenBack),
                    Err(error) => stop = Some(Stop::Job(error)),
                }
                ControlFlow::Break(())
            },
        );
        match stop {
            Some(stop) => Err(stop),
            // What counts is whether it is there: the end of a pull is sometimes told badly.
            None if matches!(pulled, Err(EngineError::Odd(_))) => Ok(()),
            None => Ok(pulled?),
        }
    }

    /// The container that carries the row's label, whoever's process made it.
    fn find(&self) -> Step<Option<EngineId>> {
        let labels = self.labels();
        let listed = self.context.app().engine.ask_blocking(|api| api.list())?;
        let is_it = |name: &str, of: &BTreeMap<String, String>| of.get(name) == labels.get(name);
        Ok(listed
            .into_iter()
            .filter(|other| {
                is_it("pilothouse.container", &other.labels) && is_it("pilothouse.instance", &other.labels)
            })
            .map(|other| other.id)
            .find(|id| self.payload.old.as_ref().is_none_or(|old| old.id != id.as_str())))
    }

    fn inspect(&self, id: &EngineId) -> Result<Option<ObservedContainer>, EngineError> {
        self.context.app().engine.ask_blocking(|api| api.inspect(id.clone()))
    }

    fn reserve_port(&self) -> Step<u16> {
        let range = self.context.app().config.containers.ports;
        let reserved = self.context.db().write_blocking(&Actor::System, |conn| {
            let refused = &self.payload.refused_ports;
            ports::reserve(conn, self.row, range.address, (range.first, range.last), refused)
                .map_err(JobError::from)
        })?;
        reserved.ok_or_else(|| {
            Stop::Failed(format!(
                "No port is free of those that containers may have, {} to {} (PILOTHOUSE_PORTS).",
                range.first, range.last
            ))
        })
    }

    fn volume_name(&self) -> Step<EngineName> {
        format!("pilothouse-{}", self.row).parse().map_err(odd_name)
    }

    fn network_name(&self) -> Step<EngineName> {
        let of = self.operation.project.map_or_else(|| self.row.to_string(), |project| project.to_string());
        format!("pilothouse-{of}").parse().map_err(odd_name)
    }

    /// What the engine is asked to make, with network and volume made already.
    fn plan(
        &self,
        name: EngineName,
        image: ImageName,
        environment_of: Option<EngineId>,
    ) -> Step<ContainerPlan> {
        let app = self.context.app();
        let settings = &app.config.containers;
        let port = self.reserve_port()?;
        let labels = self.labels();
        let info = app.engine.ask_blocking(|api| api.image(image.clone()))?;
        let info = info.ok_or_else(|| Stop::Failed(format!("The engine has no image {image}.")))?;
        let network =
            NetworkPlan { name: self.network_name()?, labels: labels.clone(), within: settings.networks };
        let network = app.engine.ask_blocking(|api| api.network(network))?;
        let volume = match &self.making.volume {
            Some(path) => {
                let volume = self.volume_name()?;
                app.engine.ask_blocking(|api| api.volume(volume.clone(), labels.clone()))?;
                Some((volume, path.clone()))
            }
            None => None,
        };
        Ok(ContainerPlan {
            name,
            image,
            labels,
            environment: self.environment()?,
            environment_of,
            published: Published { address: settings.ports.address, port, inside: info.port.unwrap_or(3000) },
            network,
            volume,
            restart: Restart::from_stored(&self.making.restart).unwrap_or_default(),
            limits: settings.limits,
            capabilities: settings.capabilities.clone(),
        })
    }

    fn environment(&self) -> Step<Vec<(String, Secret)>> {
        let sealed: Option<Vec<u8>> = self
            .context
            .db()
            .read_blocking(&Actor::System, |conn| making::sealed(conn, &self.id).map_err(JobError::from))?;
        let Some(sealed) = sealed else { return Ok(Vec::new()) };
        let seal_with = Sealer::of(self.context.app().config.secret_key.as_ref());
        let text = seal_with.open(&sealed, SEALED_FOR).map_err(|_| {
            Stop::Failed(
                "The environment variables can't be opened: the console has another key by now.".to_owned(),
            )
        })?;
        Environment::parse(text.reveal()).map(Environment::into_pairs).map_err(Stop::Failed)
    }

    /// Where the container is reached.
    fn address(&self, port: u16) -> String {
        let config = &self.context.app().config;
        let address = config.containers.ports.address;
        if !address.is_unspecified() {
            return format!("http://{}", std::net::SocketAddr::new(address, port));
        }
        let host = config.base_url.as_ref().and_then(|url| url.host_str()).unwrap_or("localhost");
        format!("http://{host}:{port}")
    }

    fn record_made(&self, made: &EngineId, port: u16) -> Result<(), JobError> {
        let url = self.address(port);
        let payload = json!(self.payload);
        self.context.db().write_blocking(&Actor::System, |conn| {
            making::keep_made(conn, (&self.id, self.row), made, (&self.making.image, port, &url))?;
            self.context.keep(conn, &payload)
        })
    }

    /// The engine does not answer: what it did is looked up later.
    fn wait(&mut self, error: &EngineError) -> Option<Outcome> {
        let now = self.now();
        let since = *self.payload.waiting_since.get_or_insert(now);
        let patience = if self.payload.has_asked { GIVE_UP_AFTER } else { PATIENCE };
        if now - since > patience && !self.context.is_to_stop() {
            return None;
        }
        let _ = self.tell(&format!("{error} It is asked again."));
        Some(Outcome::ContinueLater(json!(self.payload), PAUSE))
    }
}

fn odd_name(error: crate::engine::NotAName) -> Stop {
    Stop::Failed(error.to_string())
}

/// Whether an engine's refusal says that a port is somebody else's.
fn is_about_a_port(message: &str) -> bool {
    message.contains("port is already allocated") || message.contains("address already in use")
}
