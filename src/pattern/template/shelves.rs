//! The bounded, mergeable state of the first stage: a shelf per scope, each with its share of the cap.
//!
//! A scope alone may hold a quarter of the cap, so that one noisy scope does not cost the others their templates. Let K be the
//! keys of a scope. When the sum of min(K, share) over all scopes exceeds the cap, the share is divided by four. This sum,
//! too, only grows with the data, so shares only fall, and no order and no split shows.
//!
//! Scopes are bounded as well: those with the smallest hashes stay, and once there were more, every share is so small that
//! what the others had may be forgotten without a trace.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash};

use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::cluster::Cluster;
use super::recent::{self, Recent};
use super::scan::Scanner;
use super::shelf::Shelf;
use crate::pattern::Merge;

/// What a share is divided by, and the part of the cap that the first share is.
const SHARE: usize = 4;

/// Keys that every scope may count for when all scopes that may be kept are: the cap divided by it is their number.
const LEAST_SHARE: usize = 2;

/// Keys up to which a few values per column are kept word for word: 1,024 keys with 64 columns of four values stay
/// below 20 MB at the very worst.
const RICH_KEYS: usize = 1_024;

/// The shelves of all scopes.
#[derive(Clone, Debug)]
pub(super) struct Shelves<S, V> {
    cap: usize,
    /// Keys that a scope may count for.
    share: usize,
    /// Keys that all scopes count for: no more than the share each.
    weight: usize,
    shelves: Vec<Shelf<S, V>>,
    by_scope: BTreeMap<S, usize>,
    /// The same shelves by the hash of their scope: those with the largest go when there are too many.
    by_hash: BTreeMap<u64, usize>,
    /// True when scopes were left out.
    overflow: bool,
    /// What is counted for a scope that is left out.
    waste: V,
    /// The shelf of the last message: the next one often has the same scope.
    last: usize,
    recent: Recent,
}

impl<S: Ord + Clone + Hash, V: Merge> Shelves<S, V> {
    pub(super) fn new(cap: usize) -> Shelves<S, V> {
        Shelves {
            cap,
            share: (cap / SHARE).max(1),
            weight: 0,
            shelves: Vec::new(),
            by_scope: BTreeMap::new(),
            by_hash: BTreeMap::new(),
            overflow: false,
            waste: V::default(),
            last: 0,
            recent: Recent::default(),
        }
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.shelves.iter_mut().flat_map(|shelf| &mut shelf.entries).flatten().map(|entry| &mut entry.value)
    }

    pub(super) fn is_capped(&self) -> bool {
        self.overflow || self.shelves.iter().any(|shelf| shelf.level > 0)
    }

    /// How many keys there were, up to the cap: never falls.
    pub(super) fn crowd(&self) -> usize {
        if self.share < (self.cap / SHARE).max(1) { self.cap } else { self.weight }
    }

    /// Counts a message.
    pub(super) fn observe(&mut self, scope: &S, message: &str, scanner: &mut Scanner) -> &mut V {
        let Some(at) = self.shelf(scope, scanner) else {
            self.waste = V::default();
            return &mut self.waste;
        };
        let hash = recent::hash(message);
        if let Some(place) = self.recent.find(hash, at, message) {
            let entry = self.shelves[at].entry(place);
            entry.count += 1;
            return &mut entry.value;
        }
        scanner.read(message);
        let Some(place) = self.shelves[at].find(scanner) else { return self.admit(at, message, scanner) };
        self.recent.keep(hash, at, place, message);
        let rich = self.is_rich(at);
        let entry = self.shelves[at].entry(place);
        entry.observe(message, scanner, rich);
        &mut entry.value
    }

    pub(super) fn merge(&mut self, mut other: Shelves<S, V>, scanner: &mut Scanner) {
        self.recent.clear();
        self.cap = self.cap.min(other.cap);
        self.share = self.share.min(other.share);
        self.overflow |= other.overflow;
        for mut theirs in std::mem::take(&mut other.shelves) {
            let Some(at) = self.shelf(&theirs.scope, scanner) else { continue };
            let level = self.shelves[at].level.max(theirs.level);
            self.shelves[at].lower_to(level, scanner);
            theirs.lower_to(level, scanner);
            let rich = self.is_rich(at);
            for entry in theirs.into_order() {
                self.shelves[at].insert(entry, rich, scanner);
            }
        }
        self.respect_cap(scanner);
    }

    /// Every entry with its scope, by scope, then by shape and id.
    pub(super) fn into_sorted(self) -> Vec<(S, Vec<Cluster<V>>)> {
        let mut shelves = self.shelves;
        shelves.sort_by(|a, b| a.scope.cmp(&b.scope));
        shelves.into_iter().map(|shelf| (shelf.scope.clone(), shelf.into_order())).collect()
    }

    /// Counts the first message of its kind.
    fn admit(&mut self, at: usize, message: &str, scanner: &mut Scanner) -> &mut V {
        let (was_rich, was, share) = (self.is_rich(at), self.counted(at), self.share);
        let shelf = &mut self.shelves[at];
        let shape = shelf.shape();
        let entry = Cluster::new(shape, shape.id(scanner), message, scanner);
        let moved = shelf.insert(entry, was_rich, scanner) | shelf.respect(share, scanner);
        self.weight = self.weight + self.counted(at) - was;
        let is_crowded = self.weight > self.cap && self.share > 1;
        if is_crowded {
            self.respect_cap(scanner);
        } else if was_rich && self.weight > RICH_KEYS {
            self.shelves.iter_mut().for_each(Shelf::forget_few);
        }
        if moved {
            self.recent.clear();
        }
        let shelf = &mut self.shelves[at];
        if is_crowded || shelf.level > 0 {
            // Joining entries has used the scanner.
            scanner.read(message);
        }
        let place =
            shelf.find(scanner).expect("a message that was inserted is found by its key, group, build or length");
        &mut shelf.entry(place).value
    }

    /// Keys that a scope counts for: one that had to be lowered has more than its share.
    fn counted(&self, at: usize) -> usize {
        if self.shelves[at].level > 0 { self.share } else { self.shelves[at].total }
    }

    /// Few values are kept while there are few keys.
    fn is_rich(&self, at: usize) -> bool {
        self.weight <= RICH_KEYS && self.shelves[at].level == 0 && self.share == (self.cap / SHARE).max(1)
    }

    /// The shelf of a scope, `None` when it is left out.
    fn shelf(&mut self, scope: &S, scanner: &mut Scanner) -> Option<usize> {
        if self.shelves.get(self.last).is_none_or(|shelf| shelf.scope != *scope) {
            self.last = match self.by_scope.get(scope) {
                Some(&place) => place,
                None => self.add_shelf(scope, scanner)?,
            };
        }
        Some(self.last)
    }

    fn add_shelf(&mut self, scope: &S, scanner: &mut Scanner) -> Option<usize> {
        let hash = FxBuildHasher.hash_one(scope);
        let place = if self.shelves.len() < (self.cap / LEAST_SHARE).max(1) {
            self.shelves.push(Shelf::new(scope.clone()));
            self.shelves.len() - 1
        } else {
            self.leave_out(scanner);
            let (last, place) = self.by_hash.last_key_value().map(|(last, place)| (*last, *place))?;
            if last < hash {
                return None;
            }
            self.by_hash.remove(&last);
            self.weight -= self.counted(place);
            let shelf = std::mem::replace(&mut self.shelves[place], Shelf::new(scope.clone()));
            self.by_scope.remove(&shelf.scope);
            self.recent.clear();
            place
        };
        self.by_scope.insert(scope.clone(), place);
        self.by_hash.insert(hash, place);
        Some(place)
    }

    /// There are more scopes than can be kept: from now on nothing depends on those that are not.
    fn leave_out(&mut self, scanner: &mut Scanner) {
        if !std::mem::replace(&mut self.overflow, true) {
            self.respect_cap(scanner);
        }
    }

    /// Lowers shares and levels until all is within the cap.
    fn respect_cap(&mut self, scanner: &mut Scanner) {
        if self.overflow {
            self.share = self.share.min(LEAST_SHARE);
        }
        self.weigh(scanner);
        while self.weight > self.cap && self.share > 1 {
            self.share = (self.share / SHARE).max(1);
            self.weigh(scanner);
        }
        for at in 0..self.shelves.len() {
            if !self.is_rich(at) {
                self.shelves[at].forget_few();
            }
        }
    }

    fn weigh(&mut self, scanner: &mut Scanner) {
        for shelf in &mut self.shelves {
            if shelf.respect(self.share, scanner) {
                self.recent.clear();
            }
        }
        self.weight = (0..self.shelves.len()).map(|at| self.counted(at)).sum();
    }
}

/// The written form: sorted, so that equal states are equal bytes.
#[derive(Serialize, Deserialize)]
struct StoredShelves<S, E> {
    cap: usize,
    share: usize,
    #[serde(default)]
    overflow: bool,
    scopes: Vec<(S, usize, E)>,
}

impl<S: Ord + Clone + Serialize, V: Serialize> Serialize for Shelves<S, V> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        let mut shelves: Vec<_> = self.shelves.iter().collect();
        shelves.sort_by(|a, b| a.scope.cmp(&b.scope));
        let scopes = shelves.into_iter().map(|shelf| (&shelf.scope, shelf.level, shelf.in_order())).collect();
        StoredShelves { cap: self.cap, share: self.share, overflow: self.overflow, scopes }.serialize(serializer)
    }
}

impl<'de, S: Ord + Clone + Hash + Deserialize<'de>, V: Merge + Deserialize<'de>> Deserialize<'de> for Shelves<S, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = StoredShelves::<S, Vec<Cluster<V>>>::deserialize(deserializer)?;
        let mut shelves = Shelves::new(written.cap);
        let mut scanner = Scanner::default();
        for (scope, level, entries) in written.scopes {
            let Some(at) = shelves.shelf(&scope, &mut scanner) else { continue };
            shelves.shelves[at].lower_to(level.min(super::shelf::BY_LENGTH), &mut scanner);
            for entry in entries {
                shelves.shelves[at].insert(entry, level == 0, &mut scanner);
            }
        }
        shelves.overflow |= written.overflow;
        shelves.share = written.share.clamp(1, shelves.share);
        shelves.respect_cap(&mut scanner);
        Ok(shelves)
    }
}
