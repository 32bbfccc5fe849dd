//! Another program that is asked over HTTP, as a test wants it to answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// What was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// With its query.
    pub path: String,
    pub head: String,
    pub body: Value,
}

pub enum Told {
    Json(u16, Value),
    /// Whole, as it goes over the wire.
    Raw(Vec<u8>),
    /// Nothing, and the connection stays open.
    Hang,
    /// The connection ends.
    Cut,
}

impl Told {
    pub fn with(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let mut text =
            format!("HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            text.extend([name, ": ", value, "\r\n"]);
        }
        Self::Raw(format!("{text}\r\n{body}").into_bytes())
    }
}

/// See the module. Dropping it ends it.
pub struct Outside {
    /// Scheme, host and port.
    pub base: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    ends: Arc<AtomicBool>,
}

impl Outside {
    pub fn answering(answer: impl Fn(&Asked) -> Told + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (asked, ends) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (kept, told_to_end, answer) = (Arc::clone(&asked), Arc::clone(&ends), Arc::new(answer));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if told_to_end.load(Ordering::SeqCst) {
                    return;
                }
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                std::thread::spawn(move || serve(client, &kept, &*answer));
            }
        });
        Self { base, asked, ends }
    }

    /// Everything that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.base.trim_start_matches("http://"));
    }
}

fn serve(client: TcpStream, kept: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked) -> Told) {
    let Some(asked) = read(&client) else { return };
    kept.lock().unwrap().push(asked.clone());
    let mut client = client;
    // Who asked may have gone.
    let _ = match answer(&asked) {
        Told::Json(status, body) => {
            let Told::Raw(text) =
                Told::with(status, &[("Content-Type", "application/json")], &body.to_string())
            else {
                return;
            };
            client.write_all(&text)
        }
        Told::Raw(text) => client.write_all(&text),
        Told::Hang => client.read(&mut [0; 1]).map(|_| ()),
        Told::Cut => Ok(()),
    };
}

fn read(client: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(client);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let mut words = head.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(Asked { method, path, body: serde_json::from_slice(&body).unwrap_or(Value::Null), head })
}
