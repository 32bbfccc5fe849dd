//! `POST /account/preferences`

use actix_web::HttpResponse;
use serde::Deserialize;

use super::show::AccountPage;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::{self, Form};
use crate::identity::Theme;
use crate::users::commands::{self, Preferences};
use crate::users::zone_named;

/// What the account's form sends, or the frame's theme menu: `theme` and `next` only.
#[derive(Debug, Clone, Deserialize)]
pub struct PreferencesForm {
    time_zone: Option<String>,
    theme: Option<String>,
    keyboard_shortcuts: Option<String>,
    #[serde(default)]
    next: String,
}

/// Changes time zone, theme and keyboard shortcuts; what is not sent stays as it is.
pub async fn update(authed: AuthedRequest, form: Form<PreferencesForm>) -> AppResult<HttpResponse> {
    let principal = authed.principal();
    let form = form.0;
    let zone = form.time_zone.as_deref().map(zone_named).transpose();
    let theme = form.theme.as_deref().map(Theme::parse).transpose();
    let shortcuts = form.keyboard_shortcuts.as_deref().map(parse_switch).transpose();
    let wanted = match (&zone, &theme, &shortcuts) {
        (Ok(zone), Ok(theme), Ok(shortcuts)) => {
            Some(Preferences { zone: *zone, theme: *theme, shortcuts: *shortcuts })
        }
        _ => None,
    };
    let (viewer, ()) = authed
        .write(move |conn, viewer| {
            if let Some(wanted) = wanted {
                commands::prefer(conn, &principal(viewer), viewer.id, wanted)?;
            }
            Ok(())
        })
        .await?;
    if wanted.is_none() {
        let mut page = AccountPage::of(&viewer, authed.app.clock.now());
        if let Some(typed) = form.time_zone {
            page.time_zone.value = typed;
        }
        page.time_zone.errors.extend(zone.err());
        page.theme_errors.extend(theme.err());
        page.shortcut_errors.extend(shortcuts.err());
        return page.refuse(&authed, &viewer);
    }
    Ok(match Some(form.next.as_str()).filter(|next| forms::is_local_path(next)) {
        Some(next) => crate::web::urls::see_other(next),
        None => authed.redirect_with_notice("/account", "Your preferences are saved."),
    })
}

fn parse_switch(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "Choose on or off.".to_owned())
}
