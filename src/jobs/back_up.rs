//! Makes a backup, and deletes those that the rule does not keep.

use super::{Context, JobError, Outcome, copy_backups};
use crate::app;
use crate::backups::create::About;
use crate::backups::store::{Kind, name_at};
use crate::backups::{BackupError, create, dump, records};
use crate::db::{Actor, DbError};
use crate::postgres::Cluster;

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    let config = &context.app().config;
    let began = context.app().clock.now();
    let instance = config.instance();
    let about = About { instance: &instance, data_dir: &config.data_dir };
    let owner = config.migrate_url.as_ref().or(config.database_url.as_ref());
    let kind = if owner.is_some() { Kind::Dump } else { Kind::Base };
    let made = app::vault(config).and_then(|vault| {
        let manifest = match owner {
            Some(url) => dump::of_server(&vault, url.reveal(), &about, began)?,
            None => create::of_cluster(&vault, &Cluster::attach(&config.data_dir)?, &about, began)?,
        };
        vault.verify(&manifest.name)?;
        Ok((vault, manifest))
    });
    let (vault, manifest) = match made {
        Ok(made) => made,
        Err(error) => {
            let told = error.to_string();
            context.db().write_blocking(&Actor::System, |conn| {
                records::note_failed(conn, &name_at(began), kind.as_str(), began, &told)
                    .map_err(DbError::from)
            })?;
            return Err(error.into());
        }
    };
    context.db().write_blocking(&Actor::System, |conn| {
        records::note_written(conn, &manifest, began).map_err(DbError::from)
    })?;
    // There is a backup: another try would make another.
    let gone = vault
        .prune(std::slice::from_ref(&manifest.name))
        .map_err(|error| JobError::GiveUp(error.to_string()))?;
    context
        .db()
        .write_blocking(&Actor::System, |conn| records::note_gone(conn, &gone).map_err(DbError::from))?;
    if let Err(error) = copy_backups::ask(context.app()) {
        tracing::warn!(%error, "copies are asked for within five minutes");
    }
    Ok(Outcome::Done)
}

impl From<BackupError> for JobError {
    fn from(error: BackupError) -> Self {
        Self::Retry(error.to_string())
    }
}
