//! A connection that says what it likes, byte by byte, and reads what comes back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use socket2::{Domain, Socket, Type};

use super::answer::Answer;
use super::console::Console;
use super::person::Person;

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// See the module.
pub struct Wire {
    stream: BufReader<TcpStream>,
}

impl Wire {
    /// A new connection to `console`.
    pub fn open(console: &Console) -> Self {
        Self::from(TcpStream::connect(console.base.trim_start_matches("http://")).unwrap())
    }

    /// A connection whose system holds as little as possible of what comes.
    pub fn narrow(console: &Console) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let address: std::net::SocketAddr = console.base.trim_start_matches("http://").parse().unwrap();
        socket.connect(&address.into()).unwrap();
        Self::from(TcpStream::from(socket))
    }

    fn from(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// Sends `bytes`. Answers whether the other side still takes them.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.get_mut().write_all(bytes.as_ref()).is_ok()
    }

    /// Sends `bytes` one by one, `pause` apart, until the other side takes no more or all are sent.
    pub fn trickle(&mut self, bytes: impl AsRef<[u8]>, pause: Duration) -> bool {
        bytes.as_ref().iter().all(|byte| {
            std::thread::sleep(pause);
            self.send([*byte])
        })
    }

    /// At most `bytes` of what comes; fewer at the end.
    pub fn read(&mut self, bytes: usize) -> Vec<u8> {
        let mut read = Vec::new();
        let _ = self.stream.by_ref().take(bytes as u64).read_to_end(&mut read);
        read
    }

    /// The next answer, checked as every answer is; nothing when the connection has ended.
    #[track_caller]
    pub fn answer(&mut self, what: &str) -> Option<Answer> {
        let mut line = String::new();
        self.stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let status = line.split(' ').nth(1).unwrap_or_default().parse().unwrap_or_else(|_| panic!("{line}"));
        let mut headers = HeaderMap::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let body = if text("transfer-encoding").is_some() {
            self.chunks()
        } else if let Some(length) = text("content-length") {
            self.read(length.parse().unwrap())
        } else {
            Vec::new()
        };
        let body = String::from_utf8_lossy(&body).into_owned();
        let answer = Answer::new(what.to_owned(), status, headers, body);
        answer.check();
        Some(answer)
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).unwrap_or(0) == 0 {
                return body;
            }
            let length = usize::from_str_radix(line.trim(), 16).unwrap();
            body.extend(self.read(length));
            self.read(2);
            if length == 0 {
                return body;
            }
        }
    }

    /// Waits until the other side has ended the connection, and drops what still comes.
    #[track_caller]
    pub fn expect_end(&mut self, what: &str) {
        let mut rest = Vec::new();
        if let Err(error) = self.stream.read_to_end(&mut rest) {
            let was_reset = error.kind() == std::io::ErrorKind::ConnectionReset;
            assert!(was_reset, "{what}: the connection was not ended: {error}");
        }
    }
}

/// The head of a request of `person` to `path`, without its last empty line.
pub fn head(console: &Console, person: &Person, method: &str, path: &str) -> String {
    let host = console.base.trim_start_matches("http://");
    let name = console.cookie_name();
    let cookie = person.cookie(&name).map(|value| format!("Cookie: {name}={value}\r\n")).unwrap_or_default();
    format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {}\r\n{cookie}", console.base)
}
