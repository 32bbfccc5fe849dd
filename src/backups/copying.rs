//! Bringing to a bucket what it lacks: everything that a restore from the bucket alone needs, under the names that it
//! has here.
//!
//! What is there is asked each time, so nothing has to be remembered but an upload in parts that was interrupted. A
//! backup's signature goes up last, and without it it is none.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use super::bucket::{Bucket, Upload};
use super::copies::Copy;
use super::shelf::{Directory, Shelf};
use super::store::{MANIFEST, Manifest, SIGNATURE, log_of};
use super::{At, BackupError, Vault};

/// How often the newest copy is read back.
const READ_BACK_EVERY: TimeDelta = TimeDelta::days(7);

/// What happens on the way, to be put on record at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<'a> {
    Copying(&'a str),
    /// How far an upload in parts is, if one goes on.
    Upload(&'a str, Option<&'a str>),
    Copied(&'a str),
    /// Read back under its seals.
    Verified(&'a str),
    Failed(&'a str, String),
    Gone(&'a str),
    /// The bucket has the log up to what was archived then.
    Log(DateTime<Utc>),
}

/// One run.
pub struct Copying<'a> {
    pub vault: &'a Vault,
    pub bucket: &'a Bucket,
    /// What is known of its copies.
    pub known: &'a [Copy],
    pub now: DateTime<Utc>,
    pub is_to_stop: &'a dyn Fn() -> bool,
    pub tell: &'a mut dyn FnMut(Told<'_>) -> Result<(), BackupError>,
}

impl std::fmt::Debug for Copying<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Copying").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

/// Paths of the bucket and how long its files are.
type There = BTreeMap<String, u64>;

impl<'a> Copying<'a> {
    /// False when it was to stop before the bucket had everything.
    ///
    /// # Errors
    /// The first that went wrong. One backup that can't be copied keeps no other from it; a bucket that does not answer
    /// does.
    pub fn run(&mut self) -> Result<bool, BackupError> {
        let fingerprint = self.vault.fingerprint();
        if !self.bucket.is_of(&fingerprint)? {
            self.bucket.claim(&fingerprint)?;
        }
        // Whatever else lies there is nobody's business here.
        let mut there = self.bucket.list("2")?;
        there.extend(self.bucket.list("wal/")?);
        let names = self.vault.names()?;
        let mut trouble = None;
        let mut has_new = false;
        // The newest is wanted first, then what happened since.
        for (at, name) in names.iter().rev().enumerate() {
            match self.backup(name, &mut there) {
                Ok(Some(is_new)) => has_new |= is_new,
                Ok(None) => return Ok(false),
                Err(error @ BackupError::Bucket(..)) => return Err(error),
                // Nothing is wrong with ours, so that nothing is brought over the other one's.
                Err(error @ BackupError::Taken(_)) => {
                    trouble.get_or_insert(error);
                }
                Err(error) => {
                    (self.tell)(Told::Failed(name, error.to_string()))?;
                    trouble.get_or_insert(error);
                }
            }
            if at == 0 && !self.log(&mut there, &mut trouble)? {
                return Ok(false);
            }
        }
        if has_new {
            self.vault.in_bucket(self.bucket).prune(&names)?;
        }
        self.forget(&names)?;
        self.read_back(&names)?;
        trouble.map_or(Ok(true), Err)
    }

    fn copy_of(&self, name: &str) -> Option<&'a Copy> {
        self.known.iter().find(|copy| copy.backup == name)
    }

    /// Brings a backup. Answers whether anything of it was missing; nothing when it was to stop.
    fn backup(&mut self, name: &str, there: &mut There) -> Result<Option<bool>, BackupError> {
        let manifest = self.vault.manifest(name)?;
        let known = self.copy_of(name);
        let is_suspect = known.is_some_and(|copy| copy.state == "failed");
        let mut upload = known.and_then(|copy| copy.upload.clone());
        let missing: Vec<String> = files(&manifest)
            .into_iter()
            .filter(|path| is_suspect || self.size(path).is_none_or(|size| there.get(path) != Some(&size)))
            .collect();
        if missing.is_empty() {
            if known.is_none_or(|copy| copy.state == "copying") {
                (self.tell)(Told::Copied(name))?;
            }
            return Ok(Some(false));
        }
        let signature = format!("{name}/{SIGNATURE}");
        if !is_suspect && there.contains_key(&signature) {
            self.is_ours(name, &signature)?;
        }
        (self.tell)(Told::Copying(name))?;
        for path in &missing {
            let file = path.strip_prefix(name).and_then(|rest| rest.strip_prefix('/'));
            let stored = file.and_then(|file| manifest.files.get(file));
            let tell = &mut *self.tell;
            let mut to = Upload {
                sum: stored.map(|stored| stored.sha256.as_str()),
                kept: if stored.is_some() { upload.take() } else { None },
                note: &mut |kept| tell(Told::Upload(name, kept)),
                is_to_stop: self.is_to_stop,
            };
            if (self.is_to_stop)() || !self.bucket.upload(path, &self.vault.dir.join(path), &mut to)? {
                return Ok(None);
            }
            there.extend(self.size(path).map(|size| (path.clone(), size)));
        }
        (self.tell)(Told::Copied(name))?;
        Ok(Some(true))
    }

    /// Two consoles that back up at the same second would put half of each other's together.
    fn is_ours(&self, name: &str, signature: &str) -> Result<(), BackupError> {
        let text = |shelf: &dyn Shelf| {
            let mut text = String::new();
            if let Some(mut file) = shelf.read(signature)? {
                file.read_to_string(&mut text).at(Path::new(signature))?;
            }
            Ok::<_, BackupError>(text)
        };
        if text(&Directory(self.vault.dir.clone()))? == text(self.bucket)? {
            return Ok(());
        }
        Err(BackupError::Taken(format!(
            "the bucket has another backup {name}: is another console copying there? Each needs a path of its own"
        )))
    }

    /// Brings the log, the oldest first. False when it was to stop.
    fn log(&mut self, there: &mut There, trouble: &mut Option<BackupError>) -> Result<bool, BackupError> {
        let here = Directory(self.vault.dir.clone());
        let mut until = None;
        for system in here.files("wal")? {
            let dir = log_of(&system);
            let mut files = here.files(&dir)?;
            files.retain(|file| file.ends_with(".sealed"));
            files.sort_unstable();
            for file in files {
                let path = format!("{dir}/{file}");
                let from = self.vault.dir.join(&path);
                // Gone by the rule meanwhile.
                let Ok(about) = from.metadata() else { continue };
                until = until.max(about.modified().ok().map(DateTime::<Utc>::from));
                match there.get(&path) {
                    Some(size) if *size == about.len() => continue,
                    Some(_) => {
                        trouble.get_or_insert(BackupError::Failed(format!(
                            "the bucket has another {path}: is another console copying there? Each needs a path of its own"
                        )));
                        continue;
                    }
                    None => {}
                }
                if (self.is_to_stop)() {
                    return Ok(false);
                }
                if let Err(error) = self.vault.open(&path, &mut std::io::sink()) {
                    trouble.get_or_insert(error);
                    continue;
                }
                let mut to =
                    Upload { sum: None, kept: None, note: &mut |_| Ok(()), is_to_stop: self.is_to_stop };
                self.bucket.upload(&path, &from, &mut to)?;
                there.insert(path, about.len());
            }
        }
        match until {
            Some(until) if trouble.is_none() => (self.tell)(Told::Log(until)).map(|()| true),
            _ => Ok(true),
        }
    }

    /// Reads the newest copy of what is `here` back, now and then: what a bucket says of its files is not what it gives back.
    fn read_back(&mut self, here: &[String]) -> Result<(), BackupError> {
        let since = self.now - READ_BACK_EVERY;
        if self
            .known
            .iter()
            .any(|copy| copy.state == "verified" && copy.verified_at.is_some_and(|at| at > since))
        {
            return Ok(());
        }
        let copies = self.vault.in_bucket(self.bucket);
        let newest = copies.names()?.into_iter().rfind(|name| here.contains(name));
        let Some(newest) = newest else { return Ok(()) };
        match copies.verify(&newest) {
            Ok(_) => (self.tell)(Told::Verified(&newest)),
            Err(error @ (BackupError::Damaged(_) | BackupError::Failed(_))) => {
                (self.tell)(Told::Failed(&newest, format!("read back from the bucket: {error}")))?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Takes what the bucket has no more off the record.
    fn forget(&mut self, here: &[String]) -> Result<(), BackupError> {
        let there = self.bucket.names()?;
        for copy in
            self.known.iter().filter(|copy| !there.contains(&copy.backup) && !here.contains(&copy.backup))
        {
            if let Some(upload) = &copy.upload {
                for file in ["base.sealed", "dump.sealed"] {
                    self.bucket.abandon(&format!("{}/{file}", copy.backup), upload)?;
                }
            }
            (self.tell)(Told::Gone(&copy.backup))?;
        }
        Ok(())
    }

    fn size(&self, path: &str) -> Option<u64> {
        self.vault.dir.join(path).metadata().ok().map(|about| about.len())
    }
}

/// Everything that a backup needs, the signature last.
fn files(manifest: &Manifest) -> Vec<String> {
    let own = |file: &str| format!("{}/{file}", manifest.name);
    let mut files: Vec<String> = manifest.files.keys().map(|file| own(file)).collect();
    files.extend(manifest.log());
    files.extend([own(MANIFEST), own(SIGNATURE)]);
    files
}
