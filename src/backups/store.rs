//! The directory of backups.
//!
//! ```text
//! <backups>/20261127T210000Z/      one backup; `….part` while it is written
//!     backup.json  backup.mac      what it is, and the proof that nobody changed that
//!     base.sealed                  the cluster, without its log (or `dump.sealed`)
//!     secret.sealed                the console's own key, without which sealed secrets stay shut
//! <backups>/wal/<system id>/       the log of one cluster, a file each; times of change are times of archiving
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::sealed::{self, Stored};
use super::tables::TableSum;
use super::{At, BackupError, Vault};
use crate::runtime::hex;

/// How a backup's name is made of its time.
const NAME: &str = "%Y%m%dT%H%M%SZ";
const MANIFEST: &str = "backup.json";
const SIGNATURE: &str = "backup.mac";

/// What a backup is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub name: String,
    pub kind: Kind,
    /// The instance that it is of.
    pub instance: String,
    /// The version of the console.
    pub version: String,
    /// The major version of PostgreSQL.
    pub made_by: String,
    /// Which cluster's log it goes with.
    pub system_id: String,
    /// The first and the last file of the log that it needs.
    pub wal_start: String,
    pub wal_end: String,
    /// The restore point that it was compared at, and when that was.
    pub point: String,
    pub point_at: DateTime<Utc>,
    pub files: BTreeMap<String, Stored>,
    /// What each table held there.
    pub tables: BTreeMap<String, TableSum>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A cluster, with its log beside it.
    Base,
    /// Of a server of somebody's: what stood at one moment.
    Dump,
}

impl Kind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Dump => "dump",
        }
    }
}

impl Manifest {
    /// How much place it takes, without the log.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.bytes).sum()
    }
}

impl Vault {
    pub(super) fn of_name(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn wal(&self, system_id: &str) -> PathBuf {
        self.dir.join("wal").join(system_id)
    }

    pub(super) fn key(&self) -> &crate::secret::Secret {
        &self.key
    }

    /// The names of all backups, the newest last. What is being written is none.
    pub fn names(&self) -> Result<Vec<String>, BackupError> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.at(&self.dir)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.at(&self.dir)?.file_name().to_string_lossy().into_owned();
            if time_of(&name).is_some() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// What the backup `name` is.
    pub fn manifest(&self, name: &str) -> Result<Manifest, BackupError> {
        let unknown = || BackupError::Unknown(name.to_owned());
        time_of(name).ok_or_else(unknown)?;
        let dir = self.of_name(name);
        if !dir.is_dir() {
            return Err(unknown());
        }
        let damaged = || BackupError::Damaged(format!("the backup {name}"));
        let text = fs::read(dir.join(MANIFEST)).map_err(|_| damaged())?;
        let signature = fs::read_to_string(dir.join(SIGNATURE)).map_err(|_| damaged())?;
        let right = sealed::signature(&text, self.key()).at(&dir)?;
        if signature.trim() != right {
            return Err(damaged());
        }
        serde_json::from_slice(&text).map_err(|_| damaged())
    }

    pub(super) fn write_manifest(&self, dir: &Path, manifest: &Manifest) -> Result<(), BackupError> {
        let text =
            serde_json::to_vec_pretty(manifest).map_err(|error| BackupError::Failed(error.to_string()))?;
        let signature = sealed::signature(&text, self.key()).at(dir)?;
        for (name, bytes) in [(MANIFEST, &text[..]), (SIGNATURE, signature.as_bytes())] {
            let path = dir.join(name);
            fs::write(&path, bytes).and_then(|()| File::open(&path)?.sync_all()).at(&path)?;
        }
        Ok(())
    }

    /// Seals all of `from` into the file `name` of `dir`, down to the disk.
    pub(super) fn seal(&self, dir: &Path, name: &str, from: &mut dyn Read) -> Result<Stored, BackupError> {
        let path = dir.join(name);
        let part = dir.join(format!("{name}.part"));
        let (file, stored) =
            File::create(&part).and_then(|file| sealed::seal(from, file, self.key())).at(&part)?;
        file.sync_all().and_then(|()| fs::rename(&part, &path)).and_then(|()| sync(dir)).at(&path)?;
        Ok(stored)
    }

    /// Opens a sealed file into `to`.
    pub(super) fn open(&self, path: &Path, to: &mut dyn io::Write) -> Result<u64, BackupError> {
        let file = File::open(path).at(path)?;
        sealed::open(io::BufReader::with_capacity(1 << 16, file), to, self.key()).map_err(|error| {
            if error.kind() == io::ErrorKind::InvalidData || error.kind() == io::ErrorKind::UnexpectedEof {
                BackupError::Damaged(path.display().to_string())
            } else {
                BackupError::Io { path: path.to_owned(), source: error }
            }
        })
    }

    /// Whether everything that the backup `name` needs is there and as it was written: sums, seals, and each file of
    /// the log.
    pub fn verify(&self, name: &str) -> Result<Manifest, BackupError> {
        let manifest = self.manifest(name)?;
        for (file, stored) in &manifest.files {
            let path = self.of_name(name).join(file);
            if digest_of(&path)? != stored.sha256 {
                return Err(BackupError::Damaged(path.display().to_string()));
            }
            self.open(&path, &mut io::sink())?;
        }
        if manifest.kind == Kind::Base {
            let wal = self.wal(&manifest.system_id);
            for segment in segments(&manifest.wal_start, &manifest.wal_end) {
                let path = wal.join(format!("{segment}.sealed"));
                if !path.exists() {
                    return Err(BackupError::Failed(format!(
                        "the archive lacks {segment}, which {name} needs"
                    )));
                }
                self.open(&path, &mut io::sink())?;
            }
        }
        Ok(manifest)
    }

    /// Deletes what the rule does not keep: the newest of each of 7 days, 4 weeks and 12 months, and the log since the
    /// oldest of those days. Answers the names that went.
    pub fn prune(&self) -> Result<Vec<String>, BackupError> {
        let names = self.names()?;
        let kept = kept(&names);
        let gone: Vec<String> = names.iter().filter(|name| !kept.contains(*name)).cloned().collect();
        for name in &gone {
            // Under another name first: half a backup is none.
            let (dir, going) = (self.of_name(name), self.dir.join(format!("{name}.gone")));
            fs::rename(&dir, &going).and_then(|()| fs::remove_dir_all(&going)).at(&dir)?;
        }
        self.prune_log(&kept)?;
        Ok(gone)
    }

    fn prune_log(&self, kept: &BTreeSet<String>) -> Result<(), BackupError> {
        /// From where on a cluster's log is needed whole, and the pieces of it before.
        type Needed = (Option<String>, Vec<(String, String)>);

        let days = newest_of(kept.iter(), 7, |at| (at.year(), at.ordinal()));
        let mut needed: BTreeMap<String, Needed> = BTreeMap::new();
        for name in kept {
            // What can't be read may need anything.
            let manifest = self.manifest(name)?;
            if manifest.kind == Kind::Dump {
                continue;
            }
            let (since, ranges) = needed.entry(manifest.system_id.clone()).or_default();
            let start = place(&manifest.wal_start).to_owned();
            if days.contains(name) && since.as_ref().is_none_or(|since| start < *since) {
                *since = Some(start.clone());
            }
            ranges.push((start, place(&manifest.wal_end).to_owned()));
        }
        for (system_id, (since, ranges)) in needed {
            let dir = self.wal(&system_id);
            let Ok(entries) = fs::read_dir(&dir) else { continue };
            for entry in entries {
                let entry = entry.at(&dir)?;
                let file = entry.file_name().to_string_lossy().into_owned();
                let Some(segment) = file.strip_suffix(".sealed").filter(|name| is_segment(name)) else {
                    continue;
                };
                let at = place(segment);
                let is_needed = since.as_ref().is_some_and(|since| at >= since.as_str())
                    || ranges.iter().any(|(from, to)| at >= from.as_str() && at <= to.as_str());
                if !is_needed {
                    fs::remove_file(entry.path()).at(&dir)?;
                }
            }
        }
        Ok(())
    }
}

/// The name of a backup that begins at `at`.
#[must_use]
pub fn name_at(at: DateTime<Utc>) -> String {
    at.format(NAME).to_string()
}

fn time_of(name: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(name, NAME).ok()
}

fn kept(names: &[String]) -> BTreeSet<String> {
    let mut kept = newest_of(names.iter(), 7, |at| (at.year(), at.ordinal()));
    kept.extend(newest_of(names.iter(), 4, |at| (at.iso_week().year(), at.iso_week().week())));
    kept.extend(newest_of(names.iter(), 12, |at| (at.year(), at.month())));
    kept
}

/// The newest of each of the newest `most` spans of time.
fn newest_of<'a, K: Ord>(
    names: impl DoubleEndedIterator<Item = &'a String>,
    most: usize,
    span: impl Fn(NaiveDateTime) -> K,
) -> BTreeSet<String> {
    let mut spans = BTreeSet::new();
    let mut kept = BTreeSet::new();
    for name in names.rev() {
        let Some(at) = time_of(name) else { continue };
        if spans.insert(span(at)) {
            if spans.len() > most {
                break;
            }
            kept.insert(name.clone());
        }
    }
    kept
}

pub(super) fn is_segment(name: &str) -> bool {
    name.len() == 24 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Where a file of the log stands, whatever its timeline.
fn place(segment: &str) -> &str {
    segment.get(8..).unwrap_or_default()
}

/// The files of the log from one to another, in 16 MB each.
fn segments(first: &str, last: &str) -> Vec<String> {
    let number = |segment: &str| {
        let (log, part) = place(segment).split_at_checked(8)?;
        Some(u64::from_str_radix(log, 16).ok()? * 256 + u64::from_str_radix(part, 16).ok()?)
    };
    let (Some(from), Some(to)) = (number(first), number(last)) else { return Vec::new() };
    let timeline = last.get(..8).unwrap_or_default();
    (from..=to).map(|n| format!("{timeline}{:08X}{:08X}", n / 256, n % 256)).collect()
}

fn digest_of(path: &Path) -> Result<String, BackupError> {
    let mut file = File::open(path).at(path)?;
    let mut digest = Sha256::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        match file.read(&mut chunk).at(path)? {
            0 => return Ok(hex(&digest.finalize())),
            read => digest.update(&chunk[..read]),
        }
    }
}

/// Makes names in `dir` last.
pub(super) fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_days_four_weeks_and_twelve_months_are_kept() {
        let day = |n: u32| {
            DateTime::UNIX_EPOCH + chrono::TimeDelta::days(i64::from(n)) + chrono::TimeDelta::hours(3)
        };
        let mut names: Vec<String> = (0..800).map(|n| name_at(day(n))).collect();
        // A second one of the last day, later: it is the day's.
        names.push(name_at(day(799) + chrono::TimeDelta::hours(1)));
        let kept = kept(&names);
        assert!(kept.contains(&names[800]) && !kept.contains(&names[799]), "{kept:?}");
        assert!((793..=798).all(|n| kept.contains(&names[n])), "{kept:?}");
        assert!((18..=23).contains(&kept.len()), "{}", kept.len());
        let oldest = kept.first().unwrap();
        assert!(*oldest > name_at(day(800 - 366)) && *oldest < name_at(day(800 - 300)), "{oldest}");
        assert_eq!(super::kept(&names[..1]).len(), 1);
    }

    #[test]
    fn the_files_of_the_log_are_named_from_one_to_another() {
        let all = segments("0000000100000001000000FE", "000000010000000200000001");
        let places: Vec<&str> = all.iter().map(|segment| place(segment)).collect();
        assert_eq!(places, ["00000001000000FE", "00000001000000FF", "0000000200000000", "0000000200000001"]);
    }
}
