//! Charts out of characters: a sparkline and a bar.

use crate::report::Slot;
use crate::report::wording::failures;

/// Eight heights, each an eighth of a line more than the one before.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Failures over time in at most `width` columns, neighbours joined where there are more slots.
///
/// Any failure stands higher than none, and only the peak is full.
pub(super) fn sparkline(slots: &[Slot], width: usize) -> String {
    heights(&columns(slots, width))
}

/// One character for each count.
pub(super) fn heights(counts: &[u64]) -> String {
    let peak = counts.iter().copied().max().unwrap_or(0);
    counts.iter().map(|n| height(*n, peak)).collect()
}

/// Failures per column, neighbours joined where there are more slots than columns.
pub(super) fn columns(slots: &[Slot], width: usize) -> Vec<u64> {
    let per_column = slots.len().div_ceil(width.max(1)).max(1);
    let sum = |chunk: &[Slot]| chunk.iter().map(failures).fold(0, u64::saturating_add);
    slots.chunks(per_column).map(sum).collect()
}

fn height(n: u64, peak: u64) -> char {
    match n {
        0 => HEIGHTS[0],
        _ if n == peak => HEIGHTS[7],
        _ => HEIGHTS[(1 + (n as u128 * 6 / u128::from(peak)) as usize).min(6)],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::time::Timestamp;

    fn slots(counts: &[u64]) -> Vec<Slot> {
        let slot = |n: &u64| Slot {
            start: Timestamp::default(),
            width_s: 1.0,
            counts: BTreeMap::from([("network".into(), *n), ("requests".into(), 99)]),
        };
        counts.iter().map(slot).collect()
    }

    #[test]
    fn one_failure_among_many_is_still_seen() {
        assert_eq!(sparkline(&slots(&[0, 1, 1000, 500, 999]), 10), "▁▂█▅▇");
        assert_eq!(sparkline(&slots(&[1, 1, 2, 2]), 2), "▅█");
        assert_eq!(sparkline(&[], 10), "");
        assert_eq!(sparkline(&slots(&[u64::MAX, 1]), 10), "█▂");
    }
}
