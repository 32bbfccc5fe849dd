//! `GET /users/new`, `POST /users`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use diesel::{Connection, PgConnection};

use super::fields::{UserFields, UserForm};
use super::link::OneTimeLink;
use crate::auth::password_links;
use crate::db::SecretHash;
use crate::db::ids::UserId;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::{Field, Form};
use crate::identity::Principal;
use crate::users::commands::{self, ChangeError};
use crate::web::display::Choice;
use crate::web::shell::{Crumb, Shell};

#[derive(Debug, Template)]
#[template(path = "users/new.html")]
pub struct NewUserPage {
    /// The frame.
    pub shell: Shell,
    /// What is wrong with the form as a whole.
    pub errors: Vec<String>,
    pub name_field: Field,
    /// The address.
    pub email_field: Field,
    pub roles: Vec<Choice>,
    pub role_errors: Vec<String>,
}

/// Shows an empty form.
pub async fn new(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let (viewer, ()) = authed.read_as_admin(|_, _| Ok(())).await?;
    let fields = UserForm { role: "owner".to_owned(), ..UserForm::default() }.fields();
    let shell = authed.shell(&viewer, "New user").with_breadcrumbs(breadcrumbs());
    authed.page(StatusCode::OK, &NewUserPage::of(shell, fields))
}

/// Creates the user with a link to set a password, and leads to the page that shows it.
pub async fn create(authed: AuthedRequest, form: Form<UserForm>) -> AppResult<HttpResponse> {
    let link = OneTimeLink::new(&authed);
    let (principal, hash) = (authed.principal(), link.hash());
    let (viewer, outcome) = authed
        .write_as_admin(move |conn, admin| create_user(conn, &principal(admin), &form.0, &hash))
        .await?;
    match outcome {
        Ok(id) => Ok(link.hand_over(&authed, id)),
        Err(fields) => {
            let shell = authed.shell(&viewer, "New user").with_breadcrumbs(breadcrumbs());
            authed.page(StatusCode::UNPROCESSABLE_ENTITY, &NewUserPage::of(shell, fields))
        }
    }
}

/// A user with a link to set a password; or the form's fields with what is wrong.
pub(in crate::web) fn create_user(
    conn: &mut PgConnection,
    principal: &Principal,
    form: &UserForm,
    hash: &SecretHash,
) -> AppResult<Result<UserId, UserFields>> {
    let user = match form.check(None) {
        Ok(user) => user,
        Err(fields) => return Ok(Err(*fields)),
    };
    // A savepoint: a refused INSERT must not abort the transaction.
    let created = conn.transaction(|conn| {
        let id = commands::create(conn, principal, &user.email, &user.name, user.role, None)?;
        password_links::make(conn, principal, id, hash)?;
        Ok::<_, ChangeError>(id)
    });
    match created {
        Ok(id) => Ok(Ok(id)),
        Err(error) => Ok(Err(form.fields().refused(error).map_err(AppError::from)?)),
    }
}

fn breadcrumbs() -> Vec<Crumb> {
    vec![Crumb::link("Users", "/users"), Crumb::here("New user")]
}

impl NewUserPage {
    pub fn of(shell: Shell, fields: UserFields) -> Self {
        Self {
            shell,
            roles: fields.roles(),
            errors: fields.errors,
            name_field: fields.name,
            email_field: fields.email,
            role_errors: fields.role.errors,
        }
    }
}
