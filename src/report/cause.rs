//! The part of the contract that tells of causes: evidence, actions, the chain, changes, moments.

use std::collections::BTreeMap;

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Basis, Event, Part, Tier};
use crate::entry::ComponentKind;
use crate::pattern::Layer;
use crate::time::Timestamp;

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
    /// The error in its own words, where the title only says what kind it is.
    #[serde(default)]
    pub words: Option<String>,
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
    /// The same in words.
    #[serde(default)]
    pub title: String,
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
    /// When it is due.
    pub priority: Tier,
    /// Team that owns it.
    pub owner: String,
    /// In a sentence.
    pub text: String,
    /// The command, with the names that the export gives.
    pub command: Option<String>,
    /// True when the command deletes, disables, resets or ends something: look first at what it will hit.
    #[serde(default)]
    pub destructive: bool,
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
    /// Why it is a link.
    pub basis: Basis,
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
    /// The same in words.
    #[serde(default)]
    pub title: String,
    /// Resource changed.
    pub resource: String,
    /// Who.
    pub actor: Option<String>,
    /// Seconds from the change to the onset, negative when it came after.
    pub before_onset_s: f64,
    /// What it has to do with the incident.
    pub part: Part,
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
    /// What kind of moment.
    pub kind: Event,
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
