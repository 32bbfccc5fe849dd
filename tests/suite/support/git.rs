//! Git repositories with a made-up history.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A repository in a directory of its own, which goes with it.
#[derive(Debug)]
pub struct GitRepository {
    dir: PathBuf,
    /// Next number of a commit, and mark in the stream.
    next: usize,
}

/// One commit to be made.
#[derive(Debug, Clone)]
pub struct NewCommit<'a> {
    pub email: &'a str,
    /// Minutes since the history's start, 2026-01-05 09:00 UTC.
    pub minute: i64,
    pub message: &'a [u8],
    /// Paths; each gets a content of its own.
    pub files: Vec<String>,
}

/// When made-up histories start, in epoch seconds.
pub const START: i64 = 1_767_603_600;

impl<'a> NewCommit<'a> {
    /// A commit that changes one file named after its minute.
    pub fn new(email: &'a str, minute: i64) -> Self {
        Self { email, minute, message: b"Change something", files: vec![format!("src/{minute}.txt")] }
    }

    pub fn message(self, message: &'a [u8]) -> Self {
        Self { message, ..self }
    }

    pub fn files(self, files: Vec<String>) -> Self {
        Self { files, ..self }
    }
}

impl GitRepository {
    /// A repository without commits, on branch main.
    pub fn new() -> Self {
        Self::made_by(&["init", "--quiet", "--initial-branch=main"])
    }

    /// As [`GitRepository::new`], without a work tree.
    pub fn bare() -> Self {
        Self::made_by(&["init", "--quiet", "--initial-branch=main", "--bare"])
    }

    /// As [`GitRepository::new`], with names of objects that are longer.
    pub fn sha256() -> Self {
        Self::made_by(&["init", "--quiet", "--initial-branch=main", "--object-format=sha256"])
    }

    /// A clone of the newest `depth` commits of `origin`.
    pub fn shallow_clone(origin: &Self, depth: u32) -> Self {
        let url = format!("file://{}", origin.dir.display());
        Self::made_by(&["clone", "--quiet", "--depth", &depth.to_string(), &url])
    }

    fn made_by(arguments: &[&str]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("pilothouse-git-{}-{number}", std::process::id()));
        let repository = Self { dir, next: 1 };
        let mut arguments = arguments.to_vec();
        let path = repository.dir.to_str().unwrap().to_owned();
        arguments.push(&path);
        run_git(Path::new("/"), &arguments, &[]);
        repository
    }

    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Runs git in the repository and returns what it prints.
    pub fn git(&self, arguments: &[&str]) -> String {
        run_git(&self.dir, arguments, &[])
    }

    /// Runs git in the repository with `input`.
    pub fn git_with(&self, arguments: &[&str], input: &[u8]) -> String {
        run_git(&self.dir, arguments, input)
    }

    /// Stores a commit with just these bytes, whatever they are, as the newest of main. Returns its name.
    pub fn raw_commit(&self, bytes: &[u8]) -> String {
        let id = self.raw_object("commit", bytes);
        self.point_main_at(&id);
        id
    }

    /// Stores an object with just these bytes. Returns its name.
    pub fn raw_object(&self, kind: &str, bytes: &[u8]) -> String {
        let arguments = ["hash-object", "-t", kind, "-w", "--stdin", "--literally"];
        run_git(&self.dir, &arguments, bytes).trim().to_owned()
    }

    /// Has main name `id`, whatever that is. (Git itself would refuse some.)
    pub fn point_main_at(&self, id: &str) {
        std::fs::write(self.git_dir().join("refs/heads/main"), format!("{id}\n")).unwrap();
    }

    pub fn git_dir(&self) -> PathBuf {
        let inner = self.dir.join(".git");
        if inner.exists() { inner } else { self.dir.clone() }
    }

    /// The file that holds an object that was not packed.
    pub fn object_file(&self, id: &str) -> PathBuf {
        self.git_dir().join("objects").join(&id[..2]).join(&id[2..])
    }

    /// Adds commits to branch main.
    pub fn commit(&mut self, commits: &[NewCommit<'_>]) {
        self.commit_on("refs/heads/main", None, commits);
    }

    /// Adds commits to `branch`; the first of them also has `merged` as its second parent.
    pub fn commit_on(&mut self, branch: &str, merged: Option<&str>, commits: &[NewCommit<'_>]) {
        let mut stream = Vec::new();
        let exists = !run_git(&self.dir, &["for-each-ref", branch], &[]).is_empty();
        for (n, commit) in commits.iter().enumerate() {
            let seconds = START + commit.minute * 60;
            let mut head = format!("commit {branch}\nmark :{}\n", self.next);
            let (name, email) = (commit.email.split('@').next().unwrap(), commit.email);
            writeln!(head, "author {name} <{email}> {seconds} +0200").unwrap();
            writeln!(head, "committer Committer <committer@demo.test> {seconds} +0200").unwrap();
            writeln!(head, "data {}", commit.message.len()).unwrap();
            stream.extend_from_slice(head.as_bytes());
            stream.extend_from_slice(commit.message);
            stream.push(b'\n');
            let mut tail = String::new();
            if n == 0 && exists {
                writeln!(tail, "from {branch}^0").unwrap();
            }
            if let (0, Some(merged)) = (n, merged) {
                writeln!(tail, "merge {merged}").unwrap();
            }
            for file in &commit.files {
                let content = format!("{}", self.next);
                writeln!(tail, "M 644 inline {file}\ndata {}\n{content}", content.len()).unwrap();
            }
            stream.extend_from_slice(tail.as_bytes());
            stream.push(b'\n');
            self.next += 1;
        }
        run_git(&self.dir, &["fast-import", "--quiet", "--force"], &stream);
    }
}

impl Drop for GitRepository {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Git without the configuration of whoever runs the tests.
fn run_git(dir: &Path, arguments: &[&str], input: &[u8]) -> String {
    let mut child = Command::new("git")
        .current_dir(dir)
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}
