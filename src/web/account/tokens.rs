//! `GET|POST /account/tokens`, `POST /account/tokens/{id}/revoke`
//!
//! A token is in the answer to the form that makes it and nowhere else: in no cookie, in no address, in no table.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use diesel::PgConnection;

use crate::db::SecretHash;
use crate::db::ids::{ProjectId, TokenId};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::{Field, Form};
use crate::identity::{Role, Viewer};
use crate::tokens::commands::{self, LONGEST_DAYS, NewToken, Reach, TokenError};
use crate::tokens::{Scope, TokenName, TokenScopes, new_secret, queries};
use crate::web::display::{Choice, Tab};
use crate::web::shell::{Crumb, Shell};
use crate::web::tokens::TokenRow;
use crate::web::{path, urls};

/// How long a token lives unless its maker says otherwise.
const USUAL_DAYS: &str = "90";

/// The viewer's tokens, and the form that makes one.
#[derive(Debug, Template)]
#[template(path = "account/tokens.html")]
pub struct OwnTokensPage {
    /// The frame.
    pub shell: Shell,
    /// Account, sessions, tokens.
    pub tabs: Vec<Tab>,
    /// The token that was just made, this once.
    pub made: Option<String>,
    /// What is wrong with the form that was sent.
    pub errors: Vec<String>,
    pub name_field: Field,
    pub scopes: Vec<Choice>,
    pub projects: Vec<Choice>,
    pub reach_errors: Vec<String>,
    pub scope_errors: Vec<String>,
    pub days: Field,
    /// Whether the viewer may make one for all projects.
    pub is_admin: bool,
    pub all_projects: bool,
    pub tokens: Vec<TokenRow>,
    /// Whether rows say who made them.
    pub shows_maker: bool,
}

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    name: String,
    scopes: Vec<String>,
    projects: Vec<String>,
    all_projects: bool,
    days: String,
}

impl Typed {
    /// # Errors
    /// A sentence: scopes and projects may come several times, nothing else.
    fn of(pairs: Vec<(String, String)>) -> Result<Self, String> {
        let mut typed = Self::default();
        let mut single: Vec<String> = Vec::new();
        for (name, value) in pairs {
            match name.as_str() {
                "scope" | "scopes" => typed.scopes.push(value),
                "project" | "projects" | "project_id" => typed.projects.push(value),
                _ if single.contains(&name) => return Err(format!("The field {name:?} came twice.")),
                "name" => typed.name = value,
                "all_projects" => typed.all_projects = value == "true",
                "days" => typed.days = value,
                _ => {}
            }
            single.push(name);
        }
        Ok(typed)
    }
}

/// The viewer's tokens and projects.
type Held = (Vec<queries::TokenLine>, Vec<(ProjectId, String)>);

fn held(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Held> {
    Ok((queries::list(conn, Some(viewer.id))?, queries::choices(conn)?))
}

/// Lists the viewer's tokens.
pub async fn index(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let (viewer, held) = authed.read(held).await?;
    let typed = Typed {
        scopes: vec!["read".to_owned(), "report".to_owned()],
        days: USUAL_DAYS.to_owned(),
        ..Typed::default()
    };
    OwnTokensPage::of(&authed, &viewer, held, &typed).answer(&authed, StatusCode::OK)
}

/// Makes a token and shows it, this once.
pub async fn create(authed: AuthedRequest, form: Form<Vec<(String, String)>>) -> AppResult<HttpResponse> {
    let typed = Typed::of(form.0).map_err(AppError::BadRequest)?;
    let (principal, secret) = (authed.principal(), new_secret(authed.app.entropy));
    let hash = SecretHash::of(&secret);
    let sent = typed.clone();
    let (viewer, outcome) = authed
        .write(move |conn, viewer| {
            let refused = match read(&sent, viewer) {
                Err(refused) => refused,
                Ok(new) => {
                    let of_admin = viewer.role == Role::Admin;
                    match commands::make(conn, &principal(viewer), &new, of_admin, &hash) {
                        Ok(_) => return Ok(Ok(held(conn, viewer)?)),
                        Err(error) => Refused { reach: vec![reach_error(error)?], ..Refused::default() },
                    }
                }
            };
            Ok(Err((held(conn, viewer)?, refused)))
        })
        .await?;
    match outcome {
        Ok(held) => {
            let empty = Typed { days: USUAL_DAYS.to_owned(), ..Typed::default() };
            let page =
                OwnTokensPage { made: Some(secret), ..OwnTokensPage::of(&authed, &viewer, held, &empty) };
            page.answer(&authed, StatusCode::OK)
        }
        Err((held, refused)) => {
            let mut page = OwnTokensPage::of(&authed, &viewer, held, &typed);
            page.errors = vec!["No token was made. Check the marked fields.".to_owned()];
            page.name_field.errors = refused.name;
            page.scope_errors = refused.scopes;
            page.reach_errors = refused.reach;
            page.days.errors = refused.days;
            page.answer(&authed, StatusCode::UNPROCESSABLE_ENTITY)
        }
    }
}

/// What is wrong, field by field.
#[derive(Debug, Default)]
struct Refused {
    name: Vec<String>,
    scopes: Vec<String>,
    reach: Vec<String>,
    days: Vec<String>,
}

fn reach_error(error: TokenError) -> AppResult<String> {
    Ok(match error {
        TokenError::NoProject => "Choose at least one project.".to_owned(),
        TokenError::NoSuchProject => "A project does not exist, or it is not yours.".to_owned(),
        TokenError::AllIsForAdmins => "Only admins make tokens for all projects.".to_owned(),
        TokenError::NotFound => return Err(AppError::NotFound),
        TokenError::Query(error) => return Err(error.into()),
    })
}

fn read(typed: &Typed, viewer: &Viewer) -> Result<NewToken, Refused> {
    let name = TokenName::parse(&typed.name);
    let scopes = TokenScopes::parse(typed.scopes.iter().map(String::as_str));
    let projects: Result<Vec<ProjectId>, _> = typed.projects.iter().map(|id| id.trim().parse()).collect();
    let projects = projects.map_err(|_| "A project does not exist, or it is not yours.".to_owned());
    let days = match typed.days.trim() {
        "" => Ok(None),
        text => text.parse().ok().filter(|days| (1..=LONGEST_DAYS).contains(days)).map(Some).ok_or_else(|| {
            format!("Enter a number of days from 1 to {LONGEST_DAYS}, or leave it empty for a token that does not expire.")
        }),
    };
    match (name, scopes, projects, days) {
        (Ok(name), Ok(scopes), Ok(projects), Ok(days)) => {
            let reach = if typed.all_projects { Reach::All } else { Reach::Projects(projects) };
            Ok(NewToken { name, scopes, reach, maker: Some(viewer.id), days })
        }
        (name, scopes, projects, days) => Err(Refused {
            name: name.err().into_iter().collect(),
            scopes: scopes.err().into_iter().collect(),
            reach: projects.err().into_iter().collect(),
            days: days.err().into_iter().collect(),
        }),
    }
}

/// Ends one of the viewer's tokens; an admin ends anybody's.
///
/// # Errors
/// 404 for a token that is not theirs.
pub async fn revoke(authed: AuthedRequest, form: Form<Vec<(String, String)>>) -> AppResult<HttpResponse> {
    let token = path::id::<TokenId>(&authed.request, "id");
    let principal = authed.principal();
    let (_, name) = authed
        .write(move |conn, viewer| {
            commands::revoke(conn, &principal(viewer), token?).map_err(|error| match error {
                TokenError::Query(error) => error.into(),
                _ => AppError::NotFound,
            })
        })
        .await?;
    let here = form.0.iter().any(|(name, value)| name == "from" && value == "all");
    let back = if here { "/tokens" } else { urls::OWN_TOKENS };
    Ok(authed.redirect_with_notice(back, format!("{name} is revoked. It works nowhere any more.")))
}

impl OwnTokensPage {
    fn of(authed: &AuthedRequest, viewer: &Viewer, (lines, projects): Held, typed: &Typed) -> Self {
        let way = vec![Crumb::link("Account", "/account"), Crumb::here("Tokens")];
        let shell = authed.shell(viewer, "Tokens").with_breadcrumbs(way);
        let now = authed.app.clock.now();
        let rows = lines.iter().map(|line| TokenRow::new(line, now, viewer.zone)).collect();
        let projects: Vec<_> = projects.into_iter().map(|(id, name)| (id.to_string(), name)).collect();
        Self::with(shell, viewer.role == Role::Admin, rows, &projects, typed)
    }

    #[must_use]
    pub fn with(
        shell: Shell,
        is_admin: bool,
        tokens: Vec<TokenRow>,
        projects: &[(String, String)],
        typed: &Typed,
    ) -> Self {
        let chosen = |value: &str, label: &str, of: &[String]| Choice {
            value: value.to_owned(),
            label: label.to_owned(),
            chosen: of.iter().any(|own| own == value),
        };
        Self {
            shell,
            tabs: super::tabs(urls::OWN_TOKENS),
            made: None,
            errors: Vec::new(),
            name_field: Field::of(&typed.name),
            scopes: Scope::ALL.map(|scope| chosen(scope.as_str(), scope.label(), &typed.scopes)).to_vec(),
            projects: projects.iter().map(|(id, name)| chosen(id, name, &typed.projects)).collect(),
            reach_errors: Vec::new(),
            scope_errors: Vec::new(),
            days: Field::of(&typed.days),
            is_admin,
            all_projects: typed.all_projects,
            tokens,
            shows_maker: false,
        }
    }

    fn answer(self, authed: &AuthedRequest, status: StatusCode) -> AppResult<HttpResponse> {
        authed.page(status, &self)
    }
}
