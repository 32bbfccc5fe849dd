//! Styles, scripts and icons: in the binary, named by their content, cached for ever.

use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use crate::error::{AppError, AppResult};
use crate::runtime::hex;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/static");

/// The addresses of what every page needs.
#[derive(Debug)]
pub struct Urls {
    /// All styles in the order of `static/css/ORDER`.
    pub css: String,
    /// `static/js/app.js` and `static/js/live.js`.
    pub js: String,
    /// `static/js/logs.js`, which the page of logs alone has.
    pub logs: String,
    /// `static/js/talk.js`, which the conversation with the assistant alone has.
    pub talk: String,
    /// `static/css/containers.css`, which the pages of a container alone have.
    pub containers: String,
    pub icons: String,
    pub favicon: String,
}

struct Asset {
    name: String,
    content_type: &'static str,
    body: Vec<u8>,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let text = |path: &str| FILES.get_file(path).map(|file| file.contents().to_vec()).unwrap_or_default();
    let order = String::from_utf8(text("css/ORDER")).unwrap_or_default();
    let mut css = Vec::new();
    for path in order.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        css.extend(text(&format!("css/{}", path.trim_start_matches("css/"))));
        css.push(b'\n');
    }
    let script = [text("js/app.js"), text("js/live.js")].concat();
    vec![
        asset("console", "css", "text/css; charset=utf-8", lean(&css)),
        asset("app", "js", "text/javascript; charset=utf-8", lean(&script)),
        asset("i", "svg", "image/svg+xml", text("icons.svg")),
        asset("favicon", "svg", "image/svg+xml", text("favicon.svg")),
        asset("logs", "js", "text/javascript; charset=utf-8", lean(&text("js/logs.js"))),
        asset("containers", "css", "text/css; charset=utf-8", lean(&text("css/containers.css"))),
        asset("talk", "js", "text/javascript; charset=utf-8", lean(&text("js/talk.js"))),
    ]
});

/// Without indentation, empty lines, and comments that have lines of their own: a third less for each first visit.
/// Nothing else is touched, so no text in quotes may go over a line.
fn lean(source: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(source);
    let mut lean = String::with_capacity(text.len());
    let mut goes_on = false;
    for line in text.lines().map(str::trim) {
        let begins = line.starts_with("/*");
        let is_comment = goes_on || begins || line.starts_with("//");
        goes_on = (goes_on || begins) && !line.ends_with("*/");
        if !is_comment && !line.is_empty() {
            lean.push_str(line);
            lean.push('\n');
        }
    }
    lean.into_bytes()
}

fn asset(stem: &str, extension: &str, content_type: &'static str, body: Vec<u8>) -> Asset {
    let mut digest = hex(&Sha256::digest(&body));
    digest.truncate(8);
    Asset { name: format!("{stem}-{digest}.{extension}"), content_type, body }
}

static URLS: LazyLock<Urls> = LazyLock::new(|| {
    let url = |at: usize| ASSETS.get(at).map(|asset| format!("/assets/{}", asset.name)).unwrap_or_default();
    Urls {
        css: url(0),
        js: url(1),
        icons: url(2),
        favicon: url(3),
        logs: url(4),
        containers: url(5),
        talk: url(6),
    }
});

/// The addresses of the current build's files.
#[must_use]
pub fn urls() -> &'static Urls {
    &URLS
}

/// `GET /assets/{name}`
///
/// # Errors
/// 404 for a name of another build.
pub async fn show(name: web::Path<String>) -> AppResult<HttpResponse> {
    let asset = ASSETS.iter().find(|asset| asset.name == *name).ok_or(AppError::NotFound)?;
    Ok(HttpResponse::Ok()
        .content_type(asset.content_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.body.as_slice()))
}

/// `GET /favicon.ico`: browsers ask for it whatever the page says.
pub async fn favicon(_: HttpRequest) -> HttpResponse {
    super::urls::see_other(&URLS.favicon)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_browsers_do_not_read_is_not_sent() {
        let source = b"/* one\n two */\n\n.a {\n\tcolor: red; /* kept */\n}\n\t// said\nlet a = 1; // kept\n/** doc */\nb();\n";
        let lean = String::from_utf8(lean(source)).unwrap();
        assert_eq!(lean, ".a {\ncolor: red; /* kept */\n}\nlet a = 1; // kept\nb();\n");
        for asset in ASSETS.iter().take(2) {
            let text = String::from_utf8_lossy(&asset.body);
            assert_eq!(text.matches('{').count(), text.matches('}').count(), "{}", asset.name);
        }
    }
}
