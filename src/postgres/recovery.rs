//! A cluster that is made of a backup: unpacked, and brought forward by the archived log up to a point.
//!
//! The server asks for files of the log one at a time, by name, in a directory that both sides can use; the console
//! lays them there as they are wanted. So a week of log takes the place of one file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::ClusterConfig;
use super::account::Account;
use super::binaries::Binaries;
use super::cluster::Cluster;
use super::error::{ClusterError, IoContext};
use super::layout::Layout;
use super::server::quoted;

/// Between two looks for what the server asks for.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// The first line of what a recovery adds to the server's settings.
const MARK: &str = "# Of a recovery, by the console: gone once it is over.";

/// How far to bring it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A restore point's name.
    Point(String),
    /// A time as PostgreSQL reads it: everything that was committed by then.
    Time(String),
}

/// Where a recovery takes its parts from.
pub struct Recovery<'a> {
    /// The major version that made it, as its `PG_VERSION` says.
    pub made_by: &'a str,
    pub target: Target,
    /// Writes the cluster's files, as a tar.
    pub unpack: &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    /// Writes a file of the log, by its name; false when there is none.
    pub fetch: &'a (dyn Fn(&str, &mut dyn Write) -> io::Result<bool> + Sync),
}

impl std::fmt::Debug for Recovery<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recovery").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Cluster {
    /// Makes a cluster of a backup and starts its server, once it stands at the target and takes writes.
    ///
    /// # Errors
    /// [`ClusterError::NotACluster`] when there is one already; else see [`ClusterError`].
    pub fn recover(config: &ClusterConfig, recovery: &mut Recovery<'_>) -> Result<Self, ClusterError> {
        let account = Account::detect()?;
        let layout = Layout::prepare(config, &account)?;
        let lock = layout.lock()?;
        let data = layout.data();
        if layout.made_by().is_some() {
            return Err(ClusterError::NotACluster(data));
        }
        let binaries = Binaries::find(&data, Some(recovery.made_by))?;
        let requests = layout.requests();
        for dir in [layout.unfinished_data(), requests.clone()] {
            match fs::remove_dir_all(&dir) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).or_cannot("remove", &dir);
                }
                _ => Layout::make_private(&dir, &account)?,
            }
        }
        Layout::make_private(&requests.join("wanted"), &account)?;
        if config.archives {
            Layout::make_private(&layout.spool(), &account)?;
        }
        unpack(&layout, &account, recovery)?;
        if let Err(error) = fs::remove_dir(&data)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error).or_cannot("replace", &data);
        }
        fs::rename(layout.unfinished_data(), &data).or_cannot("name", &data)?;
        layout.sync()?;

        let is_over = AtomicBool::new(false);
        let started = thread::scope(|scope| {
            let fetch = recovery.fetch;
            let hand_over = || {
                while !is_over.load(Ordering::Relaxed) {
                    if let Err(error) = serve_wanted(&requests, &account, fetch) {
                        tracing::error!("can't hand over the archived log: {error}");
                    }
                    thread::sleep(LOOK_EVERY);
                }
            };
            scope.spawn(hand_over);
            let started = Self::serve(config, &layout, binaries, account.clone(), lock);
            is_over.store(true, Ordering::Relaxed);
            started
        });
        let cluster = match started {
            Ok(cluster) => cluster,
            Err(error) => {
                // What stands now is neither here nor there: a start would take it for the whole.
                fs::remove_dir_all(&data).or_cannot("remove", &data)?;
                return Err(error);
            }
        };
        forget_recovery(&data.join("postgresql.auto.conf"))?;
        fs::remove_dir_all(&requests).or_cannot("remove", &requests)?;
        Ok(cluster)
    }
}

fn unpack(layout: &Layout, account: &Account, recovery: &mut Recovery<'_>) -> Result<(), ClusterError> {
    let unfinished = layout.unfinished_data();
    let mut tar = account
        .command("tar")
        .args(["-x", "-p", "-f", "-", "-C"])
        .arg(&unfinished)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .or_cannot("run tar for", &unfinished)?;
    let written = match tar.stdin.take() {
        Some(mut stdin) => (recovery.unpack)(&mut stdin),
        None => Err(io::Error::other("tar takes nothing")),
    };
    let ended = tar.wait_with_output().or_cannot("run tar for", &unfinished)?;
    if !ended.status.success() {
        let said = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
        return Err(written.err().unwrap_or_else(|| io::Error::other(said)))
            .or_cannot("unpack into", &unfinished);
    }
    written.or_cannot("unpack into", &unfinished)?;
    let settings = unfinished.join("postgresql.auto.conf");
    let (kind, value) = match &recovery.target {
        Target::Point(name) => ("name", name),
        Target::Time(time) => ("time", time),
    };
    let dir = quoted(&layout.requests());
    let command =
        format!("touch {dir}/wanted/%f; while [ -e {dir}/wanted/%f ]; do sleep 0.01; done; mv {dir}/%f %p");
    let quote = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let added = format!(
        "\n{MARK}\nrestore_command = {}\nrecovery_target_{kind} = {}\nrecovery_target_action = 'promote'\n\
         hot_standby = off\n",
        quote(&command),
        quote(value),
    );
    let mut file = OpenOptions::new().append(true).open(&settings).or_cannot("write", &settings)?;
    file.write_all(added.as_bytes()).or_cannot("write", &settings)?;
    let signal = unfinished.join("recovery.signal");
    File::create(&signal).or_cannot("write", &signal)?;
    account.give(&signal)
}

/// Lays down what the server asks for: the file itself, or nothing, which ends the wait as well.
fn serve_wanted(
    requests: &Path,
    account: &Account,
    fetch: &(dyn Fn(&str, &mut dyn Write) -> io::Result<bool> + Sync),
) -> io::Result<()> {
    for wanted in fs::read_dir(requests.join("wanted"))? {
        let wanted = wanted?;
        let name = wanted.file_name().to_string_lossy().into_owned();
        let part = requests.join(format!("{name}.part"));
        let mut file = File::create(&part)?;
        let found = fetch(&name, &mut file);
        drop(file);
        if matches!(found, Ok(true)) {
            account.give(&part).map_err(io::Error::other)?;
            fs::rename(&part, requests.join(&name))?;
        } else {
            fs::remove_file(&part)?;
        }
        fs::remove_file(wanted.path())?;
        found?;
    }
    Ok(())
}

/// Takes out of the server's settings what was for this recovery alone.
fn forget_recovery(settings: &Path) -> Result<(), ClusterError> {
    let text = fs::read_to_string(settings).or_cannot("read", settings)?;
    let kept = text.split(MARK).next().unwrap_or_default();
    fs::write(settings, kept).or_cannot("write", settings)
}
