//! The second stage, once after all merging: places where many different words stand become values.
//!
//! A pure function of the merged keys. For every place of every token vector, all vectors that are equal but for this place
//! are put side by side; the words there tell whether the place is a closed vocabulary (`GET`, `POST`) or an open one
//! (user names). All decisions of a round use the vectors as they were at its start, so their order does not matter.

use std::collections::BTreeMap;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::cluster::{Cluster, ClusterShape, MAX_COLUMNS};
use super::render;
use super::route::is_route;
use super::scan::{Scanner, TokenKind, head};
use super::shelves::Shelves;
use crate::pattern::Merge;

/// Rounds at most: each can only turn words into values, and the sets measured were stable after three.
const ROUNDS: usize = 4;

/// Other words with a letter that a vector must have left, so that not everything short becomes one.
const MIN_CONSTANTS: usize = 2;

/// Different words at one place that are an open vocabulary whatever their counts. Flat between 8 and 20.
const MANY_WORDS: usize = 12;

/// Different words at one place from which the chance of a new one is looked at. Two are often a pair like start and stop.
const SOME_WORDS: usize = 3;

/// One in so many messages brought a word not seen before: by Good and Turing, the next one will as often. Flat from 5 to 20.
const NEW_WORD_ONE_IN: u64 = 10;

/// A final template: what it looks like and what was tallied for it.
#[derive(Clone, Debug)]
pub struct Template<S, V> {
    /// Where its messages come from.
    pub scope: S,
    /// Hash of the final tokens in hexadecimal: the same in every run and on every machine that found the same template.
    pub id: String,
    /// The messages with every value as `<*>`.
    pub template: String,
    /// The messages as a person would write them down: single values printed, few ones as `{GET|POST}`, common beginnings
    /// and ends kept.
    pub text: String,
    /// Words, separators and values.
    pub n_tokens: usize,
    /// How many messages there are. The counts of all templates add up to the number of messages observed.
    pub count: u64,
    /// One of the messages, cut at 2,048 bytes.
    pub example: String,
    /// Keys of many different words were joined here, because there were more than the cap.
    pub is_collapsed: bool,
    /// The merged tally.
    pub value: V,
}

/// All final templates, and the way from a message to its own.
#[derive(Clone, Debug)]
pub struct Settled<S, V> {
    /// By scope, then the most frequent first, then by id.
    pub templates: Vec<Template<S, V>>,
    index: BTreeMap<S, FxHashMap<(ClusterShape, u64), usize>>,
}

/// Finds the template of messages; keeps the buffers it needs for that.
#[derive(Debug)]
pub struct Finder<'s, S, V> {
    settled: &'s Settled<S, V>,
    scanner: Scanner,
}

impl<S: Ord + Clone + Hash, V: Merge> Settled<S, V> {
    pub(super) fn new(shelves: Shelves<S, V>) -> Settled<S, V> {
        let mut settled = Settled { templates: Vec::new(), index: BTreeMap::new() };
        let mut scanner = Scanner::default();
        for (scope, entries) in shelves.into_sorted() {
            settled.add_scope(&scope, entries, &mut scanner);
        }
        settled
    }

    fn add_scope(&mut self, scope: &S, entries: Vec<Cluster<V>>, scanner: &mut Scanner) {
        let mut words = Words::default();
        let vectors = settle(entries.iter().map(|e| Vector::new(e, &mut words, scanner)).collect(), &words);
        let mut entries: Vec<Option<Cluster<V>>> = entries.into_iter().map(Some).collect();
        let mut found = Vec::with_capacity(vectors.len());
        for vector in vectors {
            let members: Vec<_> = vector.members.iter().filter_map(|&m| entries[m].take()).collect();
            let keys: Vec<_> = members.iter().map(|m| (m.shape, m.id)).collect();
            found.push((mined(scope, &vector, members, scanner), keys));
        }
        found.sort_by(|(a, _), (b, _)| b.count.cmp(&a.count).then_with(|| a.id.cmp(&b.id)));
        let index = self.index.entry(scope.clone()).or_default();
        for (template, keys) in found {
            index.extend(keys.into_iter().map(|key| (key, self.templates.len())));
            self.templates.push(template);
        }
    }
}

impl<S: Ord, V> Settled<S, V> {
    /// A finder of its own for each thread.
    pub fn finder(&self) -> Finder<'_, S, V> {
        Finder { settled: self, scanner: Scanner::default() }
    }
}

impl<'s, S: Ord, V> Finder<'s, S, V> {
    /// The template of a message, or `None` if no such message was observed in this scope.
    pub fn find(&mut self, scope: &S, message: &str) -> Option<&'s Template<S, V>> {
        let index = self.settled.index.get(scope)?;
        self.scanner.read(head(message));
        let place = index.get(&(ClusterShape::Key, self.scanner.key)).or_else(|| {
            [ClusterShape::Wide, ClusterShape::Alike, ClusterShape::Length]
                .iter()
                .find_map(|s| index.get(&(*s, s.id(&self.scanner))))
        })?;
        self.settled.templates.get(*place)
    }
}

fn mined<S: Clone, V: Merge>(
    scope: &S,
    vector: &Vector,
    mut members: Vec<Cluster<V>>,
    scanner: &mut Scanner,
) -> Template<S, V> {
    // The most frequent spelling stands for all; the order of the others is that of their examples.
    members.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.example.cmp(&b.example)));
    let count = members.iter().fold(0, |sum: u64, m| sum.saturating_add(m.count));
    let is_variable: Vec<bool> = vector.cells.iter().map(|c| *c == Cell::Variable).collect();
    let rendered = render::render(&members, &is_variable, count, scanner);
    let is_collapsed = members.iter().any(|m| m.shape != ClusterShape::Key);
    let example = members.first().map(|m| m.example.to_string()).unwrap_or_default();
    let mut value = V::default();
    members.into_iter().for_each(|m| value.merge(m.value));
    Template {
        scope: scope.clone(),
        id: format!("{:016x}", rendered.hash),
        template: rendered.template,
        text: rendered.text,
        n_tokens: is_variable.len(),
        count,
        example,
        is_collapsed,
        value,
    }
}

/// A place of a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Cell {
    Word(u32),
    Separator(u32),
    Variable,
}

/// The tokens of one or more entries.
#[derive(Debug)]
struct Vector {
    cells: Vec<Cell>,
    /// A request: its words are a closed vocabulary until proven otherwise.
    is_route: bool,
    count: u64,
    members: Vec<usize>,
}

impl Vector {
    /// The vector of an entry; the caller numbers its only member.
    fn new<V>(entry: &Cluster<V>, words: &mut Words, scanner: &mut Scanner) -> Vector {
        let cells = if entry.shape == ClusterShape::Length {
            vec![Cell::Variable; usize::try_from(entry.id).unwrap_or_default()]
        } else {
            scanner.read(&entry.example);
            let mut n_columns = 0;
            let mut cell = |token: &super::scan::Token| {
                let column = if entry.shape.has_column(token.kind) {
                    n_columns += 1;
                    n_columns
                } else {
                    0
                };
                let text = token.text(&entry.example);
                match token.kind {
                    TokenKind::Variable => Cell::Variable,
                    TokenKind::Separator => Cell::Separator(words.number(text)),
                    TokenKind::Word if column == 0 || entry.columns.get(column - 1).is_some_and(|c| c.is_one()) => {
                        Cell::Word(words.number(text))
                    }
                    TokenKind::Word => Cell::Variable,
                }
            };
            scanner.tokens.iter().map(&mut cell).collect()
        };
        debug_assert!(entry.columns.len() <= MAX_COLUMNS);
        Vector { cells, is_route: is_route(&entry.example), count: entry.count, members: Vec::new() }
    }
}

/// The words of a scope, numbered, with what the rules ask about them.
#[derive(Debug, Default)]
struct Words {
    numbers: FxHashMap<String, u32>,
    traits: Vec<Traits>,
}

#[derive(Clone, Copy, Debug)]
struct Traits {
    has_letter: bool,
    is_boolean: bool,
    is_cue: bool,
    is_equals: bool,
}

impl Words {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.traits.len() as u32;
        self.numbers.insert(text.to_owned(), number);
        self.traits.push(Traits {
            has_letter: text.chars().any(char::is_alphabetic),
            is_boolean: is_one_of(text, &BOOLEANS),
            is_cue: is_one_of(text, &CUES),
            is_equals: text == "=",
        });
        number
    }

    fn traits(&self, cell: Cell) -> Option<Traits> {
        match cell {
            Cell::Word(number) | Cell::Separator(number) => self.traits.get(number as usize).copied(),
            Cell::Variable => None,
        }
    }
}

/// Words that are values of a switch or the lack of a value.
const BOOLEANS: [&str; 12] =
    ["true", "false", "null", "none", "nil", "yes", "no", "on", "off", "undefined", "enabled", "disabled"];

/// Words that announce a name.
const CUES: [&str; 19] = [
    "user",
    "host",
    "node",
    "from",
    "by",
    "for",
    "named",
    "file",
    "class",
    "rhost",
    "name",
    "tag",
    "instance",
    "service",
    "id",
    "pkg",
    "package",
    "component",
    "module",
];

fn is_one_of(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Turns open places into values until nothing changes.
fn settle(mut vectors: Vec<Vector>, words: &Words) -> Vec<Vector> {
    for (number, vector) in vectors.iter_mut().enumerate() {
        vector.members.push(number);
    }
    let mut vectors = unite(vectors);
    for _ in 0..ROUNDS {
        let open = open_places(&vectors, words);
        if open.is_empty() {
            break;
        }
        for (vector, place) in open {
            vectors[vector].cells[place] = Cell::Variable;
        }
        vectors = unite(vectors);
    }
    vectors
}

/// Makes one of equal vectors.
fn unite(mut vectors: Vec<Vector>) -> Vec<Vector> {
    vectors.sort_by(|a, b| a.cells.cmp(&b.cells));
    let mut united: Vec<Vector> = Vec::with_capacity(vectors.len());
    for vector in vectors {
        match united.last_mut() {
            Some(last) if last.cells == vector.cells => {
                last.count = last.count.saturating_add(vector.count);
                last.members.extend(vector.members);
            }
            _ => united.push(vector),
        }
    }
    united
}

/// A word place of a vector, with the hash of all that surrounds it.
type WordPlace = (u64, usize, usize);

/// The places that turn out to be values in this round.
fn open_places(vectors: &[Vector], words: &Words) -> Vec<(usize, usize)> {
    let mut places: Vec<WordPlace> = Vec::new();
    for (number, vector) in vectors.iter().enumerate() {
        push_places(&mut places, number, vector, words);
    }
    places.sort_unstable();
    let mut open = Vec::new();
    for bucket in places.chunk_by(|a, b| (a.0, a.2) == (b.0, b.2)) {
        if bucket.len() > 1 && is_open(bucket, vectors, words) {
            open.extend(bucket.iter().map(|p| (p.1, p.2)).filter(|&(v, at)| vectors[v].cells[at] != Cell::Variable));
        }
    }
    open
}

fn push_places(places: &mut Vec<WordPlace>, number: usize, vector: &Vector, words: &Words) {
    let constant = |cell: &Cell| matches!(cell, Cell::Word(_)) && words.traits(*cell).is_some_and(|t| t.has_letter);
    let n_constants = vector.cells.iter().filter(|c| constant(c)).count();
    let whole =
        vector.cells.iter().enumerate().fold(0u64, |sum, (at, cell)| sum.wrapping_add(cell_hash(at, Some(*cell))));
    for (at, cell) in vector.cells.iter().enumerate() {
        let n_others = n_constants - usize::from(constant(cell));
        if !matches!(cell, Cell::Separator(_)) && n_others >= MIN_CONSTANTS {
            let around = whole.wrapping_sub(cell_hash(at, Some(*cell))).wrapping_add(cell_hash(at, None));
            places.push((around, number, at));
        }
    }
}

/// Hash of a cell at its place; `None` is the hole of a bucket.
fn cell_hash(at: usize, cell: Option<Cell>) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = rustc_hash::FxHasher::default();
    (at, cell).hash(&mut hasher);
    // FxHash is weak in its low bits; sums of hashes need all of them.
    let hash = hasher.finish();
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Whether the words of a bucket are an open vocabulary.
fn is_open(bucket: &[WordPlace], vectors: &[Vector], words: &Words) -> bool {
    let (_, first, at) = bucket[0];
    let mut counts: BTreeMap<Cell, u64> = BTreeMap::new();
    for (_, vector, _) in bucket {
        let count = counts.entry(vectors[*vector].cells[at]).or_default();
        *count = count.saturating_add(vectors[*vector].count);
    }
    if counts.len() < 2 {
        return false;
    }
    if vectors[first].is_route {
        return counts.len() >= MANY_WORDS;
    }
    if counts.contains_key(&Cell::Variable) || counts.keys().all(|c| words.traits(*c).is_some_and(|t| t.is_boolean)) {
        return true;
    }
    let n_words = counts.len();
    let n_messages = counts.values().fold(0, |sum: u64, &n| sum.saturating_add(n));
    let n_once = counts.values().filter(|&&n| n == 1).count() as u64;
    let before = at.checked_sub(1).and_then(|before| words.traits(vectors[first].cells[before]));
    let is_first = !vectors[first].cells[..at].iter().any(|c| matches!(c, Cell::Word(_)));
    n_words >= MANY_WORDS
        || before.is_some_and(|t| t.is_equals)
        || (n_words >= SOME_WORDS && before.is_some_and(|t| t.is_cue))
        || (n_words >= SOME_WORDS && !is_first && n_once * NEW_WORD_ONE_IN >= n_messages)
}
