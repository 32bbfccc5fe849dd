//! Single requests, for everything that is not load.

use std::io::{Read, Write};
use std::net::TcpStream;

/// What came back.
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<String> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    }
}

fn send(base: &str, head: &str, body: &str) -> TcpStream {
    let host = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "{head}Host: {host}\r\nConnection: close\r\n\r\n{body}").unwrap();
    stream
}

fn read(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    Answer { status, body: bytes.split_off(end + 4), head }
}

/// `GET path` with a `Cookie` header.
pub fn get(base: &str, path: &str, cookie: &str) -> Answer {
    read(send(base, &format!("GET {path} HTTP/1.1\r\nCookie: {cookie}\r\n"), ""))
}

fn post_head(base: &str, path: &str, cookie: &str, form: &str) -> String {
    let cookie = if cookie.is_empty() { String::new() } else { format!("Cookie: {cookie}\r\n") };
    format!(
        "POST {path} HTTP/1.1\r\n{cookie}Origin: {base}\r\nSec-Fetch-Site: same-origin\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
        form.len()
    )
}

/// Sends a form.
pub fn post(base: &str, path: &str, cookie: &str, form: &str) -> Answer {
    read(send(base, &post_head(base, path, cookie, form), form))
}

/// Sends a form, and throws away what comes back: answers with its status and its length in bytes.
pub fn drain(base: &str, path: &str, cookie: &str, form: &str) -> (u16, u64) {
    let mut stream = send(base, &post_head(base, path, cookie, form), form);
    let mut chunk = vec![0; 1 << 16];
    let (mut status, mut bytes) = (0, 0);
    loop {
        match stream.read(&mut chunk).unwrap() {
            0 => return (status, bytes),
            length => {
                if bytes == 0 {
                    let line = String::from_utf8_lossy(&chunk[..length.min(64)]).into_owned();
                    status = line.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
                }
                bytes += length as u64;
            }
        }
    }
}

/// An answer that goes on.
pub struct Stream(TcpStream);

impl Stream {
    pub fn open(base: &str, path: &str, cookie: &str) -> Self {
        let stream = send(base, &format!("GET {path} HTTP/1.1\r\nCookie: {cookie}\r\n"), "");
        stream.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
        Self(stream)
    }

    /// Reads on until `word` comes, or nothing for a while.
    pub fn wait_for(&mut self, word: &str) {
        let (mut chunk, mut seen) = (vec![0; 1 << 14], String::new());
        while let Ok(read) = self.0.read(&mut chunk) {
            seen.push_str(&String::from_utf8_lossy(&chunk[..read]));
            if read == 0 || seen.contains(word) {
                return;
            }
        }
    }
}
