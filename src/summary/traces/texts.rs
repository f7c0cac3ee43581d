//! Texts kept once for all records that use them, as long as the trace of one of these records is kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::pattern::secrets::{self, Classes};

/// Texts by their hash. Each remembers the smallest trace hash that used it: it goes when that trace goes, which is when all
/// have gone that used it. At most `BOUND` stay, those of the smallest traces; a text pushed out by the bound has as many
/// before it in the whole as in its part, so a split never shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<u64, UsedText>", into = "BTreeMap<u64, UsedText>")]
pub(super) struct Texts<const BOUND: usize> {
    by_hash: BTreeMap<u64, UsedText>,
    /// The same keys in the order in which they stay.
    by_trace: BTreeSet<(u64, u64)>,
}

/// A text and the smallest trace that uses it; of two texts with one hash that of the smaller trace stays, else the smaller one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UsedText {
    trace: u64,
    text: Box<str>,
}

fn masked(text: &str) -> Box<str> {
    secrets::masked(text, Classes::NEVER_KEPT).into()
}

impl<const BOUND: usize> Texts<BOUND> {
    /// Keeps a text under its hash if `trace` is the first or the smallest that uses it.
    pub(super) fn put(&mut self, key: u64, trace: u64, text: &str) {
        match self.by_hash.get_mut(&key) {
            Some(mine) if trace > mine.trace => {}
            Some(mine) if trace == mine.trace => {
                if *text < *mine.text {
                    mine.text = masked(text);
                }
            }
            Some(mine) => {
                self.by_trace.remove(&(mine.trace, key));
                self.by_trace.insert((trace, key));
                *mine = UsedText { trace, text: masked(text) };
            }
            None => self.add(key, trace, text),
        }
    }

    fn add(&mut self, key: u64, trace: u64, text: &str) {
        let is_after_all = self.by_trace.last().is_some_and(|last| (trace, key) > *last);
        if self.by_hash.len() < BOUND || !is_after_all {
            self.by_hash.insert(key, UsedText { trace, text: masked(text) });
            self.by_trace.insert((trace, key));
            self.pop_while(|len, _| len > BOUND);
        }
    }

    /// Lets go of what only traces from `limit` on use.
    pub(super) fn shrink(&mut self, limit: u64) {
        self.pop_while(|_, trace| trace >= limit);
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (key, used) in other.by_hash {
            self.put(key, used.trace, &used.text);
        }
    }

    pub(super) fn get(&self, key: u64) -> Option<&str> {
        self.by_hash.get(&key).map(|used| &*used.text)
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

impl<const BOUND: usize> From<BTreeMap<u64, UsedText>> for Texts<BOUND> {
    fn from(by_hash: BTreeMap<u64, UsedText>) -> Self {
        let by_trace = by_hash.iter().map(|(key, used)| (used.trace, *key)).collect();
        Texts { by_hash, by_trace }
    }
}

impl<const BOUND: usize> From<Texts<BOUND>> for BTreeMap<u64, UsedText> {
    fn from(texts: Texts<BOUND>) -> Self {
        texts.by_hash
    }
}
