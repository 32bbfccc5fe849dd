//! Nothing is told as backed up that can't be restored: a console with a database of its own, whose backups go wrong.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use pilothouse::db::pool;
use pilothouse::postgres::Cluster;

use crate::rig::{self, Directory, wait_until};
use crate::verdict::{Fault, Verdict};

pub const FAULTS: &[Fault] = &[
    Fault {
        number: "R11",
        what: "the disk that backups lie on is full while one is made and while the log is archived; then there is room",
        target: "told as failed, nothing half made is listed, pages go on; with room the log that waited is archived by \
                 itself and a backup verifies",
        run: full_disk,
    },
    Fault {
        number: "B1",
        what: "a backup is killed, each round at another moment of the time that one takes",
        target: "what is listed verifies; the next one succeeds and is restored as it was",
        run: killed,
    },
];

/// A console that people run without a server of theirs.
struct Own {
    dir: Directory,
    backups: PathBuf,
    port: u16,
    serves: Child,
}

impl Own {
    fn serve(dir: Directory, backups: PathBuf) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut serve = pilothouse(&dir.0, &backups, &["serve"]);
        let serves = serve
            .env("PILOTHOUSE_LISTEN", format!("127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let own = Self { dir, backups, port, serves };
        assert!(wait_until(Duration::from_mins(2), || own.answers("/readyz")).is_some());
        own
    }

    fn answer(&self, path: &str) -> String {
        Command::new("curl")
            .args(["-s", "-i", "-m", "5", &format!("http://127.0.0.1:{}{path}", self.port)])
            .output()
            .map(|answer| String::from_utf8_lossy(&answer.stdout).into_owned())
            .unwrap_or_default()
    }

    fn answers(&self, path: &str) -> bool {
        self.answer(path).lines().next().is_some_and(|line| line.contains(" 200 "))
    }

    /// Whether a command was content, and what it said.
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let output = pilothouse(&self.dir.0, &self.backups, arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// The names of all backups, each of which has to verify.
    fn verified(&self, verdict: &mut Verdict) -> Vec<String> {
        let output = pilothouse(&self.dir.0, &self.backups, &["backup", "list"]).output().unwrap();
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        let names: Vec<String> =
            listed.lines().filter_map(|line| line.split('\t').next()).map(str::to_owned).collect();
        for name in &names {
            let (is_whole, told) = self.run(&["backup", "verify", name]);
            verdict.require(is_whole, || format!("{name} is listed, but {told}"));
        }
        names
    }

    fn sql(&self, statements: &str) {
        let cluster = Cluster::attach(&self.dir.0.join("data")).unwrap();
        pool::connect(&cluster.owner_url()).unwrap().batch_execute(statements).unwrap();
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.serves.id().to_string()).status();
        let _ = self.serves.wait();
    }
}

fn pilothouse(dir: &Path, backups: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(rig::program());
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PILOTHOUSE_DATA_DIR", dir.join("data"))
        .env("PILOTHOUSE_BACKUPS", backups)
        .args(arguments)
        .stdin(Stdio::null());
    command
}

fn full_disk(_: u32, verdict: &mut Verdict) {
    let dir = Directory::new();
    let disk = dir.0.join("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).arg(&disk).status();
    if !mounted.is_ok_and(|status| status.success()) {
        verdict.misses.push("not run: needs root, to mount a small disk".to_owned());
        return;
    }
    let filler = disk.join("filler");
    fs::write(&filler, vec![1; 62 << 20]).unwrap();
    let own = Own::serve(dir, disk.join("backups"));

    let (is_made, told) = own.run(&["backup", "create"]);
    verdict.require(!is_made && told.contains("No space left"), || format!("a full disk is told as: {told}"));
    let listed = own.verified(verdict);
    verdict.require(listed.is_empty(), || "something is listed".to_owned());

    let rest = vec![1; 4 << 20];
    let _ = fs::write(disk.join("rest"), &rest);
    own.sql("CREATE TABLE public.moved_on (n int); INSERT INTO public.moved_on VALUES (1); SELECT pg_switch_wal()");
    let waits = || {
        let told = own.answer("/metrics");
        told.lines()
            .any(|line| line.starts_with("pilothouse_archive_waiting_files") && !line.ends_with(" 0.0"))
    };
    let told = wait_until(Duration::from_mins(1), waits);
    verdict.require(told.is_some(), || "nobody tells that the log is not archived".to_owned());
    verdict.require(own.answers("/login") && own.answers("/readyz"), || "pages do not go on".to_owned());

    fs::remove_file(&filler).unwrap();
    let _ = fs::remove_file(disk.join("rest"));
    let archived = wait_until(Duration::from_mins(1), || !waits());
    verdict.require(archived.is_some(), || "the log that waited is not archived".to_owned());
    let (is_made, said) = own.run(&["backup", "create"]);
    verdict.require(is_made, || format!("with room: {said}"));
    let listed = own.verified(verdict);
    verdict.require(listed.len() == 1, || "it is not listed".to_owned());
    verdict.see(format!(
        "told after {} s that the log waits, archived {} s after there was room",
        told.unwrap_or_default().as_secs(),
        archived.unwrap_or_default().as_secs()
    ));
    drop(own);
    let _ = Command::new("umount").arg("-l").arg(&disk).status();
}

fn killed(rounds: u32, verdict: &mut Verdict) {
    let dir = Directory::new();
    let backups = dir.0.join("backups");
    let own = Own::serve(dir, backups);
    let began = Instant::now();
    let (is_made, told) = own.run(&["backup", "create"]);
    assert!(is_made, "{told}");
    let takes = began.elapsed();
    let mut unharmed = 0;
    for round in 0..rounds {
        let create = &["backup", "create"];
        let mut command = pilothouse(&own.dir.0, &own.backups, create);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(takes.mul_f64(f64::from(round + 1) / f64::from(rounds)));
        unharmed += u32::from(child.try_wait().unwrap().is_some());
        let _ = child.kill();
        child.wait().unwrap();
        // Backups are named by the second.
        sleep(Duration::from_secs(1));
    }
    let whole = own.verified(verdict).len();
    let (is_made, told) = own.run(&["backup", "create"]);
    verdict.require(is_made, || format!("the next one: {told}"));
    let (is_proven, told) = own.run(&["backup", "verify", "--prove"]);
    verdict.require(is_proven, || format!("the next one: {told}"));
    verdict.see(format!(
        "{rounds} killed within {} ms, {unharmed} of them too late; {whole} listed, all whole",
        takes.as_millis()
    ));
}
