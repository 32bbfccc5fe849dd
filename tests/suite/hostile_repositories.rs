//! Repositories that were made to hurt the one who imports them.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use pilothouse::repositories::{End, ImportError, Source};
use proptest::prelude::*;

use crate::import_git::{World, source};
use crate::support::git::{GitRepository, NewCommit, START};

const ADA: &str = "ada@demo.test";
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// A repository that only the one who runs the import may read.
fn private() -> GitRepository {
    let mut repository = GitRepository::new();
    repository
        .commit(&[NewCommit::new(ADA, 0).message(b"Secret"), NewCommit::new(ADA, 100).message(b"Secret")]);
    repository
}

fn commit(tree: &str, parent: Option<&str>, minute: i64, message: &str) -> Vec<u8> {
    let parent = parent.map(|parent| format!("parent {parent}\n")).unwrap_or_default();
    let who = format!("A <{ADA}> {} +0000", START + minute * 60);
    format!("tree {tree}\n{parent}author {who}\ncommitter {who}\n\n{message}\n").into_bytes()
}

/// What lies outside is refused with words that name the flag, and read with it.
fn only_with_the_flag(path: &Path, what: &str) {
    let world = World::new();
    let told = world.try_import(path).unwrap_err().to_string();
    assert!(told.contains("outside of") && told.contains("--follow-links"), "{what}: {told}");
    assert!(!told.contains("Secret"), "{what}: {told}");
    assert!(world.pushes().is_empty(), "{what}");
    let followed = world.import_from(&Source { follow_links: true, ..source(path) });
    assert!(followed.is_ok(), "{what}: {followed:?}");
}

/// Replaces what a repository has at `place` by a link to what `other` has there.
fn link(repository: &GitRepository, other: &GitRepository, place: &str) {
    let (own, theirs) = (repository.git_dir().join(place), other.git_dir().join(place));
    if own.is_dir() {
        fs::remove_dir_all(&own).unwrap();
    } else if own.exists() {
        fs::remove_file(&own).unwrap();
    }
    symlink(theirs, own).unwrap();
}

#[test]
fn nothing_outside_of_the_named_path_is_read() {
    let secret = private();
    let secret_git = secret.git_dir();

    let file = GitRepository::new();
    fs::remove_dir_all(file.git_dir()).unwrap();
    fs::write(file.path().join(".git"), format!("gitdir: {}\n", secret_git.display())).unwrap();
    only_with_the_flag(file.path(), "a .git file");

    let directory = GitRepository::new();
    fs::remove_dir_all(directory.git_dir()).unwrap();
    symlink(&secret_git, directory.path().join(".git")).unwrap();
    only_with_the_flag(directory.path(), "a .git link");

    let common = GitRepository::bare();
    fs::write(common.path().join("commondir"), format!("{}\n", secret_git.display())).unwrap();
    only_with_the_flag(common.path(), "commondir");

    for place in ["objects", "objects/info", "objects/pack"] {
        let linked = private();
        link(&linked, &secret, place);
        only_with_the_flag(linked.path(), place);
    }
    for place in ["refs", "refs/heads", "refs/heads/main", "HEAD", "config"] {
        let linked = private();
        link(&linked, &secret, place);
        only_with_the_flag(linked.path(), place);
    }
    let objects = fs::read_dir(secret_git.join("objects")).unwrap().next().unwrap().unwrap();
    let linked = GitRepository::new();
    linked.point_main_at(secret.git(&["rev-parse", "main"]).trim());
    symlink(objects.path(), linked.git_dir().join("objects/zz")).unwrap();
    let told = World::new().try_import(linked.path()).unwrap_err().to_string();
    assert!(told.contains("--follow-links"), "{told}");
}

#[test]
fn alternates_are_followed_within_the_named_path_alone() {
    let secret = private();
    let head = secret.git(&["rev-parse", "main"]);
    let lines = |line: &str| format!("# borrowed\n\n{line}\n");
    let objects = secret.git_dir().join("objects");
    for line in [lines(objects.to_str().unwrap()), lines(&format!("\"{}\"", objects.display()))] {
        let borrower = GitRepository::new();
        fs::write(borrower.git_dir().join("objects/info/alternates"), line).unwrap();
        borrower.point_main_at(head.trim());
        only_with_the_flag(borrower.path(), "alternates");
    }
    // Over one that is inside.
    let borrower = GitRepository::new();
    let between = borrower.path().join("between");
    fs::create_dir_all(between.join("info")).unwrap();
    fs::write(between.join("info/alternates"), lines(objects.to_str().unwrap())).unwrap();
    fs::write(borrower.git_dir().join("objects/info/alternates"), "../../between\n").unwrap();
    borrower.point_main_at(head.trim());
    only_with_the_flag(borrower.path(), "alternates of alternates");

    let inside = GitRepository::new();
    let lent = inside.path().join("lent");
    fs::rename(secret.git_dir(), &lent).unwrap();
    fs::write(inside.git_dir().join("objects/info/alternates"), "../../lent/objects\n/nowhere/at/all\n")
        .unwrap();
    inside.point_main_at(head.trim());
    assert_eq!(World::new().import(&inside).commits, 2);
}

#[test]
fn a_linked_work_tree_is_read_when_links_may_be_followed() {
    let repository = private();
    let parent = GitRepository::new();
    let tree = parent.path().join("tree");
    repository.git(&["worktree", "add", "--quiet", "-b", "side", tree.to_str().unwrap(), "main~1"]);
    only_with_the_flag(&tree, "a linked work tree");
    let world = World::new();
    world.import_from(&Source { follow_links: true, ..source(&tree) }).unwrap();
    let branches: Vec<_> = world.pushes().into_iter().map(|push| push.branch_name.unwrap()).collect();
    assert_eq!(branches, ["side"]);
    // All of it is inside of the repository that it belongs to.
    assert_eq!(World::new().import(&repository).commits, 2);
}

#[test]
fn links_that_stay_inside_are_followed() {
    let repository = private();
    let git = repository.git_dir();
    fs::rename(git.join("objects"), repository.path().join("kept")).unwrap();
    symlink("../kept", git.join("objects")).unwrap();
    fs::remove_file(git.join("HEAD")).unwrap();
    symlink("refs/heads/main", git.join("HEAD")).unwrap();
    symlink("/nowhere/at/all", git.join("refs/heads/gone")).unwrap();
    fs::remove_dir_all(git.join("hooks")).unwrap();
    symlink("/usr/bin", git.join("hooks")).unwrap();
    assert_eq!(World::new().import(&repository).commits, 2);
}

#[test]
fn configuration_leads_nowhere_and_runs_nothing() {
    let repository = private();
    let outside = GitRepository::new();
    let ran = outside.path().join("ran");
    let script = outside.path().join("script");
    fs::write(&script, format!("#!/bin/sh\ntouch {}\n", ran.display())).unwrap();
    let included = outside.path().join("included");
    fs::write(&included, "[remote \"origin\"]\n\turl = https://included.test/x\n").unwrap();
    let config = repository.git_dir().join("config");
    let lines = format!(
        "[include]\n\tpath = {0}\n[includeIf \"gitdir:/\"]\n\tpath = {0}\n[core]\n\tworktree = {1}\n\tfsmonitor = {2}\n\
         \thooksPath = {1}\n\tsshCommand = {2}\n[filter \"x\"]\n\tsmudge = {2}\n[diff]\n\texternal = {2}\n\
         [gitoxide \"objects\"]\n\tallocLimit = 0\n",
        included.display(),
        outside.path().display(),
        script.display()
    );
    fs::write(&config, fs::read_to_string(&config).unwrap() + lines.as_str()).unwrap();
    fs::write(outside.path().join(".mailmap"), "<eve@demo.test> <ada@demo.test>\n").unwrap();
    let world = World::new();
    world.import(&repository);
    let push = world.pushes().pop().unwrap();
    assert_eq!(push.author_email.as_deref(), Some(ADA));
    assert_ne!(push.repo_url.as_deref(), Some("https://included.test/x"));
    assert!(!ran.exists());
}

#[test]
fn files_that_never_end_or_are_too_large_are_refused() {
    for place in [
        "HEAD",
        "config",
        "refs/heads/x",
        "objects/pack/pack-1.idx",
        "packed-refs",
        "objects/info/alternates",
    ] {
        let repository = private();
        let file = repository.git_dir().join(place);
        let _ = fs::remove_file(&file);
        assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
        let told = World::new().try_import(repository.path()).unwrap_err().to_string();
        assert!(told.contains("is neither a file nor a directory"), "{place}: {told}");
    }
    for place in ["HEAD", "config", "refs/heads/x", "shallow", "objects/info/alternates", "commondir"] {
        let repository = private();
        let file = fs::File::create(repository.git_dir().join(place)).unwrap();
        file.set_len(1 << 33).unwrap();
        let told = World::new().try_import(repository.path()).unwrap_err().to_string();
        assert!(told.contains("has more than"), "{place}: {told}");
    }
}

#[test]
fn histories_that_go_round_in_a_circle_end() {
    let repository = GitRepository::new();
    let first = repository.raw_commit(&commit(EMPTY_TREE, None, 0, "First"));
    let second = repository.raw_commit(&commit(EMPTY_TREE, Some(&first), 100, "Second"));
    let other = repository.raw_object("commit", &commit(EMPTY_TREE, Some(&second), 0, "Replaced"));
    repository.git(&["replace", &first, &other]);
    let world = World::new();
    let summary = world.import(&repository);
    assert_eq!(summary.commits, 2);
    assert!(matches!(summary.left_out.end, Some(End::Circle(_))), "{:?}", summary.left_out);

    // Two files under each other's names.
    let forged = GitRepository::new();
    let names = ["aa".repeat(20), "bb".repeat(20)];
    for (own, next) in [(0, 1), (1, 0)] {
        let id = forged.raw_object("commit", &commit(EMPTY_TREE, Some(&names[next]), 0, "Round"));
        let file = forged.object_file(&names[own]);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::rename(forged.object_file(&id), file).unwrap();
    }
    forged.point_main_at(&names[0]);
    assert_eq!(World::new().import(&forged).commits, 2);

    let references = private();
    let heads = references.git_dir().join("refs/heads");
    fs::write(heads.join("main"), "ref: refs/heads/other\n").unwrap();
    fs::write(heads.join("other"), "ref: refs/heads/main\n").unwrap();
    let told = World::new().try_import(references.path()).unwrap_err().to_string();
    assert!(told.contains("main names no object"), "{told}");

    let tags = GitRepository::new();
    let tag = format!("object {}\ntype tag\ntag x\ntagger A <{ADA}> 1 +0000\n\nx\n", "aa".repeat(20));
    let id = tags.raw_object("tag", tag.as_bytes());
    let file = tags.object_file(&"aa".repeat(20));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::rename(tags.object_file(&id), file).unwrap();
    tags.point_main_at(&"aa".repeat(20));
    let told = World::new().try_import(tags.path()).unwrap_err().to_string();
    assert!(told.contains("is no commit that can be read"), "{told}");
}

/// The program's import of a repository, with any further arguments.
fn program(world: &World, repository: &GitRepository, further: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    program
        .args(["import", "git", repository.path().to_str().unwrap(), "--project", &world.project.to_string()])
        .args(further)
        .env("DATABASE_URL", world.db.url())
        .env("PILOTHOUSE_MIGRATE_URL", world.db.owner_url())
        .env("PILOTHOUSE_SECRET_KEY", "k".repeat(32));
    program
}

/// Imports in a process of its own. Returns its last line, and the most memory that it held, in MiB.
fn peak_of_import(repository: &GitRepository) -> (String, u64) {
    let world = World::new();
    let mut program = program(&world, repository, &[]);
    let mut child = program.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let held = fs::read_to_string(&status).unwrap_or_default();
        let line = held.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.map_or(peak, |line| line.trim().trim_end_matches(" kB").parse().unwrap());
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    (told.trim_end().lines().last().unwrap().to_owned(), peak >> 10)
}

fn tree_of(repository: &GitRepository, id: &str, mode: &str, names: impl Iterator<Item = String>) -> String {
    let id: Vec<u8> = (0..20).map(|n| u8::from_str_radix(&id[2 * n..2 * n + 2], 16).unwrap()).collect();
    let mut bytes = Vec::new();
    for name in names {
        bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
        bytes.extend_from_slice(&id);
    }
    repository.raw_object("tree", &bytes)
}

#[test]
fn a_tree_of_ten_thousand_million_files_costs_the_list_of_files_alone() {
    for (wide, name) in [(10, 1), (100, 200)] {
        let repository = GitRepository::new();
        let blob = repository.raw_object("blob", b"x");
        let names = || (0..wide).map(|n| format!("{}{n:03}", "d".repeat(name)));
        let mut tree = tree_of(&repository, &blob, "100644", names());
        for _ in 0..9 {
            tree = tree_of(&repository, &tree, "40000", names());
        }
        let first = repository.raw_commit(&commit(&tree, None, 0, "Bomb"));
        repository.raw_commit(&commit(&tree, Some(&first), 100, "After"));
        let (told, peak) = peak_of_import(&repository);
        assert!(told.contains("added 2 pushes") && told.contains("Left out: the files of 1 push,"), "{told}");
        assert!(peak < 256, "{peak} MiB");
    }
}

#[test]
fn a_tree_that_holds_itself_is_given_up() {
    let repository = GitRepository::new();
    let own = "cc".repeat(20);
    let tree = tree_of(&repository, &own, "40000", std::iter::once("d".to_owned()));
    let file = repository.object_file(&own);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::rename(repository.object_file(&tree), file).unwrap();
    repository.raw_commit(&commit(&own, None, 0, "Deep"));
    let (told, peak) = peak_of_import(&repository);
    assert!(told.contains("added 1 push") && told.contains("Left out: the files of 1 push,"), "{told}");
    assert!(peak < 256, "{peak} MiB");
}

#[test]
fn objects_that_unpack_to_more_than_memory_end_the_history() {
    let repository = GitRepository::new();
    let message = "x".repeat(200 << 20);
    let bomb = repository.raw_commit(&commit(EMPTY_TREE, None, 0, &message));
    drop(message);
    repository.raw_commit(&commit(EMPTY_TREE, Some(&bomb), 100, "After"));
    for packed in [false, true] {
        if packed {
            repository.git(&["repack", "-adq"]);
        }
        let (told, peak) = peak_of_import(&repository);
        assert!(told.contains(": 1 commit,") && told.contains("Left out: what came before "), "{told}");
        assert!(peak < 128, "packed: {packed}, {peak} MiB");
    }

    // What fits is read, whatever its lines are.
    let lines = GitRepository::new();
    let who = format!("A <{ADA}> {START} +0000");
    let odd = format!(
        "tree {EMPTY_TREE}\n{}author {who}\ncommitter {who}\n{}\nMany\n",
        "parent 1\n".repeat(1 << 20),
        "x y\n".repeat(2 << 20)
    );
    lines.raw_commit(odd.as_bytes());
    drop(odd);
    let (told, peak) = peak_of_import(&lines);
    assert!(told.contains(": 1 commit,"), "{told}");
    assert!(peak < 128, "{peak} MiB");
}

#[test]
fn names_and_addresses_of_megabytes_are_cut() {
    let repository = GitRepository::new();
    let name = "é".repeat(1 << 20);
    let who = format!("{name} <{name}@demo.test> {START} +0000");
    repository.raw_commit(format!("tree {EMPTY_TREE}\nauthor {who}\ncommitter {who}\n\n{name}\n").as_bytes());
    repository.git(&["config", "remote.origin.url", &format!("https://host.test/{}", "x".repeat(100_000))]);
    let world = World::new();
    world.import(&repository);
    let push = world.pushes().pop().unwrap();
    for text in [push.author_name, push.author_email, push.repo_url] {
        assert_eq!(text.unwrap().chars().count(), 500);
    }
}

#[test]
fn a_million_references_are_neither_read_nor_listed_one_by_one() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    let id = repository.git(&["rev-parse", "main"]);
    let mut packed = "# pack-refs with: peeled fully-peeled sorted \n".to_owned();
    for n in 0..1_000_000 {
        writeln!(packed, "{} refs/heads/x{n:07}", id.trim()).unwrap();
    }
    fs::write(repository.git_dir().join("packed-refs"), packed).unwrap();
    let (told, peak) = peak_of_import(&repository);
    assert!(told.contains(": 1 commit,"), "{told}");
    assert!(peak < 128, "{peak} MiB");
    let told = World::new().import_branch(&repository, "nothing").unwrap_err().to_string();
    assert!(told.ends_with("and 999981 more") && told.len() < 1000, "{told}");
}

#[test]
fn the_environment_changes_nothing() {
    let (repository, secret) = (private(), private());
    let world = World::new();
    let dir = secret.git_dir();
    let output = program(&world, &repository, &[])
        .env("GIT_DIR", &dir)
        .env("GIT_COMMON_DIR", &dir)
        .env("GIT_OBJECT_DIRECTORY", dir.join("objects"))
        .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", dir.join("objects"))
        .env("GIT_NAMESPACE", "elsewhere")
        .env("GIT_WORK_TREE", secret.path())
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "remote.origin.url")
        .env("GIT_CONFIG_VALUE_0", "https://env.test/x")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let heads: Vec<_> = world.pushes().into_iter().map(|push| push.commit_sha.unwrap()).collect();
    assert_eq!(heads.last().map(String::as_str), Some(repository.git(&["rev-parse", "main"]).trim()));
    assert_ne!(world.pushes()[0].repo_url.as_deref(), Some("https://env.test/x"));
}

#[test]
fn what_is_left_out_is_told_and_is_no_failure_and_words_are_printed_harmless() {
    let repository = GitRepository::new();
    let missing = "12".repeat(20);
    repository.raw_commit(&commit(EMPTY_TREE, Some(&missing), 0, "Fix"));
    let world = World::new();
    let run = |branch: &[&str]| program(&world, &repository, branch).output().unwrap();
    let output = run(&[]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}");
    assert!(told.trim_end().lines().last().unwrap().contains("Left out: what came before "), "{told}");

    let branch = repository.git_dir().join("refs/heads/a\u{202e}b");
    fs::write(branch, fs::read(repository.git_dir().join("refs/heads/main")).unwrap()).unwrap();
    let output = run(&["--branch", "no\u{1b}[2K"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("a\\u{202e}b") && told.contains("no\\u{1b}[2K"), "{told}");
    assert!(!told.contains(['\u{1b}', '\u{202e}']), "{told}");
}

/// A file of a small repository with some bytes changed.
fn changed(files: &[PathBuf], changes: &[(prop::sample::Index, prop::sample::Index, u8)]) {
    for (file, at, byte) in changes {
        let file = file.get(files);
        let mut bytes = fs::read(file).unwrap();
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
            // Objects are read-only.
            let _ = fs::remove_file(file);
            fs::write(file, bytes).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_is_more_than_an_error(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..4),
        packed in any::<bool>(),
    ) {
        static WORLD: std::sync::LazyLock<World> = std::sync::LazyLock::new(World::new);
        let mut repository = GitRepository::new();
        repository.commit(&(0..20).map(|n| NewCommit::new(ADA, n * 40)).collect::<Vec<_>>());
        if packed {
            repository.git(&["repack", "-adq"]);
        }
        let mut files = Vec::new();
        let mut waiting = vec![repository.git_dir()];
        while let Some(dir) = waiting.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.ends_with("hooks") || path.ends_with("logs") {
                    continue;
                }
                if path.is_dir() { waiting.push(path) } else { files.push(path) }
            }
        }
        changed(&files, &changes);
        match WORLD.try_import(repository.path()) {
            Ok(_) | Err(ImportError::Read(_)) => {}
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
