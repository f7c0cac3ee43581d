//! One worker: entries of a batch are read, classified and counted into its share of the account.

mod quick;

use std::sync::Mutex;

use super::claims::{Claims, GROUP};
use super::read::{Reading, UNPOISONED};
use super::window::{Selected, Window};
use crate::entry::{Decoded, Entry, LONG_RECORD, Shapes, decode};
use crate::framing::{Batch, Malformed, Piece, Record};
use crate::pattern::{Catalogue, Merge, Sayings, observe};
use crate::source::Origin;
use crate::summary::{Places, Summary, is_stray};

/// Lost ranges kept in all; further ones are counted.
pub(super) const LOST_RANGES: usize = 100;

/// What all workers look at.
#[derive(Clone, Copy)]
pub(super) struct Shared<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) window: &'a Window<'a>,
    pub(super) claims: &'a Claims,
}

/// One worker's share of a reading.
#[derive(Default)]
pub(super) struct Part {
    pub(super) summary: Summary,
    places: Places,
    shapes: Shapes,
    sayings: Sayings,
    pub(super) apart: Summary,
    selected: Selected,
    malformed: Vec<Malformed>,
    malformed_bytes: u64,
    /// Entries, and copies among them, by source.
    entries: Vec<(u64, u64)>,
    n_batches: u32,
}

impl Part {
    /// Takes every entry of a batch: quickly where that is exact, else whole.
    pub(super) fn take(&mut self, batch: &Batch, shared: Shared<'_>) {
        let mut waiting = Vec::with_capacity(GROUP);
        for piece in batch.pieces() {
            if waiting.len() == GROUP {
                self.count_plain(&mut waiting, shared);
            }
            match piece {
                Piece::Malformed(lost) => self.lose(lost.clone()),
                Piece::Record(record) => {
                    if self.plain(record, &mut waiting, shared).is_some() {
                        continue;
                    }
                    self.count_plain(&mut waiting, shared);
                    let decoded = entries(record, &mut |entry| {
                        self.count(entry.origin);
                        self.entry(&entry, shared);
                    });
                    if let Some(refusal) = decoded.refusal {
                        let len = record.origin.offset + record.bytes.len() as u64 - refusal.origin.offset;
                        self.lose(Malformed { origin: refusal.origin, len, reason: refusal.reason.to_owned() });
                    }
                    // An empty object is what some exporters write for a time without entries: nothing is lost with it.
                    if decoded.entries == 0 && record.bytes != b"{}" {
                        self.summary.ledger.unreadable += 1;
                    }
                }
            }
        }
        self.count_plain(&mut waiting, shared);
    }

    pub(super) fn entry(&mut self, entry: &Entry<'_>, Shared { catalogue, window, claims }: Shared<'_>) {
        if !claims.claim(entry) {
            self.count_copy(entry.origin);
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

    /// A copy of the account, without what only speeds reading up.
    pub(super) fn share(&self) -> Part {
        Part {
            summary: self.summary.clone(),
            apart: self.apart.clone(),
            selected: self.selected.clone(),
            malformed: self.malformed.clone(),
            malformed_bytes: self.malformed_bytes,
            ..Part::default()
        }
    }

    fn count(&mut self, origin: Origin) {
        let source = origin.source as usize;
        if self.entries.len() <= source {
            self.entries.resize(source + 1, (0, 0));
        }
        self.entries[source].0 += 1;
    }

    /// Counts an entry, which was counted for its source, as a copy.
    fn count_copy(&mut self, origin: Origin) {
        self.summary.ledger.duplicates += 1;
        if let Some((_, copies)) = self.entries.get_mut(origin.source as usize) {
            *copies += 1;
        }
    }

    /// Adds the share to what was read.
    pub(super) fn add_to(mut self, reading: &mut Reading) {
        self.places.fold_into(&mut self.summary);
        reading.summary.merge(self.summary);
        reading.apart.merge(self.apart);
        reading.malformed.extend(self.malformed);
        reading.malformed_bytes += self.malformed_bytes;
        reading.selected.merge(self.selected);
        for (read, (entries, copies)) in reading.sources.iter_mut().zip(self.entries) {
            read.entries += entries;
            read.copies += copies;
        }
    }

    pub(super) fn lose(&mut self, lost: Malformed) {
        self.malformed_bytes += lost.len;
        // The first ranges of every worker hold the first ranges of all.
        if self.malformed.len() < LOST_RANGES {
            self.malformed.push(lost);
        }
    }
}

/// Decodes a record. Names of hostile length are cut, so that an account of names stays small.
pub(super) fn entries(record: Record<'_>, each: &mut dyn FnMut(Entry<'_>)) -> Decoded {
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
pub(super) struct Heavy {
    /// The account, and that of strays.
    summaries: Mutex<(Summary, Summary)>,
    /// Bytes that one worker may hold.
    most: usize,
    is_alone: bool,
}

impl Heavy {
    pub(super) fn new(n_workers: usize) -> Heavy {
        let most = (PARTS_BYTES / n_workers.max(1)).max(PART_BYTES);
        Heavy { summaries: Mutex::default(), most, is_alone: n_workers <= 1 }
    }

    /// For after every batch.
    pub(super) fn relieve(&self, part: &mut Part) {
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
        if is_heavy || has_many {
            let mut summaries = self.summaries.lock().expect(UNPOISONED);
            if is_heavy {
                part.summary.hand_over(&mut summaries.0);
                part.apart.hand_over(&mut summaries.1);
            } else {
                part.summary.hand_over_samples(&mut summaries.0);
            }
        }
    }

    pub(super) fn into_inner(self) -> (Summary, Summary) {
        self.summaries.into_inner().expect(UNPOISONED)
    }
}
