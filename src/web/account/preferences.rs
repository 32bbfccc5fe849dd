//! `POST /account/preferences`

use actix_web::HttpResponse;
use chrono_tz::Tz;
use serde::Deserialize;

use super::show::AccountPage;
use crate::error::AppResult;
use crate::users::{Theme, commands};
use crate::web::forms::{self, Form};
use crate::web::visit::Visit;

/// What the account's form sends, or the frame's theme menu: `theme` and `next` only.
#[derive(Debug, Clone, Deserialize)]
pub struct PreferencesForm {
    time_zone: Option<String>,
    theme: Option<String>,
    #[serde(default)]
    next: String,
}

/// Changes time zone and theme; what is not sent stays as it is.
///
/// # Errors
/// When the database can't be asked; refusals are pages.
pub async fn update(visit: Visit, form: Form<PreferencesForm>) -> AppResult<HttpResponse> {
    let principal = visit.principal();
    let zone = form.0.time_zone.as_deref().map(parse_zone).transpose();
    let theme = form.0.theme.as_deref().map(Theme::parse).transpose();
    let chosen = zone.clone().and_then(|zone| theme.clone().map(|theme| (zone, theme)));
    let (viewer, ()) = visit
        .write(move |conn, viewer| {
            if let Ok((zone, theme)) = chosen {
                commands::prefer(conn, &principal(viewer), viewer.id, zone, theme)?;
            }
            Ok(())
        })
        .await?;
    if zone.is_err() || theme.is_err() {
        let mut page = AccountPage::of(&viewer);
        page.time_zone_errors.extend(zone.err());
        page.theme_errors.extend(theme.err());
        return page.refuse(&visit, &viewer);
    }
    let next = Some(form.0.next.as_str()).filter(|next| forms::is_local_path(next));
    Ok(match next {
        Some(next) => crate::web::urls::see_other(next),
        None => visit.redirect_with_notice("/account", "Your preferences are saved."),
    })
}

fn parse_zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| "Choose one of the time zones.".to_owned())
}
