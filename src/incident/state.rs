//! Broken, degraded or usual: whether a failure is more than what a healthy system writes.
//!
//! What the text says and what became of the work decide, before any ranking. A healthy context can lower a finding to a note, and
//! never removes it.

use super::onset::{self, Shape};
use super::{Baseline, Scene, Series};
use crate::entry::{Component, ComponentKind, Severity};
use crate::pattern::{Gravity, Normally, Role, Unit};
use crate::summary::Summary;
use crate::time::{Span, Timestamp};

/// What a stretch of failures is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It goes with an incident and makes none: a warning, a mistake of a client.
    Context,
    /// It failed and says why, and its component goes on: worth a line.
    Note,
    /// It makes an incident.
    Broken,
}

/// A stretch of a series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) span: Span,
    pub(super) count: u64,
    pub(super) state: State,
    pub(super) risen: bool,
}

/// As many failures that go on through the whole export are a habit. Measured: 8 to 40 decide alike.
const HABIT: u64 = 8;

/// Share of failing units from which a component is degraded. Measured: 0.01 to 0.05 decide alike.
const DEGRADED: f64 = 0.03;

/// Failing units that a degraded component has at least.
const DEGRADED_LEAST: u64 = 4;

/// A share this many times that of the rest of the export is no accident.
const TIMES: f64 = 3.0;

/// Share of a component's own entries from which a failure is most of what the export tells about it.
const LITTLE_ELSE: f64 = 0.1;

/// What is dense within this first part of the export was there before it.
const THERE_ALREADY: f64 = 0.03;

/// The stretches of a series that matter, and why the rest does not.
pub(super) fn judge(
    scene: &Scene<'_>,
    summary: &Summary,
    baseline: Option<&Baseline>,
    index: usize,
) -> (Vec<Stretch>, Option<String>) {
    let series = &scene.series[index];
    if let Some(baseline) = baseline {
        if let Some(reason) = as_in_baseline(series, summary, baseline) {
            return (Vec::new(), Some(reason));
        }
    } else if let Some(reason) = habit(scene, series) {
        return (Vec::new(), Some(reason));
    }
    // A cause that no healthy system writes of need not rise.
    let stands_out = baseline.is_some()
        || series.meaning.normally == Normally::Never
            && series.role == Role::Cause
            && series.component.kind != ComponentKind::Job;
    let mut windows: Vec<Span> = if baseline.is_some() { vec![scene.export] } else { scene.covered.clone() };
    // What an entry tells can have happened before it was logged.
    if let [first, ..] = windows.as_mut_slice() {
        first.start = first.start.min(series.tally.seen.first);
    }
    if let [.., last] = windows.as_mut_slice() {
        last.end = last.end.max(series.tally.seen.last);
    }
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut n_bursts = 0;
    for window in windows {
        let (bursts, risen) = match onset::shape(&series.tally.timeline, window) {
            Shape::Bursts(bursts) => (bursts, true),
            Shape::Sporadic(burst) | Shape::Steady(burst) => (vec![burst], stands_out),
            Shape::Absent => continue,
        };
        n_bursts += bursts.len();
        // What is dense from the first moment on and then stops was there before the export; no onset of it is seen.
        let early = window.start.plus((window.seconds() * THERE_ALREADY * 1e9) as i64);
        let there_already = |burst: &onset::Burst| {
            risen
                && baseline.is_none()
                && !scene.filtered
                && series.meaning.normally != Normally::Never
                && burst.span.start <= early
                && !suffers(scene, series.component, burst.span)
        };
        stretches.extend(bursts.into_iter().filter(|burst| !there_already(burst)).map(|burst| Stretch {
            span: burst.span,
            count: burst.count,
            state: state(scene, series, burst.span, burst.count, risen),
            risen,
        }));
    }
    let reason = (stretches.len() < n_bursts)
        .then(|| "it fails from the start of the export on, and its component goes on".to_owned());
    (stretches, reason)
}

/// Why the series is usual, when the baseline shows it at a rate that the export does not clearly exceed.
fn as_in_baseline(series: &Series<'_>, summary: &Summary, baseline: &Baseline) -> Option<String> {
    let before = baseline.counts.get(&(series.component.clone(), series.pattern.clone()))?;
    let expected = *before as f64 * summary.span().seconds().max(1.0) / baseline.seconds.max(1.0);
    let count = series.tally.seen.count;
    (count as f64 <= 3.0 * expected + 3.0)
        .then(|| format!("{count} entries where the baseline leads to expect {expected:.1}"))
}

/// Why the series is a habit: it fails in every quarter of the export while its component goes on.
fn habit(scene: &Scene<'_>, series: &Series<'_>) -> Option<String> {
    let count = series.tally.seen.count;
    let never = series.meaning.normally == Normally::Never && series.component.kind != ComponentKind::Job;
    if never || scene.filtered || count < HABIT {
        return None;
    }
    let quarters = quarters(scene.export);
    let timeline = &series.tally.timeline;
    let everywhere = quarters.iter().all(|q| timeline.count_between(q.start, q.end) > 0);
    // Some components write nothing but failures: then the rest of the system must go on.
    let goes_on =
        quarters.iter().all(|q| scene.units.benign(series.component, *q) > 0 || scene.units.system(*q) >= count);
    let bursts = matches!(onset::shape(timeline, scene.export), Shape::Bursts(_));
    let suffers = quarters.iter().all(|q| suffers(scene, series.component, *q));
    let usual = everywhere && goes_on && !bursts && !suffers;
    usual.then(|| format!("{count} entries, spread over the whole export, while {} goes on", series.component.name))
}

pub(super) fn quarters(span: Span) -> [Span; 4] {
    let length = span.end.since(span.start) / 4;
    [0, 1, 2, 3].map(|i| Span {
        start: span.start.plus(i * length),
        end: if i == 3 { span.end.plus(1) } else { span.start.plus((i + 1) * length) },
    })
}

/// True when a large part of a component's work fails.
fn suffers(scene: &Scene<'_>, component: &Component, within: Span) -> bool {
    let fails = |outcomes: super::Outcomes| outcomes.failed >= DEGRADED_LEAST && outcomes.failed_share() >= SUFFERING;
    fails(scene.units.requests(component, within))
        || [Unit::Start, Unit::Exit, Unit::Probe]
            .iter()
            .any(|unit| fails(scene.units.of_kind(component, *unit, within)))
}

/// Share of failing units that is an outage also when it never changes.
const SUFFERING: f64 = 0.2;

/// True when most requests, starts or probes of a component fail.
fn mostly_fails(scene: &Scene<'_>, component: &Component, within: Span, count: u64) -> bool {
    let within = wide(within);
    let fails = |outcomes: super::Outcomes| {
        let many = outcomes.failed >= DEGRADED_LEAST && outcomes.failed_share() >= MOSTLY;
        many && is_part(count, outcomes.failed)
    };
    fails(scene.units.requests(component, within))
        || [Unit::Start, Unit::Probe].iter().any(|unit| fails(scene.units.of_kind(component, *unit, within)))
}

/// True when a failure is told often enough to have to do with the units that failed meanwhile.
fn is_part(count: u64, failed: u64) -> bool {
    count as f64 >= PART * failed as f64
}

/// Share of the failed units.
const PART: f64 = 0.05;

/// True when most requests of a component fail, and these failures are most of them: it has no room for its clients.
fn is_most_of_what_fails(scene: &Scene<'_>, component: &Component, within: Span, count: u64) -> bool {
    let requests = scene.units.requests(component, wide(within));
    let mostly = requests.failed >= DEGRADED_LEAST && requests.failed_share() >= MOSTLY;
    mostly && !scene.filtered && count as f64 >= MOSTLY * requests.failed as f64
}

/// Most of the units.
const MOSTLY: f64 = 0.5;

fn state(scene: &Scene<'_>, series: &Series<'_>, span: Span, count: u64, risen: bool) -> State {
    let normally = match series.component.kind {
        // A job fails for itself: it is judged by its runs.
        ComponentKind::Job => series.meaning.normally.min(Normally::Rarely),
        // One exit that does not say why is judged by what else fails.
        _ if count == 1 && series.meaning.shows == Unit::Exit && series.role == Role::Effect => {
            series.meaning.normally.min(Normally::Rarely)
        }
        _ => series.meaning.normally,
    };
    match (normally, series.gravity) {
        (Normally::Never, _) => State::Broken,
        (Normally::Background, _) | (_, Gravity::Client) => {
            let none_fine = !scene.filtered && scene.units.requests(series.component, scene.export).fine == 0;
            let refused = scene.units.refused(series.component, scene.export);
            let turned_away = || risen && scene.units.turns_away(series.component, span, scene.export);
            let shut_out = none_fine && refused >= DEGRADED_LEAST
                || risen && count >= DEGRADED_LEAST && set_off(scene, series, span.start)
                || series.gravity == Gravity::Client
                    && (turned_away() || is_most_of_what_fails(scene, series.component, span, count));
            if shut_out { State::Broken } else { State::Context }
        }
        (_, Gravity::Warning) => State::Context,
        _ if degraded(scene, series, span, count) || mostly_fails(scene, series.component, span, count) => {
            State::Broken
        }
        // Errors that rise while the requests of their component are answered as before were handled.
        _ if risen && !(is_about_requests(series) && handled(scene, series, span, count)) => State::Broken,
        _ if alarms(series) && count as f64 >= LITTLE_ELSE * scene.units.n_entries as f64 => State::Broken,
        _ => State::Note,
    }
}

/// True when a change that is known to bring about such a failure was made just before: what is usual from outside is not usual then.
fn set_off(scene: &Scene<'_>, series: &Series<'_>, first: Timestamp) -> bool {
    let spans = series.signature.and_then(|signature| scene.set_off.get(signature.id.as_str()));
    spans.is_some_and(|spans| spans.iter().any(|span| (span.start..=span.end).contains(&first)))
}

/// False for what whoever wrote it took for an ordinary message.
fn alarms(series: &Series<'_>) -> bool {
    series.tally.worst_severity().is_none_or(|worst| worst >= Severity::Warning)
}

/// True when the requests of a component tell whether a failure of it harms: it is a failed request, or an error in words that no
/// signature knows.
fn is_about_requests(series: &Series<'_>) -> bool {
    match series.signature {
        Some(_) => series.meaning.shows == Unit::Request && series.role == Role::Effect,
        None => true,
    }
}

/// Requests from which a share can be told.
const ENOUGH: u64 = 20;

/// True when the requests of a component went well in spite of a failure, or do so again soon after a few.
fn handled(scene: &Scene<'_>, series: &Series<'_>, span: Span, count: u64) -> bool {
    let after = Span { start: span.end.plus(1), end: span.end.plus(AFTER_NS) };
    let soon = scene.units.requests(series.component, after);
    let blip = count < MANY && span.end.since(span.start) < LASTING_NS;
    // Of what logs no requests, ordinary entries show that it goes on.
    let fine = if soon.all() > 0 { soon.fine } else { scene.units.benign(series.component, after) };
    answers(scene, series.component, span) || blip && fine >= AGAIN * count && soon.failed_share() < DEGRADED
}

/// Requests that go well within this time after a failure show that it is over.
const AFTER_NS: i64 = 600 * crate::time::SECOND;

/// As many requests for each that failed.
const AGAIN: u64 = 5;

/// True when a component answers nearly all of its requests around a span.
fn answers(scene: &Scene<'_>, component: &Component, span: Span) -> bool {
    let requests = scene.units.requests(component, wide(span));
    requests.all() >= ENOUGH && requests.failed_share() < DEGRADED
}

/// As many failed requests are no blip, however short.
const MANY: u64 = 10;

/// Fewer must go on for this long.
const LASTING_NS: i64 = 60 * crate::time::SECOND;

/// A span of at least [`WINDOW_NS`] around a span: three failed requests within ten seconds are no outage.
fn wide(span: Span) -> Span {
    let missing = (WINDOW_NS - span.end.since(span.start)).max(0) / 2;
    Span { start: span.start.plus(-missing), end: span.end.plus(missing) }
}

const WINDOW_NS: i64 = 180 * crate::time::SECOND;

/// True when clearly more of a component's requests fail within a span than in the rest of the export.
fn degraded(scene: &Scene<'_>, series: &Series<'_>, within: Span, count: u64) -> bool {
    let (component, within) = (series.component, wide(within));
    let inside = scene.units.requests(component, within);
    let whole = scene.units.requests(component, Span { start: Timestamp::MIN, end: scene.export.end });
    let outside = super::Outcomes {
        fine: whole.fine - inside.fine.min(whole.fine),
        failed: whole.failed - inside.failed.min(whole.failed),
    };
    let share = inside.failed_share();
    let lasts = inside.failed >= MANY || series.tally.seen.last.since(series.tally.seen.first) >= LASTING_NS;
    lasts
        && is_part(count, inside.failed)
        && inside.failed >= DEGRADED_LEAST
        && share >= DEGRADED
        && share >= TIMES * outside.failed_share()
}
