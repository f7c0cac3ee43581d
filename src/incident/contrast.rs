//! What requests that failed have in common, and others do not: a test of two proportions for every value of every dimension.

use std::collections::BTreeMap;

use super::Scene;
use crate::entry::Component;
use crate::summary::activity::RequestOutcome;
use crate::summary::sample::{Dimension, Sampled};
use crate::time::Span;

/// What requests to a component that failed share. Counts are of the sample that the account keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// Whose requests.
    pub component: Component,
    /// Requests that failed, in the sample.
    pub failed: u64,
    /// Requests that did not, in the sample.
    pub others: u64,
    /// Values that failed requests have far more often than others, the most telling first.
    pub shared: Vec<Shared>,
    /// Dimensions in which failed requests are spread as others are.
    pub not_shared: Vec<Dimension>,
}

/// A value that failed requests share.
#[derive(Clone, Debug, PartialEq)]
pub struct Shared {
    /// The dimension.
    pub dimension: Dimension,
    /// The value.
    pub value: String,
    /// Failed requests with it.
    pub failed: u64,
    /// Others with it.
    pub others: u64,
}

/// Requests of each kind without which nothing is compared.
const LEAST: u64 = 8;

/// A value is shared when at least this part of the failed requests has it.
const MOST: f64 = 0.6;

/// Its share among failed requests is at least this many times that among others.
const TIMES: f64 = 1.5;

/// Standard deviations beyond which a difference is no accident: one false alarm in a thousand tests of a hundred values each.
const DEVIATIONS: f64 = 4.3;

/// Compares the failed requests of a component within a span with its other requests, within it and before.
pub fn contrast(scene: &Scene<'_>, component: &Component, within: Span) -> Option<Contrast> {
    let sample = |outcome| scene.units.sample(component, outcome);
    let failed: Vec<(&Sampled, u64)> =
        sample(RequestOutcome::Failed).filter(|(request, _)| within.contains(request.at)).collect();
    let others: Vec<(&Sampled, u64)> =
        sample(RequestOutcome::Neither).filter(|(request, _)| request.at <= within.end).collect();
    let (n_failed, n_others) = (total(&failed), total(&others));
    if n_failed < LEAST || n_others < LEAST {
        return None;
    }
    let (mut shared, mut not_shared) = (Vec::new(), Vec::new());
    for dimension in Dimension::ALL {
        let (among_failed, among_others) = (by_value(&failed, dimension), by_value(&others, dimension));
        // One value is no difference, and what is not known of most requests is not compared.
        if among_failed.values().sum::<u64>() < n_failed / 2 + 1
            || among_others.values().sum::<u64>() < n_others / 2 + 1
        {
            continue;
        }
        let telling = among_failed.iter().filter_map(|(value, n)| {
            let m = among_others.get(value).copied().unwrap_or(0);
            let (part, rest) = (*n as f64 / n_failed as f64, m as f64 / n_others as f64);
            let tells = part >= MOST && part >= TIMES * rest && deviations(*n, n_failed, m, n_others) >= DEVIATIONS;
            tells.then(|| Shared { dimension, value: (*value).to_owned(), failed: *n, others: m })
        });
        let found: Vec<Shared> = telling.collect();
        if found.is_empty() && among_others.len() > 1 {
            not_shared.push(dimension);
        }
        shared.extend(found);
    }
    let part = |shared: &Shared| shared.others as f64 / n_others as f64 - shared.failed as f64 / n_failed as f64;
    shared.sort_by(|a, b| {
        part(a).total_cmp(&part(b)).then_with(|| (a.dimension, &a.value).cmp(&(b.dimension, &b.value)))
    });
    Some(Contrast { component: component.clone(), failed: n_failed, others: n_others, shared, not_shared })
}

fn total(requests: &[(&Sampled, u64)]) -> u64 {
    requests.iter().map(|(_, n)| n).sum()
}

fn by_value<'s>(requests: &[(&'s Sampled, u64)], dimension: Dimension) -> BTreeMap<&'s str, u64> {
    let mut counts = BTreeMap::new();
    for (request, n) in requests {
        if let Some(value) = request.value(dimension) {
            *counts.entry(value).or_default() += n;
        }
    }
    counts
}

/// How many standard deviations lie between two shares, if both were one.
fn deviations(n: u64, of_n: u64, m: u64, of_m: u64) -> f64 {
    let (n, of_n, m, of_m) = (n as f64, of_n as f64, m as f64, of_m as f64);
    let both = (n + m) / (of_n + of_m);
    let spread = (both * (1.0 - both) * (1.0 / of_n + 1.0 / of_m)).sqrt();
    if spread > 0.0 { (n / of_n - m / of_m) / spread } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::deviations;

    #[test]
    fn a_difference_counts_the_more_the_more_requests_show_it() {
        assert!(deviations(9, 10, 1, 10) < deviations(90, 100, 10, 100));
        assert_eq!(deviations(10, 10, 10, 10), 0.0);
        assert!(deviations(1, 10, 9, 10) < 0.0);
    }
}
