//! What leaves this machine: one client for everything that is asked over HTTP.
//!
//! Addresses are checked when a connection is made, so that no name leads into this machine's own networks, also one that
//! changes its mind: whatever is not on the internet has to be in `PILOTHOUSE_PRIVATE_TARGETS`, and only what is there may
//! be asked without TLS. No redirect is followed, no proxy is asked, and an answer has a deadline and a bound.

mod address;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ipnetwork::IpNetwork;
pub use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use tokio::runtime::Runtime;
use url::Url;

use crate::secret::Secret;
use address::Checked;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// Something that is asked.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub url: Url,
    /// `Authorization: Bearer …`
    pub bearer: Option<Secret>,
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// JSON, unless a header says otherwise.
    pub body: Option<Vec<u8>>,
    /// For all of it.
    pub deadline: Duration,
    /// Bytes of an answer at most.
    pub most: usize,
}

impl Call {
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        let (deadline, most) = (Duration::from_secs(20), 256 * 1024);
        Self { method, url, bearer: None, headers: Vec::new(), body: None, deadline, most }
    }

    /// Of what lies at `path` below `url`.
    #[must_use]
    pub fn below(method: Method, url: &Url, path: &str) -> Self {
        let mut whole = url.clone();
        whole.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        Self::new(method, whole)
    }

    #[must_use]
    pub fn json(self, body: &serde_json::Value) -> Self {
        Self { body: Some(body.to_string().into_bytes()), ..self }
    }
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.trim().parse().ok()
    }

    /// The body as JSON, when it is that.
    #[must_use]
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It may not be asked from here.
    #[error("{0}")]
    Refused(String),
    /// Nothing was sent.
    #[error("{0}")]
    NotSent(String),
    /// It may have been asked, and may have done it.
    #[error("{0}")]
    Unclear(String),
}

/// Lets TLS of this process be ring's; more than once is once.
pub fn use_ring() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// See the module. Clones share their connections.
#[derive(Clone)]
pub struct Outgoing(Arc<Shared>);

struct Shared {
    allowed: Vec<IpNetwork>,
    ready: Mutex<Option<Ready>>,
}

/// Made when something is asked for the first time: most consoles never do.
#[derive(Clone)]
struct Ready {
    runtime: Arc<Runtime>,
    client: reqwest::Client,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("allowed", &self.0.allowed).finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let ready = self.ready.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runtime) = ready.and_then(|ready| Arc::into_inner(ready.runtime)) {
            // Also where nobody may block.
            runtime.shutdown_background();
        }
    }
}

impl Outgoing {
    #[must_use]
    pub fn to(allowed: Vec<IpNetwork>) -> Self {
        Self(Arc::new(Shared { allowed, ready: Mutex::new(None) }))
    }

    /// Asks, and waits for the answer, on a thread that may block.
    ///
    /// # Errors
    /// That there is none, and whether something was sent.
    pub fn send_blocking(&self, call: Call) -> Result<Reply, CallError> {
        address::check_url(&call.url, &self.0.allowed).map_err(CallError::Refused)?;
        let ready = self.ready().map_err(CallError::NotSent)?;
        ready.runtime.block_on(send(&ready.client, call))
    }

    fn ready(&self) -> Result<Ready, String> {
        let mut ready = self.0.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = &*ready {
            return Ok(ready.clone());
        }
        use_ring();
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(Checked::new(self.0.allowed.clone())))
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT)
            .user_agent(concat!("pilothouse/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("outgoing")
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        Ok(ready.insert(Ready { runtime: Arc::new(runtime), client }).clone())
    }
}

async fn send(client: &reqwest::Client, call: Call) -> Result<Reply, CallError> {
    let mut headers = HeaderMap::new();
    for (name, value) in call.headers {
        let value = HeaderValue::from_str(&value)
            .map_err(|_| CallError::Refused(format!("No header can carry what {name} would say.")))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    if let Some(bearer) = &call.bearer {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", bearer.reveal()))
            .map_err(|_| CallError::Refused("The key holds what no header can carry.".to_owned()))?;
        value.set_sensitive(true);
        headers.insert(reqwest::header::AUTHORIZATION, value);
    }
    if call.body.is_some() {
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    }
    let mut request = client.request(call.method, call.url).headers(headers).timeout(call.deadline);
    if let Some(body) = call.body {
        request = request.body(body);
    }
    let mut response = request.send().await.map_err(|error| failure(&error))?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| failure(&error))? {
        if body.len() + piece.len() > call.most {
            return Err(CallError::Unclear(format!("The answer has more than {} kB.", call.most / 1024)));
        }
        body.extend_from_slice(&piece);
    }
    Ok(Reply { status, headers, body })
}

/// In words, without the address: it may hold a secret.
fn failure(error: &reqwest::Error) -> CallError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if let Some(refused) = cause.downcast_ref::<address::Private>() {
        return CallError::Refused(refused.to_string());
    }
    if error.is_connect() {
        return CallError::NotSent(format!("No connection could be made: {cause}."));
    }
    if error.is_timeout() {
        return CallError::Unclear("It did not answer in time.".to_owned());
    }
    CallError::Unclear(format!("The connection broke: {cause}."))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    fn ask(url: &str, allowed: &[&str]) -> Result<Reply, CallError> {
        let allowed = allowed.iter().map(|network| network.parse().unwrap()).collect();
        let mut call = Call::new(Method::GET, Url::parse(url).unwrap());
        call.deadline = Duration::from_secs(2);
        Outgoing::to(allowed).send_blocking(call)
    }

    #[test]
    fn a_path_is_added_to_an_address_with_and_without_one() {
        for (address, whole) in [
            ("https://x.test", "https://x.test/chat/completions"),
            ("https://x.test/v1/", "https://x.test/v1/chat/completions"),
        ] {
            let call = Call::below(Method::POST, &Url::parse(address).unwrap(), "chat/completions");
            assert_eq!(call.url.as_str(), whole);
        }
    }

    #[test]
    fn nothing_private_is_asked_unless_it_is_allowed_and_a_redirect_is_an_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in
            ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1"]
        {
            for scheme in ["http", "https"] {
                let refused = ask(&format!("{scheme}://{host}:{port}/"), &[]);
                assert!(matches!(refused, Err(CallError::Refused(_))), "{scheme} {host}: {refused:?}");
            }
        }
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "nobody came");

        listener.set_nonblocking(false).unwrap();
        let server = std::thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut buffer = [0; 1024];
            let _ = client.read(&mut buffer).unwrap();
            client
                .write_all(
                    b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 2\r\n\r\nno",
                )
                .unwrap();
        });
        let reply = ask(&format!("http://localhost:{port}/"), &["127.0.0.0/8", "::1/128"]).unwrap();
        assert_eq!((reply.status, &reply.body[..]), (302, &b"no"[..]));
        server.join().unwrap();
        let gone = ask(&format!("http://127.0.0.1:{port}/"), &["127.0.0.0/8"]);
        assert!(matches!(gone, Err(CallError::NotSent(_))), "{gone:?}");
    }
}
