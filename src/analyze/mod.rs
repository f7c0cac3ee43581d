//! The conductor: read in parallel, merge, conclude.

mod claims;
mod classify;
mod feed;
mod visit;
mod window;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::cause;
use crate::entry::{Decoded, Entry, LONG_RECORD, Severity, decode, glance};
use crate::framing::{Batch, Malformed, Piece, Record};
use crate::incident::{self, Baseline};
use crate::pattern::{Catalogue, Merge, Sayings, Uneventful, observe, uneventful};
use crate::report::patterns::Patterns;
use crate::report::{Findings, Report, compose};
use crate::source::{self, Origin, Source};
use crate::summary::{Mined, Places, Summary, is_stray};

use claims::{Claim, Claims, GROUP};
pub use classify::{Classified, Kind, Learnt, classify};
use feed::Feed;
pub use feed::SourceRead;
pub use visit::visit;
pub use window::{Bound, Selected, Selection};
use window::{Window, newest};

/// Lost ranges kept in all; further ones are counted.
const LOST_RANGES: usize = 100;

/// Bytes that a run takes at most unless told otherwise.
pub const MAX_MEMORY: u64 = 512 << 20;

/// Bytes that the bounds of the account, the batches in flight and the conclusion add up to, with room for a thousand copies:
/// measured on input that was made to reach them all.
pub const LEAST_MEMORY: u64 = 320 << 20;

/// How to read.
#[derive(Clone, Copy)]
pub struct Options<'o> {
    /// Which entries count.
    pub selection: &'o Selection,
    /// Worker threads; 0 for one per core.
    pub threads: usize,
    /// How sources are opened.
    pub source: source::Options,
    /// Bytes that the run may take, at least [`LEAST_MEMORY`]. What is above goes to knowing copies.
    pub max_memory: u64,
    /// Told the number of bytes of every batch that was read.
    pub progress: &'o (dyn Fn(u64) + Sync),
    /// Set from outside to stop early.
    pub stop: &'o AtomicBool,
}

impl Options<'_> {
    fn threads(&self) -> usize {
        if self.threads == 0 { rayon::current_num_threads() } else { self.threads }
    }
}

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
}

/// Reads all sources into one summary, on every core. The same entries give the same summary whatever the number of
/// threads, the order and the split of the sources.
pub fn read(sources: &[Source], catalogue: &Catalogue, options: Options<'_>) -> Reading {
    let window = Window::resolve(options.selection, || newest(sources, options));
    let claims = Claims::new(options.max_memory);
    let heavy = Heavy::new(options.threads());
    let parts = on_every_core(sources, options, |part: &mut Part, batch| {
        part.take(batch, catalogue, &window, &claims);
        heavy.relieve(part);
    });
    let mut reading = Reading { interrupted: options.stop.load(Ordering::Relaxed), ..Reading::default() };
    (reading.summary, reading.apart) = heavy.into_inner();
    reading.told = options.selection.since.is_some();
    reading.sources = parts.reads;
    parts.parts.into_iter().for_each(|part| part.add_to(&mut reading));
    reading.malformed.sort_by_key(|lost| lost.origin);
    reading.malformed.truncate(LOST_RANGES);
    if claims.is_full() {
        reading.summary.note_limit("CLAIMS");
    }
    reading
}

impl Reading {
    /// What several runs read, as if one had read all their sources; only copies of an entry that two runs read are not
    /// known for copies.
    pub fn join(readings: Vec<Reading>) -> Reading {
        let mut order: Vec<(usize, usize)> = (0..readings.len())
            .flat_map(|run| (0..readings[run].sources.len()).map(move |source| (run, source)))
            .collect();
        order.sort_by_key(|(run, source)| (&readings[*run].sources[*source].name, *run, *source));
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
        }
        joined.malformed.sort_by_key(|lost| lost.origin);
        joined.malformed.truncate(LOST_RANGES);
        joined
    }

    /// The account for conclusions: what to do with strays shows once all were read.
    fn settle(&mut self, catalogue: &Catalogue) -> Mined {
        self.summary.take_strays(std::mem::take(&mut self.apart));
        self.summary.settle(catalogue)
    }

    /// Pairs of sources with the same content: their entries count twice, unless one run read both.
    pub fn copies(&self) -> Vec<(&str, &str)> {
        let mut first: BTreeMap<&str, &str> = BTreeMap::new();
        let whole = self.sources.iter().filter(|read| read.entries > 0 && !read.digest.is_empty());
        whole.filter_map(|read| Some((first.insert(&read.digest, &read.name)?, read.name.as_str()))).collect()
    }
}

/// What the workers made, and what is known of the sources.
struct Parts<P> {
    parts: Vec<P>,
    reads: Vec<SourceRead>,
}

/// Runs `take` on every batch of every source; each worker has a part of its own.
fn on_every_core<P: Default + Send>(
    sources: &[Source],
    options: Options<'_>,
    take: impl Fn(&mut P, &Batch) + Sync,
) -> Parts<P> {
    let threads = options.threads();
    let feed = Feed::new(sources, options.source, threads);
    let parts: Mutex<Vec<P>> = Mutex::default();
    let work = |worker: usize| {
        let mut part = P::default();
        let mut batch = Batch::new();
        while !options.stop.load(Ordering::Relaxed) && feed.next(worker, &mut batch) {
            take(&mut part, &batch);
            (options.progress)(batch.ledger().bytes());
        }
        if let Ok(mut parts) = parts.lock() {
            parts.push(part);
        }
    };
    rayon::scope(|scope| {
        for worker in 1..threads {
            let work = &work;
            scope.spawn(move |_| work(worker));
        }
        work(0);
    });
    Parts { parts: parts.into_inner().unwrap_or_default(), reads: feed.into_reads() }
}

/// An uneventful entry, its place, and what it says.
struct Plain<'b> {
    entry: Entry<'b>,
    place: usize,
    said: Uneventful,
}

/// One worker's share of a reading.
#[derive(Default)]
struct Part {
    summary: Summary,
    places: Places,
    sayings: Sayings,
    apart: Summary,
    selected: Selected,
    malformed: Vec<Malformed>,
    malformed_bytes: u64,
    entries: Vec<u64>,
    n_batches: u32,
}

impl Part {
    fn take(&mut self, batch: &Batch, catalogue: &Catalogue, window: &Window<'_>, claims: &Claims) {
        let mut waiting = Vec::with_capacity(GROUP);
        for piece in batch.pieces() {
            if waiting.len() == GROUP {
                self.count_plain(&mut waiting, window, claims);
            }
            match piece {
                Piece::Malformed(lost) => self.lose(lost.clone()),
                Piece::Record(record) => {
                    if self.plain(record, &mut waiting, catalogue, window, claims).is_some() {
                        continue;
                    }
                    self.count_plain(&mut waiting, window, claims);
                    let decoded = entries(record, &mut |entry| {
                        self.count(entry.origin);
                        self.entry(&entry, catalogue, window, claims);
                    });
                    if let Some(refusal) = decoded.refusal {
                        let len = record.origin.offset + record.bytes.len() as u64 - refusal.origin.offset;
                        self.lose(Malformed { origin: refusal.origin, len, reason: refusal.reason.to_owned() });
                    }
                    if decoded.entries == 0 {
                        self.summary.ledger.unreadable += 1;
                    }
                }
            }
        }
        self.count_plain(&mut waiting, window, claims);
    }

    /// Takes a record that is one plain entry; `None` when it is none and nothing was taken. When it is uneventful it waits, to
    /// be counted together with others.
    fn plain<'b>(
        &mut self,
        record: Record<'b>,
        waiting: &mut Vec<Plain<'b>>,
        catalogue: &Catalogue,
        window: &Window<'_>,
        claims: &Claims,
    ) -> Option<()> {
        if self.places.is_full() {
            self.count_plain(waiting, window, claims);
            self.places.fold_into(&mut self.summary);
        }
        let mut glance = glance(record, self.places.resources(), &|key| catalogue.reads_field(key))?;
        let place = self.places.find(&mut glance);
        let said = place.and_then(|place| {
            let said = self.verdict(&glance.entry, catalogue).filter(|said| !is_stray(&glance.entry, said.at))?;
            Some((place, said))
        });
        let Some((place, said)) = said else {
            let entry = glance.whole()?;
            self.count_plain(waiting, window, claims);
            self.count(entry.origin);
            self.entry(&entry, catalogue, window, claims);
            return Some(());
        };
        let entry = if self.summary.follows_labels_of(&glance.entry) { glance.labelled()? } else { glance.entry };
        self.count(entry.origin);
        waiting.push(Plain { entry, place, said });
        Some(())
    }

    /// Counts what waits. Also before any other entry is counted: of two copies the first counts, however the input is cut.
    fn count_plain(&mut self, waiting: &mut Vec<Plain<'_>>, window: &Window<'_>, claims: &Claims) {
        if waiting.is_empty() {
            return;
        }
        let group: Vec<Claim> = waiting.iter().map(|plain| Claim::of(&plain.entry)).collect();
        let new = claims.claim_group(&group);
        for (i, Plain { entry, place, said }) in waiting.drain(..).enumerate() {
            if new >> i & 1 == 0 {
                self.summary.ledger.duplicates += 1;
                continue;
            }
            let component = self.places.component(place);
            if self.selected.admits(window, &entry, said.at, component, said.severity) {
                self.summary.follow(&entry, component);
                self.places.count(place, &entry, &said);
            } else {
                self.summary.ledger.outside += 1;
            }
        }
    }

    /// What an entry says when it is uneventful.
    fn verdict(&mut self, entry: &Entry<'_>, catalogue: &Catalogue) -> Option<Uneventful> {
        // What was recorded as a failure mostly is one.
        if entry.severity >= Some(Severity::Warning) {
            return None;
        }
        match self.sayings.of(catalogue, entry) {
            Some(saying) => saying.uneventful(entry),
            None => uneventful(catalogue, entry),
        }
    }

    fn entry(&mut self, entry: &Entry<'_>, catalogue: &Catalogue, window: &Window<'_>, claims: &Claims) {
        if !claims.claim(entry) {
            self.summary.ledger.duplicates += 1;
            return;
        }
        let said = match self.sayings.of(catalogue, entry) {
            Some(saying) => saying.observation(entry),
            None => observe(catalogue, entry),
        };
        let Some(observation) = said else {
            self.summary.ledger.unreadable += 1;
            return;
        };
        if !self.selected.admits(window, entry, observation.at, &observation.component, observation.severity) {
            self.summary.ledger.outside += 1;
        } else if is_stray(entry, observation.at) {
            self.apart.observe(catalogue, entry, &observation);
            self.apart.note_stray(entry, observation.at);
        } else {
            self.summary.observe(catalogue, entry, &observation);
        }
    }

    fn count(&mut self, origin: Origin) {
        let source = origin.source as usize;
        if self.entries.len() <= source {
            self.entries.resize(source + 1, 0);
        }
        self.entries[source] += 1;
    }

    fn add_to(mut self, reading: &mut Reading) {
        self.places.fold_into(&mut self.summary);
        reading.summary.merge(self.summary);
        reading.apart.merge(self.apart);
        reading.malformed.extend(self.malformed);
        reading.malformed_bytes += self.malformed_bytes;
        reading.selected.merge(self.selected);
        for (read, n) in reading.sources.iter_mut().zip(self.entries) {
            read.entries += n;
        }
    }

    fn lose(&mut self, lost: Malformed) {
        self.malformed_bytes += lost.len;
        // The first ranges of every worker hold the first ranges of all.
        if self.malformed.len() < LOST_RANGES {
            self.malformed.push(lost);
        }
    }
}

/// Decodes a record. Names of hostile length are cut, so that an account of names stays small.
fn entries(record: Record<'_>, each: &mut dyn FnMut(Entry<'_>)) -> Decoded {
    let is_long = record.bytes.len() > LONG_RECORD;
    decode(record, &mut |mut entry| {
        if is_long {
            entry.cut_names();
        }
        each(entry);
    })
}

/// Bytes that the accounts of all workers may grow to together, before they are merged into one.
const PARTS_BYTES: usize = 64 << 20;

/// The least of it that one worker needs, so that merging stays a small part of the work: reached beyond 16 workers.
const PART_BYTES: usize = 4 << 20;

/// Records of traces, and changes, that one of several workers keeps for itself: half a megabyte of each.
const OWN_RECORDS: usize = 4096;
const OWN_CHANGES: usize = 128;

/// Batches after which the account of a worker that is alone is made to fit: 16 MB of input.
const FIT_AFTER: u32 = 64;

/// Where workers leave accounts that have grown heavy: otherwise every one of them could come to hold as much as all of the
/// input may. That of a usual export never does.
struct Heavy {
    /// The account, and that of strays.
    summaries: Mutex<(Summary, Summary)>,
    /// Bytes that one worker may hold.
    most: usize,
    is_alone: bool,
}

impl Heavy {
    fn new(n_workers: usize) -> Heavy {
        let most = (PARTS_BYTES / n_workers.max(1)).max(PART_BYTES);
        Heavy { summaries: Mutex::default(), most, is_alone: n_workers <= 1 }
    }

    /// For after every batch.
    fn relieve(&self, part: &mut Part) {
        part.n_batches += 1;
        if self.is_alone {
            // What it holds is what all hold.
            if part.n_batches.is_multiple_of(FIT_AFTER) {
                part.summary.fit();
                part.apart.fit();
            }
            return;
        }
        let is_heavy = part.summary.weight() + part.apart.weight() > self.most;
        let has_many = part.summary.traces.n_records() > OWN_RECORDS || part.summary.changes.len() > OWN_CHANGES;
        if (is_heavy || has_many)
            && let Ok(mut summaries) = self.summaries.lock()
        {
            if is_heavy {
                part.summary.hand_over(&mut summaries.0);
                part.apart.hand_over(&mut summaries.1);
            } else {
                part.summary.hand_over_samples(&mut summaries.0);
            }
        }
    }

    fn into_inner(self) -> (Summary, Summary) {
        self.summaries.into_inner().unwrap_or_default()
    }
}

/// What a healthy export leads to expect.
pub fn baseline(mut reading: Reading, catalogue: &Catalogue) -> Baseline {
    let mined = reading.settle(catalogue);
    Baseline::new(&reading.summary, &mined, catalogue)
}

/// The table of all failing patterns.
pub fn patterns(mut reading: Reading, catalogue: &Catalogue, baseline: Option<&Baseline>) -> Patterns {
    let mined = reading.settle(catalogue);
    let scene = incident::detect(&reading.summary, &mined, catalogue, baseline);
    Patterns::new(&scene, baseline)
}

/// Concludes: pure, from the account alone. The failures that no signature knows are taken out of the account.
pub fn conclude(reading: &mut Reading, catalogue: &Catalogue, baseline: Option<&Baseline>) -> Report {
    let mined = reading.settle(catalogue);
    let scene = incident::detect(&reading.summary, &mined, catalogue, baseline);
    let found = cause::conclude(&scene, &reading.summary, catalogue, baseline, reading.told);
    let sources: Vec<String> = reading.sources.iter().map(|read| read.name.clone()).collect();
    let mut report =
        compose(Findings { summary: &reading.summary, catalogue, scene: &scene, found: &found, sources: &sources });
    add_reading(&mut report, reading, &sources);
    report
}

/// Adds what only the reader knows: sources, lost ranges, whether it was stopped.
fn add_reading(report: &mut Report, reading: &Reading, sources: &[String]) {
    use crate::report::{LostRange, SourceCoverage, Warning};
    let coverage = &mut report.coverage;
    coverage.bytes = reading.sources.iter().map(|read| read.bytes).sum();
    coverage.malformed_bytes = reading.malformed_bytes;
    coverage.malformed = reading
        .malformed
        .iter()
        .map(|lost| LostRange {
            source: sources.get(lost.origin.source as usize).cloned().unwrap_or_default(),
            offset: lost.origin.offset,
            len: lost.len,
            reason: lost.reason.clone(),
        })
        .collect();
    for read in &reading.sources {
        let foreign = read.foreign.as_ref().filter(|_| read.entries == 0);
        let mut warn = |code: &str, text: String| coverage.warnings.push(Warning { code: code.to_owned(), text });
        if let Some(advice) = foreign {
            warn("not_an_export", format!("{}: {advice}", read.name));
        }
        if let Some(error) = &read.error {
            warn("source_error", format!("{}: {error}", read.name));
        }
        if read.unclosed > 0 {
            warn("cut_off", format!("{}: the array is not closed: the export was interrupted", read.name));
        }
        coverage.sources.push(SourceCoverage {
            name: read.name.clone(),
            format: read.format.clone(),
            entries: read.entries,
            bytes: read.bytes,
            digest: read.digest.clone(),
            error: read.error.clone(),
        });
    }
    if reading.interrupted {
        let text = "stopped before the end: what follows is true of the part that was read";
        coverage.warnings.insert(0, Warning { code: "interrupted".to_owned(), text: text.to_owned() });
    }
}
