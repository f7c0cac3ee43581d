//! The part of the contract that tells of an incident: when, how bad, who suffers.

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cause, Change, Link, Moment, Regression, RestartLoop, RuledOut, Slot};
use crate::entry::ComponentKind;
use crate::time::Timestamp;

/// Whether an incident still went on at the end of the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Failing up to the last entry.
    Ongoing,
    /// Failures stopped and good requests or starts followed.
    Resolved,
    /// The export does not tell.
    Unknown,
}

/// P0 (users get nothing) to P3 (no request failed), or unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub enum Priority {
    /// A service answers nothing.
    P0,
    /// A large share of requests fails, or a service cannot start.
    P1,
    /// Some requests fail.
    P2,
    /// Requests are in the export, and none failed.
    P3,
    /// The export holds no request, so what users saw cannot be told.
    Unknown,
}

impl Priority {
    /// True when an incident of this priority is at least as bad as `least`. Unknown is no reassurance: it counts as P3.
    pub fn reaches(self, least: Priority) -> bool {
        let rank = |priority: Priority| priority.min(Priority::P3);
        rank(self) <= rank(least)
    }
}

/// When an action is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// While the outage goes on.
    Now,
    /// To find out more, or right after.
    Next,
    /// So that it does not come back.
    Later,
}

/// Why a link is in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The catalogue, the same instance, a call or a mention links it to what came before.
    Observed,
    /// Only time and place do.
    Inferred,
}

/// What a change has to do with an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// It set the incident off.
    Trigger,
    /// It touched what is affected; no failure leads back to it.
    Related,
    /// Nothing leads back to it, or it came after the onset.
    Unrelated,
}

/// What kind of moment it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Something notable before the onset.
    Before,
    /// A change.
    Change,
    /// The first failure.
    Onset,
    /// A failure that followed.
    Symptom,
    /// The last failure.
    LastFailure,
    /// Work went well again.
    Recovery,
}

/// Failures with one root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Incident {
    /// `I1`, `I2`, … in this report.
    pub id: String,
    /// The same for the same chain of patterns and components, from run to run.
    pub fingerprint: String,
    /// What happened, in a line.
    pub title: String,
    /// Ongoing, resolved, unknown.
    pub status: Status,
    /// P0 to P3.
    pub priority: Priority,
    /// The rule that gave the priority.
    pub priority_rule: String,
    /// Onset: effect time at which failures left their baseline.
    pub start: Timestamp,
    /// Last failure, `null` while ongoing.
    pub end: Option<Timestamp>,
    /// Entries that fail in it.
    pub failure_entries: u64,
    /// Separate stretches, when it stopped and came back.
    pub episodes: Vec<Episode>,
    /// Who suffers, worst first.
    pub affected: Vec<Affected>,
    /// Ranked candidates.
    pub causes: Vec<Cause>,
    /// From the cause to the outermost symptom.
    pub chain: Vec<Link>,
    /// Layers that were checked and ruled out.
    pub ruled_out: Vec<RuledOut>,
    /// Failures over time.
    pub timeline: Vec<Slot>,
    /// Changes near the onset, with what speaks for or against each.
    pub changes: Vec<Change>,
    /// Notable moments in order of effect time, from before the onset on.
    pub moments: Vec<Moment>,
    /// Restart loop, when there is one.
    pub restarts: Option<RestartLoop>,
    /// What failed requests have in common, where the export holds enough failed and other ones.
    #[serde(default)]
    pub contrast: Option<Contrast>,
    /// Times within the incident, or right after it, of which the export holds no entry at all.
    #[serde(default)]
    pub uncovered: Vec<Uncovered>,
    /// The earlier incident it repeats, when a history was given.
    pub regression: Option<Regression>,
}

/// What failed requests to a component share, compared with its other requests up to the end of the incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Contrast {
    /// Whose requests.
    pub component: String,
    /// Failed requests that were compared: all, or a sample of at most 256.
    pub failed: u64,
    /// Other requests that were compared: all, or a sample of at most 256.
    pub others: u64,
    /// Values that failed requests have far more often than others, the most telling first.
    pub shared: Vec<SharedValue>,
    /// Dimensions in which failed requests are spread as others are.
    pub not_shared: Vec<String>,
    /// The same in words, a sentence each.
    pub sentences: Vec<String>,
}

/// A value that failed requests share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct SharedValue {
    /// `client`, `user agent`, `revision` or `route`.
    pub dimension: String,
    /// The value.
    pub value: String,
    /// Failed requests with it.
    pub failed: u64,
    /// Other requests with it.
    pub others: u64,
}

/// A stretch of time without any entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Uncovered {
    /// The last entry before it, to the slot of the account.
    pub start: Timestamp,
    /// The first entry after it, to the slot of the account.
    pub end: Timestamp,
}

/// One stretch of an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Episode {
    /// First failure.
    pub start: Timestamp,
    /// Last failure.
    pub end: Timestamp,
    /// Failing entries.
    pub failure_entries: u64,
}

/// A component that suffers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Affected {
    /// Its name.
    pub component: String,
    /// Its kind.
    pub kind: ComponentKind,
    /// Failing entries of it.
    pub failure_entries: u64,
    /// Requests seen during the incident; 0 when the export holds none, or only failed ones.
    pub requests: u64,
    /// Requests among them that failed (status 5xx).
    pub failures: u64,
    /// Requests among them that were refused (status 4xx).
    #[serde(default)]
    pub refused: u64,
    /// Share of requests that did not fail, `null` without requests.
    pub availability: Option<f64>,
    /// 95 % Wilson interval of the availability.
    pub availability_interval: Option<(f64, f64)>,
    /// Process exits and kills seen.
    pub restarts: u64,
    /// Failing routes with their counts, worst first, at most ten.
    pub routes: Vec<RouteCount>,
}

/// A route and its requests during the incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RouteCount {
    /// `GET /api/threads/<id>`.
    pub route: String,
    /// `http`, `websocket` or `health`.
    pub kind: String,
    /// Requests.
    pub requests: u64,
    /// Failed ones.
    pub failures: u64,
}
