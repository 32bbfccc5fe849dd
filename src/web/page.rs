//! The page half of a request: what it answers with, and the message that waits for it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use diesel::PgConnection;

use super::flash::{self, Flash};
use super::shell::Shell;
use super::urls;
use crate::db::ids::ProjectId;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::headers::Nonce;
use crate::identity::Viewer;
use crate::projects::deletion::{self, ProjectOrTombstone};
use crate::projects::{self, queries::ProjectView};

impl AuthedRequest {
    /// [`AuthedRequest::read`] for a page of one project, which is found in the round trip that finds the viewer; what is
    /// left of one whose row is gone takes another.
    ///
    /// # Errors
    /// What `work` answers; [`AppError::NotFound`] for a project that the viewer can't see.
    pub async fn read_project<T, F>(
        &self,
        id: ProjectId,
        work: F,
    ) -> AppResult<(Viewer, (ProjectOrTombstone, T))>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection, &Viewer, &ProjectOrTombstone) -> AppResult<T> + Send + 'static,
    {
        let find = move |conn: &mut PgConnection| projects::visited::find_with_viewer(conn, id);
        let work = move |conn: &mut PgConnection, viewer: &Viewer, project: Option<ProjectView>| {
            let project = match project {
                Some(project) => ProjectOrTombstone::Project(Box::new(project)),
                None => {
                    ProjectOrTombstone::Tombstone(deletion::tombstone(conn, id)?.ok_or(AppError::NotFound)?)
                }
            };
            let value = work(conn, viewer, &project)?;
            Ok((project, value))
        };
        self.read_found(find, work).await
    }

    /// The frame of a page for `viewer`, with the flash message that waits for them, if any.
    #[must_use]
    pub fn shell(&self, viewer: &Viewer, title: impl Into<String>) -> Shell {
        let mut shell = Shell::for_viewer(viewer, title, self.request.path());
        shell.nonce = Nonce::of(&self.request);
        self.request.uri().path_and_query().map_or("/", |here| here.as_str()).clone_into(&mut shell.here);
        // It is for whoever comes next, not for a page that asks again by itself.
        if !self.is_of_a_page_itself() {
            shell.flash = flash::waiting(&self.app, &self.request);
        }
        shell
    }

    pub fn page(&self, status: StatusCode, page: &impl Template) -> AppResult<HttpResponse> {
        let mut response = render(status, page)?;
        if flash::waits(&self.app, &self.request) && !self.is_of_a_page_itself() {
            flash::clear(&self.app, &mut response);
        }
        Ok(response)
    }

    /// Sends the browser to `location`, where `text` is shown.
    #[must_use]
    pub fn redirect_with_notice(&self, location: &str, text: impl Into<String>) -> HttpResponse {
        self.redirect_with(location, Flash::good(text))
    }

    /// Sends the browser to `location`, where `flash` is shown.
    #[must_use]
    pub fn redirect_with(&self, location: &str, flash: Flash) -> HttpResponse {
        let mut response = urls::see_other(location);
        flash::leave(&self.app, &mut response, &flash.for_session(&self.credential));
        response
    }
}

/// A page that takes back a form with what is wrong in it says so at the beginning of its title, which is what readers
/// hear first and what a tab shows.
const REFUSED: [StatusCode; 3] =
    [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::CONFLICT, StatusCode::TOO_MANY_REQUESTS];

/// Bytes for a page at first: a timeline of fifty entries has 48 KB, and no copy is made while it grows.
const ROOM: usize = 64 * 1024;

/// Renders `page` with `status`, for pages without a viewer.
pub fn render(status: StatusCode, page: &impl Template) -> AppResult<HttpResponse> {
    let mut html = String::with_capacity(ROOM);
    page.render_into(&mut html).map_err(|error| AppError::Internal(error.into()))?;
    if REFUSED.contains(&status)
        && let Some(at) = html.find("<title>")
    {
        html.insert_str(at + "<title>".len(), "Error: ");
    }
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html))
}
