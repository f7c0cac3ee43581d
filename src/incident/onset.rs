//! Where a timeline leaves its baseline: the stretches in which a series is denser than the rest of the export.

use crate::summary::Timeline;
use crate::time::{Span, Timestamp};

/// Bins of the scan: fine enough for an onset, few enough that all pairs of borders are tried.
const BINS: usize = 160;

/// Log-likelihood ratio above which a stretch is no accident. Kulldorff's scan statistic over about 10^4 windows needs
/// about 8 for one false alarm in a hundred series.
const SIGNIFICANT: f64 = 8.0;

/// A stretch must be this many times as dense as the rest; less is a busy hour.
const DENSER: f64 = 2.5;

/// Fewer events than this have no rate.
const FEW: u64 = 4;

/// Stretches looked for in one series.
const MAX_BURSTS: usize = 4;

/// A series is steady when it reaches into the first and the last part of the export this large.
const MARGIN: f64 = 0.25;

/// A stretch in which a series is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// From its first to its last slot.
    pub span: Span,
    /// Events in it.
    pub count: u64,
}

/// How a series behaves over the export.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// No event.
    Absent,
    /// As frequent before as after: background.
    Steady(Burst),
    /// Too few to tell: active from first to last.
    Sporadic(Burst),
    /// Denser in these stretches, in order of time.
    Bursts(Vec<Burst>),
}

/// The shape of a timeline inside a span that is covered without a gap.
pub fn shape(timeline: &Timeline, export: Span) -> Shape {
    let slots: Vec<Bin> = bins(timeline, export);
    let count: u64 = slots.iter().map(|bin| bin.count).sum();
    let (Some(first), Some(last)) = (slots.first(), slots.last()) else { return Shape::Absent };
    let whole = Burst { span: Span { start: first.start, end: last.end }, count };
    if count < FEW {
        return Shape::Sporadic(whole);
    }
    let mut bursts = Vec::new();
    find(&slots, export, &mut bursts);
    if !bursts.is_empty() {
        bursts.sort_by_key(|burst| burst.span);
        return Shape::Bursts(bursts);
    }
    let length = export.seconds().max(1e-9);
    let lead = first.start.seconds_since(export.start) / length;
    let tail = export.end.seconds_since(last.end) / length;
    if lead <= MARGIN && tail <= MARGIN { Shape::Steady(whole) } else { Shape::Sporadic(whole) }
}

#[derive(Clone, Copy, Debug)]
struct Bin {
    start: Timestamp,
    end: Timestamp,
    count: u64,
}

/// The occupied slots, joined to at most [`BINS`].
fn bins(timeline: &Timeline, export: Span) -> Vec<Bin> {
    let mut bins: Vec<Bin> = Vec::new();
    let least_ns = (export.end.since(export.start) / BINS as i64).max(timeline.width_ns());
    let slots = timeline.slots().filter(|(start, width, _)| start.plus(*width) >= export.start && *start <= export.end);
    for (start, width, count) in slots {
        let start = start.max(export.start);
        let end = start.plus(width).min(export.end).max(start);
        match bins.last_mut() {
            Some(bin) if start.since(bin.start) < least_ns => {
                bin.end = end;
                bin.count += count;
            }
            _ => bins.push(Bin { start, end, count }),
        }
    }
    bins
}

/// Adds the most significant stretch of `bins`, then those left and right of it.
fn find(bins: &[Bin], range: Span, bursts: &mut Vec<Burst>) {
    if bursts.len() >= MAX_BURSTS {
        return;
    }
    let Some((from, to)) = densest(bins, range) else { return };
    let burst = Burst {
        span: Span { start: bins[from].start, end: bins[to].end },
        count: bins[from..=to].iter().map(|bin| bin.count).sum(),
    };
    bursts.push(burst);
    find(&bins[..from], Span { start: range.start, end: burst.span.start }, bursts);
    find(&bins[to + 1..], Span { start: burst.span.end, end: range.end }, bursts);
}

/// Borders of the stretch with the highest significant log-likelihood ratio against a constant rate.
fn densest(bins: &[Bin], range: Span) -> Option<(usize, usize)> {
    let total: u64 = bins.iter().map(|bin| bin.count).sum();
    if total < FEW {
        return None;
    }
    let length = range.seconds().max(1e-9);
    let mut best: Option<(f64, usize, usize)> = None;
    for from in 0..bins.len() {
        let mut inside = 0;
        for to in from..bins.len() {
            inside += bins[to].count;
            let share = (bins[to].end.seconds_since(bins[from].start) / length).clamp(1e-6, 1.0);
            let ratio = likelihood_ratio(inside as f64, total as f64, share);
            if ratio > SIGNIFICANT && best.is_none_or(|(value, _, _)| value < ratio) {
                best = Some((ratio, from, to));
            }
        }
    }
    best.map(|(_, from, to)| (from, to))
}

/// Kulldorff's ratio for `inside` of `total` events in `share` of the time; 0 where it is not clearly denser.
fn likelihood_ratio(inside: f64, total: f64, share: f64) -> f64 {
    let outside = total - inside;
    let rest = 1.0 - share;
    if inside < 3.0 || rest <= 0.0 || inside * rest < DENSER * outside * share {
        return 0.0;
    }
    let term = |n: f64, part: f64| if n > 0.0 { n * (n / (total * part)).ln() } else { 0.0 };
    term(inside, share) + term(outside, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    fn export() -> Span {
        Span { start: Timestamp(0), end: Timestamp(3600 * SECOND) }
    }

    fn timeline(seconds: impl Iterator<Item = i64>) -> Timeline {
        let mut timeline = Timeline::default();
        seconds.for_each(|s| timeline.add(Timestamp(s * SECOND), 1));
        timeline
    }

    #[test]
    fn what_never_changes_is_steady() {
        assert!(matches!(shape(&timeline((0..60).map(|i| i * 60)), export()), Shape::Steady(_)));
    }

    #[test]
    fn an_onset_is_found_to_the_half_minute() {
        let Shape::Bursts(bursts) = shape(&timeline((1800..3600).step_by(20)), export()) else { panic!("no burst") };
        assert_eq!(bursts.len(), 1);
        assert!(bursts[0].span.start.seconds_since(Timestamp(1800 * SECOND)).abs() < 30.0, "{bursts:?}");
    }

    #[test]
    fn a_stray_before_the_onset_does_not_move_it() {
        let events = [60].into_iter().chain((1800..3600).step_by(20));
        let Shape::Bursts(bursts) = shape(&timeline(events), export()) else { panic!("no burst") };
        assert!(bursts[0].span.start.seconds_since(Timestamp(1800 * SECOND)).abs() < 30.0, "{bursts:?}");
    }

    #[test]
    fn what_returns_has_two_bursts() {
        let events = (600..900).step_by(10).chain((2400..2700).step_by(10));
        let Shape::Bursts(bursts) = shape(&timeline(events), export()) else { panic!("no burst") };
        assert_eq!(bursts.len(), 2, "{bursts:?}");
    }

    #[test]
    fn what_lies_outside_of_the_span_does_not_count() {
        let events: Vec<i64> = [60].into_iter().chain((1800..3600).step_by(20)).collect();
        let before = Span { start: Timestamp(0), end: Timestamp(1000 * SECOND) };
        let Shape::Sporadic(burst) = shape(&timeline(events.iter().copied()), before) else { panic!("it is there") };
        assert!(burst.count == 1 && burst.span.contains(Timestamp(60 * SECOND)), "{burst:?}");
        let between = Span { start: Timestamp(1000 * SECOND), end: Timestamp(1500 * SECOND) };
        assert_eq!(shape(&timeline(events.into_iter()), between), Shape::Absent);
    }

    #[test]
    fn three_events_have_no_rate() {
        assert!(matches!(shape(&timeline([5, 1000, 3000].into_iter()), export()), Shape::Sporadic(_)));
    }
}
