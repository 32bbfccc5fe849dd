//! The HTTP server that `serve` and the tests share.

use std::net::TcpListener;
use std::time::Duration;

use actix_http::HttpService;
use actix_http::error::DispatchError;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_session::SessionMiddleware;
use actix_session::config::{CookieContentSecurity, PersistentSession};
use actix_web::cookie::{SameSite, time};
use actix_web::dev::{AppConfig, Server, ServerHandle};
use actix_web::middleware::{Compress, from_fn};
use actix_web::web;
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};

use crate::api;
use crate::app::App;
use crate::http::connection::{self, TimedStream};
use crate::http::connection_slots::ConnectionSlots;
use crate::http::held::{self, Held};
use crate::http::session_store::TokenStore;
use crate::http::{cookies, framing, guard, headers, origin};
use crate::web::{error_page, routes};

/// The longest that a browser keeps the session cookie; the database's clock ends sessions sooner.
const COOKIE_DAYS: i64 = 14;

/// How long open requests may take to finish once the server stops.
const FINISH: Duration = Duration::from_secs(7);

fn sessions(app: &App) -> SessionMiddleware<TokenStore> {
    SessionMiddleware::builder(TokenStore, cookies::key(app))
        .cookie_name(cookies::session_name(&app.config))
        .cookie_content_security(CookieContentSecurity::Signed)
        .cookie_http_only(true)
        .cookie_secure(!app.config.insecure_cookies)
        .cookie_same_site(SameSite::Lax)
        .cookie_path("/".to_owned())
        .session_lifecycle(PersistentSession::default().session_ttl(time::Duration::days(COOKIE_DAYS)))
        .build()
}

/// How many connections are accepted beyond those that there is room for.
const AT_THE_DOOR: usize = 64;

/// Mounts every route of every surface.
pub fn mount(config: &mut web::ServiceConfig) {
    config.configure(api::routes::mount).configure(routes::mount);
}

/// How long the rest of a request is drained that nobody wants, so that the client reads the answer.
const DRAIN: Duration = Duration::from_secs(1);

/// Starts serving on `listener`. The future that comes back ends when the server has stopped; signals do
/// not stop it: see [`stop_when_told`].
///
/// This is what `HttpServer` does, with [`TimedStream`] between the socket and HTTP.
pub fn start(app: App, listener: TcpListener) -> std::io::Result<Server> {
    let held = Held::default();
    let workers = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let builder = Server::build().workers(workers).shutdown_timeout(FINISH.as_secs()).disable_signals();
    // Nothing is accepted before those who made room, or found none, are gone.
    let builder = builder.max_concurrent_connections((app.connections.all + AT_THE_DOOR).div_ceil(workers));
    let shutdown = builder.graceful_shutdown_signal();
    let room = ConnectionSlots::new(app.connections, app.config.trusted_proxies.clone());
    let builder = builder.listen("pilothouse", listener, move || {
        let deadlines = app.deadlines;
        let pages = actix_web::App::new()
            .app_data(web::Data::new(app.clone()))
            .app_data(web::Data::new(held.clone()))
            .configure(mount)
            .default_service(web::route().to(routes::not_found).wrap(from_fn(guard::contain)))
            .wrap(from_fn(origin::check))
            .wrap(from_fn(held::count))
            .wrap(sessions(&app))
            .wrap(from_fn(cookies::choose_session))
            .wrap(from_fn(error_page::render))
            .wrap(from_fn(guard::identify))
            .wrap(from_fn(framing::mark))
            .wrap(Compress::default())
            .wrap(from_fn(framing::tell))
            .wrap(from_fn(headers::secure))
            .wrap(from_fn(connection::occupy))
            .into_factory()
            .map_err(|error: actix_web::Error| error.error_response());
        let shutdown = shutdown.clone();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let shutdown = shutdown.clone();
                async move { shutdown.notified().await }
            })
            .keep_alive(deadlines.idle)
            .client_request_timeout(deadlines.head)
            .client_disconnect_timeout(DRAIN)
            .on_connect_ext(|stream: &TimedStream, data| {
                data.insert(stream.connection());
            })
            .h1(map_config(pages, |()| AppConfig::default()));
        let room = room.clone();
        fn_service(move |socket: TcpStream| {
            let room = room.clone();
            async move {
                let peer = socket.peer_addr().ok();
                let Some(place) = room.enter(peer.map(|peer| peer.ip())) else {
                    room.refuse(socket).await;
                    return Err(DispatchError::DisconnectTimeout);
                };
                Ok((TimedStream::new(socket, deadlines, place), peer))
            }
        })
        .and_then(http)
    })?;
    Ok(builder.run())
}

/// Waits for the signal to end, and stops the server.
///
/// On SIGTERM `/readyz` answers 503 for `notice` before the server stops listening, so that whoever
/// balances load sends people elsewhere. Requests that have come by then are finished. On SIGINT there is
/// no notice: somebody waits at the terminal. A second signal of either kind ends the server at once.
///
/// # Errors
/// When the process can't listen for signals.
pub async fn stop_when_told(app: &App, server: ServerHandle, notice: Duration) -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let notice = tokio::select! {
        _ = terminate.recv() => notice,
        _ = interrupt.recv() => Duration::ZERO,
    };
    tracing::info!("stopping: open requests are finished first");
    app.draining.begin();
    app.live.close();
    let kindly = async {
        tokio::time::sleep(notice).await;
        server.stop(true).await;
    };
    tokio::select! {
        () = kindly => {}
        _ = terminate.recv() => server.stop(false).await,
        _ = interrupt.recv() => server.stop(false).await,
    }
    Ok(())
}
