//! The finding as plain data: the JSON contract `firstfault.report/1` at a glance.

mod cause;
mod command;
mod compose;
mod export;
mod incident;
pub mod patterns;
pub(crate) mod wording;

use std::collections::BTreeMap;

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pattern::Layer;
use crate::time::Timestamp;

pub use crate::summary::Ledger;
pub use cause::*;
pub use compose::{Findings, compose};
pub use export::{Export, LogPart};
pub use incident::*;

/// The schema this version writes.
pub const SCHEMA: &str = "firstfault.report/1";

/// Logs Explorer address that finds an entry; `None` when its project or its id could stand for more than a name.
pub(crate) fn link(log_name: &str, insert_id: &str, at: Timestamp) -> Option<String> {
    let project = log_name.strip_prefix("projects/")?.split('/').next()?;
    let plain =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    (plain(project) && plain(insert_id)).then(|| {
        format!(
            "https://console.cloud.google.com/logs/query;query=insertId%3D%22{insert_id}%22;cursorTimestamp={at}?project={project}"
        )
    })
}

/// The JSON Schema (draft 2020-12) of a [`Report`].
///
/// It is a file, so that only tests build what derives it from the types; one of them compares the two.
pub fn schema() -> serde_json::Value {
    serde_json::from_str(include_str!("schema.json")).expect("a test has read it")
}

/// Everything the tool found. Times are RFC 3339 UTC; counts are exact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Version of the tool that wrote it.
    pub tool_version: String,
    /// What was read, and what was not.
    pub coverage: Coverage,
    /// One sentence: what broke first, when, why.
    pub verdict: String,
    /// One per root cause, the one with most failures first.
    pub incidents: Vec<Incident>,
    /// Single failures that say why, in a system that goes on: no incident, at most five.
    #[serde(default)]
    pub notes: Vec<Cause>,
    /// Patterns that fail as often before as during, and why they are not part of an incident.
    pub noise: Vec<Noise>,
    /// Every failing pattern with its counts, most frequent first.
    pub patterns: Vec<PatternCount>,
    /// Evidence that is missing, and the command that gets it.
    pub gaps: Vec<Gap>,
    /// What a service profile says about this outage, when one was given. Nothing in it was observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Given>,
    /// Earlier incidents that were compared with, `null` when no history was given.
    #[serde(default)]
    pub earlier_known: Option<u64>,
}

/// What the service profile says: given by its authors, not observed in the logs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Given {
    /// Name of the profile file.
    pub profile: String,
    /// One header per incident that the profile knows a service of.
    pub tickets: Vec<Ticket>,
}

/// The header of a tracker entry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Ticket {
    /// Id of the incident.
    pub incident: String,
    /// `[P0] checkout: …`
    pub title: String,
    /// Labels.
    pub labels: Vec<String>,
    /// Who gets it.
    pub assign: Vec<String>,
    /// When to look again.
    pub next_review: Option<Timestamp>,
    /// What the outage means for the business, in the profile's words.
    pub business_impact: Vec<String>,
    /// Team and tier of each affected service.
    pub services: Vec<String>,
    /// Services that depend on an affected one, by the profile, and were not seen to fail.
    pub dependents: Vec<String>,
    /// User journeys that need an affected service.
    pub journeys: Vec<Journey>,
    /// SLO targets of affected services beside what was observed.
    pub slos: Vec<Slo>,
    /// Addresses of repositories and issues.
    pub links: Vec<String>,
}

/// A user journey that needs an affected service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Journey {
    /// Its name, as given.
    pub name: String,
    /// `BLOCKED` when a service on it answers next to nothing, else `DEGRADED`; `was …` when it is over.
    pub state: String,
    /// Since when.
    pub since: Timestamp,
    /// The affected services on it.
    pub services: Vec<String>,
}

/// A target and what was observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Slo {
    /// The service.
    pub service: String,
    /// Share of requests that should succeed, as given.
    pub target: f64,
    /// Share of requests in the incident that did, `null` without requests.
    pub observed: Option<f64>,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Coverage {
    /// Entries read, duplicates included.
    pub entries: u64,
    /// Bytes read, after decompression.
    pub bytes: u64,
    /// Earliest effect time of an entry.
    pub first: Option<Timestamp>,
    /// Latest effect time of an entry.
    pub last: Option<Timestamp>,
    /// Every source with what was found in it.
    pub sources: Vec<SourceCoverage>,
    /// Lost byte ranges, the first hundred.
    pub malformed: Vec<LostRange>,
    /// Lost bytes in all.
    pub malformed_bytes: u64,
    /// Entries that came a second time (same log name, timestamp and insertId).
    pub duplicates: u64,
    /// Entries by recorded severity; `DEFAULT` for those without one.
    pub severities: BTreeMap<String, u64>,
    /// Entries whose severity was read from their text.
    pub severity_inferred: u64,
    /// Entries by log id.
    pub logs: BTreeMap<String, u64>,
    /// The ledger: entries = matched + mined + benign + unreadable + duplicates + outside + strays.
    pub ledger: Ledger,
    /// Entries with a time that cannot be right, when there are some: they are left out of everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strays: Option<StrayCoverage>,
    /// What a reader must know about the export.
    pub warnings: Vec<Warning>,
    /// Bounds that were reached, by the name of the constant.
    pub limits_reached: Vec<String>,
}

/// Entries dated more than an hour from when they were received, or outside of our age.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct StrayCoverage {
    /// The earliest effect time that one claims.
    pub earliest: Timestamp,
    /// The latest.
    pub latest: Timestamp,
    /// The first of them, at most three.
    pub examples: Vec<StrayExample>,
}

/// One entry with a time that cannot be right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct StrayExample {
    /// Source name.
    pub source: String,
    /// Where it starts.
    pub offset: u64,
    /// Its effect time.
    pub effect_time: Timestamp,
    /// When it was received, where that is known.
    pub received: Option<Timestamp>,
}

/// One source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct SourceCoverage {
    /// Path as given; `-` for standard input.
    pub name: String,
    /// What the bytes are: `json array`, `ndjson`, `yaml`, …, with compression and encoding.
    pub format: String,
    /// Entries in it.
    pub entries: u64,
    /// Bytes after decompression.
    pub bytes: u64,
    /// Hash of its decompressed bytes.
    pub digest: String,
    /// Why it, or the rest of it, could not be read.
    pub error: Option<String>,
}

/// A range of input that is in no entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct LostRange {
    /// Source name.
    pub source: String,
    /// First byte.
    pub offset: u64,
    /// Length in bytes.
    pub len: u64,
    /// What is wrong.
    pub reason: String,
}

/// Something a reader must know about the export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Warning {
    /// Stable code: `cut_by_limit`, `starts_inside_incident`, `no_audit_log`, `sampled_per_severity`, …
    pub code: String,
    /// The same in a sentence.
    pub text: String,
}

/// Evidence that is missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Gap {
    /// What is missing and what it would decide.
    pub text: String,
    /// The command that gets it.
    pub command: Option<String>,
}

/// A pattern that fails but belongs to no incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Noise {
    /// Signature id or `template:…`.
    pub signature: String,
    /// Title or template.
    pub title: String,
    /// Component.
    pub component: String,
    /// Entries.
    pub count: u64,
    /// Why it is noise.
    pub reason: String,
}

/// A pattern with its counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct PatternCount {
    /// Signature id or `template:…`.
    pub signature: String,
    /// Title or template.
    pub title: String,
    /// Component.
    pub component: String,
    /// Layer.
    pub layer: Layer,
    /// Worst severity, recorded or inferred.
    pub severity: String,
    /// Entries.
    pub count: u64,
    /// First effect time.
    pub first: Timestamp,
    /// Last effect time.
    pub last: Timestamp,
    /// Values extracted with their counts: `exit_code` → `3` → 15.
    pub values: BTreeMap<String, BTreeMap<String, u64>>,
    /// Id of the incident it belongs to.
    pub incident: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `UPDATE=1` writes the file anew.
    #[test]
    fn the_schema_is_that_of_the_types() {
        let mut derived = schemars::schema_for!(Report).to_value();
        derived["properties"]["schema"]["const"] = SCHEMA.into();
        if std::env::var_os("UPDATE").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/schema.json");
            let text = serde_json::to_string_pretty(&derived).expect("every key is text") + "\n";
            std::fs::write(path, text).expect("the file is writable");
        } else {
            assert_eq!(schema(), derived, "src/report/schema.json is not what the types say");
        }
    }
}
