//! How to read: which entries count, how many workers, how much memory.

use super::Selection;
use crate::source;

/// Bytes that a run takes at most unless told otherwise.
pub const MAX_MEMORY: u64 = 512 << 20;

/// Bytes that the bounds of the account, the batches in flight and the conclusion add up to, with space for a thousand copies:
/// measured on input that was made to reach them all.
pub const LEAST_MEMORY: u64 = 320 << 20;

/// How to read.
#[derive(Clone)]
pub struct Options<'o> {
    /// Which entries count.
    pub selection: &'o Selection,
    /// Worker threads; 0 for one per core.
    pub threads: usize,
    /// How sources are opened, and what ends reading early.
    pub source: source::Options,
    /// Bytes that the run may take, at least [`LEAST_MEMORY`]. What is above goes to knowing copies.
    pub max_memory: u64,
    /// Is given the number of bytes of every batch that was read.
    pub progress: &'o (dyn Fn(u64) + Sync),
}

/// Every entry counts.
static EVERYTHING: Selection = Selection { since: None, until: None, services: Vec::new(), min_severity: None };

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            selection: &EVERYTHING,
            threads: 0,
            source: source::Options::default(),
            max_memory: MAX_MEMORY,
            progress: &|_| (),
        }
    }
}

impl Options<'_> {
    pub(super) fn threads(&self) -> usize {
        if self.threads == 0 { rayon::current_num_threads() } else { self.threads }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.source.stop.is_set()
    }
}
