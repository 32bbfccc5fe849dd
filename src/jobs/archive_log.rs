//! Takes what the embedded server hands over of its log into the archive, and tells how far that has come.

use std::time::{Duration, Instant};

use crate::app::{self, App};
use crate::backups::{BackupError, archive, records};
use crate::db::{Actor, DbError};
use crate::postgres::{Cluster, ClusterError};

/// How often it is told, whether or not anything came.
const TELL_EVERY: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
pub(super) struct Archivist {
    told: Option<Instant>,
}

impl Archivist {
    pub(super) fn tick(&mut self, app: &App) -> Result<(), DbError> {
        if app.config.database_url.is_some() {
            return Ok(());
        }
        let failed = |error: BackupError| DbError::Unavailable(error.to_string());
        let vault = app::vault(&app.config).map_err(failed)?;
        let cluster = match Cluster::attach(&app.config.data_dir) {
            Ok(cluster) => cluster,
            // Away for a moment, or another's: its log waits where it is.
            Err(ClusterError::NotRunning(_)) => return Ok(()),
            Err(error) => return Err(failed(error.into())),
        };
        let collected = archive::collect(&vault, &cluster);
        let is_due = self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY);
        if is_due || !matches!(collected, Ok(0)) {
            let standing = archive::standing(&vault, &cluster).map_err(failed)?;
            let error = collected.as_ref().err().map(ToString::to_string);
            app.db.write_blocking(&Actor::System, |conn| {
                records::note_archive(conn, &standing, error.as_deref()).map_err(DbError::from)
            })?;
            self.told = Some(Instant::now());
        }
        collected.map(|_| ()).map_err(failed)
    }
}
