//! Which entries count, and what is known of those that do not.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::options::Options;
use super::read::on_every_core;
use crate::entry::{Component, Entry, Severity, decode};
use crate::framing::Piece;
use crate::pattern::{Merge, Observation};
use crate::source::Source;
use crate::summary::{Seen, is_stray};
use crate::time::{SECOND, Timestamp};

/// Names of services that are kept, the first in alphabetical order.
const SERVICES: usize = 4096;

/// A border of the window that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A point in time.
    At(Timestamp),
    /// This many nanoseconds before the newest entry.
    BeforeNewest(i64),
    /// A time of day, in nanoseconds since midnight UTC: the last one that is not after the newest entry.
    OfDay(i64),
}

/// Which entries count.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Effect time at least.
    pub since: Option<Bound>,
    /// Effect time at most.
    pub until: Option<Bound>,
    /// Only these components, when there are any.
    pub services: Vec<String>,
    /// Effective severity at least.
    pub min_severity: Option<Severity>,
}

impl Selection {
    /// True when every entry counts.
    pub fn is_empty(&self) -> bool {
        self.since.is_none() && self.until.is_none() && self.services.is_empty() && self.min_severity.is_none()
    }

    /// True when the newest entry must be known before the first can be judged: the input is read twice.
    pub fn counts_back(&self) -> bool {
        [self.since, self.until].iter().any(|bound| matches!(bound, Some(Bound::BeforeNewest(_) | Bound::OfDay(_))))
    }
}

/// What a selection found and what it left out: enough to tell whoever selected nothing what there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selected {
    /// Entries that count.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub inside: u64,
    /// Entries that were left out for their severity alone.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub mild: u64,
    /// Entries that were left out, by effect time; those whose time cannot be right are not among them.
    pub outside: Seen,
    /// When the selection names services: the components of all entries, the first 4096 names in alphabetical order.
    pub services: BTreeSet<String>,
}

impl Selected {
    /// Whether the window admits an entry, which is noted.
    pub(super) fn admits(
        &mut self,
        window: &Window<'_>,
        entry: &Entry<'_>,
        at: Timestamp,
        component: &Component,
        severity: Option<Severity>,
    ) -> bool {
        if !window.selection.services.is_empty() && !self.services.contains(&component.name) {
            self.add_service(component.name.clone());
        }
        let admitted = window.admits(at, component, severity);
        if admitted {
            self.inside += 1;
        } else {
            self.mild += u64::from(window.is_about(at, component));
            if !is_stray(entry, at) {
                self.outside.add(at, 1);
            }
        }
        admitted
    }

    fn add_service(&mut self, name: String) {
        self.services.insert(name);
        if self.services.len() > SERVICES {
            self.services.pop_last();
        }
    }
}

impl Merge for Selected {
    fn merge(&mut self, other: Selected) {
        self.inside += other.inside;
        self.mild += other.mild;
        self.outside.merge(other.outside);
        other.services.into_iter().for_each(|name| self.add_service(name));
    }
}

/// The selection with its times resolved.
pub(super) struct Window<'s> {
    since: Timestamp,
    until: Timestamp,
    pub(super) selection: &'s Selection,
}

impl<'s> Window<'s> {
    /// `newest` is only asked for when a border is relative to it.
    pub(super) fn resolve(selection: &'s Selection, newest: impl Fn() -> Timestamp) -> Window<'s> {
        let newest = selection.counts_back().then(newest).unwrap_or_default();
        let at = |bound: Bound| match bound {
            Bound::At(at) => at,
            Bound::BeforeNewest(nanos) => newest.plus(-nanos),
            Bound::OfDay(nanos) => newest.plus(-(newest.0 - nanos).rem_euclid(86_400 * SECOND)),
        };
        Window {
            since: selection.since.map_or(Timestamp::MIN, at),
            until: selection.until.map_or(Timestamp::MAX, at),
            selection,
        }
    }

    pub(super) fn holds(&self, observation: &Observation<'_>) -> bool {
        self.admits(observation.at, &observation.component, observation.severity)
    }

    fn admits(&self, at: Timestamp, component: &Component, severity: Option<Severity>) -> bool {
        self.is_about(at, component) && self.selection.min_severity.is_none_or(|least| severity >= Some(least))
    }

    /// The same whatever the severity.
    fn is_about(&self, at: Timestamp, component: &Component) -> bool {
        let services = &self.selection.services;
        self.since <= at && at <= self.until && (services.is_empty() || services.contains(&component.name))
    }
}

/// Effect time of the newest entry, for windows that count back from it.
pub(super) fn newest(sources: &[Source], options: &Options<'_>) -> Timestamp {
    let silent = Options { progress: &|_| (), ..options.clone() };
    let parts = on_every_core(sources, &silent, |newest: &mut Option<Timestamp>, batch| {
        for piece in batch.pieces() {
            if let Piece::Record(record) = piece {
                decode(record, &mut |entry| {
                    let at = entry.effect_time().filter(|at| !is_stray(&entry, *at));
                    *newest = (*newest).max(at);
                });
            }
        }
    });
    parts.parts.into_iter().flatten().max().unwrap_or_default()
}
