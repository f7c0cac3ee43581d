//! Fits the weights of the score and the confidence on labelled outages, and measures them on classes left out.
//!
//! `FIRSTFAULT_CASES` is a folder with `sim/`, in it simulated exports, each a folder with a `log.*` file and a
//! `truth.json` (`case` is its class; `incidents` with `onset`, `end` and `root`: `component`, `aliases`). Without it there
//! is nothing to measure, and the tests say so.
//!
//! A fit ranks anew only the five candidates that a report holds per incident; how failures gather into incidents stays
//! as the present weights make it, and so do the candidates' values. A root in no report is wrong under any weights.

#![allow(clippy::print_stdout, reason = "the figures are what these tests are for")]

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use firstfault::analyze::{self, Selection};
use firstfault::cause::WEIGHTS;
use firstfault::pattern::Catalogue;
use firstfault::report::{Cause, Incident, Report};
use firstfault::source::{self, Source};
use firstfault::time::{SECOND, Span, Timestamp};
use regex::Regex;

/// Share of roots named first in classes that the fit has not seen.
const GOAL_TOP1: f64 = 0.80;

/// Confidence from which a cause counts as stated, and the share of those that must be right.
const STATED: (f64, f64) = (0.8, 0.9);

/// Multiples of a present weight that a fit may choose, the present one first: it wins ties.
const MULTIPLES: [f64; 6] = [1.0, 0.75, 1.33, 0.5, 2.0, 0.0];

/// Times that a fit goes over all weights; later ones change nothing.
const ROUNDS: usize = 4;

/// What a doubled weight must gain in mean margin, a fiftieth of the sum of weights: a margin alone hardly moves a weight.
const PREFERENCE: f64 = 0.2;

/// Leads beyond this say nothing more: the rivals are out anyway.
const LEAD_CAP: f64 = 3.0;

/// A report may start late and end early by this much and still tell of the same incident.
const SLACK_NS: i64 = 120 * SECOND;

/// Values of a candidate, in the order of the weights.
type Values = [f64; WEIGHTS.len()];

/// Weights of a score.
type Weights = [f64; WEIGHTS.len()];

#[test]
#[ignore = "reads every case: a minute and more in a debug build"]
fn weights_hold_on_classes_left_out() {
    let present = WEIGHTS.map(|(_, weight)| weight);
    let cases = cases();
    let rows: Vec<&Row> = cases.iter().flat_map(|case| &case.rows).collect();
    if rows.is_empty() {
        return;
    }
    let mut left_out = Top::default();
    for class in classes(cases) {
        let seen: Vec<&Row> = rows.iter().copied().filter(|row| row.class != class).collect();
        let mut top = Top::default();
        let fitted = fit_weights(&seen, present);
        rows.iter().filter(|row| row.class == class).for_each(|row| top.add(row.rank(&fitted)));
        println!("  without {class:24} {top}: {}", changes(&fitted, &present));
        left_out += top;
    }
    let all = fit_weights(&rows, present);
    println!("leave-class-out {left_out}");
    println!("in sample, present weights {}", Top::of(&rows, &present));
    println!("in sample, fitted on all {}: {}", Top::of(&rows, &all), changes(&all, &present));
    assert!(left_out.share(left_out.first) >= GOAL_TOP1, "leave-class-out {left_out}, wanted {GOAL_TOP1}");
}

#[test]
#[ignore = "reads every case: a minute and more in a debug build"]
fn stated_causes_are_right() {
    let cases = cases();
    let all: Vec<&Stated> = cases.iter().flat_map(|case| &case.stated).collect();
    if all.is_empty() {
        return;
    }
    let (mut fitted, mut present) = (Calibration::default(), Calibration::default());
    for class in classes(cases) {
        let seen: Vec<&Stated> = all.iter().copied().filter(|stated| stated.class != class).collect();
        let logistic = Logistic::fit(&seen);
        let unseen = all.iter().filter(|stated| stated.is_first && stated.class == class);
        unseen.for_each(|stated| fitted.add(logistic.confidence(stated), stated.right));
    }
    let first = || all.iter().filter(|stated| stated.is_first);
    first().for_each(|stated| present.add(stated.confidence, stated.right));
    println!("leave-class-out {fitted}");
    println!("as reported     {present}");
    println!("fitted on all   {:?}", Logistic::fit(&all));
    for stated in first().filter(|stated| !stated.right) {
        let Stated { class, lead, score, beside, confidence, .. } = stated;
        println!("  wrong: {class:24} lead {lead:.2} score {score:.2} beside {beside} confidence {confidence}");
    }
    assert!(present.share() >= STATED.1, "as reported {present}, wanted {STATED:?}");
}

/// A labelled export.
struct Case {
    class: String,
    rows: Vec<Row>,
    stated: Vec<Stated>,
}

/// A true incident with the candidates of the report's incident that tells of it, in the order of the report.
struct Row {
    class: String,
    candidates: Vec<(Values, bool)>,
}

/// A cause of a report.
struct Stated {
    class: String,
    lead: f64,
    score: f64,
    beside: bool,
    confidence: f64,
    is_first: bool,
    right: bool,
}

/// Every labelled export, read once, in the order of their names.
fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let catalogue = Catalogue::builtin();
        folders().iter().map(|folder| case(folder, &catalogue)).collect()
    })
}

fn folders() -> Vec<PathBuf> {
    let sim = std::env::var_os("FIRSTFAULT_CASES").map(|cases| Path::new(&cases).join("sim"));
    let Some(sim) = sim.filter(|sim| sim.is_dir()) else {
        println!("skipped: FIRSTFAULT_CASES names no folder with sim/");
        return Vec::new();
    };
    let mut folders: Vec<PathBuf> = std::fs::read_dir(sim).expect("a folder").flatten().map(|e| e.path()).collect();
    folders.retain(|folder| folder.join("truth.json").is_file());
    folders.sort();
    folders
}

/// Classes with incidents, in order.
fn classes(cases: &[Case]) -> BTreeSet<&str> {
    cases.iter().filter(|case| !case.rows.is_empty()).map(|case| case.class.as_str()).collect()
}

fn case(folder: &Path, catalogue: &Catalogue) -> Case {
    let truth = std::fs::read(folder.join("truth.json")).expect("a case has a truth");
    let truth: serde_json::Value = serde_json::from_slice(&truth).expect("truth.json is an object");
    let class = truth["case"].as_str().unwrap_or_default().to_owned();
    let end = time(&truth["log_end"]).expect("an export ends");
    let empty = Vec::new();
    let roots: Vec<Root> =
        truth["incidents"].as_array().unwrap_or(&empty).iter().map(|incident| Root::of(incident, end)).collect();
    let report = report(&export(folder), catalogue);
    let rows = roots.iter().map(|root| row(&class, root, &report, end)).collect();
    let stated = report.incidents.iter().flat_map(|incident| stated(&class, &roots, incident, &report, end)).collect();
    Case { class, rows, stated }
}

/// A true incident.
struct Root {
    span: Span,
    name: Regex,
}

impl Root {
    fn of(incident: &serde_json::Value, log_end: Timestamp) -> Root {
        let start = time(&incident["onset"]).expect("an incident begins");
        let root = &incident["root"];
        let aliases = root["aliases"].as_array().into_iter().flatten();
        let names: Vec<String> =
            aliases.chain([&root["component"]]).filter_map(|name| name.as_str()).map(regex::escape).collect();
        // The whole name, with or without the suffix of a revision or a pod.
        let suffix = r"(?:-\d{5}-[a-z]{3}|-[0-9a-z]{8,10}(?:-[0-9a-z]{5})?)?";
        let name = format!("(?i)(?:^|[^a-z0-9-])(?:{}){suffix}(?:$|[^a-z0-9-])", names.join("|"));
        Root {
            span: Span { start, end: time(&incident["end"]).unwrap_or(log_end) },
            name: Regex::new(&name).expect("escaped names are a pattern"),
        }
    }

    /// True when the component or one of its first three aliases is the root.
    fn is(&self, cause: &Cause) -> bool {
        let aliases = cause.aliases.iter().take(3);
        aliases.chain([&cause.component]).any(|name| self.name.is_match(name))
    }
}

fn time(value: &serde_json::Value) -> Option<Timestamp> {
    value.as_str().and_then(Timestamp::parse)
}

/// The export among the files of a case.
fn export(folder: &Path) -> PathBuf {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).expect("a folder").flatten().map(|e| e.path()).collect();
    files.retain(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("log.")));
    files.sort();
    files.swap_remove(0)
}

fn report(export: &Path, catalogue: &Catalogue) -> Report {
    let options = analyze::Options {
        selection: &Selection::default(),
        threads: 0,
        source: source::Options::default(),
        max_memory: analyze::MAX_MEMORY,
        progress: &|_| (),
        stop: &AtomicBool::new(false),
    };
    let mut reading = analyze::read(&[Source::File(export.to_owned())], catalogue, options);
    analyze::conclude(&mut reading, catalogue, None)
}

/// Of the incidents at the same time, the one that names the root best; none of them names it in an empty row.
fn row(class: &str, root: &Root, report: &Report, log_end: Timestamp) -> Row {
    let at_the_time = report.incidents.iter().filter(|incident| {
        let span = span(incident, log_end);
        span.start.plus(-SLACK_NS) <= root.span.end && root.span.start.plus(-SLACK_NS) <= span.end
    });
    let named = at_the_time.filter_map(|incident| {
        let rank = incident.causes.iter().position(|cause| root.is(cause));
        rank.map(|rank| (rank, incident))
    });
    let best = named.min_by_key(|(rank, _)| *rank);
    let causes = best.map(|(_, incident)| incident.causes.as_slice()).unwrap_or_default();
    Row { class: class.to_owned(), candidates: causes.iter().map(|cause| (values(cause), root.is(cause))).collect() }
}

fn span(incident: &Incident, log_end: Timestamp) -> Span {
    Span { start: incident.start, end: incident.end.unwrap_or(log_end) }
}

fn values(cause: &Cause) -> Values {
    WEIGHTS.map(|(name, _)| value(cause, name))
}

fn value(cause: &Cause, name: &str) -> f64 {
    cause.features.iter().find(|feature| feature.name == name).expect("a cause has every feature").value
}

fn stated(class: &str, roots: &[Root], incident: &Incident, report: &Report, log_end: Timestamp) -> Vec<Stated> {
    let mine = span(incident, log_end);
    let beside = report.incidents.iter().any(|i| i.id != incident.id && span(i, log_end).overlaps(&mine));
    let stated = |(i, cause): (usize, &Cause)| {
        let rivals = incident.causes.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, rival)| rival.score);
        Stated {
            class: class.to_owned(),
            lead: (cause.score - rivals.fold(0.0, f64::max)).min(LEAD_CAP),
            score: cause.score,
            beside,
            confidence: cause.confidence,
            is_first: i == 0,
            right: roots.iter().any(|root| root.is(cause)),
        }
    };
    incident.causes.iter().enumerate().map(stated).collect()
}

impl Row {
    /// Place of the root under these weights, from 0.
    fn rank(&self, weights: &Weights) -> Option<usize> {
        let mut ranked: Vec<(f64, &(Values, bool))> =
            self.candidates.iter().map(|candidate| (score(&candidate.0, weights), candidate)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        if ranked.first().is_some_and(|(_, (values, _))| !has_own(values)) {
            ranked.sort_by_key(|(_, (values, _))| !(has_own(values) && value_of(values, "coverage") >= 0.3));
        }
        ranked.iter().position(|(_, (_, is_root))| *is_root)
    }

    /// The root's lead over its best rival, as a share of the sum of weights.
    fn margin(&self, weights: &Weights) -> f64 {
        let best = |wanted: bool| {
            let scores = self.candidates.iter().filter(|(_, is_root)| *is_root == wanted);
            scores.map(|(values, _)| score(values, weights)).max_by(f64::total_cmp)
        };
        let size: f64 = weights.iter().map(|weight| weight.abs()).sum();
        best(true).map_or(0.0, |root| (root - best(false).unwrap_or(0.0)) / size)
    }
}

fn score(values: &Values, weights: &Weights) -> f64 {
    values.iter().zip(weights).map(|(value, weight)| value * weight).sum()
}

/// The role gate, as the ranking has it: evidence of its own, or a plausible change.
fn has_own(values: &Values) -> bool {
    value_of(values, "role") >= 0.3 || value_of(values, "trigger") >= 0.5
}

fn value_of(values: &Values, name: &str) -> f64 {
    WEIGHTS.iter().zip(values).find(|((known, _), _)| *known == name).expect("a known feature").1.to_owned()
}

/// Coordinate ascent from the present weights.
fn fit_weights(rows: &[&Row], present: Weights) -> Weights {
    let mut weights = present;
    let mut best = goodness(rows, &weights, &present);
    for _ in 0..ROUNDS {
        for i in 0..weights.len() {
            for multiple in MULTIPLES {
                let mut other = weights;
                other[i] = present[i] * multiple;
                let goodness = goodness(rows, &other, &present);
                if better(goodness, best) {
                    (weights, best) = (other, goodness);
                }
            }
        }
    }
    weights
}

/// Roots named first; then the mean margin, less what it costs to leave the present weights.
fn goodness(rows: &[&Row], weights: &Weights, present: &Weights) -> (usize, f64) {
    let first = rows.iter().filter(|row| row.rank(weights) == Some(0)).count();
    let margin = rows.iter().map(|row| row.margin(weights)).sum::<f64>() / rows.len() as f64;
    let moved: f64 = weights.iter().zip(present).map(|(weight, present)| (weight / present - 1.0).powi(2)).sum();
    (first, margin - PREFERENCE * moved / weights.len() as f64)
}

fn better(a: (usize, f64), b: (usize, f64)) -> bool {
    a.0.cmp(&b.0).then(a.1.total_cmp(&(b.1 + 1e-9))) == Ordering::Greater
}

fn changes(weights: &Weights, present: &Weights) -> String {
    let changed = WEIGHTS.iter().zip(weights.iter().zip(present)).filter(|(_, (weight, present))| weight != present);
    let changed: Vec<String> = changed.map(|((name, _), (weight, _))| format!("{name} {weight:.2}")).collect();
    if changed.is_empty() { "as at present".to_owned() } else { changed.join(", ") }
}

/// How often the root is first, and among the first three.
#[derive(Clone, Copy, Default)]
struct Top {
    n: usize,
    first: usize,
    third: usize,
}

impl Top {
    fn of(rows: &[&Row], weights: &Weights) -> Top {
        let mut top = Top::default();
        rows.iter().for_each(|row| top.add(row.rank(weights)));
        top
    }

    fn add(&mut self, rank: Option<usize>) {
        self.n += 1;
        self.first += usize::from(rank == Some(0));
        self.third += usize::from(rank.is_some_and(|rank| rank < 3));
    }

    fn share(&self, count: usize) -> f64 {
        count as f64 / self.n.max(1) as f64
    }
}

impl std::ops::AddAssign for Top {
    fn add_assign(&mut self, other: Top) {
        *self = Top { n: self.n + other.n, first: self.first + other.first, third: self.third + other.third };
    }
}

impl std::fmt::Display for Top {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "n {} top1 {:.3} top3 {:.3}", self.n, self.share(self.first), self.share(self.third))
    }
}

/// Confidence as a logistic function of a cause's lead, its score, and whether another incident runs beside its own.
///
/// Fitted on all causes of an incident, not the first alone: a tie of two then halves what is believed of each.
#[derive(Clone, Copy, Debug, Default)]
struct Logistic {
    lead: f64,
    score: f64,
    beside: f64,
    offset: f64,
}

impl Logistic {
    /// Gradient ascent on the likelihood, with slopes held small.
    fn fit(seen: &[&Stated]) -> Logistic {
        const STEPS: usize = 5_000;
        const RATE: f64 = 0.1;
        const RIDGE: f64 = 0.005;
        let mut fit = Logistic::default();
        for _ in 0..STEPS {
            let mut gradient = Logistic::default();
            for stated in seen {
                let error = (f64::from(stated.right) - fit.confidence(stated)) / seen.len() as f64;
                gradient.lead += error * stated.lead;
                gradient.score += error * stated.score;
                gradient.beside += error * f64::from(stated.beside);
                gradient.offset += error;
            }
            fit.lead += RATE * (gradient.lead - RIDGE * fit.lead);
            fit.score += RATE * (gradient.score - RIDGE * fit.score);
            fit.beside += RATE * (gradient.beside - RIDGE * fit.beside);
            fit.offset += RATE * gradient.offset;
        }
        fit
    }

    fn confidence(&self, stated: &Stated) -> f64 {
        let beside = self.beside * f64::from(stated.beside);
        let logit = self.lead * stated.lead + self.score * stated.score + beside + self.offset;
        1.0 / (1.0 + (-logit).exp())
    }
}

/// Of the causes stated, how many are right.
#[derive(Default)]
struct Calibration {
    n: usize,
    stated: usize,
    right: usize,
}

impl Calibration {
    fn add(&mut self, confidence: f64, right: bool) {
        self.n += 1;
        if confidence >= STATED.0 {
            self.stated += 1;
            self.right += usize::from(right);
        }
    }

    fn share(&self) -> f64 {
        self.right as f64 / self.stated.max(1) as f64
    }
}

impl std::fmt::Display for Calibration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Calibration { n, stated, right } = self;
        write!(f, "{right}/{stated} right ({:.3}) of those at {} or more, of {n}", self.share(), STATED.0)
    }
}
