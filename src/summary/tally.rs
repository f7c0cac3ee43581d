//! What is counted for a series: one pattern on one component.

use serde::{Deserialize, Serialize};

use super::bounded::Bounded;
use super::exemplars::Exemplars;
use super::frequent::{Frequent, Occurrence};
use super::severities::SeverityCounts;
use super::timeline::{MAX_SLOTS, Timeline};
use crate::entry::{Component, Entry, Severity};
use crate::pattern::{Merge, Observation};
use crate::time::Timestamp;

/// Distinct values, blamed things, revisions or instances that are kept of a series when there are few series.
const NAMES: usize = 512;

/// Values of all series together.
const VALUES_IN_ALL: usize = 24 << 10;

/// Things blamed or mentioned by all series together.
const BLAMES_IN_ALL: usize = 32 << 10;

/// Revisions of all series together.
const REVISIONS_IN_ALL: usize = 16 << 10;

/// Instances of all series together; where a series has more of its own, their number is a lower bound.
const INSTANCES_IN_ALL: usize = 64 << 10;

/// Spellings of one template that events of instances can point to.
const KEYS: usize = 64;

/// Slots of timelines of all series together, 16 bytes each: up to a thousand series have all of theirs.
const SLOTS_IN_ALL: usize = 1 << 20;

/// The same of all series together.
const KEYS_IN_ALL: usize = KEYS << 10;

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
    pub values: Frequent<(String, String), NAMES>,
    /// Things it blames.
    pub blames: Frequent<Component, NAMES>,
    /// Names that stand in its messages and may turn out to be components.
    pub mentions: Frequent<String, NAMES>,
    /// Revisions that wrote it.
    pub revisions: Frequent<String, NAMES>,
    /// Instances that wrote it.
    pub instances: Frequent<String, NAMES>,
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
        let occurrence = Occurrence::of(entry, at);
        for (name, value) in observation.values.iter() {
            self.values.add((name.as_ref(), value.as_ref()), at, occurrence);
        }
        for blamed in observation.blames.iter() {
            self.blames.add(blamed, at, occurrence);
        }
        for name in observation.mentions.iter() {
            self.mentions.add(name.as_ref(), at, occurrence);
        }
        if let Some(revision) = observation.revision {
            self.revisions.add(revision, at, occurrence);
        }
        if let Some(instance) = observation.instance {
            self.instances.add(instance, at, occurrence);
        }
    }

    /// The more series there are, the less is kept of each: coarser times, fewer names. A function of their number alone, which
    /// only grows.
    pub(super) fn fit(&mut self, n_series: usize) {
        let n_series = n_series.max(1);
        self.finish();
        self.timeline.fit_to((SLOTS_IN_ALL / n_series).clamp(16, MAX_SLOTS));
        let part = |in_all: usize| (in_all / n_series).clamp(4, NAMES);
        self.values.fit_to(part(VALUES_IN_ALL));
        self.blames.fit_to(part(BLAMES_IN_ALL));
        self.mentions.fit_to(part(BLAMES_IN_ALL));
        self.revisions.fit_to(part(REVISIONS_IN_ALL));
        self.instances.fit_to(part(INSTANCES_IN_ALL));
        self.keys.fit_to((KEYS_IN_ALL / n_series).clamp(4, KEYS));
    }

    /// Masks the quotes that were copied for now. Merging, and [`super::Summary::fit`], do the same.
    pub fn finish(&mut self) {
        self.exemplars.finish();
    }

    /// What it had more of than is kept.
    pub(super) fn limits(&self) -> impl Iterator<Item = &'static str> {
        let bounds = [
            ("values of a series", self.values.overflowed()),
            ("things blamed by a series", self.blames.overflowed()),
            ("names mentioned by a series", self.mentions.overflowed()),
            ("revisions of a series", self.revisions.overflowed()),
            ("instances of a series", self.instances.overflowed()),
        ];
        bounds.into_iter().filter(|(_, reached)| *reached).map(|(name, _)| name)
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
