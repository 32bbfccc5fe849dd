//! Keys that the console makes for itself when none is configured.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::data_dir::{self, Guard};
use crate::runtime::Entropy;
use crate::secret::Secret;

/// The shortest text that a key may be.
const SHORTEST: usize = 32;

/// The key in the file `name` of `data_dir`, made when it is first needed.
///
/// # Errors
/// One sentence, when the directory or the file can't be used.
pub fn kept_in(data_dir: &Path, name: &str) -> Result<Secret, String> {
    let path = data_dir.join(name);
    let told = |error: io::Error| format!("can't use {}: {error}", path.display());
    fs::create_dir_all(data_dir)
        .and_then(|()| data_dir::check(data_dir, None))
        .map_err(|error| format!("can't use the data directory {}: {error}", data_dir.display()))?;
    match data_dir::open(OpenOptions::new().read(true), &path, Guard::Secret) {
        Ok(mut file) => {
            let mut key = String::new();
            file.read_to_string(&mut key).map_err(told)?;
            if key.trim().len() >= SHORTEST {
                return Ok(Secret::new(key.trim()));
            }
            // Its making was cut short.
            fs::remove_file(&path).map_err(told)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(told(error)),
    }
    let key = Entropy.secret();
    let mut file = data_dir::open(OpenOptions::new().write(true).create_new(true), &path, Guard::Secret)
        .map_err(told)?;
    file.write_all(key.as_bytes()).and_then(|()| file.sync_all()).map_err(told)?;
    Ok(Secret::new(key))
}
