//! Memory of earlier incidents, and what changed between two reports.
//!
//! A fingerprint is a few kilobytes of pretty JSON with one fact a line, so that a folder of them lives well in git.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::entry::ComponentKind;
use crate::face::escape::terminal;
use crate::report::wording::{count, counted, duration, list, status};
use crate::report::{Coverage, Incident, PatternCount, Priority, Regression, Report, Status};
use crate::time::Timestamp;

/// The schema of a fingerprint.
pub const SCHEMA: &str = "firstfault.fingerprint/1";

/// Links of a chain that are kept and compared; chains are far shorter, a hostile file need not be.
const MAX_LINKS: usize = 64;
/// Patterns kept; the most frequent ones tell incidents apart.
const MAX_PATTERNS: usize = 40;
/// Share of the longer chain that must agree: below, two incidents only share symptoms.
const SAME_SHARE: f64 = 0.6;
/// A rate that at least doubles is a growth worth a line.
const GROWTH: f64 = 2.0;
/// Standard deviations of a Poisson count that a growth must exceed, so that 1 → 3 is none.
const NOISE_SIGMAS: f64 = 3.0;

/// What an incident is known by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// `2026-03-02-checkout-3fa9c27b`: fit for a file name.
    pub id: String,
    /// The incident's own fingerprint.
    pub fingerprint: String,
    /// What happened.
    pub title: String,
    /// How bad it was.
    pub priority: Priority,
    /// How it stood at the end of its export.
    pub status: Status,
    /// Onset.
    pub start: Timestamp,
    /// Last failure that was seen.
    pub end: Timestamp,
    /// From the cause to the outermost symptom.
    pub chain: Vec<ChainLink>,
    /// Patterns of the incident, sorted.
    pub patterns: Vec<String>,
    /// Revisions that were named, with their counters as `#`.
    pub revisions: Vec<String>,
}

/// A link of a remembered chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainLink {
    /// Signature id or template.
    pub signature: String,
    /// Component.
    pub component: String,
    /// Its kind, when the report tells.
    pub kind: Option<ComponentKind>,
}

/// The fingerprints of a report's incidents.
pub fn fingerprints(report: &Report) -> Vec<Fingerprint> {
    report.incidents.iter().map(|incident| fingerprint(incident, report)).collect()
}

/// The fingerprint as a JSON document that ends with a newline.
pub fn render(fingerprint: &Fingerprint) -> String {
    serde_json::to_string_pretty(fingerprint).expect("a fingerprint has no maps") + "\n"
}

/// Reads a fingerprint.
///
/// # Errors
/// When the text is no JSON or not of this schema.
pub fn parse(text: &str) -> Result<Fingerprint, serde_json::Error> {
    serde_json::from_str(text)
}

/// The earlier incident that this one repeats: the same cause, and most of the chain. The best match, the latest of equals.
///
/// Equal symptoms of another cause are no match: the same exit code and the same 503 come from many causes.
pub fn match_earlier(incident: &Incident, earlier: &[Fingerprint]) -> Option<Regression> {
    let chain = chain_of(incident);
    let is_earlier = |other: &&Fingerprint| other.start < incident.start;
    let (_, _, best) = earlier
        .iter()
        .filter(is_earlier)
        .filter_map(|other| Some((agreement(&incident.title, &chain, other)?, other.start, other)))
        .max_by_key(|(equal, start, other)| (*equal, *start, other.id.as_str()))?;
    let same = common(&chain, &best.chain);
    Some(regression(incident, &chain, best, &same))
}

/// Marks every incident of a report that repeats an earlier one, and notes how many were compared.
pub fn recall(report: &mut Report, earlier: &[Fingerprint]) {
    report.earlier_known = Some(earlier.len() as u64);
    for incident in &mut report.incidents {
        incident.regression = match_earlier(incident, earlier);
    }
}

/// What changed from one report to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Seconds and entries of the first.
    pub before: (f64, u64),
    /// Seconds and entries of the second.
    pub after: (f64, u64),
    /// Incidents, new ones first.
    pub incidents: Vec<Difference>,
    /// Failing patterns, new ones first, then by growth.
    pub patterns: Vec<Difference>,
}

/// How something changed. The order is that of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// Only in the second.
    New,
    /// At least twice as frequent per hour, beyond chance.
    Grown,
    /// At most half as frequent per hour, beyond chance.
    Shrunk,
    /// Only in the first.
    Gone,
}

/// One thing that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// How.
    pub kind: DifferenceKind,
    /// Title or template.
    pub title: String,
    /// Component.
    pub component: String,
    /// Entries in the first report.
    pub before: u64,
    /// Entries in the second report.
    pub after: u64,
}

/// Compares two reports by rates, as their windows differ.
pub fn compare(before: &Report, after: &Report) -> Comparison {
    let widths = (seconds(&before.coverage), seconds(&after.coverage));
    Comparison {
        before: (widths.0, before.coverage.entries),
        after: (widths.1, after.coverage.entries),
        incidents: differences(&incident_counts(before), &incident_counts(after), widths),
        patterns: differences(&pattern_counts(&before.patterns), &pattern_counts(&after.patterns), widths),
    }
}

impl Comparison {
    /// True when something is new or grown: the exit status of a nightly job.
    pub fn is_worse(&self) -> bool {
        self.incidents.iter().chain(&self.patterns).any(|difference| difference.kind <= DifferenceKind::Grown)
    }

    /// The comparison as lines of text.
    pub fn render(&self) -> String {
        let (before, after) = (self.before, self.after);
        let mut out = format!(
            "before {} ({}), after {} ({})\n",
            duration(before.0),
            counted(before.1, "entry", "entries"),
            duration(after.0),
            counted(after.1, "entry", "entries")
        );
        if self.incidents.is_empty() && self.patterns.is_empty() {
            out.push_str("nothing is new, gone or grown\n");
        }
        for (what, differences) in [("incident", &self.incidents), ("pattern", &self.patterns)] {
            for difference in differences {
                out.push_str(&self.line(what, difference));
            }
        }
        out
    }

    fn line(&self, what: &str, difference: &Difference) -> String {
        let name = match difference.kind {
            DifferenceKind::New => "new",
            DifferenceKind::Grown => "grown",
            DifferenceKind::Shrunk => "shrunk",
            DifferenceKind::Gone => "gone",
        };
        let per_hour = |n: u64, (seconds, _): (f64, u64)| n as f64 * 3600.0 / seconds.max(1.0);
        let figures = match difference.kind {
            DifferenceKind::New => format!("{:.1} an hour", per_hour(difference.after, self.after)),
            DifferenceKind::Gone => format!("was {:.1} an hour", per_hour(difference.before, self.before)),
            DifferenceKind::Grown | DifferenceKind::Shrunk => format!(
                "{:.1} → {:.1} an hour",
                per_hour(difference.before, self.before),
                per_hour(difference.after, self.after)
            ),
        };
        let (title, component) = (terminal(&difference.title), terminal(&difference.component));
        let counts = format!("{} → {}", count(difference.before), count(difference.after));
        format!("{name:<7} {what:<9} {title} at {component}: {counts} entries, {figures}\n")
    }
}

fn fingerprint(incident: &Incident, report: &Report) -> Fingerprint {
    let of_incident = |pattern: &&PatternCount| pattern.incident.as_deref() == Some(incident.id.as_str());
    let patterns: Vec<&PatternCount> = report.patterns.iter().filter(of_incident).take(MAX_PATTERNS).collect();
    let revisions = patterns.iter().flat_map(|pattern| &pattern.values).filter(|(name, _)| name.contains("revision"));
    let revisions: BTreeSet<String> =
        revisions.flat_map(|(_, values)| values.keys().map(|name| without_counter(name))).collect();
    let patterns: BTreeSet<String> = patterns.iter().map(|pattern| pattern.signature.clone()).collect();
    Fingerprint {
        schema: SCHEMA.to_owned(),
        id: id(incident),
        fingerprint: incident.fingerprint.clone(),
        title: incident.title.clone(),
        priority: incident.priority,
        status: incident.status,
        start: incident.start,
        end: crate::report::wording::last_known(incident, &report.coverage),
        chain: chain_of(incident),
        patterns: patterns.into_iter().collect(),
        revisions: revisions.into_iter().take(MAX_PATTERNS).collect(),
    }
}

/// Date, worst component and the start of the fingerprint, in characters that every file system takes.
fn id(incident: &Incident) -> String {
    let plain = |text: &str, chars: usize| -> String {
        let plain: String =
            text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
        plain.trim_matches('-').chars().take(chars).collect()
    };
    let date = incident.start.date_clock();
    let component = incident.affected.first().map_or("unknown", |affected| affected.component.as_str());
    let mark = incident.fingerprint.rsplit('-').next().unwrap_or_default();
    format!("{}-{}-{}", date.get(..10).unwrap_or("undated"), plain(component, 40), plain(mark, 8))
}

fn chain_of(incident: &Incident) -> Vec<ChainLink> {
    let mut kinds: BTreeMap<&str, ComponentKind> = BTreeMap::new();
    kinds.extend(incident.affected.iter().map(|affected| (affected.component.as_str(), affected.kind)));
    kinds.extend(incident.causes.iter().map(|cause| (cause.component.as_str(), cause.component_kind)));
    let link = |link: &crate::report::Link| ChainLink {
        signature: link.signature.clone(),
        component: link.component.clone(),
        kind: kinds.get(link.component.as_str()).copied(),
    };
    incident.chain.iter().take(MAX_LINKS).map(link).collect()
}

/// Links that agree, in whatever order they stand. `None` when the roots differ; else the same cause with the same value is the same
/// incident, and a cause without a value is when enough of the chain agrees.
fn agreement(title: &str, chain: &[ChainLink], earlier: &Fingerprint) -> Option<usize> {
    if !same_link(chain.first()?, earlier.chain.first()?) {
        return None;
    }
    let equal = common(chain, &earlier.chain).len();
    let most = chain.len().max(earlier.chain.len().min(MAX_LINKS));
    let names_the_same = title.matches(": ").count() > 1 && without_counter(title) == without_counter(&earlier.title);
    (names_the_same || equal as f64 >= SAME_SHARE * most as f64).then_some(equal)
}

/// The same signature at the same component, whose counters (revisions, pods) may differ.
fn same_link(a: &ChainLink, b: &ChainLink) -> bool {
    a.signature == b.signature && without_counter(&a.component) == without_counter(&b.component)
}

/// Indexes in `a` of the links that `b` has too.
fn common(a: &[ChainLink], b: &[ChainLink]) -> Vec<usize> {
    let b = &b[..b.len().min(MAX_LINKS)];
    (0..a.len()).filter(|i| b.iter().any(|link| same_link(&a[*i], link))).collect()
}

fn regression(incident: &Incident, chain: &[ChainLink], earlier: &Fingerprint, same: &[usize]) -> Regression {
    let other = (0..chain.len()).filter(|i| !same.contains(i)).filter_map(|i| incident.chain.get(i));
    let here: Vec<String> = other.map(|link| link.title.clone()).collect();
    let missing = earlier.chain.len().min(MAX_LINKS).saturating_sub(same.len());
    let mut differs = Vec::new();
    if !here.is_empty() {
        differs.push(format!("new here: {}", list(&here)));
    }
    if missing > 0 {
        differs.push(format!("{} of the earlier chain missing", counted(missing as u64, "link", "links")));
    }
    let differs = if differs.is_empty() { String::new() } else { format!("; differs: {}", differs.join(", ")) };
    let after = incident.start.seconds_since(earlier.end);
    let again =
        if after > 0.0 { format!("regression after {}", duration(after)) } else { "begun before it ended".to_owned() };
    Regression {
        of: earlier.id.clone(),
        links_equal: same.len() as u32,
        links: chain.len() as u32,
        text: format!(
            "same chain as {} ({}), {} of {} links{differs}; {again}",
            earlier.id,
            status(earlier.status),
            same.len(),
            chain.len()
        ),
    }
}

/// A name without the counters and hashes that a platform appends: `checkout-00042-abc` → `checkout-#`.
fn without_counter(name: &str) -> String {
    let parts: Vec<&str> = name.split('-').collect();
    match parts.iter().position(|part| is_counter(part)) {
        Some(i) if i > 0 => parts[..i].join("-") + "-#",
        _ => name.to_owned(),
    }
}

/// Five letters and digits or more with a digit among them: a revision's number, a hash of a pod. `west1` is a place.
fn is_counter(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    part.len() >= 5 && part.bytes().all(|b| b.is_ascii_alphanumeric()) && (digits > 1 || digits == 1 && part.len() >= 8)
}

/// Counts by (key, component), with the title to show.
type TitledCounts<'r> = BTreeMap<(&'r str, &'r str), (&'r str, u64)>;

fn incident_counts(report: &Report) -> TitledCounts<'_> {
    let mut counts = TitledCounts::new();
    for incident in &report.incidents {
        let root =
            incident.causes.first().map_or(("", ""), |cause| (cause.signature.as_str(), cause.component.as_str()));
        let entry = counts.entry(root).or_insert((incident.title.as_str(), 0));
        entry.1 = entry.1.saturating_add(incident.failure_entries);
    }
    counts
}

fn pattern_counts(patterns: &[PatternCount]) -> TitledCounts<'_> {
    let mut counts = TitledCounts::new();
    for pattern in patterns {
        let entry = counts.entry((&pattern.signature, &pattern.component)).or_insert((&pattern.title, 0));
        entry.1 = entry.1.saturating_add(pattern.count);
    }
    counts
}

fn differences(before: &TitledCounts<'_>, after: &TitledCounts<'_>, widths: (f64, f64)) -> Vec<Difference> {
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let difference = |key: &(&str, &str)| {
        let count = |counts: &TitledCounts<'_>| counts.get(key).map_or(0, |(_, n)| *n);
        let (old, new) = (count(before), count(after));
        let title = after.get(key).or(before.get(key)).map_or("", |(title, _)| *title);
        let kind = change(old, new, widths)?;
        Some(Difference { kind, title: title.to_owned(), component: key.1.to_owned(), before: old, after: new })
    };
    let mut found: Vec<Difference> = keys.into_iter().filter_map(difference).collect();
    found.sort_by_key(|d| (d.kind, std::cmp::Reverse(d.after.max(d.before))));
    found
}

fn change(before: u64, after: u64, (before_s, after_s): (f64, f64)) -> Option<DifferenceKind> {
    match (before, after) {
        (0, 0) => None,
        (0, _) => Some(DifferenceKind::New),
        (_, 0) => Some(DifferenceKind::Gone),
        _ if grew(before, before_s, after, after_s) => Some(DifferenceKind::Grown),
        _ if grew(after, after_s, before, before_s) => Some(DifferenceKind::Shrunk),
        _ => None,
    }
}

/// True when the rate at least doubled and the count is beyond what the old rate gives by chance.
fn grew(old: u64, old_s: f64, new: u64, new_s: f64) -> bool {
    let expected = old as f64 / old_s.max(1.0) * new_s.max(1.0);
    new as f64 >= GROWTH * expected && new as f64 > expected + NOISE_SIGMAS * expected.sqrt().max(1.0)
}

fn seconds(coverage: &Coverage) -> f64 {
    match (coverage.first, coverage.last) {
        (Some(first), Some(last)) => last.seconds_since(first).max(0.0),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_revisions_and_pods_do_not_count() {
        for (name, expected) in [
            ("checkout-00042-abc", "checkout-#"),
            ("checkout-00043-xyz", "checkout-#"),
            ("checkout", "checkout"),
            ("acme-prod/europe-west1/serverless-euw1", "acme-prod/europe-west1/serverless-euw1"),
            ("web-7d4b9c6f5d-x2x1z", "web-#"),
            ("acme-prod:europe-west1:orders-db", "acme-prod:europe-west1:orders-db"),
        ] {
            assert_eq!(without_counter(name), expected);
        }
    }

    #[test]
    fn a_growth_needs_more_than_chance() {
        assert_eq!(change(1, 3, (3600.0, 3600.0)), None);
        assert_eq!(change(100, 250, (3600.0, 3600.0)), Some(DifferenceKind::Grown));
        assert_eq!(change(100, 200, (3600.0, 7200.0)), None);
        assert_eq!(change(250, 100, (3600.0, 3600.0)), Some(DifferenceKind::Shrunk));
        assert_eq!(change(0, 1, (3600.0, 3600.0)), Some(DifferenceKind::New));
        assert_eq!(change(1, 0, (0.0, 0.0)), Some(DifferenceKind::Gone));
    }
}
