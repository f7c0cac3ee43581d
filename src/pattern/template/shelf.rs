//! The bounded, mergeable state of the first stage: per scope the keys seen, in groups that are joined when too many.
//!
//! A group is all keys with the same kinds, separators and first word. Let D be the distinct keys of a group. The level is the
//! largest limit E of [`LIMITS`] for which the sum of min(D, E) over all groups stays within the cap; groups with D > E
//! are one *wide* entry whose words are columns too. The sum only grows with the data, so the level only falls, and the
//! final state is a function of the set of messages: no order and no split shows.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::column::Column;
use super::scan::{Kind, Scanner, Token};
use crate::pattern::Merge;

/// Keys that a group may hold, level by level. At the last level there are no groups: entries go by their length.
const LIMITS: [usize; 10] = [usize::MAX, 16_384, 4_096, 1_024, 256, 64, 16, 4, 1, 0];

/// The level without groups.
const BY_LENGTH: usize = LIMITS.len() - 1;

/// Keys up to which a few values per column are kept word for word: 4,096 keys with 64 columns of four values stay
/// below 80 MB at the very worst.
const RICH_KEYS: usize = 4_096;

/// Columns that are kept per entry; what lies behind is a value like any other.
pub(super) const MAX_COLUMNS: usize = 64;

/// Which messages an entry stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum Shape {
    /// One key: the same words.
    Key,
    /// One group: the same kinds, separators and first word.
    Wide,
    /// The same number of tokens.
    Length,
}

impl Shape {
    /// True for the tokens that have a column.
    #[inline]
    pub(super) fn has_column(self, kind: Kind) -> bool {
        match self {
            Shape::Key => kind == Kind::Variable,
            Shape::Wide => kind != Kind::Separator,
            Shape::Length => false,
        }
    }
}

/// What is known of the messages of one key or group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry<V> {
    pub(super) shape: Shape,
    /// The key, the group, or the number of tokens.
    pub(super) id: u64,
    group: u64,
    pub(super) count: u64,
    rank: u64,
    /// The message with the smallest rank, of equal ranks the smallest text.
    pub(super) example: Box<str>,
    pub(super) columns: Vec<Column>,
    pub(super) value: V,
}

impl<V: Merge> Entry<V> {
    fn new(shape: Shape, id: u64, group: u64, message: &str, scanner: &Scanner) -> Entry<V> {
        let columns = columns_of(shape, &scanner.tokens).map(|t| Column::new(t.start, t.end - t.start)).collect();
        Entry { shape, id, group, count: 0, rank: scanner.rank, example: message.into(), columns, value: V::default() }
    }

    #[inline]
    fn observe(&mut self, message: &str, scanner: &Scanner, rich: bool) {
        self.count += 1;
        for (column, token) in self.columns.iter_mut().zip(columns_of(self.shape, &scanner.tokens)) {
            if !column.is_settled() {
                column.observe(&self.example, token.text(message), rich);
            }
        }
        if scanner.rank <= self.rank && (scanner.rank, message) < (self.rank, &*self.example) {
            (self.rank, self.example) = (scanner.rank, message.into());
            for (column, token) in self.columns.iter_mut().zip(columns_of(self.shape, &scanner.tokens)) {
                column.rebase(token.start, token.end - token.start);
            }
        }
    }

    /// Takes in another entry of the same shape and id.
    fn join(&mut self, other: Entry<V>, rich: bool) {
        self.count += other.count;
        self.value.merge(other.value);
        let replaces = (other.rank, &*other.example) < (self.rank, &*self.example);
        for (mine, theirs) in self.columns.iter_mut().zip(&other.columns) {
            mine.join(&self.example, theirs, &other.example, rich);
            if replaces {
                mine.rebase_to(theirs);
            }
        }
        if replaces {
            (self.rank, self.example) = (other.rank, other.example);
        }
    }

    /// The same entry as one of its whole group, or of all messages of its length.
    fn widen(mut self, shape: Shape, scanner: &mut Scanner) -> Entry<V> {
        if self.shape == shape {
            return self;
        }
        scanner.read(&self.example);
        let mut known = std::mem::take(&mut self.columns).into_iter();
        for token in columns_of(shape, &scanner.tokens) {
            let fresh = || Column::new(token.start, token.end - token.start);
            let column = if self.shape.has_column(token.kind) { known.next().unwrap_or_else(fresh) } else { fresh() };
            self.columns.push(column);
        }
        (self.id, self.group) = match shape {
            Shape::Length => (scanner.tokens.len() as u64, 0),
            _ => (self.group, self.group),
        };
        self.shape = shape;
        self
    }
}

fn columns_of(shape: Shape, tokens: &[Token]) -> impl Iterator<Item = &Token> {
    tokens.iter().filter(move |token| shape.has_column(token.kind)).take(MAX_COLUMNS)
}

/// All keys of one scope. Entries keep their place, so that the indexes need no repair; the indexes are never iterated.
#[derive(Clone, Debug)]
struct Shelf<S, V> {
    scope: S,
    entries: Vec<Option<Entry<V>>>,
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

impl<S, V> Shelf<S, V> {
    /// The entries in an order of their own.
    fn in_order(&self) -> Vec<&Entry<V>> {
        let mut entries: Vec<_> = self.entries.iter().flatten().collect();
        entries.sort_by_key(|e| (e.shape, e.id));
        entries
    }
}

impl<S, V: Merge> Shelf<S, V> {
    fn new(scope: S) -> Shelf<S, V> {
        Shelf {
            scope,
            entries: Vec::new(),
            free: Vec::new(),
            by_id: FxHashMap::default(),
            groups: Vec::new(),
            by_group: FxHashMap::default(),
        }
    }

    fn group(&mut self, id: u64) -> usize {
        let next = self.groups.len();
        let place = *self.by_group.entry(id).or_insert(next);
        if place == next {
            self.groups.push(Group::default());
        }
        place
    }

    fn put(&mut self, entry: Entry<V>) -> usize {
        let id = entry.id;
        let place = self.free.pop().unwrap_or(self.entries.len());
        if place == self.entries.len() {
            self.entries.push(None);
        }
        self.entries[place] = Some(entry);
        self.by_id.insert(id, place);
        place
    }

    fn take(&mut self, place: usize) -> Option<Entry<V>> {
        let entry = self.entries[place].take()?;
        self.by_id.remove(&entry.id);
        self.free.push(place);
        Some(entry)
    }

    /// Joins the entry into the one at `place`.
    fn join(&mut self, place: usize, entry: Entry<V>, rich: bool) {
        if let Some(mine) = &mut self.entries[place] {
            mine.join(entry, rich);
        }
    }

    /// Makes one wide entry of a group's keys.
    fn widen(&mut self, group: usize, scanner: &mut Scanner) {
        if self.groups[group].is_wide {
            return;
        }
        let members = std::mem::take(&mut self.groups[group].members);
        let entries: Vec<_> = members.into_iter().filter_map(|place| self.take(place)).collect();
        let wide = entries.into_iter().map(|e| e.widen(Shape::Wide, scanner)).reduce(joined);
        self.groups[group].is_wide = true;
        self.groups[group].members = wide.map(|entry| self.put(entry)).into_iter().collect();
    }

    /// Makes one entry per length of everything.
    fn flatten(&mut self, scanner: &mut Scanner) {
        let entries: Vec<_> = self.entries.drain(..).flatten().collect();
        self.free.clear();
        self.by_id.clear();
        self.groups.clear();
        self.by_group.clear();
        for entry in entries {
            self.put_flat(entry.widen(Shape::Length, scanner));
        }
    }

    fn put_flat(&mut self, entry: Entry<V>) {
        match self.by_id.get(&entry.id) {
            Some(&place) => self.join(place, entry, false),
            None => {
                self.put(entry);
            }
        }
    }
}

fn joined<V: Merge>(mut a: Entry<V>, b: Entry<V>) -> Entry<V> {
    a.join(b, false);
    a
}

/// The shelves of all scopes and the level they share.
#[derive(Clone, Debug)]
pub(super) struct Shelves<S, V> {
    cap: usize,
    level: usize,
    /// Sum over all groups of the keys they count for: at most [`LIMITS`] of the level each.
    total: usize,
    shelves: Vec<Shelf<S, V>>,
    by_scope: BTreeMap<S, usize>,
    /// The shelf of the last message: the next one often has the same scope.
    last: usize,
}

impl<S: Ord + Clone, V: Merge> Shelves<S, V> {
    pub(super) fn new(cap: usize) -> Shelves<S, V> {
        Shelves { cap, level: 0, total: 0, shelves: Vec::new(), by_scope: BTreeMap::new(), last: 0 }
    }

    pub(super) fn is_capped(&self) -> bool {
        self.level > 0
    }

    /// Counts the message that the scanner has read.
    pub(super) fn observe(&mut self, scope: &S, message: &str, scanner: &mut Scanner) -> &mut V {
        let shelf = self.shelf(scope);
        let by_length = self.level == BY_LENGTH;
        let id = if by_length { scanner.tokens.len() as u64 } else { scanner.key };
        let mut place = self.shelves[shelf].by_id.get(&id).copied();
        if place.is_none() {
            let group = if by_length { 0 } else { scanner.group() };
            place = self.wide_place(shelf, group);
            if place.is_none() {
                let shape = if by_length { Shape::Length } else { Shape::Key };
                let mut entry = Entry::new(shape, id, group, message, scanner);
                entry.count = 1;
                let n_tokens = scanner.tokens.len() as u64;
                self.insert(shelf, entry, scanner);
                self.respect_cap(scanner);
                return self.value_of(shelf, id, group, n_tokens);
            }
        }
        let rich = self.is_rich();
        let place = place.unwrap_or_default();
        let entry = self.shelves[shelf].entries[place].as_mut().expect("an index points at an entry that is there");
        entry.observe(message, scanner, rich);
        &mut entry.value
    }

    pub(super) fn merge(&mut self, mut other: Shelves<S, V>, scanner: &mut Scanner) {
        let level = self.level.max(other.level);
        self.lower_to(level, scanner);
        other.lower_to(level, scanner);
        for theirs in other.shelves {
            let shelf = self.shelf(&theirs.scope);
            for entry in theirs.entries.into_iter().flatten() {
                self.insert(shelf, entry, scanner);
            }
        }
        self.respect_cap(scanner);
    }

    /// Every entry with its scope, by scope, then by shape and id.
    pub(super) fn into_sorted(self) -> Vec<(S, Vec<Entry<V>>)> {
        let mut sorted: Vec<_> = self.shelves.into_iter().map(|s| (s.scope, s.entries)).collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        let in_order = |entries: Vec<Option<Entry<V>>>| {
            let mut entries: Vec<_> = entries.into_iter().flatten().collect();
            entries.sort_by_key(|e| (e.shape, e.id));
            entries
        };
        sorted.into_iter().map(|(scope, entries)| (scope, in_order(entries))).collect()
    }

    fn is_rich(&self) -> bool {
        self.level == 0 && self.total <= RICH_KEYS
    }

    fn shelf(&mut self, scope: &S) -> usize {
        if self.shelves.get(self.last).is_none_or(|shelf| shelf.scope != *scope) {
            self.last = match self.by_scope.get(scope) {
                Some(&place) => place,
                None => {
                    self.by_scope.insert(scope.clone(), self.shelves.len());
                    self.shelves.push(Shelf::new(scope.clone()));
                    self.shelves.len() - 1
                }
            };
        }
        self.last
    }

    fn wide_place(&self, shelf: usize, group: u64) -> Option<usize> {
        let shelf = &self.shelves[shelf];
        let group = &shelf.groups[*shelf.by_group.get(&group)?];
        group.members.first().copied().filter(|_| group.is_wide)
    }

    /// The tally of a message that was just inserted, wherever the cap has moved it.
    fn value_of(&mut self, shelf: usize, id: u64, group: u64, n_tokens: u64) -> &mut V {
        let id = if self.level == BY_LENGTH { n_tokens } else { id };
        let place = self.shelves[shelf].by_id.get(&id).copied().or_else(|| self.wide_place(shelf, group));
        let place = place.expect("a message that was inserted has an entry of its key, its group or its length");
        &mut self.shelves[shelf].entries[place].as_mut().expect("an index points at an entry that is there").value
    }

    /// Adds an entry of the own level or a finer one, without regard to the cap.
    fn insert(&mut self, at: usize, entry: Entry<V>, scanner: &mut Scanner) {
        let limit = LIMITS[self.level];
        let rich = self.is_rich();
        let shelf = &mut self.shelves[at];
        if self.level == BY_LENGTH {
            shelf.put_flat(entry.widen(Shape::Length, scanner));
            return;
        }
        let group = shelf.group(entry.group);
        let was = if shelf.groups[group].is_wide { limit } else { shelf.groups[group].members.len() };
        if entry.shape == Shape::Wide {
            shelf.widen(group, scanner);
        }
        let mut entry = if shelf.groups[group].is_wide { entry.widen(Shape::Wide, scanner) } else { entry };
        if !rich {
            entry.columns.iter_mut().for_each(Column::forget_few);
        }
        match shelf.by_id.get(&entry.id).copied() {
            Some(place) => shelf.join(place, entry, rich),
            None => {
                let place = shelf.put(entry);
                shelf.groups[group].members.push(place);
            }
        }
        if shelf.groups[group].members.len() > limit {
            shelf.widen(group, scanner);
        }
        let now = if shelf.groups[group].is_wide { limit } else { shelf.groups[group].members.len() };
        self.total = self.total.saturating_add(now).saturating_sub(was);
        if rich && !self.is_rich() {
            self.forget_few();
        }
    }

    fn respect_cap(&mut self, scanner: &mut Scanner) {
        while self.total > self.cap && self.level < BY_LENGTH {
            self.lower_to(self.level + 1, scanner);
        }
    }

    fn lower_to(&mut self, level: usize, scanner: &mut Scanner) {
        if level <= self.level {
            return;
        }
        if self.level == 0 {
            self.forget_few();
        }
        (self.level, self.total) = (level, 0);
        for shelf in &mut self.shelves {
            if level == BY_LENGTH {
                shelf.flatten(scanner);
                continue;
            }
            for group in 0..shelf.groups.len() {
                if shelf.groups[group].members.len() > LIMITS[level] {
                    shelf.widen(group, scanner);
                }
                let group = &shelf.groups[group];
                self.total += if group.is_wide { LIMITS[level] } else { group.members.len() };
            }
        }
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.shelves.iter_mut().flat_map(|shelf| &mut shelf.entries).flatten().map(|entry| &mut entry.value)
    }

    fn forget_few(&mut self) {
        for entry in self.shelves.iter_mut().flat_map(|s| &mut s.entries).flatten() {
            entry.columns.iter_mut().for_each(Column::forget_few);
        }
    }
}

/// The written form: sorted, so that equal states are equal bytes.
#[derive(Serialize, Deserialize)]
struct Written<S, E> {
    cap: usize,
    level: usize,
    scopes: Vec<(S, E)>,
}

impl<S: Ord + Clone + Serialize, V: Serialize> Serialize for Shelves<S, V> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        let mut scopes: Vec<_> = self.shelves.iter().map(|s| (&s.scope, s)).collect();
        scopes.sort_by(|a, b| a.0.cmp(b.0));
        let scopes = scopes.into_iter().map(|(scope, shelf)| (scope, shelf.in_order())).collect();
        Written { cap: self.cap, level: self.level, scopes }.serialize(serializer)
    }
}

impl<'de, S: Ord + Clone + Deserialize<'de>, V: Merge + Deserialize<'de>> Deserialize<'de> for Shelves<S, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::<S, Vec<Entry<V>>>::deserialize(deserializer)?;
        let mut shelves = Shelves::new(written.cap);
        let mut scanner = Scanner::default();
        shelves.level = written.level.min(BY_LENGTH);
        for (scope, entries) in written.scopes {
            let shelf = shelves.shelf(&scope);
            for entry in entries {
                shelves.insert(shelf, entry, &mut scanner);
            }
        }
        Ok(shelves)
    }
}
