//! Samples of webhooks.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use pilothouse::db::ids::{DeliveryId, ProjectId, WebhookId};
use pilothouse::http::forms::Field;
use pilothouse::web::projects::webhooks::{Hook, MadeSecret, WebhooksPage};
use pilothouse::webhooks::queries::{DeliveryLine, WebhookLine};

use super::frame::shell;
use super::projects::project_head;
use super::{HOSTILE, Sample, endless};

impl Sample for WebhooksPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |hooks| Self {
            shell: shell("Webhooks"),
            project: project_head(HOSTILE),
            errors: Vec::new(),
            url: "/projects/1/webhooks".to_owned(),
            name_field: Field::of(""),
            made: None,
            hooks,
        };
        let made = Self {
            made: Some(MadeSecret {
                name: HOSTILE.to_owned(),
                address: format!("https://console.example.org/webhooks/github/{}", uuid::Uuid::nil()),
                secret: format!("whsec_{}", "0f".repeat(32)),
            }),
            ..page(hooks())
        };
        let refused = Self {
            errors: vec!["This is not right.".to_owned()],
            name_field: Field { value: endless(200), errors: vec!["This is not right.".to_owned()] },
            ..page(hooks())
        };
        vec![("none", page(Vec::new())), ("made", made), ("refused", refused)]
    }
}

fn hooks() -> Vec<Hook> {
    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    let line = |n: u128, event: &str, state: &str, outcome: &str| DeliveryLine {
        id: DeliveryId(uuid::Uuid::from_u128(n)),
        guid: format!("72d3162e-cc78-11e3-81ab-4c9367dc09{n:02}"),
        event: event.to_owned(),
        state: state.to_owned(),
        outcome: Some(outcome.to_owned()),
        git_ref: Some(format!("refs/heads/{outcome}")),
        before_sha: Some("f95f852bd8fca8fcc58a9a2d6c842781e32a215e".to_owned()),
        gap_from: Some("6113728f27ae82c7b1a177c8d03f9e96e0adf246".to_owned()),
        received_at: now - TimeDelta::minutes(4),
    };
    let log = vec![
        line(1, "push", "done", "A push to the branch main."),
        line(2, "star", "ignored", "Events of this kind are not taken."),
        line(3, HOSTILE, "failed", HOSTILE),
        line(4, "ping", "waiting", &endless(200)),
    ];
    let gaps = vec![line(5, "push", "done", HOSTILE)];
    let hook = |n: u128, name: &str| WebhookLine {
        id: WebhookId(uuid::Uuid::from_u128(n)),
        name: name.to_owned(),
        created_at: now - TimeDelta::days(3),
        earlier_until: Some(now + TimeDelta::hours(n.try_into().unwrap_or(1))),
    };
    let project = ProjectId(uuid::Uuid::nil());
    let base = "https://console.example.org";
    [(hook(1, "shop-api"), Vec::new(), Vec::new()), (hook(2, HOSTILE), log, gaps)]
        .map(|held| Hook::new(project, &held, base, now, Tz::UTC))
        .to_vec()
}
