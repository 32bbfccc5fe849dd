//! The route table: every address of the console, in one place.

use actix_web::HttpResponse;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig, get, head, post, resource};

use super::{
    account, activity, api, assets, chat, containers, dashboard, drafts, engine, files, health, insights,
    intake, live, metrics, operations, passwords, projects, references, referrals, search, sessions, start,
    threads, tokens, users, wireframes,
};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::guard;

/// Mounts every page.
pub fn mount(config: &mut ServiceConfig) {
    config.app_data(web::PathConfig::default().error_handler(|_, _| AppError::NotFound.into()));
    mount_public(config);
    mount_assistant(config);
    mount_projects(config);
    mount_containers(config);
    mount_activity(config);
    mount_people(config);
    mount_instance(config);
}

/// One address. What answers GET answers HEAD too. Handlers are contained: a panic or a deadline becomes
/// an answer.
macro_rules! at {
    ($path:literal, get => $show:expr) => {
        resource($path).route(get().to($show)).route(head().to($show)).wrap(from_fn(guard::contain))
    };
    ($path:literal, post => $act:expr) => {
        resource($path).route(post().to($act)).wrap(from_fn(guard::contain))
    };
    ($path:literal, get => $show:expr, post => $act:expr) => {
        resource($path)
            .route(get().to($show))
            .route(head().to($show))
            .route(post().to($act))
            .wrap(from_fn(guard::contain))
    };
}

/// What answers without a session.
fn mount_public(config: &mut ServiceConfig) {
    config
        .service(at!("/healthz", get => health::alive))
        .service(at!("/readyz", get => health::ready))
        .service(at!("/metrics", get => metrics::show))
        .service(at!("/favicon.ico", get => assets::favicon))
        .service(at!("/assets/{name}", get => assets::show))
        .service(at!("/login", get => sessions::new::show, post => sessions::create::create))
        .service(at!("/live", get => live::stream))
        .service(at!("/logout", post => sessions::destroy::destroy));
}

/// The assistant, which needs no account, and what comes of it, which does.
fn mount_assistant(config: &mut ServiceConfig) {
    config
        .service(at!("/start", get => start::show::show))
        .service(at!("/start/messages", post => start::messages::create))
        .service(at!("/start/draft", get => start::draft::show, post => start::draft::update))
        .service(at!("/start/claim", get => start::claim::show, post => start::claim::carry_out))
        .service(at!("/start/delete", get => start::delete::confirm, post => start::delete::carry_out))
        .service(at!("/drafts", get => drafts::index::index))
        .service(at!("/drafts/{id}", get => drafts::show::show, post => drafts::update::update))
        .service(at!("/drafts/{id}/post", post => drafts::deeds::post))
        .service(at!("/drafts/{id}/status", post => drafts::deeds::move_on))
        .service(at!("/drafts/{id}/project", post => drafts::deeds::make_project))
        .service(at!("/drafts/{id}/wireframe", post => drafts::deeds::wireframe))
        .service(at!("/wireframes/{token}", get => wireframes::show::show))
        .service(at!("/referrals", get => referrals::show::show, post => referrals::show::create))
        .service(at!("/intake", get => intake::funnel::show))
        .service(at!("/intake/attribution", get => intake::funnel::attribution))
        .service(at!("/intake/crm", get => intake::crm::index))
        .service(at!("/intake/crm/{id}/redo", post => intake::crm::redo))
        .service(at!("/intake/sessions", get => intake::sessions::index))
        .service(at!("/intake/sessions/{id}", get => intake::session::show, post => intake::session::read))
        .service(at!("/intake/sessions/{id}/attribution", post => intake::credit::update))
        .service(at!("/intake/sessions/{id}/invite", post => intake::invite::create));
}

/// Projects and the dashboard that begins with them.
fn mount_projects(config: &mut ServiceConfig) {
    config
        .service(at!("/", get => dashboard::show::show))
        .service(at!("/search", get => search::show::show))
        .service(at!("/projects", get => projects::index::index, post => projects::create::create))
        .service(at!("/projects/new", get => projects::new::show))
        .service(at!("/projects/export", post => projects::export::export))
        .service(at!("/projects/{id}", get => projects::show::show, post => projects::update::update))
        .service(at!("/projects/{id}/activity", get => projects::activity::show))
        .service(at!("/projects/{id}/activity/export", post => activity::export::of_project))
        .service(at!("/projects/{id}/chat", get => chat::show, post => chat::say::create))
        .service(at!("/projects/{id}/chat/{message}/raw", get => chat::raw::show))
        .service(at!("/projects/{id}/insights", get => insights::show::of_project))
        .service(at!("/projects/{id}/files", get => files::show))
        .service(at!("/projects/{id}/settings", get => projects::settings::show))
        .service(at!(
            "/projects/{id}/webhooks",
            get => projects::webhooks::index,
            post => projects::webhooks::create
        ))
        .service(at!("/projects/{id}/webhooks/{hook}/rotate", post => projects::webhooks::rotate))
        .service(at!("/projects/{id}/webhooks/{hook}/remove", post => projects::webhooks::remove))
        .service(at!("/projects/{id}/webhooks/{hook}/test", post => projects::webhooks::test))
        .service(at!(
            "/projects/{id}/webhooks/{hook}/deliveries/{delivery}/redo",
            post => projects::webhooks::redo
        ))
        .service(at!(
            "/projects/{id}/{step:archive|unarchive|delete|restore|lock|unlock}",
            get => projects::status::confirm,
            post => projects::status::carry_out
        ));
}

fn mount_containers(config: &mut ServiceConfig) {
    config
        .service(at!("/containers", get => containers::index::index))
        .service(at!("/containers/export", post => containers::export::export))
        .service(
            at!("/containers/{verb:start|stop|restart|recreate|lock|unlock|delete}", post => containers::verb::carry_out_several),
        )
        .service(at!("/containers/{id}", get => containers::show::show))
        .service(at!(
            "/containers/{id}/logs",
            get => containers::logs::show,
            post => containers::logs::keep
        ))
        .service(at!("/containers/{id}/logs/download", get => containers::logs::download::download))
        .service(at!("/containers/{id}/runs", get => containers::runs::show))
        .service(at!("/containers/{id}/figures", get => containers::figures::show))
        .service(at!("/containers/{id}/logs/live", get => containers::logs::live::stream))
        .service(at!(
            "/containers/{id}/{verb:start|stop|restart|recreate|rename|lock|unlock|delete}",
            get => containers::verb::confirm,
            post => containers::verb::carry_out
        ));
}

fn mount_activity(config: &mut ServiceConfig) {
    config
        .service(at!("/insights", get => insights::show::show))
        .service(at!("/activity", get => activity::index::index))
        .service(at!("/activity/export", post => activity::export::timeline))
        .service(at!("/activity/{action_id}", get => activity::show::action))
        .service(at!("/activity/{action_id}/raw", get => activity::raw::action))
        .service(at!("/events/{id}", get => activity::show::event))
        .service(at!("/events/{id}/raw", get => activity::raw::event))
        .service(at!("/events/{id}/cancel", post => activity::operation::cancel))
        .service(at!("/events/{id}/again", post => activity::operation::again))
        .service(at!("/engine/events/{id}", get => activity::show::observation))
        .service(at!("/engine/events/{id}/raw", get => activity::raw::observation))
        .service(at!("/audit", get => activity::index::audit))
        .service(at!("/audit/export", post => activity::export::audit))
        .service(at!("/audit/{id}", get => activity::audit_entry::show))
        .service(at!("/audit/{id}/raw", get => activity::raw::audit_entry))
        .service(at!("/entries", get => activity::show::any))
        .service(at!("/entries/raw", get => activity::raw::any))
        .service(at!("/threads", get => threads::show::any))
        .service(at!("/threads/{key}", get => threads::show::show))
        .service(at!("/references", get => references::show::show_any))
        .service(at!("/references/{key}/{value:.*}", get => references::show::show));
}

/// Users, for admins; the viewer's own account; links to set a password, which need no session.
fn mount_people(config: &mut ServiceConfig) {
    config
        .service(at!("/passwords/{token}", get => passwords::edit::edit, post => passwords::edit::update))
        .service(at!("/account", get => account::show::show))
        .service(at!("/account/profile", post => account::profile::update))
        .service(at!("/account/password", post => account::password::update))
        .service(at!("/account/preferences", post => account::preferences::update))
        .service(at!("/account/sessions", get => account::sessions::index))
        .service(at!("/account/sessions/revoke-others", post => account::sessions::revoke_others))
        .service(at!("/account/sessions/{id}/revoke", post => account::sessions::revoke))
        .service(at!("/account/tokens", get => account::tokens::index, post => account::tokens::create))
        .service(at!("/account/tokens/{id}/revoke", post => account::tokens::revoke))
        .service(at!("/tokens", get => tokens::index::index))
        .service(at!("/users", get => users::index::index, post => users::new::create))
        .service(at!("/users/new", get => users::new::new))
        .service(at!("/users/export", post => users::export::export))
        .service(at!("/users/{id}", get => users::show::show, post => users::update::update))
        .service(at!("/users/{id}/link", get => users::link::show, post => users::link::create))
        .service(at!(
            "/users/{id}/deactivate",
            get => users::activation::ask_deactivate,
            post => users::activation::deactivate
        ))
        .service(at!(
            "/users/{id}/activate",
            get => users::activation::ask_activate,
            post => users::activation::activate
        ))
        .service(at!("/users/{id}/sessions/revoke", post => users::sessions::revoke_all))
        .service(at!("/users/{id}/sessions/{sid}/revoke", post => users::sessions::revoke));
}

/// The instance, for admins.
fn mount_instance(config: &mut ServiceConfig) {
    config
        .service(at!("/api", get => api::show::show))
        .service(at!("/operations", get => operations::show::show))
        .service(at!("/operations/jobs", post => operations::jobs::run_again))
        .service(at!("/operations/database", get => operations::database::show))
        .service(at!(
            "/operations/backups",
            get => operations::backups::index,
            post => operations::backups::act
        ))
        .service(at!(
            "/operations/retention",
            get => operations::retention::index,
            post => operations::retention::change
        ))
        .service(at!("/operations/retention/holds", post => operations::retention::hold))
        .service(at!("/operations/retention/release", post => operations::retention::release))
        .service(at!("/operations/retention/run", post => operations::retention::run_now))
        .service(at!("/operations/retention/{class}", get => operations::retention_rule::show))
        .service(at!("/engine", get => engine::show::show))
        .service(at!("/engine/{id}/adopt", post => engine::decide::adopt))
        .service(at!("/engine/{id}/ignore", post => engine::decide::ignore));
}

/// Everything that is not in the table.
///
/// # Errors
/// Always: there is nothing there.
pub async fn not_found(authed: Option<AuthedRequest>) -> AppResult<HttpResponse> {
    // Whoever is signed in keeps their frame: the error page shows the viewer that this finds.
    if let Some(authed) = authed {
        authed.read(|_, _| Ok(())).await?;
    }
    Err(AppError::NotFound)
}
