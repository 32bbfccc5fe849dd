//! A bucket of an S3-compatible server, through [`crate::outgoing`]: signed by rusty-s3, which sends nothing itself.
//!
//! Each body carries its MD5, and the server refuses what arrived otherwise. A large file goes up in parts, which are
//! found again after an interruption; what is read comes down in ranges.

mod uploading;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use rusty_s3::actions::ListObjectsV2;
use rusty_s3::{Credentials, S3Action, UrlStyle};
use sha2::Digest;
use url::Url;

use super::BackupError;
use super::shelf::Shelf;
use super::store::{MANIFEST, SIGNATURE, time_of};
use crate::outgoing::{Call, CallError, Method, Outgoing, Reply};
use crate::secret::Secret;

pub(super) use uploading::Upload;

/// How long a signed address holds: longer than a call may take.
const SIGNED_FOR: Duration = Duration::from_mins(10);
/// How often a piece is asked for before reading fails.
const TRIES: u32 = 3;
/// What a list or an error may have.
const LONGEST_ANSWER: u64 = 4 << 20;

/// Parts are not kept for ever.
const FORGOTTEN: &str = "it has forgotten an upload that was begun: it is begun anew";
/// The file that says which key seals the others: two consoles with one address would delete each other's copies.
const OWNER: &str = "key.fingerprint";

/// Where a bucket is.
#[derive(Debug, Clone)]
pub struct Address {
    pub endpoint: Url,
    pub bucket: String,
    /// Empty, or a path that ends in `/`.
    pub prefix: String,
    pub region: String,
    /// The bucket is a part of the host's name, not of the path.
    pub is_virtual: bool,
}

#[derive(Clone)]
pub struct Bucket {
    /// What it is called here.
    pub name: String,
    address: rusty_s3::Bucket,
    prefix: String,
    credentials: Credentials,
    outgoing: Outgoing,
    /// For one call.
    pub patience: Duration,
    /// Bytes of a part. A file of twice as many goes up whole.
    pub part: u64,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("name", &self.name)
            .field("place", &self.place())
            .finish_non_exhaustive()
    }
}

type Headers = Vec<(&'static str, Cow<'static, str>)>;

impl Bucket {
    pub fn at(
        outgoing: Outgoing,
        name: String,
        address: Address,
        access_key: &Secret,
        secret_key: &Secret,
    ) -> Result<Self, BackupError> {
        let style = if address.is_virtual { UrlStyle::VirtualHost } else { UrlStyle::Path };
        let bucket = rusty_s3::Bucket::new(address.endpoint, style, address.bucket, address.region)
            .map_err(|error| BackupError::Bucket(name.clone(), error.to_string()))?;
        Ok(Self {
            name,
            address: bucket,
            prefix: address.prefix,
            credentials: Credentials::new(access_key.reveal(), secret_key.reveal()),
            outgoing,
            patience: Duration::from_mins(2),
            part: 16 << 20,
        })
    }

    /// Its address.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}{}", self.address.base_url(), self.prefix)
    }

    #[must_use]
    pub fn region(&self) -> &str {
        self.address.region()
    }

    /// Whether it answers, and lets itself be read.
    pub fn check(&self) -> Result<(), BackupError> {
        let mut list = self.address.list_objects_v2(Some(&self.credentials));
        list.with_prefix(self.prefix.as_str());
        list.with_max_keys(1);
        self.ask(&list, Vec::new(), None).map(|_| ())
    }

    /// Whether its copies are sealed with the key of `fingerprint`; false where it has none yet.
    pub fn is_of(&self, fingerprint: &str) -> Result<bool, BackupError> {
        match self.piece(&self.key(OWNER), 0)? {
            None => Ok(false),
            Some((found, _)) if found.trim_ascii() == fingerprint.as_bytes() => Ok(true),
            Some(_) => Err(self.failed(
                "what lies there is sealed with another key, of another console or of an earlier one: set \
                 PILOTHOUSE_BACKUP_KEY to that key, or add a path of its own to the address",
            )),
        }
    }

    /// From now on its copies are sealed with the key of `fingerprint`.
    pub(super) fn claim(&self, fingerprint: &str) -> Result<(), BackupError> {
        self.write(OWNER, fingerprint.as_bytes().to_vec())
    }

    fn failed(&self, told: impl fmt::Display) -> BackupError {
        BackupError::Bucket(self.name.clone(), told.to_string())
    }

    fn key(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    fn send<'a, A: S3Action<'a>>(
        &self,
        action: &A,
        headers: Headers,
        body: Option<Vec<u8>>,
    ) -> Result<Reply, CallError> {
        let method = Method::from_bytes(A::METHOD.to_str().as_bytes())
            .map_err(|error| CallError::NotSent(error.to_string()))?;
        self.outgoing.send_blocking(Call {
            headers,
            body,
            deadline: self.patience,
            most: usize::try_from(self.part + LONGEST_ANSWER).unwrap_or(usize::MAX),
            ..Call::new(method, action.sign(SIGNED_FOR))
        })
    }

    /// Sends, and takes nothing but success for an answer.
    fn ask<'a, A: S3Action<'a>>(
        &self,
        action: &A,
        headers: Headers,
        body: Option<Vec<u8>>,
    ) -> Result<Reply, BackupError> {
        let reply = self.send(action, headers, body).map_err(|error| self.failed(error))?;
        if reply.is_success() { Ok(reply) } else { Err(self.failed(refusal(&reply))) }
    }

    /// Sends a body with its sum.
    fn put<'a, A: S3Action<'a>>(&self, mut action: A, body: Vec<u8>) -> Result<Reply, BackupError> {
        let sum = STANDARD.encode(Md5::digest(&body));
        action.headers_mut().insert("content-md5", sum.clone());
        let headers =
            vec![("content-md5", sum.into()), ("content-type", Cow::Borrowed("application/octet-stream"))];
        self.ask(&action, headers, Some(body))
    }

    /// All files whose paths begin with `start`, and how long they are.
    pub(super) fn list(&self, start: &str) -> Result<BTreeMap<String, u64>, BackupError> {
        let mut found = BTreeMap::new();
        let mut from: Option<String> = None;
        loop {
            let mut list = self.address.list_objects_v2(Some(&self.credentials));
            list.with_prefix(self.key(start));
            if let Some(from) = from {
                list.with_continuation_token(from);
            }
            let reply = self.ask(&list, Vec::new(), None)?;
            let page = ListObjectsV2::parse_response(&text(&reply))
                .map_err(|error| self.failed(format!("its list can't be read: {error}")))?;
            found.extend(page.contents.into_iter().filter_map(|object| {
                Some((object.key.strip_prefix(&self.prefix)?.to_owned(), object.size.unwrap_or(0)))
            }));
            from = page.next_continuation_token;
            if from.is_none() {
                return Ok(found);
            }
        }
    }

    pub(super) fn write(&self, path: &str, bytes: Vec<u8>) -> Result<(), BackupError> {
        let key = self.key(path);
        self.put(self.address.put_object(Some(&self.credentials), &key), bytes).map(|_| ())
    }

    /// The bytes of a file from `at` on, as many as a part has, and how many it has in all; nothing where it is none.
    fn piece(&self, key: &str, at: u64) -> Result<Option<(Vec<u8>, u64)>, BackupError> {
        let get = self.address.get_object(Some(&self.credentials), key);
        let mut tries = 0;
        loop {
            tries += 1;
            let range = format!("bytes={at}-{}", at + self.part - 1);
            let told = match self.send(&get, vec![("range", range.into())], None) {
                Ok(reply) if reply.is_success() => {
                    let in_all = reply
                        .header("content-range")
                        .and_then(|range| range.rsplit_once('/')?.1.parse().ok())
                        .unwrap_or(reply.body.len() as u64);
                    return Ok(Some((reply.body, in_all)));
                }
                Ok(reply) if reply.status == 404 && code(&reply) != "NoSuchBucket" => return Ok(None),
                Ok(reply) if reply.status < 500 && reply.status != 429 => {
                    return Err(self.failed(refusal(&reply)));
                }
                Ok(reply) => refusal(&reply),
                Err(error @ CallError::Refused(_)) => return Err(self.failed(error)),
                Err(error) => error.to_string(),
            };
            if tries == TRIES {
                return Err(self.failed(told));
            }
            thread::sleep(Duration::from_millis(300) * tries);
        }
    }
}

fn text(reply: &Reply) -> Cow<'_, str> {
    String::from_utf8_lossy(&reply.body)
}

/// The word that S3 has for what went wrong.
fn code(reply: &Reply) -> String {
    let text = text(reply);
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split('<').next()).unwrap_or_default();
    code.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}

/// In words, with what helps.
fn refusal(reply: &Reply) -> String {
    let (status, code) = (reply.status, code(reply));
    match (status, code.as_str()) {
        (_, "RequestTimeTooSkewed") => "its clock and this machine's differ too much".to_owned(),
        (_, "BadDigest" | "InvalidDigest") => "what arrived there is not what was sent".to_owned(),
        (401 | 403, _) => format!(
            "it refuses ({status} {code}): see to its credentials, and that they may list, read, write and delete there"
        ),
        (404, "NoSuchUpload") => FORGOTTEN.to_owned(),
        (404, "NoSuchBucket") => "it does not exist: make it first".to_owned(),
        (300..=399, _) => format!("it is in another region or at another address ({status} {code})"),
        _ => format!("it answers {status} {code}").trim_end().to_owned(),
    }
}

/// A file of a bucket, piece by piece.
struct Reading<'a> {
    bucket: &'a Bucket,
    key: String,
    piece: Vec<u8>,
    read: usize,
    /// Where the next piece begins.
    at: u64,
    size: u64,
}

impl Read for Reading<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.read == self.piece.len() && self.at < self.size {
            let lost = || io::Error::other(self.bucket.failed("a file went away while it was read"));
            let (piece, _) =
                self.bucket.piece(&self.key, self.at).map_err(io::Error::other)?.ok_or_else(lost)?;
            if piece.is_empty() {
                return Err(lost());
            }
            self.at += piece.len() as u64;
            (self.piece, self.read) = (piece, 0);
        }
        let taken = into.len().min(self.piece.len() - self.read);
        into[..taken].copy_from_slice(&self.piece[self.read..self.read + taken]);
        self.read += taken;
        Ok(taken)
    }
}

impl Shelf for Bucket {
    fn names(&self) -> Result<Vec<String>, BackupError> {
        // They begin with the year; the log does not.
        let there = self.list("2")?;
        Ok(there
            .keys()
            .filter_map(|path| path.strip_suffix(&format!("/{SIGNATURE}")))
            .filter(|name| time_of(name).is_some() && there.contains_key(&format!("{name}/{MANIFEST}")))
            .map(str::to_owned)
            .collect())
    }

    fn files(&self, dir: &str) -> Result<Vec<String>, BackupError> {
        let start = format!("{dir}/");
        Ok(self
            .list(&start)?
            .keys()
            .filter_map(|path| path.strip_prefix(&start))
            .map(str::to_owned)
            .collect())
    }

    fn read(&self, path: &str) -> Result<Option<Box<dyn Read + '_>>, BackupError> {
        let key = self.key(path);
        let Some((piece, size)) = self.piece(&key, 0)? else { return Ok(None) };
        let at = piece.len() as u64;
        Ok(Some(Box::new(Reading { bucket: self, key, piece, read: 0, at, size })))
    }

    fn remove(&self, path: &str) -> Result<(), BackupError> {
        let key = self.key(path);
        self.ask(&self.address.delete_object(Some(&self.credentials), &key), Vec::new(), None).map(|_| ())
    }

    fn remove_backup(&self, name: &str) -> Result<(), BackupError> {
        // Without its signature it is none.
        self.remove(&format!("{name}/{SIGNATURE}"))?;
        for path in self.list(&format!("{name}/"))?.keys() {
            self.remove(path)?;
        }
        Ok(())
    }
}
