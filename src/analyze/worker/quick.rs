//! The quick way for entries that say nothing but that they happened: most of an export.
//!
//! Law: the account is, byte for byte, the one that [`Part::entry`] makes of the same entries. So an entry comes this way only when
//! that is sure from its bytes, and all others are read whole. It holds because the account is a monoid: what is counted by place
//! and folded in later is what would have been added before. `tests/it/shortcuts.rs` compares both ways.

use super::{Part, Shared};
use crate::analyze::claims::Claim;
use crate::entry::{Entry, Severity, glance};
use crate::framing::Record;
use crate::pattern::{Catalogue, Uneventful, uneventful};
use crate::summary::is_stray;

/// An uneventful entry, its place, and what it says.
pub(super) struct Plain<'b> {
    entry: Entry<'b>,
    place: usize,
    said: Uneventful,
}

impl Part {
    /// Takes a record that is one plain entry; `None` when it is none and nothing was taken. When it is uneventful it waits, to
    /// be counted together with others.
    pub(super) fn plain<'b>(
        &mut self,
        record: Record<'b>,
        waiting: &mut Vec<Plain<'b>>,
        shared: Shared<'_>,
    ) -> Option<()> {
        if self.places.is_full() {
            self.count_plain(waiting, shared);
            self.places.fold_into(&mut self.summary);
        }
        let wanted = |key: &str| shared.catalogue.reads_field(key);
        let mut glance = glance(record, self.places.resources(), &mut self.shapes, &wanted)?;
        let place = self.places.find(&mut glance);
        let said = place.and_then(|place| {
            let said =
                self.verdict(&glance.entry, shared.catalogue).filter(|said| !is_stray(&glance.entry, said.at))?;
            Some((place, said))
        });
        let Some((place, said)) = said else {
            let entry = glance.whole()?;
            self.count_plain(waiting, shared);
            self.count(entry.origin);
            self.entry(&entry, shared);
            return Some(());
        };
        let entry = if self.summary.follows_labels_of(&glance.entry) { glance.labelled()? } else { glance.entry };
        self.count(entry.origin);
        waiting.push(Plain { entry, place, said });
        Some(())
    }

    /// Counts what waits. Also before any other entry is counted: of two copies the first counts, however the input is cut.
    pub(super) fn count_plain(&mut self, waiting: &mut Vec<Plain<'_>>, shared: Shared<'_>) {
        if waiting.is_empty() {
            return;
        }
        let group: Vec<Claim> = waiting.iter().map(|plain| Claim::of(&plain.entry)).collect();
        let new = shared.claims.claim_group(&group);
        for (i, Plain { entry, place, said }) in waiting.drain(..).enumerate() {
            if new >> i & 1 == 0 {
                self.count_copy(entry.origin);
                continue;
            }
            let component = self.places.component(place);
            if self.selected.admits(shared.window, &entry, said.at, component, said.severity) {
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
}
