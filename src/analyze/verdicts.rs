//! Messages that were found uneventful: services repeat themselves word for word, and so does the verdict.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use crate::entry::{Entry, Payload, Severity};
use crate::pattern::{Catalogue, Uneventful};

/// Messages remembered; a later one takes the place of an earlier one.
const SLOTS: usize = 2048;

/// Longest message that is remembered, in bytes; longer ones seldom come again.
const MAX_LEN: usize = 512;

/// Entries without a request that are uneventful, by all that the verdict depends on but the time.
#[derive(Debug)]
pub(super) struct Verdicts {
    slots: Vec<Option<Verdict>>,
}

#[derive(Debug)]
struct Verdict {
    kind: Box<str>,
    log_name: Box<str>,
    message: Box<str>,
    recorded: Option<Severity>,
    payload: Payload,
    severity: Option<Severity>,
    inferred: bool,
}

impl Default for Verdicts {
    fn default() -> Verdicts {
        Verdicts { slots: std::iter::repeat_with(|| None).take(SLOTS).collect() }
    }
}

impl Verdicts {
    /// Where the verdict on an entry stands or can stand; `None` when it depends on more than its message.
    pub(super) fn slot(catalogue: &Catalogue, entry: &Entry<'_>) -> Option<usize> {
        let is_plain =
            entry.http.is_none() && entry.kube_event.is_none() && (1..=MAX_LEN).contains(&entry.message.len());
        if !is_plain || catalogue.reads_fields_of(entry) {
            return None;
        }
        let mut hasher = FxHasher::default();
        hasher.write(entry.message.as_bytes());
        hasher.write_u8(entry.severity.map_or(0, |severity| severity as u8 + 1));
        hasher.write(entry.log_name.as_bytes());
        Some(hasher.finish() as usize % SLOTS)
    }

    /// The verdict on an entry, when it is known.
    pub(super) fn get(&self, slot: usize, entry: &Entry<'_>) -> Option<Uneventful> {
        let known = self.slots[slot].as_ref()?;
        let is_same = *known.message == *entry.message
            && *known.log_name == *entry.log_name
            && *known.kind == *entry.resource.kind
            && (known.recorded, known.payload) == (entry.severity, entry.payload);
        let at = entry.effect_time()?;
        is_same.then_some(Uneventful { at, severity: known.severity, inferred: known.inferred })
    }

    /// Remembers the verdict on an entry.
    pub(super) fn put(&mut self, slot: usize, entry: &Entry<'_>, said: &Uneventful) {
        self.slots[slot] = Some(Verdict {
            kind: entry.resource.kind.as_ref().into(),
            log_name: entry.log_name.as_ref().into(),
            message: entry.message.as_ref().into(),
            recorded: entry.severity,
            payload: entry.payload,
            severity: said.severity,
            inferred: said.inferred,
        });
    }
}
