//! Processes of the server: which one runs, and ending one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

/// Between two looks at a file or a process.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How to end a server, and how long it may take: first its sessions end and it writes a checkpoint,
/// then it drops everything and the next start recovers.
const KINDLY_THEN_NOT: [(&str, Duration); 2] =
    [("INT", Duration::from_secs(20)), ("QUIT", Duration::from_secs(5))];

/// What a running server writes down about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PidFile {
    /// The postmaster.
    pub(super) pid: u32,
    pub(super) socket_dir: PathBuf,
    /// Whether it takes connections.
    pub(super) ready: bool,
}

impl PidFile {
    /// Reads the pid file of the server on `data`. One of a killed server is read as well.
    pub(super) fn read(data: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(data.join("postmaster.pid")).ok()?)
    }

    /// Lines: pid, data directory, start time, port, socket directory, TCP address, memory key, status.
    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Some(Self {
            pid: lines.first()?.parse().ok()?,
            socket_dir: lines.get(4).copied().unwrap_or_default().into(),
            ready: lines.get(7) == Some(&"ready"),
        })
    }

    /// Whether its process lives and is the server on `data` (and not one that got the number later).
    pub(super) fn is_alive(&self, data: &Path) -> bool {
        serves(self.pid, data)
    }
}

/// Whether a process is a server on this data directory: a server's working directory is its data.
fn serves(pid: u32, data: &Path) -> bool {
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == data)
}

/// Ends sessions and writes a checkpoint; failing that, drops everything; failing that, kills.
pub(super) fn stop_child(child: &mut Child) {
    for (name, within) in KINDLY_THEN_NOT {
        // Not waited for yet, so its number can't have become another process's.
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        signal(child.id(), name);
        if wait_until(within, || !matches!(child.try_wait(), Ok(None))) {
            return;
        }
        tracing::warn!("the embedded database did not end within {} seconds", within.as_secs());
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Ends a server that is not this process's child.
pub(super) fn stop_other(server: &PidFile, data: &Path) {
    for (name, within) in KINDLY_THEN_NOT {
        signal(server.pid, name);
        if wait_until(within, || !server.is_alive(data)) {
            return;
        }
    }
}

/// Sends a signal. The shell's own `kill` is there even where no package brings one.
fn signal(pid: u32, name: &str) {
    let sent = Command::new("sh").args(["-c", r#"kill -s "$1" "$2""#, "sh", name, &pid.to_string()]).status();
    if !sent.is_ok_and(|status| status.success()) {
        tracing::warn!("can't send {name} to the embedded database (process {pid})");
    }
}

/// Whether `holds` became true within the time.
pub(super) fn wait_until(within: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let give_up = Instant::now() + within;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() >= give_up {
            return false;
        }
        thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_is_ready_only_when_it_says_so() {
        let starting = "4711\n/d/data\n1700000000\n5432\n/d/socket\n\n  123 456\nstarting\n";
        let file = PidFile { pid: 4711, socket_dir: "/d/socket".into(), ready: false };
        assert_eq!(PidFile::parse(starting), Some(file.clone()));
        let ready = starting.replace("starting", "ready   ");
        assert_eq!(PidFile::parse(&ready), Some(PidFile { ready: true, ..file }));
    }

    #[test]
    fn a_pid_file_that_is_only_begun_is_not_ready() {
        assert_eq!(PidFile::parse(""), None);
        assert_eq!(PidFile::parse("4711\n/d/data\n").map(|file| file.ready), Some(false));
    }
}
