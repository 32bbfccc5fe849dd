//! Figures for who watches over many instances, in Prometheus' text format.
//!
//! What happens to requests is counted in the process; everything else is read when somebody asks. Labels come out of closed
//! lists (routes as they are mounted, statuses, kinds): no id, no text of anybody's.

pub mod instance;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// A label's name and its value.
type Labels = Vec<(&'static str, String)>;

/// Seconds: from a page out of memory to the deadline of a request.
const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

#[derive(Debug, Clone, Copy, Default)]
struct Seconds;

impl MetricConstructor<Histogram> for Seconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(BUCKETS)
    }
}

/// What was counted since the process began.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    requests: Family<Labels, Counter>,
    durations: Family<Labels, Histogram, Seconds>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let requests = Family::<Labels, Counter>::default();
        let durations = Family::<Labels, Histogram, Seconds>::new_with_constructor(Seconds);
        registry.register("pilothouse_http_requests", "Requests that were answered", requests.clone());
        registry.register(
            "pilothouse_http_request_duration_seconds",
            "Time until the answer began",
            durations.clone(),
        );
        Self { registry: Arc::new(Mutex::new(registry)), requests, durations }
    }
}

impl Metrics {
    /// A request was answered. `route` is as it is mounted; none is one that leads nowhere.
    pub fn note_request(&self, method: &str, route: Option<&str>, status: u16, took: Duration) {
        // A method is any word that somebody sends.
        let method = match method {
            "GET" | "HEAD" | "POST" | "PATCH" | "DELETE" | "OPTIONS" => method,
            _ => "other",
        };
        let labels = vec![("method", method.to_owned()), ("route", route.unwrap_or("none").to_owned())];
        self.durations.get_or_create(&labels).observe(took.as_secs_f64());
        let labels = labels.into_iter().chain([("status", status.to_string())]).collect::<Labels>();
        self.requests.get_or_create(&labels).inc();
    }

    /// All of it as text, with what `instance` says of this moment.
    ///
    /// # Errors
    /// Never in practice: it is written to memory.
    pub fn to_text(&self, instance: &instance::Figures) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner))?;
        // One text, one end.
        let mut text = text.trim_end().trim_end_matches("# EOF").to_owned();
        encode(&mut text, &instance.registry())?;
        Ok(text)
    }
}
