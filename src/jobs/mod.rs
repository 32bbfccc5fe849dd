//! What the console does by itself, beside requests. One file a job.

mod record_spooled;
mod roll_up_activity;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::app::App;

/// How often the jobs look for work.
const PAUSE: Duration = Duration::from_secs(5);

/// The running jobs; dropping it ends them.
#[derive(Debug)]
pub struct Jobs {
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Starts the jobs on a thread of their own.
#[must_use]
pub fn start(app: App) -> Jobs {
    let stopping = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stopping);
    let thread = thread::spawn(move || {
        while !told.load(Ordering::Relaxed) {
            record_spooled::run(&app);
            roll_up_activity::run(&app);
            thread::park_timeout(PAUSE);
        }
    });
    Jobs { stopping, thread: Some(thread) }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
