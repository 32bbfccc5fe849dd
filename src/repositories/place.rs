//! Where a repository's files lie, looked at before git's own formats are read.
//!
//! A repository can name another one as its own: a `.git` file, `commondir`, `alternates`, a symbolic link. Whoever
//! hands one over to be imported could have the operator's private ones read like that, so what leads out of the
//! named path is refused unless it was asked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use gix::config::{File, Source};

/// How deep directories of a repository are looked through, and how many alternates one after another.
const DEEPEST: usize = 64;

/// Where the files of the repository at `root` lie.
///
/// # Errors
/// In words, when it can't be read, or leads elsewhere while `follow_links` is not set.
pub(super) fn check(root: &Path, follow_links: bool) -> Result<(), String> {
    let git = git_directory(root)?;
    if !follow_links {
        stays_within(root, &git)?;
    }
    let common = common_directory(&git)?.unwrap_or(git);
    known_formats(&common.join("config"))
}

/// The directory behind a work tree, a `.git` file or directory, or a bare repository.
fn git_directory(root: &Path) -> Result<PathBuf, String> {
    let inside = root.join(".git");
    if root.is_file() {
        return linked(root);
    }
    if inside.is_file() {
        return linked(&inside);
    }
    if inside.is_dir() {
        return Ok(inside);
    }
    if root.join("HEAD").exists() && root.join("objects").exists() {
        return Ok(root.to_owned());
    }
    Err("it is neither a work tree nor a git directory: there is no .git, and no HEAD beside objects"
        .to_owned())
}

/// The directory that a `.git` file names.
fn linked(file: &Path) -> Result<PathBuf, String> {
    let text = read_short(file)?;
    let path = text.strip_prefix("gitdir:").ok_or_else(|| format!("{} is no .git file", shown(file)))?;
    let dir = file.parent().unwrap_or(file).join(path.trim());
    if dir.is_dir() {
        Ok(dir)
    } else {
        Err(format!("{} leads to {}, which is not there", shown(file), shown(&dir)))
    }
}

/// The directory that a linked work tree shares with others.
fn common_directory(git: &Path) -> Result<Option<PathBuf>, String> {
    let file = git.join("commondir");
    if !file.exists() {
        return Ok(None);
    }
    Ok(Some(git.join(read_short(&file)?.trim())))
}

/// Refuses a repository of which a part lies outside of `root`.
fn stays_within(root: &Path, git: &Path) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![(git.to_owned(), "its .git".to_owned())];
    if let Some(common) = common_directory(git)? {
        waiting.push((common, "its commondir".to_owned()));
    }
    while let Some((dir, name)) = waiting.pop() {
        let real = dir.canonicalize().map_err(|error| format!("{name}, {}: {error}", shown(&dir)))?;
        if !real.starts_with(root) {
            return Err(leads_elsewhere(&name, &real));
        }
        if !seen.insert(real.clone()) {
            continue;
        }
        if seen.len() > DEEPEST {
            return Err("its alternates name too many others".to_owned());
        }
        links_stay_within(root, &real, 0)?;
        for objects in [real.join("objects"), real.clone()] {
            let alternates = objects.join("info/alternates");
            if alternates.exists() {
                let text = read_short(&alternates)?;
                let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
                waiting.extend(
                    lines.map(|line| (objects.join(line.trim_matches('"')), "its alternates".to_owned())),
                );
            }
        }
    }
    Ok(())
}

fn links_stay_within(root: &Path, dir: &Path, depth: usize) -> Result<(), String> {
    if depth > DEEPEST {
        return Err(format!("{} is nested too deeply", shown(dir)));
    }
    let told = |error: std::io::Error| format!("{}: {error}", shown(dir));
    for entry in fs::read_dir(dir).map_err(told)? {
        let entry = entry.map_err(told)?;
        let kind = entry.file_type().map_err(told)?;
        if kind.is_dir() {
            links_stay_within(root, &entry.path(), depth + 1)?;
        } else if kind.is_symlink() {
            // One that leads nowhere is not read either.
            let Ok(real) = entry.path().canonicalize() else { continue };
            if !real.starts_with(root) {
                return Err(leads_elsewhere(&format!("a link, {}", shown(&entry.path())), &real));
            }
        }
    }
    Ok(())
}

fn leads_elsewhere(what: &str, to: &Path) -> String {
    format!(
        "{what} leads to {}, outside of it; if that is meant to be read too, add --follow-links",
        shown(to)
    )
}

/// Refuses by name what this program does not read.
fn known_formats(config: &Path) -> Result<(), String> {
    if !config.exists() {
        return Ok(());
    }
    let file = File::from_path_no_includes(config.to_owned(), Source::Local)
        .map_err(|error| format!("{} can't be read: {error}", shown(config)))?;
    let extension =
        |name: &str| file.string(&format!("extensions.{name}")).map(|value| value.to_string().to_lowercase());
    match extension("objectFormat").as_deref() {
        None | Some("sha1") => {}
        Some(format) => {
            return Err(format!(
                "its objects have {} names, and the console reads SHA-1 alone; import a clone that was made with \
                 `git init --object-format=sha1` and `git fast-import`",
                printable(&format.to_uppercase())
            ));
        }
    }
    match extension("refStorage").as_deref() {
        None | Some("files") => Ok(()),
        Some(format) => Err(format!(
            "its branches are kept as {}, and the console reads files alone; run `git refs migrate \
             --ref-format=files` in it, or import a clone that was made with `git clone --ref-format=files`",
            printable(format)
        )),
    }
}

/// A file of a line or a few.
fn read_short(file: &Path) -> Result<String, String> {
    const LONGEST: u64 = 64 << 10;
    let told = |error: std::io::Error| format!("{}: {error}", shown(file));
    if fs::metadata(file).map_err(told)?.len() > LONGEST {
        return Err(format!("{} is too long", shown(file)));
    }
    Ok(String::from_utf8_lossy(&fs::read(file).map_err(told)?).into_owned())
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// Somebody else's word, short and without what would move the cursor.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .take(300)
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}
