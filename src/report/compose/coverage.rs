//! What was read, what the export cannot show, and the commands that would show it.

use std::collections::BTreeMap;

use super::Findings;
use crate::entry::{ComponentKind, Severity};
use crate::report::command::{Filter, Value};
use crate::report::export::Export;
use crate::report::wording::{self, count, counted, duration};
use crate::report::{Coverage, Gap, Incident, StrayCoverage, StrayExample, Warning};
use crate::summary::{Stray, Summary};
use crate::time::SECOND;

/// Counts that `--limit` is usually given, besides whole thousands.
const ROUND: [u64; 12] = [10, 20, 25, 30, 50, 100, 150, 200, 250, 300, 500, 1500];

/// An incident that starts within this part of the export may have started before it.
const STARTS_INSIDE: f64 = 0.03;

/// Share of entries without a recorded severity worth a word.
const MANY: f64 = 0.1;

/// Entries of a component that make a median.
const ENOUGH_DELAYS: u64 = 20;

/// A clock that is ahead by less may be the receiver's own.
const AHEAD_NS: i64 = SECOND;

/// Entries that come later than this are late; measured medians are 0.1 s to 8 s.
const LATE_NS: i64 = 60 * SECOND;

/// And so many times later than those of half of the other components.
const MUCH_LATER: i64 = 16;

/// Clocks that are told of, the worst ones ahead first.
const MAX_CLOCKS: usize = 5;

/// The log of what administrators did.
const AUDIT_LOG: &str = "cloudaudit.googleapis.com/activity";

/// Entries before an export that was cut.
const EARLIER: u64 = 10_000;

/// Services that a filter names.
const SCOPE_NAMES: usize = 4;

/// What is asked for before an onset: deploys act within minutes, keys and quotas within the hour.
const HOUR: i64 = 3600 * SECOND;

/// What was read. Sources and lost ranges are filled in by whoever read them.
pub(super) fn coverage(findings: Findings<'_>) -> Coverage {
    let summary = findings.summary;
    let ledger = summary.ledger;
    let entries = ledger.entries();
    let span = summary.extent();
    let mut severities: BTreeMap<String, u64> = BTreeMap::new();
    for (severity, n) in summary.severities.iter().filter(|(_, n)| *n > 0) {
        severities.insert(severity.map_or("DEFAULT", Severity::name).to_owned(), n);
    }
    Coverage {
        entries,
        bytes: 0,
        first: has_times(summary).then_some(span.start),
        last: has_times(summary).then_some(span.end),
        sources: Vec::new(),
        malformed: Vec::new(),
        malformed_bytes: 0,
        duplicates: ledger.duplicates,
        severities,
        severity_inferred: summary.inferred,
        logs: summary.logs.iter().map(|(log, seen)| (log.clone(), seen.count)).collect(),
        ledger,
        strays: strays(findings),
        warnings: Vec::new(),
        limits_reached: summary.limits_reached(),
    }
}

/// False when no entry counts: the export has no span then.
fn has_times(summary: &Summary) -> bool {
    summary.volume.slots().next().is_some()
}

fn strays(findings: Findings<'_>) -> Option<StrayCoverage> {
    let strays = &findings.summary.strays;
    let example = |stray: &Stray| StrayExample {
        source: findings.sources.get(stray.origin.source as usize).cloned().unwrap_or_default(),
        offset: stray.origin.offset,
        effect_time: stray.at,
        received: stray.received,
    };
    (strays.seen.count > 0).then(|| StrayCoverage {
        earliest: strays.seen.first,
        latest: strays.seen.last,
        examples: strays.examples.iter().map(example).collect(),
    })
}

/// What a reader must know about the export, and what would fill each hole.
pub(super) fn doubts(findings: Findings<'_>, incidents: &[Incident]) -> (Vec<Warning>, Vec<Gap>) {
    let mut doubts = Doubts { findings, warnings: Vec::new(), gaps: Vec::new() };
    if has_times(findings.summary) {
        doubts.cut();
        doubts.sampled();
        doubts.starts_inside(incidents);
        doubts.missing_logs(incidents);
        doubts.filtered();
        doubts.strays();
        doubts.clocks();
        doubts.severities();
    } else {
        doubts.strays();
        doubts.clocks();
    }
    (doubts.warnings, doubts.gaps)
}

struct Doubts<'f> {
    findings: Findings<'f>,
    warnings: Vec<Warning>,
    gaps: Vec<Gap>,
}

impl Doubts<'_> {
    fn warn(&mut self, code: &str, text: String) {
        self.warnings.push(Warning { code: code.to_owned(), text });
    }

    fn gap(&mut self, text: String, command: Option<String>) {
        self.gaps.push(Gap { text, command });
    }

    /// Nothing but failures: whether they are more than usual, and what share of the requests failed, cannot be told.
    fn filtered(&mut self) {
        if self.findings.scene.filtered {
            let text = "the export was filtered to failures: it does not show what went well, so no share of failed requests is given";
            self.warn("filtered_export", text.to_owned());
        }
    }

    /// Exactly a round number of entries: `--limit` cut the export, and the window is not what was asked for.
    fn cut(&mut self) {
        let entries = self.findings.summary.ledger.entries();
        if !(ROUND.contains(&entries) || entries >= 1000 && entries.is_multiple_of(1000)) {
            return;
        }
        let span = self.findings.summary.extent();
        let text = format!(
            "exactly {} entries: the export was probably cut by --limit; it covers {}, and counts are lower bounds",
            count(entries),
            duration(span.seconds())
        );
        self.warn("cut_by_limit", text);
        let earlier = Export::last(self.scope(), span.start, EARLIER);
        let command = earlier.in_project(self.project()).command("earlier.json");
        self.gap("entries before the first one in this export".to_owned(), Some(command));
    }

    /// The same number of entries for several severities: each was fetched apart, with a limit.
    fn sampled(&mut self) {
        let counts: Vec<u64> = self.findings.summary.severities.iter().map(|(_, n)| n).filter(|n| *n >= 10).collect();
        let same = counts.iter().filter(|n| ROUND.contains(n) && counts.iter().filter(|m| m == n).count() > 1).count();
        if same > 1 {
            let text = "the same round number of entries for several severities: each was fetched with its own limit, \
                        so their shares mean nothing and each covers another stretch of time";
            self.warn("sampled_per_severity", text.to_owned());
        }
    }

    fn starts_inside(&mut self, incidents: &[Incident]) {
        let span = self.findings.summary.extent();
        let early = span.start.plus((span.seconds() * STARTS_INSIDE * 1e9) as i64 + 1);
        let inside: Vec<&Incident> = incidents.iter().filter(|incident| incident.start <= early).collect();
        let Some(incident) = inside.first() else { return };
        let text = format!(
            "{} is already under way when the export begins: its first cause may lie before {}",
            incident.id,
            span.start.date_clock()
        );
        self.warn("starts_inside_incident", text);
        let before = Export::new(self.scope(), span.start.plus(-HOUR), span.start);
        let command = before.in_project(self.project()).command("before.json");
        self.gap("the hour before the export, where the incident began".to_owned(), Some(command));
    }

    fn missing_logs(&mut self, incidents: &[Incident]) {
        let summary = self.findings.summary;
        let has = |part: &str| summary.logs.iter().any(|(log, _)| log.contains(part));
        let mut missing: Vec<(&str, &'static str)> = Vec::new();
        if !has("cloudaudit.googleapis.com/activity") && !has("cloudaudit.googleapis.com/system_event") {
            self.warn("no_audit_log", "no audit log: whether a change set it off cannot be told".to_owned());
            missing.push(("changes before the onset (deploys, permissions, secrets, firewall rules)", AUDIT_LOG));
        }
        let runs = summary.components.iter().any(|(component, _)| component.kind == ComponentKind::Service);
        if runs && has("run.googleapis.com/std") && !has("run.googleapis.com/varlog/system") {
            self.warn(
                "no_platform_log",
                "no Cloud Run system log: exits, probes and kills are not in the export".to_owned(),
            );
            missing.push(("process exits, failed probes and memory kills", "run.googleapis.com/varlog/system"));
        }
        let requests: u64 = summary.components.iter().map(|(_, a)| a.requests.statuses.values().sum::<u64>()).sum();
        if runs && requests == 0 {
            self.warn("no_request_log", "no request log: availability cannot be computed from this export".to_owned());
            missing.push(("how many requests failed", "run.googleapis.com/requests"));
        }
        self.missing(&missing, incidents);
    }

    /// One command for all logs that are missing: changes of anything, and what the affected services wrote.
    fn missing(&mut self, missing: &[(&str, &'static str)], incidents: &[Incident]) {
        if missing.is_empty() {
            return;
        }
        let (audit, own): (Vec<&str>, Vec<&str>) =
            missing.iter().map(|(_, log)| *log).partition(|log| *log == AUDIT_LOG);
        let affected = incidents.iter().flat_map(|incident| &incident.affected);
        let mut names: Vec<&str> = affected
            .filter(|a| a.kind == ComponentKind::Service)
            .map(|a| a.component.as_str())
            .take(SCOPE_NAMES)
            .collect();
        names.sort_unstable();
        names.dedup();
        let names: Option<Vec<Value<'_>>> = names.into_iter().map(Value::new).collect();
        let own = (!own.is_empty())
            .then(|| Filter::logs(&own).and(names.filter(|names| !names.is_empty()).map(|n| Filter::any_of(&n))));
        let audit = (!audit.is_empty()).then(|| Filter::logs(&audit));
        let Some(filter) = Filter::either(audit, own) else { return };
        let span = self.findings.summary.extent();
        let onset = incidents.iter().map(|incident| incident.start).min().unwrap_or(span.start);
        let export = Export::new(filter, onset.plus(-HOUR), span.end).in_project(self.project());
        let texts: Vec<String> = missing.iter().map(|(text, _)| (*text).to_owned()).collect();
        self.gap(wording::list(&texts), Some(export.command("missing.json")));
    }

    /// The project that most entries are of.
    fn project(&self) -> Option<&str> {
        let places = self.findings.summary.places.iter().max_by_key(|(_, n)| **n);
        places.map(|((project, _), _)| project.as_str())
    }

    fn severities(&mut self) {
        let summary = self.findings.summary;
        let (none, entries) = (summary.severities.of(None), summary.ledger.entries());
        if entries > 0 && none as f64 >= MANY * entries as f64 {
            let text = format!(
                "{} of {} entries have no severity; for {} it was read from the text",
                count(none),
                count(entries),
                count(summary.inferred)
            );
            self.warn("severity_absent", text);
        }
    }

    fn strays(&mut self) {
        let summary = self.findings.summary;
        if let Some(strays) = strays(self.findings) {
            let first = strays.examples.first();
            let at = first
                .map_or(String::new(), |stray| format!("; the first is in {} at byte {}", stray.source, stray.offset));
            let text = format!(
                "{} dated far from when they were received, {} to {}: left out of what follows{at}",
                counted(summary.ledger.strays, "entry is", "entries are"),
                strays.earliest,
                strays.latest
            );
            self.warn("stray_entries", text);
        }
        let span = summary.span();
        let stray: u64 =
            summary.volume.slots().filter(|(at, _, _)| *at < span.start || *at > span.end).map(|(_, _, n)| n).sum();
        if stray > 0 {
            let text = format!("{stray} entries are dated far outside of all others and do not widen the window");
            self.warn("stray_timestamps", text);
        }
    }

    /// Components whose entries are received before their time, or much later than those of most others.
    fn clocks(&mut self) {
        let summary = self.findings.summary;
        let enough = summary.components.iter().filter(|(_, activity)| activity.delays.count() >= ENOUGH_DELAYS);
        let mut delays: Vec<(i64, &str, u64)> = enough
            .filter_map(|(component, activity)| {
                Some((activity.delays.median_ns()?, component.name.as_str(), activity.delays.count()))
            })
            .collect();
        delays.sort_unstable();
        let Some(usual) = delays.get(delays.len().saturating_sub(1) / 2).map(|(delay, ..)| *delay) else { return };
        let late = usual.saturating_mul(MUCH_LATER).max(LATE_NS);
        let odd: Vec<_> = delays.into_iter().filter(|(delay, ..)| *delay <= -AHEAD_NS || *delay >= late).collect();
        for (delay, name, n) in odd.into_iter().take(MAX_CLOCKS) {
            let by = duration(delay.unsigned_abs() as f64 / 1e9);
            let what = if delay < 0 {
                format!("dated at least {by} after they were received: its clock is ahead")
            } else {
                format!("received at least {by} after their time: its clock is behind, or they were held back")
            };
            self.warn(
                "clock_skew",
                format!("half of the {n} entries of {name} are {what}; its place in the order is doubtful"),
            );
        }
    }

    /// What this export is about, as a filter: its services, or everything when one of their names cannot stand in it.
    fn scope(&self) -> Filter {
        let components = self.findings.summary.components.iter().map(|(component, _)| component);
        let services = components.filter(|component| component.kind == ComponentKind::Service).take(SCOPE_NAMES);
        let names: Option<Vec<Value<'_>>> = services.map(|service| Value::new(&service.name)).collect();
        Filter::any_of(&names.unwrap_or_default())
    }
}
