//! Code evidence: what a healthy request of an operation always does, and now no longer does.
//!
//! - **Steps** of a handling are the templates of its log lines and the operations of its calls.
//! - **Rules**, per service and operation, are learned from healthy traces: a step that always happens, and a step that always
//!   happens where another one does. The second keeps branches apart, so that a change of traffic breaks no rule.
//! - A handling **breaks** a rule when the step is missing, or when it logs a warning or error never seen there before.
//! - One that says another service was unreachable neither teaches nor counts: that is the other's fault.
//! - **Deepest first**: it is explained when a handling of another service below it in the same trace is broken too.
//! - The score of a service is the largest two-proportion score of its unexplained broken handlings, over its operations.
//! - Where only calls are visible: a step that **dropped** to half with nothing in its place, and calls after which a request
//!   now **ends**. Two callers that end after calling the same quiet service blame that one.

use std::collections::{BTreeMap, BTreeSet};

use super::sample::{Hits, onset, proportion_score};
use super::{Clarity, EXEMPLARS, Healthy, Kind, Suspect, WindowPart, exemplar, exemplar_of_span, name};
use crate::summary::Exemplar;
use crate::summary::traces::{Level, Node, SpanKind, Tree};
use crate::time::Timestamp;

/// Handlings of an operation in the baseline from which rules are learned.
const MIN_TAUGHT: usize = 4;

/// Share of the healthy handlings in which a rule must hold. 0.95 to 0.99 give the same ranking, 0.9 lets habits pass for
/// rules (AS@1 0.86 instead of 1.0 on the cases it was set on).
const MIN_CONFIDENCE: f64 = 0.97;

/// Score from which a service is named at all, and from which it is clear. Fault-free windows of the measured shops reached
/// 3.6, where the fault had begun early; faults of operations that are called five times in a window stay below 4 too.
const MIN_SCORE: f64 = 2.5;
const CLEAR_SCORE: f64 = 4.0;

/// Handlings that must show it for the one and for the other: a score alone would let one request decide.
const MIN_SHOWN: usize = 2;
const CLEAR_SHOWN: usize = 3;

/// Score from which a dropped step counts by itself: it is looked for among all steps of all operations.
const MIN_DROP_SCORE: f64 = 5.0;

/// A step that took over this share of what another one lost replaces it: another mix of traffic, not a fault.
const COMPENSATION: f64 = 0.7;

/// Score from which requests are said to end after a call, and the share of them by which that must have grown.
const MIN_END_SCORE: f64 = 3.0;
const MIN_END_RISE: f64 = 0.1;

/// Distinct steps of an operation that rules are learned about, the most frequent ones: pairs of them are counted.
const STEPS_PER_OPERATION: usize = 128;

/// What a handling did, told apart by hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// It logged this template.
    Log(u64),
    /// It called this operation.
    Call(u64),
}

/// A handling with its steps.
struct Handling {
    /// Index of its tree in the window, and of its node there.
    at: (usize, usize),
    /// When it could be known.
    effect: Timestamp,
    /// First time of each step, in order of time.
    steps: Vec<(Timestamp, Step)>,
    /// Templates it logged at WARNING or above.
    alarms: BTreeSet<u64>,
}

/// Service and operation.
type Operation = (u64, u64);

/// The handlings of one window that can teach or count.
type Handlings = BTreeMap<Operation, Vec<Handling>>;

/// What a healthy handling of an operation does.
#[derive(Default)]
struct Rules {
    n: usize,
    /// Handlings that break them all the same.
    n_broken: usize,
    /// Templates logged at WARNING or above: that one is missing is no fault.
    alarms: BTreeSet<u64>,
    /// Every step seen, with the number of handlings that took it.
    known: BTreeMap<Step, usize>,
    /// Steps that nearly all take.
    always: BTreeSet<Step>,
    /// Steps that nearly all take which take the key.
    implied: BTreeMap<Step, BTreeSet<Step>>,
    /// Sum of the positions at which each step came, over `known`.
    positions: BTreeMap<Step, usize>,
}

/// How a handling breaks the rules.
#[derive(Default)]
struct Breach {
    missing: BTreeSet<Step>,
    alarms: BTreeSet<u64>,
}

/// What is said about a service.
struct Charge {
    score: f64,
    text: String,
    n_affected: usize,
    n_compared: usize,
    onset: Timestamp,
    exemplars: Vec<Exemplar>,
}

/// What healthy handlings do.
pub(super) struct Ways {
    last_calls: BTreeMap<Operation, BTreeMap<u64, Ends>>,
    rules: BTreeMap<Operation, Rules>,
}

impl Ways {
    /// Learns the rules of every operation.
    pub(super) fn learn(part: WindowPart<'_, '_>) -> Ways {
        let handlings = handlings(part);
        let last_calls = handlings.iter().map(|(operation, known)| (*operation, last_calls(part, known))).collect();
        let rules = handlings.iter().map(|(operation, known)| (*operation, learn(known))).collect();
        Ways { last_calls, rules }
    }

    fn taught(&self, operation: &Operation) -> Option<&Rules> {
        self.rules.get(operation).filter(|rules| rules.n >= MIN_TAUGHT)
    }
}

/// Services that left their ways, most clearly first.
pub(super) fn suspects(fault: WindowPart<'_, '_>, healthy: &Healthy<'_>, uncompared: &mut Vec<String>) -> Vec<Suspect> {
    let now = handlings(fault);
    let n_new = now.keys().filter(|operation| healthy.ways.taught(operation).is_none()).count();
    if n_new > 0 {
        uncompared.push(format!(
            "{n_new} of {} operations have fewer than {MIN_TAUGHT} healthy requests: what they should log or call is not known",
            now.len()
        ));
    }
    let case = Case { fault, healthy, now: &now };
    let mut charges: BTreeMap<u64, Vec<Charge>> = BTreeMap::new();
    case.breaches(&mut charges);
    case.drops(&mut charges);
    case.ends(&mut charges);
    let mut suspects: Vec<Suspect> =
        charges.into_iter().filter_map(|(service, charges)| suspect(case.name(service), charges)).collect();
    suspects.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.service.cmp(&b.service)));
    suspects
}

/// Broken rules by operation, and usual steps lacking by operation and step.
pub(super) fn hits(fault: WindowPart<'_, '_>, healthy: &Healthy<'_>) -> Vec<Hits> {
    let now = handlings(fault);
    let mut all = Vec::new();
    for (operation, handlings) in &now {
        let Some(rules) = healthy.ways.taught(operation) else { continue };
        let broken = |handling: &Handling| !rules.breach(handling).is_empty();
        all.push(Hits {
            now: handlings.iter().map(|h| (h.at.0, broken(h))).collect(),
            before: (rules.n_broken, rules.n),
        });
        let usual = rules.known.iter().filter(|(step, k0)| **k0 * 5 >= rules.n && !rules.is_alarm(**step));
        for (step, k0) in usual.take(STEPS_PER_OPERATION) {
            let now = handlings.iter().map(|handling| (handling.at.0, !handling.took(*step))).collect();
            all.push(Hits { now, before: (rules.n - k0, rules.n) });
        }
    }
    all
}

fn suspect(service: &str, mut charges: Vec<Charge>) -> Option<Suspect> {
    charges.retain(|charge| charge.n_affected >= MIN_SHOWN);
    charges.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut charges = charges.into_iter();
    let first = charges.next().filter(|first| first.score >= MIN_SCORE)?;
    let clear = first.score >= CLEAR_SCORE && first.n_affected >= CLEAR_SHOWN;
    Some(Suspect {
        service: service.to_owned(),
        kind: Kind::Code,
        clarity: if clear { Clarity::Clear } else { Clarity::Faint },
        score: first.score,
        significance: first.score,
        text: first.text,
        details: charges.filter(|charge| charge.score >= MIN_SCORE).map(|charge| charge.text).collect(),
        n_affected: first.n_affected as u64,
        n_compared: first.n_compared as u64,
        onset: first.onset,
        exemplars: first.exemplars,
    })
}

/// The window and what the healthy one taught.
struct Case<'c, 't> {
    fault: WindowPart<'c, 't>,
    healthy: &'c Healthy<'t>,
    now: &'c Handlings,
}

impl Case<'_, '_> {
    fn name(&self, hash: u64) -> &str {
        name(self.fault.traces, self.healthy.traces, hash)
    }

    fn taught(&self, operation: &Operation) -> Option<&Rules> {
        self.healthy.ways.taught(operation)
    }

    /// Charges services whose handlings break rules that no deeper breach explains.
    fn breaches(&self, charges: &mut BTreeMap<u64, Vec<Charge>>) {
        let broken: BTreeMap<(usize, usize), Breach> = self
            .now
            .iter()
            .filter_map(|(operation, handlings)| Some((self.taught(operation)?, handlings)))
            .flat_map(|(rules, handlings)| handlings.iter().map(|handling| (handling.at, rules.breach(handling))))
            .filter(|(_, breach)| !breach.is_empty())
            .collect();
        for (operation, handlings) in self.now {
            let Some(rules) = self.taught(operation) else { continue };
            let open = |handling: &&Handling| broken.contains_key(&handling.at) && !self.explained(handling, &broken);
            let open: Vec<&Handling> = handlings.iter().filter(open).collect();
            let score =
                proportion_score(open.len() as f64, handlings.len() as f64, rules.n_broken as f64, rules.n as f64);
            if score >= MIN_SCORE {
                let breaches: Vec<&Breach> = open.iter().map(|handling| &broken[&handling.at]).collect();
                let text = self.breach_text(*operation, rules, &breaches, handlings.len());
                charges.entry(operation.0).or_default().push(self.charge(score, text, &open, handlings));
            }
        }
    }

    /// Charges services with a step that dropped to half while no other known step took its place.
    fn drops(&self, charges: &mut BTreeMap<u64, Vec<Charge>>) {
        for (operation, handlings) in self.now {
            let Some(rules) = self.taught(operation) else { continue };
            let counts = count(handlings);
            let (n, n0) = (handlings.len() as f64, rules.n as f64);
            let rise = |step: &Step| counts.get(step).map_or(0.0, |k| *k as f64 / n) - rules.known[step] as f64 / n0;
            let best_rise = rules.known.keys().map(rise).fold(0.0, f64::max);
            for (step, k0) in &rules.known {
                let k = counts.get(step).copied().unwrap_or(0);
                let (share, share0) = (k as f64 / n, *k0 as f64 / n0);
                if rules.is_alarm(*step) || share > share0 / 2.0 || best_rise >= COMPENSATION * (share0 - share) {
                    continue;
                }
                let score = proportion_score(n - k as f64, n, n0 - *k0 as f64, n0);
                if score <= MIN_DROP_SCORE {
                    continue;
                }
                let lacking: Vec<&Handling> = handlings.iter().filter(|handling| !handling.took(*step)).collect();
                let text = format!(
                    "{} {} in {k} of {} {}, before in {k0} of {}, and nothing took its place",
                    self.name(operation.0),
                    self.did(*step),
                    handlings.len(),
                    self.requests(*operation),
                    rules.n
                );
                charges.entry(operation.0).or_default().push(self.charge(score, text, &lacking, handlings));
            }
        }
    }

    /// Charges the callee when requests of several callers now end after calling it, the caller when it is alone in that.
    fn ends(&self, charges: &mut BTreeMap<u64, Vec<Charge>>) {
        let mut by_callee: BTreeMap<u64, BTreeMap<u64, Charge>> = BTreeMap::new();
        for (operation, handlings) in self.now {
            let Some(before) = self.healthy.ways.last_calls.get(operation) else { continue };
            for (call, ends) in last_calls(self.fault, handlings) {
                let Some(old) = before.get(&call) else { continue };
                let (k, n) = (ends.last.len() as f64, ends.n as f64);
                let (k0, n0) = (old.last.len() as f64, old.n as f64);
                let score = proportion_score(k, n, k0, n0);
                if score <= MIN_END_SCORE || k / n - k0 / n0 <= MIN_END_RISE || ends.callee == operation.0 {
                    continue;
                }
                let open: Vec<&Handling> = ends.last.iter().map(|i| &handlings[*i]).collect();
                let text = format!(
                    "{} ends after calling {} in {k} of {n} {}, before in {k0} of {n0}",
                    self.name(operation.0),
                    self.name(ends.callee),
                    self.requests(*operation),
                );
                let charge = self.charge(score, text, &open, handlings);
                let best = by_callee.entry(ends.callee).or_default().entry(operation.0);
                match best {
                    std::collections::btree_map::Entry::Occupied(mut best) if best.get().score < score => {
                        drop(best.insert(charge))
                    }
                    std::collections::btree_map::Entry::Occupied(_) => {}
                    std::collections::btree_map::Entry::Vacant(vacant) => drop(vacant.insert(charge)),
                }
            }
        }
        let ending: BTreeSet<u64> = by_callee.values().flat_map(|callers| callers.keys().copied()).collect();
        for (callee, callers) in by_callee {
            let quiet = !charges.contains_key(&callee) && !ending.contains(&callee);
            match callers.len() {
                1 if quiet => {
                    callers.into_iter().for_each(|(caller, charge)| charges.entry(caller).or_default().push(charge))
                }
                1 => {}
                _ if ending.contains(&callee) => {}
                _ => blame(callee, callers, charges),
            }
        }
    }

    /// Whether a handling of another service below this one is broken too.
    fn explained(&self, handling: &Handling, broken: &BTreeMap<(usize, usize), Breach>) -> bool {
        let tree = &self.fault.trees[handling.at.0];
        let service = tree.nodes[handling.at.1].service;
        let mut below = tree.nodes[handling.at.1].children.clone();
        while let Some(idx) = below.pop() {
            if tree.nodes[idx].service != service && broken.contains_key(&(handling.at.0, idx)) {
                return true;
            }
            below.extend(&tree.nodes[idx].children);
        }
        false
    }

    fn charge(&self, score: f64, text: String, open: &[&Handling], all: &[Handling]) -> Charge {
        let hit: BTreeSet<(usize, usize)> = open.iter().map(|handling| handling.at).collect();
        let mut hits: Vec<(Timestamp, bool)> = all.iter().map(|h| (h.effect, hit.contains(&h.at))).collect();
        hits.sort();
        let exemplars = open.iter().filter_map(|handling| self.exemplar(handling)).take(EXEMPLARS).collect();
        let onset = onset(&hits).unwrap_or_default();
        Charge { score, text, n_affected: open.len(), n_compared: all.len(), onset, exemplars }
    }

    /// The request itself, or the last line its handling logged.
    fn exemplar(&self, handling: &Handling) -> Option<Exemplar> {
        let node = &self.fault.trees[handling.at.0].nodes[handling.at.1];
        let traces = self.fault.traces;
        if let Some(span) = node.span {
            return Some(exemplar_of_span(traces, span));
        }
        let event = node.events.last()?;
        let text = traces.template(event.template).unwrap_or_default().to_owned();
        Some(exemplar(traces, &event.witness, event.service, (event.at, event.at), text))
    }

    /// `` `Class#34 …` no longer follows `Class#31 …` in 19 of 20 requests of `POST /x` ``
    fn breach_text(&self, operation: Operation, rules: &Rules, breaches: &[&Breach], n: usize) -> String {
        let mut missing: BTreeMap<Step, usize> = BTreeMap::new();
        let mut alarms: BTreeMap<u64, usize> = BTreeMap::new();
        for breach in breaches {
            breach.missing.iter().for_each(|step| *missing.entry(*step).or_default() += 1);
            breach.alarms.iter().for_each(|alarm| *alarms.entry(*alarm).or_default() += 1);
        }
        let service = self.name(operation.0);
        let of = format!("of {n} {}", self.requests(operation));
        let mut texts = Vec::new();
        if let Some((step, k)) = rules.first_missing(&missing) {
            let after = match rules.before(step) {
                Some(earlier) => format!("no longer {} after it {}", self.does(step), self.did(earlier)),
                None => format!("no longer {}", self.does(step)),
            };
            texts.push(format!("{after} in {k} {of}"));
        }
        if let Some((alarm, k)) = alarms.iter().max_by_key(|(alarm, k)| (**k, std::cmp::Reverse(**alarm))) {
            texts.push(format!("newly logs `{}` in {k} {of}", self.template(*alarm)));
        }
        format!("{service} {}", texts.join(", and "))
    }

    fn does(&self, step: Step) -> String {
        match step {
            Step::Log(template) => format!("logs `{}`", self.template(template)),
            Step::Call(operation) => format!("calls `{}`", self.name(operation)),
        }
    }

    fn did(&self, step: Step) -> String {
        match step {
            Step::Log(template) => format!("logged `{}`", self.template(template)),
            Step::Call(operation) => format!("called `{}`", self.name(operation)),
        }
    }

    fn template(&self, hash: u64) -> &str {
        let known = self.fault.traces.template(hash).or_else(|| self.healthy.traces.template(hash));
        known.map_or("?", statement)
    }

    fn requests(&self, operation: Operation) -> String {
        if operation.1 == 0 { "traces".to_owned() } else { format!("requests of `{}`", self.name(operation.1)) }
    }
}

/// A template without the time and level that many begin with: what a person would call the line.
fn statement(template: &str) -> &str {
    let text = template.trim_start_matches(['*', ' ', '[']);
    let levels = ["TRACE ", "DEBUG ", "INFO ", "WARN ", "WARNING ", "ERROR "];
    levels.iter().find_map(|level| text.strip_prefix(level)).unwrap_or(text).trim_start()
}

/// Handlings after which a request ended.
#[derive(Default)]
struct Ends {
    callee: u64,
    n: usize,
    last: Vec<usize>,
}

/// Several callers end after the same callee: it carries the largest of their scores, they half of theirs.
fn blame(callee: u64, callers: BTreeMap<u64, Charge>, charges: &mut BTreeMap<u64, Vec<Charge>>) {
    for caller in callers.keys() {
        charges.entry(*caller).or_default().iter_mut().for_each(|charge| charge.score /= 2.0);
    }
    let n = callers.len();
    let worst = callers.into_values().max_by(|a, b| a.score.total_cmp(&b.score));
    if let Some(mut worst) = worst {
        worst.text = format!("{}; {n} callers do", worst.text);
        charges.entry(callee).or_default().push(worst);
    }
}

/// The service that handles a call, or the one that makes it where the handling is not in the export.
fn callee(tree: &Tree<'_>, handling: &Handling, call: u64) -> u64 {
    let node = &tree.nodes[handling.at.1];
    let Some(child) = node.children.iter().map(|child| &tree.nodes[*child]).find(|child| child.operation == call)
    else {
        return node.service;
    };
    if child.kind() != SpanKind::Client {
        return child.service;
    }
    let peer = child.span.map_or(0, |span| span.peer);
    let handled = child.children.iter().map(|idx| tree.nodes[*idx].service).find(|service| *service != node.service);
    handled.or((peer != 0).then_some(peer)).unwrap_or(node.service)
}

/// For each operation called: how often it was, and in which handlings it was the last.
fn last_calls(part: WindowPart<'_, '_>, handlings: &[Handling]) -> BTreeMap<u64, Ends> {
    let mut calls: BTreeMap<u64, Ends> = BTreeMap::new();
    for (i, handling) in handlings.iter().enumerate() {
        let tree = &part.trees[handling.at.0];
        let last = tree.nodes[handling.at.1].children.last().map(|child| tree.nodes[*child].operation);
        for call in handling.steps.iter().filter_map(|(_, step)| step.call()) {
            let ends =
                calls.entry(call).or_insert_with(|| Ends { callee: callee(tree, handling, call), ..Ends::default() });
            ends.n += 1;
            if Some(call) == last {
                ends.last.push(i);
            }
        }
    }
    calls
}

fn handlings(part: WindowPart<'_, '_>) -> Handlings {
    let mut found = Handlings::new();
    for (t, tree) in part.trees.iter().enumerate().filter(|(_, tree)| !tree.cut) {
        for (idx, node) in tree.nodes.iter().enumerate() {
            let counts = node.kind() != SpanKind::Client && !node.unclear && !node.events.iter().any(|e| e.unreachable);
            if counts {
                found.entry((node.service, node.operation)).or_default().push(handling(tree, node, (t, idx)));
            }
        }
    }
    found
}

fn handling(tree: &Tree<'_>, node: &Node<'_>, at: (usize, usize)) -> Handling {
    let logs = node.events.iter().map(|event| (event.at, Step::Log(event.template)));
    let calls = node.children.iter().map(|child| &tree.nodes[*child]);
    let calls = calls.filter_map(|child| Some((child.span?.start, Step::Call(child.operation))));
    let mut all: Vec<(Timestamp, Step)> = logs.chain(calls).collect();
    all.sort();
    let mut seen = BTreeSet::new();
    all.retain(|(_, step)| seen.insert(*step));
    let effect = node.span.map(|span| span.end()).or(all.last().map(|(at, _)| *at)).unwrap_or_default();
    let alarms = node.events.iter().filter(|event| event.level > Level::Plain).map(|event| event.template).collect();
    Handling { at, effect, steps: all, alarms }
}

fn count(handlings: &[Handling]) -> BTreeMap<Step, usize> {
    let mut counts = BTreeMap::new();
    for (_, step) in handlings.iter().flat_map(|handling| &handling.steps) {
        *counts.entry(*step).or_default() += 1;
    }
    counts
}

/// What the handlings of one operation have in common.
fn learn(handlings: &[Handling]) -> Rules {
    let known = count(handlings);
    let n = handlings.len();
    let alarms: BTreeSet<u64> = handlings.iter().flat_map(|handling| &handling.alarms).copied().collect();
    let enough = |k: usize, of: usize| k as f64 >= MIN_CONFIDENCE * of as f64;
    let always = known.iter().filter(|(_, k)| enough(**k, n)).map(|(step, _)| *step).collect();
    let mut frequent: Vec<(usize, Step)> =
        known.iter().filter(|(_, k)| **k >= MIN_TAUGHT).map(|(step, k)| (*k, *step)).collect();
    frequent.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    frequent.truncate(STEPS_PER_OPERATION);
    let pairs = count_pairs(handlings, &frequent);
    let mut implied: BTreeMap<Step, BTreeSet<Step>> = BTreeMap::new();
    for (i, (k, step)) in frequent.iter().enumerate() {
        let others = frequent.iter().enumerate().filter(|(j, _)| i != *j && enough(pairs[i * frequent.len() + j], *k));
        implied.entry(*step).or_default().extend(others.map(|(_, (_, other))| *other));
    }
    let mut positions = BTreeMap::new();
    for (position, (_, step)) in handlings.iter().flat_map(|handling| handling.steps.iter().enumerate()) {
        *positions.entry(*step).or_default() += position;
    }
    let mut rules = Rules { n, n_broken: 0, alarms, known, always, implied, positions };
    rules.n_broken = handlings.iter().filter(|handling| !rules.breach(handling).is_empty()).count();
    rules
}

/// How many handlings took both of two steps, row by row.
fn count_pairs(handlings: &[Handling], steps: &[(usize, Step)]) -> Vec<usize> {
    let index: BTreeMap<Step, usize> = steps.iter().enumerate().map(|(i, (_, step))| (*step, i)).collect();
    let mut pairs = vec![0; steps.len() * steps.len()];
    for handling in handlings {
        let taken: Vec<usize> = handling.steps.iter().filter_map(|(_, step)| index.get(step).copied()).collect();
        for i in &taken {
            for j in &taken {
                pairs[i * steps.len() + j] += 1;
            }
        }
    }
    pairs
}

impl Rules {
    fn breach(&self, handling: &Handling) -> Breach {
        let taken: BTreeSet<Step> = handling.steps.iter().map(|(_, step)| *step).collect();
        let implied = taken.iter().filter_map(|step| self.implied.get(step)).flatten();
        let missing = self.always.iter().chain(implied).filter(|step| !taken.contains(*step) && !self.is_alarm(**step));
        let missing = missing.copied().collect();
        let new = |alarm: &&u64| !self.known.contains_key(&Step::Log(**alarm));
        Breach { missing, alarms: handling.alarms.iter().filter(new).copied().collect() }
    }

    /// Of the steps missing nearly as often as the one missing most, the one that used to come first.
    fn first_missing(&self, missing: &BTreeMap<Step, usize>) -> Option<(Step, usize)> {
        let most = missing.values().max().copied().unwrap_or(0);
        let often = missing.iter().filter(|(_, k)| **k * 10 >= most * 9);
        let first = often.min_by(|a, b| self.position(*a.0).total_cmp(&self.position(*b.0)));
        first.map(|(step, k)| (*step, *k))
    }

    /// The step that used to come right before this one.
    fn before(&self, step: Step) -> Option<Step> {
        let at = self.position(step);
        let implies = |other: &&Step| self.implied.get(other).is_some_and(|implied| implied.contains(&step));
        let earlier = self.known.keys().filter(implies).filter(|other| self.position(**other) < at);
        earlier.max_by(|a, b| self.position(**a).total_cmp(&self.position(**b))).copied()
    }

    fn is_alarm(&self, step: Step) -> bool {
        matches!(step, Step::Log(template) if self.alarms.contains(&template))
    }

    fn position(&self, step: Step) -> f64 {
        match (self.positions.get(&step), self.known.get(&step)) {
            (Some(sum), Some(n)) => *sum as f64 / *n as f64,
            _ => f64::MAX,
        }
    }
}

impl Breach {
    fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.alarms.is_empty()
    }
}

impl Handling {
    fn took(&self, step: Step) -> bool {
        self.steps.iter().any(|(_, taken)| *taken == step)
    }
}

impl Step {
    fn call(self) -> Option<u64> {
        match self {
            Step::Call(operation) => Some(operation),
            Step::Log(_) => None,
        }
    }
}
