//! A file that goes up, whole or in parts.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use rusty_s3::actions::{CompleteMultipartUploadResponse, CreateMultipartUpload};
use sha2::{Digest, Sha256};

use super::{Bucket, FORGOTTEN, refusal, text};
use crate::backups::{At, BackupError};
use crate::runtime::hex;

/// S3 takes 10,000 parts.
const MOST_PARTS: u64 = 9_000;

/// How a file goes up.
pub(in crate::backups) struct Upload<'a> {
    /// The SHA-256 that it should have, where that is known.
    pub sum: Option<&'a str>,
    /// What was noted of an upload in parts that was begun.
    pub kept: Option<String>,
    /// Told how far an upload in parts is, and when it is over.
    pub note: &'a mut dyn FnMut(Option<&str>) -> Result<(), BackupError>,
    pub is_to_stop: &'a dyn Fn() -> bool,
}

/// How far an upload in parts is; as text what the bucket calls it, how long a part is, and each part's mark.
#[derive(Debug, PartialEq, Eq)]
struct Parts {
    id: String,
    length: u64,
    marks: Vec<String>,
}

impl Parts {
    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ').map(str::to_owned);
        Some(Self { id: words.next()?, length: words.next()?.parse().ok()?, marks: words.collect() })
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.length)?;
        self.marks.iter().try_for_each(|mark| write!(f, " {mark}"))
    }
}

/// Whether the bucket knows nothing of the upload any more.
fn is_forgotten<T>(sent: &Result<T, BackupError>) -> bool {
    matches!(sent, Err(BackupError::Bucket(_, told)) if told == FORGOTTEN)
}

impl Bucket {
    /// Brings the file at `from` to `path`. False when it was to stop before it was through.
    pub(in crate::backups) fn upload(
        &self,
        path: &str,
        from: &Path,
        upload: &mut Upload<'_>,
    ) -> Result<bool, BackupError> {
        let size = from.metadata().at(from)?.len();
        let mut file = File::open(from).at(from)?;
        let key = self.key(path);
        let sum = upload.sum;
        let is_right = |digest: Sha256| sum.is_none_or(|sum| hex(&digest.finalize()) == sum);
        if size <= 2 * self.part {
            let mut body = Vec::new();
            file.read_to_end(&mut body).at(from)?;
            if !is_right(Sha256::new_with_prefix(&body)) {
                return Err(BackupError::Damaged(from.display().to_string()));
            }
            return self.write(path, body).map(|()| true);
        }
        let length = self.part.max(size.div_ceil(MOST_PARTS));
        let kept =
            upload.kept.take().and_then(|kept| Parts::read(&kept)).filter(|kept| kept.length == length);
        let mut parts = if let Some(kept) = kept { kept } else { self.begin(&key, length)? };
        let mut digest = Sha256::new();
        for number in 1.. {
            let mut body = Vec::new();
            file.by_ref().take(length).read_to_end(&mut body).at(from)?;
            if body.is_empty() {
                break;
            }
            digest.update(&body);
            if parts.marks.len() >= usize::from(number) {
                continue;
            }
            if (upload.is_to_stop)() {
                return Ok(false);
            }
            let part = self.address.upload_part(Some(&self.credentials), &key, number, &parts.id);
            let sent = self.put(part, body);
            if is_forgotten(&sent) {
                (upload.note)(None)?;
            }
            let mark = sent?.header("etag").map(str::to_owned);
            parts.marks.push(mark.ok_or_else(|| self.failed("it takes a part without a mark"))?);
            (upload.note)(Some(&parts.to_string()))?;
        }
        if !is_right(digest) {
            self.abandon(path, &parts.to_string())?;
            (upload.note)(None)?;
            return Err(BackupError::Damaged(from.display().to_string()));
        }
        let marks = parts.marks.iter().map(String::as_str);
        let complete =
            self.address.complete_multipart_upload(Some(&self.credentials), &key, &parts.id, marks);
        let xml = vec![("content-type", Cow::Borrowed("application/xml"))];
        let reply = self.ask(&complete, xml, Some(complete.clone().body().into_bytes()));
        if is_forgotten(&reply) {
            (upload.note)(None)?;
        }
        let reply = reply?;
        // It may say that it went wrong after it said 200.
        CompleteMultipartUploadResponse::parse(text(&reply).trim_start())
            .map_err(|_| self.failed(refusal(&reply)))?;
        (upload.note)(None)?;
        Ok(true)
    }

    fn begin(&self, key: &str, length: u64) -> Result<Parts, BackupError> {
        let create = self.address.create_multipart_upload(Some(&self.credentials), key);
        let binary = vec![("content-type", Cow::Borrowed("application/octet-stream"))];
        let reply = self.ask(&create, binary, Some(Vec::new()))?;
        let begun =
            CreateMultipartUpload::parse_response(&text(&reply)).map_err(|error| self.failed(error))?;
        Ok(Parts { id: begun.upload_id().to_owned(), length, marks: Vec::new() })
    }

    /// Lets go of an upload that nobody goes on with.
    pub(in crate::backups) fn abandon(&self, path: &str, kept: &str) -> Result<(), BackupError> {
        let Some(parts) = Parts::read(kept) else { return Ok(()) };
        let key = self.key(path);
        let abort = self.address.abort_multipart_upload(Some(&self.credentials), &key, &parts.id);
        self.send(&abort, Vec::new(), None).map(|_| ()).map_err(|error| self.failed(error))
    }
}
