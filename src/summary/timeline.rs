//! Counts over time at the finest width whose extent fits a fixed number of slots.

use serde::{Deserialize, Serialize};

use crate::pattern::Merge;
use crate::time::Timestamp;

/// Most slots a timeline spans: an hour at 4.3 s, a day at 137 s. 16 KiB when all hold a count.
pub(super) const MAX_SLOTS: usize = 1024;

/// Finest width: 2^28 ns, 0.27 s. Finer than any onset can be told, coarse enough to stay small.
const FINEST_SHIFT: u32 = 28;

/// Counts by slot. A slot is `2^shift` ns wide and starts at `index << shift`.
///
/// Law: the width is a function of the earliest and latest time alone, so coarsening commutes with adding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Timeline {
    shift: u32,
    /// Slots with a count, in order. Entries come nearly sorted by time, so that the last slot is nearly always the one.
    slots: Vec<(i64, u64)>,
}

/// As it is written; what is read may be anything.
#[derive(Deserialize)]
struct Stored {
    shift: u32,
    slots: Vec<(i64, u64)>,
}

impl TryFrom<Stored> for Timeline {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Timeline, String> {
        if !(FINEST_SHIFT..i64::BITS).contains(&stored.shift) {
            return Err(format!("slots of 2^{} ns", stored.shift));
        }
        let times = (i64::MIN >> stored.shift)..=(i64::MAX >> stored.shift);
        if let Some((slot, _)) = stored.slots.iter().find(|(slot, _)| !times.contains(slot)) {
            return Err(format!("a slot at {slot} times 2^{} ns", stored.shift));
        }
        let mut timeline = Timeline { shift: stored.shift, slots: Vec::new() };
        stored.slots.into_iter().for_each(|(slot, n)| timeline.add_slot(slot, n));
        timeline.fit_to(MAX_SLOTS);
        Ok(timeline)
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Timeline { shift: FINEST_SHIFT, slots: Vec::new() }
    }
}

impl Timeline {
    /// Counts `n` at `at`.
    pub fn add(&mut self, at: Timestamp, n: u64) {
        self.add_slot(at.0 >> self.shift, n);
        self.fit_to(MAX_SLOTS);
    }

    /// Slots with a count: start, width in nanoseconds, count; in order of time.
    pub fn slots(&self) -> impl Iterator<Item = (Timestamp, i64, u64)> + '_ {
        let shift = self.shift;
        self.slots.iter().map(move |&(slot, n)| (Timestamp(slot << shift), 1i64 << shift, n))
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
        let (first, last) = (from.0 >> self.shift, (to.0 - 1) >> self.shift);
        let start = self.slots.partition_point(|(slot, _)| *slot < first);
        self.slots[start..].iter().take_while(|(slot, _)| *slot <= last).map(|(_, n)| n).sum()
    }

    /// Widens the slots until the timeline spans no more than `most` of them. Fewer for more: when it is done to the smaller
    /// of two numbers at last, it does not matter whether it was done to the larger before.
    pub(super) fn fit_to(&mut self, most: usize) {
        while self.extent() > most.max(1) as i64 {
            self.coarsen();
        }
    }

    fn add_slot(&mut self, slot: i64, n: u64) {
        match self.slots.last_mut() {
            Some((last, count)) if *last == slot => *count += n,
            Some((last, _)) if *last > slot => match self.slots.binary_search_by_key(&slot, |(slot, _)| *slot) {
                Ok(at) => self.slots[at].1 += n,
                Err(at) => self.slots.insert(at, (slot, n)),
            },
            _ => self.slots.push((slot, n)),
        }
    }

    fn extent(&self) -> i64 {
        match (self.slots.first(), self.slots.last()) {
            (Some((first, _)), Some((last, _))) => last.saturating_sub(*first).saturating_add(1),
            _ => 0,
        }
    }

    fn coarsen(&mut self) {
        self.shift += 1;
        self.slots.iter_mut().for_each(|(slot, _)| *slot >>= 1);
        self.slots.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
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
            self.add_slot(slot, n);
        }
        self.fit_to(MAX_SLOTS);
    }
}
