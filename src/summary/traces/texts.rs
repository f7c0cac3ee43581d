//! Texts kept once for all records that use them, as long as the trace of one of these records is kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Texts by their hash. Each remembers the smallest trace hash that used it: it goes when that trace goes, which is when all
/// have gone that used it. At most `BOUND` stay, those of the smallest traces; a text pushed out by the bound has as many
/// before it in the whole as in its part, so a split never shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<u64, Text<V>>", into = "BTreeMap<u64, Text<V>>", bound = "V: Texty")]
pub(super) struct Texts<V: Texty, const BOUND: usize> {
    by_hash: BTreeMap<u64, Text<V>>,
    /// The same keys in the order in which they stay.
    by_trace: BTreeSet<(u64, u64)>,
}

/// What a text's value must be able to do.
pub(super) trait Texty: Clone + Ord + Serialize + for<'de> Deserialize<'de> {}

impl<V: Clone + Ord + Serialize + for<'de> Deserialize<'de>> Texty for V {}

/// A value and the smallest trace that uses it; of two values the one of the smaller trace stays.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Text<V> {
    trace: u64,
    value: V,
}

impl<V: Texty, const BOUND: usize> Default for Texts<V, BOUND> {
    fn default() -> Self {
        Texts { by_hash: BTreeMap::new(), by_trace: BTreeSet::new() }
    }
}

impl<V: Texty, const BOUND: usize> Texts<V, BOUND> {
    /// Keeps `value()` under `key` if `trace` is the first or the smallest that uses it. `value` may be asked for when
    /// `trace` equals the smallest, to decide which of two stays.
    pub(super) fn put(&mut self, key: u64, trace: u64, value: impl FnOnce() -> V) {
        match self.by_hash.get_mut(&key) {
            Some(mine) if trace > mine.trace => {}
            Some(mine) if trace == mine.trace => {
                let value = value();
                if value < mine.value {
                    mine.value = value;
                }
            }
            Some(mine) => {
                self.by_trace.remove(&(mine.trace, key));
                self.by_trace.insert((trace, key));
                *mine = Text { trace, value: value() };
            }
            None => self.add(key, trace, value),
        }
    }

    fn add(&mut self, key: u64, trace: u64, value: impl FnOnce() -> V) {
        let is_after_all = self.by_trace.last().is_some_and(|last| (trace, key) > *last);
        if self.by_hash.len() < BOUND || !is_after_all {
            self.by_hash.insert(key, Text { trace, value: value() });
            self.by_trace.insert((trace, key));
            self.pop_while(|len, _| len > BOUND);
        }
    }

    /// Lets go of what only traces from `limit` on use.
    pub(super) fn shrink(&mut self, limit: u64) {
        self.pop_while(|_, trace| trace >= limit);
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (key, text) in other.by_hash {
            self.put(key, text.trace, || text.value);
        }
    }

    pub(super) fn get(&self, key: u64) -> Option<&V> {
        self.by_hash.get(&key).map(|text| &text.value)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.by_hash.values_mut().map(|text| &mut text.value)
    }

    /// True when texts may have been pushed out by the bound.
    pub(super) fn is_full(&self) -> bool {
        self.by_hash.len() >= BOUND
    }

    fn pop_while(&mut self, goes: impl Fn(usize, u64) -> bool) {
        while let Some((trace, key)) = self.by_trace.last().copied() {
            if !goes(self.by_hash.len(), trace) {
                return;
            }
            self.by_trace.pop_last();
            self.by_hash.remove(&key);
        }
    }
}

impl<V: Texty, const BOUND: usize> From<BTreeMap<u64, Text<V>>> for Texts<V, BOUND> {
    fn from(by_hash: BTreeMap<u64, Text<V>>) -> Self {
        let by_trace = by_hash.iter().map(|(key, text)| (text.trace, *key)).collect();
        Texts { by_hash, by_trace }
    }
}

impl<V: Texty, const BOUND: usize> From<Texts<V, BOUND>> for BTreeMap<u64, Text<V>> {
    fn from(texts: Texts<V, BOUND>) -> Self {
        texts.by_hash
    }
}
