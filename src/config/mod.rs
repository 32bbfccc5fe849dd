//! Every environment variable that the console reads, in one place: name, default, check.
//!
//! All problems are found before the first is told, so that one start shows all of them.

mod buckets;
mod containers;
pub mod keys;
pub mod outside;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnetwork::IpNetwork;
use url::Url;

pub use buckets::{BucketSettings, BucketStyle};
pub use containers::{ContainerSettings, PortRange};
pub use outside::OutsideSettings;

use crate::db::address;
use crate::secret::Secret;

/// The checked configuration of a process.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Config {
    /// `DATABASE_URL`; without it the console runs its own PostgreSQL.
    pub database_url: Option<Secret>,
    /// `PILOTHOUSE_MIGRATE_URL`: the owner's login, when the console's own login owns nothing.
    pub migrate_url: Option<Secret>,
    /// `DATABASE_SSL`: ask for TLS unless the URL says more.
    pub database_ssl: bool,
    /// `DATABASE_POOLER=transaction`: a pooler in transaction mode, such as PgBouncer, is at `DATABASE_URL`.
    pub behind_pooler: bool,
    /// `DATABASE_POOL_SIZE`: connections, and so requests that can be at the database at once.
    pub pool_size: u32,
    /// How long a page may wait for the database: 1 s, or less when `DATABASE_TIMEOUT` says so.
    pub database_budget: Duration,
    /// `PILOTHOUSE_LISTEN`.
    pub listen: SocketAddr,
    /// `PILOTHOUSE_DATA_DIR`: embedded cluster and generated key.
    pub data_dir: PathBuf,
    /// `PILOTHOUSE_SECRET_KEY`; `None` means that the key in the data directory is used.
    pub secret_key: Option<Secret>,
    /// `PILOTHOUSE_BASE_URL`: links and the Origin check; from the Host header without it.
    pub base_url: Option<Url>,
    /// `PILOTHOUSE_TRUSTED_PROXIES`: whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNetwork>,
    /// `PILOTHOUSE_DEMO_PASSWORD`: of the demo users.
    pub demo_password: Option<Secret>,
    /// `PILOTHOUSE_INSECURE_COOKIES`: plain-HTTP development away from localhost.
    pub insecure_cookies: bool,
    /// `PILOTHOUSE_ACCESS_LOG`: a line in the log for each request.
    pub access_log: bool,
    /// `PILOTHOUSE_TOKEN_LIMIT`: requests a minute and token, at this instance.
    pub token_limit: u32,
    /// `PILOTHOUSE_BACKUPS`: where backups and the log archive lie; below the data directory without it.
    pub backups: PathBuf,
    /// `PILOTHOUSE_BACKUP_KEY`: seals backups; `None` means that the key in the data directory is used.
    pub backup_key: Option<Secret>,
    /// `PILOTHOUSE_BACKUP_BUCKETS`: where backups are copied to.
    pub buckets: Vec<BucketSettings>,
    /// `PILOTHOUSE_INSTANCE_NAME`: what a restore in place asks for; the machine's name without it.
    pub instance_name: Option<String>,
    /// `PILOTHOUSE_METRICS_TOKEN`: what `/metrics` asks for; without one it answers this machine alone.
    pub metrics_token: Option<Secret>,
    /// `PILOTHOUSE_START_ORIGINS`: pages elsewhere that may talk with the assistant.
    pub start_origins: Vec<String>,
    /// `DOCKER_HOST`: where the container engine would be.
    pub docker_host: String,
    pub containers: ContainerSettings,
    pub outside: OutsideSettings,
    /// Whether it is an invented world (`serve --demo`).
    pub is_demo: bool,
}

/// What is wrong with one variable, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The variable's name.
    pub variable: &'static str,
    /// One sentence.
    pub message: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.message)
    }
}

/// Collects problems while values are read. No problem tells the value: a secret may have been put under a wrong name.
struct Reader {
    values: HashMap<String, String>,
    problems: Vec<ConfigProblem>,
}

impl Reader {
    fn optional(&self, variable: &str) -> Option<String> {
        self.values.get(variable).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty())
    }

    fn problem(&mut self, variable: &'static str, message: impl Into<String>) {
        self.problems.push(ConfigProblem { variable, message: message.into() });
    }

    fn flag(&mut self, variable: &'static str, default: bool) -> bool {
        match self.optional(variable).map(|v| v.to_ascii_lowercase()).as_deref() {
            None => default,
            Some("false" | "0" | "no" | "off") => false,
            Some("true" | "1" | "yes" | "on") => true,
            Some(_) => {
                self.problem(variable, "is neither true nor false");
                default
            }
        }
    }

    fn pooler(&mut self, has_migrate_url: bool) -> bool {
        match self.optional("DATABASE_POOLER").as_deref() {
            None | Some("none") => false,
            Some("transaction") if has_migrate_url => true,
            Some("transaction") => {
                self.problem(
                    "DATABASE_POOLER",
                    "needs PILOTHOUSE_MIGRATE_URL: the owner's login on the server itself, since migrations \
                     can't go through a pooler",
                );
                true
            }
            Some(_) => {
                self.problem("DATABASE_POOLER", "is neither transaction nor none");
                false
            }
        }
    }

    fn number(
        &mut self,
        variable: &'static str,
        default: u64,
        allowed: std::ops::RangeInclusive<u64>,
    ) -> u64 {
        let Some(text) = self.optional(variable) else { return default };
        match text.parse::<u64>() {
            Ok(number) if allowed.contains(&number) => number,
            _ => {
                self.problem(
                    variable,
                    format!("is not a whole number from {} to {}", allowed.start(), allowed.end()),
                );
                default
            }
        }
    }

    /// Networks, parted by commas or blanks.
    fn networks(&mut self, variable: &'static str) -> Vec<IpNetwork> {
        let text = self.optional(variable).unwrap_or_default();
        let mut networks = Vec::new();
        for part in text.split([',', ' ']).filter(|part| !part.is_empty()) {
            match part.parse() {
                Ok(network) => networks.push(network),
                Err(_) => self.problem(variable, "holds what is not a network such as 10.0.0.0/8"),
            }
        }
        networks
    }

    /// Origins as browsers send them, parted by commas or blanks.
    fn origins(&mut self, variable: &'static str) -> Vec<String> {
        let text = self.optional(variable).unwrap_or_default();
        let mut origins = Vec::new();
        for part in text.split([',', ' ']).filter(|part| !part.is_empty()) {
            match Url::parse(part).map(|url| (url.origin().ascii_serialization(), url)) {
                Ok((origin, url))
                    if matches!(url.scheme(), "http" | "https")
                        && origin == part.trim_end_matches('/').to_ascii_lowercase() =>
                {
                    origins.push(origin);
                }
                _ => self.problem(variable, "holds what is no origin such as https://www.example.org"),
            }
        }
        origins
    }

    fn database_url(&mut self, variable: &'static str) -> Option<Secret> {
        let text = self.optional(variable)?;
        if !address::is_readable(&text) {
            self.problem(variable, address::ADVICE);
        }
        Some(Secret::new(text))
    }
}

/// The longest that a page waits for the database, whatever `DATABASE_TIMEOUT` says.
pub const LONGEST_DATABASE_BUDGET: Duration = Duration::from_secs(1);

impl Config {
    /// What this instance is called: where nothing says so, as its machine.
    #[must_use]
    pub fn instance(&self) -> String {
        let of_machine = || {
            let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            Some(name.trim().to_owned()).filter(|name| !name.is_empty())
        };
        self.instance_name.clone().or_else(of_machine).unwrap_or_else(|| "pilothouse".to_owned())
    }

    /// Reads the process's environment.
    ///
    /// # Errors
    /// Every problem found, none when all is well.
    pub fn from_env() -> Result<Self, Vec<ConfigProblem>> {
        let mut odd = Vec::new();
        let mut values = HashMap::new();
        for (name, value) in std::env::vars_os() {
            match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => {
                    values.insert(name, value);
                }
                (Ok(name), Err(_)) => odd.push(name),
                (Err(_), _) => {}
            }
        }
        let mut config = Self::from_values(values);
        for variable in VARIABLES {
            if odd.iter().any(|name| name == variable) {
                let problem = ConfigProblem { variable, message: "is not valid UTF-8".to_owned() };
                match &mut config {
                    Ok(_) => config = Err(vec![problem]),
                    Err(problems) => problems.push(problem),
                }
            }
        }
        config
    }

    /// Reads `values` instead of the environment.
    ///
    /// # Errors
    /// Every problem found, none when all is well.
    pub fn from_values(values: HashMap<String, String>) -> Result<Self, Vec<ConfigProblem>> {
        let mut reader = Reader { values, problems: Vec::new() };
        let database_url = reader.database_url("DATABASE_URL");
        let migrate_url = reader.database_url("PILOTHOUSE_MIGRATE_URL");
        if migrate_url.is_some() && database_url.is_none() {
            reader.problem("PILOTHOUSE_MIGRATE_URL", "is set, but DATABASE_URL is not");
        }
        let database_ssl = reader.flag("DATABASE_SSL", false);
        let behind_pooler = reader.pooler(migrate_url.is_some());
        let pool_size = reader.number("DATABASE_POOL_SIZE", 10, 1..=500);
        let timeout = reader.number("DATABASE_TIMEOUT", 1000, 1..=3_600_000);
        let listen = reader.optional("PILOTHOUSE_LISTEN").unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        let listen = listen.parse::<SocketAddr>().unwrap_or_else(|_| {
            reader.problem("PILOTHOUSE_LISTEN", "is not an address and port such as 127.0.0.1:8080");
            SocketAddr::from(([127, 0, 0, 1], 8080))
        });
        let data_dir = reader.optional("PILOTHOUSE_DATA_DIR").unwrap_or_else(|| "./.pilothouse".to_owned());
        let secret_key = reader.optional("PILOTHOUSE_SECRET_KEY").map(Secret::new);
        match &secret_key {
            Some(key) if key.reveal().len() < 32 => reader.problem(
                "PILOTHOUSE_SECRET_KEY",
                format!("has {} bytes; at least 32 are needed", key.reveal().len()),
            ),
            None if database_url.is_some() => reader.problem(
                "PILOTHOUSE_SECRET_KEY",
                "is required with DATABASE_URL: any text of at least 32 bytes, the same for all instances",
            ),
            _ => {}
        }
        let base_url = reader.optional("PILOTHOUSE_BASE_URL").and_then(|text| match Url::parse(&text) {
            Ok(url)
                if matches!(url.scheme(), "http" | "https")
                    && url.has_host()
                    && url.path() == "/"
                    && !text.contains(['@', '?', '#']) =>
            {
                Some(url)
            }
            _ => {
                reader.problem(
                    "PILOTHOUSE_BASE_URL",
                    "is not an address such as https://console.example.org, without a login, a path, ? or #",
                );
                None
            }
        });
        let trusted_proxies = reader.networks("PILOTHOUSE_TRUSTED_PROXIES");
        let start_origins = reader.origins("PILOTHOUSE_START_ORIGINS");
        let demo_password = reader.optional("PILOTHOUSE_DEMO_PASSWORD").map(Secret::new);
        if demo_password.as_ref().is_some_and(|p| !(12..=256).contains(&p.reveal().chars().count())) {
            reader.problem("PILOTHOUSE_DEMO_PASSWORD", "must have 12 to 256 characters");
        }
        let insecure_cookies = reader.flag("PILOTHOUSE_INSECURE_COOKIES", false);
        let access_log = reader.flag("PILOTHOUSE_ACCESS_LOG", true);
        let token_limit = reader.number("PILOTHOUSE_TOKEN_LIMIT", 6000, 1..=1_000_000);
        let backups = reader
            .optional("PILOTHOUSE_BACKUPS")
            .map_or_else(|| PathBuf::from(&data_dir).join("backups"), PathBuf::from);
        let backup_key = reader.optional("PILOTHOUSE_BACKUP_KEY").map(Secret::new);
        if backup_key.as_ref().is_some_and(|key| key.reveal().len() < 32) {
            reader.problem("PILOTHOUSE_BACKUP_KEY", "is too short; at least 32 bytes are needed");
        }
        let buckets = buckets::read(&mut reader);
        let metrics_token = reader.optional("PILOTHOUSE_METRICS_TOKEN").map(Secret::new);
        if metrics_token.as_ref().is_some_and(|token| token.reveal().len() < 16) {
            reader.problem("PILOTHOUSE_METRICS_TOKEN", "is too short; at least 16 bytes are needed");
        }
        let docker_host =
            reader.optional("DOCKER_HOST").unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned());
        let containers = ContainerSettings::read(&mut reader);
        let outside = OutsideSettings::read(&mut reader);
        if !reader.problems.is_empty() {
            return Err(reader.problems);
        }
        Ok(Self {
            database_url,
            migrate_url,
            database_ssl,
            behind_pooler,
            pool_size: u32::try_from(pool_size).unwrap_or(10),
            database_budget: LONGEST_DATABASE_BUDGET.min(Duration::from_millis(timeout)),
            listen,
            data_dir: PathBuf::from(data_dir),
            secret_key,
            base_url,
            trusted_proxies,
            demo_password,
            insecure_cookies,
            access_log,
            start_origins,
            token_limit: u32::try_from(token_limit).unwrap_or(6000),
            backups,
            backup_key,
            buckets,
            instance_name: reader.optional("PILOTHOUSE_INSTANCE_NAME"),
            metrics_token,
            docker_host,
            containers,
            outside,
            is_demo: false,
        })
    }
}

/// The variables that [`Config::from_env`] reads.
pub const VARIABLES: [&str; 39] = [
    "DATABASE_URL",
    "PILOTHOUSE_MIGRATE_URL",
    "DATABASE_SSL",
    "DATABASE_POOL_SIZE",
    "DATABASE_POOLER",
    "DATABASE_TIMEOUT",
    "PILOTHOUSE_LISTEN",
    "PILOTHOUSE_DATA_DIR",
    "PILOTHOUSE_SECRET_KEY",
    "PILOTHOUSE_BASE_URL",
    "PILOTHOUSE_TRUSTED_PROXIES",
    "PILOTHOUSE_DEMO_PASSWORD",
    "PILOTHOUSE_INSECURE_COOKIES",
    "PILOTHOUSE_ACCESS_LOG",
    "PILOTHOUSE_TOKEN_LIMIT",
    "PILOTHOUSE_BACKUPS",
    "PILOTHOUSE_BACKUP_KEY",
    "PILOTHOUSE_BACKUP_BUCKETS",
    "PILOTHOUSE_INSTANCE_NAME",
    "PILOTHOUSE_METRICS_TOKEN",
    "PILOTHOUSE_START_ORIGINS",
    "DOCKER_HOST",
    "PILOTHOUSE_IMAGES",
    "PILOTHOUSE_PORTS",
    "PILOTHOUSE_CONTAINER_LIMITS",
    "PILOTHOUSE_CONTAINER_CAPS",
    "PILOTHOUSE_NETWORKS",
    "PILOTHOUSE_PRIVATE_TARGETS",
    "PILOTHOUSE_AI_URL",
    "PILOTHOUSE_AI_KEY",
    "PILOTHOUSE_AI_MODEL",
    "PILOTHOUSE_AI_DAILY_TOKENS",
    "PILOTHOUSE_AI_PRICES",
    "PILOTHOUSE_GHL_TOKEN",
    "PILOTHOUSE_GHL_LOCATION",
    "PILOTHOUSE_GHL_PIPELINE",
    "PILOTHOUSE_GHL_URL",
    "PILOTHOUSE_PAGES_REPO",
    "PILOTHOUSE_PAGES_TOKEN",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, Vec<ConfigProblem>> {
        Config::from_values(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn nothing_set_is_the_embedded_default() {
        let config = read(&[]).unwrap();
        assert!(config.database_url.is_none());
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    }

    #[test]
    fn all_problems_are_told_at_once_by_name() {
        let problems = read(&[
            ("DATABASE_URL", "mysql://x"),
            ("DATABASE_POOL_SIZE", "many"),
            ("PILOTHOUSE_SECRET_KEY", "short"),
            ("PILOTHOUSE_TRUSTED_PROXIES", "10.0.0.0/8, nonsense"),
        ])
        .unwrap_err();
        let names: Vec<_> = problems.iter().map(|p| p.variable).collect();
        assert_eq!(
            names,
            ["DATABASE_URL", "DATABASE_POOL_SIZE", "PILOTHOUSE_SECRET_KEY", "PILOTHOUSE_TRUSTED_PROXIES"]
        );
    }

    #[test]
    fn the_database_timeout_shortens_the_budget_and_never_lengthens_it() {
        assert_eq!(read(&[("DATABASE_TIMEOUT", "250")]).unwrap().database_budget.as_millis(), 250);
        assert_eq!(read(&[("DATABASE_TIMEOUT", "30000")]).unwrap().database_budget.as_millis(), 1000);
    }

    #[test]
    fn a_server_of_ones_own_needs_a_key_that_all_instances_share() {
        let problems = read(&[("DATABASE_URL", "postgres://h/db")]).unwrap_err();
        assert_eq!(problems[0].variable, "PILOTHOUSE_SECRET_KEY");
    }

    #[test]
    fn a_pooler_needs_the_server_itself_for_migrations() {
        let key = ("PILOTHOUSE_SECRET_KEY", "a key that is long enough for tests");
        let url = ("DATABASE_URL", "postgres://pooler/db");
        let pooler = ("DATABASE_POOLER", "transaction");
        let problems = read(&[url, key, pooler]).unwrap_err();
        assert_eq!((problems.len(), problems[0].variable), (1, "DATABASE_POOLER"));
        let direct = ("PILOTHOUSE_MIGRATE_URL", "postgres://server/db");
        assert!(read(&[url, key, pooler, direct]).unwrap().behind_pooler);
        assert!(!read(&[url, key]).unwrap().behind_pooler);
        assert!(read(&[url, key, ("DATABASE_POOLER", "session")]).is_err());
    }

    #[test]
    fn a_secret_is_not_printed() {
        let config = read(&[("PILOTHOUSE_DEMO_PASSWORD", "correct horse battery")]).unwrap();
        assert!(!format!("{config:?}").contains("horse"));
    }
}
