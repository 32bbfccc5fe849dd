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
pub(super) const MANIFEST: &str = "backup.json";
/// Written last: what has none is no backup.
pub(super) const SIGNATURE: &str = "backup.mac";
/// Many times what one has.
const LARGEST_MANIFEST: u64 = 16 << 20;

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

    /// The files of the log that it can't be restored without.
    pub(super) fn log(&self) -> Vec<String> {
        if self.kind == Kind::Dump {
            return Vec::new();
        }
        let dir = log_of(&self.system_id);
        segments(&self.wal_start, &self.wal_end)
            .into_iter()
            .map(|segment| format!("{dir}/{segment}.sealed"))
            .collect()
    }
}

impl Vault {
    pub(super) fn of_name(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn wal(&self, system_id: &str) -> PathBuf {
        self.dir.join(log_of(system_id))
    }

    /// The names of all backups, the newest last. What is being written is none.
    pub fn names(&self) -> Result<Vec<String>, BackupError> {
        let mut names = self.shelf.names()?;
        names.sort_unstable();
        Ok(names)
    }

    /// The newest backup. One whose name is of a time to come was made while the clock was ahead, and counts only where
    /// there is no other.
    pub fn newest(&self, now: DateTime<Utc>) -> Result<Option<String>, BackupError> {
        let (names, now) = (self.names()?, name_at(now));
        Ok(names.iter().rev().find(|name| **name <= now).or(names.last()).cloned())
    }

    /// What the backup `name` is.
    pub fn manifest(&self, name: &str) -> Result<Manifest, BackupError> {
        time_of(name).ok_or_else(|| BackupError::Unknown(name.to_owned()))?;
        let damaged = || BackupError::Damaged(format!("the backup {name}"));
        let read = |file: &str| {
            let mut bytes = Vec::new();
            let path = format!("{name}/{file}");
            let Some(from) = self.shelf.read(&path)? else { return Ok(None) };
            from.take(LARGEST_MANIFEST).read_to_end(&mut bytes).at(Path::new(&path))?;
            Ok::<_, BackupError>(Some(bytes))
        };
        let Some(text) = read(MANIFEST)? else {
            let is_there = self.names()?.iter().any(|there| there == name);
            return Err(if is_there { damaged() } else { BackupError::Unknown(name.to_owned()) });
        };
        let signature = read(SIGNATURE)?.ok_or_else(damaged)?;
        let right = sealed::signature(&text, &self.key).at(Path::new(name))?;
        if signature.trim_ascii() != right.as_bytes() {
            return Err(damaged());
        }
        serde_json::from_slice(&text).map_err(|_| damaged())
    }

    pub(super) fn write_manifest(&self, dir: &Path, manifest: &Manifest) -> Result<(), BackupError> {
        let text =
            serde_json::to_vec_pretty(manifest).map_err(|error| BackupError::Failed(error.to_string()))?;
        let signature = sealed::signature(&text, &self.key).at(dir)?;
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
            File::create(&part).and_then(|file| sealed::seal(from, file, &self.key)).at(&part)?;
        file.sync_all().and_then(|()| fs::rename(&part, &path)).and_then(|()| sync(dir)).at(&path)?;
        Ok(stored)
    }

    /// Opens a sealed file into `to`; false where there is none.
    pub(super) fn open(&self, path: &str, to: &mut dyn io::Write) -> Result<bool, BackupError> {
        Ok(self.open_summed(path, to)?.is_some())
    }

    /// Opens a sealed file that has to be there into `to`.
    pub(super) fn open_whole(&self, path: &str, to: &mut dyn io::Write) -> Result<(), BackupError> {
        if self.open(path, to)? { Ok(()) } else { Err(BackupError::Damaged(path.to_owned())) }
    }

    /// Opens it, and answers the SHA-256 of the file as it lies.
    fn open_summed(&self, path: &str, to: &mut dyn io::Write) -> Result<Option<String>, BackupError> {
        let Some(from) = self.shelf.read(path)? else { return Ok(None) };
        let mut from = Summed { from, digest: Sha256::new() };
        sealed::open(&mut from, to, &self.key).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                BackupError::Damaged(path.to_owned())
            }
            _ => BackupError::Io { path: PathBuf::from(path), source: error },
        })?;
        Ok(Some(hex(&from.digest.finalize())))
    }

    /// Whether everything that the backup `name` needs is there and as it was written: sums, seals, and each file of
    /// the log.
    pub fn verify(&self, name: &str) -> Result<Manifest, BackupError> {
        let manifest = self.manifest(name)?;
        for (file, stored) in &manifest.files {
            let path = format!("{name}/{file}");
            if self.open_summed(&path, &mut io::sink())? != Some(stored.sha256.clone()) {
                return Err(BackupError::Damaged(path));
            }
        }
        for path in manifest.log() {
            if !self.open(&path, &mut io::sink())? {
                return Err(BackupError::Failed(format!("the archive lacks {path}, which {name} needs")));
            }
        }
        Ok(manifest)
    }

    /// Deletes what the rule does not keep: the newest of each of 7 days, 4 weeks and 12 months, and the log since the
    /// oldest of those days; never what is `spared`, whatever clocks say. Answers the names that went.
    pub fn prune(&self, spared: &[String]) -> Result<Vec<String>, BackupError> {
        let names = self.names()?;
        let mut kept = kept(&names);
        kept.extend(names.iter().filter(|name| spared.contains(name)).cloned());
        let gone: Vec<String> = names.iter().filter(|name| !kept.contains(*name)).cloned().collect();
        for name in &gone {
            self.shelf.remove_backup(name)?;
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
            let dir = log_of(&system_id);
            for file in self.shelf.files(&dir)? {
                let Some(segment) = file.strip_suffix(".sealed").filter(|name| is_segment(name)) else {
                    continue;
                };
                let at = place(segment);
                let is_needed = since.as_ref().is_some_and(|since| at >= since.as_str())
                    || ranges.iter().any(|(from, to)| at >= from.as_str() && at <= to.as_str());
                if !is_needed {
                    self.shelf.remove(&format!("{dir}/{file}"))?;
                }
            }
        }
        Ok(())
    }
}

/// What is read, and its sum.
struct Summed<R> {
    from: R,
    digest: Sha256,
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.digest.update(&into[..read]);
        Ok(read)
    }
}

/// The directory of a cluster's log.
pub(super) fn log_of(system_id: &str) -> String {
    format!("wal/{system_id}")
}

/// The name of a backup that begins at `at`.
#[must_use]
pub fn name_at(at: DateTime<Utc>) -> String {
    at.format(NAME).to_string()
}

pub(super) fn time_of(name: &str) -> Option<NaiveDateTime> {
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

    /// A vault with dumps of these names, and nothing in them.
    fn vault_with(names: &[&str]) -> Vault {
        let dir =
            std::env::temp_dir().join(format!("pilothouse-vault-{}", &crate::runtime::Entropy.secret()[..8]));
        let vault = Vault::new(dir, crate::secret::Secret::new("a key that is long enough for tests"));
        for name in names {
            let manifest = Manifest {
                name: (*name).to_owned(),
                kind: Kind::Dump,
                instance: String::new(),
                version: String::new(),
                made_by: String::new(),
                system_id: String::new(),
                wal_start: String::new(),
                wal_end: String::new(),
                point: String::new(),
                point_at: DateTime::UNIX_EPOCH,
                files: BTreeMap::new(),
                tables: BTreeMap::new(),
            };
            fs::create_dir_all(vault.of_name(name)).unwrap();
            vault.write_manifest(&vault.of_name(name), &manifest).unwrap();
        }
        vault
    }

    #[test]
    fn a_clock_that_was_ahead_or_is_behind_hides_no_backup_and_deletes_none_that_was_just_made() {
        let (early, late, ahead) = ("20260103T010000Z", "20260103T020000Z", "29990101T000000Z");
        let vault = vault_with(&[early, late, ahead]);
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        assert_eq!(vault.newest(at("2026-02-01T00:00:00Z")).unwrap().as_deref(), Some(late));
        assert_eq!(vault.newest(at("2025-02-01T00:00:00Z")).unwrap().as_deref(), Some(ahead));
        // The clock was put back an hour, and the day has a later one.
        assert_eq!(vault.prune(&[early.to_owned()]).unwrap(), Vec::<String>::new());
        assert_eq!(vault.prune(&[]).unwrap(), [early]);
        fs::remove_dir_all(&vault.dir).unwrap();
    }

    #[test]
    fn the_files_of_the_log_are_named_from_one_to_another() {
        let all = segments("0000000100000001000000FE", "000000010000000200000001");
        let places: Vec<&str> = all.iter().map(|segment| place(segment)).collect();
        assert_eq!(places, ["00000001000000FE", "00000001000000FF", "0000000200000000", "0000000200000001"]);
    }
}
