//! From what was concluded to the report: plain data, exact counts, pointers to entries that exist.

mod actions;
mod course;
mod coverage;
mod impact;
mod ruled_out;
mod verdict;

use std::collections::BTreeMap;

use super::{Cause, Evidence, Feature, Incident, Noise, PatternCount, Report, SCHEMA, Status, Trigger, wording};
use crate::cause::{self, Candidate, Ranked};
use crate::entry::{Component, ComponentKind};
use crate::incident::{Scene, Series};
use crate::pattern::{Catalogue, Mode, Role, traceback};
use crate::summary::{Change, Exemplar, Summary, stable_hash};
use crate::time::Span;

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
    /// Incidents and notes with their causes.
    pub found: &'f cause::Conclusion,
    /// Names of the sources, by index.
    pub sources: &'f [String],
}

/// Composes the report.
pub fn compose(findings: Findings<'_>) -> Report {
    let incidents: Vec<Incident> =
        findings.found.incidents.iter().enumerate().map(|(i, found)| one_incident(findings, i, found)).collect();
    let (warnings, gaps) = coverage::doubts(findings, &incidents);
    let mut coverage = coverage::coverage(findings);
    coverage.warnings = warnings;
    Report {
        schema: SCHEMA.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        verdict: verdict::sentence(&incidents, &coverage),
        coverage,
        notes: notes(findings),
        noise: noise(findings),
        patterns: patterns(findings),
        incidents,
        gaps,
        given: None,
        earlier_known: None,
    }
}

/// Notes told: more would be a second report.
const NOTES: usize = 5;

/// Single failures that say why: the most frequent ones.
fn notes(findings: Findings<'_>) -> Vec<Cause> {
    let mut notes: Vec<&Ranked> = findings.found.notes.iter().filter_map(|note| note.causes.first()).collect();
    notes.sort_by(|a, b| b.candidate.count.cmp(&a.candidate.count).then(a.candidate.first.cmp(&b.candidate.first)));
    notes.truncate(NOTES);
    notes.into_iter().enumerate().map(|(i, ranked)| cause(findings, i as u32 + 1, ranked)).collect()
}

fn one_incident(findings: Findings<'_>, index: usize, found: &cause::Incident) -> Incident {
    let scene = findings.scene;
    let failure_entries = found.anomalies.iter().map(|a| scene.anomalies[*a].count).sum();
    let mut causes: Vec<Cause> =
        found.causes.iter().enumerate().map(|(i, ranked)| cause(findings, i as u32 + 1, ranked)).collect();
    verdict::weigh(findings, found, &mut causes);
    let affected = impact::affected(findings, found);
    let (priority, priority_rule) = impact::priority(&affected, impact::is_about_refusals(findings, found));
    let status = impact::status(findings, found);
    let chain = course::chain(findings, found);
    let changes = course::changes(findings, found);
    Incident {
        id: format!("I{}", index + 1),
        fingerprint: fingerprint(&chain, &causes),
        title: causes.first().map_or_else(String::new, |cause| format!("{}: {}", cause.component, cause.title)),
        status,
        priority,
        priority_rule,
        start: found.span.start,
        end: (status != Status::Ongoing).then_some(found.span.end),
        failure_entries,
        episodes: impact::episodes(findings, found),
        affected,
        ruled_out: ruled_out::ruled_out(findings, found),
        timeline: course::timeline(findings, found),
        moments: course::moments(findings, found, &changes, &chain),
        restarts: impact::restarts(findings, found),
        contrast: impact::contrast(findings, found),
        uncovered: impact::uncovered(findings, found),
        regression: None,
        causes,
        chain,
        changes,
    }
}

/// The same for the same chain of patterns and the same culprit, from run to run and machine to machine.
fn fingerprint(chain: &[super::Link], causes: &[Cause]) -> String {
    let mut links: Vec<&str> = chain.iter().map(|link| link.signature.as_str()).collect();
    links.sort_unstable();
    let culprit = causes.first().map(|cause| (cause.component.as_str(), cause.signature.as_str()));
    format!("{:016x}", stable_hash(&(culprit, links)))
}

fn cause(findings: Findings<'_>, rank: u32, ranked: &Ranked) -> Cause {
    let candidate = &ranked.candidate;
    let scene = findings.scene;
    let exemplars = exemplars(scene, candidate);
    Cause {
        rank,
        component: display_name(&candidate.component),
        component_kind: candidate.component.kind,
        aliases: aliases(findings, ranked),
        layer: candidate.layer,
        signature: candidate.signature.clone().unwrap_or_else(|| "template".to_owned()),
        title: title(scene, candidate),
        words: words(findings, candidate),
        confidence: ranked.confidence,
        score: rounded(ranked.score),
        features: ranked
            .features
            .iter()
            .map(|f| Feature {
                name: f.name.to_owned(),
                value: rounded(f.value),
                weight: f.weight,
                text: meaning(f.name).to_owned(),
            })
            .collect(),
        first_seen: candidate.first,
        count: candidate.count,
        explains: ranked.explains,
        trigger: candidate.trigger.as_ref().and_then(|(change, _)| {
            let exemplar = change.exemplar.as_ref()?;
            Some(Trigger {
                at: exemplar.effect_time,
                what: change.method.clone(),
                title: change_title(findings, change),
                resource: change.resource.clone(),
                actor: (!change.actor.is_empty()).then(|| change.actor.clone()),
                evidence: evidence_of(findings, exemplar),
            })
        }),
        evidence: exemplars.into_iter().take(EVIDENCE).map(|e| evidence_of(findings, e)).collect(),
        against: Vec::new(),
        why_not: None,
        actions: actions::actions(findings, ranked),
    }
}

/// What is wrong, with the name of the part that is missing or wrong where the messages give one.
fn title(scene: &Scene<'_>, candidate: &Candidate) -> String {
    let own = candidate.own.iter().map(|a| &scene.anomalies[*a]);
    let named = own.filter(|a| scene.series[a.series].title == candidate.title);
    let mut parts: Vec<&Component> = named
        .flat_map(|a| a.blames.iter())
        .filter(|(thing, share)| *share >= 0.2 && !cause::stands_alone(thing))
        .map(|(thing, _)| thing)
        .collect();
    parts.sort();
    parts.dedup();
    let names: Vec<&str> = parts.iter().take(3).map(|part| part.name.as_str()).collect();
    if names.is_empty() { candidate.title.clone() } else { format!("{}: {}", candidate.title, names.join(", ")) }
}

/// The error in its own words, of a cause whose title says no more than its kind.
fn words(findings: Findings<'_>, candidate: &Candidate) -> Option<String> {
    let signature = candidate.signature.as_ref().and_then(|id| findings.catalogue.get(id));
    let is_general = signature.is_none_or(|signature| {
        let mode = signature.meaning.mode;
        matches!(mode, Mode::FailedRequest | Mode::Crashed | Mode::Missing | Mode::Misconfigured)
    });
    let exemplar = exemplars(findings.scene, candidate).into_iter().find(|exemplar| !exemplar.message.is_empty())?;
    let headline = traceback::headline(&exemplar.message);
    // What only stands for a traceback is in no entry.
    is_general.then(|| headline.trim().to_owned()).filter(|words| exemplar.message.contains(words.as_str()))
}

/// What a change did, in words.
fn change_title(findings: Findings<'_>, change: &Change) -> String {
    let known = findings.catalogue.get(&change.signature).map(|signature| signature.title.clone());
    known.unwrap_or_else(|| wording::short_method(&change.method).to_owned())
}

/// The entries that show what the title says first, then the earliest others.
fn exemplars<'s>(scene: &'s Scene<'_>, candidate: &'s Candidate) -> Vec<&'s Exemplar> {
    let evidence = candidate.own.iter().copied().chain(candidate.blamed.iter().map(|(a, _)| *a));
    let series = |a: usize| &scene.series[scene.anomalies[a].series];
    let (named, others): (Vec<usize>, Vec<usize>) = evidence.partition(|a| series(*a).title == candidate.title);
    let of = |anomalies: Vec<usize>, each: usize| {
        // Of each failure only what was seen in it: the same pattern can belong to another incident at another time.
        let seen = |a: usize| {
            let (width, span) = (series(a).tally.timeline.width_ns(), scene.anomalies[a].span);
            let span = Span { start: span.start.plus(-width), end: span.end.plus(width) };
            series(a).tally.exemplars.iter().filter(move |exemplar| span.contains(exemplar.effect_time)).take(each)
        };
        let mut found: Vec<&Exemplar> = anomalies.into_iter().flat_map(seen).collect();
        found.sort();
        found.dedup();
        found
    };
    let mut exemplars = of(named, EVIDENCE);
    exemplars.truncate(EVIDENCE / 2);
    let grave = others.into_iter().filter(|a| series(*a).grave).collect();
    for other in of(grave, 1) {
        if !exemplars.contains(&other) {
            exemplars.push(other);
        }
    }
    exemplars.extend(&candidate.shown);
    exemplars.truncate(EVIDENCE);
    exemplars
}

/// Names as people say them.
fn display_name(component: &Component) -> String {
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

/// What a feature says.
fn meaning(feature: &str) -> &'static str {
    match feature {
        "explains" => "how much less surprising it makes what failed, in natural logarithms of odds",
        "kind" => "how readily its kind of evidence begins a cascade",
        "trigger" => "how telling it is that a change of it stands just before",
        "vague" => "it is only an address, a balancer or a job",
        "quiet" => "its own log goes on as usual meanwhile",
        "slower_than_baseline" => "it, or the way to it, is slower than in the baseline",
        "unlike_baseline" => "it no longer does what a request always made it do in the baseline",
        _ => "",
    }
}

/// Four decimals: more is noise, and looks like knowledge.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
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
        message: quoted(&exemplar.message),
        link: exemplar.timestamp.and_then(|at| super::link(&exemplar.log_name, &exemplar.insert_id, at)),
    }
}

/// The text as it is quoted: of a traceback its first line and the exception, with `…` for what is left out.
fn quoted(message: &str) -> String {
    if traceback::read(message).is_none() {
        return message.to_owned();
    }
    let first = message.lines().next().unwrap_or("");
    let exception = traceback::headline(message);
    let exception = exception.trim();
    if first.contains(exception) || !message.contains(exception) {
        return message.to_owned();
    }
    let is_last = message.trim_end().ends_with(exception);
    format!("{first}\n…\n{exception}{}", if is_last { "" } else { "\n…" })
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
    patterns.sort_by(|a, b| {
        b.count.cmp(&a.count).then_with(|| (&a.component, &a.signature).cmp(&(&b.component, &b.signature)))
    });
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
fn is_symptom(series: &Series<'_>) -> bool {
    series.role == Role::Effect
}
