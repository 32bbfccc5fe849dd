//! `GET /account`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::auth::password;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Field;
use crate::identity::{Theme, Viewer};
use crate::web::display::{Choice, Tab};
use crate::web::shell::{Crumb, Shell};
use crate::web::version::{self, Difference};

/// Profile, password and preferences. Each has a form of its own; what one refuses is shown on this page.
#[derive(Debug, Template)]
#[template(path = "account/show.html")]
pub struct AccountPage {
    /// The frame.
    pub shell: Shell,
    /// Account and sessions.
    pub tabs: Vec<Tab>,
    /// What is wrong with the form that was sent.
    pub errors: Vec<String>,
    pub name_field: Field,
    /// The address.
    pub email: String,
    pub current_password_errors: Vec<String>,
    /// What is wrong with the new password.
    pub password_errors: Vec<String>,
    /// The rule for passwords.
    pub password_hint: String,
    /// The version of the profile that was read.
    pub updated_at: String,
    /// Both versions, when the profile was saved elsewhere meanwhile.
    pub conflict: Vec<Difference>,
    pub time_zone: Field,
    pub time_zone_hint: String,
    /// Every time zone, with how far it is from UTC.
    pub time_zones: Vec<Choice>,
    /// What is wrong with the theme.
    pub theme_errors: Vec<String>,
    /// Every theme.
    pub themes: Vec<Choice>,
    /// Whether single keys act on pages.
    pub shortcuts: Vec<Choice>,
    /// What is wrong with that.
    pub shortcut_errors: Vec<String>,
}

/// The rule for passwords, in a sentence.
#[must_use]
pub fn password_hint() -> String {
    format!("At least {} characters. A few words are easier to remember.", password::SHORTEST)
}

/// Shows the viewer's account.
pub async fn show(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let (viewer, ()) = authed.read(|_, _| Ok(())).await?;
    AccountPage::of(&viewer, authed.app.clock.now()).answer(&authed, &viewer, StatusCode::OK)
}

impl AccountPage {
    #[must_use]
    pub fn of(viewer: &Viewer, now: DateTime<Utc>) -> Self {
        let name = viewer.name.as_deref().unwrap_or_default();
        let choices = (viewer.theme, viewer.shortcuts);
        Self {
            updated_at: version::text(viewer.updated_at),
            ..Self::with(name, &viewer.email, viewer.zone, choices, now)
        }
    }

    pub fn with(
        name: &str,
        email: &str,
        zone: Tz,
        (theme, shortcuts): (Theme, bool),
        now: DateTime<Utc>,
    ) -> Self {
        let local = now.with_timezone(&zone);
        let switch = shortcuts.to_string();
        Self {
            shell: Shell::anonymous("Account"),
            tabs: super::tabs("/account"),
            errors: Vec::new(),
            name_field: Field::of(name),
            email: email.to_owned(),
            current_password_errors: Vec::new(),
            password_errors: Vec::new(),
            password_hint: password_hint(),
            updated_at: String::new(),
            conflict: Vec::new(),
            time_zone: Field::of(zone.name()),
            time_zone_hint: format!(
                "Days and times are shown in it: there it is {} (UTC{}). Exports are in UTC.",
                local.format("%H:%M"),
                local.format("%:z")
            ),
            time_zones: chrono_tz::TZ_VARIANTS
                .iter()
                .map(|own| {
                    Choice::new(own.name(), now.with_timezone(own).format("UTC%:z").to_string(), zone.name())
                })
                .collect(),
            theme_errors: Vec::new(),
            themes: Theme::ALL
                .iter()
                .map(|own| Choice::new(own.as_str(), own.label(), theme.as_str()))
                .collect(),
            shortcuts: [("true", "On"), ("false", "Off")]
                .map(|(value, label)| Choice::new(value, label, &switch))
                .to_vec(),
            shortcut_errors: Vec::new(),
        }
    }

    /// The page of a form that was refused.
    pub fn refuse(mut self, authed: &AuthedRequest, viewer: &Viewer) -> AppResult<HttpResponse> {
        self.errors.push("Nothing was saved. Check the marked fields.".to_owned());
        self.answer(authed, viewer, StatusCode::UNPROCESSABLE_ENTITY)
    }

    /// The page in `viewer`'s frame.
    pub fn answer(
        mut self,
        authed: &AuthedRequest,
        viewer: &Viewer,
        status: StatusCode,
    ) -> AppResult<HttpResponse> {
        self.shell = authed.shell(viewer, "Account").with_breadcrumbs(vec![Crumb::here("Account")]);
        authed.page(status, &self)
    }
}
