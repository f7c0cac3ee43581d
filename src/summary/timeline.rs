//! Counts over time at the finest width whose extent fits a fixed number of slots.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::pattern::{Merge, counted};
use crate::time::Timestamp;

/// Most slots a timeline spans: an hour at 4.3 s, a day at 137 s.
const MAX_SLOTS: i64 = 1024;

/// Finest width: 2^28 ns, 0.27 s. Finer than any onset can be told, coarse enough to stay small.
const FINEST_SHIFT: u32 = 28;

/// Counts by slot. A slot is `2^shift` ns wide and starts at `index << shift`.
///
/// Law: the width is a function of the earliest and latest time alone, so coarsening commutes with adding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Timeline {
    shift: u32,
    slots: BTreeMap<i64, u64>,
}

/// As it is written; what is read may be anything.
#[derive(Deserialize)]
struct Stored {
    shift: u32,
    #[serde(deserialize_with = "counted")]
    slots: BTreeMap<i64, u64>,
}

impl TryFrom<Stored> for Timeline {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Timeline, String> {
        if !(FINEST_SHIFT..i64::BITS).contains(&stored.shift) {
            return Err(format!("slots of 2^{} ns", stored.shift));
        }
        let times = (i64::MIN >> stored.shift)..=(i64::MAX >> stored.shift);
        if let Some(slot) = stored.slots.keys().find(|slot| !times.contains(slot)) {
            return Err(format!("a slot at {slot} times 2^{} ns", stored.shift));
        }
        let mut timeline = Timeline { shift: stored.shift, slots: stored.slots };
        timeline.fit();
        Ok(timeline)
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Timeline { shift: FINEST_SHIFT, slots: BTreeMap::new() }
    }
}

impl Timeline {
    /// Counts `n` at `at`.
    pub fn add(&mut self, at: Timestamp, n: u64) {
        *self.slots.entry(at.0 >> self.shift).or_default() += n;
        self.fit();
    }

    /// Slots with a count: start, width in nanoseconds, count; in order of time.
    pub fn slots(&self) -> impl Iterator<Item = (Timestamp, i64, u64)> + '_ {
        let shift = self.shift;
        self.slots.iter().map(move |(slot, n)| (Timestamp(slot << shift), 1i64 << shift, *n))
    }

    /// Width of a slot in nanoseconds.
    pub fn width_ns(&self) -> i64 {
        1 << self.shift
    }

    /// Sum of the slots that start in `from..to`.
    pub fn count_between(&self, from: Timestamp, to: Timestamp) -> u64 {
        if to <= from {
            return 0;
        }
        self.slots.range((from.0 >> self.shift)..=((to.0 - 1) >> self.shift)).map(|(_, n)| n).sum()
    }

    fn fit(&mut self) {
        while self.extent() > MAX_SLOTS {
            self.coarsen();
        }
    }

    fn extent(&self) -> i64 {
        match (self.slots.first_key_value(), self.slots.last_key_value()) {
            (Some((first, _)), Some((last, _))) => last.saturating_sub(*first).saturating_add(1),
            _ => 0,
        }
    }

    fn coarsen(&mut self) {
        self.shift += 1;
        let mut coarser = BTreeMap::new();
        for (slot, n) in std::mem::take(&mut self.slots) {
            *coarser.entry(slot >> 1).or_default() += n;
        }
        self.slots = coarser;
    }
}

impl Merge for Timeline {
    fn merge(&mut self, mut other: Timeline) {
        while self.shift < other.shift {
            self.coarsen();
        }
        while other.shift < self.shift {
            other.coarsen();
        }
        for (slot, n) in other.slots {
            *self.slots.entry(slot).or_default() += n;
        }
        self.fit();
    }
}
