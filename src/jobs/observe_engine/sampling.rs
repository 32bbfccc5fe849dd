//! What running containers use, asked of the engine for all of them after each sweep.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::time::timeout;

use super::{Failure, Following};
use crate::app::App;
use crate::db::ids::ContainerId;
use crate::db::{Actor, DbError};
use crate::engine::{EngineId, Usage};
use crate::figures;

/// Containers that are asked about at once.
const AT_ONCE: usize = 8;
/// How long all of them may take: the lease is renewed in between.
const PATIENCE: Duration = Duration::from_secs(8);

impl Following {
    /// One that does not answer in time has no sample; the next round asks again.
    pub(super) fn take_samples(
        &mut self,
        app: &App,
        running: Vec<(EngineId, ContainerId)>,
    ) -> Result<(), Failure> {
        let rows: BTreeMap<EngineId, ContainerId> = running.into_iter().collect();
        let now = app.clock.now();
        let usages = ask(app, rows.keys().cloned().collect());
        let mut told = Vec::with_capacity(usages.len());
        for (id, usage) in &usages {
            if let Some(row) = rows.get(id) {
                told.push((*row, usage.since(self.usages.get(id))));
            }
        }
        self.usages = usages;
        if told.is_empty() {
            return Ok(());
        }
        app.db
            .write_blocking(&Actor::System, |conn| figures::keep(conn, now, &told).map_err(DbError::from))?;
        Ok(())
    }
}

fn ask(app: &App, ids: Vec<EngineId>) -> BTreeMap<EngineId, Usage> {
    let (send, answer) = std::sync::mpsc::channel();
    let engine = app.engine.clone();
    let task = app.engine.spawn(async move {
        let mut usages = BTreeMap::new();
        let mut answers = stream::iter(ids)
            .map(|id| {
                let asked = engine.ask({
                    let id = id.clone();
                    move |api| api.usage(id)
                });
                async move { (id, asked.await) }
            })
            .buffer_unordered(AT_ONCE);
        let all = async {
            while let Some((id, answer)) = answers.next().await {
                if let Ok(Some(usage)) = answer {
                    usages.insert(id, usage);
                }
            }
        };
        let _ = timeout(PATIENCE, all).await;
        drop(answers);
        let _ = send.send(usages);
    });
    let answer = task.ok().and_then(|_| answer.recv_timeout(PATIENCE + Duration::from_secs(2)).ok());
    answer.unwrap_or_default()
}
