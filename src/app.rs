//! The value that holds what a process depends on, so that tests can hold each of it still.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::assistant::provider::{BuiltIn, Provider};
use crate::assistant::remote::Remote;
use crate::auth::act_rate::ActRate;
use crate::auth::queue::Queue;
use crate::auth::recent_viewers::RecentViewers;
use crate::backups::bucket::Address;
use crate::backups::{self, BackupError, Bucket, Vault};
use crate::config::{BucketSettings, BucketStyle, Config, keys};
use crate::crm::{Crm, Ghl};
use crate::db::Db;
use crate::db::readiness::Readiness;
use crate::drafts::git_host::GitHost;
use crate::engine::Engine;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::outgoing::Outgoing;
use crate::queue::instance::Errands;
use crate::runtime::{Clock, Entropy};
use crate::secret::Secret;
use crate::tokens::TokenRate;

/// Bodies of more than 256 kB that are in memory at once.
const LARGE_BODIES: usize = 4;
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);

/// One running console: shared by every request, job and command.
#[derive(Debug, Clone)]
pub struct App {
    /// The checked configuration.
    pub config: Arc<Config>,
    /// The only way to the database.
    pub db: Db,
    /// The container engine, there or not.
    pub engine: Engine,
    /// What time it is.
    pub clock: Clock,
    /// Where ids and tokens come from.
    pub entropy: Entropy,
    /// What the database last said of itself.
    pub readiness: Readiness,
    /// Whether the process still wants requests.
    pub draining: Draining,
    /// How long clients may take.
    pub deadlines: Deadlines,
    /// How often each user may change something.
    pub act_rate: ActRate,
    /// Whose frame a page has while the database is away.
    pub recent_viewers: RecentViewers,
    /// How often each token may ask.
    pub token_rate: TokenRate,
    /// Room for large bodies of programs.
    pub large_bodies: Arc<Semaphore>,
    /// How long at most what an engine did not tell stays unseen.
    pub sweep_interval: Duration,
    /// How many connections they may have.
    pub connections: ConnectionLimits,
    /// Where passwords are checked and hashed, a few at a time.
    pub sign_ins: Queue,
    /// How what this instance does by itself goes.
    pub errands: Errands,
    /// Who is told what changes.
    pub live: Live,
    /// What is counted of its requests.
    pub metrics: Metrics,
    /// What other programs are asked through.
    pub outgoing: Outgoing,
    /// Who answers visitors.
    pub assistant: Arc<dyn Provider>,
    /// Who is told of posted drafts.
    pub crm: Option<Arc<dyn Crm>>,
    /// Where posted drafts are published.
    pub pages: Option<GitHost>,
}

fn crm(config: &Config, outgoing: &Outgoing) -> Option<Arc<dyn Crm>> {
    let crm = config.outside.crm.clone()?;
    Some(Arc::new(Ghl::at(outgoing.clone(), crm.url, crm.token, crm.location, crm.pipeline)))
}

/// The model of the configuration, or else the console itself.
fn assistant(config: &Config, outgoing: &Outgoing, clock: &Clock) -> Arc<dyn Provider> {
    let Some(model) = config.outside.model.clone() else { return Arc::new(BuiltIn) };
    Arc::new(Remote::at(
        outgoing.clone(),
        clock.clone(),
        model.url,
        model.key,
        model.model,
        model.daily_tokens,
    ))
}

/// Where backups lie, and what seals them; the key is made when there is none.
///
/// # Errors
/// When the data directory can't be used.
pub fn vault(config: &Config) -> Result<Vault, BackupError> {
    let key = match &config.backup_key {
        Some(key) => key.clone(),
        None => keys::kept_in(&config.data_dir, backups::KEY_FILE).map_err(BackupError::Failed)?,
    };
    Ok(Vault::new(config.backups.clone(), key))
}

/// Where backups are copied to.
///
/// # Errors
/// When an address can't be that of a bucket.
pub fn buckets(config: &Config, outgoing: &Outgoing) -> Result<Vec<Bucket>, BackupError> {
    let bucket = |settings: &BucketSettings| {
        let address = Address {
            endpoint: settings.endpoint.clone(),
            bucket: settings.bucket.clone(),
            prefix: settings.prefix.clone(),
            region: settings.region.clone(),
            is_virtual: settings.style == BucketStyle::Virtual,
        };
        Bucket::at(
            outgoing.clone(),
            settings.name.clone(),
            address,
            &settings.access_key,
            &settings.secret_key,
        )
    };
    config.buckets.iter().map(bucket).collect()
}

/// Whether the process has been told to end: `/readyz` says so, and connections are not kept for more.
#[derive(Debug, Clone, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// From now on, no more requests are wanted. Those that come are still served.
    pub fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether [`Draining::begin`] was called.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// How long a client may take, so that nobody holds a connection for nothing.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// From the first byte of a request to the end of its head.
    pub head: Duration,
    /// Without a request, between two of them.
    pub idle: Duration,
    /// For a request's body to arrive and its handler to answer. A streamed answer may take longer.
    pub request: Duration,
    /// Without taking a byte of an answer.
    pub stall: Duration,
    /// Bytes of an answer that a client has to take a second, on the average of the stall time.
    pub least_a_second: u64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(5),
            idle: Duration::from_secs(15),
            request: Duration::from_secs(30),
            stall: Duration::from_secs(30),
            // Less than any line carries.
            least_a_second: 8 * 1024,
        }
    }
}

/// How many connections there may be at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    pub all: usize,
    pub of_one_address: usize,
}

impl ConnectionLimits {
    /// What leaves files for the database's connections, the log and whoever is being told that there is no room.
    fn within(files: u64, database_connections: u32) -> Self {
        let kept = 192 + u64::from(database_connections);
        let all = usize::try_from(files.saturating_sub(kept)).unwrap_or(usize::MAX).clamp(32, 8_192);
        Self { all, of_one_address: (all / 4).min(256) }
    }
}

/// How many files the process may have open.
fn open_files() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Lets the process have as many files open as it may at all. Many systems allow more than they give at first.
pub fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

impl App {
    /// Which console this is, the same at all its instances: what tells its containers from another one's.
    #[must_use]
    pub fn console_id(&self) -> Uuid {
        let key = self.config.secret_key.as_ref().map(Secret::reveal).unwrap_or_default();
        let digest = Sha256::digest(format!("pilothouse console {key}"));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// An app on `db` with the machine's clock and randomness.
    #[must_use]
    pub fn new(config: Config, db: Db) -> Self {
        let connections = ConnectionLimits::within(open_files(), config.pool_size);
        let clock = Clock::system();
        let token_rate = TokenRate::of(config.token_limit);
        let outgoing = Outgoing::to(config.outside.private_targets.clone());
        Self {
            assistant: assistant(&config, &outgoing, &clock),
            crm: crm(&config, &outgoing),
            pages: config
                .outside
                .pages
                .clone()
                .map(|pages| GitHost::at(outgoing.clone(), pages.repository, pages.token)),
            outgoing,
            engine: Engine::at(&config.docker_host, clock.clone()),
            config: Arc::new(config),
            db,
            clock,
            entropy: Entropy,
            readiness: Readiness::default(),
            draining: Draining::default(),
            deadlines: Deadlines::default(),
            act_rate: ActRate::default(),
            recent_viewers: RecentViewers::default(),
            token_rate,
            large_bodies: Arc::new(Semaphore::new(LARGE_BODIES)),
            sweep_interval: SWEEP_INTERVAL,
            connections,
            sign_ins: Queue::default(),
            errands: Errands::default(),
            live: Live::with_room(connections.all / 2),
            metrics: Metrics::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_everything_else() {
        let limits = |files, pool| {
            let limits = ConnectionLimits::within(files, pool);
            (limits.all, limits.of_one_address)
        };
        assert_eq!(limits(1024, 10), (822, 205));
        assert_eq!(limits(u64::MAX, 10), (8_192, 256));
        assert_eq!(limits(256, 100), (32, 8));
    }
}
