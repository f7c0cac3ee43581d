//! Entries that are only parts: the frames of a traceback written line by line, the parts of a split entry. They are
//! kept by what they belong to and joined after all merging, so that no split of the input can separate them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::exemplars::shortened;
use crate::entry::{Component, Entry, Payload, Resource, Severity};
use crate::pattern::{Merge, Observation, traceback};
use crate::source::Origin;
use crate::time::Timestamp;

/// Parts kept per stream, the earliest: a dozen tracebacks of forty lines. Further ones are counted.
const PARTS: usize = 512;

/// Parts of all wholes together: 64 MiB when all are long.
const PARTS_IN_ALL: usize = 1 << 15;

/// Bytes kept of one part, from its head and its tail: a template looks at as many.
const TEXT_BYTES: usize = 2048;

/// Lines of one traceback follow each other within this time. Measured: equal to the microsecond or a few apart.
const GAP_NS: i64 = 50_000_000;

/// What parts belong to: the instance and its log, or the uid of a split entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum Whole {
    /// Lines of one stream of one instance.
    Stream {
        /// Instance or pod; the component's name where there is none.
        instance: String,
        /// `logName`.
        log_name: String,
    },
    /// Parts of an entry that was too large.
    Split(String),
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Fragment {
    /// Time of the entry, which orders lines.
    pub at: Timestamp,
    /// Place in a split entry.
    pub index: u32,
    /// `insertId`, which orders lines of equal time.
    pub insert_id: String,
    /// Where it stands.
    pub origin: Origin,
    /// Severity as recorded.
    pub severity: Option<Severity>,
    /// What wrote it.
    pub component: Component,
    /// Revision that wrote it.
    pub revision: Option<String>,
    /// Its text.
    pub text: String,
}

/// The parts of one whole, the earliest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fragments {
    parts: BTreeSet<Fragment>,
}

impl Fragments {
    /// Adds a part.
    pub(super) fn add(&mut self, fragment: Fragment) {
        self.parts.insert(fragment);
        while self.parts.len() > PARTS {
            self.parts.pop_last();
        }
    }

    /// The more wholes there are, the fewer parts are kept of each.
    pub(super) fn fit(&mut self, n_wholes: usize) {
        let most = (PARTS_IN_ALL / n_wholes.max(1)).min(PARTS);
        while self.parts.len() > most {
            self.parts.pop_last();
        }
    }

    /// The wholes that the parts make: their parts, at least one, with the joined text; in order of time.
    pub(super) fn joined(&self, whole: &Whole) -> Vec<(Vec<&Fragment>, String)> {
        let parts: Vec<&Fragment> = self.parts.iter().collect();
        if let Whole::Split(_) = whole {
            let mut parts = parts;
            parts.sort_by_key(|part| part.index);
            let text = parts.iter().map(|part| part.text.as_str()).collect();
            return if parts.is_empty() { Vec::new() } else { vec![(parts, text)] };
        }
        let mut joined = Vec::new();
        for run in parts.chunk_by(|a, b| b.at.since(a.at) <= GAP_NS) {
            let lines: Vec<&str> = run.iter().map(|part| part.text.as_str()).collect();
            let mut at = 0;
            for span in traceback::spans(&lines) {
                joined.extend((at..span.start).map(|i| (vec![run[i]], lines[i].to_owned())));
                at = span.end;
                joined.push((run[span.clone()].to_vec(), lines[span].join("\n")));
            }
            joined.extend((at..run.len()).map(|i| (vec![run[i]], lines[i].to_owned())));
        }
        joined
    }
}

impl Fragments {
    pub(super) fn renumber(&mut self, number: &dyn Fn(u32) -> u32) {
        let parts = std::mem::take(&mut self.parts).into_iter();
        self.parts = parts
            .map(|mut part| {
                part.origin.source = number(part.origin.source);
                part
            })
            .collect();
    }
}

impl Merge for Fragments {
    fn merge(&mut self, other: Fragments) {
        other.parts.into_iter().for_each(|part| self.add(part));
    }
}

/// What the entry is a part of, when it is a part.
pub(super) fn whole(entry: &Entry<'_>, observation: &Observation<'_>) -> Option<Whole> {
    if let Some(split) = entry.split.as_ref().filter(|split| !split.uid.is_empty()) {
        return Some(Whole::Split(split.uid.to_string()));
    }
    if !traceback::is_line(entry) {
        return None;
    }
    let instance = observation.instance.unwrap_or(&observation.component.name).to_owned();
    Some(Whole::Stream { instance, log_name: entry.log_name.to_string() })
}

impl Fragment {
    /// The part that an entry is.
    pub(super) fn new(entry: &Entry<'_>, observation: &Observation<'_>) -> Fragment {
        Fragment {
            at: entry.timestamp.unwrap_or(observation.at),
            index: entry.split.as_ref().map_or(0, |split| split.index),
            insert_id: entry.insert_id.to_string(),
            origin: entry.origin,
            severity: entry.severity,
            component: observation.component.clone(),
            revision: observation.revision.map(str::to_owned),
            text: shortened(&observation.masked(Cow::Borrowed(&entry.message)), TEXT_BYTES),
        }
    }

    /// The whole as an entry that can be observed again.
    pub(super) fn entry<'f>(&'f self, whole: &'f Whole, text: &'f str) -> Entry<'f> {
        let log_name = match whole {
            Whole::Stream { log_name, .. } => log_name.as_str(),
            Whole::Split(_) => "",
        };
        Entry {
            origin: self.origin,
            insert_id: self.insert_id.as_str().into(),
            log_name: log_name.into(),
            timestamp: Some(self.at),
            severity: self.severity,
            resource: Resource { kind: "joined".into(), ..Resource::default() },
            payload: Payload::Text,
            message: text.into(),
            ..Entry::default()
        }
    }
}
