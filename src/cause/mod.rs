//! Why: ranked candidates, each with what it explains, and the incidents that follow from them.

mod candidate;
mod explain;
mod quiet;
mod score;
pub mod silent;

pub use candidate::{Candidate, stands_alone};
pub use score::{Feature, WEIGHTS};

use crate::entry::{Component, ComponentKind};
use crate::incident::{self, Anomaly, Baseline, Scene};
use crate::pattern::{Catalogue, Layer, Role};
use crate::summary::Summary;
use crate::time::{SECOND, Span, Timestamp};

use explain::{ByComponent, Explanation};

/// Most candidates kept per incident.
const TOP: usize = 5;

/// Most incidents concluded.
const MAX_INCIDENTS: usize = 16;

/// An anomaly belongs to a root's incident when the root explains at least this much of it.
const BELONGS: f64 = 0.25;

/// Failures that belong to no root start an incident of their own when they weigh at least this much.
const SEED_WEIGHT: f64 = 1.7;

/// A gap this long without any failure ends an episode.
const EPISODE_GAP_NS: i64 = 300 * SECOND;

/// A candidate with its place.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// What is at fault.
    pub candidate: Candidate,
    /// The terms of its score.
    pub features: Vec<Feature>,
    /// Their weighted sum.
    pub score: f64,
    /// 0 to 1.
    pub confidence: f64,
    /// Entries of the incident that it explains.
    pub explains: u64,
}

/// Failures with one root.
#[derive(Clone, Debug)]
pub struct Incident {
    /// Indexes into [`Scene::anomalies`].
    pub anomalies: Vec<usize>,
    /// Onset to last failure.
    pub span: Span,
    /// Stretches without a long gap.
    pub episodes: Vec<Span>,
    /// Best first.
    pub causes: Vec<Ranked>,
}

/// Ranks causes, and splits what failed into one incident per root.
///
/// With a `baseline`, services that became slow or stopped doing what they did are candidates too; `told` says that the
/// caller knows when the fault began, so that faint suspects count as well.
pub fn rank(
    scene: &Scene<'_>,
    summary: &Summary,
    catalogue: &Catalogue,
    baseline: Option<&Baseline>,
    told: bool,
) -> Vec<Incident> {
    let mut incidents: Vec<Incident> = Vec::new();
    for stretch in stretches(scene) {
        incidents.extend(gather(scene, summary, catalogue, stretch));
    }
    let mut incidents = rejoin(incidents);
    for incident in &mut incidents {
        settle(scene, incident);
    }
    incidents.sort_by_key(|incident| incident.span.start);
    score::set_confidence(&mut incidents);
    if let Some(baseline) = baseline {
        quiet::add(scene, summary, baseline, told, &mut incidents);
    }
    incidents
}

/// Failures parted by this long a silence are not one incident, unless they have one root: a service that was mended and
/// broken again in another way fails with the same symptoms.
const SILENCE_NS: i64 = 900 * SECOND;

/// Anomalies by stretches of time without a long silence.
fn stretches(scene: &Scene<'_>) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..scene.anomalies.len()).collect();
    order.sort_by_key(|a| (scene.anomalies[*a].span, *a));
    let mut stretches: Vec<(Timestamp, Vec<usize>)> = Vec::new();
    for a in order {
        let span = scene.anomalies[a].span;
        match stretches.last_mut() {
            Some((end, stretch)) if span.start.since(*end) <= SILENCE_NS => {
                *end = (*end).max(span.end);
                stretch.push(a);
            }
            _ => stretches.push((span.end, vec![a])),
        }
    }
    stretches.into_iter().map(|(_, stretch)| stretch).collect()
}

/// The incidents among anomalies: root after root, each with what it explains.
fn gather(scene: &Scene<'_>, summary: &Summary, catalogue: &Catalogue, mut left: Vec<usize>) -> Vec<Incident> {
    let mut incidents: Vec<Incident> = Vec::new();
    while incidents.len() < MAX_INCIDENTS && is_seed(scene, summary, &left, incidents.is_empty()) {
        let ranked = ranked(scene, summary, catalogue, &left);
        let Some((best, explanation)) = ranked.first() else { break };
        let mut mine: Vec<usize> = left.iter().copied().filter(|a| explanation.of(*a) >= BELONGS).collect();
        if mine.is_empty() {
            break;
        }
        left.retain(|a| !mine.contains(a));
        match incidents.iter_mut().find(|earlier| !independent(scene, earlier, best, &mine)) {
            Some(earlier) => earlier.anomalies.append(&mut mine),
            None => {
                let causes = self::ranked(scene, summary, catalogue, &mine);
                let causes = causes.into_iter().map(|(ranked, _)| ranked).take(TOP).collect();
                incidents.push(found(scene, mine, causes));
            }
        }
    }
    join_beneath(scene, summary, catalogue, &mut incidents);
    absorb(scene, &mut incidents, left);
    incidents
}

/// An incident that stopped and returned with the same root is one, with episodes.
fn rejoin(incidents: Vec<Incident>) -> Vec<Incident> {
    let mut joined: Vec<Incident> = Vec::new();
    for mut incident in incidents {
        let root = |incident: &Incident| {
            incident.causes.first().map(|r| (r.candidate.component.clone(), r.candidate.signature.clone()))
        };
        match joined.iter_mut().find(|earlier| root(earlier) == root(&incident) && root(earlier).is_some()) {
            Some(earlier) => earlier.anomalies.append(&mut incident.anomalies),
            None => joined.push(incident),
        }
    }
    joined
}

/// Incidents at one time that a network beneath them explains better together than their roots do apart are one.
fn join_beneath(scene: &Scene<'_>, summary: &Summary, catalogue: &Catalogue, incidents: &mut Vec<Incident>) {
    let is_network = |ranked: &Ranked| explain::is_network(&ranked.candidate);
    let suspected = |incident: &Incident| incident.causes.iter().take(3).any(is_network);
    let mut at = 0;
    while at < incidents.len() {
        let further = (at + 1..incidents.len()).find_map(|other| {
            let (a, b) = (&incidents[at], &incidents[other]);
            if !overlap(a.span, b.span) || !(suspected(a) || suspected(b)) {
                return None;
            }
            let both: Vec<usize> = a.anomalies.iter().chain(&b.anomalies).copied().collect();
            let ranked = ranked(scene, summary, catalogue, &both);
            let (best, explanation) = ranked.first()?;
            let reaches = |incident: &Incident| incident.anomalies.iter().any(|a| explanation.of(*a) >= BELONGS);
            (is_network(best) && reaches(a) && reaches(b)).then(|| {
                let causes = ranked.into_iter().map(|(ranked, _)| ranked).take(TOP).collect();
                (other, found(scene, both, causes))
            })
        });
        match further {
            Some((other, joined)) => {
                incidents[at] = joined;
                incidents.remove(other);
            }
            None => at += 1,
        }
    }
}

/// True when what a further root gathers is an incident of its own and no more of an earlier one: at another time, on
/// components that have nothing to do with it, or with a cause that needs no other.
fn independent(scene: &Scene<'_>, earlier: &Incident, root: &Ranked, mine: &[usize]) -> bool {
    let span = hull(scene, mine);
    if !overlap(span, earlier.span) {
        return true;
    }
    let suffers = |component: &Component| earlier.anomalies.iter().any(|a| scene.anomalies[*a].component == component);
    let related = mine.iter().any(|a| {
        let component = scene.anomalies[*a].component;
        suffers(component)
            || scene.topology.dependencies(component).any(|(thing, _)| suffers(thing))
            || scene.topology.dependents(component).any(suffers)
    });
    let candidate = &root.candidate;
    let speaks = candidate.role == Role::Cause || candidate.strength >= STRONG_ALONE && candidate.count >= ERRORS_LEAST;
    let strong = speaks && candidate.count >= CAUSE_LEAST && !suffers(&candidate.component);
    let has_own = candidate.strength >= GATE_STRENGTH || candidate.trigger.is_some();
    has_own && (!related || strong)
}

/// Evidence this strong makes a further root an incident of its own beside one that it overlaps.
const STRONG_ALONE: f64 = 0.4;

/// Symptoms start before their cause is told, and end after it.
const OVERLAP_SLACK_NS: i64 = 60 * SECOND;

fn overlap(a: Span, b: Span) -> bool {
    a.start.plus(-OVERLAP_SLACK_NS) <= b.end && b.start.plus(-OVERLAP_SLACK_NS) <= a.end
}

fn hull(scene: &Scene<'_>, anomalies: &[usize]) -> Span {
    let spans = || anomalies.iter().map(|a| scene.anomalies[*a].span);
    Span {
        start: spans().map(|span| span.start).min().unwrap_or(scene.export.start),
        end: spans().map(|span| span.end).max().unwrap_or(scene.export.start),
    }
}

/// True when what is left can begin an incident: harm was done, and enough of it.
fn is_seed(scene: &Scene<'_>, summary: &Summary, left: &[usize], is_first: bool) -> bool {
    let failures_only = is_first && incident::holds_failures_only(summary);
    let grave: Vec<&Anomaly<'_>> = left
        .iter()
        .map(|a| &scene.anomalies[*a])
        .filter(|a| scene.series[a.series].grave && (failures_only || a.component.kind != ComponentKind::Job))
        .collect();
    let role = |anomaly: &Anomaly<'_>| scene.series[anomaly.series].role;
    let weight: f64 = grave.iter().map(|anomaly| anomaly.weight).sum();
    let harm = grave.iter().any(|anomaly| match role(anomaly) {
        Role::Effect => anomaly.risen && !is_nameless(scene, anomaly),
        Role::Cause => anomaly.risen || anomaly.count >= CAUSE_LEAST,
        // A connection that breaks without a name harms nobody by itself: clients come and go.
        _ => anomaly.risen && anomaly.count >= ERRORS_LEAST && !is_nameless(scene, anomaly),
    });
    // A single failure that is known to break things, and the thing it broke, on one component.
    let broke = || {
        grave.iter().any(|effect| {
            let is_broken = role(effect) == Role::Effect && effect.component.kind != ComponentKind::LoadBalancer;
            is_broken
                && grave.iter().any(|cause| {
                    let known = scene.series[cause.series].signature.is_some();
                    cause.component == effect.component && known && role(cause) != Role::Effect
                })
        })
    };
    weight >= SEED_WEIGHT && (harm || failures_only || is_first && broke())
}

fn is_nameless(scene: &Scene<'_>, anomaly: &Anomaly<'_>) -> bool {
    scene.series[anomaly.series].layer == Layer::Network && anomaly.blames.is_empty()
}

/// Entries of a signature that can begin a cascade by itself, to be an incident without a clear rise.
const CAUSE_LEAST: u64 = 3;

/// Errors without any known meaning, to be an incident.
const ERRORS_LEAST: u64 = 8;

fn ranked(scene: &Scene<'_>, summary: &Summary, catalogue: &Catalogue, among: &[usize]) -> Vec<(Ranked, Explanation)> {
    let candidates = candidate::candidates(scene, summary, catalogue, among);
    let mut by_component = ByComponent::new();
    among.iter().for_each(|a| by_component.entry(scene.anomalies[*a].component).or_default().push(*a));
    let explained: Vec<(Candidate, Explanation)> = candidates
        .into_iter()
        .map(|mut candidate| {
            let explanation = explain::explain(scene, &candidate, among, &by_component);
            candidate::describe_network(scene, &mut candidate, &explanation);
            (candidate, explanation)
        })
        .filter(|(_, explanation)| explanation.iter().next().is_some())
        .collect();
    let mut ranked = score::score(scene, among, explained);
    ranked.sort_by(|a, b| {
        b.0.score.total_cmp(&a.0.score).then_with(|| a.0.candidate.component.cmp(&b.0.candidate.component))
    });
    gate(&mut ranked);
    ranked
}

/// A candidate explains at least this share of the failures for symptoms to stand back behind it.
const GATE_COVERAGE: f64 = 0.3;

/// … and its own evidence is at least this strong.
const GATE_STRENGTH: f64 = 0.3;

/// A change of it this plausible is evidence of its own.
const GATE_TRIGGER: f64 = 0.5;

/// Role gate: what shows only symptoms does not rank before what has evidence of its own and explains enough.
fn gate(ranked: &mut [(Ranked, Explanation)]) {
    let coverage = |ranked: &Ranked| ranked.features.iter().find(|f| f.name == "coverage").map_or(0.0, |f| f.value);
    let has_own = |ranked: &Ranked| {
        let changed = ranked.candidate.trigger.as_ref().is_some_and(|(_, plausible)| *plausible >= GATE_TRIGGER);
        ranked.candidate.strength >= GATE_STRENGTH || changed
    };
    let is_cause = |ranked: &Ranked| has_own(ranked) && coverage(ranked) >= GATE_COVERAGE;
    let stands = ranked.first().is_some_and(|(first, _)| has_own(first));
    if stands || !ranked.iter().any(|(ranked, _)| is_cause(ranked)) {
        return;
    }
    ranked.sort_by_key(|(ranked, _)| !is_cause(ranked));
}

fn found(scene: &Scene<'_>, anomalies: Vec<usize>, causes: Vec<Ranked>) -> Incident {
    let mut incident = Incident { anomalies, span: scene.export, episodes: Vec::new(), causes };
    settle(scene, &mut incident);
    incident
}

/// Sets the incident's times from its anomalies.
fn settle(scene: &Scene<'_>, incident: &mut Incident) {
    incident.anomalies.sort_by_key(|a| (scene.anomalies[*a].span, *a));
    incident.episodes = episodes(incident.anomalies.iter().map(|a| scene.anomalies[*a].span).collect());
    let start = onset(scene, &incident.anomalies, &incident.causes);
    let end = incident.episodes.iter().map(|e| e.end).max().unwrap_or(start);
    incident.span = Span { start, end: end.max(start) };
}

/// The first grave failure that rose, not long before the root's own first evidence; sporadic ones only when nothing rose.
fn onset(scene: &Scene<'_>, anomalies: &[usize], causes: &[Ranked]) -> Timestamp {
    let root = causes.first().map_or(Timestamp::MIN, |ranked| ranked.candidate.first);
    let starts = |risen: bool| {
        let grave = anomalies.iter().map(|a| &scene.anomalies[*a]).filter(|a| scene.series[a.series].grave);
        grave
            .filter(move |a| a.risen == risen && root.since(a.span.start) <= BEFORE_ROOT_NS)
            .map(|a| a.span.start)
            .min()
    };
    let first = anomalies.iter().map(|a| scene.anomalies[*a].span.start).min();
    starts(true).or_else(|| starts(false)).or(first).unwrap_or(scene.export.start)
}

/// Failures that precede the root's first evidence by more than this belong to something else.
const BEFORE_ROOT_NS: i64 = 180 * SECOND;

fn episodes(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort();
    let mut episodes: Vec<Span> = Vec::new();
    for span in spans {
        match episodes.last_mut() {
            Some(last) if span.start.since(last.end) <= EPISODE_GAP_NS => last.end = last.end.max(span.end),
            _ => episodes.push(span),
        }
    }
    episodes
}

/// What no root explains goes to the incident it overlaps and shares a component with, else to the background.
fn absorb(scene: &Scene<'_>, incidents: &mut [Incident], left: Vec<usize>) {
    for a in left {
        let anomaly: &Anomaly<'_> = &scene.anomalies[a];
        let host = incidents.iter_mut().find(|incident| {
            // What failed long before the onset is the background of its component, not part of the incident.
            overlap(incident.span, anomaly.span)
                && incident.span.start.since(anomaly.span.start) <= BEFORE_ROOT_NS
                && incident.anomalies.iter().any(|other| scene.anomalies[*other].component == anomaly.component)
        });
        if let Some(incident) = host {
            incident.anomalies.push(a);
        }
    }
}
