//! The data directory, and opening what lies in it.
//!
//! Somebody else may have made it, or be able to write there: a key that they know, or a link that leads a file of
//! ours elsewhere. So nothing there is opened through a link, and what is open is looked at before it is used.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Bits of a mode.
const OTHERS_WRITE: u32 = 0o002;
const ANYBODY_ELSE: u32 = 0o077;
const STICKY: u32 = 0o1000;

/// Who may do what with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Nobody but its owner may read or write it.
    Secret,
    /// Others may not write it.
    Plain,
}

/// Opens a file of the console's own as `options` say, never through a link. What can't be trusted is an error that
/// says why, and what to do.
///
/// # Errors
/// The system's, or why the file can't be trusted. It has not been changed then.
pub fn open(options: &mut OpenOptions, path: &Path, guard: Guard) -> io::Result<File> {
    // Without waiting: a pipe would not be opened until somebody writes into it.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = options.mode(0o600).custom_flags(flags.bits().cast_signed()).open(path);
    let file = opened.map_err(|error| {
        if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
            untrusted("it is a symbolic link: remove it")
        } else {
            error
        }
    })?;
    let found = file.metadata()?;
    if !found.is_file() || found.nlink() > 1 {
        return Err(untrusted("it is not a file, or has a second name: remove it"));
    }
    check_owner(&found, None)?;
    match guard {
        Guard::Secret if found.mode() & ANYBODY_ELSE != 0 => Err(untrusted(
            "others may read or write it: remove it to have a new one made, or, if nobody has, chmod 600 it",
        )),
        Guard::Plain if found.mode() & OTHERS_WRITE != 0 => {
            Err(untrusted("everybody may write to it: chmod o-w it, or remove it"))
        }
        _ => Ok(file),
    }
}

/// Refuses a directory that belongs to another user, or in which others may replace files: it, and everything above
/// it, is either closed to their writing or sticky, like `/tmp`. `server` is a user who may own it as well.
///
/// # Errors
/// The system's, or why it can't be trusted.
pub fn check(directory: &Path, server: Option<u32>) -> io::Result<()> {
    if let Ok(link) = fs::symlink_metadata(directory)
        && link.is_symlink()
    {
        check_owner(&link, server)?;
    }
    let place = directory.canonicalize()?;
    check_owner(&fs::metadata(&place)?, server)?;
    for part in place.ancestors() {
        let mode = fs::metadata(part)?.mode();
        if mode & OTHERS_WRITE != 0 && mode & STICKY == 0 {
            return Err(untrusted(format!(
                "everybody may replace what lies in {0}: chmod o-w {0}, or choose another PILOTHOUSE_DATA_DIR",
                part.display()
            )));
        }
    }
    Ok(())
}

fn check_owner(found: &Metadata, server: Option<u32>) -> io::Result<()> {
    let own = rustix::process::geteuid().as_raw();
    if [own, 0].contains(&found.uid()) || server == Some(found.uid()) {
        return Ok(());
    }
    let other = found.uid();
    Err(untrusted(format!(
        "it belongs to user {other}, and the console runs as user {own}: chown it if it is yours, or remove it"
    )))
}

fn untrusted(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why.into())
}
