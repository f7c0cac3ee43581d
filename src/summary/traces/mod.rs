//! Requests that can be followed: the spans and log events that share a trace, kept for a sample of traces.
//!
//! # Law
//!
//! [`Traces`] is a commutative monoid: a split of the input never shows. Three rules keep it exact *and* bounded:
//!
//! - **Whole traces.** Traces are kept by the hash of their id, smallest first, as long as all their records together
//!   fit [`RECORDS_KEPT`]. A trace pushed out of a part is pushed out of the whole too, since the records of the traces
//!   before it can only become more; so a kept trace has lost nothing, wherever the input was split.
//! - **Within a trace** the earliest [`SPANS_PER_TRACE`] spans and [`EVENTS_PER_TRACE`] events stay: bottom-k of a union
//!   is the bottom-k of the bottom-ks. The true counts are kept beside them, so a cut trace is known to be cut.
//! - **Texts** (service, operation, log name, template) are kept once, by their hash, as long as a trace that uses them is.
//!
//! The bounds are small in this file's own tests, so that the laws are tested at them.

mod name;
mod texts;
mod tree;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::entry::{Entry, HttpRequest, Severity};
use crate::source::Origin;
use crate::time::Timestamp;
use texts::Texts;

pub use tree::{Node, Tree};

/// Spans and events kept over all traces. About 120 bytes each: some 15 MB when full. That is 1,500 to 25,000 traces (of 80
/// records in a large shop, of 4 behind a load balancer), enough for a median per operation in a window that is a tenth of
/// the export; and few enough that an entry of a trace that is not kept costs a hash and a comparison.
pub const RECORDS_KEPT: usize = if cfg!(test) { 500 } else { 40_000 };

/// Records beyond that which may wait to be pushed out together: finding out what goes with them is half of the work.
const RECORDS_WAITING: usize = RECORDS_KEPT / 16;

/// Spans kept of one trace. The largest measured trace has 100; a loop that calls itself has no end.
pub const SPANS_PER_TRACE: usize = if cfg!(test) { 5 } else { 1_024 };

/// Log events kept of one trace. The largest measured trace has 88.
pub const EVENTS_PER_TRACE: usize = if cfg!(test) { 5 } else { 1_024 };

/// Distinct services, operations and log names whose text is kept. A name past it is still told apart by its hash.
pub const NAMES_KEPT: usize = if cfg!(test) { 12 } else { 8_192 };

/// Distinct templates whose text is kept; 321 were measured in a shop of 40 services.
pub const TEMPLATES_KEPT: usize = if cfg!(test) { 6 } else { 8_192 };

/// A bounded sample of traces. `default` is the identity of [`Traces::merge`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traces {
    /// Kept traces by the hash of their id.
    traces: BTreeMap<u64, Trace>,
    /// The smallest hash that was pushed out; nothing from here on is kept.
    limit: Option<u64>,
    /// Spans and events in `traces`.
    n_records: usize,
    names: Texts<NAMES_KEPT>,
    /// Masked texts of events.
    templates: Texts<TEMPLATES_KEPT>,
}

/// Everything that happened under one trace id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Earliest first.
    pub spans: Vec<TraceSpan>,
    /// Spans observed, kept or not.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub n_spans: u64,
    /// Earliest first.
    pub events: Vec<TraceEvent>,
    /// Events observed, kept or not.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub n_events: u64,
}

/// Reads a length that somebody else may have written.
fn latency<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let ns = i64::deserialize(deserializer)?;
    if ns >= 0 { Ok(ns) } else { Err(serde::de::Error::custom(format!("a latency of {ns} ns"))) }
}

/// A request or a part of one, with a start and a length.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TraceSpan {
    /// When it began.
    pub start: Timestamp,
    /// How long it took, never negative.
    #[serde(deserialize_with = "latency")]
    pub latency_ns: i64,
    /// Hash of its id; 0 without one.
    pub id: u64,
    /// Hash of its parent's id; 0 without one.
    pub parent: u64,
    /// Hash of the service that wrote it.
    pub service: u64,
    /// Hash of the service it calls, where a client span names it; 0 otherwise.
    pub peer: u64,
    /// Hash of method and route, or of the span's name.
    pub operation: u64,
    /// Which side of a call it is.
    pub kind: SpanKind,
    /// HTTP status, 0 when unknown.
    pub status: u16,
    /// The entry behind it.
    pub witness: Witness,
}

impl TraceSpan {
    /// When it ended.
    pub fn end(&self) -> Timestamp {
        self.start.plus(self.latency_ns)
    }
}

/// Which side of a call a span is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// The handling of a call: load balancer, Cloud Run, the sidecar of the callee.
    #[default]
    Server,
    /// The call as its caller, or a load balancer in front, saw it.
    Client,
    /// A part of the work inside a service.
    Internal,
}

impl SpanKind {
    /// From the label of the span, else from who wrote it. A load balancer does no work of its own: its entry is the call as
    /// the caller of the service behind it saw it.
    fn of(entry: &Entry<'_>, label: &str) -> SpanKind {
        let is = |kind: &str| label.eq_ignore_ascii_case(kind);
        let balancer = entry.resource.kind.ends_with("load_balancer") || entry.resource.kind.ends_with("lb_rule");
        let sidecar = entry.log_name.ends_with("client-accesslog-stackdriver");
        if is("client") || is("producer") || label.is_empty() && (balancer || sidecar) {
            SpanKind::Client
        } else if is("internal") {
            SpanKind::Internal
        } else {
            SpanKind::Server
        }
    }
}

/// A log line written while a trace was handled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TraceEvent {
    /// When it was written.
    pub at: Timestamp,
    /// Hash of the span it names; 0 without one.
    pub span: u64,
    /// Hash of the service that wrote it.
    pub service: u64,
    /// Hash of its masked text.
    pub template: u64,
    /// How bad it calls itself.
    pub level: Level,
    /// True when it says that another service could not be reached.
    pub unreachable: bool,
    /// The entry behind it.
    pub witness: Witness,
}

/// Severity in three classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// No severity, or up to NOTICE.
    #[default]
    Plain,
    /// WARNING.
    Warning,
    /// ERROR and above.
    Error,
}

impl Level {
    fn of(severity: Option<Severity>) -> Level {
        match severity {
            Some(severity) if severity >= Severity::Error => Level::Error,
            Some(Severity::Warning) => Level::Warning,
            _ => Level::Plain,
        }
    }
}

/// Which entry it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Witness {
    /// Where its record starts.
    pub origin: Origin,
    /// `insertId`.
    pub insert_id: Box<str>,
    /// Hash of `logName`.
    pub log_name: u64,
    /// `severity` as recorded.
    pub severity: Option<Severity>,
}

impl Witness {
    fn renumber(&mut self, number: &dyn Fn(u32) -> u32) {
        self.origin.source = number(self.origin.source);
    }
}

/// Calls from one service to another, seen in the kept traces.
pub type Calls = BTreeMap<(String, String), u64>;

impl Traces {
    /// True when [`Traces::observe`] would keep a span of an entry, and look at its labels for that.
    pub(super) fn keeps_span_of(&self, entry: &Entry<'_>) -> bool {
        let is_span = entry.http.as_ref().is_some_and(|http| http.latency_ns.is_some()) && !entry.trace.is_empty();
        is_span && self.limit.is_none_or(|limit| hash_of(entry) < limit)
    }

    /// Takes in an entry that `component` wrote; an entry without a trace or without a time is none of its business.
    pub fn observe(&mut self, entry: &Entry<'_>, component: &str) {
        let Some(at) = entry.timestamp.or(entry.receive_timestamp).filter(|_| !entry.trace.is_empty()) else { return };
        let trace = hash_of(entry);
        if self.limit.is_some_and(|limit| trace >= limit) {
            return;
        }
        let Some(http) = &entry.http else {
            return if !entry.message.is_empty() {
                self.observe_event(entry, trace, component, at)
            };
        };
        if let Some(latency_ns) = http.latency_ns {
            let span = self.span(entry, http, trace, component, (at, latency_ns.max(0)));
            self.put(trace, |t| t.add_span(span));
        }
    }

    /// Adds everything `other` holds.
    pub fn merge(&mut self, other: Traces) {
        for (key, trace) in other.traces {
            let mine = self.traces.entry(key).or_default();
            self.n_records -= mine.n_records();
            mine.merge(trace);
            self.n_records += mine.n_records();
        }
        self.names.merge(other.names);
        self.templates.merge(other.templates);
        if let Some(limit) = other.limit {
            self.keep_below(limit);
        }
        if let Some(limit) = self.limit {
            self.keep_below(limit);
        }
        self.shrink();
    }

    /// Leaves what it holds to `all` and lets `all` say what need not be kept from here on.
    pub fn hand_over(&mut self, all: &mut Traces) {
        all.merge(std::mem::take(self));
        self.limit = all.limit;
    }

    /// Number of spans and events in the kept traces.
    pub fn n_records(&self) -> usize {
        self.n_records
    }

    /// True when it holds no trace.
    pub fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }

    /// Number of traces kept.
    pub fn len(&self) -> usize {
        self.traces.len()
    }

    /// True when traces, records of a trace or names were pushed out by a bound: counts are then those of a sample.
    pub fn is_sample(&self) -> bool {
        self.limit.is_some() || self.names.is_full() || self.templates.is_full() || self.iter().any(Trace::is_cut)
    }

    /// The kept traces, in the order of their hash.
    pub fn iter(&self) -> impl Iterator<Item = &Trace> {
        self.traces.values()
    }

    /// The text of a name; `?` when it was pushed out.
    pub fn name(&self, hash: u64) -> &str {
        self.names.get(hash).unwrap_or("?")
    }

    /// The masked text of events, unless it was pushed out.
    pub fn template(&self, hash: u64) -> Option<&str> {
        self.templates.get(hash)
    }

    /// Caller → callee with the number of calls: the topology that the kept traces show.
    pub fn calls(&self) -> Calls {
        let mut counts: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        for trace in self.iter() {
            Tree::new(trace).calls().for_each(|call| *counts.entry(call).or_default() += 1);
        }
        let text = |hash| self.name(hash).to_owned();
        counts.into_iter().map(|((caller, callee), n)| ((text(caller), text(callee)), n)).collect()
    }

    fn span(
        &mut self,
        entry: &Entry<'_>,
        http: &HttpRequest<'_>,
        trace: u64,
        component: &str,
        (start, latency_ns): (Timestamp, i64),
    ) -> TraceSpan {
        let label = |key| entry.labels.get(key).unwrap_or_default();
        let kind = SpanKind::of(entry, label("span_kind"));
        let peer = if kind == SpanKind::Client { label("destination_canonical_service") } else { "" };
        TraceSpan {
            start,
            latency_ns,
            id: name::id(&entry.span_id),
            parent: name::id(label("parent_span_id")),
            service: self.intern(trace, component),
            peer: if peer.is_empty() { 0 } else { self.intern(trace, peer) },
            operation: self.intern(trace, &name::operation(&http.method, &http.url, kind)),
            kind,
            status: http.status,
            witness: self.witness(entry, trace),
        }
    }

    fn observe_event(&mut self, entry: &Entry<'_>, trace: u64, component: &str, at: Timestamp) {
        let text = name::template(&entry.message);
        let template = name::hash(&text);
        self.templates.put(template, trace, &text);
        let event = TraceEvent {
            at,
            span: name::id(&entry.span_id),
            service: self.intern(trace, component),
            template,
            level: Level::of(entry.severity),
            unreachable: name::says_unreachable(&entry.message),
            witness: self.witness(entry, trace),
        };
        self.put(trace, |t| t.add_event(event));
    }

    pub(super) fn renumber(&mut self, number: &dyn Fn(u32) -> u32) {
        for trace in self.traces.values_mut() {
            trace.spans.iter_mut().for_each(|span| span.witness.renumber(number));
            trace.events.iter_mut().for_each(|event| event.witness.renumber(number));
        }
    }

    fn witness(&mut self, entry: &Entry<'_>, trace: u64) -> Witness {
        Witness {
            origin: entry.origin,
            insert_id: entry.insert_id.as_ref().into(),
            log_name: self.intern(trace, &entry.log_name),
            severity: entry.severity,
        }
    }

    fn intern(&mut self, trace: u64, text: &str) -> u64 {
        let key = name::hash(text);
        self.names.put(key, trace, text);
        key
    }

    fn put(&mut self, key: u64, add: impl FnOnce(&mut Trace)) {
        let trace = self.traces.entry(key).or_default();
        self.n_records -= trace.n_records();
        add(trace);
        self.n_records += trace.n_records();
        if self.n_records > RECORDS_KEPT + RECORDS_WAITING {
            self.shrink();
        }
    }

    /// Pushes out the traces of the largest hashes until the rest fits.
    pub(super) fn shrink(&mut self) {
        let mut limit = None;
        while self.n_records > RECORDS_KEPT {
            let Some((key, trace)) = self.traces.pop_last() else { break };
            self.n_records -= trace.n_records();
            limit = Some(key);
        }
        if let Some(limit) = limit {
            self.keep_below(limit);
        }
    }

    /// Lets go of everything that belongs to traces from `limit` on.
    fn keep_below(&mut self, limit: u64) {
        for trace in self.traces.split_off(&limit).into_values() {
            self.n_records -= trace.n_records();
        }
        self.names.shrink(limit);
        self.templates.shrink(limit);
        self.limit = Some(self.limit.map_or(limit, |mine| mine.min(limit)));
    }
}

/// Hash of the id of the trace that an entry belongs to.
fn hash_of(entry: &Entry<'_>) -> u64 {
    let id = memchr::memrchr(b'/', entry.trace.as_bytes()).map_or(0, |slash| slash + 1);
    name::hash(&entry.trace[id..])
}

impl Trace {
    /// When its first record began.
    pub fn start(&self) -> Timestamp {
        let span = self.spans.first().map(|span| span.start);
        let event = self.events.first().map(|event| event.at);
        span.into_iter().chain(event).min().unwrap_or(Timestamp::MAX)
    }

    /// True when it had more records than are kept: what is missing from it proves nothing.
    pub fn is_cut(&self) -> bool {
        self.n_spans > self.spans.len() as u64 || self.n_events > self.events.len() as u64
    }

    fn n_records(&self) -> usize {
        self.spans.len() + self.events.len()
    }

    fn add_span(&mut self, span: TraceSpan) {
        self.n_spans += 1;
        insert(&mut self.spans, span, SPANS_PER_TRACE);
    }

    fn add_event(&mut self, event: TraceEvent) {
        self.n_events += 1;
        insert(&mut self.events, event, EVENTS_PER_TRACE);
    }

    fn merge(&mut self, other: Trace) {
        self.n_spans += other.n_spans;
        self.n_events += other.n_events;
        merge_sorted(&mut self.spans, other.spans, SPANS_PER_TRACE);
        merge_sorted(&mut self.events, other.events, EVENTS_PER_TRACE);
    }
}

/// Puts `item` in its place; exports are nearly sorted by time, so that place is nearly always the end.
fn insert<T: Ord>(items: &mut Vec<T>, item: T, bound: usize) {
    let at = items.partition_point(|other| *other <= item);
    if at < bound {
        if items.is_empty() {
            // Most traces have one record, and room for four of it would be most of the memory.
            items.reserve_exact(1);
        }
        items.insert(at, item);
        items.truncate(bound);
    }
}

fn merge_sorted<T: Ord>(items: &mut Vec<T>, other: Vec<T>, bound: usize) {
    if items.is_empty() {
        *items = other;
    } else {
        items.extend(other);
    }
    items.sort();
    items.truncate(bound);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Labels, Text};

    /// A small generator of numbers below `n`: xorshift, the same on every run.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, n: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % n
        }
    }

    fn entry(dice: &mut Dice, offset: u64, n_traces: u64, n_words: u64) -> Entry<'static> {
        let word =
            |n: u64| ["ash", "beech", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine"][n as usize];
        let (a, b) = (word(dice.below(n_words)), word(dice.below(n_words)));
        let labels = [
            ("span_kind", ["client", "server", "internal"][dice.below(3) as usize].to_owned()),
            ("parent_span_id", dice.below(5).to_string()),
        ];
        let http = HttpRequest {
            url: Text::Owned(format!("/{a}/{b}")),
            latency_ns: Some(dice.below(9) as i64),
            ..HttpRequest::default()
        };
        let is_span = dice.below(2) == 0;
        Entry {
            origin: Origin { source: 0, offset },
            insert_id: Text::Owned(format!("i{offset}")),
            timestamp: Some(Timestamp(dice.below(40) as i64)),
            trace: Text::Owned(format!("projects/p/traces/{}", dice.below(n_traces))),
            span_id: Text::Owned(dice.below(5).to_string()),
            labels: Labels(labels.map(|(k, v)| (Text::Borrowed(k), Text::Owned(v))).to_vec()),
            message: if is_span { Text::Borrowed("") } else { Text::Owned(format!("{a} {b}")) },
            http: is_span.then_some(http),
            ..Entry::default()
        }
    }

    fn observe(entries: &[Entry<'_>]) -> Traces {
        let mut traces = Traces::default();
        entries.iter().for_each(|entry| traces.observe(entry, &format!("svc{}", entry.origin.offset % 3)));
        traces.shrink();
        traces
    }

    fn merged(mut a: Traces, b: Traces) -> Traces {
        a.merge(b);
        a
    }

    /// Random entries, few or many against every bound, dealt into three parts and shuffled.
    fn check_laws(n_traces: u64, n_words: u64, n_entries: u64) {
        for seed in 1..30 {
            let mut dice = Dice(seed * 0x9e37_79b9 + n_traces);
            let entries: Vec<Entry<'static>> = (0..n_entries).map(|i| entry(&mut dice, i, n_traces, n_words)).collect();
            let mut parts: [Vec<Entry<'_>>; 3] = Default::default();
            for entry in &entries {
                let part = &mut parts[dice.below(3) as usize];
                part.insert(dice.below(part.len() as u64 + 1) as usize, entry.clone());
            }
            let whole = observe(&entries);
            let [a, b, c] = parts.map(|part| observe(&part));
            assert_eq!(merged(whole.clone(), Traces::default()), whole, "identity");
            assert_eq!(merged(Traces::default(), whole.clone()), whole, "identity");
            assert_eq!(merged(a.clone(), b.clone()), merged(b.clone(), a.clone()), "commutativity");
            let left = merged(merged(a.clone(), b.clone()), c.clone());
            assert_eq!(left, merged(a, merged(b, c)), "associativity");
            assert_eq!(left, whole, "a split never shows");
            let mut all = Traces::default();
            let mut worker = Traces::default();
            for (n, entry) in entries.iter().enumerate() {
                worker.observe(entry, &format!("svc{}", entry.origin.offset % 3));
                if n % 50 == 0 {
                    worker.hand_over(&mut all);
                }
            }
            assert_eq!(merged(all, worker), whole, "handing over never shows");
        }
    }

    #[test]
    fn a_split_never_shows() {
        check_laws(4, 2, 20);
    }

    #[test]
    fn a_split_never_shows_at_the_bounds() {
        check_laws(150, 10, 800);
        check_laws(3, 10, 200);
        check_laws(400, 4, 900);
    }

    #[test]
    fn a_sample_says_so() {
        let mut dice = Dice(7);
        let entries: Vec<Entry<'_>> = (0..900).map(|i| entry(&mut dice, i, 300, 2)).collect();
        let traces = observe(&entries);
        assert!(traces.is_sample() && traces.n_records <= RECORDS_KEPT && !observe(&entries[..3]).is_sample());
    }

    #[test]
    fn an_archive_gives_it_back() {
        let mut dice = Dice(3);
        let traces = observe(&(0..90).map(|i| entry(&mut dice, i, 9, 10)).collect::<Vec<_>>());
        let text = serde_json::to_string(&traces).expect("integers and texts are JSON");
        assert_eq!(serde_json::from_str::<Traces>(&text).expect("what was written can be read"), traces);
    }

    /// A request of `service` from `start` ms on; ids of no trace but `t`.
    fn request(service: &str, ids: (&str, &str), kind: &str, start: i64, latency: i64) -> (String, Entry<'static>) {
        let labels = [("span_kind", kind), ("parent_span_id", ids.1)];
        let entry = Entry {
            origin: Origin { source: 0, offset: start as u64 },
            timestamp: Some(Timestamp(start * 1_000_000)),
            trace: Text::Borrowed("t"),
            span_id: Text::Owned(ids.0.to_owned()),
            labels: Labels(labels.map(|(k, v)| (Text::Borrowed(k), Text::Owned(v.to_owned()))).to_vec()),
            http: Some(HttpRequest { latency_ns: Some(latency * 1_000_000), ..HttpRequest::default() }),
            ..Entry::default()
        };
        (service.to_owned(), entry)
    }

    fn check_calls(requests: &[(String, Entry<'_>)], expected: &[(&str, &str, u64)]) {
        let mut traces = Traces::default();
        requests.iter().for_each(|(service, entry)| traces.observe(entry, service));
        let calls = traces.calls();
        let found: Vec<_> = calls.iter().map(|((a, b), n)| (a.as_str(), b.as_str(), *n)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn calls_are_found_by_parent_or_by_time() {
        let spans = [request("web", ("1", ""), "server", 0, 90), request("web", ("2", "1"), "client", 10, 50)];
        let handled = request("cart", ("3", "2"), "server", 20, 30);
        check_calls(&[spans[0].clone(), spans[1].clone(), handled], &[("web", "cart", 1)]);
        let outer = request("lb", ("1", ""), "server", 0, 90);
        let inner = request("web", ("2", ""), "server", 10, 50);
        check_calls(&[outer.clone(), inner.clone()], &[("lb", "web", 1)]);
        let late = request("cart", ("3", ""), "server", 40, 50);
        check_calls(&[outer.clone(), inner.clone(), late], &[("lb", "cart", 1), ("lb", "web", 1)]);
    }

    #[test]
    fn spans_that_call_each_other_in_a_ring_end() {
        let a = request("a", ("1", "2"), "server", 0, 90);
        let b = request("b", ("2", "1"), "server", 0, 90);
        check_calls(&[a, b], &[]);
    }
}
