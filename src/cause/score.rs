//! The score: named features, written weights, their sum.

use crate::entry::ComponentKind;
use crate::incident::Scene;
use crate::pattern::Role;
use crate::time::{SECOND, Span};

use super::candidate::{Candidate, is_foreign, is_unreachable, n_things, remote_things};
use super::explain::{Explanation, is_network};
use super::{Incident, Ranked};

/// A term of the score.
#[derive(Clone, Debug)]
pub struct Feature {
    /// Its name.
    pub name: &'static str,
    /// Its value, 0 to 1.
    pub value: f64,
    /// Its weight.
    pub weight: f64,
}

/// Feature names with their weights, fitted on the development cases.
pub const WEIGHTS: [(&str, f64); 10] = [
    ("coverage", 4.0),
    ("direct", 1.5),
    ("role", 1.2),
    ("early", 1.0),
    ("victims", 0.8),
    ("trigger", 0.8),
    ("specific", 0.3),
    ("explained_by_other", -3.0),
    ("vague", -1.5),
    ("quiet", -0.7),
];

/// Failures that start before a candidate's first evidence by less than this do not speak against it.
const EARLY_TOLERANCE_NS: i64 = 60 * SECOND;

/// Scores every candidate on the anomalies `among`.
pub(super) fn score(
    scene: &Scene<'_>,
    among: &[usize],
    explained: Vec<(Candidate, Explanation)>,
) -> Vec<(Ranked, Explanation)> {
    let total: f64 = among.iter().map(|a| scene.anomalies[*a].weight).sum::<f64>().max(1e-9);
    let parents: Vec<f64> = (0..explained.len()).map(|i| best_parent(scene, &explained, i)).collect();
    let scored = explained.into_iter().zip(parents).map(|((candidate, explanation), parent)| {
        let values = values(scene, among, total, &candidate, &explanation, parent);
        let features: Vec<Feature> =
            WEIGHTS.iter().zip(values).map(|(&(name, weight), value)| Feature { name, value, weight }).collect();
        let score = features.iter().map(|f| f.value * f.weight).sum();
        let explains = among.iter().filter(|a| explanation.of(**a) >= 0.5).map(|a| scene.anomalies[*a].count).sum();
        (Ranked { candidate, features, score, confidence: 0.0, explains }, explanation)
    });
    scored.collect()
}

fn values(
    scene: &Scene<'_>,
    among: &[usize],
    total: f64,
    candidate: &Candidate,
    explanation: &Explanation,
    parent: f64,
) -> [f64; 10] {
    let weighted =
        |share: &dyn Fn(usize) -> f64| among.iter().map(|a| share(*a) * scene.anomalies[*a].weight).sum::<f64>();
    let explained = weighted(&|a| explanation.of(a));
    let direct: f64 = candidate
        .own
        .iter()
        .map(|a| (*a, 1.0))
        .chain(candidate.blamed.iter().copied())
        .map(|(a, share)| share * scene.anomalies[a].weight)
        .sum();
    let late = weighted(&|a| {
        let before = candidate.first.since(scene.anomalies[a].span.start) > EARLY_TOLERANCE_NS;
        if before { explanation.of(a) } else { 0.0 }
    });
    [
        explained / total,
        (direct / total).min(1.0),
        candidate.strength,
        1.0 - late / explained.max(1e-9),
        1.0 - 1.0 / (1.0 + explanation.victims as f64),
        candidate.trigger.as_ref().map_or(0.0, |(_, plausible)| *plausible),
        candidate.signature.as_ref().map_or(0.0, |_| 1.0),
        parent,
        vague(candidate),
        quiet(scene, candidate),
    ]
}

/// A database whose own log is in the export and goes on as usual is hardly down.
fn quiet(scene: &Scene<'_>, candidate: &Candidate) -> f64 {
    let logs = matches!(candidate.component.kind, ComponentKind::Database | ComponentKind::Cache | ComponentKind::Node);
    let own = candidate.own.iter().any(|a| scene.series[scene.anomalies[*a].series].role != Role::Effect);
    f64::from(logs && !own && scene.writes_as_usual(&candidate.component, evidence_span(scene, candidate)))
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

/// How well another candidate explains what speaks for this one: its own failures, or those of its victims when a
/// network beneath it fails them and others alike.
fn best_parent(scene: &Scene<'_>, explained: &[(Candidate, Explanation)], i: usize) -> f64 {
    let (candidate, _) = &explained[i];
    let others = explained.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, other)| other);
    let best = others.map(|(other, explanation)| {
        let changed = other.component.kind == ComponentKind::Firewall && candidate.trigger.is_none();
        if is_network(other) && (!is_network(candidate) || changed) {
            beneath(scene, candidate, other, explanation)
        } else {
            f64::max(blamed_for(scene, candidate, other, explanation), only_victim(scene, candidate, other))
        }
    });
    best.fold(0.0, f64::max)
}

fn blamed_for(scene: &Scene<'_>, candidate: &Candidate, other: &Candidate, explanation: &Explanation) -> f64 {
    if !other.blamed.iter().any(|(a, _)| candidate.own.contains(a)) {
        return 0.0;
    }
    weighted_share(scene, candidate.own.iter().map(|a| (*a, 1.0)), explanation)
}

/// A single victim that also fails by itself rather failed by itself than by what it alone blames.
fn only_victim(scene: &Scene<'_>, candidate: &Candidate, other: &Candidate) -> f64 {
    let weight = |a: &usize, share: f64| scene.anomalies[*a].weight * share;
    let total: f64 = candidate.blamed.iter().map(|(a, share)| weight(a, *share)).sum();
    let by_other = candidate.blamed.iter().filter(|(a, _)| *scene.anomalies[*a].component == other.component);
    let by_other: f64 = by_other.map(|(a, share)| weight(a, *share)).sum();
    let own_rose = candidate.own.iter().any(|a| scene.anomalies[*a].risen);
    let alone = !own_rose && total > 0.0 && by_other >= ALONE * total;
    let by_itself = other.own.iter().any(|a| {
        let series = &scene.series[scene.anomalies[*a].series];
        let own =
            !is_foreign(&other.component, series.layer) && series.signature.is_some() && series.role != Role::Effect;
        own && scene.anomalies[*a].risen && scene.anomalies[*a].weight >= BY_ITSELF
    });
    if alone && by_itself { 0.5 } else { 0.0 }
}

/// Share of the blame that makes its author the only victim.
const ALONE: f64 = 0.8;

/// Weight of a failure of one's own that casts doubt on blaming another: some ten entries.
const BY_ITSELF: f64 = 3.0;

/// The share of a thing's victims that a network element explains, as far as it is believable: it fails calls to several
/// things, or was changed just before.
fn beneath(scene: &Scene<'_>, candidate: &Candidate, network: &Candidate, explanation: &Explanation) -> f64 {
    let explained = explanation.iter().filter(|(_, share)| *share >= 0.4).map(|(a, _)| &scene.anomalies[a]);
    let unreachable = explained.filter(|anomaly| is_unreachable(&scene.series[anomaly.series]));
    let things = n_things(unreachable.flat_map(remote_things));
    let changed = network.trigger.as_ref().map_or(0.0, |(_, plausible)| *plausible);
    let believable = f64::max(changed, if things >= 2 { 0.8 } else { 0.2 });
    let evidence = candidate.blamed.iter().copied().chain(candidate.own.iter().map(|a| (*a, 1.0)));
    believable * weighted_share(scene, evidence, explanation)
}

fn weighted_share(scene: &Scene<'_>, evidence: impl Iterator<Item = (usize, f64)>, explanation: &Explanation) -> f64 {
    let (mut explained, mut total) = (0.0, 0.0);
    for (a, share) in evidence {
        let weight = scene.anomalies[a].weight * share;
        explained += explanation.of(a) * weight;
        total += weight;
    }
    if total > 0.0 { explained / total } else { 0.0 }
}

/// Confidence is the logistic function of their sum: slope of the lead over the best rival, slope of the score, what
/// another incident at the same time costs, and the offset. Fitted on all causes of the development cases: 0.49, 0.42,
/// -1.39, -1.78; the third is set between that and the -2.6 of first causes alone, to state less rather than wrongly:
/// two incidents at once are too often one that was split.
const CONFIDENCE: [f64; 4] = [0.5, 0.4, -2.0, -1.8];

/// Leads beyond this say nothing more: the rivals are out anyway.
const LEAD_CAP: f64 = 3.0;

/// Confidence from the score, its lead over the best rival, and whether another incident runs beside its own.
pub(super) fn set_confidence(incidents: &mut [Incident]) {
    let spans: Vec<Span> = incidents.iter().map(|incident| incident.span).collect();
    for (me, incident) in incidents.iter_mut().enumerate() {
        let beside = spans.iter().enumerate().any(|(other, span)| other != me && span.overlaps(&incident.span));
        let scores: Vec<f64> = incident.causes.iter().map(|ranked| ranked.score).collect();
        for (i, ranked) in incident.causes.iter_mut().enumerate() {
            let rival = scores.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, s)| *s).fold(0.0, f64::max);
            ranked.confidence = confidence(ranked.score - rival, ranked.score, beside);
        }
    }
}

fn confidence(lead: f64, score: f64, beside: bool) -> f64 {
    let [by_lead, by_score, by_beside, offset] = CONFIDENCE;
    let sum = lead.min(LEAD_CAP) * by_lead + score * by_score + f64::from(beside) * by_beside + offset;
    (100.0 / (1.0 + (-sum).exp())).round() / 100.0
}
