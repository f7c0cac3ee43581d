//! Counts over time at the finest width whose extent fits a fixed number of slots.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::pattern::{Merge, counted};
use crate::time::Timestamp;

/// Most slots a timeline spans: an hour at 4.3 s, a day at 137 s. 8 KiB when all hold a count.
pub(super) const MAX_SLOTS: usize = 1024;

/// Finest width: 2^28 ns, 0.27 s. Finer than any onset can be told, coarse enough to stay small.
const FINEST_SHIFT: u32 = 28;

/// Slots lie side by side when at least one in this many has a count: as much memory as a tree, at the cost of an addition.
const DENSE: usize = 4;

/// They are listed again when fewer than one in this many has a count; apart from [`DENSE`], so that neither is left at once.
const SPARSE: usize = 16;

/// Counts by slot. A slot is `2^shift` ns wide and starts at `index << shift`.
///
/// Law: the width is a function of the earliest and latest time alone, so coarsening commutes with adding.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "StoredTimeline", into = "StoredTimeline")]
pub struct Timeline {
    shift: u32,
    slots: Slots,
}

/// Counts above zero, as few bytes as they need. Which form they have is not part of what they say.
#[derive(Clone, Debug)]
enum Slots {
    /// Slot and count, in order.
    Listed(Vec<(i64, u64)>),
    /// Counts from a first slot on, some of them zero; the first and the last are not.
    SideBySide { first: i64, counts: Vec<u64>, n_used: usize },
}

/// As it is written; what is read may be anything.
#[derive(Serialize, Deserialize)]
struct StoredTimeline {
    shift: u32,
    #[serde(deserialize_with = "counted")]
    slots: Vec<(i64, u64)>,
}

impl From<Timeline> for StoredTimeline {
    fn from(timeline: Timeline) -> StoredTimeline {
        StoredTimeline { shift: timeline.shift, slots: timeline.slots.iter().collect() }
    }
}

impl TryFrom<StoredTimeline> for Timeline {
    type Error = String;

    fn try_from(stored: StoredTimeline) -> Result<Timeline, String> {
        if !(FINEST_SHIFT..i64::BITS).contains(&stored.shift) {
            return Err(format!("slots of 2^{} ns", stored.shift));
        }
        let times = (i64::MIN >> stored.shift)..=(i64::MAX >> stored.shift);
        if let Some(slot) = stored.slots.iter().map(|(slot, _)| slot).find(|slot| !times.contains(slot)) {
            return Err(format!("a slot at {slot} times 2^{} ns", stored.shift));
        }
        let mut slots: BTreeMap<i64, u64> = BTreeMap::new();
        for (slot, n) in stored.slots.into_iter().filter(|(_, n)| *n > 0) {
            *slots.entry(slot).or_default() += n;
        }
        let mut timeline = Timeline { shift: stored.shift, slots: Slots::Listed(slots.into_iter().collect()) };
        timeline.fit_to(MAX_SLOTS);
        Ok(timeline)
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Timeline { shift: FINEST_SHIFT, slots: Slots::Listed(Vec::new()) }
    }
}

impl PartialEq for Timeline {
    fn eq(&self, other: &Timeline) -> bool {
        self.shift == other.shift && self.slots.iter().eq(other.slots.iter())
    }
}

impl Eq for Timeline {}

impl Timeline {
    /// Counts `n` at `at`.
    #[inline]
    pub fn add(&mut self, at: Timestamp, n: u64) {
        let slot = at.0 >> self.shift;
        if let Slots::SideBySide { first, counts, n_used } = &mut self.slots
            && let Some(count) = counts.get_mut(slot.wrapping_sub(*first) as usize)
        {
            *n_used += usize::from(*count == 0 && n > 0);
            *count += n;
            return;
        }
        if n > 0 {
            self.add_outside(slot, n);
        }
    }

    /// Slots with a count: start, width in nanoseconds, count; in order of time.
    pub fn slots(&self) -> impl Iterator<Item = (Timestamp, i64, u64)> + '_ {
        let shift = self.shift;
        self.slots.iter().map(move |(slot, n)| (Timestamp(slot << shift), 1i64 << shift, n))
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
        self.slots.sum((from.0 >> self.shift)..=((to.0 - 1) >> self.shift))
    }

    /// Widens the slots until the timeline spans no more than `most` of them. Fewer for more: when it is done to the smaller
    /// of two numbers at last, it does not matter whether it was done to the larger before.
    pub(super) fn fit_to(&mut self, most: usize) {
        let Some((first, last)) = self.slots.ends() else { return };
        self.coarsen(widening(first, last, most));
        self.slots.settle();
    }

    /// Counts in a slot that is not among those side by side.
    fn add_outside(&mut self, slot: i64, n: u64) {
        let (first, last) = self.slots.ends().unwrap_or((slot, slot));
        let by = widening(first.min(slot), last.max(slot), MAX_SLOTS);
        self.coarsen(by);
        self.slots.add(slot >> by, n);
        self.slots.settle();
    }

    /// Makes slots `2^by` times as wide.
    fn coarsen(&mut self, by: u32) {
        if by == 0 {
            return;
        }
        self.shift += by;
        let mut wider: Vec<(i64, u64)> = Vec::new();
        for (slot, n) in self.slots.iter() {
            match wider.last_mut() {
                Some((last, count)) if *last == slot >> by => *count += n,
                _ => wider.push((slot >> by, n)),
            }
        }
        self.slots = Slots::Listed(wider);
    }
}

/// How often slots must double their width until no more than `most` lie from `first` to `last`.
fn widening(first: i64, last: i64, most: usize) -> u32 {
    let extent = |by: u32| (last >> by).saturating_sub(first >> by).saturating_add(1);
    (0..i64::BITS - 1).find(|by| extent(*by) <= most.max(1) as i64).unwrap_or(i64::BITS - 1)
}

impl Slots {
    fn iter(&self) -> impl Iterator<Item = (i64, u64)> + '_ {
        let (listed, first, counts) = match self {
            Slots::Listed(listed) => (listed.as_slice(), 0, [].as_slice()),
            Slots::SideBySide { first, counts, .. } => ([].as_slice(), *first, counts.as_slice()),
        };
        let counted = counts.iter().enumerate().filter(|(_, n)| **n > 0);
        listed.iter().copied().chain(counted.map(move |(i, n)| (first + i as i64, *n)))
    }

    /// First and last slot.
    fn ends(&self) -> Option<(i64, i64)> {
        match self {
            Slots::Listed(listed) => Some((listed.first()?.0, listed.last()?.0)),
            Slots::SideBySide { first, counts, .. } => Some((*first, *first + counts.len() as i64 - 1)),
        }
    }

    fn sum(&self, range: std::ops::RangeInclusive<i64>) -> u64 {
        match self {
            Slots::Listed(listed) => {
                let from = listed.partition_point(|(slot, _)| slot < range.start());
                listed[from..].iter().take_while(|(slot, _)| slot <= range.end()).map(|(_, n)| n).sum()
            }
            Slots::SideBySide { first, counts, .. } => {
                let len = counts.len() as i64;
                let from = range.start().saturating_sub(*first).clamp(0, len) as usize;
                let to = range.end().saturating_sub(*first).saturating_add(1).clamp(from as i64, len) as usize;
                counts[from..to].iter().sum()
            }
        }
    }

    /// Adds to a slot that lies within [`MAX_SLOTS`] of all others.
    fn add(&mut self, slot: i64, n: u64) {
        match self {
            Slots::Listed(listed) => match listed.binary_search_by_key(&slot, |(slot, _)| *slot) {
                Ok(at) => listed[at].1 += n,
                Err(at) => listed.insert(at, (slot, n)),
            },
            Slots::SideBySide { first, counts, n_used } => {
                if slot < *first {
                    let missing = (*first - slot) as usize;
                    counts.splice(0..0, std::iter::repeat_n(0, missing));
                    *first = slot;
                }
                let at = (slot - *first) as usize;
                if at >= counts.len() {
                    counts.resize(at + 1, 0);
                }
                *n_used += usize::from(counts[at] == 0);
                counts[at] += n;
            }
        }
    }

    /// Takes the form that suits how many slots have a count.
    fn settle(&mut self) {
        let Some((first, last)) = self.ends() else { return };
        let extent = (last - first) as usize + 1;
        match self {
            Slots::Listed(listed) if listed.len() * DENSE >= extent && extent > 1 => {
                let mut counts = vec![0; extent];
                listed.iter().for_each(|(slot, n)| counts[(slot - first) as usize] = *n);
                *self = Slots::SideBySide { first, n_used: listed.len(), counts };
            }
            Slots::SideBySide { n_used, .. } if *n_used * SPARSE < extent => {
                *self = Slots::Listed(self.iter().collect());
            }
            _ => {}
        }
    }
}

impl Merge for Timeline {
    fn merge(&mut self, mut other: Timeline) {
        self.coarsen(other.shift.saturating_sub(self.shift));
        other.coarsen(self.shift.saturating_sub(other.shift));
        for (slot, n) in other.slots.iter() {
            self.add(Timestamp(slot << other.shift), n);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The obvious way: all counts in a tree, widened when they reach too far.
    fn obvious(events: &[(i64, u64)]) -> StoredTimeline {
        let mut shift = FINEST_SHIFT;
        loop {
            let mut slots = BTreeMap::new();
            events.iter().for_each(|(at, n)| *slots.entry(at >> shift).or_default() += n);
            let extent = slots.keys().last().zip(slots.keys().next()).map_or(0, |(last, first)| last - first + 1);
            if extent <= MAX_SLOTS as i64 {
                return StoredTimeline { shift, slots: slots.into_iter().collect() };
            }
            shift += 1;
        }
    }

    #[test]
    fn either_form_counts_what_a_tree_counts() {
        let mut state = 3u64;
        let mut random = move |n: i64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as i64 % n
        };
        let reaches = [1i64 << 28, 1 << 33, 1 << 38, 1 << 41, 1 << 50, 1 << 61];
        let mut seen = [false; 2];
        for round in 0..300 {
            let reach = reaches[round % reaches.len()];
            let events: Vec<(i64, u64)> =
                (0..random(400)).map(|_| (random(reach) - reach / 2, 1 + random(3) as u64)).collect();
            let (mut whole, mut parts) = (Timeline::default(), [Timeline::default(), Timeline::default()]);
            for (i, (at, n)) in events.iter().enumerate() {
                whole.add(Timestamp(*at), *n);
                parts[i % 2].add(Timestamp(*at), *n);
            }
            let [mut merged, other] = parts;
            merged.merge(other);
            seen[usize::from(matches!(whole.slots, Slots::Listed(_)))] = true;
            let expected = obvious(&events);
            let (from, to) = (Timestamp(random(reach) - reach / 2), Timestamp(random(reach)));
            let between = (from.0 >> expected.shift)..=((to.0 - 1) >> expected.shift);
            let n = if to <= from {
                0
            } else {
                expected.slots.iter().filter(|(slot, _)| between.contains(slot)).map(|(_, n)| n).sum()
            };
            assert_eq!(whole.count_between(from, to), n);
            assert_eq!(merged, whole);
            let stored = StoredTimeline::from(whole);
            assert_eq!((stored.shift, stored.slots), (expected.shift, expected.slots));
        }
        assert_eq!(seen, [true; 2], "both forms were met");
    }
}
