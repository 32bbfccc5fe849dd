//! Files of a project: a directory, and one file.

pub mod index;
pub mod show;

use actix_web::HttpResponse;
use actix_web::web::Path;

use crate::error::AppResult;
use crate::files::Directory;
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::web::display::visible;
use crate::web::shell::Crumb;
use crate::web::urls;

/// `GET /projects/{id}/files`: a directory; with `file`, one file.
///
/// # Errors
/// 404 for a project or file that the viewer can't see; 400 for a position that makes no sense.
pub async fn show(authed: AuthedRequest, path: Path<String>, query: Query) -> AppResult<HttpResponse> {
    match query.first("file") {
        Some(file) => show::show(authed, path, file.to_owned()).await,
        None => index::index(authed, path, query).await,
    }
}

/// A name as it is shown: paths may part it into nothing.
fn shown_name(name: &str) -> String {
    if name.is_empty() { "(no name)".to_owned() } else { visible(name) }
}

/// The way from the project's root to `directory`, each step a link.
fn steps(action: &str, directory: &Directory) -> Vec<Crumb> {
    let mut steps = vec![Crumb::link("Files", action)];
    steps.extend(directory.steps().into_iter().map(|step| {
        Crumb::link(shown_name(&step.name), urls::with_query(action, &[("path", step.directory.prefix())]))
    }));
    steps
}
