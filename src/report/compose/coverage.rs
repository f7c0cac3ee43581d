//! What was read, what the export cannot show, and the commands that would show it.

use std::collections::BTreeMap;

use super::Findings;
use crate::entry::{ComponentKind, Severity};
use crate::report::{Coverage, Gap, Incident, Ledger, Warning};

/// Counts that `--limit` is usually given, besides whole thousands.
const ROUND: [u64; 12] = [10, 20, 25, 30, 50, 100, 150, 200, 250, 300, 500, 1500];

/// An incident that starts within this part of the export may have started before it.
const STARTS_INSIDE: f64 = 0.03;

/// Share of entries without a recorded severity worth a word.
const MANY: f64 = 0.1;

/// What was read. Sources and lost ranges are filled in by whoever read them.
pub(super) fn coverage(findings: Findings<'_>) -> Coverage {
    let summary = findings.summary;
    let ledger = summary.ledger;
    let span = summary.span();
    let mut severities: BTreeMap<String, u64> = BTreeMap::new();
    for (i, n) in summary.severities.iter().enumerate().filter(|(_, n)| **n > 0) {
        let name = Severity::ALL.get(i).map_or("DEFAULT", |severity| severity.name());
        severities.insert(name.to_owned(), *n);
    }
    Coverage {
        entries: ledger.entries,
        bytes: 0,
        first: (ledger.entries > 0).then_some(span.start),
        last: (ledger.entries > 0).then_some(span.end),
        sources: Vec::new(),
        malformed: Vec::new(),
        malformed_bytes: 0,
        duplicates: ledger.duplicates,
        severities,
        severity_inferred: summary.inferred,
        logs: summary.logs.iter().map(|(log, seen)| (log.clone(), seen.count)).collect(),
        ledger: Ledger {
            matched: ledger.matched,
            mined: ledger.mined,
            benign: ledger.benign,
            unreadable: ledger.unreadable,
            duplicates: ledger.duplicates,
            outside: ledger.outside,
        },
        warnings: Vec::new(),
        limits_reached: summary.limits_reached(),
    }
}

/// What a reader must know about the export, and what would fill each hole.
pub(super) fn doubts(findings: Findings<'_>, incidents: &[Incident]) -> (Vec<Warning>, Vec<Gap>) {
    let mut doubts = Doubts { findings, warnings: Vec::new(), gaps: Vec::new() };
    doubts.cut();
    doubts.sampled();
    doubts.starts_inside(incidents);
    doubts.missing_logs(incidents);
    doubts.severities();
    doubts.strays();
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

    /// Exactly a round number of entries: `--limit` cut the export, and the window is not what was asked for.
    fn cut(&mut self) {
        let ledger = self.findings.summary.ledger;
        let entries = ledger.entries;
        if !(ROUND.contains(&entries) || entries >= 1000 && entries.is_multiple_of(1000)) {
            return;
        }
        let span = self.findings.summary.span();
        let text = format!(
            "exactly {entries} entries: the export was probably cut by --limit; it covers {:.0} s, and counts are lower bounds",
            span.seconds()
        );
        self.warn("cut_by_limit", text);
        let command = format!(
            "gcloud logging read '{} AND timestamp<\"{}\"' --order=desc --limit=10000 --format=json",
            self.scope(),
            span.start
        );
        self.gap("entries before the first one in this export".to_owned(), Some(command));
    }

    /// The same number of entries for several severities: each was fetched apart, with a limit.
    fn sampled(&mut self) {
        let counts: Vec<u64> = self.findings.summary.severities.iter().copied().filter(|n| *n >= 10).collect();
        let same = counts.iter().filter(|n| ROUND.contains(n) && counts.iter().filter(|m| m == n).count() > 1).count();
        if same > 1 {
            let text = "the same round number of entries for several severities: each was fetched with its own limit, \
                        so their shares mean nothing and each covers another stretch of time";
            self.warn("sampled_per_severity", text.to_owned());
        }
    }

    fn starts_inside(&mut self, incidents: &[Incident]) {
        let span = self.findings.summary.span();
        let early = span.start.plus((span.seconds() * STARTS_INSIDE * 1e9) as i64 + 1);
        let inside: Vec<&Incident> = incidents.iter().filter(|incident| incident.start <= early).collect();
        let Some(incident) = inside.first() else { return };
        let text = format!(
            "{} is already under way when the export begins: its first cause may lie before {}",
            incident.id,
            span.start.date_clock()
        );
        self.warn("starts_inside_incident", text);
        let command = format!(
            "gcloud logging read '{} AND timestamp>=\"{}\" AND timestamp<\"{}\"' --format=json > before.json",
            self.scope(),
            span.start.plus(-3600 * crate::time::SECOND),
            span.start
        );
        self.gap("the hour before the export, where the incident began".to_owned(), Some(command));
    }

    fn missing_logs(&mut self, incidents: &[Incident]) {
        let summary = self.findings.summary;
        let has = |part: &str| summary.logs.iter().any(|(log, _)| log.contains(part));
        let window = self.window(incidents);
        if !has("cloudaudit.googleapis.com/activity") && !has("cloudaudit.googleapis.com/system_event") {
            self.warn("no_audit_log", "no audit log: whether a change set it off cannot be told".to_owned());
            let command = format!(
                "gcloud logging read 'log_id(\"cloudaudit.googleapis.com/activity\"){window}' --format=json > audit.json"
            );
            self.gap(
                "changes before the onset (deploys, permissions, secrets, firewall rules)".to_owned(),
                Some(command),
            );
        }
        let runs = summary.components.iter().any(|(component, _)| component.kind == ComponentKind::Service);
        if runs && has("run.googleapis.com/std") && !has("run.googleapis.com/varlog/system") {
            self.warn(
                "no_platform_log",
                "no Cloud Run system log: exits, probes and kills are not in the export".to_owned(),
            );
            let command = format!(
                "gcloud logging read 'log_id(\"run.googleapis.com/varlog/system\"){window}' --format=json > system.json"
            );
            self.gap("process exits, failed probes and memory kills".to_owned(), Some(command));
        }
        let requests: u64 = summary.components.iter().map(|(_, a)| a.requests.statuses.values().sum::<u64>()).sum();
        if runs && requests == 0 {
            self.warn("no_request_log", "no request log: availability cannot be computed from this export".to_owned());
            let command = format!(
                "gcloud logging read 'log_id(\"run.googleapis.com/requests\"){window}' --format=json > requests.json"
            );
            self.gap("how many requests failed".to_owned(), Some(command));
        }
    }

    fn severities(&mut self) {
        let summary = self.findings.summary;
        let none = summary.severities[8];
        if summary.ledger.entries > 0 && none as f64 >= MANY * summary.ledger.entries as f64 {
            let text = format!(
                "{none} of {} entries have no severity; for {} entries it was read from the text",
                summary.ledger.entries, summary.inferred
            );
            self.warn("severity_absent", text);
        }
    }

    fn strays(&mut self) {
        let summary = self.findings.summary;
        let span = summary.span();
        let stray: u64 =
            summary.volume.slots().filter(|(at, _, _)| *at < span.start || *at > span.end).map(|(_, _, n)| n).sum();
        if stray > 0 {
            let text = format!("{stray} entries are dated far outside of all others and do not widen the window");
            self.warn("stray_timestamps", text);
        }
    }

    /// The filter that selects what this export is about.
    fn scope(&self) -> String {
        let summary = self.findings.summary;
        let mut services: Vec<&str> = summary
            .components
            .iter()
            .filter(|(component, _)| component.kind == ComponentKind::Service)
            .map(|(component, _)| component.name.as_str())
            .collect();
        services.truncate(4);
        match services.as_slice() {
            [] => "severity>=DEFAULT".to_owned(),
            [one] => format!("\"{one}\""),
            many => format!("({})", many.iter().map(|s| format!("\"{s}\"")).collect::<Vec<_>>().join(" OR ")),
        }
    }

    /// A clause around the first onset, or around the export.
    fn window(&self, incidents: &[Incident]) -> String {
        let span = self.findings.summary.span();
        let onset = incidents.iter().map(|incident| incident.start).min().unwrap_or(span.start);
        format!(" AND timestamp>=\"{}\" AND timestamp<=\"{}\"", onset.plus(-3600 * crate::time::SECOND), span.end)
    }
}
