//! What is counted for a series: one pattern on one component.

use serde::{Deserialize, Serialize};

use super::bounded::Bounded;
use super::exemplars::Exemplars;
use super::severities::SeverityCounts;
use super::timeline::{MAX_SLOTS, Timeline};
use crate::entry::{Component, Entry, Severity};
use crate::pattern::{Merge, Observation};
use crate::time::Timestamp;

/// Distinct values kept per series: exit codes and timeouts are few; ids are many and say nothing.
const VALUES: usize = 24;

/// Things blamed per series.
const BLAMES: usize = 32;

/// Revisions told apart per series.
const REVISIONS: usize = 16;

/// Instances told apart per series; beyond it their number is a lower bound.
const INSTANCES: usize = 64;

/// Spellings of one template that events of instances can point to.
const KEYS: usize = 64;

/// Slots of timelines of all series together, 16 bytes each: up to a thousand series have all of theirs.
const SLOTS_IN_ALL: usize = 1 << 20;

/// Series of which all small maps are kept whole.
const FEW: usize = 1024;

/// How often and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Entries.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub count: u64,
    /// First effect time.
    pub first: Timestamp,
    /// Last effect time.
    pub last: Timestamp,
}

impl Default for Seen {
    fn default() -> Self {
        Seen { count: 0, first: Timestamp::MAX, last: Timestamp::MIN }
    }
}

impl Seen {
    /// Counts `n` entries at `at`.
    pub fn add(&mut self, at: Timestamp, n: u64) {
        self.count += n;
        self.first = self.first.min(at);
        self.last = self.last.max(at);
    }
}

impl Merge for Seen {
    fn merge(&mut self, other: Seen) {
        self.count += other.count;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// The account of one series.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Entries (Kubernetes events by the increase of their count) and their times.
    pub seen: Seen,
    /// Entries by effective severity.
    pub severities: SeverityCounts,
    /// Counts over time.
    pub timeline: Timeline,
    /// Entries that show it.
    pub exemplars: Exemplars,
    /// Values extracted: (name, value).
    pub values: Bounded<(String, String), Seen, VALUES>,
    /// Things it blames.
    pub blames: Bounded<Component, Seen, BLAMES>,
    /// Names that stand in its messages and may turn out to be components.
    pub mentions: Bounded<String, Seen, BLAMES>,
    /// Revisions that wrote it.
    pub revisions: Bounded<String, Seen, REVISIONS>,
    /// Instances that wrote it.
    pub instances: Bounded<String, Seen, INSTANCES>,
    /// For a mined pattern, the ids by which events of instances point to it.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub keys: Bounded<u64, u64, KEYS>,
}

impl Tally {
    /// Counts an entry.
    pub fn observe(&mut self, entry: &Entry<'_>, observation: &Observation<'_>) {
        let at = observation.at;
        self.seen.add(at, observation.weight);
        self.severities.add(observation.severity);
        self.timeline.add(at, observation.weight);
        self.exemplars.observe(entry, observation);
        for (name, value) in observation.values.iter() {
            if let Some(seen) = self.values.at((name.as_ref(), value.as_ref())) {
                seen.add(at, 1);
            }
        }
        for blamed in observation.blames.iter() {
            if let Some(seen) = self.blames.at(blamed) {
                seen.add(at, 1);
            }
        }
        for name in observation.mentions.iter() {
            if let Some(seen) = self.mentions.at(name.as_ref()) {
                seen.add(at, 1);
            }
        }
        if let Some(seen) = observation.revision.and_then(|revision| self.revisions.at(revision)) {
            seen.add(at, 1);
        }
        if let Some(seen) = observation.instance.and_then(|instance| self.instances.at(instance)) {
            seen.add(at, 1);
        }
    }

    /// The more series there are, the less is kept of each: coarser times, fewer names. A function of their number alone, which
    /// only grows.
    pub(super) fn fit(&mut self, n_series: usize) {
        let n_series = n_series.max(1);
        self.timeline.fit_to((SLOTS_IN_ALL / n_series).clamp(16, MAX_SLOTS));
        let part = |whole: usize| (whole * FEW / n_series).clamp(4, whole);
        self.values.fit_to(part(VALUES));
        self.blames.fit_to(part(BLAMES));
        self.mentions.fit_to(part(BLAMES));
        self.revisions.fit_to(part(REVISIONS));
        self.instances.fit_to(part(INSTANCES));
        self.keys.fit_to(part(KEYS));
    }

    /// Worst effective severity.
    pub fn worst_severity(&self) -> Option<Severity> {
        self.severities.worst()
    }
}

impl Merge for Tally {
    fn merge(&mut self, other: Tally) {
        self.seen.merge(other.seen);
        self.severities.merge(other.severities);
        self.timeline.merge(other.timeline);
        self.exemplars.merge(other.exemplars);
        self.values.merge(other.values);
        self.blames.merge(other.blames);
        self.mentions.merge(other.mentions);
        self.revisions.merge(other.revisions);
        self.instances.merge(other.instances);
        self.keys.merge(other.keys);
    }
}
