//! Copies backups and the archived log to buckets, a job each, so that one that is away is tried again by itself.

use serde::Deserialize;
use serde_json::json;

use super::{Context, JobError, Outcome};
use crate::app::{self, App};
use crate::backups::copies;
use crate::db::{Actor, DbError};
use crate::queue::{Kind, NewJob, enqueue_anew};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Payload {
    /// None is the schedule's.
    bucket: Option<String>,
}

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    let payload: Payload = context.payload()?;
    let app = context.app();
    let Some(name) = payload.bucket else {
        ask(app)?;
        return Ok(Outcome::Done);
    };
    let buckets = app::buckets(&app.config, &app.outgoing)?;
    let Some(bucket) = buckets.iter().find(|bucket| bucket.name == name) else { return Ok(Outcome::Done) };
    let vault = app::vault(&app.config)?;
    let is_to_stop = || context.is_to_stop();
    let is_through = copies::copy(context.db(), &vault, bucket, app.clock.now(), &is_to_stop)?;
    Ok(if is_through { Outcome::Done } else { Outcome::Continue(json!({ "bucket": name })) })
}

/// Asks for a run of each bucket.
pub(super) fn ask(app: &App) -> Result<(), JobError> {
    let buckets = app::buckets(&app.config, &app.outgoing)?;
    app.db.write_blocking(&Actor::System, |conn| {
        copies::keep(conn, &buckets)?;
        for bucket in &buckets {
            let job = NewJob::of(Kind::CopyBackups).keyed(format!("bucket {}", bucket.name));
            let job = job.with(json!({ "bucket": bucket.name }));
            enqueue_anew(conn, &job)?;
        }
        Ok::<_, DbError>(())
    })?;
    Ok(())
}
