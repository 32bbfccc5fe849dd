//! A new cluster: whole or not there, also when its making is cut short.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;

use super::Durability;
use super::account::Account;
use super::binaries::Binaries;
use super::cluster::SUPERUSER;
use super::error::{ClusterError, IoContext};
use super::layout::Layout;

/// Whoever reaches the socket is let in: its directory decides who does. There is no TCP.
const HOST_BASED_AUTHENTICATION: &str = "\
# Written by the console. Its socket lies in a directory that only its own user may enter.
local all all trust
local replication all trust
";

/// Makes the cluster when there is none. The caller holds the lock, so what is left of an earlier
/// attempt belongs to nobody.
pub(super) fn make_if_absent(
    layout: &Layout,
    binaries: &Binaries,
    account: &Account,
    durability: Durability,
) -> Result<(), ClusterError> {
    let unfinished = layout.unfinished_data();
    remove_all(&unfinished).or_cannot("remove", &unfinished)?;
    if layout.made_by().is_some() {
        return Ok(());
    }
    let data = layout.data();
    match fs::remove_dir(&data) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
            return Err(ClusterError::NotACluster(data));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).or_cannot("replace", &data);
        }
        _ => {}
    }
    DirBuilder::new().mode(0o700).create(&unfinished).or_cannot("make", &unfinished)?;
    account.give(&unfinished)?;
    if let Err(error) = initdb(layout, binaries, account, durability) {
        // Already failing: the next start removes it as well.
        let _ = remove_all(&unfinished);
        return Err(error);
    }
    fs::rename(&unfinished, &data).or_cannot("name", &data)?;
    layout.sync()
}

fn initdb(
    layout: &Layout,
    binaries: &Binaries,
    account: &Account,
    durability: Durability,
) -> Result<(), ClusterError> {
    let unfinished = layout.unfinished_data();
    let mut command = account.command(binaries.initdb());
    command.arg("-D").arg(&unfinished).args(["-U", SUPERUSER, "-A", "trust"]).args([
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        // The same order, compared faster.
        "--lc-collate=C",
        "--data-checksums",
        "--no-instructions",
    ]);
    if durability == Durability::Throwaway {
        command.arg("--no-sync");
    }
    let made = command.output().or_cannot("run", &binaries.initdb())?;
    if !made.status.success() {
        let reason = last_complaint(&String::from_utf8_lossy(&made.stderr))
            .unwrap_or_else(|| format!("initdb ended with {}", made.status));
        return Err(ClusterError::Initdb { data: layout.data(), reason });
    }
    let hba = unfinished.join("pg_hba.conf");
    fs::write(&hba, HOST_BASED_AUTHENTICATION).or_cannot("write", &hba)
}

/// The line of a PostgreSQL program's output that says what went wrong: the last that is an error,
/// else the last at all.
pub(super) fn last_complaint(output: &str) -> Option<String> {
    let lines = || output.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_error = |line: &&str| ["FATAL:", "PANIC:", "error:"].iter().any(|mark| line.contains(mark));
    lines().rfind(is_error).or_else(|| lines().next_back()).map(str::to_owned)
}

fn remove_all(path: &std::path::Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::last_complaint;

    #[test]
    fn the_complaint_is_the_last_error_and_not_the_hint_after_it() {
        let output = "starting\n12:00 FATAL:  data directory has wrong ownership\nHINT:  change it\n\n";
        assert_eq!(
            last_complaint(output).as_deref(),
            Some("12:00 FATAL:  data directory has wrong ownership")
        );
        assert_eq!(last_complaint("no such file\n").as_deref(), Some("no such file"));
        assert_eq!(last_complaint("\n"), None);
    }
}
