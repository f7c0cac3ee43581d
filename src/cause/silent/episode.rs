//! When the fault was, where nobody says so: the stretch of traces that differs most from the healthy ones.
//!
//! A scan over stretches: every measured time is a hit when it lies far above its healthy median, every handling when it
//! breaks a rule or lacks a usual step. Of all stretches and all kinds of hit, the one wins whose number of hits is the
//! least likely in healthy traces. Medians over the whole export would drown a fault that fills a third of it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::sample::{Hits, MIN_VALUES, proportion_score};
use super::{Healthy, WindowPart, latency, steps};

/// Parts of equal trace counts that a stretch is made of; all pairs of them are looked at.
const PARTS: usize = 36;

/// Parts a stretch has at least: a pause of the collector or a burst of requests is over sooner than that.
const MIN_PARTS: usize = 6;

/// Score below which a stretch is chance: the best of some 600 stretches and some hundred kinds of hit.
const MIN_SCORE: f64 = 5.0;

/// Stretches that are looked at closely.
const STRETCHES: usize = 8;

/// Stretches that differ, as indexes of traces, the most unlikely first, none twice.
pub(super) fn scan(fault: WindowPart<'_, '_>, healthy: &Healthy<'_>) -> Vec<Range<usize>> {
    let kinds = latency::hits(fault, healthy).into_iter().chain(steps::hits(fault, healthy));
    let kinds = kinds.filter(|hits| hits.now.iter().any(|(_, hit)| *hit));
    let mut stretches: Vec<_> = kinds.filter_map(|hits| best_stretch(&hits, fault.trees.len())).collect();
    stretches.retain(|(score, _)| *score >= MIN_SCORE);
    stretches.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (a.1.start, a.1.end).cmp(&(b.1.start, b.1.end))));
    let mut found: Vec<Range<usize>> = Vec::new();
    for (_, stretch) in stretches {
        if found.len() < STRETCHES && !found.contains(&stretch) {
            found.push(stretch);
        }
    }
    found
}

/// The stretch in which hits are least likely, with its score.
fn best_stretch(hits: &Hits, n_traces: usize) -> Option<(f64, Range<usize>)> {
    let mut upto: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    let mut traces: BTreeMap<usize, bool> = BTreeMap::new();
    for (trace, hit) in &hits.now {
        *traces.entry(*trace).or_default() |= hit;
    }
    for (trace, hit) in &traces {
        let part = upto.entry(trace * PARTS / n_traces + 1).or_default();
        *part = (part.0 + usize::from(*hit), part.1 + 1);
    }
    let mut sums = vec![(0, 0); PARTS + 1];
    for part in 1..=PARTS {
        let (k, n) = upto.get(&part).copied().unwrap_or_default();
        sums[part] = (sums[part - 1].0 + k, sums[part - 1].1 + n);
    }
    let stretches = (0..PARTS).flat_map(|from| (from + MIN_PARTS..=PARTS).map(move |to| (from, to)));
    let scored = stretches.filter_map(|(from, to)| {
        let (k, n) = (sums[to].0 - sums[from].0, sums[to].1 - sums[from].1);
        let score = proportion_score(k as f64, n as f64, hits.before.0 as f64, hits.before.1 as f64);
        (n >= MIN_VALUES).then(|| (score, (from * n_traces).div_ceil(PARTS)..(to * n_traces).div_ceil(PARTS)))
    });
    scored.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.len().cmp(&a.1.len())))
}
