//! A Docker engine, by way of bollard; `making.rs` below holds what it is asked to make.
//!
//! bollard's deadline covers the head of an answer only, and takes whole seconds: each answer has one of its own here.
//! It opens a connection for each request, and puts names into addresses as they are, so only [`EngineId`]s go in.

mod making;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::API_DEFAULT_VERSION;
use bollard::errors::Error as BollardError;
use bollard::models::{ContainerInspectResponse, ContainerSummary, EventMessage};
use bollard::query_parameters::{
    EventsOptionsBuilder, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
    RestartContainerOptionsBuilder, StatsOptionsBuilder, StopContainerOptionsBuilder,
};
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use tokio::time::timeout;

use super::api::{Answer, Answers, Api};
use super::log_pieces;
use super::making::{ContainerPlan, EngineName, ImageInfo, ImageName, NetworkPlan, PullStep};
use super::model::{
    EngineError, EngineEvent, EngineId, EngineInfo, ListedContainer, LogPiece, LogsWanted, ObservedContainer,
    RunState,
};
use super::usage::{self, Usage};

/// For what an engine knows by heart.
const QUICK: Duration = Duration::from_secs(2);
/// For a list of everything, and for whatever touches a container.
const SLOW: Duration = Duration::from_secs(20);
/// bollard's own deadline, which is never the first to end.
const BEYOND: u64 = 3_600;

/// What happens to containers as far as it is listened to. `exec_*` holds whole commands, and is not.
const FOLLOWED: [&str; 13] = [
    "create",
    "start",
    "die",
    "kill",
    "stop",
    "restart",
    "oom",
    "pause",
    "unpause",
    "rename",
    "destroy",
    "update",
    "health_status",
];

/// The engine at one address; connects when it is asked, and anew after it was gone.
#[derive(Debug, Clone)]
pub struct Docker {
    address: String,
    /// Speaks a version that the engine knows.
    client: Arc<Mutex<Option<bollard::Docker>>>,
}

impl Docker {
    #[must_use]
    pub fn at(docker_host: &str) -> Self {
        Self { address: docker_host.to_owned(), client: Arc::default() }
    }

    fn connect(&self) -> Result<bollard::Docker, EngineError> {
        let (scheme, place) = self.address.split_once("://").unwrap_or_default();
        let connected = match scheme {
            "unix" => bollard::Docker::connect_with_unix(place, BEYOND, API_DEFAULT_VERSION),
            "tcp" | "http" => bollard::Docker::connect_with_http(&self.address, BEYOND, API_DEFAULT_VERSION),
            _ => {
                return Err(EngineError::Absent(
                    "DOCKER_HOST names an engine that can't be spoken to: use unix:// or tcp://.".to_owned(),
                ));
            }
        };
        connected.map_err(|error| self.error(error))
    }

    async fn client(&self) -> Result<bollard::Docker, EngineError> {
        if let Some(client) = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(client);
        }
        let client = timeout(QUICK, self.connect()?.negotiate_version())
            .await
            .map_err(|_| EngineError::Silent)?
            .map_err(|error| self.error(error))?;
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        Ok(client)
    }

    /// Asks within `deadline`. What comes back when it is gone may be another version.
    fn ask<T: Send + 'static>(
        &self,
        deadline: Duration,
        question: impl FnOnce(bollard::Docker) -> BoxFuture<'static, Result<T, BollardError>> + Send + 'static,
    ) -> Answer<T> {
        let this = self.clone();
        async move {
            let client = this.client().await?;
            let answer = timeout(deadline, question(client))
                .await
                .map_err(|_| EngineError::Silent)
                .and_then(|answer| answer.map_err(|error| this.error(error)));
            if answer.as_ref().is_err_and(|error| !matches!(error, EngineError::Refused { .. })) {
                *this.client.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
            answer
        }
        .boxed()
    }

    fn error(&self, error: BollardError) -> EngineError {
        let nobody = || {
            let place = self.address.rsplit_once('@').map_or(&*self.address, |(_, place)| place);
            EngineError::Absent(format!("Nobody answers at {place}."))
        };
        match error {
            BollardError::DockerResponseServerError { status_code, message } => {
                EngineError::refused(status_code, &message)
            }
            BollardError::DockerStreamError { error } => EngineError::refused(500, &error),
            BollardError::RequestTimeoutError => EngineError::Silent,
            BollardError::SocketNotFoundError(_) => nobody(),
            BollardError::HyperLegacyError { err } if err.is_connect() => nobody(),
            other => EngineError::Odd(other.to_string()),
        }
    }
}

/// What was asked for is so already, or somebody else is at it.
fn or_done(answer: Answer<()>, is_done: fn(u16, &str) -> bool) -> Answer<()> {
    answer
        .map(move |answer| match answer {
            Err(EngineError::Refused { status, message }) if is_done(status, &message) => Ok(()),
            other => other,
        })
        .boxed()
}

fn seconds(length: Duration) -> i32 {
    i32::try_from(length.as_secs()).unwrap_or(i32::MAX)
}

impl Api for Docker {
    fn info(&self) -> Answer<EngineInfo> {
        self.ask(QUICK, |client| {
            async move {
                let (info, version) = (client.info().await?, client.version().await?);
                Ok(EngineInfo {
                    id: info.id.unwrap_or_default(),
                    name: info.name.unwrap_or_default(),
                    version: version.version.unwrap_or_default(),
                    api_version: client.client_version().to_string(),
                })
            }
            .boxed()
        })
    }

    fn list(&self) -> Answer<Vec<ListedContainer>> {
        self.ask(SLOW, |client| {
            async move {
                let options = ListContainersOptionsBuilder::new().all(true).build();
                let listed = client.list_containers(Some(options)).await?;
                Ok(listed.into_iter().filter_map(listed_container).collect())
            }
            .boxed()
        })
    }

    fn inspect(&self, id: EngineId) -> Answer<Option<ObservedContainer>> {
        let answer = self.ask(SLOW / 4, move |client| {
            async move { client.inspect_container(id.as_str(), None).await }.boxed()
        });
        answer
            .map(|answer| match answer {
                Ok(inspected) => Ok(observed(inspected)),
                Err(EngineError::Refused { status: 404, .. }) => Ok(None),
                Err(error) => Err(error),
            })
            .boxed()
    }

    fn start(&self, id: EngineId) -> Answer<()> {
        self.ask(SLOW, move |client| async move { client.start_container(id.as_str(), None).await }.boxed())
    }

    fn stop(&self, id: EngineId, grace: Duration) -> Answer<()> {
        self.ask(grace + SLOW, move |client| {
            let options = StopContainerOptionsBuilder::new().t(seconds(grace)).build();
            async move { client.stop_container(id.as_str(), Some(options)).await }.boxed()
        })
    }

    fn restart(&self, id: EngineId, grace: Duration) -> Answer<()> {
        self.ask(grace + SLOW, move |client| {
            let options = RestartContainerOptionsBuilder::new().t(seconds(grace)).build();
            async move { client.restart_container(id.as_str(), Some(options)).await }.boxed()
        })
    }

    fn remove(&self, id: EngineId) -> Answer<()> {
        let answer = self.ask(SLOW, move |client| {
            let options = RemoveContainerOptionsBuilder::new().force(true).v(false).build();
            async move { client.remove_container(id.as_str(), Some(options)).await }.boxed()
        });
        or_done(answer, |status, message| {
            status == 404 || (status == 409 && message.contains("already in progress"))
        })
    }

    fn rename(&self, id: EngineId, name: EngineName) -> Answer<()> {
        self.rename_container(id, name)
    }

    fn image(&self, image: ImageName) -> Answer<Option<ImageInfo>> {
        self.look_for_image(image)
    }

    fn pull(&self, image: &ImageName) -> Answers<PullStep> {
        self.pull_image(image)
    }

    fn create(&self, plan: ContainerPlan) -> Answer<EngineId> {
        self.create_container(plan)
    }

    fn network(&self, plan: NetworkPlan) -> Answer<String> {
        self.make_network(plan)
    }

    fn remove_network(&self, name: EngineName) -> Answer<()> {
        self.unmake_network(name)
    }

    fn volume(&self, name: EngineName, labels: BTreeMap<String, String>) -> Answer<()> {
        self.make_volume(name, labels)
    }

    fn remove_volume(&self, name: EngineName) -> Answer<()> {
        self.unmake_volume(name)
    }

    fn events(&self, since: Option<i64>) -> Answers<EngineEvent> {
        let this = self.clone();
        let connected = async move {
            let client = this.client().await?;
            let filters = HashMap::from([("type", vec!["container"]), ("event", FOLLOWED.to_vec())]);
            let options = EventsOptionsBuilder::new().filters(&filters);
            let options = match since {
                Some(nanos) => {
                    let (seconds, rest) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
                    options.since(&format!("{seconds}.{rest:09}"))
                }
                None => options,
            };
            let events = client.events(Some(options.build())).map_err(move |error| this.error(error));
            Ok::<_, EngineError>(events.try_filter_map(|event| async { Ok(followed(event)) }))
        };
        stream::once(connected).try_flatten().boxed()
    }

    fn usage(&self, id: EngineId) -> Answer<Option<Usage>> {
        let answer = self.ask(SLOW / 4, move |client| {
            // One shot: the engine waits for no second answer to compare with.
            let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
            let mut stats = client.stats(id.as_str(), Some(options)).boxed();
            async move { stats.try_next().await }.boxed()
        });
        answer
            .map(|answer| match answer {
                Ok(stats) => Ok(stats.and_then(usage::usage)),
                Err(EngineError::Refused { status: 404 | 409, .. }) => Ok(None),
                Err(error) => Err(error),
            })
            .boxed()
    }

    fn logs(&self, id: EngineId, wanted: LogsWanted) -> Answers<LogPiece> {
        let this = self.clone();
        let connected = async move {
            let version = this.client().await?.client_version().to_string();
            Ok::<_, EngineError>(log_pieces::open(this.address, version, id, wanted))
        };
        stream::once(connected).try_flatten().boxed()
    }
}

/// The engine writes names with a slash before them.
fn plain_name(name: &str) -> String {
    name.strip_prefix('/').unwrap_or(name).to_owned()
}

fn labels(labels: Option<HashMap<String, String>>) -> BTreeMap<String, String> {
    labels.unwrap_or_default().into_iter().collect()
}

fn listed_container(listed: ContainerSummary) -> Option<ListedContainer> {
    Some(ListedContainer {
        id: listed.id?.parse().ok()?,
        name: listed.names.unwrap_or_default().first().map(|name| plain_name(name)).unwrap_or_default(),
        image: listed.image.unwrap_or_default(),
        state: listed.state.map(|state| state.to_string()).unwrap_or_default(),
        labels: labels(listed.labels),
    })
}

/// The engine writes the year 1 for "never".
fn moment(text: Option<&String>) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text?).ok()?.to_utc();
    // As PostgreSQL keeps it, so that both compare.
    DateTime::from_timestamp_micros(at.timestamp_micros()).filter(|at| at.timestamp() > 0)
}

fn observed(inspected: ContainerInspectResponse) -> Option<ObservedContainer> {
    let config = inspected.config.unwrap_or_default();
    let state = inspected.state.unwrap_or_default();
    let environment = config.env.unwrap_or_default();
    Some(ObservedContainer {
        id: inspected.id?.parse().ok()?,
        name: plain_name(&inspected.name.unwrap_or_default()),
        image: config.image.unwrap_or_default(),
        labels: labels(config.labels),
        run: RunState {
            word: state.status.map(|word| word.to_string()).unwrap_or_default(),
            is_running: state.running.unwrap_or_default(),
            pid: state.pid.unwrap_or_default(),
            exit_code: state.exit_code.unwrap_or_default(),
            was_out_of_memory: state.oom_killed.unwrap_or_default(),
            error: state.error.unwrap_or_default(),
            started_at: moment(state.started_at.as_ref()),
            finished_at: moment(state.finished_at.as_ref()),
            health: state
                .health
                .and_then(|health| health.status)
                .map(|word| word.to_string())
                .filter(|word| !word.is_empty() && word != "none"),
        },
        restart_count: inspected.restart_count.unwrap_or_default(),
        has_terminal: config.tty.unwrap_or_default(),
        environment_names: environment
            .iter()
            .map(|pair| pair.split_once('=').map_or(&**pair, |(name, _)| name).to_owned())
            .collect(),
    })
}

fn followed(event: EventMessage) -> Option<EngineEvent> {
    let actor = event.actor?;
    let mut attributes = actor.attributes.unwrap_or_default();
    let number = |text: Option<&String>| text.and_then(|text| text.parse().ok());
    Some(EngineEvent {
        id: actor.id?.parse().ok()?,
        action: event.action?,
        nanos: event.time_nano?,
        exit_code: number(attributes.get("exitCode")),
        signal: number(attributes.get("signal")),
        name: attributes.remove("name").unwrap_or_default(),
        old_name: attributes.remove("oldName").map(|name| plain_name(&name)),
        image: attributes.remove("image").unwrap_or_default(),
        labels: attributes.into_iter().collect(),
    })
}
