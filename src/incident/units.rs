//! Work that failed and work that went well: requests, starts, jobs, probes and calls of each component over time.

use std::collections::BTreeMap;

use super::series::Series;
use crate::entry::Component;
use crate::pattern::{Gravity, Unit};
use crate::summary::activity::{Activity, RequestOutcome};
use crate::summary::sample::{Dimension, Sampled};
use crate::summary::{Summary, Timeline};
use crate::time::{Span, Timestamp};

/// Units of one stretch of time by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Those that went well.
    pub fine: u64,
    /// Those that failed.
    pub failed: u64,
}

impl Outcomes {
    /// All of them.
    pub fn all(self) -> u64 {
        self.fine + self.failed
    }

    /// Share of those that failed, 0 when there are none.
    pub fn failed_share(self) -> f64 {
        self.failed as f64 / self.all().max(1) as f64
    }
}

impl std::ops::Add for Outcomes {
    type Output = Outcomes;

    fn add(self, other: Outcomes) -> Outcomes {
        Outcomes { fine: self.fine + other.fine, failed: self.failed + other.failed }
    }
}

/// What each component does, and how its own failures that end a unit of work lie in time.
#[derive(Clone, Debug, Default)]
pub struct Units<'s> {
    activity: BTreeMap<&'s Component, &'s Activity>,
    failing: BTreeMap<(&'s Component, Unit), Vec<&'s Timeline>>,
    /// Entries of all components.
    pub n_entries: u64,
}

impl<'s> Units<'s> {
    /// Reads the account.
    pub fn new(summary: &'s Summary, series: &[Series<'s>]) -> Units<'s> {
        let mut failing: BTreeMap<(&Component, Unit), Vec<&Timeline>> = BTreeMap::new();
        for series in series.iter().filter(|s| s.gravity == Gravity::Grave && s.meaning.shows != Unit::None) {
            failing.entry((series.component, series.meaning.shows)).or_default().push(&series.tally.timeline);
        }
        let n_entries = summary.components.values().map(|activity| activity.seen.count).sum();
        Units { activity: summary.components.iter().collect(), failing, n_entries }
    }

    /// Requests that a component answered within a span, by what became of them.
    pub fn requests(&self, component: &Component, within: Span) -> Outcomes {
        let Some(activity) = self.activity.get(component) else { return Outcomes::default() };
        let (all, failed) = (between(&activity.requests.all, within), between(&activity.requests.failed, within));
        let refused = between(&activity.requests.refused, within);
        Outcomes { fine: all.saturating_sub(failed + refused), failed }
    }

    /// Requests that a component refused as mistakes of its clients.
    pub fn refused(&self, component: &Component, within: Span) -> u64 {
        self.activity.get(component).map_or(0, |activity| between(&activity.requests.refused, within))
    }

    /// True when a route that was answered before is mostly refused within a span: a scanner is refused where nothing ever was.
    pub fn turns_away(&self, component: &Component, within: Span, export: Span) -> bool {
        let before = Span { start: export.start, end: within.start.plus(-1) };
        // A WebSocket that is refused looks like any request: nothing but the path says what it was to become.
        let mut routes: BTreeMap<&str, (Outcomes, Outcomes)> = BTreeMap::new();
        for ((_, path), route) in self.activity.get(component).into_iter().flat_map(|a| a.requests.routes.iter()) {
            let of = |within: Span| {
                // Too many requests, 429, are failed ones: they are refused all the same.
                let failed = between(&route.refused, within) + between(&route.failed, within);
                Outcomes { fine: between(&route.all, within).saturating_sub(failed), failed }
            };
            let (then, now) = routes.entry(path).or_default();
            (*then, *now) = (*then + of(before), *now + of(within));
        }
        routes.values().any(|(then, now)| {
            let answered = then.fine >= ROUTE_LEAST && then.failed_share() <= 0.1;
            answered && now.failed >= ROUTE_LEAST && now.failed_share() >= SHUT
        })
    }

    /// Requests of a component that the account kept, of one outcome, with their numbers.
    pub fn sample(&self, component: &Component, outcome: RequestOutcome) -> impl Iterator<Item = (&'s Sampled, u64)> {
        self.activity.get(component).into_iter().flat_map(move |activity| activity.samples.of(outcome))
    }

    /// Units of a kind other than requests. One event is often told by several patterns: the one that tells most counts.
    pub fn of_kind(&self, component: &Component, unit: Unit, within: Span) -> Outcomes {
        let fine = self.activity.get(component).and_then(|activity| activity.fine.get(&unit));
        let failed = self.failing.get(&(component, unit)).into_iter().flatten();
        Outcomes {
            fine: fine.map_or(0, |fine| between(fine, within)),
            failed: failed.map(|timeline| between(timeline, within)).max().unwrap_or(0),
        }
    }

    /// Entries of a component that do not fail.
    pub fn benign(&self, component: &Component, within: Span) -> u64 {
        self.activity.get(component).map_or(0, |activity| between(&activity.benign, within))
    }

    /// Entries of all components that do not fail.
    pub fn system(&self, within: Span) -> u64 {
        self.activity.values().map(|activity| between(&activity.benign, within)).sum()
    }

    /// True when a component goes on in a span as it did before: its requests are answered, or its ordinary entries keep at least
    /// half of their pace.
    pub fn goes_on(&self, component: &Component, within: Span, before: Timestamp) -> bool {
        let earlier = Span { start: before, end: within.start };
        let pace = |span: Span| self.benign(component, span) as f64 / span.seconds().max(1.0);
        pace(within) > 0.0 && pace(within) >= USUAL_PACE * pace(earlier)
    }
}

/// How much more a component is asked than before.
#[derive(Clone, Debug)]
pub struct Growth<'s> {
    /// Requests a second, as a multiple of those before.
    pub times: f64,
    /// For each value, its part of the growth, largest first.
    parts: Vec<(Dimension, &'s str, f64)>,
}

impl Growth<'_> {
    /// The value of a dimension from which most of the growth comes, with its share.
    pub fn of(&self, dimension: Dimension) -> Option<(&str, f64)> {
        self.parts.iter().find(|(of, _, _)| *of == dimension).map(|(_, value, share)| (*value, *share))
    }
}

/// Requests of a route that were answered, and that were refused, at least.
const ROUTE_LEAST: u64 = 8;

/// A route that refuses this share of its requests is shut.
const SHUT: f64 = 0.3;

/// Requests before a window that make a rate.
const ENOUGH: u64 = 20;

/// A value explains growth when its share of the requests is this many times what it was.
const MORE: f64 = 1.5;

/// Growth below this is a busy hour.
const GROWN: f64 = 1.5;

impl<'s> Units<'s> {
    /// How much more a component is asked within a window than in the export before it; `None` where that is not clear.
    pub fn growth(&self, component: &Component, within: Span, export: Span) -> Option<Growth<'s>> {
        let activity = self.activity.get(component)?;
        let before = Span { start: export.start, end: within.start };
        let (n_before, n_within) = (between(&activity.requests.all, before), between(&activity.requests.all, within));
        if n_before < ENOUGH || n_within < ENOUGH {
            return None;
        }
        let rate = |n: u64, span: Span| n as f64 / span.seconds().max(1.0);
        let grown = |all: &Timeline| rate(between(all, within), within) - rate(between(all, before), before);
        let times = rate(n_within, within) / rate(n_before, before);
        if times < GROWN {
            return None;
        }
        let all = grown(&activity.requests.all);
        let (now, earlier) = (estimated(activity, within), estimated(activity, before));
        let mut parts: Vec<(Dimension, &str, f64)> = now
            .into_iter()
            .map(|((dimension, value), n)| {
                (dimension, value, n, earlier.get(&(dimension, value)).copied().unwrap_or(0.0))
            })
            // What made up as much of the requests before is no news.
            .filter(|(_, _, n, n_earlier)| n / n_within as f64 >= MORE * n_earlier / n_before as f64)
            .map(|(dimension, value, n, n_earlier)| {
                let grown = n / within.seconds().max(1.0) - n_earlier / before.seconds().max(1.0);
                (dimension, value, grown / all)
            })
            .collect();
        parts.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| (a.0, a.1).cmp(&(b.0, b.1))));
        Some(Growth { times, parts })
    }
}

/// How many requests of a span have each value, estimated from the sample of each outcome.
fn estimated(activity: &Activity, within: Span) -> BTreeMap<(Dimension, &str), f64> {
    let mut estimated = BTreeMap::new();
    for outcome in [RequestOutcome::Failed, RequestOutcome::Refused, RequestOutcome::Neither] {
        let sampled = activity.samples.of(outcome).filter(|(request, _)| within.contains(request.at));
        let sampled: Vec<(&Sampled, u64)> = sampled.collect();
        let n = sampled.iter().map(|(_, n)| *n).sum::<u64>().max(1) as f64;
        let each = n_requests(activity, outcome, within) as f64 / n;
        for dimension in Dimension::ALL {
            for (request, n) in &sampled {
                if let Some(value) = request.value(dimension) {
                    *estimated.entry((dimension, value)).or_default() += *n as f64 * each;
                }
            }
        }
    }
    estimated
}

/// Requests of one outcome within a span.
fn n_requests(activity: &Activity, outcome: RequestOutcome, within: Span) -> u64 {
    let requests = &activity.requests;
    let (failed, refused) = (between(&requests.failed, within), between(&requests.refused, within));
    match outcome {
        RequestOutcome::Failed => failed,
        RequestOutcome::Refused => refused,
        RequestOutcome::Neither => between(&requests.all, within).saturating_sub(failed + refused),
    }
}

/// After a fault a log must go on at least at this part of its earlier pace to count as usual.
const USUAL_PACE: f64 = 0.5;

/// Both ends included.
fn between(timeline: &Timeline, span: Span) -> u64 {
    timeline.count_between(span.start, span.end.plus(1))
}
