//! As which user the server runs, and how it is made to end with the console.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::{ClusterError, IoContext};

/// PostgreSQL refuses to run as root; as root the server gets this account, which its packages make.
pub(super) const SERVER_USER: &str = "postgres";

/// Whom the server runs as.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// The console's own user id.
    console_uid: u32,
    /// User and group id of [`SERVER_USER`] when the console is root, else `None`: the console's own.
    switch_to: Option<(u32, u32)>,
    /// Whether `setpriv` is there and may do what is asked of it.
    setpriv: bool,
}

impl Account {
    /// Looks up who the console is and whom the server will be.
    pub(super) fn detect() -> Result<Self, ClusterError> {
        let console_uid = id(&["-u"]).or_cannot("run", Path::new("id"))?;
        let switch_to = if console_uid == 0 {
            let ids = id(&["-u", SERVER_USER]).and_then(|uid| Ok((uid, id(&["-g", SERVER_USER])?)));
            Some(ids.map_err(|_| ClusterError::NoServerUser { user: SERVER_USER })?)
        } else {
            None
        };
        let mut account = Self { console_uid, switch_to, setpriv: true };
        account.setpriv = account.command("true").stderr(Stdio::null()).status().is_ok_and(|s| s.success());
        if !account.setpriv {
            tracing::warn!(
                "setpriv (util-linux) does not work here: \
                 when the console is killed, its database keeps running until the next start"
            );
        }
        Ok(account)
    }

    /// User id of the server's processes.
    pub(super) fn server_uid(&self) -> u32 {
        self.switch_to.map_or(self.console_uid, |(uid, _)| uid)
    }

    /// Whether the server's user is another than the console's.
    pub(super) fn is_another(&self) -> bool {
        self.switch_to.is_some()
    }

    /// Whether something of this owner may be trusted by the console.
    pub(super) fn trusts(&self, owner: u32) -> bool {
        owner == self.console_uid || owner == self.server_uid()
    }

    /// A command that runs as the server's user with a clean environment, and that is interrupted
    /// when the **thread** that spawns it ends, however it ends.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = if self.setpriv {
            let mut setpriv = Command::new("setpriv");
            if let Some((uid, gid)) = self.switch_to {
                // The change of user comes before the death signal, which it would clear.
                setpriv.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}")).arg("--init-groups");
            }
            setpriv.args(["--pdeathsig=INT", "--"]).arg(program);
            setpriv
        } else {
            let mut plain = Command::new(program);
            if let Some((uid, gid)) = self.switch_to {
                plain.uid(uid).gid(gid);
            }
            plain
        };
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C.UTF-8")
            .current_dir("/")
            .stdin(Stdio::null())
            // Ctrl-C in a terminal goes to a whole process group; the console ends its requests first.
            .process_group(0);
        command
    }

    /// Gives a file or directory to the server's user.
    pub(super) fn give(&self, path: &Path) -> Result<(), ClusterError> {
        match self.switch_to {
            Some((uid, gid)) => chown(path, Some(uid), Some(gid)).or_cannot("change the owner of", path),
            None => Ok(()),
        }
    }

    /// Whether the server's user gets into a directory, through all its parents.
    pub(super) fn can_enter(&self, dir: &Path) -> Result<bool, ClusterError> {
        let entered = self
            .command("sh")
            .args(["-c", r#"cd -- "$1""#, "sh"])
            .arg(dir)
            .stderr(Stdio::null())
            .status()
            .or_cannot("run a shell to enter", dir)?;
        Ok(entered.success())
    }
}

/// The number that `id` answers.
fn id(arguments: &[&str]) -> io::Result<u32> {
    let answer = Command::new("id").args(arguments).stderr(Stdio::null()).output()?;
    String::from_utf8_lossy(&answer.stdout).trim().parse().map_err(io::Error::other)
}
