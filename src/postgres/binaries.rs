//! Which PostgreSQL server to run.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::ClusterError;

/// Oldest major version with `security_invoker` views, which the schema needs.
pub(super) const MINIMUM_MAJOR: u32 = 15;

/// Where Debian keeps server programs, one directory a major version.
const DEBIAN_VERSIONS: &str = "/usr/lib/postgresql";

/// A directory that holds both `initdb` and `postgres`, of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    dir: PathBuf,
    major: u32,
}

impl Binaries {
    /// The server programs for a new cluster, or for one that `made_by` (the text of its
    /// `PG_VERSION`) made: programs of another major version can't open it.
    pub(super) fn find(data: &Path, made_by: Option<&str>) -> Result<Self, ClusterError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let installed: Vec<Self> =
            directories(&path, Path::new(DEBIAN_VERSIONS)).into_iter().filter_map(Self::probe).collect();
        choose(installed, data, made_by)
    }

    /// Asks the server in `dir` for its version; `None` when it does not run.
    fn probe(dir: PathBuf) -> Option<Self> {
        let answer = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
        let major = major_of(&String::from_utf8_lossy(&answer.stdout))?;
        Some(Self { dir, major })
    }

    /// The program that makes a cluster.
    pub(super) fn initdb(&self) -> PathBuf {
        self.dir.join("initdb")
    }

    /// Another program of that version.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Whether the server can load this library.
    pub(super) fn has_library(&self, name: &str) -> bool {
        let file = format!("{name}.so");
        ["../lib", "../lib/postgresql"].iter().any(|place| self.dir.join(place).join(&file).is_file())
    }

    /// The server.
    pub(super) fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }
}

/// The first that fits: `PATH` is what the user prefers, then newest first.
fn choose(installed: Vec<Binaries>, data: &Path, made_by: Option<&str>) -> Result<Binaries, ClusterError> {
    let newest = installed.iter().map(|found| found.major).max().ok_or(ClusterError::NoBinaries)?;
    if let Some(made_by) = made_by {
        let majors: BTreeSet<String> = installed.iter().map(|found| found.major.to_string()).collect();
        return installed.into_iter().find(|found| found.major.to_string() == made_by).ok_or_else(|| {
            ClusterError::OtherVersion {
                data: data.to_owned(),
                made_by: made_by.to_owned(),
                found: majors.into_iter().collect::<Vec<_>>().join(", "),
            }
        });
    }
    installed
        .into_iter()
        .find(|found| found.major >= MINIMUM_MAJOR)
        .ok_or(ClusterError::TooOld { found: newest })
}

/// Directories with both programs: those of `PATH` with links resolved (a link to `initdb` alone
/// is common, and PostgreSQL finds its other files from its real place), then Debian's, newest first.
fn directories(path: &OsStr, versions: &Path) -> Vec<PathBuf> {
    let from_path = std::env::split_paths(path).filter_map(|entry| {
        let program = ["initdb", "postgres"].iter().find_map(|name| entry.join(name).canonicalize().ok())?;
        program.parent().map(Path::to_owned)
    });
    let mut numbered: Vec<(u32, PathBuf)> = fs::read_dir(versions)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .collect();
    numbered.sort_by_key(|(major, _)| std::cmp::Reverse(*major));

    let mut seen = BTreeSet::new();
    from_path
        .chain(numbered.into_iter().map(|(_, dir)| dir))
        .filter(|dir| dir.join("initdb").is_file() && dir.join("postgres").is_file())
        .filter(|dir| seen.insert(dir.clone()))
        .collect()
}

/// The major version in the answer of `postgres --version`.
fn major_of(answer: &str) -> Option<u32> {
    let version = answer.split_once("(PostgreSQL) ")?.1;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(majors: &[u32]) -> Vec<Binaries> {
        majors.iter().map(|&major| Binaries { dir: format!("/pg/{major}").into(), major }).collect()
    }

    fn directory_with(parent: &Path, name: &str, programs: &[&str]) -> PathBuf {
        let dir = parent.join(name);
        fs::create_dir_all(&dir).unwrap();
        for program in programs {
            fs::write(dir.join(program), "").unwrap();
        }
        dir.canonicalize().unwrap()
    }

    #[test]
    fn the_major_version_is_read_from_releases_and_betas() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(major_of("something else 15.18"), None);
    }

    #[test]
    fn an_existing_cluster_gets_the_version_that_made_it() {
        let found = choose(installed(&[17, 15]), Path::new("/data"), Some("15")).unwrap();
        assert_eq!(found.major, 15);
    }

    #[test]
    fn a_cluster_of_a_version_that_is_missing_names_the_package_to_install() {
        let message = choose(installed(&[17, 15]), Path::new("/data"), Some("16")).unwrap_err().to_string();
        assert!(message.contains("install postgresql-16") && message.contains("15, 17"), "{message}");
    }

    #[test]
    fn no_server_at_all_names_the_install_command_and_the_alternative() {
        let message = choose(Vec::new(), Path::new("/data"), None).unwrap_err().to_string();
        assert!(message.contains("apt-get install postgresql"), "{message}");
        assert!(message.contains("DATABASE_URL"), "{message}");
        assert_eq!(message.lines().count(), 1);
    }

    #[test]
    fn a_server_that_is_too_old_is_passed_over_and_then_named() {
        assert_eq!(choose(installed(&[13, 16]), Path::new("/data"), None).unwrap().major, 16);
        let message = choose(installed(&[13]), Path::new("/data"), None).unwrap_err().to_string();
        assert!(message.contains("PostgreSQL 13 is too old"), "{message}");
    }

    #[test]
    fn path_comes_first_with_links_resolved_then_versions_newest_first() {
        let here = std::env::temp_dir().join(format!("pilothouse-binaries-{}", std::process::id()));
        let both = ["initdb", "postgres"];
        let real = directory_with(&here, "real", &both);
        let linked = directory_with(&here, "linked", &[]);
        std::os::unix::fs::symlink(real.join("initdb"), linked.join("initdb")).unwrap();
        let half = directory_with(&here, "half", &["initdb"]);
        let versions = here.join("versions");
        let nine = directory_with(&versions, "9/bin", &both);
        let sixteen = directory_with(&versions, "16/bin", &both);
        directory_with(&versions, "17/bin", &["postgres"]);

        let path = std::env::join_paths([half, linked, real.clone()]).unwrap();
        let found = directories(&path, &versions.canonicalize().unwrap());

        fs::remove_dir_all(&here).unwrap();
        assert_eq!(found, [real, sixteen, nine]);
    }
}
