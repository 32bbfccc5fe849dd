//! A container engine that is the tests' own: dockerd with a data root, a socket and a network of its own, never the
//! machine's. Where none can be started, tests that need one say so on the terminal, loudly, and pass over.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig, RestartPolicy, RestartPolicyNameEnum};
use bollard::query_parameters::CreateContainerOptionsBuilder;
use tokio::runtime::Runtime;

use super::db::new_directory;

/// The image that all containers of tests are made of: busybox and nothing else.
pub const IMAGE: &str = "localhost/bb:1";
/// One that runs by itself until it is asked to end, and has a port; `localhost/app:2` is the next one of it.
pub const APP: &str = "localhost/app:1";
/// Runs until it is asked to end, and ends with 0.
pub const PATIENT: &str = "trap 'exit 0' TERM; while true; do sleep 0.1; done";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// See the module. Dropping it ends the engine and all its containers.
pub struct TestEngine {
    dir: PathBuf,
    daemon: Mutex<Option<Child>>,
    client: Docker,
}

/// The engine that all tests of this process share; none when none can be started.
pub fn shared() -> Option<Arc<TestEngine>> {
    static SHARED: LazyLock<Option<Arc<TestEngine>>> = LazyLock::new(|| {
        let engine = TestEngine::start()?;
        end_with_this_process(&engine.dir);
        Some(Arc::new(engine))
    });
    SHARED.clone()
}

impl TestEngine {
    /// An engine that one test may end and freeze.
    pub fn start() -> Option<Self> {
        let dir = new_directory();
        match Self::start_in(&dir) {
            Ok(engine) => Some(engine),
            Err(reason) => {
                // Past the capture of output: it must be seen also when all else is well.
                let _ = writeln!(
                    std::io::stderr(),
                    "\n*** NO CONTAINER ENGINE: {reason}\n*** Tests that need one are passed over. \
                     `apt-get install docker.io iptables busybox-static`, and run them as root.\n"
                );
                None
            }
        }
    }

    fn start_in(dir: &Path) -> Result<Self, String> {
        let socket = dir.join("docker.sock");
        let daemon = spawn_daemon(dir)?;
        let client = Docker::connect_with_http("http://nowhere", 60, bollard::API_DEFAULT_VERSION).unwrap();
        let mut engine = Self { dir: dir.to_owned(), daemon: Mutex::new(Some(daemon)), client };
        engine.wait_until_it_answers()?;
        engine.client = RUNTIME.block_on(async {
            Docker::connect_with_unix(socket.to_str().unwrap(), 60, bollard::API_DEFAULT_VERSION)
                .unwrap()
                .negotiate_version()
                .await
                .unwrap()
        });
        engine.import_image()?;
        Ok(engine)
    }

    fn wait_until_it_answers(&self) -> Result<(), String> {
        let give_up = Instant::now() + Duration::from_mins(1);
        loop {
            let answer = Command::new("curl")
                .args(["-s", "-m", "2", "--unix-socket"])
                .arg(self.socket())
                .arg("http://engine/_ping")
                .output();
            if answer.is_ok_and(|answer| answer.stdout == b"OK") {
                return Ok(());
            }
            let ended =
                self.child().as_mut().is_some_and(|child| child.try_wait().is_ok_and(|end| end.is_some()));
            if ended || Instant::now() > give_up {
                let log = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
                let last: Vec<&str> = log.lines().rev().take(3).collect();
                return Err(format!("dockerd does not start: {}", last.join(" / ")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn socket(&self) -> PathBuf {
        self.dir.join("docker.sock")
    }

    /// What `DOCKER_HOST` says.
    pub fn address(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// The image, out of a directory with busybox in it.
    fn import_image(&self) -> Result<(), String> {
        const SCRIPT: &str = r#"
            set -e
            cd $1 && mkdir -p img/bin img/tmp img/etc img/proc img/dev img/sys
            cp $(command -v busybox) img/bin/busybox
            for name in sh sleep echo cat kill true false tail head seq env httpd; do ln -sf busybox img/bin/$name; done
            echo 'root:x:0:0::/:/bin/sh' > img/etc/passwd
            tar -C img -c . | curl -sS --fail --unix-socket docker.sock -X POST -H 'Content-Type: application/x-tar' \
                --data-binary @- 'http://engine/images/create?fromSrc=-&repo=localhost/bb&tag=1' >/dev/null
            for tag in 1 2; do
                printf 'FROM localhost/bb:1\nENV GENERATION=%s\nEXPOSE 8080\nCMD ["sh", "-c", "%s"]\n' $tag \
                    "trap 'exit 0' TERM; echo up on \$PORT; while true; do sleep 0.1; done" >Dockerfile
                tar -c Dockerfile | curl -sS --fail --unix-socket docker.sock -X POST -H 'Content-Type: application/x-tar' \
                    --data-binary @- "http://engine/build?t=localhost/app:$tag" >/dev/null
            done
        "#;
        let made = Command::new("sh")
            .args(["-c", SCRIPT, "sh"])
            .arg(&self.dir)
            .output()
            .map_err(|e| e.to_string())?;
        if made.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&made.stderr).into_owned()) }
    }

    /// A container that runs `script` when it is started, with these labels. Answers its full id.
    pub fn create(&self, name: &str, script: &str, labels: &[(&str, &str)]) -> String {
        self.create_with(name, script, labels, HostConfig::default())
    }

    pub fn create_restarting(&self, name: &str, script: &str, labels: &[(&str, &str)]) -> String {
        let policy = RestartPolicy { name: Some(RestartPolicyNameEnum::ALWAYS), maximum_retry_count: None };
        self.create_with(
            name,
            script,
            labels,
            HostConfig { restart_policy: Some(policy), ..HostConfig::default() },
        )
    }

    fn create_with(&self, name: &str, script: &str, labels: &[(&str, &str)], host: HostConfig) -> String {
        let body = ContainerCreateBody {
            image: Some(IMAGE.to_owned()),
            cmd: Some(vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()]),
            env: Some(vec!["SECRET_KEY=the value that never leaves".to_owned()]),
            labels: Some(
                labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            ),
            host_config: Some(HostConfig { network_mode: Some("none".to_owned()), ..host }),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        RUNTIME.block_on(self.client.create_container(Some(options), body)).unwrap().id
    }

    /// Somebody at the machine does `verb` (`start`, `stop`, `kill`, `rm -f`, `rename`, …), past the console.
    pub fn outside(&self, arguments: &[&str]) {
        let done = Command::new("docker").arg("-H").arg(self.address()).args(arguments).output().unwrap();
        assert!(done.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// What the engine answers to somebody at the machine.
    pub fn told(&self, arguments: &[&str]) -> String {
        let done = Command::new("docker").arg("-H").arg(self.address()).args(arguments).output().unwrap();
        assert!(done.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    pub fn start_container(&self, id: &str) {
        RUNTIME.block_on(self.client.start_container(id, None)).unwrap();
    }

    /// The engine's word for its state; none when it has no such container.
    pub fn state(&self, id: &str) -> Option<String> {
        let inspected = RUNTIME.block_on(self.client.inspect_container(id, None)).ok()?;
        inspected.state?.status.map(|word| word.to_string())
    }

    /// The process of a running container.
    pub fn pid(&self, id: &str) -> i64 {
        let inspected = RUNTIME.block_on(self.client.inspect_container(id, None)).unwrap();
        inspected.state.unwrap().pid.unwrap()
    }

    /// Sends the daemon a signal: `STOP` freezes it, `CONT` lets it go on.
    pub fn signal(&self, signal: &str) {
        let pid = std::fs::read_to_string(self.dir.join("docker.pid")).unwrap();
        let sent = Command::new("kill").args(["-s", signal, pid.trim()]).status().unwrap();
        assert!(sent.success());
    }

    /// Ends the daemon, as a machine that stops; its containers go with it.
    pub fn end(&self) {
        let Some(mut child) = self.child().take() else { return };
        self.signal("TERM");
        child.wait().unwrap();
    }

    /// Starts the daemon again on what it left.
    pub fn begin_again(&self) {
        let _ = std::fs::remove_file(self.dir.join("docker.pid"));
        *self.child() = Some(spawn_daemon(&self.dir).unwrap());
        self.wait_until_it_answers().unwrap();
    }
}

impl Drop for TestEngine {
    fn drop(&mut self) {
        if self.child().is_some() {
            let _ = Command::new("kill")
                .args(["-s", "CONT"])
                .arg(pid_of(&self.dir))
                .stderr(Stdio::null())
                .status();
            self.end();
        }
        clean_up(&self.dir);
    }
}

fn pid_of(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("docker.pid")).unwrap_or_default().trim().to_owned()
}

/// The daemon in a network of its own, so that the machine's stays as it is. It ends with the thread that started it,
/// which therefore never does.
fn spawn_daemon(dir: &Path) -> Result<Child, String> {
    type Order = (Command, mpsc::Sender<std::io::Result<Child>>);
    static STARTER: LazyLock<Mutex<mpsc::Sender<Order>>> = LazyLock::new(|| {
        let (send, orders) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in orders {
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(send)
    });
    for needed in ["dockerd", "docker", "busybox", "curl", "unshare", "setpriv", "ip"] {
        let found = Command::new("sh").args(["-c", "command -v \"$1\" >/dev/null", "sh", needed]).status();
        if !found.is_ok_and(|found| found.success()) {
            return Err(format!("there is no {needed}"));
        }
    }
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(dir.join("log"))
        .map_err(|e| e.to_string())?;
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "TERM", "unshare", "--net", "sh", "-c"])
        .arg(
            "ip link set lo up; exec dockerd --data-root $1/data --exec-root $1/exec --pidfile $1/docker.pid \
             --bridge none --iptables=false --storage-driver vfs -H unix://$1/docker.sock",
        )
        .arg("sh")
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(|e| e.to_string())?)
        .stderr(log)
        // Ctrl-C is for the tests.
        .process_group(0);
    let (send, answer) = mpsc::channel();
    STARTER.lock().unwrap_or_else(PoisonError::into_inner).send((command, send)).unwrap();
    answer.recv().unwrap().map_err(|error| error.to_string())
}

/// What a daemon leaves mounted keeps its directory from being removed.
const CLEAN_UP: &str = r#"
    grep -o " $1/[^ ]*" /proc/mounts | sort -r | while read -r mount; do umount -l "$mount"; done
    rm -rf -- "$1"
"#;

fn clean_up(dir: &Path) {
    let _ = Command::new("sh").args(["-c", CLEAN_UP, "sh"]).arg(dir).stderr(Stdio::null()).status();
}

/// A static is never dropped: a shell waits for this process to end, ends the daemon and removes its files.
fn end_with_this_process(dir: &Path) {
    let script = format!(
        r#"cat
        read -r pid <"$1/docker.pid" && kill -s TERM "$pid"
        tries=0
        while [ -e "$1/docker.pid" ] && [ $tries -lt 300 ]; do sleep 0.1; tries=$((tries + 1)); done
        {CLEAN_UP}"#
    );
    let shell = Command::new("sh")
        .args(["-c", &script, "sh"])
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    std::mem::forget(shell);
}
