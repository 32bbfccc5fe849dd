//! Handlers that panic, inside the layers that the console puts around its own.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, HttpServer, web};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use pilothouse::app::App;
use pilothouse::db::Actor;
use pilothouse::error::AppError;
use pilothouse::http::{guard, headers};
use pilothouse::web::error_page;

/// `/panic/before` panics before a transaction, `/panic/inside` after a write in one, and `/fine` is served.
/// Dropping it ends it.
pub struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts it on `app`, whose database has a user.
    pub fn start(app: App) -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let server = HttpServer::new(move || {
                    let panicking = web::resource("/panic/{where}")
                        .route(web::get().to(panic))
                        .wrap(from_fn(guard::contain));
                    let fine =
                        web::resource("/fine").route(web::get().to(fine)).wrap(from_fn(guard::contain));
                    actix_web::App::new()
                        .app_data(web::Data::new(app.clone()))
                        .service(panicking)
                        .service(fine)
                        .wrap(from_fn(error_page::render))
                        .wrap(from_fn(guard::identify))
                        .wrap(from_fn(headers::secure))
                })
                .workers(2)
                .disable_signals()
                .bind("127.0.0.1:0")
                .unwrap();
                let address = server.addrs()[0];
                let running = server.run();
                tell.send((address, running.handle())).unwrap();
                running.await.unwrap();
            });
        });
        let (address, handle) = told.recv().unwrap();
        Self { address, handle, thread: Some(thread) }
    }

    /// Sends `count` requests at once for `paths` in turn. Answers the status of each and how long it took.
    pub async fn ask(&self, count: usize, paths: [&str; 3]) -> Vec<(u16, Duration)> {
        pilothouse::outgoing::use_ring();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let ask = |path: &str| {
            let request = client.get(format!("http://{}{path}", self.address));
            let began = Instant::now();
            async move { (request.send().await.unwrap().status().as_u16(), began.elapsed()) }
        };
        futures_util::future::join_all((0..count).map(|n| ask(paths[n % 3]))).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn panic(app: web::Data<App>, path: web::Path<String>) -> Result<HttpResponse, AppError> {
    assert_ne!(path.as_str(), "before", "as asked");
    app.db
        .write(&Actor::System, |conn| {
            let insert = "INSERT INTO projects (name, user_id) SELECT 'half', id FROM users LIMIT 1";
            let inserted = diesel::sql_query(insert).execute(conn)?;
            assert_eq!(inserted, 7, "as asked");
            Ok::<_, AppError>(())
        })
        .await?;
    Ok(HttpResponse::Ok().finish())
}

async fn fine(app: web::Data<App>) -> Result<HttpResponse, AppError> {
    app.db.read(&Actor::System, |conn| Ok::<_, AppError>(conn.batch_execute("SELECT 1")?)).await?;
    Ok(HttpResponse::Ok().finish())
}
