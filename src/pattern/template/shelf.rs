//! The keys of one scope, in groups that are joined when there are too many.
//!
//! A group is all keys with the same kinds, separators and first word. Let D be the distinct keys of a group. The level is the
//! largest limit E of [`LIMITS`] for which the sum of min(D, E) over all groups stays within the cap; groups with D > E
//! are one *wide* entry whose words are columns too. The sum only grows with the data, so the level only falls, and the
//! final state is a function of the set of messages: no order and no split shows.

use rustc_hash::FxHashMap;

use super::cluster::{Cluster, ClusterShape};
use super::scan::Scanner;
use crate::pattern::Merge;

/// Keys that a group may hold, level by level. At the last two there are no groups: see [`Shelf::shape`].
const LIMITS: [usize; 11] = [usize::MAX, 16_384, 4_096, 1_024, 256, 64, 16, 4, 1, 0, 0];

/// The level at which all messages of one build are one entry, whatever their words.
const BY_BUILD: usize = LIMITS.len() - 2;

/// The level at which all messages of one length are one entry: at most 193.
pub(super) const BY_LENGTH: usize = LIMITS.len() - 1;

/// All keys of one scope. Entries keep their place, so that the indexes need no repair; the indexes are never iterated.
#[derive(Clone, Debug)]
pub(super) struct Shelf<S, V> {
    pub(super) scope: S,
    pub(super) level: usize,
    /// Sum over all groups of the keys they count for: at most the limit of the level each.
    pub(super) total: usize,
    pub(super) entries: Vec<Option<Cluster<V>>>,
    free: Vec<usize>,
    by_id: FxHashMap<u64, usize>,
    groups: Vec<Group>,
    by_group: FxHashMap<u64, usize>,
}

/// The entries of a group: of its keys, or the wide one.
#[derive(Clone, Debug, Default)]
struct Group {
    members: Vec<usize>,
    is_wide: bool,
}

impl Group {
    /// How many keys it counts for at a level.
    fn weight(&self, level: usize) -> usize {
        if self.is_wide { LIMITS[level] } else { self.members.len() }
    }
}

impl<S, V> Shelf<S, V> {
    pub(super) fn new(scope: S) -> Shelf<S, V> {
        Shelf {
            scope,
            level: 0,
            total: 0,
            entries: Vec::new(),
            free: Vec::new(),
            by_id: FxHashMap::default(),
            groups: Vec::new(),
            by_group: FxHashMap::default(),
        }
    }

    /// The entry at a place that an index or [`Shelf::find`] gave.
    #[inline]
    pub(super) fn entry(&mut self, place: usize) -> &mut Cluster<V> {
        self.entries[place].as_mut().expect("whoever moves an entry mends what points at it")
    }

    /// The entries in an order of their own.
    pub(super) fn in_order(&self) -> Vec<&Cluster<V>> {
        let mut entries: Vec<_> = self.entries.iter().flatten().collect();
        entries.sort_by_key(|e| (e.shape, e.id));
        entries
    }

    /// The same, for good.
    pub(super) fn into_order(self) -> Vec<Cluster<V>> {
        let mut entries: Vec<_> = self.entries.into_iter().flatten().collect();
        entries.sort_by_key(|e| (e.shape, e.id));
        entries
    }

    /// The shape that new entries have.
    pub(super) fn shape(&self) -> ClusterShape {
        match self.level {
            BY_BUILD => ClusterShape::Alike,
            BY_LENGTH => ClusterShape::Length,
            _ => ClusterShape::Key,
        }
    }

    /// Where the message that the scanner has read is counted, if such a one was.
    #[inline]
    pub(super) fn find(&self, scanner: &Scanner) -> Option<usize> {
        let found = self.by_id.get(&self.shape().id(scanner)).copied();
        if found.is_some() || self.level == 0 || self.shape() != ClusterShape::Key {
            return found;
        }
        let group = self.groups.get(*self.by_group.get(&scanner.group())?)?;
        group.members.first().copied().filter(|_| group.is_wide)
    }

    fn group(&mut self, id: u64) -> usize {
        let next = self.groups.len();
        let place = *self.by_group.entry(id).or_insert(next);
        if place == next {
            self.groups.push(Group::default());
        }
        place
    }

    fn put(&mut self, entry: Cluster<V>) -> usize {
        let id = entry.id;
        let place = self.free.pop().unwrap_or(self.entries.len());
        if place == self.entries.len() {
            self.entries.push(None);
        }
        self.entries[place] = Some(entry);
        self.by_id.insert(id, place);
        place
    }

    fn take(&mut self, place: usize) -> Option<Cluster<V>> {
        let entry = self.entries[place].take()?;
        self.by_id.remove(&entry.id);
        self.free.push(place);
        Some(entry)
    }
}

impl<S, V: Merge> Shelf<S, V> {
    /// Adds an entry of the own level or a finer one, without regard to the cap. True when entries have moved.
    pub(super) fn insert(&mut self, entry: Cluster<V>, rich: bool, scanner: &mut Scanner) -> bool {
        if self.shape() != ClusterShape::Key {
            let flat = entry.widen(self.shape(), scanner);
            self.put_or_join(flat, rich);
            self.total = self.flat_total();
            return false;
        }
        let group = self.group(entry.group);
        let was = (self.groups[group].is_wide, self.groups[group].weight(self.level));
        if entry.shape != ClusterShape::Key {
            self.widen(group, scanner);
        }
        let entry = if self.groups[group].is_wide { entry.widen(ClusterShape::Wide, scanner) } else { entry };
        if let Some(place) = self.put_or_join(entry, rich) {
            self.groups[group].members.push(place);
        }
        if self.groups[group].members.len() > LIMITS[self.level] {
            self.widen(group, scanner);
        }
        self.total = self.total.saturating_add(self.groups[group].weight(self.level)).saturating_sub(was.1);
        self.groups[group].is_wide != was.0
    }

    /// Goes to a level that is lower, if it is.
    pub(super) fn lower_to(&mut self, level: usize, scanner: &mut Scanner) {
        while self.level < level {
            if self.level == 0 {
                self.forget_few();
            }
            self.level += 1;
            if self.shape() == ClusterShape::Key {
                self.widen_large(scanner);
            } else {
                self.flatten(scanner);
            }
        }
    }

    /// Lowers the level until the shelf counts for no more than `cap` keys. True when entries have moved.
    pub(super) fn respect(&mut self, cap: usize, scanner: &mut Scanner) -> bool {
        let level = self.level;
        while self.total > cap && self.level < BY_LENGTH {
            self.lower_to(self.level + 1, scanner);
        }
        self.level != level
    }

    /// Forgets few values, for when there are many keys.
    pub(super) fn forget_few(&mut self) {
        self.entries.iter_mut().flatten().for_each(Cluster::forget_few);
    }

    /// Puts an entry at a new place, which is returned, or joins it to the one with its id.
    fn put_or_join(&mut self, mut entry: Cluster<V>, rich: bool) -> Option<usize> {
        if !rich {
            entry.forget_few();
        }
        match self.by_id.get(&entry.id).copied() {
            Some(place) => {
                self.entry(place).join(entry, rich);
                None
            }
            None => Some(self.put(entry)),
        }
    }

    fn widen_large(&mut self, scanner: &mut Scanner) {
        self.total = 0;
        for group in 0..self.groups.len() {
            if self.groups[group].members.len() > LIMITS[self.level] {
                self.widen(group, scanner);
            }
            self.total += self.groups[group].weight(self.level);
        }
    }

    /// Makes one wide entry of a group's keys.
    fn widen(&mut self, group: usize, scanner: &mut Scanner) {
        if self.groups[group].is_wide {
            return;
        }
        let members = std::mem::take(&mut self.groups[group].members);
        let entries: Vec<_> = members.into_iter().filter_map(|place| self.take(place)).collect();
        let wide = entries.into_iter().map(|e| e.widen(ClusterShape::Wide, scanner)).reduce(joined);
        self.groups[group].is_wide = true;
        self.groups[group].members = wide.map(|entry| self.put(entry)).into_iter().collect();
    }

    /// Makes one entry per build or length of everything.
    fn flatten(&mut self, scanner: &mut Scanner) {
        let entries: Vec<_> = self.entries.drain(..).flatten().collect();
        self.free.clear();
        self.by_id.clear();
        self.groups.clear();
        self.by_group.clear();
        for entry in entries {
            let flat = entry.widen(self.shape(), scanner);
            self.put_or_join(flat, false);
        }
        self.total = self.flat_total();
    }

    /// Lengths are so few that they count for nothing.
    fn flat_total(&self) -> usize {
        if self.level == BY_LENGTH { 0 } else { self.entries.len() }
    }
}

fn joined<V: Merge>(mut a: Cluster<V>, b: Cluster<V>) -> Cluster<V> {
    a.join(b, false);
    a
}
