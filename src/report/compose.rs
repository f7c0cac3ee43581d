//! From what was concluded to the report: plain data, exact counts, pointers to entries that exist.

use std::collections::BTreeMap;

use super::{
    Action, Affected, Cause, Change, Evidence, Feature, Incident, Link, Noise, PatternCount, Priority, Report, SCHEMA, Status,
    Trigger,
};
use crate::cause::{self, Ranked};
use crate::entry::ComponentKind;
use crate::incident::{Scene, Series};
use crate::pattern::{Catalogue, Role};
use crate::summary::{Exemplar, Summary};

/// Evidence entries per cause.
const EVIDENCE: usize = 6;

/// Everything a report is composed of.
#[derive(Clone, Copy)]
pub struct Findings<'f> {
    /// The account.
    pub summary: &'f Summary,
    /// The signatures it was made with.
    pub catalogue: &'f Catalogue,
    /// What left its baseline.
    pub scene: &'f Scene<'f>,
    /// Incidents with their causes.
    pub incidents: &'f [cause::Incident],
    /// Names of the sources, by index.
    pub sources: &'f [String],
}

/// Composes the report.
pub fn compose(findings: Findings<'_>) -> Report {
    let incidents: Vec<Incident> =
        findings.incidents.iter().enumerate().map(|(i, found)| incident(findings, i, found)).collect();
    Report {
        schema: SCHEMA.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        coverage: super::Coverage::default(),
        verdict: String::new(),
        incidents,
        noise: noise(findings),
        patterns: patterns(findings),
        gaps: Vec::new(),
    }
}

fn incident(findings: Findings<'_>, index: usize, found: &cause::Incident) -> Incident {
    let scene = findings.scene;
    let failure_entries = found.anomalies.iter().map(|a| scene.anomalies[*a].count).sum();
    let causes: Vec<Cause> =
        found.causes.iter().enumerate().map(|(i, ranked)| cause(findings, i as u32 + 1, ranked)).collect();
    let title = causes.first().map_or_else(String::new, |cause| format!("{}: {}", cause.component, cause.title));
    Incident {
        id: format!("I{}", index + 1),
        fingerprint: String::new(),
        title,
        status: Status::Unknown,
        priority: Priority::P2,
        priority_rule: String::new(),
        start: found.span.start,
        end: Some(found.span.end),
        failure_entries,
        episodes: Vec::new(),
        affected: affected(findings, found),
        causes,
        chain: chain(findings, found),
        ruled_out: Vec::new(),
        timeline: Vec::new(),
        changes: Vec::new(),
        moments: Vec::new(),
        restarts: None,
        regression: None,
    }
}

fn cause(findings: Findings<'_>, rank: u32, ranked: &Ranked) -> Cause {
    let candidate = &ranked.candidate;
    let scene = findings.scene;
    let evidence = candidate.own.iter().copied().chain(candidate.blamed.iter().map(|(a, _)| *a));
    let mut exemplars: Vec<&Exemplar> =
        evidence.flat_map(|a| scene.series[scene.anomalies[a].series].tally.exemplars.iter().take(2)).collect();
    exemplars.sort();
    exemplars.dedup();
    Cause {
        rank,
        component: display_name(&candidate.component),
        component_kind: candidate.component.kind,
        aliases: aliases(findings, ranked),
        layer: candidate.layer,
        signature: candidate.signature.clone().unwrap_or_else(|| "template".to_owned()),
        title: candidate.title.clone(),
        confidence: ranked.confidence,
        score: ranked.score,
        features: ranked
            .features
            .iter()
            .map(|f| Feature { name: f.name.to_owned(), value: f.value, weight: f.weight, text: String::new() })
            .collect(),
        first_seen: candidate.first,
        count: candidate.count,
        explains: ranked.explains,
        trigger: candidate.trigger.as_ref().and_then(|change| {
            let exemplar = change.exemplar.as_ref()?;
            Some(Trigger {
                at: exemplar.effect_time,
                what: change.method.clone(),
                resource: change.resource.clone(),
                actor: (!change.actor.is_empty()).then(|| change.actor.clone()),
                evidence: evidence_of(findings, exemplar),
            })
        }),
        evidence: exemplars.into_iter().take(EVIDENCE).map(|e| evidence_of(findings, e)).collect(),
        against: Vec::new(),
        why_not: None,
        actions: actions(findings, ranked),
    }
}

/// Names as people say them.
fn display_name(component: &crate::entry::Component) -> String {
    match component.kind {
        ComponentKind::User => format!("user {}", component.name),
        _ => component.name.clone(),
    }
}

fn aliases(findings: Findings<'_>, ranked: &Ranked) -> Vec<String> {
    let candidate = &ranked.candidate;
    let mut names = findings.scene.topology.aliases_of(&candidate.component);
    let own = candidate.own.iter().map(|a| findings.scene.series[findings.scene.anomalies[*a].series].tally);
    let mut revisions: Vec<String> = own.flat_map(|tally| tally.revisions.iter().map(|(r, _)| r.clone())).collect();
    revisions.sort();
    revisions.dedup();
    if revisions.len() == 1 {
        names.insert(0, revisions.remove(0));
    }
    names.truncate(3);
    names
}

fn actions(findings: Findings<'_>, ranked: &Ranked) -> Vec<Action> {
    let signature = ranked.candidate.signature.as_ref().and_then(|id| findings.catalogue.get(id));
    let Some(signature) = signature else { return Vec::new() };
    signature
        .remedies
        .iter()
        .map(|remedy| Action {
            priority: remedy.tier.clone(),
            owner: signature.owner.clone(),
            text: remedy.text.clone(),
            command: remedy.command.clone(),
        })
        .collect()
}

fn evidence_of(findings: Findings<'_>, exemplar: &Exemplar) -> Evidence {
    Evidence {
        insert_id: exemplar.insert_id.clone(),
        timestamp: exemplar.timestamp,
        effect_time: exemplar.effect_time,
        log_name: exemplar.log_name.clone(),
        severity: exemplar.severity.map_or("DEFAULT", |s| s.name()).to_owned(),
        component: exemplar.component.clone(),
        source: findings.sources.get(exemplar.origin.source as usize).cloned().unwrap_or_default(),
        offset: exemplar.origin.offset,
        message: exemplar.message.clone(),
        link: None,
    }
}

fn affected(findings: Findings<'_>, found: &cause::Incident) -> Vec<Affected> {
    let mut counts: BTreeMap<&crate::entry::Component, u64> = BTreeMap::new();
    for a in &found.anomalies {
        let anomaly = &findings.scene.anomalies[*a];
        *counts.entry(anomaly.component).or_default() += anomaly.count;
    }
    let mut affected: Vec<Affected> = counts
        .into_iter()
        .map(|(component, failure_entries)| Affected {
            component: component.name.clone(),
            kind: component.kind,
            failure_entries,
            requests: 0,
            failures: 0,
            availability: None,
            availability_interval: None,
            restarts: 0,
            routes: Vec::new(),
        })
        .collect();
    affected.sort_by(|a, b| b.failure_entries.cmp(&a.failure_entries).then_with(|| a.component.cmp(&b.component)));
    affected
}

fn chain(findings: Findings<'_>, found: &cause::Incident) -> Vec<Link> {
    let mut links: Vec<Link> = found
        .anomalies
        .iter()
        .map(|a| {
            let anomaly = &findings.scene.anomalies[*a];
            let series = &findings.scene.series[anomaly.series];
            Link {
                signature: series.pattern.clone(),
                title: series.title.clone(),
                component: anomaly.component.name.clone(),
                first_seen: anomaly.span.start,
                count: anomaly.count,
                lag_s: 0.0,
                basis: "inferred".to_owned(),
            }
        })
        .collect();
    links.sort_by(|a, b| a.first_seen.cmp(&b.first_seen).then_with(|| a.signature.cmp(&b.signature)));
    links.truncate(12);
    links
}

fn noise(findings: Findings<'_>) -> Vec<Noise> {
    findings
        .scene
        .background
        .iter()
        .map(|background| {
            let series = &findings.scene.series[background.series];
            Noise {
                signature: series.pattern.clone(),
                title: series.title.clone(),
                component: series.component.name.clone(),
                count: series.tally.seen.count,
                reason: background.reason.clone(),
            }
        })
        .collect()
}

fn patterns(findings: Findings<'_>) -> Vec<PatternCount> {
    let mut patterns: Vec<PatternCount> = findings.scene.series.iter().map(|series| pattern(series)).collect();
    patterns.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (&a.component, &a.signature).cmp(&(&b.component, &b.signature))));
    patterns
}

fn pattern(series: &Series<'_>) -> PatternCount {
    let mut values: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for ((name, value), seen) in series.tally.values.iter() {
        values.entry(name.clone()).or_default().insert(value.clone(), seen.count);
    }
    PatternCount {
        signature: series.pattern.clone(),
        title: series.title.clone(),
        component: series.component.name.clone(),
        layer: series.layer,
        severity: series.tally.worst_severity().map_or("DEFAULT", |s| s.name()).to_owned(),
        count: series.tally.seen.count,
        first: series.tally.seen.first,
        last: series.tally.seen.last,
        values,
        incident: None,
    }
}

/// True when the series only shows that something else failed.
pub fn is_symptom(series: &Series<'_>) -> bool {
    series.role == Role::Effect
}

impl Cause {
    /// The layer's name.
    pub fn layer_name(&self) -> String {
        format!("{:?}", self.layer).to_lowercase()
    }
}
