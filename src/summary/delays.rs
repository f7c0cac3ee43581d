//! How long after its time an entry is received, by powers of two: what tells a clock that is wrong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::pattern::Merge;

/// Nanoseconds of the finest step, some 0.13 s: half of what the fastest logs take.
const FINEST_SHIFT: u32 = 27;

/// Entries by their delay; at most 72 steps.
///
/// Law: sums by step. A step is the number of binary digits of the delay in units of 2^27 ns, negative for a delay below zero:
/// the entry was received before it claims to have happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delays(BTreeMap<i8, u64>);

impl Delays {
    /// Counts an entry that was received `delay_ns` after its time.
    pub fn add(&mut self, delay_ns: i64) {
        self.add_step(step(delay_ns), 1);
    }

    /// Counts `n` entries whose delay is of one step.
    pub(super) fn add_step(&mut self, step: i8, n: u64) {
        *self.0.entry(step).or_default() += n;
    }

    /// Entries counted.
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// The delay that half of the entries do not exceed, in nanoseconds, towards zero to a power of two.
    pub fn median_ns(&self) -> Option<i64> {
        let half = self.count().div_ceil(2);
        let mut seen = 0;
        let median = self.0.iter().find(|(_, n)| {
            seen += **n;
            seen >= half
        });
        median.map(|(step, _)| least(*step))
    }
}

impl Merge for Delays {
    fn merge(&mut self, other: Delays) {
        for (step, n) in other.0 {
            *self.0.entry(step).or_default() += n;
        }
    }
}

/// The step of a delay.
pub(super) fn step(delay_ns: i64) -> i8 {
    let digits = (u64::BITS - (delay_ns.unsigned_abs() >> FINEST_SHIFT).leading_zeros()) as i8;
    if delay_ns < 0 { -digits } else { digits }
}

/// The delay of a step that is nearest to zero.
fn least(step: i8) -> i64 {
    match step.unsigned_abs() {
        0 => 0,
        digits => i64::from(step.signum()) << (u32::from(digits) - 1 + FINEST_SHIFT).min(62),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    #[test]
    fn the_median_keeps_its_sign_and_its_size() {
        let median = |delays: &[i64]| {
            let mut all = Delays::default();
            delays.iter().for_each(|delay| all.add(*delay));
            all.median_ns()
        };
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[1_000_000, 2_000_000, 3_000_000]), Some(0));
        let near = |found: Option<i64>, expected: i64| {
            let (found, expected) = (found.expect("there are some") as f64, expected as f64);
            assert!((0.5..=1.0).contains(&(found / expected)), "{found} for {expected}");
        };
        near(median(&[9 * SECOND, 300 * SECOND, 12 * SECOND]), 12 * SECOND);
        near(median(&[-9 * SECOND, SECOND, -12 * SECOND]), -9 * SECOND);
        near(median(&[i64::MIN]), i64::MIN);
        near(median(&[i64::MAX]), i64::MAX);
    }
}
