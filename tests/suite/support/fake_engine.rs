//! A socket that answers as an engine what a test wants it to, for what a real one can't be made to do.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::db::new_directory;

/// See the module. It answers for as long as the process lives.
pub struct FakeEngine {
    socket: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
}

/// What an answer is written to.
pub struct Reply(UnixStream);

impl FakeEngine {
    /// What `answer` does not know is not there; each request has a thread.
    pub fn start(answer: impl Fn(&str, &mut Reply) -> bool + Send + Sync + 'static) -> Self {
        let socket = new_directory().join("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let (asked, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
        let list = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (list, answer) = (Arc::clone(&list), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let Some(request) = request(&stream) else { return };
                    list.lock().unwrap().push(request.clone());
                    let mut reply = Reply(stream);
                    match request.as_str() {
                        "GET /version" => reply
                            .json(200, r#"{"Version":"27.0","ApiVersion":"1.46","MinAPIVersion":"1.24"}"#),
                        "GET /info" => reply.json(200, r#"{"ID":"FAKE","Name":"fake"}"#),
                        request => {
                            if !answer(request, &mut reply) {
                                reply.json(404, r#"{"message":"there is no such thing here"}"#);
                            }
                        }
                    }
                });
            }
        });
        Self { socket, asked }
    }

    pub fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// "GET /containers/json" and the like, in the order in which they came.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Method and path, without version and query.
fn request(stream: &UnixStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut line, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut first).ok()?;
    while reader.read_line(&mut line).ok()? > 2 {
        if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = told.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    reader.take(length).read_to_end(&mut Vec::new()).ok()?;
    let (method, rest) = first.split_once(' ')?;
    let path = rest.split([' ', '?']).next()?;
    let plain = path.strip_prefix("/v").and_then(|rest| rest.find('/').map(|at| &rest[at..]));
    Some(format!("{method} {}", plain.unwrap_or(path)))
}

impl Reply {
    pub fn json(&mut self, status: u16, body: &str) {
        let _ = write!(
            self.0,
            "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
    }

    /// Begins an answer of pieces.
    pub fn begin(&mut self, media_type: &str) {
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n\r\n");
        let _ = self.0.write_all(head.as_bytes());
    }

    pub fn piece(&mut self, text: &str) {
        let _ = write!(self.0, "{:x}\r\n{text}\r\n", text.len());
    }

    pub fn end(&mut self) {
        let _ = self.0.write_all(b"0\r\n\r\n");
    }

    /// Waits until whoever asked has gone.
    pub fn wait_for_end(&mut self) {
        let _ = self.0.read_to_end(&mut Vec::new());
    }
}
