//! The finding as plain data: the JSON contract `firstfault.report/1` at a glance. Every face only renders it.

pub mod audit;
mod chart;
mod command;
mod compose;
pub mod escape;
mod exhibits;
pub mod history;
pub mod html;
pub mod json;
pub mod markdown;
pub mod patterns;
pub mod profile;
pub mod redact;
mod svg;
pub mod table;
pub mod verify;
mod wording;

use std::collections::BTreeMap;

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entry::ComponentKind;
use crate::pattern::Layer;
use crate::time::Timestamp;

pub use crate::summary::Ledger;
pub use compose::{Findings, compose};

/// The schema this version writes.
pub const SCHEMA: &str = "firstfault.report/1";

/// A way to show a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// Lines for a terminal.
    Table,
    /// The contract itself.
    Json,
    /// A postmortem draft.
    Markdown,
    /// One page for a browser.
    Html,
}

impl Face {
    /// The face for a file name's extension: `json`, `md`, `markdown`, `html`, `htm`, `txt`.
    pub fn of_extension(extension: &str) -> Option<Face> {
        match extension.to_ascii_lowercase().as_str() {
            "json" => Some(Face::Json),
            "md" | "markdown" => Some(Face::Markdown),
            "html" | "htm" => Some(Face::Html),
            "txt" => Some(Face::Table),
            _ => None,
        }
    }
}

/// A report in one of its faces; `options` are those of the terminal.
pub fn render(report: &Report, face: Face, options: &table::Options) -> String {
    match face {
        Face::Table => table::render(report, options),
        Face::Json => json::render(report),
        Face::Markdown => markdown::render(report),
        Face::Html => html::render(report),
    }
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

/// P0 (users get nothing) to P3 (a warning).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub enum Priority {
    /// A service answers nothing.
    P0,
    /// A large share of requests fails, or a service cannot start.
    P1,
    /// Some requests fail.
    P2,
    /// Errors that no request was seen to suffer from.
    P3,
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

/// A candidate cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Cause {
    /// 1 is the first fault.
    pub rank: u32,
    /// What is at fault.
    pub component: String,
    /// Its kind.
    pub component_kind: ComponentKind,
    /// Other names it goes by in the export.
    pub aliases: Vec<String>,
    /// Where in the stack.
    pub layer: Layer,
    /// Signature id, or `template:…` for a mined pattern.
    pub signature: String,
    /// What is wrong, in a line.
    pub title: String,
    /// 0 to 1, calibrated: of the first causes at 0.8 or more, 90 % are right.
    pub confidence: f64,
    /// The sum of value × weight over `features`.
    pub score: f64,
    /// The terms of the score.
    pub features: Vec<Feature>,
    /// Effect time of its first evidence.
    pub first_seen: Timestamp,
    /// Entries that show or name it.
    pub count: u64,
    /// Failing entries of the incident that it reaches.
    pub explains: u64,
    /// The change that set it off, when one has a path to it.
    pub trigger: Option<Trigger>,
    /// Entries that show it, earliest first.
    pub evidence: Vec<Evidence>,
    /// What speaks against it, in sentences.
    pub against: Vec<String>,
    /// Why it is not ranked first; empty for the first.
    pub why_not: Option<String>,
    /// What to do.
    pub actions: Vec<Action>,
}

/// A term of a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Feature {
    /// Stable name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its weight.
    pub weight: f64,
    /// What it means here.
    pub text: String,
}

/// The change that set a cause off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Trigger {
    /// When.
    pub at: Timestamp,
    /// Audit method or what was seen.
    pub what: String,
    /// On which resource.
    pub resource: String,
    /// Who, when the export tells.
    pub actor: Option<String>,
    /// The entry.
    pub evidence: Evidence,
}

/// A pointer to an entry that exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Evidence {
    /// `insertId`.
    pub insert_id: String,
    /// `timestamp` as recorded.
    pub timestamp: Option<Timestamp>,
    /// When it could be known.
    pub effect_time: Timestamp,
    /// `logName`.
    pub log_name: String,
    /// Recorded severity, `DEFAULT` when absent.
    pub severity: String,
    /// The component that wrote it.
    pub component: String,
    /// Source name.
    pub source: String,
    /// Byte offset of its record in the source, after decompression and conversion to UTF-8.
    pub offset: u64,
    /// Its text, redacted, cut to 600 characters.
    pub message: String,
    /// Logs Explorer address that finds it, when project and insertId are known.
    pub link: Option<String>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Action {
    /// `now`, `next` or `later`.
    pub priority: String,
    /// Team that owns it.
    pub owner: String,
    /// In a sentence.
    pub text: String,
    /// The command.
    pub command: Option<String>,
}

/// One link of the causal chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Link {
    /// Signature id or `template:…`.
    pub signature: String,
    /// Its title or template.
    pub title: String,
    /// Component.
    pub component: String,
    /// First effect time.
    pub first_seen: Timestamp,
    /// Entries.
    pub count: u64,
    /// Seconds after the link before it, 0 for the first.
    pub lag_s: f64,
    /// `observed` when the catalogue, the same instance, a call or a mention links it; `inferred` when only time does.
    pub basis: String,
}

/// A layer ruled out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RuledOut {
    /// Which layer.
    pub layer: Layer,
    /// Why.
    pub text: String,
    /// Entries that show it, where presence rather than absence decides.
    pub evidence: Vec<Evidence>,
}

/// A slot of a timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Slot {
    /// Its start.
    pub start: Timestamp,
    /// Its width in seconds.
    pub width_s: f64,
    /// Failing entries by layer, and `requests`, `request_failures` where known.
    pub counts: BTreeMap<String, u64>,
}

/// A change near the onset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Signature id or audit method.
    pub what: String,
    /// Resource changed.
    pub resource: String,
    /// Who.
    pub actor: Option<String>,
    /// Seconds from the change to the onset, negative when it came after.
    pub before_onset_s: f64,
    /// `trigger`, `related` or `distractor`.
    pub verdict: String,
    /// Why.
    pub text: String,
    /// The entry.
    pub evidence: Evidence,
}

/// A notable moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// `before`, `change`, `onset`, `symptom`, `last_failure`, `recovery`.
    pub kind: String,
    /// What.
    pub text: String,
    /// The entry behind it.
    pub evidence: Option<Evidence>,
}

/// A process that starts and ends again and again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RestartLoop {
    /// The service.
    pub component: String,
    /// Exits seen.
    pub exits: u64,
    /// Instances that exited.
    pub instances: u64,
    /// Exit codes or signals with their counts.
    pub exit_codes: BTreeMap<String, u64>,
    /// Median seconds between exits.
    pub period_s: Option<f64>,
    /// Boots whose output before the exit is in the export.
    pub boots: u64,
    /// Boots among them whose first error is that of the first cause.
    pub boots_agreeing: u64,
    /// `14 of 15 boots name …; the other begins with …`
    pub text: String,
}

/// An earlier incident with the same chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Regression {
    /// The earlier incident.
    pub of: String,
    /// Links that agree.
    pub links_equal: u32,
    /// Links of this chain.
    pub links: u32,
    /// In a sentence.
    pub text: String,
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
