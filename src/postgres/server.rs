//! The server's process: started, watched, started again when it dies, and stopped.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Durability;
use super::account::Account;
use super::binaries::Binaries;
use super::error::{ClusterError, IoContext};
use super::initdb::last_complaint;
use super::layout::Layout;
use super::process::{LOOK_EVERY, PidFile, stop_child, stop_other, wait_until};
use super::statements::LIBRARY;

/// Part of the socket's name; the server listens on no TCP port.
pub(super) const PORT: u16 = 5432;

/// How long the remains of a killed server (its pid file, its last backends) may be in the way.
const REMAINS_GO_WITHIN: Duration = Duration::from_secs(3);
/// A start that takes longer (recovery of a large log, or out of the archive) is given up.
const START_WITHIN: Duration = Duration::from_hours(2);
/// Between two looks at a server that should be running.
const WATCH_EVERY: Duration = Duration::from_millis(250);
/// Longest pause before another attempt to bring a server back.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What a start needs to know.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    pub(super) layout: Layout,
    pub(super) socket_dir: PathBuf,
    pub(super) binaries: Binaries,
    pub(super) account: Account,
    pub(super) durability: Durability,
    pub(super) archives: bool,
}

/// A running server and the thread that keeps it running.
///
/// The server is told to end when the thread that spawned it ends, so that thread lives exactly as
/// long as the server should: it is neither the caller's nor one of a pool.
#[derive(Debug)]
pub(super) struct Server {
    stop: Option<Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts the server and waits until it takes connections.
    pub(super) fn start(recipe: Recipe) -> Result<Self, ClusterError> {
        let (stop, stopped) = mpsc::channel();
        let (report, outcome) = mpsc::channel();
        let log = recipe.layout.log();
        let keeper = thread::Builder::new()
            .name("postgres-keeper".to_owned())
            .spawn(move || match recipe.start() {
                Ok(child) => {
                    // The receiver waits for exactly this; it can't be gone.
                    let _ = report.send(Ok(()));
                    keep(&recipe, child, &stopped);
                }
                Err(error) => {
                    let _ = report.send(Err(error));
                }
            })
            .or_cannot("start a thread for", &log)?;
        let ended = || ClusterError::DidNotStart { reason: "its keeper ended".to_owned(), log };
        outcome.recv().map_err(|_| ended())??;
        Ok(Self { stop: Some(stop), keeper: Some(keeper) })
    }

    /// Stops the server and waits until it has ended. The second call does nothing.
    pub(super) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(keeper) = self.keeper.take() {
            // A panic there has already been reported, and ended the thread and so the server.
            let _ = keeper.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Watches the server until it is to be stopped, and brings it back when it dies.
fn keep(recipe: &Recipe, first: Child, stopped: &Receiver<()>) {
    let mut running = Some(first);
    let mut pause = WATCH_EVERY;
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(pause) {
        if let Some(child) = running.as_mut() {
            let Ok(Some(status)) = child.try_wait() else { continue };
            tracing::error!("the embedded database ended unexpectedly ({status}): starting it again");
        }
        match recipe.start() {
            Ok(child) => {
                tracing::info!("the embedded database is back");
                (running, pause) = (Some(child), WATCH_EVERY);
            }
            Err(error) => {
                tracing::error!("{error}");
                (running, pause) = (None, (pause * 2).min(LONGEST_PAUSE));
            }
        }
    }
    if let Some(mut child) = running {
        stop_child(&mut child);
    }
}

impl Recipe {
    /// Starts the server, again and again while the remains of an earlier one are in its way.
    fn start(&self) -> Result<Child, ClusterError> {
        self.end_orphan();
        let give_up = Instant::now() + REMAINS_GO_WITHIN;
        loop {
            match self.start_once() {
                Err(ClusterError::DidNotStart { reason, .. })
                    if names_remains(&reason) && Instant::now() < give_up =>
                {
                    thread::sleep(LOOK_EVERY);
                }
                outcome => return outcome,
            }
        }
    }

    /// A console that was killed where nothing tells the server of it leaves it running. The lock is
    /// ours, so nobody uses it.
    fn end_orphan(&self) {
        let data = self.layout.data();
        if let Some(orphan) = PidFile::read(&data).filter(|file| file.is_alive(&data)) {
            let pid = orphan.pid;
            tracing::warn!(
                "a database that an earlier console left running (process {pid}) is stopped first"
            );
            stop_other(&orphan, &data);
        }
    }

    fn start_once(&self) -> Result<Child, ClusterError> {
        let mut log = self.layout.open_log()?;
        let before = log.seek(SeekFrom::End(0)).or_cannot("read", &self.layout.log())?;
        let output = || log.try_clone().or_cannot("share", &self.layout.log());
        let mut child = self
            .command()
            .stdout(Stdio::from(output()?))
            .stderr(Stdio::from(output()?))
            .spawn()
            .or_cannot("run", &self.binaries.postgres())?;

        let data = self.layout.data();
        let mut ended = false;
        wait_until(START_WITHIN, || {
            ended = !matches!(child.try_wait(), Ok(None));
            ended || PidFile::read(&data).is_some_and(|file| file.pid == child.id() && file.ready)
        })
        .then_some(())
        .filter(|()| !ended)
        .ok_or_else(|| {
            let reason = if ended {
                self.said_since(before).unwrap_or_else(|| "it ended without a word".to_owned())
            } else {
                stop_child(&mut child);
                format!("not ready after {} seconds", START_WITHIN.as_secs())
            };
            ClusterError::DidNotStart { reason, log: self.layout.log() }
        })?;
        Ok(child)
    }

    fn command(&self) -> Command {
        let mut command = self.account.command(self.binaries.postgres());
        command.arg("-D").arg(self.layout.data());
        let place = [
            format!("unix_socket_directories={}", self.socket_dir.display()),
            format!("port={PORT}"),
            "listen_addresses=".to_owned(),
            "unix_socket_permissions=0700".to_owned(),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
            "lc_messages=C".to_owned(),
            "log_checkpoints=off".to_owned(),
        ];
        let durability: &[&str] = match self.durability {
            Durability::Durable => &["fsync=on", "full_page_writes=on"],
            // Without autovacuum no worker is ever inside a template while it is cloned.
            Durability::Throwaway => &[
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
                "autovacuum=off",
                "max_connections=200",
            ],
        };
        let archive = if self.archives {
            vec![
                "archive_mode=on".to_owned(),
                "archive_timeout=60".to_owned(),
                format!("archive_command={}", archive_command(&self.layout.spool())),
            ]
        } else {
            vec!["archive_mode=off".to_owned()]
        };
        let library =
            self.binaries.has_library(LIBRARY).then(|| format!("shared_preload_libraries={LIBRARY}"));
        for setting in
            place.iter().chain(&archive).chain(&library).map(String::as_str).chain(durability.iter().copied())
        {
            command.args(["-c", setting]);
        }
        command
    }

    /// What the server complained of since its log had `offset` bytes.
    fn said_since(&self, offset: u64) -> Option<String> {
        let mut log = fs::File::open(self.layout.log()).ok()?;
        log.seek(SeekFrom::Start(offset)).ok()?;
        let mut said = String::new();
        log.read_to_string(&mut said).ok()?;
        let complaint = last_complaint(&said)?;
        // The time before it is the log's, not the message's.
        Some(complaint.find("FATAL:").map_or(complaint.clone(), |at| complaint[at..].to_owned()))
    }
}

/// What the server runs for each finished file of its log: it is in the spool, whole and on the disk, or not there.
fn archive_command(spool: &Path) -> String {
    let spool = quoted(spool);
    format!("cp %p {spool}/%f.part && sync {spool}/%f.part && mv {spool}/%f.part {spool}/%f")
}

/// A path for a shell within one of the server's commands.
pub(super) fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', "'\\''").replace('%', "%%"))
}

/// Whether a server that did not start met the remains of an earlier one, which go by themselves.
fn names_remains(reason: &str) -> bool {
    ["already exists", "pre-existing shared memory block", "is another postmaster"]
        .iter()
        .any(|mark| reason.contains(mark))
}
