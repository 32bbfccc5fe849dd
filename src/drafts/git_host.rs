//! A Git host's contents API, as GitHub and Gitea speak it: a file is put into a repository, whose pages show it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use url::Url;

use crate::outgoing::{Call, CallError, Method, Outgoing, Reply};
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub struct GitHost {
    outgoing: Outgoing,
    /// `…/repos/OWNER/NAME`
    repository: Url,
    token: Secret,
}

/// Why a page is not there, in a sentence for its owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotPublished(pub String);

impl GitHost {
    #[must_use]
    pub fn at(outgoing: Outgoing, repository: Url, token: Secret) -> Self {
        Self { outgoing, repository, token }
    }

    fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Reply, NotPublished> {
        let call = Call {
            bearer: Some(self.token.clone()),
            headers: vec![("accept", "application/vnd.github+json".into())],
            ..Call::below(method, &self.repository, path)
        };
        let call = if let Some(body) = body { call.json(body) } else { call };
        self.outgoing.send_blocking(call).map_err(|error| {
            let reason = match error {
                CallError::Refused(reason) | CallError::NotSent(reason) | CallError::Unclear(reason) => {
                    reason
                }
            };
            NotPublished(format!("The Git host can't be asked. {reason}"))
        })
    }

    /// Puts `html` at `path` and answers where it is shown. Doing it twice leaves one file.
    ///
    /// # Errors
    /// Why it is not there.
    pub fn publish(&self, path: &str, html: &str) -> Result<String, NotPublished> {
        let refused = |what: &str, reply: &Reply| {
            let reason = match reply.status {
                401 | 403 => "does not take the token, or the token may not write there",
                404 => "knows no such repository, or the token may not see it",
                409 | 422 => "has another version of the file, and is asked again",
                429 => "asks for patience",
                _ => "did not do it",
            };
            NotPublished(format!("The Git host {reason} ({what}: {}).", reply.status))
        };
        let file = format!("contents/{path}");
        let present = self.ask(Method::GET, &file, None)?;
        let mut body = json!({ "message": format!("Publish {path}"), "content": STANDARD.encode(html) });
        let present = match present.status {
            200 => Some(present.json().unwrap_or_default()),
            404 => None,
            _ => return Err(refused("reading", &present)),
        };
        let mut is_there = false;
        if let Some(present) = present {
            body["sha"] = present["sha"].clone();
            let kept: String = present["content"].as_str().unwrap_or_default().split_whitespace().collect();
            is_there = body["content"] == kept;
        }
        if !is_there {
            let put = self.ask(Method::PUT, &file, Some(&body))?;
            if !put.is_success() {
                return Err(refused("writing", &put));
            }
        }
        let pages = self.ask(Method::GET, "pages", None)?;
        if pages.status == 404 {
            return Err(NotPublished(
                "The repository's pages are not switched on at the Git host; the file is there.".to_owned(),
            ));
        }
        let address = pages.json().and_then(|body| body["html_url"].as_str().map(str::to_owned));
        let address = address
            .and_then(|address| Url::parse(&address).ok())
            .filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(address) = address.filter(|_| pages.is_success()) else {
            return Err(refused("its pages", &pages));
        };
        let url =
            format!("{}/{}", address.as_str().trim_end_matches('/'), path.trim_end_matches("index.html"));
        if url.len() > 500 {
            return Err(NotPublished("The page's address is longer than 500 characters.".to_owned()));
        }
        Ok(url)
    }
}
