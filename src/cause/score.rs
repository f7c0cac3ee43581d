//! What a candidate is worth before anything is explained, what a failure weighs, and how sure a lead makes.

use std::collections::BTreeMap;

use crate::entry::{Component, ComponentKind};
use crate::incident::{Scene, State};
use crate::pattern::Role;
use crate::time::Span;

use super::Feature;
use super::candidate::Candidate;

/// A failure that makes an incident weighs this much by itself, however seldom.
const BROKEN: f64 = 1.0;

/// How much the kind of evidence counts: the logarithm of its strength, times this.
const STRENGTH: f64 = 1.5;

/// What is left of strength where a candidate has only symptoms.
const LEAST_STRENGTH: f64 = 0.03;

/// What it costs to be only an address, a balancer or a job.
const VAGUE: f64 = -2.0;

/// What it costs when the candidate's own log goes on as usual meanwhile.
const QUIET: f64 = -2.0;

/// The weights of failures: those of one component tell of one another, so each weighs less the more there are.
pub(super) fn weights(scene: &Scene<'_>, among: &[usize]) -> Vec<f64> {
    let mut n: BTreeMap<&Component, f64> = BTreeMap::new();
    among.iter().for_each(|a| *n.entry(scene.anomalies[*a].component).or_default() += 1.0);
    among
        .iter()
        .map(|a| {
            let anomaly = &scene.anomalies[*a];
            let broken = if anomaly.state == State::Broken { BROKEN } else { 0.0 };
            (anomaly.weight + broken) / n[anomaly.component].sqrt()
        })
        .collect()
}

/// Log odds of a candidate before anything is explained.
pub(super) fn prior(scene: &Scene<'_>, candidate: &Candidate) -> f64 {
    terms(scene, candidate).iter().map(|term| term.value * term.weight).sum()
}

/// What these log odds are made of.
pub(super) fn terms(scene: &Scene<'_>, candidate: &Candidate) -> [Feature; 4] {
    let strength = LEAST_STRENGTH + (1.0 - LEAST_STRENGTH) * candidate.strength;
    let telling = candidate.trigger.as_ref().map_or(0.0, |(_, telling)| *telling);
    [
        Feature { name: "kind", value: strength.ln(), weight: STRENGTH },
        Feature { name: "trigger", value: telling, weight: 1.0 },
        Feature { name: "vague", value: vague(candidate), weight: VAGUE },
        Feature { name: "quiet", value: quiet(scene, candidate), weight: QUIET },
    ]
}

/// A database whose own log is in the export and goes on as usual is hardly down.
fn quiet(scene: &Scene<'_>, candidate: &Candidate) -> f64 {
    let logs = matches!(candidate.component.kind, ComponentKind::Database | ComponentKind::Cache | ComponentKind::Node);
    let own = candidate.own.iter().any(|a| scene.series[scene.anomalies[*a].series].role != Role::Effect);
    let goes_on = || scene.units.goes_on(&candidate.component, evidence_span(scene, candidate), scene.export.start);
    f64::from(logs && !own && goes_on())
}

fn evidence_span(scene: &Scene<'_>, candidate: &Candidate) -> Span {
    let evidence = candidate.own.iter().copied().chain(candidate.blamed.iter().map(|(a, _)| *a));
    let end = evidence.map(|a| scene.anomalies[a].span.end).max();
    Span { start: candidate.first, end: end.unwrap_or(candidate.first) }
}

/// Addresses and hosts without a known name say little; load balancers only pass on.
fn vague(candidate: &Candidate) -> f64 {
    match candidate.component.kind {
        ComponentKind::LoadBalancer => 1.0,
        ComponentKind::Job | ComponentKind::Other => 0.7,
        ComponentKind::Host | ComponentKind::Database | ComponentKind::Cache
            if crate::incident::is_address(&candidate.component.name) =>
        {
            0.2
        }
        _ => 0.0,
    }
}

/// Slope and offset of the logistic function that turns a lead over the best rival into a confidence.
const CONFIDENCE: [f64; 2] = [0.35, 0.0];

/// How sure a lead over the best rival makes, 0 to 1.
pub(super) fn confidence(lead: f64) -> f64 {
    let [slope, offset] = CONFIDENCE;
    (100.0 / (1.0 + (-(lead * slope + offset)).exp())).round() / 100.0
}
