//! One trace as a tree: which span called which, and under which span each log event was written.

use std::collections::BTreeMap;

use super::{SpanKind, Trace, TraceEvent, TraceSpan};
use crate::time::{SECOND, Timestamp};

/// How far an event may lie outside the span it belongs to: sidecars stamp whole milliseconds, the application another
/// clock of the same machine.
const JOIN_TOLERANCE_NS: i64 = SECOND / 500;

/// How much later than its caller a callee found by time may end: measured up to 2 ms between a load balancer and the
/// service behind it.
const CALL_TOLERANCE_NS: i64 = SECOND / 200;

/// Spans that may be open at once before a caller is no longer looked for: keeps hostile traces linear.
const OPEN_SPANS: usize = 64;

/// A trace with its calls resolved.
#[derive(Debug)]
pub struct Tree<'t> {
    /// Spans first, in the trace's order, then one node for each service that wrote events outside any span.
    pub nodes: Vec<Node<'t>>,
    /// True when records of the trace were cut: what is missing from it proves nothing.
    pub cut: bool,
    /// When its first record began.
    pub start: Timestamp,
}

/// A span with what happened under it, or the events of a service whose spans are not in the export.
#[derive(Debug)]
pub struct Node<'t> {
    /// The span; `None` for events alone.
    pub span: Option<&'t TraceSpan>,
    /// Hash of the service.
    pub service: u64,
    /// Hash of the operation; 0 for events alone.
    pub operation: u64,
    /// Index of the node that caused this one.
    pub parent: Option<usize>,
    /// Indexes of the nodes it caused, earliest first.
    pub children: Vec<usize>,
    /// Events written under it, earliest first.
    pub events: Vec<&'t TraceEvent>,
    /// True when two spans could claim the same events: what is missing here proves nothing.
    pub unclear: bool,
}

impl Node<'_> {
    /// Which side of a call it is; events alone are taken for a handling.
    pub fn kind(&self) -> SpanKind {
        self.span.map_or(SpanKind::Server, |span| span.kind)
    }
}

impl<'t> Tree<'t> {
    /// Resolves a trace.
    pub fn new(trace: &'t Trace) -> Tree<'t> {
        let mut nodes: Vec<Node<'t>> = Vec::with_capacity(trace.spans.len());
        for span in &trace.spans {
            let repeated = |n: &Node<'_>| n.span.is_some_and(|s| same_span(s, span));
            // The same request written twice stands next to itself, since both start at one instant.
            if !nodes.iter().rev().take_while(|n| n.span.is_some_and(|s| s.start == span.start)).take(8).any(repeated) {
                nodes.push(Node::new(Some(span), span.service, span.operation));
            }
        }
        let mut tree = Tree { nodes, cut: trace.is_cut(), start: trace.start() };
        tree.link();
        tree.attach(&trace.events);
        tree
    }

    /// Caller and callee of every call between two services.
    pub fn calls(&self) -> impl Iterator<Item = (u64, u64)> {
        self.nodes.iter().filter_map(|node| {
            let service = node.service;
            match (node.kind(), node.parent, node.span) {
                (SpanKind::Client, _, Some(span)) if node.children.is_empty() && span.peer != 0 => {
                    Some((service, span.peer))
                }
                (_, Some(parent), _) => Some((self.nodes[parent].service, service)),
                _ => None,
            }
            .filter(|(caller, callee)| caller != callee)
        })
    }

    fn link(&mut self) {
        let parents = self.named_parents();
        let parents = if parents.iter().all(Option::is_none) { self.containing_parents() } else { parents };
        self.set_parents(&parents);
    }

    /// Parents by id. A client and a server span that share an id are the two ends of one call.
    fn named_parents(&self) -> Vec<Option<usize>> {
        let mut clients = BTreeMap::new();
        let mut others = BTreeMap::new();
        for (idx, node) in self.nodes.iter().enumerate() {
            let Some(span) = node.span.filter(|span| span.id != 0) else { continue };
            let ends = if span.kind == SpanKind::Client { &mut clients } else { &mut others };
            ends.entry(span.id).or_insert(idx);
        }
        let parent = |(idx, node): (usize, &Node<'_>)| {
            let span = node.span?;
            let twin = clients.get(&span.id).filter(|_| span.kind == SpanKind::Server);
            let named = others.get(&span.parent).or_else(|| clients.get(&span.parent));
            twin.or(named).copied().filter(|parent| *parent != idx)
        };
        self.nodes.iter().enumerate().map(parent).collect()
    }

    /// Parents by time, where no span names one: the innermost request of another service that was open all the while,
    /// if those that were open lie within each other.
    fn containing_parents(&self) -> Vec<Option<usize>> {
        let mut parents = vec![None; self.nodes.len()];
        let mut order: Vec<usize> =
            (0..self.nodes.len()).filter(|idx| self.nodes[*idx].kind() != SpanKind::Internal).collect();
        order.sort_by_key(|idx| (self.start(*idx), std::cmp::Reverse(self.end(*idx)), *idx));
        let mut open: Vec<usize> = Vec::new();
        for idx in order {
            open.retain(|other| self.end(*other) >= self.start(idx));
            let lasts = |outer: usize, inner: usize| self.end(outer).plus(CALL_TOLERANCE_NS) >= self.end(inner);
            let around: Vec<usize> = open.iter().copied().filter(|other| lasts(*other, idx)).collect();
            let nested = around.windows(2).all(|pair| lasts(pair[0], pair[1]));
            let inner = around.last().copied().filter(|inner| self.nodes[*inner].service != self.nodes[idx].service);
            parents[idx] = inner.filter(|_| nested);
            if open.len() < OPEN_SPANS {
                open.push(idx);
            }
        }
        parents
    }

    /// Takes over parents that lead to a root; spans that are their own ancestors become roots.
    fn set_parents(&mut self, parents: &[Option<usize>]) {
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); parents.len()];
        for (idx, parent) in parents.iter().enumerate() {
            if let Some(parent) = parent {
                children[*parent].push(idx);
            }
        }
        let mut reached: Vec<usize> = (0..parents.len()).filter(|idx| parents[*idx].is_none()).collect();
        let mut next = 0;
        while next < reached.len() {
            reached.extend(&children[reached[next]]);
            next += 1;
        }
        for idx in reached {
            self.nodes[idx].parent = parents[idx];
            self.nodes[idx].children = std::mem::take(&mut children[idx]);
        }
    }

    fn attach(&mut self, events: &'t [TraceEvent]) {
        let by_id: BTreeMap<u64, usize> = self.spans().filter(|(_, s)| s.id != 0).map(|(idx, s)| (s.id, idx)).collect();
        let mut by_service: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (idx, span) in self.spans() {
            by_service.entry(span.service).or_default().push(idx);
        }
        let mut groups: BTreeMap<(u64, u64), Vec<&'t TraceEvent>> = BTreeMap::new();
        for event in events {
            groups.entry((event.service, event.span)).or_default().push(event);
        }
        for ((service, span), group) in groups {
            match by_id.get(&span).filter(|idx| self.nodes[**idx].service == service) {
                Some(idx) => self.nodes[*idx].events.extend(group),
                None => self.attach_by_time(service, by_service.get(&service), group),
            }
        }
        for node in &mut self.nodes {
            node.events.sort();
        }
    }

    /// Events of one hidden span go together to the span of their service that was open all the while.
    fn attach_by_time(&mut self, service: u64, spans: Option<&Vec<usize>>, group: Vec<&'t TraceEvent>) {
        let Some(spans) = spans else {
            self.alone(service).events.extend(group);
            return;
        };
        let whole = (group[0].at, group[group.len() - 1].at);
        if group[0].span != 0 && self.claim(spans, whole).is_some() {
            return self.give(spans, whole, &group);
        }
        for event in group {
            self.give(spans, (event.at, event.at), &[event]);
        }
    }

    fn give(&mut self, spans: &[usize], during: (Timestamp, Timestamp), group: &[&'t TraceEvent]) {
        if let Some((idx, sure)) = self.claim(spans, during) {
            self.nodes[idx].events.extend(group);
            if !sure {
                for idx in self.open(spans, during).collect::<Vec<_>>() {
                    self.nodes[idx].unclear = true;
                }
            }
        }
    }

    /// The innermost span open during an interval, and whether no other could have been meant.
    fn claim(&self, spans: &[usize], during: (Timestamp, Timestamp)) -> Option<(usize, bool)> {
        let open: Vec<usize> = self.open(spans, during).take(OPEN_SPANS).collect();
        let nested = open.windows(2).all(|pair| self.end(pair[0]) >= self.end(pair[1]));
        open.last().map(|idx| (*idx, nested))
    }

    fn open<'s>(&'s self, spans: &'s [usize], during: (Timestamp, Timestamp)) -> impl Iterator<Item = usize> + 's {
        let open = move |idx: &usize| {
            self.start(*idx).plus(-JOIN_TOLERANCE_NS) <= during.0 && during.1 <= self.end(*idx).plus(JOIN_TOLERANCE_NS)
        };
        spans.iter().copied().filter(open)
    }

    /// The node for events of a service without spans.
    fn alone(&mut self, service: u64) -> &mut Node<'t> {
        let at = self.nodes.iter().rposition(|n| n.span.is_none() && n.service == service);
        let at = at.unwrap_or_else(|| {
            self.nodes.push(Node::new(None, service, 0));
            self.nodes.len() - 1
        });
        &mut self.nodes[at]
    }

    /// Spans that can hold events: a call seen by its caller cannot.
    fn spans(&self) -> impl Iterator<Item = (usize, &'t TraceSpan)> {
        let span = |(idx, node): (usize, &Node<'t>)| node.span.map(|span| (idx, span));
        self.nodes.iter().enumerate().filter_map(span).filter(|(_, span)| span.kind != SpanKind::Client)
    }

    fn start(&self, idx: usize) -> Timestamp {
        self.nodes[idx].span.map_or(Timestamp::MIN, |span| span.start)
    }

    fn end(&self, idx: usize) -> Timestamp {
        self.nodes[idx].span.map_or(Timestamp::MAX, TraceSpan::end)
    }
}

impl<'t> Node<'t> {
    fn new(span: Option<&'t TraceSpan>, service: u64, operation: u64) -> Node<'t> {
        Node { span, service, operation, parent: None, children: Vec::new(), events: Vec::new(), unclear: false }
    }
}

/// Two entries for one span, as a file given twice has them.
fn same_span(a: &TraceSpan, b: &TraceSpan) -> bool {
    a.id != 0 && (a.id, a.kind, a.service, a.start) == (b.id, b.kind, b.service, b.start)
}
