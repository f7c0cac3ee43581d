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

use crate::summary::Exemplar;
use crate::summary::traces::{SpanKind, Trace, TraceSpan, Traces, Tree, Witness};
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

    fn part(&self, range: Range<usize>) -> WindowPart<'_, 't> {
        WindowPart { traces: self.traces, trees: &self.trees[range] }
    }
}

/// Some traces of a window, one after the other.
#[derive(Clone, Copy)]
struct WindowPart<'w, 't> {
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

fn judge(fault: WindowPart<'_, '_>, healthy: &Healthy<'_>) -> Silent {
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

/// The entry of a span: its operation, status and latency.
fn exemplar_of_span(traces: &Traces, span: &TraceSpan) -> Exemplar {
    let status = if span.status == 0 { String::new() } else { format!(" {}", span.status) };
    let side = if span.kind == SpanKind::Client { " (as its caller saw it)" } else { "" };
    let message = format!("{}{status} in {}{side}", traces.name(span.operation), ms(span.latency_ns as f64));
    exemplar(traces, &span.witness, span.service, (span.start, span.end()), message)
}

/// An entry that shows something, by its timestamp and its effect time.
fn exemplar(
    traces: &Traces,
    witness: &Witness,
    service: u64,
    (timestamp, effect_time): (Timestamp, Timestamp),
    message: String,
) -> Exemplar {
    Exemplar {
        effect_time,
        origin: witness.origin,
        insert_id: witness.insert_id.to_string(),
        timestamp: Some(timestamp),
        log_name: traces.name(witness.log_name).to_owned(),
        severity: witness.severity,
        component: traces.name(service).to_owned(),
        message,
        ..Exemplar::default()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Entry, HttpRequest, Labels, Severity, Text};

    /// Nanoseconds of a millisecond.
    const MS: i64 = 1_000_000;

    /// What is wrong with a shop in which `web` calls `cart`, which logs two lines.
    #[derive(Clone, Copy, Default)]
    struct Fault {
        /// Milliseconds a call waits before its handling.
        wait_ms: i64,
        /// Milliseconds `cart` takes longer.
        work_ms: i64,
        /// `cart` stops after its first line.
        stops: bool,
        /// What `web` logs at ERROR.
        complaint: &'static str,
    }

    fn span(
        name: &str,
        kind: &'static str,
        parent: &str,
        start_ms: i64,
        latency_ms: i64,
        url: &'static str,
    ) -> Entry<'static> {
        let labels = [("span_kind", kind), ("parent_span_id", parent)];
        Entry {
            timestamp: Some(Timestamp(start_ms * MS)),
            insert_id: Text::Owned(format!("{name}-{start_ms}")),
            span_id: Text::Owned(name.to_owned()),
            labels: Labels(labels.map(|(k, v)| (Text::Borrowed(k), Text::Owned(v.to_owned()))).to_vec()),
            http: Some(HttpRequest {
                url: Text::Borrowed(url),
                latency_ns: Some(latency_ms * MS),
                ..HttpRequest::default()
            }),
            ..Entry::default()
        }
    }

    fn line(at_ms: i64, text: &str, severity: Severity) -> Entry<'static> {
        let message = Text::Owned(text.to_owned());
        Entry { timestamp: Some(Timestamp(at_ms * MS)), message, severity: Some(severity), ..Entry::default() }
    }

    /// One request every second from `start_s` on, `n` of them.
    fn requests(traces: &mut Traces, start_s: i64, n: i64, fault: Fault) {
        for second in start_s..start_s + n {
            let at = second * 1_000;
            let work = 20 + second % 5 + fault.work_ms;
            let call = work + 2 + fault.wait_ms;
            let handled = at + 6 + fault.wait_ms;
            let mut entries = vec![
                ("web", span("w", "server", "", at, call + 10, "/buy")),
                ("web", span("c", "client", "w", at + 5, call, "http://cart/add")),
                ("cart", span("h", "server", "c", handled, work, "/add")),
                ("cart", line(handled + 1, "Cart#10 item 7 found", Severity::Info)),
            ];
            if !fault.stops {
                entries.push(("cart", line(handled + 9, "Cart#12 item 7 added", Severity::Info)));
            }
            if !fault.complaint.is_empty() {
                entries.push(("web", line(at + call, fault.complaint, Severity::Error)));
            }
            for (service, mut entry) in entries {
                entry.trace = Text::Owned(format!("projects/p/traces/{second}"));
                traces.observe(&entry, service);
            }
        }
    }

    /// Suspects when 40 healthy requests are followed by 40 with the fault.
    fn judged(fault: Fault) -> Silent {
        let mut traces = Traces::default();
        requests(&mut traces, 0, 40, Fault::default());
        requests(&mut traces, 40, 40, fault);
        let onset = Some(Timestamp(40_000 * MS));
        suspects(&Window::new(&traces, onset, None), &Healthy::new(&Window::new(&traces, None, onset)))
    }

    fn check(fault: Fault, service: &str, kind: Kind, text: &str) {
        let found = judged(fault);
        let first = found.suspects.first().expect("there is a suspect");
        assert_eq!((first.service.as_str(), first.kind, first.clarity), (service, kind, Clarity::Clear));
        assert!(first.text.contains(text), "{}", first.text);
        assert!((1..=EXEMPLARS).contains(&first.exemplars.len()) && first.onset >= Timestamp(40_000 * MS), "{first:?}");
    }

    #[test]
    fn a_slow_way_blames_where_it_leads() {
        let fault = Fault { wait_ms: 1_000, ..Fault::default() };
        check(fault, "cart", Kind::Time, "+1,000 ms (median 1,002 ms against 2.0 ms, 40 calls)");
    }

    #[test]
    fn slow_work_blames_the_worker() {
        check(
            Fault { work_ms: 300, ..Fault::default() },
            "cart",
            Kind::Time,
            "cart itself, or what it calls untraced, takes in `/add` +300 ms",
        );
    }

    #[test]
    fn a_lost_step_is_named_with_the_one_before() {
        let text = "no longer logs `Cart#12 item * added` after it logged `Cart#10 item * found` in 40 of 40";
        check(Fault { stops: true, ..Fault::default() }, "cart", Kind::Code, text);
    }

    #[test]
    fn a_new_error_is_a_breach_unless_it_blames_another() {
        let fault = Fault { complaint: "Web#5 basket is odd", ..Fault::default() };
        check(fault, "web", Kind::Code, "newly logs `Web#5 basket is odd` in 40 of 40 requests of `/buy`");
        let found = judged(Fault { complaint: "Web#5 dial: connection refused", ..Fault::default() });
        assert!(found.suspects.is_empty(), "{found:?}");
    }

    #[test]
    fn the_deeper_breach_explains_the_one_above() {
        let found = judged(Fault { stops: true, complaint: "Web#5 basket is odd", ..Fault::default() });
        let services: Vec<&str> = found.suspects.iter().map(|suspect| suspect.service.as_str()).collect();
        assert_eq!(services, ["cart"]);
    }

    #[test]
    fn healthy_traces_raise_nothing() {
        assert!(judged(Fault::default()).suspects.is_empty());
    }

    #[test]
    fn without_healthy_traces_it_says_so() {
        let mut traces = Traces::default();
        requests(&mut traces, 0, 40, Fault { work_ms: 300, ..Fault::default() });
        let found =
            suspects(&Window::new(&traces, None, None), &Healthy::new(&Window::new(&Traces::default(), None, None)));
        assert!(found.suspects.is_empty() && found.uncompared.len() == 1);
    }

    #[test]
    fn a_request_that_began_before_the_window_is_no_part_of_it() {
        let mut traces = Traces::default();
        requests(&mut traces, 0, 10, Fault::default());
        assert_eq!(Window::new(&traces, Some(Timestamp(5_001 * MS)), None).len(), 4);
        assert_eq!(Window::new(&traces, None, Some(Timestamp(5_000 * MS))).len(), 5);
    }

    #[test]
    fn an_unknown_onset_is_found() {
        let mut traces = Traces::default();
        requests(&mut traces, 0, 60, Fault::default());
        requests(&mut traces, 60, 30, Fault { work_ms: 300, ..Fault::default() });
        let mut before = Traces::default();
        requests(&mut before, 0, 40, Fault::default());
        let healthy = Healthy::new(&Window::new(&before, None, None));
        let found = episode(&Window::new(&traces, None, None), &healthy).and_then(|window| window.span());
        let start = found.expect("a third of the requests is slow").start;
        assert!((57..=63).contains(&(start.0 / 1_000 / MS)), "{start}");
    }

    #[test]
    fn figures_are_grouped_by_thousands() {
        assert_eq!(
            [ms(1_020e6), ms(8.04e6), ms(12_345_678e6), ms(-30e6)],
            ["1,020 ms", "8.0 ms", "12,345,678 ms", "-30 ms"]
        );
    }
}
