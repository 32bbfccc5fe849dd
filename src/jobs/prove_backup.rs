//! Restores the newest backup beside the database, and compares it with what stood when it was made.

use super::{Context, JobError, Outcome};
use crate::app;
use crate::backups::{BackupError, proof, records};
use crate::db::{Actor, DbError};

/// The directory below the data directory that a backup is restored in.
const SCRATCH: &str = "proof";

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    let config = &context.app().config;
    let vault = app::vault(config)?;
    let Some(name) = vault.newest(context.app().clock.now())? else {
        return Err(BackupError::Failed("there is no backup yet".to_owned()).into());
    };
    let proof = proof::prove(&vault, &name, &config.data_dir.join(SCRATCH));
    let faults = match &proof {
        Ok(proof) => proof.faults.clone(),
        Err(error) => vec![error.to_string()],
    };
    context.db().write_blocking(&Actor::System, |conn| {
        records::note_proof(conn, &name, &faults).map_err(DbError::from)
    })?;
    if faults.is_empty() {
        Ok(Outcome::Done)
    } else {
        // It would not be another the next time.
        Err(JobError::GiveUp(format!("the backup {name} can't be restored as it was: {}", faults.join("; "))))
    }
}
