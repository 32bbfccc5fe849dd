//! Between a console and PostgreSQL: passes everything on and counts the round trips.
//!
//! A round trip is what makes a client wait: a simple query, or a Sync, which ends an extended one. Both are
//! counted as they pass, so neither drivers nor pools can hide one.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::db::new_directory;

/// See the module. Its thread ends with the process.
pub struct Wire {
    directory: PathBuf,
    trips: Arc<AtomicUsize>,
}

impl Wire {
    /// A wire to the server of `url`, which names its socket's directory.
    pub fn to(url: &str) -> Self {
        let directory = new_directory();
        let host = url.split_once('@').and_then(|(_, rest)| rest.split_once(':')).unwrap().0;
        let socket = PathBuf::from(percent_decode_str(host).decode_utf8().unwrap().into_owned());
        let socket = socket.join(".s.PGSQL.5432");
        let listener = UnixListener::bind(directory.join(".s.PGSQL.5432")).unwrap();
        let trips = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&trips);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = UnixStream::connect(&socket).unwrap();
                let (answers, back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || pass_on(answers, back));
                let counted = Arc::clone(&counted);
                std::thread::spawn(move || count(client, server, &counted));
            }
        });
        Self { directory, trips }
    }

    /// `url` with this wire in place of its server.
    pub fn url(&self, url: &str) -> String {
        let (before, rest) = url.split_once('@').unwrap();
        let (_, after) = rest.split_once(':').unwrap();
        let here = utf8_percent_encode(self.directory.to_str().unwrap(), NON_ALPHANUMERIC).to_string();
        format!("{before}@{here}:{after}")
    }

    /// Round trips since this was last asked.
    pub fn trips(&self) -> usize {
        self.trips.swap(0, Ordering::SeqCst)
    }
}

fn pass_on(mut from: UnixStream, mut to: UnixStream) {
    let mut buffer = vec![0_u8; 65_536];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// What a client sends is a start without a type, then messages: a type, a length that counts itself, a body.
fn count(mut client: UnixStream, mut server: UnixStream, trips: &AtomicUsize) {
    let mut has_started = false;
    loop {
        let mut message = Vec::new();
        let mut head = vec![0_u8; if has_started { 5 } else { 4 }];
        if client.read_exact(&mut head).is_err() {
            break;
        }
        let length = u32::from_be_bytes(head[head.len() - 4..].try_into().unwrap());
        let mut body = vec![0_u8; length as usize - 4];
        if client.read_exact(&mut body).is_err() {
            break;
        }
        if has_started && matches!(head[0], b'Q' | b'S') {
            trips.fetch_add(1, Ordering::SeqCst);
        }
        has_started = true;
        message.extend(head);
        message.extend(body);
        if server.write_all(&message).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Write);
}
