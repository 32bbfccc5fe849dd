//! PgBouncer in transaction mode between consoles and PostgreSQL.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::load::{Crowd, Ending, Load};
use crate::rig::{Recipe, Rig, free_address, wait_until};
use crate::verdict::{Episode, Fault, Verdict};

pub const FAULTS: &[Fault] = &[Fault {
    number: "P1",
    what: "PgBouncer in transaction mode, 4 server connections for two consoles with 10 each; then it is restarted",
    target: "untold, `serve` and `doctor` say what to set; told, everything is served; back 1 s after its return",
    run: pooled,
}];

struct Bouncer {
    child: Child,
    port: u16,
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Bouncer {
    fn start(dir: &Path, socket: &Path, port: u16) -> Option<Self> {
        let host = socket.parent()?.display();
        fs::write(dir.join("users.txt"), "\"pilothouse_console\" \"\"\n\"postgres\" \"\"\n").ok()?;
        let settings = format!(
            "[databases]\npilothouse = host={host} port=5432\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {0}/users.txt\n\
             pool_mode = transaction\ndefault_pool_size = 4\nmax_client_conn = 500\n",
            dir.display()
        );
        let file = dir.join("pgbouncer.ini");
        fs::write(&file, settings).ok()?;
        for file in [&file, &dir.join("users.txt")] {
            fs::set_permissions(file, fs::Permissions::from_mode(0o644)).ok()?;
        }
        let program = ["/usr/sbin/pgbouncer", "pgbouncer"].into_iter().find(|p| Path::new(p).exists())?;
        let mut command = Command::new(program);
        // It does not run as root, nor would the server's socket take anybody.
        if fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0) {
            command.args(["-u", "postgres"]);
        }
        let child = command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let bouncer = Self { child, port };
        wait_until(Duration::from_secs(5), || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok())?;
        Some(bouncer)
    }
}

fn pooled(rounds: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    let port = free_address().port();
    let Some(bouncer) = Bouncer::start(&rig.dir.0, &rig.database.socket(), port) else {
        verdict.misses.push("not run: PgBouncer can't be started".to_owned());
        return;
    };
    let mut recipe = rig.recipe();
    let through = format!("postgres://pilothouse_console@127.0.0.1:{}/pilothouse", bouncer.port);
    recipe.values.insert("DATABASE_URL".to_owned(), through);

    for command in ["serve", "doctor"] {
        let refused = recipe.command(&[command]).output().unwrap();
        let told = [refused.stdout, refused.stderr].concat();
        let told = String::from_utf8_lossy(&told).into_owned();
        verdict.require(
            refused.status.code() == Some(1) && told.contains("DATABASE_POOLER=transaction"),
            || format!("`{command}` ends with {} and says {told}", refused.status),
        );
    }

    recipe.values.insert("DATABASE_POOLER".to_owned(), "transaction".to_owned());
    let second = Recipe { listen: free_address(), ..recipe.clone() };
    let (one, other) = (recipe.serve(), second.serve());
    let loads = [Load::start(&Crowd::usual(&rig, &one)), Load::start(&Crowd::usual(&rig, &other))];
    for load in &loads {
        load.serve_more(150);
    }
    let refused =
        loads.iter().flat_map(Load::samples).filter(|sample| sample.ending != Ending::Served).count();
    verdict.require(refused == 0, || format!("{refused} requests were refused in quiet times"));
    let mut running = Some(bouncer);
    let mut episodes = Vec::new();
    for _ in 0..rounds.min(5) {
        let from = Instant::now();
        drop(running.take());
        sleep(Duration::from_secs(1));
        running = Bouncer::start(&rig.dir.0, &rig.database.socket(), port);
        episodes.push(Episode { from, back: Instant::now() });
        sleep(Duration::from_millis(1300));
        loads[0].serve_more(20);
    }
    let sessions: usize = rig
        .database
        .text("SELECT count(*) FROM pg_stat_activity WHERE usename = 'pilothouse_console'")
        .parse()
        .unwrap_or(0);
    verdict.see(format!("{sessions} sessions of PostgreSQL"));
    for load in loads {
        let ledger = load.ledger.clone();
        let samples = load.stop();
        verdict.requests(&samples, Duration::from_millis(1200));
        verdict.recovery(&samples, &episodes, Duration::from_secs(1));
        verdict.writes(ledger.check(&rig.database));
    }
}
