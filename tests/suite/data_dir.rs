//! A data directory that somebody else made or can write to is not used, and nothing of theirs is changed.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pilothouse::activity::{ActionType, NewAction, spool};
use pilothouse::app::App;
use pilothouse::config::Config;
use pilothouse::db::{ConnectOptions, Db};
use pilothouse::identity::Principal;
use pilothouse::postgres::{Cluster, ClusterConfig};

use crate::installing::said;
use crate::support::db::new_directory;

const STRANGER: u32 = 65_534;

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A data directory after a first `user create`, with its generated key.
fn used() -> PathBuf {
    let dir = new_directory().join("data");
    let made = run(&dir, &["user", "create", "--email", "ada@example.org"]);
    assert!(made.0, "{}", made.1);
    dir
}

/// Whether the program was content, and what it said.
fn run(dir: &Path, arguments: &[&str]) -> (bool, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    for (name, _) in std::env::vars_os() {
        if ["PILOTHOUSE_", "DATABASE_"].iter().any(|ours| name.to_string_lossy().starts_with(ours)) {
            program.env_remove(name);
        }
    }
    let output = program
        .args(arguments)
        .env("PILOTHOUSE_DATA_DIR", dir)
        .env("PILOTHOUSE_LISTEN", "127.0.0.1:0")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.success(), said(&output))
}

fn refused(dir: &Path, words: &[&str]) {
    for arguments in [&["serve"][..], &["user", "set-password", "--email", "ada@example.org"]] {
        let (fine, told) = run(dir, arguments);
        assert!(!fine, "{arguments:?} went on: {told}");
        let last = told.trim_end().lines().last().unwrap();
        for word in words {
            assert!(last.contains(word), "{arguments:?}: {told}");
        }
    }
}

#[test]
fn a_key_that_others_could_know_is_not_signed_with() {
    let dir = used();
    let key = dir.join("secret.key");
    assert_eq!(fs::metadata(&key).unwrap().mode() & 0o777, 0o600);
    for open in [0o666, 0o644, 0o620, 0o604] {
        mode(&key, open);
        refused(&dir, &["secret.key", "others may read or write it", "chmod 600"]);
    }
    mode(&key, 0o600);
    assert!(run(&dir, &["user", "set-password", "--email", "ada@example.org"]).0);
    if is_root() {
        chown(&key, Some(STRANGER), None).unwrap();
        refused(&dir, &["secret.key", "belongs to user 65534", "remove it"]);
    }
    let elsewhere = dir.with_file_name("elsewhere");
    fs::write(&elsewhere, "k".repeat(64)).unwrap();
    mode(&elsewhere, 0o600);
    fs::remove_file(&key).unwrap();
    symlink(&elsewhere, &key).unwrap();
    refused(&dir, &["secret.key", "symbolic link"]);
    fs::remove_file(&key).unwrap();
    fs::hard_link(&elsewhere, &key).unwrap();
    refused(&dir, &["secret.key", "second name"]);
    fs::remove_file(&key).unwrap();
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(&key).status().unwrap().success());
    refused(&dir, &["secret.key", "not a file"]);
    fs::remove_file(&key).unwrap();
    assert!(run(&dir, &["user", "set-password", "--email", "ada@example.org"]).0, "a new key is made");
}

#[test]
fn a_lock_or_a_log_that_is_a_link_leaves_what_it_leads_to_alone() {
    let dir = used();
    for name in ["lock", "server.log"] {
        let path = dir.join("postgres").join(name);
        let precious = dir.with_file_name(format!("precious {name}"));
        fs::write(&precious, "not yours").unwrap();
        fs::remove_file(&path).unwrap();
        symlink(&precious, &path).unwrap();
        refused(&dir, &[name, "symbolic link: remove it"]);
        fs::remove_file(&path).unwrap();
        symlink(dir.with_file_name("nowhere"), &path).unwrap();
        refused(&dir, &[name, "symbolic link: remove it"]);
        assert!(!dir.with_file_name("nowhere").exists(), "a link to nothing makes nothing");
        fs::remove_file(&path).unwrap();
        fs::hard_link(&precious, &path).unwrap();
        refused(&dir, &[name, "second name"]);
        assert_eq!(fs::read_to_string(&precious).unwrap(), "not yours");
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        mode(&path, 0o666);
        refused(&dir, &[name, "chmod o-w"]);
        fs::remove_file(&path).unwrap();
    }
    assert!(run(&dir, &["doctor"]).0);
}

#[test]
fn a_directory_that_others_own_or_may_write_to_is_not_used() {
    let dir = used();
    let parent = dir.parent().unwrap();
    for (path, open) in [(dir.as_path(), 0o777), (&dir.join("postgres"), 0o777), (parent, 0o757)] {
        let before = fs::metadata(path).unwrap().mode();
        mode(path, open);
        refused(&dir, &["everybody may replace what lies in", "chmod o-w"]);
        mode(path, before);
    }
    // Like /tmp and /dev/shm: nobody takes away what is somebody else's there.
    mode(parent, 0o1777);
    assert!(run(&dir, &["doctor"]).0);
    mode(parent, 0o711);
    if is_root() {
        for path in [dir.clone(), dir.join("postgres")] {
            chown(&path, Some(STRANGER), None).unwrap();
            refused(&dir, &["belongs to user 65534"]);
            chown(&path, Some(0), None).unwrap();
        }
        let (real, link) = (dir.with_file_name("real"), dir.join("postgres"));
        fs::rename(&link, &real).unwrap();
        symlink(&real, &link).unwrap();
        assert!(run(&dir, &["doctor"]).0, "a link of the console's own is fine");
        std::os::unix::fs::lchown(&link, Some(STRANGER), None).unwrap();
        refused(&dir, &["belongs to user 65534"]);
    }
}

#[test]
fn an_embedded_cluster_does_not_start_through_a_link() {
    let dir = new_directory();
    let precious = dir.join("precious");
    fs::write(&precious, "not yours").unwrap();
    fs::create_dir_all(dir.join("data/postgres")).unwrap();
    mode(&dir.join("data"), 0o711);
    mode(&dir.join("data/postgres"), 0o711);
    symlink(&precious, dir.join("data/postgres/lock")).unwrap();
    let told = Cluster::start(&ClusterConfig::new(dir.join("data")).throwaway()).unwrap_err().to_string();
    assert!(told.contains("symbolic link") && told.lines().count() == 1, "{told}");
    assert_eq!(fs::read_to_string(precious).unwrap(), "not yours");
}

#[test]
fn an_action_is_not_kept_in_a_file_of_somebody_elses() {
    let dir = new_directory();
    let precious = dir.join("precious");
    let gone = Db::new(&ConnectOptions {
        url: "postgres://nobody@127.0.0.1:1/gone".to_owned(),
        size: 1,
        budget: std::time::Duration::from_secs(1),
        behind_pooler: false,
    });
    let app = App::new(Config::from_values(std::collections::HashMap::new()).unwrap(), gone);
    let keep = |place: &Path| {
        let action = NewAction::by(
            &Principal::system(app.clock.now()),
            pilothouse::db::ids::ProjectId(uuid::Uuid::nil()),
            ActionType::Deployment,
            "a secret detail".to_owned(),
        );
        spool::file::append(place, &action)
    };
    for name in ["action-spool.jsonl", "action-spool.lock"] {
        let place = dir.join(format!("data {name}"));
        fs::create_dir(&place).unwrap();
        mode(&place, 0o700);
        fs::write(&precious, "not yours").unwrap();
        symlink(&precious, place.join(name)).unwrap();
        assert!(keep(&place).unwrap_err().to_string().contains("symbolic link"));
        assert_eq!(fs::read_to_string(&precious).unwrap(), "not yours");
        fs::remove_file(place.join(name)).unwrap();
        mode(&place, 0o777);
        assert!(keep(&place).is_err());
        mode(&place, 0o700);
        keep(&place).unwrap();
        assert_eq!(fs::metadata(place.join("action-spool.jsonl")).unwrap().mode() & 0o777, 0o600);
    }
}
