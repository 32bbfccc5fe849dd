//! `GET /users/{id}`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::PgConnection;

use super::fields::UserFields;
use super::{activity_badge, role_label};
use crate::activity::timeline::Known;
use crate::activity::{self, Scope, timeline};
use crate::auth::{password_links, sessions};
use crate::containers;
use crate::db::cursor::PageStart;
use crate::db::ids::UserId;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Field;
use crate::http::session_store;
use crate::identity::{Admin, Role, Viewer};
use crate::projects::queries as projects;
use crate::projects::queries::Filter;
use crate::users::queries::{self, UserView};
use crate::web::activity::display::{Day, DayItem};
use crate::web::activity::presenter::TimelinePresenter;
use crate::web::containers::index::ContainerRow;
use crate::web::display::{Badge, Choice, Meta};
use crate::web::projects::index::ProjectRow;
use crate::web::session_rows::SessionRow;
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::version::{self, Difference};
use crate::web::{path, urls};

/// How many projects, and how many containers, the page shows.
const OWNED: usize = 20;
/// How many entries of their activity.
const LATEST: i64 = 8;
/// What an admin should know who looks at themself.
const SELF: &str = "This is you. Another address signs you out at once. Giving up the admin role, or deactivating \
                    yourself, does so too, and only another admin can undo it.";

#[derive(Debug, Template)]
#[template(path = "users/show.html")]
pub struct UserPage {
    /// The frame.
    pub shell: Shell,
    /// Their name, else their address.
    pub name: String,
    /// Whether they may sign in.
    pub badge: Badge,
    /// Quiet facts.
    pub meta: Vec<Meta>,
    /// Where the form goes.
    pub url: String,
    /// What is wrong with the form as a whole.
    pub errors: Vec<String>,
    /// What an edit must have seen.
    pub updated_at: String,
    pub name_field: Field,
    /// The address.
    pub email_field: Field,
    pub roles: Vec<Choice>,
    pub role_errors: Vec<String>,
    /// Both versions, when somebody else saved meanwhile.
    pub conflict: Vec<Difference>,
    /// What an admin should know who looks at themself.
    pub self_note: Option<&'static str>,
    /// Where they are signed in.
    pub sessions: Vec<SessionRow>,
    /// Where all of them are ended; one's own sessions have a page of their own.
    pub revoke_all_url: Option<String>,
    /// What they own.
    pub projects: Vec<ProjectRow>,
    /// Whether they own more than is shown.
    pub more_projects: bool,
    pub containers: Vec<ContainerRow>,
    /// Whether they own more than is shown.
    pub more_containers: bool,
    /// What they did last.
    pub days: Vec<Day>,
    /// Everything that they did.
    pub activity_url: String,
    /// Where a link to set a password is made.
    pub link_url: String,
    /// What became of the last one, while it matters.
    pub link_note: Option<String>,
    /// Whether they may sign in.
    pub active: bool,
    /// Where that is changed.
    pub state_url: String,
    /// Why it can't be changed.
    pub state_blocked: Option<String>,
}

/// Shows a user.
pub async fn show(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let id = path::id(&authed.request, "id");
    let now = authed.app.clock.now();
    let (viewer, page) =
        authed.read_as_admin(move |conn, admin| UserPage::load(conn, admin, id?, now)).await?;
    page.answer(&authed, &viewer, StatusCode::OK)
}

/// Sends somebody whose own session has just ended to the sign-in page.
#[must_use]
pub fn sign_in_again(authed: &AuthedRequest) -> HttpResponse {
    session_store::forget(&authed.request);
    urls::see_other("/login")
}

fn link_note(newest: password_links::Newest, now: DateTime<Utc>, zone: Tz) -> String {
    let relative = |at| Timestamp::new(at, now, zone).relative;
    match newest {
        password_links::Newest::Waits(end) => format!("A link waits to be used. It ends {}.", relative(end)),
        password_links::Newest::Cancelled(at) => {
            format!("The last link was cancelled {}: address, role, password or state changed.", relative(at))
        }
    }
}

impl UserPage {
    /// Reads the user with what belongs to them.
    ///
    /// # Errors
    /// [`AppError::NotFound`], or when a statement fails.
    pub fn load(conn: &mut PgConnection, admin: &Admin, id: UserId, now: DateTime<Utc>) -> AppResult<Self> {
        let (user, link) = queries::with_newest_link(conn, id)?.ok_or(AppError::NotFound)?;
        let living = sessions::living(conn, id)?;
        let filter = Filter { owner: Some(id), ..Filter::default() };
        let owned = projects::page(conn, &filter, &PageStart::Start, OWNED)?;
        let filter = containers::queries::Filter { owner: Some(id), ..Default::default() };
        let held = containers::queries::page(conn, &filter, &PageStart::Start, OWNED)?;
        let mut filter = activity::Filter { limit: LATEST, ..activity::Filter::none(admin.zone) };
        filter.actors.only.push(id.to_string());
        let latest =
            timeline::page(conn, Scope::Everything, &filter, &Known::default(), now.timestamp_millis())?;
        let is_last =
            Role::from_stored(&user.role) == Role::Admin && !queries::another_admin_can_sign_in(conn, id)?;
        let mut page = Self::of(&user, now, admin.zone);
        let row = |line: &sessions::SessionLine| {
            let revoke_url = urls::revoke_session_of(id, line.id);
            SessionRow::new(line, admin.session, revoke_url, now, admin.zone)
        };
        page.sessions = living.iter().map(row).collect();
        page.projects = owned.rows.iter().map(|line| ProjectRow::new(line, now, admin.zone)).collect();
        page.more_projects = owned.has_next;
        page.containers = held.rows.iter().map(|line| ContainerRow::new(line, now, admin.zone)).collect();
        page.more_containers = held.has_next;
        page.days = TimelinePresenter::of(admin, now).days(&latest);
        if id == admin.id {
            page.self_note = Some(SELF);
            page.revoke_all_url = None;
        }
        page.link_note = link.map(|newest| link_note(newest, now, admin.zone));
        page.state_blocked = is_last.then(|| "This is the last admin who can sign in.".to_owned());
        Ok(page)
    }

    pub fn of(user: &UserView, now: DateTime<Utc>, zone: Tz) -> Self {
        let said =
            |what: &str, at: DateTime<Utc>| format!("{what} {}", Timestamp::new(at, now, zone).relative);
        let signed_in =
            user.last_login.map_or_else(|| "never signed in".to_owned(), |at| said("signed in", at));
        let mut meta =
            vec![Meta::text(role_label(&user.role)), Meta::text(&user.email), Meta::text(signed_in)];
        meta.extend(user.created_at.map(|at| Meta::text(said("created", at))));
        let role = Role::from_stored(&user.role).as_str();
        let fields = UserFields {
            email: Field::of(&user.email),
            name: Field::of(user.name.clone().unwrap_or_default()),
            role: Field::of(role),
            ..UserFields::default()
        };
        Self {
            shell: Shell::anonymous(user.display_name()),
            name: user.display_name().to_owned(),
            badge: activity_badge(user.is_active()),
            meta,
            url: urls::user(user.id),
            errors: Vec::new(),
            updated_at: version::text(user.updated_at),
            roles: fields.roles(),
            name_field: fields.name,
            email_field: fields.email,
            role_errors: Vec::new(),
            conflict: Vec::new(),
            self_note: None,
            sessions: Vec::new(),
            revoke_all_url: Some(urls::user_part(user.id, "sessions/revoke")),
            projects: Vec::new(),
            more_projects: false,
            containers: Vec::new(),
            more_containers: false,
            days: Vec::new(),
            activity_url: urls::with_query("/activity", &[("actor", user.id.to_string())]),
            link_url: urls::user_part(user.id, "link"),
            link_note: None,
            active: user.is_active(),
            state_url: urls::user_part(user.id, if user.is_active() { "deactivate" } else { "activate" }),
            state_blocked: None,
        }
    }

    /// The page with `fields` in place of what is stored.
    #[must_use]
    pub fn with(mut self, fields: UserFields) -> Box<Self> {
        self.roles = fields.roles();
        self.errors = fields.errors;
        self.name_field = fields.name;
        self.email_field = fields.email;
        self.role_errors = fields.role.errors;
        Box::new(self)
    }

    /// The page in `viewer`'s frame.
    pub fn answer(
        mut self,
        authed: &AuthedRequest,
        viewer: &Viewer,
        status: StatusCode,
    ) -> AppResult<HttpResponse> {
        let way = vec![Crumb::link("Users", "/users"), Crumb::here(&self.name)];
        self.shell = authed.shell(viewer, &self.name).with_breadcrumbs(way);
        authed.page(status, &self)
    }
}
