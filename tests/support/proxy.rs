//! A TCP proxy that makes weather: latency, silence, resets, cuts, and a trickle of bytes.
//!
//! Stands between a console and its PostgreSQL, or between people and consoles, on a thread of its own.
//! Needs no privileges and nothing of the kernel.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{oneshot, watch};

/// What becomes of bytes on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// They pass.
    Fair,
    /// Each piece waits so long before it goes on, in both directions.
    Latency(Duration),
    /// They are taken and go nowhere; connections stay open, new ones are accepted.
    Silent,
    /// New connections are closed at once.
    Closed,
    /// One byte at a time, with a pause after each.
    Trickle(Duration),
}

/// A place where bytes go.
#[derive(Debug, Clone)]
pub enum Upstream {
    /// A server on TCP, which may not be there yet, with a switch: while it is off nobody is sent there.
    Tcp(SocketAddr, Arc<AtomicBool>),
    /// A socket in the file system.
    Unix(PathBuf),
}

#[derive(Debug, Clone, Copy)]
struct State {
    weather: Weather,
    /// Connections of an earlier generation are cut.
    generation: u64,
}

/// See the module. Dropping it cuts all connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens on a port of its own and passes each connection on to the next of `upstreams` that takes it.
    #[must_use]
    pub fn start(upstreams: Vec<Upstream>) -> Self {
        let (state, seen) = watch::channel(State { weather: Weather::Fair, generation: 0 });
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! {
                    () = accept(listener, upstreams, seen) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address: told.recv().unwrap(), state, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the weather, for connections that are open already as well.
    pub fn set(&self, weather: Weather) {
        self.state.send_modify(|state| state.weather = weather);
    }

    /// Ends every connection that is open now.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.generation += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, upstreams: Vec<Upstream>, seen: watch::Receiver<State>) {
    let mut turn = 0;
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        turn += 1;
        let (upstreams, seen) = (upstreams.clone(), seen.clone());
        tokio::spawn(async move {
            let _ = client.set_nodelay(true);
            let generation = seen.borrow().generation;
            // Where nobody takes it, the client sees its connection end.
            if seen.borrow().weather != Weather::Closed {
                pass_on(client, &upstreams, turn, &seen, generation).await;
            }
        });
    }
}

async fn pass_on(
    client: TcpStream,
    upstreams: &[Upstream],
    turn: usize,
    seen: &watch::Receiver<State>,
    generation: u64,
) {
    for n in 0..upstreams.len() {
        match &upstreams[(turn + n) % upstreams.len()] {
            Upstream::Tcp(address, on) if on.load(Ordering::SeqCst) => {
                if let Ok(server) = TcpStream::connect(address).await {
                    let _ = server.set_nodelay(true);
                    let ((from_client, to_client), (from_server, to_server)) =
                        (client.into_split(), server.into_split());
                    return both(from_client, to_server, from_server, to_client, seen, generation).await;
                }
            }
            Upstream::Tcp(..) => {}
            Upstream::Unix(path) => {
                if let Ok(server) = UnixStream::connect(path).await {
                    let ((from_client, to_client), (from_server, to_server)) =
                        (client.into_split(), server.into_split());
                    return both(from_client, to_server, from_server, to_client, seen, generation).await;
                }
            }
        }
    }
}

/// Copies both ways until both ends have ended, or the connection is cut.
async fn both(
    from_client: impl AsyncRead + Unpin,
    to_server: impl AsyncWrite + Unpin,
    from_server: impl AsyncRead + Unpin,
    to_client: impl AsyncWrite + Unpin,
    seen: &watch::Receiver<State>,
    generation: u64,
) {
    let mut cuts = seen.clone();
    tokio::select! {
        _ = cuts.wait_for(|state| state.generation != generation) => {}
        _ = join(copy(from_client, to_server, seen.clone()), copy(from_server, to_client, seen.clone())) => {}
    }
}

async fn join(one: impl Future<Output = ()>, other: impl Future<Output = ()>) -> ((), ()) {
    futures_util::future::join(one, other).await
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut seen: watch::Receiver<State>,
) {
    let mut buffer = vec![0_u8; 16 << 10];
    while let Ok(length) = from.read(&mut buffer).await {
        if length == 0 {
            break;
        }
        let weather = match seen.wait_for(|state| state.weather != Weather::Silent).await {
            Ok(state) => state.weather,
            Err(_) => break,
        };
        let written = match weather {
            Weather::Latency(pause) => {
                tokio::time::sleep(pause).await;
                to.write_all(&buffer[..length]).await
            }
            Weather::Trickle(pause) => trickle(&mut to, &buffer[..length], pause).await,
            Weather::Fair | Weather::Silent | Weather::Closed => to.write_all(&buffer[..length]).await,
        };
        if written.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

async fn trickle(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8], pause: Duration) -> std::io::Result<()> {
    for byte in bytes {
        to.write_all(&[*byte]).await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}
