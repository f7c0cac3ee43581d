//! A map that keeps a bounded number of keys and never loses one that makes up much of the whole.

use std::collections::BTreeSet;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use super::bounded::{Bounded, Like, stable_hash};
use super::tally::Seen;
use crate::entry::Entry;
use crate::pattern::Merge;
use crate::time::Timestamp;

/// Cells that an overflowing map has at most; a power of two.
const CELLS: usize = 128;

/// A cell holds a frequent key when it counts this many times what the others count on average.
const STANDS_OUT: u64 = 8;

/// Which occurrence of its key this is: anything that differs between most of them and does not depend on where they stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occurrence(pub u64);

impl Occurrence {
    /// That of the names in an entry: its time and the end of its insertId.
    pub(super) fn of(entry: &Entry<'_>, at: Timestamp) -> Self {
        let id = entry.insert_id.as_bytes();
        let end = id.last_chunk::<8>().map_or(id.len() as u64, |end| u64::from_le_bytes(*end));
        Occurrence(end ^ at.0 as u64)
    }
}

/// How often and when each of at most `N` keys occurred.
///
/// Up to `N` keys, all are kept, and exact. Beyond, two things are kept, neither of which depends on order or on how the
/// occurrences were split:
///
/// - the keys of the smallest hashes, exact: see [`Bounded`];
/// - cells, at most 128: each counts the keys whose hashes begin alike and names one of them, that of the occurrence with the
///   smallest rank, so a key is named with the probability of its share in the cell.
///
/// A cell that counts eight times the mean of the others is the account of its key. So of `C` cells a key with more than
/// `8 / (C + 7)` of all occurrences is kept, 6 % with 128, and its count is too high by what else its cell counts, on average
/// `1 / C` of the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(serialize = "K: Serialize + Clone + Ord + Hash", deserialize = "K: Deserialize<'de> + Ord + Hash"))]
pub struct Frequent<K: Ord, const N: usize> {
    kept: Bounded<K, Ranked, N>,
    /// None before the first overflow, then a power of two.
    cells: Vec<Option<Cell<K>>>,
}

/// How often a key occurred, and the smallest rank of its occurrences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Ranked {
    seen: Seen,
    rank: u64,
}

/// All keys whose hashes begin alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cell<K> {
    key: K,
    all: Ranked,
}

impl Default for Ranked {
    fn default() -> Self {
        Ranked { seen: Seen::default(), rank: u64::MAX }
    }
}

impl Merge for Ranked {
    fn merge(&mut self, other: Ranked) {
        self.seen.merge(other.seen);
        self.rank = self.rank.min(other.rank);
    }
}

impl<K: Ord, const N: usize> Default for Frequent<K, N> {
    fn default() -> Self {
        Frequent { kept: Bounded::default(), cells: Vec::new() }
    }
}

impl<K: Ord + Hash + Clone, const N: usize> Frequent<K, N> {
    /// Counts an occurrence of `key`.
    pub(super) fn add(&mut self, key: impl Like<K>, at: Timestamp, occurrence: Occurrence) {
        let mut one = Ranked { seen: Seen::default(), rank: stable_hash(&(occurrence.0, stable_hash(&key))) };
        one.seen.add(at, 1);
        if self.kept.len() < N && self.cells.is_empty() {
            if let Some(kept) = self.kept.at(key) {
                kept.merge(one);
            }
        } else {
            self.take(key, one);
        }
    }

    /// Takes in what was counted for a key elsewhere.
    fn take(&mut self, key: impl Like<K>, counted: Ranked) {
        if self.cells.is_empty() && self.kept.len() >= N && !self.kept.holds(key) {
            self.overflow(N);
        }
        if !self.cells.is_empty() {
            self.count_in_cell(key, counted);
        }
        if let Some(kept) = self.kept.at(key) {
            kept.merge(counted);
        }
    }

    /// Starts to count in cells: all that was counted so far, which is exact.
    fn overflow(&mut self, most: usize) {
        self.cells = vec![None; width(most)];
        for (key, counted) in self.kept.clone().iter() {
            self.count_in_cell(key, *counted);
        }
    }

    fn count_in_cell(&mut self, key: impl Like<K>, counted: Ranked) {
        let at = place(stable_hash(&key), self.cells.len());
        match &mut self.cells[at] {
            Some(cell) => {
                if counted.rank < cell.all.rank {
                    cell.key = key.key();
                }
                cell.all.merge(counted);
            }
            empty => *empty = Some(Cell { key: key.key(), all: counted }),
        }
    }

    /// Keeps at most `most` keys, and as few cells. When it is done to the smaller of two numbers at last, it does not matter
    /// whether it was done to the larger before.
    pub(super) fn fit_to(&mut self, most: usize) {
        if self.cells.is_empty() && self.kept.len() > most {
            self.overflow(most);
        }
        self.kept.fit_to(most);
        self.narrow(width(most));
    }

    /// Folds neighbours until there are at most `cells`.
    fn narrow(&mut self, cells: usize) {
        while self.cells.len() > cells.max(1) {
            let mut all = std::mem::take(&mut self.cells).into_iter();
            while let (Some(mut left), Some(right)) = (all.next(), all.next()) {
                merge_cells(&mut left, right);
                self.cells.push(left);
            }
        }
    }

    /// Keys in their order, with how often and when they occurred.
    pub fn iter(&self) -> impl Iterator<Item = (&K, Seen)> {
        let mut all: Vec<(&K, Seen)> = self.kept.iter().map(|(key, counted)| (key, counted.seen)).collect();
        all.extend(self.frequent());
        all.sort_by(|a, b| a.0.cmp(b.0));
        all.into_iter()
    }

    /// Keys that occur so often that they are told though their hash is not among the smallest.
    fn frequent(&self) -> Vec<(&K, Seen)> {
        let n_others = (self.cells.len() as u64).saturating_sub(1).max(1);
        let cells = || self.cells.iter().enumerate().filter_map(|(at, cell)| Some((at, cell.as_ref()?)));
        let total: u64 = cells().map(|(_, cell)| cell.all.seen.count).sum();
        let stands_out = |count: u64| count.saturating_mul(n_others) >= STANDS_OUT.saturating_mul(total - count);
        let loud = cells().filter(|(_, cell)| stands_out(cell.all.seen.count));
        let kept: BTreeSet<&K> =
            if self.cells.is_empty() { BTreeSet::new() } else { self.kept.iter().map(|kept| kept.0).collect() };
        loud.filter(|(_, cell)| !kept.contains(&cell.key))
            .map(|(at, cell)| (&cell.key, self.without_kept(at, cell)))
            .collect()
    }

    /// What a cell counts besides the keys that are kept.
    fn without_kept(&self, at: usize, cell: &Cell<K>) -> Seen {
        let in_it = self.kept.iter().filter(|(key, _)| place(stable_hash(*key), self.cells.len()) == at);
        let known: u64 = in_it.map(|(_, counted)| counted.seen.count).sum();
        Seen { count: cell.all.seen.count.saturating_sub(known), ..cell.all.seen }
    }

    /// How many keys are kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// True when no key was seen.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// True when there were more keys than are kept.
    pub fn overflowed(&self) -> bool {
        !self.cells.is_empty()
    }
}

impl<K: Ord + Hash + Clone, const N: usize> Merge for Frequent<K, N> {
    fn merge(&mut self, mut other: Self) {
        if self.cells.is_empty() && other.cells.is_empty() {
            for (key, counted) in other.kept.iter() {
                self.take(key, *counted);
            }
            return;
        }
        let n_cells = [&self.cells, &other.cells].into_iter().map(Vec::len).filter(|n| *n > 0).min().unwrap_or(CELLS);
        for side in [&mut *self, &mut other] {
            if side.cells.is_empty() {
                side.overflow(n_cells);
            }
            side.narrow(n_cells);
        }
        self.cells.iter_mut().zip(other.cells).for_each(|(mine, other)| merge_cells(mine, other));
        self.kept.merge(other.kept);
    }
}

fn merge_cells<K>(mine: &mut Option<Cell<K>>, other: Option<Cell<K>>) {
    match (mine.as_mut(), other) {
        (Some(mine), Some(other)) => {
            if other.all.rank < mine.all.rank {
                mine.key = other.key;
            }
            mine.all.merge(other.all);
        }
        (None, other) => *mine = other,
        (Some(_), None) => {}
    }
}

/// How many cells go with `most` keys.
fn width(most: usize) -> usize {
    let most = most.clamp(1, CELLS);
    1 << most.ilog2()
}

/// The cell of a hash. Halving the number of cells folds neighbours.
fn place(hash: u64, cells: usize) -> usize {
    (hash.unbounded_shr(u64::BITS - cells.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Map = Frequent<String, 16>;

    fn add(map: &mut Map, key: &str, at: i64) {
        map.add(key, Timestamp(at), Occurrence(at as u64));
    }

    proptest! {
        /// The map is a function of what was counted: any split, order and time of shrinking give the same.
        #[test]
        fn no_order_and_no_split_shows(keys in prop::collection::vec(0_u8..60, 0..400), n_parts in 1_usize..6, most in 4_usize..16, every in 1_usize..50) {
            let mut whole = Map::default();
            let mut parts = vec![Map::default(); n_parts];
            for (at, key) in keys.iter().enumerate() {
                add(&mut whole, &key.to_string(), at as i64);
            }
            for (at, key) in keys.iter().enumerate().rev() {
                let part = &mut parts[at * 7 % n_parts];
                add(part, &key.to_string(), at as i64);
                if at % every == 0 {
                    part.fit_to(most + at % 3);
                }
            }
            let joined = parts.into_iter().fold(Map::default(), |mut all, part| { all.merge(part); all });
            for mut map in [whole.clone(), joined] {
                map.fit_to(most);
                whole.fit_to(most);
                prop_assert_eq!(&map, &whole);
                let stored = serde_json::to_string(&map).expect("it is written");
                prop_assert_eq!(serde_json::from_str::<Map>(&stored).expect("it is read"), map);
            }
        }
    }

    /// Of thousands of keys the one that makes up half is kept, whatever it is called, and its count is near.
    #[test]
    fn a_frequent_key_is_kept_among_thousands() {
        const OTHERS: i64 = 3000;
        let is_kept = |name: &str| {
            let mut map = Frequent::<String, 512>::default();
            for at in 0..OTHERS {
                map.add(format!("other {at}").as_str(), Timestamp(at), Occurrence(at as u64));
                map.add(name, Timestamp(at), Occurrence(at as u64));
            }
            let found = map.iter().find(|(key, _)| *key == name).map(|(_, seen)| seen.count as i64);
            found.is_some_and(|n| (OTHERS..OTHERS + OTHERS / 20).contains(&n))
        };
        let n_kept = (0..40).filter(|n| is_kept(&format!("culprit {n}"))).count();
        assert!(n_kept >= 39, "{n_kept} of 40");
    }

    /// As many keys as are kept are all exact.
    #[test]
    fn within_the_bound_all_is_exact() {
        let mut map = Map::default();
        (0..160).for_each(|at| add(&mut map, &(at % 16).to_string(), at));
        assert!(!map.overflowed() && map.iter().all(|(_, seen)| seen.count == 10) && map.len() == 16);
        add(&mut map, "one more", 0);
        assert!(map.overflowed());
    }
}
