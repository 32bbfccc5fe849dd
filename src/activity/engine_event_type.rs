//! What an engine saw happen: the words of `pilothouse.engine_events.kind`.

use crate::vocabulary::{Group, humanised, vocabulary};

/// What the console knows about a type of observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineEventFacts {
    /// What a filter calls it; empty for an unknown type, which is called by its own name.
    pub label: &'static str,
    /// A symbol of the icon sprite.
    pub icon: &'static str,
    /// Where filters list it.
    pub group: Group,
}

vocabulary! {
    /// What was seen.
    EngineEventType: EngineEventFacts, unknown EngineEventFacts { label: "", icon: "unknown", group: Group::Other };
    Started = "container_started" { label: "Container started", icon: "running", group: Group::Operations }
    StartedOutside = "container_started_outside" { label: "Container started outside", icon: "running", group: Group::Operations }
    Stopped = "container_stopped" { label: "Container stopped", icon: "stopped", group: Group::Operations }
    StoppedOutside = "container_stopped_outside" { label: "Container stopped outside", icon: "stopped", group: Group::Operations }
    Ended = "container_ended" { label: "Container ended", icon: "stopped", group: Group::Operations }
    Crashed = "container_crashed" { label: "Container crashed", icon: "failed", group: Group::Operations }
    RestartLoop = "container_restart_loop" { label: "Container restarts again and again", icon: "restart", group: Group::Operations }
    Paused = "container_paused" { label: "Container paused", icon: "pending", group: Group::Operations }
    Resumed = "container_resumed" { label: "Container resumed", icon: "running", group: Group::Operations }
    Renamed = "container_renamed" { label: "Container renamed outside", icon: "updated", group: Group::Operations }
    Healthy = "container_healthy" { label: "Container healthy", icon: "success", group: Group::Operations }
    Unhealthy = "container_unhealthy" { label: "Container unhealthy", icon: "warning", group: Group::Operations }
    Deleted = "container_deleted" { label: "Container removed", icon: "deleted", group: Group::Operations }
    Gone = "container_gone" { label: "Container gone", icon: "deleted", group: Group::Operations }
    Replaced = "container_replaced" { label: "Container replaced", icon: "warning", group: Group::Operations }
    Unknown = "container_unknown" { label: "Unknown container", icon: "unknown", group: Group::Operations }
    Gap = "engine_gap" { label: "Events missed", icon: "warning", group: Group::Operations }
}

impl EngineEventType {
    /// What filters and headings call it.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Other(text) => humanised(text),
            known => known.facts().label.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_back_from_what_it_stores() {
        for known in EngineEventType::ALL {
            assert_eq!(&EngineEventType::from_stored(known.as_str()), known);
        }
    }
}
