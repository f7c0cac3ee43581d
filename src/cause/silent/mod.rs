//! Faults without an error line: services that became slow, or stopped doing what a request always made them do.
//!
//! Two kinds of evidence, each from the traces of a fault window against those of a healthy one:
//!
//! - **time**: a service's own time (its latency less that of its calls) and the gap between a call and its handling;
//! - **code**: log lines and calls that a healthy request of an operation always has and now lacks, or a warning it never had.
//!
//! Time evidence ranks before code evidence: on labelled faults each is near-complete on its own kind of fault and almost
//! silent on the other, and time evidence never rose for a defect in code. What is clear ranks before what is faint.
//!
//! Everything here is right of ⊕: floats are allowed, over sorted keys.

mod episode;
mod latency;
mod sample;
mod steps;

use std::cmp::Ordering;
use std::ops::Range;

use crate::source::Origin;
use crate::summary::traces::{Span, SpanKind, Trace, Traces, Tree, Witness};
use crate::time::Timestamp;

/// Exemplars of a suspect: enough to see it thrice, few enough to read.
const EXEMPLARS: usize = 3;

/// Traces of a window below which nothing can be compared.
const MIN_TRACES: usize = 3;

/// What the traces say about a fault, and what they cannot say.
#[derive(Clone, Debug, Default)]
pub struct Silent {
    /// The most suspect service first, each once; none when nothing passes the gates.
    pub suspects: Vec<Suspect>,
    /// What could not be compared, in sentences.
    pub uncompared: Vec<String>,
}

/// A service that differs from its healthy self.
#[derive(Clone, Debug)]
pub struct Suspect {
    /// Its name.
    pub service: String,
    /// By which evidence.
    pub kind: Kind,
    /// Whether chance could have done it.
    pub clarity: Clarity,
    /// Milliseconds lost per call for time, a normal score for code. Comparable only within one kind.
    pub score: f64,
    /// How unlikely it is by chance, as a normal score: comparable between both kinds.
    pub significance: f64,
    /// What changed, in plain words with figures.
    pub text: String,
    /// Further findings about the same service, in plain words.
    pub details: Vec<String>,
    /// Calls or requests of the fault window that show it.
    pub n_affected: u64,
    /// Calls or requests of the fault window that could show it.
    pub n_compared: u64,
    /// Effect time of the first that shows it, strays aside.
    pub onset: Timestamp,
    /// One to three entries that show it, earliest first.
    pub exemplars: Vec<Exemplar>,
}

/// Which evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It became slow, or the way to it did.
    Time,
    /// It does not do what it did.
    Code,
}

/// Whether chance, or an old baseline, could have done it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clarity {
    /// Windows without a fault do not reach this.
    Clear,
    /// Worth a name only where somebody says there was a fault.
    Faint,
}

/// An entry that shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exemplar {
    /// When it could be known.
    pub effect_time: Timestamp,
    /// `timestamp` as recorded.
    pub timestamp: Timestamp,
    /// Where its record starts.
    pub origin: Origin,
    /// `insertId`.
    pub insert_id: String,
    /// `logName`.
    pub log_name: String,
    /// Recorded severity, `DEFAULT` when absent.
    pub severity: String,
    /// The service that wrote it.
    pub service: String,
    /// Its text; for a request its operation, status and latency.
    pub message: String,
}

/// The traces of one window: those whose first record lies in `[from, until)`.
#[derive(Debug)]
pub struct Window<'t> {
    traces: &'t Traces,
    /// Earliest first.
    trees: Vec<Tree<'t>>,
}

impl<'t> Window<'t> {
    /// Traces that begin in `[from, until)`; `None` leaves a side open. A trace that began before the window is no part
    /// of it, however many of its entries are: what happened before cannot be seen in it.
    pub fn new(traces: &'t Traces, from: Option<Timestamp>, until: Option<Timestamp>) -> Window<'t> {
        let inside = |trace: &&Trace| {
            from.is_none_or(|from| from <= trace.start()) && until.is_none_or(|until| trace.start() < until)
        };
        let mut kept: Vec<&Trace> = traces.iter().filter(inside).collect();
        kept.sort_by_key(|trace| trace.start());
        Window { traces, trees: kept.into_iter().map(Tree::new).collect() }
    }

    /// Number of traces.
    pub fn len(&self) -> usize {
        self.trees.len()
    }

    /// True when it holds no trace.
    pub fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    /// Span from the start of its first to the start of its last trace.
    pub fn span(&self) -> Option<crate::time::Span> {
        Some(crate::time::Span { start: self.trees.first()?.start, end: self.trees.last()?.start })
    }

    fn part(&self, range: Range<usize>) -> Part<'_, 't> {
        Part { traces: self.traces, trees: &self.trees[range] }
    }
}

/// Some traces of a window, one after the other.
#[derive(Clone, Copy)]
struct Part<'w, 't> {
    traces: &'t Traces,
    trees: &'w [Tree<'t>],
}

/// What healthy traces look like: learned once, compared with any number of windows.
pub struct Healthy<'t> {
    traces: &'t Traces,
    n_traces: usize,
    times: latency::Times<'t>,
    ways: steps::Ways,
}

impl<'t> Healthy<'t> {
    /// Learns from a window without a fault.
    pub fn new(window: &Window<'t>) -> Healthy<'t> {
        let part = window.part(0..window.len());
        Healthy {
            traces: window.traces,
            n_traces: window.len(),
            times: latency::Times::measure(part),
            ways: steps::Ways::learn(part),
        }
    }
}

/// Services that differ from their healthy selves in a window, most suspect first.
pub fn suspects(fault: &Window<'_>, healthy: &Healthy<'_>) -> Silent {
    if fault.len() < MIN_TRACES {
        return Silent::default();
    }
    if healthy.n_traces < MIN_TRACES {
        let text = "no healthy traces to compare with: whether a service became slower or stopped doing something without an \
                    error line is not known";
        return Silent { suspects: Vec::new(), uncompared: vec![text.to_owned()] };
    }
    judge(fault.part(0..fault.len()), healthy)
}

/// The part of `window` in which a service differs most clearly from its healthy self; `None` when none does. For exports of
/// which nobody knows when the fault began.
pub fn episode<'t>(window: &Window<'t>, healthy: &Healthy<'_>) -> Option<Window<'t>> {
    if window.len() < MIN_TRACES || healthy.n_traces < MIN_TRACES {
        return None;
    }
    let whole = 0..window.len();
    let stretches = std::iter::once(whole.clone()).chain(episode::scan(window.part(whole), healthy));
    let judged = stretches.filter_map(|stretch| {
        let found = judge(window.part(stretch.clone()), healthy).suspects;
        let strength = found.iter().map(|suspect| (suspect.clarity == Clarity::Clear, suspect.significance));
        Some((strength.max_by(stronger)?, stretch))
    });
    // The first of equals, which is the whole or the one with the most unlikely hits.
    let best = judged.reduce(|best, other| if stronger(&other.0, &best.0).is_gt() { other } else { best });
    let start = |idx: usize| window.trees.get(idx).map(|tree| tree.start);
    best.map(|(_, stretch)| Window::new(window.traces, start(stretch.start), start(stretch.end)))
}

fn stronger(a: &(bool, f64), b: &(bool, f64)) -> Ordering {
    a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
}

fn judge(fault: Part<'_, '_>, healthy: &Healthy<'_>) -> Silent {
    let mut uncompared = Vec::new();
    let mut suspects = latency::suspects(fault, healthy, &mut uncompared);
    for suspect in steps::suspects(fault, healthy, &mut uncompared) {
        match suspects.iter_mut().find(|slow| slow.service == suspect.service) {
            Some(slow) => slow.details.push(suspect.text),
            None => suspects.push(suspect),
        }
    }
    // Within each, time comes before code and the larger score before the smaller one: both lists are in that order.
    suspects.sort_by_key(|suspect| suspect.clarity);
    Silent { suspects, uncompared }
}

impl Exemplar {
    fn of_span(traces: &Traces, span: &Span) -> Exemplar {
        let status = if span.status == 0 { String::new() } else { format!(" {}", span.status) };
        let side = if span.kind == SpanKind::Client { " (as its caller saw it)" } else { "" };
        let message = format!("{}{status} in {}{side}", traces.name(span.operation), ms(span.latency_ns as f64));
        Exemplar::new(traces, &span.witness, span.service, (span.start, span.end()), message)
    }

    fn new(
        traces: &Traces,
        witness: &Witness,
        service: u64,
        times: (Timestamp, Timestamp),
        message: String,
    ) -> Exemplar {
        Exemplar {
            effect_time: times.1,
            timestamp: times.0,
            origin: witness.origin,
            insert_id: witness.insert_id.to_string(),
            log_name: traces.name(witness.log_name).to_owned(),
            severity: witness.severity.map_or("DEFAULT", |severity| severity.name()).to_owned(),
            service: traces.name(service).to_owned(),
            message,
        }
    }
}

/// The name of a service or operation, from whichever side knows it.
fn name<'n>(fault: &'n Traces, healthy: &'n Traces, hash: u64) -> &'n str {
    match fault.name(hash) {
        "?" => healthy.name(hash),
        name => name,
    }
}

/// Nanoseconds as `1,020 ms`, below ten with one decimal.
fn ms(nanos: f64) -> String {
    let millis = nanos / 1e6;
    if millis.abs() < 10.0 {
        return format!("{millis:.1} ms");
    }
    let digits = format!("{:.0}", millis.abs());
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    format!("{}{} ms", if millis < 0.0 { "-" } else { "" }, groups.join(","))
}
