//! What a container has used since it began, at a moment; and between two moments.

use bollard::models::{ContainerBlkioStats, ContainerStatsResponse};
use chrono::{DateTime, Utc};

/// One answer of the engine. Times of processors are nanoseconds, everything else bytes, since the run began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    pub at: DateTime<Utc>,
    pub processor_time: u64,
    /// Of all processors of the machine.
    pub machine_time: u64,
    pub processors: u64,
    pub memory: Option<u64>,
    pub memory_limit: Option<u64>,
    pub received: Option<u64>,
    pub sent: Option<u64>,
    pub read: Option<u64>,
    pub written: Option<u64>,
    pub processes: Option<u64>,
}

/// What is used at a moment: percent of one processor, bytes, bytes a second. None where nobody knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    pub cpu: Option<f64>,
    pub memory: Option<u64>,
    pub memory_limit: Option<u64>,
    pub received: Option<f64>,
    pub sent: Option<f64>,
    pub read: Option<f64>,
    pub written: Option<f64>,
    pub processes: Option<u64>,
}

/// Of a container that does not run, the engine tells zeros without a time.
pub(super) fn usage(stats: ContainerStatsResponse) -> Option<Usage> {
    let at = DateTime::parse_from_rfc3339(&stats.read?).ok()?.to_utc();
    if at.timestamp() <= 0 {
        return None;
    }
    let cpu = stats.cpu_stats?;
    let times = cpu.cpu_usage?;
    let machine_time = cpu.system_cpu_usage?;
    let counted = times.percpu_usage.as_ref().map_or(1, |each| each.len() as u64);
    let processors = cpu.online_cpus.map_or(counted, u64::from).max(1);
    let memory = stats.memory_stats.unwrap_or_default();
    let parts = memory.stats.unwrap_or_default();
    // The kernel gives these back when somebody needs them.
    let cache = parts.get("total_inactive_file").or_else(|| parts.get("inactive_file")).copied();
    let used =
        memory.usage.map(|usage| cache.filter(|cache| *cache < usage).map_or(usage, |cache| usage - cache));
    let networks = stats.networks.map(|networks| {
        networks.values().fold((0, 0), |(received, sent), network| {
            (received + network.rx_bytes.unwrap_or(0), sent + network.tx_bytes.unwrap_or(0))
        })
    });
    let blocks = stats.blkio_stats;
    Some(Usage {
        at,
        processor_time: times.total_usage?,
        machine_time,
        processors,
        memory: used,
        memory_limit: memory.limit,
        received: networks.map(|(received, _)| received),
        sent: networks.map(|(_, sent)| sent),
        read: blocks.as_ref().and_then(|blocks| moved(blocks, "read")),
        written: blocks.as_ref().and_then(|blocks| moved(blocks, "write")),
        processes: stats.pids_stats.and_then(|processes| processes.current),
    })
}

/// Bytes to and from disks; none where the engine counts none.
fn moved(blocks: &ContainerBlkioStats, wanted: &str) -> Option<u64> {
    let entries = blocks.io_service_bytes_recursive.as_ref()?;
    let is_wanted = |op: &Option<String>| op.as_deref().is_some_and(|op| op.eq_ignore_ascii_case(wanted));
    Some(entries.iter().filter(|entry| is_wanted(&entry.op)).filter_map(|entry| entry.value).sum())
}

impl Usage {
    /// What was used since `before`, an answer of the same container. Where a number has shrunk another run has begun,
    /// and there is nothing to compare it with.
    #[must_use]
    pub fn since(&self, before: Option<&Self>) -> Figures {
        let before =
            before.filter(|before| before.at < self.at && before.processor_time <= self.processor_time);
        let seconds = before.map(|before| (self.at - before.at).as_seconds_f64());
        let rate = |of: fn(&Self) -> Option<u64>| {
            let grown = of(self)?.checked_sub(of(before?)?)?;
            Some(as_f64(grown) / seconds?)
        };
        let cpu = before.and_then(|before| {
            let machine = self.machine_time.checked_sub(before.machine_time).filter(|grown| *grown > 0)?;
            let own = self.processor_time - before.processor_time;
            Some(as_f64(own) / as_f64(machine) * as_f64(self.processors) * 100.0)
        });
        Figures {
            cpu,
            memory: self.memory,
            memory_limit: self.memory_limit,
            received: rate(|usage| usage.received),
            sent: rate(|usage| usage.sent),
            read: rate(|usage| usage.read),
            written: rate(|usage| usage.written),
            processes: self.processes,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a chart knows no fifteen digits")]
fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<Usage> {
        usage(serde_json::from_str(text).unwrap())
    }

    fn at(second: i64) -> Usage {
        Usage { at: DateTime::from_timestamp(second, 0).unwrap(), processors: 2, ..Usage::default() }
    }

    #[test]
    fn a_share_of_processors_is_what_grew_between_two_answers_of_ours() {
        let first = Usage { processor_time: 5, machine_time: 100, received: Some(10), ..at(10) };
        let second = Usage { processor_time: 30, machine_time: 200, received: Some(50), ..at(20) };
        let figures = second.since(Some(&first));
        assert_eq!((figures.cpu, figures.received, figures.sent), (Some(50.0), Some(4.0), None));
        assert_eq!(second.since(None).cpu, None, "the first has nothing to be compared with");
        let restarted = Usage { processor_time: 1, machine_time: 300, received: Some(60), ..at(30) };
        assert_eq!(
            (restarted.since(Some(&second)).cpu, restarted.since(Some(&second)).received),
            (None, None)
        );
        assert_eq!(second.since(Some(&second)).cpu, None);
    }

    #[test]
    fn memory_is_told_without_what_the_kernel_gives_back() {
        let of = |memory: &str| {
            parsed(&format!(
                r#"{{"read":"2026-11-27T10:00:00Z","cpu_stats":{{"cpu_usage":{{"total_usage":5,"percpu_usage":[1,2,3]}},
                   "system_cpu_usage":9}},"memory_stats":{memory}}}"#
            ))
            .unwrap()
        };
        let first = of(r#"{"usage":100,"limit":512,"stats":{"total_inactive_file":30,"inactive_file":1}}"#);
        assert_eq!((first.memory, first.memory_limit, first.processors), (Some(70), Some(512), 3));
        assert_eq!(of(r#"{"usage":100,"stats":{"inactive_file":40}}"#).memory, Some(60));
        assert_eq!(of(r#"{"usage":100,"stats":{"inactive_file":140}}"#).memory, Some(100));
        assert_eq!((first.received, first.read), (None, None), "there is no network, and no disk is counted");
    }

    #[test]
    fn a_container_that_does_not_run_has_no_figures_and_not_zero() {
        assert_eq!(
            parsed(r#"{"read":"0001-01-01T00:00:00Z","cpu_stats":{"cpu_usage":{"total_usage":0}}}"#),
            None
        );
        assert_eq!(parsed(r#"{"id":"x","name":"/y"}"#), None);
    }
}
