//! Reading: every source, on every core, into one account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::claims::Claims;
use super::feed::{Feed, SourceRead};
use super::options::Options;
use super::window::{Selected, Selection, Window, newest};
use super::worker::{Heavy, LOST_RANGES, Part, Shared};
use crate::framing::{Batch, Malformed};
use crate::pattern::{Catalogue, Merge};
use crate::source::Source;
use crate::summary::{Mined, Summary};

/// A worker that panics while it holds a lock ends the run: what it held is not to be trusted.
pub(super) const UNPOISONED: &str = "no worker panicked";

/// What was read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Reading {
    /// The account.
    pub summary: Summary,
    /// The account of entries whose times cannot be right.
    #[serde(default)]
    pub apart: Summary,
    /// Every source.
    pub sources: Vec<SourceRead>,
    /// Lost byte ranges, the first hundred in order.
    pub malformed: Vec<Malformed>,
    /// Lost bytes in all.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub malformed_bytes: u64,
    /// What the selection found and left out.
    #[serde(default)]
    pub selected: Selected,
    /// True when it was stopped before the end.
    pub interrupted: bool,
    /// True when the first time that counts was chosen: whoever asked knows when the fault began.
    pub told: bool,
    /// What made the accounts in it.
    #[serde(default)]
    pub makers: BTreeSet<Maker>,
}

/// What an account depends on besides the entries. Accounts of different makers do not add up to that of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Maker {
    /// Version of the program.
    pub version: String,
    /// Digest of the catalogue.
    pub catalogue: u64,
    /// The selection, when there was one.
    pub selection: String,
}

impl Maker {
    /// This program, with this catalogue and selection.
    pub fn new(catalogue: &Catalogue, selection: &Selection) -> Maker {
        let selection = if selection.is_empty() { String::new() } else { format!("{selection:?}") };
        Maker { version: env!("CARGO_PKG_VERSION").to_owned(), catalogue: catalogue.digest(), selection }
    }
}

/// Reads all sources into one summary, on every core. The same entries give the same summary whatever the number of
/// threads, the order and the split of the sources.
pub fn read(sources: &[Source], catalogue: &Catalogue, options: &Options<'_>) -> Reading {
    let window = Window::resolve(options.selection, || newest(sources, options));
    let claims = Claims::new(options.max_memory);
    let heavy = Heavy::new(options.threads());
    let shared = Shared { catalogue, window: &window, claims: &claims };
    let parts = on_every_core(sources, options, |part: &mut Part, batch| {
        part.take(batch, shared);
        heavy.relieve(part);
    });
    let mut reading = Reading { interrupted: options.is_stopped(), ..Reading::default() };
    (reading.summary, reading.apart) = heavy.into_inner();
    reading.told = options.selection.since.is_some();
    reading.makers.insert(Maker::new(catalogue, options.selection));
    reading.sources = parts.reads;
    parts.parts.into_iter().for_each(|part| part.add_to(&mut reading));
    reading.malformed.sort_by_key(|lost| lost.origin);
    reading.malformed.truncate(LOST_RANGES);
    if claims.is_full() {
        reading.summary.note_limit("insertIds remembered");
    }
    reading
}

impl Reading {
    /// What several runs read, as if one had read all their sources; only copies of an entry that two runs read are not
    /// known for copies. Any order and any tree of joins gives the same.
    pub fn join(readings: Vec<Reading>) -> Reading {
        let mut order: Vec<(usize, usize)> = (0..readings.len())
            .flat_map(|run| (0..readings[run].sources.len()).map(move |source| (run, source)))
            .collect();
        order.sort_by_key(|(run, source)| (&readings[*run].sources[*source], *run, *source));
        let mut numbers: Vec<Vec<u32>> = readings.iter().map(|reading| vec![0; reading.sources.len()]).collect();
        for (number, (run, source)) in order.iter().enumerate() {
            numbers[*run][*source] = number as u32;
        }
        let mut joined = Reading::default();
        joined.sources.extend(order.iter().map(|(run, source)| readings[*run].sources[*source].clone()));
        for (mut reading, numbers) in readings.into_iter().zip(numbers) {
            let number = |source: u32| numbers.get(source as usize).copied().unwrap_or(u32::MAX);
            reading.summary.renumber_sources(&number);
            reading.apart.renumber_sources(&number);
            reading.malformed.iter_mut().for_each(|lost| lost.origin.source = number(lost.origin.source));
            joined.summary.merge(reading.summary);
            joined.apart.merge(reading.apart);
            joined.malformed.extend(reading.malformed);
            joined.malformed_bytes += reading.malformed_bytes;
            joined.selected.merge(reading.selected);
            joined.interrupted |= reading.interrupted;
            joined.told |= reading.told;
            joined.makers.extend(reading.makers);
        }
        joined.malformed.sort_by_key(|lost| lost.origin);
        joined.malformed.truncate(LOST_RANGES);
        joined
    }

    /// The account for conclusions: what to do with strays shows once all were read.
    pub(super) fn settle(&mut self, catalogue: &Catalogue) -> Mined {
        self.summary.take_strays(std::mem::take(&mut self.apart));
        self.summary.settle(catalogue)
    }

    /// Why not everything was read, a line each: sources that are missing, cut, damaged or no export, and lost bytes.
    pub fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = self.sources.iter().filter_map(SourceRead::fault).collect();
        faults.extend(self.malformed.iter().map(|lost| {
            let name = self.sources.get(lost.origin.source as usize).map_or("?", |source| source.name.as_str());
            format!("{name}: {} bytes lost at byte {}: {}", lost.len, lost.origin.offset, lost.reason)
        }));
        faults
    }

    /// Pairs of sources with the same content whose entries count twice: where one run read both, it knew those of one for copies.
    pub fn copies(&self) -> Vec<(&str, &str)> {
        let mut groups: BTreeMap<&str, Vec<&SourceRead>> = BTreeMap::new();
        for read in self.sources.iter().filter(|read| read.entries > 0 && !read.digest.is_empty()) {
            groups.entry(&read.digest).or_default().push(read);
        }
        // Which of two copies counts depends on which was read first, so they are looked at together.
        let counts_twice = |group: &&Vec<&SourceRead>| {
            let counted: u64 = group.iter().map(|read| read.entries.saturating_sub(read.copies)).sum();
            group.iter().any(|read| counted > read.entries)
        };
        let pairs = groups
            .values()
            .filter(counts_twice)
            .flat_map(|group| group.windows(2).map(|pair| (pair[0].name.as_str(), pair[1].name.as_str())));
        pairs.collect()
    }
}

/// What the workers made, and what is known of the sources.
pub(super) struct Parts<P> {
    pub(super) parts: Vec<P>,
    pub(super) reads: Vec<SourceRead>,
}

/// Runs `take` on every batch of every source; each worker has a part of its own.
pub(super) fn on_every_core<P: Default + Send>(
    sources: &[Source],
    options: &Options<'_>,
    take: impl Fn(&mut P, &Batch) + Sync,
) -> Parts<P> {
    let threads = options.threads();
    let feed = Feed::new(sources, &options.source, threads);
    let parts: Mutex<Vec<P>> = Mutex::default();
    let work = |worker: usize| {
        let mut part = P::default();
        let mut batch = Batch::new();
        while !options.is_stopped() && feed.next(worker, &mut batch) {
            take(&mut part, &batch);
            (options.progress)(batch.ledger().bytes());
        }
        parts.lock().expect(UNPOISONED).push(part);
    };
    rayon::scope(|scope| {
        for worker in 1..threads {
            let work = &work;
            scope.spawn(move |_| work(worker));
        }
        work(0);
    });
    Parts { parts: parts.into_inner().expect(UNPOISONED), reads: feed.into_reads() }
}
