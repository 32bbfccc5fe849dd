//! Logging: JSON lines on standard error, so that nothing in a path or header can forge a line.

use tracing_subscriber::EnvFilter;

/// Starts logging; `RUST_LOG` chooses what. A second call does nothing.
pub fn start() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,pilothouse=info,actix_session=error"));
    let _ = tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
