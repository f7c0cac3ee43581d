//! Entries counted by severity.

use serde::{Deserialize, Serialize};

use crate::entry::Severity;
use crate::pattern::Merge;

/// The place of entries without a severity, behind those of [`Severity::ALL`].
const NONE: usize = Severity::ALL.len();

/// How many entries there are of each severity, and how many without one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeverityCounts(#[serde(deserialize_with = "crate::pattern::counted")] [u64; NONE + 1]);

impl SeverityCounts {
    /// Counts one entry.
    pub fn add(&mut self, severity: Option<Severity>) {
        self.0[severity.map_or(NONE, |severity| severity as usize)] += 1;
    }

    /// How many have this severity.
    pub fn of(&self, severity: Option<Severity>) -> u64 {
        self.0[severity.map_or(NONE, |severity| severity as usize)]
    }

    /// Every severity and none, lowest first and none last, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Option<Severity>, u64)> {
        Severity::ALL.into_iter().map(Some).chain([None]).zip(self.0)
    }

    /// How many have this severity or a worse one.
    pub fn at_least(&self, severity: Severity) -> u64 {
        self.0[severity as usize..NONE].iter().sum()
    }

    /// The worst severity that an entry has.
    pub fn worst(&self) -> Option<Severity> {
        Severity::ALL.into_iter().rev().find(|severity| self.of(Some(*severity)) > 0)
    }
}

impl Merge for SeverityCounts {
    fn merge(&mut self, other: SeverityCounts) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine += theirs);
    }
}
