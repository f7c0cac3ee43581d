//! An endless stream: the account of the newest stretch of it, in slots that are forgotten whole.

use std::collections::BTreeMap;

use super::claims::Claims;
use super::feed::SourceRead;
use super::read::Reading;
use super::window::{Selection, Window};
use super::worker::{Part, Shared, entries};
use crate::entry::Entry;
use crate::framing::{Batch, Piece};
use crate::pattern::Catalogue;
use crate::summary::is_stray;
use crate::time::Timestamp;

/// Slots of a window: what is old goes by a twelfth of it.
const SLOTS: i64 = 12;

/// Entries that must agree on a time a whole window ahead before it is believed: one wrong clock must not empty the account.
const AGREE: u32 = 20;

/// Bytes that copies of entries are known within, beside what an account needs.
const CLAIMS_BYTES: u64 = super::LEAST_MEMORY + (16 << 20);

/// The account of the newest entries of a stream.
///
/// Law: until something is forgotten, [`Watch::reading`] gives what [`super::read()`] gives of the same entries; after that, what it
/// gives of those that fall into the slots that are kept, for each slot is an account and accounts add up.
pub struct Watch<'c> {
    catalogue: &'c Catalogue,
    slot_ns: i64,
    slots: BTreeMap<i64, Part>,
    claims: Claims,
    read: SourceRead,
    newest: Option<Timestamp>,
    n_ahead: u32,
    n_late: u64,
}

impl<'c> Watch<'c> {
    /// Watches a stream of this name; what is older than `window_ns` before its newest entry is forgotten.
    pub fn new(name: &str, window_ns: i64, catalogue: &'c Catalogue) -> Watch<'c> {
        Watch {
            catalogue,
            slot_ns: (window_ns / SLOTS).max(1),
            slots: BTreeMap::new(),
            claims: Claims::new(CLAIMS_BYTES),
            read: SourceRead { name: name.to_owned(), format: "UTF-8".to_owned(), ..SourceRead::default() },
            newest: None,
            n_ahead: 0,
            n_late: 0,
        }
    }

    /// Takes every entry of a batch.
    pub fn take(&mut self, batch: &Batch) {
        let everything = Selection::default();
        let window = Window::resolve(&everything, Timestamp::default);
        self.read.bytes += batch.ledger().bytes();
        for piece in batch.pieces() {
            match piece {
                Piece::Malformed(lost) => self.newest_slot().lose(lost.clone()),
                Piece::Record(record) => {
                    let decoded = entries(record, &mut |entry| {
                        self.read.entries += 1;
                        let Some(slot) = self.slot(&entry) else { return };
                        let shared = Shared { catalogue: self.catalogue, window: &window, claims: &self.claims };
                        self.slots.entry(slot).or_default().entry(&entry, shared);
                    });
                    if decoded.entries == 0 {
                        self.newest_slot().summary.ledger.unreadable += 1;
                    }
                }
            }
        }
        self.forget();
    }

    /// Effect time of the newest entry.
    pub fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    /// Entries that came when their time was already forgotten.
    pub fn n_late(&self) -> u64 {
        self.n_late
    }

    /// What is known now.
    pub fn reading(&self) -> Reading {
        let mut reading = Reading { sources: vec![self.read.clone()], ..Reading::default() };
        for part in self.slots.values() {
            part.share().add_to(&mut reading);
        }
        reading.malformed.sort_by_key(|lost| lost.origin);
        reading
    }

    /// The slot of an entry; `None` when it is forgotten already. An entry whose time cannot be right goes with the newest.
    fn slot(&mut self, entry: &Entry<'_>) -> Option<i64> {
        let at = entry.effect_time().filter(|at| !is_stray(entry, *at));
        let Some(at) = at else { return Some(self.newest.map_or(0, |newest| self.slot_of(newest))) };
        let newest = *self.newest.get_or_insert(at);
        let is_far_ahead = at.since(newest) > self.slot_ns.saturating_mul(SLOTS);
        self.n_ahead = if is_far_ahead { self.n_ahead + 1 } else { 0 };
        if is_far_ahead && self.n_ahead < AGREE {
            return Some(self.slot_of(newest));
        }
        if at > newest {
            self.newest = Some(at);
        }
        let slot = self.slot_of(at);
        if slot < self.oldest() {
            self.n_late += 1;
            return None;
        }
        Some(slot)
    }

    fn slot_of(&self, at: Timestamp) -> i64 {
        at.0.div_euclid(self.slot_ns)
    }

    /// The oldest slot that is kept.
    fn oldest(&self) -> i64 {
        self.newest.map_or(i64::MIN, |newest| self.slot_of(newest) - SLOTS)
    }

    fn newest_slot(&mut self) -> &mut Part {
        let slot = self.newest.map_or(0, |newest| self.slot_of(newest));
        self.slots.entry(slot).or_default()
    }

    fn forget(&mut self) {
        self.slots = self.slots.split_off(&self.oldest());
        for part in self.slots.values_mut() {
            part.summary.fit();
        }
    }
}
