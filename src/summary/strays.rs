//! Entries dated far from when they were received: kept apart, so that a wrong clock neither widens the export nor coarsens
//! its times.

use serde::{Deserialize, Serialize};

use super::tally::Seen;
use crate::entry::Entry;
use crate::pattern::Merge;
use crate::source::Origin;
use crate::time::{SECOND, Timestamp};

/// Farther from its receipt than this, an entry is a stray. Measured: entries are received within 3 s of what they tell, from
/// busy nodes within 2 min; agents that were cut off send what they kept for an hour.
const FAR_NS: i64 = 3600 * SECOND;

/// Without a receipt, a time before Cloud Logging's oldest ancestor or after the next century's start is no time: 2008 to 2100.
const PLAUSIBLE: std::ops::Range<i64> = 1_199_145_600 * SECOND..4_102_444_800 * SECOND;

/// No request takes longer: load balancers end sockets after a day.
const LONGEST_NS: i64 = 2 * 86_400 * SECOND;

/// Strays that are shown.
const SHOWN: usize = 3;

/// How many strays there are, what times they claim, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strays {
    /// Times they claim.
    pub seen: Seen,
    /// The first by where they stand.
    pub examples: Vec<Stray>,
}

/// One entry with a time that cannot be right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stray {
    /// Where it stands.
    pub origin: Origin,
    /// Its effect time.
    pub at: Timestamp,
    /// When it was received, where that is known.
    pub received: Option<Timestamp>,
}

/// True when an entry cannot have happened at `at`, its effect time, or came so late that no one was waiting for it.
pub fn is_stray(entry: &Entry<'_>, at: Timestamp) -> bool {
    let latency = entry.http.as_ref().and_then(|http| http.latency_ns).unwrap_or(0);
    match entry.receive_timestamp {
        Some(received) => received.since(at).saturating_abs() > FAR_NS,
        None => !PLAUSIBLE.contains(&at.0) || latency > LONGEST_NS,
    }
}

impl Strays {
    /// Notes a stray.
    pub(super) fn add(&mut self, entry: &Entry<'_>, at: Timestamp) {
        self.seen.add(at, 1);
        self.keep(Stray { origin: entry.origin, at, received: entry.receive_timestamp });
    }

    pub(super) fn renumber(&mut self, number: &dyn Fn(u32) -> u32) {
        self.examples.iter_mut().for_each(|stray| stray.origin.source = number(stray.origin.source));
    }

    fn keep(&mut self, stray: Stray) {
        let at = self.examples.partition_point(|other| *other < stray);
        if at < SHOWN {
            self.examples.insert(at, stray);
            self.examples.truncate(SHOWN);
        }
    }
}

impl Merge for Strays {
    fn merge(&mut self, other: Strays) {
        self.seen.merge(other.seen);
        other.examples.into_iter().for_each(|stray| self.keep(stray));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(timestamp: &str, received: &str, expected: bool) {
        let at = Timestamp::parse(timestamp).expect("a time");
        let entry = Entry { timestamp: Some(at), receive_timestamp: Timestamp::parse(received), ..Entry::default() };
        assert_eq!(is_stray(&entry, at), expected, "{timestamp} received {received}");
    }

    #[test]
    fn far_from_its_receipt_or_from_our_age_is_a_stray() {
        check("2026-02-03T10:00:00Z", "2026-02-03T10:00:02Z", false);
        check("2026-02-03T10:00:09Z", "2026-02-03T10:00:02Z", false);
        check("2026-02-03T10:00:00Z", "2026-02-03T10:59:00Z", false);
        check("2026-02-03T10:00:00Z", "2026-02-03T11:01:00Z", true);
        check("2026-02-03T12:00:00Z", "2026-02-03T10:00:00Z", true);
        for far in ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z"] {
            check(far, "2026-02-03T10:00:00Z", true);
            check(far, "", true);
        }
        check("2012-02-03T10:00:00Z", "", false);
    }

    #[test]
    fn a_latency_of_years_is_a_stray() {
        let at = Timestamp::parse("2026-02-03T10:00:00Z");
        let http = crate::entry::HttpRequest { latency_ns: Some(30 * 365 * 86_400 * SECOND), ..Default::default() };
        let entry = Entry { timestamp: at, http: Some(http), ..Entry::default() };
        assert!(is_stray(&entry, entry.effect_time().expect("it has a time")));
    }
}
