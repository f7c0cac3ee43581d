//! Time evidence: where the milliseconds of a slow call are spent.
//!
//! - gap of a call u → v: the call as u saw it less its handling by v, never negative; all calls of an edge pooled;
//! - own time of a handling or an inner part: its latency less the union of its children's, by service and operation. An
//!   entry request is told apart by the set of operations it called as well, else a change of traffic looks like latency;
//! - a client span has no own time: what remains of it *is* the gap. Where the callee is not traced, the whole call counts;
//! - a visit is the gap and the own time of the handling together. A starved service stalls now before its handling, now in
//!   it: where neither of the two has shifted, their sum may;
//! - `T(x) = S + fi · ΣI + 0.9 · fo · ΣO`, with S the largest shift of own time, I and O the shifts of the edges into and out
//!   of x (of visits where neither S nor I has any), and fi, fo the share of those edges that shifted. So: all calls into v slow from every caller blames v; all calls
//!   out of u slow to several callees blames u (it is starved and reads answers late); one slow edge of many, its callee.

use std::collections::BTreeMap;

use super::sample::{Hits, MIN_VALUES, Shift, far_above, onset, shift};
use super::{Clarity, EXEMPLARS, Healthy, Kind, Suspect, WindowPart, exemplar_of_span, ms, name};
use crate::summary::Exemplar;
use crate::summary::traces::{Node, SpanKind, TraceSpan, Tree};
use crate::time::Timestamp;

/// Edges out of a service say a little less about it than edges into it.
const OUT_WEIGHT: f64 = 0.9;

/// Gaps of all healthy edges that stand in for those of an edge without its own: gap noise is the same everywhere (2 to 5 ms
/// on the measured shops), so that a sample is enough.
const POOLED: usize = 2_000;

/// A suspect is clear when it loses this much, in at least this many calls, its Mann-Whitney scores together reach this, and
/// this share of its calls lies nearer to the new median than to the old one. Fault-free windows against a baseline some
/// hours old shift by up to 45 ms in any number of calls, and by 500 ms in bursts that four of six calls fall into.
const CLEAR_SHIFT_NS: f64 = 50e6;
const CLEAR_CALLS: usize = 5;
const CLEAR_SCORE: f64 = 3.0;
const CLEAR_SHARE: f64 = 0.7;

/// Own times and gaps of one window.
#[derive(Default)]
pub(super) struct Times<'t> {
    own: BTreeMap<(u64, u64), Vec<Sample<'t>>>,
    gaps: BTreeMap<(u64, u64, Callee), Vec<Sample<'t>>>,
    /// Gap and handling together, the callee's own calls left out, by caller and callee.
    visits: BTreeMap<(u64, u64), Vec<Sample<'t>>>,
}

/// How much of a call an edge's samples hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Callee {
    /// The handling was seen: the gap between the two.
    Traced,
    /// It was not: the whole call.
    Untraced,
}

/// One measured time.
#[derive(Clone, Copy)]
struct Sample<'t> {
    ns: i64,
    /// Index of its tree in the window.
    tree: usize,
    span: &'t TraceSpan,
}

/// Something about a service that took longer.
struct Slowdown<'t, 's> {
    service: u64,
    what: What,
    shift: Shift,
    samples: &'s [Sample<'t>],
}

#[derive(Clone, Copy)]
enum What {
    Own { operation: u64 },
    Into { caller: u64, callee: Callee },
    OutOf { callee: u64 },
    Visit { caller: u64 },
}

/// Services that lose time, most first.
pub(super) fn suspects(fault: WindowPart<'_, '_>, healthy: &Healthy<'_>, uncompared: &mut Vec<String>) -> Vec<Suspect> {
    let (now, before) = (Times::measure(fault), &healthy.times);
    let pooled = before.pooled_gaps();
    let mut by_service: BTreeMap<u64, Service<'_, '_>> = BTreeMap::new();
    for (key, samples) in &now.own {
        let service = &key.0;
        let Some(shift) = compare(samples, before.own.get(key).map(Vec::as_slice)) else { continue };
        let what = What::Own { operation: samples[0].span.operation };
        by_service.entry(*service).or_default().own.push(Slowdown { service: *service, what, shift, samples });
    }
    for ((caller, callee, kind), samples) in &now.gaps {
        let known = before.gaps.get(&(*caller, *callee, *kind)).filter(|known| known.len() >= MIN_VALUES);
        if samples.len() < MIN_VALUES {
            continue;
        }
        let mut known: Vec<i64> = match (known, kind) {
            (Some(known), _) => known.iter().map(|sample| sample.ns).collect(),
            (None, Callee::Traced) => pooled.clone(),
            (None, Callee::Untraced) => continue,
        };
        if known.len() < MIN_VALUES {
            continue;
        }
        let mut values: Vec<i64> = samples.iter().map(|sample| sample.ns).collect();
        let shift = shift(&mut values, &mut known);
        let finding = |service, what| shift.map(|shift| Slowdown { service, what, shift, samples });
        let into = by_service.entry(*callee).or_default();
        into.n_into += 1;
        into.into.extend(finding(*callee, What::Into { caller: *caller, callee: *kind }));
        let out = by_service.entry(*caller).or_default();
        out.n_out += 1;
        out.out.extend(finding(*caller, What::OutOf { callee: *callee }));
    }
    for (edge, samples) in &now.visits {
        let found = by_service.entry(edge.1).or_default();
        if found.own.is_empty() && found.into.is_empty() {
            let shift = compare(samples, before.visits.get(edge).map(Vec::as_slice));
            let what = What::Visit { caller: edge.0 };
            found.visits.extend(shift.map(|shift| Slowdown { service: edge.1, what, shift, samples }));
        }
    }
    let n_new = now.own.keys().filter(|key| !before.own.contains_key(key)).count();
    if n_new > 0 {
        uncompared.push(format!("{n_new} of {} traced operations do not occur in the baseline", now.own.len()));
    }
    let mut suspects: Vec<Suspect> =
        by_service.iter().filter_map(|(service, found)| found.suspect(*service, fault, healthy)).collect();
    suspects.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.service.cmp(&b.service)));
    suspects
}

/// All that was found about one service.
#[derive(Default)]
struct Service<'t, 's> {
    own: Vec<Slowdown<'t, 's>>,
    into: Vec<Slowdown<'t, 's>>,
    out: Vec<Slowdown<'t, 's>>,
    visits: Vec<Slowdown<'t, 's>>,
    n_into: usize,
    n_out: usize,
}

impl Service<'_, '_> {
    fn suspect(&self, service: u64, fault: WindowPart<'_, '_>, healthy: &Healthy<'_>) -> Option<Suspect> {
        let own = self.own.iter().map(|finding| finding.shift.by_ns).fold(0.0, f64::max);
        let into = share(self.into.len(), self.n_into) * total(&self.into);
        let out = OUT_WEIGHT * share(self.out.len(), self.n_out) * total(&self.out);
        let visits = share(self.visits.len(), self.n_into) * total(&self.visits);
        let score_ns = own + into + out + visits;
        if score_ns <= 0.0 {
            return None;
        }
        let mut terms = [(own, &self.own), (into, &self.into), (out, &self.out), (visits, &self.visits)];
        terms.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut findings: Vec<&Slowdown<'_, '_>> = terms
            .iter()
            .flat_map(|(_, findings)| {
                let mut findings: Vec<_> = findings.iter().collect();
                findings.sort_by(|a, b| b.shift.by_ns.total_cmp(&a.shift.by_ns));
                findings
            })
            .collect();
        let texts: Vec<String> = findings.iter().map(|finding| finding.text(fault, healthy)).collect();
        let significance = significance(&findings);
        let n_calls: usize = findings.iter().map(|finding| finding.shift.n).sum();
        findings.truncate(terms[0].1.len());
        let slow = slow_samples(&findings);
        let n_affected = slow.iter().filter(|(_, _, slow)| *slow).count();
        let clear = score_ns >= CLEAR_SHIFT_NS && n_calls >= CLEAR_CALLS && significance >= CLEAR_SCORE;
        let most = n_affected as f64 >= CLEAR_SHARE * slow.len() as f64;
        Some(Suspect {
            service: name(fault.traces, healthy.traces, service).to_owned(),
            kind: Kind::Time,
            clarity: if clear && most { Clarity::Clear } else { Clarity::Faint },
            score: score_ns / 1e6,
            significance,
            text: texts[0].clone(),
            details: texts[1..].to_vec(),
            n_affected: n_affected as u64,
            n_compared: slow.len() as u64,
            onset: onset(&slow.iter().map(|(at, _, slow)| (*at, *slow)).collect::<Vec<_>>()).unwrap_or_default(),
            exemplars: exemplars(&slow, fault),
        })
    }
}

impl Slowdown<'_, '_> {
    fn text(&self, fault: WindowPart<'_, '_>, healthy: &Healthy<'_>) -> String {
        let Shift { by_ns, fault_ns, baseline_ns, n, .. } = self.shift;
        let name = |hash| name(fault.traces, healthy.traces, hash);
        let subject = match self.what {
            What::Own { operation } => {
                format!("{} itself, or what it calls untraced, takes in `{}`", name(self.service), name(operation))
            }
            What::Into { caller, callee: Callee::Traced } => {
                format!("calls from {} into {} wait before or after their handling", name(caller), name(self.service))
            }
            What::Into { caller, .. } => format!("calls from {} into {} take", name(caller), name(self.service)),
            What::Visit { caller } => {
                format!("calls from {} into {}, without the calls it makes, take", name(caller), name(self.service))
            }
            What::OutOf { callee } => {
                format!("calls out of {} to {} wait before or after their handling", name(self.service), name(callee))
            }
        };
        format!("{subject} +{} (median {} against {}, {n} calls)", ms(by_ns), ms(fault_ns), ms(baseline_ns))
    }
}

/// Scores of the findings together: the sum of k independent normal scores has a deviation of √k (Stouffer).
fn significance(findings: &[&Slowdown<'_, '_>]) -> f64 {
    findings.iter().map(|finding| finding.shift.score).sum::<f64>() / (findings.len() as f64).sqrt()
}

/// Samples of the findings in order of effect time, with whether each lies nearer to the new median than to the old one.
fn slow_samples<'t>(findings: &[&Slowdown<'t, '_>]) -> Vec<(Timestamp, &'t TraceSpan, bool)> {
    let mut slow: Vec<_> = findings
        .iter()
        .flat_map(|finding| {
            let middle = finding.shift.baseline_ns + finding.shift.by_ns / 2.0;
            finding.samples.iter().map(move |sample| (sample.span.end(), sample.span, sample.ns as f64 > middle))
        })
        .collect();
    slow.sort_by_key(|(at, span, _)| (*at, span.witness.origin));
    slow
}

fn exemplars(slow: &[(Timestamp, &TraceSpan, bool)], fault: WindowPart<'_, '_>) -> Vec<Exemplar> {
    let slow = slow.iter().filter(|(_, _, slow)| *slow);
    slow.take(EXEMPLARS).map(|(_, span, _)| exemplar_of_span(fault.traces, span)).collect()
}

fn compare(now: &[Sample<'_>], before: Option<&[Sample<'_>]>) -> Option<Shift> {
    let values = |samples: &[Sample<'_>]| samples.iter().map(|sample| sample.ns).collect::<Vec<_>>();
    shift(&mut values(now), &mut values(before?))
}

impl<'t> Times<'t> {
    /// Gaps of all edges together, at most [`POOLED`] of them, evenly from the smallest to the largest.
    fn pooled_gaps(&self) -> Vec<i64> {
        let traced = self.gaps.iter().filter(|((_, _, callee), _)| *callee == Callee::Traced);
        let mut all: Vec<i64> = traced.flat_map(|(_, samples)| samples.iter().map(|sample| sample.ns)).collect();
        all.sort_unstable();
        let step = all.len().div_ceil(POOLED).max(1);
        all.into_iter().step_by(step).collect()
    }

    /// Measures every call and every handling.
    pub(super) fn measure(part: WindowPart<'_, 't>) -> Times<'t> {
        let mut times = Times::default();
        for (t, tree) in part.trees.iter().enumerate() {
            for node in &tree.nodes {
                let Some(span) = node.span else { continue };
                if span.kind == SpanKind::Client {
                    times.call(t, tree, node, span);
                } else {
                    let ns = own_time(tree, node, span);
                    let key = (node.service, operation_key(tree, node));
                    times.own.entry(key).or_default().push(Sample { ns, tree: t, span });
                }
            }
        }
        times
    }

    fn call(&mut self, t: usize, tree: &Tree<'t>, node: &Node<'t>, span: &'t TraceSpan) {
        let children = node.children.iter().map(|child| &tree.nodes[*child]);
        let handled = children.filter_map(|child| Some((child, child.span?))).find(|(_, s)| s.kind == SpanKind::Server);
        let (callee, kind, ns) = match handled {
            Some((child, server)) => {
                let calls_ns = server.latency_ns - own_time(tree, child, server);
                let ns = (span.latency_ns - calls_ns).max(0);
                self.visits.entry((node.service, server.service)).or_default().push(Sample { ns, tree: t, span });
                (server.service, Callee::Traced, (span.latency_ns - server.latency_ns).max(0))
            }
            None if span.peer != 0 => (span.peer, Callee::Untraced, span.latency_ns),
            None => return,
        };
        self.gaps.entry((node.service, callee, kind)).or_default().push(Sample { ns, tree: t, span });
    }
}

/// Times far above their healthy median, by operation, edge and visit.
pub(super) fn hits(fault: WindowPart<'_, '_>, healthy: &Healthy<'_>) -> Vec<Hits> {
    let (now, before) = (Times::measure(fault), &healthy.times);
    let mut all = Vec::new();
    collect_hits(&now.own, &before.own, &mut all);
    collect_hits(&now.gaps, &before.gaps, &mut all);
    collect_hits(&now.visits, &before.visits, &mut all);
    all
}

fn collect_hits<K: Ord>(
    now: &BTreeMap<K, Vec<Sample<'_>>>,
    before: &BTreeMap<K, Vec<Sample<'_>>>,
    all: &mut Vec<Hits>,
) {
    for (key, samples) in now {
        let mut known: Vec<i64> = before.get(key).map_or(Vec::new(), |known| known.iter().map(|s| s.ns).collect());
        let Some(far) = far_above(&mut known) else { continue };
        let now = samples.iter().map(|sample| (sample.tree, sample.ns as f64 > far)).collect();
        all.push(Hits { now, before: (known.iter().filter(|ns| **ns as f64 > far).count(), known.len()) });
    }
}

/// Latency less the union of the children's intervals within it.
fn own_time(tree: &Tree<'_>, node: &Node<'_>, span: &TraceSpan) -> i64 {
    let (start, end) = (span.start.0, span.end().0);
    let mut covered = 0;
    let mut upto = start;
    // Children are in order of their start.
    for child in node.children.iter().filter_map(|child| tree.nodes[*child].span) {
        let (from, to) = (child.start.0.clamp(upto, end), child.end().0.clamp(upto, end));
        covered += to - from;
        upto = to;
    }
    span.latency_ns - covered
}

/// An inner operation is itself; an entry request also what it called.
fn operation_key(tree: &Tree<'_>, node: &Node<'_>) -> u64 {
    if node.parent.is_some() {
        return node.operation;
    }
    let mut called: Vec<u64> = node.children.iter().map(|child| tree.nodes[*child].operation).collect();
    called.sort_unstable();
    called.dedup();
    called.iter().fold(node.operation, |key, call| (key ^ call).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29))
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn total(findings: &[Slowdown<'_, '_>]) -> f64 {
    findings.iter().map(|finding| finding.shift.by_ns).sum()
}
